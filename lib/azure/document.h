/* Documents of a container: small blobs that are replaced whole, by one PUT each. */
#ifndef FHX__AZURE_DOCUMENT_H
#define FHX__AZURE_DOCUMENT_H

#include "azure/store.h"

/* `blob` is the whole name, `until_us` as in requests. */
int32_t fhx__azure_document_put(fhx__azure *azure, const char *blob, const void *data, size_t len,
                                const char *media_type, const char *cache_control, int64_t until_us,
                                fhx_error **error);
/* Appends it. FHX_ERR_NOT_FOUND: there is none. */
int32_t fhx__azure_document_get(fhx__azure *azure, const char *blob, int64_t until_us,
                                fhx__buffer *text, fhx_error **error);

#endif
