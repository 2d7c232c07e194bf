/*
 * Who asks a bucket: one set of credentials at a time, from the first place that has some, renewed
 * before it ends. Fetched on the threads of callers alone; a signature uses what is there.
 */
#ifndef FHX__S3_CREDENTIALS_H
#define FHX__S3_CREDENTIALS_H

#include <fhirexport/s3.h>
#include <stdbool.h>

#include "s3/identity.h"
#include "s3/sign.h"

typedef struct fhx__s3_credentials fhx__s3_credentials;

/* Reads the options and the environment (in which it does not look again); nothing is fetched. */
int32_t fhx__s3_credentials_new(const fhx_s3_options *options, const char *region,
                                fhx__s3_credentials **credentials, fhx_error **error);
/* Wipes them. NULL is harmless. */
void fhx__s3_credentials_free(fhx__s3_credentials *credentials);

/*
 * Sees to it that there are some, and renews those that soon end: until `until_us` by the monotonic
 * clock, 0: as long as a fetch takes. Where renewing fails, those that are still good stay. With
 * `may_call_host` false the host's callback is not called.
 * FHX_ERR_DENIED, retryable where another time may be better; FHX_ERR_REENTRANT from inside the
 * host's callback; FHX_ERR_NO_MEMORY.
 */
int32_t fhx__s3_credentials_ready(fhx__s3_credentials *credentials, bool may_call_host,
                                  int64_t until_us, fhx_error **error);

/* The same with another time for the present, in microseconds since 1970 UTC. */
int32_t fhx__s3_credentials_ready_at(fhx__s3_credentials *credentials, int64_t now_us,
                                     bool may_call_host, int64_t until_us, fhx_error **error);

/* The store has refused those of this generation as ended or unknown. Whether a renewal may bring
   others: then fhx__s3_credentials_ready fetches them. */
bool fhx__s3_credentials_refuse(fhx__s3_credentials *credentials, uint64_t generation);

/* When those that are there end, in microseconds since 1970 UTC; INT64_MAX: they do not. */
int64_t fhx__s3_credentials_end_us(fhx__s3_credentials *credentials);

/* What signatures of one moment are made with. */
typedef struct fhx__s3_grant {
  char *access_key_id;
  /* NULL: none. */
  char *session_token;
  uint64_t generation;
  uint8_t key[FHX__SHA256_LEN];
  char time[FHX__BASIC_TIME_MAX];
} fhx__s3_grant;

/* Any thread; waits for nothing and nobody. FHX_ERR_DENIED when there are none that are good. Then,
   and also after a failure, fhx__s3_grant_end. */
int32_t fhx__s3_credentials_grant(fhx__s3_credentials *credentials, int64_t now_us,
                                  fhx__s3_grant *grant, fhx_error **error);
void fhx__s3_grant_end(fhx__s3_grant *grant);

#endif
