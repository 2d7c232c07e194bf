/* The fixture of the tests of the source over an SQLite table. */
#include "sqlite_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

char table_path[TEST_PATH_MAX];
static char folder[TEST_PATH_MAX];

int table_setup(void **state) {
  (void)state;
  test_folder_new(folder);
  test_path_join(table_path, folder, "resources.db");
  return 0;
}

int table_teardown(void **state) {
  (void)state;
  test_folder_remove(folder);
  return 0;
}

sqlite3 *table_open_writer(void) {
  sqlite3 *writer = NULL;
  assert_int_equal(sqlite3_open(table_path, &writer), SQLITE_OK);
  return writer;
}

void table_run(sqlite3 *writer, const char *sql) {
  char *message = NULL;
  if (sqlite3_exec(writer, sql, NULL, NULL, &message) == SQLITE_OK) return;
  fail_msg("%s: %s", sql, message);
}

void table_make(const char *sql) {
  sqlite3 *writer = table_open_writer();
  table_run(writer, sql);
  assert_int_equal(sqlite3_close(writer), SQLITE_OK);
}

/* Ids p000, p001, ..., written in another order; JSON that says its number. */
void table_make_patients(int count) {
  char sql[512];
  snprintf(sql, sizeof sql,
           TABLE
           "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < %d) "
           "INSERT INTO resource SELECT 'Patient', printf('p%%03d', i), %lld + i, "
           "printf('{\"n\":%%d}', i) FROM n ORDER BY i * 7919 %% 1009;",
           count, (long long)US_2026);
  table_make(sql);
  table_make("INSERT INTO resource VALUES('Encounter', 'e', 1, '{}'), ('Patienta', 'x', 1, '{}')");
}

fhx_sqlite_source_options table_options(void) {
  fhx_sqlite_source_options options;
  FHX_INIT(&options);
  options.path = table_path;
  return options;
}

int32_t table_try(fhx_source **source, fhx_error **error) {
  fhx_sqlite_source_options options = table_options();
  return fhx_sqlite_source_new(&options, source, error);
}

fhx_source *table_open(void) {
  fhx_source *source = NULL;
  assert_int_equal(table_try(&source, NULL), FHX_OK);
  return source;
}
