/* What goes over the wire for a part: pieces, headers, digests, and how much of it at a time. */
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
#include "core/encode.h"
#include "core/names.h"
#include "s3/upload.h"
#include "s3_fixture.h"
#include "support/require.h"

#define NAME "job/Patient-0-1-1.ndjson"
#define PIECE TEST_BUCKET_PIECE

/* Letters that differ by place, terminated; to be freed. */
static char *make_content(size_t len) {
  char *content = malloc(len + 1);
  assert_non_null(content);
  for (size_t i = 0; i < len; i++) content[i] = (char)('a' + (i * 7 + i / 1000) % 26);
  content[len] = '\0';
  return content;
}

/* Writes in stretches of so many bytes, and commits. */
static int32_t write_part(test_bucket *bucket, const char *name, const char *content, size_t step) {
  fhx__s3_upload *upload = NULL;
  fhx_error *error = NULL;
  size_t len = strlen(content);
  int32_t status = fhx__s3_upload_begin(bucket->bucket, name, &upload, &error);
  if (status != FHX_OK) upload = NULL;
  for (size_t at = 0; status == FHX_OK && at < len; at += step) {
    status = fhx__s3_upload_write(upload, content + at, len - at < step ? len - at : step, &error);
  }
  if (status == FHX_OK) {
    status = fhx__s3_upload_commit(upload, len, &error);
  } else if (upload != NULL) {
    fhx__s3_upload_abort(upload);
  }
  fhx_error_free(error);
  return status;
}

static void check_header(const test_server_request *request, const char *name, const char *value) {
  char found[400] = "";
  bool is_there = test_server_header(request, name, found, sizeof found);
  assert_int_equal(is_there, value != NULL);
  if (value != NULL) assert_string_equal(found, value);
}

/* --- one piece --- */

static void test_single(void **state) {
  (void)state;
  test_bucket bucket;
  test_bucket_begin(&bucket, NULL);
  assert_int_equal(write_part(&bucket, NAME, "abc", 1), FHX_OK);
  assert_string_equal(test_bucket_content(&bucket, NAME), "abc");
  assert_int_equal(test_server_count(bucket.server), 2);
  const test_server_request *put = test_server_request_at(bucket.server, 0);
  assert_string_equal(put->method, "PUT");
  assert_string_equal(put->target, "/bucket/" NAME);
  check_header(put, "if-none-match", "*");
  check_header(put, "content-type", "application/fhir+ndjson");
  check_header(put, "content-encoding", NULL);
  check_header(put, "content-md5", NULL);
  check_header(put, "x-amz-storage-class", NULL);
  check_header(put, "x-amz-content-sha256",
               "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  char authorization[600];
  assert_true(test_server_header(put, "authorization", authorization, sizeof authorization));
  assert_non_null(strstr(authorization,
                         "SignedHeaders=content-type;host;if-none-match;x-amz-content-sha256;"
                         "x-amz-date;x-amz-meta-fhirexport-upload, "));
  assert_string_equal(test_server_request_at(bucket.server, 1)->method, "HEAD");
  test_bucket_end(&bucket);
}

/* Exactly a piece is no multipart upload. */
static void test_borders(void **state) {
  (void)state;
  static const size_t lengths[] = {1,         PIECE - 1,     PIECE,     PIECE + 1,
                                   2 * PIECE, 2 * PIECE + 1, 7 * PIECE, 20 * PIECE + 3};
  static const size_t steps[] = {97, PIECE, 64 * PIECE};
  for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
    for (size_t j = 0; j < sizeof steps / sizeof *steps; j++) {
      for (int without_thread = 0; without_thread < 2; without_thread++) {
        test_scenario("%zu bytes by %zu, %d", lengths[i], steps[j], without_thread);
        test_bucket bucket;
        test_bucket_knobs knobs = {.without_thread = without_thread != 0};
        char *content = make_content(lengths[i]);
        test_bucket_begin(&bucket, &knobs);
        test_require_status(write_part(&bucket, NAME, content, steps[j]), FHX_OK);
        test_require(strcmp(test_bucket_content(&bucket, NAME), content) == 0);
        size_t pieces = (lengths[i] + PIECE - 1) / PIECE;
        test_require(test_server_count_of(bucket.server, "PUT", "partNumber=") ==
                     (pieces > 1 ? pieces : 0));
        test_require(test_bucket_upload_count(&bucket) == 0);
        test_bucket_end(&bucket);
        free(content);
      }
    }
  }
}

/* --- headers --- */

static void test_object_headers(void **state) {
  (void)state;
  test_bucket_knobs knobs = {.flags = FHX_S3_REPLACES,
                             .replaces = true,
                             .storage_class = "STANDARD_IA",
                             .encryption = "aws:kms",
                             .kms_key_id = "key/1",
                             .tags = "a=b&c=d"};
  for (size_t len = 10; len <= 2 * PIECE; len += 2 * PIECE - 10) {
    test_bucket bucket;
    char *content = make_content(len);
    test_bucket_begin(&bucket, &knobs);
    test_bucket_put(&bucket, NAME ".gz", "before");
    assert_int_equal(write_part(&bucket, NAME ".gz", content, 100), FHX_OK);
    assert_string_equal(test_bucket_content(&bucket, NAME ".gz"), content);
    const test_server_request *first = test_server_request_at(bucket.server, 0);
    assert_string_equal(first->method, len == 10 ? "PUT" : "POST");
    check_header(first, "if-none-match", NULL);
    check_header(first, "content-encoding", "gzip");
    check_header(first, "x-amz-storage-class", "STANDARD_IA");
    check_header(first, "x-amz-server-side-encryption", "aws:kms");
    check_header(first, "x-amz-server-side-encryption-aws-kms-key-id", "key/1");
    check_header(first, "x-amz-tagging", "a=b&c=d");
    test_bucket_end(&bucket);
    free(content);
  }
}

static void test_unsigned_payload(void **state) {
  (void)state;
  test_bucket_knobs knobs = {.flags = FHX_S3_UNSIGNED_PAYLOAD, .with_tls = true};
  test_bucket bucket;
  char *content = make_content(2 * PIECE + 5);
  test_bucket_begin(&bucket, &knobs);
  assert_int_equal(write_part(&bucket, NAME, content, 500), FHX_OK);
  assert_int_equal(write_part(&bucket, NAME ".2", "abc", 500), FHX_OK);
  bool was_last = false;
  for (size_t i = 0; i < test_server_count(bucket.server); i++) {
    const test_server_request *request = test_server_request_at(bucket.server, i);
    bool is_put = strcmp(request->method, "PUT") == 0;
    char sum[80];
    assert_true(test_server_header(request, "x-amz-content-sha256", sum, sizeof sum));
    assert_int_equal(strcmp(sum, "UNSIGNED-PAYLOAD") == 0, is_put);
    if (strcmp(request->target, "/bucket/" NAME ".2") != 0 || !is_put) continue;
    check_header(request, "content-md5", "kAFQmDzST7DWlj99KOF/cg==");
    was_last = true;
  }
  assert_true(was_last);
  test_bucket_end(&bucket);
  free(content);
}

/* --- at a time --- */

/* The first piece is answered late: the others go on, but not more than may be under way. */
static void test_in_flight(void **state) {
  (void)state;
  const test_server_step held = {.method = "PUT",
                                 .target = "partNumber=",
                                 .times = 3,
                                 .held = true,
                                 .adapt = test_bucket_take};
  test_bucket bucket;
  fhx__s3_upload *upload = NULL;
  char *content = make_content(9 * PIECE);
  test_bucket_begin(&bucket, NULL);
  test_server_step step = held;
  step.context = &bucket;
  test_bucket_faults(&bucket, &step, 1);
  assert_int_equal(fhx__s3_upload_begin(bucket.bucket, NAME, &upload, NULL), FHX_OK);
  /* Three pieces under way and one filled: nothing waits. */
  assert_int_equal(fhx__s3_upload_write(upload, content, 4 * PIECE, NULL), FHX_OK);
  assert_true(test_server_wait(bucket.server, 5));
  assert_int_equal(test_server_count_of(bucket.server, "PUT", NULL), 3);
  assert_int_equal(test_server_peak(bucket.server), 3);
  test_server_release(bucket.server);
  assert_int_equal(fhx__s3_upload_write(upload, content + 4 * PIECE, 5 * PIECE, NULL), FHX_OK);
  assert_int_equal(fhx__s3_upload_commit(upload, 9 * PIECE, NULL), FHX_OK);
  assert_string_equal(test_bucket_content(&bucket, NAME), content);
  assert_true(test_server_peak(bucket.server) <= 3);
  test_bucket_end(&bucket);
  free(content);
}

/* Pieces that hang do not hold up an abort, and nothing is left of them. */
static void test_abort(void **state) {
  (void)state;
  const test_server_step hangs = {
      .method = "PUT", .target = "partNumber=", .fault = TEST_SERVER_HANGS};
  for (int without_thread = 0; without_thread < 2; without_thread++) {
    test_bucket bucket;
    test_bucket_knobs knobs = {.without_thread = without_thread != 0};
    fhx__s3_upload *upload = NULL;
    char *content = make_content(4 * PIECE);
    test_bucket_begin(&bucket, &knobs);
    test_bucket_faults(&bucket, &hangs, 1);
    assert_int_equal(fhx__s3_upload_begin(bucket.bucket, NAME, &upload, NULL), FHX_OK);
    assert_int_equal(fhx__s3_upload_write(upload, content, 4 * PIECE, NULL), FHX_OK);
    assert_int_equal(test_bucket_upload_count(&bucket), 1);
    fhx__s3_upload_abort(upload);
    assert_int_equal(test_bucket_upload_count(&bucket), 0);
    assert_int_equal(test_bucket_object_count(&bucket), 0);
    test_bucket_end(&bucket);
    free(content);
  }
}

/* An upload of one piece has nothing to end. */
static void test_abort_unsent(void **state) {
  (void)state;
  test_bucket bucket;
  fhx__s3_upload *upload = NULL;
  test_bucket_begin(&bucket, NULL);
  assert_int_equal(fhx__s3_upload_begin(bucket.bucket, NAME, &upload, NULL), FHX_OK);
  assert_int_equal(fhx__s3_upload_write(upload, "abc", 3, NULL), FHX_OK);
  fhx__s3_upload_abort(upload);
  assert_int_equal(test_server_count(bucket.server), 0);
  test_bucket_end(&bucket);
}

static void test_other_length(void **state) {
  (void)state;
  test_bucket bucket;
  fhx__s3_upload *upload = NULL;
  char *content = make_content(3 * PIECE);
  test_bucket_begin(&bucket, NULL);
  assert_int_equal(fhx__s3_upload_begin(bucket.bucket, NAME, &upload, NULL), FHX_OK);
  assert_int_equal(fhx__s3_upload_write(upload, content, 3 * PIECE, NULL), FHX_OK);
  assert_int_equal(fhx__s3_upload_commit(upload, 3 * PIECE + 1, NULL), FHX_ERR_INTERNAL);
  assert_int_equal(test_bucket_upload_count(&bucket), 0);
  assert_int_equal(test_bucket_object_count(&bucket), 0);
  test_bucket_end(&bucket);
  free(content);
}

/* Pieces grow by what has gone out before, and end where the store's count of them ends: 10,000, of
   which 2,000 at a time have one length. */
static void test_growing_pieces(void **state) {
  (void)state;
  enum { SHORT = 2, EQUAL = 2000, MOST = 10000, TOTAL = SHORT * EQUAL * 31 };
  static const test_server_step step = {
      .method = "PUT", .target = "partNumber=", .headers = "ETag: \"a\"\r\n"};
  test_bucket bucket;
  fhx__s3_upload *upload = NULL;
  fhx_error *error = NULL;
  char *content = make_content(TOTAL + 1);
  test_bucket_begin(&bucket, NULL);
  test_bucket_faults(&bucket, &step, 1);
  bucket.bucket->piece_bytes = SHORT;
  assert_int_equal(fhx__s3_upload_begin(bucket.bucket, NAME, &upload, NULL), FHX_OK);
  assert_int_equal(fhx__s3_upload_write(upload, content, TOTAL, NULL), FHX_OK);
  /* All that are full are known to have more behind them, but for the last. */
  size_t seen = 0;
  for (size_t i = 0; i < test_server_count(bucket.server); i++) {
    const test_server_request *request = test_server_request_at(bucket.server, i);
    unsigned int number = 0;
    if (strcmp(request->method, "PUT") != 0) continue;
    assert_int_equal(sscanf(strstr(request->target, "partNumber="), "partNumber=%u", &number), 1);
    assert_true(number >= 1 && number < MOST);
    assert_int_equal(request->body_len, (size_t)SHORT << ((number - 1) / EQUAL));
    seen++;
  }
  assert_true(seen >= MOST - 1 - bucket.bucket->pieces_in_flight && seen < MOST);
  /* A byte more starts the last one, and needs another at the end. */
  assert_int_equal(fhx__s3_upload_write(upload, content + TOTAL, 1, NULL), FHX_OK);
  assert_int_equal(fhx__s3_upload_commit(upload, TOTAL + 1, &error), FHX_ERR_LIMIT);
  fhx_error_free(error);
  test_bucket_end(&bucket);
  free(content);
}

/* --- several threads --- */

#define WRITERS 4
#define PARTS 4

typedef struct writer {
  test_bucket *bucket;
  const char *content;
  int number;
} writer;

static void *write_several(void *context) {
  const writer *self = context;
  for (int i = 0; i < PARTS; i++) {
    char name[64];
    snprintf(name, sizeof name, "job%d/part-%d-%d.ndjson", self->number % 2, self->number, i);
    test_violation_unless(
        write_part(self->bucket, name, self->content + self->number * 100 + i * 999, 700) == FHX_OK,
        "a part was not written");
    test_violation_unless(strcmp(test_bucket_content(self->bucket, name),
                                 self->content + self->number * 100 + i * 999) == 0,
                          "a part is not what was written");
  }
  return NULL;
}

static void write_beside(const test_bucket_knobs *knobs) {
  test_bucket bucket;
  pthread_t threads[WRITERS];
  writer writers[WRITERS];
  char *content = make_content(6 * PIECE);
  test_bucket_begin(&bucket, knobs);
  for (int i = 0; i < WRITERS; i++) {
    writers[i] = (writer){&bucket, content, i};
    assert_int_equal(pthread_create(&threads[i], NULL, write_several, &writers[i]), 0);
  }
  for (int i = 0; i < WRITERS; i++) pthread_join(threads[i], NULL);
  assert_int_equal(test_bucket_object_count(&bucket), WRITERS * PARTS);
  assert_int_equal(test_bucket_upload_count(&bucket), 0);
  test_bucket_end(&bucket);
  free(content);
}

static void test_threads(void **state) {
  (void)state;
  const test_bucket_knobs without_thread = {.without_thread = true};
  write_beside(NULL);
  write_beside(&without_thread);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_single),         cmocka_unit_test(test_borders),
      cmocka_unit_test(test_object_headers), cmocka_unit_test(test_unsigned_payload),
      cmocka_unit_test(test_in_flight),      cmocka_unit_test(test_abort),
      cmocka_unit_test(test_abort_unsent),   cmocka_unit_test(test_other_length),
      cmocka_unit_test(test_growing_pieces), cmocka_unit_test(test_threads)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
