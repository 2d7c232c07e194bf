/* Passing white space and copying what lies between: the hot path of pretty-printed input. */
#ifndef FHX__NDJSON_SPACE_H
#define FHX__NDJSON_SPACE_H

#include <string.h>

#include "ndjson/scanner.h"
#include "ndjson/swar.h"

/* Runs up to the first length are copied in blocks of the second, longer ones by memcpy. */
#define FHX__SHORT_RUN 64
#define FHX__BLOCK 16

/* The first place from `at` on that is no white space. */
static inline const unsigned char *fhx__skip_space(const unsigned char *at,
                                                   const unsigned char *end) {
  while (at < end && fhx__is_space(*at)) {
    at++;
    /* One space behind a colon is the most frequent of all. */
    if ((at < end) && (*at > ' ')) break;
    while (end - at >= FHX__WORD_LEN) {
      uint64_t others = fhx__other_than_space(fhx__load_word(at));
      if (others != 0) {
        at += fhx__first_byte(others);
        break;
      }
      at += FHX__WORD_LEN;
    }
  }
  return at;
}

/*
 * Copies `len` bytes at `run`. Whole blocks may pass the run's end: as long as the input goes on
 * for a block behind the run, both sides have room, since never more is written than was read.
 */
static inline void fhx__copy(unsigned char *to, const unsigned char *run, size_t len,
                             const unsigned char *end) {
  if (len > FHX__SHORT_RUN || (size_t)(end - run) < len + FHX__BLOCK) {
    memcpy(to, run, len);
    return;
  }
  size_t done = 0;
  do {
    memcpy(to + done, run + done, FHX__BLOCK);
    done += FHX__BLOCK;
  } while (done < len);
}

/* Copies from the scanner's run to `upto`; the next run begins at `next`. */
static inline void fhx__copy_run(fhx__scanner *scanner, const unsigned char *upto,
                                 const unsigned char *next) {
  const unsigned char *run = scanner->run;
  size_t len = (size_t)(upto - run);
  if (scanner->out != NULL) fhx__copy(scanner->out + scanner->written, run, len, scanner->end);
  scanner->written += len;
  scanner->run = next;
}

#endif
