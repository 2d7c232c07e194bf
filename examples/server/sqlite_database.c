/*
 * The resources in SQLite. Writes go through one connection under one mutex; reads have connections
 * of their own, which see what is committed (WAL).
 *
 * The clock: stamps are microseconds, each later than all that were given out before, be it as a
 * stamp or as "now". So a time that an export was given divides all writes, for good, into those at
 * or before it and those behind it, however the system's clock is set: also back, and between two
 * runs. For that the file holds the last time given out (clock.last_us), which is read and raised
 * in the transaction that gives the next. SQLite has one such transaction at a time, of whatever
 * process, so servers that share a file share the clock; and who is given "now" finds all that was
 * stamped before committed.
 *
 * What is loaded keeps its meta.lastUpdated, be it in the far future: that is data, and the clock
 * does not follow it. Which version is current, and at what time, goes by stamps alone.
 */
#include "sqlite_database.h"

#include <fhirexport/fhirexport.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "database_kind.h"
#include "instant.h"
#include "patients.h"
#include "source.h"

#define IDLE_MAX 16
#define BUSY_MS 10000

/* What is valid now is valid to the end of time. */
#define FOREVER "9223372036854775807"

/*
 * `updated_us` is meta.lastUpdated: of resources that were loaded it is older than valid_from.
 * `patient_count` says in how many compartments a version is, and `patient_version` in whose:
 * `place` tells whether that patient is the only one of the version, the first by id, or a later
 * one.
 */
static const char schema[] =
    "PRAGMA page_size=8192;"
    "PRAGMA journal_mode=WAL;"
    "BEGIN IMMEDIATE;"
    "CREATE TABLE IF NOT EXISTS resource_version("
    " type TEXT NOT NULL, id TEXT NOT NULL, version INTEGER NOT NULL,"
    " updated_us INTEGER NOT NULL, valid_from INTEGER NOT NULL, valid_to INTEGER NOT NULL,"
    " deleted INTEGER NOT NULL, patient_count INTEGER NOT NULL, json TEXT);"
    "CREATE UNIQUE INDEX IF NOT EXISTS version_by_id ON resource_version(type, id, version);"
    "CREATE INDEX IF NOT EXISTS version_by_update ON resource_version(type, updated_us, id);"
    "CREATE TABLE IF NOT EXISTS patient_version("
    " type TEXT NOT NULL, patient TEXT NOT NULL, id TEXT NOT NULL, version INTEGER NOT NULL,"
    " version_row INTEGER NOT NULL, place INTEGER NOT NULL,"
    " PRIMARY KEY(type, patient, id, version)) WITHOUT ROWID;"
    "CREATE INDEX IF NOT EXISTS patient_of_version ON patient_version(version_row, patient)"
    " WHERE place > 0;"
    "CREATE TABLE IF NOT EXISTS clock("
    " one INTEGER PRIMARY KEY CHECK(one = 1), last_us INTEGER NOT NULL);"
    "INSERT OR IGNORE INTO clock VALUES(1, 0);"
    "COMMIT;";

/* Of the writer: a PUT that was answered is durable; loading finds its index in memory. */
static const char settings[] = "PRAGMA synchronous=FULL; PRAGMA cache_size=-32768";

enum statement {
  BEGIN,
  COMMIT,
  ROLLBACK,
  TAKE_TIME,
  LOOK,
  CLOSE_VERSION,
  ADD_VERSION,
  ADD_PATIENT,
  STATEMENT_COUNT
};

static const char *const statements[STATEMENT_COUNT] = {
    [BEGIN] = "BEGIN IMMEDIATE",
    [COMMIT] = "COMMIT",
    [ROLLBACK] = "ROLLBACK",
    [TAKE_TIME] = "UPDATE clock SET last_us = max(?1, last_us + 1) RETURNING last_us",
    [LOOK] =
        "SELECT version, updated_us, deleted FROM resource_version"
        " WHERE type = ?1 AND id = ?2 ORDER BY version DESC LIMIT 1",
    [CLOSE_VERSION] =
        "UPDATE resource_version SET valid_to = ?4"
        " WHERE type = ?1 AND id = ?2 AND version = ?3 - 1",
    [ADD_VERSION] =
        "INSERT INTO resource_version VALUES(?1, ?2, ?3, ?4, ?5, " FOREVER ", ?6, ?7, ?8)",
    [ADD_PATIENT] = "INSERT INTO patient_version VALUES(?1, ?4, ?2, ?3, ?5, ?6)",
};

struct sqlite_database {
  struct database base;
  char *path;
  pthread_mutex_t idle_mutex;
  sqlite3 *idle[IDLE_MAX];
  size_t idle_count;
  /* The rest of this group is under it. */
  pthread_mutex_t write_mutex;
  sqlite3 *writer;
  sqlite3_stmt *prepared[STATEMENT_COUNT];
  int64_t stamp_us;
};

static struct sqlite_database *sqlite_of(struct database *database) {
  return (struct sqlite_database *)database;
}

/* --- opening and closing --- */

static enum result run(struct sqlite_database *database, enum statement which) {
  sqlite3_stmt *statement = database->prepared[which];
  int code = sqlite3_step(statement);
  sqlite3_reset(statement);
  sqlite3_clear_bindings(statement);
  return code == SQLITE_DONE ? DONE : FAILED;
}

static sqlite3 *connect(const char *path, int flags) {
  sqlite3 *connection = NULL;
  if (sqlite3_open_v2(path, &connection, flags | SQLITE_OPEN_NOMUTEX, NULL) == SQLITE_OK &&
      sqlite3_busy_timeout(connection, BUSY_MS) == SQLITE_OK) {
    return connection;
  }
  sqlite3_close(connection);
  return NULL;
}

static bool prepare(struct sqlite_database *database) {
  for (int i = 0; i < STATEMENT_COUNT; i++) {
    if (sqlite3_prepare_v3(database->writer, statements[i], -1, SQLITE_PREPARE_PERSISTENT,
                           &database->prepared[i], NULL) != SQLITE_OK) {
      return false;
    }
  }
  return true;
}

static void sqlite_close(struct database *base) {
  struct sqlite_database *database = sqlite_of(base);
  for (size_t i = 0; i < database->idle_count; i++) sqlite3_close(database->idle[i]);
  for (int i = 0; i < STATEMENT_COUNT; i++) sqlite3_finalize(database->prepared[i]);
  sqlite3_close(database->writer);
  pthread_mutex_destroy(&database->write_mutex);
  pthread_mutex_destroy(&database->idle_mutex);
  fhx_filter_free(database->base.patient_rule);
  free(database->path);
  free(database);
}

/* --- reading --- */

sqlite3 *database_borrow(struct database *base) {
  struct sqlite_database *database = sqlite_of(base);
  sqlite3 *connection = NULL;
  pthread_mutex_lock(&database->idle_mutex);
  if (database->idle_count > 0) connection = database->idle[--database->idle_count];
  pthread_mutex_unlock(&database->idle_mutex);
  if (connection != NULL) return connection;
  connection = connect(database->path, SQLITE_OPEN_READONLY);
  if (connection == NULL) return NULL;
  /* Read through the page cache of the system: many connections share one file. */
  sqlite3_exec(connection, "PRAGMA mmap_size=2147418112", NULL, NULL, NULL);
  return connection;
}

void database_give_back(struct database *base, sqlite3 *connection) {
  struct sqlite_database *database = sqlite_of(base);
  if (connection == NULL) return;
  pthread_mutex_lock(&database->idle_mutex);
  if (database->idle_count < IDLE_MAX) {
    database->idle[database->idle_count++] = connection;
    connection = NULL;
  }
  pthread_mutex_unlock(&database->idle_mutex);
  sqlite3_close(connection);
}

/* Binds a type and an id, which outlive the statement's run. */
static bool bind_key(sqlite3_stmt *statement, const char *type, const char *id) {
  return sqlite3_bind_text(statement, 1, type, -1, SQLITE_STATIC) == SQLITE_OK &&
         sqlite3_bind_text(statement, 2, id, -1, SQLITE_STATIC) == SQLITE_OK;
}

static void read_facts(sqlite3_stmt *statement, struct stored *stored) {
  stored->version = sqlite3_column_int64(statement, 0);
  stored->updated_us = sqlite3_column_int64(statement, 1);
  stored->deleted = sqlite3_column_int(statement, 2) != 0;
}

static enum result read_row(sqlite3_stmt *statement, struct stored *stored) {
  int code = sqlite3_step(statement);
  if (code == SQLITE_DONE) return NONE;
  if (code != SQLITE_ROW) return FAILED;
  read_facts(statement, stored);
  if (stored->deleted) return DONE;
  const void *json = sqlite3_column_text(statement, 3);
  if (json == NULL) return FAILED;
  text_add(&stored->json, json, (size_t)sqlite3_column_bytes(statement, 3));
  return stored->json.failed ? FAILED : DONE;
}

static enum result sqlite_read(struct database *database, const char *type, const char *id,
                               struct stored *stored) {
  static const char query[] =
      "SELECT version, updated_us, deleted, json FROM resource_version"
      " WHERE type = ?1 AND id = ?2 ORDER BY version DESC LIMIT 1";
  enum result result = FAILED;
  sqlite3_stmt *statement = NULL;
  sqlite3 *connection = database_borrow(database);
  if (connection == NULL) return FAILED;
  if (sqlite3_prepare_v2(connection, query, sizeof query, &statement, NULL) == SQLITE_OK &&
      bind_key(statement, type, id)) {
    result = read_row(statement, stored);
  }
  sqlite3_finalize(statement);
  database_give_back(database, connection);
  return result;
}

static enum result sqlite_next_type(struct database *database, char type[TYPE_MAX + 1]) {
  static const char query[] = "SELECT min(type) FROM resource_version WHERE type > ?1";
  enum result result = FAILED;
  sqlite3_stmt *statement = NULL;
  sqlite3 *connection = database_borrow(database);
  if (connection != NULL &&
      sqlite3_prepare_v2(connection, query, sizeof query, &statement, NULL) == SQLITE_OK &&
      sqlite3_bind_text(statement, 1, type, -1, SQLITE_TRANSIENT) == SQLITE_OK &&
      sqlite3_step(statement) == SQLITE_ROW) {
    const char *next = (const char *)sqlite3_column_text(statement, 0);
    result = next == NULL ? NONE : DONE;
    if (next != NULL) snprintf(type, TYPE_MAX + 1, "%s", next);
  }
  sqlite3_finalize(statement);
  database_give_back(database, connection);
  return result;
}

/* --- Groups --- */

static const char groups_text[] =
    "SELECT id, json FROM resource_version"
    " WHERE type = 'Group' AND valid_to = 9223372036854775807 AND deleted = 0 AND id > ?1"
    " AND (?2 IS NULL OR id = ?2)"
    " AND (?3 IS NULL OR substr(lower(json_extract(json, '$.name')), 1, length(?3)) = lower(?3))"
    " AND (?4 IS NULL OR EXISTS (SELECT 1 FROM json_each(resource_version.json, '$.identifier')"
    "  WHERE json_extract(value, '$.value') = ?4"
    "  AND (?5 IS NULL OR coalesce(json_extract(value, '$.system'), '') = ?5)))"
    " ORDER BY id LIMIT ?6";

static bool bind_groups(sqlite3_stmt *statement, const struct group_query *query) {
  const char *const values[] = {query->after, query->id, query->name, query->value, query->system};
  const int count = sizeof values / sizeof *values;
  for (int i = 0; i < count; i++) {
    if (values[i] != NULL &&
        sqlite3_bind_text(statement, i + 1, values[i], -1, SQLITE_STATIC) != SQLITE_OK) {
      return false;
    }
  }
  return sqlite3_bind_int(statement, count + 1, query->count_max) == SQLITE_OK;
}

static bool give_groups(sqlite3_stmt *statement, found_group found, void *context) {
  int code = SQLITE_DONE;
  while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
    const char *id = (const char *)sqlite3_column_text(statement, 0);
    const char *json = (const char *)sqlite3_column_text(statement, 1);
    if (id == NULL || json == NULL ||
        !found(context, id, json, (size_t)sqlite3_column_bytes(statement, 1))) {
      return false;
    }
  }
  return code == SQLITE_DONE;
}

static enum result sqlite_find_groups(struct database *database, const struct group_query *query,
                                      found_group found, void *context) {
  sqlite3_stmt *statement = NULL;
  sqlite3 *connection = database_borrow(database);
  bool done = connection != NULL &&
              sqlite3_prepare_v2(connection, groups_text, sizeof groups_text, &statement, NULL) ==
                  SQLITE_OK &&
              bind_groups(statement, query) && give_groups(statement, found, context);
  sqlite3_finalize(statement);
  database_give_back(database, connection);
  return done ? DONE : FAILED;
}

/* --- writing --- */

/* Inside a transaction: the next time of the clock. */
static bool take_time(struct sqlite_database *database, int64_t *time_us) {
  sqlite3_stmt *statement = database->prepared[TAKE_TIME];
  sqlite3_bind_int64(statement, 1, instant_now_us());
  bool taken = sqlite3_step(statement) == SQLITE_ROW;
  if (taken) *time_us = sqlite3_column_int64(statement, 0);
  taken = taken && sqlite3_step(statement) == SQLITE_DONE;
  sqlite3_reset(statement);
  return taken;
}

static enum result end(struct sqlite_database *database, bool keep) {
  enum result result = keep ? run(database, COMMIT) : DONE;
  /* A failed COMMIT may leave the transaction open. */
  if (sqlite3_get_autocommit(database->writer) == 0) run(database, ROLLBACK);
  pthread_mutex_unlock(&database->write_mutex);
  return result;
}

static enum result sqlite_begin(struct database *base, int64_t *stamp_us) {
  struct sqlite_database *database = sqlite_of(base);
  pthread_mutex_lock(&database->write_mutex);
  if (run(database, BEGIN) != DONE) {
    pthread_mutex_unlock(&database->write_mutex);
    return FAILED;
  }
  if (!take_time(database, &database->stamp_us)) {
    end(database, false);
    return FAILED;
  }
  *stamp_us = database->stamp_us;
  return DONE;
}

static enum result sqlite_end(struct database *database, bool keep) {
  return end(sqlite_of(database), keep);
}

static enum result sqlite_look(struct database *database, const char *type, const char *id,
                               struct stored *stored) {
  sqlite3_stmt *statement = sqlite_of(database)->prepared[LOOK];
  int code = bind_key(statement, type, id) ? sqlite3_step(statement) : SQLITE_ERROR;
  if (code == SQLITE_ROW) read_facts(statement, stored);
  sqlite3_reset(statement);
  sqlite3_clear_bindings(statement);
  if (code == SQLITE_ROW) return DONE;
  return code == SQLITE_DONE ? NONE : FAILED;
}

/* Says in whose compartments the version is that was added last. */
static enum result add_patients(struct sqlite_database *database, const char *type, const char *id,
                                int64_t version, const struct patients *patients) {
  sqlite3_stmt *add = database->prepared[ADD_PATIENT];
  int64_t row = sqlite3_last_insert_rowid(database->writer);
  enum result result = DONE;
  for (size_t i = 0; result == DONE && i < patients->count; i++) {
    enum place place = patients->count == 1 ? ONLY_PATIENT : i == 0 ? FIRST_PATIENT : LATER_PATIENT;
    if (!bind_key(add, type, id)) return FAILED;
    sqlite3_bind_int64(add, 3, version);
    sqlite3_bind_text(add, 4, patients->ids[i], -1, SQLITE_STATIC);
    sqlite3_bind_int64(add, 5, row);
    sqlite3_bind_int(add, 6, (int)place);
    result = run(database, ADD_PATIENT);
  }
  return result;
}

static enum result add_version(struct sqlite_database *database, const char *type, const char *id,
                               int64_t version, int64_t updated_us, const char *json, size_t len) {
  sqlite3_stmt *add = database->prepared[ADD_VERSION];
  struct patients patients = {NULL, 0, 0, false};
  enum result result = FAILED;
  if ((json == NULL || patients_read(database->base.patient_rule, json, len, &patients)) &&
      bind_key(add, type, id) &&
      (json == NULL ||
       sqlite3_bind_text64(add, 8, json, len, SQLITE_STATIC, SQLITE_UTF8) == SQLITE_OK)) {
    sqlite3_bind_int64(add, 3, version);
    sqlite3_bind_int64(add, 4, updated_us);
    sqlite3_bind_int64(add, 5, database->stamp_us);
    sqlite3_bind_int(add, 6, json == NULL);
    sqlite3_bind_int64(add, 7, (int64_t)patients.count);
    result = run(database, ADD_VERSION);
  }
  if (result == DONE) result = add_patients(database, type, id, version, &patients);
  patients_free(&patients);
  return result;
}

static enum result sqlite_write(struct database *base, const char *type, const char *id,
                                int64_t version, int64_t updated_us, const char *json, size_t len) {
  struct sqlite_database *database = sqlite_of(base);
  sqlite3_stmt *close = database->prepared[CLOSE_VERSION];
  if (version > 1) {
    if (!bind_key(close, type, id)) return FAILED;
    sqlite3_bind_int64(close, 3, version);
    sqlite3_bind_int64(close, 4, database->stamp_us);
    if (run(database, CLOSE_VERSION) != DONE) return FAILED;
  }
  return add_version(database, type, id, version, updated_us, json, len);
}

/* --- opening --- */

static const struct database_kind sqlite_kind = {
    .close = sqlite_close,
    .read = sqlite_read,
    .next_type = sqlite_next_type,
    .find_groups = sqlite_find_groups,
    .begin = sqlite_begin,
    .end = sqlite_end,
    .look = sqlite_look,
    .write = sqlite_write,
    .open_source = server_source_new,
};

enum result sqlite_database_open(const char *path, struct database **database,
                                 struct text *problem) {
  struct sqlite_database *made = calloc(1, sizeof *made);
  if (made == NULL) return FAILED;
  made->base.kind = &sqlite_kind;
  pthread_mutex_init(&made->idle_mutex, NULL);
  pthread_mutex_init(&made->write_mutex, NULL);
  made->path = strdup(path);
  if (made->path != NULL && fhx_filter_new(&made->base.patient_rule, NULL) == FHX_OK) {
    made->writer = connect(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
  }
  if (made->writer != NULL && sqlite3_exec(made->writer, schema, NULL, NULL, NULL) == SQLITE_OK &&
      sqlite3_exec(made->writer, settings, NULL, NULL, NULL) == SQLITE_OK && prepare(made)) {
    *database = &made->base;
    return DONE;
  }
  text_add_format(problem, "the database cannot be used: %s",
                  made->writer != NULL ? sqlite3_errmsg(made->writer) : "it cannot be opened");
  sqlite_close(&made->base);
  return FAILED;
}
