/* A request and its answer, as the rest of the server sees them: without libmicrohttpd. */
#ifndef SERVER_ANSWER_H
#define SERVER_ANSWER_H

#include <fhirexport/fhirexport.h>

#include <stdbool.h>

#include "text.h"

struct request {
  /* "GET", "PUT" ... */
  const char *method;
  /* Path and query as sent. */
  const char *target;
  /* Names and values in turn, header_count pairs. */
  const char *const *headers;
  size_t header_count;
  const char *body;
  size_t body_len;
  /* Below --base4b: it goes by the rules of the STU4 ballot. */
  bool by_ballot;
};

/* The value of the first header of that name, without regard to case; NULL if there is none. */
const char *request_header(const struct request *request, const char *name);

#define ANSWER_HEADERS_MAX 12

struct answer {
  uint32_t status;
  struct text body;
  /* The connection ends with this answer: what follows on it cannot be trusted. */
  bool close;
  /* Then status and body are those of the engine, and its headers come before these. */
  fhx_response *exported;
  size_t header_count;
  /* Names are constants. */
  const char *header_names[ANSWER_HEADERS_MAX];
  struct text header_values[ANSWER_HEADERS_MAX];
};

void answer_add_header(struct answer *answer, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The media type of the body. */
void answer_set_type(struct answer *answer, const char *media_type);

/* Makes it a refusal with an OperationOutcome. `code` is of FHIR's IssueType; `diagnostics` says
   what to change, and holds nothing of the request. */
void answer_refuse(struct answer *answer, uint32_t status, const char *code,
                   const char *diagnostics);
/* 405 with the methods that are allowed. */
void answer_refuse_method(struct answer *answer, const char *allowed);
/* 500; the reason goes to the log, not to the client. */
void answer_fail(struct answer *answer, const char *reason);

void answer_free(struct answer *answer);

#endif
