/* What any thread may ask of a job: cancel, park, progress. */
#include "job/job.h"

#include <string.h>

#include "core/alloc.h"
#include "core/error.h"
#include "core/host_clock.h"
#include "job/run.h"
#include "job/steps.h"

bool fhx__job_stopping(const fhx_job *job) {
  return atomic_load_explicit(&job->parked, memory_order_relaxed) ||
         atomic_load_explicit(&job->cancelled, memory_order_relaxed);
}

void fhx__job_wake(fhx_job *job) {
  pthread_mutex_lock(&job->mutex);
  pthread_cond_broadcast(&job->changed);
  pthread_mutex_unlock(&job->mutex);
}

void fhx__job_pause(fhx_job *job, int64_t duration_us) {
  if (duration_us <= 0) return;
  pthread_mutex_lock(&job->mutex);
  /* A wake-up for another reason only makes the caller look again. */
  if (!fhx__job_stopping(job)) {
    fhx__host_wait_us(&job->clock, &job->changed, &job->mutex, duration_us);
  }
  pthread_mutex_unlock(&job->mutex);
}

int32_t fhx__job_cancel(fhx_job *job, int64_t until_us, fhx_error **error) {
  int32_t status = fhx__step_remove(job->store, job->record->job_id, until_us, error);
  if (status != FHX_OK) return status;
  atomic_store(&job->cancelled, true);
  fhx__job_wake(job);
  return FHX_OK;
}

int32_t fhx_job_cancel(fhx_job *job, fhx_error **error) {
  if (job == NULL) return fhx__fail(error, FHX_ERR_ARGUMENT, "the job is NULL");
  return fhx__job_cancel(job, 0, error);
}

void fhx_job_park(fhx_job *job) {
  if (job == NULL) return;
  atomic_store(&job->parked, true);
  fhx__job_wake(job);
}

/* --- progress --- */

struct fhx_progress {
  uint32_t state;
  uint64_t resource_count;
  uint64_t resource_mark;
  uint64_t byte_count;
  uint64_t error_count;
  uint64_t task_count;
  uint64_t task_done_count;
  int64_t ended_us;
  uint32_t page_count;
  bool is_waiting;
  double share;
  char *reason;
  int32_t reason_status;
};

/* By resources where the source could estimate them, by tasks otherwise; below 1 until complete. It
   rests on nothing but what the store holds and never lowers, so that it is the same for everybody
   and after a restart. */
double fhx__job_share(const fhx_job_record *record) {
  if (record->state == FHX_JOB_COMPLETE) return 1.0;
  double by_tasks =
      record->task_count == 0 ? 0.0 : (double)record->task_done_count / (double)record->task_count;
  double share = by_tasks;
  if (record->estimated_resources != 0) {
    share = (double)record->resource_mark / (double)record->estimated_resources;
  }
  return share > 0.99 ? 0.99 : share;
}

static void fill_progress(fhx_job *job, const fhx_job_record *record, fhx_progress *progress) {
  progress->state = record->state;
  progress->resource_count = record->resource_count + atomic_load(&job->open_resources);
  progress->byte_count = record->byte_count + atomic_load(&job->open_bytes);
  progress->error_count = record->error_count;
  progress->task_count = record->task_count;
  progress->task_done_count = record->task_done_count;
  progress->resource_mark = record->resource_mark;
  progress->ended_us = record->ended_us;
  progress->page_count = record->page_count;
  progress->is_waiting = record->is_waiting == 1;
  progress->share = fhx__job_share(record);
  progress->reason_status = record->reason_status;
}

int32_t fhx_job_progress_new(fhx_job *job, fhx_progress **made, fhx_error **error) {
  if (job == NULL || made == NULL) {
    return fhx__fail(error, FHX_ERR_ARGUMENT, "there is no job, or no place for its progress");
  }
  return fhx__job_progress(job, 0, made, error);
}

int32_t fhx__job_progress(fhx_job *job, int64_t until_us, fhx_progress **made, fhx_error **error) {
  fhx__job_entry entry;
  memset(&entry, 0, sizeof entry);
  fhx_progress *progress = fhx__alloc_zeroed(1, sizeof *progress);
  if (progress == NULL) return fhx__no_memory(error);
  int32_t status = fhx__step_read_job(job->store, job->record->job_id, until_us, &entry, error);
  if (status == FHX_OK) {
    fill_progress(job, &entry.record, progress);
    progress->reason = fhx__copy_text(entry.record.reason);
    if (progress->reason == NULL) status = fhx__no_memory(error);
  }
  fhx__job_entry_free(&entry);
  if (status != FHX_OK) {
    fhx_progress_free(progress);
    return status;
  }
  *made = progress;
  return FHX_OK;
}

uint32_t fhx_progress_state(const fhx_progress *progress) {
  return progress == NULL ? 0 : progress->state;
}

uint64_t fhx_progress_resource_count(const fhx_progress *progress) {
  return progress == NULL ? 0 : progress->resource_count;
}

uint64_t fhx__progress_resource_mark(const fhx_progress *progress) {
  return progress->resource_mark;
}

int64_t fhx__progress_ended_us(const fhx_progress *progress) {
  return progress->ended_us;
}

int32_t fhx__progress_reason_status(const fhx_progress *progress) {
  return progress->reason_status;
}

bool fhx__progress_is_waiting(const fhx_progress *progress) {
  return progress->is_waiting;
}

uint32_t fhx__progress_page_count(const fhx_progress *progress) {
  return progress->page_count;
}

uint64_t fhx_progress_byte_count(const fhx_progress *progress) {
  return progress == NULL ? 0 : progress->byte_count;
}

uint64_t fhx_progress_error_count(const fhx_progress *progress) {
  return progress == NULL ? 0 : progress->error_count;
}

uint64_t fhx_progress_task_count(const fhx_progress *progress) {
  return progress == NULL ? 0 : progress->task_count;
}

uint64_t fhx_progress_task_done_count(const fhx_progress *progress) {
  return progress == NULL ? 0 : progress->task_done_count;
}

double fhx_progress_share(const fhx_progress *progress) {
  return progress == NULL ? 0.0 : progress->share;
}

const char *fhx_progress_reason(const fhx_progress *progress) {
  return progress == NULL ? "" : progress->reason;
}

void fhx_progress_free(fhx_progress *progress) {
  if (progress == NULL) return;
  fhx__free(progress->reason);
  fhx__free(progress);
}
