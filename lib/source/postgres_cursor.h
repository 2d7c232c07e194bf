/* A cursor over the rows of a PostgreSQL table of resources. */
#ifndef FHX__SOURCE_POSTGRES_CURSOR_H
#define FHX__SOURCE_POSTGRES_CURSOR_H

#include "source/postgres_table.h"
#include "source/row_batch.h"

typedef struct fhx__postgres_cursor fhx__postgres_cursor;

/* `table` is borrowed, and what `rows` points to is as long as the call. */
int32_t fhx__postgres_cursor_open(fhx__postgres_table *table, const fhx__postgres_rows *rows,
                                  fhx__postgres_cursor **cursor, fhx_error **error);

/* Over what the index has for one patient, of the types that the query wants and in its window:
   type by type, in each by id, each resource once. */
int32_t fhx__postgres_cursor_open_patient(fhx__postgres_table *table, const fhx_query *query,
                                          const char *patient, fhx__postgres_cursor **cursor,
                                          fhx_error **error);

/* Over what the index has for the query's patient set, of one type, as of its time and in its
   window, each resource once, not in the order of ids. `query` outlives the cursor. */
int32_t fhx__postgres_cursor_open_members(fhx__postgres_table *table, const fhx_query *query,
                                          fhx__postgres_cursor **cursor, fhx_error **error);

/* About `want` bytes of rows, in ascending byte order of id, at least one row; *batch is borrowed
   until the next call. FHX_OK, FHX_END. */
int32_t fhx__postgres_cursor_next(fhx__postgres_cursor *cursor, size_t want,
                                  const fhx__row_batch **batch, fhx_error **error);
/* Of the batch; NULL: it cannot be gone on with, being one of a patient. */
const fhx__buffer *fhx__postgres_cursor_token(const fhx__postgres_cursor *cursor);

/* NULL is harmless. */
void fhx__postgres_cursor_close(fhx__postgres_cursor *cursor);

#endif
