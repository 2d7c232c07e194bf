/* A kick-off whose client names the destination: whether files can be written there. */
#ifndef FHX__PROTOCOL_CLIENT_KICK_OFF_H
#define FHX__PROTOCOL_CLIENT_KICK_OFF_H

#include "protocol/service.h"

/* Where the files of an export go. A zeroed one is the server's own place. */
typedef struct fhx__client_place {
  fhx_destination *destination;
  /* The request's, or the host's. */
  const char *container;
  /* Secret. */
  fhx__buffer connection_string;
  /* What the URLs of all files begin with. */
  fhx__buffer url;
} fhx__client_place;

/*
 * Opens the place and asks whether it can be written to. FHX_OK; FHX_END: it cannot, and the answer
 * that says so is made; any other is an error. To be freed in any case.
 */
int32_t fhx__client_place_open(fhx__call *call, const fhx__wanted_destination *wanted,
                               fhx__client_place *place, fhx_response **response,
                               fhx_error **error);
void fhx__client_place_free(fhx__client_place *place);

#endif
