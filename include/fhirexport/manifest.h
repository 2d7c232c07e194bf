/*
 * fhirexport/manifest.h: the manifest of a complete job (Bulk Data IG, "Response - Complete
 * Status"), produced from the store while it is read.
 */
#ifndef FHIREXPORT_MANIFEST_H
#define FHIREXPORT_MANIFEST_H

#include <fhirexport/job.h>

FHX_BEGIN_DECLS

typedef struct fhx_manifest fhx_manifest;

/*
 * Opens the manifest. It references the job, and may be used on one thread at a time.
 * FHX_ERR_MISUSE while the job runs; FHX_ERR_JOB_FAILED and FHX_ERR_NOT_FOUND when it has none.
 */
FHX_API int32_t fhx_manifest_new(fhx_job *job, fhx_manifest **manifest, fhx_error **error);

/*
 * Copies the next bytes of the JSON (UTF-8, not terminated) to `buffer`, at most `capacity` (at
 * least 1), and stores how many in `*len`. FHX_END, with `*len` 0, behind the last one.
 * After an error the manifest can only be freed; a new one may succeed.
 */
FHX_API int32_t fhx_manifest_read(fhx_manifest *manifest, void *buffer, size_t capacity,
                                  size_t *len, fhx_error **error);

/* Frees the manifest. NULL is harmless. */
FHX_API void fhx_manifest_free(fhx_manifest *manifest);

FHX_END_DECLS

#endif
