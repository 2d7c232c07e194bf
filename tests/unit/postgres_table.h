/* A PostgreSQL table of resources, in a schema of each test's own, and the source over it. */
#ifndef TEST_UNIT_POSTGRES_TABLE_H
#define TEST_UNIT_POSTGRES_TABLE_H

#include "unit/postgres_place.h"
#include "unit/table_walks.h"

/* SQL that makes the table, with the names that the source expects. */
#define TABLE                                                                               \
  "CREATE TABLE resource(type text, id text COLLATE \"C\", last_updated bigint, json text," \
  " PRIMARY KEY(type, id));"

/* The place of the running test. */
extern place pg_at;

/* cmocka's; the state is not used. */
int pg_setup(void **state);
int pg_teardown(void **state);

/* As table_kind has them. */
void pg_make_patients(int count);
void pg_make(const char *sql);

/* With the connection and nothing else. */
fhx_postgres_source_options pg_options(void);
int32_t pg_try(fhx_source **source, fhx_error **error);
/* Must succeed. */
fhx_source *pg_open(void);
fhx_source *pg_open_with(const fhx_postgres_source_options *options);

/* One of cmocka's tests. */
#define TABLE_TEST(function) cmocka_unit_test_setup_teardown(function, pg_setup, pg_teardown)

#endif
