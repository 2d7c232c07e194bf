/*
 * A Group export that is taken over, tried again or parked at each of its calls, while the Group
 * becomes another one: who is exported is decided by one attempt alone, once, and an attempt that
 * has lost its task changes nothing (FILTER-30, FILTER-36, lessons 2 and 7).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
/* cmocka.h needs those above. */
#include <cmocka.h>
#include <fhirexport/fhirexport.h>

#include "faulty_store.h"
#include "support/require.h"
#include "support/small_source.h"

#define LEASE_US INT64_C(2000)
#define OLD_US INT64_C(1577836800000000) /* 2020 */

#define MEMBER(reference) "{\"entity\":{\"reference\":\"" reference "\"}}"
#define GROUP(id, members)                                                                        \
  {                                                                                               \
    "Group", id, "", OLD_US,                                                                      \
        "{\"resourceType\":\"Group\",\"id\":\"" id "\",\"actual\":true,\"member\":[" members "]}" \
  }
#define PATIENT(id) \
  { "Patient", "p" id, "p" id, OLD_US, "{\"resourceType\":\"Patient\",\"id\":\"p" id "\"}" }
#define OBSERVATION(id)                                       \
  {                                                           \
    "Observation", "o" id, "p" id, OLD_US,                    \
        "{\"resourceType\":\"Observation\",\"id\":\"o" id     \
        "\",\"subject\":{\"reference\":\"Patient/p" id "\"}}" \
  }
#define PRACTITIONER(id) \
  { "Practitioner", id, "", OLD_US, "{\"resourceType\":\"Practitioner\",\"id\":\"" id "\"}" }
#define OTHERS                                                                                  \
  OBSERVATION("1"), OBSERVATION("2"), OBSERVATION("3"), OBSERVATION("4"), OBSERVATION("5"),     \
      PATIENT("1"), PATIENT("2"), PATIENT("3"), PATIENT("4"), PATIENT("5"), PRACTITIONER("d1"), \
      PRACTITIONER("d2")

/* Before and after: nothing but p2 is in both. */
static const test_small_row rows_before[] = {
    GROUP("g", MEMBER("Group/g2") "," MEMBER("Patient/p1") "," MEMBER("Patient/gone-a") "," MEMBER(
                   "Practitioner/d1")),
    GROUP("g2", MEMBER("Patient/p2") "," MEMBER("Patient/p3")), OTHERS};
static const test_small_row rows_after[] = {
    GROUP("g", MEMBER("Group/g2") "," MEMBER("Patient/p4") "," MEMBER("Practitioner/d2")),
    GROUP("g2", MEMBER("Patient/gone-b") "," MEMBER("Patient/gone-c") "," MEMBER(
                    "Patient/p2") "," MEMBER("Patient/p5")),
    OTHERS};
#define ROWS (sizeof rows_before / sizeof rows_before[0])
#define OUTPUT_BEFORE \
  "Observation/o1 Observation/o2 Observation/o3 Patient/p1 Patient/p2 Patient/p3 Practitioner/d1"
#define OUTPUT_AFTER \
  "Observation/o2 Observation/o4 Observation/o5 Patient/p2 Patient/p4 Patient/p5 Practitioner/d2"

static const char *const g_before[] = {"Group/g2", "Patient/gone-a", "Patient/p1",
                                       "Practitioner/d1"};
static const char *const g2_before[] = {"Patient/p2", "Patient/p3"};
static const char *const g_after[] = {"Group/g2", "Patient/p4", "Practitioner/d2"};
static const char *const g2_after[] = {"Patient/gone-b", "Patient/gone-c", "Patient/p2",
                                       "Patient/p5"};
static const test_small_group groups_before[] = {{"g", g_before, 4}, {"g2", g2_before, 2}};
static const test_small_group groups_after[] = {{"g", g_after, 3}, {"g2", g2_after, 4}};

/* By a cursor over Groups, by read_resource, by group_members. */
#define WAYS 3

/* --- a job and what happens to it --- */

typedef enum happening {
  /* Another worker takes the task over, and runs one task, or all. */
  RIVAL_RUNS_ONE,
  RIVAL_RUNS_ALL,
  /* The source's call fails, and the task is tried again. */
  CALL_FAILS,
  PARKED
} happening;

typedef struct stage {
  test_small_source small;
  test_small_job of;
  faulty_store *faulty;
  happening what;
  /* Of the calls of the source and the store, counted from the start of the job. */
  uint64_t at;
  uint64_t calls;
  bool armed;
  /* What had happened when it happened. */
  bool happened;
  bool was_planned;
} stage;

static void change_group(test_small_source *small) {
  small->rows = rows_after;
  small->groups = groups_after;
}

static bool is_planned(fhx_job *job) {
  fhx_progress *progress = NULL;
  if (fhx_job_progress_new(job, &progress, NULL) != FHX_OK) {
    test_violation("the progress cannot be read");
  }
  bool planned = progress != NULL && fhx_progress_task_count(progress) > 1;
  fhx_progress_free(progress);
  return planned;
}

static void send_rival(stage *on) {
  fhx_job *job = NULL;
  nanosleep(&(struct timespec){0, 2 * LEASE_US * 1000}, NULL);
  if (fhx_job_attach(&on->of.options, fhx_job_id(on->of.job), &job, NULL) != FHX_OK) {
    test_violation("a job cannot be attached to");
    return;
  }
  int32_t status =
      on->what == RIVAL_RUNS_ALL ? fhx_job_run(job, NULL) : fhx_job_run_task(job, NULL);
  if (status != FHX_OK && status != FHX_END) test_violation("the rival did not do its work");
  fhx_job_free(job);
}

/* Whether the call has come at which it happens. */
static bool happens(stage *on) {
  if (!on->armed || ++on->calls != on->at) return false;
  on->armed = false;
  on->happened = true;
  on->was_planned = is_planned(on->of.job);
  if (on->what == PARKED) {
    fhx_job_park(on->of.job);
  } else {
    change_group(&on->small);
  }
  if (on->what == RIVAL_RUNS_ONE || on->what == RIVAL_RUNS_ALL) send_rival(on);
  return true;
}

static bool in_source(void *context, test_small_call call, uint64_t number, fhx_reply *reply) {
  stage *on = context;
  (void)call;
  (void)number;
  if (!happens(on) || on->what != CALL_FAILS) return false;
  fhx_reply_fail(reply, FHX_ERR_SOURCE, 1, "the source is away");
  return true;
}

static void in_store(void *context, faulty_step step, uint64_t number) {
  stage *on = context;
  (void)step;
  (void)number;
  /* No call of the source fails here. */
  if (on->what != CALL_FAILS) happens(on);
}

static void set_stage(stage *on, int way, happening what, uint64_t at, uint32_t attempts_max) {
  const faulty_knobs knobs = {
      .step = FAULTY_STEPS, .fault_at = UINT64_MAX, .hook = in_store, .hook_context = on};
  memset(on, 0, sizeof *on);
  on->what = what;
  on->at = at;
  on->small.rows = rows_before;
  on->small.row_count = ROWS;
  on->small.reads = way == 1;
  on->small.lists_members = way == 2;
  on->small.groups = groups_before;
  on->small.group_count = 2;
  on->small.hook = in_source;
  on->small.hook_context = on;
  test_small_prepare(&on->of, &on->small);
  on->faulty = faulty_store_new(&knobs, &on->of.options.store);
  on->of.options.lease_us = LEASE_US;
  on->of.options.attempts_max = attempts_max;
  test_small_start(&on->of, test_small_group_filter());
  test_require_status(on->of.status, FHX_OK);
  on->armed = true;
}

static void check_complete(stage *on, bool before) {
  bool found = false;
  on->armed = false;
  test_small_check(&on->of, before ? OUTPUT_BEFORE : OUTPUT_AFTER);
  const char *line = before ? "Patient/gone-a is a member" : "Patient/gone-c is a member";
  test_require(test_small_lines(&on->of, line, &found) == (before ? 1 : 2) && found);
}

static void end_stage(stage *on) {
  fhx_store *store = on->of.options.store;
  on->armed = false;
  test_small_end(&on->of);
  fhx_store_free(store);
  faulty_store_end(on->faulty);
}

/* At each call in turn, until there is none so late. */
static void at_every_call(happening what) {
  for (int way = 0; way < WAYS; way++) {
    uint64_t happened = 0, planned = 0;
    for (uint64_t at = 1;; at += test_is_quick() ? 5 : 1) {
      stage on;
      test_scenario("way %d, what %d, call %d", way, (int)what, (int)at);
      set_stage(&on, way, what, at, 3);
      test_small_run(&on.of);
      check_complete(&on, !on.happened || on.was_planned);
      happened += on.happened ? 1 : 0;
      planned += on.was_planned ? 1 : 0;
      bool over = !on.happened;
      end_stage(&on);
      if (over) break;
    }
    test_require(planned > 2 && happened > planned + 2);
  }
}

/* --- tests --- */

/* The first worker goes on with what it knows, and is refused. */
static void taken_over(void **state) {
  (void)state;
  at_every_call(RIVAL_RUNS_ONE);
  at_every_call(RIVAL_RUNS_ALL);
}

/* The second attempt at the plan begins without what the first has stored. */
static void tried_again(void **state) {
  (void)state;
  at_every_call(CALL_FAILS);
}

/* Each object that runs the job gets two calls further than the one before it, so that it is parked
   in every phase; and no attempt counts. One call further would not do: the finish phase looks at
   the attempts before it, one by one, and each park is one more. */
static void parked_again_and_again(void **state) {
  (void)state;
  for (int way = 0; way < WAYS; way++) {
    stage on;
    uint64_t planned = 0, unplanned = 0;
    test_scenario("way %d", way);
    set_stage(&on, way, PARKED, 1, 1);
    for (;;) {
      test_small_run(&on.of);
      if (on.of.status != FHX_WAIT) break;
      test_require(on.happened);
      planned += on.was_planned ? 1 : 0;
      unplanned += on.was_planned ? 0 : 1;
      fhx_job *parked = on.of.job;
      test_require_status(fhx_job_attach(&on.of.options, fhx_job_id(parked), &on.of.job, NULL),
                          FHX_OK);
      fhx_job_free(parked);
      /* The plan took many calls: what follows is parked from its first call on too. */
      on.at = on.was_planned && planned == 1 ? 1 : on.at + 2;
      on.calls = 0;
      on.armed = true;
    }
    check_complete(&on, true);
    test_require(planned > 2 && unplanned > 2);
    end_stage(&on);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(taken_over),
      cmocka_unit_test(tried_again),
      cmocka_unit_test(parked_again_and_again),
  };
  return cmocka_run_group_tests_name("a Group job that changes hands", tests, NULL, NULL);
}
