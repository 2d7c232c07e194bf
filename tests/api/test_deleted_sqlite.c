/* Deletions out of an SQLite table (MAN-13): whole rows, and rows without JSON. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>
#include <fhirexport/job.h>
#include <sqlite3.h>

#include "support/folder.h"
#include "support/memory_destination.h"
#include "support/outcome.h"
#include "support/require.h"

/* Microseconds; far enough back for every clock. */
#define SINCE "2020-01-01T00:00:00Z"
#define SINCE_US "1577836800000000"

#define TABLES                                                         \
  "CREATE TABLE resource(type TEXT, id TEXT, last_updated, json TEXT," \
  " PRIMARY KEY(type, id));"                                           \
  "CREATE TABLE gone(type TEXT, id TEXT, last_updated, json TEXT, PRIMARY KEY(type, id));"
#define PATIENT(id) "'{\"resourceType\":\"Patient\",\"id\":\"" id "\"}'"
#define OBSERVATION(id, patient)                                                       \
  "'{\"resourceType\":\"Observation\",\"id\":\"" id                                    \
  "\",\"meta\":{\"lastUpdated\":\"2001-01-01T00:00:00Z\"},\"subject\":{\"reference\":" \
  "\"Patient/" patient "\"}}'"

static char folder[TEST_PATH_MAX];
static char path[TEST_PATH_MAX];

static int set_up(void **state) {
  (void)state;
  test_folder_new(folder);
  test_path_join(path, folder, "records.db");
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  test_folder_remove(folder);
  return 0;
}

static void run_sql(const char *sql) {
  sqlite3 *writer = NULL;
  assert_int_equal(sqlite3_open(path, &writer), SQLITE_OK);
  assert_int_equal(sqlite3_exec(writer, sql, NULL, NULL, NULL), SQLITE_OK);
  sqlite3_close(writer);
}

static int32_t open_source(const char *deleted_table, fhx_source **source, fhx_error **error) {
  fhx_sqlite_source_options options;
  FHX_INIT(&options);
  options.path = path;
  options.deleted_table = deleted_table;
  return fhx_sqlite_source_new(&options, source, error);
}

static fhx_filter *everything(void) {
  fhx_filter *filter = NULL;
  assert_int_equal(fhx_filter_new(&filter, NULL), FHX_OK);
  assert_int_equal(fhx_filter_set_since(filter, SINCE, NULL), FHX_OK);
  return filter;
}

/* Runs the export, whose filter is freed. */
static const test_outcome *run_export(fhx_filter *filter, uint64_t part_bytes) {
  static test_outcome got;
  const test_destination_knobs knobs = {.flags = 0};
  fhx_job_options options;
  fhx_job *job = NULL;
  FHX_INIT(&options);
  assert_int_equal(open_source("gone", &options.source, NULL), FHX_OK);
  test_destination *destination = test_destination_new(&knobs, &options.destination);
  options.filter = filter;
  options.settle_us = -1;
  options.part_bytes = part_bytes;
  test_require_status(fhx_job_start(&options, &job, NULL), FHX_OK);
  test_require_status(fhx_job_run(job, NULL), FHX_OK);
  test_outcome_read(job, destination, &got);
  fhx_job_free(job);
  fhx_filter_free(filter);
  fhx_source_free(options.source);
  fhx_destination_free(options.destination);
  test_destination_end(destination);
  test_require_sound();
  return &got;
}

static void make_clinic(void) {
  run_sql(TABLES "INSERT INTO resource VALUES"
                 " ('Patient', 'p1', " SINCE_US " + 5, " PATIENT("p1") "),"
                 " ('Observation', 'again', " SINCE_US " + 9, " OBSERVATION("again", "p1") ");"
                 "INSERT INTO gone VALUES"
                 " ('Observation', 'again', " SINCE_US " + 5, " OBSERVATION("again", "p1") "),"
                 " ('Observation', 'at', " SINCE_US ", " OBSERVATION("at", "p1") "),"
                 " ('Observation', 'bare', " SINCE_US " + 5, NULL),"
                 " ('Observation', 'before', " SINCE_US " - 5, " OBSERVATION("before", "p1") "),"
                 " ('Observation', 'future', 9000000000000000, " OBSERVATION("future", "p1") "),"
                 " ('Observation', 'one', " SINCE_US " + 1, " OBSERVATION("one", "p1") "),"
                 " ('Observation', 'text', '2021-01-01T00:00:00Z', " OBSERVATION("text", "p2") "),"
                 " ('Device', 'd', " SINCE_US " + 5, NULL);");
}

/* A type of which nothing is left is one of the source's all the same. */
static void everything_is_told(void **state) {
  (void)state;
  make_clinic();
  const test_outcome *got = run_export(everything(), 0);
  assert_string_equal(got->deleted, "Device/d Observation/bare Observation/one Observation/text");
  assert_string_equal(got->output, "Observation/again Patient/p1");
  assert_string_equal(got->errors, "");
}

static void whose_it_was_is_in_its_last_version(void **state) {
  (void)state;
  make_clinic();
  fhx_filter *filter = everything();
  assert_int_equal(fhx_filter_set_all_patients(filter, NULL), FHX_OK);
  assert_string_equal(run_export(filter, 0)->deleted, "Observation/one Observation/text");
  filter = everything();
  assert_int_equal(fhx_filter_add_patient(filter, "p1", NULL), FHX_OK);
  assert_string_equal(run_export(filter, 0)->deleted, "Observation/one");
}

static void a_type_of_deletions_can_be_named(void **state) {
  (void)state;
  make_clinic();
  fhx_filter *filter = everything();
  assert_int_equal(fhx_filter_add_type(filter, "Device", NULL), FHX_OK);
  assert_string_equal(run_export(filter, 0)->deleted, "Device/d");
}

static void bad_rows_are_told(void **state) {
  (void)state;
  run_sql(TABLES "INSERT INTO resource VALUES ('Patient', 'p1', 5, " PATIENT(
      "p1") ");"
            "INSERT INTO gone VALUES"
            " ('Patient', 'a\"}, {\"', " SINCE_US
            " + 5, NULL),"
            " ('Patient', 'undated', NULL, NULL), ('Patient', 'good', " SINCE_US
            " + 5, NULL),"
            " ('Patient', 'empty', " SINCE_US " + 5, '');");
  const test_outcome *got = run_export(everything(), 0);
  assert_string_equal(got->deleted, "Patient/good");
  assert_non_null(strstr(got->errors, "the deletion of Patient/undated was not exported"));
  assert_non_null(strstr(got->errors, "the deletion of a resource of type Patient"));
}

/* Parts roll within the walk over ids, and nothing is told twice. */
static void many_are_walked_in_order(void **state) {
  (void)state;
  run_sql(TABLES "INSERT INTO resource VALUES ('Patient', 'p1', 5, " PATIENT(
      "p1") ");"
            "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 699)"
            " INSERT INTO gone SELECT 'Patient', printf('x%04d', i), " SINCE_US
            " + 1, NULL"
            " FROM n;");
  const test_outcome *got = run_export(everything(), 20000);
  assert_int_equal(strlen(got->deleted), 700 * 14 - 1);
  assert_int_equal(strncmp(got->deleted, "Patient/x0000 Patient/x0001 ", 28), 0);
  assert_true(got->part_count > 1);
}

static void the_table_must_be_there(void **state) {
  fhx_source *source = NULL;
  fhx_error *error = NULL;
  (void)state;
  make_clinic();
  assert_true(open_source("nothing", &source, &error) < 0);
  assert_null(source);
  assert_non_null(strstr(fhx_error_message(error), "nothing"));
  fhx_error_free(error);
  assert_int_equal(open_source(NULL, &source, NULL), FHX_OK);
  fhx_source_free(source);
}

#define DELETED_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      DELETED_TEST(everything_is_told),
      DELETED_TEST(whose_it_was_is_in_its_last_version),
      DELETED_TEST(a_type_of_deletions_can_be_named),
      DELETED_TEST(bad_rows_are_told),
      DELETED_TEST(many_are_walked_in_order),
      DELETED_TEST(the_table_must_be_there),
  };
  return cmocka_run_group_tests_name("deletions in SQLite", tests, NULL, NULL);
}
