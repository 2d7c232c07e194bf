/* An upload, as those know it who send its pieces (upload.c) and make an object of them (commit.c).
 */
#ifndef FHX__S3_UPLOAD_STATE_H
#define FHX__S3_UPLOAD_STATE_H

#include "core/names.h"
#include "s3/object.h"
#include "s3/upload.h"
#include "transport/pieces.h"

/* How long one waits for the end of what is given up. */
#define FHX__S3_ABORT_US INT64_C(10000000)

struct fhx__s3_upload {
  fhx__s3_bucket *bucket;
  fhx__retries *retries;
  char name[FHX__PART_NAME_MAX + 1];
  /* By which the object is known as this upload's. */
  char mark[FHX__JOB_ID_LEN + 1];
  /* NULL while it has no more than one piece. */
  char *upload_id;
  /* The store may have begun other uploads of this name, whose answers were lost. */
  bool has_doubles;
  fhx__pieces *pieces;
  /* Of the pieces that are over, in their order, each with a NUL. */
  fhx__buffer etags;
};

/* Frees the upload; nothing is asked of the store. */
void fhx__s3_upload_forget(fhx__s3_upload *upload);
/* So much from now, by the monotonic clock. */
int64_t fhx__s3_until(int64_t duration_us);

#endif
