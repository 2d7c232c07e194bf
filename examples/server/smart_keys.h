/* The public keys of a client, of its registration and of its URL. */
#ifndef SERVER_SMART_KEYS_H
#define SERVER_SMART_KEYS_H

#include "smart_jws.h"

/* Of one client. */
struct smart_keys;

/* `set`: a JWK Set, or NULL; `url`: or NULL. Both are the caller's, and outlive it. NULL: no
   memory. */
struct smart_keys *smart_keys_new(const json_t *set, const char *url, const char *ca_file);
void smart_keys_free(struct smart_keys *keys);

/* Whether one of the keys with that id, fit for that algorithm, has signed it. Keys of the URL are
   used no longer than its server allows, and fetched again for an id that is not among them, but
   not more than every 10 seconds. Any thread; it may take 4 seconds. */
bool smart_keys_have_signed(struct smart_keys *keys, const struct smart_jws *jws, const char *alg,
                            const char *key_id);

/* What is wrong with a JWK Set of a registration, as a phrase; NULL if nothing. */
const char *smart_keys_problem(const json_t *set);

#endif
