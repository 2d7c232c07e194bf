/*
 * A source over a short list of resources that a test writes out, with a clock that stands still,
 * and as much of what a host may offer for Groups as the test asks for; and a job between it and a
 * memory destination.
 */
#ifndef TEST_SUPPORT_SMALL_SOURCE_H
#define TEST_SUPPORT_SMALL_SOURCE_H

#include <fhirexport/job.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "support/memory_destination.h"

/* The time of every job. */
#define TEST_SMALL_NOW "2024-05-06T12:00:00Z"
#define TEST_SMALL_NOW_US INT64_C(1714996800000000)

typedef struct test_small_row {
  const char *type;
  const char *id;
  /* Whose compartment it is in; "" for nobody's. */
  const char *patient;
  int64_t updated_us;
  const char *json;
} test_small_row;

/* What group_members answers: `Type/id` in ascending order. */
typedef struct test_small_group {
  const char *id;
  const char *const *members;
  size_t count;
} test_small_group;

typedef enum test_small_call {
  TEST_SMALL_OPEN,
  TEST_SMALL_NEXT,
  TEST_SMALL_READ,
  TEST_SMALL_MEMBERS,
  TEST_SMALL_CALLS
} test_small_call;

typedef struct test_small_source {
  const test_small_row *rows;
  size_t row_count;
  /* FHX_APPLIED_TYPE, _SINCE, _PATIENTS, _SEARCH: what it pushes down; the last by `meets`. */
  uint32_t applied;
  bool (*meets)(const test_small_row *row, const char *search);
  bool reads;
  /* Each type is divided in two: every other row is in one. */
  bool shards;
  /* What it says it has, then NULL; NULL: the types of its usual rows. Or it says nothing. */
  const char *const *types;
  bool hides_types;
  /* Each reply has a token, and a cursor goes on from it. */
  bool tokens;
  /* `Type/id` that may not be read by itself; NULL: none. */
  const char *denied;
  bool lists_members;
  const test_small_group *groups;
  size_t group_count;
  size_t page;
  /* Asked before a call answers; true: it has answered itself. Optional. */
  bool (*hook)(void *context, test_small_call call, uint64_t number, fhx_reply *reply);
  void *hook_context;
  /* Counted by the source. */
  atomic_uint_least64_t calls[TEST_SMALL_CALLS];
  /* How often a cursor was opened over Patient. */
  atomic_uint_least64_t patient_cursors;
} test_small_source;

typedef struct test_small_job {
  test_small_source *small;
  test_destination *destination;
  fhx_job_options options;
  fhx_job *job;
  int32_t status;
  char message[1100];
} test_small_job;

/* Of the members of Group/g their Patients, Observations and Practitioners. Groups are in the
   compartments of their members; here only the members' data counts. NULL when memory
   runs out. */
fhx_filter *test_small_group_filter(void);

/* Everything but the filter and the job; members are NULL where memory ran out. */
void test_small_prepare(test_small_job *of, test_small_source *small);
/* Starts it with this filter, which is freed: of->status and of->message say what came of it. */
void test_small_start(test_small_job *of, fhx_filter *filter);
/* Runs it to its end, if it was started. */
void test_small_run(test_small_job *of);

/* The job is complete, and its output is exactly these `Type/id`, in ascending order, with a space
   between. */
void test_small_check(test_small_job *of, const char *output);
/* How many lines the error file has, and whether one holds this text. */
size_t test_small_lines(test_small_job *of, const char *text, bool *found);
/* The job has failed, for a reason that has this in it, and left nothing. */
void test_small_check_failed(test_small_job *of, const char *reason);
void test_small_end(test_small_job *of);

#endif
