/*
 * A source over an SQLite table, on the public callbacks only. Tokens and
 * shards are those of id_range.h.
 *
 * The time window is applied to integer stamps, and not claimed: the library looks at the rows
 * again, because those without such a stamp are delivered whatever their age.
 */
#include <fhirexport/source.h>
#include <stdio.h>
#include <string.h>

#include "core/answer.h"
#include "core/buffer.h"
#include "core/clock.h"
#include "core/error.h"
#include "core/names.h"
#include "core/structs.h"
#include "source/asked.h"
#include "source/sqlite_cursor.h"
#include "source/sqlite_table.h"

#define WANT_MAX (64u * 1024 * 1024)
/* How many rows are weighed for an estimate. */
#define SAMPLE_COUNT "64"

static void destroy_source(void *user_data) {
  fhx__sqlite_table_free(user_data);
}

static const char whose[] = "an SQLite table";

/* The rows of the query's type and shard. */
static int32_t find_rows(const fhx_query *query, fhx__sqlite_rows *rows, fhx_error **error) {
  memset(rows, 0, sizeof *rows);
  rows->resource_type = fhx_query_resource_type(query);
  rows->since_us = FHX_TIME_NONE;
  rows->until_us = FHX_TIME_NONE;
  return fhx__id_range_of_shard(query, whose, &rows->ids, error);
}

static void open_table(const fhx__sqlite_table *table, const fhx_query *query, fhx_reply *reply) {
  fhx__sqlite_rows rows;
  fhx__sqlite_cursor *cursor = NULL;
  fhx_error *error = NULL;
  int32_t status = find_rows(query, &rows, &error);
  if (status == FHX_OK) status = fhx__id_range_go_on(query, whose, &rows.ids, &error);
  rows.since_us = fhx_query_since_us(query);
  rows.until_us = fhx_query_until_us(query);
  if (status == FHX_OK) status = fhx__sqlite_cursor_open(table, &rows, &cursor, &error);
  if (status != FHX_OK) {
    fhx__answer_error(reply, error);
    return;
  }
  fhx_reply_handle(reply, cursor, FHX_APPLIED_TYPE | FHX_PROMISE_ASCENDING_IDS);
}

static void open_cursor(void *user_data, const fhx_query *query, fhx_reply *reply) {
  open_table(user_data, query, reply);
}

static void open_deleted(void *user_data, const fhx_query *query, fhx_reply *reply) {
  const fhx__sqlite_table *table = user_data;
  open_table(table->deleted, query, reply);
}

/* Whose a resource is, the host's index says. */
static void open_patient(void *user_data, const fhx_query *query, const char *patient_id,
                         fhx_reply *reply) {
  fhx__sqlite_cursor *cursor = NULL;
  fhx_error *error = NULL;
  if (fhx__sqlite_cursor_open_patient(user_data, query, patient_id, &cursor, &error) != FHX_OK) {
    fhx__answer_error(reply, error);
    return;
  }
  fhx_reply_handle(reply, cursor, FHX_APPLIED_PATIENTS);
}

static void next_rows(void *user_data, void *handle, uint64_t want_bytes, fhx_reply *reply) {
  const fhx__row_batch *batch = NULL;
  fhx_error *error = NULL;
  (void)user_data;
  int32_t status = fhx__sqlite_cursor_next(
      handle, (size_t)(want_bytes < WANT_MAX ? want_bytes : WANT_MAX), &batch, &error);
  if (status == FHX_END) {
    fhx_reply_end(reply);
  } else if (status != FHX_OK) {
    fhx__answer_error(reply, error);
  } else {
    const bool has_tokens = fhx__sqlite_cursor_has_tokens(handle);
    fhx__row_batch_answer(batch, has_tokens ? &batch->last_id : NULL, reply);
  }
}

static void close_cursor(void *user_data, void *handle) {
  (void)user_data;
  fhx__sqlite_cursor_close(handle);
}

/* How many rows there are; with an index over (type, id), from that alone. */
static int32_t count_rows(const fhx__sqlite_table *table, sqlite3 *connection,
                          const fhx__sqlite_rows *rows, uint64_t *count, fhx_error **error) {
  sqlite3_stmt *statement = NULL;
  int32_t status = fhx__sqlite_table_select(table, connection, sqlite3_mprintf("SELECT count(*)"),
                                            rows, sqlite3_mprintf("LIMIT 1"), &statement, error);
  if (status == FHX_OK) {
    int code = sqlite3_step(statement);
    if (code != SQLITE_ROW) status = fhx__sqlite_table_fail(code, error);
  }
  if (status == FHX_OK) *count = (uint64_t)sqlite3_column_int64(statement, 0);
  sqlite3_finalize(statement);
  return status;
}

/* The mean length of the JSON of some rows. */
static int32_t weigh_sample(const fhx__sqlite_table *table, sqlite3 *connection,
                            const fhx__sqlite_rows *rows, uint64_t *mean_len, fhx_error **error) {
  sqlite3_stmt *statement = NULL;
  uint64_t count = 0, sum = 0;
  int code = SQLITE_DONE;
  int32_t status =
      fhx__sqlite_table_select(table, connection, sqlite3_mprintf("SELECT %s", table->json_column),
                               rows, sqlite3_mprintf("LIMIT " SAMPLE_COUNT), &statement, error);
  for (; status == FHX_OK && (code = sqlite3_step(statement)) == SQLITE_ROW; count++) {
    size_t len = 0;
    fhx__sqlite_table_bytes(statement, 0, &len);
    sum += len;
  }
  if (status == FHX_OK && code != SQLITE_DONE) status = fhx__sqlite_table_fail(code, error);
  sqlite3_finalize(statement);
  *mean_len = count == 0 ? 0 : sum / count;
  return status;
}

/* Of the whole shard: how much the time window leaves of it is not looked at. */
static void count_estimate(void *user_data, const fhx_query *query, fhx_reply *reply) {
  fhx__sqlite_table *table = user_data;
  fhx__sqlite_rows rows;
  sqlite3 *connection = NULL;
  fhx_error *error = NULL;
  uint64_t count = 0, mean_len = 0;
  int32_t status = find_rows(query, &rows, &error);
  if (status == FHX_OK) status = fhx__sqlite_table_connect(table, &connection, &error);
  if (status == FHX_OK) status = count_rows(table, connection, &rows, &count, &error);
  if (status == FHX_OK && fhx__id_range_is_whole(&rows.ids)) {
    fhx__kept_count_keep(&table->kept, rows.resource_type, count);
  }
  if (status == FHX_OK) status = weigh_sample(table, connection, &rows, &mean_len, &error);
  sqlite3_close(connection);
  if (status == FHX_OK) {
    fhx_reply_estimate(reply, count, count * mean_len);
  } else {
    fhx__answer_error(reply, error);
  }
}

/* Ends the present shard before this row, if its id can be a bound. */
static bool end_before(fhx__division *found, sqlite3_stmt *statement) {
  if (sqlite3_column_type(statement, 0) != SQLITE_TEXT) return false;
  const char *id = (const char *)sqlite3_column_text(statement, 0);
  return id != NULL &&
         fhx__division_end_before(found, id, (size_t)sqlite3_column_bytes(statement, 0));
}

/* Ends the present shard `count` rows behind its beginning, or at the next id that can be a bound;
 *passed is how many rows lie before. FHX_END: there is none. */
static int32_t find_bound(const fhx__sqlite_table *table, sqlite3 *connection,
                          const fhx__sqlite_rows *rows, fhx__division *found, uint64_t count,
                          uint64_t *passed, fhx_error **error) {
  sqlite3_stmt *statement = NULL;
  fhx__sqlite_rows behind = *rows;
  if (found->from[0] != '\0') {
    behind.ids.from_bound = FHX__BOUND_AT;
    behind.ids.from = found->from;
    behind.ids.from_len = strlen(found->from);
  }
  int code = SQLITE_DONE;
  int32_t status = fhx__sqlite_table_select(
      table, connection, sqlite3_mprintf("SELECT %s", table->id_column), &behind,
      sqlite3_mprintf("ORDER BY %s COLLATE BINARY LIMIT -1 OFFSET %llu", table->id_column,
                      (unsigned long long)count),
      &statement, error);
  *passed = count;
  while (status == FHX_OK && (code = sqlite3_step(statement)) == SQLITE_ROW &&
         !end_before(found, statement)) {
    ++*passed;
  }
  if (status == FHX_OK && code != SQLITE_ROW) {
    status = code == SQLITE_DONE ? FHX_END : fhx__sqlite_table_fail(code, error);
  }
  sqlite3_finalize(statement);
  return status;
}

/* Ids may be spread in any way, so bounds are not guessed: SQLite passes over the ids in order,
   which an index over (type, id) does without reading the table. */
static int32_t divide(const fhx__sqlite_table *table, sqlite3 *connection,
                      const fhx__sqlite_rows *rows, uint64_t row_count, uint64_t shard_count,
                      fhx__division *found, fhx_error **error) {
  uint64_t position = 0;
  int32_t status = FHX_OK;
  while (status == FHX_OK && found->present < shard_count) {
    uint64_t target = found->present * row_count / shard_count;
    uint64_t passed = 0;
    status = find_bound(table, connection, rows, found, target > position ? target - position : 1,
                        &passed, error);
    position += passed;
  }
  return status == FHX_END ? FHX_OK : status;
}

static void list_shards(void *user_data, const fhx_query *query, uint32_t count_max,
                        fhx_reply *reply) {
  fhx__sqlite_table *table = user_data;
  fhx__division found = {reply, "", 1};
  fhx__sqlite_rows rows;
  sqlite3 *connection = NULL;
  fhx_error *error = NULL;
  uint64_t row_count = 0;
  int32_t status = find_rows(query, &rows, &error);
  if (status == FHX_OK) status = fhx__sqlite_table_connect(table, &connection, &error);
  bool is_counted = status == FHX_OK && fhx__id_range_is_whole(&rows.ids) &&
                    fhx__kept_count_take(&table->kept, rows.resource_type, &row_count);
  if (status == FHX_OK && !is_counted) {
    status = count_rows(table, connection, &rows, &row_count, &error);
  }
  if (status == FHX_OK) {
    status = divide(table, connection, &rows, row_count,
                    row_count < count_max ? row_count : count_max, &found, &error);
  }
  sqlite3_close(connection);
  if (status == FHX_OK) fhx__division_end(&found);
  fhx__answer_done(reply, status, error);
}

/* What list_types walks through: the types of the table, and of that of deletions. */
typedef struct type_walk {
  sqlite3_stmt *statements[2];
  /* The type that was given last, "" at first, and the next one of each table. */
  fhx__buffer last;
  fhx__buffer next[2];
} type_walk;

static bool is_before(const fhx__buffer *a, const fhx__buffer *b) {
  int order = memcmp(a->data, b->data, a->len < b->len ? a->len : b->len);
  return order < 0 || (order == 0 && a->len < b->len);
}

/* The first type of this table behind the last one; FHX_END. */
static int32_t step_type(type_walk *walk, int table, fhx_error **error) {
  if (walk->statements[table] == NULL) return FHX_END;
  return fhx__sqlite_table_next_type(walk->statements[table], &walk->last, &walk->next[table],
                                     error);
}

/* Moves on to the first type behind the last one, in whichever table it is; FHX_END. */
static int32_t walk_types(type_walk *walk, fhx_error **error) {
  const fhx__buffer *found = NULL;
  for (int i = 0; i < 2; i++) {
    int32_t status = step_type(walk, i, error);
    if (status < 0) return status;
    if (status == FHX_END) continue;
    if (found == NULL || is_before(&walk->next[i], found)) found = &walk->next[i];
  }
  if (found == NULL) return FHX_END;
  walk->last.len = 0;
  return fhx__buffer_append(&walk->last, found->data, found->len) == FHX_OK ? FHX_OK
                                                                            : fhx__no_memory(error);
}

/* With an index over types this is a step for each type, not one for each row. What has not the
   form of a type's name cannot be asked for, and is left out. */
static int32_t give_types(const fhx__sqlite_table *table, sqlite3 *connection, fhx_reply *reply,
                          fhx_error **error) {
  type_walk walk;
  memset(&walk, 0, sizeof walk);
  int32_t status =
      fhx__sqlite_table_select_type(table, connection, NULL, &walk.statements[0], error);
  if (status == FHX_OK && table->deleted != NULL) {
    status =
        fhx__sqlite_table_select_type(table->deleted, connection, NULL, &walk.statements[1], error);
  }
  if (status == FHX_OK && fhx__buffer_terminate(&walk.last) != FHX_OK) {
    status = fhx__no_memory(error);
  }
  while (status == FHX_OK) {
    status = walk_types(&walk, error);
    if (status == FHX_OK && fhx__is_type_name(walk.last.data, walk.last.len)) {
      fhx_reply_item(reply, walk.last.data, walk.last.len);
    }
  }
  for (int i = 0; i < 2; i++) {
    sqlite3_finalize(walk.statements[i]);
    fhx__buffer_free(&walk.next[i]);
  }
  fhx__buffer_free(&walk.last);
  return status == FHX_END ? FHX_OK : status;
}

static void list_types(void *user_data, fhx_reply *reply) {
  const fhx__sqlite_table *table = user_data;
  sqlite3 *connection = NULL;
  fhx_error *error = NULL;
  int32_t status = fhx__sqlite_table_connect(table, &connection, &error);
  if (status == FHX_OK) status = give_types(table, connection, reply, &error);
  sqlite3_close(connection);
  if (status == FHX_OK) {
    fhx_reply_done(reply);
  } else {
    fhx__answer_error(reply, error);
  }
}

static int32_t give_resource(const fhx__sqlite_table *table, sqlite3 *connection,
                             const fhx__sqlite_rows *rows, fhx_reply *reply, fhx_error **error) {
  sqlite3_stmt *statement = NULL;
  int32_t status =
      fhx__sqlite_table_select(table, connection, sqlite3_mprintf("SELECT %s", table->json_column),
                               rows, sqlite3_mprintf("LIMIT 1"), &statement, error);
  int code = status == FHX_OK ? sqlite3_step(statement) : SQLITE_OK;
  if (code == SQLITE_ROW) {
    size_t len = 0;
    const void *json = fhx__sqlite_table_bytes(statement, 0, &len);
    code = sqlite3_errcode(connection);
    if (code == SQLITE_ROW) fhx_reply_item(reply, json, len);
  }
  if (code == SQLITE_DONE) {
    status = fhx__fail(error, FHX_ERR_NOT_FOUND, "the table has no such resource");
  } else if (status == FHX_OK && code != SQLITE_ROW) {
    status = fhx__sqlite_table_fail(code, error);
  }
  sqlite3_finalize(statement);
  return status;
}

static void read_resource(void *user_data, const fhx_query *query, const char *reference,
                          fhx_reply *reply) {
  const fhx__sqlite_table *table = user_data;
  sqlite3 *connection = NULL;
  fhx_error *error = NULL;
  char type[FHX__TYPE_MAX + 1];
  const char *id = NULL;
  (void)query;
  if (!fhx__answer_reference(reply, reference, type, &id)) return;
  const fhx__sqlite_rows rows = {
      .resource_type = type,
      .ids = {.from_bound = FHX__BOUND_ONLY, .from = id, .from_len = strlen(id)},
      .since_us = FHX_TIME_NONE,
      .until_us = FHX_TIME_NONE};
  int32_t status = fhx__sqlite_table_connect(table, &connection, &error);
  if (status == FHX_OK) status = give_resource(table, connection, &rows, reply, &error);
  sqlite3_close(connection);
  if (status == FHX_OK) {
    fhx_reply_done(reply);
  } else {
    fhx__answer_error(reply, error);
  }
}

static void read_clock(void *user_data, fhx_reply *reply) {
  const fhx__sqlite_table *table = user_data;
  fhx_reply_time(reply, fhx__clock_now_us(), table->resolution_us);
}

int32_t fhx_sqlite_source_new(const fhx_sqlite_source_options *options, fhx_source **source,
                              fhx_error **error) {
  fhx_sqlite_source_options copy;
  fhx_source_callbacks callbacks;
  fhx__sqlite_table *table = NULL;
  int32_t status = fhx__struct_in(&copy, sizeof copy, options, "fhx_sqlite_source_options", error);
  if (status == FHX_OK) status = fhx__sqlite_table_new(&copy, &table, error);
  if (status != FHX_OK) return status;
  FHX_INIT(&callbacks);
  callbacks.open_cursor = open_cursor;
  callbacks.next_rows = next_rows;
  callbacks.close_cursor = close_cursor;
  callbacks.list_shards = list_shards;
  callbacks.read_resource = read_resource;
  callbacks.list_types = list_types;
  callbacks.count_estimate = count_estimate;
  callbacks.read_clock = read_clock;
  if (table->deleted != NULL) callbacks.open_deleted = open_deleted;
  if (table->patient_table != NULL) callbacks.open_patient = open_patient;
  callbacks.destroy = destroy_source;
  return fhx_source_new(&callbacks, table, source, error);
}
