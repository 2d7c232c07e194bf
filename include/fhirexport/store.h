/*
 * fhirexport/store.h: durable job records.
 *
 * A store keeps jobs, their tasks, the attempts at each task, the committed parts and the lines
 * for the error file. Every callback is one whole step: one conditional transaction that is taken
 * entirely or not at all, and is durable before it answers. Conditions are the store's to check,
 * leases run on the store's clock. The built-in stores are SQLite, for the processes of one
 * machine, and PostgreSQL, for those of several.
 *
 * Answers every step knows besides its own:
 *   fhx_reply_fail FHX_ERR_REFUSED    its condition does not hold; nothing was changed.
 *   fhx_reply_fail FHX_ERR_NOT_FOUND  no such job, or it is being removed.
 *   any other failure, or none        the library cannot know whether the step was taken: it reads
 * the task or the job and goes on from what it finds.
 *
 * Steps that a client waits for have an end to their patience: see fhx_reply_patience_us.
 *
 * Callbacks are called on any thread that is inside a function of a job, several at once. No lock
 * of the library is held. They must not call the job.
 *
 * What is in a record is text in UTF-8 or plain bytes; the definition of a job holds what the
 * client asked for, patient ids included, so a store is to be protected like the data.
 *
 * Of all functions here: Threads: what a callback is given is read, and answered, on its thread;
 * all else is for any. Memory: what a plan, members or a checkpoint give lives until the callback
 * returns. Since 0.9.0.
 */
#ifndef FHIREXPORT_STORE_H
#define FHIREXPORT_STORE_H

#include <fhirexport/clock.h>
#include <fhirexport/error.h>
#include <fhirexport/part.h>
#include <fhirexport/reply.h>

FHX_BEGIN_DECLS

/* Where jobs are recorded. Jobs and engines take one. */
typedef struct fhx_store fhx_store;

/* States of a job. The last three are final. */
#define FHX_JOB_RUNNING 1
#define FHX_JOB_COMPLETE 2
#define FHX_JOB_FAILED 3
/* Cancelled or deleted: hidden from clients, kept until its last object is gone. */
#define FHX_JOB_REMOVING 4

/* Sets of them, for lists of jobs. */
#define FHX_JOBS_RUNNING 1u
#define FHX_JOBS_COMPLETE 2u
#define FHX_JOBS_FAILED 4u
#define FHX_JOBS_REMOVING 8u

/* The length of a record's `identity`. */
#define FHX_IDENTITY_LEN 32

/* Phases of a job. A task can be claimed when every task of the earlier phases is done. */
#define FHX_PHASE_PLAN 0
#define FHX_PHASE_MAIN 1
/* Resources that others refer to, or a Group names, and that are in no compartment. */
#define FHX_PHASE_ASSOCIATED 2
/* Binaries of patients, as DocumentReferences. */
#define FHX_PHASE_DOCUMENTS 3
/* What was deleted since the export's `_since`. */
#define FHX_PHASE_DELETED 4
#define FHX_PHASE_FINISH 5

/* States of a task. */
#define FHX_TASK_WAITING 1
#define FHX_TASK_RUNNING 2
#define FHX_TASK_DONE 3

/* A job as a store keeps it. Of a new one create_job is given those members that the store does
   not set. */
typedef struct fhx_job_record {
  uint32_t size;
  /* FHX_JOB_RUNNING and so on. */
  uint32_t state;
  /* 32 lower-case hexadecimal digits. */
  const char *job_id;
  /* "" for none. */
  const char *tenant;
  const char *client;
  /* The kick-off's URL; confidential. */
  const char *request;
  /* What to export, as JSON that only the library reads; confidential. */
  const char *definition;
  const void *host_context;
  size_t host_context_len;
  /* The as-of time, and the resolution it was floored to, in microseconds. */
  int64_t transaction_time_us;
  int64_t resolution_us;
  /* Why it failed: a status and a sentence; 0 and "". */
  const char *reason;
  int32_t reason_status;
  /* Set by the store: 1 while objects of a failed or removing job may still exist. */
  uint32_t cleanup_due;
  /* Set by the store, in its clock; 0 for not yet. */
  int64_t created_us;
  int64_t ended_us;
  /* Sums over the tasks, set by the store. */
  uint64_t task_count;
  uint64_t task_done_count;
  uint64_t resource_count;
  uint64_t byte_count;
  uint64_t error_count;
  uint64_t estimated_resources;
  /* Of a new job, for create_job alone; never stored: how many jobs may run, in all and of the same
     tenant and client, with this one among them. 0: as many as come. */
  uint32_t jobs_max;
  uint32_t jobs_per_client_max;
  /* Set by the store: the sum over the tasks of the most resources that each was known to have at
     any time, by checkpoints and renew_task. It never goes down, also not when a task begins again:
     clients are shown it as progress. */
  uint64_t resource_mark;
  /* Set by the store: how many pages add_page has made. 0 once the job is cleaned up. */
  uint32_t page_count;
  uint32_t reserved;
  /* Of a new job: how long it is held (see hold_job), from now; 0: not. What the store gives back:
     how much of that is left, 0 when it is not held. In microseconds. */
  int64_t hold_us;
  /* The names of the parameters that were asked for, commas between, without any value; "": none.
   */
  const char *parameters;
  /* Of a new job: FHX_IDENTITY_LEN bytes that are the same for requests that are answered alike, so
     that one running job of a tenant and client is enough for all of them; see create_job. NULL: it
     has a job of its own. To be protected like the definition, of which it is a digest. */
  const uint8_t *identity;
  /* Set by the store: how often a task of it was given out. */
  uint64_t attempt_count;
  /* Set by the store: 1 while the job runs and nobody holds a task of it: it waits for a worker. */
  uint32_t is_waiting;
  uint32_t reserved_2;
  /* Set by the store: how often a task was given out again; and, by list_jobs alone, how many parts
     are recorded. */
  uint64_t retry_count;
  uint64_t part_count;
} fhx_job_record;

/* A task as a store keeps it. */
typedef struct fhx_task_record {
  uint32_t size;
  /* FHX_TASK_WAITING and so on. */
  uint32_t state;
  /* Whose it is, its number in the job, and FHX_PHASE_... */
  const char *job_id;
  uint32_t task_index;
  uint32_t phase;
  /* The FHIR type; "" for the tasks of the plan and finish phases. */
  const char *resource_type;
  /* The shard: its descriptor (NULL and 0: the whole type) and its number within the type. */
  const void *shard;
  size_t shard_len;
  uint32_t shard_index;
  /* Attempts since the last checkpoint with a token. */
  uint32_t attempt_count;
  /* The current attempt, the next number of a part, and the first one of the current attempt. */
  uint64_t fence;
  uint64_t next_seq;
  uint64_t first_seq;
  /* Where to go on (NULL and 0: from the beginning), and the last id that was read ("" for none).
   */
  const void *token;
  size_t token_len;
  const char *last_id;
  /* What the recorded checkpoints add up to. */
  uint64_t resource_count;
  uint64_t byte_count;
  uint64_t error_count;
  uint64_t estimated_resources;
} fhx_task_record;

/* A part as a store gives it back; the members are those of part.h. */
typedef struct fhx_part_record {
  uint32_t size;
  /* FHX_PART_OUTPUT and so on. */
  uint32_t kind;
  /* As the functions of part.h that are called so. */
  const char *name;
  const char *resource_type;
  uint64_t resource_count;
  uint64_t byte_count;
  uint64_t fence;
  uint64_t seq;
  uint32_t task_index;
  uint32_t crc32c;
  /* 32 bytes or NULL. */
  const uint8_t *sha256;
  /* 0 with FHX_ENCODING_NONE may stand for byte_count. */
  uint64_t stored_byte_count;
  uint32_t encoding;
  /* A sum of FHX_PART_CONTINUES and nothing else at present. */
  uint32_t flags;
  /* Of OperationOutcomes, by severity; both 0: not known. */
  uint64_t error_count;
  uint64_t warning_count;
} fhx_part_record;

/* An attempt at a task. Parts with its fence can have the numbers first_seq to last_seq + 1. */
typedef struct fhx_attempt_record {
  uint32_t size;
  /* The task, its phase, shard and type. */
  uint32_t task_index;
  uint32_t phase;
  uint32_t shard_index;
  const char *resource_type;
  /* What the names of its parts have as fence, and the first number of them. */
  uint64_t fence;
  uint64_t first_seq;
  /* The highest number that renew_task or a checkpoint announced; first_seq - 1 at the beginning.
   */
  uint64_t last_seq;
  /* 1 if this attempt ended its task: then nothing of it is left unrecorded. */
  uint32_t finished;
  /* 1 while this is the task's current attempt and its lease has not lapsed: it may still write. */
  uint32_t alive;
} fhx_attempt_record;

/* fhx_init for these structures. */
FHX_API void fhx_job_record_init(fhx_job_record *record, uint32_t size);
FHX_API void fhx_task_record_init(fhx_task_record *record, uint32_t size);
FHX_API void fhx_part_record_init(fhx_part_record *record, uint32_t size);
FHX_API void fhx_attempt_record_init(fhx_attempt_record *record, uint32_t size);

/*
 * Answers of a store. read_job: fhx_reply_job, then fhx_reply_done; claim_task and read_task:
 * fhx_reply_task, then fhx_reply_done; the lists: one call for each entry, then fhx_reply_done.
 * Memory: everything is copied.
 * Returns: FHX_OK; FHX_ERR_MISUSE in a callback that answers otherwise; FHX_ERR_ARGUMENT for a
 * record that is malformed, was not asked for, or is out of order; FHX_ERR_STRUCT_SIZE;
 * FHX_ERR_NO_MEMORY; once the reply is a failure for good, that failure.
 */
FHX_API int32_t fhx_reply_job(fhx_reply *reply, const fhx_job_record *record);
FHX_API int32_t fhx_reply_task(fhx_reply *reply, const fhx_task_record *record);
FHX_API int32_t fhx_reply_part(fhx_reply *reply, const fhx_part_record *record);
FHX_API int32_t fhx_reply_attempt(fhx_reply *reply, const fhx_attempt_record *record);

/* What plan_tasks stores; valid during the call. */
typedef struct fhx_plan fhx_plan;
FHX_API const char *fhx_plan_job_id(const fhx_plan *plan);
/* The fence of the planning attempt. */
FHX_API uint64_t fhx_plan_fence(const fhx_plan *plan);
/* The new tasks; their task_index runs from 1. The record is valid until the next call. */
FHX_API uint32_t fhx_plan_task_count(const fhx_plan *plan);
FHX_API const fhx_task_record *fhx_plan_task(const fhx_plan *plan, uint32_t position);
/* To be appended to the job's error lines, as task 0's. */
FHX_API uint32_t fhx_plan_line_count(const fhx_plan *plan);
FHX_API const void *fhx_plan_line(const fhx_plan *plan, uint32_t position, size_t *len);

/*
 * Lists of texts that a job keeps, each sorted and without doubles: who is exported, and what is
 * still to be exported because something refers to it.
 */
/* The bare ids of the Group's members that are patients. */
#define FHX_MEMBERS_PATIENT 1
/* Those of them that do not exist. */
#define FHX_MEMBERS_MISSING 2
/* Those of them that have joined since the export's `_since`. */
#define FHX_MEMBERS_NEW 3
/* `Type/id` of resources for the phase FHX_PHASE_ASSOCIATED. */
#define FHX_MEMBERS_WANTED 4
/* Which Provenance has which target: texts that begin with the target's `Type/id` and a space. */
#define FHX_MEMBERS_TARGETS 5

/* What add_members stores; valid during the call. */
typedef struct fhx_members fhx_members;
FHX_API const char *fhx_members_job_id(const fhx_members *members);
FHX_API uint32_t fhx_members_task_index(const fhx_members *members);
FHX_API uint64_t fhx_members_fence(const fhx_members *members);
/* FHX_MEMBERS_... */
FHX_API uint32_t fhx_members_list(const fhx_members *members);
/* At most 10,000, in ascending order of bytes, UTF-8 and not empty; the same one may come twice.
   NULL when `position` is out of range. */
FHX_API uint32_t fhx_members_count(const fhx_members *members);
FHX_API const char *fhx_members_text(const fhx_members *members, uint32_t position);

/* What a checkpoint records; valid during the call. */
typedef struct fhx_checkpoint fhx_checkpoint;
FHX_API const char *fhx_checkpoint_job_id(const fhx_checkpoint *checkpoint);
FHX_API uint32_t fhx_checkpoint_task_index(const fhx_checkpoint *checkpoint);
FHX_API uint64_t fhx_checkpoint_fence(const fhx_checkpoint *checkpoint);
/* It must equal the task's next_seq, which becomes next_seq: a higher one unless the task is done,
   so that no checkpoint can be taken twice. */
FHX_API uint64_t fhx_checkpoint_seq(const fhx_checkpoint *checkpoint);
FHX_API uint64_t fhx_checkpoint_next_seq(const fhx_checkpoint *checkpoint);
/* 1 when the task is done with it. */
FHX_API uint32_t fhx_checkpoint_done(const fhx_checkpoint *checkpoint);
/* NULL and 0: this task cannot resume. */
FHX_API const void *fhx_checkpoint_token(const fhx_checkpoint *checkpoint, size_t *len);
FHX_API const char *fhx_checkpoint_last_id(const fhx_checkpoint *checkpoint);
/* To be added to the task's counts. */
FHX_API uint64_t fhx_checkpoint_resource_count(const fhx_checkpoint *checkpoint);
FHX_API uint64_t fhx_checkpoint_byte_count(const fhx_checkpoint *checkpoint);
FHX_API uint64_t fhx_checkpoint_error_count(const fhx_checkpoint *checkpoint);
/* To be appended to the job's parts and error lines. */
FHX_API uint32_t fhx_checkpoint_part_count(const fhx_checkpoint *checkpoint);
FHX_API const fhx_part *fhx_checkpoint_part(const fhx_checkpoint *checkpoint, uint32_t position);
FHX_API uint32_t fhx_checkpoint_line_count(const fhx_checkpoint *checkpoint);
FHX_API const void *fhx_checkpoint_line(const fhx_checkpoint *checkpoint, uint32_t position,
                                        size_t *len);

/*
 * Store a new running job, and its task 0 (phase plan, waiting, next_seq 1, fence 0).
 * `record` is valid during the call. Answers: fhx_reply_done; FHX_ERR_EXISTS; else, where the
 * record has an identity and a running job of the same tenant and client was created with the same
 * one, fhx_reply_item with the id of that job, then fhx_reply_done, and nothing is stored (a store
 * that does not know identities stores the job); else FHX_ERR_LIMIT when so many jobs run already
 * that the record's jobs_max or jobs_per_client_max would be passed. In this order: a job that was
 * made by a call whose answer was lost is there, and not one too many. Of several calls at once
 * with one identity a single one stores its job.
 */
typedef void (*fhx_create_job_callback)(void *user_data, const fhx_job_record *record,
                                        fhx_reply *reply);

/* Read a job, removing ones included. Answers: see fhx_reply_job; FHX_ERR_NOT_FOUND. */
typedef void (*fhx_read_job_callback)(void *user_data, const char *job_id, fhx_reply *reply);

/*
 * Give out one task of the job (NULL: of any job), the lowest that can be had: a waiting one, or a
 * running one whose lease has lapsed, of the lowest phase that is not done. With NULL the jobs take
 * turns, and so do the clients (of a tenant each): each client with something to give out is given
 * as many tasks as any other, and so is each job of a client, so that a small job does not wait for
 * a large one to end, nor a large one for all small ones that come (the built-in stores; in others
 * the oldest job may come first). In one transaction:
 *   - a task that `claim_id` holds already is given again, its lease renewed, nothing else changed
 *     (the answer to the first claim was lost);
 *   - a task that has had `attempts_max` attempts is not given out: its job fails, with
 *     FHX_ERR_LIMIT and a reason that names the task's type ("the deletions of" it, in that phase);
 *   - a task without a token that has parts on a page, since it had a token once, is not given out
 *     either: its job fails, with FHX_ERR_LIMIT too, since no attempt is left that may be made;
 *   - else the task's fence and attempt_count rise by one, it runs, `claim_id` holds it for
 *     `lease_us`, and an attempt is recorded with the task's next_seq as its first;
 *   - a task without a token first loses its parts, error lines, counts and last id; next_seq
 *     stays, and so does what it adds to resource_mark. With task 0 all members of the job go;
 *   - with NULL no task is given of a job that is held (hold_job): that job counts as one whose
 *     tasks all run, until its hold lapses;
 * where they are so many that other steps would wait for it, a piece of them at a time: until all
 * are gone the task waits, held by nobody. Answers: see fhx_reply_task; fhx_reply_wait (until a
 * lease may lapse) when there is none now; fhx_reply_end when the job is in a final state (NULL:
 * when no job runs).
 */
typedef void (*fhx_claim_task_callback)(void *user_data, const char *job_id, const char *claim_id,
                                        int64_t lease_us, uint32_t attempts_max, fhx_reply *reply);

/*
 * Renew the lease, and note that numbers up to `last_seq` may now exist (kept if higher), and that
 * the task has `resource_count` resources by now, recorded or in open parts (for resource_mark).
 * Condition: the job runs, the task runs, and `fence` is its current one.
 */
typedef void (*fhx_renew_task_callback)(void *user_data, const char *job_id, uint32_t task_index,
                                        uint64_t fence, uint64_t last_seq, uint64_t resource_count,
                                        int64_t lease_us, fhx_reply *reply);

/*
 * Add the plan's tasks, waiting, and its error lines, and end task 0. Condition: the job runs, task
 * 0 runs, and the plan's fence is its current one.
 */
typedef void (*fhx_plan_tasks_callback)(void *user_data, const fhx_plan *plan, fhx_reply *reply);

/*
 * Record a checkpoint: parts, error lines, counts, token, last id, next_seq, the attempt's
 * last_seq; attempt_count becomes 0 if there is a token; the task is done if the checkpoint says
 * so, and the job is complete if it was its last. Condition: the job runs, the task runs, the
 * fence is its current one and the checkpoint's seq is its next.
 */
typedef void (*fhx_record_checkpoint_callback)(void *user_data, const fhx_checkpoint *checkpoint,
                                               fhx_reply *reply);

/* How a worker gives a task back. */
/* Unharmed: the attempt does not count. */
#define FHX_RELEASE_PARKED 1
/* The attempt failed: the task waits again; the job fails if it has had `attempts_max` of them. */
#define FHX_RELEASE_RETRY 2
/* The job fails. */
#define FHX_RELEASE_FAIL 3

/*
 * Give a task back. `status` and `reason` are the job's if it fails by this. A failed job has
 * cleanup_due 1. Condition: the task runs and `fence` is its current one; in a job that no longer
 * runs only the lease is given up.
 */
typedef void (*fhx_release_task_callback)(void *user_data, const char *job_id, uint32_t task_index,
                                          uint64_t fence, uint32_t how, uint32_t attempts_max,
                                          int32_t status, const char *reason, fhx_reply *reply);

/*
 * Add texts to a list; those that it has already do no harm. Condition: the job runs, the task
 * runs, and the fence is its current one.
 */
typedef void (*fhx_add_members_callback)(void *user_data, const fhx_members *members,
                                         fhx_reply *reply);

/*
 * Up to `limit` texts of a list (FHX_MEMBERS_...) in ascending order of bytes, those behind `after`
 * ("" is before all): fhx_reply_item.
 */
typedef void (*fhx_list_members_callback)(void *user_data, const char *job_id, uint32_t list,
                                          const char *after, uint32_t limit, fhx_reply *reply);

/* Read a task. Answers: see fhx_reply_task; FHX_ERR_NOT_FOUND. */
typedef void (*fhx_read_task_callback)(void *user_data, const char *job_id, uint32_t task_index,
                                       fhx_reply *reply);

/*
 * Hide the job for good: its state becomes FHX_JOB_REMOVING, with cleanup_due 1, from any other. A
 * job that is being removed already: fhx_reply_done.
 */
typedef void (*fhx_remove_job_callback)(void *user_data, const char *job_id, fhx_reply *reply);

/*
 * Up to `limit` recorded parts in ascending order of (task_index, seq), behind the given place (0,
 * 0 is before all). Answers: see fhx_reply_part.
 */
typedef void (*fhx_list_parts_callback)(void *user_data, const char *job_id, uint32_t after_task,
                                        uint64_t after_seq, uint32_t limit, fhx_reply *reply);

/* Up to `limit` error lines in order of (task, time), from position `first`: fhx_reply_item. */
typedef void (*fhx_list_lines_callback)(void *user_data, const char *job_id, uint64_t first,
                                        uint32_t limit, fhx_reply *reply);

/*
 * Up to `limit` attempts in ascending order of (task_index, fence), behind the given place.
 * Answers: see fhx_reply_attempt.
 */
typedef void (*fhx_list_attempts_callback)(void *user_data, const char *job_id, uint32_t after_task,
                                           uint64_t after_fence, uint32_t limit, fhx_reply *reply);

/*
 * The objects of a failed or removing job are gone: forget its parts, attempts, error lines and
 * members; a failed job stays, with cleanup_due 0, a removing one goes. Condition: cleanup_due is 1
 * and no task holds a lease that has not lapsed; else fhx_reply_wait, or FHX_ERR_REFUSED. Where so
 * much is to be forgotten that other steps would wait for it, a piece of it at a time, and
 * fhx_reply_wait with 0 until it is all.
 */
typedef void (*fhx_clean_job_callback)(void *user_data, const char *job_id, fhx_reply *reply);

/*
 * The next job to be cleaned up. In one transaction: complete and failed jobs that ended more than
 * `keep_us` ago (below 0: none) become removing ones with cleanup_due 1, the ones that ended first
 * come first, and no more of them in one call than take a short time (the SQLite store: 100); then
 * of all jobs with cleanup_due 1 whose id is greater than `after_job_id` (NULL: of all), the one
 * with the least id is given, byte by byte. To attach to that job and run it cleans it up.
 * Answers: fhx_reply_item with its id, then fhx_reply_done; without an item there is none.
 */
typedef void (*fhx_next_cleanup_callback)(void *user_data, int64_t keep_us,
                                          const char *after_job_id, fhx_reply *reply);

/*
 * Optional; with list_page, for clients that read the manifest page by page while the job runs
 * (Bulk Data IG, `allowPartialManifests`). Make the job's next page: the first `count_max` parts,
 * in ascending order of (task_index, seq), that are on no page yet and are there to stay, because
 * their task is done or has a token. A page never changes. Condition: the job runs or is complete,
 * it has `page` - 1 pages, and there is such a part. Answers: fhx_reply_done.
 */
typedef void (*fhx_add_page_callback)(void *user_data, const char *job_id, uint32_t page,
                                      uint32_t count_max, fhx_reply *reply);

/*
 * Optional. Up to `limit` parts of a page (from 1) in ascending order of (task_index, seq), behind
 * the given place (0, 0 is before all). Answers: see fhx_reply_part.
 */
typedef void (*fhx_list_page_callback)(void *user_data, const char *job_id, uint32_t page,
                                       uint32_t after_task, uint64_t after_seq, uint32_t limit,
                                       fhx_reply *reply);

/*
 * Optional. Hold the job for `hold_us` from now, whatever is left of an earlier hold; 0 gives the
 * hold up. Until it lapses, by the store's clock, claim_task gives tasks of the job to those alone
 * who name it, and read_job tells how much is left: somebody has what the job cannot do without,
 * and which is in no record. Who holds a job renews the hold as often as a lease.
 * Condition: the job runs, or its cleanup_due is 1, also while it is being removed. Answers:
 * fhx_reply_done; FHX_ERR_REFUSED; FHX_ERR_NOT_FOUND when there is no such job at all.
 */
typedef void (*fhx_hold_job_callback)(void *user_data, const char *job_id, int64_t hold_us,
                                      fhx_reply *reply);

/*
 * Optional; for lists of jobs (fhx_engine_jobs). Up to `limit` jobs whose state is in `states` (a
 * sum of FHX_JOBS_...), of this tenant (NULL: of all) and this client of it (NULL: of all; always
 * NULL where the tenant is), in ascending order of (created_us, job_id), ids byte by byte, those
 * behind the given place (INT64_MIN and "" are before all). Answers: fhx_reply_job for each,
 * without request, definition and host_context, which may be long; then fhx_reply_done.
 */
typedef void (*fhx_list_jobs_callback)(void *user_data, uint32_t states, const char *tenant,
                                       const char *client, int64_t after_created_us,
                                       const char *after_job_id, uint32_t limit, fhx_reply *reply);

/* The last reference is gone. Called once, also when fhx_store_new itself fails. */
typedef void (*fhx_store_destroy_callback)(void *user_data);

/* A store of a host's own, for fhx_store_new. */
typedef struct fhx_store_callbacks {
  uint32_t size;
  uint32_t reserved;
  fhx_create_job_callback create_job;
  fhx_read_job_callback read_job;
  fhx_claim_task_callback claim_task;
  fhx_renew_task_callback renew_task;
  fhx_plan_tasks_callback plan_tasks;
  fhx_record_checkpoint_callback record_checkpoint;
  fhx_release_task_callback release_task;
  fhx_read_task_callback read_task;
  fhx_remove_job_callback remove_job;
  fhx_list_parts_callback list_parts;
  fhx_list_lines_callback list_lines;
  fhx_list_attempts_callback list_attempts;
  fhx_clean_job_callback clean_job;
  fhx_next_cleanup_callback next_cleanup;
  fhx_add_members_callback add_members;
  fhx_list_members_callback list_members;
  /* Optional, as all that follow; what is above is needed. */
  fhx_add_page_callback add_page;
  fhx_list_page_callback list_page;
  fhx_store_destroy_callback destroy;
  /* Needed for destinations that clients name (client_destination.h). */
  fhx_hold_job_callback hold_job;
  fhx_list_jobs_callback list_jobs;
} fhx_store_callbacks;

/* fhx_init for this structure. */
FHX_API void fhx_store_callbacks_init(fhx_store_callbacks *callbacks, uint32_t size);

/*
 * Makes a store of a host's callbacks; `user_data` goes to every one of them.
 * Memory: `*store` is the caller's; the structure is copied, `user_data` is lent until destroy.
 * Returns: FHX_OK; FHX_ERR_ARGUMENT when a needed callback is missing; FHX_ERR_STRUCT_SIZE;
 * FHX_ERR_NO_MEMORY.
 */
FHX_API int32_t fhx_store_new(const fhx_store_callbacks *callbacks, void *user_data,
                              fhx_store **store, fhx_error **error);

/* Drops the caller's reference; jobs and engines that use it keep theirs. NULL is harmless. */
FHX_API void fhx_store_free(fhx_store *store);

/* What fhx_sqlite_store_new is told. */
typedef struct fhx_sqlite_store_options {
  uint32_t size;
  uint32_t reserved;
  /* The database file, made with mode 0600 if it is missing; ":memory:" for one that ends with the
     store. */
  const char *path;
  /* The store's clock: since 1970 UTC, never going back; see clock.h. NULL: the system's. */
  fhx_clock_callback clock;
  void *clock_user_data;
} fhx_sqlite_store_options;

/* fhx_init for this structure. */
FHX_API void fhx_sqlite_store_options_init(fhx_sqlite_store_options *options, uint32_t size);

/*
 * A store in SQLite (WAL, synchronous=FULL). Several processes of one machine may share the file.
 * One of an older schema is brought to this one; no process with an older library may use it then.
 * Memory: `*store` is the caller's; the options are copied, `clock_user_data` is lent to it.
 * Returns: FHX_OK; FHX_ERR_UNSUPPORTED for a file of a newer schema, an SQLite without threads, and
 * where the library was built without SQLite; FHX_ERR_STORE when it cannot be opened;
 * FHX_ERR_ARGUMENT for options that are wrong; FHX_ERR_STRUCT_SIZE; FHX_ERR_NO_MEMORY.
 */
FHX_API int32_t fhx_sqlite_store_new(const fhx_sqlite_store_options *options, fhx_store **store,
                                     fhx_error **error);

/* What fhx_postgres_store_new is told. */
typedef struct fhx_postgres_store_options {
  uint32_t size;
  /* 0; none is defined yet. */
  uint32_t flags;
  /* What libpq connects with: `keyword=value` pairs or a URL, with several hosts, TLS
     (`sslmode=verify-full`) and a password where wanted. Copied, wiped at the end, and never in an
     error. Every connection is a session of its own: no pooler that hands sessions around may be
     between. */
  const char *conninfo;
  /* The schema with the store's tables, made if it is missing: 1 to 63 letters, digits and '_',
     none of the digits first. NULL: "fhirexport". */
  const char *schema;
  /* How many connections the store opens at most, one for each step under way; those that come when
     all are taken wait for one. At most 1,000; 0: 8. */
  uint32_t connections_max;
  uint32_t reserved;
  /* The store's clock, for tests: since 1970 UTC, never going back. NULL: the database's, which all
     processes have in common. */
  fhx_clock_callback clock;
  void *clock_user_data;
} fhx_postgres_store_options;

/* fhx_init for this structure. */
FHX_API void fhx_postgres_store_options_init(fhx_postgres_store_options *options, uint32_t size);

/*
 * A store in PostgreSQL (11 or newer, encoding UTF8), for any number of processes on any number of
 * machines: one may kick a job off, another answer for it, a third remove it, and all work on it.
 * Tables of an older schema version are brought to this library's, by one process at a time; no
 * process with an older library can use them then. A connection that was lost is made anew; a step
 * that was not taken for it is taken again, a few times. To make it may take half a minute; longer
 * where tables are brought up to date.
 * Memory: `*store` is the caller's; the options are copied, `clock_user_data` is lent to it.
 * Returns: FHX_OK; FHX_ERR_ARGUMENT for options or a conninfo that cannot be read;
 * FHX_ERR_UNSUPPORTED for a newer schema, for an older or differently encoded database, and where
 * the library was built without PostgreSQL; FHX_ERR_STORE, retryable or not, when the database
 * cannot be reached, lets nobody in, or refuses the tables; FHX_ERR_STRUCT_SIZE; FHX_ERR_NO_MEMORY.
 */
FHX_API int32_t fhx_postgres_store_new(const fhx_postgres_store_options *options, fhx_store **store,
                                       fhx_error **error);

FHX_END_DECLS

#endif
