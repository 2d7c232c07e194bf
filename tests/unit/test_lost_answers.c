/*
 * The store's answers get lost, before or behind the step; the destination's too. Nothing is lost,
 * nothing is there twice, no object is left that nobody knows (lessons 2, 7, 19).
 *
 * ctest labels: onethread
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

#include "faulty_store.h"
#include "store/store.h"
#include "support/require.h"
#include "support/setup.h"

/* The library's tries of one step. */
#define TRIES 6
#define LEASE_US INT64_C(150000)

static test_dataset *data;

static int make_data(void **state) {
  *state = data = test_dataset_new(11, 90, TEST_DATASET_BAD);
  return 0;
}

static void sleep_us(int64_t duration_us) {
  nanosleep(&(struct timespec){duration_us / 1000000, duration_us % 1000000 * 1000}, NULL);
}

/* A few dozen steps, one of which is a retry, so that every kind of step is used. */
static test_setting usual(void) {
  test_setting with = test_setting_usual(data);
  with.source.fault_call = TEST_SOURCE_NEXT;
  with.source.fault = TEST_SOURCE_FAILS_RETRYABLE;
  with.source.fault_at = 9;
  with.source.fault_times = 1;
  with.expected.error_count = data->bad_count;
  with.lease_us = LEASE_US;
  with.attempts_max = 8;
  return with;
}

/* Whether a job still runs in the store. */
static bool has_running_job(const faulty_store *store) {
  fhx__task_entry entry;
  int64_t wait_us = 0;
  memset(&entry, 0, sizeof entry);
  int32_t status =
      fhx__store_claim_task(faulty_store_inner(store), NULL, "00000000000000000000000000000000",
                            LEASE_US, 3, &entry, &wait_us, NULL);
  fhx__task_entry_free(&entry);
  return status != FHX_END;
}

static bool is_final(int32_t status) {
  return status == FHX_OK || status == FHX_ERR_JOB_FAILED || status == FHX_ERR_CANCELLED;
}

/* --- few answers are lost --- */

static const faulty_step run_steps[] = {
    FAULTY_CREATE_JOB, FAULTY_READ_JOB,          FAULTY_CLAIM_TASK,   FAULTY_RENEW_TASK,
    FAULTY_PLAN_TASKS, FAULTY_RECORD_CHECKPOINT, FAULTY_RELEASE_TASK, FAULTY_LIST_PARTS,
    FAULTY_LIST_LINES, FAULTY_LIST_ATTEMPTS};
#define RUN_STEPS (sizeof run_steps / sizeof *run_steps)

/* The caller does not even notice. */
static void expect_unnoticed(const faulty_knobs *knobs, bool tokens) {
  test_export of;
  test_setting with = usual();
  faulty_store *store = faulty_store_new(knobs, &with.store);
  with.source.tokens = tokens;
  test_scenario("%s, answer %d, at %d, %d times, tokens %d", faulty_step_names[knobs->step],
                (int)knobs->answer, (int)knobs->fault_at, (int)knobs->fault_times, tokens);
  test_export_start(&of, &with);
  test_require_status(fhx_job_run(of.job, NULL), FHX_OK);
  test_require(faulty_store_calls(store, knobs->step) >= knobs->fault_at);
  faulty_store_heal(store);
  test_export_check_complete(&of);
  test_export_end(&of);
  fhx_store_free(with.store);
  faulty_store_end(store);
}

static void test_few_lost_answers(void **state) {
  (void)state;
  for (size_t i = 0; i < RUN_STEPS; i++) {
    for (int answer = 0; answer < FAULTY_ANSWERS; answer++) {
      for (uint64_t times = 1; times < TRIES; times += TRIES - 2) {
        faulty_knobs knobs = {.step = run_steps[i], .answer = (faulty_answer)answer};
        if (test_is_quick() && (i + (size_t)answer) % 7 != 0) continue;
        knobs.fault_at = 1;
        knobs.fault_times = times;
        expect_unnoticed(&knobs, (answer + (int)times) % 2 == 0);
      }
    }
  }
}

/* Somewhere in the middle of a task, and at its end. */
static void test_lost_checkpoints(void **state) {
  (void)state;
  for (uint64_t at = 2; at <= 9; at++) {
    for (int answer = 0; answer < FAULTY_ANSWERS; answer++) {
      faulty_knobs knobs = {.step = FAULTY_RECORD_CHECKPOINT, .answer = (faulty_answer)answer};
      knobs.fault_at = at;
      knobs.fault_times = 1 + at % 3;
      expect_unnoticed(&knobs, at % 2 == 0);
      knobs.step = FAULTY_RENEW_TASK;
      expect_unnoticed(&knobs, at % 2 == 1);
    }
  }
}

/* --- more answers are lost than the library asks for --- */

/* Runs until the job is over; the store comes back after the first run. Returns the errors. */
static int run_to_the_end(test_export *of, faulty_store *store) {
  int errors = 0;
  for (;;) {
    fhx_error *error = NULL;
    int32_t status = fhx_job_run(of->job, &error);
    test_require(status >= 0 || *fhx_error_message(error) != '\0');
    fhx_error_free(error);
    if (is_final(status)) {
      test_require_status(status, FHX_OK);
      return errors;
    }
    test_require(status < 0 && errors < 3);
    errors++;
    faulty_store_heal(store);
  }
}

static void expect_recovery(const faulty_knobs *knobs, bool tokens, int errors) {
  test_export of;
  test_setting with = usual();
  faulty_store *store = faulty_store_new(knobs, &with.store);
  with.source.tokens = tokens;
  test_scenario("%s lost for long, answer %d, at %d, tokens %d",
                knobs->step == FAULTY_STEPS ? "everything" : faulty_step_names[knobs->step],
                (int)knobs->answer, (int)knobs->fault_at, tokens);
  test_export_start(&of, &with);
  test_require(run_to_the_end(&of, store) == errors);
  test_export_check_complete(&of);
  test_export_end(&of);
  fhx_store_free(with.store);
  faulty_store_end(store);
}

/* fhx_job_run says so, and goes on when it is called again. */
static void test_lost_for_long(void **state) {
  (void)state;
  for (size_t i = 2; i < RUN_STEPS; i++) {
    for (int answer = 0; answer < FAULTY_ANSWERS; answer++) {
      faulty_knobs knobs = {.step = run_steps[i], .answer = (faulty_answer)answer, .fault_at = 1};
      if (test_is_quick() && (i + (size_t)answer) % 7 != 0) continue;
      if (run_steps[i] == FAULTY_RECORD_CHECKPOINT || run_steps[i] == FAULTY_RENEW_TASK) {
        knobs.fault_at = 4;
      }
      expect_recovery(&knobs, answer % 2 == 0, 1);
    }
  }
}

/* How many steps there are to lose, from the start of a job to its end. */
static uint64_t count_steps(bool tokens) {
  test_export of;
  test_setting with = usual();
  faulty_knobs knobs = {.step = FAULTY_STEPS, .fault_at = UINT64_MAX};
  faulty_store *store = faulty_store_new(&knobs, &with.store);
  with.source.tokens = tokens;
  test_scenario("counting steps");
  test_export_start(&of, &with);
  test_require_status(fhx_job_run(of.job, NULL), FHX_OK);
  uint64_t count = faulty_store_calls(store, FAULTY_STEPS);
  test_export_end(&of);
  fhx_store_free(with.store);
  faulty_store_end(store);
  return count;
}

/* The whole store is gone from some step on, and comes back. */
static void test_dead_store(void **state) {
  (void)state;
  uint64_t count = count_steps(true);
  if (count_steps(false) < count) count = count_steps(false);
  test_require(count > 20);
  for (uint64_t at = 3; at <= count; at += test_is_quick() ? 17 : 2) {
    faulty_knobs knobs = {.step = FAULTY_STEPS, .fault_at = at};
    knobs.answer = at % 2 == 0 ? FAULTY_TAKEN_SILENT : FAULTY_FAILS;
    expect_recovery(&knobs, at % 4 < 2, 1);
  }
}

/* A checkpoint is lost, and the task with it: reading it does not help either. */
static void test_lost_checkpoint_and_part(void **state) {
  (void)state;
  static const test_destination_fault faults[] = {
      TEST_DESTINATION_DONE_UNKNOWN, TEST_DESTINATION_DONE_SILENT,
      TEST_DESTINATION_DONE_FAILS_RETRYABLE, TEST_DESTINATION_UNKNOWN};
  for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
    for (uint64_t at = 2; at < 9; at += 3) {
      test_export of;
      test_setting with = usual();
      faulty_knobs knobs = {.step = FAULTY_RECORD_CHECKPOINT,
                            .answer = i % 2 == 0 ? FAULTY_TAKEN_FAILS : FAULTY_SILENT,
                            .fault_at = at};
      faulty_store *store = faulty_store_new(&knobs, &with.store);
      with.destination.fault_call = TEST_DESTINATION_COMMIT;
      with.destination.fault = faults[i];
      with.destination.fault_at = at;
      with.destination.fault_times = 2;
      with.destination.without_stat = at == 5;
      test_scenario("part and checkpoint lost, fault %zu at %d", i, (int)at);
      test_export_start(&of, &with);
      run_to_the_end(&of, store);
      test_export_check_complete(&of);
      test_export_end(&of);
      fhx_store_free(with.store);
      faulty_store_end(store);
    }
  }
}

/* --- starts and ends of jobs --- */

/* A job whose start has failed does not run on in the store, where nobody knows its id. */
static void test_lost_start(void **state) {
  (void)state;
  for (int answer = 0; answer < FAULTY_ANSWERS; answer++) {
    for (int read = 0; read < 2; read++) {
      test_export of;
      test_setting with = usual();
      faulty_knobs knobs = {.step = read ? FAULTY_READ_JOB : FAULTY_CREATE_JOB,
                            .answer = (faulty_answer)answer,
                            .fault_at = 1};
      faulty_store *store = faulty_store_new(&knobs, &with.store);
      fhx_error *error = NULL;
      test_scenario("lost start, answer %d, read %d", answer, read);
      test_export_prepare(&of, &with);
      test_require(fhx_job_start(&of.options, &of.job, &error) < 0);
      test_require(of.job == NULL && *fhx_error_message(error) != '\0');
      fhx_error_free(error);
      test_require(!has_running_job(store));
      test_export_end(&of);
      fhx_store_free(with.store);
      faulty_store_end(store);
    }
  }
}

static const faulty_step cancel_steps[] = {FAULTY_REMOVE_JOB, FAULTY_LIST_ATTEMPTS,
                                           FAULTY_CLEAN_JOB, FAULTY_READ_JOB, FAULTY_CLAIM_TASK};

static void cancel_half_done(test_export *of) {
  for (int i = 0; i < 3; i++) test_require_status(fhx_job_run_task(of->job, NULL), FHX_OK);
  test_require(test_destination_objects(of->destination).count > 0);
}

/* Cancelling and failing clean up behind themselves, whatever is lost on the way. */
static void test_lost_ends(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof cancel_steps / sizeof *cancel_steps; i++) {
    for (int answer = 0; answer < FAULTY_ANSWERS; answer++) {
      for (uint64_t times = 1; times < TRIES; times += TRIES - 2) {
        test_export of;
        test_setting with = usual();
        faulty_knobs knobs = {.step = cancel_steps[i], .answer = (faulty_answer)answer};
        knobs.fault_at = cancel_steps[i] == FAULTY_CLAIM_TASK ? 4
                         : cancel_steps[i] == FAULTY_READ_JOB ? 2
                                                              : 1;
        knobs.fault_times = times;
        faulty_store *store = faulty_store_new(&knobs, &with.store);
        test_scenario("lost end, %s, answer %d, %d times", faulty_step_names[cancel_steps[i]],
                      answer, (int)times);
        test_export_start(&of, &with);
        cancel_half_done(&of);
        test_require_status(fhx_job_cancel(of.job, NULL), FHX_OK);
        test_require_status(fhx_job_run(of.job, NULL), FHX_ERR_CANCELLED);
        test_export_check_nothing_left(&of);
        test_require_status(fhx_job_cancel(of.job, NULL), FHX_ERR_NOT_FOUND);
        test_export_end(&of);
        fhx_store_free(with.store);
        faulty_store_end(store);
      }
    }
  }
}

/* A store that stays away: the clean-up is left to a later run. */
static void test_lost_ends_for_long(void **state) {
  (void)state;
  for (size_t i = 1; i < 4; i++) {
    test_export of;
    test_setting with = usual();
    faulty_knobs knobs = {.step = cancel_steps[i], .answer = FAULTY_TAKEN_SILENT};
    knobs.fault_at = cancel_steps[i] == FAULTY_READ_JOB ? 2 : 1;
    faulty_store *store = faulty_store_new(&knobs, &with.store);
    test_scenario("lost end for long, %s", faulty_step_names[cancel_steps[i]]);
    test_export_start(&of, &with);
    cancel_half_done(&of);
    test_require_status(fhx_job_cancel(of.job, NULL), FHX_OK);
    int32_t status = fhx_job_run(of.job, NULL);
    test_require(status < 0 && !is_final(status));
    faulty_store_heal(store);
    test_require_status(fhx_job_run(of.job, NULL), FHX_ERR_CANCELLED);
    test_export_check_nothing_left(&of);
    test_export_end(&of);
    fhx_store_free(with.store);
    faulty_store_end(store);
  }
}

/* --- another worker takes over --- */

typedef struct rival {
  test_export *of;
  uint64_t at;
  faulty_step step;
  bool done;
  /* Only one task, or the whole job. */
  bool whole;
} rival;

/* While a step of the first worker is under way, its lease lapses and another one takes over. */
static void take_over(void *context, faulty_step step, uint64_t number) {
  rival *by = context;
  fhx_job *job = NULL;
  if (by->done || step != by->step || number < by->at) return;
  by->done = true;
  sleep_us(LEASE_US + 20000);
  if (fhx_job_attach(&by->of->options, fhx_job_id(by->of->job), &job, NULL) != FHX_OK) {
    test_violation("a job cannot be attached to");
    return;
  }
  int32_t status = by->whole ? fhx_job_run(job, NULL) : fhx_job_run_task(job, NULL);
  if (status != FHX_OK) test_violation("the other worker did not do its work");
  fhx_job_free(job);
}

/* The second call of the step is the first repetition of a lost one, or a fresh one. */
static void test_taken_over(void **state) {
  (void)state;
  static const faulty_step steps[] = {FAULTY_RECORD_CHECKPOINT, FAULTY_RENEW_TASK,
                                      FAULTY_RELEASE_TASK};
  for (size_t i = 0; i < 3; i++) {
    for (int lost = 0; lost < 3; lost++) {
      for (uint64_t at = 1; at < 8; at += 3) {
        if (steps[i] == FAULTY_RELEASE_TASK && at > 1) continue;
        test_export of;
        test_setting with = usual();
        rival by = {&of, lost == 0 ? at : at + 1, steps[i], false, at % 2 == 0};
        faulty_knobs knobs = {.step = steps[i],
                              .answer = lost == 1 ? FAULTY_TAKEN_SILENT : FAULTY_SILENT,
                              .fault_at = lost == 0 ? UINT64_MAX : at,
                              .fault_times = 1,
                              .hook = take_over,
                              .hook_context = &by};
        faulty_store *store = faulty_store_new(&knobs, &with.store);
        with.source.tokens = (at + (uint64_t)lost) % 2 == 0;
        test_scenario("taken over at %s %d, lost %d", faulty_step_names[steps[i]], (int)at, lost);
        test_export_start(&of, &with);
        test_require_status(fhx_job_run(of.job, NULL), FHX_OK);
        test_require(by.done);
        test_export_check_complete(&of);
        test_export_end(&of);
        fhx_store_free(with.store);
        faulty_store_end(store);
      }
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_few_lost_answers),
      cmocka_unit_test(test_lost_checkpoints),
      cmocka_unit_test(test_lost_for_long),
      cmocka_unit_test(test_dead_store),
      cmocka_unit_test(test_lost_checkpoint_and_part),
      cmocka_unit_test(test_lost_start),
      cmocka_unit_test(test_lost_ends),
      cmocka_unit_test(test_lost_ends_for_long),
      cmocka_unit_test(test_taken_over),
  };
  return cmocka_run_group_tests(tests, make_data, test_dataset_end);
}
