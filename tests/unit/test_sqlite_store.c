/* The SQLite store: conformance in memory, in a file and across restarts; its file; other writers,
   threads and crashes; and every allocation failing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/clock.h"
#include "store/sqlite_store.h"
#include "store/store.h"
#include "store_conformance.h"
#include "store_work.h"
#include "support/folder.h"
#include "support/memory.h"

#define OPENERS 4

/* --- making stores --- */

static int32_t try_open(const char *path, fhx_clock_callback clock, void *clock_user_data,
                        fhx_store **store, fhx_error **error) {
  fhx_sqlite_store_options options;
  fhx_sqlite_store_options_init(&options, sizeof options);
  options.path = path;
  options.clock = clock;
  options.clock_user_data = clock_user_data;
  return fhx_sqlite_store_new(&options, store, error);
}

static fhx_store *open_store(const char *path) {
  fhx_store *store = NULL;
  fhx_error *error = NULL;
  if (try_open(path, NULL, NULL, &store, &error) != FHX_OK)
    fail_msg("%s", fhx_error_message(error));
  return store;
}

typedef struct place {
  char folder[TEST_PATH_MAX];
  char path[TEST_PATH_MAX];
} place;

static void place_new(place *at) {
  test_folder_new(at->folder);
  test_path_join(at->path, at->folder, "jobs.db");
}

static fhx_store *make_in_memory(void *context, fhx_clock_callback clock, void *clock_user_data) {
  fhx_store *store = NULL;
  (void)context;
  assert_int_equal(try_open(":memory:", clock, clock_user_data, &store, NULL), FHX_OK);
  return store;
}

static void drop_in_memory(void *context, fhx_store *store) {
  (void)context;
  fhx_store_free(store);
}

static fhx_store *make_in_file(void *context, fhx_clock_callback clock, void *clock_user_data) {
  place *at = context;
  fhx_store *store = NULL;
  place_new(at);
  assert_int_equal(try_open(at->path, clock, clock_user_data, &store, NULL), FHX_OK);
  return store;
}

static fhx_store *remake_in_file(void *context, fhx_store *store, fhx_clock_callback clock,
                                 void *clock_user_data) {
  place *at = context;
  fhx_store *again = NULL;
  fhx_store_free(store);
  assert_int_equal(try_open(at->path, clock, clock_user_data, &again, NULL), FHX_OK);
  return again;
}

static void drop_in_file(void *context, fhx_store *store) {
  place *at = context;
  fhx_store_free(store);
  test_folder_remove(at->folder);
}

/* --- the file --- */

static unsigned mode_of(const char *path) {
  struct stat found;
  assert_int_equal(stat(path, &found), 0);
  return (unsigned)found.st_mode & 07777u;
}

static void the_file_is_its_owners_alone(void **state) {
  place at;
  char log_path[TEST_PATH_MAX], index_path[TEST_PATH_MAX];
  (void)state;
  place_new(&at);
  test_path_join(log_path, at.folder, "jobs.db-wal");
  test_path_join(index_path, at.folder, "jobs.db-shm");
  const mode_t mask = umask(0);
  fhx_store *store = open_store(at.path);
  assert_int_equal(work_create(store), FHX_OK);
  umask(mask);
  assert_int_equal(mode_of(at.path), 0600);
  assert_int_equal(mode_of(log_path), 0600);
  assert_int_equal(mode_of(index_path), 0600);
  assert_int_equal(test_folder_count(at.folder), 3);
  fhx_store_free(store);
  assert_int_equal(test_folder_count(at.folder), 1);
  test_folder_remove(at.folder);
}

static void run_sql(const char *path, const char *sql) {
  sqlite3 *raw = NULL;
  assert_int_equal(sqlite3_open(path, &raw), SQLITE_OK);
  assert_int_equal(sqlite3_exec(raw, sql, NULL, NULL, NULL), SQLITE_OK);
  assert_int_equal(sqlite3_close(raw), SQLITE_OK);
}

static size_t read_bytes(const char *path, char *bytes, size_t capacity) {
  FILE *file = fopen(path, "rb");
  assert_non_null(file);
  size_t len = fread(bytes, 1, capacity, file);
  fclose(file);
  return len;
}

/* Refuses the file, with this status and word, and leaves it as it is. */
static void assert_refused(const place *at, int32_t status, const char *word) {
  static char before[65536], after[65536];
  fhx_store *store = NULL;
  fhx_error *error = NULL;
  const size_t len = read_bytes(at->path, before, sizeof before);
  assert_int_equal(try_open(at->path, NULL, NULL, &store, &error), status);
  if (strstr(fhx_error_message(error), word) == NULL) fail_msg("%s", fhx_error_message(error));
  assert_int_equal(fhx_error_retryable(error), 0);
  fhx_error_free(error);
  assert_null(store);
  assert_int_equal(read_bytes(at->path, after, sizeof after), len);
  assert_memory_equal(before, after, len);
}

static void other_files_are_refused(void **state) {
  place at;
  (void)state;
  place_new(&at);
  run_sql(at.path, "CREATE TABLE patient (id TEXT)");
  assert_refused(&at, FHX_ERR_STORE, "another program");
  run_sql(at.path, "PRAGMA application_id = 77; PRAGMA user_version = 1");
  assert_refused(&at, FHX_ERR_STORE, "another program");
  FILE *file = fopen(at.path, "wb");
  assert_non_null(file);
  for (int i = 0; i < 1000; i++) fputs("this is no database\n", file);
  fclose(file);
  assert_refused(&at, FHX_ERR_STORE, "not a SQLite database");
  test_folder_remove(at.folder);
}

static void other_schemas_are_refused(void **state) {
  place at;
  (void)state;
  place_new(&at);
  fhx_store_free(open_store(at.path));
  run_sql(at.path, "PRAGMA user_version = 5");
  assert_refused(&at, FHX_ERR_UNSUPPORTED, "schema version 5");
  run_sql(at.path, "PRAGMA user_version = 4");
  fhx_store_free(open_store(at.path));
  test_folder_remove(at.folder);
}

/* Takes away what the fourth schema and the third have added. */
static void make_second_schema(const char *path) {
  run_sql(path,
          "ALTER TABLE part DROP COLUMN error_count; ALTER TABLE part DROP COLUMN warning_count;"
          "DROP TABLE turn; DROP INDEX job_identical; DROP INDEX job_listed;"
          "DROP INDEX job_listed_of_tenant; DROP INDEX job_listed_of_client;"
          "ALTER TABLE job DROP COLUMN identity; ALTER TABLE job DROP COLUMN parameters;"
          "PRAGMA user_version = 2");
}

static int32_t claim_any(fhx_store *store, const char *claim_id, fhx__task_entry *task) {
  int64_t wait_us = 0;
  return fhx__store_claim_task(store, NULL, claim_id, WORK_LEASE_US, 9, task, &wait_us, NULL);
}

/* Jobs that run in a file of the second schema have a turn each, in the order they came; those that
   are over have none. */
static void jobs_of_the_second_schema_have_turns(void **state) {
  static const char other[] = "fedcba9876543210fedcba9876543210";
  place at;
  fhx__task_entry task = {0};
  (void)state;
  place_new(&at);
  fhx_store *store = open_store(at.path);
  assert_int_equal(work_create(store), FHX_OK);
  fhx_store_free(store);
  make_second_schema(at.path);
  run_sql(at.path,
          "INSERT INTO job (job_id, state, created_us, transaction_time_us, resolution_us, tenant,"
          " client, request, definition) SELECT 'fedcba9876543210fedcba9876543210', 1, created_us,"
          " transaction_time_us, resolution_us, tenant, client, request, definition FROM job;"
          "INSERT INTO job (job_id, state, created_us, transaction_time_us, resolution_us, tenant,"
          " client, request, definition) SELECT '11111111111111111111111111111111', 2, created_us,"
          " transaction_time_us, resolution_us, tenant, client, request, definition FROM job"
          " LIMIT 1;"
          "INSERT INTO task (job_key, task_index, phase, resource_type, shard_index,"
          " estimated_resources) SELECT job_key, 0, 0, '', 0, 0 FROM job WHERE job_key > 1");
  store = open_store(at.path);
  assert_int_equal(claim_any(store, "one", &task), FHX_OK);
  assert_string_equal(task.record.job_id, WORK_JOB);
  assert_int_equal(claim_any(store, "two", &task), FHX_OK);
  assert_string_equal(task.record.job_id, other);
  assert_int_equal(claim_any(store, "three", &task), FHX_WAIT);
  fhx__task_entry_free(&task);
  fhx_store_free(store);
  test_folder_remove(at.folder);
}

/* A file of the first schema, with a job, gets what it lacks. */
static void an_older_schema_is_brought_up_to_date(void **state) {
  place at;
  (void)state;
  place_new(&at);
  fhx_store *store = open_store(at.path);
  assert_int_equal(work_create(store), FHX_OK);
  fhx_store_free(store);
  make_second_schema(at.path);
  run_sql(at.path, "ALTER TABLE job DROP COLUMN held_until_us; PRAGMA user_version = 1");
  for (int i = 0; i < 2; i++) {
    fhx__job_entry entry;
    memset(&entry, 0, sizeof entry);
    store = open_store(at.path);
    assert_int_equal(fhx__store_read_job(store, WORK_JOB, &entry, NULL), FHX_OK);
    assert_true(i == 0 ? entry.record.hold_us == 0 : entry.record.hold_us > 0);
    assert_int_equal(fhx__store_hold_job(store, WORK_JOB, INT64_C(60000000), NULL), FHX_OK);
    fhx__job_entry_free(&entry);
    fhx_store_free(store);
  }
  test_folder_remove(at.folder);
}

static void a_place_without_a_file_is_refused(void **state) {
  place at;
  fhx_store *store = NULL;
  fhx_error *error = NULL;
  char path[TEST_PATH_MAX];
  (void)state;
  place_new(&at);
  assert_int_equal(try_open(at.folder, NULL, NULL, &store, &error), FHX_ERR_STORE);
  assert_non_null(strstr(fhx_error_message(error), "cannot be opened"));
  fhx_error_free(error);
  test_path_join(path, at.folder, "missing/jobs.db");
  error = NULL;
  assert_int_equal(try_open(path, NULL, NULL, &store, &error), FHX_ERR_STORE);
  assert_non_null(strstr(fhx_error_message(error), "cannot be made"));
  fhx_error_free(error);
  /* A link to nowhere is not followed, since the file behind it would have another mode. */
  assert_int_equal(symlink("nowhere", at.path), 0);
  assert_int_equal(try_open(at.path, NULL, NULL, &store, NULL), FHX_ERR_STORE);
  assert_int_equal(test_folder_count(at.folder), 1);
  assert_int_equal(try_open("", NULL, NULL, &store, NULL), FHX_ERR_ARGUMENT);
  assert_int_equal(try_open(NULL, NULL, NULL, &store, NULL), FHX_ERR_ARGUMENT);
  assert_int_equal(try_open(":memory:", NULL, NULL, NULL, NULL), FHX_ERR_ARGUMENT);
  assert_int_equal(fhx_sqlite_store_new(NULL, &store, NULL), FHX_ERR_ARGUMENT);
  test_folder_remove(at.folder);
}

/* --- the steps and SQLite --- */

/* No step reads through a table: 10,000 jobs cost no more than one. */
static void statements_use_indexes(void **state) {
  place at;
  sqlite3 *raw = NULL;
  (void)state;
  place_new(&at);
  fhx_store_free(open_store(at.path));
  assert_int_equal(sqlite3_open(at.path, &raw), SQLITE_OK);
  for (int i = FHX__SQL_JOB_INSERT; i < FHX__SQL_COUNT; i++) {
    char sql[2000];
    sqlite3_stmt *statement = NULL;
    snprintf(sql, sizeof sql, "EXPLAIN QUERY PLAN %s", fhx__sql_texts[i]);
    assert_int_equal(sqlite3_prepare_v2(raw, sql, -1, &statement, NULL), SQLITE_OK);
    while (sqlite3_step(statement) == SQLITE_ROW) {
      const char *detail = (const char *)sqlite3_column_text(statement, 3);
      if (strncmp(detail, "SCAN", 4) == 0 || strstr(detail, "TEMP B-TREE") != NULL) {
        fail_msg("%s: %s", fhx__sql_texts[i], detail);
      }
    }
    sqlite3_finalize(statement);
  }
  sqlite3_close(raw);
  test_folder_remove(at.folder);
}

static void a_step_that_breaks_changes_nothing(void **state) {
  (void)state;
  fhx_store *store = open_store(":memory:");
  work_begin(store, 1);
  /* Two parts of one number: the second one's row cannot be. */
  const fhx_part parts[2] = {work_part(1, 1, 1), work_part(1, 1, 1)};
  fhx_checkpoint checkpoint = {.job_id = WORK_JOB,
                               .task_index = 1,
                               .fence = 1,
                               .seq = 1,
                               .next_seq = 3,
                               .parts = parts,
                               .part_count = 2,
                               .done = 1};
  fhx_error *error = NULL;
  assert_int_equal(fhx__store_record_checkpoint(store, &checkpoint, &error), FHX_ERR_STORE);
  assert_int_equal(fhx_error_retryable(error), 0);
  fhx_error_free(error);
  assert_int_equal(work_assert_whole(store, 1), 1);
  /* More than a database integer holds, at once and added up. */
  checkpoint.part_count = 1;
  checkpoint.next_seq = 2;
  checkpoint.resource_count = UINT64_MAX;
  assert_int_equal(fhx__store_record_checkpoint(store, &checkpoint, NULL), FHX_ERR_STORE);
  assert_int_equal(work_assert_whole(store, 1), 1);
  assert_int_equal(work_advance(store, 1, 1, 1, 0, NULL), FHX_OK);
  checkpoint.seq = 2;
  checkpoint.next_seq = 3;
  checkpoint.part_count = 0;
  checkpoint.resource_count = INT64_MAX;
  assert_int_equal(fhx__store_record_checkpoint(store, &checkpoint, NULL), FHX_ERR_STORE);
  assert_int_equal(work_assert_whole(store, 1), 2);
  assert_int_equal(work_advance(store, 1, 1, 2, 1, NULL), FHX_OK);
  fhx_store_free(store);
}

static void another_writer_means_try_again(void **state) {
  place at;
  sqlite3 *raw = NULL;
  fhx_error *error = NULL;
  fhx__task_entry task = {0};
  (void)state;
  place_new(&at);
  fhx_store *store = open_store(at.path);
  work_begin(store, 1);
  assert_int_equal(sqlite3_open(at.path, &raw), SQLITE_OK);
  assert_int_equal(sqlite3_exec(raw, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
  assert_int_equal(work_advance(store, 1, 1, 1, 1, &error), FHX_ERR_STORE);
  assert_int_equal(fhx_error_retryable(error), 1);
  assert_non_null(strstr(fhx_error_message(error), "the store's record_checkpoint: "));
  fhx_error_free(error);
  /* Readers go on meanwhile, and see that nothing was taken. */
  assert_int_equal(work_assert_whole(store, 1), 1);
  assert_int_equal(sqlite3_exec(raw, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
  sqlite3_close(raw);
  assert_int_equal(work_advance(store, 1, 1, 1, 1, NULL), FHX_OK);
  assert_int_equal(work_assert_whole(store, 1), 2);
  fhx__task_entry_free(&task);
  fhx_store_free(store);
  test_folder_remove(at.folder);
}

static void damaged_records_are_not_passed_on(void **state) {
  place at;
  fhx__task_entry task = {0};
  (void)state;
  place_new(&at);
  fhx_store *store = open_store(at.path);
  work_begin(store, 2);
  run_sql(at.path, "UPDATE task SET resource_type = 'no type' WHERE task_index = 2");
  assert_int_equal(fhx__store_read_task(store, WORK_JOB, 2, &task, NULL), FHX_ERR_STORE);
  assert_int_equal(work_claim(store, "x", WORK_LEASE_US, &task), FHX_ERR_STORE);
  run_sql(at.path, "UPDATE task SET resource_type = 'Group' WHERE task_index = 2");
  /* The claim that could not be answered was not taken. */
  assert_int_equal(work_claim(store, "y", WORK_LEASE_US, &task), FHX_OK);
  assert_int_equal(task.record.fence, 1);
  fhx__task_entry_free(&task);
  fhx_store_free(store);
  test_folder_remove(at.folder);
}

static void the_systems_clock_is_the_default(void **state) {
  fhx__job_entry job = {0};
  (void)state;
  fhx_store *store = open_store(":memory:");
  const int64_t before_us = fhx__clock_now_us();
  assert_int_equal(work_create(store), FHX_OK);
  assert_int_equal(fhx__store_read_job(store, WORK_JOB, &job, NULL), FHX_OK);
  assert_true(job.record.created_us >= before_us);
  assert_true(job.record.created_us <= fhx__clock_now_us());
  fhx__job_entry_free(&job);
  fhx_store_free(store);
}

/* --- threads and handles --- */

static void racers_never_share_a_fence(void **state) {
  place at;
  fhx_store *stores[2];
  (void)state;
  place_new(&at);
  work_race *shared = work_race_new();
  for (int i = 0; i < 2; i++) {
    assert_int_equal(try_open(at.path, work_race_clock, shared, &stores[i], NULL), FHX_OK);
  }
  work_race_run(shared, stores[0], stores[1], 4);
  fhx_store_free(stores[0]);
  fhx_store_free(stores[1]);
  test_folder_remove(at.folder);
}

static void *open_along(void *user_data) {
  fhx_store *store = NULL;
  return try_open(user_data, NULL, NULL, &store, NULL) == FHX_OK ? store : NULL;
}

static void a_new_file_can_be_opened_by_all_at_once(void **state) {
  (void)state;
  for (int round = 0; round < 5; round++) {
    place at;
    pthread_t threads[OPENERS];
    void *stores[OPENERS];
    place_new(&at);
    for (int i = 0; i < OPENERS; i++) {
      assert_int_equal(pthread_create(&threads[i], NULL, open_along, at.path), 0);
    }
    for (int i = 0; i < OPENERS; i++) assert_int_equal(pthread_join(threads[i], &stores[i]), 0);
    for (int i = 0; i < OPENERS; i++) assert_non_null(stores[i]);
    assert_int_equal(work_create(stores[0]), FHX_OK);
    for (int i = 1; i < OPENERS; i++) assert_int_equal(work_create(stores[i]), FHX_ERR_EXISTS);
    for (int i = 0; i < OPENERS; i++) fhx_store_free(stores[i]);
    assert_int_equal(test_folder_count(at.folder), 1);
    test_folder_remove(at.folder);
  }
}

/* --- a crash --- */

/* Goes on from what is recorded, and tells each checkpoint's number when it was taken. */
_Noreturn static void checkpoint_until_killed(const char *path, int acknowledge) {
  fhx_store *store = NULL;
  fhx__task_entry task = {0};
  if (try_open(path, NULL, NULL, &store, NULL) != FHX_OK) _exit(1);
  work_create(store);
  if (work_claim(store, "w", WORK_LEASE_US, &task) != FHX_OK) _exit(2);
  if (task.record.task_index == 0) {
    if (work_plan(store, task.record.fence, 1) != FHX_OK) _exit(3);
    if (work_claim(store, "w", WORK_LEASE_US, &task) != FHX_OK) _exit(4);
  }
  for (uint64_t seq = task.record.next_seq;; seq++) {
    if (work_advance(store, 1, task.record.fence, seq, 0, NULL) != FHX_OK) _exit(5);
    if (write(acknowledge, &seq, sizeof seq) != (ssize_t)sizeof seq) _exit(6);
  }
}

/* Kills the child after so many acknowledged checkpoints and a moment; the last one it told. */
static uint64_t kill_in_the_middle(const char *path, unsigned checkpoints, unsigned moment_us) {
  int ends[2];
  uint64_t seq = 0, last = 0;
  assert_int_equal(pipe(ends), 0);
  const pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    close(ends[0]);
    checkpoint_until_killed(path, ends[1]);
  }
  close(ends[1]);
  for (unsigned i = 0; i < checkpoints; i++) {
    assert_int_equal(read(ends[0], &seq, sizeof seq), sizeof seq);
    last = seq;
  }
  fhx__clock_sleep_us(moment_us);
  assert_int_equal(kill(child, SIGKILL), 0);
  int how = 0;
  assert_int_equal(waitpid(child, &how, 0), child);
  assert_true(WIFSIGNALED(how));
  while (read(ends[0], &seq, sizeof seq) == (ssize_t)sizeof seq) last = seq;
  close(ends[0]);
  return last;
}

static void a_killed_process_leaves_whole_steps(void **state) {
  place at;
  (void)state;
  place_new(&at);
  for (unsigned round = 0; round < 15; round++) {
    const uint64_t told = kill_in_the_middle(at.path, 1 + round % 3, 700 * (round % 7));
    fhx_store *store = open_store(at.path);
    const uint64_t next_seq = work_assert_whole(store, 1);
    /* What was told is there; at most one more was taken before it could be told. */
    assert_in_range(next_seq, told + 1, told + 2);
    assert_int_equal(work_count_lines(store), next_seq - 1);
    fhx_store_free(store);
  }
  test_folder_remove(at.folder);
}

/* --- out of memory --- */

static int32_t open_in_memory(void *context, fhx_store **store) {
  (void)context;
  return try_open(":memory:", NULL, NULL, store, NULL);
}

static void every_allocation_may_fail(void **state) {
  uint64_t number = 0;
  (void)state;
  do {
    test_memory_begin(++number);
    work_live(open_in_memory, NULL);
  } while (test_memory_end());
  assert_true(number > 5);
}

/* SQLite's own allocator, with one allocation that fails. */
static sqlite3_mem_methods real_memory;
static uint64_t sqlite_fail_number, sqlite_asked;

static int is_sqlite_failing(void) {
  return ++sqlite_asked == sqlite_fail_number;
}

static void *sqlite_allocate(int byte_count) {
  return is_sqlite_failing() ? NULL : real_memory.xMalloc(byte_count);
}

static void *sqlite_reallocate(void *block, int byte_count) {
  return is_sqlite_failing() ? NULL : real_memory.xRealloc(block, byte_count);
}

static void sqlites_allocations_may_fail_too(void **state) {
  (void)state;
  assert_int_equal(sqlite3_shutdown(), SQLITE_OK);
  assert_int_equal(sqlite3_config(SQLITE_CONFIG_GETMALLOC, &real_memory), SQLITE_OK);
  sqlite3_mem_methods failing = real_memory;
  failing.xMalloc = sqlite_allocate;
  failing.xRealloc = sqlite_reallocate;
  assert_int_equal(sqlite3_config(SQLITE_CONFIG_MALLOC, &failing), SQLITE_OK);
  assert_int_equal(sqlite3_initialize(), SQLITE_OK);
  uint64_t number = 0;
  do {
    /* Every one of the first hundred; then in growing steps, since the same places come again. */
    number += 1 + number / 100;
    sqlite_asked = 0;
    sqlite_fail_number = number;
    work_live(open_in_memory, NULL);
  } while (sqlite_asked >= sqlite_fail_number);
  assert_true(number > 50);
  assert_int_equal(sqlite3_memory_used(), 0);
  assert_int_equal(sqlite3_shutdown(), SQLITE_OK);
  assert_int_equal(sqlite3_config(SQLITE_CONFIG_MALLOC, &real_memory), SQLITE_OK);
  assert_int_equal(sqlite3_initialize(), SQLITE_OK);
}

static int run_conformance(void) {
  static place at;
  const store_conformance subjects[] = {
      {"sqlite store in memory", NULL, make_in_memory, NULL, drop_in_memory},
      {"sqlite store in a file", &at, make_in_file, NULL, drop_in_file},
      {"sqlite store across restarts", &at, make_in_file, remake_in_file, drop_in_file},
  };
  int failures = 0;
  for (size_t i = 0; i < sizeof subjects / sizeof subjects[0]; i++) {
    failures += store_conformance_run(&subjects[i]);
  }
  return failures;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_file_is_its_owners_alone),
      cmocka_unit_test(other_files_are_refused),
      cmocka_unit_test(other_schemas_are_refused),
      cmocka_unit_test(jobs_of_the_second_schema_have_turns),
      cmocka_unit_test(an_older_schema_is_brought_up_to_date),
      cmocka_unit_test(a_place_without_a_file_is_refused),
      cmocka_unit_test(statements_use_indexes),
      cmocka_unit_test(a_step_that_breaks_changes_nothing),
      cmocka_unit_test(another_writer_means_try_again),
      cmocka_unit_test(damaged_records_are_not_passed_on),
      cmocka_unit_test(the_systems_clock_is_the_default),
      cmocka_unit_test(racers_never_share_a_fence),
      cmocka_unit_test(a_new_file_can_be_opened_by_all_at_once),
      cmocka_unit_test(a_killed_process_leaves_whole_steps),
      cmocka_unit_test(every_allocation_may_fail),
      cmocka_unit_test(sqlites_allocations_may_fail_too),
  };
  return run_conformance() + cmocka_run_group_tests_name("sqlite store", tests, NULL, NULL);
}
