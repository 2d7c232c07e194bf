/* Pages as a job makes and lists them: whatever is lost or made by somebody else, each is there
   once; and the labels of parts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

#include "faulty_store.h"
#include "job/pages.h"
#include "job/run.h"
#include "support/memory.h"
#include "support/require.h"
#include "support/setup.h"

/* The library's tries of one step. */
#define TRIES 6

static test_dataset *data;

static int make_data(void **state) {
  *state = data = test_dataset_new(11, 90, 0);
  return 0;
}

/* A complete job over a store that goes wrong as the knobs say. */
typedef struct fixture {
  faulty_store *faults;
  test_setting with;
  test_export of;
} fixture;

static void begin(fixture *f, const faulty_knobs *knobs) {
  f->with = test_setting_usual(data);
  f->faults = faulty_store_new(knobs, &f->with.store);
  test_export_start(&f->of, &f->with);
  test_require_status(fhx_job_run(f->of.job, NULL), FHX_OK);
}

static void end(fixture *f) {
  test_export_end(&f->of);
  fhx_store_free(f->with.store);
  faulty_store_end(f->faults);
}

static int32_t add(fixture *f, uint32_t page, uint32_t count_max) {
  fhx_error *error = NULL;
  int32_t status = fhx__job_add_page(f->of.job, page, count_max, 0, &error);
  assert_int_equal(fhx_error_status(error), status < 0 ? status : FHX_OK);
  fhx_error_free(error);
  return status;
}

static uint32_t page_count(fixture *f) {
  fhx_progress *progress = NULL;
  assert_int_equal(fhx_job_progress_new(f->of.job, &progress, NULL), FHX_OK);
  uint32_t count = fhx__progress_page_count(progress);
  fhx_progress_free(progress);
  return count;
}

/* Walks all pages beside all parts: they are the same ones in the same order. */
static void assert_pages_are_the_parts(fixture *f, uint32_t pages, uint32_t limit) {
  uint64_t after = 0;
  fhx_part_page *expected = NULL, *found = NULL;
  for (uint32_t page = 1; page <= pages; page++) {
    uint32_t after_task = 0;
    uint64_t after_seq = 0;
    int32_t status = FHX_OK;
    while ((status = fhx__job_page_parts(f->of.job, page, &after_task, &after_seq, limit, 0, &found,
                                         NULL)) == FHX_OK) {
      for (uint32_t i = 0; i < fhx_part_page_count(found); i++) {
        assert_int_equal(fhx_job_parts_new(f->of.job, &after, 1, &expected, NULL), FHX_OK);
        assert_string_equal(fhx_part_name(fhx_part_page_part(found, i)),
                            fhx_part_name(fhx_part_page_part(expected, 0)));
        fhx_part_page_free(expected);
      }
      fhx_part_page_free(found);
    }
    assert_int_equal(status, FHX_END);
  }
  assert_int_equal(fhx_job_parts_new(f->of.job, &after, 1, &expected, NULL), FHX_END);
}

static void all_parts_come_on_pages(void **state) {
  fixture f;
  const faulty_knobs none = {.step = FAULTY_ADD_PAGE};
  uint32_t pages = 0;
  (void)state;
  begin(&f, &none);
  faulty_store_heal(f.faults);
  assert_int_equal(page_count(&f), 0);
  while (add(&f, pages + 1, 3) == FHX_OK) pages++;
  assert_int_equal(add(&f, pages + 1, 3), FHX_END);
  assert_int_equal(add(&f, pages + 2, 3), FHX_END);
  assert_true(pages > 2);
  assert_int_equal(page_count(&f), pages);
  /* One that is there is there. */
  assert_int_equal(add(&f, 1, 1), FHX_OK);
  assert_int_equal(add(&f, pages, 1), FHX_OK);
  assert_int_equal(add(&f, 0, 1), FHX_ERR_ARGUMENT);
  assert_pages_are_the_parts(&f, pages, 2);
  assert_pages_are_the_parts(&f, pages, 1000000);
  end(&f);
}

static void a_lost_answer_makes_no_second_page(void **state) {
  (void)state;
  for (int answer = 0; answer < FAULTY_ANSWERS; answer++) {
    for (uint64_t times = 1; times < TRIES; times += TRIES - 2) {
      fixture f;
      faulty_knobs knobs = {.step = FAULTY_ADD_PAGE, .answer = (faulty_answer)answer};
      knobs.fault_at = 2;
      knobs.fault_times = times;
      begin(&f, &knobs);
      assert_int_equal(add(&f, 1, 2), FHX_OK);
      assert_int_equal(add(&f, 2, 2), FHX_OK);
      assert_int_equal(page_count(&f), 2);
      assert_int_equal(add(&f, 3, UINT32_MAX), FHX_OK);
      assert_int_equal(add(&f, 4, UINT32_MAX), FHX_END);
      assert_pages_are_the_parts(&f, 3, 7);
      end(&f);
    }
  }
}

/* Then nobody knows, and the caller asks again. */
static void without_an_answer_it_is_not_known(void **state) {
  (void)state;
  for (int answer = 0; answer < FAULTY_ANSWERS; answer++) {
    fixture f;
    faulty_knobs knobs = {.step = FAULTY_ADD_PAGE, .answer = (faulty_answer)answer};
    knobs.fault_at = 1;
    begin(&f, &knobs);
    assert_true(add(&f, 1, 2) < 0);
    assert_int_equal(faulty_store_calls(f.faults, FAULTY_ADD_PAGE), TRIES);
    faulty_store_heal(f.faults);
    assert_int_equal(add(&f, 1, 2), FHX_OK);
    assert_int_equal(add(&f, 2, UINT32_MAX), FHX_OK);
    assert_pages_are_the_parts(&f, 2, 7);
    end(&f);
  }
}

static void a_list_is_asked_for_again(void **state) {
  (void)state;
  for (int answer = 0; answer < FAULTY_ANSWERS; answer++) {
    fixture f;
    faulty_knobs knobs = {.step = FAULTY_LIST_PAGE, .answer = (faulty_answer)answer};
    knobs.fault_at = 1;
    knobs.fault_times = TRIES - 1;
    begin(&f, &knobs);
    assert_int_equal(add(&f, 1, UINT32_MAX), FHX_OK);
    assert_pages_are_the_parts(&f, 1, 2);
    end(&f);
  }
}

static void a_removed_job_has_no_pages(void **state) {
  fixture f;
  const faulty_knobs none = {.step = FAULTY_ADD_PAGE};
  (void)state;
  begin(&f, &none);
  faulty_store_heal(f.faults);
  assert_int_equal(fhx_job_cancel(f.of.job, NULL), FHX_OK);
  assert_int_equal(add(&f, 1, 2), FHX_ERR_NOT_FOUND);
  end(&f);
}

/* Two that write under one label must not share a name, and the sweeper must find it. */
static void labels_follow_from_phase_and_type(void **state) {
  fhx_job job;
  (void)state;
  memset(&job, 0, sizeof job);
  assert_null(fhx__job_label(&job, FHX_PHASE_PLAN, ""));
  assert_string_equal(fhx__job_label(&job, FHX_PHASE_MAIN, "Patient"), "Patient");
  assert_string_equal(fhx__job_label(&job, FHX_PHASE_ASSOCIATED, "Location"), "Location");
  assert_string_equal(fhx__job_label(&job, FHX_PHASE_DOCUMENTS, "DocumentReference"),
                      "DocumentReference");
  assert_string_equal(fhx__job_label(&job, FHX_PHASE_DELETED, "Patient"), "deleted");
  assert_string_equal(fhx__job_label(&job, FHX_PHASE_FINISH, ""), "error");
  job.definition.by_patient = true;
  assert_string_equal(fhx__job_label(&job, FHX_PHASE_MAIN, ""), "patients");
  assert_string_equal(fhx__job_label(&job, FHX_PHASE_ASSOCIATED, "Location"), "Location");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(all_parts_come_on_pages),
      cmocka_unit_test(a_lost_answer_makes_no_second_page),
      cmocka_unit_test(without_an_answer_it_is_not_known),
      cmocka_unit_test(a_list_is_asked_for_again),
      cmocka_unit_test(a_removed_job_has_no_pages),
      cmocka_unit_test(labels_follow_from_phase_and_type),
  };
  return cmocka_run_group_tests_name("pages", tests, make_data, test_dataset_end);
}
