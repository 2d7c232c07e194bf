/* A batch of rows out of a table of resources, whichever database has it. */
#ifndef FHX__SOURCE_ROW_BATCH_H
#define FHX__SOURCE_ROW_BATCH_H

#include <fhirexport/reply.h>
#include <stdbool.h>

#include "core/buffer.h"
#include "core/error.h"

/* A row as the database has it, valid until the next. */
typedef struct fhx__table_row {
  const char *id;
  size_t id_len;
  const void *json;
  size_t json_len;
  bool stamped;
  int64_t updated_us;
} fhx__table_row;

/* A zeroed one is empty and valid. */
typedef struct fhx__row_batch {
  fhx__buffer data;
  fhx__buffer ends;
  fhx__buffer stamps;
  /* Of the row that was added last, also in an earlier batch. */
  fhx__buffer last_id;
  /* The text of a deletion without JSON. */
  fhx__buffer bare;
  uint64_t count;
  /* Of rows; 0: no limit but that of all batches. */
  uint64_t rows_max;
  /* It has stamps for all of its rows or for none. */
  bool stamped;
} fhx__row_batch;

/* Empties it, but for last_id; memory that only a huge row needed goes back. */
void fhx__row_batch_begin(fhx__row_batch *batch, size_t want);
void fhx__row_batch_free(fhx__row_batch *batch);

/* Whether there is room for the row; there always is for the first. */
bool fhx__row_batch_fits(const fhx__row_batch *batch, const fhx__table_row *row, size_t want);
int32_t fhx__row_batch_add(fhx__row_batch *batch, const fhx__table_row *row, fhx_error **error);
bool fhx__row_batch_ends_with(const fhx__row_batch *batch, const fhx__table_row *row);

/* Ids are the order of a cursor and its tokens, so they must be sound: FHX_ERR_SOURCE. */
int32_t fhx__table_row_check(const fhx__table_row *row, fhx_error **error);
/* Gives a deletion whose last version was not kept the text of what is known of it. An id that has
   not the form of one is left out: the library refuses the row, and tells so. */
int32_t fhx__row_batch_write_bare(fhx__row_batch *batch, const char *resource_type,
                                  fhx__table_row *row, fhx_error **error);
/* A stamp that is the text of an instant, floored; otherwise the row has none. */
void fhx__table_row_read_instant(fhx__table_row *row, const char *text, size_t len);

/* Gives the rows; `token` NULL: they cannot be gone on with. */
void fhx__row_batch_answer(const fhx__row_batch *batch, const fhx__buffer *token, fhx_reply *reply);

#endif
