/*
 * How many refused resources a job bears: bad_rows_limit and bad_rows_permille_limit, with several
 * types, tasks and threads.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

#include "support/require.h"
#include "support/runner.h"
#include "support/setup.h"

/* So many resources of each type. */
#define EACH 50

/* Of each type every resource up to this many is bad; in ascending order of id. */
static test_dataset *make_data(const size_t bad[4]) {
  test_dataset *data = calloc(1, sizeof *data);
  test_require(data != NULL);
  data->items = calloc(4 * EACH, sizeof *data->items);
  test_require(data->items != NULL);
  for (size_t i = 0; i < 4 * EACH; i++) {
    test_resource *item = &data->items[i];
    char text[200];
    size_t type = i % 4;
    item->type = test_types[type];
    snprintf(item->id, sizeof item->id, "SECRET%03zu", i);
    item->bad = i / 4 < bad[type];
    data->bad_count += item->bad ? 1 : 0;
    item->len = (size_t)snprintf(text, sizeof text, "{\"resourceType\":\"%s\",\"id\":\"%s\"%s}",
                                 item->type, item->id, item->bad ? ",\"x\":}" : "");
    item->json = calloc(1, item->len + 1);
    test_require(item->json != NULL);
    memcpy(item->json, text, item->len);
    data->count++;
  }
  return data;
}

static test_setting setting_of(const test_dataset *data) {
  test_setting with = test_setting_usual(data);
  with.source.applied = FHX_APPLIED_TYPE;
  with.part_bytes = 300;
  with.expected.error_count = data->bad_count;
  return with;
}

typedef struct limits {
  uint64_t count;
  uint32_t permille;
  uint32_t threads;
} limits;

/* Starts and runs it; the status, and what the job fails with. */
static int32_t run(test_export *of, const test_setting *with, limits limit,
                   char message[TEST_MESSAGE_MAX]) {
  test_export_prepare(of, with);
  of->options.bad_rows_limit = limit.count;
  of->options.bad_rows_permille_limit = limit.permille;
  test_require_status(fhx_job_start(&of->options, &of->job, NULL), FHX_OK);
  return test_run_job(of->job, limit.threads, limit.threads > 1, message);
}

static void expect_complete(const test_setting *with, limits limit) {
  char message[TEST_MESSAGE_MAX];
  test_export of;
  int32_t status = run(&of, with, limit, message);
  if (status != FHX_OK) test_scenario("%s", message);
  test_require_status(status, FHX_OK);
  test_export_check_complete(&of);
  test_export_end(&of);
}

/* The reason says how many there were and how many are too many, and names nobody. */
static void expect_failure(const test_setting *with, limits limit, const char *reason) {
  char message[TEST_MESSAGE_MAX];
  test_export of;
  test_require_status(run(&of, with, limit, message), FHX_ERR_JOB_FAILED);
  if (strstr(message, reason) == NULL) assert_string_equal(message, reason);
  test_require(strstr(message, "SECRET") == NULL);
  test_export_check_nothing_left(&of);
  test_export_end(&of);
}

/* --- the count --- */

static void one_task_sees_its_own_at_once(void **state) {
  static const size_t bad[] = {0, 20, 0, 0};
  (void)state;
  test_dataset *data = make_data(bad);
  test_setting with = setting_of(data);
  char message[TEST_MESSAGE_MAX];
  test_scenario("one task");
  expect_complete(&with, (limits){0, 0, 1});
  expect_complete(&with, (limits){21, 0, 1});
  expect_failure(&with, (limits){20, 0, 1},
                 "20 resources were refused, and at 20 this server gives an export up");
  /* Of 50 rows, which come one by one, no more are read than it takes. */
  test_export of;
  with.source.rows_max = 0;
  with.source.tokens = false;
  test_require_status(run(&of, &with, (limits){5, 0, 1}, message), FHX_ERR_JOB_FAILED);
  assert_non_null(strstr(message, "5 resources were refused, and at 5 this"));
  test_require(test_source_calls(of.source, TEST_SOURCE_NEXT) <= EACH + 1 + 5);
  test_export_end(&of);
  test_dataset_free(data);
}

static void the_sum_of_all_tasks_counts(void **state) {
  static const size_t bad[] = {3, 3, 3, 3};
  (void)state;
  test_dataset *data = make_data(bad);
  for (uint32_t threads = 1; threads <= 4; threads++) {
    for (int way = 0; way < 8; way++) {
      test_setting with = setting_of(data);
      with.source.tokens = (way & 1) != 0;
      with.source.shards = (way & 2) != 0;
      with.part_bytes = (way & 4) != 0 ? 300 : 100000;
      with.source.seed = threads * 10;
      test_scenario("%d threads, way %d", (int)threads, way);
      expect_complete(&with, (limits){13, 0, threads});
      expect_failure(&with, (limits){12, 0, threads}, " resources were refused, and at 12 this");
      expect_failure(&with, (limits){4, 0, threads}, " resources were refused, and at 4 this");
    }
  }
  test_dataset_free(data);
}

/* The job does not go on to its end to find out. */
static void a_checkpoint_finds_out(void **state) {
  static const size_t bad[] = {3, 3, 3, 3};
  (void)state;
  test_dataset *data = make_data(bad);
  test_setting with = setting_of(data);
  char message[TEST_MESSAGE_MAX];
  test_export of;
  test_scenario("checkpoint");
  test_require_status(run(&of, &with, (limits){6, 0, 1}, message), FHX_ERR_JOB_FAILED);
  assert_int_equal(test_source_calls(of.source, TEST_SOURCE_OPEN), 2);
  assert_non_null(strstr(message, "6 resources were refused, and at 6 this"));
  test_export_end(&of);
  test_dataset_free(data);
}

/* A task that begins again, or goes on, counts each resource once. */
static void attempts_do_not_add_up(void **state) {
  static const size_t bad[] = {10, 0, 0, 0};
  (void)state;
  test_dataset *data = make_data(bad);
  for (uint64_t at = 2; at < 14; at++) {
    test_setting with = setting_of(data);
    with.source.tokens = at % 2 == 0;
    with.source.rows_max = 5;
    with.source.fault_call = TEST_SOURCE_NEXT;
    with.source.fault = TEST_SOURCE_FAILS_RETRYABLE;
    with.source.fault_at = at;
    with.source.fault_times = 1;
    test_scenario("failure at %d", (int)at);
    expect_complete(&with, (limits){11, 0, 1});
    expect_failure(&with, (limits){10, 0, 1}, "10 resources were refused, and at 10 this");
  }
  test_dataset_free(data);
}

/* --- the share --- */

static void the_share_counts_at_the_end(void **state) {
  static const size_t bad[] = {5, 0, 10, 5};
  (void)state;
  test_dataset *data = make_data(bad);
  for (uint32_t threads = 1; threads <= 4; threads += 3) {
    test_setting with = setting_of(data);
    test_scenario("share, %d threads", (int)threads);
    /* 20 of 200. */
    expect_complete(&with, (limits){0, 101, threads});
    expect_failure(&with, (limits){0, 100, threads},
                   "20 of 200 resources were refused, and at 100 of a thousand this server");
    expect_failure(&with, (limits){1000, 1, threads}, "20 of 200 resources");
    expect_failure(&with, (limits){20, 1000, threads}, "20 resources were refused, and at 20");
  }
  test_dataset_free(data);
}

static void none_and_all(void **state) {
  static const size_t none[] = {0, 0, 0, 0}, all[] = {EACH, EACH, EACH, EACH};
  (void)state;
  test_dataset *data = make_data(none);
  test_setting with = setting_of(data);
  test_scenario("none");
  expect_complete(&with, (limits){1, 1, 1});
  test_dataset_free(data);
  data = make_data(all);
  with = setting_of(data);
  test_scenario("all");
  expect_failure(&with, (limits){0, 1000, 2}, "200 of 200 resources were refused, and at 1000");
  test_dataset_free(data);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(one_task_sees_its_own_at_once),
      cmocka_unit_test(the_sum_of_all_tasks_counts),
      cmocka_unit_test(a_checkpoint_finds_out),
      cmocka_unit_test(attempts_do_not_add_up),
      cmocka_unit_test(the_share_counts_at_the_end),
      cmocka_unit_test(none_and_all),
  };
  return cmocka_run_group_tests_name("refused resources", tests, NULL, NULL);
}
