/*
 * The roster of a Group export when things go wrong: memory runs out, the store's answers get lost,
 * threads race to load it; and what only the library itself can see of it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>
#include <fhirexport/fhirexport.h>

#include "faulty_store.h"
#include "job/run.h"
#include "support/memory.h"
#include "support/require.h"
#include "support/runner.h"
#include "support/small_source.h"

#define MEMBER(reference) "{\"entity\":{\"reference\":\"" reference "\"}}"
#define JOINED(reference, start) \
  "{\"entity\":{\"reference\":\"" reference "\"},\"period\":{\"start\":\"" start "\"}}"
#define OLD_US INT64_C(1577836800000000) /* 2020 */

/* Nested, with a missing patient, one without a reference, a new one, and one who is no patient;
   with white space, so that it is copied. */
static const char group_text[] =
    "{\"resourceType\":\"Group\", \"id\":\"g\", \"actual\":true, \"member\":[" MEMBER(
        "Group/g2") "," MEMBER("Patient/gone") ",{}," MEMBER("Practitioner/d1") "]}";
static const char nested_text[] =
    "{\"resourceType\":\"Group\",\"id\":\"g2\",\"actual\":true,\"member\":[" JOINED(
        "Patient/p2", "2023-05") "," MEMBER("Patient/p1") "]}";

static const test_small_row rows[] = {
    {"Group", "g", "", OLD_US, group_text},
    {"Group", "g2", "", OLD_US, nested_text},
    {"Observation", "o1", "p1", OLD_US,
     "{\"resourceType\":\"Observation\",\"id\":\"o1\",\"subject\":{\"reference\":\"Patient/p1\"}}"},
    {"Observation", "o2", "p2", OLD_US,
     "{\"resourceType\":\"Observation\",\"id\":\"o2\",\"subject\":{\"reference\":\"Patient/p2\"}}"},
    {"Patient", "p1", "p1", OLD_US, "{\"resourceType\":\"Patient\",\"id\":\"p1\"}"},
    {"Patient", "p2", "p2", OLD_US, "{\"resourceType\":\"Patient\",\"id\":\"p2\"}"},
    {"Patient", "p3", "p3", OLD_US, "{\"resourceType\":\"Patient\",\"id\":\"p3\"}"},
    {"Practitioner", "d1", "", OLD_US, "{\"resourceType\":\"Practitioner\",\"id\":\"d1\"}"},
};
#define OUTPUT "Observation/o1 Observation/o2 Patient/p1 Patient/p2 Practitioner/d1"

static test_small_source small_source(bool reads) {
  test_small_source small;
  memset(&small, 0, sizeof small);
  small.rows = rows;
  small.row_count = sizeof rows / sizeof rows[0];
  small.reads = reads;
  return small;
}

static void check_complete(test_small_job *of) {
  bool found = false;
  test_small_check(of, OUTPUT);
  test_require(test_small_lines(of, "Patient/gone is a member of Group/g", &found) == 2 && found);
}

/* --- memory --- */

static void run_to_the_end(test_small_job *of) {
  for (int runs = 0; runs < 5; runs++) {
    test_small_run(of);
    test_memory_recover();
    if (of->status == FHX_OK) {
      check_complete(of);
      return;
    }
    test_require(strstr(of->message, "memory") != NULL);
    if (of->status == FHX_ERR_JOB_FAILED) {
      test_require(test_destination_objects(of->destination).count == 0);
      return;
    }
    test_require_status(of->status, FHX_ERR_NO_MEMORY);
  }
  test_require(false);
}

static void memory_scenario(bool reads) {
  test_small_source small = small_source(reads);
  test_small_job of;
  test_small_prepare(&of, &small);
  of.options.lease_us = 40000;
  fhx_filter *filter = test_small_group_filter();
  if (of.options.source == NULL || of.options.destination == NULL || filter == NULL) {
    fhx_filter_free(filter);
    test_memory_recover();
  } else {
    test_small_start(&of, filter);
    if (of.status != FHX_OK) {
      test_require_status(of.status, FHX_ERR_NO_MEMORY);
      test_memory_recover();
    } else {
      run_to_the_end(&of);
    }
  }
  test_small_end(&of);
}

static void fail_each(bool reads, bool lasting) {
  for (uint64_t number = 1;; number += test_is_quick() ? 7 : 1) {
    test_scenario("reads %d, allocation %d%s", (int)reads, (int)number,
                  lasting ? " and all later" : "");
    if (lasting) {
      test_memory_begin_lasting(number);
    } else {
      test_memory_begin(number);
    }
    memory_scenario(reads);
    if (!test_memory_end()) break;
  }
}

static void memory_runs_out(void **state) {
  (void)state;
  for (int i = 0; i < 4; i++) fail_each(i / 2 == 1, i % 2 == 1);
}

/* --- the store --- */

static void run_with_faults(const faulty_knobs *knobs) {
  test_small_source small = small_source(true);
  test_small_job of;
  fhx_store *store = NULL;
  faulty_store *faulty = faulty_store_new(knobs, &store);
  test_scenario("%s, answer %d, call %d", faulty_step_names[knobs->step], (int)knobs->answer,
                (int)knobs->fault_at);
  test_small_prepare(&of, &small);
  of.options.store = store;
  test_small_start(&of, test_small_group_filter());
  test_small_run(&of);
  check_complete(&of);
  test_small_end(&of);
  fhx_store_free(store);
  faulty_store_end(faulty);
}

/* A step whose answer is lost is asked again; what it stored stays once. */
static void answers_get_lost(void **state) {
  static const faulty_step steps[] = {FAULTY_ADD_MEMBERS, FAULTY_LIST_MEMBERS, FAULTY_PLAN_TASKS};
  (void)state;
  for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
    for (int answer = 0; answer < FAULTY_ANSWERS; answer++) {
      for (uint64_t at = 1; at < 5; at++) {
        const faulty_knobs knobs = {
            .step = steps[i], .answer = (faulty_answer)answer, .fault_at = at, .fault_times = 2};
        run_with_faults(&knobs);
      }
    }
  }
}

/* --- threads --- */

/* The first tasks of all threads load the roster at once. */
static void threads_share_one_roster(void **state) {
  (void)state;
  for (int i = 0; i < 20; i++) {
    char message[TEST_MESSAGE_MAX];
    test_small_source small = small_source(true);
    test_small_job of;
    test_small_prepare(&of, &small);
    test_small_start(&of, test_small_group_filter());
    test_require_status(of.status, FHX_OK);
    of.status = test_run_job(of.job, 4, true, message);
    check_complete(&of);
    test_small_end(&of);
  }
}

/* Another object than the one that planned loads what is stored. */
static void loaded_from_the_store(void **state) {
  (void)state;
  test_small_source small = small_source(true);
  test_small_job of;
  fhx_store *store = NULL;
  fhx_sqlite_store_options options;
  FHX_INIT(&options);
  options.path = ":memory:";
  test_require_status(fhx_sqlite_store_new(&options, &store, NULL), FHX_OK);
  test_small_prepare(&of, &small);
  of.options.store = store;
  of.options.flags = FHX_JOB_NEW_MEMBERS;
  fhx_filter *filter = test_small_group_filter();
  test_require_status(fhx_filter_set_since(filter, "2023-01-01T00:00:00Z", NULL), FHX_OK);
  test_small_start(&of, filter);
  test_require_status(fhx_job_run_task(of.job, NULL), FHX_OK);
  test_require(of.job->members != NULL && fhx__roster_count(of.job->members) == 2);
  test_require(of.job->new_members != NULL && fhx__roster_count(of.job->new_members) == 1);
  fhx_job *planned = of.job;
  test_require_status(fhx_job_attach(&of.options, fhx_job_id(planned), &of.job, NULL), FHX_OK);
  test_require(of.job->members == NULL);
  test_require_status(fhx__roster_load(of.job, NULL, NULL), FHX_OK);
  test_require(fhx__roster_count(of.job->members) == 2);
  test_require(fhx__roster_count(of.job->new_members) == 1);
  const fhx__roster *first = of.job->members;
  test_require_status(fhx__roster_load(of.job, NULL, NULL), FHX_OK);
  test_require(of.job->members == first);
  test_small_run(&of);
  /* p1 is old and known; of d1, who is read by himself, nobody knows how old he is. */
  test_small_check(&of, "Observation/o2 Patient/p2 Practitioner/d1");
  fhx_job_free(planned);
  test_small_end(&of);
  fhx_store_free(store);
}

/* --- cancelled while it resolves --- */

static bool cancel(void *context, test_small_call call, uint64_t number, fhx_reply *reply) {
  const test_small_job *of = context;
  (void)reply;
  if (call == TEST_SMALL_NEXT && number == 1) {
    test_violation_unless(fhx_job_cancel(of->job, NULL) == FHX_OK, "a job cannot be cancelled");
  }
  return false;
}

static void cancelled_while_it_resolves(void **state) {
  (void)state;
  for (int reads = 0; reads < 2; reads++) {
    test_small_source small = small_source(reads == 1);
    test_small_job of;
    small.hook = cancel;
    small.hook_context = &of;
    test_small_prepare(&of, &small);
    test_small_start(&of, test_small_group_filter());
    test_small_run(&of);
    test_require_status(of.status, FHX_ERR_CANCELLED);
    test_require(atomic_load(&small.calls[TEST_SMALL_NEXT]) == 1);
    test_small_end(&of);
  }
}

/* --- what is only seen from inside --- */

/* PARAM-15: the protocol can name the patient; the message does not. */
static void the_refusal_names_the_patient(void **state) {
  static const char *const strangers[] = {"p3", "nobody", "gone"};
  (void)state;
  for (size_t i = 0; i < 3; i++) {
    test_small_source small = small_source(true);
    test_small_job of;
    fhx_error *error = NULL;
    fhx__roster_refusal refusal = {"left over"};
    const fhx__job_extras extras = {.refusal = &refusal};
    test_small_prepare(&of, &small);
    fhx_filter *filter = test_small_group_filter();
    test_require_status(fhx_filter_add_patient(filter, "p1", NULL), FHX_OK);
    test_require_status(fhx_filter_add_patient(filter, strangers[i], NULL), FHX_OK);
    of.options.filter = filter;
    test_require_status(fhx__job_start(&of.options, &extras, &of.job, &error), FHX_ERR_NOT_FOUND);
    assert_string_equal(refusal.patient_id, strangers[i]);
    test_require(strncmp(fhx_error_message(error), "patient: ", 9) == 0);
    test_require(strstr(fhx_error_message(error), strangers[i]) == NULL);
    fhx_error_free(error);
    fhx_filter_free(filter);
    test_small_end(&of);
  }
}

static void limits_are_recorded(void **state) {
  (void)state;
  test_small_source small = small_source(true);
  test_small_job of;
  fhx__definition read;
  test_small_prepare(&of, &small);
  of.options.flags = FHX_JOB_NEW_MEMBERS;
  of.options.group_depth_max = 3;
  of.options.group_members_max = UINT64_C(7000000000);
  of.options.associated_types = "Organization,Practitioner,Patient";
  test_small_start(&of, test_small_group_filter());
  test_require_status(of.status, FHX_OK);
  test_require_status(fhx__definition_read(of.job->record->definition, &read, NULL), FHX_OK);
  test_require(read.flags == FHX_JOB_NEW_MEMBERS && read.group_depth_max == 3);
  test_require(read.group_members_max == UINT64_C(7000000000));
  /* Those that the filter has, in its order. */
  assert_string_equal(read.associated_types, "Patient,Practitioner");
  fhx__definition_free(&read);
  test_small_end(&of);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_refusal_names_the_patient),
      cmocka_unit_test(limits_are_recorded),
      cmocka_unit_test(loaded_from_the_store),
      cmocka_unit_test(cancelled_while_it_resolves),
      cmocka_unit_test(threads_share_one_roster),
      cmocka_unit_test(answers_get_lost),
      cmocka_unit_test(memory_runs_out),
  };
  return cmocka_run_group_tests_name("the roster of a job", tests, NULL, NULL);
}
