/* A job that tests of one store work on, alone and in a race. */
#include "store_work.h"
#include "store_create.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

int32_t work_create(fhx_store *store) {
  fhx_job_record record;
  FHX_INIT(&record);
  record.job_id = WORK_JOB;
  record.resolution_us = 1000;
  record.definition = "{}";
  record.jobs_max = 9;
  record.jobs_per_client_max = 9;
  return store_create_job(store, &record, NULL);
}

int32_t work_claim(fhx_store *store, const char *claim_id, int64_t lease_us,
                   fhx__task_entry *task) {
  int64_t wait_us = 0;
  return fhx__store_claim_task(store, WORK_JOB, claim_id, lease_us, 1000000, task, &wait_us, NULL);
}

/* Tasks of one phase. */
int32_t work_plan(fhx_store *store, uint64_t fence, uint32_t task_count) {
  fhx_task_record tasks[16];
  assert_in_range(task_count, 1, 16);
  for (uint32_t i = 0; i < task_count; i++) {
    FHX_INIT(&tasks[i]);
    tasks[i].task_index = i + 1;
    tasks[i].phase = FHX_PHASE_MAIN;
    tasks[i].resource_type = "Patient";
    tasks[i].shard_index = i;
  }
  const fhx_plan planned = {
      .job_id = WORK_JOB, .fence = fence, .tasks = tasks, .task_count = task_count};
  return fhx__store_plan_tasks(store, &planned, NULL);
}

fhx_part work_part(uint32_t task_index, uint64_t fence, uint64_t seq) {
  fhx_part part;
  memset(&part, 0, sizeof part);
  part.task_index = task_index;
  part.fence = fence;
  part.seq = seq;
  part.resource_count = seq;
  part.byte_count = 100;
  snprintf(part.resource_type, sizeof part.resource_type, "Patient");
  snprintf(part.name, sizeof part.name, "%s/Patient-%u-%llu-%llu.ndjson", WORK_JOB, task_index,
           (unsigned long long)fence, (unsigned long long)seq);
  return part;
}

/* One part of `seq` resources, one error line, a token. */
int32_t work_advance(fhx_store *store, uint32_t task_index, uint64_t fence, uint64_t seq,
                     uint32_t done, fhx_error **error) {
  static const uint64_t line_ends[] = {4};
  const fhx_part part = work_part(task_index, fence, seq);
  const fhx_checkpoint checkpoint = {.job_id = WORK_JOB,
                                     .task_index = task_index,
                                     .done = done,
                                     .fence = fence,
                                     .seq = seq,
                                     .next_seq = seq + 1,
                                     .token = "token",
                                     .token_len = 5,
                                     .last_id = "id",
                                     .resource_count = seq,
                                     .byte_count = 100,
                                     .error_count = 1,
                                     .parts = &part,
                                     .part_count = 1,
                                     .lines = "line",
                                     .line_ends = line_ends,
                                     .line_count = 1};
  return fhx__store_record_checkpoint(store, &checkpoint, error);
}

/* A job whose task 1 is held by "w" with fence 1. */
void work_begin(fhx_store *store, uint32_t task_count) {
  fhx__task_entry task = {0};
  assert_int_equal(work_create(store), FHX_OK);
  assert_int_equal(work_claim(store, "planner", WORK_LEASE_US, &task), FHX_OK);
  assert_int_equal(work_plan(store, 1, task_count), FHX_OK);
  assert_int_equal(work_claim(store, "w", WORK_LEASE_US, &task), FHX_OK);
  assert_int_equal(task.record.task_index, 1);
  fhx__task_entry_free(&task);
}

/* What is recorded of a task must agree with its parts: their numbers run from 1 without a gap. The
   next number of a part. */
uint64_t work_assert_whole(fhx_store *store, uint32_t task_index) {
  fhx__task_entry task = {0};
  fhx__buffer parts = {0};
  assert_int_equal(fhx__store_read_task(store, WORK_JOB, task_index, &task, NULL), FHX_OK);
  const uint32_t limit = 100000;
  assert_int_equal(fhx__store_list_parts(store, WORK_JOB, task_index, 0, limit, &parts, NULL),
                   FHX_OK);
  const fhx_part *part = (const fhx_part *)(const void *)parts.data;
  const size_t count = parts.len / sizeof *part;
  uint64_t resources = 0, own = 0;
  for (size_t i = 0; i < count && part[i].task_index == task_index; i++) {
    own++;
    resources += part[i].resource_count;
    assert_int_equal(part[i].seq, own);
  }
  const uint64_t next_seq = task.record.next_seq;
  assert_int_equal(next_seq, own + 1);
  assert_int_equal(task.record.resource_count, resources);
  assert_int_equal(task.record.byte_count, 100 * own);
  assert_int_equal(task.record.error_count, own);
  fhx__buffer_free(&parts);
  fhx__task_entry_free(&task);
  return next_seq;
}

uint32_t work_count_lines(fhx_store *store) {
  fhx_reply lines;
  assert_int_equal(fhx__store_list_lines(store, WORK_JOB, 0, 1000000, &lines, NULL), FHX_OK);
  const uint32_t count = (uint32_t)fhx__reply_item_count(&lines);
  fhx__reply_end(&lines);
  return count;
}

/* --- a race --- */

#define RACERS_MAX 16
#define RACE_TASKS 6
#define RACE_CHECKPOINTS 12
#define FENCES_MAX 4000

struct work_race {
  fhx_store *stores[2];
  /* How often each fence of each task was given out, and each number of a part recorded. */
  atomic_int claims[RACE_TASKS + 1][FENCES_MAX];
  atomic_int recorded[RACE_TASKS + 1][RACE_CHECKPOINTS + 2];
  atomic_llong now_us;
};

typedef struct racer {
  work_race *shared;
  int number;
  pthread_t thread;
} racer;

int64_t work_race_clock(void *user_data) {
  return atomic_fetch_add(&((work_race *)user_data)->now_us, 1000);
}

/* Works on a task until it is done, or somebody else has it. */
static void work(work_race *shared, fhx_store *store, const fhx_task_record *task) {
  uint64_t seq = task->next_seq;
  for (; seq <= RACE_CHECKPOINTS; seq++) {
    fhx__store_renew_task(store, WORK_JOB, task->task_index, task->fence, seq, 0, 20000, NULL);
    /* Twice, as after a lost answer: at most one may be taken. */
    const uint32_t done = seq == RACE_CHECKPOINTS;
    int32_t status = FHX_OK;
    for (int i = 0; i < 2; i++) {
      status = work_advance(store, task->task_index, task->fence, seq, done, NULL);
      if (status == FHX_OK) atomic_fetch_add(&shared->recorded[task->task_index][seq], 1);
    }
    fhx__task_entry now = {0};
    assert_int_equal(fhx__store_read_task(store, WORK_JOB, task->task_index, &now, NULL), FHX_OK);
    const bool mine = now.record.fence == task->fence && now.record.next_seq == seq + 1;
    fhx__task_entry_free(&now);
    if (!mine) return;
  }
}

static void *race_along(void *user_data) {
  racer *self = user_data;
  work_race *shared = self->shared;
  fhx_store *store = shared->stores[self->number % 2];
  for (int i = 0;; i++) {
    char claim_id[32];
    fhx__task_entry task = {0};
    snprintf(claim_id, sizeof claim_id, "%d-%d", self->number, i);
    int32_t status = work_claim(store, claim_id, 20000, &task);
    if (status == FHX_OK) {
      assert_in_range(task.record.fence, 1, FENCES_MAX - 1);
      atomic_fetch_add(&shared->claims[task.record.task_index][task.record.fence], 1);
      work(shared, store, &task.record);
    }
    fhx__task_entry_free(&task);
    if (status == FHX_END) return NULL;
    assert_true(status == FHX_OK || status == FHX_WAIT);
  }
}

work_race *work_race_new(void) {
  work_race *made = calloc(1, sizeof *made);
  assert_non_null(made);
  atomic_store(&made->now_us, 1);
  return made;
}

void work_race_run(work_race *shared, fhx_store *one, fhx_store *other, int racer_count) {
  assert_in_range(racer_count, 1, RACERS_MAX);
  shared->stores[0] = one;
  shared->stores[1] = other;
  fhx__task_entry task = {0};
  assert_int_equal(work_create(shared->stores[0]), FHX_OK);
  assert_int_equal(work_claim(shared->stores[1], "planner", WORK_LEASE_US, &task), FHX_OK);
  assert_int_equal(work_plan(shared->stores[0], 1, RACE_TASKS), FHX_OK);
  fhx__task_entry_free(&task);
  racer racers[RACERS_MAX];
  for (int i = 0; i < racer_count; i++) {
    racers[i] = (racer){.shared = shared, .number = i};
    assert_int_equal(pthread_create(&racers[i].thread, NULL, race_along, &racers[i]), 0);
  }
  for (int i = 0; i < racer_count; i++) assert_int_equal(pthread_join(racers[i].thread, NULL), 0);
  for (uint32_t i = 1; i <= RACE_TASKS; i++) {
    for (int fence = 0; fence < FENCES_MAX; fence++) {
      assert_in_range(atomic_load(&shared->claims[i][fence]), 0, 1);
    }
    for (int seq = 1; seq <= RACE_CHECKPOINTS; seq++) {
      assert_int_equal(atomic_load(&shared->recorded[i][seq]), 1);
    }
    assert_int_equal(work_assert_whole(shared->stores[0], i), RACE_CHECKPOINTS + 1);
  }
  assert_int_equal(work_count_lines(shared->stores[1]), RACE_TASKS * RACE_CHECKPOINTS);
  free(shared);
}

/* --- out of memory --- */

/* What a step says when its first try is denied memory: nothing was changed, so the second is as
   good as the first. Only one allocation fails, so the second has enough. */
#define TRY_TWICE(expected, call)                   \
  do {                                              \
    int32_t tried = (call);                         \
    if (tried == FHX_ERR_NO_MEMORY) tried = (call); \
    assert_int_equal(tried, expected);              \
  } while (0)

static int32_t add_member(fhx_store *store) {
  static const char *const texts[] = {"p"};
  const fhx_members members = {WORK_JOB, 0, FHX_MEMBERS_PATIENT, 1, texts, 1};
  return fhx__store_add_members(store, &members, NULL);
}

static int32_t list_members(fhx_store *store) {
  fhx_reply members;
  int32_t status =
      fhx__store_list_members(store, WORK_JOB, FHX_MEMBERS_PATIENT, "", 9, &members, NULL);
  if (status == FHX_OK) assert_int_equal(fhx__reply_item_count(&members), 1);
  fhx__reply_end(&members);
  return status;
}

void work_live(work_open open, void *context) {
  fhx_store *store = NULL;
  fhx__job_entry job = {0};
  fhx__task_entry task = {0};
  fhx__buffer list = {0};
  fhx_reply lines;
  int64_t wait_us = 0;
  char job_id[FHX__JOB_ID_LEN + 1];
  TRY_TWICE(FHX_OK, open(context, &store));
  TRY_TWICE(FHX_OK, work_create(store));
  TRY_TWICE(FHX_OK, work_claim(store, "planner", WORK_LEASE_US, &task));
  TRY_TWICE(FHX_OK, add_member(store));
  TRY_TWICE(FHX_OK, list_members(store));
  TRY_TWICE(FHX_OK, work_plan(store, 1, 1));
  TRY_TWICE(FHX_OK, work_claim(store, "w", WORK_LEASE_US, &task));
  assert_int_equal(task.record.fence, 1);
  TRY_TWICE(FHX_OK, work_advance(store, 1, 1, 1, 0, NULL));
  TRY_TWICE(FHX_OK, fhx__store_renew_task(store, WORK_JOB, 1, 1, 2, 0, WORK_LEASE_US, NULL));
  TRY_TWICE(FHX_ERR_REFUSED, work_advance(store, 1, 1, 1, 0, NULL));
  TRY_TWICE(FHX_OK, fhx__store_read_job(store, WORK_JOB, &job, NULL));
  assert_string_equal(job.record.definition, "{}");
  TRY_TWICE(FHX_OK, fhx__store_read_task(store, WORK_JOB, 1, &task, NULL));
  assert_int_equal(task.record.next_seq, 2);
  TRY_TWICE(FHX_OK, fhx__store_list_parts(store, WORK_JOB, 0, 0, 9, &list, NULL));
  assert_int_equal(list.len, sizeof(fhx_part));
  TRY_TWICE(FHX_OK, fhx__store_list_attempts(store, WORK_JOB, 0, 0, 9, &list, NULL));
  assert_int_equal(list.len, sizeof(fhx_part) + 2 * sizeof(fhx__attempt));
  int32_t status = fhx__store_list_lines(store, WORK_JOB, 0, 9, &lines, NULL);
  fhx__reply_end(&lines);
  if (status == FHX_ERR_NO_MEMORY) {
    status = fhx__store_list_lines(store, WORK_JOB, 0, 9, &lines, NULL);
    fhx__reply_end(&lines);
  }
  assert_int_equal(status, FHX_OK);
  TRY_TWICE(FHX_OK, work_advance(store, 1, 1, 2, 1, NULL));
  TRY_TWICE(FHX_OK, fhx__store_read_job(store, WORK_JOB, &job, NULL));
  assert_int_equal(job.record.state, FHX_JOB_COMPLETE);
  assert_int_equal(job.record.resource_count, 3);
  TRY_TWICE(FHX_END, fhx__store_next_cleanup(store, WORK_LEASE_US, NULL, job_id, NULL));
  TRY_TWICE(FHX_OK, fhx__store_remove_job(store, WORK_JOB, NULL));
  TRY_TWICE(FHX_OK, fhx__store_next_cleanup(store, WORK_LEASE_US, NULL, job_id, NULL));
  TRY_TWICE(FHX_OK, fhx__store_clean_job(store, WORK_JOB, &wait_us, NULL));
  TRY_TWICE(FHX_ERR_NOT_FOUND, fhx__store_read_job(store, WORK_JOB, &job, NULL));
  fhx__job_entry_free(&job);
  fhx__task_entry_free(&task);
  fhx__buffer_free(&list);
  fhx_store_free(store);
}
