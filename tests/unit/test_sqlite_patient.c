/* The SQLite source's cursor over one patient, by the host's index. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

#include "sqlite_fixture.h"

#define INDEX "CREATE TABLE whose(type TEXT, id TEXT, who TEXT);"

/* Rows whose JSON says their number; the patient p has some of each type, b1 twice. */
static const char data[] = TABLE INDEX
    "INSERT INTO resource VALUES('A', 'a2', 20, '{\"n\":2}'), ('A', 'a1', 10, '{\"n\":1}'),"
    "  ('A', 'a3', NULL, '{\"n\":3}'), ('B', 'b1', 30, '{\"n\":4}'), ('B', 'b2', 40, '{\"n\":5}'),"
    "  ('C', 'b1', 50, '{\"n\":6}'), ('C', 'c9', 60, '{\"n\":7}');"
    "INSERT INTO whose VALUES('C', 'b1', 'p'), ('B', 'b1', 'p'), ('B', 'b1', 'p'), ('A', 'a3', "
    "'p'),"
    "  ('A', 'a1', 'p'), ('A', 'a2', 'p'), ('B', 'b2', 'q'), ('C', 'c9', 'P'), ('B', 'gone', 'p'),"
    "  (NULL, 'x', 'p'), ('B', NULL, 'p'), ('B', 7, 'p');";

static fhx_source *open_indexed(void) {
  fhx_sqlite_source_options options = table_options();
  fhx_source *source = NULL;
  options.patient_table = "whose";
  options.patient_column = "who";
  assert_int_equal(fhx_sqlite_source_new(&options, &source, NULL), FHX_OK);
  return source;
}

/* The numbers of the rows that come, one digit each, with a space between two replies. */
static void read_patient(const fhx_filter *filter, const char *patient, uint64_t want,
                         char numbers[100]) {
  const fhx_query query = {.resource_type = "", .selection = {.filter = filter}};
  fhx_source *source = open_indexed();
  fhx__cursor cursor;
  fhx__rows rows;
  int64_t wait_us = 0;
  size_t len = 0;
  int32_t status = fhx__source_open_patient(source, &query, patient, &cursor, NULL);
  assert_int_equal(status, FHX_OK);
  assert_int_equal(cursor.applied, FHX_APPLIED_PATIENTS);
  while ((status = fhx__source_next(&cursor, want, &rows, &wait_us, NULL)) == FHX_OK) {
    assert_null(rows.token);
    if (len != 0) numbers[len++] = ' ';
    for (size_t i = 0; i < rows.len; i++) {
      if (rows.data[i] >= '0' && rows.data[i] <= '9') numbers[len++] = (char)rows.data[i];
    }
  }
  assert_int_equal(status, FHX_END);
  numbers[len] = '\0';
  fhx__source_close(&cursor);
  fhx_source_free(source);
}

static void check(const fhx_filter *filter, const char *patient, uint64_t want,
                  const char *expected) {
  char numbers[100];
  read_patient(filter, patient, want, numbers);
  assert_string_equal(numbers, expected);
}

static fhx_filter *filter_of(const char *const *types) {
  fhx_filter *filter = NULL;
  assert_int_equal(fhx_filter_new(&filter, NULL), FHX_OK);
  for (; *types != NULL; types++) {
    assert_int_equal(fhx_filter_add_type(filter, *types, NULL), FHX_OK);
  }
  return filter;
}

/* In order of type and id, each once, what is not in the table not at all, whatever the batches:
   those of rows with a stamp and without are never the same. */
static void each_resource_once(void **state) {
  static const char *const all[] = {"C", "A", "B", NULL};
  (void)state;
  fhx_filter *filter = filter_of(all);
  for (int indexed = 0; indexed < 2; indexed++) {
    if (indexed == 0) table_make(data);
    if (indexed == 1) table_make("CREATE INDEX i ON whose(who, type, id)");
    check(filter, "p", 1, "1 2 3 4 6");
    check(filter, "p", 15, "12 3 46");
    check(filter, "p", 1000, "12 3 46");
    check(filter, "q", 1000, "5");
    check(filter, "P", 1000, "7");
    check(filter, "nobody", 1000, "");
  }
  fhx_filter_free(filter);
}

static void wanted_types_alone(void **state) {
  static const char *const sets[][3] = {{"A", NULL}, {"B", "C", NULL}, {"C", NULL}, {"D", NULL}};
  static const char *const expected[] = {"12 3", "46", "6", ""};
  (void)state;
  table_make(data);
  for (size_t i = 0; i < 4; i++) {
    fhx_filter *filter = filter_of(sets[i]);
    check(filter, "p", 1000, expected[i]);
    fhx_filter_free(filter);
  }
}

/* A stamp that is none drops nothing. */
static void the_window(void **state) {
  static const char *const all[] = {"A", "B", "C", NULL};
  (void)state;
  table_make(data);
  fhx_filter *filter = filter_of(all);
  assert_int_equal(fhx_filter_set_since(filter, "1970-01-01T00:00:00.000020Z", NULL), FHX_OK);
  assert_int_equal(fhx_filter_set_until(filter, "1970-01-01T00:00:00.000050Z", NULL), FHX_OK);
  check(filter, "p", 1000, "2 3 4");
  fhx_filter_free(filter);
}

/* No read transaction outlives a call: a writer goes on, and what it does is seen once or not. */
static void writers_go_on(void **state) {
  static const char *const all[] = {"A", "B", "C", NULL};
  (void)state;
  table_make(data);
  fhx_filter *filter = filter_of(all);
  const fhx_query query = {.resource_type = "", .selection = {.filter = filter}};
  fhx_source *source = open_indexed();
  fhx__cursor cursor;
  fhx__rows rows;
  int64_t wait_us = 0;
  assert_int_equal(fhx__source_open_patient(source, &query, "p", &cursor, NULL), FHX_OK);
  for (int i = 0; i < 5; i++) {
    assert_int_equal(fhx__source_next(&cursor, 1, &rows, &wait_us, NULL), FHX_OK);
    assert_int_equal(rows.row_count, 1);
    table_make("UPDATE resource SET last_updated = 70; DELETE FROM whose WHERE rowid = 7;");
  }
  assert_int_equal(fhx__source_next(&cursor, 1, &rows, &wait_us, NULL), FHX_END);
  fhx__source_close(&cursor);
  fhx_source_free(source);
  fhx_filter_free(filter);
}

static void names_are_checked(void **state) {
  (void)state;
  table_make(data);
  for (int i = 0; i < 3; i++) {
    fhx_sqlite_source_options options = table_options();
    fhx_source *source = NULL;
    fhx_error *error = NULL;
    static const char *const messages[] = {"no such table: absent", "no such column: p.patient",
                                           "no such column: p.absent"};
    options.patient_table = i == 0 ? "absent" : "whose";
    options.patient_column = i == 2 ? "absent" : NULL;
    assert_int_equal(fhx_sqlite_source_new(&options, &source, &error), FHX_ERR_SOURCE);
    assert_non_null(strstr(fhx_error_message(error), messages[i]));
    fhx_error_free(error);
  }
  fhx_source *source = table_open();
  assert_false(fhx__source_knows_patients(source));
  fhx_source_free(source);
  source = open_indexed();
  assert_true(fhx__source_knows_patients(source));
  fhx_source_free(source);
}

/* An id of another kind than text behind all text. */
static void ids_that_are_none(void **state) {
  static const char *const all[] = {"A", NULL};
  (void)state;
  table_make(TABLE INDEX
             "INSERT INTO resource VALUES('A', X'00', 1, '{}');"
             "INSERT INTO whose VALUES('A', X'00', 'p');");
  fhx_filter *filter = filter_of(all);
  const fhx_query query = {.resource_type = "", .selection = {.filter = filter}};
  fhx_source *source = open_indexed();
  fhx__cursor cursor;
  fhx__rows rows;
  fhx_error *error = NULL;
  int64_t wait_us = 0;
  assert_int_equal(fhx__source_open_patient(source, &query, "p", &cursor, NULL), FHX_OK);
  assert_int_equal(fhx__source_next(&cursor, 1, &rows, &wait_us, &error), FHX_ERR_SOURCE);
  assert_non_null(strstr(fhx_error_message(error), "id is not text"));
  fhx_error_free(error);
  fhx__source_close(&cursor);
  fhx_source_free(source);
  fhx_filter_free(filter);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      TABLE_TEST(each_resource_once), TABLE_TEST(wanted_types_alone), TABLE_TEST(the_window),
      TABLE_TEST(writers_go_on),      TABLE_TEST(names_are_checked),  TABLE_TEST(ids_that_are_none),
  };
  return cmocka_run_group_tests_name("the SQLite source's patients", tests, NULL, NULL);
}
