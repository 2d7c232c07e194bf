/* Documents in a folder: files that are replaced whole. */
#ifndef FHX__DESTINATION_DOCUMENT_H
#define FHX__DESTINATION_DOCUMENT_H

#include <fhirexport/error.h>
#include <stdbool.h>

#include "core/buffer.h"

/*
 * Puts the document `name` below `base`, durable, in place of the one that is there;
 * `readable`: for everybody on the machine. Processes that
 * put the same one at the same time take turns; the last one's stays.
 */
int32_t fhx__document_write(int base, const char *name, bool readable, const void *data, size_t len,
                            fhx_error **error);

/* Appends the document. FHX_ERR_NOT_FOUND: there is none. */
int32_t fhx__document_read(int base, const char *name, fhx__buffer *text, fhx_error **error);

#endif
