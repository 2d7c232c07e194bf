/* Requests on a connection of the PostgreSQL store and their answers. Nothing here waits longer
   than the step's caller does: the server keeps the time too, and this is for when it does not
   answer. */
#include <stdio.h>
#include <string.h>

#include "store/postgres_store.h"

void fhx__pg_note(fhx__pg_step *step, fhx__pg_fault fault) {
  if (step->fault == FHX__PG_FAULT_NONE) step->fault = fault;
}

void fhx__pg_clear(fhx__pg_step *step) {
  PQclear(step->result);
  step->result = NULL;
}

/* --- faults --- */

/* The texts of the database's errors stay here: they may quote what was sent. */
static void note_error(fhx__pg_step *step, const PGresult *answer) {
  const char *sqlstate = PQresultErrorField(answer, PG_DIAG_SQLSTATE);
  if (step->fault != FHX__PG_FAULT_NONE) return;
  if (sqlstate == NULL || strlen(sqlstate) != FHX__SQLSTATE_LEN) {
    const bool is_lost = PQstatus(step->link->connection) == CONNECTION_BAD;
    fhx__pg_note(step, is_lost ? FHX__PG_FAULT_LOST : FHX__PG_FAULT_MEMORY);
    return;
  }
  memcpy(step->sqlstate, sqlstate, FHX__SQLSTATE_LEN + 1);
  if (fhx__sqlstate_is_conflict(sqlstate)) {
    fhx__pg_note(step, FHX__PG_FAULT_CONFLICT);
  } else {
    const bool ends = fhx__sqlstate_ends_connection(sqlstate);
    fhx__pg_note(step, ends ? FHX__PG_FAULT_LOST : FHX__PG_FAULT_SQL);
  }
}

/* --- answers --- */

/* Keeps the answer, unless it only says of a later statement that it is done. */
static void take_answer(fhx__pg_step *step, PGresult *answer) {
  const ExecStatusType status = PQresultStatus(answer);
  const bool has_rows = status == PGRES_TUPLES_OK;
  if (!has_rows && status != PGRES_COMMAND_OK) {
    note_error(step, answer);
  } else if (has_rows || step->result == NULL || PQresultStatus(step->result) == PGRES_COMMAND_OK) {
    PQclear(step->result);
    step->result = answer;
    return;
  }
  PQclear(answer);
}

/* `sent` is what libpq's sending function said. */
static bool exchange(fhx__pg_step *step, int sent) {
  PGconn *connection = step->link->connection;
  const int64_t until_us = step->until_us + FHX__PG_GRACE_US;
  if (sent == 0 && PQstatus(connection) == CONNECTION_OK) {
    fhx__pg_note(step, FHX__PG_FAULT_MEMORY);
    return false;
  }
  if (sent == 0 || !fhx__libpq_flush(connection, until_us)) {
    fhx__pg_note(step, FHX__PG_FAULT_LOST);
    return false;
  }
  for (;;) {
    if (!fhx__libpq_await(connection, until_us)) {
      fhx__pg_note(step, FHX__PG_FAULT_LOST);
      return false;
    }
    PGresult *answer = PQgetResult(connection);
    if (answer == NULL) break;
    take_answer(step, answer);
  }
  if (step->result == NULL) fhx__pg_note(step, FHX__PG_FAULT_LOST);
  return step->fault == FHX__PG_FAULT_NONE;
}

/* --- requests --- */

bool fhx__pg_execute(fhx__pg_step *step, const char *sql) {
  fhx__pg_clear(step);
  if (step->fault != FHX__PG_FAULT_NONE) return false;
  return exchange(step, PQsendQuery(step->link->connection, sql));
}

bool fhx__pg_query(fhx__pg_step *step, const char *sql, int count, const char *const *texts) {
  fhx__pg_clear(step);
  if (step->fault != FHX__PG_FAULT_NONE) return false;
  return exchange(
      step, PQsendQueryParams(step->link->connection, sql, count, NULL, texts, NULL, NULL, 1));
}

static bool prepare(fhx__pg_step *step, const char *name) {
  const fhx__pg_sql id = step->statement;
  if (step->link->prepared[id]) return true;
  PGconn *connection = step->link->connection;
  if (!exchange(step, PQsendPrepare(connection, name, fhx__pg_texts[id], 0, NULL))) return false;
  step->link->prepared[id] = true;
  fhx__pg_clear(step);
  return true;
}

bool fhx__pg_run_statement(fhx__pg_step *step) {
  char name[16];
  const char *values[FHX__PG_PARAMETERS_MAX];
  int lengths[FHX__PG_PARAMETERS_MAX], formats[FHX__PG_PARAMETERS_MAX];
  fhx__pg_clear(step);
  if (step->fault != FHX__PG_FAULT_NONE) return false;
  for (int i = 0; i < step->parameter_count; i++) {
    const fhx__pg_parameter *given = &step->parameters[i];
    values[i] = given->is_own ? step->own.data + given->offset : given->data;
    if (given->is_null) values[i] = NULL;
    lengths[i] = (int)given->len;
    formats[i] = 1;
  }
  snprintf(name, sizeof name, "fhx%d", (int)step->statement);
  if (!prepare(step, name)) return false;
  return exchange(step, PQsendQueryPrepared(step->link->connection, name, step->parameter_count,
                                            values, lengths, formats, 1));
}
