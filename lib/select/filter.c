/* Which resources an export takes. How a filter is stored is in filter_json.c, and its queries are
   in filter_query.c. */
#include "select/filter.h"

#include <stdlib.h>
#include <string.h>

#include "core/alloc.h"
#include "core/error.h"
#include "select/selection.h"

#define CAPACITY_MIN 8
/* Each added path makes the compartment anew. */
#define PATHS_MAX 1024
/* Each may bind every type. */
#define ELEMENTS_MAX 1024

int32_t fhx_filter_new(fhx_filter **filter, fhx_error **error) {
  if (filter == NULL) return fhx__fail(error, FHX_ERR_ARGUMENT, "filter is NULL");
  *filter = fhx__alloc_zeroed(1, sizeof **filter);
  if (*filter == NULL) return fhx__no_memory(error);
  (*filter)->fhir_version = FHX_FHIR_R4;
  return FHX_OK;
}

static void free_texts(char **texts, size_t count) {
  for (size_t i = 0; i < count; i++) fhx__free(texts[i]);
  fhx__free(texts);
}

void fhx_filter_free(fhx_filter *filter) {
  if (filter == NULL) return;
  free_texts(filter->types, filter->type_count);
  free_texts(filter->patients, filter->patient_count);
  free_texts(filter->paths, filter->path_count);
  free_texts(filter->elements, filter->element_count);
  fhx__elements_free(filter->wish);
  fhx__filter_free_queries(filter);
  fhx__compartment_free(filter->own_compartment);
  fhx__free(filter->base_url);
  fhx__free(filter->since_text);
  fhx__free(filter->until_text);
  fhx__free(filter->group_id);
  fhx__free(filter);
}

/* --- filling in --- */

/* Room for one more text; twice as much each time, so that a million ids cost a million steps. */
static int32_t reserve_text(char ***texts, size_t count, size_t *capacity) {
  if (count < *capacity) return FHX_OK;
  if (*capacity > SIZE_MAX / 2 / sizeof **texts) return FHX_ERR_NO_MEMORY;
  size_t wanted = *capacity < CAPACITY_MIN ? CAPACITY_MIN : 2 * *capacity;
  char **grown = fhx__realloc(*texts, wanted * sizeof *grown);
  if (grown == NULL) return FHX_ERR_NO_MEMORY;
  *texts = grown;
  *capacity = wanted;
  return FHX_OK;
}

static int32_t add_text(char ***texts, size_t *count, size_t *capacity, const char *text,
                        fhx_error **error) {
  char *copy = NULL;
  if (reserve_text(texts, *count, capacity) == FHX_OK) copy = fhx__copy_text(text);
  if (copy == NULL) return fhx__no_memory(error);
  (*texts)[(*count)++] = copy;
  return FHX_OK;
}

static bool has_text(char *const *texts, size_t count, const char *text) {
  for (size_t i = 0; i < count; i++) {
    if (strcmp(texts[i], text) == 0) return true;
  }
  return false;
}

bool fhx__filter_has_type(const fhx_filter *filter, const char *resource_type) {
  return has_text(filter->types, filter->type_count, resource_type);
}

int32_t fhx_filter_add_type(fhx_filter *filter, const char *resource_type, fhx_error **error) {
  if (filter == NULL || resource_type == NULL) {
    return fhx__fail(error, FHX_ERR_ARGUMENT, "filter or resource_type is NULL");
  }
  if (!fhx__is_type_name(resource_type, strlen(resource_type))) {
    return fhx__fail(error, FHX_ERR_ARGUMENT,
                     "_type: not the name of a resource type (a capital letter, then letters)");
  }
  if (fhx__filter_has_type(filter, resource_type)) return FHX_OK;
  return add_text(&filter->types, &filter->type_count, &filter->type_capacity, resource_type,
                  error);
}

int32_t fhx_filter_add_patient(fhx_filter *filter, const char *patient_id, fhx_error **error) {
  if (filter == NULL || patient_id == NULL) {
    return fhx__fail(error, FHX_ERR_ARGUMENT, "filter or patient_id is NULL");
  }
  if (!fhx__is_id(patient_id, strlen(patient_id))) {
    return fhx__fail(error, FHX_ERR_ARGUMENT,
                     "patient: not a FHIR id (1 to 64 letters, digits, '-' and '.')");
  }
  return add_text(&filter->patients, &filter->patient_count, &filter->patient_capacity, patient_id,
                  error);
}

int32_t fhx_filter_set_all_patients(fhx_filter *filter, fhx_error **error) {
  if (filter == NULL) return fhx__fail(error, FHX_ERR_ARGUMENT, "filter is NULL");
  filter->all_patients = true;
  return FHX_OK;
}

int32_t fhx_filter_set_group(fhx_filter *filter, const char *group_id, fhx_error **error) {
  if (filter == NULL || group_id == NULL) {
    return fhx__fail(error, FHX_ERR_ARGUMENT, "filter or group_id is NULL");
  }
  if (!fhx__is_id(group_id, strlen(group_id))) {
    return fhx__fail(error, FHX_ERR_ARGUMENT,
                     "Group: not a FHIR id (1 to 64 letters, digits, '-' and '.')");
  }
  char *copy = fhx__copy_text(group_id);
  if (copy == NULL) return fhx__no_memory(error);
  fhx__free(filter->group_id);
  filter->group_id = copy;
  return FHX_OK;
}

/* Sets one bound of the window; on a failure the earlier one stays. */
static int32_t set_bound(const char *name, const char *text, fhx__instant *bound, char **kept,
                         bool *has_bound, fhx_error **error) {
  fhx__instant instant = {0, 0};
  if (!fhx__instant_parse(text, strlen(text), &instant)) {
    return fhx__fail(error, FHX_ERR_ARGUMENT,
                     "%s: not a FHIR instant: a real date, T, a time with seconds, and Z or an "
                     "offset such as +01:00",
                     name);
  }
  char *copy = fhx__copy_text(text);
  if (copy == NULL) return fhx__no_memory(error);
  fhx__free(*kept);
  *kept = copy;
  *bound = instant;
  *has_bound = true;
  return FHX_OK;
}

int32_t fhx_filter_set_since(fhx_filter *filter, const char *instant, fhx_error **error) {
  if (filter == NULL || instant == NULL) {
    return fhx__fail(error, FHX_ERR_ARGUMENT, "filter or instant is NULL");
  }
  return set_bound("_since", instant, &filter->since, &filter->since_text, &filter->has_since,
                   error);
}

int32_t fhx_filter_set_until(fhx_filter *filter, const char *instant, fhx_error **error) {
  if (filter == NULL || instant == NULL) {
    return fhx__fail(error, FHX_ERR_ARGUMENT, "filter or instant is NULL");
  }
  return set_bound("_until", instant, &filter->until, &filter->until_text, &filter->has_until,
                   error);
}

/* --- elements --- */

/* The filter's elements in a version; NULL for none. */
static int32_t make_wish(const fhx_filter *filter, uint32_t fhir_version, fhx__elements **wish,
                         fhx_error **error) {
  fhx__elements *made = NULL;
  *wish = NULL;
  if (filter->element_count == 0) return FHX_OK;
  int32_t status = fhx__elements_new(fhir_version, &made, error);
  for (size_t i = 0; i < filter->element_count && status == FHX_OK; i++) {
    status = fhx__elements_add(made, filter->elements[i], error);
  }
  if (status != FHX_OK) {
    fhx__elements_free(made);
    return status;
  }
  *wish = made;
  return FHX_OK;
}

int32_t fhx_filter_add_element(fhx_filter *filter, const char *element, fhx_error **error) {
  if (filter == NULL || element == NULL) {
    return fhx__fail(error, FHX_ERR_ARGUMENT, "filter or element is NULL");
  }
  if (has_text(filter->elements, filter->element_count, element)) return FHX_OK;
  if (filter->element_count == ELEMENTS_MAX) {
    return fhx__fail(error, FHX_ERR_ARGUMENT, "_elements: more than %d are named", ELEMENTS_MAX);
  }
  int32_t status = FHX_OK;
  if (filter->wish == NULL) {
    status = fhx__elements_new(filter->fhir_version, &filter->wish, error);
    if (status != FHX_OK) return status;
  }
  status = add_text(&filter->elements, &filter->element_count, &filter->element_capacity, element,
                    error);
  if (status != FHX_OK) return status;
  status = fhx__elements_add(filter->wish, element, error);
  if (status != FHX_OK) fhx__free(filter->elements[--filter->element_count]);
  return status;
}

/* --- the compartment --- */

int32_t fhx_filter_set_fhir_version(fhx_filter *filter, uint32_t fhir_version, fhx_error **error) {
  if (filter == NULL) return fhx__fail(error, FHX_ERR_ARGUMENT, "filter is NULL");
  if (fhx__compartment_builtin(fhir_version) == NULL) {
    return fhx__fail(error, FHX_ERR_ARGUMENT, "fhir_version is none of FHX_FHIR_R4, _R4B and _R5");
  }
  if (filter->search_count != 0) {
    return fhx__fail(error, FHX_ERR_MISUSE,
                     "the filter has queries, which were read for its FHIR version; set it first");
  }
  fhx__elements *wish = NULL;
  int32_t status = make_wish(filter, fhir_version, &wish, error);
  if (status != FHX_OK) return status;
  fhx__elements_free(filter->wish);
  filter->wish = wish;
  filter->fhir_version = fhir_version;
  return FHX_OK;
}

int32_t fhx_filter_add_compartment_path(fhx_filter *filter, const char *path, fhx_error **error) {
  fhx__compartment *made = NULL;
  if (filter == NULL || path == NULL) {
    return fhx__fail(error, FHX_ERR_ARGUMENT, "filter or path is NULL");
  }
  if (has_text(filter->paths, filter->path_count, path)) return FHX_OK;
  if (filter->path_count == PATHS_MAX) {
    return fhx__fail(error, FHX_ERR_ARGUMENT, "there are more than %d compartment paths",
                     PATHS_MAX);
  }
  int32_t status =
      add_text(&filter->paths, &filter->path_count, &filter->path_capacity, path, error);
  if (status != FHX_OK) return status;
  status =
      fhx__compartment_new((const char *const *)filter->paths, filter->path_count, &made, error);
  if (status != FHX_OK) {
    fhx__free(filter->paths[--filter->path_count]);
    return status;
  }
  fhx__compartment_free(filter->own_compartment);
  filter->own_compartment = made;
  return FHX_OK;
}

const fhx__compartment *fhx__filter_compartment(const fhx_filter *filter) {
  return filter->own_compartment != NULL ? filter->own_compartment
                                         : fhx__compartment_builtin(filter->fhir_version);
}

/* A base that no reference could have would leave out what the caller wants to have. */
static bool is_base_url(const char *url) {
  size_t scheme = strncmp(url, "https://", 8) == 0 ? 8 : strncmp(url, "http://", 7) == 0 ? 7 : 0;
  if (scheme == 0 || url[scheme] == '\0' || url[scheme] == '/') return false;
  for (; *url != '\0'; url++) {
    if (*url <= ' ' || *url > '~' || *url == '?' || *url == '#') return false;
  }
  return true;
}

int32_t fhx_filter_set_base_url(fhx_filter *filter, const char *base_url, fhx_error **error) {
  char *copy = NULL;
  if (filter == NULL) return fhx__fail(error, FHX_ERR_ARGUMENT, "filter is NULL");
  if (base_url != NULL && *base_url != '\0') {
    if (!is_base_url(base_url)) {
      return fhx__fail(error, FHX_ERR_ARGUMENT,
                       "base_url is not an http or https URL without query and fragment");
    }
    copy = fhx__copy_text(base_url);
    if (copy == NULL) return fhx__no_memory(error);
  }
  fhx__free(filter->base_url);
  filter->base_url = copy;
  return FHX_OK;
}

/* --- copying --- */

static int compare_texts(const void *a, const void *b) {
  return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Sorts the patients and drops doubles. */
void fhx__filter_seal(fhx_filter *filter) {
  size_t kept = 0;
  if (filter->patient_count > 1) {
    qsort(filter->patients, filter->patient_count, sizeof *filter->patients, compare_texts);
  }
  for (size_t i = 0; i < filter->patient_count; i++) {
    char *id = filter->patients[i];
    if (kept > 0 && strcmp(filter->patients[kept - 1], id) == 0) {
      fhx__free(id);
    } else {
      filter->patients[kept++] = id;
    }
  }
  filter->patient_count = kept;
  filter->sealed = true;
}

static int32_t copy_compartment(const fhx_filter *filter, fhx_filter *copy, fhx_error **error) {
  int32_t status = fhx_filter_set_base_url(copy, filter->base_url, error);
  copy->fhir_version = filter->fhir_version;
  for (size_t i = 0; i < filter->path_count && status == FHX_OK; i++) {
    status = fhx_filter_add_compartment_path(copy, filter->paths[i], error);
  }
  return status;
}

static int32_t copy_contents(const fhx_filter *filter, fhx_filter *copy, fhx_error **error) {
  int32_t status = FHX_OK;
  for (size_t i = 0; i < filter->type_count && status == FHX_OK; i++) {
    status =
        add_text(&copy->types, &copy->type_count, &copy->type_capacity, filter->types[i], error);
  }
  for (size_t i = 0; i < filter->patient_count && status == FHX_OK; i++) {
    status = add_text(&copy->patients, &copy->patient_count, &copy->patient_capacity,
                      filter->patients[i], error);
  }
  if (status == FHX_OK && filter->has_since) {
    status = fhx_filter_set_since(copy, filter->since_text, error);
  }
  if (status == FHX_OK && filter->has_until) {
    status = fhx_filter_set_until(copy, filter->until_text, error);
  }
  copy->all_patients = filter->all_patients;
  if (status == FHX_OK && filter->group_id != NULL) {
    status = fhx_filter_set_group(copy, filter->group_id, error);
  }
  if (status == FHX_OK) status = copy_compartment(filter, copy, error);
  for (size_t i = 0; i < filter->element_count && status == FHX_OK; i++) {
    status = fhx_filter_add_element(copy, filter->elements[i], error);
  }
  return status == FHX_OK ? fhx__filter_copy_queries(filter, copy, error) : status;
}

int32_t fhx__filter_copy(const fhx_filter *filter, fhx_filter **copy, fhx_error **error) {
  fhx_filter *made = NULL;
  *copy = NULL;
  int32_t status = fhx_filter_new(&made, error);
  if (status == FHX_OK && filter != NULL) status = copy_contents(filter, made, error);
  if (status != FHX_OK) {
    fhx_filter_free(made);
    return status;
  }
  fhx__filter_seal(made);
  *copy = made;
  return FHX_OK;
}

/* --- asking --- */

/* As strcmp, of a patient's id with one that has no NUL. */
static int compare_id(const char *patient, const char *id, size_t len) {
  int order = strncmp(patient, id, len);
  if (order == 0 && patient[len] != '\0') return 1;
  return order;
}

static bool find_sorted(const fhx_filter *filter, const char *id, size_t len) {
  size_t low = 0, high = filter->patient_count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    int order = compare_id(filter->patients[middle], id, len);
    if (order == 0) return true;
    if (order < 0) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return false;
}

bool fhx__filter_has_patient(const fhx_filter *filter, const char *id, size_t len) {
  if (filter->sealed) return find_sorted(filter, id, len);
  /* Not sealed: fhx_filter_test, for which the filter is only read. */
  for (size_t i = 0; i < filter->patient_count; i++) {
    if (compare_id(filter->patients[i], id, len) == 0) return true;
  }
  return false;
}

/* --- on one resource --- */

/* Scans a resource; *line is its compact text, the caller's to free whatever the status. */
static int32_t scan_one(const void *data, size_t len, char **line, fhx__scan *scan,
                        fhx_error **error) {
  *line = fhx__alloc(len);
  if (*line == NULL) return fhx__no_memory(error);
  if (fhx__scan_resource(data, len, *line, FHX__DEPTH_DEFAULT, scan) == FHX__FAULT_NONE) {
    return FHX_OK;
  }
  return fhx__fail(error, FHX_ERR_RESOURCE, "the resource %s (byte %zu)",
                   fhx__fault_text(scan->fault), scan->offset);
}

int32_t fhx_filter_test(const fhx_filter *filter, const void *data, size_t len, uint32_t *matches,
                        fhx_error **error) {
  if (filter == NULL || data == NULL || matches == NULL) {
    return fhx__fail(error, FHX_ERR_ARGUMENT, "filter, data or matches is NULL");
  }
  *matches = 0;
  if (filter->group_id != NULL) {
    return fhx__fail(error, FHX_ERR_UNSUPPORTED,
                     "who is in the filter's Group is found out by a job alone");
  }
  const fhx__selection selection = {filter, NULL, NULL};
  fhx__scan scan = {0};
  char *line = NULL;
  bool takes = false;
  int32_t status = scan_one(data, len, &line, &scan, error);
  if (status == FHX_OK &&
      (filter->type_count == 0 || fhx__filter_has_type(filter, scan.facts.resource_type))) {
    status =
        fhx__selection_takes(&selection, 0, &scan.facts, NULL, line, scan.out_len, &takes, error);
    *matches = takes ? 1 : 0;
  }
  fhx__free(line);
  return status;
}

typedef struct listing {
  fhx_patient_callback callback;
  void *user_data;
} listing;

/* Names a patient and goes on. */
static bool name_patient(const void *context, const char *id, size_t len) {
  const listing *to = context;
  char text[FHX__ID_MAX + 1];
  memcpy(text, id, len);
  text[len] = '\0';
  to->callback(to->user_data, text);
  return false;
}

int32_t fhx_filter_list_patients(const fhx_filter *filter, const void *data, size_t len,
                                 fhx_patient_callback callback, void *user_data,
                                 fhx_error **error) {
  if (filter == NULL || data == NULL || callback == NULL) {
    return fhx__fail(error, FHX_ERR_ARGUMENT, "filter, data or callback is NULL");
  }
  const listing to = {callback, user_data};
  fhx__scan scan = {0};
  char *line = NULL;
  int32_t status = scan_one(data, len, &line, &scan, error);
  if (status == FHX_OK) {
    const fhx__patient_test test = {name_patient, &to, filter->base_url};
    fhx__compartment_has(fhx__filter_compartment(filter), scan.facts.resource_type, scan.facts.id,
                         line, scan.out_len, &test);
  }
  fhx__free(line);
  return status;
}

void fhx__filter_drop_patients(fhx_filter *view) {
  view->patients = NULL;
  view->patient_count = 0;
  view->all_patients = false;
  view->group_id = NULL;
}

void fhx__filter_drop_window(fhx_filter *view) {
  view->has_since = false;
  view->has_until = false;
}
