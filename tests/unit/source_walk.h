/* Walks a built-in source as a job does, and keeps what it saw. Included by one test file each. */
#ifndef TEST_UNIT_SOURCE_WALK_H
#define TEST_UNIT_SOURCE_WALK_H

#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>
#include <fhirexport/memory.h>

#include "source/source.h"

#define WALK_ROWS_MAX 4096
#define WALK_SHARDS_MAX 64

/* A batch: how many rows were delivered when its token was given. */
typedef struct walk_token {
  char *text;
  size_t len;
  size_t row_count;
} walk_token;

/* The rows of a cursor, white space around them cut off. */
typedef struct walk {
  char *rows[WALK_ROWS_MAX];
  /* FHX_TIME_NONE: not given. */
  int64_t updated_us[WALK_ROWS_MAX];
  size_t row_count;
  walk_token tokens[WALK_ROWS_MAX];
  size_t token_count;
  uint32_t applied;
} walk;

static inline char *walk_copy(const void *data, size_t len) {
  char *copy = malloc(len + 1);
  assert_non_null(copy);
  if (len != 0) memcpy(copy, data, len);
  copy[len] = '\0';
  return copy;
}

static inline void walk_keep_row(walk *seen, const fhx__rows *rows, uint64_t row) {
  uint64_t begin = row == 0 ? 0 : rows->row_ends[row - 1];
  uint64_t end = rows->row_ends[row];
  while (begin < end && strchr(" \t\r\n", rows->data[begin]) != NULL) begin++;
  while (end > begin && strchr(" \t\r\n", rows->data[end - 1]) != NULL) end--;
  assert_in_range(seen->row_count, 0, WALK_ROWS_MAX - 1);
  size_t at = seen->row_count++;
  seen->rows[at] =
      begin == end ? walk_copy("", 0) : walk_copy(rows->data + begin, (size_t)(end - begin));
  seen->updated_us[at] = rows->row_updated_us == NULL ? FHX_TIME_NONE : rows->row_updated_us[row];
}

static inline void walk_keep(walk *seen, const fhx__rows *rows) {
  assert_non_null(rows->row_ends);
  for (uint64_t i = 0; i < rows->row_count; i++) walk_keep_row(seen, rows, i);
  assert_non_null(rows->token);
  assert_in_range(seen->token_count, 0, WALK_ROWS_MAX - 1);
  seen->tokens[seen->token_count++] =
      (walk_token){walk_copy(rows->token, rows->token_len), rows->token_len, seen->row_count};
}

/* FHX_OK: the cursor came to its end. */
static inline int32_t walk_run(walk *seen, fhx_source *source, const fhx_query *query,
                               uint64_t want, fhx_error **error) {
  fhx__cursor cursor = {NULL, NULL, 0};
  memset(seen, 0, sizeof *seen);
  int32_t status = fhx__source_open(source, query, &cursor, error);
  seen->applied = cursor.applied;
  while (status == FHX_OK) {
    fhx__rows rows;
    int64_t wait_us = 0;
    status = fhx__source_next(&cursor, want, &rows, &wait_us, error);
    if (status == FHX_OK) walk_keep(seen, &rows);
  }
  fhx__source_close(&cursor);
  return status == FHX_END ? FHX_OK : status;
}

static inline void walk_clear(walk *seen) {
  for (size_t i = 0; i < seen->row_count; i++) free(seen->rows[i]);
  for (size_t i = 0; i < seen->token_count; i++) free(seen->tokens[i].text);
  seen->row_count = 0;
  seen->token_count = 0;
}

/* Every token of a walk leads exactly to the rows behind it. */
static inline void walk_check_tokens(const walk *whole, fhx_source *source, fhx_query query) {
  static walk rest;
  for (size_t i = 0; i < whole->token_count; i++) {
    const walk_token *token = &whole->tokens[i];
    query.token = token->text;
    query.token_len = token->len;
    assert_int_equal(walk_run(&rest, source, &query, 1, NULL), FHX_OK);
    assert_int_equal(rest.row_count, whole->row_count - token->row_count);
    for (size_t row = 0; row < rest.row_count; row++) {
      assert_string_equal(rest.rows[row], whole->rows[token->row_count + row]);
    }
    walk_clear(&rest);
  }
}

/* Walks all shards of the query's type, one behind the other. Returns how many there were. */
static inline size_t walk_shards(walk *all, fhx_source *lister, fhx_source *reader, fhx_query query,
                                 uint32_t count_max) {
  static walk part;
  fhx_reply reply;
  memset(all, 0, sizeof *all);
  assert_int_equal(fhx__source_list_shards(lister, &query, count_max, &reply, NULL), FHX_OK);
  size_t count = fhx__reply_item_count(&reply);
  for (size_t i = 0; i < (count == 0 ? 1 : count); i++) {
    if (count != 0) query.shard = fhx__reply_item_at(&reply, i, &query.shard_len);
    assert_int_equal(walk_run(&part, reader, &query, 100, NULL), FHX_OK);
    walk_check_tokens(&part, reader, query);
    for (size_t row = 0; row < part.row_count; row++) {
      assert_in_range(all->row_count, 0, WALK_ROWS_MAX - 1);
      all->rows[all->row_count++] = part.rows[row];
    }
    part.row_count = 0;
    walk_clear(&part);
  }
  fhx__reply_end(&reply);
  return count;
}

static inline void walk_check_same(const walk *left, const walk *right) {
  assert_int_equal(left->row_count, right->row_count);
  for (size_t i = 0; i < left->row_count; i++) {
    assert_string_equal(left->rows[i], right->rows[i]);
  }
}

static inline void walk_check_error(fhx_error *error, int32_t status, uint32_t retryable,
                                    const char *message) {
  assert_string_equal(fhx_error_message(error), message);
  assert_int_equal(fhx_error_status(error), status);
  assert_int_equal(fhx_error_retryable(error), retryable);
  fhx_error_free(error);
}

/* --- memory by bytes: what the library holds, and the most it held --- */

static size_t weighed_live;
static size_t weighed_peak;

static inline void weigh(size_t gone, void *block) {
  weighed_live -= gone;
  weighed_live += block == NULL ? 0 : malloc_usable_size(block);
  if (weighed_live > weighed_peak) weighed_peak = weighed_live;
}

static inline void *weighed_allocate(void *user_data, size_t byte_count) {
  (void)user_data;
  void *block = malloc(byte_count);
  weigh(0, block);
  return block;
}

static inline void *weighed_reallocate(void *user_data, void *block, size_t byte_count) {
  (void)user_data;
  size_t gone = malloc_usable_size(block);
  void *moved = realloc(block, byte_count);
  if (moved != NULL) weigh(gone, moved);
  return moved;
}

static inline void weighed_release(void *user_data, void *block) {
  (void)user_data;
  weigh(malloc_usable_size(block), NULL);
  free(block);
}

static inline void weigh_begin(void) {
  fhx_allocator allocator;
  FHX_INIT(&allocator);
  allocator.allocate = weighed_allocate;
  allocator.reallocate = weighed_reallocate;
  allocator.release = weighed_release;
  weighed_live = 0;
  weighed_peak = 0;
  assert_int_equal(fhx_set_allocator(&allocator, NULL), FHX_OK);
}

static inline void weigh_end(void) {
  assert_int_equal(weighed_live, 0);
  assert_int_equal(fhx_set_allocator(NULL, NULL), FHX_OK);
}

#endif
