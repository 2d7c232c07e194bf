/* Threads that run a job: claim a task, do it, give it back, until the job is over. */
#include <string.h>

#include "core/error.h"
#include "core/host_clock.h"
#include "job/report.h"
#include "job/run.h"
#include "job/work.h"

#define PAUSE_MAX_US INT64_C(250000)
#define BACKOFF_FIRST_US INT64_C(10000)
#define BACKOFF_MAX_US INT64_C(5000000)

/* --- threads inside the job --- */

/* Whether this is a thread of ours, in a callback of the destination. Under the mutex. */
static bool is_helper(const fhx_job *job, pthread_t thread) {
  bool found = false;
  for (const fhx__work *at = job->works; at != NULL && !found; at = at->next) {
    found = at->pipeline != NULL && fhx__pipeline_is_helped_by(at->pipeline, thread);
  }
  return found;
}

static int32_t enter(fhx_job *job, fhx__runner *runner, fhx_error **error) {
  if (job == NULL) return fhx__fail(error, FHX_ERR_ARGUMENT, "the job is NULL");
  runner->thread = pthread_self();
  pthread_mutex_lock(&job->mutex);
  bool inside = is_helper(job, runner->thread);
  for (const fhx__runner *at = job->runners; at != NULL; at = at->next) {
    inside = inside || pthread_equal(at->thread, runner->thread) != 0;
  }
  if (!inside) {
    runner->next = job->runners;
    job->runners = runner;
  }
  pthread_mutex_unlock(&job->mutex);
  if (inside) {
    return fhx__fail(error, FHX_ERR_REENTRANT, "a callback of the job may not run the job");
  }
  fhx__job_ref(job);
  return FHX_OK;
}

static void leave(fhx_job *job, fhx__runner *runner) {
  pthread_mutex_lock(&job->mutex);
  fhx__runner **at = &job->runners;
  while (*at != runner) at = &(*at)->next;
  *at = runner->next;
  pthread_mutex_unlock(&job->mutex);
  fhx__job_unref(job);
}

/* --- one task --- */

static bool may_pass(const fhx_error *error) {
  int32_t status = fhx_error_status(error);
  return fhx_error_retryable(error) != 0 || status == FHX_ERR_NO_ANSWER ||
         status == FHX_ERR_NO_MEMORY;
}

/* A failure that may pass is not met again at once; the task stays ours meanwhile. */
static void back_off(fhx_job *job, const fhx_task_record *task) {
  int64_t pause_us = BACKOFF_FIRST_US;
  for (uint32_t i = 1; i < task->attempt_count && pause_us < BACKOFF_MAX_US; i++) pause_us *= 4;
  if (pause_us > BACKOFF_MAX_US) pause_us = BACKOFF_MAX_US;
  if (pause_us > job->lease_us / 4) pause_us = job->lease_us / 4;
  /* Tasks that have failed together need not come back together. */
  pause_us -= (int64_t)(fhx__host_random(&job->clock) % (uint64_t)(pause_us / 2 + 1));
  int64_t until_us = fhx__host_monotonic_us(&job->clock) + pause_us;
  while (pause_us > 0 && !fhx__job_stopping(job)) {
    fhx__job_pause(job, pause_us);
    pause_us = until_us - fhx__host_monotonic_us(&job->clock);
  }
}

static int32_t give_back_failed(fhx_job *job, fhx__work *work, fhx_error **error) {
  const bool passes = may_pass(work->error);
  const uint32_t how = passes ? FHX_RELEASE_RETRY : FHX_RELEASE_FAIL;
  const bool is_final = !passes || work->task->attempt_count >= job->definition.attempts_max;
  fhx__report_end(work, is_final);
  if (!is_final) back_off(job, work->task);
  return fhx__step_release(job, work->task, how, fhx_error_status(work->error),
                           fhx_error_message(work->error), error);
}

/* Ends an attempt at the store; takes over work->error. */
static int32_t give_back(fhx_job *job, fhx__work *work, fhx_error **error) {
  int32_t status = FHX_OK;
  if (work->end != FHX__WORK_FAILED) fhx__report_end(work, false);
  switch (work->end) {
    case FHX__WORK_DONE:
      break;
    case FHX__WORK_PARKED:
    case FHX__WORK_LOST:
      status = fhx__step_release(job, work->task, FHX_RELEASE_PARKED, FHX_OK, "", error);
      break;
    case FHX__WORK_FAILED:
      status = give_back_failed(job, work, error);
      break;
    case FHX__WORK_STORE:
      status = fhx_error_status(work->error);
      if (error != NULL) {
        *error = work->error;
        work->error = NULL;
      }
      break;
  }
  fhx_error_free(work->error);
  return status;
}

static void list_work(fhx_job *job, fhx__work *work) {
  pthread_mutex_lock(&job->mutex);
  work->next = job->works;
  job->works = work;
  pthread_mutex_unlock(&job->mutex);
}

static void unlist_work(fhx_job *job, fhx__work *work) {
  pthread_mutex_lock(&job->mutex);
  fhx__work **at = &job->works;
  while (*at != work) at = &(*at)->next;
  *at = work->next;
  pthread_mutex_unlock(&job->mutex);
}

static void do_work(fhx__work *work) {
  switch (work->task->phase) {
    case FHX_PHASE_PLAN:
      fhx__work_plan(work);
      break;
    case FHX_PHASE_MAIN:
      if (work->job->definition.by_patient) {
        fhx__work_patients(work);
      } else {
        fhx__work_main(work);
      }
      break;
    case FHX_PHASE_ASSOCIATED:
      fhx__work_associated(work);
      break;
    case FHX_PHASE_DOCUMENTS:
      fhx__work_documents(work);
      break;
    case FHX_PHASE_DELETED:
      fhx__work_deleted(work);
      break;
    default:
      fhx__work_finish(work);
      break;
  }
}

int32_t fhx__job_run_claimed(fhx_job *job, const fhx_task_record *task, fhx_error **error) {
  fhx__work work;
  memset(&work, 0, sizeof work);
  work.job = job;
  work.task = task;
  work.end = FHX__WORK_LOST;
  work.renewed_us = fhx__work_time_us(&work);
  work.moved_us = work.renewed_us;
  work.last_seq = task->next_seq - 1;
  work.resource_count = task->resource_count;
  fhx__report_claim(&work);
  /* A job that was cancelled since the claim is not worked on: it may have no definition. */
  if (!atomic_load(&job->cancelled)) {
    list_work(job, &work);
    do_work(&work);
    unlist_work(job, &work);
  }
  int32_t status = give_back(job, &work, error);
  fhx__job_wake(job);
  return status;
}

int32_t fhx__job_fail_claimed(fhx_job *job, const fhx_task_record *task, fhx_error *fault,
                              fhx_error **error) {
  fhx__work work;
  memset(&work, 0, sizeof work);
  work.job = job;
  work.task = task;
  work.end = FHX__WORK_FAILED;
  work.error = fault;
  fhx__report_claim(&work);
  return give_back(job, &work, error);
}

/* What is needed of a work to renew its lease from another thread. */
typedef struct held {
  uint32_t task_index;
  uint64_t fence;
  uint64_t last_seq;
  uint64_t resource_count;
} held;

/* The position-th of the works that have moved within stall_us. */
static bool held_at(fhx_job *job, size_t position, held *found) {
  int64_t now_us = fhx__host_monotonic_us(&job->clock);
  bool is_there = false;
  pthread_mutex_lock(&job->mutex);
  for (fhx__work *at = job->works; at != NULL && !is_there; at = at->next) {
    if (now_us - atomic_load(&at->moved_us) > job->stall_us || position-- != 0) continue;
    *found = (held){at->task->task_index, at->task->fence, atomic_load(&at->last_seq),
                    atomic_load(&at->resource_count)};
    is_there = true;
  }
  pthread_mutex_unlock(&job->mutex);
  return is_there;
}

void fhx__job_renew_leases(fhx_job *job) {
  held one;
  for (size_t i = 0; held_at(job, i, &one); i++) {
    /* A refusal is for the task's own thread to meet. */
    fhx__store_renew_task(job->store, job->record->job_id, one.task_index, one.fence, one.last_seq,
                          one.resource_count, job->lease_us, NULL);
  }
}

/* FHX_OK: a task was run or given back. FHX_WAIT, *wait_us is set. FHX_END: the job is over. */
static int32_t run_one(fhx_job *job, int64_t *wait_us, fhx_error **error) {
  fhx__task_entry entry;
  memset(&entry, 0, sizeof entry);
  *wait_us = 0;
  if (atomic_load(&job->parked)) return FHX_WAIT;
  int32_t status = fhx__step_claim(job->store, job->record->job_id, job->lease_us,
                                   job->definition.attempts_max, &entry, wait_us, error);
  if (status == FHX_OK) status = fhx__job_run_claimed(job, &entry.record, error);
  fhx__task_entry_free(&entry);
  if (status == FHX_ERR_NOT_FOUND) {
    fhx__clear_error(error);
    return FHX_END;
  }
  return status;
}

/* --- the end of a job --- */

static int32_t clean_if_due(fhx_job *job, const fhx_job_record *record, fhx_error **error) {
  return record->cleanup_due != 0 ? fhx__job_clean(job, error) : FHX_OK;
}

/* What fhx_job_run answers for a job that is over. FHX_WAIT: parked before it was cleaned up. */
static int32_t conclude(fhx_job *job, fhx_error **error) {
  fhx__job_entry entry;
  fhx_error *absent = NULL;
  memset(&entry, 0, sizeof entry);
  int32_t status = fhx__step_read_job(job->store, job->record->job_id, 0, &entry, &absent);
  const fhx_job_record *record = &entry.record;
  if (status == FHX_ERR_NOT_FOUND) {
    fhx_error_free(absent);
    return fhx__fail(error, FHX_ERR_CANCELLED, "the job was cancelled");
  }
  if (status != FHX_OK) {
    if (error != NULL) *error = absent;
    if (error == NULL) fhx_error_free(absent);
    return status;
  }
  /* The other threads are not to find out only when they renew their leases. */
  if (record->state == FHX_JOB_FAILED) atomic_store(&job->cancelled, true);
  status = clean_if_due(job, record, error);
  if (status == FHX_OK && record->state == FHX_JOB_REMOVING) {
    status = fhx__fail(error, FHX_ERR_CANCELLED, "the job was cancelled");
  } else if (status == FHX_OK && record->state == FHX_JOB_FAILED) {
    status = fhx__fail(error, FHX_ERR_JOB_FAILED, "%s", record->reason);
  } else if (status == FHX_OK && record->state != FHX_JOB_COMPLETE) {
    status = fhx__fail(error, FHX_ERR_STORE, "the store gives no task of a job that is not over");
  }
  fhx__job_entry_free(&entry);
  return status;
}

static int32_t run(fhx_job *job, fhx_error **error) {
  for (;;) {
    int64_t wait_us = 0;
    int32_t status = run_one(job, &wait_us, error);
    if (status == FHX_END) return conclude(job, error);
    if (status < 0) return status;
    if (atomic_load(&job->parked)) return FHX_WAIT;
    if (status == FHX_WAIT) fhx__job_pause(job, wait_us < PAUSE_MAX_US ? wait_us : PAUSE_MAX_US);
  }
}

int32_t fhx_job_run(fhx_job *job, fhx_error **error) {
  fhx__runner runner;
  int32_t status = enter(job, &runner, error);
  if (status != FHX_OK) return status;
  status = run(job, error);
  leave(job, &runner);
  return status;
}

int32_t fhx_job_run_task(fhx_job *job, fhx_error **error) {
  fhx__runner runner;
  int64_t wait_us = 0;
  int32_t status = enter(job, &runner, error);
  if (status != FHX_OK) return status;
  status = run_one(job, &wait_us, error);
  if (status == FHX_END) {
    status = conclude(job, error);
    if (status == FHX_OK) status = FHX_END;
  }
  leave(job, &runner);
  return status;
}
