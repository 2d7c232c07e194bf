/* Signed JSON (JWS, compact form) by libjose. */
#ifndef SERVER_SMART_JWS_H
#define SERVER_SMART_JWS_H

#include <jansson.h>
#include <stdbool.h>

/* Longer ones are refused before anything of them is read. */
#define SMART_JWS_MAX 16384

/* Taken apart; the signature is not checked yet. */
struct smart_jws {
  /* For libjose. */
  json_t *whole;
  /* Both are objects. */
  json_t *header;
  json_t *payload;
};

/* False for what is no JWS of two JSON objects, or says that it needs extensions; also without
   memory. smart_jws_free in either case. */
bool smart_jws_read(const char *text, struct smart_jws *jws);
void smart_jws_free(struct smart_jws *jws);

/* Whether that key has signed it. The caller has looked at the header's `alg` already. */
bool smart_jws_is_signed_by(const struct smart_jws *jws, const json_t *key);

/* Signs an object by an algorithm that the key is for; to be freed. NULL: no memory. */
char *smart_jws_sign(const json_t *payload, const char *alg, const json_t *key);

/* A member that is a text; NULL if it is not. */
const char *smart_json_text(const json_t *object, const char *name);

#endif
