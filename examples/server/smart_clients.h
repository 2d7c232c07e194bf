/* The registered clients (--clients FILE). */
#ifndef SERVER_SMART_CLIENTS_H
#define SERVER_SMART_CLIENTS_H

#include <stddef.h>

#include "smart_keys.h"
#include "smart_scopes.h"

/* Texts are the file's. */
struct smart_client {
  const char *id;
  /* "" for none. */
  const char *tenant;
  /* NULL: none. */
  const char *jwks_uri;
  struct smart_scopes scopes;
  /* A list of ids; NULL or empty: the client is not bound to Groups. */
  const json_t *groups;
  struct smart_keys *keys;
};

struct smart_clients {
  json_t *file;
  size_t count;
  struct smart_client *list;
};

/* Reads the file. False, with a message on stderr, if it is not as it should be. */
bool smart_clients_read(const char *path, const char *ca_file, struct smart_clients *clients);
void smart_clients_free(struct smart_clients *clients);

/* NULL: nobody has that id. */
struct smart_client *smart_clients_find(const struct smart_clients *clients, const char *id);

/* What is wrong with an entry, as a phrase; NULL if nothing. */
const char *smart_client_problem(const json_t *entry);

bool smart_client_is_bound(const struct smart_client *client);
/* Whether it may have that Group. */
bool smart_client_has_group(const struct smart_client *client, const char *group_id);

#endif
