/* What an engine does with many jobs: kick-offs that share one, lists of jobs, and a job that waits
   for a worker. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>
#include <fhirexport/fhirexport.h>
#include <pthread.h>
#include <time.h>

#include "support/engine.h"
#include "support/memory.h"
#include "support/require.h"

#define HOUR_US INT64_C(3600000000)

static test_dataset *data;
static test_engine of;

static int make_data(void **state) {
  *state = data = test_dataset_new(5, 40, TEST_DATASET_STAMPED);
  return 0;
}

static int begin(void **state) {
  (void)state;
  test_scenario("queue");
  test_source_knobs knobs = test_engine_source(data);
  test_engine_prepare(&of, &knobs);
  return 0;
}

static int end(void **state) {
  (void)state;
  test_engine_end(&of);
  return 0;
}

static void start_joining(void) {
  of.options.flags |= FHX_ENGINE_JOIN_IDENTICAL;
  test_engine_start(&of);
}

/* The status target of an accepted kick-off. */
static void ask(const fhx_request *request, char target[TEST_URL_MAX]) {
  test_answer answer = test_send(of.engine, request);
  if (answer.status != 202)
    print_error("%s: %u: %s\n", request->target, answer.status, answer.body);
  test_require(answer.status == 202 && answer.len == 0);
  const char *url = test_header(&answer, "Content-Location");
  test_require(url != NULL && strstr(url, "/$export/") != NULL);
  snprintf(target, TEST_URL_MAX, "%s", strstr(url, "/$export/"));
  test_answer_free(&answer);
}

/* Whether the two are given the same job; then there is none. */
static bool is_one(const fhx_request *a, const fhx_request *b) {
  char first[TEST_URL_MAX], second[TEST_URL_MAX];
  ask(a, first);
  ask(b, second);
  const bool same = strcmp(first, second) == 0;
  const fhx_request *whose[] = {a, b};
  const char *targets[] = {first, second};
  for (int i = 0; i < (same ? 1 : 2); i++) {
    fhx_request request = *whose[i];
    request.method = "DELETE";
    request.target = targets[i];
    request.body_len = 0;
    test_expect_outcome(test_send(of.engine, &request), 202, "information", "informational");
  }
  return same;
}

static bool are_one(const char *a, const char *b) {
  const fhx_request first = test_request("GET", a), second = test_request("GET", b);
  return is_one(&first, &second);
}

static void test_off(void **state) {
  (void)state;
  test_engine_start(&of);
  test_require(!are_one("/$export", "/$export"));
}

/* The order of parameters, of lists and of doubles in them, and how an instant is written. */
static void test_same(void **state) {
  static const char *const same[][2] = {
      {"/$export", "/$export"},
      {"/$export", "/$export?_outputFormat=ndjson"},
      {"/$export?_type=Patient,Observation&_since=2020-01-01T00:00:00Z",
       "/$export?_since=2020-01-01T01:00:00.000%2B01:00&_type=Observation,Patient,Observation"},
      {"/$export?_type=Patient&_type=Encounter", "/$export?_type=Encounter,Patient"},
      {"/$export?_elements=id,gender", "/$export?_elements=gender&_elements=id,id"},
      {"/$export?_type=Patient,Encounter&_typeFilter=Patient%3Fgender%3Dmale,Encounter%3Fstatus%3D"
       "planned",
       "/$export?_type=Patient,Encounter&_typeFilter=Encounter%3Fstatus%3Dplanned&_typeFilter="
       "Patient%3Fgender%3Dmale"},
      {"/Patient/$export?_until=2020-01-01T00:00:00Z",
       "/Patient/$export?_until=2020-01-01T00:00:00.0Z"},
  };
  (void)state;
  start_joining();
  for (size_t i = 0; i < sizeof same / sizeof same[0]; i++) {
    if (!are_one(same[i][0], same[i][1])) fail_msg("%s", same[i][1]);
  }
}

static void test_different(void **state) {
  static const char *const different[][2] = {
      {"/$export", "/Patient/$export"},
      {"/$export?_type=Patient", "/$export?_type=Encounter"},
      {"/$export?_type=Patient", "/$export"},
      {"/$export", "/$export?_since=2020-01-01T00:00:00Z"},
      {"/$export?_since=2020-01-01T00:00:00Z", "/$export?_since=2020-01-01T00:00:00.001Z"},
      {"/$export?_since=2020-01-01T00:00:00Z", "/$export?_until=2020-01-01T00:00:00Z"},
      {"/$export?_elements=id", "/$export?_elements=gender"},
      {"/$export?_type=Patient&_typeFilter=Patient%3Fgender%3Dmale",
       "/$export?_type=Patient&_typeFilter=Patient%3Fgender%3Dfemale"},
      {"/$export", "/$export?allowPartialManifests=true"},
  };
  (void)state;
  start_joining();
  for (size_t i = 0; i < sizeof different / sizeof different[0]; i++) {
    if (are_one(different[i][0], different[i][1])) fail_msg("%s", different[i][1]);
  }
}

/* AUTH-19: nobody is given another's job; nor one that was made for other rights. */
static void test_other_asker(void **state) {
  (void)state;
  start_joining();
  const fhx_request usual = test_request("GET", "/$export");
  fhx_request other = usual;
  test_require(is_one(&usual, &other));
  other.client = "other";
  test_require(!is_one(&usual, &other));
  other = usual;
  other.tenant = "south";
  test_require(!is_one(&usual, &other));
  other = usual;
  other.host_context = "ward 7";
  other.host_context_len = 6;
  test_require(!is_one(&usual, &other));
  other = usual;
  other.base_url = "https://other.example.org/r4";
  test_require(!is_one(&usual, &other));
  other = usual;
  other.permitted_types = "Patient,Encounter";
  test_require(!is_one(&usual, &other));
  const char *headers[] = {"Prefer", "respond-async, separate-export-status"};
  other = usual;
  other.headers = headers;
  other.header_count = 1;
  test_require(!is_one(&usual, &other));
}

/* What counts are the types that may be exported, whether by name or by the client's rights. */
static void test_effective_types(void **state) {
  (void)state;
  start_joining();
  fhx_request all = test_request("GET", "/$export");
  const fhx_request named = test_request("GET", "/$export?_type=Encounter,Patient");
  all.permitted_types = "Patient,Encounter";
  test_require(is_one(&all, &named));
}

static void test_by_post(void **state) {
  static const char body[] =
      "{\"resourceType\":\"Parameters\",\"parameter\":[{\"name\":\"_type\",\"valueString\":"
      "\"Patient\"}]}";
  static const char *const headers[] = {"Content-Type", "application/fhir+json"};
  (void)state;
  start_joining();
  const fhx_request get = test_request("GET", "/$export?_type=Patient");
  fhx_request post = test_request("POST", "/$export");
  post.headers = headers;
  post.header_count = 1;
  post.body = body;
  post.body_len = sizeof body - 1;
  test_require(is_one(&get, &post));
}

/* A job that is over is nobody's any more; until then joining needs no room. */
static void test_ended(void **state) {
  (void)state;
  char first[TEST_URL_MAX], second[TEST_URL_MAX], third[TEST_URL_MAX];
  of.options.jobs_per_client_max = 1;
  start_joining();
  test_kick_off(of.engine, "/$export", first);
  test_kick_off(of.engine, "/$export", second);
  test_require(strcmp(first, second) == 0);
  test_expect_refusal(of.engine, "/$export?_type=Patient", 429, "throttled");
  test_worker *worker = test_worker_start(of.engine);
  test_answer answer = test_poll(of.engine, first);
  test_require(answer.status == 200);
  test_answer_free(&answer);
  fhx_engine_stop(of.engine);
  test_worker_join(worker);
  test_kick_off(of.engine, "/$export", third);
  test_require(strcmp(first, third) != 0);
}

/* --- two servers at once --- */

typedef struct racer {
  fhx_engine *engine;
  char target[TEST_URL_MAX];
  pthread_t thread;
} racer;

static void *race_along(void *context) {
  racer *self = context;
  test_kick_off(self->engine, "/$export", self->target);
  return NULL;
}

static void test_race(void **state) {
  (void)state;
  racer racers[4];
  char path[TEST_PATH_MAX];
  fhx_store *stores[4];
  of.options.flags |= FHX_ENGINE_JOIN_IDENTICAL;
  test_path_join(path, of.folder, "jobs.db");
  fhx_sqlite_store_options store_options;
  FHX_INIT(&store_options);
  store_options.path = path;
  memset(racers, 0, sizeof racers);
  for (int i = 0; i < 4; i++) {
    test_require_status(fhx_sqlite_store_new(&store_options, &stores[i], NULL), FHX_OK);
    of.options.store = stores[i];
    test_require_status(fhx_engine_new(&of.options, &racers[i].engine, NULL), FHX_OK);
  }
  for (int round = 0; round < 5; round++) {
    for (int i = 0; i < 4; i++) {
      assert_int_equal(pthread_create(&racers[i].thread, NULL, race_along, &racers[i]), 0);
    }
    for (int i = 0; i < 4; i++) pthread_join(racers[i].thread, NULL);
    for (int i = 1; i < 4; i++) assert_string_equal(racers[i].target, racers[0].target);
    fhx_request request = test_request("DELETE", racers[0].target);
    test_expect_outcome(test_send(racers[1].engine, &request), 202, "information", "informational");
  }
  for (int i = 0; i < 4; i++) {
    fhx_engine_free(racers[i].engine);
    fhx_store_free(stores[i]);
  }
}

/* --- lists --- */

static fhx_job_list_options list_of(uint32_t states) {
  fhx_job_list_options options;
  FHX_INIT(&options);
  options.states = states;
  return options;
}

static void test_list_pages(void **state) {
  (void)state;
  char targets[7][TEST_URL_MAX], after[64] = "";
  test_engine_start(&of);
  for (int i = 0; i < 7; i++) test_kick_off(of.engine, "/$export", targets[i]);
  fhx_job_list_options options = list_of(0);
  options.limit = 3;
  int seen = 0;
  for (;;) {
    fhx_job_page *page = NULL;
    int32_t status = fhx_engine_jobs(of.engine, &options, &page, NULL);
    if (status == FHX_END) break;
    test_require_status(status, FHX_OK);
    test_require(fhx_job_page_count(page) == (seen < 6 ? 3 : 1));
    for (uint32_t i = 0; i < fhx_job_page_count(page); i++) {
      const char *id = fhx_job_summary_id(fhx_job_page_job(page, i));
      int which = 0;
      while (which < 7 && strstr(targets[which], id) == NULL) which++;
      test_require(which < 7);
      /* Each once. */
      targets[which][0] = '\0';
      seen++;
    }
    test_require(fhx_job_page_job(page, fhx_job_page_count(page)) == NULL);
    snprintf(after, sizeof after, "%s", fhx_job_page_after(page));
    test_require(strlen(after) == 48);
    options.after = after;
    fhx_job_page_free(page);
  }
  test_require(seen == 7);
}

/* PHI: names of parameters that the library knows, and nothing that a client has sent. */
static void test_list_has_no_values(void **state) {
  static const char body[] =
      "{\"resourceType\":\"Parameters\",\"parameter\":["
      "{\"name\":\"patient\",\"valueReference\":{\"reference\":\"Patient/secret-7\"}},"
      "{\"name\":\"secret-8\",\"valueString\":\"x\"},"
      "{\"name\":\"_typeFilter\",\"valueString\":\"Patient?name=secret-9\"},"
      "{\"name\":\"_type\",\"valueString\":\"Patient\"},"
      "{\"name\":\"_type\",\"valueString\":\"Encounter\"}]}";
  static const char *const headers[] = {"Content-Type", "application/fhir+json", "Prefer",
                                        "respond-async, handling=lenient"};
  (void)state;
  char target[TEST_URL_MAX];
  fhx_job_page *page = NULL;
  test_engine_start(&of);
  fhx_request post = test_request("POST", "/Patient/$export");
  post.headers = headers;
  post.header_count = 2;
  post.body = body;
  post.body_len = sizeof body - 1;
  ask(&post, target);
  const fhx_job_list_options options = list_of(FHX_JOBS_RUNNING);
  test_require_status(fhx_engine_jobs(of.engine, &options, &page, NULL), FHX_OK);
  const fhx_job_summary *job = fhx_job_page_job(page, 0);
  assert_string_equal(fhx_job_summary_parameters(job), "patient,(unknown),_typeFilter,_type");
  assert_string_equal(fhx_job_summary_tenant(job), "north");
  assert_string_equal(fhx_job_summary_client(job), "app");
  test_require(strstr(target, fhx_job_summary_id(job)) != NULL);
  fhx_job_page_free(page);
}

static uint32_t count_of(uint32_t states, const char *tenant, const char *client) {
  fhx_job_page *page = NULL;
  fhx_job_list_options options = list_of(states);
  options.tenant = tenant;
  options.client = client;
  int32_t status = fhx_engine_jobs(of.engine, &options, &page, NULL);
  if (status == FHX_END) return 0;
  test_require_status(status, FHX_OK);
  uint32_t count = fhx_job_page_count(page);
  fhx_job_page_free(page);
  return count;
}

static void check_complete(const fhx_job_summary *job) {
  test_require(fhx_job_summary_state(job) == FHX_JOB_COMPLETE);
  test_require(fhx_job_summary_created_us(job) > 0);
  test_require(fhx_job_summary_ended_us(job) >= fhx_job_summary_created_us(job));
  test_require(fhx_job_summary_expires_us(job) == fhx_job_summary_ended_us(job) + HOUR_US);
  test_require(fhx_job_summary_transaction_time_us(job) != 0);
  test_require(fhx_job_summary_task_count(job) > 2);
  test_require(fhx_job_summary_task_done_count(job) == fhx_job_summary_task_count(job));
  test_require(fhx_job_summary_attempt_count(job) >= fhx_job_summary_task_count(job));
  test_require(fhx_job_summary_attempt_count(job) - fhx_job_summary_task_count(job) ==
               fhx_job_summary_retry_count(job));
  test_require(fhx_job_summary_share(job) == 1.0);
  /* Each shard of a type has one. */
  assert_int_equal(fhx_job_summary_part_count(job), 6);
  test_require(fhx_job_summary_resource_mark(job) == 40);
  test_require(fhx_job_summary_resource_count(job) == 40);
  test_require(fhx_job_summary_byte_count(job) > 40);
  test_require(fhx_job_summary_error_count(job) == 0);
  test_require(fhx_job_summary_is_waiting(job) == 0);
  test_require(fhx_job_summary_reason_status(job) == FHX_OK);
  assert_string_equal(fhx_job_summary_reason(job), "");
  assert_string_equal(fhx_job_summary_parameters(job), "");
}

static void test_list_states(void **state) {
  (void)state;
  char target[TEST_URL_MAX];
  fhx_job_page *page = NULL;
  of.options.keep_us = HOUR_US;
  test_engine_start(&of);
  test_kick_off(of.engine, "/$export", target);
  test_worker *worker = test_worker_start(of.engine);
  test_answer answer = test_poll(of.engine, target);
  test_require(answer.status == 200);
  test_answer_free(&answer);
  fhx_engine_stop(of.engine);
  test_worker_join(worker);
  fhx_job_list_options options = list_of(0);
  test_require_status(fhx_engine_jobs(of.engine, &options, &page, NULL), FHX_OK);
  test_require(fhx_job_page_count(page) == 1);
  check_complete(fhx_job_page_job(page, 0));
  fhx_job_page_free(page);
  test_kick_off(of.engine, "/$export", target);
  test_require(count_of(0, NULL, NULL) == 2);
  test_require(count_of(FHX_JOBS_RUNNING, NULL, NULL) == 1);
  test_require(count_of(FHX_JOBS_COMPLETE, "north", NULL) == 1);
  test_require(count_of(FHX_JOBS_RUNNING | FHX_JOBS_COMPLETE, "north", "app") == 2);
  test_require(count_of(FHX_JOBS_FAILED, NULL, NULL) == 0);
  test_require(count_of(0, "north", "other") == 0);
  test_require(count_of(0, "", NULL) == 0);
  fhx_request request = test_request("DELETE", target);
  test_expect_outcome(test_send(of.engine, &request), 202, "information", "informational");
  test_require(count_of(0, NULL, NULL) == 1);
  test_require(count_of(FHX_JOBS_REMOVING, NULL, NULL) == 1);
}

/* The job that a URL is of, alone. */
static int32_t find_one(const char *target, uint32_t states, fhx_job_page **page) {
  fhx_job_list_options options = list_of(states);
  options.job_id = strrchr(target, '/') + 1;
  return fhx_engine_jobs(of.engine, &options, page, NULL);
}

static void test_list_one(void **state) {
  char targets[5][TEST_URL_MAX];
  fhx_job_page *page = NULL;
  (void)state;
  test_engine_start(&of);
  for (int i = 0; i < 5; i++) test_kick_off(of.engine, "/$export", targets[i]);
  for (int i = 0; i < 5; i++) {
    test_require_status(find_one(targets[i], 0, &page), FHX_OK);
    test_require(fhx_job_page_count(page) == 1);
    const fhx_job_summary *job = fhx_job_page_job(page, 0);
    assert_string_equal(fhx_job_summary_id(job), strrchr(targets[i], '/') + 1);
    test_require(fhx_job_summary_share(job) == 0.0);
    test_require(fhx_job_summary_part_count(job) == 0);
    fhx_job_page_free(page);
  }
  test_require_status(find_one(targets[2], FHX_JOBS_COMPLETE, &page), FHX_END);
  fhx_request request = test_request("DELETE", targets[2]);
  test_expect_outcome(test_send(of.engine, &request), 202, "information", "informational");
  test_require_status(find_one(targets[2], 0, &page), FHX_END);
  test_require_status(find_one("/00000000000000000000000000000000", 0, &page), FHX_END);
  test_require_status(find_one("/0000000000000000000000000000000", 0, &page), FHX_ERR_ARGUMENT);
}

/* Whose job it is decides for everybody but the operator, and for him of nothing but cancels. */
static void test_operator_cancels(void **state) {
  char target[TEST_URL_MAX];
  (void)state;
  test_engine_start(&of);
  test_kick_off(of.engine, "/$export", target);
  fhx_request request = test_request("DELETE", target);
  request.tenant = "south";
  request.client = "(operator)";
  test_expect_outcome(test_send(of.engine, &request), 404, "error", "not-found");
  request.flags = 2;
  fhx_response *response = NULL;
  test_require_status(fhx_engine_handle(of.engine, &request, &response, NULL), FHX_ERR_ARGUMENT);
  request.flags = FHX_REQUEST_OPERATOR;
  request.method = "GET";
  test_expect_outcome(test_send(of.engine, &request), 404, "error", "not-found");
  request.method = "DELETE";
  test_expect_outcome(test_send(of.engine, &request), 202, "information", "informational");
  test_expect_outcome(test_send(of.engine, &request), 404, "error", "not-found");
  test_require(count_of(0, NULL, NULL) == 0);
}

static void refuse_list(const fhx_job_list_options *options, int32_t expected) {
  fhx_job_page *page = NULL;
  fhx_error *error = NULL;
  test_require_status(fhx_engine_jobs(of.engine, options, &page, &error), expected);
  test_require_status(fhx_error_status(error), expected);
  fhx_error_free(error);
  test_require(page == NULL);
}

static void test_list_misuse(void **state) {
  (void)state;
  static const char *const bad[] = {"",
                                    "0",
                                    "0123456789abcdef0123456789abcdef0123456789abcdeF",
                                    "0123456789abcdef0123456789abcdef0123456789abcde",
                                    "0123456789abcdef0123456789abcdef0123456789abcdef0",
                                    "x123456789abcdef0123456789abcdef0123456789abcdef"};
  fhx_job_page *page = NULL;
  test_engine_start(&of);
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    fhx_job_list_options options = list_of(0);
    options.after = bad[i];
    refuse_list(&options, FHX_ERR_ARGUMENT);
  }
  fhx_job_list_options options = list_of(16);
  refuse_list(&options, FHX_ERR_ARGUMENT);
  options = list_of(0);
  options.client = "app";
  refuse_list(&options, FHX_ERR_ARGUMENT);
  options = list_of(0);
  options.limit = 1001;
  refuse_list(&options, FHX_ERR_ARGUMENT);
  options.limit = 1000;
  test_require_status(fhx_engine_jobs(of.engine, &options, &page, NULL), FHX_END);
  refuse_list(NULL, FHX_ERR_ARGUMENT);
  test_require_status(fhx_engine_jobs(NULL, &options, &page, NULL), FHX_ERR_ARGUMENT);
  test_require_status(fhx_engine_jobs(of.engine, &options, NULL, NULL), FHX_ERR_ARGUMENT);
  fhx_job_page_free(NULL);
  test_require(fhx_job_page_count(NULL) == 0 && fhx_job_page_job(NULL, 0) == NULL);
  assert_string_equal(fhx_job_page_after(NULL), "");
  assert_string_equal(fhx_job_summary_id(NULL), "");
  assert_string_equal(fhx_job_summary_reason(NULL), "");
  test_require(fhx_job_summary_state(NULL) == 0 && fhx_job_summary_expires_us(NULL) == 0);
}

/* --- memory runs out --- */

/* A kick-off at which memory may run out; whether it was accepted. */
static bool ask_once(const char *query) {
  const fhx_request request = test_request("GET", query);
  fhx_response *response = NULL;
  int32_t status = fhx_engine_handle(of.engine, &request, &response, NULL);
  const uint32_t answered = fhx_response_status(response);
  fhx_response_free(response);
  if (status != FHX_OK) test_require_status(status, FHX_ERR_NO_MEMORY);
  if (status == FHX_OK) test_require(answered == 202 || answered >= 500);
  return status == FHX_OK && answered == 202;
}

static bool list_once(void) {
  const fhx_job_list_options options = list_of(0);
  fhx_job_page *page = NULL;
  fhx_error *error = NULL;
  int32_t status = fhx_engine_jobs(of.engine, &options, &page, &error);
  if (status != FHX_OK && status != FHX_ERR_NO_MEMORY && status != FHX_END) {
    test_require_status(status, FHX_ERR_STORE);
  }
  fhx_error_free(error);
  /* Whatever failed, there are not two jobs. */
  if (status == FHX_OK) test_require(fhx_job_page_count(page) == 1);
  fhx_job_page_free(page);
  return status == FHX_OK;
}

static bool memory_scenario(void) {
  bool is_done = false;
  begin(NULL);
  of.options.flags |= FHX_ENGINE_JOIN_IDENTICAL;
  const bool made = of.options.source != NULL && of.options.destination != NULL;
  int32_t status = made ? fhx_engine_new(&of.options, &of.engine, NULL) : FHX_ERR_NO_MEMORY;
  if (status == FHX_OK) {
    is_done = ask_once(
        "/$export?_type=Patient,Encounter&_elements=id,gender&_typeFilter="
        "Patient%3Fgender%3Dmale,Patient%3Fgender%3Dfemale");
    is_done = ask_once(
                  "/$export?_typeFilter=Patient%3Fgender%3Dfemale,Patient%3Fgender%3Dmale&"
                  "_type=Encounter,Patient&_elements=gender,id") &&
              is_done;
    is_done = list_once() && is_done;
  } else {
    test_require_status(status, FHX_ERR_NO_MEMORY);
  }
  test_memory_recover();
  test_engine_end(&of);
  return is_done;
}

static void test_memory(void **state) {
  (void)state;
  bool failed = true;
  for (uint64_t number = 1; failed; number += test_is_quick() ? 7 : 1) {
    test_memory_begin(number);
    const bool is_done = memory_scenario();
    failed = test_memory_end();
    if (!failed) test_require(is_done);
  }
}

/* --- a job without a worker --- */

static void assert_waits(const char *target, bool waits) {
  test_answer answer = test_get(of.engine, target);
  test_require(answer.status == 202);
  const char *progress = test_header(&answer, "X-Progress");
  if ((strstr(progress, ", waits for a worker") != NULL) != waits) fail_msg("%s", progress);
  test_answer_free(&answer);
}

typedef struct gate {
  atomic_bool is_reached;
  atomic_bool is_open;
} gate;

static void wait_at_gate(void *context, uint64_t number) {
  gate *at = context;
  (void)number;
  atomic_store(&at->is_reached, true);
  while (!atomic_load(&at->is_open)) nanosleep(&(struct timespec){0, 1000000}, NULL);
}

static void test_waits_for_worker(void **state) {
  (void)state;
  char target[TEST_URL_MAX];
  gate at = {false, false};
  test_engine_end(&of);
  test_source_knobs knobs = test_engine_source(data);
  knobs.hook = wait_at_gate;
  knobs.hook_context = &at;
  test_engine_prepare(&of, &knobs);
  test_engine_start(&of);
  test_kick_off(of.engine, "/$export", target);
  assert_waits(target, true);
  test_worker *worker = test_worker_start(of.engine);
  while (!atomic_load(&at.is_reached)) nanosleep(&(struct timespec){0, 1000000}, NULL);
  assert_waits(target, false);
  atomic_store(&at.is_open, true);
  test_answer answer = test_poll(of.engine, target);
  test_require(answer.status == 200);
  test_answer_free(&answer);
  fhx_engine_stop(of.engine);
  test_worker_join(worker);
}

#define TEST(name) \
  { #name, name, begin, end, NULL }

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(test_off),
      TEST(test_same),
      TEST(test_different),
      TEST(test_other_asker),
      TEST(test_effective_types),
      TEST(test_by_post),
      TEST(test_ended),
      TEST(test_race),
      TEST(test_list_pages),
      TEST(test_list_has_no_values),
      TEST(test_list_states),
      TEST(test_list_one),
      TEST(test_operator_cancels),
      TEST(test_list_misuse),
      TEST(test_waits_for_worker),
      cmocka_unit_test(test_memory),
  };
  return cmocka_run_group_tests_name("engine's queue", tests, make_data, test_dataset_end);
}
