/* One request to a bucket: signed before each attempt with the credentials that are there then, and
   once more with others when the store says that they have ended. */
#ifndef FHX__S3_REQUEST_H
#define FHX__S3_REQUEST_H

#include "s3/answer.h"
#include "s3/bucket.h"

/* "Base64 of an MD5", with its NUL. */
#define FHX__S3_MD5_TEXT 32

typedef enum fhx__s3_kind {
  FHX__S3_PLAIN,
  /* Its answer must have an ETag. */
  FHX__S3_PIECE,
  /* Its answer of success is a document that may hold an error. */
  FHX__S3_COMPLETE
} fhx__s3_kind;

/* What is to be known of a body before it is signed. */
typedef enum fhx__s3_digest { FHX__S3_DIGESTED, FHX__S3_SHA256, FHX__S3_MD5 } fhx__s3_digest;

typedef struct fhx__s3_request {
  fhx__transfer transfer;
  fhx__s3_bucket *bucket;
  fhx__s3_kind kind;
  /* The part's name; NULL: the bucket itself. */
  const char *name;
  /* What is needed for it ("s3:PutObject"). */
  const char *right;
  /* Borrowed texts. */
  fhx__s3_pairs query;
  fhx__s3_pairs headers;
  fhx__s3_digest digest;
  char payload[2 * FHX__SHA256_LEN + 1];
  char md5[FHX__S3_MD5_TEXT];
  /* Of the credentials of the last attempt. */
  uint64_t generation;
  /* Signing found no credentials that are good. */
  bool was_unsigned;
  /* --- once it is over --- */
  /* The store has answered; the answer is read. */
  bool is_answered;
  /* An attempt may have been taken though the store did not say so. */
  bool in_doubt;
  /* And no word of it came back: it may be on its way still. */
  bool was_lost;
  fhx__s3_answer answer;
} fhx__s3_request;

/* Texts are borrowed until the end. The request must not move. */
void fhx__s3_request_begin(fhx__s3_request *request, fhx__s3_bucket *bucket, const char *method,
                           const char *name, const char *right);
/* Another parameter or header (its name in lower case). */
int32_t fhx__s3_request_query(fhx__s3_request *request, const char *name, const char *value,
                              fhx_error **error);
int32_t fhx__s3_request_header(fhx__s3_request *request, const char *name, const char *value,
                               fhx_error **error);
/* The body, borrowed; its digest is made when it is signed. `is_piece`: of a part's content. */
int32_t fhx__s3_request_body(fhx__s3_request *request, const void *data, size_t len, bool is_piece,
                             fhx_error **error);

/* Credentials have to be ready. */
int32_t fhx__s3_request_start(fhx__s3_request *request, fhx_error **error);
/* FHX_OK: done, as the store says. Else an error for a person, and in the request what it is. */
int32_t fhx__s3_request_wait(fhx__s3_request *request, bool may_call_host, fhx_error **error);
/* Credentials, start and wait. */
int32_t fhx__s3_request_run(fhx__s3_request *request, bool may_call_host, fhx_error **error);
/* Ends it if it is under way; frees. Harmless on a zeroed one, and twice. */
void fhx__s3_request_end(fhx__s3_request *request);

/* Gives the caller the error that goes with `status`, or frees it where nobody asks. */
int32_t fhx__s3_hand_over(int32_t status, fhx_error *failure, fhx_error **error);

/* Appends a URL to fetch the part by, good until `until_us` (microseconds since 1970 UTC). No
   network. */
int32_t fhx__s3_append_url(fhx__s3_bucket *bucket, const char *name, int64_t now_us,
                           int64_t until_us, fhx__buffer *url, fhx_error **error);

#endif
