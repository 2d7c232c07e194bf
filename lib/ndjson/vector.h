/*
 * What the scan of faultless text is made of. vector.c begins and ends it; walk_vector.h is its
 * grammar, which each file with vector instructions (vector_*.c) makes part of itself.
 */
#ifndef FHX__NDJSON_VECTOR_H
#define FHX__NDJSON_VECTOR_H

#include "ndjson/scanner.h"
#include "ndjson/variant.h"

typedef struct fhx__vector_walk {
  /* Before this place a vector can be read. */
  const unsigned char *vectors_end;
  /* The last byte of the text, a brace. */
  const unsigned char *last;
  /* What is not yet copied begins at `run`; `written` bytes are out. `out` is NULL when only
     checking. */
  const unsigned char *run;
  unsigned char *out;
  size_t written;
  /* One bit; below it are as many as there can be levels from the object with the facts on. */
  uint64_t levels_end;
  /* For the facts, and for the functions of the plain scanner. */
  fhx__scanner scanner;
} fhx__vector_walk;

/* The parts of a variant. */
typedef struct fhx__vector_parts {
  size_t vector_len;
  bool (*is_utf8)(const unsigned char *text, size_t len);
  /* Walks the text, which is UTF-8, from its first brace, at `at`, to its last. */
  bool (*walk)(fhx__vector_walk *walk, const unsigned char *at);
} fhx__vector_parts;

/* NULL where the build or the machine has not what it takes. */
const fhx__vector_parts *fhx__parts_sse2(void);
const fhx__vector_parts *fhx__parts_ssse3(void);
const fhx__vector_parts *fhx__parts_neon(void);

#endif
