/* What the SQLite store's steps share: finding a job or a task, the conditions on them, and the
   changes that more than one step makes. */
#include "store/sqlite_store.h"

/* The longest and the shortest time that a caller is told to wait. */
#define WAIT_MAX_US 1000000
#define WAIT_MIN_US 1000

/* How many members one step drops at most, since others wait for its transaction: as many as one
   step adds. */
#define DROP_MAX 10000

int32_t fhx__sqlite_find_job(fhx__sqlite *db, const char *job_id, fhx__sqlite_job *job) {
  sqlite3_stmt *statement = fhx__sqlite_statement(db, FHX__SQL_JOB_FIND);
  fhx__sqlite_bind_text(db, statement, 1, job_id);
  if (!fhx__sqlite_row(db, statement)) {
    if (db->code != SQLITE_OK) return FHX_ERR_STORE;
    return fhx__sqlite_refuse(db, FHX_ERR_NOT_FOUND, "there is no such job");
  }
  job->key = sqlite3_column_int64(statement, 0);
  job->state = fhx__sqlite_small(statement, 1);
  job->cleanup_due = fhx__sqlite_small(statement, 2);
  return FHX_OK;
}

int32_t fhx__sqlite_find_task(fhx__sqlite *db, const char *job_id, uint32_t task_index,
                              fhx__sqlite_task *task) {
  sqlite3_stmt *statement = fhx__sqlite_statement(db, FHX__SQL_TASK_FIND);
  fhx__sqlite_bind_text(db, statement, 1, job_id);
  fhx__sqlite_bind_count(db, statement, 2, task_index);
  if (!fhx__sqlite_row(db, statement)) {
    if (db->code != SQLITE_OK) return FHX_ERR_STORE;
    return fhx__sqlite_refuse(db, FHX_ERR_NOT_FOUND, "there is no such job");
  }
  if (sqlite3_column_type(statement, 3) == SQLITE_NULL) {
    return fhx__sqlite_refuse(db, FHX_ERR_NOT_FOUND, "the job has no such task");
  }
  task->job.key = sqlite3_column_int64(statement, 0);
  task->job.state = fhx__sqlite_small(statement, 1);
  task->job.cleanup_due = fhx__sqlite_small(statement, 2);
  task->index = fhx__sqlite_small(statement, 3);
  task->state = fhx__sqlite_small(statement, 4);
  task->fence = fhx__sqlite_count(statement, 5);
  task->next_seq = fhx__sqlite_count(statement, 6);
  task->attempt_count = fhx__sqlite_small(statement, 7);
  return FHX_OK;
}

int32_t fhx__sqlite_check_fence(fhx__sqlite *db, const fhx__sqlite_task *task, uint64_t fence) {
  if (task->state != FHX_TASK_RUNNING) {
    return fhx__sqlite_refuse(db, FHX_ERR_REFUSED, "the task does not run");
  }
  if (task->fence != fence) {
    return fhx__sqlite_refuse(db, FHX_ERR_REFUSED, "another attempt has taken the task over");
  }
  return FHX_OK;
}

int32_t fhx__sqlite_check_running(fhx__sqlite *db, const fhx__sqlite_task *task) {
  if (task->job.state == FHX_JOB_REMOVING) {
    return fhx__sqlite_refuse(db, FHX_ERR_NOT_FOUND, "the job is being removed");
  }
  if (task->job.state != FHX_JOB_RUNNING) {
    return fhx__sqlite_refuse(db, FHX_ERR_REFUSED, "the job no longer runs");
  }
  return FHX_OK;
}

int32_t fhx__sqlite_fail_job(fhx__sqlite *db, int64_t job_key, int32_t status, const char *reason) {
  sqlite3_stmt *statement = fhx__sqlite_statement(db, FHX__SQL_JOB_FAIL);
  fhx__sqlite_bind_integer(db, statement, 1, job_key);
  fhx__sqlite_bind_integer(db, statement, 2, db->now_us);
  fhx__sqlite_bind_integer(db, statement, 3, status < 0 ? status : FHX_ERR_INTERNAL);
  fhx__sqlite_bind_text(db, statement, 4, reason);
  fhx__sqlite_run(db, statement);
  return fhx__sqlite_end_turn(db, job_key);
}

int32_t fhx__sqlite_end_turn(fhx__sqlite *db, int64_t job_key) {
  return fhx__sqlite_run_for(db, FHX__SQL_TURN_END, job_key, 0);
}

int32_t fhx__sqlite_reply_task(fhx__sqlite *db, int64_t job_key, uint32_t task_index,
                               fhx_reply *reply) {
  sqlite3_stmt *statement = fhx__sqlite_statement(db, FHX__SQL_TASK_READ);
  fhx__sqlite_bind_integer(db, statement, 1, job_key);
  fhx__sqlite_bind_count(db, statement, 2, task_index);
  if (!fhx__sqlite_row(db, statement)) {
    if (db->code != SQLITE_OK) return FHX_ERR_STORE;
    return fhx__sqlite_refuse(db, FHX_ERR_NOT_FOUND, "the job has no such task");
  }
  fhx_task_record record;
  FHX_INIT(&record);
  record.state = fhx__sqlite_small(statement, 0);
  record.job_id = fhx__sqlite_text(db, statement, 1);
  record.task_index = fhx__sqlite_small(statement, 2);
  record.phase = fhx__sqlite_small(statement, 3);
  record.resource_type = fhx__sqlite_text(db, statement, 4);
  record.shard = fhx__sqlite_bytes(db, statement, 5, &record.shard_len);
  record.shard_index = fhx__sqlite_small(statement, 6);
  record.attempt_count = fhx__sqlite_small(statement, 7);
  record.fence = fhx__sqlite_count(statement, 8);
  record.next_seq = fhx__sqlite_count(statement, 9);
  record.first_seq = fhx__sqlite_count(statement, 10);
  record.token = fhx__sqlite_bytes(db, statement, 11, &record.token_len);
  record.last_id = fhx__sqlite_text(db, statement, 12);
  record.resource_count = fhx__sqlite_count(statement, 13);
  record.byte_count = fhx__sqlite_count(statement, 14);
  record.error_count = fhx__sqlite_count(statement, 15);
  record.estimated_resources = fhx__sqlite_count(statement, 16);
  return db->code == SQLITE_OK ? fhx_reply_task(reply, &record) : FHX_ERR_STORE;
}

int32_t fhx__sqlite_run_for(fhx__sqlite *db, fhx__sql id, int64_t job_key, uint32_t task_index) {
  sqlite3_stmt *statement = fhx__sqlite_statement(db, id);
  fhx__sqlite_bind_integer(db, statement, 1, job_key);
  if (statement != NULL && sqlite3_bind_parameter_count(statement) > 1) {
    fhx__sqlite_bind_count(db, statement, 2, task_index);
  }
  return fhx__sqlite_run(db, statement);
}

int32_t fhx__sqlite_drop_members(fhx__sqlite *db, int64_t job_key) {
  sqlite3_stmt *piece = fhx__sqlite_statement(db, FHX__SQL_MEMBER_PIECE);
  fhx__sqlite_bind_integer(db, piece, 1, job_key);
  fhx__sqlite_bind_integer(db, piece, 2, DROP_MAX);
  if (!fhx__sqlite_row(db, piece)) {
    return fhx__sqlite_run_for(db, FHX__SQL_MEMBER_DELETE_ALL, job_key, 0);
  }
  sqlite3_stmt *statement = fhx__sqlite_statement(db, FHX__SQL_MEMBER_DELETE_PIECE);
  fhx__sqlite_bind_integer(db, statement, 1, job_key);
  fhx__sqlite_bind_integer(db, statement, 2, sqlite3_column_int64(piece, 0));
  fhx__sqlite_bind_text(db, statement, 3, fhx__sqlite_text(db, piece, 1));
  const int32_t status = fhx__sqlite_run(db, statement);
  return status == FHX_OK ? FHX_WAIT : status;
}

int32_t fhx__sqlite_put_back(fhx__sqlite *db, int64_t job_key, uint32_t task_index,
                             uint32_t attempt_count) {
  sqlite3_stmt *statement = fhx__sqlite_statement(db, FHX__SQL_TASK_RELEASE);
  fhx__sqlite_bind_integer(db, statement, 1, job_key);
  fhx__sqlite_bind_count(db, statement, 2, task_index);
  fhx__sqlite_bind_count(db, statement, 3, attempt_count);
  return fhx__sqlite_run(db, statement);
}

uint32_t fhx__sqlite_page_count(fhx__sqlite *db, int64_t job_key) {
  sqlite3_stmt *statement = fhx__sqlite_statement(db, FHX__SQL_PAGE_COUNT);
  fhx__sqlite_bind_integer(db, statement, 1, job_key);
  return fhx__sqlite_row(db, statement) ? fhx__sqlite_small(statement, 0) : 0;
}

int64_t fhx__sqlite_lease_end(const fhx__sqlite *db, int64_t lease_us) {
  const bool is_endless = db->now_us > 0 && lease_us > INT64_MAX - db->now_us;
  return is_endless ? INT64_MAX : db->now_us + lease_us;
}

int32_t fhx__sqlite_wait_until(fhx__sqlite *db, int64_t lapse_us) {
  int64_t wait_us = lapse_us - db->now_us;
  if (wait_us > WAIT_MAX_US) wait_us = WAIT_MAX_US;
  if (wait_us < WAIT_MIN_US) wait_us = WAIT_MIN_US;
  db->wait_us = wait_us;
  return FHX_WAIT;
}
