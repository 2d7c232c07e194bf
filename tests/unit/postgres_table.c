/* The fixture of the tests of the source over a PostgreSQL table. */
#include "unit/postgres_table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

place pg_at;

int pg_setup(void **state) {
  (void)state;
  char sql[64];
  place_new(&pg_at);
  snprintf(sql, sizeof sql, "CREATE SCHEMA \"%.31s\"", pg_at.schema);
  place_sql(&pg_at, sql);
  return 0;
}

int pg_teardown(void **state) {
  (void)state;
  place_drop(&pg_at);
  return 0;
}

void pg_make(const char *sql) {
  place_sql(&pg_at, sql);
}

/* Ids p000, p001, ..., written in another order; JSON that says its number. */
void pg_make_patients(int count) {
  char sql[512];
  snprintf(sql, sizeof sql,
           TABLE
           "INSERT INTO resource SELECT 'Patient', 'p' || lpad(i::text, 3, '0'), %lld + i,"
           " '{\"n\":' || i || '}' FROM generate_series(0, %d - 1) AS i"
           " ORDER BY i * 7919 %% 1009;"
           "INSERT INTO resource VALUES('Encounter', 'e', 1, '{}'), ('Patienta', 'x', 1, '{}')",
           (long long)US_2026, count);
  pg_make(sql);
}

fhx_postgres_source_options pg_options(void) {
  fhx_postgres_source_options options;
  FHX_INIT(&options);
  options.conninfo = pg_at.conninfo;
  options.schema = pg_at.schema;
  return options;
}

int32_t pg_try(fhx_source **source, fhx_error **error) {
  fhx_postgres_source_options options = pg_options();
  return fhx_postgres_source_new(&options, source, error);
}

fhx_source *pg_open_with(const fhx_postgres_source_options *options) {
  fhx_source *source = NULL;
  fhx_error *error = NULL;
  if (fhx_postgres_source_new(options, &source, &error) != FHX_OK) {
    fail_msg("%s", fhx_error_message(error));
  }
  return source;
}

fhx_source *pg_open(void) {
  fhx_postgres_source_options options = pg_options();
  return pg_open_with(&options);
}
