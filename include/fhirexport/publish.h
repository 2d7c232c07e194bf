/*
 * fhirexport/publish.h: a data set that anybody may fetch, by `$bulk-publish` (Bulk Data IG, STU4
 * ballot, "Bulk Publish"): static manifests and files at a destination, which a web server or an
 * object store serves by itself, without this library.
 *
 * A publication is what lies at one destination:
 *
 *   $bulk-publish        the root manifest: the whole data set as of the last snapshot
 *   pages/...            its further pages, the stub of its chain of updates, the updates
 *   <job>/...            the files, as the jobs have written them
 *   publication.json     what this library has to know of it
 *
 * All of it is served under one base URL: `https://example.org/fhir/directory` has the root at
 * `https://example.org/fhir/directory/$bulk-publish`. URLs are never used again for something else.
 *
 * One process at a time writes to a publication; that is the host's to hold. One that is killed at
 * any point leaves the manifests as they were or as they were to be, each whole and with no link to
 * what is not there, and the next fhx_publication_open finishes what it has begun. Whoever repeats
 * what was done already does no harm.
 *
 * Of all functions here: Threads: any; a publication belongs to one at a time. Memory: only what is
 * given is written to. Since 0.9.0.
 */
#ifndef FHIREXPORT_PUBLISH_H
#define FHIREXPORT_PUBLISH_H

#include <fhirexport/clock.h>
#include <fhirexport/destination.h>
#include <fhirexport/engine.h>
#include <fhirexport/job.h>

FHX_BEGIN_DECLS

/* What is published at one destination. */
typedef struct fhx_publication fhx_publication;

/* Whoever serves the files asks for an access token (the manifest's requiresAccessToken). */
#define FHX_PUBLICATION_REQUIRES_TOKEN 1u

/* What fhx_publication_open is told. */
typedef struct fhx_publication_options {
  uint32_t size;
  /* A sum of FHX_PUBLICATION_... */
  uint32_t flags;
  /* Where it lies; needed, with document_put, document_get and part_stat: the directory, S3 and
     Azure have them. Referenced until the publication is freed. */
  fhx_destination *destination;
  /* The absolute URL under which all that lies there is served, without a slash at its end; needed,
     and the same for as long as the publication lives. Copied. */
  const char *base_url;
  /* How often it is to be expected to change (the manifest's updateCadence): an ISO 8601 duration
     such as "P1D" or "PT1H". Clients poll by it, so give one. NULL: nothing is said. Copied. */
  const char *update_cadence;
  /* How long files and pages are kept after a snapshot has taken their place, in microseconds; 0: 7
     days. Longer than clients take to fetch everything, and than they wait between two polls. */
  int64_t grace_us;
  /* The clock that the grace period goes by; NULL: the system's. Copied. */
  const fhx_clock *clock;
  /* How many files a page of a manifest has at most; 0: 1,000; at most that. */
  uint32_t page_parts;
  uint32_t reserved;
} fhx_publication_options;

/* fhx_init for this structure. */
FHX_API void fhx_publication_options_init(fhx_publication_options *options, uint32_t size);

/*
 * Opens the publication at a destination, which may be empty, and finishes what a process that died
 * has begun.
 * Memory: `*publication` is the caller's; the options are copied, the destination is referenced.
 * Returns: FHX_OK; FHX_ERR_ARGUMENT says which option is missing or wrong, also where the
 * publication has another base_url; FHX_ERR_UNSUPPORTED: the destination has no documents;
 * FHX_ERR_DESTINATION: what lies there is not as this library has left it; FHX_ERR_LIMIT: its list
 * is too long; FHX_ERR_STRUCT_SIZE; FHX_ERR_NO_MEMORY; the destination's.
 */
FHX_API int32_t fhx_publication_open(const fhx_publication_options *options,
                                     fhx_publication **publication, fhx_error **error);

/* No updates will follow: the root has no chain. What changes then comes with another snapshot. */
#define FHX_SNAPSHOT_FINAL 1u

/*
 * Publishes a complete job, one without `_since` and `_until`, as the root manifest, with a new
 * chain for the updates to come. The chain before it is closed (`#closed`): its clients begin again
 * at the root, and all files before begin their grace period.
 *
 * The job's files become the publication's, which removes them in its time: nobody else may, so
 * don't cancel the job, and don't let an engine expire it. A file that is not at the publication's
 * destination is copied from the job's, if that has part_file; then the job's own are free to go.
 *
 * After any error call it again, or open the publication anew: it shows the old state, or the new
 * one.
 * Returns: FHX_OK, also if the job is published already: then nothing changes. FHX_ERR_ARGUMENT:
 * the job is no snapshot, is older than what is published, or is organised by patients, which this
 * version does not publish. FHX_ERR_MISUSE: it still runs. FHX_ERR_NOT_FOUND: it, or a file of it,
 * is not there. FHX_ERR_JOB_FAILED. FHX_ERR_DESTINATION: a file, or what lies there, is not as it
 * was left. FHX_ERR_IO: a file could not be read. FHX_ERR_LIMIT: the list of what is published is
 * too long, or the job has more than a million pages. FHX_ERR_NO_MEMORY; the destination's; the store's.
 */
FHX_API int32_t fhx_publication_snapshot(fhx_publication *publication, fhx_job *job, uint32_t flags,
                                         fhx_error **error);

/*
 * Publishes a complete job as an update: as the next page of the chain. Its `_since` is what
 * fhx_publication_time says, or earlier, and the rest of its filter is the snapshot's; a source
 * that tells deletions (open_deleted) is needed if there are any. One in which nothing has changed
 * is worth publishing too: it says that nothing has.
 * Returns: as fhx_publication_snapshot: FHX_OK; FHX_ERR_ARGUMENT, also for a `_since` that would
 * leave a gap; FHX_ERR_MISUSE, also where there is no chain: no snapshot yet, or a final one;
 * FHX_ERR_NOT_FOUND, FHX_ERR_JOB_FAILED, FHX_ERR_DESTINATION, FHX_ERR_IO, FHX_ERR_LIMIT,
 * FHX_ERR_NO_MEMORY, the destination's and the store's.
 */
FHX_API int32_t fhx_publication_update(fhx_publication *publication, fhx_job *job,
                                       fhx_error **error);

/* The transactionTime of what was published last, a FHIR instant: `_since` of the next update; "":
   nothing is published. Lives until the next call. */
FHX_API const char *fhx_publication_time(const fhx_publication *publication);

/* How many updates the chain has: a client that begins reads all of them, so publish a snapshot
   from time to time. */
FHX_API uint64_t fhx_publication_update_count(const fhx_publication *publication);

/* Whether updates can be published: 1, or 0. */
FHX_API uint32_t fhx_publication_has_chain(const fhx_publication *publication);

/*
 * Removes the files and pages whose grace period is over, and stores in `*count`, which may be
 * NULL, how many files these were. What cannot be removed is tried again at the next call.
 * Returns: FHX_OK; FHX_ERR_ARGUMENT for NULL; FHX_ERR_DESTINATION and FHX_ERR_LIMIT as above;
 * FHX_ERR_NO_MEMORY; the destination's.
 */
FHX_API int32_t fhx_publication_remove_old(fhx_publication *publication, uint64_t *count,
                                           fhx_error **error);

/* Frees the object; what is published stays. NULL is harmless. */
FHX_API void fhx_publication_free(fhx_publication *publication);

/*
 * Answers a request for what is published at a destination with document_get and part_file (the
 * directory), for hosts that serve it themselves. The request's target begins with
 * `/$bulk-publish`: alone it is the root, `/$bulk-publish/<name>` is a page or a file; so the
 * publication's base_url is the FHIR base and `/$bulk-publish`. Of the request method, target and
 * headers count. Who may see it is the host's to decide.
 * GET and HEAD; documents with an ETag, by which a repeated GET is 304, files with ranges and
 * immutable; parts in gzip as clients take them. Every mistake of the client, and what fails at the
 * destination, is a response with an OperationOutcome.
 * Threads: any, also while somebody publishes.
 * Memory: `*response` is the caller's, to be freed with fhx_response_free; the request is lent.
 * Returns: FHX_OK; FHX_ERR_ARGUMENT: the request or the destination is missing, or malformed;
 * FHX_ERR_UNSUPPORTED: the destination has no documents, or no part_file; FHX_ERR_STRUCT_SIZE;
 * FHX_ERR_INTERNAL; FHX_ERR_NO_MEMORY.
 */
FHX_API int32_t fhx_published_handle(fhx_destination *destination, const fhx_request *request,
                                     fhx_response **response, fhx_error **error);

FHX_END_DECLS

#endif
