/* What a source may ask about a query. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

#include "source/source.h"

static fhx__instant instant(const char *text) {
  fhx__instant read = {0, 0};
  assert_true(fhx__instant_parse(text, strlen(text), &read));
  return read;
}

static fhx_query query_of(const fhx_filter *filter) {
  fhx_query query = {.resource_type = "Patient", .selection = {filter, NULL, NULL}};
  return query;
}

static bool is_patient(const fhx_query *query, const char *id) {
  uint32_t answer = 7;
  assert_int_equal(fhx_query_is_patient(query, id, &answer, NULL), FHX_OK);
  assert_in_range(answer, 0, 1);
  return answer == 1;
}

static void test_plain_members(void **state) {
  (void)state;
  fhx_filter filter = {.sealed = true};
  fhx_query query = query_of(&filter);
  size_t len = 99;
  assert_string_equal(fhx_query_resource_type(&query), "Patient");
  assert_null(fhx_query_shard(&query, &len));
  assert_int_equal(len, 0);
  len = 99;
  assert_null(fhx_query_token(&query, &len));
  assert_int_equal(len, 0);
  len = 99;
  assert_null(fhx_query_host_context(&query, &len));
  assert_int_equal(len, 0);
  assert_string_equal(fhx_query_tenant(&query), "");

  query.shard = "shard";
  query.shard_len = 5;
  query.token = "token!";
  query.token_len = 6;
  query.host_context = "context";
  query.host_context_len = 7;
  query.tenant = "north";
  query.as_of_us = 123;
  assert_string_equal(fhx_query_shard(&query, &len), "shard");
  assert_int_equal(len, 5);
  assert_string_equal(fhx_query_token(&query, &len), "token!");
  assert_int_equal(len, 6);
  assert_string_equal(fhx_query_host_context(&query, &len), "context");
  assert_int_equal(len, 7);
  assert_string_equal(fhx_query_token(&query, NULL), "token!");
  assert_string_equal(fhx_query_tenant(&query), "north");
  assert_int_equal(fhx_query_as_of_us(&query), 123);
}

static void test_no_window(void **state) {
  (void)state;
  fhx_filter filter = {.sealed = true};
  fhx_query query = query_of(&filter);
  assert_true(fhx_query_since_us(&query) == FHX_TIME_NONE);
  assert_true(fhx_query_until_us(&query) == FHX_TIME_NONE);
  assert_int_equal(fhx_query_window_exact(&query), 1);
}

/* FILTER-02, FILTER-07: floored and rounded up so that no wanted resource can be lost. */
static void test_window(void **state) {
  (void)state;
  static const struct {
    const char *since;
    const char *until;
    int64_t since_us;
    int64_t until_us;
    uint32_t exact;
  } cases[] = {
      {"1970-01-01T00:00:01Z", "1970-01-01T00:00:02Z", 1000000, 2000000, 1},
      {"1970-01-01T00:00:00.000001Z", "1970-01-01T00:00:00.000002Z", 1, 2, 1},
      {"1970-01-01T00:00:00.0000015Z", "1970-01-01T00:00:00.000002Z", 1, 2, 0},
      {"1970-01-01T00:00:00.000001Z", "1970-01-01T00:00:00.0000020000000001Z", 1, 3, 0},
      {"1970-01-01T00:00:00.0000010Z", "1970-01-01T00:00:00.0000029999999999999999999999999999Z", 1,
       3, 0},
      {"1969-12-31T23:59:59.9999995Z", "1969-12-31T23:59:59.9999995Z", -1, 0, 0},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    fhx_filter filter = {.sealed = true, .has_since = true, .has_until = true};
    filter.since = instant(cases[i].since);
    filter.until = instant(cases[i].until);
    fhx_query query = query_of(&filter);
    assert_int_equal(fhx_query_since_us(&query), cases[i].since_us);
    assert_int_equal(fhx_query_until_us(&query), cases[i].until_us);
    assert_int_equal(fhx_query_window_exact(&query), cases[i].exact);
  }
}

/* FILTER-05: a bound below would hide the older data of new members. */
static void test_window_with_new_members(void **state) {
  (void)state;
  fhx__roster *nobody = NULL;
  fhx_filter filter = {.sealed = true, .has_since = true, .has_until = true};
  filter.since = instant("1970-01-01T00:00:00.0000015Z");
  filter.until = instant("1970-01-01T00:00:02Z");
  fhx_query query = query_of(&filter);
  assert_int_equal(fhx__roster_new(0, &nobody, NULL), FHX_OK);
  assert_int_equal(fhx__roster_seal(nobody, NULL), FHX_OK);
  query.selection.new_members = nobody;
  assert_true(fhx_query_since_us(&query) == FHX_TIME_NONE);
  assert_int_equal(fhx_query_until_us(&query), 2000000);
  assert_int_equal(fhx_query_window_exact(&query), 1);
  fhx__roster_free(nobody);
}

static void test_scopes(void **state) {
  (void)state;
  char a[] = "a", group[] = "g";
  char *patients[] = {a};
  fhx_filter filter = {.sealed = true};
  fhx_query query = query_of(&filter);
  assert_int_equal(fhx_query_scope(NULL), FHX_SCOPE_ALL);
  assert_int_equal(fhx_query_scope(&query), FHX_SCOPE_ALL);
  filter.all_patients = true;
  assert_int_equal(fhx_query_scope(&query), FHX_SCOPE_PATIENTS);
  filter.patients = patients;
  filter.patient_count = 1;
  assert_int_equal(fhx_query_scope(&query), FHX_SCOPE_PATIENT_SET);
  filter.patient_count = 0;
  filter.group_id = group;
  assert_int_equal(fhx_query_scope(&query), FHX_SCOPE_PATIENT_SET);
}

static void test_patients(void **state) {
  (void)state;
  char a[] = "a", b[] = "b", d[] = "d";
  char *patients[] = {a, b, d};
  fhx_filter filter = {.patients = patients, .patient_count = 3, .sealed = true};
  fhx_query query = query_of(&filter);
  const char *ids[2] = {NULL, NULL};
  uint64_t count = 0;
  assert_int_equal(fhx_query_patient_count(&query), 3);
  assert_int_equal(fhx_query_patients(&query, 0, 2, ids, &count, NULL), FHX_OK);
  assert_int_equal(count, 2);
  assert_string_equal(ids[0], "a");
  assert_string_equal(ids[1], "b");
  assert_int_equal(fhx_query_patients(&query, 2, 2, ids, &count, NULL), FHX_OK);
  assert_int_equal(count, 1);
  assert_string_equal(ids[0], "d");
  assert_int_equal(fhx_query_patients(&query, 3, 2, ids, &count, NULL), FHX_OK);
  assert_int_equal(count, 0);
  assert_int_equal(fhx_query_patients(&query, UINT64_MAX, UINT64_MAX, ids, &count, NULL), FHX_OK);
  assert_int_equal(count, 0);
  assert_true(is_patient(&query, "b"));
  assert_false(is_patient(&query, "c"));
  assert_false(is_patient(&query, ""));
}

/* The number of ids in a set, each compared with what was put in. */
static uint64_t walk_set(const fhx_query *query) {
  const char *ids[100];
  char id[16];
  uint64_t first = 0, count = 1;
  while (count != 0) {
    assert_int_equal(fhx_query_patients(query, first, 100, ids, &count, NULL), FHX_OK);
    for (uint64_t i = 0; i < count; i++) {
      snprintf(id, sizeof id, "m%05d", (int)(first + i));
      assert_string_equal(ids[i], id);
    }
    first += count;
  }
  return first;
}

/* FILTER-41: a Group's members, part of them on disk, in sorted pages and one by one. */
static void test_members(void **state) {
  enum { COUNT = 3000 };
  (void)state;
  char id[16];
  char group[] = "g", other[] = "other";
  char *patients[] = {other};
  fhx_filter filter = {.patients = patients, .patient_count = 1, .sealed = true, .group_id = group};
  fhx__roster_page page = {{NULL, 0, 0}};
  fhx__roster *roster = NULL;
  fhx_query query = query_of(&filter);
  assert_int_equal(fhx__roster_new(5000, &roster, NULL), FHX_OK);
  for (int i = 0; i < COUNT; i++) {
    int len = snprintf(id, sizeof id, "m%05d", i);
    assert_int_equal(fhx__roster_add(roster, id, (size_t)len, NULL), FHX_OK);
  }
  assert_int_equal(fhx__roster_seal(roster, NULL), FHX_OK);
  query.selection.members = roster;
  query.page = &page;
  assert_int_equal(fhx_query_scope(&query), FHX_SCOPE_PATIENT_SET);
  assert_int_equal(fhx_query_patient_count(&query), COUNT);
  assert_int_equal(walk_set(&query), COUNT);
  assert_true(is_patient(&query, "m00000"));
  assert_true(is_patient(&query, "m02999"));
  assert_false(is_patient(&query, "m03000"));
  assert_false(is_patient(&query, "other"));
  fhx__roster_page_free(&page);
  fhx__roster_free(roster);
}

/* While the Group is being resolved. */
static void test_members_not_known(void **state) {
  (void)state;
  char group[] = "g";
  fhx_filter filter = {.sealed = true, .group_id = group};
  fhx_query query = query_of(&filter);
  const char *ids[1];
  uint64_t count = 9;
  uint32_t answer = 9;
  assert_int_equal(fhx_query_patient_count(&query), 0);
  assert_int_equal(fhx_query_patients(&query, 0, 1, ids, &count, NULL), FHX_ERR_MISUSE);
  assert_int_equal(count, 0);
  assert_int_equal(fhx_query_is_patient(&query, "a", &answer, NULL), FHX_ERR_MISUSE);
  assert_int_equal(answer, 0);
}

static void test_no_patients(void **state) {
  (void)state;
  fhx_filter filter = {.sealed = true};
  fhx_query query = query_of(&filter);
  uint64_t count = 9;
  assert_int_equal(fhx_query_patient_count(&query), 0);
  assert_int_equal(fhx_query_patients(&query, 0, 0, NULL, &count, NULL), FHX_OK);
  assert_int_equal(count, 0);
  assert_false(is_patient(&query, "a"));
}

static void test_patients_without_a_place(void **state) {
  (void)state;
  fhx_filter filter = {.sealed = true};
  fhx_query query = query_of(&filter);
  const char *id = NULL;
  uint64_t count = 0;
  fhx_error *error = NULL;
  assert_int_equal(fhx_query_patients(&query, 0, 1, NULL, &count, &error), FHX_ERR_ARGUMENT);
  assert_string_equal(fhx_error_message(error), "fhx_query_patients needs a query, ids and count");
  fhx_error_free(error);
  assert_int_equal(fhx_query_patients(&query, 0, 1, &id, NULL, NULL), FHX_ERR_ARGUMENT);
  assert_int_equal(fhx_query_patients(NULL, 0, 1, &id, &count, NULL), FHX_ERR_ARGUMENT);
  uint32_t answer = 0;
  error = NULL;
  assert_int_equal(fhx_query_is_patient(&query, "a", NULL, &error), FHX_ERR_ARGUMENT);
  assert_string_equal(fhx_error_message(error),
                      "fhx_query_is_patient needs a query, a patient_id and is_patient");
  fhx_error_free(error);
  assert_int_equal(fhx_query_is_patient(&query, NULL, &answer, NULL), FHX_ERR_ARGUMENT);
  assert_int_equal(fhx_query_is_patient(NULL, "a", &answer, NULL), FHX_ERR_ARGUMENT);
  assert_int_equal(fhx_query_patient_count(NULL), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_plain_members), cmocka_unit_test(test_no_window),
      cmocka_unit_test(test_window),        cmocka_unit_test(test_window_with_new_members),
      cmocka_unit_test(test_scopes),        cmocka_unit_test(test_patients),
      cmocka_unit_test(test_members),       cmocka_unit_test(test_members_not_known),
      cmocka_unit_test(test_no_patients),   cmocka_unit_test(test_patients_without_a_place),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
