/* Objects and unfinished uploads of a bucket. */
#include "s3/object.h"

#include <string.h>

#include "core/alloc.h"
#include "core/error.h"

/* A page has up to 1,000 uploads. */
#define PAGES_MAX 1000

/* --- what is known --- */

static bool read_length(const char *text, uint64_t *byte_count) {
  uint64_t value = 0;
  size_t len = strlen(text);
  if (len == 0 || len > 18) return false;
  for (size_t i = 0; i < len; i++) {
    if (text[i] < '0' || text[i] > '9') return false;
    value = value * 10 + (uint64_t)(text[i] - '0');
  }
  *byte_count = value;
  return true;
}

static void keep_header(const fhx__transfer *transfer, const char *name, char *text,
                        size_t capacity) {
  const char *value = fhx__transfer_header(transfer, name);
  text[0] = '\0';
  if (value != NULL && strlen(value) < capacity) memcpy(text, value, strlen(value) + 1);
}

int32_t fhx__s3_object_look(fhx__s3_bucket *bucket, const char *name, fhx__retries *retries,
                            bool may_call_host, int64_t until_us, fhx__s3_object *object,
                            fhx_error **error) {
  fhx__s3_request request;
  fhx__s3_request_begin(&request, bucket, "HEAD", name,
                        "s3:GetObject (and s3:ListBucket, without which an object that is absent "
                        "looks like one that is not allowed)");
  request.transfer.retries = retries;
  request.transfer.until_us = until_us;
  int32_t status = fhx__s3_request_run(&request, may_call_host, error);
  if (status == FHX_OK) {
    const char *length = fhx__transfer_header(&request.transfer, "content-length");
    keep_header(&request.transfer, FHX__S3_MARK_HEADER, object->mark, sizeof object->mark);
    keep_header(&request.transfer, "etag", object->etag, sizeof object->etag);
    if (length == NULL || !read_length(length, &object->byte_count)) {
      status = fhx__fail_with(error, FHX_ERR_DESTINATION, 1,
                              "the store does not say how long the object is");
    }
  }
  fhx__s3_request_end(&request);
  return status;
}

/* --- making --- */

static bool is_gzip(const char *name) {
  size_t len = strlen(name);
  return len > 3 && strcmp(name + len - 3, ".gz") == 0;
}

static int32_t add_if_given(fhx__s3_request *request, const char *name, const char *value,
                            fhx_error **error) {
  return value == NULL ? FHX_OK : fhx__s3_request_header(request, name, value, error);
}

int32_t fhx__s3_add_storage_headers(fhx__s3_request *request, fhx_error **error) {
  const fhx__s3_bucket *bucket = request->bucket;
  int32_t status = add_if_given(request, "x-amz-storage-class", bucket->storage_class, error);
  if (status == FHX_OK) {
    status = add_if_given(request, "x-amz-server-side-encryption", bucket->encryption, error);
  }
  if (status == FHX_OK) {
    status = add_if_given(request, "x-amz-server-side-encryption-aws-kms-key-id",
                          bucket->kms_key_id, error);
  }
  if (status == FHX_OK) status = add_if_given(request, "x-amz-tagging", bucket->tags, error);
  return status;
}

int32_t fhx__s3_add_object_headers(fhx__s3_request *request, const char *mark, fhx_error **error) {
  const char *encoding = is_gzip(request->name) ? "gzip" : NULL;
  int32_t status =
      fhx__s3_request_header(request, "content-type", "application/fhir+ndjson", error);
  if (status == FHX_OK) status = add_if_given(request, "content-encoding", encoding, error);
  if (status == FHX_OK) status = add_if_given(request, FHX__S3_MARK_HEADER, mark, error);
  if (status == FHX_OK) {
    status = add_if_given(request, "cache-control", request->bucket->cache_control, error);
  }
  return status == FHX_OK ? fhx__s3_add_storage_headers(request, error) : status;
}

int32_t fhx__s3_upload_create(fhx__s3_bucket *bucket, const char *name, const char *mark,
                              fhx__retries *retries, bool may_call_host, int64_t until_us,
                              char **upload_id, bool *in_doubt, fhx_error **error) {
  fhx__s3_request request;
  fhx__s3_request_begin(&request, bucket, "POST", name, "s3:PutObject");
  request.transfer.retries = retries;
  request.transfer.until_us = until_us;
  int32_t status = fhx__s3_request_query(&request, "uploads", "", error);
  if (status == FHX_OK) status = fhx__s3_add_object_headers(&request, mark, error);
  if (status == FHX_OK) status = fhx__s3_request_run(&request, may_call_host, error);
  if (in_doubt != NULL) *in_doubt = request.in_doubt;
  if (status == FHX_OK) {
    status = fhx__s3_read_upload_id(request.transfer.answer.data, request.transfer.answer.len,
                                    upload_id, error);
    if (status != FHX_OK && in_doubt != NULL) *in_doubt = true;
  }
  fhx__s3_request_end(&request);
  return status;
}

/* --- removing --- */

int32_t fhx__s3_object_delete(fhx__s3_bucket *bucket, const char *name, int64_t until_us,
                              fhx_error **error) {
  fhx__s3_request request;
  fhx__s3_request_begin(&request, bucket, "DELETE", name, "s3:DeleteObject");
  request.transfer.until_us = until_us;
  fhx_error *failure = NULL;
  int32_t status = fhx__s3_request_run(&request, true, &failure);
  if (status != FHX_OK && request.is_answered && request.answer.code == FHX__S3_NO_OBJECT) {
    fhx__clear_error(&failure);
    status = FHX_OK;
  }
  fhx__s3_request_end(&request);
  return fhx__s3_hand_over(status, failure, error);
}

int32_t fhx__s3_upload_end(fhx__s3_bucket *bucket, const char *name, const char *upload_id,
                           bool may_call_host, int64_t until_us, fhx_error **error) {
  fhx__s3_request request;
  fhx_error *failure = NULL;
  fhx__s3_request_begin(&request, bucket, "DELETE", name, "s3:AbortMultipartUpload");
  request.transfer.until_us = until_us;
  int32_t status = fhx__s3_request_query(&request, "uploadId", upload_id, &failure);
  if (status == FHX_OK) status = fhx__s3_request_run(&request, may_call_host, &failure);
  bool is_absent = request.is_answered && (request.answer.code == FHX__S3_NO_UPLOAD ||
                                           request.answer.code == FHX__S3_NO_OBJECT);
  if (status != FHX_OK && is_absent) {
    fhx__clear_error(&failure);
    status = FHX_OK;
  }
  fhx__s3_request_end(&request);
  return fhx__s3_hand_over(status, failure, error);
}

/* --- unfinished uploads --- */

static int32_t end_listed(fhx__s3_bucket *bucket, const char *name, const fhx__s3_uploads *page,
                          bool may_call_host, int64_t until_us, fhx_error **error) {
  int32_t status = FHX_OK;
  size_t at = 0;
  while (status == FHX_OK && at < page->ids.len) {
    const char *id = page->ids.data + at;
    status = fhx__s3_upload_end(bucket, name, id, may_call_host, until_us, error);
    at += strlen(id) + 1;
  }
  return status;
}

static const char *marker(const fhx__buffer *text) {
  return text->len > 1 ? text->data : NULL;
}

/* Lists from behind `before`, which may be empty. */
static int32_t list_page(fhx__s3_bucket *bucket, const char *key, const fhx__s3_uploads *before,
                         bool may_call_host, int64_t until_us, fhx__s3_uploads *page,
                         fhx_error **error) {
  fhx__s3_request request;
  const char *key_marker = marker(&before->key_marker), *id_marker = marker(&before->id_marker);
  fhx__s3_request_begin(&request, bucket, "GET", NULL,
                        "s3:ListBucketMultipartUploads, which is needed unless the bucket ends "
                        "unfinished uploads by a rule and the options say so");
  request.transfer.until_us = until_us;
  int32_t status = fhx__s3_request_query(&request, "uploads", "", error);
  if (status == FHX_OK) status = fhx__s3_request_query(&request, "prefix", key, error);
  if (status == FHX_OK && key_marker != NULL) {
    status = fhx__s3_request_query(&request, "key-marker", key_marker, error);
  }
  if (status == FHX_OK && key_marker != NULL && id_marker != NULL) {
    status = fhx__s3_request_query(&request, "upload-id-marker", id_marker, error);
  }
  if (status == FHX_OK) status = fhx__s3_request_run(&request, may_call_host, error);
  if (status == FHX_OK) {
    status = fhx__s3_read_uploads(request.transfer.answer.data, request.transfer.answer.len, key,
                                  page, error);
  }
  fhx__s3_request_end(&request);
  return status;
}

/* Whether the list goes on, and from where: it must not stand still. */
static bool goes_on(const fhx__s3_uploads *before, const fhx__s3_uploads *page) {
  if (!page->is_truncated || marker(&page->key_marker) == NULL) return false;
  const char *old_key = marker(&before->key_marker), *old_id = marker(&before->id_marker);
  const char *new_id = marker(&page->id_marker);
  if (old_key == NULL || strcmp(old_key, page->key_marker.data) != 0) return true;
  return new_id != NULL && (old_id == NULL || strcmp(old_id, new_id) != 0);
}

int32_t fhx__s3_uploads_end_all(fhx__s3_bucket *bucket, const char *name, bool may_call_host,
                                int64_t until_us, fhx_error **error) {
  fhx__buffer key = {NULL, 0, 0};
  fhx__s3_uploads before, page;
  memset(&before, 0, sizeof before);
  int32_t status = fhx__buffer_append_text(&key, bucket->prefix);
  if (status == FHX_OK) status = fhx__buffer_append_text(&key, name);
  if (status == FHX_OK) status = fhx__buffer_terminate(&key);
  if (status != FHX_OK) status = fhx__no_memory(error);
  bool more = true;
  for (int pages = 0; status == FHX_OK && more && pages < PAGES_MAX; pages++) {
    memset(&page, 0, sizeof page);
    status = list_page(bucket, key.data, &before, may_call_host, until_us, &page, error);
    if (status == FHX_OK) {
      status = end_listed(bucket, name, &page, may_call_host, until_us, error);
    }
    more = goes_on(&before, &page);
    fhx__s3_uploads_end(&before);
    before = page;
  }
  fhx__s3_uploads_end(&before);
  fhx__buffer_free(&key);
  return status;
}
