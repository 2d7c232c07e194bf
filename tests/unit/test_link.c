/* Signed links (FILE-09, FILE-15): what verifies, and that nothing else does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

#include "protocol/link.h"

#define OLD "the older of the two keys, 32 b.."
#define NEW "the newer of the two keys, which is longer than 32 bytes"
#define JOB "0123456789abcdef0123456789abcdef"

static const fhx__link usual = {"north", JOB, "Patient.0.1.ndjson", 1800000000};

static fhx__link_keys keys_of(const char *first, const char *second) {
  fhx__link_keys keys = {NULL, 0};
  const void *given[] = {first, second};
  size_t lens[] = {strlen(first), second == NULL ? 0 : strlen(second)};
  assert_int_equal(fhx__link_keys_init(&keys, given, lens, second == NULL ? 1 : 2, NULL), FHX_OK);
  return keys;
}

/* The text of a link's end, with a NUL; the signature begins at the answer. */
static const char *append(const fhx__link_keys *keys, const fhx__link *link, fhx__buffer *url) {
  assert_int_equal(fhx__link_append(keys, link, url, NULL), FHX_OK);
  assert_int_equal(fhx__buffer_terminate(url), FHX_OK);
  const char *found = strstr(url->data, "&signature=");
  assert_non_null(found);
  return found + strlen("&signature=");
}

/* The form stays, since links outlive a process: an expiry, and 64 small hexadecimal digits. */
static void test_form(void **state) {
  (void)state;
  fhx__link_keys keys = keys_of(OLD, NULL);
  fhx__buffer url = {NULL, 0, 0};
  const char *signature = append(&keys, &usual, &url);
  const char start[] = "Patient.0.1.ndjson?expires=1800000000&signature=";
  assert_int_equal(strncmp(url.data, start, strlen(start)), 0);
  assert_int_equal(strlen(signature), 64);
  assert_int_equal(strspn(signature, "0123456789abcdef"), 64);
  /* HMAC-SHA-256 by another program (Python's hmac) over the five lines. */
  assert_string_equal(signature,
                      "93b565e6499fca9baee1bdd16cc04b8ec86888da9fd05c3cea06bd564eec4f0d");
  assert_true(fhx__link_verify(&keys, &usual, signature));
  fhx__buffer_free(&url);
  fhx__link_keys_free(&keys);
}

/* Behind the bytes that are there, so that a URL can be built. */
static void test_append(void **state) {
  (void)state;
  fhx__link_keys keys = keys_of(OLD, NULL);
  fhx__buffer url = {NULL, 0, 0};
  assert_int_equal(fhx__buffer_append_text(&url, "https://a/"), FHX_OK);
  append(&keys, &usual, &url);
  assert_int_equal(strncmp(url.data, "https://a/Patient.0", 19), 0);
  fhx__buffer_free(&url);
  fhx__link_keys_free(&keys);
}

/* The first signs, all verify; a key that is gone verifies no more. */
static void test_rotation(void **state) {
  (void)state;
  fhx__link_keys before = keys_of(OLD, NULL);
  fhx__link_keys during = keys_of(NEW, OLD);
  fhx__link_keys after = keys_of(NEW, NULL);
  fhx__buffer old_url = {NULL, 0, 0}, new_url = {NULL, 0, 0};
  const char *old_signature = append(&before, &usual, &old_url);
  const char *new_signature = append(&during, &usual, &new_url);
  assert_string_not_equal(old_signature, new_signature);
  assert_true(fhx__link_verify(&during, &usual, old_signature));
  assert_true(fhx__link_verify(&during, &usual, new_signature));
  assert_true(fhx__link_verify(&after, &usual, new_signature));
  assert_false(fhx__link_verify(&after, &usual, old_signature));
  assert_false(fhx__link_verify(&before, &usual, new_signature));
  fhx__buffer_free(&old_url);
  fhx__buffer_free(&new_url);
  fhx__link_keys_free(&before);
  fhx__link_keys_free(&during);
  fhx__link_keys_free(&after);
}

static void test_altered(void **state) {
  (void)state;
  /* Also a byte that moves from one field to its neighbour. */
  const fhx__link altered[] = {
      {"north2", JOB, "Patient.0.1.ndjson", 1800000000},
      {"", JOB, "Patient.0.1.ndjson", 1800000000},
      {"north", "1123456789abcdef0123456789abcdef", "Patient.0.1.ndjson", 1800000000},
      {"north", JOB, "Patient.0.2.ndjson", 1800000000},
      {"north", JOB, "Patient.0.1.ndjso", 1800000000},
      {"north", JOB, "", 1800000000},
      {"north", JOB, "Patient.0.1.ndjson", 1800000001},
      {"north", JOB, "Patient.0.1.ndjson", 180000000},
      {"north", JOB, "Patient.0.1.ndjson", 0},
      {"nort", "h" JOB, "Patient.0.1.ndjson", 1800000000},
      {"north", JOB "P", "atient.0.1.ndjson", 1800000000},
      {"north", JOB, "Patient.0.1.ndjson1", 800000000},
  };
  fhx__link_keys keys = keys_of(OLD, NULL);
  fhx__buffer url = {NULL, 0, 0};
  const char *signature = append(&keys, &usual, &url);
  for (size_t i = 0; i < sizeof altered / sizeof altered[0]; i++) {
    assert_false(fhx__link_verify(&keys, &altered[i], signature));
  }
  fhx__buffer_free(&url);
  fhx__link_keys_free(&keys);
}

/* Every digit counts, and so do the case and the length. */
static void test_signature(void **state) {
  (void)state;
  char changed[80];
  fhx__link_keys keys = keys_of(OLD, NULL);
  fhx__buffer url = {NULL, 0, 0};
  const char *signature = append(&keys, &usual, &url);
  for (size_t i = 0; i < 64; i++) {
    snprintf(changed, sizeof changed, "%s", signature);
    changed[i] = changed[i] == '0' ? '1' : '0';
    assert_false(fhx__link_verify(&keys, &usual, changed));
    changed[i] = '\0';
    assert_false(fhx__link_verify(&keys, &usual, changed));
  }
  snprintf(changed, sizeof changed, "%s0", signature);
  assert_false(fhx__link_verify(&keys, &usual, changed));
  snprintf(changed, sizeof changed, "%s", signature);
  for (size_t i = 0; i < 64; i++) {
    if (changed[i] >= 'a') changed[i] = (char)(changed[i] - 'a' + 'A');
  }
  assert_false(fhx__link_verify(&keys, &usual, changed));
  fhx__buffer_free(&url);
  fhx__link_keys_free(&keys);
}

/* A field that is too long is refused, never cut off and signed. */
static void test_too_long(void **state) {
  (void)state;
  char file[600];
  memset(file, 'a', sizeof file - 1);
  file[sizeof file - 1] = '\0';
  fhx__link_keys keys = keys_of(OLD, NULL);
  fhx__buffer url = {NULL, 0, 0};
  fhx__link link = usual;
  link.file = file;
  fhx_error *error = NULL;
  assert_int_equal(fhx__link_append(&keys, &link, &url, &error), FHX_ERR_INTERNAL);
  fhx_error_free(error);
  memset(file, '0', 64);
  file[64] = '\0';
  link.file = "a";
  assert_false(fhx__link_verify(&keys, &link, file));
  fhx__buffer_free(&url);
  fhx__link_keys_free(&keys);
}

static void test_keys(void **state) {
  (void)state;
  const void *given[] = {OLD, "thirty-one bytes are one too few"};
  size_t lens[] = {strlen(OLD), 31};
  fhx__link_keys keys = {NULL, 0}, other = {NULL, 0};
  fhx_error *error = NULL;
  assert_int_equal(fhx__link_keys_init(&keys, given, lens, 2, &error), FHX_ERR_ARGUMENT);
  assert_string_equal(fhx_error_message(error), "a key of url_keys is shorter than 32 bytes");
  fhx_error_free(error);
  fhx__link_keys_free(&keys);
  given[1] = NULL;
  assert_int_equal(fhx__link_keys_init(&keys, given, lens, 2, NULL), FHX_ERR_ARGUMENT);
  fhx__link_keys_free(&keys);

  /* Without keys each has one of its own. */
  fhx__buffer url = {NULL, 0, 0};
  assert_int_equal(fhx__link_keys_init(&keys, NULL, NULL, 0, NULL), FHX_OK);
  assert_int_equal(fhx__link_keys_init(&other, NULL, NULL, 0, NULL), FHX_OK);
  const char *signature = append(&keys, &usual, &url);
  assert_true(fhx__link_verify(&keys, &usual, signature));
  assert_false(fhx__link_verify(&other, &usual, signature));
  fhx__buffer_free(&url);
  fhx__link_keys_free(&keys);
  fhx__link_keys_free(&other);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_form),      cmocka_unit_test(test_append),
      cmocka_unit_test(test_rotation),  cmocka_unit_test(test_altered),
      cmocka_unit_test(test_signature), cmocka_unit_test(test_too_long),
      cmocka_unit_test(test_keys),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
