/* The source over an SQLite table, all but its walks: what it takes to be opened, the callbacks
   beside the cursor's, and other writers and threads at the same table. The walks are in
   test_sqlite_source_walk.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

#include "unit/sqlite_fixture.h"

/* --- options --- */

static void check_options_fail(const fhx_sqlite_source_options *options, int32_t status,
                               const char *message) {
  fhx_source *source = NULL;
  fhx_error *error = NULL;
  assert_int_equal(fhx_sqlite_source_new(options, &source, &error), status);
  assert_string_equal(fhx_error_message(error), message);
  assert_int_equal(fhx_error_status(error), status);
  assert_int_equal(fhx_error_retryable(error), 0);
  fhx_error_free(error);
  assert_null(source);
}

/* A name that is no column must not pass for a string. */
static void test_missing_names(void **state) {
  (void)state;
  table_make(TABLE);
  for (int i = 0; i < 5; i++) {
    static const char *const messages[] = {
        "the table cannot be read: no such table: absent",
        "the table cannot be read: no such column: r.absent",
        "the table cannot be read: no such column: r.absent",
        "the table cannot be read: no such column: r.absent",
        "the table cannot be read: no such column: r.absent",
    };
    fhx_sqlite_source_options options = table_options();
    const char **names[] = {&options.table, &options.type_column, &options.id_column,
                            &options.updated_column, &options.json_column};
    *names[i] = "absent";
    check_options_fail(&options, FHX_ERR_SOURCE, messages[i]);
  }
}

static void test_bad_options(void **state) {
  (void)state;
  table_make(TABLE);
  fhx_sqlite_source_options options = table_options();
  options.stamp_resolution_us = -1;
  check_options_fail(&options, FHX_ERR_ARGUMENT, "stamp_resolution_us is below 0");
  options = table_options();
  options.path = "";
  check_options_fail(&options, FHX_ERR_ARGUMENT, "an SQLite source needs a path");
  options.path = NULL;
  check_options_fail(&options, FHX_ERR_ARGUMENT, "an SQLite source needs a path");
  options = table_options();
  options.size = 4;
  assert_int_equal(fhx_sqlite_source_new(&options, NULL, NULL), FHX_ERR_STRUCT_SIZE);
  options = table_options();
  assert_int_equal(fhx_sqlite_source_new(&options, NULL, NULL), FHX_ERR_ARGUMENT);
}

static void test_no_database(void **state) {
  (void)state;
  char message[TEST_PATH_MAX + 128];
  fhx_sqlite_source_options options = table_options();
  snprintf(message, sizeof message, "the database \"%s\" cannot be opened: %s", table_path,
           "No such file or directory");
  check_options_fail(&options, FHX_ERR_NOT_FOUND, message);
  FILE *file = fopen(table_path, "wb");
  assert_non_null(file);
  for (int i = 0; i < 1000; i++) assert_true(fputs("This is no database. ", file) >= 0);
  fclose(file);
  check_options_fail(&options, FHX_ERR_SOURCE,
                     "the database cannot be read: file is not a database");
}

/* --- the callbacks beside the cursor's --- */

static void test_list_types(void **state) {
  (void)state;
  static const char *const types[] = {"Encounter", "Patient", "Patienta"};
  fhx_reply reply;
  table_make_patients(20);
  table_make(
      "INSERT INTO resource VALUES('', 'a', 1, ''), ('patient', 'a', 1, ''), ('A_b', 'a', 1, ''),"
      "(NULL, 'a', 1, ''), (x'41', 'a', 1, ''), (7, 'a', 1, ''),"
      "('Patient' || char(0) || 'x', 'a', 1, '')");
  fhx_source *source = table_open();
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
  fhx_query query = table_patients;
  table_make_patients(100);
  fhx_source *source = table_open();
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
  table_make(TABLE);
  fhx_source *source = table_open();
  assert_int_equal(fhx__source_clock(source, &(fhx_clock){0}, &now_us, &resolution_us, NULL),
                   FHX_OK);
  assert_true(now_us > INT64_C(1700000000000000));
  assert_int_equal(resolution_us, 1000);
  assert_int_equal(fhx__source_snapshot_ready(source, now_us, &wait_us, NULL), FHX_ERR_UNSUPPORTED);
  fhx_source_free(source);
  fhx_sqlite_source_options options = table_options();
  options.stamp_resolution_us = 1000000;
  assert_int_equal(fhx_sqlite_source_new(&options, &source, NULL), FHX_OK);
  assert_int_equal(fhx__source_clock(source, &(fhx_clock){0}, &now_us, &resolution_us, NULL),
                   FHX_OK);
  assert_int_equal(resolution_us, 1000000);
  fhx_source_free(source);
}

static void test_read_resource(void **state) {
  (void)state;
  table_make_patients(10);
  table_make(
      "INSERT INTO resource VALUES('Patient', 'null', 1, NULL),"
      "('Patient', 'blob', 1, CAST('{}' AS BLOB))");
  fhx_source *source = table_open();
  table_check_resources(source);
  table_check_resource(source, "Patient/blob", FHX_OK, "{}");
  fhx_source_free(source);
}

/* --- writers and threads --- */

/* Between batches no lock is held: a writer without patience gets through. What it changes is seen,
   and nothing is read twice. */
static void test_writer_between_batches(void **state) {
  (void)state;
  fhx__cursor cursor;
  fhx__rows rows;
  int64_t wait_us = 0;
  table_make_patients(10);
  fhx_source *source = table_open();
  sqlite3 *writer = table_open_writer();
  assert_int_equal(fhx__source_open(source, &table_patients, &cursor, NULL), FHX_OK);
  for (int i = 0; i < 10; i++) {
    char expected[32];
    snprintf(expected, sizeof expected, i < 5 ? "{\"n\":%d}" : "new", i);
    assert_int_equal(fhx__source_next(&cursor, 1, &rows, &wait_us, NULL), FHX_OK);
    assert_int_equal(rows.row_count, 1);
    assert_int_equal(rows.len, strlen(expected));
    assert_memory_equal(rows.data, expected, rows.len);
    if (i == 4) table_run(writer, "UPDATE resource SET json = 'new'");
    table_run(writer, "INSERT OR IGNORE INTO resource VALUES('Patient', 'a', 1, 'behind')");
  }
  assert_int_equal(fhx__source_next(&cursor, 1, &rows, &wait_us, NULL), FHX_END);
  assert_int_equal(fhx__source_next(&cursor, 1, &rows, &wait_us, NULL), FHX_END);
  fhx__source_close(&cursor);
  assert_int_equal(sqlite3_close(writer), SQLITE_OK);
  fhx_source_free(source);
}

/* Cursors of one source on several threads, the last of which destroys it. */
static void test_threads(void **state) {
  (void)state;
  table_make_patients(500);
  fhx_source *source = table_open();
  table_check_threads(source, 500);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      TABLE_TEST(test_missing_names), TABLE_TEST(test_bad_options),
      TABLE_TEST(test_no_database),   TABLE_TEST(test_list_types),
      TABLE_TEST(test_estimate),      TABLE_TEST(test_clock),
      TABLE_TEST(test_read_resource), TABLE_TEST(test_writer_between_batches),
      TABLE_TEST(test_threads),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
