/* Checksums as their standards define them, slow and plain: judges of the library's. */
#ifndef TEST_SUPPORT_CHECKSUM_H
#define TEST_SUPPORT_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

/* CRC-32C (RFC 3720, appendix B.4), bit by bit. */
uint32_t test_crc32c(const void *data, size_t len);

/* SHA-256 (FIPS 180-4). */
void test_sha256(uint8_t digest[32], const void *data, size_t len);

#endif
