/* What is told and counted when the store is not to be had; and the bounds of histograms. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
/* cmocka needs those above. */
#include <cmocka.h>
#include <fhirexport/fhirexport.h>
#include <stdio.h>
#include <time.h>

#include "faulty_store.h"
#include "job/report.h"
#include "observe/event.h"
#include "observe/watch.h"
#include "store/store.h"
#include "support/engine.h"
#include "support/event_log.h"
#include "support/memory_destination.h"
#include "support/require.h"

static test_dataset *data;
static test_engine of;
static test_event_log *events;

static int make_data(void **state) {
  *state = data = test_dataset_new(8, 40, 0);
  return 0;
}

static faulty_store *begin(const faulty_knobs *knobs) {
  test_source_knobs source = test_engine_source(data);
  test_scenario("observed");
  events = test_event_log_new();
  test_engine_prepare(&of, &source);
  faulty_store *store = faulty_store_new(knobs, &of.options.store);
  of.options.log = test_event_log_take;
  of.options.log_user_data = events;
  test_engine_start(&of);
  return store;
}

static void end(faulty_store *store) {
  fhx_store_free(of.options.store);
  test_engine_end(&of);
  faulty_store_end(store);
  test_event_log_free(events);
}

/* Of everything with that name and label, as OpenMetrics has it. */
static double value_of(const char *name, const char *labels) {
  fhx_metrics *metrics = NULL;
  double value = -1;
  test_require_status(fhx_engine_metrics_new(of.engine, &metrics, NULL), FHX_OK);
  for (uint32_t i = 0; i < fhx_metrics_sample_count(metrics); i++) {
    if (strcmp(fhx_metrics_sample_name(metrics, i), name) == 0 &&
        strcmp(fhx_metrics_sample_labels(metrics, i), labels) == 0) {
      value = fhx_metrics_sample_value(metrics, i);
    }
  }
  fhx_metrics_free(metrics);
  return value;
}

/* However often it is asked in vain, it is told once that it is lost, and once that it is back. */
static void test_store_lost(void **state) {
  (void)state;
  const faulty_knobs knobs = {.step = FAULTY_CLAIM_TASK, .answer = FAULTY_FAILS, .fault_at = 1};
  faulty_store *store = begin(&knobs);
  for (int i = 0; i < 3; i++) {
    fhx_error *error = NULL;
    test_require(fhx_engine_run(of.engine, &error) < 0);
    test_require(fhx_error_status(error) < 0);
    fhx_error_free(error);
  }
  /* Who is not told of errors does not lose the event. */
  test_require(fhx_engine_run(of.engine, NULL) < 0);
  test_require(test_event_count(events, "store.lost") == 1);
  test_require(test_event_count(events, "store.back") == 0);
  test_require(value_of("fhirexport_store_failures_total", "") == 4);
  test_require(value_of("fhirexport_store_answers_lost_total", "") == 4 * 5);
  faulty_store_heal(store);
  test_worker *worker = test_worker_start(of.engine);
  test_event_await(events, "store.back", 1);
  fhx_engine_stop(of.engine);
  test_worker_join(worker);
  test_require(test_event_count(events, "store.lost") == 1);
  end(store);
}

/* A request that the store does not answer is told with its status, not with what the client asked;
   a job's id is told. */
static void test_request_failed(void **state) {
  (void)state;
  const faulty_knobs knobs = {.step = FAULTY_READ_JOB, .answer = FAULTY_FAILS, .fault_at = 1};
  char text[TEST_EVENT_TEXT_MAX] = "";
  faulty_store *store = begin(&knobs);
  test_answer answer = test_get(of.engine, "/$export/00112233445566778899aabbccddeeff");
  test_require(answer.status >= 500);
  test_answer_free(&answer);
  test_require(test_event_count(events, "request.failed") == 1);
  test_require(test_event_field(events, "request.failed", 0, "job", text));
  test_require(strcmp(text, "00112233445566778899aabbccddeeff") == 0);
  test_require(test_event_field(events, "request.failed", 0, "route", text));
  test_require(strcmp(text, "status") == 0);
  test_require(test_event_count(events, "audit.manifest") == 0);
  test_require(value_of("fhirexport_answers_total", "route=\"status\",class=\"5xx\"") == 1);
  end(store);
}

/* A job whose last checkpoint's answer was lost is complete, and told to be so once. */
static void test_lost_answers(void **state) {
  (void)state;
  for (int answer = FAULTY_TAKEN_FAILS; answer < FAULTY_ANSWERS; answer++) {
    char target[TEST_URL_MAX];
    const faulty_knobs knobs = {.step = FAULTY_RECORD_CHECKPOINT,
                                .answer = (faulty_answer)answer,
                                .fault_at = 1,
                                .fault_times = 1};
    faulty_store *store = begin(&knobs);
    test_worker *worker = test_worker_start(of.engine);
    test_kick_off(of.engine, "/$export?_type=Patient", target);
    test_answer polled = test_poll(of.engine, target);
    test_require(polled.status == 200);
    test_answer_free(&polled);
    test_event_await(events, "job.completed", 1);
    test_require(test_event_number(events, "job.completed", 0, "resources") ==
                 test_event_sum(events, "checkpoint.recorded", "resources"));
    test_require(value_of("fhirexport_store_answers_lost_total", "") >= 1);
    fhx_engine_stop(of.engine);
    test_worker_join(worker);
    end(store);
  }
}

/* The attempts were used up by claims alone, as by processes that were killed: the job fails
   inside a claim, which tells nobody, and is still told to have failed. */
static void test_spent(void **state) {
  (void)state;
  char target[TEST_URL_MAX], text[TEST_EVENT_TEXT_MAX] = "";
  const faulty_knobs knobs = {.step = FAULTY_STEPS, .fault_at = UINT64_MAX};
  faulty_store *store = begin(&knobs);
  test_kick_off(of.engine, "/$export?_type=Patient", target);
  const char *job_id = strrchr(target, '/') + 1;
  for (uint32_t i = 0; i < of.options.attempts_max; i++) {
    char claim_id[33];
    int64_t wait_us = 0;
    fhx__task_entry entry;
    memset(&entry, 0, sizeof entry);
    snprintf(claim_id, sizeof claim_id, "%032x", i + 1);
    nanosleep(&(struct timespec){0, 5000000}, NULL);
    test_require_status(
        fhx__store_claim_task(of.options.store, job_id, claim_id, 1000, 99, &entry, &wait_us, NULL),
        FHX_OK);
    fhx__task_entry_free(&entry);
  }
  nanosleep(&(struct timespec){0, 5000000}, NULL);
  test_worker *worker = test_worker_start(of.engine);
  test_event_await(events, "job.failed", 1);
  test_require(test_event_field(events, "job.failed", 0, "status", text));
  test_require(strcmp(text, "LIMIT") == 0);
  test_require(value_of("fhirexport_jobs_ended_total", "state=\"failed\"") == 1);
  fhx_engine_stop(of.engine);
  test_worker_join(worker);
  end(store);
}

/* Whoever looks at a job that is over tells of its end if it was brought about here, and then
   nobody does again. */
static void test_told_once(void **state) {
  (void)state;
  char target[TEST_URL_MAX];
  fhx_job_options options;
  fhx_job *job = NULL;
  fhx_progress *progress = NULL;
  const faulty_knobs knobs = {.step = FAULTY_STEPS, .fault_at = UINT64_MAX};
  faulty_store *store = begin(&knobs);
  test_worker *worker = test_worker_start(of.engine);
  test_kick_off(of.engine, "/$export?_type=Patient", target);
  test_answer answer = test_poll(of.engine, target);
  test_answer_free(&answer);
  test_event_await(events, "job.completed", 1);
  FHX_INIT(&options);
  options.source = of.options.source;
  options.destination = of.options.destination;
  options.store = of.options.store;
  test_require_status(fhx_job_attach(&options, strrchr(target, '/') + 1, &job, NULL), FHX_OK);
  test_require_status(fhx_job_progress_new(job, &progress, NULL), FHX_OK);
  fhx__watch *watch = fhx__watch_new();
  assert_non_null(watch);
  watch->log = test_event_log_take;
  watch->log_user_data = events;
  job->watch = watch;
  /* Another process has completed it, and has told. */
  fhx__report_state(job, progress);
  test_require(test_event_count(events, "job.completed") == 1);
  atomic_store(&job->ending, FHX__ENDING_HERE);
  for (int i = 0; i < 3; i++) fhx__report_state(job, progress);
  test_require(test_event_count(events, "job.completed") == 2);
  test_require(atomic_load(&watch->counts[FHX__COUNT_JOBS_COMPLETE]) == 1);
  fhx_progress_free(progress);
  fhx_job_free(job);
  fhx__watch_unref(watch);
  fhx_engine_stop(of.engine);
  test_worker_join(worker);
  end(store);
}

/* Files that cannot be removed are tried again every second, and told of once a minute. */
static void test_clean_failed(void **state) {
  (void)state;
  char target[TEST_URL_MAX], text[TEST_EVENT_TEXT_MAX] = "";
  const faulty_knobs knobs = {.step = FAULTY_STEPS, .fault_at = UINT64_MAX};
  const test_destination_knobs to = {.fault_call = TEST_DESTINATION_REMOVE,
                                     .fault = TEST_DESTINATION_FAILS_RETRYABLE,
                                     .fault_at = 1};
  test_source_knobs source = test_engine_source(data);
  test_scenario("not removed");
  events = test_event_log_new();
  test_engine_prepare(&of, &source);
  fhx_destination_free(of.options.destination);
  test_destination *destination = test_destination_new(&to, &of.options.destination);
  faulty_store *store = faulty_store_new(&knobs, &of.options.store);
  of.options.log = test_event_log_take;
  of.options.log_user_data = events;
  of.options.workers = 1;
  test_engine_start(&of);
  test_kick_off(of.engine, "/$export?_type=Patient", target);
  test_event_await(events, "job.completed", 1);
  fhx_request request = test_request("DELETE", target);
  test_expect_outcome(test_send(of.engine, &request), 202, "information", "informational");
  while (test_destination_calls(destination, TEST_DESTINATION_REMOVE) < 3) {
    nanosleep(&(struct timespec){0, 10000000}, NULL);
  }
  test_event_await(events, "job.clean_failed", 1);
  test_require(test_event_field(events, "job.clean_failed", 0, "cause", text));
  test_require(strcmp(text, "removed") == 0);
  test_require(test_event_field(events, "job.clean_failed", 0, "reason", text) && *text != '\0');
  test_require(test_event_count(events, "job.cleaned") == 0);
  fhx_store_free(of.options.store);
  test_engine_end(&of);
  faulty_store_end(store);
  test_destination_end(destination);
  test_event_log_free(events);
}

/* --- counting --- */

static void test_bounds(void **state) {
  (void)state;
  static const int64_t times[] = {-1, 0, 1000, 1001, 3600000000, 3600000001, INT64_MAX};
  static const size_t buckets[] = {0, 0, 0, 1, 11, 12, 12};
  for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
    fhx__watch *watch = fhx__watch_new();
    assert_non_null(watch);
    fhx__watch_time(watch, FHX__LATENCY_QUEUE, times[i]);
    for (size_t j = 0; j < FHX__BUCKETS; j++) {
      assert_int_equal(watch->latencies[FHX__LATENCY_QUEUE].buckets[j], j == buckets[i] ? 1 : 0);
    }
    fhx__watch_unref(watch);
  }
  /* A job that no engine has counts nothing. */
  fhx__watch_time(NULL, FHX__LATENCY_QUEUE, 1);
  fhx__watch_add(NULL, FHX__COUNT_BYTES, 1);
  fhx__watch_answer(NULL, FHX__ROUTE_FILE, 200, 1);
  fhx__watch_unref(NULL);
}

static void ignore(void *user_data, const fhx_log_event *event) {
  uint32_t *count = user_data;
  *count = fhx_log_event_field_count(event);
}

/* No event has more fields than there is room for; one that had would lose the last. */
static void test_fields(void **state) {
  (void)state;
  uint32_t count = 0;
  fhx_log_event event;
  fhx__watch *watch = fhx__watch_new();
  assert_non_null(watch);
  watch->log = ignore;
  watch->log_user_data = &count;
  fhx__event_begin(&event, watch, FHX__EVENT_JOB_CREATED);
  for (int i = 0; i < FHX__EVENT_FIELDS_MAX + 3; i++) fhx__event_number(&event, "n", i);
  fhx__event_tell(&event);
  assert_int_equal(count, FHX__EVENT_FIELDS_MAX);
  fhx__event_begin(&event, watch, FHX__EVENT_JOB_CREATED);
  fhx__event_count(&event, "much", UINT64_MAX);
  assert_true(fhx_log_event_number(&event, "much", 0) == INT64_MAX);
  fhx__watch_unref(watch);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_store_lost),   cmocka_unit_test(test_request_failed),
      cmocka_unit_test(test_lost_answers), cmocka_unit_test(test_spent),
      cmocka_unit_test(test_clean_failed), cmocka_unit_test(test_told_once),
      cmocka_unit_test(test_bounds),       cmocka_unit_test(test_fields),
  };
  return cmocka_run_group_tests(tests, make_data, test_dataset_end);
}
