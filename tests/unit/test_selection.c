/* Which resources a job takes: levels, a Group's members, those who are new, what is applied. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>
#include <unistd.h>

#include "select/selection.h"

#define OLD "2023-06-01T00:00:00Z"
#define SINCE "2024-01-01T00:00:00Z"
#define WITHIN "2024-06-01T00:00:00Z"
#define UNTIL "2025-01-01T00:00:00Z"
#define TOO_NEW "2025-06-01T00:00:00Z"

static fhx_filter *new_filter(void) {
  fhx_filter *filter = NULL;
  assert_int_equal(fhx_filter_new(&filter, NULL), FHX_OK);
  return filter;
}

static fhx_filter *filter_of_group(void) {
  fhx_filter *filter = new_filter();
  assert_int_equal(fhx_filter_set_group(filter, "g", NULL), FHX_OK);
  return filter;
}

/* The ids, in order, with commas between; "" for none. */
static fhx__roster *roster_of(uint64_t memory_max, const char *ids) {
  fhx__roster *roster = NULL;
  assert_int_equal(fhx__roster_new(memory_max, &roster, NULL), FHX_OK);
  while (*ids != '\0') {
    size_t len = strcspn(ids, ",");
    assert_int_equal(fhx__roster_add(roster, ids, len, NULL), FHX_OK);
    ids += len + (ids[len] == ',' ? 1 : 0);
  }
  assert_int_equal(fhx__roster_seal(roster, NULL), FHX_OK);
  return roster;
}

/* A resource "x" of this type, changed then (NULL: it does not say), with this text. */
static int32_t ask(const fhx__selection *selection, uint32_t applied, const char *type,
                   const char *updated, const char *line, bool *takes, fhx_error **error) {
  fhx__facts facts = {"", "x", updated != NULL, {0, 0}};
  snprintf(facts.resource_type, sizeof facts.resource_type, "%s", type);
  if (updated != NULL) {
    assert_true(fhx__instant_parse(updated, strlen(updated), &facts.updated));
  }
  *takes = true;
  return fhx__selection_takes(selection, applied, &facts, NULL, line, strlen(line), takes, error);
}

static bool takes_type(const fhx__selection *selection, const char *type, const char *line) {
  bool takes = false;
  assert_int_equal(ask(selection, 0, type, NULL, line, &takes, NULL), FHX_OK);
  return takes;
}

#define OF(patient) "{\"subject\":{\"reference\":\"Patient/" patient "\"}}"

/* An Observation of this patient, last changed then. */
static bool takes(const fhx__selection *selection, uint32_t applied, const char *updated,
                  const char *line) {
  bool answer = false;
  assert_int_equal(ask(selection, applied, "Observation", updated, line, &answer, NULL), FHX_OK);
  return answer;
}

/* --- scopes --- */

static void scopes(void **state) {
  (void)state;
  fhx_filter *filter = new_filter();
  fhx__roster *nobody = roster_of(0, "");
  fhx__selection selection = {filter, NULL, NULL};
  assert_int_equal(fhx__selection_scope(&selection), FHX_SCOPE_ALL);
  assert_int_equal(fhx_filter_set_all_patients(filter, NULL), FHX_OK);
  assert_int_equal(fhx__selection_scope(&selection), FHX_SCOPE_PATIENTS);
  assert_int_equal(fhx_filter_add_patient(filter, "a", NULL), FHX_OK);
  assert_int_equal(fhx__selection_scope(&selection), FHX_SCOPE_PATIENT_SET);
  fhx_filter_free(filter);
  filter = new_filter();
  selection = (fhx__selection){filter, nobody, NULL};
  assert_int_equal(fhx__selection_scope(&selection), FHX_SCOPE_PATIENT_SET);
  selection.members = NULL;
  assert_int_equal(fhx_filter_set_group(filter, "g", NULL), FHX_OK);
  assert_int_equal(fhx__selection_scope(&selection), FHX_SCOPE_PATIENT_SET);
  fhx__roster_free(nobody);
  fhx_filter_free(filter);
}

static void everything(void **state) {
  (void)state;
  fhx_filter *filter = new_filter();
  const fhx__selection selection = {filter, NULL, NULL};
  bool has = true;
  assert_true(takes_type(&selection, "Organization", "{}"));
  assert_true(takes_type(&selection, "Observation", "{}"));
  assert_true(takes(&selection, 0, OLD, OF("a")));
  assert_int_equal(fhx__selection_has_patient(&selection, "a", 1, &has, NULL), FHX_OK);
  assert_false(has);
  fhx_filter_free(filter);
}

/* FILTER-10: the Patient compartments, the Patients among them, and nothing else. */
static void all_patients(void **state) {
  (void)state;
  fhx_filter *filter = new_filter();
  const fhx__selection selection = {filter, NULL, NULL};
  assert_int_equal(fhx_filter_set_all_patients(filter, NULL), FHX_OK);
  assert_true(takes_type(&selection, "Patient", "{}"));
  assert_true(takes_type(&selection, "Observation", OF("a")));
  assert_false(takes_type(&selection, "Observation", "{}"));
  assert_false(takes_type(&selection, "Observation", "{\"subject\":{\"reference\":\"Group/a\"}}"));
  assert_false(takes_type(&selection, "Organization", OF("a")));
  assert_false(takes_type(&selection, "Medication", OF("a")));
  /* FILTER-17: of the patients that are named. */
  assert_int_equal(fhx_filter_add_patient(filter, "b", NULL), FHX_OK);
  assert_false(takes_type(&selection, "Patient", "{}"));
  assert_false(takes_type(&selection, "Observation", OF("a")));
  assert_true(takes_type(&selection, "Observation", OF("b")));
  fhx_filter_free(filter);
}

/* --- a Group --- */

/* FILTER-30: exactly the members. The filter's own patients were applied when the set was made. */
static void members(void **state) {
  (void)state;
  fhx_filter *filter = filter_of_group();
  fhx__roster *roster = roster_of(0, "a,c,x");
  const fhx__selection selection = {filter, roster, NULL};
  bool has = false;
  assert_int_equal(fhx_filter_set_all_patients(filter, NULL), FHX_OK);
  assert_int_equal(fhx_filter_add_patient(filter, "b", NULL), FHX_OK);
  assert_true(takes_type(&selection, "Patient", "{}"));
  assert_true(takes_type(&selection, "Observation", OF("a")));
  assert_false(takes_type(&selection, "Observation", OF("b")));
  assert_true(takes_type(&selection, "Observation", OF("c")));
  assert_false(takes_type(&selection, "Observation", "{}"));
  assert_false(takes_type(&selection, "Organization", OF("a")));
  assert_int_equal(fhx__selection_has_patient(&selection, "c", 1, &has, NULL), FHX_OK);
  assert_true(has);
  assert_int_equal(fhx__selection_has_patient(&selection, "b", 1, &has, NULL), FHX_OK);
  assert_false(has);
  assert_int_equal(fhx__selection_patient_count(&selection), 3);
  fhx__roster_free(roster);
  fhx_filter_free(filter);
}

/* FILTER-39: nobody is not everybody. */
static void no_members(void **state) {
  (void)state;
  fhx_filter *filter = filter_of_group();
  fhx__roster *roster = roster_of(FHX__ROSTER_MEMORY_MAX, "");
  const fhx__selection selection = {filter, roster, NULL};
  bool has = true;
  assert_false(takes_type(&selection, "Patient", "{}"));
  assert_false(takes_type(&selection, "Observation", OF("a")));
  assert_false(takes_type(&selection, "Observation", "{}"));
  assert_false(takes_type(&selection, "Organization", "{}"));
  assert_int_equal(fhx__selection_has_patient(&selection, "a", 1, &has, NULL), FHX_OK);
  assert_false(has);
  assert_int_equal(fhx__selection_patient_count(&selection), 0);
  fhx__roster_free(roster);
  fhx_filter_free(filter);
}

/* FILTER-30: neither is a Group that nobody has resolved, whatever the source claims. */
static void unknown_members(void **state) {
  static const uint32_t applied[] = {0, FHX_APPLIED_PATIENTS, UINT32_MAX};
  (void)state;
  fhx_filter *filter = filter_of_group();
  assert_int_equal(fhx_filter_add_patient(filter, "a", NULL), FHX_OK);
  const fhx__selection selection = {filter, NULL, NULL};
  fhx__roster_page page = {{NULL, 0, 0}};
  const char *ids[1];
  uint64_t count = 9;
  bool answer = true;
  for (size_t i = 0; i < sizeof applied / sizeof applied[0]; i++) {
    fhx_error *error = NULL;
    assert_int_equal(ask(&selection, applied[i], "Observation", NULL, OF("a"), &answer, &error),
                     FHX_ERR_MISUSE);
    assert_string_equal(fhx_error_message(error), "the members of the Group are not known yet");
    assert_false(answer);
    fhx_error_free(error);
  }
  answer = true;
  assert_int_equal(fhx__selection_has_patient(&selection, "a", 1, &answer, NULL), FHX_ERR_MISUSE);
  assert_false(answer);
  assert_int_equal(fhx__selection_patients(&selection, 0, 1, &page, ids, &count, NULL),
                   FHX_ERR_MISUSE);
  assert_int_equal(count, 0);
  assert_int_equal(fhx__selection_patient_count(&selection), 0);
  fhx_filter_free(filter);
}

/* The ids of either kind of set, by position. */
static void by_position(void **state) {
  (void)state;
  fhx_filter *filter = new_filter();
  fhx__roster *roster = roster_of(0, "a,b,d");
  fhx__selection selection = {filter, NULL, NULL};
  fhx__roster_page page = {{NULL, 0, 0}};
  assert_int_equal(fhx_filter_add_patient(filter, "d", NULL), FHX_OK);
  assert_int_equal(fhx_filter_add_patient(filter, "b", NULL), FHX_OK);
  assert_int_equal(fhx_filter_add_patient(filter, "a", NULL), FHX_OK);
  fhx__filter_seal(filter);
  for (int round = 0; round < 2; round++) {
    const char *ids[4] = {NULL};
    uint64_t count = 9;
    assert_int_equal(fhx__selection_patient_count(&selection), 3);
    assert_int_equal(fhx__selection_patients(&selection, 1, 4, &page, ids, &count, NULL), FHX_OK);
    assert_int_equal(count, 2);
    assert_string_equal(ids[0], "b");
    assert_string_equal(ids[1], "d");
    assert_int_equal(fhx__selection_patients(&selection, 0, 1, &page, ids, &count, NULL), FHX_OK);
    assert_int_equal(count, 1);
    assert_string_equal(ids[0], "a");
    assert_int_equal(fhx__selection_patients(&selection, 3, 1, &page, ids, &count, NULL), FHX_OK);
    assert_int_equal(count, 0);
    selection.members = roster;
  }
  fhx__roster_page_free(&page);
  fhx__roster_free(roster);
  fhx_filter_free(filter);
}

/* --- the window --- */

static fhx_filter *windowed_group(void) {
  fhx_filter *filter = filter_of_group();
  assert_int_equal(fhx_filter_set_since(filter, SINCE, NULL), FHX_OK);
  assert_int_equal(fhx_filter_set_until(filter, UNTIL, NULL), FHX_OK);
  return filter;
}

/* FILTER-05: of a new member, also what is older; of nobody, what is newer than the window. */
static void new_members(void **state) {
  (void)state;
  fhx_filter *filter = windowed_group();
  fhx__roster *roster = roster_of(0, "a,b,n");
  /* One who is no member any more, or does not exist, is not made one by being new. */
  fhx__roster *joined = roster_of(0, "gone,n");
  fhx__selection selection = {filter, roster, NULL};
  assert_true(fhx__selection_has_since(&selection));
  assert_false(takes(&selection, 0, OLD, OF("n")));
  assert_false(takes(&selection, 0, SINCE, OF("n")));
  selection.new_members = joined;
  assert_false(fhx__selection_has_since(&selection));
  assert_true(takes(&selection, 0, OLD, OF("n")));
  assert_true(takes(&selection, 0, SINCE, OF("n")));
  assert_true(takes(&selection, 0, WITHIN, OF("n")));
  assert_false(takes(&selection, 0, TOO_NEW, OF("n")));
  assert_false(takes(&selection, 0, UNTIL, OF("n")));
  assert_false(takes(&selection, 0, OLD, OF("a")));
  assert_true(takes(&selection, 0, WITHIN, OF("a")));
  assert_false(takes(&selection, 0, OLD, OF("gone")));
  assert_false(takes(&selection, 0, WITHIN, OF("gone")));
  assert_false(takes(&selection, 0, OLD, OF("z")));
  /* FILTER-04. */
  assert_true(takes(&selection, 0, NULL, OF("a")));
  /* In two compartments: one of them is enough. */
  assert_true(takes(&selection, 0, OLD,
                    "{\"subject\":{\"reference\":\"Patient/a\"},"
                    "\"performer\":[{\"reference\":\"Patient/n\"}]}"));
  fhx__roster_free(joined);
  fhx__roster_free(roster);
  fhx_filter_free(filter);
}

/* What the source has applied is not looked at again, and nothing else is left out. */
static void applied_bits(void **state) {
  (void)state;
  fhx_filter *filter = windowed_group();
  fhx__roster *roster = roster_of(0, "a,n");
  fhx__roster *joined = roster_of(0, "n");
  fhx__selection selection = {filter, roster, NULL};
  assert_true(takes(&selection, FHX_APPLIED_PATIENTS, WITHIN, OF("z")));
  assert_false(takes(&selection, FHX_APPLIED_PATIENTS, OLD, OF("a")));
  assert_true(takes(&selection, FHX_APPLIED_SINCE, OLD, OF("a")));
  assert_false(takes(&selection, FHX_APPLIED_SINCE, TOO_NEW, OF("a")));
  assert_false(takes(&selection, FHX_APPLIED_SINCE, OLD, OF("z")));
  assert_true(takes(&selection, FHX_APPLIED_UNTIL, TOO_NEW, OF("a")));
  assert_true(takes(&selection, UINT32_MAX, OLD, OF("z")));
  /* With new members a source was never told of the bound, so it has not applied it. */
  selection.new_members = joined;
  assert_false(takes(&selection, FHX_APPLIED_SINCE, OLD, OF("a")));
  assert_true(takes(&selection, FHX_APPLIED_SINCE, OLD, OF("n")));
  assert_false(takes(&selection, FHX_APPLIED_SINCE | FHX_APPLIED_PATIENTS, OLD, OF("a")));
  assert_true(takes(&selection, FHX_APPLIED_SINCE | FHX_APPLIED_PATIENTS, OLD, OF("n")));
  assert_true(takes(&selection, FHX_APPLIED_PATIENTS, WITHIN, OF("z")));
  fhx__roster_free(joined);
  fhx__roster_free(roster);
  fhx_filter_free(filter);
}

/* FILTER-11: referred-to resources are in no compartment; the window is all that counts. */
static void window_alone(void **state) {
  static const struct {
    const char *updated;
    bool within;
  } cases[] = {{OLD, false},   {SINCE, false},   {WITHIN, true},
               {UNTIL, false}, {TOO_NEW, false}, {NULL, true}};
  (void)state;
  fhx_filter *filter = windowed_group();
  fhx__roster *roster = roster_of(0, "n");
  const fhx__selection selection = {filter, roster, roster};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    const char *updated = cases[i].updated;
    fhx__facts facts = {"Practitioner", "x", updated != NULL, {0, 0}};
    if (updated != NULL) {
      assert_true(fhx__instant_parse(updated, strlen(updated), &facts.updated));
    }
    assert_true(fhx__selection_in_window(&selection, &facts, NULL) == cases[i].within);
    const int64_t stamp = facts.updated.us;
    if (updated != NULL) {
      facts.has_updated = false;
      assert_true(fhx__selection_in_window(&selection, &facts, &stamp) == cases[i].within);
    }
  }
  fhx__roster_free(roster);
  fhx_filter_free(filter);
}

/* Whoever does not hand the text over has been told that it does not matter. */
static void reading_the_line(void **state) {
  (void)state;
  fhx_filter *filter = new_filter();
  fhx__roster *roster = roster_of(0, "a");
  fhx__selection selection = {filter, NULL, NULL};
  assert_int_equal(fhx_filter_set_until(filter, UNTIL, NULL), FHX_OK);
  assert_false(fhx__selection_reads_line(&selection, "Observation", 0));
  assert_int_equal(fhx_filter_set_all_patients(filter, NULL), FHX_OK);
  assert_true(fhx__selection_reads_line(&selection, "Observation", 0));
  assert_true(fhx__selection_reads_line(&selection, "Observation", ~FHX_APPLIED_PATIENTS));
  assert_false(fhx__selection_reads_line(&selection, "Observation", FHX_APPLIED_PATIENTS));
  selection.members = roster;
  selection.new_members = roster;
  assert_false(fhx__selection_reads_line(&selection, "Observation", FHX_APPLIED_PATIENTS));
  assert_int_equal(fhx_filter_set_since(filter, SINCE, NULL), FHX_OK);
  assert_true(fhx__selection_reads_line(&selection, "Observation", UINT32_MAX));
  fhx__roster_free(roster);
  fhx_filter_free(filter);
}

/* --- a set that cannot be read --- */

/* The set lies in a file that is gone: then it is not known whose a resource is. */
static void disk_error(void **state) {
  (void)state;
  int file = dup(0);
  assert_true(file >= 0);
  close(file);
  fhx_filter *filter = windowed_group();
  fhx__roster *roster = roster_of(0, "a,n");
  fhx__roster *good = roster_of(FHX__ROSTER_MEMORY_MAX, "a,n");
  int kept = dup(file);
  assert_true(kept >= 0);
  close(file);
  const fhx__selection selections[] = {{filter, roster, NULL}, {filter, good, roster}};
  static const char *const lines[] = {OF("a"), OF("z")};
  for (size_t i = 0; i < 4; i++) {
    const char *updated = i < 2 ? WITHIN : OLD;
    fhx_error *error = NULL;
    bool answer = true;
    int32_t status =
        ask(&selections[i / 2], 0, "Observation", updated, lines[i % 2], &answer, &error);
    assert_int_equal(status, FHX_ERR_IO);
    assert_int_equal(fhx_error_status(error), FHX_ERR_IO);
    assert_false(answer);
    fhx_error_free(error);
  }
  bool has = true;
  assert_int_equal(fhx__selection_has_patient(&selections[0], "a", 1, &has, NULL), FHX_ERR_IO);
  assert_false(has);
  /* It is not asked for where it does not matter. */
  assert_false(takes(&selections[0], 0, OLD, OF("a")));
  assert_false(takes(&selections[0], 0, WITHIN, "{}"));
  assert_true(takes(&selections[0], FHX_APPLIED_PATIENTS, WITHIN, OF("a")));
  assert_true(takes(&selections[1], 0, WITHIN, OF("a")));
  assert_int_equal(dup2(kept, file), file);
  close(kept);
  assert_true(takes(&selections[0], 0, WITHIN, OF("a")));
  fhx__roster_free(good);
  fhx__roster_free(roster);
  fhx_filter_free(filter);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(scopes),           cmocka_unit_test(everything),
      cmocka_unit_test(all_patients),     cmocka_unit_test(members),
      cmocka_unit_test(no_members),       cmocka_unit_test(unknown_members),
      cmocka_unit_test(by_position),      cmocka_unit_test(new_members),
      cmocka_unit_test(applied_bits),     cmocka_unit_test(window_alone),
      cmocka_unit_test(reading_the_line), cmocka_unit_test(disk_error),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
