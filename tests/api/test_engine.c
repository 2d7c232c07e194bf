/* The engine as a client sees it: kick-off, status, cancel, and who may do what. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>
#include <fhirexport/fhirexport.h>
#include <pthread.h>
#include <time.h>

#include "support/engine.h"
#include "support/refused.h"
#include "support/require.h"

#define UNKNOWN "/$export/0123456789abcdef0123456789abcdef"

static test_dataset *data;
static test_engine of;

static int make_data(void **state) {
  *state = data = test_dataset_new(5, 60, TEST_DATASET_STAMPED);
  return 0;
}

/* An engine that runs nothing by itself. */
static int begin(void **state) {
  (void)state;
  test_scenario("engine");
  test_source_knobs knobs = test_engine_source(data);
  test_engine_prepare(&of, &knobs);
  return 0;
}

static int end(void **state) {
  (void)state;
  test_engine_end(&of);
  return 0;
}

static test_answer send_as(const char *method, const char *target, const char *tenant,
                           const char *client, const char *permitted) {
  fhx_request request = test_request(method, target);
  request.tenant = tenant;
  request.client = client;
  request.permitted_types = permitted;
  return test_send(of.engine, &request);
}

static test_answer send_method(const char *method, const char *target) {
  return send_as(method, target, "north", "app", NULL);
}

static test_answer send_header(const char *target, const char *name, const char *value) {
  const char *headers[] = {name, value};
  fhx_request request = test_request("GET", target);
  request.headers = headers;
  request.header_count = 1;
  return test_send(of.engine, &request);
}

static void cancel(const char *status_target) {
  test_expect_outcome(send_method("DELETE", status_target), 202, "information", "informational");
}

/* --- kick-off --- */

/* KICK-05 to -07, -10, -24: 202 with the poll URL, at which the job is there at once. */
static void test_accepted(void **state) {
  (void)state;
  test_engine_start(&of);
  test_answer answer = test_get(of.engine, "/$export");
  test_require(answer.status == 202 && answer.len == 0);
  test_require(strcmp(test_header(&answer, "Content-Length"), "0") == 0);
  const char *url = test_header(&answer, "Content-Location");
  test_require(strlen(url) == strlen(TEST_BASE_URL UNKNOWN));
  test_answer poll = test_get(of.engine, test_target_of(url));
  test_require(poll.status == 202 && poll.len == 0);
  test_require(strncmp(test_header(&poll, "X-Progress"), "0%", 2) == 0);
  test_require(strcmp(test_header(&poll, "Retry-After"), "1") == 0);
  test_require(strcmp(test_header(&poll, "Cache-Control"), "no-store") == 0);
  test_answer_free(&poll);
  test_answer_free(&answer);
}

/* Nothing was read yet: the answer comes from the request alone (KICK-23). */
static void test_reads_nothing(void **state) {
  (void)state;
  char target[TEST_URL_MAX];
  test_engine_start(&of);
  test_kick_off(of.engine, "/$export", target);
  test_require(test_source_calls(of.source, TEST_SOURCE_OPEN) == 0);
}

/* URLs come from base_url, the engine's or the host's for the request, never from headers. */
static void test_base_url(void **state) {
  (void)state;
  const char *headers[] = {"Host",
                           "evil.example",
                           "X-Forwarded-Host",
                           "evil.example",
                           "Forwarded",
                           "host=evil",
                           "X-Forwarded-Proto",
                           "http",
                           "X-Forwarded-For",
                           "evil"};
  fhx_request request = test_request("GET", "/$export");
  request.headers = headers;
  request.header_count = 5;
  test_engine_start(&of);
  test_answer answer = test_send(of.engine, &request);
  test_require(strstr(test_header(&answer, "Content-Location"), "evil") == NULL);
  test_target_of(test_header(&answer, "Content-Location"));
  test_answer_free(&answer);
  request.base_url = "https://other.example/fhir";
  answer = test_send(of.engine, &request);
  const char start[] = "https://other.example/fhir/$export/";
  test_require(strncmp(test_header(&answer, "Content-Location"), start, strlen(start)) == 0);
  test_answer_free(&answer);
}

/* KICK-25, and a slash at the end. */
static void test_spellings(void **state) {
  (void)state;
  char target[TEST_URL_MAX];
  test_engine_start(&of);
  test_kick_off(of.engine, "/%24export", target);
  cancel(target);
  test_kick_off(of.engine, "/$export/", target);
  /* The status URL is the same, too. */
  char encoded[TEST_URL_MAX + 16];
  snprintf(encoded, sizeof encoded, "/%%24export%s", target + strlen("/$export"));
  cancel(encoded);
}

/* KICK-08, KICK-19, KICK-20, ERR-01, ERR-05: refusals are 4xx with an outcome, and leave no job. */
static void test_refused(void **state) {
  (void)state;
  static const struct {
    const char *target;
    uint32_t status;
    const char *code;
  } rows[] = {
      {"/$export?_typo=1", 400, "not-supported"},
      {"/$export?_type=Martian", 400, "value"},
      {"/$export?_since=yesterday", 400, "value"},
      {"/$export?_until=2024", 400, "value"},
      {"/$export?_since=2024-01-01T00:00:00Z&_since=2024-01-01T00:00:00Z", 400, "invalid"},
      {"/$export?_outputFormat=text/csv", 400, "value"},
      {"/$export?patient=Patient/1", 400, "value"},
      {"/Patient/1/$export", 400, "not-supported"},
      {"/Observation/$export", 400, "not-supported"},
      {"/Group/$export", 400, "not-supported"},
      {"/Group/1/2/$export", 400, "not-supported"},
      {"/patient/$export", 400, "not-supported"},
      {"/Group/a_b/$export", 404, "not-found"},
      {"/Group/a%2Fb/$export", 404, "not-found"},
      {"/Group/%C3%A4/$export", 404, "not-found"},
      {"/Patient/$export/x", 404, "not-found"},
      {"/Patient", 404, "not-found"},
      {"/", 404, "not-found"},
      {"/$export/a/b/c", 404, "not-found"},
  };
  of.options.jobs_max = 1;
  test_engine_start(&of);
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    test_scenario("%s", rows[i].target);
    test_expect_refusal(of.engine, rows[i].target, rows[i].status, rows[i].code);
  }
  test_answer answer = send_header("/$export", "Accept", "text/html");
  test_expect_outcome(answer, 406, "error", "not-supported");
  char target[TEST_URL_MAX];
  test_kick_off(of.engine, "/$export", target);
}

/* A type that FHIR has and the source has not is named (PARAM-11). */
static void test_unsupported_type(void **state) {
  (void)state;
  test_engine_start(&of);
  test_answer answer = test_get(of.engine, "/$export?_type=Patient,Device");
  test_require(strstr(answer.body, "Device") != NULL);
  test_require(strstr(answer.body, "Patient") == NULL);
  test_expect_outcome(answer, 400, "error", "not-supported");
}

/* Limits of the request (ERR-08). */
static void test_sizes(void **state) {
  (void)state;
  fhx_request request = test_request("GET", "/$export?_type=Patient");
  of.options.target_bytes_max = strlen(request.target);
  of.options.body_bytes_max = 3;
  test_engine_start(&of);
  request.body = "abcd";
  request.body_len = 4;
  test_expect_outcome(test_send(of.engine, &request), 413, "error", "too-long");
  request.body_len = 3;
  test_answer answer = test_send(of.engine, &request);
  test_require(answer.status == 202);
  test_answer_free(&answer);
  answer = test_get(of.engine, "/$export?_type=Patient,");
  test_require(answer.status == 414);
  test_answer_free(&answer);
}

/* KICK-20, STAT-17, and of files. */
static void test_methods(void **state) {
  (void)state;
  static const struct {
    const char *target;
    const char *method;
    const char *allowed;
  } rows[] = {
      {"/$export", "PUT", "GET, POST"},
      {"/$export", "DELETE", "GET, POST"},
      {"/$export", "get", "GET, POST"},
      {"/$export", "BREW", "GET, POST"},
      {"/Patient/$export", "PUT", "GET, POST"},
      {"/Group/1/$export", "DELETE", "GET, POST"},
      {UNKNOWN, "POST", "GET, HEAD, DELETE"},
      {UNKNOWN, "PATCH", "GET, HEAD, DELETE"},
      {UNKNOWN "/a.ndjson", "DELETE", "GET, HEAD"},
      {UNKNOWN "/a.ndjson", "POST", "GET, HEAD"},
  };
  test_engine_start(&of);
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    test_scenario("%s %s", rows[i].method, rows[i].target);
    test_answer answer = send_method(rows[i].method, rows[i].target);
    test_require(strcmp(test_header(&answer, "Allow"), rows[i].allowed) == 0);
    test_expect_outcome(answer, 405, "error", "not-supported");
  }
  /* A HEAD has no body. */
  test_answer answer = send_method("HEAD", "/Patient/$export");
  test_require(answer.status == 405 && answer.len == 0);
  test_require(strcmp(test_header(&answer, "Allow"), "GET, POST") == 0);
  test_answer_free(&answer);
}

/* --- limits of jobs --- */

static void expect_throttled(const char *client) {
  test_answer answer = send_as("GET", "/$export", "north", client, NULL);
  test_require(atoi(test_header(&answer, "Retry-After")) > 0);
  test_expect_outcome(answer, 429, "error", "throttled");
}

static void kick_off_as(const char *client, char target[TEST_URL_MAX]) {
  test_answer answer = send_as("GET", "/$export", "north", client, NULL);
  test_require(answer.status == 202);
  snprintf(target, TEST_URL_MAX, "%s", test_target_of(test_header(&answer, "Content-Location")));
  test_answer_free(&answer);
}

/* KICK-14, KICK-15, DEL-06: 429 at each limit; a DELETE frees the slot at once. */
static void test_throttled(void **state) {
  (void)state;
  char first[TEST_URL_MAX], other[TEST_URL_MAX];
  of.options.jobs_max = 3;
  of.options.jobs_per_client_max = 2;
  test_engine_start(&of);
  kick_off_as("app", first);
  kick_off_as("app", other);
  expect_throttled("app");
  cancel(first);
  kick_off_as("app", first);
  expect_throttled("app");
  kick_off_as("second", other);
  expect_throttled("third");
  cancel(first);
  kick_off_as("third", other);
}

/* --- who may see a job --- */

static void expect_same(test_answer *answer, const test_answer *absent) {
  test_require(answer->status == 404 && answer->len == absent->len);
  test_require(memcmp(answer->body, absent->body, absent->len) == 0);
  uint32_t count = fhx_response_header_count(absent->response);
  test_require(fhx_response_header_count(answer->response) == count);
  for (uint32_t i = 0; i < count; i++) {
    test_require(strcmp(fhx_response_header_value(answer->response, i),
                        fhx_response_header_value(absent->response, i)) == 0);
  }
  test_answer_free(answer);
}

static void expect_hidden(const char *target, const char *tenant, const char *client,
                          const char *permitted, const test_answer *absent) {
  static const char *const methods[] = {"GET", "DELETE"};
  for (size_t i = 0; i < 2; i++) {
    test_answer answer = send_as(methods[i], target, tenant, client, permitted);
    expect_same(&answer, absent);
  }
}

/* STAT-15, AUTH-19, AUTH-20, DEL-02 to -04, DEL-07: the same answer for every reason, and a refused
   DELETE does nothing. */
static void test_hidden(void **state) {
  (void)state;
  char target[TEST_URL_MAX];
  test_engine_start(&of);
  test_kick_off(of.engine, "/$export?_type=Patient,Observation", target);
  test_answer absent = test_get(of.engine, UNKNOWN);
  expect_hidden(target, "south", "app", NULL, &absent);
  expect_hidden(target, "", "app", NULL, &absent);
  expect_hidden(target, NULL, "app", NULL, &absent);
  expect_hidden(target, "north", "other", NULL, &absent);
  expect_hidden(target, "north", NULL, NULL, &absent);
  expect_hidden(target, "north", "app", "Patient", &absent);
  expect_hidden(target, "north", "app", "", &absent);
  expect_hidden(target, "north", "app", "Patient,Observations", &absent);
  test_answer answer = send_as("GET", target, "north", "app", "Observation,Device,Patient");
  test_require(answer.status == 202);
  test_answer_free(&answer);
  cancel(target);
  expect_hidden(target, "north", "app", NULL, &absent);
  static const char *const malformed[] = {
      "/$export/x", "/$export/0123456789ABCDEF0123456789ABCDEF", "/$export/..%2f",
      "/$export/0123456789abcdef0123456789abcdef0", "/$export/0123456789abcdef0123456789abcde%20"};
  for (size_t i = 0; i < sizeof malformed / sizeof malformed[0]; i++) {
    answer = test_get(of.engine, malformed[i]);
    expect_same(&answer, &absent);
  }
  test_expect_outcome(absent, 404, "error", "not-found");
}

/* AUTH-18, FILTER-23: naming a type that is not permitted is 403; without _type the permitted are
   exported. */
static void test_permitted(void **state) {
  (void)state;
  of.options.workers = 1;
  test_engine_start(&of);
  test_expect_outcome(send_as("GET", "/$export?_type=Patient", "north", "app", "Encounter"), 403,
                      "error", "forbidden");
  test_answer answer = send_as("GET", "/$export", "north", "app", "Encounter");
  test_require(answer.status == 202);
  char target[TEST_URL_MAX], url[TEST_URL_MAX], type[70];
  uint64_t count = 0;
  snprintf(target, sizeof target, "%s", test_target_of(test_header(&answer, "Content-Location")));
  test_answer_free(&answer);
  answer = test_poll(of.engine, target);
  for (size_t i = 0; test_manifest_item(answer.body, "output", i, url, type, &count); i++) {
    test_require(strcmp(type, "Encounter") == 0);
  }
  test_answer_free(&answer);
}

/* --- the answer of a job that is over --- */

/* The time of an HTTP-date. */
static time_t read_date(const char *text) {
  struct tm at;
  memset(&at, 0, sizeof at);
  test_require(strlen(text) == 29 && strptime(text, "%a, %d %b %Y %H:%M:%S GMT", &at) != NULL);
  return timegm(&at);
}

static const char *find_member(const char *body, const char *start) {
  const char *found = strstr(body, start);
  test_require(found != NULL);
  return found + strlen(start);
}

/* STAT-07, -08, -14, -16, -19, MAN-01, -02, -06 to -09, -11, -15, -21. */
static void test_complete(void **state) {
  (void)state;
  static const char query[] = "/$export?_type=Patient,Observation&_outputFormat=ndjson&_since=";
  char target[TEST_URL_MAX], url[TEST_URL_MAX], type[70];
  uint64_t count = 0, patients = 0;
  of.options.workers = 1;
  of.options.link_us = INT64_C(600000000);
  test_engine_start(&of);
  test_kick_off(of.engine, query, target);
  time_t before = time(NULL);
  test_answer answer = test_poll(of.engine, target);
  test_require(answer.status == 200);
  test_require(strcmp(test_header(&answer, "Content-Type"), "application/json") == 0);
  test_require(strcmp(test_header(&answer, "Cache-Control"), "no-store") == 0);
  time_t expires = read_date(test_header(&answer, "Expires"));
  test_require(expires >= before + 599 && expires <= time(NULL) + 601);
  test_require(test_header(&answer, "X-Export-Status") == NULL);
  const char *request = find_member(answer.body, "\"request\":\"" TEST_BASE_URL);
  test_require(strncmp(request, query, strlen(query)) == 0 && request[strlen(query)] == '"');
  test_require(strstr(answer.body, "\"requiresAccessToken\":false") != NULL);
  test_require(strstr(answer.body, "\"error\":[]") != NULL);
  test_require(strstr(answer.body, "\"link\":[") == NULL);
  for (size_t i = 0; test_manifest_item(answer.body, "output", i, url, type, &count); i++) {
    test_target_of(url);
    if (strcmp(type, "Patient") == 0) patients += count;
  }
  test_require(patients == 12);
  /* The same again, but for what may be renewed. */
  test_answer again = test_get(of.engine, target);
  const char *output = find_member(answer.body, "\"output\":");
  test_require(strncmp(answer.body, again.body, (size_t)(output - answer.body)) == 0);
  test_answer_free(&again);
  /* FILE-12 of the status: the headers of the GET, and no body. */
  again = send_method("HEAD", target);
  test_require(again.status == 200 && again.len == 0);
  test_require(strcmp(test_header(&again, "Content-Type"), "application/json") == 0);
  test_answer_free(&again);
  test_answer_free(&answer);
}

/* STAT-07: JSON, whatever else the client would rather have. */
static void test_any_accept(void **state) {
  (void)state;
  static const char *const wishes[] = {"application/json", "application/fhir+json", "*/*",
                                       "text/html", "application/fhir+ndjson;q=0.5, */*;q=0"};
  char target[TEST_URL_MAX];
  of.options.workers = 1;
  test_engine_start(&of);
  test_kick_off(of.engine, "/$export?_type=Patient", target);
  test_answer answer = test_poll(of.engine, target);
  test_answer_free(&answer);
  for (size_t i = 0; i < sizeof wishes / sizeof wishes[0]; i++) {
    test_scenario("Accept: %s", wishes[i]);
    answer = send_header(target, "Accept", wishes[i]);
    test_require(answer.status == 200);
    test_require(strcmp(test_header(&answer, "Content-Type"), "application/json") == 0);
    test_require(strstr(answer.body, "\"output\":[{") != NULL);
    test_answer_free(&answer);
  }
}

/* _since and _until reach the data (STAT-12, MAN-08: nothing matched is an empty list). */
static void test_window(void **state) {
  (void)state;
  char target[TEST_URL_MAX];
  of.options.workers = 1;
  test_engine_start(&of);
  test_kick_off(of.engine, "/$export?_since=2024-03-01T00:00:00Z&_until=2024-03-01T00:00:00.001Z",
                target);
  test_answer answer = test_poll(of.engine, target);
  test_require(answer.status == 200 && strstr(answer.body, "\"output\":[]") != NULL);
  test_answer_free(&answer);
}

/* KICK-12, PARAM-02, MAN-16: what lenient skips is told in a file of errors; so is a type of R4
   that the source does not have (PARAM-10). */
static void test_lenient(void **state) {
  (void)state;
  char target[TEST_URL_MAX], url[TEST_URL_MAX], type[70];
  uint64_t count = 0;
  of.options.workers = 1;
  test_engine_start(&of);
  test_answer answer = send_header("/$export?_typo=1&_type=Account,Patient,Martian", "Prefer",
                                   "respond-async, handling=lenient");
  test_require(answer.status == 202);
  snprintf(target, sizeof target, "%s", test_target_of(test_header(&answer, "Content-Location")));
  test_answer_free(&answer);
  answer = test_poll(of.engine, target);
  test_require(answer.status == 200);
  test_require(test_manifest_item(answer.body, "error", 0, url, type, &count));
  test_require(strcmp(type, "OperationOutcome") == 0 && count == 3);
  test_require(!test_manifest_item(answer.body, "error", 1, url, type, &count));
  test_answer file = test_get(of.engine, test_target_of(url));
  test_require(file.status == 200);
  test_require(strstr(file.body, "_typo") != NULL && strstr(file.body, "Martian") != NULL);
  test_require(strstr(file.body, "Account is not a resource type of this server") != NULL);
  test_answer_free(&file);
  test_answer_free(&answer);
  /* None is left: that is not an export of all types. */
  test_expect_outcome(send_header("/$export?_type=Account", "Prefer", "handling=lenient"), 400,
                      "error", "not-supported");
  answer = test_get(of.engine, "/$export?_type=Patient,Account");
  test_require(answer.status == 400 && strstr(answer.body, "_type") != NULL);
  test_require(strstr(answer.body, "Account") != NULL);
  test_answer_free(&answer);
}

/* STAT-09, -10, -14, ERR-11: an outcome with the reason at every poll; nothing is left of its
   files. */
static void test_failed(void **state) {
  (void)state;
  char target[TEST_URL_MAX];
  of.options.workers = 1;
  test_source_knobs knobs = test_engine_source(data);
  knobs.fault_call = TEST_SOURCE_NEXT;
  knobs.fault = TEST_SOURCE_FAILS;
  knobs.fault_at = 3;
  fhx_source_free(of.options.source);
  test_source_end(of.source);
  of.source = test_source_new(&knobs, &of.options.source);
  test_engine_start(&of);
  test_kick_off(of.engine, "/$export", target);
  test_answer answer = test_poll(of.engine, target);
  test_require(test_header(&answer, "X-Export-Status") == NULL);
  test_expect_outcome(answer, 500, "error", "exception");
  for (int i = 0; i < 3; i++) test_expect_refusal(of.engine, target, 500, "exception");
  /* DEL-01: also a failed job can be deleted. */
  cancel(target);
  test_expect_refusal(of.engine, target, 404, "not-found");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_accepted, begin, end),
      cmocka_unit_test_setup_teardown(test_reads_nothing, begin, end),
      cmocka_unit_test_setup_teardown(test_base_url, begin, end),
      cmocka_unit_test_setup_teardown(test_spellings, begin, end),
      cmocka_unit_test_setup_teardown(test_refused, begin, end),
      cmocka_unit_test_setup_teardown(test_unsupported_type, begin, end),
      cmocka_unit_test_setup_teardown(test_sizes, begin, end),
      cmocka_unit_test_setup_teardown(test_methods, begin, end),
      cmocka_unit_test_setup_teardown(test_throttled, begin, end),
      cmocka_unit_test_setup_teardown(test_hidden, begin, end),
      cmocka_unit_test_setup_teardown(test_permitted, begin, end),
      cmocka_unit_test_setup_teardown(test_complete, begin, end),
      cmocka_unit_test_setup_teardown(test_any_accept, begin, end),
      cmocka_unit_test_setup_teardown(test_window, begin, end),
      cmocka_unit_test_setup_teardown(test_lenient, begin, end),
      cmocka_unit_test_setup_teardown(test_failed, begin, end),
  };
  return cmocka_run_group_tests(tests, make_data, test_dataset_end);
}
