/* The Azure destination by the public headers alone, also in a library that was built without it.
 */
#include <fhirexport/fhirexport.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

/* A port that takes no connections. */
#define CONNECTION \
  "AccountName=fhxaccount;AccountKey=MDEyMw==;BlobEndpoint=http://127.0.0.1:1/fhxaccount"

static void count_end(void *user_data) {
  ++*(int *)user_data;
}

static fhx_azure_options options_of(int *ends) {
  fhx_azure_options options;
  fhx_azure_options_init(&options, sizeof options);
  options.connection_string = CONNECTION;
  options.container = "fhir";
  options.destroy = count_end;
  options.user_data = ends;
  return options;
}

/* Made and freed without a word over the network; or the library says that it cannot. */
static void made(void **state) {
  int ends = 0;
  fhx_destination *destination = NULL;
  fhx_error *error = NULL;
  const fhx_azure_options options = options_of(&ends);
  (void)state;
  int32_t status = fhx_azure_destination_new(&options, &destination, &error);
#ifdef FHX_TEST_WITH_AZURE
  assert_int_equal(status, FHX_OK);
  assert_int_equal(ends, 0);
  fhx_destination_free(destination);
#else
  assert_int_equal(status, FHX_ERR_UNSUPPORTED);
  assert_null(destination);
  assert_non_null(strstr(fhx_error_message(error), "without Azure"));
  fhx_error_free(error);
#endif
  assert_int_equal(ends, 1);
}

static void structures(void **state) {
  int ends = 0;
  fhx_destination *destination = NULL;
  fhx_azure_options options = options_of(&ends);
  (void)state;
  assert_int_equal(options.size, sizeof options);
  options.size = 1;
  assert_int_equal(fhx_azure_destination_new(&options, &destination, NULL), FHX_ERR_STRUCT_SIZE);
  assert_int_equal(fhx_azure_destination_new(NULL, &destination, NULL), FHX_ERR_ARGUMENT);
  assert_int_equal(ends, 0);
  assert_int_equal(fhx_reply_token(NULL, "token", INT64_MAX), FHX_ERR_ARGUMENT);
}

#ifdef FHX_TEST_WITH_AZURE
static void give_items(void *user_data, fhx_reply *reply) {
  (void)user_data;
  fhx_reply_item(reply, "token", 5);
}

/* A callback that answers with something else; and a store that nobody serves. The writer says why,
   and no part is counted. */
static void assert_no_part(const fhx_azure_options *azure, int32_t expected, const char *words) {
  static const char patient[] = "{\"resourceType\":\"Patient\",\"id\":\"p\"}";
  fhx_destination *destination = NULL;
  fhx_writer *writer = NULL;
  fhx_error *error = NULL;
  fhx_writer_options options;
  fhx_writer_options_init(&options, sizeof options);
  options.resource_type = "Patient";
  assert_int_equal(fhx_azure_destination_new(azure, &destination, NULL), FHX_OK);
  assert_int_equal(fhx_writer_new(&options, destination, &writer, NULL), FHX_OK);
  int32_t status = fhx_writer_append(writer, patient, sizeof patient - 1, &error);
  if (status == FHX_OK) status = fhx_writer_finish(writer, &error);
  assert_int_equal(status, expected);
  assert_non_null(strstr(fhx_error_message(error), words));
  assert_null(strstr(fhx_error_message(error), "127.0.0.1"));
  assert_null(strstr(fhx_error_message(error), "fhxaccount"));
  assert_int_equal(fhx_writer_part_count(writer), 0);
  fhx_error_free(error);
  fhx_writer_free(writer);
  fhx_destination_free(destination);
}
#endif

static void no_part(void **state) {
#ifdef FHX_TEST_WITH_AZURE
  int ends = 0;
  fhx_http_options http;
  fhx_azure_options azure = options_of(&ends);
  fhx_http_options_init(&http, sizeof http);
  http.retry_us = 1;
  http.proxy = "";
  azure.http = &http;
  assert_no_part(&azure, FHX_ERR_IO, "the part could not be made a blob");
  assert_int_equal(ends, 1);
  azure.connection_string = NULL;
  azure.account_url = "https://127.0.0.1:1/fhxaccount";
  azure.token = give_items;
  assert_no_part(&azure, FHX_ERR_MISUSE, "the callback for a token");
  assert_int_equal(ends, 2);
#endif
  (void)state;
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(made), cmocka_unit_test(structures),
                                     cmocka_unit_test(no_part)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
