/* The resource types of FHIR R4. */
#ifndef FHX__REQUEST_TYPES_R4_H
#define FHX__REQUEST_TYPES_R4_H

#include <stdbool.h>

/* Whether R4 (4.0.1) has a resource type of this name, which is not abstract. Case matters. */
bool fhx__is_r4_type(const char *name);

#endif
