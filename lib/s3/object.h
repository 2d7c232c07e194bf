/* Single objects of a bucket: what is known of one, ending its unfinished uploads, removing it. */
#ifndef FHX__S3_OBJECT_H
#define FHX__S3_OBJECT_H

#include "s3/request.h"

/* With its NUL; the length of a mark is that of a job's id. */
#define FHX__S3_MARK_HEADER "x-amz-meta-fhirexport-upload"
#define FHX__S3_MARK_MAX 40
/* With its NUL; one that is longer is not kept. */
#define FHX__S3_ETAG_MAX 128

typedef struct fhx__s3_object {
  uint64_t byte_count;
  /* Of the upload that wrote it; "" when the store does not say. */
  char mark[FHX__S3_MARK_MAX];
  /* With its quotes; "" when there is none. */
  char etag[FHX__S3_ETAG_MAX];
} fhx__s3_object;

/* `until_us`: by the monotonic clock; 0: as long as requests are repeated. FHX_ERR_NOT_FOUND: there
   is definitely none. */
int32_t fhx__s3_object_look(fhx__s3_bucket *bucket, const char *name, fhx__retries *retries,
                            bool may_call_host, int64_t until_us, fhx__s3_object *object,
                            fhx_error **error);

/* Deletes the object; that there is none is fine. */
int32_t fhx__s3_object_delete(fhx__s3_bucket *bucket, const char *name, int64_t until_us,
                              fhx_error **error);

/* Ends one upload; that it is not there is fine. */
int32_t fhx__s3_upload_end(fhx__s3_bucket *bucket, const char *name, const char *upload_id,
                           bool may_call_host, int64_t until_us, fhx_error **error);

/* Ends all unfinished uploads of the name. */
int32_t fhx__s3_uploads_end_all(fhx__s3_bucket *bucket, const char *name, bool may_call_host,
                                int64_t until_us, fhx_error **error);

/* The headers that a part's object gets when it, or its upload, is made. `mark` is borrowed. */
int32_t fhx__s3_add_object_headers(fhx__s3_request *request, const char *mark, fhx_error **error);
/* Those of every object, as the options have them. */
int32_t fhx__s3_add_storage_headers(fhx__s3_request *request, fhx_error **error);

/* Begins an upload in pieces; its id is to be freed. `in_doubt`, if not NULL, is set when another
   one may have been begun besides. */
int32_t fhx__s3_upload_create(fhx__s3_bucket *bucket, const char *name, const char *mark,
                              fhx__retries *retries, bool may_call_host, int64_t until_us,
                              char **upload_id, bool *in_doubt, fhx_error **error);

#endif
