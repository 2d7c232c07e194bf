/*
 * Pieces of an export that another engine divides: names by the engine's numbers, one attempt, and
 * the manifest of the parts that were reported, whatever else lies at the destination.
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

#include "support/memory.h"
#include "support/require.h"
#include "support/runner.h"
#include "support/setup.h"

#define EXPORT_ID "0123456789abcdef0123456789abcdef"
#define PARTS_MAX 200
#define TIME_US INT64_C(1700000000123456)

typedef struct reported {
  fhx_part_record records[PARTS_MAX];
  const fhx_part_record *given[PARTS_MAX];
  char names[PARTS_MAX][256];
  char types[PARTS_MAX][65];
  uint8_t digests[PARTS_MAX][32];
  size_t count;
} reported;

static reported parts;

static void take_part(const fhx_part *part) {
  test_require(parts.count < PARTS_MAX);
  fhx_part_record *record = &parts.records[parts.count];
  FHX_INIT(record);
  snprintf(parts.names[parts.count], sizeof parts.names[0], "%s", fhx_part_name(part));
  snprintf(parts.types[parts.count], sizeof parts.types[0], "%s", fhx_part_resource_type(part));
  record->kind = fhx_part_kind(part);
  record->name = parts.names[parts.count];
  record->resource_type = parts.types[parts.count];
  record->resource_count = fhx_part_resource_count(part);
  record->byte_count = fhx_part_byte_count(part);
  record->stored_byte_count = fhx_part_stored_byte_count(part);
  record->encoding = fhx_part_encoding(part);
  record->fence = fhx_part_fence(part);
  record->seq = fhx_part_seq(part);
  record->task_index = fhx_part_task_index(part);
  record->crc32c = fhx_part_crc32c(part);
  if (fhx_part_sha256(part) != NULL) {
    memcpy(parts.digests[parts.count], fhx_part_sha256(part), 32);
    record->sha256 = parts.digests[parts.count];
  }
  parts.given[parts.count] = record;
  parts.count++;
}

static void report(fhx_job *job) {
  fhx_part_page *page = NULL;
  uint64_t after = 0;
  parts.count = 0;
  while (fhx_job_parts_new(job, &after, 7, &page, NULL) == FHX_OK) {
    for (uint32_t i = 0; i < fhx_part_page_count(page); i++) {
      take_part(fhx_part_page_part(page, i));
    }
    fhx_part_page_free(page);
  }
}

static int32_t read_manifest(fhx_manifest *manifest, char *text, size_t size) {
  size_t used = 0, len = 0;
  int32_t status = FHX_OK;
  while ((status = fhx_manifest_read(manifest, text + used, size - 1 - used, &len, NULL)) ==
         FHX_OK) {
    used += len;
  }
  text[used] = '\0';
  return status;
}

static size_t count_of(const char *text, const char *word) {
  size_t count = 0;
  for (const char *at = text; (at = strstr(at, word)) != NULL; at++) count++;
  return count;
}

static fhx_manifest_options manifest_options(fhx_destination *destination) {
  fhx_manifest_options options;
  FHX_INIT(&options);
  options.destination = destination;
  options.flags = FHX_MANIFEST_DIGESTS;
  options.transaction_time_us = TIME_US;
  options.request = "https://fhir.example.org/$export";
  return options;
}

static void prepare_attempt(test_export *of, const test_setting *with, uint64_t attempt) {
  of->options.export_id = EXPORT_ID;
  of->options.attempt = attempt;
  of->options.piece = 30;
  of->options.attempts_max = 0;
  of->with = *with;
}

static fhx_job *run_attempt(test_export *of, const test_setting *with, uint64_t attempt) {
  fhx_job *job = NULL;
  char message[TEST_MESSAGE_MAX];
  prepare_attempt(of, with, attempt);
  test_require_status(fhx_job_start(&of->options, &job, NULL), FHX_OK);
  test_require(strcmp(fhx_job_id(job), EXPORT_ID) == 0);
  test_require_status(test_run_job(job, 1, false, message), FHX_OK);
  report(job);
  return job;
}

/* As an engine does: by the attempt's number, until a name is not there. */
static size_t remove_attempt(fhx_destination *destination, const char *label, uint64_t attempt) {
  for (unsigned number = 1;; number++) {
    char name[256];
    uint64_t byte_count = 0;
    snprintf(name, sizeof name, EXPORT_ID "/%s-30-%llu-%u.ndjson", label,
             (unsigned long long)attempt, number);
    int32_t status = fhx_destination_stat(destination, name, &byte_count, NULL);
    test_require_status(fhx_destination_remove(destination, name, NULL), FHX_OK);
    if (status == FHX_ERR_NOT_FOUND) return number - 1;
    test_require_status(status, FHX_OK);
    test_require(byte_count > 0);
  }
}

/* Only what was reported is in the manifest, and only that is left when the other is removed. */
static void two_attempts(void **state) {
  (void)state;
  static char text[200000];
  test_dataset *data = test_dataset_new(4, 300, TEST_DATASET_BAD);
  test_setting with = test_setting_usual(data);
  test_export of;
  fhx_manifest *manifest = NULL;
  with.sha256 = true;
  with.source.shards = true;
  with.source.applied = FHX_APPLIED_TYPE;
  test_export_prepare(&of, &with);
  fhx_job_free(run_attempt(&of, &with, 41));
  size_t orphans = parts.count;
  of.job = run_attempt(&of, &with, 42);
  test_require(parts.count > 5 && orphans > 5);
  test_require(test_destination_objects(of.destination).count == parts.count + orphans);
  fhx_manifest_options options = manifest_options(of.options.destination);
  test_require_status(fhx_manifest_of_parts(&options, parts.given, parts.count, &manifest, NULL),
                      FHX_OK);
  test_require_status(read_manifest(manifest, text, sizeof text), FHX_END);
  fhx_manifest_free(manifest);
  test_require(count_of(text, "\"url\"") == parts.count && count_of(text, "-41-") == 0);
  test_require(count_of(text, "-30-42-") == parts.count && count_of(text, "sha256") == parts.count);
  test_require(strstr(text, "\"transactionTime\":\"2023-11-14T22:13:20.123Z\"") != NULL);
  test_require(strstr(text, "\"request\":\"https://fhir.example.org/$export\"") != NULL);
  test_require(strstr(strstr(text, "\"error\""), "/error-30-42-") != NULL);
  size_t removed = remove_attempt(of.options.destination, "error", 41);
  for (const char *const *type = test_types; *type != NULL; type++) {
    removed += remove_attempt(of.options.destination, *type, 41);
  }
  test_require(removed == orphans);
  test_objects left = test_destination_objects(of.destination);
  test_require(left.count == parts.count);
  for (size_t i = 0; i < parts.count; i++) {
    test_require(test_objects_find(&left, parts.names[i]) != NULL);
  }
  test_export_end(&of);
  test_dataset_free(data);
}

/* What may pass is the engine's to try again, under other names; and nothing is left. */
static void one_attempt(void **state) {
  (void)state;
  test_dataset *data = test_dataset_new(5, 300, 0);
  test_setting with = test_setting_usual(data);
  test_export of;
  char message[TEST_MESSAGE_MAX];
  with.source.fault_call = TEST_SOURCE_NEXT;
  with.source.fault = TEST_SOURCE_FAILS_RETRYABLE;
  with.source.fault_at = 12;
  with.source.fault_times = 1;
  test_export_prepare(&of, &with);
  prepare_attempt(&of, &with, 1);
  test_require_status(fhx_job_start(&of.options, &of.job, NULL), FHX_OK);
  test_require_status(test_run_job(of.job, 1, false, message), FHX_ERR_JOB_FAILED);
  test_export_check_nothing_left(&of);
  test_export_end(&of);
  test_dataset_free(data);
}

static void refused_options(void **state) {
  (void)state;
  test_dataset *data = test_dataset_new(6, 3, 0);
  test_setting with = test_setting_usual(data);
  test_export of;
  fhx_sqlite_store_options memory;
  fhx_store *store = NULL;
  FHX_INIT(&memory);
  memory.path = ":memory:";
  test_require_status(fhx_sqlite_store_new(&memory, &store, NULL), FHX_OK);
  test_export_prepare(&of, &with);
  const struct {
    const char *export_id;
    uint64_t attempt;
    uint32_t piece;
    fhx_store *store;
  } cases[] = {{NULL, 1, 0, NULL},          {NULL, 0, 1, NULL},
               {EXPORT_ID, 0, 0, NULL},     {"0123", 1, 0, NULL},
               {EXPORT_ID "0", 1, 0, NULL}, {EXPORT_ID, 1, UINT32_MAX, NULL},
               {EXPORT_ID, 1, 0, store}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    test_scenario("options %zu", i);
    of.options.export_id = cases[i].export_id;
    of.options.attempt = cases[i].attempt;
    of.options.piece = cases[i].piece;
    of.options.store = cases[i].store;
    test_require_status(fhx_job_start(&of.options, &of.job, NULL), FHX_ERR_ARGUMENT);
  }
  test_export_end(&of);
  fhx_store_free(store);
  test_dataset_free(data);
}

static void make_record(fhx_part_record *record, const char *name, uint32_t kind) {
  FHX_INIT(record);
  record->kind = kind;
  record->name = name;
  record->resource_type = kind == FHX_PART_ERROR ? "OperationOutcome" : "Patient";
  record->resource_count = 1;
  record->byte_count = 100;
}

/* Those of writers have no fence and no number. Kinds have an order, whatever they come in. */
static void order_of_files(void **state) {
  (void)state;
  static char text[4000];
  test_destination_knobs knobs;
  fhx_part_record records[4];
  const fhx_part_record *given[4];
  fhx_manifest_options options;
  fhx_manifest *manifest = NULL;
  memset(&knobs, 0, sizeof knobs);
  FHX_INIT(&options);
  test_destination *destination = test_destination_new(&knobs, &options.destination);
  make_record(&records[0], "e", FHX_PART_ERROR);
  make_record(&records[1], "z", FHX_PART_OUTPUT);
  make_record(&records[2], "d", FHX_PART_DELETED);
  make_record(&records[3], "a", FHX_PART_OUTPUT);
  for (size_t i = 0; i < 4; i++) given[i] = &records[i];
  test_require_status(fhx_manifest_of_parts(&options, given, 4, &manifest, NULL), FHX_OK);
  test_require_status(read_manifest(manifest, text, sizeof text), FHX_END);
  fhx_manifest_free(manifest);
  const char *z = strstr(text, ":z\""), *a = strstr(text, ":a\"");
  const char *d = strstr(text, ":d\""), *e = strstr(text, ":e\"");
  test_require(z != NULL && a > z && d > a && e > d && strstr(text, "extension") == NULL);
  test_require(strstr(text, "\"request\":\"$export\"") != NULL);
  /* By the ballot, too. */
  records[0].error_count = 1;
  options.ig_version = FHX_IG_STU4_BALLOT;
  test_require_status(fhx_manifest_of_parts(&options, given, 4, &manifest, NULL), FHX_OK);
  test_require_status(read_manifest(manifest, text, sizeof text), FHX_END);
  fhx_manifest_free(manifest);
  test_require(strstr(text, "{\"manifestType\":") == text && strstr(text, "request") == NULL);
  test_require(strstr(text, "\"outcome\":[{\"url\":") != NULL &&
               strstr(text, "\"code\":\"error\"") != NULL);
  options.ig_version = 0;
  /* An export of nothing is one. */
  test_require_status(fhx_manifest_of_parts(&options, NULL, 0, &manifest, NULL), FHX_OK);
  test_require_status(read_manifest(manifest, text, sizeof text), FHX_END);
  fhx_manifest_free(manifest);
  test_require(strstr(text, "\"output\":[],\"deleted\":[],\"error\":[]") != NULL ||
               strstr(text, "\"output\":[],\"error\":[]") != NULL);
  fhx_destination_free(options.destination);
  test_destination_end(destination);
}

static void refused_parts(void **state) {
  (void)state;
  test_destination_knobs knobs;
  fhx_part_record records[2];
  const fhx_part_record *given[2] = {&records[0], &records[1]};
  fhx_manifest_options options;
  fhx_manifest *manifest = NULL;
  memset(&knobs, 0, sizeof knobs);
  FHX_INIT(&options);
  test_destination *destination = test_destination_new(&knobs, &options.destination);
  for (int i = 0; i < 11; i++) {
    fhx_manifest_options wrong = options;
    test_scenario("parts %d", i);
    make_record(&records[0], "a", FHX_PART_OUTPUT);
    make_record(&records[1], i == 0 ? "a" : "b", FHX_PART_OUTPUT);
    if (i == 1) records[1].name = "../b";
    if (i == 2) records[1].resource_type = "";
    if (i == 3) records[1].flags = FHX_PART_CONTINUES;
    if (i == 4) records[1].kind = 3;
    if (i == 5) wrong.destination = NULL;
    if (i == 6) wrong.flags = 2;
    if (i == 7) wrong.resolution_us = -1;
    if (i == 8) records[1].resource_count = 0;
    if (i == 9) wrong.ig_version = 5;
    if (i == 10) records[1].error_count = 1;
    test_require_status(fhx_manifest_of_parts(&wrong, given, 2, &manifest, NULL), FHX_ERR_ARGUMENT);
  }
  test_require_status(fhx_manifest_of_parts(&options, NULL, 1, &manifest, NULL), FHX_ERR_ARGUMENT);
  test_require_status(fhx_destination_stat(options.destination, "../a", NULL, NULL),
                      FHX_ERR_ARGUMENT);
  test_require_status(fhx_destination_stat(NULL, "a", NULL, NULL), FHX_ERR_ARGUMENT);
  test_require_status(fhx_destination_remove(options.destination, NULL, NULL), FHX_ERR_ARGUMENT);
  fhx_destination_free(options.destination);
  test_destination_end(destination);
}

/* Each allocation fails in turn. */
static void without_memory(void **state) {
  (void)state;
  static char text[4000];
  fhx_part_record records[2];
  const fhx_part_record *given[2] = {&records[0], &records[1]};
  test_destination_knobs knobs;
  uint64_t number = 0;
  memset(&knobs, 0, sizeof knobs);
  make_record(&records[0], "a", FHX_PART_OUTPUT);
  make_record(&records[1], "b", FHX_PART_ERROR);
  do {
    fhx_manifest_options options;
    fhx_manifest *manifest = NULL;
    test_scenario("allocation %llu", (unsigned long long)++number);
    FHX_INIT(&options);
    test_memory_begin(0);
    test_destination *destination = test_destination_new(&knobs, &options.destination);
    test_memory_fail_next(number);
    int32_t status = fhx_manifest_of_parts(&options, given, 2, &manifest, NULL);
    if (status == FHX_OK) {
      status = read_manifest(manifest, text, sizeof text);
      fhx_manifest_free(manifest);
    }
    test_require(status == (test_memory_has_failed() ? FHX_ERR_NO_MEMORY : FHX_END));
    fhx_destination_free(options.destination);
    test_destination_end(destination);
  } while (test_memory_end());
  test_require(number > 5);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(two_attempts),    cmocka_unit_test(one_attempt),
      cmocka_unit_test(refused_options), cmocka_unit_test(order_of_files),
      cmocka_unit_test(refused_parts),   cmocka_unit_test(without_memory),
  };
  return cmocka_run_group_tests_name("pieces of an export", tests, NULL, NULL);
}
