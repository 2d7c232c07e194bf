/* The server of the tests of the PostgreSQL store. */
#include "postgres_place.h"

#include <libpq-fe.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

static test_postgres the_server;

test_postgres *place_server(void) {
  if (*the_server.folder == '\0') test_postgres_new(&the_server);
  return &the_server;
}

void place_end(void) {
  if (*the_server.folder != '\0') test_postgres_free(&the_server);
}

void place_new(place *at) {
  static unsigned count;
  snprintf(at->schema, sizeof at->schema, "Jobs_%u", ++count);
  snprintf(at->conninfo, sizeof at->conninfo, "host=%.63s user=fhx dbname=postgres",
           place_server()->folder);
}

long long place_sql(const place *at, const char *sql) {
  char path[128];
  long long number = 0;
  PGconn *raw = PQconnectdb(at->conninfo);
  if (PQstatus(raw) != CONNECTION_OK) fail_msg("%s", PQerrorMessage(raw));
  snprintf(path, sizeof path, "SET client_min_messages = warning; SET search_path = \"%s\"",
           at->schema);
  PQclear(PQexec(raw, path));
  PGresult *result = PQexec(raw, sql);
  const ExecStatusType status = PQresultStatus(result);
  if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) {
    fail_msg("%s: %s", sql, PQresultErrorMessage(result));
  }
  if (status == PGRES_TUPLES_OK && PQntuples(result) > 0) {
    number = strtoll(PQgetvalue(result, 0, 0), NULL, 10);
  }
  PQclear(result);
  PQfinish(raw);
  return number;
}

void place_drop(const place *at) {
  char sql[128];
  snprintf(sql, sizeof sql, "DROP SCHEMA IF EXISTS \"%s\" CASCADE", at->schema);
  place_sql(at, sql);
}

int32_t place_try_open(const place *at, fhx_clock_callback clock, void *clock_user_data,
                       fhx_store **store, fhx_error **error) {
  fhx_postgres_store_options options;
  fhx_postgres_store_options_init(&options, sizeof options);
  options.conninfo = at->conninfo;
  options.schema = at->schema;
  options.clock = clock;
  options.clock_user_data = clock_user_data;
  return fhx_postgres_store_new(&options, store, error);
}

fhx_store *place_open(const place *at) {
  fhx_store *store = NULL;
  fhx_error *error = NULL;
  if (place_try_open(at, NULL, NULL, &store, &error) != FHX_OK) {
    fail_msg("%s", fhx_error_message(error));
  }
  return store;
}
