/* What a store must do for workers and cleaners: renew, checkpoint, release, remove, clean. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

#include "store_fixture.h"

/* --- renew_task --- */

static void renewing_keeps_the_task(void **state) {
  fixture *f = *state;
  assert_int_equal(step_create(f, JOB_A), FHX_OK);
  assert_int_equal(step_claim(f, JOB_A, "planner"), FHX_OK);
  assert_int_equal(step_plan(f, JOB_A, 1, 1), FHX_OK);
  assert_int_equal(step_claim(f, JOB_A, "one"), FHX_OK);
  f->now_us += LEASE_US - 1;
  assert_int_equal(step_renew(f, JOB_A, 1, 1, 4), FHX_OK);
  f->now_us += LEASE_US - 1;
  assert_int_equal(step_claim(f, JOB_A, "two"), FHX_WAIT);
  assert_int_equal(step_renew(f, JOB_A, 1, 1, 2), FHX_OK);
  assert_int_equal(step_list_attempts(f, JOB_A, 1, 0, 9), 1);
  assert_int_equal(fixture_attempt_at(f, 0)->last_seq, 4);
  assert_int_equal(step_advance(f, JOB_A, 1, 1, 1, "t", 0), FHX_OK);
  assert_int_equal(step_list_attempts(f, JOB_A, 1, 0, 9), 1);
  assert_int_equal(fixture_attempt_at(f, 0)->last_seq, 4);
  /* Lapsed, but taken by nobody. */
  f->now_us += 2 * LEASE_US;
  assert_int_equal(step_renew(f, JOB_A, 1, 1, 0), FHX_OK);
  assert_int_equal(step_claim(f, JOB_A, "two"), FHX_WAIT);
  f->now_us += LEASE_US;
  assert_int_equal(step_claim(f, JOB_A, "two"), FHX_OK);
  assert_int_equal(step_renew(f, JOB_A, 1, 1, 9), FHX_ERR_REFUSED);
  assert_int_equal(step_renew(f, JOB_A, 1, 3, 9), FHX_ERR_REFUSED);
  assert_int_equal(step_renew(f, JOB_A, 1, 2, 0), FHX_OK);
  assert_int_equal(step_list_attempts(f, JOB_A, 1, 0, 9), 2);
  assert_int_equal(fixture_attempt_at(f, 0)->last_seq, 4);
  assert_int_equal(fixture_attempt_at(f, 1)->last_seq, 1);
  assert_int_equal(step_release(f, JOB_A, 1, 2, FHX_RELEASE_PARKED), FHX_OK);
  assert_int_equal(step_renew(f, JOB_A, 1, 2, 0), FHX_ERR_REFUSED);
}

static void a_lease_may_be_endless(void **state) {
  fixture *f = *state;
  fhx_error *error = NULL;
  assert_int_equal(step_create(f, JOB_A), FHX_OK);
  assert_int_equal(step_claim(f, JOB_A, "one"), FHX_OK);
  int32_t status = fhx__store_renew_task(fixture_store(f), JOB_A, 0, 1, 0, 0, INT64_MAX, &error);
  assert_int_equal(fixture_seen(status, &error), FHX_OK);
  f->now_us += 1000 * (int64_t)LEASE_US;
  assert_int_equal(step_claim(f, JOB_A, "two"), FHX_WAIT);
}

static void assert_mark(fixture *f, uint64_t expected) {
  assert_int_equal(step_read_job(f, JOB_A), FHX_OK);
  assert_int_equal(f->job.record.resource_mark, expected);
}

/* What clients have been shown never goes down (STAT-03), although the counts do. */
static void the_resource_mark_only_rises(void **state) {
  fixture *f = *state;
  fixture_planned_job(f, JOB_A);
  assert_mark(f, 0);
  assert_int_equal(step_claim(f, JOB_A, "one"), FHX_OK);
  assert_int_equal(step_claim(f, JOB_A, "two"), FHX_OK);
  assert_int_equal(step_tell(f, JOB_A, 1, 1, 7), FHX_OK);
  assert_mark(f, 7);
  assert_int_equal(step_tell(f, JOB_A, 1, 1, 3), FHX_OK);
  assert_mark(f, 7);
  assert_int_equal(step_tell(f, JOB_A, 2, 1, 4), FHX_OK);
  assert_mark(f, 11);
  /* 10 of them are recorded; what was told belongs to the same ones. */
  assert_int_equal(step_advance(f, JOB_A, 1, 1, 1, NULL, 0), FHX_OK);
  assert_mark(f, 14);
  assert_int_equal(step_tell(f, JOB_A, 1, 2, 99), FHX_ERR_REFUSED);
  /* Without a token the task begins again. */
  assert_int_equal(step_release(f, JOB_A, 1, 1, FHX_RELEASE_RETRY), FHX_OK);
  assert_int_equal(step_claim(f, JOB_A, "three"), FHX_OK);
  assert_int_equal(f->task.record.task_index, 1);
  assert_int_equal(f->task.record.resource_count, 0);
  assert_mark(f, 14);
  assert_int_equal(f->job.record.resource_count, 0);
  assert_int_equal(step_tell(f, JOB_A, 1, 2, 9), FHX_OK);
  assert_mark(f, 14);
  assert_int_equal(step_tell(f, JOB_A, 1, 2, 12), FHX_OK);
  assert_mark(f, 16);
}

/* --- record_checkpoint --- */

static void a_checkpoint_is_recorded_whole(void **state) {
  fixture *f = *state;
  fixture_planned_job(f, JOB_A);
  assert_int_equal(step_claim(f, JOB_A, "one"), FHX_OK);
  fhx_part parts[3] = {fixture_part(JOB_A, 1, 1, 1), fixture_part(JOB_A, 1, 1, 2),
                       fixture_part(JOB_A, 1, 1, 3)};
  parts[2].kind = FHX_PART_ERROR;
  parts[2].byte_count = UINT64_C(1) << 40;
  parts[2].error_count = parts[2].resource_count - 1;
  parts[2].warning_count = 1;
  parts[1].encoding = FHX_ENCODING_GZIP;
  parts[1].stored_byte_count = (UINT64_C(1) << 40) + 1;
  memcpy(parts[1].name + strlen(parts[1].name), ".gz", sizeof ".gz");
  fhx_checkpoint checkpoint = fixture_checkpoint(JOB_A, 1, 1, 1, parts);
  checkpoint.part_count = 3;
  checkpoint.next_seq = 4;
  checkpoint.token = "to\0ken";
  checkpoint.token_len = 6;
  assert_int_equal(step_record(f, &checkpoint), FHX_OK);
  assert_int_equal(step_list_parts(f, JOB_A, 0, 0, 9), 3);
  for (uint32_t i = 0; i < 3; i++) {
    const fhx_part *got = fixture_part_at(f, i);
    assert_int_equal(got->kind, parts[i].kind);
    assert_int_equal(got->task_index, 1);
    assert_int_equal(got->fence, 1);
    assert_int_equal(got->seq, i + 1);
    assert_int_equal(got->resource_count, parts[i].resource_count);
    assert_int_equal(got->byte_count, parts[i].byte_count);
    assert_int_equal(got->encoding, parts[i].encoding);
    assert_int_equal(fhx_part_stored_byte_count(got), fhx_part_stored_byte_count(&parts[i]));
    assert_int_equal(got->error_count, parts[i].error_count);
    assert_int_equal(got->warning_count, parts[i].warning_count);
    assert_int_equal(got->crc32c, parts[i].crc32c);
    assert_int_equal(got->has_sha256, parts[i].has_sha256);
    assert_memory_equal(got->sha256, parts[i].sha256, sizeof got->sha256);
    assert_string_equal(got->resource_type, parts[i].resource_type);
    assert_string_equal(got->name, parts[i].name);
  }
  assert_int_equal(step_list_lines(f, JOB_A, 0, 9), 2);
  assert_int_equal(f->list.len, 19);
  assert_memory_equal(f->list.data, "first\0line|\nsecond|", 19);
  assert_int_equal(step_read_task(f, JOB_A, 1), FHX_OK);
  assert_int_equal(f->task.record.state, FHX_TASK_RUNNING);
  assert_int_equal(f->task.record.next_seq, 4);
  assert_int_equal(f->task.record.first_seq, 1);
  assert_int_equal(f->task.record.token_len, 6);
  assert_memory_equal(f->task.record.token, "to\0ken", 6);
  assert_string_equal(f->task.record.last_id, "last-id");
  assert_int_equal(f->task.record.attempt_count, 0);
  assert_int_equal(f->task.record.error_count, 2);
  assert_int_equal(step_list_attempts(f, JOB_A, 1, 0, 9), 1);
  assert_int_equal(fixture_attempt_at(f, 0)->last_seq, 3);
  assert_false(fixture_attempt_at(f, 0)->finished);
}

static void a_checkpoint_is_recorded_once(void **state) {
  fixture *f = *state;
  fhx__buffer before = {0}, after = {0};
  fixture_planned_job(f, JOB_A);
  assert_int_equal(step_advance(f, JOB_A, 1, 1, 1, "t", 0), FHX_ERR_REFUSED);
  assert_int_equal(step_claim(f, JOB_A, "one"), FHX_OK);
  assert_int_equal(step_claim(f, JOB_A, "two"), FHX_OK);
  assert_int_equal(step_advance(f, JOB_A, 1, 1, 1, "t", 0), FHX_OK);
  fixture_photograph(f, JOB_A, &before);
  assert_int_equal(step_advance(f, JOB_A, 1, 1, 1, "u", 0), FHX_ERR_REFUSED);
  assert_int_equal(step_advance(f, JOB_A, 1, 1, 3, "u", 0), FHX_ERR_REFUSED);
  assert_int_equal(step_advance(f, JOB_A, 1, 2, 2, "u", 0), FHX_ERR_REFUSED);
  assert_int_equal(step_advance(f, JOB_A, 3, 1, 1, "u", 0), FHX_ERR_REFUSED);
  fixture_photograph(f, JOB_A, &after);
  assert_same_buffer(before, after);
  f->now_us += LEASE_US;
  assert_int_equal(step_claim(f, JOB_A, "three"), FHX_OK);
  assert_int_equal(f->task.record.task_index, 1);
  assert_int_equal(step_advance(f, JOB_A, 1, 1, 2, "u", 1), FHX_ERR_REFUSED);
  assert_int_equal(step_advance(f, JOB_A, 1, 2, 2, "u", 1), FHX_OK);
  fixture_photograph(f, JOB_A, &before);
  assert_int_equal(step_advance(f, JOB_A, 1, 2, 3, "u", 1), FHX_ERR_REFUSED);
  assert_int_equal(step_renew(f, JOB_A, 1, 2, 3), FHX_ERR_REFUSED);
  fixture_photograph(f, JOB_A, &after);
  assert_same_buffer(before, after);
  fhx__buffer_free(&before);
  fhx__buffer_free(&after);
}

static void a_checkpoint_may_be_empty(void **state) {
  fixture *f = *state;
  assert_int_equal(step_create(f, JOB_A), FHX_OK);
  assert_int_equal(step_claim(f, JOB_A, "planner"), FHX_OK);
  assert_int_equal(step_plan(f, JOB_A, 1, 1), FHX_OK);
  assert_int_equal(step_claim(f, JOB_A, "one"), FHX_OK);
  fhx_checkpoint checkpoint;
  memset(&checkpoint, 0, sizeof checkpoint);
  checkpoint.job_id = JOB_A;
  checkpoint.task_index = 1;
  checkpoint.fence = 1;
  checkpoint.seq = 1;
  checkpoint.next_seq = 1;
  checkpoint.done = 1;
  assert_int_equal(step_record(f, &checkpoint), FHX_OK);
  fixture_assert_state(f, JOB_A, FHX_JOB_COMPLETE);
  assert_int_equal(step_list_parts(f, JOB_A, 0, 0, 9), 0);
  assert_int_equal(step_list_lines(f, JOB_A, 0, 9), 0);
  assert_int_equal(step_list_attempts(f, JOB_A, 1, 0, 9), 1);
  assert_int_equal(fixture_attempt_at(f, 0)->last_seq, 0);
  assert_true(fixture_attempt_at(f, 0)->finished);
}

/* --- release_task --- */

static void a_parked_attempt_does_not_count(void **state) {
  fixture *f = *state;
  fixture_planned_job(f, JOB_A);
  for (uint32_t i = 1; i <= 3 * ATTEMPTS_MAX; i++) {
    assert_int_equal(step_claim(f, JOB_A, "one"), FHX_OK);
    assert_int_equal(f->task.record.task_index, 1);
    assert_int_equal(f->task.record.fence, i);
    assert_int_equal(f->task.record.attempt_count, 1);
    assert_int_equal(step_release(f, JOB_A, 1, i, FHX_RELEASE_PARKED), FHX_OK);
    assert_int_equal(step_release(f, JOB_A, 1, i, FHX_RELEASE_PARKED), FHX_ERR_REFUSED);
  }
  /* After a checkpoint with a token there is nothing to take back. */
  assert_int_equal(step_claim(f, JOB_A, "one"), FHX_OK);
  assert_int_equal(step_advance(f, JOB_A, 1, 10, 1, "t", 0), FHX_OK);
  assert_int_equal(step_release(f, JOB_A, 1, 10, FHX_RELEASE_PARKED), FHX_OK);
  assert_int_equal(step_read_task(f, JOB_A, 1), FHX_OK);
  assert_int_equal(f->task.record.attempt_count, 0);
  assert_int_equal(f->task.record.state, FHX_TASK_WAITING);
}

static void failed_attempts_fail_the_job(void **state) {
  fixture *f = *state;
  fixture_planned_job(f, JOB_A);
  for (uint32_t i = 1; i <= ATTEMPTS_MAX; i++) {
    fixture_assert_state(f, JOB_A, FHX_JOB_RUNNING);
    assert_int_equal(step_claim(f, JOB_A, "one"), FHX_OK);
    assert_int_equal(f->task.record.attempt_count, i);
    assert_int_equal(step_release(f, JOB_A, 1, i, FHX_RELEASE_RETRY), FHX_OK);
  }
  fixture_assert_state(f, JOB_A, FHX_JOB_FAILED);
  assert_int_equal(f->job.record.reason_status, FHX_ERR_SOURCE);
  assert_string_equal(f->job.record.reason, "the source is gone");
  assert_int_equal(f->job.record.cleanup_due, 1);
  assert_int_equal(step_claim(f, JOB_A, "one"), FHX_END);
}

static void a_failed_job_leaves_its_workers_their_leases(void **state) {
  fixture *f = *state;
  fixture_planned_job(f, JOB_A);
  assert_int_equal(step_claim(f, JOB_A, "one"), FHX_OK);
  assert_int_equal(step_claim(f, JOB_A, "two"), FHX_OK);
  assert_int_equal(step_claim(f, JOB_A, "three"), FHX_OK);
  assert_int_equal(step_release(f, JOB_A, 1, 1, FHX_RELEASE_FAIL), FHX_OK);
  fixture_assert_state(f, JOB_A, FHX_JOB_FAILED);
  assert_int_equal(step_claim(f, JOB_A, "two"), FHX_END);
  assert_int_equal(step_renew(f, JOB_A, 2, 1, 5), FHX_ERR_REFUSED);
  assert_int_equal(step_advance(f, JOB_A, 2, 1, 1, "t", 0), FHX_ERR_REFUSED);
  assert_int_equal(step_clean(f, JOB_A), FHX_WAIT);
  /* Only the lease is given up: the reason stays that of the first failure. */
  assert_int_equal(step_release(f, JOB_A, 2, 2, FHX_RELEASE_FAIL), FHX_ERR_REFUSED);
  assert_int_equal(step_read_task(f, JOB_A, 2), FHX_OK);
  assert_int_equal(f->task.record.attempt_count, 1);
  fhx_error *error = NULL;
  int32_t status = fhx__store_release_task(fixture_store(f), JOB_A, 2, 1, FHX_RELEASE_FAIL,
                                           ATTEMPTS_MAX, FHX_ERR_IO, "a second reason", &error);
  assert_int_equal(fixture_seen(status, &error), FHX_OK);
  assert_int_equal(step_read_job(f, JOB_A), FHX_OK);
  assert_string_equal(f->job.record.reason, "the source is gone");
  assert_int_equal(step_read_task(f, JOB_A, 2), FHX_OK);
  assert_int_equal(f->task.record.state, FHX_TASK_WAITING);
  assert_int_equal(step_clean(f, JOB_A), FHX_WAIT);
  f->now_us += LEASE_US;
  assert_int_equal(step_clean(f, JOB_A), FHX_OK);
}

/* --- remove_job, clean_job --- */

static void a_running_job_is_removed_when_its_workers_are_gone(void **state) {
  fixture *f = *state;
  fixture_planned_job(f, JOB_A);
  fixture_planned_job(f, JOB_B);
  assert_int_equal(step_claim(f, JOB_A, "one"), FHX_OK);
  assert_int_equal(step_claim(f, JOB_B, "two"), FHX_OK);
  assert_int_equal(step_advance(f, JOB_A, 1, 1, 1, "t", 0), FHX_OK);
  assert_int_equal(step_advance(f, JOB_B, 1, 1, 1, "t", 0), FHX_OK);
  assert_int_equal(step_clean(f, JOB_A), FHX_ERR_REFUSED);
  assert_int_equal(step_remove(f, JOB_A), FHX_OK);
  fixture_assert_state(f, JOB_A, FHX_JOB_REMOVING);
  assert_int_equal(f->job.record.cleanup_due, 1);
  assert_int_equal(f->job.record.ended_us, f->now_us);
  assert_int_equal(step_remove(f, JOB_A), FHX_OK);
  assert_int_equal(step_claim(f, JOB_A, "one"), FHX_END);
  assert_int_equal(step_renew(f, JOB_A, 1, 1, 5), FHX_ERR_NOT_FOUND);
  assert_int_equal(step_advance(f, JOB_A, 1, 1, 2, "t", 0), FHX_ERR_NOT_FOUND);
  assert_int_equal(step_list_parts(f, JOB_A, 0, 0, 9), 1);
  assert_int_equal(step_list_attempts(f, JOB_A, 0, 0, 9), 2);
  assert_int_equal(step_clean(f, JOB_A), FHX_WAIT);
  assert_int_equal(step_release(f, JOB_A, 1, 1, FHX_RELEASE_RETRY), FHX_OK);
  fixture_assert_state(f, JOB_A, FHX_JOB_REMOVING);
  assert_int_equal(step_clean(f, JOB_A), FHX_OK);
  assert_int_equal(step_read_job(f, JOB_A), FHX_ERR_NOT_FOUND);
  assert_int_equal(step_read_task(f, JOB_A, 0), FHX_ERR_NOT_FOUND);
  assert_int_equal(step_clean(f, JOB_A), FHX_ERR_NOT_FOUND);
  assert_int_equal(step_remove(f, JOB_A), FHX_ERR_NOT_FOUND);
  /* The other job is untouched, and the id is free again without anything of the old job. */
  fixture_assert_sums(f, JOB_B, 10, 1000, 2);
  assert_int_equal(step_list_parts(f, JOB_B, 0, 0, 9), 1);
  assert_int_equal(step_create(f, JOB_A), FHX_OK);
  assert_int_equal(step_list_parts(f, JOB_A, 0, 0, 9), 0);
  assert_int_equal(step_list_attempts(f, JOB_A, 0, 0, 9), 0);
  assert_int_equal(step_list_lines(f, JOB_A, 0, 9), 0);
}

static void a_failed_job_is_cleaned_and_stays(void **state) {
  fixture *f = *state;
  fixture_planned_job(f, JOB_A);
  assert_int_equal(step_claim(f, JOB_A, "one"), FHX_OK);
  assert_int_equal(step_advance(f, JOB_A, 1, 1, 1, "t", 0), FHX_OK);
  assert_int_equal(step_release(f, JOB_A, 1, 1, FHX_RELEASE_FAIL), FHX_OK);
  assert_int_equal(step_list_parts(f, JOB_A, 0, 0, 9), 1);
  assert_int_equal(step_clean(f, JOB_A), FHX_OK);
  fixture_assert_state(f, JOB_A, FHX_JOB_FAILED);
  assert_int_equal(f->job.record.cleanup_due, 0);
  assert_string_equal(f->job.record.reason, "the source is gone");
  assert_int_equal(step_list_parts(f, JOB_A, 0, 0, 9), 0);
  assert_int_equal(step_list_attempts(f, JOB_A, 0, 0, 9), 0);
  assert_int_equal(step_list_lines(f, JOB_A, 0, 9), 0);
  assert_int_equal(step_clean(f, JOB_A), FHX_ERR_REFUSED);
  const int64_t ended_us = f->job.record.ended_us;
  f->now_us += 5;
  assert_int_equal(step_remove(f, JOB_A), FHX_OK);
  fixture_assert_state(f, JOB_A, FHX_JOB_REMOVING);
  assert_int_equal(f->job.record.cleanup_due, 1);
  assert_int_equal(f->job.record.ended_us, ended_us);
  assert_int_equal(step_clean(f, JOB_A), FHX_OK);
  assert_int_equal(step_read_job(f, JOB_A), FHX_ERR_NOT_FOUND);
}

static void a_complete_job_can_be_removed(void **state) {
  fixture *f = *state;
  assert_int_equal(step_create(f, JOB_A), FHX_OK);
  assert_int_equal(step_claim(f, JOB_A, "planner"), FHX_OK);
  assert_int_equal(step_plan(f, JOB_A, 1, 1), FHX_OK);
  assert_int_equal(step_claim(f, JOB_A, "one"), FHX_OK);
  assert_int_equal(step_advance(f, JOB_A, 1, 1, 1, NULL, 1), FHX_OK);
  fixture_assert_state(f, JOB_A, FHX_JOB_COMPLETE);
  assert_int_equal(step_renew(f, JOB_A, 1, 1, 1), FHX_ERR_REFUSED);
  assert_int_equal(step_release(f, JOB_A, 1, 1, FHX_RELEASE_FAIL), FHX_ERR_REFUSED);
  assert_int_equal(step_clean(f, JOB_A), FHX_ERR_REFUSED);
  assert_int_equal(step_list_parts(f, JOB_A, 0, 0, 9), 1);
  assert_int_equal(step_remove(f, JOB_A), FHX_OK);
  assert_int_equal(step_list_parts(f, JOB_A, 0, 0, 9), 1);
  assert_int_equal(step_clean(f, JOB_A), FHX_OK);
  assert_int_equal(step_read_job(f, JOB_A), FHX_ERR_NOT_FOUND);
}

int store_conformance_run_work(const store_conformance *subject) {
  store_conformance initial = *subject;
  const struct CMUnitTest tests[] = {
      FIXTURE_TEST(renewing_keeps_the_task),
      FIXTURE_TEST(a_lease_may_be_endless),
      FIXTURE_TEST(the_resource_mark_only_rises),
      FIXTURE_TEST(a_checkpoint_is_recorded_whole),
      FIXTURE_TEST(a_checkpoint_is_recorded_once),
      FIXTURE_TEST(a_checkpoint_may_be_empty),
      FIXTURE_TEST(a_parked_attempt_does_not_count),
      FIXTURE_TEST(failed_attempts_fail_the_job),
      FIXTURE_TEST(a_failed_job_leaves_its_workers_their_leases),
      FIXTURE_TEST(a_running_job_is_removed_when_its_workers_are_gone),
      FIXTURE_TEST(a_failed_job_is_cleaned_and_stays),
      FIXTURE_TEST(a_complete_job_can_be_removed),
  };
  return cmocka_run_group_tests_name(subject->name, tests, NULL, NULL);
}
