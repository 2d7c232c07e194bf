/*
 * An export that is organised by patients, of one who has a million resources (FILE-17).
 *
 * ctest labels: onethread
 */
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>
#include <fhirexport/fhirexport.h>

#include "support/require.h"

static size_t live, peak;

static void weigh(size_t gone, void *block) {
  live -= gone;
  live += block == NULL ? 0 : malloc_usable_size(block);
  if (live > peak) peak = live;
}

static void *weighed_allocate(void *user_data, size_t byte_count) {
  (void)user_data;
  void *block = malloc(byte_count);
  weigh(0, block);
  return block;
}

static void *weighed_reallocate(void *user_data, void *block, size_t byte_count) {
  (void)user_data;
  size_t gone = malloc_usable_size(block);
  void *moved = realloc(block, byte_count);
  if (moved != NULL) weigh(gone, moved);
  return moved;
}

static void weighed_release(void *user_data, void *block) {
  (void)user_data;
  weigh(malloc_usable_size(block), NULL);
  free(block);
}

/* A source of one patient with so many rows, made as they are asked for. */
#define HUGE_COUNT 1000000
#define HUGE_BATCH 1000
typedef struct huge {
  uint64_t given;
  bool in_patient;
  char data[HUGE_BATCH * 110];
  uint64_t ends[HUGE_BATCH];
} huge;

static void huge_open(void *user_data, const fhx_query *query, fhx_reply *reply) {
  huge *at = user_data;
  (void)query;
  at->in_patient = false;
  at->given = 0;
  fhx_reply_handle(reply, user_data, FHX_APPLIED_TYPE);
}

static void huge_open_patient(void *user_data, const fhx_query *query, const char *patient_id,
                              fhx_reply *reply) {
  huge *at = user_data;
  (void)query;
  (void)patient_id;
  at->in_patient = true;
  at->given = 0;
  /* The handle of the first cursor is behind its only row by now. */
  fhx_reply_handle(reply, at->ends, 0);
}

static void huge_next(void *user_data, void *handle, uint64_t want_bytes, fhx_reply *reply) {
  static const char patient[] = "{\"resourceType\":\"Patient\",\"id\":\"p\"}";
  huge *at = user_data;
  size_t len = 0;
  (void)want_bytes;
  if (handle == user_data) {
    if (at->in_patient || at->given++ != 0) {
      fhx_reply_end(reply);
    } else {
      fhx_reply_rows(reply, patient, sizeof patient - 1, 1, NULL, NULL, "t", 1);
    }
    return;
  }
  if (at->given == HUGE_COUNT) {
    fhx_reply_end(reply);
    return;
  }
  for (size_t i = 0; i < HUGE_BATCH; i++) {
    len += (size_t)snprintf(at->data + len, 110,
                            "{\"resourceType\":\"Observation\",\"id\":\"o%llu\","
                            "\"subject\":{\"reference\":\"Patient/p\"}}",
                            (unsigned long long)at->given++);
    at->ends[i] = len;
  }
  fhx_reply_rows(reply, at->data, len, HUGE_BATCH, at->ends, NULL, NULL, 0);
}

static void huge_close(void *user_data, void *handle) {
  (void)user_data;
  (void)handle;
}

/* A destination that only counts. */
static uint64_t written;

static void count_open(void *user_data, const char *name, fhx_reply *reply) {
  (void)name;
  fhx_reply_handle(reply, user_data, 0);
}

static void count_write(void *user_data, void *upload, const void *data, size_t len,
                        fhx_reply *reply) {
  (void)user_data;
  (void)upload;
  (void)data;
  written += len;
  fhx_reply_done(reply);
}

static void count_commit(void *user_data, void *upload, const fhx_part *part, fhx_reply *reply) {
  (void)user_data;
  (void)upload;
  (void)part;
  fhx_reply_done(reply);
}

static void count_abort(void *user_data, void *upload) {
  (void)user_data;
  (void)upload;
}

static void count_url(void *user_data, const fhx_part *part, int64_t expires_us, fhx_reply *reply) {
  (void)user_data;
  (void)part;
  (void)expires_us;
  fhx_reply_fail(reply, FHX_ERR_UNSUPPORTED, 0, "nobody asks");
}

static void count_remove(void *user_data, const char *name, fhx_reply *reply) {
  (void)user_data;
  (void)name;
  fhx_reply_done(reply);
}

static void open_huge(huge *at, fhx_job_options *options) {
  fhx_source_callbacks source;
  fhx_destination_callbacks destination;
  FHX_INIT(&source);
  FHX_INIT(&destination);
  source.open_cursor = huge_open;
  source.open_patient = huge_open_patient;
  source.next_rows = huge_next;
  source.close_cursor = huge_close;
  destination.part_open = count_open;
  destination.part_write = count_write;
  destination.part_commit = count_commit;
  destination.part_abort = count_abort;
  destination.part_url = count_url;
  destination.part_remove = count_remove;
  FHX_INIT(options);
  options->settle_us = -1;
  options->organize_by = "Patient";
  test_require_status(fhx_source_new(&source, at, &options->source, NULL), FHX_OK);
  test_require_status(fhx_destination_new(&destination, at, &options->destination, NULL), FHX_OK);
}

/* What is held does not grow with what a patient has: the parts' records apart, nothing of it. */
static void a_patient_of_any_size(void **state) {
  (void)state;
  huge *at = calloc(1, sizeof *at);
  fhx_allocator allocator;
  fhx_job_options options;
  fhx_job *job = NULL;
  fhx_filter *filter = NULL;
  uint64_t after = 0, resources = 0, continuing = 0;
  fhx_part_page *page = NULL;
  test_require(at != NULL);
  FHX_INIT(&allocator);
  allocator.allocate = weighed_allocate;
  allocator.reallocate = weighed_reallocate;
  allocator.release = weighed_release;
  live = peak = 0;
  written = 0;
  test_require_status(fhx_set_allocator(&allocator, NULL), FHX_OK);
  open_huge(at, &options);
  test_require_status(fhx_filter_new(&filter, NULL), FHX_OK);
  test_require_status(fhx_filter_add_type(filter, "Patient", NULL), FHX_OK);
  test_require_status(fhx_filter_add_type(filter, "Observation", NULL), FHX_OK);
  options.filter = filter;
  options.part_bytes = 4 << 20;
  test_require_status(fhx_job_start(&options, &job, NULL), FHX_OK);
  fhx_filter_free(filter);
  test_require_status(fhx_job_run(job, NULL), FHX_OK);
  while (fhx_job_parts_new(job, &after, 100, &page, NULL) == FHX_OK) {
    for (uint32_t i = 0; i < fhx_part_page_count(page); i++) {
      const fhx_part *part = fhx_part_page_part(page, i);
      /* Each begins with a header. */
      resources += fhx_part_resource_count(part) - 1;
      continuing += fhx_part_flags(part) == FHX_PART_CONTINUES ? 1 : 0;
    }
    fhx_part_page_free(page);
  }
  test_require(resources == HUGE_COUNT + 1 && continuing > 10);
  test_require(written > UINT64_C(70) * HUGE_COUNT);
  fhx_job_free(job);
  fhx_source_free(options.source);
  fhx_destination_free(options.destination);
  test_require_status(fhx_set_allocator(NULL, NULL), FHX_OK);
  test_require(live == 0);
  test_require(peak < (2u << 20));
  free(at);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(a_patient_of_any_size)};
  return cmocka_run_group_tests_name("a patient of any size", tests, NULL, NULL);
}
