/* The S3 destination by the public headers alone, also in a library that was built without it. */
#include <fhirexport/fhirexport.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

static void count_end(void *user_data) {
  ++*(int *)user_data;
}

static fhx_s3_options options_of(int *ends) {
  fhx_s3_options options;
  fhx_s3_options_init(&options, sizeof options);
  options.bucket = "a-bucket";
  options.endpoint = "http://127.0.0.1:9";
  options.access_key_id = "AKIDEXAMPLE";
  options.secret_access_key = "hidden";
  options.destroy = count_end;
  options.user_data = ends;
  return options;
}

/* Made and freed without a word over the network; or the library says that it cannot. */
static void test_new(void **state) {
  (void)state;
  int ends = 0;
  fhx_destination *destination = NULL;
  fhx_error *error = NULL;
  const fhx_s3_options options = options_of(&ends);
  int32_t status = fhx_s3_destination_new(&options, &destination, &error);
#ifdef FHX_TEST_WITH_S3
  assert_int_equal(status, FHX_OK);
  assert_int_equal(ends, 0);
  fhx_destination_free(destination);
#else
  assert_int_equal(status, FHX_ERR_UNSUPPORTED);
  assert_null(destination);
  assert_non_null(strstr(fhx_error_message(error), "without S3"));
  fhx_error_free(error);
#endif
  assert_int_equal(ends, 1);
}

static void test_structures(void **state) {
  (void)state;
  int ends = 0;
  fhx_destination *destination = NULL;
  fhx_s3_credentials credentials;
  fhx_s3_options options = options_of(&ends);
  assert_int_equal(options.size, sizeof options);
  options.size = 1;
  assert_int_equal(fhx_s3_destination_new(&options, &destination, NULL), FHX_ERR_STRUCT_SIZE);
  assert_int_equal(fhx_s3_destination_new(NULL, &destination, NULL), FHX_ERR_ARGUMENT);
  assert_int_equal(ends, 0);
  fhx_s3_credentials_init(&credentials, sizeof credentials);
  assert_int_equal(credentials.size, sizeof credentials);
  assert_null(credentials.secret_access_key);
  assert_int_equal(fhx_reply_s3_credentials(NULL, &credentials), FHX_ERR_ARGUMENT);
}

/* A store that nobody serves: the writer says why, and no part is counted. */
static void test_nobody_there(void **state) {
#ifdef FHX_TEST_WITH_S3
  static const char patient[] = "{\"resourceType\":\"Patient\",\"id\":\"p\"}";
  int ends = 0;
  fhx_destination *destination = NULL;
  fhx_writer *writer = NULL;
  fhx_error *error = NULL;
  fhx_http_options http;
  fhx_writer_options options;
  fhx_s3_options s3 = options_of(&ends);
  fhx_http_options_init(&http, sizeof http);
  http.retry_us = 1;
  http.proxy = "";
  /* A port that takes no connections. */
  s3.endpoint = "http://127.0.0.1:1";
  s3.http = &http;
  fhx_writer_options_init(&options, sizeof options);
  options.resource_type = "Patient";
  assert_int_equal(fhx_s3_destination_new(&s3, &destination, NULL), FHX_OK);
  assert_int_equal(fhx_writer_new(&options, destination, &writer, NULL), FHX_OK);
  assert_int_equal(fhx_writer_append(writer, patient, sizeof patient - 1, NULL), FHX_OK);
  assert_int_equal(fhx_writer_finish(writer, &error), FHX_ERR_IO);
  assert_int_equal(fhx_error_retryable(error), 1);
  assert_null(strstr(fhx_error_message(error), "hidden"));
  assert_null(strstr(fhx_error_message(error), "127.0.0.1"));
  assert_int_equal(fhx_writer_part_count(writer), 0);
  fhx_error_free(error);
  fhx_writer_free(writer);
  fhx_destination_free(destination);
  assert_int_equal(ends, 1);
#endif
  (void)state;
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_new), cmocka_unit_test(test_structures),
                                     cmocka_unit_test(test_nobody_there)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
