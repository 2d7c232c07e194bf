/* Faults of a store and of the way to it: what is repeated, what is found out afterwards, what is
   left behind, and what is said. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

#include "core/clock.h"
#include "core/encode.h"
#include "core/instant.h"
#include "core/names.h"
#include "s3/object.h"
#include "s3/upload.h"
#include "s3_fixture.h"
#include "support/memory.h"
#include "support/require.h"

#define NAME "job/Patient-0-1-1.ndjson"
#define PIECE TEST_BUCKET_PIECE
#define COUNT(of) (sizeof(of) / sizeof *(of))

/* What is written: one piece, or several. */
static char small[PIECE / 2], large[3 * PIECE + 10];

/* A fault, how often it happens, and what has to come of it. */
typedef struct fault_case {
  const char *what;
  const char *content;
  test_server_step step;
  /* The store does as it is asked, and only the answer is lost. */
  bool is_taken;
  int32_t status;
  uint32_t retryable;
  const char *words;
  /* 0: 20 s. */
  int64_t retry_us;
} fault_case;

static void run_case(const fault_case *one, bool without_thread) {
  test_bucket bucket;
  const test_bucket_knobs knobs = {.without_thread = without_thread, .retry_us = one->retry_us};
  test_scenario("%s, %s", one->what, without_thread ? "without a thread" : "with a thread");
  test_bucket_begin(&bucket, &knobs);
  test_server_step step = one->step;
  if (one->is_taken) step.adapt = test_bucket_take;
  step.context = &bucket;
  test_bucket_faults(&bucket, &step, 1);
  test_bucket_outcome got = test_bucket_write(&bucket, NAME, one->content);
  test_require_status(got.status, one->status);
  test_require(got.retryable == one->retryable);
  test_require(one->words == NULL || strstr(got.message, one->words) != NULL);
  const char *stored = test_bucket_content(&bucket, NAME);
  if (got.status == FHX_OK) {
    test_require(stored != NULL && strcmp(stored, one->content) == 0);
  } else if (got.status != FHX_ERR_UNKNOWN_OUTCOME) {
    test_require(stored == NULL);
  }
  if (got.status != FHX_ERR_UNKNOWN_OUTCOME) test_require(test_bucket_upload_count(&bucket) == 0);
  test_bucket_end(&bucket);
}

static void run_cases(const fault_case *cases, size_t count) {
  for (size_t i = 0; i < count; i++) {
    for (int without_thread = 0; without_thread < 2; without_thread++) {
      run_case(&cases[i], without_thread != 0);
    }
  }
}

/* --- what passes --- */

static void test_passing(void **state) {
  (void)state;
  static const fault_case cases[] = {
      {.what = "a piece throttled",
       .content = large,
       .step = {.method = "PUT", .times = 2, .status = 503, .body = TEST_BUCKET_ERROR("SlowDown")}},
      {.what = "an object throttled",
       .content = small,
       .step = {.method = "PUT", .times = 2, .status = 503, .body = TEST_BUCKET_ERROR("SlowDown")}},
      {.what = "a fault of the store",
       .content = small,
       .step = {.method = "PUT",
                .times = 1,
                .status = 500,
                .body = TEST_BUCKET_ERROR("InternalError")}},
      {.what = "faults with every first request",
       .content = large,
       .step = {.times = 1, .status = 500, .body = "not XML"}},
      {.what = "the client is too slow",
       .content = large,
       .step = {.method = "PUT",
                .times = 1,
                .status = 400,
                .body = TEST_BUCKET_ERROR("RequestTimeout")}},
      {.what = "bytes damaged on the way",
       .content = large,
       .step =
           {.method = "PUT", .times = 2, .status = 400, .body = TEST_BUCKET_ERROR("BadDigest")}},
      {.what = "another writer is at it",
       .content = small,
       .step = {.method = "PUT",
                .times = 1,
                .status = 409,
                .body = TEST_BUCKET_ERROR("ConditionalRequestConflict")}},
      {.what = "no ETag for a piece", .content = large, .step = {.method = "PUT", .times = 2}},
      {.what = "a connection reset in a piece",
       .content = large,
       .step = {.method = "PUT", .times = 2, .fault = TEST_SERVER_CLOSES_IN_REQUEST, .after = 100}},
      {.what = "a connection reset in an object",
       .content = small,
       .step = {.method = "PUT", .times = 1, .fault = TEST_SERVER_CLOSES_IN_REQUEST, .after = 10}},
      {.what = "an answer cut in the middle",
       .content = large,
       .step = {.method = "POST",
                .target = "uploads=",
                .times = 1,
                .body = "<InitiateMultipartUploadResult>",
                .fault = TEST_SERVER_TRUNCATES,
                .after = 10}},
      {.what = "a slow piece",
       .content = large,
       .step = {.method = "PUT", .times = 1, .status = 503, .pause_us = 200000}},
      {.what = "an answer in small pieces",
       .content = large,
       .step = {.method = "POST",
                .target = "uploadId=",
                .times = 1,
                .body = TEST_BUCKET_ERROR("InternalError"),
                .piece = 5,
                .piece_pause_us = 1000}},
      {.what = "an error under a 200",
       .content = large,
       .step = {.method = "POST",
                .target = "uploadId=",
                .times = 2,
                .body = TEST_BUCKET_ERROR("SlowDown")}},
      {.what = "an empty answer to the end",
       .content = large,
       .step = {.method = "POST", .target = "uploadId=", .times = 1}},
      {.what = "no XML for the end",
       .content = large,
       .step = {.method = "POST", .target = "uploadId=", .times = 1, .body = "<CompleteMulti"}},
      {.what = "the end lost, and not taken",
       .content = large,
       .step = {.method = "POST", .target = "uploadId=", .times = 1, .fault = TEST_SERVER_CLOSES}},
      {.what = "the question lost",
       .content = large,
       .step = {.method = "HEAD", .times = 2, .fault = TEST_SERVER_CLOSES}},
  };
  run_cases(cases, COUNT(cases));
}

/* The store has done it, but its answer does not come: what comes next finds it done. */
static void test_taken(void **state) {
  (void)state;
  static const fault_case cases[] = {
      {.what = "the answer to an object lost",
       .content = small,
       .step = {.method = "PUT", .times = 1, .fault = TEST_SERVER_CLOSES},
       .is_taken = true},
      {.what = "all answers to objects lost",
       .content = small,
       .step = {.method = "PUT", .fault = TEST_SERVER_CLOSES},
       .is_taken = true,
       .retry_us = 300000},
      {.what = "the answer to a piece lost",
       .content = large,
       .step = {.method = "PUT", .times = 2, .fault = TEST_SERVER_CLOSES},
       .is_taken = true},
      {.what = "the answer to the beginning lost",
       .content = large,
       .step = {.method = "POST", .target = "uploads=", .times = 2, .fault = TEST_SERVER_CLOSES},
       .is_taken = true},
      {.what = "the answer to the end lost",
       .content = large,
       .step = {.method = "POST", .target = "uploadId=", .times = 1, .fault = TEST_SERVER_CLOSES},
       .is_taken = true},
      {.what = "all answers to the end lost",
       .content = large,
       .step = {.method = "POST", .target = "uploadId=", .fault = TEST_SERVER_CLOSES},
       .is_taken = true,
       .retry_us = 300000},
      {.what = "the answer to the end cut",
       .content = large,
       .step =
           {.method = "POST", .target = "uploadId=", .fault = TEST_SERVER_TRUNCATES, .after = 20},
       .is_taken = true,
       .retry_us = 300000},
  };
  run_cases(cases, COUNT(cases));
}

static void take_twice(void *context, const test_server_request *request, test_server_step *step) {
  test_bucket_take(context, request, step);
  test_bucket_take(context, request, step);
}

/* Something on the way has repeated the request: the answer is that of the second time. */
static void test_taken_twice(void **state) {
  (void)state;
  static const char *const contents[] = {small, large};
  for (size_t i = 0; i < COUNT(contents); i++) {
    test_bucket bucket;
    test_scenario("%zu", i);
    test_bucket_begin(&bucket, NULL);
    const test_server_step step = {.method = i == 0 ? "PUT" : "POST",
                                   .target = i == 0 ? NULL : "uploadId=",
                                   .adapt = take_twice,
                                   .context = &bucket};
    test_bucket_faults(&bucket, &step, 1);
    test_require_status(test_bucket_write(&bucket, NAME, contents[i]).status, FHX_OK);
    test_require(strcmp(test_bucket_content(&bucket, NAME), contents[i]) == 0);
    test_bucket_end(&bucket);
  }
}

/* The first end was open, the next one is refused or cannot be sent: neither says that there is no
   object. */
static void test_open_stays_open(void **state) {
  (void)state;
  test_bucket bucket;
  const test_bucket_knobs knobs = {.retry_us = 1};
  test_bucket_begin(&bucket, &knobs);
  /* In their order: the pieces' end is lost, there is no object yet, and then nothing is allowed.
   */
  const test_server_step steps[] = {
      {.method = "POST", .target = "uploadId=", .times = 1, .fault = TEST_SERVER_CLOSES},
      {.method = "HEAD", .times = 2, .adapt = test_bucket_take, .context = &bucket},
      {.method = "POST", .target = "uploadId=", .status = 403},
      {.method = "HEAD", .status = 403}};
  test_bucket_faults(&bucket, steps, COUNT(steps));
  bucket.bucket->again_us = 20000000;
  test_require_status(test_bucket_write(&bucket, NAME, large).status, FHX_ERR_UNKNOWN_OUTCOME);
  test_bucket_end(&bucket);
}

/* A PUT that was lost may still come: that the next one is refused says nothing of it. */
static void test_lost_stays_open(void **state) {
  (void)state;
  static const test_server_step steps[] = {
      {.method = "PUT", .times = 1, .fault = TEST_SERVER_CLOSES},
      {.method = "PUT", .status = 403, .body = TEST_BUCKET_ERROR("AccessDenied")}};
  test_bucket bucket;
  test_bucket_begin(&bucket, NULL);
  test_bucket_faults(&bucket, steps, COUNT(steps));
  test_require_status(test_bucket_write(&bucket, NAME, small).status, FHX_ERR_UNKNOWN_OUTCOME);
  test_bucket_end(&bucket);
}

/* --- what fails --- */

static void test_failing(void **state) {
  (void)state;
  static const fault_case cases[] = {
      {.what = "always throttled",
       .content = small,
       .step = {.method = "PUT", .status = 503, .body = TEST_BUCKET_ERROR("SlowDown")},
       .status = FHX_ERR_DESTINATION,
       .retryable = 1,
       .words = "busy",
       .retry_us = 300000},
      {.what = "pieces always throttled",
       .content = large,
       .step = {.method = "PUT", .status = 503, .body = TEST_BUCKET_ERROR("SlowDown")},
       .status = FHX_ERR_DESTINATION,
       .retryable = 1,
       .words = "busy",
       .retry_us = 300000},
      {.what = "no ETag ever",
       .content = large,
       .step = {.method = "PUT"},
       .status = FHX_ERR_DESTINATION,
       .retryable = 1,
       .words = "ETag",
       .retry_us = 300000},
      {.what = "denied",
       .content = small,
       .step = {.method = "PUT", .status = 403, .body = TEST_BUCKET_ERROR("AccessDenied")},
       .status = FHX_ERR_DENIED,
       .words = "s3:PutObject"},
      {.what = "a piece denied",
       .content = large,
       .step = {.method = "PUT", .status = 403, .body = TEST_BUCKET_ERROR("AccessDenied")},
       .status = FHX_ERR_DENIED,
       .words = "s3:PutObject"},
      {.what = "too large",
       .content = small,
       .step = {.method = "PUT", .status = 400, .body = TEST_BUCKET_ERROR("EntityTooLarge")},
       .status = FHX_ERR_LIMIT,
       .words = "larger"},
      {.what = "full",
       .content = large,
       .step = {.method = "PUT", .status = 403, .body = TEST_BUCKET_ERROR("QuotaExceeded")},
       .status = FHX_ERR_NO_SPACE,
       .words = "quota"},
      {.what = "another region",
       .content = large,
       .step = {.method = "POST",
                .status = 301,
                .headers = "x-amz-bucket-region: eu-west-1\r\n",
                .body = TEST_BUCKET_ERROR("PermanentRedirect")},
       .status = FHX_ERR_DESTINATION,
       .words = "eu-west-1"},
      {.what = "keys that have ended and cannot be renewed",
       .content = small,
       .step = {.method = "PUT", .status = 400, .body = TEST_BUCKET_ERROR("ExpiredToken")},
       .status = FHX_ERR_DENIED,
       .retryable = 1,
       .words = "have ended"},
      {.what = "an upload without a name",
       .content = large,
       .step = {.method = "POST", .target = "uploads=", .body = "<InitiateMultipartUploadResult/>"},
       .status = FHX_ERR_DESTINATION,
       .retryable = 1,
       .words = "without saying which"},
      {.what = "the upload is gone",
       .content = large,
       .step = {.method = "POST",
                .target = "uploadId=",
                .status = 404,
                .body = TEST_BUCKET_ERROR("NoSuchUpload")},
       .status = FHX_ERR_DESTINATION,
       .retryable = 1,
       .words = "no longer knows"},
      {.what = "a piece of an upload that is gone",
       .content = large,
       .step = {.method = "PUT", .status = 404, .body = TEST_BUCKET_ERROR("NoSuchUpload")},
       .status = FHX_ERR_DESTINATION,
       .retryable = 1,
       .words = "no longer knows"},
      {.what = "the end refused",
       .content = large,
       .step = {.method = "POST", .target = "uploadId=", .body = TEST_BUCKET_ERROR("InvalidPart")},
       .status = FHX_ERR_DESTINATION,
       .words = "(200 InvalidPart)"},
      {.what = "the end meets another writer",
       .content = large,
       .step = {.method = "POST",
                .target = "uploadId=",
                .status = 409,
                .body = TEST_BUCKET_ERROR("ConditionalRequestConflict")},
       .status = FHX_ERR_DESTINATION,
       .retryable = 1,
       .words = "under way"},
      {.what = "the end fails for ever",
       .content = large,
       .step = {.method = "POST",
                .target = "uploadId=",
                .status = 500,
                .body = TEST_BUCKET_ERROR("InternalError")},
       .status = FHX_ERR_DESTINATION,
       .retryable = 1,
       .words = "asked several times",
       .retry_us = 200000},
      {.what = "the end fails for ever under a 200",
       .content = large,
       .step = {.method = "POST",
                .target = "uploadId=",
                .body = TEST_BUCKET_ERROR("InternalError")},
       .status = FHX_ERR_DESTINATION,
       .retryable = 1,
       .words = "asked several times",
       .retry_us = 200000},
      {.what = "the end is lost for ever",
       .content = large,
       .step = {.method = "POST", .target = "uploadId=", .fault = TEST_SERVER_CLOSES},
       .status = FHX_ERR_DESTINATION,
       .retryable = 1,
       .words = "asked several times",
       .retry_us = 200000},
      {.what = "all answers to the beginning lost",
       .content = large,
       .step = {.method = "POST", .target = "uploads=", .fault = TEST_SERVER_CLOSES},
       .is_taken = true,
       .status = FHX_ERR_IO,
       .retryable = 1,
       .retry_us = 300000},
      /* A PUT whose answer is lost may be on its way still. */
      {.what = "all of an object lost",
       .content = small,
       .step = {.method = "PUT", .fault = TEST_SERVER_CLOSES},
       .status = FHX_ERR_UNKNOWN_OUTCOME,
       .retryable = 1,
       .words = "not known",
       .retry_us = 200000},
      {.what = "nothing is said about the object",
       .content = small,
       .step = {.method = "HEAD", .status = 403},
       .status = FHX_ERR_UNKNOWN_OUTCOME,
       .retryable = 1,
       .words = "s3:GetObject"},
      {.what = "nothing is said about the end",
       .content = large,
       .step = {.method = "HEAD", .status = 403},
       .status = FHX_ERR_UNKNOWN_OUTCOME,
       .retryable = 1,
       .words = "s3:GetObject"},
      {.what = "no length",
       .content = small,
       .step = {.method = "HEAD", .raw = "HTTP/1.1 200 OK\r\n\r\n"},
       .status = FHX_ERR_UNKNOWN_OUTCOME,
       .retryable = 1,
       .words = "how long"},
      {.what = "the object vanishes",
       .content = small,
       .step = {.method = "HEAD", .status = 404, .headers = "Content-Length: 0\r\n"},
       .status = FHX_ERR_UNKNOWN_OUTCOME,
       .retryable = 1,
       .words = "said that there is none"},
      {.what = "fewer bytes are kept",
       .content = small,
       .step = {.method = "HEAD", .headers = "Content-Length: 3\r\n"},
       .status = FHX_ERR_DESTINATION,
       .retryable = 1,
       .words = "another number of bytes"},
  };
  run_cases(cases, COUNT(cases));
}

/* Whoever listens there is gone: nothing was sent, and that is definite. */
static void test_nobody_there(void **state) {
  (void)state;
  test_bucket bucket;
  const test_bucket_knobs knobs = {.retry_us = 200000};
  test_bucket_begin(&bucket, &knobs);
  test_server_end(bucket.server);
  test_bucket_outcome got = test_bucket_write(&bucket, NAME, small);
  assert_int_equal(got.status, FHX_ERR_IO);
  assert_int_equal(got.retryable, 1);
  bucket.server = NULL;
  test_bucket_end(&bucket);
}

static void test_clock(void **state) {
  (void)state;
  char headers[100], date[FHX__HTTP_DATE_MAX];
  test_bucket bucket;
  test_bucket_begin(&bucket, NULL);
  /* Half a minute more than the whole ones, so that it does not matter how long the test takes. */
  fhx__http_date(date, fhx__clock_now_us() - INT64_C(43) * 60000000 - 30000000);
  snprintf(headers, sizeof headers, "Date: %s\r\n", date);
  const test_server_step step = {.method = "PUT",
                                 .status = 403,
                                 .headers = headers,
                                 .body = TEST_BUCKET_ERROR("RequestTimeTooSkewed")};
  test_bucket_faults(&bucket, &step, 1);
  test_bucket_outcome got = test_bucket_write(&bucket, NAME, small);
  assert_int_equal(got.status, FHX_ERR_DENIED);
  assert_non_null(strstr(got.message, "43 minutes off"));
  test_bucket_end(&bucket);
}

/* --- names that are taken --- */

static void test_exists(void **state) {
  (void)state;
  static const char *const contents[] = {small, large};
  for (size_t i = 0; i < COUNT(contents); i++) {
    for (int without_marks = 0; without_marks < 2; without_marks++) {
      test_bucket bucket;
      const test_bucket_knobs knobs = {.without_marks = without_marks != 0};
      test_scenario("%zu, %d", i, without_marks);
      test_bucket_begin(&bucket, &knobs);
      test_bucket_put(&bucket, NAME, "of another");
      test_require_status(test_bucket_write(&bucket, NAME, contents[i]).status, FHX_ERR_EXISTS);
      test_require(strcmp(test_bucket_content(&bucket, NAME), "of another") == 0);
      test_require(test_bucket_upload_count(&bucket) == 0);
      test_bucket_end(&bucket);
    }
  }
}

/* The name is taken while the pieces are on their way. */
static void test_exists_at_end(void **state) {
  (void)state;
  test_bucket bucket;
  fhx__s3_upload *upload = NULL;
  test_bucket_begin(&bucket, NULL);
  assert_int_equal(fhx__s3_upload_begin(bucket.bucket, NAME, &upload, NULL), FHX_OK);
  assert_int_equal(fhx__s3_upload_write(upload, large, strlen(large), NULL), FHX_OK);
  assert_int_equal(test_bucket_upload_count(&bucket), 1);
  test_bucket_put(&bucket, NAME, "of another");
  assert_int_equal(fhx__s3_upload_commit(upload, strlen(large), NULL), FHX_ERR_EXISTS);
  assert_string_equal(test_bucket_content(&bucket, NAME), "of another");
  assert_int_equal(test_bucket_upload_count(&bucket), 0);
  test_bucket_end(&bucket);
}

/* Without marks an object of one piece is known by its MD5, and one of several not at all. */
static void test_without_marks(void **state) {
  (void)state;
  static const struct {
    const char *content;
    const char *method;
    int32_t status;
  } rows[] = {{small, "PUT", FHX_OK}, {large, "POST", FHX_ERR_UNKNOWN_OUTCOME}};
  for (size_t i = 0; i < COUNT(rows); i++) {
    test_bucket bucket;
    const test_bucket_knobs knobs = {.without_marks = true, .retry_us = 300000};
    test_scenario("%s", rows[i].method);
    test_bucket_begin(&bucket, &knobs);
    test_require_status(test_bucket_write(&bucket, NAME, rows[i].content).status, FHX_OK);
    test_bucket_end(&bucket);
    test_bucket_begin(&bucket, &knobs);
    const test_server_step step = {
        .method = rows[i].method,
        .target = i == 0 ? NULL : "uploadId=",
        .fault = TEST_SERVER_CLOSES,
        .adapt = test_bucket_take,
        .context = &bucket,
    };
    test_bucket_faults(&bucket, &step, 1);
    test_require_status(test_bucket_write(&bucket, NAME, rows[i].content).status, rows[i].status);
    test_bucket_end(&bucket);
  }
}

/* --- removing --- */

static char *begin_upload(test_bucket *bucket, const char *name) {
  char *id = NULL;
  assert_int_equal(
      fhx__s3_upload_create(bucket->bucket, name, NULL, NULL, true, 0, &id, NULL, NULL), FHX_OK);
  return id;
}

static void test_remove(void **state) {
  (void)state;
  static const char *const names[] = {NAME, NAME ".gz", NAME, "other", NAME};
  test_bucket bucket;
  test_bucket_begin(&bucket, NULL);
  for (size_t i = 0; i < COUNT(names); i++) fhx__wipe_text(begin_upload(&bucket, names[i]));
  test_bucket_put(&bucket, NAME, "a");
  assert_int_equal(fhx__s3_uploads_end_all(bucket.bucket, NAME, true, 0, NULL), FHX_OK);
  assert_int_equal(test_bucket_upload_count(&bucket), 2);
  assert_int_equal(fhx__s3_object_delete(bucket.bucket, NAME, 0, NULL), FHX_OK);
  assert_int_equal(fhx__s3_object_delete(bucket.bucket, NAME, 0, NULL), FHX_OK);
  assert_int_equal(test_bucket_object_count(&bucket), 0);
  test_bucket_end(&bucket);
}

/* A list that stands still is not followed for ever. */
static void test_endless_list(void **state) {
  (void)state;
  const test_server_step step = {
      .method = "GET",
      .body =
          "<ListMultipartUploadsResult><IsTruncated>true</IsTruncated><NextKeyMarker>a"
          "</NextKeyMarker><NextUploadIdMarker>b</NextUploadIdMarker>"
          "</ListMultipartUploadsResult>"};
  test_bucket bucket;
  test_bucket_begin(&bucket, NULL);
  test_bucket_faults(&bucket, &step, 1);
  assert_int_equal(fhx__s3_uploads_end_all(bucket.bucket, NAME, true, 0, NULL), FHX_OK);
  assert_int_equal(test_server_count(bucket.server), 2);
  test_bucket_end(&bucket);
}

static void test_remove_refused(void **state) {
  (void)state;
  const test_server_step steps[] = {
      {.method = "GET", .status = 403, .body = TEST_BUCKET_ERROR("AccessDenied")},
      {.method = "DELETE", .status = 403, .body = TEST_BUCKET_ERROR("AccessDenied")}};
  test_bucket bucket;
  fhx_error *error = NULL;
  test_bucket_begin(&bucket, NULL);
  test_bucket_faults(&bucket, steps, 2);
  int32_t status = fhx__s3_uploads_end_all(bucket.bucket, NAME, true, 0, &error);
  test_bucket_outcome got = test_bucket_outcome_of(status, error);
  assert_int_equal(got.status, FHX_ERR_DENIED);
  assert_non_null(strstr(got.message, "s3:ListBucketMultipartUploads"));
  error = NULL;
  status = fhx__s3_object_delete(bucket.bucket, NAME, 0, &error);
  got = test_bucket_outcome_of(status, error);
  assert_int_equal(got.status, FHX_ERR_DENIED);
  assert_non_null(strstr(got.message, "s3:DeleteObject"));
  test_bucket_end(&bucket);
}

/* --- memory --- */

static test_bucket_outcome exhaust(const char *content, uint64_t n, bool *reached) {
  test_bucket bucket;
  const test_bucket_knobs knobs = {.without_thread = true, .retry_us = 2000000};
  test_memory_begin(0);
  test_bucket_begin(&bucket, &knobs);
  test_memory_fail_next(n);
  test_bucket_outcome got = test_bucket_write(&bucket, NAME, content);
  *reached = test_memory_has_failed();
  const char *stored = test_bucket_content(&bucket, NAME);
  if (got.status == FHX_OK) {
    test_require(stored != NULL && strcmp(stored, content) == 0);
  } else if (got.status != FHX_ERR_UNKNOWN_OUTCOME) {
    test_require(stored == NULL);
  }
  test_bucket_end(&bucket);
  test_memory_end();
  return got;
}

static void test_out_of_memory(void **state) {
  (void)state;
  static const char *const contents[] = {small, large};
  for (size_t i = 0; i < COUNT(contents); i++) {
    uint64_t failures = 0;
    bool reached = true;
    for (uint64_t n = 1; reached; n++) {
      test_scenario("content %zu, allocation %u", i, (unsigned int)n);
      test_bucket_outcome got = exhaust(contents[i], n, &reached);
      test_require(reached || got.status == FHX_OK);
      failures += got.status != FHX_OK;
    }
    test_require(failures > 20);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_passing),         cmocka_unit_test(test_taken),
      cmocka_unit_test(test_taken_twice),     cmocka_unit_test(test_open_stays_open),
      cmocka_unit_test(test_lost_stays_open), cmocka_unit_test(test_failing),
      cmocka_unit_test(test_nobody_there),    cmocka_unit_test(test_clock),
      cmocka_unit_test(test_exists),          cmocka_unit_test(test_exists_at_end),
      cmocka_unit_test(test_without_marks),   cmocka_unit_test(test_remove),
      cmocka_unit_test(test_endless_list),    cmocka_unit_test(test_remove_refused),
      cmocka_unit_test(test_out_of_memory)};
  test_bucket_fill(small, sizeof small);
  test_bucket_fill(large, sizeof large);
  return cmocka_run_group_tests(tests, NULL, NULL);
}
