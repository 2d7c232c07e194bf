/* Rows that their source vouches for: one line, and its facts, wherever they are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

#include "scan_check.h"

#define STAMP "2024-05-06T07:08:09.5Z"
#define TYPE "\"resourceType\":\"Patient\""
#define ID "\"id\":\"a\""
#define META "\"meta\":{\"versionId\":\"1\",\"lastUpdated\":\"" STAMP "\",\"tag\":[{}]}"

/* From a block of exactly this length. */
static fhx__scan trusted(const void *text, size_t len) {
  unsigned char *in = exact_copy(text, len);
  fhx__scan scan;
  fhx__fault fault = fhx__scan_trusted(in, len, &scan);
  assert_int_equal(fault, scan.fault);
  free(in);
  assert_int_equal(scan.out_len, scan.fault == FHX__FAULT_NONE ? len : 0);
  assert_true(scan.offset <= len);
  return scan;
}

static void check_facts(const char *text, bool has_updated) {
  fhx__scan scan = trusted(text, strlen(text));
  if (scan.fault != FHX__FAULT_NONE) fail_msg("%s: %s", text, fhx__fault_text(scan.fault));
  assert_string_equal(scan.facts.resource_type, "Patient");
  assert_string_equal(scan.facts.id, "a");
  assert_int_equal(scan.facts.has_updated, has_updated);
  fhx__instant updated = {0, 0};
  assert_true(fhx__instant_parse(STAMP, sizeof STAMP - 1, &updated));
  if (has_updated) assert_int_equal(fhx__instant_compare(scan.facts.updated, updated), 0);
}

static void facts_in_any_order(void **state) {
  static const char *const parts[] = {
      TYPE, ID, META, "\"x\":[{\"id\":1,\"y\":\"a\\\\\\\"]}{\"},[[]],\"" STAMP "\",-0.1e5,null]"};
  (void)state;
  for (size_t i = 0; i < 4 * 4 * 4 * 4; i++) {
    size_t order[] = {i % 4, i / 4 % 4, i / 16 % 4, i / 64};
    char text[TEXT_MAX];
    unsigned int seen = 0;
    for (size_t k = 0; k < 4; k++) seen |= 1U << order[k];
    if (seen != 15) continue;
    snprintf(text, sizeof text, "{%s,%s,%s,%s}", parts[order[0]], parts[order[1]], parts[order[2]],
             parts[order[3]]);
    check_facts(text, true);
    /* White space other than line breaks is in nobody's way. */
    snprintf(text, sizeof text, "{ %s\t, %s , %s ,%s }", parts[order[0]], parts[order[1]],
             parts[order[2]], parts[order[3]]);
    check_facts(text, true);
  }
}

static void facts_as_they_are_spelt(void **state) {
  (void)state;
  check_facts("{" TYPE "," ID "}", false);
  check_facts("{" TYPE "," ID ",\"meta\":{}}", false);
  check_facts("{" TYPE ",\"meta\":null," ID "}", false);
  check_facts("{" TYPE ",\"meta\":\"x\"," ID "}", false);
  check_facts("{" TYPE ",\"meta\":[{\"lastUpdated\":\"" STAMP "\"}]," ID "}", false);
  check_facts("{" TYPE ",\"meta\":{\"lastUpdated\":1}," ID "}", false);
  check_facts("{" TYPE ",\"meta\":{\"lastUpdated\":\"2024\"}," ID "}", false);
  check_facts("{" TYPE ",\"meta\":{\"x\":{\"lastUpdated\":\"" STAMP "\"}}," ID "}", false);
  check_facts("{" TYPE ",\"lastUpdated\":\"" STAMP "\"," ID "}", false);
  check_facts("{\"\\u0069d\":\"\\u0061\",\"resource\\u0054ype\":\"P\\u0061tient\"," META "}", true);
  check_facts("{\"x\":{" TYPE "," ID "}," TYPE "," ID "}", false);
  /* What nobody looks at: behind the facts, and inside other values. */
  check_facts("{" TYPE "," ID "," META ",\"x\":]}", true);
  check_facts("{\"x\":01\"," TYPE "," ID "," META "}", true);
  check_facts("{\"x\":\"\xFF\x01\\q\"," TYPE "," ID "," META "," ID "}", true);
}

static void faults(void **state) {
  static const fault_case cases[] = {
      {TEXT(""), TEXT(""), FHX__FAULT_EMPTY},
      {TEXT(""), TEXT(" "), FHX__FAULT_SYNTAX},
      {TEXT(""), TEXT(" {" TYPE "," ID "}"), FHX__FAULT_SYNTAX},
      {TEXT(""), TEXT("\xEF\xBB\xBF{" TYPE "," ID "}"), FHX__FAULT_SYNTAX},
      {TEXT(""), TEXT("[]"), FHX__FAULT_NOT_OBJECT},
      {TEXT("{"), TEXT(""), FHX__FAULT_TRUNCATED},
      {TEXT("{" TYPE "," ID), TEXT(""), FHX__FAULT_TRUNCATED},
      {TEXT("{" TYPE "," ID "} "), TEXT(""), FHX__FAULT_TRUNCATED},
      {TEXT("{" TYPE "," ID), TEXT("\n}"), FHX__FAULT_LINE},
      {TEXT("{" TYPE "," ID "," META ",\"x\":\""), TEXT("\n\"}"), FHX__FAULT_LINE},
      {TEXT("{" TYPE "," ID "," META), TEXT("\r\"}"), FHX__FAULT_LINE},
      {TEXT("{" TYPE "," ID "}"), TEXT("\r"), FHX__FAULT_LINE},
      {TEXT("{" TYPE "," ID "}"), TEXT("\n"), FHX__FAULT_LINE},
      {TEXT(""), TEXT("\n{" TYPE "," ID "}"), FHX__FAULT_LINE},
      {TEXT("{" TYPE "," ID "}"), TEXT(",{}"), FHX__FAULT_TRAILING},
      {TEXT("{" TYPE "," ID ",\"x\":[}"), TEXT(""), FHX__FAULT_TRUNCATED},
      {TEXT("{" TYPE "," ID ",\"x\":\"}"), TEXT(""), FHX__FAULT_TRUNCATED},
      {TEXT("{" TYPE "," ID ",\"x\":\"\\\"}"), TEXT(""), FHX__FAULT_TRUNCATED},
      {TEXT("{" TYPE "," ID ",\"x}"), TEXT(""), FHX__FAULT_TRUNCATED},
      {TEXT("{\"meta\":{}"), TEXT(""), FHX__FAULT_TRUNCATED},
      {TEXT("{" TYPE "," ID ","), TEXT("x:1}"), FHX__FAULT_SYNTAX},
      {TEXT("{" TYPE "," ID ",\"x\""), TEXT("}"), FHX__FAULT_SYNTAX},
      {TEXT("{\"id\":"), TEXT("}"), FHX__FAULT_SYNTAX},
      {TEXT("{\"id\":\"a\\"), TEXT("q\"," TYPE "}"), FHX__FAULT_SYNTAX},
      {TEXT("{\"\\u"), TEXT("\"}"), FHX__FAULT_SYNTAX},
      {TEXT("{\""), TEXT("\xFF\":1," TYPE "," ID "}"), FHX__FAULT_UTF8},
      {TEXT("{"), TEXT("}"), FHX__FAULT_RESOURCE_TYPE},
      {TEXT("{" ID), TEXT("}"), FHX__FAULT_RESOURCE_TYPE},
      {TEXT("{\"x\":{" TYPE "}," ID), TEXT("}"), FHX__FAULT_RESOURCE_TYPE},
      {TEXT("{\"resourceType\":"), TEXT("\"../x\"," ID "}"), FHX__FAULT_RESOURCE_TYPE},
      {TEXT("{\"resourceType\":"), TEXT("1," ID "}"), FHX__FAULT_RESOURCE_TYPE},
      {TEXT("{" TYPE), TEXT("}"), FHX__FAULT_ID},
      {TEXT("{" TYPE ",\"id\":"), TEXT("\"a b\"}"), FHX__FAULT_ID},
      {TEXT("{" TYPE ",\"id\":"), TEXT("[]}"), FHX__FAULT_ID},
      {TEXT("{" TYPE "," ID ","), TEXT(ID "}"), FHX__FAULT_DOUBLED_KEY},
  };
  (void)state;
  for (size_t i = 0; i < COUNT(cases); i++) {
    char text[TEXT_MAX];
    size_t len = cases[i].good_len + cases[i].bad_len;
    memcpy(text, cases[i].good, cases[i].good_len);
    memcpy(text + cases[i].good_len, cases[i].bad, cases[i].bad_len);
    fhx__scan scan = trusted(text, len);
    if (scan.fault != cases[i].fault || scan.offset != cases[i].good_len) {
      fail_msg("case %zu, %.*s: %s at %zu", i, (int)len, text, fhx__fault_text(scan.fault),
               scan.offset);
    }
  }
}

/* Cut off anywhere, and with any byte of it changed, it stays within its bounds; a line that is
   faultless has the same facts either way. */
static void changed_anywhere(void **state) {
  static const char text[] =
      "{\"x\":[\"\\\"\",{\"y\":1.5}]," META "," ID ",\"\\u0078\":{}," TYPE "}";
  static const char bytes[] = "\"\\{}[]:, u\n\x80";
  char changed[sizeof text];
  (void)state;
  for (size_t at = 0; at < sizeof text - 1; at++) {
    trusted(text, at);
    for (size_t i = 0; i < sizeof bytes; i++) {
      memcpy(changed, text, sizeof text);
      changed[at] = bytes[i];
      fhx__scan loose = trusted(changed, sizeof text - 1);
      fhx__scan strict = scan(changed, sizeof text - 1);
      if (strict.fault != FHX__FAULT_NONE || strict.out_len != sizeof text - 1) continue;
      assert_int_equal(loose.fault, FHX__FAULT_NONE);
      assert_same_facts(&loose.facts, &strict.facts);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(facts_in_any_order),
      cmocka_unit_test(facts_as_they_are_spelt),
      cmocka_unit_test(faults),
      cmocka_unit_test(changed_anywhere),
  };
  return cmocka_run_group_tests_name("scan_trusted", tests, NULL, NULL);
}
