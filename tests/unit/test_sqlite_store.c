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
#include <stdatomic.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/clock.h"
#include "store/sqlite_store.h"
#include "store/store.h"
#include "store_conformance.h"
#include "support/folder.h"
#include "support/memory.h"

#define JOB_ID "0123456789abcdef0123456789abcdef"
#define LEASE_US 60000000

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

/* --- a job to work on --- */

static int32_t create(fhx_store *store) {
  fhx_job_record record;
  FHX_INIT(&record);
  record.job_id = JOB_ID;
  record.resolution_us = 1000;
  record.definition = "{}";
  record.jobs_max = 9;
  record.jobs_per_client_max = 9;
  return fhx__store_create_job(store, &record, NULL);
}

static int32_t claim(fhx_store *store, const char *claim_id, int64_t lease_us,
                     fhx__task_entry *task) {
  int64_t wait_us = 0;
  return fhx__store_claim_task(store, JOB_ID, claim_id, lease_us, 1000000, task, &wait_us, NULL);
}

/* Tasks of one phase. */
static int32_t plan(fhx_store *store, uint64_t fence, uint32_t task_count) {
  fhx_task_record tasks[16];
  assert_in_range(task_count, 1, 16);
  for (uint32_t i = 0; i < task_count; i++) {
    FHX_INIT(&tasks[i]);
    tasks[i].task_index = i + 1;
    tasks[i].phase = FHX_PHASE_MAIN;
    tasks[i].resource_type = "Patient";
    tasks[i].shard_index = i;
  }
  const fhx_plan planned = {
      .job_id = JOB_ID, .fence = fence, .tasks = tasks, .task_count = task_count};
  return fhx__store_plan_tasks(store, &planned, NULL);
}

static fhx_part make_part(uint32_t task_index, uint64_t fence, uint64_t seq) {
  fhx_part part;
  memset(&part, 0, sizeof part);
  part.task_index = task_index;
  part.fence = fence;
  part.seq = seq;
  part.resource_count = seq;
  part.byte_count = 100;
  snprintf(part.resource_type, sizeof part.resource_type, "Patient");
  snprintf(part.name, sizeof part.name, "%s/Patient-%u-%llu-%llu.ndjson", JOB_ID, task_index,
           (unsigned long long)fence, (unsigned long long)seq);
  return part;
}

/* One part of `seq` resources, one error line, a token. */
static int32_t advance(fhx_store *store, uint32_t task_index, uint64_t fence, uint64_t seq,
                       uint32_t done, fhx_error **error) {
  static const uint64_t line_ends[] = {4};
  const fhx_part part = make_part(task_index, fence, seq);
  const fhx_checkpoint checkpoint = {.job_id = JOB_ID,
                                     .task_index = task_index,
                                     .done = done,
                                     .fence = fence,
                                     .seq = seq,
                                     .next_seq = seq + 1,
                                     .token = "token",
                                     .token_len = 5,
                                     .last_id = "id",
                                     .resource_count = seq,
                                     .byte_count = 100,
                                     .error_count = 1,
                                     .parts = &part,
                                     .part_count = 1,
                                     .lines = "line",
                                     .line_ends = line_ends,
                                     .line_count = 1};
  return fhx__store_record_checkpoint(store, &checkpoint, error);
}

/* A job whose task 1 is held by "w" with fence 1. */
static void begin_work(fhx_store *store, uint32_t task_count) {
  fhx__task_entry task = {0};
  assert_int_equal(create(store), FHX_OK);
  assert_int_equal(claim(store, "planner", LEASE_US, &task), FHX_OK);
  assert_int_equal(plan(store, 1, task_count), FHX_OK);
  assert_int_equal(claim(store, "w", LEASE_US, &task), FHX_OK);
  assert_int_equal(task.record.task_index, 1);
  fhx__task_entry_free(&task);
}

/* What is recorded of a task must agree with its parts: their numbers run from 1 without a gap. The
   next number of a part. */
static uint64_t assert_whole(fhx_store *store, uint32_t task_index) {
  fhx__task_entry task = {0};
  fhx__buffer parts = {0};
  assert_int_equal(fhx__store_read_task(store, JOB_ID, task_index, &task, NULL), FHX_OK);
  const uint32_t limit = 100000;
  assert_int_equal(fhx__store_list_parts(store, JOB_ID, task_index, 0, limit, &parts, NULL),
                   FHX_OK);
  const fhx_part *part = (const fhx_part *)(const void *)parts.data;
  const size_t count = parts.len / sizeof *part;
  uint64_t resources = 0, own = 0;
  for (size_t i = 0; i < count && part[i].task_index == task_index; i++) {
    own++;
    resources += part[i].resource_count;
    assert_int_equal(part[i].seq, own);
  }
  const uint64_t next_seq = task.record.next_seq;
  assert_int_equal(next_seq, own + 1);
  assert_int_equal(task.record.resource_count, resources);
  assert_int_equal(task.record.byte_count, 100 * own);
  assert_int_equal(task.record.error_count, own);
  fhx__buffer_free(&parts);
  fhx__task_entry_free(&task);
  return next_seq;
}

static uint32_t count_lines(fhx_store *store) {
  fhx_reply lines;
  assert_int_equal(fhx__store_list_lines(store, JOB_ID, 0, 1000000, &lines, NULL), FHX_OK);
  const uint32_t count = (uint32_t)fhx__reply_item_count(&lines);
  fhx__reply_end(&lines);
  return count;
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
  assert_int_equal(create(store), FHX_OK);
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
  run_sql(at.path, "PRAGMA user_version = 2");
  assert_refused(&at, FHX_ERR_UNSUPPORTED, "schema version 2");
  run_sql(at.path, "PRAGMA user_version = 1");
  fhx_store_free(open_store(at.path));
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
  begin_work(store, 1);
  /* Two parts of one number: the second one's row cannot be. */
  const fhx_part parts[2] = {make_part(1, 1, 1), make_part(1, 1, 1)};
  fhx_checkpoint checkpoint = {.job_id = JOB_ID,
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
  assert_int_equal(assert_whole(store, 1), 1);
  /* More than a database integer holds, at once and added up. */
  checkpoint.part_count = 1;
  checkpoint.next_seq = 2;
  checkpoint.resource_count = UINT64_MAX;
  assert_int_equal(fhx__store_record_checkpoint(store, &checkpoint, NULL), FHX_ERR_STORE);
  assert_int_equal(assert_whole(store, 1), 1);
  assert_int_equal(advance(store, 1, 1, 1, 0, NULL), FHX_OK);
  checkpoint.seq = 2;
  checkpoint.next_seq = 3;
  checkpoint.part_count = 0;
  checkpoint.resource_count = INT64_MAX;
  assert_int_equal(fhx__store_record_checkpoint(store, &checkpoint, NULL), FHX_ERR_STORE);
  assert_int_equal(assert_whole(store, 1), 2);
  assert_int_equal(advance(store, 1, 1, 2, 1, NULL), FHX_OK);
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
  begin_work(store, 1);
  assert_int_equal(sqlite3_open(at.path, &raw), SQLITE_OK);
  assert_int_equal(sqlite3_exec(raw, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
  assert_int_equal(advance(store, 1, 1, 1, 1, &error), FHX_ERR_STORE);
  assert_int_equal(fhx_error_retryable(error), 1);
  assert_non_null(strstr(fhx_error_message(error), "the store's record_checkpoint: "));
  fhx_error_free(error);
  /* Readers go on meanwhile, and see that nothing was taken. */
  assert_int_equal(assert_whole(store, 1), 1);
  assert_int_equal(sqlite3_exec(raw, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
  sqlite3_close(raw);
  assert_int_equal(advance(store, 1, 1, 1, 1, NULL), FHX_OK);
  assert_int_equal(assert_whole(store, 1), 2);
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
  begin_work(store, 2);
  run_sql(at.path, "UPDATE task SET resource_type = 'no type' WHERE task_index = 2");
  assert_int_equal(fhx__store_read_task(store, JOB_ID, 2, &task, NULL), FHX_ERR_STORE);
  assert_int_equal(claim(store, "x", LEASE_US, &task), FHX_ERR_STORE);
  run_sql(at.path, "UPDATE task SET resource_type = 'Group' WHERE task_index = 2");
  /* The claim that could not be answered was not taken. */
  assert_int_equal(claim(store, "y", LEASE_US, &task), FHX_OK);
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
  assert_int_equal(create(store), FHX_OK);
  assert_int_equal(fhx__store_read_job(store, JOB_ID, &job, NULL), FHX_OK);
  assert_true(job.record.created_us >= before_us);
  assert_true(job.record.created_us <= fhx__clock_now_us());
  fhx__job_entry_free(&job);
  fhx_store_free(store);
}

/* --- threads and handles --- */

#define RACERS 4
#define RACE_TASKS 6
#define RACE_CHECKPOINTS 12
#define FENCES_MAX 4000

typedef struct race {
  fhx_store *stores[2];
  /* How often each fence of each task was given out, and each number of a part recorded. */
  atomic_int claims[RACE_TASKS + 1][FENCES_MAX];
  atomic_int recorded[RACE_TASKS + 1][RACE_CHECKPOINTS + 2];
  atomic_llong now_us;
} race;

typedef struct racer {
  race *shared;
  int number;
  pthread_t thread;
} racer;

/* Time flies, so that leases lapse under their holders again and again. */
static int64_t racing_clock(void *user_data) {
  return atomic_fetch_add(&((race *)user_data)->now_us, 1000);
}

/* Works on a task until it is done, or somebody else has it. */
static void work(race *shared, fhx_store *store, const fhx_task_record *task) {
  uint64_t seq = task->next_seq;
  for (; seq <= RACE_CHECKPOINTS; seq++) {
    fhx__store_renew_task(store, JOB_ID, task->task_index, task->fence, seq, 0, 20000, NULL);
    /* Twice, as after a lost answer: at most one may be taken. */
    const uint32_t done = seq == RACE_CHECKPOINTS;
    int32_t status = FHX_OK;
    for (int i = 0; i < 2; i++) {
      status = advance(store, task->task_index, task->fence, seq, done, NULL);
      if (status == FHX_OK) atomic_fetch_add(&shared->recorded[task->task_index][seq], 1);
    }
    fhx__task_entry now = {0};
    assert_int_equal(fhx__store_read_task(store, JOB_ID, task->task_index, &now, NULL), FHX_OK);
    const bool mine = now.record.fence == task->fence && now.record.next_seq == seq + 1;
    fhx__task_entry_free(&now);
    if (!mine) return;
  }
}

static void *race_along(void *user_data) {
  racer *self = user_data;
  race *shared = self->shared;
  fhx_store *store = shared->stores[self->number % 2];
  for (int i = 0;; i++) {
    char claim_id[32];
    fhx__task_entry task = {0};
    snprintf(claim_id, sizeof claim_id, "%d-%d", self->number, i);
    int32_t status = claim(store, claim_id, 20000, &task);
    if (status == FHX_OK) {
      assert_in_range(task.record.fence, 1, FENCES_MAX - 1);
      atomic_fetch_add(&shared->claims[task.record.task_index][task.record.fence], 1);
      work(shared, store, &task.record);
    }
    fhx__task_entry_free(&task);
    if (status == FHX_END) return NULL;
    assert_true(status == FHX_OK || status == FHX_WAIT);
  }
}

static void racers_never_share_a_fence(void **state) {
  place at;
  (void)state;
  place_new(&at);
  race *shared = calloc(1, sizeof *shared);
  assert_non_null(shared);
  atomic_store(&shared->now_us, 1);
  for (int i = 0; i < 2; i++) {
    assert_int_equal(try_open(at.path, racing_clock, shared, &shared->stores[i], NULL), FHX_OK);
  }
  fhx__task_entry task = {0};
  assert_int_equal(create(shared->stores[0]), FHX_OK);
  assert_int_equal(claim(shared->stores[1], "planner", LEASE_US, &task), FHX_OK);
  assert_int_equal(plan(shared->stores[0], 1, RACE_TASKS), FHX_OK);
  fhx__task_entry_free(&task);
  racer racers[RACERS];
  for (int i = 0; i < RACERS; i++) {
    racers[i] = (racer){.shared = shared, .number = i};
    assert_int_equal(pthread_create(&racers[i].thread, NULL, race_along, &racers[i]), 0);
  }
  for (int i = 0; i < RACERS; i++) assert_int_equal(pthread_join(racers[i].thread, NULL), 0);
  for (uint32_t i = 1; i <= RACE_TASKS; i++) {
    for (int fence = 0; fence < FENCES_MAX; fence++) {
      assert_in_range(atomic_load(&shared->claims[i][fence]), 0, 1);
    }
    for (int seq = 1; seq <= RACE_CHECKPOINTS; seq++) {
      assert_int_equal(atomic_load(&shared->recorded[i][seq]), 1);
    }
    assert_int_equal(assert_whole(shared->stores[0], i), RACE_CHECKPOINTS + 1);
  }
  assert_int_equal(count_lines(shared->stores[1]), RACE_TASKS * RACE_CHECKPOINTS);
  fhx_store_free(shared->stores[0]);
  fhx_store_free(shared->stores[1]);
  free(shared);
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
    pthread_t threads[RACERS];
    void *stores[RACERS];
    place_new(&at);
    for (int i = 0; i < RACERS; i++) {
      assert_int_equal(pthread_create(&threads[i], NULL, open_along, at.path), 0);
    }
    for (int i = 0; i < RACERS; i++) assert_int_equal(pthread_join(threads[i], &stores[i]), 0);
    for (int i = 0; i < RACERS; i++) assert_non_null(stores[i]);
    assert_int_equal(create(stores[0]), FHX_OK);
    for (int i = 1; i < RACERS; i++) assert_int_equal(create(stores[i]), FHX_ERR_EXISTS);
    for (int i = 0; i < RACERS; i++) fhx_store_free(stores[i]);
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
  create(store);
  if (claim(store, "w", LEASE_US, &task) != FHX_OK) _exit(2);
  if (task.record.task_index == 0) {
    if (plan(store, task.record.fence, 1) != FHX_OK) _exit(3);
    if (claim(store, "w", LEASE_US, &task) != FHX_OK) _exit(4);
  }
  for (uint64_t seq = task.record.next_seq;; seq++) {
    if (advance(store, 1, task.record.fence, seq, 0, NULL) != FHX_OK) _exit(5);
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
    const uint64_t next_seq = assert_whole(store, 1);
    /* What was told is there; at most one more was taken before it could be told. */
    assert_in_range(next_seq, told + 1, told + 2);
    assert_int_equal(count_lines(store), next_seq - 1);
    fhx_store_free(store);
  }
  test_folder_remove(at.folder);
}

/* --- out of memory --- */

/* What a step says when its first try is denied memory: nothing was changed, so the second is as
   good as the first. Only one allocation fails, so the second has enough. */
#define TRY_TWICE(expected, call)                   \
  do {                                              \
    int32_t tried = (call);                         \
    if (tried == FHX_ERR_NO_MEMORY) tried = (call); \
    assert_int_equal(tried, expected);              \
  } while (0)

static int32_t add_member(fhx_store *store) {
  static const char *const texts[] = {"p"};
  const fhx_members members = {JOB_ID, 0, FHX_MEMBERS_PATIENT, 1, texts, 1};
  return fhx__store_add_members(store, &members, NULL);
}

static int32_t list_members(fhx_store *store) {
  fhx_reply members;
  int32_t status =
      fhx__store_list_members(store, JOB_ID, FHX_MEMBERS_PATIENT, "", 9, &members, NULL);
  if (status == FHX_OK) assert_int_equal(fhx__reply_item_count(&members), 1);
  fhx__reply_end(&members);
  return status;
}

/* A job's life, from a new store to a removed record. */
static void live(void) {
  fhx_store *store = NULL;
  fhx__job_entry job = {0};
  fhx__task_entry task = {0};
  fhx__buffer list = {0};
  fhx_reply lines;
  int64_t wait_us = 0;
  char job_id[FHX__JOB_ID_LEN + 1];
  TRY_TWICE(FHX_OK, try_open(":memory:", NULL, NULL, &store, NULL));
  TRY_TWICE(FHX_OK, create(store));
  TRY_TWICE(FHX_OK, claim(store, "planner", LEASE_US, &task));
  TRY_TWICE(FHX_OK, add_member(store));
  TRY_TWICE(FHX_OK, list_members(store));
  TRY_TWICE(FHX_OK, plan(store, 1, 1));
  TRY_TWICE(FHX_OK, claim(store, "w", LEASE_US, &task));
  assert_int_equal(task.record.fence, 1);
  TRY_TWICE(FHX_OK, advance(store, 1, 1, 1, 0, NULL));
  TRY_TWICE(FHX_OK, fhx__store_renew_task(store, JOB_ID, 1, 1, 2, 0, LEASE_US, NULL));
  TRY_TWICE(FHX_ERR_REFUSED, advance(store, 1, 1, 1, 0, NULL));
  TRY_TWICE(FHX_OK, fhx__store_read_job(store, JOB_ID, &job, NULL));
  assert_string_equal(job.record.definition, "{}");
  TRY_TWICE(FHX_OK, fhx__store_read_task(store, JOB_ID, 1, &task, NULL));
  assert_int_equal(task.record.next_seq, 2);
  TRY_TWICE(FHX_OK, fhx__store_list_parts(store, JOB_ID, 0, 0, 9, &list, NULL));
  assert_int_equal(list.len, sizeof(fhx_part));
  TRY_TWICE(FHX_OK, fhx__store_list_attempts(store, JOB_ID, 0, 0, 9, &list, NULL));
  assert_int_equal(list.len, sizeof(fhx_part) + 2 * sizeof(fhx__attempt));
  int32_t status = fhx__store_list_lines(store, JOB_ID, 0, 9, &lines, NULL);
  fhx__reply_end(&lines);
  if (status == FHX_ERR_NO_MEMORY) {
    status = fhx__store_list_lines(store, JOB_ID, 0, 9, &lines, NULL);
    fhx__reply_end(&lines);
  }
  assert_int_equal(status, FHX_OK);
  TRY_TWICE(FHX_OK, advance(store, 1, 1, 2, 1, NULL));
  TRY_TWICE(FHX_OK, fhx__store_read_job(store, JOB_ID, &job, NULL));
  assert_int_equal(job.record.state, FHX_JOB_COMPLETE);
  assert_int_equal(job.record.resource_count, 3);
  TRY_TWICE(FHX_END, fhx__store_next_cleanup(store, LEASE_US, NULL, job_id, NULL));
  TRY_TWICE(FHX_OK, fhx__store_remove_job(store, JOB_ID, NULL));
  TRY_TWICE(FHX_OK, fhx__store_next_cleanup(store, LEASE_US, NULL, job_id, NULL));
  TRY_TWICE(FHX_OK, fhx__store_clean_job(store, JOB_ID, &wait_us, NULL));
  TRY_TWICE(FHX_ERR_NOT_FOUND, fhx__store_read_job(store, JOB_ID, &job, NULL));
  fhx__job_entry_free(&job);
  fhx__task_entry_free(&task);
  fhx__buffer_free(&list);
  fhx_store_free(store);
}

static void every_allocation_may_fail(void **state) {
  uint64_t number = 0;
  (void)state;
  do {
    test_memory_begin(++number);
    live();
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
    live();
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
