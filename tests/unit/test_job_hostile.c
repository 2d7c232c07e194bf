/*
 * A job between a hostile source and a hostile destination, on one thread and on several, loses
 * nothing, doubles nothing and leaves nothing behind (lessons 3, 7, 12, 15, 16, 18, 19, 21, 25).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

#include "support/require.h"
#include "support/runner.h"
#include "support/setup.h"

#define RESOURCES 260
#define EVERYTHING                                                                   \
  (FHX_APPLIED_TYPE | FHX_APPLIED_SINCE | FHX_APPLIED_UNTIL | FHX_APPLIED_PATIENTS | \
   FHX_APPLIED_AS_OF | FHX_PROMISE_ASCENDING_IDS)

static test_dataset *plain, *pretty, *stamped, *bad, *huge;

static int make_datasets(void **state) {
  (void)state;
  plain = test_dataset_new(1, RESOURCES, 0);
  pretty = test_dataset_new(2, RESOURCES, TEST_DATASET_PRETTY);
  stamped = test_dataset_new(3, RESOURCES, TEST_DATASET_STAMPED | TEST_DATASET_PRETTY);
  bad = test_dataset_new(4, RESOURCES, TEST_DATASET_BAD);
  huge = test_dataset_new(5, 60, TEST_DATASET_HUGE | TEST_DATASET_PRETTY);
  return 0;
}

static int free_datasets(void **state) {
  (void)state;
  test_dataset_free(plain);
  test_dataset_free(pretty);
  test_dataset_free(stamped);
  test_dataset_free(bad);
  test_dataset_free(huge);
  return 0;
}

/* --- one job --- */

/* A job that must become complete, and exact. */
static void expect_complete(const test_setting *with, uint32_t threads) {
  test_export of;
  char message[TEST_MESSAGE_MAX];
  test_export_start(&of, with);
  int32_t status = test_run_job(of.job, threads, threads > 1, message);
  if (status != FHX_OK) print_error("%s\n", message);
  test_require_status(status, FHX_OK);
  test_export_check_complete(&of);
  test_export_end(&of);
}

/* A job that must fail for this reason, and leave nothing behind (lesson 18). */
static void expect_failed(const test_setting *with, uint32_t threads, const char *reason) {
  test_export of;
  char message[TEST_MESSAGE_MAX];
  fhx_progress *progress = NULL;
  fhx_manifest *manifest = NULL;
  test_export_start(&of, with);
  test_require_status(test_run_job(of.job, threads, threads > 1, message), FHX_ERR_JOB_FAILED);
  if (strstr(message, reason) == NULL) print_error("%s\n", message);
  test_require(strstr(message, reason) != NULL);
  test_require_status(fhx_job_progress_new(of.job, &progress, NULL), FHX_OK);
  test_require(fhx_progress_state(progress) == FHX_JOB_FAILED);
  test_require(strcmp(fhx_progress_reason(progress), message) == 0);
  fhx_progress_free(progress);
  test_require_status(fhx_manifest_new(of.job, &manifest, NULL), FHX_ERR_JOB_FAILED);
  /* Final states are final (lesson 13). */
  test_require_status(fhx_job_run(of.job, NULL), FHX_ERR_JOB_FAILED);
  test_export_check_nothing_left(&of);
  test_export_end(&of);
}

/* --- sources that are sound, in every way of delivering --- */

typedef struct delivery {
  const char *name;
  uint32_t applied;
  bool tokens, shards, stamps, snapshot;
  uint32_t rows_max, wait_percent, empty_percent;
} delivery;

static const delivery deliveries[] = {
    {"nothing pushed down, one row, no token", 0, false, false, false, false, 0, 0, 0},
    {"nothing pushed down, tokens", 0, true, false, false, false, 9, 0, 0},
    {"nothing pushed down, shards, stamps, waits", 0, true, true, true, true, 3, 20, 10},
    {"nothing pushed down, everything in one reply", 0, false, false, false, false, 5000, 0, 0},
    {"types, tokens, one row", FHX_APPLIED_TYPE, true, false, false, false, 0, 5, 0},
    {"types, ascending, shards", FHX_APPLIED_TYPE | FHX_PROMISE_ASCENDING_IDS, true, true, false,
     false, 20, 0, 30},
    {"everything, no token", EVERYTHING, false, false, true, true, 12, 10, 0},
    {"everything, shards, tokens, stamps", EVERYTHING, true, true, true, false, 1, 0, 5},
    {"everything in one reply", EVERYTHING, true, false, false, false, 5000, 0, 0},
};
#define DELIVERIES (sizeof deliveries / sizeof *deliveries)

static test_setting delivering(const delivery *how) {
  test_setting with = test_setting_usual(plain);
  with.source.data = how->stamps ? stamped : pretty;
  with.source.applied = how->applied;
  with.source.tokens = how->tokens;
  with.source.shards = how->shards;
  with.source.stamps = how->stamps;
  with.source.snapshot = how->snapshot;
  with.source.rows_max = how->rows_max;
  with.source.wait_percent = how->wait_percent;
  with.source.empty_percent = how->empty_percent;
  return with;
}

static const char *const some_types[] = {"Observation", "Patient", NULL};
static const char *const one_type[] = {"Encounter", NULL};
static const char *const some_patients[] = {"p3", "p999", "p1", NULL};
static const char *const no_patients[] = {"p998", NULL};

#define FILTERS 8

/* Bounds are the stamps of resources, which are then at them, and so outside. */
static test_expectation filter_number(size_t number, const test_dataset *data) {
  test_expectation wanted;
  memset(&wanted, 0, sizeof wanted);
  int64_t early = data->items[3].updated_us, late = data->items[9].updated_us;
  if (early > late) {
    early = late;
    late = data->items[3].updated_us;
  }
  wanted.has_since = number == 2 || number == 4 || number == 6;
  wanted.has_until = number == 3 || number == 4 || number == 6;
  wanted.since_us = early;
  wanted.until_us = late;
  if (number == 1 || number == 6) wanted.types = some_types;
  if (number == 3) wanted.types = one_type;
  if (number == 5 || number == 6) wanted.patients = some_patients;
  if (number == 7) wanted.patients = no_patients;
  return wanted;
}

/* Whatever a source pushes down, the lines are the same (lessons 7, 12, 16). */
static void test_every_delivery_gives_the_same_lines(void **state) {
  (void)state;
  for (size_t i = 0; i < DELIVERIES; i++) {
    for (size_t filter = 0; filter < FILTERS; filter++) {
      if (test_is_quick() && (i + filter) % 3 != 0) continue;
      for (uint32_t threads = 1; threads <= 4; threads += 3) {
        test_setting with = delivering(&deliveries[i]);
        with.expected = filter_number(filter, with.source.data);
        with.sha256 = filter % 2 == 0;
        with.tenant = filter == 1 ? "clinic.7" : NULL;
        test_scenario("%s, filter %zu, %u threads", deliveries[i].name, filter, threads);
        expect_complete(&with, threads);
      }
    }
  }
}

/* Parts roll by bytes and by count, and never between the two (lesson 9). */
static void test_every_part_size(void **state) {
  (void)state;
  static const uint64_t sizes[][2] = {{1, 0}, {300, 0}, {4000, 1}, {0, 1}, {0, 17}, {50000, 3}};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    for (size_t how = 0; how < DELIVERIES; how += 2) {
      test_setting with = delivering(&deliveries[how]);
      with.part_bytes = sizes[i][0];
      with.part_count = sizes[i][1];
      with.destination.flags = FHX_DESTINATION_REQUIRES_TOKEN;
      test_scenario("%s, part size %zu", deliveries[how].name, i);
      expect_complete(&with, how % 4 == 0 ? 1 : 4);
    }
  }
}

/* Bad rows become lines of the error file, once each, whoever has to find them. */
static void test_bad_rows(void **state) {
  (void)state;
  for (size_t how = 0; how < DELIVERIES; how++) {
    for (uint32_t threads = 1; threads <= 4; threads += 3) {
      test_setting with = delivering(&deliveries[how]);
      with.source.data = bad;
      with.source.stamps = false;
      with.expected.types = some_types;
      with.expected.error_count = bad->bad_count;
      test_scenario("bad rows, %s, %u threads", deliveries[how].name, threads);
      expect_complete(&with, threads);
    }
  }
}

/* A resource that is longer than the writer's buffer, among others. */
static void test_huge_resource(void **state) {
  (void)state;
  for (size_t how = 0; how < DELIVERIES; how++) {
    for (size_t limited = 0; limited < 2; limited++) {
      test_setting with = delivering(&deliveries[how]);
      with.source.data = huge;
      with.source.stamps = false;
      with.part_bytes = limited == 0 ? 0 : 3000;
      if (limited != 0) with.expected = filter_number(5, huge);
      test_scenario("huge resource, %s, %zu", deliveries[how].name, limited);
      expect_complete(&with, 1);
    }
  }
}

/* Callbacks may ask for the progress; they may not run the job or the writer. */
static void test_re_entering(void **state) {
  (void)state;
  for (uint32_t threads = 1; threads <= 4; threads += 3) {
    test_setting with = test_setting_usual(plain);
    with.source.re_enters = true;
    with.destination.re_enters = true;
    test_scenario("re-entering, %u threads", threads);
    expect_complete(&with, threads);
  }
}

/* --- sources that fail --- */

typedef struct source_case {
  test_source_call call;
  test_source_fault fault;
  uint64_t times;
  /* NULL: the job becomes complete. */
  const char *reason;
} source_case;

static const source_case source_cases[] = {
    {TEST_SOURCE_NEXT, TEST_SOURCE_FAILS, 1, "next_rows: the source has "},
    {TEST_SOURCE_NEXT, TEST_SOURCE_FAILS_RETRYABLE, 1, NULL},
    {TEST_SOURCE_NEXT, TEST_SOURCE_FAILS_RETRYABLE, 2, NULL},
    {TEST_SOURCE_NEXT, TEST_SOURCE_FAILS_RETRYABLE, 0, "a fault that passes"},
    {TEST_SOURCE_NEXT, TEST_SOURCE_SILENT, 2, NULL},
    {TEST_SOURCE_NEXT, TEST_SOURCE_SILENT, 0, "next_rows: the callback returned without an answer"},
    {TEST_SOURCE_NEXT, TEST_SOURCE_WRONG_KIND, 1, "does not fit"},
    {TEST_SOURCE_NEXT, TEST_SOURCE_WAITS, 40, NULL},
    {TEST_SOURCE_NEXT, TEST_SOURCE_WAITS, 0, "no rows to give for longer than stall_us"},
    {TEST_SOURCE_NEXT, TEST_SOURCE_OUT_OF_ORDER, 0, "promised ascending ids"},
    {TEST_SOURCE_NEXT, TEST_SOURCE_BAD_ENDS, 0, "row_ends"},
    {TEST_SOURCE_NEXT, TEST_SOURCE_LONG_TOKEN, 0, "token"},
    {TEST_SOURCE_OPEN, TEST_SOURCE_FAILS, 1, "open_cursor: the source has "},
    {TEST_SOURCE_OPEN, TEST_SOURCE_FAILS_RETRYABLE, 2, NULL},
    {TEST_SOURCE_OPEN, TEST_SOURCE_FAILS_RETRYABLE, 0, "a fault that passes"},
    {TEST_SOURCE_OPEN, TEST_SOURCE_SILENT, 1, NULL},
    {TEST_SOURCE_OPEN, TEST_SOURCE_WRONG_KIND, 1, "does not fit"},
    {TEST_SOURCE_SHARDS, TEST_SOURCE_FAILS, 1, "list_shards: the source has "},
    {TEST_SOURCE_SHARDS, TEST_SOURCE_FAILS_RETRYABLE, 2, NULL},
    {TEST_SOURCE_SHARDS, TEST_SOURCE_SILENT, 1, NULL},
    {TEST_SOURCE_SHARDS, TEST_SOURCE_WRONG_KIND, 1, "does not fit"},
    {TEST_SOURCE_ESTIMATE, TEST_SOURCE_FAILS, 1, "count_estimate: the source has "},
    {TEST_SOURCE_ESTIMATE, TEST_SOURCE_FAILS_RETRYABLE, 2, NULL},
    {TEST_SOURCE_ESTIMATE, TEST_SOURCE_SILENT, 1, NULL},
    {TEST_SOURCE_SNAPSHOT, TEST_SOURCE_FAILS, 1, "snapshot_ready: the source has "},
    {TEST_SOURCE_SNAPSHOT, TEST_SOURCE_FAILS_RETRYABLE, 1, NULL},
    {TEST_SOURCE_SNAPSHOT, TEST_SOURCE_WRONG_KIND, 1, "does not fit"},
};

static void run_source_case(const source_case *of, size_t number, uint64_t at, size_t how,
                            uint32_t threads) {
  test_setting with = test_setting_usual(plain);
  with.source.applied = how == 0 ? 0 : EVERYTHING;
  with.source.shards =
      how != 0 || of->call == TEST_SOURCE_SHARDS || of->call == TEST_SOURCE_ESTIMATE;
  with.source.snapshot = of->call == TEST_SOURCE_SNAPSHOT;
  with.source.tokens = how != 1;
  with.source.fault_call = of->call;
  with.source.fault = of->fault;
  with.source.fault_at = at;
  with.source.fault_times = of->times;
  with.stall_us = of->fault == TEST_SOURCE_WAITS && of->times == 0 ? 30000 : 0;
  /* A source that promises nothing breaks nothing. */
  if (of->fault == TEST_SOURCE_OUT_OF_ORDER && how == 0) return;
  test_scenario("source case %zu at %d, how %zu, %u threads", number, (int)at, how, threads);
  if (of->reason == NULL) {
    expect_complete(&with, threads);
  } else {
    expect_failed(&with, threads, of->reason);
  }
}

static void test_failing_sources(void **state) {
  (void)state;
  static const uint64_t places[] = {1, 2, 9, 30};
  for (size_t i = 0; i < sizeof source_cases / sizeof *source_cases; i++) {
    const source_case *of = &source_cases[i];
    for (size_t place = 0; place < 4; place++) {
      bool often_called = of->call == TEST_SOURCE_NEXT;
      if (!often_called && places[place] > 2) continue;
      for (size_t how = 0; how < 3; how++) {
        if (test_is_quick() && (i + place + how) % 3 != 0) continue;
        run_source_case(of, i, places[place], how, place % 2 == 0 ? 1 : 4);
      }
    }
  }
}

/* A reply without a token takes the last one's promise back: a new attempt begins anew. */
static void test_tokens_now_and_then(void **state) {
  (void)state;
  for (uint64_t at = 5; at < 60; at += 6) {
    test_setting with = test_setting_usual(plain);
    with.source.seed = at;
    with.source.tokenless_percent = 50;
    with.source.fault_call = TEST_SOURCE_NEXT;
    with.source.fault = TEST_SOURCE_FAILS_RETRYABLE;
    with.source.fault_at = at;
    with.source.fault_times = 2;
    test_scenario("tokens now and then, fault at %d", (int)at);
    expect_complete(&with, at % 4 == 1 ? 1 : 4);
  }
}

/* Rows of another type are a bad row where the type was applied, else another task's. */
static void test_rows_of_another_type(void **state) {
  (void)state;
  for (uint64_t at = 1; at < 12; at += 5) {
    for (int applied = 0; applied < 2; applied++) {
      test_setting with = test_setting_usual(plain);
      with.source.applied = applied ? FHX_APPLIED_TYPE : 0;
      with.source.fault_call = TEST_SOURCE_NEXT;
      with.source.fault = TEST_SOURCE_WRONG_TYPE;
      with.source.fault_at = at;
      with.source.fault_times = 1;
      with.expected.error_count = applied ? 1 : 0;
      test_scenario("a row of another type at %d, applied %d", (int)at, applied);
      expect_complete(&with, 1);
    }
  }
}

/* What fails at once fails at the start, and nothing is recorded. */
static void test_failing_starts(void **state) {
  (void)state;
  static const struct {
    test_source_call call;
    test_source_fault fault;
    int32_t status;
  } cases[] = {
      {TEST_SOURCE_TYPES, TEST_SOURCE_FAILS, FHX_ERR_SOURCE},
      {TEST_SOURCE_TYPES, TEST_SOURCE_SILENT, FHX_ERR_NO_ANSWER},
      {TEST_SOURCE_TYPES, TEST_SOURCE_WRONG_KIND, FHX_ERR_SOURCE},
      {TEST_SOURCE_CLOCK, TEST_SOURCE_FAILS_RETRYABLE, FHX_ERR_IO},
      {TEST_SOURCE_CLOCK, TEST_SOURCE_SILENT, FHX_ERR_NO_ANSWER},
      {TEST_SOURCE_CLOCK, TEST_SOURCE_WRONG_KIND, FHX_ERR_SOURCE},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    test_export of;
    test_setting with = test_setting_usual(plain);
    with.source.fault_call = cases[i].call;
    with.source.fault = cases[i].fault;
    with.source.fault_at = 1;
    test_scenario("failing start %zu", i);
    test_export_prepare(&of, &with);
    test_require_status(fhx_job_start(&of.options, &of.job, NULL), cases[i].status);
    test_require(of.job == NULL);
    test_export_end(&of);
  }
}

/* --- destinations that fail --- */

typedef struct destination_case {
  test_destination_call call;
  test_destination_fault fault;
  uint64_t times;
  bool without_stat;
  uint64_t stat_fails;
  const char *reason;
} destination_case;

static const destination_case destination_cases[] = {
    {TEST_DESTINATION_OPEN, TEST_DESTINATION_FAILS, 1, false, 0, "part_open: the destination says"},
    {TEST_DESTINATION_OPEN, TEST_DESTINATION_FAILS_RETRYABLE, 1, false, 0, NULL},
    {TEST_DESTINATION_OPEN, TEST_DESTINATION_FAILS_RETRYABLE, 0, false, 0, "says later"},
    {TEST_DESTINATION_OPEN, TEST_DESTINATION_SILENT, 2, false, 0, NULL},
    {TEST_DESTINATION_OPEN, TEST_DESTINATION_UNKNOWN, 2, false, 0, NULL},
    {TEST_DESTINATION_OPEN, TEST_DESTINATION_WRONG_KIND, 1, false, 0, "does not fit"},
    {TEST_DESTINATION_OPEN, TEST_DESTINATION_NOT_FOUND, 1, false, 0, "does not find it"},
    {TEST_DESTINATION_WRITE, TEST_DESTINATION_FAILS, 1, false, 0, "part_write: the destination"},
    {TEST_DESTINATION_WRITE, TEST_DESTINATION_FAILS_RETRYABLE, 2, false, 0, NULL},
    {TEST_DESTINATION_WRITE, TEST_DESTINATION_FAILS_RETRYABLE, 0, false, 0, "says later"},
    {TEST_DESTINATION_WRITE, TEST_DESTINATION_SILENT, 1, false, 0, NULL},
    {TEST_DESTINATION_WRITE, TEST_DESTINATION_UNKNOWN, 1, false, 0, NULL},
    {TEST_DESTINATION_WRITE, TEST_DESTINATION_UNKNOWN, 1, true, 0, NULL},
    {TEST_DESTINATION_WRITE, TEST_DESTINATION_RESOURCE, 1, false, 0, "means something else"},
    {TEST_DESTINATION_WRITE, TEST_DESTINATION_WRONG_KIND, 1, false, 0, "does not fit"},
    {TEST_DESTINATION_COMMIT, TEST_DESTINATION_FAILS, 1, false, 0, "part_commit: the destination"},
    {TEST_DESTINATION_COMMIT, TEST_DESTINATION_FAILS_RETRYABLE, 2, false, 0, NULL},
    {TEST_DESTINATION_COMMIT, TEST_DESTINATION_FAILS_RETRYABLE, 0, false, 0, "says later"},
    {TEST_DESTINATION_COMMIT, TEST_DESTINATION_SILENT, 1, false, 0, NULL},
    {TEST_DESTINATION_COMMIT, TEST_DESTINATION_SILENT, 2, true, 0, NULL},
    {TEST_DESTINATION_COMMIT, TEST_DESTINATION_UNKNOWN, 2, false, 2, NULL},
    {TEST_DESTINATION_COMMIT, TEST_DESTINATION_UNKNOWN, 0, false, 0, "lost an answer"},
    {TEST_DESTINATION_COMMIT, TEST_DESTINATION_WRONG_KIND, 1, false, 0, NULL},
    {TEST_DESTINATION_COMMIT, TEST_DESTINATION_DONE_FAILS, 1, false, 0, "says no"},
    {TEST_DESTINATION_COMMIT, TEST_DESTINATION_DONE_FAILS_RETRYABLE, 2, false, 0, NULL},
    {TEST_DESTINATION_COMMIT, TEST_DESTINATION_DONE_FAILS_RETRYABLE, 0, true, 0, "says later"},
    {TEST_DESTINATION_COMMIT, TEST_DESTINATION_DONE_SILENT, 0, false, 0, NULL},
    {TEST_DESTINATION_COMMIT, TEST_DESTINATION_DONE_SILENT, 2, true, 0, NULL},
    {TEST_DESTINATION_COMMIT, TEST_DESTINATION_DONE_SILENT, 0, true, 0, "without an answer"},
    {TEST_DESTINATION_COMMIT, TEST_DESTINATION_DONE_UNKNOWN, 0, false, 0, NULL},
    {TEST_DESTINATION_COMMIT, TEST_DESTINATION_DONE_UNKNOWN, 2, false, 3, NULL},
    {TEST_DESTINATION_COMMIT, TEST_DESTINATION_DONE_UNKNOWN, 1, false, 6, NULL},
    {TEST_DESTINATION_COMMIT, TEST_DESTINATION_DONE_UNKNOWN, 2, true, 0, NULL},
    {TEST_DESTINATION_COMMIT, TEST_DESTINATION_DONE_WRONG_KIND, 3, false, 0, NULL},
    {TEST_DESTINATION_REMOVE, TEST_DESTINATION_NOT_FOUND, 0, false, 0, NULL},
};

static void run_destination_case(const destination_case *of, size_t number, uint64_t at,
                                 bool tokens, uint32_t threads) {
  test_setting with = test_setting_usual(plain);
  with.source.tokens = tokens;
  with.source.data = bad;
  with.expected.error_count = bad->bad_count;
  with.destination.fault_call = of->call;
  with.destination.fault = of->fault;
  with.destination.fault_at = at;
  with.destination.fault_times = of->times;
  with.destination.without_stat = of->without_stat;
  with.destination.stat_fails = of->stat_fails;
  test_scenario("destination case %zu at %d, tokens %d, %u threads", number, (int)at, tokens,
                threads);
  if (of->reason == NULL) {
    expect_complete(&with, threads);
  } else {
    expect_failed(&with, threads, of->reason);
  }
}

/* Nothing lost, nothing twice, no orphan, whatever an answer says or does not say. */
static void test_failing_destinations(void **state) {
  (void)state;
  static const uint64_t places[] = {1, 3, 8, 14};
  for (size_t i = 0; i < sizeof destination_cases / sizeof *destination_cases; i++) {
    for (size_t place = 0; place < 4; place++) {
      if (test_is_quick() && (i + place) % 3 != 0) continue;
      run_destination_case(&destination_cases[i], i, places[place], place % 2 == 0,
                           place < 2 ? 4 : 1);
    }
  }
}

/* The error file is a part like any other: its commit may be lost too. */
static void test_failing_error_file(void **state) {
  (void)state;
  static const test_destination_fault faults[] = {
      TEST_DESTINATION_FAILS_RETRYABLE, TEST_DESTINATION_SILENT, TEST_DESTINATION_DONE_SILENT,
      TEST_DESTINATION_DONE_FAILS_RETRYABLE};
  for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
    test_setting with = test_setting_usual(plain);
    with.source.data = bad;
    with.part_bytes = 0;
    with.expected.types = some_types;
    with.expected.error_count = bad->bad_count;
    with.destination.fault_call = TEST_DESTINATION_COMMIT;
    with.destination.fault = faults[i];
    with.destination.fault_at = 3;
    with.destination.fault_times = 2;
    test_scenario("failing error file %zu", i);
    expect_complete(&with, 1);
  }
}

/* A host may say NOT_FOUND where nothing is left to remove; the rest is removed all the same. */
static void test_removing_what_is_not_there(void **state) {
  (void)state;
  test_setting with = test_setting_usual(plain);
  with.source.tokens = false;
  with.source.fault_call = TEST_SOURCE_NEXT;
  with.source.fault = TEST_SOURCE_FAILS;
  with.source.fault_at = 30;
  with.destination.fault_call = TEST_DESTINATION_REMOVE;
  with.destination.fault = TEST_DESTINATION_NOT_FOUND;
  for (uint32_t threads = 1; threads <= 4; threads += 3) {
    test_scenario("removing what is not there, %u threads", threads);
    expect_failed(&with, threads, "the source has ");
  }
}

/* Until its objects can be removed a failed job is not clean, and fhx_job_run says so. */
static void test_failing_removal(void **state) {
  (void)state;
  static const test_destination_fault faults[] = {
      TEST_DESTINATION_FAILS, TEST_DESTINATION_FAILS_RETRYABLE, TEST_DESTINATION_SILENT,
      TEST_DESTINATION_DONE_SILENT, TEST_DESTINATION_UNKNOWN};
  for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
    test_export of;
    test_setting with = test_setting_usual(plain);
    with.source.fault_call = TEST_SOURCE_NEXT;
    with.source.fault = TEST_SOURCE_FAILS;
    with.source.fault_at = 20;
    with.destination.fault_call = TEST_DESTINATION_REMOVE;
    with.destination.fault = faults[i];
    with.destination.fault_at = 1;
    test_scenario("failing removal %zu", i);
    test_export_start(&of, &with);
    for (int again = 0; again < 2; again++) {
      fhx_error *error = NULL;
      int32_t status = fhx_job_run(of.job, &error);
      test_require(status < 0 && status != FHX_ERR_JOB_FAILED && status != FHX_ERR_CANCELLED);
      test_require(strstr(fhx_error_message(error), "part_remove") != NULL);
      fhx_error_free(error);
    }
    test_destination_heal(of.destination);
    test_require_status(fhx_job_run(of.job, NULL), FHX_ERR_JOB_FAILED);
    test_export_check_nothing_left(&of);
    test_export_end(&of);
  }
}

/* --- what callbacks and other threads may do to a job --- */

typedef struct meddler {
  fhx_job *job;
  uint64_t at;
  enum { CANCELS, PARKS, FREES } does;
  atomic_int done;
} meddler;

static void meddle(meddler *with, uint64_t number) {
  if (number != with->at || atomic_fetch_add(&with->done, 1) != 0) return;
  if (with->does == CANCELS && fhx_job_cancel(with->job, NULL) != FHX_OK) {
    test_violation("a callback could not cancel its job");
  }
  if (with->does == PARKS) fhx_job_park(with->job);
  if (with->does == FREES) fhx_job_free(with->job);
}

static void meddle_in_source(void *context, uint64_t number) {
  meddle(context, number);
}

static void meddle_in_commit(void *context, test_destination_call call, uint64_t number) {
  if (call == TEST_DESTINATION_COMMIT) meddle(context, number);
}

static test_setting meddled_with(meddler *by, bool in_source) {
  test_setting with = test_setting_usual(plain);
  with.source.hook = in_source ? meddle_in_source : NULL;
  with.source.hook_context = by;
  with.destination.hook = in_source ? NULL : meddle_in_commit;
  with.destination.hook_context = by;
  return with;
}

/* Gone at once for everybody, and its objects with it (lesson 13). */
static void test_cancel_in_callbacks(void **state) {
  (void)state;
  for (uint64_t at = 1; at < 24; at += 6) {
    for (uint32_t threads = 1; threads <= 4; threads += 3) {
      for (int in_source = 0; in_source < 2; in_source++) {
        test_export of;
        char message[TEST_MESSAGE_MAX];
        meddler by = {NULL, at, CANCELS, 0};
        test_setting with = meddled_with(&by, in_source);
        test_scenario("cancel at %d, %u threads, source %d", (int)at, threads, in_source);
        test_export_start(&of, &with);
        by.job = of.job;
        test_require_status(test_run_job(of.job, threads, threads > 1, message), FHX_ERR_CANCELLED);
        test_export_check_nothing_left(&of);
        test_require_status(fhx_job_run(of.job, NULL), FHX_ERR_CANCELLED);
        test_require_status(fhx_job_cancel(of.job, NULL), FHX_ERR_NOT_FOUND);
        test_export_end(&of);
      }
    }
  }
}

/* A parked job goes on elsewhere, from where it was (lesson 19). */
static void test_park_and_attach(void **state) {
  (void)state;
  for (uint64_t at = 1; at < 24; at += 6) {
    for (int tokens = 0; tokens < 2; tokens++) {
      for (uint32_t threads = 1; threads <= 4; threads += 3) {
        test_export of;
        char message[TEST_MESSAGE_MAX];
        fhx_sqlite_store_options memory;
        fhx_job *again = NULL;
        meddler by = {NULL, at, PARKS, 0};
        test_setting with = meddled_with(&by, at % 4 != 1);
        with.source.tokens = tokens;
        test_scenario("park at %d, tokens %d, %u threads", (int)at, tokens, threads);
        test_export_prepare(&of, &with);
        FHX_INIT(&memory);
        memory.path = ":memory:";
        test_require_status(fhx_sqlite_store_new(&memory, &of.options.store, NULL), FHX_OK);
        test_require_status(fhx_job_start(&of.options, &of.job, NULL), FHX_OK);
        by.job = of.job;
        test_require_status(test_run_job(of.job, threads, false, message), FHX_WAIT);
        test_require_status(fhx_job_run_task(of.job, NULL), FHX_WAIT);
        test_require_status(fhx_job_attach(&of.options, fhx_job_id(of.job), &again, NULL), FHX_OK);
        fhx_job_free(of.job);
        of.job = again;
        test_require_status(test_run_job(of.job, threads, threads > 1, message), FHX_OK);
        test_export_check_complete(&of);
        fhx_store_free(of.options.store);
        test_export_end(&of);
      }
    }
  }
}

/* The object goes when the last thread has left it. */
static void test_free_in_callbacks(void **state) {
  (void)state;
  for (uint64_t at = 1; at < 24; at += 6) {
    test_export of;
    meddler by = {NULL, at, FREES, 0};
    test_setting with = meddled_with(&by, at % 4 == 1);
    test_scenario("free at %d", (int)at);
    test_export_start(&of, &with);
    by.job = of.job;
    fhx_job *job = of.job;
    of.job = NULL;
    test_require_status(fhx_job_run(job, NULL), FHX_WAIT);
    fhx_source_free(of.options.source);
    fhx_destination_free(of.options.destination);
    fhx_filter_free(of.filter);
    test_source_end(of.source);
    test_destination_end(of.destination);
    test_require_sound();
  }
}

/* --- waits --- */

#define ASKED_US INT64_C(120000)
#define ASKED_TIMES 3

typedef struct listener {
  struct timespec last;
  int waits;
} listener;

static void note_time(void *context, uint64_t number) {
  listener *at = context;
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  int64_t passed_us =
      (now.tv_sec - at->last.tv_sec) * INT64_C(1000000) + (now.tv_nsec - at->last.tv_nsec) / 1000;
  if (number > 1 && passed_us >= ASKED_US) at->waits++;
  at->last = now;
}

/* A source that says when to ask again is not asked earlier. */
static void test_waits_are_kept(void **state) {
  (void)state;
  listener ear = {{0, 0}, 0};
  test_setting with = test_setting_usual(plain);
  with.source.hook = note_time;
  with.source.hook_context = &ear;
  with.source.fault_call = TEST_SOURCE_NEXT;
  with.source.fault = TEST_SOURCE_WAITS;
  with.source.fault_at = 1;
  with.source.fault_times = ASKED_TIMES;
  with.source.wait_us = ASKED_US;
  test_scenario("waits");
  expect_complete(&with, 1);
  test_require(ear.waits == ASKED_TIMES);
}

/* Somebody else's waiting source delays neither park nor cancel. */
static void test_waits_end_with_the_job(void **state) {
  (void)state;
  for (int does = CANCELS; does <= PARKS; does++) {
    test_export of;
    meddler by = {NULL, 2, CANCELS, 0};
    test_setting with = meddled_with(&by, true);
    if (does == PARKS) by.does = PARKS;
    with.source.fault_call = TEST_SOURCE_NEXT;
    with.source.fault = TEST_SOURCE_WAITS;
    with.source.fault_at = 2;
    with.source.wait_us = INT64_MAX;
    test_scenario("endless wait %d", does);
    test_export_start(&of, &with);
    by.job = of.job;
    test_require_status(fhx_job_run(of.job, NULL), does == PARKS ? FHX_WAIT : FHX_ERR_CANCELLED);
    test_export_end(&of);
  }
}

/* Settling is not stalling: the one may take longer than the other. */
static void test_settling_is_not_stalling(void **state) {
  (void)state;
  test_export of;
  test_setting with = test_setting_usual(plain);
  with.stall_us = 1000;
  with.settle_us = 150000;
  with.attempts_max = 1;
  test_scenario("settling");
  test_export_start(&of, &with);
  test_require_status(fhx_job_run(of.job, NULL), FHX_OK);
  test_export_check_complete(&of);
  test_export_end(&of);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_every_delivery_gives_the_same_lines),
      cmocka_unit_test(test_every_part_size),
      cmocka_unit_test(test_bad_rows),
      cmocka_unit_test(test_huge_resource),
      cmocka_unit_test(test_re_entering),
      cmocka_unit_test(test_failing_sources),
      cmocka_unit_test(test_tokens_now_and_then),
      cmocka_unit_test(test_rows_of_another_type),
      cmocka_unit_test(test_failing_starts),
      cmocka_unit_test(test_failing_destinations),
      cmocka_unit_test(test_failing_error_file),
      cmocka_unit_test(test_removing_what_is_not_there),
      cmocka_unit_test(test_failing_removal),
      cmocka_unit_test(test_cancel_in_callbacks),
      cmocka_unit_test(test_park_and_attach),
      cmocka_unit_test(test_free_in_callbacks),
      cmocka_unit_test(test_waits_are_kept),
      cmocka_unit_test(test_waits_end_with_the_job),
      cmocka_unit_test(test_settling_is_not_stalling),
  };
  return cmocka_run_group_tests(tests, make_datasets, free_datasets);
}
