/* Walks of the source over a PostgreSQL table: order, tokens, shards, stamps, windows, odd and
   broken tables, memory. All else about that source is in test_postgres_source.c. */
#include "unit/source_walk.h"

#include <stdio.h>

#include "support/require.h"
#include "unit/postgres_table.h"
#include "unit/table_walks.h"

static table_kind kind = {
    .name = "a PostgreSQL table",
    .make = pg_make,
    .make_patients = pg_make_patients,
    .try_open = pg_try,
    .schema = TABLE,
    .odd_ids =
        "INSERT INTO resource SELECT 'Patient', CASE i % 3 WHEN 0 THEN 'a/' WHEN 1 THEN 'b'"
        " ELSE 'c ' END || lpad(i::text, 3, '0'), i, i::text FROM generate_series(0, 40) AS i",
    .huge_row =
        "INSERT INTO resource VALUES('Patient', 'm', 1, repeat('x', 41943040));"
        "INSERT INTO resource SELECT 'Patient', substr('az', i % 2 + 1, 1) || lpad(i::text, 4, "
        "'0'),"
        " 1, lpad(i::text, 2000, '0') FROM generate_series(0, 1999) AS i",
    .empty_rows =
        "INSERT INTO resource SELECT 'Patient', 'p' || lpad(i::text, 5, '0'), 1, NULL"
        " FROM generate_series(0, 49999) AS i",
    .token_step = 7,
};

/* --- tables of every shape --- */

static void test_without_index(void **state) {
  (void)state;
  static const char *const rows[] = {"1", "2", "3"};
  pg_make(
      "CREATE TABLE resource(json text, last_updated bigint, id varchar, type varchar);"
      "INSERT INTO resource VALUES('3', 1, 'c', 'Patient'), ('1', 1, 'a', 'Patient'),"
      "('2', 1, 'b', 'Patient')");
  table_check(&kind, rows, 3);
}

static void test_view(void **state) {
  (void)state;
  static const char *const rows[] = {"one", "two"};
  pg_make(
      "CREATE TABLE patient(key TEXT PRIMARY KEY, body TEXT);"
      "INSERT INTO patient VALUES('b', 'two'), ('a', 'one');"
      "CREATE VIEW resource AS SELECT 'Patient'::text AS type, key AS id, NULL::bigint AS"
      " last_updated,"
      "body AS json FROM patient");
  table_check(&kind, rows, 2);
}

static void test_odd_names(void **state) {
  (void)state;
  static const char *const rows[] = {"1", "2"};
  pg_make(
      "CREATE TABLE \"re\"\"so;urce'\"(\"a \"\"type\" TEXT, \"select\" TEXT, \"\xC3\xA4]\" bigint, "
      "\"json`\" TEXT);"
      "INSERT INTO \"re\"\"so;urce'\" VALUES('Patient', 'b', 2, '2'), ('Patient', 'a', 1, '1')");
  fhx_postgres_source_options options = pg_options();
  options.table = "re\"so;urce'";
  options.type_column = "a \"type";
  options.id_column = "select";
  options.updated_column = "\xC3\xA4]";
  options.json_column = "json`";
  fhx_source *source = pg_open_with(&options);
  table_check_patients(source, rows, 2);
  fhx_source_free(source);
}

/* --- stamps and windows --- */

static void test_windows(void **state) {
  (void)state;
  static const char *const always[] = {"null", NULL};
  pg_make(TABLE
          "INSERT INTO resource VALUES('Patient', 'a', 9, '9'), ('Patient', 'b', 10, '10'),"
          "('Patient', 'c', 11, '11'), ('Patient', 'd', 12, '12'),"
          "('Patient', 'e', NULL, 'null')");
  table_check_windows(&kind, always);
  pg_make(
      "ALTER TABLE resource ALTER last_updated TYPE timestamptz USING"
      " 'epoch'::timestamptz + last_updated * interval '1 microsecond'");
  table_check_windows(&kind, always);
}

static void check_stamps(const int64_t *updated_us, size_t batch_count) {
  static walk seen;
  fhx_source *source = pg_open();
  assert_int_equal(walk_run(&seen, source, &table_patients, 1u << 20, NULL), FHX_OK);
  assert_int_equal(seen.row_count, 5);
  assert_int_equal(seen.token_count, batch_count);
  for (size_t i = 0; i < 5; i++) assert_true(seen.updated_us[i] == updated_us[i]);
  walk_check_tokens(&seen, source, table_patients);
  walk_clear(&seen);
  fhx_source_free(source);
}

/* A batch has all stamps or none, so what is known is never thrown away for a neighbour. */
static void test_stamps(void **state) {
  (void)state;
  static const int64_t as_text[] = {1500000, 1500000, FHX_TIME_NONE, FHX_TIME_NONE, -1};
  static const int64_t as_time[] = {1500000, 1500001, FHX_TIME_NONE, FHX_TIME_NONE,
                                    INT64_C(-62135596800000000)};
  pg_make(
      "CREATE TABLE resource(type text, id text, last_updated text, json text);"
      "INSERT INTO resource VALUES('Patient', 'a', '1970-01-01T00:00:01.5Z', '1'),"
      "('Patient', 'b', '1970-01-01T01:00:01.5000009+01:00', '2'), ('Patient', 'c', NULL, '3'),"
      "('Patient', 'd', 'yesterday', '4'), ('Patient', 'e', '1969-12-31T23:59:59.999999Z', '5')");
  check_stamps(as_text, 3);
  pg_make(
      "UPDATE resource SET last_updated = CASE id WHEN 'd' THEN 'infinity' WHEN 'e' THEN"
      " '0001-01-01T00:00:00Z' ELSE last_updated END;"
      "ALTER TABLE resource ALTER last_updated TYPE timestamptz USING last_updated::timestamptz");
  check_stamps(as_time, 3);
}

/* --- walks that fail --- */

static void test_unsound_ids(void **state) {
  (void)state;
  static const struct {
    const char *values;
    const char *message;
  } cases[] = {
      {"('Patient', 'a', 1, ''), ('Patient', NULL, 1, '')",
       "the source's next_rows: the table has a row whose id is not text"},
      {"('Patient', '', 1, '')",
       "the source's next_rows: the table has a row whose id is empty or too long"},
      {"('Patient', repeat('x', 4097), 1, '')",
       "the source's next_rows: the table has a row whose id is empty or too long"},
      {"('Patient', 'a', 1, '{}'), ('Patient', 'a', 1, '{}')",
       "the source's next_rows: the table has two rows of one type and id: it must hold one for "
       "each"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char sql[256];
    pg_make("DROP TABLE IF EXISTS resource");
    snprintf(sql, sizeof sql,
             "CREATE TABLE resource(type text, id text, last_updated bigint, json text);"
             "INSERT INTO resource VALUES%s",
             cases[i].values);
    pg_make(sql);
    table_check_walk_fails(&kind, cases[i].message);
  }
}

/* Rows that the database breaks off are not the last ones. */
static void test_broken_off(void **state) {
  (void)state;
  fhx__cursor cursor;
  fhx__rows rows;
  fhx_error *error = NULL;
  int64_t wait_us = 0;
  pg_make(
      "CREATE TABLE part AS SELECT lpad(i::text, 4, '0') COLLATE \"C\" AS id, i FROM "
      "generate_series(1, 2000) AS"
      " i; ALTER TABLE part ADD PRIMARY KEY (id);"
      "CREATE VIEW resource AS SELECT 'Patient'::text AS type, id, NULL::bigint AS last_updated,"
      " repeat('x', 100 + 1 / (1500 - i)) AS json FROM part");
  fhx_source *source = pg_open();
  assert_int_equal(fhx__source_open(source, &table_patients, &cursor, NULL), FHX_OK);
  uint64_t row_count = 0;
  int32_t status = FHX_OK;
  while ((status = fhx__source_next(&cursor, 1000, &rows, &wait_us, &error)) == FHX_OK) {
    row_count += rows.row_count;
  }
  assert_int_equal(status, FHX_ERR_SOURCE);
  assert_non_null(strstr(fhx_error_message(error), "refused the statement (SQLSTATE 22012)"));
  assert_in_range(row_count, 1, 1499);
  fhx_error_free(error);
  fhx__source_close(&cursor);
  fhx_source_free(source);
}

/* One row that is no resource does not stop the others (ERR-04): the library reports it. Texts are
   as they were written, also in a json column. */
static void test_kinds_of_json(void **state) {
  (void)state;
  static const char *const rows[] = {"{\"b\":1.10,\"a\" : \"\\u00e4\"}", "", "12"};
  static const char *const kinds[] = {"text", "varchar", "json",
                                      "bytea USING convert_to(json::text, 'UTF8')"};
  pg_make(TABLE
          "INSERT INTO resource VALUES('Patient', 'a', 1, '{\"b\":1.10,\"a\" : \"\\u00e4\"}'),"
          "('Patient', 'b', 1, NULL), ('Patient', 'c', 1, '12')");
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
    char sql[128];
    snprintf(sql, sizeof sql, "ALTER TABLE resource ALTER json TYPE %s%s", kinds[i],
             i == 2 ? " USING json::json" : "");
    pg_make(sql);
    table_check(&kind, rows, 3);
  }
}

/* Ids come in the order of their bytes, whatever the column's collation. */
static void test_collation(void **state) {
  (void)state;
  static const char *const rows[] = {"1", "2", "3", "4"};
  pg_make(
      "CREATE TABLE resource(type text COLLATE \"en-x-icu\", id text COLLATE \"en-x-icu\","
      " last_updated bigint, json text);"
      "INSERT INTO resource VALUES('Patient', 'b', 1, '4'), ('Patient', 'B', 1, '2'),"
      "('Patient', 'a', 1, '3'), ('Patient', 'A', 1, '1'), ('patient', 'a', 1, '0')");
  table_check(&kind, rows, 4);
}

/* What an id or a type is made of is never SQL: tokens and types go into a statement that takes no
   parameters. */
static void test_hostile_values(void **state) {
  (void)state;
  static const char *const types[] = {"Patient'", "Patient' OR true --", "Patient\\'", "$1",
                                      "') TO STDOUT; DROP TABLE resource; --"};
  static const char *const rows[] = {"1", "2", "3", "4", "5", "6", "7", "8"};
  pg_make(TABLE
          "INSERT INTO resource VALUES('Patient', '$1', 1, '1'), ('Patient', '''', 1, '2'),"
          "('Patient', ''') TO STDOUT; DROP TABLE resource; --', 1, '3'),"
          "('Patient', '''; DELETE FROM resource; --', 1, '4'), ('Patient', '\\', 1, '5'),"
          "('Patient', '\\'' OR true --', 1, '6'), ('Patient', '\\x41', 1, '7'),"
          "('Patient', '\xC3\xA4', 1, '8')");
  table_check(&kind, rows, 8);
  fhx_source *source = pg_open();
  for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
    static walk seen;
    fhx_query query = table_patients;
    query.resource_type = types[i];
    assert_int_equal(walk_run(&seen, source, &query, 1, NULL), FHX_OK);
    assert_int_equal(seen.row_count, 0);
    walk_clear(&seen);
  }
  fhx_source_free(source);
  assert_int_equal(place_sql(&pg_at, "SELECT count(*) FROM resource"), 8);
}

static void test_few_rows_a_reply(void **state) {
  (void)state;
  static walk seen;
  pg_make_patients(10);
  for (uint64_t rows_max = 1; rows_max < 12; rows_max++) {
    fhx_postgres_source_options options = pg_options();
    options.rows_max = rows_max;
    fhx_source *source = pg_open_with(&options);
    assert_int_equal(walk_run(&seen, source, &table_patients, 1u << 20, NULL), FHX_OK);
    assert_int_equal(seen.row_count, 10);
    assert_int_equal(seen.token_count, (10 + rows_max - 1) / rows_max);
    walk_check_tokens(&seen, source, table_patients);
    walk_clear(&seen);
    fhx_source_free(source);
  }
}

/* However the table lies on disk, rows come from the index at once and in its order; so do those
   behind a token. */
static void test_plan(void **state) {
  (void)state;
  pg_make(TABLE
          "INSERT INTO resource SELECT 'Patient', md5(i::text), i, repeat('x', 500)"
          " FROM generate_series(1, 20000) AS i; ANALYZE resource");
  assert_int_equal(
      place_sql(&pg_at,
                "CREATE FUNCTION sorts() RETURNS int LANGUAGE plpgsql AS $$ DECLARE line text;"
                " n int := 0; BEGIN SET LOCAL enable_sort = off; FOR line IN EXPLAIN SELECT r.id,"
                " r.last_updated, r.json FROM resource AS r WHERE r.type = 'Patient' AND r.id"
                " COLLATE \"C\" > '7' ORDER BY r.id COLLATE \"C\" LOOP IF line ~ 'Sort' THEN"
                " n := n + 1; END IF; END LOOP; RETURN n; END $$; SELECT sorts()"),
      0);
}

#define TABLE_WALK(function) \
  cmocka_unit_test_prestate_setup_teardown(function, pg_setup, pg_teardown, &kind)

int main(void) {
  const struct CMUnitTest tests[] = {
      TABLE_WALK(table_test_whole_set),
      TABLE_WALK(table_test_empty_table),
      TABLE_TEST(test_collation),
      TABLE_TEST(test_without_index),
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
      TABLE_TEST(test_broken_off),
      TABLE_TEST(test_hostile_values),
      TABLE_TEST(test_few_rows_a_reply),
      TABLE_TEST(test_plan),
      TABLE_WALK(table_test_huge_row),
      TABLE_WALK(table_test_empty_rows),
      TABLE_WALK(table_test_out_of_memory),
  };
  if (test_is_without("postgres")) {
    puts("skipped: run without postgres");
    return 77;
  }
  const int failures =
      cmocka_run_group_tests_name("walks of the PostgreSQL source", tests, NULL, NULL);
  place_end();
  return failures;
}
