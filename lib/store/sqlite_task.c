/* The SQLite store's steps on a task that a worker holds: renew, plan, members, checkpoint,
   release; and reading one. */
#include "store/sqlite_store.h"

/* --- renew --- */

/* Notes that parts of this attempt with numbers up to `last_seq` may exist. */
static int32_t announce(fhx__sqlite *db, const fhx__sqlite_task *task, uint64_t last_seq) {
  sqlite3_stmt *statement = fhx__sqlite_statement(db, FHX__SQL_ATTEMPT_ANNOUNCE);
  fhx__sqlite_bind_integer(db, statement, 1, task->job.key);
  fhx__sqlite_bind_count(db, statement, 2, task->index);
  fhx__sqlite_bind_count(db, statement, 3, task->fence);
  fhx__sqlite_bind_count(db, statement, 4, last_seq);
  return fhx__sqlite_run(db, statement);
}

/* The task, if the job runs and `fence` holds it. */
static int32_t find_held(fhx__sqlite *db, const char *job_id, uint32_t task_index, uint64_t fence,
                         fhx__sqlite_task *task) {
  int32_t status = fhx__sqlite_find_task(db, job_id, task_index, task);
  if (status == FHX_OK) status = fhx__sqlite_check_running(db, task);
  return status == FHX_OK ? fhx__sqlite_check_fence(db, task, fence) : status;
}

static int32_t renew(fhx__sqlite *db, const fhx__sqlite_task *task, uint64_t last_seq,
                     uint64_t resource_count, int64_t lease_us) {
  sqlite3_stmt *statement = fhx__sqlite_statement(db, FHX__SQL_TASK_RENEW);
  fhx__sqlite_bind_integer(db, statement, 1, task->job.key);
  fhx__sqlite_bind_count(db, statement, 2, task->index);
  fhx__sqlite_bind_integer(db, statement, 3, fhx__sqlite_lease_end(db, lease_us));
  fhx__sqlite_bind_count(db, statement, 4, resource_count);
  fhx__sqlite_run(db, statement);
  return announce(db, task, last_seq);
}

void fhx__sqlite_renew_task(void *user_data, const char *job_id, uint32_t task_index,
                            uint64_t fence, uint64_t last_seq, uint64_t resource_count,
                            int64_t lease_us, fhx_reply *reply) {
  fhx__sqlite *db = user_data;
  fhx__sqlite_task task;
  int32_t status = fhx__sqlite_begin(db, true, reply);
  if (status == FHX_OK) status = find_held(db, job_id, task_index, fence, &task);
  if (status == FHX_OK) status = renew(db, &task, last_seq, resource_count, lease_us);
  fhx__sqlite_end(db, status, reply);
}

/* --- plan --- */

/* The task is done, and with the last one the job. */
static int32_t end_task(fhx__sqlite *db, const fhx__sqlite_task *task) {
  fhx__sqlite_run_for(db, FHX__SQL_TASK_END, task->job.key, task->index);
  sqlite3_stmt *finish = fhx__sqlite_statement(db, FHX__SQL_ATTEMPT_FINISH);
  fhx__sqlite_bind_integer(db, finish, 1, task->job.key);
  fhx__sqlite_bind_count(db, finish, 2, task->index);
  fhx__sqlite_bind_count(db, finish, 3, task->fence);
  fhx__sqlite_run(db, finish);
  sqlite3_stmt *complete = fhx__sqlite_statement(db, FHX__SQL_JOB_COMPLETE);
  fhx__sqlite_bind_integer(db, complete, 1, task->job.key);
  fhx__sqlite_bind_integer(db, complete, 2, db->now_us);
  fhx__sqlite_run(db, complete);
  return fhx__sqlite_end_turn(db, task->job.key);
}

static int32_t insert_task(fhx__sqlite *db, int64_t job_key, const fhx_task_record *record) {
  sqlite3_stmt *statement = fhx__sqlite_statement(db, FHX__SQL_TASK_INSERT);
  fhx__sqlite_bind_integer(db, statement, 1, job_key);
  fhx__sqlite_bind_count(db, statement, 2, record->task_index);
  fhx__sqlite_bind_count(db, statement, 3, record->phase);
  fhx__sqlite_bind_text(db, statement, 4, record->resource_type);
  fhx__sqlite_bind_count(db, statement, 5, record->shard_index);
  fhx__sqlite_bind_bytes(db, statement, 6, record->shard, record->shard_len);
  fhx__sqlite_bind_count(db, statement, 7, record->estimated_resources);
  return fhx__sqlite_run(db, statement);
}

/* `position` counts from the first line of this step. Must come before the task's line_count rises:
   the line's own position counts on from it. */
static int32_t insert_line(fhx__sqlite *db, const fhx__sqlite_task *task, uint32_t position,
                           const void *line, size_t len) {
  sqlite3_stmt *statement = fhx__sqlite_statement(db, FHX__SQL_LINE_INSERT);
  fhx__sqlite_bind_integer(db, statement, 1, task->job.key);
  fhx__sqlite_bind_count(db, statement, 2, task->index);
  fhx__sqlite_bind_count(db, statement, 3, position);
  fhx__sqlite_bind_bytes(db, statement, 4, line, len);
  return fhx__sqlite_run(db, statement);
}

static int32_t insert_plan_lines(fhx__sqlite *db, const fhx_plan *plan,
                                 const fhx__sqlite_task *task) {
  int32_t status = FHX_OK;
  const uint32_t count = fhx_plan_line_count(plan);
  for (uint32_t i = 0; i < count && status == FHX_OK; i++) {
    size_t len = 0;
    const void *line = fhx_plan_line(plan, i, &len);
    status = insert_line(db, task, i, line, len);
  }
  if (count == 0 || status != FHX_OK) return status;
  sqlite3_stmt *statement = fhx__sqlite_statement(db, FHX__SQL_TASK_LINES);
  fhx__sqlite_bind_integer(db, statement, 1, task->job.key);
  fhx__sqlite_bind_count(db, statement, 2, task->index);
  fhx__sqlite_bind_count(db, statement, 3, count);
  return fhx__sqlite_run(db, statement);
}

static int32_t plan_tasks(fhx__sqlite *db, const fhx_plan *plan, const fhx__sqlite_task *task) {
  int32_t status = FHX_OK;
  const uint32_t count = fhx_plan_task_count(plan);
  for (uint32_t i = 0; i < count && status == FHX_OK; i++) {
    status = insert_task(db, task->job.key, fhx_plan_task(plan, i));
  }
  if (status == FHX_OK) status = insert_plan_lines(db, plan, task);
  return status == FHX_OK ? end_task(db, task) : status;
}

void fhx__sqlite_plan_tasks(void *user_data, const fhx_plan *plan, fhx_reply *reply) {
  fhx__sqlite *db = user_data;
  fhx__sqlite_task task;
  int32_t status = fhx__sqlite_begin(db, true, reply);
  if (status == FHX_OK) {
    status = find_held(db, fhx_plan_job_id(plan), 0, fhx_plan_fence(plan), &task);
  }
  if (status == FHX_OK) status = plan_tasks(db, plan, &task);
  fhx__sqlite_end(db, status, reply);
}

/* --- members --- */

static int32_t add_members(fhx__sqlite *db, const fhx_members *members,
                           const fhx__sqlite_task *task) {
  int32_t status = FHX_OK;
  const uint32_t count = fhx_members_count(members);
  for (uint32_t i = 0; i < count && status == FHX_OK; i++) {
    sqlite3_stmt *statement = fhx__sqlite_statement(db, FHX__SQL_MEMBER_INSERT);
    fhx__sqlite_bind_integer(db, statement, 1, task->job.key);
    fhx__sqlite_bind_count(db, statement, 2, fhx_members_list(members));
    fhx__sqlite_bind_text(db, statement, 3, fhx_members_text(members, i));
    status = fhx__sqlite_run(db, statement);
  }
  return status;
}

void fhx__sqlite_add_members(void *user_data, const fhx_members *members, fhx_reply *reply) {
  fhx__sqlite *db = user_data;
  fhx__sqlite_task task;
  int32_t status = fhx__sqlite_begin(db, true, reply);
  if (status == FHX_OK) {
    status = find_held(db, fhx_members_job_id(members), fhx_members_task_index(members),
                       fhx_members_fence(members), &task);
  }
  if (status == FHX_OK) status = add_members(db, members, &task);
  fhx__sqlite_end(db, status, reply);
}

/* --- checkpoint --- */

static int32_t insert_part(fhx__sqlite *db, const fhx__sqlite_task *task, const fhx_part *part) {
  sqlite3_stmt *statement = fhx__sqlite_statement(db, FHX__SQL_PART_INSERT);
  fhx__sqlite_bind_integer(db, statement, 1, task->job.key);
  fhx__sqlite_bind_count(db, statement, 2, task->index);
  fhx__sqlite_bind_count(db, statement, 3, fhx_part_seq(part));
  fhx__sqlite_bind_count(db, statement, 4, fhx_part_fence(part));
  fhx__sqlite_bind_count(db, statement, 5, fhx_part_kind(part));
  fhx__sqlite_bind_text(db, statement, 6, fhx_part_name(part));
  fhx__sqlite_bind_text(db, statement, 7, fhx_part_resource_type(part));
  fhx__sqlite_bind_count(db, statement, 8, fhx_part_resource_count(part));
  fhx__sqlite_bind_count(db, statement, 9, fhx_part_byte_count(part));
  fhx__sqlite_bind_count(db, statement, 10, fhx_part_crc32c(part));
  fhx__sqlite_bind_bytes(db, statement, 11, fhx_part_sha256(part), 32);
  fhx__sqlite_bind_count(db, statement, 12, fhx_part_stored_byte_count(part));
  fhx__sqlite_bind_count(db, statement, 13, fhx_part_encoding(part));
  fhx__sqlite_bind_count(db, statement, 14, fhx_part_flags(part));
  fhx__sqlite_bind_count(db, statement, 15, fhx_part_error_count(part));
  fhx__sqlite_bind_count(db, statement, 16, fhx_part_warning_count(part));
  return fhx__sqlite_run(db, statement);
}

/* The number of the checkpoint's last part; 0 for none. */
static uint64_t last_part_seq(const fhx_checkpoint *checkpoint) {
  uint64_t last = 0;
  const uint32_t part_count = fhx_checkpoint_part_count(checkpoint);
  for (uint32_t i = 0; i < part_count; i++) {
    const uint64_t seq = fhx_part_seq(fhx_checkpoint_part(checkpoint, i));
    if (seq > last) last = seq;
  }
  return last;
}

static int32_t advance_task(fhx__sqlite *db, const fhx__sqlite_task *task,
                            const fhx_checkpoint *checkpoint) {
  size_t token_len = 0;
  const void *token = fhx_checkpoint_token(checkpoint, &token_len);
  sqlite3_stmt *statement = fhx__sqlite_statement(db, FHX__SQL_TASK_CHECKPOINT);
  fhx__sqlite_bind_integer(db, statement, 1, task->job.key);
  fhx__sqlite_bind_count(db, statement, 2, task->index);
  fhx__sqlite_bind_count(db, statement, 3, fhx_checkpoint_next_seq(checkpoint));
  fhx__sqlite_bind_bytes(db, statement, 4, token, token_len);
  fhx__sqlite_bind_text(db, statement, 5, fhx_checkpoint_last_id(checkpoint));
  fhx__sqlite_bind_count(db, statement, 6, fhx_checkpoint_resource_count(checkpoint));
  fhx__sqlite_bind_count(db, statement, 7, fhx_checkpoint_byte_count(checkpoint));
  fhx__sqlite_bind_count(db, statement, 8, fhx_checkpoint_error_count(checkpoint));
  fhx__sqlite_bind_count(db, statement, 9, fhx_checkpoint_line_count(checkpoint));
  fhx__sqlite_bind_count(db, statement, 10, last_part_seq(checkpoint));
  fhx__sqlite_run(db, statement);
  return announce(db, task, fhx_checkpoint_next_seq(checkpoint) - 1);
}

static int32_t record_checkpoint(fhx__sqlite *db, const fhx_checkpoint *checkpoint,
                                 const fhx__sqlite_task *task) {
  if (fhx_checkpoint_seq(checkpoint) != task->next_seq) {
    return fhx__sqlite_refuse(db, FHX_ERR_REFUSED, "the checkpoint is not the task's next one");
  }
  int32_t status = FHX_OK;
  const uint32_t part_count = fhx_checkpoint_part_count(checkpoint);
  for (uint32_t i = 0; i < part_count && status == FHX_OK; i++) {
    status = insert_part(db, task, fhx_checkpoint_part(checkpoint, i));
  }
  const uint32_t line_count = fhx_checkpoint_line_count(checkpoint);
  for (uint32_t i = 0; i < line_count && status == FHX_OK; i++) {
    size_t len = 0;
    const void *line = fhx_checkpoint_line(checkpoint, i, &len);
    status = insert_line(db, task, i, line, len);
  }
  if (status == FHX_OK) status = advance_task(db, task, checkpoint);
  if (status == FHX_OK && fhx_checkpoint_done(checkpoint) != 0) status = end_task(db, task);
  return status;
}

void fhx__sqlite_record_checkpoint(void *user_data, const fhx_checkpoint *checkpoint,
                                   fhx_reply *reply) {
  fhx__sqlite *db = user_data;
  fhx__sqlite_task task;
  int32_t status = fhx__sqlite_begin(db, true, reply);
  if (status == FHX_OK) {
    status = find_held(db, fhx_checkpoint_job_id(checkpoint), fhx_checkpoint_task_index(checkpoint),
                       fhx_checkpoint_fence(checkpoint), &task);
  }
  if (status == FHX_OK) status = record_checkpoint(db, checkpoint, &task);
  fhx__sqlite_end(db, status, reply);
}

/* --- release --- */

typedef struct release {
  uint32_t how;
  uint32_t attempts_max;
  int32_t status;
  const char *reason;
} release;

static int32_t release_task(fhx__sqlite *db, const fhx__sqlite_task *task,
                            const release *released) {
  const bool runs = task->job.state == FHX_JOB_RUNNING;
  const bool parked = released->how == FHX_RELEASE_PARKED;
  uint32_t attempt_count = task->attempt_count;
  /* A checkpoint with a token may have set it to 0 in the meantime. */
  if (runs && parked && attempt_count > 0) attempt_count--;
  int32_t status = fhx__sqlite_put_back(db, task->job.key, task->index, attempt_count);
  if (status != FHX_OK || !runs || parked) return status;
  if (released->how == FHX_RELEASE_RETRY && attempt_count < released->attempts_max) return FHX_OK;
  return fhx__sqlite_fail_job(db, task->job.key, released->status, released->reason);
}

void fhx__sqlite_release_task(void *user_data, const char *job_id, uint32_t task_index,
                              uint64_t fence, uint32_t how, uint32_t attempts_max, int32_t status,
                              const char *reason, fhx_reply *reply) {
  fhx__sqlite *db = user_data;
  const release released = {how, attempts_max, status, reason};
  fhx__sqlite_task task;
  int32_t outcome = fhx__sqlite_begin(db, true, reply);
  if (outcome == FHX_OK) outcome = fhx__sqlite_find_task(db, job_id, task_index, &task);
  if (outcome == FHX_OK) outcome = fhx__sqlite_check_fence(db, &task, fence);
  if (outcome == FHX_OK) outcome = release_task(db, &task, &released);
  fhx__sqlite_end(db, outcome, reply);
}

/* --- read --- */

void fhx__sqlite_read_task(void *user_data, const char *job_id, uint32_t task_index,
                           fhx_reply *reply) {
  fhx__sqlite *db = user_data;
  fhx__sqlite_job job;
  int32_t status = fhx__sqlite_begin(db, false, reply);
  if (status == FHX_OK) status = fhx__sqlite_find_job(db, job_id, &job);
  if (status == FHX_OK) status = fhx__sqlite_reply_task(db, job.key, task_index, reply);
  fhx__sqlite_end(db, status, reply);
}
