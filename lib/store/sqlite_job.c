/* The SQLite store's steps on whole jobs: create, read, hold, remove, clean, and find one to clean.
 */
#include <string.h>

#include "store/sqlite_store.h"

/* How many jobs one step expires at most: others wait for its transaction. */
#define EXPIRE_MAX 100

/* When a hold that begins now lapses; 0 for none. */
static int64_t hold_end(const fhx__sqlite *db, int64_t hold_us) {
  return hold_us <= 0 ? 0 : fhx__sqlite_lease_end(db, hold_us);
}

static int32_t insert_job(fhx__sqlite *db, const fhx_job_record *record) {
  sqlite3_stmt *statement = fhx__sqlite_statement(db, FHX__SQL_JOB_INSERT);
  fhx__sqlite_bind_text(db, statement, 1, record->job_id);
  fhx__sqlite_bind_integer(db, statement, 2, db->now_us);
  fhx__sqlite_bind_integer(db, statement, 3, record->transaction_time_us);
  fhx__sqlite_bind_integer(db, statement, 4, record->resolution_us);
  fhx__sqlite_bind_text(db, statement, 5, record->tenant);
  fhx__sqlite_bind_text(db, statement, 6, record->client);
  fhx__sqlite_bind_text(db, statement, 7, record->request);
  fhx__sqlite_bind_bytes(db, statement, 8, record->host_context, record->host_context_len);
  fhx__sqlite_bind_text(db, statement, 9, record->definition);
  fhx__sqlite_bind_integer(db, statement, 10, hold_end(db, record->hold_us));
  fhx__sqlite_bind_text(db, statement, 11, record->parameters);
  fhx__sqlite_bind_bytes(db, statement, 12, record->identity,
                         record->identity == NULL ? 0 : FHX_IDENTITY_LEN);
  return fhx__sqlite_run(db, statement);
}

/* Task 0 makes the plan. */
static int32_t insert_first_task(fhx__sqlite *db, int64_t job_key) {
  sqlite3_stmt *statement = fhx__sqlite_statement(db, FHX__SQL_TASK_INSERT);
  fhx__sqlite_bind_integer(db, statement, 1, job_key);
  fhx__sqlite_bind_integer(db, statement, 2, 0);
  fhx__sqlite_bind_integer(db, statement, 3, FHX_PHASE_PLAN);
  fhx__sqlite_bind_text(db, statement, 4, "");
  fhx__sqlite_bind_integer(db, statement, 5, 0);
  fhx__sqlite_bind_bytes(db, statement, 6, NULL, 0);
  fhx__sqlite_bind_integer(db, statement, 7, 0);
  return fhx__sqlite_run(db, statement);
}

/* It comes behind what was served last, and behind its client's other jobs. */
static int32_t insert_turn(fhx__sqlite *db, int64_t job_key, const fhx_job_record *record) {
  sqlite3_stmt *statement = fhx__sqlite_statement(db, FHX__SQL_TURN_INSERT);
  fhx__sqlite_bind_integer(db, statement, 1, job_key);
  fhx__sqlite_bind_text(db, statement, 2, record->tenant);
  fhx__sqlite_bind_text(db, statement, 3, record->client);
  return fhx__sqlite_run(db, statement);
}

/* Answers with the running job that was created for the same: FHX_OK. FHX_END: there is none. */
static int32_t join_identical(fhx__sqlite *db, const fhx_job_record *record, fhx_reply *reply) {
  if (record->identity == NULL) return FHX_END;
  sqlite3_stmt *statement = fhx__sqlite_statement(db, FHX__SQL_JOB_IDENTICAL);
  fhx__sqlite_bind_text(db, statement, 1, record->tenant);
  fhx__sqlite_bind_text(db, statement, 2, record->client);
  fhx__sqlite_bind_bytes(db, statement, 3, record->identity, FHX_IDENTITY_LEN);
  if (!fhx__sqlite_row(db, statement)) return db->code == SQLITE_OK ? FHX_END : FHX_ERR_STORE;
  const char *job_id = fhx__sqlite_text(db, statement, 0);
  return job_id == NULL ? FHX_ERR_STORE : fhx_reply_item(reply, job_id, strlen(job_id));
}

/* FHX_OK while the record's limits have room for one more running job. */
static int32_t check_limits(fhx__sqlite *db, const fhx_job_record *record) {
  if (record->jobs_max != 0) {
    sqlite3_stmt *statement = fhx__sqlite_statement(db, FHX__SQL_JOB_LIMIT);
    fhx__sqlite_bind_count(db, statement, 1, record->jobs_max - 1);
    if (fhx__sqlite_row(db, statement)) {
      return fhx__sqlite_refuse(db, FHX_ERR_LIMIT, "as many jobs run as may run at a time");
    }
  }
  if (record->jobs_per_client_max != 0) {
    sqlite3_stmt *statement = fhx__sqlite_statement(db, FHX__SQL_JOB_CLIENT_LIMIT);
    fhx__sqlite_bind_count(db, statement, 1, record->jobs_per_client_max - 1);
    fhx__sqlite_bind_text(db, statement, 2, record->tenant);
    fhx__sqlite_bind_text(db, statement, 3, record->client);
    if (fhx__sqlite_row(db, statement)) {
      return fhx__sqlite_refuse(db, FHX_ERR_LIMIT,
                                "as many jobs of this client run as may run at a time");
    }
  }
  return fhx__sqlite_status(db);
}

static int32_t create_job(fhx__sqlite *db, const fhx_job_record *record, fhx_reply *reply) {
  fhx__sqlite_job job;
  int32_t status = fhx__sqlite_find_job(db, record->job_id, &job);
  if (status == FHX_OK) {
    return fhx__sqlite_refuse(db, FHX_ERR_EXISTS, "there is a job of that id");
  }
  if (status == FHX_ERR_NOT_FOUND) status = join_identical(db, record, reply);
  if (status != FHX_END) return status;
  status = check_limits(db, record);
  if (status == FHX_OK) status = insert_job(db, record);
  if (status != FHX_OK) return status;
  const int64_t job_key = sqlite3_last_insert_rowid(db->connection);
  status = insert_first_task(db, job_key);
  return status == FHX_OK ? insert_turn(db, job_key, record) : status;
}

void fhx__sqlite_create_job(void *user_data, const fhx_job_record *record, fhx_reply *reply) {
  fhx__sqlite *db = user_data;
  int32_t status = fhx__sqlite_begin(db, true, reply);
  if (status == FHX_OK) status = create_job(db, record, reply);
  fhx__sqlite_end(db, status, reply);
}

static void read_sums(fhx__sqlite *db, int64_t job_key, fhx_job_record *record) {
  sqlite3_stmt *statement = fhx__sqlite_statement(db, FHX__SQL_JOB_SUMS);
  fhx__sqlite_bind_integer(db, statement, 1, job_key);
  fhx__sqlite_bind_integer(db, statement, 2, db->now_us);
  if (!fhx__sqlite_row(db, statement)) return;
  record->task_count = fhx__sqlite_count(statement, 0);
  record->task_done_count = fhx__sqlite_count(statement, 1);
  record->resource_count = fhx__sqlite_count(statement, 2);
  record->byte_count = fhx__sqlite_count(statement, 3);
  record->error_count = fhx__sqlite_count(statement, 4);
  record->estimated_resources = fhx__sqlite_count(statement, 5);
  record->resource_mark = fhx__sqlite_count(statement, 6);
  record->attempt_count = fhx__sqlite_count(statement, 7);
  record->is_waiting = fhx__sqlite_count(statement, 8) == 0 ? 1 : 0;
  record->retry_count = fhx__sqlite_count(statement, 9);
}

/* Not for polls: it looks at each part. */
static void read_part_count(fhx__sqlite *db, int64_t job_key, fhx_job_record *record) {
  sqlite3_stmt *statement = fhx__sqlite_statement(db, FHX__SQL_JOB_PARTS);
  fhx__sqlite_bind_integer(db, statement, 1, job_key);
  if (fhx__sqlite_row(db, statement)) record->part_count = fhx__sqlite_count(statement, 0);
}

int32_t fhx__sqlite_job_record(fhx__sqlite *db, int64_t job_key, bool is_listed,
                               fhx_job_record *record) {
  FHX_INIT(record);
  read_sums(db, job_key, record);
  if (is_listed) read_part_count(db, job_key, record);
  record->page_count = fhx__sqlite_page_count(db, job_key);
  sqlite3_stmt *statement = fhx__sqlite_statement(db, FHX__SQL_JOB_READ);
  fhx__sqlite_bind_integer(db, statement, 1, job_key);
  if (!fhx__sqlite_row(db, statement)) return FHX_ERR_STORE;
  record->state = fhx__sqlite_small(statement, 0);
  record->job_id = fhx__sqlite_text(db, statement, 1);
  record->tenant = fhx__sqlite_text(db, statement, 2);
  record->client = fhx__sqlite_text(db, statement, 3);
  if (!is_listed) {
    record->request = fhx__sqlite_text(db, statement, 4);
    record->definition = fhx__sqlite_text(db, statement, 5);
    record->host_context = fhx__sqlite_bytes(db, statement, 6, &record->host_context_len);
  }
  record->transaction_time_us = sqlite3_column_int64(statement, 7);
  record->resolution_us = sqlite3_column_int64(statement, 8);
  record->reason = fhx__sqlite_text(db, statement, 9);
  record->reason_status = sqlite3_column_int(statement, 10);
  record->cleanup_due = fhx__sqlite_small(statement, 11);
  record->created_us = sqlite3_column_int64(statement, 12);
  record->ended_us = sqlite3_column_int64(statement, 13);
  const int64_t held_until_us = sqlite3_column_int64(statement, 14);
  record->hold_us = held_until_us > db->now_us ? held_until_us - db->now_us : 0;
  record->parameters = fhx__sqlite_text(db, statement, 15);
  if (record->state != FHX_JOB_RUNNING) record->is_waiting = 0;
  return fhx__sqlite_status(db);
}

static int32_t read_job(fhx__sqlite *db, const char *job_id, fhx_reply *reply) {
  fhx__sqlite_job job;
  fhx_job_record record;
  int32_t status = fhx__sqlite_find_job(db, job_id, &job);
  if (status == FHX_OK) status = fhx__sqlite_job_record(db, job.key, false, &record);
  return status == FHX_OK ? fhx_reply_job(reply, &record) : status;
}

void fhx__sqlite_read_job(void *user_data, const char *job_id, fhx_reply *reply) {
  fhx__sqlite *db = user_data;
  int32_t status = fhx__sqlite_begin(db, false, reply);
  if (status == FHX_OK) status = read_job(db, job_id, reply);
  fhx__sqlite_end(db, status, reply);
}

static int32_t remove_job(fhx__sqlite *db, const char *job_id) {
  fhx__sqlite_job job;
  int32_t status = fhx__sqlite_find_job(db, job_id, &job);
  if (status != FHX_OK || job.state == FHX_JOB_REMOVING) return status;
  sqlite3_stmt *statement = fhx__sqlite_statement(db, FHX__SQL_JOB_REMOVE);
  fhx__sqlite_bind_integer(db, statement, 1, job.key);
  fhx__sqlite_bind_integer(db, statement, 2, db->now_us);
  fhx__sqlite_run(db, statement);
  return fhx__sqlite_end_turn(db, job.key);
}

void fhx__sqlite_remove_job(void *user_data, const char *job_id, fhx_reply *reply) {
  fhx__sqlite *db = user_data;
  int32_t status = fhx__sqlite_begin(db, true, reply);
  if (status == FHX_OK) status = remove_job(db, job_id);
  fhx__sqlite_end(db, status, reply);
}

static int32_t hold_job(fhx__sqlite *db, const char *job_id, int64_t hold_us) {
  fhx__sqlite_job job;
  int32_t status = fhx__sqlite_find_job(db, job_id, &job);
  if (status != FHX_OK) return status;
  if (job.state != FHX_JOB_RUNNING && job.cleanup_due == 0) {
    return fhx__sqlite_refuse(db, FHX_ERR_REFUSED, "the job is over");
  }
  sqlite3_stmt *statement = fhx__sqlite_statement(db, FHX__SQL_JOB_HOLD);
  fhx__sqlite_bind_integer(db, statement, 1, job.key);
  fhx__sqlite_bind_integer(db, statement, 2, hold_end(db, hold_us));
  return fhx__sqlite_run(db, statement);
}

void fhx__sqlite_hold_job(void *user_data, const char *job_id, int64_t hold_us, fhx_reply *reply) {
  fhx__sqlite *db = user_data;
  int32_t status = fhx__sqlite_begin(db, true, reply);
  if (status == FHX_OK) status = hold_job(db, job_id, hold_us);
  fhx__sqlite_end(db, status, reply);
}

/* FHX_WAIT while a worker may still be writing: FHX_OK when every lease is over. */
static int32_t check_leases(fhx__sqlite *db, int64_t job_key) {
  sqlite3_stmt *statement = fhx__sqlite_statement(db, FHX__SQL_JOB_LEASES);
  fhx__sqlite_bind_integer(db, statement, 1, job_key);
  fhx__sqlite_bind_integer(db, statement, 2, db->now_us);
  if (!fhx__sqlite_row(db, statement)) return FHX_ERR_STORE;
  if (sqlite3_column_type(statement, 0) == SQLITE_NULL) return FHX_OK;
  return fhx__sqlite_wait_until(db, sqlite3_column_int64(statement, 0));
}

/* The members go first, in as many steps as that takes; all else then goes in one. */
static int32_t clean_job(fhx__sqlite *db, const char *job_id) {
  fhx__sqlite_job job;
  int32_t status = fhx__sqlite_find_job(db, job_id, &job);
  if (status != FHX_OK) return status;
  if (job.cleanup_due == 0) {
    return fhx__sqlite_refuse(db, FHX_ERR_REFUSED, "the job has nothing to be cleaned up");
  }
  status = check_leases(db, job.key);
  if (status == FHX_OK) status = fhx__sqlite_drop_members(db, job.key);
  if (status != FHX_OK) return status;
  fhx__sqlite_run_for(db, FHX__SQL_PART_DELETE_ALL, job.key, 0);
  fhx__sqlite_run_for(db, FHX__SQL_LINE_DELETE_ALL, job.key, 0);
  fhx__sqlite_run_for(db, FHX__SQL_ATTEMPT_DELETE_ALL, job.key, 0);
  fhx__sqlite_run_for(db, FHX__SQL_PAGE_DELETE_ALL, job.key, 0);
  if (job.state != FHX_JOB_REMOVING) {
    return fhx__sqlite_run_for(db, FHX__SQL_JOB_CLEANED, job.key, 0);
  }
  fhx__sqlite_run_for(db, FHX__SQL_TASK_DELETE_ALL, job.key, 0);
  return fhx__sqlite_run_for(db, FHX__SQL_JOB_DELETE, job.key, 0);
}

void fhx__sqlite_clean_job(void *user_data, const char *job_id, fhx_reply *reply) {
  fhx__sqlite *db = user_data;
  int32_t status = fhx__sqlite_begin(db, true, reply);
  if (status == FHX_OK) status = clean_job(db, job_id);
  fhx__sqlite_end(db, status, reply);
}

/* Turns jobs that have been kept long enough into removing ones. */
static int32_t expire_jobs(fhx__sqlite *db, int64_t keep_us) {
  if (keep_us < 0 || db->now_us < INT64_MIN + keep_us) return FHX_OK;
  sqlite3_stmt *statement = fhx__sqlite_statement(db, FHX__SQL_JOB_EXPIRE);
  fhx__sqlite_bind_integer(db, statement, 1, db->now_us - keep_us);
  fhx__sqlite_bind_integer(db, statement, 2, EXPIRE_MAX);
  return fhx__sqlite_run(db, statement);
}

static int32_t next_cleanup(fhx__sqlite *db, const char *after_job_id, fhx_reply *reply) {
  sqlite3_stmt *statement = fhx__sqlite_statement(db, FHX__SQL_JOB_NEXT_CLEANUP);
  fhx__sqlite_bind_text(db, statement, 1, after_job_id);
  if (!fhx__sqlite_row(db, statement)) return fhx__sqlite_status(db);
  const char *job_id = fhx__sqlite_text(db, statement, 0);
  return job_id == NULL ? FHX_ERR_STORE : fhx_reply_item(reply, job_id, strlen(job_id));
}

void fhx__sqlite_next_cleanup(void *user_data, int64_t keep_us, const char *after_job_id,
                              fhx_reply *reply) {
  fhx__sqlite *db = user_data;
  int32_t status = fhx__sqlite_begin(db, keep_us >= 0, reply);
  if (status == FHX_OK) status = expire_jobs(db, keep_us);
  if (status == FHX_OK) status = next_cleanup(db, after_job_id, reply);
  fhx__sqlite_end(db, status, reply);
}
