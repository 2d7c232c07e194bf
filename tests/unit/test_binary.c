/* What a Binary says of itself, and whose it is (FILTER-12). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

#include "select/binary.h"

static void expect_text(fhx__raw_string string, const char *text) {
  if (text == NULL) {
    assert_null(string.text);
    return;
  }
  assert_non_null(string.text);
  assert_int_equal(string.len, strlen(text));
  assert_memory_equal(string.text, text, string.len);
}

static fhx__binary read(const char *line) {
  fhx__binary binary;
  fhx__binary_read(line, strlen(line), &binary);
  return binary;
}

static void its_members(void **state) {
  (void)state;
  fhx__binary binary = read(
      "{\"resourceType\":\"Binary\",\"id\":\"b\",\"meta\":{\"data\":\"no\",\"security\":[{\"code\":"
      "\"R\"}],\"lastUpdated\":\"2024-01-01T00:00:00Z\"},\"x\":{\"data\":\"no\"},\"contentType\":"
      "\"text\\/plain\",\"securityContext\":{\"display\":\"no\",\"reference\":\"Patient/p\"},"
      "\"data\":\"YQ==\"}");
  expect_text(binary.content_type, "text\\/plain");
  assert_true(binary.content_type.has_escape);
  expect_text(binary.data, "YQ==");
  expect_text(binary.last_updated, "2024-01-01T00:00:00Z");
  expect_text(binary.security_labels, "[{\"code\":\"R\"}]");
  expect_text(binary.security_reference, "Patient/p");
}

/* It need not be a line. */
static void with_white_space(void **state) {
  (void)state;
  fhx__binary binary = read(
      " {\n\"id\" : \"b\" ,\"n\" : 1 ,\t\"meta\": { \"security\" : [ {} ] ,\"versionId\" : \"1\" , "
      "\"lastUpdated\" : \"t\" }\r\n, \"securityContext\" : {\"reference\" : \"Patient/p\" } ,"
      "\"contentType\" :\"a\", \"data\": \" Y \" } ");
  expect_text(binary.content_type, "a");
  expect_text(binary.data, " Y ");
  expect_text(binary.last_updated, "t");
  expect_text(binary.security_labels, "[ {} ]");
  expect_text(binary.security_reference, "Patient/p");
}

static void what_is_not_there(void **state) {
  (void)state;
  fhx__binary binary = read("{}");
  expect_text(binary.content_type, NULL);
  expect_text(binary.data, NULL);
  expect_text(binary.last_updated, NULL);
  expect_text(binary.security_labels, NULL);
  expect_text(binary.security_reference, NULL);
  binary = read("{\"contentType\":1,\"data\":null,\"meta\":[],\"securityContext\":\"Patient/p\"}");
  expect_text(binary.content_type, NULL);
  expect_text(binary.data, NULL);
  expect_text(binary.security_reference, NULL);
  binary = read("{\"data\":\"\",\"data\":\"b\",\"meta\":{},\"securityContext\":{}}");
  expect_text(binary.data, "b");
  binary = read("{\"data\":\"\"}");
  expect_text(binary.data, "");
}

typedef struct owner {
  const char *context;
  const char *base_url;
  const char *id;
} owner;

static void whose_it_is(void **state) {
  static const owner owners[] = {
      {"{\"reference\":\"Patient/p\"}", NULL, "p"},
      {"{\"reference\":\"Patient/p/_history/2\"}", NULL, "p"},
      {"{\"reference\":\"P\\u0061tient\\/p\"}", NULL, "p"},
      {"{\"r\\u0065ference\":\"Patient/p\"}", NULL, "p"},
      {"{\"reference\":\"https://a/b/Patient/p\"}", "https://a/b", "p"},
      {"{\"reference\":\"https://a/c/Patient/p\"}", "https://a/b", NULL},
      {"{\"reference\":\"Practitioner/p\"}", NULL, NULL},
      {"{\"reference\":\"#p\"}", NULL, NULL},
      {"{\"reference\":\"\"}", NULL, NULL},
      {"{\"reference\":7}", NULL, NULL},
      {"{\"identifier\":{\"reference\":\"Patient/p\"}}", NULL, NULL},
      {"[{\"reference\":\"Patient/p\"}]", NULL, NULL},
  };
  (void)state;
  for (size_t i = 0; i < sizeof owners / sizeof owners[0]; i++) {
    char line[300], id[FHX__ID_MAX + 1];
    snprintf(line, sizeof line, "{\"securityContext\":%s,\"data\":\"\"}", owners[i].context);
    fhx__binary binary = read(line);
    bool is_patients = fhx__binary_patient(&binary, owners[i].base_url, id);
    assert_int_equal(is_patients, owners[i].id != NULL);
    if (is_patients) assert_string_equal(id, owners[i].id);
    assert_int_equal(fhx__is_patients_binary("Binary", line, strlen(line), owners[i].base_url),
                     is_patients);
    assert_false(fhx__is_patients_binary("Basic", line, strlen(line), owners[i].base_url));
  }
}

/* On cut text it may give anything, but stays inside and ends. */
static void broken_text(void **state) {
  static const char line[] =
      "{\"meta\":{\"lastUpdated\":\"x\",\"security\":[{}]},\"securityContext\":{\"reference\":"
      "\"Patient/p\"},\"contentType\":\"a\\\"\",\"data\":\"YQ==\",\"x\":[1,true]}";
  (void)state;
  for (size_t len = 0; len < sizeof line; len++) {
    for (size_t i = 0; i < sizeof line - 1; i++) {
      char *copy = test_malloc(len + 1);
      fhx__binary binary;
      char id[FHX__ID_MAX + 1];
      memcpy(copy, line, len);
      if (i < len) copy[i] = "\"{}[]:,x"[(i + len) % 8];
      fhx__binary_read(copy, len, &binary);
      fhx__binary_patient(&binary, NULL, id);
      test_free(copy);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(its_members),       cmocka_unit_test(with_white_space),
      cmocka_unit_test(what_is_not_there), cmocka_unit_test(whose_it_is),
      cmocka_unit_test(broken_text),
  };
  return cmocka_run_group_tests_name("Binaries", tests, NULL, NULL);
}
