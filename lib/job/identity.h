/* What makes two kick-offs one: a digest of all that a job's output follows from. */
#ifndef FHX__JOB_IDENTITY_H
#define FHX__JOB_IDENTITY_H

#include "core/digest.h"
#include "job/job.h"

/*
 * The digest of a definition whose types are settled, of the FHIR base and of the host's context.
 * The order of lists and of doubles in them does not count, nor how an instant is written. When the
 * data is looked at is left out, since a job that is joined has its own time; so are tenant and
 * client, which stores compare by themselves.
 *
 * It is no keyed digest: who can read it in a store reads in the same row what it was made of.
 */
int32_t fhx__job_identity(const fhx__definition *definition, const char *base_url,
                          const void *host_context, size_t host_context_len,
                          uint8_t identity[FHX__SHA256_LEN], fhx_error **error);

#endif
