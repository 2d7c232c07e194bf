/*
 * Memory runs out for an engine, at every allocation in turn, once or from there on, in what jobs
 * of an ordinary life do not meet: partial manifests, a cancel in the middle, expiry, clean-up.
 * What fails says so; in the end everything is removed that should be, and nothing leaks.
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
#include <dirent.h>
#include <fhirexport/fhirexport.h>
#include <time.h>

#include "support/insist.h"
#include "support/memory.h"
#include "support/require.h"

static test_dataset *data;
static test_engine of;
static char body[200000];
static fhx_clock fast;

static int make_data(void **state) {
  *state = data = test_dataset_new(8, 30, TEST_DATASET_BAD);
  return 0;
}

/* Twenty times as fast as others: the engine cleans up once a second. */
static int64_t fast_us(void *user_data) {
  struct timespec now = {0, 0};
  (void)user_data;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return 20 * ((int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000);
}

static void wait_briefly(void *user_data, int64_t until_us) {
  (void)user_data, (void)until_us;
  nanosleep(&(struct timespec){0, 2000000}, NULL);
}

/* Whether there is memory for everything that comes before the engine. */
static bool prepare(const test_source_knobs *knobs) {
  fhx_sqlite_store_options options;
  FHX_INIT(&options);
  options.path = ":memory:";
  test_engine_prepare(&of, knobs);
  of.options.lease_us = 20000;
  of.options.part_bytes = 1000;
  FHX_INIT(&fast);
  fast.monotonic = fast_us;
  fast.wait = wait_briefly;
  of.options.clock = &fast;
  int32_t status = fhx_sqlite_store_new(&options, &of.options.store, NULL);
  test_require(status == FHX_OK || status == FHX_ERR_NO_MEMORY);
  return status == FHX_OK && of.options.source != NULL && of.options.destination != NULL;
}

static bool open_engine(void) {
  int32_t status = fhx_engine_new(&of.options, &of.engine, NULL);
  if (status == FHX_OK) return true;
  test_require_status(status, FHX_ERR_NO_MEMORY);
  test_memory_recover();
  return false;
}

static void end(void) {
  test_memory_recover();
  fhx_engine_free(of.engine);
  of.engine = NULL;
  fhx_store_free(of.options.store);
  test_engine_end(&of);
}

/* The target of the job's status, which there must be. */
static void kick_off(const char *target, char status_target[TEST_URL_MAX]) {
  char url[TEST_URL_MAX] = "";
  uint32_t status =
      test_insist(of.engine, "GET", target, "Content-Location", url, body, sizeof body);
  test_require(status == 202);
  snprintf(status_target, TEST_URL_MAX, "%s", test_target_of(url));
}

static uint32_t send(const char *method, const char *target) {
  return test_insist(of.engine, method, target, NULL, NULL, body, sizeof body);
}

/* Grows with the number: what comes late is mostly what came before. */
static void fail_each(void (*scenario)(void), const char *name) {
  for (int lasting = 0; lasting <= 1; lasting++) {
    uint64_t number = 1;
    for (;; number += 1 + number / (test_is_quick() ? 5 : 12)) {
      test_scenario("%s, allocation %d%s", name, (int)number, lasting != 0 ? " and later" : "");
      if (lasting != 0) test_memory_begin_lasting(number);
      if (lasting == 0) test_memory_begin(number);
      scenario();
      if (!test_memory_end()) break;
    }
    assert_true(number > 100);
  }
}

/* --- partial manifests --- */

static void pages_scenario(void) {
  char target[TEST_URL_MAX], page[TEST_URL_MAX + 10], url[TEST_URL_MAX];
  uint64_t count = 0;
  const test_source_knobs knobs = test_engine_source(data);
  if (prepare(&knobs) && open_engine()) {
    kick_off("/$export?allowPartialManifests=true", target);
    test_run_to_the_end(of.engine, target, test_has_ended);
    uint32_t status = send("GET", target);
    test_require(status == 200 || status == 500);
    if (status == 200) test_require(test_manifest_item(body, "output", 0, url, NULL, &count));
    snprintf(page, sizeof page, "%s/pages/2", target);
    status = send("GET", page);
    test_require(status == 200 || status == 404 || status == 500);
    test_require(send("GET", "/metadata") == 200);
  }
  end();
}

static void test_pages(void **state) {
  (void)state;
  fail_each(pages_scenario, "pages");
}

/* --- cancel and clean-up --- */

static atomic_bool is_stopped;

static void stop_at_sixth(void *context, uint64_t number) {
  fhx_engine **engine = context;
  if (number < 6) return;
  fhx_engine_stop(*engine);
  atomic_store(&is_stopped, true);
}

static bool has_stopped(uint32_t status) {
  return status != 202 || atomic_load(&is_stopped);
}

/* On another thread, while files come and go: folders without files go too. */
static bool is_folder_empty(void) {
  DIR *folder = opendir(of.folder);
  int count = 0;
  if (folder == NULL) return false;
  while (readdir(folder) != NULL) count++;
  closedir(folder);
  return count == 2;
}

static bool is_gone(uint32_t status) {
  return status == 404 && is_folder_empty();
}

/* Parked with some parts, cancelled at the next engine, which removes them. */
static void cancel_scenario(void) {
  char target[TEST_URL_MAX];
  test_source_knobs knobs = test_engine_source(data);
  knobs.hook = stop_at_sixth;
  knobs.hook_context = &of.engine;
  atomic_store(&is_stopped, false);
  if (prepare(&knobs) && open_engine()) {
    kick_off("/$export", target);
    test_run_to_the_end(of.engine, target, has_stopped);
    fhx_engine_free(of.engine);
    of.engine = NULL;
    while (!open_engine()) continue;
    uint32_t status = send("DELETE", target);
    /* 404 where the job was removed and memory did not suffice to say so. */
    test_require(status == 202 || status == 404);
    test_require(send("GET", target) == 404);
    test_run_to_the_end(of.engine, target, is_gone);
  }
  end();
}

static void test_cancel(void **state) {
  (void)state;
  fail_each(cancel_scenario, "cancel");
}

/* --- expiry --- */

/* Complete or failed, it has expired at once, and goes with its files. */
static void expiry_scenario(void) {
  char target[TEST_URL_MAX];
  const test_source_knobs knobs = test_engine_source(data);
  if (prepare(&knobs)) {
    of.options.keep_us = 1;
    if (open_engine()) {
      kick_off("/$export", target);
      test_run_to_the_end(of.engine, target, is_gone);
      test_require(send("GET", target) == 404);
    }
  }
  end();
}

static void test_expiry(void **state) {
  (void)state;
  fail_each(expiry_scenario, "expiry");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_pages),
      cmocka_unit_test(test_cancel),
      cmocka_unit_test(test_expiry),
  };
  return cmocka_run_group_tests(tests, make_data, test_dataset_end);
}
