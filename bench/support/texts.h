/*
 * A file of resources in memory. In the file each resource ends with a NUL byte, which no JSON
 * holds, so that pretty-printed ones keep their bounds. They are found before any measuring.
 */
#ifndef BENCH_TEXTS_H
#define BENCH_TEXTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* So many bytes behind the last resource may be read, though they mean nothing. */
#define TEXTS_PADDING 256

typedef struct texts {
  char *data;
  size_t len;
  /* Resource i is the bytes from begins[i] up to the NUL before begins[i + 1]. */
  size_t *begins;
  size_t count;
  size_t longest;
} texts;

#ifdef __cplusplus
extern "C" {
#endif

/* Says on stderr what is wrong. texts_free in either case. */
bool texts_read(texts *all, const char *path);
void texts_free(texts *all);

/* Reads "PROGRAM FILE [TIMES]". TIMES is how often all texts are gone through, 1 if not given;
   0 does nothing but read them. */
bool texts_arguments(int argc, char **argv, texts *all, unsigned long *times);

#ifdef __cplusplus
}
#endif

#endif
