/* A job on several threads, which the calling one watches. */
#ifndef JOB_THREADS_H
#define JOB_THREADS_H

#include <fhirexport/fhirexport.h>

#define JOB_THREADS_MAX 256
/* How often the calling thread looks. */
#define JOB_THREADS_LOOK_US 100000

/*
 * Runs the job on `count` threads, 1 to JOB_THREADS_MAX, until it is over, parked or cancelled.
 * Meanwhile `look` is called on the calling thread; it may park or cancel the job. Signals that ask
 * programs to end go to that thread: a worker's I/O is not to be interrupted. Returns what
 * fhx_job_run says of the job, or of a thread if none says anything of the job.
 */
int32_t job_threads_run(fhx_job *job, uint32_t count, void (*look)(void *user_data),
                        void *user_data, fhx_error **error);

#endif
