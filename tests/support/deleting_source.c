/* A source that also tells what was deleted. */
#include "support/deleting_source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/require.h"

#define REPLY_MAX 65536
#define ROWS_MAX 1024

typedef struct cursor {
  test_deleting_source *source;
  const fhx_query *query;
  const test_deletion *rows;
  size_t count;
  size_t position;
  bool of_deletions;
  /* The reply, which must live until the next. */
  char text[REPLY_MAX];
  uint64_t ends[ROWS_MAX];
  int64_t stamps[ROWS_MAX];
} cursor;

static bool is_in_scope(const test_deletion *row, const fhx_query *query) {
  uint32_t scope = fhx_query_scope(query), is_patient = 0;
  if (scope == FHX_SCOPE_ALL) return true;
  if (*row->patient == '\0') return false;
  if (scope == FHX_SCOPE_PATIENTS) return true;
  test_violation_unless(fhx_query_is_patient(query, row->patient, &is_patient, NULL) == FHX_OK,
                        "the patient set cannot be asked");
  return is_patient != 0;
}

static bool is_given(const cursor *at, const test_deletion *row) {
  const uint32_t applied = at->source->applied;
  int64_t since_us = fhx_query_since_us(at->query), until_us = fhx_query_until_us(at->query);
  if ((applied & FHX_APPLIED_TYPE) != 0 &&
      strcmp(row->type, fhx_query_resource_type(at->query)) != 0) {
    return false;
  }
  if (row->at_us != TEST_UNSTAMPED) {
    if ((applied & FHX_APPLIED_SINCE) != 0 && since_us != FHX_TIME_NONE && row->at_us <= since_us) {
      return false;
    }
    if ((applied & FHX_APPLIED_UNTIL) != 0 && until_us != FHX_TIME_NONE && row->at_us >= until_us) {
      return false;
    }
  }
  return (applied & FHX_APPLIED_PATIENTS) == 0 || is_in_scope(row, at->query);
}

static void open_over(test_deleting_source *source, const fhx_query *query, bool of_deletions,
                      fhx_reply *reply) {
  size_t len = 0;
  const char *token = fhx_query_token(query, &len);
  cursor *at = calloc(1, sizeof *at);
  if (at == NULL) abort();
  test_violation_unless(fhx_query_as_of_us(query) == TEST_DELETING_NOW_US, "as of another time");
  at->source = source;
  at->query = query;
  at->of_deletions = of_deletions;
  at->rows = of_deletions ? source->deleted : source->live;
  at->count = of_deletions ? source->deleted_count : source->live_count;
  if (token != NULL && len == sizeof at->position) memcpy(&at->position, token, len);
  if (fhx_reply_handle(reply, at, source->applied) != FHX_OK) free(at);
}

static void open_cursor(void *user_data, const fhx_query *query, fhx_reply *reply) {
  open_over(user_data, query, false, reply);
}

static void open_deleted(void *user_data, const fhx_query *query, fhx_reply *reply) {
  test_deleting_source *source = user_data;
  atomic_fetch_add(&source->opened, 1);
  test_violation_unless(fhx_query_since_us(query) != FHX_TIME_NONE, "deletions of all times");
  test_violation_unless(fhx_query_shard(query, NULL) == NULL, "a shard of deletions");
  if (source->on_open != NULL && source->on_open(source->context, reply)) return;
  open_over(source, query, true, reply);
}

/* Rows that all have a stamp, or none. */
static uint64_t gather(cursor *at) {
  const size_t rows_max = at->source->rows_max == 0 ? ROWS_MAX : at->source->rows_max;
  uint64_t count = 0;
  size_t len = 0;
  for (; at->position < at->count && count < rows_max; at->position++) {
    const test_deletion *row = &at->rows[at->position];
    if (!is_given(at, row)) continue;
    bool is_stamped = row->at_us != TEST_UNSTAMPED;
    size_t row_len = strlen(row->json);
    if (count > 0 && is_stamped != (at->stamps[0] != TEST_UNSTAMPED)) break;
    if (row_len > REPLY_MAX - len) break;
    memcpy(at->text + len, row->json, row_len);
    len += row_len;
    at->stamps[count] = row->at_us;
    at->ends[count++] = len;
  }
  return count;
}

static void next_rows(void *user_data, void *handle, uint64_t want_bytes, fhx_reply *reply) {
  test_deleting_source *source = user_data;
  cursor *at = handle;
  (void)want_bytes;
  if (at->of_deletions) {
    uint64_t number = atomic_fetch_add(&source->replies, 1) + 1;
    if (source->on_next != NULL && source->on_next(source->context, number, reply)) return;
  }
  uint64_t count = gather(at);
  if (count == 0) {
    fhx_reply_end(reply);
    return;
  }
  fhx_reply_rows(reply, at->text, (size_t)at->ends[count - 1], count, at->ends,
                 at->stamps[0] == TEST_UNSTAMPED ? NULL : at->stamps,
                 source->tokens ? &at->position : NULL, source->tokens ? sizeof at->position : 0);
}

static void close_cursor(void *user_data, void *handle) {
  (void)user_data;
  free(handle);
}

static void read_resource(void *user_data, const fhx_query *query, const char *reference,
                          fhx_reply *reply) {
  test_deleting_source *source = user_data;
  if (source->on_read != NULL && source->on_read(source->context, reference, reply)) return;
  test_violation_unless(fhx_query_as_of_us(query) == TEST_DELETING_NOW_US,
                        "read as of another time");
  for (size_t i = 0; i < source->live_count; i++) {
    char name[200];
    snprintf(name, sizeof name, "%s/%s", source->live[i].type, source->live[i].id);
    if (strcmp(name, reference) != 0) continue;
    fhx_reply_item(reply, source->live[i].json, strlen(source->live[i].json));
    fhx_reply_done(reply);
    return;
  }
  fhx_reply_fail(reply, FHX_ERR_NOT_FOUND, 0, "there is no such resource");
}

static void read_clock(void *user_data, fhx_reply *reply) {
  (void)user_data;
  fhx_reply_time(reply, TEST_DELETING_NOW_US, 1000);
}

fhx_source *test_deleting_source_new(test_deleting_source *source) {
  fhx_source *made = NULL;
  fhx_source_callbacks callbacks;
  FHX_INIT(&callbacks);
  callbacks.open_cursor = open_cursor;
  callbacks.next_rows = next_rows;
  callbacks.close_cursor = close_cursor;
  callbacks.read_clock = read_clock;
  if (source->reads) callbacks.read_resource = read_resource;
  if (source->tells_deleted) callbacks.open_deleted = open_deleted;
  fhx_source_new(&callbacks, source, &made, NULL);
  return made;
}
