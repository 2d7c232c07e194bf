/*
 * What a Provenance says of itself (FILTER-18, -19), and what a job keeps of it in the store while
 * the newest are looked for: nothing of it is lost when answers are, or stays when the job is gone.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

#include "faulty_store.h"
#include "select/provenance.h"
#include "store/store.h"
#include "support/provenances.h"
#include "support/require.h"

/* --- the line --- */

typedef struct found {
  char text[400];
  size_t stops_after;
  size_t count;
} found;

static bool add(void *context, const char *type, const char *id) {
  found *all = context;
  size_t len = strlen(all->text);
  snprintf(all->text + len, sizeof all->text - len, "%s/%s ", type, id);
  return ++all->count != all->stops_after;
}

/* In a block of its own length, so that a sanitizer sees whoever reads behind it. */
static char *exact(const char *line) {
  size_t len = strlen(line);
  char *copy = malloc(len == 0 ? 1 : len);
  assert_non_null(copy);
  memcpy(copy, line, len);
  return copy;
}

static void expect_targets(const char *line, const char *base_url, const char *wanted) {
  found all = {"", 0, 0};
  char *copy = exact(line);
  assert_true(fhx__provenance_targets(copy, strlen(line), base_url, add, &all));
  assert_string_equal(all.text, wanted);
  free(copy);
}

static void only_targets_at_the_top_count(void **state) {
  (void)state;
  expect_targets(
      "{\"resourceType\":\"Provenance\",\"id\":\"v\",\"contained\":[{\"resourceType\":"
      "\"Provenance\","
      "\"target\":[{\"reference\":\"Patient/"
      "c\"}]}],\"extension\":[{\"url\":\"u\",\"valueReference\":"
      "{\"reference\":\"Patient/"
      "x\"}}],\"target\":[{\"display\":\"{\\\"reference\\\":\",\"reference\":"
      "\"Patient/a\",\"extension\":[{\"valueReference\":{\"reference\":\"Patient/y\"}}]},"
      "{\"identifier\":{\"value\":\"1\"}},{\"reference\":\"Observation/b\"}],"
      "\"entity\":[{\"what\":{\"reference\":\"Patient/e\"}}]}",
      NULL, "Patient/a Observation/b ");
}

static void references_are_read_by_the_usual_rules(void **state) {
  static const char line[] =
      "{\"target\":[{\"reference\":\"Patient/a/_history/2\"},{\"reference\":\"#b\"},"
      "{\"reference\":\"urn:uuid:1\"},{\"reference\":\"https://x.org/fhir/Patient/d\"},"
      "{\"reference\":\"https://y.org/Patient/e\"},{\"reference\":\"Pat\\u0069ent\\/f\"},"
      "{\"reference\":7},null,\"Patient/g\",[{\"reference\":\"Patient/h\"}]]}";
  (void)state;
  expect_targets(line, NULL, "Patient/a Patient/d Patient/e Patient/f ");
  expect_targets(line, "https://x.org/fhir", "Patient/a Patient/d Patient/f ");
}

static void odd_lines(void **state) {
  (void)state;
  expect_targets("{\"target\":{\"reference\":\"Patient/a\"}}", NULL, "Patient/a ");
  expect_targets("{\"t\\u0061rget\":[{\"r\\u0065ference\":\"Patient/a\"}]}", NULL, "Patient/a ");
  expect_targets("{\"target\":[]}", NULL, "");
  expect_targets("{\"target\":\"Patient/a\"}", NULL, "");
  expect_targets("{}", NULL, "");
  expect_targets("", NULL, "");
  expect_targets("[]", NULL, "");
  /* On broken text an answer does not matter, but it ends, and reads nothing outside. */
  static const char whole[] =
      "{\"target\":[{\"reference\":\"Patient/a\"}],\"recorded\":\"2024-01-01T00:00:00Z\"}";
  for (size_t len = 0; len < sizeof whole; len++) {
    found all = {"", 0, 0};
    fhx__instant instant = {0, 0};
    char *cut = malloc(len == 0 ? 1 : len);
    assert_non_null(cut);
    memcpy(cut, whole, len);
    fhx__provenance_targets(cut, len, NULL, add, &all);
    fhx__provenance_recorded(cut, len, &instant);
    free(cut);
  }
}

static void a_walk_can_be_ended(void **state) {
  static const char line[] =
      "{\"target\":[{\"reference\":\"Patient/a\"},{\"reference\":\"Patient/b\"}]}";
  found all = {"", 1, 0};
  (void)state;
  assert_false(fhx__provenance_targets(line, sizeof line - 1, NULL, add, &all));
  assert_string_equal(all.text, "Patient/a ");
}

static void expect_recorded(const char *line, bool is_known, int64_t us, uint64_t finer) {
  fhx__instant instant = {-1, 0};
  char *copy = exact(line);
  assert_int_equal(fhx__provenance_recorded(copy, strlen(line), &instant), is_known);
  if (is_known) assert_true(instant.us == us && instant.finer == finer);
  free(copy);
}

static void recorded_is_an_instant(void **state) {
  (void)state;
  expect_recorded("{\"recorded\":\"1970-01-01T00:00:01Z\"}", true, 1000000, 0);
  expect_recorded("{\"recorded\":\"1970-01-01T00:00:00\\u005A\"}", true, 0, 0);
  expect_recorded("{\"recorded\":\"1970-01-01T00:00:00.000001000000000000000001Z\"}", true, 1, 2);
  expect_recorded("{\"contained\":[{\"recorded\":\"1970-01-01T00:00:01Z\"}]}", false, 0, 0);
  expect_recorded("{\"recorded\":\"1970-01-01\"}", false, 0, 0);
  expect_recorded("{\"recorded\":17}", false, 0, 0);
  expect_recorded("{\"recorded\":\"1970-01-01T00:00:01Z\",\"recorded\":\"?\"}", false, 0, 0);
  expect_recorded("{}", false, 0, 0);
  expect_recorded("", false, 0, 0);
}

/* --- the list --- */

static const test_world_ask latest = {FHX_PROVENANCE_LATEST, TEST_WORLD_SET, NULL, false, false};

/* One of which three Provenances at least are exported. */
static test_world *rich_world(void) {
  for (uint64_t seed = 1;; seed++) {
    char output[2000];
    test_small_source small;
    test_world *world = test_world_new(seed);
    size_t count = 0;
    test_world_source(world, &small, 0, true);
    test_world_expect(world, &small, &latest, output, sizeof output);
    for (const char *at = output; (at = strstr(at, FHX__PROVENANCE)) != NULL; at++) count++;
    if (count >= 3) return world;
    test_world_free(world);
  }
}

static size_t listed(fhx_store *store, const char *job_id) {
  fhx_reply texts;
  test_require_status(
      fhx__store_list_members(store, job_id, FHX_MEMBERS_TARGETS, "", 1000, &texts, NULL), FHX_OK);
  size_t count = fhx__reply_item_count(&texts);
  fhx__reply_end(&texts);
  return count;
}

typedef struct failing {
  fhx_store *store;
  char job_id[40];
  /* How many texts there are when the first target is read. */
  size_t seen;
  bool armed;
} failing;

static bool fail_reads(void *context, test_small_call call, uint64_t number, fhx_reply *reply) {
  failing *met = context;
  (void)number;
  if (!met->armed || call != TEST_SMALL_READ) return false;
  met->seen = listed(met->store, met->job_id);
  fhx_reply_fail(reply, FHX_ERR_SOURCE, 0, "the source has a fault");
  return true;
}

/* Of a job whose files are gone no text stays in the store. */
static void the_list_goes_with_the_job(void **state) {
  const faulty_knobs knobs = {.step = FAULTY_STEPS, .fault_at = UINT64_MAX};
  test_world *world = rich_world();
  test_small_source small;
  test_small_job of;
  (void)state;
  test_scenario("the list goes");
  test_world_source(world, &small, FHX_APPLIED_TYPE, true);
  test_small_prepare(&of, &small);
  faulty_store *store = faulty_store_new(&knobs, &of.options.store);
  failing met = {.store = faulty_store_inner(store)};
  small.hook = fail_reads;
  small.hook_context = &met;
  test_world_start(&of, &latest);
  snprintf(met.job_id, sizeof met.job_id, "%s", fhx_job_id(of.job));
  met.armed = true;
  test_small_run(&of);
  test_small_check_failed(&of, "the source has a fault");
  test_require(met.seen > 0);
  test_require(listed(met.store, met.job_id) == 0);
  fhx_store_free(of.options.store);
  test_small_end(&of);
  faulty_store_end(store);
  test_world_free(world);
}

static bool run_over(const test_world *world, const faulty_knobs *knobs) {
  char output[2000];
  test_small_source small;
  test_small_job of;
  test_scenario("%s, answer %d, at %d, %d times", faulty_step_names[knobs->step],
                (int)knobs->answer, (int)knobs->fault_at, (int)knobs->fault_times);
  test_world_source(world, &small, FHX_APPLIED_TYPE, true);
  small.tokens = knobs->fault_at % 2 == 0;
  test_small_prepare(&of, &small);
  faulty_store *store = faulty_store_new(knobs, &of.options.store);
  of.options.lease_us = 150000;
  of.options.attempts_max = 8;
  test_world_start(&of, &latest);
  test_small_run(&of);
  /* A store that is gone for long ends the run: whoever runs it again goes on. */
  for (int i = 0; i < 3 && of.status != FHX_OK; i++) {
    faulty_store_heal(store);
    test_small_run(&of);
  }
  test_world_expect(world, &small, &latest, output, sizeof output);
  test_small_check(&of, output);
  bool reached = faulty_store_calls(store, knobs->step) >= knobs->fault_at;
  fhx_store_free(of.options.store);
  test_small_end(&of);
  faulty_store_end(store);
  return reached;
}

static void answers_are_lost(void **state) {
  static const faulty_step steps[] = {FAULTY_ADD_MEMBERS, FAULTY_LIST_MEMBERS,
                                      FAULTY_RECORD_CHECKPOINT};
  test_world *world = rich_world();
  (void)state;
  for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
    bool reached = true;
    for (uint64_t at = 1; reached; at += test_is_quick() ? 5 : 1) {
      const faulty_answer answer = (faulty_answer)(at % FAULTY_ANSWERS);
      const faulty_knobs knobs = {steps[i], answer, at, at % 3, NULL, NULL};
      reached = run_over(world, &knobs);
    }
  }
  test_world_free(world);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(only_targets_at_the_top_count),
      cmocka_unit_test(references_are_read_by_the_usual_rules),
      cmocka_unit_test(odd_lines),
      cmocka_unit_test(a_walk_can_be_ended),
      cmocka_unit_test(recorded_is_an_instant),
      cmocka_unit_test(the_list_goes_with_the_job),
      cmocka_unit_test(answers_are_lost),
  };
  return cmocka_run_group_tests_name("Provenance", tests, NULL, NULL);
}
