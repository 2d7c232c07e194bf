/* Which references of a line mean resources of this server (FILTER-11). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

#include "select/references.h"

/* What was found, each with a space behind it. */
typedef struct found {
  char text[400];
  size_t stops_after;
  size_t count;
} found;

static bool add(void *context, const char *type, const char *id) {
  found *all = context;
  assert_true(strlen(all->text) + strlen(type) + strlen(id) + 3 < sizeof all->text);
  strcat(all->text, type);
  strcat(all->text, "/");
  strcat(all->text, id);
  strcat(all->text, " ");
  return ++all->count != all->stops_after;
}

/* The line in a block of its own length, so that a sanitizer sees whoever reads behind it. */
static bool walk(const char *line, const char *base_url, found *all) {
  size_t len = strlen(line);
  char *copy = malloc(len == 0 ? 1 : len);
  assert_non_null(copy);
  memcpy(copy, line, len);
  bool whole = fhx__references_walk(copy, len, base_url, add, all);
  free(copy);
  return whole;
}

static void expect_below(const char *base_url, const char *line, const char *wanted) {
  found all = {"", 0, 0};
  assert_true(walk(line, base_url, &all));
  assert_string_equal(all.text, wanted);
}

static void expect(const char *line, const char *wanted) {
  expect_below("", line, wanted);
}

static void every_depth_is_looked_at(void **state) {
  (void)state;
  expect(
      "{\"resourceType\":\"Encounter\",\"id\":\"e\",\"subject\":{\"reference\":\"Patient/p\"},"
      "\"participant\":[{\"individual\":{\"display\":\"x\",\"reference\":\"Practitioner/a\"}},"
      "{\"individual\":{\"reference\":\"Practitioner/b\",\"display\":\"y\"}}],"
      "\"contained\":[{\"resourceType\":\"Location\",\"managingOrganization\":"
      "{\"reference\":\"Organization/c\"}}],"
      "\"extension\":[{\"url\":\"u\",\"valueReference\":{\"reference\":\"Device/d\"}}]}",
      "Patient/p Practitioner/a Practitioner/b Organization/c Device/d ");
}

static void a_reference_comes_as_often_as_it_stands_there(void **state) {
  (void)state;
  expect("{\"a\":{\"reference\":\"Device/d\"},\"b\":{\"reference\":\"Device/d\"}}",
         "Device/d Device/d ");
}

/* R5's CodeableReference has a Reference of the name `reference`. */
static void a_reference_in_a_reference_counts(void **state) {
  (void)state;
  expect("{\"medication\":{\"reference\":{\"reference\":\"Medication/m\"}}}", "Medication/m ");
}

static void forms_of_a_reference(void **state) {
  (void)state;
  expect("{\"a\":{\"reference\":\"Device/d/_history/3\"}}", "Device/d ");
  expect("{\"a\":{\"reference\":\"https://x.example.org/fhir/Device/d\"}}", "Device/d ");
  expect("{\"a\":{\"reference\":\"Device\\/d\"}}", "Device/d ");
  expect("{\"a\":{\"reference\":\"\\u0044evice/d\"}}", "Device/d ");
}

static void what_means_no_resource_here(void **state) {
  static const char *const texts[] = {"",
                                      "#d",
                                      "urn:uuid:5b7c6c2e-0000-4000-8000-000000000000",
                                      "Practitioner?identifier=http://x|1",
                                      "Device?_id=d",
                                      "Device/",
                                      "/d",
                                      "d",
                                      "device/d",
                                      "Device/no id",
                                      "Device/d#part"};
  (void)state;
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    char line[200] = "{\"a\":{\"reference\":\"";
    strcat(line, texts[i]);
    strcat(line, "\"}}");
    expect(line, "");
  }
}

static void only_this_server_s(void **state) {
  static const char line[] =
      "{\"a\":{\"reference\":\"https://here.example.org/fhir/Device/a\"},"
      "\"b\":{\"reference\":\"https://there.example.org/fhir/Device/b\"},"
      "\"c\":{\"reference\":\"Device/c\"}}";
  (void)state;
  expect_below("https://here.example.org/fhir", line, "Device/a Device/c ");
  expect_below("https://here.example.org/fhir/", line, "Device/a Device/c ");
  expect_below("", line, "Device/a Device/b Device/c ");
  expect_below(NULL, line, "Device/a Device/b Device/c ");
}

/* The key's bytes inside of strings, and as the end of another key. */
static void what_only_looks_like_a_reference(void **state) {
  (void)state;
  expect("{\"text\":\"{\\\"reference\\\":\\\"Device/d\\\"}\"}", "");
  expect("{\"an \\\"reference\":\"Device/d\"}", "");
  expect("{\"preference\":\"Device/d\",\"references\":\"Device/d\"}", "");
  expect("{\"reference\":[\"Device/d\"]}", "");
  expect("{\"reference\":null,\"referenceOther\":\"Device/d\"}", "");
  expect("{\"a\":\"reference\",\"b\":\"Device/d\"}", "");
}

/* Text that is cut off anywhere is never read behind its end. */
static void cut_lines(void **state) {
  static const char line[] = "{\"a\":{\"reference\":\"Device\\u002fd\"},\"b\":1}";
  (void)state;
  for (size_t len = 0; len < sizeof line; len++) {
    found all = {"", 0, 0};
    char copy[sizeof line];
    memcpy(copy, line, len);
    copy[len] = '\0';
    assert_true(walk(copy, "", &all));
  }
}

static void the_callback_ends_the_walk(void **state) {
  found all = {"", 2, 0};
  (void)state;
  assert_false(
      walk("{\"a\":{\"reference\":\"A/1\"},\"b\":{\"reference\":\"B/2\"},"
           "\"c\":{\"reference\":\"C/3\"}}",
           "", &all));
  assert_string_equal(all.text, "A/1 B/2 ");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_depth_is_looked_at),
      cmocka_unit_test(a_reference_comes_as_often_as_it_stands_there),
      cmocka_unit_test(a_reference_in_a_reference_counts),
      cmocka_unit_test(forms_of_a_reference),
      cmocka_unit_test(what_means_no_resource_here),
      cmocka_unit_test(only_this_server_s),
      cmocka_unit_test(what_only_looks_like_a_reference),
      cmocka_unit_test(cut_lines),
      cmocka_unit_test(the_callback_ends_the_walk),
  };
  return cmocka_run_group_tests_name("references", tests, NULL, NULL);
}
