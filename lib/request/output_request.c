/* The parameters that say what else is exported and how it is handed out: organizeOutputBy,
   includeAssociatedData and allowPartialManifests. */
#include <fhirexport/job.h>
#include <stdio.h>
#include <string.h>

#include "core/names.h"
#include "request/associated_values.h"
#include "request/reading.h"

#define WHY_MAX 160

/* --- organizeOutputBy --- */

/* PARAM-23 */
int32_t fhx__reading_organize(fhx__reading *of, const fhx__parameter *parameter) {
  static const char name[] = "organizeOutputBy";
  const char *value = parameter->value;
  char why[WHY_MAX];
  if (strcmp(value, "Patient") != 0) {
    snprintf(why, sizeof why, "%s is not supported, only Patient is",
             fhx__is_type_name(value, strlen(value)) ? value : "the value");
    return fhx__reading_unsupported(of, name, why);
  }
  if (!of->rules->knows_patients) {
    return fhx__reading_unsupported(of, name, "this server cannot arrange its output");
  }
  of->request->by_patient = true;
  return FHX_OK;
}

/* --- allowPartialManifests --- */

/* PARAM-24: a manifest in one piece is what every server gives. */
int32_t fhx__reading_partial_manifests(fhx__reading *of, const fhx__parameter *parameter) {
  bool is_wanted = strcmp(parameter->value, "true") == 0;
  if (!is_wanted && strcmp(parameter->value, "false") != 0) {
    return fhx__refuse(of->problem, 400, "value",
                       "allowPartialManifests: neither true nor false; send one of them");
  }
  if (is_wanted && !of->rules->has_pages) {
    return fhx__reading_unsupported(of, "allowPartialManifests",
                                    "this server gives a manifest in one piece only");
  }
  of->request->allows_partial_manifests = is_wanted;
  return FHX_OK;
}

/* --- includeAssociatedData --- */

static const char included[] = "includeAssociatedData";

static int32_t add_associated(fhx__reading *of, fhx__span type) {
  fhx__buffer *list = &of->request->associated_types;
  char name[FHX__TYPE_MAX + 1] = "";
  memcpy(name, type.text, type.len);
  if (!fhx__reading_permits(of, name) || fhx__list_has(list->data, name)) return FHX_OK;
  int32_t status = list->len == 0 ? FHX_OK : fhx__buffer_append_text(list, ",");
  if (status == FHX_OK) status = fhx__buffer_append_text(list, name);
  return status == FHX_OK ? fhx__buffer_terminate(list) : status;
}

/* Of both values the one that gives more (FILTER-19). */
static int32_t include_provenance(fhx__reading *of, const char *value, uint32_t provenance) {
  fhx__export_request *request = of->request;
  char why[WHY_MAX];
  if (!of->rules->reads_resources) {
    snprintf(why, sizeof why, "%s is not supported by this server", value);
    return fhx__reading_unsupported(of, included, why);
  }
  if (!fhx__reading_permits(of, "Provenance")) {
    return fhx__refuse(of->problem, 403, "forbidden",
                       "%s: this client may not read Provenance; leave %s out", included, value);
  }
  of->includes_data = true;
  if (request->provenance != FHX_PROVENANCE_RELEVANT) request->provenance = provenance;
  return FHX_OK;
}

static int32_t include(fhx__reading *of, fhx__span value) {
  char name[WHY_MAX] = "one of the values", why[2 * WHY_MAX];
  fhx__span types = {NULL, 0}, type = {NULL, 0};
  if (fhx__is_value_name(value)) snprintf(name, sizeof name, "%.*s", (int)value.len, value.text);
  if (strcmp(name, "LatestProvenanceResources") == 0) {
    return include_provenance(of, name, FHX_PROVENANCE_LATEST);
  }
  if (strcmp(name, "RelevantProvenanceResources") == 0) {
    return include_provenance(of, name, FHX_PROVENANCE_RELEVANT);
  }
  if (!fhx__associated_values_find(of->rules->associated_values, value, &types)) {
    snprintf(why, sizeof why, "%s is not a value of this server", name);
    return fhx__reading_unsupported(of, included, why);
  }
  int32_t status = FHX_OK;
  of->includes_data = true;
  while (status == FHX_OK && fhx__span_next(&types, ',', &type)) status = add_associated(of, type);
  return status;
}

/* PARAM-17. A value of the host's own may be a code of any system. */
int32_t fhx__reading_associated_data(fhx__reading *of, const fhx__parameter *parameter) {
  fhx__span rest = {parameter->value, strlen(parameter->value)}, value = {NULL, 0};
  int32_t status = FHX_OK;
  if (parameter->kind == FHX__VALUE_FOREIGN_CODING && *parameter->value != '_') {
    return fhx__reading_unsupported(of, included, "a code of another code system than the IG's");
  }
  while (status == FHX_OK && fhx__reading_next(of, &rest, &value)) status = include(of, value);
  return status;
}

/* --- together --- */

int32_t fhx__reading_begin_output(fhx__reading *of) {
  fhx__buffer *list = &of->request->associated_types;
  int32_t status = fhx__buffer_append_text(list, of->rules->associated_types);
  return status == FHX_OK ? fhx__buffer_terminate(list) : status;
}

/* In blocks of patients there is no place for what is nobody's: what goes along with patients' data
   is left out, and must not be asked for. */
int32_t fhx__reading_settle_output(fhx__reading *of) {
  fhx__export_request *request = of->request;
  if (!request->by_patient) return FHX_OK;
  if (of->includes_data && !of->kick_off->lenient) {
    return fhx__refuse(of->problem, 400, "not-supported",
                       "organizeOutputBy and includeAssociatedData: not both in one export; leave "
                       "one of them out");
  }
  request->provenance = FHX_PROVENANCE_DEFAULT;
  request->associated_types.len = 0;
  int32_t status = fhx__buffer_terminate(&request->associated_types);
  if (status != FHX_OK || !of->includes_data) return status;
  return fhx__reading_skip(
      of, "includeAssociatedData: not together with organizeOutputBy; it was ignored");
}
