/* The S3 destination behind the table of callbacks: its options, URLs, and what a client waits
   for. */
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
#include "destination/destination.h"
#include "s3/bucket.h"
#include "support/memory.h"
#include "support/require.h"
#include "support/scripted_server.h"

#define COUNT(of) (sizeof(of) / sizeof *(of))
#define DAY_US (INT64_C(86400) * 1000000)
#define SECRET "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"

static const char *const settings[] = {
    "AWS_REGION",          "AWS_DEFAULT_REGION",
    "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL",
    "AWS_ACCESS_KEY_ID",   "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",   "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "https_proxy",         "http_proxy"};

static int clean(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(settings); i++) unsetenv(settings[i]);
  return 0;
}

static void count_end(void *user_data) {
  ++*(int *)user_data;
}

static fhx_s3_options options_of(int *ends) {
  fhx_s3_options options;
  FHX_INIT(&options);
  options.bucket = "a-bucket";
  options.endpoint = "http://127.0.0.1:9";
  options.access_key_id = "AKIDEXAMPLE";
  options.secret_access_key = SECRET;
  options.destroy = count_end;
  options.user_data = ends;
  return options;
}

/* --- options --- */

static void refuse(const fhx_s3_options *options, const int *ends, const char *words) {
  fhx_destination *destination = NULL;
  fhx_error *error = NULL;
  int before = *ends;
  test_require_status(fhx_s3_destination_new(options, &destination, &error), FHX_ERR_ARGUMENT);
  test_require(destination == NULL);
  test_require(*ends == before + 1);
  if (strstr(fhx_error_message(error), words) == NULL) {
    print_message("said: %s\n", fhx_error_message(error));
  }
  test_require(strstr(fhx_error_message(error), words) != NULL);
  test_require(strstr(fhx_error_message(error), "hidden") == NULL);
  fhx_error_free(error);
}

static void test_texts_refused(void **state) {
  (void)state;
  static const struct {
    size_t member;
    const char *words;
    const char *values[8];
  } rows[] = {
      {offsetof(fhx_s3_options, bucket),
       "3 to 255",
       {"ab", "hidden bucket", "hidden/", "-hidden", "hidden-", "hid..den", "", "hidden?"}},
      {offsetof(fhx_s3_options, prefix),
       "prefix",
       {"/hidden", "hidden/", "hid//den", "hid/../den", ".hidden", "hid den"}},
      {offsetof(fhx_s3_options, region), "region", {"hid den", "", "hidden/x"}},
      {offsetof(fhx_s3_options, endpoint),
       "endpoint",
       {"hidden", "ftp://hidden", "http://", "http://hidden/path", "http://user@hidden",
        "https://hidden:", "https://hidden:70000", "https://hid den"}},
      {offsetof(fhx_s3_options, endpoint),
       "endpoint",
       {"https://[::1", "https://[hidden]", "https://hidden?x", "https://hidden:1x", "",
        "https://:1"}},
      {offsetof(fhx_s3_options, storage_class), "storage_class", {"hid den", "", "hid\nden"}},
      {offsetof(fhx_s3_options, encryption), "encryption", {"hid den"}},
      {offsetof(fhx_s3_options, tags), "tags", {"hidden=\r\nx: y"}},
      {offsetof(fhx_s3_options, kms_key_id), "aws:kms", {"hidden"}},
      {offsetof(fhx_s3_options, access_key_id), "visible ASCII", {"hid den"}},
      {offsetof(fhx_s3_options, secret_access_key), "visible ASCII", {"hid\nden"}},
  };
  int ends = 0;
  for (size_t i = 0; i < COUNT(rows); i++) {
    for (size_t j = 0; j < COUNT(rows[i].values) && rows[i].values[j] != NULL; j++) {
      fhx_s3_options options = options_of(&ends);
      test_scenario("%s", rows[i].values[j]);
      *(const char **)(void *)((char *)&options + rows[i].member) = rows[i].values[j];
      refuse(&options, &ends, rows[i].words);
    }
  }
}

static void test_numbers_refused(void **state) {
  (void)state;
  int ends = 0;
  fhx_s3_options options = options_of(&ends);
  test_scenario("numbers");
  options.flags = 16;
  refuse(&options, &ends, "flag");
  options = options_of(&ends);
  options.piece_bytes = 5 * 1024 * 1024 - 1;
  refuse(&options, &ends, "piece_bytes");
  options.piece_bytes = UINT64_MAX;
  refuse(&options, &ends, "piece_bytes");
  options = options_of(&ends);
  options.pieces_in_flight = 65;
  refuse(&options, &ends, "pieces_in_flight");
  options = options_of(&ends);
  options.flags = FHX_S3_UNSIGNED_PAYLOAD;
  refuse(&options, &ends, "https:");
  options = options_of(&ends);
  options.flags = FHX_S3_VIRTUAL_HOST;
  refuse(&options, &ends, "an address");
  options.endpoint = "https://example.org";
  options.bucket = "A_Bucket";
  refuse(&options, &ends, "host's name");
  options = options_of(&ends);
  options.secret_access_key = NULL;
  refuse(&options, &ends, "secret access key");
}

static void test_no_place(void **state) {
  (void)state;
  int ends = 0;
  fhx_destination *destination = NULL;
  fhx_s3_options options = options_of(&ends);
  assert_int_equal(fhx_s3_destination_new(&options, NULL, NULL), FHX_ERR_ARGUMENT);
  assert_int_equal(ends, 1);
  assert_int_equal(fhx_s3_destination_new(NULL, &destination, NULL), FHX_ERR_ARGUMENT);
  options.size = 3;
  assert_int_equal(fhx_s3_destination_new(&options, &destination, NULL), FHX_ERR_STRUCT_SIZE);
  assert_int_equal(ends, 1);
}

static void test_allowed_hosts(void **state) {
  (void)state;
  static const char *const allowed[] = {"store.example.org"};
  int ends = 0;
  fhx_destination *destination = NULL;
  fhx_http_options http;
  FHX_INIT(&http);
  http.allowed_hosts = allowed;
  http.allowed_host_count = 1;
  fhx_s3_options options = options_of(&ends);
  options.http = &http;
  options.endpoint = "https://other.example.org";
  assert_int_equal(fhx_s3_destination_new(&options, &destination, NULL), FHX_ERR_DENIED);
  options.endpoint = "https://store.example.org";
  assert_int_equal(fhx_s3_destination_new(&options, &destination, NULL), FHX_OK);
  fhx_destination_free(destination);
  assert_int_equal(ends, 2);
}

/* --- where --- */

static void assert_place(const fhx_s3_options *options, const char *scheme, const char *host,
                         const char *path) {
  fhx__s3_bucket *bucket = NULL;
  assert_int_equal(fhx__s3_bucket_new(options, &bucket, NULL), FHX_OK);
  assert_string_equal(bucket->scheme, scheme);
  assert_string_equal(bucket->host, host);
  assert_string_equal(bucket->path, path);
  fhx__s3_bucket_free(bucket);
}

static void test_places(void **state) {
  (void)state;
  int ends = 0;
  fhx_s3_options options = options_of(&ends);
  options.endpoint = NULL;
  assert_place(&options, "https://", "s3.us-east-1.amazonaws.com", "/a-bucket");
  setenv("AWS_DEFAULT_REGION", "eu-west-1", 1);
  assert_place(&options, "https://", "s3.eu-west-1.amazonaws.com", "/a-bucket");
  setenv("AWS_REGION", "cn-north-1", 1);
  assert_place(&options, "https://", "s3.cn-north-1.amazonaws.com.cn", "/a-bucket");
  options.flags = FHX_S3_VIRTUAL_HOST;
  options.region = "ap-south-1";
  assert_place(&options, "https://", "a-bucket.s3.ap-south-1.amazonaws.com", "");
  setenv("AWS_ENDPOINT_URL", "http://Plain.Example.ORG:80/", 1);
  assert_place(&options, "http://", "a-bucket.plain.example.org", "");
  setenv("AWS_ENDPOINT_URL_S3", "https://example.org:443", 1);
  options.flags = 0;
  assert_place(&options, "https://", "example.org", "/a-bucket");
  options.endpoint = "https://[::1]:8443";
  assert_place(&options, "https://", "[::1]:8443", "/a-bucket");
  options.endpoint = "https://example.org:80";
  assert_place(&options, "https://", "example.org:80", "/a-bucket");
}

/* --- URLs --- */

static fhx_part part_named(const char *name) {
  fhx_part part;
  memset(&part, 0, sizeof part);
  snprintf(part.name, sizeof part.name, "%s", name);
  return part;
}

/* For how many seconds the URL is good; 0: there is none. */
static long seconds_of(fhx_destination *destination, int64_t expires_us) {
  const fhx_part part = part_named("job/a.ndjson");
  fhx__buffer url = {NULL, 0, 0};
  long seconds = 0;
  if (fhx__destination_url(destination, &part, expires_us, &url, NULL) == FHX_OK) {
    assert_int_equal(fhx__buffer_terminate(&url), FHX_OK);
    const char *at = strstr(url.data, "&X-Amz-Expires=");
    assert_non_null(at);
    seconds = strtol(at + strlen("&X-Amz-Expires="), NULL, 10);
    assert_null(strstr(url.data, "wJalr"));
    static const char begin[] = "http://127.0.0.1:9/a-bucket/exports/job/a.ndjson?X-Amz-Algorithm=";
    assert_memory_equal(url.data, begin, sizeof begin - 1);
  }
  fhx__buffer_free(&url);
  return seconds;
}

static int64_t until_of(fhx_destination *destination, int64_t expires_us) {
  int64_t until_us = 0;
  assert_int_equal(fhx__destination_urls_until(destination, expires_us, 0, &until_us, NULL),
                   FHX_OK);
  return until_us;
}

static void test_urls(void **state) {
  (void)state;
  int ends = 0;
  fhx_destination *destination = NULL;
  fhx_s3_options options = options_of(&ends);
  options.prefix = "exports";
  assert_int_equal(fhx_s3_destination_new(&options, &destination, NULL), FHX_OK);
  int64_t now_us = fhx__clock_now_us();
  assert_int_equal(seconds_of(destination, 0), 604800);
  assert_int_equal(seconds_of(destination, now_us + 30 * DAY_US), 604800);
  long hour = seconds_of(destination, now_us + DAY_US / 24);
  assert_true(hour <= 3600 && hour > 3500);
  assert_int_equal(seconds_of(destination, now_us - DAY_US), 0);
  int64_t until_us = until_of(destination, now_us + DAY_US);
  assert_true(until_us == now_us + DAY_US);
  until_us = until_of(destination, now_us + 30 * DAY_US);
  assert_true(until_us >= now_us + 7 * DAY_US && until_us < now_us + 8 * DAY_US);
  fhx_destination_free(destination);
  assert_int_equal(ends, 1);
}

typedef struct host {
  int ends;
  int64_t expires_us;
} host;

static void give(void *user_data, fhx_reply *reply) {
  const host *self = user_data;
  fhx_s3_credentials given;
  FHX_INIT(&given);
  given.access_key_id = "AKIDEXAMPLE";
  given.secret_access_key = SECRET;
  given.expires_us = self->expires_us;
  fhx_reply_s3_credentials(reply, &given);
}

/* Not beyond the credentials. */
static void test_urls_of_short_credentials(void **state) {
  (void)state;
  host self = {0, fhx__clock_now_us() + DAY_US / 24};
  fhx_destination *destination = NULL;
  fhx_s3_options options = options_of(&self.ends);
  options.prefix = "exports";
  options.access_key_id = options.secret_access_key = NULL;
  options.credentials = give;
  options.user_data = &self;
  assert_int_equal(fhx_s3_destination_new(&options, &destination, NULL), FHX_OK);
  int64_t now_us = fhx__clock_now_us();
  assert_true(until_of(destination, now_us + 2 * DAY_US) == self.expires_us);
  assert_true(until_of(destination, now_us + DAY_US / 48) == now_us + DAY_US / 48);
  long hour = seconds_of(destination, now_us + 2 * DAY_US);
  assert_true(hour <= 3600 && hour > 3500);
  /* What urls_until says, part_url gives to the second. */
  assert_true(seconds_of(destination, self.expires_us) >= hour - 60);
  fhx_destination_free(destination);
  assert_int_equal(self.ends, 1);
}

/* --- what a client waits for --- */

#define BEGUN                                             \
  "<InitiateMultipartUploadResult><UploadId>u</UploadId>" \
  "</InitiateMultipartUploadResult>"

static fhx_destination *open_at(test_server *server, uint32_t flags, int *ends) {
  fhx_destination *destination = NULL;
  fhx_s3_options options = options_of(ends);
  options.endpoint = test_server_url(server);
  options.prefix = "exports";
  options.flags = flags;
  assert_int_equal(fhx_s3_destination_new(&options, &destination, NULL), FHX_OK);
  return destination;
}

static void test_check(void **state) {
  (void)state;
  static const test_server_step steps[] = {
      {.method = "POST", .target = "/a-bucket/exports/writable-", .body = BEGUN},
      {.method = "DELETE", .target = "?uploadId=u", .status = 204}};
  int ends = 0;
  test_scenario("check");
  test_server *server = test_server_start(steps, 2);
  fhx_destination *destination = open_at(server, 0, &ends);
  assert_int_equal(fhx__destination_check(destination, 0, NULL), FHX_OK);
  assert_int_equal(test_server_count(server), 2);
  fhx_destination_free(destination);
  test_server_end(server);
  test_require_sound();
}

/* The store says nothing: the client has its answer in time. */
static void test_check_in_time(void **state) {
  (void)state;
  static const test_server_step steps[] = {{.fault = TEST_SERVER_HANGS}, {.status = 503}};
  int ends = 0;
  for (size_t i = 0; i < COUNT(steps); i++) {
    test_server *server = test_server_start(&steps[i], 1);
    fhx_destination *destination = open_at(server, 0, &ends);
    fhx_error *error = NULL;
    assert_true(fhx__destination_check(destination, fhx__clock_monotonic_us() + 200000, &error) <
                FHX_OK);
    assert_int_equal(fhx_error_retryable(error), 1);
    fhx_error_free(error);
    fhx_destination_free(destination);
    test_server_end(server);
  }
}

static void test_remove(void **state) {
  (void)state;
  static const test_server_step steps[] = {
      {.method = "GET", .body = "<ListMultipartUploadsResult/>"},
      {.method = "DELETE", .target = "/a-bucket/exports/job/a.ndjson", .status = 204}};
  int ends = 0;
  test_server *server = test_server_start(steps, 2);
  fhx_destination *destination = open_at(server, 0, &ends);
  assert_int_equal(fhx__destination_remove(destination, "job/a.ndjson", NULL), FHX_OK);
  assert_string_equal(test_server_request_at(server, 0)->target,
                      "/a-bucket/?prefix=exports%2Fjob%2Fa.ndjson&uploads=");
  assert_int_equal(test_server_count(server), 2);
  fhx_destination_free(destination);
  destination = open_at(server, FHX_S3_BUCKET_ENDS_UPLOADS, &ends);
  assert_int_equal(fhx__destination_remove(destination, "job/a.ndjson", NULL), FHX_OK);
  assert_int_equal(test_server_count(server), 3);
  fhx_destination_free(destination);
  test_server_end(server);
}

/* A bucket that is not there is no part that is not there. */
static void test_missing_bucket(void **state) {
  (void)state;
  static const test_server_step step = {.status = 404,
                                        .body = "<Error><Code>NoSuchBucket</Code></Error>"};
  int ends = 0;
  test_server *server = test_server_start(&step, 1);
  fhx_destination *destination = open_at(server, 0, &ends);
  assert_int_equal(fhx__destination_remove(destination, "a", NULL), FHX_ERR_DESTINATION);
  fhx_destination_free(destination);
  test_server_end(server);
}

static void test_stat(void **state) {
  (void)state;
  static const test_server_step steps[] = {
      {.method = "HEAD", .target = "/there", .headers = "Content-Length: 12\r\n"},
      {.method = "HEAD", .target = "/absent", .status = 404, .headers = "Content-Length: 0\r\n"},
      {.method = "HEAD", .target = "/denied", .status = 403, .headers = "Content-Length: 0\r\n"}};
  static const struct {
    const char *name;
    uint64_t byte_count;
    int32_t status;
  } rows[] = {{"there", 12, FHX_OK},
              {"there", 13, FHX_ERR_DESTINATION},
              {"absent", 12, FHX_ERR_NOT_FOUND},
              {"denied", 12, FHX_ERR_DENIED}};
  int ends = 0;
  test_server *server = test_server_start(steps, COUNT(steps));
  fhx_destination *destination = open_at(server, 0, &ends);
  for (size_t i = 0; i < COUNT(rows); i++) {
    fhx_part part = part_named(rows[i].name);
    part.byte_count = rows[i].byte_count;
    assert_int_equal(fhx__destination_stat(destination, &part, NULL), rows[i].status);
  }
  fhx_destination_free(destination);
  test_server_end(server);
}

/* --- memory --- */

static int32_t make_and_sign(int *ends) {
  fhx_destination *destination = NULL;
  fhx__buffer url = {NULL, 0, 0};
  const fhx_part part = part_named("job/a.ndjson");
  fhx_s3_options options = options_of(ends);
  options.storage_class = "STANDARD";
  options.tags = "a=b";
  options.prefix = "exports";
  int32_t status = fhx_s3_destination_new(&options, &destination, NULL);
  if (status == FHX_OK) status = fhx__destination_url(destination, &part, 0, &url, NULL);
  fhx__buffer_free(&url);
  fhx_destination_free(destination);
  return status;
}

static void test_out_of_memory(void **state) {
  (void)state;
  for (uint64_t n = 1;; n++) {
    int ends = 0;
    test_memory_begin(n);
    int32_t status = make_and_sign(&ends);
    bool reached = test_memory_end();
    assert_int_equal(ends, 1);
    if (!reached) {
      assert_int_equal(status, FHX_OK);
      assert_true(n > 20);
      return;
    }
    assert_int_equal(status, FHX_ERR_NO_MEMORY);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test_setup(test_texts_refused, clean),
                                     cmocka_unit_test_setup(test_numbers_refused, clean),
                                     cmocka_unit_test_setup(test_no_place, clean),
                                     cmocka_unit_test_setup(test_allowed_hosts, clean),
                                     cmocka_unit_test_setup(test_places, clean),
                                     cmocka_unit_test_setup(test_urls, clean),
                                     cmocka_unit_test_setup(test_urls_of_short_credentials, clean),
                                     cmocka_unit_test_setup(test_check, clean),
                                     cmocka_unit_test_setup(test_check_in_time, clean),
                                     cmocka_unit_test_setup(test_remove, clean),
                                     cmocka_unit_test_setup(test_missing_bucket, clean),
                                     cmocka_unit_test_setup(test_stat, clean),
                                     cmocka_unit_test_setup(test_out_of_memory, clean)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
