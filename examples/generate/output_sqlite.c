/* Output to an SQLite table. */
#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "output.h"

typedef struct sqlite_output {
  struct output base;
  char path[4096];
  sqlite3 *database;
  sqlite3_stmt *insert;
  bool failed;
} sqlite_output;

/*
 * An ordinary table with an index beside it: with resources of about a kilobyte that reads faster
 * than WITHOUT ROWID, whose rows would be spread over the inner pages of the tree. The file is new
 * and worthless until it is whole, so there is no journal; the one transaction spills to the file.
 */
static const char prepare_sql[] =
    "PRAGMA page_size=8192; PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF;"
    "CREATE TABLE resource(type TEXT NOT NULL, id TEXT NOT NULL, last_updated INTEGER, "
    "json TEXT NOT NULL);"
    "BEGIN";
static const char insert_sql[] =
    "INSERT INTO resource(type, id, last_updated, json) VALUES(?1, ?2, ?3, ?4)";
/* The index comes last: its pages then lie together. */
static const char finish_sql[] =
    "CREATE UNIQUE INDEX resource_type_id ON resource(type, id); COMMIT";

static bool complain(sqlite_output *sqlite) {
  output_complain(sqlite->path, sqlite3_errmsg(sqlite->database));
  sqlite->failed = true;
  return false;
}

static bool put_row(struct output *base, const struct resource *resource) {
  sqlite_output *sqlite = (sqlite_output *)base;
  sqlite3_stmt *insert = sqlite->insert;
  const json_text *json = &resource->json;
  sqlite3_bind_text(insert, 1, type_names[resource->type], -1, SQLITE_STATIC);
  sqlite3_bind_text(insert, 2, resource->id, -1, SQLITE_STATIC);
  sqlite3_bind_int64(insert, 3, resource->updated_us);
  sqlite3_bind_text(insert, 4, json->data, (int)json->len, SQLITE_STATIC);
  if (sqlite3_step(insert) != SQLITE_DONE) return complain(sqlite);
  return sqlite3_reset(insert) == SQLITE_OK || complain(sqlite);
}

static bool close_database(struct output *base) {
  sqlite_output *sqlite = (sqlite_output *)base;
  bool done = !sqlite->failed;
  sqlite3_finalize(sqlite->insert);
  if (done && sqlite3_exec(sqlite->database, finish_sql, NULL, NULL, NULL) != SQLITE_OK) {
    done = complain(sqlite);
  }
  sqlite3_close(sqlite->database);
  free(sqlite);
  return done;
}

static bool open_database(sqlite_output *sqlite) {
  if (access(sqlite->path, F_OK) == 0) {
    output_complain(sqlite->path, "exists already; choose another folder, or remove it first");
    return false;
  }
  int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
  if (sqlite3_open_v2(sqlite->path, &sqlite->database, flags, NULL) != SQLITE_OK ||
      sqlite3_exec(sqlite->database, prepare_sql, NULL, NULL, NULL) != SQLITE_OK ||
      sqlite3_prepare_v2(sqlite->database, insert_sql, -1, &sqlite->insert, NULL) != SQLITE_OK) {
    return complain(sqlite);
  }
  return true;
}

struct output *output_open_sqlite(const char *folder) {
  sqlite_output *sqlite = calloc(1, sizeof *sqlite);
  if (sqlite == NULL) {
    output_complain(folder, "out of memory");
    return NULL;
  }
  sqlite->base.put = put_row;
  sqlite->base.close = close_database;
  int len = snprintf(sqlite->path, sizeof sqlite->path, "%s/fhir.sqlite", folder);
  if (len < 0 || (size_t)len >= sizeof sqlite->path) {
    output_complain(folder, "the name is too long");
  } else if (open_database(sqlite)) {
    return &sqlite->base;
  }
  sqlite3_close(sqlite->database);
  free(sqlite);
  return NULL;
}
