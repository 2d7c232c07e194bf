/*
 * What exported lines refer to, on its way to the store (FILTER-11): nothing is lost when answers
 * are, or when the process dies between it and the checkpoint.
 *
 * ctest labels: onethread
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

#include "core/clock.h"
#include "faulty_store.h"
#include "job/wanted.h"
#include "store_host.h"
#include "support/clinic.h"
#include "support/memory.h"
#include "support/require.h"

/* The longest text that these tests note, with its NUL. */
#define TEXT_MAX 80

/* --- a work whose store keeps what comes --- */

typedef struct kept {
  char *texts;
  size_t len;
  size_t count;
  uint32_t steps;
  /* What the step answers with. */
  int32_t status;
} kept;

static void keep(void *user_data, const fhx_members *members, fhx_reply *reply) {
  kept *all = user_data;
  uint32_t count = fhx_members_count(members);
  const char *last = "";
  assert_string_equal(fhx_members_job_id(members), JOB_ID);
  assert_int_equal(fhx_members_task_index(members), 3);
  assert_int_equal(fhx_members_fence(members), 7);
  assert_int_equal(fhx_members_list(members), FHX_MEMBERS_WANTED);
  assert_in_range(count, 1, 10000);
  all->steps++;
  all->texts = realloc(all->texts, all->len + (size_t)count * TEXT_MAX);
  assert_non_null(all->texts);
  for (uint32_t i = 0; i < count; i++) {
    const char *text = fhx_members_text(members, i);
    size_t size = strlen(text) + 1;
    assert_true(strcmp(last, text) < 0);
    assert_in_range(size, 2, TEXT_MAX);
    memcpy(all->texts + all->len, text, size);
    all->len += size;
    last = text;
  }
  all->count += count;
  if (all->status == FHX_OK) {
    fhx_reply_done(reply);
  } else {
    fhx_reply_fail(reply, all->status, 0, "no");
  }
}

static bool is_kept(const kept *all, const char *text) {
  for (size_t at = 0; at < all->len; at += strlen(all->texts + at) + 1) {
    if (strcmp(all->texts + at, text) == 0) return true;
  }
  return false;
}

typedef struct bench {
  kept all;
  fhx_job job;
  fhx_task_record task;
  fhx__work work;
  fhx_filter *filter;
  fhx__wanted *wanted;
  char types[40];
} bench;

static bench *set_up(const char *types) {
  bench *on = calloc(1, sizeof *on);
  assert_non_null(on);
  fhx_store_callbacks callbacks = host_callbacks();
  callbacks.add_members = keep;
  callbacks.destroy = NULL;
  if (fhx_store_new(&callbacks, &on->all, &on->job.store, NULL) != FHX_OK) on->job.store = NULL;
  if (fhx_filter_new(&on->filter, NULL) != FHX_OK) on->filter = NULL;
  snprintf(on->types, sizeof on->types, "%s", types);
  on->job.definition.associated_types = on->types;
  on->job.definition.filter = on->filter;
  /* Its lease is not renewed while a test lasts. */
  on->job.lease_us = INT64_MAX;
  on->task.job_id = JOB_ID;
  on->task.task_index = 3;
  on->task.fence = 7;
  on->work.job = &on->job;
  on->work.task = &on->task;
  on->work.renewed_us = fhx__clock_monotonic_us();
  return on;
}

static void tear_down(bench *on) {
  fhx__wanted_free(on->wanted);
  fhx_error_free(on->work.error);
  fhx_filter_free(on->filter);
  fhx_store_free(on->job.store);
  free(on->all.texts);
  free(on);
}

static bench *begin(const char *types) {
  bench *on = set_up(types);
  assert_int_equal(fhx__wanted_new(&on->job, &on->wanted, NULL), FHX_OK);
  return on;
}

static bool note(bench *on, const char *reference) {
  char line[200];
  int len = snprintf(line, sizeof line, "{\"a\":{\"reference\":\"%s\"}}", reference);
  return fhx__wanted_note(on->wanted, &on->work, line, (size_t)len);
}

static bool note_number(bench *on, unsigned number) {
  char reference[100];
  /* Neither in order nor short. */
  snprintf(reference, sizeof reference, "Practitioner/%08x-5b7c-4c2e-8f1d-0123456789ab",
           number * UINT32_C(2654435761));
  return note(on, reference);
}

/* --- what is noted --- */

static void only_named_types(void **state) {
  bench *on = begin("Practitioner,Organization");
  (void)state;
  assert_true(fhx__wanted_has_type(&on->job, "Practitioner"));
  assert_true(fhx__wanted_has_type(&on->job, "Organization"));
  assert_false(fhx__wanted_has_type(&on->job, "PractitionerRole"));
  assert_false(fhx__wanted_has_type(&on->job, "Pract"));
  assert_false(fhx__wanted_has_type(&on->job, ""));
  assert_true(note(on, "Practitioner/a") && note(on, "PractitionerRole/b") &&
              note(on, "Patient/c") && note(on, "Organization/d/_history/2") && note(on, "#e"));
  assert_int_equal(on->all.steps, 0);
  assert_true(fhx__wanted_store(on->wanted, &on->work));
  assert_int_equal(on->all.count, 2);
  assert_true(is_kept(&on->all, "Practitioner/a") && is_kept(&on->all, "Organization/d"));
  /* Nothing new, no step. */
  assert_true(fhx__wanted_store(on->wanted, &on->work));
  assert_int_equal(on->all.steps, 1);
  tear_down(on);
}

static void nothing_is_asked_for(void **state) {
  bench *on = begin("");
  (void)state;
  assert_null(on->wanted);
  assert_false(fhx__wanted_has_type(&on->job, "Practitioner"));
  assert_true(note(on, "Practitioner/a"));
  assert_true(fhx__wanted_store(on->wanted, &on->work));
  assert_int_equal(on->all.steps, 0);
  tear_down(on);
}

/* Thousands of references to a few are a few texts. */
static void doubles_are_not_stored(void **state) {
  bench *on = begin("Practitioner");
  (void)state;
  for (unsigned i = 0; i < 5000; i++) assert_true(note_number(on, i % 50));
  assert_true(fhx__wanted_store(on->wanted, &on->work));
  assert_int_equal(on->all.count, 50);
  assert_int_equal(on->all.steps, 1);
  tear_down(on);
}

/* More than are kept back: they are stored early, in steps, and none is lost. */
static void many_are_stored_early(void **state) {
  const unsigned count = 60000;
  bench *on = begin("Practitioner");
  size_t least = SIZE_MAX, held = 0, seen = 0;
  (void)state;
  for (unsigned i = 0; i < count; i++) {
    assert_true(note_number(on, i));
    held = on->all.count == seen ? held + 1 : 1;
    if (on->all.count != seen && on->all.count - seen < least) least = on->all.count - seen;
    seen = on->all.count;
    /* A text is longer than 40 bytes. */
    assert_in_range(held, 1, (1 << 20) / 40);
  }
  assert_true(seen > 0 && least > 10000);
  assert_true(fhx__wanted_store(on->wanted, &on->work));
  assert_int_equal(on->all.count, count);
  tear_down(on);
}

/* --- what goes wrong --- */

static void a_refusal_ends_the_attempt(void **state) {
  bench *on = begin("Practitioner");
  (void)state;
  on->all.status = FHX_ERR_REFUSED;
  assert_true(note(on, "Practitioner/a"));
  assert_false(fhx__wanted_store(on->wanted, &on->work));
  assert_int_equal(on->work.end, FHX__WORK_LOST);
  tear_down(on);
}

static void a_store_that_fails_ends_the_attempt(void **state) {
  bench *on = begin("Practitioner");
  (void)state;
  on->all.status = FHX_ERR_IO;
  assert_true(note(on, "Practitioner/a"));
  assert_false(fhx__wanted_store(on->wanted, &on->work));
  assert_int_equal(on->work.end, FHX__WORK_STORE);
  assert_int_equal(fhx_error_status(on->work.error), FHX_ERR_IO);
  tear_down(on);
}

static void a_cancelled_job_ends_the_attempt(void **state) {
  bench *on = begin("Practitioner");
  (void)state;
  atomic_store(&on->job.cancelled, true);
  assert_true(note(on, "Practitioner/a"));
  assert_false(fhx__wanted_store(on->wanted, &on->work));
  assert_int_equal(on->work.end, FHX__WORK_LOST);
  tear_down(on);
}

static void memory_runs_out(void **state) {
  (void)state;
  for (uint64_t number = 1;; number++) {
    test_scenario("wanted, allocation %d", (int)number);
    test_memory_begin(number);
    bench *on = set_up("Practitioner");
    bool whole = on->job.store != NULL && on->filter != NULL &&
                 fhx__wanted_new(&on->job, &on->wanted, NULL) == FHX_OK && note_number(on, 1) &&
                 note_number(on, 2) && fhx__wanted_store(on->wanted, &on->work);
    /* The store's own answer may lack memory: then the attempt ends as for any other reason. */
    if (on->wanted != NULL && !whole && on->work.end == FHX__WORK_FAILED) {
      test_require_status(fhx_error_status(on->work.error), FHX_ERR_NO_MEMORY);
    }
    if (whole) test_require(on->all.count == 2);
    tear_down(on);
    bool reached = test_memory_end();
    /* Without a failure it is whole. */
    test_require(reached || whole);
    if (!reached) break;
  }
}

/* --- whole jobs over a store whose answers get lost --- */

#define LEASE_US INT64_C(150000)

static const char *const types[] = {"Patient",      "Observation", "Encounter", "Practitioner",
                                    "Organization", "Device",      NULL};
static test_dataset *data;

static int make_data(void **state) {
  *state = data = test_clinic_new(60);
  return 0;
}

static test_setting usual(bool reads) {
  test_setting with = test_setting_usual(data);
  with.source.lists_types = false;
  with.source.reads_resources = reads;
  with.part_count = 5;
  with.lease_us = LEASE_US;
  with.attempts_max = 8;
  test_clinic_add_group(&with);
  return with;
}

static void sleep_us(int64_t duration_us) {
  nanosleep(&(struct timespec){duration_us / 1000000, duration_us % 1000000 * 1000}, NULL);
}

/* `errors`: how often at most fhx_job_run may fail before the store is well again. */
static void run_over(const faulty_knobs *knobs, bool reads, int errors) {
  const test_clinic_ask ask = {types, "Practitioner,Organization", true, false};
  test_export of;
  test_setting with = usual(reads);
  faulty_store *store = faulty_store_new(knobs, &with.store);
  test_scenario("%s, answer %d, at %d, %d times, reads %d", faulty_step_names[knobs->step],
                (int)knobs->answer, (int)knobs->fault_at, (int)knobs->fault_times, reads);
  test_clinic_start(&of, &with, &ask);
  int32_t status = fhx_job_run(of.job, NULL);
  for (int i = 0; i < errors && status != FHX_OK; i++) {
    faulty_store_heal(store);
    sleep_us(LEASE_US);
    status = fhx_job_run(of.job, NULL);
  }
  test_require_status(status, FHX_OK);
  test_require(faulty_store_calls(store, knobs->step) >= knobs->fault_at);
  faulty_store_heal(store);
  free(test_clinic_check(&of, &ask, 2));
  test_export_end(&of);
  fhx_store_free(with.store);
  faulty_store_end(store);
}

/* Steps, and how often each is taken at least: few texts are new to the store. */
static const struct {
  faulty_step step;
  uint64_t count;
} watched[] = {{FAULTY_ADD_MEMBERS, 4}, {FAULTY_LIST_MEMBERS, 13}, {FAULTY_RECORD_CHECKPOINT, 12}};
#define WATCHED (sizeof watched / sizeof *watched)

static void few_answers_are_lost(void **state) {
  (void)state;
  for (size_t i = 0; i < WATCHED; i++) {
    for (int answer = 0; answer < FAULTY_ANSWERS; answer++) {
      for (uint64_t at = 1; at <= watched[i].count; at += 2) {
        const faulty_knobs knobs = {
            watched[i].step, (faulty_answer)answer, at, 1 + at % 3, NULL, NULL};
        if (test_is_quick() && ((size_t)answer + i + at / 2) % 5 != 0) continue;
        run_over(&knobs, at % 4 == 1, 0);
      }
    }
  }
}

/* The process gives up, at steps of all phases in turn: between what was noted and its checkpoint
   too. Whoever goes on loses none. */
static void the_store_is_gone_for_a_while(void **state) {
  (void)state;
  for (size_t i = 0; i < WATCHED; i++) {
    for (uint64_t at = 1; at <= watched[i].count; at++) {
      const faulty_answer answer = at % 2 == 0 ? FAULTY_FAILS : FAULTY_TAKEN_SILENT;
      const faulty_knobs knobs = {watched[i].step, answer, at, 0, NULL, NULL};
      if (test_is_quick() && at % 3 != 0) continue;
      run_over(&knobs, at % 4 < 2, 3);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(only_named_types),
      cmocka_unit_test(nothing_is_asked_for),
      cmocka_unit_test(doubles_are_not_stored),
      cmocka_unit_test(many_are_stored_early),
      cmocka_unit_test(a_refusal_ends_the_attempt),
      cmocka_unit_test(a_store_that_fails_ends_the_attempt),
      cmocka_unit_test(a_cancelled_job_ends_the_attempt),
      cmocka_unit_test(memory_runs_out),
      cmocka_unit_test(few_answers_are_lost),
      cmocka_unit_test(the_store_is_gone_for_a_while),
  };
  return cmocka_run_group_tests_name("wanted resources", tests, make_data, test_dataset_end);
}
