/*
 * The database as a source of exports: what a host author writes. Cursors are in cursor.c, those
 * over a patient set in member_cursor.c, those over one patient in patient_cursor.c.
 *
 * Shards are ranges of ids, `<from>/<to>`: from `from` on and before `to`, an empty text being no
 * bound. Those of a patient set are ranges of its patients, `@<first>-<last>`.
 *
 * The index of patients takes a reference by any absolute URL for one of this server. So it may
 * give too much, never too little, and FHX_APPLIED_PATIENTS is not claimed: the library looks at
 * what the cursor gives.
 */
#include "source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cursor.h"
#include "member_cursor.h"
#include "patient_cursor.h"
#include "types.h"

/* Two ids, a slash and a NUL. */
#define SHARD_MAX (2 * ID_MAX + 2)

struct server_source {
  struct database *database;
  uint64_t rows_max;
};

/* One of the three. */
struct source_cursor {
  struct cursor *of_type;
  struct member_cursor *of_members;
  struct patient_cursor *of_patient;
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

static bool has_members(const fhx_query *query) {
  return fhx_query_scope(query) == FHX_SCOPE_PATIENT_SET;
}

/* Of the whole type: which versions an export will see is not looked at. Of a patient set, what a
   sample of it has. */
static void count_estimate(void *user_data, const fhx_query *query, fhx_reply *reply) {
  uint64_t count = 0;
  double mean = 0;
  bool counted = has_members(query) ? members_count(database_of(user_data), query, &count) == DONE
                                    : count_versions(database_of(user_data), query, &count);
  if (counted && weigh_sample(database_of(user_data), query, &mean)) {
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

/* As many patients in each. */
static void list_member_shards(const fhx_query *query, uint32_t count_max, fhx_reply *reply) {
  uint64_t members = fhx_query_patient_count(query);
  uint64_t count = members < count_max ? members : count_max;
  for (uint64_t i = 0; count > 1 && i < count; i++) {
    char shard[SHARD_MAX];
    uint64_t first = members / count * i, last = members / count * (i + 1);
    int len = i + 1 == count ? snprintf(shard, sizeof shard, "@%llu-", (unsigned long long)first)
                             : snprintf(shard, sizeof shard, "@%llu-%llu",
                                        (unsigned long long)first, (unsigned long long)last);
    fhx_reply_item(reply, shard, (size_t)len);
  }
  fhx_reply_done(reply);
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
  if (has_members(query)) {
    list_member_shards(query, count_max, reply);
    return;
  }
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

/* A time is given out when all that was stamped before it is committed. */
static void snapshot_ready(void *user_data, int64_t as_of_us, fhx_reply *reply) {
  (void)user_data;
  (void)as_of_us;
  fhx_reply_done(reply);
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

/* `@<first>-<last>`, or `@<first>-` */
static bool read_member_shard(const fhx_query *query, uint64_t *first, uint64_t *last) {
  char copy[SHARD_MAX];
  char *end = NULL;
  size_t len = 0;
  const char *shard = fhx_query_shard(query, &len);
  *first = 0;
  *last = UINT64_MAX;
  if (shard == NULL) return true;
  if (len >= sizeof copy || *shard != '@') return false;
  memcpy(copy, shard, len);
  copy[len] = '\0';
  *first = strtoull(copy + 1, &end, 10);
  if (*end != '-') return false;
  if (end[1] != '\0') *last = strtoull(end + 1, &end, 10);
  return true;
}

static void refuse_shard(fhx_reply *reply) {
  fhx_reply_fail(reply, FHX_ERR_SOURCE, 0, "the shard is not one of this server");
}

static void refuse_token(fhx_reply *reply) {
  fhx_reply_fail(reply, FHX_ERR_SOURCE, 0, "the token is not one of this server");
}

static void close_parts(const struct source_cursor *cursor) {
  cursor_close(cursor->of_type);
  member_cursor_close(cursor->of_members);
  patient_cursor_close(cursor->of_patient);
}

/* Hands over a cursor. */
static void reply_cursor(fhx_reply *reply, struct source_cursor cursor, uint32_t applied) {
  struct source_cursor *made = malloc(sizeof *made);
  if (made == NULL) {
    close_parts(&cursor);
    fail(reply);
    return;
  }
  *made = cursor;
  fhx_reply_handle(reply, made, applied | FHX_APPLIED_AS_OF);
}

static void open_member_cursor(const struct server_source *source, const fhx_query *query,
                               fhx_reply *reply) {
  uint64_t first = 0, last = 0;
  size_t len = 0;
  const void *token = fhx_query_token(query, &len);
  if (!read_member_shard(query, &first, &last)) {
    refuse_shard(reply);
    return;
  }
  struct member_cursor *cursor =
      member_cursor_open(source->database, query, first, last, source->rows_max);
  if (cursor == NULL) {
    fail(reply);
  } else if (token != NULL && !member_cursor_go_on(cursor, token, len)) {
    member_cursor_close(cursor);
    refuse_token(reply);
  } else {
    reply_cursor(reply, (struct source_cursor){.of_members = cursor}, FHX_APPLIED_TYPE);
  }
}

/* The window is applied to floored stamps and may let a few through: the library looks at the
   digits, so FHX_APPLIED_SINCE and FHX_APPLIED_UNTIL are not claimed. */
static void open_type_cursor(const struct server_source *source, const fhx_query *query,
                             const struct cursor_place *place, fhx_reply *reply) {
  size_t len = 0;
  const void *token = fhx_query_token(query, &len);
  struct cursor *cursor = cursor_open(source->database, place);
  if (cursor == NULL) {
    fail(reply);
    return;
  }
  if (token != NULL && !cursor_go_on(cursor, token, len)) {
    cursor_close(cursor);
    refuse_token(reply);
    return;
  }
  reply_cursor(reply, (struct source_cursor){.of_type = cursor},
               FHX_APPLIED_TYPE | (cursor_ascends(cursor) ? FHX_PROMISE_ASCENDING_IDS : 0));
}

static void open_cursor(void *user_data, const fhx_query *query, fhx_reply *reply) {
  const struct server_source *source = user_data;
  struct cursor_place place = {.type = fhx_query_resource_type(query),
                               .as_of_us = fhx_query_as_of_us(query),
                               .since_us = fhx_query_since_us(query),
                               .until_us = fhx_query_until_us(query),
                               .of_patients = fhx_query_scope(query) == FHX_SCOPE_PATIENTS,
                               .rows_max = source->rows_max};
  if (has_members(query)) {
    open_member_cursor(source, query, reply);
  } else if (!read_shard(query, place.from, place.to)) {
    refuse_shard(reply);
  } else {
    open_type_cursor(source, query, &place, reply);
  }
}

/* Whose they were the library sees by their last versions. */
static void open_deleted(void *user_data, const fhx_query *query, fhx_reply *reply) {
  const struct server_source *source = user_data;
  const struct cursor_place place = {.type = fhx_query_resource_type(query),
                                     .as_of_us = fhx_query_as_of_us(query),
                                     .since_us = fhx_query_since_us(query),
                                     .until_us = INT64_MIN,
                                     .of_deleted = true,
                                     .rows_max = source->rows_max};
  open_type_cursor(source, query, &place, reply);
}

static void open_patient(void *user_data, const fhx_query *query, const char *patient_id,
                         fhx_reply *reply) {
  const struct server_source *source = user_data;
  struct patient_cursor *cursor =
      patient_cursor_open(source->database, query, patient_id, source->rows_max);
  if (cursor == NULL) {
    fail(reply);
  } else {
    reply_cursor(reply, (struct source_cursor){.of_patient = cursor}, 0);
  }
}

static enum result next_of(const struct source_cursor *cursor, uint64_t want,
                           struct cursor_rows *rows) {
  if (cursor->of_type != NULL) return cursor_next(cursor->of_type, want, rows);
  if (cursor->of_members != NULL) return member_cursor_next(cursor->of_members, want, rows);
  return patient_cursor_next(cursor->of_patient, want, rows);
}

static void next_rows(void *user_data, void *handle, uint64_t want_bytes, fhx_reply *reply) {
  struct cursor_rows rows;
  (void)user_data;
  switch (next_of(handle, want_bytes, &rows)) {
    case DONE:
      fhx_reply_rows(reply, rows.data, rows.len, rows.count, rows.ends, rows.updated_us, rows.token,
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
  struct source_cursor *cursor = handle;
  (void)user_data;
  close_parts(cursor);
  free(cursor);
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
  callbacks.open_deleted = open_deleted;
  callbacks.open_patient = open_patient;
  callbacks.destroy = destroy;
  return fhx_source_new(&callbacks, made, source, error);
}
