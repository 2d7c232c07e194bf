/*
 * Requests on connections of the PostgreSQL source, and their answers. Short ones have the server's
 * statement_timeout as limit. Rows of a cursor come as fast as the export takes them, which may be
 * slow: for them only the waiting counts.
 */
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "core/alloc.h"
#include "core/clock.h"
#include "source/postgres_table.h"

/* How much later than the server's own limit this side gives up. */
#define GRACE_US 500000
/* A connection that a row of this size went through is closed: libpq keeps the memory. */
#define ROW_KEPT_MAX (4u * 1024 * 1024)
#define FIELDS_MIN 3

/* Plans are to be made for one pass over an index; shards are what runs side by side. The server
   looks now and then whether a client that waits for a long statement is still there, if it can. */
static const char settings[] =
    "SELECT set_config('statement_timeout', $1, false), set_config('lock_timeout', $1, false),"
    " set_config('idle_in_transaction_session_timeout', '0', false),"
    " set_config('default_transaction_isolation', 'read committed', false),"
    " set_config('max_parallel_workers_per_gather', '0', false), set_config('jit', 'off', false),"
    " set_config('bytea_output', 'hex', false),"
    " (SELECT set_config(name, '10s', false) FROM pg_settings"
    "  WHERE name = 'client_connection_check_interval')";

/* --- faults --- */

/* The texts of the database's errors may quote what was sent. Those about names quote names alone,
   which are the host's: they tell what is wrong with the options. */
static int32_t fail_answer(const PGresult *answer, PGconn *connection, fhx_error **error) {
  const char *sqlstate = answer == NULL ? NULL : PQresultErrorField(answer, PG_DIAG_SQLSTATE);
  uint32_t is_retryable = 1;
  if (sqlstate == NULL || strlen(sqlstate) != FHX__SQLSTATE_LEN) {
    if (answer != NULL && PQstatus(connection) == CONNECTION_OK) return fhx__no_memory(error);
    return fhx__fail_with(error, FHX_ERR_SOURCE, 1, "the connection to the database was lost");
  }
  const char *why = fhx__sqlstate_of_statement(sqlstate, &is_retryable);
  if (why == NULL && fhx__sqlstate_is_conflict(sqlstate)) {
    is_retryable = 1;
    why = "another transaction was in the way";
  } else if (why == NULL && strcmp(sqlstate, "55P03") == 0) {
    is_retryable = 1;
    why = "the table was locked for too long";
  } else if (why == NULL && strncmp(sqlstate, "42", 2) == 0) {
    return fhx__fail(error, FHX_ERR_SOURCE, "the table cannot be read: %s",
                     PQresultErrorField(answer, PG_DIAG_MESSAGE_PRIMARY));
  } else if (why == NULL && fhx__sqlstate_ends_connection(sqlstate)) {
    is_retryable = 1;
    why = "the connection to the database was lost";
  }
  return fhx__fail_with(error, FHX_ERR_SOURCE, is_retryable, "%s (SQLSTATE %s)",
                        why == NULL ? "the database refused the statement" : why, sqlstate);
}

static int32_t fail_silence(PGconn *connection, fhx_error **error) {
  const bool is_lost = PQstatus(connection) != CONNECTION_OK;
  return fhx__fail_with(
      error, FHX_ERR_SOURCE, 1, "%s",
      is_lost ? "the connection to the database was lost" : "the database did not answer in time");
}

/* --- one exchange --- */

static int32_t send(PGconn *connection, const fhx__postgres_request *request) {
  int formats[FHX__REQUEST_PARAMETERS_MAX];
  for (int i = 0; i < request->count; i++) formats[i] = 1;
  return PQsendQueryParams(connection, request->sql.data, request->count, request->types,
                           request->values, request->lengths, formats, 1);
}

/* Waits for what is to come next; NULL: nothing any more. */
static int32_t take(PGconn *connection, int64_t until_us, PGresult **answer, fhx_error **error) {
  if (!fhx__libpq_await(connection, until_us)) return fail_silence(connection, error);
  *answer = PQgetResult(connection);
  return FHX_OK;
}

/* Takes all answers to what was sent; the first one with rows, or the last one without, in *result.
 */
static int32_t take_all(PGconn *connection, int64_t until_us, PGresult **result,
                        fhx_error **error) {
  int32_t status = FHX_OK;
  PGresult *answer = NULL;
  *result = NULL;
  if (!fhx__libpq_flush(connection, until_us)) return fail_silence(connection, error);
  for (;;) {
    int32_t taken = take(connection, until_us, &answer, status == FHX_OK ? error : NULL);
    if (taken != FHX_OK) status = taken;
    if (taken != FHX_OK || answer == NULL) break;
    const ExecStatusType kind = PQresultStatus(answer);
    if (status == FHX_OK && kind != PGRES_TUPLES_OK && kind != PGRES_COMMAND_OK) {
      status = fail_answer(answer, connection, error);
    }
    PQclear(*result);
    *result = answer;
  }
  if (status == FHX_OK && *result == NULL) status = fail_answer(NULL, connection, error);
  if (status != FHX_OK) {
    PQclear(*result);
    *result = NULL;
  }
  return status;
}

/* A statement without parameters and without rows that are looked at. */
static int32_t execute(PGconn *connection, const char *sql, int64_t until_us, fhx_error **error) {
  PGresult *result = NULL;
  if (PQsendQuery(connection, sql) == 0) return fail_silence(connection, error);
  int32_t status = take_all(connection, until_us, &result, error);
  PQclear(result);
  return status;
}

/* --- connections --- */

static int32_t settle(const fhx__postgres_table *table, PGconn *connection, int64_t until_us,
                      fhx_error **error) {
  char limit[24];
  const char *const values[] = {limit};
  PGresult *result = NULL;
  snprintf(limit, sizeof limit, "%lld", (long long)(table->patience_us / 1000));
  if (PQsendQueryParams(connection, settings, 1, NULL, values, NULL, NULL, 1) == 0) {
    return fail_silence(connection, error);
  }
  int32_t status = take_all(connection, until_us, &result, error);
  PQclear(result);
  return status;
}

static int32_t fail_taking(fhx__libpq_taken taken, const char *sqlstate, fhx_error **error) {
  if (taken == FHX__LIBPQ_OUT_OF_MEMORY) return fhx__no_memory(error);
  if (taken == FHX__LIBPQ_CROWDED) {
    return fhx__fail_with(error, FHX_ERR_SOURCE, 1,
                          "no connection to the database came free in time");
  }
  uint32_t is_retryable = 0;
  const char *why = fhx__sqlstate_at_connect(sqlstate, &is_retryable);
  if (*sqlstate == '\0') return fhx__fail_with(error, FHX_ERR_SOURCE, is_retryable, "%s", why);
  return fhx__fail_with(error, FHX_ERR_SOURCE, is_retryable, "%s (SQLSTATE %s)", why, sqlstate);
}

static int64_t patience_ends(const fhx__postgres_table *table) {
  return fhx__clock_monotonic_us() + table->patience_us + GRACE_US;
}

/* A connection that is ready. *was_idle: it may have been lost since it was used last. */
static int32_t take_link(fhx__postgres_table *table, fhx__libpq_link **link, bool *was_idle,
                         fhx_error **error) {
  char sqlstate[FHX__SQLSTATE_LEN + 1];
  const int64_t until_us = patience_ends(table);
  const fhx__libpq_taken taken =
      fhx__libpq_pool_take(&table->pool, until_us, until_us, link, sqlstate);
  *was_idle = taken == FHX__LIBPQ_IDLE;
  if (*was_idle) return FHX_OK;
  if (taken != FHX__LIBPQ_NEW) return fail_taking(taken, sqlstate, error);
  int32_t status = settle(table, (*link)->connection, until_us, error);
  if (status == FHX_OK) return FHX_OK;
  fhx__libpq_pool_return(&table->pool, *link, false);
  *link = NULL;
  return status;
}

/* Gives it back if it has nothing under way. */
static bool return_link(fhx__postgres_table *table, fhx__libpq_link *link, bool is_usable) {
  is_usable = is_usable && PQstatus(link->connection) == CONNECTION_OK &&
              PQtransactionStatus(link->connection) == PQTRANS_IDLE;
  fhx__libpq_pool_return(&table->pool, link, is_usable);
  return is_usable;
}

static bool is_ready(fhx__postgres_request *request) {
  return !request->failed && fhx__buffer_terminate(&request->sql) == FHX_OK;
}

/* --- whole answers --- */

static int32_t ask_once(fhx__postgres_table *table, const fhx__postgres_request *request,
                        PGresult **result, bool *is_worth_another, fhx_error **error) {
  fhx__libpq_link *link = NULL;
  bool was_idle = false;
  *is_worth_another = false;
  int32_t status = take_link(table, &link, &was_idle, error);
  if (status != FHX_OK) return status;
  if (send(link->connection, request) == 0) {
    status = fail_silence(link->connection, error);
  } else {
    status = take_all(link->connection, patience_ends(table), result, error);
  }
  const bool is_usable = return_link(table, link, true);
  if (!is_usable) fhx__libpq_pool_close_idle(&table->pool);
  *is_worth_another = status != FHX_OK && !is_usable && was_idle;
  return status;
}

int32_t fhx__postgres_ask(fhx__postgres_table *table, fhx__postgres_request *request,
                          PGresult **result, fhx_error **error) {
  bool is_worth_another = false;
  *result = NULL;
  if (!is_ready(request)) return fhx__no_memory(error);
  int32_t status = ask_once(table, request, result, &is_worth_another, error);
  if (!is_worth_another) return status;
  fhx__clear_error(error);
  return ask_once(table, request, result, &is_worth_another, error);
}

/* --- rows one by one --- */

/* Waiting for a slow export is not the database's fault: its own limit is lifted. */
#define BEGIN_STREAM "BEGIN TRANSACTION READ ONLY; SET LOCAL statement_timeout = 0"
static const char *const begin_texts[] = {
    [FHX__PLAN_ANY] = BEGIN_STREAM,
    [FHX__PLAN_IN_ORDER] = BEGIN_STREAM "; SET LOCAL enable_sort = off",
    [FHX__PLAN_BY_INDEX] = BEGIN_STREAM
    "; SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off;"
    " SET LOCAL enable_seqscan = off",
};

/* A connection with the transaction begun. */
static int32_t begin_transaction(fhx__postgres_table *table, const char *begin,
                                 fhx__libpq_link **link, fhx_error **error) {
  for (int turn = 0;; turn++) {
    bool was_idle = false;
    int32_t status = take_link(table, link, &was_idle, error);
    if (status != FHX_OK) return status;
    status = execute((*link)->connection, begin, patience_ends(table), error);
    if (status == FHX_OK) return FHX_OK;
    fhx__libpq_pool_return(&table->pool, *link, false);
    fhx__libpq_pool_close_idle(&table->pool);
    *link = NULL;
    if (!was_idle || turn != 0) return status;
    fhx__clear_error(error);
  }
}

int32_t fhx__postgres_stream_begin(fhx__postgres_stream *stream, fhx__postgres_table *table,
                                   fhx__postgres_request *request, fhx__stream_plan plan,
                                   fhx_error **error) {
  memset(stream, 0, sizeof *stream);
  stream->table = table;
  if (!is_ready(request)) return fhx__no_memory(error);
  int32_t status = begin_transaction(table, begin_texts[plan], &stream->link, error);
  if (status != FHX_OK) return status;
  PGconn *connection = stream->link->connection;
  stream->is_copy = request->is_copy;
  if (send(connection, request) == 0 || (!stream->is_copy && PQsetSingleRowMode(connection) == 0) ||
      !fhx__libpq_flush(connection, patience_ends(table))) {
    status = fail_silence(connection, error);
    fhx__postgres_stream_end(stream);
  }
  return status;
}

static void drop_row(fhx__postgres_stream *stream) {
  PQfreemem(stream->message);
  stream->message = NULL;
  PQclear(stream->row);
  stream->row = NULL;
  stream->fields.count = 0;
}

/* The end of the rows: the connection can be used again, unless it has grown large. */
static int32_t end_rows(fhx__postgres_stream *stream, fhx_error **error) {
  fhx__libpq_link *link = stream->link;
  const int64_t until_us = patience_ends(stream->table);
  PGresult *rest = NULL;
  int32_t status = take(link->connection, until_us, &rest, error);
  PQclear(rest);
  if (status != FHX_OK) return status;
  status = execute(link->connection, "COMMIT", until_us, NULL);
  stream->link = NULL;
  return_link(stream->table, link, status == FHX_OK && stream->largest < ROW_KEPT_MAX);
  return FHX_END;
}

static void read_fields(fhx__postgres_stream *stream) {
  const PGresult *row = stream->row;
  fhx__postgres_fields *fields = &stream->fields;
  const int count = PQnfields(row);
  fields->count = count < FHX__FIELDS_MAX ? count : FHX__FIELDS_MAX;
  for (int i = 0; i < fields->count; i++) {
    fields->data[i] = PQgetisnull(row, 0, i) != 0 ? NULL : PQgetvalue(row, 0, i);
    fields->len[i] = (size_t)PQgetlength(row, 0, i);
  }
}

/* The next result: a row, the end of the rows, or that COPY begins or has ended. */
static int32_t next_result(fhx__postgres_stream *stream, fhx_error **error) {
  PGconn *connection = stream->link->connection;
  int32_t status = take(connection, patience_ends(stream->table), &stream->row, error);
  if (status != FHX_OK) return status;
  const ExecStatusType kind = stream->row == NULL ? PGRES_FATAL_ERROR : PQresultStatus(stream->row);
  if (kind == PGRES_SINGLE_TUPLE) {
    read_fields(stream);
    return FHX_OK;
  }
  if (kind == PGRES_COPY_OUT && stream->is_copy) return FHX_OK;
  if (kind == (stream->is_copy ? PGRES_COMMAND_OK : PGRES_TUPLES_OK)) {
    /* Who begins the next stream in this one has nothing to free. */
    drop_row(stream);
    return end_rows(stream, error);
  }
  return fail_answer(stream->row, connection, error);
}

static int32_t fail_copy(fhx_error **error) {
  return fhx__fail(error, FHX_ERR_SOURCE, "the database answered COPY with what is not its form");
}

/* COPY's next message; *len -1: there are no more. */
static int32_t take_message(fhx__postgres_stream *stream, int *len, fhx_error **error) {
  PGconn *connection = stream->link->connection;
  int64_t until_us = 0;
  while ((*len = PQgetCopyData(connection, &stream->message, 1)) == 0) {
    if (until_us == 0) until_us = patience_ends(stream->table);
    if (!fhx__libpq_wait(connection, POLLIN, until_us) || PQconsumeInput(connection) == 0) {
      return fail_silence(connection, error);
    }
  }
  return *len >= -1 ? FHX_OK : fail_answer(NULL, connection, error);
}

/* Whether the message is a row with its id, stamp and JSON, or the end. */
static bool read_message(fhx__postgres_stream *stream, int len) {
  return fhx__copy_read(&stream->copy, stream->message, (size_t)len, &stream->fields) &&
         (stream->copy.has_ended || stream->fields.count >= FIELDS_MIN);
}

/* The next row of COPY. What tells that it has ended is its result: it may have been broken off. */
static int32_t next_copied(fhx__postgres_stream *stream, fhx_error **error) {
  int len = 0;
  int32_t status = FHX_OK;
  if (!stream->has_begun) status = next_result(stream, error);
  if (status != FHX_OK) return status;
  stream->has_begun = true;
  do {
    drop_row(stream);
    status = take_message(stream, &len, error);
    if (status != FHX_OK) return status;
    if (len >= 0 && !read_message(stream, len)) return fail_copy(error);
    if (len >= 0 && !stream->copy.has_ended) return FHX_OK;
  } while (len >= 0);
  status = next_result(stream, error);
  return status == FHX_OK || (status == FHX_END && !stream->copy.has_ended) ? fail_copy(error)
                                                                            : status;
}

int32_t fhx__postgres_stream_next(fhx__postgres_stream *stream, fhx_error **error) {
  drop_row(stream);
  if (stream->link == NULL) return FHX_END;
  int32_t status = stream->is_copy ? next_copied(stream, error) : next_result(stream, error);
  if (status != FHX_OK) return status;
  const size_t len = stream->fields.len[stream->fields.count - 1];
  if (len > stream->largest) stream->largest = len;
  return FHX_OK;
}

void fhx__postgres_stream_end(fhx__postgres_stream *stream) {
  drop_row(stream);
  if (stream->link == NULL) return;
  /* Rows may still be under way: the server finds that nobody takes them. */
  fhx__libpq_pool_return(&stream->table->pool, stream->link, false);
  stream->link = NULL;
}
