/* Numbers and quantities in search queries (PARAM-19, FILTER-21). What is expected was worked
   out by another implementation of FHIR's rules, with fractions of any size, and looked through. */
#include "search_check.h"

static const char numbers_queries[] =
    "100 100.00 5.4 5.40 0 -5 -5.0 1e2 1.00e2 54e-1 ne100 ne5.40 gt5.4 gt-5 lt5.4 lt0 "
    "ge5.4 ge100 le5.4 le-5 sa5.4 eb5.4 ap100 ap-5 ap5.40";

static const search_row numbers_rows[] = {
    {"\"factorOverride\":100", "xx... ..xx. .xxx. .xx.. x.x.."},
    {"\"factorOverride\":99.5", "x.... ..xx. .xxx. .x... x.x.."},
    {"\"factorOverride\":100.5", "..... ..x.. xxxx. .xx.. x.x.."},
    {"\"factorOverride\":99.4999999999999999999", "..... ..x.. xxxx. .x... x.x.."},
    {"\"factorOverride\":100.005", "x.... ..xx. .xxx. .xx.. x.x.."},
    {"\"factorOverride\":5.4", "..xx. ....x x..x. .x.x. ....x"},
    {"\"factorOverride\":5.40", "..xx. ....x x..x. .x.x. ....x"},
    {"\"factorOverride\":5.395", "..xx. ....x x..xx ...x. .x..x"},
    {"\"factorOverride\":5.405", "..x.. ....x xxxx. .x... x...x"},
    {"\"factorOverride\":5.35", "..x.. ....x xx.xx ...x. .x..x"},
    {"\"factorOverride\":5.45", "..... ..... xxxx. .x... x...x"},
    {"\"factorOverride\":5.4000000000000000000000000000000000000001",
     "..xx. ....x x.xx. .x... x...x"},
    {"\"factorOverride\":-5", "..... xx... xx..x x..xx .x.x."},
    {"\"factorOverride\":-5.5", "..... x.... xx..x x..xx .x.x."},
    {"\"factorOverride\":-4.5", "..... ..... xx.xx x..x. .x.x."},
    {"\"factorOverride\":-4.6", "..... x.... xx.xx x..x. .x.x."},
    {"\"factorOverride\":0", "....x ..... xx.xx ...x. .x..."},
    {"\"factorOverride\":-0.0", "....x ..... xx.xx ...x. .x..."},
    {"\"factorOverride\":0.4", "....x ..... xx.xx ...x. .x..."},
    {"\"factorOverride\":1e2", "xx... ..xx. .xxx. .xx.. x.x.."},
    {"\"factorOverride\":1.0E+2", "xx... ..xx. .xxx. .xx.. x.x.."},
    {"\"factorOverride\":540e-2", "..xx. ....x x..x. .x.x. ....x"},
    {"\"factorOverride\":0.00054e4", "..xx. ....x x..x. .x.x. ....x"},
    {"\"factorOverride\":12345678901234567890123", "..... ..... xxxx. .xx.. x...."},
    {"\"factorOverride\":90", "..... ..x.. xxxx. .x... x.x.."},
    {"\"factorOverride\":110", "..... ..x.. xxxx. .xx.. x.x.."},
    {"\"factorOverride\":110.1", "..... ..x.. xxxx. .xx.. x...."},
    {"\"factorOverride\":-4.5e0", "..... ..... xx.xx x..x. .x.x."},
};

static void numbers(void **state) {
  (void)state;
  CHECK_TABLE("ChargeItem?factor-override=", numbers_queries, numbers_rows);
}

static const char quantities_queries[] =
    "5.4|http://unitsofmeasure.org|mg 5.40||mg 5.40 5.4||milligram "
    "gt5|http://unitsofmeasure.org|mg lt5 ge5.4||mg le5.4 sa5.3 eb5.5||mg ne5.4 "
    "5.4|http://unitsofmeasure.org| 5.4|http://other|mg ap5||g gt10||mg";

static const search_row quantities_rows[] = {
    {"\"valueQuantity\":{\"value\":5.4,\"unit\":\"mg\",\"system\":\"http://"
     "unitsofmeasure.org\",\"code\":\"mg\"}",
     "xxx.x .xxxx .x..."},
    {"\"valueQuantity\":{\"value\":5.40,\"unit\":\"mg\",\"system\":\"http://"
     "unitsofmeasure.org\",\"code\":\"mg\"}",
     "xxx.x .xxxx .x..."},
    {"\"valueQuantity\":{\"value\":5.44,\"unit\":\"mg\",\"system\":\"http://"
     "unitsofmeasure.org\",\"code\":\"mg\"}",
     "x...x .x.xx .x..."},
    {"\"valueQuantity\":{\"value\":5.45,\"unit\":\"mg\",\"system\":\"http://"
     "unitsofmeasure.org\",\"code\":\"mg\"}",
     "....x .x.xx x...."},
    {"\"valueQuantity\":{\"value\":6,\"unit\":\"mg\",\"system\":\"http://"
     "unitsofmeasure.org\",\"code\":\"mg\"}",
     "....x .x.x. x...."},
    {"\"valueQuantity\":{\"value\":5,\"unit\":\"mg\",\"system\":\"http://"
     "unitsofmeasure.org\",\"code\":\"mg\"}",
     "..... ..x.x x...."},
    {"\"valueQuantity\":{\"value\":5.4,\"unit\":\"milligram\"}", "..xx. ..xx. ....."},
    {"\"valueQuantity\":{\"value\":5.4,\"code\":\"g\",\"unit\":\"mg\"}", ".xx.. .xxxx ...x."},
    {"\"valueQuantity\":{\"unit\":\"mg\"}", "..... ..... ....."},
    {"\"valueQuantity\":{\"value\":5.4}", "..x.. ..xx. ....."},
    {"\"valueQuantity\":{\"value\":5.4,\"comparator\":\"<\",\"unit\":\"mg\",\"system\":\"http://"
     "unitsofmeasure.org\",\"code\":\"mg\"}",
     "....x x.x.x x...."},
    {"\"valueQuantity\":{\"value\":5.4,\"comparator\":\">=\",\"unit\":\"mg\",\"system\":\"http://"
     "unitsofmeasure.org\",\"code\":\"mg\"}",
     "....x .xxx. x...x"},
    {"\"valueQuantity\":{\"value\":5,\"comparator\":\">\",\"unit\":\"mg\",\"system\":\"http://"
     "unitsofmeasure.org\",\"code\":\"mg\"}",
     "....x .xx.. x...x"},
    {"\"valueQuantity\":{\"value\":5,\"comparator\":\"<=\",\"unit\":\"mg\",\"system\":\"http://"
     "unitsofmeasure.org\",\"code\":\"mg\"}",
     "..... x.x.x x...."},
};

static void quantities(void **state) {
  (void)state;
  CHECK_TABLE("Observation?value-quantity=", quantities_queries, quantities_rows);
}

static const char ranges_queries[] = "5 ge5||a le10||a gt10 lt5 sa4 eb11 ne7 ap7 5||y";

static const search_row ranges_rows[] = {
    {"\"onsetRange\":{\"low\":{\"value\":5,\"unit\":\"a\"},\"high\":{\"value\":10,\"unit\":\"a\"}}",
     ".xx.. xxxx."},
    {"\"onsetRange\":{\"high\":{\"value\":10,\"unit\":\"a\"}}", ".xx.x .xxx."},
    {"\"onsetRange\":{\"low\":{\"value\":5,\"unit\":\"a\"}}", ".xxx. x.xx."},
    {"\"onsetRange\":{\"low\":{\"value\":4,\"unit\":\"a\"},\"high\":{\"value\":5,\"unit\":\"a\"}}",
     ".xx.x .xx.."},
    {"\"onsetRange\":{\"low\":{\"value\":10,\"unit\":\"a\"},\"high\":{\"value\":20,\"unit\":\"a\"}"
     "}",
     ".xxx. x.x.."},
    {"\"onsetRange\":{\"low\":{\"value\":4.6,\"unit\":\"a\"},\"high\":{\"value\":5.4,\"unit\":"
     "\"a\"}}",
     "xxx.x xxx.."},
};

static void ranges(void **state) {
  (void)state;
  CHECK_TABLE("Condition?onset-age=", ranges_queries, ranges_rows);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(numbers),
      cmocka_unit_test(quantities),
      cmocka_unit_test(ranges),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
