/*
 * A cursor over the rows of an SQLite table of resources. Each batch is a query of its own that
 * begins behind the last id: between batches no lock is held, however long an upload takes, and
 * writers go on. The id is the key that never changes, so every row that stays in the table is
 * read exactly once.
 */
#include "source/sqlite_cursor.h"

#include <string.h>

#include "core/alloc.h"
#include "core/buffer.h"
#include "core/error.h"
#include "core/instant.h"

/* Also when rows are empty: a batch is bounded. */
#define BATCH_ROWS_MAX 16384

struct fhx__sqlite_cursor {
  const fhx__sqlite_table *table;
  sqlite3 *connection;
  /* Prepared for `prepared_bound`; NULL before that. */
  sqlite3_stmt *statement;
  fhx__sqlite_bound prepared_bound;
  fhx__sqlite_rows rows;
  /* The copies that `rows` points to; `last_id` is its `from`. */
  char *resource_type;
  char *to;
  fhx__buffer last_id;
  /* The present batch. */
  fhx__buffer data;
  fhx__buffer ends;
  fhx__buffer stamps;
  uint64_t count;
  bool stamped;
  bool ended;
};

/* A row as SQLite has it, valid until the next step. */
typedef struct row {
  const char *id;
  size_t id_len;
  const void *json;
  size_t json_len;
  bool stamped;
  int64_t updated_us;
} row;

static int32_t copy_rows(fhx__sqlite_cursor *cursor, const fhx__sqlite_rows *rows,
                         fhx_error **error) {
  cursor->rows = *rows;
  cursor->resource_type = fhx__copy_text(rows->resource_type);
  if (cursor->resource_type == NULL) return fhx__no_memory(error);
  cursor->rows.resource_type = cursor->resource_type;
  if (rows->to != NULL) {
    cursor->to = fhx__copy_bytes(rows->to, rows->to_len);
    if (cursor->to == NULL) return fhx__no_memory(error);
    cursor->rows.to = cursor->to;
  }
  if (rows->from_bound == FHX__BOUND_OPEN) return FHX_OK;
  if (fhx__buffer_append(&cursor->last_id, rows->from, rows->from_len) != FHX_OK) {
    return fhx__no_memory(error);
  }
  return FHX_OK;
}

int32_t fhx__sqlite_cursor_open(const fhx__sqlite_table *table, const fhx__sqlite_rows *rows,
                                fhx__sqlite_cursor **cursor, fhx_error **error) {
  fhx__sqlite_cursor *opened = fhx__alloc_zeroed(1, sizeof *opened);
  if (opened == NULL) return fhx__no_memory(error);
  opened->table = table;
  int32_t status = copy_rows(opened, rows, error);
  if (status == FHX_OK) status = fhx__sqlite_table_connect(table, &opened->connection, error);
  if (status != FHX_OK) {
    fhx__sqlite_cursor_close(opened);
    return status;
  }
  *cursor = opened;
  return FHX_OK;
}

void fhx__sqlite_cursor_close(fhx__sqlite_cursor *cursor) {
  if (cursor == NULL) return;
  sqlite3_finalize(cursor->statement);
  sqlite3_close(cursor->connection);
  fhx__buffer_free(&cursor->last_id);
  fhx__buffer_free(&cursor->data);
  fhx__buffer_free(&cursor->ends);
  fhx__buffer_free(&cursor->stamps);
  fhx__free(cursor->resource_type);
  fhx__free(cursor->to);
  fhx__free(cursor);
}

/* The statement for rows behind the last id, with its values bound. */
static int32_t begin_query(fhx__sqlite_cursor *cursor, fhx_error **error) {
  const fhx__sqlite_table *table = cursor->table;
  fhx__sqlite_rows *rows = &cursor->rows;
  rows->from = cursor->last_id.data;
  rows->from_len = cursor->last_id.len;
  if (cursor->statement != NULL && cursor->prepared_bound == rows->from_bound) {
    return fhx__sqlite_table_bind(rows, cursor->statement, error);
  }
  sqlite3_finalize(cursor->statement);
  cursor->statement = NULL;
  cursor->prepared_bound = rows->from_bound;
  return fhx__sqlite_table_select(table, cursor->connection,
                                  sqlite3_mprintf("SELECT %s, %s, %s", table->id_column,
                                                  table->updated_column, table->json_column),
                                  rows,
                                  sqlite3_mprintf("ORDER BY %s COLLATE BINARY", table->id_column),
                                  &cursor->statement, error);
}

/* A stamp is known if it is an integer or the text of an instant, floored then. */
static void read_stamp(sqlite3_stmt *statement, int column, row *present) {
  int kind = sqlite3_column_type(statement, column);
  present->stamped = kind == SQLITE_INTEGER;
  if (present->stamped) present->updated_us = sqlite3_column_int64(statement, column);
  if (kind != SQLITE_TEXT) return;
  fhx__instant instant = {0, 0};
  const char *text = (const char *)sqlite3_column_text(statement, column);
  size_t len = (size_t)sqlite3_column_bytes(statement, column);
  present->stamped = text != NULL && fhx__instant_parse(text, len, &instant);
  present->updated_us = instant.us;
}

/* The row that the statement stands on. Ids are the order of the cursor, so they must be sound. */
static int32_t read_row(const fhx__sqlite_cursor *cursor, row *present, fhx_error **error) {
  sqlite3_stmt *statement = cursor->statement;
  if (sqlite3_column_type(statement, 0) != SQLITE_TEXT) {
    return fhx__fail(error, FHX_ERR_SOURCE, "the table has a row whose id is not text");
  }
  present->id = (const char *)sqlite3_column_text(statement, 0);
  present->id_len = (size_t)sqlite3_column_bytes(statement, 0);
  read_stamp(statement, 1, present);
  present->json = fhx__sqlite_table_bytes(statement, 2, &present->json_len);
  if (sqlite3_errcode(cursor->connection) == SQLITE_NOMEM) return fhx__no_memory(error);
  if (present->id_len == 0 || present->id_len > FHX_TOKEN_MAX) {
    return fhx__fail(error, FHX_ERR_SOURCE, "the table has a row whose id is empty or too long");
  }
  if (cursor->count != 0 && present->id_len == cursor->last_id.len &&
      memcmp(present->id, cursor->last_id.data, present->id_len) == 0) {
    return fhx__fail(error, FHX_ERR_SOURCE,
                     "the table has two rows of one type and id: it must hold one for each");
  }
  return FHX_OK;
}

/* A batch has stamps for all of its rows or for none. */
static bool fits(const fhx__sqlite_cursor *cursor, const row *present, size_t want) {
  if (cursor->count == 0) return true;
  return cursor->count < BATCH_ROWS_MAX && cursor->data.len < want &&
         present->json_len <= want - cursor->data.len && present->stamped == cursor->stamped;
}

static int32_t append_row(fhx__sqlite_cursor *cursor, const row *present, fhx_error **error) {
  int32_t status = fhx__buffer_append(&cursor->data, present->json, present->json_len);
  uint64_t end = cursor->data.len;
  if (status == FHX_OK) status = fhx__buffer_append(&cursor->ends, &end, sizeof end);
  if (status == FHX_OK) {
    status = fhx__buffer_append(&cursor->stamps, &present->updated_us, sizeof present->updated_us);
  }
  cursor->last_id.len = 0;
  if (status == FHX_OK) {
    status = fhx__buffer_append(&cursor->last_id, present->id, present->id_len);
  }
  if (status != FHX_OK) return fhx__no_memory(error);
  cursor->stamped = present->stamped;
  cursor->count++;
  return FHX_OK;
}

/* Steps until the batch is full. The row that no longer fits is read again by the next query. */
static int32_t gather(fhx__sqlite_cursor *cursor, size_t want, fhx_error **error) {
  for (;;) {
    row present = {NULL, 0, NULL, 0, false, 0};
    int code = sqlite3_step(cursor->statement);
    if (code == SQLITE_DONE) {
      cursor->ended = true;
      return FHX_OK;
    }
    if (code != SQLITE_ROW) return fhx__sqlite_table_fail(code, error);
    int32_t status = read_row(cursor, &present, error);
    if (status != FHX_OK) return status;
    if (!fits(cursor, &present, want)) return FHX_OK;
    status = append_row(cursor, &present, error);
    if (status != FHX_OK) return status;
  }
}

/* Empties the batch; memory that only a huge row needed goes back. */
static void begin_batch(fhx__sqlite_cursor *cursor, size_t want) {
  if (cursor->data.capacity / 2 > want) fhx__buffer_free(&cursor->data);
  cursor->data.len = 0;
  cursor->ends.len = 0;
  cursor->stamps.len = 0;
  cursor->count = 0;
}

int32_t fhx__sqlite_cursor_next(fhx__sqlite_cursor *cursor, size_t want, fhx__sqlite_batch *batch,
                                fhx_error **error) {
  if (cursor->ended) return FHX_END;
  begin_batch(cursor, want);
  int32_t status = begin_query(cursor, error);
  if (status == FHX_OK) status = gather(cursor, want, error);
  sqlite3_reset(cursor->statement);
  if (status != FHX_OK) return status;
  if (cursor->count == 0) return FHX_END;
  cursor->rows.from_bound = FHX__BOUND_BEHIND;
  batch->data = cursor->data.data;
  batch->len = cursor->data.len;
  batch->count = cursor->count;
  batch->ends = (const uint64_t *)(const void *)cursor->ends.data;
  batch->updated_us = cursor->stamped ? (const int64_t *)(const void *)cursor->stamps.data : NULL;
  batch->last_id = cursor->last_id.data;
  batch->last_id_len = cursor->last_id.len;
  return FHX_OK;
}
