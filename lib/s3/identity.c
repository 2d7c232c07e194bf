/* One set of credentials. */
#include "s3/identity.h"

#include <string.h>

#include "core/alloc.h"
#include "core/encode.h"
#include "core/error.h"

/* Session tokens have a few KiB; they travel in a header. */
#define TEXT_MAX 16384

fhx__s3_span fhx__s3_span_of(const char *text) {
  return (fhx__s3_span){text, text == NULL ? 0 : strlen(text)};
}

void fhx__s3_identity_end(fhx__s3_identity *identity) {
  fhx__wipe_text(identity->access_key_id);
  fhx__wipe_text(identity->secret_access_key);
  fhx__wipe_text(identity->session_token);
  memset(identity, 0, sizeof *identity);
}

static bool is_sound(fhx__s3_span text) {
  for (size_t i = 0; i < text.len; i++) {
    if (text.data[i] <= ' ' || text.data[i] > '~') return false;
  }
  return text.len <= TEXT_MAX;
}

int32_t fhx__s3_identity_set(fhx__s3_identity *identity, fhx__s3_span access_key_id,
                             fhx__s3_span secret_access_key, fhx__s3_span session_token,
                             int64_t expires_us, fhx_error **error) {
  fhx__s3_identity made = {NULL, NULL, NULL, expires_us};
  if (access_key_id.len == 0 || secret_access_key.len == 0) {
    return fhx__fail(error, FHX_ERR_ARGUMENT,
                     "credentials need an access key id and a secret access key");
  }
  if (!is_sound(access_key_id) || !is_sound(secret_access_key) || !is_sound(session_token)) {
    return fhx__fail(error, FHX_ERR_ARGUMENT,
                     "the credentials are not made of visible ASCII, or are too long");
  }
  made.access_key_id = fhx__copy_bytes(access_key_id.data, access_key_id.len);
  made.secret_access_key = fhx__copy_bytes(secret_access_key.data, secret_access_key.len);
  if (session_token.len > 0) {
    made.session_token = fhx__copy_bytes(session_token.data, session_token.len);
  }
  if (made.access_key_id == NULL || made.secret_access_key == NULL ||
      (session_token.len > 0 && made.session_token == NULL)) {
    fhx__s3_identity_end(&made);
    return fhx__no_memory(error);
  }
  fhx__s3_identity_end(identity);
  *identity = made;
  return FHX_OK;
}
