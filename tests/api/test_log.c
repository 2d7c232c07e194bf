/* What an engine tells its log of jobs and of requests: each thing once, and nothing confidential.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>
#include <fhirexport/fhirexport.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "support/engine.h"
#include "support/event_log.h"
#include "support/require.h"

static test_dataset *data;
static test_engine of;
static test_event_log *events;
/* The engine, once it is made: its workers may be faster. */
static _Atomic(fhx_engine *) known;

static int make_data(void **state) {
  *state = data = test_dataset_new(8, 80, TEST_DATASET_STAMPED | TEST_DATASET_BAD);
  return 0;
}

/* What a callback is allowed to do: no lock is held. */
static void take(void *user_data, const fhx_log_event *event) {
  fhx_metrics *metrics = NULL;
  fhx_engine *engine = atomic_load(&known);
  test_event_log_take(user_data, event);
  if (engine != NULL && fhx_engine_metrics_new(engine, &metrics, NULL) != FHX_OK) {
    test_violation("metrics cannot be had in the log's callback");
  }
  fhx_metrics_free(metrics);
}

static void begin_with(const test_source_knobs *knobs) {
  test_scenario("log");
  events = test_event_log_new();
  test_engine_prepare(&of, knobs);
  of.options.log = take;
  of.options.log_user_data = events;
  of.options.workers = 2;
}

static void start(void) {
  test_engine_start(&of);
  atomic_store(&known, of.engine);
}

static void begin(void) {
  test_source_knobs knobs = test_engine_source(data);
  begin_with(&knobs);
  start();
}

static void end(void) {
  atomic_store(&known, NULL);
  test_engine_end(&of);
  test_event_log_free(events);
}

static void expect_text(const char *event, const char *field, const char *expected) {
  char text[TEST_EVENT_TEXT_MAX] = "";
  test_require(test_event_field(events, event, 0, field, text));
  if (strcmp(text, expected) != 0) print_error("%s: %s is %s\n", event, field, text);
  test_require(strcmp(text, expected) == 0);
}

static bool has_field(const char *event, const char *field) {
  char text[TEST_EVENT_TEXT_MAX];
  return test_event_field(events, event, 0, field, text);
}

static void cancel(const char *target) {
  fhx_request request = test_request("DELETE", target);
  test_expect_outcome(test_send(of.engine, &request), 202, "information", "informational");
}

/* Resources of all files of the manifest's output. */
static int64_t count_output(const char *manifest, char file[TEST_URL_MAX]) {
  char type[70], url[TEST_URL_MAX];
  uint64_t count = 0;
  int64_t sum = 0;
  for (size_t i = 0; test_manifest_item(manifest, "output", i, url, type, &count); i++) {
    sum += (int64_t)count;
    if (i == 0) snprintf(file, TEST_URL_MAX, "%s", url);
  }
  return sum;
}

/* --- a whole job --- */

static void expect_job_events(int64_t resources) {
  test_event_await(events, "job.completed", 1);
  test_require(test_event_count(events, "job.created") == 1);
  test_require(test_event_count(events, "job.planned") == 1);
  test_require(test_event_count(events, "job.failed") == 0);
  test_require(test_event_count(events, "task.failed") == 0);
  expect_text("job.created", "scope", "system");
  /* The plan and those that it has made. */
  const size_t tasks = (size_t)test_event_number(events, "job.planned", 0, "tasks") + 1;
  test_event_await(events, "task.done", tasks);
  test_require(test_event_count(events, "task.claimed") == tasks);
  test_require(test_event_number(events, "job.completed", 0, "resources") == resources);
  test_require(test_event_number(events, "job.completed", 0, "errors") == (int64_t)data->bad_count);
  test_require(test_event_sum(events, "checkpoint.recorded", "resources") == resources);
  test_require(test_event_sum(events, "checkpoint.recorded", "errors") == (int64_t)data->bad_count);
}

static void expect_file_events(int64_t length) {
  test_require(test_event_count(events, "audit.file") == 1);
  test_require(test_event_count(events, "audit.file_sent") == 1);
  expect_text("audit.file", "outcome", "given");
  expect_text("audit.file", "client", "app");
  expect_text("audit.file_sent", "outcome", "whole");
  test_require(test_event_number(events, "audit.file", 0, "length") == length);
  test_require(test_event_number(events, "audit.file_sent", 0, "sent") == length);
  test_require(has_field("audit.file", "file") && has_field("audit.file_sent", "file"));
}

static void test_whole(void **state) {
  (void)state;
  char target[TEST_URL_MAX], file[TEST_URL_MAX] = "";
  begin();
  test_kick_off(of.engine, "/$export", target);
  const char *job_id = strrchr(target, '/') + 1;
  test_answer answer = test_poll(of.engine, target);
  test_require(answer.status == 200);
  expect_job_events(count_output(answer.body, file));
  test_answer_free(&answer);
  answer = test_get(of.engine, test_target_of(file));
  test_require(answer.status == 200);
  const int64_t length = (int64_t)answer.len;
  test_answer_free(&answer);
  expect_file_events(length);
  test_require(test_event_count_with(events, "audit.kick_off", "job", job_id) == 1);
  expect_text("audit.kick_off", "tenant", "north");
  expect_text("audit.kick_off", "outcome", "given");
  expect_text("audit.kick_off", "parameters", "");
  test_require(test_event_count(events, "audit.manifest") == 1);
  cancel(target);
  test_event_await(events, "job.cleaned", 1);
  expect_text("job.cleaned", "cause", "removed");
  test_require(test_event_count_with(events, "audit.cancel", "outcome", "given") == 1);
  test_require(test_event_count_with(events, "job.cancelled", "job", job_id) == 1);
  end();
}

/* What was not read is not told to be sent; a host that sends the file itself says how much. */
static void test_cut(void **state) {
  (void)state;
  char target[TEST_URL_MAX], file[TEST_URL_MAX] = "", byte[1];
  size_t got = 0;
  begin();
  test_kick_off(of.engine, "/$export?_type=Patient", target);
  test_answer answer = test_poll(of.engine, target);
  count_output(answer.body, file);
  test_answer_free(&answer);
  for (int sent = 0; sent < 3; sent++) {
    fhx_response *response = NULL;
    fhx_request request = test_request(sent == 2 ? "HEAD" : "GET", test_target_of(file));
    test_require_status(fhx_engine_handle(of.engine, &request, &response, NULL), FHX_OK);
    if (sent == 0) test_require_status(fhx_response_read(response, byte, 1, &got, NULL), FHX_OK);
    if (sent == 1) fhx_response_sent(response, UINT64_MAX);
    fhx_response_free(response);
  }
  test_require(test_event_count(events, "audit.file") == 3);
  /* A HEAD sends nothing. */
  test_require(test_event_count(events, "audit.file_sent") == 2);
  test_require(test_event_number(events, "audit.file_sent", 0, "sent") == 1);
  expect_text("audit.file_sent", "outcome", "cut");
  test_require(test_event_count_with(events, "audit.file_sent", "outcome", "whole") == 1);
  end();
}

/* --- jobs that come to no good end --- */

/* ERR-11: the reason is in the log too. */
static void test_failed(void **state) {
  (void)state;
  char target[TEST_URL_MAX];
  for (int retries = 0; retries < 2; retries++) {
    test_source_knobs knobs = test_engine_source(data);
    knobs.fault_call = TEST_SOURCE_NEXT;
    knobs.fault = retries == 0 ? TEST_SOURCE_FAILS : TEST_SOURCE_FAILS_RETRYABLE;
    knobs.fault_at = 1;
    begin_with(&knobs);
    of.options.workers = 1;
    start();
    test_kick_off(of.engine, "/$export?_type=Patient", target);
    test_expect_outcome(test_poll(of.engine, target), 500, "error", "exception");
    test_event_await(events, "job.failed", 1);
    expect_text("job.failed", "status", retries == 0 ? "SOURCE" : "IO");
    test_require(has_field("job.failed", "reason"));
    test_require(test_event_count(events, "job.completed") == 0);
    test_require(test_event_count(events, "task.failed") == (retries == 0 ? 1 : 3));
    test_require(test_event_count_with(events, "task.failed", "final", "1") == 1);
    test_event_await(events, "job.cleaned", 1);
    expect_text("job.cleaned", "cause", "failed");
    /* The poll was answered, and was none of the engine's own faults. */
    test_require(test_event_count(events, "request.failed") == 0);
    end();
  }
}

static void hold(void *context, uint64_t number) {
  atomic_bool *goes_on = context;
  if (number != 2) return;
  while (!atomic_load(goes_on)) nanosleep(&(struct timespec){0, 2000000}, NULL);
}

static void test_cancelled(void **state) {
  (void)state;
  char target[TEST_URL_MAX];
  atomic_bool goes_on;
  atomic_init(&goes_on, false);
  test_source_knobs knobs = test_engine_source(data);
  knobs.hook = hold;
  knobs.hook_context = &goes_on;
  begin_with(&knobs);
  start();
  test_kick_off(of.engine, "/$export", target);
  cancel(target);
  fhx_request again = test_request("DELETE", target);
  test_expect_outcome(test_send(of.engine, &again), 404, "error", "not-found");
  atomic_store(&goes_on, true);
  test_event_await(events, "job.cleaned", 1);
  expect_text("job.cleaned", "cause", "cancelled");
  test_require(test_event_count(events, "job.cancelled") == 1);
  test_require(test_event_count(events, "job.completed") == 0);
  test_require(test_event_count(events, "job.failed") == 0);
  test_require(test_event_count_with(events, "audit.cancel", "outcome", "refused") == 1);
  end();
}

/* A task that is parked is gone on with, from its token, and both are told. */
static void stop_at_third(void *context, uint64_t number) {
  (void)context;
  if (number == 3) fhx_engine_stop(of.engine);
}

static void test_parked(void **state) {
  (void)state;
  char target[TEST_URL_MAX];
  fhx_sqlite_store_options memory;
  FHX_INIT(&memory);
  memory.path = ":memory:";
  test_source_knobs knobs = test_engine_source(data);
  knobs.hook = stop_at_third;
  begin_with(&knobs);
  of.options.workers = 0;
  of.options.part_bytes = 500;
  test_require_status(fhx_sqlite_store_new(&memory, &of.options.store, NULL), FHX_OK);
  start();
  test_kick_off(of.engine, "/$export?_type=Patient", target);
  test_require_status(fhx_engine_run(of.engine, NULL), FHX_WAIT);
  test_require(test_event_count(events, "task.parked") == 1);
  atomic_store(&known, NULL);
  fhx_engine_free(of.engine);
  of.options.workers = 1;
  start();
  test_answer answer = test_poll(of.engine, target);
  test_require(answer.status == 200);
  test_answer_free(&answer);
  test_event_await(events, "job.completed", 1);
  test_require(test_event_count_with(events, "task.claimed", "resumed", "1") == 1);
  test_require(test_event_count(events, "job.created") == 1);
  fhx_store_free(of.options.store);
  end();
}

/* --- who was refused --- */

/* Another client's request: AUTH-19, and who tried is told with the id that was tried. */
static void ask_as(const char *client, const char *method, const char *target) {
  fhx_request request = test_request(method, target);
  request.client = client;
  test_expect_outcome(test_send(of.engine, &request), 404, "error", "not-found");
}

static void test_refused(void **state) {
  (void)state;
  char target[TEST_URL_MAX], file[TEST_URL_MAX] = "", forged[TEST_URL_MAX + 8];
  begin();
  test_kick_off(of.engine, "/$export?_type=Patient", target);
  test_answer answer = test_poll(of.engine, target);
  count_output(answer.body, file);
  test_answer_free(&answer);
  ask_as("mallory", "GET", target);
  ask_as("mallory", "DELETE", target);
  test_require(test_event_count_with(events, "audit.manifest", "client", "mallory") == 1);
  test_require(test_event_count_with(events, "audit.manifest", "why", "not_theirs") == 1);
  test_require(test_event_count_with(events, "audit.manifest", "job", strrchr(target, '/') + 1) ==
               2);
  test_require(test_event_count_with(events, "audit.cancel", "why", "not_theirs") == 1);
  test_require(test_event_count(events, "job.cancelled") == 0);
  snprintf(forged, sizeof forged, "%s0", test_target_of(file));
  test_expect_refusal(of.engine, forged, 403, "forbidden");
  expect_text("audit.file", "why", "bad_link");
  expect_text("audit.file", "outcome", "refused");
  test_require(test_event_count(events, "audit.file_sent") == 0);
  /* Ids that are none of ours may be anything, and are not told. */
  ask_as("app", "GET", "/$export/Patient-Jane-Doe");
  test_require(test_event_count_with(events, "audit.manifest", "why", "unknown") == 1);
  test_require(!test_event_log_has(events, "Jane"));
  end();
}

/* A link that was good once (FILE-10). */
static void test_expired(void **state) {
  (void)state;
  char target[TEST_URL_MAX], file[TEST_URL_MAX] = "";
  test_source_knobs knobs = test_engine_source(data);
  begin_with(&knobs);
  of.options.link_us = 1000000;
  start();
  test_kick_off(of.engine, "/$export?_type=Patient", target);
  test_answer answer = test_poll(of.engine, target);
  count_output(answer.body, file);
  test_answer_free(&answer);
  for (bool is_over = false; !is_over;) {
    nanosleep(&(struct timespec){0, 50000000}, NULL);
    answer = test_get(of.engine, test_target_of(file));
    is_over = answer.status == 410;
    test_answer_free(&answer);
  }
  test_require(test_event_count_with(events, "audit.file", "why", "expired") == 1);
  end();
}

/* Of a kick-off only the names of its parameters are told (PHI), whether it is taken or not. */
static void test_parameters(void **state) {
  (void)state;
  static const char body[] =
      "{\"resourceType\":\"Parameters\",\"parameter\":["
      "{\"name\":\"patient\",\"valueReference\":{\"reference\":\"Patient/secret-patient\"}},"
      "{\"name\":\"patient\",\"valueReference\":{\"reference\":\"Patient/secret-patient\"}},"
      "{\"name\":\"_typeFilter\",\"valueString\":\"Patient?name=SecretName\"},"
      "{\"name\":\"SecretParameter\",\"valueString\":\"x\"}]}";
  static const char *const headers[] = {"Content-Type", "application/fhir+json"};
  begin();
  fhx_request request = test_request("POST", "/Patient/$export");
  request.headers = headers;
  request.header_count = 1;
  request.body = body;
  request.body_len = sizeof body - 1;
  test_answer answer = test_send(of.engine, &request);
  test_require(answer.status == 400);
  test_answer_free(&answer);
  request = test_request("SecretMethod", "/Group/SecretGroup/$export?patient=SecretName");
  answer = test_send(of.engine, &request);
  test_require(answer.status == 405);
  test_answer_free(&answer);
  test_require(test_event_count_with(events, "audit.kick_off", "outcome", "refused") == 2);
  test_require(test_event_count_with(events, "audit.kick_off", "parameters",
                                     "patient,_typeFilter,(unknown)") == 1);
  expect_text("audit.kick_off", "why", "not-supported");
  test_require(test_event_count_with(events, "audit.kick_off", "scope", "group") == 1);
  test_require(test_event_count_with(events, "audit.kick_off", "method", "other") == 1);
  test_require(!test_event_log_has(events, "ecret"));
  end();
}

/* A host's text that is not UTF-8 does not get into the log. */
static void test_not_utf8(void **state) {
  (void)state;
  begin();
  ask_as("\xff\xfe", "GET", "/$export/00112233445566778899aabbccddeeff");
  test_require(test_event_count_with(events, "audit.manifest", "client", "(not UTF-8)") == 1);
  end();
}

/* --- many at once --- */

static void *ask_much(void *context) {
  (void)context;
  for (int i = 0; i < 40; i++) {
    fhx_request request = test_request("GET", "/$export/00112233445566778899aabbccddeeff");
    fhx_response *response = NULL;
    fhx_metrics *metrics = NULL;
    test_violation_unless(fhx_engine_handle(of.engine, &request, &response, NULL) == FHX_OK &&
                              fhx_response_status(response) == 404,
                          "a poll was not refused");
    fhx_response_free(response);
    test_violation_unless(fhx_engine_metrics_new(of.engine, &metrics, NULL) == FHX_OK,
                          "there are no metrics");
    fhx_metrics_free(metrics);
  }
  return NULL;
}

static void test_threads(void **state) {
  (void)state;
  pthread_t threads[4];
  char targets[3][TEST_URL_MAX];
  test_source_knobs knobs = test_engine_source(data);
  begin_with(&knobs);
  of.options.workers = 4;
  of.options.helpers = 1;
  start();
  for (size_t i = 0; i < 3; i++) test_kick_off(of.engine, "/$export", targets[i]);
  for (size_t i = 0; i < 4; i++) {
    assert_int_equal(pthread_create(&threads[i], NULL, ask_much, NULL), 0);
  }
  for (size_t i = 0; i < 3; i++) {
    test_answer answer = test_poll(of.engine, targets[i]);
    test_require(answer.status == 200);
    test_answer_free(&answer);
  }
  for (size_t i = 0; i < 4; i++) pthread_join(threads[i], NULL);
  test_event_await(events, "job.completed", 3);
  for (size_t i = 0; i < 3; i++) {
    const char *job_id = strrchr(targets[i], '/') + 1;
    test_require(test_event_count_with(events, "job.completed", "job", job_id) == 1);
    test_require(test_event_count_with(events, "job.planned", "job", job_id) == 1);
  }
  test_require(test_event_count_with(events, "audit.manifest", "why", "unknown") == 160);
  test_require(test_event_sum(events, "job.completed", "resources") ==
               test_event_sum(events, "checkpoint.recorded", "resources"));
  end();
}

static void test_misuse(void **state) {
  (void)state;
  test_require(*fhx_log_event_name(NULL) == '\0' && *fhx_log_event_message(NULL) == '\0');
  test_require(fhx_log_event_level(NULL) == 0 && fhx_log_event_is_audit(NULL) == 0);
  test_require(fhx_log_event_time_us(NULL) == 0 && fhx_log_event_field_count(NULL) == 0);
  test_require(fhx_log_event_field_name(NULL, 0) == NULL);
  test_require(fhx_log_event_field_text(NULL, 0) == NULL);
  test_require(fhx_log_event_field_number(NULL, 0) == 0);
  test_require(fhx_log_event_text(NULL, "job") == NULL);
  test_require(fhx_log_event_number(NULL, NULL, 7) == 7);
  fhx_response_sent(NULL, 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_whole),    cmocka_unit_test(test_cut),
      cmocka_unit_test(test_failed),   cmocka_unit_test(test_cancelled),
      cmocka_unit_test(test_parked),   cmocka_unit_test(test_refused),
      cmocka_unit_test(test_expired),  cmocka_unit_test(test_parameters),
      cmocka_unit_test(test_not_utf8), cmocka_unit_test(test_threads),
      cmocka_unit_test(test_misuse),
  };
  return cmocka_run_group_tests(tests, make_data, test_dataset_end);
}
