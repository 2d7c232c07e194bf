/*
 * Every change of state that a step of a store may make, of a job and of its tasks; there is no
 * other. store_conformance_transitions.c tries every step in every state and compares, docs/jobs.md
 * shows it to readers, and tests/transitions.py compares that. Each row: the state, the step, the
 * state that follows. A lease's end is no step: "running" becomes "lapsed" by the clock.
 */
#ifndef TEST_UNIT_STORE_TRANSITIONS_H
#define TEST_UNIT_STORE_TRANSITIONS_H

typedef struct store_transition {
  const char *from;
  const char *step;
  const char *to;
} store_transition;

static const store_transition job_transitions[] = {
    {"none", "create_job", "running"},
    {"running", "plan_tasks, no tasks", "complete"},
    {"running", "record_checkpoint, done, last task", "complete"},
    {"running", "claim_task, attempts used up", "failed"},
    {"running", "claim_task, parts on a page and no token", "failed"},
    {"running", "release_task, retry, attempts used up", "failed"},
    {"running", "release_task, fail", "failed"},
    {"failed", "clean_job", "failed, cleaned"},
    {"running", "remove_job", "removing"},
    {"complete", "remove_job", "removing"},
    {"failed", "remove_job", "removing"},
    {"failed, cleaned", "remove_job", "removing"},
    {"complete", "next_cleanup, kept long enough", "removing"},
    {"failed", "next_cleanup, kept long enough", "removing"},
    {"failed, cleaned", "next_cleanup, kept long enough", "removing"},
    {"removing", "clean_job", "none"},
};

static const store_transition task_transitions[] = {
    {"none", "create_job", "waiting"},
    {"waiting", "claim_task", "running"},
    {"waiting", "claim_task, attempts used up", "running"},
    {"lapsed", "claim_task", "running"},
    {"lapsed", "renew_task", "running"},
    {"running", "release_task, parked", "waiting"},
    {"running", "release_task, retry", "waiting"},
    {"running", "release_task, retry, attempts used up", "waiting"},
    {"running", "release_task, fail", "waiting"},
    {"lapsed", "release_task, parked", "waiting"},
    {"lapsed", "release_task, retry", "waiting"},
    {"lapsed", "release_task, retry, attempts used up", "waiting"},
    {"lapsed", "release_task, fail", "waiting"},
    {"running", "plan_tasks", "done"},
    {"running", "plan_tasks, no tasks", "done"},
    {"lapsed", "plan_tasks", "done"},
    {"lapsed", "plan_tasks, no tasks", "done"},
    {"running", "record_checkpoint, done", "done"},
    {"lapsed", "record_checkpoint, done", "done"},
    {"running", "record_checkpoint, done, last task", "done"},
    {"lapsed", "record_checkpoint, done, last task", "done"},
    {"waiting", "clean_job", "none"},
    {"lapsed", "clean_job", "none"},
    {"done", "clean_job", "none"},
};

#endif
