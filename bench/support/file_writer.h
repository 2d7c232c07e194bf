/* A file written in large pieces, as the library writes its parts. */
#ifndef BENCH_FILE_WRITER_H
#define BENCH_FILE_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FILE_WRITER_PIECE ((size_t)1 << 20)

typedef struct file_writer {
  int descriptor;
  char *piece;
  size_t used;
  uint64_t bytes;
} file_writer;

/* Makes a new file. Every function says on stderr what is wrong. */
bool file_writer_open(file_writer *file, const char *path);
bool file_writer_put(file_writer *file, const void *data, size_t len);
/* Writes what is left, syncs the file and closes it. */
bool file_writer_close(file_writer *file);

#endif
