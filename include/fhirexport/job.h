/*
 * fhirexport/job.h: level 2, one export from a source to a destination.
 *
 * A job is planned into tasks (a type, or a shard of it), which any number of threads run, and
 * which survive the process: what a checkpoint has recorded is never done again if the source can
 * resume, what it has not recorded is never listed. A host with its own HTTP layer and queue starts
 * here.
 *
 * Of all functions here: Threads: any, several at once, also with one job. Memory: a job, its
 * progress and a page of its parts are the caller's; what they give lives until they are freed.
 * Since 0.9.0.
 */
#ifndef FHIREXPORT_JOB_H
#define FHIREXPORT_JOB_H

#include <fhirexport/clock.h>
#include <fhirexport/destination.h>
#include <fhirexport/filter.h>
#include <fhirexport/hooks.h>
#include <fhirexport/source.h>
#include <fhirexport/store.h>

FHX_BEGIN_DECLS

/* Also compute each part's SHA-256. */
#define FHX_JOB_SHA256 1u
/*
 * A Group export with `_since` also takes the older data of members who have joined since then
 * (Bulk Data IG, `_since`): of those whose `member.period` begins after it.
 */
#define FHX_JOB_NEW_MEMBERS 2u
/* Parts in gzip; their names end in `.ndjson.gz`. An engine gives them to clients that take gzip as
   they are, and unpacks them for others. */
#define FHX_JOB_GZIP 4u
/*
 * The source vouches for its rows: each is one valid resource on one line. A row is then written as
 * it is, with the white space it has; of its text only resourceType, id and meta.lastUpdated are
 * looked at. Given up: a row that is not JSON or not UTF-8, is too deep or has a key twice is
 * exported like any other, and clients have to cope with it. One line feed at the end of a row is
 * left out; a row with any other line break, or other white space around it, is a bad row.
 * Rows whose text decides what is exported, for patients that the source does not apply and for
 * associated_types, are checked all the same, as are those of which only elements are exported, and
 * a Group whose members are asked for.
 */
#define FHX_JOB_TRUST_SOURCE 8u

/*
 * Which Provenance resources are exported (Bulk Data IG, `includeAssociatedData`). Targets are read
 * with the source's read_resource, which the last two need: FHX_ERR_UNSUPPORTED without it. Where
 * targets are read, the source is asked for the Provenances of everybody, and for the last two of
 * any age; FHX_APPLIED_PATIENTS then says nothing of them.
 *
 * By default those within the filter's types and window: all of them, and in a Patient or Group
 * export those in the compartment of an exported patient, and those with a target that is such a
 * patient or in his compartment, whatever the target's type and age; without read_resource, those
 * in the compartment or with such a patient as a target. In no case does one come because something
 * refers to it (associated_types).
 */
#define FHX_PROVENANCE_DEFAULT 0
/* Those, of whatever age and also if the filter's types leave them out, that have an exported
   resource as a target: one that exists and passes types, window and patients. What is exported
   only by associated_types, as a Group's member that is no patient, or as a Provenance does not
   count. A source without the type Provenance has none. */
#define FHX_PROVENANCE_RELEVANT 1
/* Of these only the newest of each exported resource: by `recorded`, with all its digits as far as
   they count in a window, then by meta.lastUpdated, then the least id. What is no instant is older
   than any. */
#define FHX_PROVENANCE_LATEST 2

/*
 * Versions of the Bulk Data Access IG, as far as their rules differ. STU1, STU2 and STU3 go
 * together: the manifest has `request` and `error`, and what the later ones have added is there
 * only if it was asked for.
 */
#define FHX_IG_STU3 3
/* The ballot of STU4 (4.0.0-ballot): the manifest has `manifestType`, `outputFormat`, `fileSize`
   and `outcome`. */
#define FHX_IG_STU4_BALLOT 4

/* What fhx_job_start and fhx_job_attach are told. */
typedef struct fhx_job_options {
  uint32_t size;
  /* A sum of FHX_JOB_... */
  uint32_t flags;
  /* Where from and where to; needed. Referenced until the job is freed. */
  fhx_source *source;
  fhx_destination *destination;
  /* Where the job is recorded. NULL: in memory, by SQLite, so that it ends with this object. */
  fhx_store *store;
  /* What to take; copied. NULL: everything. Only read by fhx_job_start. */
  const fhx_filter *filter;
  /* For the manifest's `request` (Bulk Data IG); NULL: "$export". Only read by fhx_job_start, as
     are the next five. */
  const char *request;
  /* Letters, digits, `-`, `_` and `.` (not first), at most 64; NULL: "". */
  const char *tenant;
  /* At most 1,024 bytes; NULL: "". */
  const char *client;
  /* At most FHX_OPAQUE_MAX bytes that every source call can read; no secrets. */
  const void *host_context;
  size_t host_context_len;
  /* A part is closed before the rows that would make it longer, before any compression; 0: 128 MiB.
   */
  uint64_t part_bytes;
  /* A part is closed after so many resources; 0: no limit. */
  uint64_t part_count;
  /* The longest resource accepted, in bytes as given; 0: 1 GiB. */
  uint64_t resource_bytes_max;
  /* How long a task is held without a sign of life; 0: 120 s; at most a year. */
  int64_t lease_us;
  /* How long to wait for writes in flight before the first cursor, for a source without
     snapshot_ready; 0: 1 s; -1: not at all, for data that does not change; at most a year. */
  int64_t settle_us;
  /* How long a source may answer "wait" in a row before the attempt fails; 0: 15 min. */
  int64_t stall_us;
  /* Attempts at a task since its last checkpoint with a token before the job fails; 0: 5. */
  uint32_t attempts_max;
  /* The most shards of one type; 0: 16; at most 10,000. */
  uint32_t shards_max;
  /* The deepest nesting of objects and arrays accepted; 0: 100; at most 1,000. */
  uint32_t depth_max;
  /* How deep Groups may be nested in the exported one; 0: 10. Deeper ones fail the job, as does
     what is beyond the next. */
  uint32_t group_depth_max;
  /* The most members that all these Groups may have; 0: 50,000,000. */
  uint64_t group_members_max;
  /* Types with commas between, such as "Practitioner,Organization": of a Patient or Group export,
     resources of these types that an exported one refers to are exported too, if they are within
     the filter's types and window; NULL: none. What is in the compartment of a patient who is not
     exported stays out, and what they themselves refer to is not followed. Copied; only read by
     fhx_job_start. */
  const char *associated_types;
  /* A part is not closed before it has so many bytes, as far as part_bytes and part_count let it;
     each type is then one shard. The last part of a type may be shorter, and the last of its
     associated resources or documents. 0: no minimum. At most part_bytes. A job that is parked
     gives up a part that is too short, and what was read since the last checkpoint; the closer the
     minimum comes to part_bytes, the rarer those are. */
  uint64_t part_bytes_min;
  /* The job fails when so many resources were refused; 0: it does not. */
  uint64_t bad_rows_limit;
  /* The job fails at its end when of a thousand resources that were read so many were refused, or
     more; 0: it does not. At most 1,000. */
  uint32_t bad_rows_permille_limit;
  /* FHX_PROVENANCE_... Only read by fhx_job_start, as is the next. */
  uint32_t provenance;
  /* "Patient", with the default `provenance`: output is organised by patients (Bulk Data IG,
     `organizeOutputBy`): in each part, blocks of a header line, a Patient and what is in its
     compartment, each resource in the block of every patient whose it is. What is nobody's is left
     out, whatever associated_types says, and with a Patient that is refused all of its block is.
     The Patient's own line is left out where the filter does. Header lines count as resources. A
     block is kept together if it is not longer than half of part_bytes and part_bytes_min lets it;
     else it goes on in the next part, behind the header again (FHX_PART_CONTINUES). Between
     checkpoints lie whole blocks: who is parked or fails within one begins it again. Needs a source
     with open_patient: FHX_ERR_UNSUPPORTED. NULL: by type. */
  const char *organize_by;
  /* Called on every resource that is about to be written; NULL: none. A job that was started with
     one is only attached to with one: FHX_ERR_MISUSE. */
  fhx_resource_hook_callback resource_hook;
  fhx_attachment_hook_callback attachment_hook;
  void *hook_data;
  /* Threads of the library beside each thread that runs a task; 0: none; at most 1,024, of which
     this version uses one. It packs, digests and writes while the next rows are read. It is started
     when a task has the first MiB of a part, takes no signals, and calls only part_write, where the
     destination has FHX_DESTINATION_ANY_THREAD; for others the task's own thread writes. The parts
     are the same. */
  uint32_t helpers;
  uint32_t reserved;
  /* How much memory a task takes while it runs: what is buffered and packed, and the rows that are
     asked for at a time; 0: 32 MiB; not less than 8 MiB. A resource that is longer is written piece
     by piece; where its text has to be looked at, for patients that the source does not apply or
     for associated_types, it is held until it is written. What the source holds is its own, and the
     members of a Group are the job's. */
  uint64_t worker_bytes;
  /* The clock that the job runs on, whether it is started or attached to; NULL: the system's. What
     it points to is copied. */
  const fhx_clock *clock;
  /* For a job that is one piece of an export which another engine divides, such as Spark: the
     export's id, 32 lower-case hexadecimal digits, which is this job's too, and so what the names
     of all the export's parts begin with. Such a job has no store, one attempt at each task, and
     types of one shard; it makes no manifest of the whole: see fhx_manifest_of_parts. NULL: the job
     is an export of its own. Copied. */
  const char *export_id;
  /* With export_id, what part names have as fence: a number from 1 that no other attempt at any
     piece of the export has, by which what an attempt left behind is found and removed. */
  uint64_t attempt;
  /* With export_id: the number of the piece among those of one attempt. Shards are counted from
     it in part names. */
  uint32_t piece;
  /* FHX_IG_...: whose manifest the job has; 0: FHX_IG_STU3. Only read by fhx_job_start: it is
     recorded with the job. */
  uint32_t ig_version;
} fhx_job_options;

/* An export. Several objects, also of other processes, may stand for the same one. */
typedef struct fhx_job fhx_job;

/* fhx_init for this structure. */
FHX_API void fhx_job_options_init(fhx_job_options *options, uint32_t size);

/*
 * Starts a job: reads the source's clock, which fixes the manifest's transactionTime, and records
 * the job. Nothing is read yet but the Group and patients that the filter names, if the source has
 * read_resource or group_members.
 * Memory: `*job` is the caller's; of the options, filter and texts are copied, source, destination
 * and store are referenced.
 * Returns: FHX_OK; FHX_ERR_UNSUPPORTED names a type that the source does not have, says that types
 * must be named, or why a Group's members cannot be known; FHX_ERR_NOT_FOUND: the Group, or a
 * patient, does not exist, or the patient is no member; FHX_ERR_DENIED: the source does not give
 * them to this client; FHX_ERR_LIMIT: the filter is too large to be recorded; FHX_ERR_ARGUMENT for
 * options that are wrong; FHX_ERR_STRUCT_SIZE; FHX_ERR_IO: the system has no random numbers;
 * FHX_ERR_NO_MEMORY; the source's (FHX_ERR_SOURCE); the store's.
 */
FHX_API int32_t fhx_job_start(const fhx_job_options *options, fhx_job **job, fhx_error **error);

/*
 * Attaches to a job that the store has, for example after a restart. Of the options source,
 * destination, store, lease_us, settle_us, stall_us, helpers, worker_bytes and clock are used; the
 * rest was recorded at the start. One that was cancelled and still has files, because a process
 * died, can be attached to: its state is FHX_JOB_REMOVING, and fhx_job_run removes them.
 * Memory: as fhx_job_start.
 * Returns: FHX_OK; FHX_ERR_NOT_FOUND for an unknown job, or one that was cancelled and is gone;
 * FHX_ERR_MISUSE for one that was started with a hook that the options lack, or that goes to a
 * destination that its client has named (client_destination.h): that is the engine's to run;
 * FHX_ERR_UNSUPPORTED: a newer library has recorded it; FHX_ERR_ARGUMENT for options that are
 * wrong, or an id that is malformed; FHX_ERR_STRUCT_SIZE; FHX_ERR_NO_MEMORY; the store's
 * (FHX_ERR_STORE: the record is damaged).
 */
FHX_API int32_t fhx_job_attach(const fhx_job_options *options, const char *job_id, fhx_job **job,
                               fhx_error **error);

/* The job's id, 32 hexadecimal digits. */
FHX_API const char *fhx_job_id(const fhx_job *job);

/*
 * Runs the job on the calling thread, task after task, until it is over; call it from several
 * threads to run tasks in parallel. While other threads or processes hold the last tasks, it waits
 * for them, or for their leases to lapse.
 * Threads: any that is in no callback of this job.
 * Returns: FHX_OK: the job is complete. FHX_WAIT: fhx_job_park was called. FHX_ERR_JOB_FAILED: it
 * has failed, and the message says why. FHX_ERR_CANCELLED: it was cancelled. In these two cases no
 * part of it is left at the destination. FHX_ERR_REENTRANT from inside a callback, FHX_ERR_ARGUMENT
 * for NULL. Any other error (FHX_ERR_STORE and what else is the store's; the destination's, which
 * cannot remove the files of a job that has failed; FHX_ERR_NO_MEMORY; FHX_ERR_IO: the system has
 * no random numbers): this thread cannot go on, the job still can: call again.
 */
FHX_API int32_t fhx_job_run(fhx_job *job, fhx_error **error);

/*
 * Runs at most one task on the calling thread.
 * Threads: any that is in no callback of this job.
 * Returns: FHX_OK: one was run, or given back after a failure. FHX_WAIT: none can be had at
 * present. FHX_END: the job is complete. As fhx_job_run: FHX_ERR_JOB_FAILED, FHX_ERR_CANCELLED,
 * FHX_ERR_REENTRANT, FHX_ERR_ARGUMENT, FHX_ERR_STORE, FHX_ERR_NO_MEMORY, FHX_ERR_IO, the store's
 * and the destination's.
 */
FHX_API int32_t fhx_job_run_task(fhx_job *job, fhx_error **error);

/*
 * Cancels the job, or removes it with its files when it is over. From then on it has no manifest
 * and is to be hidden from clients. Running tasks of this object see it within one batch of rows,
 * those of others when they renew their lease or commit; the last fhx_job_run to return has removed
 * the files; if none is running, the next of this object does.
 * Threads: any, also from a callback.
 * Returns: FHX_OK, also if it was cancelled before; FHX_ERR_NOT_FOUND: it is gone; FHX_ERR_ARGUMENT
 * for NULL; FHX_ERR_NO_MEMORY; the store's.
 */
FHX_API int32_t fhx_job_cancel(fhx_job *job, fhx_error **error);

/*
 * Parks the job: running tasks stop at the next batch, keep what they have by a checkpoint where
 * the source can resume, and every fhx_job_run of this object returns FHX_WAIT. The job can be
 * attached to again.
 * Threads: any, also from a callback.
 */
FHX_API void fhx_job_park(fhx_job *job);

/* A snapshot of how far a job is. */
typedef struct fhx_progress fhx_progress;

/*
 * Reads the progress.
 * Threads: any, also from a callback.
 * Returns: FHX_OK; FHX_ERR_NOT_FOUND: the job was cancelled, and is gone; FHX_ERR_ARGUMENT for
 * NULL; FHX_ERR_NO_MEMORY; the store's.
 */
FHX_API int32_t fhx_job_progress_new(fhx_job *job, fhx_progress **progress, fhx_error **error);

/* FHX_JOB_RUNNING, _COMPLETE, _FAILED or _REMOVING. */
FHX_API uint32_t fhx_progress_state(const fhx_progress *progress);
/* Resources and bytes in parts, those of open parts of this object included. */
FHX_API uint64_t fhx_progress_resource_count(const fhx_progress *progress);
FHX_API uint64_t fhx_progress_byte_count(const fhx_progress *progress);
/* Resources that were refused, and the lines that say so are in the error file. */
FHX_API uint64_t fhx_progress_error_count(const fhx_progress *progress);
/* Tasks in all and done; 1 and 0 until the job is planned. */
FHX_API uint64_t fhx_progress_task_count(const fhx_progress *progress);
FHX_API uint64_t fhx_progress_task_done_count(const fhx_progress *progress);
/* From 0 to 1, by what the store knows; never going down, also from one object or process to
   another and when a task begins again; 1 only when complete. */
FHX_API double fhx_progress_share(const fhx_progress *progress);
/* Why the job failed; "" unless it did. */
FHX_API const char *fhx_progress_reason(const fhx_progress *progress);
/* Frees the progress. NULL is harmless. */
FHX_API void fhx_progress_free(fhx_progress *progress);

/*
 * The recorded parts of a job, error files included, in the order of its manifest, one page after
 * another: up to `limit` (from 1; more than 1,000 is 1,000) parts behind `*after`, a cookie that is
 * 0 at first, and that this moves on.
 * Returns: FHX_OK; FHX_END, and no page, when there are no more; FHX_ERR_NOT_FOUND: the job was
 * cancelled, and is gone; FHX_ERR_ARGUMENT for NULL, or a limit of 0; FHX_ERR_NO_MEMORY; the
 * store's.
 */
typedef struct fhx_part_page fhx_part_page;
FHX_API int32_t fhx_job_parts_new(fhx_job *job, uint64_t *after, uint32_t limit,
                                  fhx_part_page **page, fhx_error **error);
/* How many parts the page has, and each of them; NULL when `position` is out of range. */
FHX_API uint32_t fhx_part_page_count(const fhx_part_page *page);
FHX_API const fhx_part *fhx_part_page_part(const fhx_part_page *page, uint32_t position);
/* Frees a page and its parts. NULL is harmless. */
FHX_API void fhx_part_page_free(fhx_part_page *page);

/*
 * Frees the object; the job stays in its store. Threads that are inside fhx_job_run are parked and
 * the memory goes when the last one has left. NULL is harmless.
 */
FHX_API void fhx_job_free(fhx_job *job);

FHX_END_DECLS

#endif
