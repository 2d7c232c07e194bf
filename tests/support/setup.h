/* A job between a memory source and a memory destination, ready to be attacked. */
#ifndef TEST_SUPPORT_SETUP_H
#define TEST_SUPPORT_SETUP_H

#include "support/export_check.h"
#include "support/memory_destination.h"
#include "support/memory_source.h"

typedef struct test_setting {
  test_source_knobs source;
  test_destination_knobs destination;
  /* What is asked for; the dataset and the limits are taken from here. */
  test_expectation expected;
  /* As in fhx_job_options; settle_us 0 means -1 and attempts_max 0 means 3. */
  uint64_t part_bytes;
  uint64_t part_count;
  int64_t settle_us;
  int64_t stall_us;
  int64_t lease_us;
  uint32_t attempts_max;
  const char *tenant;
  bool sha256;
  bool gzip;
  uint32_t helpers;
  uint64_t worker_bytes;
  /* Borrowed; NULL: the job's own. */
  fhx_store *store;
} test_setting;

typedef struct test_export {
  test_setting with;
  test_source *source;
  test_destination *destination;
  fhx_filter *filter;
  fhx_job_options options;
  fhx_job *job;
} test_export;

/* A source with tokens that pushes nothing down, seven rows at most, small parts. */
test_setting test_setting_usual(const test_dataset *data);

/* Everything but the job; members are NULL where memory ran out. */
void test_export_prepare(test_export *of, const test_setting *with);
/* And the job. */
void test_export_start(test_export *of, const test_setting *with);

/* The job is complete, and exact. */
void test_export_check_complete(test_export *of);
/* No object is at the destination. */
void test_export_check_nothing_left(test_export *of);

/* Frees everything, and checks that nothing was violated. */
void test_export_end(test_export *of);

#endif
