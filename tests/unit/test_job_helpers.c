/*
 * Jobs whose parts a helper thread writes, between a hostile source, destination and store: what
 * holds without helpers holds with them (lessons 3, 15, 19, 21, 25).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

#include "faulty_store.h"
#include "support/memory.h"
#include "support/require.h"
#include "support/runner.h"
#include "support/setup.h"

/* Every task fills the writer's buffer several times, in two parts or so. */
#define RESOURCES 28
#define PART_BYTES 2500000
#define LEASE_US INT64_C(150000)

static test_dataset *data;

static int make_data(void **state) {
  *state = data = test_dataset_new(31, RESOURCES, TEST_DATASET_LONG | TEST_DATASET_BAD);
  return 0;
}

#define WAYS 4

static test_setting way(size_t number) {
  test_setting with = test_setting_usual(data);
  with.part_bytes = PART_BYTES;
  with.expected.error_count = data->bad_count;
  with.destination.flags = (number & 1) != 0 ? FHX_DESTINATION_ANY_THREAD : 0;
  with.sha256 = true;
  with.gzip = (number & 2) != 0;
  with.helpers = 1;
  return with;
}

/* What came of it is exact, or nothing. */
static int32_t run_and_check(const test_setting *with, uint32_t threads) {
  test_export of;
  char message[TEST_MESSAGE_MAX];
  test_export_start(&of, with);
  int32_t status = test_run_job(of.job, threads, threads > 1, message);
  if (status == FHX_OK) {
    test_export_check_complete(&of);
  } else {
    test_require_status(status, FHX_ERR_JOB_FAILED);
    test_export_check_nothing_left(&of);
  }
  bool elsewhere = test_destination_writes_elsewhere(of.destination) != 0;
  bool allowed = with->helpers != 0 && (with->destination.flags & FHX_DESTINATION_ANY_THREAD) != 0;
  test_require(status == FHX_OK ? elsewhere == allowed : allowed || !elsewhere);
  test_export_end(&of);
  return status;
}

static void test_complete(void **state) {
  (void)state;
  for (size_t number = 0; number < WAYS; number++) {
    for (uint32_t threads = 1; threads <= 4; threads += 3) {
      test_setting with = way(number);
      with.worker_bytes = threads == 1 ? UINT64_C(8) << 20 : 0;
      test_scenario("way %zu, %u threads", number, threads);
      test_require_status(run_and_check(&with, threads), FHX_OK);
    }
  }
}

/* The helper's thread counts as inside the job, which its callback may not run. */
static void test_re_entering(void **state) {
  (void)state;
  for (uint32_t threads = 1; threads <= 4; threads += 3) {
    test_setting with = way(1);
    with.source.re_enters = true;
    with.destination.re_enters = true;
    test_scenario("re-entering, %u threads", threads);
    test_require_status(run_and_check(&with, threads), FHX_OK);
  }
}

/* --- faults --- */

static void run_fault(test_setting *with, size_t number, uint32_t threads) {
  const char *call = with->destination.fault_call == TEST_DESTINATION_WRITE ? "write" : "other";
  test_scenario("%s %d, fault %d at %d, way %zu, %u threads", call,
                (int)with->destination.fault_call, (int)with->destination.fault,
                (int)with->destination.fault_at, number, threads);
  int32_t status = run_and_check(with, threads);
  /* The same end as without a helper. */
  with->helpers = 0;
  test_require_status(run_and_check(with, 1), status);
}

static void test_failing_destinations(void **state) {
  (void)state;
  static const test_destination_call calls[] = {TEST_DESTINATION_OPEN, TEST_DESTINATION_WRITE,
                                                TEST_DESTINATION_COMMIT};
  for (size_t i = 0; i < 3; i++) {
    for (int fault = TEST_DESTINATION_FAILS; fault < TEST_DESTINATION_FAULTS; fault++) {
      for (uint64_t at = 1; at <= 4; at += 3) {
        size_t number = ((size_t)fault + at / 2) % WAYS;
        test_setting with = way(number);
        with.destination.fault_call = calls[i];
        with.destination.fault = (test_destination_fault)fault;
        with.destination.fault_at = at;
        with.destination.fault_times = at == 4 ? 0 : 1;
        with.source.tokens = fault % 3 != 0;
        if (calls[i] != TEST_DESTINATION_COMMIT && fault >= TEST_DESTINATION_DONE_FAILS) continue;
        if (test_is_quick() && (i + (size_t)fault + at) % test_step(3) != 0) continue;
        run_fault(&with, number, fault % 2 == 0 ? 1 : 2);
      }
    }
  }
}

/* The attempt ends while the helper is busy. */
static void test_failing_sources(void **state) {
  (void)state;
  for (uint64_t at = 2; at < 12; at += 3) {
    for (size_t number = 0; number < WAYS; number++) {
      if (test_is_quick() && (number + at / 3) % test_step(1) != 0) continue;
      test_setting with = way(number);
      with.source.fault_call = TEST_SOURCE_NEXT;
      with.source.fault = TEST_SOURCE_FAILS_RETRYABLE;
      with.source.fault_at = at;
      with.source.fault_times = 2;
      with.source.tokens = number % 3 == 0;
      test_scenario("source fault at %d, way %zu", (int)at, number);
      test_require_status(run_and_check(&with, 2), FHX_OK);
    }
  }
}

/* --- what callbacks may do to a job --- */

typedef struct meddler {
  fhx_job *job;
  uint64_t at;
  enum { CANCELS, PARKS, FREES } does;
  atomic_int done;
} meddler;

/* From part_write, wherever it runs. */
static void meddle(void *context, test_destination_call call, uint64_t number) {
  meddler *with = context;
  if (call != TEST_DESTINATION_WRITE || number < with->at) return;
  if (atomic_fetch_add(&with->done, 1) != 0) return;
  if (with->does == CANCELS && fhx_job_cancel(with->job, NULL) != FHX_OK) {
    test_violation("a callback could not cancel its job");
  }
  if (with->does == PARKS) fhx_job_park(with->job);
  if (with->does == FREES) fhx_job_free(with->job);
}

static test_setting meddled_with(meddler *by, size_t number) {
  test_setting with = way(number);
  with.destination.hook = meddle;
  with.destination.hook_context = by;
  return with;
}

static void test_cancel(void **state) {
  (void)state;
  for (size_t number = 0; number < WAYS; number++) {
    for (uint64_t at = 1; at < 8; at += 2) {
      test_export of;
      char message[TEST_MESSAGE_MAX];
      meddler by = {NULL, at, CANCELS, 0};
      test_setting with = meddled_with(&by, number);
      uint32_t threads = at % 4 == 1 ? 1 : 4;
      test_scenario("cancel at %d, way %zu", (int)at, number);
      test_export_start(&of, &with);
      by.job = of.job;
      test_require_status(test_run_job(of.job, threads, threads > 1, message), FHX_ERR_CANCELLED);
      test_export_check_nothing_left(&of);
      test_export_end(&of);
    }
  }
}

/* A parked job goes on elsewhere, with or without a helper there. */
static void test_park_and_attach(void **state) {
  (void)state;
  for (size_t number = 0; number < WAYS; number++) {
    for (uint64_t at = 1; at < 8; at += 3) {
      test_export of;
      char message[TEST_MESSAGE_MAX];
      fhx_sqlite_store_options memory;
      fhx_job *again = NULL;
      meddler by = {NULL, at, PARKS, 0};
      test_setting with = meddled_with(&by, number);
      with.source.tokens = at != 4;
      test_scenario("park at %d, way %zu", (int)at, number);
      test_export_prepare(&of, &with);
      FHX_INIT(&memory);
      memory.path = ":memory:";
      test_require_status(fhx_sqlite_store_new(&memory, &of.options.store, NULL), FHX_OK);
      test_require_status(fhx_job_start(&of.options, &of.job, NULL), FHX_OK);
      by.job = of.job;
      test_require_status(test_run_job(of.job, 2, false, message), FHX_WAIT);
      of.options.helpers = at == 1 ? 1 : 0;
      test_require_status(fhx_job_attach(&of.options, fhx_job_id(of.job), &again, NULL), FHX_OK);
      fhx_job_free(of.job);
      of.job = again;
      test_require_status(test_run_job(of.job, 2, true, message), FHX_OK);
      test_export_check_complete(&of);
      fhx_store_free(of.options.store);
      test_export_end(&of);
    }
  }
}

/* The object goes when the task's thread has left it, not with the helper that freed it. */
static void test_free_in_callbacks(void **state) {
  (void)state;
  for (uint64_t at = 1; at < 8; at += 2) {
    test_export of;
    meddler by = {NULL, at, FREES, 0};
    test_setting with = meddled_with(&by, at / 2 % WAYS);
    test_scenario("free at %d", (int)at);
    test_export_start(&of, &with);
    by.job = of.job;
    fhx_job *job = of.job;
    of.job = NULL;
    test_require_status(fhx_job_run(job, NULL), FHX_WAIT);
    test_export_end(&of);
  }
}

/* --- lost answers of the store --- */

static int32_t run_to_the_end(test_export *of, faulty_store *store) {
  int32_t status = fhx_job_run(of->job, NULL);
  for (int runs = 1; status != FHX_OK && runs < 4; runs++) {
    faulty_store_heal(store);
    status = fhx_job_run(of->job, NULL);
  }
  return status;
}

/* The store is gone from some step on, and comes back. */
static void test_dead_store(void **state) {
  (void)state;
  for (uint64_t at = 3; at <= 27; at += 3 * test_step(1)) {
    test_export of;
    test_setting with = way(at % WAYS);
    faulty_knobs knobs = {.step = FAULTY_STEPS, .fault_at = at};
    knobs.answer = at % 2 == 0 ? FAULTY_TAKEN_SILENT : FAULTY_FAILS;
    faulty_store *store = faulty_store_new(&knobs, &with.store);
    with.lease_us = LEASE_US;
    with.attempts_max = 8;
    with.source.tokens = at % 4 < 2;
    test_scenario("dead store at %d", (int)at);
    test_export_start(&of, &with);
    test_require_status(run_to_the_end(&of, store), FHX_OK);
    test_export_check_complete(&of);
    test_export_end(&of);
    fhx_store_free(with.store);
    faulty_store_end(store);
  }
}

/* --- memory --- */

static const char *const one_type[] = {"Patient", NULL};

/* Whether the call worked; else the reason must be memory, and there is enough of it again. */
static bool worked(int32_t status) {
  if (status >= 0) return true;
  test_require_status(status, FHX_ERR_NO_MEMORY);
  test_memory_recover();
  return false;
}

static void memory_scenario(size_t number) {
  test_export of;
  test_setting with = way(number);
  with.expected.types = one_type;
  with.source.applied = FHX_APPLIED_TYPE;
  with.lease_us = 40000;
  test_export_prepare(&of, &with);
  if (of.options.source == NULL || of.options.destination == NULL || of.filter == NULL) {
    test_memory_recover();
  } else if (worked(fhx_job_start(&of.options, &of.job, NULL))) {
    int32_t status = fhx_job_run(of.job, NULL);
    while (status != FHX_OK && status != FHX_ERR_JOB_FAILED && !worked(status)) {
      status = fhx_job_run(of.job, NULL);
    }
    test_memory_recover();
    if (status == FHX_OK) test_export_check_complete(&of);
    if (status != FHX_OK) test_export_check_nothing_left(&of);
  }
  test_export_end(&of);
}

/* At every allocation, also those that come as the helper works. */
static void test_out_of_memory(void **state) {
  (void)state;
  for (size_t number = 0; number < WAYS; number++) {
    bool reached = true;
    for (uint64_t at = 1 + number; reached; at += test_is_quick() ? test_step(29) : WAYS) {
      test_scenario("allocation %d, way %zu", (int)at, number);
      if (at % 3 == 0) {
        test_memory_begin_lasting(at);
      } else {
        test_memory_begin(at);
      }
      memory_scenario(number);
      reached = test_memory_end();
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_complete),
      cmocka_unit_test(test_re_entering),
      cmocka_unit_test(test_failing_destinations),
      cmocka_unit_test(test_failing_sources),
      cmocka_unit_test(test_cancel),
      cmocka_unit_test(test_park_and_attach),
      cmocka_unit_test(test_free_in_callbacks),
      cmocka_unit_test(test_dead_store),
      cmocka_unit_test(test_out_of_memory),
  };
  return cmocka_run_group_tests_name("jobs with helpers", tests, make_data, test_dataset_end);
}
