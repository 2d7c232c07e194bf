/* The resource types of FHIR's versions; which there are is in type_table.c. */
#include "request/types.h"

#include <stdlib.h>
#include <string.h>

#include "core/names.h"
#include "request/type_table.h"

static int compare(const void *name, const void *row) {
  return strcmp(name, ((const fhx__type_row *)row)->name);
}

static uint32_t version_bit(uint32_t fhir_version) {
  switch (fhir_version) {
    case FHX_FHIR_R4:
      return FHX__IN_R4;
    case FHX_FHIR_R4B:
      return FHX__IN_R4B;
    case FHX_FHIR_R5:
      return FHX__IN_R5;
    default:
      return 0;
  }
}

bool fhx__is_resource_type(uint32_t fhir_version, const char *name) {
  const fhx__type_row *row =
      bsearch(name, fhx__type_table, fhx__type_count, sizeof fhx__type_table[0], compare);
  return row != NULL && (row->versions & version_bit(fhir_version)) != 0;
}

bool fhx__are_resource_types(uint32_t fhir_version, fhx__span list) {
  fhx__span entry = {NULL, 0};
  while (fhx__span_next(&list, ',', &entry)) {
    char name[FHX__TYPE_MAX + 1] = "";
    if (!fhx__is_type_name(entry.text, entry.len)) return false;
    memcpy(name, entry.text, entry.len);
    if (!fhx__is_resource_type(fhir_version, name)) return false;
  }
  return true;
}

const char *fhx__fhir_name(uint32_t fhir_version) {
  return fhir_version == FHX_FHIR_R5 ? "R5" : fhir_version == FHX_FHIR_R4B ? "R4B" : "R4";
}
