/* The PostgreSQL store's claim_task: which task is given out, and to whom. */
#include <stdio.h>

#include "store/postgres_store.h"

#define REASON_MAX 160
/* How long to wait for a task that another step has at hand. */
#define BUSY_US 10000

typedef struct claim {
  /* NULL: of any job. */
  const char *job_id;
  const char *id;
  int64_t lease_us;
  uint32_t attempts_max;
} claim;

/* A task that can be had. */
typedef struct found {
  int64_t job_key;
  int64_t phase;
  uint32_t index;
  uint32_t attempt_count;
  bool has_token;
  bool has_pages;
  /* In the step's result. */
  const char *resource_type;
} found;

/* Locks a job that was found in passing: false when it no longer runs, or is held for longer; or
   when another step has it and this one may not wait, since it has locked a job before: turns are
   in no lasting order, and two claims that wait for each other's jobs would be a ring. */
static bool lock_job(fhx__pg_step *step, int64_t job_key, int64_t held_until_us, bool *has_locked) {
  static const fhx__pg_sql statements[2][2] = {
      {FHX__PG_JOB_SHARE_KEY, FHX__PG_JOB_SHARE_FREE},
      {FHX__PG_JOB_CHANGE_KEY, FHX__PG_JOB_CHANGE_FREE},
  };
  fhx__pg_statement(step, statements[step->locks_for_change ? 1 : 0][*has_locked ? 1 : 0]);
  fhx__pg_bind_integer(step, job_key);
  fhx__pg_bind_integer(step, held_until_us);
  const bool is_locked = fhx__pg_row(step);
  if (is_locked) *has_locked = true;
  return is_locked;
}

/* The task that the claim holds already, since the answer to its first call was lost; FHX_END if
   there is none. `job_key` 0: of any job, also of one that is held. */
static int32_t give_again(fhx__pg_step *step, const claim *claimed, int64_t job_key,
                          bool *has_locked) {
  fhx__pg_statement(step, FHX__PG_TASK_HELD);
  fhx__pg_bind_text(step, claimed->id);
  fhx__pg_bind_integer(step, job_key);
  if (!fhx__pg_row(step)) return step->fault == FHX__PG_FAULT_NONE ? FHX_END : FHX_ERR_STORE;
  const int64_t key = fhx__pg_integer(step, 0, 0);
  const uint32_t index = fhx__pg_small(step, 0, 1);
  if (job_key == 0 && !lock_job(step, key, INT64_MAX, has_locked)) {
    return step->fault == FHX__PG_FAULT_NONE ? FHX_END : FHX_ERR_STORE;
  }
  fhx__pg_statement(step, FHX__PG_TASK_KEEP);
  fhx__pg_bind_integer(step, key);
  fhx__pg_bind_count(step, index);
  fhx__pg_bind_integer(step, fhx__pg_lease_end(step, claimed->lease_us));
  fhx__pg_bind_text(step, claimed->id);
  if (fhx__pg_run(step) != FHX_OK) return FHX_ERR_STORE;
  /* Somebody may have taken it over in the meantime. */
  return fhx__pg_changed_count(step) == 0 ? FHX_END : fhx__pg_reply_task(step, key, index);
}

/* A new attempt. Without a token the task begins again, so what it has recorded goes first. */
static int32_t give_out(fhx__pg_step *step, const claim *claimed, const found *task) {
  if (!task->has_token) {
    fhx__pg_run_for_task(step, FHX__PG_PART_DELETE, task->job_key, task->index);
    fhx__pg_run_for_task(step, FHX__PG_LINE_DELETE, task->job_key, task->index);
    fhx__pg_run_for_task(step, FHX__PG_TASK_EMPTY, task->job_key, task->index);
  }
  fhx__pg_statement(step, FHX__PG_TASK_CLAIM);
  fhx__pg_bind_integer(step, task->job_key);
  fhx__pg_bind_count(step, task->index);
  fhx__pg_bind_text(step, claimed->id);
  fhx__pg_bind_integer(step, fhx__pg_lease_end(step, claimed->lease_us));
  fhx__pg_run(step);
  /* Who names a job does not ask whose turn it is. */
  if (claimed->job_id == NULL) fhx__pg_run_for_job(step, FHX__PG_TURN_TAKE, task->job_key);
  int32_t status = fhx__pg_run_for_task(step, FHX__PG_ATTEMPT_INSERT, task->job_key, task->index);
  return status == FHX_OK ? fhx__pg_reply_task(step, task->job_key, task->index) : status;
}

/* Task 0 begins again without the members that an earlier attempt found. While there are more than
   one step drops it is nobody's, so that this attempt, if it still lives, adds none to the rest. */
static int32_t forget_members(fhx__pg_step *step, const found *task) {
  int32_t status = fhx__pg_drop_piece(step, FHX__PG_MEMBER_DELETE_PIECE, task->job_key);
  if (status != FHX_WAIT) return status;
  status = fhx__pg_put_back(step, task->job_key, 0, task->attempt_count);
  return status == FHX_OK ? fhx__pg_wait_until(step, step->now_us) : status;
}

/* To change the job it must be locked for that, from the beginning of the step on. */
static int32_t fail_job(fhx__pg_step *step, int64_t job_key, int32_t why, const char *reason) {
  if (!step->locks_for_change) {
    step->locks_for_change = true;
    fhx__pg_note(step, FHX__PG_FAULT_CONFLICT);
    return FHX_ERR_STORE;
  }
  int32_t status = fhx__pg_fail_job(step, job_key, why, reason);
  return status == FHX_OK ? FHX_END : status;
}

static const char *work_of(int64_t phase) {
  switch (phase) {
    case FHX_PHASE_PLAN:
      return "planning the export";
    case FHX_PHASE_FINISH:
      return "finishing the export";
    case FHX_PHASE_DELETED:
      return "the deletions";
    default:
      return "the export";
  }
}

/* The attempts are used up: the job fails, for a reason that names the type and no ids. */
static int32_t give_up(fhx__pg_step *step, const found *task) {
  char reason[REASON_MAX];
  const char *type = task->resource_type;
  snprintf(reason, sizeof reason, "%s%s%s came to no end in %u attempts", work_of(task->phase),
           *type == '\0' ? "" : " of ", type, task->attempt_count);
  return fail_job(step, task->job_key, FHX_ERR_LIMIT, reason);
}

/* A task that could go on and no longer can: to begin again would make anew what a client may have
   read already, on a page that never changes. */
static int32_t lose_pages(fhx__pg_step *step, const found *task) {
  char reason[REASON_MAX];
  snprintf(
      reason, sizeof reason,
      "the export of %s cannot go on where it stopped, and cannot begin again, since a part of "
      "it was handed out",
      task->resource_type);
  return fail_job(step, task->job_key, FHX_ERR_LIMIT, reason);
}

/* Until the first lease of the job's open phase lapses. */
static int32_t wait_for_lapse(fhx__pg_step *step, int64_t job_key, int64_t phase) {
  fhx__pg_statement(step, FHX__PG_TASK_LAPSE);
  fhx__pg_bind_integer(step, job_key);
  fhx__pg_bind_integer(step, phase);
  if (!fhx__pg_row(step)) return FHX_ERR_STORE;
  const bool is_busy = fhx__pg_is_null(step, 0, 0);
  return fhx__pg_wait_until(step, is_busy ? step->now_us + BUSY_US : fhx__pg_integer(step, 0, 0));
}

/* A task of a running job that this step has locked: FHX_OK, FHX_WAIT when all are held, FHX_END
   when the job has failed. */
static int32_t claim_of_job(fhx__pg_step *step, const claim *claimed, int64_t job_key) {
  found task = {.job_key = job_key};
  fhx__pg_statement(step, FHX__PG_TASK_PHASE);
  fhx__pg_bind_integer(step, job_key);
  if (!fhx__pg_row(step)) {
    if (step->fault != FHX__PG_FAULT_NONE) return FHX_ERR_STORE;
    return fhx__pg_wait_until(step, step->now_us + BUSY_US);
  }
  task.phase = fhx__pg_integer(step, 0, 0);
  fhx__pg_statement(step, FHX__PG_TASK_FREE);
  fhx__pg_bind_integer(step, job_key);
  fhx__pg_bind_integer(step, task.phase);
  fhx__pg_bind_integer(step, step->now_us);
  if (!fhx__pg_row(step)) {
    if (step->fault != FHX__PG_FAULT_NONE) return FHX_ERR_STORE;
    return wait_for_lapse(step, job_key, task.phase);
  }
  task.index = fhx__pg_small(step, 0, 0);
  task.attempt_count = fhx__pg_small(step, 0, 1);
  task.resource_type = fhx__pg_text(step, 0, 2);
  task.has_pages = fhx__pg_count(step, 0, 3) != 0;
  task.has_token = fhx__pg_count(step, 0, 4) == 0;
  if (task.attempt_count >= claimed->attempts_max) return give_up(step, &task);
  if (task.has_pages && !task.has_token) return lose_pages(step, &task);
  int32_t status = fhx__pg_status(step);
  if (status == FHX_OK && task.index == 0 && !task.has_token) status = forget_members(step, &task);
  return status == FHX_OK ? give_out(step, claimed, &task) : status;
}

/* When no job has a task to give: FHX_WAIT until a lease or a hold may lapse, FHX_END when no job
   runs. */
static int32_t wait_for_any(fhx__pg_step *step) {
  fhx__pg_statement(step, FHX__PG_JOB_RUNNING);
  if (!fhx__pg_row(step)) return FHX_ERR_STORE;
  if (fhx__pg_count(step, 0, 0) == 0) return FHX_END;
  return fhx__pg_wait_until(step, fhx__pg_integer(step, 0, 1));
}

/* The running job whose turn it is, of those that have a task to give and are nobody's. */
static int32_t claim_of_any(fhx__pg_step *step, const claim *claimed, bool has_locked) {
  int64_t turn = 0, job_key = 0;
  for (;;) {
    fhx__pg_statement(step, FHX__PG_JOB_NEXT_FREE);
    fhx__pg_bind_integer(step, turn);
    fhx__pg_bind_integer(step, step->now_us);
    fhx__pg_bind_integer(step, job_key);
    if (!fhx__pg_row(step)) break;
    job_key = fhx__pg_integer(step, 0, 0);
    turn = fhx__pg_integer(step, 0, 1);
    if (!lock_job(step, job_key, step->now_us, &has_locked)) continue;
    const int32_t status = claim_of_job(step, claimed, job_key);
    if (status <= FHX_OK) return status;
  }
  return step->fault == FHX__PG_FAULT_NONE ? wait_for_any(step) : FHX_ERR_STORE;
}

static int32_t claim_task(fhx__pg_step *step, const void *arguments) {
  const claim *claimed = arguments;
  const fhx__pg_lock lock = step->locks_for_change ? FHX__PG_CHANGE : FHX__PG_SHARE;
  fhx__pg_job job = {0, FHX_JOB_RUNNING, 0};
  fhx__pg_statement(step, FHX__PG_TASK_LOCK_CLAIM);
  fhx__pg_bind_text(step, claimed->id);
  int32_t status = fhx__pg_run(step);
  if (status == FHX_OK && claimed->job_id != NULL) {
    status = fhx__pg_find_job(step, claimed->job_id, lock, &job);
  }
  if (status != FHX_OK) return status;
  if (job.state != FHX_JOB_RUNNING) return FHX_END;
  bool has_locked = false;
  status = give_again(step, claimed, job.key, &has_locked);
  if (status != FHX_END) return status;
  if (claimed->job_id == NULL) return claim_of_any(step, claimed, has_locked);
  return claim_of_job(step, claimed, job.key);
}

void fhx__pg_claim_task(void *user_data, const char *job_id, const char *claim_id, int64_t lease_us,
                        uint32_t attempts_max, fhx_reply *reply) {
  const claim claimed = {job_id, claim_id, lease_us, attempts_max};
  fhx__pg_run_step(user_data, true, claim_task, &claimed, reply);
}
