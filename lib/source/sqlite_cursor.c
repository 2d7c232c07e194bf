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
#include "core/error.h"

struct fhx__sqlite_cursor {
  const fhx__sqlite_table *table;
  sqlite3 *connection;
  /* Prepared for `prepared_bound`; NULL before that. */
  sqlite3_stmt *statement;
  fhx__bound prepared_bound;
  fhx__sqlite_rows rows;
  /* The copies that `rows` points to; the batch's `last_id` is its `from`. */
  char *resource_type;
  char *to;
  /* Of a patient: whose `rows` are, who is asked for wanted types, and the type that is being read,
     "" before the first. */
  char *patient;
  const fhx_query *query;
  sqlite3_stmt *type_statement;
  fhx__buffer type;
  fhx__row_batch batch;
  bool ended;
};

static int32_t copy_rows(fhx__sqlite_cursor *cursor, const fhx__sqlite_rows *rows,
                         fhx_error **error) {
  cursor->rows = *rows;
  cursor->resource_type = fhx__copy_text(rows->resource_type);
  if (cursor->resource_type == NULL) return fhx__no_memory(error);
  cursor->rows.resource_type = cursor->resource_type;
  if (rows->ids.to != NULL) {
    cursor->to = fhx__copy_bytes(rows->ids.to, rows->ids.to_len);
    if (cursor->to == NULL) return fhx__no_memory(error);
    cursor->rows.ids.to = cursor->to;
  }
  if (rows->ids.from_bound == FHX__BOUND_OPEN) return FHX_OK;
  if (fhx__buffer_append(&cursor->batch.last_id, rows->ids.from, rows->ids.from_len) != FHX_OK) {
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
  fhx__row_batch_free(&cursor->batch);
  fhx__free(cursor->resource_type);
  fhx__free(cursor->to);
  fhx__free(cursor);
}

/* The statement for rows behind the last id, with its values bound. */
static int32_t begin_query(fhx__sqlite_cursor *cursor, fhx_error **error) {
  const fhx__sqlite_table *table = cursor->table;
  fhx__sqlite_rows *rows = &cursor->rows;
  rows->ids.from = cursor->batch.last_id.data;
  rows->ids.from_len = cursor->batch.last_id.len;
  if (cursor->statement != NULL && cursor->prepared_bound == rows->ids.from_bound) {
    return fhx__sqlite_table_bind(rows, cursor->statement, error);
  }
  sqlite3_finalize(cursor->statement);
  cursor->statement = NULL;
  cursor->prepared_bound = rows->ids.from_bound;
  return fhx__sqlite_table_select(table, cursor->connection,
                                  sqlite3_mprintf("SELECT %s, %s, %s", table->id_column,
                                                  table->updated_column, table->json_column),
                                  rows, fhx__sqlite_table_order(table, rows), &cursor->statement,
                                  error);
}

/* A stamp is known if it is an integer or the text of an instant, floored then. */
static void read_stamp(sqlite3_stmt *statement, int column, fhx__table_row *present) {
  int kind = sqlite3_column_type(statement, column);
  present->stamped = kind == SQLITE_INTEGER;
  if (present->stamped) present->updated_us = sqlite3_column_int64(statement, column);
  if (kind != SQLITE_TEXT) return;
  const char *text = (const char *)sqlite3_column_text(statement, column);
  fhx__table_row_read_instant(present, text, (size_t)sqlite3_column_bytes(statement, column));
}

/* The row that the statement stands on. */
static int32_t read_row(fhx__sqlite_cursor *cursor, fhx__table_row *present, fhx_error **error) {
  sqlite3_stmt *statement = cursor->statement;
  if (sqlite3_column_type(statement, 0) == SQLITE_TEXT) {
    present->id = (const char *)sqlite3_column_text(statement, 0);
    present->id_len = (size_t)sqlite3_column_bytes(statement, 0);
  }
  read_stamp(statement, 1, present);
  present->json = fhx__sqlite_table_bytes(statement, 2, &present->json_len);
  if (sqlite3_errcode(cursor->connection) == SQLITE_NOMEM) return fhx__no_memory(error);
  int32_t status = fhx__table_row_check(present, error);
  if (status != FHX_OK) return status;
  if (cursor->patient == NULL && fhx__row_batch_ends_with(&cursor->batch, present)) {
    return fhx__fail(error, FHX_ERR_SOURCE,
                     "the table has two rows of one type and id: it must hold one for each");
  }
  bool is_bare = cursor->table->of_deletions && sqlite3_column_type(statement, 2) == SQLITE_NULL;
  if (!is_bare) return FHX_OK;
  return fhx__row_batch_write_bare(&cursor->batch, cursor->resource_type, present, error);
}

/* Steps to the end of the rows, or until the batch is full (*full). The row that no longer fits is
   read again by the next query. */
static int32_t gather(fhx__sqlite_cursor *cursor, size_t want, bool *full, fhx_error **error) {
  int code = SQLITE_DONE;
  *full = false;
  while ((code = sqlite3_step(cursor->statement)) == SQLITE_ROW) {
    fhx__table_row present = {NULL, 0, NULL, 0, false, 0};
    int32_t status = read_row(cursor, &present, error);
    if (status != FHX_OK) return status;
    /* An index may have a resource once for each way in which it is the patient's. */
    if (fhx__row_batch_ends_with(&cursor->batch, &present)) continue;
    *full = !fhx__row_batch_fits(&cursor->batch, &present, want);
    if (*full) return FHX_OK;
    status = fhx__row_batch_add(&cursor->batch, &present, error);
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
                                 .ids = {.from_bound = FHX__BOUND_BEHIND, .from = ""},
                                 .since_us = fhx_query_since_us(query),
                                 .until_us = fhx_query_until_us(query)};
  fhx__sqlite_cursor *opened = NULL;
  int32_t status = fhx__sqlite_cursor_open(table, &rows, &opened, error);
  if (status != FHX_OK) return status;
  opened->query = query;
  opened->patient = fhx__copy_text(patient);
  opened->rows.patient = opened->patient;
  if (opened->patient == NULL || fhx__buffer_terminate(&opened->type) != FHX_OK ||
      fhx__buffer_terminate(&opened->batch.last_id) != FHX_OK) {
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
  cursor->batch.last_id.len = 0;
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

static int32_t read_rows(fhx__sqlite_cursor *cursor, size_t want, fhx_error **error) {
  bool full = false;
  if (cursor->patient != NULL) return read_patient(cursor, want, error);
  int32_t status = read_on(cursor, want, &full, error);
  cursor->ended = !full;
  return status;
}

int32_t fhx__sqlite_cursor_next(fhx__sqlite_cursor *cursor, size_t want,
                                const fhx__row_batch **batch, fhx_error **error) {
  if (cursor->ended) return FHX_END;
  fhx__row_batch_begin(&cursor->batch, want);
  int32_t status = read_rows(cursor, want, error);
  if (status != FHX_OK) return status;
  if (cursor->batch.count == 0) return FHX_END;
  cursor->rows.ids.from_bound = FHX__BOUND_BEHIND;
  *batch = &cursor->batch;
  return FHX_OK;
}

bool fhx__sqlite_cursor_has_tokens(const fhx__sqlite_cursor *cursor) {
  return cursor->patient == NULL;
}
