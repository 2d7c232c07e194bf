/* The Patient compartment of FHIR R4, evaluated on a compact line. */
#ifndef FHX__SELECT_COMPARTMENT_H
#define FHX__SELECT_COMPARTMENT_H

#include <stdbool.h>
#include <stddef.h>

/* Whether this bare patient id is wanted. */
typedef bool (*fhx__patient_test)(const void *context, const char *id, size_t len);

/*
 * Whether a resource is in the Patient compartment of a patient that `wanted` accepts: it is that
 * Patient, or one of its compartment elements refers to it (`Patient/id`, an absolute URL that
 * ends so, with or without /_history/v). `line` is a compact line that the scanner accepted.
 */
bool fhx__compartment_has(const char *resource_type, const char *id, const char *line, size_t len,
                          fhx__patient_test wanted, const void *context);

/* Whether resources of this type can be in a Patient compartment at all. */
bool fhx__compartment_knows(const char *resource_type);

#endif
