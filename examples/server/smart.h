/*
 * SMART Backend Services: programs that are registered with their public keys get access tokens,
 * and requests come with these.
 *
 * What another host takes: all smart*.c and .h, with answer, text, types, resource_types and log,
 * which are small; postgres_replay and postgres_connection for used assertions in PostgreSQL.
 * auth.c says what a request to this server needs.
 */
#ifndef SERVER_SMART_H
#define SERVER_SMART_H

#include "answer.h"
#include "smart_clients.h"
#include "smart_scopes.h"

/* Behind the FHIR base. */
#define SMART_DISCOVERY_PATH "/.well-known/smart-configuration"
#define SMART_TOKEN_PATH "/auth/token"

struct smart;

struct smart_options {
  const char *clients_file;
  /* Where used assertions are kept, an SQLite file or a URL of PostgreSQL's; NULL: the file of
     clients with ".used" behind. */
  const char *used_place;
  /* Whose certificates are believed where keys are fetched; NULL: the system's. */
  const char *jwks_ca_file;
  /* The FHIR base as clients see it. */
  const char *base_url;
  /* 1 to 300. */
  uint32_t token_seconds;
  /* Secrets that tokens are signed with: the first signs, all are valid. None: one is made up, and
     tokens end with the process. */
  const void *const *secrets;
  const size_t *secret_lens;
  size_t secret_count;
};

/* Everything is copied. NULL, with a message on stderr, if it cannot be. */
struct smart *smart_open(const struct smart_options *options);
void smart_close(struct smart *smart);

/* GET of SMART_DISCOVERY_PATH; needs no token. */
void smart_discovery_answer(const struct smart *smart, const struct request *request,
                            struct answer *answer);
/* POST of SMART_TOKEN_PATH. */
void smart_token_answer(struct smart *smart, const struct request *request, struct answer *answer);
/* The security of a CapabilityStatement, with the extension oauth-uris: `"security":{...}`. */
void smart_add_security(const struct smart *smart, struct text *body);

/* Who asks: a client with what its token gives it now. */
struct smart_caller {
  const struct smart_client *client;
  struct smart_scopes scopes;
};

/* Reads the request's access token. False: the answer is a 401, or a 500 without memory. */
bool smart_admit(const struct smart *smart, const struct request *request,
                 struct smart_caller *caller, struct answer *answer);
/* 403: the token is good, and not for this. `why` holds nothing of the request. */
void smart_forbid(struct answer *answer, const char *why);

#endif
