/* How the host is asked for credentials. */
#ifndef FHX__S3_HOST_CREDENTIALS_H
#define FHX__S3_HOST_CREDENTIALS_H

#include <fhirexport/s3.h>

#include "s3/identity.h"

/* Calls the host. `until_us`: as of the monotonic clock, 0 for as long as it takes. */
int32_t fhx__s3_ask_host(fhx_s3_credentials_callback callback, void *user_data, int64_t until_us,
                         fhx__s3_identity *identity, fhx_error **error);

#endif
