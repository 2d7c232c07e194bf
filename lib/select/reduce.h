/* `_elements`: a resource made shorter. */
#ifndef FHX__SELECT_REDUCE_H
#define FHX__SELECT_REDUCE_H

#include "core/buffer.h"
#include "ndjson/scan.h"
#include "select/elements.h"

/*
 * Stores in *out, instead of what it holds, the line with the members that are kept, and with a
 * `meta.tag` that says that it is a subset (FILTER-15, -16); the tag is there once, whether
 * anything was left out or not. All else is copied byte for byte. A `meta` that is no object, or a
 * `tag` that is no array, is nothing in FHIR and gives way to it.
 *
 * The line is compact and was accepted by the scanner, which has noted its keys; NULL: it has not.
 * FHX_OK or FHX_ERR_NO_MEMORY.
 */
int32_t fhx__reduce(const fhx__kept *kept, const char *line, size_t len, const fhx__keys *keys,
                    fhx__buffer *out);

#endif
