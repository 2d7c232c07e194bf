/* Requests to a bucket. */
#include "s3/request.h"

#include <string.h>

#include "core/clock.h"
#include "core/encode.h"
#include "core/error.h"
#include "core/names.h"

#define US_PER_SECOND INT64_C(1000000)
/* How often damage on the way is taken for an accident. */
#define ACCIDENTS_MAX 4
/* The SHA-256 of nothing. */
#define EMPTY_SHA256 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

int32_t fhx__s3_hand_over(int32_t status, fhx_error *failure, fhx_error **error) {
  if (error != NULL && failure != NULL) {
    *error = failure;
  } else {
    fhx_error_free(failure);
  }
  return status;
}

/* --- digests --- */

static int32_t set_md5(fhx__s3_request *request, fhx_error **error) {
  const fhx__transfer *transfer = &request->transfer;
  uint8_t sum[FHX__MD5_LEN];
  fhx__buffer text = {NULL, 0, 0};
  int32_t status = fhx__md5(transfer->body, transfer->body_len, sum, error);
  if (status != FHX_OK) return status;
  status = fhx__append_base64(&text, sum, sizeof sum);
  if (status == FHX_OK && text.len < sizeof request->md5) {
    memcpy(request->md5, text.data, text.len);
    request->md5[text.len] = '\0';
  }
  fhx__buffer_free(&text);
  if (status != FHX_OK) return fhx__no_memory(error);
  memcpy(request->payload, FHX__S3_UNSIGNED, sizeof FHX__S3_UNSIGNED);
  return FHX_OK;
}

static int32_t set_sha256(fhx__s3_request *request, fhx_error **error) {
  const fhx__transfer *transfer = &request->transfer;
  fhx__sha256 digest = {NULL};
  uint8_t sum[FHX__SHA256_LEN];
  int32_t status = fhx__sha256_begin(&digest, error);
  if (status == FHX_OK) {
    status = fhx__sha256_update(&digest, transfer->body, transfer->body_len, error);
  }
  if (status == FHX_OK) status = fhx__sha256_end(&digest, sum, error);
  fhx__sha256_free(&digest);
  if (status == FHX_OK) fhx__hex(request->payload, sum, sizeof sum);
  return status;
}

/* Once, and not on the thread that writes the part. */
static int32_t digest_body(fhx__s3_request *request, fhx_error **error) {
  int32_t status = FHX_OK;
  if (request->digest == FHX__S3_SHA256) status = set_sha256(request, error);
  if (request->digest == FHX__S3_MD5) status = set_md5(request, error);
  if (status == FHX_OK) request->digest = FHX__S3_DIGESTED;
  return status;
}

/* --- signing --- */

/* The path of an object, or of the bucket. */
static int32_t append_path(fhx__buffer *out, const fhx__s3_bucket *bucket, const char *name) {
  int32_t status = fhx__append_percent(out, bucket->path, strlen(bucket->path), true);
  if (status == FHX_OK) status = fhx__buffer_append(out, "/", 1);
  if (name != NULL) {
    if (status == FHX_OK) {
      status = fhx__append_percent(out, bucket->prefix, strlen(bucket->prefix), true);
    }
    if (status == FHX_OK) status = fhx__append_percent(out, name, strlen(name), true);
  }
  if (status == FHX_OK) status = fhx__buffer_terminate(out);
  return status;
}

static fhx__s3_signer signer_of(const fhx__s3_bucket *bucket, const fhx__s3_grant *grant) {
  return (fhx__s3_signer){grant->access_key_id, grant->session_token, bucket->region, "s3",
                          grant->key,           grant->time};
}

static int32_t append_query(fhx__buffer *url, const fhx__s3_pairs *query, fhx_error **error) {
  if (query->count == 0) return FHX_OK;
  if (fhx__buffer_append(url, "?", 1) != FHX_OK) return fhx__no_memory(error);
  return fhx__s3_append_query(url, query, error);
}

/* Appends "https://host" and the path. */
static int32_t append_place(fhx__buffer *url, const fhx__s3_bucket *bucket, const char *path,
                            fhx_error **error) {
  int32_t status = fhx__buffer_append_text(url, bucket->scheme);
  if (status == FHX_OK) status = fhx__buffer_append_text(url, bucket->host);
  if (status == FHX_OK) status = fhx__buffer_append_text(url, path);
  return status == FHX_OK ? FHX_OK : fhx__no_memory(error);
}

/* The headers that every signed request has; `host` is the last. */
static int32_t add_signed(fhx__s3_pairs *headers, const fhx__s3_request *request,
                          const fhx__s3_grant *grant, fhx_error **error) {
  int32_t status = fhx__s3_pairs_add(headers, "x-amz-date", grant->time, error);
  if (status == FHX_OK) {
    status = fhx__s3_pairs_add(headers, "x-amz-content-sha256", request->payload, error);
  }
  if (status == FHX_OK && grant->session_token != NULL) {
    status = fhx__s3_pairs_add(headers, "x-amz-security-token", grant->session_token, error);
  }
  if (status == FHX_OK) {
    status = fhx__s3_pairs_add(headers, "host", request->bucket->host, error);
  }
  return status;
}

static int32_t write_headers(fhx__transfer *transfer, const fhx__s3_pairs *headers,
                             const char *authorization, fhx_error **error) {
  int32_t status = fhx__transfer_add_header(transfer, "authorization", authorization);
  for (size_t i = 0; status == FHX_OK && i < headers->count; i++) {
    if (strcmp(headers->at[i].name, "host") == 0) continue;
    status = fhx__transfer_add_header(transfer, headers->at[i].name, headers->at[i].value);
  }
  if (status == FHX_ERR_NO_MEMORY) return fhx__no_memory(error);
  if (status == FHX_OK) return FHX_OK;
  return fhx__fail(error, status, "a header of a request has a line break in it");
}

static int32_t write_request(fhx__s3_request *request, const fhx__s3_grant *grant,
                             fhx_error **error) {
  fhx__transfer *transfer = &request->transfer;
  fhx__s3_bucket *bucket = request->bucket;
  fhx__s3_signer signer = signer_of(bucket, grant);
  fhx__buffer path = {NULL, 0, 0}, authorization = {NULL, 0, 0};
  fhx__s3_pairs headers = request->headers;
  int32_t status = append_path(&path, bucket, request->name);
  if (status != FHX_OK) fhx__no_memory(error);
  const fhx__s3_subject subject = {transfer->method, path.data, &request->query, &headers,
                                   request->payload};
  if (status == FHX_OK) status = add_signed(&headers, request, grant, error);
  if (status == FHX_OK) status = append_place(&transfer->url, bucket, path.data, error);
  if (status == FHX_OK) status = append_query(&transfer->url, &request->query, error);
  if (status == FHX_OK) status = fhx__s3_sign(&authorization, &signer, &subject, error);
  if (status == FHX_OK && (fhx__buffer_terminate(&authorization) != FHX_OK ||
                           fhx__buffer_terminate(&transfer->url) != FHX_OK)) {
    status = fhx__no_memory(error);
  }
  if (status == FHX_OK) status = write_headers(transfer, &headers, authorization.data, error);
  fhx__buffer_free(&path);
  fhx__buffer_free(&authorization);
  return status;
}

/* On the thread that drives: takes what credentials there are. */
static int32_t sign(void *context, fhx__transfer *transfer, fhx_error **error) {
  fhx__s3_request *request = context;
  fhx__s3_grant grant;
  (void)transfer;
  request->was_unsigned = false;
  int32_t status = digest_body(request, error);
  if (status != FHX_OK) return status;
  status =
      fhx__s3_credentials_grant(request->bucket->credentials, fhx__clock_now_us(), &grant, error);
  request->was_unsigned = status == FHX_ERR_DENIED;
  if (status == FHX_OK) {
    request->generation = grant.generation;
    status = write_request(request, &grant, error);
  }
  fhx__s3_grant_end(&grant);
  return status;
}

/* --- answers --- */

/* What of an answer is read: success is silent, but for the end of an upload. */
static void read_answer(const fhx__s3_request *request, const fhx__transfer *transfer,
                        fhx__s3_answer *answer) {
  bool is_success = transfer->http_status >= 200 && transfer->http_status <= 299;
  size_t len = is_success && request->kind != FHX__S3_COMPLETE ? 0 : transfer->answer.len;
  fhx__s3_answer_read(answer, transfer->http_status, transfer->answer.data, len);
  if (is_success && request->kind == FHX__S3_COMPLETE && len == 0) {
    answer->code = FHX__S3_UNREADABLE;
  }
  const char *region = fhx__transfer_header(transfer, "x-amz-bucket-region");
  if (region != NULL && answer->region[0] == '\0') fhx__s3_answer_set_region(answer, region);
  const char *date = fhx__transfer_header(transfer, "date");
  if (date != NULL && answer->server_us == 0) fhx__s3_answer_set_date(answer, date);
}

static bool again(void *context, const fhx__transfer *transfer) {
  const fhx__s3_request *request = context;
  fhx__s3_answer answer;
  read_answer(request, transfer, &answer);
  switch (answer.code) {
    case FHX__S3_DONE:
      return request->kind == FHX__S3_PIECE && fhx__transfer_header(transfer, "etag") == NULL;
    case FHX__S3_BUSY:
    case FHX__S3_FAULT:
    case FHX__S3_TIMEOUT:
      return true;
    case FHX__S3_CONFLICT:
      /* Of a multipart upload that met another writer nothing is left to repeat. */
      return request->kind == FHX__S3_PLAIN && transfer->attempts < ACCIDENTS_MAX;
    case FHX__S3_DAMAGED:
      return transfer->attempts < ACCIDENTS_MAX;
    default:
      return false;
  }
}

/* --- the request --- */

void fhx__s3_request_begin(fhx__s3_request *request, fhx__s3_bucket *bucket, const char *method,
                           const char *name, const char *right) {
  memset(request, 0, sizeof *request);
  request->bucket = bucket;
  request->name = name;
  request->right = right;
  memcpy(request->payload, EMPTY_SHA256, sizeof EMPTY_SHA256);
  request->transfer.method = method;
  request->transfer.sign = sign;
  request->transfer.again = again;
  request->transfer.context = request;
}

int32_t fhx__s3_request_query(fhx__s3_request *request, const char *name, const char *value,
                              fhx_error **error) {
  return fhx__s3_pairs_add(&request->query, name, value, error);
}

int32_t fhx__s3_request_header(fhx__s3_request *request, const char *name, const char *value,
                               fhx_error **error) {
  return fhx__s3_pairs_add(&request->headers, name, value, error);
}

int32_t fhx__s3_request_body(fhx__s3_request *request, const void *data, size_t len, bool is_piece,
                             fhx_error **error) {
  bool is_unsigned = is_piece && (request->bucket->flags & FHX_S3_UNSIGNED_PAYLOAD) != 0;
  request->transfer.body = data;
  request->transfer.body_len = len;
  request->digest = is_unsigned ? FHX__S3_MD5 : FHX__S3_SHA256;
  return is_unsigned ? fhx__s3_request_header(request, "content-md5", request->md5, error) : FHX_OK;
}

int32_t fhx__s3_request_start(fhx__s3_request *request, fhx_error **error) {
  request->is_answered = false;
  request->was_unsigned = false;
  return fhx__transfer_start(request->bucket->transport, &request->transfer, error);
}

/* Whether other credentials may help: where there were none to sign with since another request's
   were refused, and where they were refused. A HEAD has no document to say so. */
static bool has_ended(const fhx__s3_request *request, int32_t status) {
  fhx__s3_code code = request->answer.code;
  if (request->was_unsigned) return true;
  if (status != FHX_OK) return false;
  if (code == FHX__S3_ENDED || code == FHX__S3_UNKNOWN_KEY) return true;
  return request->answer.http_status == 400 && strcmp(request->transfer.method, "HEAD") == 0;
}

/* Reads what came. FHX_OK: the store has answered. */
static int32_t judge(fhx__s3_request *request, fhx_error **error) {
  fhx__transfer *transfer = &request->transfer;
  int32_t status = fhx__transfer_wait(request->bucket->transport, transfer, error);
  request->was_lost = request->was_lost || transfer->in_doubt;
  request->in_doubt = request->in_doubt || transfer->in_doubt;
  /* Attempts before the one that could not be signed were answered with a fault, or lost. */
  if (request->was_unsigned && transfer->attempts > 1) request->in_doubt = true;
  if (status != FHX_OK) return status;
  request->is_answered = true;
  read_answer(request, transfer, &request->answer);
  /* What answered with a fault of its own, now or before, may have done it all the same. */
  if (transfer->attempts > 1 || transfer->http_status >= 500) request->in_doubt = true;
  return FHX_OK;
}

/* Once more from the beginning, with others than those that were refused. */
static int32_t repeat(fhx__s3_request *request, bool may_call_host, fhx_error **error) {
  fhx__s3_credentials *credentials = request->bucket->credentials;
  int32_t status =
      fhx__s3_credentials_ready(credentials, may_call_host, request->transfer.until_us, error);
  if (status != FHX_OK) return status;
  fhx__transfer_clear(&request->transfer);
  status = fhx__s3_request_start(request, error);
  return status == FHX_OK ? judge(request, error) : status;
}

/* Credentials that ended in the middle are another time's; the rest is as the transfer says. */
static int32_t fail_unsigned(fhx_error **error) {
  fhx__clear_error(error);
  return fhx__fail_with(error, FHX_ERR_DENIED, 1, "the credentials for the bucket have ended");
}

int32_t fhx__s3_request_wait(fhx__s3_request *request, bool may_call_host, fhx_error **error) {
  fhx_error *failure = NULL;
  int32_t status = judge(request, &failure);
  if (has_ended(request, status) &&
      fhx__s3_credentials_refuse(request->bucket->credentials, request->generation)) {
    fhx__clear_error(&failure);
    status = repeat(request, may_call_host, &failure);
  }
  if (status == FHX_OK && request->answer.code == FHX__S3_DONE) return FHX_OK;
  if (status == FHX_OK) {
    return fhx__s3_answer_fail(&request->answer, request->right, fhx__clock_now_us(), error);
  }
  if (request->was_unsigned) status = fail_unsigned(&failure);
  return fhx__s3_hand_over(status, failure, error);
}

int32_t fhx__s3_request_run(fhx__s3_request *request, bool may_call_host, fhx_error **error) {
  int32_t status = fhx__s3_credentials_ready(request->bucket->credentials, may_call_host,
                                             request->transfer.until_us, error);
  if (status == FHX_OK) status = fhx__s3_request_start(request, error);
  return status == FHX_OK ? fhx__s3_request_wait(request, may_call_host, error) : status;
}

void fhx__s3_request_end(fhx__s3_request *request) {
  if (request->bucket == NULL) return;
  fhx__transfer_cancel(request->bucket->transport, &request->transfer);
  fhx__transfer_clear(&request->transfer);
  request->bucket = NULL;
}

/* --- URLs --- */

int32_t fhx__s3_append_url(fhx__s3_bucket *bucket, const char *name, int64_t now_us,
                           int64_t until_us, fhx__buffer *url, fhx_error **error) {
  fhx__s3_grant grant;
  fhx__buffer path = {NULL, 0, 0};
  const fhx__s3_pairs query = {0, {{NULL, NULL}}};
  int64_t seconds = until_us / US_PER_SECOND - now_us / US_PER_SECOND;
  if (seconds < 1) {
    return fhx__fail_with(error, FHX_ERR_DENIED, 1,
                          "the credentials end too soon to sign a URL with them");
  }
  if (seconds > FHX__S3_PRESIGN_MAX) seconds = FHX__S3_PRESIGN_MAX;
  int32_t status = fhx__s3_credentials_grant(bucket->credentials, now_us, &grant, error);
  if (status == FHX_OK && append_path(&path, bucket, name) != FHX_OK) {
    status = fhx__no_memory(error);
  }
  if (status == FHX_OK) status = append_place(url, bucket, path.data, error);
  if (status == FHX_OK && fhx__buffer_append(url, "?", 1) != FHX_OK) {
    status = fhx__no_memory(error);
  }
  if (status == FHX_OK) {
    const fhx__s3_signer signer = signer_of(bucket, &grant);
    const fhx__s3_subject subject = {"GET", path.data, &query, NULL, NULL};
    status = fhx__s3_presign(url, &signer, bucket->host, &subject, (uint32_t)seconds, error);
  }
  fhx__s3_grant_end(&grant);
  fhx__buffer_free(&path);
  return status;
}
