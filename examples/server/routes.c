/* From a request's path to the one that answers it. */
#include <string.h>

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

/* What is behind BASE_PATH; NULL if the path does not begin with it. */
static const char *find_target(const char *path) {
  size_t len = strlen(BASE_PATH);
  if (strncmp(path, BASE_PATH, len) != 0) return NULL;
  return path[len] == '/' || path[len] == '?' || path[len] == '\0' ? path + len : NULL;
}

static void refuse_path(struct answer *answer) {
  answer_refuse(answer, 404, "not-found", "there is nothing at this URL");
}

static void answer_metadata(struct server *server, const struct request *request,
                            struct answer *answer) {
  if (is_read(request)) {
    metadata_answer(server, answer);
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
    group_search_answer(server, target, answer);
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

void server_answer(struct server *server, const struct request *request, struct answer *answer) {
  struct target target;
  const char *path = find_path(request->target);
  if (path == NULL || !is_clean(path)) {
    answer_refuse(answer, 400, "invalid",
                  "the URL has characters that must be percent-encoded, or no path");
    return;
  }
  const char *behind = find_target(path);
  if (behind == NULL) {
    refuse_path(answer);
  } else if (target_has_segment(behind, "$export")) {
    export_handle(server, request, behind, answer);
  } else {
    if (target_read(behind, &target)) {
      route(server, request, &target, answer);
    } else {
      answer_refuse(answer, 400, "invalid",
                    "the URL is malformed: a percent-encoding, a character or a segment");
    }
    target_free(&target);
  }
}
