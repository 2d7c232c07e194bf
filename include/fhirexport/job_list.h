/*
 * fhirexport/job_list.h: which jobs there are, page by page, for a host's operators.
 *
 * A list has the facts of jobs and nothing of patients: of what was asked for the names of the
 * parameters alone, and no URL. It still names clients: it is not for them.
 *
 * Of all functions here: Threads: any, several at once. Memory: a page is the caller's; its jobs
 * and their texts live until it is freed. Since 0.9.0.
 */
#ifndef FHIREXPORT_JOB_LIST_H
#define FHIREXPORT_JOB_LIST_H

#include <fhirexport/store.h>

FHX_BEGIN_DECLS

/* Which jobs fhx_engine_jobs lists. */
typedef struct fhx_job_list_options {
  uint32_t size;
  /* A sum of FHX_JOBS_...; 0: those that run, are complete or have failed. */
  uint32_t states;
  /* NULL: of all tenants; "" is the one without a name. */
  const char *tenant;
  /* A client of that tenant; NULL: of all. Needs a tenant. */
  const char *client;
  /* Where the page before has ended (fhx_job_page_after); NULL: the first page. */
  const char *after;
  /* The most jobs of a page; 0: 100; at most 1,000. */
  uint32_t limit;
  uint32_t reserved;
  /* This job alone, if it is among those that the members above ask for; `after` and `limit` are
     not looked at. NULL: all of them. */
  const char *job_id;
} fhx_job_list_options;

/* fhx_init for this structure. */
FHX_API void fhx_job_list_options_init(fhx_job_list_options *options, uint32_t size);

/* Jobs in the order in which they were created. fhx_engine_jobs gives pages of them. */
typedef struct fhx_job_page fhx_job_page;
FHX_API uint32_t fhx_job_page_count(const fhx_job_page *page);

/* Where the next page goes on: 48 hexadecimal digits. */
FHX_API const char *fhx_job_page_after(const fhx_job_page *page);

/* A job of the page; NULL when `position` is out of range. */
typedef struct fhx_job_summary fhx_job_summary;
FHX_API const fhx_job_summary *fhx_job_page_job(const fhx_job_page *page, uint32_t position);

/* Frees a page and its jobs. NULL is harmless. */
FHX_API void fhx_job_page_free(fhx_job_page *page);

/* What follows is as it was when the page was read; all is 0 or "" for NULL. The id, 32 hexadecimal
   digits; whose it is; FHX_JOB_.... */
FHX_API const char *fhx_job_summary_id(const fhx_job_summary *summary);
FHX_API const char *fhx_job_summary_tenant(const fhx_job_summary *summary);
FHX_API const char *fhx_job_summary_client(const fhx_job_summary *summary);
FHX_API uint32_t fhx_job_summary_state(const fhx_job_summary *summary);

/* The names of the kick-off's parameters, each once, commas between: "_since,_type,patient", with
   "(unknown)" for any that the library does not know. Never a value. "" for none, and for jobs that
   no engine has started. */
FHX_API const char *fhx_job_summary_parameters(const fhx_job_summary *summary);

/* When it was created and ended by the store's clock, and when it and its files go, as far as that
   is known; 0 for not yet. And the manifest's transactionTime. All in microseconds since 1970 UTC.
 */
FHX_API int64_t fhx_job_summary_created_us(const fhx_job_summary *summary);
FHX_API int64_t fhx_job_summary_ended_us(const fhx_job_summary *summary);
FHX_API int64_t fhx_job_summary_expires_us(const fhx_job_summary *summary);
FHX_API int64_t fhx_job_summary_transaction_time_us(const fhx_job_summary *summary);

/* Tasks in all and done; how often one was given out, and how often again, after a failure, a
   lapsed lease or a stop; and 1 while the job runs and nobody holds a task of it, which is for too
   few workers, or none. */
FHX_API uint64_t fhx_job_summary_task_count(const fhx_job_summary *summary);
FHX_API uint64_t fhx_job_summary_task_done_count(const fhx_job_summary *summary);
FHX_API uint64_t fhx_job_summary_attempt_count(const fhx_job_summary *summary);
FHX_API uint64_t fhx_job_summary_retry_count(const fhx_job_summary *summary);
FHX_API uint32_t fhx_job_summary_is_waiting(const fhx_job_summary *summary);

/* How much is done, from 0 to 1, as clients are told it: see fhx_progress_share. And the most
   resources that were known to be written at any time, in open parts too. */
FHX_API double fhx_job_summary_share(const fhx_job_summary *summary);
FHX_API uint64_t fhx_job_summary_resource_mark(const fhx_job_summary *summary);

/* What is recorded: parts, resources and bytes in them, and resources that were refused. A store of
   the host's own may know no parts. */
FHX_API uint64_t fhx_job_summary_part_count(const fhx_job_summary *summary);
FHX_API uint64_t fhx_job_summary_resource_count(const fhx_job_summary *summary);
FHX_API uint64_t fhx_job_summary_byte_count(const fhx_job_summary *summary);
FHX_API uint64_t fhx_job_summary_error_count(const fhx_job_summary *summary);

/* Why it failed, as a status and as a sentence; FHX_OK and "" unless it did. */
FHX_API int32_t fhx_job_summary_reason_status(const fhx_job_summary *summary);
FHX_API const char *fhx_job_summary_reason(const fhx_job_summary *summary);

FHX_END_DECLS

#endif
