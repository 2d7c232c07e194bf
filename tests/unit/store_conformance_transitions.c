/*
 * The states of jobs and tasks: every step is tried in every state, with right and with wrong
 * fences and numbers. What changes must be a row of store_transitions.h, every row must be seen,
 * and a step that is not taken changes nothing at all.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

#include "store_conformance.h"
#include "store_fixture.h"
#include "store_transitions.h"

#define COUNT(list) (sizeof(list) / sizeof *(list))
#define TRANSITIONS_MAX 64

/* The task that a step is about, and what its worker believes. */
typedef struct place {
  uint32_t task_index;
  uint64_t fence;
  uint64_t seq;
} place;

/* --- the situations: from nothing, by steps that have tests of their own --- */

static void take(fixture *f, const char *claim_id, uint32_t task_index) {
  assert_int_equal(step_claim(f, JOB_A, claim_id), FHX_OK);
  assert_int_equal(f->task.record.task_index, task_index);
}

static void none(fixture *f, place *at) {
  (void)f;
  *at = (place){0, 1, 1};
}

static void created(fixture *f, place *at) {
  assert_int_equal(step_create(f, JOB_A), FHX_OK);
  *at = (place){0, 1, 1};
}

static void planning(fixture *f, place *at) {
  created(f, at);
  take(f, "planner", 0);
}

static void planning_lapsed(fixture *f, place *at) {
  planning(f, at);
  f->now_us += LEASE_US;
}

static void planned(fixture *f, place *at) {
  fixture_planned_job(f, JOB_A);
  *at = (place){1, 1, 1};
}

static void running(fixture *f, place *at) {
  planned(f, at);
  take(f, "one", 1);
}

static void lapsed(fixture *f, place *at) {
  running(f, at);
  f->now_us += LEASE_US;
}

/* Given back after a failure, which counts as an attempt. */
static void tried(fixture *f, place *at) {
  running(f, at);
  assert_int_equal(step_release(f, JOB_A, 1, 1, FHX_RELEASE_RETRY), FHX_OK);
}

static void with_token(fixture *f, place *at) {
  running(f, at);
  assert_int_equal(step_advance(f, JOB_A, 1, 1, 1, "token", 0), FHX_OK);
  at->seq = 2;
}

/* It had a token when its first part came on a page, and has none now. */
static void cannot_go_on(fixture *f, place *at) {
  with_token(f, at);
  assert_int_equal(step_add_page(f, JOB_A, 1, 9), FHX_OK);
  assert_int_equal(step_advance(f, JOB_A, 1, 1, 2, NULL, 0), FHX_OK);
  assert_int_equal(step_release(f, JOB_A, 1, 1, FHX_RELEASE_PARKED), FHX_OK);
  at->seq = 3;
}

static void done(fixture *f, place *at) {
  running(f, at);
  assert_int_equal(step_advance(f, JOB_A, 1, 1, 1, NULL, 1), FHX_OK);
  at->seq = 2;
}

/* All others are done. */
static void last_running(fixture *f, place *at) {
  done(f, at);
  for (uint32_t i = 2; i < PLANNED; i++) {
    take(f, "two", i);
    assert_int_equal(step_advance(f, JOB_A, i, 1, 1, NULL, 1), FHX_OK);
  }
  take(f, "last", PLANNED);
  *at = (place){PLANNED, 1, 1};
}

static void last_lapsed(fixture *f, place *at) {
  last_running(f, at);
  f->now_us += LEASE_US;
}

static void complete(fixture *f, place *at) {
  last_running(f, at);
  assert_int_equal(step_advance(f, JOB_A, PLANNED, 1, 1, NULL, 1), FHX_OK);
  at->seq = 2;
}

static void failed(fixture *f, place *at) {
  running(f, at);
  assert_int_equal(step_release(f, JOB_A, 1, 1, FHX_RELEASE_FAIL), FHX_OK);
}

static void failed_while_running(fixture *f, place *at) {
  running(f, at);
  take(f, "two", 2);
  assert_int_equal(step_release(f, JOB_A, 2, 1, FHX_RELEASE_FAIL), FHX_OK);
}

static void failed_and_lapsed(fixture *f, place *at) {
  failed_while_running(f, at);
  f->now_us += LEASE_US;
}

static void cleaned(fixture *f, place *at) {
  failed(f, at);
  assert_int_equal(step_clean(f, JOB_A), FHX_OK);
}

static void removing(fixture *f, place *at) {
  planned(f, at);
  assert_int_equal(step_remove(f, JOB_A), FHX_OK);
}

static void removing_while_running(fixture *f, place *at) {
  running(f, at);
  assert_int_equal(step_remove(f, JOB_A), FHX_OK);
}

static void removing_and_lapsed(fixture *f, place *at) {
  removing_while_running(f, at);
  f->now_us += LEASE_US;
}

static void removing_complete(fixture *f, place *at) {
  complete(f, at);
  assert_int_equal(step_remove(f, JOB_A), FHX_OK);
}

static void gone(fixture *f, place *at) {
  removing(f, at);
  assert_int_equal(step_clean(f, JOB_A), FHX_OK);
}

typedef void (*situation)(fixture *f, place *at);
static const struct {
  const char *name;
  situation make;
} situations[] = {
    {"none", none},
    {"created", created},
    {"planning", planning},
    {"planning, lapsed", planning_lapsed},
    {"planned", planned},
    {"running", running},
    {"lapsed", lapsed},
    {"tried", tried},
    {"with a token", with_token},
    {"cannot go on", cannot_go_on},
    {"done", done},
    {"the last one running", last_running},
    {"the last one lapsed", last_lapsed},
    {"complete", complete},
    {"failed", failed},
    {"failed while running", failed_while_running},
    {"failed and lapsed", failed_and_lapsed},
    {"cleaned", cleaned},
    {"removing", removing},
    {"removing while running", removing_while_running},
    {"removing and lapsed", removing_and_lapsed},
    {"removing a complete job", removing_complete},
    {"gone", gone},
};

/* --- the steps --- */

static int32_t claim(fixture *f, uint32_t attempts_max) {
  int64_t wait_us = 0;
  return fhx__store_claim_task(fixture_store(f), JOB_A, "another", LEASE_US, attempts_max, &f->task,
                               &wait_us, NULL);
}

static int32_t claim_usually(fixture *f, const place *at) {
  (void)at;
  return claim(f, ATTEMPTS_MAX);
}

static int32_t claim_once(fixture *f, const place *at) {
  (void)at;
  return claim(f, 1);
}

static int32_t create(fixture *f, const place *at) {
  (void)at;
  return step_create(f, JOB_A);
}

static int32_t renew(fixture *f, const place *at) {
  return step_renew(f, JOB_A, at->task_index, at->fence, at->seq);
}

static int32_t renew_otherwise(fixture *f, const place *at) {
  return step_renew(f, JOB_A, at->task_index, at->fence + 1, at->seq);
}

static int32_t plan(fixture *f, const place *at) {
  (void)at;
  return step_plan(f, JOB_A, 1, PLANNED);
}

static int32_t plan_nothing(fixture *f, const place *at) {
  (void)at;
  return step_plan(f, JOB_A, 1, 0);
}

static int32_t plan_otherwise(fixture *f, const place *at) {
  (void)at;
  return step_plan(f, JOB_A, 2, PLANNED);
}

static int32_t record(fixture *f, const place *at, uint64_t more_fence, uint64_t more_seq,
                      uint32_t is_done) {
  return step_advance(f, JOB_A, at->task_index, at->fence + more_fence, at->seq + more_seq, "token",
                      is_done);
}

static int32_t checkpoint(fixture *f, const place *at) {
  return record(f, at, 0, 0, 0);
}

static int32_t checkpoint_done(fixture *f, const place *at) {
  return record(f, at, 0, 0, 1);
}

static int32_t checkpoint_of_another(fixture *f, const place *at) {
  return record(f, at, 1, 0, 1);
}

static int32_t checkpoint_of_another_number(fixture *f, const place *at) {
  return record(f, at, 0, 1, 1);
}

static int32_t release(fixture *f, const place *at, uint64_t more_fence, uint32_t how,
                       uint32_t attempts_max) {
  return fhx__store_release_task(fixture_store(f), JOB_A, at->task_index, at->fence + more_fence,
                                 how, attempts_max, FHX_ERR_SOURCE, "the source is gone", NULL);
}

static int32_t park(fixture *f, const place *at) {
  return release(f, at, 0, FHX_RELEASE_PARKED, ATTEMPTS_MAX);
}

static int32_t retry(fixture *f, const place *at) {
  return release(f, at, 0, FHX_RELEASE_RETRY, ATTEMPTS_MAX);
}

static int32_t retry_no_more(fixture *f, const place *at) {
  return release(f, at, 0, FHX_RELEASE_RETRY, 1);
}

static int32_t fail_it(fixture *f, const place *at) {
  return release(f, at, 0, FHX_RELEASE_FAIL, ATTEMPTS_MAX);
}

static int32_t fail_of_another(fixture *f, const place *at) {
  return release(f, at, 1, FHX_RELEASE_FAIL, ATTEMPTS_MAX);
}

static int32_t remove_it(fixture *f, const place *at) {
  (void)at;
  return step_remove(f, JOB_A);
}

static int32_t clean(fixture *f, const place *at) {
  (void)at;
  return step_clean(f, JOB_A);
}

static int32_t look_for_cleanup(fixture *f, int64_t keep_us) {
  char job_id[FHX__JOB_ID_LEN + 1];
  return fhx__store_next_cleanup(fixture_store(f), keep_us, NULL, job_id, NULL);
}

static int32_t keep(fixture *f, const place *at) {
  (void)at;
  return look_for_cleanup(f, INT64_C(1000) * LEASE_US);
}

static int32_t expire(fixture *f, const place *at) {
  (void)at;
  f->now_us += 2;
  return look_for_cleanup(f, 0);
}

static int32_t page(fixture *f, const place *at) {
  (void)at;
  return step_add_page(f, JOB_A, 1, 9);
}

static int32_t hold(fixture *f, const place *at) {
  (void)at;
  return fhx__store_hold_job(fixture_store(f), JOB_A, LEASE_US, NULL);
}

static int32_t add_members(fixture *f, const place *at, uint64_t more_fence) {
  static const char *const texts[] = {"p1"};
  const fhx_members members = {
      JOB_A, at->task_index, FHX_MEMBERS_WANTED, at->fence + more_fence, texts, 1};
  return step_add_members(f, &members);
}

static int32_t add(fixture *f, const place *at) {
  return add_members(f, at, 0);
}

static int32_t add_of_another(fixture *f, const place *at) {
  return add_members(f, at, 1);
}

static const struct {
  const char *name;
  int32_t (*take)(fixture *f, const place *at);
  /* Nothing at all may change by it, in any state. */
  bool is_void;
  /* It is taken in a running job alone; with is_void never. */
  bool needs_running;
} steps[] = {
    {"create_job", create, false, false},
    {"claim_task", claim_usually, false, true},
    {"claim_task, attempts used up", claim_once, false, true},
    {"renew_task", renew, false, true},
    {"renew_task, another fence", renew_otherwise, true, true},
    {"plan_tasks", plan, false, true},
    {"plan_tasks, no tasks", plan_nothing, false, true},
    {"plan_tasks, another fence", plan_otherwise, true, true},
    {"record_checkpoint", checkpoint, false, true},
    {"record_checkpoint, done", checkpoint_done, false, true},
    {"record_checkpoint, another fence", checkpoint_of_another, true, true},
    {"record_checkpoint, another number", checkpoint_of_another_number, true, true},
    {"release_task, parked", park, false, false},
    {"release_task, retry", retry, false, false},
    {"release_task, retry, attempts used up", retry_no_more, false, false},
    {"release_task, fail", fail_it, false, false},
    {"release_task, another fence", fail_of_another, true, true},
    {"remove_job", remove_it, false, false},
    {"clean_job", clean, false, false},
    {"next_cleanup", keep, true, false},
    {"next_cleanup, kept long enough", expire, false, false},
    {"add_page", page, false, false},
    {"hold_job", hold, false, false},
    {"add_members", add, false, true},
    {"add_members, another fence", add_of_another, true, true},
};

/* --- what is seen --- */

static const char *job_state(fixture *f) {
  if (step_read_job(f, JOB_A) == FHX_ERR_NOT_FOUND) return "none";
  switch (f->job.record.state) {
    case FHX_JOB_RUNNING:
      return "running";
    case FHX_JOB_COMPLETE:
      return "complete";
    case FHX_JOB_FAILED:
      return f->job.record.cleanup_due != 0 ? "failed" : "failed, cleaned";
    default:
      return "removing";
  }
}

/* Whether the task's current attempt holds a lease that has not lapsed. */
static bool is_alive(fixture *f, uint32_t task_index, uint64_t fence) {
  const uint32_t count = step_list_attempts(f, JOB_A, task_index, fence - 1, 1);
  const fhx__attempt *attempt = count == 0 ? NULL : fixture_attempt_at(f, 0);
  return attempt != NULL && attempt->task_index == task_index && attempt->fence == fence &&
         attempt->alive;
}

static const char *task_state(fixture *f, const place *at) {
  if (step_read_task(f, JOB_A, at->task_index) == FHX_ERR_NOT_FOUND) return "none";
  const uint64_t fence = f->task.record.fence;
  switch (f->task.record.state) {
    case FHX_TASK_WAITING:
      return "waiting";
    case FHX_TASK_DONE:
      return "done";
    default:
      return is_alive(f, at->task_index, fence) ? "running" : "lapsed";
  }
}

/* Empty for a job that is not there. */
static void photograph(fixture *f, fhx__buffer *out) {
  out->len = 0;
  if (step_read_job(f, JOB_A) == FHX_OK) fixture_photograph(f, JOB_A, out);
}

typedef struct seen {
  store_transition jobs[TRANSITIONS_MAX];
  store_transition tasks[TRANSITIONS_MAX];
  size_t job_count;
  size_t task_count;
} seen;

static bool is_among(const store_transition *one, const store_transition *list, size_t count) {
  for (size_t i = 0; i < count; i++) {
    if (strcmp(one->from, list[i].from) == 0 && strcmp(one->step, list[i].step) == 0 &&
        strcmp(one->to, list[i].to) == 0) {
      return true;
    }
  }
  return false;
}

static void note(store_transition *list, size_t *count, const char *from, const char *step,
                 const char *to) {
  const store_transition one = {from, step, to};
  if (strcmp(from, to) == 0 || is_among(&one, list, *count)) return;
  assert_in_range(*count, 0, TRANSITIONS_MAX - 1);
  list[(*count)++] = one;
}

/* The step's name as the table has it, where it depends on the situation. */
static const char *step_name(size_t situation_number, size_t step_number, const place *at) {
  const char *name = steps[step_number].name;
  if (situations[situation_number].make == cannot_go_on && strncmp(name, "claim_task", 10) == 0) {
    return "claim_task, parts on a page and no token";
  }
  /* Before the plan, task 0 is the last one. */
  const bool is_last = at->task_index == PLANNED || at->task_index == 0;
  if (is_last && strcmp(name, "record_checkpoint, done") == 0) {
    return "record_checkpoint, done, last task";
  }
  return name;
}

/* So that the next one finds an empty store. */
static void clear(fixture *f) {
  f->now_us += LEASE_US;
  if (step_read_job(f, JOB_A) != FHX_OK) return;
  assert_int_equal(step_remove(f, JOB_A), FHX_OK);
  while (step_clean(f, JOB_A) == FHX_WAIT) f->now_us += f->wait_us;
  assert_int_equal(step_read_job(f, JOB_A), FHX_ERR_NOT_FOUND);
}

static void try_step(fixture *f, size_t situation_number, size_t step_number, seen *all) {
  fhx__buffer before = {0}, after = {0};
  place at = {0, 0, 0};
  situations[situation_number].make(f, &at);
  const char *job_before = job_state(f), *task_before = task_state(f, &at);
  photograph(f, &before);
  const int32_t status = steps[step_number].take(f, &at);
  const char *job_after = job_state(f), *task_after = task_state(f, &at);
  photograph(f, &after);
  const bool is_same = before.len == after.len &&
                       (before.len == 0 || memcmp(before.data, after.data, before.len) == 0);
  const bool is_quiet = strcmp(job_before, job_after) == 0 && strcmp(task_before, task_after) == 0;
  const bool is_wrong = steps[step_number].needs_running &&
                        (steps[step_number].is_void || strcmp(job_before, "running") != 0);
  const bool is_refused = status < 0 || status == FHX_WAIT || is_wrong;
  if (is_wrong && status == FHX_OK) {
    print_error("%s: %s: was taken\n", situations[situation_number].name, steps[step_number].name);
    fail();
  }
  if ((is_refused || steps[step_number].is_void) && !(is_same && is_quiet)) {
    print_error("%s: %s: not taken (%d), and something has changed\n",
                situations[situation_number].name, steps[step_number].name, (int)status);
    fail();
  }
  const char *name = step_name(situation_number, step_number, &at);
  note(all->jobs, &all->job_count, job_before, name, job_after);
  note(all->tasks, &all->task_count, task_before, name, task_after);
  fhx__buffer_free(&before);
  fhx__buffer_free(&after);
  clear(f);
}

static int compare(const char *what, const char *missing, const store_transition *list,
                   size_t count, const store_transition *in, size_t in_count) {
  int faults = 0;
  for (size_t i = 0; i < count; i++) {
    if (is_among(&list[i], in, in_count)) continue;
    print_error("%s {\"%s\", \"%s\", \"%s\"} %s\n", what, list[i].from, list[i].step, list[i].to,
                missing);
    faults++;
  }
  return faults;
}

static void every_step_in_every_state(void **state) {
  fixture *f = *state;
  static seen all;
  memset(&all, 0, sizeof all);
  for (size_t i = 0; i < COUNT(situations); i++) {
    for (size_t j = 0; j < COUNT(steps); j++) try_step(f, i, j, &all);
  }
  static const char was[] = "was made, and is not in the table";
  static const char was_not[] = "is in the table, and was not made";
  const int faults =
      compare("a job's", was, all.jobs, all.job_count, job_transitions, COUNT(job_transitions)) +
      compare("a job's", was_not, job_transitions, COUNT(job_transitions), all.jobs,
              all.job_count) +
      compare("a task's", was, all.tasks, all.task_count, task_transitions,
              COUNT(task_transitions)) +
      compare("a task's", was_not, task_transitions, COUNT(task_transitions), all.tasks,
              all.task_count);
  assert_int_equal(faults, 0);
}

int store_conformance_run_transitions(const store_conformance *subject) {
  store_conformance initial = *subject;
  const struct CMUnitTest tests[] = {
      FIXTURE_TEST(every_step_in_every_state),
  };
  /* Restarts change no condition, and there would be thousands of them. */
  if (subject->remake != NULL) return 0;
  return cmocka_run_group_tests_name(subject->name, tests, NULL, NULL);
}
