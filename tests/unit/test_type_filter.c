/*
 * `_typeFilter` from the request to the filter: what a filter does with queries, how it stores
 * them, what a source is told of them, and what a kick-off may ask for (PARAM-18 to PARAM-22).
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

#include "core/buffer.h"
#include "request/request.h"
#include "select/selection.h"
#include "source/source.h"
#include "support/memory.h"
#include "support/require.h"

#define OBSERVATION(id, status) \
  "{\"resourceType\":\"Observation\",\"id\":\"" id "\",\"status\":\"" status "\"}"
#define FINAL OBSERVATION("a", "final")
#define AMENDED OBSERVATION("b", "amended")
#define PATIENT "{\"resourceType\":\"Patient\",\"id\":\"p\",\"gender\":\"female\"}"

static fhx_filter *new_filter(void) {
  fhx_filter *filter = NULL;
  assert_int_equal(fhx_filter_new(&filter, NULL), FHX_OK);
  return filter;
}

static void add(fhx_filter *filter, const char *query) {
  assert_int_equal(fhx_filter_add_query(filter, query, NULL), FHX_OK);
}

static bool takes(const fhx_filter *filter, const char *line) {
  uint32_t matches = 7;
  assert_int_equal(fhx_filter_test(filter, line, strlen(line), &matches, NULL), FHX_OK);
  return matches == 1;
}

/* --- the filter --- */

/* FILTER-21 */
static void all_of_one_or_another(void **state) {
  (void)state;
  fhx_filter *filter = new_filter();
  assert_true(takes(filter, AMENDED));
  add(filter, "Observation?status=final&_id=a");
  assert_true(takes(filter, FINAL));
  assert_false(takes(filter, OBSERVATION("b", "final")));
  assert_false(takes(filter, OBSERVATION("a", "amended")));
  assert_true(takes(filter, PATIENT));
  add(filter, "Observation?status=amended");
  assert_true(takes(filter, FINAL));
  assert_true(takes(filter, AMENDED));
  assert_false(takes(filter, OBSERVATION("b", "final")));
  add(filter, "Patient?gender=male");
  assert_false(takes(filter, PATIENT));
  assert_true(takes(filter, AMENDED));
  add(filter, "Patient?");
  assert_true(takes(filter, PATIENT));
  /* Beside types, and no type by itself. */
  assert_int_equal(fhx_filter_add_type(filter, "Patient", NULL), FHX_OK);
  assert_false(takes(filter, FINAL));
  fhx_filter_free(filter);
}

static void refuse(fhx_filter *filter, const char *query, int32_t status, const char *words) {
  fhx_error *error = NULL;
  assert_int_equal(fhx_filter_add_query(filter, query, &error), status);
  assert_int_equal(fhx_error_status(error), status);
  if (strstr(fhx_error_message(error), words) == NULL) fail_msg("%s", fhx_error_message(error));
  assert_null(strstr(fhx_error_message(error), "secret"));
  fhx_error_free(error);
}

static void refused_queries(void **state) {
  (void)state;
  fhx_filter *filter = new_filter();
  refuse(NULL, "Patient?", FHX_ERR_ARGUMENT, "NULL");
  refuse(filter, NULL, FHX_ERR_ARGUMENT, "NULL");
  refuse(filter, "", FHX_ERR_ARGUMENT, "_typeFilter: ");
  refuse(filter, "Patient?birthdate=secret", FHX_ERR_ARGUMENT, "birthdate");
  refuse(filter, "Patient?name", FHX_ERR_ARGUMENT, "name of Patient");
  refuse(filter, "Patient?foo=secret", FHX_ERR_UNSUPPORTED, "foo of Patient");
  refuse(filter, "Patient?_sort=birthdate", FHX_ERR_ARGUMENT, "_sort");
  refuse(filter, "Nothing?a=secret", FHX_ERR_UNSUPPORTED, "Nothing");
  assert_int_equal(filter->search_count, 0);
  assert_true(takes(filter, PATIENT));
  fhx_filter_free(filter);
}

/* A query is read for a version, which then stays. */
static void versions(void **state) {
  (void)state;
  fhx_filter *filter = new_filter(), *copy = NULL;
  refuse(filter, "ActorDefinition?", FHX_ERR_UNSUPPORTED, "ActorDefinition");
  assert_int_equal(fhx_filter_set_fhir_version(filter, FHX_FHIR_R5, NULL), FHX_OK);
  add(filter, "ActorDefinition?");
  assert_int_equal(fhx_filter_set_fhir_version(filter, FHX_FHIR_R4, NULL), FHX_ERR_MISUSE);
  assert_int_equal(filter->fhir_version, FHX_FHIR_R5);
  assert_int_equal(fhx__filter_copy(filter, &copy, NULL), FHX_OK);
  assert_int_equal(copy->search_count, 1);
  fhx_filter_free(copy);
  fhx_filter_free(filter);
}

static void limits(void **state) {
  (void)state;
  char query[60];
  fhx_filter *filter = new_filter();
  for (int i = 0; i < 1000; i++) {
    snprintf(query, sizeof query, "%s?_id=x%d", i % 2 == 0 ? "Patient" : "Device", i);
    add(filter, query);
  }
  refuse(filter, "Patient?", FHX_ERR_ARGUMENT, "more than 1000");
  /* One that is there already is no other. */
  add(filter, query);
  assert_int_equal(filter->search_count, 1000);
  assert_false(takes(filter, PATIENT));
  assert_true(takes(filter, FINAL));
  assert_true(takes(filter, "{\"resourceType\":\"Patient\",\"id\":\"x998\"}"));
  assert_false(takes(filter, "{\"resourceType\":\"Patient\",\"id\":\"x999\"}"));
  fhx_filter_free(filter);
}

/* --- stored --- */

static fhx__buffer written(const fhx_filter *filter) {
  fhx__buffer text = {NULL, 0, 0};
  fhx__json_writer writer;
  fhx__json_begin(&writer, &text);
  fhx__json_open_object(&writer);
  fhx__filter_write(filter, &writer);
  fhx__json_close_object(&writer);
  assert_int_equal(fhx__json_end(&writer), FHX_OK);
  assert_int_equal(fhx__buffer_terminate(&text), FHX_OK);
  return text;
}

static int32_t read_back(const char *text, fhx_filter **filter) {
  fhx__json_node *root = NULL;
  fhx_error *error = NULL;
  assert_int_equal(fhx__json_parse(text, strlen(text), &root, NULL), FHX_OK);
  int32_t status = fhx__filter_read(root, filter, &error);
  /* What was stored is in no message. */
  if (error != NULL) assert_null(strstr(fhx_error_message(error), "secret"));
  fhx_error_free(error);
  fhx__json_free(root);
  return status;
}

static void there_and_back(void **state) {
  (void)state;
  fhx_filter *filter = new_filter(), *copy = NULL, *read = NULL;
  assert_int_equal(fhx_filter_set_fhir_version(filter, FHX_FHIR_R4B, NULL), FHX_OK);
  add(filter, "Patient?name=%22O%5C%2CNeil");
  add(filter, "Observation?status=final");
  add(filter, "Patient?gender=male");
  assert_int_equal(fhx__filter_copy(filter, &copy, NULL), FHX_OK);
  fhx_filter_free(filter);
  fhx__buffer text = written(copy);
  assert_string_equal(text.data,
                      "{\"fhirVersion\":43,\"queries\":[\"Observation?status=final\","
                      "\"Patient?name=%22O%5C%2CNeil\",\"Patient?gender=male\"]}");
  assert_int_equal(read_back(text.data, &read), FHX_OK);
  fhx__buffer again = written(read);
  assert_string_equal(again.data, text.data);
  assert_true(takes(read, FINAL));
  assert_false(takes(read, AMENDED));
  assert_false(takes(read, PATIENT));
  fhx__buffer_free(&again);
  fhx__buffer_free(&text);
  fhx_filter_free(read);
  fhx_filter_free(copy);
}

/* Above all, a broken record never becomes a filter that takes more. */
static void broken_definitions(void **state) {
  static const char *const texts[] = {"{\"queries\":[]}",
                                      "{\"queries\":null}",
                                      "{\"queries\":\"Patient?\"}",
                                      "{\"queries\":[1]}",
                                      "{\"queries\":[\"\"]}",
                                      "{\"queries\":[\"Patient?birthdate=secret\"]}",
                                      "{\"queries\":[\"Patient?a\\u0000b\"]}",
                                      "{\"queries\":[\"ActorDefinition?\"]}"};
  (void)state;
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
    fhx_filter *read = NULL;
    assert_int_equal(read_back(texts[i], &read), FHX_ERR_STORE);
    assert_null(read);
  }
}

/* --- the source --- */

static void what_a_source_is_told(void **state) {
  (void)state;
  fhx_filter *filter = new_filter();
  fhx_query query = {.resource_type = "Patient", .selection = {filter, NULL, NULL}};
  assert_int_equal(fhx_query_search_count(NULL), 0);
  assert_null(fhx_query_search(NULL, 0));
  assert_int_equal(fhx_query_search_count(&query), 0);
  assert_null(fhx_query_search(&query, 0));
  add(filter, "Patient?gender=male");
  add(filter, "Device?");
  add(filter, "Patient?name=a,b");
  add(filter, "Practitioner?name=a");
  assert_int_equal(fhx_query_search_count(&query), 2);
  assert_string_equal(fhx_query_search(&query, 0), "Patient?gender=male");
  assert_string_equal(fhx_query_search(&query, 1), "Patient?name=a,b");
  assert_null(fhx_query_search(&query, 2));
  assert_null(fhx_query_search(&query, UINT64_MAX));
  query.resource_type = "Observation";
  assert_int_equal(fhx_query_search_count(&query), 0);
  /* open_patient has no type. */
  query.resource_type = "";
  assert_int_equal(fhx_query_search_count(&query), 0);
  fhx_filter_free(filter);
}

static void open_cursor(void *user_data, const fhx_query *query, fhx_reply *reply) {
  (void)query;
  fhx_reply_handle(reply, user_data, FHX_APPLIED_SEARCH | FHX_APPLIED_TYPE);
}

static void open_patient(void *user_data, const fhx_query *query, const char *patient_id,
                         fhx_reply *reply) {
  (void)patient_id;
  open_cursor(user_data, query, reply);
}

static void next_rows(void *user_data, void *cursor, uint64_t want_bytes, fhx_reply *reply) {
  (void)user_data;
  (void)cursor;
  (void)want_bytes;
  fhx_reply_end(reply);
}

static void close_cursor(void *user_data, void *cursor) {
  (void)user_data;
  (void)cursor;
}

/* Who was told of nothing has applied nothing, whatever he says. */
static void what_a_source_says(void **state) {
  (void)state;
  int anything = 0;
  fhx_source *source = NULL;
  fhx__cursor cursor;
  fhx_source_callbacks callbacks;
  fhx_filter *filter = new_filter();
  fhx_query query = {.resource_type = "Device", .selection = {filter, NULL, NULL}};
  FHX_INIT(&callbacks);
  callbacks.open_cursor = open_cursor;
  callbacks.open_deleted = open_cursor;
  callbacks.open_patient = open_patient;
  callbacks.next_rows = next_rows;
  callbacks.close_cursor = close_cursor;
  assert_int_equal(fhx_source_new(&callbacks, &anything, &source, NULL), FHX_OK);
  add(filter, "Patient?gender=male");
  assert_int_equal(fhx__source_open(source, &query, &cursor, NULL), FHX_OK);
  assert_int_equal(cursor.applied, FHX_APPLIED_TYPE);
  fhx__source_close(&cursor);
  query.resource_type = "Patient";
  assert_int_equal(fhx__source_open(source, &query, &cursor, NULL), FHX_OK);
  assert_int_equal(cursor.applied, FHX_APPLIED_TYPE | FHX_APPLIED_SEARCH);
  fhx__source_close(&cursor);
  assert_int_equal(fhx__source_open_deleted(source, &query, &cursor, NULL), FHX_OK);
  assert_int_equal(cursor.applied, FHX_APPLIED_TYPE);
  fhx__source_close(&cursor);
  assert_int_equal(fhx__source_open_patient(source, &query, "p", &cursor, NULL), FHX_OK);
  assert_int_equal(cursor.applied, FHX_APPLIED_TYPE);
  fhx__source_close(&cursor);
  fhx_source_free(source);
  fhx_filter_free(filter);
}

/* --- the selection --- */

static void which_lines_are_read(void **state) {
  (void)state;
  fhx_filter *filter = new_filter();
  const fhx__selection selection = {filter, NULL, NULL};
  const fhx__facts facts = {"Observation", "b", false, {0, 0}};
  bool answer = true;
  add(filter, "Observation?status=final");
  assert_true(fhx__selection_reads_line(&selection, "Observation", 0));
  assert_true(fhx__selection_reads_line(&selection, NULL, 0));
  assert_false(fhx__selection_reads_line(&selection, "Patient", 0));
  assert_false(fhx__selection_reads_line(&selection, "Observation", FHX_APPLIED_SEARCH));
  assert_int_equal(
      fhx__selection_takes(&selection, 0, &facts, NULL, AMENDED, strlen(AMENDED), &answer, NULL),
      FHX_OK);
  assert_false(answer);
  assert_int_equal(
      fhx__selection_takes(&selection, FHX_APPLIED_SEARCH, &facts, NULL, "", 0, &answer, NULL),
      FHX_OK);
  assert_true(answer);
  fhx_filter_free(filter);
}

/* --- the request --- */

static int32_t read_query(const char *query, bool lenient, const char *permitted,
                          fhx__export_request *request, fhx__problem *problem) {
  static char text[65536];
  fhx__target target;
  test_scenario("%.150s, %s", query, lenient ? "lenient" : "strict");
  snprintf(text, sizeof text, "/$export?%s", query);
  memset(request, 0, sizeof *request);
  int32_t status = fhx__target_read(text, sizeof text, &target, problem);
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

/* The filter's queries, with a space behind each, are these, and so are the sentences. */
static void expect(const char *query, bool lenient, const char *queries, const char *skipped) {
  fhx__export_request request;
  fhx__problem problem = {0, "", ""};
  char all[2000] = "", *at = all;
  int32_t status = read_query(query, lenient, NULL, &request, &problem);
  if (status != FHX_OK) fail_msg("%s: %s", query, problem.text);
  for (size_t i = 0; i < request.filter->search_count; i++) {
    at += snprintf(at, sizeof all - (size_t)(at - all), "%s ",
                   fhx__search_text(request.filter->searches[i]));
  }
  assert_string_equal(all, queries);
  for (size_t i = 0; i < request.skipped.len; i++) {
    if (request.skipped.data[i] == '\0') request.skipped.data[i] = '\n';
  }
  test_require(request.skipped.len == strlen(skipped));
  if (*skipped != '\0') assert_memory_equal(request.skipped.data, skipped, strlen(skipped));
  fhx__export_request_free(&request);
}

#define F "_typeFilter="

/* PARAM-18, PARAM-19, PARAM-29 */
static void lists_and_repeats(void **state) {
  (void)state;
  expect(F "Patient%3Fgender%3Dmale", false, "Patient?gender=male ", "");
  expect(F "Patient?gender=male,female", false, "Patient?gender=male,female ", "");
  expect(F "Patient?gender=male,Observation?status=final,amended,Patient?_id=a", false,
         "Observation?status=final,amended Patient?gender=male Patient?_id=a ", "");
  expect(F "Patient?gender=male&" F "Patient?_id=a&_type=Patient&" F "Patient?gender=male", false,
         "Patient?gender=male Patient?_id=a ", "");
  expect(F "&" F "&_type=Patient", false, "", "");
  /* An ampersand of the query's own is encoded once more than the request's, and so is a comma. */
  expect(F "Patient%3Fgender%3Dmale%26name%3Da%252Cb", false, "Patient?gender=male&name=a%2Cb ",
         "");
  /* `_type` is read first, wherever it stands. */
  expect(F "Device?_id=a&_type=Patient&_type=Device", false, "Device?_id=a ", "");
}

/* As of _since, the `+` of an offset may come unencoded, which makes it a space. */
static void offsets(void **state) {
  (void)state;
  expect(F "Observation?date=ge2020-01-01T00:00:00+05:00", false,
         "Observation?date=ge2020-01-01T00:00:00+05:00 ", "");
  expect(F "Observation?date=2020-01-01T00:00+05:00,lt2019-02-03T04:05:06.789+01:00%26_id=a", false,
         "Observation?date=2020-01-01T00:00+05:00,lt2019-02-03T04:05:06.789+01:00&_id=a ", "");
  expect(F "Patient?name=2020-01-01+05:00,T00:00+05:00,12020-01-01T00:00+5:00", false,
         "Patient?name=2020-01-01 05:00,T00:00 05:00,12020-01-01T00:00 5:00 ", "");
}

static void expect_refusal(const char *query, bool lenient, const char *permitted,
                           uint32_t http_status, const char *code, const char *words) {
  fhx__export_request request;
  fhx__problem problem = {0, "", ""};
  test_require_status(read_query(query, lenient, permitted, &request, &problem), FHX_ERR_ARGUMENT);
  if (strstr(problem.text, words) == NULL) fail_msg("%s: %s", query, problem.text);
  test_require(problem.http_status == http_status);
  assert_string_equal(problem.issue_code, code);
  test_require(strstr(problem.text, "_typeFilter") != NULL);
  test_require(strstr(problem.text, "secret") == NULL);
  test_require(request.filter == NULL && request.skipped.data == NULL);
}

/* PARAM-20, PARAM-21: no leniency makes sense of what has none. */
static void malformed_queries(void **state) {
  static const struct {
    const char *query;
    const char *words;
  } cases[] = {
      {F "Patient?_sort=secret", "_sort of Patient"},
      {F "Patient?_count=10", "_count"},
      {F "Patient?_include=secret", "_include"},
      {F "Patient?_revinclude=secret", "_revinclude"},
      {F "Patient?_summary=true", "_summary"},
      {F "Patient?_total=none", "_total"},
      {F "Patient?_elements=id", "_elements"},
      {F "Patient?_contained=true", "_contained"},
      {F "Patient?_containedType=container", "_containedType"},
      {F "Patient?_score=1", "_score"},
      {F "gender=secret", "resource type"},
      {F "?gender=secret", "resource type"},
      {F "Patient/1/Observation?status=final", "not with a path"},
      {F "Patient/secret?gender=male", "not with a path"},
      {F "https://h/Patient?gender=male", "resource type"},
      {F "Patient?birthdate=secret", "birthdate"},
      {F "Observation?date=2020-01-01T00:00:00+05", "date"},
      {F "Observation?date=2020-01-01T00:00:00+05:00secret", "date"},
      {F "Patient?gender=male,Patient?_sort=secret", "_sort"},
  };
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    expect_refusal(cases[i].query, false, NULL, 400, "value", cases[i].words);
    expect_refusal(cases[i].query, true, NULL, 400, "value", cases[i].words);
  }
}

/* PARAM-22 */
static void unsupported_queries(void **state) {
  (void)state;
  expect_refusal(F "Patient?foo=secret", false, NULL, 400, "not-supported", "foo of Patient");
  expect_refusal(F "Patient?gender:text=secret", false, NULL, 400, "not-supported",
                 "modifier text of the search parameter gender of Patient");
  expect_refusal(F "Foo?_id=secret", false, NULL, 400, "not-supported", "Foo");
  expect_refusal(F "Patient?_has:Observation:patient:code=secret", false, NULL, 400,
                 "not-supported", "_has");
  expect(F "Patient?foo=secret,Patient?gender=male", true, "Patient?gender=male ",
         "_typeFilter: the search parameter foo of Patient is not known; this query was ignored\n");
  /* Nothing is left to filter by, which is told. */
  expect(F "Patient?foo=secret", true, "",
         "_typeFilter: the search parameter foo of Patient is not known; this query was ignored\n");
}

/* A query of what is not exported cannot be meant. */
static void types_and_rights(void **state) {
  (void)state;
  expect_refusal(F "Device?_id=secret&_type=Patient", false, NULL, 400, "invalid", "Device");
  expect(F "Device?_id=secret&_type=Patient&" F "Patient?_id=a", true, "Patient?_id=a ",
         "_typeFilter: a query is for Device, which _type does not have; it was ignored\n");
  expect_refusal(F "Device?_id=secret", false, "Patient", 403, "forbidden", "Device");
  expect_refusal(F "Device?_id=secret", true, "Patient", 403, "forbidden", "Device");
  fhx__export_request request;
  fhx__problem problem;
  test_require_status(read_query(F "Patient?_id=a", false, "Patient,Device", &request, &problem),
                      FHX_OK);
  test_require(request.filter->search_count == 1 && request.filter->type_count == 2);
  fhx__export_request_free(&request);
}

static void too_many(void **state) {
  (void)state;
  static char query[40000];
  size_t len = (size_t)snprintf(query, sizeof query, F "Patient?_id=a");
  for (int i = 1; i < 1000; i++) {
    len += (size_t)snprintf(query + len, sizeof query - len, ",Patient?_id=a");
  }
  expect(query, false, "Patient?_id=a ", "");
  snprintf(query + len, sizeof query - len, "&" F "Patient?_id=a");
  expect_refusal(query, false, NULL, 400, "too-costly", "more than 1000");
  expect_refusal(query, true, NULL, 400, "too-costly", "more than 1000");
}

/* By POST; FILTER-22. */
static void by_post(void **state) {
  (void)state;
  static const struct {
    const char *value;
    bool is_good;
  } rows[] = {{"\"valueString\":\"Patient?gender=male,Device?_id=a\"", true},
              {"\"valueCode\":\"Patient?gender=male\"", false},
              {"\"valueReference\":{\"reference\":\"Patient?gender=male\"}", false}};
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    char text[300];
    fhx__body body;
    fhx__problem problem;
    fhx__export_rules rules;
    fhx__export_request request;
    const fhx__export_settings settings = {.fhir_version = FHX_FHIR_R4};
    snprintf(text, sizeof text,
             "{\"resourceType\":\"Parameters\",\"parameter\":[{\"name\":\"_typeFilter\",%s}]}",
             rows[i].value);
    test_require_status(fhx__body_read(text, strlen(text), &body, &problem), FHX_OK);
    test_require_status(fhx__export_rules_init(&rules, &settings, NULL), FHX_OK);
    const fhx__kick_off kick_off = {.parameters = body.parameters,
                                    .parameter_count = body.parameter_count,
                                    .base_url = "https://h"};
    int32_t status = fhx__export_request_read(&rules, &kick_off, &request, &problem);
    test_require((status == FHX_OK) == rows[i].is_good);
    if (rows[i].is_good) test_require(request.filter->search_count == 2);
    if (!rows[i].is_good) test_require(strstr(problem.text, "valueString") != NULL);
    fhx__export_request_free(&request);
    fhx__export_rules_free(&rules);
    fhx__body_free(&body);
  }
}

/* --- out of memory --- */

static void use_filter(void) {
  fhx_filter *filter = NULL, *copy = NULL, *read = NULL;
  uint32_t matches = 0;
  if (fhx_filter_new(&filter, NULL) != FHX_OK) return;
  int32_t status = FHX_OK;
  for (int i = 0; i < 10 && status == FHX_OK; i++) {
    char query[60];
    fhx_error *error = NULL;
    snprintf(query, sizeof query, "Patient?_id=x%d&name=a", i);
    status = fhx_filter_add_query(filter, query, &error);
    assert_true(status == FHX_OK || status == FHX_ERR_NO_MEMORY);
    fhx_error_free(error);
  }
  size_t count = filter->search_count;
  assert_true(status != FHX_OK || count == 10);
  status = fhx_filter_test(filter, PATIENT, strlen(PATIENT), &matches, NULL);
  assert_true(status == FHX_ERR_NO_MEMORY || matches == (count == 0 ? 1u : 0u));
  if (fhx__filter_copy(filter, &copy, NULL) == FHX_OK) assert_int_equal(copy->search_count, count);
  fhx__json_node *root = NULL;
  static const char text[] = "{\"queries\":[\"Patient?gender=male\"]}";
  if (fhx__json_parse(text, strlen(text), &root, NULL) == FHX_OK) {
    status = fhx__filter_read(root, &read, NULL);
    assert_true(status == FHX_ERR_NO_MEMORY || (status == FHX_OK && read->search_count == 1));
  }
  fhx__json_free(root);
  fhx_filter_free(read);
  fhx_filter_free(copy);
  fhx_filter_free(filter);
}

static void use_request(void) {
  fhx__export_request request;
  fhx__problem problem;
  int32_t status = read_query(F "Patient?_id=a,Patient?foo=b&" F "Device?_id=a&_type=Patient", true,
                              NULL, &request, &problem);
  assert_true(status == FHX_OK || status == FHX_ERR_NO_MEMORY);
  if (status == FHX_OK) {
    assert_int_equal(request.filter->search_count, 1);
    assert_true(request.skipped.len != 0);
  }
  fhx__export_request_free(&request);
}

static void out_of_memory(void **state) {
  void (*const scenarios[])(void) = {use_filter, use_request};
  (void)state;
  for (size_t i = 0; i < sizeof scenarios / sizeof scenarios[0]; i++) {
    bool more = true;
    for (uint64_t fail_at = 0; more; fail_at++) {
      test_memory_begin(fail_at);
      scenarios[i]();
      more = test_memory_end() || fail_at == 0;
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(all_of_one_or_another),
      cmocka_unit_test(refused_queries),
      cmocka_unit_test(versions),
      cmocka_unit_test(limits),
      cmocka_unit_test(there_and_back),
      cmocka_unit_test(broken_definitions),
      cmocka_unit_test(what_a_source_is_told),
      cmocka_unit_test(what_a_source_says),
      cmocka_unit_test(which_lines_are_read),
      cmocka_unit_test(lists_and_repeats),
      cmocka_unit_test(offsets),
      cmocka_unit_test(malformed_queries),
      cmocka_unit_test(unsupported_queries),
      cmocka_unit_test(types_and_rights),
      cmocka_unit_test(too_many),
      cmocka_unit_test(by_post),
      cmocka_unit_test(out_of_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
