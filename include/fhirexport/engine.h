/*
 * fhirexport/engine.h: level 3, the whole of `$export` for a FHIR server.
 *
 * The host hands each HTTP request under its `$export` paths to fhx_engine_handle and writes the
 * response out. Jobs run on the threads that the host gives (fhx_engine_run), or on as many as it
 * asks for (`workers`). Everything else, from the kick-off's parameters to the manifest and the
 * files, is the engine's (Bulk Data Access IG).
 *
 * Of all functions here: Threads: any, several at once; a response belongs to one at a time.
 * Memory: what a response gives lives until it is freed. Since 0.9.0.
 */
#ifndef FHIREXPORT_ENGINE_H
#define FHIREXPORT_ENGINE_H

#include <fhirexport/client_destination.h>
#include <fhirexport/job.h>
#include <fhirexport/job_list.h>
#include <fhirexport/log.h>

FHX_BEGIN_DECLS

/* All of `$export` for one FHIR base. */
typedef struct fhx_engine fhx_engine;

/* Files need the client that exported them, besides their signed link (requiresAccessToken). */
#define FHX_ENGINE_FILES_NEED_TOKEN 1u
/* `$export` is switched off: kick-offs are refused (400, not-supported), and `/metadata` has no
   operation. Jobs that are in the store run on, and can be polled, fetched and cancelled. */
#define FHX_ENGINE_DISABLED 2u
/* A kick-off that asks for what a running job of the same tenant and client is made for is answered
   with that job's URL, and starts none: the same export level and Group, types (the client's scopes
   with them), parameters whatever their order, FHIR base, destination, host_context and `Prefer`.
   The job's transactionTime is then earlier than the kick-off, and its manifest's `request` is the
   first client's. A cancel cancels it for all who have joined it. With a store that knows no
   identities (store.h) each kick-off has a job of its own. */
#define FHX_ENGINE_JOIN_IDENTICAL 4u

/* What fhx_engine_new is told. */
typedef struct fhx_engine_options {
  uint32_t size;
  /* A sum of FHX_ENGINE_... */
  uint32_t flags;
  /* Where from, where to, and where jobs are recorded; source and destination are needed. NULL
     store: one in memory, by SQLite, so that jobs end with the engine. Referenced until the engine
     is freed. */
  fhx_source *source;
  fhx_destination *destination;
  fhx_store *store;
  /* The FHIR base as clients see it: absolute, without a slash at its end; needed. A request may
     bring another. URLs are built from these alone, never from headers. Copied. */
  const char *base_url;
  /* Keys of at least 32 bytes that sign file links: the first signs, all verify. Needed when the
     engine serves the files (the destination has part_file) and a store is given; without a store
     a random one is made. Copied. */
  const void *const *url_keys;
  const size_t *url_key_lens;
  uint64_t url_key_count;
  /* For every job; 0 is a job's own default. */
  uint64_t part_bytes;
  uint64_t part_count;
  uint64_t resource_bytes_max;
  int64_t lease_us;
  int64_t settle_us;
  int64_t stall_us;
  /* How long a job and its files are kept after its end; 0: 24 h. */
  int64_t keep_us;
  /* How long a file's link is good from the poll that gave it, at most as long as the file; 0: 1 h.
   */
  int64_t link_us;
  /* The longest request target and body, in bytes; 0: 16 KiB and 1 MiB. */
  uint64_t target_bytes_max;
  uint64_t body_bytes_max;
  uint32_t attempts_max;
  uint32_t shards_max;
  uint32_t depth_max;
  /* A sum of FHX_JOB_..., for every job. */
  uint32_t job_flags;
  /* Threads of the engine that run jobs and so call the host; 0: only fhx_engine_run does. */
  uint32_t workers;
  /* Threads of the engine that renew leases, so that fhx_engine_tick need not be called. With any,
     jobs have helpers too: see fhx_job_options. */
  uint32_t helpers;
  /* Unfinished jobs in all and of one client, before a kick-off is answered 429; 0: 200 and 32. */
  uint32_t jobs_max;
  uint32_t jobs_per_client_max;
  /* The server's FHIR version: FHX_FHIR_...; 0: R4. */
  uint32_t fhir_version;
  /* Polls of one job that are answered within one Retry-After before the next gets 429; 0: 100. One
     that comes when Retry-After is over is always answered. */
  uint32_t polls_max;
  /* See fhx_job_options. */
  uint32_t group_depth_max;
  uint32_t reserved;
  uint64_t group_members_max;
  const char *associated_types;
  /* A Patient compartment of the host's own, as for fhx_filter_add_compartment_path, instead of the
     version's; 0: none. Copied. */
  const char *const *compartment_paths;
  uint64_t compartment_path_count;
  /* See fhx_job_options. */
  uint64_t part_bytes_min;
  uint64_t bad_rows_limit;
  uint32_t bad_rows_permille_limit;
  uint32_t reserved_2;
  fhx_resource_hook_callback resource_hook;
  fhx_attachment_hook_callback attachment_hook;
  void *hook_data;
  /* Values of the host's own for `includeAssociatedData`, each beginning with `_`, and the types
     that each adds to associated_types: "_participants=Practitioner,Organization;_places=Location".
     NULL: none. Copied. */
  const char *associated_values;
  uint64_t worker_bytes;
  /* Exports to places that clients name; NULL: none, and who asks is refused. Copied. */
  const fhx_client_destinations *client_destinations;
  /* The clock that the engine and its jobs run on, with a store in memory that is the engine's own;
     NULL: the system's. Copied. */
  const fhx_clock *clock;
  /* Takes the engine's events; NULL: nobody does. See log.h. */
  fhx_log_callback log;
  void *log_user_data;
  /* FHX_IG_...: whose rules kick-offs go by, if their request does not say; 0: FHX_IG_STU3. By
     FHX_IG_STU4_BALLOT a kick-off is a POST, and its values are repeated, not parted by commas. */
  uint32_t ig_version;
  uint32_t reserved_3;
  /* The least `_maximumFileSize` that a client may ask for (FHX_IG_STU4_BALLOT), in bytes; 0: 64
     KiB. With less, resources would have a file each. */
  uint64_t maximum_file_size_min;
} fhx_engine_options;

/* fhx_init for this structure. */
FHX_API void fhx_engine_options_init(fhx_engine_options *options, uint32_t size);

/*
 * Makes an engine and its threads.
 * Memory: `*engine` is the caller's; the options are copied; source, destination and store are
 * referenced.
 * Returns: FHX_OK; FHX_ERR_ARGUMENT says which option is missing or wrong; FHX_ERR_LIMIT: a thread
 * cannot be had; FHX_ERR_UNSUPPORTED: the library was built without Azure, for client_destinations,
 * or without SQLite, for a store in memory; FHX_ERR_STORE: that store cannot be made; FHX_ERR_IO:
 * the system has no random numbers; FHX_ERR_INTERNAL: libcurl cannot be used; FHX_ERR_STRUCT_SIZE;
 * FHX_ERR_NO_MEMORY.
 */
FHX_API int32_t fhx_engine_new(const fhx_engine_options *options, fhx_engine **engine,
                               fhx_error **error);

/* The host's operator asks, whom the host has authenticated: DELETE cancels or removes a job
   whosever it is. All else, status and files first, is answered as to any other client. */
#define FHX_REQUEST_OPERATOR 1u

/* One HTTP request. Everything is borrowed for the call. */
typedef struct fhx_request {
  uint32_t size;
  uint32_t reserved;
  /* "GET", "HEAD", "POST", "DELETE", ... */
  const char *method;
  /* Path and query behind the FHIR base, as sent, not decoded: "/$export?_type=Patient". */
  const char *target;
  /* Header names and values in turn: header_count pairs. */
  const char *const *headers;
  size_t header_count;
  const void *body;
  size_t body_len;
  /* NULL: the engine's. From the host's own configuration, never from a header. */
  const char *base_url;
  /* Who asks, as the host has authenticated them; NULL: "". */
  const char *tenant;
  const char *client;
  /* The types this client may read, commas between; NULL: all. */
  const char *permitted_types;
  /* Stored with a job that this request starts, and given to every source call; no secrets. */
  const void *host_context;
  size_t host_context_len;
  /* A sum of FHX_REQUEST_... */
  uint32_t flags;
  /* FHX_IG_...: whose rules a kick-off goes by; 0: the engine's. So one engine serves both, each on
     a base_url of its own. From the host's own configuration, never from what a client has sent.
     Status, cancel and files are the same: a job has the manifest of the rules that it was kicked
     off by, wherever it is asked for. */
  uint32_t ig_version;
} fhx_request;

/* fhx_init for this structure. */
FHX_API void fhx_request_init(fhx_request *request, uint32_t size);

/* The answer to a request. */
typedef struct fhx_response fhx_response;

/*
 * Answers a request under the `$export` paths: kick-off (`/$export`, `/Patient/$export`,
 * `/Group/<id>/$export`), status and cancel (`/$export/<job>`), further pages of a manifest
 * (`/$export/<job>/pages/<number>`), and file download (`/$export/<job>/<file>`); and `/metadata`
 * with a CapabilityStatement of what the engine does, for hosts that have none of their own.
 * Whether the client may read the Group is the source's to say (FHX_ERR_DENIED), by the request's
 * tenant and host_context. Every mistake of the client is a response, 4xx with an
 * OperationOutcome; the work is bounded whatever the size of the data, and where the store is
 * locked the answer is 503 within about a second.
 * Memory: the request is lent; `*response` is the caller's, to be freed before the engine.
 * Returns: FHX_OK; an error is for the host's own mistakes and for lack of memory:
 * FHX_ERR_ARGUMENT: the request is incomplete or malformed; FHX_ERR_STRUCT_SIZE; FHX_ERR_INTERNAL;
 * FHX_ERR_NO_MEMORY.
 */
FHX_API int32_t fhx_engine_handle(fhx_engine *engine, const fhx_request *request,
                                  fhx_response **response, fhx_error **error);

/* The HTTP status, 200 to 503. */
FHX_API uint32_t fhx_response_status(const fhx_response *response);

/* Its headers; NULL beyond the last. */
FHX_API uint32_t fhx_response_header_count(const fhx_response *response);
FHX_API const char *fhx_response_header_name(const fhx_response *response, uint32_t position);
FHX_API const char *fhx_response_header_value(const fhx_response *response, uint32_t position);

/*
 * Copies the next bytes of the body to `buffer`, at most `capacity` (at least 1), and stores how
 * many in `*len`. A manifest is produced as it is read. After an error the connection is to be
 * closed: the body is not whole.
 * Returns: FHX_OK; FHX_END, with `*len` 0, behind the last byte; FHX_ERR_ARGUMENT for NULL or no
 * capacity; FHX_ERR_IO: the file cannot be read, or is damaged; of a manifest, as
 * fhx_manifest_read, FHX_ERR_MISUSE, FHX_ERR_STORE, FHX_ERR_INTERNAL, FHX_ERR_NO_MEMORY, the
 * store's and the destination's.
 */
FHX_API int32_t fhx_response_read(fhx_response *response, void *buffer, size_t capacity,
                                  size_t *len, fhx_error **error);

/*
 * Whether the body is `*length` bytes from `*offset` of an open file, for sendfile and the like.
 * Memory: the descriptor stays the response's.
 * Returns: FHX_OK: it is; FHX_END: it is not, so read it; FHX_ERR_ARGUMENT for NULL.
 */
FHX_API int32_t fhx_response_file(const fhx_response *response, int32_t *descriptor,
                                  uint64_t *offset, uint64_t *length, fhx_error **error);

/*
 * How many bytes of fhx_response_file the host has sent, for the log and the metrics: they cannot
 * know it otherwise. What fhx_response_read gives is counted by itself. NULL is harmless.
 */
FHX_API void fhx_response_sent(fhx_response *response, uint64_t byte_count);

/* Frees a response; of a file it is told how much was sent. NULL is harmless. */
FHX_API void fhx_response_free(fhx_response *response);

/*
 * A page of the jobs in the engine's store, whoever runs them; see job_list.h. A job that is
 * created while pages are read comes behind those that were there, or, if another process creates
 * it, not at all this time.
 * Memory: `*page` is the caller's, to be freed with fhx_job_page_free.
 * Returns: FHX_OK; FHX_END, and no page: there are no more; FHX_ERR_ARGUMENT says which option is
 * wrong; FHX_ERR_UNSUPPORTED: the host's store has no list_jobs; FHX_ERR_STORE, retryable where it
 * is locked or cannot be reached, within about a second; FHX_ERR_STRUCT_SIZE; FHX_ERR_NO_MEMORY;
 * the store's.
 */
FHX_API int32_t fhx_engine_jobs(fhx_engine *engine, const fhx_job_list_options *options,
                                fhx_job_page **page, fhx_error **error);

/*
 * Runs jobs on the calling thread, one task after another, until fhx_engine_stop. Call it on as
 * many threads as there should be workers.
 * Returns: FHX_WAIT: the engine was stopped; FHX_ERR_ARGUMENT for NULL. Any other error says that
 * the store cannot be reached, the store's (FHX_ERR_STORE), FHX_ERR_IO (the system has no random
 * numbers) or FHX_ERR_NO_MEMORY: call again later.
 */
FHX_API int32_t fhx_engine_run(fhx_engine *engine, fhx_error **error);

/*
 * Renews the leases of tasks that run here. With `helpers` 0, call it at least every third of a
 * lease while callbacks of the host may take longer than that.
 * Returns: FHX_OK; FHX_ERR_ARGUMENT for NULL; FHX_ERR_NO_MEMORY.
 */
FHX_API int32_t fhx_engine_tick(fhx_engine *engine, fhx_error **error);

/*
 * Parks everything: tasks record what they have at the next batch and give up their leases, and
 * every fhx_engine_run returns. Requests are still answered.
 * Threads: any, also from a callback; not from a signal handler.
 */
FHX_API void fhx_engine_stop(fhx_engine *engine);

/*
 * Stops the engine, waits for its own threads, and frees it. Responses must have been freed. NULL
 * is harmless.
 * Threads: any, while no other is inside a function of the engine; not from a callback.
 */
FHX_API void fhx_engine_free(fhx_engine *engine);

FHX_END_DECLS

#endif
