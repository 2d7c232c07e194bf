/* Exports with `_typeFilter`: which resources come out, at every level and of every kind of source
   (FILTER-21, FILTER-22, PARAM-18 to PARAM-22). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>
#include <fhirexport/fhirexport.h>

#include "support/clinic.h"
#include "support/engine.h"
#include "support/require.h"
#include "support/small_source.h"

#define OF(type, id) "{\"resourceType\":\"" type "\",\"id\":\"" id "\""
#define ABOUT(patient) ",\"subject\":{\"reference\":\"Patient/" patient "\"}"
#define OBSERVATION(id, patient, rest) \
  { "Observation", id, patient, 0, OF("Observation", id) ABOUT(patient) rest "}" }

/* --- jobs --- */

static const char *const types[] = {"Patient", "Observation",       "Group",  "Practitioner",
                                    "Device",  "DocumentReference", "Binary", NULL};

static const test_small_row rows[] = {
    {"Patient", "p", "p", 0, OF("Patient", "p") ",\"gender\":\"female\"}"},
    {"Patient", "q", "q", 0, OF("Patient", "q") ",\"gender\":\"male\"}"},
    OBSERVATION("a", "p",
                ",\"status\":\"final\",\"performer\":[{\"reference\":\"Practitioner/x\"}]"),
    OBSERVATION("b", "p", ",\"status\":\"preliminary\""),
    OBSERVATION("c", "q", ",\"status\":\"final\""),
    OBSERVATION("d", "q", ",\"status\":\"amended\""),
    {"Practitioner", "x", "", 0, OF("Practitioner", "x") ",\"active\":false}"},
    {"Practitioner", "y", "", 0, OF("Practitioner", "y") ",\"active\":true}"},
    {"Device", "v", "", 0, OF("Device", "v") ",\"status\":\"active\"}"},
    {"Device", "w", "", 0, OF("Device", "w") ",\"status\":\"inactive\"}"},
    {"DocumentReference", "e", "p", 0,
     OF("DocumentReference", "e") ",\"status\":\"superseded\"" ABOUT("p") "}"},
    {"Binary", "f", "", 0,
     OF("Binary", "f") ",\"contentType\":\"text/plain\",\"securityContext\":{\"reference\":"
                       "\"Patient/p\"}}"},
};

/* What a host's index would know: of these queries by their one value. */
static bool meets(const test_small_row *row, const char *search) {
  const char *value = strchr(search, '=');
  char quoted[60];
  if (value == NULL) return true;
  snprintf(quoted, sizeof quoted, ":\"%s\"", value + 1);
  if (strcmp(value, "=true") == 0) snprintf(quoted, sizeof quoted, ":true");
  return strstr(row->json, quoted) != NULL;
}

typedef enum whose { OF_ALL, OF_PATIENTS, OF_ONE, OF_GROUP } whose;

typedef struct outcome {
  whose level;
  const char *const *named;
  const char *const *queries;
  const char *output;
} outcome;

#define LIST(...) ((const char *const[]){__VA_ARGS__, NULL})

static const outcome outcomes[] = {
    /* Each type by itself; one query or another; types without one are whole. */
    {OF_ALL, LIST("Patient", "Observation", "Device"),
     LIST("Observation?status=final", "Patient?gender=male", "Observation?status=amended"),
     "Device/v Device/w Observation/a Observation/c Observation/d Patient/q"},
    /* All of one. */
    {OF_ALL, LIST("Observation"), LIST("Observation?status=final&subject=Patient/q"),
     "Observation/c"},
    /* Nothing meets it, and the export is good all the same. */
    {OF_ALL, LIST("Observation", "Device"), LIST("Observation?status=unknown"),
     "Device/v Device/w"},
    /* A query adds no type, and takes none away. */
    {OF_ALL, LIST("Patient"), LIST("Device?_id=v"), "Patient/p Patient/q"},
    {OF_ALL, NULL, LIST("Device?_id=v", "Observation?status=final"),
     "Device/v DocumentReference/binary-f DocumentReference/e Observation/a Observation/c "
     "Patient/p Patient/q Practitioner/x Practitioner/y"},
    /* Whose data it is does not hang on whether the Patient comes out. */
    {OF_PATIENTS, LIST("Patient", "Observation"),
     LIST("Patient?gender=male", "Observation?status=final"),
     "Observation/a Observation/c Patient/q"},
    {OF_ONE, LIST("Patient", "Observation"),
     LIST("Patient?gender=male", "Observation?status=final"), "Observation/a"},
    /* A Group's members that are no patients are exported for their own sake. */
    {OF_GROUP, LIST("Patient", "Observation", "Device"),
     LIST("Observation?status=final", "Device?_id=v"), "Device/v Observation/a Patient/p"},
    /* A Binary goes as a DocumentReference, for which the queries of that type are. */
    {OF_ALL, LIST("DocumentReference", "Binary"), LIST("DocumentReference?status=current"),
     "DocumentReference/binary-f"},
    {OF_PATIENTS, LIST("DocumentReference"),
     LIST("DocumentReference?status=superseded", "Binary?_id=none"), "DocumentReference/e"},
    {OF_PATIENTS, LIST("DocumentReference"), LIST("Binary?_id=none"),
     "DocumentReference/binary-f DocumentReference/e"},
};
#define OUTCOME_COUNT (sizeof outcomes / sizeof outcomes[0])

static fhx_filter *filter_of(const outcome *wanted) {
  fhx_filter *filter = NULL;
  test_require_status(fhx_filter_new(&filter, NULL), FHX_OK);
  for (const char *const *at = wanted->named; at != NULL && *at != NULL; at++) {
    test_require_status(fhx_filter_add_type(filter, *at, NULL), FHX_OK);
  }
  for (const char *const *at = wanted->queries; *at != NULL; at++) {
    test_require_status(fhx_filter_add_query(filter, *at, NULL), FHX_OK);
  }
  if (wanted->level == OF_PATIENTS) {
    test_require_status(fhx_filter_set_all_patients(filter, NULL), FHX_OK);
  }
  if (wanted->level == OF_ONE) {
    test_require_status(fhx_filter_add_patient(filter, "p", NULL), FHX_OK);
  }
  if (wanted->level == OF_GROUP) {
    test_require_status(fhx_filter_set_group(filter, "g", NULL), FHX_OK);
  }
  return filter;
}

static void prepare(test_small_job *of, test_small_source *small, uint32_t applied, bool reads) {
  static const char *const members[] = {"Device/v", "Device/w", "Patient/p"};
  static const test_small_group group = {"g", members, 3};
  memset(small, 0, sizeof *small);
  small->rows = rows;
  small->row_count = sizeof rows / sizeof rows[0];
  small->types = types;
  small->applied = applied;
  small->meets = meets;
  small->reads = reads;
  small->lists_members = true;
  small->groups = &group;
  small->group_count = 1;
  test_small_prepare(of, small);
}

/* FILTER-21: the same, whatever the source has applied, and whether the library trusts its text. */
static void what_comes_out(void **state) {
  static const uint32_t applied[] = {0, FHX_APPLIED_TYPE, FHX_APPLIED_TYPE | FHX_APPLIED_PATIENTS,
                                     FHX_APPLIED_TYPE | FHX_APPLIED_SEARCH};
  (void)state;
  for (size_t i = 0; i < 8 * OUTCOME_COUNT; i++) {
    const outcome *wanted = &outcomes[i / 8];
    test_small_source small;
    test_small_job of;
    /* Its index knows single values only. */
    if (i % 4 == 3 && strchr(wanted->queries[0], '&') != NULL) continue;
    test_scenario("outcome %zu, source %zu", i / 8, i % 8);
    prepare(&of, &small, applied[i % 4], i % 8 >= 4);
    if (i % 8 >= 4) of.options.flags |= FHX_JOB_TRUST_SOURCE;
    test_small_start(&of, filter_of(wanted));
    test_small_run(&of);
    test_small_check(&of, wanted->output);
    test_small_end(&of);
  }
}

/* A source that has applied the searches is believed. */
static bool meets_nothing(const test_small_row *row, const char *search) {
  (void)search;
  return strcmp(row->id, "b") == 0;
}

static void a_source_is_believed(void **state) {
  const outcome wanted = {OF_ALL, LIST("Observation", "Device"), LIST("Observation?status=final"),
                          "Device/v Device/w Observation/b"};
  test_small_source small;
  test_small_job of;
  (void)state;
  prepare(&of, &small, FHX_APPLIED_TYPE | FHX_APPLIED_SEARCH, false);
  small.meets = meets_nothing;
  test_small_start(&of, filter_of(&wanted));
  test_small_run(&of);
  test_small_check(&of, wanted.output);
  test_small_end(&of);
}

/* What exported resources refer to explains them: x is not active, and comes for Observation a. */
static void associated_resources(void **state) {
  const outcome wanted = {OF_PATIENTS, LIST("Observation", "Practitioner"),
                          LIST("Observation?status=final", "Practitioner?active=true"),
                          "Observation/a Observation/c Practitioner/x"};
  (void)state;
  for (int reads = 0; reads < 2; reads++) {
    test_small_source small;
    test_small_job of;
    test_scenario("reads %d", reads);
    prepare(&of, &small, FHX_APPLIED_TYPE | FHX_APPLIED_SEARCH, reads == 1);
    of.options.associated_types = "Practitioner";
    test_small_start(&of, filter_of(&wanted));
    test_small_run(&of);
    test_small_check(&of, wanted.output);
    test_small_end(&of);
  }
}

/* --- organised by patients --- */

typedef struct walk {
  const char *patient;
  size_t position;
} walk;

static void open_walk(const char *patient, fhx_reply *reply) {
  walk *at = calloc(1, sizeof *at);
  test_require(at != NULL);
  at->patient = patient;
  /* What it says of searches must not be believed of a patient's compartment. */
  fhx_reply_handle(reply, at, FHX_APPLIED_SEARCH);
}

static void open_cursor(void *user_data, const fhx_query *query, fhx_reply *reply) {
  (void)user_data;
  if (fhx_query_search_count(query) != 0) test_violation("a Patient without data would be lost");
  open_walk(NULL, reply);
}

static void open_patient(void *user_data, const fhx_query *query, const char *patient_id,
                         fhx_reply *reply) {
  (void)user_data;
  (void)query;
  open_walk(strcmp(patient_id, "p") == 0 ? "p" : "q", reply);
}

static void next_rows(void *user_data, void *cursor, uint64_t want_bytes, fhx_reply *reply) {
  walk *at = cursor;
  (void)user_data;
  (void)want_bytes;
  for (; at->position < sizeof rows / sizeof rows[0]; at->position++) {
    const test_small_row *row = &rows[at->position];
    if (at->patient == NULL ? strcmp(row->type, "Patient") != 0
                            : strcmp(row->patient, at->patient) != 0) {
      continue;
    }
    at->position++;
    fhx_reply_rows(reply, row->json, strlen(row->json), 1, NULL, NULL, NULL, 0);
    return;
  }
  fhx_reply_end(reply);
}

static void close_cursor(void *user_data, void *cursor) {
  (void)user_data;
  free(cursor);
}

/* Whether a part, but not the error file, has this text. */
static bool has_text(test_small_job *of, const char *text) {
  test_objects objects = test_destination_objects(of->destination);
  bool found = false;
  for (size_t i = 0; i < objects.count; i++) {
    char *copy = calloc(1, objects.items[i].len + 1);
    test_require(copy != NULL);
    memcpy(copy, objects.items[i].data, objects.items[i].len);
    found = found || strstr(copy, text) != NULL;
    free(copy);
  }
  return found;
}

static void by_patient(void **state) {
  const outcome wanted = {OF_PATIENTS, LIST("Patient", "Observation"),
                          LIST("Patient?gender=male", "Observation?status=final"), NULL};
  static const struct {
    const char *text;
    bool is_there;
  } lines[] = {{OF("Patient", "p"), false},
               {OF("Patient", "q"), true},
               {OF("Observation", "a"), true},
               {OF("Observation", "b"), false},
               {OF("Observation", "c"), true},
               {OF("Observation", "d"), false},
               {"\"reference\":\"Patient/p\"}}]}", true}};
  test_small_source small;
  test_small_job of;
  fhx_source_callbacks callbacks;
  (void)state;
  prepare(&of, &small, 0, false);
  fhx_source_free(of.options.source);
  FHX_INIT(&callbacks);
  callbacks.open_cursor = open_cursor;
  callbacks.open_patient = open_patient;
  callbacks.next_rows = next_rows;
  callbacks.close_cursor = close_cursor;
  test_require_status(fhx_source_new(&callbacks, NULL, &of.options.source, NULL), FHX_OK);
  of.options.organize_by = "Patient";
  test_small_start(&of, filter_of(&wanted));
  test_small_run(&of);
  if (of.status != FHX_OK) test_scenario("%s", of.message);
  test_require_status(of.status, FHX_OK);
  for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
    test_scenario("%s", lines[i].text);
    test_require(has_text(&of, lines[i].text) == lines[i].is_there);
  }
  test_small_end(&of);
}

/* --- over HTTP --- */

static test_dataset *data;
static test_engine of;

static int make_data(void **state) {
  *state = data = test_clinic_new(12);
  return 0;
}

static int begin(void **state) {
  static const char *const members[] = {"Patient/p0", "Patient/p1"};
  test_source_knobs knobs = test_engine_source(data);
  (void)state;
  knobs.group_id = "ward";
  knobs.group_members = members;
  knobs.group_member_count = 2;
  test_engine_prepare(&of, &knobs);
  of.options.workers = 2;
  test_engine_start(&of);
  return 0;
}

static int end(void **state) {
  (void)state;
  test_engine_end(&of);
  return 0;
}

static test_answer ask(const char *path, const char *filters, bool posts, const char *prefer) {
  const char *headers[] = {"Prefer", prefer, "Content-Type", "application/fhir+json"};
  char target[1000] = "", body[1000];
  fhx_request request = test_request(posts ? "POST" : "GET", target);
  test_scenario("%s %s%s", request.method, path, filters);
  snprintf(target, sizeof target, "%s%s", path, posts ? "" : filters);
  if (posts) {
    snprintf(body, sizeof body, "{\"resourceType\":\"Parameters\",\"parameter\":[%s]}", filters);
    request.body = body;
    request.body_len = strlen(body);
  }
  request.headers = headers;
  request.header_count = 2;
  return test_send(of.engine, &request);
}

/* The manifest of a kick-off that is accepted. */
static test_answer export(const char *path, const char *filters, bool posts, const char *prefer) {
  char status[TEST_URL_MAX];
  test_answer answer = ask(path, filters, posts, prefer);
  if (answer.status != 202) print_error("%s\n", answer.body);
  test_require(answer.status == 202);
  snprintf(status, sizeof status, "%s", test_target_of(test_header(&answer, "Content-Location")));
  test_answer_free(&answer);
  answer = test_poll(of.engine, status);
  test_require(answer.status == 200);
  return answer;
}

/* How many resources of a type a manifest tells of. */
static uint64_t count_of(const test_answer *manifest, const char *wanted) {
  char url[TEST_URL_MAX], type[70];
  uint64_t count = 0, sum = 0;
  for (size_t i = 0; test_manifest_item(manifest->body, "output", i, url, type, &count); i++) {
    if (strcmp(type, wanted) == 0) sum += count;
  }
  return sum;
}

#define QUERY                                                                  \
  "?_type=Patient,Observation&_typeFilter=Observation%3Fsubject%3DPatient/p0&" \
  "_typeFilter=Observation?performer=Practitioner/b,Patient?_id=p1,p2"
#define PARAMETER(text) "{\"name\":\"_typeFilter\",\"valueString\":\"" text "\"}"
#define LIST_OF_PARAMETERS \
  "{\"name\":\"_type\",\"valueString\":\"Patient,Observation\"},"                   \
  PARAMETER("Observation?subject=Patient/p0") ","                                   \
  PARAMETER("Observation?performer=Practitioner/b,Patient?_id=p1,p2")

/* FILTER-22: of four patients with three observations each. */
static void every_level(void **state) {
  static const struct {
    const char *path;
    uint64_t patients;
    uint64_t observations;
  } levels[] = {{"/$export", 2, 6}, {"/Patient/$export", 2, 6}, {"/Group/ward/$export", 1, 6}};
  (void)state;
  for (size_t i = 0; i < 6; i++) {
    bool posts = i % 2 == 1;
    test_answer manifest =
        export(levels[i / 2].path, posts ? LIST_OF_PARAMETERS : QUERY, posts, "respond-async");
    test_require(count_of(&manifest, "Patient") == levels[i / 2].patients);
    test_require(count_of(&manifest, "Observation") == levels[i / 2].observations);
    test_answer_free(&manifest);
  }
}

/* PARAM-20, PARAM-21, PARAM-22: refused by name, without a value. */
static void refusals(void **state) {
  static const struct {
    const char *get;
    const char *post;
    const char *code;
    const char *words;
  } cases[] = {
      {"?_typeFilter=Patient%3F_sort%3Dsecret", PARAMETER("Patient?_sort=secret"), "value",
       "_sort"},
      {"?_typeFilter=Patient/1/Observation%3Fcode%3Dsecret",
       PARAMETER("Patient/1/Observation?code=secret"), "value", "path"},
      {"?_typeFilter=Patient%3Ffoo%3Dsecret", PARAMETER("Patient?foo=secret"), "not-supported",
       "foo of Patient"},
      {"?_typeFilter=Patient%3Fname:text%3Dsecret", PARAMETER("Patient?name:text=secret"),
       "not-supported", "text"},
  };
  (void)state;
  for (size_t i = 0; i < 2 * sizeof cases / sizeof cases[0]; i++) {
    bool posts = i % 2 == 1;
    test_answer answer = ask("/$export", posts ? cases[i / 2].post : cases[i / 2].get, posts, "");
    test_require(strstr(answer.body, "_typeFilter") != NULL);
    test_require(strstr(answer.body, cases[i / 2].words) != NULL);
    test_require(strstr(answer.body, "secret") == NULL);
    test_expect_outcome(answer, 400, "error", cases[i / 2].code);
  }
}

/* PARAM-22: what is left out is told in a file, and the rest holds. */
static void lenient(void **state) {
  char url[TEST_URL_MAX], type[70];
  uint64_t count = 0;
  (void)state;
  test_answer manifest =
      export("/$export", "?_type=Patient&_typeFilter=Patient?foo=secret,Patient?_id=p1", false,
             "handling=lenient");
  test_require(count_of(&manifest, "Patient") == 1);
  test_require(test_manifest_item(manifest.body, "error", 0, url, type, &count) && count == 1);
  test_answer file = test_get(of.engine, test_target_of(url));
  test_require(file.status == 200 && strstr(file.body, "foo of Patient") != NULL);
  test_require(strstr(file.body, "secret") == NULL);
  test_answer_free(&file);
  test_answer_free(&manifest);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_comes_out),
      cmocka_unit_test(a_source_is_believed),
      cmocka_unit_test(associated_resources),
      cmocka_unit_test(by_patient),
      cmocka_unit_test_setup_teardown(every_level, begin, end),
      cmocka_unit_test_setup_teardown(refusals, begin, end),
      cmocka_unit_test_setup_teardown(lenient, begin, end),
  };
  return cmocka_run_group_tests(tests, make_data, test_dataset_end);
}
