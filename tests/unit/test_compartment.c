/* The Patient compartments of FHIR's versions, and their evaluation (FILTER-10, FILTER-14,
   FILTER-17, FILTER-30). References and a host's own compartments are in test_reference.c and
   test_own_compartment.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

#include "core/json.h"
#include "core/names.h"
#include "select/compartment.h"
#include "select/compartment_table.h"

/* The patient of every test is "p1". */
static bool is_p1(const void *context, const char *id, size_t len) {
  (void)context;
  return len == 2 && memcmp(id, "p1", 2) == 0;
}

static const fhx__patient_test p1 = {is_p1, NULL, NULL};

static bool has_in(const fhx__compartment *compartment, const char *resource_type,
                   const char *line) {
  return fhx__compartment_has(compartment, resource_type, "x", line, strlen(line), &p1);
}

/* In the compartment of R4. */
static bool has(const char *resource_type, const char *line) {
  return has_in(&fhx__compartment_r4, resource_type, line);
}

/* --- the tables --- */

static const struct {
  uint32_t version;
  const fhx__compartment *compartment;
  /* With Patient, which the table does not name. */
  size_t type_count;
  size_t path_count;
} versions[] = {
    {FHX_FHIR_R4, &fhx__compartment_r4, 66, 97},
    {FHX_FHIR_R4B, &fhx__compartment_r4b, 66, 97},
    {FHX_FHIR_R5, &fhx__compartment_r5, 73, 101},
};
#define VERSION_COUNT (sizeof versions / sizeof versions[0])

static void check_path(const fhx__compartment_path *path) {
  size_t segments = 1;
  assert_true(fhx__is_type_name(path->resource_type, strlen(path->resource_type)));
  for (const char *at = path->path; *at != '\0'; at++) segments += *at == '.';
  assert_in_range(segments, 1, FHX__COMPARTMENT_SEGMENTS_MAX);
}

static void tables_have_their_form(void **state) {
  (void)state;
  for (size_t v = 0; v < VERSION_COUNT; v++) {
    const fhx__compartment *compartment = versions[v].compartment;
    size_t types = 1, paths = 0;
    assert_ptr_equal(fhx__compartment_builtin(versions[v].version), compartment);
    assert_int_equal(compartment->count, versions[v].path_count);
    assert_true(fhx__compartment_knows(compartment, "Patient"));
    for (size_t i = 0; i < compartment->count; i++) {
      const fhx__compartment_path *path = &compartment->paths[i];
      check_path(path);
      int order = i == 0 ? -1 : strcmp(path[-1].resource_type, path->resource_type);
      assert_true(order <= 0);
      paths = order < 0 ? 1 : paths + 1;
      if (order < 0) types++;
      assert_in_range(paths, 1, FHX__COMPARTMENT_PATHS_MAX);
      assert_string_not_equal(path->resource_type, "Patient");
      assert_true(fhx__compartment_knows(compartment, path->resource_type));
    }
    assert_int_equal(types, versions[v].type_count);
  }
  assert_null(fhx__compartment_builtin(0));
  assert_null(fhx__compartment_builtin(4));
  assert_null(fhx__compartment_builtin(UINT32_MAX));
}

static void append(char line[1024], const char *text, size_t len) {
  size_t used = strlen(line);
  assert_true(used + len < 1024);
  memcpy(line + used, text, len);
  line[used + len] = '\0';
}

static void append_text(char line[1024], const char *text) {
  append(line, text, strlen(text));
}

/* Writes a resource whose only content is the path, with the given Reference at its end. */
static void write_resource(char line[1024], const fhx__compartment_path *path, bool lists,
                           const char *reference) {
  size_t steps = 1;
  line[0] = '\0';
  append_text(line, "{\"resourceType\":\"");
  append_text(line, path->resource_type);
  append_text(line, "\",\"id\":\"x\"");
  for (const char *at = path->path;; steps++) {
    size_t len = strcspn(at, ".");
    append_text(line, steps == 1 ? ",\"" : "{\"");
    append(line, at, len);
    append_text(line, lists ? "\":[{\"id\":\"1\"}," : "\":");
    if (at[len] == '\0') break;
    at += len + 1;
  }
  append_text(line, reference);
  for (; steps > 0; steps--) append_text(line, lists ? "]}" : "}");
  fhx__json_node *root = NULL;
  assert_int_equal(fhx__json_parse(line, strlen(line), &root, NULL), FHX_OK);
  fhx__json_free(root);
}

/* A path takes a reference to the patient, with and without lists on the way, and no other. */
static void check_evaluation(const fhx__compartment *compartment, const fhx__compartment_path *path,
                             bool lists) {
  static const char *const others[] = {"{\"reference\":\"Patient/p2\"}",
                                       "{\"reference\":\"Group/p1\"}", "\"Patient/p1\""};
  const char *type = path->resource_type;
  char line[1024], inside[2048];
  write_resource(line, path, lists, "{\"reference\":\"Patient/p1\"}");
  if (!has_in(compartment, type, line)) fail_msg("%s", line);
  assert_false(has_in(compartment, "Medication", line));
  /* The same in a contained resource is not the resource's own. */
  snprintf(inside, sizeof inside, "{\"resourceType\":\"%s\",\"id\":\"x\",\"contained\":[%s]}", type,
           line);
  if (has_in(compartment, type, inside)) fail_msg("%s", inside);
  for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
    write_resource(line, path, lists, others[i]);
    if (has_in(compartment, type, line)) fail_msg("%s", line);
  }
}

static void every_path(void **state) {
  (void)state;
  for (size_t v = 0; v < VERSION_COUNT; v++) {
    const fhx__compartment *compartment = versions[v].compartment;
    for (size_t i = 0; i < compartment->count; i++) {
      check_evaluation(compartment, &compartment->paths[i], false);
      check_evaluation(compartment, &compartment->paths[i], true);
    }
  }
}

#define PATIENT "{\"reference\":\"Patient/p1\"}"

/* What R5 has changed, written by hand. */
static void versions_differ(void **state) {
  static const struct {
    const char *resource_type;
    const char *line;
    bool in_r4;
    bool in_r5;
  } cases[] = {
      {"AllergyIntolerance", "{\"asserter\":" PATIENT "}", true, false},
      {"AllergyIntolerance", "{\"participant\":[{\"actor\":" PATIENT "}]}", false, true},
      {"AuditEvent", "{\"entity\":[{\"what\":" PATIENT "}]}", true, false},
      {"AuditEvent", "{\"patient\":" PATIENT "}", false, true},
      {"CarePlan", "{\"activity\":[{\"detail\":{\"performer\":[" PATIENT "]}}]}", true, false},
      {"Consent", "{\"patient\":" PATIENT "}", true, false},
      {"Consent", "{\"subject\":" PATIENT "}", false, true},
      {"Contract", "{\"subject\":[" PATIENT "]}", false, true},
      {"Coverage", "{\"payor\":[" PATIENT "]}", true, false},
      {"Coverage", "{\"paymentBy\":[{\"party\":" PATIENT "}]}", false, true},
      {"DeviceRequest", "{\"performer\":" PATIENT "}", true, false},
      {"DeviceRequest", "{\"performer\":{\"reference\":" PATIENT "}}", false, true},
      {"Media", "{\"subject\":" PATIENT "}", true, false},
      {"NutritionIntake", "{\"reportedReference\":" PATIENT "}", false, true},
      {"NutritionOrder", "{\"patient\":" PATIENT "}", true, false},
      {"NutritionOrder", "{\"subject\":" PATIENT "}", false, true},
      {"Provenance", "{\"target\":[" PATIENT "]}", true, false},
      {"Provenance", "{\"patient\":" PATIENT "}", false, true},
      {"RequestGroup", "{\"subject\":" PATIENT "}", true, false},
      {"RequestOrchestration",
       "{\"action\":[{\"participant\":[{\"actorReference\":" PATIENT "}]}]}", false, true},
      {"ResearchSubject", "{\"individual\":" PATIENT "}", true, false},
      {"ResearchSubject", "{\"subject\":" PATIENT "}", false, true},
      {"Task", "{\"for\":" PATIENT "}", false, true},
      {"Observation", "{\"subject\":" PATIENT "}", true, true},
  };
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    const char *type = cases[i].resource_type, *line = cases[i].line;
    /* R4B has the compartment of R4. */
    if (has_in(&fhx__compartment_r4, type, line) != cases[i].in_r4 ||
        has_in(&fhx__compartment_r4b, type, line) != cases[i].in_r4 ||
        has_in(&fhx__compartment_r5, type, line) != cases[i].in_r5) {
      fail_msg("%s %s", type, line);
    }
  }
  assert_false(fhx__compartment_knows(&fhx__compartment_r5, "DocumentManifest"));
  assert_true(fhx__compartment_knows(&fhx__compartment_r5, "EncounterHistory"));
  assert_false(fhx__compartment_knows(&fhx__compartment_r4, "Task"));
}

typedef struct example {
  const char *resource_type;
  const char *line;
} example;

/* Written by hand, so that a wrong table is found. */
static const example in_compartment[] = {
    {"Account",
     "{\"resourceType\":\"Account\",\"subject\":[{\"reference\":\"Device/d\"},"
     "{\"reference\":\"Patient/p1\"}]}"},
    {"AllergyIntolerance", "{\"patient\":{\"reference\":\"Patient/p1\"}}"},
    {"AllergyIntolerance",
     "{\"patient\":{\"reference\":\"Patient/p2\"},"
     "\"asserter\":{\"reference\":\"Patient/p1\"}}"},
    {"AllergyIntolerance", "{\"recorder\":{\"reference\":\"Patient/p1\"}}"},
    {"Appointment",
     "{\"participant\":[{\"actor\":{\"reference\":\"Practitioner/p1\"}},"
     "{\"status\":\"accepted\",\"actor\":{\"reference\":\"Patient/p1\"}}]}"},
    {"AppointmentResponse", "{\"actor\":{\"reference\":\"Patient/p1\"}}"},
    {"AuditEvent", "{\"agent\":[{\"who\":{\"reference\":\"Patient/p1\"}}]}"},
    {"AuditEvent", "{\"entity\":[{\"what\":{\"reference\":\"Patient/p1\"}}]}"},
    {"CarePlan", "{\"subject\":{\"reference\":\"Patient/p1\"}}"},
    {"CarePlan", "{\"activity\":[{\"detail\":{\"performer\":[{\"reference\":\"Patient/p1\"}]}}]}"},
    {"CareTeam", "{\"participant\":[{\"member\":{\"reference\":\"Patient/p1\"}}]}"},
    {"Claim", "{\"patient\":{\"reference\":\"Patient/p1\"}}"},
    {"Claim", "{\"payee\":{\"party\":{\"reference\":\"Patient/p1\"}}}"},
    {"CommunicationRequest", "{\"requester\":{\"reference\":\"Patient/p1\"}}"},
    {"Composition",
     "{\"attester\":[{\"mode\":\"legal\",\"party\":{\"reference\":\"Patient/p1\"}}]}"},
    {"Condition", "{\"subject\":{\"reference\":\"Patient/p1\"}}"},
    {"Condition", "{\"asserter\":{\"reference\":\"Patient/p1\"}}"},
    {"Coverage", "{\"policyHolder\":{\"reference\":\"Patient/p1\"}}"},
    {"Coverage", "{\"subscriber\":{\"reference\":\"Patient/p1\"}}"},
    {"Coverage", "{\"beneficiary\":{\"reference\":\"Patient/p1\"}}"},
    {"Coverage", "{\"payor\":[{\"reference\":\"Patient/p1\"}]}"},
    {"DiagnosticReport", "{\"subject\":{\"reference\":\"Patient/p1\"}}"},
    {"DocumentManifest", "{\"recipient\":[{\"reference\":\"Patient/p1\"}]}"},
    {"DocumentReference", "{\"author\":[{\"reference\":\"Patient/p1\"}]}"},
    {"Encounter", "{\"subject\":{\"reference\":\"Patient/p1\"}}"},
    {"EnrollmentRequest", "{\"candidate\":{\"reference\":\"Patient/p1\"}}"},
    {"ExplanationOfBenefit", "{\"payee\":{\"party\":{\"reference\":\"Patient/p1\"}}}"},
    {"Group", "{\"member\":[{\"entity\":{\"reference\":\"Patient/p1\"}}]}"},
    {"Immunization", "{\"patient\":{\"reference\":\"Patient/p1\"}}"},
    {"Invoice", "{\"recipient\":{\"reference\":\"Patient/p1\"}}"},
    {"List", "{\"source\":{\"reference\":\"Patient/p1\"}}"},
    {"MedicationAdministration", "{\"performer\":[{\"actor\":{\"reference\":\"Patient/p1\"}}]}"},
    {"MedicationDispense", "{\"receiver\":[{\"reference\":\"Patient/p1\"}]}"},
    {"MedicationRequest",
     "{\"medicationReference\":{\"reference\":\"Medication/p1\"},"
     "\"subject\":{\"reference\":\"Patient/p1\"}}"},
    {"Observation", "{\"subject\":{\"reference\":\"Patient/p1\"}}"},
    {"Observation",
     "{\"subject\":{\"reference\":\"Patient/p2\"},"
     "\"performer\":[{\"reference\":\"Patient/p1\"}]}"},
    {"Person", "{\"link\":[{\"target\":{\"reference\":\"Patient/p1\"}}]}"},
    {"Procedure", "{\"performer\":[{\"actor\":{\"reference\":\"Patient/p1\"}}]}"},
    {"Provenance",
     "{\"target\":[{\"reference\":\"Observation/p1\"},"
     "{\"reference\":\"Patient/p1\"}]}"},
    {"RequestGroup", "{\"action\":[{\"participant\":[{\"reference\":\"Patient/p1\"}]}]}"},
    {"ResearchSubject", "{\"individual\":{\"reference\":\"Patient/p1\"}}"},
    {"Schedule", "{\"actor\":[{\"reference\":\"Patient/p1\"}]}"},
    {"ServiceRequest", "{\"performer\":[{\"reference\":\"Patient/p1\"}]}"},
    {"SupplyRequest", "{\"deliverTo\":{\"reference\":\"Patient/p1\"}}"},
};

/* References to the patient that put nobody's data into the compartment. */
static const example outside[] = {
    {"Appointment", "{\"actor\":{\"reference\":\"Patient/p1\"}}"},
    {"Appointment", "{\"participant\":[{\"reference\":\"Patient/p1\"}]}"},
    {"AuditEvent", "{\"source\":{\"observer\":{\"reference\":\"Patient/p1\"}}}"},
    {"Claim", "{\"payee\":{\"reference\":\"Patient/p1\"}}"},
    {"Condition", "{\"recorder\":{\"reference\":\"Patient/p1\"}}"},
    {"Device", "{\"patient\":{\"reference\":\"Patient/p1\"}}"},
    {"DiagnosticReport", "{\"performer\":[{\"reference\":\"Patient/p1\"}]}"},
    {"Encounter", "{\"participant\":[{\"individual\":{\"reference\":\"Patient/p1\"}}]}"},
    {"Immunization", "{\"performer\":[{\"actor\":{\"reference\":\"Patient/p1\"}}]}"},
    {"Location", "{\"subject\":{\"reference\":\"Patient/p1\"}}"},
    {"Medication", "{\"subject\":{\"reference\":\"Patient/p1\"}}"},
    {"MedicationRequest", "{\"requester\":{\"reference\":\"Patient/p1\"}}"},
    {"Observation", "{\"focus\":[{\"reference\":\"Patient/p1\"}]}"},
    {"Observation", "{\"_subject\":{\"reference\":\"Patient/p1\"}}"},
    {"Observation", "{\"Subject\":{\"reference\":\"Patient/p1\"}}"},
    {"Organization", "{\"subject\":{\"reference\":\"Patient/p1\"}}"},
    {"Patient", "{\"generalPractitioner\":[{\"reference\":\"Patient/p1\"}]}"},
    {"Practitioner", "{\"patient\":{\"reference\":\"Patient/p1\"}}"},
    {"Provenance", "{\"agent\":[{\"who\":{\"reference\":\"Patient/p1\"}}]}"},
    /* Only the actions of the first level have a participant that counts. */
    {"RequestGroup",
     "{\"action\":[{\"action\":[{\"participant\":[{\"reference\":\"Patient/p1\"}]}]}]}"},
    {"Observation",
     "{\"subject\":{\"extension\":[{\"valueReference\":"
     "{\"reference\":\"Patient/p1\"}}]}}"},
    {"Observation", "{\"subject\":{\"subject\":{\"reference\":\"Patient/p1\"}}}"},
    {"Observation", "{\"extension\":[{\"subject\":{\"reference\":\"Patient/p1\"}}]}"},
    {"Observation", "{\"reference\":\"Patient/p1\"}"},
    {"Observation", "{\"subject\":{\"\":{\"reference\":\"Patient/p1\"}}}"},
    /* A member whose name happens to look like a path. */
    {"Appointment", "{\"participant.actor\":{\"reference\":\"Patient/p1\"}}"},
    {"Claim", "{\"\":{\"payee\":{\"party\":{\"reference\":\"Patient/p1\"}}}}"},
};

static void by_hand(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof in_compartment / sizeof in_compartment[0]; i++) {
    const example *one = &in_compartment[i];
    if (!has(one->resource_type, one->line)) fail_msg("%s %s", one->resource_type, one->line);
  }
  for (size_t i = 0; i < sizeof outside / sizeof outside[0]; i++) {
    const example *one = &outside[i];
    if (has(one->resource_type, one->line)) fail_msg("%s %s", one->resource_type, one->line);
  }
}

static void types_without_compartment(void **state) {
  static const char *const types[] = {"Device",       "Endpoint",         "Location", "Medication",
                                      "Organization", "Practitioner",     "Library",  "Binary",
                                      "Substance",    "PractitionerRole", "",         "patient"};
  (void)state;
  for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
    assert_false(fhx__compartment_knows(&fhx__compartment_r4, types[i]));
    assert_false(has(types[i], "{\"patient\":{\"reference\":\"Patient/p1\"}}"));
  }
}

/* FILTER-10: a Patient is in its own compartment. */
static void patient_itself(void **state) {
  const char *line = "{\"resourceType\":\"Patient\",\"id\":\"p1\"}";
  size_t len = strlen(line);
  (void)state;
  for (size_t v = 0; v < VERSION_COUNT; v++) {
    const fhx__compartment *compartment = versions[v].compartment;
    assert_true(fhx__compartment_has(compartment, "Patient", "p1", line, len, &p1));
    assert_false(fhx__compartment_has(compartment, "Patient", "p2", line, len, &p1));
    /* Another type with the patient's id is not the patient. */
    assert_false(fhx__compartment_has(compartment, "Observation", "p1", line, len, &p1));
  }
}

/* FILTER-17, FILTER-30: a Patient that links to the patient was not asked for. */
static void a_link_is_not_followed(void **state) {
  (void)state;
  for (size_t v = 0; v < VERSION_COUNT; v++) {
    assert_false(has_in(versions[v].compartment, "Patient",
                        "{\"link\":[{\"other\":" PATIENT ",\"type\":\"seealso\"}]}"));
    /* A Person is no Patient; its links count. */
    assert_true(has_in(versions[v].compartment, "Person", "{\"link\":[{\"target\":" PATIENT "}]}"));
  }
}

/* --- the walk --- */

static void any_order_and_spelling(void **state) {
  (void)state;
  assert_true(has("Observation",
                  "{\"a\":\"{\\\"subject\\\":[\",\"b\":[[{\"c\":\"]}\"}],1,null],"
                  "\"subject\":{\"display\":\"\\\\\",\"identifier\":{\"value\":\"v\"},"
                  "\"type\":\"Patient\",\"reference\":\"Patient/p1\"}}"));
  assert_true(has("Observation", "{\"s\\u0075bject\":{\"\\u0072eference\":\"Patient/p1\"}}"));
  assert_true(has("Observation", "{\"subject\":{\"reference\":\"Patient/p1\"},\"n\":-1.5e3}"));
  assert_false(has("Observation", "{\"s\\u0175bject\":{\"reference\":\"Patient/p1\"}}"));
  assert_false(has("Observation", "{\"subject\\u0000\":{\"reference\":\"Patient/p1\"}}"));
  assert_false(has("Observation", "{\"subjec\\u0074s\":{\"reference\":\"Patient/p1\"}}"));
  /* Lists in lists. */
  assert_true(has("Observation", "{\"subject\":[[],[[{\"reference\":\"Patient/p1\"}]]]}"));
  assert_true(
      has("Observation", "{\"subject\":[[[]]],\"performer\":[{\"reference\":\"Patient/p1\"}]}"));
}

/* What is no literal reference never counts and never ends the search. */
static void other_references(void **state) {
  static const char *const subjects[] = {
      "null",
      "\"Patient/p1\"",
      "[\"Patient/p1\",1,true]",
      "{}",
      "[]",
      "{\"display\":\"Patient/p1\"}",
      "{\"identifier\":{\"reference\":\"Patient/p1\"}}",
      "{\"reference\":null}",
      "{\"reference\":1}",
      "{\"reference\":[\"Patient/p1\"]}",
      "{\"reference\":{\"reference\":\"Patient/p1\"}}",
      "{\"_reference\":{\"id\":\"Patient/p1\"}}",
      "{\"reference\":\"#p1\"}",
  };
  char line[1024];
  (void)state;
  for (size_t i = 0; i < sizeof subjects / sizeof subjects[0]; i++) {
    snprintf(line, sizeof line, "{\"subject\":%s,\"performer\":[]}", subjects[i]);
    if (has("Observation", line)) fail_msg("%s", line);
    snprintf(line, sizeof line, "{\"subject\":%s,\"performer\":[{\"reference\":\"Patient/p1\"}]}",
             subjects[i]);
    if (!has("Observation", line)) fail_msg("%s", line);
  }
}

/* Depth costs nothing: a thousand levels on a path and beside it. */
static void deep(void **state) {
  char line[5000];
  size_t len = 0;
  (void)state;
  len += (size_t)snprintf(line, sizeof line, "{\"note\":");
  memset(line + len, '[', 1000);
  memset(line + len + 1000, ']', 1000);
  len += 2000;
  len += (size_t)snprintf(line + len, sizeof line - len, ",\"subject\":");
  memset(line + len, '[', 999);
  len += 999;
  len += (size_t)snprintf(line + len, sizeof line - len, "{\"reference\":\"Patient/p1\"}");
  memset(line + len, ']', 999);
  len += 999;
  line[len++] = '}';
  assert_true(fhx__compartment_has(&fhx__compartment_r4, "Observation", "x", line, len, &p1));
}

/* Text that the scanner would refuse may give any answer, but nothing outside it is read. */
static void cut_text(void **state) {
  const char *whole =
      "{\"a\":[1,{\"b\":\"\\u00e9\"}],\"subject\":[{\"\\u0072eference\":"
      "\"https:\\/\\/h\\/Patient\\/p2\"},{\"reference\":\"Patient/p1\"}]}";
  (void)state;
  for (size_t len = 0; len < strlen(whole); len++) {
    /* Its own block, so that a sanitizer sees a step beyond the end. */
    char *copy = malloc(len == 0 ? 1 : len);
    memcpy(copy, whole, len);
    fhx__compartment_has(&fhx__compartment_r4, "Observation", "x", copy, len, &p1);
    free(copy);
  }
  assert_true(has("Observation", whole));
  assert_false(has("Observation", "]]}}{\"subject\":{\"reference\":\"Patient/p1\"}}"));
  assert_false(has("Observation", "{\"subject\":[}]:,}\"x"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(tables_have_their_form),
      cmocka_unit_test(every_path),
      cmocka_unit_test(versions_differ),
      cmocka_unit_test(by_hand),
      cmocka_unit_test(types_without_compartment),
      cmocka_unit_test(patient_itself),
      cmocka_unit_test(a_link_is_not_followed),
      cmocka_unit_test(any_order_and_spelling),
      cmocka_unit_test(other_references),
      cmocka_unit_test(deep),
      cmocka_unit_test(cut_text),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
