/* What a server consists of, and its answers. */
#ifndef SERVER_SERVER_H
#define SERVER_SERVER_H

#include "answer.h"
#include "database.h"
#include "page.h"
#include "smart.h"
#include "target.h"

/* The path under which everything is but the metrics. */
#define BASE_PATH "/fhir"
#define METRICS_PATH "/metrics"
/* The first segment behind it, if there is something published. */
#define PUBLISH_SEGMENT "$bulk-publish"

struct server {
  struct database *database;
  fhx_engine *engine;
  /* What is served as $bulk-publish; NULL: nothing is. */
  fhx_destination *published;
  /* As clients see it, without a slash at its end. */
  char *base_url;
  /* The same resources and jobs by the rules of the STU4 ballot: the path of --base4b and its URL;
     NULL: there is none. */
  const char *ballot_path;
  char *ballot_url;
  int64_t started_us;
  /* There is no $export. */
  bool disabled;
  /* There is METRICS_PATH. */
  bool has_metrics;
  /* A signed link alone is not enough to read a file. */
  bool files_need_token;
  /* Whom requests come from; NULL: nobody has to be known (--auth none). */
  struct smart *smart;
  /* For operators; NULL: there is none. */
  struct page *page;
};

/* The base that a request has come to. */
const char *server_base_url(const struct server *server, const struct request *request);

/* Any request. `answer` is zeroed; after a failed allocation its texts say so. */
void server_answer(struct server *server, const struct request *request, struct answer *answer);

/* Requests under the $export paths: the engine answers them. `target` is behind the base; `caller`
   may have no client. */
void export_handle(struct server *server, const struct request *request, const char *target,
                   const struct smart_caller *caller, struct answer *answer);
/* Opens the folder that is served as $bulk-publish; NULL: none is. */
bool publish_open(struct server *server, const char *folder, fhx_error **error);
/* Requests under $bulk-publish. */
void publish_handle(struct server *server, const struct request *request, const char *target,
                    struct answer *answer);
/* GET METRICS_PATH */
void metrics_answer(struct server *server, const struct request *request, struct answer *answer);
/* GET /metadata */
void metadata_answer(struct server *server, const struct request *request, struct answer *answer);
/* GET, PUT and DELETE of /Type/id. */
void resource_answer(struct server *server, const struct request *request, const char *type,
                     const char *id, struct answer *answer);
/* GET /Group */
void group_search_answer(struct server *server, const struct request *request,
                         const struct target *target, struct answer *answer);

#endif
