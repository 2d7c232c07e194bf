/* See state.h. */
#include "state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "command.h"

/* Longer than the library's own leases. */
#define LEASE_US (INT64_C(121) * 1000000)
#define PATIENCE_MS 10000

static const char schema[] =
    "PRAGMA synchronous = FULL; PRAGMA secure_delete = ON;"
    "BEGIN IMMEDIATE;"
    "CREATE TABLE IF NOT EXISTS command_run(one INTEGER PRIMARY KEY CHECK(one = 1),"
    "  command TEXT NOT NULL, job_id TEXT NOT NULL, ahead_us INTEGER NOT NULL);"
    "CREATE TABLE IF NOT EXISTS command_option(name TEXT PRIMARY KEY, value BLOB NOT NULL);"
    "INSERT OR IGNORE INTO command_run VALUES(1, '', '', 0);"
    "COMMIT";

static int64_t store_clock(void *user_data) {
  struct state *state = user_data;
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000 + atomic_load(&state->ahead_us);
}

static int wrong(const struct state *state, const char *what) {
  complain(state->command, "--state %s: %s", state->path, what);
  return EXIT_WRONG;
}

static int database_wrong(const struct state *state) {
  return wrong(state,
               state->database == NULL ? "there is no memory" : sqlite3_errmsg(state->database));
}

static int execute(const struct state *state, const char *sql) {
  if (sqlite3_exec(state->database, sql, NULL, NULL, NULL) == SQLITE_OK) return EXIT_DONE;
  return database_wrong(state);
}

/* --- opening --- */

/* Before the store is opened, which would have to wait for another process. Kept until the end:
   closing it would give up the locks of SQLite on the same file. */
static int lock_file(struct state *state) {
  state->lock = open(state->path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (state->lock >= 0 && flock(state->lock, LOCK_EX | LOCK_NB) == 0) return EXIT_DONE;
  return wrong(state, errno == EWOULDBLOCK ? "another fhirexport is using it" : strerror(errno));
}

static int open_store(struct state *state) {
  fhx_sqlite_store_options options;
  fhx_error *error = NULL;
  FHX_INIT(&options);
  options.path = state->path;
  options.clock = store_clock;
  options.clock_user_data = state;
  if (fhx_sqlite_store_new(&options, &state->store, &error) == FHX_OK) return EXIT_DONE;
  int code = wrong(state, message_of(error));
  fhx_error_free(error);
  return code;
}

int state_open(struct state *state, const char *command, const char *path) {
  memset(state, 0, sizeof *state);
  atomic_init(&state->ahead_us, 0);
  state->command = command;
  state->path = path;
  state->lock = -1;
  if (path[0] == '\0' || path[0] == ':') {
    complain(command, "--state takes the path of a file");
    return EXIT_USAGE;
  }
  int code = lock_file(state);
  if (code == EXIT_DONE) code = open_store(state);
  if (code != EXIT_DONE) return code;
  if (sqlite3_open_v2(path, &state->database, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK) {
    return database_wrong(state);
  }
  sqlite3_busy_timeout(state->database, PATIENCE_MS);
  return execute(state, schema);
}

void state_close(struct state *state) {
  fhx_store_free(state->store);
  sqlite3_close(state->database);
  if (state->lock >= 0) close(state->lock);
  state->store = NULL;
  state->database = NULL;
  state->lock = -1;
}

/* --- what was asked for --- */

/* Reads what there is of an earlier run; `command` is "" without one. */
static int read_run(struct state *state, char *command, size_t size) {
  sqlite3_stmt *statement = NULL;
  int code = sqlite3_prepare_v2(
      state->database, "SELECT command, job_id, ahead_us FROM command_run", -1, &statement, NULL);
  if (code == SQLITE_OK) code = sqlite3_step(statement);
  if (code == SQLITE_ROW) {
    const char *name = (const char *)sqlite3_column_text(statement, 0);
    const char *job = (const char *)sqlite3_column_text(statement, 1);
    snprintf(command, size, "%s", name == NULL ? "" : name);
    snprintf(state->job_id, sizeof state->job_id, "%s", job == NULL ? "" : job);
    atomic_store(&state->ahead_us, sqlite3_column_int64(statement, 2));
  }
  int result = code == SQLITE_ROW ? EXIT_DONE : database_wrong(state);
  sqlite3_finalize(statement);
  return result;
}

/* Whether the earlier run had the same; an option that it did not know was not given. */
static int compare(const struct state *state, const struct state_option *option, bool *is_same) {
  sqlite3_stmt *statement = NULL;
  int code = sqlite3_prepare_v2(state->database, "SELECT value FROM command_option WHERE name = ?",
                                -1, &statement, NULL);
  if (code == SQLITE_OK) code = sqlite3_bind_text(statement, 1, option->name, -1, SQLITE_STATIC);
  if (code == SQLITE_OK) code = sqlite3_step(statement);
  const void *value = NULL;
  size_t len = 0;
  if (code == SQLITE_ROW) {
    value = sqlite3_column_blob(statement, 0);
    len = (size_t)sqlite3_column_bytes(statement, 0);
  }
  *is_same = len == option->len && (len == 0 || memcmp(value, option->value, len) == 0);
  int result = code == SQLITE_ROW || code == SQLITE_DONE ? EXIT_DONE : database_wrong(state);
  sqlite3_finalize(statement);
  return result;
}

static int compare_all(const struct state *state, const struct state_option *options,
                       size_t count) {
  char names[512] = "";
  for (size_t i = 0; i < count; i++) {
    bool is_same = false;
    int code = compare(state, &options[i], &is_same);
    if (code != EXIT_DONE) return code;
    if (is_same) continue;
    size_t len = strlen(names);
    snprintf(names + len, sizeof names - len, "%s--%s", len > 0 ? ", " : "", options[i].name);
  }
  if (names[0] == '\0') return EXIT_DONE;
  complain(state->command,
           "--state %s has a run that differs in %s: repeat that command to go on with it, or take "
           "another file",
           state->path, names);
  return EXIT_USAGE;
}

int state_find(struct state *state, const struct state_option *options, size_t count) {
  char command[32], sql[80];
  int code = read_run(state, command, sizeof command);
  if (code != EXIT_DONE || state->job_id[0] == '\0') return code;
  if (strcmp(command, state->command) != 0) {
    complain(state->command, "--state %s has a run of fhirexport %s: take another file",
             state->path, command);
    return EXIT_USAGE;
  }
  code = compare_all(state, options, count);
  if (code != EXIT_DONE) return code;
  snprintf(sql, sizeof sql, "UPDATE command_run SET ahead_us = ahead_us + %lld",
           (long long)LEASE_US);
  code = execute(state, sql);
  if (code == EXIT_DONE) atomic_fetch_add(&state->ahead_us, LEASE_US);
  return code;
}

static int insert(const struct state *state, const struct state_option *option) {
  sqlite3_stmt *statement = NULL;
  int code = sqlite3_prepare_v2(state->database, "INSERT INTO command_option VALUES(?, ?)", -1,
                                &statement, NULL);
  if (code == SQLITE_OK) code = sqlite3_bind_text(statement, 1, option->name, -1, SQLITE_STATIC);
  if (code == SQLITE_OK) {
    const void *value = option->len == 0 ? "" : option->value;
    code = sqlite3_bind_blob64(statement, 2, value, option->len, SQLITE_STATIC);
  }
  if (code == SQLITE_OK) code = sqlite3_step(statement);
  int result = code == SQLITE_DONE ? EXIT_DONE : database_wrong(state);
  sqlite3_finalize(statement);
  return result;
}

static int set_run(const struct state *state, const char *command, const char *job_id) {
  sqlite3_stmt *statement = NULL;
  int code = sqlite3_prepare_v2(state->database, "UPDATE command_run SET command = ?, job_id = ?",
                                -1, &statement, NULL);
  if (code == SQLITE_OK) code = sqlite3_bind_text(statement, 1, command, -1, SQLITE_STATIC);
  if (code == SQLITE_OK) code = sqlite3_bind_text(statement, 2, job_id, -1, SQLITE_STATIC);
  if (code == SQLITE_OK) code = sqlite3_step(statement);
  int result = code == SQLITE_DONE ? EXIT_DONE : database_wrong(state);
  sqlite3_finalize(statement);
  return result;
}

int state_record(struct state *state, const char *job_id, const struct state_option *options,
                 size_t count) {
  int code = execute(state, "BEGIN IMMEDIATE; DELETE FROM command_option");
  for (size_t i = 0; code == EXIT_DONE && i < count; i++) code = insert(state, &options[i]);
  if (code == EXIT_DONE) code = set_run(state, state->command, job_id);
  if (code == EXIT_DONE) code = execute(state, "COMMIT");
  if (code == EXIT_DONE) snprintf(state->job_id, sizeof state->job_id, "%s", job_id);
  return code;
}

int state_forget(struct state *state) {
  int code = execute(state, "BEGIN IMMEDIATE; DELETE FROM command_option");
  if (code == EXIT_DONE) code = set_run(state, "", "");
  if (code == EXIT_DONE) code = execute(state, "COMMIT");
  if (code == EXIT_DONE) state->job_id[0] = '\0';
  return code;
}
