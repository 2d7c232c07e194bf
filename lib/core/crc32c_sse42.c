/*
 * CRC-32C by the processor's own instruction, on x86-64 machines that have it (SSE 4.2), and its
 * multiplication without carries.
 *
 * One instruction has to wait for the one before it three times as long as it takes. So three
 * stretches of equal length are summed up beside each other, and put together: the sum of what is
 * before a stretch is multiplied by the power of x that its length stands for.
 */
#include "core/crc32c_sse42.h"

#if defined(__x86_64__)

#include <nmmintrin.h>
#include <string.h>
#include <wmmintrin.h>

#define SSE42 __attribute__((target("sse4.2,pclmul")))

#define STRETCH ((size_t)1024)
/* x to the 8 * STRETCH - 33 and to the 16 * STRETCH - 33, modulo the polynomial: the product of two
   reflected numbers is off by one bit, and the instruction that reduces it multiplies by x^32. */
#define BEHIND_ONE INT64_C(0x170076FA)
#define BEHIND_TWO INT64_C(0xA51B6135)

bool fhx__crc32c_sse42_works(void) {
  return __builtin_cpu_supports("sse4.2") != 0 && __builtin_cpu_supports("pclmul") != 0;
}

SSE42 static inline uint64_t add_eight(uint64_t state, const uint8_t *data) {
  uint64_t eight = 0;
  memcpy(&eight, data, sizeof eight);
  return _mm_crc32_u64(state, eight);
}

SSE42 static inline __m128i multiply(uint64_t state, int64_t power) {
  return _mm_clmulepi64_si128(_mm_cvtsi64_si128((int64_t)state), _mm_cvtsi64_si128(power), 0);
}

/* Three stretches from `data` on. */
SSE42 static uint64_t add_three(uint64_t state, const uint8_t *data) {
  uint64_t second = 0, third = 0;
  for (size_t at = 0; at < STRETCH; at += sizeof state) {
    state = add_eight(state, data + at);
    second = add_eight(second, data + STRETCH + at);
    third = add_eight(third, data + 2 * STRETCH + at);
  }
  __m128i before = _mm_xor_si128(multiply(state, BEHIND_TWO), multiply(second, BEHIND_ONE));
  return third ^ _mm_crc32_u64(0, (uint64_t)_mm_cvtsi128_si64(before));
}

SSE42 uint32_t fhx__crc32c_sse42(uint32_t crc, const uint8_t *data, size_t len) {
  uint64_t state = ~crc;
  for (; len >= 3 * STRETCH; data += 3 * STRETCH, len -= 3 * STRETCH) {
    state = add_three(state, data);
  }
  for (; len >= sizeof state; data += sizeof state, len -= sizeof state) {
    state = add_eight(state, data);
  }
  for (; len > 0; data++, len--) state = _mm_crc32_u8((uint32_t)state, *data);
  return ~(uint32_t)state;
}

#else

bool fhx__crc32c_sse42_works(void) {
  return false;
}

uint32_t fhx__crc32c_sse42(uint32_t crc, const uint8_t *data, size_t len) {
  (void)data;
  (void)len;
  return crc;
}

#endif
