/* An answer whose body is a manifest, with links of the engine's own where it serves the files. */
#ifndef FHX__PROTOCOL_LISTING_H
#define FHX__PROTOCOL_LISTING_H

#include "protocol/service.h"

/* What is listed, and until when its links are to be good. */
typedef struct fhx__listing {
  fhx_job *job;
  /* When the job ended; 0 while it runs. */
  int64_t ended_us;
  /* 0: everything, of a complete job. */
  uint32_t page;
  /* There is another page behind this one. */
  bool has_next;
} fhx__listing;

/* An answer of this HTTP status. What fails is a fault (fhx__response_fault), and no answer. */
int32_t fhx__response_listing(const fhx__call *call, const fhx__listing *listing, uint32_t status,
                              fhx_response **response, fhx_error **error);

#endif
