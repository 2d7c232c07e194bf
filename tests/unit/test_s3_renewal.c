/* Credentials that end in the middle of a part. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

#include "s3/upload.h"
#include "s3_fixture.h"
#include "support/require.h"

#define NAME "job/Patient-0-1-1.ndjson"
#define PIECE TEST_BUCKET_PIECE
#define COUNT(of) (sizeof(of) / sizeof *(of))

/* What is written: one piece, or several. */
static char small[PIECE / 2], large[3 * PIECE + 10];

typedef struct host {
  int calls;
} host;

static void give_key(void *user_data, fhx_reply *reply) {
  host *self = user_data;
  char id[20];
  fhx_s3_credentials given;
  FHX_INIT(&given);
  snprintf(id, sizeof id, "HOST%d", ++self->calls);
  given.access_key_id = id;
  given.secret_access_key = "s";
  given.session_token = "t";
  fhx_reply_s3_credentials(reply, &given);
}

#define FIRST_KEY "Credential=HOST1/"

/* Renewed once, and the request is repeated; a HEAD says it without a document. */
static void test_renewed(void **state) {
  (void)state;
  static const test_server_step steps[] = {
      {.method = "PUT",
       .header = FIRST_KEY,
       .status = 400,
       .body = TEST_BUCKET_ERROR("ExpiredToken")},
      {.method = "PUT",
       .header = FIRST_KEY,
       .status = 403,
       .body = TEST_BUCKET_ERROR("InvalidAccessKeyId")},
      {.method = "HEAD", .header = FIRST_KEY, .status = 400},
      {.method = "POST",
       .target = "uploads=",
       .header = FIRST_KEY,
       .status = 400,
       .body = TEST_BUCKET_ERROR("ExpiredToken")},
      {.method = "POST",
       .target = "uploadId=",
       .header = FIRST_KEY,
       .status = 400,
       .body = TEST_BUCKET_ERROR("ExpiredToken")},
  };
  for (size_t i = 0; i < COUNT(steps); i++) {
    host self = {0};
    test_bucket bucket;
    const test_bucket_knobs knobs = {.credentials = give_key, .user_data = &self};
    test_scenario("step %zu", i);
    test_bucket_begin(&bucket, &knobs);
    test_bucket_faults(&bucket, &steps[i], 1);
    fhx__s3_upload *upload = NULL;
    const char *content = i < 3 ? small : large;
    size_t len = strlen(content);
    test_require_status(fhx__s3_upload_begin(bucket.bucket, NAME, &upload, NULL), FHX_OK);
    int32_t status = fhx__s3_upload_write(upload, content, len, NULL);
    if (i == 3) {
      /* part_write must not call the host: the part is lost, and the next one is well. */
      test_require_status(status, FHX_ERR_DENIED);
      fhx__s3_upload_abort(upload);
      test_require_status(test_bucket_write(&bucket, NAME, content).status, FHX_OK);
    } else {
      test_require_status(status, FHX_OK);
      test_require_status(fhx__s3_upload_commit(upload, len, NULL), FHX_OK);
    }
    test_require(strcmp(test_bucket_content(&bucket, NAME), content) == 0);
    test_require(self.calls == 2);
    test_bucket_end(&bucket);
  }
}

static void test_renewed_once(void **state) {
  (void)state;
  const test_server_step step = {
      .method = "PUT", .status = 400, .body = TEST_BUCKET_ERROR("ExpiredToken")};
  host self = {0};
  test_bucket bucket;
  const test_bucket_knobs knobs = {.credentials = give_key, .user_data = &self};
  test_bucket_begin(&bucket, &knobs);
  test_bucket_faults(&bucket, &step, 1);
  test_bucket_outcome got = test_bucket_write(&bucket, NAME, small);
  assert_int_equal(got.status, FHX_ERR_DENIED);
  assert_int_equal(got.retryable, 1);
  assert_int_equal(self.calls, 2);
  assert_int_equal(test_server_count_of(bucket.server, "PUT", NULL), 2);
  test_bucket_end(&bucket);
}

static void next_key(void *context, const test_server_request *request, test_server_step *step) {
  static const char *const documents[] = {"{\"AccessKeyId\":\"HOST1\",\"SecretAccessKey\":\"s\"}",
                                          "{\"AccessKeyId\":\"HOST2\",\"SecretAccessKey\":\"s\"}"};
  int *calls = context;
  (void)request;
  step->body = documents[(*calls)++ > 0];
}

/* A bucket whose keys come from an endpoint, which takes so long for the second ones. */
static test_server *begin_by_endpoint(test_bucket *bucket, int *calls, int64_t pause_us) {
  const test_server_step keys[] = {
      {.method = "GET", .adapt = next_key, .context = calls, .times = 1},
      {.method = "GET", .adapt = next_key, .context = calls, .pause_us = pause_us}};
  const test_bucket_knobs knobs = {.from_environment = true};
  test_server *endpoint = test_server_start(keys, COUNT(keys));
  setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", test_server_url(endpoint), 1);
  setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent/credentials", 1);
  unsetenv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
  unsetenv("AWS_ACCESS_KEY_ID");
  test_bucket_begin(bucket, &knobs);
  unsetenv("AWS_CONTAINER_CREDENTIALS_FULL_URI");
  return endpoint;
}

/* Where no host is called, pieces are repeated in the middle of a part too. */
static void test_renewed_by_endpoint(void **state) {
  (void)state;
  int calls = 0;
  test_bucket bucket;
  const test_server_step fault = {.method = "PUT",
                                  .header = FIRST_KEY,
                                  .status = 400,
                                  .body = TEST_BUCKET_ERROR("ExpiredToken")};
  test_server *endpoint = begin_by_endpoint(&bucket, &calls, 0);
  test_bucket_faults(&bucket, &fault, 1);
  char content[10 * PIECE];
  test_bucket_fill(content, sizeof content);
  assert_int_equal(test_bucket_write(&bucket, NAME, content).status, FHX_OK);
  assert_string_equal(test_bucket_content(&bucket, NAME), content);
  assert_int_equal(calls, 2);
  test_bucket_end(&bucket);
  test_server_end(endpoint);
}

/* A piece whose turn to be signed comes while another's keys are refused and none are there yet. */
static void test_signed_meanwhile(void **state) {
  (void)state;
  int calls = 0;
  test_bucket bucket;
  const test_server_step faults[] = {
      {.method = "PUT",
       .target = "partNumber=1&",
       .header = FIRST_KEY,
       .status = 400,
       .body = TEST_BUCKET_ERROR("ExpiredToken")},
      {.method = "PUT",
       .target = "partNumber=2&",
       .times = 1,
       .status = 503,
       .body = TEST_BUCKET_ERROR("SlowDown"),
       .pause_us = 200000},
  };
  test_server *endpoint = begin_by_endpoint(&bucket, &calls, 1000000);
  test_bucket_faults(&bucket, faults, COUNT(faults));
  char content[10 * PIECE];
  test_bucket_fill(content, sizeof content);
  assert_int_equal(test_bucket_write(&bucket, NAME, content).status, FHX_OK);
  assert_string_equal(test_bucket_content(&bucket, NAME), content);
  assert_int_equal(calls, 2);
  test_bucket_end(&bucket);
  test_server_end(endpoint);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_renewed), cmocka_unit_test(test_renewed_once),
      cmocka_unit_test(test_renewed_by_endpoint), cmocka_unit_test(test_signed_meanwhile)};
  test_bucket_fill(small, sizeof small);
  test_bucket_fill(large, sizeof large);
  return cmocka_run_group_tests(tests, NULL, NULL);
}
