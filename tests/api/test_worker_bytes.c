/*
 * The memory of a task: within worker_bytes while it runs, whatever is long or slow, and down again
 * behind a resource that had to be held.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
/* cmocka.h needs those above. */
#include <cmocka.h>
#include <fhirexport/fhirexport.h>

#include "support/folder.h"
#include "support/memory_destination.h"
#include "support/require.h"

#define MIB ((int64_t)1 << 20)
#define BUDGET (8 * MIB)
/* Several budgets, in a short run also. */
#define LONG_BYTES ((size_t)(test_is_quick() ? 20 : 100) * 1000 * 1000)
#define ROW_BYTES ((size_t)100 * 1000)
/* Before and behind the long one. */
#define ROWS_BESIDE 200

/* --- an allocator that knows how much there is --- */

typedef struct head {
  size_t byte_count;
  max_align_t aligns;
} head;

static atomic_int_fast64_t held, peak;

static void note(int64_t more) {
  int64_t now = atomic_fetch_add(&held, more) + more;
  int64_t most = atomic_load(&peak);
  while (now > most && !atomic_compare_exchange_weak(&peak, &most, now)) continue;
}

static void *reallocate(void *user_data, void *block, size_t byte_count) {
  head *before = block == NULL ? NULL : (head *)block - 1;
  int64_t had = before == NULL ? 0 : (int64_t)before->byte_count;
  (void)user_data;
  head *grown = realloc(before, sizeof *grown + byte_count);
  if (grown == NULL) return NULL;
  grown->byte_count = byte_count;
  note((int64_t)byte_count - had);
  return grown + 1;
}

static void *allocate(void *user_data, size_t byte_count) {
  return reallocate(user_data, NULL, byte_count);
}

static void release(void *user_data, void *block) {
  head *gone = (head *)block - 1;
  (void)user_data;
  note(-(int64_t)gone->byte_count);
  free(gone);
}

static void count_memory(void) {
  fhx_allocator allocator;
  FHX_INIT(&allocator);
  allocator.allocate = allocate;
  allocator.reallocate = reallocate;
  allocator.release = release;
  atomic_store(&held, 0);
  atomic_store(&peak, 0);
  test_require_status(fhx_set_allocator(&allocator, NULL), FHX_OK);
}

/* --- a source whose memory is its own --- */

static char *long_row, *row;

static char *make_row(const char *id, size_t len) {
  char *made = malloc(len);
  assert_non_null(made);
  memset(made, 'x', len);
  int begun = snprintf(made, len,
                       "{\"resourceType\":\"Observation\",\"id\":\"%s\",\"subject\":"
                       "{\"reference\":\"Patient/p1\"},\"data\":\"",
                       id);
  made[begun] = 'x';
  memcpy(made + len - 3, "\" }", 3); /* white space: it has to be stripped */
  return made;
}

static int make_rows(void **state) {
  (void)state;
  long_row = make_row("long", LONG_BYTES);
  row = make_row("short", ROW_BYTES);
  return 0;
}

static int free_rows(void **state) {
  (void)state;
  free(long_row);
  free(row);
  return 0;
}

typedef struct source {
  bool has_long_row;
  size_t next;
  /* The most that was held in front of the long row, and behind it. */
  int64_t before, behind;
} source;

static void open_cursor(void *user_data, const fhx_query *query, fhx_reply *reply) {
  (void)query;
  fhx_reply_handle(reply, user_data, FHX_APPLIED_TYPE);
}

static void next_rows(void *user_data, void *cursor, uint64_t want_bytes, fhx_reply *reply) {
  source *at = cursor;
  (void)user_data;
  int64_t now = atomic_load(&held);
  size_t number = at->next++;
  if (want_bytes > (uint64_t)MIB) test_violation("more is asked for than the budget has room for");
  if (number <= ROWS_BESIDE && now > at->before) at->before = now;
  if (number > ROWS_BESIDE + 1 && now > at->behind) at->behind = now;
  if (number == ROWS_BESIDE && at->has_long_row) {
    fhx_reply_rows(reply, long_row, LONG_BYTES, 1, NULL, NULL, NULL, 0);
  } else if (number < 2 * ROWS_BESIDE) {
    fhx_reply_rows(reply, row, ROW_BYTES, 1, NULL, NULL, NULL, 0);
  } else {
    fhx_reply_end(reply);
  }
}

static void close_cursor(void *user_data, void *cursor) {
  (void)user_data;
  (void)cursor;
}

/* --- jobs --- */

static void dawdle(void *context, test_destination_call call, uint64_t number) {
  (void)context;
  if (call == TEST_DESTINATION_WRITE && number % 3 == 0) {
    nanosleep(&(struct timespec){0, 3000000}, NULL);
  }
}

static fhx_filter *one_type(bool by_patient) {
  fhx_filter *filter = NULL;
  test_require_status(fhx_filter_new(&filter, NULL), FHX_OK);
  test_require_status(fhx_filter_add_type(filter, "Observation", NULL), FHX_OK);
  if (by_patient) test_require_status(fhx_filter_add_patient(filter, "p1", NULL), FHX_OK);
  return filter;
}

typedef struct way {
  uint32_t flags;
  uint32_t helpers;
  uint32_t destination_flags;
  bool by_patient;
} way;

static void run(const way *how, source *from) {
  test_destination_knobs knobs = {.flags = how->destination_flags, .hook = dawdle};
  fhx_source_callbacks callbacks;
  fhx_job_options options;
  fhx_job *job = NULL;
  count_memory();
  FHX_INIT(&callbacks);
  callbacks.open_cursor = open_cursor;
  callbacks.next_rows = next_rows;
  callbacks.close_cursor = close_cursor;
  FHX_INIT(&options);
  test_require_status(fhx_source_new(&callbacks, from, &options.source, NULL), FHX_OK);
  test_destination *to = test_destination_new(&knobs, &options.destination);
  fhx_filter *filter = one_type(how->by_patient);
  options.filter = filter;
  options.flags = how->flags;
  options.helpers = how->helpers;
  options.worker_bytes = (uint64_t)BUDGET;
  options.settle_us = -1;
  test_require_status(fhx_job_start(&options, &job, NULL), FHX_OK);
  test_require_status(fhx_job_run(job, NULL), FHX_OK);
  fhx_job_free(job);
  fhx_filter_free(filter);
  fhx_source_free(options.source);
  fhx_destination_free(options.destination);
  test_destination_end(to);
  test_require_sound();
  test_require(atomic_load(&held) == 0);
  test_require_status(fhx_set_allocator(NULL, NULL), FHX_OK);
}

static const way ways[] = {
    {0, 0, 0, false},
    {FHX_JOB_GZIP, 0, 0, false},
    {0, 1, FHX_DESTINATION_ANY_THREAD, false},
    {FHX_JOB_SHA256, 1, 0, false},
    {FHX_JOB_GZIP, 1, FHX_DESTINATION_ANY_THREAD, false},
    {FHX_JOB_GZIP | FHX_JOB_SHA256, 1, 0, false},
    {FHX_JOB_TRUST_SOURCE, 1, 0, false},
};

/* A resource of any length is written piece by piece; a slow destination makes the reader wait. */
static void within_the_budget(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
    source from = {.has_long_row = true};
    test_scenario("way %zu", i);
    run(&ways[i], &from);
    test_require(atomic_load(&peak) <= BUDGET);
  }
}

/* What is looked at is held in one piece, once, and given back behind it. */
static void down_again(void **state) {
  (void)state;
  for (uint32_t helpers = 0; helpers <= 1; helpers++) {
    const way how = {FHX_JOB_GZIP, helpers, FHX_DESTINATION_ANY_THREAD, true};
    source from = {.has_long_row = true};
    test_scenario("by patient, %u helpers", helpers);
    run(&how, &from);
    test_require(atomic_load(&peak) > (int64_t)LONG_BYTES);
    test_require(atomic_load(&peak) <= BUDGET + (int64_t)LONG_BYTES);
    test_require(from.before <= BUDGET && from.behind <= BUDGET);
  }
}

/* --- a folder, which holds its lines itself --- */

static source watched;

/* The folder's own rows go by unseen: the destination looks instead. */
static void look(void *context, test_destination_call call, uint64_t number) {
  (void)context;
  int64_t now = atomic_load(&held);
  if (call == TEST_DESTINATION_WRITE && number < 5 && now > watched.before) watched.before = now;
  if (call == TEST_DESTINATION_COMMIT) watched.behind = now;
}

static void write_file(const char *folder) {
  char path[TEST_PATH_MAX];
  test_path_join(path, folder, "Observation.ndjson");
  FILE *file = fopen(path, "wb");
  assert_non_null(file);
  for (int i = 0; i <= ROWS_BESIDE; i++) {
    bool is_long = i == ROWS_BESIDE / 2;
    size_t len = is_long ? LONG_BYTES : ROW_BYTES;
    assert_int_equal(fwrite(is_long ? long_row : row, 1, len, file), len);
    assert_int_equal(fputc('\n', file), '\n');
  }
  assert_int_equal(fclose(file), 0);
}

static void down_again_from_a_folder(void **state) {
  (void)state;
  char in[TEST_PATH_MAX];
  test_destination_knobs knobs = {.hook = look};
  fhx_folder_options folder;
  fhx_job_options options;
  fhx_job *job = NULL;
  test_folder_new(in);
  write_file(in);
  test_scenario("folder");
  memset(&watched, 0, sizeof watched);
  count_memory();
  FHX_INIT(&folder);
  folder.path = in;
  FHX_INIT(&options);
  test_require_status(fhx_folder_source_new(&folder, &options.source, NULL), FHX_OK);
  test_destination *to = test_destination_new(&knobs, &options.destination);
  options.settle_us = -1;
  options.helpers = 1;
  options.worker_bytes = (uint64_t)BUDGET;
  options.flags = FHX_JOB_GZIP;
  options.part_bytes = UINT64_C(1) << 30;
  test_require_status(fhx_job_start(&options, &job, NULL), FHX_OK);
  test_require_status(fhx_job_run(job, NULL), FHX_OK);
  test_require(watched.before > 0 && watched.before <= BUDGET + 2 * MIB);
  test_require(watched.behind > 0 && watched.behind <= BUDGET + 2 * MIB);
  /* The line reader grows by half at a time. */
  test_require(atomic_load(&peak) <= BUDGET + 3 * (int64_t)LONG_BYTES / 2);
  fhx_job_free(job);
  fhx_source_free(options.source);
  fhx_destination_free(options.destination);
  test_destination_end(to);
  test_folder_remove(in);
  test_require_status(fhx_set_allocator(NULL, NULL), FHX_OK);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(within_the_budget),
      cmocka_unit_test(down_again),
      cmocka_unit_test(down_again_from_a_folder),
  };
  return cmocka_run_group_tests_name("the memory of a task", tests, make_rows, free_rows);
}
