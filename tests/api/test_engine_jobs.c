/* Jobs in an engine: restarts, slow sources, expiry, many threads, memory that runs out, misuse. */
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
#include "support/export_check.h"
#include "support/insist.h"
#include "support/memory.h"
#include "support/memory_destination.h"
#include "support/refused.h"
#include "support/require.h"

static test_dataset *data;
static test_engine of;
static char store_folder[TEST_PATH_MAX];

static int make_data(void **state) {
  *state = data = test_dataset_new(8, 80, TEST_DATASET_STAMPED | TEST_DATASET_BAD);
  return 0;
}

static void begin_with(const test_source_knobs *knobs) {
  test_scenario("jobs");
  test_engine_prepare(&of, knobs);
}

static void begin(void) {
  test_source_knobs knobs = test_engine_source(data);
  begin_with(&knobs);
}

static void open_store(void) {
  char path[TEST_PATH_MAX];
  fhx_sqlite_store_options options;
  FHX_INIT(&options);
  test_folder_new(store_folder);
  test_path_join(path, store_folder, "jobs.sqlite");
  options.path = path;
  test_require_status(fhx_sqlite_store_new(&options, &of.options.store, NULL), FHX_OK);
}

static void close_store(void) {
  fhx_store_free(of.options.store);
  test_folder_remove(store_folder);
}

static void cancel(fhx_engine *engine, const char *status_target) {
  fhx_request request = test_request("DELETE", status_target);
  test_expect_outcome(test_send(engine, &request), 202, "information", "informational");
}

/* Complete with every resource, and a line for every bad one (STAT-12, ERR-04). */
static void expect_complete(test_answer answer) {
  if (answer.status != 200) print_error("%u: %s\n", answer.status, answer.body);
  test_require(answer.status == 200);
  test_require(test_count_lines(of.engine, answer.body, "output") == data->count - data->bad_count);
  test_require(test_count_lines(of.engine, answer.body, "error") == data->bad_count);
  test_answer_free(&answer);
}

/* --- threads of the host --- */

static void test_run(void **state) {
  (void)state;
  char target[TEST_URL_MAX];
  begin();
  test_engine_start(&of);
  test_worker *first = test_worker_start(of.engine);
  test_worker *second = test_worker_start(of.engine);
  test_kick_off(of.engine, "/$export", target);
  expect_complete(test_poll(of.engine, target));
  /* A cancelled job is no error of a worker either (DEL-06). */
  test_kick_off(of.engine, "/$export", target);
  test_nap_ms(3);
  cancel(of.engine, target);
  test_expect_refusal(of.engine, target, 404, "not-found");
  test_kick_off(of.engine, "/$export", target);
  expect_complete(test_poll(of.engine, target));
  fhx_engine_stop(of.engine);
  test_worker_join(first);
  test_worker_join(second);
  /* Requests are still answered. */
  expect_complete(test_get(of.engine, target));
  test_require_status(fhx_engine_run(of.engine, NULL), FHX_WAIT);
  test_engine_end(&of);
}

/* --- parked, and gone on with by another engine (STAT-18) --- */

static void stop_at_third(void *context, uint64_t number) {
  fhx_engine **engine = context;
  if (number == 3) fhx_engine_stop(*engine);
}

/* Everything exactly once, by the checks of the jobs' own tests. */
static void check_exact(const char *status_target) {
  fhx_job_options options;
  fhx_job *job = NULL;
  char prefix[TEST_PATH_MAX + 20];
  test_expectation expected;
  memset(&expected, 0, sizeof expected);
  FHX_INIT(&options);
  options.source = of.options.source;
  options.destination = of.options.destination;
  options.store = of.options.store;
  const char *job_id = strrchr(status_target, '/') + 1;
  test_require_status(fhx_job_attach(&options, job_id, &job, NULL), FHX_OK);
  fhx_progress *progress = NULL;
  test_require_status(fhx_job_progress_new(job, &progress, NULL), FHX_OK);
  test_require(fhx_progress_state(progress) == FHX_JOB_COMPLETE);
  test_require(fhx_progress_resource_count(progress) == data->count - data->bad_count);
  test_require(fhx_progress_error_count(progress) == data->bad_count);
  fhx_progress_free(progress);
  fhx_part_page *page = NULL;
  uint64_t after = 0;
  test_require_status(fhx_job_parts_new(job, &after, 1000, &page, NULL), FHX_OK);
  uint32_t count = fhx_part_page_count(page);
  const fhx_part **parts = calloc(count, sizeof *parts);
  assert_non_null(parts);
  for (uint32_t i = 0; i < count; i++) parts[i] = fhx_part_page_part(page, i);
  snprintf(prefix, sizeof prefix, "file://%s/", of.folder);
  expected.data = data;
  expected.part_bytes = of.options.part_bytes;
  expected.error_count = data->bad_count;
  expected.url_prefix = prefix;
  test_objects objects = test_objects_of_folder(of.folder);
  test_check_parts(parts, count, &objects, &expected);
  test_objects_free(&objects);
  free(parts);
  fhx_part_page_free(page);
  fhx_job_free(job);
}

static void test_restart(void **state) {
  (void)state;
  char target[TEST_URL_MAX];
  test_source_knobs knobs = test_engine_source(data);
  knobs.hook = stop_at_third;
  knobs.hook_context = &of.engine;
  begin_with(&knobs);
  open_store();
  test_engine_start(&of);
  test_kick_off(of.engine, "/$export", target);
  /* Returns at the stop, which a callback has made. */
  test_require_status(fhx_engine_run(of.engine, NULL), FHX_WAIT);
  test_answer answer = test_get(of.engine, target);
  test_require(answer.status == 202);
  test_answer_free(&answer);
  uint64_t calls = test_source_calls(of.source, TEST_SOURCE_NEXT);
  fhx_engine_free(of.engine);
  of.options.workers = 2;
  test_engine_start(&of);
  expect_complete(test_poll(of.engine, target));
  check_exact(target);
  test_require(calls >= 3 && calls <= 4);
  close_store();
  test_engine_end(&of);
}

/* --- a call of the source that outlasts the lease --- */

static void be_slow(void *context, uint64_t number) {
  (void)context;
  if (number == 2) test_nap_ms(1500);
}

/* Whether the job is complete. Where a machine lets those who renew wait for as long as a lease, it
   is lost, as it would be of any host. */
static bool run_slowly_once(bool helped) {
  char target[TEST_URL_MAX];
  test_source_knobs knobs = test_engine_source(data);
  knobs.hook = be_slow;
  begin_with(&knobs);
  of.options.lease_us = 500000;
  of.options.attempts_max = 1;
  of.options.workers = 2;
  of.options.helpers = helped ? 1 : 0;
  test_engine_start(&of);
  test_kick_off(of.engine, "/$export", target);
  uint32_t status = 202;
  while (status == 202) {
    if (!helped) test_require_status(fhx_engine_tick(of.engine, NULL), FHX_OK);
    test_nap_ms(40);
    test_answer answer = test_get(of.engine, target);
    status = answer.status == 503 ? 202 : answer.status;
    test_answer_free(&answer);
  }
  test_answer answer = test_poll(of.engine, target);
  if (status == 200) {
    expect_complete(answer);
  } else {
    test_require(strstr(answer.body, "came to no end in 1 attempts") != NULL);
    test_answer_free(&answer);
  }
  test_engine_end(&of);
  return status == 200;
}

static void run_slowly(bool helped) {
  int tries = 1;
  while (!run_slowly_once(helped)) test_require(++tries < 30);
}

static void test_helper(void **state) {
  (void)state;
  run_slowly(true);
}

static void test_tick(void **state) {
  (void)state;
  run_slowly(false);
}

/* With helpers of the engine's, jobs have theirs. */
static void test_helpers_write(void **state) {
  (void)state;
  const test_destination_knobs to = {.flags = FHX_DESTINATION_ANY_THREAD};
  test_dataset *long_data = test_dataset_new(8, 20, TEST_DATASET_LONG);
  for (uint32_t helpers = 0; helpers <= 2; helpers++) {
    char target[TEST_URL_MAX];
    test_source_knobs knobs = test_engine_source(long_data);
    begin_with(&knobs);
    fhx_destination_free(of.options.destination);
    test_destination *destination = test_destination_new(&to, &of.options.destination);
    of.options.workers = 1;
    of.options.helpers = helpers;
    of.options.part_bytes = 0;
    of.options.worker_bytes = UINT64_C(16) << 20;
    test_engine_start(&of);
    test_kick_off(of.engine, "/$export?_type=Patient", target);
    while (test_destination_calls(destination, TEST_DESTINATION_COMMIT) == 0) test_nap_ms(5);
    test_require((test_destination_writes_elsewhere(destination) != 0) == (helpers != 0));
    test_engine_end(&of);
    test_destination_end(destination);
  }
  test_dataset_free(long_data);
}

/* --- the end of what is kept --- */

/* STAT-15, FILE-10: after keep_us the record is gone as if it had never been, and so are the
   files. Expires does not promise more (STAT-08). */
static void test_expiry(void **state) {
  (void)state;
  char target[TEST_URL_MAX], url[TEST_URL_MAX], type[70];
  uint64_t count = 0;
  begin();
  of.options.keep_us = 300000;
  of.options.workers = 1;
  test_engine_start(&of);
  test_kick_off(of.engine, "/$export", target);
  test_answer answer = test_poll(of.engine, target);
  test_require(answer.status == 200);
  test_require(test_manifest_item(answer.body, "output", 0, url, type, &count));
  test_answer_free(&answer);
  for (int i = 0; i < 5000 && test_folder_count(of.folder) != 0; i++) test_nap_ms(2);
  test_require(test_folder_count(of.folder) == 0);
  test_expect_refusal(of.engine, target, 404, "not-found");
  test_expect_refusal(of.engine, test_target_of(url), 404, "not-found");
  test_engine_end(&of);
}

/* --- many threads --- */

typedef struct client {
  pthread_t thread;
  char target[TEST_URL_MAX];
  uint32_t status;
  atomic_bool *over;
} client;

/* Polls one job for as long as the test goes on; no assertion of cmocka's on a thread. */
static void *poll_on(void *context) {
  client *self = context;
  int shown = 0;
  while (!atomic_load(self->over)) {
    fhx_request request = test_request("GET", self->target);
    fhx_response *response = NULL;
    char bytes[512];
    size_t got = 0;
    if (fhx_engine_handle(of.engine, &request, &response, NULL) != FHX_OK) {
      test_violation("a poll failed");
      return NULL;
    }
    self->status = fhx_response_status(response);
    for (uint32_t i = 0; i < fhx_response_header_count(response); i++) {
      int percent = 0;
      if (strcmp(fhx_response_header_name(response, i), "X-Progress") != 0) continue;
      percent = atoi(fhx_response_header_value(response, i));
      test_violation_unless(percent >= shown, "the percentage went down");
      shown = percent;
    }
    test_violation_unless(self->status == 202 || self->status == 200, "a poll was refused");
    while (fhx_response_read(response, bytes, sizeof bytes, &got, NULL) == FHX_OK) continue;
    fhx_response_free(response);
  }
  return NULL;
}

static void test_threads(void **state) {
  (void)state;
  client clients[3];
  char target[TEST_URL_MAX];
  atomic_bool over;
  atomic_init(&over, false);
  begin();
  of.options.workers = 4;
  of.options.helpers = 1;
  test_engine_start(&of);
  for (size_t i = 0; i < 3; i++) {
    test_kick_off(of.engine, "/$export", clients[i].target);
    clients[i].over = &over;
    test_require(pthread_create(&clients[i].thread, NULL, poll_on, &clients[i]) == 0);
  }
  for (int i = 0; i < (test_is_quick() ? 5 : 20); i++) {
    test_kick_off(of.engine, "/$export?_type=Patient", target);
    test_nap_ms(i % 4);
    cancel(of.engine, target);
    test_expect_refusal(of.engine, target, 404, "not-found");
  }
  for (size_t i = 0; i < 3; i++) expect_complete(test_poll(of.engine, clients[i].target));
  atomic_store(&over, true);
  for (size_t i = 0; i < 3; i++) {
    pthread_join(clients[i].thread, NULL);
    cancel(of.engine, clients[i].target);
  }
  test_engine_end(&of);
}

/* --- memory runs out --- */

static void use_engine(char *body, size_t capacity) {
  char url[TEST_URL_MAX] = "", target[TEST_URL_MAX], type[70];
  uint64_t count = 0;
  uint32_t status = test_insist(of.engine, "GET", "/$export?_type=Patient", "Content-Location", url,
                                body, capacity);
  test_require(status == 202);
  snprintf(target, sizeof target, "%s", test_target_of(url));
  test_run_to_the_end(of.engine, target, test_has_ended);
  status = test_insist(of.engine, "GET", target, NULL, NULL, body, capacity);
  /* A job that has met lack of memory too often may have failed, with an outcome that says so. */
  if (status == 200) {
    test_require(test_manifest_item(body, "output", 0, url, type, &count) && count > 0);
    status = test_insist(of.engine, "GET", test_target_of(url), NULL, NULL, body, capacity);
    test_require(status == 200 && body[0] == '{');
  } else {
    test_require(status == 500);
  }
  test_require(test_insist(of.engine, "POST", target, "Allow", url, body, capacity) == 405);
  /* 404 where the job went and memory did not suffice to say so. */
  status = test_insist(of.engine, "DELETE", target, NULL, NULL, body, capacity);
  test_require(status == 202 || status == 404);
}

static void memory_scenario(char *body, size_t capacity) {
  begin();
  of.options.lease_us = 20000;
  /* A kick-off that has failed must leave no job behind (KICK-08). */
  of.options.jobs_max = 1;
  bool made = of.options.source != NULL && of.options.destination != NULL;
  int32_t status = made ? fhx_engine_new(&of.options, &of.engine, NULL) : FHX_ERR_NO_MEMORY;
  if (status == FHX_OK) {
    use_engine(body, capacity);
  } else {
    test_require_status(status, FHX_ERR_NO_MEMORY);
  }
  test_memory_recover();
  test_engine_end(&of);
}

static void test_memory(void **state) {
  (void)state;
  size_t capacity = 200000;
  char *body = malloc(capacity);
  assert_non_null(body);
  for (int lasting = 0; lasting <= 1; lasting++) {
    for (uint64_t number = 1;; number += test_step(7)) {
      if (lasting != 0) test_memory_begin_lasting(number);
      if (lasting == 0) test_memory_begin(number);
      memory_scenario(body, capacity);
      if (!test_memory_end()) break;
    }
  }
  free(body);
}

/* --- misuse --- */

static void expect_wrong(const char *sentence) {
  fhx_engine *engine = NULL;
  fhx_error *error = NULL;
  test_scenario("%s", sentence);
  test_require_status(fhx_engine_new(&of.options, &engine, &error), FHX_ERR_ARGUMENT);
  test_require(engine == NULL);
  test_require(strstr(fhx_error_message(error), sentence) != NULL);
  fhx_error_free(error);
}

/* What the engine exports, whoever asks. */
static void expect_wrong_exports(const fhx_engine_options *right) {
  const char *paths[] = {"Observation.subject", NULL, "observation"};
  of.options.fhir_version = 41;
  expect_wrong("fhir_version");
  of.options.fhir_version = FHX_FHIR_R4;
  of.options.associated_types = "Practitioner,NutritionProduct";
  expect_wrong("associated_types has a name that is not a resource type of FHIR R4;");
  of.options.associated_types = "Practitioner, Organization";
  expect_wrong("associated_types");
  of.options.associated_types = NULL;
  of.options.compartment_path_count = 1;
  expect_wrong("compartment_paths");
  of.options.compartment_paths = paths;
  of.options.compartment_path_count = 2;
  expect_wrong("compartment_paths");
  of.options.compartment_paths = paths + 2;
  of.options.compartment_path_count = 1;
  expect_wrong("path");
  of.options = *right;
}

static void test_options(void **state) {
  (void)state;
  begin();
  fhx_engine_options right = of.options;
  of.options.source = NULL;
  expect_wrong("source");
  of.options = right;
  of.options.destination = NULL;
  expect_wrong("destination");
  of.options = right;
  of.options.flags = 1u << 31;
  expect_wrong("flags");
  of.options = right;
  static const char *const urls[] = {NULL,
                                     "",
                                     "fhir",
                                     "https://example.org/",
                                     "https://",
                                     "https:///fhir",
                                     "ftp://example.org",
                                     "https://example.org/fhir?a=b",
                                     "https://example.org/fhir#a"};
  for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
    of.options.base_url = urls[i];
    expect_wrong("base_url");
  }
  of.options = right;
  of.options.url_keys = NULL;
  expect_wrong("url_keys");
  of.options = right;
  of.options.url_key_lens = NULL;
  expect_wrong("url_key_lens");
  of.options = right;
  size_t short_len = 31;
  of.options.url_key_lens = &short_len;
  expect_wrong("shorter than 32");
  of.options = right;
  of.options.keep_us = -1;
  expect_wrong("keep_us");
  of.options = right;
  of.options.link_us = -1;
  expect_wrong("link_us");
  of.options = right;
  of.options.workers = 1025;
  expect_wrong("workers");
  of.options = right;
  of.options.helpers = 1025;
  expect_wrong("helpers");
  of.options = right;
  of.options.worker_bytes = 1;
  expect_wrong("worker_bytes");
  of.options = right;
  expect_wrong_exports(&right);
  open_store();
  of.options.url_key_count = 0;
  expect_wrong("url_keys are needed");
  close_store();
  of.options = right;
  refused(fhx_engine_new(&of.options, NULL, &error), FHX_ERR_ARGUMENT);
  refused(fhx_engine_new(NULL, &of.engine, &error), FHX_ERR_ARGUMENT);
  test_engine_end(&of);
}

static void test_requests(void **state) {
  (void)state;
  begin();
  test_engine_start(&of);
  fhx_response *response = NULL;
  fhx_request request = test_request(NULL, "/$export");
  refused(fhx_engine_handle(of.engine, &request, &response, &error), FHX_ERR_ARGUMENT);
  request = test_request("GET", NULL);
  refused(fhx_engine_handle(of.engine, &request, &response, &error), FHX_ERR_ARGUMENT);
  request = test_request("GET", "/$export");
  request.header_count = 1;
  refused(fhx_engine_handle(of.engine, &request, &response, &error), FHX_ERR_ARGUMENT);
  request = test_request("GET", "/$export");
  request.body_len = 1;
  refused(fhx_engine_handle(of.engine, &request, &response, &error), FHX_ERR_ARGUMENT);
  /* A tenant that cannot be a folder's name is the host's mistake, not the client's. */
  request = test_request("GET", "/$export");
  request.tenant = "../x";
  refused(fhx_engine_handle(of.engine, &request, &response, &error), FHX_ERR_ARGUMENT);
  request = test_request("GET", "/$export");
  refused(fhx_engine_handle(of.engine, &request, NULL, &error), FHX_ERR_ARGUMENT);
  refused(fhx_engine_handle(NULL, &request, &response, &error), FHX_ERR_ARGUMENT);
  refused(fhx_engine_handle(of.engine, NULL, &response, &error), FHX_ERR_ARGUMENT);
  refused(fhx_engine_run(NULL, &error), FHX_ERR_ARGUMENT);
  refused(fhx_engine_tick(NULL, &error), FHX_ERR_ARGUMENT);
  test_require(response == NULL);
  fhx_engine_stop(NULL);
  fhx_engine_free(NULL);
  test_engine_end(&of);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_run),     cmocka_unit_test(test_restart),
      cmocka_unit_test(test_helper),  cmocka_unit_test(test_helpers_write),
      cmocka_unit_test(test_tick),    cmocka_unit_test(test_expiry),
      cmocka_unit_test(test_threads), cmocka_unit_test(test_memory),
      cmocka_unit_test(test_options), cmocka_unit_test(test_requests),
  };
  return cmocka_run_group_tests(tests, make_data, test_dataset_end);
}
