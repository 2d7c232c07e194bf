#include "support/pipe.h"

#include <stdlib.h>
#include <string.h>

#include "support/stopwatch.h"

static uint64_t count_lines(const char *data, size_t len) {
  uint64_t count = 0;
  for (const char *at = data; (at = memchr(at, '\n', len - (size_t)(at - data))) != NULL; at++) {
    count++;
  }
  return count;
}

static bool run(FILE *in, file_writer *out, pipe_step step, void *context, uint64_t *lines) {
  char *data = malloc(FILE_WRITER_PIECE);
  bool going = data != NULL;
  bool last = false;
  while (going && !last) {
    size_t len = fread(data, 1, FILE_WRITER_PIECE, in);
    last = len < FILE_WRITER_PIECE;
    *lines += count_lines(data, len);
    going = step(context, data, len, last, out);
  }
  free(data);
  return going && ferror(in) == 0;
}

int pipe_run(int argc, char **argv, pipe_step step, void *context) {
  if (argc != 3) {
    fprintf(stderr, "Usage: %s IN OUT\n", argv[0]);
    return 2;
  }
  file_writer out;
  uint64_t lines = 0;
  stopwatch start = stopwatch_start();
  FILE *in = fopen(argv[1], "rb");
  if (in == NULL) {
    perror(argv[1]);
    return 1;
  }
  setbuf(in, NULL);
  bool done = file_writer_open(&out, argv[2]) && run(in, &out, step, context, &lines);
  uint64_t bytes = out.bytes;
  done = file_writer_close(&out) && done;
  fclose(in);
  if (done) stopwatch_print(&start, lines, bytes);
  return done ? 0 : 1;
}
