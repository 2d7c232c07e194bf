/* The PostgreSQL source over a patient set: pages, what belongs to several patients, shards, and
   tokens. */
#include "support/memory.h"
#include "support/require.h"
#include "unit/postgres_table.h"
#include "unit/source_walk.h"

#include <stdio.h>

/* Patients p00000 to p01999; each has two Observations. Every Group has three patients far from
   each other, all2000 all of them; "odd" belongs to twenty patients outside the set of even ones,
   and to one in it. */
static const char clinic[] = TABLE
    "CREATE TABLE patient(type text, id text COLLATE \"C\", patient text COLLATE \"C\");"
    "CREATE INDEX ON patient(patient, type, id); CREATE INDEX ON patient(type, id, patient);"
    "CREATE FUNCTION p(i int) RETURNS text LANGUAGE sql IMMUTABLE AS"
    " $$ SELECT 'p' || lpad(i::text, 5, '0') $$;"
    "INSERT INTO resource SELECT 'Patient', p(i), 1, '\"' || p(i) || '\"'"
    " FROM generate_series(0, 1999) AS i;"
    "INSERT INTO resource SELECT 'Observation', 'o' || md5(i::text) || n, i, '\"' || p(i) || '\"'"
    " FROM generate_series(0, 1999) AS i, generate_series(1, 2) AS n;"
    "INSERT INTO patient SELECT 'Observation', 'o' || md5(i::text) || n, p(i)"
    " FROM generate_series(0, 1999) AS i, generate_series(1, 2) AS n;"
    "INSERT INTO resource SELECT 'Group', 'g' || i, 1, '\"g' || i || '\"'"
    " FROM generate_series(0, 499) AS i;"
    "INSERT INTO patient SELECT 'Group', 'g' || i, p(i + n * 600)"
    " FROM generate_series(0, 499) AS i, generate_series(0, 2) AS n;"
    "INSERT INTO resource VALUES('Group', 'all2000', 1, '\"all\"'), ('Group', 'odd', 1, '\"odd\"');"
    "INSERT INTO patient SELECT 'Group', 'all2000', p(i) FROM generate_series(0, 1999) AS i;"
    "INSERT INTO patient SELECT 'Group', 'odd', p(2 * i + 1) FROM generate_series(0, 39) AS i;"
    "INSERT INTO patient VALUES('Group', 'odd', 'p01998'), ('Group', 'gone', 'p00000')";

static fhx_source *open_clinic(void) {
  fhx_postgres_source_options options = pg_options();
  options.patient_table = "patient";
  return pg_open_with(&options);
}

static fhx__roster *even_patients(int count) {
  fhx__roster *roster = NULL;
  assert_int_equal(fhx__roster_new(5000, &roster, NULL), FHX_OK);
  for (int i = 0; i < count; i++) {
    char id[16];
    const int len = snprintf(id, sizeof id, "p%05d", 2 * i);
    assert_int_equal(fhx__roster_add(roster, id, (size_t)len, NULL), FHX_OK);
  }
  assert_int_equal(fhx__roster_seal(roster, NULL), FHX_OK);
  return roster;
}

static int compare(const void *a, const void *b) {
  return strcmp(*(char *const *)a, *(char *const *)b);
}

/* No row twice. */
static void check_distinct(walk *seen) {
  qsort(seen->rows, seen->row_count, sizeof *seen->rows, compare);
  for (size_t i = 1; i < seen->row_count; i++) {
    assert_string_not_equal(seen->rows[i - 1], seen->rows[i]);
  }
}

/* Every type whole, with every token, and by shards. */
static void each_resource_comes_once(void **state) {
  (void)state;
  static walk seen, all;
  static const struct {
    const char *type;
    size_t count;
  } cases[] = {{"Patient", 1000}, {"Observation", 2000}, {"Group", 252}, {"Basic", 0}};
  pg_make(clinic);
  fhx_source *source = open_clinic();
  fhx__roster *roster = even_patients(1000);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    fhx__roster_page page = {{NULL, 0, 0}};
    fhx_query query = table_patients;
    query.resource_type = cases[i].type;
    query.selection.members = roster;
    query.page = &page;
    assert_int_equal(walk_run(&seen, source, &query, i == 1 ? 500 : 40, NULL), FHX_OK);
    assert_int_equal(seen.applied, FHX_APPLIED_TYPE);
    assert_int_equal(seen.row_count, cases[i].count);
    if (i == 2) walk_check_tokens(&seen, source, query);
    const size_t shards = walk_shards(&all, source, source, query, 4);
    assert_int_equal(shards, 2);
    assert_int_equal(all.row_count, seen.row_count);
    if (i != 1) {
      check_distinct(&all);
      check_distinct(&seen);
      walk_check_same(&all, &seen);
    }
    walk_clear(&all);
    walk_clear(&seen);
    fhx__roster_page_free(&page);
  }
  fhx__roster_free(roster);
  fhx_source_free(source);
}

static void estimates_are_scaled(void **state) {
  (void)state;
  fhx__roster_page page = {{NULL, 0, 0}};
  uint64_t count = 0, bytes = 0;
  pg_make(clinic);
  fhx_source *source = open_clinic();
  fhx__roster *roster = even_patients(1000);
  fhx_query query = table_patients;
  query.resource_type = "Observation";
  query.selection.members = roster;
  query.page = &page;
  assert_int_equal(fhx__source_estimate(source, &query, &count, &bytes, NULL), FHX_OK);
  assert_in_range(count, 1990, 2010);
  assert_in_range(bytes, 10000, 30000);
  fhx__roster_page_free(&page);
  fhx__roster_free(roster);
  fhx_source_free(source);
}

/* Only of patients; the rows of another page, or none of this source's. */
static void made_up_tokens_are_refused(void **state) {
  (void)state;
  static const char *const tokens[] = {
      "p00001",    "m1/x", "m512/", "m/x", "m1024/x", "m512", "m99999999999999999999/x",
      "m512/\xFF", "m0/x"};
  static const char *const shards[] = {"", "@", "@1", "@1-x", "@-", "a/b", "@1-2x"};
  fhx__roster_page page = {{NULL, 0, 0}};
  pg_make(clinic);
  fhx_source *source = open_clinic();
  fhx__roster *roster = even_patients(1000);
  fhx_query query = table_patients;
  query.selection.members = roster;
  query.page = &page;
  for (size_t i = 0; i < sizeof tokens / sizeof *tokens + sizeof shards / sizeof *shards; i++) {
    fhx__cursor cursor;
    fhx_error *error = NULL;
    const size_t token_count = sizeof tokens / sizeof *tokens;
    query.shard = i < token_count ? "@512-1024" : shards[i - token_count];
    query.shard_len = strlen(query.shard);
    query.token = i < token_count ? tokens[i] : NULL;
    query.token_len = i < token_count ? strlen(tokens[i]) : 0;
    assert_int_equal(fhx__source_open(source, &query, &cursor, &error), FHX_ERR_SOURCE);
    assert_non_null(strstr(fhx_error_message(error), "not one of a PostgreSQL table's patients"));
    fhx_error_free(error);
  }
  fhx__roster_page_free(&page);
  fhx__roster_free(roster);
  fhx_source_free(source);
}

/* Two pages, with a resource that has to be looked at more closely. */
static int32_t use_source(void) {
  static walk seen;
  fhx_postgres_source_options options = pg_options();
  fhx_source *source = NULL;
  fhx__roster *roster = NULL;
  fhx__roster_page page = {{NULL, 0, 0}};
  fhx_query query = table_patients;
  options.patient_table = "patient";
  int32_t status = fhx_postgres_source_new(&options, &source, NULL);
  if (status != FHX_OK) return status;
  status = fhx__roster_new(5000, &roster, NULL);
  for (int i = 0; status == FHX_OK && i < 1000; i++) {
    char id[16];
    const int len = snprintf(id, sizeof id, "p%05d", 2 * i);
    status = fhx__roster_add(roster, id, (size_t)len, NULL);
  }
  if (status == FHX_OK) status = fhx__roster_seal(roster, NULL);
  query.resource_type = "Group";
  query.selection.members = roster;
  query.page = &page;
  if (status == FHX_OK) status = walk_run(&seen, source, &query, 100000, NULL);
  assert_true(status != FHX_OK || seen.row_count == 252);
  walk_clear(&seen);
  fhx__roster_page_free(&page);
  fhx__roster_free(roster);
  fhx_source_free(source);
  return status;
}

static void every_allocation_may_fail(void **state) {
  (void)state;
  pg_make(clinic);
  for (uint64_t fail_at = 1;; fail_at++) {
    test_memory_begin(fail_at);
    const int32_t status = use_source();
    if (!test_memory_end()) {
      assert_int_equal(status, FHX_OK);
      assert_true(fail_at > 20);
      break;
    }
    assert_int_equal(status, FHX_ERR_NO_MEMORY);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      TABLE_TEST(each_resource_comes_once),
      TABLE_TEST(estimates_are_scaled),
      TABLE_TEST(made_up_tokens_are_refused),
      TABLE_TEST(every_allocation_may_fail),
  };
  if (test_is_without("postgres")) {
    puts("skipped: run without postgres");
    return 77;
  }
  const int failures =
      cmocka_run_group_tests_name("patient sets of the PostgreSQL source", tests, NULL, NULL);
  place_end();
  return failures;
}
