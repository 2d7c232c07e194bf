/* fhx__step_create at the limits of running jobs, with answers that get lost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

#include "faulty_store.h"
#include "job/steps.h"
#include "store_create.h"

#define JOB_ID "0123456789abcdef0123456789abcdef"
#define OTHER_ID "fedcba9876543210fedcba9876543210"

static fhx_job_record record_of(const char *job_id) {
  fhx_job_record record;
  FHX_INIT(&record);
  record.job_id = job_id;
  record.resolution_us = 1000;
  record.jobs_max = 1;
  record.jobs_per_client_max = 1;
  return record;
}

/* A limit is not asked again: who is told so should hear it at once. */
static void a_limit_is_definite(void **state) {
  char joined[FHX__JOB_ID_LEN + 1];
  const faulty_knobs knobs = {.step = FAULTY_STEPS, .fault_at = UINT64_MAX};
  fhx_store *store = NULL;
  fhx_error *error = NULL;
  (void)state;
  faulty_store *faulty = faulty_store_new(&knobs, &store);
  const fhx_job_record first = record_of(JOB_ID), second = record_of(OTHER_ID);
  assert_int_equal(fhx__step_create(store, &first, 0, joined, NULL), FHX_OK);
  assert_int_equal(fhx__step_create(store, &second, 0, joined, &error), FHX_ERR_LIMIT);
  assert_int_equal(fhx_error_status(error), FHX_ERR_LIMIT);
  fhx_error_free(error);
  assert_int_equal(faulty_store_calls(faulty, FAULTY_CREATE_JOB), 2);
  fhx_store_free(store);
  faulty_store_end(faulty);
}

/* The job was made, the answer was lost, and now the job itself fills the limit. */
static void a_lost_answer_is_no_limit(void **state) {
  char joined[FHX__JOB_ID_LEN + 1];
  (void)state;
  for (int answer = FAULTY_TAKEN_FAILS; answer < FAULTY_ANSWERS; answer++) {
    const faulty_knobs knobs = {.step = FAULTY_CREATE_JOB,
                                .answer = (faulty_answer)answer,
                                .fault_at = 1,
                                .fault_times = 2};
    fhx_store *store = NULL;
    fhx_error *error = NULL;
    faulty_store *faulty = faulty_store_new(&knobs, &store);
    const fhx_job_record record = record_of(JOB_ID);
    assert_int_equal(fhx__step_create(store, &record, 0, joined, &error), FHX_OK);
    assert_null(error);
    assert_int_equal(faulty_store_calls(faulty, FAULTY_CREATE_JOB), 3);
    fhx_store_free(store);
    faulty_store_end(faulty);
  }
}

/* Another client's job takes the last place before the step is repeated. */
static void take_the_place(void *context, faulty_step step, uint64_t number) {
  faulty_store *const *faulty = context;
  if (step != FAULTY_CREATE_JOB || number != 2) return;
  const fhx_job_record record = record_of(OTHER_ID);
  assert_int_equal(store_create_job(faulty_store_inner(*faulty), &record, NULL), FHX_OK);
}

static void a_place_may_be_gone_when_asked_again(void **state) {
  char joined[FHX__JOB_ID_LEN + 1];
  faulty_store *faulty = NULL;
  const faulty_knobs knobs = {.step = FAULTY_CREATE_JOB,
                              .answer = FAULTY_FAILS,
                              .fault_at = 1,
                              .fault_times = 1,
                              .hook = take_the_place,
                              .hook_context = &faulty};
  fhx_store *store = NULL;
  (void)state;
  faulty = faulty_store_new(&knobs, &store);
  const fhx_job_record record = record_of(JOB_ID);
  assert_int_equal(fhx__step_create(store, &record, 0, joined, NULL), FHX_ERR_LIMIT);
  assert_int_equal(faulty_store_calls(faulty, FAULTY_CREATE_JOB), 2);
  fhx_store_free(store);
  faulty_store_end(faulty);
}

/* A job that is identical is joined as well when the answer that said so was lost. */
static void a_lost_answer_joins_again(void **state) {
  static const uint8_t identity[FHX_IDENTITY_LEN] = {1};
  char joined[FHX__JOB_ID_LEN + 1];
  (void)state;
  for (int answer = 0; answer < FAULTY_ANSWERS; answer++) {
    const faulty_knobs knobs = {.step = FAULTY_CREATE_JOB,
                                .answer = (faulty_answer)answer,
                                .fault_at = 2,
                                .fault_times = 1};
    fhx_store *store = NULL;
    faulty_store *faulty = faulty_store_new(&knobs, &store);
    fhx_job_record first = record_of(JOB_ID), second = record_of(OTHER_ID);
    first.identity = second.identity = identity;
    assert_int_equal(fhx__step_create(store, &first, 0, joined, NULL), FHX_OK);
    assert_string_equal(joined, "");
    assert_int_equal(fhx__step_create(store, &second, 0, joined, NULL), FHX_OK);
    assert_string_equal(joined, JOB_ID);
    assert_int_equal(faulty_store_calls(faulty, FAULTY_CREATE_JOB), 3);
    fhx_store_free(store);
    faulty_store_end(faulty);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_limit_is_definite),
      cmocka_unit_test(a_lost_answer_is_no_limit),
      cmocka_unit_test(a_lost_answer_joins_again),
      cmocka_unit_test(a_place_may_be_gone_when_asked_again),
  };
  return cmocka_run_group_tests_name("limits of running jobs", tests, NULL, NULL);
}
