/*
 * A file to a gzip file by ISA-L's igzip, level 1.
 *
 *   bench_igzip IN OUT
 */
#include <isa-l.h>

#include "support/pipe.h"

struct deflation {
  struct isal_zstream stream;
  uint8_t level_buffer[ISAL_DEF_LVL1_DEFAULT];
  uint8_t out[256 * 1024];
};

static bool deflate_piece(void *context, const char *data, size_t len, bool last,
                          file_writer *out) {
  struct deflation *to = context;
  to->stream.next_in = (uint8_t *)(uintptr_t)data; /* only read */
  to->stream.avail_in = (uint32_t)len;
  to->stream.end_of_stream = last;
  do {
    to->stream.next_out = to->out;
    to->stream.avail_out = sizeof to->out;
    if (isal_deflate(&to->stream) != COMP_OK) return false;
    if (!file_writer_put(out, to->out, sizeof to->out - to->stream.avail_out)) return false;
  } while (to->stream.avail_out == 0);
  return true;
}

int main(int argc, char **argv) {
  static struct deflation to;
  isal_deflate_init(&to.stream);
  to.stream.level = 1;
  to.stream.level_buf = to.level_buffer;
  to.stream.level_buf_size = sizeof to.level_buffer;
  to.stream.gzip_flag = IGZIP_GZIP;
  to.stream.flush = NO_FLUSH;
  return pipe_run(argc, argv, deflate_piece, &to);
}
