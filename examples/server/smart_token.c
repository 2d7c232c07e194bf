/* The token endpoint: an assertion in, an access token out (RFC 6749 4.4, RFC 7523 2.2). */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "log.h"
#include "smart_form.h"
#include "smart_parts.h"

#define BODY_MAX ((size_t)64 * 1024)

enum { GRANT_TYPE, SCOPE, ASSERTION_TYPE, ASSERTION, CLIENT_ID, FIELD_COUNT };

static void begin(struct answer *answer, uint32_t status) {
  answer->status = status;
  answer_set_type(answer, "application/json");
  answer_add_header(answer, "Cache-Control", "no-store");
  answer_add_header(answer, "Pragma", "no-cache");
}

/* A refusal by RFC 6749 5.2: constant words, nothing of the request. */
static void refuse(struct answer *answer, uint32_t status, const char *error,
                   const char *description) {
  begin(answer, status);
  text_add_format(&answer->body, "{\"error\":\"%s\",\"error_description\":\"%s\"}", error,
                  description);
}

static void refuse_request(struct answer *answer, const char *description) {
  refuse(answer, 400, "invalid_request", description);
}

static bool is_form(const struct request *request) {
  static const char form[] = "application/x-www-form-urlencoded";
  const char *type = request_header(request, "Content-Type");
  if (type == NULL || strncasecmp(type, form, sizeof form - 1) != 0) return false;
  return strchr("; \t", type[sizeof form - 1]) != NULL;
}

/* False: refused. What is asked for is looked at before who asks. */
static bool check_fields(const struct smart_field *fields, struct answer *answer) {
  static const char bearer[] = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
  for (size_t i = 0; i < FIELD_COUNT; i++) {
    if (!fields[i].is_repeated) continue;
    refuse_request(answer, "a parameter is there more than once");
    return false;
  }
  const char *grant = fields[GRANT_TYPE].value;
  if (grant != NULL && strcmp(grant, "client_credentials") != 0) {
    refuse(answer, 400, "unsupported_grant_type", "grant_type takes client_credentials");
    return false;
  }
  for (size_t i = 0; i < CLIENT_ID; i++) {
    if (fields[i].value != NULL) continue;
    refuse_request(answer,
                   "grant_type, scope, client_assertion_type and client_assertion are needed");
    return false;
  }
  if (strcmp(fields[ASSERTION_TYPE].value, bearer) == 0) return true;
  refuse_request(answer, "client_assertion_type is another one than the URN for JWT bearers");
  return false;
}

static void give(struct smart *smart, const struct smart_client *client, const char *asked_scope,
                 int64_t now_s, struct answer *answer) {
  struct smart_scopes asked, granted;
  struct text scope = {NULL, 0, 0, false};
  smart_scopes_read(asked_scope, &asked);
  smart_scopes_meet(&asked, &client->scopes, &granted);
  if (smart_scopes_are_none(&granted)) {
    refuse(
        answer, 400, "invalid_scope",
        "none of the scopes is one that a system client can have and this one is registered for");
    return;
  }
  smart_scopes_write(&granted, &scope);
  char *token = scope.failed ? NULL : smart_access_make(smart, client, scope.data, now_s);
  if (token == NULL) {
    answer_fail(answer, "an access token could not be made");
  } else {
    begin(answer, 200);
    text_add_format(&answer->body,
                    "{\"access_token\":\"%s\",\"token_type\":\"bearer\",\"expires_in\":%u,"
                    "\"scope\":\"%s\"}",
                    token, (unsigned)smart->token_seconds, scope.data);
    explicit_bzero(token, strlen(token));
  }
  free(token);
  text_free(&scope);
}

static void authenticate(struct smart *smart, const struct smart_field *fields,
                         struct answer *answer) {
  const int64_t now_s = (int64_t)time(NULL);
  const struct smart_client *client = NULL;
  const char *claimed = fields[CLIENT_ID].value;
  const char *why = NULL;
  enum smart_verdict verdict =
      smart_assertion_check(smart, fields[ASSERTION].value, now_s, &client, &why);
  if (verdict == SMART_BELIEVED && claimed != NULL && strcmp(claimed, client->id) != 0) {
    verdict = SMART_REFUSED;
    why = "the client_id beside it is another one";
  }
  if (verdict == SMART_BELIEVED) {
    give(smart, client, fields[SCOPE].value, now_s, answer);
  } else if (verdict == SMART_UNAVAILABLE) {
    log_problem("a token request", "the record of used assertions could not be written");
    refuse(answer, 503, "temporarily_unavailable", "try again");
    answer_add_header(answer, "Retry-After", "1");
  } else {
    /* It is the id that is registered, not what was sent. */
    log_problem_at("an assertion was refused,", client == NULL ? "of nobody known" : client->id,
                   why);
    refuse(answer, 400, "invalid_client", "the client assertion was not accepted");
  }
}

void smart_token_answer(struct smart *smart, const struct request *request, struct answer *answer) {
  struct smart_field fields[FIELD_COUNT] = {
      [GRANT_TYPE] = {"grant_type", NULL, false},
      [SCOPE] = {"scope", NULL, false},
      [ASSERTION_TYPE] = {"client_assertion_type", NULL, false},
      [ASSERTION] = {"client_assertion", NULL, false},
      [CLIENT_ID] = {"client_id", NULL, false}};
  if (strcmp(request->method, "POST") != 0) {
    refuse(answer, 405, "invalid_request", "the token endpoint takes POST");
    answer_add_header(answer, "Allow", "POST");
    return;
  }
  if (request->body_len > BODY_MAX) {
    refuse(answer, 413, "invalid_request", "the body is longer than a token request can be");
    return;
  }
  char *body = malloc(request->body_len + 1);
  if (body == NULL) {
    answer_fail(answer, "there is no memory");
    return;
  }
  memcpy(body, request->body, request->body_len);
  body[request->body_len] = '\0';
  if (strchr(request->target, '?') != NULL) {
    refuse_request(answer, "parameters belong in the body, not in the URL");
  } else if (!is_form(request)) {
    refuse_request(answer, "the body's type is to be application/x-www-form-urlencoded");
  } else if (!smart_form_read(body, request->body_len, fields, FIELD_COUNT)) {
    refuse_request(answer, "the body is not a well-formed application/x-www-form-urlencoded");
  } else if (check_fields(fields, answer)) {
    authenticate(smart, fields, answer);
  }
  explicit_bzero(body, request->body_len);
  free(body);
}
