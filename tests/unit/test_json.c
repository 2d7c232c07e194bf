/* JSON documents of our own: writing, reading, limits, memory; OperationOutcomes (ERR-02). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

#include "core/alloc.h"
#include "core/error.h"
#include "core/json.h"
#include "core/outcome.h"
#include "support/memory.h"

/* --- reading --- */

static fhx__json_node *parse(const char *text) {
  fhx__json_node *root = NULL;
  fhx_error *error = NULL;
  if (fhx__json_parse(text, strlen(text), &root, &error) != FHX_OK) {
    fail_msg("%s: %s", text, fhx_error_message(error));
  }
  assert_null(error);
  return root;
}

static void kinds(void **state) {
  (void)state;
  fhx__json_node *root = parse(
      " {\"a\":null,\"b\":false,\"c\":true,\"d\":-1.50e+3,\"e\":\"x\\u0000\\n\\/\",\"f\":[1,[]],"
      "\"g\":{\"h\":{}}} ");
  assert_int_equal(root->kind, FHX__JSON_OBJECT);
  assert_null(root->key);
  assert_int_equal(fhx__json_member(root, "a")->kind, FHX__JSON_NULL);
  assert_int_equal(fhx__json_member(root, "b")->kind, FHX__JSON_FALSE);
  assert_int_equal(fhx__json_member(root, "c")->kind, FHX__JSON_TRUE);
  /* A number keeps its text. */
  assert_int_equal(fhx__json_member(root, "d")->kind, FHX__JSON_NUMBER);
  assert_string_equal(fhx__json_member(root, "d")->text, "-1.50e+3");
  assert_int_equal(fhx__json_member(root, "e")->text_len, 4);
  assert_memory_equal(fhx__json_member(root, "e")->text, "x\0\n/", 5);
  const fhx__json_node *list = fhx__json_member(root, "f");
  assert_int_equal(list->kind, FHX__JSON_ARRAY);
  assert_string_equal(list->first->text, "1");
  assert_int_equal(list->first->next->kind, FHX__JSON_ARRAY);
  assert_ptr_equal(list->first->next, list->last);
  assert_null(list->last->next);
  assert_null(list->last->first);
  assert_non_null(fhx__json_member(fhx__json_member(root, "g"), "h"));
  fhx__json_free(root);
}

static void roots(void **state) {
  static const char *const texts[] = {"1", "\"text\"", "null", "[]", "{}"};
  (void)state;
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) fhx__json_free(parse(texts[i]));
  fhx__json_free(NULL);
}

static void members(void **state) {
  (void)state;
  fhx__json_node *root = parse("{\"text\":\"t\",\"number\":5,\"list\":[1],\"text\":\"second\"}");
  assert_null(fhx__json_member(NULL, "text"));
  assert_null(fhx__json_member(root, "absent"));
  assert_null(fhx__json_member(fhx__json_member(root, "list"), "text"));
  assert_string_equal(fhx__json_member_string(root, "text", "other"), "t");
  assert_string_equal(fhx__json_member_string(root, "number", "other"), "other");
  assert_string_equal(fhx__json_member_string(root, "absent", "other"), "other");
  assert_null(fhx__json_member_string(NULL, "text", NULL));
  assert_int_equal(fhx__json_member_number(root, "number", 7), 5);
  assert_int_equal(fhx__json_member_number(root, "text", 7), 7);
  assert_int_equal(fhx__json_member_number(root, "absent", 7), 7);
  fhx__json_free(root);
}

static void numbers(void **state) {
  static const struct {
    const char *text;
    uint64_t value;
  } cases[] = {
      {"{\"n\":0}", 0},
      {"{\"n\":18446744073709551615}", UINT64_MAX},
      /* What is no unsigned integer of 64 bits is not bent into one. */
      {"{\"n\":18446744073709551616}", 7},
      {"{\"n\":99999999999999999999999}", 7},
      {"{\"n\":-1}", 7},
      {"{\"n\":-0}", 7},
      {"{\"n\":1.0}", 7},
      {"{\"n\":1e2}", 7},
  };
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    fhx__json_node *root = parse(cases[i].text);
    assert_true(fhx__json_member_number(root, "n", 7) == cases[i].value);
    fhx__json_free(root);
  }
}

static void assert_refused(const void *text, size_t len, int32_t status) {
  fhx__json_node *root = NULL;
  fhx_error *error = NULL;
  assert_int_equal(fhx__json_parse(text, len, &root, &error), status);
  assert_null(root);
  assert_int_equal(fhx_error_status(error), status);
  assert_string_not_equal(fhx_error_message(error), "");
  fhx_error_free(error);
  assert_int_equal(fhx__json_parse(text, len, &root, NULL), status);
}

static void not_json(void **state) {
  static const char *const texts[] = {
      "",           " ",     "{",     "[1",        "{\"a\"}", "{\"a\":}",  "{\"a\":1",
      "{\"a\":1,}", "[1,]",  "{a:1}", "\"unended", "\"\\x\"", "\"\\u12\"", "tru",
      "nul",        "01",    "1.",    "{} {}",     "{}x",     "\"\xFF\"",  "\"\xC3\"",
      "{\"a\" 1}",  "[1 2]", "'a'",   "\"a\nb\"",  "]",       "}",         "{\"a\":1]",
  };
  (void)state;
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
    assert_refused(texts[i], strlen(texts[i]), FHX_ERR_ARGUMENT);
  }
  /* Every beginning of a document is none. */
  const char *whole = "{\"a\":[1,\"\\u00e9\",{\"b\":null}]}";
  for (size_t len = 0; len < strlen(whole); len++) assert_refused(whole, len, FHX_ERR_ARGUMENT);
}

static int32_t parse_nested(char open, char close, size_t depth) {
  fhx__json_node *root = NULL;
  char text[2 * 100];
  size_t len = 0;
  for (size_t i = 0; i < depth; i++) text[len++] = open;
  for (size_t i = 0; i < depth; i++) text[len++] = close;
  int32_t status = fhx__json_parse(text, len, &root, NULL);
  fhx__json_free(root);
  return status;
}

/* ERR-08. */
static void depth(void **state) {
  (void)state;
  assert_int_equal(parse_nested('[', ']', FHX__JSON_DEPTH_MAX), FHX_OK);
  assert_int_equal(parse_nested('[', ']', FHX__JSON_DEPTH_MAX + 1), FHX_ERR_LIMIT);
  /* Depth is what is open, not what was. */
  fhx__buffer text = {NULL, 0, 0};
  fhx__buffer_append_text(&text, "[");
  for (int i = 0; i < 200; i++) fhx__buffer_append_text(&text, "{\"a\":[]},");
  fhx__buffer_append_text(&text, "1]");
  assert_int_equal(fhx__buffer_terminate(&text), FHX_OK);
  fhx__json_free(parse(text.data));
  fhx__buffer_free(&text);
  assert_refused("[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", 71,
                 FHX_ERR_LIMIT);
}

/* One string that fills the document, plain and with escapes, up to the limit and beyond. */
static void size(void **state) {
  size_t max = FHX__JSON_INPUT_MAX;
  char *text = malloc(max + 1);
  fhx__json_node *root = NULL;
  (void)state;
  memset(text, 'a', max + 1);
  text[0] = '"';
  text[max - 1] = '"';
  assert_int_equal(fhx__json_parse(text, max, &root, NULL), FHX_OK);
  assert_int_equal(root->text_len, max - 2);
  fhx__json_free(root);
  memset(text + 1, '\\', max - 2); /* escaped backslashes, an even number */
  assert_int_equal(fhx__json_parse(text, max, &root, NULL), FHX_OK);
  assert_int_equal(root->text_len, max / 2 - 1);
  fhx__json_free(root);
  /* The same, never closed: the parser keeps what it has. */
  text[max - 1] = '\\';
  assert_refused(text, max, FHX_ERR_ARGUMENT);
  text[max] = '"';
  assert_refused(text, max + 1, FHX_ERR_LIMIT);
  free(text);
}

/* --- writing --- */

static int32_t write_sample(fhx__buffer *out) {
  fhx__json_writer writer;
  fhx__json_begin(&writer, out);
  fhx__json_open_object(&writer);
  fhx__json_member_text(&writer, "text", "a \"quote\", \xC3\xA9, a line\nfeed and \x01");
  fhx__json_member_integer(&writer, "largest", UINT64_MAX);
  fhx__json_member_integer(&writer, "zero", 0);
  fhx__json_key(&writer, "list");
  fhx__json_open_array(&writer);
  fhx__json_boolean(&writer, true);
  fhx__json_boolean(&writer, false);
  fhx__json_open_object(&writer);
  fhx__json_close_object(&writer);
  fhx__json_close_array(&writer);
  fhx__json_close_object(&writer);
  return fhx__json_end(&writer);
}

static void writing(void **state) {
  fhx__buffer out = {NULL, 0, 0};
  (void)state;
  fhx__buffer_append_text(&out, "before:");
  assert_int_equal(write_sample(&out), FHX_OK);
  assert_int_equal(fhx__buffer_terminate(&out), FHX_OK);
  assert_string_equal(out.data,
                      "before:{\"text\":\"a \\\"quote\\\", \xC3\xA9, a line\\nfeed and \\u0001\","
                      "\"largest\":18446744073709551615,\"zero\":0,\"list\":[true,false,{}]}");
  fhx__json_node *root = parse(out.data + strlen("before:"));
  assert_true(fhx__json_member_number(root, "largest", 0) == UINT64_MAX);
  assert_string_equal(fhx__json_member_string(root, "text", ""),
                      "a \"quote\", \xC3\xA9, a line\nfeed and \x01");
  fhx__json_free(root);
  fhx__buffer_free(&out);
}

typedef void (*misuse)(fhx__json_writer *writer);

static void write_not_utf8(fhx__json_writer *writer) {
  fhx__json_text(writer, "\xC3(");
}

static void write_number_as_key(fhx__json_writer *writer) {
  fhx__json_open_object(writer);
  fhx__json_integer(writer, 1);
}

static void close_what_is_not_open(fhx__json_writer *writer) {
  fhx__json_close_array(writer);
}

static void write_two_documents(fhx__json_writer *writer) {
  fhx__json_open_object(writer);
  fhx__json_close_object(writer);
  fhx__json_text(writer, "second");
}

static void nest_too_deeply(fhx__json_writer *writer) {
  for (int i = 0; i < 200; i++) fhx__json_open_array(writer);
}

/* Calls out of order are found, and nothing is written behind the first. */
static void misused(void **state) {
  static const misuse misuses[] = {write_not_utf8, write_number_as_key, close_what_is_not_open,
                                   write_two_documents, nest_too_deeply};
  (void)state;
  for (size_t i = 0; i < sizeof misuses / sizeof misuses[0]; i++) {
    fhx__buffer out = {NULL, 0, 0};
    fhx__json_writer writer;
    fhx__json_begin(&writer, &out);
    misuses[i](&writer);
    size_t len = out.len;
    fhx__json_text(&writer, "more");
    assert_int_equal(out.len, len);
    assert_int_equal(fhx__json_end(&writer), FHX_ERR_INTERNAL);
    fhx__buffer_free(&out);
  }
}

/* --- outcomes --- */

static void outcomes(void **state) {
  (void)state;
  char *text = fhx__outcome_text("error", "not-found", "no such \"Group\"");
  assert_string_equal(text,
                      "{\"resourceType\":\"OperationOutcome\",\"issue\":[{\"severity\":\"error\","
                      "\"code\":\"not-found\",\"diagnostics\":\"no such \\\"Group\\\"\"}]}");
  fhx__free(text);
  text = fhx__outcome_text("warning", "invalid", "broken \xFF text");
  assert_string_equal(text,
                      "{\"resourceType\":\"OperationOutcome\",\"issue\":[{\"severity\":\"warning\","
                      "\"code\":\"invalid\"}]}");
  fhx__free(text);
}

/* An error is an outcome too, and its message UTF-8 even where it had to be cut. */
static void errors(void **state) {
  fhx_error *error = NULL;
  char long_text[2000];
  (void)state;
  assert_int_equal(fhx__fail(&error, FHX_ERR_NOT_FOUND, "no %s", "such job"), FHX_ERR_NOT_FOUND);
  assert_string_equal(fhx_error_message(error), "no such job");
  assert_int_equal(fhx_error_retryable(error), 0);
  fhx__json_node *outcome = parse(fhx_error_outcome(error));
  const fhx__json_node *issue = fhx__json_member(outcome, "issue")->first;
  assert_string_equal(fhx__json_member_string(issue, "diagnostics", ""), "no such job");
  assert_string_equal(fhx__json_member_string(issue, "code", ""), "not-found");
  fhx__json_free(outcome);
  fhx_error_free(error);
  for (size_t i = 0; i + 2 < sizeof long_text; i += 2) memcpy(long_text + i, "\xC3\xA9", 2);
  long_text[sizeof long_text - 2] = '\0';
  error = NULL;
  fhx__fail_with(&error, FHX_ERR_IO, 5, "%s", long_text);
  assert_int_equal(fhx_error_retryable(error), 1);
  assert_int_equal(strlen(fhx_error_message(error)) % 2, 0);
  assert_non_null(strstr(fhx_error_outcome(error), "diagnostics"));
  fhx_error_free(error);
}

/* --- out of memory --- */

static void read_and_write(bool all_well) {
  static const char text[] = "{\"a\":[1,\"two\",{\"b\":null}],\"c\":true,\"long\":\"\\u00e9\"}";
  fhx__json_node *root = NULL;
  fhx_error *error = NULL;
  fhx__buffer out = {NULL, 0, 0};
  int32_t status = fhx__json_parse(text, sizeof text - 1, &root, &error);
  assert_true(status == FHX_OK || (status == FHX_ERR_NO_MEMORY && !all_well));
  assert_int_equal(fhx_error_status(error), status);
  assert_true((status == FHX_OK) == (root != NULL));
  fhx_error_free(error);
  fhx__json_free(root);
  status = write_sample(&out);
  assert_true(status == FHX_OK || (status == FHX_ERR_NO_MEMORY && !all_well));
  fhx__buffer_free(&out);
  char *outcome = fhx__outcome_text("error", "exception", "text");
  assert_true(outcome != NULL || !all_well);
  fhx__free(outcome);
  error = NULL;
  status = fhx__json_parse("[{\"a\":", 6, &root, &error);
  assert_null(root);
  assert_true(status == FHX_ERR_ARGUMENT || (status == FHX_ERR_NO_MEMORY && !all_well));
  /* Where the error itself finds no memory, it says that. */
  assert_true(fhx_error_status(error) == status ||
              (fhx_error_status(error) == FHX_ERR_NO_MEMORY && !all_well));
  fhx_error_free(error);
}

static void out_of_memory(void **state) {
  (void)state;
  bool more = true;
  for (uint64_t fail_at = 0; more; fail_at++) {
    test_memory_begin(fail_at);
    read_and_write(fail_at == 0);
    more = test_memory_end() || fail_at == 0;
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(kinds),    cmocka_unit_test(roots),    cmocka_unit_test(members),
      cmocka_unit_test(numbers),  cmocka_unit_test(not_json), cmocka_unit_test(depth),
      cmocka_unit_test(size),     cmocka_unit_test(writing),  cmocka_unit_test(misused),
      cmocka_unit_test(outcomes), cmocka_unit_test(errors),   cmocka_unit_test(out_of_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
