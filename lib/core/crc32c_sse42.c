/* CRC-32C by the processor's own instruction, on x86-64 machines that have it (SSE 4.2). */
#include "core/crc32c_sse42.h"

#if defined(__x86_64__)

#include <nmmintrin.h>
#include <string.h>

bool fhx__crc32c_sse42_works(void) {
  return __builtin_cpu_supports("sse4.2") != 0;
}

__attribute__((target("sse4.2"))) uint32_t fhx__crc32c_sse42(uint32_t crc, const uint8_t *data,
                                                             size_t len) {
  uint64_t state = ~crc;
  for (; len >= sizeof state; data += sizeof state, len -= sizeof state) {
    uint64_t eight = 0;
    memcpy(&eight, data, sizeof eight);
    state = _mm_crc32_u64(state, eight);
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
