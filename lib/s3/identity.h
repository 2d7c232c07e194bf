/* One set of credentials, owned: its secrets are wiped when it ends. Zeroed, there is none. */
#ifndef FHX__S3_IDENTITY_H
#define FHX__S3_IDENTITY_H

#include <fhirexport/error.h>
#include <stdbool.h>

#include "s3/profile.h"

typedef struct fhx__s3_identity {
  char *access_key_id;
  char *secret_access_key;
  /* NULL: none. */
  char *session_token;
  /* In microseconds since 1970 UTC; 0: they do not end. */
  int64_t expires_us;
} fhx__s3_identity;

/* Copies; a text whose `data` is NULL is none. FHX_ERR_ARGUMENT when one of the two keys is
   missing, or a text is not of visible ASCII or longer than is sensible. `identity` is then left
   alone. */
int32_t fhx__s3_identity_set(fhx__s3_identity *identity, fhx__s3_span access_key_id,
                             fhx__s3_span secret_access_key, fhx__s3_span session_token,
                             int64_t expires_us, fhx_error **error);
void fhx__s3_identity_end(fhx__s3_identity *identity);

/* A text as a span. */
fhx__s3_span fhx__s3_span_of(const char *text);

#endif
