/* What a server exports, whoever asks. */
#include "request/rules.h"

#include <string.h>

#include "core/alloc.h"
#include "request/associated_values.h"
#include "request/types.h"
#include "select/filter.h"

/* --- making --- */

static int32_t check_associated(const fhx__export_rules *rules, fhx_error **error) {
  fhx__span types = {rules->associated_types, strlen(rules->associated_types)};
  if (types.len != 0 && !fhx__are_resource_types(rules->fhir_version, types)) {
    return fhx__fail(error, FHX_ERR_ARGUMENT,
                     "associated_types has a name that is not a resource type of FHIR %s; give "
                     "types' names with only commas between",
                     fhx__fhir_name(rules->fhir_version));
  }
  return fhx__associated_values_check(rules->associated_values, rules->fhir_version, error);
}

static int32_t make_filter(fhx__export_rules *rules, const fhx__export_settings *settings,
                           fhx_error **error) {
  const char *const *paths = settings->compartment_paths;
  uint64_t count = settings->compartment_path_count;
  if (paths == NULL && count != 0) {
    return fhx__fail(error, FHX_ERR_ARGUMENT,
                     "compartment_paths is NULL, and compartment_path_count is not 0");
  }
  int32_t status = fhx_filter_new(&rules->filter, error);
  if (status != FHX_OK) return status;
  status = fhx_filter_set_fhir_version(rules->filter, rules->fhir_version, error);
  for (uint64_t i = 0; status == FHX_OK && i < count; i++) {
    if (paths[i] == NULL) return fhx__fail(error, FHX_ERR_ARGUMENT, "compartment_paths has a NULL");
    status = fhx_filter_add_compartment_path(rules->filter, paths[i], error);
  }
  return status;
}

static char *copy_or_empty(const char *text) {
  return fhx__copy_text(text == NULL ? "" : text);
}

int32_t fhx__export_rules_init(fhx__export_rules *rules, const fhx__export_settings *settings,
                               fhx_error **error) {
  memset(rules, 0, sizeof *rules);
  rules->fhir_version = settings->fhir_version == 0 ? FHX_FHIR_R4 : settings->fhir_version;
  rules->file_bytes_min = settings->file_bytes_min;
  rules->file_bytes_max = settings->file_bytes_max;
  int32_t status = make_filter(rules, settings, error);
  if (status != FHX_OK) return status;
  rules->associated_types = copy_or_empty(settings->associated_types);
  rules->associated_values = copy_or_empty(settings->associated_values);
  if (rules->associated_types == NULL || rules->associated_values == NULL) {
    return fhx__no_memory(error);
  }
  return check_associated(rules, error);
}

void fhx__export_rules_free(fhx__export_rules *rules) {
  fhx_filter_free(rules->filter);
  fhx__free(rules->associated_types);
  fhx__free(rules->associated_values);
  memset(rules, 0, sizeof *rules);
}

/* --- use --- */

int32_t fhx__export_rules_filter(const fhx__export_rules *rules, const char *base_url,
                                 fhx_filter **filter, fhx_error **error) {
  fhx_filter *made = NULL;
  int32_t status = fhx__filter_copy(rules->filter, &made, error);
  if (status != FHX_OK) return status;
  /* Who is exported comes now. */
  made->sealed = false;
  status = fhx_filter_set_base_url(made, base_url, error);
  if (status != FHX_OK) {
    fhx_filter_free(made);
    return status;
  }
  *filter = made;
  return FHX_OK;
}

bool fhx__export_rules_in_compartment(const fhx__export_rules *rules, const char *name) {
  return fhx__compartment_knows(fhx__filter_compartment(rules->filter), name);
}
