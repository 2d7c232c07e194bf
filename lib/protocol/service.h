/*
 * What the protocol serves: the engine's parts and settings, and the jobs that are open here. The
 * engine owns it; after its making only the list of jobs changes.
 */
#ifndef FHX__PROTOCOL_SERVICE_H
#define FHX__PROTOCOL_SERVICE_H

#include <fhirexport/engine.h>
#include <pthread.h>

#include "job/job.h"
#include "protocol/link.h"
#include "protocol/polls.h"
#include "request/request.h"

typedef struct fhx__open_job {
  fhx_job *job;
  struct fhx__open_job *next;
} fhx__open_job;

typedef struct fhx__service {
  /* Of the sources, destination, store and limits of every job; filter and texts, and what else a
     kick-off says, are left out. */
  fhx_job_options job_options;
  char *base_url;
  fhx__link_keys keys;
  bool files_need_token;
  /* The engine signs links and serves the files; else the destination has URLs of its own. */
  bool serves_files;
  int64_t keep_us;
  int64_t link_us;
  uint64_t target_bytes_max;
  uint64_t body_bytes_max;
  uint32_t jobs_max;
  uint32_t jobs_per_client_max;
  uint32_t polls_max;
  fhx__export_rules rules;
  /* When the engine was made: what it is able to do has not changed since. */
  int64_t started_us;
  fhx__polls *polls;
  pthread_mutex_t mutex;
  /* Under the mutex: until when the destination is taken to be writable (monotonic). */
  int64_t writable_until_us;
  /* Under the mutex: one object for each job that is worked on or polled here. */
  fhx__open_job *jobs;
} fhx__service;

/* So long a request waits for a store that is locked, in all. */
#define FHX__PATIENCE_US INT64_C(700000)

/*
 * The open job of that id, attached to if need be; the caller has a reference. FHX_ERR_NOT_FOUND.
 * A request waits for the store until `until_us`, a worker (0) as long as it takes.
 */
int32_t fhx__service_job(fhx__service *service, const char *job_id, int64_t until_us, fhx_job **job,
                         fhx_error **error);

/* Keeps a job that was just started; takes over the caller's reference. FHX_ERR_NO_MEMORY. */
int32_t fhx__service_keep(fhx__service *service, fhx_job *job, fhx_error **error);

/* Forgets a job that is over; who holds a reference keeps it. */
void fhx__service_forget(fhx__service *service, const char *job_id);

/*
 * Forgets a job that is over, as its progress or the status of asking for it says; what still runs
 * of it stops, unless it is complete.
 */
void fhx__service_settle(fhx__service *service, fhx_job *job, int32_t status,
                         const fhx_progress *progress);

/* Calls `each` on every open job, under the mutex: it must not call the host. */
void fhx__service_each(fhx__service *service, void (*each)(fhx_job *job));

/* The same without the mutex, on the jobs that are open now. FHX_ERR_NO_MEMORY. */
int32_t fhx__service_visit(fhx__service *service, void (*visit)(fhx_job *job, void *context),
                           void *context, fhx_error **error);

/* Whether a job has been kept for so long as it is to be, whether the clean-up has come to it or
   not (STAT-08). `ended_us` is 0 while it runs. */
bool fhx__service_has_expired(const fhx__service *service, int64_t ended_us);

/* Whether parts can be written, as far as the destination knows; asked once a minute (KICK-26). */
int32_t fhx__service_check_writable(fhx__service *service, fhx_error **error);

/* Whether URLs can be built on this: http or https, of visible ASCII, no query or fragment, no
   slash at its end, not long. */
bool fhx__is_base_url(const char *url);

/* Frees what the service holds, but for its mutex. */
void fhx__service_close(fhx__service *service);

/* A request while it is answered. */
typedef struct fhx__call {
  fhx__service *service;
  const fhx_request *request;
  fhx__target target;
  const char *base_url;
  const char *tenant;
  const char *client;
  /* Until when the store is waited for. */
  int64_t until_us;
  bool head;
} fhx__call;

/* The answers. FHX_OK with a response; an error is lack of memory or a fault of the host.
   `group_id` is that of a Group export. */
int32_t fhx__answer_kick_off(fhx__call *call, fhx__export_level level, const char *group_id,
                             fhx_response **response, fhx_error **error);
/* `page` of the manifest: 1 is the poll URL. */
int32_t fhx__answer_status(fhx__call *call, const char *job_id, uint32_t page,
                           fhx_response **response, fhx_error **error);
int32_t fhx__answer_cancel(fhx__call *call, const char *job_id, fhx_response **response,
                           fhx_error **error);
int32_t fhx__answer_file(fhx__call *call, const char *job_id, const char *file,
                         fhx_response **response, fhx_error **error);
/* The CapabilityStatement. */
int32_t fhx__answer_metadata(fhx__call *call, fhx_response **response, fhx_error **error);

/* The whole of a request: route, method, answer. */
int32_t fhx__answer(fhx__service *service, const fhx_request *request, fhx_response **response,
                    fhx_error **error);

/*
 * The job, if the caller of the request may see it: same tenant and client, and every exported type
 * permitted (AUTH-19, AUTH-20). FHX_ERR_NOT_FOUND otherwise, also for one that is being removed or
 * whose time is over.
 */
int32_t fhx__visible_job(fhx__call *call, const char *job_id, fhx_job **job,
                         fhx_progress **progress, fhx_error **error);

#endif
