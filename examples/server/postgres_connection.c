/*
 * Connections to PostgreSQL. libpq's own words are not told: they may quote what was sent. Its
 * SQLSTATE is.
 */
#include "postgres_connection.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* What libpq has to say beside its answers is nothing to print. */
static void be_quiet(void *context, const PGresult *notice) {
  (void)context;
  (void)notice;
}

/* Terse messages have nothing but the SQLSTATE behind two blanks. */
static void tell_problem(const PGconn *connection, struct text *problem) {
  const char *message = connection == NULL ? "" : PQerrorMessage(connection);
  const char *code = strstr(message, ":  ");
  if (code != NULL && strlen(code) >= 8) {
    text_add_format(problem, "the database lets nobody in: SQLSTATE %.5s", code + 3);
  } else {
    text_add_string(problem, "the database cannot be reached");
  }
}

PGconn *pg_connect(const char *url, struct text *problem) {
  static const char *const names[] = {"connect_timeout", "fallback_application_name", "dbname",
                                      "client_encoding", NULL};
  const char *const values[] = {"10", "fhirexport-server", url, "UTF8", NULL};
  PGconn *connection = PQconnectStartParams(names, values, 1);
  PostgresPollingStatusType state = PGRES_POLLING_FAILED;
  if (connection != NULL && PQstatus(connection) != CONNECTION_BAD) {
    PQsetErrorVerbosity(connection, PQERRORS_SQLSTATE);
    PQsetNoticeReceiver(connection, be_quiet, NULL);
    /* Started, so that the messages are terse from the beginning; PQreset waits for the rest. */
    PQreset(connection);
    if (PQstatus(connection) == CONNECTION_OK) state = PGRES_POLLING_OK;
  }
  if (state == PGRES_POLLING_OK) return connection;
  if (problem != NULL) tell_problem(connection, problem);
  PQfinish(connection);
  return NULL;
}

static PGresult *judge(PGresult *result) {
  const ExecStatusType status = PQresultStatus(result);
  if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK) return result;
  PQclear(result);
  return NULL;
}

/* The values as libpq takes them; false: one is too long. */
static bool spread(const struct pg_value *values, int count, const char **texts, int *lengths,
                   int *formats) {
  for (int i = 0; i < count; i++) {
    texts[i] = values[i].text;
    lengths[i] = (int)values[i].len;
    formats[i] = values[i].is_bytes ? 1 : 0;
    if (values[i].len > INT_MAX) return false;
  }
  return true;
}

PGresult *pg_run(PGconn *connection, const char *sql, const struct pg_value *values, int count) {
  const char *texts[PG_VALUES_MAX];
  int lengths[PG_VALUES_MAX], formats[PG_VALUES_MAX];
  if (!spread(values, count, texts, lengths, formats)) return NULL;
  return judge(PQexecParams(connection, sql, count, NULL, texts, lengths, formats, 0));
}

PGresult *pg_run_prepared(PGconn *connection, const char *name, const struct pg_value *values,
                          int count) {
  const char *texts[PG_VALUES_MAX];
  int lengths[PG_VALUES_MAX], formats[PG_VALUES_MAX];
  if (!spread(values, count, texts, lengths, formats)) return NULL;
  return judge(PQexecPrepared(connection, name, count, texts, lengths, formats, 0));
}

bool pg_execute(PGconn *connection, const char *sql) {
  PGresult *result = judge(PQexec(connection, sql));
  PQclear(result);
  return result != NULL;
}

int64_t pg_number(const PGresult *result, int column) {
  return strtoll(PQgetvalue(result, 0, column), NULL, 10);
}
