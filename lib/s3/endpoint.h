/* Endpoints on the machine's own network that hand out credentials. */
#ifndef FHX__S3_ENDPOINT_H
#define FHX__S3_ENDPOINT_H

#include <fhirexport/http.h>
#include <stdbool.h>

#include "core/buffer.h"
#include "s3/identity.h"

typedef struct fhx__s3_endpoint fhx__s3_endpoint;

/* Of `http` (NULL allowed) only the certificates count; no proxy is ever used. */
int32_t fhx__s3_endpoint_new(const fhx_http_options *http, fhx__s3_endpoint **endpoint,
                             fhx_error **error);
void fhx__s3_endpoint_free(fhx__s3_endpoint *endpoint);

/* Whether the token and the credentials may travel there: https, loopback, or the fixed addresses
   of the container services. */
bool fhx__s3_is_container_url(const char *url);

/* Borrowed. */
typedef struct fhx__s3_ask {
  const char *method;
  const char *url;
  const char *header;
  /* NULL: without the header. */
  const char *value;
  /* For messages: who is asked. */
  const char *who;
} fhx__s3_ask;

/* The text of the answer, terminated. FHX_ERR_DENIED, retryable where another time may be better;
   FHX_ERR_NO_MEMORY. */
int32_t fhx__s3_endpoint_text(fhx__s3_endpoint *endpoint, const fhx__s3_ask *ask, int64_t until_us,
                              fhx__buffer *text, fhx_error **error);
/* The same for credentials in JSON. */
int32_t fhx__s3_endpoint_identity(fhx__s3_endpoint *endpoint, const fhx__s3_ask *ask,
                                  int64_t until_us, fhx__s3_identity *identity, fhx_error **error);

/* Credentials as these endpoints write them. */
int32_t fhx__s3_read_identity(const char *text, size_t len, fhx__s3_identity *identity,
                              fhx_error **error);

#endif
