/* Vectors of aarch64: NEON, which each such processor has. */
#include "ndjson/vector.h"

#if defined(__aarch64__) && defined(__ARM_NEON) && !defined(__AARCH64EB__)

#include <arm_neon.h>

#include "ndjson/utf8_tables.h"

#define VECTOR_LEN 16

/* Four bits for each byte, all ones or zero: there is no cheaper way from a vector to a word. */
static inline uint64_t marks_of(uint8x16_t found) {
  uint8x8_t narrow = vshrn_n_u16(vreinterpretq_u16_u8(found), 4);
  return vget_lane_u64(vreinterpret_u64_u8(narrow), 0);
}

static inline unsigned int first_place(uint64_t marks) {
  return (unsigned int)__builtin_ctzll(marks) / 4;
}

static inline uint64_t quotes_at(const unsigned char *at) {
  return marks_of(vceqq_u8(vld1q_u8(at), vdupq_n_u8('"')));
}

static inline uint64_t breaks_at(const unsigned char *at) {
  uint8x16_t bytes = vld1q_u8(at);
  return marks_of(vorrq_u8(vcltq_u8(bytes, vdupq_n_u8(' ')), vceqq_u8(bytes, vdupq_n_u8('\\'))));
}

#include "ndjson/walk_vector.h"

static bool walk_neon(fhx__vector_walk *walk, const unsigned char *at) {
  return walk_resource(walk, at);
}

/* --- UTF-8 --- */

#define BLOCK_LEN (4 * VECTOR_LEN)

static inline uint8x16_t look_up(const unsigned char table[16], uint8x16_t nibbles) {
  return vqtbl1q_u8(vld1q_u8(table), nibbles);
}

/* Not zero where `bytes`, with `before` before them, are no UTF-8; see utf8_tables.h. */
static inline uint8x16_t utf8_faults(uint8x16_t bytes, uint8x16_t before) {
  uint8x16_t first = vextq_u8(before, bytes, 15);
  uint8x16_t second = vextq_u8(before, bytes, 14);
  uint8x16_t third = vextq_u8(before, bytes, 13);
  uint8x16_t pairs = look_up(fhx__utf8_high, vshrq_n_u8(first, 4));
  pairs = vandq_u8(pairs, look_up(fhx__utf8_low, vandq_u8(first, vdupq_n_u8(0x0F))));
  pairs = vandq_u8(pairs, look_up(fhx__utf8_next, vshrq_n_u8(bytes, 4)));
  /* The top bit: two or three bytes behind the first byte of a sequence that goes on here. */
  uint8x16_t within = vorrq_u8(vqsubq_u8(second, vdupq_n_u8(0xE0 - 0x80)),
                               vqsubq_u8(third, vdupq_n_u8(0xF0 - 0x80)));
  return veorq_u8(pairs, vandq_u8(within, vdupq_n_u8(FHX__UTF8_CONTINUES)));
}

/* As in vector_sse.c: blocks of ASCII are passed over, unless a sequence goes on in them. */
static bool is_utf8_neon(const unsigned char *text, size_t len) {
  unsigned char last[BLOCK_LEN];
  uint8x16_t before = vdupq_n_u8(0);
  uint8x16_t faults = vdupq_n_u8(0);
  bool is_open = false;
  for (size_t at = 0; at < len; at += BLOCK_LEN) {
    const unsigned char *bytes = fhx__utf8_block(text + at, len - at, last, BLOCK_LEN);
    uint8x16_t block[4];
    for (int i = 0; i < 4; i++) block[i] = vld1q_u8(bytes + i * VECTOR_LEN);
    uint8x16_t any = vorrq_u8(vorrq_u8(block[0], block[1]), vorrq_u8(block[2], block[3]));
    if (vmaxvq_u8(any) < 0x80 && !is_open) continue;
    for (int i = 0; i < 4; i++) {
      faults = vorrq_u8(faults, utf8_faults(block[i], before));
      before = block[i];
    }
    is_open = fhx__is_utf8_open(bytes + BLOCK_LEN);
  }
  return !is_open && vmaxvq_u8(faults) == 0;
}

const fhx__vector_parts *fhx__parts_neon(void) {
  static const fhx__vector_parts parts = {VECTOR_LEN, is_utf8_neon, walk_neon};
  return &parts;
}

#else

const fhx__vector_parts *fhx__parts_neon(void) {
  return NULL;
}

#endif
