/*
 * The scanner: what it accepts, where it finds which fault, and the line (FILE-03).
 *
 * ctest labels: onethread
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

#include "scan_check.h"

/* Pretty-printed, with something of everything. */
static const char sample[] =
    "{\n  \"resourceType\": \"Patient\",\r\n\t\"id\" : \"p-1.A\",\n"
    "  \"meta\" : { \"versionId\": \"1\", \"lastUpdated\": \"2024-05-06T07:08:09.123456789+02:00\" "
    "},"
    "\n  \"text\": { \"div\": \"<div xmlns=\\\"http://www.w3.org/1999/xhtml\\\">a  "
    "b\\n\\u00e9</div>\""
    " },\n  \"active\": true, \"deceasedBoolean\" :false,\"x\":null,\n"
    "  \"n\": [ 0, -0.10, 1e5, 1.50E-3 , 2E+7, [ ], { }, [ [ { \"id\": 7 } ] ] ],\n"
    "  \"name\": [ { \"family\": \"M\xC3\xBCller\", \"given\": [ \"\xE6\x9D\x8E \xF0\x9F\x98\x80\" "
    "] }"
    " ]\n}\n";

/* BEGIN and one more member with this value. */
static fhx__scan scan_value(const void *value, size_t len, size_t *value_at) {
  static const char before[] = BEGIN ",\"x\":";
  char text[TEXT_MAX];
  *value_at = sizeof before - 1;
  assert_true(*value_at + len + 1 <= sizeof text);
  memcpy(text, before, *value_at);
  if (len != 0) memcpy(text + *value_at, value, len);
  text[*value_at + len] = '}';
  return scan(text, *value_at + len + 1);
}

static void accepted_values(void **state) {
  static const char *const values[] = {
      "0",
      "-0",
      "1",
      "-1",
      "10",
      "1234567890123456789012345678901234567890",
      "0.0",
      "-0.10",
      "1.50",
      "0e0",
      "0E+0",
      "1e-999",
      "1.5e+10",
      "true",
      "false",
      "null",
      "\"\"",
      "\" \"",
      "\"\\\"\"",
      "\"\\\\\"",
      "\"\\/\\b\\f\\n\\r\\t\"",
      "\"\\u0000\"",
      "\"\\uABCD\\uabcd\"",
      "\"\\ud83d\\ude00\"",
      /* A surrogate alone: deliberately passed. */
      "\"\\ud800\"",
      "\"\\udc00\\ud800x\"",
      "\"\\ud800\\u0041\"",
      "\"a/b<c>&'{}[]:,\"",
      "\"\x7F\"",
      "\"\xC2\x80\"",
      "\"\xDF\xBF\"",
      "\"\xE0\xA0\x80\"",
      "\"\xED\x9F\xBF\"",
      "\"\xEE\x80\x80\"",
      "\"\xEF\xBF\xBF\"",
      "\"\xEF\xBB\xBF\"",
      "\"\xF0\x90\x80\x80\"",
      "\"\xF4\x8F\xBF\xBF\"",
      "\"\xE2\x80\xA8\xE2\x80\xA9\"",
      "{}",
      "[]",
      "[[]]",
      "[{}]",
      "{\"\":0}",
      "{\"a\":1,\"a\":2}",
      "{\"id\":1,\"id\":[]}",
      "[1,2]",
      "[[],[]]",
      "[true,false,null,\"\",0,{},[]]",
      "{\"a\":{\"b\":{\"c\":[{\"d\":[[]]}]}}}",
  };
  size_t at = 0;
  (void)state;
  for (size_t i = 0; i < COUNT(values); i++) {
    fhx__scan result = scan_value(values[i], strlen(values[i]), &at);
    if (result.fault != FHX__FAULT_NONE)
      fail_msg("%s %s", values[i], fhx__fault_text(result.fault));
    assert_int_equal(result.out_len, at + strlen(values[i]) + 1);
  }
}

/* Faulty values: what follows `good` is where the fault is seen. */
static void rejected_values(void **state) {
  static const struct {
    const char *good;
    size_t good_len;
    const char *bad;
    size_t bad_len;
  } cases[] = {
      {TEXT(""), TEXT("")},
      {TEXT(""), TEXT("+1")},
      {TEXT(""), TEXT(".5")},
      {TEXT("0"), TEXT("1")},
      {TEXT("-"), TEXT("")},
      {TEXT("-"), TEXT("a")},
      {TEXT("-0"), TEXT("0")},
      {TEXT("-"), TEXT("-1")},
      {TEXT("1."), TEXT("")},
      {TEXT("1."), TEXT("e1")},
      {TEXT("1e"), TEXT("")},
      {TEXT("1e+"), TEXT("")},
      {TEXT("1e"), TEXT(".1")},
      {TEXT("1.2"), TEXT(".3")},
      {TEXT("1e1"), TEXT(".0")},
      {TEXT("1e1"), TEXT("e1")},
      {TEXT("0"), TEXT("x1")},
      {TEXT("1"), TEXT("a")},
      {TEXT("1 "), TEXT("2")},
      {TEXT(""), TEXT("NaN")},
      {TEXT("-"), TEXT("Infinity")},
      {TEXT(""), TEXT("True")},
      {TEXT("tru"), TEXT("E")},
      {TEXT("true"), TEXT("e")},
      {TEXT("f"), TEXT("")},
      {TEXT("nul"), TEXT(" l")},
      {TEXT("null"), TEXT("x")},
      {TEXT(""), TEXT("'a'")},
      {TEXT(""), TEXT("a")},
      {TEXT("\""), TEXT("\x01\"")},
      {TEXT("\"a"), TEXT("\n\"")},
      {TEXT("\"a"), TEXT("\t\"")},
      {TEXT("\"a"), TEXT("\0\"")},
      {TEXT("\"a"), TEXT("\x1F\"")},
      {TEXT("\"a\\"), TEXT("x\"")},
      {TEXT("\"\\"), TEXT("U0041\"")},
      {TEXT("\"\\"), TEXT("'\"")},
      {TEXT("\"\\"), TEXT("\n\"")},
      {TEXT("\"\\"), TEXT("\0\"")},
      {TEXT("\"\\u"), TEXT("\"")},
      {TEXT("\"\\u0"), TEXT("g00\"")},
      {TEXT("\"\\u00"), TEXT("G0\"")},
      {TEXT("\"\\u123"), TEXT("\"")},
      {TEXT("\"\\u"), TEXT("+123\"")},
      {TEXT("\"\\u12"), TEXT(":0\"")},
      {TEXT("\"\\u"), TEXT("@000\"")},
      {TEXT("\"\\u"), TEXT("`000\"")},
      {TEXT("\"a\""), TEXT("\"b\"")},
      {TEXT("\"\""), TEXT("x")},
      {TEXT("["), TEXT("")},
      {TEXT("["), TEXT(",1]")},
      {TEXT("[1,"), TEXT("]")},
      {TEXT("[1,"), TEXT(",2]")},
      {TEXT("[1 "), TEXT("2]")},
      {TEXT("[1"), TEXT(":2]")},
      {TEXT("[\"a\""), TEXT(":1]")},
      {TEXT("[1"), TEXT("}")},
      {TEXT("[[]"), TEXT("}")},
      {TEXT("{"), TEXT("]")},
      {TEXT("{"), TEXT(",}")},
      {TEXT("{\"a\""), TEXT("}")},
      {TEXT("{\"a\":"), TEXT("}")},
      {TEXT("{\"a\":1,"), TEXT("}")},
      {TEXT("{\"a\":1"), TEXT("]")},
      {TEXT("{\"a\":1 "), TEXT("\"b\":2}")},
      {TEXT("{\"a\""), TEXT(",1}")},
      {TEXT("{\"a\":"), TEXT(":1}")},
      {TEXT("{"), TEXT("a:1}")},
      {TEXT("{"), TEXT("1:1}")},
      {TEXT("{"), TEXT("'a':1}")},
      {TEXT("{"), TEXT("null:1}")},
      {TEXT("{"), TEXT("[]:1}")},
      {TEXT("{\"a\":1"), TEXT(";\"b\":1}")},
      {TEXT("[1,"), TEXT("}]")},
      /* Only four bytes are white space. */
      {TEXT(""), TEXT("\v1")},
      {TEXT("1"), TEXT("\f")},
      {TEXT("1"), TEXT("\0")},
      {TEXT(" \t\r\n"), TEXT("\b1")},
      {TEXT("1"), TEXT("\xC2\xA0")},
      {TEXT(""), TEXT("\xFF")},
      {TEXT(""), TEXT("\xEF\xBB\xBF"
                      "1")},
      {TEXT(""), TEXT("/**/1")},
      {TEXT("1"), TEXT("//")},
      {TEXT("[1,"), TEXT("#\n2]")},
      {TEXT("["), TEXT("\v]")},
      {TEXT("{\"a\""), TEXT("\0:1}")},
  };
  (void)state;
  for (size_t i = 0; i < COUNT(cases); i++) {
    char value[TEXT_MAX];
    size_t at = 0;
    memcpy(value, cases[i].good, cases[i].good_len);
    memcpy(value + cases[i].good_len, cases[i].bad, cases[i].bad_len);
    fhx__scan result = scan_value(value, cases[i].good_len + cases[i].bad_len, &at);
    if (result.fault != FHX__FAULT_SYNTAX || result.offset != at + cases[i].good_len) {
      fail_msg("case %zu: %s at %zu", i, fhx__fault_text(result.fault), result.offset);
    }
  }
}

/* FILE-03: one object per line, and nothing else. */
static void faults_around_the_object(void **state) {
  static const fault_case cases[] = {
      {TEXT(""), TEXT(""), FHX__FAULT_EMPTY},
      {TEXT(" \t\r\n           "), TEXT(""), FHX__FAULT_EMPTY},
      {TEXT(""), TEXT("[]"), FHX__FAULT_NOT_OBJECT},
      {TEXT(" \n"), TEXT("[" BEGIN "}]"), FHX__FAULT_NOT_OBJECT},
      {TEXT(""), TEXT("\"a\""), FHX__FAULT_NOT_OBJECT},
      {TEXT(""), TEXT("0"), FHX__FAULT_NOT_OBJECT},
      {TEXT(""), TEXT("-1"), FHX__FAULT_NOT_OBJECT},
      {TEXT("\t"), TEXT("9"), FHX__FAULT_NOT_OBJECT},
      {TEXT(""), TEXT("true"), FHX__FAULT_NOT_OBJECT},
      {TEXT(""), TEXT("false"), FHX__FAULT_NOT_OBJECT},
      {TEXT(""), TEXT("null"), FHX__FAULT_NOT_OBJECT},
      {TEXT(""), TEXT("}"), FHX__FAULT_SYNTAX},
      {TEXT(""), TEXT("]"), FHX__FAULT_SYNTAX},
      {TEXT(""), TEXT(":"), FHX__FAULT_SYNTAX},
      {TEXT(""), TEXT("/"), FHX__FAULT_SYNTAX},
      {TEXT(""), TEXT("\0"), FHX__FAULT_SYNTAX},
      {TEXT(" "), TEXT("\0" BEGIN "}"), FHX__FAULT_SYNTAX},
      {TEXT(""), TEXT("\xEF\xBB\xBF" BEGIN "}"), FHX__FAULT_SYNTAX},
      {TEXT(""), TEXT("\xFF\xFE{"), FHX__FAULT_SYNTAX},
      {TEXT(""), TEXT("\x1E" BEGIN "}"), FHX__FAULT_SYNTAX},
      {TEXT("{"), TEXT(""), FHX__FAULT_TRUNCATED},
      {TEXT("{ \n"), TEXT(""), FHX__FAULT_TRUNCATED},
      {TEXT(BEGIN), TEXT(""), FHX__FAULT_TRUNCATED},
      {TEXT(BEGIN " "), TEXT(""), FHX__FAULT_TRUNCATED},
      {TEXT(BEGIN "}"), TEXT("}"), FHX__FAULT_TRAILING},
      {TEXT(BEGIN "}"), TEXT("]"), FHX__FAULT_TRAILING},
      {TEXT(BEGIN "}"), TEXT(","), FHX__FAULT_TRAILING},
      {TEXT(BEGIN "}\n"), TEXT(BEGIN "}"), FHX__FAULT_TRAILING},
      {TEXT(BEGIN "} \n"), TEXT("\0"), FHX__FAULT_TRAILING},
      {TEXT(BEGIN "}"), TEXT("\xEF\xBB\xBF"), FHX__FAULT_TRAILING},
      {TEXT(BEGIN "}"), TEXT("\v"), FHX__FAULT_TRAILING},
      {TEXT(BEGIN "}"), TEXT("x"), FHX__FAULT_TRAILING},
  };
  (void)state;
  check_faults(cases, COUNT(cases));
}

/* Every byte value at every place of a string, so that each word, its rest and the end are met. */
static void bytes_in_strings(void **state) {
  (void)state;
  for (size_t len = 1; len <= 20; len++) {
    for (size_t place = 0; place < len; place++) {
      for (unsigned int c = 0; c < 0x80; c++) {
        char value[32];
        size_t at = 0;
        memset(value, 'a', sizeof value);
        value[0] = value[len + 1] = '"';
        value[place + 1] = (char)c;
        fhx__scan result = scan_value(value, len + 2, &at);
        if (c == '"' || c == '\\') {
          assert_int_not_equal(result.fault, FHX__FAULT_NONE);
        } else if (c < ' ') {
          assert_int_equal(result.fault, FHX__FAULT_SYNTAX);
          assert_int_equal(result.offset, at + place + 1);
        } else {
          assert_int_equal(result.fault, FHX__FAULT_NONE);
        }
      }
    }
  }
}

/* Bytes as a string's end or middle: accepted exactly if they are well-formed. */
static void check_sequence(const unsigned char *bytes, size_t len) {
  static const char *const tails[] = {"\"", "0123456789\""};
  for (size_t i = 0; i < COUNT(tails); i++) {
    char value[64] = "\"\xC3\xA9";
    size_t at = 0, tail_len = strlen(tails[i]);
    memcpy(value + 3, bytes, len);
    memcpy(value + 3 + len, tails[i], tail_len);
    fhx__scan result = scan_value(value, 3 + len + tail_len, &at);
    if (fhx__is_utf8(bytes, len)) {
      assert_int_equal(result.fault, FHX__FAULT_NONE);
      continue;
    }
    assert_int_equal(result.fault, FHX__FAULT_UTF8);
    size_t good = result.offset - at - 3;
    assert_true(good < len);
    assert_true(fhx__is_utf8(bytes, good));
    for (size_t n = 1; n <= len - good; n++) assert_false(fhx__is_utf8(bytes + good, n));
  }
}

static void utf8(void **state) {
  static const unsigned char seconds[] = {0x00 + ' ', 0x7F, 0x80, 0x8F, 0x90,
                                          0x9F,       0xA0, 0xBF, 0xC0, 0xFF};
  (void)state;
  for (unsigned int first = 0x80; first <= 0xFF; first++) {
    unsigned char bytes[4] = {(unsigned char)first, 0, 0, 0};
    check_sequence(bytes, 1);
    for (unsigned int second = 0x5D; second <= 0xFF; second++) {
      bytes[1] = (unsigned char)second;
      check_sequence(bytes, 2);
    }
    for (size_t i = 0; i < COUNT(seconds) * COUNT(seconds) * COUNT(seconds); i++) {
      bytes[1] = seconds[i % COUNT(seconds)];
      bytes[2] = seconds[i / COUNT(seconds) % COUNT(seconds)];
      bytes[3] = seconds[i / COUNT(seconds) / COUNT(seconds)];
      check_sequence(bytes, 3);
      check_sequence(bytes, 4);
    }
  }
}

/* An object with so many levels in all: objects, or arrays in the object, or both in turn. */
static size_t make_nested(char *text, size_t levels, const char *kinds) {
  size_t kind_count = strlen(kinds), len = 0;
  len += (size_t)snprintf(text, TEXT_MAX, BEGIN ",\"x\":");
  for (size_t i = 1; i < levels; i++) {
    bool is_object = kinds[i % kind_count] == '{';
    len += (size_t)snprintf(text + len, 8,
                            is_object && i + 1 < levels ? "{\"\":"
                            : is_object                 ? "{"
                                                        : "[");
  }
  if (levels == 1) text[len++] = '0';
  for (size_t i = levels; i-- > 1;) text[len++] = kinds[i % kind_count] == '{' ? '}' : ']';
  text[len++] = '}';
  return len;
}

static void depth(void **state) {
  static const uint32_t limits[] = {1, 2, 63, 64, 65, FHX__DEPTH_DEFAULT, 128, FHX__DEPTH_MAX};
  static const char *const kinds[] = {"{", "[", "{[", "[[{", "{{[{["};
  static char text[FHX__DEPTH_MAX * 8 + TEXT_MAX];
  (void)state;
  for (size_t i = 0; i < COUNT(limits); i++) {
    for (size_t k = 0; k < COUNT(kinds); k++) {
      size_t len = make_nested(text, limits[i], kinds[k]);
      assert_int_equal(checked_scan(text, len, limits[i], NULL).fault, FHX__FAULT_NONE);
      /* Closed by the other kind: the innermost, and the last but one. */
      char *end = text + len - limits[i];
      char *places[] = {end, text + len - 2};
      for (size_t p = 0; limits[i] > 1 && p < COUNT(places); p++) {
        char was = *places[p];
        *places[p] = was == '}' ? ']' : '}';
        fhx__scan result = checked_scan(text, len, limits[i], NULL);
        assert_int_equal(result.fault, FHX__FAULT_SYNTAX);
        assert_int_equal(result.offset, places[p] - text);
        *places[p] = was;
      }
      len = make_nested(text, limits[i] + 1, kinds[k]);
      fhx__scan result = checked_scan(text, len, limits[i], NULL);
      assert_int_equal(result.fault, FHX__FAULT_DEPTH);
      assert_true(text[result.offset] == '{' || text[result.offset] == '[');
      assert_string_equal(result.facts.id, "a");
    }
  }
  /* More than can be is as much as can be. */
  size_t len = make_nested(text, FHX__DEPTH_MAX, "[");
  assert_int_equal(checked_scan(text, len, UINT32_MAX, NULL).fault, FHX__FAULT_NONE);
  len = make_nested(text, FHX__DEPTH_MAX + 1, "[");
  assert_int_equal(checked_scan(text, len, UINT32_MAX, NULL).fault, FHX__FAULT_DEPTH);
}

/* The sample, and the sample's line, cut off at every byte. */
static void truncation(void **state) {
  char line[sizeof sample];
  (void)state;
  fhx__scan whole = checked_scan(sample, sizeof sample - 1, FHX__DEPTH_DEFAULT, line);
  assert_int_equal(whole.fault, FHX__FAULT_NONE);
  assert_int_equal(scan(line, whole.out_len).out_len, whole.out_len);
  for (size_t len = 0; len < whole.out_len; len++) {
    fhx__scan result = scan(line, len);
    assert_int_equal(result.fault, len == 0 ? FHX__FAULT_EMPTY : FHX__FAULT_TRUNCATED);
    assert_int_equal(result.offset, len);
  }
  for (size_t len = 0; len < sizeof sample - 2; len++) {
    fhx__scan result = scan(sample, len);
    assert_int_equal(result.fault, len == 0 ? FHX__FAULT_EMPTY : FHX__FAULT_TRUNCATED);
    assert_int_equal(result.offset, len);
  }
}

/* The fault is at the NUL, or at the first byte of the sequence that it cuts. */
static void check_nul(const char *text, size_t len, size_t at) {
  fhx__scan result = scan(text, len);
  assert_int_not_equal(result.fault, FHX__FAULT_NONE);
  if (result.fault != FHX__FAULT_UTF8) assert_int_equal(result.offset, at);
  assert_in_range(result.offset, at < 3 ? 0 : at - 3, at);
}

static void nul_anywhere(void **state) {
  char text[sizeof sample];
  (void)state;
  for (size_t at = 0; at < sizeof sample - 1; at++) {
    memcpy(text, sample, sizeof sample - 1);
    text[at] = '\0';
    check_nul(text, sizeof sample - 1, at);
    memcpy(text + at + 1, sample + at, sizeof sample - 1 - at);
    check_nul(text, sizeof sample, at);
  }
}

/* Puts white space between tokens at random. */
static size_t insert_space(const char *line, size_t len, char *text, uint64_t *random) {
  bool in_string = false, escaped = false, in_word = false;
  size_t written = 0;
  for (size_t i = 0; i < len; i++) {
    char c = line[i];
    bool is_mark = strchr("{}[]:,\"", c) != NULL;
    size_t count = in_string || (in_word && !is_mark) ? 0 : random_below(random, 24);
    if (random_below(random, 3) != 0) count = 0;
    while (count-- > 0) text[written++] = " \t\r\n  "[random_below(random, 6)];
    if (c == '"' && !escaped) in_string = !in_string;
    escaped = in_string && c == '\\' && !escaped;
    in_word = !in_string && !is_mark;
    text[written++] = c;
  }
  return written;
}

static void space_anywhere(void **state) {
  static char text[sizeof sample * 24];
  char line[sizeof sample], again[sizeof text];
  uint64_t random = 7;
  (void)state;
  fhx__scan whole = checked_scan(sample, sizeof sample - 1, FHX__DEPTH_DEFAULT, line);
  for (int round = 0; round < 300; round++) {
    size_t len = insert_space(line, whole.out_len, text, &random);
    fhx__scan result = checked_scan(text, len, FHX__DEPTH_DEFAULT, again);
    assert_int_equal(result.fault, FHX__FAULT_NONE);
    assert_int_equal(result.out_len, whole.out_len);
    assert_memory_equal(again, line, whole.out_len);
    assert_same_facts(&result.facts, &whole.facts);
  }
}

static void strip_in_pieces(void **state) {
  char line[sizeof sample], stripped[sizeof sample];
  (void)state;
  fhx__scan whole = checked_scan(sample, sizeof sample - 1, FHX__DEPTH_DEFAULT, line);
  for (size_t piece = 1; piece < sizeof sample; piece++) {
    fhx__strip strip = {0};
    size_t written = 0;
    for (size_t at = 0; at < sizeof sample - 1; at += piece) {
      size_t len = sizeof sample - 1 - at < piece ? sizeof sample - 1 - at : piece;
      unsigned char *in = exact_copy(sample + at, len);
      unsigned char *out = exact_copy(sample + at, len);
      size_t more = fhx__strip_piece(&strip, in, len, out);
      assert_true(more <= len);
      memcpy(stripped + written, out, more);
      written += more;
      free(in);
      free(out);
    }
    assert_int_equal(fhx__strip_piece(&strip, NULL, 0, NULL), 0);
    assert_false(strip.in_string || strip.escaped);
    assert_int_equal(written, whole.out_len);
    assert_memory_equal(stripped, line, written);
  }
}

/* A resource of megabytes: long strings, many members, long runs. */
static void large(void **state) {
  const size_t string_len = 3 * 1000 * 1000 + 5, member_count = 100000;
  char *text = malloc(string_len + member_count * 16 + TEXT_MAX);
  (void)state;
  assert_non_null(text);
  size_t len = (size_t)snprintf(text, TEXT_MAX, "%s,\"data\":\"", BEGIN);
  memset(text + len, 'A', string_len);
  len += string_len;
  len += (size_t)snprintf(text + len, TEXT_MAX, "\", \"x\" : [ ");
  for (size_t i = 0; i < member_count; i++) len += (size_t)snprintf(text + len, 16, "%zu, ", i);
  len += (size_t)snprintf(text + len, TEXT_MAX, "0 ] }");
  assert_int_equal(scan(text, len).fault, FHX__FAULT_NONE);
  free(text);
}

static void fault_texts(void **state) {
  (void)state;
  for (int a = FHX__FAULT_NONE; a <= FHX__FAULT_LINE; a++) {
    assert_true(strlen(fhx__fault_text((fhx__fault)a)) > 5);
    for (int b = FHX__FAULT_NONE; b < a; b++) {
      assert_string_not_equal(fhx__fault_text((fhx__fault)a), fhx__fault_text((fhx__fault)b));
    }
  }
  assert_string_equal(fhx__fault_text(FHX__FAULT_UTF8), "is not valid UTF-8");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(accepted_values),
      cmocka_unit_test(rejected_values),
      cmocka_unit_test(faults_around_the_object),
      cmocka_unit_test(bytes_in_strings),
      cmocka_unit_test(utf8),
      cmocka_unit_test(depth),
      cmocka_unit_test(truncation),
      cmocka_unit_test(nul_anywhere),
      cmocka_unit_test(space_anywhere),
      cmocka_unit_test(strip_in_pieces),
      cmocka_unit_test(large),
      cmocka_unit_test(fault_texts),
  };
  return cmocka_run_group_tests_name("scan", tests, NULL, NULL);
}
