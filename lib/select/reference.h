/* Which patient a reference means. */
#ifndef FHX__SELECT_REFERENCE_H
#define FHX__SELECT_REFERENCE_H

#include "core/names.h"
#include "select/raw_json.h"

/*
 * Reads a Reference's `reference`: `Patient/id` or `http(s)://.../Patient/id`, each with or
 * without `/_history/version`. Stores the id, with a NUL, and returns true; false for every other
 * reference: of other types, `#contained`, `urn:`, and what holds a query or a fragment.
 *
 * The server's own base is not known here, so every base counts: a patient of another server who
 * has the same id is taken for the one meant.
 */
bool fhx__reference_patient(fhx__raw_string string, char id[FHX__ID_MAX + 1], size_t *id_len);

#endif
