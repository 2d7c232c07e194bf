/* The CapabilityStatement: what FHIR wants of it, and that what it says is true (CAP-01 to CAP-06,
   CAP-10). */
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

#define BULK_DATA "http://hl7.org/fhir/uv/bulkdata/"

static test_dataset *data;
static test_engine of;

static int make_data(void **state) {
  *state = data = test_dataset_new(3, 20, TEST_DATASET_STAMPED);
  return 0;
}

static int begin(void **state) {
  (void)state;
  test_scenario("metadata");
  test_source_knobs knobs = test_engine_source(data);
  test_engine_prepare(&of, &knobs);
  return 0;
}

static int end(void **state) {
  (void)state;
  test_engine_end(&of);
  return 0;
}

/* The prepared source goes, another comes. */
static void use_source(const fhx_source_callbacks *callbacks) {
  fhx_source_free(of.options.source);
  test_require_status(fhx_source_new(callbacks, NULL, &of.options.source, NULL), FHX_OK);
}

/* --- reading it --- */

static yajl_val get(yajl_val object, const char *key) {
  const char *path[] = {key, NULL};
  return yajl_tree_get(object, path, yajl_t_any);
}

static const char *text_of(yajl_val object, const char *key) {
  yajl_val value = get(object, key);
  return YAJL_IS_STRING(value) ? YAJL_GET_STRING(value) : "";
}

static bool has_text(yajl_val list, const char *text) {
  test_require(YAJL_IS_ARRAY(list));
  for (size_t i = 0; i < list->u.array.len; i++) {
    if (strcmp(list->u.array.values[i]->u.string, text) == 0) return true;
  }
  return false;
}

static yajl_val read_statement(void) {
  char message[256] = "", length[30];
  test_answer answer = test_get(of.engine, "/metadata");
  test_require(answer.status == 200);
  test_require(strcmp(test_header(&answer, "Content-Type"), "application/fhir+json") == 0);
  snprintf(length, sizeof length, "%zu", answer.len);
  test_require(strcmp(test_header(&answer, "Content-Length"), length) == 0);
  yajl_val root = yajl_tree_parse(answer.body, message, sizeof message);
  test_require(root != NULL);
  test_answer_free(&answer);
  return root;
}

static yajl_val only(yajl_val list) {
  test_require(YAJL_IS_ARRAY(list) && list->u.array.len == 1);
  return list->u.array.values[0];
}

static void check_operation(yajl_val object, const char *name) {
  char definition[200];
  yajl_val operation = only(get(object, "operation"));
  snprintf(definition, sizeof definition, BULK_DATA "OperationDefinition/%s", name);
  test_require(strcmp(text_of(operation, "name"), "export") == 0);
  test_require(strcmp(text_of(operation, "definition"), definition) == 0);
}

static const char *with_modifier(const char *name) {
  static char text[100];
  snprintf(text, sizeof text, "%s:missing", name);
  return text;
}

/* CAP-06: each parameter that is listed can stand in a query of the type, and no name comes twice.
 */
static void check_parameters(yajl_val type) {
  yajl_val list = get(type, "searchParam");
  test_require(YAJL_IS_ARRAY(list) && list->u.array.len > 5);
  for (size_t i = 0; i < list->u.array.len; i++) {
    char target[200];
    const char *name = text_of(list->u.array.values[i], "name");
    test_scenario("%s of %s", name, text_of(type, "type"));
    test_require(*text_of(list->u.array.values[i], "type") != '\0');
    for (size_t k = 0; k < i; k++) {
      test_require(strcmp(text_of(list->u.array.values[k], "name"), name) != 0);
    }
    /* What is told is the second query's mistake: the first has none. */
    snprintf(target, sizeof target, "/$export?_typeFilter=%s%%3F%s%%3D%s&_typeFilter=Foo%%3F",
             text_of(type, "type"), strcmp(name, "deceased") == 0 ? name : with_modifier(name),
             strcmp(name, "deceased") == 0 ? "true" : "false");
    test_answer answer = test_get(of.engine, target);
    test_require(answer.status == 400 && strstr(answer.body, "type Foo is not known") != NULL);
    test_answer_free(&answer);
  }
}

/* The types with these names and no others, in this order; two of them have an operation. */
static void check_types(yajl_val root, const char *const *names) {
  yajl_val types = get(only(get(root, "rest")), "resource");
  size_t count = 0;
  for (; names[count] != NULL; count++) {
    test_require(count < types->u.array.len);
    yajl_val type = types->u.array.values[count];
    bool is_group = strcmp(names[count], "Group") == 0;
    bool is_patient = strcmp(names[count], "Patient") == 0;
    test_require(strcmp(text_of(type, "type"), names[count]) == 0);
    /* CAP-05: no interaction is claimed. */
    test_require(type->u.object.len == (is_group || is_patient ? 3u : 2u));
    check_parameters(type);
    if (is_group) check_operation(type, "group-export");
    if (is_patient) check_operation(type, "patient-export");
  }
  test_require(types->u.array.len == count);
}

/* --- tests --- */

/* CAP-01 to -04; FHIR's own rules: an instance has an implementation, with a description. */
static void test_statement(void **state) {
  (void)state;
  static const struct {
    uint32_t version;
    const char *number;
  } rows[] = {
      {0, "4.0.1"}, {FHX_FHIR_R4, "4.0.1"}, {FHX_FHIR_R4B, "4.3.0"}, {FHX_FHIR_R5, "5.0.0"}};
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    test_scenario("FHIR %s", rows[i].number);
    of.options.fhir_version = rows[i].version;
    test_engine_start(&of);
    yajl_val root = read_statement(), again = read_statement();
    test_require(strcmp(text_of(root, "resourceType"), "CapabilityStatement") == 0);
    test_require(strcmp(text_of(root, "status"), "active") == 0);
    test_require(strcmp(text_of(root, "kind"), "instance") == 0);
    test_require(strcmp(text_of(root, "fhirVersion"), rows[i].number) == 0);
    const char *date = text_of(root, "date");
    test_require(strlen(date) == strlen("2024-03-01T00:00:00Z") && date[10] == 'T');
    test_require(strcmp(date, text_of(again, "date")) == 0);
    test_require(has_text(get(root, "format"), "json"));
    test_require(has_text(get(root, "format"), "application/fhir+json"));
    test_require(has_text(get(root, "instantiates"), BULK_DATA "CapabilityStatement/bulk-data"));
    test_require(strcmp(text_of(get(root, "software"), "name"), "libfhirexport") == 0);
    test_require(strcmp(text_of(get(root, "software"), "version"), fhx_version()) == 0);
    test_require(strcmp(text_of(get(root, "implementation"), "url"), TEST_BASE_URL) == 0);
    test_require(*text_of(get(root, "implementation"), "description") != '\0');
    yajl_val rest = only(get(root, "rest"));
    test_require(strcmp(text_of(rest, "mode"), "server") == 0);
    check_operation(rest, "export");
    yajl_tree_free(root);
    yajl_tree_free(again);
    fhx_engine_free(of.engine);
    of.engine = NULL;
  }
}

/* No token, tenant or client is needed, and the request's own base is told. */
static void test_anybody(void **state) {
  (void)state;
  fhx_request request;
  FHX_INIT(&request);
  request.method = "GET";
  request.target = "/metadata?_format=json";
  request.base_url = "https://other.example/fhir";
  request.permitted_types = "";
  test_engine_start(&of);
  test_answer answer = test_send(of.engine, &request);
  test_require(answer.status == 200);
  test_require(strstr(answer.body, "\"url\":\"https://other.example/fhir\"") != NULL);
  test_answer_free(&answer);
}

static void test_methods(void **state) {
  (void)state;
  static const char *const methods[] = {"POST", "PUT", "DELETE", "OPTIONS"};
  test_engine_start(&of);
  for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
    fhx_request request = test_request(methods[i], "/metadata");
    test_answer answer = test_send(of.engine, &request);
    test_require(strcmp(test_header(&answer, "Allow"), "GET, HEAD") == 0);
    test_expect_outcome(answer, 405, "error", "not-supported");
  }
  fhx_request request = test_request("HEAD", "/metadata");
  test_answer answer = test_send(of.engine, &request);
  test_require(answer.status == 200 && answer.len == 0);
  test_require(atoi(test_header(&answer, "Content-Length")) > 500);
  test_answer_free(&answer);
  test_expect_refusal(of.engine, "/metadata/x", 404, "not-found");
  test_expect_refusal(of.engine, "/Metadata", 404, "not-found");
}

/* --- the types of the source --- */

static const char *const *listed;
static bool fails;
static bool is_silent;

static void list_types(void *user_data, fhx_reply *reply) {
  (void)user_data;
  if (is_silent) return;
  if (fails) {
    fhx_reply_fail(reply, FHX_ERR_DENIED, 0, "the database says no to user admin");
    return;
  }
  for (size_t i = 0; listed[i] != NULL; i++) fhx_reply_item(reply, listed[i], strlen(listed[i]));
  fhx_reply_done(reply);
}

static void open_cursor(void *user_data, const fhx_query *query, fhx_reply *reply) {
  (void)user_data, (void)query;
  fhx_reply_fail(reply, FHX_ERR_SOURCE, 0, "nothing is read");
}

static void next_rows(void *user_data, void *cursor, uint64_t want_bytes, fhx_reply *reply) {
  (void)user_data, (void)cursor, (void)want_bytes;
  fhx_reply_end(reply);
}

static void close_cursor(void *user_data, void *cursor) {
  (void)user_data, (void)cursor;
}

static void open_patient(void *user_data, const fhx_query *query, const char *patient_id,
                         fhx_reply *reply) {
  (void)patient_id;
  open_cursor(user_data, query, reply);
}

static void read_resource(void *user_data, const fhx_query *query, const char *reference,
                          fhx_reply *reply) {
  (void)reference;
  open_cursor(user_data, query, reply);
}

static fhx_source_callbacks plain_source(void) {
  fhx_source_callbacks callbacks;
  FHX_INIT(&callbacks);
  callbacks.open_cursor = open_cursor;
  callbacks.next_rows = next_rows;
  callbacks.close_cursor = close_cursor;
  return callbacks;
}

/* CAP-06: sorted, each once, with the two in any case, and none that FHIR's version has not. */
static void test_listed(void **state) {
  (void)state;
  static const struct {
    const char *given[8];
    const char *told[8];
  } rows[] = {
      {{NULL}, {"Group", "Patient", NULL}},
      {{"Patient", NULL}, {"Group", "Patient", NULL}},
      {{"Observation", "Account", "Observation", "Patient", "Zebra", "Account", NULL},
       {"Account", "Group", "Observation", "Patient", NULL}},
      {{"SubstanceNucleicAcid", "Permission", "Group", NULL},
       {"Group", "Patient", "SubstanceNucleicAcid", NULL}},
  };
  fhx_source_callbacks callbacks = plain_source();
  callbacks.list_types = list_types;
  use_source(&callbacks);
  test_engine_start(&of);
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    test_scenario("types %zu", i);
    listed = rows[i].given;
    yajl_val root = read_statement();
    check_types(root, rows[i].told);
    yajl_tree_free(root);
  }
}

/* A source that cannot list them; one that fails is 503, and its words are its own. */
static void test_no_types(void **state) {
  (void)state;
  static const char *const two[] = {"Group", "Patient", NULL};
  static const char *const bad[] = {"Patient", "not a type", NULL};
  fhx_source_callbacks callbacks = plain_source();
  use_source(&callbacks);
  test_engine_start(&of);
  yajl_val root = read_statement();
  check_types(root, two);
  yajl_tree_free(root);
  fhx_engine_free(of.engine);
  callbacks.list_types = list_types;
  use_source(&callbacks);
  test_engine_start(&of);
  for (int i = 0; i < 3; i++) {
    listed = bad;
    fails = i == 0;
    is_silent = i == 1;
    test_answer answer = test_get(of.engine, "/metadata");
    test_require(test_header(&answer, "Retry-After") != NULL);
    test_require(strstr(answer.body, "admin") == NULL);
    test_expect_outcome(answer, 503, "error", "transient");
  }
  fails = is_silent = false;
}

/* --- the documentation --- */

static bool is_documented(const char *documentation, const char *name) {
  char entry[80];
  snprintf(entry, sizeof entry, "- `%s`: ", name);
  return strstr(documentation, entry) != NULL;
}

/* CAP-05, CAP-10: a parameter is named if, and only if, a kick-off takes it; limits are those that
   are set. */
static void check_documentation(bool organizes, bool includes) {
  static const struct {
    const char *name;
    const char *value;
    /* 1: always, 2: where patients can be organized, 3: where associated data are known. */
    int when;
  } rows[] = {{"_outputFormat", "ndjson", 1},
              {"_since", "2020-01-01T00:00:00Z", 1},
              {"_until", "2020-01-01T00:00:00Z", 1},
              {"_type", "Patient", 1},
              {"_elements", "Patient.birthDate", 1},
              {"_typeFilter", "Patient%3Fgender%3Dfemale", 1},
              {"allowPartialManifests", "true", 1},
              {"organizeOutputBy", "Patient", 2},
              {"includeAssociatedData", "LatestProvenanceResources", 3}};
  yajl_val root = read_statement();
  const char *documentation = text_of(only(get(root, "rest")), "documentation");
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    char target[200];
    bool expected = rows[i].when == 1 || (rows[i].when == 2 ? organizes : includes);
    test_scenario("%s", rows[i].name);
    snprintf(target, sizeof target, "/Patient/$export?%s=%s", rows[i].name, rows[i].value);
    test_answer answer = test_get(of.engine, target);
    test_require((answer.status == 202) == expected);
    /* Of the parameter that lists what goes along, the value counts. */
    bool is_told = rows[i].when == 3 ? strstr(documentation, rows[i].value) != NULL
                                     : is_documented(documentation, rows[i].name);
    test_require(is_told == expected);
    test_answer_free(&answer);
  }
  test_require(is_documented(documentation, "patient"));
  static const char *const said[] = {
      "Patient/$export", "Group/[id]/$export", "6000 bytes", "429",
      "7200 seconds",    "17 unfinished",      "in gzip",    "Device",
      "5 resources"};
  for (size_t i = 0; i < sizeof said / sizeof said[0]; i++) {
    test_scenario("%s", said[i]);
    test_require(strstr(documentation, said[i]) != NULL);
  }
  yajl_tree_free(root);
}

static void test_documentation(void **state) {
  (void)state;
  static const char *const types[] = {"Patient", "Provenance", "Device", NULL};
  fhx_source_callbacks callbacks = plain_source();
  callbacks.list_types = list_types;
  listed = types;
  of.options.jobs_max = 17;
  of.options.keep_us = INT64_C(7200000000);
  of.options.part_count = 5;
  of.options.job_flags = FHX_JOB_GZIP;
  of.options.associated_types = "Device";
  of.options.associated_values = "_things=Device,Patient;_places=Provenance";
  use_source(&callbacks);
  test_engine_start(&of);
  check_documentation(false, false);
  fhx_engine_free(of.engine);
  callbacks.open_patient = open_patient;
  callbacks.read_resource = read_resource;
  use_source(&callbacks);
  test_engine_start(&of);
  check_documentation(true, true);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_statement, begin, end),
      cmocka_unit_test_setup_teardown(test_anybody, begin, end),
      cmocka_unit_test_setup_teardown(test_methods, begin, end),
      cmocka_unit_test_setup_teardown(test_listed, begin, end),
      cmocka_unit_test_setup_teardown(test_no_types, begin, end),
      cmocka_unit_test_setup_teardown(test_documentation, begin, end),
  };
  return cmocka_run_group_tests(tests, make_data, test_dataset_end);
}
