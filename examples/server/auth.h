/* What a request needs under --auth smart. */
#ifndef SERVER_AUTH_H
#define SERVER_AUTH_H

#include "options.h"
#include "server.h"

/* Opens what --auth says. False, with a message on stderr, if it cannot. */
bool auth_open(const struct options *options, struct server *server);
void auth_close(struct server *server);

/* Answers a request for a token, or for what clients find out first. `path` is the whole path.
   False: it is none. */
bool auth_answer(struct server *server, const struct request *request, const char *path,
                 const char *behind_base, struct answer *answer);

/*
 * Whether a request may pass; if not, the answer says why. `target` is behind the base. `caller`
 * has the client, or NULL where nobody has to be known: then the request is for all, or has another
 * proof, or the server is an open one.
 */
bool auth_admit(struct server *server, const struct request *request, const char *target,
                struct smart_caller *caller, struct answer *answer);

#endif
