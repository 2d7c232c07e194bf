/*
 * Access tokens. A token is signed and says all that there is to it: whose it is, for what, and
 * until when. So every process that has the secrets can check it, without a word to a database that
 * would have to be reached for each request; and a server that was started anew knows the tokens of
 * the one before. What cannot be done is to take a token back: hence its short life.
 *
 * A secret signs other things too, so the key of tokens is derived from it.
 */
#include <jose/b64.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

#include "smart_parts.h"

#define KEY_BYTES 32

static const char purpose[] = "access tokens of fhirexport-server";

/* --- keys --- */

static bool add_key(json_t *keys, const void *secret, size_t len) {
  unsigned char value[EVP_MAX_MD_SIZE];
  unsigned value_len = 0;
  if (len > INT32_MAX || HMAC(EVP_sha256(), secret, (int)len, (const unsigned char *)purpose,
                              sizeof purpose - 1, value, &value_len) == NULL) {
    return false;
  }
  json_t *key =
      json_pack("{s:s,s:s,s:o}", "kty", "oct", "alg", "HS256", "k", jose_b64_enc(value, value_len));
  explicit_bzero(value, sizeof value);
  return key != NULL && json_array_append_new(keys, key) == 0;
}

json_t *smart_access_keys(const struct smart_options *options) {
  unsigned char made_up[KEY_BYTES];
  json_t *keys = json_array();
  bool done = keys != NULL;
  if (options->secret_count == 0) {
    done =
        done && RAND_bytes(made_up, sizeof made_up) == 1 && add_key(keys, made_up, sizeof made_up);
    explicit_bzero(made_up, sizeof made_up);
  }
  for (size_t i = 0; done && i < options->secret_count; i++) {
    done = add_key(keys, options->secrets[i], options->secret_lens[i]);
  }
  if (done) return keys;
  json_decref(keys);
  return NULL;
}

/* --- tokens --- */

char *smart_access_make(const struct smart *smart, const struct smart_client *client,
                        const char *scope, int64_t now_s) {
  json_t *payload =
      json_pack("{s:s,s:s,s:s,s:s,s:I}", "iss", smart->base_url, "sub", client->id, "tenant",
                client->tenant, "scope", scope, "exp", (json_int_t)now_s + smart->token_seconds);
  char *token = NULL;
  if (payload != NULL) {
    token = smart_jws_sign(payload, "HS256", json_array_get(smart->token_keys, 0));
  }
  json_decref(payload);
  return token;
}

static bool is_ours(const struct smart *smart, const struct smart_jws *jws) {
  const char *alg = smart_json_text(jws->header, "alg");
  bool is_signed = false;
  if (alg == NULL || strcmp(alg, "HS256") != 0) return false;
  for (size_t i = 0; !is_signed && i < json_array_size(smart->token_keys); i++) {
    is_signed = smart_jws_is_signed_by(jws, json_array_get(smart->token_keys, i));
  }
  return is_signed;
}

static bool has_text(const json_t *payload, const char *name, const char *wanted) {
  const char *text = smart_json_text(payload, name);
  return text != NULL && strcmp(text, wanted) == 0;
}

const struct smart_client *smart_access_read(const struct smart *smart, const char *token,
                                             int64_t now_s, struct smart_scopes *scopes) {
  struct smart_jws jws;
  struct smart_scopes given;
  const struct smart_client *client = NULL;
  if (smart_jws_read(token, &jws) && is_ours(smart, &jws) &&
      has_text(jws.payload, "iss", smart->base_url) &&
      json_integer_value(json_object_get(jws.payload, "exp")) > now_s &&
      smart_json_text(jws.payload, "scope") != NULL) {
    client = smart_clients_find(&smart->clients, smart_json_text(jws.payload, "sub"));
    /* Its registration may have changed since. */
    if (client != NULL && !has_text(jws.payload, "tenant", client->tenant)) client = NULL;
  }
  if (client != NULL) {
    smart_scopes_read(smart_json_text(jws.payload, "scope"), &given);
    smart_scopes_meet(&given, &client->scopes, scopes);
  }
  smart_jws_free(&jws);
  return client;
}
