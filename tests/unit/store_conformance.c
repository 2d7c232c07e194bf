/* What a store must do with jobs, plans, claims and lists; the rest is in store_conformance_work.c,
   store_conformance_upkeep.c and store_conformance_members.c. */
#include "store_conformance.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

#include "store_create.h"
#include "store_fixture.h"

/* --- create_job, read_job --- */

static void a_job_is_read_as_it_was_created(void **state) {
  fixture *f = *state;
  fhx_error *error = NULL;
  char context[FHX_OPAQUE_MAX];
  for (size_t i = 0; i < sizeof context; i++) context[i] = (char)i;
  const size_t long_len = 300000;
  char *definition = malloc(long_len + 1);
  assert_non_null(definition);
  memset(definition, 'x', long_len);
  definition[long_len] = '\0';
  fhx_job_record given = fixture_job_record(JOB_A);
  given.definition = definition;
  given.host_context = context;
  given.host_context_len = sizeof context;
  assert_int_equal(fixture_seen(store_create_job(fixture_store(f), &given, &error), &error),
                   FHX_OK);
  assert_int_equal(step_read_job(f, JOB_A), FHX_OK);
  const fhx_job_record *got = &f->job.record;
  assert_int_equal(got->state, FHX_JOB_RUNNING);
  assert_string_equal(got->job_id, JOB_A);
  assert_string_equal(got->tenant, given.tenant);
  assert_string_equal(got->client, given.client);
  assert_string_equal(got->request, given.request);
  assert_string_equal(got->definition, definition);
  assert_int_equal(got->host_context_len, sizeof context);
  assert_memory_equal(got->host_context, context, sizeof context);
  assert_int_equal(got->transaction_time_us, given.transaction_time_us);
  assert_int_equal(got->resolution_us, 1000);
  assert_string_equal(got->reason, "");
  assert_int_equal(got->reason_status, 0);
  assert_int_equal(got->cleanup_due, 0);
  assert_int_equal(got->created_us, BEGINNING_US);
  assert_int_equal(got->ended_us, 0);
  assert_int_equal(got->task_count, 1);
  assert_int_equal(got->task_done_count, 0);
  free(definition);
  assert_int_equal(step_read_task(f, JOB_A, 0), FHX_OK);
  assert_int_equal(f->task.record.state, FHX_TASK_WAITING);
  assert_int_equal(f->task.record.phase, FHX_PHASE_PLAN);
  assert_int_equal(f->task.record.next_seq, 1);
  assert_int_equal(f->task.record.fence, 0);
}

static void a_job_without_texts_has_empty_ones(void **state) {
  fixture *f = *state;
  fhx_error *error = NULL;
  fhx_job_record given;
  FHX_INIT(&given);
  given.job_id = JOB_A;
  given.resolution_us = 1;
  given.transaction_time_us = INT64_C(-62135596800000000);
  assert_int_equal(fixture_seen(store_create_job(fixture_store(f), &given, &error), &error),
                   FHX_OK);
  assert_int_equal(step_read_job(f, JOB_A), FHX_OK);
  assert_string_equal(f->job.record.tenant, "");
  assert_string_equal(f->job.record.definition, "");
  assert_null(f->job.record.host_context);
  assert_int_equal(f->job.record.host_context_len, 0);
  assert_int_equal(f->job.record.transaction_time_us, given.transaction_time_us);
}

static void a_job_exists_once(void **state) {
  fixture *f = *state;
  fhx__buffer before = {0}, after = {0};
  fixture_planned_job(f, JOB_A);
  fixture_photograph(f, JOB_A, &before);
  f->now_us += 5;
  assert_int_equal(step_create(f, JOB_A), FHX_ERR_EXISTS);
  fixture_photograph(f, JOB_A, &after);
  assert_same_buffer(before, after);
  assert_int_equal(step_remove(f, JOB_A), FHX_OK);
  assert_int_equal(step_create(f, JOB_A), FHX_ERR_EXISTS);
  fhx__buffer_free(&before);
  fhx__buffer_free(&after);
}

static void an_unknown_job_is_not_found(void **state) {
  fixture *f = *state;
  fhx_error *error = NULL;
  assert_int_equal(step_create(f, JOB_A), FHX_OK);
  assert_int_equal(step_read_job(f, JOB_B), FHX_ERR_NOT_FOUND);
  assert_int_equal(step_claim(f, JOB_B, "w"), FHX_ERR_NOT_FOUND);
  assert_int_equal(step_renew(f, JOB_B, 0, 1, 1), FHX_ERR_NOT_FOUND);
  assert_int_equal(step_plan(f, JOB_B, 1, PLANNED), FHX_ERR_NOT_FOUND);
  assert_int_equal(step_advance(f, JOB_B, 0, 1, 1, NULL, 0), FHX_ERR_NOT_FOUND);
  assert_int_equal(step_release(f, JOB_B, 0, 1, FHX_RELEASE_PARKED), FHX_ERR_NOT_FOUND);
  assert_int_equal(step_read_task(f, JOB_B, 0), FHX_ERR_NOT_FOUND);
  assert_int_equal(step_read_task(f, JOB_A, 7), FHX_ERR_NOT_FOUND);
  assert_int_equal(step_remove(f, JOB_B), FHX_ERR_NOT_FOUND);
  assert_int_equal(step_clean(f, JOB_B), FHX_ERR_NOT_FOUND);
  int32_t status = fhx__store_list_parts(fixture_store(f), JOB_B, 0, 0, 9, &f->list, &error);
  assert_int_equal(fixture_seen(status, &error), FHX_ERR_NOT_FOUND);
  status = fhx__store_list_attempts(fixture_store(f), JOB_B, 0, 0, 9, &f->list, &error);
  assert_int_equal(fixture_seen(status, &error), FHX_ERR_NOT_FOUND);
  fhx_reply lines;
  status = fhx__store_list_lines(fixture_store(f), JOB_B, 0, 9, &lines, &error);
  assert_int_equal(fixture_seen(status, &error), FHX_ERR_NOT_FOUND);
  fhx__reply_end(&lines);
  status = fhx__store_list_members(fixture_store(f), JOB_B, FHX_MEMBERS_NEW, "", 9, &lines, &error);
  assert_int_equal(fixture_seen(status, &error), FHX_ERR_NOT_FOUND);
  fhx__reply_end(&lines);
}

/* --- claim_task --- */

static void a_claim_holds_the_task_until_its_lease_lapses(void **state) {
  fixture *f = *state;
  assert_int_equal(step_create(f, JOB_A), FHX_OK);
  assert_int_equal(step_claim(f, JOB_A, "one"), FHX_OK);
  assert_int_equal(f->task.record.task_index, 0);
  assert_string_equal(f->task.record.job_id, JOB_A);
  assert_int_equal(f->task.record.state, FHX_TASK_RUNNING);
  assert_int_equal(f->task.record.fence, 1);
  assert_int_equal(f->task.record.attempt_count, 1);
  assert_int_equal(f->task.record.first_seq, 1);
  assert_int_equal(step_claim(f, JOB_A, "two"), FHX_WAIT);
  f->now_us += LEASE_US - 1;
  assert_int_equal(step_claim(f, JOB_A, "two"), FHX_WAIT);
  f->now_us += 1;
  assert_int_equal(step_claim(f, JOB_A, "two"), FHX_OK);
  assert_int_equal(f->task.record.fence, 2);
  assert_int_equal(f->task.record.attempt_count, 2);
  assert_int_equal(step_list_attempts(f, JOB_A, 0, 0, 9), 2);
  assert_int_equal(fixture_attempt_at(f, 0)->fence, 1);
  assert_int_equal(fixture_attempt_at(f, 0)->last_seq, 0);
  assert_int_equal(fixture_attempt_at(f, 1)->fence, 2);
  assert_false(fixture_attempt_at(f, 1)->finished);
}

static void a_repeated_claim_gets_the_same_task(void **state) {
  fixture *f = *state;
  fixture_planned_job(f, JOB_A);
  assert_int_equal(step_claim(f, JOB_A, "one"), FHX_OK);
  assert_int_equal(f->task.record.task_index, 1);
  f->now_us += LEASE_US / 2;
  assert_int_equal(step_claim(f, JOB_A, "one"), FHX_OK);
  assert_int_equal(f->task.record.task_index, 1);
  assert_int_equal(f->task.record.fence, 1);
  assert_int_equal(f->task.record.attempt_count, 1);
  assert_int_equal(step_claim(f, NULL, "one"), FHX_OK);
  assert_int_equal(f->task.record.task_index, 1);
  /* Its lease was renewed: after the first one's end the next task is given to another. */
  f->now_us += LEASE_US / 2;
  assert_int_equal(step_claim(f, JOB_A, "two"), FHX_OK);
  assert_int_equal(f->task.record.task_index, 2);
  /* Lapsed, but taken by nobody: it is still the claim's. */
  f->now_us += 2 * LEASE_US;
  assert_int_equal(step_claim(f, JOB_A, "one"), FHX_OK);
  assert_int_equal(f->task.record.fence, 1);
  /* A claim that has lost its task gets another. */
  f->now_us += LEASE_US;
  assert_int_equal(step_claim(f, JOB_A, "three"), FHX_OK);
  assert_int_equal(f->task.record.task_index, 1);
  assert_int_equal(f->task.record.fence, 2);
  assert_int_equal(step_claim(f, JOB_A, "one"), FHX_OK);
  assert_int_equal(f->task.record.task_index, 2);
}

static void phases_come_one_after_the_other(void **state) {
  fixture *f = *state;
  assert_int_equal(step_create(f, JOB_A), FHX_OK);
  assert_int_equal(step_claim(f, JOB_A, "planner"), FHX_OK);
  assert_int_equal(step_plan(f, JOB_A, 1, PLANNED), FHX_OK);
  static const char *const names[] = {"w1", "w2", "w3"};
  for (uint32_t i = 0; i < 3; i++) {
    assert_int_equal(step_claim(f, JOB_A, names[i]), FHX_OK);
    assert_int_equal(f->task.record.task_index, i + 1);
    assert_int_equal(f->task.record.phase, FHX_PHASE_MAIN);
  }
  for (uint32_t i = 0; i < 3; i++) {
    assert_int_equal(step_claim(f, JOB_A, "w4"), FHX_WAIT);
    assert_int_equal(step_advance(f, JOB_A, i + 1, 1, 1, NULL, 1), FHX_OK);
  }
  assert_int_equal(step_claim(f, JOB_A, "w4"), FHX_OK);
  assert_int_equal(f->task.record.task_index, 4);
  assert_int_equal(f->task.record.phase, FHX_PHASE_FINISH);
  fixture_assert_state(f, JOB_A, FHX_JOB_RUNNING);
  f->now_us += 17;
  assert_int_equal(step_advance(f, JOB_A, 4, 1, 1, NULL, 1), FHX_OK);
  fixture_assert_state(f, JOB_A, FHX_JOB_COMPLETE);
  assert_int_equal(f->job.record.ended_us, f->now_us);
  assert_int_equal(f->job.record.task_done_count, f->job.record.task_count);
  assert_int_equal(f->job.record.cleanup_due, 0);
  assert_int_equal(step_claim(f, JOB_A, "w5"), FHX_END);
}

static void a_claim_without_a_job_takes_the_oldest(void **state) {
  fixture *f = *state;
  assert_int_equal(step_claim(f, NULL, "one"), FHX_END);
  assert_int_equal(step_create(f, JOB_B), FHX_OK);
  f->now_us += 1;
  assert_int_equal(step_create(f, JOB_A), FHX_OK);
  assert_int_equal(step_claim(f, NULL, "one"), FHX_OK);
  assert_string_equal(f->task.record.job_id, JOB_B);
  assert_int_equal(step_claim(f, NULL, "two"), FHX_OK);
  assert_string_equal(f->task.record.job_id, JOB_A);
  assert_int_equal(step_claim(f, NULL, "three"), FHX_WAIT);
  assert_int_equal(step_remove(f, JOB_B), FHX_OK);
  assert_int_equal(step_claim(f, NULL, "three"), FHX_WAIT);
  /* What "one" holds is no job's that runs, so it may have another task. */
  f->now_us += LEASE_US;
  assert_int_equal(step_claim(f, NULL, "one"), FHX_OK);
  assert_string_equal(f->task.record.job_id, JOB_A);
  assert_int_equal(step_remove(f, JOB_A), FHX_OK);
  assert_int_equal(step_claim(f, NULL, "three"), FHX_END);
}

static void a_task_without_token_begins_again(void **state) {
  fixture *f = *state;
  fixture_planned_job(f, JOB_A);
  fixture_planned_job(f, JOB_B);
  assert_int_equal(step_claim(f, JOB_A, "one"), FHX_OK);
  assert_int_equal(step_claim(f, JOB_A, "two"), FHX_OK);
  assert_int_equal(step_claim(f, JOB_B, "three"), FHX_OK);
  assert_int_equal(step_advance(f, JOB_A, 1, 1, 1, NULL, 0), FHX_OK);
  assert_int_equal(step_advance(f, JOB_A, 1, 1, 2, NULL, 0), FHX_OK);
  assert_int_equal(step_advance(f, JOB_A, 2, 1, 1, NULL, 1), FHX_OK);
  assert_int_equal(step_advance(f, JOB_B, 1, 1, 1, NULL, 0), FHX_OK);
  fixture_assert_sums(f, JOB_A, 40, 4000, 6);
  f->now_us += LEASE_US;
  assert_int_equal(step_claim(f, JOB_A, "four"), FHX_OK);
  assert_int_equal(f->task.record.task_index, 1);
  assert_int_equal(f->task.record.fence, 2);
  assert_int_equal(f->task.record.next_seq, 3);
  assert_int_equal(f->task.record.first_seq, 3);
  assert_null(f->task.record.token);
  assert_string_equal(f->task.record.last_id, "");
  assert_int_equal(f->task.record.resource_count, 0);
  assert_int_equal(f->task.record.byte_count, 0);
  assert_int_equal(f->task.record.error_count, 0);
  /* The other task, and the other job, keep theirs. */
  fixture_assert_sums(f, JOB_A, 10, 1000, 2);
  fixture_assert_sums(f, JOB_B, 10, 1000, 2);
  assert_int_equal(step_list_parts(f, JOB_A, 0, 0, 9), 1);
  assert_int_equal(fixture_part_at(f, 0)->task_index, 2);
  assert_int_equal(step_list_parts(f, JOB_B, 0, 0, 9), 1);
  assert_int_equal(step_list_lines(f, JOB_A, 0, 9), 2);
  assert_int_equal(step_list_lines(f, JOB_B, 0, 9), 2);
  /* The names of what was dropped can still be told from the attempts. */
  assert_int_equal(step_list_attempts(f, JOB_A, 1, 0, 2), 2);
  assert_int_equal(fixture_attempt_at(f, 0)->first_seq, 1);
  assert_int_equal(fixture_attempt_at(f, 0)->last_seq, 2);
  assert_int_equal(fixture_attempt_at(f, 1)->first_seq, 3);
  assert_int_equal(fixture_attempt_at(f, 1)->last_seq, 2);
  assert_int_equal(step_advance(f, JOB_A, 1, 2, 3, NULL, 1), FHX_OK);
  assert_int_equal(step_list_lines(f, JOB_A, 0, 9), 4);
}

static void a_task_with_token_goes_on(void **state) {
  fixture *f = *state;
  fixture_planned_job(f, JOB_A);
  assert_int_equal(step_claim(f, JOB_A, "one"), FHX_OK);
  assert_int_equal(step_advance(f, JOB_A, 1, 1, 1, "after 10", 0), FHX_OK);
  f->now_us += LEASE_US;
  assert_int_equal(step_claim(f, JOB_A, "two"), FHX_OK);
  assert_int_equal(f->task.record.fence, 2);
  assert_int_equal(f->task.record.attempt_count, 1);
  assert_int_equal(f->task.record.token_len, 8);
  assert_memory_equal(f->task.record.token, "after 10", 8);
  assert_string_equal(f->task.record.last_id, "last-id");
  assert_int_equal(f->task.record.resource_count, 10);
  fixture_assert_sums(f, JOB_A, 10, 1000, 2);
  assert_int_equal(step_list_parts(f, JOB_A, 0, 0, 9), 1);
  /* A checkpoint without a token takes the earlier one away: then all begins again. */
  assert_int_equal(step_advance(f, JOB_A, 1, 2, 2, NULL, 0), FHX_OK);
  f->now_us += LEASE_US;
  assert_int_equal(step_claim(f, JOB_A, "three"), FHX_OK);
  assert_null(f->task.record.token);
  assert_int_equal(step_list_parts(f, JOB_A, 0, 0, 9), 0);
}

static void an_empty_token_is_a_token(void **state) {
  fixture *f = *state;
  fixture_planned_job(f, JOB_A);
  assert_int_equal(step_claim(f, JOB_A, "one"), FHX_OK);
  assert_int_equal(step_advance(f, JOB_A, 1, 1, 1, "", 0), FHX_OK);
  assert_int_equal(step_release(f, JOB_A, 1, 1, FHX_RELEASE_PARKED), FHX_OK);
  assert_int_equal(step_claim(f, JOB_A, "two"), FHX_OK);
  assert_non_null(f->task.record.token);
  assert_int_equal(f->task.record.token_len, 0);
  assert_int_equal(step_list_parts(f, JOB_A, 0, 0, 9), 1);
}

static void attempts_come_to_an_end(void **state) {
  fixture *f = *state;
  fixture_planned_job(f, JOB_A);
  assert_int_equal(step_create(f, JOB_B), FHX_OK);
  for (uint32_t i = 1; i <= ATTEMPTS_MAX; i++) {
    assert_int_equal(step_claim(f, JOB_A, "one"), FHX_OK);
    assert_int_equal(f->task.record.task_index, 1);
    assert_int_equal(f->task.record.attempt_count, i);
    assert_int_equal(step_release(f, JOB_A, 1, i, i < 3 ? FHX_RELEASE_RETRY : FHX_RELEASE_PARKED),
                     FHX_OK);
  }
  assert_int_equal(step_claim(f, JOB_A, "one"), FHX_OK);
  assert_int_equal(f->task.record.attempt_count, ATTEMPTS_MAX);
  f->now_us += LEASE_US;
  assert_int_equal(step_claim(f, JOB_A, "two"), FHX_END);
  fixture_assert_state(f, JOB_A, FHX_JOB_FAILED);
  assert_int_equal(f->job.record.reason_status, FHX_ERR_LIMIT);
  assert_non_null(strstr(f->job.record.reason, "Patient"));
  assert_null(strstr(f->job.record.reason, JOB_A));
  assert_int_equal(f->job.record.cleanup_due, 1);
  assert_int_equal(f->job.record.ended_us, f->now_us);
  fixture_assert_state(f, JOB_B, FHX_JOB_RUNNING);
}

static void a_job_that_fails_does_not_stop_a_claim_of_any(void **state) {
  fixture *f = *state;
  assert_int_equal(step_create(f, JOB_A), FHX_OK);
  assert_int_equal(step_create(f, JOB_B), FHX_OK);
  static const char *const names[ATTEMPTS_MAX] = {"w1", "w2", "w3"};
  for (int i = 0; i < ATTEMPTS_MAX; i++) {
    assert_int_equal(step_claim(f, JOB_A, names[i]), FHX_OK);
    f->now_us += LEASE_US;
  }
  assert_int_equal(step_read_task(f, JOB_A, 0), FHX_OK);
  assert_int_equal(f->task.record.attempt_count, ATTEMPTS_MAX);
  assert_int_equal(step_claim(f, NULL, "three"), FHX_OK);
  assert_string_equal(f->task.record.job_id, JOB_B);
  fixture_assert_state(f, JOB_A, FHX_JOB_FAILED);
  assert_int_equal(f->job.record.reason_status, FHX_ERR_LIMIT);
  assert_string_not_equal(f->job.record.reason, "");
}

static void progress_resets_the_attempts(void **state) {
  fixture *f = *state;
  fixture_planned_job(f, JOB_A);
  for (uint32_t i = 1; i <= 3 * ATTEMPTS_MAX; i++) {
    assert_int_equal(step_claim(f, JOB_A, i % 2 == 0 ? "even" : "odd"), FHX_OK);
    assert_int_equal(f->task.record.attempt_count, 1);
    assert_int_equal(f->task.record.fence, i);
    assert_int_equal(step_advance(f, JOB_A, 1, i, i, "token", 0), FHX_OK);
    assert_int_equal(step_read_task(f, JOB_A, 1), FHX_OK);
    assert_int_equal(f->task.record.attempt_count, 0);
    f->now_us += LEASE_US;
  }
  assert_int_equal(step_claim(f, JOB_A, "last"), FHX_OK);
  assert_int_equal(step_advance(f, JOB_A, 1, 10, 10, NULL, 0), FHX_OK);
  assert_int_equal(step_read_task(f, JOB_A, 1), FHX_OK);
  assert_int_equal(f->task.record.attempt_count, 1);
}

/* --- plan_tasks --- */

static void a_plan_is_taken_once(void **state) {
  fixture *f = *state;
  fhx__buffer before = {0}, after = {0};
  assert_int_equal(step_create(f, JOB_A), FHX_OK);
  assert_int_equal(step_plan(f, JOB_A, 0, PLANNED), FHX_ERR_REFUSED);
  assert_int_equal(step_claim(f, JOB_A, "one"), FHX_OK);
  f->now_us += LEASE_US;
  assert_int_equal(step_claim(f, JOB_A, "two"), FHX_OK);
  fixture_photograph(f, JOB_A, &before);
  assert_int_equal(step_plan(f, JOB_A, 1, PLANNED), FHX_ERR_REFUSED);
  fixture_photograph(f, JOB_A, &after);
  assert_same_buffer(before, after);
  assert_int_equal(step_plan(f, JOB_A, 2, PLANNED), FHX_OK);
  assert_int_equal(step_read_job(f, JOB_A), FHX_OK);
  assert_int_equal(f->job.record.task_count, 1 + PLANNED);
  assert_int_equal(f->job.record.task_done_count, 1);
  assert_int_equal(f->job.record.estimated_resources, 100 * PLANNED);
  assert_int_equal(step_read_task(f, JOB_A, 0), FHX_OK);
  assert_int_equal(f->task.record.state, FHX_TASK_DONE);
  assert_int_equal(step_list_attempts(f, JOB_A, 0, 0, 9), 2);
  assert_false(fixture_attempt_at(f, 0)->finished);
  assert_true(fixture_attempt_at(f, 1)->finished);
  fixture_photograph(f, JOB_A, &before);
  assert_int_equal(step_plan(f, JOB_A, 2, PLANNED), FHX_ERR_REFUSED);
  fixture_photograph(f, JOB_A, &after);
  assert_same_buffer(before, after);
  fhx__buffer_free(&before);
  fhx__buffer_free(&after);
}

static void planned_tasks_keep_their_shards(void **state) {
  fixture *f = *state;
  fixture_planned_job(f, JOB_A);
  assert_int_equal(step_read_task(f, JOB_A, 1), FHX_OK);
  assert_int_equal(f->task.record.state, FHX_TASK_WAITING);
  assert_string_equal(f->task.record.resource_type, "Patient");
  assert_int_equal(f->task.record.shard_len, 3);
  assert_memory_equal(f->task.record.shard, "a\0z", 3);
  assert_int_equal(f->task.record.shard_index, 0);
  assert_int_equal(f->task.record.estimated_resources, 100);
  assert_int_equal(f->task.record.next_seq, 1);
  assert_int_equal(f->task.record.fence, 0);
  assert_int_equal(step_read_task(f, JOB_A, 2), FHX_OK);
  assert_non_null(f->task.record.shard);
  assert_int_equal(f->task.record.shard_len, 0);
  assert_int_equal(f->task.record.shard_index, 1);
  assert_int_equal(step_read_task(f, JOB_A, 3), FHX_OK);
  assert_null(f->task.record.shard);
  assert_int_equal(step_read_task(f, JOB_A, 4), FHX_OK);
  assert_string_equal(f->task.record.resource_type, "");
  assert_int_equal(f->task.record.phase, FHX_PHASE_FINISH);
}

static void an_empty_plan_completes_the_job(void **state) {
  fixture *f = *state;
  assert_int_equal(step_create(f, JOB_A), FHX_OK);
  assert_int_equal(step_claim(f, JOB_A, "one"), FHX_OK);
  assert_int_equal(step_plan(f, JOB_A, 1, 0), FHX_OK);
  fixture_assert_state(f, JOB_A, FHX_JOB_COMPLETE);
  assert_int_equal(step_claim(f, JOB_A, "one"), FHX_END);
}

/* --- lists --- */

static void lists_come_in_pages(void **state) {
  fixture *f = *state;
  fixture_planned_job(f, JOB_B);
  fixture_planned_job(f, JOB_A);
  static const char *const names[] = {"w1", "w2", "w3"};
  for (uint32_t i = 0; i < 3; i++) {
    assert_int_equal(step_claim(f, JOB_A, names[i]), FHX_OK);
  }
  /* Task 3 first: the order is that of the tasks, not of time. */
  for (uint32_t i = 3; i >= 1; i--) {
    for (uint64_t seq = 1; seq <= 2 * i; seq++) {
      assert_int_equal(step_advance(f, JOB_A, i, 1, seq, "t", 0), FHX_OK);
    }
  }
  uint32_t task_index = 0, count = 0, page = 0;
  uint64_t number = 0;
  while ((page = step_list_parts(f, JOB_A, task_index, number, 5)) != 0) {
    assert_in_range(page, 1, 5);
    task_index = fixture_part_at(f, page - 1)->task_index;
    number = fixture_part_at(f, page - 1)->seq;
    count += page;
  }
  assert_int_equal(count, 12);
  assert_int_equal(task_index, 3);
  assert_int_equal(number, 6);
  assert_int_equal(step_list_parts(f, JOB_A, 1, UINT32_MAX, 1), 1);
  assert_int_equal(fixture_part_at(f, 0)->task_index, 2);
  assert_int_equal(step_list_attempts(f, JOB_A, 0, 0, 3), 3);
  assert_int_equal(fixture_attempt_at(f, 0)->task_index, 0);
  assert_string_equal(fixture_attempt_at(f, 0)->resource_type, "");
  assert_int_equal(fixture_attempt_at(f, 2)->task_index, 2);
  assert_int_equal(fixture_attempt_at(f, 2)->shard_index, 1);
  assert_int_equal(fixture_attempt_at(f, 2)->phase, FHX_PHASE_MAIN);
  assert_string_equal(fixture_attempt_at(f, 2)->resource_type, "Patient");
  assert_int_equal(step_list_attempts(f, JOB_A, 2, 1, 3), 1);
  assert_int_equal(fixture_attempt_at(f, 0)->task_index, 3);
  assert_int_equal(step_list_attempts(f, JOB_A, 3, 1, 3), 0);
}

static void lines_come_in_pages(void **state) {
  fixture *f = *state;
  static const char *const names[] = {"w1", "w2", "w3"};
  static const char text[] = "aabbcc";
  static const uint64_t ends[] = {1, 2, 3, 4, 5, 6};
  fixture_planned_job(f, JOB_A);
  for (uint32_t i = 1; i <= 3; i++) {
    assert_int_equal(step_claim(f, JOB_A, names[i - 1]), FHX_OK);
    fhx_part part = fixture_part(JOB_A, i, 1, 1);
    fhx_checkpoint checkpoint = fixture_checkpoint(JOB_A, i, 1, 1, &part);
    checkpoint.lines = i == 1 ? text : i == 3 ? text + 2 : NULL;
    checkpoint.line_ends = ends;
    checkpoint.line_count = i == 2 ? 0 : 2;
    assert_int_equal(step_record(f, &checkpoint), FHX_OK);
  }
  fhx_part part = fixture_part(JOB_A, 1, 1, 2);
  fhx_checkpoint checkpoint = fixture_checkpoint(JOB_A, 1, 1, 2, &part);
  checkpoint.lines = "xyz";
  checkpoint.line_ends = ends;
  checkpoint.line_count = 3;
  assert_int_equal(step_record(f, &checkpoint), FHX_OK);
  static const char all[] = "a|a|x|y|z|b|b|";
  for (uint32_t first = 0; first <= 8; first++) {
    for (uint32_t limit = 0; limit <= 8; limit++) {
      uint32_t left = first >= 7 ? 0 : 7 - first;
      uint32_t expected = left < limit ? left : limit;
      assert_int_equal(step_list_lines(f, JOB_A, first, limit), expected);
      assert_memory_equal(f->list.data, all + (first > 7 ? 0 : 2 * first), 2 * expected);
    }
  }
}

int store_conformance_run_jobs(const store_conformance *subject) {
  store_conformance initial = *subject;
  const struct CMUnitTest tests[] = {
      FIXTURE_TEST(a_job_is_read_as_it_was_created),
      FIXTURE_TEST(a_job_without_texts_has_empty_ones),
      FIXTURE_TEST(a_job_exists_once),
      FIXTURE_TEST(an_unknown_job_is_not_found),
      FIXTURE_TEST(a_claim_holds_the_task_until_its_lease_lapses),
      FIXTURE_TEST(a_repeated_claim_gets_the_same_task),
      FIXTURE_TEST(phases_come_one_after_the_other),
      FIXTURE_TEST(a_claim_without_a_job_takes_the_oldest),
      FIXTURE_TEST(a_task_without_token_begins_again),
      FIXTURE_TEST(a_task_with_token_goes_on),
      FIXTURE_TEST(an_empty_token_is_a_token),
      FIXTURE_TEST(attempts_come_to_an_end),
      FIXTURE_TEST(a_job_that_fails_does_not_stop_a_claim_of_any),
      FIXTURE_TEST(progress_resets_the_attempts),
      FIXTURE_TEST(a_plan_is_taken_once),
      FIXTURE_TEST(planned_tasks_keep_their_shards),
      FIXTURE_TEST(an_empty_plan_completes_the_job),
      FIXTURE_TEST(lists_come_in_pages),
      FIXTURE_TEST(lines_come_in_pages),
  };
  return cmocka_run_group_tests_name(subject->name, tests, NULL, NULL);
}

int store_conformance_run(const store_conformance *subject) {
  return store_conformance_run_jobs(subject) + store_conformance_run_work(subject) +
         store_conformance_run_upkeep(subject) + store_conformance_run_members(subject) +
         store_conformance_run_pages(subject) + store_conformance_run_holds(subject) +
         store_conformance_run_transitions(subject) + store_conformance_run_turns(subject) +
         store_conformance_run_waiting(subject) + store_conformance_run_joins(subject) +
         store_conformance_run_job_lists(subject);
}
