/*
 * What an engine needs runs out: space where files go and where the store is, leave to write, file
 * descriptors. Requests are told so, a job goes on or fails with its reason, nothing half-made is
 * there, and all works again when there is enough. Memory has tests of its own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>
#include <fcntl.h>
#include <fhirexport/fhirexport.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "support/engine.h"
#include "support/mount.h"
#include "support/require.h"

static test_dataset *data;
static test_engine of;
static char store_folder[TEST_PATH_MAX];
/* In the middle of the export, when some parts are there. */
#define STRIKE_AT 70

/* What a source's call with this number does; others do nothing. */
static _Atomic uint64_t strike_at;
static void (*strike)(void);
static atomic_bool has_struck;

static int make_data(void **state) {
  *state = data = test_dataset_new(8, 400, 0);
  return 0;
}

static void on_next(void *context, uint64_t number) {
  (void)context;
  if (number != atomic_load(&strike_at)) return;
  strike();
  atomic_store(&has_struck, true);
}

static void begin(const char *scenario) {
  test_scenario("%s", scenario);
  test_source_knobs knobs = test_engine_source(data);
  knobs.hook = on_next;
  knobs.applied = FHX_APPLIED_TYPE;
  atomic_store(&strike_at, 0);
  atomic_store(&has_struck, false);
  test_engine_prepare(&of, &knobs);
  of.options.workers = 1;
  of.options.lease_us = 1000000;
  of.options.part_bytes = 1500;
}

/* A store in a file, below `folder`. */
static void use_store(const char *folder) {
  char path[TEST_PATH_MAX];
  fhx_sqlite_store_options options;
  FHX_INIT(&options);
  test_path_join(path, folder, "jobs.sqlite");
  options.path = path;
  test_require_status(fhx_sqlite_store_new(&options, &of.options.store, NULL), FHX_OK);
}

static void begin_on_mount(const char *scenario, const char *options) {
  begin(scenario);
  test_mount_new(of.folder, options);
  fhx_directory_options directory;
  FHX_INIT(&directory);
  directory.path = of.folder;
  fhx_destination_free(of.options.destination);
  of.options.destination = NULL;
  test_require_status(fhx_directory_destination_new(&directory, &of.options.destination, NULL),
                      FHX_OK);
}

static void end(void) {
  fhx_store_free(of.options.store);
  fhx_engine_free(of.engine);
  of.engine = NULL;
  test_mount_end(of.folder);
  test_engine_end(&of);
}

/* Takes all space that is left below a folder, in a file; on any thread. */
static void fill(const char *folder) {
  static const char zeros[4096];
  char path[TEST_PATH_MAX];
  test_path_join(path, folder, "filler");
  int file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  test_violation_unless(file >= 0, "the file that takes all space could not be made");
  size_t piece = sizeof zeros;
  while (file >= 0 && piece > 0) {
    if (write(file, zeros, piece) <= 0) piece /= 2;
  }
  if (file >= 0) close(file);
}

static void empty(const char *folder) {
  char path[TEST_PATH_MAX];
  test_path_join(path, folder, "filler");
  test_require(unlink(path) == 0);
}

static void expect_complete(const char *target) {
  test_answer answer = test_poll(of.engine, target);
  if (answer.status != 200) print_error("%u: %s\n", answer.status, answer.body);
  test_require(answer.status == 200);
  test_require(test_count_lines(of.engine, answer.body, "output") == data->count);
  test_answer_free(&answer);
}

/* 500 with the reason, and no file but `kept` is left once it was cleaned up (STAT-07). */
static void expect_failed(const char *target, const char *reason, size_t kept) {
  test_answer answer = test_poll(of.engine, target);
  test_require(answer.status == 500);
  if (strstr(answer.body, reason) == NULL) print_error("%s\n", answer.body);
  test_require(strstr(answer.body, reason) != NULL);
  test_expect_outcome(answer, 500, "error", "exception");
  for (int i = 0; i < 60000 && test_folder_count(of.folder) != kept; i++) test_nap_ms(5);
  test_require(test_folder_count(of.folder) == kept);
}

/* 503, which says to try again, when (KICK-26, STAT-11). */
static void expect_unavailable(const char *method, const char *target, const char *seconds) {
  fhx_request request = test_request(method, target);
  test_answer answer = test_send(of.engine, &request);
  const char *retry = test_header(&answer, "Retry-After");
  if (answer.status != 503) print_error("%s %u: %s\n", target, answer.status, answer.body);
  test_require(answer.status == 503 && retry != NULL && strcmp(retry, seconds) == 0);
  test_expect_outcome(answer, 503, "error", "transient");
}

/* --- where files go --- */

static void fill_files(void) {
  fill(of.folder);
}

/* A job that fills the disk fails, and gives its space back; a later one is complete. */
static void test_full_destination(void **state) {
  (void)state;
  char target[TEST_URL_MAX];
  begin_on_mount("no space for files", "size=4m,mode=700");
  test_engine_start(&of);
  strike = fill_files;
  atomic_store(&strike_at, STRIKE_AT);
  test_kick_off(of.engine, "/$export", target);
  expect_failed(target, "No space left", 1);
  empty(of.folder);
  test_kick_off(of.engine, "/$export", target);
  expect_complete(target);
  end();
}

/* A kick-off is told, and nothing has begun; it works as soon as there is space. */
static void test_full_before(void **state) {
  (void)state;
  char target[TEST_URL_MAX];
  begin_on_mount("no space for files from the beginning", "size=4m,mode=700");
  test_engine_start(&of);
  fill_files();
  expect_unavailable("GET", "/$export", "300");
  test_require(test_folder_count(of.folder) == 1);
  empty(of.folder);
  test_kick_off(of.engine, "/$export", target);
  expect_complete(target);
  end();
}

/* Between two parts no file is open for writing. */
static void set_read_only(void) {
  test_violation_unless(test_mount_set_read_only(of.folder, true), "the disk stays writable");
}

/* The job fails; what it has published goes when that is possible again. */
static void test_read_only_destination(void **state) {
  (void)state;
  char target[TEST_URL_MAX];
  begin_on_mount("files on a read-only disk", "size=4m,mode=700");
  test_engine_start(&of);
  strike = set_read_only;
  atomic_store(&strike_at, STRIKE_AT);
  test_kick_off(of.engine, "/$export", target);
  test_answer answer = test_poll(of.engine, target);
  test_require(strstr(answer.body, "Read-only") != NULL);
  test_expect_outcome(answer, 500, "error", "exception");
  test_require(test_folder_count(of.folder) > 1);
  test_require(test_mount_set_read_only(of.folder, false));
  expect_failed(target, "Read-only", 0);
  test_kick_off(of.engine, "/$export", target);
  expect_complete(target);
  test_require(test_mount_set_read_only(of.folder, true));
  /* What is there can be had. */
  expect_complete(target);
  end();
}

static void test_read_only_before(void **state) {
  (void)state;
  begin_on_mount("files on a disk that was always read-only", "size=4m,mode=700");
  test_require(test_mount_set_read_only(of.folder, true));
  test_engine_start(&of);
  expect_unavailable("GET", "/$export", "300");
  end();
}

/* --- the store --- */

static void fill_store(void) {
  fill(store_folder);
}

static void begin_store(const char *scenario, const char *options) {
  begin(scenario);
  test_folder_new(store_folder);
  test_mount_new(store_folder, options);
}

static void end_store(void) {
  fhx_engine_free(of.engine);
  of.engine = NULL;
  fhx_store_free(of.options.store);
  of.options.store = NULL;
  test_mount_end(store_folder);
  test_folder_remove(store_folder);
  end();
}

/* What is free in the store's files can still be used: kicks off until that is at its end. */
static void exhaust_store(void) {
  for (int i = 0; i < 10000; i++) {
    fhx_request request = test_request("GET", "/$export?_type=Patient");
    test_answer answer = test_send(of.engine, &request);
    if (answer.status == 503) {
      test_expect_outcome(answer, 503, "error", "transient");
      return;
    }
    test_require(answer.status == 202);
    test_answer_free(&answer);
  }
  test_require(false);
}

/* Jobs wait for space; requests that would change something are told to come again, and those that
   only look are answered. */
static void test_full_store(void **state) {
  (void)state;
  char target[TEST_URL_MAX];
  begin_store("no space for the store", "size=16m,mode=700");
  use_store(store_folder);
  of.options.jobs_max = 100000;
  of.options.jobs_per_client_max = 100000;
  test_engine_start(&of);
  strike = fill_store;
  atomic_store(&strike_at, STRIKE_AT);
  test_kick_off(of.engine, "/$export", target);
  while (!atomic_load(&has_struck)) test_nap_ms(5);
  exhaust_store();
  expect_unavailable("DELETE", target, "5");
  test_answer answer = test_get(of.engine, target);
  test_require(answer.status == 202);
  test_answer_free(&answer);
  empty(store_folder);
  expect_complete(target);
  end_store();
}

static void expect_no_store(const char *sentence) {
  char path[TEST_PATH_MAX];
  fhx_store *store = NULL;
  fhx_error *error = NULL;
  fhx_sqlite_store_options options;
  FHX_INIT(&options);
  test_path_join(path, store_folder, "jobs.sqlite");
  options.path = path;
  test_require_status(fhx_sqlite_store_new(&options, &store, &error), FHX_ERR_STORE);
  test_require(store == NULL && fhx_error_retryable(error) == 0);
  if (strstr(fhx_error_message(error), sentence) == NULL) puts(fhx_error_message(error));
  test_require(strstr(fhx_error_message(error), sentence) != NULL);
  fhx_error_free(error);
}

static void test_read_only_store(void **state) {
  (void)state;
  begin_store("a store on a read-only disk", "size=1m,mode=700");
  test_require(test_mount_set_read_only(store_folder, true));
  expect_no_store("Read-only file system");
  test_require(test_mount_set_read_only(store_folder, false));
  use_store(store_folder);
  fhx_store_free(of.options.store);
  of.options.store = NULL;
  test_require(test_mount_set_read_only(store_folder, true));
  expect_no_store("cannot be opened");
  end_store();
}

/* --- file descriptors --- */

static struct rlimit descriptors;

/* Those that are open stay so, and there is no number free below theirs. */
static void take_descriptors(void) {
  const int next = dup(STDERR_FILENO);
  test_violation_unless(next > 0 && close(next) == 0, "there was no descriptor left");
  const struct rlimit none = {.rlim_cur = (rlim_t)next, .rlim_max = descriptors.rlim_max};
  test_violation_unless(setrlimit(RLIMIT_NOFILE, &none) == 0, "the limit could not be set");
}

static void give_descriptors(void) {
  test_violation_unless(setrlimit(RLIMIT_NOFILE, &descriptors) == 0, "the limit was kept");
}

static void begin_descriptors(const char *scenario) {
  begin(scenario);
  assert_int_equal(getrlimit(RLIMIT_NOFILE, &descriptors), 0);
  strike = take_descriptors;
}

/* What needs none is answered, the rest is told to come again. */
static void test_no_descriptors_for_requests(void **state) {
  (void)state;
  char target[TEST_URL_MAX], url[TEST_URL_MAX];
  uint64_t count = 0;
  begin_descriptors("no descriptors for requests");
  test_engine_start(&of);
  take_descriptors();
  expect_unavailable("GET", "/$export", "30");
  give_descriptors();
  test_kick_off(of.engine, "/$export", target);
  expect_complete(target);
  take_descriptors();
  test_answer answer = test_get(of.engine, target);
  test_require(answer.status == 200);
  test_require(test_manifest_item(answer.body, "output", 0, url, NULL, &count));
  test_answer_free(&answer);
  expect_unavailable("GET", test_target_of(url), "5");
  give_descriptors();
  expect_complete(target);
  end();
}

/* A job tries again, a little later each time, and goes on when there are some. */
static void test_no_descriptors_for_a_while(void **state) {
  (void)state;
  char target[TEST_URL_MAX];
  begin_descriptors("no descriptors for a while");
  of.options.attempts_max = 1000;
  test_engine_start(&of);
  atomic_store(&strike_at, STRIKE_AT);
  test_kick_off(of.engine, "/$export", target);
  while (!atomic_load(&has_struck)) test_nap_ms(5);
  test_nap_ms(300);
  test_answer answer = test_get(of.engine, target);
  test_require(answer.status == 202);
  test_answer_free(&answer);
  give_descriptors();
  expect_complete(target);
  end();
}

/* Or it fails with the reason; its files go when that can be done. */
static void test_no_descriptors(void **state) {
  (void)state;
  char target[TEST_URL_MAX];
  begin_descriptors("no descriptors for good");
  test_engine_start(&of);
  atomic_store(&strike_at, STRIKE_AT);
  test_kick_off(of.engine, "/$export", target);
  test_expect_outcome(test_poll(of.engine, target), 500, "error", "exception");
  test_nap_ms(50);
  give_descriptors();
  expect_failed(target, "Too many open files", 0);
  test_kick_off(of.engine, "/$export", target);
  expect_complete(target);
  end();
}

int main(void) {
  test_mount_prepare();
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_full_destination),
      cmocka_unit_test(test_full_before),
      cmocka_unit_test(test_read_only_destination),
      cmocka_unit_test(test_read_only_before),
      cmocka_unit_test(test_full_store),
      cmocka_unit_test(test_read_only_store),
      cmocka_unit_test(test_no_descriptors_for_requests),
      cmocka_unit_test(test_no_descriptors_for_a_while),
      cmocka_unit_test(test_no_descriptors),
  };
  return cmocka_run_group_tests(tests, make_data, test_dataset_end);
}
