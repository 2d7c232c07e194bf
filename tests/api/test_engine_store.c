/* Engines on a store that somebody holds locked, that another engine uses too, or that nobody
   cleans up. */
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
#include <sqlite3.h>
#include <time.h>

#include "support/engine.h"
#include "support/require.h"

#define POLLS_MAX 600000

static test_dataset *data;
static test_engine of;
static char store_folder[TEST_PATH_MAX];
static char store_path[TEST_PATH_MAX];

static int make_data(void **state) {
  *state = data = test_dataset_new(8, 80, TEST_DATASET_STAMPED);
  return 0;
}

static int64_t now_us(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static fhx_store *open_store(void) {
  fhx_store *store = NULL;
  fhx_sqlite_store_options options;
  FHX_INIT(&options);
  options.path = store_path;
  test_require_status(fhx_sqlite_store_new(&options, &store, NULL), FHX_OK);
  return store;
}

static void begin_with(const test_source_knobs *knobs) {
  test_scenario("store");
  test_engine_prepare(&of, knobs);
  test_folder_new(store_folder);
  test_path_join(store_path, store_folder, "jobs.sqlite");
  of.options.store = open_store();
}

static void end(void) {
  fhx_store_free(of.options.store);
  test_engine_end(&of);
  test_folder_remove(store_folder);
}

/* Another engine, on the same store by a connection of its own, as another process has it. */
static fhx_engine *open_other(fhx_store **store) {
  fhx_engine *engine = NULL;
  fhx_engine_options options = of.options;
  options.store = *store = open_store();
  test_require_status(fhx_engine_new(&options, &engine, NULL), FHX_OK);
  return engine;
}

static void expect_complete(test_answer answer) {
  if (answer.status != 200) print_error("%u: %s\n", answer.status, answer.body);
  test_require(answer.status == 200);
  test_require(test_count_lines(of.engine, answer.body, "output") == data->count);
  test_answer_free(&answer);
}

/* --- a store that is locked --- */

#define LOCKED_US INT64_C(4000000)
/* "Within about a second", and what a sanitizer adds to it. A busy machine may let any of the
   answers wait, but not all. */
#define ANSWER_US INT64_C(2000000)
#define ANSWERS_MIN 5
#define CLIENTS 4

static sqlite3 *lock(void) {
  sqlite3 *connection = NULL;
  assert_int_equal(sqlite3_open(store_path, &connection), SQLITE_OK);
  sqlite3_busy_timeout(connection, 300000);
  assert_int_equal(sqlite3_exec(connection, "BEGIN EXCLUSIVE", NULL, NULL, NULL), SQLITE_OK);
  return connection;
}

static int count_rows(sqlite3 *connection, const char *sql) {
  sqlite3_stmt *statement = NULL;
  assert_int_equal(sqlite3_prepare_v2(connection, sql, -1, &statement, NULL), SQLITE_OK);
  assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
  int count = sqlite3_column_int(statement, 0);
  sqlite3_finalize(statement);
  return count;
}

typedef struct client {
  pthread_t thread;
  const char *method;
  const char *target;
  int64_t until_us;
  int late_count;
  int answer_count;
  int unavailable_count;
} client;

static const char *header_of(const fhx_response *response, const char *name) {
  for (uint32_t i = 0; i < fhx_response_header_count(response); i++) {
    if (strcmp(fhx_response_header_name(response, i), name) == 0) {
      return fhx_response_header_value(response, i);
    }
  }
  return NULL;
}

static void check_unavailable(fhx_response *response) {
  char body[1000] = "";
  size_t len = 0;
  const char *retry = header_of(response, "Retry-After");
  test_violation_unless(retry != NULL && atoi(retry) >= 1, "a 503 has no Retry-After");
  test_violation_unless(fhx_response_read(response, body, sizeof body - 1, &len, NULL) == FHX_OK &&
                            strstr(body, "OperationOutcome") != NULL &&
                            strstr(body, "transient") != NULL,
                        "a 503 has no outcome that says so");
}

/* Asks as long as the store is locked; no assertion of cmocka's on a thread. */
static void *ask_on(void *context) {
  client *self = context;
  /* At least some, however long they take. */
  while (now_us() < self->until_us || self->answer_count < ANSWERS_MIN) {
    fhx_request request = test_request(self->method, self->target);
    fhx_response *response = NULL;
    int64_t begun_us = now_us();
    int32_t status = fhx_engine_handle(of.engine, &request, &response, NULL);
    const int64_t lasted_us = now_us() - begun_us;
    if (lasted_us >= ANSWER_US) self->late_count++;
    if (status != FHX_OK) {
      test_violation("a request failed");
      return NULL;
    }
    self->answer_count++;
    if (fhx_response_status(response) == 503) {
      self->unavailable_count++;
      check_unavailable(response);
    } else {
      /* What only reads can be answered; it may have been complete before the lock was had. */
      test_violation_unless(
          (fhx_response_status(response) == 202 || fhx_response_status(response) == 200) &&
              strcmp(self->method, "GET") == 0 && strcmp(self->target, "/$export") != 0,
          "a request was answered as if the store could be written to");
    }
    fhx_response_free(response);
    test_nap_ms(5);
  }
  return NULL;
}

static void slow(void *context, uint64_t number) {
  (void)context, (void)number;
  test_nap_ms(50);
}

/* STAT-11, KICK-08: 503 at once and not in half a minute, while workers wait for the same lock;
   and nothing is left behind of what was refused. */
static void test_locked(void **state) {
  (void)state;
  char running[TEST_URL_MAX], other[TEST_URL_MAX];
  test_source_knobs knobs = test_engine_source(data);
  knobs.hook = slow;
  begin_with(&knobs);
  of.options.workers = 3;
  of.options.helpers = 1;
  of.options.lease_us = 1000000;
  test_engine_start(&of);
  test_kick_off(of.engine, "/$export", running);
  test_kick_off(of.engine, "/$export", other);
  test_nap_ms(50);
  client clients[CLIENTS] = {{.method = "GET", .target = running},
                             {.method = "GET", .target = "/$export"},
                             {.method = "GET", .target = "/$export"},
                             {.method = "DELETE", .target = other}};
  sqlite3 *locker = lock();
  for (size_t i = 0; i < CLIENTS; i++) {
    clients[i].until_us = now_us() + LOCKED_US - ANSWER_US;
    assert_int_equal(pthread_create(&clients[i].thread, NULL, ask_on, &clients[i]), 0);
  }
  for (size_t i = 0; i < CLIENTS; i++) {
    pthread_join(clients[i].thread, NULL);
    test_require(clients[i].answer_count > 0 &&
                 2 * clients[i].late_count < clients[i].answer_count);
    if (i > 0) test_require(clients[i].unavailable_count == clients[i].answer_count);
  }
  assert_int_equal(sqlite3_exec(locker, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
  expect_complete(test_poll(of.engine, running));
  expect_complete(test_poll(of.engine, other));
  test_require(count_rows(locker, "SELECT count(*) FROM job") == 2);
  /* Everything works again. */
  fhx_request request = test_request("DELETE", other);
  test_expect_outcome(test_send(of.engine, &request), 202, "information", "informational");
  test_kick_off(of.engine, "/$export?_type=Patient", other);
  test_answer answer = test_poll(of.engine, other);
  test_require(answer.status == 200);
  test_answer_free(&answer);
  sqlite3_close(locker);
  end();
}

/* A worker has more patience than a request: a lock that passes costs a job no attempt. */
static void test_worker_waits(void **state) {
  (void)state;
  char target[TEST_URL_MAX];
  test_source_knobs knobs = test_engine_source(data);
  begin_with(&knobs);
  of.options.attempts_max = 1;
  test_engine_start(&of);
  test_kick_off(of.engine, "/$export", target);
  sqlite3 *locker = lock();
  test_worker *worker = test_worker_start(of.engine);
  /* Longer than a request waits. A worker waits for five seconds. */
  test_nap_ms(1000);
  assert_int_equal(sqlite3_exec(locker, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
  expect_complete(test_poll(of.engine, target));
  test_require(count_rows(locker, "SELECT max(fence) FROM task") == 1);
  fhx_engine_stop(of.engine);
  test_worker_join(worker);
  sqlite3_close(locker);
  end();
}

/* --- progress --- */

typedef struct watch {
  /* Two engines on one store, asked in turn. */
  fhx_engine *engines[2];
  char target[TEST_URL_MAX];
  int percent;
  unsigned long long count;
  /* The call at which the engine that works is stopped; 0: never. */
  uint64_t stop_at;
  /* Whether there were ever fewer resources than had been shown. */
  bool has_lost;
  long nap_ms;
} watch;

/* No assertion of cmocka's: it may be on a thread. */
static void look(watch *self, fhx_engine *engine) {
  fhx_request request = test_request("GET", self->target);
  fhx_response *response = NULL;
  int percent = -1;
  unsigned long long count = 0;
  if (engine == NULL) return;
  if (fhx_engine_handle(engine, &request, &response, NULL) != FHX_OK) {
    test_violation("a poll failed");
    return;
  }
  if (fhx_response_status(response) == 202) {
    const char *progress = header_of(response, "X-Progress");
    bool is_read = progress != NULL && sscanf(progress, "%d%%, %llu", &percent, &count) == 2;
    test_violation_unless(is_read && percent < 100, "X-Progress is not what it was");
    test_violation_unless(percent >= self->percent && count >= self->count, "X-Progress went down");
    self->percent = percent;
    self->count = count;
  }
  fhx_response_free(response);
}

/* How many resources are recorded at present. */
static uint64_t recorded(const watch *self) {
  fhx_job_options options;
  fhx_job *job = NULL;
  fhx_progress *progress = NULL;
  FHX_INIT(&options);
  options.source = of.options.source;
  options.destination = of.options.destination;
  options.store = of.options.store;
  const char *job_id = strrchr(self->target, '/') + 1;
  test_require_status(fhx_job_attach(&options, job_id, &job, NULL), FHX_OK);
  test_require_status(fhx_job_progress_new(job, &progress, NULL), FHX_OK);
  uint64_t count = fhx_progress_resource_count(progress);
  fhx_progress_free(progress);
  fhx_job_free(job);
  return count;
}

/* Called by the source, on the thread that runs the engine. */
static void watch_on(void *context, uint64_t number) {
  watch *self = context;
  if (self->nap_ms != 0) test_nap_ms(self->nap_ms);
  look(self, self->engines[1]);
  look(self, self->engines[0]);
  look(self, self->engines[1]);
  if (self->stop_at != 0) self->has_lost = self->has_lost || recorded(self) < self->count;
  if (number == self->stop_at) fhx_engine_stop(self->engines[0]);
}

/* STAT-03: not after a restart, not between two processes, and not when a source without tokens
   makes a task begin again, with other counts than before. */
static void test_progress_never_goes_down(void **state) {
  (void)state;
  watch self;
  fhx_store *store = NULL;
  memset(&self, 0, sizeof self);
  test_source_knobs knobs = test_engine_source(data);
  knobs.applied = FHX_APPLIED_TYPE;
  knobs.tokens = false;
  knobs.rows_max = 2;
  knobs.shards = true;
  knobs.hook = watch_on;
  knobs.hook_context = &self;
  begin_with(&knobs);
  /* Each reply is recorded, so that a task that begins again has something to lose. */
  of.options.part_count = 1;
  of.options.shards_max = 2;
  test_engine_start(&of);
  test_kick_off(of.engine, "/$export", self.target);
  self.engines[1] = open_other(&store);
  for (uint64_t i = 1; i <= 6; i++) {
    self.engines[0] = of.engine;
    self.stop_at = test_source_calls(of.source, TEST_SOURCE_NEXT) + 4 + i;
    test_require_status(fhx_engine_run(of.engine, NULL), FHX_WAIT);
    fhx_engine_free(of.engine);
    self.engines[0] = NULL;
    /* The restart: the task that was parked begins again. */
    test_engine_start(&of);
    look(&self, of.engine);
  }
  /* Else nothing was shown to have stayed. */
  test_require(self.has_lost);
  test_require(self.percent > 0 && self.count > 0);
  self.engines[0] = of.engine;
  self.stop_at = 0;
  test_worker *worker = test_worker_start(of.engine);
  expect_complete(test_poll(of.engine, self.target));
  fhx_engine_stop(of.engine);
  test_worker_join(worker);
  fhx_engine_free(self.engines[1]);
  fhx_store_free(store);
  end();
}

/* With one long part, the renewals of the lease alone tell another process of progress. */
static void test_slow_source_shows_movement(void **state) {
  (void)state;
  watch self;
  fhx_store *store = NULL;
  memset(&self, 0, sizeof self);
  test_source_knobs knobs = test_engine_source(data);
  knobs.shards = true;
  knobs.rows_max = 2;
  knobs.hook = watch_on;
  knobs.hook_context = &self;
  begin_with(&knobs);
  of.options.part_bytes = UINT64_C(1) << 30;
  of.options.lease_us = 60000;
  of.options.shards_max = 1;
  test_engine_start(&of);
  self.engines[1] = open_other(&store);
  self.nap_ms = 15;
  test_kick_off(of.engine, "/$export?_type=Patient", self.target);
  test_worker *worker = test_worker_start(of.engine);
  test_answer answer = test_poll(of.engine, self.target);
  test_require(answer.status == 200);
  test_answer_free(&answer);
  test_require(self.percent > 0 && self.count > 0);
  fhx_engine_stop(of.engine);
  test_worker_join(worker);
  fhx_engine_free(self.engines[1]);
  fhx_store_free(store);
  end();
}

/* --- expiry --- */

static void expect_gone(fhx_engine *engine, const char *method, const char *target) {
  fhx_request request = test_request(method, target);
  test_expect_outcome(test_send(engine, &request), 404, "error", "not-found");
}

/* STAT-08, STAT-15: a job whose time is over is gone, also where nobody has cleaned up yet. */
static void test_expired_is_gone(void **state) {
  (void)state;
  char target[TEST_URL_MAX], url[TEST_URL_MAX];
  uint64_t count = 0;
  test_source_knobs knobs = test_engine_source(data);
  for (uint32_t flags = 0; flags <= FHX_ENGINE_FILES_NEED_TOKEN; flags++) {
    begin_with(&knobs);
    of.options.flags = flags;
    of.options.workers = 1;
    test_engine_start(&of);
    test_kick_off(of.engine, "/$export", target);
    test_answer answer = test_poll(of.engine, target);
    test_require(test_manifest_item(answer.body, "output", 0, url, NULL, &count));
    expect_complete(answer);
    fhx_engine_free(of.engine);
    of.options.workers = 0;
    of.options.keep_us = 1;
    test_engine_start(&of);
    expect_gone(of.engine, "GET", target);
    expect_gone(of.engine, "GET", test_target_of(url));
    expect_gone(of.engine, "DELETE", target);
    /* Its record is still there: it is the time that has made it go. */
    fhx_engine_free(of.engine);
    of.options.keep_us = 0;
    test_engine_start(&of);
    expect_complete(test_get(of.engine, target));
    end();
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_locked),
      cmocka_unit_test(test_worker_waits),
      cmocka_unit_test(test_progress_never_goes_down),
      cmocka_unit_test(test_slow_source_shows_movement),
      cmocka_unit_test(test_expired_is_gone),
  };
  return cmocka_run_group_tests(tests, make_data, test_dataset_end);
}
