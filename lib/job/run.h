/* What the engine needs of a job beyond its public functions. */
#ifndef FHX__JOB_RUN_H
#define FHX__JOB_RUN_H

#include "job/job.h"

/* What a kick-off adds to the options of a job. */
typedef struct fhx__job_extras {
  /* The start is refused with FHX_ERR_LIMIT when so many run; 0: no limit. */
  uint32_t jobs_max;
  uint32_t jobs_per_client_max;
  /* Sentences for the error file, each with its NUL. */
  const char *notes;
  size_t notes_len;
  /* Types that the source does not have are left out; else they are refused. */
  bool leaves_out_types;
} fhx__job_extras;

/* FHX_ERR_ARGUMENT says which option no job would take. */
int32_t fhx__job_check_options(const fhx_job_options *options, fhx_error **error);

/* As fhx_job_start. */
int32_t fhx__job_start(const fhx_job_options *options, const fhx__job_extras *extras, fhx_job **job,
                       fhx_error **error);

/* Runs a task that was claimed from the store, and gives it back if it is not done. */
int32_t fhx__job_run_claimed(fhx_job *job, const fhx_task_record *task, fhx_error **error);

/* Renews the leases of the tasks that run in this object. Any thread. */
void fhx__job_renew_leases(fhx_job *job);

#endif
