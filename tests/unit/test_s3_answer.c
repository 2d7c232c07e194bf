/* What stores answer: their errors as statuses and sentences, regions, clocks, lists. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

#include "core/alloc.h"
#include "s3/answer.h"
#include "support/memory.h"

#define DECLARATION "<?xml version=\"1.0\" encoding=\"UTF-8\"?>"
#define SECRET "hidden-from-everybody"

static fhx__s3_answer read_text(uint32_t http_status, const char *text) {
  fhx__s3_answer answer;
  fhx__s3_answer_read(&answer, http_status, text, strlen(text));
  return answer;
}

static fhx__s3_answer read_code(uint32_t http_status, const char *code) {
  char text[512];
  snprintf(text, sizeof text,
           DECLARATION "<Error><Code>%s</Code><Message>" SECRET "</Message><Key>" SECRET
                       "</Key><RequestId>1</RequestId></Error>",
           code);
  return read_text(http_status, text);
}

static void check(uint32_t http_status, const char *code, int32_t status, uint32_t retryable,
                  const char *part) {
  fhx_error *error = NULL;
  fhx__s3_answer answer = read_code(http_status, code);
  assert_int_equal(fhx__s3_answer_fail(&answer, "s3:PutObject", 0, &error), status);
  assert_int_equal(fhx_error_status(error), status);
  assert_int_equal(fhx_error_retryable(error), retryable);
  assert_non_null(strstr(fhx_error_message(error), part));
  assert_null(strstr(fhx_error_message(error), SECRET));
  fhx_error_free(error);
}

static void test_codes(void **state) {
  (void)state;
  check(403, "AccessDenied", FHX_ERR_DENIED, 0, "s3:PutObject");
  check(404, "NoSuchBucket", FHX_ERR_DESTINATION, 0, "bucket does not exist");
  check(404, "NoSuchKey", FHX_ERR_NOT_FOUND, 0, "no object");
  check(404, "NoSuchUpload", FHX_ERR_DESTINATION, 1, "no longer knows the upload");
  check(403, "SignatureDoesNotMatch", FHX_ERR_DENIED, 0, "secret access key");
  check(403, "InvalidAccessKeyId", FHX_ERR_DENIED, 0, "access key id");
  check(400, "ExpiredToken", FHX_ERR_DENIED, 1, "have ended");
  check(301, "PermanentRedirect", FHX_ERR_DESTINATION, 0, "another region");
  check(400, "EntityTooLarge", FHX_ERR_LIMIT, 0, "larger");
  check(503, "SlowDown", FHX_ERR_DESTINATION, 1, "busy");
  check(500, "InternalError", FHX_ERR_DESTINATION, 1, "fault of its own");
  check(403, "QuotaExceeded", FHX_ERR_NO_SPACE, 0, "quota");
  check(507, "XMinioStorageFull", FHX_ERR_NO_SPACE, 0, "no space");
  check(412, "PreconditionFailed", FHX_ERR_EXISTS, 0, "exists");
  check(409, "ConditionalRequestConflict", FHX_ERR_DESTINATION, 1, "under way");
  check(400, "BadDigest", FHX_ERR_DESTINATION, 1, "changed or lost");
  check(501, "NotImplemented", FHX_ERR_UNSUPPORTED, 0, "s3:PutObject");
  check(400, "InvalidStorageClass", FHX_ERR_DESTINATION, 0, "(400 InvalidStorageClass)");
  /* What is no word is not shown. */
  check(400, "Invalid " SECRET, FHX_ERR_DESTINATION, 0, "(400)");
}

static void test_without_document(void **state) {
  (void)state;
  static const struct {
    uint32_t http_status;
    fhx__s3_code code;
  } rows[] = {{200, FHX__S3_DONE},           {204, FHX__S3_DONE},   {301, FHX__S3_OTHER_REGION},
              {400, FHX__S3_OTHER},          {403, FHX__S3_DENIED}, {404, FHX__S3_NO_OBJECT},
              {409, FHX__S3_CONFLICT},       {412, FHX__S3_EXISTS}, {413, FHX__S3_TOO_LARGE},
              {429, FHX__S3_BUSY},           {500, FHX__S3_FAULT},  {502, FHX__S3_FAULT},
              {501, FHX__S3_ABSENT_FEATURE}, {503, FHX__S3_BUSY},   {507, FHX__S3_NO_SPACE}};
  static const char *const damaged[] = {"<Error><Code>NoSuchBucket</Co", "plain text",
                                        "<!DOCTYPE a><Error><Code>NoSuchBucket</Code></Error>"};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    assert_int_equal(read_text(rows[i].http_status, "").code, rows[i].code);
    for (size_t j = 0; j < sizeof damaged / sizeof *damaged; j++) {
      fhx__s3_code code = rows[i].code == FHX__S3_DONE ? FHX__S3_UNREADABLE : rows[i].code;
      assert_int_equal(read_text(rows[i].http_status, damaged[j]).code, code);
    }
  }
}

/* The end of an upload may fail under a 200. */
static void test_error_in_success(void **state) {
  (void)state;
  assert_int_equal(read_code(200, "InternalError").code, FHX__S3_FAULT);
  assert_int_equal(read_code(200, "SomethingNew").code, FHX__S3_OTHER);
  assert_int_equal(read_text(200, "<Error/>").code, FHX__S3_OTHER);
  assert_int_equal(
      read_text(200, "<CompleteMultipartUploadResult><ETag/></CompleteMultipartUploadResult>").code,
      FHX__S3_DONE);
}

static void assert_message(const fhx__s3_answer *answer, int64_t now_us, const char *part) {
  fhx_error *error = NULL;
  fhx__s3_answer_fail(answer, "s3:PutObject", now_us, &error);
  assert_non_null(strstr(fhx_error_message(error), part));
  fhx_error_free(error);
}

static void test_regions(void **state) {
  (void)state;
  fhx__s3_answer answer = read_text(
      400, "<Error><Code>AuthorizationHeaderMalformed</Code><Region>eu-west-1</Region></Error>");
  assert_message(&answer, 0, "eu-west-1");
  answer = read_text(301, "");
  assert_message(&answer, 0, "another region");
  fhx__s3_answer_set_region(&answer, "Not A Region");
  fhx__s3_answer_set_region(&answer, "-x");
  fhx__s3_answer_set_region(&answer, "");
  assert_string_equal(answer.region, "");
  fhx__s3_answer_set_region(&answer, "ap-southeast-2");
  assert_message(&answer, 0, "ap-southeast-2");
}

#define AT_1994 (INT64_C(784111777) * 1000000) /* Sun, 06 Nov 1994 08:49:37 GMT */

static void test_clocks(void **state) {
  (void)state;
  fhx__s3_answer answer = read_text(403,
                                    "<Error><Code>RequestTimeTooSkewed</Code>"
                                    "<ServerTime>1994-11-06T08:49:37Z</ServerTime></Error>");
  assert_int_equal(answer.server_us, AT_1994);
  assert_message(&answer, AT_1994 - INT64_C(17) * 60000000, "17 minutes off");
  assert_message(&answer, AT_1994 + INT64_C(125) * 60000000, "125 minutes off");
  answer = read_code(403, "RequestTimeTooSkewed");
  assert_message(&answer, AT_1994, "too far off");
  static const char *const none[] = {
      "", "06 Nov 1994 08:49:37 GMT", "Sun, 06 Now 1994 08:49:37 GMT",
      "Sun, 31 Feb 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 CET"};
  for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
    fhx__s3_answer_set_date(&answer, none[i]);
    assert_int_equal(answer.server_us, 0);
  }
  fhx__s3_answer_set_date(&answer, "Sun, 06 Nov 1994 08:49:37 GMT");
  assert_int_equal(answer.server_us, AT_1994);
}

static int32_t read_id(const char *text, char **id) {
  fhx_error *error = NULL;
  int32_t status = fhx__s3_read_upload_id(text, strlen(text), id, &error);
  assert_int_equal(fhx_error_status(error), status);
  fhx_error_free(error);
  return status;
}

static void test_upload_id(void **state) {
  (void)state;
  char *id = NULL;
  assert_int_equal(read_id("<InitiateMultipartUploadResult xmlns=\"http://s3.amazonaws.com/doc/\">"
                           "<Bucket>b</Bucket><UploadId>2~a.b</UploadId>"
                           "</InitiateMultipartUploadResult>",
                           &id),
                   FHX_OK);
  assert_string_equal(id, "2~a.b");
  fhx__free(id);
  static const char *const none[] = {
      "", "<InitiateMultipartUploadResult/>", "<UploadId>a</UploadId>",
      "<InitiateMultipartUploadResult><UploadId/></InitiateMultipartUploadResult>",
      "<InitiateMultipartUploadResult><UploadId>a</UploadId>"};
  for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
    assert_int_equal(read_id(none[i], &id), FHX_ERR_DESTINATION);
  }
}

static const char listed[] =
    "<ListMultipartUploadsResult><Bucket>b</Bucket><KeyMarker/>"
    "<NextKeyMarker>j/a.ndjson.gz</NextKeyMarker><NextUploadIdMarker>4</NextUploadIdMarker>"
    "<IsTruncated>true</IsTruncated>"
    "<Upload><Key>j/a.ndjson</Key><UploadId>1</UploadId><Initiator><ID>9</ID></Initiator></Upload>"
    "<Upload><UploadId>2</UploadId><Key>j/a.ndjson</Key></Upload>"
    "<Upload><Key>j/a.ndjson.gz</Key><UploadId>3</UploadId></Upload>"
    "<Upload><Key>j/a.ndjson</Key></Upload>"
    "<Upload><UploadId>5</UploadId></Upload>"
    "</ListMultipartUploadsResult>";

static int32_t read_list(void) {
  fhx__s3_uploads uploads;
  fhx_error *error = NULL;
  memset(&uploads, 0, sizeof uploads);
  int32_t status = fhx__s3_read_uploads(listed, sizeof listed - 1, "j/a.ndjson", &uploads, &error);
  if (status == FHX_OK) {
    assert_true(uploads.is_truncated);
    assert_int_equal(uploads.ids.len, 4);
    assert_memory_equal(uploads.ids.data, "1\0002", 4);
    assert_string_equal(uploads.key_marker.data, "j/a.ndjson.gz");
    assert_string_equal(uploads.id_marker.data, "4");
  }
  fhx__s3_uploads_end(&uploads);
  fhx_error_free(error);
  return status;
}

static void test_list(void **state) {
  (void)state;
  fhx__s3_uploads uploads;
  memset(&uploads, 0, sizeof uploads);
  assert_int_equal(read_list(), FHX_OK);
  assert_int_equal(fhx__s3_read_uploads(listed, sizeof listed - 3, "a", &uploads, NULL),
                   FHX_ERR_DESTINATION);
  fhx__s3_uploads_end(&uploads);
}

static void test_out_of_memory(void **state) {
  (void)state;
  static const char begun[] =
      "<InitiateMultipartUploadResult><UploadId>a</UploadId></InitiateMultipartUploadResult>";
  for (uint64_t n = 1;; n++) {
    char *id = NULL;
    test_memory_begin(n);
    int32_t status = read_id(begun, &id);
    if (status == FHX_OK) status = read_list();
    fhx__free(id);
    if (!test_memory_end()) {
      assert_int_equal(status, FHX_OK);
      assert_true(n > 5);
      return;
    }
    assert_int_equal(status, FHX_ERR_NO_MEMORY);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_codes),
                                     cmocka_unit_test(test_without_document),
                                     cmocka_unit_test(test_error_in_success),
                                     cmocka_unit_test(test_regions),
                                     cmocka_unit_test(test_clocks),
                                     cmocka_unit_test(test_upload_id),
                                     cmocka_unit_test(test_list),
                                     cmocka_unit_test(test_out_of_memory)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
