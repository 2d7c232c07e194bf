/* Documents of a bucket: small objects that are replaced whole, by one PUT each. */
#ifndef FHX__S3_DOCUMENT_H
#define FHX__S3_DOCUMENT_H

#include "s3/bucket.h"

int32_t fhx__s3_document_put(fhx__s3_bucket *bucket, const char *name, const void *data, size_t len,
                             const char *media_type, const char *cache_control, int64_t until_us,
                             fhx_error **error);
/* Appends it. FHX_ERR_NOT_FOUND: there is none. */
int32_t fhx__s3_document_get(fhx__s3_bucket *bucket, const char *name, int64_t until_us,
                             fhx__buffer *text, fhx_error **error);

#endif
