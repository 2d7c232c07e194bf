/*
 * fhirexport/manifest.h: the manifest of a complete job (Bulk Data IG, "Response - Complete
 * Status"), produced from the store while it is read.
 *
 * Of all functions here: Threads: any; a manifest belongs to one at a time. Memory: only what is
 * given is written to. Since 0.9.0.
 */
#ifndef FHIREXPORT_MANIFEST_H
#define FHIREXPORT_MANIFEST_H

#include <fhirexport/job.h>

FHX_BEGIN_DECLS

/* A manifest that is being read. */
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
 * Opens the manifest.
 * Memory: `*manifest` is the caller's; it references the job.
 * Returns: FHX_OK; FHX_ERR_MISUSE while the job runs; FHX_ERR_JOB_FAILED and FHX_ERR_NOT_FOUND (it
 * was cancelled) when it has none; FHX_ERR_ARGUMENT for NULL; FHX_ERR_NO_MEMORY; the store's.
 */
FHX_API int32_t fhx_manifest_new(fhx_job *job, fhx_manifest **manifest, fhx_error **error);

/*
 * Opens the manifest of an export that another engine has divided (job.h, export_id), or that
 * writers have written: of `count` parts that were reported by those whose work counts, each as
 * fhx_part_... gave it; `parts` may be NULL if there are none. Files stand by kind, and in the
 * order in which they are given.
 * Memory: records are copied; `*manifest` is the caller's; it references the destination.
 * Returns: FHX_OK; FHX_ERR_ARGUMENT for options that are wrong, and for a part that is malformed,
 * is there twice, or belongs to an export that is organised by patients; FHX_ERR_STRUCT_SIZE;
 * FHX_ERR_NO_MEMORY.
 */
FHX_API int32_t fhx_manifest_of_parts(const fhx_manifest_options *options,
                                      const fhx_part_record *const *parts, uint64_t count,
                                      fhx_manifest **manifest, fhx_error **error);

/*
 * Copies the next bytes of the JSON (UTF-8, not terminated) to `buffer`, at most `capacity` (at
 * least 1), and stores how many in `*len`. After an error the manifest can only be freed; a new one
 * may succeed.
 * Returns: FHX_OK; FHX_END, with `*len` 0, behind the last byte; FHX_ERR_ARGUMENT for NULL or no
 * capacity; FHX_ERR_MISUSE after an error; FHX_ERR_STORE for parts that contradict each other;
 * FHX_ERR_INTERNAL for a text that is not UTF-8; FHX_ERR_NO_MEMORY; the store's; the destination's
 * (part_url).
 */
FHX_API int32_t fhx_manifest_read(fhx_manifest *manifest, void *buffer, size_t capacity,
                                  size_t *len, fhx_error **error);

/* Frees the manifest. NULL is harmless. */
FHX_API void fhx_manifest_free(fhx_manifest *manifest);

FHX_END_DECLS

#endif
