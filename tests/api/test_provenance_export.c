/*
 * Which Provenances an export has (FILTER-18, -19, -20): against what is found by other code in
 * small worlds made at random, whatever the source can do and whatever happens meanwhile.
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

#include "support/memory.h"
#include "support/provenances.h"
#include "support/require.h"

#define OUTPUT_MAX 2000

static const uint32_t pushed[] = {0, FHX_APPLIED_TYPE, FHX_APPLIED_TYPE | FHX_APPLIED_PATIENTS,
                                  FHX_APPLIED_TYPE | FHX_APPLIED_PATIENTS | FHX_APPLIED_SINCE};
#define PUSHED (sizeof pushed / sizeof *pushed)

static const char *const some_types[] = {"Encounter", "Patient", NULL};
static const char *const with_provenance[] = {"Provenance", "Observation", "Practitioner", NULL};
static const char *const *const asked_types[] = {NULL, some_types, with_provenance};

static const uint32_t kinds[] = {FHX_PROVENANCE_DEFAULT, FHX_PROVENANCE_RELEVANT,
                                 FHX_PROVENANCE_LATEST};

static void check(const test_world *world, test_small_job *of, const test_world_ask *ask) {
  char output[OUTPUT_MAX];
  test_world_expect(world, of->small, ask, output, sizeof output);
  test_small_check(of, output);
}

static void run(const test_world *world, test_small_source *small, const test_world_ask *ask) {
  test_small_job of;
  test_small_prepare(&of, small);
  test_world_start(&of, ask);
  test_small_run(&of);
  check(world, &of, ask);
  test_small_end(&of);
}

/* --- what comes out --- */

static void worlds_come_out_as_they_must(void **state) {
  const uint64_t count = test_is_quick() ? 15 : 300;
  (void)state;
  for (uint64_t seed = 1; seed <= count; seed++) {
    test_random random = {seed * 7919};
    test_world *world = test_world_new(seed);
    for (int i = 0; i < 3 * TEST_WORLD_SCOPES; i++) {
      test_small_source small;
      test_world_ask ask = {kinds[i % 3], (test_world_scope)(i / 3),
                            asked_types[test_random_below(&random, 3)],
                            test_random_below(&random, 2) == 0, test_random_below(&random, 3) == 0};
      bool reads = ask.provenance != FHX_PROVENANCE_DEFAULT || test_random_below(&random, 3) != 0;
      test_world_source(world, &small, pushed[test_random_below(&random, PUSHED)], reads);
      small.tokens = test_random_below(&random, 2) == 0;
      small.shards = test_random_below(&random, 2) == 0;
      test_scenario("world %d, provenance %d, scope %d, applied %d, reads %d", (int)seed, i % 3,
                    i / 3, (int)small.applied, reads);
      run(world, &small, &ask);
    }
    test_world_free(world);
  }
}

/* --- worlds that are written out --- */

#define OLD "\"meta\":{\"lastUpdated\":\"2020-01-01T00:00:00Z\"}"
#define NEW "\"meta\":{\"lastUpdated\":\"2024-05-06T06:00:00Z\"}"
#define OLD_US INT64_C(1577836800000000)
#define NEW_US INT64_C(1714975200000000)
#define HEAD(type, id) "{\"resourceType\":\"" type "\",\"id\":\"" id "\","

static const char *const few_types[] = {"Patient",      "Observation", "Group",
                                        "Practitioner", "Provenance",  NULL};

static test_small_source few(const test_small_row *rows, size_t count) {
  test_small_source small;
  memset(&small, 0, sizeof small);
  small.rows = rows;
  small.row_count = count;
  small.applied = FHX_APPLIED_TYPE;
  small.reads = true;
  small.types = few_types;
  return small;
}

static fhx_filter *filter_of(const char *const *types) {
  fhx_filter *filter = NULL;
  test_require_status(fhx_filter_new(&filter, NULL), FHX_OK);
  for (; *types != NULL; types++) {
    test_require_status(fhx_filter_add_type(filter, *types, NULL), FHX_OK);
  }
  return filter;
}

/* FILTER-05: of a new member also what is old, of others only what is new. */
static void new_members_come_with_old_ones(void **state) {
  static const test_small_row rows[] = {
      {"Group", "g", "", NEW_US,
       HEAD("Group", "g") NEW ",\"type\":\"person\",\"actual\":true,\"member\":["
                              "{\"entity\":{\"reference\":\"Patient/a\"}},"
                              "{\"entity\":{\"reference\":\"Patient/b\"},"
                              "\"period\":{\"start\":\"2024-05-01T00:00:00Z\"}}]}"},
      {"Patient", "a", "a", OLD_US, HEAD("Patient", "a") OLD "}"},
      {"Patient", "b", "b", OLD_US, HEAD("Patient", "b") OLD "}"},
      {"Observation", "a", "a", OLD_US,
       HEAD("Observation", "a") OLD ",\"subject\":{\"reference\":\"Patient/a\"}}"},
      {"Observation", "b", "b", OLD_US,
       HEAD("Observation", "b") OLD ",\"subject\":{\"reference\":\"Patient/b\"}}"},
      {"Provenance", "a-new", "", NEW_US,
       HEAD("Provenance", "a-new") NEW ",\"target\":[{\"reference\":\"Observation/a\"}]}"},
      {"Provenance", "a-old", "", OLD_US,
       HEAD("Provenance", "a-old") OLD ",\"target\":[{\"reference\":\"Observation/a\"}]}"},
      {"Provenance", "b-old", "", OLD_US,
       HEAD("Provenance", "b-old") OLD ",\"target\":[{\"reference\":\"Observation/b\"}]}"},
      {"Provenance", "both", "", OLD_US,
       HEAD("Provenance", "both") OLD ",\"target\":[{\"reference\":\"Patient/a\"},"
                                      "{\"reference\":\"Patient/b\"}]}"},
  };
  static const char *const types[] = {"Observation", "Provenance", NULL};
  static const char *const output[] = {
      "Observation/b Provenance/a-new Provenance/b-old Provenance/both",
      "Observation/b Provenance/b-old",
      "Observation/b Provenance/b-old",
  };
  (void)state;
  for (int i = 0; i < 6; i++) {
    test_small_source small = few(rows, sizeof rows / sizeof *rows);
    fhx_filter *filter = filter_of(types);
    test_small_job of;
    test_scenario("new members %d", i);
    if (i >= 3) small.applied |= FHX_APPLIED_SINCE | FHX_APPLIED_PATIENTS;
    test_require_status(fhx_filter_set_group(filter, "g", NULL), FHX_OK);
    test_require_status(fhx_filter_set_since(filter, "2024-04-01T00:00:00Z", NULL), FHX_OK);
    test_small_prepare(&of, &small);
    of.options.flags = FHX_JOB_NEW_MEMBERS;
    of.options.provenance = kinds[i % 3];
    test_small_start(&of, filter);
    test_small_run(&of);
    test_small_check(&of, output[i % 3]);
    test_small_end(&of);
  }
}

static const test_small_row plain_rows[] = {
    {"Patient", "a", "a", 0, HEAD("Patient", "a") "\"x\":1}"},
    {"Patient", "b", "b", 0, HEAD("Patient", "b") "\"x\":1}"},
    {"Observation", "o", "a", 0,
     HEAD("Observation", "o") "\"subject\":{\"reference\":\"Patient/a\"}}"},
    {"Practitioner", "q", "", 0, HEAD("Practitioner", "q") "\"x\":1}"},
    {"Provenance", "of-o", "", 0,
     HEAD("Provenance", "of-o") "\"target\":[{\"reference\":\"Observation/o\"}],\"agent\":[{"
                                "\"who\":{\"reference\":\"Practitioner/q\"}}]}"},
    {"Provenance", "of-patient", "", 0,
     HEAD("Provenance", "of-patient") "\"target\":[{\"reference\":\"Patient/a\"}]}"},
    {"Provenance", "of-q", "", 0,
     HEAD("Provenance", "of-q") "\"target\":[{\"reference\":\"Practitioner/q\"}]}"},
    {"Provenance", "secret-id", "", 0, HEAD("Provenance", "secret-id") "\"target\":[}"},
};
#define PLAIN_ROWS (sizeof plain_rows / sizeof *plain_rows)

/* FILTER-21: those that are asked for as such have to meet the queries of their type, whatever is
   asked of their targets; those that go along with what is exported come with that alone. */
static void queries(void **state) {
  static const test_small_row rows[] = {
      {"Patient", "a", "a", 0, HEAD("Patient", "a") NEW "}"},
      {"Observation", "a", "a", 0,
       HEAD("Observation", "a") NEW ",\"status\":\"final\","
                                    "\"subject\":{\"reference\":\"Patient/a\"}}"},
      {"Observation", "b", "a", 0,
       HEAD("Observation", "b") NEW ",\"status\":\"amended\","
                                    "\"subject\":{\"reference\":\"Patient/a\"}}"},
      {"Provenance", "a-new", "", 0,
       HEAD("Provenance", "a-new") NEW ",\"recorded\":\"2024-05-01T00:00:00Z\","
                                       "\"target\":[{\"reference\":\"Observation/a\"}]}"},
      {"Provenance", "a-old", "", 0,
       HEAD("Provenance", "a-old") NEW ",\"recorded\":\"2020-05-01T00:00:00Z\","
                                       "\"target\":[{\"reference\":\"Observation/a\"}]}"},
      {"Provenance", "b-new", "", 0,
       HEAD("Provenance", "b-new") NEW ",\"recorded\":\"2024-05-01T00:00:00Z\","
                                       "\"target\":[{\"reference\":\"Observation/b\"}]}"},
  };
  static const char *const types[] = {"Patient", "Observation", "Provenance", NULL};
  static const char *const output[] = {
      "Observation/a Patient/a Provenance/a-new Provenance/b-new",
      "Observation/a Patient/a Provenance/a-new Provenance/a-old",
      "Observation/a Patient/a Provenance/a-new",
  };
  (void)state;
  for (int i = 0; i < 6; i++) {
    test_small_source small = few(rows, sizeof rows / sizeof *rows);
    fhx_filter *filter = filter_of(types);
    test_small_job of;
    test_scenario("queries %d", i);
    if (i >= 3) test_require_status(fhx_filter_set_all_patients(filter, NULL), FHX_OK);
    test_require_status(fhx_filter_add_query(filter, "Observation?status=final", NULL), FHX_OK);
    test_require_status(fhx_filter_add_query(filter, "Provenance?recorded=ge2024", NULL), FHX_OK);
    test_small_prepare(&of, &small);
    of.options.provenance = kinds[i % 3];
    test_small_start(&of, filter);
    test_small_run(&of);
    test_small_check(&of, output[i % 3]);
    test_small_end(&of);
  }
}

/* FILTER-20 by the table of R5, where a Provenance has a `patient`; and by a host's own without
   Provenance: what it is about counts all the same. */
static void any_compartment_will_do(void **state) {
  static const char *const types[] = {"Provenance", NULL};
  static const test_small_row by_element = {
      "Provenance", "by-element", "a", 0,
      HEAD("Provenance", "by-element") "\"patient\":{\"reference\":\"Patient/a\"},"
                                       "\"target\":[{\"reference\":\"Practitioner/q\"}]}"};
  static const char *const output[] = {
      "Provenance/of-o Provenance/of-patient",
      "Provenance/by-element Provenance/of-o Provenance/of-patient",
      "Provenance/of-o Provenance/of-patient",
      /* And without read_resource. */
      "Provenance/of-patient",
  };
  test_small_row rows[PLAIN_ROWS];
  (void)state;
  memcpy(rows, plain_rows, sizeof rows);
  rows[PLAIN_ROWS - 1] = by_element;
  for (int i = 0; i < 4; i++) {
    test_small_source small = few(rows, PLAIN_ROWS);
    fhx_filter *filter = filter_of(types);
    test_small_job of;
    test_scenario("compartment %d", i);
    small.reads = i != 3;
    test_require_status(fhx_filter_add_patient(filter, "a", NULL), FHX_OK);
    if (i == 1) {
      test_require_status(fhx_filter_set_fhir_version(filter, FHX_FHIR_R5, NULL), FHX_OK);
    }
    if (i >= 2) {
      test_require_status(fhx_filter_add_compartment_path(filter, "Observation.subject", NULL),
                          FHX_OK);
    }
    test_small_prepare(&of, &small);
    test_small_start(&of, filter);
    test_small_run(&of);
    test_small_check(&of, output[i]);
    test_small_end(&of);
  }
}

/* What an exported Provenance refers to is associated like what others refer to (FILTER-11). */
static void what_they_refer_to_is_associated(void **state) {
  static const char *const types[] = {"Observation", "Practitioner", NULL};
  (void)state;
  for (int i = 1; i < 3; i++) {
    test_small_source small = few(plain_rows, PLAIN_ROWS);
    fhx_filter *filter = filter_of(types);
    test_small_job of;
    test_scenario("associated %d", i);
    test_require_status(fhx_filter_set_all_patients(filter, NULL), FHX_OK);
    test_small_prepare(&of, &small);
    of.options.provenance = kinds[i];
    of.options.associated_types = "Practitioner";
    test_small_start(&of, filter);
    test_small_run(&of);
    test_small_check(&of, "Observation/o Practitioner/q Provenance/of-o");
    test_small_end(&of);
  }
}

/* Nor is one associated itself, which could bring it a second time (FILTER-14); not even if a
   source takes it for a member of a Group. */
static void they_are_not_associated(void **state) {
  static const char *const types[] = {"Observation", "Provenance", NULL};
  static const char *const members[] = {"Patient/a", "Provenance/of-o", "Provenance/of-q"};
  const test_small_group group = {"g", members, 3};
  test_small_row rows[PLAIN_ROWS];
  (void)state;
  memcpy(rows, plain_rows, sizeof rows);
  rows[2].json = HEAD("Observation", "o") "\"subject\":{\"reference\":\"Patient/a\"},\"extension\":["
                                          "{\"valueReference\":{\"reference\":\"Provenance/of-o\"}},"
                                          "{\"valueReference\":{\"reference\":\"Provenance/of-q\"}}]}";
  for (int i = 0; i < 6; i++) {
    test_small_source small = few(rows, PLAIN_ROWS);
    fhx_filter *filter = filter_of(types);
    test_small_job of;
    test_scenario("not associated %d", i);
    small.lists_members = true;
    small.groups = &group;
    small.group_count = 1;
    test_require_status(
        i < 3 ? fhx_filter_set_all_patients(filter, NULL) : fhx_filter_set_group(filter, "g", NULL),
        FHX_OK);
    test_small_prepare(&of, &small);
    of.options.provenance = kinds[i % 3];
    of.options.associated_types = "Provenance";
    test_small_start(&of, filter);
    test_small_run(&of);
    test_small_check(&of, i % 3 == 0 ? "Observation/o Provenance/of-o Provenance/of-patient"
                                     : "Observation/o Provenance/of-o");
    test_small_end(&of);
  }
}

/* A bad Provenance is one error line, and of a set of patients its id is not told: it may be about
   somebody else (FILTER-17). */
static void bad_ones_are_told_once(void **state) {
  static const char *const types[] = {"Patient", "Provenance", NULL};
  (void)state;
  for (int i = 0; i < 6; i++) {
    test_small_source small = few(plain_rows, PLAIN_ROWS);
    fhx_filter *filter = filter_of(types);
    test_small_job of;
    bool found = false, set = i >= 3;
    test_scenario("bad row %d", i);
    if (set) test_require_status(fhx_filter_add_patient(filter, "b", NULL), FHX_OK);
    if (i % 2 == 0) small.applied = 0;
    test_small_prepare(&of, &small);
    of.options.provenance = kinds[i % 3];
    test_small_start(&of, filter);
    test_small_run(&of);
    test_require_status(of.status, FHX_OK);
    test_require(test_small_lines(&of, "secret-id", &found) == 1);
    test_require(found == !set);
    test_small_end(&of);
  }
}

/* --- what is refused, and what is not --- */

static void start_few(test_small_job *of, test_small_source *small, const char *type, bool patients,
                      uint32_t provenance) {
  const char *const types[] = {type, NULL};
  fhx_filter *filter = filter_of(types);
  if (patients) test_require_status(fhx_filter_set_all_patients(filter, NULL), FHX_OK);
  test_small_prepare(of, small);
  of->options.provenance = provenance;
  test_small_start(of, filter);
}

/* PARAM-17: who cannot be done justice is told so at the start. */
static void targets_must_be_readable(void **state) {
  (void)state;
  for (int i = 0; i < 3; i++) {
    test_small_source small = few(plain_rows, PLAIN_ROWS);
    test_small_job of;
    test_scenario("not readable, %d", i);
    small.reads = false;
    start_few(&of, &small, "Patient", false, kinds[i]);
    test_require_status(of.status, i == 0 ? FHX_OK : FHX_ERR_UNSUPPORTED);
    if (i != 0) test_require(strstr(of.message, "includeAssociatedData") != NULL);
    test_small_end(&of);
  }
}

/* PARAM-11: Provenances that come with others give an export no meaning of its own. */
static void they_do_not_come_alone(void **state) {
  (void)state;
  for (int i = 0; i < 3; i++) {
    test_small_source small = few(plain_rows, PLAIN_ROWS);
    test_small_job of;
    test_scenario("alone, %d", i);
    start_few(&of, &small, "Practitioner", true, kinds[i]);
    test_require_status(of.status, FHX_ERR_UNSUPPORTED);
    test_small_end(&of);
    start_few(&of, &small, "Provenance", true, kinds[i]);
    test_require_status(of.status, i == 0 ? FHX_OK : FHX_ERR_UNSUPPORTED);
    test_small_end(&of);
  }
}

/* There is nothing to add, and nothing to say. */
static void a_source_may_have_none(void **state) {
  static const char *const types[] = {"Patient", "Observation", NULL};
  (void)state;
  for (int i = 1; i < 3; i++) {
    test_small_source small = few(plain_rows, 4);
    test_small_job of;
    bool found = false;
    test_scenario("none, %d", i);
    small.types = types;
    start_few(&of, &small, "Patient", true, kinds[i]);
    test_small_run(&of);
    test_small_check(&of, "Patient/a Patient/b");
    test_require(test_small_lines(&of, "Provenance", &found) == 0);
    test_small_end(&of);
  }
}

/* --- what happens meanwhile --- */

typedef struct trouble {
  test_small_call call;
  /* The call of this number, from 1, behind the first `from`. */
  uint64_t at;
  uint64_t from;
  bool armed;
  /* Parks the job; else the call fails, for a while or for good. */
  fhx_job *parks;
  bool for_good;
} trouble;

static bool make_trouble(void *context, test_small_call call, uint64_t number, fhx_reply *reply) {
  trouble *met = context;
  if (!met->armed || call != met->call || number != met->from + met->at) return false;
  met->armed = false;
  if (met->parks != NULL) {
    fhx_job_park(met->parks);
    return false;
  }
  fhx_reply_fail(reply, FHX_ERR_IO, met->for_good ? 0 : 1, "the source has a fault");
  return true;
}

static fhx_store *open_store(void) {
  fhx_sqlite_store_options options;
  fhx_store *store = NULL;
  FHX_INIT(&options);
  options.path = ":memory:";
  test_require_status(fhx_sqlite_store_new(&options, &store, NULL), FHX_OK);
  return store;
}

/* As another process would. */
static void go_on_elsewhere(test_small_job *of) {
  char id[40];
  snprintf(id, sizeof id, "%s", fhx_job_id(of->job));
  fhx_job_free(of->job);
  of->job = NULL;
  test_require_status(fhx_job_attach(&of->options, id, &of->job, NULL), FHX_OK);
  test_small_run(of);
}

/* Whether there was such a call. Those of the start are not what this is about. */
static bool run_troubled(const test_world *world, const test_world_ask *ask, trouble *met,
                         bool parks, bool tokens) {
  test_small_source small;
  test_small_job of;
  test_world_source(world, &small, FHX_APPLIED_TYPE | FHX_PROMISE_ASCENDING_IDS, true);
  small.tokens = tokens;
  small.hook = make_trouble;
  small.hook_context = met;
  test_small_prepare(&of, &small);
  of.options.store = open_store();
  of.options.part_count = 1;
  test_world_start(&of, ask);
  met->from = small.calls[met->call];
  met->parks = parks ? of.job : NULL;
  met->armed = true;
  test_small_run(&of);
  if (of.status == FHX_WAIT) go_on_elsewhere(&of);
  check(world, &of, ask);
  fhx_store_free(of.options.store);
  test_small_end(&of);
  return !met->armed;
}

/* Parked at every reply, and a call that fails: it goes on behind the last checkpoint, in the way
   that it was in. */
static void troubles(bool tokens) {
  static const test_small_call calls[] = {TEST_SMALL_OPEN, TEST_SMALL_NEXT, TEST_SMALL_READ};
  for (uint64_t seed = 3; seed < (test_is_quick() ? 4 : 7); seed++) {
    test_world *world = test_world_new(seed);
    for (int i = 0; i < 18; i++) {
      const test_world_ask ask = {kinds[i % 3], i % 2 == 0 ? TEST_WORLD_SET : TEST_WORLD_ALL, NULL,
                                  false, false};
      bool parks = i >= 9, reached = true;
      test_small_call call = calls[i / 3 % 3];
      for (uint64_t at = 1; reached; at += test_step(7)) {
        trouble met = {.call = call, .at = at};
        test_scenario("world %d, trouble %d, tokens %d, at %d", (int)seed, i, tokens, (int)at);
        reached = run_troubled(world, &ask, &met, parks, tokens);
      }
    }
    test_world_free(world);
  }
}

static void with_tokens_it_goes_on(void **state) {
  (void)state;
  troubles(true);
}

static void without_tokens_it_begins_again(void **state) {
  (void)state;
  troubles(false);
}

/* Only "not found" and "denied" say something of a target. */
static void a_read_that_fails_fails_the_job(void **state) {
  (void)state;
  for (int i = 1; i < 3; i++) {
    trouble met = {.call = TEST_SMALL_READ, .at = 1, .armed = true, .for_good = true};
    test_small_source small = few(plain_rows, PLAIN_ROWS);
    test_small_job of;
    test_scenario("reads fail, %d", i);
    small.hook = make_trouble;
    small.hook_context = &met;
    start_few(&of, &small, "Patient", true, kinds[i]);
    test_small_run(&of);
    test_small_check_failed(&of, "the source has a fault");
    test_small_end(&of);
  }
}

/* --- memory --- */

static bool worked(int32_t status) {
  if (status >= 0) return true;
  test_require_status(status, FHX_ERR_NO_MEMORY);
  test_memory_recover();
  return false;
}

static void memory_scenario(const test_world *world, const test_world_ask *ask) {
  test_small_source small;
  test_small_job of;
  test_world_source(world, &small, FHX_APPLIED_TYPE, true);
  small.tokens = true;
  test_small_prepare(&of, &small);
  of.options.lease_us = 20000;
  of.options.attempts_max = 100;
  if (of.options.source != NULL && of.options.destination != NULL) {
    test_world_start(&of, ask);
    if (worked(of.status)) {
      test_small_run(&of);
      if (!worked(of.status)) test_small_run(&of);
      test_memory_recover();
      check(world, &of, ask);
    }
  }
  test_memory_recover();
  test_small_end(&of);
}

static void memory_runs_out(void **state) {
  test_world *world = test_world_new(5);
  (void)state;
  for (int i = 0; i < 3; i++) {
    const test_world_ask ask = {kinds[i], TEST_WORLD_SET, NULL, false, false};
    for (uint64_t number = 1;; number += test_step(13)) {
      test_scenario("memory, provenance %d, allocation %d", i, (int)number);
      test_memory_begin(number);
      memory_scenario(world, &ask);
      if (!test_memory_end()) break;
    }
  }
  test_world_free(world);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(worlds_come_out_as_they_must),
      cmocka_unit_test(new_members_come_with_old_ones),
      cmocka_unit_test(queries),
      cmocka_unit_test(any_compartment_will_do),
      cmocka_unit_test(what_they_refer_to_is_associated),
      cmocka_unit_test(they_are_not_associated),
      cmocka_unit_test(bad_ones_are_told_once),
      cmocka_unit_test(targets_must_be_readable),
      cmocka_unit_test(they_do_not_come_alone),
      cmocka_unit_test(a_source_may_have_none),
      cmocka_unit_test(with_tokens_it_goes_on),
      cmocka_unit_test(without_tokens_it_begins_again),
      cmocka_unit_test(a_read_that_fails_fails_the_job),
      cmocka_unit_test(memory_runs_out),
  };
  return cmocka_run_group_tests_name("Provenances", tests, NULL, NULL);
}
