/* Dates in search queries (PARAM-18, PARAM-19, FILTER-21). What is expected was worked
   out by another implementation of FHIR's rules, with fractions of any size, and looked through. */
#include "search_check.h"

static const char dates_queries[] =
    "2013-01-14 eq2013 2013-01 ne2013-01-14 ne2013-01 gt2013-01-14 gt2013-01-14T10:00 "
    "gt2013 lt2013-01-14 lt2013-01-14T10:00 lt2013-01-15 ge2013-01-14 "
    "ge2013-01-14T10:00:00Z ge2013-02 le2013-01-14 le2013-01 le2013-01-14T10:00:00%2B02:00 "
    "sa2013-01-14 sa2012 eb2013-01-14 eb2014 ap2013-01-14 ap2013 2013-01-14T10:00:00.5Z "
    "2013-01-14T10:00:30";

static const search_row dates_rows[] = {
    {"\"effectiveDateTime\":\"2013-01-14\"", "xxx.. .x..x xxx.x xx.x. xxx.."},
    {"\"effectiveDateTime\":\"2013-01-14T00:00:00Z\"", "xxx.. ....x xx..x xx.x. xxx.."},
    {"\"effectiveDateTime\":\"2013-01-14T10:00:30Z\"", "xxx.. ..... xxx.x x..x. xxx.x"},
    {"\"effectiveDateTime\":\"2013-01-15T00:00:00Z\"", ".xxx. xx... .xx.. x.xx. xxx.."},
    {"\"effectiveDateTime\":\"2013\"", ".x.xx xx.xx xxxxx .x.x. xxx.."},
    {"\"effectiveDateTime\":\"2013-01\"", ".xxx. xx.xx xxx.x xx.x. xxx.."},
    {"\"effectiveDateTime\":\"2012-12-31T23:59:59.999Z\"", "...xx ...xx x...x xx..x x.x.."},
    {"\"effectiveDateTime\":\"2013-01-14T10:00:00.500Z\"", "xxx.. ..... xxx.x x..x. xxxx."},
    {"\"effectiveDateTime\":\"2013-01-14T23:30:00-01:00\"", ".xxx. xx... .xx.. x.xx. xxx.."},
    {"\"effectiveDateTime\":\"2014-02-29\"", "..... ..... ..... ..... ....."},
    {"\"effectiveDateTime\":\"2013-01-14T10:00:00.5000001Z\"", "xxx.. ..... xxx.x x..x. xxxx."},
    {"\"effectiveInstant\":\"2013-01-14T12:00:00+02:00\"", "xxx.. ..... xxx.x x..x. xxx.."},
    {"\"effectivePeriod\":{\"start\":\"2013-01-21\"}", "...xx xxx.. .xxx. ..xx. ..x.."},
    {"\"effectivePeriod\":{\"end\":\"2013-01-21\"}", "...xx xx.xx xxx.x xx... xxx.."},
    {"\"effectivePeriod\":{\"start\":\"2013-01-10\",\"end\":\"2013-01-14\"}",
     ".xxx. .x.xx x.x.x xx.x. xxx.."},
    {"\"effectivePeriod\":{\"start\":\"2013-01-14T10:00:00Z\",\"end\":\"2013-01-14T10:00:00Z\"}",
     "xxx.. ..... xxx.x x..x. xxx.."},
    {"\"effectivePeriod\":{\"start\":\"2013-02-01\",\"end\":\"2013-03\"}",
     ".x.xx xx... .xxx. ..xx. x.x.."},
    {"\"effectivePeriod\":{\"start\":\"bad\",\"end\":\"2013\"}", "..... ..... ..... ..... ....."},
    {"\"effectiveTiming\":{\"event\":[\"2013-01-12\",\"2013-01-14T10:00:00Z\"]}",
     ".xxx. ...xx x...x xx.x. xxx.."},
    {"\"effectiveTiming\":{\"repeat\":{\"boundsPeriod\":{\"start\":\"2013-01-01\"},\"frequency\":1}"
     "}",
     "...xx xxxxx xxxxx .x.x. .xx.."},
    {"\"effectiveTiming\":{\"event\":[\"2013-01-14\"],\"repeat\":{\"boundsPeriod\":{\"start\":"
     "\"2013-01-13\",\"end\":\"2013-01-14\"}}}",
     ".xxx. .x.xx x.x.x xx.x. xxx.."},
    {"\"effectiveTiming\":{\"repeat\":{\"frequency\":2}}", "..... ..... ..... ..... ....."},
};

static void dates(void **state) {
  (void)state;
  CHECK_TABLE("Observation?date=", dates_queries, dates_rows);
}

static const char last_updated_queries[] =
    "gt2024-05-06T07:08:09Z ge2024-05-06T07:08:09Z 2024-05-06T07:08:09Z "
    "2024-05-06T07:08:09.123Z lt2024-05-06T07:08:09.1234567Z "
    "gt2024-05-06T07:08:09.1234566Z le2024-05-06 sa2024-05-05 eb2024-05-06T07:08:09.2Z "
    "ne2024-05 ap2024-05-06T07:08:11Z";

static const search_row last_updated_rows[] = {
    {"\"meta\":{\"lastUpdated\":\"2024-05-06T07:08:09.123Z\"}", ".xxxx .xxx.."},
    {"\"meta\":{\"lastUpdated\":\"2024-05-06T07:08:09Z\"}", ".xx.x .xxx.."},
    {"\"meta\":{\"lastUpdated\":\"2024-05-06T07:08:10Z\"}", "xx... xxx..x"},
    {"\"meta\":{\"lastUpdated\":\"2024-05-06T07:08:09.12345665Z\"}", ".xxxx .xxx.."},
    {"\"meta\":{\"lastUpdated\":\"2024-06-01T00:00:00Z\"}", "xx... x.x.x."},
    {"\"meta\":{\"lastUpdated\":\"2024-04-30T23:59:59.999-01:00\"}", "....x .x.x.."},
};

static void last_updated(void **state) {
  (void)state;
  CHECK_TABLE("Observation?_lastUpdated=", last_updated_queries, last_updated_rows);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(dates),
      cmocka_unit_test(last_updated),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
