/* Parts of an export that no store has recorded, for a manifest of them. */
#ifndef FHX__MANIFEST_COLLECTION_H
#define FHX__MANIFEST_COLLECTION_H

#include <fhirexport/manifest.h>

#include "core/buffer.h"
#include "core/part.h"

typedef struct fhx__collection {
  /* Of fhx_part, in the order of the manifest. */
  fhx__buffer parts;
  fhx_destination *destination;
  char *request;
  uint32_t flags;
  /* FHX_IG_... */
  uint32_t ig_version;
  int64_t transaction_time_us;
  int64_t resolution_us;
  int64_t expires_us;
} fhx__collection;

/* Checks and copies what was given. */
int32_t fhx__collection_new(const fhx_manifest_options *options,
                            const fhx_part_record *const *records, uint64_t count,
                            fhx__collection **collection, fhx_error **error);
size_t fhx__collection_count(const fhx__collection *collection);
const fhx_part *fhx__collection_part(const fhx__collection *collection, size_t position);
/* NULL is harmless. */
void fhx__collection_free(fhx__collection *collection);

#endif
