/* Which resources a resource refers to. */
#ifndef FHX__SELECT_REFERENCES_H
#define FHX__SELECT_REFERENCES_H

#include "select/reference.h"

/* Called with each `Type/id`, as often as it stands there; false ends the walk. */
typedef bool (*fhx__reference_callback)(void *context, const char *type, const char *id);

/*
 * Gives every `reference` of a compact line that means a resource of this server, at any depth,
 * those of contained resources and extensions included. Neither a conditional reference
 * (`Practitioner?identifier=`) nor `#contained` means one. A key that is spelt with escapes is not
 * found. False when the callback ended it.
 */
bool fhx__references_walk(const char *line, size_t len, const char *base_url,
                          fhx__reference_callback callback, void *context);

#endif
