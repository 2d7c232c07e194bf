/* Steps of the SQLite store: transactions, prepared statements, and the answer at the end. */
#include "core/clock.h"
#include "store/sqlite_store.h"

/* How long a step waits at most for another process's transaction, and how often it looks. */
#define PATIENCE_MAX_US INT64_C(5000000)
#define PAUSE_FIRST_US INT64_C(1000)
#define PAUSE_MAX_US INT64_C(50000)

/* --- statements --- */

/* Keeps the step's first failure, which the others only follow from. */
static void note(fhx__sqlite *db, int code) {
  if (db->code == SQLITE_OK) db->code = code;
}

int32_t fhx__sqlite_status(const fhx__sqlite *db) {
  return db->code == SQLITE_OK ? FHX_OK : FHX_ERR_STORE;
}

/* The statement whatever has failed before. */
static sqlite3_stmt *prepared(fhx__sqlite *db, fhx__sql id) {
  if (db->statements[id] != NULL) {
    sqlite3_reset(db->statements[id]);
    return db->statements[id];
  }
  int code = sqlite3_prepare_v3(db->connection, fhx__sql_texts[id], -1, SQLITE_PREPARE_PERSISTENT,
                                &db->statements[id], NULL);
  if (code != SQLITE_OK) note(db, code);
  return db->statements[id];
}

sqlite3_stmt *fhx__sqlite_statement(fhx__sqlite *db, fhx__sql id) {
  return db->code == SQLITE_OK ? prepared(db, id) : NULL;
}

void fhx__sqlite_bind_integer(fhx__sqlite *db, sqlite3_stmt *statement, int position,
                              int64_t value) {
  if (statement == NULL || db->code != SQLITE_OK) return;
  note(db, sqlite3_bind_int64(statement, position, value));
}

void fhx__sqlite_bind_count(fhx__sqlite *db, sqlite3_stmt *statement, int position,
                            uint64_t value) {
  if (value > INT64_MAX) note(db, SQLITE_TOOBIG);
  fhx__sqlite_bind_integer(db, statement, position, (int64_t)value);
}

void fhx__sqlite_bind_text(fhx__sqlite *db, sqlite3_stmt *statement, int position,
                           const char *text) {
  if (statement == NULL || db->code != SQLITE_OK) return;
  note(db, sqlite3_bind_text(statement, position, text == NULL ? "" : text, -1, SQLITE_STATIC));
}

void fhx__sqlite_bind_bytes(fhx__sqlite *db, sqlite3_stmt *statement, int position,
                            const void *data, size_t len) {
  if (statement == NULL || db->code != SQLITE_OK) return;
  if (data == NULL) {
    note(db, sqlite3_bind_null(statement, position));
  } else {
    note(db, sqlite3_bind_blob64(statement, position, len == 0 ? "" : data, len, SQLITE_STATIC));
  }
}

bool fhx__sqlite_row(fhx__sqlite *db, sqlite3_stmt *statement) {
  if (statement == NULL || db->code != SQLITE_OK) return false;
  int code = sqlite3_step(statement);
  if (code != SQLITE_ROW && code != SQLITE_DONE) note(db, code);
  return code == SQLITE_ROW;
}

int32_t fhx__sqlite_run(fhx__sqlite *db, sqlite3_stmt *statement) {
  fhx__sqlite_row(db, statement);
  return fhx__sqlite_status(db);
}

/* --- columns --- */

uint32_t fhx__sqlite_small(sqlite3_stmt *statement, int column) {
  return (uint32_t)sqlite3_column_int64(statement, column);
}

uint64_t fhx__sqlite_count(sqlite3_stmt *statement, int column) {
  return (uint64_t)sqlite3_column_int64(statement, column);
}

const char *fhx__sqlite_text(fhx__sqlite *db, sqlite3_stmt *statement, int column) {
  const char *text = (const char *)sqlite3_column_text(statement, column);
  if (text == NULL) note(db, SQLITE_NOMEM);
  return text;
}

const void *fhx__sqlite_bytes(fhx__sqlite *db, sqlite3_stmt *statement, int column, size_t *len) {
  *len = 0;
  if (sqlite3_column_type(statement, column) == SQLITE_NULL) return NULL;
  const void *data = sqlite3_column_blob(statement, column);
  *len = (size_t)sqlite3_column_bytes(statement, column);
  if (data == NULL && *len != 0) note(db, SQLITE_NOMEM);
  return data == NULL ? "" : data;
}

/* --- a step --- */

static int32_t run_alone(fhx__sqlite *db, fhx__sql id) {
  return fhx__sqlite_run(db, fhx__sqlite_statement(db, id));
}

/* Whatever is still open; a rollback that fails is tried again by the next step. */
static void roll_back(fhx__sqlite *db) {
  if (sqlite3_get_autocommit(db->connection)) return;
  sqlite3_stmt *statement = prepared(db, FHX__SQL_ROLLBACK);
  if (statement == NULL) return;
  sqlite3_step(statement);
  sqlite3_reset(statement);
}

/* A statement that is not reset would keep the step's snapshot alive; a parameter that is not
   cleared would keep the caller's memory. */
static void reset_statements(fhx__sqlite *db) {
  for (int i = 0; i < FHX__SQL_COUNT; i++) {
    if (db->statements[i] == NULL) continue;
    sqlite3_reset(db->statements[i]);
    sqlite3_clear_bindings(db->statements[i]);
  }
}

static void open_transaction(fhx__sqlite *db, bool changes) {
  db->code = SQLITE_OK;
  run_alone(db, changes ? FHX__SQL_BEGIN : FHX__SQL_BEGIN_READING);
  if (!changes) run_alone(db, FHX__SQL_BEGIN_SNAPSHOT);
}

int32_t fhx__sqlite_begin(fhx__sqlite *db, bool changes, const fhx_reply *reply) {
  int64_t patience_us = fhx_reply_patience_us(reply);
  if (patience_us > PATIENCE_MAX_US) patience_us = PATIENCE_MAX_US;
  const int64_t until_us = fhx__clock_monotonic_us() + patience_us;
  int64_t pause_us = PAUSE_FIRST_US;
  pthread_mutex_lock(&db->lock);
  roll_back(db);
  open_transaction(db, changes);
  while (db->code == SQLITE_BUSY && fhx__clock_monotonic_us() < until_us) {
    reset_statements(db);
    roll_back(db);
    pthread_mutex_unlock(&db->lock);
    fhx__clock_sleep_us(pause_us);
    if (pause_us < PAUSE_MAX_US) pause_us *= 2;
    pthread_mutex_lock(&db->lock);
    roll_back(db);
    open_transaction(db, changes);
  }
  db->sentence = "the step is not possible";
  db->wait_us = 0;
  /* After the wait for the write lock, so that leases are judged and given by one clock's order. */
  db->now_us = db->clock == NULL ? fhx__clock_now_us() : db->clock(db->clock_user_data);
  return fhx__sqlite_status(db);
}

int32_t fhx__sqlite_refuse(fhx__sqlite *db, int32_t status, const char *sentence) {
  db->sentence = sentence;
  return status;
}

/* Whether the same step may succeed later. */
static uint32_t is_retryable(int code) {
  switch (code) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_NOMEM:
    case SQLITE_IOERR:
    case SQLITE_FULL:
    case SQLITE_CANTOPEN:
    case SQLITE_PROTOCOL:
    case SQLITE_INTERRUPT:
      return 1;
    default:
      return 0;
  }
}

static void answer(fhx_reply *reply, int32_t status, int code, const char *sentence,
                   int64_t wait_us) {
  if (code != SQLITE_OK) {
    fhx_reply_fail(reply, code == SQLITE_NOMEM ? FHX_ERR_NO_MEMORY : FHX_ERR_STORE,
                   is_retryable(code), sqlite3_errstr(code));
  } else if (status == FHX_OK) {
    fhx_reply_done(reply);
  } else if (status == FHX_END) {
    fhx_reply_end(reply);
  } else if (status == FHX_WAIT) {
    fhx_reply_wait(reply, wait_us);
  } else {
    fhx_reply_fail(reply, status, 0, sentence);
  }
}

void fhx__sqlite_end(fhx__sqlite *db, int32_t status, fhx_reply *reply) {
  reset_statements(db);
  if (status >= 0) run_alone(db, FHX__SQL_COMMIT);
  const int code = db->code;
  roll_back(db);
  const char *sentence = db->sentence;
  const int64_t wait_us = db->wait_us;
  pthread_mutex_unlock(&db->lock);
  answer(reply, status, code, sentence, wait_us);
}
