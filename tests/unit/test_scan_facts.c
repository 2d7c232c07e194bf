/* The scanner's facts: resourceType, id and meta.lastUpdated, however they are spelt. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

#include "scan_check.h"

static void faults_of_facts(void **state) {
  static const char long_type[] =
      "Aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
  static const fault_case cases[] = {
      {TEXT("{"), TEXT("}"), FHX__FAULT_RESOURCE_TYPE},
      {TEXT("{ "), TEXT("}x"), FHX__FAULT_RESOURCE_TYPE},
      {TEXT("{\"id\":\"a\""), TEXT("}"), FHX__FAULT_RESOURCE_TYPE},
      {TEXT("{\"x\":{\"resourceType\":\"Patient\"},\"id\":\"a\""), TEXT("}"),
       FHX__FAULT_RESOURCE_TYPE},
      {TEXT("{\"resourcetype\":\"Patient\",\"id\":\"a\""), TEXT("}"), FHX__FAULT_RESOURCE_TYPE},
      {TEXT("{\"resourceType\":"), TEXT("1,\"id\":\"a\"}"), FHX__FAULT_RESOURCE_TYPE},
      {TEXT("{\"resourceType\": "), TEXT("null,\"id\":\"a\"}"), FHX__FAULT_RESOURCE_TYPE},
      {TEXT("{\"resourceType\":"), TEXT("[\"Patient\"],\"id\":\"a\"}"), FHX__FAULT_RESOURCE_TYPE},
      {TEXT("{\"resourceType\":"), TEXT("{},\"id\":\"a\"}"), FHX__FAULT_RESOURCE_TYPE},
      {TEXT("{\"resourceType\":"), TEXT("\"\",\"id\":\"a\"}"), FHX__FAULT_RESOURCE_TYPE},
      {TEXT("{\"resourceType\":"), TEXT("\"patient\",\"id\":\"a\"}"), FHX__FAULT_RESOURCE_TYPE},
      {TEXT("{\"resourceType\":"), TEXT("\"Pat1\",\"id\":\"a\"}"), FHX__FAULT_RESOURCE_TYPE},
      {TEXT("{\"resourceType\":"), TEXT("\"../P\",\"id\":\"a\"}"), FHX__FAULT_RESOURCE_TYPE},
      {TEXT("{\"resourceType\":"), TEXT("\"P\\u0000\",\"id\":\"a\"}"), FHX__FAULT_RESOURCE_TYPE},
      {TEXT("{\"resourceType\":"), TEXT("\"P\\u00e9\",\"id\":\"a\"}"), FHX__FAULT_RESOURCE_TYPE},
      {TEXT("{\"resourceType\":"), TEXT("\"P\xC3\xA9\",\"id\":\"a\"}"), FHX__FAULT_RESOURCE_TYPE},
      {TEXT("{\"resourceType\":\"Patient\""), TEXT("}"), FHX__FAULT_ID},
      {TEXT("{\"resourceType\":\"Patient\",\"x\":{\"id\":\"a\"},\"Id\":\"b\" "), TEXT("}"),
       FHX__FAULT_ID},
      {TEXT("{\"resourceType\":\"Patient\",\"id\":"), TEXT("1}"), FHX__FAULT_ID},
      {TEXT("{\"resourceType\":\"Patient\",\"id\":\n"), TEXT("null}"), FHX__FAULT_ID},
      {TEXT("{\"resourceType\":\"Patient\",\"id\":"), TEXT("{}}"), FHX__FAULT_ID},
      {TEXT("{\"resourceType\":\"Patient\",\"id\":"), TEXT("\"\"}"), FHX__FAULT_ID},
      {TEXT("{\"resourceType\":\"Patient\",\"id\":"), TEXT("\"a_b\"}"), FHX__FAULT_ID},
      {TEXT("{\"resourceType\":\"Patient\",\"id\":"), TEXT("\"a b\"}"), FHX__FAULT_ID},
      {TEXT("{\"resourceType\":\"Patient\",\"id\":"), TEXT("\"a\\n\"}"), FHX__FAULT_ID},
      {TEXT("{\"resourceType\":\"Patient\",\"id\":"), TEXT("\"a\\/b\"}"), FHX__FAULT_ID},
      {TEXT("{\"resourceType\":\"Patient\",\"id\":"), TEXT("\"\\ud83d\\ude00\"}"), FHX__FAULT_ID},
      /* What is no value, or faulty inside the string, is that. */
      {TEXT("{\"id\":"), TEXT("}"), FHX__FAULT_SYNTAX},
      {TEXT("{\"id\": "), TEXT("\v\"a\"}"), FHX__FAULT_SYNTAX},
      {TEXT("{\"resourceType\":"), TEXT("]"), FHX__FAULT_SYNTAX},
      {TEXT("{\"meta\":"), TEXT(":1"), FHX__FAULT_SYNTAX},
      {TEXT("{\"resourceType\":\"Patient\",\"id\":\"_"), TEXT("\x01\"}"), FHX__FAULT_SYNTAX},
      {TEXT(BEGIN ","), TEXT("\"id\":\"a\"}"), FHX__FAULT_DOUBLED_KEY},
      {TEXT(BEGIN ",\"x\":0,\n"), TEXT("\"id\" :\"b\"}"), FHX__FAULT_DOUBLED_KEY},
      {TEXT(BEGIN ","), TEXT("\"\\u0069d\":\"a\"}"), FHX__FAULT_DOUBLED_KEY},
      {TEXT(BEGIN ","), TEXT("\"i\\u0064\":\"a\"}"), FHX__FAULT_DOUBLED_KEY},
      {TEXT(BEGIN ","), TEXT("\"\\u0069\\u0064\":1}"), FHX__FAULT_DOUBLED_KEY},
      {TEXT("{\"\\u0069d\":\"a\","), TEXT("\"id\":\"a\"}"), FHX__FAULT_DOUBLED_KEY},
      {TEXT(BEGIN ","), TEXT("\"resourceType\":\"Patient\"}"), FHX__FAULT_DOUBLED_KEY},
      {TEXT(BEGIN ","), TEXT("\"resource\\u0054ype\":0}"), FHX__FAULT_DOUBLED_KEY},
      {TEXT(BEGIN ","), TEXT("\"\\u0072esourceType\":0}"), FHX__FAULT_DOUBLED_KEY},
      {TEXT(BEGIN ",\"meta\":{},"), TEXT("\"meta\":{}}"), FHX__FAULT_DOUBLED_KEY},
      {TEXT(BEGIN ",\"meta\":0,"), TEXT("\"\\u006D\\u0065t\\u0061\":{}}"), FHX__FAULT_DOUBLED_KEY},
      {TEXT(BEGIN ",\"m\\u0065ta\":[],"), TEXT("\"meta\":{}}"), FHX__FAULT_DOUBLED_KEY},
  };
  char text[TEXT_MAX];
  (void)state;
  check_faults(cases, COUNT(cases));
  assert_int_equal(sizeof long_type - 1, FHX__TYPE_MAX + 1);
  int len = snprintf(text, sizeof text, "{\"resourceType\":\"%s\",\"id\":\"%s\"}", long_type,
                     long_type + 1);
  assert_int_equal(scan(text, (size_t)len).fault, FHX__FAULT_RESOURCE_TYPE);
  len = snprintf(text, sizeof text, "{\"resourceType\":\"P\",\"id\":\"%s\"}", long_type);
  assert_int_equal(scan(text, (size_t)len).fault, FHX__FAULT_ID);
  len = snprintf(text, sizeof text, "{\"resourceType\":\"P\",\"id\":\"%s\\u0061\"}", long_type + 1);
  assert_int_equal(scan(text, (size_t)len).fault, FHX__FAULT_ID);
  len = snprintf(text, sizeof text, "{\"resourceType\":\"A%s\",\"id\":\"\\u0061%s\"}",
                 long_type + 2, long_type + 2);
  assert_int_equal(scan(text, (size_t)len).fault, FHX__FAULT_NONE);
}

/* Keys of every length and place that are nearly a fact's key. */
static void similar_keys(void **state) {
  static const char *const keys[] = {
      "",
      "i",
      "d",
      "idx",
      "Id",
      "ID",
      " id",
      "id ",
      "i\\u0044",
      "\\u0069",
      "\\u0069dx",
      "\\\\u0069d",
      "i\\\\u0064",
      "met",
      "metaa",
      "Meta",
      "\\\"meta",
      "resourceTyp",
      "resourceTypes",
      "_id",
      "resourceType\\u0000",
      "id\\u0000",
      "\\u00e9id",
      "i\xC3\xA9",
      "lastUpdated",
      "\\b",
      "\\f\\r\\t\\/",
  };
  (void)state;
  for (size_t i = 0; i < COUNT(keys); i++) {
    char text[TEXT_MAX];
    int len = snprintf(text, sizeof text, BEGIN ",\"meta\":{\"id\":1,\"%s\":0},\"%s\":\"x y\"}",
                       keys[i], keys[i]);
    fhx__scan result = scan(text, (size_t)len);
    if (result.fault != FHX__FAULT_NONE) fail_msg("%s: %s", text, fhx__fault_text(result.fault));
    assert_string_equal(result.facts.id, "a");
    assert_false(result.facts.has_updated);
  }
}

typedef struct fact_case {
  const char *text;
  fhx__fault fault;
  const char *resource_type;
  const char *id;
  const char *updated; /* NULL: none */
} fact_case;

#define STAMP "2024-05-06T07:08:09.5Z"

static const fact_case fact_cases[] = {
    {BEGIN "}", FHX__FAULT_NONE, "Patient", "a", NULL},
    {"{\"meta\":{\"lastUpdated\":\"" STAMP "\"},\"id\":\"b.-9\",\"resourceType\":\"Group\"}",
     FHX__FAULT_NONE, "Group", "b.-9", STAMP},
    {"{\"id\":\"a\",\"x\":[{\"id\":\"no\",\"resourceType\":\"No\",\"meta\":{\"lastUpdated\":"
     "\"" STAMP "\"}}],\"resourceType\":\"Group\"}",
     FHX__FAULT_NONE, "Group", "a", NULL},
    /* Spelt with escapes. */
    {"{\"\\u0069d\":\"\\u0061b\\u002D\",\"r\\u0065sourceType\":\"P\\u0061tient\"}", FHX__FAULT_NONE,
     "Patient", "ab-", NULL},
    {BEGIN ",\"\\u006deta\":{\"last\\u0055pdated\":\"2024-05-06\\u005407:08:09.5\\u005A\"}}",
     FHX__FAULT_NONE, "Patient", "a", STAMP},
    /* Forms of meta that give no instant and are no fault. */
    {BEGIN ",\"meta\":{}}", FHX__FAULT_NONE, "Patient", "a", NULL},
    {BEGIN ",\"meta\":null}", FHX__FAULT_NONE, "Patient", "a", NULL},
    {BEGIN ",\"meta\":\"x\"}", FHX__FAULT_NONE, "Patient", "a", NULL},
    {BEGIN ",\"meta\":[{\"lastUpdated\":\"" STAMP "\"}]}", FHX__FAULT_NONE, "Patient", "a", NULL},
    {BEGIN ",\"meta\":{\"lastUpdated\":1}}", FHX__FAULT_NONE, "Patient", "a", NULL},
    {BEGIN ",\"meta\":{\"lastUpdated\":{\"lastUpdated\":\"" STAMP "\"}}}", FHX__FAULT_NONE,
     "Patient", "a", NULL},
    {BEGIN ",\"meta\":{\"lastUpdated\":\"2024-05-06\"}}", FHX__FAULT_NONE, "Patient", "a", NULL},
    {BEGIN ",\"meta\":{\"lastUpdated\":\"\"}}", FHX__FAULT_NONE, "Patient", "a", NULL},
    {BEGIN ",\"meta\":{\"lastUpdated\":\"" STAMP "\\u00e9\"}}", FHX__FAULT_NONE, "Patient", "a",
     NULL},
    {BEGIN ",\"meta\":{\"x\":{\"lastUpdated\":\"" STAMP "\"}}}", FHX__FAULT_NONE, "Patient", "a",
     NULL},
    {BEGIN ",\"lastUpdated\":\"" STAMP "\"}", FHX__FAULT_NONE, "Patient", "a", NULL},
    /* A key behind meta is not one inside it. */
    {BEGIN ",\"meta\":{},\"x\":{\"lastUpdated\":\"" STAMP "\"}}", FHX__FAULT_NONE, "Patient", "a",
     NULL},
    {BEGIN ",\"meta\":{\"a\":[{}]},\"lastUpdated\":\"" STAMP "\"}", FHX__FAULT_NONE, "Patient", "a",
     NULL},
    {BEGIN ",\"meta\":{\"a\":[{}],\"lastUpdated\":\"" STAMP "\",\"b\":{}},\"y\":1}",
     FHX__FAULT_NONE, "Patient", "a", STAMP},
    /* The last one decides. */
    {BEGIN ",\"meta\":{\"lastUpdated\":\"1999-01-01T00:00:00Z\",\"lastUpdated\":\"" STAMP "\"}}",
     FHX__FAULT_NONE, "Patient", "a", STAMP},
    {BEGIN ",\"meta\":{\"lastUpdated\":\"" STAMP "\",\"lastUpdated\":\"x\"}}", FHX__FAULT_NONE,
     "Patient", "a", NULL},
    {BEGIN ",\"meta\":{\"lastUpdated\":\"" STAMP "\",\"lastUpdated\":0}}", FHX__FAULT_NONE,
     "Patient", "a", NULL},
    /* What was seen before a fault stays; an id only if it is one. */
    {BEGIN ",\"meta\":{\"lastUpdated\":\"" STAMP "\"},\"x\":}", FHX__FAULT_SYNTAX, "Patient", "a",
     STAMP},
    {BEGIN ",\"id\":\"b\"}", FHX__FAULT_DOUBLED_KEY, "Patient", "a", NULL},
    {"{\"resourceType\":\"Patient\",\"id\":\"a b\"}", FHX__FAULT_ID, "Patient", "", NULL},
    {"{\"id\":\"a\",\"resourceType\":\"patient\"}", FHX__FAULT_RESOURCE_TYPE, "", "a", NULL},
    {"{\"id\":\"a\"", FHX__FAULT_TRUNCATED, "", "a", NULL},
    {"{\"id\":\"a", FHX__FAULT_TRUNCATED, "", "", NULL},
    {BEGIN "}}", FHX__FAULT_TRAILING, "Patient", "a", NULL},
};

static void facts(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(fact_cases); i++) {
    const fact_case *wanted = &fact_cases[i];
    fhx__scan result = scan(wanted->text, strlen(wanted->text));
    if (result.fault != wanted->fault) {
      fail_msg("%s: %s", wanted->text, fhx__fault_text(result.fault));
    }
    assert_string_equal(result.facts.resource_type, wanted->resource_type);
    assert_string_equal(result.facts.id, wanted->id);
    assert_int_equal(result.facts.has_updated, wanted->updated != NULL);
    if (wanted->updated == NULL) continue;
    fhx__instant updated = {0, 0};
    assert_true(fhx__instant_parse(wanted->updated, strlen(wanted->updated), &updated));
    assert_int_equal(fhx__instant_compare(result.facts.updated, updated), 0);
  }
}

/* Digits beyond the microsecond count, spelt with escapes or not. */
static void fine_instants(void **state) {
  char text[TEXT_MAX];
  (void)state;
  for (int escaped = 0; escaped < 2; escaped++) {
    for (int digits = 1; digits < 60; digits += 7) {
      fhx__instant updated = {0, 0};
      char stamp[TEXT_MAX];
      snprintf(stamp, sizeof stamp, "2024-05-06T07:08:09.%0*d+01:00", digits, 1);
      assert_true(fhx__instant_parse(stamp, strlen(stamp), &updated));
      int len = snprintf(text, sizeof text, BEGIN ",\"meta\":{\"lastUpdated\":\"%s%s\"}}",
                         escaped ? "\\u0032" : "2", stamp + 1);
      fhx__scan result = scan(text, (size_t)len);
      assert_true(result.facts.has_updated);
      assert_int_equal(fhx__instant_compare(result.facts.updated, updated), 0);
    }
  }
  int len = snprintf(text, sizeof text,
                     BEGIN ",\"meta\":{\"lastUpdated\":\"\\u0032024-05-06T07:08:09.%0200dZ\"}}", 0);
  assert_false(scan(text, (size_t)len).facts.has_updated);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(faults_of_facts),
      cmocka_unit_test(similar_keys),
      cmocka_unit_test(facts),
      cmocka_unit_test(fine_instants),
  };
  return cmocka_run_group_tests_name("scan_facts", tests, NULL, NULL);
}
