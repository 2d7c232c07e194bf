/*
 * The plumbing of a source: the handle, and one function for each callback that gives it a fresh
 * reply and judges what it answered.
 */
#include "source/source.h"

#include <stdatomic.h>
#include <string.h>

#include "core/alloc.h"
#include "core/error.h"
#include "core/host_clock.h"
#include "core/names.h"
#include "core/structs.h"

#define DEFAULT_RESOLUTION_US 1000

struct fhx_source {
  fhx_source_callbacks callbacks;
  void *user_data;
  atomic_size_t references;
};

FHX__DEFINE_INIT(fhx_source_callbacks)
FHX__DEFINE_INIT(fhx_sqlite_source_options)
FHX__DEFINE_INIT(fhx_postgres_source_options)

static int32_t check_callbacks(const fhx_source_callbacks *callbacks, fhx_error **error) {
  const char *missing = NULL;
  if (callbacks->open_cursor == NULL) missing = "open_cursor";
  if (callbacks->next_rows == NULL) missing = "next_rows";
  if (callbacks->close_cursor == NULL) missing = "close_cursor";
  if (missing == NULL) return FHX_OK;
  return fhx__fail(error, FHX_ERR_ARGUMENT, "a source needs %s", missing);
}

static int32_t make_source(const fhx_source_callbacks *callbacks, void *user_data,
                           fhx_source **source, fhx_error **error) {
  if (source == NULL) {
    return fhx__fail(error, FHX_ERR_ARGUMENT, "there is no place to store the source in");
  }
  int32_t status = check_callbacks(callbacks, error);
  if (status != FHX_OK) return status;
  fhx_source *made = fhx__alloc_zeroed(1, sizeof *made);
  if (made == NULL) return fhx__no_memory(error);
  made->callbacks = *callbacks;
  made->user_data = user_data;
  atomic_init(&made->references, 1);
  *source = made;
  return FHX_OK;
}

int32_t fhx_source_new(const fhx_source_callbacks *callbacks, void *user_data, fhx_source **source,
                       fhx_error **error) {
  fhx_source_callbacks copy;
  int32_t status = fhx__struct_in(&copy, sizeof copy, callbacks, "fhx_source_callbacks", error);
  if (status != FHX_OK) return status;
  status = make_source(&copy, user_data, source, error);
  if (status != FHX_OK && copy.destroy != NULL) copy.destroy(user_data);
  return status;
}

fhx_source *fhx__source_ref(fhx_source *source) {
  atomic_fetch_add_explicit(&source->references, 1, memory_order_relaxed);
  return source;
}

void fhx_source_free(fhx_source *source) {
  if (source == NULL) return;
  /* What other threads did with the source comes before destroy on this one. */
  if (atomic_fetch_sub_explicit(&source->references, 1, memory_order_acq_rel) != 1) return;
  if (source->callbacks.destroy != NULL) source->callbacks.destroy(source->user_data);
  fhx__free(source);
}

/*
 * A reply as a status and an error. What does not fit the callback is the source's fault and will
 * be so again; silence may be an accident of the host's language, so it is worth another attempt.
 */
static int32_t judge(const fhx_reply *reply, const char *who, fhx_error **error) {
  if (reply->broken && reply->status != FHX_ERR_NO_MEMORY) {
    return fhx__fail(error, FHX_ERR_SOURCE, "%s: %s", who, reply->message);
  }
  if (reply->status == FHX_ERR_NO_ANSWER) {
    return fhx__fail_with(error, FHX_ERR_NO_ANSWER, 1, "%s: %s", who, reply->message);
  }
  return fhx__reply_status(reply, who, error);
}

static int32_t take_cursor(fhx_source *source, fhx_reply *reply, const char *who,
                           fhx__cursor *cursor, fhx_error **error) {
  int32_t status = judge(reply, who, error);
  if (status == FHX_OK) *cursor = (fhx__cursor){source, reply->handle, reply->applied};
  fhx__reply_end(reply);
  return status;
}

/* A source that was told of no searches has applied none, whatever it says. */
int32_t fhx__source_open(fhx_source *source, const fhx_query *query, fhx__cursor *cursor,
                         fhx_error **error) {
  fhx_reply reply;
  *cursor = (fhx__cursor){NULL, NULL, 0};
  fhx__reply_begin(&reply, FHX__ACCEPT_HANDLE, "the callback");
  source->callbacks.open_cursor(source->user_data, query, &reply);
  int32_t status = take_cursor(source, &reply, "the source's open_cursor", cursor, error);
  if ((cursor->applied & FHX_APPLIED_SEARCH) != 0 && fhx_query_search_count(query) == 0) {
    cursor->applied &= ~FHX_APPLIED_SEARCH;
  }
  return status;
}

static int32_t no_callback(const char *name, fhx_error **error) {
  return fhx__fail(error, FHX_ERR_UNSUPPORTED, "the source has no %s", name);
}

int32_t fhx__source_open_deleted(fhx_source *source, const fhx_query *query, fhx__cursor *cursor,
                                 fhx_error **error) {
  fhx_reply reply;
  *cursor = (fhx__cursor){NULL, NULL, 0};
  if (!fhx__source_tells_deleted(source)) return no_callback("open_deleted", error);
  fhx__reply_begin(&reply, FHX__ACCEPT_HANDLE, "the callback");
  source->callbacks.open_deleted(source->user_data, query, &reply);
  int32_t status = take_cursor(source, &reply, "the source's open_deleted", cursor, error);
  cursor->applied &= ~FHX_APPLIED_SEARCH;
  return status;
}

int32_t fhx__source_open_patient(fhx_source *source, const fhx_query *query, const char *patient_id,
                                 fhx__cursor *cursor, fhx_error **error) {
  fhx_reply reply;
  *cursor = (fhx__cursor){NULL, NULL, 0};
  if (!fhx__source_knows_patients(source)) return no_callback("open_patient", error);
  fhx__reply_begin(&reply, FHX__ACCEPT_HANDLE, "the callback");
  source->callbacks.open_patient(source->user_data, query, patient_id, &reply);
  int32_t status = take_cursor(source, &reply, "the source's open_patient", cursor, error);
  cursor->applied &= ~FHX_APPLIED_SEARCH;
  return status;
}

bool fhx__source_tells_deleted(const fhx_source *source) {
  return source->callbacks.open_deleted != NULL;
}

bool fhx__source_knows_patients(const fhx_source *source) {
  return source->callbacks.open_patient != NULL;
}

bool fhx__source_reads_resources(const fhx_source *source) {
  return source->callbacks.read_resource != NULL;
}

int32_t fhx__source_next(fhx__cursor *cursor, uint64_t want_bytes, fhx__rows *rows,
                         int64_t *wait_us, fhx_error **error) {
  fhx_reply reply;
  fhx_source *source = cursor->source;
  fhx__reply_begin(&reply, FHX__ACCEPT_ROWS | FHX__ACCEPT_END | FHX__ACCEPT_WAIT, "the callback");
  source->callbacks.next_rows(source->user_data, cursor->handle, want_bytes, &reply);
  int32_t status = judge(&reply, "the source's next_rows", error);
  if (status == FHX_OK) *rows = reply.rows;
  if (status == FHX_WAIT) *wait_us = reply.wait_us;
  fhx__reply_end(&reply);
  return status;
}

void fhx__source_close(fhx__cursor *cursor) {
  fhx_source *source = cursor->source;
  if (source == NULL) return;
  source->callbacks.close_cursor(source->user_data, cursor->handle);
  *cursor = (fhx__cursor){NULL, NULL, 0};
}

int32_t fhx__source_list_types(fhx_source *source, fhx_reply *reply, fhx_error **error) {
  fhx__reply_begin(reply, FHX__ACCEPT_ITEMS | FHX__ACCEPT_DONE, "the callback");
  if (source->callbacks.list_types == NULL) {
    return fhx__fail(error, FHX_ERR_UNSUPPORTED, "the source cannot list its types");
  }
  source->callbacks.list_types(source->user_data, reply);
  int32_t status = judge(reply, "the source's list_types", error);
  if (status != FHX_OK) return status;
  for (size_t i = 0; i < fhx__reply_item_count(reply); i++) {
    size_t len = 0;
    const char *type = fhx__reply_item_at(reply, i, &len);
    if (fhx__is_type_name(type, len)) continue;
    return fhx__fail(error, FHX_ERR_SOURCE,
                     "the source's list_types: an item has not the form of a type's name");
  }
  return FHX_OK;
}

int32_t fhx__source_list_shards(fhx_source *source, const fhx_query *query, uint32_t count_max,
                                fhx_reply *reply, fhx_error **error) {
  fhx__reply_begin(reply, FHX__ACCEPT_ITEMS | FHX__ACCEPT_DONE, "the callback");
  if (source->callbacks.list_shards == NULL) {
    return fhx__fail(error, FHX_ERR_UNSUPPORTED, "the source cannot divide a type");
  }
  source->callbacks.list_shards(source->user_data, query, count_max, reply);
  int32_t status = judge(reply, "the source's list_shards", error);
  if (status != FHX_OK) return status;
  size_t count = fhx__reply_item_count(reply);
  if (count > count_max) {
    return fhx__fail(error, FHX_ERR_SOURCE,
                     "the source's list_shards: there are more shards than were asked for");
  }
  for (size_t i = 0; i < count; i++) {
    size_t len = 0;
    fhx__reply_item_at(reply, i, &len);
    if (len != 0 && len <= FHX_OPAQUE_MAX) continue;
    return fhx__fail(error, FHX_ERR_SOURCE,
                     "the source's list_shards: a descriptor must have 1 to %d bytes",
                     FHX_OPAQUE_MAX);
  }
  return FHX_OK;
}

/* Whether an item is `Type/id`. */
static bool is_reference(const char *item, size_t len) {
  const char *slash = len == 0 ? NULL : memchr(item, '/', len);
  if (slash == NULL) return false;
  size_t type_len = (size_t)(slash - item);
  return fhx__is_type_name(item, type_len) && fhx__is_id(slash + 1, len - type_len - 1);
}

/* A source that overlooks `after`, or repeats itself, would be asked without end. */
static bool is_behind(const char *item, size_t len, const char *last, size_t last_len) {
  int order = memcmp(item, last, len < last_len ? len : last_len);
  return order > 0 || (order == 0 && len > last_len);
}

int32_t fhx__source_group_members(fhx_source *source, const fhx_query *query, const char *group_id,
                                  const char *after, fhx_reply *reply, fhx_error **error) {
  fhx__reply_begin(reply, FHX__ACCEPT_ITEMS | FHX__ACCEPT_DONE, "the callback");
  if (source->callbacks.group_members == NULL) {
    return fhx__fail(error, FHX_ERR_UNSUPPORTED, "the source cannot list the members of a Group");
  }
  source->callbacks.group_members(source->user_data, query, group_id, after, reply);
  int32_t status = judge(reply, "the source's group_members", error);
  if (status != FHX_OK) return status;
  size_t count = fhx__reply_item_count(reply), last_len = strlen(after);
  const char *last = after;
  for (size_t i = 0; i < count; i++) {
    size_t len = 0;
    const char *item = fhx__reply_item_at(reply, i, &len);
    if (!is_reference(item, len)) {
      return fhx__fail(error, FHX_ERR_SOURCE,
                       "the source's group_members: an item is not of the form Type/id");
    }
    if (!is_behind(item, len, last, last_len)) {
      return fhx__fail(error, FHX_ERR_SOURCE,
                       "the source's group_members: the items are not in ascending order behind "
                       "the last one that was given");
    }
    last = item;
    last_len = len;
  }
  return FHX_OK;
}

int32_t fhx__source_read_resource(fhx_source *source, const fhx_query *query, const char *reference,
                                  fhx_reply *reply, fhx_error **error) {
  fhx__reply_begin(reply, FHX__ACCEPT_ITEMS | FHX__ACCEPT_DONE, "the callback");
  if (source->callbacks.read_resource == NULL) {
    return fhx__fail(error, FHX_ERR_UNSUPPORTED, "the source cannot read a single resource");
  }
  source->callbacks.read_resource(source->user_data, query, reference, reply);
  int32_t status = judge(reply, "the source's read_resource", error);
  if (status == FHX_OK && fhx__reply_item_count(reply) != 1) {
    return fhx__fail(error, FHX_ERR_SOURCE,
                     "the source's read_resource: the answer is not one resource");
  }
  return status;
}

int32_t fhx__source_estimate(fhx_source *source, const fhx_query *query, uint64_t *resource_count,
                             uint64_t *byte_count, fhx_error **error) {
  fhx_reply reply;
  *resource_count = 0;
  *byte_count = 0;
  if (source->callbacks.count_estimate == NULL) return FHX_OK;
  fhx__reply_begin(&reply, FHX__ACCEPT_ESTIMATE, "the callback");
  source->callbacks.count_estimate(source->user_data, query, &reply);
  int32_t status = judge(&reply, "the source's count_estimate", error);
  if (status == FHX_OK) {
    *resource_count = reply.resource_count;
    *byte_count = reply.byte_count;
  }
  fhx__reply_end(&reply);
  return status;
}

int32_t fhx__source_snapshot_ready(fhx_source *source, int64_t as_of_us, int64_t *wait_us,
                                   fhx_error **error) {
  fhx_reply reply;
  if (source->callbacks.snapshot_ready == NULL) {
    return fhx__fail(error, FHX_ERR_UNSUPPORTED, "the source has no snapshot_ready");
  }
  fhx__reply_begin(&reply, FHX__ACCEPT_DONE | FHX__ACCEPT_WAIT, "the callback");
  source->callbacks.snapshot_ready(source->user_data, as_of_us, &reply);
  int32_t status = judge(&reply, "the source's snapshot_ready", error);
  if (status == FHX_WAIT) *wait_us = reply.wait_us;
  fhx__reply_end(&reply);
  return status;
}

int32_t fhx__source_clock(fhx_source *source, const fhx_clock *clock, int64_t *now_us,
                          int64_t *resolution_us, fhx_error **error) {
  fhx_reply reply;
  if (source->callbacks.read_clock == NULL) {
    *now_us = fhx__host_now_us(clock);
    *resolution_us = DEFAULT_RESOLUTION_US;
    return FHX_OK;
  }
  fhx__reply_begin(&reply, FHX__ACCEPT_TIME, "the callback");
  source->callbacks.read_clock(source->user_data, &reply);
  int32_t status = judge(&reply, "the source's read_clock", error);
  if (status == FHX_OK) {
    *now_us = reply.now_us;
    *resolution_us = reply.resolution_us;
  }
  fhx__reply_end(&reply);
  return status;
}
