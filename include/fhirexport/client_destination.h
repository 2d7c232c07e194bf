/*
 * fhirexport/client_destination.h: exports to a place that the client names in its kick-off.
 *
 * The contract is that of Microsoft's FHIR server: `_destinationType` (azure-block-blob),
 * `_destinationConnectionSettings` (the connection string of a storage account, in base64) and
 * `_container`, in the query or, better, in the Parameters resource of a POST. Without these
 * structures in the options of an engine such kick-offs are refused.
 *
 * What a connection string opens is a secret: it is in no record of a job, no manifest, no message
 * and no log of the library, and memory that held it is overwritten. The manifest has plain URLs of
 * the blobs, and says that they need a right of the client's own (requiresAccessToken).
 *
 * Of all functions here: Threads: any. Memory: only what is given is written to. Since 0.9.0.
 */
#ifndef FHIREXPORT_CLIENT_DESTINATION_H
#define FHIREXPORT_CLIENT_DESTINATION_H

#include <fhirexport/http.h>
#include <fhirexport/reply.h>

FHX_BEGIN_DECLS

/*
 * Keep `data` (`len` bytes, at most 16 KiB, valid during the call) for the job, so that every
 * process that runs it can have it, and none that should not: encrypted, say. What is kept for a
 * job of that id is replaced. Called by fhx_engine_handle, on its thread, before the job is stored;
 * a client waits for the answer (fhx_reply_patience_us).
 * Answers: fhx_reply_done; fhx_reply_fail: the kick-off is answered 503.
 */
typedef void (*fhx_secret_put_callback)(void *user_data, const char *job_id, const void *data,
                                        size_t len, fhx_reply *reply);

/*
 * What secret_put has kept. Called on threads that run jobs or clean up.
 * Answers: fhx_reply_item with it, then fhx_reply_done; fhx_reply_fail: FHX_ERR_NOT_FOUND when
 * there is definitely none, and the job fails; retryable when it may be had later.
 */
typedef void (*fhx_secret_get_callback)(void *user_data, const char *job_id, fhx_reply *reply);

/*
 * The job is over: forget it. Nothing there is success. Called on threads that run jobs, clean up
 * or tick, and on the thread of a kick-off that has failed; it may be called again. Answers:
 * fhx_reply_done; fhx_reply_fail, which changes nothing.
 */
typedef void (*fhx_secret_delete_callback)(void *user_data, const char *job_id, fhx_reply *reply);

/* What an engine is told of such exports (fhx_engine_options). */
typedef struct fhx_client_destinations {
  uint32_t size;
  uint32_t reserved;
  /* Where clients may have their files written: see fhx_http_options, whose rules for servers that
     somebody else has named hold. At least one. Copied. */
  const char *const *allowed_hosts;
  uint64_t allowed_host_count;
  /* All else about HTTP, without allowed_hosts; NULL: the defaults. Copied. */
  const fhx_http_options *http;
  /* The container of exports that name none; NULL: they are refused. No container is ever made.
     Copied. */
  const char *container;
  /*
   * All three or none. With them every process of the store's can run every job. Without them the
   * process that took a kick-off is the only one that can: it must run jobs itself, it holds the
   * job (hold_job of the store, which is then needed) for as long as a lease, and renews that while
   * a thread of it is inside fhx_engine_run, by the engine's helpers, or fhx_engine_tick. When it
   * is gone the job fails, and the client starts anew.
   */
  fhx_secret_put_callback secret_put;
  fhx_secret_get_callback secret_get;
  fhx_secret_delete_callback secret_delete;
  void *user_data;
  /* Called once when the engine is gone, also when it could not be made, unless its options or this
     structure could not be read; NULL: not. */
  void (*destroy)(void *user_data);
} fhx_client_destinations;

/* fhx_init for this structure. */
FHX_API void fhx_client_destinations_init(fhx_client_destinations *destinations, uint32_t size);

FHX_END_DECLS

#endif
