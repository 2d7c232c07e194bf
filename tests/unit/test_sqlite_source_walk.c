/* Walks of the source over an SQLite table: order, tokens, shards, stamps, windows, odd and broken
   tables, memory. All else about that source is in test_sqlite_source.c. */
#include "unit/source_walk.h"

#include <stdio.h>

#include "support/memory.h"
#include "unit/sqlite_fixture.h"

/* All Patient rows, in small and in large batches; every token resumes. */
static void check_patients(fhx_source *source, const char *const *rows, size_t count) {
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

static void check_table(const char *const *rows, size_t count) {
  fhx_source *source = table_open();
  check_patients(source, rows, count);
  fhx_source_free(source);
}

/* --- the whole set --- */

static void test_whole_set(void **state) {
  (void)state;
  static walk seen;
  table_make_patients(300);
  fhx_source *source = table_open();
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

static void test_empty_table(void **state) {
  (void)state;
  uint64_t count = 1, bytes = 1;
  fhx_reply reply;
  table_make(TABLE);
  check_table(NULL, 0);
  fhx_source *source = table_open();
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

/* Ids come in the order of their bytes, whatever the columns' collation; types are told apart. */
static void test_collation(void **state) {
  (void)state;
  static const char *const rows[] = {"1", "2", "3", "4"};
  table_make(
      "CREATE TABLE resource(type TEXT COLLATE NOCASE, id TEXT COLLATE NOCASE, last_updated, json);"
      "INSERT INTO resource VALUES('Patient', 'b', 1, '4'), ('Patient', 'B', 1, '2'),"
      "('Patient', 'a', 1, '3'), ('Patient', 'A', 1, '1'), ('patient', 'a', 1, '0')");
  check_table(rows, 4);
}

static void test_without_index(void **state) {
  (void)state;
  static const char *const rows[] = {"1", "2", "3"};
  table_make(
      "CREATE TABLE resource(json, last_updated, id, type);"
      "INSERT INTO resource VALUES('3', 1, 'c', 'Patient'), ('1', 1, 'a', 'Patient'),"
      "('2', 1, 'b', 'Patient')");
  check_table(rows, 3);
}

static void test_utf16(void **state) {
  (void)state;
  static const char *const rows[] = {"{\"x\":\"\xC3\xA4\"}", "2"};
  table_make("PRAGMA encoding = 'UTF-16le';" TABLE
             "INSERT INTO resource VALUES('Patient', 'a', 1, '{\"x\":\"\xC3\xA4\"}'),"
             "('Patient', 'b', 1, '2')");
  check_table(rows, 2);
}

static void test_view(void **state) {
  (void)state;
  static const char *const rows[] = {"one", "two"};
  table_make(
      "CREATE TABLE patient(key TEXT PRIMARY KEY, body TEXT);"
      "INSERT INTO patient VALUES('b', 'two'), ('a', 'one');"
      "CREATE VIEW resource AS SELECT 'Patient' AS type, key AS id, NULL AS last_updated,"
      "body AS json FROM patient");
  check_table(rows, 2);
}

/* One row that is no resource does not stop the others (ERR-04): the library reports it. */
static void test_kinds_of_json(void **state) {
  (void)state;
  static const char *const rows[] = {"{\"a\":1}", "{\"b\":1}", "", "", "12", ""};
  table_make(TABLE
             "INSERT INTO resource VALUES('Patient', 'a', 1, '{\"a\":1}'),"
             "('Patient', 'b', 1, CAST('{\"b\":1}' AS BLOB)), ('Patient', 'c', 1, NULL),"
             "('Patient', 'd', 1, ''), ('Patient', 'e', 1, 12), ('Patient', 'f', 1, zeroblob(0))");
  check_table(rows, 6);
}

static void test_odd_names(void **state) {
  (void)state;
  static const char *const rows[] = {"1", "2"};
  table_make(
      "CREATE TABLE \"re\"\"so;urce'\"(\"a \"\"type\" TEXT, \"select\" TEXT, \"\xC3\xA4]\" , "
      "\"json`\" TEXT);"
      "INSERT INTO \"re\"\"so;urce'\" VALUES('Patient', 'b', 2, '2'), ('Patient', 'a', 1, '1')");
  fhx_sqlite_source_options options = table_options();
  options.table = "re\"so;urce'";
  options.type_column = "a \"type";
  options.id_column = "select";
  options.updated_column = "\xC3\xA4]";
  options.json_column = "json`";
  fhx_source *source = NULL;
  assert_int_equal(fhx_sqlite_source_new(&options, &source, NULL), FHX_OK);
  check_patients(source, rows, 2);
  fhx_source_free(source);
}

/* --- stamps and windows --- */

/* A batch has all stamps or none, so what is known is never thrown away for a neighbour. */
static void test_stamps(void **state) {
  (void)state;
  static walk seen;
  static const int64_t updated_us[] = {
      5, 6, FHX_TIME_NONE, FHX_TIME_NONE, 1500000, 1500000, FHX_TIME_NONE, FHX_TIME_NONE, -7};
  table_make(
      "CREATE TABLE resource(type, id, last_updated, json);"
      "INSERT INTO resource VALUES('Patient', 'a', 5, '1'), ('Patient', 'b', 6, '2'),"
      "('Patient', 'c', NULL, '3'), ('Patient', 'd', 'yesterday', '4'),"
      "('Patient', 'e', '1970-01-01T00:00:01.5Z', '5'),"
      "('Patient', 'f', '1970-01-01T01:00:01.5000009+01:00', '6'),"
      "('Patient', 'g', 7.5, '7'), ('Patient', 'h', x'37', '8'), ('Patient', 'i', -7, '9')");
  fhx_source *source = table_open();
  assert_int_equal(walk_run(&seen, source, &table_patients, 1u << 20, NULL), FHX_OK);
  assert_int_equal(seen.row_count, 9);
  assert_int_equal(seen.token_count, 5);
  for (size_t i = 0; i < 9; i++) assert_true(seen.updated_us[i] == updated_us[i]);
  walk_check_tokens(&seen, source, table_patients);
  walk_clear(&seen);
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
static void test_windows(void **state) {
  (void)state;
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
  table_make(
      TABLE
      "INSERT INTO resource VALUES('Patient', 'a', 9, '9'), ('Patient', 'b', 10, '10'),"
      "('Patient', 'c', 11, '11'), ('Patient', 'd', 12, '12'), ('Patient', 'e', NULL, 'null'),"
      "('Patient', 'f', '1970-01-01T00:00:00Z', 'text'), ('Patient', 'g', 1.5, 'real')");
  fhx_source *source = table_open();
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
    assert_true(has_row(&seen, "null") && has_row(&seen, "text") && has_row(&seen, "real"));
    walk_check_tokens(&seen, source, query);
    walk_clear(&seen);
  }
  fhx_source_free(source);
}

/* --- shards --- */

static void test_shards(void **state) {
  (void)state;
  static walk whole, all;
  table_make_patients(103);
  fhx_source *lister = table_open();
  fhx_source *reader = table_open();
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
static void test_shards_of_later_rows(void **state) {
  (void)state;
  static walk part;
  fhx_reply reply;
  size_t row_count = 0;
  table_make_patients(50);
  fhx_source *source = table_open();
  assert_int_equal(fhx__source_list_shards(source, &table_patients, 4, &reply, NULL), FHX_OK);
  assert_int_equal(fhx__reply_item_count(&reply), 4);
  table_make(
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
static void test_shards_after_estimate(void **state) {
  (void)state;
  uint64_t count = 0, bytes = 0;
  table_make_patients(40);
  fhx_source *source = table_open();
  assert_int_equal(fhx__source_estimate(source, &table_patients, &count, &bytes, NULL), FHX_OK);
  assert_int_equal(count, 40);
  table_make(
      "INSERT INTO resource SELECT type, id || 'x', 1, json FROM resource WHERE type = 'Patient'");
  assert_int_equal(first_of_four(source), 10);
  assert_int_equal(first_of_four(source), 20);
  fhx_source_free(source);
}

/* Only what has the form of an id becomes a bound; the shards are complete all the same. */
static void test_shards_of_odd_ids(void **state) {
  (void)state;
  static walk whole, all;
  table_make(
      TABLE
      "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 40) "
      "INSERT INTO resource SELECT 'Patient', CASE i % 3 WHEN 0 THEN printf('a/%03d', i) "
      "WHEN 1 THEN printf('b%03d', i) ELSE printf('c %03d', i) END, i, printf('%d', i) FROM n");
  fhx_source *source = table_open();
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

static void test_bad_shard(void **state) {
  (void)state;
  fhx__cursor cursor;
  fhx_query query = table_patients;
  fhx_error *error = NULL;
  table_make(TABLE);
  fhx_source *source = table_open();
  query.shard = "no slash";
  query.shard_len = 8;
  assert_int_equal(fhx__source_open(source, &query, &cursor, &error), FHX_ERR_SOURCE);
  walk_check_error(error, FHX_ERR_SOURCE, 0,
                   "the source's open_cursor: the shard is not one of an SQLite table");
  fhx_source_free(source);
}

/* --- walks that fail --- */

static void check_walk_fails(const char *message) {
  static walk seen;
  fhx_error *error = NULL;
  fhx_source *source = table_open();
  assert_int_equal(walk_run(&seen, source, &table_patients, 1, &error), FHX_ERR_SOURCE);
  walk_check_error(error, FHX_ERR_SOURCE, 0, message);
  walk_clear(&seen);
  fhx_source_free(source);
}

static void test_unsound_ids(void **state) {
  (void)state;
  static const struct {
    const char *insert;
    const char *message;
  } cases[] = {
      {"INSERT INTO resource VALUES('Patient', 'a', 1, ''), ('Patient', 7, 1, '')",
       "the source's next_rows: the table has a row whose id is not text"},
      {"INSERT INTO resource VALUES('Patient', 'a', 1, ''), ('Patient', NULL, 1, '')",
       "the source's next_rows: the table has a row whose id is not text"},
      {"INSERT INTO resource VALUES('Patient', 'a', 1, ''), ('Patient', x'61', 1, '')",
       "the source's next_rows: the table has a row whose id is not text"},
      {"INSERT INTO resource VALUES('Patient', '', 1, '')",
       "the source's next_rows: the table has a row whose id is empty or too long"},
      {"INSERT INTO resource VALUES('Patient', printf('%4097d', 1), 1, '')",
       "the source's next_rows: the table has a row whose id is empty or too long"},
      {"INSERT INTO resource VALUES('Patient', 'a', 1, '{}'), ('Patient', 'a', 1, '{}')",
       "the source's next_rows: the table has two rows of one type and id: it must hold one for "
       "each"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    table_make(
        "DROP TABLE IF EXISTS resource; CREATE TABLE resource(type, id, last_updated, json)");
    table_make(cases[i].insert);
    check_walk_fails(cases[i].message);
  }
}

static void test_locked(void **state) {
  (void)state;
  static walk seen;
  fhx_error *error = NULL;
  table_make_patients(10);
  fhx_source *source = table_open();
  sqlite3 *writer = table_open_writer();
  table_run(writer, "BEGIN EXCLUSIVE");
  assert_int_equal(walk_run(&seen, source, &table_patients, 1, &error), FHX_ERR_SOURCE);
  walk_check_error(error, FHX_ERR_SOURCE, 1,
                   "the source's next_rows: the database cannot be read: database is locked");
  table_run(writer, "ROLLBACK");
  assert_int_equal(walk_run(&seen, source, &table_patients, 1, NULL), FHX_OK);
  walk_clear(&seen);
  assert_int_equal(sqlite3_close(writer), SQLITE_OK);
  fhx_source_free(source);
}

static void test_damaged(void **state) {
  (void)state;
  table_make_patients(900);
  FILE *file = fopen(table_path, "r+b");
  assert_non_null(file);
  fseek(file, 0, SEEK_END);
  long len = ftell(file);
  fseek(file, 4096, SEEK_SET);
  for (long i = 4096; i < len; i++) assert_true(fputc(0xAA, file) != EOF);
  fclose(file);
  check_walk_fails(
      "the source's next_rows: the database cannot be read: database disk image is malformed");
}

static void test_table_goes_away(void **state) {
  (void)state;
  static walk seen;
  fhx_error *error = NULL;
  table_make_patients(10);
  fhx_source *source = table_open();
  table_make("DROP TABLE resource");
  assert_int_equal(walk_run(&seen, source, &table_patients, 1, &error), FHX_ERR_SOURCE);
  walk_check_error(error, FHX_ERR_SOURCE, 0,
                   "the source's next_rows: the table cannot be read: no such table: resource");
  fhx_source_free(source);
  assert_int_equal(table_try(&source, NULL), FHX_ERR_SOURCE);
}

/* --- memory --- */

static void test_huge_row(void **state) {
  (void)state;
  const size_t huge = 40u << 20, want = 1u << 20;
  table_make(
      TABLE
      "INSERT INTO resource VALUES('Patient', 'm', 1, zeroblob(41943040));"
      "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < 2000) "
      "INSERT INTO resource SELECT 'Patient', printf('%s%04d', substr('az', i % 2 + 1, 1), i), 1, "
      "printf('%02000d', i) FROM n");
  weigh_begin();
  fhx__cursor cursor;
  fhx__rows rows;
  int64_t wait_us = 0;
  uint64_t row_count = 0, huge_count = 0;
  fhx_source *source = table_open();
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
static void test_empty_rows(void **state) {
  (void)state;
  fhx__cursor cursor;
  fhx__rows rows;
  int64_t wait_us = 0;
  uint64_t row_count = 0, batch_count = 0;
  table_make(TABLE
             "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < 50000) "
             "INSERT INTO resource SELECT 'Patient', printf('p%05d', i), 1, NULL FROM n");
  weigh_begin();
  fhx_source *source = table_open();
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
static int32_t use_source(void) {
  static walk seen;
  fhx_reply reply;
  fhx_source *source = NULL;
  fhx_query query = table_patients;
  uint64_t count = 0, bytes = 0;
  int32_t status = table_try(&source, NULL);
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

static void test_out_of_memory(void **state) {
  (void)state;
  table_make_patients(10);
  for (uint64_t fail_at = 1;; fail_at++) {
    test_memory_begin(fail_at);
    int32_t status = use_source();
    if (!test_memory_end()) {
      assert_int_equal(status, FHX_OK);
      assert_true(fail_at > 20);
      break;
    }
    assert_int_equal(status, FHX_ERR_NO_MEMORY);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      TABLE_TEST(test_whole_set),
      TABLE_TEST(test_empty_table),
      TABLE_TEST(test_collation),
      TABLE_TEST(test_without_index),
      TABLE_TEST(test_utf16),
      TABLE_TEST(test_view),
      TABLE_TEST(test_kinds_of_json),
      TABLE_TEST(test_odd_names),
      TABLE_TEST(test_stamps),
      TABLE_TEST(test_windows),
      TABLE_TEST(test_shards),
      TABLE_TEST(test_shards_of_later_rows),
      TABLE_TEST(test_shards_after_estimate),
      TABLE_TEST(test_shards_of_odd_ids),
      TABLE_TEST(test_bad_shard),
      TABLE_TEST(test_unsound_ids),
      TABLE_TEST(test_locked),
      TABLE_TEST(test_damaged),
      TABLE_TEST(test_table_goes_away),
      TABLE_TEST(test_huge_row),
      TABLE_TEST(test_empty_rows),
      TABLE_TEST(test_out_of_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
