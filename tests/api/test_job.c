/*
 * Level 2 through the public headers: jobs that outlive their process, share a store, are
 * cancelled, parked and freed under the hands of their threads.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

#include "support/folder.h"
#include "support/require.h"
#include "support/runner.h"
#include "support/setup.h"

#define RUNNERS 3

static test_dataset *data;

static int make_data(void **state) {
  *state = data = test_dataset_new(41, 160, 0);
  return 0;
}

static fhx_store *open_store(const char *path) {
  fhx_sqlite_store_options options;
  fhx_store *store = NULL;
  FHX_INIT(&options);
  options.path = path;
  test_require_status(fhx_sqlite_store_new(&options, &store, NULL), FHX_OK);
  return store;
}

/* --- the built-in parts together --- */

static void write_files(const char *folder) {
  for (const char *const *type = test_types; *type != NULL; type++) {
    char name[100];
    char path[TEST_PATH_MAX];
    snprintf(name, sizeof name, "%s.ndjson", *type);
    test_path_join(path, folder, name);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    for (size_t i = 0; i < data->count; i++) {
      const test_resource *resource = &data->items[i];
      if (strcmp(resource->type, *type) != 0) continue;
      fwrite(resource->json, 1, resource->len, file);
      fputc('\n', file);
    }
    assert_int_equal(fclose(file), 0);
  }
}

typedef struct place {
  char in[TEST_PATH_MAX];
  char out[TEST_PATH_MAX];
  char kept[TEST_PATH_MAX];
  char database[TEST_PATH_MAX];
  fhx_job_options options;
} place;

/* The handles of one "process"; the folders stay. */
static void open_place(place *at) {
  fhx_folder_options folder;
  fhx_directory_options directory;
  FHX_INIT(&folder);
  FHX_INIT(&directory);
  FHX_INIT(&at->options);
  folder.path = at->in;
  directory.path = at->out;
  directory.base_url = "https://files.example.org/bulk";
  directory.flags = FHX_DESTINATION_REQUIRES_TOKEN;
  test_require_status(fhx_folder_source_new(&folder, &at->options.source, NULL), FHX_OK);
  test_require_status(fhx_directory_destination_new(&directory, &at->options.destination, NULL),
                      FHX_OK);
  at->options.store = open_store(at->database);
  at->options.settle_us = -1;
  at->options.part_bytes = 9000;
  at->options.flags = FHX_JOB_SHA256;
  at->options.tenant = "clinic-1";
}

static void close_place(place *at) {
  fhx_source_free(at->options.source);
  fhx_destination_free(at->options.destination);
  fhx_store_free(at->options.store);
}

static void make_place(place *at) {
  test_folder_new(at->in);
  test_folder_new(at->out);
  test_folder_new(at->kept);
  test_path_join(at->database, at->kept, "jobs.db");
  write_files(at->in);
}

static void remove_place(place *at) {
  test_folder_remove(at->in);
  test_folder_remove(at->out);
  test_folder_remove(at->kept);
}

/* A job goes on in the next process, from where the last one stopped; its handles may go before
   it. */
static void test_restarts(void **state) {
  (void)state;
  place at;
  char job_id[33];
  fhx_job *job = NULL;
  test_scenario("restarts");
  make_place(&at);
  open_place(&at);
  test_require_status(fhx_job_start(&at.options, &job, NULL), FHX_OK);
  snprintf(job_id, sizeof job_id, "%s", fhx_job_id(job));
  test_require(strlen(job_id) == 32 && strspn(job_id, "0123456789abcdef") == 32);
  for (int32_t status = FHX_OK; status == FHX_OK;) {
    close_place(&at);
    status = fhx_job_run_task(job, NULL);
    test_require(status == FHX_OK || status == FHX_END);
    fhx_job_free(job);
    open_place(&at);
    test_require_status(fhx_job_attach(&at.options, job_id, &job, NULL), FHX_OK);
    test_require(strcmp(fhx_job_id(job), job_id) == 0);
  }
  test_expectation expected;
  memset(&expected, 0, sizeof expected);
  expected.data = data;
  /* The folder source lists its types in this order. */
  expected.types =
      (const char *const[]){"Encounter", "Observation", "Organization", "Patient", NULL};
  expected.part_bytes = at.options.part_bytes;
  expected.sha256 = true;
  expected.requires_token = true;
  expected.url_prefix = "https://files.example.org/bulk/";
  test_objects objects = test_objects_of_folder(at.out);
  test_check_export(job, &objects, &expected);
  for (size_t i = 0; i < objects.count; i++) {
    test_require(strncmp(objects.items[i].name, "clinic-1/", 9) == 0);
    test_require(strncmp(objects.items[i].name + 9, job_id, 32) == 0);
  }
  test_objects_free(&objects);
  fhx_job_free(job);
  close_place(&at);
  remove_place(&at);
}

static size_t count_files(const char *folder) {
  test_objects objects = test_objects_of_folder(folder);
  size_t count = objects.count;
  test_objects_free(&objects);
  return count;
}

/* Removing a complete job takes its files with it, and it is not found any more (lesson 13). */
static void test_removal_of_a_complete_job(void **state) {
  (void)state;
  place at;
  fhx_job *job = NULL, *again = NULL;
  fhx_manifest *manifest = NULL;
  test_scenario("removal");
  make_place(&at);
  open_place(&at);
  test_require_status(fhx_job_start(&at.options, &job, NULL), FHX_OK);
  test_require_status(fhx_job_run(job, NULL), FHX_OK);
  test_require(count_files(at.out) > 4);
  test_require_status(fhx_job_cancel(job, NULL), FHX_OK);
  test_require_status(fhx_manifest_new(job, &manifest, NULL), FHX_ERR_NOT_FOUND);
  test_require_status(fhx_job_cancel(job, NULL), FHX_OK);
  /* Whoever finds it may still remove its files. */
  test_require_status(fhx_job_attach(&at.options, fhx_job_id(job), &again, NULL), FHX_OK);
  test_require_status(fhx_job_run(again, NULL), FHX_ERR_CANCELLED);
  test_require(count_files(at.out) == 0);
  fhx_job_free(again);
  test_require_status(fhx_job_attach(&at.options, fhx_job_id(job), &again, NULL),
                      FHX_ERR_NOT_FOUND);
  test_require_status(fhx_job_run(job, NULL), FHX_ERR_CANCELLED);
  test_require_status(fhx_job_cancel(job, NULL), FHX_ERR_NOT_FOUND);
  fhx_job_free(job);
  close_place(&at);
  remove_place(&at);
}

/* --- what a source is told --- */

typedef struct told {
  fhx_source *source;
  int opened;
} told;

static void check_query(const fhx_query *query) {
  size_t len = 0;
  const char *ids[4] = {NULL};
  uint64_t count = 0;
  const void *context = fhx_query_host_context(query, &len);
  test_violation_unless(len == 3 && memcmp(context, "\0\1\2", 3) == 0, "the host context");
  test_violation_unless(strcmp(fhx_query_tenant(query), "north.7") == 0, "the tenant");
  test_violation_unless(fhx_query_as_of_us(query) == 7000, "the as-of time");
  test_violation_unless(fhx_query_since_us(query) == FHX_TIME_NONE, "since");
  test_violation_unless(fhx_query_until_us(query) == INT64_C(1704067200000000), "until");
  test_violation_unless(fhx_query_window_exact(query) == 1, "the window");
  test_violation_unless(fhx_query_scope(query) == FHX_SCOPE_PATIENT_SET, "the scope");
  test_violation_unless(fhx_query_patient_count(query) == 2, "the number of patients");
  test_violation_unless(fhx_query_patients(query, 0, 4, ids, &count, NULL) == FHX_OK &&
                            count == 2 && strcmp(ids[0], "a") == 0 && strcmp(ids[1], "b") == 0,
                        "the patients' order");
  uint32_t is_patient = 7;
  test_violation_unless(fhx_query_is_patient(query, "b", &is_patient, NULL) == FHX_OK, "b");
  test_violation_unless(is_patient == 1, "a patient");
  test_violation_unless(fhx_query_is_patient(query, "c", &is_patient, NULL) == FHX_OK, "c");
  test_violation_unless(is_patient == 0, "no patient");
}

static void open_told(void *user_data, const fhx_query *query, fhx_reply *reply) {
  told *self = user_data;
  self->opened++;
  check_query(query);
  fhx_reply_handle(reply, self, 0);
}

static void next_told(void *user_data, void *cursor, uint64_t want_bytes, fhx_reply *reply) {
  (void)user_data;
  (void)cursor;
  (void)want_bytes;
  fhx_reply_end(reply);
}

static void close_told(void *user_data, void *cursor) {
  test_violation_unless(user_data == cursor, "the cursor");
}

/* 7,999 us after 1970, in stamps of 7 ms: T is 7,000. */
static void clock_told(void *user_data, fhx_reply *reply) {
  (void)user_data;
  fhx_reply_time(reply, 7999, 7000);
}

static void told_source(told *self) {
  fhx_source_callbacks callbacks;
  FHX_INIT(&callbacks);
  callbacks.open_cursor = open_told;
  callbacks.next_rows = next_told;
  callbacks.close_cursor = close_told;
  callbacks.read_clock = clock_told;
  self->opened = 0;
  test_require_status(fhx_source_new(&callbacks, self, &self->source, NULL), FHX_OK);
}

static fhx_filter *told_filter(void) {
  fhx_filter *filter = NULL;
  test_require_status(fhx_filter_new(&filter, NULL), FHX_OK);
  test_require_status(fhx_filter_add_type(filter, "Observation", NULL), FHX_OK);
  test_require_status(fhx_filter_add_type(filter, "Organization", NULL), FHX_OK);
  test_require_status(fhx_filter_add_patient(filter, "b", NULL), FHX_OK);
  test_require_status(fhx_filter_add_patient(filter, "a", NULL), FHX_OK);
  test_require_status(fhx_filter_set_until(filter, "2024-01-01T01:00:00+01:00", NULL), FHX_OK);
  return filter;
}

/* The request is recorded at the start: what the caller does with it later does not matter. */
static void test_what_the_source_is_told(void **state) {
  (void)state;
  told self;
  fhx_job *job = NULL;
  fhx_job_options options;
  test_destination_knobs knobs = {.flags = 0};
  fhx_filter *filter = told_filter();
  char request[] = "https://fhir.example.org/$export?_type=Observation&q=\"\xC3\xA9\"";
  test_scenario("what the source is told");
  told_source(&self);
  FHX_INIT(&options);
  options.source = self.source;
  test_destination *destination = test_destination_new(&knobs, &options.destination);
  options.filter = filter;
  options.request = request;
  options.tenant = "north.7";
  options.host_context = "\0\1\2";
  options.host_context_len = 3;
  options.settle_us = -1;
  test_require_status(fhx_job_start(&options, &job, NULL), FHX_OK);
  fhx_filter_free(filter);
  memset(request, 'x', sizeof request - 1);
  test_require_status(fhx_job_run(job, NULL), FHX_OK);
  /* No Organization is in a Patient compartment. */
  test_require(self.opened == 1);
  char *manifest = test_read_manifest(job, 1);
  test_require(strstr(manifest, "\"transactionTime\":\"1970-01-01T00:00:00.007Z\"") != NULL);
  test_require(strstr(manifest, "?_type=Observation&q=\\\"\xC3\xA9\\\"\"") != NULL);
  test_require(strstr(manifest, "\"output\":[],\"error\":[]") != NULL);
  free(manifest);
  fhx_job_free(job);
  fhx_source_free(options.source);
  fhx_destination_free(options.destination);
  test_destination_end(destination);
  test_require_sound();
}

/* --- types --- */

static void expect_refused(test_setting *with, const char *const *types, const char *word) {
  test_export of;
  fhx_error *error = NULL;
  with->expected.types = types;
  test_export_prepare(&of, with);
  test_require_status(fhx_job_start(&of.options, &of.job, &error), FHX_ERR_UNSUPPORTED);
  test_require(strstr(fhx_error_message(error), word) != NULL);
  fhx_error_free(error);
  test_export_end(&of);
}

static void test_which_types(void **state) {
  (void)state;
  static const char *const unknown[] = {"Patient", "Medication", NULL};
  test_setting with = test_setting_usual(data);
  test_scenario("types");
  expect_refused(&with, unknown, "Medication");
  with.source.lists_types = false;
  expect_refused(&with, NULL, "names no type");
  /* A source that cannot list its types is believed to have them. */
  test_export of;
  char message[TEST_MESSAGE_MAX];
  with.expected.types = unknown;
  test_export_start(&of, &with);
  test_require_status(test_run_job(of.job, 1, false, message), FHX_OK);
  test_export_check_complete(&of);
  test_export_end(&of);
}

/* --- many jobs, many threads --- */

static void test_jobs_that_share_everything(void **state) {
  (void)state;
  test_export first, other;
  char message[TEST_MESSAGE_MAX];
  test_setting with = test_setting_usual(data);
  test_scenario("two jobs on one store");
  with.store = open_store(":memory:");
  test_export_start(&first, &with);
  test_export_start(&other, &with);
  test_require(strcmp(fhx_job_id(first.job), fhx_job_id(other.job)) != 0);
  test_require_status(fhx_job_run_task(first.job, NULL), FHX_OK);
  test_require_status(test_run_job(other.job, 2, true, message), FHX_OK);
  test_require_status(test_run_job(first.job, 2, true, message), FHX_OK);
  test_export_check_complete(&first);
  test_export_check_complete(&other);
  test_require_status(fhx_job_cancel(other.job, NULL), FHX_OK);
  test_require_status(fhx_job_run(other.job, NULL), FHX_ERR_CANCELLED);
  test_export_check_nothing_left(&other);
  test_export_check_complete(&first);
  test_export_end(&first);
  test_export_end(&other);
  fhx_store_free(with.store);
}

/* Progress before the plan: one task, not done. */
static void test_progress_of_a_fresh_job(void **state) {
  (void)state;
  test_export of;
  fhx_progress *progress = NULL;
  fhx_part_page *page = NULL;
  uint64_t after = 0;
  test_setting with = test_setting_usual(data);
  test_scenario("fresh job");
  test_export_start(&of, &with);
  test_require_status(fhx_job_progress_new(of.job, &progress, NULL), FHX_OK);
  test_require(fhx_progress_state(progress) == FHX_JOB_RUNNING);
  test_require(fhx_progress_task_count(progress) == 1);
  test_require(fhx_progress_task_done_count(progress) == 0);
  test_require(fhx_progress_share(progress) <= 0.0);
  test_require(*fhx_progress_reason(progress) == '\0');
  fhx_progress_free(progress);
  test_require_status(fhx_job_parts_new(of.job, &after, 10, &page, NULL), FHX_END);
  test_export_end(&of);
}

/* What another thread does to a job whose threads are in the middle of it. */
typedef enum deed { PARKS, CANCELS, FREES, DEEDS } deed;

typedef struct crowd {
  pthread_t threads[RUNNERS];
  fhx_job *job;
  int32_t status[RUNNERS];
  atomic_int started;
  /* So many have read rows. */
  atomic_int inside;
} crowd;

static void note_reader(void *context, uint64_t number) {
  crowd *of = context;
  (void)number;
  atomic_fetch_add(&of->inside, 1);
  /* Slow enough to be met. */
  nanosleep(&(struct timespec){0, 1000000}, NULL);
}

static void *run_one_of(void *context) {
  crowd *of = context;
  int number = atomic_fetch_add(&of->started, 1);
  of->status[number] = fhx_job_run(of->job, NULL);
  return NULL;
}

static void wait_for(atomic_int *count, int wanted) {
  while (atomic_load(count) < wanted) nanosleep(&(struct timespec){0, 200000}, NULL);
}

static void do_deed(test_export *of, deed what) {
  fhx_part_page *page = NULL;
  uint64_t after = 0;
  int32_t status = fhx_job_parts_new(of->job, &after, 5, &page, NULL);
  test_require(status == FHX_OK || status == FHX_END);
  fhx_part_page_free(page);
  if (what == PARKS) fhx_job_park(of->job);
  if (what == CANCELS) test_require_status(fhx_job_cancel(of->job, NULL), FHX_OK);
  if (what == FREES) {
    fhx_job_free(of->job);
    of->job = NULL;
  }
}

static void meet_crowd(test_setting *with, deed what, int rows_first) {
  test_export of;
  crowd threads;
  memset(&threads, 0, sizeof threads);
  with->source.hook = note_reader;
  with->source.hook_context = &threads;
  test_export_start(&of, with);
  threads.job = of.job;
  for (int i = 0; i < RUNNERS; i++) {
    test_require(pthread_create(&threads.threads[i], NULL, run_one_of, &threads) == 0);
  }
  wait_for(&threads.started, RUNNERS);
  wait_for(&threads.inside, rows_first);
  /* Everybody is inside the job by now, also who has had no task yet. */
  nanosleep(&(struct timespec){0, 5000000}, NULL);
  do_deed(&of, what);
  for (int i = 0; i < RUNNERS; i++) pthread_join(threads.threads[i], NULL);
  for (int i = 0; i < RUNNERS; i++) {
    test_require_status(threads.status[i], what == CANCELS ? FHX_ERR_CANCELLED : FHX_WAIT);
  }
  if (what == CANCELS) test_export_check_nothing_left(&of);
  test_export_end(&of);
}

static void test_deeds_of_other_threads(void **state) {
  (void)state;
  for (int what = 0; what < DEEDS; what++) {
    for (int rows_first = 1; rows_first < 40; rows_first += 13) {
      test_setting with = test_setting_usual(data);
      with.source.rows_max = 2;
      with.source.tokens = rows_first % 2 == 0;
      test_scenario("deed %d after %d replies", what, rows_first);
      meet_crowd(&with, (deed)what, rows_first);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_restarts),
      cmocka_unit_test(test_removal_of_a_complete_job),
      cmocka_unit_test(test_what_the_source_is_told),
      cmocka_unit_test(test_which_types),
      cmocka_unit_test(test_jobs_that_share_everything),
      cmocka_unit_test(test_progress_of_a_fresh_job),
      cmocka_unit_test(test_deeds_of_other_threads),
  };
  return cmocka_run_group_tests(tests, make_data, test_dataset_end);
}
