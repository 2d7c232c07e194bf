/*
 * What the protocol serves: the engine's parts and settings, and the jobs that are open here. The
 * engine owns it; after its making only the list of jobs changes.
 */
#ifndef FHX__PROTOCOL_SERVICE_H
#define FHX__PROTOCOL_SERVICE_H

#include <fhirexport/engine.h>
#include <pthread.h>

#include "job/job.h"
#include "observe/event.h"
#include "protocol/clients.h"
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
  /* Theirs too. */
  fhx_clock clock;
  char *base_url;
  fhx__link_keys keys;
  bool files_need_token;
  /* FHX_IG_...: whose rules requests go by that do not say it. */
  uint32_t ig_version;
  /* No kick-off is taken. */
  bool is_disabled;
  /* A kick-off may be answered with a running job. */
  bool joins_identical;
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
  /* NULL: clients cannot name destinations. */
  fhx__clients *clients;
  pthread_mutex_t mutex;
  /* Under the mutex: until when the destination is taken to be writable (monotonic). */
  int64_t writable_until_us;
  /* Under the mutex: one object for each job that is worked on or polled here. */
  fhx__open_job *jobs;
  fhx__watch *watch;
} fhx__service;

/* So long a request waits for a store that is locked, in all. */
#define FHX__PATIENCE_US INT64_C(700000)
/* And so long for a destination to say that it can be written to. */
#define FHX__PREFLIGHT_US INT64_C(2000000)

/*
 * The open job of that id, attached to if need be; the caller has a reference. FHX_ERR_NOT_FOUND.
 * A request waits for the store until `until_us`, a worker (0) as long as it takes.
 */
int32_t fhx__service_job(fhx__service *service, const char *job_id, int64_t until_us, fhx_job **job,
                         fhx_error **error);

/* Keeps a job that was just started; takes over the caller's reference. FHX_ERR_NO_MEMORY. */
int32_t fhx__service_keep(fhx__service *service, fhx_job *job, fhx_error **error);

/*
 * Before a job is run: where its client has named a destination, it gets that; every other job has
 * its own. FHX_ERR_DENIED: its credentials are gone. Any other error may pass.
 */
int32_t fhx__service_equip(fhx__service *service, fhx_job *job, fhx_error **error);

/*
 * The same before a job is cleaned up, which can be done without a client's destination: then what
 * is there stays. False: it is to be left for now, since another process has that destination, or
 * it may be had later.
 */
bool fhx__service_equip_to_clean(fhx__service *service, fhx_job *job);

/* What became of a clean-up of such a job: `fault` is its error, or NULL. When it is done, or
   cannot be done for good, the client's destination is forgotten. */
void fhx__service_end_clean(fhx__service *service, const fhx_job *job, int32_t status,
                            const fhx_error *fault);

/* A client's destination is forgotten when its job is complete, or gone; what is there is his. */
void fhx__service_settle_client(fhx__service *service, const fhx_job *job, int32_t status,
                                const fhx_progress *progress);

/* Forgets a job that is over; who holds a reference keeps it. */
void fhx__service_forget(fhx__service *service, const char *job_id);

/*
 * Forgets a job that is over, as its progress or the status of asking for it says, and tells of
 * its end if nobody has; what still runs of it stops, unless it is complete.
 */
void fhx__service_settle(fhx__service *service, fhx_job *job, int32_t status,
                         const fhx_progress *progress);

/* Calls `each` on every open job, under the mutex: it must not call the host. */
void fhx__service_each(fhx__service *service, void (*each)(fhx_job *job));

/* The same without the mutex, on the jobs that are open now. FHX_ERR_NO_MEMORY. */
int32_t fhx__service_visit(fhx__service *service, void (*visit)(fhx_job *job, void *context),
                           void *context, fhx_error **error);

/* Until when the files of a job that ended then are kept. */
int64_t fhx__service_files_end_us(const fhx__service *service, int64_t ended_us);

/* Whether a job has been kept for so long as it is to be, whether the clean-up has come to it or
   not (STAT-08). `ended_us` is 0 while it runs. */
bool fhx__service_has_expired(const fhx__service *service, int64_t ended_us);

/* Whether parts can be written, as far as the destination knows; asked once a minute (KICK-26), and
   waited for until `until_us`. */
int32_t fhx__service_check_writable(fhx__service *service, int64_t until_us, fhx_error **error);

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
  /* FHX_IG_...; and whether the host has said so for this request. */
  uint32_t ig_version;
  bool is_of_version;
  /* Until when the store is waited for. */
  int64_t until_us;
  bool head;
  /* For what is told of the request: what it is for, and when it came (monotonic). */
  fhx__route route;
  int64_t began_us;
  /* As in the URL, NULL where it has none; and that of a job that it has started, or "". */
  const char *job_id;
  const char *file;
  char started_id[FHX__JOB_ID_LEN + 1];
  fhx__export_level level;
  /* The names of its parameters that there are, with commas between. */
  char parameters[FHX__PARAMETER_NAMES_MAX];
  /* Why it was refused, as a word, where that is known; and whether a manifest is given. */
  const char *why;
  bool is_listed;
} fhx__call;

/* Tells the log and the counts of a request that was answered, or could not be: then there is no
   response. */
void fhx__observe_answer(const fhx__call *call, const fhx_response *response);
/* The answer is a stretch of this file: what becomes of it is told when the response is freed. */
void fhx__observe_file(const fhx__call *call, fhx_response *response);
/* A kick-off has started this job. */
void fhx__observe_start(fhx__call *call, fhx_job *job);

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
