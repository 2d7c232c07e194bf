/* The XML of stores' answers: what comes of it, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

#include "core/buffer.h"
#include "support/memory.h"
#include "transport/xml.h"

/* What was visited: "path=text;" each; and the visit that fails, from 1. */
typedef struct record {
  char text[2048];
  size_t len;
  int visits;
  int fail_at;
  int32_t fail_status;
} record;

static int32_t note(void *context, const char *path, const char *text) {
  record *of = context;
  int written = snprintf(of->text + of->len, sizeof of->text - of->len, "%s=%.80s;", path, text);
  assert_in_range(written, 0, sizeof of->text - of->len - 1);
  of->len += (size_t)written;
  return ++of->visits == of->fail_at ? of->fail_status : FHX_OK;
}

static int32_t read_text(const char *document, record *into) {
  memset(into, 0, sizeof *into);
  return fhx__xml_read(document, strlen(document), note, into, NULL);
}

static void reading(void **state) {
  static const struct {
    const char *document;
    const char *visits;
  } cases[] = {
      {"<a/>", "a=;"},
      {"<a>text</a>", "a=text;"},
      {"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>NoSuchKey</Code>"
       "<Message>a &lt;b&gt; &amp;&#33;</Message></Error>\n",
       "Error/Code=NoSuchKey;Error/Message=a <b> &!;Error=;"},
      {"<L xmlns=\"http://s3.amazonaws.com/doc/\" x=\"y\"><s:K xmlns:s=\"u\">v</s:K> <K>w</K></L>",
       "L/K=v;L/K=w;L=;"},
      {"<a> x <b>y</b> z </a>", "a/b=y;a=;"},
      {"<a><b><c>1</c></b><b/></a>", "a/b/c=1;a/b=;a/b=;a=;"},
      {"<a><![CDATA[<&]]>x<!-- no -->y<?pi z?></a>", "a=<&xy;"},
      {"<a>\xC3\xA4</a>", "a=\xC3\xA4;"},
      {"<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><a>\xE4</a>", "a=\xC3\xA4;"},
      {"\xEF\xBB\xBF<a>b</a>", "a=b;"},
  };
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    record got;
    assert_int_equal(read_text(cases[i].document, &got), FHX_OK);
    assert_string_equal(got.text, cases[i].visits);
  }
}

static void refused(void **state) {
  static const char *const documents[] = {
      "",
      " ",
      "text",
      "<a>",
      "<a></b>",
      "<a/><b/>",
      "<a>&undefined;</a>",
      "<a>&#0;</a>",
      "<a>\xFF</a>",
      "<a b></a>",
      "<s:/>",
      "<a><:/></a>",
      "{\"a\":1}",
      "<!DOCTYPE a><a/>",
      "<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>",
      "<!DOCTYPE a SYSTEM \"http://127.0.0.1/x\"><a/>",
      "<!DOCTYPE a [<!ENTITY b SYSTEM \"file:///etc/passwd\">]><a>&b;</a>",
      "<?xml version=\"1.0\" encoding=\"x-unknown\"?><a/>",
  };
  (void)state;
  for (size_t i = 0; i < sizeof documents / sizeof *documents; i++) {
    fhx_error *error = NULL;
    record got;
    memset(&got, 0, sizeof got);
    assert_int_equal(fhx__xml_read(documents[i], strlen(documents[i]), note, &got, &error),
                     FHX_ERR_ARGUMENT);
    assert_string_equal(fhx_error_message(error),
                        "an XML document is not one that a store answers with");
    fhx_error_free(error);
  }
}

static void repeat(fhx__buffer *out, const char *text, size_t count) {
  for (size_t i = 0; i < count; i++) assert_int_equal(fhx__buffer_append_text(out, text), FHX_OK);
}

static int32_t measure(void *context, const char *path, const char *text) {
  size_t *longest = context;
  if (strlen(path) > longest[0]) longest[0] = strlen(path);
  if (strlen(text) > longest[1]) longest[1] = strlen(text);
  return FHX_OK;
}

/* A path of so many levels of one letter has 2 * depth - 1 bytes. */
static int32_t read_deep(size_t depth, const char *innermost, size_t longest[2]) {
  fhx__buffer document = {NULL, 0, 0};
  repeat(&document, "<a>", depth);
  repeat(&document, innermost, 1);
  repeat(&document, "</a>", depth);
  longest[0] = longest[1] = 0;
  int32_t status = fhx__xml_read(document.data, document.len, measure, longest, NULL);
  fhx__buffer_free(&document);
  return status;
}

static void depth(void **state) {
  size_t longest[2];
  (void)state;
  assert_int_equal(read_deep(FHX__XML_PATH_MAX / 2, "", longest), FHX_OK);
  assert_int_equal(longest[0], FHX__XML_PATH_MAX - 1);
  assert_int_equal(read_deep(FHX__XML_PATH_MAX / 2 - 1, "<bc/>", longest), FHX_OK);
  assert_int_equal(longest[0], FHX__XML_PATH_MAX);
  assert_int_equal(read_deep(FHX__XML_PATH_MAX / 2 - 1, "<bcd/>", longest), FHX_ERR_ARGUMENT);
  assert_int_equal(read_deep(FHX__XML_PATH_MAX / 2 + 1, "", longest), FHX_ERR_ARGUMENT);
  assert_int_equal(read_deep(100000, "", longest), FHX_ERR_ARGUMENT);
}

static int32_t read_long(const char *before, size_t len, size_t longest[2]) {
  fhx__buffer document = {NULL, 0, 0};
  repeat(&document, before, 1);
  repeat(&document, "0123456789abcdef", len / 16);
  repeat(&document, "x", len % 16);
  repeat(&document, "</a>", 1);
  longest[0] = longest[1] = 0;
  int32_t status = fhx__xml_read(document.data, document.len, measure, longest, NULL);
  fhx__buffer_free(&document);
  return status;
}

static void length(void **state) {
  size_t longest[2];
  (void)state;
  assert_int_equal(read_long("<a>", FHX__XML_TEXT_MAX, longest), FHX_OK);
  assert_int_equal(longest[1], FHX__XML_TEXT_MAX);
  assert_int_equal(read_long("<a>", FHX__XML_TEXT_MAX + 1, longest), FHX_ERR_ARGUMENT);
  /* Text beside elements is not kept. */
  assert_int_equal(read_long("<a><b/>", (size_t)4 * FHX__XML_TEXT_MAX, longest), FHX_OK);
  assert_int_equal(longest[1], 0);
  /* A name as long as the document. */
  assert_int_equal(read_long("<a><b", (size_t)4 * FHX__XML_TEXT_MAX, longest), FHX_ERR_ARGUMENT);
}

static void stopping(void **state) {
  static const char document[] = "<a><b>1</b><b/><c/></a>";
  static const int32_t statuses[] = {FHX_ERR_LIMIT, FHX_ERR_NO_MEMORY};
  (void)state;
  for (size_t i = 0; i < 2; i++) {
    for (int at = 1; at <= 4; at++) {
      record got = {.fail_at = at, .fail_status = statuses[i]};
      fhx_error *error = NULL;
      assert_int_equal(fhx__xml_read(document, strlen(document), note, &got, &error), statuses[i]);
      assert_int_equal(fhx_error_status(error), statuses[i]);
      assert_int_equal(got.visits, at);
      fhx_error_free(error);
    }
  }
}

static void no_memory(void **state) {
  (void)state;
  for (uint64_t number = 1;; number++) {
    record got;
    test_memory_begin(number);
    int32_t status = read_text("<a><b c=\"d\">text &amp; more</b><b/></a>", &got);
    if (!test_memory_end()) {
      assert_int_equal(status, FHX_OK);
      break;
    }
    /* expat asks for some memory that it can do without. */
    if (status != FHX_OK) assert_int_equal(status, FHX_ERR_NO_MEMORY);
    if (status == FHX_OK) assert_string_equal(got.text, "a/b=text & more;a/b=;a=;");
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(reading), cmocka_unit_test(refused),  cmocka_unit_test(depth),
      cmocka_unit_test(length),  cmocka_unit_test(stopping), cmocka_unit_test(no_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
