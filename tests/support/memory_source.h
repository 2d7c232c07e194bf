/*
 * A source over a dataset, on the public callbacks, that does whatever a host might do: it gives
 * its rows in fresh buffers that it poisons and frees at the next call, waits, moves, fails, falls
 * silent, lies and re-enters. What the library does wrong is noted as a violation (require.h).
 */
#ifndef TEST_SUPPORT_MEMORY_SOURCE_H
#define TEST_SUPPORT_MEMORY_SOURCE_H

#include <fhirexport/job.h>

#include "support/dataset.h"

typedef enum test_source_call {
  TEST_SOURCE_OPEN,
  TEST_SOURCE_NEXT,
  TEST_SOURCE_SHARDS,
  TEST_SOURCE_TYPES,
  TEST_SOURCE_ESTIMATE,
  TEST_SOURCE_SNAPSHOT,
  TEST_SOURCE_CLOCK,
  TEST_SOURCE_READ,
  TEST_SOURCE_GROUP,
  TEST_SOURCE_CALLS
} test_source_call;

typedef enum test_source_fault {
  TEST_SOURCE_SOUND,
  TEST_SOURCE_FAILS,
  TEST_SOURCE_FAILS_RETRYABLE,
  TEST_SOURCE_SILENT,
  /* An answer that does not fit the callback, and a fitting one behind it. */
  TEST_SOURCE_WRONG_KIND,
  /* FHX_ERR_DENIED and FHX_ERR_UNSUPPORTED. */
  TEST_SOURCE_DENIES,
  TEST_SOURCE_DECLINES,
  /* The rest is for next_rows. */
  TEST_SOURCE_WAITS,
  /* A row of another type among the others. */
  TEST_SOURCE_WRONG_TYPE,
  /* The first row of the task again. */
  TEST_SOURCE_OUT_OF_ORDER,
  TEST_SOURCE_BAD_ENDS,
  TEST_SOURCE_LONG_TOKEN
} test_source_fault;

typedef struct test_source_knobs {
  const test_dataset *data;
  uint64_t seed;
  /* What it pushes down, truly: FHX_APPLIED_..., FHX_PROMISE_ASCENDING_IDS. */
  uint32_t applied;
  bool tokens;
  /* How often, of 100, a reply has none all the same: then the task cannot resume. */
  uint32_t tokenless_percent;
  /* From this call of next_rows on, of all cursors, no reply has one; 0: never. */
  uint64_t tokenless_from;
  /* Divides types, and so estimates them. */
  bool shards;
  bool lists_types;
  /* Gives row_updated_us; the dataset must be stamped. */
  bool stamps;
  /* Has snapshot_ready, which asks for some time first. */
  bool snapshot;
  /* At most so many rows in a reply; 0: one, without row_ends. */
  uint32_t rows_max;
  /* How often, of 100, a call answers "wait", or gives no rows. */
  uint32_t wait_percent;
  uint32_t empty_percent;
  /* How long a "wait" asks for; 0: a little, at random. */
  int64_t wait_us;
  /* Calls fhx_job_run and _run_task from next_rows, and the progress, which must work. */
  bool re_enters;
  /* Calls number fault_at to fault_at + fault_times - 1 (0: all that follow) of this kind go
     wrong. Numbers run from 1 over all cursors. */
  test_source_call fault_call;
  test_source_fault fault;
  uint64_t fault_at;
  uint64_t fault_times;
  /* Called at the beginning of each next_rows with its number; optional. */
  void (*hook)(void *context, uint64_t number);
  /* The same of open_cursor. */
  void (*open_hook)(void *context, uint64_t number);
  void *hook_context;
  /* Has read_resource, over the dataset; each takes so long. */
  bool reads_resources;
  uint32_t read_ms;
  /* Has group_members, which gives these, in ascending order, for the Group of this id, at most
     `group_page` at a time (0: all). NULL: it has not. */
  const char *group_id;
  const char *const *group_members;
  size_t group_member_count;
  size_t group_page;
  /* Its clock; NULL: the system's. */
  fhx_clock_callback clock;
  void *clock_context;
} test_source_knobs;

typedef struct test_source test_source;

/* *source is the caller's reference. The dataset outlives the source. */
test_source *test_source_new(const test_source_knobs *knobs, fhx_source **source);
/* The job that it calls when it re-enters. */
void test_source_set_job(test_source *source, fhx_job *job);
/* No more faults from here on. */
void test_source_heal(test_source *source);
uint64_t test_source_calls(const test_source *source, test_source_call call);
/* After the library has dropped it: checks that every cursor was closed, and frees it. */
void test_source_end(test_source *source);

#endif
