/*
 * A store in memory: one lock, and lists that are searched from the beginning. It is complete but
 * for the optional steps, and small rather than fast. Where memory is short it ends the program, as
 * a store of records that last must not.
 */
#include "toy_store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "toy_records.h"

#define WAIT_US 1000000

/* --- finding --- */

static int64_t now_of(const toy_records *all) {
  return all->clock(all->clock_user_data);
}

static toy_job *find_job(toy_records *all, const char *job_id) {
  for (size_t i = 0; i < all->jobs.count; i++) {
    toy_job *job = toy_at(&all->jobs, i);
    if (strcmp(job->record.job_id, job_id) == 0) return job;
  }
  return NULL;
}

static toy_task *task_at(toy_job *job, size_t task_index) {
  return toy_at(&job->tasks, task_index);
}

static int refuse(fhx_reply *reply, int32_t status) {
  fhx_reply_fail(reply, status, 0, "the step's condition does not hold");
  return 0;
}

static void finish(toy_records *all, fhx_reply *reply, int taken) {
  if (taken) fhx_reply_done(reply);
  pthread_mutex_unlock(&all->lock);
}

/* The job, whatever its state; NULL: the reply says that there is none. */
static toy_job *need_job(toy_records *all, const char *job_id, fhx_reply *reply) {
  toy_job *job = find_job(all, job_id);
  if (job == NULL) refuse(reply, FHX_ERR_NOT_FOUND);
  return job;
}

/* The task that an attempt of a running job holds; NULL: the reply says why not. */
static toy_task *need_held(toy_records *all, const char *job_id, uint32_t task_index,
                           uint64_t fence, toy_job **found, fhx_reply *reply) {
  toy_job *job = need_job(all, job_id, reply);
  if (job == NULL) return NULL;
  if (job->record.state == FHX_JOB_REMOVING || task_index >= job->tasks.count) {
    refuse(reply, FHX_ERR_NOT_FOUND);
    return NULL;
  }
  toy_task *task = task_at(job, task_index);
  if (job->record.state != FHX_JOB_RUNNING || task->record.state != FHX_TASK_RUNNING ||
      task->record.fence != fence) {
    refuse(reply, FHX_ERR_REFUSED);
    return NULL;
  }
  *found = job;
  return task;
}

static int64_t end_of_lease(int64_t now_us, int64_t lease_us) {
  return lease_us > INT64_MAX - now_us ? INT64_MAX : now_us + lease_us;
}

static fhx_attempt_record *current_attempt(toy_job *job, const toy_task *task) {
  for (size_t i = 0; i < job->attempts.count; i++) {
    fhx_attempt_record *attempt = toy_at(&job->attempts, i);
    if (attempt->task_index == task->record.task_index && attempt->fence == task->record.fence) {
      return attempt;
    }
  }
  return NULL;
}

/* --- jobs --- */

static void end_job(toy_job *job, uint32_t state, int64_t now_us) {
  job->record.state = state;
  if (job->record.ended_us == 0) job->record.ended_us = now_us;
  if (state != FHX_JOB_COMPLETE) job->record.cleanup_due = 1;
}

static void fail_job(toy_job *job, int32_t status, const char *reason, int64_t now_us) {
  free((char *)job->record.reason);
  job->record.reason = toy_copy_text(reason);
  job->record.reason_status = status;
  end_job(job, FHX_JOB_FAILED, now_us);
}

static toy_task *add_task(toy_job *job, const fhx_task_record *given) {
  toy_task *task = toy_append(&job->tasks);
  task->record = *given;
  task->record.state = FHX_TASK_WAITING;
  task->record.next_seq = task->record.first_seq = 1;
  task->record.fence = 0;
  task->record.resource_type = toy_copy_text(given->resource_type);
  task->record.shard = toy_copy(given->shard, given->shard_len);
  task->record.token = NULL;
  task->record.token_len = 0;
  task->record.last_id = toy_copy_text("");
  task->claim_id = toy_copy_text("");
  return task;
}

static int has_room(toy_records *all, const fhx_job_record *record) {
  uint32_t running = 1, of_client = 1;
  const char *tenant = record->tenant == NULL ? "" : record->tenant;
  const char *client = record->client == NULL ? "" : record->client;
  for (size_t i = 0; i < all->jobs.count; i++) {
    const fhx_job_record *other = &((toy_job *)toy_at(&all->jobs, i))->record;
    if (other->state != FHX_JOB_RUNNING) continue;
    running++;
    if (strcmp(other->tenant, tenant) == 0 && strcmp(other->client, client) == 0) of_client++;
  }
  return (record->jobs_max == 0 || running <= record->jobs_max) &&
         (record->jobs_per_client_max == 0 || of_client <= record->jobs_per_client_max);
}

static void create_job(void *user_data, const fhx_job_record *record, fhx_reply *reply) {
  toy_records *all = user_data;
  fhx_task_record first;
  fhx_task_record_init(&first, sizeof first);
  pthread_mutex_lock(&all->lock);
  if (find_job(all, record->job_id) != NULL) {
    finish(all, reply, refuse(reply, FHX_ERR_EXISTS));
    return;
  }
  if (!has_room(all, record)) {
    finish(all, reply, refuse(reply, FHX_ERR_LIMIT));
    return;
  }
  toy_job *job = toy_append(&all->jobs);
  fhx_job_record_init(&job->record, sizeof job->record);
  job->record.state = FHX_JOB_RUNNING;
  job->record.job_id = toy_copy_text(record->job_id);
  job->record.tenant = toy_copy_text(record->tenant);
  job->record.client = toy_copy_text(record->client);
  job->record.request = toy_copy_text(record->request);
  job->record.definition = toy_copy_text(record->definition);
  job->record.parameters = toy_copy_text(record->parameters);
  job->record.reason = toy_copy_text("");
  job->record.host_context = toy_copy(record->host_context, record->host_context_len);
  job->record.host_context_len = record->host_context_len;
  job->record.transaction_time_us = record->transaction_time_us;
  job->record.resolution_us = record->resolution_us;
  job->record.created_us = now_of(all);
  job->tasks.item_size = sizeof(toy_task);
  job->attempts.item_size = sizeof(fhx_attempt_record);
  job->parts.item_size = sizeof(toy_part);
  job->lines.item_size = sizeof(toy_line);
  job->members.item_size = sizeof(toy_member);
  first.phase = FHX_PHASE_PLAN;
  add_task(job, &first);
  finish(all, reply, 1);
}

/* When the first lease of its tasks lapses; 0: none is held. */
static int64_t first_lapse(toy_job *job, int64_t now_us) {
  int64_t first_us = 0;
  for (size_t i = 0; i < job->tasks.count; i++) {
    const toy_task *task = task_at(job, i);
    if (task->record.state != FHX_TASK_RUNNING || task->lease_end_us <= now_us) continue;
    if (first_us == 0 || task->lease_end_us < first_us) first_us = task->lease_end_us;
  }
  return first_us;
}

static void read_job(void *user_data, const char *job_id, fhx_reply *reply) {
  toy_records *all = user_data;
  pthread_mutex_lock(&all->lock);
  toy_job *job = need_job(all, job_id, reply);
  if (job != NULL) {
    fhx_job_record record = job->record;
    for (size_t i = 0; i < job->tasks.count; i++) {
      const toy_task *task = task_at(job, i);
      record.task_count++;
      record.task_done_count += task->record.state == FHX_TASK_DONE ? 1 : 0;
      record.resource_count += task->record.resource_count;
      record.byte_count += task->record.byte_count;
      record.error_count += task->record.error_count;
      record.estimated_resources += task->record.estimated_resources;
      record.resource_mark += task->resource_mark;
      record.attempt_count += task->record.fence;
      record.retry_count += task->record.fence > 1 ? task->record.fence - 1 : 0;
    }
    record.is_waiting =
        record.state == FHX_JOB_RUNNING && first_lapse(job, now_of(all)) == 0 ? 1 : 0;
    fhx_reply_job(reply, &record);
  }
  finish(all, reply, job != NULL);
}

static void remove_job(void *user_data, const char *job_id, fhx_reply *reply) {
  toy_records *all = user_data;
  pthread_mutex_lock(&all->lock);
  toy_job *job = need_job(all, job_id, reply);
  if (job != NULL) end_job(job, FHX_JOB_REMOVING, now_of(all));
  finish(all, reply, job != NULL);
}

static void reply_wait(fhx_reply *reply, int64_t until_us, int64_t now_us) {
  int64_t wait_us = until_us - now_us;
  fhx_reply_wait(reply, wait_us > WAIT_US ? WAIT_US : wait_us);
}

static void clean_job(void *user_data, const char *job_id, fhx_reply *reply) {
  toy_records *all = user_data;
  int taken = 0;
  pthread_mutex_lock(&all->lock);
  toy_job *job = need_job(all, job_id, reply);
  int64_t now_us = now_of(all);
  if (job != NULL && job->record.cleanup_due == 0) {
    refuse(reply, FHX_ERR_REFUSED);
  } else if (job != NULL && first_lapse(job, now_us) != 0) {
    reply_wait(reply, first_lapse(job, now_us), now_us);
  } else if (job != NULL) {
    taken = 1;
    job->record.cleanup_due = 0;
    toy_drop_parts(job);
    toy_drop_lines(job);
    toy_drop_members(job);
    toy_empty(&job->attempts);
    if (job->record.state == FHX_JOB_REMOVING) {
      toy_free_job(job);
      toy_drop(&all->jobs, (size_t)((char *)job - all->jobs.items) / sizeof *job);
    }
  }
  finish(all, reply, taken);
}

static void next_cleanup(void *user_data, int64_t keep_us, const char *after_job_id,
                         fhx_reply *reply) {
  toy_records *all = user_data;
  const char *next = NULL;
  pthread_mutex_lock(&all->lock);
  int64_t now_us = now_of(all);
  for (size_t i = 0; i < all->jobs.count; i++) {
    toy_job *job = toy_at(&all->jobs, i);
    int is_over = job->record.state == FHX_JOB_COMPLETE || job->record.state == FHX_JOB_FAILED;
    if (is_over && keep_us >= 0 && job->record.ended_us < now_us - keep_us) {
      end_job(job, FHX_JOB_REMOVING, now_us);
    }
    const char *job_id = job->record.job_id;
    if (job->record.cleanup_due == 0) continue;
    if (after_job_id != NULL && strcmp(job_id, after_job_id) <= 0) continue;
    if (next == NULL || strcmp(job_id, next) < 0) next = job_id;
  }
  if (next != NULL) fhx_reply_item(reply, next, strlen(next));
  finish(all, reply, 1);
}

/* --- tasks --- */

static const char *work_of(const fhx_task_record *task) {
  switch (task->phase) {
    case FHX_PHASE_PLAN:
      return "planning the export";
    case FHX_PHASE_FINISH:
      return "finishing the export";
    case FHX_PHASE_DELETED:
      return "the deletions of ";
    default:
      return "the export of ";
  }
}

static void give_up(toy_job *job, const toy_task *task, int64_t now_us) {
  char reason[200];
  snprintf(reason, sizeof reason, "%s%s came to no end in %u attempts", work_of(&task->record),
           task->record.resource_type, task->record.attempt_count);
  fail_job(job, FHX_ERR_LIMIT, reason, now_us);
}

/* A new attempt; without a token it begins again. */
static void give_out(toy_job *job, toy_task *task) {
  if (task->record.token == NULL) {
    toy_drop_of_task(job, task->record.task_index);
    if (task->record.task_index == 0) toy_drop_members(job);
    task->record.resource_count = task->record.byte_count = task->record.error_count = 0;
    free((char *)task->record.last_id);
    task->record.last_id = toy_copy_text("");
  }
  task->record.state = FHX_TASK_RUNNING;
  task->record.fence++;
  task->record.attempt_count++;
  task->record.first_seq = task->record.next_seq;
  /* In the order of tasks, and then of fences. */
  size_t place = 0;
  while (place < job->attempts.count &&
         ((fhx_attempt_record *)toy_at(&job->attempts, place))->task_index <=
             task->record.task_index) {
    place++;
  }
  fhx_attempt_record *attempt = toy_insert(&job->attempts, place);
  fhx_attempt_record_init(attempt, sizeof *attempt);
  attempt->task_index = task->record.task_index;
  attempt->phase = task->record.phase;
  attempt->shard_index = task->record.shard_index;
  attempt->resource_type = task->record.resource_type;
  attempt->fence = task->record.fence;
  attempt->first_seq = task->record.first_seq;
  attempt->last_seq = task->record.first_seq - 1;
}

/* What a claim is looking for. */
typedef struct claim {
  const char *claim_id;
  int64_t now_us;
  int64_t lease_us;
  uint32_t attempts_max;
  /* Found: the task, or else when to look again; 0: never. */
  toy_task *task;
  toy_job *job;
  int64_t again_us;
} claim;

static void take_task(claim *by, toy_job *job, toy_task *task) {
  free(task->claim_id);
  task->claim_id = toy_copy_text(by->claim_id);
  task->lease_end_us = end_of_lease(by->now_us, by->lease_us);
  by->task = task;
  by->job = job;
}

static void look_for_held(claim *by, toy_job *job) {
  for (size_t i = 0; i < job->tasks.count && by->task == NULL; i++) {
    toy_task *task = task_at(job, i);
    if (task->record.state == FHX_TASK_RUNNING && strcmp(task->claim_id, by->claim_id) == 0) {
      take_task(by, job, task);
    }
  }
}

static uint32_t open_phase(toy_job *job) {
  uint32_t phase = UINT32_MAX;
  for (size_t i = 0; i < job->tasks.count; i++) {
    const toy_task *task = task_at(job, i);
    if (task->record.state != FHX_TASK_DONE && task->record.phase < phase) {
      phase = task->record.phase;
    }
  }
  return phase;
}

static void look_for_free(claim *by, toy_job *job) {
  uint32_t phase = open_phase(job);
  for (size_t i = 0; i < job->tasks.count; i++) {
    toy_task *task = task_at(job, i);
    if (task->record.state == FHX_TASK_DONE || task->record.phase != phase) continue;
    if (task->record.state == FHX_TASK_RUNNING && task->lease_end_us > by->now_us) {
      if (by->again_us == 0 || task->lease_end_us < by->again_us) by->again_us = task->lease_end_us;
      continue;
    }
    if (task->record.attempt_count >= by->attempts_max) {
      give_up(job, task, by->now_us);
      return;
    }
    give_out(job, task);
    take_task(by, job, task);
    return;
  }
}

static void reply_task(toy_job *job, const toy_task *task, fhx_reply *reply) {
  fhx_task_record record = task->record;
  record.job_id = job->record.job_id;
  fhx_reply_task(reply, &record);
}

static void claim_any(toy_records *all, claim *by) {
  for (size_t i = 0; i < all->jobs.count && by->task == NULL; i++) {
    toy_job *job = toy_at(&all->jobs, i);
    if (job->record.state == FHX_JOB_RUNNING) look_for_held(by, job);
  }
  for (size_t i = 0; i < all->jobs.count && by->task == NULL; i++) {
    toy_job *job = toy_at(&all->jobs, i);
    if (job->record.state == FHX_JOB_RUNNING) look_for_free(by, job);
  }
}

static void claim_task(void *user_data, const char *job_id, const char *claim_id, int64_t lease_us,
                       uint32_t attempts_max, fhx_reply *reply) {
  toy_records *all = user_data;
  pthread_mutex_lock(&all->lock);
  claim by = {claim_id, now_of(all), lease_us, attempts_max, NULL, NULL, 0};
  if (job_id == NULL) {
    claim_any(all, &by);
  } else {
    toy_job *job = need_job(all, job_id, reply);
    if (job == NULL) {
      finish(all, reply, 0);
      return;
    }
    if (job->record.state == FHX_JOB_RUNNING) look_for_held(&by, job);
    if (job->record.state == FHX_JOB_RUNNING && by.task == NULL) look_for_free(&by, job);
  }
  if (by.task != NULL) {
    reply_task(by.job, by.task, reply);
  } else if (by.again_us != 0) {
    reply_wait(reply, by.again_us, by.now_us);
  } else {
    fhx_reply_end(reply);
  }
  finish(all, reply, by.task != NULL);
}

static void raise_mark(toy_task *task, uint64_t resource_count) {
  if (task->resource_mark < resource_count) task->resource_mark = resource_count;
}

static void announce(toy_job *job, const toy_task *task, uint64_t last_seq) {
  fhx_attempt_record *attempt = current_attempt(job, task);
  if (attempt->last_seq < last_seq) attempt->last_seq = last_seq;
}

static void renew_task(void *user_data, const char *job_id, uint32_t task_index, uint64_t fence,
                       uint64_t last_seq, uint64_t resource_count, int64_t lease_us,
                       fhx_reply *reply) {
  toy_records *all = user_data;
  toy_job *job = NULL;
  pthread_mutex_lock(&all->lock);
  toy_task *task = need_held(all, job_id, task_index, fence, &job, reply);
  if (task != NULL) {
    task->lease_end_us = end_of_lease(now_of(all), lease_us);
    raise_mark(task, resource_count);
    announce(job, task, last_seq);
  }
  finish(all, reply, task != NULL);
}

/* With the last task the job is complete. */
static void end_task(toy_job *job, toy_task *task, int64_t now_us) {
  task->record.state = FHX_TASK_DONE;
  current_attempt(job, task)->finished = 1;
  if (open_phase(job) == UINT32_MAX) end_job(job, FHX_JOB_COMPLETE, now_us);
}

/* Behind the task's own lines, before those of later ones. */
static void add_line(toy_job *job, uint32_t task_index, const void *line, size_t len) {
  size_t place = 0;
  while (place < job->lines.count &&
         ((toy_line *)toy_at(&job->lines, place))->task_index <= task_index) {
    place++;
  }
  toy_line *made = toy_insert(&job->lines, place);
  made->task_index = task_index;
  made->text.data = toy_copy(line, len);
  made->text.len = len;
}

static void plan_tasks(void *user_data, const fhx_plan *plan, fhx_reply *reply) {
  toy_records *all = user_data;
  toy_job *job = NULL;
  pthread_mutex_lock(&all->lock);
  toy_task *task = need_held(all, fhx_plan_job_id(plan), 0, fhx_plan_fence(plan), &job, reply);
  if (task != NULL) {
    for (uint32_t i = 0; i < fhx_plan_task_count(plan); i++) add_task(job, fhx_plan_task(plan, i));
    for (uint32_t i = 0; i < fhx_plan_line_count(plan); i++) {
      size_t len = 0;
      const void *line = fhx_plan_line(plan, i, &len);
      add_line(job, 0, line, len);
    }
    end_task(job, task_at(job, 0), now_of(all));
  }
  finish(all, reply, task != NULL);
}

/* --- checkpoints --- */

static void add_part(toy_job *job, const fhx_part *part) {
  size_t place = 0;
  for (; place < job->parts.count; place++) {
    const fhx_part_record *other = &((toy_part *)toy_at(&job->parts, place))->record;
    if (other->task_index > fhx_part_task_index(part)) break;
  }
  toy_part *made = toy_insert(&job->parts, place);
  fhx_part_record_init(&made->record, sizeof made->record);
  made->record.kind = fhx_part_kind(part);
  made->record.name = toy_copy_text(fhx_part_name(part));
  made->record.resource_type = toy_copy_text(fhx_part_resource_type(part));
  made->record.resource_count = fhx_part_resource_count(part);
  made->record.byte_count = fhx_part_byte_count(part);
  made->record.stored_byte_count = fhx_part_stored_byte_count(part);
  made->record.encoding = fhx_part_encoding(part);
  made->record.flags = fhx_part_flags(part);
  made->record.error_count = fhx_part_error_count(part);
  made->record.warning_count = fhx_part_warning_count(part);
  made->record.fence = fhx_part_fence(part);
  made->record.seq = fhx_part_seq(part);
  made->record.task_index = fhx_part_task_index(part);
  made->record.crc32c = fhx_part_crc32c(part);
  /* Where it lies changes with the list: see list_parts. */
  const uint8_t *sha256 = fhx_part_sha256(part);
  if (sha256 != NULL) memcpy(made->sha256, sha256, sizeof made->sha256);
  made->record.sha256 = sha256 == NULL ? NULL : made->sha256;
}

static void advance(toy_job *job, toy_task *task, const fhx_checkpoint *checkpoint) {
  size_t len = 0;
  const void *token = fhx_checkpoint_token(checkpoint, &len);
  free((void *)task->record.token);
  task->record.token = toy_copy(token, len);
  task->record.token_len = token == NULL ? 0 : len;
  if (token != NULL) task->record.attempt_count = 0;
  free((char *)task->record.last_id);
  task->record.last_id = toy_copy_text(fhx_checkpoint_last_id(checkpoint));
  task->record.resource_count += fhx_checkpoint_resource_count(checkpoint);
  task->record.byte_count += fhx_checkpoint_byte_count(checkpoint);
  task->record.error_count += fhx_checkpoint_error_count(checkpoint);
  raise_mark(task, task->record.resource_count);
  task->record.next_seq = fhx_checkpoint_next_seq(checkpoint);
  announce(job, task, task->record.next_seq - 1);
}

static void record_checkpoint(void *user_data, const fhx_checkpoint *checkpoint, fhx_reply *reply) {
  toy_records *all = user_data;
  toy_job *job = NULL;
  pthread_mutex_lock(&all->lock);
  toy_task *task =
      need_held(all, fhx_checkpoint_job_id(checkpoint), fhx_checkpoint_task_index(checkpoint),
                fhx_checkpoint_fence(checkpoint), &job, reply);
  if (task != NULL && task->record.next_seq != fhx_checkpoint_seq(checkpoint)) {
    refuse(reply, FHX_ERR_REFUSED);
    task = NULL;
  }
  if (task != NULL) {
    for (uint32_t i = 0; i < fhx_checkpoint_part_count(checkpoint); i++) {
      add_part(job, fhx_checkpoint_part(checkpoint, i));
    }
    for (uint32_t i = 0; i < fhx_checkpoint_line_count(checkpoint); i++) {
      size_t len = 0;
      const void *line = fhx_checkpoint_line(checkpoint, i, &len);
      add_line(job, task->record.task_index, line, len);
    }
    advance(job, task, checkpoint);
    if (fhx_checkpoint_done(checkpoint) != 0) end_task(job, task, now_of(all));
  }
  finish(all, reply, task != NULL);
}

static void release_task(void *user_data, const char *job_id, uint32_t task_index, uint64_t fence,
                         uint32_t how, uint32_t attempts_max, int32_t status, const char *reason,
                         fhx_reply *reply) {
  toy_records *all = user_data;
  int taken = 0;
  pthread_mutex_lock(&all->lock);
  toy_job *job = need_job(all, job_id, reply);
  toy_task *task = job == NULL || task_index >= job->tasks.count ? NULL : task_at(job, task_index);
  if (job != NULL && task == NULL) refuse(reply, FHX_ERR_NOT_FOUND);
  if (task != NULL) {
    taken = task->record.state == FHX_TASK_RUNNING && task->record.fence == fence;
    if (!taken) refuse(reply, FHX_ERR_REFUSED);
  }
  if (taken) {
    task->record.state = FHX_TASK_WAITING;
    if (job->record.state == FHX_JOB_RUNNING) {
      if (how == FHX_RELEASE_PARKED && task->record.attempt_count > 0) task->record.attempt_count--;
      int is_last = how == FHX_RELEASE_RETRY && task->record.attempt_count >= attempts_max;
      if (how == FHX_RELEASE_FAIL || is_last) fail_job(job, status, reason, now_of(all));
    }
  }
  finish(all, reply, taken);
}

static void read_task(void *user_data, const char *job_id, uint32_t task_index, fhx_reply *reply) {
  toy_records *all = user_data;
  pthread_mutex_lock(&all->lock);
  toy_job *job = need_job(all, job_id, reply);
  int is_there = job != NULL && task_index < job->tasks.count;
  if (is_there) {
    reply_task(job, task_at(job, task_index), reply);
  } else if (job != NULL) {
    refuse(reply, FHX_ERR_NOT_FOUND);
  }
  finish(all, reply, is_there);
}

/* --- members --- */

static int compare(const toy_member *member, uint32_t list_number, const char *text) {
  if (member->list != list_number) return member->list < list_number ? -1 : 1;
  return strcmp(member->text, text);
}

/* The first that is not less. */
static size_t place_of(const toy_list *members, uint32_t list_number, const char *text) {
  size_t low = 0, high = members->count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (compare(toy_at(members, middle), list_number, text) < 0) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

static void add_members(void *user_data, const fhx_members *members, fhx_reply *reply) {
  toy_records *all = user_data;
  toy_job *job = NULL;
  uint32_t list_number = fhx_members_list(members);
  pthread_mutex_lock(&all->lock);
  toy_task *task = need_held(all, fhx_members_job_id(members), fhx_members_task_index(members),
                             fhx_members_fence(members), &job, reply);
  for (uint32_t i = 0; task != NULL && i < fhx_members_count(members); i++) {
    const char *text = fhx_members_text(members, i);
    size_t place = place_of(&job->members, list_number, text);
    if (place < job->members.count &&
        compare(toy_at(&job->members, place), list_number, text) == 0) {
      continue;
    }
    toy_member *made = toy_insert(&job->members, place);
    made->list = list_number;
    made->text = toy_copy_text(text);
  }
  finish(all, reply, task != NULL);
}

static void list_members(void *user_data, const char *job_id, uint32_t list_number,
                         const char *after, uint32_t limit, fhx_reply *reply) {
  toy_records *all = user_data;
  pthread_mutex_lock(&all->lock);
  toy_job *job = need_job(all, job_id, reply);
  size_t place = job == NULL ? 0 : place_of(&job->members, list_number, after);
  for (; job != NULL && limit > 0 && place < job->members.count; place++) {
    const toy_member *member = toy_at(&job->members, place);
    if (member->list != list_number) break;
    if (strcmp(member->text, after) == 0) continue;
    fhx_reply_item(reply, member->text, strlen(member->text));
    limit--;
  }
  finish(all, reply, job != NULL);
}

/* --- lists --- */

static int is_behind(uint32_t task, uint64_t number, uint32_t after_task, uint64_t after_number) {
  return task > after_task || (task == after_task && number > after_number);
}

static void list_parts(void *user_data, const char *job_id, uint32_t after_task, uint64_t after_seq,
                       uint32_t limit, fhx_reply *reply) {
  toy_records *all = user_data;
  pthread_mutex_lock(&all->lock);
  toy_job *job = need_job(all, job_id, reply);
  for (size_t i = 0; job != NULL && limit > 0 && i < job->parts.count; i++) {
    const toy_part *part = toy_at(&job->parts, i);
    fhx_part_record record = part->record;
    if (!is_behind(record.task_index, record.seq, after_task, after_seq)) continue;
    if (record.sha256 != NULL) record.sha256 = part->sha256;
    fhx_reply_part(reply, &record);
    limit--;
  }
  finish(all, reply, job != NULL);
}

static void list_lines(void *user_data, const char *job_id, uint64_t first, uint32_t limit,
                       fhx_reply *reply) {
  toy_records *all = user_data;
  pthread_mutex_lock(&all->lock);
  toy_job *job = need_job(all, job_id, reply);
  for (uint64_t i = first; job != NULL && limit > 0 && i < job->lines.count; i++, limit--) {
    const toy_line *line = toy_at(&job->lines, (size_t)i);
    fhx_reply_item(reply, line->text.data, line->text.len);
  }
  finish(all, reply, job != NULL);
}

static void list_attempts(void *user_data, const char *job_id, uint32_t after_task,
                          uint64_t after_fence, uint32_t limit, fhx_reply *reply) {
  toy_records *all = user_data;
  pthread_mutex_lock(&all->lock);
  toy_job *job = need_job(all, job_id, reply);
  int64_t now_us = now_of(all);
  for (size_t i = 0; job != NULL && limit > 0 && i < job->attempts.count; i++) {
    fhx_attempt_record record = *(fhx_attempt_record *)toy_at(&job->attempts, i);
    if (!is_behind(record.task_index, record.fence, after_task, after_fence)) continue;
    const toy_task *task = task_at(job, record.task_index);
    record.alive = task->record.state == FHX_TASK_RUNNING && task->record.fence == record.fence &&
                   task->lease_end_us > now_us;
    fhx_reply_attempt(reply, &record);
    limit--;
  }
  finish(all, reply, job != NULL);
}

/* --- the store --- */

toy_records *toy_records_new(void) {
  toy_records *made = calloc(1, sizeof *made);
  if (made == NULL) return NULL;
  if (pthread_mutex_init(&made->lock, NULL) != 0) {
    free(made);
    return NULL;
  }
  made->jobs.item_size = sizeof(toy_job);
  return made;
}

void toy_records_free(toy_records *records) {
  if (records == NULL) return;
  for (size_t i = 0; i < records->jobs.count; i++) toy_free_job(toy_at(&records->jobs, i));
  toy_empty(&records->jobs);
  pthread_mutex_destroy(&records->lock);
  free(records);
}

fhx_store *toy_store_new(toy_records *records, fhx_clock_callback clock, void *clock_user_data) {
  fhx_store_callbacks callbacks;
  fhx_store *store = NULL;
  fhx_store_callbacks_init(&callbacks, sizeof callbacks);
  callbacks.create_job = create_job;
  callbacks.read_job = read_job;
  callbacks.claim_task = claim_task;
  callbacks.renew_task = renew_task;
  callbacks.plan_tasks = plan_tasks;
  callbacks.record_checkpoint = record_checkpoint;
  callbacks.release_task = release_task;
  callbacks.read_task = read_task;
  callbacks.remove_job = remove_job;
  callbacks.list_parts = list_parts;
  callbacks.list_lines = list_lines;
  callbacks.list_attempts = list_attempts;
  callbacks.clean_job = clean_job;
  callbacks.next_cleanup = next_cleanup;
  callbacks.add_members = add_members;
  callbacks.list_members = list_members;
  records->clock = clock;
  records->clock_user_data = clock_user_data;
  return fhx_store_new(&callbacks, records, &store, NULL) == FHX_OK ? store : NULL;
}
