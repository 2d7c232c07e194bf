/* One part on its way into a bucket: a single PUT, or pieces that go out beside each other while
   the next is filled. It is one caller's at a time. */
#ifndef FHX__S3_UPLOAD_H
#define FHX__S3_UPLOAD_H

#include "s3/bucket.h"

typedef struct fhx__s3_upload fhx__s3_upload;

/* Nothing goes out yet; credentials are got ready. */
int32_t fhx__s3_upload_begin(fhx__s3_bucket *bucket, const char *name, fhx__s3_upload **upload,
                             fhx_error **error);
/* Takes over all bytes; waits where every piece is under way. On any thread, and never calls the
   host. After a failure only fhx__s3_upload_abort makes sense. */
int32_t fhx__s3_upload_write(fhx__s3_upload *upload, const void *data, size_t len,
                             fhx_error **error);
/* Makes the object of `byte_count` bytes. FHX_ERR_UNKNOWN_OUTCOME: it may be there; any other
   failure: it is not there and never will be. The upload is gone afterwards. */
int32_t fhx__s3_upload_commit(fhx__s3_upload *upload, uint64_t byte_count, fhx_error **error);
/* Forgets it all, in bounded time. The upload is gone afterwards. */
void fhx__s3_upload_abort(fhx__s3_upload *upload);

#endif
