/* Connections to PostgreSQL, and statements on them. */
#ifndef SERVER_POSTGRES_CONNECTION_H
#define SERVER_POSTGRES_CONNECTION_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

#include "text.h"

/* A value of a statement: a text, or bytes of a text that no NUL ends; NULL is SQL's. */
struct pg_value {
  const char *text;
  size_t len;
  bool is_bytes;
};

#define PG_VALUES_MAX 8

/* NULL: the database cannot be used; `problem`, if given, says why, and nothing of the URL. */
PGconn *pg_connect(const char *url, struct text *problem);

/* Runs one statement; NULL, with nothing changed, when it is refused or the connection lost. The
   result is the caller's, to be given to PQclear. */
PGresult *pg_run(PGconn *connection, const char *sql, const struct pg_value *values, int count);
/* The same of a statement that was prepared. */
PGresult *pg_run_prepared(PGconn *connection, const char *name, const struct pg_value *values,
                          int count);
/* Statements without values, several in one. */
bool pg_execute(PGconn *connection, const char *sql);

/* A number in the first row. */
int64_t pg_number(const PGresult *result, int column);

#endif
