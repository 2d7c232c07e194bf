/* Checksums of what is written. */
#ifndef FHX__CORE_DIGEST_H
#define FHX__CORE_DIGEST_H

#include <fhirexport/error.h>

#define FHX__SHA256_LEN 32
#define FHX__MD5_LEN 16

/* CRC-32C (Castagnoli) of more bytes; begin with 0. */
uint32_t fhx__crc32c(uint32_t crc, const void *data, size_t len);
/* The same without the processor's instruction for it. */
uint32_t fhx__crc32c_tables(uint32_t crc, const void *data, size_t len);

/* A running SHA-256. */
typedef struct fhx__sha256 {
  void *context;
} fhx__sha256;

int32_t fhx__sha256_begin(fhx__sha256 *digest, fhx_error **error);
int32_t fhx__sha256_update(fhx__sha256 *digest, const void *data, size_t len, fhx_error **error);
/* Stores the digest; then or at any time fhx__sha256_free, harmless on a zeroed one. */
int32_t fhx__sha256_end(fhx__sha256 *digest, uint8_t sum[FHX__SHA256_LEN], fhx_error **error);
void fhx__sha256_free(fhx__sha256 *digest);

int32_t fhx__hmac_sha256(const void *key, size_t key_len, const void *data, size_t len,
                         uint8_t sum[FHX__SHA256_LEN], fhx_error **error);

/* Against faults on the way, as HTTP has it in Content-MD5; it proves nothing to anybody. */
int32_t fhx__md5(const void *data, size_t len, uint8_t sum[FHX__MD5_LEN], fhx_error **error);

#endif
