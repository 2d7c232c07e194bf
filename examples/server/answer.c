/* Answers, and the OperationOutcomes in them. */
#include "answer.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "log.h"

const char *request_header(const struct request *request, const char *name) {
  for (size_t i = 0; i < request->header_count; i++) {
    if (strcasecmp(request->headers[2 * i], name) == 0) return request->headers[2 * i + 1];
  }
  return NULL;
}

void answer_add_header(struct answer *answer, const char *name, const char *format, ...) {
  char value[8192];
  va_list arguments;
  va_start(arguments, format);
  int len = vsnprintf(value, sizeof value, format, arguments);
  va_end(arguments);
  /* One that does not fit is left out whole. */
  if (len < 0 || (size_t)len >= sizeof value) return;
  if (answer->header_count == ANSWER_HEADERS_MAX) return;
  answer->header_names[answer->header_count] = name;
  text_add_string(&answer->header_values[answer->header_count], value);
  answer->header_count++;
}

void answer_set_type(struct answer *answer, const char *media_type) {
  answer_add_header(answer, "Content-Type", "%s", media_type);
}

static void clear(struct answer *answer) {
  bool must_close = answer->close;
  answer_free(answer);
  memset(answer, 0, sizeof *answer);
  answer->close = must_close;
}

void answer_refuse(struct answer *answer, uint32_t status, const char *code,
                   const char *diagnostics) {
  clear(answer);
  answer->status = status;
  answer_set_type(answer, "application/fhir+json");
  text_add_format(&answer->body,
                  "{\"resourceType\":\"OperationOutcome\",\"issue\":[{\"severity\":\"error\","
                  "\"code\":\"%s\",\"diagnostics\":",
                  code);
  text_add_json(&answer->body, diagnostics);
  text_add_string(&answer->body, "}]}");
}

void answer_refuse_method(struct answer *answer, const char *allowed) {
  answer_refuse(answer, 405, "not-supported", "this URL does not take this method; see Allow");
  answer_add_header(answer, "Allow", "%s", allowed);
}

void answer_fail(struct answer *answer, const char *reason) {
  log_problem("a request", reason);
  answer_refuse(answer, 500, "exception", "the server failed; its log says why");
}

void answer_free(struct answer *answer) {
  text_free(&answer->body);
  for (size_t i = 0; i < answer->header_count; i++) text_free(&answer->header_values[i]);
  answer->header_count = 0;
  fhx_response_free(answer->exported);
  answer->exported = NULL;
}
