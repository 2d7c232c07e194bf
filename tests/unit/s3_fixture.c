/* A store for S3 that lives in memory; it believes every signature. */
#include "s3_fixture.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

#include "core/digest.h"
#include "core/names.h"
#include "s3/upload.h"
#include "support/require.h"

#define THINGS_MAX 64
#define PIECES_MAX 64
#define NAME_MAX_LEN 300
#define TEXTS_MAX 4096

typedef struct stretch {
  char *data;
  size_t len;
} stretch;

typedef struct object {
  char name[NAME_MAX_LEN];
  char mark[64];
  char etag[64];
  stretch content;
} object;

typedef struct upload {
  char name[NAME_MAX_LEN];
  char mark[64];
  bool is_alive;
  stretch pieces[PIECES_MAX];
} upload;

/* What is kept of things is freed at the end alone, so that answers stay good. */
typedef struct test_store {
  pthread_mutex_t mutex;
  test_bucket_knobs with;
  object objects[THINGS_MAX];
  size_t object_count;
  upload uploads[THINGS_MAX];
  size_t upload_count;
  char *texts[TEXTS_MAX];
  size_t text_count;
} test_store;

static char *keep(test_store *store, char *text) {
  if (text == NULL || store->text_count == TEXTS_MAX) {
    test_violation("the store in memory is full");
    free(text);
    return NULL;
  }
  store->texts[store->text_count++] = text;
  return text;
}

/* --- answers --- */

static void answer(test_store *store, test_server_step *step, uint32_t status, const char *headers,
                   const char *body) {
  step->status = status;
  step->headers = headers == NULL ? NULL : keep(store, strdup(headers));
  step->body = body == NULL ? NULL : keep(store, strdup(body));
  step->body_len = 0;
}

static void answer_error(test_store *store, test_server_step *step, uint32_t status,
                         const char *code) {
  char text[200];
  snprintf(text, sizeof text, "<?xml version=\"1.0\"?><Error><Code>%s</Code></Error>", code);
  answer(store, step, status, NULL, text);
}

/* --- things --- */

static object *find(test_store *store, const char *name) {
  for (size_t i = 0; i < store->object_count; i++) {
    if (strcmp(store->objects[i].name, name) == 0) return &store->objects[i];
  }
  return NULL;
}

static upload *find_upload(test_store *store, const char *id) {
  size_t number = strtoul(id + strlen("upload-"), NULL, 10);
  if (strncmp(id, "upload-", 7) != 0 || number >= store->upload_count) return NULL;
  return store->uploads[number].is_alive ? &store->uploads[number] : NULL;
}

static void put(test_store *store, const char *name, const char *mark, stretch content,
                bool in_pieces) {
  uint8_t sum[FHX__MD5_LEN];
  char hex[2 * FHX__MD5_LEN + 1];
  object *at = find(store, name);
  if (at == NULL) at = &store->objects[store->object_count++];
  snprintf(at->name, sizeof at->name, "%s", name);
  snprintf(at->mark, sizeof at->mark, "%s", mark);
  at->content = content;
  fhx__md5(content.data, content.len, sum, NULL);
  fhx__hex(hex, sum, sizeof sum);
  snprintf(at->etag, sizeof at->etag, "\"%s%s\"", hex, in_pieces ? "-2" : "");
}

static stretch copy(test_store *store, const char *data, size_t len) {
  char *text = malloc(len + 1);
  if (text != NULL) memcpy(text, data, len);
  if (text != NULL) text[len] = '\0';
  return (stretch){keep(store, text), len};
}

static bool is_forbidden(test_store *store, const test_server_request *request, const char *name) {
  char value[8];
  return !store->with.replaces &&
         test_server_header(request, "if-none-match", value, sizeof value) &&
         find(store, name) != NULL;
}

/* --- what is asked --- */

static void put_object(test_store *store, const test_server_request *request, const char *name,
                       test_server_step *step) {
  char mark[64] = "";
  if (is_forbidden(store, request, name)) {
    answer_error(store, step, 412, "PreconditionFailed");
    return;
  }
  test_server_header(request, "x-amz-meta-fhirexport-upload", mark, sizeof mark);
  put(store, name, mark, copy(store, request->body, (size_t)request->body_len), false);
  answer(store, step, 200, "ETag: \"something\"\r\n", NULL);
}

static void put_piece(test_store *store, const test_server_request *request, const char *query,
                      test_server_step *step) {
  char etag[40];
  unsigned int number = 0;
  const char *id = strstr(query, "uploadId=");
  upload *to = id == NULL ? NULL : find_upload(store, id + strlen("uploadId="));
  if (to == NULL || sscanf(query, "partNumber=%u&", &number) != 1 || number >= PIECES_MAX) {
    answer_error(store, step, 404, "NoSuchUpload");
    return;
  }
  to->pieces[number] = copy(store, request->body, (size_t)request->body_len);
  snprintf(etag, sizeof etag, "ETag: \"piece-%u\"\r\n", number);
  answer(store, step, 200, etag, NULL);
}

static void begin_upload(test_store *store, const test_server_request *request, const char *name,
                         test_server_step *step) {
  char text[300];
  upload *made = &store->uploads[store->upload_count];
  memset(made, 0, sizeof *made);
  snprintf(made->name, sizeof made->name, "%s", name);
  test_server_header(request, "x-amz-meta-fhirexport-upload", made->mark, sizeof made->mark);
  made->is_alive = true;
  snprintf(text, sizeof text,
           "<InitiateMultipartUploadResult><UploadId>upload-%zu</UploadId>"
           "</InitiateMultipartUploadResult>",
           store->upload_count++);
  answer(store, step, 200, NULL, text);
}

/* The list has to name every piece in its order. */
static bool join(test_store *store, upload *from, const char *list, stretch *content) {
  char wanted[100];
  size_t len = 0;
  unsigned int number = 1;
  for (; number < PIECES_MAX && from->pieces[number].data != NULL; number++) {
    snprintf(wanted, sizeof wanted,
             "<Part><PartNumber>%u</PartNumber><ETag>\"piece-%u\"</ETag></Part>", number, number);
    list = strstr(list, wanted);
    if (list == NULL) return false;
    len += from->pieces[number].len;
  }
  char *all = malloc(len + 1);
  if (all == NULL) return false;
  content->data = keep(store, all);
  content->len = len;
  for (unsigned int i = 1; i < number; i++) {
    memcpy(all, from->pieces[i].data, from->pieces[i].len);
    all += from->pieces[i].len;
  }
  *all = '\0';
  return true;
}

static void complete(test_store *store, const test_server_request *request, const char *id,
                     const char *name, test_server_step *step) {
  stretch content = {NULL, 0};
  upload *from = find_upload(store, id);
  if (from == NULL) {
    answer_error(store, step, 404, "NoSuchUpload");
  } else if (is_forbidden(store, request, name)) {
    answer_error(store, step, 412, "PreconditionFailed");
  } else if (!join(store, from, request->body, &content)) {
    answer_error(store, step, 400, "InvalidPart");
  } else {
    put(store, name, from->mark, content, true);
    from->is_alive = false;
    answer(store, step, 200, NULL,
           "<CompleteMultipartUploadResult><ETag>\"a\"</ETag></CompleteMultipartUploadResult>");
  }
}

static void look(test_store *store, const char *name, test_server_step *step) {
  char headers[400];
  const object *at = find(store, name);
  if (at == NULL) {
    answer(store, step, 404, "Content-Length: 0\r\n", NULL);
    return;
  }
  bool has_mark = !store->with.without_marks && at->mark[0] != '\0';
  snprintf(headers, sizeof headers, "Content-Length: %zu\r\nETag: %s\r\n%s%s%s", at->content.len,
           at->etag, has_mark ? "x-amz-meta-fhirexport-upload: " : "", has_mark ? at->mark : "",
           has_mark ? "\r\n" : "");
  answer(store, step, 200, headers, NULL);
}

/* One upload a page. */
static void list_uploads(test_store *store, const char *query, test_server_step *step) {
  char text[1200];
  size_t first = 0;
  const char *marker = strstr(query, "upload-id-marker=upload-");
  if (marker != NULL) first = strtoul(marker + strlen("upload-id-marker=upload-"), NULL, 10) + 1;
  while (first < store->upload_count && !store->uploads[first].is_alive) first++;
  if (first >= store->upload_count) {
    answer(store, step, 200, NULL, "<ListMultipartUploadsResult/>");
    return;
  }
  snprintf(text, sizeof text,
           "<ListMultipartUploadsResult><IsTruncated>true</IsTruncated>"
           "<NextKeyMarker>%s</NextKeyMarker><NextUploadIdMarker>upload-%zu</NextUploadIdMarker>"
           "<Upload><Key>%s</Key><UploadId>upload-%zu</UploadId></Upload>"
           "</ListMultipartUploadsResult>",
           store->uploads[first].name, first, store->uploads[first].name, first);
  answer(store, step, 200, NULL, text);
}

static void delete_upload(test_store *store, const char *id, test_server_step *step) {
  upload *at = find_upload(store, id);
  if (at == NULL) {
    answer_error(store, step, 404, "NoSuchUpload");
    return;
  }
  at->is_alive = false;
  answer(store, step, 204, NULL, NULL);
}

static void delete_object(test_store *store, const char *name, test_server_step *step) {
  object *at = find(store, name);
  if (at != NULL) at->name[0] = '\0';
  answer(store, step, 204, NULL, NULL);
}

static void serve(test_store *store, const test_server_request *request, const char *name,
                  const char *query, test_server_step *step) {
  const char *method = request->method;
  const char *id = strstr(query, "uploadId=");
  id = id == NULL ? NULL : id + strlen("uploadId=");
  if (strcmp(method, "PUT") == 0 && id == NULL) {
    put_object(store, request, name, step);
  } else if (strcmp(method, "PUT") == 0) {
    put_piece(store, request, query, step);
  } else if (strcmp(method, "POST") == 0 && id == NULL) {
    begin_upload(store, request, name, step);
  } else if (strcmp(method, "POST") == 0) {
    complete(store, request, id, name, step);
  } else if (strcmp(method, "HEAD") == 0) {
    look(store, name, step);
  } else if (strcmp(method, "GET") == 0) {
    list_uploads(store, query, step);
  } else if (id != NULL) {
    delete_upload(store, id, step);
  } else {
    delete_object(store, name, step);
  }
}

void test_bucket_take(void *context, const test_server_request *request, test_server_step *step) {
  static const char path[] = "/bucket/";
  test_store *store = ((test_bucket *)context)->store;
  char name[NAME_MAX_LEN], authorization[400];
  test_violation_unless(strncmp(request->target, path, sizeof path - 1) == 0,
                        "a request is not for the bucket");
  test_violation_unless(
      test_server_header(request, "authorization", authorization, sizeof authorization) &&
          strstr(authorization, "/us-east-1/s3/aws4_request, SignedHeaders=") != NULL,
      "a request is not signed");
  snprintf(name, sizeof name, "%s", request->target + sizeof path - 1);
  char *query = strchr(name, '?');
  if (query != NULL) *query++ = '\0';
  pthread_mutex_lock(&store->mutex);
  serve(store, request, name, query == NULL ? "" : query, step);
  pthread_mutex_unlock(&store->mutex);
}

/* --- the bucket --- */

void test_bucket_faults(test_bucket *bucket, const test_server_step *steps, size_t count) {
  test_server_step all[32];
  assert_true(count < 32);
  memset(all, 0, sizeof all);
  if (count > 0) memcpy(all, steps, count * sizeof *steps);
  all[count].adapt = test_bucket_take;
  all[count].context = bucket;
  test_server_set(bucket->server, all, count + 1);
}

void test_bucket_begin(test_bucket *bucket, const test_bucket_knobs *knobs) {
  fhx_s3_options options;
  fhx_http_options http;
  memset(bucket, 0, sizeof *bucket);
  if (knobs != NULL) bucket->with = *knobs;
  bucket->store = calloc(1, sizeof *bucket->store);
  assert_non_null(bucket->store);
  pthread_mutex_init(&bucket->store->mutex, NULL);
  bucket->store->with = bucket->with;
  bucket->server = bucket->with.with_tls ? test_server_start_tls(NULL, 0, "localhost")
                                         : test_server_start(NULL, 0);
  test_bucket_faults(bucket, NULL, 0);
  FHX_INIT(&options);
  FHX_INIT(&http);
  http.flags = bucket->with.without_thread ? FHX_HTTP_NO_THREAD : 0;
  http.proxy = "";
  http.retry_us = bucket->with.retry_us != 0 ? bucket->with.retry_us : 20000000;
  if (bucket->with.with_tls) http.ca_file = test_server_certificate(bucket->server);
  options.flags = bucket->with.flags;
  options.bucket = "bucket";
  options.region = "us-east-1";
  options.endpoint = test_server_url(bucket->server);
  options.http = &http;
  options.credentials = bucket->with.credentials;
  options.user_data = bucket->with.user_data;
  options.storage_class = bucket->with.storage_class;
  options.encryption = bucket->with.encryption;
  options.kms_key_id = bucket->with.kms_key_id;
  options.tags = bucket->with.tags;
  if (options.credentials == NULL && !bucket->with.from_environment) {
    options.access_key_id = "AKIDEXAMPLE";
    options.secret_access_key = "secret";
  }
  fhx_error *error = NULL;
  test_require_status(fhx__s3_bucket_new(&options, &bucket->bucket, &error), FHX_OK);
  bucket->bucket->piece_bytes = TEST_BUCKET_PIECE;
  /* Also where requests are repeated for a moment only. */
  bucket->bucket->look_us = 20000000;
}

void test_bucket_end(test_bucket *bucket) {
  fhx__s3_bucket_free(bucket->bucket);
  test_server_end(bucket->server);
  for (size_t i = 0; i < bucket->store->text_count; i++) free(bucket->store->texts[i]);
  pthread_mutex_destroy(&bucket->store->mutex);
  free(bucket->store);
  test_require_sound();
}

void test_bucket_put(test_bucket *bucket, const char *name, const char *content) {
  test_store *store = bucket->store;
  pthread_mutex_lock(&store->mutex);
  put(store, name, "of-another", copy(store, content, strlen(content)), false);
  pthread_mutex_unlock(&store->mutex);
}

const char *test_bucket_content(test_bucket *bucket, const char *name) {
  pthread_mutex_lock(&bucket->store->mutex);
  const object *at = find(bucket->store, name);
  const char *content = at == NULL ? NULL : at->content.data;
  pthread_mutex_unlock(&bucket->store->mutex);
  return content;
}

size_t test_bucket_object_count(test_bucket *bucket) {
  size_t count = 0;
  pthread_mutex_lock(&bucket->store->mutex);
  for (size_t i = 0; i < bucket->store->object_count; i++) {
    count += bucket->store->objects[i].name[0] != '\0';
  }
  pthread_mutex_unlock(&bucket->store->mutex);
  return count;
}

size_t test_bucket_upload_count(test_bucket *bucket) {
  size_t count = 0;
  pthread_mutex_lock(&bucket->store->mutex);
  for (size_t i = 0; i < bucket->store->upload_count; i++) {
    count += bucket->store->uploads[i].is_alive;
  }
  pthread_mutex_unlock(&bucket->store->mutex);
  return count;
}

/* --- parts --- */

void test_bucket_fill(char *text, size_t size) {
  for (size_t i = 0; i + 1 < size; i++) text[i] = (char)('a' + (i * 7 + i / 1000) % 26);
  text[size - 1] = '\0';
}

test_bucket_outcome test_bucket_outcome_of(int32_t status, fhx_error *error) {
  test_bucket_outcome got = {status, fhx_error_retryable(error), ""};
  test_require(fhx_error_status(error) == status);
  snprintf(got.message, sizeof got.message, "%s", fhx_error_message(error));
  fhx_error_free(error);
  return got;
}

test_bucket_outcome test_bucket_write(test_bucket *bucket, const char *name, const char *content) {
  fhx__s3_upload *begun = NULL;
  fhx_error *error = NULL;
  size_t len = strlen(content);
  int32_t status = fhx__s3_upload_begin(bucket->bucket, name, &begun, &error);
  if (status != FHX_OK) return test_bucket_outcome_of(status, error);
  status = fhx__s3_upload_write(begun, content, len, &error);
  if (status == FHX_OK) {
    status = fhx__s3_upload_commit(begun, len, &error);
  } else {
    fhx__s3_upload_abort(begun);
  }
  return test_bucket_outcome_of(status, error);
}
