/* Blobs that are there, or may be: looked at, removed, and what is left of uploads of them. */
#ifndef FHX__AZURE_BLOB_H
#define FHX__AZURE_BLOB_H

#include "azure/request.h"
#include "core/names.h"

/* By this header an upload's blob is known as its own. */
#define FHX__AZURE_MARK "x-ms-meta-fhirexport"
#define FHX__AZURE_MARK_LEN FHX__JOB_ID_LEN

typedef struct fhx__azure_sight {
  bool is_there;
  uint64_t byte_count;
  /* "" for somebody else's. */
  char mark[FHX__AZURE_MARK_LEN + 1];
} fhx__azure_sight;

/* All of them run on threads of the host. `blob` is the whole name, `until_us` as in requests. */

/* FHX_OK: *sight says whether there is one. */
int32_t fhx__azure_blob_look(fhx__azure *azure, const char *blob, int64_t until_us,
                             fhx__azure_sight *sight, fhx_error **error);
/* Removes the blob, with what hangs on it; or, if there is none, the blocks of one that was never
   committed. Nothing there is fine. */
int32_t fhx__azure_blob_remove(fhx__azure *azure, const char *blob, int64_t until_us,
                               fhx_error **error);
/* Drops blocks that were not committed, unless there is a blob. */
int32_t fhx__azure_blob_discard(fhx__azure *azure, const char *blob, int64_t until_us,
                                fhx_error **error);
/* Whether blobs can be written, read and removed here; nothing is left behind. */
int32_t fhx__azure_blob_try(fhx__azure *azure, int64_t until_us, fhx_error **error);

/* "prefix/name"; NULL without memory. */
char *fhx__azure_blob_name(const fhx__azure *azure, const char *name);

#endif
