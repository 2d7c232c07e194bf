/*
 * Resources that are exported because others refer to them, or because a Group names them
 * (FILTER-11, -14, -36, -37): each once, whatever the source can do, and whatever happens
 * meanwhile.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

#include "support/clinic.h"
#include "support/memory.h"
#include "support/require.h"
#include "support/runner.h"

#define OBSERVATIONS 2400
#define FEW 40

static const char *const all_types[] = {"Patient",      "Observation", "Encounter", "Practitioner",
                                        "Organization", "Device",      NULL};
static const char usual_types[] = "Practitioner,Organization";

static test_dataset *data;
static test_dataset *few;

static int make_data(void **state) {
  (void)state;
  data = test_clinic_new(OBSERVATIONS / (size_t)test_step(1));
  few = test_clinic_new(FEW);
  return 0;
}

static int free_data(void **state) {
  (void)state;
  test_dataset_free(data);
  test_dataset_free(few);
  return 0;
}

static test_clinic_ask of_patients(void) {
  return (test_clinic_ask){all_types, usual_types, false, false};
}

static test_clinic_ask of_group(void) {
  return (test_clinic_ask){all_types, usual_types, true, false};
}

static test_setting usual(const test_dataset *from, bool reads) {
  test_setting with = test_setting_usual(from);
  with.source.lists_types = false;
  with.source.reads_resources = reads;
  test_clinic_add_group(&with);
  return with;
}

/* Runs the export; the error file's text, which is the caller's. */
static char *run(const test_setting *with, const test_clinic_ask *ask, uint32_t threads,
                 size_t error_lines) {
  char message[TEST_MESSAGE_MAX];
  test_export of;
  test_clinic_start(&of, with, ask);
  test_require_status(test_run_job(of.job, threads, threads > 1, message), FHX_OK);
  char *errors = test_clinic_check(&of, ask, error_lines);
  test_export_end(&of);
  return errors;
}

/* --- what comes out --- */

/* However it delivers, and whatever it applies itself. */
static void every_source_gives_the_same(void **state) {
  static const uint32_t applied[] = {
      0, FHX_APPLIED_TYPE | FHX_PROMISE_ASCENDING_IDS,
      FHX_APPLIED_TYPE | FHX_APPLIED_SINCE | FHX_APPLIED_UNTIL | FHX_APPLIED_PATIENTS};
  (void)state;
  for (int i = 0; i < 48; i++) {
    test_clinic_ask ask = (i & 1) != 0 ? of_group() : of_patients();
    test_setting with = usual(data, (i & 2) != 0);
    ask.lately = (i & 4) != 0;
    with.source.shards = (i & 8) != 0;
    with.source.applied = applied[i / 16];
    with.source.tokens = i % 5 != 0;
    if (test_is_quick() && i % 7 != 0) continue;
    test_scenario("source %d", i);
    /* One missing practitioner, and for the Group one missing device. */
    free(run(&with, &ask, i % 3 == 0 ? 3 : 1, ask.by_group ? 2 : 1));
  }
}

/* Of what only a reference means the number is told, of members each (FILTER-36). */
static void missing_ones_are_told(void **state) {
  (void)state;
  for (int reads = 0; reads < 2; reads++) {
    test_clinic_ask ask = of_group();
    test_setting with = usual(few, reads == 1);
    test_scenario("missing, reads %d", reads);
    char *errors = run(&with, &ask, 1, 2);
    test_require(strstr(errors, "1 resources of type Practitioner") != NULL);
    test_require(strstr(errors, reads == 1 ? "Device/gone is a member of the Group"
                                           : "1 resources of type Device") != NULL);
    test_require(strstr(errors, "\"code\":\"not-found\"") != NULL);
    test_require(strstr(errors, "\"severity\":\"warning\"") != NULL);
    test_require(strstr(errors, "\"severity\":\"error\"") == NULL);
    free(errors);
  }
}

/* FILTER-08: neither what is referred to nor what the Group names. */
static void types_are_a_bound(void **state) {
  static const char *const no_practitioner[] = {"Patient", "Observation", "Organization", NULL};
  static const char *const only_patients[] = {"Patient", NULL};
  static const char *const only_practitioners[] = {"Practitioner", NULL};
  (void)state;
  for (int i = 0; i < 4; i++) {
    test_clinic_ask ask = (i & 1) != 0 ? of_group() : of_patients();
    test_setting with = usual(few, (i & 2) != 0);
    test_scenario("types, %d", i);
    ask.types = no_practitioner;
    free(run(&with, &ask, 1, 0));
    ask.types = only_patients;
    free(run(&with, &ask, 1, 0));
    /* Nothing that is exported refers to one; a member comes out as itself. */
    if (!ask.by_group) continue;
    ask.types = only_practitioners;
    free(run(&with, &ask, 1, 0));
  }
}

/* Without associated types only the members of the Group that are no patients (FILTER-37). */
static void members_need_no_associated_types(void **state) {
  (void)state;
  for (int reads = 0; reads < 2; reads++) {
    test_clinic_ask ask = of_group();
    test_setting with = usual(few, reads == 1);
    test_scenario("members, reads %d", reads);
    ask.associated_types = NULL;
    free(run(&with, &ask, 1, 1));
    ask.by_group = false;
    free(run(&with, &ask, 1, 0));
  }
}

/* FILTER-14, -17, -30: an Encounter in the compartment of an exported patient comes from the main
   phase; one of somebody else's does not come, although an Observation refers to it. */
static void types_of_the_compartment_may_be_associated(void **state) {
  (void)state;
  for (int i = 0; i < 4; i++) {
    test_clinic_ask ask = (i & 1) != 0 ? of_group() : of_patients();
    test_setting with = usual(few, (i & 2) != 0);
    test_scenario("encounters, %d", i);
    ask.associated_types = "Encounter,Patient";
    free(run(&with, &ask, 1, ask.by_group ? 1 : 0));
  }
}

/* --- how it is read --- */

/* Many are taken by one cursor from a source that says how small the type is; few are read. */
static void few_are_read_and_many_are_searched(void **state) {
  (void)state;
  for (int estimates = 0; estimates < 2; estimates++) {
    test_clinic_ask ask = of_patients();
    test_setting with = usual(few, true);
    test_export of;
    test_scenario("ways, estimates %d", estimates);
    with.source.shards = estimates == 1;
    ask.associated_types = "Practitioner";
    test_clinic_start(&of, &with, &ask);
    test_require_status(fhx_job_run(of.job, NULL), FHX_OK);
    free(test_clinic_check(&of, &ask, 1));
    bool read = test_source_calls(of.source, TEST_SOURCE_READ) != 0;
    test_require(read == (estimates == 0));
    test_export_end(&of);
  }
}

/* What is not a valid resource, or not the one that was asked for, is one error line. */
static void bad_rows_are_error_lines(void **state) {
  (void)state;
  for (int reads = 0; reads < 2; reads++) {
    test_dataset *spoilt = test_clinic_new(FEW);
    test_clinic_ask ask = of_patients();
    test_setting with = usual(spoilt, reads == 1);
    test_export of;
    test_scenario("bad rows, reads %d", reads);
    for (size_t i = 0; i < spoilt->count; i++) {
      test_resource *resource = &spoilt->items[i];
      bool idle = strcmp(resource->id, "idle") == 0;
      if (strcmp(resource->type, "Practitioner") != 0) continue;
      /* Nobody refers to the idle one: it is nobody's error. */
      if (idle || strcmp(resource->id, "b") == 0) resource->json[resource->len - 1] = ']';
    }
    test_clinic_start(&of, &with, &ask);
    test_require_status(fhx_job_run(of.job, NULL), FHX_OK);
    fhx_progress *progress = NULL;
    test_require_status(fhx_job_progress_new(of.job, &progress, NULL), FHX_OK);
    test_require(fhx_progress_error_count(progress) == 1);
    fhx_progress_free(progress);
    test_export_end(&of);
    test_dataset_free(spoilt);
  }
}

/* --- what happens meanwhile --- */

static fhx_store *open_store(void) {
  fhx_sqlite_store_options options;
  fhx_store *store = NULL;
  FHX_INIT(&options);
  options.path = ":memory:";
  test_require_status(fhx_sqlite_store_new(&options, &store, NULL), FHX_OK);
  return store;
}

/* Another "process" after every task: what one has noted, the other exports. */
static void every_task_in_another_process(void **state) {
  (void)state;
  for (int i = 0; i < 4; i++) {
    test_clinic_ask ask = (i & 1) != 0 ? of_group() : of_patients();
    test_setting with = usual(few, (i & 2) != 0);
    char id[40];
    test_export of;
    int32_t status = FHX_OK;
    test_scenario("processes, %d", i);
    with.store = open_store();
    test_clinic_start(&of, &with, &ask);
    snprintf(id, sizeof id, "%s", fhx_job_id(of.job));
    while (status == FHX_OK) {
      test_source_set_job(of.source, NULL);
      test_destination_set_job(of.destination, NULL);
      fhx_job_free(of.job);
      of.job = NULL;
      test_require_status(fhx_job_attach(&of.options, id, &of.job, NULL), FHX_OK);
      status = fhx_job_run_task(of.job, NULL);
    }
    test_require_status(status, FHX_END);
    free(test_clinic_check(&of, &ask, ask.by_group ? 2 : 1));
    test_export_end(&of);
    fhx_store_free(with.store);
  }
}

typedef struct parker {
  fhx_job *job;
  uint64_t every;
} parker;

static void park_at_times(void *context, uint64_t number) {
  const parker *at = context;
  if (number % at->every == 0) fhx_job_park(at->job);
}

/* Parked again and again, within both phases, it goes on from its token. */
static void parked_and_resumed(void **state) {
  (void)state;
  for (int i = 0; i < 4; i++) {
    parker at = {NULL, 3};
    test_clinic_ask ask = (i & 1) != 0 ? of_group() : of_patients();
    test_setting with = usual(few, (i & 2) != 0);
    char id[40];
    test_export of;
    int32_t status = FHX_WAIT;
    int rounds = 0;
    test_scenario("parked, %d", i);
    with.store = open_store();
    with.source.rows_max = 2;
    with.source.applied = FHX_APPLIED_TYPE | FHX_PROMISE_ASCENDING_IDS;
    with.source.hook = park_at_times;
    with.source.hook_context = &at;
    test_clinic_start(&of, &with, &ask);
    snprintf(id, sizeof id, "%s", fhx_job_id(of.job));
    for (at.job = of.job; status == FHX_WAIT; at.job = of.job) {
      status = fhx_job_run(of.job, NULL);
      if (status != FHX_WAIT) break;
      /* The plan begins anew when it is parked: now and then it gets the time it needs. */
      at.every = 3 + (uint64_t)(++rounds % 9);
      fhx_job_free(of.job);
      of.job = NULL;
      test_require_status(fhx_job_attach(&of.options, id, &of.job, NULL), FHX_OK);
    }
    test_require_status(status, FHX_OK);
    test_require(rounds > 5);
    free(test_clinic_check(&of, &ask, ask.by_group ? 2 : 1));
    test_export_end(&of);
    fhx_store_free(with.store);
  }
}

/* A read that fails for a while is asked again from the last place; what was read before is neither
   lost nor there twice, and missing ones are counted once. */
static void reads_fail_for_a_while(void **state) {
  (void)state;
  for (uint64_t at = 1; at <= 9; at++) {
    test_clinic_ask ask = of_patients();
    test_setting with = usual(few, true);
    test_scenario("read %d fails", (int)at);
    with.part_count = 2;
    with.source.fault_call = TEST_SOURCE_READ;
    with.source.fault = at % 2 == 0 ? TEST_SOURCE_FAILS_RETRYABLE : TEST_SOURCE_SILENT;
    with.source.fault_at = at;
    with.source.fault_times = 1;
    free(run(&with, &ask, 1, 1));
  }
}

/* The reason is the job's, and nothing is left. */
static void reads_fail_for_good(void **state) {
  test_clinic_ask ask = of_patients();
  test_setting with = usual(few, true);
  test_export of;
  (void)state;
  test_scenario("reads fail for good");
  with.source.fault_call = TEST_SOURCE_READ;
  with.source.fault = TEST_SOURCE_FAILS;
  with.source.fault_at = 3;
  test_clinic_start(&of, &with, &ask);
  test_require_status(fhx_job_run(of.job, NULL), FHX_ERR_JOB_FAILED);
  test_export_check_nothing_left(&of);
  test_export_end(&of);
}

static void cancel_at_once(void *context, test_destination_call call, uint64_t number) {
  (void)number;
  fhx_job *const *job = context;
  if (call == TEST_DESTINATION_COMMIT && number == 2) fhx_job_cancel(*job, NULL);
}

static void cancelled(void **state) {
  fhx_job *job = NULL;
  test_clinic_ask ask = of_patients();
  test_setting with = usual(few, true);
  test_export of;
  (void)state;
  test_scenario("cancelled");
  with.destination.hook = cancel_at_once;
  with.destination.hook_context = &job;
  test_clinic_start(&of, &with, &ask);
  job = of.job;
  test_require_status(fhx_job_run(of.job, NULL), FHX_ERR_CANCELLED);
  test_export_check_nothing_left(&of);
  test_export_end(&of);
}

/* --- memory --- */

static bool worked(int32_t status) {
  if (status >= 0) return true;
  test_require_status(status, FHX_ERR_NO_MEMORY);
  test_memory_recover();
  return false;
}

static test_dataset *least;

/* Memory comes back after a failure: whoever runs the job again gets all of it. */
static void memory_scenario(bool reads) {
  test_clinic_ask ask = of_group();
  test_setting with = usual(least, reads);
  test_export of;
  with.lease_us = 20000;
  with.attempts_max = 100;
  test_clinic_prepare(&of, &with, &ask);
  if (of.options.source != NULL && of.options.destination != NULL && of.filter != NULL &&
      worked(fhx_job_start(&of.options, &of.job, NULL))) {
    int32_t status = fhx_job_run(of.job, NULL);
    if (!worked(status)) status = fhx_job_run(of.job, NULL);
    test_require_status(status, FHX_OK);
    test_memory_recover();
    free(test_clinic_check(&of, &ask, 2));
  }
  test_memory_recover();
  test_export_end(&of);
}

static void memory_runs_out(void **state) {
  (void)state;
  least = test_clinic_new(6);
  for (int reads = 0; reads < 2; reads++) {
    for (uint64_t number = 1;; number += test_step(11)) {
      test_scenario("memory, reads %d, allocation %d", reads, (int)number);
      test_memory_begin(number);
      memory_scenario(reads == 1);
      if (!test_memory_end()) break;
    }
  }
  test_dataset_free(least);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_source_gives_the_same),
      cmocka_unit_test(missing_ones_are_told),
      cmocka_unit_test(types_are_a_bound),
      cmocka_unit_test(members_need_no_associated_types),
      cmocka_unit_test(types_of_the_compartment_may_be_associated),
      cmocka_unit_test(few_are_read_and_many_are_searched),
      cmocka_unit_test(bad_rows_are_error_lines),
      cmocka_unit_test(every_task_in_another_process),
      cmocka_unit_test(parked_and_resumed),
      cmocka_unit_test(reads_fail_for_a_while),
      cmocka_unit_test(reads_fail_for_good),
      cmocka_unit_test(cancelled),
      cmocka_unit_test(memory_runs_out),
  };
  return cmocka_run_group_tests_name("associated resources", tests, make_data, free_data);
}
