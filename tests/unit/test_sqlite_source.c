/* The source over an SQLite table: order, tokens, shards, stamps, windows, odd and broken tables.
 */
#include "unit/source_walk.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <unistd.h>

#include "support/folder.h"
#include "support/memory.h"

#define US_2026 INT64_C(1767225600000000)

static const fhx_filter no_filter = {.sealed = true};
static const fhx_query patients = {.resource_type = "Patient", .filter = &no_filter};
static char folder[TEST_PATH_MAX];
static char path[TEST_PATH_MAX];

static int set_up(void **state) {
  (void)state;
  test_folder_new(folder);
  test_path_join(path, folder, "resources.db");
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  test_folder_remove(folder);
  return 0;
}

static sqlite3 *open_writer(void) {
  sqlite3 *writer = NULL;
  assert_int_equal(sqlite3_open(path, &writer), SQLITE_OK);
  return writer;
}

static void run(sqlite3 *writer, const char *sql) {
  char *message = NULL;
  if (sqlite3_exec(writer, sql, NULL, NULL, &message) == SQLITE_OK) return;
  fail_msg("%s: %s", sql, message);
}

static void make(const char *sql) {
  sqlite3 *writer = open_writer();
  run(writer, sql);
  assert_int_equal(sqlite3_close(writer), SQLITE_OK);
}

#define TABLE                                                           \
  "CREATE TABLE resource(type TEXT, id TEXT, last_updated, json TEXT, " \
  "PRIMARY KEY(type, id));"

/* Ids p000, p001, ..., written in another order; JSON that says its number. */
static void make_patients(int count) {
  char sql[512];
  snprintf(sql, sizeof sql,
           TABLE
           "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < %d) "
           "INSERT INTO resource SELECT 'Patient', printf('p%%03d', i), %lld + i, "
           "printf('{\"n\":%%d}', i) FROM n ORDER BY i * 7919 %% 1009;",
           count, (long long)US_2026);
  make(sql);
  make("INSERT INTO resource VALUES('Encounter', 'e', 1, '{}'), ('Patienta', 'x', 1, '{}')");
}

static int32_t try_options(const fhx_sqlite_source_options *options, fhx_source **source,
                           fhx_error **error) {
  return fhx_sqlite_source_new(options, source, error);
}

static fhx_sqlite_source_options default_options(void) {
  fhx_sqlite_source_options options;
  FHX_INIT(&options);
  options.path = path;
  return options;
}

static int32_t try_table(fhx_source **source, fhx_error **error) {
  fhx_sqlite_source_options options = default_options();
  return try_options(&options, source, error);
}

static fhx_source *open_table(void) {
  fhx_source *source = NULL;
  assert_int_equal(try_table(&source, NULL), FHX_OK);
  return source;
}

/* All Patient rows, in small and in large batches; every token resumes. */
static void check_patients(fhx_source *source, const char *const *rows, size_t count) {
  static walk seen;
  static const uint64_t wants[] = {0, 1, 20, 1u << 20, UINT64_MAX};
  for (size_t i = 0; i < sizeof wants / sizeof *wants; i++) {
    assert_int_equal(walk_run(&seen, source, &patients, wants[i], NULL), FHX_OK);
    assert_int_equal(seen.applied, FHX_APPLIED_TYPE | FHX_PROMISE_ASCENDING_IDS);
    assert_int_equal(seen.row_count, count);
    for (size_t row = 0; row < count; row++) assert_string_equal(seen.rows[row], rows[row]);
    walk_check_tokens(&seen, source, patients);
    walk_clear(&seen);
  }
}

static void check_table(const char *const *rows, size_t count) {
  fhx_source *source = open_table();
  check_patients(source, rows, count);
  fhx_source_free(source);
}

static void check_walk_fails(const char *message) {
  static walk seen;
  fhx_error *error = NULL;
  fhx_source *source = open_table();
  assert_int_equal(walk_run(&seen, source, &patients, 1, &error), FHX_ERR_SOURCE);
  walk_check_error(error, FHX_ERR_SOURCE, 0, message);
  walk_clear(&seen);
  fhx_source_free(source);
}

/* --- the whole set --- */

static void test_whole_set(void **state) {
  (void)state;
  static walk seen;
  make_patients(300);
  fhx_source *source = open_table();
  assert_int_equal(walk_run(&seen, source, &patients, 100, NULL), FHX_OK);
  assert_int_equal(seen.row_count, 300);
  for (int i = 0; i < 300; i++) {
    char row[32];
    snprintf(row, sizeof row, "{\"n\":%d}", i);
    assert_string_equal(seen.rows[i], row);
    assert_int_equal(seen.updated_us[i], US_2026 + i);
  }
  assert_true(seen.token_count > 20);
  walk_check_tokens(&seen, source, patients);
  walk_clear(&seen);
  fhx_source_free(source);
}

static void test_empty_table(void **state) {
  (void)state;
  uint64_t count = 1, bytes = 1;
  fhx_reply reply;
  make(TABLE);
  check_table(NULL, 0);
  fhx_source *source = open_table();
  assert_int_equal(fhx__source_list_types(source, &reply, NULL), FHX_OK);
  assert_int_equal(fhx__reply_item_count(&reply), 0);
  fhx__reply_end(&reply);
  assert_int_equal(fhx__source_list_shards(source, &patients, 8, &reply, NULL), FHX_OK);
  assert_int_equal(fhx__reply_item_count(&reply), 0);
  fhx__reply_end(&reply);
  assert_int_equal(fhx__source_estimate(source, &patients, &count, &bytes, NULL), FHX_OK);
  assert_int_equal(count + bytes, 0);
  fhx_source_free(source);
}

/* Ids come in the order of their bytes, whatever the columns' collation; types are told apart. */
static void test_collation(void **state) {
  (void)state;
  static const char *const rows[] = {"1", "2", "3", "4"};
  make(
      "CREATE TABLE resource(type TEXT COLLATE NOCASE, id TEXT COLLATE NOCASE, last_updated, json);"
      "INSERT INTO resource VALUES('Patient', 'b', 1, '4'), ('Patient', 'B', 1, '2'),"
      "('Patient', 'a', 1, '3'), ('Patient', 'A', 1, '1'), ('patient', 'a', 1, '0')");
  check_table(rows, 4);
}

static void test_without_index(void **state) {
  (void)state;
  static const char *const rows[] = {"1", "2", "3"};
  make(
      "CREATE TABLE resource(json, last_updated, id, type);"
      "INSERT INTO resource VALUES('3', 1, 'c', 'Patient'), ('1', 1, 'a', 'Patient'),"
      "('2', 1, 'b', 'Patient')");
  check_table(rows, 3);
}

static void test_utf16(void **state) {
  (void)state;
  static const char *const rows[] = {"{\"x\":\"\xC3\xA4\"}", "2"};
  make("PRAGMA encoding = 'UTF-16le';" TABLE
       "INSERT INTO resource VALUES('Patient', 'a', 1, '{\"x\":\"\xC3\xA4\"}'),"
       "('Patient', 'b', 1, '2')");
  check_table(rows, 2);
}

static void test_view(void **state) {
  (void)state;
  static const char *const rows[] = {"one", "two"};
  make(
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
  make(TABLE
       "INSERT INTO resource VALUES('Patient', 'a', 1, '{\"a\":1}'),"
       "('Patient', 'b', 1, CAST('{\"b\":1}' AS BLOB)), ('Patient', 'c', 1, NULL),"
       "('Patient', 'd', 1, ''), ('Patient', 'e', 1, 12), ('Patient', 'f', 1, zeroblob(0))");
  check_table(rows, 6);
}

/* --- names --- */

static void test_odd_names(void **state) {
  (void)state;
  static const char *const rows[] = {"1", "2"};
  make(
      "CREATE TABLE \"re\"\"so;urce'\"(\"a \"\"type\" TEXT, \"select\" TEXT, \"\xC3\xA4]\" , "
      "\"json`\" TEXT);"
      "INSERT INTO \"re\"\"so;urce'\" VALUES('Patient', 'b', 2, '2'), ('Patient', 'a', 1, '1')");
  fhx_sqlite_source_options options = default_options();
  options.table = "re\"so;urce'";
  options.type_column = "a \"type";
  options.id_column = "select";
  options.updated_column = "\xC3\xA4]";
  options.json_column = "json`";
  fhx_source *source = NULL;
  assert_int_equal(try_options(&options, &source, NULL), FHX_OK);
  check_patients(source, rows, 2);
  fhx_source_free(source);
}

static void check_options_fail(const fhx_sqlite_source_options *options, int32_t status,
                               const char *message) {
  fhx_source *source = NULL;
  fhx_error *error = NULL;
  assert_int_equal(try_options(options, &source, &error), status);
  walk_check_error(error, status, 0, message);
  assert_null(source);
}

/* A name that is no column must not pass for a string. */
static void test_missing_names(void **state) {
  (void)state;
  make(TABLE);
  for (int i = 0; i < 5; i++) {
    static const char *const messages[] = {
        "the table cannot be read: no such table: absent",
        "the table cannot be read: no such column: r.absent",
        "the table cannot be read: no such column: r.absent",
        "the table cannot be read: no such column: r.absent",
        "the table cannot be read: no such column: r.absent",
    };
    fhx_sqlite_source_options options = default_options();
    const char **names[] = {&options.table, &options.type_column, &options.id_column,
                            &options.updated_column, &options.json_column};
    *names[i] = "absent";
    check_options_fail(&options, FHX_ERR_SOURCE, messages[i]);
  }
}

static void test_bad_options(void **state) {
  (void)state;
  make(TABLE);
  fhx_sqlite_source_options options = default_options();
  options.stamp_resolution_us = -1;
  check_options_fail(&options, FHX_ERR_ARGUMENT, "stamp_resolution_us is below 0");
  options = default_options();
  options.path = "";
  check_options_fail(&options, FHX_ERR_ARGUMENT, "an SQLite source needs a path");
  options.path = NULL;
  check_options_fail(&options, FHX_ERR_ARGUMENT, "an SQLite source needs a path");
  options = default_options();
  options.size = 4;
  assert_int_equal(try_options(&options, NULL, NULL), FHX_ERR_STRUCT_SIZE);
  options = default_options();
  assert_int_equal(try_options(&options, NULL, NULL), FHX_ERR_ARGUMENT);
}

static void test_no_database(void **state) {
  (void)state;
  char message[TEST_PATH_MAX + 128];
  fhx_sqlite_source_options options = default_options();
  snprintf(message, sizeof message, "the database \"%s\" cannot be opened: %s", path,
           "No such file or directory");
  check_options_fail(&options, FHX_ERR_NOT_FOUND, message);
  FILE *file = fopen(path, "wb");
  assert_non_null(file);
  for (int i = 0; i < 1000; i++) assert_true(fputs("This is no database. ", file) >= 0);
  fclose(file);
  check_options_fail(&options, FHX_ERR_SOURCE,
                     "the database cannot be read: file is not a database");
}

/* --- ids --- */

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
    make("DROP TABLE IF EXISTS resource; CREATE TABLE resource(type, id, last_updated, json)");
    make(cases[i].insert);
    check_walk_fails(cases[i].message);
  }
}

/* --- stamps and windows --- */

/* A batch has all stamps or none, so what is known is never thrown away for a neighbour. */
static void test_stamps(void **state) {
  (void)state;
  static walk seen;
  static const int64_t updated_us[] = {
      5, 6, FHX_TIME_NONE, FHX_TIME_NONE, 1500000, 1500000, FHX_TIME_NONE, FHX_TIME_NONE, -7};
  make(
      "CREATE TABLE resource(type, id, last_updated, json);"
      "INSERT INTO resource VALUES('Patient', 'a', 5, '1'), ('Patient', 'b', 6, '2'),"
      "('Patient', 'c', NULL, '3'), ('Patient', 'd', 'yesterday', '4'),"
      "('Patient', 'e', '1970-01-01T00:00:01.5Z', '5'),"
      "('Patient', 'f', '1970-01-01T01:00:01.5000009+01:00', '6'),"
      "('Patient', 'g', 7.5, '7'), ('Patient', 'h', x'37', '8'), ('Patient', 'i', -7, '9')");
  fhx_source *source = open_table();
  assert_int_equal(walk_run(&seen, source, &patients, 1u << 20, NULL), FHX_OK);
  assert_int_equal(seen.row_count, 9);
  assert_int_equal(seen.token_count, 5);
  for (size_t i = 0; i < 9; i++) assert_true(seen.updated_us[i] == updated_us[i]);
  walk_check_tokens(&seen, source, patients);
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
  make(TABLE
       "INSERT INTO resource VALUES('Patient', 'a', 9, '9'), ('Patient', 'b', 10, '10'),"
       "('Patient', 'c', 11, '11'), ('Patient', 'd', 12, '12'), ('Patient', 'e', NULL, 'null'),"
       "('Patient', 'f', '1970-01-01T00:00:00Z', 'text'), ('Patient', 'g', 1.5, 'real')");
  fhx_source *source = open_table();
  for (size_t i = 0; i < count * count * 3; i++) {
    fhx_filter filter = {.sealed = true};
    fhx_query query = patients;
    query.filter = &filter;
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
  make_patients(103);
  fhx_source *lister = open_table();
  fhx_source *reader = open_table();
  assert_int_equal(walk_run(&whole, reader, &patients, 1000, NULL), FHX_OK);
  for (uint32_t count_max = 1; count_max <= 64; count_max += count_max < 8 ? 1 : 7) {
    size_t count = walk_shards(&all, lister, reader, patients, count_max);
    assert_int_equal(count, count_max == 1 ? 0 : count_max);
    walk_check_same(&all, &whole);
    walk_clear(&all);
  }
  walk_clear(&whole);
  fhx_query query = patients;
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
  make_patients(50);
  fhx_source *source = open_table();
  assert_int_equal(fhx__source_list_shards(source, &patients, 4, &reply, NULL), FHX_OK);
  assert_int_equal(fhx__reply_item_count(&reply), 4);
  make(
      "INSERT INTO resource VALUES('Patient', '0', 1, '{}'), ('Patient', 'zz', 1, '{}'),"
      "('Patient', 'p025x', 1, '{}')");
  for (size_t i = 0; i < 4; i++) {
    fhx_query query = patients;
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

/* Only what has the form of an id becomes a bound; the shards are complete all the same. */
static void test_shards_of_odd_ids(void **state) {
  (void)state;
  static walk whole, all;
  make(TABLE
       "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 40) "
       "INSERT INTO resource SELECT 'Patient', CASE i % 3 WHEN 0 THEN printf('a/%03d', i) "
       "WHEN 1 THEN printf('b%03d', i) ELSE printf('c %03d', i) END, i, printf('%d', i) FROM n");
  fhx_source *source = open_table();
  assert_int_equal(walk_run(&whole, source, &patients, 1, NULL), FHX_OK);
  assert_int_equal(whole.row_count, 41);
  for (uint32_t count_max = 2; count_max < 20; count_max++) {
    assert_in_range(walk_shards(&all, source, source, patients, count_max), 2, count_max);
    walk_check_same(&all, &whole);
    walk_clear(&all);
  }
  walk_clear(&whole);
  fhx_source_free(source);
}

static void test_bad_shard(void **state) {
  (void)state;
  fhx__cursor cursor;
  fhx_query query = patients;
  fhx_error *error = NULL;
  make(TABLE);
  fhx_source *source = open_table();
  query.shard = "no slash";
  query.shard_len = 8;
  assert_int_equal(fhx__source_open(source, &query, &cursor, &error), FHX_ERR_SOURCE);
  walk_check_error(error, FHX_ERR_SOURCE, 0,
                   "the source's open_cursor: the shard is not one of an SQLite table");
  fhx_source_free(source);
}

/* --- the other callbacks --- */

static void test_list_types(void **state) {
  (void)state;
  static const char *const types[] = {"Encounter", "Patient", "Patienta"};
  fhx_reply reply;
  make_patients(20);
  make(
      "INSERT INTO resource VALUES('', 'a', 1, ''), ('patient', 'a', 1, ''), ('A_b', 'a', 1, ''),"
      "(NULL, 'a', 1, ''), (x'41', 'a', 1, ''), (7, 'a', 1, ''),"
      "('Patient' || char(0) || 'x', 'a', 1, '')");
  fhx_source *source = open_table();
  assert_int_equal(fhx__source_list_types(source, &reply, NULL), FHX_OK);
  assert_int_equal(fhx__reply_item_count(&reply), 3);
  for (size_t i = 0; i < 3; i++) {
    size_t len = 0;
    const char *type = fhx__reply_item_at(&reply, i, &len);
    assert_int_equal(len, strlen(types[i]));
    assert_memory_equal(type, types[i], len);
  }
  fhx__reply_end(&reply);
  fhx_source_free(source);
}

static void test_estimate(void **state) {
  (void)state;
  uint64_t count = 0, bytes = 0;
  fhx_query query = patients;
  make_patients(100);
  fhx_source *source = open_table();
  assert_int_equal(fhx__source_estimate(source, &query, &count, &bytes, NULL), FHX_OK);
  assert_int_equal(count, 100);
  assert_in_range(bytes, 700, 800);
  query.shard = "p010/p030";
  query.shard_len = 9;
  assert_int_equal(fhx__source_estimate(source, &query, &count, &bytes, NULL), FHX_OK);
  assert_int_equal(count, 20);
  assert_int_equal(bytes, 160);
  fhx_source_free(source);
}

static void test_clock(void **state) {
  (void)state;
  int64_t now_us = 0, resolution_us = 0, wait_us = 0;
  make(TABLE);
  fhx_source *source = open_table();
  assert_int_equal(fhx__source_clock(source, &now_us, &resolution_us, NULL), FHX_OK);
  assert_true(now_us > INT64_C(1700000000000000));
  assert_int_equal(resolution_us, 1000);
  assert_int_equal(fhx__source_snapshot_ready(source, now_us, &wait_us, NULL), FHX_ERR_UNSUPPORTED);
  fhx_source_free(source);
  fhx_sqlite_source_options options = default_options();
  options.stamp_resolution_us = 1000000;
  assert_int_equal(try_options(&options, &source, NULL), FHX_OK);
  assert_int_equal(fhx__source_clock(source, &now_us, &resolution_us, NULL), FHX_OK);
  assert_int_equal(resolution_us, 1000000);
  fhx_source_free(source);
}

static void check_resource(fhx_source *source, const char *reference, int32_t status,
                           const char *json) {
  fhx_reply reply;
  size_t len = 0;
  assert_int_equal(fhx__source_read_resource(source, &patients, reference, &reply, NULL), status);
  if (status == FHX_OK) {
    const char *text = fhx__reply_item_at(&reply, 0, &len);
    assert_int_equal(len, strlen(json));
    assert_memory_equal(text, json, len);
  }
  fhx__reply_end(&reply);
}

static void test_read_resource(void **state) {
  (void)state;
  make_patients(10);
  make(
      "INSERT INTO resource VALUES('Patient', 'null', 1, NULL),"
      "('Patient', 'blob', 1, CAST('{}' AS BLOB))");
  fhx_source *source = open_table();
  check_resource(source, "Patient/p003", FHX_OK, "{\"n\":3}");
  check_resource(source, "Encounter/e", FHX_OK, "{}");
  check_resource(source, "Patient/blob", FHX_OK, "{}");
  check_resource(source, "Patient/null", FHX_OK, "");
  check_resource(source, "Patient/e", FHX_ERR_NOT_FOUND, NULL);
  check_resource(source, "Patient/", FHX_ERR_NOT_FOUND, NULL);
  check_resource(source, "Group/p003", FHX_ERR_NOT_FOUND, NULL);
  check_resource(source, "Patient", FHX_ERR_ARGUMENT, NULL);
  check_resource(source, "", FHX_ERR_ARGUMENT, NULL);
  check_resource(source, "/p003", FHX_ERR_ARGUMENT, NULL);
  fhx_source_free(source);
}

/* --- writers, locks, damage --- */

/* Between batches no lock is held: a writer without patience gets through. What it changes is seen,
   and nothing is read twice. */
static void test_writer_between_batches(void **state) {
  (void)state;
  fhx__cursor cursor;
  fhx__rows rows;
  int64_t wait_us = 0;
  make_patients(10);
  fhx_source *source = open_table();
  sqlite3 *writer = open_writer();
  assert_int_equal(fhx__source_open(source, &patients, &cursor, NULL), FHX_OK);
  for (int i = 0; i < 10; i++) {
    char expected[32];
    snprintf(expected, sizeof expected, i < 5 ? "{\"n\":%d}" : "new", i);
    assert_int_equal(fhx__source_next(&cursor, 1, &rows, &wait_us, NULL), FHX_OK);
    assert_int_equal(rows.row_count, 1);
    assert_int_equal(rows.len, strlen(expected));
    assert_memory_equal(rows.data, expected, rows.len);
    if (i == 4) run(writer, "UPDATE resource SET json = 'new'");
    run(writer, "INSERT OR IGNORE INTO resource VALUES('Patient', 'a', 1, 'behind')");
  }
  assert_int_equal(fhx__source_next(&cursor, 1, &rows, &wait_us, NULL), FHX_END);
  assert_int_equal(fhx__source_next(&cursor, 1, &rows, &wait_us, NULL), FHX_END);
  fhx__source_close(&cursor);
  assert_int_equal(sqlite3_close(writer), SQLITE_OK);
  fhx_source_free(source);
}

static void test_locked(void **state) {
  (void)state;
  static walk seen;
  fhx_error *error = NULL;
  make_patients(10);
  fhx_source *source = open_table();
  sqlite3 *writer = open_writer();
  run(writer, "BEGIN EXCLUSIVE");
  assert_int_equal(walk_run(&seen, source, &patients, 1, &error), FHX_ERR_SOURCE);
  walk_check_error(error, FHX_ERR_SOURCE, 1,
                   "the source's next_rows: the database cannot be read: database is locked");
  run(writer, "ROLLBACK");
  assert_int_equal(walk_run(&seen, source, &patients, 1, NULL), FHX_OK);
  walk_clear(&seen);
  assert_int_equal(sqlite3_close(writer), SQLITE_OK);
  fhx_source_free(source);
}

static void test_damaged(void **state) {
  (void)state;
  make_patients(900);
  FILE *file = fopen(path, "r+b");
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
  make_patients(10);
  fhx_source *source = open_table();
  make("DROP TABLE resource");
  assert_int_equal(walk_run(&seen, source, &patients, 1, &error), FHX_ERR_SOURCE);
  walk_check_error(error, FHX_ERR_SOURCE, 0,
                   "the source's next_rows: the table cannot be read: no such table: resource");
  fhx_source_free(source);
  assert_int_equal(try_table(&source, NULL), FHX_ERR_SOURCE);
}

/* --- threads --- */

typedef struct reader {
  fhx_source *source;
  uint64_t row_count;
  int32_t status;
} reader;

/* cmocka's assertions are for the test's own thread. */
static void *read_all(void *argument) {
  reader *self = argument;
  fhx__cursor cursor;
  fhx__rows rows;
  int64_t wait_us = 0;
  self->status = fhx__source_open(self->source, &patients, &cursor, NULL);
  while (self->status == FHX_OK) {
    self->status = fhx__source_next(&cursor, 200, &rows, &wait_us, NULL);
    if (self->status == FHX_OK) self->row_count += rows.row_count;
  }
  fhx__source_close(&cursor);
  fhx_source_free(self->source);
  return NULL;
}

/* Cursors of one source on several threads, the last of which destroys it. */
static void test_threads(void **state) {
  (void)state;
  pthread_t threads[4];
  reader readers[4];
  make_patients(500);
  fhx_source *source = open_table();
  for (int i = 0; i < 4; i++) {
    readers[i] = (reader){fhx__source_ref(source), 0, FHX_OK};
    assert_int_equal(pthread_create(&threads[i], NULL, read_all, &readers[i]), 0);
  }
  fhx_source_free(source);
  for (int i = 0; i < 4; i++) {
    assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(readers[i].status, FHX_END);
    assert_int_equal(readers[i].row_count, 500);
  }
}

/* --- memory --- */

static void test_huge_row(void **state) {
  (void)state;
  const size_t huge = 40u << 20, want = 1u << 20;
  make(TABLE
       "INSERT INTO resource VALUES('Patient', 'm', 1, zeroblob(41943040));"
       "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < 2000) "
       "INSERT INTO resource SELECT 'Patient', printf('%s%04d', substr('az', i % 2 + 1, 1), i), 1, "
       "printf('%02000d', i) FROM n");
  weigh_begin();
  fhx__cursor cursor;
  fhx__rows rows;
  int64_t wait_us = 0;
  uint64_t row_count = 0, huge_count = 0;
  fhx_source *source = open_table();
  assert_int_equal(fhx__source_open(source, &patients, &cursor, NULL), FHX_OK);
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
  make(TABLE
       "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < 50000) "
       "INSERT INTO resource SELECT 'Patient', printf('p%05d', i), 1, NULL FROM n");
  weigh_begin();
  fhx_source *source = open_table();
  assert_int_equal(fhx__source_open(source, &patients, &cursor, NULL), FHX_OK);
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
  fhx_query query = patients;
  uint64_t count = 0, bytes = 0;
  int32_t status = try_table(&source, NULL);
  if (status != FHX_OK) return status;
  query.shard = "p002/p007";
  query.shard_len = 9;
  status = walk_run(&seen, source, &query, 20, NULL);
  assert_true(status != FHX_OK || seen.row_count == 5);
  walk_clear(&seen);
  if (status == FHX_OK) status = fhx__source_estimate(source, &query, &count, &bytes, NULL);
  if (status == FHX_OK) {
    status = fhx__source_list_shards(source, &patients, 3, &reply, NULL);
    fhx__reply_end(&reply);
  }
  if (status == FHX_OK) {
    status = fhx__source_list_types(source, &reply, NULL);
    fhx__reply_end(&reply);
  }
  if (status == FHX_OK) {
    status = fhx__source_read_resource(source, &patients, "Patient/p001", &reply, NULL);
    fhx__reply_end(&reply);
  }
  fhx_source_free(source);
  return status;
}

static void test_out_of_memory(void **state) {
  (void)state;
  make_patients(10);
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

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(test_whole_set),
      TEST(test_empty_table),
      TEST(test_collation),
      TEST(test_without_index),
      TEST(test_utf16),
      TEST(test_view),
      TEST(test_kinds_of_json),
      TEST(test_odd_names),
      TEST(test_missing_names),
      TEST(test_bad_options),
      TEST(test_no_database),
      TEST(test_unsound_ids),
      TEST(test_stamps),
      TEST(test_windows),
      TEST(test_shards),
      TEST(test_shards_of_later_rows),
      TEST(test_shards_of_odd_ids),
      TEST(test_bad_shard),
      TEST(test_list_types),
      TEST(test_estimate),
      TEST(test_clock),
      TEST(test_read_resource),
      TEST(test_writer_between_batches),
      TEST(test_locked),
      TEST(test_damaged),
      TEST(test_table_goes_away),
      TEST(test_threads),
      TEST(test_huge_row),
      TEST(test_empty_rows),
      TEST(test_out_of_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
