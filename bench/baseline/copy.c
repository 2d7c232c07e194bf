/*
 * A file to a file, untouched.
 *
 *   bench_copy IN OUT
 */
#include "support/pipe.h"

static bool copy(void *context, const char *data, size_t len, bool last, file_writer *out) {
  (void)context;
  (void)last;
  return file_writer_put(out, data, len);
}

int main(int argc, char **argv) {
  return pipe_run(argc, argv, copy, NULL);
}
