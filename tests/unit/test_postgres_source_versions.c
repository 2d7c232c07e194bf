/* The PostgreSQL source over a table with versions: as of a time, whatever is written meanwhile,
   deletions, and one patient's resources; and whole exports out of it. */
#include <fhirexport/job.h>

#include "support/memory_destination.h"
#include "support/outcome.h"
#include "support/require.h"
#include "unit/postgres_table.h"
#include "unit/source_walk.h"

#include <stdio.h>

/* Far enough back for every clock. */
#define T(us) "1577836800000000 + " #us
#define T_US(us) (INT64_C(1577836800000000) + (us))

#define VERSIONS                                                                         \
  "CREATE TABLE version(type text, id text COLLATE \"C\", last_updated bigint,"          \
  " since bigint, until bigint, gone boolean, json text, PRIMARY KEY(type, id, since));" \
  "CREATE TABLE whose(type text, id text COLLATE \"C\", patient text,"                   \
  " PRIMARY KEY(patient, type, id));"
#define PATIENT(id, n) "'{\"resourceType\":\"Patient\",\"id\":\"" id "\",\"n\":" n "}'"
#define OBSERVATION(id, patient)                    \
  "'{\"resourceType\":\"Observation\",\"id\":\"" id \
  "\",\"subject\":{\"reference\":"                  \
  "\"Patient/" patient "\"}}'"

/* a: two versions; b: deleted at 30; c: deleted at 20 and again there at 30; d: came at 40. */
static void make_versions(const char *more) {
  pg_make(VERSIONS "INSERT INTO version VALUES"
                   " ('Patient', 'a', " T(10) ", " T(10) ", " T(30) ", NULL, " PATIENT("a", "1") "),"
                   " ('Patient', 'a', " T(30) ", " T(30) ", NULL, false, " PATIENT("a", "2") "),"
                   " ('Patient', 'b', " T(10) ", " T(10) ", " T(30) ", false, " PATIENT("b", "1") "),"
                   " ('Patient', 'b', " T(30) ", " T(30) ", NULL, true, NULL),"
                   " ('Patient', 'c', " T(10) ", " T(10) ", " T(20) ", false, " PATIENT("c", "1") "),"
                   " ('Patient', 'c', " T(20) ", " T(20) ", " T(30) ", true, NULL),"
                   " ('Patient', 'c', " T(30) ", " T(30) ", 9223372036854775807, false, "
                   PATIENT("c", "3") "),"
                   " ('Patient', 'd', " T(40) ", " T(40) ", NULL, false, " PATIENT("d", "1") ");"
                   "INSERT INTO whose SELECT DISTINCT type, id, id FROM version");
  if (more != NULL) pg_make(more);
}

static fhx_postgres_source_options version_options(void) {
  fhx_postgres_source_options options = pg_options();
  options.table = "version";
  options.valid_from_column = "since";
  options.valid_to_column = "until";
  options.deleted_column = "gone";
  options.patient_table = "whose";
  options.stamp_resolution_us = 1;
  return options;
}

/* "a1 c3 ": ids and the number in each row. */
static void tell(const walk *seen, char told[256]) {
  size_t len = 0;
  for (size_t i = 0; i < seen->row_count; i++) {
    const char *id = strstr(seen->rows[i], "\"id\":\"");
    const char *n = strstr(seen->rows[i], "\"n\":");
    assert_non_null(id);
    len += (size_t)snprintf(told + len, 256 - len, "%c%c ", id[6], n == NULL ? '-' : n[4]);
  }
  told[len] = '\0';
}

static void check_as_of(fhx_source *source, int64_t as_of_us, const char *expected) {
  static walk seen;
  char told[256];
  fhx_query query = table_patients;
  query.as_of_us = as_of_us;
  assert_int_equal(walk_run(&seen, source, &query, 1, NULL), FHX_OK);
  assert_int_equal(seen.applied, FHX_APPLIED_TYPE | FHX_PROMISE_ASCENDING_IDS | FHX_APPLIED_AS_OF);
  tell(&seen, told);
  assert_string_equal(told, expected);
  walk_check_tokens(&seen, source, query);
  walk_clear(&seen);
}

static void a_past_state_is_read(void **state) {
  (void)state;
  make_versions(NULL);
  for (int i = 0; i < 2; i++) {
    const fhx_postgres_source_options options = version_options();
    fhx_source *source = pg_open_with(&options);
    check_as_of(source, T_US(9), "");
    check_as_of(source, T_US(10), "a1 b1 c1 ");
    check_as_of(source, T_US(20), "a1 b1 ");
    check_as_of(source, T_US(29), "a1 b1 ");
    check_as_of(source, T_US(30), "a2 c3 ");
    check_as_of(source, T_US(40), "a2 c3 d1 ");
    fhx_source_free(source);
    if (i == 1) break;
    /* The same with times, the end of all time among them. */
    pg_make(
        "ALTER TABLE version ALTER since TYPE timestamptz USING"
        " 'epoch'::timestamptz + since * interval '1 microsecond', ALTER until TYPE timestamptz"
        " USING CASE WHEN until = 9223372036854775807 THEN 'infinity' ELSE"
        " 'epoch'::timestamptz + until * interval '1 microsecond' END");
  }
}

/* A task that goes on elsewhere reads what the first one would have read. */
static void writes_do_not_change_it(void **state) {
  static walk before, after;
  (void)state;
  fhx_reply reply;
  fhx_query query = table_patients;
  const fhx_postgres_source_options options = version_options();
  make_versions("INSERT INTO version SELECT 'Patient', 'x' || lpad(i::text, 4, '0'), " T(5) ", " T(
      5) ", NULL, false, '{\"id\":\"x\",\"n\":' || i || '}' FROM generate_series(1, 500) AS i");
  query.as_of_us = T_US(30);
  fhx_source *source = pg_open_with(&options);
  assert_int_equal(walk_run(&before, source, &query, 500, NULL), FHX_OK);
  fhx_source_free(source);
  pg_make("UPDATE version SET until = " T(50) " WHERE until IS NULL;"
          "INSERT INTO version SELECT type, id, " T(50) ", " T(50) ", NULL, id > 'x0250', 'new'"
          " FROM version WHERE until = " T(50) ";"
          "INSERT INTO version VALUES('Patient', 'x0000', " T(50) ", " T(50) ", NULL, false, '')");
  source = pg_open_with(&options);
  assert_int_equal(walk_run(&after, source, &query, 700, NULL), FHX_OK);
  walk_check_same(&before, &after);
  walk_check_tokens(&before, source, query);
  assert_int_equal(fhx__source_read_resource(source, &query, "Patient/x0400", &reply, NULL),
                   FHX_OK);
  fhx__reply_end(&reply);
  query.as_of_us = T_US(50);
  assert_int_equal(fhx__source_read_resource(source, &query, "Patient/x0400", &reply, NULL),
                   FHX_ERR_NOT_FOUND);
  fhx__reply_end(&reply);
  walk_clear(&before);
  walk_clear(&after);
  fhx_source_free(source);
}

static void check_deleted(fhx_source *source, const char *since, int64_t as_of_us,
                          const char *expected) {
  char told[256];
  static walk seen;
  fhx_filter *filter = NULL;
  fhx__cursor cursor;
  fhx__rows rows;
  int64_t wait_us = 0;
  int32_t status = FHX_OK;
  assert_int_equal(fhx_filter_new(&filter, NULL), FHX_OK);
  assert_int_equal(fhx_filter_set_since(filter, since, NULL), FHX_OK);
  const fhx_query query = {
      .resource_type = "Patient", .selection = {.filter = filter}, .as_of_us = as_of_us};
  assert_int_equal(fhx__source_open_deleted(source, &query, &cursor, NULL), FHX_OK);
  memset(&seen, 0, sizeof seen);
  while ((status = fhx__source_next(&cursor, 1, &rows, &wait_us, NULL)) == FHX_OK) {
    walk_keep(&seen, &rows);
  }
  assert_int_equal(status, FHX_END);
  tell(&seen, told);
  assert_string_equal(told, expected);
  for (size_t i = 0; i < seen.row_count; i++) assert_true(seen.updated_us[i] >= T_US(20));
  walk_clear(&seen);
  fhx__source_close(&cursor);
  fhx_filter_free(filter);
}

/* Each with its last version; one that is there again is none; one without a version is bare. */
static void deletions_are_told(void **state) {
  (void)state;
  make_versions(
      "INSERT INTO version VALUES"
      " ('Patient', 'e', " T(25) ", " T(25) ", NULL, true, NULL)");
  const fhx_postgres_source_options options = version_options();
  fhx_source *source = pg_open_with(&options);
  check_deleted(source, "2020-01-01T00:00:00Z", T_US(20), "c1 ");
  check_deleted(source, "2020-01-01T00:00:00Z", T_US(30), "b1 e- ");
  check_deleted(source, "2020-01-01T00:00:00.000027Z", T_US(30), "b1 ");
  fhx_source_free(source);
}

static void check_patient(fhx_source *source, const fhx_filter *filter, const char *patient,
                          const char *expected) {
  char told[256];
  static walk seen;
  fhx__cursor cursor;
  fhx__rows rows;
  int64_t wait_us = 0;
  int32_t status = FHX_OK;
  const fhx_query query = {
      .resource_type = "", .selection = {.filter = filter}, .as_of_us = T_US(30)};
  assert_int_equal(fhx__source_open_patient(source, &query, patient, &cursor, NULL), FHX_OK);
  memset(&seen, 0, sizeof seen);
  while ((status = fhx__source_next(&cursor, 1, &rows, &wait_us, NULL)) == FHX_OK) {
    assert_null(rows.token);
    for (uint64_t i = 0; i < rows.row_count; i++) walk_keep_row(&seen, &rows, i);
  }
  assert_int_equal(status, FHX_END);
  tell(&seen, told);
  assert_string_equal(told, expected);
  walk_clear(&seen);
  fhx__source_close(&cursor);
}

/* Of the wanted types, type by type, each resource once, as of the time. */
static void a_patient_is_read(void **state) {
  (void)state;
  static const char *const types[] = {"Patient", "Observation", "Basic"};
  fhx_filter *filter = NULL;
  make_versions(
      "ALTER TABLE whose DROP CONSTRAINT whose_pkey, ALTER type DROP NOT NULL,"
      " ALTER id DROP NOT NULL;"
      "INSERT INTO version VALUES"
      " ('Observation', 'a', " T(1) ", " T(1) ", NULL, false, '{\"id\":\"a\",\"n\":7}'),"
      " ('Observation', 'z', " T(1) ", " T(1) ", " T(30) ", false, '{\"id\":\"z\",\"n\":8}'),"
      " ('Device', 'q', " T(1) ", " T(1) ", NULL, false, '{\"id\":\"q\",\"n\":9}'),"
      " ('Basic', 'a', " T(1) ", " T(1) ", NULL, false, '{\"id\":\"a\",\"n\":6}');"
      "INSERT INTO whose VALUES ('Observation', 'a', 'a'), ('Observation', 'a', 'a'),"
      " ('Observation', 'z', 'a'), ('Device', 'q', 'a'), ('Basic', 'a', 'a'), ('Basic', 'a', 'A'),"
      " ('Observation', 'no', 'a'), (NULL, 'x', 'a'), ('Observation', NULL, 'a')");
  fhx_postgres_source_options options = version_options();
  fhx_source *source = pg_open_with(&options);
  assert_int_equal(fhx_filter_new(&filter, NULL), FHX_OK);
  for (size_t i = 0; i < 3; i++) {
    assert_int_equal(fhx_filter_add_type(filter, types[i], NULL), FHX_OK);
  }
  check_patient(source, filter, "a", "a6 a7 a2 ");
  check_patient(source, filter, "A", "a6 ");
  check_patient(source, filter, "b", "");
  check_patient(source, filter, "nobody", "");
  check_patient(source, filter, "a' OR true --", "");
  fhx_source_free(source);
  fhx_filter_free(filter);
}

/* --- exports --- */

static const test_outcome *run_export(fhx_source *source, fhx_filter *filter, uint32_t flags) {
  static test_outcome got;
  const test_destination_knobs knobs = {.flags = 0};
  fhx_job_options options;
  fhx_job *job = NULL;
  FHX_INIT(&options);
  options.source = source;
  test_destination *destination = test_destination_new(&knobs, &options.destination);
  options.filter = filter;
  options.settle_us = -1;
  options.flags = flags;
  test_require_status(fhx_job_start(&options, &job, NULL), FHX_OK);
  test_require_status(fhx_job_run(job, NULL), FHX_OK);
  test_outcome_read(job, destination, &got);
  fhx_job_free(job);
  fhx_filter_free(filter);
  fhx_source_free(source);
  fhx_destination_free(options.destination);
  test_destination_end(destination);
  test_require_sound();
  return &got;
}

static void an_export_has_what_is_and_what_was(void **state) {
  (void)state;
  fhx_filter *filter = NULL;
  make_versions("INSERT INTO version VALUES"
                " ('Observation', 'o', " T(1) ", " T(1) ", " T(25) ", false, " OBSERVATION("o", "a")
                "), ('Observation', 'o', " T(25) ", " T(25) ", NULL, true, NULL),"
                " ('Observation', 'p', " T(27) ", " T(27) ", NULL, false, " OBSERVATION("p", "a")
                "), ('Device', 'x', " T(25) ", " T(25) ", NULL, true, NULL)");
  pg_make("INSERT INTO whose VALUES ('Observation', 'o', 'a'), ('Observation', 'p', 'a')");
  fhx_postgres_source_options options = version_options();
  assert_int_equal(fhx_filter_new(&filter, NULL), FHX_OK);
  assert_int_equal(fhx_filter_set_since(filter, "2020-01-01T00:00:00Z", NULL), FHX_OK);
  const test_outcome *got = run_export(pg_open_with(&options), filter, 0);
  assert_string_equal(got->output, "Observation/p Patient/a Patient/c Patient/d");
  assert_string_equal(got->deleted, "Device/x Observation/o Patient/b");
  assert_string_equal(got->errors, "");
  assert_int_equal(fhx_filter_new(&filter, NULL), FHX_OK);
  assert_int_equal(fhx_filter_set_since(filter, "2020-01-01T00:00:00.000026Z", NULL), FHX_OK);
  assert_int_equal(fhx_filter_add_patient(filter, "a", NULL), FHX_OK);
  got = run_export(pg_open_with(&options), filter, 0);
  assert_string_equal(got->output, "Observation/p Patient/a");
  assert_string_equal(got->deleted, "");
}

/* With a table of deletions beside a table without versions. */
static void deletions_have_a_table(void **state) {
  (void)state;
  fhx_filter *filter = NULL;
  pg_make(TABLE
          "CREATE TABLE gone(type text, id text, last_updated timestamptz, json text);"
          "INSERT INTO resource VALUES ('Patient', 'p1', " T(5) ", " PATIENT("p1", "1") ");"
          "INSERT INTO gone VALUES ('Observation', 'one', '2021-01-01', " OBSERVATION("one", "p1") "),"
          " ('Observation', 'bare', '2021-01-01', NULL), ('Device', 'd', '2021-01-01', NULL),"
          " ('Observation', 'before', '2019-12-31', " OBSERVATION("before", "p1") "),"
          " ('Observation', 'future', '2100-01-01', " OBSERVATION("future", "p1") ")");
  fhx_postgres_source_options options = pg_options();
  options.deleted_table = "gone";
  assert_int_equal(fhx_filter_new(&filter, NULL), FHX_OK);
  assert_int_equal(fhx_filter_set_since(filter, "2020-01-01T00:00:00Z", NULL), FHX_OK);
  const test_outcome *got = run_export(pg_open_with(&options), filter, 0);
  assert_string_equal(got->output, "Patient/p1");
  assert_string_equal(got->deleted, "Device/d Observation/bare Observation/one");
  assert_string_equal(got->errors, "");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      TABLE_TEST(a_past_state_is_read),
      TABLE_TEST(writes_do_not_change_it),
      TABLE_TEST(deletions_are_told),
      TABLE_TEST(a_patient_is_read),
      TABLE_TEST(an_export_has_what_is_and_what_was),
      TABLE_TEST(deletions_have_a_table),
  };
  if (test_is_without("postgres")) {
    puts("skipped: run without postgres");
    return 77;
  }
  const int failures =
      cmocka_run_group_tests_name("versions in the PostgreSQL source", tests, NULL, NULL);
  place_end();
  return failures;
}
