/*
 * The job's protocol under odd numbers, slow destinations and bad moments: each test is a sequence
 * that once went wrong, or that must not (lessons 2, 7, 13, 18, 19).
 */
#include <pthread.h>
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

#include <fhirexport/manifest.h>

#include "core/clock.h"
#include "faulty_store.h"
#include "job/output.h"
#include "support/memory_destination.h"
#include "support/require.h"
#include "support/runner.h"

/* --- a source that a test writes for itself --- */

typedef struct script script;

typedef struct place {
  script *of;
  char type[FHX__TYPE_MAX + 1];
  uint64_t number;
  char row[160];
  char token[32];
} place;

struct script {
  /* Ends with NULL. */
  const char *const *types;
  /* How many resources each type has. */
  uint64_t count;
  uint32_t applied;
  bool tokens;
  /* Answers instead of the next row when it returns true; optional. */
  bool (*next)(place *at, fhx_reply *reply);
  /* Optional callbacks. */
  void (*estimate)(script *of, fhx_reply *reply);
  void (*ready)(script *of, fhx_reply *reply);
  atomic_int calls;
  _Atomic(fhx_job *) job;
};

static void open_cursor(void *user_data, const fhx_query *query, fhx_reply *reply) {
  script *of = user_data;
  size_t len = 0;
  const char *token = fhx_query_token(query, &len);
  place *at = calloc(1, sizeof *at);
  if (at == NULL) abort();
  at->of = of;
  snprintf(at->type, sizeof at->type, "%s", fhx_query_resource_type(query));
  if (token != NULL) at->number = strtoull(token, NULL, 10);
  fhx_reply_handle(reply, at, FHX_APPLIED_TYPE | of->applied);
}

static void next_rows(void *user_data, void *cursor, uint64_t want_bytes, fhx_reply *reply) {
  script *of = user_data;
  place *at = cursor;
  (void)want_bytes;
  if (of->next != NULL && of->next(at, reply)) return;
  if (at->number == of->count) {
    fhx_reply_end(reply);
    return;
  }
  int len = snprintf(at->row, sizeof at->row, "{\"resourceType\":\"%s\",\"id\":\"r%06llu\"}",
                     at->type, (unsigned long long)++at->number);
  int token_len = snprintf(at->token, sizeof at->token, "%llu", (unsigned long long)at->number);
  fhx_reply_rows(reply, at->row, (size_t)len, 1, NULL, NULL, of->tokens ? at->token : NULL,
                 of->tokens ? (size_t)token_len + 1 : 0);
}

static void close_cursor(void *user_data, void *cursor) {
  (void)user_data;
  free(cursor);
}

static void list_types(void *user_data, fhx_reply *reply) {
  const script *of = user_data;
  for (const char *const *type = of->types; *type != NULL; type++) {
    fhx_reply_item(reply, *type, strlen(*type));
  }
  fhx_reply_done(reply);
}

static void count_estimate(void *user_data, const fhx_query *query, fhx_reply *reply) {
  script *of = user_data;
  (void)query;
  of->estimate(of, reply);
}

static void snapshot_ready(void *user_data, int64_t as_of_us, fhx_reply *reply) {
  script *of = user_data;
  (void)as_of_us;
  of->ready(of, reply);
}

static const char *const two_types[] = {"Account", "Basic", NULL};

/* --- a job over it --- */

typedef struct stage {
  script source;
  test_destination_knobs knobs;
  test_destination *destination;
  faulty_knobs faults;
  faulty_store *store;
  fhx_job_options options;
  fhx_job *job;
} stage;

static void prepare(stage *of) {
  memset(of, 0, sizeof *of);
  FHX_INIT(&of->options);
  of->source.types = two_types;
  of->source.count = 3;
  of->options.settle_us = -1;
  of->faults.fault_at = UINT64_MAX;
  of->faults.fault_times = 1;
  test_scenario("%s", "of its own");
}

static void start(stage *of) {
  fhx_source_callbacks callbacks;
  FHX_INIT(&callbacks);
  callbacks.open_cursor = open_cursor;
  callbacks.next_rows = next_rows;
  callbacks.close_cursor = close_cursor;
  callbacks.list_types = list_types;
  if (of->source.estimate != NULL) callbacks.count_estimate = count_estimate;
  if (of->source.ready != NULL) callbacks.snapshot_ready = snapshot_ready;
  test_require_status(fhx_source_new(&callbacks, &of->source, &of->options.source, NULL), FHX_OK);
  of->store = faulty_store_new(&of->faults, &of->options.store);
  of->destination = test_destination_new(&of->knobs, &of->options.destination);
  test_require_status(fhx_job_start(&of->options, &of->job, NULL), FHX_OK);
  atomic_store(&of->source.job, of->job);
}

static void end(stage *of) {
  fhx_job_free(of->job);
  fhx_source_free(of->options.source);
  fhx_store_free(of->options.store);
  fhx_destination_free(of->options.destination);
  test_destination_end(of->destination);
  faulty_store_end(of->store);
  test_require_sound();
}

static void expect_run(stage *of, uint32_t threads, int32_t expected) {
  char message[TEST_MESSAGE_MAX];
  int32_t status = test_run_job(of->job, threads, threads > 1, message);
  if (status != expected) print_error("%s\n", message);
  test_require_status(status, expected);
}

/* Another object for the same job, instead of the one that was parked. */
static int32_t attach_again(stage *of) {
  char job_id[FHX__JOB_ID_LEN + 1];
  snprintf(job_id, sizeof job_id, "%s", fhx_job_id(of->job));
  fhx_job_free(of->job);
  of->job = NULL;
  int32_t status = fhx_job_attach(&of->options, job_id, &of->job, NULL);
  atomic_store(&of->source.job, of->job);
  return status;
}

static uint64_t removals(const stage *of) {
  return test_destination_calls(of->destination, TEST_DESTINATION_REMOVE);
}

/* --- numbers of a host --- */

static void all_ones(script *of, fhx_reply *reply) {
  (void)of;
  /* What becomes of a host's -1 for "unknown". */
  fhx_reply_estimate(reply, UINT64_MAX, UINT64_MAX);
}

static void half_of_all(script *of, fhx_reply *reply) {
  (void)of;
  fhx_reply_estimate(reply, INT64_MAX, 0);
}

/* However many resources a source expects, the job can be planned and its progress be read. */
static void test_huge_estimates(void **state) {
  (void)state;
  void (*const estimates[])(script *, fhx_reply *) = {all_ones, half_of_all};
  for (size_t i = 0; i < 2; i++) {
    stage of;
    fhx_progress *progress = NULL;
    prepare(&of);
    of.source.estimate = estimates[i];
    start(&of);
    test_scenario("estimate %zu", i);
    test_require_status(fhx_job_run_task(of.job, NULL), FHX_OK);
    test_require_status(fhx_job_progress_new(of.job, &progress, NULL), FHX_OK);
    test_require(fhx_progress_task_count(progress) == 4);
    test_require(fhx_progress_share(progress) <= 0.25);
    fhx_progress_free(progress);
    expect_run(&of, 1, FHX_OK);
    end(&of);
  }
}

/* "No limit" in all limits survives a restart. */
static void test_largest_limits(void **state) {
  (void)state;
  stage of;
  prepare(&of);
  of.options.part_bytes = UINT64_MAX;
  of.options.part_count = UINT64_MAX;
  of.options.resource_bytes_max = UINT64_MAX;
  of.options.attempts_max = UINT32_MAX;
  of.options.stall_us = INT64_MAX;
  start(&of);
  test_require_status(attach_again(&of), FHX_OK);
  expect_run(&of, 1, FHX_OK);
  test_require(test_destination_objects(of.destination).count == 2);
  end(&of);
}

static void test_too_many_shards(void **state) {
  (void)state;
  stage of;
  fhx_job *job = NULL;
  prepare(&of);
  of.options.shards_max = 10000;
  start(&of);
  of.options.shards_max++;
  test_require_status(fhx_job_start(&of.options, &job, NULL), FHX_ERR_ARGUMENT);
  test_require(job == NULL);
  end(&of);
}

/* To settle is not to stall, whichever of the two takes longer. */
static void test_settle_longer_than_stall(void **state) {
  (void)state;
  stage of;
  prepare(&of);
  of.options.settle_us = 1200000;
  of.options.stall_us = 100000;
  of.options.attempts_max = 1;
  start(&of);
  expect_run(&of, 1, FHX_OK);
  end(&of);
}

/* --- beginning again --- */

/* An attempt at the first task of a planned job. */
static fhx__work claim(fhx_job *job, fhx__task_entry *entry) {
  fhx__work work;
  int64_t wait_us = 0;
  memset(entry, 0, sizeof *entry);
  test_require_status(fhx_job_run_task(job, NULL), FHX_OK);
  test_require_status(
      fhx__step_claim(job->store, fhx_job_id(job), job->lease_us, 5, entry, &wait_us, NULL),
      FHX_OK);
  memset(&work, 0, sizeof work);
  work.job = job;
  work.task = &entry->record;
  work.renewed_us = fhx__clock_monotonic_us();
  work.moved_us = work.renewed_us;
  return work;
}

/* A place that has not moved is not recorded: each checkpoint allows new attempts, and a task that
   comes no further would have them for ever. */
static void test_place_that_has_not_moved(void **state) {
  (void)state;
  stage of;
  fhx__task_entry entry;
  fhx__output out;
  prepare(&of);
  start(&of);
  fhx__work work = claim(of.job, &entry);
  test_require(fhx__output_init(&out, &work));
  out.recorded_us -= INT64_C(3600000000);
  test_require(!fhx__output_place_is_due(&out));
  test_require(fhx__output_set_token(&out, "1", 1) && fhx__output_place_is_due(&out));
  test_require(fhx__output_checkpoint(&out, false));
  test_require(fhx__output_set_token(&out, "2", 1) && !fhx__output_place_is_due(&out));
  test_require(fhx__output_checkpoint(&out, false));
  out.recorded_us -= INT64_C(3600000000);
  test_require(fhx__output_set_token(&out, "2", 1) && !fhx__output_place_is_due(&out));
  test_require(fhx__output_set_token(&out, "3", 1) && fhx__output_place_is_due(&out));
  test_require(fhx__output_set_token(&out, "2", 1) && fhx__output_place_is_due(&out));
  test_require(fhx__output_set_token(&out, NULL, 0) && !fhx__output_place_is_due(&out));
  fhx__output_free(&out, true);
  fhx__task_entry_free(&entry);
  end(&of);
}

/* The recorded place is all that a new attempt takes over: without one there is no last id. */
static void test_last_id_without_token(void **state) {
  (void)state;
  stage of;
  fhx__task_entry entry;
  prepare(&of);
  of.source.applied = FHX_PROMISE_ASCENDING_IDS;
  start(&of);
  fhx__work work = claim(of.job, &entry);
  entry.record.last_id = "r000002";
  fhx__work_main(&work);
  test_require(work.end == FHX__WORK_DONE);
  fhx_error_free(work.error);
  fhx__task_entry_free(&entry);
  expect_run(&of, 1, FHX_OK);
  end(&of);
}

#define BAD_ROWS 1300

/* Every second row is bad, and the connection breaks on the way. */
static bool every_second_is_bad(place *at, fhx_reply *reply) {
  if (at->number == BAD_ROWS && atomic_fetch_add(&at->of->calls, 1) == 0) {
    fhx_reply_fail(reply, FHX_ERR_IO, 1, "the connection broke");
    return true;
  }
  if (at->number % 2 == 0 || at->number >= at->of->count) return false;
  int len = snprintf(at->token, sizeof at->token, "%llu", (unsigned long long)++at->number);
  fhx_reply_rows(reply, "{}", 2, 1, NULL, NULL, at->token, (size_t)len + 1);
  return true;
}

static uint64_t error_lines(stage *of) {
  uint64_t after = 0, lines = 0;
  fhx_part_page *page = NULL;
  while (fhx_job_parts_new(of->job, &after, 1000, &page, NULL) == FHX_OK) {
    for (uint32_t i = 0; i < fhx_part_page_count(page); i++) {
      const fhx_part *part = fhx_part_page_part(page, i);
      if (fhx_part_kind(part) == FHX_PART_ERROR) lines += fhx_part_resource_count(part);
    }
    fhx_part_page_free(page);
  }
  return lines;
}

/* The lines of a task are counted over all its attempts, and none is there twice. */
static void test_error_lines_of_two_attempts(void **state) {
  (void)state;
  static const char *const one_type[] = {"Account", NULL};
  stage of;
  fhx_progress *progress = NULL;
  prepare(&of);
  of.source.types = one_type;
  of.source.count = 2 * BAD_ROWS;
  of.source.tokens = true;
  of.source.next = every_second_is_bad;
  of.options.part_count = 100;
  start(&of);
  expect_run(&of, 1, FHX_OK);
  test_require(atomic_load(&of.source.calls) == 2);
  test_require(error_lines(&of) == FHX__ERROR_LINES_MAX + 1);
  test_require_status(fhx_job_progress_new(of.job, &progress, NULL), FHX_OK);
  test_require(fhx_progress_error_count(progress) == BAD_ROWS);
  test_require(fhx_progress_resource_count(progress) == BAD_ROWS);
  fhx_progress_free(progress);
  end(&of);
}

/* --- objects that are left over --- */

#define LEFT_OVER 40

static bool fail_once_at_the_end(place *at, fhx_reply *reply) {
  if (at->number < LEFT_OVER || atomic_fetch_add(&at->of->calls, 1) != 0) return false;
  fhx_reply_fail(reply, FHX_ERR_IO, 1, "the connection broke");
  return true;
}

static void remove_slowly(void *context, test_destination_call call, uint64_t number) {
  (void)context;
  (void)number;
  if (call == TEST_DESTINATION_REMOVE) fhx__clock_sleep_us(50000);
}

/* A finish task that removes for longer than its lease keeps it, though others wait for it. */
static void test_sweep_keeps_its_lease(void **state) {
  (void)state;
  static const char *const one_type[] = {"Account", NULL};
  stage of;
  prepare(&of);
  of.source.types = one_type;
  of.source.count = LEFT_OVER;
  of.source.next = fail_once_at_the_end;
  of.knobs.hook = remove_slowly;
  of.options.part_count = 1;
  of.options.lease_us = 800000;
  of.options.attempts_max = 2;
  start(&of);
  expect_run(&of, 2, FHX_OK);
  test_require(test_destination_objects(of.destination).count == LEFT_OVER);
  end(&of);
}

/* Two workers in the finish phase: the first one is frozen before it looks for left-over objects.
 */
typedef struct frozen {
  stage *of;
  fhx_job *other;
  pthread_t thread;
  pthread_t first;
  atomic_bool started;
  atomic_bool committed;
  atomic_bool looked;
  int32_t status;
} frozen;

static void wait_for(atomic_bool *flag) {
  for (int i = 0; i < 20000 && !atomic_load(flag); i++) fhx__clock_sleep_us(1000);
}

static void *run_the_other(void *context) {
  frozen *scene = context;
  scene->status = fhx_job_run(scene->other, NULL);
  return NULL;
}

static void freeze(void *context, faulty_step step, uint64_t number) {
  frozen *scene = context;
  bool first = pthread_equal(scene->first, pthread_self()) != 0;
  (void)number;
  if (first && step == FAULTY_LIST_ATTEMPTS && !atomic_exchange(&scene->started, true)) {
    fhx__clock_sleep_us(scene->of->options.lease_us + 50000);
    if (fhx_job_attach(&scene->of->options, fhx_job_id(scene->of->job), &scene->other, NULL) !=
        FHX_OK) {
      test_violation("a job cannot be attached to");
    }
    pthread_create(&scene->thread, NULL, run_the_other, scene);
    wait_for(&scene->committed);
  } else if (!first && step == FAULTY_RECORD_CHECKPOINT) {
    /* The error file is there, and not yet recorded. */
    atomic_store(&scene->committed, true);
    wait_for(&scene->looked);
  } else if (first && step == FAULTY_RENEW_TASK && atomic_load(&scene->committed)) {
    atomic_store(&scene->looked, true);
  }
}

static bool one_bad_row(place *at, fhx_reply *reply) {
  if (at->number != 1) return false;
  at->number++;
  fhx_reply_rows(reply, "{}", 2, 1, NULL, NULL, NULL, 0);
  return true;
}

static void check_parts_are_there(stage *of, uint64_t expected) {
  uint64_t after = 0, found = 0;
  fhx_part_page *page = NULL;
  test_objects objects = test_destination_objects(of->destination);
  while (fhx_job_parts_new(of->job, &after, 1000, &page, NULL) == FHX_OK) {
    for (uint32_t i = 0; i < fhx_part_page_count(page); i++, found++) {
      const char *name = fhx_part_name(fhx_part_page_part(page, i));
      test_require(test_objects_find(&objects, name) != NULL);
    }
    fhx_part_page_free(page);
  }
  test_require(found == expected && objects.count == expected);
}

/* Who was frozen for longer than the lease must not sweep away what the next one has made. */
static void test_frozen_sweep(void **state) {
  (void)state;
  stage of;
  frozen scene;
  memset(&scene, 0, sizeof scene);
  prepare(&of);
  scene.of = &of;
  scene.first = pthread_self();
  of.faults.hook = freeze;
  of.faults.hook_context = &scene;
  of.source.next = one_bad_row;
  of.options.lease_us = 300000;
  start(&of);
  expect_run(&of, 1, FHX_OK);
  pthread_join(scene.thread, NULL);
  test_require_status(scene.status, FHX_OK);
  test_require(atomic_load(&scene.looked));
  fhx_job_free(scene.other);
  check_parts_are_there(&of, 3);
  end(&of);
}

/* A worker that died with the second task: its lease runs on. */
static void hold_a_task(const stage *of, int64_t lease_us) {
  fhx__task_entry entry;
  int64_t wait_us = 0;
  memset(&entry, 0, sizeof entry);
  test_require_status(fhx__store_claim_task(of->options.store, fhx_job_id(of->job),
                                            "0123456789abcdef0123456789abcdef", lease_us, 5, &entry,
                                            &wait_us, NULL),
                      FHX_OK);
  fhx__task_entry_free(&entry);
}

/* While a clean-up waits for a lease to lapse, it does not remove the same objects all the time. */
static void test_clean_up_removes_once(void **state) {
  (void)state;
  stage of;
  prepare(&of);
  of.options.part_count = 1;
  start(&of);
  test_require_status(fhx_job_run_task(of.job, NULL), FHX_OK);
  test_require_status(fhx_job_run_task(of.job, NULL), FHX_OK);
  hold_a_task(&of, 500000);
  test_require_status(fhx_job_cancel(of.job, NULL), FHX_OK);
  expect_run(&of, 1, FHX_ERR_CANCELLED);
  test_require(test_destination_objects(of.destination).count == 0);
  /* Three parts, the number behind them of each attempt, and no more. */
  test_require(removals(&of) <= 10);
  end(&of);
}

/* Whoever cancels may die before the files are gone: they do not stay for ever. */
static void test_cancelled_job_is_cleaned_after_a_restart(void **state) {
  (void)state;
  for (int complete = 0; complete < 2; complete++) {
    stage of;
    prepare(&of);
    start(&of);
    test_scenario("complete %d", complete);
    test_require_status(fhx_job_run_task(of.job, NULL), FHX_OK);
    test_require_status(fhx_job_run_task(of.job, NULL), FHX_OK);
    if (complete != 0) expect_run(&of, 1, FHX_OK);
    test_require_status(fhx_job_cancel(of.job, NULL), FHX_OK);
    test_require(test_destination_objects(of.destination).count > 0);
    test_require_status(attach_again(&of), FHX_OK);
    fhx_manifest *manifest = NULL;
    test_require_status(fhx_manifest_new(of.job, &manifest, NULL), FHX_ERR_NOT_FOUND);
    expect_run(&of, 1, FHX_ERR_CANCELLED);
    test_require(test_destination_objects(of.destination).count == 0);
    test_require_status(attach_again(&of), FHX_ERR_NOT_FOUND);
    end(&of);
  }
}

/* --- a job that is over for some --- */

/* The first type fails for good once the second one is being read, without an end. */
static bool fail_beside_another(place *at, fhx_reply *reply) {
  fhx__clock_sleep_us(1000);
  if (strcmp(at->type, two_types[0]) != 0) {
    atomic_fetch_add(&at->of->calls, 1);
    at->number = 0;
    return false;
  }
  if (atomic_load(&at->of->calls) > 20) {
    fhx_reply_fail(reply, FHX_ERR_SOURCE, 0, "the table is gone");
  } else {
    fhx_reply_wait(reply, 1000);
  }
  return true;
}

/* A task that fails for good stops its neighbours at their next batch, not with their lease. */
static void test_failure_stops_the_others(void **state) {
  (void)state;
  stage of;
  int64_t begun_us = fhx__clock_monotonic_us();
  prepare(&of);
  of.source.next = fail_beside_another;
  of.options.lease_us = INT64_C(900000000);
  start(&of);
  expect_run(&of, 2, FHX_ERR_JOB_FAILED);
  test_require(fhx__clock_monotonic_us() - begun_us < INT64_C(600000000));
  test_require(test_destination_objects(of.destination).count == 0);
  end(&of);
}

/* --- parking --- */

static void park_in_estimate(script *of, fhx_reply *reply) {
  if (atomic_fetch_add(&of->calls, 1) == 0) fhx_job_park(atomic_load(&of->job));
  fhx_reply_estimate(reply, 1, 1);
}

static void test_park_while_planning(void **state) {
  (void)state;
  stage of;
  prepare(&of);
  of.source.estimate = park_in_estimate;
  start(&of);
  expect_run(&of, 1, FHX_WAIT);
  test_require(atomic_load(&of.source.calls) == 1);
  test_require_status(attach_again(&of), FHX_OK);
  expect_run(&of, 1, FHX_OK);
  end(&of);
}

static void park_in_remove(void *context, test_destination_call call, uint64_t number) {
  script *of = context;
  if (call == TEST_DESTINATION_REMOVE && number == 2) fhx_job_park(atomic_load(&of->job));
}

/* Parked among removals, a job stops there; whoever attaches to it goes on. */
static void test_park_while_removing(void **state) {
  (void)state;
  for (int cancelled = 0; cancelled < 2; cancelled++) {
    stage of;
    prepare(&of);
    of.source.count = LEFT_OVER;
    of.source.next = fail_once_at_the_end;
    of.options.part_count = 1;
    of.knobs.hook = park_in_remove;
    of.knobs.hook_context = &of.source;
    start(&of);
    test_scenario("cancelled %d", cancelled);
    if (cancelled != 0) {
      test_require_status(fhx_job_run_task(of.job, NULL), FHX_OK);
      test_require_status(fhx_job_run_task(of.job, NULL), FHX_OK);
      test_require_status(fhx_job_cancel(of.job, NULL), FHX_OK);
    }
    expect_run(&of, 1, FHX_WAIT);
    test_require(removals(&of) == 2);
    test_require_status(attach_again(&of), FHX_OK);
    expect_run(&of, 1, cancelled != 0 ? FHX_ERR_CANCELLED : FHX_OK);
    size_t left = test_destination_objects(of.destination).count;
    test_require(left == (cancelled != 0 ? 0 : 2 * LEFT_OVER));
    end(&of);
  }
}

/* --- freeing inside callbacks --- */

typedef enum moment { IN_NEXT, IN_ESTIMATE, IN_READY, IN_COMMIT, IN_WRITE, IN_REMOVE } moment;

typedef struct last_act {
  stage *of;
  moment when;
  bool cancels;
} last_act;

static last_act act;

static void free_now(moment when) {
  fhx_job *job = atomic_load(&act.of->source.job);
  if (when != act.when || job == NULL) return;
  atomic_store(&act.of->source.job, NULL);
  if (act.cancels) fhx_job_cancel(job, NULL);
  act.of->job = NULL;
  fhx_job_free(job);
}

static bool free_in_next(place *at, fhx_reply *reply) {
  (void)reply;
  if (at->number == 2) free_now(IN_NEXT);
  return false;
}

static void free_in_estimate(script *of, fhx_reply *reply) {
  (void)of;
  free_now(IN_ESTIMATE);
  fhx_reply_estimate(reply, 1, 1);
}

static void free_in_ready(script *of, fhx_reply *reply) {
  (void)of;
  free_now(IN_READY);
  fhx_reply_wait(reply, 100);
}

static void free_in_destination(void *context, test_destination_call call, uint64_t number) {
  (void)context;
  (void)number;
  if (call == TEST_DESTINATION_COMMIT) free_now(IN_COMMIT);
  if (call == TEST_DESTINATION_WRITE) free_now(IN_WRITE);
  if (call == TEST_DESTINATION_REMOVE) free_now(IN_REMOVE);
}

/* The run that is under way ends parked, and only then the memory goes. */
static void test_free_in_callbacks(void **state) {
  (void)state;
  for (int when = IN_NEXT; when <= IN_REMOVE; when++) {
    for (int cancels = 0; cancels < 2; cancels++) {
      stage of;
      prepare(&of);
      act = (last_act){&of, (moment)when, cancels != 0};
      of.source.next = free_in_next;
      of.source.tokens = cancels == 0;
      if (when == IN_ESTIMATE) of.source.estimate = free_in_estimate;
      if (when == IN_READY) of.source.ready = free_in_ready;
      of.knobs.hook = free_in_destination;
      start(&of);
      test_scenario("freed at moment %d, cancelled %d", when, cancels);
      if (when == IN_REMOVE) {
        test_require_status(fhx_job_run_task(of.job, NULL), FHX_OK);
        test_require_status(fhx_job_run_task(of.job, NULL), FHX_OK);
        test_require_status(fhx_job_cancel(of.job, NULL), FHX_OK);
      }
      test_require_status(fhx_job_run(of.job, NULL), FHX_WAIT);
      end(&of);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_huge_estimates),
      cmocka_unit_test(test_largest_limits),
      cmocka_unit_test(test_too_many_shards),
      cmocka_unit_test(test_settle_longer_than_stall),
      cmocka_unit_test(test_place_that_has_not_moved),
      cmocka_unit_test(test_last_id_without_token),
      cmocka_unit_test(test_error_lines_of_two_attempts),
      cmocka_unit_test(test_sweep_keeps_its_lease),
      cmocka_unit_test(test_frozen_sweep),
      cmocka_unit_test(test_clean_up_removes_once),
      cmocka_unit_test(test_cancelled_job_is_cleaned_after_a_restart),
      cmocka_unit_test(test_failure_stops_the_others),
      cmocka_unit_test(test_park_while_planning),
      cmocka_unit_test(test_park_while_removing),
      cmocka_unit_test(test_free_in_callbacks),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
