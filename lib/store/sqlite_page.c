/* The SQLite store's pages: parts that clients may read before the job is complete. */
#include "store/sqlite_store.h"

/* A task with something for a page, and the last of its parts that is on one. */
typedef struct unpaged {
  int64_t job_key;
  uint32_t task_index;
  uint64_t paged_seq;
} unpaged;

/* The first such task behind `after_task`, or false. */
static bool find_unpaged(fhx__sqlite *db, int64_t job_key, int64_t after_task, unpaged *task) {
  sqlite3_stmt *statement = fhx__sqlite_statement(db, FHX__SQL_TASK_UNPAGED);
  fhx__sqlite_bind_integer(db, statement, 1, job_key);
  fhx__sqlite_bind_integer(db, statement, 2, after_task);
  if (!fhx__sqlite_row(db, statement)) return false;
  *task = (unpaged){job_key, fhx__sqlite_small(statement, 0), fhx__sqlite_count(statement, 1)};
  return true;
}

static void insert_range(fhx__sqlite *db, const unpaged *task, uint32_t page, uint64_t first_seq,
                         uint64_t last_seq) {
  sqlite3_stmt *insert = fhx__sqlite_statement(db, FHX__SQL_PAGE_INSERT);
  fhx__sqlite_bind_integer(db, insert, 1, task->job_key);
  fhx__sqlite_bind_count(db, insert, 2, page);
  fhx__sqlite_bind_count(db, insert, 3, task->task_index);
  fhx__sqlite_bind_count(db, insert, 4, first_seq);
  fhx__sqlite_bind_count(db, insert, 5, last_seq);
  fhx__sqlite_run(db, insert);
  sqlite3_stmt *note = fhx__sqlite_statement(db, FHX__SQL_TASK_PAGED);
  fhx__sqlite_bind_integer(db, note, 1, task->job_key);
  fhx__sqlite_bind_count(db, note, 2, task->task_index);
  fhx__sqlite_bind_count(db, note, 3, last_seq);
  fhx__sqlite_run(db, note);
}

/* Puts the task's next parts on the page, at most `room`; how many there were. */
static uint32_t take_parts(fhx__sqlite *db, const unpaged *task, uint32_t page, uint32_t room) {
  sqlite3_stmt *range = fhx__sqlite_statement(db, FHX__SQL_PAGE_RANGE);
  fhx__sqlite_bind_integer(db, range, 1, task->job_key);
  fhx__sqlite_bind_count(db, range, 2, task->task_index);
  fhx__sqlite_bind_count(db, range, 3, task->paged_seq);
  fhx__sqlite_bind_count(db, range, 4, room);
  uint32_t count = 0;
  uint64_t first_seq = 0, last_seq = 0;
  while (fhx__sqlite_row(db, range)) {
    last_seq = fhx__sqlite_count(range, 0);
    if (count++ == 0) first_seq = last_seq;
  }
  if (count != 0) insert_range(db, task, page, first_seq, last_seq);
  return count;
}

static int32_t fill_page(fhx__sqlite *db, int64_t job_key, uint32_t page, uint32_t count_max) {
  uint32_t room = count_max;
  int64_t after_task = -1;
  unpaged task;
  while (room > 0 && find_unpaged(db, job_key, after_task, &task)) {
    room -= take_parts(db, &task, page, room);
    after_task = task.task_index;
  }
  if (db->code != SQLITE_OK) return FHX_ERR_STORE;
  if (room < count_max) return FHX_OK;
  return fhx__sqlite_refuse(db, FHX_ERR_REFUSED, "there is nothing for another page yet");
}

static int32_t add_page(fhx__sqlite *db, const char *job_id, uint32_t page, uint32_t count_max) {
  fhx__sqlite_job job;
  int32_t status = fhx__sqlite_find_job(db, job_id, &job);
  if (status != FHX_OK) return status;
  if (job.state == FHX_JOB_REMOVING) {
    return fhx__sqlite_refuse(db, FHX_ERR_NOT_FOUND, "the job is being removed");
  }
  if (job.state == FHX_JOB_FAILED) {
    return fhx__sqlite_refuse(db, FHX_ERR_REFUSED, "the job has failed");
  }
  if (page == 0 || fhx__sqlite_page_count(db, job.key) != page - 1) {
    return fhx__sqlite_refuse(db, FHX_ERR_REFUSED, "the page is not the job's next one");
  }
  return fill_page(db, job.key, page, count_max);
}

void fhx__sqlite_add_page(void *user_data, const char *job_id, uint32_t page, uint32_t count_max,
                          fhx_reply *reply) {
  fhx__sqlite *db = user_data;
  int32_t status = fhx__sqlite_begin(db, true, reply);
  if (status == FHX_OK) status = add_page(db, job_id, page, count_max);
  fhx__sqlite_end(db, status, reply);
}

void fhx__sqlite_list_page(void *user_data, const char *job_id, uint32_t page, uint32_t after_task,
                           uint64_t after_seq, uint32_t limit, fhx_reply *reply) {
  fhx__sqlite *db = user_data;
  fhx__sqlite_job job;
  int32_t status = fhx__sqlite_begin(db, false, reply);
  if (status == FHX_OK) status = fhx__sqlite_find_job(db, job_id, &job);
  if (status == FHX_OK) {
    sqlite3_stmt *list = fhx__sqlite_statement(db, FHX__SQL_PAGE_LIST);
    fhx__sqlite_bind_integer(db, list, 1, job.key);
    fhx__sqlite_bind_count(db, list, 2, page);
    fhx__sqlite_bind_count(db, list, 3, after_task);
    fhx__sqlite_bind_count(db, list, 4, after_seq);
    fhx__sqlite_bind_count(db, list, 5, limit);
    status = fhx__sqlite_reply_parts(db, list, reply);
  }
  fhx__sqlite_end(db, status, reply);
}
