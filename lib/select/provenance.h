/* What a Provenance says of itself: what it is about, and when it was recorded. */
#ifndef FHX__SELECT_PROVENANCE_H
#define FHX__SELECT_PROVENANCE_H

#include "core/instant.h"
#include "select/references.h"

#define FHX__PROVENANCE "Provenance"

/*
 * Gives every `target` of a compact line that means a resource of this server (see
 * fhx__reference_read), in the order of the line and as often as it stands there. What an
 * extension, a contained resource or an entity refers to is no target. False when the callback
 * ended it.
 */
bool fhx__provenance_targets(const char *line, size_t len, const char *base_url,
                             fhx__reference_callback callback, void *context);

/* Stores `recorded`; false: there is none that is a valid instant. Of several the last decides. */
bool fhx__provenance_recorded(const char *line, size_t len, fhx__instant *recorded);

#endif
