/* The shared credentials file, and credentials in JSON: whatever they hold, what is found lies
   inside the text. */
#include <stdint.h>
#include <stdlib.h>

#include "s3/endpoint.h"
#include "s3/profile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(fhx__s3_span span, const char *text, size_t len) {
  if (span.data == NULL) {
    if (span.len != 0) abort();
    return;
  }
  if (span.len == 0 || span.data < text || span.data + span.len > text + len) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const char *text = (const char *)data;
  fhx__s3_profile profile;
  fhx__s3_identity identity = {NULL, NULL, NULL, 0};
  if (size == 0) return 0;
  fhx__s3_profile_find(text, size, "default", &profile);
  check(profile.access_key_id, text, size);
  check(profile.secret_access_key, text, size);
  check(profile.session_token, text, size);
  int32_t status = fhx__s3_read_identity(text, size, &identity, NULL);
  if (status == FHX_OK && (identity.access_key_id == NULL || identity.secret_access_key == NULL)) {
    abort();
  }
  fhx__s3_identity_end(&identity);
  return 0;
}
