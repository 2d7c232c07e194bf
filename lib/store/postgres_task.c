/* The PostgreSQL store's steps on a task that a worker holds: renew, plan, members, checkpoint,
   release; and reading one. */
#include "store/postgres_store.h"

/* --- renew --- */

/* Notes that parts of this attempt with numbers up to `last_seq` may exist. */
static int32_t announce(fhx__pg_step *step, const fhx__pg_task *task, uint64_t last_seq) {
  fhx__pg_statement(step, FHX__PG_ATTEMPT_ANNOUNCE);
  fhx__pg_bind_integer(step, task->job.key);
  fhx__pg_bind_count(step, task->index);
  fhx__pg_bind_count(step, task->fence);
  fhx__pg_bind_count(step, last_seq);
  return fhx__pg_run(step);
}

/* The task, if the job runs and `fence` holds it. */
static int32_t find_held(fhx__pg_step *step, const char *job_id, uint32_t task_index,
                         uint64_t fence, fhx__pg_lock lock, fhx__pg_task *task) {
  int32_t status = fhx__pg_find_task(step, job_id, task_index, lock, task);
  if (status == FHX_OK) status = fhx__pg_check_running(step, task);
  return status == FHX_OK ? fhx__pg_check_fence(step, task, fence) : status;
}

typedef struct renewal {
  const char *job_id;
  uint32_t task_index;
  uint64_t fence;
  uint64_t last_seq;
  uint64_t resource_count;
  int64_t lease_us;
} renewal;

static int32_t renew_task(fhx__pg_step *step, const void *arguments) {
  const renewal *wanted = arguments;
  fhx__pg_task task;
  int32_t status =
      find_held(step, wanted->job_id, wanted->task_index, wanted->fence, FHX__PG_SHARE, &task);
  if (status != FHX_OK) return status;
  fhx__pg_statement(step, FHX__PG_TASK_RENEW);
  fhx__pg_bind_integer(step, task.job.key);
  fhx__pg_bind_count(step, task.index);
  fhx__pg_bind_integer(step, fhx__pg_lease_end(step, wanted->lease_us));
  fhx__pg_bind_count(step, wanted->resource_count);
  fhx__pg_run(step);
  return announce(step, &task, wanted->last_seq);
}

void fhx__pg_renew_task(void *user_data, const char *job_id, uint32_t task_index, uint64_t fence,
                        uint64_t last_seq, uint64_t resource_count, int64_t lease_us,
                        fhx_reply *reply) {
  const renewal wanted = {job_id, task_index, fence, last_seq, resource_count, lease_us};
  fhx__pg_run_step(user_data, true, renew_task, &wanted, reply);
}

/* --- plan --- */

/* The task is done, and with the last one the job, which is locked for change. */
static int32_t end_task(fhx__pg_step *step, const fhx__pg_task *task) {
  fhx__pg_run_for_task(step, FHX__PG_TASK_END, task->job.key, task->index);
  fhx__pg_statement(step, FHX__PG_ATTEMPT_FINISH);
  fhx__pg_bind_integer(step, task->job.key);
  fhx__pg_bind_count(step, task->index);
  fhx__pg_bind_count(step, task->fence);
  fhx__pg_run(step);
  fhx__pg_statement(step, FHX__PG_JOB_COMPLETE);
  fhx__pg_bind_integer(step, task->job.key);
  fhx__pg_bind_integer(step, step->now_us);
  fhx__pg_run(step);
  return fhx__pg_end_turn(step, task->job.key);
}

static int32_t insert_tasks(fhx__pg_step *step, int64_t job_key, const fhx_plan *plan) {
  const uint32_t count = fhx_plan_task_count(plan);
  if (count == 0) return FHX_OK;
  fhx__pg_statement(step, FHX__PG_TASK_INSERT);
  fhx__pg_bind_integer(step, job_key);
  fhx__pg_bind_array(step, FHX__PG_INTEGER, count);
  for (uint32_t i = 0; i < count; i++) {
    fhx__pg_add_count(step, fhx_plan_task(plan, i)->task_index);
  }
  fhx__pg_bind_array(step, FHX__PG_INTEGER, count);
  for (uint32_t i = 0; i < count; i++) fhx__pg_add_count(step, fhx_plan_task(plan, i)->phase);
  fhx__pg_bind_array(step, FHX__PG_TEXT, count);
  for (uint32_t i = 0; i < count; i++) {
    fhx__pg_add_text(step, fhx_plan_task(plan, i)->resource_type);
  }
  fhx__pg_bind_array(step, FHX__PG_INTEGER, count);
  for (uint32_t i = 0; i < count; i++) {
    fhx__pg_add_count(step, fhx_plan_task(plan, i)->shard_index);
  }
  fhx__pg_bind_array(step, FHX__PG_BYTES, count);
  for (uint32_t i = 0; i < count; i++) {
    const fhx_task_record *task = fhx_plan_task(plan, i);
    fhx__pg_add_bytes(step, task->shard, task->shard_len);
  }
  fhx__pg_bind_array(step, FHX__PG_INTEGER, count);
  for (uint32_t i = 0; i < count; i++) {
    fhx__pg_add_count(step, fhx_plan_task(plan, i)->estimated_resources);
  }
  return fhx__pg_run(step);
}

/* Makes the statement ready that inserts lines behind those that the task has; the lines follow.
   Must come before the task's line_count rises: the lines' positions count on from it. */
static void begin_lines(fhx__pg_step *step, const fhx__pg_task *task, uint32_t count) {
  fhx__pg_statement(step, FHX__PG_LINE_INSERT);
  fhx__pg_bind_integer(step, task->job.key);
  fhx__pg_bind_count(step, task->index);
  fhx__pg_bind_array(step, FHX__PG_BYTES, count);
}

/* A line of length 0 may have no address. */
static void add_line(fhx__pg_step *step, const void *line, size_t len) {
  fhx__pg_add_bytes(step, line == NULL ? "" : line, len);
}

static int32_t insert_plan_lines(fhx__pg_step *step, const fhx_plan *plan,
                                 const fhx__pg_task *task) {
  const uint32_t count = fhx_plan_line_count(plan);
  if (count == 0) return FHX_OK;
  begin_lines(step, task, count);
  for (uint32_t i = 0; i < count; i++) {
    size_t len = 0;
    const void *line = fhx_plan_line(plan, i, &len);
    add_line(step, line, len);
  }
  fhx__pg_run(step);
  fhx__pg_statement(step, FHX__PG_TASK_LINES);
  fhx__pg_bind_integer(step, task->job.key);
  fhx__pg_bind_count(step, task->index);
  fhx__pg_bind_count(step, count);
  return fhx__pg_run(step);
}

static int32_t plan_tasks(fhx__pg_step *step, const void *arguments) {
  const fhx_plan *plan = arguments;
  fhx__pg_task task;
  int32_t status =
      find_held(step, fhx_plan_job_id(plan), 0, fhx_plan_fence(plan), FHX__PG_CHANGE, &task);
  if (status == FHX_OK) status = insert_tasks(step, task.job.key, plan);
  if (status == FHX_OK) status = insert_plan_lines(step, plan, &task);
  return status == FHX_OK ? end_task(step, &task) : status;
}

void fhx__pg_plan_tasks(void *user_data, const fhx_plan *plan, fhx_reply *reply) {
  fhx__pg_run_step(user_data, true, plan_tasks, plan, reply);
}

/* --- members --- */

static int32_t add_members(fhx__pg_step *step, const void *arguments) {
  const fhx_members *members = arguments;
  fhx__pg_task task;
  int32_t status = find_held(step, fhx_members_job_id(members), fhx_members_task_index(members),
                             fhx_members_fence(members), FHX__PG_SHARE, &task);
  const uint32_t count = fhx_members_count(members);
  if (status != FHX_OK || count == 0) return status;
  fhx__pg_statement(step, FHX__PG_MEMBER_INSERT);
  fhx__pg_bind_integer(step, task.job.key);
  fhx__pg_bind_count(step, fhx_members_list(members));
  fhx__pg_bind_array(step, FHX__PG_TEXT, count);
  for (uint32_t i = 0; i < count; i++) fhx__pg_add_text(step, fhx_members_text(members, i));
  return fhx__pg_run(step);
}

void fhx__pg_add_members(void *user_data, const fhx_members *members, fhx_reply *reply) {
  fhx__pg_run_step(user_data, true, add_members, members, reply);
}

/* --- checkpoint --- */

typedef uint64_t (*part_number)(const fhx_part *part);
typedef const char *(*part_text)(const fhx_part *part);

static uint64_t kind_of(const fhx_part *part) {
  return fhx_part_kind(part);
}

static uint64_t crc32c_of(const fhx_part *part) {
  return fhx_part_crc32c(part);
}

static uint64_t encoding_of(const fhx_part *part) {
  return fhx_part_encoding(part);
}

static uint64_t flags_of(const fhx_part *part) {
  return fhx_part_flags(part);
}

static void bind_part_numbers(fhx__pg_step *step, const fhx_checkpoint *checkpoint,
                              part_number number) {
  const uint32_t count = fhx_checkpoint_part_count(checkpoint);
  fhx__pg_bind_array(step, FHX__PG_INTEGER, count);
  for (uint32_t i = 0; i < count; i++) {
    fhx__pg_add_count(step, number(fhx_checkpoint_part(checkpoint, i)));
  }
}

static void bind_part_texts(fhx__pg_step *step, const fhx_checkpoint *checkpoint, part_text text) {
  const uint32_t count = fhx_checkpoint_part_count(checkpoint);
  fhx__pg_bind_array(step, FHX__PG_TEXT, count);
  for (uint32_t i = 0; i < count; i++) {
    fhx__pg_add_text(step, text(fhx_checkpoint_part(checkpoint, i)));
  }
}

static int32_t insert_parts(fhx__pg_step *step, const fhx__pg_task *task,
                            const fhx_checkpoint *checkpoint) {
  const uint32_t count = fhx_checkpoint_part_count(checkpoint);
  if (count == 0) return FHX_OK;
  fhx__pg_statement(step, FHX__PG_PART_INSERT);
  fhx__pg_bind_integer(step, task->job.key);
  fhx__pg_bind_count(step, task->index);
  bind_part_numbers(step, checkpoint, fhx_part_seq);
  bind_part_numbers(step, checkpoint, fhx_part_fence);
  bind_part_numbers(step, checkpoint, kind_of);
  bind_part_texts(step, checkpoint, fhx_part_name);
  bind_part_texts(step, checkpoint, fhx_part_resource_type);
  bind_part_numbers(step, checkpoint, fhx_part_resource_count);
  bind_part_numbers(step, checkpoint, fhx_part_byte_count);
  bind_part_numbers(step, checkpoint, crc32c_of);
  fhx__pg_bind_array(step, FHX__PG_BYTES, count);
  for (uint32_t i = 0; i < count; i++) {
    fhx__pg_add_bytes(step, fhx_part_sha256(fhx_checkpoint_part(checkpoint, i)), 32);
  }
  bind_part_numbers(step, checkpoint, fhx_part_stored_byte_count);
  bind_part_numbers(step, checkpoint, encoding_of);
  bind_part_numbers(step, checkpoint, flags_of);
  bind_part_numbers(step, checkpoint, fhx_part_error_count);
  bind_part_numbers(step, checkpoint, fhx_part_warning_count);
  return fhx__pg_run(step);
}

static int32_t insert_lines(fhx__pg_step *step, const fhx__pg_task *task,
                            const fhx_checkpoint *checkpoint) {
  const uint32_t count = fhx_checkpoint_line_count(checkpoint);
  if (count == 0) return FHX_OK;
  begin_lines(step, task, count);
  for (uint32_t i = 0; i < count; i++) {
    size_t len = 0;
    const void *line = fhx_checkpoint_line(checkpoint, i, &len);
    add_line(step, line, len);
  }
  return fhx__pg_run(step);
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

static int32_t advance_task(fhx__pg_step *step, const fhx__pg_task *task,
                            const fhx_checkpoint *checkpoint) {
  size_t token_len = 0;
  const void *token = fhx_checkpoint_token(checkpoint, &token_len);
  fhx__pg_statement(step, FHX__PG_TASK_CHECKPOINT);
  fhx__pg_bind_integer(step, task->job.key);
  fhx__pg_bind_count(step, task->index);
  fhx__pg_bind_count(step, fhx_checkpoint_next_seq(checkpoint));
  fhx__pg_bind_bytes(step, token, token_len);
  fhx__pg_bind_text(step, fhx_checkpoint_last_id(checkpoint));
  fhx__pg_bind_count(step, fhx_checkpoint_resource_count(checkpoint));
  fhx__pg_bind_count(step, fhx_checkpoint_byte_count(checkpoint));
  fhx__pg_bind_count(step, fhx_checkpoint_error_count(checkpoint));
  fhx__pg_bind_count(step, fhx_checkpoint_line_count(checkpoint));
  fhx__pg_bind_count(step, last_part_seq(checkpoint));
  fhx__pg_run(step);
  return announce(step, task, fhx_checkpoint_next_seq(checkpoint) - 1);
}

/* Only the end of a task may change the job. */
static int32_t record_checkpoint(fhx__pg_step *step, const void *arguments) {
  const fhx_checkpoint *checkpoint = arguments;
  const bool is_done = fhx_checkpoint_done(checkpoint) != 0;
  fhx__pg_task task;
  int32_t status =
      find_held(step, fhx_checkpoint_job_id(checkpoint), fhx_checkpoint_task_index(checkpoint),
                fhx_checkpoint_fence(checkpoint), is_done ? FHX__PG_CHANGE : FHX__PG_SHARE, &task);
  if (status != FHX_OK) return status;
  if (fhx_checkpoint_seq(checkpoint) != task.next_seq) {
    return fhx__pg_refuse(step, FHX_ERR_REFUSED, "the checkpoint is not the task's next one");
  }
  status = insert_parts(step, &task, checkpoint);
  if (status == FHX_OK) status = insert_lines(step, &task, checkpoint);
  if (status == FHX_OK) status = advance_task(step, &task, checkpoint);
  if (status == FHX_OK && is_done) status = end_task(step, &task);
  return status;
}

void fhx__pg_record_checkpoint(void *user_data, const fhx_checkpoint *checkpoint,
                               fhx_reply *reply) {
  fhx__pg_run_step(user_data, true, record_checkpoint, checkpoint, reply);
}

/* --- release --- */

typedef struct release {
  const char *job_id;
  uint32_t task_index;
  uint32_t how;
  uint64_t fence;
  uint32_t attempts_max;
  int32_t status;
  const char *reason;
} release;

static int32_t release_task(fhx__pg_step *step, const void *arguments) {
  const release *released = arguments;
  const bool parked = released->how == FHX_RELEASE_PARKED;
  fhx__pg_task task;
  int32_t status = fhx__pg_find_task(step, released->job_id, released->task_index,
                                     parked ? FHX__PG_SHARE : FHX__PG_CHANGE, &task);
  if (status == FHX_OK) status = fhx__pg_check_fence(step, &task, released->fence);
  if (status != FHX_OK) return status;
  const bool runs = task.job.state == FHX_JOB_RUNNING;
  uint32_t attempt_count = task.attempt_count;
  /* A checkpoint with a token may have set it to 0 in the meantime. */
  if (runs && parked && attempt_count > 0) attempt_count--;
  status = fhx__pg_put_back(step, task.job.key, task.index, attempt_count);
  if (status != FHX_OK || !runs || parked) return status;
  if (released->how == FHX_RELEASE_RETRY && attempt_count < released->attempts_max) return FHX_OK;
  return fhx__pg_fail_job(step, task.job.key, released->status, released->reason);
}

void fhx__pg_release_task(void *user_data, const char *job_id, uint32_t task_index, uint64_t fence,
                          uint32_t how, uint32_t attempts_max, int32_t status, const char *reason,
                          fhx_reply *reply) {
  const release released = {job_id, task_index, how, fence, attempts_max, status, reason};
  fhx__pg_run_step(user_data, true, release_task, &released, reply);
}

/* --- read --- */

typedef struct place {
  const char *job_id;
  uint32_t task_index;
} place;

static int32_t read_task(fhx__pg_step *step, const void *arguments) {
  const place *wanted = arguments;
  fhx__pg_job job;
  int32_t status = fhx__pg_find_job(step, wanted->job_id, FHX__PG_READ, &job);
  return status == FHX_OK ? fhx__pg_reply_task(step, job.key, wanted->task_index) : status;
}

void fhx__pg_read_task(void *user_data, const char *job_id, uint32_t task_index, fhx_reply *reply) {
  const place wanted = {job_id, task_index};
  fhx__pg_run_step(user_data, false, read_task, &wanted, reply);
}
