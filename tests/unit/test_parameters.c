/*
 * A kick-off by POST, and the levels of both methods (KICK-04, KICK-18, KICK-21, PARAM-08,
 * PARAM-11, PARAM-12, PARAM-14, PARAM-16, PARAM-25, PARAM-26, PARAM-28, PARAM-29, FILTER-22).
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

#define BASE "https://fhir.example.org/r4"
#define BODY_MAX 70000
#define PARAMETERS(list) "{\"resourceType\":\"Parameters\",\"parameter\":[" list "]}"
#define PATIENT(reference) \
  "{\"name\":\"patient\",\"valueReference\":{\"reference\":\"" reference "\"}}"

typedef struct asked {
  fhx__export_level level;
  bool lenient;
  const char *permitted;
  const char *associated;
  uint32_t version;
} asked;

static const asked system_level = {FHX__LEVEL_SYSTEM, false, NULL, NULL, 0};
static const asked patient_level = {FHX__LEVEL_PATIENT, false, NULL, NULL, 0};
static const asked group_level = {FHX__LEVEL_GROUP, false, NULL, NULL, 0};

/* A copy of exactly this size, so that the sanitizer sees what is read behind it. */
static int32_t read_bytes(const void *bytes, size_t len, fhx__body *body, fhx__problem *problem) {
  char *copy = malloc(len == 0 ? 1 : len);
  assert_non_null(copy);
  memcpy(copy, bytes, len);
  int32_t status = fhx__body_read(len == 0 ? NULL : copy, len, body, problem);
  free(copy);
  return status;
}

static int32_t read_list(const asked *as, const fhx__parameter *parameters, size_t count,
                         fhx__export_request *request, fhx__problem *problem) {
  fhx__export_rules rules;
  fhx__kick_off kick_off = {as->level,     as->level == FHX__LEVEL_GROUP ? "g.1" : NULL,
                            parameters,    count,
                            BASE,          as->lenient,
                            as->permitted, false};
  const fhx__export_settings settings = {.fhir_version = as->version,
                                         .associated_types = as->associated};
  int32_t status = fhx__export_rules_init(&rules, &settings, NULL);
  if (status == FHX_OK) status = fhx__export_request_read(&rules, &kick_off, request, problem);
  fhx__export_rules_free(&rules);
  return status;
}

static int32_t read_body(const asked *as, const char *text, fhx__export_request *request,
                         fhx__problem *problem) {
  fhx__body body;
  test_scenario("%d %s", (int)as->level, text);
  memset(request, 0, sizeof *request);
  int32_t status = read_bytes(text, strlen(text), &body, problem);
  if (status == FHX_OK) {
    status = read_list(as, body.parameters, body.parameter_count, request, problem);
  }
  fhx__body_free(&body);
  return status;
}

static void check_refused_as(const asked *as, const char *text, uint32_t http_status,
                             const char *words) {
  fhx__export_request request;
  fhx__problem problem = {0, "", ""};
  test_require_status(read_body(as, text, &request, &problem), FHX_ERR_ARGUMENT);
  test_require(problem.http_status == http_status);
  if (strstr(problem.text, words) == NULL) fail_msg("%s: %s", text, problem.text);
  test_require(strstr(problem.text, "secret") == NULL);
  test_require(request.filter == NULL && request.skipped.data == NULL);
}

static void check_refused(const char *text, const char *words) {
  check_refused_as(&patient_level, text, 400, words);
}

/* Everything that a request says, as text. */
static char *describe(fhx__export_request *request) {
  const fhx_filter *filter = request->filter;
  char *text = malloc(BODY_MAX);
  assert_non_null(text);
  int len = snprintf(text, BODY_MAX, "%s%s%s:", filter->all_patients ? "all patients" : "",
                     filter->group_id == NULL ? "" : "Group ",
                     filter->group_id == NULL ? "" : filter->group_id);
  fhx__filter_seal(request->filter);
  for (size_t i = 0; i < filter->type_count; i++) {
    len += snprintf(text + len, BODY_MAX - (size_t)len, " %s", filter->types[i]);
  }
  for (size_t i = 0; i < filter->patient_count; i++) {
    len += snprintf(text + len, BODY_MAX - (size_t)len, " Patient/%s", filter->patients[i]);
  }
  if (filter->has_since) {
    len += snprintf(text + len, BODY_MAX - (size_t)len, " since %s", filter->since_text);
  }
  if (filter->has_until) {
    len += snprintf(text + len, BODY_MAX - (size_t)len, " until %s", filter->until_text);
  }
  for (size_t i = 0; i < filter->element_count; i++) {
    len += snprintf(text + len, BODY_MAX - (size_t)len, " .%s", filter->elements[i]);
  }
  const fhx__buffer *skipped = &request->skipped;
  for (size_t at = 0; at < skipped->len; at += strlen(skipped->data + at) + 1) {
    len += snprintf(text + len, BODY_MAX - (size_t)len, " (%s)", skipped->data + at);
  }
  fhx__export_request_free(request);
  return text;
}

static void check_as(const asked *as, const char *text, const char *expected) {
  fhx__export_request request;
  fhx__problem problem = {0, "", ""};
  int32_t status = read_body(as, text, &request, &problem);
  if (status == FHX_ERR_ARGUMENT) fail_msg("%s: %s", text, problem.text);
  test_require_status(status, FHX_OK);
  char *described = describe(&request);
  assert_string_equal(described, expected);
  free(described);
}

static void check(const char *text, const char *expected) {
  check_as(&patient_level, text, expected);
}

/* --- the resource --- */

/* KICK-21: no body is no parameters. */
static void bodies(void **state) {
  (void)state;
  check("", "all patients:");
  check("{\"resourceType\":\"Parameters\"}", "all patients:");
  check(PARAMETERS(""), "all patients:");
  check(" \n{\"parameter\" : [ ] , \"id\":\"1\",\"resourceType\":\"Parameters\"}\n",
        "all patients:");
}

static void no_parameters(void **state) {
  static const struct {
    const char *text;
    const char *words;
  } cases[] = {
      {" ", "the body: this is not JSON"},
      {"secret", "the body: this is not JSON"},
      {"_type=Patient", "the body: this is not JSON"},
      {"{\"resourceType\":\"Parameters\"", "the body: this is not JSON"},
      {"{\"resourceType\":\"Parameters\"}}", "the body: this is not JSON"},
      {"{\"resourceType\":\"Parameters\",}", "the body: this is not JSON"},
      {"\xEF\xBB\xBF{\"resourceType\":\"Parameters\"}", "the body: this is not JSON"},
      {"{\"resourceType\":\"Parameters\",\"id\":\"\xFF\"}", "the body: this is not JSON"},
      {"{\"resourceType\":\"Parameters\",\"i\\u0000d\":1}", "the body: this is not JSON"},
      {"null", "not a Parameters resource"},
      {"[]", "not a Parameters resource"},
      {"\"Parameters\"", "not a Parameters resource"},
      {"{}", "not a Parameters resource"},
      {"{\"resourceType\":\"Bundle\"}", "not a Parameters resource"},
      {"{\"resourceType\":[\"Parameters\"]}", "not a Parameters resource"},
      {"{\"resourceType\":\"Parameters\",\"parameter\":{}}", "parameter is not an array"},
      {PARAMETERS("1"), "an object with a name"},
      {PARAMETERS("{}"), "an object with a name"},
      {PARAMETERS("[]"), "an object with a name"},
      {PARAMETERS("{\"name\":1,\"valueString\":\"x\"}"), "an object with a name"},
      {PARAMETERS("{\"name\":\"\",\"valueString\":\"x\"}"), "an object with a name"},
      {"{\"resourceType\":\"Parameters\",\"resourceType\":\"Parameters\"}", "the same key twice"},
      {PARAMETERS("{\"name\":\"_type\",\"name\":\"_type\",\"valueString\":\"Patient\"}"),
       "the same key twice"},
      {PARAMETERS("{\"name\":\"_type\",\"n\\u0061me\":\"x\",\"valueString\":\"Patient\"}"),
       "the same key twice"},
      {PARAMETERS("{\"name\":\"patient\",\"valueReference\":{\"reference\":\"Patient/1\","
                  "\"display\":\"x\",\"reference\":\"Patient/2\"}}"),
       "the same key twice"},
      {PARAMETERS("{\"name\":\"x\",\"resource\":{\"a\":[{\"b\":1,\"b\":1}]}}"),
       "the same key twice"},
  };
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    check_refused(cases[i].text, cases[i].words);
  }
}

/* ERR-08: as deep as is taken, one level more, and very deep. */
static void depth(void **state) {
  static char text[BODY_MAX];
  static const size_t depths[] = {62, 63, 30000};
  (void)state;
  for (size_t i = 0; i < sizeof depths / sizeof depths[0]; i++) {
    size_t len = (size_t)snprintf(text, sizeof text, "{\"resourceType\":\"Parameters\",\"x\":");
    memset(text + len, '[', depths[i] + 1);
    memset(text + len + depths[i] + 1, ']', depths[i] + 1);
    memcpy(text + len + 2 * depths[i] + 2, "}", 2);
    if (i == 0) check(text, "all patients:");
    if (i != 0) check_refused(text, "the body: it is too long, or nested too deeply");
  }
}

/* A great many keys cost no more than their number. */
static void many_keys(void **state) {
  static char text[1 << 20];
  size_t len = (size_t)snprintf(text, sizeof text, "{\"resourceType\":\"Parameters\"");
  (void)state;
  for (int i = 0; i < 90000; i++) {
    len += (size_t)snprintf(text + len, sizeof text - len, ",\"%d\":0", i);
  }
  snprintf(text + len, sizeof text - len, "}");
  check(text, "all patients:");
  snprintf(text + len, sizeof text - len, ",\"44444\":0}");
  check_refused(text, "the same key twice");
}

/* --- values --- */

static void value_text(char *text, const char *name, const char *key, const char *value) {
  snprintf(text, BODY_MAX, PARAMETERS("{\"name\":\"%s\",\"%s\":%s}"), name, key, value);
}

/* PARAM-26: as what each value may come, and as what not. */
static void value_types(void **state) {
  static const char *const keys[] = {
      "valueString",  "valueCode",      "valueUri",       "valueInstant",  "valueDateTime",
      "valueBoolean", "valueReference", "valueCanonical", "valueMarkdown", "valueDate",
      "valueCoding",  "resource",       "part",           "_valueString",  "value"};
  static const struct {
    const char *name;
    const char *value;
    const char *expected;
    /* A letter for each key. */
    const char *taken;
  } cases[] = {
      {"_type", "\"Patient\"", "all patients: Patient", "yyynnnnnnnnnnnn"},
      {"_outputFormat", "\"ndjson\"", "all patients:", "yyynnnnnnnnnnnn"},
      {"_elements", "\"id,Patient.name\"", "all patients: .id .Patient.name", "yyynnnnnnnnnnnn"},
      {"_since", "\"2020-01-01T00:00:00Z\"", "all patients: since 2020-01-01T00:00:00Z",
       "ynnyynnnnnnnnnn"},
      {"_until", "\"2020-01-01T00:00:00Z\"", "all patients: until 2020-01-01T00:00:00Z",
       "ynnyynnnnnnnnnn"},
      {"patient", "{\"reference\":\"Patient/1\"}", "all patients: Patient/1", "nnnnnnynnnnnnnn"},
  };
  static char text[BODY_MAX];
  char words[64];
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    snprintf(words, sizeof words, "%s: give it as a value", cases[i].name);
    for (size_t k = 0; k < sizeof keys / sizeof keys[0]; k++) {
      value_text(text, cases[i].name, keys[k], cases[i].value);
      if (cases[i].taken[k] == 'y') check(text, cases[i].expected);
      if (cases[i].taken[k] != 'y') check_refused(text, words);
    }
    static const char *const wrong[] = {"1", "true", "null", "[]", "{}"};
    for (size_t k = 0; k < sizeof wrong / sizeof wrong[0]; k++) {
      value_text(text, cases[i].name, "valueString", wrong[k]);
      check_refused(text, words);
      value_text(text, cases[i].name, "valueReference", wrong[k]);
      check_refused(text, words);
    }
    snprintf(text, sizeof text, PARAMETERS("{\"name\":\"%s\"}"), cases[i].name);
    check_refused(text, words);
  }
}

/* Exactly one value, also of a parameter that is skipped. */
static void two_values(void **state) {
  const asked lenient = {FHX__LEVEL_PATIENT, true, NULL, NULL, 0};
  (void)state;
  check_refused(PARAMETERS("{\"name\":\"_type\",\"valueString\":\"Patient\",\"valueCode\":\"x\"}"),
                "_type: more than one value");
  check_refused(PARAMETERS("{\"name\":\"_type\",\"valueString\":\"Patient\",\"part\":[]}"),
                "_type: more than one value");
  check_refused_as(&lenient, PARAMETERS("{\"name\":\"x\",\"valueString\":\"y\",\"resource\":{}}"),
                   400, "x: more than one value");
  check_refused(PARAMETERS("{\"name\":\"_type\",\"valueString\":\"Patient\","
                           "\"modifierExtension\":[]}"),
                "_type: this server knows no modifierExtension");
}

/* What a query may leave out of its encoding has no place here; PARAM-28. */
static void texts(void **state) {
  (void)state;
  check(PARAMETERS("{\"name\":\"_outputFormat\",\"valueString\":\"application/fhir+ndjson\"}"),
        "all patients:");
  check_refused(PARAMETERS("{\"name\":\"_outputFormat\",\"valueString\":\"application/fhir ndjson"
                           "\"}"),
                "_outputFormat: not supported");
  check(PARAMETERS("{\"name\":\"_since\",\"valueInstant\":\"2020-01-01T00:00:00+01:00\"}"),
        "all patients: since 2020-01-01T00:00:00+01:00");
  check_refused(PARAMETERS("{\"name\":\"_since\",\"valueInstant\":\"2020-01-01T00:00:00 01:00\"}"),
                "_since: not a FHIR instant");
  check_refused(PARAMETERS("{\"name\":\"_since\",\"valueDateTime\":\"2020-01-01\"}"),
                "_since: not a FHIR instant");
  check(PARAMETERS("{\"name\":\"_typ\\u0065\",\"valueString\":\"P\\u0061tient\"}"),
        "all patients: Patient");
  check_refused(PARAMETERS("{\"name\":\"_type\",\"valueString\":\"Patient\\u0000secret\"}"),
                "_type: control characters");
  check_refused(PARAMETERS("{\"name\":\"_type\\u0000secret\",\"valueString\":\"Patient\"}"),
                "the name of a parameter: control characters");
  check_refused(PARAMETERS("{\"name\":\"x\",\"valueString\":\"\\n\"}"), "x: control characters");
  check_refused(PARAMETERS("{\"name\":\"x\",\"valueString\":\"\\u0085\"}"),
                "x: control characters");
  check_refused(PARAMETERS(PATIENT("Patient/1\\u0000secret")), "patient: control characters");
}

/* --- patient --- */

/* PARAM-14, PARAM-16: at Patient and at Group level, repeated, doubles once. */
static void patients(void **state) {
  (void)state;
  check(PARAMETERS(PATIENT("Patient/1")), "all patients: Patient/1");
  check(PARAMETERS(PATIENT(BASE "/Patient/a-B.9")), "all patients: Patient/a-B.9");
  check(PARAMETERS(PATIENT("Patient/2") "," PATIENT("Patient/1") "," PATIENT(
            BASE "/Patient/2") "," PATIENT("Patient/1")),
        "all patients: Patient/1 Patient/2");
  check_as(&group_level, PARAMETERS(PATIENT("Patient/1")), "Group g.1: Patient/1");
  check(PARAMETERS("{\"name\":\"patient\",\"valueReference\":{\"display\":\"x\",\"type\":"
                   "\"Patient\",\"reference\":\"Patient/1\"}}"),
        "all patients: Patient/1");
}

static void no_patients(void **state) {
  static const char *const references[] = {
      "",
      "secret",
      "Patient",
      "Patient/",
      "Patient/1/",
      "patient/1",
      "Practitioner/1",
      "Patient/secret_1",
      "Patient/1/_history/1",
      "Patient/1?secret",
      "#1",
      "#Patient/1",
      "/Patient/1",
      "urn:uuid:c757873d-ec9a-4326-a141-556f43239520",
      "https://other.example.org/r4/Patient/1",
      "https://fhir.example.org/Patient/1",
      "https://fhir.example.org/r4Patient/1",
      "https://fhir.example.org/r4/secret/Patient/1",
      "https://fhir.example.org/r4//Patient/1",
      "https://fhir.example.org/r4",
      "http://fhir.example.org/r4/Patient/1",
      "Patient/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
  };
  const asked lenient = {FHX__LEVEL_GROUP, true, NULL, NULL, 0};
  static char text[BODY_MAX];
  (void)state;
  for (size_t i = 0; i < sizeof references / sizeof references[0]; i++) {
    snprintf(text, sizeof text, PARAMETERS(PATIENT("Patient/1") "," PATIENT("%s")), references[i]);
    check_refused(text, "patient: not a reference to a Patient of this server");
    check_refused_as(&lenient, text, 400, "patient: not a reference to a Patient of this server");
  }
  check_refused(PARAMETERS("{\"name\":\"patient\",\"valueReference\":{\"identifier\":{}}}"),
                "patient: give it as a valueReference with a reference");
  /* PARAM-14: of the whole system it would be another export than was asked for. */
  check_refused_as(&system_level, PARAMETERS(PATIENT("Patient/1")), 400,
                   "patient: not for an export of the whole system");
}

/* --- types and levels --- */

/* PARAM-08, PARAM-12, PARAM-25, PARAM-29, PARAM-01, PARAM-02: as by GET. */
static void as_by_get(void **state) {
#define TYPE(value) "{\"name\":\"_type\",\"valueString\":\"" value "\"}"
#define SINCE "{\"name\":\"_since\",\"valueInstant\":\"2020-01-01T00:00:00Z\"}"
  const asked lenient = {FHX__LEVEL_SYSTEM, true, NULL, NULL, 0};
  (void)state;
  check(PARAMETERS(TYPE("Patient,Observation") "," TYPE("Patient") "," TYPE("Goal")),
        "all patients: Patient Observation Goal");
  check(PARAMETERS(TYPE("")), "all patients:");
  check_refused(PARAMETERS(TYPE("Martian")), "_type: Martian is not a resource type of FHIR R4");
  check_refused(PARAMETERS(SINCE "," SINCE), "_since: given twice");
  check_refused(PARAMETERS("{\"name\":\"_typo\",\"valueString\":\"secret\"}"),
                "_typo: not a parameter of this server");
  check_as(&lenient,
           PARAMETERS("{\"name\":\"_typo\"},{\"name\":\"x\",\"part\":[{}]}," TYPE("Goal,Martian")),
           ": Goal (_typo: not a parameter of this server; it was ignored) (x: not a parameter of "
           "this server; it was ignored) (Martian is not a resource type of FHIR R4; it was "
           "ignored)");
}

/* FILTER-22: the same request by both methods, at every level. */
static void same_by_both(void **state) {
  static const char query[] =
      "/?_type=Patient,Observation&_type=Goal,Foo&_since=2020-01-01T00:00:00%2B01:00&"
      "_until=2021-01-01T00:00:00Z&_outputFormat=ndjson&x=y&_elements=id,Goal.note,x";
  static const char text[] = PARAMETERS(
      "{\"name\":\"_type\",\"valueString\":\"Patient,Observation\"},{\"name\":\"_type\","
      "\"valueCode\":\"Goal,Foo\"},{\"name\":\"_since\",\"valueInstant\":"
      "\"2020-01-01T00:00:00+01:00\"},{\"name\":\"_until\",\"valueString\":"
      "\"2021-01-01T00:00:00Z\"},{\"name\":\"_outputFormat\",\"valueString\":\"ndjson\"},"
      "{\"name\":\"x\",\"valueString\":\"y\"},{\"name\":\"_elements\",\"valueString\":\"id\"},"
      "{\"name\":\"_elements\",\"valueCode\":\"Goal.note,x\"}");
  (void)state;
  for (int i = 0; i < 3; i++) {
    const asked as = {(fhx__export_level)i, true, "Patient,Group,Observation,Goal", NULL, 0};
    fhx__export_request request;
    fhx__target target;
    fhx__problem problem;
    test_require_status(fhx__target_read(query, BODY_MAX, &target, &problem), FHX_OK);
    test_require_status(
        read_list(&as, target.parameters, target.parameter_count, &request, &problem), FHX_OK);
    fhx__target_free(&target);
    char *by_get = describe(&request);
    test_require(strstr(by_get, " Patient Observation Goal since 2020") != NULL);
    test_require(strstr(by_get, " .id .Goal.note (") != NULL);
    check_as(&as, text, by_get);
    free(by_get);
  }
}

/* PARAM-11: strictly, types that the export cannot have are the job's to refuse; leniently they are
   left out, but for those that go along with patients' data or may be members. */
static void types_without_patients(void **state) {
  asked as = {FHX__LEVEL_PATIENT, true, NULL, NULL, 0};
  static const char text[] = PARAMETERS(TYPE("Patient,Device,Organization"));
#define LEFT_OUT(name) \
  " (" name " is not in the Patient compartment, so that this export has none; it was ignored)"
  (void)state;
  check(text, "all patients: Patient Device Organization");
  check_as(&as, text, "all patients: Patient" LEFT_OUT("Device") LEFT_OUT("Organization"));
  as.associated = "Location,Organization";
  check_as(&as, text, "all patients: Patient Organization" LEFT_OUT("Device"));
  as.associated = NULL;
  as.level = FHX__LEVEL_GROUP;
  check_as(&as, text, "Group g.1: Patient Device" LEFT_OUT("Organization"));
  as.version = FHX_FHIR_R5;
  check_as(&as, text, "Group g.1: Patient Device Organization");
  as.version = 0;
  check_refused_as(&as, PARAMETERS(TYPE("Organization")), 400, "_type: none of the names");
  as.level = FHX__LEVEL_SYSTEM;
  check_as(&as, text, ": Patient Device Organization");
}

static void versions(void **state) {
  static const char text[] = PARAMETERS(TYPE("NutritionProduct"));
  asked as = {FHX__LEVEL_SYSTEM, false, NULL, NULL, FHX_FHIR_R4B};
  (void)state;
  check_as(&as, text, ": NutritionProduct");
  as.version = FHX_FHIR_R4;
  check_refused_as(&as, text, 400, "NutritionProduct is not a resource type of FHIR R4;");
}

/* KICK-18, and what is permitted where not all of it is there. */
static void permitted(void **state) {
  asked as = {FHX__LEVEL_GROUP, false, "Patient,Observation", NULL, 0};
  (void)state;
  check_refused_as(&as, "", 403, "this client may not read Groups");
  check_refused_as(&as, PARAMETERS(TYPE("Martian")), 403, "this client may not read Groups");
  as.permitted = "Group,Observation,Organization";
  check_as(&as, "", "Group g.1: Group Observation");
  as.level = FHX__LEVEL_PATIENT;
  as.permitted = "Observation,Organization";
  check_as(&as, "", "all patients: Observation");
  check_refused_as(&as, PARAMETERS(TYPE("Patient")), 403, "_type: this client may not read P");
  as.permitted = "Organization";
  check_refused_as(&as, "", 403, "this client may not read any type that this export");
  as.level = FHX__LEVEL_SYSTEM;
  check_as(&as, "", ": Organization");
}

/* --- Content-Type --- */

/* KICK-21 */
static void content_types(void **state) {
  static const char *const good[] = {
      "application/fhir+json",
      "application/json",
      "APPLICATION/Fhir+JSON",
      "application/fhir+json;charset=utf-8",
      "application/json ; Charset = \"UTF-8\"",
      "application/fhir+json; fhirVersion=4.0; charset=utf-8",
  };
  static const char *const bad[] = {
      NULL,
      "",
      "application/fhir+xml",
      "application/jsonx",
      "application/x-www-form-urlencoded",
      "text/json",
      "application/*",
      "*/*",
      "application/json, application/json",
      "application/json;charset=latin1",
      "application/json;charset",
      "application/json;charset=utf-8;charset=utf-16",
      "application/fhir json",
  };
  fhx__problem problem;
  (void)state;
  for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
    const char *headers[] = {"Accept", "*/*", "content-TYPE", good[i], "Content-Typ", "x"};
    test_scenario("%s", good[i]);
    test_require_status(fhx__content_type_check(headers, 3, &problem), FHX_OK);
  }
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    const char *headers[] = {"Content-Type", bad[i], "Content-Type", "application/json"};
    test_scenario("%s", bad[i] == NULL ? "NULL" : bad[i]);
    test_require_status(fhx__content_type_check(headers, 2, &problem), FHX_ERR_ARGUMENT);
    test_require(problem.http_status == 415 && strcmp(problem.issue_code, "not-supported") == 0);
  }
  test_require_status(fhx__content_type_check(NULL, 0, &problem), FHX_ERR_ARGUMENT);
}

/* --- what a server exports --- */

static void check_bad_rules(const fhx__export_settings *settings) {
  fhx__export_rules rules;
  test_require_status(fhx__export_rules_init(&rules, settings, NULL), FHX_ERR_ARGUMENT);
  fhx__export_rules_free(&rules);
}

static void bad_rules(void **state) {
  static const char *const bad_associated[] = {"Foo",         "Patient,", ",",
                                               "Patient,Foo", "patient",  "Patient, Device"};
  const char *const paths[] = {"Observation.subject", NULL};
  (void)state;
  for (size_t i = 0; i < sizeof bad_associated / sizeof bad_associated[0]; i++) {
    check_bad_rules(&(fhx__export_settings){.associated_types = bad_associated[i]});
  }
  check_bad_rules(&(fhx__export_settings){.fhir_version = 41});
  check_bad_rules(&(fhx__export_settings){.compartment_path_count = 1});
  check_bad_rules(&(fhx__export_settings){.compartment_paths = paths, .compartment_path_count = 2});
}

/* The host's own compartment replaces the version's. */
static void own_rules(void **state) {
  const char *const paths[] = {"Device.patient"};
  const fhx__export_settings settings = {
      .fhir_version = FHX_FHIR_R5, .compartment_paths = paths, .compartment_path_count = 1};
  fhx__export_rules rules;
  fhx_filter *filter = NULL;
  (void)state;
  test_require_status(fhx__export_rules_init(&rules, &settings, NULL), FHX_OK);
  test_require(fhx__export_rules_in_compartment(&rules, "Patient"));
  test_require(fhx__export_rules_in_compartment(&rules, "Device"));
  test_require(!fhx__export_rules_in_compartment(&rules, "Observation"));
  test_require_status(fhx__export_rules_filter(&rules, BASE, &filter, NULL), FHX_OK);
  test_require(filter->fhir_version == FHX_FHIR_R5 && !filter->sealed);
  test_require(fhx__compartment_knows(fhx__filter_compartment(filter), "Device"));
  assert_string_equal(filter->base_url, BASE);
  fhx_filter_free(filter);
  fhx__export_rules_free(&rules);
}

/* --- memory --- */

static void out_of_memory(void **state) {
  static const char text[] =
      PARAMETERS(TYPE("Patient,Foo") "," SINCE "," PATIENT("Patient/1") ",{\"name\":\"x\"}");
  const asked as = {FHX__LEVEL_GROUP, true, NULL, "Practitioner", 0};
  bool failed = true;
  uint64_t count = 0;
  (void)state;
  while (failed) {
    fhx__export_request request;
    fhx__problem problem;
    test_memory_begin(++count);
    int32_t status = read_body(&as, text, &request, &problem);
    fhx__export_request_free(&request);
    failed = test_memory_end();
    test_require_status(status, failed ? FHX_ERR_NO_MEMORY : FHX_OK);
  }
  assert_true(count > 30);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(bodies),        cmocka_unit_test(no_parameters),
      cmocka_unit_test(depth),         cmocka_unit_test(many_keys),
      cmocka_unit_test(value_types),   cmocka_unit_test(two_values),
      cmocka_unit_test(texts),         cmocka_unit_test(patients),
      cmocka_unit_test(no_patients),   cmocka_unit_test(as_by_get),
      cmocka_unit_test(same_by_both),  cmocka_unit_test(types_without_patients),
      cmocka_unit_test(versions),      cmocka_unit_test(permitted),
      cmocka_unit_test(content_types), cmocka_unit_test(bad_rules),
      cmocka_unit_test(own_rules),     cmocka_unit_test(out_of_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
