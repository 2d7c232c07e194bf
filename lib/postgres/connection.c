/* Connecting to PostgreSQL, and waiting for it. */
#include "postgres/connection.h"

#include <poll.h>
#include <string.h>

#include "core/clock.h"
#include "core/encode.h"

/* libpq's own words about a connection string quote it, and the password may stand in it. */
int32_t fhx__libpq_check(const char *conninfo, const char *whose, fhx_error **error) {
  char *message = NULL;
  if (PQisthreadsafe() == 0) {
    return fhx__fail(error, FHX_ERR_UNSUPPORTED, "this libpq was built without threads");
  }
  PQconninfoOption *parsed = PQconninfoParse(conninfo, &message);
  const bool is_valid = parsed != NULL;
  const bool no_memory = !is_valid && message == NULL;
  if (is_valid) {
    for (PQconninfoOption *option = parsed; option->keyword != NULL; option++) {
      if (option->val != NULL) fhx__wipe(option->val, strlen(option->val));
    }
    PQconninfoFree(parsed);
  }
  if (message != NULL) fhx__wipe(message, strlen(message));
  PQfreemem(message);
  if (is_valid) return FHX_OK;
  if (no_memory) return fhx__no_memory(error);
  return fhx__fail(error, FHX_ERR_ARGUMENT,
                   "the %s's conninfo is no connection string that libpq can read", whose);
}

/* --- connecting --- */

/* What libpq has to say to the user is nothing to print. */
static void be_quiet(void *user_data, const PGresult *notice) {
  (void)user_data;
  (void)notice;
}

/* Tells from libpq's message why the database did not let us in: asked to be terse, it has nothing
   but the SQLSTATE behind two blanks. Without one the database did not answer. */
static void read_refusal(const char *message, char sqlstate[FHX__SQLSTATE_LEN + 1]) {
  static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
  for (const char *at = message; (at = strstr(at, ":  ")) != NULL; at++) {
    const char *code = at + 3;
    if (strspn(code, digits) == FHX__SQLSTATE_LEN) {
      memcpy(sqlstate, code, FHX__SQLSTATE_LEN);
      sqlstate[FHX__SQLSTATE_LEN] = '\0';
    }
  }
}

/* What stands before the connection string can be overridden by it, what stands behind cannot. The
   server shall be missed within seconds: who waits for it keeps a client waiting. */
static PGconn *start(const char *conninfo) {
  static const char *const names[] = {
      "fallback_application_name", "keepalives_idle", "keepalives_interval", "keepalives_count",
      "tcp_user_timeout",          "dbname",          "client_encoding",     NULL};
  const char *const values[] = {"fhirexport", "30", "10", "3", "10000", conninfo, "UTF8", NULL};
  return PQconnectStartParams(names, values, 1);
}

fhx__libpq_made fhx__libpq_connect(const char *conninfo, int64_t until_us, PGconn **connection,
                                   char sqlstate[FHX__SQLSTATE_LEN + 1]) {
  *sqlstate = '\0';
  *connection = start(conninfo);
  if (*connection == NULL) return FHX__LIBPQ_NO_MEMORY;
  PQsetErrorVerbosity(*connection, PQERRORS_SQLSTATE);
  PQsetNoticeReceiver(*connection, be_quiet, NULL);
  PostgresPollingStatusType state = PGRES_POLLING_WRITING;
  if (PQstatus(*connection) == CONNECTION_BAD) state = PGRES_POLLING_FAILED;
  while (state == PGRES_POLLING_READING || state == PGRES_POLLING_WRITING) {
    const short events = state == PGRES_POLLING_READING ? POLLIN : POLLOUT;
    if (!fhx__libpq_wait(*connection, events, until_us)) break;
    state = PQconnectPoll(*connection);
  }
  if (state != PGRES_POLLING_OK) {
    read_refusal(PQerrorMessage(*connection), sqlstate);
    return FHX__LIBPQ_REFUSED;
  }
  return PQsetnonblocking(*connection, 1) == 0 ? FHX__LIBPQ_MADE : FHX__LIBPQ_NO_MEMORY;
}

/* --- waiting --- */

bool fhx__libpq_wait(PGconn *connection, short events, int64_t until_us) {
  struct pollfd watched = {PQsocket(connection), events, 0};
  for (;;) {
    const int64_t left_us = until_us - fhx__clock_monotonic_us();
    if (left_us <= 0 || watched.fd < 0) return false;
    const int64_t left_ms = left_us / 1000 + 1;
    const int count = poll(&watched, 1, left_ms > 60000 ? 60000 : (int)left_ms);
    if (count > 0) return true;
  }
}

bool fhx__libpq_flush(PGconn *connection, int64_t until_us) {
  int left = 0;
  while ((left = PQflush(connection)) > 0) {
    if (!fhx__libpq_wait(connection, POLLIN | POLLOUT, until_us)) return false;
    if (PQconsumeInput(connection) == 0) return false;
  }
  return left == 0;
}

bool fhx__libpq_await(PGconn *connection, int64_t until_us) {
  while (PQisBusy(connection) != 0) {
    if (!fhx__libpq_wait(connection, POLLIN, until_us) || PQconsumeInput(connection) == 0) {
      return false;
    }
  }
  return true;
}
