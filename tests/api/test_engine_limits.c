/*
 * How many jobs there may be and how fast they may be polled (KICK-14, KICK-15, KICK-24, KICK-28,
 * STAT-05, STAT-06, DEL-06).
 */
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
#include "support/require.h"

static test_dataset *data;
static test_engine of;
/* The time for who polls, which stands still while a busy machine lets the test wait. */
static fhx_clock hand;
static atomic_int_least64_t hand_us;

static int64_t hand_time(void *context) {
  (void)context;
  return atomic_load(&hand_us);
}

static void use_hand(void) {
  FHX_INIT(&hand);
  atomic_store(&hand_us, INT64_C(1750000000000000));
  hand.now = hand_time;
  hand.monotonic = hand_time;
  of.options.clock = &hand;
}

static int make_data(void **state) {
  *state = data = test_dataset_new(5, 40, TEST_DATASET_STAMPED);
  return 0;
}

static int begin(void **state) {
  (void)state;
  test_scenario("limits");
  test_source_knobs knobs = test_engine_source(data);
  test_engine_prepare(&of, &knobs);
  return 0;
}

static int end(void **state) {
  (void)state;
  test_engine_end(&of);
  return 0;
}

static void cancel(const char *status_target) {
  fhx_request request = test_request("DELETE", status_target);
  test_expect_outcome(test_send(of.engine, &request), 202, "information", "informational");
}

/* --- polls --- */

/* A poll that must have this status; the seconds of its Retry-After, 0 without one. */
static int poll(const char *target, uint32_t status) {
  test_answer answer = test_get(of.engine, target);
  if (answer.status != status) print_error("%u: %s\n", answer.status, answer.body);
  test_require(answer.status == status);
  const char *retry = test_header(&answer, "Retry-After");
  int seconds = retry == NULL ? 0 : atoi(retry);
  if (status == 429) {
    test_expect_outcome(answer, 429, "error", "throttled");
  } else {
    test_answer_free(&answer);
  }
  return seconds;
}

static void wait_seconds(int seconds) {
  test_require(seconds >= 1 && seconds <= 10);
  atomic_fetch_add(&hand_us, seconds * INT64_C(1000000));
}

static void test_too_fast(void **state) {
  (void)state;
  char target[TEST_URL_MAX], other[TEST_URL_MAX];
  of.options.polls_max = 5;
  use_hand();
  test_engine_start(&of);
  test_kick_off(of.engine, "/$export", target);
  test_kick_off(of.engine, "/$export", other);
  for (int i = 0; i < 5; i++) poll(target, 202);
  int seconds = 0;
  for (int i = 0; i < 4; i++) seconds = poll(target, 429);
  /* It is the job that is limited: another of the same client is not. */
  poll(other, 202);
  /* Who waits is answered, the job is as it was, and the same again. */
  wait_seconds(seconds);
  for (int i = 0; i < 5; i++) poll(target, 202);
  poll(target, 429);
  test_worker *worker = test_worker_start(of.engine);
  uint32_t status = 202;
  for (int i = 0; status == 202; i++) {
    wait_seconds(1);
    test_nap_ms(5);
    test_answer answer = test_get(of.engine, target);
    status = answer.status == 503 ? 202 : answer.status;
    test_answer_free(&answer);
    test_require(i < 60000);
  }
  test_require(status == 200);
  fhx_engine_stop(of.engine);
  test_worker_join(worker);
}

/* STAT-06, KICK-24: neither the first poll is limited, nor one that comes as it was told. */
static void test_first_poll(void **state) {
  (void)state;
  char target[TEST_URL_MAX];
  of.options.polls_max = 1;
  use_hand();
  test_engine_start(&of);
  test_kick_off(of.engine, "/$export", target);
  wait_seconds(poll(target, 202));
  wait_seconds(poll(target, 202));
  poll(target, 202);
  poll(target, 429);
  /* A DELETE is not a poll; then there is nothing to ask for too often. */
  cancel(target);
  for (int i = 0; i < 5; i++) test_expect_refusal(of.engine, target, 404, "not-found");
}

/* What somebody else asks for is 404 as ever, and uses up nothing. */
static void test_others_polls(void **state) {
  (void)state;
  char target[TEST_URL_MAX];
  of.options.polls_max = 2;
  use_hand();
  test_engine_start(&of);
  test_kick_off(of.engine, "/$export", target);
  fhx_request request = test_request("GET", target);
  request.client = "other";
  for (int i = 0; i < 50; i++) {
    test_expect_outcome(test_send(of.engine, &request), 404, "error", "not-found");
  }
  poll(target, 202);
  /* A HEAD counts as what it is. */
  request = test_request("HEAD", target);
  test_answer answer = test_send(of.engine, &request);
  test_require(answer.status == 202);
  test_answer_free(&answer);
  poll(target, 429);
}

/* 100 unless the host says otherwise. */
static void test_usual_polls(void **state) {
  (void)state;
  char target[TEST_URL_MAX];
  of.options.polls_max = 0;
  use_hand();
  test_engine_start(&of);
  test_kick_off(of.engine, "/$export", target);
  for (int i = 0; i < 100; i++) poll(target, 202);
  poll(target, 429);
}

/* --- jobs --- */

typedef struct crowd {
  fhx_engine *engines[2];
  const char *clients[3];
  atomic_uint next;
  unsigned total;
  atomic_uint accepted[3];
  atomic_uint throttled;
} crowd;

static uint32_t kick_off_one(const crowd *all, unsigned number) {
  fhx_request request = test_request("GET", "/$export");
  fhx_response *response = NULL;
  request.client = all->clients[number % 3];
  int32_t status = fhx_engine_handle(all->engines[number % 2], &request, &response, NULL);
  uint32_t answered = status == FHX_OK ? fhx_response_status(response) : 0;
  fhx_response_free(response);
  return answered;
}

/* No assertion of cmocka's on a thread. */
static void *kick_off_many(void *context) {
  crowd *all = context;
  for (;;) {
    unsigned number = atomic_fetch_add(&all->next, 1);
    if (number >= all->total) return NULL;
    uint32_t answered = 503;
    /* On a busy machine the store's lock may not be had in time: such a client comes again. */
    for (int tries = 0; tries < 50 && answered == 503; tries++) {
      answered = kick_off_one(all, number);
    }
    if (answered == 202) atomic_fetch_add(&all->accepted[number % 3], 1);
    if (answered == 429) atomic_fetch_add(&all->throttled, 1);
    test_violation_unless(answered == 202 || answered == 429, "a kick-off failed");
  }
}

static void run_crowd(crowd *all) {
  pthread_t threads[8];
  all->total = 500;
  for (size_t i = 0; i < 8; i++) {
    assert_int_equal(pthread_create(&threads[i], NULL, kick_off_many, all), 0);
  }
  for (size_t i = 0; i < 8; i++) pthread_join(threads[i], NULL);
  test_require_sound();
}

static unsigned sum(const crowd *all) {
  return atomic_load(&all->accepted[0]) + atomic_load(&all->accepted[1]) +
         atomic_load(&all->accepted[2]);
}

/* KICK-14: 500 at once from eight threads, by the limit of all and by that of each client. */
static void test_crowd(void **state) {
  (void)state;
  of.options.jobs_max = 37;
  of.options.jobs_per_client_max = 500;
  test_engine_start(&of);
  crowd all = {.engines = {of.engine, of.engine}, .clients = {"a", "b", "c"}};
  run_crowd(&all);
  test_require(sum(&all) == 37 && atomic_load(&all.throttled) == 500 - 37);
}

static void test_crowd_of_clients(void **state) {
  (void)state;
  of.options.jobs_max = 500;
  of.options.jobs_per_client_max = 11;
  test_engine_start(&of);
  crowd all = {.engines = {of.engine, of.engine}, .clients = {"a", "b", "c"}};
  run_crowd(&all);
  for (size_t i = 0; i < 3; i++) test_require(atomic_load(&all.accepted[i]) == 11);
}

/* The limits are those of the store, not of a process: two engines have one file. */
static void test_two_engines(void **state) {
  (void)state;
  char folder[TEST_PATH_MAX], path[TEST_PATH_MAX];
  fhx_store *stores[2] = {NULL, NULL};
  fhx_engine *second = NULL;
  test_folder_new(folder);
  test_path_join(path, folder, "jobs.sqlite");
  for (size_t i = 0; i < 2; i++) {
    fhx_sqlite_store_options options;
    FHX_INIT(&options);
    options.path = path;
    test_require_status(fhx_sqlite_store_new(&options, &stores[i], NULL), FHX_OK);
  }
  of.options.jobs_max = 20;
  of.options.jobs_per_client_max = 12;
  of.options.store = stores[0];
  test_engine_start(&of);
  of.options.store = stores[1];
  test_require_status(fhx_engine_new(&of.options, &second, NULL), FHX_OK);
  crowd all = {.engines = {of.engine, second}, .clients = {"a", "a", "b"}};
  run_crowd(&all);
  test_require(sum(&all) == 20);
  test_require(atomic_load(&all.accepted[0]) + atomic_load(&all.accepted[1]) <= 12);
  fhx_engine_free(second);
  fhx_engine_free(of.engine);
  of.engine = NULL;
  fhx_store_free(stores[0]);
  fhx_store_free(stores[1]);
  test_folder_remove(folder);
}

/* KICK-15, DEL-06: the place is free before the DELETE is answered, though the files are not yet
   removed. */
static void test_freed_at_once(void **state) {
  (void)state;
  char targets[3][TEST_URL_MAX];
  of.options.jobs_max = 3;
  test_engine_start(&of);
  for (int i = 0; i < 3; i++) test_kick_off(of.engine, "/$export", targets[i]);
  for (int i = 0; i < 30; i++) {
    test_expect_refusal(of.engine, "/$export", 429, "throttled");
    cancel(targets[i % 3]);
    test_kick_off(of.engine, "/$export", targets[i % 3]);
  }
}

/* KICK-15: what one client does in a few seconds is within the usual limits. */
static void test_usual_limits(void **state) {
  (void)state;
  char target[TEST_URL_MAX];
  test_engine_start(&of);
  for (int i = 0; i < 32; i++) test_kick_off(of.engine, "/$export", target);
  test_expect_refusal(of.engine, "/$export", 429, "throttled");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_too_fast, begin, end),
      cmocka_unit_test_setup_teardown(test_first_poll, begin, end),
      cmocka_unit_test_setup_teardown(test_others_polls, begin, end),
      cmocka_unit_test_setup_teardown(test_usual_polls, begin, end),
      cmocka_unit_test_setup_teardown(test_crowd, begin, end),
      cmocka_unit_test_setup_teardown(test_crowd_of_clients, begin, end),
      cmocka_unit_test_setup_teardown(test_two_engines, begin, end),
      cmocka_unit_test_setup_teardown(test_freed_at_once, begin, end),
      cmocka_unit_test_setup_teardown(test_usual_limits, begin, end),
  };
  return cmocka_run_group_tests(tests, make_data, test_dataset_end);
}
