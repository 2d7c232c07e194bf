/* The path and query of a request (PARAM-28, ERR-05, ERR-07, ERR-08, KICK-25). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

#include "request/request.h"
#include "support/memory.h"
#include "support/require.h"

#define BYTES_MAX 16384

static fhx__target read_good(const char *text) {
  fhx__target target;
  fhx__problem problem;
  test_scenario("%s", text);
  test_require_status(fhx__target_read(text, BYTES_MAX, &target, &problem), FHX_OK);
  return target;
}

/* Refused with this status, and with these words in the sentence. */
static void check_refused(const char *text, uint64_t bytes_max, uint32_t status,
                          const char *words) {
  fhx__target target;
  fhx__problem problem;
  test_scenario("%.60s", text);
  test_require_status(fhx__target_read(text, bytes_max, &target, &problem), FHX_ERR_ARGUMENT);
  test_require(problem.http_status == status);
  test_require(problem.issue_code[0] != '\0');
  if (strstr(problem.text, words) == NULL) fail_msg("%s: %s", text, problem.text);
  test_require(target.segments == NULL && target.segment_count == 0);
  test_require(target.parameters == NULL && target.parameter_count == 0);
}

static void segments(void **state) {
  static const struct {
    const char *text;
    size_t count;
    const char *segments[3];
  } cases[] = {
      {"/", 0, {NULL}},
      {"/?a=b", 0, {NULL}},
      {"/$export", 1, {"$export"}},
      {"/$export/", 1, {"$export"}},
      {"/%24export", 1, {"$export"}},
      {"/Group/7/$export?x=/a/../b", 3, {"Group", "7", "$export"}},
      {"/a+b/c=d&e", 2, {"a+b", "c=d&e"}},
      /* ERR-07: decoded once, and after the path is divided. */
      {"/a%2Fb/c", 2, {"a/b", "c"}},
      {"/%2e%2E%2fetc", 1, {"../etc"}},
      {"/%252e%252e/%252F", 2, {"%2e%2e", "%2F"}},
      {"/a%3Fb%26", 1, {"a?b&"}},
      {"/.../..a", 2, {"...", "..a"}},
      {"/%C3%A4\xC3\xA4", 1, {"\xC3\xA4\xC3\xA4"}},
  };
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    fhx__target target = read_good(cases[i].text);
    test_require(target.segment_count == cases[i].count);
    for (size_t k = 0; k < cases[i].count; k++) {
      assert_string_equal(target.segments[k], cases[i].segments[k]);
    }
    fhx__target_free(&target);
    assert_null(target.segments);
  }
}

static void parameters(void **state) {
  static const struct {
    const char *text;
    size_t count;
    const char *texts[6];
  } cases[] = {
      {"/x", 0, {NULL}},
      {"/x?", 0, {NULL}},
      {"/x?&&", 0, {NULL}},
      {"/x?a=1&b=2&a=3", 3, {"a", "1", "b", "2", "a", "3"}},
      {"/x?a&b=&=c", 3, {"a", "", "b", "", "", "c"}},
      {"/x?a=b=c=", 1, {"a", "b=c="}},
      {"/x?a=b?c/d", 1, {"a", "b?c/d"}},
      {"/x?%61%3D=%26%3d", 1, {"a=", "&="}},
      {"/x?a+b=c+d", 1, {"a b", "c d"}},
      {"/x?a=%2B%2520", 1, {"a", "+%20"}},
      {"/x?a=\xE2\x82\xAC%F0%9F%98%80", 1, {"a", "\xE2\x82\xAC\xF0\x9F\x98\x80"}},
      {"/x?a=%C2%A0", 1, {"a", "\xC2\xA0"}},
  };
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    fhx__target target = read_good(cases[i].text);
    test_require(target.parameter_count == cases[i].count);
    for (size_t k = 0; k < cases[i].count; k++) {
      assert_string_equal(target.parameters[k].name, cases[i].texts[2 * k]);
      assert_string_equal(target.parameters[k].value, cases[i].texts[2 * k + 1]);
    }
    fhx__target_free(&target);
  }
}

static void refused(void **state) {
  static const struct {
    const char *text;
    const char *words;
  } cases[] = {
      {"", "slash"},
      {"$export", "slash"},
      {"http://example.org/$export", "slash"},
      {"?_type=Patient", "slash"},
      {"//", "empty"},
      {"//$export", "empty"},
      {"/$export//", "empty"},
      {"/Group//$export", "empty"},
      {"/.", ". and .."},
      {"/a/../$export", ". and .."},
      {"/%2e%2E/$export", ". and .."},
      {"/a/%2e/", ". and .."},
      {"/a%", "the path: a % is"},
      {"/a%2", "the path: a % is"},
      {"/a%2/b", "the path: a % is"},
      {"/a%g0", "the path: a % is"},
      {"/a%00", "the path: control"},
      {"/a\tb", "the path: control"},
      {"/a%ff", "the path: this is not UTF-8"},
      {"/x?_since=%", "_since: a % is"},
      {"/x?_since=%4&_type=Patient", "_since: a % is"},
      {"/x?_since=%-1", "_since: a % is"},
      {"/x?_since=a%00b", "_since: control"},
      {"/x?_since=a%0d%0Ab", "_since: control"},
      {"/x?_since=%7f", "_since: control"},
      {"/x?_since=%C2%85", "_since: control"},
      {"/x?_since=%C0%80", "_since: this is not UTF-8"},
      {"/x?_since=%ED%A0%80", "_since: this is not UTF-8"},
      {"/x?_since=\xC3", "_since: this is not UTF-8"},
      {"/x?%zz=1", "the name of a parameter: a % is"},
      {"/x?%C3=%A4", "the name of a parameter: this is not UTF-8"},
      {"/x?a%20b=%", "a parameter whose name cannot be shown: a % is"},
  };
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    check_refused(cases[i].text, BYTES_MAX, 400, cases[i].words);
  }
}

/* ERR-08: as long as allowed is taken, one more byte is not. */
static void too_long(void **state) {
  (void)state;
  fhx__target target;
  fhx__problem problem;
  assert_int_equal(fhx__target_read("/$export", 8, &target, &problem), FHX_OK);
  fhx__target_free(&target);
  check_refused("/$export", 7, 414, "7 bytes");
  assert_int_equal(fhx__target_read("/$export", UINT64_MAX, &target, &problem), FHX_OK);
  fhx__target_free(&target);
}

/* What a stranger has sent is not repeated: a name only if it is short and can be seen. */
static void nothing_repeated(void **state) {
  static const char *const texts[] = {"/secret%",      "/x?a=secret%", "/x?secret\xC3\xA4=%",
                                      "/x?a secret=%", "secret",       "/../secret"};
  fhx__target target;
  fhx__problem problem;
  char text[128];
  (void)state;
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
    assert_int_equal(fhx__target_read(texts[i], BYTES_MAX, &target, &problem), FHX_ERR_ARGUMENT);
    assert_null(strstr(problem.text, "secret"));
  }
  for (size_t len = 64; len <= 65; len++) {
    memcpy(text, "/x?", 3);
    memset(text + 3, 'n', len);
    memcpy(text + 3 + len, "=%", 3);
    assert_int_equal(fhx__target_read(text, BYTES_MAX, &target, &problem), FHX_ERR_ARGUMENT);
    assert_int_equal(strncmp(problem.text, "nnn", 3) == 0, len == 64);
  }
}

/* Each in a block of its own size, so that a sanitizer sees what is read or written behind it. */
static void every_prefix(void **state) {
  static const char whole[] = "/Group/a%2Fb/$export/?_type=Pat%69ent&_since&=&a+b=%C3%A4&";
  (void)state;
  for (size_t len = 0; len < sizeof whole; len++) {
    fhx__target target;
    fhx__problem problem;
    char *text = malloc(len + 1);
    assert_non_null(text);
    memcpy(text, whole, len);
    text[len] = '\0';
    if (fhx__target_read(text, BYTES_MAX, &target, &problem) == FHX_OK) fhx__target_free(&target);
    free(text);
  }
}

static void problem_texts(void **state) {
  fhx__problem problem;
  char text[700];
  (void)state;
  /* Cut at 511 bytes, which is inside the last of these characters of two. */
  for (size_t i = 0; i + 1 < sizeof text; i++) text[i] = (char)(i % 2 == 0 ? 0xC3 : 0xA4);
  text[sizeof text - 2] = '\0';
  assert_int_equal(fhx__refuse(&problem, 400, "invalid", "%s", text), FHX_ERR_ARGUMENT);
  assert_int_equal(strlen(problem.text), 510);
  assert_memory_equal(problem.text, text, 510);
  assert_int_equal(fhx__refuse(&problem, 403, "forbidden", "%d", 7), FHX_ERR_ARGUMENT);
  assert_string_equal(problem.text, "7");
  assert_string_equal(problem.issue_code, "forbidden");
  assert_int_equal(problem.http_status, 403);
}

static void out_of_memory(void **state) {
  bool failed = true;
  uint64_t count = 0;
  (void)state;
  while (failed) {
    fhx__target target;
    fhx__problem problem;
    test_memory_begin(++count);
    int32_t status = fhx__target_read("/a/b?c=d&e", BYTES_MAX, &target, &problem);
    fhx__target_free(&target);
    failed = test_memory_end();
    assert_int_equal(status, failed ? FHX_ERR_NO_MEMORY : FHX_OK);
  }
  assert_true(count > 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(segments),         cmocka_unit_test(parameters),
      cmocka_unit_test(refused),          cmocka_unit_test(too_long),
      cmocka_unit_test(nothing_repeated), cmocka_unit_test(every_prefix),
      cmocka_unit_test(problem_texts),    cmocka_unit_test(out_of_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
