/* A host's store whose callbacks all answer as a test says, and its steps by number. */
#ifndef TEST_UNIT_STORE_HOST_H
#define TEST_UNIT_STORE_HOST_H

#include "store/store.h"

#define JOB_ID "0123456789abcdef0123456789abcdef"
#define OTHER_ID "fedcba9876543210fedcba9876543210"

/* The records are for `act` to answer with; `given` is the plan, members, checkpoint or reason that
   came. */
typedef struct host {
  void (*act)(struct host *host, fhx_reply *reply);
  int calls;
  int destroyed;
  const void *given;
  /* What next_cleanup answers with. */
  const char *next_id;
  fhx_job_record job;
  fhx_task_record task;
  fhx_part_record part;
  fhx_attempt_record attempt;
  int32_t status;
} host;

fhx_store_callbacks host_callbacks(void);
/* Sensible records, which tests then spoil. */
void host_fill(host *h);
/* A store of a fresh host that has them. */
fhx_store *host_store(host *h);

enum {
  STEP_CREATE_JOB,
  STEP_READ_JOB,
  STEP_CLAIM_TASK,
  STEP_RENEW_TASK,
  STEP_PLAN_TASKS,
  STEP_RECORD_CHECKPOINT,
  STEP_RELEASE_TASK,
  STEP_READ_TASK,
  STEP_REMOVE_JOB,
  STEP_LIST_PARTS,
  STEP_LIST_ATTEMPTS,
  STEP_LIST_LINES,
  STEP_CLEAN_JOB,
  STEP_NEXT_CLEANUP,
  STEP_ADD_MEMBERS,
  STEP_LIST_MEMBERS,
  STEP_ADD_PAGE,
  STEP_LIST_PAGE,
  STEP_HOLD_JOB,
  STEP_LIST_JOBS,
  STEP_JOIN_JOB,
  STEP_COUNT
};

/* What a step has read; zeroed at first. */
typedef struct results {
  fhx__job_entry job;
  fhx__task_entry task;
  fhx__buffer list;
  fhx__buffer jobs;
  fhx_reply lines;
  int64_t wait_us;
  char job_id[FHX__JOB_ID_LEN + 1];
} results;

int32_t host_run(fhx_store *store, int step, results *r, fhx_error **error);
void host_results_end(results *r);
/* Runs a step that must fail so; the message must begin with the step's name and hold `message`. */
void host_assert_failure(fhx_store *store, int step, int32_t status, uint32_t retryable,
                         const char *message);
/* Runs a step, and forgets what it has read. */
int32_t host_run_quietly(fhx_store *store, int step);

#endif
