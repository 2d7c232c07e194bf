/*
 * Group exports (FILTER-30 to -43; -41 is in test_group_size.c), each by a source without anything,
 * by one with read_resource, by one with group_members where that can say it, and by one that
 * pushes the patients down.
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
#include <fhirexport/fhirexport.h>

#include "support/require.h"
#include "support/small_source.h"

#define OLD_US INT64_C(1577836800000000) /* 2020 */
#define NEW_US INT64_C(1709251200000000) /* 2024-03 */
#define SINCE "2022-01-01T00:00:00Z"

#define PATIENT(id) "{\"resourceType\":\"Patient\",\"id\":\"" id "\"}"
#define OBSERVATION(id, of)                        \
  "{\"resourceType\":\"Observation\",\"id\":\"" id \
  "\""                                             \
  ",\"subject\":{\"reference\":\"Patient/" of "\"}}"
#define GROUP(id, rest) "{\"resourceType\":\"Group\",\"id\":\"" id "\",\"actual\":true" rest "}"
#define MEMBERS(list) ",\"member\":[" list "]"
#define REF(reference) "{\"entity\":{\"reference\":\"" reference "\"}}"
#define REF_AND(reference, more) "{\"entity\":{\"reference\":\"" reference "\"}," more "}"

static const test_small_row people[] = {
    {"Patient", "p1", "p1", OLD_US, PATIENT("p1")},
    {"Patient", "p2", "p2", OLD_US, PATIENT("p2")},
    {"Patient", "p3", "p3", OLD_US, PATIENT("p3")},
    {"Observation", "o1", "p1", NEW_US, OBSERVATION("o1", "p1")},
    {"Observation", "o2", "p2", NEW_US, OBSERVATION("o2", "p2")},
    {"Observation", "o3", "p3", NEW_US, OBSERVATION("o3", "p3")},
    {"Observation", "old1", "p1", OLD_US, OBSERVATION("old1", "p1")},
    {"Observation", "old2", "p2", OLD_US, OBSERVATION("old2", "p2")},
    {"Practitioner", "d1", "", NEW_US, "{\"resourceType\":\"Practitioner\",\"id\":\"d1\"}"},
    {"Organization", "h1", "", NEW_US, "{\"resourceType\":\"Organization\",\"id\":\"h1\"}"},
};
#define PEOPLE (sizeof people / sizeof people[0])
#define ALL_OF_P1 "Observation/o1 Observation/old1 Patient/p1"
#define ALL_OF_P2 "Observation/o2 Observation/old2 Patient/p2"

static const uint32_t pushed[] = {0, FHX_APPLIED_TYPE,
                                  FHX_APPLIED_TYPE | FHX_APPLIED_SINCE | FHX_APPLIED_PATIENTS};
#define WAYS 6

/* The people and these Groups. */
typedef struct scene {
  test_small_row rows[PEOPLE + 8];
  test_small_source small;
} scene;

static void set_scene(scene *in, const char *const *groups, size_t way) {
  static const char *const ids[] = {"g", "g2", "g3", "g4"};
  memset(in, 0, sizeof *in);
  memcpy(in->rows, people, sizeof people);
  in->small.rows = in->rows;
  in->small.row_count = PEOPLE;
  for (size_t i = 0; groups[i] != NULL; i++) {
    in->rows[in->small.row_count++] = (test_small_row){"Group", ids[i], "", OLD_US, groups[i]};
  }
  in->small.applied = pushed[way % 3];
  in->small.reads = way >= 3;
}

static void export_group(test_small_job *of, scene *in) {
  test_small_prepare(of, &in->small);
  test_small_start(of, test_small_group_filter());
  test_small_run(of);
}

/* In every way: this output, so many lines of warning, one of them with this text. */
static void check_group(const char *const *groups, const char *output, size_t lines,
                        const char *text) {
  for (size_t way = 0; way < WAYS; way++) {
    scene in;
    test_small_job of;
    bool found = false;
    test_scenario("way %d", (int)way);
    set_scene(&in, groups, way);
    export_group(&of, &in);
    test_small_check(&of, output);
    test_require(test_small_lines(&of, text, &found) == lines);
    test_require(found == (lines != 0));
    test_small_end(&of);
  }
}

#define GROUPS(...) ((const char *const[]){__VA_ARGS__, NULL})

static void filter_30_exactly_the_members(void **state) {
  (void)state;
  check_group(GROUPS(GROUP("g", MEMBERS(REF("Patient/p1")))), ALL_OF_P1, 0, "");
  check_group(GROUPS(GROUP("g", MEMBERS(REF("Patient/p2") "," REF("Patient/p1")))),
              "Observation/o1 Observation/o2 Observation/old1 Observation/old2 Patient/p1 "
              "Patient/p2",
              0, "");
}

static void filter_31_inactive(void **state) {
  (void)state;
  check_group(
      GROUPS(GROUP("g", MEMBERS(REF("Patient/p1") "," REF_AND("Patient/p2", "\"inactive\":true")))),
      ALL_OF_P1, 0, "");
}

static void filter_32_periods(void **state) {
  (void)state;
  check_group(
      GROUPS(GROUP("g",
                   MEMBERS(REF_AND("Patient/p1", "\"period\":{\"end\":\"2024-05-06\"}") "," REF_AND(
                       "Patient/p2", "\"period\":{\"end\":\"2023\"}")))),
      ALL_OF_P1, 0, "");
  check_group(GROUPS(GROUP("g", MEMBERS(REF_AND("Patient/p1", "\"period\":{\"end\":\"soon\"}")))),
              ALL_OF_P1, 1, "member[0] of Group/g has a period that cannot be read");
}

/* Nested, a diamond and a loop. */
static void filter_33_nested_groups(void **state) {
  (void)state;
  check_group(GROUPS(GROUP("g", MEMBERS(REF("Group/g2") "," REF("Group/g3"))),
                     GROUP("g2", MEMBERS(REF("Group/g4"))), GROUP("g3", MEMBERS(REF("Group/g4"))),
                     GROUP("g4", MEMBERS(REF("Patient/p1") "," REF("Group/g")))),
              ALL_OF_P1, 0, "");
  check_group(GROUPS(GROUP("g", MEMBERS(REF("Group/g2"))),
                     GROUP("g2", MEMBERS(REF_AND("Patient/p1", "\"inactive\":true")))),
              "", 0, "");
}

static void check_limit(uint32_t depth_max, uint64_t members_max, const char *reason) {
  for (size_t way = 0; way < WAYS; way++) {
    scene in;
    test_small_job of;
    set_scene(&in,
              GROUPS(GROUP("g", MEMBERS(REF("Group/g2") "," REF("Patient/p2"))),
                     GROUP("g2", MEMBERS(REF("Group/g3") "," REF("Patient/p2"))),
                     GROUP("g3", MEMBERS(REF("Patient/p1")))),
              way);
    test_small_prepare(&of, &in.small);
    of.options.group_depth_max = depth_max;
    of.options.group_members_max = members_max;
    test_small_start(&of, test_small_group_filter());
    test_small_run(&of);
    if (reason != NULL) {
      test_small_check_failed(&of, reason);
    } else {
      test_require_status(of.status, FHX_OK);
    }
    test_small_end(&of);
  }
}

static void filter_33_bounds(void **state) {
  (void)state;
  check_limit(2, 5, NULL);
  check_limit(1, 0, "more than 1 deep");
  check_limit(0, 4, "more than 4 members");
}

/* What is too much now is so at the next attempt too: it is no limit that passes. */
static void filter_33_bounds_at_the_start(void **state) {
  (void)state;
  scene in;
  test_small_job of;
  set_scene(&in,
            GROUPS(GROUP("g", MEMBERS(REF("Group/g2"))), GROUP("g2", MEMBERS(REF("Group/g3"))),
                   GROUP("g3", MEMBERS(REF("Patient/p1")))),
            3);
  for (int i = 0; i < 3; i++) {
    static const char *const reasons[] = {"more than 1 deep", "more than 1 members",
                                          "longer than resource_bytes_max"};
    fhx_filter *filter = test_small_group_filter();
    test_small_prepare(&of, &in.small);
    of.options.group_depth_max = i == 0 ? 1 : 0;
    of.options.group_members_max = i == 1 ? 1 : 0;
    of.options.resource_bytes_max = i == 2 ? 30 : 0;
    test_require_status(fhx_filter_add_patient(filter, "p1", NULL), FHX_OK);
    test_small_start(&of, filter);
    test_require_status(of.status, FHX_ERR_UNSUPPORTED);
    test_require(strstr(of.message, reasons[i]) != NULL);
    test_small_end(&of);
  }
}

static void filter_34_references(void **state) {
  (void)state;
  static const char *const groups[] = {
      GROUP("g",
            MEMBERS(REF("Patient/p1/_history/7") "," REF("https://h/fhir/Patient/p2") "," REF(
                "https://other/fhir/Patient/p3") "," REF("#p3") "," REF("urn:uuid:6e8bc430-9c3a-"
                                                                        "11d9-9669-0800200c9a66"))),
      NULL};
  for (size_t way = 0; way < WAYS; way++) {
    scene in;
    test_small_job of;
    bool found = false;
    set_scene(&in, groups, way);
    test_small_prepare(&of, &in.small);
    fhx_filter *filter = test_small_group_filter();
    test_require_status(fhx_filter_set_base_url(filter, "https://h/fhir", NULL), FHX_OK);
    test_small_start(&of, filter);
    test_small_run(&of);
    test_small_check(&of,
                     "Observation/o1 Observation/o2 Observation/old1 Observation/old2 Patient/p1 "
                     "Patient/p2");
    test_require(test_small_lines(&of, "member[2] of Group/g refers to nothing", &found) == 3);
    test_require(found);
    test_require(test_small_lines(&of, "p3", &found) == 3 && !found);
    test_small_end(&of);
  }
}

static void filter_35_without_a_reference(void **state) {
  (void)state;
  check_group(
      GROUPS(GROUP("g", MEMBERS(REF("Patient/p1") ",{\"entity\":{\"display\":\"secret\"}}"))),
      ALL_OF_P1, 1, "member[1] of Group/g has no reference");
}

static void filter_36_missing(void **state) {
  (void)state;
  check_group(GROUPS(GROUP("g", MEMBERS(REF("Patient/gone") "," REF("Patient/p1")))), ALL_OF_P1, 1,
              "\"severity\":\"warning\",\"code\":\"not-found\",\"diagnostics\":\"Patient/gone is a "
              "member of Group/g and does not exist\"");
  check_group(GROUPS(GROUP("g", MEMBERS(REF("Group/gone") "," REF("Patient/p1")))), ALL_OF_P1, 1,
              "Group/gone is nested in Group/g and does not exist");
}

/* What refers to a patient who is not there goes with him. */
static void filter_36_nobody_else_is_taken_for_him(void **state) {
  (void)state;
  for (size_t way = 0; way < WAYS; way++) {
    scene in;
    test_small_job of;
    set_scene(&in, GROUPS(GROUP("g", MEMBERS(REF("Patient/p1") "," REF("Patient/gone")))), way);
    in.rows[in.small.row_count++] =
        (test_small_row){"Observation", "stray", "gone", NEW_US, OBSERVATION("stray", "gone")};
    export_group(&of, &in);
    test_small_check(&of, ALL_OF_P1);
    test_small_end(&of);
  }
}

static void filter_37_other_members(void **state) {
  (void)state;
  check_group(GROUPS(GROUP("g", MEMBERS(REF("Practitioner/d1") "," REF("Patient/p1")))),
              "Observation/o1 Observation/old1 Patient/p1 Practitioner/d1", 0, "");
}

static void filter_38_twice_is_once(void **state) {
  (void)state;
  check_group(GROUPS(GROUP("g", MEMBERS(REF("Patient/p1") "," REF("Patient/p1") "," REF(
                                    "http://x/Patient/p1") "," REF("Patient/p1/_history/1")))),
              ALL_OF_P1, 0, "");
}

static void filter_39_empty(void **state) {
  (void)state;
  for (size_t way = 0; way < WAYS; way++) {
    scene in;
    test_small_job of;
    set_scene(&in, GROUPS(GROUP("g", MEMBERS(REF_AND("Patient/p1", "\"inactive\":true")))), way);
    export_group(&of, &in);
    test_small_check(&of, "");
    /* Nothing but, without read_resource, the Group itself was read by a cursor. */
    test_require(atomic_load(&in.small.calls[TEST_SMALL_OPEN]) == (way < 3 ? 1 : 0));
    test_require(test_destination_objects(of.destination).count == 0);
    test_small_end(&of);
  }
}

/* FILTER-06, FILTER-01, -02: the window filters results, never the roster. */
static void filter_06_since_leaves_the_roster_alone(void **state) {
  (void)state;
  for (size_t way = 0; way < WAYS; way++) {
    scene in;
    test_small_job of;
    set_scene(&in, GROUPS(GROUP("g", MEMBERS(REF("Patient/p1")))), way);
    test_small_prepare(&of, &in.small);
    fhx_filter *filter = test_small_group_filter();
    test_require_status(fhx_filter_set_since(filter, SINCE, NULL), FHX_OK);
    test_small_start(&of, filter);
    test_small_run(&of);
    test_small_check(&of, "Observation/o1");
    test_small_end(&of);
  }
}

/* FILTER-05, by FHX_JOB_NEW_MEMBERS. */
static void filter_05_new_members(void **state) {
  (void)state;
  for (size_t way = 0; way < 2 * WAYS; way++) {
    bool wanted = way < WAYS;
    scene in;
    test_small_job of;
    set_scene(&in,
              GROUPS(GROUP(
                  "g", MEMBERS(REF_AND("Patient/p1", "\"period\":{\"start\":\"2020\"}") "," REF_AND(
                           "Patient/p2", "\"period\":{\"start\":\"2023-02\"}")))),
              way % WAYS);
    test_small_prepare(&of, &in.small);
    of.options.flags = wanted ? FHX_JOB_NEW_MEMBERS : 0;
    fhx_filter *filter = test_small_group_filter();
    test_require_status(fhx_filter_set_since(filter, SINCE, NULL), FHX_OK);
    test_small_start(&of, filter);
    test_small_run(&of);
    test_small_check(&of, wanted ? "Observation/o1 " ALL_OF_P2 : "Observation/o1 Observation/o2");
    test_small_end(&of);
  }
}

/* FILTER-30: a resource that cannot be read is told of, but no id of somebody who is no member. */
static void filter_30_bad_rows_of_others(void **state) {
  (void)state;
  for (size_t way = 0; way < WAYS; way++) {
    bool pushes_patients = way % 3 == 2, found = false;
    scene in;
    test_small_job of;
    test_scenario("way %d", (int)way);
    set_scene(&in, GROUPS(GROUP("g", MEMBERS(REF("Patient/p1") "," REF("Patient/p4")))), way);
    in.rows[in.small.row_count++] = (test_small_row){
        "Patient", "p4", "p4", NEW_US, "{\"resourceType\":\"Patient\",\"id\":\"p4\",\"x\":}"};
    in.rows[in.small.row_count++] = (test_small_row){
        "Patient", "p5", "p5", NEW_US, "{\"resourceType\":\"Patient\",\"id\":\"p5\",\"x\":}"};
    in.rows[in.small.row_count++] =
        (test_small_row){"Observation", "of-p5", "p5", NEW_US,
                         "{\"resourceType\":\"Observation\",\"id\":\"of-p5\",\"x\":}"};
    export_group(&of, &in);
    test_small_check(&of, ALL_OF_P1);
    test_require(test_small_lines(&of, "Patient/p4 was not exported", &found) ==
                 (pushes_patients ? 1 : 3));
    test_require(found);
    test_small_lines(&of, "p5", &found);
    test_require(!found);
    test_small_lines(&of, "a resource of type Observation was not exported", &found);
    test_require(found != pushes_patients);
    test_small_end(&of);
  }
}

/* --- what is refused --- */

static void check_refused(const char *const *groups, size_t way, int32_t status,
                          const char *message) {
  scene in;
  test_small_job of;
  set_scene(&in, groups, way);
  test_small_prepare(&of, &in.small);
  test_small_start(&of, test_small_group_filter());
  test_require_status(of.status, status);
  test_require(strstr(of.message, message) != NULL);
  test_require(of.job == NULL);
  test_small_end(&of);
}

/* At the start by who can say it, else the job fails with the same reason. */
static void check_never(const char *const *groups, const char *reason) {
  for (size_t way = 0; way < 3; way++) {
    scene in;
    test_small_job of;
    set_scene(&in, groups, way);
    export_group(&of, &in);
    test_small_check_failed(&of, reason);
    test_small_end(&of);
    check_refused(groups, way + 3, FHX_ERR_UNSUPPORTED, reason);
  }
}

static void filter_42_modifiers(void **state) {
  (void)state;
  check_never(
      GROUPS(GROUP(
          "g", MEMBERS(REF("Patient/p1")) ",\"modifierExtension\":[{\"url\":"
                                          "\"http://hl7.org/fhir/uv/bulkdata/StructureDefinition/"
                                          "member-filter\"}]")),
      "member-filter");
  check_never(GROUPS(GROUP("g", ",\"modifierExtension\":[{\"url\":\"x\"}]")), "modifier extension");
}

static void filter_43_described_groups(void **state) {
  (void)state;
  check_never(GROUPS("{\"resourceType\":\"Group\",\"id\":\"g\",\"actual\":false}"), "`actual`");
  check_never(GROUPS("{\"resourceType\":\"Group\",\"id\":\"g\",\"membership\":\"definitional\"}"),
              "`membership`");
}

/* A nested Group that nobody can list fails the job, rather than leave somebody out. */
static void nested_groups_are_checked_too(void **state) {
  (void)state;
  for (size_t way = 0; way < WAYS; way++) {
    scene in;
    test_small_job of;
    set_scene(&in,
              GROUPS(GROUP("g", MEMBERS(REF("Group/g2"))),
                     GROUP("g2", ",\"modifierExtension\":[{\"url\":\"x\"}]")),
              way);
    export_group(&of, &in);
    test_small_check_failed(&of, "modifier extension");
    test_small_end(&of);
  }
}

/* KICK-17. */
static void an_unknown_group(void **state) {
  (void)state;
  check_refused(GROUPS(NULL), 3, FHX_ERR_NOT_FOUND, "the Group of the export does not exist");
  scene in;
  test_small_job of;
  set_scene(&in, GROUPS(NULL), 0);
  export_group(&of, &in);
  test_small_check_failed(&of, "the Group of the export does not exist");
  test_small_end(&of);
}

static void a_group_that_is_none(void **state) {
  (void)state;
  check_refused(GROUPS("{\"resourceType\":\"Group\",\"id\":\"g\""), 3, FHX_ERR_SOURCE,
                "ends inside its JSON object");
  check_refused(GROUPS(PATIENT("g")), 3, FHX_ERR_SOURCE, "another resource");
  check_refused(GROUPS(GROUP("g2", MEMBERS(REF("Patient/p1")))), 3, FHX_ERR_SOURCE,
                "another resource");
}

static bool deny(void *context, test_small_call call, uint64_t number, fhx_reply *reply) {
  (void)number;
  if (call != *(const test_small_call *)context) return false;
  fhx_reply_fail(reply, FHX_ERR_DENIED, 0, "not for you");
  return true;
}

static void a_group_for_others(void **state) {
  (void)state;
  static const test_small_call calls[] = {TEST_SMALL_READ, TEST_SMALL_MEMBERS};
  for (size_t i = 0; i < 2; i++) {
    scene in;
    test_small_job of;
    test_small_call call = calls[i];
    set_scene(&in, GROUPS(GROUP("g", "")), 3);
    in.small.lists_members = call == TEST_SMALL_MEMBERS;
    in.small.hook = deny;
    in.small.hook_context = &call;
    test_small_prepare(&of, &in.small);
    test_small_start(&of, test_small_group_filter());
    test_require_status(of.status, FHX_ERR_DENIED);
    test_small_end(&of);
  }
}

/* --- patients of the list --- */

static void check_list(const char *patient, size_t way, int32_t status, const char *output) {
  scene in;
  test_small_job of;
  test_scenario("patient %s, way %d", patient, (int)way);
  set_scene(
      &in,
      GROUPS(GROUP("g", MEMBERS(REF("Patient/p2") "," REF("Group/g2") "," REF("Practitioner/d1"))),
             GROUP("g2", MEMBERS(REF("Patient/p1") "," REF("Patient/gone")))),
      way);
  test_small_prepare(&of, &in.small);
  fhx_filter *filter = test_small_group_filter();
  test_require_status(fhx_filter_add_patient(filter, patient, NULL), FHX_OK);
  test_small_start(&of, filter);
  if (way >= 3) test_require_status(of.status, status);
  if (of.status != FHX_OK) test_require(strstr(of.message, patient) == NULL);
  test_small_run(&of);
  if (of.job != NULL) test_small_check(&of, output);
  test_small_end(&of);
}

/* PARAM-15, FILTER-17: only members, only those of the list; told at the start if it can be. */
static void param_15_patients_of_a_group(void **state) {
  (void)state;
  for (size_t way = 0; way < WAYS; way++) {
    check_list("p1", way, FHX_OK, ALL_OF_P1);
    check_list("p3", way, FHX_ERR_NOT_FOUND, "");
    check_list("gone", way, FHX_ERR_NOT_FOUND, "");
  }
}

/* Patient level: no Group, the list alone. */
static void param_15_patients_without_a_group(void **state) {
  (void)state;
  for (size_t i = 0; i < 2; i++) {
    scene in;
    test_small_job of;
    fhx_filter *filter = NULL;
    set_scene(&in, GROUPS(NULL), 3);
    test_small_prepare(&of, &in.small);
    test_require_status(fhx_filter_new(&filter, NULL), FHX_OK);
    test_require_status(fhx_filter_set_all_patients(filter, NULL), FHX_OK);
    test_require_status(fhx_filter_add_patient(filter, i == 0 ? "p1" : "gone", NULL), FHX_OK);
    test_small_start(&of, filter);
    test_require_status(of.status, i == 0 ? FHX_OK : FHX_ERR_NOT_FOUND);
    test_small_run(&of);
    if (i == 0) test_small_check(&of, ALL_OF_P1);
    test_small_end(&of);
  }
}

/* --- types --- */

static int32_t start_with_type(const char *type, bool group, const char *associated) {
  scene in;
  test_small_job of;
  fhx_filter *filter = NULL;
  set_scene(&in, GROUPS(GROUP("g", MEMBERS(REF("Patient/p1")))), 3);
  test_small_prepare(&of, &in.small);
  test_require_status(fhx_filter_new(&filter, NULL), FHX_OK);
  if (group) test_require_status(fhx_filter_set_group(filter, "g", NULL), FHX_OK);
  if (!group) test_require_status(fhx_filter_set_all_patients(filter, NULL), FHX_OK);
  test_require_status(fhx_filter_add_type(filter, type, NULL), FHX_OK);
  of.options.associated_types = associated;
  test_small_start(&of, filter);
  if (of.status == FHX_ERR_UNSUPPORTED) test_require(strncmp(of.message, "_type: ", 7) == 0);
  int32_t status = of.status;
  test_small_end(&of);
  return status;
}

static void param_11_types_outside_the_compartment(void **state) {
  (void)state;
  for (int group = 0; group < 2; group++) {
    bool is_group = group == 1;
    test_require_status(start_with_type("Organization", is_group, NULL), FHX_ERR_UNSUPPORTED);
    test_require_status(start_with_type("Organization", is_group, "Practitioner"),
                        FHX_ERR_UNSUPPORTED);
    test_require_status(start_with_type("Organization", is_group, "Practitioner,Organization"),
                        FHX_OK);
    test_require_status(start_with_type("Observation", is_group, NULL), FHX_OK);
  }
}

/* FILTER-37: what may be a member of a Group is no type outside; but of a list of patients it is.
 */
static void param_11_types_of_other_members(void **state) {
  (void)state;
  test_require_status(start_with_type("Practitioner", true, NULL), FHX_OK);
  test_require_status(start_with_type("Practitioner", false, NULL), FHX_ERR_UNSUPPORTED);
  scene in;
  test_small_job of;
  fhx_filter *filter = NULL;
  set_scene(&in, GROUPS(GROUP("g", MEMBERS(REF("Patient/p1") "," REF("Practitioner/d1")))), 3);
  test_small_prepare(&of, &in.small);
  test_require_status(fhx_filter_new(&filter, NULL), FHX_OK);
  test_require_status(fhx_filter_set_group(filter, "g", NULL), FHX_OK);
  test_require_status(fhx_filter_add_type(filter, "Practitioner", NULL), FHX_OK);
  test_small_start(&of, filter);
  test_small_run(&of);
  test_small_check(&of, "Practitioner/d1");
  test_small_end(&of);
}

static void associated_types_are_names(void **state) {
  (void)state;
  static const char *const bad[] = {",", "A,", ",A", "A,,B", "A, B", "a", "A b"};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    test_require_status(start_with_type("Observation", true, bad[i]), FHX_ERR_ARGUMENT);
  }
  test_require_status(start_with_type("Observation", true, ""), FHX_OK);
}

/* --- group_members --- */

static const char *const listed[] = {"Group/g2", "Patient/gone", "Patient/p1", "Practitioner/d1"};
static const char *const nested[] = {"Group/g", "Group/nowhere", "Patient/p1", "Patient/p2"};

static void set_listed(scene *in, const char *const *members, size_t count, size_t way) {
  static test_small_group groups[2];
  set_scene(in, GROUPS(NULL), way);
  groups[0] = (test_small_group){"g", members, count};
  groups[1] = (test_small_group){"g2", nested, sizeof nested / sizeof nested[0]};
  in->small.lists_members = true;
  in->small.groups = groups;
  in->small.group_count = 2;
}

static void members_page_by_page(void **state) {
  (void)state;
  for (size_t way = 0; way < 2 * WAYS; way++) {
    scene in;
    test_small_job of;
    bool found = false;
    set_listed(&in, listed, sizeof listed / sizeof listed[0], way % WAYS);
    in.small.page = way < WAYS ? 1 : 100;
    export_group(&of, &in);
    test_small_check(&of,
                     "Observation/o1 Observation/o2 Observation/old1 Observation/old2 Patient/p1 "
                     "Patient/p2 Practitioner/d1");
    test_require(test_small_lines(&of, "Patient/gone", &found) == 2 && found);
    test_require(test_small_lines(&of, "Group/nowhere", &found) == 2 && found);
    test_small_end(&of);
  }
}

/* The host leaves one Group to the library. */
static void a_host_may_leave_groups_to_the_library(void **state) {
  (void)state;
  for (size_t way = 0; way < WAYS; way++) {
    scene in;
    test_small_job of;
    const test_small_group group = {"g", NULL, 0};
    set_scene(&in, GROUPS(GROUP("g", MEMBERS(REF("Patient/p1")))), way);
    in.small.lists_members = true;
    in.small.groups = &group;
    in.small.group_count = 1;
    export_group(&of, &in);
    test_small_check(&of, ALL_OF_P1);
    test_small_end(&of);
  }
}

static bool give_bad_page(void *context, test_small_call call, uint64_t number, fhx_reply *reply) {
  const char *const *items = context;
  /* The first call is the start's. */
  if (call != TEST_SMALL_MEMBERS || number == 1) return false;
  for (size_t i = 0; items[i] != NULL; i++) fhx_reply_item(reply, items[i], strlen(items[i]));
  fhx_reply_done(reply);
  return true;
}

static void bad_pages_are_the_sources_fault(void **state) {
  (void)state;
  static const char *pages[][3] = {{"Patient/p2", "Patient/p1", NULL},
                                   {"Patient/p1", "Patient/p1", NULL},
                                   {"Patient/p1", "p2", NULL},
                                   {"Patient/", NULL, NULL},
                                   {"patient/p1", NULL, NULL},
                                   {"Patient/p1/_history/1", NULL, NULL},
                                   {"", NULL, NULL},
                                   /* Given again and again, it would never end. */
                                   {"Patient/p1", "Patient/p2", NULL}};
  for (size_t i = 0; i < sizeof pages / sizeof pages[0]; i++) {
    scene in;
    test_small_job of;
    test_scenario("page %d", (int)i);
    set_listed(&in, listed, 1, 3);
    in.small.hook = give_bad_page;
    in.small.hook_context = pages[i];
    export_group(&of, &in);
    test_small_check_failed(&of, "group_members");
    test_small_end(&of);
  }
}

/* --- FILTER-40: as it was resolved, once --- */

static bool change_group(void *context, test_small_call call, uint64_t number, fhx_reply *reply) {
  scene *in = context;
  (void)number;
  (void)reply;
  if (call == TEST_SMALL_OPEN) {
    in->rows[PEOPLE].json = GROUP("g", MEMBERS(REF("Patient/p2")));
  }
  return false;
}

static void filter_40_the_roster_is_fixed(void **state) {
  (void)state;
  scene in;
  test_small_job of;
  set_scene(&in, GROUPS(GROUP("g", MEMBERS(REF("Patient/p1")))), 3);
  in.small.hook = change_group;
  in.small.hook_context = &in;
  export_group(&of, &in);
  test_small_check(&of, ALL_OF_P1);
  /* At the start and once in the plan. */
  test_require(atomic_load(&in.small.calls[TEST_SMALL_READ]) == 2);
  test_small_end(&of);
}

/* A plan that failed half-way begins anew, and leaves nothing of its first attempt. */
static bool fail_first_verification(void *context, test_small_call call, uint64_t number,
                                    fhx_reply *reply) {
  scene *in = context;
  if (call != TEST_SMALL_NEXT || number != 2) return false;
  in->rows[PEOPLE].json = GROUP("g", MEMBERS(REF("Patient/p2")));
  fhx_reply_fail(reply, FHX_ERR_IO, 1, "a fault that passes");
  return true;
}

static void a_failed_plan_begins_anew(void **state) {
  (void)state;
  scene in;
  test_small_job of;
  set_scene(&in, GROUPS(GROUP("g", MEMBERS(REF("Patient/p1") "," REF("Patient/gone")))), 3);
  in.small.hook = fail_first_verification;
  in.small.hook_context = &in;
  export_group(&of, &in);
  test_small_check(&of, ALL_OF_P2);
  bool found = false;
  test_require(test_small_lines(&of, "", &found) == 0);
  test_small_end(&of);
}

/* --- parked while it resolves --- */

typedef struct parking {
  test_small_job *of;
  test_small_call call;
  uint64_t number;
} parking;

static bool park(void *context, test_small_call call, uint64_t number, fhx_reply *reply) {
  const parking *at = context;
  (void)reply;
  if (call == at->call && number == at->number) fhx_job_park(at->of->job);
  return false;
}

static void parked_while_it_resolves(void **state) {
  (void)state;
  static const test_small_call calls[] = {TEST_SMALL_MEMBERS, TEST_SMALL_NEXT};
  for (size_t i = 0; i < 2; i++) {
    for (uint64_t number = 2; number < 5; number++) {
      scene in;
      test_small_job of;
      parking at = {&of, calls[i], number};
      fhx_store *store = NULL;
      fhx_sqlite_store_options options;
      test_scenario("call %d, number %d", (int)i, (int)number);
      FHX_INIT(&options);
      options.path = ":memory:";
      test_require_status(fhx_sqlite_store_new(&options, &store, NULL), FHX_OK);
      set_listed(&in, listed, sizeof listed / sizeof listed[0], 0);
      in.small.hook = park;
      in.small.hook_context = &at;
      test_small_prepare(&of, &in.small);
      of.options.store = store;
      test_small_start(&of, test_small_group_filter());
      test_small_run(&of);
      test_require_status(of.status, FHX_WAIT);
      fhx_job *parked = of.job;
      in.small.hook = NULL;
      test_require_status(fhx_job_attach(&of.options, fhx_job_id(parked), &of.job, NULL), FHX_OK);
      fhx_job_free(parked);
      test_small_run(&of);
      test_small_check(&of,
                       "Observation/o1 Observation/o2 Observation/old1 Observation/old2 Patient/p1 "
                       "Patient/p2 Practitioner/d1");
      fhx_store_free(store);
      of.options.store = NULL;
      test_small_end(&of);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(filter_30_exactly_the_members),
      cmocka_unit_test(filter_30_bad_rows_of_others),
      cmocka_unit_test(filter_31_inactive),
      cmocka_unit_test(filter_32_periods),
      cmocka_unit_test(filter_33_nested_groups),
      cmocka_unit_test(filter_33_bounds),
      cmocka_unit_test(filter_33_bounds_at_the_start),
      cmocka_unit_test(filter_34_references),
      cmocka_unit_test(filter_35_without_a_reference),
      cmocka_unit_test(filter_36_missing),
      cmocka_unit_test(filter_36_nobody_else_is_taken_for_him),
      cmocka_unit_test(filter_37_other_members),
      cmocka_unit_test(filter_38_twice_is_once),
      cmocka_unit_test(filter_39_empty),
      cmocka_unit_test(filter_40_the_roster_is_fixed),
      cmocka_unit_test(filter_42_modifiers),
      cmocka_unit_test(filter_43_described_groups),
      cmocka_unit_test(filter_06_since_leaves_the_roster_alone),
      cmocka_unit_test(filter_05_new_members),
      cmocka_unit_test(nested_groups_are_checked_too),
      cmocka_unit_test(an_unknown_group),
      cmocka_unit_test(a_group_that_is_none),
      cmocka_unit_test(a_group_for_others),
      cmocka_unit_test(param_15_patients_of_a_group),
      cmocka_unit_test(param_15_patients_without_a_group),
      cmocka_unit_test(param_11_types_outside_the_compartment),
      cmocka_unit_test(param_11_types_of_other_members),
      cmocka_unit_test(associated_types_are_names),
      cmocka_unit_test(members_page_by_page),
      cmocka_unit_test(a_host_may_leave_groups_to_the_library),
      cmocka_unit_test(bad_pages_are_the_sources_fault),
      cmocka_unit_test(a_failed_plan_begins_anew),
      cmocka_unit_test(parked_while_it_resolves),
  };
  return cmocka_run_group_tests_name("Group exports", tests, NULL, NULL);
}
