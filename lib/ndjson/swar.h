/*
 * Eight bytes at a time in one 64-bit word, in plain C. The first byte in memory is the lowest of
 * the word on every machine. A mask has the top bit of each byte that was found.
 */
#ifndef FHX__NDJSON_SWAR_H
#define FHX__NDJSON_SWAR_H

#include <stddef.h>
#include <stdint.h>

#define FHX__WORD_LEN 8

/* A word with `byte` in all eight places. */
#define FHX__EIGHT(byte) (UINT64_C(0x0101010101010101) * (byte))

/* Compilers make one load of this, with a byte swap where one is needed. */
static inline uint64_t fhx__load_word(const unsigned char *at) {
  return (uint64_t)at[0] | (uint64_t)at[1] << 8 | (uint64_t)at[2] << 16 | (uint64_t)at[3] << 24 |
         (uint64_t)at[4] << 32 | (uint64_t)at[5] << 40 | (uint64_t)at[6] << 48 |
         (uint64_t)at[7] << 56;
}

/*
 * The bytes that need a look inside a string: quote, backslash, below 0x20, above 0x7F. Only the
 * lowest of them is exact: a borrow may mark bytes above a found one. Flipping bit 1 puts the quote
 * at 0x20, just above the control characters, so that one subtraction finds both. A byte above 0x7F
 * keeps its top bit through at least one of the two subtractions.
 */
static inline uint64_t fhx__special_bytes(uint64_t word) {
  uint64_t quote_or_control = (word ^ FHX__EIGHT(0x02)) - FHX__EIGHT(0x21);
  uint64_t backslash = (word ^ FHX__EIGHT('\\')) - FHX__EIGHT(0x01);
  return (quote_or_control | backslash) & FHX__EIGHT(0x80);
}

/* Quotes and backslashes; only the lowest is exact. */
static inline uint64_t fhx__quotes(uint64_t word) {
  uint64_t quote = word ^ FHX__EIGHT('"');
  uint64_t backslash = word ^ FHX__EIGHT('\\');
  return (((quote - FHX__EIGHT(0x01)) & ~quote) | ((backslash - FHX__EIGHT(0x01)) & ~backslash)) &
         FHX__EIGHT(0x80);
}

/* The bytes other than a space; exact. */
static inline uint64_t fhx__other_than_space(uint64_t word) {
  uint64_t difference = word ^ FHX__EIGHT(' ');
  return (((difference & FHX__EIGHT(0x7F)) + FHX__EIGHT(0x7F)) | difference) & FHX__EIGHT(0x80);
}

/* The place of the first byte in a mask that is not 0. (Below the lowest bit of the mask everything
   turns to ones: one more byte begins there than lies before the found one.) */
static inline size_t fhx__first_byte(uint64_t mask) {
  uint64_t begun = (mask - 1) & FHX__EIGHT(0x01);
  return (size_t)((begun * FHX__EIGHT(0x01)) >> 56) - 1;
}

#endif
