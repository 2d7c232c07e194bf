/* What the engine needs of a job beyond its public functions. */
#ifndef FHX__JOB_RUN_H
#define FHX__JOB_RUN_H

#include "job/job.h"
#include "job/roster.h"

/* What becomes of types in the filter that the source does not have. */
typedef enum fhx__absent_types {
  FHX__ABSENT_REFUSED,
  /* Left out, and told in the error file; refused if they are all. */
  FHX__ABSENT_NOTED,
  /* Left out without a word: nobody has asked for them by name. */
  FHX__ABSENT_DROPPED
} fhx__absent_types;

/* What a kick-off adds to the options of a job. */
typedef struct fhx__job_extras {
  /* The start is refused with FHX_ERR_LIMIT when so many run; 0: no limit. */
  uint32_t jobs_max;
  uint32_t jobs_per_client_max;
  /* Sentences for the error file, each with its NUL. */
  const char *notes;
  size_t notes_len;
  fhx__absent_types absent_types;
  /* Stored with the job, for the answers to its polls. */
  bool has_pages;
  bool has_separate_status;
  /* The job's id, where it must be known before the job is there; NULL: the start makes one. */
  const char *job_id;
  /* Until when the store is waited for, by the monotonic clock; 0: as long as it takes. The same in
     what follows. */
  int64_t until_us;
  /* Where to note for which patient the start is refused, or NULL. */
  fhx__roster_refusal *refusal;
  /* Where the options' destination is one that the client has named: what its URLs begin with; else
     NULL. And how long the job is held, 0: not. */
  const char *client_url;
  int64_t hold_us;
  /* The names of what was asked for, commas between; NULL: none. */
  const char *parameters;
  /* The FHIR base of URLs, if a running job that is identical is to be joined; NULL: a new job. And
     where its id is then put, FHX__JOB_ID_LEN + 1 bytes: "" for a new one. */
  const char *join_base_url;
  char *joined;
} fhx__job_extras;

/* FHX_ERR_ARGUMENT says which option no job would take. */
int32_t fhx__job_check_options(const fhx_job_options *options, fhx_error **error);

/* As fhx_job_start. FHX_END: a running job was joined, and there is no new one. */
int32_t fhx__job_start(const fhx_job_options *options, const fhx__job_extras *extras, fhx_job **job,
                       fhx_error **error);

/* As the public functions, with an end to their patience. A job whose client has named a
   destination comes without one: its record can be read, but before it is run it is to be equipped.
 */
int32_t fhx__job_attach(const fhx_job_options *options, const char *job_id, int64_t until_us,
                        fhx_job **job, fhx_error **error);
int32_t fhx__job_progress(fhx_job *job, int64_t until_us, fhx_progress **progress,
                          fhx_error **error);
int32_t fhx__job_cancel(fhx_job *job, int64_t until_us, fhx_error **error);
int32_t fhx__job_parts(fhx_job *job, uint64_t *after, uint32_t limit, int64_t until_us,
                       fhx_part_page **page, fhx_error **error);

/*
 * A job whose client has named a destination gets it, unless it has it already; nobody may be
 * inside fhx__job_run_claimed or a clean-up of this object who has not equipped it before. Any
 * thread.
 */
void fhx__job_equip(fhx_job *job, fhx_destination *destination);

/* Of a job that is being removed: it was complete. What clients have got at a destination of theirs
   is theirs then. */
bool fhx__job_was_complete(const fhx_job *job);

/* The most resources that the job was known to have at any time, which never goes down; and when it
   ended, 0 while it runs. */
/* How much of a job is done, as fhx_progress_share says it. */
double fhx__job_share(const fhx_job_record *record);
uint64_t fhx__progress_resource_mark(const fhx_progress *progress);
int64_t fhx__progress_ended_us(const fhx_progress *progress);
/* Whether the job runs and nobody holds a task of it. */
bool fhx__progress_is_waiting(const fhx_progress *progress);
/* How many pages of parts the job has by now. */
uint32_t fhx__progress_page_count(const fhx_progress *progress);

/* Why the job failed, as a status; FHX_OK unless it did. */
int32_t fhx__progress_reason_status(const fhx_progress *progress);

/* Runs a task that was claimed from the store, and gives it back if it is not done. */
int32_t fhx__job_run_claimed(fhx_job *job, const fhx_task_record *task, fhx_error **error);

/* Gives a task back that was claimed from the store and cannot be run; `fault` says why, and is
   freed. One that may pass is tried again, as in any attempt. */
int32_t fhx__job_fail_claimed(fhx_job *job, const fhx_task_record *task, fhx_error *fault,
                              fhx_error **error);

/* Renews the leases of the tasks that run in this object. Any thread. */
void fhx__job_renew_leases(fhx_job *job);

#endif
