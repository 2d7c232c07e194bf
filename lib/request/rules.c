/* What a server exports, whoever asks. */
#include "request/rules.h"

#include <string.h>

#include "core/alloc.h"
#include "core/names.h"
#include "request/span.h"
#include "request/types.h"
#include "select/filter.h"
#include "select/group.h"

/* --- making --- */

static int32_t check_associated(const fhx__export_rules *rules, fhx_error **error) {
  fhx__span rest = {rules->associated_types, strlen(rules->associated_types)}, entry = {NULL, 0};
  if (rest.len == 0) return FHX_OK;
  while (fhx__span_next(&rest, ',', &entry)) {
    char name[FHX__TYPE_MAX + 1] = "";
    bool is_name = fhx__is_type_name(entry.text, entry.len);
    if (is_name) memcpy(name, entry.text, entry.len);
    if (!is_name || !fhx__is_resource_type(rules->fhir_version, name)) {
      return fhx__fail(error, FHX_ERR_ARGUMENT,
                       "associated_types has a name that is not a resource type of FHIR %s; give "
                       "types' names with only commas between",
                       fhx__fhir_name(rules->fhir_version));
    }
  }
  return FHX_OK;
}

static int32_t make_filter(fhx__export_rules *rules, const char *const *paths, uint64_t count,
                           fhx_error **error) {
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

int32_t fhx__export_rules_init(fhx__export_rules *rules, uint32_t fhir_version,
                               const char *associated_types, const char *const *paths,
                               uint64_t path_count, fhx_error **error) {
  *rules = (fhx__export_rules){fhir_version == 0 ? FHX_FHIR_R4 : fhir_version, NULL, NULL};
  int32_t status = make_filter(rules, paths, path_count, error);
  if (status != FHX_OK) return status;
  rules->associated_types = fhx__copy_text(associated_types == NULL ? "" : associated_types);
  return rules->associated_types == NULL ? fhx__no_memory(error) : check_associated(rules, error);
}

void fhx__export_rules_free(fhx__export_rules *rules) {
  fhx_filter_free(rules->filter);
  fhx__free(rules->associated_types);
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

bool fhx__export_rules_has(const fhx__export_rules *rules, bool is_group, const char *name) {
  return fhx__compartment_knows(fhx__filter_compartment(rules->filter), name) ||
         fhx__list_has(rules->associated_types, name) ||
         (is_group && fhx__group_may_have(rules->fhir_version, name));
}
