/* The lines of a byte stream, in batches. */
#ifndef FHX__SOURCE_LINE_READER_H
#define FHX__SOURCE_LINE_READER_H

#include "core/buffer.h"
#include "source/byte_stream.h"

/* The longest line of a folder's files. */
#define FHX__LINE_MAX (UINT64_C(1) << 30)

typedef struct fhx__line_reader fhx__line_reader;

/* Lines one behind the other, each with its line feed and the blank lines before it. */
typedef struct fhx__lines {
  const char *data;
  size_t len;
  uint64_t count;
  const uint64_t *ends;
  /* Where the last line ends in the unpacked file. */
  uint64_t end_offset;
} fhx__lines;

/* Takes over `stream`, which stands at `offset` of its file, also when it fails. A line longer than
   `line_max`, its line feed included, is an error of the file. */
int32_t fhx__line_reader_open(fhx__byte_stream *stream, uint64_t offset, uint64_t line_max,
                              fhx__line_reader **reader, fhx_error **error);

/*
 * About `want` bytes of lines, at least one. A line of white space is no line; the last one needs
 * no line feed. *lines is borrowed until the next call. FHX_OK, FHX_END.
 */
int32_t fhx__line_reader_next(fhx__line_reader *reader, size_t want, fhx__lines *lines,
                              fhx_error **error);

/* Closes the stream too. NULL is harmless. */
void fhx__line_reader_close(fhx__line_reader *reader);

#endif
