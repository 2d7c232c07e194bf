/*
 * The filter inside: window, patients, sealing, its place in a job's definition. What a Group adds
 * is in test_selection.c.
 *
 * ctest labels: onethread
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

#include "core/buffer.h"
#include "select/element_table.h"
#include "select/selection.h"
#include "support/memory.h"

#define OBSERVATION "\"resourceType\":\"Observation\",\"id\":\"x\""

static fhx_filter *new_filter(void) {
  fhx_filter *filter = NULL;
  assert_int_equal(fhx_filter_new(&filter, NULL), FHX_OK);
  return filter;
}

static fhx__instant instant(const char *text) {
  fhx__instant value = {0, 0};
  assert_true(fhx__instant_parse(text, strlen(text), &value));
  return value;
}

/* --- the window --- */

/* The facts of an Observation last updated then; NULL: without a time of change. */
static fhx__facts facts_of(const char *updated) {
  fhx__facts facts = {"Observation", "x", updated != NULL, {0, 0}};
  if (updated != NULL) facts.updated = instant(updated);
  return facts;
}

static bool takes_facts(const fhx_filter *filter, uint32_t applied, const fhx__facts *facts,
                        const int64_t *row_updated_us, const char *line) {
  const fhx__selection selection = {filter, NULL, NULL};
  bool answer = false;
  assert_int_equal(fhx__selection_takes(&selection, applied, facts, row_updated_us, line,
                                        strlen(line), &answer, NULL),
                   FHX_OK);
  return answer;
}

static bool takes(const fhx_filter *filter, uint32_t applied, const char *updated,
                  const int64_t *row_updated_us) {
  fhx__facts facts = facts_of(updated);
  return takes_facts(filter, applied, &facts, row_updated_us, "{" OBSERVATION "}");
}

/* FILTER-01, FILTER-02: exclusive, by all digits, compared as instants. */
static void since(void **state) {
  (void)state;
  fhx_filter *filter = new_filter();
  assert_int_equal(fhx_filter_set_since(filter, "2024-01-01T00:00:00.1234567Z", NULL), FHX_OK);
  assert_false(takes(filter, 0, "2023-12-31T23:59:59Z", NULL));
  assert_false(takes(filter, 0, "2024-01-01T00:00:00.1234567Z", NULL));
  assert_false(takes(filter, 0, "2024-01-01T01:00:00.12345670+01:00", NULL));
  assert_false(takes(filter, 0, "2024-01-01T00:00:00.1234566Z", NULL));
  assert_true(takes(filter, 0, "2024-01-01T00:00:00.1234568Z", NULL));
  assert_true(takes(filter, 0, "2024-01-01T00:00:00.12345670000000001Z", NULL));
  assert_true(takes(filter, 0, "2024-01-02T00:00:00Z", NULL));
  fhx_filter_free(filter);
}

/* FILTER-07. */
static void until(void **state) {
  (void)state;
  fhx_filter *filter = new_filter();
  assert_int_equal(fhx_filter_set_until(filter, "2024-01-01T00:00:00Z", NULL), FHX_OK);
  assert_true(takes(filter, 0, "2023-12-31T23:59:59.9999999999Z", NULL));
  assert_false(takes(filter, 0, "2024-01-01T00:00:00Z", NULL));
  assert_false(takes(filter, 0, "2024-01-01T00:00:00.0000000001Z", NULL));
  assert_int_equal(fhx_filter_set_since(filter, "2023-01-01T00:00:00Z", NULL), FHX_OK);
  assert_true(takes(filter, 0, "2023-06-01T00:00:00Z", NULL));
  assert_false(takes(filter, 0, "2022-06-01T00:00:00Z", NULL));
  assert_false(takes(filter, 0, "2024-06-01T00:00:00Z", NULL));
  fhx_filter_free(filter);
}

/* PARAM-07: a window without any room takes nothing and is no error. */
static void empty_window(void **state) {
  (void)state;
  fhx_filter *filter = new_filter();
  assert_int_equal(fhx_filter_set_since(filter, "2024-01-02T00:00:00Z", NULL), FHX_OK);
  assert_int_equal(fhx_filter_set_until(filter, "2024-01-01T00:00:00Z", NULL), FHX_OK);
  assert_false(takes(filter, 0, "2024-01-01T12:00:00Z", NULL));
  assert_false(takes(filter, 0, "2023-01-01T00:00:00Z", NULL));
  assert_false(takes(filter, 0, "2025-01-01T00:00:00Z", NULL));
  fhx_filter_free(filter);
}

/* FILTER-04. */
static void no_time_of_change(void **state) {
  (void)state;
  fhx_filter *filter = new_filter();
  assert_int_equal(fhx_filter_set_since(filter, "2024-01-01T00:00:00Z", NULL), FHX_OK);
  assert_int_equal(fhx_filter_set_until(filter, "2024-01-01T00:00:00Z", NULL), FHX_OK);
  assert_true(takes(filter, 0, NULL, NULL));
  fhx_filter_free(filter);
}

/* The source's stamp counts, not the text; finer digits of the text only within its microsecond. */
static void row_stamps(void **state) {
  const char *bound = "2024-01-01T00:00:00Z", *fine_bound = "2024-01-01T00:00:00.0000005Z";
  const char *old = "2000-01-01T00:00:00Z", *recent = "2030-01-01T00:00:00Z";
  int64_t at = instant(bound).us, before = at - 1, after = at + 1;
  (void)state;
  fhx_filter *filter = new_filter();
  assert_int_equal(fhx_filter_set_since(filter, bound, NULL), FHX_OK);
  assert_true(takes(filter, 0, old, &after));
  assert_false(takes(filter, 0, recent, &before));
  assert_false(takes(filter, 0, NULL, &before));
  assert_false(takes(filter, 0, NULL, &at));
  assert_false(takes(filter, 0, recent, &at));
  assert_false(takes(filter, 0, bound, &at));
  assert_true(takes(filter, 0, fine_bound, &at));
  assert_int_equal(fhx_filter_set_since(filter, fine_bound, NULL), FHX_OK);
  assert_false(takes(filter, 0, fine_bound, &at));
  assert_false(takes(filter, 0, bound, &at));
  assert_true(takes(filter, 0, "2024-01-01T00:00:00.0000006Z", &at));
  assert_true(takes(filter, 0, NULL, &at));
  assert_true(takes(filter, 0, old, &after));
  assert_false(takes(filter, 0, recent, &before));
  fhx_filter_free(filter);
  filter = new_filter();
  assert_int_equal(fhx_filter_set_until(filter, fine_bound, NULL), FHX_OK);
  assert_true(takes(filter, 0, recent, &before));
  assert_true(takes(filter, 0, bound, &at));
  assert_true(takes(filter, 0, NULL, &at));
  assert_false(takes(filter, 0, fine_bound, &at));
  assert_false(takes(filter, 0, old, &after));
  fhx_filter_free(filter);
}

static void applied(void **state) {
  (void)state;
  fhx_filter *filter = new_filter();
  assert_int_equal(fhx_filter_set_since(filter, "2024-01-01T00:00:00Z", NULL), FHX_OK);
  assert_int_equal(fhx_filter_set_until(filter, "2025-01-01T00:00:00Z", NULL), FHX_OK);
  assert_false(takes(filter, FHX_APPLIED_UNTIL, "2023-01-01T00:00:00Z", NULL));
  assert_true(takes(filter, FHX_APPLIED_SINCE, "2023-01-01T00:00:00Z", NULL));
  assert_false(takes(filter, FHX_APPLIED_SINCE, "2026-01-01T00:00:00Z", NULL));
  assert_true(takes(filter, FHX_APPLIED_UNTIL, "2026-01-01T00:00:00Z", NULL));
  assert_int_equal(fhx_filter_add_patient(filter, "p1", NULL), FHX_OK);
  assert_false(takes(filter, FHX_APPLIED_SINCE, "2024-06-01T00:00:00Z", NULL));
  assert_true(takes(filter, FHX_APPLIED_PATIENTS, "2024-06-01T00:00:00Z", NULL));
  assert_false(takes(filter, FHX_APPLIED_PATIENTS, "2026-01-01T00:00:00Z", NULL));
  assert_true(takes(filter, UINT32_MAX, "2026-01-01T00:00:00Z", NULL));
  fhx_filter_free(filter);
}

/* --- patients --- */

static bool takes_line(const fhx_filter *filter, const char *line) {
  fhx__facts facts = facts_of(NULL);
  return takes_facts(filter, 0, &facts, NULL, line);
}

/* FILTER-17, on a filter as filled in and on its sealed copy. */
static void patients(void **state) {
  static const char *const ids[] = {"b", "a", "c", "b", "Z", "a-1", "a.1", "aa", "b"};
  static const char *const sorted[] = {"Z", "a", "a-1", "a.1", "aa", "b", "c"};
  fhx_filter *filter = new_filter(), *copy = NULL;
  (void)state;
  for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
    assert_int_equal(fhx_filter_add_patient(filter, ids[i], NULL), FHX_OK);
  }
  assert_int_equal(fhx__filter_copy(filter, &copy, NULL), FHX_OK);
  assert_false(filter->sealed);
  assert_string_equal(filter->patients[0], "b");
  assert_true(copy->sealed);
  assert_int_equal(copy->patient_count, sizeof sorted / sizeof sorted[0]);
  for (size_t i = 0; i < copy->patient_count; i++) {
    assert_string_equal(copy->patients[i], sorted[i]);
  }
  const fhx_filter *both[] = {filter, copy};
  for (size_t i = 0; i < 2; i++) {
    for (size_t k = 0; k < sizeof sorted / sizeof sorted[0]; k++) {
      assert_true(fhx__filter_has_patient(both[i], sorted[k], strlen(sorted[k])));
    }
    assert_true(fhx__filter_has_patient(both[i], "aaa", 2)); /* only `len` bytes count */
    assert_false(fhx__filter_has_patient(both[i], "aaa", 3));
    assert_false(fhx__filter_has_patient(both[i], "a-", 2));
    assert_false(fhx__filter_has_patient(both[i], "", 0));
    assert_false(fhx__filter_has_patient(both[i], "A", 1));
    assert_false(fhx__filter_has_patient(both[i], "zz", 2));
    assert_true(takes_line(both[i], "{\"subject\":{\"reference\":\"Patient/aa\"}}"));
    assert_false(takes_line(both[i], "{\"subject\":{\"reference\":\"Patient/ab\"}}"));
    assert_false(takes_line(both[i], "{}"));
  }
  fhx_filter_free(copy);
  fhx_filter_free(filter);
}

/* FILTER-41: a cohort of any size. */
static void a_million_patients(void **state) {
  enum { COUNT = 1000000 };
  char id[FHX__ID_MAX + 1];
  fhx_filter *filter = new_filter(), *copy = NULL;
  (void)state;
  for (uint32_t i = 0; i < COUNT; i++) {
    /* An odd factor passes through the ids in an order that is not theirs. */
    snprintf(id, sizeof id, "patient-%08x", i * 2654435761u);
    assert_int_equal(fhx_filter_add_patient(filter, id, NULL), FHX_OK);
  }
  assert_int_equal(fhx__filter_copy(filter, &copy, NULL), FHX_OK);
  assert_int_equal(copy->patient_count, COUNT);
  for (uint32_t i = 0; i < COUNT; i += 7) {
    snprintf(id, sizeof id, "patient-%08x", i * 2654435761u);
    assert_true(fhx__filter_has_patient(copy, id, strlen(id)));
    id[0] = 'P';
    assert_false(fhx__filter_has_patient(copy, id, strlen(id)));
  }
  fhx_filter_free(copy);
  fhx_filter_free(filter);
}

/* --- the compartment --- */

#define CONSENT(element) "{\"" element "\":{\"reference\":\"Patient/p1\"}}"

static bool takes_consent(const fhx_filter *filter, const char *line) {
  fhx__facts facts = {"Consent", "x", false, {0, 0}};
  return takes_facts(filter, 0, &facts, NULL, line);
}

/* R4 unless set; the host's own paths replace the tables whatever the version. */
static void which_compartment(void **state) {
  (void)state;
  fhx_filter *filter = new_filter();
  assert_int_equal(fhx_filter_add_patient(filter, "p1", NULL), FHX_OK);
  assert_ptr_equal(fhx__filter_compartment(filter), fhx__compartment_builtin(FHX_FHIR_R4));
  assert_true(takes_consent(filter, CONSENT("patient")));
  assert_false(takes_consent(filter, CONSENT("subject")));
  assert_int_equal(fhx_filter_set_fhir_version(filter, FHX_FHIR_R4B, NULL), FHX_OK);
  assert_ptr_equal(fhx__filter_compartment(filter), fhx__compartment_builtin(FHX_FHIR_R4B));
  assert_int_equal(fhx_filter_set_fhir_version(filter, FHX_FHIR_R5, NULL), FHX_OK);
  assert_false(takes_consent(filter, CONSENT("patient")));
  assert_true(takes_consent(filter, CONSENT("subject")));
  assert_int_equal(fhx_filter_set_fhir_version(filter, 51, NULL), FHX_ERR_ARGUMENT);
  assert_int_equal(filter->fhir_version, FHX_FHIR_R5);
  assert_int_equal(fhx_filter_add_compartment_path(filter, "Consent.grantee", NULL), FHX_OK);
  assert_true(takes_consent(filter, CONSENT("grantee")));
  assert_false(takes_consent(filter, CONSENT("subject")));
  assert_false(takes_line(filter, "{\"subject\":{\"reference\":\"Patient/p1\"}}"));
  assert_int_equal(fhx_filter_set_fhir_version(filter, FHX_FHIR_R4, NULL), FHX_OK);
  assert_true(takes_consent(filter, CONSENT("grantee")));
  /* What is refused changes nothing. */
  assert_int_equal(fhx_filter_add_compartment_path(filter, "Consent", NULL), FHX_ERR_ARGUMENT);
  assert_int_equal(fhx_filter_add_compartment_path(filter, "Consent.grantee", NULL), FHX_OK);
  assert_int_equal(filter->path_count, 1);
  assert_true(takes_consent(filter, CONSENT("grantee")));
  fhx_filter_free(filter);
}

static void as_many_paths_as_can_be(void **state) {
  char path[32];
  (void)state;
  fhx_filter *filter = new_filter(), *copy = NULL;
  for (int i = 0; i < 1024; i++) {
    snprintf(path, sizeof path, "A%c%c.e%d", 'a' + i / 16 % 26, 'a' + i / 416, i % 16);
    assert_int_equal(fhx_filter_add_compartment_path(filter, path, NULL), FHX_OK);
  }
  assert_int_equal(filter->path_count, 1024);
  assert_int_equal(fhx_filter_add_compartment_path(filter, path, NULL), FHX_OK);
  assert_int_equal(fhx_filter_add_compartment_path(filter, "B.e", NULL), FHX_ERR_ARGUMENT);
  assert_int_equal(fhx__filter_copy(filter, &copy, NULL), FHX_OK);
  assert_int_equal(copy->path_count, 1024);
  fhx_filter_free(copy);
  fhx_filter_free(filter);
}

/* FILTER-34: with the server's base, a patient of another server who has the same id is not meant.
 */
static void own_base(void **state) {
  static const char ours[] = "{\"subject\":{\"reference\":\"https://h/fhir/Patient/p1\"}}";
  static const char theirs[] = "{\"subject\":{\"reference\":\"https://o/fhir/Patient/p1\"}}";
  (void)state;
  fhx_filter *filter = new_filter();
  assert_int_equal(fhx_filter_add_patient(filter, "p1", NULL), FHX_OK);
  assert_true(takes_line(filter, ours) && takes_line(filter, theirs));
  assert_int_equal(fhx_filter_set_base_url(filter, "https://h/fhir/", NULL), FHX_OK);
  assert_true(takes_line(filter, ours));
  assert_false(takes_line(filter, theirs));
  assert_true(takes_line(filter, "{\"subject\":{\"reference\":\"Patient/p1\"}}"));
  assert_int_equal(fhx_filter_set_base_url(filter, "ftp://h", NULL), FHX_ERR_ARGUMENT);
  assert_false(takes_line(filter, theirs));
  assert_int_equal(fhx_filter_set_base_url(filter, "", NULL), FHX_OK);
  assert_true(takes_line(filter, theirs));
  assert_int_equal(fhx_filter_set_base_url(filter, "https://o/fhir", NULL), FHX_OK);
  assert_false(takes_line(filter, ours));
  assert_int_equal(fhx_filter_set_base_url(filter, NULL, NULL), FHX_OK);
  assert_true(takes_line(filter, ours) && takes_line(filter, theirs));
  fhx_filter_free(filter);
}

/* --- copies --- */

static bool is_whole(const fhx_filter *filter, const char *type) {
  return filter->wish == NULL || fhx__elements_of(filter->wish, type) == NULL;
}

static void assert_same(const fhx_filter *a, const fhx_filter *b) {
  assert_int_equal(a->type_count, b->type_count);
  for (size_t i = 0; i < a->type_count; i++) assert_string_equal(a->types[i], b->types[i]);
  assert_int_equal(a->patient_count, b->patient_count);
  for (size_t i = 0; i < a->patient_count; i++) assert_string_equal(a->patients[i], b->patients[i]);
  assert_true(a->has_since == b->has_since && a->has_until == b->has_until);
  assert_int_equal(fhx__instant_compare(a->since, b->since), 0);
  assert_int_equal(fhx__instant_compare(a->until, b->until), 0);
  if (a->has_since) assert_string_equal(a->since_text, b->since_text);
  if (a->has_until) assert_string_equal(a->until_text, b->until_text);
  assert_true(a->all_patients == b->all_patients);
  assert_true((a->group_id != NULL) == (b->group_id != NULL));
  if (a->group_id != NULL) assert_string_equal(a->group_id, b->group_id);
  assert_int_equal(a->fhir_version, b->fhir_version);
  assert_int_equal(a->path_count, b->path_count);
  for (size_t i = 0; i < a->path_count; i++) assert_string_equal(a->paths[i], b->paths[i]);
  assert_true((a->own_compartment == NULL) == (b->own_compartment == NULL));
  assert_true((a->base_url == NULL) == (b->base_url == NULL));
  if (a->base_url != NULL) assert_string_equal(a->base_url, b->base_url);
  assert_int_equal(a->element_count, b->element_count);
  for (size_t i = 0; i < a->element_count; i++) {
    assert_string_equal(a->elements[i], b->elements[i]);
  }
  static const char *const types[] = {"Patient", "Observation", "Encounter", "Organization"};
  for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
    assert_true(is_whole(a, types[i]) == is_whole(b, types[i]));
  }
}

static fhx_filter *full_filter(void) {
  fhx_filter *filter = new_filter();
  assert_int_equal(fhx_filter_add_type(filter, "Patient", NULL), FHX_OK);
  assert_int_equal(fhx_filter_add_type(filter, "Observation", NULL), FHX_OK);
  assert_int_equal(fhx_filter_add_type(filter, "Patient", NULL), FHX_OK);
  assert_int_equal(fhx_filter_set_since(filter, "2020-01-01T00:00:00Z", NULL), FHX_OK);
  assert_int_equal(fhx_filter_set_since(filter, "2024-01-01T00:00:00.000000001+01:00", NULL),
                   FHX_OK);
  assert_int_equal(fhx_filter_set_until(filter, "2025-01-01T00:00:00Z", NULL), FHX_OK);
  assert_int_equal(fhx_filter_add_patient(filter, "p2", NULL), FHX_OK);
  assert_int_equal(fhx_filter_add_patient(filter, "p1", NULL), FHX_OK);
  assert_int_equal(fhx_filter_set_all_patients(filter, NULL), FHX_OK);
  assert_int_equal(fhx_filter_set_group(filter, "g1", NULL), FHX_OK);
  assert_int_equal(fhx_filter_set_group(filter, "g.2", NULL), FHX_OK);
  assert_int_equal(fhx_filter_set_fhir_version(filter, FHX_FHIR_R5, NULL), FHX_OK);
  assert_int_equal(fhx_filter_add_compartment_path(filter, "Consent.subject", NULL), FHX_OK);
  assert_int_equal(fhx_filter_add_compartment_path(filter, "Consent.grantee", NULL), FHX_OK);
  assert_int_equal(fhx_filter_set_base_url(filter, "https://h/fhir", NULL), FHX_OK);
  assert_int_equal(fhx_filter_add_element(filter, "Patient.birthDate", NULL), FHX_OK);
  assert_int_equal(fhx_filter_add_element(filter, "actualPeriod", NULL), FHX_OK);
  assert_int_equal(fhx_filter_add_element(filter, "Patient.birthDate", NULL), FHX_OK);
  return filter;
}

/* PARAM-12: a type named twice counts once, and the first time gives its place. */
static void copying(void **state) {
  (void)state;
  fhx_filter *filter = full_filter(), *copy = NULL, *again = NULL;
  assert_int_equal(filter->type_count, 2);
  assert_int_equal(fhx__filter_copy(filter, &copy, NULL), FHX_OK);
  fhx_filter_free(filter);
  assert_string_equal(copy->types[0], "Patient");
  assert_string_equal(copy->types[1], "Observation");
  assert_string_equal(copy->since_text, "2024-01-01T00:00:00.000000001+01:00");
  assert_string_equal(copy->patients[0], "p1");
  assert_int_equal(fhx__filter_copy(copy, &again, NULL), FHX_OK);
  assert_same(copy, again);
  fhx_filter_free(again);
  fhx_filter_free(copy);
}

static void copy_of_nothing(void **state) {
  fhx_filter *copy = NULL;
  (void)state;
  assert_int_equal(fhx__filter_copy(NULL, &copy, NULL), FHX_OK);
  assert_true(copy->sealed);
  assert_true(takes(copy, 0, NULL, NULL));
  assert_true(takes(copy, 0, "2024-01-01T00:00:00Z", NULL));
  fhx_filter_free(copy);
}

/* Each may bind all types, so there is an end. */
static void too_many_elements(void **state) {
  fhx_filter *filter = new_filter();
  size_t added = 0;
  int32_t status = FHX_OK;
  (void)state;
  for (size_t i = 0; i < fhx__element_count && status == FHX_OK; i++) {
    const fhx__element_row *row = &fhx__element_table[i];

    for (const char *at = row->elements; *at != '\0' && status == FHX_OK;
         at = strchr(at, ' ') + 1) {
      char text[200];
      snprintf(text, sizeof text, "%s.%.*s", row->resource_type, (int)strcspn(at, "!*/ "), at);
      status = fhx_filter_add_element(filter, text, NULL);
      if (status == FHX_OK) added = filter->element_count;
      /* Another version's. */
      if (status == FHX_ERR_UNSUPPORTED) status = FHX_OK;
    }
  }
  assert_int_equal(status, FHX_ERR_ARGUMENT);
  assert_int_equal(added, 1024);
  assert_int_equal(filter->element_count, 1024);
  fhx_filter_free(filter);
}

/* --- in a definition --- */

static fhx__buffer written(const fhx_filter *filter) {
  fhx__buffer text = {NULL, 0, 0};
  fhx__json_writer writer;
  fhx__json_begin(&writer, &text);
  fhx__json_open_object(&writer);
  fhx__json_member_integer(&writer, "before", 1);
  fhx__filter_write(filter, &writer);
  fhx__json_member_integer(&writer, "behind", 2);
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
  assert_int_equal(fhx_error_status(error), status);
  assert_true((*filter != NULL) == (status == FHX_OK));
  fhx_error_free(error);
  fhx__json_free(root);
  return status;
}

static void there_and_back(void **state) {
  (void)state;
  fhx_filter *filter = full_filter(), *copy = NULL, *read = NULL;
  assert_int_equal(fhx__filter_copy(filter, &copy, NULL), FHX_OK);
  fhx__buffer text = written(copy);
  assert_string_equal(text.data,
                      "{\"before\":1,\"types\":[\"Patient\",\"Observation\"],"
                      "\"since\":\"2024-01-01T00:00:00.000000001+01:00\","
                      "\"until\":\"2025-01-01T00:00:00Z\",\"patients\":[\"p1\",\"p2\"],"
                      "\"level\":\"patient\",\"group\":\"g.2\",\"fhirVersion\":50,"
                      "\"compartment\":[\"Consent.subject\",\"Consent.grantee\"],"
                      "\"baseUrl\":\"https://h/fhir\","
                      "\"elements\":[\"Patient.birthDate\",\"actualPeriod\"],\"behind\":2}");
  assert_false(is_whole(copy, "Patient"));
  assert_false(is_whole(copy, "Encounter"));
  assert_true(is_whole(copy, "Observation"));
  assert_int_equal(read_back(text.data, &read), FHX_OK);
  assert_true(read->sealed);
  assert_same(copy, read);
  assert_true(fhx__compartment_knows(fhx__filter_compartment(read), "Consent"));
  assert_false(fhx__compartment_knows(fhx__filter_compartment(read), "Observation"));
  fhx__buffer_free(&text);
  fhx_filter_free(read);
  fhx_filter_free(copy);
  fhx_filter_free(filter);
}

static void nothing_there_and_back(void **state) {
  (void)state;
  fhx_filter *filter = new_filter(), *read = NULL;
  fhx__buffer text = written(filter);
  assert_string_equal(text.data, "{\"before\":1,\"behind\":2}");
  assert_int_equal(read_back(text.data, &read), FHX_OK);
  assert_same(filter, read);
  fhx__buffer_free(&text);
  fhx_filter_free(read);
  fhx_filter_free(filter);
}

/* Patients that stand in another order, or twice, are sorted again when read. */
static void reading_seals(void **state) {
  fhx_filter *read = NULL;
  (void)state;
  assert_int_equal(read_back("{\"patients\":[\"b\",\"a\",\"b\"]}", &read), FHX_OK);
  assert_int_equal(read->patient_count, 2);
  assert_true(fhx__filter_has_patient(read, "a", 1));
  assert_true(fhx__filter_has_patient(read, "b", 1));
  fhx_filter_free(read);
}

/* A broken record is an error; above all it never becomes a filter that takes more. */
static void broken_definitions(void **state) {
  static const char *const texts[] = {
      "[]",
      "null",
      "{\"types\":\"Patient\"}",
      "{\"types\":[]}",
      "{\"types\":null}",
      "{\"types\":[1]}",
      "{\"types\":[\"patient\"]}",
      "{\"types\":[\"Patient\\u0000x\"]}",
      "{\"since\":1}",
      "{\"since\":null}",
      "{\"since\":\"2024\"}",
      "{\"until\":[]}",
      "{\"until\":\"\"}",
      "{\"patients\":{}}",
      "{\"patients\":[]}",
      "{\"patients\":[\"a\",null]}",
      "{\"patients\":[\"a b\"]}",
      "{\"patients\":[\"a\\u0000b\"]}",
      "{\"patients\":[[\"a\"]]}",
      "{\"level\":\"system\"}",
      "{\"level\":\"\"}",
      "{\"level\":null}",
      "{\"level\":[\"patient\"]}",
      "{\"level\":\"patient\\u0000\"}",
      "{\"group\":\"\"}",
      "{\"group\":null}",
      "{\"group\":\"Group/g\"}",
      "{\"group\":[\"g\"]}",
      "{\"group\":\"g\\u0000h\"}",
      "{\"fhirVersion\":41}",
      "{\"fhirVersion\":\"40\"}",
      "{\"fhirVersion\":null}",
      "{\"fhirVersion\":4294967336}",
      "{\"compartment\":[]}",
      "{\"compartment\":{}}",
      "{\"compartment\":[\"Consent\"]}",
      "{\"compartment\":[\"Consent.subject\",1]}",
      "{\"baseUrl\":\"\"}",
      "{\"baseUrl\":null}",
      "{\"baseUrl\":\"h\"}",
      "{\"elements\":[]}",
      "{\"elements\":null}",
      "{\"elements\":[1]}",
      "{\"elements\":[\"Patient\"]}",
      "{\"elements\":[\"birthDate\",\"foo\"]}",
      "{\"elements\":[\"id\\u0000x\"]}",
      "{\"fhirVersion\":50,\"elements\":[\"Encounter.period\"]}",
  };
  (void)state;
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
    fhx_filter *read = NULL;
    if (read_back(texts[i], &read) != FHX_ERR_STORE) fail_msg("%s", texts[i]);
  }
}

/* --- out of memory --- */

static void expect(int32_t status, bool all_well) {
  assert_true(status == FHX_OK || (status == FHX_ERR_NO_MEMORY && !all_well));
}

static void fill_copy_test(bool all_well) {
  static const char line[] = "{" OBSERVATION ",\"subject\":{\"reference\":\"Patient/p3\"}}";
  fhx_filter *filter = NULL, *copy = NULL;
  fhx_error *error = NULL;
  uint32_t matches = 7;
  int32_t status = fhx_filter_new(&filter, &error);
  expect(status, all_well);
  assert_int_equal(fhx_error_status(error), status);
  fhx_error_free(error);
  if (status != FHX_OK) return;
  expect(fhx_filter_add_type(filter, "Observation", NULL), all_well);
  expect(fhx_filter_set_since(filter, "2024-01-01T00:00:00Z", NULL), all_well);
  expect(fhx_filter_set_until(filter, "2025-01-01T00:00:00Z", NULL), all_well);
  expect(fhx_filter_add_compartment_path(filter, "Observation.subject", NULL), all_well);
  expect(fhx_filter_add_compartment_path(filter, "Observation.focus", NULL), all_well);
  expect(fhx_filter_add_compartment_path(filter, "Observation.subject", NULL), all_well);
  expect(fhx_filter_set_base_url(filter, "https://h", NULL), all_well);
  expect(fhx_filter_add_element(filter, "Observation.value", NULL), all_well);
  expect(fhx_filter_add_element(filter, "birthDate", NULL), all_well);
  assert_int_equal(filter->element_count, (is_whole(filter, "Observation") ? 0 : 1) +
                                              (is_whole(filter, "Patient") ? 0 : 1));
  expect(fhx_filter_set_fhir_version(filter, FHX_FHIR_R4B, NULL), all_well);
  assert_true(is_whole(filter, "Patient") || filter->element_count > 0);
  for (int i = 0; i < 20; i++) {
    char id[16];
    snprintf(id, sizeof id, "p%d", i / 2);
    expect(fhx_filter_add_patient(filter, id, NULL), all_well);
  }
  status = fhx_filter_test(filter, line, sizeof line - 1, &matches, NULL);
  expect(status, all_well);
  assert_int_equal(matches, status == FHX_OK ? 1 : 0);
  expect(fhx_filter_set_group(filter, "g", NULL), all_well);
  expect(fhx_filter_set_group(filter, "h", NULL), all_well);
  status = fhx__filter_copy(filter, &copy, NULL);
  expect(status, all_well);
  assert_true((copy != NULL) == (status == FHX_OK));
  if (copy != NULL && filter->group_id != NULL) {
    assert_string_equal(copy->group_id, filter->group_id);
  }
  fhx_filter_free(copy);
  fhx_filter_free(filter);
}

static void read_definition(bool all_well) {
  static const char text[] =
      "{\"types\":[\"Patient\"],\"since\":\"2024-01-01T00:00:00Z\",\"patients\":[\"b\",\"a\"],"
      "\"level\":\"patient\",\"group\":\"g\","
      "\"compartment\":[\"Basic.subject\",\"Basic.author\"],\"baseUrl\":\"https://h\","
      "\"elements\":[\"id\",\"Patient.name\"]}";
  fhx__json_node *root = NULL;
  fhx_filter *filter = NULL;
  fhx_error *error = NULL;
  int32_t status = fhx__json_parse(text, sizeof text - 1, &root, NULL);
  expect(status, all_well);
  if (status == FHX_OK) status = fhx__filter_read(root, &filter, &error);
  expect(status, all_well);
  assert_true((filter != NULL) == (status == FHX_OK));
  fhx_filter_free(filter);
  fhx_error_free(error);
  fhx__json_free(root);
}

static void fail_each(void (*scenario)(bool all_well)) {
  bool more = true;
  for (uint64_t fail_at = 0; more; fail_at++) {
    test_memory_begin(fail_at);
    scenario(fail_at == 0);
    more = test_memory_end() || fail_at == 0;
  }
}

static void out_of_memory(void **state) {
  (void)state;
  fail_each(fill_copy_test);
  fail_each(read_definition);
}

/* A bound that cannot be replaced stays as it was. */
static void bound_stays(void **state) {
  (void)state;
  for (uint64_t fail_at = 4; fail_at <= 5; fail_at++) {
    test_memory_begin(fail_at);
    fhx_filter *filter = new_filter();
    assert_int_equal(fhx_filter_set_since(filter, "2024-01-01T00:00:00Z", NULL), FHX_OK);
    assert_int_equal(fhx_filter_add_type(filter, "lower", NULL), FHX_ERR_ARGUMENT);
    assert_int_equal(fhx_filter_set_since(filter, "2023", NULL), FHX_ERR_ARGUMENT);
    assert_string_equal(filter->since_text, "2024-01-01T00:00:00Z");
    assert_int_equal(fhx_filter_set_until(filter, "2025-01-01T00:00:00Z", NULL), FHX_OK);
    int32_t status = fhx_filter_set_since(filter, "2022-01-01T00:00:00Z", NULL);
    assert_int_equal(status, fail_at == 4 ? FHX_ERR_NO_MEMORY : FHX_OK);
    assert_int_equal(filter->since.us,
                     instant(fail_at == 4 ? "2024-01-01T00:00:00Z" : "2022-01-01T00:00:00Z").us);
    fhx_filter_free(filter);
    assert_int_equal(test_memory_end(), fail_at == 4);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(since),
      cmocka_unit_test(until),
      cmocka_unit_test(empty_window),
      cmocka_unit_test(no_time_of_change),
      cmocka_unit_test(row_stamps),
      cmocka_unit_test(applied),
      cmocka_unit_test(patients),
      cmocka_unit_test(which_compartment),
      cmocka_unit_test(as_many_paths_as_can_be),
      cmocka_unit_test(own_base),
      cmocka_unit_test(a_million_patients),
      cmocka_unit_test(too_many_elements),
      cmocka_unit_test(copying),
      cmocka_unit_test(copy_of_nothing),
      cmocka_unit_test(there_and_back),
      cmocka_unit_test(nothing_there_and_back),
      cmocka_unit_test(reading_seals),
      cmocka_unit_test(broken_definitions),
      cmocka_unit_test(out_of_memory),
      cmocka_unit_test(bound_stays),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
