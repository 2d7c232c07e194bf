/*
 * What a kick-off says by the rules of the STU4 ballot (PARAM-09, PARAM-17, PARAM-19, PARAM-26,
 * PARAM-27): each value a parameter of its own, Codings, and how long files are to be.
 */
#include <fhirexport/job.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

#include "request/request.h"
#include "select/filter.h"
#include "support/memory.h"
#include "support/require.h"

#define BODY(list) "{\"resourceType\":\"Parameters\",\"parameter\":[" list "]}"
#define STRING(name, value) "{\"name\":\"" name "\",\"valueString\":\"" value "\"}"
#define NUMBER(name, kind, value) "{\"name\":\"" name "\",\"" kind "\":" value "}"
#define LEAST(value) NUMBER("_minimumFileSize", "valuePositiveInt", value)
#define MOST(value) NUMBER("_maximumFileSize", "valuePositiveInt", value)
#define INCLUDED(coding) "{\"name\":\"includeAssociatedData\",\"valueCoding\":" coding "}"
#define SYSTEM "http://hl7.org/fhir/uv/bulkdata/CodeSystem/include-associated-data"

static int32_t read_as(bool by_ballot, bool lenient, const char *text, fhx__export_request *request,
                       fhx__problem *problem) {
  const fhx__export_settings settings = {
      .associated_values = "_people=Practitioner", .file_bytes_min = 100, .file_bytes_max = 1000};
  fhx__kick_off kick_off = {.level = FHX__LEVEL_PATIENT,
                            .base_url = "https://fhir.example.org/r4",
                            .lenient = lenient,
                            .by_ballot = by_ballot};
  fhx__body body = {NULL, 0, NULL};
  fhx__export_rules rules;
  test_scenario("%s %s", lenient ? "lenient" : "strict", text);
  memset(request, 0, sizeof *request);
  int32_t status = fhx__export_rules_init(&rules, &settings, NULL);
  rules.reads_resources = true;
  if (status == FHX_OK) status = fhx__body_read(text, strlen(text), &body, problem);
  kick_off.parameters = body.parameters;
  kick_off.parameter_count = body.parameter_count;
  if (status == FHX_OK) status = fhx__export_request_read(&rules, &kick_off, request, problem);
  fhx__body_free(&body);
  fhx__export_rules_free(&rules);
  return status;
}

static fhx__export_request read_good(const char *text) {
  fhx__export_request request;
  fhx__problem problem = {0, "", ""};
  int32_t status = read_as(true, false, text, &request, &problem);
  if (status != FHX_OK) print_error("%s\n", problem.text);
  test_require_status(status, FHX_OK);
  return request;
}

static void expect_refused(const char *text, const char *code, const char *words) {
  fhx__export_request request;
  fhx__problem problem = {0, "", ""};
  test_require_status(read_as(true, false, text, &request, &problem), FHX_ERR_ARGUMENT);
  if (strstr(problem.text, words) == NULL) print_error("%s\n", problem.text);
  test_require(problem.http_status == 400 && strcmp(problem.issue_code, code) == 0);
  test_require(strstr(problem.text, words) != NULL);
}

/* The sentence that is left of it. */
static void expect_skipped(const char *text, const char *words) {
  fhx__export_request request;
  fhx__problem problem;
  test_require_status(read_as(true, true, text, &request, &problem), FHX_OK);
  test_require(request.skipped.len != 0 && strstr(request.skipped.data, words) != NULL);
  fhx__export_request_free(&request);
}

/* PARAM-09, PARAM-19: repeated, and a comma is a letter like any other. */
static void one_value_each(void **state) {
  (void)state;
  fhx__export_request request =
      read_good(BODY(STRING("_type", "Patient") "," STRING("_type", "Observation") "," STRING(
          "_elements",
          "Patient.name") "," STRING("_elements",
                                     "id") "," STRING("_typeFilter",
                                                      "Observation?status=final,"
                                                      "amended") "," STRING("_typeFilte"
                                                                            "r",
                                                                            "Patient?"
                                                                            "gender="
                                                                            "female")));
  test_require(request.filter->type_count == 2 && request.filter->element_count == 2);
  test_require(request.filter->search_count == 2);
  fhx__export_request_free(&request);
  expect_refused(BODY(STRING("_type", "Patient,Observation")), "value",
                 "each as a parameter of its own");
  expect_refused(BODY(STRING("_elements", "id,name")), "value", "each as a parameter of its own");
  /* One query, with two values of which either will do. */
  request = read_good(BODY(STRING("_typeFilter", "Patient?gender=male,Observation?status=final")));
  test_require(request.filter->search_count == 1);
  fhx__export_request_free(&request);
  expect_skipped(BODY(STRING("_type", "Patient") "," STRING("_type", "Observation,Patient")),
                 "one of the names is not a resource type");
}

/* PARAM-17: the IG's own code system, or none; the host's values are of whichever. */
static void codings(void **state) {
  (void)state;
  static const char *const good[] = {
      BODY(INCLUDED("{\"code\":\"LatestProvenanceResources\"}")),
      BODY(INCLUDED("{\"code\":\"LatestProvenanceResources\",\"system\":\"" SYSTEM "\"}"))};
  for (size_t i = 0; i < 2; i++) {
    fhx__export_request request = read_good(good[i]);
    test_require(request.provenance == FHX_PROVENANCE_LATEST);
    fhx__export_request_free(&request);
  }
  fhx__export_request request =
      read_good(BODY(INCLUDED("{\"code\":\"_people\",\"system\":\"https://host.example.org\"}")));
  test_require(strcmp(request.associated_types.data, "Practitioner") == 0);
  fhx__export_request_free(&request);
  static const char foreign[] = BODY(
      INCLUDED("{\"code\":\"LatestProvenanceResources\",\"system\":\"https://host.example.org\"}"));
  expect_refused(foreign, "not-supported", "another code system");
  expect_skipped(foreign, "another code system than the IG's; it was ignored");
  expect_refused(BODY(INCLUDED("{\"system\":\"" SYSTEM "\"}")), "value",
                 "a valueCoding with a code");
  expect_refused(BODY(INCLUDED("\"LatestProvenanceResources\"")), "value", "valueCoding");
  expect_refused(BODY("{\"name\":\"includeAssociatedData\",\"valueCode\":\"_people\"}"), "value",
                 "give it as a valueCoding");
  expect_refused(BODY("{\"name\":\"includeAssociatedData\",\"valueString\":\"_people\"}"), "value",
                 "give it as a valueCoding");
  expect_refused(BODY(INCLUDED("{\"code\":\"_none\"}")), "not-supported", "_none is not a value");
  /* By STU3 it is the other way round. */
  fhx__problem problem;
  test_require_status(read_as(false, false, good[0], &request, &problem), FHX_ERR_ARGUMENT);
  test_require(strstr(problem.text, "give it as a valueCode") != NULL);
}

/* PARAM-26, PARAM-27 */
static void file_sizes(void **state) {
  (void)state;
  static const char *const kinds[] = {BODY(NUMBER("_maximumFileSize", "valuePositiveInt", "500")),
                                      BODY(NUMBER("_maximumFileSize", "valueUnsignedInt", "500")),
                                      BODY(NUMBER("_maximumFileSize", "valueInteger", "500"))};
  for (size_t i = 0; i < 3; i++) {
    fhx__export_request request = read_good(kinds[i]);
    test_require(request.file_bytes_max == 500 && request.file_bytes_min == 0);
    fhx__export_request_free(&request);
  }
  fhx__export_request request = read_good(BODY(LEAST("1") "," MOST("18446744073709551615")));
  test_require(request.file_bytes_min == 1 && request.file_bytes_max == UINT64_MAX);
  fhx__export_request_free(&request);
  static const char *const bad[] = {"0",    "-1",  "1.0", "1e3", "18446744073709551616",
                                    "null", "[1]", "{}",  "true"};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    char text[200];
    snprintf(text, sizeof text, BODY(NUMBER("_minimumFileSize", "valuePositiveInt", "%s")), bad[i]);
    expect_refused(text, "value", "_minimumFileSize: ");
  }
  expect_refused(BODY(STRING("_minimumFileSize", "500")), "value", "a valuePositiveInt");
  expect_refused(BODY(NUMBER("_type", "valuePositiveInt", "500")), "value", "a valueString");
  expect_refused(BODY(LEAST("500") "," MOST("500")), "value", "not more than _minimumFileSize");
  expect_refused(BODY(MOST("400") "," LEAST("500")), "value", "not more than _minimumFileSize");
  expect_refused(BODY(MOST("99")), "not-supported", "the least that this server takes is 100");
  expect_refused(BODY(LEAST("1001")), "not-supported", "at most 1000 bytes");
  expect_skipped(BODY(MOST("99")), "_maximumFileSize: the least");
  expect_skipped(BODY(LEAST("1001")), "_minimumFileSize: files of this server");
  /* There is none by STU3. */
  fhx__problem problem;
  test_require_status(read_as(false, false, BODY(LEAST("1")), &request, &problem),
                      FHX_ERR_ARGUMENT);
  test_require(strstr(problem.text, "_minimumFileSize: not a parameter of this server") != NULL);
}

/* The names of both are known to logs. */
static void names(void **state) {
  (void)state;
  static const fhx__parameter given[] = {{"_minimumFileSize", "1", FHX__VALUE_NUMBER},
                                         {"includeAssociatedData", "_x", FHX__VALUE_CODING},
                                         {"_x", "1", FHX__VALUE_NUMBER}};
  const fhx__kick_off kick_off = {.parameters = given, .parameter_count = 3};
  char text[FHX__PARAMETER_NAMES_MAX];
  fhx__export_parameter_names(&kick_off, text);
  assert_string_equal(text, "_minimumFileSize,includeAssociatedData,(unknown)");
}

static void out_of_memory(void **state) {
  static const char text[] =
      BODY(STRING("_type", "Patient") "," STRING("_type", "Foo") "," STRING(
          "_typeFilter", "Patient?gender=female") "," INCLUDED("{\"code\":\"_people\"}") ","
          INCLUDED("{\"code\":\"a\",\"system\":\"urn:b\"}") "," LEAST("2000") "," MOST("500"));
  bool failed = true;
  uint64_t count = 0;
  (void)state;
  while (failed) {
    fhx__export_request request;
    fhx__problem problem;
    test_memory_begin(++count);
    int32_t status = read_as(true, true, text, &request, &problem);
    fhx__export_request_free(&request);
    failed = test_memory_end();
    test_require_status(status, failed ? FHX_ERR_NO_MEMORY : FHX_OK);
  }
  assert_true(count > 10);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(one_value_each), cmocka_unit_test(codings),
      cmocka_unit_test(file_sizes),     cmocka_unit_test(names),
      cmocka_unit_test(out_of_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
