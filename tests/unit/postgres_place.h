/* Stores in a PostgreSQL server of the test program's own, each in a schema of its own. */
#ifndef TEST_UNIT_POSTGRES_PLACE_H
#define TEST_UNIT_POSTGRES_PLACE_H

#include <fhirexport/store.h>

#include "support/postgres_server.h"

typedef struct place {
  char schema[32];
  char conninfo[256];
} place;

/* The server, started by the first call. */
test_postgres *place_server(void);
/* At the end of the program. */
void place_end(void);

/* A schema that is not there yet. */
void place_new(place *at);
void place_drop(const place *at);

int32_t place_try_open(const place *at, fhx_clock_callback clock, void *clock_user_data,
                       fhx_store **store, fhx_error **error);
/* Must succeed. */
fhx_store *place_open(const place *at);

/* Runs SQL in that schema; it must succeed. The first column of the first row as a number, 0 for
   none. */
long long place_sql(const place *at, const char *sql);

#endif
