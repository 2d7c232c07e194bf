/* CRC-32C by the processor's own instruction. */
#ifndef FHX__CORE_CRC32C_SSE42_H
#define FHX__CORE_CRC32C_SSE42_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

bool fhx__crc32c_sse42_works(void);
/* As fhx__crc32c; only where it works. */
uint32_t fhx__crc32c_sse42(uint32_t crc, const uint8_t *data, size_t len);

#endif
