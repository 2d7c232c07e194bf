/* The Patient compartment of FHIR R4 (FILTER-10, FILTER-14, FILTER-17, FILTER-30). */
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

static bool has(const char *resource_type, const char *line) {
  return fhx__compartment_has(resource_type, "x", line, strlen(line), is_p1, NULL);
}

/* --- the table --- */

static size_t path_count(const fhx__compartment_row *row) {
  size_t count = 0;
  while (count < FHX__COMPARTMENT_PATHS_MAX && row->paths[count] != NULL) count++;
  return count;
}

static void table_has_its_form(void **state) {
  (void)state;
  assert_int_equal(fhx__compartment_r4_count, 66);
  for (size_t i = 0; i < fhx__compartment_r4_count; i++) {
    const fhx__compartment_row *row = &fhx__compartment_r4[i];
    assert_true(fhx__is_type_name(row->resource_type, strlen(row->resource_type)));
    if (i > 0) assert_true(strcmp(row[-1].resource_type, row->resource_type) < 0);
    assert_true(path_count(row) > 0);
    for (size_t k = 0; k < path_count(row); k++) {
      size_t segments = 1;
      for (const char *at = row->paths[k]; *at != '\0'; at++) segments += *at == '.';
      assert_in_range(segments, 1, FHX__COMPARTMENT_SEGMENTS_MAX);
    }
    assert_true(fhx__compartment_knows(row->resource_type));
  }
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
static void write_resource(char line[1024], const fhx__compartment_row *row, const char *path,
                           bool lists, const char *reference) {
  size_t steps = 1;
  line[0] = '\0';
  append_text(line, "{\"resourceType\":\"");
  append_text(line, row->resource_type);
  append_text(line, "\",\"id\":\"x\"");
  for (const char *at = path;; steps++) {
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

/* Every path of every type takes a reference to the patient, with and without lists on the way,
   and no other. */
static void every_path(void **state) {
  char line[1024], inside[2048];
  (void)state;
  for (size_t i = 0; i < fhx__compartment_r4_count; i++) {
    const fhx__compartment_row *row = &fhx__compartment_r4[i];
    for (size_t k = 0; k < 2 * path_count(row); k++) {
      const char *path = row->paths[k / 2];
      bool lists = k % 2 == 1;
      write_resource(line, row, path, lists, "{\"reference\":\"Patient/p1\"}");
      if (!has(row->resource_type, line)) fail_msg("%s", line);
      assert_false(has("Medication", line));
      /* The same in a contained resource is not the resource's own. */
      snprintf(inside, sizeof inside, "{\"resourceType\":\"%s\",\"id\":\"x\",\"contained\":[%s]}",
               row->resource_type, line);
      if (has(row->resource_type, inside)) fail_msg("%s", inside);
      write_resource(line, row, path, lists, "{\"reference\":\"Patient/p2\"}");
      if (has(row->resource_type, line)) fail_msg("%s", line);
      write_resource(line, row, path, lists, "{\"reference\":\"Group/p1\"}");
      if (has(row->resource_type, line)) fail_msg("%s", line);
      write_resource(line, row, path, lists, "\"Patient/p1\"");
      if (has(row->resource_type, line)) fail_msg("%s", line);
    }
  }
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
    {"Patient", "{\"link\":[{\"other\":{\"reference\":\"Patient/p1\"},\"type\":\"seealso\"}]}"},
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
    assert_false(fhx__compartment_knows(types[i]));
    assert_false(has(types[i], "{\"patient\":{\"reference\":\"Patient/p1\"}}"));
  }
}

/* FILTER-10: a Patient is in its own compartment. */
static void patient_itself(void **state) {
  const char *line = "{\"resourceType\":\"Patient\",\"id\":\"p1\"}";
  (void)state;
  assert_true(fhx__compartment_has("Patient", "p1", line, strlen(line), is_p1, NULL));
  assert_false(fhx__compartment_has("Patient", "p2", line, strlen(line), is_p1, NULL));
  /* Another type with the patient's id is not the patient. */
  assert_false(fhx__compartment_has("Observation", "p1", line, strlen(line), is_p1, NULL));
}

/* --- the reference --- */

static bool refers(const char *reference) {
  char line[4096];
  snprintf(line, sizeof line, "{\"subject\":{\"reference\":\"%s\"}}", reference);
  return has("Observation", line);
}

static void references_that_count(void **state) {
  static const char *const references[] = {
      "Patient/p1",
      "Patient/p1/_history/1",
      "http://example.org/fhir/Patient/p1",
      "https://example.org/fhir/Patient/p1",
      "https://example.org/Patient/p1/_history/v-2.0",
      "http://localhost:8080/a/b/c/Patient/p1",
      "https://example.org/fhir//Patient/p1",
      "https://example.org/Patient/Patient/p1",
      "https://Patient/Patient/p1",
      /* Escapes count as what they spell. */
      "Patient\\/p1",
      "\\u0050atient\\u002fp\\u0031",
      "https:\\/\\/example.org\\/fhir\\/Patient\\/p1\\/_history\\/1",
  };
  (void)state;
  for (size_t i = 0; i < sizeof references / sizeof references[0]; i++) {
    if (!refers(references[i])) fail_msg("%s", references[i]);
  }
}

static void references_that_do_not(void **state) {
  static const char *const references[] = {
      "",
      "p1",
      "/",
      "Patient",
      "Patient/",
      "/Patient/p1",
      "Patient//p1",
      "Patient/p1/",
      "Patient/p11",
      "Patient/P1",
      "patient/p1",
      "Patients/p1",
      "xPatient/p1",
      "fhir/Patient/p1",
      "example.org/Patient/p1",
      "#p1",
      "#Patient/p1",
      "Patient/#p1",
      "Patient/p1#name",
      "Patient/p1?_format=json",
      "Patient?identifier=p1",
      "https://example.org/fhir?of=/Patient/p1",
      "https://example.org/fhir#/Patient/p1",
      "urn:uuid:p1",
      "urn:oid:1.2.3",
      "urn:Patient/p1",
      "ftp://example.org/Patient/p1",
      "file:///Patient/p1",
      "http:/Patient/p1",
      "http://Patient/p1",
      "http:///Patient/p1",
      "http:////Patient/p1",
      "https:///fhir/Patient/p1",
      "https://Patient/p1/_history/1",
      "Observation/p1",
      "Observation/Patient/p1",
      "Patient/p1/Observation/p1",
      "Patient/p1/_history",
      "Patient/p1/_history/",
      "Patient/p1/_history/a b",
      "Patient/p1/_history/1/2",
      "Patient/p1/_history/1/_history/2",
      "_history/p1",
      "Patient/_history/p1",
      " Patient/p1",
      "Patient/p1 ",
      "Patient/p1\\u0000",
      "Patient/\\u0170p1",
      "Patient/p\\u0131",
      "P\\u00e1tient/p1",
      "Patient\\\\/p1",
      "Patient/p1\\n",
      "Patient/p\xC4\xB1",
  };
  (void)state;
  for (size_t i = 0; i < sizeof references / sizeof references[0]; i++) {
    if (refers(references[i])) fail_msg("%s", references[i]);
  }
}

/* A base of any length, plain and written with escapes. */
static void long_bases(void **state) {
  static const char ending[] = "/Patient/p1/_history/1";
  char reference[3000];
  (void)state;
  for (size_t len = 9; len + sizeof ending <= sizeof reference; len += 7) {
    memset(reference, 'a', len);
    memcpy(reference, "https://", 8);
    memcpy(reference + len, ending, sizeof ending);
    assert_true(refers(reference));
    memcpy(reference + len, "\\/Patient\\/p1", sizeof "\\/Patient\\/p1");
    assert_true(refers(reference));
    reference[4] = 'x';
    assert_false(refers(reference));
    memcpy(reference, "https://", 8);
    reference[8] = '?';
    assert_false(refers(reference));
  }
}

static void longest_ids(void **state) {
  char reference[300], id[65];
  (void)state;
  memset(id, 'a', 64);
  id[64] = '\0';
  snprintf(reference, sizeof reference, "Patient/p1/_history/%s", id);
  assert_true(refers(reference));
  snprintf(reference, sizeof reference, "Patient/p1/_history/%sa", id);
  assert_false(refers(reference));
  snprintf(reference, sizeof reference, "Patient/%sa", id);
  assert_false(refers(reference));
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
  assert_true(fhx__compartment_has("Observation", "x", line, len, is_p1, NULL));
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
    fhx__compartment_has("Observation", "x", copy, len, is_p1, NULL);
    free(copy);
  }
  assert_true(has("Observation", whole));
  assert_false(has("Observation", "]]}}{\"subject\":{\"reference\":\"Patient/p1\"}}"));
  assert_false(has("Observation", "{\"subject\":[}]:,}\"x"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(table_has_its_form),
      cmocka_unit_test(every_path),
      cmocka_unit_test(by_hand),
      cmocka_unit_test(types_without_compartment),
      cmocka_unit_test(patient_itself),
      cmocka_unit_test(references_that_count),
      cmocka_unit_test(references_that_do_not),
      cmocka_unit_test(long_bases),
      cmocka_unit_test(longest_ids),
      cmocka_unit_test(any_order_and_spelling),
      cmocka_unit_test(other_references),
      cmocka_unit_test(deep),
      cmocka_unit_test(cut_text),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
