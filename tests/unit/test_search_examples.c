/* Search queries on whole resources: FHIR's own examples, data types, modifiers, what is malformed
   (PARAM-19, PARAM-22, FILTER-21). */
#include "search_check.h"

typedef struct example {
  const char *query;
  const char *members;
  bool expected;
} example;

static void check_examples(uint32_t version, const example *examples, size_t count) {
  for (size_t i = 0; i < count; i++) {
    check_search(version, examples[i].query, examples[i].members, examples[i].expected);
  }
}

#define CHECK(version, examples) \
  check_examples(version, examples, sizeof examples / sizeof examples[0])

/* The prose of FHIR's search page, as far as it says what matches. */
static void as_the_search_page_has_it(void **state) {
  static const example examples[] = {
      {"Patient?birthdate=eq2013-01-14", "\"birthDate\":\"2013-01-14\"", true},
      {"Observation?date=eq2013-01-14", "\"effectiveDateTime\":\"2013-01-14T00:00:00Z\"", true},
      {"Observation?date=eq2013-01-14", "\"effectiveDateTime\":\"2013-01-14T10:00:00Z\"", true},
      {"Observation?date=eq2013-01-14", "\"effectiveDateTime\":\"2013-01-15T00:00:00Z\"", false},
      {"Observation?date=ne2013-01-14", "\"effectiveDateTime\":\"2013-01-15T00:00:00Z\"", true},
      {"Observation?date=ne2013-01-14", "\"effectiveDateTime\":\"2013-01-14T00:00:00Z\"", false},
      {"Observation?date=lt2013-01-14T10:00", "\"effectiveDateTime\":\"2013-01-14\"", true},
      {"Observation?date=gt2013-01-14T10:00", "\"effectiveDateTime\":\"2013-01-14\"", true},
      {"Observation?date=ge2013-03-14", "\"effectivePeriod\":{\"start\":\"2013-01-21\"}", true},
      {"Observation?date=le2013-03-14", "\"effectivePeriod\":{\"start\":\"2013-01-21\"}", true},
      {"Observation?date=sa2013-03-14", "\"effectivePeriod\":{\"start\":\"2013-03-15\"}", true},
      {"Observation?date=sa2013-03-14", "\"effectivePeriod\":{\"start\":\"2013-01-21\"}", false},
      {"Observation?date=sa2013-03-14", "\"effectivePeriod\":{\"end\":\"2013-01-21\"}", false},
      {"Observation?date=eb2013-03-14", "\"effectivePeriod\":{\"start\":\"2013-03-15\"}", false},
      {"Observation?date=eb2013-03-14", "\"effectivePeriod\":{\"end\":\"2013-01-21\"}", true},
      {"Observation?date=ap2013-03-14", "\"effectiveDateTime\":\"2013-03-14\"", true},
      {"RiskAssessment?probability=0.8", "\"prediction\":[{\"probabilityDecimal\":0.84}]", true},
      {"RiskAssessment?probability=gt0.8", "\"prediction\":[{\"probabilityDecimal\":0.80001}]",
       true},
      {"ChargeItem?factor-override=100", "\"factorOverride\":99.5", true},
      {"ChargeItem?factor-override=100", "\"factorOverride\":100.5", false},
      {"ChargeItem?factor-override=100.00", "\"factorOverride\":99.995", true},
      {"ChargeItem?factor-override=lt100", "\"factorOverride\":99.99", true},
      {"ChargeItem?factor-override=ge100", "\"factorOverride\":100", true},
      {"Patient?given=eve", "\"name\":[{\"given\":[\"Eve\"]}]", true},
      {"Patient?given=eve", "\"name\":[{\"given\":[\"Evelyn\"]}]", true},
      {"Patient?given=eve", "\"name\":[{\"given\":[\"Severine\"]}]", false},
      {"Patient?given:contains=eve", "\"name\":[{\"given\":[\"Severine\"]}]", true},
      {"Patient?given:exact=Eve", "\"name\":[{\"given\":[\"Eve\"]}]", true},
      {"Patient?given:exact=Eve", "\"name\":[{\"given\":[\"eve\"]}]", false},
      {"Patient?given:exact=Eve", "\"name\":[{\"given\":[\"EVE\"]}]", false},
      {"Patient?given:exact=Eve", "\"name\":[{\"given\":[\"Evelyn\"]}]", false},
      {"Patient?identifier=http://acme.org/patient%7C2345",
       "\"identifier\":[{\"system\":\"http://acme.org/patient\",\"value\":\"2345\"}]", true},
      {"Patient?gender=male", "\"gender\":\"male\"", true},
      {"Patient?gender:not=male", "\"gender\":\"female\"", true},
      {"Patient?gender:not=male", "", true},
      {"Patient?gender:not=male,female", "\"gender\":\"female\"", false},
      {"Patient?active=true", "\"active\":true", true},
      {"Patient?gender:missing=true", "", true},
      {"Patient?gender:missing=true", "\"gender\":\"male\"", false},
      {"Patient?gender:missing=false", "\"gender\":\"male\"", true},
      {"Observation?subject=Patient/123", "\"subject\":{\"reference\":\"Patient/123\"}", true},
      {"Observation?subject:Patient=23", "\"subject\":{\"reference\":\"Patient/23\"}", true},
      {"Observation?value-quantity=5.4%7Chttp://unitsofmeasure.org%7Cmg",
       "\"valueQuantity\":{\"value\":5.43,\"system\":\"http://"
       "unitsofmeasure.org\",\"code\":\"mg\"}",
       true},
      {"Observation?value-quantity=ap5.4||mg", "\"valueQuantity\":{\"value\":5.9,\"unit\":\"mg\"}",
       true},
      {"Observation?value-quantity=le5.4||mg", "\"valueQuantity\":{\"value\":5.4,\"unit\":\"g\"}",
       false},
  };
  (void)state;
  CHECK(FHX_FHIR_R4, examples);
}

#define NAMES                                     \
  "\"name\":[{\"use\":\"old\",\"text\":\"Dr Ann " \
  "Lee\"},{\"family\":\"Lee\",\"given\":[\"Ann\",\"Zoe\"],\"suffix\":[\"PhD\"]}]"
#define ADDRESS                                                                              \
  "\"address\":[{\"use\":\"home\",\"line\":[\"1 Main St\",\"Flat "                           \
  "2\"],\"city\":\"Ulm\",\"postalCode\":\"89073\",\"country\":\"DE\",\"period\":{\"start\":" \
  "\"2020\"}}]"
#define TELECOM                                                                                   \
  "\"telecom\":[{\"system\":\"phone\",\"value\":\"555\",\"use\":\"home\"},{\"system\":\"email\"," \
  "\"value\":\"a@b\"}]"
#define PARTS                                                                                     \
  "\"component\":[{\"code\":{\"coding\":[{\"system\":\"s\",\"code\":\"a\"}]},\"valueQuantity\":{" \
  "\"value\":1}},{\"code\":{\"coding\":[{\"system\":\"s\",\"code\":\"b\"}]},"                     \
  "\"valueCodeableConcept\":{\"coding\":[{\"code\":\"c\"}],\"text\":\"T\"}}]"

static void every_data_type(void **state) {
  static const example examples[] = {
      {"Patient?name=phd", NAMES, true},
      {"Patient?name=zoe", NAMES, true},
      {"Patient?name=dr", NAMES, true},
      {"Patient?name=old", NAMES, false},
      {"Patient?name:exact=Lee", NAMES, true},
      {"Patient?family=ann", NAMES, false},
      {"Patient?name=ann&family=le&given=z", NAMES, true},
      {"Patient?name=ann&family=le&given=x", NAMES, false},
      {"Patient?address=flat", ADDRESS, true},
      {"Patient?address=89", ADDRESS, true},
      {"Patient?address=ho", ADDRESS, false},
      {"Patient?address=2020", ADDRESS, false},
      {"Patient?address-city=ulm&address-country:exact=DE", ADDRESS, true},
      {"Patient?address-use=home", ADDRESS, true},
      {"Patient?phone=555", TELECOM, true},
      {"Patient?email=555", TELECOM, false},
      {"Patient?telecom=555", TELECOM, true},
      {"Patient?telecom=phone|555", TELECOM, true},
      {"Patient?telecom=email|555", TELECOM, false},
      {"Patient?email:missing=false", TELECOM, true},
      {"Patient?email:missing=true", "\"telecom\":[{\"system\":\"phone\",\"value\":\"5\"}]", true},
      {"Patient?phone:not=555", TELECOM, false},
      {"Patient?phone:not=556", TELECOM, true},
      {"Patient?deceased=true", "\"deceasedBoolean\":true", true},
      {"Patient?deceased=true", "\"deceasedDateTime\":\"2020\"", true},
      {"Patient?deceased=true", "\"deceasedBoolean\":false", false},
      {"Patient?deceased=true", "", false},
      {"Patient?deceased=false", "\"deceasedBoolean\":true", false},
      {"Patient?deceased=false", "\"deceasedDateTime\":\"2020\"", false},
      {"Patient?deceased=false", "\"deceasedBoolean\":false", true},
      {"Patient?deceased=false", "", true},
      {"Patient?deceased=true,false", "", true},
      {"Patient?deceased=true,false", "\"deceasedBoolean\":true", true},
      {"Patient?deceased=true,false&gender=male", "\"gender\":\"male\"", true},
      {"Patient?deceased=true,false&gender=male", "\"gender\":\"female\"", false},
      {"Patient?death-date=gt2019", "\"deceasedDateTime\":\"2020-05\"", true},
      {"Patient?language=de", "\"communication\":[{\"language\":{\"coding\":[{\"code\":\"de\"}]}}]",
       true},
      {"Observation?component-code=s|b", PARTS, true},
      {"Observation?component-code=s|c", PARTS, false},
      {"Observation?combo-code=a", PARTS, true},
      {"Observation?component-value-quantity=1", PARTS, true},
      {"Observation?value-quantity=1", PARTS, false},
      {"Observation?combo-value-quantity=1", PARTS, true},
      {"Observation?component-value-concept=c", PARTS, true},
      {"Observation?component-code=a,b&component-code=b", PARTS, true},
      {"Observation?component-code=a&component-code:not=b", PARTS, false},
      {"Observation?value-string=t", "\"valueCodeableConcept\":{\"text\":\"Text\"}", true},
      {"Observation?value-string=t", "\"valueString\":\"T\"", true},
      {"Observation?value-date=2020", "\"valuePeriod\":{\"start\":\"2020-01\",\"end\":\"2020-02\"}",
       true},
      {"Group?value=true", "\"characteristic\":[{\"valueBoolean\":true}]", true},
      {"Group?value=x",
       "\"characteristic\":[{\"valueCodeableConcept\":{\"coding\":[{\"code\":\"x\"}]}}]", true},
      {"MedicationRequest?code=m", "\"medicationCodeableConcept\":{\"coding\":[{\"code\":\"m\"}]}",
       true},
      {"MedicationRequest?medication=m", "\"medicationReference\":{\"reference\":\"Medication/m\"}",
       true},
      {"Invoice?totalnet=5|urn:iso:std:iso:4217|USD",
       "\"totalNet\":{\"value\":5,\"currency\":\"USD\"}", true},
      {"Invoice?totalnet=5||EUR", "\"totalNet\":{\"value\":5,\"currency\":\"USD\"}", false},
      {"Observation?patient=p", "\"subject\":{\"reference\":\"Patient/p\"}", true},
      {"Observation?patient=p", "\"subject\":{\"reference\":\"Group/p\"}", false},
      {"Observation?patient:missing=true", "\"subject\":{\"reference\":\"Group/p\"}", true},
      {"Observation?patient:missing=false", "\"subject\":{\"type\":\"Patient\",\"display\":\"x\"}",
       true},
      {"Observation?patient:identifier=i",
       "\"subject\":{\"type\":\"Patient\",\"identifier\":{\"value\":\"i\"}}", true},
      {"Observation?patient:identifier=i",
       "\"subject\":{\"type\":\"Group\",\"identifier\":{\"value\":\"i\"}}", false},
      {"Provenance?patient=p",
       "\"target\":[{\"reference\":\"Observation/p\"},{\"reference\":\"Patient/p\"}]", true},
      {"Observation?_id=x1", "", true},
      {"Observation?_id=x2,x1", "", true},
      {"Observation?_id=x2", "", false},
      {"Observation?_id:not=x1", "", false},
      {"Observation?_id:missing=false", "", true},
      {"Observation?_lastUpdated:missing=true", "", true},
      {"Observation?_lastUpdated=gt2020", "", false},
      {"Observation?_lastUpdated=ne2020", "", false},
      {"Observation?_lastUpdated:missing=true",
       "\"meta\":{\"lastUpdated\":\"2024-01-01T00:00:00Z\"}", false},
      {"Observation?_tag=s|t&_security=r&_source=u:a",
       "\"meta\":{\"source\":\"u:a\",\"tag\":[{\"system\":\"s\",\"code\":\"t\"}],\"security\":[{"
       "\"code\":\"r\"}]}",
       true},
      {"Observation?_tag=r",
       "\"meta\":{\"tag\":[{\"code\":\"t\"}],\"security\":[{\"code\":\"r\"}]}", false},
      {"Observation?_tag:not=t", "\"meta\":{\"tag\":[{\"code\":\"t\"}]}", false},
      {"Observation?_profile:missing=true", "\"meta\":{\"tag\":[{\"code\":\"t\"}]}", true},
      {"Observation", "", true},
      {"Observation?", "", true},
      {"Observation?&", "", true},
  };
  (void)state;
  CHECK(FHX_FHIR_R4, examples);
  CHECK(FHX_FHIR_R4B, examples);
}

static void as_r5_has_it(void **state) {
  static const example examples[] = {
      {"MedicationRequest?code=m", "\"medication\":{\"concept\":{\"coding\":[{\"code\":\"m\"}]}}",
       true},
      {"MedicationRequest?medication=m",
       "\"medication\":{\"reference\":{\"reference\":\"Medication/m\"}}", true},
      {"MedicationRequest?medication:identifier=i",
       "\"medication\":{\"reference\":{\"identifier\":{\"value\":\"i\"}}}", true},
      {"MedicationRequest?medication=n",
       "\"medication\":{\"reference\":{\"reference\":\"Medication/m\"}}", false},
      {"Encounter?practitioner=1",
       "\"participant\":[{\"actor\":{\"reference\":\"Practitioner/1\"}}]", true},
      {"Encounter?date=2020", "\"actualPeriod\":{\"start\":\"2020-01\",\"end\":\"2020-02\"}", true},
      {"Procedure?date=2020", "\"occurrencePeriod\":{\"start\":\"2020-01\",\"end\":\"2020-02\"}",
       true},
      {"Procedure?date=2020", "\"performedDateTime\":\"2020\"", false},
      {"Observation?value-string=a", "\"valueString\":\"A\"", true},
      {"Observation?value-markdown=a", "\"valueCodeableConcept\":{\"text\":\"A\"}", true},
      {"Condition?evidence=e", "\"evidence\":[{\"concept\":{\"coding\":[{\"code\":\"e\"}]}}]",
       true},
  };
  (void)state;
  CHECK(FHX_FHIR_R5, examples);
}

/* What is spelt with escapes, and paths that lead into lists, contained resources or extensions. */
static void as_json_may_spell_it(void **state) {
  static const example examples[] = {
      {"Patient?family=m%C3%BCl", "\"name\":[{\"family\":\"M\\u00fcller\"}]", true},
      {"Patient?family:exact=M%C3%BCller", "\"name\":[{\"family\":\"M\\u00FCller\"}]", true},
      {"Patient?family:exact=%F0%9F%98%80", "\"name\":[{\"family\":\"\\ud83d\\ude00\"}]", true},
      {"Patient?family:exact=%F0%9F%98%80", "\"name\":[{\"family\":\"\\ud83d\"}]", false},
      {"Patient?family:contains=a%0Ab", "\"name\":[{\"family\":\"xA\\nBx\"}]", true},
      {"Patient?gender=male", "\"g\\u0065nder\":\"m\\u0061le\"", true},
      {"Patient?birthdate=2020-01-01", "\"birthDate\":\"2020\\u002d01-01\"", true},
      {"Observation?subject=Patient/1", "\"subject\":{\"reference\":\"Patient\\/1\"}", true},
      {"Observation?subject=https://other.example/Patient/1",
       "\"subject\":{\"reference\":\"https:\\/\\/other.example\\/Patient\\/1\"}", true},
      {"Patient?gender=male", "\"contained\":[{\"resourceType\":\"Patient\",\"gender\":\"male\"}]",
       false},
      {"Patient?gender=male", "\"extension\":[{\"url\":\"u\",\"gender\":\"male\"}]", false},
      {"Patient?gender=male", "\"_gender\":{\"id\":\"male\"}", false},
      {"Patient?gender:missing=true", "\"_gender\":{\"extension\":[{\"url\":\"u\"}]}", true},
      {"Patient?given=b", "\"name\":[{\"given\":[null,\"B\"],\"_given\":[{\"id\":\"b\"},null]}]",
       true},
      {"Patient?given:missing=true", "\"name\":[{\"given\":[null]}]", true},
      {"Patient?name:missing=true", "\"name\":[{\"extension\":[{\"url\":\"u\"}],\"id\":\"n\"}]",
       true},
      {"Patient?name:missing=false", "\"name\":[{\"id\":\"n\"},{\"text\":\"A\"}]", true},
      {"Patient?family=a", "\"name\":[{\"family\":\"}]\\\"{\"},{\"family\":\"a\"}]", true},
  };
  (void)state;
  CHECK(FHX_FHIR_R4, examples);
}

/* An element of another form than FHIR's matches nothing. */
static void what_is_malformed(void **state) {
  static const char *const elements[] = {
      "",
      "null",
      "true",
      "1",
      "\"\"",
      "\"x\"",
      "{}",
      "[]",
      "[[]]",
      "[{}]",
      "[[{\"a\":1}]]",
      "[null,1,\"\",{}]",
      "{\"coding\":1}",
      "{\"coding\":[1,[]]}",
      "{\"coding\":{}}",
      "{\"value\":\"a\"}",
      "{\"start\":1}",
      "{\"event\":{}}",
      "{\"repeat\":[]}",
      "{\"repeat\":{\"boundsPeriod\":[]}}",
      "{\"reference\":1}",
      "{\"reference\":{\"reference\":{}}}",
      "{\"reference\":\"\"}",
      "{\"identifier\":[]}",
      "{\"given\":{}}",
  };
  static const char *const queries[][2] = {
      {"Observation?code=q", "code"},
      {"Observation?status=q", "status"},
      {"Observation?date=2020", "effectiveDateTime"},
      {"Observation?date=2020", "effectivePeriod"},
      {"Observation?date=2020", "effectiveTiming"},
      {"Observation?subject=q", "subject"},
      {"Observation?patient=q", "subject"},
      {"Observation?subject:identifier=q", "subject"},
      {"Observation?value-quantity=7", "valueQuantity"},
      {"Patient?name=q", "name"},
      {"Patient?given=q", "name"},
      {"Patient?phone=q", "telecom"},
      {"CarePlan?instantiates-uri=q", "instantiatesUri"},
      {"CarePlan?instantiates-canonical=q", "instantiatesCanonical"},
      {"Observation?_tag=q", "meta"},
      {"Observation?component-code=q", "component"},
      {"RiskAssessment?probability=7", "prediction"},
      {"Condition?onset-age=7", "onsetRange"},
  };
  char members[256];
  (void)state;
  for (size_t e = 0; e < sizeof elements / sizeof elements[0]; e++) {
    for (size_t q = 0; q < sizeof queries / sizeof queries[0]; q++) {
      const char *element = elements[e];
      snprintf(members, sizeof members, "\"%s\":%s", queries[q][1], element);
      check_search(FHX_FHIR_R4, queries[q][0], *element == '\0' ? "" : members, false);
    }
  }
}

/* A member that stands there twice: the first that matches decides. */
static void a_condition_is_settled_by_its_last_member(void **state) {
  (void)state;
  check_search(FHX_FHIR_R4, "Patient?gender=male&active=true",
               "\"active\":true,\"gender\":\"male\"", true);
  check_search(FHX_FHIR_R4, "Patient?gender=male&active=true",
               "\"gender\":\"female\",\"active\":true", false);
  check_search(
      FHX_FHIR_R4, "Observation?date=2020",
      "\"effectiveDateTime\":\"2019\",\"effectivePeriod\":{\"start\":\"2020\",\"end\":\"2020\"}",
      true);
  check_search(FHX_FHIR_R4, "Observation?date:missing=true&status=a", "\"status\":\"a\"", true);
  check_search(FHX_FHIR_R4, "Observation?date:missing=true&status=a",
               "\"status\":\"a\",\"effectiveDateTime\":\"2019\"", false);
}

static void another_type_never_matches(void **state) {
  fhx__search *search = read_search_in("Observation?status:missing=true", FHX_FHIR_R4);
  (void)state;
  assert_string_equal(fhx__search_type(search), "Observation");
  assert_true(search_takes(search, "{\"resourceType\":\"Observation\",\"id\":\"1\"}"));
  assert_false(search_takes(search, "{\"resourceType\":\"Patient\",\"id\":\"1\"}"));
  fhx__search_free(search);
}

/* Without a base of one's own every base counts, as in compartments. */
static void any_base_counts_without_one(void **state) {
  static const char line[] =
      "{\"resourceType\":\"Observation\",\"id\":\"1\",\"subject\":{\"reference\":\"http://x/"
      "Patient/1\"}}";
  static const struct {
    const char *base_url;
    bool expected;
  } cases[] = {
      {NULL, true}, {"", true}, {"http://x", true}, {"http://x/", true}, {"http://y", false}};
  fhx__search *search = read_search_in("Observation?subject=Patient/1", FHX_FHIR_R4);
  fhx__facts facts = {.resource_type = "Observation", .id = "1"};
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    bool matches = !cases[i].expected;
    assert_int_equal(
        fhx__search_matches(search, &facts, line, sizeof line - 1, cases[i].base_url, &matches),
        FHX_OK);
    assert_int_equal(matches, cases[i].expected);
  }
  fhx__search_free(search);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(as_the_search_page_has_it),
      cmocka_unit_test(every_data_type),
      cmocka_unit_test(as_r5_has_it),
      cmocka_unit_test(as_json_may_spell_it),
      cmocka_unit_test(what_is_malformed),
      cmocka_unit_test(a_condition_is_settled_by_its_last_member),
      cmocka_unit_test(another_type_never_matches),
      cmocka_unit_test(any_base_counts_without_one),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
