/*
 * Memory runs out, at every allocation in turn, once or from there on: no leak, no crash, the right
 * status, and no part at the destination that the store does not know. What SQLite, OpenSSL and
 * zlib allocate is their own.
 *
 * ctest labels: onethread
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>
#include <fhirexport/fhirexport.h>

#include "support/folder.h"
#include "support/memory.h"
#include "support/require.h"
#include "support/setup.h"

static test_dataset *data;
/* Parts in gzip. */
static bool gzip;

static int make_data(void **state) {
  *state = data = test_dataset_new(21, 30, TEST_DATASET_BAD | TEST_DATASET_PRETTY);
  return 0;
}

/* Whether the call worked; else the reason must be memory, and there is enough of it again. */
static bool worked(int32_t status) {
  if (status >= 0) return true;
  test_require_status(status, FHX_ERR_NO_MEMORY);
  test_memory_recover();
  return false;
}

static void run_with(void (*scenario)(void), const char *name, bool lasting) {
  for (uint64_t number = 1;; number += test_is_quick() ? 7 : 1) {
    test_scenario("%s, allocation %d%s", name, (int)number, lasting ? " and all later" : "");
    if (lasting) {
      test_memory_begin_lasting(number);
    } else {
      test_memory_begin(number);
    }
    scenario();
    if (!test_memory_end()) break;
  }
}

static void fail_each(void (*scenario)(void), const char *name) {
  run_with(scenario, name, false);
  run_with(scenario, name, true);
}

/* --- the filter --- */

static void use_filter(fhx_filter *filter) {
  static const char resource[] =
      "{\"resourceType\":\"Observation\",\"id\":\"o\",\"subject\":{\"reference\":\"Patient/p1\"}}";
  uint32_t matches = 7;
  if (worked(fhx_filter_add_type(filter, "Observation", NULL)) &&
      worked(fhx_filter_add_type(filter, "Patient", NULL)) &&
      worked(fhx_filter_set_since(filter, "2024-01-01T00:00:00Z", NULL)) &&
      worked(fhx_filter_set_until(filter, "2025-01-01T00:00:00Z", NULL)) &&
      worked(fhx_filter_set_until(filter, "2026-01-01T00:00:00Z", NULL)) &&
      worked(fhx_filter_add_patient(filter, "p2", NULL)) &&
      worked(fhx_filter_add_patient(filter, "p1", NULL)) &&
      worked(fhx_filter_test(filter, resource, sizeof resource - 1, &matches, NULL))) {
    test_require(matches == 1);
  }
}

static void filter_scenario(void) {
  fhx_filter *filter = NULL;
  if (worked(fhx_filter_new(&filter, NULL))) use_filter(filter);
  fhx_filter_free(filter);
}

static void test_filter(void **state) {
  (void)state;
  fail_each(filter_scenario, "filter");
}

/* --- errors --- */

/* There is always an error object, and it always has a message and an outcome. */
static void error_scenario(void) {
  fhx_error *error = NULL;
  test_require_status(fhx_filter_new(NULL, &error), FHX_ERR_ARGUMENT);
  test_require(error != NULL && *fhx_error_message(error) != '\0');
  test_require(strstr(fhx_error_outcome(error), "OperationOutcome") != NULL);
  int32_t status = fhx_error_status(error);
  test_require(status == FHX_ERR_ARGUMENT || status == FHX_ERR_NO_MEMORY);
  fhx_error_free(error);
}

static void test_error(void **state) {
  (void)state;
  fail_each(error_scenario, "error");
}

/* --- the writer --- */

static test_expectation one_type(const char *const *types) {
  test_expectation expected;
  memset(&expected, 0, sizeof expected);
  expected.data = data;
  expected.types = types;
  expected.sha256 = true;
  expected.gzip = gzip;
  return expected;
}

static bool append_all(fhx_writer *writer, const test_expectation *expected) {
  for (size_t i = 0; i < data->count; i++) {
    const test_resource *resource = &data->items[i];
    if (strcmp(resource->type, expected->types[0]) != 0) continue;
    int32_t status = fhx_writer_append(writer, resource->json, resource->len, NULL);
    if (resource->bad && status == FHX_ERR_RESOURCE) continue;
    if (!worked(status)) return false;
    test_require(!resource->bad);
  }
  return true;
}

/* After a failure nothing of the open part is left; what is committed is known and whole. */
static void check_writer(fhx_writer *writer, test_destination *destination,
                         const test_expectation *expected, bool whole) {
  const fhx_part *parts[100];
  size_t count = (size_t)fhx_writer_part_count(writer);
  test_require(count < 100);
  for (size_t i = 0; i < count; i++) parts[i] = fhx_writer_part(writer, i);
  test_objects objects = test_destination_objects(destination);
  test_require(objects.count == count);
  for (size_t i = 0; i < count; i++) {
    test_require(test_objects_find(&objects, fhx_part_name(parts[i])) != NULL);
  }
  if (whole) test_check_parts(parts, count, &objects, expected);
}

static void writer_scenario(void) {
  static const char *const types[] = {"Patient", NULL};
  const test_expectation expected = one_type(types);
  const test_destination_knobs knobs = {.flags = 0};
  fhx_destination *handle = NULL;
  fhx_writer *writer = NULL;
  fhx_writer_options options;
  test_destination *destination = test_destination_new(&knobs, &handle);
  FHX_INIT(&options);
  options.flags = FHX_WRITER_SHA256 | (gzip ? FHX_WRITER_GZIP : 0);
  options.resource_type = "Patient";
  options.name_prefix = "run/";
  options.part_count = 1;
  bool whole = false;
  if (handle == NULL) {
    test_memory_recover();
  } else if (worked(fhx_writer_new(&options, handle, &writer, NULL))) {
    whole = append_all(writer, &expected) && worked(fhx_writer_finish(writer, NULL));
    if (!whole) test_require_status(fhx_writer_append(writer, "{}", 2, NULL), FHX_ERR_MISUSE);
    check_writer(writer, destination, &expected, whole);
  }
  fhx_writer_free(writer);
  fhx_destination_free(handle);
  test_destination_end(destination);
  test_require_sound();
}

static void test_writer(void **state) {
  (void)state;
  gzip = false;
  fail_each(writer_scenario, "writer");
  gzip = true;
  fail_each(writer_scenario, "writer in gzip");
}

/* --- jobs --- */

/* Runs until the job is over. A run that could not go on is repeated. */
static int32_t run_to_the_end(fhx_job *job) {
  for (int runs = 0;; runs++) {
    fhx_error *error = NULL;
    int32_t status = fhx_job_run(job, &error);
    bool is_reason = strstr(fhx_error_message(error), "memory") != NULL;
    fhx_error_free(error);
    if (status == FHX_OK) return status;
    test_require(is_reason);
    if (status == FHX_ERR_JOB_FAILED) return status;
    test_require(!worked(status) && runs < 5);
  }
}

/* Reads everything that a complete job offers. */
static void read_results(fhx_job *job) {
  fhx_manifest *manifest = NULL;
  fhx_progress *progress = NULL;
  fhx_part_page *page = NULL;
  char text[100];
  size_t len = 0;
  uint64_t after = 0;
  int32_t status = fhx_job_progress_new(job, &progress, NULL);
  if (worked(status)) test_require(fhx_progress_state(progress) == FHX_JOB_COMPLETE);
  fhx_progress_free(progress);
  if (worked(fhx_job_parts_new(job, &after, 2, &page, NULL))) fhx_part_page_free(page);
  if (!worked(fhx_manifest_new(job, &manifest, NULL))) return;
  do {
    status = fhx_manifest_read(manifest, text, sizeof text, &len, NULL);
  } while (status == FHX_OK);
  worked(status);
  fhx_manifest_free(manifest);
}

static bool make_store(fhx_store **store) {
  fhx_sqlite_store_options options;
  FHX_INIT(&options);
  options.path = ":memory:";
  return worked(fhx_sqlite_store_new(&options, store, NULL));
}

static fhx_job *start_and_attach(const fhx_job_options *options) {
  fhx_job *job = NULL, *again = NULL;
  if (!worked(fhx_job_start(options, &job, NULL))) return NULL;
  if (worked(fhx_job_run_task(job, NULL))) worked(fhx_job_run_task(job, NULL));
  while (!worked(fhx_job_attach(options, fhx_job_id(job), &again, NULL))) continue;
  fhx_job_free(job);
  return again;
}

static void job_scenario(void) {
  test_export of;
  test_setting with = test_setting_usual(data);
  bool has_store = make_store(&with.store);
  with.source.shards = true;
  with.source.tokens = false;
  with.part_bytes = 3000;
  with.sha256 = true;
  with.gzip = gzip;
  with.lease_us = 40000;
  with.expected.error_count = data->bad_count;
  with.expected.patients = (const char *const[]){"p1", "p2", "p3", NULL};
  test_export_prepare(&of, &with);
  if (!has_store || of.options.source == NULL || of.options.destination == NULL ||
      of.filter == NULL) {
    test_memory_recover();
  } else {
    of.job = start_and_attach(&of.options);
  }
  if (of.job != NULL) {
    int32_t status = run_to_the_end(of.job);
    if (status == FHX_OK) read_results(of.job);
    test_memory_recover();
    if (status == FHX_OK) test_export_check_complete(&of);
    if (status != FHX_OK) test_export_check_nothing_left(&of);
  }
  test_export_end(&of);
  fhx_store_free(with.store);
}

static void test_job(void **state) {
  (void)state;
  gzip = false;
  fail_each(job_scenario, "job");
}

static void test_job_in_gzip(void **state) {
  (void)state;
  gzip = true;
  fail_each(job_scenario, "job in gzip");
}

/* Cancelled half-way, which must work as soon as there is memory. */
static void cancel_scenario(void) {
  test_export of;
  test_setting with = test_setting_usual(data);
  with.part_bytes = 3000;
  with.lease_us = 40000;
  test_export_prepare(&of, &with);
  if (of.options.source == NULL || of.options.destination == NULL || of.filter == NULL) {
    test_memory_recover();
  } else {
    worked(fhx_job_start(&of.options, &of.job, NULL));
  }
  if (of.job != NULL) {
    for (int i = 0; i < 3; i++) {
      int32_t status = fhx_job_run_task(of.job, NULL);
      if (status != FHX_ERR_JOB_FAILED) worked(status);
    }
    while (!worked(fhx_job_cancel(of.job, NULL))) continue;
    int32_t status = FHX_OK;
    do {
      status = fhx_job_run(of.job, NULL);
      test_require(status < 0);
    } while (status != FHX_ERR_CANCELLED && !worked(status));
    test_export_check_nothing_left(&of);
  }
  test_export_end(&of);
}

static void test_cancel(void **state) {
  (void)state;
  fail_each(cancel_scenario, "cancel");
}

/* --- the built-in source and destination --- */

static char in[TEST_PATH_MAX];
static char out[TEST_PATH_MAX];

/* The folder source's files hold the lines of the dataset's types, as they are if they have no line
   feed in them. */
static void write_folder(void) {
  for (const char *const *type = test_types; *type != NULL; type++) {
    char name[100];
    char path[TEST_PATH_MAX];
    snprintf(name, sizeof name, "%s.ndjson", *type);
    test_path_join(path, in, name);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    fprintf(file, "{\"resourceType\":\"%s\",\"id\":\"a\"}\n", *type);
    fprintf(file, "{\"resourceType\":\"%s\",\"id\":\"b\",\"x\":[1, 2]}\nnot JSON\n", *type);
    assert_int_equal(fclose(file), 0);
  }
}

static fhx_source *folder_source(void) {
  fhx_source *source = NULL;
  fhx_folder_options options;
  FHX_INIT(&options);
  options.path = in;
  worked(fhx_folder_source_new(&options, &source, NULL));
  return source;
}

static fhx_destination *directory_destination(void) {
  fhx_destination *destination = NULL;
  fhx_directory_options options;
  FHX_INIT(&options);
  options.path = out;
  worked(fhx_directory_destination_new(&options, &destination, NULL));
  return destination;
}

static void check_folder(bool complete) {
  test_objects objects = test_objects_of_folder(out);
  size_t lines = 0;
  for (size_t i = 0; i < objects.count; i++) {
    for (size_t at = 0; at < objects.items[i].len; at++) {
      lines += objects.items[i].data[at] == '\n' ? 1 : 0;
    }
  }
  /* One output file a type, and the error file; of a failed job nothing. */
  test_require(objects.count == (complete ? 5 : 0));
  test_require(lines == (complete ? 4 * 2 + 4 : 0));
  test_objects_free(&objects);
}

static void folder_scenario(void) {
  fhx_job_options options;
  fhx_job *job = NULL;
  test_folder_new(out);
  FHX_INIT(&options);
  options.settle_us = -1;
  options.lease_us = 40000;
  options.attempts_max = 2;
  options.source = folder_source();
  if (options.source != NULL) options.destination = directory_destination();
  if (options.destination != NULL && worked(fhx_job_start(&options, &job, NULL))) {
    int32_t status = run_to_the_end(job);
    if (status == FHX_OK) read_results(job);
    test_memory_recover();
    check_folder(status == FHX_OK);
  }
  fhx_job_free(job);
  fhx_source_free(options.source);
  fhx_destination_free(options.destination);
  test_folder_remove(out);
}

static void test_folders(void **state) {
  (void)state;
  test_folder_new(in);
  write_folder();
  fail_each(folder_scenario, "folders");
  test_folder_remove(in);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_error),       cmocka_unit_test(test_filter),
      cmocka_unit_test(test_writer),      cmocka_unit_test(test_job),
      cmocka_unit_test(test_job_in_gzip), cmocka_unit_test(test_cancel),
      cmocka_unit_test(test_folders),
  };
  return cmocka_run_group_tests(tests, make_data, test_dataset_end);
}
