/* Places outside the process where credentials are kept: the shared file, the container's endpoint,
   the instance's. */
#ifndef FHX__S3_SOURCES_H
#define FHX__S3_SOURCES_H

#include <fhirexport/s3.h>
#include <stdbool.h>

#include "s3/identity.h"

typedef struct fhx__s3_sources fhx__s3_sources;

/* Reads the options and the environment. */
int32_t fhx__s3_sources_new(const fhx_s3_options *options, fhx__s3_sources **sources,
                            fhx_error **error);
void fhx__s3_sources_free(fhx__s3_sources *sources);

/*
 * Fetches from the first place that has some; from then on from that place alone. On one thread at
 * a time. FHX_ERR_DENIED with a sentence on what is missing; FHX_ERR_NO_MEMORY.
 */
int32_t fhx__s3_sources_fetch(fhx__s3_sources *sources, int64_t until_us,
                              fhx__s3_identity *identity, fhx_error **error);

#endif
