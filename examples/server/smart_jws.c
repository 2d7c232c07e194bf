/* JWS in compact form: three texts in base64url, with dots between. */
#include "smart_jws.h"

#include <jose/b64.h>
#include <jose/cfg.h>
#include <jose/jws.h>
#include <stdlib.h>
#include <string.h>

const char *smart_json_text(const json_t *object, const char *name) {
  return json_string_value(json_object_get(object, name));
}

/* libjose would print what is wrong with it; nothing of a JWS is printed. */
static void say_nothing(void *misc, const char *file, int line, uint64_t code, const char *format,
                        va_list arguments) {
  (void)misc;
  (void)file;
  (void)line;
  (void)code;
  (void)format;
  (void)arguments;
}

static jose_cfg_t *quiet(void) {
  jose_cfg_t *config = jose_cfg();
  if (config != NULL) jose_cfg_set_err_func(config, say_nothing, NULL);
  return config;
}

/* An object in base64url, each of its names there once. */
static json_t *read_object(const char *text, size_t len) {
  char *decoded = malloc(len + 1);
  if (decoded == NULL) return NULL;
  size_t decoded_len = jose_b64_dec_buf(text, len, decoded, len);
  json_t *object = NULL;
  if (decoded_len != SIZE_MAX) {
    object = json_loadb(decoded, decoded_len, JSON_REJECT_DUPLICATES, NULL);
  }
  free(decoded);
  if (json_is_object(object)) return object;
  json_decref(object);
  return NULL;
}

bool smart_jws_read(const char *text, struct smart_jws *jws) {
  static const char base64url[] = JOSE_B64_MAP;
  size_t lens[3] = {0, 0, 0};
  const char *parts[3] = {text, NULL, NULL};
  memset(jws, 0, sizeof *jws);
  if (strnlen(text, SMART_JWS_MAX + 1) > SMART_JWS_MAX) return false;
  for (int i = 0; i < 3; i++) {
    lens[i] = strspn(parts[i], base64url);
    if (lens[i] == 0 || parts[i][lens[i]] != (i < 2 ? '.' : '\0')) return false;
    if (i < 2) parts[i + 1] = parts[i] + lens[i] + 1;
  }
  jws->header = read_object(parts[0], lens[0]);
  jws->payload = read_object(parts[1], lens[1]);
  if (jws->header == NULL || jws->payload == NULL) return false;
  if (json_object_get(jws->header, "crit") != NULL) return false;
  jws->whole = json_pack("{s:s%,s:s%,s:s%}", "protected", parts[0], lens[0], "payload", parts[1],
                         lens[1], "signature", parts[2], lens[2]);
  return jws->whole != NULL;
}

void smart_jws_free(struct smart_jws *jws) {
  json_decref(jws->whole);
  json_decref(jws->header);
  json_decref(jws->payload);
  memset(jws, 0, sizeof *jws);
}

bool smart_jws_is_signed_by(const struct smart_jws *jws, const json_t *key) {
  jose_cfg_t *config = quiet();
  if (config == NULL) return false;
  bool is_signed = jose_jws_ver(config, jws->whole, NULL, key, false);
  jose_cfg_decref(config);
  return is_signed;
}

static char *join(const json_t *jws) {
  const char *header = smart_json_text(jws, "protected");
  const char *payload = smart_json_text(jws, "payload");
  const char *signature = smart_json_text(jws, "signature");
  if (header == NULL || payload == NULL || signature == NULL) return NULL;
  size_t len = strlen(header) + strlen(payload) + strlen(signature) + 3;
  char *text = malloc(len);
  if (text != NULL) snprintf(text, len, "%s.%s.%s", header, payload, signature);
  return text;
}

char *smart_jws_sign(const json_t *payload, const char *alg, const json_t *key) {
  char *text = NULL;
  jose_cfg_t *config = quiet();
  json_t *jws = json_pack("{s:o}", "payload", jose_b64_enc_dump(payload));
  json_t *header = json_pack("{s:{s:s,s:s}}", "protected", "alg", alg, "typ", "JWT");
  if (config != NULL && jws != NULL && header != NULL && jose_jws_sig(config, jws, header, key)) {
    text = join(jws);
  }
  json_decref(header);
  json_decref(jws);
  jose_cfg_decref(config);
  return text;
}
