/* Tokens in search queries (PARAM-19, FILTER-21). What is expected was worked
   out by another implementation of FHIR's rules, with fractions of any size, and looked through. */
#include "search_check.h"

static const char concepts_queries[] =
    "a http://s|a |a http://s| b a,b http://t|a http://t|b,c A http://s|b |b http://s "
    "c,d,e,http://t|";

static const search_row concepts_rows[] = {
    {"\"code\":{\"coding\":[{\"system\":\"http://s\",\"code\":\"a\"}]}", "xx.x. x.... ..."},
    {"\"code\":{\"coding\":[{\"code\":\"a\"}]}", "x.x.. x.... ..."},
    {"\"code\":{\"coding\":[{\"system\":\"http://s\",\"code\":\"b\"},{\"system\":\"http://"
     "t\",\"code\":\"a\"}]}",
     "x..xx xx..x ..x"},
    {"\"code\":{\"coding\":[{\"system\":\"http://t\",\"code\":\"b\"}]}", "....x x.x.. ..x"},
    {"\"code\":{\"coding\":[{\"system\":\"http://s\"}]}", "...x. ..... ..."},
    {"\"code\":{\"text\":\"a\"}", "..... ..... ..."},
    {"\"code\":{\"coding\":[{\"system\":\"http://s\",\"code\":\"A\"}]}", "...x. ...x. ..."},
    {"\"code\":{\"coding\":[{\"system\":\"http://t\",\"code\":\"c\"},{\"code\":\"b\"}]}",
     "....x x.x.. x.x"},
    {"\"code\":{\"coding\":[{\"system\":\"http://s/\",\"code\":\"a\"}]}", "x.... x.... ..."},
    {"\"code\":{\"coding\":[{\"system\":\"http://S\",\"code\":\"a\"}]}", "x.... x.... ..."},
};

static void concepts(void **state) {
  (void)state;
  CHECK_TABLE("Observation?code=", concepts_queries, concepts_rows);
}

static const char not_concepts_queries[] =
    "a http://s|a |a http://s| b a,b http://t|a http://t|b,c A http://s|b |b http://s "
    "c,d,e,http://t|";

static const search_row not_concepts_rows[] = {
    {"\"category\":[{\"coding\":[{\"system\":\"http://s\",\"code\":\"a\"}]}]", "..x.x .xxxx xxx"},
    {"\"category\":[{\"coding\":[{\"code\":\"a\"}]}]", ".x.xx .xxxx xxx"},
    {"\"category\":[{\"coding\":[{\"system\":\"http://"
     "s\",\"code\":\"b\"}]},{\"coding\":[{\"system\":\"http://t\",\"code\":\"a\"}]}]",
     ".xx.. ..xx. xx."},
    {"\"category\":[{\"coding\":[{\"system\":\"http://t\",\"code\":\"b\"}]}]", "xxxx. .x.xx xx."},
    {"\"category\":[{\"coding\":[{\"system\":\"http://s\"}]}]", "xxx.x xxxxx xxx"},
    {"", "xxxxx xxxxx xxx"},
    {"\"category\":[{\"coding\":[{\"system\":\"http://s\",\"code\":\"A\"}]}]", "xxx.x xxx.x xxx"},
    {"\"category\":[{\"coding\":[{\"system\":\"http://"
     "t\",\"code\":\"c\"}]},{\"coding\":[{\"code\":\"b\"}]}]",
     "xxxx. .x.xx .x."},
    {"\"category\":[{\"coding\":[{\"system\":\"http://s/\",\"code\":\"a\"}]}]", ".xxxx .xxxx xxx"},
    {"\"category\":[{\"coding\":[{\"system\":\"http://S\",\"code\":\"a\"}]}]", ".xxxx .xxxx xxx"},
    {"\"category\":[{\"coding\":[{\"system\":\"http://"
     "u\",\"code\":\"x\"}]},{\"coding\":[{\"system\":\"http://s\",\"code\":\"a\"}]}]",
     "..x.x .xxxx xxx"},
};

static void not_concepts(void **state) {
  (void)state;
  CHECK_TABLE("Observation?category:not=", not_concepts_queries, not_concepts_rows);
}

static const char identifiers_queries[] =
    "a http://s|a |a http://s| b a,b http://t|a http://t|b,c A http://s|b |b http://s "
    "c,d,e,http://t|";

static const search_row identifiers_rows[] = {
    {"\"identifier\":[{\"use\":\"official\",\"type\":{\"coding\":[{\"system\":\"http://"
     "s\",\"code\":\"b\"}]},\"system\":\"http://s\",\"value\":\"a\"}]",
     "xx.x. x.... ..."},
    {"\"identifier\":[{\"use\":\"official\",\"type\":{\"coding\":[{\"system\":\"http://"
     "s\",\"code\":\"b\"}]},\"value\":\"a\"}]",
     "x.x.. x.... ..."},
    {"\"identifier\":[{\"use\":\"official\",\"type\":{\"coding\":[{\"system\":\"http://"
     "s\",\"code\":\"b\"}]},\"system\":\"http://"
     "s\",\"value\":\"b\"},{\"use\":\"official\",\"type\":{\"coding\":[{\"system\":\"http://"
     "s\",\"code\":\"b\"}]},\"system\":\"http://t\",\"value\":\"a\"}]",
     "x..xx xx..x ..x"},
    {"\"identifier\":[{\"use\":\"official\",\"type\":{\"coding\":[{\"system\":\"http://"
     "s\",\"code\":\"b\"}]},\"system\":\"http://t\",\"value\":\"b\"}]",
     "....x x.x.. ..x"},
    {"\"identifier\":[{\"use\":\"official\",\"type\":{\"coding\":[{\"system\":\"http://"
     "s\",\"code\":\"b\"}]},\"system\":\"http://s\"}]",
     "...x. ..... ..."},
    {"", "..... ..... ..."},
    {"\"identifier\":[{\"use\":\"official\",\"type\":{\"coding\":[{\"system\":\"http://"
     "s\",\"code\":\"b\"}]},\"system\":\"http://s\",\"value\":\"A\"}]",
     "...x. ...x. ..."},
    {"\"identifier\":[{\"use\":\"official\",\"type\":{\"coding\":[{\"system\":\"http://"
     "s\",\"code\":\"b\"}]},\"system\":\"http://"
     "t\",\"value\":\"c\"},{\"use\":\"official\",\"type\":{\"coding\":[{\"system\":\"http://"
     "s\",\"code\":\"b\"}]},\"value\":\"b\"}]",
     "....x x.x.. x.x"},
    {"\"identifier\":[{\"use\":\"official\",\"type\":{\"coding\":[{\"system\":\"http://"
     "s\",\"code\":\"b\"}]},\"system\":\"http://s/\",\"value\":\"a\"}]",
     "x.... x.... ..."},
    {"\"identifier\":[{\"use\":\"official\",\"type\":{\"coding\":[{\"system\":\"http://"
     "s\",\"code\":\"b\"}]},\"system\":\"http://S\",\"value\":\"a\"}]",
     "x.... x.... ..."},
};

static void identifiers(void **state) {
  (void)state;
  CHECK_TABLE("Observation?identifier=", identifiers_queries, identifiers_rows);
}

static const char codes_queries[] =
    "a http://s|a |a http://s| b a,b http://t|a http://t|b,c A http://s|b |b http://s "
    "c,d,e,http://t|";

static const search_row codes_rows[] = {
    {"\"status\":\"a\"", "xxxx. xx... ..x"}, {"\"status\":\"b\"", "...xx x.x.x x.x"},
    {"\"status\":\"A\"", "...x. ...x. ..x"}, {"\"status\":\"http://s\"", "...x. ..... .xx"},
    {"\"status\":\"c\"", "...x. ..x.. ..x"},
};

static void codes(void **state) {
  (void)state;
  CHECK_TABLE("Observation?status=", codes_queries, codes_rows);
}

static const char booleans_queries[] =
    "true false |true true,false http://terminology.hl7.org/CodeSystem/special-values|true";

static const search_row booleans_rows[] = {
    {"\"active\":true", "x.xxx"},
    {"\"active\":false", ".x.x."},
    {"", "....."},
};

static void booleans(void **state) {
  (void)state;
  CHECK_TABLE("Patient?active=", booleans_queries, booleans_rows);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(concepts), cmocka_unit_test(not_concepts), cmocka_unit_test(identifiers),
      cmocka_unit_test(codes),    cmocka_unit_test(booleans),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
