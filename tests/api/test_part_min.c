/*
 * The smallest part (FILE-16): whatever the rows, the replies and the other limits, every
 * part but the last of its type has the minimum or could not have taken the next line, and none is
 * longer than the maximum unless it holds a single resource.
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

#include "support/require.h"
#include "support/runner.h"
#include "support/setup.h"

typedef struct rule {
  uint64_t min;
  uint64_t max;
  uint64_t count;
} rule;

/* The first line of a part's object, with its line feed. */
static uint64_t first_line(const test_objects *objects, const fhx_part *part) {
  const test_object *object = test_objects_find(objects, fhx_part_name(part));
  test_require(object != NULL);
  const uint8_t *end = memchr(object->data, '\n', object->len);
  test_require(end != NULL);
  return (uint64_t)(end - object->data) + 1;
}

static void check_part(const rule *of, const fhx_part *part, uint64_t next_line) {
  uint64_t bytes = fhx_part_byte_count(part), count = fhx_part_resource_count(part);
  test_require(bytes <= of->max || count == 1);
  test_require(of->count == 0 || count <= of->count);
  /* The last of its type. */
  if (next_line == 0) return;
  test_require(bytes >= of->min || bytes + next_line > of->max || count == of->count);
}

/* How many parts there are that are not the last of their type. */
static size_t check_parts(test_export *of, const rule *with) {
  test_objects objects = test_destination_objects(of->destination);
  fhx_part_page *page = NULL;
  uint64_t after = 0;
  size_t count = 0;
  test_require_status(fhx_job_parts_new(of->job, &after, 1000, &page, NULL), FHX_OK);
  uint32_t parts = fhx_part_page_count(page);
  for (uint32_t i = 0; i < parts; i++) {
    const fhx_part *part = fhx_part_page_part(page, i);
    const fhx_part *next = i + 1 < parts ? fhx_part_page_part(page, i + 1) : NULL;
    bool goes_on =
        next != NULL && strcmp(fhx_part_resource_type(part), fhx_part_resource_type(next)) == 0;
    check_part(with, part, goes_on ? first_line(&objects, next) : 0);
    /* A type is one shard. */
    test_require(strstr(fhx_part_name(part), "-0-") != NULL);
    count += goes_on ? 1 : 0;
  }
  fhx_part_page_free(page);
  return count;
}

static const uint64_t sizes[] = {2500, 6000, 20000, 2000000};

static test_setting setting_of(const test_dataset *data, test_random *random, rule *of) {
  test_setting with = test_setting_usual(data);
  with.source.seed = test_random_next(random);
  with.source.applied = FHX_APPLIED_TYPE;
  with.source.rows_max =
      (uint32_t)test_random_below(random, 3) == 0 ? 0 : (uint32_t)test_random_below(random, 60) + 1;
  with.source.tokens = test_random_below(random, 4) != 0;
  with.source.tokenless_percent = test_random_below(random, 3) == 0 ? 30 : 0;
  with.source.empty_percent = 10;
  with.source.shards = true;
  of->max = sizes[test_random_below(random, sizeof sizes / sizeof sizes[0])];
  /* Some are close to the maximum, or as large. */
  of->min = test_random_below(random, 4) == 0 ? of->max : test_random_below(random, of->max) + 1;
  of->count = test_random_below(random, 2) == 0 ? 0 : test_random_below(random, 50) + 1;
  with.part_bytes = of->max;
  with.part_count = of->count;
  return with;
}

static void prepare(test_export *of, const test_setting *with, const rule *rules) {
  test_export_prepare(of, with);
  of->options.part_bytes_min = rules->min;
}

static void any_rows_and_replies(void **state) {
  (void)state;
  test_dataset *data = test_dataset_new(91, 400, TEST_DATASET_HUGE | TEST_DATASET_PRETTY);
  test_random random = {12};
  size_t count = 0;
  for (int i = 0; i < (test_is_quick() ? 12 : 40); i++) {
    rule rules;
    test_export of;
    char message[TEST_MESSAGE_MAX];
    test_setting with = setting_of(data, &random, &rules);
    test_scenario("%d: %d to %d bytes, %d resources", i, (int)rules.min, (int)rules.max,
                  (int)rules.count);
    if (test_random_below(&random, 3) == 0) {
      with.source.fault_call = TEST_SOURCE_NEXT;
      with.source.fault = TEST_SOURCE_FAILS_RETRYABLE;
      with.source.fault_at = test_random_below(&random, 30) + 1;
      with.source.fault_times = 1;
    }
    prepare(&of, &with, &rules);
    test_require_status(fhx_job_start(&of.options, &of.job, NULL), FHX_OK);
    test_require_status(test_run_job(of.job, 1 + (uint32_t)i % 3, false, message), FHX_OK);
    test_export_check_complete(&of);
    count += check_parts(&of, &rules);
    test_export_end(&of);
  }
  test_require(count > 150 || test_is_quick());
  test_dataset_free(data);
}

/* --- parking --- */

typedef struct parking {
  fhx_job *job;
  uint64_t at;
} parking;

static void park(void *context, uint64_t number) {
  const parking *with = context;
  if (number == with->at) fhx_job_park(with->job);
}

/* A parked job leaves no short part behind either. */
static void parked_and_gone_on_with(void **state) {
  (void)state;
  test_dataset *data = test_dataset_new(92, 200, 0);
  fhx_sqlite_store_options options;
  FHX_INIT(&options);
  options.path = ":memory:";
  uint64_t kept = 0;
  for (uint64_t at = 1; at < 50; at += 3) {
    const rule rules = {at % 2 == 1 ? 3000 : 1500, 4000, 0};
    parking with_park = {NULL, at};
    char message[TEST_MESSAGE_MAX];
    test_export of;
    test_setting with = test_setting_usual(data);
    test_scenario("parked at %d", (int)at);
    test_require_status(fhx_sqlite_store_new(&options, &with.store, NULL), FHX_OK);
    with.source.applied = FHX_APPLIED_TYPE;
    with.source.hook = park;
    with.source.hook_context = &with_park;
    with.part_bytes = rules.max;
    prepare(&of, &with, &rules);
    test_require_status(fhx_job_start(&of.options, &of.job, NULL), FHX_OK);
    with_park.job = of.job;
    test_require_status(test_run_job(of.job, 1, false, message), FHX_WAIT);
    kept += test_destination_objects(of.destination).count;
    fhx_job *again = NULL;
    test_require_status(fhx_job_attach(&of.options, fhx_job_id(of.job), &again, NULL), FHX_OK);
    fhx_job_free(of.job);
    of.job = again;
    with_park.at = 0;
    test_require_status(test_run_job(of.job, 1, false, message), FHX_OK);
    test_export_check_complete(&of);
    check_parts(&of, &rules);
    test_export_end(&of);
    fhx_store_free(with.store);
  }
  test_require(kept > 0);
  test_dataset_free(data);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(any_rows_and_replies),
      cmocka_unit_test(parked_and_gone_on_with),
  };
  return cmocka_run_group_tests_name("smallest parts", tests, NULL, NULL);
}
