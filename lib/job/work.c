/* One attempt at a task: its ends, its lease, its waits. */
#include "job/work.h"

#include "core/error.h"
#include "core/host_clock.h"

/* The job's progress is what the store knows of it: it is told so often when there is some. */
#define TELL_US INT64_C(2000000)
#define WAIT_PIECE_US INT64_C(50000)
/* Nobody who says "wait" is asked again at once. */
#define WAIT_MIN_US INT64_C(1000)

int64_t fhx__work_time_us(const fhx__work *work) {
  return fhx__host_monotonic_us(&work->job->clock);
}

void fhx__work_moved(fhx__work *work) {
  work->moved_us = fhx__work_time_us(work);
}

bool fhx__work_stop(fhx__work *work, fhx__work_end end) {
  work->end = end;
  return false;
}

bool fhx__work_fail(fhx__work *work, fhx_error *error) {
  work->error = error;
  return fhx__work_stop(work, FHX__WORK_FAILED);
}

bool fhx__work_no_memory(fhx__work *work) {
  fhx_error *error = NULL;
  fhx__no_memory(&error);
  return fhx__work_fail(work, error);
}

bool fhx__work_after_step(fhx__work *work, int32_t status, fhx_error *error) {
  if (status == FHX_OK) return true;
  if (status == FHX_ERR_REFUSED || status == FHX_ERR_NOT_FOUND) {
    fhx_error_free(error);
    return fhx__work_stop(work, FHX__WORK_LOST);
  }
  work->error = error;
  return fhx__work_stop(work, FHX__WORK_STORE);
}

bool fhx__work_after_load(fhx__work *work, int32_t status, fhx_error *error) {
  if (status == FHX_ERR_NO_MEMORY || status == FHX_ERR_IO) return fhx__work_fail(work, error);
  return fhx__work_after_step(work, status, error);
}

bool fhx__work_renew(fhx__work *work, uint64_t last_seq) {
  fhx_error *error = NULL;
  if (last_seq > work->last_seq) work->last_seq = last_seq;
  work->told_resources = atomic_load(&work->resource_count);
  int32_t status =
      fhx__step_renew(work->job, work->task, work->last_seq, work->told_resources, &error);
  work->renewed_us = fhx__work_time_us(work);
  return fhx__work_after_step(work, status, error);
}

bool fhx__work_keep(fhx__work *work) {
  if (atomic_load_explicit(&work->job->cancelled, memory_order_relaxed)) {
    return fhx__work_stop(work, FHX__WORK_LOST);
  }
  int64_t age_us = fhx__work_time_us(work) - work->renewed_us;
  bool has_news = age_us >= TELL_US && atomic_load(&work->resource_count) > work->told_resources;
  if (!has_news && age_us < work->job->lease_us / 3) return true;
  return fhx__work_renew(work, work->last_seq);
}

bool fhx__work_go_on(fhx__work *work) {
  if (atomic_load_explicit(&work->job->parked, memory_order_relaxed)) {
    return fhx__work_stop(work, FHX__WORK_PARKED);
  }
  return fhx__work_keep(work);
}

static bool stalled(fhx__work *work, const char *what) {
  fhx_error *error = NULL;
  fhx__fail_with(&error, FHX_ERR_SOURCE, 1, "%s for longer than stall_us (%lld s)", what,
                 (long long)(work->job->stall_us / 1000000));
  return fhx__work_fail(work, error);
}

bool fhx__work_wait(fhx__work *work, int64_t wait_us, const char *what) {
  fhx_job *job = work->job;
  int64_t begun_us = fhx__work_time_us(work);
  if (wait_us < WAIT_MIN_US) wait_us = WAIT_MIN_US;
  for (int64_t waited_us = 0; waited_us < wait_us;) {
    if (begun_us + waited_us - work->moved_us > job->stall_us) return stalled(work, what);
    if (!fhx__work_keep(work)) return false;
    if (atomic_load_explicit(&job->parked, memory_order_relaxed)) return true;
    int64_t left_us = wait_us - waited_us;
    fhx__job_pause(job, left_us < WAIT_PIECE_US ? left_us : WAIT_PIECE_US);
    waited_us = fhx__work_time_us(work) - begun_us;
  }
  return true;
}
