/*
 * A job as its own rooms see it. What can change after the start is atomic or under the mutex; the
 * rest is only read.
 */
#ifndef FHX__JOB_JOB_H
#define FHX__JOB_JOB_H

#include <fhirexport/job.h>
#include <pthread.h>
#include <stdatomic.h>

#include "destination/destination.h"
#include "observe/watch.h"
#include "select/filter.h"
#include "source/source.h"
#include "store/store.h"

/* What was asked for, as the store keeps it in `definition`. The filter's types are the types that
   may be exported, in order; none of them means nothing to export. With a scope of patients, those
   outside the compartment have no task of the main phase. */
typedef struct fhx__definition {
  fhx_filter *filter;
  uint32_t flags;
  uint32_t attempts_max;
  uint32_t shards_max;
  uint32_t depth_max;
  uint64_t part_bytes;
  uint64_t part_count;
  uint64_t resource_bytes_max;
  uint32_t group_depth_max;
  uint32_t reserved;
  uint64_t group_members_max;
  uint64_t part_bytes_min;
  uint64_t bad_rows_limit;
  uint32_t bad_rows_permille_limit;
  /* FHX_PROVENANCE_... */
  uint32_t provenance;
  /* FHX_IG_...: whose rules its client goes by, and so its manifest. */
  uint32_t ig_version;
  /* The export is organised by patients. */
  bool by_patient;
  /* It was started with these hooks, and must not run without them. */
  bool has_resource_hook;
  bool has_attachment_hook;
  /* Of the kick-off: its client reads the manifest in pages, and wants statuses kept apart. */
  bool has_pages;
  bool has_separate_status;
  /* Types with commas between whose resources are exported when others refer to them; "" for none;
     all of them are among the filter's types. */
  char *associated_types;
  /* Sentences for the error file from the start, each with its NUL: what was asked for and skipped.
   */
  fhx__buffer notes;
  /* Of an export to a destination that its client has named: what the URLs of its parts begin with,
     without anything secret. NULL: the parts go to the server's own. */
  char *client_url;
} fhx__definition;

/* Whether it is one of FHX_IG_..., or 0. */
int32_t fhx__check_ig_version(uint32_t ig_version, fhx_error **error);

int32_t fhx__definition_write(const fhx__definition *definition, fhx__buffer *json,
                              fhx_error **error);
int32_t fhx__definition_read(const char *json, fhx__definition *definition, fhx_error **error);
void fhx__definition_free(fhx__definition *definition);

/* A thread that is inside fhx_job_run or fhx_job_run_task; on that thread's stack. */
typedef struct fhx__runner {
  pthread_t thread;
  struct fhx__runner *next;
} fhx__runner;

struct fhx__work;

/* Who tells of the job's end: nobody yet; this process, which has brought it about; it is told. */
#define FHX__ENDING_UNKNOWN 0u
#define FHX__ENDING_HERE 1u
#define FHX__ENDING_TOLD 2u

struct fhx_job {
  atomic_uint references;
  fhx_source *source;
  /* NULL: that of the job's client, which is not at hand here; see fhx__job_equip. */
  fhx_destination *destination;
  fhx_store *store;
  /* The record as read at the start: id, tenant, client, request, host context, times. */
  fhx__job_entry entry;
  const fhx_job_record *record;
  fhx__definition definition;
  fhx_clock clock;
  int64_t lease_us;
  int64_t settle_us;
  int64_t stall_us;
  /* The host's; NULL for none. */
  fhx_resource_hook_callback resource_hook;
  fhx_attachment_hook_callback attachment_hook;
  void *hook_data;
  uint64_t worker_bytes;
  uint32_t helpers;
  /* Of a piece of an export that another engine divides: what stands in part names for the fence,
     and what shards are counted from there; else 0. */
  uint32_t piece;
  uint64_t attempt;
  atomic_bool parked;
  /* Cancelled, or known to have failed: what still runs of it stops at the next batch. */
  atomic_bool cancelled;
  /* Resources and bytes that running tasks of this object have taken and not yet recorded. */
  atomic_uint_least64_t open_resources;
  atomic_uint_least64_t open_bytes;
  pthread_mutex_t mutex;
  /* Signalled when a task of this object has ended, and by park and cancel. */
  pthread_cond_t changed;
  /* Under the mutex. */
  fhx__runner *runners;
  struct fhx__work *works;
  /* Of a job with a Group, under the mutex until they are there, then only read. */
  fhx__roster *members;
  fhx__roster *new_members;
  /* Of the engine that has the job, and outlives it; NULL: it has none. */
  fhx__watch *watch;
  /* FHX__ENDING_...; and whether any task of it was ever begun, as far as is known here. */
  atomic_uint ending;
  atomic_bool begun;
};

fhx_job *fhx__job_ref(fhx_job *job);
void fhx__job_unref(fhx_job *job);

/* Whether running tasks are to stop at the next batch. */
bool fhx__job_stopping(const fhx_job *job);
/* Sleeps for so long, or until something of the job has changed. */
void fhx__job_pause(fhx_job *job, int64_t duration_us);
/* Wakes every thread that pauses. */
void fhx__job_wake(fhx_job *job);

/*
 * Writes the name of a part: [tenant/]<job>/<label>-<shard>-<fence>-<seq>.ndjson, with .gz behind
 * it if the job's parts are in gzip. Tasks of a job that have the same label have different shard
 * numbers.
 */
#define FHX__ERROR_LABEL "error"
#define FHX__DELETED_LABEL "deleted"
#define FHX__PATIENTS_LABEL "patients"
void fhx__job_part_name(const fhx_job *job, const char *label, uint32_t shard_index, uint64_t fence,
                        uint64_t seq, char name[FHX__PART_NAME_MAX + 1]);
/* The label of what a task of this phase and type writes, for the one that writes and the one that
   sweeps; NULL for the plan's, which writes nothing. */
const char *fhx__job_label(const fhx_job *job, uint32_t phase, const char *resource_type);

#endif
