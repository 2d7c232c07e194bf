/* The bytes of one file of a folder, unpacked if it is gzip. */
#ifndef FHX__SOURCE_BYTE_STREAM_H
#define FHX__SOURCE_BYTE_STREAM_H

#include <fhirexport/error.h>
#include <stdbool.h>

typedef struct fhx__byte_stream fhx__byte_stream;

/*
 * Opens `name` in the folder behind `folder_fd`, at `offset` in its unpacked bytes. `name` is
 * borrowed until the stream is closed; it is what messages call the file. All failures are
 * FHX_ERR_SOURCE or FHX_ERR_NO_MEMORY.
 */
int32_t fhx__byte_stream_open(int folder_fd, const char *name, bool gzip, uint64_t offset,
                              fhx__byte_stream **stream, fhx_error **error);

/* Reads up to `room` (above 0) bytes. FHX_OK: *count is at least 1. FHX_END. */
int32_t fhx__byte_stream_read(fhx__byte_stream *stream, void *data, size_t room, size_t *count,
                              fhx_error **error);

/* The file's name. */
const char *fhx__byte_stream_name(const fhx__byte_stream *stream);

/* NULL is harmless. */
void fhx__byte_stream_close(fhx__byte_stream *stream);

#endif
