/*
 * A file to a gzip file by zlib, level 1.
 *
 *   bench_zlib IN OUT
 */
#include <zlib.h>

#include "support/pipe.h"

#define LEVEL 1
#define GZIP_WINDOW (15 + 16)

struct deflation {
  z_stream stream;
  unsigned char out[256 * 1024];
};

static bool deflate_piece(void *context, const char *data, size_t len, bool last,
                          file_writer *out) {
  struct deflation *to = context;
  to->stream.next_in = (z_const Bytef *)data;
  to->stream.avail_in = (uInt)len;
  do {
    to->stream.next_out = to->out;
    to->stream.avail_out = sizeof to->out;
    if (deflate(&to->stream, last ? Z_FINISH : Z_NO_FLUSH) == Z_STREAM_ERROR) return false;
    if (!file_writer_put(out, to->out, sizeof to->out - to->stream.avail_out)) return false;
  } while (to->stream.avail_out == 0);
  return true;
}

int main(int argc, char **argv) {
  static struct deflation to;
  if (deflateInit2(&to.stream, LEVEL, Z_DEFLATED, GZIP_WINDOW, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
    return 1;
  }
  int code = pipe_run(argc, argv, deflate_piece, &to);
  deflateEnd(&to.stream);
  return code;
}
