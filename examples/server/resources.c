/* One resource over REST: read, update, delete. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "resource.h"
#include "server.h"

static void fail_to_read(struct answer *answer) {
  answer_fail(answer, "the database could not be read");
}

static void fail_to_write(struct answer *answer) {
  answer_fail(answer, "the database could not be written");
}

static void add_version(struct answer *answer, int64_t version, int64_t updated_us) {
  char date[INSTANT_MAX];
  instant_write_http(updated_us, date);
  answer_set_type(answer, "application/fhir+json");
  answer_add_header(answer, "ETag", "W/\"%lld\"", (long long)version);
  answer_add_header(answer, "Last-Modified", "%s", date);
}

static void answer_get(struct server *server, const char *type, const char *id,
                       struct answer *answer) {
  struct stored stored;
  enum result found = database_read(server->database, type, id, &stored);
  if (found == FAILED) {
    fail_to_read(answer);
  } else if (found == NONE) {
    answer_refuse(answer, 404, "not-found", "there is no such resource");
  } else if (stored.deleted) {
    answer_refuse(answer, 410, "deleted", "the resource was deleted");
  } else {
    answer->status = 200;
    add_version(answer, stored.version, stored.updated_us);
    answer->body = stored.json;
    stored.json = (struct text){NULL, 0, 0, false};
  }
  stored_free(&stored);
}

/* --- update --- */

static bool is_json(const struct request *request) {
  const char *type = request_header(request, "Content-Type");
  if (type == NULL) return false;
  size_t len = strcspn(type, "; \t");
  return (len == strlen("application/fhir+json") &&
          strncasecmp(type, "application/fhir+json", len) == 0) ||
         (len == strlen("application/json") && strncasecmp(type, "application/json", len) == 0);
}

/* Whether the body is this resource; if not, the answer says why. */
static bool read_body(const struct request *request, const char *type, const char *id,
                      struct resource *resource, struct answer *answer) {
  if (!is_json(request)) {
    answer_refuse(answer, 415, "not-supported",
                  "a resource is sent with Content-Type: application/fhir+json");
    return false;
  }
  const char *problem = resource_read(request->body, request->body_len, resource);
  if (problem != NULL) {
    char sentence[256];
    snprintf(sentence, sizeof sentence, "the body is not a resource: %s", problem);
    answer_refuse(answer, 400, "invalid", sentence);
    return false;
  }
  if (strcmp(resource->type, type) != 0 || strcmp(resource->id, id) != 0) {
    answer_refuse(answer, 400, "invalid", "resourceType and id must be those of the URL");
    return false;
  }
  return true;
}

/* In a transaction: the next version, its text in the answer. */
static enum result write_next(struct server *server, const struct resource *resource,
                              int64_t stamp_us, bool *is_new, struct answer *answer) {
  struct stored newest;
  enum result found = database_look(server->database, resource->type, resource->id, &newest);
  if (found == FAILED) return FAILED;
  *is_new = found == NONE || newest.deleted;
  int64_t version = newest.version + 1;
  resource_write(resource, version, stamp_us, &answer->body);
  if (answer->body.failed) return FAILED;
  add_version(answer, version, stamp_us);
  return database_write(server->database, resource->type, resource->id, version, stamp_us,
                        answer->body.data, answer->body.len);
}

static void answer_put(struct server *server, const struct request *request, const char *type,
                       const char *id, struct answer *answer) {
  struct resource resource;
  int64_t stamp_us = 0;
  bool is_new = false;
  if (!read_body(request, type, id, &resource, answer)) return;
  if (database_begin(server->database, &stamp_us) != DONE) {
    fail_to_write(answer);
    return;
  }
  bool written = write_next(server, &resource, stamp_us, &is_new, answer) == DONE;
  if (database_end(server->database, written) != DONE || !written) {
    fail_to_write(answer);
    return;
  }
  answer->status = is_new ? 201 : 200;
  if (is_new)
    answer_add_header(answer, "Location", "%s/%s/%s", server_base_url(server, request), type, id);
}

/* --- delete --- */

/* In a transaction. DONE also if it is deleted already; NONE if there never was one. */
static enum result write_end(struct server *server, const char *type, const char *id,
                             int64_t stamp_us) {
  struct stored newest;
  enum result found = database_look(server->database, type, id, &newest);
  if (found != DONE || newest.deleted) return found;
  return database_write(server->database, type, id, newest.version + 1, stamp_us, NULL, 0);
}

static void answer_delete(struct server *server, const char *type, const char *id,
                          struct answer *answer) {
  int64_t stamp_us = 0;
  if (database_begin(server->database, &stamp_us) != DONE) {
    fail_to_write(answer);
    return;
  }
  enum result result = write_end(server, type, id, stamp_us);
  if (database_end(server->database, result == DONE) != DONE || result == FAILED) {
    fail_to_write(answer);
  } else if (result == NONE) {
    answer_refuse(answer, 404, "not-found", "there is no such resource");
  } else {
    answer->status = 204;
  }
}

void resource_answer(struct server *server, const struct request *request, const char *type,
                     const char *id, struct answer *answer) {
  if (strcmp(request->method, "GET") == 0 || strcmp(request->method, "HEAD") == 0) {
    answer_get(server, type, id, answer);
  } else if (strcmp(request->method, "PUT") == 0) {
    answer_put(server, request, type, id, answer);
  } else if (strcmp(request->method, "DELETE") == 0) {
    answer_delete(server, type, id, answer);
  } else {
    answer_refuse_method(answer, "GET, HEAD, PUT, DELETE");
  }
}
