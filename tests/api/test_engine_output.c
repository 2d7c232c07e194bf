/*
 * What goes along with an export and how it is arranged, as a client asks for it and a host allows
 * it (KICK-12, PARAM-02, PARAM-17, PARAM-23 to -26, AUTH-18, FILTER-11).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>
#include <fhirexport/fhirexport.h>

#include "support/clinic.h"
#include "support/engine.h"
#include "support/require.h"

#define OBSERVATIONS 12
#define VALUES "_people=Practitioner;_places=Organization,Location"
#define INCLUDED "includeAssociatedData="
#define LATEST INCLUDED "LatestProvenanceResources"

static test_dataset *data;
static test_engine of;

static int make_data(void **state) {
  *state = data = test_clinic_new(OBSERVATIONS);
  return 0;
}

/* The clinic; its source cannot arrange anything by patients, and lists no types. */
static void begin(bool reads_resources) {
  test_source_knobs knobs = test_engine_source(data);
  knobs.lists_types = false;
  knobs.reads_resources = reads_resources;
  test_scenario("output");
  test_engine_prepare(&of, &knobs);
  of.options.associated_values = VALUES;
}

static int begin_reading(void **state) {
  (void)state;
  begin(true);
  return 0;
}

static int begin_plain(void **state) {
  (void)state;
  begin(false);
  return 0;
}

static int end(void **state) {
  (void)state;
  test_engine_end(&of);
  return 0;
}

static test_answer ask(const char *target, const char *prefer, const char *permitted) {
  const char *headers[] = {"Prefer", prefer};
  fhx_request request = test_request("GET", target);
  test_scenario("%s", target);
  request.headers = headers;
  request.header_count = 1;
  request.permitted_types = permitted;
  return test_send(of.engine, &request);
}

/* The manifest of an export that must be accepted. */
static test_answer export(const char *target, const char *prefer, const char *permitted) {
  char status[TEST_URL_MAX];
  test_answer answer = ask(target, prefer, permitted);
  if (answer.status != 202) print_error("%s\n", answer.body);
  test_require(answer.status == 202);
  snprintf(status, sizeof status, "%s", test_target_of(test_header(&answer, "Content-Location")));
  test_answer_free(&answer);
  answer = test_poll(of.engine, status);
  if (answer.status != 200) print_error("%s\n", answer.body);
  test_require(answer.status == 200);
  return answer;
}

static bool has_type(const test_answer *manifest, const char *wanted) {
  char url[TEST_URL_MAX], type[70];
  uint64_t count = 0;
  for (size_t i = 0; test_manifest_item(manifest->body, "output", i, url, type, &count); i++) {
    if (strcmp(type, wanted) == 0) return true;
  }
  return false;
}

/* PARAM-17: what a value of the host's own adds, within the types that are asked for and those that
   the client may read. */
static void own_values(void **state) {
  static const char all[] = "Patient,Observation,Practitioner,Organization";
  static const struct {
    const char *types;
    const char *value;
    const char *permitted;
    bool has_people;
    bool has_places;
  } rows[] = {{all, "", NULL, false, false},
              {all, "_people", NULL, true, false},
              {all, "_places", NULL, false, true},
              {all, "_places,_people", NULL, true, true},
              {"Patient,Observation", "_places,_people", NULL, false, false},
              {"", "_places,_people", "Patient,Observation,Organization", false, true},
              {"", "", "Patient,Observation,Organization", false, false}};
  char target[300];
  (void)state;
  of.options.workers = 2;
  test_engine_start(&of);
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    snprintf(target, sizeof target, "/Patient/$export?" INCLUDED "%s&_type=%s", rows[i].value,
             rows[i].types);
    test_answer manifest = export(target, "", rows[i].permitted);
    test_require(has_type(&manifest, "Patient") && has_type(&manifest, "Observation"));
    test_require(has_type(&manifest, "Practitioner") == rows[i].has_people);
    test_require(has_type(&manifest, "Organization") == rows[i].has_places);
    test_answer_free(&manifest);
  }
}

/* KICK-12, PARAM-02: each that was ignored is told by name in the error file, and the rest is
   done. */
static void ignored(void **state) {
  static const char *const told[] = {
      "organizeOutputBy: this server cannot arrange its output; it was ignored",
      "includeAssociatedData: LatestProvenanceResources is not supported by this server; it was",
      "includeAssociatedData: _none is not a value of this server; it was ignored",
      "_typo: not a parameter of this server; it was ignored"};
  char url[TEST_URL_MAX], type[70];
  uint64_t count = 0;
  (void)state;
  of.options.workers = 1;
  test_engine_start(&of);
  test_answer manifest =
      export("/Patient/$export?_type=Patient&organizeOutputBy=Patient&_typo=1&" LATEST ",_none",
             "handling=lenient", NULL);
  test_require(has_type(&manifest, "Patient"));
  test_require(test_manifest_item(manifest.body, "error", 0, url, type, &count) && count == 4);
  assert_string_equal(type, "OperationOutcome");
  test_answer file = test_get(of.engine, test_target_of(url));
  for (size_t i = 0; i < sizeof told / sizeof told[0]; i++) {
    test_require(strstr(file.body, told[i]) != NULL);
  }
  test_require(strstr(file.body, "\"severity\":\"error\"") == NULL);
  test_answer_free(&file);
  test_answer_free(&manifest);
}

/* A refusal that has this in it, and none of the values that are not codes. */
static void check_refused(const char *target, const char *permitted, uint32_t status,
                          const char *code, const char *words) {
  test_answer answer = ask(target, "respond-async", permitted);
  if (strstr(answer.body, words) == NULL) print_error("%s\n", answer.body);
  test_require(strstr(answer.body, words) != NULL && strstr(answer.body, "sec.ret") == NULL);
  test_expect_outcome(answer, status, "error", code);
}

static void refused(void **state) {
  static const char readable[] = "Patient,Observation";
  (void)state;
  of.options.jobs_max = 1;
  test_engine_start(&of);
  check_refused("/$export?organizeOutputBy=Encounter", NULL, 400, "not-supported", "Encounter");
  check_refused("/$export?organizeOutputBy=sec.ret", NULL, 400, "not-supported", "organizeOutput");
  check_refused("/$export?organizeOutputBy=Patient", NULL, 400, "not-supported", "organizeOutput");
  check_refused("/$export?allowPartialManifests=sec.ret", NULL, 400, "value", "allowPartial");
  check_refused("/$export?allowPartialManifests=false&allowPartialManifests=false", NULL, 400,
                "invalid", "allowPartialManifests");
  check_refused("/$export?" INCLUDED "_none", NULL, 400, "not-supported", "_none");
  check_refused("/$export?" INCLUDED "sec.ret", NULL, 400, "not-supported", "includeAssociated");
  check_refused("/$export?_type=Patient&" LATEST, readable, 403, "forbidden", "Provenance");
  char target[TEST_URL_MAX];
  test_kick_off(of.engine, "/$export?_type=Patient&allowPartialManifests=false", target);
}

/* The host's mistakes are told when the engine is made; what it has given is copied. */
static void settings(void **state) {
  static const char *const bad[] = {"people=Practitioner", "_people", "_people=Martian",
                                    "_a=Patient;_a=Patient", "_people=Practitioner;"};
  char values[] = VALUES, target[TEST_URL_MAX];
  (void)state;
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    fhx_error *error = NULL;
    test_scenario("%s", bad[i]);
    of.options.associated_values = bad[i];
    test_require_status(fhx_engine_new(&of.options, &of.engine, &error), FHX_ERR_ARGUMENT);
    test_require(strstr(fhx_error_message(error), "associated_values has ") != NULL);
    test_require(of.engine == NULL);
    fhx_error_free(error);
  }
  of.options.associated_values = values;
  test_engine_start(&of);
  memset(values, 'x', sizeof values - 1);
  test_kick_off(of.engine, "/Patient/$export?_type=Patient&" INCLUDED "_people", target);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(own_values, begin_reading, end),
      cmocka_unit_test_setup_teardown(ignored, begin_plain, end),
      cmocka_unit_test_setup_teardown(refused, begin_reading, end),
      cmocka_unit_test_setup_teardown(settings, begin_reading, end),
  };
  return cmocka_run_group_tests(tests, make_data, test_dataset_end);
}
