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

/* A page of the store's (job/pages.h), of a job that runs or is complete. */
typedef struct fhx__manifest_page {
  uint32_t number;
  /* Where the client goes on; NULL: there is no further page yet, or at all. Copied. */
  const char *next_url;
} fhx__manifest_page;

/* As fhx_manifest_new; with a page, only of what is on it. The links' context is the manifest's,
   also when this fails. */
int32_t fhx__manifest_open(fhx_job *job, const fhx__manifest_links *links,
                           const fhx__manifest_page *page, fhx_manifest **manifest,
                           fhx_error **error);

/* FHX_OK if the job is complete; else as fhx_manifest_new. `until_us` as in the store's steps. */
int32_t fhx__manifest_check_job(fhx_job *job, int64_t until_us, fhx_error **error);

/* A page that is published, of parts that are given (Bulk Data IG, STU4 ballot, "Bulk Publish"). */
typedef struct fhx__published_page {
  int64_t transaction_time_us;
  int64_t resolution_us;
  /* NULL: none is told. */
  const char *update_cadence;
  /* `link` is needed; nothing is released. */
  fhx__manifest_links links;
  /* NULL: none. */
  const fhx_part_page *parts;
  /* The page has no lists, and only leads on. */
  bool is_stub;
  /* What it leads to, as a URL that JSON needs no escapes for; NULL: nothing. It is the document's
     last member. */
  const char *next_url;
} fhx__published_page;

/* Appends the page. */
int32_t fhx__manifest_publish(const fhx__published_page *page, fhx__buffer *text,
                              fhx_error **error);

#endif
