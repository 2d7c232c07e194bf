/* What a server consists of, and its answers. */
#ifndef SERVER_SERVER_H
#define SERVER_SERVER_H

#include "answer.h"
#include "database.h"
#include "target.h"

/* The path under which everything is. */
#define BASE_PATH "/fhir"

struct server {
  struct database *database;
  fhx_engine *engine;
  /* As clients see it, without a slash at its end. */
  char *base_url;
  int64_t started_us;
};

/* Any request. `answer` is zeroed; after a failed allocation its texts say so. */
void server_answer(struct server *server, const struct request *request, struct answer *answer);

/* Requests under the $export paths: the engine answers them. `target` is behind the base. */
void export_handle(struct server *server, const struct request *request, const char *target,
                   struct answer *answer);
/* GET /metadata */
void metadata_answer(struct server *server, struct answer *answer);
/* GET, PUT and DELETE of /Type/id. */
void resource_answer(struct server *server, const struct request *request, const char *type,
                     const char *id, struct answer *answer);
/* GET /Group */
void group_search_answer(struct server *server, const struct target *target, struct answer *answer);

#endif
