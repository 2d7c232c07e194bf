/* Events and counts of jobs and their tasks. No lock is held where these are called. */
#include "job/report.h"

#include "core/clock.h"
#include "core/host_clock.h"
#include "job/run.h"
#include "observe/event.h"

static const char *phase_name(uint32_t phase) {
  static const char *const names[] = {"plan",      "main",    "associated",
                                      "documents", "deleted", "finish"};
  return phase < sizeof names / sizeof *names ? names[phase] : "unknown";
}

/* Tasks may fail together; what was told is not told again. */
static void expect_end(fhx_job *job) {
  unsigned unknown = FHX__ENDING_UNKNOWN;
  atomic_compare_exchange_strong(&job->ending, &unknown, FHX__ENDING_HERE);
}

/* --- tasks --- */

/* What every event of a task has. */
static void begin_task(fhx_log_event *event, const fhx__work *work, fhx__event_kind kind) {
  const fhx_task_record *task = work->task;
  fhx__event_begin(event, work->job->watch, kind);
  fhx__event_text(event, "job", task->job_id);
  fhx__event_count(event, "task", task->task_index);
  fhx__event_text(event, "phase", phase_name(task->phase));
  fhx__event_text(event, "type", task->resource_type);
  fhx__event_count(event, "shard", task->shard_index);
  fhx__event_count(event, "attempt", task->attempt_count);
}

/* The first attempt at the plan is the job's first task. The store's clock stamped the start. */
static void note_queue(const fhx__work *work) {
  const fhx_job *job = work->job;
  if (work->task->phase != FHX_PHASE_PLAN || work->task->fence != 1) return;
  fhx__watch_time(job->watch, FHX__LATENCY_QUEUE,
                  fhx__host_now_us(&job->clock) - job->record->created_us);
}

void fhx__report_claim(fhx__work *work) {
  fhx_log_event event;
  fhx_job *job = work->job;
  const bool is_resumed = work->task->token_len != 0;
  work->began_us = fhx__clock_monotonic_us();
  atomic_store_explicit(&job->begun, true, memory_order_relaxed);
  if (job->watch == NULL) return;
  atomic_fetch_add_explicit(&job->watch->tasks_running, 1, memory_order_relaxed);
  fhx__watch_add(job->watch, FHX__COUNT_CLAIMS, 1);
  if (is_resumed) fhx__watch_add(job->watch, FHX__COUNT_RESUMES, 1);
  note_queue(work);
  begin_task(&event, work, FHX__EVENT_TASK_CLAIMED);
  fhx__event_number(&event, "resumed", is_resumed ? 1 : 0);
  fhx__event_tell(&event);
}

static fhx__event_kind kind_of_end(fhx__work_end end) {
  switch (end) {
    case FHX__WORK_DONE:
      return FHX__EVENT_TASK_DONE;
    case FHX__WORK_PARKED:
      return FHX__EVENT_TASK_PARKED;
    case FHX__WORK_LOST:
      return FHX__EVENT_TASK_LOST;
    default:
      return FHX__EVENT_TASK_FAILED;
  }
}

static fhx__count count_of_end(fhx__work_end end) {
  switch (end) {
    case FHX__WORK_DONE:
      return FHX__COUNT_ATTEMPTS_DONE;
    case FHX__WORK_PARKED:
      return FHX__COUNT_ATTEMPTS_PARKED;
    case FHX__WORK_LOST:
      return FHX__COUNT_ATTEMPTS_LOST;
    case FHX__WORK_STORE:
      return FHX__COUNT_ATTEMPTS_STORE;
    default:
      return FHX__COUNT_ATTEMPTS_FAILED;
  }
}

void fhx__report_end(fhx__work *work, bool is_final) {
  fhx_log_event event;
  fhx__watch *watch = work->job->watch;
  if (is_final) expect_end(work->job);
  if (watch == NULL) return;
  atomic_fetch_sub_explicit(&watch->tasks_running, 1, memory_order_relaxed);
  fhx__watch_add(watch, count_of_end(work->end), 1);
  begin_task(&event, work, kind_of_end(work->end));
  fhx__event_count(&event, "resources", atomic_load(&work->resource_count));
  fhx__event_number(&event, "duration_us", fhx__clock_monotonic_us() - work->began_us);
  if (work->error != NULL) fhx__event_error(&event, work->error);
  if (work->end == FHX__WORK_FAILED) fhx__event_number(&event, "final", is_final ? 1 : 0);
  fhx__event_tell(&event);
}

void fhx__report_commit(const fhx__work *work, int64_t began_us) {
  fhx__watch_time(work->job->watch, FHX__LATENCY_COMMIT, fhx__clock_monotonic_us() - began_us);
}

void fhx__report_checkpoint(const fhx__work *work, const fhx_checkpoint *step, int64_t began_us) {
  fhx_log_event event;
  fhx_job *job = work->job;
  const int64_t duration_us = fhx__clock_monotonic_us() - began_us;
  /* The finish task is always the last: the job is complete. */
  const bool is_last = step->done != 0 && work->task->phase == FHX_PHASE_FINISH;
  if (is_last) expect_end(job);
  if (job->watch == NULL) return;
  fhx__watch_time(job->watch, FHX__LATENCY_CHECKPOINT, duration_us);
  fhx__watch_add(job->watch, FHX__COUNT_RESOURCES, step->resource_count);
  fhx__watch_add(job->watch, FHX__COUNT_BYTES, step->byte_count);
  fhx__watch_add(job->watch, FHX__COUNT_PARTS, step->part_count);
  fhx__watch_add(job->watch, FHX__COUNT_REFUSED, step->error_count);
  begin_task(&event, work, FHX__EVENT_CHECKPOINT_RECORDED);
  fhx__event_count(&event, "parts", step->part_count);
  fhx__event_count(&event, "resources", step->resource_count);
  fhx__event_count(&event, "bytes", step->byte_count);
  fhx__event_count(&event, "errors", step->error_count);
  fhx__event_number(&event, "duration_us", duration_us);
  fhx__event_tell(&event);
}

/* --- jobs --- */

static void begin_job(fhx_log_event *event, const fhx_job *job, fhx__event_kind kind) {
  fhx__event_begin(event, job->watch, kind);
  fhx__event_text(event, "job", job->record->job_id);
}

void fhx__report_planned(const fhx__work *work, uint32_t task_count) {
  fhx_log_event event;
  begin_job(&event, work->job, FHX__EVENT_JOB_PLANNED);
  fhx__event_count(&event, "tasks", task_count);
  fhx__event_number(&event, "duration_us", fhx__clock_monotonic_us() - work->began_us);
  fhx__event_tell(&event);
}

static void tell_end(const fhx_job *job, const fhx_progress *progress, bool is_complete) {
  fhx_log_event event;
  fhx__watch_add(job->watch, is_complete ? FHX__COUNT_JOBS_COMPLETE : FHX__COUNT_JOBS_FAILED, 1);
  begin_job(&event, job, is_complete ? FHX__EVENT_JOB_COMPLETED : FHX__EVENT_JOB_FAILED);
  fhx__event_count(&event, "resources", fhx_progress_resource_count(progress));
  fhx__event_count(&event, "bytes", fhx_progress_byte_count(progress));
  fhx__event_count(&event, "errors", fhx_progress_error_count(progress));
  fhx__event_number(&event, "duration_us",
                    fhx__progress_ended_us(progress) - job->record->created_us);
  if (!is_complete) {
    fhx__event_text(&event, "status", fhx_status_name(fhx__progress_reason_status(progress)));
    fhx__event_text(&event, "reason", fhx_progress_reason(progress));
  }
  fhx__event_tell(&event);
}

void fhx__report_state(fhx_job *job, const fhx_progress *progress) {
  const uint32_t state = fhx_progress_state(progress);
  unsigned here = FHX__ENDING_HERE, unknown = FHX__ENDING_UNKNOWN;
  if (fhx_progress_task_done_count(progress) != 0) atomic_store(&job->begun, true);
  if (state != FHX_JOB_COMPLETE && state != FHX_JOB_FAILED) return;
  /* A claim that finds no attempt left fails the job and tells nobody. */
  const bool is_spent = state == FHX_JOB_FAILED && job->record->state == FHX_JOB_RUNNING &&
                        fhx__progress_reason_status(progress) == FHX_ERR_LIMIT;
  if (atomic_compare_exchange_strong(&job->ending, &here, FHX__ENDING_TOLD) ||
      (is_spent && atomic_compare_exchange_strong(&job->ending, &unknown, FHX__ENDING_TOLD))) {
    tell_end(job, progress, state == FHX_JOB_COMPLETE);
  }
}

void fhx__report_cancelled(fhx_job *job) {
  fhx_log_event event;
  fhx__watch_add(job->watch, FHX__COUNT_JOBS_CANCELLED, 1);
  begin_job(&event, job, FHX__EVENT_JOB_CANCELLED);
  fhx__event_tell(&event);
}

static const char *cause_of(const fhx_job *job) {
  if (job->record->state == FHX_JOB_FAILED) return "failed";
  return fhx__job_was_complete(job) ? "removed" : "cancelled";
}

void fhx__report_clean(const fhx_job *job, int32_t status, const fhx_error *fault, int64_t began_us,
                       bool may_complain) {
  fhx_log_event event;
  if (status > FHX_OK || (status < FHX_OK && !may_complain)) return;
  if (status == FHX_OK) fhx__watch_add(job->watch, FHX__COUNT_JOBS_CLEANED, 1);
  begin_job(&event, job, status == FHX_OK ? FHX__EVENT_JOB_CLEANED : FHX__EVENT_JOB_CLEAN_FAILED);
  fhx__event_text(&event, "cause", cause_of(job));
  fhx__event_number(&event, "duration_us", fhx__clock_monotonic_us() - began_us);
  if (status < FHX_OK) fhx__event_error(&event, fault);
  fhx__event_tell(&event);
}
