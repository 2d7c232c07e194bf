/*
 * What a kick-off says of its output: organizeOutputBy, includeAssociatedData and
 * allowPartialManifests, by GET and by POST (KICK-12, PARAM-02, PARAM-11, PARAM-17, PARAM-23 to
 * PARAM-26, PARAM-29, FILTER-19, AUTH-18), and the host's own values.
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

#include "request/associated_values.h"
#include "request/request.h"
#include "select/filter.h"
#include "support/memory.h"
#include "support/require.h"

#define TEXT_MAX 8192
#define VALUES "_people=Practitioner,Organization;_places=Location;_own-2=Patient,Location"
#define PARAMETERS(list) "{\"resourceType\":\"Parameters\",\"parameter\":[" list "]}"
#define LATEST "includeAssociatedData=LatestProvenanceResources"
#define RELEVANT "includeAssociatedData=RelevantProvenanceResources"

/* Of which server it is asked, and by whom. */
typedef struct asked {
  fhx__export_level level;
  bool lenient;
  /* The server can do nothing that is optional. */
  bool is_plain;
  const char *permitted;
  const char *associated;
} asked;

static const asked usual = {.level = FHX__LEVEL_PATIENT};
static const asked lenient = {.level = FHX__LEVEL_PATIENT, .lenient = true};
static const asked plain = {.level = FHX__LEVEL_PATIENT, .is_plain = true};
static const asked plain_lenient = {.level = FHX__LEVEL_PATIENT, .lenient = true, .is_plain = true};

static int32_t read_list(const asked *as, const fhx__parameter *parameters, size_t count,
                         fhx__export_request *request, fhx__problem *problem) {
  const fhx__export_settings settings = {.associated_types = as->associated,
                                         .associated_values = as->is_plain ? NULL : VALUES};
  const fhx__kick_off kick_off = {.level = as->level,
                                  .group_id = "g.1",
                                  .parameters = parameters,
                                  .parameter_count = count,
                                  .base_url = "https://fhir.example.org/r4",
                                  .lenient = as->lenient,
                                  .permitted_types = as->permitted};
  fhx__export_rules rules;
  int32_t status = fhx__export_rules_init(&rules, &settings, NULL);
  rules.knows_patients = rules.reads_resources = rules.has_pages = !as->is_plain;
  if (status == FHX_OK) status = fhx__export_request_read(&rules, &kick_off, request, problem);
  fhx__export_rules_free(&rules);
  return status;
}

/* A query, or a body if it begins with a brace. */
static int32_t read_text(const asked *as, const char *text, fhx__export_request *request,
                         fhx__problem *problem) {
  char target_text[TEXT_MAX];
  fhx__target target = {0};
  fhx__body body = {NULL, 0, NULL};
  test_scenario("%d %s %s", (int)as->level, as->lenient ? "lenient" : "strict", text);
  memset(request, 0, sizeof *request);
  int32_t status = FHX_OK;
  if (*text == '{') {
    status = fhx__body_read(text, strlen(text), &body, problem);
  } else {
    snprintf(target_text, sizeof target_text, "/$export?%s", text);
    status = fhx__target_read(target_text, TEXT_MAX, &target, problem);
  }
  if (status == FHX_OK) {
    status = read_list(as, *text == '{' ? body.parameters : target.parameters,
                       body.parameter_count + target.parameter_count, request, problem);
  }
  fhx__body_free(&body);
  fhx__target_free(&target);
  return status;
}

static void check_refused_with(const asked *as, const char *text, uint32_t http_status,
                               const char *code, const char *words) {
  fhx__export_request request;
  fhx__problem problem = {0, "", ""};
  test_require_status(read_text(as, text, &request, &problem), FHX_ERR_ARGUMENT);
  test_require(problem.http_status == http_status);
  if (strcmp(problem.issue_code, code) != 0 || strstr(problem.text, words) == NULL) {
    fail_msg("%s: %s, %s", text, problem.issue_code, problem.text);
  }
  test_require(strstr(problem.text, "~") == NULL);
  test_require(request.filter == NULL && request.skipped.data == NULL);
  test_require(request.associated_types.data == NULL);
}

static void check_unsupported(const asked *as, const char *text, const char *words) {
  check_refused_with(as, text, 400, "not-supported", words);
}

/* Everything that a request says of its output. */
static void describe(const fhx__export_request *request, char text[TEXT_MAX]) {
  static const char *const provenance[] = {"", " relevant", " latest"};
  const fhx_filter *filter = request->filter;
  int len = 0;
  *text = '\0';
  for (size_t i = 0; i < filter->type_count; i++) {
    len += snprintf(text + len, (size_t)(TEXT_MAX - len), " %s", filter->types[i]);
  }
  len += snprintf(
      text + len, (size_t)(TEXT_MAX - len), "%s%s%s", request->by_patient ? " by-patient" : "",
      request->allows_partial_manifests ? " partial" : "", provenance[request->provenance]);
  if (*request->associated_types.data != '\0') {
    len += snprintf(text + len, (size_t)(TEXT_MAX - len), " +%s", request->associated_types.data);
  }
  const fhx__buffer *skipped = &request->skipped;
  for (size_t at = 0; at < skipped->len; at += strlen(skipped->data + at) + 1) {
    len += snprintf(text + len, (size_t)(TEXT_MAX - len), " (%s)", skipped->data + at);
  }
}

static void check_as(const asked *as, const char *text, const char *expected) {
  char described[TEXT_MAX];
  fhx__export_request request;
  fhx__problem problem = {0, "", ""};
  int32_t status = read_text(as, text, &request, &problem);
  if (status == FHX_ERR_ARGUMENT) fail_msg("%s: %s", text, problem.text);
  test_require_status(status, FHX_OK);
  describe(&request, described);
  assert_string_equal(described, expected);
  fhx__export_request_free(&request);
  test_require(request.associated_types.data == NULL);
}

static void check(const char *text, const char *expected) {
  check_as(&usual, text, expected);
}

/* --- organizeOutputBy --- */

/* PARAM-23, PARAM-29 */
static void organized(void **state) {
  const asked group = {.level = FHX__LEVEL_GROUP}, all = {.level = FHX__LEVEL_SYSTEM};
  (void)state;
  check("", "");
  check("organizeOutputBy=", "");
  check("organizeOutputBy=Patient", " by-patient");
  check("organizeOutputBy=&organizeOutputBy=Patient", " by-patient");
  check_as(&group, "organizeOutputBy=Patient&_type=Patient", " Patient by-patient");
  check_as(&all, "_type=Patient,Observation&organizeOutputBy=Patient",
           " Patient Observation by-patient");
  /* PARAM-26 */
  check(PARAMETERS("{\"name\":\"organizeOutputBy\",\"valueString\":\"Patient\"}"), " by-patient");
  check(PARAMETERS("{\"name\":\"organizeOutputBy\",\"valueCode\":\"Patient\"}"), " by-patient");
  check(PARAMETERS("{\"name\":\"organizeOutputBy\",\"valueUri\":\"Patient\"}"), " by-patient");
}

static void organized_by_others(void **state) {
  static const struct {
    const char *text;
    const char *words;
  } cases[] = {
      {"organizeOutputBy=Group",
       "organizeOutputBy: Group is not supported, only Patient is; leave"},
      {"organizeOutputBy=Encounter", "organizeOutputBy: Encounter is not"},
      {"organizeOutputBy=Martian", "organizeOutputBy: Martian is not"},
      {"organizeOutputBy=patient", "organizeOutputBy: the value is not"},
      {"organizeOutputBy=Patient,Group", "organizeOutputBy: the value is not"},
      {"organizeOutputBy=Patient+", "organizeOutputBy: the value is not"},
      {"organizeOutputBy=~", "organizeOutputBy: the value is not"},
      {PARAMETERS("{\"name\":\"organizeOutputBy\",\"valueString\":\"Group\"}"),
       "organizeOutputBy: Group is not"},
  };
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    check_unsupported(&usual, cases[i].text, cases[i].words);
  }
  check_as(&lenient, "organizeOutputBy=Group",
           " (organizeOutputBy: Group is not supported, only Patient is; it was ignored)");
  check_as(&lenient, "organizeOutputBy=~&_type=Patient",
           " Patient (organizeOutputBy: the value is not supported, only Patient is; it was "
           "ignored)");
  check_unsupported(&plain, "organizeOutputBy=Patient", "organizeOutputBy: this server cannot");
  check_as(&plain_lenient, "organizeOutputBy=Patient",
           " (organizeOutputBy: this server cannot arrange its output; it was ignored)");
}

/* PARAM-11, FILE-18: what is nobody's is left out, and nothing but that must not be asked for. */
static void organized_types(void **state) {
  const asked group = {.level = FHX__LEVEL_GROUP, .associated = "Practitioner"};
  const asked all = {.level = FHX__LEVEL_SYSTEM},
              all_lenient = {FHX__LEVEL_SYSTEM, .lenient = true};
  const asked permitted = {.level = FHX__LEVEL_SYSTEM, .permitted = "Practitioner,Patient"};
  const asked nothing = {.level = FHX__LEVEL_SYSTEM, .permitted = "Practitioner"};
  (void)state;
  check_as(&group, "", " +Practitioner");
  check_as(&group, "organizeOutputBy=Patient", " by-patient");
  check_as(&all, "_type=Practitioner", " Practitioner");
  check_as(&all, "_type=Practitioner,Patient&organizeOutputBy=Patient",
           " Practitioner Patient by-patient");
  check_unsupported(&all, "_type=Practitioner&organizeOutputBy=Patient",
                    "_type: none of the types is in the Patient compartment");
  check_unsupported(&group, "_type=Practitioner,Medication&organizeOutputBy=Patient",
                    "_type: none of the types");
  check_as(&all_lenient, "_type=Practitioner,Patient&organizeOutputBy=Patient",
           " Patient by-patient (Practitioner is not in the Patient compartment, so that this "
           "export has none; it was ignored)");
  check_refused_with(&all_lenient, "_type=Practitioner&organizeOutputBy=Patient", 400, "value",
                     "_type: none of the names");
  check_as(&permitted, "organizeOutputBy=Patient", " Patient by-patient");
  check_refused_with(&nothing, "organizeOutputBy=Patient", 403, "forbidden", "may not read any");
}

/* --- allowPartialManifests --- */

/* PARAM-24, PARAM-26, PARAM-29 */
static void partial_manifests(void **state) {
  static const char *const bad[] = {"1", "yes", "TRUE", "True", "true,false", "+true", "~"};
  static const char *const clashing[] = {"\"valueString\":\"true\"",  "\"valueCode\":\"true\"",
                                         "\"valueBoolean\":\"true\"", "\"valueBoolean\":1",
                                         "\"valueBoolean\":null",     "\"valueString\":\"\""};
  char text[256];
  (void)state;
  check("allowPartialManifests=true", " partial");
  check("allowPartialManifests=false", "");
  check("allowPartialManifests=", "");
  check(PARAMETERS("{\"name\":\"allowPartialManifests\",\"valueBoolean\":true}"), " partial");
  check(PARAMETERS("{\"name\":\"allowPartialManifests\",\"valueBoolean\":false}"), "");
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    snprintf(text, sizeof text, "allowPartialManifests=%s", bad[i]);
    check_refused_with(&usual, text, 400, "value", "allowPartialManifests: neither true nor false");
    check_refused_with(&lenient, text, 400, "value", "allowPartialManifests: neither");
  }
  for (size_t i = 0; i < sizeof clashing / sizeof clashing[0]; i++) {
    snprintf(text, sizeof text, PARAMETERS("{\"name\":\"allowPartialManifests\",%s}"), clashing[i]);
    check_refused_with(&usual, text, 400, "value", "allowPartialManifests: give it as a valueBool");
  }
  check_unsupported(&plain, "allowPartialManifests=true",
                    "allowPartialManifests: this server gives a manifest in one piece");
  check_as(&plain, "allowPartialManifests=false", "");
  check_as(&plain_lenient, "allowPartialManifests=true",
           " (allowPartialManifests: this server gives a manifest in one piece only; it was "
           "ignored)");
}

/* --- includeAssociatedData --- */

/* PARAM-17, FILTER-19 */
static void provenance(void **state) {
  (void)state;
  check(LATEST, " latest");
  check(RELEVANT, " relevant");
  check(LATEST "&" RELEVANT, " relevant");
  check(RELEVANT "&" LATEST, " relevant");
  check(LATEST ",RelevantProvenanceResources", " relevant");
  check(RELEVANT ",LatestProvenanceResources", " relevant");
  check(LATEST "&" LATEST, " latest");
  check("includeAssociatedData=&" LATEST "&includeAssociatedData", " latest");
  /* The job adds the type. */
  check("_type=Patient&" LATEST, " Patient latest");
  check(PARAMETERS("{\"name\":\"includeAssociatedData\",\"valueCode\":\"LatestProvenanceResources"
                   "\"},{\"name\":\"includeAssociatedData\",\"valueString\":"
                   "\"RelevantProvenanceResources\"}"),
        " relevant");
  check_refused_with(&usual,
                     PARAMETERS("{\"name\":\"includeAssociatedData\",\"valueCoding\":{\"code\":"
                                "\"LatestProvenanceResources\"}}"),
                     400, "value", "includeAssociatedData: give it as a valueCode");
  check_unsupported(&plain, LATEST,
                    "includeAssociatedData: LatestProvenanceResources is not supported by");
  check_as(&plain_lenient, LATEST "&" RELEVANT,
           " (includeAssociatedData: LatestProvenanceResources is not supported by this server; it "
           "was ignored) (includeAssociatedData: RelevantProvenanceResources is not supported by "
           "this server; it was ignored)");
}

/* AUTH-18: also of a lenient client. */
static void provenance_permitted(void **state) {
  const asked some = {.level = FHX__LEVEL_PATIENT, .permitted = "Patient,Provenance"};
  const asked none = {.level = FHX__LEVEL_PATIENT, .permitted = "Patient"};
  const asked none_lenient = {.level = FHX__LEVEL_PATIENT, .lenient = true, .permitted = "Patient"};
  (void)state;
  check_as(&some, LATEST, " Patient Provenance latest");
  check_as(&some, "_type=Patient&" LATEST, " Patient latest");
  check_refused_with(&none, RELEVANT, 403, "forbidden", "may not read Provenance");
  check_refused_with(&none_lenient, "_type=Patient&" LATEST, 403, "forbidden",
                     "may not read Provenance");
}

/* Repeated only if it is a short code. */
static void unknown_values(void **state) {
  static const struct {
    const char *value;
    const char *words;
  } cases[] = {
      {"Provenance", "includeAssociatedData: Provenance is not a value of this server; leave"},
      {"latestProvenanceResources", ": latestProvenanceResources is not a value"},
      {"_other", ": _other is not a value"},
      {"_people2", ": _people2 is not a value"},
      {"_peopl", ": _peopl is not a value"},
      {"_people,_other", ": _other is not a value"},
      {"LatestProvenanceResources,", ": one of the values is not a value"},
      {"_people=Practitioner", ": one of the values is not a value"},
      {",", ": one of the values is not a value"},
      {"_people+", ": one of the values is not a value"},
      {"~", ": one of the values is not a value"},
      {"%C3%A4", ": one of the values is not a value"},
  };
  char text[256] = "includeAssociatedData=";
  size_t start = strlen(text);
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    snprintf(text + start, sizeof text - start, "%s", cases[i].value);
    check_unsupported(&usual, text, cases[i].words);
  }
  memset(text + start, 'a', 64);
  text[start + 64] = '\0';
  check_unsupported(&usual, text, ": aaaa");
  text[start + 64] = 'a';
  text[start + 65] = '\0';
  check_unsupported(&usual, text, ": one of the values");
  check_as(&lenient, "includeAssociatedData=Foo,_people,~",
           " +Practitioner,Organization (includeAssociatedData: Foo is not a value of this server; "
           "it was ignored) (includeAssociatedData: one of the values is not a value of this "
           "server; it was ignored)");
  check_unsupported(&plain, "includeAssociatedData=_people", ": _people is not a value");
}

/* PARAM-17: the host's own; their types join those of the server, as far as they are permitted. */
static void own_values(void **state) {
  const asked with = {.level = FHX__LEVEL_PATIENT, .associated = "Medication,Organization"};
  (void)state;
  check("includeAssociatedData=_people", " +Practitioner,Organization");
  check("includeAssociatedData=_people,_people&includeAssociatedData=_places",
        " +Practitioner,Organization,Location");
  check("includeAssociatedData=_own-2,LatestProvenanceResources,_places",
        " latest +Patient,Location");
  check(PARAMETERS("{\"name\":\"includeAssociatedData\",\"valueString\":\"_places,_people\"}"),
        " +Location,Practitioner,Organization");
  check_as(&with, "includeAssociatedData=_people", " +Medication,Organization,Practitioner");
}

/* PARAM-11: they are in reach, wherever the parameter stands. */
static void own_values_in_reach(void **state) {
  const asked some = {.level = FHX__LEVEL_PATIENT, .permitted = "Patient,Organization"};
  const asked group = {.level = FHX__LEVEL_GROUP, .lenient = true};
  (void)state;
  check_as(&some, "", " Patient");
  check_as(&some, "includeAssociatedData=_people", " Patient Organization +Organization");
  check_as(&lenient, "_type=Patient,Location&includeAssociatedData=_places",
           " Patient Location +Location");
  check_as(&lenient, "_type=Patient,Location",
           " Patient (Location is not in the Patient compartment, so that this export has none; it "
           "was ignored)");
  /* Members of a Group that are no patients. */
  check_as(&group, "_type=Practitioner", " Practitioner");
}

/* --- together --- */

static void not_together(void **state) {
  static const char both[] = "organizeOutputBy and includeAssociatedData: not both";
  static const char told[] =
      " by-patient (includeAssociatedData: not together with organizeOutputBy; it was ignored)";
  (void)state;
  check_unsupported(&usual, "organizeOutputBy=Patient&" LATEST, both);
  check_unsupported(&usual, RELEVANT "&organizeOutputBy=Patient", both);
  check_unsupported(&usual, "organizeOutputBy=Patient&includeAssociatedData=_places", both);
  check_as(&lenient, "organizeOutputBy=Patient&" LATEST, told);
  check_as(&lenient, "includeAssociatedData=_places,_people&organizeOutputBy=Patient", told);
  check("organizeOutputBy=Patient&includeAssociatedData=", " by-patient");
  /* One that is ignored is not together with anything. */
  check_as(
      &lenient, "organizeOutputBy=Patient&includeAssociatedData=Foo",
      " by-patient (includeAssociatedData: Foo is not a value of this server; it was ignored)");
  check_as(&lenient, "organizeOutputBy=Group&" LATEST,
           " latest (organizeOutputBy: Group is not supported, only Patient is; it was ignored)");
  check("allowPartialManifests=true&organizeOutputBy=Patient", " by-patient partial");
  check("allowPartialManifests=true&" LATEST, " partial latest");
}

/* PARAM-25 */
static void given_twice(void **state) {
  (void)state;
  for (int i = 0; i < 2; i++) {
    const asked *as = i == 0 ? &usual : &lenient;
    check_refused_with(as, "organizeOutputBy=Patient&organizeOutputBy=Patient", 400, "invalid",
                       "organizeOutputBy: given twice");
    check_refused_with(as, "allowPartialManifests=true&_type=Patient&allowPartialManifests=false",
                       400, "invalid", "allowPartialManifests: given twice");
    check_refused_with(as,
                       PARAMETERS("{\"name\":\"allowPartialManifests\",\"valueBoolean\":true},"
                                  "{\"name\":\"allowPartialManifests\",\"valueBoolean\":true}"),
                       400, "invalid", "allowPartialManifests: given twice");
  }
}

/* --- the host's own values --- */

static void settings(void **state) {
  static const char *const good[] = {"", "_a=Patient", "_=Patient", "_A-9_=Patient,Patient",
                                     "_a=Location;_b=Location"};
  static const struct {
    const char *text;
    const char *words;
  } bad[] = {
      {"a=Patient", "not `_`"},
      {"=Patient", "not `_`"},
      {"_a b=Patient", "not `_`"},
      {"_a.b=Patient", "not `_`"},
      {" _a=Patient", "not `_`"},
      {"_a=Patient;", "not `_`"},
      {";_a=Patient", "not `_`"},
      {"_a", "without types"},
      {"_a=", "without types"},
      {"_a=Patient,", "without types"},
      {"_a=Martian", "resource type of FHIR R4"},
      {"_a=Patient, Device", "resource type of FHIR R4"},
      {"_a=Patient=Device", "resource type of FHIR R4"},
      {"_a=NutritionProduct", "resource type of FHIR R4"},
      {"_a=Patient;_b=Device;_a=Location", "_a twice"},
      {"_a=Patient;_a=Patient", "_a twice"},
  };
  char text[100] = "_";
  fhx_error *error = NULL;
  (void)state;
  for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
    test_scenario("%s", good[i]);
    test_require_status(fhx__associated_values_check(good[i], FHX_FHIR_R4, NULL), FHX_OK);
  }
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    const fhx__export_settings with = {.associated_values = bad[i].text};
    fhx__export_rules rules;
    test_scenario("%s", bad[i].text);
    test_require_status(fhx__export_rules_init(&rules, &with, &error), FHX_ERR_ARGUMENT);
    test_require(strncmp(fhx_error_message(error), "associated_values has ", 22) == 0);
    test_require(strstr(fhx_error_message(error), bad[i].words) != NULL);
    fhx_error_free(error);
    error = NULL;
    fhx__export_rules_free(&rules);
  }
  test_require_status(fhx__associated_values_check("_a=NutritionProduct", FHX_FHIR_R5, NULL),
                      FHX_OK);
  /* The longest, and one letter more. */
  memset(text + 1, 'x', 64);
  strcpy(text + 64, "=Patient");
  test_require_status(fhx__associated_values_check(text, FHX_FHIR_R4, NULL), FHX_OK);
  strcpy(text + 65, "=Patient");
  text[64] = 'x';
  test_require_status(fhx__associated_values_check(text, FHX_FHIR_R4, NULL), FHX_ERR_ARGUMENT);
}

/* --- memory --- */

static void out_of_memory(void **state) {
  static const char *const texts[] = {
      "_type=Patient,Foo&includeAssociatedData=_people,_places,Foo&" RELEVANT,
      "organizeOutputBy=Patient&includeAssociatedData=_people&x=y&allowPartialManifests=true"};
  asked as = lenient;
  (void)state;
  as.associated = "Medication";
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
    bool failed = true;
    uint64_t count = 0;
    while (failed) {
      fhx__export_request request;
      fhx__problem problem;
      test_memory_begin(++count);
      int32_t status = read_text(&as, texts[i], &request, &problem);
      fhx__export_request_free(&request);
      failed = test_memory_end();
      test_require_status(status, failed ? FHX_ERR_NO_MEMORY : FHX_OK);
    }
    assert_true(count > 5);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(organized),           cmocka_unit_test(organized_by_others),
      cmocka_unit_test(organized_types),     cmocka_unit_test(partial_manifests),
      cmocka_unit_test(provenance),          cmocka_unit_test(provenance_permitted),
      cmocka_unit_test(unknown_values),      cmocka_unit_test(own_values),
      cmocka_unit_test(own_values_in_reach), cmocka_unit_test(not_together),
      cmocka_unit_test(given_twice),         cmocka_unit_test(settings),
      cmocka_unit_test(out_of_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
