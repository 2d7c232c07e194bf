/* AWS Signature Version 4: what a request's Authorization header or a presigned URL is made of. No
   clock is read here, and no credentials are kept. */
#ifndef FHX__S3_SIGN_H
#define FHX__S3_SIGN_H

#include <fhirexport/error.h>

#include "core/buffer.h"
#include "core/digest.h"
#include "core/encode.h"

/* What stands for the digest of a body that is not signed. */
#define FHX__S3_UNSIGNED "UNSIGNED-PAYLOAD"
/* "20130524", the first letters of a basic time, without a NUL. */
#define FHX__S3_DAY_LEN 8
/* The longest a presigned URL may be good, in seconds: a week. */
#define FHX__S3_PRESIGN_MAX 604800

/* A header (its name in lower case), or a parameter of the query, not encoded. Borrowed. */
typedef struct fhx__s3_pair {
  const char *name;
  const char *value;
} fhx__s3_pair;

#define FHX__S3_PAIRS_MAX 24
/* Zeroed, it is empty. */
typedef struct fhx__s3_pairs {
  size_t count;
  fhx__s3_pair at[FHX__S3_PAIRS_MAX];
} fhx__s3_pairs;

/* More than fit are FHX_ERR_INTERNAL. */
int32_t fhx__s3_pairs_add(fhx__s3_pairs *pairs, const char *name, const char *value,
                          fhx_error **error);

/* Who signs. Borrowed. */
typedef struct fhx__s3_signer {
  const char *access_key_id;
  /* NULL: none. */
  const char *session_token;
  const char *region;
  const char *service;
  /* Of fhx__s3_signing_key, for the day of `time`. */
  const uint8_t *key;
  /* A basic time. */
  const char *time;
} fhx__s3_signer;

/* What is signed. Borrowed. */
typedef struct fhx__s3_subject {
  const char *method;
  /* Encoded once, and with its slash in front. */
  const char *path;
  const fhx__s3_pairs *query;
  /* All of them are signed; `host` among them. */
  const fhx__s3_pairs *headers;
  /* The SHA-256 of the body in hexadecimal digits, or FHX__S3_UNSIGNED. */
  const char *payload;
} fhx__s3_subject;

/* The key for a day (the first letters of `time`), a region and a service. */
int32_t fhx__s3_signing_key(uint8_t key[FHX__SHA256_LEN], const char *secret, const char *time,
                            const char *region, const char *service, fhx_error **error);

/* Appends the query in the order and encoding that signatures need, without a `?`. */
int32_t fhx__s3_append_query(fhx__buffer *out, const fhx__s3_pairs *query, fhx_error **error);

/* Appends the value of the Authorization header. */
int32_t fhx__s3_sign(fhx__buffer *out, const fhx__s3_signer *signer, const fhx__s3_subject *subject,
                     fhx_error **error);

/* Appends the query of a URL that is good for so many seconds, its signature at the end: for a
   request of subject->method whose only header is `host`. */
int32_t fhx__s3_presign(fhx__buffer *out, const fhx__s3_signer *signer, const char *host,
                        const fhx__s3_subject *subject, uint32_t seconds, fhx_error **error);

#endif
