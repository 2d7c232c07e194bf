/* What smart.c has, for smart_token.c, smart_assertion.c and smart_access.c. */
#ifndef SERVER_SMART_PARTS_H
#define SERVER_SMART_PARTS_H

#include "smart.h"
#include "smart_replay.h"

/* How much clocks may differ. */
#define SMART_SKEW_S 5
#define SMART_LIFE_S 300

struct smart {
  struct smart_clients clients;
  struct smart_replay *replay;
  char *base_url;
  char *token_url;
  uint32_t token_seconds;
  /* Symmetric JWKs: the first signs. */
  json_t *token_keys;
};

/* --- smart_assertion.c --- */

enum smart_verdict { SMART_BELIEVED, SMART_REFUSED, SMART_UNAVAILABLE };

/* Checks a client's assertion and uses it up. After SMART_REFUSED `*why` is a phrase for the log,
   which holds nothing of it. */
enum smart_verdict smart_assertion_check(struct smart *smart, const char *assertion, int64_t now_s,
                                         const struct smart_client **client, const char **why);

/* --- smart_access.c --- */

/* Keys for tokens out of secrets; NULL: no memory. */
json_t *smart_access_keys(const struct smart_options *options);
/* A token; to be freed. NULL: no memory. */
char *smart_access_make(const struct smart *smart, const struct smart_client *client,
                        const char *scope, int64_t now_s);
/* Whose a token is. NULL: it is none of ours, has expired, or its client is there no more. */
const struct smart_client *smart_access_read(const struct smart *smart, const char *token,
                                             int64_t now_s, struct smart_scopes *scopes);

#endif
