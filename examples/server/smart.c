/* What belongs together for SMART, and the access token of a request. */
#include "smart.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "log.h"
#include "smart_parts.h"

/* --- opening and closing --- */

static char *joined(const char *first, const char *second) {
  struct text text = {NULL, 0, 0, false};
  text_add_string(&text, first);
  text_add_string(&text, second);
  if (!text.failed) return text.data;
  text_free(&text);
  return NULL;
}

static bool open_replay(const struct smart_options *options, struct smart *smart) {
  char *beside = joined(options->clients_file, ".used");
  const char *path = options->used_place != NULL ? options->used_place : beside;
  if (path != NULL) smart->replay = smart_replay_open(path);
  free(beside);
  return smart->replay != NULL;
}

struct smart *smart_open(const struct smart_options *options) {
  struct smart *smart = calloc(1, sizeof *smart);
  if (smart == NULL) return NULL;
  smart->token_seconds = options->token_seconds;
  smart->base_url = joined(options->base_url, "");
  smart->token_url = joined(options->base_url, SMART_TOKEN_PATH);
  smart->token_keys = smart_access_keys(options);
  if (smart->base_url == NULL || smart->token_url == NULL || smart->token_keys == NULL ||
      curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
    log_problem("--auth smart", "there is no memory, or nothing random");
  } else if (smart_clients_read(options->clients_file, options->jwks_ca_file, &smart->clients) &&
             open_replay(options, smart)) {
    return smart;
  }
  smart_close(smart);
  return NULL;
}

void smart_close(struct smart *smart) {
  if (smart == NULL) return;
  smart_clients_free(&smart->clients);
  smart_replay_close(smart->replay);
  json_decref(smart->token_keys);
  free(smart->token_url);
  free(smart->base_url);
  free(smart);
}

/* --- requests --- */

static void refuse(struct answer *answer, const char *challenge, const char *why) {
  answer_refuse(answer, 401, "login", why);
  answer_add_header(answer, "WWW-Authenticate", "%s", challenge);
}

/* The token of "Bearer TOKEN"; NULL if there is none, or more than one such header. */
static const char *find_token(const struct request *request) {
  static const char scheme[] = "Bearer ";
  const char *found = NULL;
  for (size_t i = 0; i < request->header_count; i++) {
    if (strcasecmp(request->headers[2 * i], "Authorization") != 0) continue;
    if (found != NULL) return NULL;
    found = request->headers[2 * i + 1];
  }
  if (found == NULL || strncasecmp(found, scheme, sizeof scheme - 1) != 0) return NULL;
  found += sizeof scheme - 1;
  return found + strspn(found, " ");
}

bool smart_admit(const struct smart *smart, const struct request *request,
                 struct smart_caller *caller, struct answer *answer) {
  const char *token = find_token(request);
  if (token == NULL) {
    refuse(answer, "Bearer realm=\"fhir\"",
           "send an access token: Authorization: Bearer and the token, once");
    return false;
  }
  caller->client = smart_access_read(smart, token, (int64_t)time(NULL), &caller->scopes);
  if (caller->client != NULL) return true;
  refuse(answer, "Bearer realm=\"fhir\", error=\"invalid_token\"",
         "the access token is not valid, or has expired; get a new one");
  return false;
}

void smart_forbid(struct answer *answer, const char *why) {
  answer_refuse(answer, 403, "forbidden", why);
  answer_add_header(answer, "WWW-Authenticate",
                    "Bearer realm=\"fhir\", error=\"insufficient_scope\"");
}
