/* The SQLite store's lists: parts, error lines, attempts, members, jobs, a page at a time. */
#include "store/sqlite_store.h"

/* The statement of a list: a job, the place that it begins at or behind, and how many rows. */
static sqlite3_stmt *list_from(fhx__sqlite *db, fhx__sql id, int64_t job_key, uint32_t task_index,
                               uint64_t number, uint32_t limit) {
  sqlite3_stmt *statement = fhx__sqlite_statement(db, id);
  fhx__sqlite_bind_integer(db, statement, 1, job_key);
  fhx__sqlite_bind_count(db, statement, 2, task_index);
  fhx__sqlite_bind_count(db, statement, 3, number);
  fhx__sqlite_bind_count(db, statement, 4, limit);
  return statement;
}

static int32_t reply_part(fhx__sqlite *db, sqlite3_stmt *row, fhx_reply *reply) {
  size_t sha256_len = 0;
  fhx_part_record record;
  FHX_INIT(&record);
  record.task_index = fhx__sqlite_small(row, 0);
  record.seq = fhx__sqlite_count(row, 1);
  record.fence = fhx__sqlite_count(row, 2);
  record.kind = fhx__sqlite_small(row, 3);
  record.name = fhx__sqlite_text(db, row, 4);
  record.resource_type = fhx__sqlite_text(db, row, 5);
  record.resource_count = fhx__sqlite_count(row, 6);
  record.byte_count = fhx__sqlite_count(row, 7);
  record.crc32c = fhx__sqlite_small(row, 8);
  record.sha256 = fhx__sqlite_bytes(db, row, 9, &sha256_len);
  record.stored_byte_count = fhx__sqlite_count(row, 10);
  record.encoding = fhx__sqlite_small(row, 11);
  record.flags = fhx__sqlite_small(row, 12);
  record.error_count = fhx__sqlite_count(row, 13);
  record.warning_count = fhx__sqlite_count(row, 14);
  return db->code == SQLITE_OK ? fhx_reply_part(reply, &record) : FHX_ERR_STORE;
}

static int32_t reply_attempt(fhx__sqlite *db, sqlite3_stmt *row, fhx_reply *reply) {
  fhx_attempt_record record;
  FHX_INIT(&record);
  record.task_index = fhx__sqlite_small(row, 0);
  record.fence = fhx__sqlite_count(row, 1);
  record.first_seq = fhx__sqlite_count(row, 2);
  record.last_seq = fhx__sqlite_count(row, 3);
  record.finished = fhx__sqlite_small(row, 4);
  record.phase = fhx__sqlite_small(row, 5);
  record.shard_index = fhx__sqlite_small(row, 6);
  record.resource_type = fhx__sqlite_text(db, row, 7);
  record.alive = fhx__sqlite_small(row, 8);
  return db->code == SQLITE_OK ? fhx_reply_attempt(reply, &record) : FHX_ERR_STORE;
}

/* A line or a member. */
static int32_t reply_item(fhx__sqlite *db, sqlite3_stmt *row, fhx_reply *reply) {
  size_t len = 0;
  const void *item = fhx__sqlite_bytes(db, row, 0, &len);
  return db->code == SQLITE_OK ? fhx_reply_item(reply, item, len) : FHX_ERR_STORE;
}

typedef int32_t (*reply_row)(fhx__sqlite *db, sqlite3_stmt *row, fhx_reply *reply);

static int32_t reply_all(fhx__sqlite *db, sqlite3_stmt *statement, reply_row give,
                         fhx_reply *reply) {
  int32_t status = FHX_OK;
  while (status == FHX_OK && fhx__sqlite_row(db, statement)) status = give(db, statement, reply);
  return status == FHX_OK ? fhx__sqlite_status(db) : status;
}

int32_t fhx__sqlite_reply_parts(fhx__sqlite *db, sqlite3_stmt *list, fhx_reply *reply) {
  return reply_all(db, list, reply_part, reply);
}

void fhx__sqlite_list_parts(void *user_data, const char *job_id, uint32_t after_task,
                            uint64_t after_seq, uint32_t limit, fhx_reply *reply) {
  fhx__sqlite *db = user_data;
  fhx__sqlite_job job;
  int32_t status = fhx__sqlite_begin(db, false, reply);
  if (status == FHX_OK) status = fhx__sqlite_find_job(db, job_id, &job);
  if (status == FHX_OK) {
    sqlite3_stmt *list = list_from(db, FHX__SQL_PART_LIST, job.key, after_task, after_seq, limit);
    status = fhx__sqlite_reply_parts(db, list, reply);
  }
  fhx__sqlite_end(db, status, reply);
}

void fhx__sqlite_list_attempts(void *user_data, const char *job_id, uint32_t after_task,
                               uint64_t after_fence, uint32_t limit, fhx_reply *reply) {
  fhx__sqlite *db = user_data;
  fhx__sqlite_job job;
  int32_t status = fhx__sqlite_begin(db, false, reply);
  if (status == FHX_OK) status = fhx__sqlite_find_job(db, job_id, &job);
  if (status == FHX_OK) {
    sqlite3_stmt *list =
        list_from(db, FHX__SQL_ATTEMPT_LIST, job.key, after_task, after_fence, limit);
    fhx__sqlite_bind_integer(db, list, 5, db->now_us);
    status = reply_all(db, list, reply_attempt, reply);
  }
  fhx__sqlite_end(db, status, reply);
}

/* Turns a position among the job's lines into a task and a position among its lines; false when
   there are not so many. It steps over tasks, not lines, so that late pages are no slower. */
static bool find_line(fhx__sqlite *db, int64_t job_key, uint64_t *position, uint32_t *task_index) {
  sqlite3_stmt *counts = fhx__sqlite_statement(db, FHX__SQL_LINE_COUNTS);
  fhx__sqlite_bind_integer(db, counts, 1, job_key);
  while (fhx__sqlite_row(db, counts)) {
    const uint64_t line_count = fhx__sqlite_count(counts, 1);
    *task_index = fhx__sqlite_small(counts, 0);
    if (*position < line_count) return true;
    *position -= line_count;
  }
  return false;
}

static int32_t list_lines(fhx__sqlite *db, int64_t job_key, uint64_t first, uint32_t limit,
                          fhx_reply *reply) {
  uint64_t position = first;
  uint32_t task_index = 0;
  if (!find_line(db, job_key, &position, &task_index)) return fhx__sqlite_status(db);
  sqlite3_stmt *list = list_from(db, FHX__SQL_LINE_LIST, job_key, task_index, position, limit);
  return reply_all(db, list, reply_item, reply);
}

void fhx__sqlite_list_lines(void *user_data, const char *job_id, uint64_t first, uint32_t limit,
                            fhx_reply *reply) {
  fhx__sqlite *db = user_data;
  fhx__sqlite_job job;
  int32_t status = fhx__sqlite_begin(db, false, reply);
  if (status == FHX_OK) status = fhx__sqlite_find_job(db, job_id, &job);
  if (status == FHX_OK) status = list_lines(db, job.key, first, limit, reply);
  fhx__sqlite_end(db, status, reply);
}

void fhx__sqlite_list_members(void *user_data, const char *job_id, uint32_t list, const char *after,
                              uint32_t limit, fhx_reply *reply) {
  fhx__sqlite *db = user_data;
  fhx__sqlite_job job;
  int32_t status = fhx__sqlite_begin(db, false, reply);
  if (status == FHX_OK) status = fhx__sqlite_find_job(db, job_id, &job);
  if (status == FHX_OK) {
    sqlite3_stmt *members = fhx__sqlite_statement(db, FHX__SQL_MEMBER_LIST);
    fhx__sqlite_bind_integer(db, members, 1, job.key);
    fhx__sqlite_bind_count(db, members, 2, list);
    fhx__sqlite_bind_text(db, members, 3, after);
    fhx__sqlite_bind_count(db, members, 4, limit);
    status = reply_all(db, members, reply_item, reply);
  }
  fhx__sqlite_end(db, status, reply);
}

static int32_t reply_job(fhx__sqlite *db, sqlite3_stmt *row, fhx_reply *reply) {
  fhx_job_record record;
  int32_t status = fhx__sqlite_job_record(db, sqlite3_column_int64(row, 0), true, &record);
  return status == FHX_OK ? fhx_reply_job(reply, &record) : status;
}

void fhx__sqlite_list_jobs(void *user_data, uint32_t states, const char *tenant, const char *client,
                           int64_t after_created_us, const char *after_job_id, uint32_t limit,
                           fhx_reply *reply) {
  fhx__sqlite *db = user_data;
  const fhx__sql id = tenant == NULL   ? FHX__SQL_JOB_LIST
                      : client == NULL ? FHX__SQL_JOB_LIST_OF_TENANT
                                       : FHX__SQL_JOB_LIST_OF_CLIENT;
  int32_t status = fhx__sqlite_begin(db, false, reply);
  if (status == FHX_OK) {
    sqlite3_stmt *jobs = fhx__sqlite_statement(db, id);
    fhx__sqlite_bind_integer(db, jobs, 1, states);
    fhx__sqlite_bind_integer(db, jobs, 2, after_created_us);
    fhx__sqlite_bind_text(db, jobs, 3, after_job_id);
    fhx__sqlite_bind_count(db, jobs, 4, limit);
    if (tenant != NULL) fhx__sqlite_bind_text(db, jobs, 5, tenant);
    if (client != NULL) fhx__sqlite_bind_text(db, jobs, 6, client);
    status = reply_all(db, jobs, reply_job, reply);
  }
  fhx__sqlite_end(db, status, reply);
}
