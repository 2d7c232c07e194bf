/*
 * Walks of the source over an SQLite table: order, tokens, shards, stamps, windows, odd and broken
 * tables, memory. All else about that source is in test_sqlite_source.c.
 *
 * ctest labels: onethread
 */
#include "unit/source_walk.h"

#include <stdio.h>

#include "unit/sqlite_fixture.h"
#include "unit/table_walks.h"

static table_kind kind = {
    .name = "an SQLite table",
    .make = table_make,
    .make_patients = table_make_patients,
    .try_open = table_try,
    .schema = TABLE,
    .odd_ids =
        "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 40) "
        "INSERT INTO resource SELECT 'Patient', CASE i % 3 WHEN 0 THEN printf('a/%03d', i) "
        "WHEN 1 THEN printf('b%03d', i) ELSE printf('c %03d', i) END, i, printf('%d', i) FROM n",
    .huge_row =
        "INSERT INTO resource VALUES('Patient', 'm', 1, zeroblob(41943040));"
        "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < 2000) "
        "INSERT INTO resource SELECT 'Patient', printf('%s%04d', substr('az', i % 2 + 1, 1), i), "
        "1, "
        "printf('%02000d', i) FROM n",
    .empty_rows =
        "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < 50000) "
        "INSERT INTO resource SELECT 'Patient', printf('p%05d', i), 1, NULL FROM n",
    .token_step = 1,
};

/* --- tables of every shape --- */

/* Ids come in the order of their bytes, whatever the columns' collation; types are told apart. */
static void test_collation(void **state) {
  (void)state;
  static const char *const rows[] = {"1", "2", "3", "4"};
  table_make(
      "CREATE TABLE resource(type TEXT COLLATE NOCASE, id TEXT COLLATE NOCASE, last_updated, json);"
      "INSERT INTO resource VALUES('Patient', 'b', 1, '4'), ('Patient', 'B', 1, '2'),"
      "('Patient', 'a', 1, '3'), ('Patient', 'A', 1, '1'), ('patient', 'a', 1, '0')");
  table_check(&kind, rows, 4);
}

static void test_without_index(void **state) {
  (void)state;
  static const char *const rows[] = {"1", "2", "3"};
  table_make(
      "CREATE TABLE resource(json, last_updated, id, type);"
      "INSERT INTO resource VALUES('3', 1, 'c', 'Patient'), ('1', 1, 'a', 'Patient'),"
      "('2', 1, 'b', 'Patient')");
  table_check(&kind, rows, 3);
}

static void test_utf16(void **state) {
  (void)state;
  static const char *const rows[] = {"{\"x\":\"\xC3\xA4\"}", "2"};
  table_make("PRAGMA encoding = 'UTF-16le';" TABLE
             "INSERT INTO resource VALUES('Patient', 'a', 1, '{\"x\":\"\xC3\xA4\"}'),"
             "('Patient', 'b', 1, '2')");
  table_check(&kind, rows, 2);
}

static void test_view(void **state) {
  (void)state;
  static const char *const rows[] = {"one", "two"};
  table_make(
      "CREATE TABLE patient(key TEXT PRIMARY KEY, body TEXT);"
      "INSERT INTO patient VALUES('b', 'two'), ('a', 'one');"
      "CREATE VIEW resource AS SELECT 'Patient' AS type, key AS id, NULL AS last_updated,"
      "body AS json FROM patient");
  table_check(&kind, rows, 2);
}

/* One row that is no resource does not stop the others (ERR-04): the library reports it. */
static void test_kinds_of_json(void **state) {
  (void)state;
  static const char *const rows[] = {"{\"a\":1}", "{\"b\":1}", "", "", "12", ""};
  table_make(TABLE
             "INSERT INTO resource VALUES('Patient', 'a', 1, '{\"a\":1}'),"
             "('Patient', 'b', 1, CAST('{\"b\":1}' AS BLOB)), ('Patient', 'c', 1, NULL),"
             "('Patient', 'd', 1, ''), ('Patient', 'e', 1, 12), ('Patient', 'f', 1, zeroblob(0))");
  table_check(&kind, rows, 6);
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
  table_check_patients(source, rows, 2);
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

static void test_windows(void **state) {
  (void)state;
  static const char *const always[] = {"null", "text", "real", NULL};
  table_make(
      TABLE
      "INSERT INTO resource VALUES('Patient', 'a', 9, '9'), ('Patient', 'b', 10, '10'),"
      "('Patient', 'c', 11, '11'), ('Patient', 'd', 12, '12'), ('Patient', 'e', NULL, 'null'),"
      "('Patient', 'f', '1970-01-01T00:00:00Z', 'text'), ('Patient', 'g', 1.5, 'real')");
  table_check_windows(&kind, always);
}

/* --- walks that fail --- */

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
    table_check_walk_fails(&kind, cases[i].message);
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
  table_check_walk_fails(
      &kind,
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

#define TABLE_WALK(function) \
  cmocka_unit_test_prestate_setup_teardown(function, table_setup, table_teardown, &kind)

int main(void) {
  const struct CMUnitTest tests[] = {
      TABLE_WALK(table_test_whole_set),
      TABLE_WALK(table_test_empty_table),
      TABLE_TEST(test_collation),
      TABLE_TEST(test_without_index),
      TABLE_TEST(test_utf16),
      TABLE_TEST(test_view),
      TABLE_TEST(test_kinds_of_json),
      TABLE_TEST(test_odd_names),
      TABLE_TEST(test_stamps),
      TABLE_TEST(test_windows),
      TABLE_WALK(table_test_shards),
      TABLE_WALK(table_test_shards_of_later_rows),
      TABLE_WALK(table_test_shards_after_estimate),
      TABLE_WALK(table_test_shards_of_odd_ids),
      TABLE_WALK(table_test_bad_shard),
      TABLE_TEST(test_unsound_ids),
      TABLE_TEST(test_locked),
      TABLE_TEST(test_damaged),
      TABLE_TEST(test_table_goes_away),
      TABLE_WALK(table_test_huge_row),
      TABLE_WALK(table_test_empty_rows),
      TABLE_WALK(table_test_out_of_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
