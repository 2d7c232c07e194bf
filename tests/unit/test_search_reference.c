/* References and canonical URLs in search queries (PARAM-19, FILTER-21). What is expected was
   worked out by another implementation of FHIR's rules, with fractions of any size, and looked
   through. */
#include "search_check.h"

static const char references_queries[] =
    "1 Patient/1 Group/1 Patient/1/_history/2 Patient/1/_history/3 "
    "https://own.example/fhir/Patient/1 https://other.example/fhir/Patient/1 "
    "urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0 2,Patient/1 Patient/2 patient/1 01 "
    "https://own.example/fhir/Patient/1/_history/2 http://own.example/fhir/Patient/1";

static const search_row references_rows[] = {
    {"\"subject\":{\"reference\":\"Patient/1\"}", "xx... x..x. ...."},
    {"\"subject\":{\"reference\":\"Group/1\"}", "x.x.. ..... ...."},
    {"\"subject\":{\"reference\":\"Patient/1/_history/2\"}", "xx.x. x..x. ..x."},
    {"\"subject\":{\"reference\":\"https://own.example/fhir/Patient/1\"}", "xx... x..x. ...."},
    {"\"subject\":{\"reference\":\"https://own.example/fhir/Patient/1/_history/2\"}",
     "xx.x. x..x. ..x."},
    {"\"subject\":{\"reference\":\"https://other.example/fhir/Patient/1\"}", "..... .x... ...."},
    {"\"subject\":{\"reference\":\"https://other.example/fhir/Patient/1/_history/2\"}",
     "..... .x... ...."},
    {"\"subject\":{\"reference\":\"urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0\"}",
     "..... ..x.. ...."},
    {"\"subject\":{\"reference\":\"#1\"}", "..... ..... ...."},
    {"\"subject\":{\"reference\":\"Patient/11\"}", "..... ..... ...."},
    {"\"subject\":{\"reference\":\"Patient?identifier=1\"}", "..... ..... ...."},
    {"\"subject\":{\"reference\":\"1\"}", "..... ..... ...."},
    {"\"subject\":{\"reference\":\"https://own.example/fhir/x/Patient/1\"}", "..... ..... ...."},
    {"\"subject\":{\"reference\":\"Patient/2\"}", "..... ...xx ...."},
    {"\"subject\":{\"reference\":\"x/Patient/1\"}", "..... ..... ...."},
    {"\"subject\":{\"display\":\"1\"}", "..... ..... ...."},
};

static void references(void **state) {
  (void)state;
  CHECK_TABLE("Observation?subject=", references_queries, references_rows);
}

static const char typed_references_queries[] =
    "1 Patient/1 https://own.example/fhir/Patient/1 2,3 Patient/1/_history/2 "
    "https://other.example/fhir/Patient/1";

static const search_row typed_references_rows[] = {
    {"\"subject\":{\"reference\":\"Patient/1\"}", "xxx.. ."},
    {"\"subject\":{\"reference\":\"Group/1\"}", "..... ."},
    {"\"subject\":{\"reference\":\"Patient/1/_history/2\"}", "xxx.x ."},
    {"\"subject\":{\"reference\":\"https://own.example/fhir/Patient/1\"}", "xxx.. ."},
    {"\"subject\":{\"reference\":\"https://own.example/fhir/Patient/1/_history/2\"}", "xxx.x ."},
    {"\"subject\":{\"reference\":\"https://other.example/fhir/Patient/1\"}", "..... x"},
    {"\"subject\":{\"reference\":\"https://other.example/fhir/Patient/1/_history/2\"}", "..... x"},
    {"\"subject\":{\"reference\":\"urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0\"}", "..... ."},
    {"\"subject\":{\"reference\":\"#1\"}", "..... ."},
    {"\"subject\":{\"reference\":\"Patient/11\"}", "..... ."},
    {"\"subject\":{\"reference\":\"Patient?identifier=1\"}", "..... ."},
    {"\"subject\":{\"reference\":\"1\"}", "..... ."},
    {"\"subject\":{\"reference\":\"https://own.example/fhir/x/Patient/1\"}", "..... ."},
    {"\"subject\":{\"reference\":\"Patient/2\"}", "...x. ."},
    {"\"subject\":{\"reference\":\"x/Patient/1\"}", "..... ."},
};

static void typed_references(void **state) {
  (void)state;
  CHECK_TABLE("Observation?subject:Patient=", typed_references_queries, typed_references_rows);
}

static const char patient_references_queries[] =
    "1 Patient/1 https://own.example/fhir/Patient/1 2,3 Patient/1/_history/2 "
    "https://other.example/fhir/Patient/1";

static const search_row patient_references_rows[] = {
    {"\"subject\":{\"reference\":\"Patient/1\"}", "xxx.. ."},
    {"\"subject\":{\"reference\":\"Group/1\"}", "..... ."},
    {"\"subject\":{\"reference\":\"Patient/1/_history/2\"}", "xxx.x ."},
    {"\"subject\":{\"reference\":\"https://own.example/fhir/Patient/1\"}", "xxx.. ."},
    {"\"subject\":{\"reference\":\"https://own.example/fhir/Patient/1/_history/2\"}", "xxx.x ."},
    {"\"subject\":{\"reference\":\"https://other.example/fhir/Patient/1\"}", "..... x"},
    {"\"subject\":{\"reference\":\"https://other.example/fhir/Patient/1/_history/2\"}", "..... x"},
    {"\"subject\":{\"reference\":\"urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0\"}", "..... ."},
    {"\"subject\":{\"reference\":\"#1\"}", "..... ."},
    {"\"subject\":{\"reference\":\"Patient/11\"}", "..... ."},
    {"\"subject\":{\"reference\":\"Patient?identifier=1\"}", "..... ."},
    {"\"subject\":{\"reference\":\"1\"}", "..... ."},
    {"\"subject\":{\"reference\":\"https://own.example/fhir/x/Patient/1\"}", "..... ."},
    {"\"subject\":{\"reference\":\"Patient/2\"}", "...x. ."},
    {"\"subject\":{\"reference\":\"x/Patient/1\"}", "..... ."},
};

static void patient_references(void **state) {
  (void)state;
  CHECK_TABLE("Observation?patient=", patient_references_queries, patient_references_rows);
}

static const char identified_queries[] = "a http://s|a |a http://s| b";

static const search_row identified_rows[] = {
    {"\"subject\":{\"identifier\":{\"system\":\"http://s\",\"value\":\"a\"}}", "xx.x."},
    {"\"subject\":{\"identifier\":{\"value\":\"a\"}}", "x.x.."},
    {"\"subject\":{\"identifier\":{\"system\":\"http://s\",\"value\":\"b\"}}", "...xx"},
    {"\"subject\":{\"identifier\":{\"system\":\"http://t\",\"value\":\"a\"}}", "x...."},
    {"\"subject\":{\"reference\":\"a\"}", "....."},
};

static void identified(void **state) {
  (void)state;
  CHECK_TABLE("Observation?subject:identifier=", identified_queries, identified_rows);
}

static const char profiles_queries[] =
    "http://c.example/m http://c.example/m|1.0 http://c.example/m|2.0 http://c.example "
    "http://c.example/m|";

static const search_row profiles_rows[] = {
    {"\"meta\":{\"profile\":[\"http://x\",\"http://c.example/m\"]}", "x...x"},
    {"\"meta\":{\"profile\":[\"http://x\",\"http://c.example/m|1.0\"]}", "xx..."},
    {"\"meta\":{\"profile\":[\"http://x\",\"http://c.example/m|2.0\"]}", "x.x.."},
    {"\"meta\":{\"profile\":[\"http://x\",\"http://c.example/m/\"]}", "....."},
};

static void profiles(void **state) {
  (void)state;
  CHECK_TABLE("Observation?_profile=", profiles_queries, profiles_rows);
}

static const char canonicals_queries[] =
    "http://c.example/m http://c.example/m|1.0 http://c.example/m|2.0 http://c.example "
    "http://c.example/m|";

static const search_row canonicals_rows[] = {
    {"\"instantiatesCanonical\":[\"http://x\",\"http://c.example/m\"]", "x...x"},
    {"\"instantiatesCanonical\":[\"http://x\",\"http://c.example/m|1.0\"]", "xx..."},
    {"\"instantiatesCanonical\":[\"http://x\",\"http://c.example/m|2.0\"]", "x.x.."},
    {"\"instantiatesCanonical\":[\"http://x\",\"http://c.example/m/\"]", "....."},
};

static void canonicals(void **state) {
  (void)state;
  CHECK_TABLE("CarePlan?instantiates-canonical=", canonicals_queries, canonicals_rows);
}

/* Letters of two, three and four bytes that JSON spells by their numbers. */
static const char spelt_queries[] =
    "https://own.example/%C3%A9 https://own.example/%E5%B1%B1 https://own.example/%F0%9F%98%80";

static const search_row spelt_rows[] = {
    {"\"instantiatesCanonical\":[\"https://own.example/\\u00e9\"]", "x.."},
    {"\"instantiatesCanonical\":[\"https://own.example/\\u5C71\"]", ".x."},
    {"\"instantiatesCanonical\":[\"https:\\/\\/own.example/\\ud83d\\ude00\"]", "..x"},
    {"\"instantiatesCanonical\":[\"https://own.example/\\u00e8\"]", "..."},
    {"\"instantiatesCanonical\":[\"https://own.example/\\ud83d\"]", "..."},
};

static void spelt(void **state) {
  (void)state;
  CHECK_TABLE("CarePlan?instantiates-canonical=", spelt_queries, spelt_rows);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(references),
      cmocka_unit_test(typed_references),
      cmocka_unit_test(patient_references),
      cmocka_unit_test(identified),
      cmocka_unit_test(profiles),
      cmocka_unit_test(canonicals),
      cmocka_unit_test(spelt),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
