/* Batches of rows out of tables of resources. */
#include "source/row_batch.h"

#include <string.h>

#include "core/instant.h"
#include "core/names.h"

/* Also when rows are empty: a batch is bounded. */
#define BATCH_ROWS_MAX 16384

void fhx__row_batch_begin(fhx__row_batch *batch, size_t want) {
  if (batch->data.capacity / 2 > want) fhx__buffer_free(&batch->data);
  batch->data.len = 0;
  batch->ends.len = 0;
  batch->stamps.len = 0;
  batch->count = 0;
}

void fhx__row_batch_free(fhx__row_batch *batch) {
  fhx__buffer_free(&batch->data);
  fhx__buffer_free(&batch->ends);
  fhx__buffer_free(&batch->stamps);
  fhx__buffer_free(&batch->last_id);
  fhx__buffer_free(&batch->bare);
}

bool fhx__row_batch_fits(const fhx__row_batch *batch, const fhx__table_row *row, size_t want) {
  if (batch->count == 0) return true;
  if (batch->rows_max != 0 && batch->count >= batch->rows_max) return false;
  return batch->count < BATCH_ROWS_MAX && batch->data.len < want &&
         row->json_len <= want - batch->data.len && row->stamped == batch->stamped;
}

int32_t fhx__row_batch_add(fhx__row_batch *batch, const fhx__table_row *row, fhx_error **error) {
  int32_t status = fhx__buffer_append(&batch->data, row->json, row->json_len);
  uint64_t end = batch->data.len;
  if (status == FHX_OK) status = fhx__buffer_append(&batch->ends, &end, sizeof end);
  if (status == FHX_OK) {
    status = fhx__buffer_append(&batch->stamps, &row->updated_us, sizeof row->updated_us);
  }
  batch->last_id.len = 0;
  if (status == FHX_OK) status = fhx__buffer_append(&batch->last_id, row->id, row->id_len);
  if (status != FHX_OK) return fhx__no_memory(error);
  batch->stamped = row->stamped;
  batch->count++;
  return FHX_OK;
}

bool fhx__row_batch_ends_with(const fhx__row_batch *batch, const fhx__table_row *row) {
  return batch->count != 0 && row->id_len == batch->last_id.len &&
         memcmp(row->id, batch->last_id.data, row->id_len) == 0;
}

int32_t fhx__table_row_check(const fhx__table_row *row, fhx_error **error) {
  if (row->id == NULL) {
    return fhx__fail(error, FHX_ERR_SOURCE, "the table has a row whose id is not text");
  }
  if (row->id_len == 0 || row->id_len > FHX_TOKEN_MAX) {
    return fhx__fail(error, FHX_ERR_SOURCE, "the table has a row whose id is empty or too long");
  }
  return FHX_OK;
}

int32_t fhx__row_batch_write_bare(fhx__row_batch *batch, const char *resource_type,
                                  fhx__table_row *row, fhx_error **error) {
  fhx__buffer *bare = &batch->bare;
  bare->len = 0;
  int32_t status = fhx__buffer_append_text(bare, "{\"resourceType\":\"");
  if (status == FHX_OK) status = fhx__buffer_append_text(bare, resource_type);
  if (status == FHX_OK && fhx__is_id(row->id, row->id_len)) {
    status = fhx__buffer_append_text(bare, "\",\"id\":\"");
    if (status == FHX_OK) status = fhx__buffer_append(bare, row->id, row->id_len);
  }
  if (status == FHX_OK) status = fhx__buffer_append_text(bare, "\"}");
  if (status != FHX_OK) return fhx__no_memory(error);
  row->json = bare->data;
  row->json_len = bare->len;
  return FHX_OK;
}

void fhx__table_row_read_instant(fhx__table_row *row, const char *text, size_t len) {
  fhx__instant instant = {0, 0};
  row->stamped = text != NULL && fhx__instant_parse(text, len, &instant);
  row->updated_us = instant.us;
}

void fhx__row_batch_answer(const fhx__row_batch *batch, const fhx__buffer *token,
                           fhx_reply *reply) {
  const int64_t *stamps = (const int64_t *)(const void *)batch->stamps.data;
  fhx_reply_rows(reply, batch->data.data, batch->data.len, batch->count,
                 (const uint64_t *)(const void *)batch->ends.data, batch->stamped ? stamps : NULL,
                 token == NULL ? NULL : token->data, token == NULL ? 0 : token->len);
}
