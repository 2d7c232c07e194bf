/* The URLs of the Attachments in a resource. */
#ifndef FHX__SELECT_ATTACHMENTS_H
#define FHX__SELECT_ATTACHMENTS_H

#include "select/raw_json.h"

/* Called with each URL as it stands in the line, from its first to its last; false ends the walk.
 */
typedef bool (*fhx__attachment_callback)(void *context, fhx__raw_string url);

/* Gives the `url` of every Attachment of a compact line that the scanner has accepted, at any
   depth, those of contained resources and extensions included. False when the callback ended it. */
bool fhx__attachments_walk(const char *line, size_t len, fhx__attachment_callback callback,
                           void *context);

#endif
