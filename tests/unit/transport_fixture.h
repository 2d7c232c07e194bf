/* A transport, a scripted server, and requests between them. */
#ifndef TEST_UNIT_TRANSPORT_FIXTURE_H
#define TEST_UNIT_TRANSPORT_FIXTURE_H

#include "support/scripted_server.h"
#include "transport/transport.h"

/* How a test's request is signed: server, target, headers ("Name: value", then NULL). */
typedef struct test_ask {
  const char *base;
  const char *target;
  const char *const *headers;
  /* How often it was signed; each time it says so in X-Signing. */
  int signings;
  /* What signing number fail_at fails with. */
  int fail_at;
  int32_t fail_status;
  /* Answers of this status are asked for again; 0: none. */
  uint32_t again_status;
} test_ask;

/* A transfer that asks for this. `ask` stays where it is. */
fhx__transfer test_transfer(test_ask *ask, const char *method, const void *body, size_t len);
/* The answer's body as a text; "" for none. */
const char *test_answer_text(fhx__transfer *transfer);

#endif
