/* An SQLite table of resources: its names, connections to it, statements over it. */
#ifndef FHX__SOURCE_SQLITE_TABLE_H
#define FHX__SOURCE_SQLITE_TABLE_H

#include <fhirexport/source.h>
#include <sqlite3.h>
#include <stdbool.h>

#include "core/buffer.h"
#include "source/id_range.h"

/* The names are quoted for SQL, those of columns with the table's alias before them. */
typedef struct fhx__sqlite_table fhx__sqlite_table;
struct fhx__sqlite_table {
  char *path;
  char *table;
  char *type_column;
  char *id_column;
  char *updated_column;
  char *json_column;
  /* The index of patients and its columns; NULL: there is none. */
  char *patient_table;
  char *patient_type_column;
  char *patient_id_column;
  char *patient_column;
  int64_t resolution_us;
  /* Of deletions, with the same names of columns; NULL: there is none. */
  fhx__sqlite_table *deleted;
  /* This is one of deletions: a row without JSON tells its type and id. */
  bool of_deletions;
  /* Of a type's rows. */
  fhx__kept_count kept;
};

/* Copies the options and checks that the table and its columns can be read. FHX_ERR_ARGUMENT,
   FHX_ERR_NOT_FOUND, FHX_ERR_DENIED, FHX_ERR_SOURCE or FHX_ERR_NO_MEMORY. */
int32_t fhx__sqlite_table_new(const fhx_sqlite_source_options *options, fhx__sqlite_table **table,
                              fhx_error **error);
void fhx__sqlite_table_free(fhx__sqlite_table *table);

/* A connection for reading. Close it with sqlite3_close. */
int32_t fhx__sqlite_table_connect(const fhx__sqlite_table *table, sqlite3 **connection,
                                  fhx_error **error);

/* Which rows a statement reads; what it points to is borrowed. */
typedef struct fhx__sqlite_rows {
  const char *resource_type;
  fhx__id_range ids;
  /* FHX_TIME_NONE: no bound. They only drop rows with an integer stamp. */
  int64_t since_us;
  int64_t until_us;
  /* Only what the index has for this patient; NULL: all. */
  const char *patient;
} fhx__sqlite_rows;

/*
 * A statement ready to step: `<head> FROM table WHERE <rows> <tail>`. Head and tail are texts of
 * sqlite3_mprintf, which are freed here; NULL counts as out of memory. *statement is finalized by
 * the caller whatever the status.
 */
int32_t fhx__sqlite_table_select(const fhx__sqlite_table *table, sqlite3 *connection, char *head,
                                 const fhx__sqlite_rows *rows, char *tail, sqlite3_stmt **statement,
                                 fhx_error **error);
/* The end of such a statement that gives the rows in the order of ids. */
char *fhx__sqlite_table_order(const fhx__sqlite_table *table, const fhx__sqlite_rows *rows);
/* Binds other values of the same rows to a statement that was reset. */
int32_t fhx__sqlite_table_bind(const fhx__sqlite_rows *rows, sqlite3_stmt *statement,
                               fhx_error **error);

/* A statement whose only row is the first type behind parameter 1, in byte order; with a patient,
   of those that the index has for him. *statement is finalized by the caller whatever the status.
 */
int32_t fhx__sqlite_table_select_type(const fhx__sqlite_table *table, sqlite3 *connection,
                                      const char *patient, sqlite3_stmt **statement,
                                      fhx_error **error);
/* Stores the type behind `last`, whose data is not NULL, in `next`, which may be the same; FHX_END.
 */
int32_t fhx__sqlite_table_next_type(sqlite3_stmt *statement, const fhx__buffer *last,
                                    fhx__buffer *next, fhx_error **error);

/* A value's bytes, text as UTF-8, valid until the next step. NULL for SQL's NULL, for nothing, and
   when out of memory (sqlite3_errcode tells). */
const void *fhx__sqlite_table_bytes(sqlite3_stmt *statement, int column, size_t *len);

/* A failure of SQLite as an error: FHX_ERR_NO_MEMORY, or FHX_ERR_SOURCE, which is retryable for
   what passes: locks and reading. */
int32_t fhx__sqlite_table_fail(int code, fhx_error **error);

#endif
