/*
 * Kick-offs at all levels and by both methods, as a client sees them (KICK-01, -02, -04, -13, -17
 * to -23, PARAM-11, -14 to -16, -26, MAN-06, FILTER-22).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
/* cmocka.h needs those above. */
#include <cmocka.h>
#include <fhirexport/fhirexport.h>

#include "support/engine.h"
#include "support/memory.h"
#include "support/require.h"

#define JSON "application/fhir+json"
#define PARAMETERS(list) "{\"resourceType\":\"Parameters\",\"parameter\":[" list "]}"
#define TYPE(value) "{\"name\":\"_type\",\"valueString\":\"" value "\"}"
#define PATIENT(reference) \
  "{\"name\":\"patient\",\"valueReference\":{\"reference\":\"" reference "\"}}"

static const char *const members[] = {"Patient/nobody", "Patient/p1", "Patient/p4"};

static test_dataset *data;
static test_engine of;

static int make_data(void **state) {
  *state = data = test_dataset_new(5, 90, TEST_DATASET_STAMPED);
  return 0;
}

static test_source_knobs usual_source(void) {
  test_source_knobs knobs = test_engine_source(data);
  knobs.reads_resources = true;
  knobs.group_id = "g.1";
  knobs.group_members = members;
  knobs.group_member_count = sizeof members / sizeof members[0];
  return knobs;
}

static void begin_with(const test_source_knobs *knobs) {
  test_scenario("kick-off");
  test_engine_prepare(&of, knobs);
}

/* An engine that runs nothing by itself. */
static int begin(void **state) {
  (void)state;
  test_source_knobs knobs = usual_source();
  begin_with(&knobs);
  return 0;
}

static int end(void **state) {
  (void)state;
  test_engine_end(&of);
  return 0;
}

static test_answer post_as(const char *target, const char *content_type, const char *body,
                           const char *permitted) {
  const char *headers[] = {"Content-Type", content_type};
  fhx_request request = test_request("POST", target);
  request.headers = headers;
  request.header_count = content_type == NULL ? 0 : 1;
  request.body = body;
  request.body_len = body == NULL ? 0 : strlen(body);
  request.permitted_types = permitted;
  return test_send(of.engine, &request);
}

static test_answer post(const char *target, const char *body) {
  return post_as(target, JSON, body, NULL);
}

static void take_status_target(test_answer *answer, char target[TEST_URL_MAX]) {
  if (answer->status != 202) print_error("%u: %s\n", answer->status, answer->body);
  test_require(answer->status == 202 && answer->len == 0);
  snprintf(target, TEST_URL_MAX, "%s", test_target_of(test_header(answer, "Content-Location")));
  test_answer_free(answer);
}

/* --- accepted --- */

/* KICK-01, KICK-02, KICK-04, KICK-25: the answer is the same at each level, and the status is where
   it always is. */
static void test_levels(void **state) {
  (void)state;
  static const char *const targets[] = {
      "/$export",          "/Patient/$export",   "/Group/g.1/$export",    "/%24export",
      "/Patient/$export/", "/Patient/%24export", "/Group/g%2E1/%24export"};
  char target[TEST_URL_MAX];
  test_engine_start(&of);
  for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++) {
    test_scenario("%s", targets[i]);
    test_kick_off(of.engine, targets[i], target);
    test_require(strncmp(target, "/$export/", strlen("/$export/")) == 0);
    test_answer answer = post(targets[i], NULL);
    take_status_target(&answer, target);
    answer = test_get(of.engine, target);
    test_require(answer.status == 202);
    test_answer_free(&answer);
  }
  test_require(test_source_calls(of.source, TEST_SOURCE_OPEN) == 0);
}

/* KICK-13: named if both are preferred, however the client puts it; else nothing is. */
static void test_separate_status(void **state) {
  (void)state;
  static const struct {
    const char *first;
    const char *second;
    bool is_applied;
  } rows[] = {{"respond-async, separate-export-status", "", true},
              {"Separate-Export-Status", "handling=lenient, RESPOND-ASYNC", true},
              {"respond-async;x=y", "separate-export-status", true},
              {"respond-async", "", false},
              {"separate-export-status", "", false},
              {"respond-async, separate-export-status=no", "", false},
              {"", "", false}};
  char target[TEST_URL_MAX];
  test_engine_start(&of);
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    const char *headers[] = {"Prefer", rows[i].first, "prefer", rows[i].second};
    fhx_request request = test_request("GET", "/Patient/$export");
    request.headers = headers;
    request.header_count = 2;
    test_scenario("Prefer: %s and %s", rows[i].first, rows[i].second);
    test_answer answer = test_send(of.engine, &request);
    const char *applied = test_header(&answer, "Preference-Applied");
    test_require((applied != NULL) == rows[i].is_applied);
    if (applied != NULL) assert_string_equal(applied, "respond-async, separate-export-status");
    take_status_target(&answer, target);
  }
}

/* --- refused --- */

/* KICK-08, KICK-19 to -22, PARAM-14, PARAM-16, PARAM-26; none of them takes the only place. */
static void test_refused(void **state) {
  (void)state;
  static const struct {
    const char *target;
    const char *content_type;
    const char *body;
    uint32_t status;
    const char *code;
  } rows[] = {
      {"/$export", JSON, "secret", 400, "structure"},
      {"/$export", JSON, "[]", 400, "structure"},
      {"/Patient/$export", JSON, "{\"resourceType\":\"Patient\"}", 400, "structure"},
      {"/$export", NULL, PARAMETERS(""), 415, "not-supported"},
      {"/$export", "application/xml", PARAMETERS(""), 415, "not-supported"},
      {"/$export", "application/x-www-form-urlencoded", "_type=Patient", 415, "not-supported"},
      {"/$export", "application/json;charset=latin1", PARAMETERS(""), 415, "not-supported"},
      {"/$export?_type=Patient", JSON, PARAMETERS(""), 400, "invalid"},
      {"/Group/g.1/$export?_type=Patient", JSON, NULL, 400, "invalid"},
      {"/$export", JSON, PARAMETERS(TYPE("Martian")), 400, "value"},
      {"/$export", JSON, PARAMETERS(PATIENT("Patient/p1")), 400, "not-supported"},
      {"/Patient/$export", JSON, PARAMETERS(PATIENT("Group/g.1")), 400, "value"},
      {"/Patient/$export", JSON, PARAMETERS("{\"name\":\"patient\"}"), 400, "value"},
      {"/Patient/$export", JSON, PARAMETERS(TYPE("Organization")), 400, "not-supported"},
      {"/Patient/p1/$export", JSON, PARAMETERS(""), 400, "not-supported"},
      {"/Group/$export", JSON, PARAMETERS(""), 400, "not-supported"},
      {"/Group/a_b/$export", JSON, PARAMETERS(""), 404, "not-found"},
  };
  of.options.jobs_max = 1;
  test_engine_start(&of);
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    test_scenario("%s %s", rows[i].target, rows[i].body == NULL ? "-" : rows[i].body);
    test_expect_outcome(post_as(rows[i].target, rows[i].content_type, rows[i].body, NULL),
                        rows[i].status, "error", rows[i].code);
  }
  test_expect_refusal(of.engine, "/Patient/$export?_type=Organization", 400, "not-supported");
  char target[TEST_URL_MAX];
  test_kick_off(of.engine, "/$export", target);
}

/* ERR-08: the body's length, and its depth. */
static void test_sizes(void **state) {
  (void)state;
  static const char body[] = PARAMETERS("");
  of.options.body_bytes_max = strlen(body);
  test_engine_start(&of);
  test_expect_outcome(post("/$export", PARAMETERS("") " "), 413, "error", "too-long");
  char target[TEST_URL_MAX];
  test_answer answer = post("/$export", body);
  take_status_target(&answer, target);
}

/* KICK-17, PARAM-15: known at the kick-off, and told by name. */
static void test_unknown(void **state) {
  (void)state;
  test_engine_start(&of);
  test_expect_refusal(of.engine, "/Group/g.2/$export", 404, "not-found");
  test_expect_outcome(post("/Group/g.2/$export", PARAMETERS(PATIENT("Patient/p1"))), 404, "error",
                      "not-found");
  test_answer answer =
      post("/Patient/$export", PARAMETERS(PATIENT("Patient/p1") "," PATIENT("Patient/none")));
  test_require(strstr(answer.body, "Patient/none") != NULL);
  test_require(strstr(answer.body, "Patient/p1") == NULL);
  test_expect_outcome(answer, 400, "error", "not-found");
  /* One that exists, and is no member. */
  answer = post("/Group/g.1/$export", PARAMETERS(PATIENT("Patient/p1") "," PATIENT("Patient/p2")));
  test_require(strstr(answer.body, "Patient/p2") != NULL);
  test_expect_outcome(answer, 400, "error", "not-found");
  char target[TEST_URL_MAX];
  answer = post("/Group/g.1/$export",
                PARAMETERS(PATIENT("Patient/p1") "," PATIENT(TEST_BASE_URL "/Patient/p4")));
  take_status_target(&answer, target);
}

/* KICK-23: who waits for a slow source waits for it only so long; the rest is taken for good. */
static void test_slow_source(void **state) {
  (void)state;
  char target[TEST_URL_MAX];
  test_source_knobs knobs = usual_source();
  knobs.read_ms = 400;
  begin_with(&knobs);
  test_engine_start(&of);
  test_answer answer =
      post("/Patient/$export",
           PARAMETERS(PATIENT("Patient/p1") "," PATIENT("Patient/x1") "," PATIENT("Patient/x2")));
  take_status_target(&answer, target);
  test_require(test_source_calls(of.source, TEST_SOURCE_READ) == 1);
  test_engine_end(&of);
}

/* KICK-26: a destination that cannot be written to is told at the kick-off, and no job is made; one
   that could be is not asked again for every kick-off. */
static void test_unwritable(void **state) {
  (void)state;
  char target[TEST_URL_MAX];
  of.options.jobs_max = 1;
  test_engine_start(&of);
  test_require(rmdir(of.folder) == 0);
  for (int i = 0; i < 2; i++) {
    test_answer answer = test_get(of.engine, "/$export");
    test_require(atoi(test_header(&answer, "Retry-After")) > 0);
    test_require(strstr(answer.body, of.folder) == NULL);
    test_expect_outcome(answer, 503, "error", "transient");
  }
  /* Another folder of that name, for the end of the test to remove. */
  test_require(mkdir(of.folder, 0700) == 0);
  test_engine_end(&of);
  test_source_knobs knobs = usual_source();
  begin_with(&knobs);
  test_engine_start(&of);
  test_kick_off(of.engine, "/$export", target);
  test_require(rmdir(of.folder) == 0);
  test_kick_off(of.engine, "/$export", target);
  test_require(mkdir(of.folder, 0700) == 0);
}

/* KICK-16, KICK-18: by the types that the client may read, before anybody is asked. */
static void test_permitted(void **state) {
  (void)state;
  char target[TEST_URL_MAX];
  test_engine_start(&of);
  test_expect_outcome(post_as("/Group/g.1/$export", JSON, NULL, "Patient,Observation"), 403,
                      "error", "forbidden");
  test_require(test_source_calls(of.source, TEST_SOURCE_GROUP) == 0);
  test_answer answer = post_as("/Group/g.1/$export", JSON, NULL, "Group,Observation");
  take_status_target(&answer, target);
  answer = post_as("/Patient/$export", JSON, NULL, "Observation");
  take_status_target(&answer, target);
}

/* KICK-18: and by what the source says. */
static void test_denied(void **state) {
  (void)state;
  test_source_knobs knobs = usual_source();
  knobs.fault_call = TEST_SOURCE_GROUP;
  knobs.fault = TEST_SOURCE_DENIES;
  knobs.fault_at = 1;
  begin_with(&knobs);
  test_engine_start(&of);
  test_expect_refusal(of.engine, "/Group/g.1/$export", 403, "forbidden");
  test_engine_end(&of);
}

/* --- what is exported --- */

typedef struct lines {
  char **texts;
  size_t count;
  size_t capacity;
} lines;

static void add_lines(lines *to, const char *text) {
  while (*text != '\0') {
    const char *end = strchr(text, '\n');
    test_require(end != NULL);
    if (to->count == to->capacity) {
      to->capacity = 2 * to->capacity + 16;
      to->texts = realloc(to->texts, to->capacity * sizeof *to->texts);
      assert_non_null(to->texts);
    }
    char *line = calloc(1, (size_t)(end - text) + 1);
    assert_non_null(line);
    memcpy(line, text, (size_t)(end - text));
    to->texts[to->count++] = line;
    text = end + 1;
  }
}

static int compare_lines(const void *a, const void *b) {
  return strcmp(*(char *const *)a, *(char *const *)b);
}

static void free_lines(lines *of_export) {
  for (size_t i = 0; i < of_export->count; i++) free(of_export->texts[i]);
  free(of_export->texts);
}

/* Every line of the output of an export, sorted. */
static lines fetch(test_answer accepted, const char *request) {
  char target[TEST_URL_MAX], url[TEST_URL_MAX], type[70];
  uint64_t count = 0;
  lines all = {NULL, 0, 0};
  take_status_target(&accepted, target);
  test_answer manifest = test_poll(of.engine, target);
  if (manifest.status != 200) print_error("%u: %s\n", manifest.status, manifest.body);
  test_require(manifest.status == 200);
  test_require(strstr(manifest.body, request) != NULL);
  for (size_t i = 0; test_manifest_item(manifest.body, "output", i, url, type, &count); i++) {
    test_answer file = test_get(of.engine, test_target_of(url));
    test_require(file.status == 200);
    add_lines(&all, file.body);
    test_answer_free(&file);
  }
  test_answer_free(&manifest);
  qsort(all.texts, all.count, sizeof *all.texts, compare_lines);
  return all;
}

/* How many there should be: of one of these patients, or of all for NULL. */
static size_t expected_count(const char *const *patients) {
  size_t count = 0;
  for (size_t i = 0; i < data->count; i++) {
    const test_resource *resource = &data->items[i];
    bool is_in = strcmp(resource->type, "Patient") == 0 || strcmp(resource->type, "Encounter") == 0;
    bool has_patient = patients == NULL;
    for (size_t k = 0; patients != NULL && patients[k] != NULL; k++) {
      has_patient = has_patient || strcmp(patients[k], resource->patient) == 0;
    }
    count += is_in && has_patient ? 1 : 0;
  }
  return count;
}

/* FILTER-22, PARAM-14, MAN-06: the same lines by GET and by POST, at each level; of a POST the
   manifest has the URL alone. */
static void test_same_by_both(void **state) {
  (void)state;
  static const char *const group[] = {"p1", "p4", NULL}, *const one[] = {"p4", NULL};
  static const char since[] =
      "{\"name\":\"_since\",\"valueInstant\":\"2000-01-01T00:00:00+01:00\"}";
  static const struct {
    const char *level;
    const char *const *patients;
  } rows[] = {{"", NULL}, {"/Patient", NULL}, {"/Group/g.1", group}};
  char by_get[200], request[300], body[500];
  of.options.workers = 2;
  test_engine_start(&of);
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    test_scenario("level %s", rows[i].level);
    snprintf(by_get, sizeof by_get,
             "%s/$export?_type=Patient,Encounter&_since=2000-01-01T00:00:00%%2B01:00",
             rows[i].level);
    snprintf(request, sizeof request, "\"request\":\"%s%s\"", TEST_BASE_URL, by_get);
    lines first = fetch(test_get(of.engine, by_get), request);
    *strchr(by_get, '?') = '\0';
    snprintf(request, sizeof request, "\"request\":\"%s%s\"", TEST_BASE_URL, by_get);
    snprintf(body, sizeof body, PARAMETERS(TYPE("Patient,Encounter") ",%s"), since);
    lines second = fetch(post(by_get, body), request);
    test_require(first.count == second.count);
    for (size_t k = 0; k < first.count; k++) {
      test_require(strcmp(first.texts[k], second.texts[k]) == 0);
    }
    if (i > 0) test_require(first.count == expected_count(rows[i].patients));
    free_lines(&first);
    free_lines(&second);
    if (i == 0) continue;
    snprintf(
        body, sizeof body,
        PARAMETERS(TYPE("Patient,Encounter") "," PATIENT("Patient/p4") "," PATIENT("Patient/p4")));
    lines third = fetch(post(by_get, body), request);
    test_require(third.count == expected_count(one) && third.count > 1);
    free_lines(&third);
  }
}

/* KICK-12, PARAM-02, PARAM-11: of a POST too, and told in a file. */
static void test_lenient(void **state) {
  (void)state;
  const char *headers[] = {"Prefer", "handling=lenient", "content-type",
                           "application/json; charset=utf-8"};
  static const char body[] =
      PARAMETERS("{\"name\":\"_typo\",\"valueString\":\"x\"}," TYPE("Patient,Organization"));
  char target[TEST_URL_MAX], url[TEST_URL_MAX], type[70];
  uint64_t count = 0;
  fhx_request request = test_request("POST", "/Patient/$export");
  request.headers = headers;
  request.header_count = 2;
  request.body = body;
  request.body_len = strlen(body);
  of.options.workers = 1;
  test_engine_start(&of);
  test_answer answer = test_send(of.engine, &request);
  take_status_target(&answer, target);
  answer = test_poll(of.engine, target);
  test_require(answer.status == 200);
  test_require(test_manifest_item(answer.body, "error", 0, url, type, &count) && count == 2);
  test_answer file = test_get(of.engine, test_target_of(url));
  test_require(strstr(file.body, "_typo") != NULL && strstr(file.body, "Organization") != NULL);
  test_answer_free(&file);
  test_answer_free(&answer);
}

/* The types in the output of an export, each once, sorted, with commas behind them. */
static void fetch_types(test_answer accepted, char types[TEST_URL_MAX]) {
  char target[TEST_URL_MAX], url[TEST_URL_MAX], type[70];
  uint64_t count = 0;
  take_status_target(&accepted, target);
  test_answer manifest = test_poll(of.engine, target);
  if (manifest.status != 200) print_error("%u: %s\n", manifest.status, manifest.body);
  test_require(manifest.status == 200);
  *types = '\0';
  for (const char *const *at = test_types; *at != NULL; at++) {
    for (size_t i = 0; test_manifest_item(manifest.body, "output", i, url, type, &count); i++) {
      if (strcmp(type, *at) != 0) continue;
      strcat(strcat(types, type), ",");
      break;
    }
  }
  test_answer_free(&manifest);
}

/* The host's own compartment, of which the engine has made a copy. */
static void test_own_compartment(void **state) {
  (void)state;
  char path[] = "Encounter.subject", types[TEST_URL_MAX];
  const char *paths[] = {path};
  of.options.workers = 1;
  of.options.compartment_paths = paths;
  of.options.compartment_path_count = 1;
  test_engine_start(&of);
  memset(path, 'x', sizeof path - 1);
  fetch_types(test_get(of.engine, "/Patient/$export"), types);
  test_require(strcmp(types, "Patient,Encounter,") == 0);
  fetch_types(test_get(of.engine, "/Group/g.1/$export"), types);
  test_require(strcmp(types, "Patient,Encounter,") == 0);
  fetch_types(test_get(of.engine, "/$export"), types);
  test_require(strcmp(types, "Patient,Observation,Encounter,Organization,") == 0);
  test_expect_refusal(of.engine, "/Patient/$export?_type=Observation", 400, "not-supported");
}

/* What a kick-off may name follows from the server's FHIR version. */
static void test_version(void **state) {
  (void)state;
  of.options.fhir_version = FHX_FHIR_R5;
  test_engine_start(&of);
  test_expect_refusal(of.engine, "/$export?_type=DocumentManifest", 400, "value");
  /* A type of R5 that this source has not. */
  test_expect_refusal(of.engine, "/$export?_type=NutritionProduct", 400, "not-supported");
}

/* Associated types make up for what is not in the compartment (PARAM-11). */
static void test_associated(void **state) {
  (void)state;
  char associated[] = "Organization", target[TEST_URL_MAX];
  of.options.associated_types = associated;
  test_engine_start(&of);
  memset(associated, 'x', sizeof associated - 1);
  test_kick_off(of.engine, "/Patient/$export?_type=Organization", target);
}

/* The limits of Groups reach the job: more than one member is too many here. */
static void test_group_limits(void **state) {
  (void)state;
  char target[TEST_URL_MAX];
  of.options.workers = 1;
  of.options.group_members_max = 1;
  test_engine_start(&of);
  test_kick_off(of.engine, "/Group/g.1/$export", target);
  test_expect_outcome(test_poll(of.engine, target), 500, "error", "exception");
  /* With patients the members are looked at at once; nobody is told to try again later. */
  test_answer answer = post("/Group/g.1/$export", PARAMETERS(PATIENT("Patient/p4")));
  test_require(test_header(&answer, "Retry-After") == NULL);
  test_expect_outcome(answer, 400, "error", "not-supported");
}

/* --- memory runs out --- */

/* One kick-off, at which memory may run out; whether it was accepted. */
static bool ask_once(void) {
  static const char body[] = PARAMETERS(TYPE("Patient") "," PATIENT("Patient/p1"));
  const char *headers[] = {"Content-Type", JSON};
  fhx_request request = test_request("POST", "/Group/g.1/$export");
  fhx_response *response = NULL;
  request.headers = headers;
  request.header_count = 1;
  request.body = body;
  request.body_len = strlen(body);
  int32_t status = fhx_engine_handle(of.engine, &request, &response, NULL);
  uint32_t answered = fhx_response_status(response);
  fhx_response_free(response);
  test_require((status == FHX_OK) == (response != NULL));
  if (status != FHX_OK) test_require_status(status, FHX_ERR_NO_MEMORY);
  /* The source's or the store's lack of memory is the server's own trouble. */
  if (status == FHX_OK) test_require(answered == 202 || answered >= 500);
  return status == FHX_OK && answered == 202;
}

static bool memory_scenario(void) {
  test_source_knobs knobs = usual_source();
  bool is_accepted = false;
  begin_with(&knobs);
  of.options.associated_types = "Organization";
  bool made = of.options.source != NULL && of.options.destination != NULL;
  int32_t status = made ? fhx_engine_new(&of.options, &of.engine, NULL) : FHX_ERR_NO_MEMORY;
  if (status == FHX_OK) {
    is_accepted = ask_once();
  } else {
    test_require_status(status, FHX_ERR_NO_MEMORY);
  }
  test_memory_recover();
  test_engine_end(&of);
  return is_accepted;
}

static void test_memory(void **state) {
  (void)state;
  bool failed = true;
  for (uint64_t number = 1; failed; number += test_is_quick() ? 7 : 1) {
    test_memory_begin(number);
    bool is_accepted = memory_scenario();
    failed = test_memory_end();
    if (!failed) test_require(is_accepted);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_levels, begin, end),
      cmocka_unit_test_setup_teardown(test_separate_status, begin, end),
      cmocka_unit_test_setup_teardown(test_refused, begin, end),
      cmocka_unit_test_setup_teardown(test_sizes, begin, end),
      cmocka_unit_test_setup_teardown(test_unknown, begin, end),
      cmocka_unit_test_setup_teardown(test_unwritable, begin, end),
      cmocka_unit_test_setup_teardown(test_permitted, begin, end),
      cmocka_unit_test(test_slow_source),
      cmocka_unit_test(test_denied),
      cmocka_unit_test_setup_teardown(test_same_by_both, begin, end),
      cmocka_unit_test_setup_teardown(test_lenient, begin, end),
      cmocka_unit_test_setup_teardown(test_own_compartment, begin, end),
      cmocka_unit_test_setup_teardown(test_version, begin, end),
      cmocka_unit_test_setup_teardown(test_associated, begin, end),
      cmocka_unit_test_setup_teardown(test_group_limits, begin, end),
      cmocka_unit_test(test_memory),
  };
  return cmocka_run_group_tests(tests, make_data, test_dataset_end);
}
