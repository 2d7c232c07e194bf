/* Where the URLs of Attachments are in a line, and what a string spells. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

#include "core/names.h"
#include "ndjson/scan.h"
#include "select/attachments.h"

typedef struct found {
  char urls[2000];
  size_t most;
  size_t count;
} found;

static bool add(void *context, fhx__raw_string url) {
  found *at = context;
  size_t len = strlen(at->urls);
  snprintf(at->urls + len, sizeof at->urls - len, "%s%.*s", len == 0 ? "" : " ", (int)url.len,
           url.text);
  return ++at->count < at->most;
}

/* The URLs with a space between. */
static void expect(const char *line, const char *urls) {
  found at = {.most = 1000};
  assert_true(fhx__attachments_walk(line, strlen(line), add, &at));
  assert_string_equal(at.urls, urls);
}

static void by_the_key_that_holds_them(void **state) {
  static const char *const keys[] = {"attachment",
                                     "content",
                                     "document",
                                     "form",
                                     "formatted",
                                     "image",
                                     "photo",
                                     "presentedForm",
                                     "valueAttachment",
                                     "sourceAttachment",
                                     "contentAttachment",
                                     "legallyBindingAttachment",
                                     "sequenceAttachment",
                                     "targetAttachment"};
  (void)state;
  for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
    char line[400];
    snprintf(line, sizeof line, "{\"%s\":{\"url\":\"u\"}}", keys[i]);
    expect(line, "u");
    snprintf(line, sizeof line, "{\"a\":[1,{\"%s\":[{\"b\":2,\"url\":\"u\"},{\"url\":\"v\"}]}]}",
             keys[i]);
    expect(line, "u v");
  }
}

static void nothing_else(void **state) {
  (void)state;
  expect("{}", "");
  expect("", "");
  expect("{\"url\":\"u\"}", "");
  expect("{\"identifier\":{\"url\":\"u\"},\"Attachment\":{\"url\":\"u\"}}", "");
  expect("{\"photos\":{\"url\":\"u\"},\"attachmen\":[{\"url\":\"u\"}]}", "");
  expect("{\"photo\":\"url\",\"x\":{\"url\":\"u\"}}", "");
  expect("{\"photo\":{\"_url\":\"u\",\"uri\":\"v\",\"url\":1,\"x\":{\"url\":\"w\"}}}", "");
  expect("{\"photo\":{\"url\":[\"u\"],\"title\":\"\\\"url\\\":\\\"u\\\"\"}}", "");
  expect("{\"photo\":{\"extension\":[{\"url\":\"e\",\"valueUrl\":\"u\"}]}}", "");
  expect("{\"photo\":[],\"x\":{\"url\":\"u\"}}", "");
  expect("{\"photo\":[{}],\"x\":[{\"url\":\"u\"}]}", "");
}

static void at_any_depth(void **state) {
  (void)state;
  expect(
      "{\"contained\":[{\"resourceType\":\"Patient\",\"photo\":[{\"url\":\"a\"}]}],"
      "\"extension\":[{\"url\":\"e\",\"valueAttachment\":{\"url\":\"b\"}}],"
      "\"content\":[{\"attachment\":{\"extension\":[{\"url\":\"e\",\"extension\":"
      "[{\"url\":\"e\",\"valueAttachment\":{\"url\":\"c\"}}]}],\"url\":\"d\"}}]}",
      "a b c d");
}

/* Keys count as what they spell; of two equal ones both are given. */
static void escapes_and_doubles(void **state) {
  (void)state;
  expect("{\"ph\\u006fto\":{\"\\u0075rl\":\"a\"}}", "a");
  expect("{\"value\\u0041ttachment\":{\"url\":\"a\"}}", "a");
  expect("{\"valueAttachmen\\u0074s\":{\"url\":\"a\"}}", "");
  expect("{\"\\u0041ttachment\":{\"url\":\"a\"}}", "");
  expect("{\"photo\":{\"url\":\"a\\\"b\\\\\",\"url\":\"\"}}", "a\\\"b\\\\ ");
}

static void a_callback_can_end_it(void **state) {
  static const char line[] = "{\"photo\":[{\"url\":\"a\"},{\"url\":\"b\"},{\"url\":\"c\"}]}";
  found at = {.most = 2};
  (void)state;
  assert_false(fhx__attachments_walk(line, sizeof line - 1, add, &at));
  assert_string_equal(at.urls, "a b");
}

static void as_deep_as_the_scanner_goes(void **state) {
  static char line[8000];
  char *to = line;
  (void)state;
  to += sprintf(to, "{\"x\":");
  for (int i = 0; i < FHX__DEPTH_MAX - 2; i++) *to++ = '[';
  to += sprintf(to, "{\"photo\":1,\"a\":\"\\u0041\"}");
  for (int i = 0; i < FHX__DEPTH_MAX - 2; i++) *to++ = ']';
  to += sprintf(to, ",\"photo\":{\"url\":\"u\"}}");
  expect(line, "u");
}

/* On cut and broken text it may give anything, but stays inside and ends. */
static void broken_text(void **state) {
  static const char line[] =
      "{\"a\":[1,true,\"x\"],\"photo\":[{\"url\":\"a\\u0041\\\"\"},{\"url\":\"b\"}],\"z\":null}";
  (void)state;
  for (size_t len = 0; len < sizeof line; len++) {
    for (size_t i = 0; i < sizeof line - 1; i++) {
      char *copy = test_malloc(len + 1);
      found at = {.most = 1000};
      memcpy(copy, line, len);
      if (i < len) copy[i] = "\"{}[]:,x"[(i + len) % 8];
      fhx__attachments_walk(copy, len, add, &at);
      test_free(copy);
    }
  }
}

/* --- what a string spells --- */

static void spell(const char *raw, bool has_escape, const char *text) {
  fhx__buffer out = {NULL, 0, 0};
  assert_int_equal(fhx__raw_spell((fhx__raw_string){raw, strlen(raw), has_escape}, &out), FHX_OK);
  assert_int_equal(out.len, strlen(text));
  assert_memory_equal(out.data == NULL ? "" : out.data, text, out.len);
  assert_true(fhx__is_utf8(out.data, out.len));
  fhx__buffer_free(&out);
}

static void strings_spell(void **state) {
  (void)state;
  spell("https://x/y?z", false, "https://x/y?z");
  spell("https:\\/\\/x\\u002Fy", true, "https://x/y");
  spell("\\\"\\\\\\b\\f\\n\\r\\t", true, "\"\\\b\f\n\r\t");
  spell("\\u00e4\\u20AC\\uD83D\\uDE00", true, "\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80");
  spell("\\uD83D", true, "\xEF\xBF\xBD");
  spell("\\uDE00x", true, "\xEF\xBF\xBDx");
  spell("\\uD83D\\u0041", true,
        "\xEF\xBF\xBD"
        "A");
  spell("\\uD83D\\n", true, "\xEF\xBF\xBD\n");
  spell("a\\u0000b", true,
        "a\xEF\xBF\xBD"
        "b");
  spell("\\u007f\\u0080\\u07FF\\u0800\\uFFFF", true,
        "\x7F\xC2\x80\xDF\xBF\xE0\xA0\x80\xEF\xBF\xBF");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(by_the_key_that_holds_them),
      cmocka_unit_test(nothing_else),
      cmocka_unit_test(at_any_depth),
      cmocka_unit_test(escapes_and_doubles),
      cmocka_unit_test(a_callback_can_end_it),
      cmocka_unit_test(as_deep_as_the_scanner_goes),
      cmocka_unit_test(broken_text),
      cmocka_unit_test(strings_spell),
  };
  return cmocka_run_group_tests_name("attachments", tests, NULL, NULL);
}
