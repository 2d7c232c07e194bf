/* An engine between a memory source and a folder, and what a client asks of it. */
#ifndef TEST_SUPPORT_ENGINE_H
#define TEST_SUPPORT_ENGINE_H

#include <fhirexport/engine.h>

#include "support/dataset.h"
#include "support/folder.h"
#include "support/memory_source.h"

#define TEST_BASE_URL "https://fhir.example.org/r4"
#define TEST_URL_MAX 700

typedef struct test_engine {
  char folder[TEST_PATH_MAX];
  test_source *source;
  /* With source, destination, base URL and a key; workers is 0. What a test changes is used by
     test_engine_start. */
  fhx_engine_options options;
  const void *key;
  size_t key_len;
  fhx_engine *engine;
} test_engine;

/* A source with tokens, seven rows at most. */
test_source_knobs test_engine_source(const test_dataset *data);
/* Everything but the engine; members of `options` are NULL where memory ran out. */
void test_engine_prepare(test_engine *of, const test_source_knobs *knobs);
void test_engine_start(test_engine *of);
/* Frees everything, and checks that nothing was violated. */
void test_engine_end(test_engine *of);

/* A request of the client "app" of the tenant "north". */
fhx_request test_request(const char *method, const char *target);

/* An answer with its whole body, which ends with a NUL that does not count. */
typedef struct test_answer {
  fhx_response *response;
  uint32_t status;
  char *body;
  size_t len;
} test_answer;

/* Sends it and reads the body in pieces; also checks what fhx_response_file says of it. */
test_answer test_send(fhx_engine *engine, const fhx_request *request);
test_answer test_get(fhx_engine *engine, const char *target);
void test_answer_free(test_answer *answer);
/* The header's value, or NULL. */
const char *test_header(const test_answer *answer, const char *name);

/* The answer has this status, and is an OperationOutcome of this severity and code (ERR-01,
   ERR-02); frees it. */
void test_expect_outcome(test_answer answer, uint32_t status, const char *severity,
                         const char *code);
/* The same of the answer to a GET of the client "app", with severity "error". */
void test_expect_refusal(fhx_engine *engine, const char *target, uint32_t status, const char *code);

/* Kicks off, which must be accepted, and stores the target of the status URL. */
void test_kick_off(fhx_engine *engine, const char *target, char status_target[TEST_URL_MAX]);
/* Polls until the answer is not 202 any more, checking each 202. */
test_answer test_poll(fhx_engine *engine, const char *status_target);
/* What stands behind the base URL. */
const char *test_target_of(const char *url);
/* The URL of the position-th item of a list of a manifest; false beyond the last. `type` may be
   NULL. */
bool test_manifest_item(const char *manifest, const char *list, size_t position,
                        char url[TEST_URL_MAX], char type[70], uint64_t *count);

/* Lines of all files of one list of a manifest, each of which must be there, and as many as it
   says. */
uint64_t test_count_lines(fhx_engine *engine, const char *manifest, const char *list);

void test_nap_ms(long ms);

/* fhx_engine_run on a thread, which must return FHX_WAIT at the stop. */
typedef struct test_worker test_worker;
test_worker *test_worker_start(fhx_engine *engine);
/* After fhx_engine_stop. */
void test_worker_join(test_worker *worker);

#endif
