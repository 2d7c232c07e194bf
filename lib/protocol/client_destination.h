/* A destination that a client has named, as the host allows it. */
#ifndef FHX__PROTOCOL_CLIENT_DESTINATION_H
#define FHX__PROTOCOL_CLIENT_DESTINATION_H

#include <fhirexport/client_destination.h>
#include <fhirexport/destination.h>

#include "core/buffer.h"
#include "core/error.h"

/* What the host has allowed: a copy, made once, then only read. */
typedef struct fhx__client_settings {
  char **hosts;
  uint64_t host_count;
  char *ca_file;
  char *proxy;
  /* With the texts above. */
  fhx_http_options http;
  /* Of kick-offs that name none; NULL: there is none. */
  char *container;
} fhx__client_settings;

/* FHX_ERR_ARGUMENT says what is wrong; FHX_ERR_UNSUPPORTED where the library is built without
   Azure. To be freed also when this has failed. */
int32_t fhx__client_settings_init(fhx__client_settings *settings,
                                  const fhx_client_destinations *given, fhx_error **error);
void fhx__client_settings_free(fhx__client_settings *settings);

/*
 * The destination of a connection string and a container; nothing is asked of the network.
 * FHX_ERR_ARGUMENT: this is no connection string. FHX_ERR_DENIED: its host is not among those that
 * are allowed. No message repeats anything of it.
 */
int32_t fhx__client_destination_open(const fhx__client_settings *settings, const char *container,
                                     const char *connection_string, fhx_destination **destination,
                                     fhx_error **error);

/* Appends what the URLs of all its parts begin with: a part's name, encoded, is to follow. Nothing
   in it is secret. */
int32_t fhx__client_destination_url(fhx_destination *destination, fhx__buffer *url,
                                    fhx_error **error);

#endif
