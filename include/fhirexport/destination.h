/*
 * fhirexport/destination.h: where parts go.
 *
 * A destination is a table of callbacks. The built-in one, a directory, is written on the same
 * table. A destination sees, for each part: part_open; part_write, any number of times; then
 * exactly one of part_commit or part_abort; neither after a failed part_open. A part becomes
 * visible under its name at part_commit, whole, or not at all.
 *
 * Unless a callback says otherwise: it is called on the thread that called fhx_writer_...,
 * fhx_job_run, fhx_job_run_task or the manifest functions; several of these threads may be inside
 * the same destination at once, each with an upload of its own; it may call fhx_job_cancel and
 * fhx_job_progress_new, but not the writer or the job that is calling it, which answer
 * FHX_ERR_REENTRANT. No lock of the library is held.
 *
 * Of all functions here: Threads: any. Memory: only what is given is written to. Since 0.9.0.
 */
#ifndef FHIREXPORT_DESTINATION_H
#define FHIREXPORT_DESTINATION_H

#include <fhirexport/error.h>
#include <fhirexport/part.h>
#include <fhirexport/reply.h>

FHX_BEGIN_DECLS

/* Where parts go. Writers, jobs, manifests and engines take one. */
typedef struct fhx_destination fhx_destination;

/*
 * Begin the part `name` (UTF-8; segments of A-Z a-z 0-9 . _ - joined by `/`, none of them empty or
 * beginning with a dot; valid during the call). It ends in `.gz` when the bytes to come are gzip
 * (FHX_ENCODING_GZIP), and only then: an object whose headers are set here gets
 * `Content-Encoding: gzip` besides `Content-Type: application/fhir+ndjson`.
 * Answers: fhx_reply_handle(upload, 0); fhx_reply_fail. A name that exists is FHX_ERR_EXISTS.
 */
typedef void (*fhx_part_open_callback)(void *user_data, const char *name, fhx_reply *reply);

/*
 * The next `len` bytes (at least 1). They are valid during the call.
 * With FHX_DESTINATION_ANY_THREAD it may be called on a thread of the library.
 * Answers: fhx_reply_done when all were taken; fhx_reply_fail, after which the part is aborted.
 */
typedef void (*fhx_part_write_callback)(void *user_data, void *upload, const void *data, size_t len,
                                        fhx_reply *reply);

/*
 * Make the part durable and visible under its name. `part` is valid during the call. The upload is
 * gone afterwards, whatever the answer.
 * Answers: fhx_reply_done; fhx_reply_fail. FHX_ERR_UNKNOWN_OUTCOME, and no answer at all, mean that
 * the part may exist: the library then asks part_stat and removes nothing. Every other failure
 * means that it does not exist and never will.
 */
typedef void (*fhx_part_commit_callback)(void *user_data, void *upload, const fhx_part *part,
                                         fhx_reply *reply);

/* Forget the upload and everything written to it. The upload is gone afterwards. */
typedef void (*fhx_part_abort_callback)(void *user_data, void *upload);

/*
 * Optional. Is there a committed object of that name, how long is it, and what is its SHA-256 if
 * known? Answers: fhx_reply_object; fhx_reply_fail with FHX_ERR_NOT_FOUND when there is definitely
 * none; fhx_reply_fail otherwise.
 */
typedef void (*fhx_part_stat_callback)(void *user_data, const char *name, fhx_reply *reply);

/*
 * A URL under which the part can be fetched until `expires_us` (0: as long as it exists).
 * Answers: fhx_reply_item with the URL, then fhx_reply_done; fhx_reply_fail. Called once for each
 * part that a manifest names while it is read.
 */
typedef void (*fhx_part_url_callback)(void *user_data, const fhx_part *part, int64_t expires_us,
                                      fhx_reply *reply);

/*
 * Remove the object of that name, and any unfinished upload of that name that a process left
 * behind. Nothing there is success: fhx_reply_done. Else fhx_reply_fail; it is tried again later.
 */
typedef void (*fhx_part_remove_callback)(void *user_data, const char *name, fhx_reply *reply);

/*
 * Optional: this destination's parts are files that the library can read. An open file descriptor
 * on the committed object of that name, a regular file, for reading; the library closes it, and
 * reads from byte 0 whatever its position is. It goes on reading after part_remove. Called by
 * fhx_engine_handle, on its thread, once for each file that a client fetches.
 * Answers: fhx_reply_file; fhx_reply_fail with FHX_ERR_NOT_FOUND when there is definitely none;
 * fhx_reply_fail otherwise.
 */
typedef void (*fhx_part_file_callback)(void *user_data, const char *name, fhx_reply *reply);

/*
 * Optional: could a part be written now? Called by fhx_engine_handle, on its thread, at a kick-off;
 * a "yes" is good for the kick-offs of the next minute. A client waits for the answer.
 * Answers: fhx_reply_done; fhx_reply_fail: the kick-off is answered 503.
 */
typedef void (*fhx_check_writable_callback)(void *user_data, fhx_reply *reply);

/*
 * Optional: until when are URLs good that part_url gives now, if `expires_us` is asked for: that
 * time or an earlier one, in microseconds since 1970 UTC. Called by fhx_engine_handle, on its
 * thread, before a manifest is read, which then asks part_url for this time, and says it in
 * `Expires`. Without it, URLs are taken to be good until then.
 * Answers: fhx_reply_time, with resolution 1; fhx_reply_fail: the poll is answered 503.
 */
typedef void (*fhx_urls_until_callback)(void *user_data, int64_t expires_us, fhx_reply *reply);

/*
 * Optional, with document_get: puts a document of `len` bytes under that name, durable and whole,
 * in place of the one that had it. Who reads meanwhile gets the old one or the new one, whatever
 * becomes of the process. `name` is like a part's, but a segment may begin with `$`; parts and
 * documents have different names. `media_type` and `cache_control` are for destinations that keep
 * such headers with an object. Everything is valid during the call.
 * Called by the functions of publish.h, on their thread; they never put two documents at once.
 * Answers: fhx_reply_done; fhx_reply_fail, after which the old or the new one is there.
 */
typedef void (*fhx_document_put_callback)(void *user_data, const char *name, const void *data,
                                          size_t len, const char *media_type,
                                          const char *cache_control, fhx_reply *reply);

/*
 * Optional, with document_put: the document of that name as it is now. Called by the functions of
 * publish.h, on their thread. It is removed by part_remove.
 * Answers: fhx_reply_item with its bytes, then fhx_reply_done; fhx_reply_fail with
 * FHX_ERR_NOT_FOUND when there is definitely none; fhx_reply_fail otherwise.
 */
typedef void (*fhx_document_get_callback)(void *user_data, const char *name, fhx_reply *reply);

/*
 * The last reference to the destination is gone. Called once, on the thread that dropped it, also
 * when fhx_destination_new itself fails, unless it could not read the structure (NULL, or
 * FHX_ERR_STRUCT_SIZE).
 */
typedef void (*fhx_destination_destroy_callback)(void *user_data);

/* The URLs of part_url need the client's access token (the manifest's requiresAccessToken). */
#define FHX_DESTINATION_REQUIRES_TOKEN 1u
/* part_write may be called on threads of the library's own, beside other callbacks: for an upload
   still one call at a time, and none is under way in its part_commit or part_abort. The directory
   is of this kind by itself. */
#define FHX_DESTINATION_ANY_THREAD 2u
/* Of the directory alone: what it makes can be read by everybody on the machine, files of mode 0644
   in folders of 0755, so that a web server of another user can serve it. */
#define FHX_DESTINATION_READABLE 4u

/* A destination of a host's own, for fhx_destination_new. */
typedef struct fhx_destination_callbacks {
  uint32_t size;
  /* A sum of FHX_DESTINATION_... */
  uint32_t flags;
  fhx_part_open_callback part_open;
  fhx_part_write_callback part_write;
  fhx_part_commit_callback part_commit;
  fhx_part_abort_callback part_abort;
  fhx_part_stat_callback part_stat; /* optional */
  fhx_part_url_callback part_url;
  fhx_part_remove_callback part_remove;
  fhx_part_file_callback part_file; /* optional, as all that follow */
  fhx_check_writable_callback check_writable;
  fhx_destination_destroy_callback destroy;
  fhx_urls_until_callback urls_until;
  /* Both or neither: they make a destination one that can be published on (publish.h). */
  fhx_document_put_callback document_put;
  fhx_document_get_callback document_get;
} fhx_destination_callbacks;

/* fhx_init for this structure. */
FHX_API void fhx_destination_callbacks_init(fhx_destination_callbacks *callbacks, uint32_t size);

/*
 * Makes a destination of a host's callbacks; `user_data` goes to every one of them.
 * Memory: `*destination` is the caller's; the structure is copied, `user_data` is lent until
 * destroy.
 * Returns: FHX_OK; FHX_ERR_ARGUMENT when a needed callback is missing, or a flag is not known;
 * FHX_ERR_STRUCT_SIZE; FHX_ERR_NO_MEMORY.
 */
FHX_API int32_t fhx_destination_new(const fhx_destination_callbacks *callbacks, void *user_data,
                                    fhx_destination **destination, fhx_error **error);

/* Drops the caller's reference; writers, jobs and all else that use it keep theirs. NULL is
   harmless. */
FHX_API void fhx_destination_free(fhx_destination *destination);

/*
 * For who has to look after parts by their names: an engine such as Spark that runs pieces of an
 * export (job.h, export_id) and removes what attempts of no account have left behind.
 *
 * Is a part of that name committed? Stores how many bytes it has there in `*byte_count`, which may
 * be NULL.
 * Threads: any that is in no callback of this destination.
 * Returns: FHX_OK. FHX_ERR_NOT_FOUND: definitely not. FHX_ERR_UNSUPPORTED: the destination has no
 * part_stat. FHX_ERR_ARGUMENT: that is no name of a part. The destination's: not known.
 */
FHX_API int32_t fhx_destination_stat(fhx_destination *destination, const char *name,
                                     uint64_t *byte_count, fhx_error **error);

/*
 * Removes the part of that name and any unfinished upload of it, also another process's, which can
 * then no longer be committed.
 * Threads: any that is in no callback of this destination.
 * Returns: FHX_OK, also if nothing was there; FHX_ERR_ARGUMENT: that is no name of a part; the
 * destination's.
 */
FHX_API int32_t fhx_destination_remove(fhx_destination *destination, const char *name,
                                       fhx_error **error);

/* What fhx_directory_destination_new is told. */
typedef struct fhx_directory_options {
  uint32_t size;
  /* A sum of FHX_DESTINATION_...: what is true of the URLs that begin with `base_url`. */
  uint32_t flags;
  /* The folder; it must exist. Copied. */
  const char *path;
  /* The URL under which the host serves the folder's files, without a slash at its end. Copied.
     NULL: it does not; the destination has part_file instead, and part_url gives file: URLs. */
  const char *base_url;
} fhx_directory_options;

/* fhx_init for this structure. */
FHX_API void fhx_directory_options_init(fhx_directory_options *options, uint32_t size);

/*
 * A destination in a folder of a local file system. A part is written under a temporary name that
 * begins with a dot (opened O_EXCL and O_NOFOLLOW, mode 0600, in a folder of mode 0700, but for
 * FHX_DESTINATION_READABLE), synced,
 * renamed to its name without replacing anything, and the folder is synced. Nothing can be written
 * outside `path`. The modes do not depend on the umask; a folder that exists keeps its own. A
 * folder below `path` goes with the last part in it.
 * Memory: `*destination` is the caller's; the options are copied.
 * Returns: FHX_OK; FHX_ERR_NOT_FOUND, FHX_ERR_DENIED or FHX_ERR_IO when the folder cannot be used;
 * FHX_ERR_ARGUMENT for options that are wrong; FHX_ERR_STRUCT_SIZE; FHX_ERR_NO_MEMORY.
 */
FHX_API int32_t fhx_directory_destination_new(const fhx_directory_options *options,
                                              fhx_destination **destination, fhx_error **error);

FHX_END_DECLS

#endif
