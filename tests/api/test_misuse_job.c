/*
 * Jobs and manifests called wrongly: options out of range, the wrong order, the wrong moment. Each
 * answers with a status and a sentence; nothing crashes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>
#include <fhirexport/fhirexport.h>

#include "support/refused.h"
#include "support/require.h"
#include "support/setup.h"

static test_dataset *data;

static int make_data(void **state) {
  *state = data = test_dataset_new(51, 40, 0);
  return 0;
}

/* --- options --- */

static void expect_job_refused(const fhx_job_options *options) {
  fhx_job *job = NULL;
  refused(fhx_job_start(options, &job, &error), FHX_ERR_ARGUMENT);
  test_require(job == NULL);
}

static void test_job_texts(void **state) {
  (void)state;
  static const char *const tenants[] = {".x", "a/b", "a b", "\xC3\xA9", ".."};
  static char client[1100];
  static char context[FHX_OPAQUE_MAX + 1];
  test_export of;
  test_setting with = test_setting_usual(data);
  test_scenario("job texts");
  test_export_prepare(&of, &with);
  for (size_t i = 0; i < sizeof tenants / sizeof *tenants; i++) {
    of.options.tenant = tenants[i];
    expect_job_refused(&of.options);
  }
  memset(client, 'x', 1025);
  of.options.tenant = client;
  expect_job_refused(&of.options);
  of.options.tenant = NULL;
  of.options.client = client;
  expect_job_refused(&of.options);
  of.options.client = "\xC3";
  expect_job_refused(&of.options);
  of.options.client = NULL;
  of.options.request = "\xFF";
  expect_job_refused(&of.options);
  of.options.request = NULL;
  of.options.host_context_len = 1;
  expect_job_refused(&of.options);
  of.options.host_context = context;
  of.options.host_context_len = sizeof context;
  expect_job_refused(&of.options);
  of.options.host_context_len = FHX_OPAQUE_MAX;
  client[1024] = '\0';
  of.options.client = client;
  test_require_status(fhx_job_start(&of.options, &of.job, NULL), FHX_OK);
  test_export_end(&of);
}

static void test_job_numbers(void **state) {
  (void)state;
  test_export of;
  test_setting with = test_setting_usual(data);
  test_scenario("job numbers");
  test_export_prepare(&of, &with);
  fhx_job_options sound = of.options;
  of.options.source = NULL;
  expect_job_refused(&of.options);
  of.options = sound;
  of.options.destination = NULL;
  expect_job_refused(&of.options);
  of.options = sound;
  of.options.flags = 1u << 31;
  expect_job_refused(&of.options);
  of.options = sound;
  of.options.depth_max = 1001;
  expect_job_refused(&of.options);
  static const int64_t times[] = {INT64_MIN, -2, INT64_MAX};
  for (size_t i = 0; i < 3; i++) {
    of.options = sound;
    of.options.lease_us = times[i];
    expect_job_refused(&of.options);
    of.options = sound;
    of.options.settle_us = times[i];
    expect_job_refused(&of.options);
  }
  of.options = sound;
  of.options.stall_us = -1;
  expect_job_refused(&of.options);
  of.options = sound;
  of.options.shards_max = 10001;
  expect_job_refused(&of.options);
  of.options = sound;
  of.options.helpers = 1025;
  expect_job_refused(&of.options);
  of.options = sound;
  of.options.worker_bytes = (UINT64_C(8) << 20) - 1;
  expect_job_refused(&of.options);
  of.options = sound;
  of.options.part_bytes = 1000;
  of.options.part_bytes_min = 1001;
  expect_job_refused(&of.options);
  of.options = sound;
  of.options.bad_rows_permille_limit = 1001;
  expect_job_refused(&of.options);
  of.options = sound;
  of.options.provenance = FHX_PROVENANCE_LATEST + 1;
  expect_job_refused(&of.options);
  of.options = sound;
  of.options.organize_by = "Group";
  expect_job_refused(&of.options);
  of.options.organize_by = "Patient";
  of.options.provenance = FHX_PROVENANCE_RELEVANT;
  expect_job_refused(&of.options);
  of.options = sound;
  refused(fhx_job_start(&of.options, NULL, &error), FHX_ERR_ARGUMENT);
  test_export_end(&of);
}

/* The largest values that are allowed work. */
static void test_extreme_numbers(void **state) {
  (void)state;
  test_export of;
  test_setting with = test_setting_usual(data);
  fhx_job *again = NULL;
  fhx_sqlite_store_options memory;
  test_scenario("extreme numbers");
  test_export_prepare(&of, &with);
  FHX_INIT(&memory);
  memory.path = ":memory:";
  test_require_status(fhx_sqlite_store_new(&memory, &of.options.store, NULL), FHX_OK);
  of.options.lease_us = INT64_C(31536000000000);
  of.options.stall_us = INT64_MAX;
  of.options.part_bytes = UINT64_MAX;
  of.options.part_count = UINT64_MAX;
  of.options.resource_bytes_max = UINT64_MAX;
  of.options.attempts_max = UINT32_MAX;
  of.options.shards_max = 10000;
  of.options.helpers = 1024;
  of.options.worker_bytes = UINT64_MAX;
  of.options.depth_max = 1000;
  test_require_status(fhx_job_start(&of.options, &of.job, NULL), FHX_OK);
  test_require_status(fhx_job_attach(&of.options, fhx_job_id(of.job), &again, NULL), FHX_OK);
  fhx_job_free(of.job);
  of.job = again;
  test_require_status(fhx_job_run(of.job, NULL), FHX_OK);
  of.with.part_bytes = 0;
  test_export_check_complete(&of);
  fhx_store_free(of.options.store);
  test_export_end(&of);
}

static void test_attach_misuse(void **state) {
  (void)state;
  static const char *const malformed[] = {"",
                                          "x",
                                          "0123456789abcdef0123456789abcde",
                                          "0123456789abcdef0123456789abcdef0",
                                          "0123456789ABCDEF0123456789ABCDEF",
                                          "../../../../../../../etc/passwd"};
  static const char unknown[] = "0123456789abcdef0123456789abcdef";
  test_export of;
  fhx_sqlite_store_options memory;
  test_setting with = test_setting_usual(data);
  test_scenario("attach");
  test_export_prepare(&of, &with);
  refused(fhx_job_attach(&of.options, unknown, &of.job, &error), FHX_ERR_ARGUMENT);
  FHX_INIT(&memory);
  memory.path = ":memory:";
  test_require_status(fhx_sqlite_store_new(&memory, &of.options.store, NULL), FHX_OK);
  for (size_t i = 0; i < sizeof malformed / sizeof *malformed; i++) {
    refused(fhx_job_attach(&of.options, malformed[i], &of.job, &error), FHX_ERR_ARGUMENT);
  }
  refused(fhx_job_attach(&of.options, NULL, &of.job, &error), FHX_ERR_ARGUMENT);
  refused(fhx_job_attach(&of.options, unknown, NULL, &error), FHX_ERR_ARGUMENT);
  refused(fhx_job_attach(NULL, unknown, &of.job, &error), FHX_ERR_ARGUMENT);
  refused(fhx_job_attach(&of.options, unknown, &of.job, &error), FHX_ERR_NOT_FOUND);
  test_require(of.job == NULL);
  fhx_store_free(of.options.store);
  test_export_end(&of);
}

static void check_null_job(void) {
  fhx_progress *progress = NULL;
  fhx_part_page *page = NULL;
  uint64_t after = 0;
  refused(fhx_job_run(NULL, &error), FHX_ERR_ARGUMENT);
  refused(fhx_job_run_task(NULL, &error), FHX_ERR_ARGUMENT);
  refused(fhx_job_cancel(NULL, &error), FHX_ERR_ARGUMENT);
  refused(fhx_job_progress_new(NULL, &progress, &error), FHX_ERR_ARGUMENT);
  refused(fhx_job_parts_new(NULL, &after, 1, &page, &error), FHX_ERR_ARGUMENT);
}

static void check_pages(fhx_job *job) {
  fhx_part_page *page = NULL;
  uint64_t after = 0;
  refused(fhx_job_progress_new(job, NULL, &error), FHX_ERR_ARGUMENT);
  refused(fhx_job_parts_new(job, NULL, 1, &page, &error), FHX_ERR_ARGUMENT);
  refused(fhx_job_parts_new(job, &after, 0, &page, &error), FHX_ERR_ARGUMENT);
  refused(fhx_job_parts_new(job, &after, 1, NULL, &error), FHX_ERR_ARGUMENT);
  after = UINT64_MAX;
  test_require_status(fhx_job_parts_new(job, &after, 1, &page, NULL), FHX_END);
  after = 0;
  test_require_status(fhx_job_parts_new(job, &after, UINT32_MAX, &page, NULL), FHX_OK);
  test_require(fhx_part_page_part(page, fhx_part_page_count(page)) == NULL);
  test_require(fhx_part_page_part(page, UINT32_MAX) == NULL);
  fhx_part_page_free(page);
}

static void check_manifest(fhx_job *job) {
  fhx_manifest *manifest = NULL;
  char text[8];
  size_t len = 7;
  test_require_status(fhx_manifest_new(job, &manifest, NULL), FHX_OK);
  refused(fhx_manifest_read(NULL, text, 1, &len, &error), FHX_ERR_ARGUMENT);
  refused(fhx_manifest_read(manifest, NULL, 1, &len, &error), FHX_ERR_ARGUMENT);
  refused(fhx_manifest_read(manifest, text, 0, &len, &error), FHX_ERR_ARGUMENT);
  refused(fhx_manifest_read(manifest, text, 1, NULL, &error), FHX_ERR_ARGUMENT);
  /* None of these has lost anything. */
  test_require_status(fhx_manifest_read(manifest, text, 2, &len, NULL), FHX_OK);
  test_require(len == 2 && memcmp(text, "{\"", 2) == 0);
  fhx_manifest_free(manifest);
}

/* The manifest is there when the job is complete, not earlier, and as long as the job is. */
static void test_job_order(void **state) {
  (void)state;
  test_export of;
  fhx_manifest *manifest = NULL;
  test_setting with = test_setting_usual(data);
  test_scenario("job order");
  test_export_start(&of, &with);
  refused(fhx_manifest_new(of.job, &manifest, &error), FHX_ERR_MISUSE);
  refused(fhx_manifest_new(of.job, NULL, &error), FHX_ERR_ARGUMENT);
  check_null_job();
  test_require_status(fhx_job_run_task(of.job, NULL), FHX_OK);
  refused(fhx_manifest_new(of.job, &manifest, &error), FHX_ERR_MISUSE);
  test_require_status(fhx_job_run(of.job, NULL), FHX_OK);
  test_require_status(fhx_job_run(of.job, NULL), FHX_OK);
  test_require_status(fhx_job_run_task(of.job, NULL), FHX_END);
  check_pages(of.job);
  check_manifest(of.job);
  test_require_status(fhx_job_cancel(of.job, NULL), FHX_OK);
  test_require_status(fhx_job_cancel(of.job, NULL), FHX_OK);
  refused(fhx_manifest_new(of.job, &manifest, &error), FHX_ERR_NOT_FOUND);
  refused(fhx_job_run_task(of.job, &error), FHX_ERR_CANCELLED);
  refused(fhx_job_cancel(of.job, &error), FHX_ERR_NOT_FOUND);
  fhx_progress *progress = NULL;
  refused(fhx_job_progress_new(of.job, &progress, &error), FHX_ERR_NOT_FOUND);
  test_export_check_nothing_left(&of);
  test_export_end(&of);
}

/* A manifest that is being read outlives its job's object, but not its job. */
static void test_manifest_of_a_job_that_goes(void **state) {
  (void)state;
  test_export of;
  fhx_manifest *manifest = NULL;
  char text[64];
  size_t len = 0;
  test_setting with = test_setting_usual(data);
  test_scenario("manifest of a job that goes");
  test_export_start(&of, &with);
  test_require_status(fhx_job_run(of.job, NULL), FHX_OK);
  test_require_status(fhx_manifest_new(of.job, &manifest, NULL), FHX_OK);
  test_require_status(fhx_manifest_read(manifest, text, sizeof text, &len, NULL), FHX_OK);
  test_require_status(fhx_job_cancel(of.job, NULL), FHX_OK);
  test_require_status(fhx_job_run(of.job, NULL), FHX_ERR_CANCELLED);
  fhx_job_free(of.job);
  of.job = NULL;
  int32_t status = FHX_OK;
  while (status == FHX_OK) status = fhx_manifest_read(manifest, text, sizeof text, &len, NULL);
  test_require_status(status, FHX_ERR_NOT_FOUND);
  refused(fhx_manifest_read(manifest, text, sizeof text, &len, &error), FHX_ERR_MISUSE);
  test_require(len == 0);
  fhx_manifest_free(manifest);
  test_export_end(&of);
}

/* A destination that cannot give a URL: reading fails, and a new manifest may succeed. */
static void test_manifest_of_a_failing_destination(void **state) {
  (void)state;
  static const test_destination_fault faults[] = {TEST_DESTINATION_FAILS, TEST_DESTINATION_SILENT,
                                                  TEST_DESTINATION_WRONG_KIND};
  for (size_t i = 0; i < 3; i++) {
    test_export of;
    fhx_manifest *manifest = NULL;
    char text[64];
    size_t len = 0;
    test_setting with = test_setting_usual(data);
    with.destination.fault_call = TEST_DESTINATION_URL;
    with.destination.fault = faults[i];
    with.destination.fault_at = 2;
    test_scenario("no URL, fault %zu", i);
    test_export_start(&of, &with);
    test_require_status(fhx_job_run(of.job, NULL), FHX_OK);
    test_require_status(fhx_manifest_new(of.job, &manifest, NULL), FHX_OK);
    int32_t status = FHX_OK;
    while (status == FHX_OK) status = fhx_manifest_read(manifest, text, sizeof text, &len, NULL);
    test_require(status < 0);
    refused(fhx_manifest_read(manifest, text, sizeof text, &len, &error), FHX_ERR_MISUSE);
    fhx_manifest_free(manifest);
    test_destination_heal(of.destination);
    test_export_check_complete(&of);
    test_export_end(&of);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_job_texts),
      cmocka_unit_test(test_job_numbers),
      cmocka_unit_test(test_extreme_numbers),
      cmocka_unit_test(test_attach_misuse),
      cmocka_unit_test(test_job_order),
      cmocka_unit_test(test_manifest_of_a_job_that_goes),
      cmocka_unit_test(test_manifest_of_a_failing_destination),
  };
  return cmocka_run_group_tests(tests, make_data, test_dataset_end);
}
