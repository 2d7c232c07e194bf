/*
 * Used assertions in PostgreSQL, for servers on several machines. The row's key decides who was
 * first; it is committed, and on disk, before the token is given out.
 */
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "postgres_connection.h"
#include "smart_replay_kind.h"

/* How far the clocks of two machines may differ without that one forgets what is good for the
   other. */
#define CLOCKS_APART_S 300
/* A number's digits. */
#define DIGITS_MAX 24

/* One server at a time comes behind the lock, which is that of the resources' tables too. */
static const char schema[] =
    "BEGIN;"
    "SELECT pg_advisory_xact_lock(1179146312);"
    "DO $$ BEGIN IF to_regclass('fhir.used_assertion') IS NULL THEN"
    " CREATE SCHEMA IF NOT EXISTS fhir;"
    " CREATE TABLE fhir.used_assertion(digest bytea PRIMARY KEY, until_s bigint NOT NULL);"
    " CREATE INDEX used_assertion_until ON fhir.used_assertion(until_s);"
    "END IF; END $$;"
    "COMMIT;";

/* A client waits for the answer. */
static const char settings[] =
    "SET synchronous_commit = on; SET statement_timeout = '4s';"
    "SET default_transaction_isolation = 'read committed'";

struct postgres_replay {
  struct smart_replay base;
  char *url;
  /* Of the connection; NULL: it was lost. */
  pthread_mutex_t mutex;
  PGconn *connection;
};

static void postgres_close(struct smart_replay *base) {
  struct postgres_replay *replay = (struct postgres_replay *)base;
  PQfinish(replay->connection);
  pthread_mutex_destroy(&replay->mutex);
  free(replay->url);
  free(replay);
}

static PGconn *connect_to(const char *url, struct text *problem) {
  PGconn *connection = pg_connect(url, problem);
  if (connection == NULL || pg_execute(connection, settings)) return connection;
  PQfinish(connection);
  return NULL;
}

static bool is_lost(const struct postgres_replay *replay) {
  return PQstatus(replay->connection) != CONNECTION_OK;
}

static bool forget(struct postgres_replay *replay, int64_t now_s) {
  char before[DIGITS_MAX];
  snprintf(before, sizeof before, "%" PRId64, now_s - CLOCKS_APART_S);
  const struct pg_value values[] = {{before, 0, false}};
  PGresult *result = pg_run(
      replay->connection, "DELETE FROM fhir.used_assertion WHERE until_s < $1::bigint", values, 1);
  PQclear(result);
  return result != NULL;
}

static enum smart_use take(struct postgres_replay *replay,
                           const unsigned char digest[SMART_DIGEST_BYTES], int64_t until_s) {
  char until[DIGITS_MAX];
  snprintf(until, sizeof until, "%" PRId64, until_s);
  const struct pg_value values[] = {{(const char *)digest, SMART_DIGEST_BYTES, true},
                                    {until, 0, false}};
  PGresult *result = pg_run(replay->connection,
                            "INSERT INTO fhir.used_assertion VALUES($1::bytea, $2::bigint)"
                            " ON CONFLICT DO NOTHING",
                            values, 2);
  if (result == NULL) return SMART_NOT_KNOWN;
  const bool is_first = strcmp(PQcmdTuples(result), "1") == 0;
  PQclear(result);
  return is_first ? SMART_FIRST_USE : SMART_USED_BEFORE;
}

/* An idle connection may have been lost, which forgetting finds out: it can be done twice. What
   becomes of a row whose answer is lost nobody knows; the client gets another assertion. */
static enum smart_use postgres_use(struct smart_replay *base,
                                   const unsigned char digest[SMART_DIGEST_BYTES], int64_t now_s,
                                   int64_t until_s) {
  struct postgres_replay *replay = (struct postgres_replay *)base;
  enum smart_use use = SMART_NOT_KNOWN;
  pthread_mutex_lock(&replay->mutex);
  bool done = replay->connection != NULL && forget(replay, now_s);
  if (!done && (replay->connection == NULL || is_lost(replay))) {
    PQfinish(replay->connection);
    replay->connection = connect_to(replay->url, NULL);
    done = replay->connection != NULL && forget(replay, now_s);
  }
  if (done) use = take(replay, digest, until_s);
  pthread_mutex_unlock(&replay->mutex);
  return use;
}

static const struct smart_replay_kind postgres_kind = {.close = postgres_close,
                                                       .use = postgres_use};

struct smart_replay *postgres_replay_open(const char *url) {
  struct text problem = {NULL, 0, 0, false};
  struct postgres_replay *replay = calloc(1, sizeof *replay);
  if (replay == NULL) return NULL;
  replay->base.kind = &postgres_kind;
  pthread_mutex_init(&replay->mutex, NULL);
  replay->url = strdup(url);
  if (replay->url != NULL) replay->connection = connect_to(url, &problem);
  if (replay->connection != NULL && pg_execute(replay->connection, schema)) {
    text_free(&problem);
    return &replay->base;
  }
  /* The URL may have a password in it. */
  log_problem("the record of used assertions in PostgreSQL",
              problem.data == NULL ? "its table cannot be made" : problem.data);
  text_free(&problem);
  postgres_close(&replay->base);
  return NULL;
}
