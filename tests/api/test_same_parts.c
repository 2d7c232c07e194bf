/*
 * A job's parts do not depend on who makes them: the same names in the same order with the same
 * bytes, on any number of threads, with and without helpers, whatever the budget.
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
#include "support/unpack.h"

#define PARTS_MAX 400

/* What a job has made: a line for each part, in the order of the manifest, and what they hold. */
typedef struct outcome {
  uint8_t *list;
  size_t list_len;
  uint8_t *bytes;
  size_t len;
} outcome;

static void append(uint8_t **to, size_t *len, const void *data, size_t more) {
  uint8_t *grown = realloc(*to, *len + more + 1);
  test_require(grown != NULL);
  if (more != 0) memcpy(grown + *len, data, more);
  *to = grown;
  *len += more;
}

/* ISA-L may pack the same bytes in another way: of a part in gzip counts what it holds. */
static void add_part(outcome *all, const fhx_part *part, const test_object *object) {
  char line[512];
  bool packed = fhx_part_encoding(part) == FHX_ENCODING_GZIP;
  const char *name = strchr(fhx_part_name(part), '/'); /* behind the job's id */
  test_require(name != NULL && object != NULL);
  int line_len =
      snprintf(line, sizeof line, "%s %llu %llu %u\n", name,
               (unsigned long long)fhx_part_resource_count(part),
               (unsigned long long)fhx_part_byte_count(part), packed ? 0 : fhx_part_crc32c(part));
  append(&all->list, &all->list_len, line, (size_t)line_len);
  if (packed) {
    size_t len = 0;
    uint8_t *text = test_unpack(object->data, object->len, &len);
    test_require(text != NULL && len == fhx_part_byte_count(part));
    append(&all->bytes, &all->len, text, len);
    free(text);
  } else {
    append(&all->bytes, &all->len, object->data, object->len);
  }
}

/* Replies of one row: how many rows a reply has decides where parts end, and is the source's. */
static test_setting reading(const test_dataset *data) {
  test_setting with = test_setting_usual(data);
  with.source.rows_max = 0;
  with.source.shards = true;
  with.source.applied = FHX_APPLIED_TYPE;
  return with;
}

static outcome run(const test_setting *with, uint32_t threads) {
  test_export of;
  outcome all = {NULL, 0, NULL, 0};
  char message[TEST_MESSAGE_MAX];
  uint64_t after = 0;
  fhx_part_page *page = NULL;
  size_t count = 0;
  test_export_start(&of, with);
  test_require_status(test_run_job(of.job, threads, false, message), FHX_OK);
  test_export_check_complete(&of);
  test_objects objects = test_destination_objects(of.destination);
  while (fhx_job_parts_new(of.job, &after, 7, &page, NULL) == FHX_OK) {
    for (uint32_t i = 0; i < fhx_part_page_count(page); i++, count++) {
      const fhx_part *part = fhx_part_page_part(page, i);
      add_part(&all, part, test_objects_find(&objects, fhx_part_name(part)));
    }
    fhx_part_page_free(page);
  }
  test_require(count == objects.count && count < PARTS_MAX);
  append(&all.list, &all.list_len, "", 1);
  bool may_help = with->helpers != 0 && with->part_bytes > 1000000 &&
                  (with->destination.flags & FHX_DESTINATION_ANY_THREAD) != 0;
  test_require(may_help == (test_destination_writes_elsewhere(of.destination) != 0));
  test_export_end(&of);
  return all;
}

static void expect_same(const outcome *expected, const test_setting *with, uint32_t threads) {
  outcome found = run(with, threads);
  assert_string_equal((const char *)found.list, (const char *)expected->list);
  test_require(found.len == expected->len);
  test_require(memcmp(found.bytes, expected->bytes, found.len) == 0);
  free(found.list);
  free(found.bytes);
}

/* From one thread without a helper to four with. */
static void expect_always_the_same(test_setting *with, const char *name) {
  test_scenario("%s, one thread", name);
  with->helpers = 0;
  outcome expected = run(with, 1);
  for (uint32_t threads = 1; threads <= 4; threads *= 2) {
    for (uint32_t helpers = 0; helpers <= 1; helpers++) {
      if (test_is_quick() && (threads == 4) != (helpers == 1)) continue;
      test_scenario("%s, %u threads, %u helpers", name, threads, helpers);
      with->helpers = helpers;
      with->worker_bytes = threads == 2 ? UINT64_C(8) << 20 : 0;
      expect_same(&expected, with, threads);
    }
  }
  free(expected.list);
  free(expected.bytes);
}

static void many_small_parts(void **state) {
  (void)state;
  test_dataset *data = test_dataset_new(41, 300, TEST_DATASET_PRETTY | TEST_DATASET_BAD);
  test_setting with = reading(data);
  with.expected.error_count = data->bad_count;
  expect_always_the_same(&with, "small parts");
  test_dataset_free(data);
}

static void long_parts(void **state) {
  (void)state;
  test_dataset *data = test_dataset_new(42, 22, TEST_DATASET_LONG | TEST_DATASET_HUGE);
  for (int gzip = 0; gzip < 2; gzip++) {
    test_setting with = reading(data);
    with.part_bytes = 1500000;
    with.gzip = gzip == 1;
    with.destination.flags = FHX_DESTINATION_ANY_THREAD;
    expect_always_the_same(&with, gzip == 1 ? "long parts in gzip" : "long parts");
    with.destination.flags = 0;
    with.source.shards = false;
    with.sha256 = true;
    expect_always_the_same(&with, "long parts, written by the workers");
  }
  test_dataset_free(data);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(many_small_parts),
      cmocka_unit_test(long_parts),
  };
  return cmocka_run_group_tests_name("the same parts", tests, NULL, NULL);
}
