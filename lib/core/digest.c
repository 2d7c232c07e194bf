/* CRC-32C by the processor or by eight tables (no library on the list has it), the others by
   OpenSSL. */
#include "core/digest.h"

#include <limits.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <pthread.h>
#include <string.h>

#include "core/crc32c_sse42.h"
#include "core/error.h"

#define POLYNOMIAL 0x82F63B78u /* Castagnoli, reflected */

static uint32_t tables[8][256];
static pthread_once_t tables_once = PTHREAD_ONCE_INIT;

static void fill_tables(void) {
  for (uint32_t i = 0; i < 256; i++) {
    uint32_t value = i;
    for (int bit = 0; bit < 8; bit++) value = (value >> 1) ^ ((value & 1) != 0 ? POLYNOMIAL : 0);
    tables[0][i] = value;
  }
  for (int t = 1; t < 8; t++) {
    for (uint32_t i = 0; i < 256; i++) {
      uint32_t before = tables[t - 1][i];
      tables[t][i] = (before >> 8) ^ tables[0][before & 255];
    }
  }
}

uint32_t fhx__crc32c(uint32_t crc, const void *data, size_t len) {
  return fhx__crc32c_sse42_works() ? fhx__crc32c_sse42(crc, data, len)
                                   : fhx__crc32c_tables(crc, data, len);
}

uint32_t fhx__crc32c_tables(uint32_t crc, const void *data, size_t len) {
  pthread_once(&tables_once, fill_tables);
  const uint8_t *at = data;
  crc = ~crc;
  for (; len >= 8; at += 8, len -= 8) {
    uint32_t low = crc ^ ((uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 |
                          (uint32_t)at[3] << 24);
    crc = tables[7][low & 255] ^ tables[6][low >> 8 & 255] ^ tables[5][low >> 16 & 255] ^
          tables[4][low >> 24] ^ tables[3][at[4]] ^ tables[2][at[5]] ^ tables[1][at[6]] ^
          tables[0][at[7]];
  }
  for (; len > 0; at++, len--) crc = (crc >> 8) ^ tables[0][(crc ^ *at) & 255];
  return ~crc;
}

static int32_t digest_failed(fhx_error **error) {
  return fhx__fail(error, FHX_ERR_INTERNAL, "OpenSSL could not compute a SHA-256");
}

int32_t fhx__sha256_begin(fhx__sha256 *digest, fhx_error **error) {
  if (digest->context == NULL) digest->context = EVP_MD_CTX_new();
  if (digest->context == NULL) return fhx__no_memory(error);
  if (EVP_DigestInit_ex(digest->context, EVP_sha256(), NULL) != 1) return digest_failed(error);
  return FHX_OK;
}

int32_t fhx__sha256_update(fhx__sha256 *digest, const void *data, size_t len, fhx_error **error) {
  return EVP_DigestUpdate(digest->context, data, len) == 1 ? FHX_OK : digest_failed(error);
}

int32_t fhx__sha256_end(fhx__sha256 *digest, uint8_t sum[FHX__SHA256_LEN], fhx_error **error) {
  return EVP_DigestFinal_ex(digest->context, sum, NULL) == 1 ? FHX_OK : digest_failed(error);
}

void fhx__sha256_free(fhx__sha256 *digest) {
  EVP_MD_CTX_free(digest->context);
  digest->context = NULL;
}

int32_t fhx__hmac_sha256(const void *key, size_t key_len, const void *data, size_t len,
                         uint8_t sum[FHX__SHA256_LEN], fhx_error **error) {
  unsigned int sum_len = 0;
  if (key_len <= INT_MAX &&
      HMAC(EVP_sha256(), key_len == 0 ? "" : key, (int)key_len, data, len, sum, &sum_len) != NULL) {
    return FHX_OK;
  }
  return fhx__fail(error, FHX_ERR_INTERNAL, "OpenSSL could not compute an HMAC-SHA-256");
}

int32_t fhx__md5(const void *data, size_t len, uint8_t sum[FHX__MD5_LEN], fhx_error **error) {
  if (EVP_Digest(data, len, sum, NULL, EVP_md5(), NULL) == 1) return FHX_OK;
  return fhx__fail(error, FHX_ERR_INTERNAL, "OpenSSL could not compute an MD5");
}
