/* FHIR instants: reading, comparing, writing (PARAM-05, PARAM-06, MAN-02). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

#include "core/instant.h"

#define SECOND INT64_C(1000000)

static fhx__instant parse(const char *text) {
  fhx__instant instant = {0, 0};
  if (!fhx__instant_parse(text, strlen(text), &instant)) fail_msg("%s is an instant", text);
  return instant;
}

static void known_values(void **state) {
  static const struct {
    const char *text;
    int64_t seconds;
  } cases[] = {
      {"1970-01-01T00:00:00Z", 0},
      {"1969-12-31T23:59:59Z", -1},
      {"2000-02-29T12:00:00Z", 951825600},
      {"2001-09-09T01:46:40Z", 1000000000},
      {"2024-02-29T00:00:00Z", 1709164800},
      {"2024-03-01T00:00:00Z", 1709251200},
      {"2038-01-19T03:14:08Z", 2147483648},
      {"1900-03-01T00:00:00Z", -2203891200},
      {"0001-01-01T00:00:00Z", -62135596800},
      {"9999-12-31T23:59:59Z", 253402300799},
      {"2015-06-30T23:59:60Z", 1435708800},
  };
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    fhx__instant instant = parse(cases[i].text);
    assert_int_equal(instant.us, cases[i].seconds * SECOND);
    assert_int_equal(instant.finer, 0);
  }
}

/* PARAM-05: offsets are compared as instants. */
static void offsets(void **state) {
  (void)state;
  int64_t noon = parse("2024-06-01T12:00:00Z").us;
  assert_int_equal(parse("2024-06-01T12:00:00+00:00").us, noon);
  assert_int_equal(parse("2024-06-01T12:00:00-00:00").us, noon);
  assert_int_equal(parse("2024-06-01T07:00:00-05:00").us, noon);
  assert_int_equal(parse("2024-06-01T17:30:00+05:30").us, noon);
  assert_int_equal(parse("2024-06-02T02:00:00+14:00").us, noon);
  assert_int_equal(parse("2024-05-31T22:00:00-14:00").us, noon);
  assert_int_equal(parse("0001-01-01T00:00:00+14:00").us,
                   (INT64_C(-62135596800) - 14 * 3600) * SECOND);
  assert_int_equal(parse("9999-12-31T23:59:59-14:00").us,
                   (INT64_C(253402300799) + 14 * 3600) * SECOND);
}

static void fractions(void **state) {
  (void)state;
  assert_int_equal(parse("1970-01-01T00:00:00.1Z").us, 100000);
  assert_int_equal(parse("1970-01-01T00:00:00.000001Z").us, 1);
  assert_int_equal(parse("1970-01-01T00:00:00.123456Z").finer, 0);
  assert_int_equal(parse("1970-01-01T00:00:00.1234569Z").us, 123456);
  assert_true(parse("1970-01-01T00:00:00.1234569Z").finer > 0);
  /* Zeros behind the last digit change nothing. */
  assert_int_equal(parse("1970-01-01T00:00:00.10000000000000000000000000000Z").us, 100000);
  assert_int_equal(parse("1970-01-01T00:00:00.10000000000000000000000000000Z").finer, 0);
  /* Before 1970 microseconds are floored too. */
  assert_int_equal(parse("1969-12-31T23:59:59.9999999Z").us, -1);
}

static int compare(const char *a, const char *b) {
  int order = fhx__instant_compare(parse(a), parse(b));
  assert_int_equal(fhx__instant_compare(parse(b), parse(a)), -order);
  return order;
}

/* PARAM-05: a fraction may have any length, and all of it counts. */
static void comparing(void **state) {
  (void)state;
  assert_int_equal(compare("2024-01-01T00:00:00Z", "2024-01-01T01:00:00+01:00"), 0);
  assert_int_equal(compare("2024-01-01T00:00:00Z", "2024-01-01T00:00:01Z"), -1);
  assert_int_equal(compare("2024-01-01T00:00:00.5Z", "2024-01-01T00:00:00.50Z"), 0);
  assert_int_equal(compare("2024-01-01T00:00:00.123456789Z", "2024-01-01T00:00:00.12345679Z"), -1);
  assert_int_equal(compare("2024-01-01T00:00:00.1234561Z", "2024-01-01T00:00:00.123456Z"), 1);
  /* Digit 24 is kept; beyond it, that there is more. */
  assert_int_equal(compare("2024-01-01T00:00:00.000000000000000000000001Z",
                           "2024-01-01T00:00:00.000000000000000000000002Z"),
                   -1);
  assert_int_equal(compare("2024-01-01T00:00:00.0000000000000000000000010001Z",
                           "2024-01-01T00:00:00.000000000000000000000001Z"),
                   1);
  assert_int_equal(
      compare("2024-01-01T00:00:00.999999999999999999999999999Z", "2024-01-01T00:00:01Z"), -1);
}

static void long_fraction(void **state) {
  char text[5000];
  fhx__instant instant = {0, 0};
  (void)state;
  memset(text, '9', sizeof text);
  memcpy(text, "2024-01-01T00:00:00.", 20);
  text[sizeof text - 1] = 'Z';
  assert_true(fhx__instant_parse(text, sizeof text, &instant));
  assert_int_equal(instant.us % SECOND, 999999);
}

/* PARAM-06. */
static void refused(void **state) {
  static const char *const cases[] = {
      "",
      "yesterday",
      "2020",
      "2020-01",
      "2020-01-01",
      "2020-01-01T00:00Z",
      "2020-01-01T00:00:00",
      "2020-01-01T00:00:00.Z",
      "2020-01-01T00:00:00.5",
      "2020-01-01T00:00:00,5Z",
      "2020-01-01t00:00:00Z",
      "2020-01-01T00:00:00z",
      "2020-01-01 00:00:00Z",
      "2020-13-01T00:00:00Z",
      "2020-00-01T00:00:00Z",
      "2020-02-30T00:00:00Z",
      "2021-02-29T00:00:00Z",
      "1900-02-29T00:00:00Z",
      "2020-04-31T00:00:00Z",
      "2020-01-00T00:00:00Z",
      "2020-01-01T24:00:00Z",
      "2020-01-01T00:60:00Z",
      "2020-01-01T00:00:61Z",
      "0000-01-01T00:00:00Z",
      "12020-01-01T00:00:00Z",
      "+2020-01-01T00:00:00Z",
      "-2020-01-01T00:00:00Z",
      "2020-1-1T0:0:0Z",
      "2020-01-01T00:00:00+1:00",
      "2020-01-01T00:00:00+0100",
      "2020-01-01T00:00:00+01",
      "2020-01-01T00:00:00+14:01",
      "2020-01-01T00:00:00+15:00",
      "2020-01-01T00:00:00+00:60",
      "2020-01-01T00:00:00 00:00",
      "2020-01-01T00:00:00Z ",
      " 2020-01-01T00:00:00Z",
      "2020-01-01T00:00:00ZZ",
      "2020-01-01T00:00:00Z+00:00",
  };
  fhx__instant instant = {0, 0};
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    if (fhx__instant_parse(cases[i], strlen(cases[i]), &instant)) fail_msg("%s", cases[i]);
  }
  /* Every beginning of an instant is none, and nothing behind `len` is read. */
  const char *whole = "2020-01-01T00:00:00.5+01:00";
  for (size_t len = 0; len < strlen(whole); len++) {
    assert_false(fhx__instant_parse(whole, len, &instant));
  }
  assert_false(fhx__instant_parse("2020-01-01T00:00:00Z\0", 21, &instant));
}

static void flooring(void **state) {
  (void)state;
  assert_int_equal(fhx__instant_floor(1234567, 1), 1234567);
  assert_int_equal(fhx__instant_floor(1234567, 1000), 1234000);
  assert_int_equal(fhx__instant_floor(1234567, SECOND), SECOND);
  assert_int_equal(fhx__instant_floor(-1, 1000), -1000);
  assert_int_equal(fhx__instant_floor(-1000, 1000), -1000);
  assert_int_equal(fhx__instant_floor(-1001, 1000), -2000);
  assert_int_equal(fhx__instant_floor(0, SECOND), 0);
}

static void writing(void **state) {
  static const struct {
    int64_t us;
    int64_t resolution_us;
    const char *text;
  } cases[] = {
      {0, SECOND, "1970-01-01T00:00:00Z"},
      {0, 1000, "1970-01-01T00:00:00.000Z"},
      {0, 1, "1970-01-01T00:00:00.000000Z"},
      {-1, 1, "1969-12-31T23:59:59.999999Z"},
      {INT64_C(951825600) * SECOND + 7000, 1000, "2000-02-29T12:00:00.007Z"},
      {INT64_C(951825600) * SECOND + 7010, 10, "2000-02-29T12:00:00.007010Z"},
      {INT64_C(951825600) * SECOND, 60 * SECOND, "2000-02-29T12:00:00Z"},
      {INT64_C(-62135596800) * SECOND, SECOND, "0001-01-01T00:00:00Z"},
      {INT64_C(253402300799) * SECOND + 999999, 1, "9999-12-31T23:59:59.999999Z"},
  };
  char text[FHX__INSTANT_TEXT_MAX];
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    fhx__instant_format(text, cases[i].us, cases[i].resolution_us);
    assert_string_equal(text, cases[i].text);
  }
}

/* Every day of 800 years, and the last microsecond of it: what is written is read as the same. */
static void there_and_back(void **state) {
  char text[FHX__INSTANT_TEXT_MAX];
  int64_t day_us = 86400 * SECOND;
  int64_t first = parse("1600-01-01T00:00:00Z").us;
  int64_t last = parse("2400-01-01T00:00:00Z").us;
  (void)state;
  for (int64_t us = first; us <= last; us += day_us) {
    fhx__instant_format(text, us, SECOND);
    assert_int_equal(parse(text).us, us);
    fhx__instant_format(text, us + day_us - 1, 1);
    assert_int_equal(parse(text).us, us + day_us - 1);
  }
}

/* RFC 9110, 5.6.7: names in English whatever the locale, two digits, GMT. */
static void http_dates(void **state) {
  static const struct {
    int64_t seconds;
    const char *text;
  } cases[] = {
      {784111777, "Sun, 06 Nov 1994 08:49:37 GMT"},  {0, "Thu, 01 Jan 1970 00:00:00 GMT"},
      {1709164800, "Thu, 29 Feb 2024 00:00:00 GMT"}, {1735689599, "Tue, 31 Dec 2024 23:59:59 GMT"},
      {4102444800, "Fri, 01 Jan 2100 00:00:00 GMT"}, {-1, "Wed, 31 Dec 1969 23:59:59 GMT"},
  };
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    char text[FHX__HTTP_DATE_MAX];
    fhx__http_date(text, cases[i].seconds * SECOND + SECOND - 1);
    assert_string_equal(text, cases[i].text);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(known_values),   cmocka_unit_test(offsets),
      cmocka_unit_test(fractions),      cmocka_unit_test(comparing),
      cmocka_unit_test(long_fraction),  cmocka_unit_test(refused),
      cmocka_unit_test(flooring),       cmocka_unit_test(writing),
      cmocka_unit_test(there_and_back), cmocka_unit_test(http_dates),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
