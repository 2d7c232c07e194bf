/* The steps on lists of members as a job takes them: repeated while the answer is lost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

#include "faulty_store.h"
#include "job/steps.h"
#include "store_create.h"
#include "support/require.h"

#define JOB_ID "0123456789abcdef0123456789abcdef"
/* The library's tries of one step. */
#define TRIES 6

/* A job as far as these steps look at it, whose task 0 is held with fence 1. */
typedef struct fixture {
  faulty_store *faults;
  fhx_store *store;
  fhx_job_record record;
  fhx_job job;
} fixture;

static void begin(fixture *f, const faulty_knobs *knobs) {
  fhx__task_entry task = {0};
  int64_t wait_us = 0;
  memset(f, 0, sizeof *f);
  f->faults = faulty_store_new(knobs, &f->store);
  FHX_INIT(&f->record);
  f->record.job_id = JOB_ID;
  f->record.resolution_us = 1;
  assert_int_equal(store_create_job(f->store, &f->record, NULL), FHX_OK);
  assert_int_equal(
      fhx__store_claim_task(f->store, JOB_ID, "one", 60000000, 3, &task, &wait_us, NULL), FHX_OK);
  fhx__task_entry_free(&task);
  f->job.store = f->store;
  f->job.record = &f->record;
}

static void end(fixture *f) {
  fhx_store_free(f->store);
  faulty_store_end(f->faults);
}

static int32_t add(fixture *f, uint64_t fence) {
  static const char *const texts[] = {"a", "b", "c"};
  const fhx_members members = {JOB_ID, 0, FHX_MEMBERS_PATIENT, fence, texts, 3};
  fhx_error *error = NULL;
  int32_t status = fhx__step_add_members(&f->job, &members, &error);
  assert_int_equal(fhx_error_status(error), status);
  fhx_error_free(error);
  return status;
}

/* The number of members behind "a". */
static int32_t list(fixture *f, size_t *count) {
  fhx_reply members;
  fhx_error *error = NULL;
  int32_t status = fhx__step_list_members(&f->job, FHX_MEMBERS_PATIENT, "a", 9, &members, &error);
  assert_int_equal(fhx_error_status(error), status);
  *count = status == FHX_OK ? fhx__reply_item_count(&members) : 0;
  fhx__reply_end(&members);
  fhx_error_free(error);
  return status;
}

static void a_lost_answer_is_not_noticed(void **state) {
  static const faulty_step steps[] = {FAULTY_ADD_MEMBERS, FAULTY_LIST_MEMBERS};
  (void)state;
  for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
    for (int answer = 0; answer < FAULTY_ANSWERS; answer++) {
      const faulty_knobs knobs = {
          .step = steps[i], .answer = (faulty_answer)answer, .fault_at = 1, .fault_times = 2};
      fixture f;
      size_t count = 0;
      begin(&f, &knobs);
      assert_int_equal(add(&f, 1), FHX_OK);
      assert_int_equal(list(&f, &count), FHX_OK);
      assert_int_equal(count, 2);
      assert_int_equal(faulty_store_calls(f.faults, steps[i]), 3);
      end(&f);
    }
  }
}

static void a_store_that_is_gone_is_an_error(void **state) {
  (void)state;
  const faulty_knobs knobs = {.step = FAULTY_STEPS, .answer = FAULTY_FAILS, .fault_at = 3};
  fixture f;
  size_t count = 0;
  begin(&f, &knobs);
  assert_int_equal(add(&f, 1), FHX_ERR_IO);
  assert_int_equal(faulty_store_calls(f.faults, FAULTY_ADD_MEMBERS), TRIES);
  assert_int_equal(list(&f, &count), FHX_ERR_IO);
  assert_int_equal(faulty_store_calls(f.faults, FAULTY_LIST_MEMBERS), TRIES);
  faulty_store_heal(f.faults);
  assert_int_equal(add(&f, 1), FHX_OK);
  end(&f);
}

/* What another attempt refuses is not asked for again, whether an answer was lost before or not. */
static void a_refusal_is_definite(void **state) {
  (void)state;
  for (uint64_t lost = 0; lost < 2; lost++) {
    const faulty_knobs knobs = {.step = FAULTY_ADD_MEMBERS,
                                .answer = FAULTY_TAKEN_SILENT,
                                .fault_at = lost == 0 ? UINT64_MAX : 1,
                                .fault_times = 1};
    fixture f;
    size_t count = 0;
    begin(&f, &knobs);
    assert_int_equal(add(&f, 2), FHX_ERR_REFUSED);
    assert_int_equal(faulty_store_calls(f.faults, FAULTY_ADD_MEMBERS), 1 + lost);
    assert_int_equal(list(&f, &count), FHX_OK);
    assert_int_equal(count, 0);
    end(&f);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_lost_answer_is_not_noticed),
      cmocka_unit_test(a_store_that_is_gone_is_an_error),
      cmocka_unit_test(a_refusal_is_definite),
  };
  return cmocka_run_group_tests_name("steps on members", tests, NULL, NULL);
}
