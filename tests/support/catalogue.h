/*
 * A catalogue that changes, as a source over public callbacks: Practitioners that are written and
 * deleted at times that the test gives, and jobs over them.
 */
#ifndef TEST_SUPPORT_CATALOGUE_H
#define TEST_SUPPORT_CATALOGUE_H

#include <fhirexport/job.h>
#include <stdbool.h>

#define TEST_CATALOGUE_MAX 64
/* The time at the beginning, 2024-05-06T12:00:00Z, and how long an hour of it is. */
#define TEST_CATALOGUE_NOW_US INT64_C(1714996800000000)
#define TEST_HOUR_US INT64_C(3600000000)

typedef struct test_entry {
  /* 0: never written. */
  uint32_t version;
  bool is_deleted;
  int64_t changed_us;
} test_entry;

typedef struct test_catalogue {
  /* Practitioner/n0, n1, ... */
  test_entry entries[TEST_CATALOGUE_MAX];
  int64_t now_us;
} test_catalogue;

void test_catalogue_begin(test_catalogue *catalogue);
/* An hour goes by. */
void test_catalogue_wait(test_catalogue *catalogue);
void test_catalogue_write(test_catalogue *catalogue, size_t number);
void test_catalogue_delete(test_catalogue *catalogue, size_t number);
/* What there is now: "0:1 3:2 ", numbers and versions in order. */
void test_catalogue_state(const test_catalogue *catalogue, char state[TEST_CATALOGUE_MAX * 16]);

/* A complete job over it, with so many resources in a part. `since`: an instant, or "". NULL when
   memory runs out. */
fhx_job *test_catalogue_export(test_catalogue *catalogue, fhx_destination *destination,
                               const char *since, uint64_t part_count);

#endif
