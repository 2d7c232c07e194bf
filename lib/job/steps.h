/*
 * The store's steps as a job takes them: repeated while the answer is lost, and then settled by
 * reading what the store holds (architecture: "if the answer is lost, ask again").
 *
 * Steps that are taken for a request have an end to their patience, `until_us` by the monotonic
 * clock; 0: that of a worker.
 */
#ifndef FHX__JOB_STEPS_H
#define FHX__JOB_STEPS_H

#include "job/job.h"

/* FHX_ERR_REFUSED and FHX_ERR_NOT_FOUND are definite. Any other error: not known. */

/* FHX_ERR_LIMIT is definite too: so many jobs run that the record's limits leave no room. *joined
   is "", or the id of the running job that is good for this request too: then none was stored. */
int32_t fhx__step_create(fhx_store *store, const fhx_job_record *record, int64_t until_us,
                         char joined[FHX__JOB_ID_LEN + 1], fhx_error **error);
int32_t fhx__step_read_job(fhx_store *store, const char *job_id, int64_t until_us,
                           fhx__job_entry *entry, fhx_error **error);
/* FHX_OK, FHX_WAIT or FHX_END as fhx__store_claim_task. */
int32_t fhx__step_claim(fhx_store *store, const char *job_id, int64_t lease_us,
                        uint32_t attempts_max, fhx__task_entry *entry, int64_t *wait_us,
                        fhx_error **error);
/* `resource_count`: what the task has by now, in open parts too. */
int32_t fhx__step_renew(fhx_job *job, const fhx_task_record *task, uint64_t last_seq,
                        uint64_t resource_count, fhx_error **error);
int32_t fhx__step_plan(fhx_job *job, const fhx_plan *plan, fhx_error **error);
/* FHX_ERR_REFUSED with *taken_over: another attempt has the task, and whether this checkpoint was
   recorded before cannot be told; its parts must stay. */
int32_t fhx__step_checkpoint(fhx_job *job, const fhx_checkpoint *checkpoint, bool *taken_over,
                             fhx_error **error);
int32_t fhx__step_add_members(fhx_job *job, const fhx_members *members, fhx_error **error);
/* Fills a reply that the caller has not begun and ends with fhx__reply_end whatever the status. */
int32_t fhx__step_list_members(fhx_job *job, uint32_t list, const char *after, uint32_t limit,
                               fhx_reply *members, fhx_error **error);
int32_t fhx__step_release(fhx_job *job, const fhx_task_record *task, uint32_t how, int32_t status,
                          const char *reason, fhx_error **error);
int32_t fhx__step_remove(fhx_store *store, const char *job_id, int64_t until_us, fhx_error **error);
/* Takes a job back that may have been stored a moment ago and is of no use. */
void fhx__step_forget(fhx_store *store, const char *job_id, int64_t until_us);
int32_t fhx__step_clean(fhx_job *job, int64_t *wait_us, fhx_error **error);
int32_t fhx__step_list_parts(fhx_job *job, uint32_t after_task, uint64_t after_seq, uint32_t limit,
                             int64_t until_us, fhx__buffer *parts, fhx_error **error);
/* FHX_OK: the page is there, whoever has made it. FHX_END: there is nothing for it at present.
   FHX_ERR_REFUSED: the job has failed. */
int32_t fhx__step_add_page(fhx_job *job, uint32_t page, uint32_t count_max, int64_t until_us,
                           fhx_error **error);
int32_t fhx__step_list_page(fhx_job *job, uint32_t page, uint32_t after_task, uint64_t after_seq,
                            uint32_t limit, int64_t until_us, fhx__buffer *parts,
                            fhx_error **error);
/* Fills a reply that the caller has not begun and ends with fhx__reply_end whatever the status. */
int32_t fhx__step_list_lines(fhx_job *job, uint64_t first, uint32_t limit, fhx_reply *lines,
                             fhx_error **error);
/* Appends fhx__job_entry, for fhx__job_entries_free. */
int32_t fhx__step_list_jobs(fhx_store *store, uint32_t states, const char *tenant,
                            const char *client, int64_t after_created_us, const char *after_job_id,
                            uint32_t limit, int64_t until_us, fhx__buffer *jobs, fhx_error **error);
int32_t fhx__step_list_attempts(fhx_job *job, uint32_t after_task, uint64_t after_fence,
                                uint32_t limit, fhx__buffer *attempts, fhx_error **error);

/* Whether a step's error is definite: it was not taken, and asking again changes nothing. */
bool fhx__step_is_definite(int32_t status);

#endif
