/* The resource types of FHIR's versions. */
#ifndef FHX__REQUEST_TYPES_H
#define FHX__REQUEST_TYPES_H

#include <fhirexport/filter.h>
#include <stdbool.h>

#include "request/span.h"

/* Whether that version (FHX_FHIR_...) has a resource type of this name, which is not abstract. Case
   matters. */
bool fhx__is_resource_type(uint32_t fhir_version, const char *name);

/* Whether a list has only such names, with only commas between, and at least one. */
bool fhx__are_resource_types(uint32_t fhir_version, fhx__span list);

/* "R4", "R4B" or "R5". */
const char *fhx__fhir_name(uint32_t fhir_version);

#endif
