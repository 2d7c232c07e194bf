/*
 * What a job tells of itself while it runs: to the log and the counts of the engine that runs it.
 * Without an engine nothing is told.
 */
#ifndef FHX__JOB_REPORT_H
#define FHX__JOB_REPORT_H

#include "job/work.h"

/* An attempt begins, and ends; the last before its error is freed. Of one that has failed,
   `is_final` says that the job fails by it. */
void fhx__report_claim(fhx__work *work);
void fhx__report_end(fhx__work *work, bool is_final);

/* The plan is stored, with so many tasks. */
void fhx__report_planned(const fhx__work *work, uint32_t task_count);

/* A part was committed, and a checkpoint recorded; each began at that time, as all durations here
   by fhx__clock_monotonic_us: it is the time that passes, whatever clock the host has set. */
void fhx__report_commit(const fhx__work *work, int64_t began_us);
void fhx__report_checkpoint(const fhx__work *work, const fhx_checkpoint *step, int64_t began_us);

/*
 * The job's state was read just now: tells of its end, once, if this process has brought it about,
 * or if nobody has (a claim found its attempts used up, or that none may be made) and this process
 * knew the job while it ran.
 */
void fhx__report_state(fhx_job *job, const fhx_progress *progress);
/* It was cancelled here. */
void fhx__report_cancelled(fhx_job *job);

/* A round of clean-up of a job that is over, with what it came to. `may_complain`: it is time to
   tell again of files that cannot be removed. */
void fhx__report_clean(const fhx_job *job, int32_t status, const fhx_error *fault, int64_t began_us,
                       bool may_complain);

#endif
