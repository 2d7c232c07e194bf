/*
 * `_elements` through whole jobs: which lines are reduced, which not, and when (FILTER-15, -16).
 *
 * ctest labels: onethread
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>
#include <fhirexport/fhirexport.h>

#include "support/memory.h"
#include "support/memory_destination.h"
#include "support/require.h"
#include "support/runner.h"
#include "support/small_source.h"
#include "support/ward.h"

#define OF(type, id) "{\"resourceType\":\"" type "\",\"id\":\"" id "\""
#define TAG                                              \
  "{\"system\":\"http://terminology.hl7.org/CodeSystem/" \
  "v3-ObservationValue\",\"code\":\"SUBSETTED\"}"
#define TAGGED "\"meta\":{\"tag\":[" TAG "]}}\n"
#define PATIENT_A ",\"subject\":{\"reference\":\"Patient/a\"}"

static const test_small_row rows[] = {
    {"Patient", "a", "a", 0,
     OF("Patient", "a") ",\"birthDate\":\"2000-01-01\",\"_birthDate\":{\"id\":\"x\"},"
                        "\"name\":[{\"family\":\"F\"}]" PATIENT_A "}"},
    {"Patient", "b", "b", 0,
     "{ \"resourceType\": \"Patient\",\n \"id\": \"b\", \"meta\" : {\"tag\" : [ ]},"
     "\"gender\":\"x\" }"},
    {"Observation", "o", "a", 0,
     OF("Observation", "o") ",\"status\":\"final\",\"category\":[],\"code\":{}" PATIENT_A
                            ",\"valueQuantity\":{\"value\":1.50},\"performer\":"
                            "[{\"reference\":\"Practitioner/p\"}]}"},
    {"Organization", "c", "", 0, OF("Organization", "c") ",\"name\":\"N\"}"},
    {"Practitioner", "p", "", 0, OF("Practitioner", "p") ",\"active\":true,\"name\":[]}"},
};

typedef struct scene {
  test_small_source small;
  test_small_job job;
} scene;

static void begin(scene *of, const test_small_row *first, size_t count) {
  memset(of, 0, sizeof *of);
  of->small.rows = first;
  of->small.row_count = count;
  of->small.applied = FHX_APPLIED_TYPE;
  test_small_prepare(&of->job, &of->small);
}

/* Texts with spaces between. */
static fhx_filter *new_filter(const char *types, const char *elements) {
  fhx_filter *filter = NULL;
  char text[1000];
  test_require_status(fhx_filter_new(&filter, NULL), FHX_OK);
  snprintf(text, sizeof text, "%s", types);
  for (char *type = strtok(text, " "); type != NULL; type = strtok(NULL, " ")) {
    test_require_status(fhx_filter_add_type(filter, type, NULL), FHX_OK);
  }
  snprintf(text, sizeof text, "%s", elements);
  for (char *element = strtok(text, " "); element != NULL; element = strtok(NULL, " ")) {
    test_require_status(fhx_filter_add_element(filter, element, NULL), FHX_OK);
  }
  return filter;
}

static void run(scene *of, fhx_filter *filter) {
  test_small_start(&of->job, filter);
  if (of->job.job == NULL) test_scenario("%s", of->job.message);
  test_require_status(of->job.status, FHX_OK);
  test_small_run(&of->job);
  test_require_status(of->job.status, FHX_OK);
}

/* The objects with this in their name, one behind the other, are this text. */
static void check(scene *of, const char *name, const char *text) {
  test_objects objects = test_destination_objects(of->job.destination);
  size_t at = 0, len = strlen(text);
  for (size_t i = 0; i < objects.count; i++) {
    const test_object *object = &objects.items[i];
    if (strstr(object->name, name) == NULL) continue;
    if (at + object->len > len || memcmp(object->data, text + at, object->len) != 0) {
      fail_msg("%s: %.*s\nnot %s", object->name, (int)object->len, (const char *)object->data,
               text + at);
    }
    at += object->len;
  }
  if (at != len) fail_msg("%s: not there: %s", name, text + at);
}

#define PATIENT_LINES                                                       \
  OF("Patient", "a")                                                        \
  ",\"birthDate\":\"2000-01-01\",\"_birthDate\":{\"id\":\"x\"}," TAGGED OF( \
      "Patient", "b") ",\"meta\":{\"tag\":[" TAG "]}}\n"
#define OBSERVATION_LINES \
  OF("Observation", "o")  \
  ",\"status\":\"final\",\"code\":{}" PATIENT_A ",\"valueQuantity\":{\"value\":1.50}," TAGGED

/* Each type by itself; what nothing was named of is whole, and compact as ever. */
static void several_types(void **state) {
  (void)state;
  for (uint32_t flags = 0; flags <= FHX_JOB_TRUST_SOURCE; flags += FHX_JOB_TRUST_SOURCE) {
    scene of;
    test_scenario("flags %u", flags);
    begin(&of, rows, 5);
    of.job.options.flags |= flags;
    /* The second row is no line. */
    if (flags != 0) of.small.row_count = 5;
    run(&of, new_filter("Patient Observation Organization Practitioner",
                        "Patient.birthDate Observation.value subject"));
    check(&of, "/Patient-", PATIENT_LINES);
    check(&of, "/Observation-", OBSERVATION_LINES);
    check(&of, "/Organization-", OF("Organization", "c") ",\"name\":\"N\"}\n");
    check(&of, "/Practitioner-", OF("Practitioner", "p") ",\"active\":true,\"name\":[]}\n");
    check(&of, "/error-", "");
    test_small_end(&of.job);
  }
}

/* `id` is wanted of every type; an OperationOutcome that tells of a bad row is whole all the same.
 */
static void error_lines_are_whole(void **state) {
  static const test_small_row bad[] = {
      {"Patient", "a", "a", 0, OF("Patient", "a") ",\"gender\":\"x\"}"},
      {"Patient", "b", "b", 0, OF("Patient", "b") ",}"},
  };
  scene of;
  bool found = false;
  (void)state;
  test_scenario("error lines");
  begin(&of, bad, 2);
  run(&of, new_filter("Patient", "id"));
  check(&of, "/Patient-", OF("Patient", "a") "," TAGGED);
  test_require(test_small_lines(&of.job, "\"issue\":[{\"severity\":", &found) == 1 && found);
  test_require(test_small_lines(&of.job, "SUBSETTED", &found) == 1 && !found);
  test_small_end(&of.job);
}

/* The limit of a part counts what is written. */
static void parts_count_reduced_lines(void **state) {
  static const char line[] = OF("Patient", "a") "," TAGGED;
  static char text[20000];
  test_small_row many[8];
  scene of;
  (void)state;
  test_scenario("parts");
  memset(text, 'x', sizeof text - 1);
  memcpy(text, OF("Patient", "a") ",\"gender\":\"", strlen(OF("Patient", "a") ",\"gender\":\""));
  strcpy(text + sizeof text - 3, "\"}");
  for (size_t i = 0; i < 8; i++) many[i] = (test_small_row){"Patient", "a", "a", 0, text};
  begin(&of, many, 8);
  of.job.options.part_bytes = 65536;
  run(&of, new_filter("Patient", "id"));
  test_objects objects = test_destination_objects(of.job.destination);
  test_require(objects.count == 1 && objects.items[0].len == 8 * (sizeof line - 1));
  test_small_end(&of.job);
}

/* --- long ones --- */

#define LONG_LEN 2500000

/* `{"resourceType":"Patient","id":"a","<key>":"xxx...","gender":"g"}`, white space put in. */
static char *long_patient(const char *key, const char *space) {
  char *text = malloc(LONG_LEN + 200);
  test_require(text != NULL);
  size_t len =
      (size_t)sprintf(text, "{\"resourceType\":\"Patient\",\"id\":\"a\",%s\"%s\":\"", space, key);
  memset(text + len, 'x', LONG_LEN);
  sprintf(text + len + LONG_LEN, "\",%s\"gender\":\"g\"}", space);
  return text;
}

/* Longer than the writer's buffer: before, and behind as well. */
static void long_lines(void **state) {
  static const char *const spaces[] = {"", " \n\t"};
  (void)state;
  for (int i = 0; i < 8; i++) {
    bool is_kept = (i & 1) != 0, trusts = (i & 4) != 0;
    const char *space = spaces[i >> 1 & 1];
    char *text = long_patient(is_kept ? "birthDate" : "name", space);
    const test_small_row row = {"Patient", "a", "a", 0, text};
    scene of;
    test_scenario("long line %d", i);
    begin(&of, &row, 1);
    if (trusts) of.job.options.flags |= FHX_JOB_TRUST_SOURCE;
    run(&of, new_filter("Patient", "Patient.birthDate"));
    if (is_kept) {
      char *expected = long_patient("birthDate", "");
      strcpy(strstr(expected, "\"gender\""), TAGGED);
      check(&of, "/Patient-", expected);
      free(expected);
    } else {
      check(&of, "/Patient-", OF("Patient", "a") "," TAGGED);
    }
    test_small_end(&of.job);
    free(text);
  }
}

/* Short lines become longer by the tag: around the end of the writer's buffer, too. */
static void lines_that_grow(void **state) {
  enum { COUNT = 26000 };
  static test_small_row many[COUNT];
  static char ids[COUNT][12], texts[COUNT][60];
  static char expected[COUNT * 180];
  size_t len = 0;
  scene of;
  (void)state;
  test_scenario("lines that grow");
  for (size_t i = 0; i < COUNT; i++) {
    snprintf(ids[i], sizeof ids[i], "%zu", i);
    snprintf(texts[i], sizeof texts[i], OF("Patient", "%zu") "}", i);
    len +=
        (size_t)snprintf(expected + len, sizeof expected - len, OF("Patient", "%zu") "," TAGGED, i);
    many[i] = (test_small_row){"Patient", ids[i], ids[i], 0, texts[i]};
  }
  begin(&of, many, COUNT);
  of.job.options.part_bytes = UINT64_C(1) << 30;
  run(&of, new_filter("Patient", "gender"));
  check(&of, "/Patient-", expected);
  test_small_end(&of.job);
}

/* --- with the rest --- */

static void resource_hook(void *user_data, const fhx_query *query, const char *reference,
                          const void *data, size_t len, fhx_reply *reply) {
  static const char given[] = OF("Patient", "a") ",\n\"birthDate\":\"1999\", \"photo\":[]}";
  const char *seen = user_data;
  (void)query;
  test_violation_unless(strcmp(reference, "Patient/a") == 0, "another reference");
  test_violation_unless(len == strlen(seen) && memcmp(data, seen, len) == 0, "not the whole line");
  fhx_reply_item(reply, given, sizeof given - 1);
  fhx_reply_done(reply);
}

/* Hooks see the whole resource; what they give is reduced. */
static void behind_the_hooks(void **state) {
  char seen[400];
  scene of;
  (void)state;
  test_scenario("hooks");
  snprintf(seen, sizeof seen, "%s", rows[0].json);
  begin(&of, rows, 1);
  of.job.options.resource_hook = resource_hook;
  of.job.options.hook_data = seen;
  run(&of, new_filter("Patient", "Patient.birthDate"));
  check(&of, "/Patient-", OF("Patient", "a") ",\"birthDate\":\"1999\"," TAGGED);
  test_small_end(&of.job);
}

/* Which resources are exported is decided by the whole ones: whose they are, and what they refer
 * to.
 */
static void whole_resources_decide(void **state) {
  scene of;
  (void)state;
  test_scenario("patients and associated types");
  begin(&of, rows, 5);
  of.small.reads = true;
  of.job.options.associated_types = "Practitioner";
  fhx_filter *filter = new_filter("Patient Observation Practitioner",
                                  "Patient.gender Observation.value "
                                  "Practitioner.active");
  test_require_status(fhx_filter_add_patient(filter, "a", NULL), FHX_OK);
  run(&of, filter);
  check(&of, "/Patient-", OF("Patient", "a") "," TAGGED);
  check(&of, "/Observation-",
        OF("Observation",
           "o") ",\"status\":\"final\",\"code\":{},\"valueQuantity\":{\"value\":1.50}," TAGGED);
  check(&of, "/Practitioner-", OF("Practitioner", "p") ",\"active\":true," TAGGED);
  test_small_end(&of.job);
}

/* What a Binary becomes is reduced as what it has become. */
static void documents(void **state) {
  static const test_small_row binaries[] = {
      {"Patient", "a", "a", 0, OF("Patient", "a") ",\"gender\":\"x\"}"},
      {"Binary", "b", "", 0,
       OF("Binary", "b") ",\"contentType\":\"text/plain\",\"securityContext\":"
                         "{\"reference\":\"Patient/a\"},\"data\":\"YQ==\"}"},
  };
  static const char *const types[] = {"Patient", "Binary", "DocumentReference", NULL};
  scene of;
  (void)state;
  test_scenario("documents");
  begin(&of, binaries, 2);
  of.small.types = types;
  fhx_filter *filter = new_filter("", "id");
  test_require_status(fhx_filter_set_all_patients(filter, NULL), FHX_OK);
  run(&of, filter);
  check(&of, "/Patient-", OF("Patient", "a") "," TAGGED);
  check(&of, "/DocumentReference-",
        OF("DocumentReference", "binary-b") ",\"status\":\"current\",\"content\":[{\"attachment\":"
                                            "{\"contentType\":\"text/plain\",\"data\":\"YQ==\"}}],"
                                            TAGGED);
  test_small_end(&of.job);
}

static bool begins_with(const char *line, const char *text) {
  return strncmp(line, text, strlen(text)) == 0;
}

/* Headers of blocks are whole, although `id` is wanted of every type, and they count for the part
   with the lines as they are. */
static void blocks(void **state) {
  enum { PART_BYTES = 6000 };
  const test_destination_knobs knobs = {.flags = 0};
  char message[TEST_MESSAGE_MAX];
  fhx_job_options options;
  fhx_job *job = NULL;
  (void)state;
  test_scenario("blocks");
  test_ward *ward = test_ward_new(14, 30, 8);
  FHX_INIT(&options);
  options.settle_us = -1;
  options.organize_by = "Patient";
  options.part_bytes = PART_BYTES;
  options.flags = FHX_JOB_TRUST_SOURCE;
  options.source = test_ward_source(ward);
  test_destination *destination = test_destination_new(&knobs, &options.destination);
  fhx_filter *filter = new_filter("", "id Encounter.status");
  options.filter = filter;
  test_require_status(fhx_job_start(&options, &job, NULL), FHX_OK);
  fhx_filter_free(filter);
  test_require_status(test_run_job(job, 1, false, message), FHX_OK);
  test_objects objects = test_destination_objects(destination);
  size_t headers = 0, lines = 0, expected = 0;
  for (size_t i = 0; i < objects.count; i++) {
    test_require(objects.items[i].len <= PART_BYTES);
    const char *at = (const char *)objects.items[i].data, *end = at + objects.items[i].len;
    for (const char *next = at; at < end; at = next) {
      char line[1000];
      next = (const char *)memchr(at, '\n', (size_t)(end - at)) + 1;
      snprintf(line, sizeof line, "%.*s", (int)(next - at), at);
      bool is_header = begins_with(line, "{\"resourceType\":\"Parameters\"");
      test_require((strstr(line, "SUBSETTED") == NULL) == is_header);
      test_require(!is_header || strstr(line, "\"parameter\":[") != NULL);
      test_require(strstr(line, "lastUpdated") != NULL || is_header);
      headers += is_header ? 1 : 0;
      lines += is_header ? 0 : 1;
    }
  }
  for (size_t i = 0; i < ward->count; i++) {
    for (size_t p = 0; p < 2; p++) expected += ward->rows[i].patients[p][0] != '\0' ? 1 : 0;
  }
  test_require(headers >= 30 && lines == expected);
  fhx_job_free(job);
  fhx_source_free(options.source);
  fhx_destination_free(options.destination);
  test_destination_end(destination);
  test_ward_free(ward);
  test_require_sound();
}

/* Nothing is left, and what is written is right. */
static void memory_that_runs_out(void **state) {
  bool failed = true;
  (void)state;
  for (uint64_t count = 1; failed; count += test_step(7)) {
    scene of;
    test_scenario("allocation %llu", (unsigned long long)count);
    test_memory_begin(0);
    begin(&of, rows, 5);
    fhx_filter *filter = new_filter("Patient Observation", "Patient.birthDate value subject");
    test_memory_fail_next(count);
    test_small_start(&of.job, filter);
    test_small_run(&of.job);
    failed = test_memory_has_failed();
    if (of.job.status == FHX_OK) {
      check(&of, "/Patient-", PATIENT_LINES);
      check(&of, "/Observation-", OBSERVATION_LINES);
    }
    test_require(failed || of.job.status == FHX_OK);
    test_small_end(&of.job);
    test_memory_end();
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(several_types),
      cmocka_unit_test(error_lines_are_whole),
      cmocka_unit_test(parts_count_reduced_lines),
      cmocka_unit_test(long_lines),
      cmocka_unit_test(lines_that_grow),
      cmocka_unit_test(behind_the_hooks),
      cmocka_unit_test(whole_resources_decide),
      cmocka_unit_test(documents),
      cmocka_unit_test(blocks),
      cmocka_unit_test(memory_that_runs_out),
  };
  return cmocka_run_group_tests_name("elements", tests, NULL, NULL);
}
