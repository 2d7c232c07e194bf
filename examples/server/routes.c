/* From a request's path to the one that answers it. */
#include <string.h>

#include "auth.h"
#include "server.h"
#include "types.h"

static bool is_read(const struct request *request) {
  return strcmp(request->method, "GET") == 0 || strcmp(request->method, "HEAD") == 0;
}

/* Behind "http://host:port", which a client may send too; NULL if no path comes. */
static const char *find_path(const char *target) {
  static const char *const schemes[] = {"http://", "https://"};
  for (size_t i = 0; i < 2; i++) {
    size_t len = strlen(schemes[i]);
    if (strncmp(target, schemes[i], len) == 0) target += len + strcspn(target + len, "/?");
  }
  return *target == '/' ? target : NULL;
}

/* Spaces, control characters, and fragments do not belong in a target. */
static bool is_clean(const char *target) {
  for (const char *at = target; *at != '\0'; at++) {
    if ((unsigned char)*at <= ' ' || *at == 0x7f || *at == '#') return false;
  }
  return true;
}

const char *server_base_url(const struct server *server, const struct request *request) {
  return request->by_ballot ? server->ballot_url : server->base_url;
}

/* What is behind this base; NULL if the path does not begin with it. */
static const char *find_behind(const char *path, const char *base) {
  size_t len = base == NULL ? 0 : strlen(base);
  if (len == 0 || strncmp(path, base, len) != 0) return NULL;
  return path[len] == '/' || path[len] == '?' || path[len] == '\0' ? path + len : NULL;
}

/* What is behind the base that it has come to; NULL if it is neither. */
static const char *find_target(const struct server *server, const char *path,
                               struct request *request) {
  const char *behind = find_behind(path, server->ballot_path);
  request->by_ballot = behind != NULL;
  return behind != NULL ? behind : find_behind(path, BASE_PATH);
}

/* Whether it is the whole path. */
static bool is_metrics(const char *path) {
  const size_t len = strlen(METRICS_PATH);
  return strncmp(path, METRICS_PATH, len) == 0 && (path[len] == '\0' || path[len] == '?');
}

static void refuse_path(struct answer *answer) {
  answer_refuse(answer, 404, "not-found", "there is nothing at this URL");
}

static void answer_metadata(struct server *server, const struct request *request,
                            struct answer *answer) {
  if (is_read(request)) {
    metadata_answer(server, request, answer);
  } else {
    answer_refuse_method(answer, "GET, HEAD");
  }
}

static void answer_type(struct server *server, const struct request *request,
                        const struct target *target, struct answer *answer) {
  if (strcmp(target->segments[0], "metadata") == 0) {
    answer_metadata(server, request, answer);
  } else if (strcmp(target->segments[0], "Group") != 0) {
    refuse_path(answer);
  } else if (is_read(request)) {
    group_search_answer(server, request, target, answer);
  } else {
    answer_refuse_method(answer, "GET, HEAD");
  }
}

static void route(struct server *server, const struct request *request, const struct target *target,
                  struct answer *answer) {
  char *const *segments = target->segments;
  if (target->segment_count == 1) {
    answer_type(server, request, target, answer);
  } else if (target->segment_count == 2 && is_resource_type(segments[0]) && is_id(segments[1])) {
    resource_answer(server, request, segments[0], segments[1], answer);
  } else {
    refuse_path(answer);
  }
}

/* Behind the base, by one who may. */
static void answer_target(struct server *server, const struct request *request, const char *raw,
                          const struct smart_caller *caller, struct answer *answer) {
  struct target target;
  if (server->published != NULL && target_has_segment(raw, PUBLISH_SEGMENT)) {
    publish_handle(server, request, raw, answer);
    return;
  }
  if (target_has_segment(raw, "$export")) {
    export_handle(server, request, raw, caller, answer);
    return;
  }
  if (target_read(raw, &target)) {
    route(server, request, &target, answer);
  } else {
    answer_refuse(answer, 400, "invalid",
                  "the URL is malformed: a percent-encoding, a character or a segment");
  }
  target_free(&target);
}

void server_answer(struct server *server, const struct request *given, struct answer *answer) {
  struct smart_caller caller;
  struct request asked = *given, *request = &asked;
  const char *path = find_path(request->target);
  if (path == NULL || !is_clean(path)) {
    answer_refuse(answer, 400, "invalid",
                  "the URL has characters that must be percent-encoded, or no path");
    return;
  }
  const char *behind = find_target(server, path, request);
  if (server->has_metrics && is_metrics(path)) {
    metrics_answer(server, request, answer);
  } else if (server->page != NULL && page_has(path)) {
    page_answer(server, request, path, answer);
  } else if (auth_answer(server, request, path, behind, answer)) {
    return;
  } else if (behind == NULL) {
    refuse_path(answer);
  } else if (auth_admit(server, request, behind, &caller, answer)) {
    answer_target(server, request, behind, &caller, answer);
  }
}
