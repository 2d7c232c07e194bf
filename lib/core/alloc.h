/* Memory: every allocation of the library goes through these functions. */
#ifndef FHX__CORE_ALLOC_H
#define FHX__CORE_ALLOC_H

#include <fhirexport/memory.h>

/* As malloc, calloc, realloc and free; a size of 0 counts as 1; products are checked. */
void *fhx__alloc(size_t byte_count);
void *fhx__alloc_zeroed(size_t count, size_t byte_count);
void *fhx__realloc(void *block, size_t byte_count);
void fhx__free(void *block);

/* A copy with a terminating NUL behind it; NULL data gives an empty copy. NULL when out of memory.
 */
char *fhx__copy_bytes(const void *data, size_t len);
char *fhx__copy_text(const char *text);

#endif
