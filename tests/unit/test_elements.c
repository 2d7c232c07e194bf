/* `_elements`: what can be named, and what is kept of which type (PARAM-13, FILTER-15). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>
#include <fhirexport/filter.h>

#include "select/element_table.h"
#include "select/elements.h"
#include "support/memory.h"
#include "support/require.h"

#define COUNT_OF(list) (sizeof(list) / sizeof(list)[0])

static const uint32_t versions[] = {FHX_FHIR_R4, FHX_FHIR_R4B, FHX_FHIR_R5};

static fhx__elements *new_elements(uint32_t version) {
  fhx__elements *elements = NULL;
  test_require_status(fhx__elements_new(version, &elements, NULL), FHX_OK);
  return elements;
}

/* The names have spaces between. */
static fhx__elements *read_elements(uint32_t version, const char *names) {
  fhx__elements *elements = new_elements(version);
  char text[1000];
  test_scenario("%u: %s", version, names);
  snprintf(text, sizeof text, "%s", names);
  for (char *name = strtok(text, " "); name != NULL; name = strtok(NULL, " ")) {
    test_require_status(fhx__elements_add(elements, name, NULL), FHX_OK);
  }
  return elements;
}

/* A copy that ends as a key in a line does, so that the sanitizer sees what is read behind it. */
static fhx__fate fate_of(const fhx__kept *kept, const char *key) {
  size_t len = strlen(key), size = len + 3;
  char *line = malloc(size + 1);
  assert_non_null(line);
  snprintf(line, size + 1, "%s\":1", key);
  fhx__fate fate = fhx__kept_fate(kept, line, len);
  free(line);
  return fate;
}

/* --- what can be named --- */

typedef struct named {
  const char *text;
  int32_t status;
} named;

static const char no_element[] =
    "_elements: not a root element such as Patient.birthDate or birthDate; what is below one "
    "cannot "
    "be named";

static void what_can_be_named(void **state) {
  static const named cases[] = {
      {"birthDate", FHX_OK},
      {"Patient.birthDate", FHX_OK},
      {"id", FHX_OK},
      {"meta", FHX_OK},
      {"Patient.id", FHX_OK},
      {"Patient.text", FHX_OK},
      {"Patient.contained", FHX_OK},
      {"Patient.extension", FHX_OK},
      {"Patient.modifierExtension", FHX_OK},
      {"Patient.implicitRules", FHX_OK},
      {"Patient.language", FHX_OK},
      {"Binary.language", FHX_OK},
      {"Binary.data", FHX_OK},
      {"Observation.value", FHX_OK},
      {"value", FHX_OK},
      /* Known nowhere, or not there. */
      {"Observation.valueQuantity", FHX_ERR_UNSUPPORTED},
      {"valueQuantity", FHX_ERR_UNSUPPORTED},
      {"resourceType", FHX_ERR_UNSUPPORTED},
      {"foo", FHX_ERR_UNSUPPORTED},
      {"Patient.subject", FHX_ERR_UNSUPPORTED},
      {"Patient.birthdate", FHX_ERR_UNSUPPORTED},
      {"Patient.birthDat", FHX_ERR_UNSUPPORTED},
      {"Patient.birthDates", FHX_ERR_UNSUPPORTED},
      {"Martian.name", FHX_ERR_UNSUPPORTED},
      {"Resource.id", FHX_ERR_UNSUPPORTED},
      {"DomainResource.text", FHX_ERR_UNSUPPORTED},
      {"Binary.text", FHX_ERR_UNSUPPORTED},
      {"Bundle.extension", FHX_ERR_UNSUPPORTED},
      {"Parameters.contained", FHX_ERR_UNSUPPORTED},
      {"Patien.birthDate", FHX_ERR_UNSUPPORTED},
      {"Patientx.birthDate", FHX_ERR_UNSUPPORTED},
      /* Of no form. */
      {"", FHX_ERR_ARGUMENT},
      {".", FHX_ERR_ARGUMENT},
      {"Patient", FHX_ERR_ARGUMENT},
      {"Patient.", FHX_ERR_ARGUMENT},
      {".birthDate", FHX_ERR_ARGUMENT},
      {"Patient.name.family", FHX_ERR_ARGUMENT},
      {"Patient..name", FHX_ERR_ARGUMENT},
      {"Patient.name.", FHX_ERR_ARGUMENT},
      {"name.family", FHX_ERR_ARGUMENT},
      {"patient.name", FHX_ERR_ARGUMENT},
      {"Patient.Name", FHX_ERR_ARGUMENT},
      {"Patient._birthDate", FHX_ERR_ARGUMENT},
      {"_birthDate", FHX_ERR_ARGUMENT},
      {"Observation.value[x]", FHX_ERR_ARGUMENT},
      {"Patient.birth Date", FHX_ERR_ARGUMENT},
      {" birthDate", FHX_ERR_ARGUMENT},
      {"birthDate ", FHX_ERR_ARGUMENT},
      {"birthDate!", FHX_ERR_ARGUMENT},
      {"value*", FHX_ERR_ARGUMENT},
      {"*", FHX_ERR_ARGUMENT},
      {"Patient.*", FHX_ERR_ARGUMENT},
      {"birth\xC3\xA9", FHX_ERR_ARGUMENT},
  };
  (void)state;
  for (size_t i = 0; i < COUNT_OF(cases); i++) {
    fhx__elements *elements = new_elements(FHX_FHIR_R4);
    fhx_error *error = NULL;
    test_scenario("%s", cases[i].text);
    test_require_status(fhx__elements_add(elements, cases[i].text, &error), cases[i].status);
    test_require((error == NULL) == (cases[i].status == FHX_OK));
    /* PARAM-28: only what has the form of an element is told. */
    const char *message = error != NULL ? fhx_error_message(error) : "";
    if (cases[i].status == FHX_ERR_UNSUPPORTED)
      test_require(strstr(message, cases[i].text) != NULL);
    if (cases[i].status == FHX_ERR_ARGUMENT) assert_string_equal(message, no_element);
    fhx_error_free(error);
    fhx__elements_free(elements);
  }
  fhx__elements_free(NULL);
}

static void long_names(void **state) {
  char text[200] = "";
  fhx__elements *elements = new_elements(FHX_FHIR_R4);
  (void)state;
  for (size_t len = 0; len < 150; len++) {
    fhx_error *error = NULL;
    memset(text, 'q', len);
    int32_t status = fhx__elements_add(elements, text, &error);
    test_require_status(status, len == 0 || len > 64 ? FHX_ERR_ARGUMENT : FHX_ERR_UNSUPPORTED);
    if (status == FHX_ERR_ARGUMENT) assert_string_equal(fhx_error_message(error), no_element);
    if (status != FHX_ERR_ARGUMENT) test_require(strstr(fhx_error_message(error), text) != NULL);
    fhx_error_free(error);
  }
  memcpy(text, "Patient.", 8);
  fhx_error *error = NULL;
  text[8 + 64] = '\0';
  test_require_status(fhx__elements_add(elements, text, &error), FHX_ERR_UNSUPPORTED);
  test_require(strstr(fhx_error_message(error), "qqq") == NULL);
  fhx_error_free(error);
  fhx__elements_free(elements);
}

/* --- what is kept --- */

static void what_is_kept(void **state) {
  static const struct {
    const char *elements;
    const char *type;
    const char *kept;
    const char *dropped;
  } cases[] = {
      {"Patient.birthDate", "Patient",
       "resourceType id _id meta implicitRules _implicitRules modifierExtension birthDate "
       "_birthDate "
       "birthD\\u0061te \\u0062irthDate _birth\\u0044ate \\u005fbirthDate m\\u0065ta",
       "name gender text language contained extension birthDateX birthDat __birthDate _ BirthDate "
       "birthDateTime birth\\u0044at \\u005f \\\\birthDate b\\tirthDate \\u0100 _metaX idx i"},
      /* Mandatory ones stay. */
      {"Observation.subject", "Observation", "status code subject resourceType id meta",
       "category valueQuantity effectiveDateTime value _value"},
      {"Observation.value", "Observation",
       "valueQuantity valueString _valueString valueInteger valueFoo value status value\\u0051x",
       "values valuequantity effectivePeriod Observation.value valu value_ value1 \\u0076alues"},
      /* A mandatory choice. */
      {"MedicationRequest.note", "MedicationRequest",
       "medicationReference medicationCodeableConcept status intent subject note", "medications"},
      {"subject,effective", "Observation", "effectivePeriod _effectiveDateTime subject", "issued"},
      {"id", "Patient", "id meta resourceType", "birthDate name text"},
      {"id", "Binary", "id meta contentType", "data securityContext"},
      {"text", "Patient", "text", "name"},
      {"language", "Bundle", "language type", "entry"},
      {"modifierExtension", "Patient", "modifierExtension", "extension"},
      {"Encounter.class,Encounter.status", "Encounter", "class status", "period"},
  };
  (void)state;
  for (size_t i = 0; i < COUNT_OF(cases); i++) {
    char names[100], keys[400];
    snprintf(names, sizeof names, "%s", cases[i].elements);
    for (char *comma = strchr(names, ','); comma != NULL; comma = strchr(comma, ',')) *comma = ' ';
    fhx__elements *elements = read_elements(FHX_FHIR_R4, names);
    const fhx__kept *kept = fhx__elements_of(elements, cases[i].type);
    test_require(kept != NULL);
    for (int is_kept = 0; is_kept < 2; is_kept++) {
      snprintf(keys, sizeof keys, "%s", is_kept != 0 ? cases[i].kept : cases[i].dropped);
      for (char *key = strtok(keys, " "); key != NULL; key = strtok(NULL, " ")) {
        bool is_meta = strcmp(key, "meta") == 0 || strcmp(key, "m\\u0065ta") == 0;
        test_scenario("%s of %s: %s", cases[i].elements, cases[i].type, key);
        test_require(fate_of(kept, key) == (is_meta        ? FHX__FATE_META
                                            : is_kept != 0 ? FHX__FATE_KEPT
                                                           : FHX__FATE_DROPPED));
      }
    }
    test_require(fate_of(kept, "") == FHX__FATE_DROPPED);
    test_require(fate_of(kept, "_meta") == FHX__FATE_KEPT);
    fhx__elements_free(elements);
  }
}

/* A wish binds the types that it names, or those that have the element. */
static void which_types_are_bound(void **state) {
  static const struct {
    const char *elements;
    const char *bound;
    const char *whole;
  } cases[] = {
      {"", "", "Patient Observation Martian"},
      {"Patient.birthDate", "Patient", "Person Observation RelatedPerson"},
      {"birthDate", "Patient Person RelatedPerson Practitioner", "Observation Organization"},
      {"Patient.birthDate subject", "Patient Observation Condition Encounter", "Practitioner"},
      {"id", "Patient Bundle Binary Parameters Account VisionPrescription", "Martian Resource"},
      {"text", "Patient Account VisionPrescription", "Bundle Binary Parameters"},
  };
  (void)state;
  for (size_t i = 0; i < COUNT_OF(cases); i++) {
    fhx__elements *elements = read_elements(FHX_FHIR_R4, cases[i].elements);
    for (int is_bound = 0; is_bound < 2; is_bound++) {
      char types[200];
      snprintf(types, sizeof types, "%s", is_bound != 0 ? cases[i].bound : cases[i].whole);
      for (char *type = strtok(types, " "); type != NULL; type = strtok(NULL, " ")) {
        test_scenario("%s: %s", cases[i].elements, type);
        test_require((fhx__elements_of(elements, type) != NULL) == (is_bound != 0));
      }
    }
    fhx__elements_free(elements);
  }
}

/* `Type.x` beside `y` keeps both, in any order and however often. */
static void wishes_add_up(void **state) {
  static const char *const orders[] = {"subject Observation.issued", "Observation.issued subject",
                                       "issued subject subject Observation.issued"};
  (void)state;
  for (size_t i = 0; i < COUNT_OF(orders); i++) {
    fhx__elements *elements = read_elements(FHX_FHIR_R4, orders[i]);
    const fhx__kept *kept = fhx__elements_of(elements, "Observation");
    test_require(fate_of(kept, "issued") == FHX__FATE_KEPT);
    test_require(fate_of(kept, "subject") == FHX__FATE_KEPT);
    test_require(fate_of(kept, "status") == FHX__FATE_KEPT);
    test_require(fate_of(kept, "device") == FHX__FATE_DROPPED);
    fhx__elements_free(elements);
  }
}

/* The versions differ. */
static void versions_count(void **state) {
  static const struct {
    const char *element;
    bool is_in[3];
  } cases[] = {
      {"Patient.birthDate", {true, true, true}},
      {"Encounter.period", {true, true, false}},
      {"Encounter.actualPeriod", {false, false, true}},
      {"Citation.name", {false, true, true}},
      {"MedicinalProduct.type", {true, false, false}},
      {"Media.content", {true, true, false}},
      {"ValueSet.url", {true, true, true}},
      {"NamingSystem.date", {true, true, true}},
      {"Task.requestedPeriod", {false, false, true}},
  };
  (void)state;
  for (size_t i = 0; i < COUNT_OF(cases); i++) {
    for (size_t v = 0; v < 3; v++) {
      fhx__elements *elements = new_elements(versions[v]);
      test_scenario("%s in %u", cases[i].element, versions[v]);
      test_require_status(fhx__elements_add(elements, cases[i].element, NULL),
                          cases[i].is_in[v] ? FHX_OK : FHX_ERR_UNSUPPORTED);
      fhx__elements_free(elements);
    }
  }
}

/* Every element of the table can be named, and is kept then; all of a type at once as well. */
static void the_whole_table(void **state) {
  static const char digits[] = {FHX__ELEMENTS_R4, FHX__ELEMENTS_R4B, FHX__ELEMENTS_R5};
  (void)state;
  for (size_t v = 0; v < 3; v++) {
    fhx__elements *all = new_elements(versions[v]);
    size_t rows = 0;
    for (size_t i = 0; i < fhx__element_count; i++) {
      const fhx__element_row *row = &fhx__element_table[i];
      char text[4000], name[200];
      if (strchr(row->versions, digits[v]) == NULL) continue;
      rows++;
      snprintf(text, sizeof text, "%s", row->elements);
      for (char *word = strtok(text, " "); word != NULL; word = strtok(NULL, " ")) {
        bool is_choice = strchr(word, '*') != NULL, is_mandatory = strchr(word, '!') != NULL;
        const char *versions_of = strchr(word, '/');
        if (versions_of != NULL && strchr(versions_of, digits[v]) == NULL) continue;
        word[strcspn(word, "!*/")] = '\0';
        snprintf(name, sizeof name, "%s.%s", row->resource_type, word);
        test_scenario("%s in %u", name, versions[v]);
        const fhx__kept *before = fhx__elements_of(all, row->resource_type);
        test_require(before == NULL || is_mandatory == (fate_of(before, word) == FHX__FATE_KEPT));
        test_require_status(fhx__elements_add(all, name, NULL), FHX_OK);
        const fhx__kept *kept = fhx__elements_of(all, row->resource_type);
        test_require(fate_of(kept, word) == FHX__FATE_KEPT);
        snprintf(name, sizeof name, "%sQuantity", word);
        test_require((fate_of(kept, name) == FHX__FATE_KEPT) == is_choice);
      }
    }
    test_require(rows > 140);
    fhx__elements_free(all);
  }
}

/* --- memory --- */

static void out_of_memory(void **state) {
  bool failed = true;
  (void)state;
  for (uint64_t count = 1; failed; count++) {
    fhx__elements *elements = NULL;
    fhx_error *error = NULL;
    test_memory_begin(count);
    int32_t status = fhx__elements_new(FHX_FHIR_R4, &elements, &error);
    test_require((status == FHX_OK) == (elements != NULL));
    if (status == FHX_OK) {
      status = fhx__elements_add(elements, "birthDate", &error);
      /* Nothing or everything. */
      bool is_bound = fhx__elements_of(elements, "Patient") != NULL;
      test_require(is_bound == (status == FHX_OK));
      test_require((fhx__elements_of(elements, "Practitioner") != NULL) == is_bound);
    }
    fhx_error_free(error);
    fhx__elements_free(elements);
    failed = test_memory_end();
    test_require_status(status, failed ? FHX_ERR_NO_MEMORY : FHX_OK);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_can_be_named), cmocka_unit_test(long_names),
      cmocka_unit_test(what_is_kept),      cmocka_unit_test(which_types_are_bound),
      cmocka_unit_test(wishes_add_up),     cmocka_unit_test(versions_count),
      cmocka_unit_test(the_whole_table),   cmocka_unit_test(out_of_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
