/* Vectors of x86-64: SSE2, which each such processor has, and SSSE3 for the check of UTF-8. */
#include "ndjson/vector.h"

#if defined(__x86_64__)

#include <immintrin.h>

#include "ndjson/utf8_tables.h"

#define VECTOR_LEN 16
#define SSSE3 __attribute__((target("ssse3")))

static inline __m128i load(const unsigned char *at) {
  return _mm_loadu_si128((const __m128i *)at);
}

static inline __m128i equal(__m128i bytes, char c) {
  return _mm_cmpeq_epi8(bytes, _mm_set1_epi8(c));
}

static inline uint64_t marks_of(__m128i found) {
  return (uint64_t)(uint32_t)_mm_movemask_epi8(found);
}

static inline unsigned int first_place(uint64_t marks) {
  return (unsigned int)__builtin_ctzll(marks);
}

static inline uint64_t quotes_at(const unsigned char *at) {
  return marks_of(equal(load(at), '"'));
}

static inline uint64_t breaks_at(const unsigned char *at) {
  __m128i bytes = load(at);
  __m128i controls = _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(0x1F)), bytes);
  return marks_of(_mm_or_si128(controls, equal(bytes, '\\')));
}

#include "ndjson/walk_vector.h"

static bool walk_sse2(fhx__vector_walk *walk, const unsigned char *at) {
  return walk_resource(walk, at);
}

/* --- UTF-8 --- */

#define BLOCK_LEN (4 * VECTOR_LEN)

static inline bool is_ascii(const __m128i block[4]) {
  __m128i any = _mm_or_si128(_mm_or_si128(block[0], block[1]), _mm_or_si128(block[2], block[3]));
  return _mm_movemask_epi8(any) == 0;
}

static inline void load_block(__m128i block[4], const unsigned char *at) {
  for (int i = 0; i < 4; i++) block[i] = load(at + i * VECTOR_LEN);
}

/* Without SSSE3 only ASCII is fast. */
static bool is_utf8_sse2(const unsigned char *text, size_t len) {
  unsigned char last[BLOCK_LEN];
  for (size_t at = 0; at < len; at += BLOCK_LEN) {
    __m128i block[4];
    load_block(block, fhx__utf8_block(text + at, len - at, last, BLOCK_LEN));
    if (!is_ascii(block)) return fhx__is_utf8(text, len);
  }
  return true;
}

SSSE3 static inline __m128i look_up(const unsigned char table[16], __m128i nibbles) {
  return _mm_shuffle_epi8(load(table), nibbles);
}

SSSE3 static inline __m128i low_nibbles(__m128i bytes) {
  return _mm_and_si128(bytes, _mm_set1_epi8(0x0F));
}

/* Not zero where `bytes`, with `before` before them, are no UTF-8; see utf8_tables.h. */
SSSE3 static inline __m128i utf8_faults(__m128i bytes, __m128i before) {
  __m128i first = _mm_alignr_epi8(bytes, before, 15);
  __m128i second = _mm_alignr_epi8(bytes, before, 14);
  __m128i third = _mm_alignr_epi8(bytes, before, 13);
  __m128i pairs = look_up(fhx__utf8_high, low_nibbles(_mm_srli_epi16(first, 4)));
  pairs = _mm_and_si128(pairs, look_up(fhx__utf8_low, low_nibbles(first)));
  pairs = _mm_and_si128(pairs, look_up(fhx__utf8_next, low_nibbles(_mm_srli_epi16(bytes, 4))));
  /* The top bit: two or three bytes behind the first byte of a sequence that goes on here. */
  __m128i within = _mm_or_si128(_mm_subs_epu8(second, _mm_set1_epi8(0xE0 - 0x80)),
                                _mm_subs_epu8(third, _mm_set1_epi8(0xF0 - 0x80)));
  return _mm_xor_si128(pairs, _mm_and_si128(within, _mm_set1_epi8((char)FHX__UTF8_CONTINUES)));
}

/* Blocks of ASCII are passed over, unless a sequence goes on in them. One that is over has the same
   effect on the next block as ASCII, so it can stand for what was passed over. */
SSSE3 static bool is_utf8_ssse3(const unsigned char *text, size_t len) {
  unsigned char last[BLOCK_LEN];
  __m128i before = _mm_setzero_si128();
  __m128i faults = _mm_setzero_si128();
  bool is_open = false;
  for (size_t at = 0; at < len; at += BLOCK_LEN) {
    __m128i block[4];
    const unsigned char *bytes = fhx__utf8_block(text + at, len - at, last, BLOCK_LEN);
    load_block(block, bytes);
    if (is_ascii(block) && !is_open) continue;
    for (int i = 0; i < 4; i++) {
      faults = _mm_or_si128(faults, utf8_faults(block[i], before));
      before = block[i];
    }
    is_open = fhx__is_utf8_open(bytes + BLOCK_LEN);
  }
  return !is_open && marks_of(equal(faults, 0)) == 0xFFFF;
}

const fhx__vector_parts *fhx__parts_sse2(void) {
  static const fhx__vector_parts parts = {VECTOR_LEN, is_utf8_sse2, walk_sse2};
  return &parts;
}

const fhx__vector_parts *fhx__parts_ssse3(void) {
  static const fhx__vector_parts parts = {VECTOR_LEN, is_utf8_ssse3, walk_sse2};
  return __builtin_cpu_supports("ssse3") ? &parts : NULL;
}

#else

const fhx__vector_parts *fhx__parts_sse2(void) {
  return NULL;
}

const fhx__vector_parts *fhx__parts_ssse3(void) {
  return NULL;
}

#endif
