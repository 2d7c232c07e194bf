/* What a store must do to keep itself in bounds: limits on running jobs, jobs whose time is over,
   and finding those that are to be cleaned up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

#include "store_create.h"
#include "store_fixture.h"

#define JOB_C "00000000000000000000000000000000"
#define JOB_D "ffffffffffffffffffffffffffffffff"

/* --- limits of create_job --- */

static int32_t create_as(fixture *f, const char *job_id, const char *tenant, const char *client,
                         uint32_t jobs_max, uint32_t jobs_per_client_max) {
  fhx_error *error = NULL;
  fhx_job_record record = fixture_job_record(job_id);
  record.tenant = tenant;
  record.client = client;
  record.jobs_max = jobs_max;
  record.jobs_per_client_max = jobs_per_client_max;
  return fixture_seen(store_create_job(fixture_store(f), &record, &error), &error);
}

/* Ends a job that was just created: an empty plan completes it. */
static void complete_job(fixture *f, const char *job_id) {
  assert_int_equal(step_claim(f, job_id, job_id), FHX_OK);
  assert_int_equal(step_plan(f, job_id, 1, 0), FHX_OK);
  fixture_assert_state(f, job_id, FHX_JOB_COMPLETE);
}

static void fail_job(fixture *f, const char *job_id) {
  assert_int_equal(step_claim(f, job_id, job_id), FHX_OK);
  assert_int_equal(step_release(f, job_id, 0, 1, FHX_RELEASE_FAIL), FHX_OK);
  fixture_assert_state(f, job_id, FHX_JOB_FAILED);
}

static void a_refused_job_leaves_nothing(void **state) {
  fixture *f = *state;
  fhx__buffer before = {0}, after = {0};
  assert_int_equal(create_as(f, JOB_A, "t", "c", 1, 1), FHX_OK);
  fixture_photograph(f, JOB_A, &before);
  assert_int_equal(create_as(f, JOB_B, "t", "c", 1, 0), FHX_ERR_LIMIT);
  assert_int_equal(create_as(f, JOB_B, "t", "c", 0, 1), FHX_ERR_LIMIT);
  fixture_photograph(f, JOB_A, &after);
  assert_same_buffer(before, after);
  assert_int_equal(step_read_job(f, JOB_B), FHX_ERR_NOT_FOUND);
  assert_int_equal(step_read_task(f, JOB_B, 0), FHX_ERR_NOT_FOUND);
  assert_int_equal(step_claim(f, NULL, "one"), FHX_OK);
  assert_string_equal(f->task.record.job_id, JOB_A);
  assert_int_equal(step_claim(f, NULL, "two"), FHX_WAIT);
  /* The limits are the new job's, not the store's, and are not kept. */
  assert_int_equal(create_as(f, JOB_B, "t", "c", 0, 0), FHX_OK);
  assert_int_equal(step_read_job(f, JOB_B), FHX_OK);
  assert_int_equal(f->job.record.jobs_max, 0);
  assert_int_equal(f->job.record.jobs_per_client_max, 0);
  assert_int_equal(create_as(f, JOB_C, "t", "c", UINT32_MAX, UINT32_MAX), FHX_OK);
  fhx__buffer_free(&before);
  fhx__buffer_free(&after);
}

/* A create_job whose answer was lost is repeated: then the job itself fills the limit. */
static void a_job_that_exists_comes_before_the_limit(void **state) {
  fixture *f = *state;
  assert_int_equal(create_as(f, JOB_A, "t", "c", 1, 1), FHX_OK);
  assert_int_equal(create_as(f, JOB_A, "t", "c", 1, 1), FHX_ERR_EXISTS);
}

/* KICK-14 */
static void all_running_jobs_count(void **state) {
  fixture *f = *state;
  assert_int_equal(create_as(f, JOB_A, "t1", "c1", 2, 0), FHX_OK);
  assert_int_equal(create_as(f, JOB_B, "t2", "c2", 2, 0), FHX_OK);
  assert_int_equal(create_as(f, JOB_C, "t3", "c3", 2, 0), FHX_ERR_LIMIT);
  assert_int_equal(create_as(f, JOB_C, "t3", "c3", 1, 0), FHX_ERR_LIMIT);
  assert_int_equal(create_as(f, JOB_C, "t3", "c3", 2, 9), FHX_ERR_LIMIT);
  assert_int_equal(create_as(f, JOB_C, "t3", "c3", 3, 1), FHX_OK);
}

/* AUTH-19: a client is one of its tenant; another tenant's of the same name is somebody else. */
static void the_clients_running_jobs_count(void **state) {
  fixture *f = *state;
  assert_int_equal(create_as(f, JOB_A, "t", "c", 0, 1), FHX_OK);
  assert_int_equal(create_as(f, JOB_B, "t", "c", 0, 1), FHX_ERR_LIMIT);
  assert_int_equal(create_as(f, JOB_B, "t", "c", 9, 1), FHX_ERR_LIMIT);
  assert_int_equal(create_as(f, JOB_B, "t", "c2", 0, 1), FHX_OK);
  assert_int_equal(create_as(f, JOB_C, "t2", "c", 0, 1), FHX_OK);
  assert_int_equal(create_as(f, JOB_D, "", "", 0, 1), FHX_OK);
  assert_int_equal(create_as(f, "11111111111111111111111111111111", NULL, NULL, 0, 1),
                   FHX_ERR_LIMIT);
}

/* KICK-15: above all a DELETE frees its place at once. */
static void jobs_that_are_over_do_not_count(void **state) {
  fixture *f = *state;
  assert_int_equal(create_as(f, JOB_A, "t", "c", 1, 1), FHX_OK);
  complete_job(f, JOB_A);
  assert_int_equal(create_as(f, JOB_B, "t", "c", 1, 1), FHX_OK);
  fail_job(f, JOB_B);
  assert_int_equal(create_as(f, JOB_C, "t", "c", 1, 1), FHX_OK);
  assert_int_equal(step_remove(f, JOB_C), FHX_OK);
  assert_int_equal(create_as(f, JOB_D, "t", "c", 1, 1), FHX_OK);
}

/* --- next_cleanup --- */

/* FHX_OK when `expected` is the next one, FHX_END for NULL when there is none. */
static void assert_next(fixture *f, int64_t keep_us, const char *after_job_id,
                        const char *expected) {
  fhx_error *error = NULL;
  char job_id[FHX__JOB_ID_LEN + 1] = "";
  int32_t status = fhx__store_next_cleanup(fixture_store(f), keep_us, after_job_id, job_id, &error);
  assert_int_equal(fixture_seen(status, &error), expected == NULL ? FHX_END : FHX_OK);
  assert_string_equal(job_id, expected == NULL ? "" : expected);
}

static void a_job_is_kept_for_its_time(void **state) {
  fixture *f = *state;
  assert_int_equal(step_create(f, JOB_A), FHX_OK);
  f->now_us += 7;
  complete_job(f, JOB_A);
  const int64_t ended_us = f->job.record.ended_us;
  assert_int_equal(ended_us, f->now_us);
  assert_next(f, 0, NULL, NULL);
  f->now_us += 10;
  assert_next(f, 10, NULL, NULL);
  assert_next(f, INT64_MAX, NULL, NULL);
  assert_next(f, -1, NULL, NULL);
  assert_next(f, INT64_MIN, NULL, NULL);
  fixture_assert_state(f, JOB_A, FHX_JOB_COMPLETE);
  f->now_us += 1;
  assert_next(f, 10, NULL, JOB_A);
  fixture_assert_state(f, JOB_A, FHX_JOB_REMOVING);
  assert_int_equal(f->job.record.cleanup_due, 1);
  assert_int_equal(f->job.record.ended_us, ended_us);
  /* It is given until it is clean, whatever is to be kept from now on. */
  assert_next(f, -1, NULL, JOB_A);
  assert_int_equal(step_clean(f, JOB_A), FHX_OK);
  assert_next(f, 10, NULL, NULL);
  assert_int_equal(step_read_job(f, JOB_A), FHX_ERR_NOT_FOUND);
}

static void a_running_job_does_not_expire(void **state) {
  fixture *f = *state;
  fhx__buffer before = {0}, after = {0};
  fixture_planned_job(f, JOB_A);
  assert_int_equal(step_claim(f, JOB_A, "one"), FHX_OK);
  f->now_us += 1000 * (int64_t)LEASE_US;
  fixture_photograph(f, JOB_A, &before);
  assert_next(f, 0, NULL, NULL);
  fixture_photograph(f, JOB_A, &after);
  assert_same_buffer(before, after);
  fhx__buffer_free(&before);
  fhx__buffer_free(&after);
}

static void a_failed_job_is_cleaned_before_it_expires(void **state) {
  fixture *f = *state;
  assert_int_equal(step_create(f, JOB_A), FHX_OK);
  fail_job(f, JOB_A);
  f->now_us += 5;
  assert_next(f, 5, NULL, JOB_A);
  fixture_assert_state(f, JOB_A, FHX_JOB_FAILED);
  assert_int_equal(step_clean(f, JOB_A), FHX_OK);
  assert_next(f, 5, NULL, NULL);
  fixture_assert_state(f, JOB_A, FHX_JOB_FAILED);
  f->now_us += 1;
  assert_next(f, 5, NULL, JOB_A);
  fixture_assert_state(f, JOB_A, FHX_JOB_REMOVING);
  assert_string_equal(f->job.record.reason, "the source is gone");
  assert_int_equal(step_clean(f, JOB_A), FHX_OK);
  assert_int_equal(step_read_job(f, JOB_A), FHX_ERR_NOT_FOUND);
}

static void jobs_to_clean_come_in_the_order_of_their_ids(void **state) {
  fixture *f = *state;
  assert_next(f, 0, NULL, NULL);
  /* Removed, expired, failed, kept. */
  assert_int_equal(step_create(f, JOB_D), FHX_OK);
  assert_int_equal(step_remove(f, JOB_D), FHX_OK);
  assert_int_equal(step_create(f, JOB_C), FHX_OK);
  complete_job(f, JOB_C);
  f->now_us += 9;
  assert_int_equal(step_create(f, JOB_B), FHX_OK);
  fail_job(f, JOB_B);
  assert_int_equal(step_create(f, JOB_A), FHX_OK);
  complete_job(f, JOB_A);
  assert_next(f, 5, NULL, JOB_C);
  assert_next(f, 5, JOB_C, JOB_B);
  assert_next(f, 5, JOB_B, JOB_D);
  assert_next(f, 5, JOB_D, NULL);
  /* Behind an id that is not there. */
  assert_next(f, 5, JOB_A, JOB_B);
  assert_next(f, 5, "fedcba9876543210fedcba98765432ff", JOB_D);
  fixture_assert_state(f, JOB_A, FHX_JOB_COMPLETE);
  /* Jobs expire also when their ids are not asked for. */
  f->now_us += 6;
  assert_next(f, 5, JOB_D, NULL);
  fixture_assert_state(f, JOB_A, FHX_JOB_REMOVING);
  fixture_assert_state(f, JOB_B, FHX_JOB_REMOVING);
  assert_next(f, -1, JOB_C, JOB_A);
}

/* A job whose worker may still write is given too: clean_job is what waits for it. */
static void a_job_with_a_worker_is_given(void **state) {
  fixture *f = *state;
  fixture_planned_job(f, JOB_A);
  assert_int_equal(step_claim(f, JOB_A, "one"), FHX_OK);
  assert_int_equal(step_remove(f, JOB_A), FHX_OK);
  assert_next(f, -1, NULL, JOB_A);
  assert_int_equal(step_clean(f, JOB_A), FHX_WAIT);
  assert_next(f, -1, NULL, JOB_A);
  f->now_us += LEASE_US;
  assert_int_equal(step_clean(f, JOB_A), FHX_OK);
  assert_next(f, -1, NULL, NULL);
}

int store_conformance_run_upkeep(const store_conformance *subject) {
  store_conformance initial = *subject;
  const struct CMUnitTest tests[] = {
      FIXTURE_TEST(a_refused_job_leaves_nothing),
      FIXTURE_TEST(a_job_that_exists_comes_before_the_limit),
      FIXTURE_TEST(all_running_jobs_count),
      FIXTURE_TEST(the_clients_running_jobs_count),
      FIXTURE_TEST(jobs_that_are_over_do_not_count),
      FIXTURE_TEST(a_job_is_kept_for_its_time),
      FIXTURE_TEST(a_running_job_does_not_expire),
      FIXTURE_TEST(a_failed_job_is_cleaned_before_it_expires),
      FIXTURE_TEST(jobs_to_clean_come_in_the_order_of_their_ids),
      FIXTURE_TEST(a_job_with_a_worker_is_given),
  };
  return cmocka_run_group_tests_name(subject->name, tests, NULL, NULL);
}
