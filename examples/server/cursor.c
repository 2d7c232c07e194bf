/*
 * Cursors. Each batch is a query of its own that begins behind the last row, so that no read
 * transaction stays open while an export writes: the versions of a past time do not change.
 *
 * A cursor runs by id; one with a lower bound of time, or over what was deleted, runs by
 * (updated_us, id) instead, so that an export of what is new reads only that. A token is
 * `<updated_us>/<id>` of the last row.
 */
#include "cursor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WANT_MAX (UINT64_C(64) * 1024 * 1024)
#define BATCH_ROWS_MAX 16384
#define TOKEN_MAX (ID_MAX + 24)
/* Behind every id; and what an id begins with that comes next behind another. */
#define LAST_ID "~"
#define NEXT "\x01"

/* Only what a cursor needs is asked of each row: they are many. */
#define CURRENT " WHERE type = :type AND valid_from <= :as_of AND valid_to > :as_of AND deleted = 0"
#define IN_SHARD " AND id >= :from AND id < :to AND patient_count >= :patients"

static const char by_id[] =
    "SELECT 0, id, json FROM resource_version INDEXED BY version_by_id" CURRENT IN_SHARD
    " ORDER BY id";
static const char by_id_until[] =
    "SELECT 0, id, json FROM resource_version INDEXED BY version_by_id" CURRENT IN_SHARD
    " AND updated_us < :until ORDER BY id";
static const char by_update[] =
    "SELECT updated_us, id, json FROM resource_version INDEXED BY version_by_update" CURRENT
        IN_SHARD
    " AND (updated_us, id) > (:last_us, :last_id) AND updated_us < :until"
    " ORDER BY updated_us, id";

/* A delete is a version without a text; the one before it has it. */
static const char by_deletion[] =
    "SELECT d.updated_us, d.id, v.json FROM resource_version d INDEXED BY version_by_update"
    " JOIN resource_version v ON v.type = d.type AND v.id = d.id AND v.version = d.version - 1"
    " WHERE d.type = :type AND d.deleted = 1 AND d.valid_from <= :as_of AND d.valid_to > :as_of"
    " AND (d.updated_us, d.id) > (:last_us, :last_id) ORDER BY d.updated_us, d.id";

struct cursor {
  struct database *database;
  sqlite3 *connection;
  sqlite3_stmt *statement;
  bool by_update;
  bool ended;
  char type[TYPE_MAX + 1];
  struct cursor_place place;
  /* Where the next batch begins. */
  char from[ID_MAX + sizeof NEXT];
  /* The row that was read last; at first one before all. */
  char last_id[ID_MAX + 1];
  int64_t last_us;
  struct text data;
  uint64_t ends[BATCH_ROWS_MAX];
  int64_t updated_us[BATCH_ROWS_MAX];
  uint64_t count;
  char token[TOKEN_MAX];
};

static const char *choose_query(const struct cursor *cursor) {
  if (cursor->place.of_deleted) return by_deletion;
  if (cursor->by_update) return by_update;
  return cursor->place.until_us == INT64_MIN ? by_id : by_id_until;
}

struct cursor *cursor_open(struct database *database, const struct cursor_place *place) {
  struct cursor *cursor = calloc(1, sizeof *cursor);
  if (cursor == NULL) return NULL;
  cursor->database = database;
  cursor->place = *place;
  if (place->rows_max == 0 || place->rows_max > BATCH_ROWS_MAX) {
    cursor->place.rows_max = BATCH_ROWS_MAX;
  }
  snprintf(cursor->type, sizeof cursor->type, "%s", place->type);
  snprintf(cursor->from, sizeof cursor->from, "%s", place->from);
  cursor->by_update = place->of_deleted || place->since_us != INT64_MIN;
  /* With no id, it is before all rows of that time. */
  cursor->last_us = place->since_us;
  cursor->connection = database_borrow(database);
  if (cursor->connection != NULL && sqlite3_prepare_v2(cursor->connection, choose_query(cursor), -1,
                                                       &cursor->statement, NULL) == SQLITE_OK) {
    return cursor;
  }
  cursor_close(cursor);
  return NULL;
}

void cursor_close(struct cursor *cursor) {
  if (cursor == NULL) return;
  sqlite3_finalize(cursor->statement);
  database_give_back(cursor->database, cursor->connection);
  text_free(&cursor->data);
  free(cursor);
}

bool cursor_ascends(const struct cursor *cursor) {
  return !cursor->by_update;
}

/* The next batch begins behind the row that was read last. */
static void go_behind_last(struct cursor *cursor) {
  if (!cursor->by_update) {
    snprintf(cursor->from, sizeof cursor->from, "%s" NEXT, cursor->last_id);
  }
}

bool cursor_go_on(struct cursor *cursor, const void *token, size_t len) {
  char copy[TOKEN_MAX];
  char *behind = NULL;
  if (len >= sizeof copy) return false;
  memcpy(copy, token, len);
  copy[len] = '\0';
  cursor->last_us = strtoll(copy, &behind, 10);
  if (*behind != '/' || !is_id(behind + 1)) return false;
  snprintf(cursor->last_id, sizeof cursor->last_id, "%s", behind + 1);
  go_behind_last(cursor);
  return true;
}

/* Binds a value where the query has it. */
static bool bind_number(sqlite3_stmt *statement, const char *name, int64_t number) {
  int place = sqlite3_bind_parameter_index(statement, name);
  return place == 0 || sqlite3_bind_int64(statement, place, number) == SQLITE_OK;
}

static bool bind_text(sqlite3_stmt *statement, const char *name, const char *text) {
  int place = sqlite3_bind_parameter_index(statement, name);
  return place == 0 || sqlite3_bind_text(statement, place, text, -1, SQLITE_TRANSIENT) == SQLITE_OK;
}

static bool bind(struct cursor *cursor) {
  const struct cursor_place *place = &cursor->place;
  sqlite3_stmt *statement = cursor->statement;
  return bind_text(statement, ":type", cursor->type) &&
         bind_text(statement, ":from", cursor->from) &&
         bind_text(statement, ":to", *place->to == '\0' ? LAST_ID : place->to) &&
         bind_text(statement, ":last_id", cursor->last_id) &&
         bind_number(statement, ":last_us", cursor->last_us) &&
         bind_number(statement, ":as_of", place->as_of_us) &&
         bind_number(statement, ":patients", place->of_patients ? 1 : 0) &&
         bind_number(statement, ":until",
                     place->until_us == INT64_MIN ? INT64_MAX : place->until_us);
}

/* Adds the row that the statement stands on. */
static bool add_row(struct cursor *cursor) {
  sqlite3_stmt *statement = cursor->statement;
  const char *id = (const char *)sqlite3_column_text(statement, 1);
  const void *json = sqlite3_column_text(statement, 2);
  if (id == NULL || json == NULL) return false;
  cursor->last_us = sqlite3_column_int64(statement, 0);
  snprintf(cursor->last_id, sizeof cursor->last_id, "%s", id);
  text_add(&cursor->data, json, (size_t)sqlite3_column_bytes(statement, 2));
  cursor->updated_us[cursor->count] = cursor->last_us;
  cursor->ends[cursor->count++] = cursor->data.len;
  return !cursor->data.failed;
}

static enum result gather(struct cursor *cursor, uint64_t want) {
  while (cursor->count < cursor->place.rows_max &&
         (cursor->count == 0 || cursor->data.len < want)) {
    int code = sqlite3_step(cursor->statement);
    if (code == SQLITE_DONE) cursor->ended = true;
    if (code == SQLITE_DONE) break;
    if (code != SQLITE_ROW || !add_row(cursor)) return FAILED;
  }
  return cursor->count == 0 ? NONE : DONE;
}

enum result cursor_next(struct cursor *cursor, uint64_t want, struct cursor_rows *rows) {
  if (cursor->ended) return NONE;
  if (cursor->data.capacity > 2 * WANT_MAX) text_free(&cursor->data);
  cursor->data.len = 0;
  cursor->count = 0;
  enum result result = bind(cursor) ? gather(cursor, want < WANT_MAX ? want : WANT_MAX) : FAILED;
  sqlite3_reset(cursor->statement);
  if (result != DONE) return result;
  go_behind_last(cursor);
  int len = snprintf(cursor->token, sizeof cursor->token, "%lld/%s", (long long)cursor->last_us,
                     cursor->last_id);
  *rows = (struct cursor_rows){.data = cursor->data.data,
                               .len = cursor->data.len,
                               .count = cursor->count,
                               .ends = cursor->ends,
                               .updated_us = cursor->place.of_deleted ? cursor->updated_us : NULL,
                               .token = cursor->token,
                               .token_len = (size_t)len};
  return DONE;
}
