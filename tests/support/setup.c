/* A job between a memory source and a memory destination. */
#include "support/setup.h"

#include <string.h>

#include "support/require.h"

test_setting test_setting_usual(const test_dataset *data) {
  test_setting with;
  memset(&with, 0, sizeof with);
  with.source.data = data;
  with.source.seed = 7;
  with.source.lists_types = true;
  with.source.tokens = true;
  with.source.rows_max = 7;
  with.part_bytes = 6000;
  return with;
}

void test_export_prepare(test_export *of, const test_setting *with) {
  memset(of, 0, sizeof *of);
  of->with = *with;
  FHX_INIT(&of->options);
  of->source = test_source_new(&with->source, &of->options.source);
  of->destination = test_destination_new(&with->destination, &of->options.destination);
  of->filter = test_filter_new(&with->expected);
  of->options.store = with->store;
  of->options.filter = of->filter;
  of->options.flags = with->sha256 ? FHX_JOB_SHA256 : 0;
  if (with->gzip) of->options.flags |= FHX_JOB_GZIP;
  of->options.part_bytes = with->part_bytes;
  of->options.part_count = with->part_count;
  of->options.tenant = with->tenant;
  of->options.settle_us = with->settle_us == 0 ? -1 : with->settle_us;
  of->options.stall_us = with->stall_us;
  of->options.lease_us = with->lease_us;
  of->options.attempts_max = with->attempts_max == 0 ? 3 : with->attempts_max;
  of->options.shards_max = 5;
  of->options.helpers = with->helpers;
  of->options.worker_bytes = with->worker_bytes;
}

void test_export_start(test_export *of, const test_setting *with) {
  test_export_prepare(of, with);
  test_require_status(fhx_job_start(&of->options, &of->job, NULL), FHX_OK);
  test_source_set_job(of->source, of->job);
  test_destination_set_job(of->destination, of->job);
}

void test_export_check_complete(test_export *of) {
  const test_setting *with = &of->with;
  test_expectation expected = with->expected;
  expected.data = with->source.data;
  expected.part_bytes = with->part_bytes;
  expected.part_count = with->part_count;
  expected.sha256 = with->sha256;
  expected.gzip = with->gzip;
  expected.requires_token = (with->destination.flags & FHX_DESTINATION_REQUIRES_TOKEN) != 0;
  expected.url_prefix = "memory:";
  test_objects objects = test_destination_objects(of->destination);
  test_check_export(of->job, &objects, &expected);
}

void test_export_check_nothing_left(test_export *of) {
  test_require(test_destination_objects(of->destination).count == 0);
}

void test_export_end(test_export *of) {
  fhx_job_free(of->job);
  fhx_source_free(of->options.source);
  fhx_destination_free(of->options.destination);
  fhx_filter_free(of->filter);
  test_source_end(of->source);
  test_destination_end(of->destination);
  test_require_sound();
}
