/* The filter as a host uses it, through the shared library: values, misuse, and both
   questions about a single resource. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>
#include <fhirexport/fhirexport.h>
#include <pthread.h>

static int set_up(void **state) {
  fhx_filter *filter = NULL;
  if (fhx_filter_new(&filter, NULL) != FHX_OK) return -1;
  *state = filter;
  return 0;
}

static int tear_down(void **state) {
  fhx_filter_free(*state);
  return 0;
}

static bool matches(const fhx_filter *filter, const char *resource) {
  uint32_t answer = 7;
  fhx_error *error = NULL;
  if (fhx_filter_test(filter, resource, strlen(resource), &answer, &error) != FHX_OK) {
    fail_msg("%s: %s", resource, fhx_error_message(error));
  }
  assert_null(error);
  assert_in_range(answer, 0, 1);
  return answer == 1;
}

/* --- values --- */

typedef int32_t (*setter)(fhx_filter *filter, const char *text, fhx_error **error);

/* The setter refuses this text, with a message that does not repeat it, and that names `what`. */
static void assert_refused(fhx_filter *filter, setter set, const char *text, const char *what) {
  fhx_error *error = NULL;
  if (set(filter, text, &error) != FHX_ERR_ARGUMENT) fail_msg("%s", text);
  assert_int_equal(fhx_error_status(error), FHX_ERR_ARGUMENT);
  assert_int_equal(fhx_error_retryable(error), 0);
  assert_non_null(strstr(fhx_error_message(error), what));
  assert_non_null(strstr(fhx_error_outcome(error), "\"code\":\"invalid\""));
  if (strlen(text) > 8) assert_null(strstr(fhx_error_message(error), text));
  fhx_error_free(error);
  assert_int_equal(set(filter, text, NULL), FHX_ERR_ARGUMENT);
}

/* PARAM-06, ERR-02. */
static void bad_instants(void **state) {
  static const char *const texts[] = {
      "",
      "yesterday",
      "2020",
      "2020-02",
      "2020-02-29",
      "2020-02-30T00:00:00Z",
      "2021-02-29T00:00:00Z",
      "2020-13-01T00:00:00Z",
      "2020-02-01T00:00:00",
      "2020-02-01T00:00Z",
      "2020-02-01T25:00:00Z",
      "2020-02-01T00:00:00 01:00",
      "2020-02-01T00:00:00Z; DROP TABLE",
  };
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
    assert_refused(*state, fhx_filter_set_since, texts[i], "_since");
    assert_refused(*state, fhx_filter_set_until, texts[i], "_until");
  }
  /* Nothing of it stuck. */
  assert_true(matches(*state,
                      "{\"resourceType\":\"Basic\",\"id\":\"x\","
                      "\"meta\":{\"lastUpdated\":\"1999-01-01T00:00:00Z\"}}"));
}

/* PARAM-05. */
static void good_instants(void **state) {
  static const char *const texts[] = {
      "2020-02-29T00:00:00Z",
      "2020-02-01T00:00:00+00:00",
      "2020-02-01T00:00:00-05:00",
      "2020-02-01T00:00:00.1Z",
      "2020-02-01T00:00:00.123456789123456789123456789123456789+14:00",
      "0001-01-01T00:00:00Z",
      "9999-12-31T23:59:59.999Z",
      "2016-12-31T23:59:60Z",
  };
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
    assert_int_equal(fhx_filter_set_since(*state, texts[i], NULL), FHX_OK);
    assert_int_equal(fhx_filter_set_until(*state, texts[i], NULL), FHX_OK);
  }
}

/* PARAM-13. What is kept of the resources is in test_elements.c. */
static void elements(void **state) {
  fhx_error *error = NULL;
  assert_int_equal(fhx_filter_add_element(*state, "Patient.birthDate", NULL), FHX_OK);
  assert_int_equal(fhx_filter_add_element(*state, "Patient.birthDate", NULL), FHX_OK);
  assert_int_equal(fhx_filter_add_element(*state, "period", NULL), FHX_OK);
  assert_refused(*state, fhx_filter_add_element, "Patient.name.family", "_elements");
  assert_refused(*state, fhx_filter_add_element, "Patient", "_elements");
  assert_refused(*state, fhx_filter_add_element, "", "_elements");
  assert_int_equal(fhx_filter_add_element(NULL, "id", NULL), FHX_ERR_ARGUMENT);
  assert_int_equal(fhx_filter_add_element(*state, NULL, NULL), FHX_ERR_ARGUMENT);
  assert_int_equal(fhx_filter_add_element(*state, "Encounter.actualPeriod", &error),
                   FHX_ERR_UNSUPPORTED);
  assert_non_null(strstr(fhx_error_message(error), "Encounter.actualPeriod"));
  fhx_error_free(error);
  /* They leave out no resource. */
  assert_true(matches(*state, "{\"resourceType\":\"Basic\",\"id\":\"x\"}"));
  /* The version decides what there is; after a failure it is the one before. */
  assert_int_equal(fhx_filter_set_fhir_version(*state, FHX_FHIR_R5, NULL), FHX_OK);
  assert_int_equal(fhx_filter_add_element(*state, "Encounter.actualPeriod", NULL), FHX_OK);
  assert_int_equal(fhx_filter_set_fhir_version(*state, FHX_FHIR_R4, NULL), FHX_ERR_UNSUPPORTED);
  assert_int_equal(fhx_filter_add_element(*state, "Encounter.period", NULL), FHX_ERR_UNSUPPORTED);
  assert_int_equal(fhx_filter_add_element(*state, "Transport.for", NULL), FHX_OK);
}

/* PARAM-10: the form of a type's name; whether the source has it is asked at the start. */
static void bad_types(void **state) {
  static const char *const texts[] = {"",         "patient",   "Patient,Observation",
                                      "Patient ", "Pat-ent",   "Patient/123",
                                      "*",        "Patient\n", "P\xC3\xA1tient"};
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
    assert_refused(*state, fhx_filter_add_type, texts[i], "_type");
  }
  char name[66];
  memset(name, 'A', sizeof name);
  name[65] = '\0';
  assert_refused(*state, fhx_filter_add_type, name, "_type");
  name[64] = '\0';
  assert_int_equal(fhx_filter_add_type(*state, name, NULL), FHX_OK);
}

static void bad_patients(void **state) {
  static const char *const texts[] = {"",    "Patient/p1", "a b", "a_b",
                                      "a/b", "p1\n",       "#p1", "p\xC3\xA1"};
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
    assert_refused(*state, fhx_filter_add_patient, texts[i], "patient");
  }
  char id[66];
  memset(id, 'a', sizeof id);
  id[65] = '\0';
  assert_refused(*state, fhx_filter_add_patient, id, "patient");
  id[64] = '\0';
  assert_int_equal(fhx_filter_add_patient(*state, id, NULL), FHX_OK);
}

static void bad_groups(void **state) {
  static const char *const texts[] = {"", "Group/g1", "a b", "g_1", "g1\n", "g/$export"};
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
    assert_refused(*state, fhx_filter_set_group, texts[i], "Group");
  }
  /* Nothing of it stuck: the filter takes what is nobody's. */
  assert_true(matches(*state, "{\"resourceType\":\"Basic\",\"id\":\"x\"}"));
}

static void null_arguments(void **state) {
  uint32_t answer = 0;
  fhx_error *error = NULL;
  assert_int_equal(fhx_filter_new(NULL, NULL), FHX_ERR_ARGUMENT);
  assert_int_equal(fhx_filter_add_type(NULL, "Patient", NULL), FHX_ERR_ARGUMENT);
  assert_int_equal(fhx_filter_add_type(*state, NULL, NULL), FHX_ERR_ARGUMENT);
  assert_int_equal(fhx_filter_add_patient(NULL, "p1", NULL), FHX_ERR_ARGUMENT);
  assert_int_equal(fhx_filter_add_patient(*state, NULL, NULL), FHX_ERR_ARGUMENT);
  assert_int_equal(fhx_filter_set_fhir_version(NULL, FHX_FHIR_R4, NULL), FHX_ERR_ARGUMENT);
  assert_int_equal(fhx_filter_add_compartment_path(NULL, "Basic.subject", NULL), FHX_ERR_ARGUMENT);
  assert_int_equal(fhx_filter_add_compartment_path(*state, NULL, NULL), FHX_ERR_ARGUMENT);
  assert_int_equal(fhx_filter_set_base_url(NULL, "https://h", NULL), FHX_ERR_ARGUMENT);
  assert_int_equal(fhx_filter_set_since(NULL, "2020-01-01T00:00:00Z", NULL), FHX_ERR_ARGUMENT);
  assert_int_equal(fhx_filter_set_since(*state, NULL, NULL), FHX_ERR_ARGUMENT);
  assert_int_equal(fhx_filter_set_until(NULL, "2020-01-01T00:00:00Z", NULL), FHX_ERR_ARGUMENT);
  assert_int_equal(fhx_filter_set_until(*state, NULL, NULL), FHX_ERR_ARGUMENT);
  assert_int_equal(fhx_filter_set_all_patients(NULL, NULL), FHX_ERR_ARGUMENT);
  assert_int_equal(fhx_filter_set_group(NULL, "g", NULL), FHX_ERR_ARGUMENT);
  assert_int_equal(fhx_filter_set_group(*state, NULL, NULL), FHX_ERR_ARGUMENT);
  assert_int_equal(fhx_filter_test(NULL, "{}", 2, &answer, NULL), FHX_ERR_ARGUMENT);
  assert_int_equal(fhx_filter_test(*state, NULL, 0, &answer, NULL), FHX_ERR_ARGUMENT);
  assert_int_equal(fhx_filter_test(*state, "{}", 2, NULL, &error), FHX_ERR_ARGUMENT);
  assert_string_not_equal(fhx_error_message(error), "");
  fhx_error_free(error);
  fhx_filter_free(NULL);
}

/* --- fhx_filter_test --- */

#define RESOURCE(type, more) "{\"resourceType\":\"" type "\",\"id\":\"x\"" more "}"
#define UPDATED(text) ",\"meta\":{\"lastUpdated\":\"" text "\"}"

/* FILTER-09. */
static void an_empty_filter_takes_everything(void **state) {
  assert_true(matches(*state, RESOURCE("Patient", "")));
  assert_true(matches(*state, RESOURCE("Organization", UPDATED("2020-01-01T00:00:00Z"))));
}

/* FILTER-08, PARAM-12. */
static void types(void **state) {
  assert_int_equal(fhx_filter_add_type(*state, "Patient", NULL), FHX_OK);
  assert_int_equal(fhx_filter_add_type(*state, "Patient", NULL), FHX_OK);
  assert_int_equal(fhx_filter_add_type(*state, "Observation", NULL), FHX_OK);
  assert_true(matches(*state, RESOURCE("Patient", "")));
  assert_true(matches(*state, RESOURCE("Observation", "")));
  assert_false(matches(*state, RESOURCE("Condition", "")));
  assert_false(matches(*state, RESOURCE("Patients", "")));
}

/* FILTER-01, FILTER-02, FILTER-04, FILTER-07. */
static void window(void **state) {
  assert_int_equal(fhx_filter_set_since(*state, "2024-01-01T00:00:00Z", NULL), FHX_OK);
  assert_true(matches(*state, RESOURCE("Basic", UPDATED("2024-01-01T00:00:00.0000000001Z"))));
  assert_false(matches(*state, RESOURCE("Basic", UPDATED("2024-01-01T00:00:00Z"))));
  assert_false(matches(*state, RESOURCE("Basic", UPDATED("2024-01-01T05:30:00.000+05:30"))));
  assert_true(matches(*state, RESOURCE("Basic", UPDATED("2023-12-31T20:00:00-05:00"))));
  assert_true(matches(*state, RESOURCE("Basic", "")));
  assert_true(matches(*state, RESOURCE("Basic", UPDATED("last year"))));
  assert_int_equal(fhx_filter_set_until(*state, "2025-01-01T00:00:00Z", NULL), FHX_OK);
  assert_true(matches(*state, RESOURCE("Basic", UPDATED("2024-12-31T23:59:59.999Z"))));
  assert_false(matches(*state, RESOURCE("Basic", UPDATED("2025-01-01T00:00:00Z"))));
  /* Set again: the second counts. */
  assert_int_equal(fhx_filter_set_since(*state, "2020-01-01T00:00:00Z", NULL), FHX_OK);
  assert_true(matches(*state, RESOURCE("Basic", UPDATED("2021-01-01T00:00:00Z"))));
}

#define SUBJECT(reference) ",\"subject\":{\"reference\":\"" reference "\"}"

/* FILTER-10, FILTER-17, FILTER-30: the patients, what refers to them, and nothing else. */
static void patients(void **state) {
  assert_int_equal(fhx_filter_add_patient(*state, "p2", NULL), FHX_OK);
  assert_int_equal(fhx_filter_add_patient(*state, "x", NULL), FHX_OK);
  assert_int_equal(fhx_filter_add_patient(*state, "p1", NULL), FHX_OK);
  assert_true(matches(*state, RESOURCE("Patient", "")));
  assert_false(matches(*state, "{\"resourceType\":\"Patient\",\"id\":\"y\"}"));
  assert_true(matches(*state, RESOURCE("Observation", SUBJECT("Patient/p1"))));
  assert_true(matches(*state, RESOURCE("Observation", SUBJECT("https:\\/\\/h\\/Patient\\/p2"))));
  assert_false(matches(*state, RESOURCE("Observation", SUBJECT("Patient/p3"))));
  assert_false(matches(*state, RESOURCE("Observation", "")));
  assert_false(matches(*state, RESOURCE("Organization", "")));
  assert_false(matches(*state, RESOURCE("Medication", SUBJECT("Patient/p1"))));
}

/* FILTER-10: of any patient, and of those that are named, if some are. */
static void all_patients(void **state) {
  assert_int_equal(fhx_filter_set_all_patients(*state, NULL), FHX_OK);
  assert_true(matches(*state, RESOURCE("Patient", "")));
  assert_true(matches(*state, RESOURCE("Observation", SUBJECT("Patient/p1"))));
  assert_false(matches(*state, RESOURCE("Observation", SUBJECT("Device/p1"))));
  assert_false(matches(*state, RESOURCE("Observation", "")));
  assert_false(matches(*state, RESOURCE("Organization", "")));
  assert_int_equal(fhx_filter_add_patient(*state, "p2", NULL), FHX_OK);
  assert_false(matches(*state, RESOURCE("Observation", SUBJECT("Patient/p1"))));
  assert_true(matches(*state, RESOURCE("Observation", SUBJECT("Patient/p2"))));
}

/* FILTER-30: only a job knows who the members are, so neither "yes" nor "no" would be right. */
static void a_group(void **state) {
  uint32_t answer = 7;
  fhx_error *error = NULL;
  const char *text = RESOURCE("Observation", SUBJECT("Patient/p1"));
  assert_int_equal(fhx_filter_set_group(*state, "g1", NULL), FHX_OK);
  assert_int_equal(fhx_filter_add_patient(*state, "p1", NULL), FHX_OK);
  assert_int_equal(fhx_filter_test(*state, text, strlen(text), &answer, &error),
                   FHX_ERR_UNSUPPORTED);
  assert_int_equal(answer, 0);
  assert_int_equal(fhx_error_status(error), FHX_ERR_UNSUPPORTED);
  fhx_error_free(error);
}

/* --- fhx_filter_list_patients --- */

typedef struct names {
  char text[256];
} names;

static void note_patient(void *user_data, const char *patient_id) {
  names *seen = user_data;
  size_t len = strlen(seen->text);
  snprintf(seen->text + len, sizeof seen->text - len, "%s ", patient_id);
}

static void assert_patients(const fhx_filter *filter, const char *text, const char *expected) {
  names seen = {""};
  assert_int_equal(fhx_filter_list_patients(filter, text, strlen(text), note_patient, &seen, NULL),
                   FHX_OK);
  assert_string_equal(seen.text, expected);
}

/* FILTER-14: a resource may be in several compartments. The filter's own limits play no part. */
static void listing_patients(void **state) {
  char id[65];
  char text[256];
  assert_patients(*state, RESOURCE("Patient", ""), "x ");
  assert_patients(*state, RESOURCE("Observation", SUBJECT("Patient/p1")), "p1 ");
  assert_patients(*state,
                  " {\n\"subject\" : {\"reference\" : \"Patient/p2/_history/3\"},"
                  "\"performer\":[{\"reference\":\"Practitioner/d\"},"
                  "{\"reference\":\"Patient/p1\"},{\"reference\":\"Patient/p2\"}],"
                  "\"resourceType\" : \"Observation\", \"id\" : \"x\" }\n",
                  "p2 p1 p2 ");
  assert_patients(*state, RESOURCE("Observation", SUBJECT("Group/p1")), "");
  assert_patients(*state, RESOURCE("Organization", SUBJECT("Patient/p1")), "");
  memset(id, 'i', sizeof id);
  id[64] = '\0';
  snprintf(text, sizeof text,
           "{\"resourceType\":\"Observation\",\"id\":\"x\","
           "\"subject\":{\"reference\":\"Patient/%s\"}}",
           id);
  assert_int_equal(fhx_filter_add_patient(*state, "other", NULL), FHX_OK);
  assert_int_equal(fhx_filter_add_type(*state, "Patient", NULL), FHX_OK);
  assert_int_equal(fhx_filter_set_group(*state, "g", NULL), FHX_OK);
  assert_patients(*state, RESOURCE("Observation", SUBJECT("Patient/p1")), "p1 ");
  names seen = {""};
  assert_int_equal(fhx_filter_list_patients(*state, text, strlen(text), note_patient, &seen, NULL),
                   FHX_OK);
  assert_int_equal(strlen(seen.text), 65);
}

static void listing_without_arguments(void **state) {
  names seen = {""};
  fhx_error *error = NULL;
  const char *text = RESOURCE("Patient", "");
  assert_int_equal(fhx_filter_list_patients(NULL, text, strlen(text), note_patient, &seen, NULL),
                   FHX_ERR_ARGUMENT);
  assert_int_equal(fhx_filter_list_patients(*state, NULL, 0, note_patient, &seen, NULL),
                   FHX_ERR_ARGUMENT);
  assert_int_equal(fhx_filter_list_patients(*state, text, strlen(text), NULL, &seen, &error),
                   FHX_ERR_ARGUMENT);
  assert_string_not_equal(fhx_error_message(error), "");
  fhx_error_free(error);
  assert_int_equal(fhx_filter_list_patients(*state, "{}", 2, note_patient, &seen, NULL),
                   FHX_ERR_RESOURCE);
  assert_string_equal(seen.text, "");
}

static void bad_compartments(void **state) {
  static const char *const paths[] = {"", "Basic", "Basic.", "Basic.a.b.c.d", "Basic.a[x]", "a.b"};
  static const char *const urls[] = {
      "h",           "ftp://h",    "https://",      "https:///fhir",
      "https://h?a", "https://h#", "https://h/a b", "https://h/\xC3\xA9"};
  static const uint32_t versions[] = {0, 4, 5, 41, 400, UINT32_MAX};
  for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
    assert_refused(*state, fhx_filter_add_compartment_path, paths[i], "compartment path");
  }
  for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
    assert_refused(*state, fhx_filter_set_base_url, urls[i], "base_url");
  }
  for (size_t i = 0; i < sizeof versions / sizeof versions[0]; i++) {
    assert_int_equal(fhx_filter_set_fhir_version(*state, versions[i], NULL), FHX_ERR_ARGUMENT);
  }
}

/* The version, the host's own compartment and its base, on a filter that nothing has copied. */
static void compartments(void **state) {
  const char *by_grantee = RESOURCE("Consent", ",\"grantee\":[{\"reference\":\"Patient/p1\"}]");
  const char *by_subject = RESOURCE("Consent", SUBJECT("https://h/Patient/p1"));
  const char *elsewhere = RESOURCE("Consent", SUBJECT("https://o/Patient/p1"));
  assert_int_equal(fhx_filter_add_patient(*state, "p1", NULL), FHX_OK);
  assert_false(matches(*state, by_subject));
  assert_int_equal(fhx_filter_set_fhir_version(*state, FHX_FHIR_R5, NULL), FHX_OK);
  assert_true(matches(*state, by_subject));
  assert_true(matches(*state, elsewhere));
  assert_int_equal(fhx_filter_set_base_url(*state, "https://h", NULL), FHX_OK);
  assert_true(matches(*state, by_subject));
  assert_false(matches(*state, elsewhere));
  assert_false(matches(*state, by_grantee));
  assert_int_equal(fhx_filter_add_compartment_path(*state, "Consent.grantee", NULL), FHX_OK);
  assert_true(matches(*state, by_grantee));
  assert_false(matches(*state, by_subject));
  assert_true(matches(*state, "{\"resourceType\":\"Patient\",\"id\":\"p1\"}"));
}

/* FILTER-17: a Patient that links to one asked for was not asked for itself. */
static void a_linked_patient_is_not_taken(void **state) {
  static const uint32_t versions[] = {FHX_FHIR_R4, FHX_FHIR_R4B, FHX_FHIR_R5};
  assert_int_equal(fhx_filter_add_patient(*state, "p1", NULL), FHX_OK);
  for (size_t i = 0; i < 3; i++) {
    assert_int_equal(fhx_filter_set_fhir_version(*state, versions[i], NULL), FHX_OK);
    assert_false(matches(*state, RESOURCE("Patient",
                                          ",\"link\":[{\"other\":{\"reference\":"
                                          "\"Patient/p1\"},\"type\":\"refer\"}]")));
  }
}

/* White space is no hindrance, and what is not compact is tested all the same. */
static void pretty_printed(void **state) {
  assert_int_equal(fhx_filter_add_patient(*state, "p1", NULL), FHX_OK);
  assert_true(matches(*state,
                      " {\r\n\t\"subject\" : {\n  \"reference\" : \"Patient/p1\"\n} ,\n"
                      "  \"id\" : \"x\" , \"resourceType\" : \"Observation\" }\n"));
  assert_false(matches(*state,
                       "{\n \"resourceType\": \"Observation\",\n \"id\": \"x\",\n"
                       " \"subject\" : { \"reference\" : \" Patient/p1\" } }"));
}

static void not_a_resource(void **state) {
  static const char *const texts[] = {
      "",
      " ",
      "null",
      "[]",
      "{}",
      "{\"resourceType\":\"Patient\"}",
      "{\"id\":\"x\"}",
      RESOURCE("patient", ""),
      RESOURCE("Patient", ",\"id\":\"x\""),
      RESOURCE("Patient", "") "x",
      RESOURCE("Patient", ",\"name\":\"\xFF\""),
      "{\"resourceType\":\"Patient\",\"id\":\"x y\"}",
      "{\"resourceType\":\"Patient\",\"id\":\"secret\"",
  };
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
    uint32_t answer = 7;
    fhx_error *error = NULL;
    if (fhx_filter_test(*state, texts[i], strlen(texts[i]), &answer, &error) != FHX_ERR_RESOURCE) {
      fail_msg("%s", texts[i]);
    }
    assert_int_equal(answer, 0);
    assert_int_equal(fhx_error_status(error), FHX_ERR_RESOURCE);
    /* ERR-03: never content. */
    assert_null(strstr(fhx_error_message(error), "secret"));
    fhx_error_free(error);
    assert_int_equal(fhx_filter_test(*state, texts[i], strlen(texts[i]), &answer, NULL),
                     FHX_ERR_RESOURCE);
  }
}

static void *test_often(void *context) {
  const fhx_filter *filter = context;
  for (int i = 0; i < 2000; i++) {
    uint32_t answer = 0;
    const char *text = i % 2 == 0 ? RESOURCE("Observation", SUBJECT("Patient/p1"))
                                  : RESOURCE("Observation", SUBJECT("Patient/q1"));
    int32_t status = fhx_filter_test(filter, text, strlen(text), &answer, NULL);
    if (status != FHX_OK || answer != (i % 2 == 0 ? 1u : 0u)) return context;
  }
  return NULL;
}

/* One thread has filled it in; then any number read it. (Under TSan this sees a hidden write.) */
static void several_threads(void **state) {
  pthread_t threads[4];
  for (int i = 50; i > 0; i--) {
    char id[16];
    snprintf(id, sizeof id, "p%d", i);
    assert_int_equal(fhx_filter_add_patient(*state, id, NULL), FHX_OK);
  }
  for (size_t i = 0; i < 4; i++) {
    assert_int_equal(pthread_create(&threads[i], NULL, test_often, *state), 0);
  }
  for (size_t i = 0; i < 4; i++) {
    void *fault = NULL;
    assert_int_equal(pthread_join(threads[i], &fault), 0);
    assert_null(fault);
  }
}

#define FILTER_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      FILTER_TEST(bad_instants),
      FILTER_TEST(good_instants),
      FILTER_TEST(elements),
      FILTER_TEST(bad_types),
      FILTER_TEST(bad_patients),
      FILTER_TEST(null_arguments),
      FILTER_TEST(an_empty_filter_takes_everything),
      FILTER_TEST(types),
      FILTER_TEST(window),
      FILTER_TEST(patients),
      FILTER_TEST(pretty_printed),
      FILTER_TEST(not_a_resource),
      FILTER_TEST(several_threads),
      FILTER_TEST(bad_groups),
      FILTER_TEST(all_patients),
      FILTER_TEST(a_group),
      FILTER_TEST(listing_patients),
      FILTER_TEST(listing_without_arguments),
      FILTER_TEST(bad_compartments),
      FILTER_TEST(compartments),
      FILTER_TEST(a_linked_patient_is_not_taken),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
