/*
 * The files of exports that were started on the page, and of no others: to the engine the operator
 * is a client, who has no files but his own. Whoever can start exports here can read all that is in
 * this server: a token is to be kept like that.
 */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "page_parts.h"

#define MANIFEST_MAX ((size_t)16 * 1024 * 1024)

static const char *const kinds[] = {"output", "deleted", "error"};

/* --- the manifest --- */

static void refuse_files(fhx_response *response, struct answer *answer) {
  const uint32_t status = fhx_response_status(response);
  if (status == 202) {
    answer_refuse(answer, 409, "incomplete", "the export is not complete yet");
  } else if (status == 500) {
    answer_refuse(answer, 409, "incomplete", "the export has failed and has no files");
  } else if (status == 404) {
    answer_refuse(answer, 404, "not-found",
                  "files can be had here of exports alone that were started on this page");
  } else {
    page_pass_on(response, answer);
  }
}

/* NULL: the answer says why. */
static json_t *read_manifest(struct server *server, const char *job_id, struct answer *answer) {
  struct text target = {NULL, 0, 0, false}, body = {NULL, 0, 0, false};
  fhx_request asked;
  fhx_response *response = NULL;
  json_t *manifest = NULL;
  FHX_INIT(&asked);
  text_add_format(&target, "/$export/%s", job_id);
  asked.method = "GET";
  asked.target = target.data;
  if (target.failed) {
    answer_fail(answer, "there is no memory");
  } else if (page_ask(server, &asked, &response, answer)) {
    if (fhx_response_status(response) != 200) {
      refuse_files(response, answer);
    } else {
      if (page_read(response, MANIFEST_MAX, &body))
        manifest = json_loadb(body.data, body.len, 0, NULL);
      if (manifest == NULL)
        answer_fail(answer, "a manifest is too long for the page, or not whole");
    }
  }
  fhx_response_free(response);
  text_free(&target);
  text_free(&body);
  return manifest;
}

/* --- the list --- */

static void add_file(struct text *body, const char *kind, const json_t *entry, size_t number) {
  const char *type = json_string_value(json_object_get(entry, "type"));
  const json_t *count = json_object_get(entry, "count");
  text_add_format(body, "%s{\"number\":%zu,\"kind\":\"%s\",\"type\":", number == 0 ? "" : ",",
                  number, kind);
  text_add_json(body, type == NULL ? "" : type);
  text_add_format(body, ",\"count\":%lld}", (long long)json_integer_value(count));
}

void page_files_list(struct server *server, const char *job_id, struct answer *answer) {
  json_t *manifest = read_manifest(server, job_id, answer);
  size_t number = 0;
  if (manifest == NULL) return;
  page_give_json(answer, 200);
  text_add_string(&answer->body, "{\"files\":[");
  for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
    const json_t *entries = json_object_get(manifest, kinds[k]);
    for (size_t i = 0; i < json_array_size(entries); i++) {
      add_file(&answer->body, kinds[k], json_array_get(entries, i), number++);
    }
  }
  text_add_string(&answer->body, "]}");
  json_decref(manifest);
}

/* --- a file --- */

static const char *find_url(const json_t *manifest, const char *number) {
  char *end = NULL;
  size_t left = strtoul(number, &end, 10);
  if (*number < '0' || *number > '9' || *end != '\0') return NULL;
  for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
    const json_t *entries = json_object_get(manifest, kinds[k]);
    const size_t count = json_array_size(entries);
    if (left < count) {
      return json_string_value(json_object_get(json_array_get(entries, left), "url"));
    }
    left -= count;
  }
  return NULL;
}

/* A file that this server serves comes from here, also where its link alone is not enough. */
static void send_file(struct server *server, const struct request *request, const char *target,
                      struct answer *answer) {
  fhx_request asked;
  FHX_INIT(&asked);
  asked.method = request->method;
  asked.target = target;
  asked.headers = request->headers;
  asked.header_count = request->header_count;
  if (!page_ask(server, &asked, &answer->exported, answer)) return;
  const char *name = strrchr(target, '/') + 1;
  answer_add_header(answer, "Content-Disposition", "attachment; filename=\"%.*s\"",
                    (int)strcspn(name, "?\""), name);
}

void page_files_give(struct server *server, const struct request *request, const char *job_id,
                     const char *number, struct answer *answer) {
  json_t *manifest = read_manifest(server, job_id, answer);
  if (manifest == NULL) return;
  const char *url = find_url(manifest, number);
  const size_t base_len = strlen(server->base_url);
  if (url == NULL) {
    answer_refuse(answer, 404, "not-found", "this export has no such file");
  } else if (strncmp(url, server->base_url, base_len) == 0 && url[base_len] == '/') {
    send_file(server, request, url + base_len, answer);
  } else {
    answer->status = 303;
    answer_add_header(answer, "Location", "%s", url);
  }
  json_decref(manifest);
}
