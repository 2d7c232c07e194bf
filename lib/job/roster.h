/*
 * Who is exported: a Group's members, resolved once as of the job's time and kept in the store, and
 * what can be said of them at the start.
 */
#ifndef FHX__JOB_ROSTER_H
#define FHX__JOB_ROSTER_H

#include "job/work.h"

/* What the start was refused for, so that the protocol can name it to the client; never in an
   error's message. */
typedef struct fhx__roster_refusal {
  /* The patient's id; "" when it was not for a patient. */
  char patient_id[FHX__ID_MAX + 1];
} fhx__roster_refusal;

/*
 * At the start, as of `as_of_us`: the Group exists, may be read and can be resolved, each patient
 * of the filter exists and, with a Group, is one of its members. What the source cannot be asked
 * without reading a whole type is not asked. With `is_awaited` somebody waits for the answer: what
 * is not known after a third of a second is taken for good, and the plan will find out.
 * FHX_ERR_NOT_FOUND, FHX_ERR_DENIED, FHX_ERR_UNSUPPORTED, with a sentence; or the source's error.
 */
int32_t fhx__roster_check(const fhx_job *job, const fhx_job_record *record, bool is_awaited,
                          fhx__roster_refusal *refusal, fhx_error **error);

/*
 * In the plan phase: walks the Group and those nested in it (FILTER-33), stores the patients, those
 * that do not exist (FILTER-36), those that are new, and other members as wanted. `lines` are error
 * lines for the plan. Warnings beyond FHX__ERROR_LINES_MAX are counted in one more.
 */
typedef struct fhx__roster_lines {
  fhx__buffer lines;
  fhx__buffer line_ends;
  uint64_t count;
} fhx__roster_lines;
bool fhx__roster_resolve(fhx__work *work, fhx__roster_lines *lines);

/*
 * Loads what was resolved, from the store; once for each job object. Nothing for a job without a
 * Group. The rosters are the job's. FHX_WAIT: the attempt is over, and `work`, whose lease is kept,
 * says how; it may be NULL.
 */
int32_t fhx__roster_load(fhx_job *job, fhx__work *work, fhx_error **error);

/* What is asked of the source for one type of this job; the roster must have been loaded. */
void fhx__job_query(const fhx_job *job, const char *resource_type, fhx_query *query);

#endif
