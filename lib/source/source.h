/* The plumbing of a source: references, and one function for each callback. */
#ifndef FHX__SOURCE_SOURCE_H
#define FHX__SOURCE_SOURCE_H

#include <fhirexport/clock.h>
#include <fhirexport/source.h>

#include "core/reply.h"
#include "select/selection.h"

/* What is asked; everything is borrowed from the caller for the life of the cursor. One thread. */
struct fhx_query {
  const char *resource_type;
  const void *shard;
  size_t shard_len;
  int64_t as_of_us;
  /* Its window, scope and patients are the query's. */
  fhx__selection selection;
  /* Holds the ids that fhx_query_patients gave last; the caller's, of this query alone. */
  fhx__roster_page *page;
  const void *token;
  size_t token_len;
  const char *tenant;
  const void *host_context;
  size_t host_context_len;
};

/* Another reference; returns `source`. */
fhx_source *fhx__source_ref(fhx_source *source);

typedef struct fhx__cursor {
  fhx_source *source;
  void *handle;
  uint32_t applied;
} fhx__cursor;

/* Errors of all functions: "the source's open_cursor: <host's message>", with the host's status and
   retryable mark. A source that answers out of contract fails with FHX_ERR_SOURCE, not retryable;
   one that does not answer with FHX_ERR_NO_ANSWER, retryable. */
int32_t fhx__source_open(fhx_source *source, const fhx_query *query, fhx__cursor *cursor,
                         fhx_error **error);
/* The same over what was deleted, and over one patient's compartment. FHX_ERR_UNSUPPORTED when the
   source has no such callback. */
int32_t fhx__source_open_deleted(fhx_source *source, const fhx_query *query, fhx__cursor *cursor,
                                 fhx_error **error);
int32_t fhx__source_open_patient(fhx_source *source, const fhx_query *query, const char *patient_id,
                                 fhx__cursor *cursor, fhx_error **error);
/* Whether it has these callbacks. */
bool fhx__source_tells_deleted(const fhx_source *source);
bool fhx__source_knows_patients(const fhx_source *source);
bool fhx__source_reads_resources(const fhx_source *source);
/* FHX_OK: *rows is set, borrowed until the next call. FHX_END. FHX_WAIT: *wait_us is set. */
int32_t fhx__source_next(fhx__cursor *cursor, uint64_t want_bytes, fhx__rows *rows,
                         int64_t *wait_us, fhx_error **error);
void fhx__source_close(fhx__cursor *cursor);

/* The lists fill a reply that the caller has not begun and ends with fhx__reply_end whatever the
   status. FHX_ERR_UNSUPPORTED when the source has no such callback. */
int32_t fhx__source_list_types(fhx_source *source, fhx_reply *reply, fhx_error **error);
int32_t fhx__source_list_shards(fhx_source *source, const fhx_query *query, uint32_t count_max,
                                fhx_reply *reply, fhx_error **error);
/* The members of a Group behind `after`, as items. FHX_ERR_NOT_FOUND, FHX_ERR_DENIED. */
int32_t fhx__source_group_members(fhx_source *source, const fhx_query *query, const char *group_id,
                                  const char *after, fhx_reply *reply, fhx_error **error);
/* One item: the resource. `reference` is `Type/id`. FHX_ERR_NOT_FOUND, FHX_ERR_DENIED. */
int32_t fhx__source_read_resource(fhx_source *source, const fhx_query *query, const char *reference,
                                  fhx_reply *reply, fhx_error **error);
/* 0 and 0 where the source cannot say. */
int32_t fhx__source_estimate(fhx_source *source, const fhx_query *query, uint64_t *resource_count,
                             uint64_t *byte_count, fhx_error **error);
/* FHX_OK, FHX_WAIT (*wait_us is set), FHX_ERR_UNSUPPORTED without the callback. */
int32_t fhx__source_snapshot_ready(fhx_source *source, int64_t as_of_us, int64_t *wait_us,
                                   fhx_error **error);
/* The source's clock, or if it has none, this one with a resolution of 1,000 us. */
int32_t fhx__source_clock(fhx_source *source, const fhx_clock *clock, int64_t *now_us,
                          int64_t *resolution_us, fhx_error **error);

#endif
