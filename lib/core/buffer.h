/* A growing run of bytes. A zeroed one is empty and valid. */
#ifndef FHX__CORE_BUFFER_H
#define FHX__CORE_BUFFER_H

#include <fhirexport/status.h>

typedef struct fhx__buffer {
  char *data;
  size_t len;
  size_t capacity;
} fhx__buffer;

/* Makes room for `more` bytes behind len. FHX_OK or FHX_ERR_NO_MEMORY, as all that follow. */
int32_t fhx__buffer_reserve(fhx__buffer *buffer, size_t more);
int32_t fhx__buffer_append(fhx__buffer *buffer, const void *data, size_t len);
int32_t fhx__buffer_append_text(fhx__buffer *buffer, const char *text);
/* Puts a NUL behind the bytes, not counted in len. */
int32_t fhx__buffer_terminate(fhx__buffer *buffer);
/* Frees the memory; the buffer is empty and valid again. */
void fhx__buffer_free(fhx__buffer *buffer);

#endif
