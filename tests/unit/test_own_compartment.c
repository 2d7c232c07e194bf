/* A compartment of the host's own making. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

#include "select/compartment_table.h"

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))
#define PATIENT "{\"reference\":\"Patient/p1\"}"

static bool is_p1(const void *context, const char *id, size_t len) {
  (void)context;
  return len == 2 && memcmp(id, "p1", 2) == 0;
}

static bool has(const fhx__compartment *compartment, const char *type, const char *line) {
  static const fhx__patient_test p1 = {is_p1, NULL, NULL};
  return fhx__compartment_has(compartment, type, "x", line, strlen(line), &p1);
}

static fhx__compartment *make(const char *const *paths, size_t count) {
  fhx__compartment *made = NULL;
  fhx_error *error = NULL;
  if (fhx__compartment_new(paths, count, &made, &error) != FHX_OK) {
    fail_msg("%s", fhx_error_message(error));
  }
  return made;
}

/* Only what the host has named counts, in any order, a path given twice once. */
static void replaces_the_tables(void **state) {
  static const char *const paths[] = {
      "Observation.subject", "CarePlan.activity.detail.performer",
      "Basic.code.subject",  "Observation.focus",
      "Observation.subject",
  };
  (void)state;
  fhx__compartment *own = make(paths, COUNT(paths));
  assert_int_equal(own->count, 4);
  assert_true(fhx__compartment_knows(own, "Observation"));
  assert_true(fhx__compartment_knows(own, "CarePlan"));
  assert_true(fhx__compartment_knows(own, "Basic"));
  assert_true(fhx__compartment_knows(own, "Patient"));
  assert_false(fhx__compartment_knows(own, "Condition"));
  assert_false(fhx__compartment_knows(own, "Observatio"));
  assert_false(fhx__compartment_knows(own, "Zzz"));
  assert_true(has(own, "Observation", "{\"subject\":" PATIENT "}"));
  assert_true(has(own, "Observation", "{\"focus\":[" PATIENT "]}"));
  assert_false(has(own, "Observation", "{\"performer\":[" PATIENT "]}"));
  assert_true(has(own, "CarePlan", "{\"activity\":[{\"detail\":{\"performer\":[" PATIENT "]}}]}"));
  assert_false(has(own, "CarePlan", "{\"subject\":" PATIENT "}"));
  assert_false(has(own, "Condition", "{\"subject\":" PATIENT "}"));
  assert_true(has(own, "Basic", "{\"code\":{\"subject\":" PATIENT "}}"));
  fhx__compartment_free(own);
}

static void without_paths_there_are_patients(void **state) {
  (void)state;
  fhx__compartment *own = make(NULL, 0);
  assert_true(fhx__compartment_knows(own, "Patient"));
  assert_false(fhx__compartment_knows(own, "Observation"));
  assert_false(has(own, "Observation", "{\"subject\":" PATIENT "}"));
  fhx__compartment_free(own);
  fhx__compartment_free(NULL);
}

/* A path may end where another goes on: at a Reference in one version, a CodeableReference in the
   next. */
static void a_path_within_a_path(void **state) {
  static const char *const paths[] = {"DeviceRequest.performer",
                                      "DeviceRequest.performer.reference"};
  (void)state;
  fhx__compartment *own = make(paths, COUNT(paths));
  assert_true(has(own, "DeviceRequest", "{\"performer\":" PATIENT "}"));
  assert_true(has(own, "DeviceRequest", "{\"performer\":{\"reference\":" PATIENT "}}"));
  assert_true(has(own, "DeviceRequest", "{\"performer\":[{\"reference\":[" PATIENT "]}]}"));
  assert_false(has(own, "DeviceRequest", "{\"performer\":{\"concept\":" PATIENT "}}"));
  fhx__compartment_free(own);
}

static void malformed(void **state) {
  static const char *const paths[] = {
      NULL,
      "",
      ".",
      "Observation",
      "Observation.",
      ".subject",
      "Observation..subject",
      "Observation.subject.",
      "observation.subject",
      "Observation2.subject",
      "Observation.Subject",
      "Observation.subject ",
      " Observation.subject",
      "Observation.sub ject",
      "Observation.sub-ject",
      "Observation.value[x]",
      "Observation.subject.where(resolve() is Patient)",
      "Observation.2",
      "Observation.a.b.c.d",
      "Observation/subject",
      "Observation.subject|Observation.focus",
      "Observation.\xC3\xA9",
  };
  (void)state;
  for (size_t i = 0; i < COUNT(paths); i++) {
    const char *three[] = {"Observation.subject", paths[i], "Observation.focus"};
    fhx__compartment *made = (fhx__compartment *)&made;
    fhx_error *error = NULL;
    assert_int_equal(fhx__compartment_new(three, 3, &made, &error), FHX_ERR_ARGUMENT);
    assert_null(made);
    assert_non_null(strstr(fhx_error_message(error), "number 2 "));
    fhx_error_free(error);
  }
}

static void longest_names(void **state) {
  char name[66], path[400];
  const char *text = path;
  fhx__compartment *made = NULL;
  (void)state;
  memset(name, 'a', 64);
  name[64] = '\0';
  snprintf(path, sizeof path, "A%.63s.%s.%s.%s", name, name, name, name);
  fhx__compartment_free(make(&text, 1));
  snprintf(path, sizeof path, "A%s.a", name);
  assert_int_equal(fhx__compartment_new(&text, 1, &made, NULL), FHX_ERR_ARGUMENT);
  snprintf(path, sizeof path, "A.a.%sa", name);
  assert_int_equal(fhx__compartment_new(&text, 1, &made, NULL), FHX_ERR_ARGUMENT);
}

/* Sixteen paths of a type are followed, also beside those of other types; one more is refused. */
static void as_many_as_can_be(void **state) {
  enum { MAX = FHX__COMPARTMENT_PATHS_MAX };
  char texts[2 * MAX + 1][32], line[100];
  const char *paths[2 * MAX + 1];
  fhx__compartment *made = NULL;
  fhx_error *error = NULL;
  (void)state;
  for (size_t i = 0; i <= 2 * MAX; i++) {
    snprintf(texts[i], sizeof texts[i], "%s.a%zu.b", i % 2 == 0 ? "Basic" : "List", i);
    paths[i] = texts[i];
  }
  fhx__compartment *own = make(paths, 2 * MAX);
  assert_int_equal(own->count, 2 * MAX);
  for (size_t i = 0; i < 2 * MAX; i++) {
    snprintf(line, sizeof line, "{\"a%zu\":{\"b\":" PATIENT "}}", i);
    assert_true(has(own, i % 2 == 0 ? "Basic" : "List", line));
    assert_false(has(own, i % 2 == 0 ? "List" : "Basic", line));
  }
  fhx__compartment_free(own);
  assert_int_equal(fhx__compartment_new(paths, 2 * MAX + 1, &made, &error), FHX_ERR_ARGUMENT);
  assert_non_null(strstr(fhx_error_message(error), "Basic"));
  fhx_error_free(error);
  paths[2 * MAX] = paths[0];
  fhx__compartment_free(make(paths, 2 * MAX + 1));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(replaces_the_tables),  cmocka_unit_test(without_paths_there_are_patients),
      cmocka_unit_test(a_path_within_a_path), cmocka_unit_test(malformed),
      cmocka_unit_test(longest_names),        cmocka_unit_test(as_many_as_can_be),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
