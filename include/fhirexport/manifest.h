/*
 * fhirexport/manifest.h: the manifest of a complete job (Bulk Data IG, "Response - Complete
 * Status"), produced from the store while it is read.
 */
#ifndef FHIREXPORT_MANIFEST_H
#define FHIREXPORT_MANIFEST_H

#include <fhirexport/job.h>

FHX_BEGIN_DECLS

typedef struct fhx_manifest fhx_manifest;

/* Each file has an `extension` with its length and, not in gzip, its SHA-256 if that is known, as
   with FHX_JOB_SHA256. */
#define FHX_MANIFEST_DIGESTS 1u

/* What a manifest says of parts that no store has recorded. */
typedef struct fhx_manifest_options {
  uint32_t size;
  /* A sum of FHX_MANIFEST_... */
  uint32_t flags;
  /* Where the parts are; needed. Referenced until the manifest is freed. */
  fhx_destination *destination;
  /* The manifest's `request`; NULL: "$export". Copied. */
  const char *request;
  /* The export's transactionTime, in microseconds since 1970 UTC, and the resolution of the stamps
     of resources, to which it is floored; 0: 1,000. */
  int64_t transaction_time_us;
  int64_t resolution_us;
  /* Until when the URLs are to be good, in microseconds since 1970 UTC; 0: as long as the files
     are. */
  int64_t expires_us;
  /* FHX_IG_...: whose manifest it is; 0: FHX_IG_STU3. */
  uint32_t ig_version;
  uint32_t reserved;
} fhx_manifest_options;

/* fhx_init for this structure. */
FHX_API void fhx_manifest_options_init(fhx_manifest_options *options, uint32_t size);

/*
 * Opens the manifest. It references the job, and may be used on one thread at a time.
 * FHX_ERR_MISUSE while the job runs; FHX_ERR_JOB_FAILED and FHX_ERR_NOT_FOUND when it has none.
 */
FHX_API int32_t fhx_manifest_new(fhx_job *job, fhx_manifest **manifest, fhx_error **error);

/*
 * Opens the manifest of an export that another engine has divided (job.h, export_id), or that
 * writers have written: of `count` parts that were reported by those whose work counts, each as
 * fhx_part_... gave it. Records are copied; `parts` may be NULL if there are none. Files stand by
 * kind, and in the order in which they are given. FHX_ERR_ARGUMENT for a part that is malformed, is
 * there twice, or belongs to an export that is organised by patients.
 */
FHX_API int32_t fhx_manifest_of_parts(const fhx_manifest_options *options,
                                      const fhx_part_record *const *parts, uint64_t count,
                                      fhx_manifest **manifest, fhx_error **error);

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
