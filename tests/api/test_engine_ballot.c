/*
 * The rules of the STU4 ballot beside those of STU1 to STU3, in one engine: kick-offs, manifests,
 * lengths of files, the CapabilityStatement, and jobs that are asked for where they were not kicked
 * off (KICK-03, PARAM-01, PARAM-09, PARAM-17, PARAM-27, PARAM-30, MAN-01, MAN-06, MAN-15, MAN-23,
 * FILE-23, CAP-08).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>
#include <fhirexport/fhirexport.h>
#include <yajl/yajl_tree.h>

#include "support/engine.h"
#include "support/require.h"

#define BALLOT_URL "https://fhir.example.org/4b"
#define BODY(list) "{\"resourceType\":\"Parameters\",\"parameter\":[" list "]}"
#define STRING(name, value) "{\"name\":\"" name "\",\"valueString\":\"" value "\"}"
#define SIZE(name, value) "{\"name\":\"" name "\",\"valuePositiveInt\":" value "}"
#define CODING(code) "{\"name\":\"includeAssociatedData\",\"valueCoding\":{\"code\":\"" code "\"}}"
#define STU3_KEYS "transactionTime request requiresAccessToken output error"
#define BALLOT_KEYS "manifestType transactionTime requiresAccessToken outputFormat output"
#define BULK_DATA "http://hl7.org/fhir/uv/bulkdata/"

static test_dataset *data;
static test_engine of;

static int make_data(void **state) {
  *state = data = test_dataset_new(5, 90, TEST_DATASET_STAMPED);
  return 0;
}

static int begin(void **state) {
  test_source_knobs knobs = test_engine_source(data);
  (void)state;
  knobs.reads_resources = true;
  test_scenario("ballot");
  test_engine_prepare(&of, &knobs);
  of.options.workers = 2;
  of.options.maximum_file_size_min = 1;
  return 0;
}

static int end(void **state) {
  (void)state;
  test_engine_end(&of);
  return 0;
}

/* --- asking --- */

static const char *base_of(uint32_t ig_version) {
  return ig_version == FHX_IG_STU4_BALLOT ? BALLOT_URL : TEST_BASE_URL;
}

static test_answer ask_with(uint32_t ig_version, const char *method, const char *target,
                            const char *body, const char *prefer) {
  const char *headers[] = {"Content-Type", "application/fhir+json", "Prefer", prefer};
  fhx_request request = test_request(method, target);
  request.headers = headers;
  request.header_count = 2;
  request.body = body;
  request.body_len = body == NULL ? 0 : strlen(body);
  request.base_url = base_of(ig_version);
  request.ig_version = ig_version;
  return test_send(of.engine, &request);
}

static test_answer ask(uint32_t ig_version, const char *method, const char *target,
                       const char *body) {
  return ask_with(ig_version, method, target, body, "respond-async");
}

static void expect_refused(const char *body, const char *code, const char *named) {
  test_answer answer = ask(FHX_IG_STU4_BALLOT, "POST", "/Patient/$export", body);
  if (strstr(answer.body, named) == NULL) print_error("%s: %s\n", body, answer.body);
  test_require(strstr(answer.body, named) != NULL);
  test_expect_outcome(answer, 400, "error", code);
}

static void kick_off_with(uint32_t ig_version, const char *body, const char *prefer,
                          char target[TEST_URL_MAX]) {
  const char *base = base_of(ig_version);
  test_answer answer = ask_with(ig_version, "POST", "/Patient/$export", body, prefer);
  if (answer.status != 202) print_error("%s\n", answer.body);
  test_require(answer.status == 202);
  const char *url = test_header(&answer, "Content-Location");
  test_require(strncmp(url, base, strlen(base)) == 0);
  snprintf(target, TEST_URL_MAX, "%s", url + strlen(base));
  test_answer_free(&answer);
}

/* Polls there until the job is complete. */
static yajl_val poll(uint32_t ig_version, const char *target) {
  char message[200];
  test_answer answer = ask(ig_version, "GET", target, NULL);
  for (; answer.status == 202; answer = ask(ig_version, "GET", target, NULL)) {
    test_answer_free(&answer);
    test_nap_ms(20);
  }
  if (answer.status != 200) print_error("%s\n", answer.body);
  test_require(answer.status == 200);
  yajl_val root = yajl_tree_parse(answer.body, message, sizeof message);
  test_require(root != NULL);
  test_answer_free(&answer);
  return root;
}

static yajl_val export(uint32_t ig_version, const char *body) {
  char target[TEST_URL_MAX];
  kick_off_with(ig_version, body, "respond-async", target);
  return poll(ig_version, target);
}

/* --- reading --- */

static yajl_val get(yajl_val object, const char *key) {
  const char *path[] = {key, NULL};
  return yajl_tree_get(object, path, yajl_t_any);
}

static const char *text_of(yajl_val object, const char *key) {
  yajl_val value = get(object, key);
  return YAJL_IS_STRING(value) ? YAJL_GET_STRING(value) : "";
}

static uint64_t number_of(yajl_val object, const char *key) {
  yajl_val value = get(object, key);
  return YAJL_IS_INTEGER(value) ? (uint64_t)YAJL_GET_INTEGER(value) : 0;
}

static size_t length(yajl_val root, const char *list) {
  yajl_val value = get(root, list);
  return YAJL_IS_ARRAY(value) ? value->u.array.len : 0;
}

static yajl_val item(yajl_val root, const char *list, size_t position) {
  test_require(position < length(root, list));
  return get(root, list)->u.array.values[position];
}

static void check_keys(yajl_val object, const char *expected) {
  char keys[400] = "";
  for (size_t i = 0; i < object->u.object.len; i++) {
    size_t len = strlen(keys);
    snprintf(keys + len, sizeof keys - len, "%s%s", i == 0 ? "" : " ", object->u.object.keys[i]);
  }
  if (strcmp(keys, expected) != 0) print_error("%s\n", keys);
  test_require(strcmp(keys, expected) == 0);
}

/* Of each file: that it is as long as it is said to be, and not longer than `most` unless it is a
   single resource. Returns how many resources there are. */
static uint64_t check_files(yajl_val root, uint64_t most) {
  uint64_t count = 0;
  for (size_t i = 0; i < length(root, "output"); i++) {
    yajl_val file = item(root, "output", i);
    const char *url = text_of(file, "url");
    test_require(strncmp(url, BALLOT_URL "/", strlen(BALLOT_URL "/")) == 0);
    test_answer answer = ask(FHX_IG_STU4_BALLOT, "GET", url + strlen(BALLOT_URL), NULL);
    test_require(answer.status == 200 && answer.len == number_of(file, "fileSize"));
    test_require(answer.len <= most || number_of(file, "count") == 1);
    count += number_of(file, "count");
    test_answer_free(&answer);
  }
  return count;
}

/* --- kick-offs --- */

/* KICK-03: a GET is none, at each level, and makes no job. */
static void only_post(void **state) {
  static const char *const targets[] = {"/$export", "/Patient/$export", "/Group/g.1/$export"};
  (void)state;
  test_engine_start(&of);
  for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++) {
    test_answer answer = ask(FHX_IG_STU4_BALLOT, "GET", targets[i], NULL);
    test_require(strcmp(test_header(&answer, "Allow"), "POST") == 0);
    test_require(test_header(&answer, "Content-Location") == NULL);
    test_expect_outcome(answer, 405, "error", "not-supported");
    answer = ask(FHX_IG_STU3, "PUT", targets[i], NULL);
    test_require(strcmp(test_header(&answer, "Allow"), "GET, POST") == 0);
    test_answer_free(&answer);
  }
  test_require(test_source_calls(of.source, TEST_SOURCE_OPEN) == 0);
}

/* The engine's own version is that of requests that say none. */
static void of_the_engine(void **state) {
  (void)state;
  of.options.ig_version = FHX_IG_STU4_BALLOT;
  test_engine_start(&of);
  test_expect_refusal(of.engine, "/$export", 405, "not-supported");
  test_answer answer = ask(FHX_IG_STU3, "GET", "/$export", NULL);
  test_require(answer.status == 202);
  test_answer_free(&answer);
}

static void unknown_versions(void **state) {
  (void)state;
  fhx_engine *engine = NULL;
  fhx_error *error = NULL;
  fhx_response *response = NULL;
  test_engine_start(&of);
  of.options.ig_version = 5;
  test_require_status(fhx_engine_new(&of.options, &engine, &error), FHX_ERR_ARGUMENT);
  test_require(strstr(fhx_error_message(error), "ig_version") != NULL);
  fhx_error_free(error);
  fhx_request request = test_request("GET", "/$export");
  request.ig_version = 2;
  test_require_status(fhx_engine_handle(of.engine, &request, &response, NULL), FHX_ERR_ARGUMENT);
}

/* PARAM-01, PARAM-09, PARAM-17, PARAM-27: what is refused, by the name of the parameter. */
static void refusals(void **state) {
  (void)state;
  of.options.maximum_file_size_min = 1000;
  of.options.part_bytes = 100000;
  test_engine_start(&of);
  expect_refused(BODY(STRING("_type", "Patient,Observation")), "value", "_type: ");
  expect_refused(BODY("{\"name\":\"includeAssociatedData\",\"valueCode\":"
                      "\"LatestProvenanceResources\"}"),
                 "value", "includeAssociatedData: give it as a valueCoding");
  expect_refused(BODY(CODING("LatestProvenanceResources,RelevantProvenanceResources")),
                 "not-supported", "includeAssociatedData: ");
  expect_refused(BODY(SIZE("_maximumFileSize", "0")), "value", "_maximumFileSize: not a positive");
  expect_refused(BODY(SIZE("_minimumFileSize", "1.5")), "value",
                 "_minimumFileSize: not a positive");
  expect_refused(BODY(STRING("_minimumFileSize", "1")), "value", "give it as a valuePositiveInt");
  expect_refused(BODY(SIZE("_maximumFileSize", "999")), "not-supported", "least that this server");
  expect_refused(BODY(SIZE("_minimumFileSize", "100001")), "not-supported", "at most 100000 bytes");
  expect_refused(BODY(SIZE("_minimumFileSize", "2000") "," SIZE("_maximumFileSize", "2000")),
                 "value", "_maximumFileSize: not more than");
  expect_refused(BODY(SIZE("_maximumFileSize", "2000") "," SIZE("_maximumFileSize", "2000")),
                 "invalid", "_maximumFileSize: given twice");
  /* By STU3 there is no such parameter. */
  test_answer answer = ask(FHX_IG_STU3, "POST", "/$export", BODY(SIZE("_maximumFileSize", "2000")));
  test_require(strstr(answer.body, "_maximumFileSize: not a parameter") != NULL);
  test_expect_outcome(answer, 400, "error", "not-supported");
}

/* --- manifests --- */

/* MAN-01, MAN-06, PARAM-30: the same export twice, by one engine; _outputFormat changes nothing. */
static void side_by_side(void **state) {
  uint64_t count = 0;
  (void)state;
  test_engine_start(&of);
  yajl_val old = export(FHX_IG_STU3, BODY(STRING("_type", "Patient,Observation")));
  yajl_val now = export(FHX_IG_STU4_BALLOT,
                        BODY(STRING("_type", "Patient") "," STRING(
                            "_type", "Observation") "," STRING("_outputFormat", "ndjson")));
  check_keys(old, STU3_KEYS);
  check_keys(now, BALLOT_KEYS);
  check_keys(item(old, "output", 0), "type url count");
  check_keys(item(now, "output", 0), "type url count fileSize");
  for (size_t i = 0; i < length(old, "output"); i++) {
    count += number_of(item(old, "output", i), "count");
  }
  test_require(count > 0 && check_files(now, UINT64_MAX) == count);
  yajl_tree_free(old);
  yajl_tree_free(now);
}

/* MAN-15, MAN-23: what was skipped is told in `outcome`, with its severity. */
static void outcomes(void **state) {
  char target[TEST_URL_MAX];
  (void)state;
  test_engine_start(&of);
  kick_off_with(FHX_IG_STU4_BALLOT, BODY(STRING("_typo", "1") "," STRING("_other", "1")),
                "handling=lenient", target);
  yajl_val root = poll(FHX_IG_STU4_BALLOT, target);
  check_keys(root, BALLOT_KEYS " outcome");
  yajl_val file = item(root, "outcome", 0);
  check_keys(file, "url count fileSize countSeverity");
  test_require(number_of(file, "count") == 2 && length(file, "countSeverity") == 1);
  yajl_val severity = item(file, "countSeverity", 0);
  test_require(strcmp(text_of(severity, "code"), "warning") == 0);
  test_require(number_of(severity, "count") == 2);
  yajl_tree_free(root);
}

/* The engine ends, and another comes in its place, which goes by STU3 if it is not told. */
static void restart(const fhx_engine_options *options) {
  fhx_engine_free(of.engine);
  of.engine = NULL;
  test_require_status(fhx_engine_new(options, &of.engine, NULL), FHX_OK);
}

/* A job has the manifest of the rules that it was kicked off by: at whichever base it is asked for,
   and after a restart. */
static void asked_for_elsewhere(void **state) {
  char path[TEST_PATH_MAX + 16], old[TEST_URL_MAX], now[TEST_URL_MAX];
  fhx_sqlite_store_options store;
  (void)state;
  FHX_INIT(&store);
  snprintf(path, sizeof path, "%s/jobs.db", of.folder);
  store.path = path;
  test_require_status(fhx_sqlite_store_new(&store, &of.options.store, NULL), FHX_OK);
  test_engine_start(&of);
  kick_off_with(FHX_IG_STU3, NULL, "respond-async", old);
  kick_off_with(FHX_IG_STU4_BALLOT, NULL, "respond-async", now);
  for (int i = 0; i < 2; i++) {
    test_scenario("asked for elsewhere %d", i);
    yajl_val root = poll(FHX_IG_STU4_BALLOT, old);
    check_keys(root, STU3_KEYS);
    yajl_tree_free(root);
    root = poll(FHX_IG_STU3, now);
    check_keys(root, BALLOT_KEYS);
    const char *url = text_of(item(root, "output", 0), "url");
    test_require(strncmp(url, TEST_BASE_URL "/", strlen(TEST_BASE_URL "/")) == 0);
    yajl_tree_free(root);
    if (i == 0) restart(&of.options);
  }
  test_answer answer = ask(FHX_IG_STU3, "DELETE", now, NULL);
  test_require(answer.status == 202);
  test_answer_free(&answer);
  /* The engine has the other reference. */
  fhx_store_free(of.options.store);
}

/* Clients of both kinds that want the same do not share a job. */
static void not_joined(void **state) {
  char first[TEST_URL_MAX], second[TEST_URL_MAX];
  fhx_request request = test_request("POST", "/$export");
  (void)state;
  of.options.workers = 0;
  of.options.flags |= FHX_ENGINE_JOIN_IDENTICAL;
  test_engine_start(&of);
  for (int i = 0; i < 3; i++) {
    request.ig_version = i == 1 ? FHX_IG_STU4_BALLOT : FHX_IG_STU3;
    test_answer answer = test_send(of.engine, &request);
    test_require(answer.status == 202);
    snprintf(i == 0 ? first : second, TEST_URL_MAX, "%s", test_header(&answer, "Content-Location"));
    if (i != 0) test_require((strcmp(first, second) == 0) == (i == 2));
    test_answer_free(&answer);
  }
}

/* --- how long files are --- */

/* FILE-23: no file is longer, unless a single resource is. */
static void at_most(void **state) {
  (void)state;
  test_engine_start(&of);
  yajl_val whole = export(FHX_IG_STU4_BALLOT, NULL);
  yajl_val parted = export(FHX_IG_STU4_BALLOT, BODY(SIZE("_maximumFileSize", "1000")));
  test_require(length(parted, "output") > length(whole, "output"));
  test_require(check_files(parted, 1000) == check_files(whole, UINT64_MAX));
  yajl_val single = export(FHX_IG_STU4_BALLOT, BODY(SIZE("_maximumFileSize", "1")));
  test_require(check_files(single, 1) == length(single, "output"));
  yajl_tree_free(whole);
  yajl_tree_free(parted);
  yajl_tree_free(single);
}

/* FILE-23: every file but the last of a type has so many bytes, whatever the server would do. */
static void at_least(void **state) {
  (void)state;
  of.options.part_bytes = 20000;
  of.options.part_count = 3;
  test_engine_start(&of);
  yajl_val root =
      export(FHX_IG_STU4_BALLOT,
             BODY(SIZE("_minimumFileSize", "2000") "," SIZE("_maximumFileSize", "6000")));
  size_t count = length(root, "output"), reached = 0;
  for (size_t i = 0; i < count; i++) {
    yajl_val file = item(root, "output", i);
    bool is_last = i + 1 == count ||
                   strcmp(text_of(item(root, "output", i + 1), "type"), text_of(file, "type")) != 0;
    test_require(is_last || number_of(file, "fileSize") >= 2000);
    if (!is_last) reached++;
  }
  test_require(reached > 0);
  check_files(root, 6000);
  yajl_tree_free(root);
}

/* --- what the server says of itself --- */

static void check_statement(uint32_t ig_version, const char *version, bool is_ballot) {
  char message[200];
  char definition[200];
  test_answer answer = ask(ig_version, "GET", "/metadata", NULL);
  test_require(answer.status == 200);
  yajl_val root = yajl_tree_parse(answer.body, message, sizeof message);
  test_require(root != NULL);
  yajl_val rest = item(root, "rest", 0), operation = item(rest, "operation", 0);
  snprintf(definition, sizeof definition, BULK_DATA "OperationDefinition/export%s", version);
  test_require(strcmp(text_of(operation, "name"), "export") == 0);
  test_require(strcmp(text_of(operation, "definition"), definition) == 0);
  const char *prose = text_of(rest, "documentation");
  test_require((strstr(prose, "by GET") == NULL) == is_ballot);
  test_require((strstr(prose, "commas between") == NULL) == is_ballot);
  test_require((strstr(prose, "_minimumFileSize") != NULL) == is_ballot);
  test_require((strstr(prose, "_maximumFileSize") != NULL) == is_ballot);
  test_require((strstr(prose, "as a Coding") != NULL) == is_ballot);
  test_require((strstr(prose, "manifest's `outcome`") != NULL) == is_ballot);
  yajl_tree_free(root);
  test_answer_free(&answer);
}

/* CAP-08: each base says which version its operations are of; an engine that nobody has told of
   versions names none. */
static void statements(void **state) {
  (void)state;
  test_engine_start(&of);
  check_statement(FHX_IG_STU3, "|3.0.0", false);
  check_statement(FHX_IG_STU4_BALLOT, "|4.0.0", true);
  check_statement(0, "", false);
}

#define WITH(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void) {
  const struct CMUnitTest tests[] = {
      WITH(only_post),    WITH(of_the_engine), WITH(unknown_versions),    WITH(refusals),
      WITH(side_by_side), WITH(outcomes),      WITH(asked_for_elsewhere), WITH(not_joined),
      WITH(at_most),      WITH(at_least),      WITH(statements),
  };
  return cmocka_run_group_tests(tests, make_data, test_dataset_end);
}
