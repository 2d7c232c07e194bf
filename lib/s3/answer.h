/* What the store says: its errors as statuses with sentences of our own, and the few documents that
   are read for what stands in them. Nothing of the store's text is passed on but plain words. */
#ifndef FHX__S3_ANSWER_H
#define FHX__S3_ANSWER_H

#include <fhirexport/error.h>
#include <stdbool.h>

#include "core/buffer.h"

typedef enum fhx__s3_code {
  FHX__S3_DONE,
  FHX__S3_DENIED,
  FHX__S3_NO_BUCKET,
  FHX__S3_NO_OBJECT,
  FHX__S3_NO_UPLOAD,
  FHX__S3_SKEWED,
  FHX__S3_BAD_SIGNATURE,
  FHX__S3_UNKNOWN_KEY,
  FHX__S3_ENDED,
  FHX__S3_OTHER_REGION,
  FHX__S3_TOO_LARGE,
  FHX__S3_BUSY,
  FHX__S3_FAULT,
  FHX__S3_NO_SPACE,
  FHX__S3_EXISTS,
  FHX__S3_CONFLICT,
  FHX__S3_TIMEOUT,
  FHX__S3_DAMAGED,
  FHX__S3_ABSENT_FEATURE,
  /* "Done", with a document that cannot be read. */
  FHX__S3_UNREADABLE,
  FHX__S3_OTHER
} fhx__s3_code;

#define FHX__S3_WORD_MAX 64

typedef struct fhx__s3_answer {
  fhx__s3_code code;
  uint32_t http_status;
  /* The store's own word for the error, if it is a word; else "". */
  char word[FHX__S3_WORD_MAX];
  /* Where the bucket is, if the store says so in the form of a region; else "". */
  char region[FHX__S3_WORD_MAX];
  /* The store's clock, in microseconds since 1970 UTC; 0: not told. */
  int64_t server_us;
} fhx__s3_answer;

/* Reads an answer. A document that is damaged or unknown leaves what the HTTP status says. */
void fhx__s3_answer_read(fhx__s3_answer *answer, uint32_t http_status, const void *body,
                         size_t len);
/* Takes over a region if it has the form of one. */
void fhx__s3_answer_set_region(fhx__s3_answer *answer, const char *region);
/* Takes over the answer's Date header. */
void fhx__s3_answer_set_date(fhx__s3_answer *answer, const char *date);

/* The error for an answer that is not "done". `right` is what the request needs ("s3:PutObject").
   `now_us`: this machine's clock. */
int32_t fhx__s3_answer_fail(const fhx__s3_answer *answer, const char *right, int64_t now_us,
                            fhx_error **error);

/* --- documents --- */

/* The id of an upload that was begun, to be freed; FHX_ERR_DESTINATION when the answer has none. */
int32_t fhx__s3_read_upload_id(const void *body, size_t len, char **upload_id, fhx_error **error);

/* A page of unfinished uploads. Zeroed, it is empty. */
typedef struct fhx__s3_uploads {
  /* The ids of those of the wanted key, each with a NUL. */
  fhx__buffer ids;
  bool is_truncated;
  /* Where the next page begins; with a NUL, or empty. */
  fhx__buffer key_marker;
  fhx__buffer id_marker;
} fhx__s3_uploads;

int32_t fhx__s3_read_uploads(const void *body, size_t len, const char *key,
                             fhx__s3_uploads *uploads, fhx_error **error);
void fhx__s3_uploads_end(fhx__s3_uploads *uploads);

#endif
