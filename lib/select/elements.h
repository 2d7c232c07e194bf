/*
 * `_elements`: which root elements of which types are wanted, and what is kept of a resource.
 *
 * A type is bound by `Type.element`, or by `element` where it has such an element. Of resources of
 * a bound type these are kept: what was named, what is mandatory, `resourceType`, `id` and `meta`,
 * and `implicitRules` and `modifierExtension`, without which the rest could be misread. Types that
 * nothing binds are exported whole, as are those that the FHIR version does not have.
 */
#ifndef FHX__SELECT_ELEMENTS_H
#define FHX__SELECT_ELEMENTS_H

#include <fhirexport/error.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct fhx__elements fhx__elements;

/* What is kept of resources of one type. */
typedef struct fhx__kept fhx__kept;

/* Makes a wish of nothing, of that version (FHX_FHIR_...): it binds no type. */
int32_t fhx__elements_new(uint32_t fhir_version, fhx__elements **elements, fhx_error **error);
void fhx__elements_free(fhx__elements *elements);

/* Adds what fhx_filter_add_element says; after a failure nothing has changed. */
int32_t fhx__elements_add(fhx__elements *elements, const char *element, fhx_error **error);

/* NULL: everything is kept. */
const fhx__kept *fhx__elements_of(const fhx__elements *elements, const char *resource_type);

/* What becomes of a member of the resource. */
typedef enum fhx__fate { FHX__FATE_DROPPED, FHX__FATE_KEPT, FHX__FATE_META } fhx__fate;

/* By the key as it stands between its quotes, with escapes or without. The key of a primitive
   element's id and extensions (`_birthDate`) has the fate of the element. */
fhx__fate fhx__kept_fate(const fhx__kept *kept, const char *key, size_t len);

#endif
