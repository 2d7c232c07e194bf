/*
 * A part in gzip with an index, read as what it holds, from any byte on. Only the blocks that are
 * wanted are read; nothing of a block is given before all of it is known to be sound.
 */
#ifndef FHX__GZIP_READER_H
#define FHX__GZIP_READER_H

#include "gzip/stream.h"

typedef struct fhx__gzip_reader fhx__gzip_reader;

/*
 * Opens the file of `stored` bytes behind `descriptor`, which is borrowed. FHX_ERR_IO, not
 * retryable: it is not such a file, or not whole.
 */
int32_t fhx__gzip_reader_open(int descriptor, uint64_t stored, const fhx__gzip_codec *codec,
                              fhx__gzip_reader **reader, fhx_error **error);

/* How long the first member is, which is what clients get, and what it holds. */
const fhx__gzip_extent *fhx__gzip_reader_extent(const fhx__gzip_reader *reader);

/* The bytes from here on are wanted; called before the first read, if at all. */
void fhx__gzip_reader_seek(fhx__gzip_reader *reader, uint64_t offset);

/*
 * The next bytes, at most `capacity`, at least 1. FHX_END: there are no more. FHX_ERR_IO: the file
 * is damaged or could not be read; nothing that was damaged has been given.
 */
int32_t fhx__gzip_reader_read(fhx__gzip_reader *reader, void *buffer, size_t capacity, size_t *len,
                              fhx_error **error);

/* NULL is harmless. */
void fhx__gzip_reader_close(fhx__gzip_reader *reader);

#endif
