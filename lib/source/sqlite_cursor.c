/*
 * A cursor over the rows of an SQLite table of resources. Each batch is a query of its own that
 * begins behind the last id: between batches no lock is held, however long an upload takes, and
 * writers go on. The id is the key that never changes, so every row that stays in the table is
 * read exactly once.
 *
 * The cursor over a patient does the same in the index, type by type: the types that are not wanted
 * cost a step each.
 */
#include "source/sqlite_cursor.h"

#include <string.h>

#include "core/alloc.h"
#include "core/buffer.h"
#include "core/error.h"
#include "core/instant.h"
#include "core/names.h"

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
  /* Of a patient: whose `rows` are, who is asked for wanted types, and the type that is being read,
     "" before the first. */
  char *patient;
  const fhx_query *query;
  sqlite3_stmt *type_statement;
  fhx__buffer type;
  /* The present batch. */
  fhx__buffer data;
  fhx__buffer ends;
  fhx__buffer stamps;
  /* The text of a deletion without JSON. */
  fhx__buffer bare;
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
  sqlite3_finalize(cursor->type_statement);
  sqlite3_close(cursor->connection);
  fhx__free(cursor->patient);
  fhx__buffer_free(&cursor->type);
  fhx__buffer_free(&cursor->last_id);
  fhx__buffer_free(&cursor->data);
  fhx__buffer_free(&cursor->ends);
  fhx__buffer_free(&cursor->stamps);
  fhx__buffer_free(&cursor->bare);
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
                                  rows, fhx__sqlite_table_order(table, rows), &cursor->statement,
                                  error);
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

/* What is known of a deletion whose last version was not kept. An id that has not the form of one
   is left out: the library refuses the row, and tells so. */
static int32_t write_bare(fhx__sqlite_cursor *cursor, row *present, fhx_error **error) {
  fhx__buffer *bare = &cursor->bare;
  bare->len = 0;
  int32_t status = fhx__buffer_append_text(bare, "{\"resourceType\":\"");
  if (status == FHX_OK) status = fhx__buffer_append_text(bare, cursor->resource_type);
  if (status == FHX_OK && fhx__is_id(present->id, present->id_len)) {
    status = fhx__buffer_append_text(bare, "\",\"id\":\"");
    if (status == FHX_OK) status = fhx__buffer_append(bare, present->id, present->id_len);
  }
  if (status == FHX_OK) status = fhx__buffer_append_text(bare, "\"}");
  if (status != FHX_OK) return fhx__no_memory(error);
  present->json = bare->data;
  present->json_len = bare->len;
  return FHX_OK;
}

static bool is_last_id(const fhx__sqlite_cursor *cursor, const row *present) {
  return cursor->count != 0 && present->id_len == cursor->last_id.len &&
         memcmp(present->id, cursor->last_id.data, present->id_len) == 0;
}

/* The row that the statement stands on. Ids are the order of the cursor, so they must be sound. */
static int32_t read_row(fhx__sqlite_cursor *cursor, row *present, fhx_error **error) {
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
  if (cursor->patient == NULL && is_last_id(cursor, present)) {
    return fhx__fail(error, FHX_ERR_SOURCE,
                     "the table has two rows of one type and id: it must hold one for each");
  }
  bool is_bare = cursor->table->of_deletions && sqlite3_column_type(statement, 2) == SQLITE_NULL;
  return is_bare ? write_bare(cursor, present, error) : FHX_OK;
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

/* Steps to the end of the rows, or until the batch is full (*full). The row that no longer fits is
   read again by the next query. */
static int32_t gather(fhx__sqlite_cursor *cursor, size_t want, bool *full, fhx_error **error) {
  int code = SQLITE_DONE;
  *full = false;
  while ((code = sqlite3_step(cursor->statement)) == SQLITE_ROW) {
    row present = {NULL, 0, NULL, 0, false, 0};
    int32_t status = read_row(cursor, &present, error);
    if (status != FHX_OK) return status;
    /* An index may have a resource once for each way in which it is the patient's. */
    if (is_last_id(cursor, &present)) continue;
    *full = !fits(cursor, &present, want);
    if (*full) return FHX_OK;
    status = append_row(cursor, &present, error);
    if (status != FHX_OK) return status;
  }
  return code == SQLITE_DONE ? FHX_OK : fhx__sqlite_table_fail(code, error);
}

/* One query, from behind the last id on. */
static int32_t read_on(fhx__sqlite_cursor *cursor, size_t want, bool *full, fhx_error **error) {
  int32_t status = begin_query(cursor, error);
  if (status == FHX_OK) status = gather(cursor, want, full, error);
  sqlite3_reset(cursor->statement);
  return status;
}

/* --- a patient --- */

int32_t fhx__sqlite_cursor_open_patient(const fhx__sqlite_table *table, const fhx_query *query,
                                        const char *patient, fhx__sqlite_cursor **cursor,
                                        fhx_error **error) {
  const fhx__sqlite_rows rows = {.resource_type = "",
                                 .from_bound = FHX__BOUND_BEHIND,
                                 .from = "",
                                 .since_us = fhx_query_since_us(query),
                                 .until_us = fhx_query_until_us(query)};
  fhx__sqlite_cursor *opened = NULL;
  int32_t status = fhx__sqlite_cursor_open(table, &rows, &opened, error);
  if (status != FHX_OK) return status;
  opened->query = query;
  opened->patient = fhx__copy_text(patient);
  opened->rows.patient = opened->patient;
  if (opened->patient == NULL || fhx__buffer_terminate(&opened->type) != FHX_OK ||
      fhx__buffer_terminate(&opened->last_id) != FHX_OK) {
    status = fhx__no_memory(error);
  }
  if (status == FHX_OK) {
    status = fhx__sqlite_table_select_type(table, opened->connection, opened->patient,
                                           &opened->type_statement, error);
  }
  if (status != FHX_OK) {
    fhx__sqlite_cursor_close(opened);
    return status;
  }
  *cursor = opened;
  return FHX_OK;
}

/* Goes before the first row of the patient's next type that is wanted; FHX_END. */
static int32_t begin_type(fhx__sqlite_cursor *cursor, fhx_error **error) {
  int32_t status = FHX_OK;
  do {
    status =
        fhx__sqlite_table_next_type(cursor->type_statement, &cursor->type, &cursor->type, error);
    if (status != FHX_OK) return status;
    if (fhx__buffer_terminate(&cursor->type) != FHX_OK) return fhx__no_memory(error);
  } while (fhx_query_wants_type(cursor->query, cursor->type.data) == 0);
  cursor->rows.resource_type = cursor->type.data;
  cursor->last_id.len = 0;
  return FHX_OK;
}

/* Fills the batch from one type after another. */
static int32_t read_patient(fhx__sqlite_cursor *cursor, size_t want, fhx_error **error) {
  bool full = false;
  int32_t status = cursor->type.len == 0 ? begin_type(cursor, error) : FHX_OK;
  while (status == FHX_OK) {
    status = read_on(cursor, want, &full, error);
    if (status != FHX_OK || full) return status;
    status = begin_type(cursor, error);
  }
  if (status != FHX_END) return status;
  cursor->ended = true;
  return FHX_OK;
}

/* --- batches --- */

/* Empties the batch; memory that only a huge row needed goes back. */
static void begin_batch(fhx__sqlite_cursor *cursor, size_t want) {
  if (cursor->data.capacity / 2 > want) fhx__buffer_free(&cursor->data);
  cursor->data.len = 0;
  cursor->ends.len = 0;
  cursor->stamps.len = 0;
  cursor->count = 0;
}

static int32_t read_rows(fhx__sqlite_cursor *cursor, size_t want, fhx_error **error) {
  bool full = false;
  if (cursor->patient != NULL) return read_patient(cursor, want, error);
  int32_t status = read_on(cursor, want, &full, error);
  cursor->ended = !full;
  return status;
}

int32_t fhx__sqlite_cursor_next(fhx__sqlite_cursor *cursor, size_t want, fhx__sqlite_batch *batch,
                                fhx_error **error) {
  if (cursor->ended) return FHX_END;
  begin_batch(cursor, want);
  int32_t status = read_rows(cursor, want, error);
  if (status != FHX_OK) return status;
  if (cursor->count == 0) return FHX_END;
  cursor->rows.from_bound = FHX__BOUND_BEHIND;
  batch->data = cursor->data.data;
  batch->len = cursor->data.len;
  batch->count = cursor->count;
  batch->ends = (const uint64_t *)(const void *)cursor->ends.data;
  batch->updated_us = cursor->stamped ? (const int64_t *)(const void *)cursor->stamps.data : NULL;
  batch->last_id = cursor->patient == NULL ? cursor->last_id.data : NULL;
  batch->last_id_len = cursor->patient == NULL ? cursor->last_id.len : 0;
  return FHX_OK;
}
