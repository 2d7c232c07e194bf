/* Exports to destinations that clients name: which engine runs a job, what becomes of it when the
   credentials are gone, and that these are nowhere. The rest is in test_client_destination.c. */
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
/* cmocka.h needs those above. */
#include <cmocka.h>
#include <fhirexport/fhirexport.h>
#include <sqlite3.h>

#include "support/client_storage.h"
#include "support/memory.h"
#include "support/require.h"

#define SECRET TEST_BLOB_SECRET
#define CONTAINER TEST_CLIENT_CONTAINER
#define SECOND_US INT64_C(1000000)

static test_client_storage at;

static int begin(void **state) {
  (void)state;
  test_client_storage_begin(&at);
  return 0;
}

static int end(void **state) {
  (void)state;
  test_client_storage_end(&at);
  return 0;
}

/* --- several engines --- */

static fhx_engine *another_engine(uint32_t workers) {
  fhx_engine *engine = NULL;
  fhx_engine_options options = at.of.options;
  options.workers = workers;
  test_require_status(fhx_engine_new(&options, &engine, NULL), FHX_OK);
  return engine;
}

/* An engine that has not taken the kick-off leaves the job alone, and can answer its polls. */
static void test_holder_runs(void **state) {
  (void)state;
  char target[TEST_URL_MAX];
  fhx_engine *other = another_engine(1);
  test_engine_start(&at.of);
  test_client_kick_off(&at, target);
  nanosleep(&(struct timespec){0, 600000000}, NULL);
  test_answer answer = test_get(other, target);
  test_require(answer.status == 202 && test_blob_store_puts(at.blobs) == 0);
  test_answer_free(&answer);
  test_worker *worker = test_worker_start(at.of.engine);
  test_client_expect_complete(at.of.engine, target);
  answer = test_get(other, target);
  test_require(answer.status == 200 &&
               test_client_check_manifest(&at, answer.body, "/$export") > 0);
  test_answer_free(&answer);
  fhx_engine_stop(at.of.engine);
  test_worker_join(worker);
  fhx_engine_free(other);
}

/* The engine is ended in good order: its clients are told at once. */
static void test_holder_ends(void **state) {
  (void)state;
  char target[TEST_URL_MAX];
  test_engine_start(&at.of);
  test_client_kick_off(&at, target);
  fhx_engine_free(at.of.engine);
  at.of.options.workers = 1;
  test_engine_start(&at.of);
  test_client_expect_lost(at.of.engine, target);
}

/* It has died: its hold lapses. So it does when nobody runs jobs there. */
static void test_hold_lapses(void **state) {
  (void)state;
  char target[TEST_URL_MAX];
  fhx_engine *other = another_engine(1);
  test_engine_start(&at.of);
  test_client_kick_off(&at, target);
  for (int i = 0; i < 3; i++) test_require_status(fhx_engine_tick(at.of.engine, NULL), FHX_OK);
  test_answer answer = test_get(other, target);
  test_require(answer.status == 202);
  test_answer_free(&answer);
  at.clock_us += TEST_CLIENT_HOLD_US;
  test_client_expect_lost(other, target);
  fhx_engine_free(other);
}

/* What the store says of the only job. */
static int64_t held_until_us(const char *path) {
  sqlite3 *file = NULL;
  sqlite3_stmt *statement = NULL;
  int64_t held_us = 0;
  test_require(sqlite3_open_v2(path, &file, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK);
  sqlite3_busy_timeout(file, 300000);
  test_require(sqlite3_prepare_v2(file, "SELECT held_until_us FROM job", -1, &statement, NULL) ==
               SQLITE_OK);
  test_require(sqlite3_step(statement) == SQLITE_ROW);
  held_us = sqlite3_column_int64(statement, 0);
  sqlite3_finalize(statement);
  sqlite3_close(file);
  return held_us;
}

/* While the only worker is inside a long task, helpers renew the hold; another engine waits. */
static void test_hold_is_renewed(void **state) {
  (void)state;
  char target[TEST_URL_MAX], folder[TEST_PATH_MAX], path[TEST_PATH_MAX];
  fhx_sqlite_store_options options;
  test_folder_new(folder);
  test_path_join(path, folder, "jobs.db");
  fhx_store_free(at.of.options.store);
  FHX_INIT(&options);
  options.path = path;
  options.clock = test_client_storage_clock;
  options.clock_user_data = &at;
  test_require_status(fhx_sqlite_store_new(&options, &at.of.options.store, NULL), FHX_OK);
  at.of.options.lease_us = SECOND_US / 5;
  at.of.options.helpers = 1;
  fhx_engine *other = another_engine(1);
  test_engine_start(&at.of);
  test_client_kick_off(&at, target);
  test_blob_store_stop_at(at.blobs, 2);
  test_worker *worker = test_worker_start(at.of.engine);
  test_blob_store_wait_stopped(at.blobs);
  for (int i = 0; i < 8; i++) {
    at.clock_us += at.of.options.lease_us / 4;
    while (held_until_us(path) < at.clock_us + at.of.options.lease_us) {
      nanosleep(&(struct timespec){0, 1000000}, NULL);
    }
  }
  test_blob_store_go_on(at.blobs);
  test_client_expect_complete(at.of.engine, target);
  fhx_engine_stop(at.of.engine);
  test_worker_join(worker);
  fhx_engine_free(other);
  fhx_engine_free(at.of.engine);
  at.of.engine = NULL;
  fhx_store_free(at.of.options.store);
  at.of.options.store = NULL;
  test_folder_remove(folder);
}

/* Files at a client's place are removed by the engine that can, though another comes first. */
static void test_holder_cleans(void **state) {
  (void)state;
  char target[TEST_URL_MAX];
  test_engine_start(&at.of);
  test_client_kick_off(&at, target);
  test_blob_store_stop_at(at.blobs, 3);
  test_worker *worker = test_worker_start(at.of.engine);
  test_blob_store_wait_stopped(at.blobs);
  fhx_request request = test_request("DELETE", target);
  test_expect_outcome(test_send(at.of.engine, &request), 202, "information", "informational");
  fhx_engine_stop(at.of.engine);
  test_blob_store_go_on(at.blobs);
  test_worker_join(worker);
  size_t count = test_blob_store_count(at.blobs);
  test_require(count > 0);
  fhx_engine *other = another_engine(1);
  nanosleep(&(struct timespec){1, 500000000}, NULL);
  test_require(test_blob_store_count(at.blobs) == count);
  test_require_status(test_client_attach(&at, target), FHX_ERR_MISUSE);
  /* When it is gone nobody can: the record goes all the same. */
  fhx_engine_free(at.of.engine);
  at.of.engine = NULL;
  test_client_expect_gone(&at, target);
  test_require(test_blob_store_count(at.blobs) == count);
  fhx_engine_free(other);
}

/* An engine that allows nothing of the kind treats such a job like one whose credentials are gone.
 */
static void test_not_enabled_elsewhere(void **state) {
  (void)state;
  char target[TEST_URL_MAX];
  test_engine_start(&at.of);
  test_client_kick_off(&at, target);
  at.of.options.client_destinations = NULL;
  fhx_engine *other = another_engine(1);
  at.clock_us += TEST_CLIENT_HOLD_US;
  test_client_expect_lost(other, target);
  fhx_engine_free(other);
}

/* Level 2 has no business with such a job: it would write it to a place of its own. */
static void test_attach(void **state) {
  (void)state;
  char target[TEST_URL_MAX];
  test_engine_start(&at.of);
  test_client_kick_off(&at, target);
  test_require_status(test_client_attach(&at, target), FHX_ERR_MISUSE);
}

/* --- secrets that the host keeps --- */

static void test_secrets(void **state) {
  (void)state;
  char target[TEST_URL_MAX];
  test_client_storage_use_vault(&at);
  test_engine_start(&at.of);
  test_client_kick_off(&at, target);
  test_require(at.vault.puts == 1 && at.vault.gets == 0 && at.vault.deletes == 0);
  test_require(strcmp(at.vault.job_id, strrchr(target, '/') + 1) == 0);
  /* Another process runs it, and a third one answers for it. */
  fhx_engine *other = another_engine(1), *third = another_engine(0);
  test_client_expect_complete(at.of.engine, target);
  test_require(at.vault.gets >= 1);
  for (int i = 0; i < 300000 && at.vault.deletes == 0; i++) {
    nanosleep(&(struct timespec){0, 1000000}, NULL);
  }
  test_require(at.vault.deletes >= 1 && at.vault.len == 0);
  test_answer answer = test_get(third, target);
  test_require(answer.status == 200 &&
               test_client_check_manifest(&at, answer.body, "/$export") > 0);
  test_answer_free(&answer);
  uint32_t destroyed = at.vault.destroyed;
  fhx_engine_free(third);
  fhx_engine_free(other);
  test_require(at.vault.destroyed == destroyed + 2);
}

static void test_secret_not_kept(void **state) {
  (void)state;
  static const int32_t faults[] = {FHX_ERR_IO,     FHX_ERR_NO_ANSWER,   FHX_ERR_NOT_FOUND,
                                   FHX_ERR_LIMIT,  FHX_ERR_UNSUPPORTED, FHX_ERR_ARGUMENT,
                                   FHX_ERR_DENIED, FHX_ERR_REFUSED};
  test_client_storage_use_vault(&at);
  at.of.options.jobs_max = 1;
  test_engine_start(&at.of);
  for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
    test_scenario("secret_put fails with %s", fhx_status_name(faults[i]));
    at.vault.fails = faults[i];
    at.vault.retryable = i == 0;
    test_answer answer =
        test_get(at.of.engine, test_client_target(&at, "", "&_container=" CONTAINER));
    test_require(strstr(answer.body, "vault") == NULL && strstr(answer.body, "10.1") == NULL);
    test_require(test_header(&answer, "Retry-After") != NULL);
    test_expect_outcome(answer, 503, "error", "transient");
    test_require(at.vault.deletes == i + 1);
  }
  /* Of no job is anything left. */
  at.vault.fails = FHX_OK;
  char target[TEST_URL_MAX];
  test_client_kick_off(&at, target);
}

/* A kick-off that starts no job leaves no secret behind. */
static void test_secret_of_no_job(void **state) {
  (void)state;
  char target[TEST_URL_MAX];
  test_client_storage_use_vault(&at);
  at.of.options.jobs_max = 1;
  test_engine_start(&at.of);
  test_kick_off(at.of.engine, "/$export", target);
  test_expect_outcome(test_get(at.of.engine, test_client_target(&at, "", "&_container=" CONTAINER)),
                      429, "error", "throttled");
  test_require(at.vault.puts == 1 && at.vault.deletes == 1 && at.vault.len == 0);
}

static void test_secret_gone(void **state) {
  (void)state;
  char target[TEST_URL_MAX];
  test_client_storage_use_vault(&at);
  test_engine_start(&at.of);
  test_client_kick_off(&at, target);
  fhx_engine_free(at.of.engine);
  at.vault.len = 0;
  at.of.options.workers = 1;
  test_engine_start(&at.of);
  test_client_expect_lost(at.of.engine, target);
}

/* A vault that is shut for a while costs attempts, not the job. */
static void test_secret_later(void **state) {
  (void)state;
  char target[TEST_URL_MAX];
  test_client_storage_use_vault(&at);
  at.of.options.attempts_max = 1000;
  test_engine_start(&at.of);
  test_client_kick_off(&at, target);
  fhx_engine_free(at.of.engine);
  at.vault.fails = FHX_ERR_IO;
  at.vault.retryable = 1;
  at.of.options.workers = 1;
  test_engine_start(&at.of);
  while (at.vault.gets < 2) nanosleep(&(struct timespec){0, 1000000}, NULL);
  test_answer answer = test_get(at.of.engine, target);
  test_require(answer.status == 202);
  test_answer_free(&answer);
  at.vault.fails = FHX_OK;
  test_client_expect_complete(at.of.engine, target);
}

/* --- where the secret is, and is not --- */

static bool has_secret(const void *bytes, size_t len) {
  /* In base64 the secret has three forms; this is the one of its place. */
  return memmem(bytes, len, SECRET, strlen(SECRET)) != NULL ||
         memmem(bytes, len, at.encoded + 40, 60) != NULL;
}

/* An allocator that looks at what is given back. */
static void *allocate(void *user_data, size_t byte_count) {
  (void)user_data;
  return calloc(1, byte_count);
}

static void release(void *user_data, void *block) {
  (void)user_data;
  test_violation_unless(!has_secret(block, malloc_usable_size(block)),
                        "memory is given back with the secret in it");
  free(block);
}

static void *reallocate(void *user_data, void *block, size_t byte_count) {
  void *grown = allocate(user_data, byte_count);
  if (block == NULL || grown == NULL) return grown;
  size_t len = malloc_usable_size(block);
  memcpy(grown, block, len < byte_count ? len : byte_count);
  release(user_data, block);
  return grown;
}

/* Also of kick-offs that are refused late, and of a body that is no Parameters resource. */
static void test_wiped(void **state) {
  (void)state;
  char target[TEST_URL_MAX];
  fhx_allocator allocator;
  fhx_store_free(at.of.options.store);
  test_engine_end(&at.of);
  FHX_INIT(&allocator);
  allocator.allocate = allocate;
  allocator.reallocate = reallocate;
  allocator.release = release;
  test_require_status(fhx_set_allocator(&allocator, NULL), FHX_OK);
  test_source_knobs knobs = test_engine_source(at.data);
  test_client_storage_prepare(&at, &knobs);
  at.of.options.workers = 1;
  at.of.options.jobs_max = 2;
  test_client_storage_use_vault(&at);
  test_engine_start(&at.of);
  test_client_kick_off(&at, target);
  test_client_take(test_client_post(&at, "valueString", ""), target);
  test_answer answer =
      test_client_post(&at, "valueString", ",{\"name\":\"_nothing\",\"valueString\":\"\"}");
  test_require(answer.status == 400);
  test_answer_free(&answer);
  answer = test_client_post(&at, "valueString", ",{\"name\":1}");
  test_require(answer.status == 400);
  test_answer_free(&answer);
  answer = test_client_post(&at, "valueString", ",{\"name\":");
  test_require(answer.status == 400);
  test_answer_free(&answer);
  answer =
      test_get(at.of.engine, test_client_target(&at, "", "&_container=" CONTAINER "&_since=never"));
  test_require(answer.status == 400);
  test_answer_free(&answer);
  answer = test_get(at.of.engine, test_client_target(&at, "", "&_container=%zz"));
  test_require(answer.status == 400);
  test_answer_free(&answer);
  test_client_expect_complete(at.of.engine, target);
  fhx_store_free(at.of.options.store);
  test_engine_end(&at.of);
  test_require_status(fhx_set_allocator(NULL, NULL), FHX_OK);
  test_client_storage_prepare(&at, &knobs);
}

static void expect_clean_file(const char *folder, const char *name) {
  char path[TEST_PATH_MAX];
  test_path_join(path, folder, name);
  FILE *file = fopen(path, "rb");
  test_require(file != NULL);
  static char bytes[4 << 20];
  size_t len = fread(bytes, 1, sizeof bytes, file);
  test_require(len > 0 && len < sizeof bytes && !has_secret(bytes, len));
  test_require(memmem(bytes, len, CONTAINER, strlen(CONTAINER)) != NULL);
  fclose(file);
}

static void test_not_stored(void **state) {
  (void)state;
  char target[TEST_URL_MAX], folder[TEST_PATH_MAX], path[TEST_PATH_MAX];
  fhx_sqlite_store_options options;
  test_folder_new(folder);
  test_path_join(path, folder, "jobs.db");
  fhx_store_free(at.of.options.store);
  FHX_INIT(&options);
  options.path = path;
  test_require_status(fhx_sqlite_store_new(&options, &at.of.options.store, NULL), FHX_OK);
  at.of.options.workers = 1;
  test_engine_start(&at.of);
  test_client_kick_off(&at, target);
  test_client_take(test_client_post(&at, "valueString", ""), target);
  test_client_expect_complete(at.of.engine, target);
  expect_clean_file(folder, "jobs.db-wal");
  fhx_engine_free(at.of.engine);
  at.of.engine = NULL;
  fhx_store_free(at.of.options.store);
  at.of.options.store = NULL;
  expect_clean_file(folder, "jobs.db");
  test_folder_remove(folder);
}

/* Each allocation of a kick-off fails in turn: it is FHX_ERR_NO_MEMORY, 503, or a job; in no case
   is a secret kept for no job. */
static void test_out_of_memory(void **state) {
  (void)state;
  static char target[TEST_CLIENT_REQUEST_MAX];
  test_source_knobs knobs = test_engine_source(at.data);
  snprintf(target, sizeof target, "%s", test_client_target(&at, "", "&_container=" CONTAINER));
  fhx_store_free(at.of.options.store);
  test_engine_end(&at.of);
  test_client_storage_use_vault(&at);
  bool more = true;
  for (uint64_t n = 1; more; n += test_is_quick() ? 17 : 1) {
    test_scenario("allocation %llu of a kick-off fails", (unsigned long long)n);
    fhx_response *response = NULL;
    test_client_storage_forget(&at);
    test_memory_begin(0);
    test_client_storage_prepare(&at, &knobs);
    test_engine_start(&at.of);
    fhx_request request = test_request("GET", target);
    test_memory_fail_next(n);
    int32_t status = fhx_engine_handle(at.of.engine, &request, &response, NULL);
    more = test_memory_has_failed();
    test_memory_fail_next(UINT32_MAX);
    test_require(status == FHX_OK || status == FHX_ERR_NO_MEMORY);
    uint32_t http_status = fhx_response_status(response);
    fhx_response_free(response);
    test_require(http_status == 0 || http_status == 202 || http_status == 500 ||
                 http_status == 503 || http_status == 400);
    test_require(http_status == 202 ? at.vault.len > 0 : at.vault.len == 0);
    fhx_store_free(at.of.options.store);
    test_engine_end(&at.of);
    test_memory_end();
  }
  test_require(at.vault.puts == 1);
  test_client_storage_prepare(&at, &knobs);
}
int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_holder_runs, begin, end),
      cmocka_unit_test_setup_teardown(test_holder_ends, begin, end),
      cmocka_unit_test_setup_teardown(test_hold_lapses, begin, end),
      cmocka_unit_test_setup_teardown(test_hold_is_renewed, begin, end),
      cmocka_unit_test_setup_teardown(test_holder_cleans, begin, end),
      cmocka_unit_test_setup_teardown(test_not_enabled_elsewhere, begin, end),
      cmocka_unit_test_setup_teardown(test_attach, begin, end),
      cmocka_unit_test_setup_teardown(test_secrets, begin, end),
      cmocka_unit_test_setup_teardown(test_secret_not_kept, begin, end),
      cmocka_unit_test_setup_teardown(test_secret_of_no_job, begin, end),
      cmocka_unit_test_setup_teardown(test_secret_gone, begin, end),
      cmocka_unit_test_setup_teardown(test_secret_later, begin, end),
      cmocka_unit_test_setup_teardown(test_wiped, begin, end),
      cmocka_unit_test_setup_teardown(test_not_stored, begin, end),
      cmocka_unit_test_setup_teardown(test_out_of_memory, begin, end),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
