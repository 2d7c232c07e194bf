/* The metrics of an engine: what they count is what was done, and their text is OpenMetrics. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>
#include <fhirexport/fhirexport.h>
#include <time.h>

#include "support/engine.h"
#include "support/memory.h"
#include "support/refused.h"
#include "support/require.h"

#define WAITS_MAX 60000

static test_dataset *data;
static test_engine of;

static int make_data(void **state) {
  *state = data = test_dataset_new(8, 80, TEST_DATASET_STAMPED | TEST_DATASET_BAD);
  return 0;
}

static void begin_with(const test_source_knobs *knobs, uint32_t workers) {
  test_scenario("metrics");
  test_engine_prepare(&of, knobs);
  of.options.workers = workers;
  test_engine_start(&of);
}

static void begin(uint32_t workers) {
  test_source_knobs knobs = test_engine_source(data);
  begin_with(&knobs, workers);
}

/* The value of one sample, which must be there once. */
static double value_of(const char *name, const char *labels) {
  fhx_metrics *metrics = NULL;
  double value = -1.0;
  uint32_t found = 0;
  test_require_status(fhx_engine_metrics_new(of.engine, &metrics, NULL), FHX_OK);
  for (uint32_t i = 0; i < fhx_metrics_sample_count(metrics); i++) {
    if (strcmp(fhx_metrics_sample_name(metrics, i), name) != 0) continue;
    if (strcmp(fhx_metrics_sample_labels(metrics, i), labels) != 0) continue;
    value = fhx_metrics_sample_value(metrics, i);
    found++;
  }
  fhx_metrics_free(metrics);
  if (found != 1) print_error("%s{%s}: %u\n", name, labels, found);
  test_require(found == 1);
  return value;
}

static uint64_t count_of(const char *name, const char *labels) {
  return (uint64_t)value_of(name, labels);
}

/* What is counted behind an answer that was given may come a moment later. */
static void await(const char *name, const char *labels, uint64_t count) {
  for (int i = 0; i < WAITS_MAX && count_of(name, labels) < count; i++) {
    nanosleep(&(struct timespec){0, 2000000}, NULL);
  }
  if (count_of(name, labels) != count) {
    print_error("%s{%s} is %llu\n", name, labels, (unsigned long long)count_of(name, labels));
  }
  test_require(count_of(name, labels) == count);
}

/* --- what is counted --- */

typedef struct sums {
  uint64_t resources;
  uint64_t files;
  uint64_t bytes;
} sums;

/* Of all files of the manifest, each fetched. */
static sums fetch_all(const char *manifest) {
  static const char *const lists[] = {"output", "error"};
  sums of_all = {0, 0, 0};
  char url[TEST_URL_MAX], type[70];
  uint64_t count = 0;
  for (size_t list = 0; list < 2; list++) {
    for (size_t i = 0; test_manifest_item(manifest, lists[list], i, url, type, &count); i++) {
      test_answer file = test_get(of.engine, test_target_of(url));
      test_require(file.status == 200);
      if (list == 0) of_all.resources += count;
      of_all.files++;
      of_all.bytes += file.len;
      test_answer_free(&file);
    }
  }
  return of_all;
}

static void test_whole(void **state) {
  (void)state;
  char target[TEST_URL_MAX];
  begin(2);
  test_kick_off(of.engine, "/$export", target);
  test_answer answer = test_poll(of.engine, target);
  test_require(answer.status == 200);
  const sums all = fetch_all(answer.body);
  test_answer_free(&answer);
  await("fhirexport_jobs_ended_total", "state=\"complete\"", 1);
  await("fhirexport_tasks_running", "", 0);
  test_require(count_of("fhirexport_jobs_created_total", "") == 1);
  test_require(count_of("fhirexport_jobs_open", "") == 0);
  test_require(count_of("fhirexport_resources_total", "") == all.resources);
  test_require(count_of("fhirexport_resources_refused_total", "") == data->bad_count);
  test_require(count_of("fhirexport_parts_total", "") == all.files);
  test_require(count_of("fhirexport_part_commit_seconds_count", "") == all.files);
  test_require(count_of("fhirexport_downloaded_bytes_total", "") == all.bytes);
  /* The error file is no output. */
  test_require(count_of("fhirexport_exported_bytes_total", "") < all.bytes);
  test_require(count_of("fhirexport_exported_bytes_total", "") > 0);
  const uint64_t attempts = count_of("fhirexport_task_attempts_total", "");
  test_require(count_of("fhirexport_task_attempts_ended_total", "end=\"done\"") == attempts);
  /* Every task but the plan ends with a checkpoint. */
  test_require(count_of("fhirexport_checkpoint_seconds_count", "") >= attempts - 1);
  test_require(count_of("fhirexport_queue_seconds_count", "") == 1);
  test_require(count_of("fhirexport_answers_total", "route=\"kick_off\",class=\"2xx\"") == 1);
  test_require(count_of("fhirexport_answers_total", "route=\"file\",class=\"2xx\"") == all.files);
  test_require(count_of("fhirexport_answer_seconds_count", "route=\"file\"") == all.files);
  test_require(value_of("fhirexport_answer_seconds_sum", "route=\"file\"") > 0);
  test_engine_end(&of);
}

static void test_others(void **state) {
  (void)state;
  char target[TEST_URL_MAX];
  test_source_knobs knobs = test_engine_source(data);
  knobs.fault_call = TEST_SOURCE_NEXT;
  knobs.fault = TEST_SOURCE_FAILS_RETRYABLE;
  knobs.fault_at = 1;
  begin_with(&knobs, 1);
  test_kick_off(of.engine, "/$export?_type=Patient", target);
  test_expect_outcome(test_poll(of.engine, target), 500, "error", "exception");
  await("fhirexport_jobs_ended_total", "state=\"failed\"", 1);
  await("fhirexport_jobs_cleaned_total", "", 1);
  test_require(count_of("fhirexport_task_attempts_ended_total", "end=\"failed\"") == 3);
  test_require(count_of("fhirexport_jobs_ended_total", "state=\"complete\"") == 0);
  fhx_request request = test_request("DELETE", target);
  test_expect_outcome(test_send(of.engine, &request), 202, "information", "informational");
  test_require(count_of("fhirexport_jobs_ended_total", "state=\"cancelled\"") == 1);
  test_expect_refusal(of.engine, target, 404, "not-found");
  test_require(count_of("fhirexport_answers_total", "route=\"status\",class=\"4xx\"") == 1);
  test_engine_end(&of);
}

/* A job that nobody works on waits, and is seen to. */
static void test_queue(void **state) {
  (void)state;
  char target[TEST_URL_MAX];
  begin(0);
  test_require(value_of("fhirexport_queue_age_seconds", "") == 0);
  test_kick_off(of.engine, "/$export?_type=Patient", target);
  nanosleep(&(struct timespec){0, 20000000}, NULL);
  test_require(value_of("fhirexport_queue_age_seconds", "") >= 0.02);
  test_require(count_of("fhirexport_jobs_open", "") == 1);
  test_worker *worker = test_worker_start(of.engine);
  test_answer answer = test_poll(of.engine, target);
  test_answer_free(&answer);
  test_require(value_of("fhirexport_queue_age_seconds", "") == 0);
  test_require(value_of("fhirexport_queue_seconds_sum", "") >= 0.02);
  fhx_engine_stop(of.engine);
  test_worker_join(worker);
  test_engine_end(&of);
}

static void test_throttled(void **state) {
  (void)state;
  char target[TEST_URL_MAX];
  test_scenario("throttled");
  test_source_knobs knobs = test_engine_source(data);
  test_engine_prepare(&of, &knobs);
  of.options.jobs_max = 1;
  of.options.polls_max = 1;
  test_engine_start(&of);
  test_kick_off(of.engine, "/$export", target);
  test_expect_refusal(of.engine, "/$export", 429, "throttled");
  test_require(count_of("fhirexport_throttled_total", "route=\"kick_off\"") == 1);
  for (int i = 0; i < 100 && count_of("fhirexport_throttled_total", "route=\"status\"") == 0; i++) {
    test_answer answer = test_get(of.engine, target);
    test_answer_free(&answer);
  }
  test_require(count_of("fhirexport_throttled_total", "route=\"status\"") == 1);
  test_engine_end(&of);
}

/* --- the text --- */

/* Buckets hold what is in those before them, and the last holds all. */
static void check_buckets(const fhx_metrics *metrics) {
  double last = 0;
  for (uint32_t i = 0; i < fhx_metrics_sample_count(metrics); i++) {
    const char *name = fhx_metrics_sample_name(metrics, i);
    const double value = fhx_metrics_sample_value(metrics, i);
    const size_t len = strlen(name);
    if (len > 7 && strcmp(name + len - 7, "_bucket") == 0) {
      test_require(value >= last);
      last = value;
    } else if (len > 6 && strcmp(name + len - 6, "_count") == 0) {
      test_require(value == last);
      last = 0;
    }
  }
}

/* Each sample is a line, in their order; every other line is a comment. The whole grammar is
   checked by tests/server/observed.py. */
static void check_text(const fhx_metrics *metrics) {
  char line[600];
  size_t len = 0;
  const char *at = fhx_metrics_text(metrics, &len);
  test_require(strlen(at) == len && len > 1000);
  test_require(strcmp(at + len - 6, "# EOF\n") == 0);
  for (uint32_t i = 0; i < fhx_metrics_sample_count(metrics); i++) {
    const char *labels = fhx_metrics_sample_labels(metrics, i);
    while (*at == '#') at = strchr(at, '\n') + 1;
    snprintf(line, sizeof line, "%s%s%s%s ", fhx_metrics_sample_name(metrics, i),
             *labels == '\0' ? "" : "{", labels, *labels == '\0' ? "" : "}");
    test_require(strncmp(at, line, strlen(line)) == 0);
    at += strlen(line);
    test_require(strtod(at, NULL) == fhx_metrics_sample_value(metrics, i));
    at = strchr(at, '\n') + 1;
  }
  test_require(strcmp(at, "# EOF\n") == 0);
}

static void test_text(void **state) {
  (void)state;
  char target[TEST_URL_MAX];
  fhx_metrics *metrics = NULL;
  begin(1);
  test_kick_off(of.engine, "/$export?_type=Patient", target);
  test_answer answer = test_poll(of.engine, target);
  test_answer_free(&answer);
  test_require_status(fhx_engine_metrics_new(of.engine, &metrics, NULL), FHX_OK);
  test_engine_end(&of);
  /* They are read after the engine has gone. */
  check_text(metrics);
  check_buckets(metrics);
  const uint32_t count = fhx_metrics_sample_count(metrics);
  test_require(fhx_metrics_sample_name(metrics, count) == NULL);
  test_require(fhx_metrics_sample_labels(metrics, count) == NULL);
  test_require(fhx_metrics_sample_value(metrics, count) == 0);
  fhx_metrics_free(metrics);
}

static void test_misuse(void **state) {
  (void)state;
  size_t len = 1;
  fhx_metrics *metrics = NULL;
  begin(0);
  refused(fhx_engine_metrics_new(NULL, &metrics, &error), FHX_ERR_ARGUMENT);
  refused(fhx_engine_metrics_new(of.engine, NULL, &error), FHX_ERR_ARGUMENT);
  test_require(*fhx_metrics_text(NULL, &len) == '\0' && len == 0);
  test_require(fhx_metrics_sample_count(NULL) == 0);
  fhx_metrics_free(NULL);
  test_require(strncmp(fhx_metrics_media_type(), "application/openmetrics-text;", 29) == 0);
  test_engine_end(&of);
}

/* Every allocation fails once: an error, no leak, and the next try succeeds. */
static void test_memory(void **state) {
  (void)state;
  bool failed = true;
  for (uint64_t number = 1; failed; number++) {
    char target[TEST_URL_MAX];
    fhx_metrics *metrics = NULL;
    test_memory_begin(0);
    begin(0);
    test_kick_off(of.engine, "/$export?_type=Patient", target);
    test_memory_fail_next(number);
    fhx_error *error = NULL;
    int32_t status = fhx_engine_metrics_new(of.engine, &metrics, &error);
    failed = test_memory_has_failed();
    test_require_status(status, failed ? FHX_ERR_NO_MEMORY : FHX_OK);
    test_require((metrics == NULL) == failed);
    fhx_error_free(error);
    fhx_metrics_free(metrics);
    test_engine_end(&of);
    test_memory_end();
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_whole),  cmocka_unit_test(test_others),
      cmocka_unit_test(test_queue),  cmocka_unit_test(test_throttled),
      cmocka_unit_test(test_text),   cmocka_unit_test(test_misuse),
      cmocka_unit_test(test_memory),
  };
  return cmocka_run_group_tests(tests, make_data, test_dataset_end);
}
