/* Ranges of ids, and how a type is divided into them. */
#include "source/id_range.h"

#include <stdio.h>
#include <string.h>

#include "core/error.h"

/* Two ids, a slash and a NUL. */
#define SHARD_MAX (2 * FHX__ID_MAX + 2)

int32_t fhx__id_range_of_shard(const fhx_query *query, const char *whose, fhx__id_range *range,
                               fhx_error **error) {
  size_t len = 0;
  const char *shard = fhx_query_shard(query, &len);
  memset(range, 0, sizeof *range);
  if (shard == NULL) return FHX_OK;
  const char *slash = memchr(shard, '/', len);
  if (slash == NULL || len >= SHARD_MAX) {
    return fhx__fail(error, FHX_ERR_SOURCE, "the shard is not one of %s", whose);
  }
  if (slash != shard) {
    range->from_bound = FHX__BOUND_AT;
    range->from = shard;
    range->from_len = (size_t)(slash - shard);
  }
  if (slash + 1 != shard + len) {
    range->to = slash + 1;
    range->to_len = len - (size_t)(slash + 1 - shard);
  }
  return FHX_OK;
}

/* Below 0, 0, above 0: byte by byte. */
static int compare_ids(const char *a, size_t a_len, const char *b, size_t b_len) {
  const int order = memcmp(a, b, a_len < b_len ? a_len : b_len);
  return order != 0 ? order : (a_len > b_len) - (a_len < b_len);
}

int32_t fhx__id_range_go_on(const fhx_query *query, const char *whose, fhx__id_range *range,
                            fhx_error **error) {
  size_t len = 0;
  const char *token = fhx_query_token(query, &len);
  if (token == NULL) return FHX_OK;
  const bool is_before = range->from_bound == FHX__BOUND_AT &&
                         compare_ids(token, len, range->from, range->from_len) < 0;
  const bool is_behind =
      range->to != NULL && compare_ids(token, len, range->to, range->to_len) >= 0;
  if (len == 0 || is_before || is_behind) {
    return fhx__fail(error, FHX_ERR_SOURCE, "the token is not one of these rows of %s", whose);
  }
  range->from_bound = FHX__BOUND_BEHIND;
  range->from = token;
  range->from_len = len;
  return FHX_OK;
}

bool fhx__id_range_is_whole(const fhx__id_range *range) {
  return range->from_bound == FHX__BOUND_OPEN && range->to == NULL;
}

/* --- dividing --- */

static void end_shard(fhx__division *found, const char *to) {
  char shard[SHARD_MAX];
  int len = snprintf(shard, sizeof shard, "%s/%s", found->from, to);
  fhx_reply_item(found->reply, shard, (size_t)len);
  snprintf(found->from, sizeof found->from, "%s", to);
  found->present++;
}

bool fhx__division_end_before(fhx__division *found, const char *id, size_t len) {
  if (!fhx__is_id(id, len) || strcmp(id, found->from) <= 0) return false;
  end_shard(found, id);
  return true;
}

void fhx__division_end(fhx__division *found) {
  if (found->from[0] != '\0') end_shard(found, "");
}

/* --- the kept count --- */

int32_t fhx__kept_count_init(fhx__kept_count *kept) {
  memset(kept, 0, sizeof *kept);
  return pthread_mutex_init(&kept->mutex, NULL) == 0 ? FHX_OK : FHX_ERR_NO_MEMORY;
}

void fhx__kept_count_end(fhx__kept_count *kept) {
  pthread_mutex_destroy(&kept->mutex);
}

void fhx__kept_count_keep(fhx__kept_count *kept, const char *resource_type, uint64_t rows) {
  pthread_mutex_lock(&kept->mutex);
  snprintf(kept->type, sizeof kept->type, "%s", resource_type);
  kept->rows = rows;
  pthread_mutex_unlock(&kept->mutex);
}

bool fhx__kept_count_take(fhx__kept_count *kept, const char *resource_type, uint64_t *rows) {
  pthread_mutex_lock(&kept->mutex);
  bool has_count = *resource_type != '\0' && strcmp(kept->type, resource_type) == 0;
  if (has_count) *rows = kept->rows;
  if (has_count) kept->type[0] = '\0';
  pthread_mutex_unlock(&kept->mutex);
  return has_count;
}
