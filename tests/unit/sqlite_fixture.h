/* An SQLite table of resources, in a folder of each test's own, and the source over it. */
#ifndef TEST_UNIT_SQLITE_FIXTURE_H
#define TEST_UNIT_SQLITE_FIXTURE_H

#include <sqlite3.h>

#include "source/source.h"
#include "support/folder.h"

#define US_2026 INT64_C(1767225600000000)

/* SQL that makes the table, with the names that the source expects. */
#define TABLE                                                           \
  "CREATE TABLE resource(type TEXT, id TEXT, last_updated, json TEXT, " \
  "PRIMARY KEY(type, id));"

/* All of type Patient, with a filter that takes everything. */
extern const fhx_query table_patients;
/* The database of the running test. */
extern char table_path[TEST_PATH_MAX];

/* cmocka's; the state is not used. */
int table_setup(void **state);
int table_teardown(void **state);

sqlite3 *table_open_writer(void);
/* Both fail the test where the SQL fails; table_make() opens and closes a writer of its own. */
void table_run(sqlite3 *writer, const char *sql);
void table_make(const char *sql);
/* A new table with `count` rows of Patient: ids p000, p001, ..., written in another order; JSON
   that says its number; stamps from US_2026 on. It also has one Encounter and one Patienta. */
void table_make_patients(int count);

/* With the path and nothing else. */
fhx_sqlite_source_options table_options(void);
int32_t table_try(fhx_source **source, fhx_error **error);
/* Must succeed. */
fhx_source *table_open(void);

/* One of cmocka's tests. */
#define TABLE_TEST(function) cmocka_unit_test_setup_teardown(function, table_setup, table_teardown)

#endif
