/* What the SQLite store adds to store_conformance_upkeep.c and store_conformance_members.c: its
   indexes, how much one step expires or forgets, several processes at one limit, and who waits for
   whom. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>

#include "store/sqlite_store.h"
#include "store/store.h"
#include "store_create.h"
#include "support/folder.h"

typedef struct place {
  char folder[TEST_PATH_MAX];
  char path[TEST_PATH_MAX];
  int64_t now_us;
} place;

static int64_t read_clock(void *user_data) {
  return ((const place *)user_data)->now_us;
}

static fhx_store *open_store(place *at) {
  fhx_store *store = NULL;
  fhx_sqlite_store_options options;
  FHX_INIT(&options);
  options.path = at->path;
  options.clock = read_clock;
  options.clock_user_data = at;
  assert_int_equal(fhx_sqlite_store_new(&options, &store, NULL), FHX_OK);
  return store;
}

static int set_up(void **state) {
  static place at;
  at.now_us = 1000000;
  test_folder_new(at.folder);
  test_path_join(at.path, at.folder, "jobs.db");
  *state = &at;
  return 0;
}

static int tear_down(void **state) {
  test_folder_remove(((place *)*state)->folder);
  return 0;
}

/* The job's number, from 0, is its id. */
static void name_job(char job_id[FHX__JOB_ID_LEN + 1], int number) {
  snprintf(job_id, FHX__JOB_ID_LEN + 1, "%032x", (unsigned)number);
}

static int32_t create(fhx_store *store, int number, uint32_t jobs_max,
                      uint32_t jobs_per_client_max) {
  char job_id[FHX__JOB_ID_LEN + 1];
  fhx_job_record record;
  FHX_INIT(&record);
  name_job(job_id, number);
  record.job_id = job_id;
  record.resolution_us = 1000;
  record.jobs_max = jobs_max;
  record.jobs_per_client_max = jobs_per_client_max;
  return store_create_job(store, &record, NULL);
}

static int64_t read_number(place *at, const char *sql) {
  sqlite3 *raw = NULL;
  sqlite3_stmt *statement = NULL;
  assert_int_equal(sqlite3_open(at->path, &raw), SQLITE_OK);
  assert_int_equal(sqlite3_prepare_v2(raw, sql, -1, &statement, NULL), SQLITE_OK);
  assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
  const int64_t number = sqlite3_column_int64(statement, 0);
  sqlite3_finalize(statement);
  sqlite3_close(raw);
  return number;
}

static void run_sql(place *at, const char *sql) {
  sqlite3 *raw = NULL;
  assert_int_equal(sqlite3_open(at->path, &raw), SQLITE_OK);
  assert_int_equal(sqlite3_exec(raw, sql, NULL, NULL, NULL), SQLITE_OK);
  sqlite3_close(raw);
}

/* The statement's plan must name the index, and read through nothing. */
static void assert_index(sqlite3 *raw, fhx__sql id, const char *index) {
  char sql[2000];
  sqlite3_stmt *statement = NULL;
  bool found = false;
  snprintf(sql, sizeof sql, "EXPLAIN QUERY PLAN %s", fhx__sql_texts[id]);
  assert_int_equal(sqlite3_prepare_v2(raw, sql, -1, &statement, NULL), SQLITE_OK);
  while (sqlite3_step(statement) == SQLITE_ROW) {
    const char *detail = (const char *)sqlite3_column_text(statement, 3);
    if (strncmp(detail, "SCAN", 4) == 0) fail_msg("%s: %s", fhx__sql_texts[id], detail);
    if (strstr(detail, index) != NULL) found = true;
  }
  sqlite3_finalize(statement);
  if (!found) fail_msg("%s does not use %s", fhx__sql_texts[id], index);
}

/* Any index at all would not do: that of all ids leads past every job that is to be kept. */
static void each_question_has_its_index(void **state) {
  place *at = *state;
  sqlite3 *raw = NULL;
  fhx_store_free(open_store(at));
  assert_int_equal(sqlite3_open(at->path, &raw), SQLITE_OK);
  assert_index(raw, FHX__SQL_JOB_LIMIT, "INDEX job_running (");
  assert_index(raw, FHX__SQL_JOB_CLIENT_LIMIT, "INDEX job_of_client (tenant=? AND client=?)");
  assert_index(raw, FHX__SQL_JOB_EXPIRE, "INDEX job_ended (ended_us<?)");
  assert_index(raw, FHX__SQL_JOB_NEXT_CLEANUP, "INDEX job_cleanup (job_id>?)");
  assert_index(raw, FHX__SQL_JOB_NEXT_TURN, "INDEX turn_next (turn>?)");
  assert_index(raw, FHX__SQL_JOB_IDENTICAL,
               "INDEX job_identical (tenant=? AND client=? AND identity=?)");
  assert_index(raw, FHX__SQL_JOB_LIST, "INDEX job_listed (state=?");
  assert_index(raw, FHX__SQL_JOB_LIST_OF_TENANT,
               "INDEX job_listed_of_tenant (tenant=? AND state=?");
  assert_index(raw, FHX__SQL_JOB_LIST_OF_CLIENT,
               "INDEX job_listed_of_client (tenant=? AND client=? AND state=?");
  assert_index(raw, FHX__SQL_TURN_TAKE, "INDEX turn_served");
  assert_index(raw, FHX__SQL_TURN_TAKE, "INDEX turn_of_client (tenant=? AND client=?)");
  assert_index(raw, FHX__SQL_MEMBER_LIST, "PRIMARY KEY (job_key=? AND list=? AND member>?)");
  assert_index(raw, FHX__SQL_MEMBER_PIECE, "PRIMARY KEY (job_key=?)");
  assert_index(raw, FHX__SQL_MEMBER_DELETE_PIECE,
               "PRIMARY KEY (job_key=? AND (list,member)<(?,?))");
  sqlite3_close(raw);
}

/* The longest-ended first, so that none is passed over for ever. */
static void a_step_expires_a_hundred_jobs(void **state) {
  place *at = *state;
  char first[FHX__JOB_ID_LEN + 1], found[FHX__JOB_ID_LEN + 1];
  fhx_store *store = open_store(at);
  for (int i = 0; i < 250; i++) assert_int_equal(create(store, i, 0, 0), FHX_OK);
  run_sql(at, "UPDATE job SET state = 2 + job_key % 2, ended_us = 1000 - job_key");
  at->now_us = 100000;
  for (int expired = 100; expired <= 300; expired += 100) {
    const int total = expired < 250 ? expired : 250;
    assert_int_equal(fhx__store_next_cleanup(store, 50000, NULL, found, NULL), FHX_OK);
    name_job(first, 250 - total);
    assert_string_equal(found, first);
    assert_int_equal(
        read_number(at, "SELECT count(*) FROM job WHERE state = 4 AND cleanup_due = 1"), total);
    assert_int_equal(read_number(at, "SELECT count(*) FROM job WHERE cleanup_due = 1"), total);
    assert_int_equal(read_number(at, "SELECT max(job_key) FROM job WHERE state = 4"), 250);
  }
  fhx_store_free(store);
}

/* --- members --- */

/* Of a job with this number that has just been created. */
static int32_t claim_plan(fhx_store *store, int number, const char *claim_id, int64_t *wait_us) {
  char job_id[FHX__JOB_ID_LEN + 1];
  fhx__task_entry task = {0};
  name_job(job_id, number);
  int32_t status = fhx__store_claim_task(store, job_id, claim_id, 1000, 3, &task, wait_us, NULL);
  fhx__task_entry_free(&task);
  return status;
}

/* As if so many members had been added to the job, which is the only one. */
static void put_members(place *at, int count) {
  char sql[300];
  snprintf(sql, sizeof sql,
           "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)"
           " INSERT INTO member SELECT job_key, 1 + i %% 4, printf('m%%08d', i) FROM job, n",
           count);
  run_sql(at, sql);
}

/* Either all texts of a step are there or none. */
static void members_are_added_whole(void **state) {
  place *at = *state;
  static const char *const texts[] = {"a", "b", "c"};
  char job_id[FHX__JOB_ID_LEN + 1];
  int64_t wait_us = 0;
  fhx_store *store = open_store(at);
  name_job(job_id, 1);
  assert_int_equal(create(store, 1, 0, 0), FHX_OK);
  assert_int_equal(claim_plan(store, 1, "one", &wait_us), FHX_OK);
  run_sql(at,
          "CREATE TRIGGER full BEFORE INSERT ON member WHEN new.member = 'c'"
          " BEGIN SELECT RAISE(ABORT, 'the disk is full'); END");
  const fhx_members members = {job_id, 0, FHX_MEMBERS_PATIENT, 1, texts, 3};
  assert_int_equal(fhx__store_add_members(store, &members, NULL), FHX_ERR_STORE);
  assert_int_equal(read_number(at, "SELECT count(*) FROM member"), 0);
  run_sql(at, "DROP TRIGGER full");
  assert_int_equal(fhx__store_add_members(store, &members, NULL), FHX_OK);
  assert_int_equal(read_number(at, "SELECT count(*) FROM member"), 3);
  fhx_store_free(store);
}

/* Others are not made to wait for all of them. */
static void a_step_forgets_ten_thousand_members(void **state) {
  place *at = *state;
  char job_id[FHX__JOB_ID_LEN + 1];
  int64_t wait_us = 0;
  fhx_store *store = open_store(at);
  name_job(job_id, 1);
  assert_int_equal(create(store, 1, 0, 0), FHX_OK);
  put_members(at, 100000);
  assert_int_equal(fhx__store_remove_job(store, job_id, NULL), FHX_OK);
  for (int left = 90000; left >= 10000; left -= 10000) {
    assert_int_equal(fhx__store_clean_job(store, job_id, &wait_us, NULL), FHX_WAIT);
    assert_int_equal(wait_us, 1000);
    assert_int_equal(read_number(at, "SELECT count(*) FROM member"), left);
    assert_int_equal(read_number(at, "SELECT count(*) FROM task"), 1);
  }
  assert_int_equal(fhx__store_clean_job(store, job_id, &wait_us, NULL), FHX_OK);
  assert_int_equal(read_number(at, "SELECT count(*) FROM member"), 0);
  assert_int_equal(read_number(at, "SELECT count(*) FROM job"), 0);
  fhx_store_free(store);
}

static void a_claim_forgets_ten_thousand_members(void **state) {
  place *at = *state;
  int64_t wait_us = 0;
  fhx_store *store = open_store(at);
  assert_int_equal(create(store, 1, 0, 0), FHX_OK);
  assert_int_equal(claim_plan(store, 1, "one", &wait_us), FHX_OK);
  put_members(at, 25000);
  at->now_us += 1000;
  for (int left = 15000; left >= 5000; left -= 10000) {
    assert_int_equal(claim_plan(store, 1, "two", &wait_us), FHX_WAIT);
    assert_int_equal(wait_us, 1000);
    assert_int_equal(read_number(at, "SELECT count(*) FROM member"), left);
    assert_int_equal(read_number(at, "SELECT fence FROM task WHERE state = 1"), 1);
  }
  assert_int_equal(claim_plan(store, 1, "two", &wait_us), FHX_OK);
  assert_int_equal(read_number(at, "SELECT count(*) FROM member"), 0);
  assert_int_equal(read_number(at, "SELECT fence FROM task WHERE state = 2"), 2);
  fhx_store_free(store);
}

/* --- several at once --- */

#define RACERS 4
#define TRIES 10
#define JOBS_MAX 7
#define JOBS_PER_CLIENT_MAX 5

typedef struct racer {
  fhx_store *store;
  int number;
  uint32_t jobs_max;
  uint32_t jobs_per_client_max;
  atomic_int *made;
  pthread_t thread;
} racer;

static void *race_along(void *user_data) {
  racer *self = user_data;
  for (int i = 0; i < TRIES; i++) {
    int32_t status =
        create(self->store, self->number + i, self->jobs_max, self->jobs_per_client_max);
    if (status == FHX_OK) atomic_fetch_add(self->made, 1);
    if (status != FHX_OK && status != FHX_ERR_LIMIT) return self;
  }
  return NULL;
}

/* Each racer is as good as a process: it has a connection of its own. */
static int race(place *at, int first, uint32_t jobs_max, uint32_t jobs_per_client_max) {
  racer racers[RACERS];
  atomic_int made;
  atomic_init(&made, 0);
  for (int i = 0; i < RACERS; i++) {
    racers[i] = (racer){.store = open_store(at),
                        .number = first + TRIES * i,
                        .jobs_max = jobs_max,
                        .jobs_per_client_max = jobs_per_client_max,
                        .made = &made};
  }
  for (int i = 0; i < RACERS; i++) {
    assert_int_equal(pthread_create(&racers[i].thread, NULL, race_along, &racers[i]), 0);
  }
  for (int i = 0; i < RACERS; i++) {
    void *failed = NULL;
    assert_int_equal(pthread_join(racers[i].thread, &failed), 0);
    assert_null(failed);
    fhx_store_free(racers[i].store);
  }
  return atomic_load(&made);
}

static void racers_stay_within_the_limits(void **state) {
  place *at = *state;
  assert_int_equal(race(at, 0, JOBS_MAX, JOBS_PER_CLIENT_MAX), JOBS_PER_CLIENT_MAX);
  assert_int_equal(race(at, 1000, JOBS_MAX, 0), JOBS_MAX - JOBS_PER_CLIENT_MAX);
  assert_int_equal(race(at, 2000, JOBS_MAX, 0), 0);
  assert_int_equal(read_number(at, "SELECT count(*) FROM job"), JOBS_MAX);
}

/* To look for work is no writing: with nothing to expire nobody is waited for. */
static void looking_waits_for_no_writer(void **state) {
  place *at = *state;
  sqlite3 *raw = NULL;
  char found[FHX__JOB_ID_LEN + 1];
  fhx_store *store = open_store(at);
  assert_int_equal(create(store, 1, 0, 0), FHX_OK);
  run_sql(at, "UPDATE job SET state = 4, cleanup_due = 1");
  assert_int_equal(sqlite3_open(at->path, &raw), SQLITE_OK);
  assert_int_equal(sqlite3_exec(raw, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
  assert_int_equal(fhx__store_next_cleanup(store, -1, NULL, found, NULL), FHX_OK);
  sqlite3_close(raw);
  fhx_store_free(store);
}

/* An id that does not come from this library is not passed on. */
static void a_damaged_id_is_not_passed_on(void **state) {
  place *at = *state;
  char found[FHX__JOB_ID_LEN + 1] = "";
  fhx_store *store = open_store(at);
  assert_int_equal(create(store, 1, 0, 0), FHX_OK);
  run_sql(at, "UPDATE job SET state = 4, cleanup_due = 1, job_id = '../../etc'");
  assert_int_equal(fhx__store_next_cleanup(store, -1, NULL, found, NULL), FHX_ERR_STORE);
  assert_string_equal(found, "");
  fhx_store_free(store);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(each_question_has_its_index),
      TEST(a_step_expires_a_hundred_jobs),
      TEST(members_are_added_whole),
      TEST(a_step_forgets_ten_thousand_members),
      TEST(a_claim_forgets_ten_thousand_members),
      TEST(racers_stay_within_the_limits),
      TEST(looking_waits_for_no_writer),
      TEST(a_damaged_id_is_not_passed_on),
  };
  return cmocka_run_group_tests_name("sqlite store's upkeep", tests, NULL, NULL);
}
