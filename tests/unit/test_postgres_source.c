/* The source over a PostgreSQL table, all but its walks: what it takes to be opened, and the
   callbacks beside the cursor's. The walks are in test_postgres_source_walk.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

#include "support/require.h"
#include "unit/postgres_table.h"

#define SECRET "correct-horse"

/* --- options --- */

static void check_fails(const fhx_postgres_source_options *options, int32_t status,
                        uint32_t retryable, const char *words) {
  fhx_source *source = NULL;
  fhx_error *error = NULL;
  assert_int_equal(fhx_postgres_source_new(options, &source, &error), status);
  assert_non_null(strstr(fhx_error_message(error), words));
  assert_null(strstr(fhx_error_message(error), SECRET));
  assert_int_equal(fhx_error_retryable(error), retryable);
  fhx_error_free(error);
  assert_null(source);
}

static void missing_names_are_told(void **state) {
  (void)state;
  pg_make(TABLE "CREATE TABLE whose(type text, id text, who text)");
  for (int i = 0; i < 11; i++) {
    fhx_postgres_source_options options = pg_options();
    const char **names[] = {
        &options.table,          &options.type_column,    &options.id_column,
        &options.updated_column, &options.json_column,    &options.deleted_table,
        &options.patient_table,  &options.patient_column, &options.schema,
        &options.deleted_column, &options.valid_to_column};
    if (i == 7) options.patient_table = "whose";
    if (i >= 9) options.valid_from_column = "last_updated";
    if (i == 9) options.valid_to_column = "last_updated";
    *names[i] = "absent";
    check_fails(&options, FHX_ERR_SOURCE, 0, "does not exist");
    check_fails(&options, FHX_ERR_SOURCE, 0, "absent");
  }
}

static void columns_have_their_types(void **state) {
  (void)state;
  static const char *const tables[] = {
      "CREATE TABLE resource(type text, id text, last_updated bigint, json jsonb)",
      "CREATE TABLE resource(type text, id bigint, last_updated bigint, json text)",
      "CREATE TABLE resource(type int, id text, last_updated bigint, json text)",
      "CREATE TABLE resource(type text, id text, last_updated timestamp, json text)",
      "CREATE TABLE resource(type text, id text, last_updated date, json text)",
  };
  static const char *const messages[] = {
      "the column \"json\" must be text, varchar, json or bytea; jsonb keeps no resource as it was",
      "the column \"id\" must be text or varchar",
      "the column \"type\" must be text or varchar",
      "the column \"last_updated\" must be bigint, timestamptz, text or varchar",
      "the column \"last_updated\" must be bigint, timestamptz, text or varchar",
  };
  for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
    pg_make("DROP TABLE IF EXISTS resource");
    pg_make(tables[i]);
    const fhx_postgres_source_options options = pg_options();
    check_fails(&options, FHX_ERR_SOURCE, 0, messages[i]);
  }
}

static void options_are_checked(void **state) {
  (void)state;
  pg_make(TABLE);
  fhx_postgres_source_options options = pg_options();
  options.stamp_resolution_us = -1;
  check_fails(&options, FHX_ERR_ARGUMENT, 0, "stamp_resolution_us is below 0");
  options = pg_options();
  options.patience_us = -1;
  check_fails(&options, FHX_ERR_ARGUMENT, 0, "patience_us is below 0");
  options = pg_options();
  options.connections_max = 1001;
  check_fails(&options, FHX_ERR_ARGUMENT, 0, "connections_max is above 1000");
  options = pg_options();
  options.valid_to_column = "last_updated";
  check_fails(&options, FHX_ERR_ARGUMENT, 0, "belong together");
  options = pg_options();
  options.deleted_column = "json";
  check_fails(&options, FHX_ERR_ARGUMENT, 0, "deleted_column needs");
  options = pg_options();
  options.table = "";
  check_fails(&options, FHX_ERR_ARGUMENT, 0, "1 to 63 bytes");
  options.table = "a23456789012345678901234567890123456789012345678901234567890zzzz";
  check_fails(&options, FHX_ERR_ARGUMENT, 0, "1 to 63 bytes");
  options.table = "\xFF";
  check_fails(&options, FHX_ERR_ARGUMENT, 0, "1 to 63 bytes");
  options = pg_options();
  options.conninfo = "";
  check_fails(&options, FHX_ERR_ARGUMENT, 0, "needs a conninfo");
  options.conninfo = NULL;
  check_fails(&options, FHX_ERR_ARGUMENT, 0, "needs a conninfo");
  options.conninfo = "password=" SECRET " nonsense";
  check_fails(&options, FHX_ERR_ARGUMENT, 0, "no connection string");
  options.size = 4;
  assert_int_equal(fhx_postgres_source_new(&options, NULL, NULL), FHX_ERR_STRUCT_SIZE);
  options = pg_options();
  assert_int_equal(fhx_postgres_source_new(&options, NULL, NULL), FHX_ERR_ARGUMENT);
}

/* Whoever cannot come in learns why, and nothing of the connection string. */
static void doors_stay_closed(void **state) {
  (void)state;
  char conninfo[300];
  const char *folder = place_server()->folder;
  fhx_postgres_source_options options = pg_options();
  options.conninfo = conninfo;
  snprintf(conninfo, sizeof conninfo, "host=%s user=fhx dbname=%s", folder, SECRET);
  check_fails(&options, FHX_ERR_SOURCE, 0, "no such database (SQLSTATE 3D000)");
  snprintf(conninfo, sizeof conninfo, "host=%s user=%s dbname=postgres", folder, SECRET);
  check_fails(&options, FHX_ERR_SOURCE, 0, "(SQLSTATE 28000)");
  snprintf(conninfo, sizeof conninfo, "postgresql://fhx:%s@127.0.0.1:1/postgres", SECRET);
  check_fails(&options, FHX_ERR_SOURCE, 1, "the database cannot be reached");
  pg_make(TABLE "CREATE ROLE reader LOGIN");
  snprintf(conninfo, sizeof conninfo, "host=%s user=reader dbname=postgres", folder);
  check_fails(&options, FHX_ERR_SOURCE, 0, "lacks a privilege (SQLSTATE 42501)");
  pg_make("DROP ROLE reader");
  pg_make("SELECT 1");
}

/* --- the callbacks beside the cursor's --- */

static void types_are_listed(void **state) {
  (void)state;
  static const char *const types[] = {"Basic", "Encounter", "Patient", "Patienta", "Zebra"};
  fhx_reply reply;
  pg_make_patients(20);
  pg_make(
      "CREATE TABLE gone(type text, id text, last_updated bigint, json text);"
      "INSERT INTO gone VALUES('Zebra', 'z', 1, NULL), ('Basic', 'b', 1, NULL),"
      " ('Patient', 'p', 1, NULL);"
      "ALTER TABLE resource DROP CONSTRAINT resource_pkey;"
      "ALTER TABLE resource ALTER COLUMN type DROP NOT NULL;"
      "INSERT INTO resource VALUES('', 'a', 1, ''), ('patient', 'a', 1, ''), ('A_b', 'a', 1, ''),"
      "(NULL, 'a', 1, '')");
  fhx_postgres_source_options options = pg_options();
  options.deleted_table = "gone";
  fhx_source *source = pg_open_with(&options);
  assert_int_equal(fhx__source_list_types(source, &reply, NULL), FHX_OK);
  assert_int_equal(fhx__reply_item_count(&reply), 5);
  for (size_t i = 0; i < 5; i++) {
    size_t len = 0;
    const char *type = fhx__reply_item_at(&reply, i, &len);
    assert_int_equal(len, strlen(types[i]));
    assert_memory_equal(type, types[i], len);
  }
  fhx__reply_end(&reply);
  fhx_source_free(source);
}

static void estimates_are_close(void **state) {
  (void)state;
  static const char *const kinds[] = {"text", "json", "bytea USING convert_to(json::text, 'UTF8')"};
  uint64_t count = 0, bytes = 0;
  pg_make_patients(100);
  for (size_t i = 0; i < 3; i++) {
    fhx_query query = table_patients;
    char sql[128];
    snprintf(sql, sizeof sql, "ALTER TABLE resource ALTER json TYPE %s%s", kinds[i],
             i == 1 ? " USING json::json" : "");
    pg_make(sql);
    fhx_source *source = pg_open();
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
}

static void the_clock_is_the_databases(void **state) {
  (void)state;
  int64_t now_us = 0, resolution_us = 0, wait_us = 0;
  pg_make(TABLE "CREATE TABLE clock(last_us bigint); INSERT INTO clock VALUES(41)");
  fhx_source *source = pg_open();
  assert_int_equal(fhx__source_clock(source, &(fhx_clock){0}, &now_us, &resolution_us, NULL),
                   FHX_OK);
  assert_true(now_us > INT64_C(1700000000000000));
  assert_int_equal(resolution_us, 1000);
  assert_int_equal(fhx__source_snapshot_ready(source, now_us, &wait_us, NULL), FHX_ERR_UNSUPPORTED);
  fhx_source_free(source);
  char sql[128];
  fhx_postgres_source_options options = pg_options();
  snprintf(sql, sizeof sql, "UPDATE \"%s\".clock SET last_us = last_us + 1 RETURNING last_us",
           pg_at.schema);
  options.clock_sql = sql;
  options.stamp_resolution_us = 1;
  source = pg_open_with(&options);
  assert_int_equal(fhx__source_clock(source, &(fhx_clock){0}, &now_us, &resolution_us, NULL),
                   FHX_OK);
  assert_int_equal(now_us, 42);
  assert_int_equal(resolution_us, 1);
  assert_int_equal(fhx__source_snapshot_ready(source, now_us, &wait_us, NULL), FHX_OK);
  assert_int_equal(place_sql(&pg_at, "SELECT last_us FROM clock"), 42);
  fhx_source_free(source);
  options.clock_sql = "SELECT 'noon'";
  source = pg_open_with(&options);
  assert_int_equal(fhx__source_clock(source, &(fhx_clock){0}, &now_us, &resolution_us, NULL),
                   FHX_ERR_SOURCE);
  fhx_source_free(source);
}

static void single_resources_are_read(void **state) {
  (void)state;
  pg_make_patients(10);
  pg_make("INSERT INTO resource VALUES('Patient', 'null', 1, NULL)");
  fhx_source *source = pg_open();
  table_check_resources(source);
  fhx_source_free(source);
}

/* --- writers and threads --- */

/* A cursor reads the state at which it was opened, and nobody waits for it. */
static void writers_go_on(void **state) {
  (void)state;
  fhx__cursor cursor;
  fhx__rows rows;
  int64_t wait_us = 0;
  pg_make_patients(10);
  fhx_source *source = pg_open();
  assert_int_equal(fhx__source_open(source, &table_patients, &cursor, NULL), FHX_OK);
  for (int i = 0; i < 10; i++) {
    char expected[32];
    snprintf(expected, sizeof expected, "{\"n\":%d}", i);
    assert_int_equal(fhx__source_next(&cursor, 1, &rows, &wait_us, NULL), FHX_OK);
    assert_int_equal(rows.row_count, 1);
    assert_int_equal(rows.len, strlen(expected));
    assert_memory_equal(rows.data, expected, rows.len);
    pg_make("SET lock_timeout = '2s'; UPDATE resource SET json = 'new'");
  }
  assert_int_equal(fhx__source_next(&cursor, 1, &rows, &wait_us, NULL), FHX_END);
  assert_int_equal(fhx__source_next(&cursor, 1, &rows, &wait_us, NULL), FHX_END);
  fhx__source_close(&cursor);
  fhx_source_free(source);
}

/* Cursors of one source on several threads, of which two wait for connections of the others; the
   last one destroys it. */
static void threads_share_a_source(void **state) {
  (void)state;
  pg_make_patients(500);
  fhx_postgres_source_options options = pg_options();
  options.connections_max = 2;
  fhx_source *source = pg_open_with(&options);
  table_check_threads(source, 500);
}

/* Connections are used again, and all are gone with the source. */
static void connections_are_few(void **state) {
  (void)state;
  static const char count[] =
      "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'fhirexport'";
  fhx_reply reply;
  uint64_t row_count = 0;
  pg_make_patients(10);
  const long long before = place_sql(&pg_at, count);
  fhx_source *source = pg_open();
  for (int i = 0; i < 20; i++) {
    assert_int_equal(table_read_all(source, &row_count), FHX_END);
    assert_int_equal(fhx__source_list_types(source, &reply, NULL), FHX_OK);
    fhx__reply_end(&reply);
  }
  assert_int_equal(place_sql(&pg_at, count), before + 1);
  fhx_source_free(source);
  for (int i = 0; i < 500 && place_sql(&pg_at, count) > before; i++) continue;
  assert_int_equal(place_sql(&pg_at, count), before);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      TABLE_TEST(missing_names_are_told),
      TABLE_TEST(columns_have_their_types),
      TABLE_TEST(options_are_checked),
      TABLE_TEST(doors_stay_closed),
      TABLE_TEST(types_are_listed),
      TABLE_TEST(estimates_are_close),
      TABLE_TEST(the_clock_is_the_databases),
      TABLE_TEST(single_resources_are_read),
      TABLE_TEST(writers_go_on),
      TABLE_TEST(threads_share_a_source),
      TABLE_TEST(connections_are_few),
  };
  if (test_is_without("postgres")) {
    puts("skipped: run without postgres");
    return 77;
  }
  const int failures = cmocka_run_group_tests_name("the PostgreSQL source", tests, NULL, NULL);
  place_end();
  return failures;
}
