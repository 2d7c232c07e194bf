/* Connection strings of Azure Storage, as its portal and tools give them out. */
#ifndef FHX__AZURE_CONNECTION_H
#define FHX__AZURE_CONNECTION_H

#include "azure/address.h"

/* Its values, as they stand in the text; those that are not there have no text. */
typedef struct fhx__azure_connection {
  fhx__azure_span account_name;
  fhx__azure_span account_key;
  fhx__azure_span blob_endpoint;
  fhx__azure_span protocol;
  fhx__azure_span endpoint_suffix;
  fhx__azure_span sas;
  fhx__azure_span development;
  fhx__azure_span development_proxy;
} fhx__azure_connection;

/* Keys are read without case; those of other services are ignored. FHX_ERR_ARGUMENT for what is not
   made of "key=value" or has a key that is known twice. */
int32_t fhx__azure_connection_read(fhx__azure_connection *connection, const char *text,
                                   fhx_error **error);

#endif
