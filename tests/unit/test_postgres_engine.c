/*
 * Engines on the PostgreSQL store: eight workers, requests, cancels and ticks at the same time, on
 * two connections' pools, with engines that stop in the middle; and what polls cost when many ask
 * and very many jobs are kept, on this store and on SQLite.
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
#include <fhirexport/fhirexport.h>
#include <pthread.h>
#include <sqlite3.h>
#include <time.h>

#include "postgres_place.h"
#include "support/engine.h"
#include "support/require.h"

static test_dataset *data;
static test_engine of;
static place where;

static int make_data(void **state) {
  *state = data = test_dataset_new(8, 80, 0);
  return 0;
}

static void begin(const char *scenario) {
  test_scenario("%s", scenario);
  test_source_knobs knobs = test_engine_source(data);
  knobs.applied = FHX_APPLIED_TYPE;
  test_engine_prepare(&of, &knobs);
  of.options.jobs_max = 100000;
  of.options.jobs_per_client_max = 100000;
}

static void end(void) {
  fhx_store_free(of.options.store);
  test_engine_end(&of);
}

static void expect_complete(fhx_engine *engine, const char *target) {
  test_answer answer = test_poll(engine, target);
  if (answer.status != 200) print_error("%u: %s\n", answer.status, answer.body);
  test_require(answer.status == 200);
  test_require(test_count_lines(engine, answer.body, "output") == data->count);
  test_answer_free(&answer);
}

/* --- all at once --- */

#define CLIENTS 4
#define WORKERS 8

typedef struct client {
  pthread_t thread;
  fhx_engine *engine;
  char target[TEST_URL_MAX];
  atomic_bool *is_over;
} client;

/* The status, 0 if there was no answer; no assertion of cmocka's on a thread. */
static uint32_t ask(fhx_engine *engine, const char *method, const char *target) {
  fhx_request request = test_request(method, target);
  fhx_response *response = NULL;
  char bytes[512];
  size_t got = 0;
  if (fhx_engine_handle(engine, &request, &response, NULL) != FHX_OK) return 0;
  const uint32_t status = fhx_response_status(response);
  while (fhx_response_read(response, bytes, sizeof bytes, &got, NULL) == FHX_OK) continue;
  fhx_response_free(response);
  return status;
}

/* 503 is right where a machine is so slow that no connection comes free in time. */
static void *poll_and_tick(void *context) {
  client *self = context;
  while (!atomic_load(self->is_over)) {
    const uint32_t status = ask(self->engine, "GET", self->target);
    test_violation_unless(status == 200 || status == 202 || status == 503, "a poll was refused");
    test_violation_unless(fhx_engine_tick(self->engine, NULL) == FHX_OK, "a tick failed");
    test_nap_ms(2);
  }
  return NULL;
}

static void cancel_some(fhx_engine *one, fhx_engine *other) {
  char target[TEST_URL_MAX];
  for (int i = 0; i < (test_is_quick() ? 5 : 15); i++) {
    test_kick_off(i % 2 == 0 ? one : other, "/$export?_type=Patient", target);
    test_nap_ms(i % 4 * 5);
    fhx_request request = test_request("DELETE", target);
    test_expect_outcome(test_send(other, &request), 202, "information", "informational");
    test_expect_refusal(one, target, 404, "not-found");
    test_expect_refusal(other, target, 404, "not-found");
  }
}

/* Another engine with a pool of its own, as another process has it. */
static fhx_engine *open_engine(fhx_store **store) {
  fhx_engine *engine = NULL;
  fhx_engine_options options = of.options;
  options.store = *store = place_open(&where);
  test_require_status(fhx_engine_new(&options, &engine, NULL), FHX_OK);
  return engine;
}

static void test_threads(void **state) {
  (void)state;
  client clients[CLIENTS];
  atomic_bool is_over = false;
  fhx_store *stores[3] = {NULL, NULL, NULL};
  place_new(&where);
  begin("eight workers, requests, cancels, ticks and stops");
  of.options.workers = WORKERS;
  of.options.helpers = 1;
  of.options.lease_us = 2000000;
  /* What a stopped engine parks, and a lease that lapsed on a slow machine, cost attempts. */
  of.options.attempts_max = 1000;
  fhx_engine *one = open_engine(&stores[0]), *other = open_engine(&stores[1]);
  for (size_t i = 0; i < CLIENTS; i++) {
    clients[i].engine = i % 2 == 0 ? one : other;
    clients[i].is_over = &is_over;
    test_kick_off(clients[i].engine, "/$export", clients[i].target);
    test_require(pthread_create(&clients[i].thread, NULL, poll_and_tick, &clients[i]) == 0);
  }
  cancel_some(one, other);
  /* One that stops in the middle parks what it has: the others go on with it. */
  for (int i = 0; i < (test_is_quick() ? 1 : 3); i++) {
    char target[TEST_URL_MAX];
    fhx_engine *third = open_engine(&stores[2]);
    test_kick_off(third, "/$export", target);
    test_nap_ms(i * 20);
    fhx_engine_stop(third);
    fhx_engine_free(third);
    fhx_store_free(stores[2]);
    expect_complete(other, target);
  }
  for (size_t i = 0; i < CLIENTS; i++) expect_complete(clients[i].engine, clients[i].target);
  atomic_store(&is_over, true);
  for (size_t i = 0; i < CLIENTS; i++) pthread_join(clients[i].thread, NULL);
  fhx_engine_stop(one);
  fhx_engine_free(one);
  fhx_engine_free(other);
  for (int i = 0; i < 2; i++) fhx_store_free(stores[i]);
  end();
  place_drop(&where);
}

/* --- very many jobs, and many who ask --- */

#define JOBS 5000
#define POLLERS 200
/* What is aimed at is 1 ms; a busy machine, a build without optimisation and a sanitizer take more.
 */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define POLL_MS_MAX 30.0
#elif defined(__has_feature)
#define POLL_MS_MAX 30.0
#else
#define POLL_MS_MAX 3.0
#endif

typedef struct poller {
  pthread_t thread;
  char target[TEST_URL_MAX];
  uint32_t wanted;
  uint32_t answered, unavailable, wrong;
  double cpu_seconds;
} poller;

static double thread_seconds(void) {
  struct timespec now = {0};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Who is told that no connection is free comes again, as it may be on a slow machine. */
static void *poll_on(void *context) {
  poller *self = context;
  const uint32_t polls = test_is_quick() ? 3 : 10;
  while (self->answered < polls && self->wrong == 0) {
    const uint32_t status = ask(of.engine, "GET", self->target);
    self->answered += status == self->wanted ? 1 : 0;
    self->unavailable += status == 503 ? 1 : 0;
    self->wrong += status != self->wanted && status != 503 ? 1 : 0;
    test_nap_ms(20);
  }
  self->cpu_seconds = thread_seconds();
  return NULL;
}

/* Half of them ask for complete jobs and half for running ones, each for one of its own. */
static void ask_in_crowd(const char *name) {
  static poller pollers[POLLERS];
  memset(pollers, 0, sizeof pollers);
  uint32_t answered = 0, unavailable = 0;
  double cpu_seconds = 0;
  for (uint32_t i = 0; i < POLLERS; i++) {
    const bool is_complete = i % 2 == 0;
    pollers[i].wanted = is_complete ? 200 : 202;
    snprintf(pollers[i].target, sizeof pollers[i].target, "/$export/%s%031x",
             is_complete ? "c" : "d", i + 1);
    test_require(pthread_create(&pollers[i].thread, NULL, poll_on, &pollers[i]) == 0);
  }
  for (uint32_t i = 0; i < POLLERS; i++) {
    pthread_join(pollers[i].thread, NULL);
    answered += pollers[i].answered;
    unavailable += pollers[i].unavailable;
    cpu_seconds += pollers[i].cpu_seconds;
    test_require(pollers[i].wrong == 0);
  }
  const double each_ms = cpu_seconds * 1000 / answered;
  print_message("%s: %.3f ms of CPU a poll, %d pollers, %d jobs kept, %u answers, %u of them 503\n",
                name, each_ms, POLLERS, 2 * JOBS, answered + unavailable, unavailable);
  test_require(each_ms < POLL_MS_MAX);
}

/* A complete job and a running one, which are to be copied. */
static void make_two(void) {
  char target[TEST_URL_MAX];
  fhx_engine *engine = NULL;
  of.options.workers = 2;
  test_require_status(fhx_engine_new(&of.options, &engine, NULL), FHX_OK);
  test_kick_off(engine, "/$export", target);
  expect_complete(engine, target);
  fhx_engine_free(engine);
  of.options.workers = 0;
  test_engine_start(&of);
  test_kick_off(of.engine, "/$export", target);
}

/* State 1 is running, 2 complete; the copies' ids begin with another letter. */
static void test_pollers_postgres(void **state) {
  (void)state;
  char sql[2000];
  place_new(&where);
  begin("two hundred pollers on PostgreSQL");
  of.options.store = place_open(&where);
  make_two();
  snprintf(
      sql, sizeof sql,
      "DO $$ DECLARE t text; c text; BEGIN FOREACH t IN ARRAY ARRAY['job', 'task', 'part'] LOOP"
      " SELECT string_agg(quote_ident(column_name), ', ') INTO c FROM"
      " information_schema.columns WHERE table_schema = current_schema() AND table_name = t"
      " AND column_name NOT IN ('job_key', 'job_id') AND is_identity = 'NO';"
      " EXECUTE 'INSERT INTO ' || t || ' (job_key, ' || CASE t WHEN 'job' THEN 'job_id, ' ELSE ''"
      " END || c || ') ' || CASE t WHEN 'job' THEN 'OVERRIDING SYSTEM VALUE ' ELSE '' END ||"
      " 'SELECT job_key * 1000000 + n, ' || CASE t WHEN 'job' THEN '(CASE state WHEN 1 THEN"
      " ''d'' ELSE ''c'' END) || lpad(to_hex(n), 31, ''0''), ' ELSE '' END || c ||"
      " ' FROM ' || t || ', generate_series(1, %d) AS n WHERE job_key < 1000000'; END LOOP;"
      " END $$",
      JOBS);
  place_sql(&where, sql);
  test_require(place_sql(&where, "SELECT count(*) FROM job") == 2 * JOBS + 2);
  ask_in_crowd("PostgreSQL");
  end();
  place_drop(&where);
}

static int take_text(void *text, int count, char **values, char **names) {
  (void)names;
  if (count == 1 && values[0] != NULL) snprintf(text, 1000, "%s", values[0]);
  return 0;
}

static void copy_rows(sqlite3 *file, const char *table) {
  char sql[4000], columns[1000] = "", query[300];
  const bool is_job = strcmp(table, "job") == 0;
  snprintf(query, sizeof query,
           "SELECT group_concat(name) FROM pragma_table_info('%s')"
           " WHERE name NOT IN ('job_key', 'job_id')",
           table);
  assert_int_equal(sqlite3_exec(file, query, take_text, columns, NULL), SQLITE_OK);
  snprintf(sql, sizeof sql,
           "WITH RECURSIVE number(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < %d)"
           " INSERT INTO %s (job_key, %s%s) SELECT job_key * 1000000 + n, %s%s FROM %s, number"
           " WHERE job_key < 1000000",
           JOBS, table, is_job ? "job_id, " : "", columns,
           is_job ? "printf('%s%031x', CASE state WHEN 1 THEN 'd' ELSE 'c' END, n), " : "", columns,
           table);
  if (sqlite3_exec(file, sql, NULL, NULL, NULL) != SQLITE_OK) fail_msg("%s", sqlite3_errmsg(file));
}

static void test_pollers_sqlite(void **state) {
  (void)state;
  char folder[TEST_PATH_MAX], path[TEST_PATH_MAX];
  sqlite3 *file = NULL;
  fhx_sqlite_store_options options;
  FHX_INIT(&options);
  test_folder_new(folder);
  test_path_join(path, folder, "jobs.sqlite");
  options.path = path;
  begin("two hundred pollers on SQLite");
  test_require_status(fhx_sqlite_store_new(&options, &of.options.store, NULL), FHX_OK);
  make_two();
  assert_int_equal(sqlite3_open(path, &file), SQLITE_OK);
  assert_int_equal(sqlite3_exec(file, "BEGIN", NULL, NULL, NULL), SQLITE_OK);
  copy_rows(file, "job");
  copy_rows(file, "task");
  copy_rows(file, "part");
  assert_int_equal(sqlite3_exec(file, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
  sqlite3_close(file);
  ask_in_crowd("SQLite");
  end();
  test_folder_remove(folder);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_threads),
      cmocka_unit_test(test_pollers_postgres),
      cmocka_unit_test(test_pollers_sqlite),
  };
  if (test_is_without("postgres")) {
    puts("skipped: run without postgres");
    return 77;
  }
  const int failures =
      cmocka_run_group_tests_name("postgres engine", tests, make_data, test_dataset_end);
  place_end();
  return failures;
}
