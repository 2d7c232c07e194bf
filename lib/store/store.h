/* The plumbing of a store: references, records with a life of their own, one function a step. */
#ifndef FHX__STORE_STORE_H
#define FHX__STORE_STORE_H

#include <fhirexport/store.h>

#include "core/buffer.h"
#include "core/part.h"
#include "core/reply.h"

/* Records that own their texts; a zeroed one is empty, and free leaves it so. */
typedef struct fhx__job_entry {
  fhx_job_record record;
  fhx__buffer texts;
} fhx__job_entry;
void fhx__job_entry_free(fhx__job_entry *entry);
/* Entries one behind the other; the buffer is empty and valid again. */
void fhx__job_entries_free(fhx__buffer *entries);
/* Frees those behind the first bytes. */
void fhx__job_entries_cut(fhx__buffer *entries, size_t len);

typedef struct fhx__task_entry {
  fhx_task_record record;
  fhx__buffer texts;
} fhx__task_entry;
void fhx__task_entry_free(fhx__task_entry *entry);

struct fhx_plan {
  const char *job_id;
  uint64_t fence;
  const fhx_task_record *tasks;
  uint32_t task_count;
  uint32_t line_count;
  /* The lines one behind the other, and where each ends. */
  const char *lines;
  const uint64_t *line_ends;
};

struct fhx_members {
  const char *job_id;
  uint32_t task_index;
  uint32_t list;
  uint64_t fence;
  const char *const *texts;
  uint32_t count;
};

struct fhx_checkpoint {
  const char *job_id;
  uint32_t task_index;
  uint32_t done;
  uint64_t fence;
  uint64_t seq;
  uint64_t next_seq;
  const void *token;
  size_t token_len;
  const char *last_id;
  uint64_t resource_count;
  uint64_t byte_count;
  uint64_t error_count;
  const fhx_part *parts;
  uint32_t part_count;
  uint32_t line_count;
  /* The lines one behind the other, and where each ends. */
  const char *lines;
  const uint64_t *line_ends;
};

/* Another reference; returns `store`. */
fhx_store *fhx__store_ref(fhx_store *store);

/* Whether it keeps pages of manifests. */
bool fhx__store_has_pages(const fhx_store *store);

/* How many steps were asked for again since their answers were lost. */
uint64_t fhx__store_answers_lost(const fhx_store *store);

/* Errors of all steps: "the store's claim_task: <message>". FHX_ERR_REFUSED and FHX_ERR_NOT_FOUND,
   and create_job's FHX_ERR_EXISTS and FHX_ERR_LIMIT, are definite; after any other failure of a
   step that changes something, the caller does not know whether it was taken. */
/* *joined is "", or the id of the running job that is good for this request too: then nothing was
   stored. That needs a record with an identity. */
int32_t fhx__store_join_job(fhx_store *store, const fhx_job_record *record,
                            char joined[FHX__JOB_ID_LEN + 1], fhx_error **error);
int32_t fhx__store_read_job(fhx_store *store, const char *job_id, fhx__job_entry *entry,
                            fhx_error **error);
/* FHX_OK: *entry is the task. FHX_WAIT: *wait_us is set. FHX_END. */
int32_t fhx__store_claim_task(fhx_store *store, const char *job_id, const char *claim_id,
                              int64_t lease_us, uint32_t attempts_max, fhx__task_entry *entry,
                              int64_t *wait_us, fhx_error **error);
int32_t fhx__store_renew_task(fhx_store *store, const char *job_id, uint32_t task_index,
                              uint64_t fence, uint64_t last_seq, uint64_t resource_count,
                              int64_t lease_us, fhx_error **error);
int32_t fhx__store_plan_tasks(fhx_store *store, const fhx_plan *plan, fhx_error **error);
int32_t fhx__store_record_checkpoint(fhx_store *store, const fhx_checkpoint *checkpoint,
                                     fhx_error **error);
int32_t fhx__store_release_task(fhx_store *store, const char *job_id, uint32_t task_index,
                                uint64_t fence, uint32_t how, uint32_t attempts_max, int32_t status,
                                const char *reason, fhx_error **error);
int32_t fhx__store_add_members(fhx_store *store, const fhx_members *members, fhx_error **error);
/* Fills a reply that the caller has not begun and ends with fhx__reply_end whatever the status. */
int32_t fhx__store_list_members(fhx_store *store, const char *job_id, uint32_t list,
                                const char *after, uint32_t limit, fhx_reply *members,
                                fhx_error **error);
int32_t fhx__store_read_task(fhx_store *store, const char *job_id, uint32_t task_index,
                             fhx__task_entry *entry, fhx_error **error);
int32_t fhx__store_remove_job(fhx_store *store, const char *job_id, fhx_error **error);
/* The lists append to a buffer: fhx_part, or fhx__attempt, one behind the other. */
typedef struct fhx__attempt {
  uint32_t task_index;
  uint32_t phase;
  uint32_t shard_index;
  uint64_t fence;
  uint64_t first_seq;
  uint64_t last_seq;
  bool finished;
  bool alive;
  char resource_type[FHX__TYPE_MAX + 1];
} fhx__attempt;
int32_t fhx__store_list_parts(fhx_store *store, const char *job_id, uint32_t after_task,
                              uint64_t after_seq, uint32_t limit, fhx__buffer *parts,
                              fhx_error **error);
int32_t fhx__store_list_attempts(fhx_store *store, const char *job_id, uint32_t after_task,
                                 uint64_t after_fence, uint32_t limit, fhx__buffer *attempts,
                                 fhx_error **error);
/* Fills a reply that the caller has not begun and ends with fhx__reply_end whatever the status. */
int32_t fhx__store_list_lines(fhx_store *store, const char *job_id, uint64_t first, uint32_t limit,
                              fhx_reply *lines, fhx_error **error);
/* Without pages both steps fail with FHX_ERR_UNSUPPORTED. */
int32_t fhx__store_add_page(fhx_store *store, const char *job_id, uint32_t page, uint32_t count_max,
                            fhx_error **error);
int32_t fhx__store_list_page(fhx_store *store, const char *job_id, uint32_t page,
                             uint32_t after_task, uint64_t after_seq, uint32_t limit,
                             fhx__buffer *parts, fhx_error **error);
/* Whether the store can hold jobs; without, the step fails with FHX_ERR_UNSUPPORTED. */
bool fhx__store_has_holds(const fhx_store *store);
int32_t fhx__store_hold_job(fhx_store *store, const char *job_id, int64_t hold_us,
                            fhx_error **error);
/* Whether the store can list jobs; without, the step fails with FHX_ERR_UNSUPPORTED. It appends to
   a buffer of fhx__job_entry, to be freed with fhx__job_entries_free; nothing if it fails. */
bool fhx__store_has_job_lists(const fhx_store *store);
int32_t fhx__store_list_jobs(fhx_store *store, uint32_t states, const char *tenant,
                             const char *client, int64_t after_created_us, const char *after_job_id,
                             uint32_t limit, fhx__buffer *jobs, fhx_error **error);
/* FHX_OK: cleaned. FHX_WAIT: *wait_us is set. */
int32_t fhx__store_clean_job(fhx_store *store, const char *job_id, int64_t *wait_us,
                             fhx_error **error);
/* FHX_OK: *job_id is the next job to be cleaned up, greater than `after_job_id` (NULL: the first),
   which may be the same place. FHX_END: there is none; *job_id stays as it was. */
int32_t fhx__store_next_cleanup(fhx_store *store, int64_t keep_us, const char *after_job_id,
                                char job_id[FHX__JOB_ID_LEN + 1], fhx_error **error);

#endif
