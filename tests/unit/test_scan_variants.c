/*
 * The variants of the scanner: texts of every kind at every place of a vector and of a block give
 * the same with each of them. (scan_check.h compares all variants on whatever any test scans.)
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

#include "ndjson/vector.h"
#include "scan_check.h"

/* Longer than the longest block of any variant, and one more vector. */
#define PLACES 84

static void which_work(void **state) {
  (void)state;
  assert_true(fhx__variant_works(FHX__VARIANT_PLAIN));
  assert_true(fhx__variant_works(fhx__variant_used()));
  assert_false(fhx__variant_works(FHX__VARIANT_COUNT));
#if defined(__x86_64__)
  assert_true(fhx__variant_works(FHX__VARIANT_SSE2));
  assert_int_not_equal(fhx__variant_used(), FHX__VARIANT_PLAIN);
#endif
#if defined(__aarch64__) && !defined(__AARCH64EB__)
  assert_int_equal(fhx__variant_used(), FHX__VARIANT_NEON);
#endif
}

/* Values, and what is no value, as JSON test suites have them. */
static const struct {
  const char *text;
  size_t len;
} values[] = {
    {TEXT("\"\"")},
    {TEXT("\"a\"")},
    {TEXT("\"0123456789abcdef0123456789abcdef\"")},
    {TEXT("\"0123456789\\\"abcdef\\\\\\\\\\\"0123456789\"")},
    {TEXT("\"\\u0022\\u005c\\u000A\\uD834\\uDd1e\"")},
    {TEXT("\"\\uD800\\u12\"")},
    {TEXT("\"\\")},
    {TEXT("\"\\\"")},
    {TEXT("\"\\\\\"\"")},
    {TEXT("\"\\\\\\\"\"")},
    {TEXT("\"\\a\"")},
    {TEXT("\"\\u00\"\"")},
    {TEXT("\"\\u\xC3\xA9\"")},
    {TEXT("\"\x00\"")},
    {TEXT("\"\x1F\"")},
    {TEXT("\"\x7F\"")},
    {TEXT("\"tab\there\"")},
    {TEXT("\"line\nbreak\"")},
    {TEXT("\"!\"")},
    {TEXT("\"[1,{:}]\"")},
    {TEXT("\"a")},
    {TEXT("a\"")},
    {TEXT("\"a\"\"b\"")},
    {TEXT("\"a\":\"b\"")},
    {TEXT("\"\xC2\x80\xDF\xBF\xE0\xA0\x80\xEF\xBF\xBF\xF0\x90\x80\x80\xF4\x8F\xBF\xBF\"")},
    {TEXT("\"\xC0\x80\"")},
    {TEXT("\"\xC1\xBF\"")},
    {TEXT("\"\xE0\x9F\xBF\"")},
    {TEXT("\"\xED\xA0\x80\"")},
    {TEXT("\"\xED\xA0\x80\xED\xB0\x80\"")},
    {TEXT("\"\xF0\x8F\xBF\xBF\"")},
    {TEXT("\"\xF4\x90\x80\x80\"")},
    {TEXT("\"\xF5\x80\x80\x80\"")},
    {TEXT("\"\xF8\x88\x80\x80\x80\"")},
    {TEXT("\"\xFF\"")},
    {TEXT("\"\x80\"")},
    {TEXT("\"\xC3\"")},
    {TEXT("\"\xE4\xB8\"")},
    {TEXT("\"\xF0\x9F\x98\"")},
    {TEXT("\"\xE4\xB8\xAD\xAD\"")},
    {TEXT("\"\xC3\xC3\xA9\"")},
    {TEXT("\xE4\xB8\xAD")},
    {TEXT("0")},
    {TEXT("-0.10e+05")},
    {TEXT("123456789012345678901234567890")},
    {TEXT("01")},
    {TEXT("1 2")},
    {TEXT("- 1")},
    {TEXT("1.")},
    {TEXT("1e")},
    {TEXT("+1")},
    {TEXT("0x1")},
    {TEXT("1\"a\"")},
    {TEXT("true")},
    {TEXT("false")},
    {TEXT("null")},
    {TEXT("nul")},
    {TEXT("tr ue")},
    {TEXT("truefalse")},
    {TEXT("NaN")},
    {TEXT("{}")},
    {TEXT("[]")},
    {TEXT("[ ]")},
    {TEXT("{ }")},
    {TEXT("[[],{},[{}],\"\",0,true]")},
    {TEXT("[1,]")},
    {TEXT("[,1]")},
    {TEXT("[,]")},
    {TEXT("[1,,2]")},
    {TEXT("[1 2]")},
    {TEXT("[1:2]")},
    {TEXT("[\"a\" \"b\"]")},
    {TEXT("[\"a\":1]")},
    {TEXT("[")},
    {TEXT("[1")},
    {TEXT("]")},
    {TEXT("[}")},
    {TEXT("{]")},
    {TEXT("[1}")},
    {TEXT("[[]")},
    {TEXT("[]]")},
    {TEXT("{\"a\":[}]")},
    {TEXT("{\"a\":1,\"b\":{\"c\":[{\"d\":\"e\"}]}}")},
    {TEXT("{ \"a\" : 1 ,\n\t\"b\" :\r\n { } }")},
    {TEXT("{\"a\"}")},
    {TEXT("{\"a\":}")},
    {TEXT("{\"a\":1,}")},
    {TEXT("{,\"a\":1}")},
    {TEXT("{:1}")},
    {TEXT("{\"a\",1}")},
    {TEXT("{\"a\":1:2}")},
    {TEXT("{\"a\"::1}")},
    {TEXT("{\"a\":1,,\"b\":2}")},
    {TEXT("{\"a\":1 \"b\":2}")},
    {TEXT("{\"a\":\"b\"{}}")},
    {TEXT("{\"a\":{}{}}")},
    {TEXT("{\"a\":\"b\"\"c\":1}")},
    {TEXT("{a:1}")},
    {TEXT("{1:1}")},
    {TEXT("{[]:1}")},
    {TEXT("{\"a\":1")},
    {TEXT("{\"a")},
    {TEXT("}")},
    {TEXT("")},
    {TEXT(",")},
    {TEXT(":")},
    {TEXT("/**/1")},
    {TEXT("1//")},
    {TEXT("\v1")},
    {TEXT("1\f")},
    {TEXT("1\0")},
    {TEXT("\xC2\xA0"
          "1")},
};

/* Each value after text of every length up to PLACES, and before text of some lengths. */
static void places(void **state) {
  static const size_t tails[] = {0, 1, 15, 16, 17, 47, 63, 64, 80};
  (void)state;
  for (size_t i = 0; i < COUNT(values); i++) {
    for (size_t before = 0; before < PLACES; before++) {
      char text[TEXT_MAX], filler[PLACES + 1];
      memset(filler, 'x', sizeof filler);
      int head = snprintf(text, sizeof text, BEGIN ",\"%.*s\":", (int)before, filler);
      size_t len = (size_t)head;
      memcpy(text + len, values[i].text, values[i].len);
      len += values[i].len;
      len += (size_t)snprintf(text + len, 128, ",\"%.*s\":1}", (int)tails[before % COUNT(tails)],
                              filler);
      scan(text, len);
      scan(text, len - 1);
      scan(text, (size_t)head + values[i].len);
    }
  }
}

/* White space of every length between all tokens, also behind and before the object. */
static void spaces(void **state) {
  static const char *const tokens[] = {"{", "\"resourceType\"",
                                       ":", "\"Basic\"",
                                       ",", "\"id\"",
                                       ":", "\"1\"",
                                       ",", "\"a\"",
                                       ":", "[",
                                       "{", "\"b\"",
                                       ":", "0",
                                       ",", "\"c\"",
                                       ":", "\"0123456789abcdefgh\"",
                                       "}", ",",
                                       "[", "]",
                                       "]", "}"};
  static const char blanks[] = {' ', '\n', '\t', '\r'};
  (void)state;
  for (size_t len = 0; len < PLACES; len++) {
    for (size_t kind = 0; kind < COUNT(blanks); kind++) {
      char text[TEXT_MAX];
      size_t used = 0;
      for (size_t i = 0; i < COUNT(tokens); i++) {
        /* A line break, and then one kind of white space. */
        if (len != 0) text[used++] = '\n';
        for (size_t n = 1; n < len; n++) text[used++] = blanks[kind];
        memcpy(text + used, tokens[i], strlen(tokens[i]));
        used += strlen(tokens[i]);
      }
      for (size_t n = 0; n < len; n++) text[used++] = blanks[kind];
      assert_true(used <= sizeof text);
      assert_int_equal(scan(text, used).fault, FHX__FAULT_NONE);
      /* The same with a byte in no place. */
      text[used / 2] = '\v';
      assert_int_not_equal(scan(text, used).fault, FHX__FAULT_NONE);
    }
  }
}

/* Whether the variants take a text with these bytes in a string as they have to. */
static void check_bytes(const unsigned char *bytes, size_t len, size_t before) {
  char text[TEXT_MAX] = BEGIN ",\"x\":\"";
  size_t begin = strlen(text);
  memset(text + begin, 'x', before);
  memcpy(text + begin + before, bytes, len);
  memcpy(text + begin + before + len, "\"}", 2);
  size_t whole = begin + before + len + 2;
  bool is_good = fhx__is_utf8(bytes, len);
  for (fhx__variant i = 0; i < FHX__VARIANT_COUNT; i++) {
    fhx__scan result;
    if (!fhx__variant_works(i)) continue;
    fhx__fault fault = fhx__scan_by(i, text, whole, NULL, FHX__DEPTH_DEFAULT, &result, NULL);
    if (fault != (is_good ? FHX__FAULT_NONE : FHX__FAULT_UTF8)) {
      fail_msg("variant %d, %02x %02x %02x %02x behind %zu: %s", (int)i, bytes[0], bytes[1],
               bytes[2], bytes[3], before, fhx__fault_text(fault));
    }
  }
}

/* All pairs of bytes, and longer sequences of all bytes that mean a difference, at every place. */
static void utf8_places(void **state) {
  static const unsigned char second[] = {'x', 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC2, 0xE4, 0xF1};
  (void)state;
  for (unsigned int first = 0x80; first <= 0xFF; first++) {
    unsigned char bytes[4] = {(unsigned char)first, 'x', 'x', 'x'};
    for (unsigned int next = 0x80; next <= 0xFF; next++) {
      bytes[1] = (unsigned char)next;
      for (size_t before = next % 5; before < 16; before += 5) check_bytes(bytes, 2, before);
    }
    for (size_t i = 0; i < 1000; i++) {
      bytes[1] = second[i % 10];
      bytes[2] = second[i / 10 % 10];
      bytes[3] = second[i / 100];
      for (size_t before = 0; before < PLACES; before += i % 7 + 3) check_bytes(bytes, 4, before);
    }
  }
}

/* A sequence that goes on in the next block, whatever that is, and one that ends the input. */
static void utf8_borders(void **state) {
  static const char *const kinds[] = {"\xC3\xA9", "\xE4\xB8\xAD", "\xF0\x9F\x98\x80"};
  (void)state;
  for (size_t i = 0; i < COUNT(kinds); i++) {
    size_t kind_len = strlen(kinds[i]);
    for (size_t cut = 1; cut <= kind_len; cut++) {
      for (size_t before = 0; before < 2 * PLACES; before++) {
        char text[TEXT_MAX] = BEGIN ",\"x\":\"";
        size_t len = strlen(text);
        memset(text + len, 'x', 3 * PLACES);
        memcpy(text + len + before, kinds[i], cut);
        size_t whole = len + 3 * PLACES;
        memcpy(text + whole, "\"}", 2);
        fhx__scan result = scan(text, whole + 2);
        assert_int_equal(result.fault, cut == kind_len ? FHX__FAULT_NONE : FHX__FAULT_UTF8);
        scan(text, len + before + cut);
      }
    }
  }
}

/* The checks of UTF-8 alone, on texts of which every length and beginning is met. */
static void utf8_alone(void **state) {
  static const char text[] =
      "0123456789\xC3\xA9 0123456789 \xE4\xB8\xAD\xE6\x96\x87 0123456789 \xF0\x9F\x98\x80 "
      "0123456789012345678901234567890123456789 \xEF\xBF\xBD\xC3\xA9";
  const fhx__vector_parts *parts[] = {fhx__parts_sse2(), fhx__parts_ssse3(), fhx__parts_neon()};
  (void)state;
  for (size_t i = 0; i < COUNT(parts); i++) {
    if (parts[i] == NULL) continue;
    for (size_t begin = 0; begin < sizeof text; begin++) {
      for (size_t len = 0; begin + len < sizeof text; len++) {
        unsigned char *exact = exact_copy(text + begin, len);
        assert_int_equal(parts[i]->is_utf8(exact, len), fhx__is_utf8(exact, len));
        free(exact);
      }
    }
    /* What ends one block does not go on behind the next. */
    unsigned char torn[PLACES * 2];
    memset(torn, 'x', sizeof torn);
    torn[62] = 0xE4;
    torn[63] = 0xB8;
    torn[128] = 0xAD;
    assert_false(parts[i]->is_utf8(torn, sizeof torn));
    assert_false(parts[i]->is_utf8(torn, 64));
  }
}

/* The limit of depth holds in meta, in which the walk with vectors is another one than behind it.
 */
static void depth_in_meta(void **state) {
  (void)state;
  for (uint32_t levels = 0; levels < 70; levels++) {
    char text[TEXT_MAX], open[128], close[128];
    memset(open, '[', sizeof open);
    memset(close, ']', sizeof close);
    int len =
        snprintf(text, sizeof text, BEGIN ",\"meta\":{\"x\":%.*s0%.*s},\"y\":%.*s0%.*s}",
                 (int)levels, open, (int)levels, close, (int)levels, open, (int)levels, close);
    assert_int_equal(checked_scan(text, (size_t)len, levels + 2, NULL).fault, FHX__FAULT_NONE);
    assert_int_equal(checked_scan(text, (size_t)len, levels + 1, NULL).fault, FHX__FAULT_DEPTH);
  }
}

/* The input and the output begin at every place of a block. */
static void alignments(void **state) {
  static unsigned char in[4 * PLACES], out[4 * PLACES];
  static const char text[] =
      "{\"resourceType\" : \"Patient\",\n  \"id\":\"a\", \"name\":[{\"family\":\"M\xC3\xBCller\", "
      "\"given\":[\"\xE6\x9D\x8E\",\"Anna\"]}],\"multipleBirthInteger\": 2 , \"x\":\"a\\\"b\"}";
  const size_t len = sizeof text - 1;
  fhx__scan plain, other;
  unsigned char line[sizeof text];
  (void)state;
  assert_int_equal(
      fhx__scan_by(FHX__VARIANT_PLAIN, text, len, line, FHX__DEPTH_DEFAULT, &plain, NULL),
      FHX__FAULT_NONE);
  for (size_t place = 0; place < PLACES * PLACES; place++) {
    unsigned char *from = in + place % PLACES, *to = out + place / PLACES;
    memcpy(from, text, len);
    for (fhx__variant i = 0; i < FHX__VARIANT_COUNT; i++) {
      if (!fhx__variant_works(i)) continue;
      memset(out, GUARD_BYTE, sizeof out);
      fhx__scan_by(i, from, len, to, FHX__DEPTH_DEFAULT, &other, NULL);
      assert_same_scan(&plain, &other);
      assert_memory_equal(to, line, plain.out_len);
      assert_int_equal(to[len], GUARD_BYTE);
      if (to > out) assert_int_equal(to[-1], GUARD_BYTE);
    }
  }
}

/* Usual text is not left to the plain scanner. */
static void taken_by_themselves(void **state) {
  static const char *const texts[] = {
      BEGIN "}",
      " " BEGIN "}\n",
      "{ \"meta\" : { \"lastUpdated\" : \"2024-05-06T07:08:09Z\" , \"tag\" : [ { } ] } ,\n  \"id\" "
      ": "
      "\"a\" ,\n \"resourceType\" : \"Group\" }",
      BEGIN
      ",\"a\":[{\"b\":\"c\",\"d\":[0.10,true,null]},[],{}],\"e\":\"\\\"\xC3\xA9\xE4\xB8\xAD\"}",
  };
  (void)state;
  for (size_t i = 0; i < COUNT(texts); i++) {
    char out[TEXT_MAX];
    fhx__scan result;
    for (fhx__variant v = FHX__VARIANT_PLAIN + 1; v < FHX__VARIANT_COUNT; v++) {
      if (!fhx__variant_works(v)) continue;
      assert_true(fhx__scan_faultless(v, texts[i], strlen(texts[i]), out, 4, &result, NULL));
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(which_work),
      cmocka_unit_test(places),
      cmocka_unit_test(spaces),
      cmocka_unit_test(utf8_places),
      cmocka_unit_test(utf8_borders),
      cmocka_unit_test(utf8_alone),
      cmocka_unit_test(depth_in_meta),
      cmocka_unit_test(alignments),
      cmocka_unit_test(taken_by_themselves),
  };
  return cmocka_run_group_tests_name("scan_variants", tests, NULL, NULL);
}
