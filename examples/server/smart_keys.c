/*
 * Keys are looked for by `kid`, and tried if their kind is that of the algorithm. Those of a URL
 * are kept with the time until which its server allows use. Anybody can send an assertion with an
 * id that does not exist: hence the least time between two fetches for such, and after a failed
 * one.
 */
#include "smart_keys.h"

#include <jose/b64.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "smart_fetch.h"

#define PAUSE_S 10
/* A longer one takes long to check with. */
#define RSA_BYTES_MIN 256
#define RSA_BYTES_MAX 1024
/* Of one set, the rest is not tried. */
#define TRIES_MAX 8

struct smart_keys {
  const json_t *set;
  const char *url;
  const char *ca_file;
  /* Held while keys are fetched: others wait for them. The rest is under it. */
  pthread_mutex_t mutex;
  json_t *fetched;
  int64_t fresh_until_s;
  /* No fetch before: for an id that is not there, and any after one that failed. */
  int64_t next_for_id_s;
  int64_t next_s;
};

static int64_t steady_s(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec;
}

/* --- one set --- */

/* Whether a key that says what it is for says so of this. */
static bool is_meant_for(const json_t *key, const char *alg) {
  const json_t *own_alg = json_object_get(key, "alg");
  const json_t *operations = json_object_get(key, "key_ops");
  bool may_verify = operations == NULL;
  for (size_t i = 0; !may_verify && i < json_array_size(operations); i++) {
    const char *operation = json_string_value(json_array_get(operations, i));
    may_verify = operation != NULL && strcmp(operation, "verify") == 0;
  }
  return may_verify && (own_alg == NULL ||
                        (json_is_string(own_alg) && strcmp(json_string_value(own_alg), alg) == 0));
}

/* ES384 is of the curve P-384; RSA keys have 2048 to 8192 bits. */
static bool fits(const json_t *key, const char *alg) {
  const char *kind = smart_json_text(key, "kty");
  if (kind == NULL || !is_meant_for(key, alg)) return false;
  if (strcmp(alg, "ES384") == 0) {
    const char *curve = smart_json_text(key, "crv");
    return strcmp(kind, "EC") == 0 && curve != NULL && strcmp(curve, "P-384") == 0;
  }
  if (strcmp(alg, "RS384") != 0 || strcmp(kind, "RSA") != 0) return false;
  size_t bytes = jose_b64_dec(json_object_get(key, "n"), NULL, 0);
  return bytes != SIZE_MAX && bytes >= RSA_BYTES_MIN && bytes <= RSA_BYTES_MAX;
}

enum found { NO_KEY, WRONG_SIGNATURE, SIGNED };

static enum found look(const json_t *set, const struct smart_jws *jws, const char *alg,
                       const char *key_id) {
  const json_t *list = json_object_get(set, "keys");
  enum found found = NO_KEY;
  int tries = 0;
  for (size_t i = 0; i < json_array_size(list) && tries < TRIES_MAX; i++) {
    const json_t *key = json_array_get(list, i);
    const char *id = smart_json_text(key, "kid");
    if (id == NULL || strcmp(id, key_id) != 0 || !fits(key, alg)) continue;
    if (smart_jws_is_signed_by(jws, key)) return SIGNED;
    found = WRONG_SIGNATURE;
    tries++;
  }
  return found;
}

const char *smart_keys_problem(const json_t *set) {
  const json_t *list = json_object_get(set, "keys");
  if (!json_is_array(list) || json_array_size(list) == 0) {
    return "its jwks has no list \"keys\"";
  }
  for (size_t i = 0; i < json_array_size(list); i++) {
    const json_t *key = json_array_get(list, i);
    if (json_object_get(key, "d") != NULL || json_object_get(key, "k") != NULL) {
      return "its jwks has a private or secret key; only public ones belong there";
    }
    if (smart_json_text(key, "kid") == NULL) return "its jwks has a key without \"kid\"";
    if (!fits(key, "ES384") && !fits(key, "RS384")) {
      return "its jwks has a key that is neither for ES384 (P-384) nor for RS384 (RSA with 2048 to "
             "8192 bits)";
    }
  }
  return NULL;
}

/* --- keys of a URL, under the mutex --- */

static void fetch(struct smart_keys *keys) {
  int64_t fresh_s = 0;
  json_t *set = smart_fetch_keys(keys->url, keys->ca_file, &fresh_s);
  const int64_t now_s = steady_s();
  json_decref(keys->fetched);
  keys->fetched = set;
  keys->fresh_until_s = now_s + fresh_s;
  keys->next_s = set == NULL ? now_s + PAUSE_S : 0;
}

static bool look_at_url(struct smart_keys *keys, const struct smart_jws *jws, const char *alg,
                        const char *key_id) {
  const bool is_stale = keys->fetched == NULL || steady_s() >= keys->fresh_until_s;
  bool is_new = false;
  if (is_stale) {
    if (steady_s() < keys->next_s) return false;
    /* Of keys that may not be used any more, the ids still tell which one is made up. */
    if (keys->fetched != NULL && look(keys->fetched, jws, alg, key_id) == NO_KEY) {
      if (steady_s() < keys->next_for_id_s) return false;
      keys->next_for_id_s = steady_s() + PAUSE_S;
    }
    fetch(keys);
    is_new = true;
  }
  enum found found = look(keys->fetched, jws, alg, key_id);
  if (found == NO_KEY && !is_new && steady_s() >= keys->next_for_id_s) {
    keys->next_for_id_s = steady_s() + PAUSE_S;
    fetch(keys);
    found = look(keys->fetched, jws, alg, key_id);
  }
  return found == SIGNED;
}

/* --- for everybody --- */

struct smart_keys *smart_keys_new(const json_t *set, const char *url, const char *ca_file) {
  struct smart_keys *keys = calloc(1, sizeof *keys);
  if (keys == NULL) return NULL;
  keys->set = set;
  keys->url = url;
  keys->ca_file = ca_file;
  pthread_mutex_init(&keys->mutex, NULL);
  return keys;
}

void smart_keys_free(struct smart_keys *keys) {
  if (keys == NULL) return;
  json_decref(keys->fetched);
  pthread_mutex_destroy(&keys->mutex);
  free(keys);
}

bool smart_keys_have_signed(struct smart_keys *keys, const struct smart_jws *jws, const char *alg,
                            const char *key_id) {
  if (look(keys->set, jws, alg, key_id) == SIGNED) return true;
  if (keys->url == NULL) return false;
  pthread_mutex_lock(&keys->mutex);
  bool is_signed = look_at_url(keys, jws, alg, key_id);
  pthread_mutex_unlock(&keys->mutex);
  return is_signed;
}
