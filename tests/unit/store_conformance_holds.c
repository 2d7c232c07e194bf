/* What a store must do that holds jobs: a held job's tasks are for those who name it, until the
   hold lapses or is given up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

#include "store_create.h"
#include "store_fixture.h"

#define HOLD_US INT64_C(90000000)

static int32_t create_held(fixture *f, const char *job_id, int64_t hold_us) {
  fhx_error *error = NULL;
  fhx_job_record record = fixture_job_record(job_id);
  record.hold_us = hold_us;
  return fixture_seen(store_create_job(fixture_store(f), &record, &error), &error);
}

static int32_t hold(fixture *f, const char *job_id, int64_t hold_us) {
  fhx_error *error = NULL;
  return fixture_seen(fhx__store_hold_job(fixture_store(f), job_id, hold_us, &error), &error);
}

static void assert_left(fixture *f, const char *job_id, int64_t hold_us) {
  assert_int_equal(step_read_job(f, job_id), FHX_OK);
  assert_int_equal(f->job.record.hold_us, hold_us);
}

static void a_held_job_is_for_those_who_name_it(void **state) {
  fixture *f = *state;
  assert_int_equal(create_held(f, JOB_A, HOLD_US), FHX_OK);
  assert_int_equal(step_claim(f, NULL, "one"), FHX_WAIT);
  assert_true(f->wait_us > 0 && f->wait_us <= HOLD_US);
  assert_int_equal(step_claim(f, JOB_A, "two"), FHX_OK);
  assert_string_equal(f->task.record.job_id, JOB_A);
  assert_int_equal(f->task.record.fence, 1);
  /* The answer to its claim was lost: it asks for any job, or for this one. */
  assert_int_equal(step_claim(f, NULL, "two"), FHX_OK);
  assert_int_equal(f->task.record.fence, 1);
}

static void others_are_given_meanwhile(void **state) {
  fixture *f = *state;
  assert_int_equal(create_held(f, JOB_A, HOLD_US), FHX_OK);
  assert_int_equal(step_create(f, JOB_B), FHX_OK);
  assert_int_equal(step_claim(f, NULL, "one"), FHX_OK);
  assert_string_equal(f->task.record.job_id, JOB_B);
  assert_int_equal(step_claim(f, NULL, "two"), FHX_WAIT);
}

static void a_hold_lapses(void **state) {
  fixture *f = *state;
  assert_int_equal(create_held(f, JOB_A, HOLD_US), FHX_OK);
  assert_left(f, JOB_A, HOLD_US);
  f->now_us += HOLD_US - 1;
  assert_left(f, JOB_A, 1);
  assert_int_equal(step_claim(f, NULL, "one"), FHX_WAIT);
  f->now_us += 1;
  assert_left(f, JOB_A, 0);
  assert_int_equal(step_claim(f, NULL, "one"), FHX_OK);
  f->now_us += HOLD_US;
  assert_left(f, JOB_A, 0);
}

static void a_hold_is_renewed_and_given_up(void **state) {
  fixture *f = *state;
  assert_int_equal(create_held(f, JOB_A, HOLD_US), FHX_OK);
  f->now_us += HOLD_US - 1;
  assert_int_equal(hold(f, JOB_A, HOLD_US), FHX_OK);
  assert_left(f, JOB_A, HOLD_US);
  f->now_us += 1;
  assert_int_equal(step_claim(f, NULL, "one"), FHX_WAIT);
  /* Also to less than is left, and after it has lapsed. */
  assert_int_equal(hold(f, JOB_A, 5), FHX_OK);
  assert_left(f, JOB_A, 5);
  f->now_us += 5;
  assert_int_equal(hold(f, JOB_A, HOLD_US), FHX_OK);
  assert_int_equal(step_claim(f, NULL, "one"), FHX_WAIT);
  assert_int_equal(hold(f, JOB_A, 0), FHX_OK);
  assert_left(f, JOB_A, 0);
  assert_int_equal(step_claim(f, NULL, "one"), FHX_OK);
}

/* Somebody who has claimed before goes on, whoever holds the job. */
static void a_hold_takes_no_task_away(void **state) {
  fixture *f = *state;
  fixture_planned_job(f, JOB_A);
  assert_int_equal(step_claim(f, NULL, "one"), FHX_OK);
  const uint32_t task_index = f->task.record.task_index;
  assert_int_equal(hold(f, JOB_A, HOLD_US), FHX_OK);
  assert_int_equal(step_renew(f, JOB_A, task_index, 1, 1), FHX_OK);
  assert_int_equal(step_advance(f, JOB_A, task_index, 1, 1, NULL, 1), FHX_OK);
}

static void a_job_that_is_over_is_held_while_it_has_objects(void **state) {
  fixture *f = *state;
  assert_int_equal(create_held(f, JOB_A, 1), FHX_OK);
  assert_int_equal(step_claim(f, JOB_A, "one"), FHX_OK);
  assert_int_equal(step_release(f, JOB_A, 0, 1, FHX_RELEASE_FAIL), FHX_OK);
  assert_int_equal(hold(f, JOB_A, HOLD_US), FHX_OK);
  assert_left(f, JOB_A, HOLD_US);
  fixture_assert_state(f, JOB_A, FHX_JOB_FAILED);
  assert_int_equal(step_clean(f, JOB_A), FHX_OK);
  assert_int_equal(hold(f, JOB_A, HOLD_US), FHX_ERR_REFUSED);
  assert_int_equal(step_remove(f, JOB_A), FHX_OK);
  assert_int_equal(hold(f, JOB_A, HOLD_US), FHX_OK);
  assert_left(f, JOB_A, HOLD_US);
  assert_int_equal(step_clean(f, JOB_A), FHX_OK);
  assert_int_equal(hold(f, JOB_A, HOLD_US), FHX_ERR_NOT_FOUND);
}

static void a_complete_job_is_not_held(void **state) {
  fixture *f = *state;
  assert_int_equal(create_held(f, JOB_A, HOLD_US), FHX_OK);
  assert_int_equal(step_claim(f, JOB_A, "one"), FHX_OK);
  assert_int_equal(step_plan(f, JOB_A, 1, 0), FHX_OK);
  assert_int_equal(hold(f, JOB_A, HOLD_US), FHX_ERR_REFUSED);
  assert_int_equal(hold(f, JOB_B, HOLD_US), FHX_ERR_NOT_FOUND);
  assert_int_equal(step_claim(f, NULL, "two"), FHX_END);
}

int store_conformance_run_holds(const store_conformance *subject) {
  store_conformance initial = *subject;
  const struct CMUnitTest tests[] = {
      FIXTURE_TEST(a_held_job_is_for_those_who_name_it),
      FIXTURE_TEST(others_are_given_meanwhile),
      FIXTURE_TEST(a_hold_lapses),
      FIXTURE_TEST(a_hold_is_renewed_and_given_up),
      FIXTURE_TEST(a_hold_takes_no_task_away),
      FIXTURE_TEST(a_job_that_is_over_is_held_while_it_has_objects),
      FIXTURE_TEST(a_complete_job_is_not_held),
  };
  return cmocka_run_group_tests_name(subject->name, tests, NULL, NULL);
}
