/* What the PostgreSQL store's steps share: finding a job or a task and locking it, the conditions
   on them, and the changes that more than one step makes. */
#include "store/postgres_store.h"

/* The longest and the shortest time that a caller is told to wait. */
#define WAIT_MAX_US 1000000
#define WAIT_MIN_US 1000

/* How many rows of a table one step drops at most: as many members as one step adds. */
#define DROP_MAX 10000

int32_t fhx__pg_find_job(fhx__pg_step *step, const char *job_id, fhx__pg_lock lock,
                         fhx__pg_job *job) {
  static const fhx__pg_sql statements[] = {
      [FHX__PG_READ] = FHX__PG_JOB_FIND,
      [FHX__PG_SHARE] = FHX__PG_JOB_SHARE,
      [FHX__PG_CHANGE] = FHX__PG_JOB_CHANGE,
  };
  fhx__pg_statement(step, statements[lock]);
  fhx__pg_bind_text(step, job_id);
  if (!fhx__pg_row(step)) {
    if (step->fault != FHX__PG_FAULT_NONE) return FHX_ERR_STORE;
    return fhx__pg_refuse(step, FHX_ERR_NOT_FOUND, "there is no such job");
  }
  job->key = fhx__pg_integer(step, 0, 0);
  job->state = fhx__pg_small(step, 0, 1);
  job->cleanup_due = fhx__pg_small(step, 0, 2);
  return fhx__pg_status(step);
}

int32_t fhx__pg_find_task(fhx__pg_step *step, const char *job_id, uint32_t task_index,
                          fhx__pg_lock lock, fhx__pg_task *task) {
  int32_t status = fhx__pg_find_job(step, job_id, lock, &task->job);
  if (status != FHX_OK) return status;
  fhx__pg_statement(step, FHX__PG_TASK_FIND);
  fhx__pg_bind_integer(step, task->job.key);
  fhx__pg_bind_count(step, task_index);
  if (!fhx__pg_row(step)) {
    if (step->fault != FHX__PG_FAULT_NONE) return FHX_ERR_STORE;
    return fhx__pg_refuse(step, FHX_ERR_NOT_FOUND, "the job has no such task");
  }
  task->index = task_index;
  task->state = fhx__pg_small(step, 0, 0);
  task->fence = fhx__pg_count(step, 0, 1);
  task->next_seq = fhx__pg_count(step, 0, 2);
  task->attempt_count = fhx__pg_small(step, 0, 3);
  return fhx__pg_status(step);
}

int32_t fhx__pg_check_fence(fhx__pg_step *step, const fhx__pg_task *task, uint64_t fence) {
  if (task->state != FHX_TASK_RUNNING) {
    return fhx__pg_refuse(step, FHX_ERR_REFUSED, "the task does not run");
  }
  if (task->fence != fence) {
    return fhx__pg_refuse(step, FHX_ERR_REFUSED, "another attempt has taken the task over");
  }
  return FHX_OK;
}

int32_t fhx__pg_check_running(fhx__pg_step *step, const fhx__pg_task *task) {
  if (task->job.state == FHX_JOB_REMOVING) {
    return fhx__pg_refuse(step, FHX_ERR_NOT_FOUND, "the job is being removed");
  }
  if (task->job.state != FHX_JOB_RUNNING) {
    return fhx__pg_refuse(step, FHX_ERR_REFUSED, "the job no longer runs");
  }
  return FHX_OK;
}

int32_t fhx__pg_fail_job(fhx__pg_step *step, int64_t job_key, int32_t status, const char *reason) {
  fhx__pg_statement(step, FHX__PG_JOB_FAIL);
  fhx__pg_bind_integer(step, job_key);
  fhx__pg_bind_integer(step, step->now_us);
  fhx__pg_bind_integer(step, status < 0 ? status : FHX_ERR_INTERNAL);
  fhx__pg_bind_text(step, reason);
  fhx__pg_run(step);
  return fhx__pg_end_turn(step, job_key);
}

int32_t fhx__pg_end_turn(fhx__pg_step *step, int64_t job_key) {
  return fhx__pg_run_for_job(step, FHX__PG_TURN_END, job_key);
}

static int32_t give_task(fhx__pg_step *step, int row, fhx_reply *reply) {
  fhx_task_record record;
  FHX_INIT(&record);
  record.state = fhx__pg_small(step, row, 0);
  record.job_id = fhx__pg_text(step, row, 1);
  record.task_index = fhx__pg_small(step, row, 2);
  record.phase = fhx__pg_small(step, row, 3);
  record.resource_type = fhx__pg_text(step, row, 4);
  record.shard = fhx__pg_bytes(step, row, 5, &record.shard_len);
  record.shard_index = fhx__pg_small(step, row, 6);
  record.attempt_count = fhx__pg_small(step, row, 7);
  record.fence = fhx__pg_count(step, row, 8);
  record.next_seq = fhx__pg_count(step, row, 9);
  record.first_seq = fhx__pg_count(step, row, 10);
  record.token = fhx__pg_bytes(step, row, 11, &record.token_len);
  record.last_id = fhx__pg_text(step, row, 12);
  record.resource_count = fhx__pg_count(step, row, 13);
  record.byte_count = fhx__pg_count(step, row, 14);
  record.error_count = fhx__pg_count(step, row, 15);
  record.estimated_resources = fhx__pg_count(step, row, 16);
  return step->fault == FHX__PG_FAULT_NONE ? fhx_reply_task(reply, &record) : FHX_ERR_STORE;
}

int32_t fhx__pg_reply_task(fhx__pg_step *step, int64_t job_key, uint32_t task_index) {
  fhx__pg_statement(step, FHX__PG_TASK_READ);
  fhx__pg_bind_integer(step, job_key);
  fhx__pg_bind_count(step, task_index);
  if (!fhx__pg_row(step)) {
    if (step->fault != FHX__PG_FAULT_NONE) return FHX_ERR_STORE;
    return fhx__pg_refuse(step, FHX_ERR_NOT_FOUND, "the job has no such task");
  }
  fhx__pg_answer_with(step, give_task);
  return FHX_OK;
}

int32_t fhx__pg_run_for_job(fhx__pg_step *step, fhx__pg_sql id, int64_t job_key) {
  fhx__pg_statement(step, id);
  fhx__pg_bind_integer(step, job_key);
  return fhx__pg_run(step);
}

int32_t fhx__pg_run_for_task(fhx__pg_step *step, fhx__pg_sql id, int64_t job_key,
                             uint32_t task_index) {
  fhx__pg_statement(step, id);
  fhx__pg_bind_integer(step, job_key);
  fhx__pg_bind_count(step, task_index);
  return fhx__pg_run(step);
}

int32_t fhx__pg_drop_piece(fhx__pg_step *step, fhx__pg_sql id, int64_t job_key) {
  fhx__pg_statement(step, id);
  fhx__pg_bind_integer(step, job_key);
  fhx__pg_bind_integer(step, DROP_MAX);
  int32_t status = fhx__pg_run(step);
  if (status == FHX_OK && fhx__pg_changed_count(step) == DROP_MAX) status = FHX_WAIT;
  return status;
}

int32_t fhx__pg_put_back(fhx__pg_step *step, int64_t job_key, uint32_t task_index,
                         uint32_t attempt_count) {
  fhx__pg_statement(step, FHX__PG_TASK_RELEASE);
  fhx__pg_bind_integer(step, job_key);
  fhx__pg_bind_count(step, task_index);
  fhx__pg_bind_count(step, attempt_count);
  return fhx__pg_run(step);
}

int64_t fhx__pg_lease_end(const fhx__pg_step *step, int64_t lease_us) {
  const bool is_endless = step->now_us > 0 && lease_us > INT64_MAX - step->now_us;
  return is_endless ? INT64_MAX : step->now_us + lease_us;
}

int32_t fhx__pg_wait_until(fhx__pg_step *step, int64_t lapse_us) {
  int64_t wait_us = lapse_us - step->now_us;
  if (wait_us > WAIT_MAX_US) wait_us = WAIT_MAX_US;
  if (wait_us < WAIT_MIN_US) wait_us = WAIT_MIN_US;
  step->wait_us = wait_us;
  return FHX_WAIT;
}

uint32_t fhx__pg_page_count(fhx__pg_step *step, int64_t job_key) {
  fhx__pg_statement(step, FHX__PG_PAGE_COUNT);
  fhx__pg_bind_integer(step, job_key);
  return fhx__pg_row(step) ? fhx__pg_small(step, 0, 0) : 0;
}
