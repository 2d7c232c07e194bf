/*
 * One patient's resources: type after type, each by the index `patient_version`. Every batch is a
 * query of its own behind the last row.
 */
#include "patient_cursor.h"

#include <stdio.h>
#include <stdlib.h>

#define WANT_MAX (UINT64_C(64) * 1024 * 1024)
#define BATCH_ROWS_MAX 4096

static const char of_patient[] =
    "SELECT v.id, v.json FROM patient_version p CROSS JOIN resource_version v"
    " ON v.rowid = p.version_row WHERE p.type = ?1 AND p.patient = ?2 AND p.id > ?3"
    " AND v.valid_from <= ?4 AND v.valid_to > ?4 ORDER BY p.id";

struct patient_cursor {
  struct database *database;
  const fhx_query *query;
  sqlite3 *connection;
  sqlite3_stmt *statement;
  char patient[ID_MAX + 1];
  uint64_t rows_max;
  /* The type being read, "" before the first, and the resource of it that was read last. */
  char type[TYPE_MAX + 1];
  char last_id[ID_MAX + 1];
  bool has_type;
  struct text data;
  uint64_t ends[BATCH_ROWS_MAX];
  uint64_t count;
};

struct patient_cursor *patient_cursor_open(struct database *database, const fhx_query *query,
                                           const char *patient, uint64_t rows_max) {
  struct patient_cursor *cursor = calloc(1, sizeof *cursor);
  if (cursor == NULL) return NULL;
  cursor->database = database;
  cursor->query = query;
  cursor->rows_max = rows_max == 0 || rows_max > BATCH_ROWS_MAX ? BATCH_ROWS_MAX : rows_max;
  snprintf(cursor->patient, sizeof cursor->patient, "%s", patient);
  cursor->connection = database_borrow(database);
  if (cursor->connection != NULL && sqlite3_prepare_v2(cursor->connection, of_patient, -1,
                                                       &cursor->statement, NULL) == SQLITE_OK) {
    return cursor;
  }
  patient_cursor_close(cursor);
  return NULL;
}

void patient_cursor_close(struct patient_cursor *cursor) {
  if (cursor == NULL) return;
  sqlite3_finalize(cursor->statement);
  database_give_back(cursor->database, cursor->connection);
  text_free(&cursor->data);
  free(cursor);
}

/* The next type that is wanted. NONE behind the last. */
static enum result find_type(struct patient_cursor *cursor) {
  enum result result = DONE;
  while (!cursor->has_type && result == DONE) {
    result = database_next_type(cursor->database, cursor->type);
    cursor->has_type = result == DONE && fhx_query_wants_type(cursor->query, cursor->type) != 0;
    cursor->last_id[0] = '\0';
  }
  return result;
}

static bool bind(const struct patient_cursor *cursor) {
  sqlite3_stmt *statement = cursor->statement;
  return sqlite3_bind_text(statement, 1, cursor->type, -1, SQLITE_STATIC) == SQLITE_OK &&
         sqlite3_bind_text(statement, 2, cursor->patient, -1, SQLITE_STATIC) == SQLITE_OK &&
         sqlite3_bind_text(statement, 3, cursor->last_id, -1, SQLITE_TRANSIENT) == SQLITE_OK &&
         sqlite3_bind_int64(statement, 4, fhx_query_as_of_us(cursor->query)) == SQLITE_OK;
}

/* Adds the row that the statement stands on. */
static bool add_row(struct patient_cursor *cursor) {
  const char *id = (const char *)sqlite3_column_text(cursor->statement, 0);
  const void *json = sqlite3_column_text(cursor->statement, 1);
  if (id == NULL || json == NULL) return false;
  snprintf(cursor->last_id, sizeof cursor->last_id, "%s", id);
  text_add(&cursor->data, json, (size_t)sqlite3_column_bytes(cursor->statement, 1));
  cursor->ends[cursor->count++] = cursor->data.len;
  return !cursor->data.failed;
}

static bool is_full(const struct patient_cursor *cursor, uint64_t want) {
  return cursor->count == cursor->rows_max || (cursor->count != 0 && cursor->data.len >= want);
}

/* The rest of one type, as far as there is room. */
static enum result gather_type(struct patient_cursor *cursor, uint64_t want) {
  enum result result = DONE;
  if (!bind(cursor)) return FAILED;
  while (result == DONE && cursor->has_type && !is_full(cursor, want)) {
    int code = sqlite3_step(cursor->statement);
    if (code == SQLITE_DONE) {
      cursor->has_type = false;
    } else if (code != SQLITE_ROW || !add_row(cursor)) {
      result = FAILED;
    }
  }
  sqlite3_reset(cursor->statement);
  return result;
}

enum result patient_cursor_next(struct patient_cursor *cursor, uint64_t want,
                                struct cursor_rows *rows) {
  enum result result = DONE;
  if (want > WANT_MAX) want = WANT_MAX;
  if (cursor->data.capacity > 2 * WANT_MAX) text_free(&cursor->data);
  cursor->data.len = 0;
  cursor->count = 0;
  while (result == DONE && !is_full(cursor, want)) {
    result = find_type(cursor);
    if (result == DONE) result = gather_type(cursor, want);
  }
  if (result == FAILED || cursor->count == 0) return result;
  *rows = (struct cursor_rows){.data = cursor->data.data,
                               .len = cursor->data.len,
                               .count = cursor->count,
                               .ends = cursor->ends};
  return DONE;
}
