/* Signed links. */
#include "protocol/link.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <string.h>

#include "core/alloc.h"
#include "core/digest.h"
#include "core/names.h"

#define SIGNATURE_LEN ((size_t)2 * FHX__SHA256_LEN)

static int32_t random_key(fhx__link_key *key, fhx_error **error) {
  key->data = fhx__alloc(FHX__LINK_KEY_MIN);
  if (key->data == NULL) return fhx__no_memory(error);
  key->len = FHX__LINK_KEY_MIN;
  if (RAND_bytes(key->data, FHX__LINK_KEY_MIN) == 1) return FHX_OK;
  return fhx__fail(error, FHX_ERR_IO, "the system's random generator gave nothing");
}

static int32_t copy_key(fhx__link_key *key, const void *data, size_t len, fhx_error **error) {
  if (data == NULL || len < FHX__LINK_KEY_MIN) {
    return fhx__fail(error, FHX_ERR_ARGUMENT, "a key of url_keys is shorter than %d bytes",
                     FHX__LINK_KEY_MIN);
  }
  key->data = (unsigned char *)fhx__copy_bytes(data, len);
  key->len = len;
  return key->data == NULL ? fhx__no_memory(error) : FHX_OK;
}

int32_t fhx__link_keys_init(fhx__link_keys *keys, const void *const *given, const size_t *lens,
                            uint64_t count, fhx_error **error) {
  bool made_up = count == 0;
  keys->count = made_up ? 1 : count;
  keys->keys = fhx__alloc_zeroed((size_t)keys->count, sizeof *keys->keys);
  if (keys->keys == NULL) return fhx__no_memory(error);
  if (made_up) return random_key(&keys->keys[0], error);
  int32_t status = FHX_OK;
  for (uint64_t i = 0; status == FHX_OK && i < count; i++) {
    status = copy_key(&keys->keys[i], given[i], lens[i], error);
  }
  return status;
}

void fhx__link_keys_free(fhx__link_keys *keys) {
  for (uint64_t i = 0; keys->keys != NULL && i < keys->count; i++) {
    fhx__link_key *key = &keys->keys[i];
    if (key->data != NULL) OPENSSL_cleanse(key->data, key->len);
    fhx__free(key->data);
  }
  fhx__free(keys->keys);
  *keys = (fhx__link_keys){NULL, 0};
}

/* The parts of the message cannot hold a line feed, so that it can be read in one way only. */
static bool sign(const fhx__link_key *key, const fhx__link *link,
                 char signature[SIGNATURE_LEN + 1]) {
  char message[FHX__PART_NAME_MAX + 160];
  uint8_t sum[FHX__SHA256_LEN];
  int len = snprintf(message, sizeof message, "fhx-link-1\n%s\n%s\n%s\n%llu", link->tenant,
                     link->job_id, link->file, (unsigned long long)link->expires);
  if (len < 0 || (size_t)len >= sizeof message) return false;
  if (fhx__hmac_sha256(key->data, key->len, message, (size_t)len, sum, NULL) != FHX_OK) {
    return false;
  }
  fhx__hex(signature, sum, sizeof sum);
  return true;
}

int32_t fhx__link_append(const fhx__link_keys *keys, const fhx__link *link, fhx__buffer *url,
                         fhx_error **error) {
  char signature[SIGNATURE_LEN + 1];
  char query[SIGNATURE_LEN + 64];
  if (!sign(&keys->keys[0], link, signature)) {
    return fhx__fail(error, FHX_ERR_INTERNAL, "a file's link could not be signed");
  }
  snprintf(query, sizeof query, "?expires=%llu&signature=%s", (unsigned long long)link->expires,
           signature);
  int32_t status = fhx__buffer_append_text(url, link->file);
  if (status == FHX_OK) status = fhx__buffer_append_text(url, query);
  return status == FHX_OK ? FHX_OK : fhx__no_memory(error);
}

bool fhx__link_verify(const fhx__link_keys *keys, const fhx__link *link, const char *signature) {
  bool good = false;
  if (strlen(signature) != SIGNATURE_LEN) return false;
  for (uint64_t i = 0; i < keys->count; i++) {
    char wanted[SIGNATURE_LEN + 1];
    bool same =
        sign(&keys->keys[i], link, wanted) && CRYPTO_memcmp(wanted, signature, SIGNATURE_LEN) == 0;
    good = good || same;
  }
  return good;
}
