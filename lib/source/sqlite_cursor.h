/* A cursor over the rows of an SQLite table of resources. */
#ifndef FHX__SOURCE_SQLITE_CURSOR_H
#define FHX__SOURCE_SQLITE_CURSOR_H

#include "source/row_batch.h"
#include "source/sqlite_table.h"

typedef struct fhx__sqlite_cursor fhx__sqlite_cursor;

/* Copies what `rows` points to; `table` is borrowed. */
int32_t fhx__sqlite_cursor_open(const fhx__sqlite_table *table, const fhx__sqlite_rows *rows,
                                fhx__sqlite_cursor **cursor, fhx_error **error);

/* Over what the index has for one patient, of the types that the query wants and in its window:
   type by type, in each by id, each resource once. `table` and `query` are borrowed. */
int32_t fhx__sqlite_cursor_open_patient(const fhx__sqlite_table *table, const fhx_query *query,
                                        const char *patient, fhx__sqlite_cursor **cursor,
                                        fhx_error **error);

/* About `want` bytes of rows, in ascending byte order of id, at least one row; *batch is borrowed
   until the next call. FHX_OK, FHX_END. */
int32_t fhx__sqlite_cursor_next(fhx__sqlite_cursor *cursor, size_t want,
                                const fhx__row_batch **batch, fhx_error **error);
/* Whether it can be gone on with: not one of a patient. */
bool fhx__sqlite_cursor_has_tokens(const fhx__sqlite_cursor *cursor);

/* NULL is harmless. */
void fhx__sqlite_cursor_close(fhx__sqlite_cursor *cursor);

#endif
