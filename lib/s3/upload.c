/* Pieces on their way, and the beginning and the end of an upload. */
#include "s3/upload.h"

#include <stdio.h>
#include <string.h>

#include "core/alloc.h"
#include "core/clock.h"
#include "core/error.h"
#include "s3/upload_state.h"

/* What the store takes: pieces in an upload, and bytes in a piece; and how many have one length. */
#define PIECES_MAX 10000
#define PIECE_BYTES_MAX (UINT64_C(5) << 30)
#define PIECES_EQUAL 2000

/* A piece under way. */
typedef struct sending {
  fhx__s3_request request;
  char number[16];
} sending;

int64_t fhx__s3_until(int64_t duration_us) {
  return fhx__clock_monotonic_us() + duration_us;
}

/* --- pieces --- */

/* That the name is taken is better known now than after all pieces; what this request cannot tell,
   the last one does. */
static int32_t check_absent(fhx__s3_upload *upload, bool may_call_host, fhx_error **error) {
  fhx__s3_object object = {0, "", ""};
  if ((upload->bucket->flags & FHX_S3_REPLACES) != 0) return FHX_OK;
  if (fhx__s3_object_look(upload->bucket, upload->name, upload->retries, may_call_host,
                          fhx__s3_until(upload->bucket->look_us), &object, NULL) != FHX_OK) {
    return FHX_OK;
  }
  return fhx__fail(error, FHX_ERR_EXISTS, "an object of this name exists and is not replaced");
}

static int32_t need_upload(fhx__s3_upload *upload, bool may_call_host, fhx_error **error) {
  if (upload->upload_id != NULL) return FHX_OK;
  int32_t status = check_absent(upload, may_call_host, error);
  if (status != FHX_OK) return status;
  return fhx__s3_upload_create(upload->bucket, upload->name, upload->mark, upload->retries,
                               may_call_host, 0, &upload->upload_id, &upload->has_doubles, error);
}

static int32_t fill_request(fhx__s3_upload *upload, sending *one, const fhx__piece *piece,
                            fhx_error **error) {
  fhx__s3_request *request = &one->request;
  fhx__s3_request_begin(request, upload->bucket, "PUT", upload->name, "s3:PutObject");
  request->kind = FHX__S3_PIECE;
  request->transfer.retries = upload->retries;
  snprintf(one->number, sizeof one->number, "%u", (unsigned)piece->number + 1);
  int32_t status = fhx__s3_request_query(request, "partNumber", one->number, error);
  if (status == FHX_OK) {
    status = fhx__s3_request_query(request, "uploadId", upload->upload_id, error);
  }
  return status == FHX_OK ? fhx__s3_request_body(request, piece->data, piece->len, true, error)
                          : status;
}

/* Begins the upload in pieces if that was not done. */
static int32_t start_piece(void *context, void *work, const fhx__piece *piece, bool may_call_host,
                           fhx_error **error) {
  fhx__s3_upload *upload = context;
  sending *one = work;
  int32_t status = need_upload(upload, may_call_host, error);
  if (status == FHX_OK) {
    status = fhx__s3_credentials_ready(upload->bucket->credentials, may_call_host, 0, error);
  }
  if (status != FHX_OK) return status;
  status = fill_request(upload, one, piece, error);
  if (status == FHX_OK) status = fhx__s3_request_start(&one->request, error);
  if (status != FHX_OK) fhx__s3_request_end(&one->request);
  return status;
}

static bool piece_is_over(void *context, void *work) {
  const fhx__s3_upload *upload = context;
  sending *one = work;
  return fhx__transfer_is_over(upload->bucket->transport, &one->request.transfer);
}

/* What may stand in the document that ends an upload. */
static bool is_etag(const char *text) {
  size_t len = strlen(text);
  for (size_t i = 0; i < len; i++) {
    if (text[i] <= ' ' || text[i] > '~' || strchr("<>&", text[i]) != NULL) return false;
  }
  return len > 0 && len < FHX__S3_ETAG_MAX;
}

static int32_t keep_etag(fhx__s3_upload *upload, const fhx__s3_request *request,
                         fhx_error **error) {
  const char *etag = fhx__transfer_header(&request->transfer, "etag");
  if (etag == NULL || !is_etag(etag)) {
    return fhx__fail_with(error, FHX_ERR_DESTINATION, 1,
                          "the store took a piece of the part without saying what it is (ETag)");
  }
  if (fhx__buffer_append(&upload->etags, etag, strlen(etag) + 1) == FHX_OK) return FHX_OK;
  return fhx__no_memory(error);
}

static int32_t finish_piece(void *context, void *work, const fhx__piece *piece, bool may_call_host,
                            fhx_error **error) {
  fhx__s3_upload *upload = context;
  sending *one = work;
  (void)piece;
  int32_t status = fhx__s3_request_wait(&one->request, may_call_host, error);
  if (status == FHX_OK) status = keep_etag(upload, &one->request, error);
  fhx__s3_request_end(&one->request);
  return status;
}

static void cancel_piece(void *context, void *work) {
  sending *one = work;
  (void)context;
  fhx__s3_request_end(&one->request);
}

int32_t fhx__s3_upload_write(fhx__s3_upload *upload, const void *data, size_t len,
                             fhx_error **error) {
  return fhx__pieces_write(upload->pieces, data, len, error);
}

/* --- beginning and ending --- */

/* Pieces that fail are counted for the job, which is the folder of the name. */
static int32_t fill(fhx__s3_upload *upload, const char *name, fhx_error **error) {
  static const fhx__piece_calls calls = {start_piece, piece_is_over, finish_piece, cancel_piece};
  const fhx__s3_bucket *bucket = upload->bucket;
  const fhx__piece_plan plan = {.bytes = (size_t)bucket->piece_bytes,
                                .doubles_after = PIECES_EQUAL,
                                .bytes_max = PIECE_BYTES_MAX,
                                .count_max = PIECES_MAX,
                                .in_flight = bucket->pieces_in_flight,
                                .work_bytes = sizeof(sending)};
  const char *slash = strrchr(name, '/');
  size_t folder_len = slash == NULL ? strlen(name) : (size_t)(slash - name);
  snprintf(upload->name, sizeof upload->name, "%s", name);
  upload->retries = fhx__retries_get(bucket->transport, name, folder_len);
  upload->pieces = fhx__pieces_new(&plan, &calls, upload);
  if (upload->retries == NULL || upload->pieces == NULL) return fhx__no_memory(error);
  return fhx__random_job_id(upload->mark, error);
}

void fhx__s3_upload_forget(fhx__s3_upload *upload) {
  fhx__pieces_free(upload->pieces);
  if (upload->retries != NULL) fhx__retries_put(upload->bucket->transport, upload->retries);
  fhx__free(upload->upload_id);
  fhx__buffer_free(&upload->etags);
  fhx__free(upload);
}

int32_t fhx__s3_upload_begin(fhx__s3_bucket *bucket, const char *name, fhx__s3_upload **upload,
                             fhx_error **error) {
  fhx__s3_upload *begun = fhx__alloc_zeroed(1, sizeof *begun);
  if (begun == NULL) return fhx__no_memory(error);
  begun->bucket = bucket;
  int32_t status = fill(begun, name, error);
  if (status == FHX_OK) {
    status = fhx__s3_credentials_ready(bucket->credentials, true, 0, error);
  }
  if (status != FHX_OK) {
    fhx__s3_upload_forget(begun);
    return status;
  }
  *upload = begun;
  return FHX_OK;
}

/* What cannot be ended now is left to part_remove, or to a rule of the bucket. */
static void end_in_store(fhx__s3_upload *upload) {
  fhx__s3_bucket *bucket = upload->bucket;
  int64_t until_us = fhx__s3_until(FHX__S3_ABORT_US);
  if (upload->upload_id != NULL) {
    fhx__s3_upload_end(bucket, upload->name, upload->upload_id, false, until_us, NULL);
  }
  if (upload->has_doubles && (bucket->flags & FHX_S3_BUCKET_ENDS_UPLOADS) == 0) {
    fhx__s3_uploads_end_all(bucket, upload->name, false, until_us, NULL);
  }
}

void fhx__s3_upload_abort(fhx__s3_upload *upload) {
  fhx__pieces_free(upload->pieces);
  upload->pieces = NULL;
  end_in_store(upload);
  fhx__s3_upload_forget(upload);
}
