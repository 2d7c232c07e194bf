/* Documents of a bucket. A PUT whose answer was lost is repeated: it says the same. */
#include "s3/document.h"

#include "core/error.h"
#include "s3/object.h"

#define DOCUMENT_MAX ((size_t)16 << 20)

int32_t fhx__s3_document_put(fhx__s3_bucket *bucket, const char *name, const void *data, size_t len,
                             const char *media_type, const char *cache_control, int64_t until_us,
                             fhx_error **error) {
  fhx__s3_request request;
  fhx__s3_request_begin(&request, bucket, "PUT", name, "s3:PutObject");
  request.transfer.until_us = until_us;
  int32_t status = fhx__s3_request_header(&request, "content-type", media_type, error);
  if (status == FHX_OK) {
    status = fhx__s3_request_header(&request, "cache-control", cache_control, error);
  }
  if (status == FHX_OK) status = fhx__s3_add_storage_headers(&request, error);
  if (status == FHX_OK) status = fhx__s3_request_body(&request, data, len, false, error);
  if (status == FHX_OK) status = fhx__s3_request_run(&request, true, error);
  fhx__s3_request_end(&request);
  return status;
}

int32_t fhx__s3_document_get(fhx__s3_bucket *bucket, const char *name, int64_t until_us,
                             fhx__buffer *text, fhx_error **error) {
  fhx__s3_request request;
  fhx__s3_request_begin(&request, bucket, "GET", name,
                        "s3:GetObject (and s3:ListBucket, without which a document that is absent "
                        "looks like one that is not allowed)");
  request.transfer.until_us = until_us;
  request.transfer.answer_max = DOCUMENT_MAX;
  int32_t status = fhx__s3_request_run(&request, true, error);
  if (status == FHX_OK) {
    const fhx__buffer *answer = &request.transfer.answer;
    status = fhx__buffer_append(text, answer->data, answer->len);
    if (status != FHX_OK) fhx__no_memory(error);
  }
  fhx__s3_request_end(&request);
  return status;
}
