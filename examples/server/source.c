/*
 * The database as a source of exports: what a host author writes. Cursors are in cursor.c.
 *
 * Shards are ranges of ids, `<from>/<to>`: from `from` on and before `to`, an empty text being no
 * bound.
 */
#include "source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cursor.h"
#include "types.h"

/* Two ids, a slash and a NUL. */
#define SHARD_MAX (2 * ID_MAX + 2)
/* How long to wait for a write in flight. */
#define SETTLE_US 1000

struct server_source {
  struct database *database;
  uint64_t rows_max;
};

static struct database *database_of(void *user_data) {
  return ((struct server_source *)user_data)->database;
}

static void fail(fhx_reply *reply) {
  /* A busy or unreachable database: the library tries the task again. */
  fhx_reply_fail(reply, FHX_ERR_SOURCE, 1, "the database could not be read");
}

/* Prepares a statement on a borrowed connection, with the type as its first value. */
static sqlite3_stmt *begin(struct database *database, const char *query, const char *type,
                           sqlite3 **connection) {
  sqlite3_stmt *statement = NULL;
  *connection = database_borrow(database);
  if (*connection == NULL) return NULL;
  if (sqlite3_prepare_v2(*connection, query, -1, &statement, NULL) == SQLITE_OK &&
      sqlite3_bind_text(statement, 1, type, -1, SQLITE_TRANSIENT) == SQLITE_OK) {
    return statement;
  }
  sqlite3_finalize(statement);
  database_give_back(database, *connection);
  return NULL;
}

static void end(struct database *database, sqlite3 *connection, sqlite3_stmt *statement) {
  sqlite3_finalize(statement);
  database_give_back(database, connection);
}

/* --- types --- */

static void list_types(void *user_data, fhx_reply *reply) {
  char type[TYPE_MAX + 1] = "";
  enum result result = DONE;
  while ((result = database_next_type(database_of(user_data), type)) == DONE) {
    fhx_reply_item(reply, type, strlen(type));
  }
  if (result == NONE) {
    fhx_reply_done(reply);
  } else {
    fail(reply);
  }
}

/* --- shards and estimates --- */

/* How many versions there are; read from an index alone. */
static bool count_versions(struct database *database, const fhx_query *query, uint64_t *count) {
  static const char text[] =
      "SELECT count(*) FROM resource_version INDEXED BY version_by_update"
      " WHERE type = ?1 AND updated_us >= ?2";
  sqlite3 *connection = NULL;
  sqlite3_stmt *statement = begin(database, text, fhx_query_resource_type(query), &connection);
  if (statement == NULL) return false;
  /* No bound is the smallest number there is. */
  sqlite3_bind_int64(statement, 2, fhx_query_since_us(query));
  bool done = sqlite3_step(statement) == SQLITE_ROW;
  if (done) *count = (uint64_t)sqlite3_column_int64(statement, 0);
  end(database, connection, statement);
  return done;
}

static bool weigh_sample(struct database *database, const fhx_query *query, double *mean) {
  static const char text[] =
      "SELECT avg(length(CAST(json AS BLOB))) FROM"
      " (SELECT json FROM resource_version WHERE type = ?1 LIMIT 64)";
  sqlite3 *connection = NULL;
  sqlite3_stmt *statement = begin(database, text, fhx_query_resource_type(query), &connection);
  if (statement == NULL) return false;
  bool done = sqlite3_step(statement) == SQLITE_ROW;
  if (done) *mean = sqlite3_column_double(statement, 0);
  end(database, connection, statement);
  return done;
}

/* Of the whole type: which versions an export will see is not looked at. */
static void count_estimate(void *user_data, const fhx_query *query, fhx_reply *reply) {
  uint64_t count = 0;
  double mean = 0;
  if (count_versions(database_of(user_data), query, &count) &&
      weigh_sample(database_of(user_data), query, &mean)) {
    fhx_reply_estimate(reply, count, (uint64_t)((double)count * mean));
  } else {
    fail(reply);
  }
}

/* Gives a shard from `from` to the id that the statement stands on, and goes on from there. */
static void end_shard(sqlite3_stmt *statement, char from[ID_MAX + 1], fhx_reply *reply) {
  char shard[SHARD_MAX];
  const char *id = (const char *)sqlite3_column_text(statement, 0);
  if (id == NULL || strcmp(id, from) <= 0) return;
  int len = snprintf(shard, sizeof shard, "%s/%s", from, id);
  fhx_reply_item(reply, shard, (size_t)len);
  snprintf(from, ID_MAX + 1, "%s", id);
}

/* Walks the ids in their order, in the index alone, and divides them evenly. */
static void list_shards(void *user_data, const fhx_query *query, uint32_t count_max,
                        fhx_reply *reply) {
  static const char text[] =
      "SELECT id FROM resource_version INDEXED BY version_by_id WHERE type = ?1 ORDER BY id";
  char from[ID_MAX + 1] = "";
  char shard[SHARD_MAX];
  uint64_t count = 0, position = 0;
  sqlite3 *connection = NULL;
  int code = SQLITE_DONE;
  bool counted = count_versions(database_of(user_data), query, &count);
  if (counted && (count_max < 2 || count < count_max)) {
    fhx_reply_done(reply);
    return;
  }
  sqlite3_stmt *statement =
      counted ? begin(database_of(user_data), text, fhx_query_resource_type(query), &connection)
              : NULL;
  if (statement == NULL) {
    fail(reply);
    return;
  }
  for (uint64_t shards = 1; shards < count_max; position++) {
    code = sqlite3_step(statement);
    if (code != SQLITE_ROW) break;
    if (position < shards * count / count_max) continue;
    end_shard(statement, from, reply);
    shards++;
  }
  end(database_of(user_data), connection, statement);
  if (code != SQLITE_ROW && code != SQLITE_DONE) {
    fail(reply);
    return;
  }
  int len = snprintf(shard, sizeof shard, "%s/", from);
  if (len > 1) fhx_reply_item(reply, shard, (size_t)len);
  fhx_reply_done(reply);
}

/* --- one resource --- */

static void read_resource(void *user_data, const fhx_query *query, const char *reference,
                          fhx_reply *reply) {
  static const char text[] =
      "SELECT json FROM resource_version WHERE type = ?1 AND id = ?2 AND deleted = 0"
      " AND valid_from <= ?3 AND valid_to > ?3";
  char type[TYPE_MAX + 1] = "";
  sqlite3 *connection = NULL;
  size_t type_len = strcspn(reference, "/");
  if (type_len > TYPE_MAX || reference[type_len] != '/') {
    fhx_reply_fail(reply, FHX_ERR_ARGUMENT, 0, "the reference is not of the form Type/id");
    return;
  }
  memcpy(type, reference, type_len);
  sqlite3_stmt *statement = begin(database_of(user_data), text, type, &connection);
  if (statement == NULL) {
    fail(reply);
    return;
  }
  sqlite3_bind_text(statement, 2, reference + type_len + 1, -1, SQLITE_STATIC);
  sqlite3_bind_int64(statement, 3, fhx_query_as_of_us(query));
  int code = sqlite3_step(statement);
  if (code == SQLITE_ROW) {
    const void *json = sqlite3_column_text(statement, 0);
    fhx_reply_item(reply, json, (size_t)sqlite3_column_bytes(statement, 0));
    fhx_reply_done(reply);
  } else if (code == SQLITE_DONE) {
    fhx_reply_fail(reply, FHX_ERR_NOT_FOUND, 0, "there is no such resource");
  } else {
    fail(reply);
  }
  end(database_of(user_data), connection, statement);
}

/* --- time --- */

static void snapshot_ready(void *user_data, int64_t as_of_us, fhx_reply *reply) {
  if (database_settled(database_of(user_data), as_of_us)) {
    fhx_reply_done(reply);
  } else {
    fhx_reply_wait(reply, SETTLE_US);
  }
}

static void read_clock(void *user_data, fhx_reply *reply) {
  int64_t now_us = 0;
  if (database_now(database_of(user_data), &now_us) == DONE) {
    fhx_reply_time(reply, now_us, 1);
  } else {
    fail(reply);
  }
}

/* --- cursors --- */

static bool read_shard(const fhx_query *query, char from[ID_MAX + 1], char to[ID_MAX + 1]) {
  size_t len = 0;
  const char *shard = fhx_query_shard(query, &len);
  *from = '\0';
  *to = '\0';
  if (shard == NULL) return true;
  const char *slash = memchr(shard, '/', len);
  if (slash == NULL) return false;
  size_t from_len = (size_t)(slash - shard);
  size_t to_len = len - from_len - 1;
  if (from_len > ID_MAX || to_len > ID_MAX) return false;
  memcpy(from, shard, from_len);
  from[from_len] = '\0';
  memcpy(to, slash + 1, to_len);
  to[to_len] = '\0';
  return true;
}

static void open_cursor(void *user_data, const fhx_query *query, fhx_reply *reply) {
  const struct server_source *source = user_data;
  struct cursor_place place;
  size_t len = 0;
  const void *token = fhx_query_token(query, &len);
  if (!read_shard(query, place.from, place.to)) {
    fhx_reply_fail(reply, FHX_ERR_SOURCE, 0, "the shard is not one of this server");
    return;
  }
  place.type = fhx_query_resource_type(query);
  place.as_of_us = fhx_query_as_of_us(query);
  place.since_us = fhx_query_since_us(query);
  place.until_us = fhx_query_until_us(query);
  place.rows_max = source->rows_max;
  struct cursor *cursor = cursor_open(source->database, &place);
  if (cursor == NULL) {
    fail(reply);
    return;
  }
  if (token != NULL && !cursor_go_on(cursor, token, len)) {
    cursor_close(cursor);
    fhx_reply_fail(reply, FHX_ERR_SOURCE, 0, "the token is not one of this server");
    return;
  }
  uint32_t applied = FHX_APPLIED_TYPE | FHX_APPLIED_AS_OF;
  if (cursor_ascends(cursor)) applied |= FHX_PROMISE_ASCENDING_IDS;
  /* The window was applied to floored stamps and may have let a few through: the library looks at
     the digits, so FHX_APPLIED_SINCE and FHX_APPLIED_UNTIL are not claimed. */
  fhx_reply_handle(reply, cursor, applied);
}

static void next_rows(void *user_data, void *handle, uint64_t want_bytes, fhx_reply *reply) {
  struct cursor_rows rows;
  (void)user_data;
  switch (cursor_next(handle, want_bytes, &rows)) {
    case DONE:
      fhx_reply_rows(reply, rows.data, rows.len, rows.count, rows.ends, NULL, rows.token,
                     rows.token_len);
      break;
    case NONE:
      fhx_reply_end(reply);
      break;
    default:
      fail(reply);
  }
}

static void close_cursor(void *user_data, void *handle) {
  (void)user_data;
  cursor_close(handle);
}

static void destroy(void *user_data) {
  free(user_data);
}

int32_t server_source_new(struct database *database, uint64_t rows_max, fhx_source **source,
                          fhx_error **error) {
  fhx_source_callbacks callbacks;
  struct server_source *made = malloc(sizeof *made);
  if (made == NULL) return FHX_ERR_NO_MEMORY;
  made->database = database;
  made->rows_max = rows_max;
  FHX_INIT(&callbacks);
  callbacks.open_cursor = open_cursor;
  callbacks.next_rows = next_rows;
  callbacks.close_cursor = close_cursor;
  callbacks.list_shards = list_shards;
  callbacks.read_resource = read_resource;
  callbacks.list_types = list_types;
  callbacks.count_estimate = count_estimate;
  callbacks.snapshot_ready = snapshot_ready;
  callbacks.read_clock = read_clock;
  callbacks.destroy = destroy;
  return fhx_source_new(&callbacks, made, source, error);
}
