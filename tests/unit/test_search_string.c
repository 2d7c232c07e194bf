/* Strings and URIs in search queries (PARAM-19, FILTER-21). What is expected was worked
   out by another implementation of FHIR's rules, with fractions of any size, and looked through. */
#include "search_check.h"

static const char string_begins_queries[] =
    "mul M%C3%BCller M%C3%9CLLER strass stra%C3%9F orsted %C3%B8rs lukasz aes rene "
    "%CF%81%CE%BF%CE%B4 %D0%B4%D0%BC%D0%B8 nguyen %E5%B1%B1 o%27n abcabd A\\,B\\|C\\$D\\\\ ll "
    "m%C3%BCl,ren";

static const search_row string_begins_rows[] = {
    {"\"name\":[{\"use\":\"old\",\"family\":\"Müller\"}]", "xxx.. ..... ..... ...x"},
    {"\"name\":[{\"use\":\"old\",\"family\":\"MULLER\"}]", "xxx.. ..... ..... ...x"},
    {"\"name\":[{\"use\":\"old\",\"family\":\"müller\"}]", "xxx.. ..... ..... ...x"},
    {"\"name\":[{\"use\":\"old\",\"family\":\"van der Mueller\"}]", "..... ..... ..... ...."},
    {"\"name\":[{\"use\":\"old\",\"family\":\"Straße\"}]", "...xx ..... ..... ...."},
    {"\"name\":[{\"use\":\"old\",\"family\":\"STRASSE\"}]", "...xx ..... ..... ...."},
    {"\"name\":[{\"use\":\"old\",\"family\":\"Ørsted\"}]", "..... xx... ..... ...."},
    {"\"name\":[{\"use\":\"old\",\"family\":\"Łukasz\"}]", "..... ..x.. ..... ...."},
    {"\"name\":[{\"use\":\"old\",\"family\":\"Æsop\"}]", "..... ...x. ..... ...."},
    {"\"name\":[{\"use\":\"old\",\"family\":\"Renée\"}]", "..... ....x ..... ...x"},
    {"\"name\":[{\"use\":\"old\",\"family\":\"Ρόδος\"}]", "..... ..... x.... ...."},
    {"\"name\":[{\"use\":\"old\",\"family\":\"Дмитрий\"}]", "..... ..... .x... ...."},
    {"\"name\":[{\"use\":\"old\",\"family\":\"Nguyễn\"}]", "..... ..... ..x.. ...."},
    {"\"name\":[{\"use\":\"old\",\"family\":\"山田\"}]", "..... ..... ...x. ...."},
    {"\"name\":[{\"use\":\"old\",\"family\":\"O'Neil\"}]", "..... ..... ....x ...."},
    {"\"name\":[{\"use\":\"old\",\"family\":\"abcabcabd\"}]", "..... ..... ..... ...."},
    {"\"name\":[{\"use\":\"old\",\"family\":\"A,B|C$D\\\\E\"}]", "..... ..... ..... .x.."},
};

static void string_begins(void **state) {
  (void)state;
  CHECK_TABLE("Patient?family=", string_begins_queries, string_begins_rows);
}

static const char string_has_queries[] =
    "mul M%C3%BCller M%C3%9CLLER strass stra%C3%9F orsted %C3%B8rs lukasz aes rene "
    "%CF%81%CE%BF%CE%B4 %D0%B4%D0%BC%D0%B8 nguyen %E5%B1%B1 o%27n abcabd A\\,B\\|C\\$D\\\\ ll "
    "m%C3%BCl,ren";

static const search_row string_has_rows[] = {
    {"\"name\":[{\"use\":\"old\",\"family\":\"Müller\"}]", "xxx.. ..... ..... ..xx"},
    {"\"name\":[{\"use\":\"old\",\"family\":\"MULLER\"}]", "xxx.. ..... ..... ..xx"},
    {"\"name\":[{\"use\":\"old\",\"family\":\"müller\"}]", "xxx.. ..... ..... ..xx"},
    {"\"name\":[{\"use\":\"old\",\"family\":\"van der Mueller\"}]", "..... ..... ..... ..x."},
    {"\"name\":[{\"use\":\"old\",\"family\":\"Straße\"}]", "...xx ..... ..... ...."},
    {"\"name\":[{\"use\":\"old\",\"family\":\"STRASSE\"}]", "...xx ..... ..... ...."},
    {"\"name\":[{\"use\":\"old\",\"family\":\"Ørsted\"}]", "..... xx... ..... ...."},
    {"\"name\":[{\"use\":\"old\",\"family\":\"Łukasz\"}]", "..... ..x.. ..... ...."},
    {"\"name\":[{\"use\":\"old\",\"family\":\"Æsop\"}]", "..... ...x. ..... ...."},
    {"\"name\":[{\"use\":\"old\",\"family\":\"Renée\"}]", "..... ....x ..... ...x"},
    {"\"name\":[{\"use\":\"old\",\"family\":\"Ρόδος\"}]", "..... ..... x.... ...."},
    {"\"name\":[{\"use\":\"old\",\"family\":\"Дмитрий\"}]", "..... ..... .x... ...."},
    {"\"name\":[{\"use\":\"old\",\"family\":\"Nguyễn\"}]", "..... ..... ..x.. ...."},
    {"\"name\":[{\"use\":\"old\",\"family\":\"山田\"}]", "..... ..... ...x. ...."},
    {"\"name\":[{\"use\":\"old\",\"family\":\"O'Neil\"}]", "..... ..... ....x ...."},
    {"\"name\":[{\"use\":\"old\",\"family\":\"abcabcabd\"}]", "..... ..... ..... x..."},
    {"\"name\":[{\"use\":\"old\",\"family\":\"A,B|C$D\\\\E\"}]", "..... ..... ..... .x.."},
};

static void string_has(void **state) {
  (void)state;
  CHECK_TABLE("Patient?family:contains=", string_has_queries, string_has_rows);
}

static const char string_spells_queries[] =
    "mul M%C3%BCller M%C3%9CLLER strass stra%C3%9F orsted %C3%B8rs lukasz aes rene "
    "%CF%81%CE%BF%CE%B4 %D0%B4%D0%BC%D0%B8 nguyen %E5%B1%B1 o%27n abcabd A\\,B\\|C\\$D\\\\ ll "
    "m%C3%BCl,ren";

static const search_row string_spells_rows[] = {
    {"\"name\":[{\"use\":\"old\",\"family\":\"Müller\"}]", ".x... ..... ..... ...."},
    {"\"name\":[{\"use\":\"old\",\"family\":\"MULLER\"}]", "..... ..... ..... ...."},
    {"\"name\":[{\"use\":\"old\",\"family\":\"müller\"}]", "..... ..... ..... ...."},
    {"\"name\":[{\"use\":\"old\",\"family\":\"van der Mueller\"}]", "..... ..... ..... ...."},
    {"\"name\":[{\"use\":\"old\",\"family\":\"Straße\"}]", "..... ..... ..... ...."},
    {"\"name\":[{\"use\":\"old\",\"family\":\"STRASSE\"}]", "..... ..... ..... ...."},
    {"\"name\":[{\"use\":\"old\",\"family\":\"Ørsted\"}]", "..... ..... ..... ...."},
    {"\"name\":[{\"use\":\"old\",\"family\":\"Łukasz\"}]", "..... ..... ..... ...."},
    {"\"name\":[{\"use\":\"old\",\"family\":\"Æsop\"}]", "..... ..... ..... ...."},
    {"\"name\":[{\"use\":\"old\",\"family\":\"Renée\"}]", "..... ..... ..... ...."},
    {"\"name\":[{\"use\":\"old\",\"family\":\"Ρόδος\"}]", "..... ..... ..... ...."},
    {"\"name\":[{\"use\":\"old\",\"family\":\"Дмитрий\"}]", "..... ..... ..... ...."},
    {"\"name\":[{\"use\":\"old\",\"family\":\"Nguyễn\"}]", "..... ..... ..... ...."},
    {"\"name\":[{\"use\":\"old\",\"family\":\"山田\"}]", "..... ..... ..... ...."},
    {"\"name\":[{\"use\":\"old\",\"family\":\"O'Neil\"}]", "..... ..... ..... ...."},
    {"\"name\":[{\"use\":\"old\",\"family\":\"abcabcabd\"}]", "..... ..... ..... ...."},
    {"\"name\":[{\"use\":\"old\",\"family\":\"A,B|C$D\\\\E\"}]", "..... ..... ..... ...."},
};

static void string_spells(void **state) {
  (void)state;
  CHECK_TABLE("Patient?family:exact=", string_spells_queries, string_spells_rows);
}

static const char uri_same_queries[] =
    "http://a.example/b http://a.example/b/ http://a.example http://A.example/b "
    "urn:oid:1.2 http://a.example/b/c http://a.example/bc http://a.example/b,urn:oid:1.2";

static const search_row uri_same_rows[] = {
    {"\"instantiatesUri\":[\"http://a.example/b\"]", "x.... ..x"},
    {"\"instantiatesUri\":[\"http://a.example/b/\"]", ".x... ..."},
    {"\"instantiatesUri\":[\"http://a.example/b/c\"]", "..... x.."},
    {"\"instantiatesUri\":[\"http://a.example/bc\"]", "..... .x."},
    {"\"instantiatesUri\":[\"http://a.example\"]", "..x.. ..."},
    {"\"instantiatesUri\":[\"urn:oid:1.2\"]", "....x ..x"},
    {"\"instantiatesUri\":[\"urn:oid:1.2.3\"]", "..... ..."},
    {"", "..... ..."},
};

static void uri_same(void **state) {
  (void)state;
  CHECK_TABLE("CarePlan?instantiates-uri=", uri_same_queries, uri_same_rows);
}

static const char uri_below_queries[] =
    "http://a.example/b http://a.example/b/ http://a.example http://A.example/b "
    "http://a.example/b/c http://a.example/bc http://a.example/x http://a.example/ http:// "
    "http://a http://a.example/b/c/d?e";

static const search_row uri_below_rows[] = {
    {"\"instantiatesUri\":[\"http://a.example/b\"]", "x.x.. ..xx. ."},
    {"\"instantiatesUri\":[\"http://a.example/b/\"]", "xxx.. ..xx. ."},
    {"\"instantiatesUri\":[\"http://a.example/b/c\"]", "xxx.x ..xx. ."},
    {"\"instantiatesUri\":[\"http://a.example/bc\"]", "..x.. x.xx. ."},
    {"\"instantiatesUri\":[\"http://a.example\"]", "..x.. ...x. ."},
    {"\"instantiatesUri\":[\"urn:oid:1.2\"]", "..... ..... ."},
    {"\"instantiatesUri\":[\"urn:oid:1.2.3\"]", "..... ..... ."},
    {"", "..... ..... ."},
};

static void uri_below(void **state) {
  (void)state;
  CHECK_TABLE("CarePlan?instantiates-uri:below=", uri_below_queries, uri_below_rows);
}

static const char uri_above_queries[] =
    "http://a.example/b http://a.example/b/ http://a.example http://A.example/b "
    "http://a.example/b/c http://a.example/bc http://a.example/x http://a.example/ http:// "
    "http://a http://a.example/b/c/d?e";

static const search_row uri_above_rows[] = {
    {"\"instantiatesUri\":[\"http://a.example/b\"]", "xx..x ..... x"},
    {"\"instantiatesUri\":[\"http://a.example/b/\"]", ".x..x ..... x"},
    {"\"instantiatesUri\":[\"http://a.example/b/c\"]", "....x ..... x"},
    {"\"instantiatesUri\":[\"http://a.example/bc\"]", "..... x.... ."},
    {"\"instantiatesUri\":[\"http://a.example\"]", "xxx.x xxx.. x"},
    {"\"instantiatesUri\":[\"urn:oid:1.2\"]", "..... ..... ."},
    {"\"instantiatesUri\":[\"urn:oid:1.2.3\"]", "..... ..... ."},
    {"", "..... ..... ."},
};

static void uri_above(void **state) {
  (void)state;
  CHECK_TABLE("CarePlan?instantiates-uri:above=", uri_above_queries, uri_above_rows);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(string_begins), cmocka_unit_test(string_has),
      cmocka_unit_test(string_spells), cmocka_unit_test(uri_same),
      cmocka_unit_test(uri_below),     cmocka_unit_test(uri_above),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
