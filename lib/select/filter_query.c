/* Queries on what is in the resources, `_typeFilter`: how a filter keeps and applies them. */
#include <string.h>

#include "core/alloc.h"
#include "core/error.h"
#include "select/filter.h"

/* Each may be looked at for each resource. */
#define QUERIES_MAX 1000
#define CAPACITY_MIN 8

/* The position of the first that is of this type, or behind it. */
static size_t find_type(const fhx_filter *filter, const char *resource_type) {
  size_t low = 0, high = filter->search_count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (strcmp(fhx__search_type(filter->searches[middle]), resource_type) < 0) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

fhx__search *const *fhx__filter_searches(const fhx_filter *filter, const char *resource_type,
                                         size_t *count) {
  size_t first = find_type(filter, resource_type), end = first;
  while (end < filter->search_count &&
         strcmp(fhx__search_type(filter->searches[end]), resource_type) == 0) {
    end++;
  }
  *count = end - first;
  return *count == 0 ? NULL : filter->searches + first;
}

static bool has_query(const fhx_filter *filter, const fhx__search *search) {
  size_t count = 0;
  fhx__search *const *known = fhx__filter_searches(filter, fhx__search_type(search), &count);
  for (size_t i = 0; i < count; i++) {
    if (strcmp(fhx__search_text(known[i]), fhx__search_text(search)) == 0) return true;
  }
  return false;
}

static int32_t reserve(fhx_filter *filter) {
  if (filter->search_count < filter->search_capacity) return FHX_OK;
  size_t wanted =
      filter->search_capacity < CAPACITY_MIN ? CAPACITY_MIN : 2 * filter->search_capacity;
  fhx__search **grown = fhx__realloc(filter->searches, wanted * sizeof(fhx__search *));
  if (grown == NULL) return FHX_ERR_NO_MEMORY;
  filter->searches = grown;
  filter->search_capacity = wanted;
  return FHX_OK;
}

/* Behind the last of its type. */
static void insert(fhx_filter *filter, fhx__search *search) {
  size_t count = 0, at = find_type(filter, fhx__search_type(search));
  fhx__filter_searches(filter, fhx__search_type(search), &count);
  at += count;
  memmove(filter->searches + at + 1, filter->searches + at,
          (filter->search_count - at) * sizeof(fhx__search *));
  filter->searches[at] = search;
  filter->search_count++;
}

int32_t fhx_filter_add_query(fhx_filter *filter, const char *query, fhx_error **error) {
  fhx__search_refusal refusal;
  fhx__search *search = NULL;
  if (filter == NULL || query == NULL) {
    return fhx__fail(error, FHX_ERR_ARGUMENT, "filter or query is NULL");
  }
  int32_t status = fhx__search_parse(query, filter->fhir_version, &search, &refusal);
  if (status == FHX_ERR_NO_MEMORY) return fhx__no_memory(error);
  if (status != FHX_OK) return fhx__fail(error, status, "_typeFilter: %s", refusal.text);
  if (has_query(filter, search)) {
    fhx__search_free(search);
    return FHX_OK;
  }
  if (filter->search_count == QUERIES_MAX) {
    status = fhx__fail(error, FHX_ERR_ARGUMENT, "_typeFilter: there are more than %d queries",
                       QUERIES_MAX);
  } else if (reserve(filter) != FHX_OK) {
    status = fhx__no_memory(error);
  }
  if (status != FHX_OK) {
    fhx__search_free(search);
    return status;
  }
  insert(filter, search);
  return FHX_OK;
}

int32_t fhx__filter_copy_queries(const fhx_filter *filter, fhx_filter *copy, fhx_error **error) {
  int32_t status = FHX_OK;
  for (size_t i = 0; i < filter->search_count && status == FHX_OK; i++) {
    status = fhx_filter_add_query(copy, fhx__search_text(filter->searches[i]), error);
  }
  return status;
}

void fhx__filter_free_queries(fhx_filter *filter) {
  for (size_t i = 0; i < filter->search_count; i++) fhx__search_free(filter->searches[i]);
  fhx__free(filter->searches);
}

void fhx__filter_drop_queries(fhx_filter *view) {
  view->searches = NULL;
  view->search_count = view->search_capacity = 0;
}

int32_t fhx__filter_meets_queries(const fhx_filter *filter, const fhx__facts *facts,
                                  const char *line, size_t len, bool *meets, fhx_error **error) {
  size_t count = 0;
  fhx__search *const *searches = fhx__filter_searches(filter, facts->resource_type, &count);
  int32_t status = FHX_OK;
  *meets = count == 0;
  for (size_t i = 0; i < count && status == FHX_OK && !*meets; i++) {
    status = fhx__search_matches(searches[i], facts, line, len, filter->base_url, meets);
  }
  return status == FHX_OK ? FHX_OK : fhx__fail(error, status, "a query could not be evaluated");
}
