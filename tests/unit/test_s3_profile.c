/* The shared credentials file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

#include "s3/identity.h"
#include "s3/profile.h"
#include "support/memory.h"

static void assert_span(fhx__s3_span span, const char *wanted) {
  if (wanted == NULL) {
    assert_null(span.data);
    assert_int_equal(span.len, 0);
    return;
  }
  assert_int_equal(span.len, strlen(wanted));
  assert_memory_equal(span.data, wanted, span.len);
}

static fhx__s3_profile find(const char *text, const char *name, bool wanted) {
  fhx__s3_profile profile;
  assert_int_equal(fhx__s3_profile_find(text, strlen(text), name, &profile), wanted);
  return profile;
}

static void test_profiles(void **state) {
  (void)state;
  static const char text[] =
      "# keys of two accounts\n"
      "[default]\n"
      "aws_access_key_id = AKIDDEFAULT\n"
      "aws_secret_access_key=a/b+c=d\n"
      "\n"
      "[ other ]\r\n"
      "  AWS_ACCESS_KEY_ID=AKIDOTHER\t\r\n"
      "  aws_secret_access_key = secret ; not this\r\n"
      "aws_session_token = token#with#signs\r\n"
      "region = nowhere\r\n"
      "[empty]\n"
      "aws_access_key_id =\n"
      "no equals sign\n"
      "[default]\n"
      "aws_access_key_id = AKIDLATER";
  fhx__s3_profile profile = find(text, "default", true);
  assert_span(profile.access_key_id, "AKIDLATER");
  assert_span(profile.secret_access_key, "a/b+c=d");
  assert_span(profile.session_token, NULL);
  profile = find(text, "other", true);
  assert_span(profile.access_key_id, "AKIDOTHER");
  assert_span(profile.secret_access_key, "secret");
  assert_span(profile.session_token, "token#with#signs");
  profile = find(text, "empty", true);
  assert_span(profile.access_key_id, NULL);
  find(text, "third", false);
  find(text, "Default", false);
}

static void test_odd_files(void **state) {
  (void)state;
  find("", "default", false);
  find("[default", "default", false);
  find("default]", "default", false);
  find("; [default]", "default", false);
  find("aws_access_key_id = before any section", "default", false);
  fhx__s3_profile profile = find("\xEF\xBB\xBF[default]\naws_access_key_id=A", "default", true);
  assert_span(profile.access_key_id, "A");
  profile = find("[default] # all\n=\n==\naws_session_token==\n[", "default", true);
  assert_span(profile.session_token, "=");
  /* A NUL ends nothing and is no part of a key. */
  static const char with_nul[] = "[default]\naws_access_key_id\0=A\naws_access_key_id=B";
  assert_true(fhx__s3_profile_find(with_nul, sizeof with_nul - 1, "default", &profile));
  assert_span(profile.access_key_id, "B");
}

static int32_t set(const char *id, const char *secret, const char *token) {
  fhx__s3_identity identity = {NULL, NULL, NULL, 0};
  fhx_error *error = NULL;
  int32_t status = fhx__s3_identity_set(&identity, fhx__s3_span_of(id), fhx__s3_span_of(secret),
                                        fhx__s3_span_of(token), 7, &error);
  assert_int_equal(fhx_error_status(error), status);
  if (status == FHX_OK) {
    assert_string_equal(identity.access_key_id, id);
    assert_string_equal(identity.secret_access_key, secret);
    if (token == NULL || token[0] == '\0') assert_null(identity.session_token);
    assert_int_equal(identity.expires_us, 7);
  } else {
    assert_null(identity.access_key_id);
    assert_null(strstr(fhx_error_message(error), "hidden"));
  }
  fhx_error_free(error);
  fhx__s3_identity_end(&identity);
  assert_null(identity.access_key_id);
  return status;
}

static void test_identity(void **state) {
  (void)state;
  assert_int_equal(set("A", "B", NULL), FHX_OK);
  assert_int_equal(set("A", "B", ""), FHX_OK);
  assert_int_equal(set("A", "B", "C"), FHX_OK);
  assert_int_equal(set(NULL, "hidden", NULL), FHX_ERR_ARGUMENT);
  assert_int_equal(set("A", "", NULL), FHX_ERR_ARGUMENT);
  assert_int_equal(set("A", "hidden\n", NULL), FHX_ERR_ARGUMENT);
  assert_int_equal(set("A", "hidden\x80", NULL), FHX_ERR_ARGUMENT);
  assert_int_equal(set("A", "B", "hid den"), FHX_ERR_ARGUMENT);
}

static void test_identity_out_of_memory(void **state) {
  (void)state;
  for (uint64_t n = 1;; n++) {
    test_memory_begin(n);
    int32_t status = set("A", "B", "C");
    if (!test_memory_end()) {
      assert_int_equal(status, FHX_OK);
      assert_true(n > 3);
      return;
    }
    assert_int_equal(status, FHX_ERR_NO_MEMORY);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_profiles), cmocka_unit_test(test_odd_files),
      cmocka_unit_test(test_identity), cmocka_unit_test(test_identity_out_of_memory)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
