/* A source over a short list of resources. */
#include "support/small_source.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

#include "support/require.h"

typedef struct cursor {
  test_small_source *small;
  const fhx_query *query;
  char type[65];
  size_t position;
  /* 'a', 'b', or 0 for the whole. */
  char shard;
  char token[32];
} cursor;

static bool hooked(test_small_source *small, test_small_call call, fhx_reply *reply) {
  uint64_t number = atomic_fetch_add(&small->calls[call], 1) + 1;
  return small->hook != NULL && small->hook(small->hook_context, call, number, reply);
}

static bool is_in_scope(const test_small_row *row, const fhx_query *query) {
  uint32_t scope = fhx_query_scope(query), is_patient = 0;
  if (scope == FHX_SCOPE_ALL) return true;
  if (*row->patient == '\0') return false;
  if (scope == FHX_SCOPE_PATIENTS) return true;
  if (fhx_query_is_patient(query, row->patient, &is_patient, NULL) != FHX_OK) {
    test_violation("the patient set cannot be asked");
  }
  return is_patient != 0;
}

/* --- callbacks --- */

static bool go_to_shard(cursor *at) {
  size_t len = 0;
  const char *shard = fhx_query_shard(at->query, &len);
  if (shard == NULL) return true;
  if (!at->small->shards || len != 1) return false;
  at->shard = *shard;
  return *shard == 'a' || *shard == 'b';
}

static bool go_to_token(cursor *at) {
  size_t len = 0;
  const char *token = fhx_query_token(at->query, &len);
  if (token == NULL) return true;
  if (!at->small->tokens || len == 0 || len >= sizeof at->token) return false;
  memcpy(at->token, token, len);
  at->token[len] = '\0';
  return sscanf(at->token, "row %zu", &at->position) == 1 && at->position <= at->small->row_count;
}

static void open_cursor(void *user_data, const fhx_query *query, fhx_reply *reply) {
  test_small_source *small = user_data;
  const char *type = fhx_query_resource_type(query);
  if (hooked(small, TEST_SMALL_OPEN, reply)) return;
  if (strcmp(type, "Patient") == 0) atomic_fetch_add(&small->patient_cursors, 1);
  if (fhx_query_as_of_us(query) != TEST_SMALL_NOW_US) test_violation("as of another time");
  cursor *at = calloc(1, sizeof *at);
  if (at == NULL) abort();
  at->small = small;
  at->query = query;
  snprintf(at->type, sizeof at->type, "%s", type);
  if (!go_to_shard(at) || !go_to_token(at)) test_violation("a shard or token was changed");
  if (fhx_reply_handle(reply, at, small->applied) != FHX_OK) free(at);
}

/* One of the searches that it is told of, if there are any. */
static bool meets_any(const cursor *at, const test_small_row *row) {
  uint64_t count = fhx_query_search_count(at->query);
  for (uint64_t i = 0; i < count; i++) {
    if (at->small->meets(row, fhx_query_search(at->query, i))) return true;
  }
  return count == 0;
}

static bool is_delivered(const cursor *at, const test_small_row *row) {
  uint32_t applied = at->small->applied;
  int64_t since_us = fhx_query_since_us(at->query);
  bool is_odd = (row - at->small->rows) % 2 != 0;
  if (at->shard != 0 && is_odd != (at->shard == 'b')) return false;
  if ((applied & FHX_APPLIED_TYPE) != 0 && strcmp(row->type, at->type) != 0) return false;
  if ((applied & FHX_APPLIED_SINCE) != 0 && since_us != FHX_TIME_NONE && row->updated_us != 0 &&
      row->updated_us <= since_us) {
    return false;
  }
  if ((applied & FHX_APPLIED_SEARCH) != 0 && !meets_any(at, row)) return false;
  return (applied & FHX_APPLIED_PATIENTS) == 0 || is_in_scope(row, at->query);
}

/* One row at a time; the place behind it is a token, if the source gives any. */
static void next_rows(void *user_data, void *handle, uint64_t want_bytes, fhx_reply *reply) {
  cursor *at = handle;
  (void)want_bytes;
  if (hooked(user_data, TEST_SMALL_NEXT, reply)) return;
  while (at->position < at->small->row_count) {
    const test_small_row *row = &at->small->rows[at->position++];
    if (!is_delivered(at, row)) continue;
    snprintf(at->token, sizeof at->token, "row %zu", at->position);
    fhx_reply_rows(reply, row->json, strlen(row->json), 1, NULL,
                   row->updated_us == 0 ? NULL : &row->updated_us,
                   at->small->tokens ? at->token : NULL, at->small->tokens ? strlen(at->token) : 0);
    return;
  }
  fhx_reply_end(reply);
}

static void close_cursor(void *user_data, void *handle) {
  (void)user_data;
  free(handle);
}

static void read_resource(void *user_data, const fhx_query *query, const char *reference,
                          fhx_reply *reply) {
  test_small_source *small = user_data;
  size_t len = strcspn(reference, "/");
  if (hooked(small, TEST_SMALL_READ, reply)) return;
  if (fhx_query_as_of_us(query) != TEST_SMALL_NOW_US) test_violation("as of another time");
  if (small->denied != NULL && strcmp(small->denied, reference) == 0) {
    fhx_reply_fail(reply, FHX_ERR_DENIED, 0, "not for this client");
    return;
  }
  for (size_t i = 0; i < small->row_count; i++) {
    const test_small_row *row = &small->rows[i];
    if (strlen(row->type) != len || memcmp(row->type, reference, len) != 0) continue;
    if (strcmp(row->id, reference + len + 1) != 0) continue;
    fhx_reply_item(reply, row->json, strlen(row->json));
    fhx_reply_done(reply);
    return;
  }
  fhx_reply_fail(reply, FHX_ERR_NOT_FOUND, 0, "there is no such resource");
}

static void group_members(void *user_data, const fhx_query *query, const char *group_id,
                          const char *after, fhx_reply *reply) {
  test_small_source *small = user_data;
  size_t given = 0;
  (void)query;
  if (hooked(small, TEST_SMALL_MEMBERS, reply)) return;
  for (size_t i = 0; i < small->group_count; i++) {
    const test_small_group *group = &small->groups[i];
    if (strcmp(group->id, group_id) != 0) continue;
    if (group->members == NULL) {
      fhx_reply_fail(reply, FHX_ERR_UNSUPPORTED, 0, "read it");
      return;
    }
    for (size_t k = 0; k < group->count && given < small->page; k++) {
      if (strcmp(group->members[k], after) <= 0) continue;
      fhx_reply_item(reply, group->members[k], strlen(group->members[k]));
      given++;
    }
    fhx_reply_done(reply);
    return;
  }
  fhx_reply_fail(reply, FHX_ERR_NOT_FOUND, 0, "there is no such Group");
}

static void list_types(void *user_data, fhx_reply *reply) {
  static const char *const usual[] = {"Patient", "Observation",  "Group", "Practitioner",
                                      "Device",  "Organization", NULL};
  const test_small_source *small = user_data;
  const char *const *type = small->types == NULL ? usual : small->types;
  for (; *type != NULL; type++) fhx_reply_item(reply, *type, strlen(*type));
  fhx_reply_done(reply);
}

static void list_shards(void *user_data, const fhx_query *query, uint32_t count_max,
                        fhx_reply *reply) {
  (void)user_data;
  (void)query;
  if (count_max >= 2) {
    fhx_reply_item(reply, "a", 1);
    fhx_reply_item(reply, "b", 1);
  }
  fhx_reply_done(reply);
}

/* So much that it is worth while to divide. */
static void count_estimate(void *user_data, const fhx_query *query, fhx_reply *reply) {
  (void)user_data;
  (void)query;
  fhx_reply_estimate(reply, 0, UINT64_C(1) << 40);
}

static void read_clock(void *user_data, fhx_reply *reply) {
  (void)user_data;
  fhx_reply_time(reply, TEST_SMALL_NOW_US, 1000);
}

/* --- the job --- */

fhx_filter *test_small_group_filter(void) {
  static const char *const types[] = {"Patient", "Observation", "Practitioner"};
  fhx_filter *filter = NULL;
  int32_t status = fhx_filter_new(&filter, NULL);
  if (status == FHX_OK) status = fhx_filter_set_group(filter, "g", NULL);
  for (size_t i = 0; status == FHX_OK && i < sizeof types / sizeof types[0]; i++) {
    status = fhx_filter_add_type(filter, types[i], NULL);
  }
  if (status == FHX_OK) return filter;
  test_require_status(status, FHX_ERR_NO_MEMORY);
  fhx_filter_free(filter);
  return NULL;
}

void test_small_prepare(test_small_job *of, test_small_source *small) {
  const test_destination_knobs knobs = {.flags = 0};
  fhx_source_callbacks callbacks;
  memset(of, 0, sizeof *of);
  of->small = small;
  FHX_INIT(&callbacks);
  callbacks.open_cursor = open_cursor;
  callbacks.next_rows = next_rows;
  callbacks.close_cursor = close_cursor;
  if (!small->hides_types) callbacks.list_types = list_types;
  callbacks.read_clock = read_clock;
  if (small->shards) {
    callbacks.list_shards = list_shards;
    callbacks.count_estimate = count_estimate;
  }
  if (small->reads) callbacks.read_resource = read_resource;
  if (small->lists_members) callbacks.group_members = group_members;
  if (small->page == 0) small->page = 2;
  FHX_INIT(&of->options);
  fhx_source_new(&callbacks, small, &of->options.source, NULL);
  of->destination = test_destination_new(&knobs, &of->options.destination);
  of->options.settle_us = -1;
  of->options.attempts_max = 3;
}

static void note(test_small_job *of, fhx_error *error) {
  snprintf(of->message, sizeof of->message, "%s", fhx_error_message(error));
  fhx_error_free(error);
}

void test_small_start(test_small_job *of, fhx_filter *filter) {
  fhx_error *error = NULL;
  of->options.filter = filter;
  of->status = fhx_job_start(&of->options, &of->job, &error);
  of->options.filter = NULL;
  note(of, error);
  fhx_filter_free(filter);
}

void test_small_run(test_small_job *of) {
  fhx_error *error = NULL;
  if (of->job == NULL) return;
  of->status = fhx_job_run(of->job, &error);
  note(of, error);
}

/* --- what came of it --- */

static int compare_texts(const void *a, const void *b) {
  return strcmp(*(char *const *)a, *(char *const *)b);
}

/* `Type/id` of a compact line that begins with these. */
static char *name_of(const char *line) {
  static const char head[] = "{\"resourceType\":\"", middle[] = "\",\"id\":\"";
  char *name = calloc(1, 200);
  test_require(name != NULL && strncmp(line, head, sizeof head - 1) == 0);
  const char *type = line + sizeof head - 1;
  size_t type_len = strcspn(type, "\"");
  const char *id = type + type_len + sizeof middle - 1;
  test_require(strncmp(type + type_len, middle, sizeof middle - 1) == 0);
  snprintf(name, 200, "%.*s/%.*s", (int)type_len, type, (int)strcspn(id, "\""), id);
  return name;
}

static void take_names(const test_object *object, char **names, size_t *count) {
  const char *at = (const char *)object->data, *end = at + object->len;
  while (at < end) {
    const char *line_end = memchr(at, '\n', (size_t)(end - at));
    test_require(line_end != NULL && *count < 1000);
    names[(*count)++] = name_of(at);
    at = line_end + 1;
  }
}

void test_small_check(test_small_job *of, const char *output) {
  char *names[1000];
  char all[20000] = "";
  size_t count = 0;
  if (of->status != FHX_OK) test_scenario("%s", of->message);
  test_require_status(of->status, FHX_OK);
  test_objects objects = test_destination_objects(of->destination);
  for (size_t i = 0; i < objects.count; i++) {
    if (strstr(objects.items[i].name, "/error-") == NULL) {
      take_names(&objects.items[i], names, &count);
    }
  }
  qsort(names, count, sizeof names[0], compare_texts);
  for (size_t i = 0; i < count; i++) {
    size_t len = strlen(all);
    snprintf(all + len, sizeof all - len, "%s%s", len == 0 ? "" : " ", names[i]);
    free(names[i]);
  }
  assert_string_equal(all, output);
}

size_t test_small_lines(test_small_job *of, const char *text, bool *found) {
  test_objects objects = test_destination_objects(of->destination);
  size_t count = 0;
  *found = false;
  for (size_t i = 0; i < objects.count; i++) {
    const test_object *object = &objects.items[i];
    if (strstr(object->name, "/error-") == NULL) continue;
    char *copy = calloc(1, object->len + 1);
    test_require(copy != NULL);
    memcpy(copy, object->data, object->len);
    *found = *found || strstr(copy, text) != NULL;
    free(copy);
    for (size_t k = 0; k < object->len; k++) count += object->data[k] == '\n' ? 1 : 0;
  }
  return count;
}

void test_small_check_failed(test_small_job *of, const char *reason) {
  test_require_status(of->status, FHX_ERR_JOB_FAILED);
  if (strstr(of->message, reason) == NULL) assert_string_equal(of->message, reason);
  test_require(test_destination_objects(of->destination).count == 0);
}

void test_small_end(test_small_job *of) {
  fhx_job_free(of->job);
  fhx_source_free(of->options.source);
  fhx_destination_free(of->options.destination);
  test_destination_end(of->destination);
  test_require_sound();
}
