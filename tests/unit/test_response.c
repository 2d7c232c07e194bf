/* HTTP answers: their headers, their three kinds of bodies, and dates. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>
#include <unistd.h>

#include "protocol/response.h"
#include "support/memory.h"

static const char *header(const fhx_response *response, const char *name) {
  for (uint32_t i = 0; i < fhx_response_header_count(response); i++) {
    if (strcmp(fhx_response_header_name(response, i), name) == 0) {
      return fhx_response_header_value(response, i);
    }
  }
  return NULL;
}

static void read_all(fhx_response *response, size_t piece, char *text, size_t capacity) {
  size_t len = 0, got = 0;
  int32_t status = FHX_OK;
  while ((status = fhx_response_read(response, text + len, piece, &got, NULL)) == FHX_OK) {
    assert_in_range(got, 1, piece);
    len += got;
    assert_true(len + piece < capacity);
  }
  assert_int_equal(status, FHX_END);
  assert_int_equal(got, 0);
  /* And so it stays. */
  assert_int_equal(fhx_response_read(response, text + len, piece, &got, NULL), FHX_END);
  text[len] = '\0';
}

static void test_headers(void **state) {
  (void)state;
  fhx_response *response = NULL;
  assert_int_equal(fhx__response_new(202, &response, NULL), FHX_OK);
  assert_int_equal(fhx_response_status(response), 202);
  assert_int_equal(fhx_response_header_count(response), 0);
  assert_null(fhx_response_header_name(response, 0));
  assert_int_equal(fhx__response_add(response, NULL, "Retry-After", "%d", 7), FHX_OK);
  assert_string_equal(fhx_response_header_name(response, 0), "Retry-After");
  assert_string_equal(fhx_response_header_value(response, 0), "7");
  assert_null(fhx_response_header_name(response, 1));
  assert_null(fhx_response_header_value(response, 1));
  while (fhx_response_header_count(response) < FHX__RESPONSE_HEADERS_MAX) {
    assert_int_equal(fhx__response_add(response, NULL, "A", "b"), FHX_OK);
  }
  assert_int_equal(fhx__response_add(response, NULL, "A", "b"), FHX_ERR_INTERNAL);
  fhx_response_free(response);

  /* A value is whole or not there. */
  char *value = malloc(5001);
  assert_non_null(value);
  memset(value, 'v', 5000);
  value[5000] = '\0';
  assert_int_equal(fhx__response_new(200, &response, NULL), FHX_OK);
  assert_int_equal(fhx__response_add(response, NULL, "A", "%s", value), FHX_ERR_INTERNAL);
  assert_int_equal(fhx_response_header_count(response), 0);
  fhx_response_free(response);
  free(value);
  fhx_response_free(NULL);
  assert_int_equal(fhx_response_status(NULL), 0);
  assert_int_equal(fhx_response_header_count(NULL), 0);
  assert_null(fhx_response_header_value(NULL, 0));
}

/* ERR-01, ERR-02. */
static void test_outcome(void **state) {
  (void)state;
  static const char wanted[] =
      "{\"resourceType\":\"OperationOutcome\",\"issue\":[{\"severity\":\"error\",\"code\":"
      "\"value\",\"diagnostics\":\"a \\\"b\\\"\"}]}";
  for (size_t piece = 1; piece < 200; piece += 33) {
    char text[600], length[20];
    fhx_response *response = NULL;
    int32_t descriptor = -1;
    uint64_t offset = 0, count = 0;
    assert_int_equal(fhx__response_outcome(400, "error", "value", "a \"b\"", &response, NULL),
                     FHX_OK);
    assert_int_equal(fhx_response_status(response), 400);
    assert_int_equal(fhx_response_file(response, &descriptor, &offset, &count, NULL), FHX_END);
    read_all(response, piece, text, sizeof text);
    assert_string_equal(text, wanted);
    snprintf(length, sizeof length, "%zu", strlen(wanted));
    assert_string_equal(header(response, "Content-Length"), length);
    assert_string_equal(header(response, "Content-Type"), "application/fhir+json");
    assert_string_equal(header(response, "Cache-Control"), "no-store");
    fhx_response_free(response);
  }
}

static void test_refusals(void **state) {
  (void)state;
  fhx_response *response = NULL;
  char text[600];
  assert_int_equal(fhx__response_method("GET, HEAD", &response, NULL), FHX_OK);
  assert_int_equal(fhx_response_status(response), 405);
  assert_string_equal(header(response, "Allow"), "GET, HEAD");
  fhx_response_free(response);
  assert_int_equal(fhx__response_no_job(&response, NULL), FHX_OK);
  assert_int_equal(fhx_response_status(response), 404);
  read_all(response, 100, text, sizeof text);
  assert_non_null(strstr(text, "\"not-found\""));
  fhx_response_free(response);
  fhx__problem problem = {414, "too-long", "the URL is too long"};
  assert_int_equal(fhx__response_problem(&problem, &response, NULL), FHX_OK);
  assert_int_equal(fhx_response_status(response), 414);
  read_all(response, 100, text, sizeof text);
  assert_non_null(strstr(text, "the URL is too long"));
  fhx_response_free(response);
}

/* A fault of the server's own: what may pass is 503, and its message is not shown (ERR-03). */
static void test_fault(void **state) {
  (void)state;
  for (uint32_t retryable = 0; retryable <= 1; retryable++) {
    fhx_error *fault = NULL;
    fhx_response *response = NULL;
    char text[600];
    fhx__fail_with(&fault, FHX_ERR_STORE, retryable, "secret path");
    assert_int_equal(fhx__response_fault(fault, &response, NULL), FHX_OK);
    assert_int_equal(fhx_response_status(response), retryable != 0 ? 503 : 500);
    assert_int_equal(header(response, "Retry-After") != NULL, retryable);
    read_all(response, 100, text, sizeof text);
    assert_non_null(strstr(text, retryable != 0 ? "\"transient\"" : "\"exception\""));
    assert_null(strstr(text, "secret"));
    fhx_response_free(response);
    fhx_error_free(fault);
  }
}

/* A stretch of a file, whose bytes are the same by reading and by descriptor. */
static void test_file(void **state) {
  (void)state;
  char path[] = "/tmp/fhx-test-XXXXXX", text[100], byte = 0;
  size_t got = 0;
  int32_t descriptor = -1;
  uint64_t offset = 0, length = 0;
  fhx_response *response = NULL;
  int file = mkstemp(path);
  assert_true(file >= 0);
  assert_int_equal(write(file, "0123456789", 10), 10);
  assert_int_equal(unlink(path), 0);
  assert_int_equal(fhx__response_new(206, &response, NULL), FHX_OK);
  response->descriptor = file;
  response->offset = 3;
  response->length = 5;
  assert_int_equal(fhx_response_file(response, &descriptor, &offset, &length, NULL), FHX_OK);
  assert_int_equal(descriptor, file);
  assert_int_equal(offset, 3);
  assert_int_equal(length, 5);
  read_all(response, 2, text, sizeof text);
  assert_string_equal(text, "34567");

  /* A file that has become shorter is no whole body. */
  response->offset = 9;
  response->length = 2;
  assert_int_equal(fhx_response_read(response, text, 1, &got, NULL), FHX_OK);
  fhx_error *error = NULL;
  assert_int_equal(fhx_response_read(response, text, 1, &got, &error), FHX_ERR_IO);
  assert_int_equal(got, 0);
  fhx_error_free(error);
  fhx_response_free(response);
  /* The descriptor went with the response. */
  assert_int_equal(pread(file, &byte, 1, 0), -1);
}

static void test_misuse(void **state) {
  (void)state;
  char text[10];
  size_t got = 0;
  int32_t descriptor = -1;
  uint64_t offset = 0, length = 0;
  fhx_response *response = NULL;
  assert_int_equal(fhx__response_no_job(&response, NULL), FHX_OK);
  assert_int_equal(fhx_response_read(NULL, text, 1, &got, NULL), FHX_ERR_ARGUMENT);
  assert_int_equal(fhx_response_read(response, NULL, 1, &got, NULL), FHX_ERR_ARGUMENT);
  assert_int_equal(fhx_response_read(response, text, 0, &got, NULL), FHX_ERR_ARGUMENT);
  assert_int_equal(fhx_response_read(response, text, 1, NULL, NULL), FHX_ERR_ARGUMENT);
  assert_int_equal(fhx_response_file(NULL, &descriptor, &offset, &length, NULL), FHX_ERR_ARGUMENT);
  assert_int_equal(fhx_response_file(response, NULL, &offset, &length, NULL), FHX_ERR_ARGUMENT);
  assert_int_equal(fhx_response_file(response, &descriptor, NULL, &length, NULL), FHX_ERR_ARGUMENT);
  assert_int_equal(fhx_response_file(response, &descriptor, &offset, NULL, NULL), FHX_ERR_ARGUMENT);
  fhx_response_free(response);
}

/* A refusal that could not be made whole leaves nothing behind. */
static void test_no_memory(void **state) {
  (void)state;
  for (uint64_t number = 1;; number++) {
    test_memory_begin(number);
    fhx_response *response = NULL;
    int32_t status = fhx__response_outcome(400, "error", "value", "text", &response, NULL);
    if (status != FHX_OK) assert_int_equal(status, FHX_ERR_NO_MEMORY);
    assert_int_equal(status == FHX_OK, response != NULL);
    fhx_response_free(response);
    response = NULL;
    status = fhx__response_method("GET", &response, NULL);
    if (status != FHX_OK) assert_int_equal(status, FHX_ERR_NO_MEMORY);
    assert_int_equal(status == FHX_OK, response != NULL);
    fhx_response_free(response);
    if (!test_memory_end()) break;
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_headers),   cmocka_unit_test(test_outcome),
      cmocka_unit_test(test_refusals),  cmocka_unit_test(test_fault),
      cmocka_unit_test(test_file),      cmocka_unit_test(test_misuse),
      cmocka_unit_test(test_no_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
