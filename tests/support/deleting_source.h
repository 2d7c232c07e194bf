/*
 * A source that also tells what was deleted, over short lists that a test writes out: it pushes
 * down what the test says, gives so many rows at a time, with or without tokens, and fails in
 * between.
 */
#ifndef TEST_SUPPORT_DELETING_SOURCE_H
#define TEST_SUPPORT_DELETING_SOURCE_H

#include <fhirexport/source.h>
#include <stdatomic.h>
#include <stdbool.h>

/* The time of every job. */
#define TEST_DELETING_NOW_US INT64_C(1714996800000000)
/* A row without a stamp of its own. */
#define TEST_UNSTAMPED INT64_MIN

typedef struct test_deletion {
  const char *type;
  const char *id;
  /* Whose compartment it was in, for a source that knows; "" for nobody's. */
  const char *patient;
  int64_t at_us;
  const char *json;
} test_deletion;

typedef struct test_deleting_source {
  const test_deletion *live;
  size_t live_count;
  /* In ascending order of ids. */
  const test_deletion *deleted;
  size_t deleted_count;
  /* FHX_APPLIED_TYPE, _SINCE, _UNTIL, _PATIENTS, FHX_PROMISE_ASCENDING_IDS, of both lists. */
  uint32_t applied;
  bool tells_deleted;
  bool reads;
  bool tokens;
  /* At most so many rows of one kind of stamp in a reply; 0: as many as there are. */
  size_t rows_max;
  /* Asked before the deletions are opened, before a reply of them, and before a single resource is
     read; true: it has answered itself. Optional. */
  bool (*on_open)(void *context, fhx_reply *reply);
  bool (*on_next)(void *context, uint64_t number, fhx_reply *reply);
  bool (*on_read)(void *context, const char *reference, fhx_reply *reply);
  void *context;
  /* Counted by the source. */
  atomic_uint_least64_t opened;
  atomic_uint_least64_t replies;
} test_deleting_source;

/* The caller's reference; NULL when memory runs out. */
fhx_source *test_deleting_source_new(test_deleting_source *source);

#endif
