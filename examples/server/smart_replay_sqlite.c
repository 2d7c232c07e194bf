/*
 * Used assertions in an SQLite file, until they have expired. The row's key decides who was first,
 * also between processes; it is committed before the token is given out.
 */
#include <pthread.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "log.h"
#include "smart_replay_kind.h"

#define BUSY_MS 2000

static const char schema[] =
    "PRAGMA journal_mode=WAL;"
    "PRAGMA synchronous=FULL;"
    "CREATE TABLE IF NOT EXISTS used("
    " digest BLOB PRIMARY KEY, until_s INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE INDEX IF NOT EXISTS used_until ON used(until_s);";

struct sqlite_replay {
  struct smart_replay base;
  pthread_mutex_t mutex;
  sqlite3 *file;
  sqlite3_stmt *forget;
  sqlite3_stmt *use;
};

static bool prepare(sqlite3 *file, const char *text, sqlite3_stmt **statement) {
  return sqlite3_prepare_v3(file, text, -1, SQLITE_PREPARE_PERSISTENT, statement, NULL) ==
         SQLITE_OK;
}

static void sqlite_close(struct smart_replay *base) {
  struct sqlite_replay *replay = (struct sqlite_replay *)base;
  sqlite3_finalize(replay->forget);
  sqlite3_finalize(replay->use);
  sqlite3_close(replay->file);
  pthread_mutex_destroy(&replay->mutex);
  free(replay);
}

static enum smart_use sqlite_use(struct smart_replay *base,
                                 const unsigned char digest[SMART_DIGEST_BYTES], int64_t now_s,
                                 int64_t until_s) {
  struct sqlite_replay *replay = (struct sqlite_replay *)base;
  pthread_mutex_lock(&replay->mutex);
  sqlite3_bind_int64(replay->forget, 1, now_s);
  int code = sqlite3_step(replay->forget);
  sqlite3_reset(replay->forget);
  if (code != SQLITE_DONE) {
    pthread_mutex_unlock(&replay->mutex);
    return SMART_NOT_KNOWN;
  }
  sqlite3_bind_blob(replay->use, 1, digest, SMART_DIGEST_BYTES, SQLITE_STATIC);
  sqlite3_bind_int64(replay->use, 2, until_s);
  code = sqlite3_step(replay->use);
  sqlite3_reset(replay->use);
  sqlite3_clear_bindings(replay->use);
  pthread_mutex_unlock(&replay->mutex);
  if (code == SQLITE_DONE) return SMART_FIRST_USE;
  return (code & 0xff) == SQLITE_CONSTRAINT ? SMART_USED_BEFORE : SMART_NOT_KNOWN;
}

static const struct smart_replay_kind sqlite_kind = {.close = sqlite_close, .use = sqlite_use};

struct smart_replay *sqlite_replay_open(const char *path) {
  struct sqlite_replay *replay = calloc(1, sizeof *replay);
  if (replay == NULL) return NULL;
  replay->base.kind = &sqlite_kind;
  pthread_mutex_init(&replay->mutex, NULL);
  if (sqlite3_open_v2(path, &replay->file,
                      SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
                      NULL) == SQLITE_OK &&
      chmod(path, S_IRUSR | S_IWUSR) == 0 &&
      sqlite3_busy_timeout(replay->file, BUSY_MS) == SQLITE_OK &&
      sqlite3_exec(replay->file, schema, NULL, NULL, NULL) == SQLITE_OK &&
      prepare(replay->file, "DELETE FROM used WHERE until_s < ?1", &replay->forget) &&
      prepare(replay->file, "INSERT INTO used VALUES(?1, ?2)", &replay->use)) {
    return &replay->base;
  }
  log_problem_at("--used-assertions", path, "it cannot be opened or written as an SQLite file");
  sqlite_close(&replay->base);
  return NULL;
}
