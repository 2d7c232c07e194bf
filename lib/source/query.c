/* What a source may ask about a query. As everywhere, NULL is a query that asks for nothing. */
#include "core/error.h"
#include "source/source.h"

#include <string.h>

const char *fhx_query_resource_type(const fhx_query *query) {
  return query == NULL ? "" : query->resource_type;
}

uint32_t fhx_query_wants_type(const fhx_query *query, const char *resource_type) {
  if (query == NULL || resource_type == NULL) return 0;
  return fhx__filter_has_type(query->selection.filter, resource_type) ? 1 : 0;
}

static const void *give_bytes(const void *data, size_t data_len, size_t *len) {
  if (len != NULL) *len = data == NULL ? 0 : data_len;
  return data;
}

const void *fhx_query_shard(const fhx_query *query, size_t *len) {
  return query == NULL ? give_bytes(NULL, 0, len) : give_bytes(query->shard, query->shard_len, len);
}

int64_t fhx_query_as_of_us(const fhx_query *query) {
  return query == NULL ? FHX_TIME_NONE : query->as_of_us;
}

int64_t fhx_query_since_us(const fhx_query *query) {
  if (query == NULL || !fhx__selection_has_since(&query->selection)) return FHX_TIME_NONE;
  return query->selection.filter->since.us;
}

/* Rounded up: a source that takes `updated_us < until_us` must not lose what was changed between
   the last whole microsecond and the bound. */
int64_t fhx_query_until_us(const fhx_query *query) {
  if (query == NULL || !query->selection.filter->has_until) return FHX_TIME_NONE;
  const fhx_filter *filter = query->selection.filter;
  return filter->until.us + (filter->until.finer != 0 ? 1 : 0);
}

uint32_t fhx_query_window_exact(const fhx_query *query) {
  if (query == NULL) return 1;
  const fhx_filter *filter = query->selection.filter;
  if (fhx__selection_has_since(&query->selection) && filter->since.finer != 0) return 0;
  if (filter->has_until && filter->until.finer != 0) return 0;
  return 1;
}

uint32_t fhx_query_scope(const fhx_query *query) {
  return query == NULL ? FHX_SCOPE_ALL : fhx__selection_scope(&query->selection);
}

uint64_t fhx_query_patient_count(const fhx_query *query) {
  return query == NULL ? 0 : fhx__selection_patient_count(&query->selection);
}

int32_t fhx_query_patients(const fhx_query *query, uint64_t first, uint64_t capacity,
                           const char **ids, uint64_t *count, fhx_error **error) {
  if (query == NULL || count == NULL || (ids == NULL && capacity != 0)) {
    return fhx__fail(error, FHX_ERR_ARGUMENT, "fhx_query_patients needs a query, ids and count");
  }
  return fhx__selection_patients(&query->selection, first, capacity, query->page, ids, count,
                                 error);
}

int32_t fhx_query_is_patient(const fhx_query *query, const char *patient_id, uint32_t *is_patient,
                             fhx_error **error) {
  if (query == NULL || patient_id == NULL || is_patient == NULL) {
    return fhx__fail(error, FHX_ERR_ARGUMENT,
                     "fhx_query_is_patient needs a query, a patient_id and is_patient");
  }
  bool has = false;
  int32_t status =
      fhx__selection_has_patient(&query->selection, patient_id, strlen(patient_id), &has, error);
  *is_patient = has ? 1 : 0;
  return status;
}

uint64_t fhx_query_search_count(const fhx_query *query) {
  size_t count = 0;
  if (query != NULL) {
    fhx__filter_searches(query->selection.filter, query->resource_type, &count);
  }
  return count;
}

const char *fhx_query_search(const fhx_query *query, uint64_t position) {
  size_t count = 0;
  if (query == NULL) return NULL;
  fhx__search *const *searches =
      fhx__filter_searches(query->selection.filter, query->resource_type, &count);
  return position < count ? fhx__search_text(searches[position]) : NULL;
}

const void *fhx_query_token(const fhx_query *query, size_t *len) {
  return query == NULL ? give_bytes(NULL, 0, len) : give_bytes(query->token, query->token_len, len);
}

const char *fhx_query_tenant(const fhx_query *query) {
  return query == NULL || query->tenant == NULL ? "" : query->tenant;
}

const void *fhx_query_host_context(const fhx_query *query, size_t *len) {
  if (query == NULL) return give_bytes(NULL, 0, len);
  return give_bytes(query->host_context, query->host_context_len, len);
}
