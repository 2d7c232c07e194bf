/* What a reference means. */
#ifndef FHX__SELECT_REFERENCE_H
#define FHX__SELECT_REFERENCE_H

#include "core/names.h"
#include "select/raw_json.h"

/*
 * Reads a Reference's `reference`: `Type/id` or `http(s)://.../Type/id`, each with or without
 * `/_history/version` (FILTER-34); escapes in the JSON string are undone. Stores type and id, each
 * with a NUL, and returns true; false for every other reference: `#contained`, `urn:`, what holds a
 * query or a fragment, what is malformed.
 *
 * `base_url` is the server's own FHIR base, with or without a slash at its end: an absolute
 * reference must have exactly this in front of `/Type/id`, case and scheme included. With "" or
 * NULL every base counts, and a resource of another server with the same id is taken for the one
 * meant.
 */
bool fhx__reference_read(fhx__raw_string string, const char *base_url, char type[FHX__TYPE_MAX + 1],
                         char id[FHX__ID_MAX + 1]);

/* The same for references to a Patient; those to another type are false. */
bool fhx__reference_patient(fhx__raw_string string, const char *base_url, char id[FHX__ID_MAX + 1],
                            size_t *id_len);

#endif
