/* The manifest as the protocol opens it, with links of its own. */
#ifndef FHX__MANIFEST_MANIFEST_H
#define FHX__MANIFEST_MANIFEST_H

#include <fhirexport/manifest.h>
#include <stdbool.h>

#include "core/buffer.h"

/* Appends the URL of a part. */
typedef int32_t (*fhx__part_link)(void *context, const fhx_part *part, fhx__buffer *url,
                                  fhx_error **error);

typedef struct fhx__manifest_links {
  /* NULL: the destination's part_url. */
  fhx__part_link link;
  /* Handed to `link`, and to `release` when the manifest is freed. */
  void *context;
  void (*release)(void *context);
  bool requires_token;
  /* Until when the destination's own URLs are to be good; 0: as long as the files are. */
  int64_t expires_us;
  /* How long the store is waited for by each reading; 0: as long as it takes. */
  int64_t patience_us;
} fhx__manifest_links;

/* As fhx_manifest_new. The links' context is the manifest's, also when this fails. */
int32_t fhx__manifest_open(fhx_job *job, const fhx__manifest_links *links, fhx_manifest **manifest,
                           fhx_error **error);

#endif
