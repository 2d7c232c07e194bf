/* What walks over a table have in common, whichever database it is in. */
#include "unit/table_walks.h"

#include <pthread.h>
#include <stdio.h>

#include "support/memory.h"
#include "unit/source_walk.h"

static const fhx_filter no_filter = {.sealed = true};
const fhx_query table_patients = {.resource_type = "Patient", .selection = {.filter = &no_filter}};

static fhx_source *open_table(const table_kind *kind) {
  fhx_source *source = NULL;
  assert_int_equal(kind->try_open(&source, NULL), FHX_OK);
  return source;
}

/* All Patient rows, in small and in large batches; every token resumes. */
void table_check_patients(fhx_source *source, const char *const *rows, size_t count) {
  static walk seen;
  static const uint64_t wants[] = {0, 1, 20, 1u << 20, UINT64_MAX};
  for (size_t i = 0; i < sizeof wants / sizeof *wants; i++) {
    assert_int_equal(walk_run(&seen, source, &table_patients, wants[i], NULL), FHX_OK);
    assert_int_equal(seen.applied, FHX_APPLIED_TYPE | FHX_PROMISE_ASCENDING_IDS);
    assert_int_equal(seen.row_count, count);
    for (size_t row = 0; row < count; row++) assert_string_equal(seen.rows[row], rows[row]);
    walk_check_tokens(&seen, source, table_patients);
    walk_clear(&seen);
  }
}

void table_check(const table_kind *kind, const char *const *rows, size_t count) {
  fhx_source *source = open_table(kind);
  table_check_patients(source, rows, count);
  fhx_source_free(source);
}

void table_test_whole_set(void **state) {
  const table_kind *kind = *state;
  static walk seen;
  kind->make_patients(300);
  fhx_source *source = open_table(kind);
  assert_int_equal(walk_run(&seen, source, &table_patients, 100, NULL), FHX_OK);
  assert_int_equal(seen.row_count, 300);
  for (int i = 0; i < 300; i++) {
    char row[32];
    snprintf(row, sizeof row, "{\"n\":%d}", i);
    assert_string_equal(seen.rows[i], row);
    assert_int_equal(seen.updated_us[i], US_2026 + i);
  }
  assert_true(seen.token_count > 20);
  walk_check_tokens(&seen, source, table_patients);
  walk_clear(&seen);
  fhx_source_free(source);
}

void table_test_empty_table(void **state) {
  const table_kind *kind = *state;
  uint64_t count = 1, bytes = 1;
  fhx_reply reply;
  kind->make(kind->schema);
  table_check(kind, NULL, 0);
  fhx_source *source = open_table(kind);
  assert_int_equal(fhx__source_list_types(source, &reply, NULL), FHX_OK);
  assert_int_equal(fhx__reply_item_count(&reply), 0);
  fhx__reply_end(&reply);
  assert_int_equal(fhx__source_list_shards(source, &table_patients, 8, &reply, NULL), FHX_OK);
  assert_int_equal(fhx__reply_item_count(&reply), 0);
  fhx__reply_end(&reply);
  assert_int_equal(fhx__source_estimate(source, &table_patients, &count, &bytes, NULL), FHX_OK);
  assert_int_equal(count + bytes, 0);
  fhx_source_free(source);
}

static fhx__instant instant(const char *text) {
  fhx__instant read = {0, 0};
  assert_true(fhx__instant_parse(text, strlen(text), &read));
  return read;
}

static bool has_row(const walk *seen, const char *row) {
  for (size_t i = 0; i < seen->row_count; i++) {
    if (strcmp(seen->rows[i], row) == 0) return true;
  }
  return false;
}

/* FILTER-01, -07: for every bound around every stamp, also between microseconds, no row that the
   window takes is left out, and what is surely outside is. The stamps stand for times that may be
   up to a microsecond later. */
void table_check_windows(const table_kind *kind, const char *const *always) {
  static walk seen;
  static const char *const bounds[] = {
      "1970-01-01T00:00:00.000009Z",
      "1970-01-01T00:00:00.00000999Z",
      "1970-01-01T00:00:00.000010Z",
      "1970-01-01T00:00:00.0000100001Z",
      "1970-01-01T00:00:00.0000105Z",
      "1970-01-01T00:00:00.000011Z",
      "1970-01-01T00:00:00.0000119999999999999999999999999999Z",
      "1970-01-01T00:00:00.000012Z",
  };
  const size_t count = sizeof bounds / sizeof *bounds;
  fhx_source *source = open_table(kind);
  for (size_t i = 0; i < count * count * 3; i++) {
    fhx_filter filter = {.sealed = true};
    fhx_query query = table_patients;
    query.selection.filter = &filter;
    filter.has_since = i % 3 != 1;
    filter.has_until = i % 3 != 2;
    if (filter.has_since) filter.since = instant(bounds[i / 3 % count]);
    if (filter.has_until) filter.until = instant(bounds[i / 3 / count]);
    assert_int_equal(walk_run(&seen, source, &query, 1u << 20, NULL), FHX_OK);
    assert_int_equal(seen.applied & (FHX_APPLIED_SINCE | FHX_APPLIED_UNTIL), 0);
    for (int64_t stamp = 9; stamp <= 12; stamp++) {
      char row[32];
      fhx__instant first = {stamp, 0}, last = {stamp, UINT64_MAX};
      snprintf(row, sizeof row, "%d", (int)stamp);
      bool may_be_in = (!filter.has_since || fhx__instant_compare(last, filter.since) > 0) &&
                       (!filter.has_until || fhx__instant_compare(first, filter.until) < 0);
      assert_int_equal(has_row(&seen, row), may_be_in);
    }
    for (size_t n = 0; always[n] != NULL; n++) assert_true(has_row(&seen, always[n]));
    if (i % kind->token_step == 0) walk_check_tokens(&seen, source, query);
    walk_clear(&seen);
  }
  fhx_source_free(source);
}

void table_test_shards(void **state) {
  const table_kind *kind = *state;
  static walk whole, all;
  kind->make_patients(103);
  fhx_source *lister = open_table(kind);
  fhx_source *reader = open_table(kind);
  assert_int_equal(walk_run(&whole, reader, &table_patients, 1000, NULL), FHX_OK);
  for (uint32_t count_max = 1; count_max <= 64; count_max += count_max < 8 ? 1 : 7) {
    size_t count = walk_shards(&all, lister, reader, table_patients, count_max);
    assert_int_equal(count, count_max == 1 ? 0 : count_max);
    walk_check_same(&all, &whole);
    walk_clear(&all);
  }
  walk_clear(&whole);
  fhx_query query = table_patients;
  query.resource_type = "Encounter";
  assert_int_equal(walk_shards(&all, lister, reader, query, 8), 0);
  assert_int_equal(all.row_count, 1);
  walk_clear(&all);
  fhx_source_free(lister);
  fhx_source_free(reader);
}

/* "Now and later": what is written after planning falls into a shard too, at both ends. */
void table_test_shards_of_later_rows(void **state) {
  const table_kind *kind = *state;
  static walk part;
  fhx_reply reply;
  size_t row_count = 0;
  kind->make_patients(50);
  fhx_source *source = open_table(kind);
  assert_int_equal(fhx__source_list_shards(source, &table_patients, 4, &reply, NULL), FHX_OK);
  assert_int_equal(fhx__reply_item_count(&reply), 4);
  kind->make(
      "INSERT INTO resource VALUES('Patient', '0', 1, '{}'), ('Patient', 'zz', 1, '{}'),"
      "('Patient', 'p025x', 1, '{}')");
  for (size_t i = 0; i < 4; i++) {
    fhx_query query = table_patients;
    query.shard = fhx__reply_item_at(&reply, i, &query.shard_len);
    assert_int_equal(walk_run(&part, source, &query, 1, NULL), FHX_OK);
    assert_in_range(part.row_count, 12, 15);
    row_count += part.row_count;
    walk_clear(&part);
  }
  assert_int_equal(row_count, 53);
  fhx__reply_end(&reply);
  fhx_source_free(source);
}

/* How many rows of the first of four shards there are. */
static size_t first_of_four(fhx_source *source) {
  static walk part;
  fhx_reply reply;
  fhx_query query = table_patients;
  assert_int_equal(fhx__source_list_shards(source, &query, 4, &reply, NULL), FHX_OK);
  assert_int_equal(fhx__reply_item_count(&reply), 4);
  query.shard = fhx__reply_item_at(&reply, 0, &query.shard_len);
  assert_int_equal(walk_run(&part, source, &query, 1000, NULL), FHX_OK);
  size_t count = part.row_count;
  walk_clear(&part);
  fhx__reply_end(&reply);
  return count;
}

/* Shards are divided by what their estimate counted, once: after that it is counted again. */
void table_test_shards_after_estimate(void **state) {
  const table_kind *kind = *state;
  uint64_t count = 0, bytes = 0;
  kind->make_patients(40);
  fhx_source *source = open_table(kind);
  assert_int_equal(fhx__source_estimate(source, &table_patients, &count, &bytes, NULL), FHX_OK);
  assert_int_equal(count, 40);
  kind->make(
      "INSERT INTO resource SELECT type, id || 'x', 1, json FROM resource WHERE type = 'Patient'");
  assert_int_equal(first_of_four(source), 10);
  assert_int_equal(first_of_four(source), 20);
  fhx_source_free(source);
}

/* Only what has the form of an id becomes a bound; the shards are complete all the same. */
void table_test_shards_of_odd_ids(void **state) {
  const table_kind *kind = *state;
  static walk whole, all;
  kind->make(kind->schema);
  kind->make(kind->odd_ids);
  fhx_source *source = open_table(kind);
  assert_int_equal(walk_run(&whole, source, &table_patients, 1, NULL), FHX_OK);
  assert_int_equal(whole.row_count, 41);
  for (uint32_t count_max = 2; count_max < 20; count_max++) {
    assert_in_range(walk_shards(&all, source, source, table_patients, count_max), 2, count_max);
    walk_check_same(&all, &whole);
    walk_clear(&all);
  }
  walk_clear(&whole);
  fhx_source_free(source);
}

void table_test_bad_shard(void **state) {
  const table_kind *kind = *state;
  char message[120];
  fhx__cursor cursor;
  fhx_query query = table_patients;
  fhx_error *error = NULL;
  kind->make(kind->schema);
  fhx_source *source = open_table(kind);
  query.shard = "no slash";
  query.shard_len = 8;
  assert_int_equal(fhx__source_open(source, &query, &cursor, &error), FHX_ERR_SOURCE);
  snprintf(message, sizeof message, "the source's open_cursor: the shard is not one of %s",
           kind->name);
  walk_check_error(error, FHX_ERR_SOURCE, 0, message);
  fhx_source_free(source);
}

void table_check_walk_fails(const table_kind *kind, const char *message) {
  static walk seen;
  fhx_error *error = NULL;
  fhx_source *source = open_table(kind);
  assert_int_equal(walk_run(&seen, source, &table_patients, 1, &error), FHX_ERR_SOURCE);
  walk_check_error(error, FHX_ERR_SOURCE, 0, message);
  walk_clear(&seen);
  fhx_source_free(source);
}

void table_test_huge_row(void **state) {
  const table_kind *kind = *state;
  const size_t huge = 40u << 20, want = 1u << 20;
  kind->make(kind->schema);
  kind->make(kind->huge_row);
  weigh_begin();
  fhx__cursor cursor;
  fhx__rows rows;
  int64_t wait_us = 0;
  uint64_t row_count = 0, huge_count = 0;
  fhx_source *source = open_table(kind);
  assert_int_equal(fhx__source_open(source, &table_patients, &cursor, NULL), FHX_OK);
  while (fhx__source_next(&cursor, want, &rows, &wait_us, NULL) == FHX_OK) {
    row_count += rows.row_count;
    if (rows.len > want) {
      huge_count++;
      assert_int_equal(rows.len, huge);
    } else {
      assert_in_range(weighed_live, 0, 2 * want);
    }
  }
  assert_int_equal(huge_count, 1);
  assert_int_equal(row_count, 2001);
  assert_in_range(weighed_peak, huge, 2 * huge);
  fhx__source_close(&cursor);
  fhx_source_free(source);
  weigh_end();
}

/* Rows without content take no room in the buffer, but a batch of them is bounded all the same. */
void table_test_empty_rows(void **state) {
  const table_kind *kind = *state;
  fhx__cursor cursor;
  fhx__rows rows;
  int64_t wait_us = 0;
  uint64_t row_count = 0, batch_count = 0;
  kind->make(kind->schema);
  kind->make(kind->empty_rows);
  weigh_begin();
  fhx_source *source = open_table(kind);
  assert_int_equal(fhx__source_open(source, &table_patients, &cursor, NULL), FHX_OK);
  for (; fhx__source_next(&cursor, 1u << 20, &rows, &wait_us, NULL) == FHX_OK; batch_count++) {
    row_count += rows.row_count;
  }
  assert_int_equal(row_count, 50000);
  assert_true(batch_count > 1);
  assert_in_range(weighed_peak, 0, 1u << 20);
  fhx__source_close(&cursor);
  fhx_source_free(source);
  weigh_end();
}

/* A source used in every way, for running out of memory at each step. */
static int32_t use_source(const table_kind *kind) {
  static walk seen;
  fhx_reply reply;
  fhx_source *source = NULL;
  fhx_query query = table_patients;
  uint64_t count = 0, bytes = 0;
  int32_t status = kind->try_open(&source, NULL);
  if (status != FHX_OK) return status;
  query.shard = "p002/p007";
  query.shard_len = 9;
  status = walk_run(&seen, source, &query, 20, NULL);
  assert_true(status != FHX_OK || seen.row_count == 5);
  walk_clear(&seen);
  if (status == FHX_OK) status = fhx__source_estimate(source, &query, &count, &bytes, NULL);
  if (status == FHX_OK) {
    status = fhx__source_list_shards(source, &table_patients, 3, &reply, NULL);
    fhx__reply_end(&reply);
  }
  if (status == FHX_OK) {
    status = fhx__source_list_types(source, &reply, NULL);
    fhx__reply_end(&reply);
  }
  if (status == FHX_OK) {
    status = fhx__source_read_resource(source, &table_patients, "Patient/p001", &reply, NULL);
    fhx__reply_end(&reply);
  }
  fhx_source_free(source);
  return status;
}

void table_test_out_of_memory(void **state) {
  const table_kind *kind = *state;
  kind->make_patients(10);
  for (uint64_t fail_at = 1;; fail_at++) {
    test_memory_begin(fail_at);
    int32_t status = use_source(kind);
    if (!test_memory_end()) {
      assert_int_equal(status, FHX_OK);
      assert_true(fail_at > 20);
      break;
    }
    assert_int_equal(status, FHX_ERR_NO_MEMORY);
  }
}

/* --- single resources, and threads --- */

void table_check_resource(fhx_source *source, const char *reference, int32_t status,
                          const char *json) {
  fhx_reply reply;
  size_t len = 0;
  assert_int_equal(fhx__source_read_resource(source, &table_patients, reference, &reply, NULL),
                   status);
  if (status == FHX_OK) {
    const char *text = fhx__reply_item_at(&reply, 0, &len);
    assert_int_equal(len, strlen(json));
    assert_memory_equal(text, json, len);
  }
  fhx__reply_end(&reply);
}

void table_check_resources(fhx_source *source) {
  table_check_resource(source, "Patient/p003", FHX_OK, "{\"n\":3}");
  table_check_resource(source, "Encounter/e", FHX_OK, "{}");
  table_check_resource(source, "Patient/null", FHX_OK, "");
  table_check_resource(source, "Patient/e", FHX_ERR_NOT_FOUND, NULL);
  table_check_resource(source, "Patient/", FHX_ERR_NOT_FOUND, NULL);
  table_check_resource(source, "Patient/\xFF", FHX_ERR_NOT_FOUND, NULL);
  table_check_resource(source, "Patient/' OR true --", FHX_ERR_NOT_FOUND, NULL);
  table_check_resource(source, "Group/p003", FHX_ERR_NOT_FOUND, NULL);
  table_check_resource(source, "Patient", FHX_ERR_ARGUMENT, NULL);
  table_check_resource(source, "", FHX_ERR_ARGUMENT, NULL);
  table_check_resource(source, "/p003", FHX_ERR_ARGUMENT, NULL);
}

typedef struct reader {
  pthread_t thread;
  fhx_source *source;
  uint64_t row_count;
  int32_t status;
} reader;

int32_t table_read_all(fhx_source *source, uint64_t *row_count) {
  fhx__cursor cursor = {NULL, NULL, 0};
  fhx__rows rows;
  int64_t wait_us = 0;
  *row_count = 0;
  int32_t status = fhx__source_open(source, &table_patients, &cursor, NULL);
  while (status == FHX_OK) {
    status = fhx__source_next(&cursor, 200, &rows, &wait_us, NULL);
    if (status == FHX_OK) *row_count += rows.row_count;
  }
  fhx__source_close(&cursor);
  return status;
}

/* cmocka's assertions are for the test's own thread. */
static void *read_all(void *argument) {
  reader *self = argument;
  self->status = table_read_all(self->source, &self->row_count);
  fhx_source_free(self->source);
  return NULL;
}

void table_check_threads(fhx_source *source, uint64_t row_count) {
  reader readers[4];
  for (int i = 0; i < 4; i++) {
    readers[i].source = fhx__source_ref(source);
    assert_int_equal(pthread_create(&readers[i].thread, NULL, read_all, &readers[i]), 0);
  }
  fhx_source_free(source);
  for (int i = 0; i < 4; i++) {
    assert_int_equal(pthread_join(readers[i].thread, NULL), 0);
    assert_int_equal(readers[i].status, FHX_END);
    assert_int_equal(readers[i].row_count, row_count);
  }
}
