/*
 * An SQLite table of resources: its names, connections to it, statements over it.
 *
 * Columns are always written with the table's alias: SQLite takes a bare "name" that is no column
 * for a string. Ids and types are compared by their bytes, whatever collation the table has.
 */
#include "source/sqlite_table.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "core/alloc.h"
#include "core/buffer.h"
#include "core/error.h"

#define ALIAS "r."
#define PATIENT_ALIAS "p."
#define BUSY_TIMEOUT_MS 2000
#define DEFAULT_RESOLUTION_US 1000

int32_t fhx__sqlite_table_fail(int code, fhx_error **error) {
  int kind = code & 0xFF;
  if (kind == SQLITE_NOMEM) return fhx__no_memory(error);
  uint32_t retryable = kind == SQLITE_BUSY || kind == SQLITE_LOCKED || kind == SQLITE_PROTOCOL ||
                       kind == SQLITE_IOERR || kind == SQLITE_CANTOPEN || kind == SQLITE_FULL;
  return fhx__fail_with(error, FHX_ERR_SOURCE, retryable, "the database cannot be read: %s",
                        sqlite3_errstr(code));
}

/* `prefix"name"`, quotes in the name doubled; NULL when out of memory. */
static char *quote(const char *prefix, const char *name) {
  fhx__buffer text = {NULL, 0, 0};
  int32_t status = fhx__buffer_append_text(&text, prefix);
  if (status == FHX_OK) status = fhx__buffer_append(&text, "\"", 1);
  for (; status == FHX_OK && *name != '\0'; name++) {
    status = fhx__buffer_append(&text, name, 1);
    if (status == FHX_OK && *name == '"') status = fhx__buffer_append(&text, name, 1);
  }
  if (status == FHX_OK) status = fhx__buffer_append(&text, "\"", 2);
  if (status != FHX_OK) fhx__buffer_free(&text);
  return text.data;
}

static char *quote_or(const char *prefix, const char *name, const char *fallback) {
  return quote(prefix, name == NULL ? fallback : name);
}

static int32_t copy_names(fhx__sqlite_table *table, const fhx_sqlite_source_options *options,
                          fhx_error **error) {
  table->path = fhx__copy_text(options->path);
  table->table = quote_or("", options->table, "resource");
  table->type_column = quote_or(ALIAS, options->type_column, "type");
  table->id_column = quote_or(ALIAS, options->id_column, "id");
  table->updated_column = quote_or(ALIAS, options->updated_column, "last_updated");
  table->json_column = quote_or(ALIAS, options->json_column, "json");
  table->resolution_us = options->stamp_resolution_us;
  if (table->resolution_us == 0) table->resolution_us = DEFAULT_RESOLUTION_US;
  if (table->path == NULL || table->table == NULL || table->type_column == NULL ||
      table->id_column == NULL || table->updated_column == NULL || table->json_column == NULL) {
    return fhx__no_memory(error);
  }
  return FHX_OK;
}

static int32_t copy_patient_names(fhx__sqlite_table *table,
                                  const fhx_sqlite_source_options *options, fhx_error **error) {
  if (options->patient_table == NULL) return FHX_OK;
  table->patient_table = quote("", options->patient_table);
  table->patient_type_column = quote_or(PATIENT_ALIAS, options->type_column, "type");
  table->patient_id_column = quote_or(PATIENT_ALIAS, options->id_column, "id");
  table->patient_column = quote_or(PATIENT_ALIAS, options->patient_column, "patient");
  if (table->patient_table == NULL || table->patient_type_column == NULL ||
      table->patient_id_column == NULL || table->patient_column == NULL) {
    return fhx__no_memory(error);
  }
  return FHX_OK;
}

static void free_names(fhx__sqlite_table *table) {
  fhx__free(table->path);
  fhx__free(table->table);
  fhx__free(table->type_column);
  fhx__free(table->id_column);
  fhx__free(table->updated_column);
  fhx__free(table->json_column);
  fhx__free(table->patient_table);
  fhx__free(table->patient_type_column);
  fhx__free(table->patient_id_column);
  fhx__free(table->patient_column);
  fhx__kept_count_end(&table->kept);
  fhx__free(table);
}

void fhx__sqlite_table_free(fhx__sqlite_table *table) {
  if (table == NULL) return;
  if (table->deleted != NULL) free_names(table->deleted);
  free_names(table);
}

int32_t fhx__sqlite_table_connect(const fhx__sqlite_table *table, sqlite3 **connection,
                                  fhx_error **error) {
  sqlite3 *opened = NULL;
  int code =
      sqlite3_open_v2(table->path, &opened, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL);
  if (code == SQLITE_OK) code = sqlite3_busy_timeout(opened, BUSY_TIMEOUT_MS);
  if (code != SQLITE_OK) {
    sqlite3_close(opened);
    return fhx__sqlite_table_fail(code, error);
  }
  *connection = opened;
  return FHX_OK;
}

/* The column that ids are compared and ordered by. */
static const char *id_of(const fhx__sqlite_table *table, const fhx__sqlite_rows *rows) {
  return rows->patient == NULL ? table->id_column : table->patient_id_column;
}

/* CROSS JOIN: SQLite is to walk through the index in its order, and look up each resource. */
static void write_from(const fhx__sqlite_table *table, const fhx__sqlite_rows *rows,
                       sqlite3_str *sql) {
  if (rows->patient == NULL) {
    sqlite3_str_appendf(sql, " FROM %s AS r WHERE %s = ?1 COLLATE BINARY", table->table,
                        table->type_column);
    return;
  }
  sqlite3_str_appendf(sql,
                      " FROM %s AS p CROSS JOIN %s AS r ON %s = %s COLLATE BINARY"
                      " AND %s = %s COLLATE BINARY"
                      " WHERE %s = ?6 COLLATE BINARY AND %s = ?1 COLLATE BINARY",
                      table->patient_table, table->table, table->type_column,
                      table->patient_type_column, table->id_column, table->patient_id_column,
                      table->patient_column, table->patient_type_column);
}

char *fhx__sqlite_table_order(const fhx__sqlite_table *table, const fhx__sqlite_rows *rows) {
  return sqlite3_mprintf("ORDER BY %s COLLATE BINARY", id_of(table, rows));
}

/* The text of a SELECT; NULL when out of memory. Parameters: 1 type, 2 and 3 ids, 4 and 5 times,
   6 the patient. */
static char *write_select(const fhx__sqlite_table *table, sqlite3 *connection, const char *head,
                          const fhx__sqlite_rows *rows, const char *tail) {
  sqlite3_str *sql = sqlite3_str_new(connection);
  sqlite3_str_appendall(sql, head);
  write_from(table, rows, sql);
  if (rows->ids.from_bound != FHX__BOUND_OPEN) {
    static const char *const comparisons[] = {
        [FHX__BOUND_AT] = ">=", [FHX__BOUND_BEHIND] = ">", [FHX__BOUND_ONLY] = "="};
    sqlite3_str_appendf(sql, " AND %s %s ?2 COLLATE BINARY", id_of(table, rows),
                        comparisons[rows->ids.from_bound]);
  }
  if (rows->ids.to != NULL) {
    sqlite3_str_appendf(sql, " AND %s < ?3 COLLATE BINARY", id_of(table, rows));
  }
  /* `>=`: a stamp may be floored, and what it stands for be later than an equal bound. */
  if (rows->since_us != FHX_TIME_NONE) {
    sqlite3_str_appendf(sql, " AND (typeof(%s) <> 'integer' OR %s >= ?4)", table->updated_column,
                        table->updated_column);
  }
  if (rows->until_us != FHX_TIME_NONE) {
    sqlite3_str_appendf(sql, " AND (typeof(%s) <> 'integer' OR %s < ?5)", table->updated_column,
                        table->updated_column);
  }
  sqlite3_str_appendf(sql, " %s", tail);
  return sqlite3_str_finish(sql);
}

/* Only identifiers are in the text of a statement, so SQLite's message about it may be passed on.
 */
static int32_t fail_prepare(sqlite3 *connection, int code, fhx_error **error) {
  if ((code & 0xFF) != SQLITE_ERROR) return fhx__sqlite_table_fail(code, error);
  return fhx__fail(error, FHX_ERR_SOURCE, "the table cannot be read: %s",
                   sqlite3_errmsg(connection));
}

int32_t fhx__sqlite_table_bind(const fhx__sqlite_rows *rows, sqlite3_stmt *statement,
                               fhx_error **error) {
  int code = sqlite3_bind_text(statement, 1, rows->resource_type, -1, SQLITE_TRANSIENT);
  if (code == SQLITE_OK && rows->ids.from_bound != FHX__BOUND_OPEN) {
    code =
        sqlite3_bind_text(statement, 2, rows->ids.from, (int)rows->ids.from_len, SQLITE_TRANSIENT);
  }
  if (code == SQLITE_OK && rows->ids.to != NULL) {
    code = sqlite3_bind_text(statement, 3, rows->ids.to, (int)rows->ids.to_len, SQLITE_TRANSIENT);
  }
  if (code == SQLITE_OK && rows->since_us != FHX_TIME_NONE) {
    code = sqlite3_bind_int64(statement, 4, rows->since_us);
  }
  if (code == SQLITE_OK && rows->until_us != FHX_TIME_NONE) {
    code = sqlite3_bind_int64(statement, 5, rows->until_us);
  }
  if (code == SQLITE_OK && rows->patient != NULL) {
    code = sqlite3_bind_text(statement, 6, rows->patient, -1, SQLITE_TRANSIENT);
  }
  return code == SQLITE_OK ? FHX_OK : fhx__sqlite_table_fail(code, error);
}

static int32_t prepare(sqlite3 *connection, const char *sql, sqlite3_stmt **statement,
                       fhx_error **error) {
  if (sql == NULL) return fhx__no_memory(error);
  int code = sqlite3_prepare_v2(connection, sql, -1, statement, NULL);
  return code == SQLITE_OK ? FHX_OK : fail_prepare(connection, code, error);
}

int32_t fhx__sqlite_table_select(const fhx__sqlite_table *table, sqlite3 *connection, char *head,
                                 const fhx__sqlite_rows *rows, char *tail, sqlite3_stmt **statement,
                                 fhx_error **error) {
  char *sql = NULL;
  if (head != NULL && tail != NULL) sql = write_select(table, connection, head, rows, tail);
  int32_t status = prepare(connection, sql, statement, error);
  sqlite3_free(sql);
  sqlite3_free(head);
  sqlite3_free(tail);
  return status == FHX_OK ? fhx__sqlite_table_bind(rows, *statement, error) : status;
}

int32_t fhx__sqlite_table_select_type(const fhx__sqlite_table *table, sqlite3 *connection,
                                      const char *patient, sqlite3_stmt **statement,
                                      fhx_error **error) {
  const char *column = patient == NULL ? table->type_column : table->patient_type_column;
  sqlite3_str *text = sqlite3_str_new(connection);
  if (patient == NULL) {
    sqlite3_str_appendf(text, "SELECT %s FROM %s AS r WHERE", column, table->table);
  } else {
    sqlite3_str_appendf(text, "SELECT %s FROM %s AS p WHERE %s = ?2 COLLATE BINARY AND", column,
                        table->patient_table, table->patient_column);
  }
  sqlite3_str_appendf(text, " %s > ?1 COLLATE BINARY ORDER BY %s COLLATE BINARY LIMIT 1", column,
                      column);
  char *sql = sqlite3_str_finish(text);
  int32_t status = prepare(connection, sql, statement, error);
  sqlite3_free(sql);
  if (status != FHX_OK || patient == NULL) return status;
  int code = sqlite3_bind_text(*statement, 2, patient, -1, SQLITE_TRANSIENT);
  return code == SQLITE_OK ? FHX_OK : fhx__sqlite_table_fail(code, error);
}

int32_t fhx__sqlite_table_next_type(sqlite3_stmt *statement, const fhx__buffer *last,
                                    fhx__buffer *next, fhx_error **error) {
  int code = sqlite3_bind_text(statement, 1, last->data, (int)last->len, SQLITE_TRANSIENT);
  if (code == SQLITE_OK) code = sqlite3_step(statement);
  if (code != SQLITE_ROW && code != SQLITE_DONE) return fhx__sqlite_table_fail(code, error);
  if (code == SQLITE_DONE || sqlite3_column_type(statement, 0) != SQLITE_TEXT) {
    sqlite3_reset(statement);
    return FHX_END;
  }
  const void *text = sqlite3_column_text(statement, 0);
  if (text == NULL) return fhx__no_memory(error);
  next->len = 0;
  int32_t status = fhx__buffer_append(next, text, (size_t)sqlite3_column_bytes(statement, 0));
  sqlite3_reset(statement);
  return status == FHX_OK ? FHX_OK : fhx__no_memory(error);
}

const void *fhx__sqlite_table_bytes(sqlite3_stmt *statement, int column, size_t *len) {
  bool is_blob = sqlite3_column_type(statement, column) == SQLITE_BLOB;
  const void *data = is_blob ? sqlite3_column_blob(statement, column)
                             : (const void *)sqlite3_column_text(statement, column);
  *len = (size_t)sqlite3_column_bytes(statement, column);
  return data;
}

/* SQLite says only "unable to open"; the file system knows why. */
static int32_t check_file(const fhx__sqlite_table *table, fhx_error **error) {
  struct stat facts;
  char text[128];
  if (stat(table->path, &facts) == 0) return FHX_OK;
  int32_t status = fhx__errno_status(errno);
  if (status != FHX_ERR_NOT_FOUND && status != FHX_ERR_DENIED) status = FHX_ERR_SOURCE;
  return fhx__fail(error, status, "the database \"%s\" cannot be opened: %s", table->path,
                   fhx__errno_text(errno, text, sizeof text));
}

/* Prepares what cursors will, which fails when a name is wrong. */
static int32_t check_select(const fhx__sqlite_table *table, sqlite3 *connection,
                            const char *patient, fhx_error **error) {
  sqlite3_stmt *statement = NULL;
  const fhx__sqlite_rows rows = {"", {FHX__BOUND_AT, "", 0, "", 0}, 0, 0, patient};
  int32_t status =
      fhx__sqlite_table_select(table, connection, sqlite3_mprintf("SELECT %s", table->json_column),
                               &rows, sqlite3_mprintf("LIMIT 0"), &statement, error);
  sqlite3_finalize(statement);
  return status;
}

/* Also fails when the file is no database. */
static int32_t check_table(const fhx__sqlite_table *table, fhx_error **error) {
  sqlite3 *connection = NULL;
  int32_t status = check_file(table, error);
  if (status == FHX_OK) status = fhx__sqlite_table_connect(table, &connection, error);
  if (status != FHX_OK) return status;
  status = check_select(table, connection, NULL, error);
  if (status == FHX_OK && table->patient_table != NULL) {
    status = check_select(table, connection, "", error);
  }
  sqlite3_close(connection);
  return status;
}

static int32_t check_options(const fhx_sqlite_source_options *options, fhx_error **error) {
  if (options->path == NULL || options->path[0] == '\0') {
    return fhx__fail(error, FHX_ERR_ARGUMENT, "an SQLite source needs a path");
  }
  if (options->stamp_resolution_us < 0) {
    return fhx__fail(error, FHX_ERR_ARGUMENT, "stamp_resolution_us is below 0");
  }
  return FHX_OK;
}

static int32_t make_table(const fhx_sqlite_source_options *options, fhx__sqlite_table **table,
                          fhx_error **error) {
  fhx__sqlite_table *made = fhx__alloc_zeroed(1, sizeof *made);
  if (made == NULL) return fhx__no_memory(error);
  if (fhx__kept_count_init(&made->kept) != FHX_OK) {
    fhx__free(made);
    return fhx__no_memory(error);
  }
  int32_t status = copy_names(made, options, error);
  if (status == FHX_OK) status = copy_patient_names(made, options, error);
  if (status == FHX_OK) status = check_table(made, error);
  if (status != FHX_OK) {
    fhx__sqlite_table_free(made);
    return status;
  }
  *table = made;
  return FHX_OK;
}

int32_t fhx__sqlite_table_new(const fhx_sqlite_source_options *options, fhx__sqlite_table **table,
                              fhx_error **error) {
  fhx__sqlite_table *made = NULL;
  int32_t status = check_options(options, error);
  if (status == FHX_OK) status = make_table(options, &made, error);
  if (status == FHX_OK && options->deleted_table != NULL) {
    fhx_sqlite_source_options of_deletions = *options;
    of_deletions.table = options->deleted_table;
    of_deletions.patient_table = NULL;
    status = make_table(&of_deletions, &made->deleted, error);
    if (status == FHX_OK) made->deleted->of_deletions = true;
  }
  if (status != FHX_OK) {
    fhx__sqlite_table_free(made);
    return status;
  }
  *table = made;
  return FHX_OK;
}
