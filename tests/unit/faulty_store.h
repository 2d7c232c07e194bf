/*
 * A store whose answers get lost: the public callbacks over a SQLite store, whose steps are taken
 * or not, and answered or not, as a test wants it. It looks behind the public interface, so it is
 * for unit tests only.
 */
#ifndef TEST_UNIT_FAULTY_STORE_H
#define TEST_UNIT_FAULTY_STORE_H

#include <fhirexport/store.h>
#include <stdbool.h>

typedef enum faulty_step {
  FAULTY_CREATE_JOB,
  FAULTY_READ_JOB,
  FAULTY_CLAIM_TASK,
  FAULTY_RENEW_TASK,
  FAULTY_PLAN_TASKS,
  FAULTY_RECORD_CHECKPOINT,
  FAULTY_RELEASE_TASK,
  FAULTY_READ_TASK,
  FAULTY_REMOVE_JOB,
  FAULTY_LIST_PARTS,
  FAULTY_LIST_LINES,
  FAULTY_LIST_ATTEMPTS,
  FAULTY_CLEAN_JOB,
  FAULTY_NEXT_CLEANUP,
  FAULTY_ADD_MEMBERS,
  FAULTY_LIST_MEMBERS,
  FAULTY_ADD_PAGE,
  FAULTY_LIST_PAGE,
  FAULTY_HOLD_JOB,
  FAULTY_LIST_JOBS,
  FAULTY_STEPS
} faulty_step;

extern const char *const faulty_step_names[FAULTY_STEPS];

typedef enum faulty_answer {
  /* The step is not taken. */
  FAULTY_FAILS,
  FAULTY_SILENT,
  /* The step is taken, and then: */
  FAULTY_TAKEN_FAILS,
  FAULTY_TAKEN_SILENT,
  FAULTY_TAKEN_UNKNOWN,
  FAULTY_TAKEN_WRONG_KIND,
  FAULTY_ANSWERS
} faulty_answer;

typedef struct faulty_knobs {
  /* FAULTY_STEPS: every step. */
  faulty_step step;
  faulty_answer answer;
  /* Calls number fault_at to fault_at + fault_times - 1 (0: all that follow) of the step go wrong;
     numbers run from 1. */
  uint64_t fault_at;
  uint64_t fault_times;
  /* Called before each step; optional. */
  void (*hook)(void *context, faulty_step step, uint64_t number);
  void *hook_context;
} faulty_knobs;

typedef struct faulty_store faulty_store;

/* *store is the caller's reference; NULL when there is no memory for it. */
faulty_store *faulty_store_new(const faulty_knobs *knobs, fhx_store **store);
/* No more faults from here on. */
void faulty_store_heal(faulty_store *store);
uint64_t faulty_store_calls(const faulty_store *store, faulty_step step);
/* The store behind it; borrowed. */
fhx_store *faulty_store_inner(const faulty_store *store);
/* After the library has dropped it. */
void faulty_store_end(faulty_store *store);

#endif
