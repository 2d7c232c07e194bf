/* What a job was asked for, as its record has it: destinations that clients name, and versions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

#include "job/job.h"

#define URL "https://account.blob.core.windows.net/container/"

static fhx__definition make(const char *client_url) {
  fhx__definition made;
  memset(&made, 0, sizeof made);
  assert_int_equal(fhx_filter_new(&made.filter, NULL), FHX_OK);
  made.attempts_max = made.shards_max = made.depth_max = made.group_depth_max = 1;
  made.part_bytes = made.resource_bytes_max = made.group_members_max = 1;
  made.associated_types = (char *)"";
  made.client_url = (char *)client_url;
  return made;
}

static void write(const char *client_url, fhx__buffer *json) {
  fhx__definition made = make(client_url);
  assert_int_equal(fhx__definition_write(&made, json, NULL), FHX_OK);
  fhx_filter_free(made.filter);
}

static void a_client_url_comes_back(void **state) {
  (void)state;
  for (int i = 0; i < 2; i++) {
    const char *url = i == 0 ? NULL : URL;
    fhx__buffer json = {NULL, 0, 0};
    fhx__definition read;
    write(url, &json);
    assert_non_null(strstr(json.data, i == 0 ? "\"version\":1" : "\"version\":2"));
    assert_int_equal(fhx__definition_read(json.data, &read, NULL), FHX_OK);
    if (url == NULL) assert_null(read.client_url);
    if (url != NULL) assert_string_equal(read.client_url, url);
    fhx__definition_free(&read);
    fhx__buffer_free(&json);
  }
}

/* Changes the digit of the version, and expects that the definition is another library's. */
static void expect_unknown(const char *client_url, char version) {
  fhx__buffer json = {NULL, 0, 0};
  fhx__definition read;
  fhx_error *error = NULL;
  write(client_url, &json);
  *(strstr(json.data, "\"version\":") + strlen("\"version\":")) = version;
  assert_int_equal(fhx__definition_read(json.data, &read, &error), FHX_ERR_UNSUPPORTED);
  assert_null(strstr(fhx_error_message(error), "account"));
  fhx_error_free(error);
  fhx__definition_free(&read);
  fhx__buffer_free(&json);
}

/* An export must not go elsewhere than asked because half of it was understood. */
static void what_is_half_known_is_refused(void **state) {
  (void)state;
  expect_unknown(URL, '1');
  expect_unknown(NULL, '2');
  expect_unknown(URL, '3');
  expect_unknown(NULL, '3');
  expect_unknown(NULL, '0');
}

static void expect_ig_version(const char *recorded, int32_t status, uint32_t ig_version) {
  char json[400];
  fhx__definition definition;
  fhx_error *error = NULL;
  snprintf(json, sizeof json,
           "{\"version\":1,\"attemptsMax\":1,\"shardsMax\":1,\"depthMax\":1,\"partBytes\":1,"
           "\"resourceBytesMax\":1,\"groupDepthMax\":1,\"groupMembersMax\":1%s}",
           recorded);
  assert_int_equal(fhx__definition_read(json, &definition, &error), status);
  if (status == FHX_OK) assert_int_equal(definition.ig_version, ig_version);
  fhx_error_free(error);
  fhx__definition_free(&definition);
}

/* A job of before the ballot has none; one that nobody knows yet is not taken for another. */
static void a_version_of_the_ig_comes_back(void **state) {
  (void)state;
  expect_ig_version("", FHX_OK, FHX_IG_STU3);
  expect_ig_version(",\"igVersion\":4", FHX_OK, FHX_IG_STU4_BALLOT);
  expect_ig_version(",\"igVersion\":5", FHX_ERR_UNSUPPORTED, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_client_url_comes_back),
      cmocka_unit_test(what_is_half_known_is_refused),
      cmocka_unit_test(a_version_of_the_ig_comes_back),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
