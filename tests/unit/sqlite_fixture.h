/* An SQLite table of resources, in a folder of each test's own, and the source over it. */
#ifndef TEST_UNIT_SQLITE_FIXTURE_H
#define TEST_UNIT_SQLITE_FIXTURE_H

#include <sqlite3.h>

#include "support/folder.h"
#include "unit/table_walks.h"

/* SQL that makes the table, with the names that the source expects. */
#define TABLE                                                           \
  "CREATE TABLE resource(type TEXT, id TEXT, last_updated, json TEXT, " \
  "PRIMARY KEY(type, id));"

/* The database of the running test. */
extern char table_path[TEST_PATH_MAX];

/* cmocka's; the state is not used. */
int table_setup(void **state);
int table_teardown(void **state);

sqlite3 *table_open_writer(void);
/* Both fail the test where the SQL fails; table_make() opens and closes a writer of its own. */
void table_run(sqlite3 *writer, const char *sql);
void table_make(const char *sql);
/* As table_kind has it. */
void table_make_patients(int count);

/* With the path and nothing else. */
fhx_sqlite_source_options table_options(void);
int32_t table_try(fhx_source **source, fhx_error **error);
/* Must succeed. */
fhx_source *table_open(void);

/* One of cmocka's tests. */
#define TABLE_TEST(function) cmocka_unit_test_setup_teardown(function, table_setup, table_teardown)

#endif
