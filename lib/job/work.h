/*
 * One attempt at a task, as the thread that holds it sees it. Functions that return bool answer
 * "go on"; on false the attempt is over and `end` says how.
 */
#ifndef FHX__JOB_WORK_H
#define FHX__JOB_WORK_H

#include "job/job.h"
#include "job/steps.h"
#include "writer/pipeline.h"

typedef enum fhx__work_end {
  /* The last checkpoint has ended the task. */
  FHX__WORK_DONE,
  /* The job is parked: the task goes back unharmed. */
  FHX__WORK_PARKED,
  /* The task is another's, or the job no longer runs. */
  FHX__WORK_LOST,
  /* The store cannot be reached; the lease will lapse. `error` says why. */
  FHX__WORK_STORE,
  /* The attempt failed; `error` says why. */
  FHX__WORK_FAILED
} fhx__work_end;

typedef struct fhx__work {
  fhx_job *job;
  const fhx_task_record *task;
  fhx__work_end end;
  fhx_error *error;
  /* When the lease was last renewed, and when the source or destination last moved (the
     job's clock, monotonic). */
  int64_t renewed_us;
  atomic_int_least64_t moved_us;
  /* The highest number that the store was told may exist. */
  atomic_uint_least64_t last_seq;
  /* What the task has by now, recorded or not, and what the store was told of it. */
  atomic_uint_least64_t resource_count;
  uint64_t told_resources;
  /* Under the job's mutex: whose helper may call the destination; NULL for none. */
  const fhx__pipeline *pipeline;
  /* In the job's list of works. */
  struct fhx__work *next;
  /* When the attempt began here (monotonic, for what is told of it). */
  int64_t began_us;
} fhx__work;

/* The time by the job's clock that never goes back. */
int64_t fhx__work_time_us(const fhx__work *work);
/* The source or destination has moved just now. */
void fhx__work_moved(fhx__work *work);

/* Ends the attempt. `error` becomes the work's. All return false. */
bool fhx__work_stop(fhx__work *work, fhx__work_end end);
bool fhx__work_fail(fhx__work *work, fhx_error *error);
bool fhx__work_no_memory(fhx__work *work);

/* Goes on after a store's step that succeeded; else ends the attempt. `error` becomes the work's.
 */
bool fhx__work_after_step(fhx__work *work, int32_t status, fhx_error *error);

/* The same for what was read from the store and kept here: lack of memory and a disk that cannot be
   used fail the attempt. */
bool fhx__work_after_load(fhx__work *work, int32_t status, fhx_error *error);

/* Renews the lease and announces numbers up to last_seq. */
bool fhx__work_renew(fhx__work *work, uint64_t last_seq);

/* To be called between batches: stops a cancelled attempt, renews a lease that is a third gone, or
   sooner when there is progress to be told. */
bool fhx__work_keep(fhx__work *work);

/* The same for an attempt that has nothing to keep: it also stops when the job is parked. */
bool fhx__work_go_on(fhx__work *work);

/* Waits because somebody asked to, until the time is over or the job is parked, keeping the lease;
   fails when nothing has moved for stall_us. */
bool fhx__work_wait(fhx__work *work, int64_t wait_us, const char *what);

/* The kinds of task. They return when work->end is set. */
void fhx__work_plan(fhx__work *work);
void fhx__work_main(fhx__work *work);
/* The main phase of an export that is organised by patients. */
void fhx__work_patients(fhx__work *work);
void fhx__work_associated(fhx__work *work);
void fhx__work_documents(fhx__work *work);
void fhx__work_deleted(fhx__work *work);
void fhx__work_finish(fhx__work *work);

/* One round of the same: FHX_WAIT, *wait_us set, when something is still alive. */
int32_t fhx__job_clean_round(fhx_job *job, int64_t *wait_us, fhx_error **error);

/*
 * Removes every object of a job that has failed or is removing, and tells the store. Waits for
 * attempts that are still alive. FHX_OK, FHX_WAIT when parked meanwhile, or an error that may pass.
 */
int32_t fhx__job_clean(fhx_job *job, fhx_error **error);

#endif
