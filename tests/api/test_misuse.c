/*
 * Every public function called wrongly: NULL, structures of every size, the wrong order, the wrong
 * moment. Each answers with a status and a sentence; nothing crashes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>
#include <fhirexport/fhirexport.h>

#include "support/mute.h"
#include "support/refused.h"
#include "support/require.h"
#include "support/setup.h"

static test_dataset *data;

static int make_data(void **state) {
  *state = data = test_dataset_new(51, 40, 0);
  return 0;
}

/* --- structures --- */

static void test_init(void **state) {
  (void)state;
  unsigned char bytes[16];
  memset(bytes, 0xEE, sizeof bytes);
  fhx_init(NULL, 100);
  fhx_init(bytes, 3);
  test_require(bytes[0] == 0xEE);
  fhx_init(bytes, 8);
  test_require(bytes[4] == 0 && bytes[7] == 0 && bytes[8] == 0xEE);
}

/* --- NULL --- */

static void test_null_to_readers(void **state) {
  (void)state;
  size_t len = 7;
  test_scenario("readers");
  test_require(fhx_error_status(NULL) == FHX_OK && fhx_error_retryable(NULL) == 0);
  test_require(*fhx_error_message(NULL) == '\0' && *fhx_error_outcome(NULL) == '\0');
  test_require(*fhx_part_name(NULL) == '\0' && *fhx_part_resource_type(NULL) == '\0');
  test_require(fhx_part_sha256(NULL) == NULL && fhx_part_byte_count(NULL) == 0);
  test_require(fhx_part_encoding(NULL) == FHX_ENCODING_NONE);
  test_require(fhx_part_stored_byte_count(NULL) == 0);
  test_require(fhx_part_kind(NULL) == 0 && fhx_part_resource_count(NULL) == 0);
  test_require(fhx_part_crc32c(NULL) == 0 && fhx_part_task_index(NULL) == 0);
  test_require(fhx_part_fence(NULL) == 0 && fhx_part_seq(NULL) == 0);
  test_require(fhx_part_page_count(NULL) == 0 && fhx_part_page_part(NULL, 0) == NULL);
  test_require(fhx_progress_state(NULL) == 0 && *fhx_progress_reason(NULL) == '\0');
  test_require(fhx_progress_share(NULL) <= 0.0 && fhx_progress_byte_count(NULL) == 0);
  test_require(fhx_progress_task_count(NULL) == 0 && fhx_progress_task_done_count(NULL) == 0);
  test_require(fhx_progress_resource_count(NULL) == 0 && fhx_progress_error_count(NULL) == 0);
  test_require(*fhx_job_id(NULL) == '\0' && fhx_writer_part_count(NULL) == 0);
  test_require(fhx_writer_part(NULL, 0) == NULL && fhx_plan_task(NULL, 0) == NULL);
  test_require(*fhx_plan_job_id(NULL) == '\0' && fhx_plan_fence(NULL) == 0);
  test_require(fhx_plan_task_count(NULL) == 0 && fhx_checkpoint_part(NULL, 0) == NULL);
  test_require(fhx_checkpoint_line(NULL, 0, &len) == NULL && len == 0);
  test_require(fhx_checkpoint_token(NULL, NULL) == NULL && *fhx_checkpoint_last_id(NULL) == '\0');
  test_require(fhx_checkpoint_line(NULL, 0, NULL) == NULL && fhx_checkpoint_fence(NULL) == 0);
  test_require(*fhx_checkpoint_job_id(NULL) == '\0' && fhx_checkpoint_done(NULL) == 0);
  test_require(fhx_checkpoint_seq(NULL) == 0 && fhx_checkpoint_next_seq(NULL) == 0);
  test_require(fhx_checkpoint_task_index(NULL) == 0 && fhx_checkpoint_part_count(NULL) == 0);
  test_require(fhx_checkpoint_line_count(NULL) == 0 && fhx_checkpoint_byte_count(NULL) == 0);
  test_require(fhx_checkpoint_resource_count(NULL) == 0 && fhx_checkpoint_error_count(NULL) == 0);
}

static void test_null_to_queries(void **state) {
  (void)state;
  size_t len = 7;
  uint64_t count = 7;
  const char *ids[1] = {NULL};
  test_scenario("queries");
  test_require(*fhx_query_resource_type(NULL) == '\0' && *fhx_query_tenant(NULL) == '\0');
  test_require(fhx_query_shard(NULL, &len) == NULL && len == 0);
  test_require(fhx_query_token(NULL, NULL) == NULL && fhx_query_host_context(NULL, NULL) == NULL);
  test_require(fhx_query_scope(NULL) == FHX_SCOPE_ALL && fhx_query_patient_count(NULL) == 0);
  uint32_t is_patient = 7;
  test_require(fhx_query_is_patient(NULL, "p", &is_patient, NULL) == FHX_ERR_ARGUMENT);
  test_require(fhx_query_is_patient(NULL, NULL, NULL, NULL) == FHX_ERR_ARGUMENT);
  test_require(fhx_query_patients(NULL, 0, 1, ids, &count, NULL) == FHX_ERR_ARGUMENT);
  fhx_query_as_of_us(NULL);
  test_require(fhx_query_since_us(NULL) == FHX_TIME_NONE);
  test_require(fhx_query_until_us(NULL) == FHX_TIME_NONE);
  fhx_query_window_exact(NULL);
}

static void test_null_to_frees(void **state) {
  (void)state;
  fhx_error_free(NULL);
  fhx_filter_free(NULL);
  fhx_source_free(NULL);
  fhx_destination_free(NULL);
  fhx_store_free(NULL);
  fhx_writer_free(NULL);
  fhx_job_free(NULL);
  fhx_job_park(NULL);
  fhx_progress_free(NULL);
  fhx_part_page_free(NULL);
  fhx_manifest_free(NULL);
}

static void test_null_to_replies(void **state) {
  (void)state;
  test_scenario("replies");
  test_require_status(fhx_reply_done(NULL), FHX_ERR_ARGUMENT);
  test_require_status(fhx_reply_end(NULL), FHX_ERR_ARGUMENT);
  test_require_status(fhx_reply_wait(NULL, 0), FHX_ERR_ARGUMENT);
  test_require_status(fhx_reply_fail(NULL, -1, 0, NULL), FHX_ERR_ARGUMENT);
  test_require_status(fhx_reply_handle(NULL, NULL, 0), FHX_ERR_ARGUMENT);
  test_require_status(fhx_reply_rows(NULL, NULL, 0, 0, NULL, NULL, NULL, 0), FHX_ERR_ARGUMENT);
  test_require_status(fhx_reply_item(NULL, NULL, 0), FHX_ERR_ARGUMENT);
  test_require_status(fhx_reply_time(NULL, 0, 1), FHX_ERR_ARGUMENT);
  test_require_status(fhx_reply_estimate(NULL, 0, 0), FHX_ERR_ARGUMENT);
  test_require_status(fhx_reply_object(NULL, 0, NULL), FHX_ERR_ARGUMENT);
  test_require_status(fhx_reply_job(NULL, NULL), FHX_ERR_ARGUMENT);
  test_require_status(fhx_reply_task(NULL, NULL), FHX_ERR_ARGUMENT);
  test_require_status(fhx_reply_part(NULL, NULL), FHX_ERR_ARGUMENT);
  test_require_status(fhx_reply_attempt(NULL, NULL), FHX_ERR_ARGUMENT);
}

/* No place for the result, no object, no text. */
static void test_null_to_makers(void **state) {
  (void)state;
  fhx_source_callbacks source;
  fhx_destination_callbacks destination;
  fhx_store_callbacks store;
  fhx_sqlite_store_options sqlite;
  fhx_source *no_source = NULL;
  fhx_store *no_store = NULL;
  test_scenario("makers");
  FHX_INIT(&source);
  FHX_INIT(&destination);
  FHX_INIT(&store);
  FHX_INIT(&sqlite);
  refused(fhx_source_new(&source, NULL, &no_source, &error), FHX_ERR_ARGUMENT);
  test_mute_source(&source);
  refused(fhx_source_new(&source, NULL, NULL, &error), FHX_ERR_ARGUMENT);
  test_mute_destination(&destination);
  refused(fhx_destination_new(&destination, NULL, NULL, &error), FHX_ERR_ARGUMENT);
  refused(fhx_store_new(&store, NULL, &no_store, &error), FHX_ERR_ARGUMENT);
  refused(fhx_store_new(&store, NULL, NULL, &error), FHX_ERR_ARGUMENT);
  refused(fhx_sqlite_store_new(&sqlite, &no_store, &error), FHX_ERR_ARGUMENT);
  sqlite.path = ":memory:";
  refused(fhx_sqlite_store_new(&sqlite, NULL, &error), FHX_ERR_ARGUMENT);
  refused(fhx_filter_new(NULL, &error), FHX_ERR_ARGUMENT);
  refused(fhx_job_start(NULL, NULL, &error), FHX_ERR_ARGUMENT);
  refused(fhx_writer_new(NULL, NULL, NULL, &error), FHX_ERR_ARGUMENT);
  refused(fhx_manifest_new(NULL, NULL, &error), FHX_ERR_ARGUMENT);
  /* An error that nobody wants is not made. */
  test_require_status(fhx_manifest_new(NULL, NULL, NULL), FHX_ERR_ARGUMENT);
}

/* --- the filter --- */

static void test_filter_misuse(void **state) {
  (void)state;
  static const char *const types[] = {"", "patient", "Patient ", "Pat\xC3\xA9", "P4", "../Patient"};
  static const char *const instants[] = {
      "", "2024", "2024-01-01", "2024-13-01T00:00:00Z", "2024-01-01T00:00:00", "now"};
  static const char *const ids[] = {"", "Patient/1", "a b", "\xC3\xA9"};
  fhx_filter *filter = NULL;
  uint32_t matches = 0;
  test_scenario("filter");
  test_require_status(fhx_filter_new(&filter, NULL), FHX_OK);
  for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
    refused(fhx_filter_add_type(filter, types[i], &error), FHX_ERR_ARGUMENT);
  }
  for (size_t i = 0; i < sizeof instants / sizeof *instants; i++) {
    refused(fhx_filter_set_since(filter, instants[i], &error), FHX_ERR_ARGUMENT);
    refused(fhx_filter_set_until(filter, instants[i], &error), FHX_ERR_ARGUMENT);
  }
  for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
    refused(fhx_filter_add_patient(filter, ids[i], &error), FHX_ERR_ARGUMENT);
  }
  refused(fhx_filter_add_type(filter, NULL, &error), FHX_ERR_ARGUMENT);
  refused(fhx_filter_add_type(NULL, "Patient", &error), FHX_ERR_ARGUMENT);
  refused(fhx_filter_set_since(filter, NULL, &error), FHX_ERR_ARGUMENT);
  refused(fhx_filter_set_until(NULL, NULL, &error), FHX_ERR_ARGUMENT);
  refused(fhx_filter_add_patient(filter, NULL, &error), FHX_ERR_ARGUMENT);
  refused(fhx_filter_add_patient(NULL, "p", &error), FHX_ERR_ARGUMENT);
  refused(fhx_filter_test(NULL, "{}", 2, &matches, &error), FHX_ERR_ARGUMENT);
  refused(fhx_filter_test(filter, "{}", 2, NULL, &error), FHX_ERR_ARGUMENT);
  refused(fhx_filter_test(filter, "{}", 2, &matches, &error), FHX_ERR_RESOURCE);
  refused(fhx_filter_test(filter, "", 0, &matches, &error), FHX_ERR_RESOURCE);
  fhx_filter_free(filter);
}

/* --- the writer --- */

static void expect_writer_refused(fhx_destination *destination, const fhx_writer_options *options) {
  fhx_writer *writer = NULL;
  refused(fhx_writer_new(options, destination, &writer, &error), FHX_ERR_ARGUMENT);
  test_require(writer == NULL);
}

static void test_writer_options(void **state) {
  (void)state;
  static const char *const prefixes[] = {"/", "a//", "../", ".a", "a b/", "a/./", "\xC3\xA9"};
  test_destination_knobs knobs = {.flags = 0};
  fhx_destination *handle = NULL;
  fhx_writer_options options;
  test_scenario("writer options");
  test_destination *destination = test_destination_new(&knobs, &handle);
  FHX_INIT(&options);
  expect_writer_refused(handle, &options);
  options.resource_type = "not a type";
  expect_writer_refused(handle, &options);
  options.resource_type = "Patient";
  expect_writer_refused(NULL, &options);
  options.flags = 1u << 31;
  expect_writer_refused(handle, &options);
  options.flags = 0;
  options.depth_max = 1001;
  expect_writer_refused(handle, &options);
  options.depth_max = 0;
  for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++) {
    options.name_prefix = prefixes[i];
    expect_writer_refused(handle, &options);
  }
  char long_prefix[300];
  memset(long_prefix, 'x', sizeof long_prefix - 1);
  long_prefix[sizeof long_prefix - 1] = '\0';
  options.name_prefix = long_prefix;
  expect_writer_refused(handle, &options);
  options.name_prefix = NULL;
  refused(fhx_writer_new(&options, handle, NULL, &error), FHX_ERR_ARGUMENT);
  fhx_destination_free(handle);
  test_destination_end(destination);
}

static void test_writer_order(void **state) {
  (void)state;
  test_destination_knobs knobs = {.flags = 0};
  fhx_destination *handle = NULL;
  fhx_writer *writer = NULL;
  fhx_writer_options options;
  static const char resource[] = "{\"resourceType\":\"Patient\",\"id\":\"1\"}";
  test_scenario("writer order");
  test_destination *destination = test_destination_new(&knobs, &handle);
  FHX_INIT(&options);
  options.resource_type = "Patient";
  test_require_status(fhx_writer_new(&options, handle, &writer, NULL), FHX_OK);
  refused(fhx_writer_append(NULL, resource, sizeof resource - 1, &error), FHX_ERR_ARGUMENT);
  refused(fhx_writer_append(writer, NULL, 5, &error), FHX_ERR_ARGUMENT);
  refused(fhx_writer_append(writer, NULL, 0, &error), FHX_ERR_RESOURCE);
  refused(fhx_writer_finish(NULL, &error), FHX_ERR_ARGUMENT);
  test_require_status(fhx_writer_append(writer, resource, sizeof resource - 1, NULL), FHX_OK);
  test_require_status(fhx_writer_finish(writer, NULL), FHX_OK);
  refused(fhx_writer_append(writer, resource, sizeof resource - 1, &error), FHX_ERR_MISUSE);
  refused(fhx_writer_append(writer, "bad", 3, &error), FHX_ERR_MISUSE);
  refused(fhx_writer_finish(writer, &error), FHX_ERR_MISUSE);
  test_require(fhx_writer_part(writer, 1) == NULL);
  test_require(fhx_writer_part(writer, UINT64_MAX) == NULL);
  test_require(fhx_part_resource_count(fhx_writer_part(writer, 0)) == 1);
  fhx_writer_free(writer);
  fhx_destination_free(handle);
  test_destination_end(destination);
}

/* --- the allocator --- */

static void *no_allocate(void *user_data, size_t byte_count) {
  (void)user_data;
  return malloc(byte_count);
}

static void test_allocator_misuse(void **state) {
  (void)state;
  fhx_allocator allocator;
  fhx_filter *filter = NULL;
  test_scenario("allocator");
  FHX_INIT(&allocator);
  refused(fhx_set_allocator(&allocator, &error), FHX_ERR_ARGUMENT);
  allocator.allocate = no_allocate;
  refused(fhx_set_allocator(&allocator, &error), FHX_ERR_ARGUMENT);
  allocator.size = 3;
  refused(fhx_set_allocator(&allocator, &error), FHX_ERR_STRUCT_SIZE);
  test_require_status(fhx_filter_new(&filter, NULL), FHX_OK);
  refused(fhx_set_allocator(NULL, &error), FHX_ERR_MISUSE);
  fhx_filter_free(filter);
  test_require_status(fhx_set_allocator(NULL, NULL), FHX_OK);
}

static void test_names_and_versions(void **state) {
  (void)state;
  test_scenario("names");
  test_require(strcmp(fhx_status_name(FHX_OK), "OK") == 0);
  test_require(strcmp(fhx_status_name(INT32_MIN), "UNKNOWN_STATUS") == 0);
  test_require(strcmp(fhx_status_name(INT32_MAX), "UNKNOWN_STATUS") == 0);
  test_require(strcmp(fhx_version(), FHX_VERSION) == 0);
  test_require(fhx_version_number() == FHX_VERSION_NUMBER);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_init),
      cmocka_unit_test(test_null_to_readers),
      cmocka_unit_test(test_null_to_queries),
      cmocka_unit_test(test_null_to_frees),
      cmocka_unit_test(test_null_to_replies),
      cmocka_unit_test(test_null_to_makers),
      cmocka_unit_test(test_filter_misuse),
      cmocka_unit_test(test_writer_options),
      cmocka_unit_test(test_writer_order),
      cmocka_unit_test(test_allocator_misuse),
      cmocka_unit_test(test_names_and_versions),
  };
  return cmocka_run_group_tests(tests, make_data, test_dataset_end);
}
