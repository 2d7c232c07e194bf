/* The plumbing of a source: what each answer of a callback, and each silence, becomes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

#include "source/source.h"
#include "support/memory.h"

/* A source whose callbacks answer as the test says. */
typedef struct host {
  void (*answer)(fhx_reply *reply);
  int opened;
  int closed;
  int destroyed;
  void *closed_handle;
  uint64_t want_bytes;
  uint32_t count_max;
  int64_t as_of_us;
  const fhx_query *query;
  const char *after;
} host;

static char cursor_place;

static void open_cursor(void *user_data, const fhx_query *query, fhx_reply *reply) {
  host *self = user_data;
  self->opened++;
  self->query = query;
  self->answer(reply);
}

static void next_rows(void *user_data, void *cursor, uint64_t want_bytes, fhx_reply *reply) {
  host *self = user_data;
  assert_ptr_equal(cursor, &cursor_place);
  self->want_bytes = want_bytes;
  self->answer(reply);
}

static void close_cursor(void *user_data, void *cursor) {
  host *self = user_data;
  self->closed++;
  self->closed_handle = cursor;
}

static void list_shards(void *user_data, const fhx_query *query, uint32_t count_max,
                        fhx_reply *reply) {
  host *self = user_data;
  self->query = query;
  self->count_max = count_max;
  self->answer(reply);
}

static void read_resource(void *user_data, const fhx_query *query, const char *reference,
                          fhx_reply *reply) {
  host *self = user_data;
  self->query = query;
  assert_string_equal(reference, "Patient/a");
  self->answer(reply);
}

static void group_members(void *user_data, const fhx_query *query, const char *group_id,
                          const char *after, fhx_reply *reply) {
  host *self = user_data;
  self->query = query;
  self->after = after;
  assert_string_equal(group_id, "g");
  self->answer(reply);
}

static void list_types(void *user_data, fhx_reply *reply) {
  ((host *)user_data)->answer(reply);
}

static void count_estimate(void *user_data, const fhx_query *query, fhx_reply *reply) {
  host *self = user_data;
  self->query = query;
  self->answer(reply);
}

static void snapshot_ready(void *user_data, int64_t as_of_us, fhx_reply *reply) {
  host *self = user_data;
  self->as_of_us = as_of_us;
  self->answer(reply);
}

static void read_clock(void *user_data, fhx_reply *reply) {
  ((host *)user_data)->answer(reply);
}

static void destroy(void *user_data) {
  ((host *)user_data)->destroyed++;
}

static fhx_source_callbacks needed_callbacks(void) {
  fhx_source_callbacks callbacks;
  FHX_INIT(&callbacks);
  callbacks.open_cursor = open_cursor;
  callbacks.next_rows = next_rows;
  callbacks.close_cursor = close_cursor;
  callbacks.destroy = destroy;
  return callbacks;
}

static fhx_source *new_source(host *self) {
  fhx_source_callbacks callbacks = needed_callbacks();
  fhx_source *source = NULL;
  callbacks.list_shards = list_shards;
  callbacks.read_resource = read_resource;
  callbacks.group_members = group_members;
  callbacks.list_types = list_types;
  callbacks.count_estimate = count_estimate;
  callbacks.snapshot_ready = snapshot_ready;
  callbacks.read_clock = read_clock;
  assert_int_equal(fhx_source_new(&callbacks, self, &source, NULL), FHX_OK);
  return source;
}

/* --- answers --- */

static void say_nothing(fhx_reply *reply) {
  (void)reply;
}

static void say_busy(fhx_reply *reply) {
  fhx_reply_fail(reply, FHX_ERR_IO, 1, "the disk is busy");
}

static void say_handle(fhx_reply *reply) {
  fhx_reply_handle(reply, &cursor_place, FHX_APPLIED_TYPE | FHX_APPLIED_SINCE);
}

static void say_handle_then_fail(fhx_reply *reply) {
  say_handle(reply);
  say_busy(reply);
}

static void say_rows(fhx_reply *reply) {
  static const uint64_t ends[] = {2, 4};
  static const int64_t updated[] = {7, 8};
  fhx_reply_rows(reply, "{}{}", 4, 2, ends, updated, "tok", 3);
}

static void say_bad_rows(fhx_reply *reply) {
  static const uint64_t ends[] = {4, 2};
  fhx_reply_rows(reply, "{}{}", 4, 2, ends, NULL, "tok", 3);
}

static void say_long_token(fhx_reply *reply) {
  static const char token[FHX_TOKEN_MAX + 1];
  fhx_reply_rows(reply, "{}", 2, 1, NULL, NULL, token, sizeof token);
}

static void say_wait(fhx_reply *reply) {
  fhx_reply_wait(reply, 250);
}

static void say_end(fhx_reply *reply) {
  fhx_reply_end(reply);
}

static void say_done(fhx_reply *reply) {
  fhx_reply_done(reply);
}

static void say_two_items(fhx_reply *reply) {
  fhx_reply_item(reply, "Patient", 7);
  fhx_reply_item(reply, "Encounter", 9);
  fhx_reply_done(reply);
}

static void say_one_item(fhx_reply *reply) {
  fhx_reply_item(reply, "{}", 2);
  fhx_reply_done(reply);
}

static void say_unfinished(fhx_reply *reply) {
  fhx_reply_item(reply, "Patient", 7);
}

static void say_empty_item(fhx_reply *reply) {
  fhx_reply_item(reply, NULL, 0);
  fhx_reply_done(reply);
}

static void say_long_item(fhx_reply *reply) {
  static const char item[FHX_OPAQUE_MAX + 1];
  fhx_reply_item(reply, item, sizeof item);
  fhx_reply_done(reply);
}

static void say_estimate(fhx_reply *reply) {
  fhx_reply_estimate(reply, 12, 3456);
}

static void say_time(fhx_reply *reply) {
  fhx_reply_time(reply, 1000, 10);
}

static void say_not_found(fhx_reply *reply) {
  fhx_reply_fail(reply, FHX_ERR_NOT_FOUND, 0, "no such thing");
}

static void say_denied(fhx_reply *reply) {
  fhx_reply_fail(reply, FHX_ERR_DENIED, 0, "not for you");
}

static void say_unsupported(fhx_reply *reply) {
  fhx_reply_fail(reply, FHX_ERR_UNSUPPORTED, 0, "not this one");
}

static void say_item(fhx_reply *reply, const char *item) {
  fhx_reply_item(reply, item, strlen(item));
}

static void say_members(fhx_reply *reply) {
  say_item(reply, "Device/z");
  say_item(reply, "Group/g");
  say_item(reply, "Patient/a");
  say_item(reply, "Patient/a-1");
  say_item(reply, "Patient/b");
  fhx_reply_done(reply);
}

static void say_member_twice(fhx_reply *reply) {
  say_item(reply, "Patient/b");
  say_item(reply, "Patient/b");
  fhx_reply_done(reply);
}

static void say_members_backwards(fhx_reply *reply) {
  say_item(reply, "Patient/ab");
  say_item(reply, "Patient/a");
  fhx_reply_done(reply);
}

static void say_bare_id(fhx_reply *reply) {
  say_item(reply, "a");
  fhx_reply_done(reply);
}

static void say_version(fhx_reply *reply) {
  say_item(reply, "Patient/a/_history/1");
  fhx_reply_done(reply);
}

static void say_type_alone(fhx_reply *reply) {
  say_item(reply, "Patient/");
  fhx_reply_done(reply);
}

static void say_url(fhx_reply *reply) {
  say_item(reply, "https://h/Patient/a");
  fhx_reply_done(reply);
}

/* --- checks --- */

static void check_error(fhx_error *error, int32_t status, uint32_t retryable, const char *message) {
  assert_int_equal(fhx_error_status(error), status);
  assert_int_equal(fhx_error_retryable(error), retryable);
  assert_string_equal(fhx_error_message(error), message);
  fhx_error_free(error);
}

static int32_t open_patients(fhx_source *source, fhx__cursor *cursor, fhx_error **error) {
  static const fhx_query query = {.resource_type = "Patient"};
  return fhx__source_open(source, &query, cursor, error);
}

static void test_references(void **state) {
  (void)state;
  host self = {.answer = say_nothing};
  fhx_source *source = new_source(&self);
  assert_ptr_equal(fhx__source_ref(source), source);
  fhx_source_free(source);
  assert_int_equal(self.destroyed, 0);
  fhx_source_free(source);
  assert_int_equal(self.destroyed, 1);
  fhx_source_free(NULL);
}

static void test_needed_callbacks(void **state) {
  (void)state;
  for (int missing = 0; missing < 3; missing++) {
    static const char *const messages[] = {"a source needs open_cursor", "a source needs next_rows",
                                           "a source needs close_cursor"};
    host self = {.answer = say_nothing};
    fhx_source_callbacks callbacks = needed_callbacks();
    fhx_source *source = NULL;
    fhx_error *error = NULL;
    if (missing == 0) callbacks.open_cursor = NULL;
    if (missing == 1) callbacks.next_rows = NULL;
    if (missing == 2) callbacks.close_cursor = NULL;
    assert_int_equal(fhx_source_new(&callbacks, &self, &source, &error), FHX_ERR_ARGUMENT);
    check_error(error, FHX_ERR_ARGUMENT, 0, messages[missing]);
    assert_null(source);
    assert_int_equal(self.destroyed, 1);
  }
}

static void test_new_without_a_place(void **state) {
  (void)state;
  host self = {.answer = say_nothing};
  fhx_source_callbacks callbacks = needed_callbacks();
  assert_int_equal(fhx_source_new(&callbacks, &self, NULL, NULL), FHX_ERR_ARGUMENT);
  assert_int_equal(self.destroyed, 1);
}

static void test_new_with_unreadable_callbacks(void **state) {
  (void)state;
  host self = {.answer = say_nothing};
  fhx_source *source = NULL;
  fhx_source_callbacks callbacks = needed_callbacks();
  callbacks.size = 0;
  assert_int_equal(fhx_source_new(&callbacks, &self, &source, NULL), FHX_ERR_STRUCT_SIZE);
  assert_int_equal(fhx_source_new(NULL, &self, &source, NULL), FHX_ERR_ARGUMENT);
  assert_int_equal(self.destroyed, 0);
  assert_null(source);
}

/* A host built against an older header, whose structure ended behind close_cursor. */
static void test_new_with_older_structure(void **state) {
  (void)state;
  host self = {.answer = say_nothing};
  fhx_source *source = NULL;
  fhx_source_callbacks callbacks = needed_callbacks();
  callbacks.size = (uint32_t)offsetof(fhx_source_callbacks, list_shards);
  assert_int_equal(fhx_source_new(&callbacks, &self, &source, NULL), FHX_OK);
  fhx_source_free(source);
  assert_int_equal(self.destroyed, 0);
}

static void test_new_without_memory(void **state) {
  (void)state;
  host self = {.answer = say_nothing};
  fhx_source *source = NULL;
  fhx_error *error = NULL;
  fhx_source_callbacks callbacks = needed_callbacks();
  test_memory_begin(1);
  assert_int_equal(fhx_source_new(&callbacks, &self, &source, &error), FHX_ERR_NO_MEMORY);
  check_error(error, FHX_ERR_NO_MEMORY, 1, "out of memory");
  assert_int_equal(self.destroyed, 1);
  assert_true(test_memory_end());
}

static void test_cursor(void **state) {
  (void)state;
  host self = {.answer = say_handle};
  fhx__cursor cursor = {NULL, NULL, 0};
  fhx__rows rows;
  int64_t wait_us = 0;
  fhx_source *source = new_source(&self);
  assert_int_equal(open_patients(source, &cursor, NULL), FHX_OK);
  assert_string_equal(fhx_query_resource_type(self.query), "Patient");
  assert_int_equal(cursor.applied, FHX_APPLIED_TYPE | FHX_APPLIED_SINCE);

  self.answer = say_rows;
  assert_int_equal(fhx__source_next(&cursor, 4321, &rows, &wait_us, NULL), FHX_OK);
  assert_int_equal(self.want_bytes, 4321);
  assert_int_equal(rows.row_count, 2);
  assert_memory_equal(rows.data, "{}{}", 4);
  assert_int_equal(rows.row_ends[1], 4);
  assert_int_equal(rows.row_updated_us[1], 8);
  assert_memory_equal(rows.token, "tok", rows.token_len);

  self.answer = say_wait;
  assert_int_equal(fhx__source_next(&cursor, 1, &rows, &wait_us, NULL), FHX_WAIT);
  assert_int_equal(wait_us, 250);
  self.answer = say_end;
  assert_int_equal(fhx__source_next(&cursor, 1, &rows, &wait_us, NULL), FHX_END);

  fhx__source_close(&cursor);
  assert_ptr_equal(self.closed_handle, &cursor_place);
  fhx__source_close(&cursor);
  assert_int_equal(self.closed, 1);
  fhx_source_free(source);
}

static void test_open_failures(void **state) {
  (void)state;
  static const struct {
    void (*answer)(fhx_reply *reply);
    int32_t status;
    uint32_t retryable;
    const char *message;
  } cases[] = {
      {say_nothing, FHX_ERR_NO_ANSWER, 1,
       "the source's open_cursor: the callback returned without an answer"},
      {say_busy, FHX_ERR_IO, 1, "the source's open_cursor: the disk is busy"},
      {say_handle_then_fail, FHX_ERR_IO, 1, "the source's open_cursor: the disk is busy"},
      {say_rows, FHX_ERR_SOURCE, 0,
       "the source's open_cursor: the callback gave an answer that does not fit it"},
      {say_done, FHX_ERR_SOURCE, 0,
       "the source's open_cursor: the callback gave an answer that does not fit it"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    host self = {.answer = cases[i].answer};
    fhx__cursor cursor = {NULL, &self, 7};
    fhx_error *error = NULL;
    fhx_source *source = new_source(&self);
    assert_int_equal(open_patients(source, &cursor, &error), cases[i].status);
    check_error(error, cases[i].status, cases[i].retryable, cases[i].message);
    /* Nothing was opened, so nothing is closed. */
    fhx__source_close(&cursor);
    assert_int_equal(self.closed, 0);
    fhx_source_free(source);
  }
}

static void test_next_failures(void **state) {
  (void)state;
  static const struct {
    void (*answer)(fhx_reply *reply);
    int32_t status;
    uint32_t retryable;
    const char *message;
  } cases[] = {
      {say_nothing, FHX_ERR_NO_ANSWER, 1,
       "the source's next_rows: the callback returned without an answer"},
      {say_busy, FHX_ERR_IO, 1, "the source's next_rows: the disk is busy"},
      {say_bad_rows, FHX_ERR_SOURCE, 0,
       "the source's next_rows: row_ends go backwards or beyond the data"},
      {say_long_token, FHX_ERR_SOURCE, 0,
       "the source's next_rows: the token is longer than FHX_TOKEN_MAX"},
      {say_handle, FHX_ERR_SOURCE, 0,
       "the source's next_rows: the callback gave an answer that does not fit it"},
      {say_done, FHX_ERR_SOURCE, 0,
       "the source's next_rows: the callback gave an answer that does not fit it"},
  };
  host self = {.answer = say_handle};
  fhx_source *source = new_source(&self);
  fhx__cursor cursor;
  assert_int_equal(open_patients(source, &cursor, NULL), FHX_OK);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    fhx__rows rows;
    int64_t wait_us = 0;
    fhx_error *error = NULL;
    self.answer = cases[i].answer;
    assert_int_equal(fhx__source_next(&cursor, 1, &rows, &wait_us, &error), cases[i].status);
    check_error(error, cases[i].status, cases[i].retryable, cases[i].message);
  }
  fhx__source_close(&cursor);
  assert_int_equal(self.closed, 1);
  fhx_source_free(source);
}

static int32_t types_with(void (*answer)(fhx_reply *reply), size_t *count, fhx_error **error) {
  host self = {.answer = answer};
  fhx_source *source = new_source(&self);
  fhx_reply reply;
  int32_t status = fhx__source_list_types(source, &reply, error);
  *count = fhx__reply_item_count(&reply);
  fhx__reply_end(&reply);
  fhx_source_free(source);
  return status;
}

static void test_list_types(void **state) {
  (void)state;
  size_t count = 0;
  fhx_error *error = NULL;
  assert_int_equal(types_with(say_two_items, &count, NULL), FHX_OK);
  assert_int_equal(count, 2);
  assert_int_equal(types_with(say_done, &count, NULL), FHX_OK);
  assert_int_equal(count, 0);
  assert_int_equal(types_with(say_unfinished, &count, &error), FHX_ERR_NO_ANSWER);
  check_error(error, FHX_ERR_NO_ANSWER, 1,
              "the source's list_types: the callback did not finish its list");
  error = NULL;
  assert_int_equal(types_with(say_one_item, &count, &error), FHX_ERR_SOURCE);
  check_error(error, FHX_ERR_SOURCE, 0,
              "the source's list_types: an item has not the form of a type's name");
  error = NULL;
  assert_int_equal(types_with(say_nothing, &count, &error), FHX_ERR_NO_ANSWER);
  fhx_error_free(error);
}

static int32_t shards_with(void (*answer)(fhx_reply *reply), uint32_t count_max, size_t *count,
                           fhx_error **error) {
  static const fhx_query query = {.resource_type = "Patient"};
  host self = {.answer = answer};
  fhx_source *source = new_source(&self);
  fhx_reply reply;
  int32_t status = fhx__source_list_shards(source, &query, count_max, &reply, error);
  assert_int_equal(self.count_max, count_max);
  assert_ptr_equal(self.query, &query);
  *count = fhx__reply_item_count(&reply);
  fhx__reply_end(&reply);
  fhx_source_free(source);
  return status;
}

static void test_list_shards(void **state) {
  (void)state;
  size_t count = 0;
  fhx_error *error = NULL;
  assert_int_equal(shards_with(say_two_items, 2, &count, NULL), FHX_OK);
  assert_int_equal(count, 2);
  assert_int_equal(shards_with(say_two_items, 1, &count, &error), FHX_ERR_SOURCE);
  check_error(error, FHX_ERR_SOURCE, 0,
              "the source's list_shards: there are more shards than were asked for");
  error = NULL;
  assert_int_equal(shards_with(say_empty_item, 4, &count, &error), FHX_ERR_SOURCE);
  check_error(error, FHX_ERR_SOURCE, 0,
              "the source's list_shards: a descriptor must have 1 to 4096 bytes");
  assert_int_equal(shards_with(say_long_item, 4, &count, NULL), FHX_ERR_SOURCE);
  assert_int_equal(shards_with(say_unfinished, 4, &count, NULL), FHX_ERR_NO_ANSWER);
}

static void test_read_resource(void **state) {
  (void)state;
  static const fhx_query query = {.resource_type = "Patient"};
  static const struct {
    void (*answer)(fhx_reply *reply);
    int32_t status;
  } cases[] = {
      {say_one_item, FHX_OK},           {say_not_found, FHX_ERR_NOT_FOUND},
      {say_two_items, FHX_ERR_SOURCE},  {say_done, FHX_ERR_SOURCE},
      {say_nothing, FHX_ERR_NO_ANSWER}, {say_unfinished, FHX_ERR_NO_ANSWER},
      {say_denied, FHX_ERR_DENIED},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    host self = {.answer = cases[i].answer};
    fhx_source *source = new_source(&self);
    fhx_reply reply;
    assert_int_equal(fhx__source_read_resource(source, &query, "Patient/a", &reply, NULL),
                     cases[i].status);
    fhx__reply_end(&reply);
    fhx_source_free(source);
  }
}

static int32_t members_with(void (*answer)(fhx_reply *reply), const char *after, size_t *count,
                            fhx_error **error) {
  static const fhx_query query = {.resource_type = "Group"};
  host self = {.answer = answer};
  fhx_source *source = new_source(&self);
  fhx_reply reply;
  int32_t status = fhx__source_group_members(source, &query, "g", after, &reply, error);
  assert_ptr_equal(self.query, &query);
  assert_string_equal(self.after, after);
  *count = fhx__reply_item_count(&reply);
  fhx__reply_end(&reply);
  fhx_source_free(source);
  return status;
}

static void test_group_members(void **state) {
  (void)state;
  size_t count = 9;
  fhx_error *error = NULL;
  assert_int_equal(members_with(say_members, "", &count, NULL), FHX_OK);
  assert_int_equal(count, 5);
  assert_int_equal(members_with(say_members, "Device/y", &count, NULL), FHX_OK);
  assert_int_equal(members_with(say_members, "Device/", &count, NULL), FHX_OK);
  assert_int_equal(members_with(say_done, "Patient/b", &count, NULL), FHX_OK);
  assert_int_equal(count, 0);
  /* What the source says of the client and of the Group comes through as it is. */
  assert_int_equal(members_with(say_denied, "", &count, &error), FHX_ERR_DENIED);
  check_error(error, FHX_ERR_DENIED, 0, "the source's group_members: not for you");
  error = NULL;
  assert_int_equal(members_with(say_unsupported, "", &count, &error), FHX_ERR_UNSUPPORTED);
  check_error(error, FHX_ERR_UNSUPPORTED, 0, "the source's group_members: not this one");
  assert_int_equal(members_with(say_not_found, "", &count, NULL), FHX_ERR_NOT_FOUND);
  assert_int_equal(members_with(say_nothing, "", &count, NULL), FHX_ERR_NO_ANSWER);
  assert_int_equal(members_with(say_unfinished, "", &count, NULL), FHX_ERR_NO_ANSWER);
  assert_int_equal(members_with(say_rows, "", &count, NULL), FHX_ERR_SOURCE);
}

/* A page that does not go on behind the last one would be asked for again for ever. */
static void test_group_members_out_of_order(void **state) {
  (void)state;
  static const struct {
    void (*answer)(fhx_reply *reply);
    const char *after;
  } cases[] = {
      {say_members, "Device/z"},   {say_members, "Device/zz"}, {say_members, "Patient/b"},
      {say_members_backwards, ""}, {say_member_twice, ""},
  };
  static void (*const malformed[])(fhx_reply * reply) = {
      say_bare_id, say_version, say_type_alone, say_url, say_empty_item, say_one_item};
  size_t count = 0;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    fhx_error *error = NULL;
    assert_int_equal(members_with(cases[i].answer, cases[i].after, &count, &error), FHX_ERR_SOURCE);
    check_error(error, FHX_ERR_SOURCE, 0,
                "the source's group_members: the items are not in ascending order behind the last "
                "one that was given");
  }
  for (size_t i = 0; i < sizeof malformed / sizeof *malformed; i++) {
    fhx_error *error = NULL;
    assert_int_equal(members_with(malformed[i], "", &count, &error), FHX_ERR_SOURCE);
    check_error(error, FHX_ERR_SOURCE, 0,
                "the source's group_members: an item is not of the form Type/id");
  }
}

static void test_estimate(void **state) {
  (void)state;
  host self = {.answer = say_estimate};
  uint64_t count = 0, bytes = 0;
  fhx_source *source = new_source(&self);
  assert_int_equal(fhx__source_estimate(source, NULL, &count, &bytes, NULL), FHX_OK);
  assert_int_equal(count, 12);
  assert_int_equal(bytes, 3456);
  self.answer = say_nothing;
  assert_int_equal(fhx__source_estimate(source, NULL, &count, &bytes, NULL), FHX_ERR_NO_ANSWER);
  assert_int_equal(count, 0);
  assert_int_equal(bytes, 0);
  fhx_source_free(source);
}

static void test_snapshot_ready(void **state) {
  (void)state;
  host self = {.answer = say_done};
  int64_t wait_us = 0;
  fhx_source *source = new_source(&self);
  assert_int_equal(fhx__source_snapshot_ready(source, 99, &wait_us, NULL), FHX_OK);
  assert_int_equal(self.as_of_us, 99);
  self.answer = say_wait;
  assert_int_equal(fhx__source_snapshot_ready(source, 99, &wait_us, NULL), FHX_WAIT);
  assert_int_equal(wait_us, 250);
  self.answer = say_nothing;
  assert_int_equal(fhx__source_snapshot_ready(source, 99, &wait_us, NULL), FHX_ERR_NO_ANSWER);
  fhx_source_free(source);
}

static void test_clock(void **state) {
  (void)state;
  host self = {.answer = say_time};
  int64_t now_us = 0, resolution_us = 0;
  fhx_source *source = new_source(&self);
  assert_int_equal(fhx__source_clock(source, &(fhx_clock){0}, &now_us, &resolution_us, NULL),
                   FHX_OK);
  assert_int_equal(now_us, 1000);
  assert_int_equal(resolution_us, 10);
  self.answer = say_nothing;
  assert_int_equal(fhx__source_clock(source, &(fhx_clock){0}, &now_us, &resolution_us, NULL),
                   FHX_ERR_NO_ANSWER);
  fhx_source_free(source);
}

/* What a source does without its optional callbacks. */
static void test_without_optional_callbacks(void **state) {
  (void)state;
  host self = {.answer = say_nothing};
  fhx_source_callbacks callbacks = needed_callbacks();
  fhx_source *source = NULL;
  fhx_reply reply;
  fhx_error *error = NULL;
  uint64_t count = 1, bytes = 1;
  int64_t now_us = 0, resolution_us = 0, wait_us = 0;
  assert_int_equal(fhx_source_new(&callbacks, &self, &source, NULL), FHX_OK);
  assert_int_equal(fhx__source_list_types(source, &reply, &error), FHX_ERR_UNSUPPORTED);
  check_error(error, FHX_ERR_UNSUPPORTED, 0, "the source cannot list its types");
  fhx__reply_end(&reply);
  assert_int_equal(fhx__source_list_shards(source, NULL, 4, &reply, NULL), FHX_ERR_UNSUPPORTED);
  fhx__reply_end(&reply);
  assert_int_equal(fhx__source_read_resource(source, NULL, "Patient/a", &reply, NULL),
                   FHX_ERR_UNSUPPORTED);
  fhx__reply_end(&reply);
  error = NULL;
  assert_int_equal(fhx__source_group_members(source, NULL, "g", "", &reply, &error),
                   FHX_ERR_UNSUPPORTED);
  check_error(error, FHX_ERR_UNSUPPORTED, 0, "the source cannot list the members of a Group");
  fhx__reply_end(&reply);
  assert_int_equal(fhx__source_snapshot_ready(source, 0, &wait_us, NULL), FHX_ERR_UNSUPPORTED);
  assert_int_equal(fhx__source_estimate(source, NULL, &count, &bytes, NULL), FHX_OK);
  assert_int_equal(count + bytes, 0);
  assert_int_equal(fhx__source_clock(source, &(fhx_clock){0}, &now_us, &resolution_us, NULL),
                   FHX_OK);
  assert_true(now_us > INT64_C(1700000000000000));
  assert_int_equal(resolution_us, 1000);
  fhx_source_free(source);
  assert_int_equal(self.destroyed, 1);
}

/* An item that could not be kept is no silence of the host, and may pass. */
static void test_list_without_memory(void **state) {
  (void)state;
  for (uint64_t fail_at = 2;; fail_at++) {
    size_t count = 0;
    fhx_error *error = NULL;
    test_memory_begin(fail_at);
    int32_t status = types_with(say_two_items, &count, &error);
    if (status != FHX_OK) {
      assert_int_equal(status, FHX_ERR_NO_MEMORY);
      assert_int_equal(fhx_error_retryable(error), 1);
    }
    fhx_error_free(error);
    if (!test_memory_end()) break;
    assert_int_equal(status, FHX_ERR_NO_MEMORY);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_references),
      cmocka_unit_test(test_needed_callbacks),
      cmocka_unit_test(test_new_without_a_place),
      cmocka_unit_test(test_new_with_unreadable_callbacks),
      cmocka_unit_test(test_new_with_older_structure),
      cmocka_unit_test(test_new_without_memory),
      cmocka_unit_test(test_cursor),
      cmocka_unit_test(test_open_failures),
      cmocka_unit_test(test_next_failures),
      cmocka_unit_test(test_list_types),
      cmocka_unit_test(test_list_shards),
      cmocka_unit_test(test_read_resource),
      cmocka_unit_test(test_group_members),
      cmocka_unit_test(test_group_members_out_of_order),
      cmocka_unit_test(test_estimate),
      cmocka_unit_test(test_snapshot_ready),
      cmocka_unit_test(test_clock),
      cmocka_unit_test(test_without_optional_callbacks),
      cmocka_unit_test(test_list_without_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
