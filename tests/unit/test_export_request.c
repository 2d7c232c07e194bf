/*
 * What a kick-off by GET asks for (PARAM-01 to PARAM-03, PARAM-05 to PARAM-08, PARAM-10, PARAM-12,
 * PARAM-14, PARAM-25, PARAM-29, AUTH-18, ERR-05). By POST: test_parameters.c; what else is
 * exported, and how it is arranged: test_output_request.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

#include "request/request.h"
#include "select/filter.h"
#include "support/memory.h"
#include "support/require.h"

#define TARGET_MAX 32768

static int32_t read_query(const char *query, bool lenient, const char *permitted,
                          fhx__export_request *request, fhx__problem *problem) {
  static char text[TARGET_MAX];
  fhx__target target;
  test_scenario("%.100s, %s, permitted %.40s", query, lenient ? "lenient" : "strict",
                permitted == NULL ? "all" : permitted);
  snprintf(text, sizeof text, "/$export?%s", query);
  int32_t status = fhx__target_read(text, TARGET_MAX, &target, problem);
  memset(request, 0, sizeof *request);
  if (status != FHX_OK) return status;
  fhx__export_rules rules;
  const fhx__export_settings settings = {.fhir_version = FHX_FHIR_R4};
  status = fhx__export_rules_init(&rules, &settings, NULL);
  fhx__kick_off kick_off = {.parameters = target.parameters,
                            .parameter_count = target.parameter_count,
                            .base_url = "https://fhir.example.org/r4",
                            .lenient = lenient,
                            .permitted_types = permitted};
  if (status == FHX_OK) status = fhx__export_request_read(&rules, &kick_off, request, problem);
  fhx__export_rules_free(&rules);
  fhx__target_free(&target);
  return status;
}

static fhx__export_request read_good(const char *query, bool lenient, const char *permitted) {
  fhx__export_request request;
  fhx__problem problem = {0, "", ""};
  int32_t status = read_query(query, lenient, permitted, &request, &problem);
  if (status == FHX_ERR_ARGUMENT) fail_msg("%s: %s", query, problem.text);
  test_require_status(status, FHX_OK);
  return request;
}

static void check_refused(const char *query, bool lenient, const char *permitted,
                          uint32_t http_status, const char *words) {
  fhx__export_request request;
  fhx__problem problem;
  test_require_status(read_query(query, lenient, permitted, &request, &problem), FHX_ERR_ARGUMENT);
  test_require(problem.http_status == http_status);
  test_require((http_status == 403) == (strcmp(problem.issue_code, "forbidden") == 0));
  if (strstr(problem.text, words) == NULL) fail_msg("%s: %s", query, problem.text);
  test_require(request.filter == NULL && request.skipped.data == NULL);
}

/* The filter's types, with commas. */
static void check_types(const char *query, bool lenient, const char *permitted,
                        const char *expected) {
  static char types[TARGET_MAX];
  fhx__export_request request = read_good(query, lenient, permitted);
  size_t len = 0;
  types[0] = '\0';
  for (size_t i = 0; i < request.filter->type_count; i++) {
    len += (size_t)snprintf(types + len, sizeof types - len, "%s%s", i == 0 ? "" : ",",
                            request.filter->types[i]);
  }
  assert_string_equal(types, expected);
  fhx__export_request_free(&request);
  test_require(request.filter == NULL);
}

/* PARAM-08, PARAM-12 */
static void types_asked_for(void **state) {
  (void)state;
  check_types("", false, NULL, "");
  check_types("_type=Patient", false, NULL, "Patient");
  check_types("_type=Observation,Patient", false, NULL, "Observation,Patient");
  check_types("_type=Patient%2CCondition", false, NULL, "Patient,Condition");
  check_types("_type=Patient&_type=Observation,Device&_type=Group", false, NULL,
              "Patient,Observation,Device,Group");
  check_types("_type=Patient,Patient&_type=Device,Patient", false, NULL, "Patient,Device");
  /* PARAM-29: empty is absent, also where another is given. */
  check_types("_type=", false, NULL, "");
  check_types("_type", false, NULL, "");
  check_types("_type=&_type=Patient&_type", false, NULL, "Patient");
}

/* PARAM-10: what is no type, is named if it has the form of one; else it is not repeated. */
static void unknown_types(void **state) {
  static const struct {
    const char *query;
    const char *words;
  } cases[] = {
      {"_type=Foo", "_type: Foo is not"},
      {"_type=patient", "_type: one of the names is not"},
      {"_type=PATIENT", "_type: PATIENT is not"},
      {"_type=Patient,Foo", "_type: Foo is not"},
      {"_type=Patient&_type=Foo", "_type: Foo is not"},
      {"_type=Resource", "_type: Resource is not"},
      {"_type=DomainResource", "_type: DomainResource is not"},
      {"_type=NutritionProduct", "_type: NutritionProduct is not"},
      {"_type=Patien", "_type: Patien is not"},
      {"_type=Patients", "_type: Patients is not"},
      {"_type=Patient,%20Device", "_type: one of the names is not"},
      {"_type=Patient+,Device", "_type: one of the names is not"},
      {"_type=Patient,,Device", "_type: one of the names is not"},
      {"_type=Patient,", "_type: one of the names is not"},
      {"_type=,", "_type: one of the names is not"},
      {"_type=Patient;Device", "_type: one of the names is not"},
      {"_type=Patient/12345", "_type: one of the names is not"},
  };
  char query[128] = "_type=";
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    check_refused(cases[i].query, false, NULL, 400, cases[i].words);
  }
  /* The longest name that has the form, and one letter more. */
  memset(query + 6, 'A', 64);
  check_refused(query, false, NULL, 400, "_type: AAAA");
  query[70] = 'A';
  check_refused(query, false, NULL, 400, "_type: one of the names");
}

/* PARAM-03; the second with the `+` as it stands, which a query turns into a space. */
static void output_formats(void **state) {
  static const char *const good[] = {"_outputFormat=application%2Ffhir%2Bndjson",
                                     "_outputFormat=application/fhir+ndjson",
                                     "_outputFormat=application/ndjson",
                                     "_outputFormat=ndjson",
                                     "_outputFormat=",
                                     "_outputFormat=&_outputFormat=ndjson"};
  static const char *const bad[] = {
      "_outputFormat=json",
      "_outputFormat=application/fhir+json",
      "_outputFormat=application/fhir++ndjson",
      "_outputFormat=application/fhir-ndjson",
      "_outputFormat=ndjson+",
      "_outputFormat=text/csv",
      "_outputFormat=parquet",
  };
  (void)state;
  for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) check_types(good[i], false, NULL, "");
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    check_refused(bad[i], false, NULL, 400, "_outputFormat: not supported; send application/fhir+");
    check_refused(bad[i], true, NULL, 400, "_outputFormat");
  }
}

/* PARAM-05, PARAM-06, PARAM-07 */
static void windows(void **state) {
  static const struct {
    const char *value;
    int64_t us;
    const char *kept;
  } cases[] = {
      {"1970-01-01T00:00:01Z", 1000000, "1970-01-01T00:00:01Z"},
      {"1970-01-01T00:00:00.5%2B00:00", 500000, "1970-01-01T00:00:00.5+00:00"},
      {"1970-01-01T01:00:00+01:00", 0, "1970-01-01T01:00:00+01:00"},
      {"1970-01-01T01:00:00%2001:00", 0, "1970-01-01T01:00:00+01:00"},
      {"1969-12-31T19:00:00.00000000000000000001-05:00", 0,
       "1969-12-31T19:00:00.00000000000000000001-05:00"},
  };
  char query[256];
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    snprintf(query, sizeof query, "_since=%s", cases[i].value);
    fhx__export_request request = read_good(query, false, NULL);
    test_require(request.filter->has_since && !request.filter->has_until);
    test_require(request.filter->since.us == cases[i].us);
    assert_string_equal(request.filter->since_text, cases[i].kept);
    fhx__export_request_free(&request);
    snprintf(query, sizeof query, "_until=%s&_since=", cases[i].value);
    request = read_good(query, false, NULL);
    test_require(request.filter->has_until && !request.filter->has_since);
    test_require(request.filter->until.us == cases[i].us);
    assert_string_equal(request.filter->until_text, cases[i].kept);
    fhx__export_request_free(&request);
  }
  /* PARAM-07: nothing lies in it, but it may be asked for. */
  check_types("_since=2024-01-01T00:00:00Z&_until=2023-01-01T00:00:00Z", false, NULL, "");
}

static void bad_windows(void **state) {
  static const char *const values[] = {
      "yesterday",
      "2020",
      "2020-01-01",
      "2020-13-01T00:00:00Z",
      "2020-02-30T00:00:00Z",
      "2020-01-01T00:00:00",
      "2020-01-01T00:00Z",
      "2020-01-01+00:00:00Z",
      "2020-01-01T00:00:00++01:00",
      "2020-01-01T00:00:00+%2B01:00",
      "2020-01-01T00:00:00+Z",
      "2020-01-01T00:00:00+-01:00",
      "2020-01-01T00:00:00Z+",
      "+2020-01-01T00:00:00Z",
      "+00:00",
      "+",
      "ge2020-01-01T00:00:00Z",
  };
  char query[128];
  (void)state;
  for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
    for (int is_lenient = 0; is_lenient < 2; is_lenient++) {
      snprintf(query, sizeof query, "_since=%s", values[i]);
      check_refused(query, is_lenient != 0, NULL, 400, "_since: not a FHIR instant; send");
      snprintf(query, sizeof query, "_until=%s", values[i]);
      check_refused(query, is_lenient != 0, NULL, 400, "_until: not a FHIR instant; send");
    }
  }
}

/* PARAM-25 */
static void given_twice(void **state) {
  (void)state;
  check_refused("_since=2020-01-01T00:00:00Z&_since=2020-01-01T00:00:00Z", false, NULL, 400,
                "_since: given twice");
  check_refused("_until=2020-01-01T00:00:00Z&_type=Patient&_until=x", true, NULL, 400,
                "_until: given twice");
  check_refused("_outputFormat=ndjson&_outputFormat=ndjson", false, NULL, 400,
                "_outputFormat: given twice");
  check_types("_since=&_since=2020-01-01T00:00:00Z&_since=", false, NULL, "");
}

/* PARAM-13, PARAM-29: the filter's elements, and the sentences of what was ignored. */
static void check_elements(const char *query, bool lenient, const char *expected) {
  char text[2000] = "";
  size_t len = 0;
  fhx__export_request request = read_good(query, lenient, NULL);
  for (size_t i = 0; i < request.filter->element_count; i++) {
    len += (size_t)snprintf(text + len, sizeof text - len, " %s", request.filter->elements[i]);
  }
  for (size_t at = 0; at < request.skipped.len; at += strlen(request.skipped.data + at) + 1) {
    len += (size_t)snprintf(text + len, sizeof text - len, " (%s)", request.skipped.data + at);
  }
  assert_string_equal(text, expected);
  fhx__export_request_free(&request);
}

#define NO_ELEMENT                                                                           \
  "_elements: not a root element such as Patient.birthDate or birthDate; what is below one " \
  "cannot "                                                                                  \
  "be named"

static void elements_asked_for(void **state) {
  static const char *const malformed[] = {"_elements=Patient.name.family",
                                          "_elements=Patient",
                                          "_elements=id,",
                                          "_elements=,id",
                                          "_elements=id,,meta",
                                          "_elements=,",
                                          "_elements=id,%20meta",
                                          "_elements=secret%20element",
                                          "_elements=patient.name",
                                          "_elements=id&_elements=Patient.",
                                          "_elements=Patient.name%00"};
  char many[300];
  (void)state;
  memset(many, 'q', sizeof many);
  check_elements("_elements=Patient.birthDate", false, " Patient.birthDate");
  check_elements("_elements=Patient.birthDate,subject&_elements=id,subject", false,
                 " Patient.birthDate subject id");
  check_elements("_elements=&_elements=id&_elements", false, " id");
  check_elements("_elements=Patient%2EbirthDate%2Cid", false, " Patient.birthDate id");
  for (size_t i = 0; i < sizeof malformed / sizeof malformed[0]; i++) {
    bool is_target_fault = strstr(malformed[i], "%00") != NULL;
    check_refused(malformed[i], false, NULL, 400, is_target_fault ? "control" : NO_ELEMENT);
  }
  check_refused("_elements=id,Patient.foo", false, NULL, 400,
                "_elements: Patient.foo is not a root element of a resource type in this version "
                "of FHIR; name root elements of FHIR R4");
  check_refused("_elements=Martian.id", false, NULL, 400, "_elements: Martian.id is not");
  check_refused("_elements=valueQuantity", false, NULL, 400, "_elements: valueQuantity is not");
  check_elements("_elements=id,Patient.foo,Patient.name.family,name,", true,
                 " id name (_elements: Patient.foo is not a root element of a resource type in "
                 "this version of FHIR; it was ignored) (" NO_ELEMENT
                 "; it was ignored) (" NO_ELEMENT "; it was ignored)");
  check_elements("_elements=foo", true,
                 " (_elements: foo is not a root element of a resource type in this version of "
                 "FHIR; it was ignored)");
  for (size_t count = 1; count < 300; count += 7) {
    char text[400];
    fhx__export_request request;
    fhx__problem problem;
    snprintf(text, sizeof text, "_elements=Patient.%.*s", (int)count, many);
    test_require_status(read_query(text, false, NULL, &request, &problem), FHX_ERR_ARGUMENT);
    test_require((strstr(problem.text, "qqq") != NULL) == (count > 2 && count <= 64 - 8));
  }
}

static void too_many_elements(void **state) {
  static char query[20000];
  (void)state;
  for (size_t count = 1023; count <= 1025; count++) {
    size_t len = (size_t)snprintf(query, sizeof query, "_elements=id");
    for (size_t i = 1; i < count; i++) {
      const char *name = i % 200 == 0 ? "&_elements=x" : i % 2 == 0 ? ",id" : ",Goal.note";
      len += (size_t)snprintf(query + len, sizeof query - len, "%s", name);
    }
    if (count <= 1024) {
      fhx__export_request request = read_good(query, true, NULL);
      test_require(request.filter->element_count == 2);
      fhx__export_request_free(&request);
    } else {
      check_refused(query, true, NULL, 400, "_elements: more than 1024 are named");
    }
  }
}

/* PARAM-01 */
static void unknown_parameters(void **state) {
  static const struct {
    const char *query;
    const char *words;
  } cases[] = {
      {"_typefilter=Patient%3F", "_typefilter: not a parameter"},
      {"_Type=Patient", "_Type: not a parameter"},
      {"_type=Patient&foo=bar", "foo: not a parameter"},
      {"foo", "foo: not a parameter"},
      {"foo=", "foo: not a parameter"},
      {"=x", "a parameter whose name cannot be shown: not"},
      {"f%20o=x", "a parameter whose name cannot be shown: not"},
      {"f%C3%B6=x", "a parameter whose name cannot be shown: not"},
      /* PARAM-14: not in a query, and not silently everybody. */
      {"patient=Patient/1", "patient: give it as a valueReference"},
      {"patient", "patient: give it as a valueReference"},
  };
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    check_refused(cases[i].query, false, NULL, 400, cases[i].words);
  }
  check_refused("patient=Patient/1", true, NULL, 400, "patient: give it as a valueReference");
}

/* The sentences, which must be these, up to a NULL. */
static void check_skipped(const char *query, const char *const *sentences) {
  fhx__export_request request = read_good(query, true, NULL);
  size_t at = 0;
  for (; *sentences != NULL; sentences++) {
    test_require(at < request.skipped.len);
    assert_string_equal(request.skipped.data + at, *sentences);
    at += strlen(*sentences) + 1;
  }
  test_require(at == request.skipped.len);
  fhx__export_request_free(&request);
  test_require(request.skipped.data == NULL && request.skipped.len == 0);
}

/* PARAM-02, KICK-12 */
static void lenient(void **state) {
  static const char *const nothing[] = {NULL};
  static const char *const two[] = {
      "foo: not a parameter of this server; it was ignored",
      "a parameter whose name cannot be shown: not a parameter of this server; it was ignored",
      NULL};
  static const char *const types[] = {
      "Foo is not a resource type of FHIR R4; it was ignored",
      "one of the names is not a resource type of FHIR R4; it was ignored", NULL};
  (void)state;
  check_skipped("_type=Patient", nothing);
  check_skipped("foo=bar&_type=Patient&%20=secret", two);
  check_skipped("_type=Foo,Patient&_type=%20Device", types);
  check_types("_type=Foo,Patient&_type=%20Device", true, NULL, "Patient");
  /* What remains of nothing but unknown types is not "all types". */
  check_refused("_type=Foo", true, NULL, 400, "_type: none of the names");
  check_refused("_type=,&foo=bar", true, NULL, 400, "_type: none of the names");
  check_refused("_type=Foo", true, "Patient", 400, "_type: none of the names");
}

/* However many are skipped, the sentences are bounded. */
static void skipped_without_end(void **state) {
  static char query[TARGET_MAX];
  size_t count = 0, len = 0;
  (void)state;
  for (int i = 0; i < 3000; i++) len += (size_t)snprintf(query + len, sizeof query - len, "&a");
  fhx__export_request request = read_good(query, true, NULL);
  const char *last = request.skipped.data;
  for (const char *at = last; at < request.skipped.data + request.skipped.len; count++) {
    last = at;
    at += strlen(at) + 1;
  }
  assert_int_equal(count, 101);
  assert_string_equal(last, "more was ignored than is told here");
  fhx__export_request_free(&request);
}

/* AUTH-18: never more than the client may read, whatever it asks for. */
static void permitted(void **state) {
  (void)state;
  check_types("_type=Patient", false, "Patient", "Patient");
  check_types("_type=Device,Patient", false, "Patient,Observation,Device", "Device,Patient");
  check_types("", false, "Patient,Observation", "Patient,Observation");
  check_types("_type=", false, "Patient,Patient", "Patient");
  check_types("", false, "Patient,,no type,OfTheHost", "Patient,OfTheHost");
  check_types("foo=bar", true, "Patient", "Patient");
  check_refused("_type=Patient,Device", false, "Patient", 403, "_type: this client may not read D");
  check_refused("_type=Patient,Device", true, "Patient", 403, "_type: this client may not read D");
  check_refused("_type=Patient", false, "Patients,APatient,patient", 403, "may not read Patient");
  check_refused("_type=Patient", false, "", 403, "may not read Patient");
  check_refused("", false, "", 403, "may not read any type");
  check_refused("", false, ",", 403, "may not read any type");
  check_refused("", true, "*", 403, "may not read any type");
  /* No type at all comes before a type that may not be read. */
  check_refused("_type=Foo", false, "Patient", 400, "_type: Foo is not");
}

/* ERR-03: no value is repeated. */
static void nothing_repeated(void **state) {
  static const char *const queries[] = {
      "foo=secret-1",           "_type=secret-1", "_since=secret-1", "_until=secret-1",
      "_outputFormat=secret-1", "secret+1=x",     "_type=Secret/1",  "_since=x&foo=secret-1"};
  (void)state;
  for (size_t i = 0; i < sizeof queries / sizeof queries[0]; i++) {
    fhx__export_request request;
    fhx__problem problem;
    test_require_status(read_query(queries[i], false, NULL, &request, &problem), FHX_ERR_ARGUMENT);
    test_require(strstr(problem.text, "ecret") == NULL);
  }
}

static void out_of_memory(void **state) {
  static const char query[] =
      "_type=Patient,Device,Foo,Group,Account,Basic,Binary,Bundle,Claim,Goal&foo=bar&"
      "_elements=Patient.birthDate,foo,Goal.description.text&"
      "_since=2020-01-01T00:00:00+01:00&_until=2021-01-01T00:00:00Z&_outputFormat=ndjson";
  (void)state;
  for (int is_named = 0; is_named < 2; is_named++) {
    bool failed = true;
    uint64_t count = 0;
    while (failed) {
      fhx__export_request request;
      fhx__problem problem;
      test_memory_begin(++count);
      int32_t status = read_query(is_named != 0 ? query : "x=y", true,
                                  is_named != 0 ? NULL : "Patient,Device", &request, &problem);
      fhx__export_request_free(&request);
      failed = test_memory_end();
      test_require_status(status, failed ? FHX_ERR_NO_MEMORY : FHX_OK);
    }
    assert_true(count > 5);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(elements_asked_for),  cmocka_unit_test(too_many_elements),
      cmocka_unit_test(types_asked_for),     cmocka_unit_test(unknown_types),
      cmocka_unit_test(output_formats),      cmocka_unit_test(windows),
      cmocka_unit_test(bad_windows),         cmocka_unit_test(given_twice),
      cmocka_unit_test(unknown_parameters),  cmocka_unit_test(lenient),
      cmocka_unit_test(skipped_without_end), cmocka_unit_test(permitted),
      cmocka_unit_test(nothing_repeated),    cmocka_unit_test(out_of_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
