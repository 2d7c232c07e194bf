/* What a store must do with many jobs at once: whose turn it is, which jobs are one, and lists of
   them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>
#include <pthread.h>
#include <stdatomic.h>

#include "store_create.h"
#include "store_fixture.h"

#define TASKS_MAX 40

/* Ids in the order of their numbers. */
static const char *id_of(int number, char job_id[FHX__JOB_ID_LEN + 1]) {
  snprintf(job_id, FHX__JOB_ID_LEN + 1, "%032d", number);
  return job_id;
}

static int number_of(const char *job_id) {
  int number = 0;
  for (const char *at = job_id; *at != '\0'; at++) number = 10 * number + (*at - '0');
  return number;
}

static void create_of(fixture *f, int number, const char *client) {
  char job_id[FHX__JOB_ID_LEN + 1];
  fhx_error *error = NULL;
  fhx_job_record record = fixture_job_record(id_of(number, job_id));
  record.client = client;
  assert_int_equal(fixture_seen(store_create_job(fixture_store(f), &record, &error), &error),
                   FHX_OK);
}

/* So many tasks that can all be had at once. */
static void plan_of(fixture *f, const char *job_id, uint64_t fence, uint32_t task_count) {
  fhx_error *error = NULL;
  fhx_task_record tasks[TASKS_MAX];
  assert_in_range(task_count, 0, TASKS_MAX);
  for (uint32_t i = 0; i < task_count; i++) {
    FHX_INIT(&tasks[i]);
    tasks[i].task_index = i + 1;
    tasks[i].phase = FHX_PHASE_MAIN;
    tasks[i].resource_type = "Patient";
    tasks[i].shard_index = i;
  }
  const fhx_plan plan = {
      .job_id = job_id, .fence = fence, .tasks = tasks, .task_count = task_count};
  assert_int_equal(fixture_seen(fhx__store_plan_tasks(fixture_store(f), &plan, &error), &error),
                   FHX_OK);
}

/* --- turns --- */

/* A job of this client with so many tasks, planned by one who names it. */
static void make_job(fixture *f, int number, const char *client, uint32_t task_count) {
  char job_id[FHX__JOB_ID_LEN + 1];
  create_of(f, number, client);
  assert_int_equal(step_claim(f, id_of(number, job_id), "planner"), FHX_OK);
  plan_of(f, job_id, f->task.record.fence, task_count);
}

/* Claims from whatever job's turn it is, and leaves the task running; the job's number. */
static int claim_any(fixture *f) {
  static int claims;
  char claim_id[32];
  snprintf(claim_id, sizeof claim_id, "claim %d", ++claims);
  assert_int_equal(step_claim(f, NULL, claim_id), FHX_OK);
  return number_of(f->task.record.job_id);
}

/* The one worker there is: it ends each task, and plans one of `small`. */
static int work_one(fixture *f, uint32_t small) {
  const int number = claim_any(f);
  char job_id[FHX__JOB_ID_LEN + 1];
  id_of(number, job_id);
  const uint32_t task_index = f->task.record.task_index;
  if (task_index == 0) {
    plan_of(f, job_id, f->task.record.fence, small);
  } else {
    assert_int_equal(
        step_advance(f, job_id, task_index, f->task.record.fence, f->task.record.next_seq, NULL, 1),
        FHX_OK);
  }
  return number;
}

static void a_small_job_passes_a_large_one(void **state) {
  fixture *f = *state;
  char small_id[FHX__JOB_ID_LEN + 1];
  make_job(f, 1, "large", TASKS_MAX);
  for (int i = 0; i < 5; i++) assert_int_equal(work_one(f, 1), 1);
  create_of(f, 2, "small");
  id_of(2, small_id);
  int large = 0;
  for (int i = 0; i < 8 && step_read_job(f, small_id) == FHX_OK; i++) {
    if (f->job.record.state == FHX_JOB_COMPLETE) break;
    if (work_one(f, 1) == 1) large++;
  }
  fixture_assert_state(f, small_id, FHX_JOB_COMPLETE);
  assert_in_range(large, 0, 2);
}

/* Also two jobs of one client take turns. */
static void jobs_of_a_client_take_turns(void **state) {
  fixture *f = *state;
  make_job(f, 1, "c", TASKS_MAX);
  for (int i = 0; i < 5; i++) assert_int_equal(work_one(f, 1), 1);
  make_job(f, 2, "c", 3);
  int small = 0;
  for (int i = 0; i < 6; i++) small += work_one(f, 1) == 2 ? 1 : 0;
  assert_int_equal(small, 3);
}

/* A job that is new with every task that is given out, of a client that is new or not. */
static void a_large_job_goes_on_beside_small_ones(void **state) {
  fixture *f = *state;
  make_job(f, 1, "large", TASKS_MAX);
  int large = 0;
  for (int i = 0; i < 40; i++) {
    char client[32];
    snprintf(client, sizeof client, "client %d", i < 20 ? i : 0);
    create_of(f, 100 + i, client);
    if (work_one(f, 0) == 1) large++;
  }
  assert_in_range(large, 13, 27);
}

/* Who has many jobs has no more of the workers than who has one. */
static void clients_have_equal_shares(void **state) {
  fixture *f = *state;
  for (int i = 1; i <= 5; i++) make_job(f, i, "many", 20);
  make_job(f, 6, "one", TASKS_MAX);
  int tasks[7] = {0};
  for (int i = 0; i < 40; i++) tasks[claim_any(f)]++;
  assert_in_range(tasks[6], 17, 23);
  for (int i = 1; i <= 5; i++) assert_in_range(tasks[i], 3, 5);
}

/* What could not be given out is not made up for: else a job would keep others waiting whose tasks
   were all held. */
static void turns_that_were_not_taken_are_gone(void **state) {
  fixture *f = *state;
  char job_id[FHX__JOB_ID_LEN + 1];
  create_of(f, 1, "one");
  assert_int_equal(claim_any(f), 1);
  make_job(f, 2, "two", TASKS_MAX);
  for (int i = 0; i < 20; i++) assert_int_equal(claim_any(f), 2);
  plan_of(f, id_of(1, job_id), 1, 20);
  create_of(f, 3, "three");
  int tasks[4] = {0};
  for (int i = 0; i < 6; i++) {
    const int number = claim_any(f);
    if (number == 3 && f->task.record.task_index == 0) plan_of(f, f->task.record.job_id, 1, 20);
    tasks[number]++;
  }
  for (int i = 1; i <= 3; i++) assert_in_range(tasks[i], 1, 3);
}

/* The turns of jobs that are over, and of who names a job, count for nobody. */
static void named_jobs_have_their_turns_too(void **state) {
  fixture *f = *state;
  char job_id[FHX__JOB_ID_LEN + 1], claim_id[32];
  make_job(f, 1, "one", 20);
  make_job(f, 2, "two", 20);
  for (int i = 0; i < 10; i++) {
    snprintf(claim_id, sizeof claim_id, "named %d", i);
    assert_int_equal(step_claim(f, id_of(1, job_id), claim_id), FHX_OK);
  }
  int first = 0;
  for (int i = 0; i < 10; i++) first += claim_any(f) == 1 ? 1 : 0;
  assert_int_equal(first, 5);
  assert_int_equal(step_remove(f, job_id), FHX_OK);
  assert_int_equal(claim_any(f), 2);
  create_of(f, 3, "one");
  assert_in_range(claim_any(f) + claim_any(f), 5, 5);
}

#define CLAIMERS 4
#define SHARED_JOBS 5
#define SHARED_TASKS 6

/* How often each task of the jobs 1, 2, ... was given out. */
typedef struct claimers {
  fhx_store *store;
  atomic_int next;
  atomic_int given[SHARED_JOBS + 1][SHARED_TASKS + 1];
  atomic_int failures;
} claimers;

static void *claim_along(void *user_data) {
  claimers *shared = user_data;
  for (int32_t status = FHX_OK; status == FHX_OK;) {
    char claim_id[32];
    int64_t wait_us = 0;
    fhx__task_entry task = {0};
    snprintf(claim_id, sizeof claim_id, "shared %d", atomic_fetch_add(&shared->next, 1));
    status = fhx__store_claim_task(shared->store, NULL, claim_id, LEASE_US, ATTEMPTS_MAX, &task,
                                   &wait_us, NULL);
    if (status == FHX_OK) {
      atomic_fetch_add(&shared->given[number_of(task.record.job_id)][task.record.task_index], 1);
    } else if (status != FHX_WAIT) {
      atomic_fetch_add(&shared->failures, 1);
    }
    fhx__task_entry_free(&task);
  }
  return NULL;
}

/* Nobody waits for another's job, and no task is given out twice. */
static void several_claim_at_once(void **state) {
  fixture *f = *state;
  static claimers shared;
  pthread_t threads[CLAIMERS];
  memset(&shared, 0, sizeof shared);
  for (int i = 1; i <= SHARED_JOBS; i++) make_job(f, i, i % 2 == 0 ? "even" : "odd", SHARED_TASKS);
  shared.store = fixture_store(f);
  for (int i = 0; i < CLAIMERS; i++) {
    assert_int_equal(pthread_create(&threads[i], NULL, claim_along, &shared), 0);
  }
  for (int i = 0; i < CLAIMERS; i++) assert_int_equal(pthread_join(threads[i], NULL), 0);
  assert_int_equal(atomic_load(&shared.failures), 0);
  /* One may have been passed over while another had its job; now nobody has. */
  claim_along(&shared);
  for (int i = 1; i <= SHARED_JOBS; i++) {
    for (int k = 1; k <= SHARED_TASKS; k++) {
      assert_int_equal(atomic_load(&shared.given[i][k]), 1);
    }
  }
}

/* --- what waits for a worker --- */

/* `tasks` were begun. */
static void assert_waiting(fixture *f, const char *job_id, uint32_t is_waiting, uint64_t attempts,
                           uint64_t tasks) {
  assert_int_equal(step_read_job(f, job_id), FHX_OK);
  assert_int_equal(f->job.record.retry_count, attempts - tasks);
  assert_int_equal(f->job.record.is_waiting, is_waiting);
  assert_int_equal(f->job.record.attempt_count, attempts);
}

static void a_job_tells_that_it_waits(void **state) {
  fixture *f = *state;
  assert_int_equal(step_create(f, JOB_A), FHX_OK);
  assert_waiting(f, JOB_A, 1, 0, 0);
  assert_int_equal(step_claim(f, JOB_A, "one"), FHX_OK);
  assert_waiting(f, JOB_A, 0, 1, 1);
  f->now_us += LEASE_US - 1;
  assert_waiting(f, JOB_A, 0, 1, 1);
  f->now_us += 1;
  assert_waiting(f, JOB_A, 1, 1, 1);
  assert_int_equal(step_claim(f, JOB_A, "two"), FHX_OK);
  assert_int_equal(step_plan(f, JOB_A, 2, PLANNED), FHX_OK);
  assert_waiting(f, JOB_A, 1, 2, 1);
  assert_int_equal(step_claim(f, NULL, "three"), FHX_OK);
  assert_int_equal(step_claim(f, NULL, "four"), FHX_OK);
  assert_int_equal(step_release(f, JOB_A, 1, 1, FHX_RELEASE_PARKED), FHX_OK);
  assert_waiting(f, JOB_A, 0, 4, 3);
  assert_int_equal(step_release(f, JOB_A, 2, 1, FHX_RELEASE_FAIL), FHX_OK);
  fixture_assert_state(f, JOB_A, FHX_JOB_FAILED);
  assert_waiting(f, JOB_A, 0, 4, 3);
}

/* --- identical jobs --- */

typedef struct request {
  const char *tenant;
  const char *client;
  uint8_t identity[FHX_IDENTITY_LEN];
} request;

static const request usual = {"north", "c", {1, 0, 2}};

static int32_t join_in(fhx_store *store, int number, const request *asked, uint32_t jobs_max,
                       char joined[FHX__JOB_ID_LEN + 1], fhx_error **error) {
  char job_id[FHX__JOB_ID_LEN + 1];
  fhx_job_record record = fixture_job_record(id_of(number, job_id));
  record.tenant = asked->tenant;
  record.client = asked->client;
  record.identity = asked->identity;
  record.jobs_max = jobs_max;
  return fhx__store_join_job(store, &record, joined, error);
}

/* 0: the job was made; else the number of the one that is good for it. */
static int join(fixture *f, int number, const request *asked) {
  char joined[FHX__JOB_ID_LEN + 1] = "";
  fhx_error *error = NULL;
  int32_t status = join_in(fixture_store(f), number, asked, 0, joined, &error);
  assert_int_equal(fixture_seen(status, &error), FHX_OK);
  return number_of(joined);
}

static void an_identical_job_is_joined(void **state) {
  fixture *f = *state;
  char job_id[FHX__JOB_ID_LEN + 1], joined[FHX__JOB_ID_LEN + 1];
  fhx__buffer before = {0}, after = {0};
  assert_int_equal(join(f, 1, &usual), 0);
  fixture_photograph(f, id_of(1, job_id), &before);
  assert_int_equal(join(f, 2, &usual), 1);
  assert_int_equal(join(f, 3, &usual), 1);
  fixture_photograph(f, job_id, &after);
  assert_same_buffer(before, after);
  assert_int_equal(step_read_job(f, id_of(2, job_id)), FHX_ERR_NOT_FOUND);
  assert_int_equal(step_read_task(f, job_id, 0), FHX_ERR_NOT_FOUND);
  /* A call whose answer was lost made it, and it needs no room. */
  fhx_error *error = NULL;
  int32_t status = join_in(fixture_store(f), 1, &usual, 1, joined, &error);
  assert_int_equal(fixture_seen(status, &error), FHX_ERR_EXISTS);
  assert_string_equal(joined, "");
  status = join_in(fixture_store(f), 2, &usual, 1, joined, &error);
  assert_int_equal(fixture_seen(status, &error), FHX_OK);
  assert_string_equal(joined, id_of(1, job_id));
  fhx__buffer_free(&before);
  fhx__buffer_free(&after);
}

static void what_differs_is_another_job(void **state) {
  fixture *f = *state;
  request other = usual;
  assert_int_equal(join(f, 1, &usual), 0);
  other.tenant = "south";
  assert_int_equal(join(f, 2, &other), 0);
  other = usual;
  other.client = "d";
  assert_int_equal(join(f, 3, &other), 0);
  other = usual;
  other.identity[FHX_IDENTITY_LEN - 1] = 1;
  assert_int_equal(join(f, 4, &other), 0);
  /* One without an identity joins none, and is joined by none. */
  create_of(f, 5, usual.client);
  memset(other.identity, 0, sizeof other.identity);
  assert_int_equal(join(f, 6, &other), 0);
}

static void a_job_that_is_over_is_not_joined(void **state) {
  fixture *f = *state;
  char job_id[FHX__JOB_ID_LEN + 1];
  assert_int_equal(join(f, 1, &usual), 0);
  assert_int_equal(step_claim(f, id_of(1, job_id), "one"), FHX_OK);
  assert_int_equal(step_plan(f, job_id, 1, 0), FHX_OK);
  fixture_assert_state(f, job_id, FHX_JOB_COMPLETE);
  assert_int_equal(join(f, 2, &usual), 0);
  assert_int_equal(step_claim(f, id_of(2, job_id), "two"), FHX_OK);
  assert_int_equal(step_release(f, job_id, 0, 1, FHX_RELEASE_FAIL), FHX_OK);
  assert_int_equal(join(f, 3, &usual), 0);
  assert_int_equal(step_remove(f, id_of(3, job_id)), FHX_OK);
  assert_int_equal(join(f, 4, &usual), 0);
  assert_int_equal(join(f, 5, &usual), 4);
}

#define RACERS 4

typedef struct racer {
  fhx_store *store;
  int number;
  int32_t status;
  char joined[FHX__JOB_ID_LEN + 1];
  pthread_t thread;
} racer;

static void *race_along(void *user_data) {
  racer *self = user_data;
  self->status = join_in(self->store, self->number, &usual, 0, self->joined, NULL);
  return NULL;
}

static void racers_make_one_job(void **state) {
  fixture *f = *state;
  fhx_store *store = fixture_store(f);
  for (int round = 0; round < 5; round++) {
    racer racers[RACERS];
    char job_id[FHX__JOB_ID_LEN + 1] = "";
    memset(racers, 0, sizeof racers);
    for (int i = 0; i < RACERS; i++) {
      racers[i].store = store;
      racers[i].number = 1 + RACERS * round + i;
      assert_int_equal(pthread_create(&racers[i].thread, NULL, race_along, &racers[i]), 0);
    }
    for (int i = 0; i < RACERS; i++) {
      assert_int_equal(pthread_join(racers[i].thread, NULL), 0);
      assert_int_equal(racers[i].status, FHX_OK);
      if (*racers[i].joined != '\0') continue;
      assert_string_equal(job_id, "");
      id_of(racers[i].number, job_id);
    }
    for (int i = 0; i < RACERS; i++) {
      if (*racers[i].joined != '\0') assert_string_equal(racers[i].joined, job_id);
    }
    assert_int_equal(fhx__store_remove_job(store, job_id, NULL), FHX_OK);
  }
}

/* --- lists --- */

/* The numbers of a page of jobs, in their order, as text; the place behind it. */
typedef struct listing {
  uint32_t states;
  const char *tenant;
  const char *client;
  int64_t created_us;
  char job_id[FHX__JOB_ID_LEN + 1];
  char numbers[200];
} listing;

static uint32_t list(fixture *f, listing *of, uint32_t limit) {
  fhx__buffer jobs = {0};
  fhx_error *error = NULL;
  const uint32_t states = of->states;
  char after[FHX__JOB_ID_LEN + 1];
  memcpy(after, of->job_id, sizeof after);
  int32_t status = fhx__store_list_jobs(fixture_store(f), states, of->tenant, of->client,
                                        of->created_us, after, limit, &jobs, &error);
  assert_int_equal(fixture_seen(status, &error), FHX_OK);
  const size_t count = jobs.len / sizeof(fhx__job_entry);
  of->numbers[0] = '\0';
  for (size_t i = 0; i < count; i++) {
    fhx__job_entry entry;
    memcpy(&entry, jobs.data + i * sizeof entry, sizeof entry);
    const size_t len = strlen(of->numbers);
    snprintf(of->numbers + len, sizeof of->numbers - len, "%d ", number_of(entry.record.job_id));
    of->created_us = entry.record.created_us;
    memcpy(of->job_id, entry.record.job_id, sizeof of->job_id);
  }
  fhx__job_entries_free(&jobs);
  return (uint32_t)count;
}

static const listing from_the_first = {.states = 15, .created_us = INT64_MIN, .job_id = ""};

static void assert_listed(fixture *f, uint32_t states, const char *tenant, const char *client,
                          const char *numbers) {
  listing of = from_the_first;
  of.states = states;
  of.tenant = tenant;
  of.client = client;
  list(f, &of, 100);
  assert_string_equal(of.numbers, numbers);
}

/* Eight jobs of two clients in each state; two are created at a time, the higher id first. */
static void make_many(fixture *f) {
  static const char *const clients[] = {"c", "d"};
  char job_id[FHX__JOB_ID_LEN + 1];
  for (int i = 0; i < 8; i++) {
    const int number = (i ^ 1) + 1;
    create_of(f, number, clients[i % 2]);
    if (i % 2 == 1) f->now_us += 10;
    if (i / 2 == 1) {
      assert_int_equal(step_claim(f, id_of(number, job_id), "w"), FHX_OK);
      assert_int_equal(step_plan(f, job_id, 1, 0), FHX_OK);
    } else if (i / 2 == 2) {
      assert_int_equal(step_claim(f, id_of(number, job_id), "w"), FHX_OK);
      assert_int_equal(step_release(f, job_id, 0, 1, FHX_RELEASE_FAIL), FHX_OK);
    } else if (i / 2 == 3) {
      assert_int_equal(step_remove(f, id_of(number, job_id)), FHX_OK);
    }
  }
}

static void jobs_are_listed_in_pages(void **state) {
  fixture *f = *state;
  make_many(f);
  for (uint32_t limit = 1; limit <= 9; limit++) {
    listing of = from_the_first;
    char all[200] = "";
    size_t len = 0;
    for (uint32_t count = limit; count == limit && len < sizeof all;) {
      count = list(f, &of, limit);
      assert_in_range(count, 0, limit);
      len += (size_t)snprintf(all + len, sizeof all - len, "%s", of.numbers);
    }
    assert_string_equal(all, "1 2 3 4 5 6 7 8 ");
  }
}

static void lists_are_of_who_and_what_was_asked_for(void **state) {
  fixture *f = *state;
  make_many(f);
  assert_listed(f, FHX_JOBS_RUNNING, NULL, NULL, "1 2 ");
  assert_listed(f, FHX_JOBS_COMPLETE, NULL, NULL, "3 4 ");
  assert_listed(f, FHX_JOBS_FAILED, NULL, NULL, "5 6 ");
  assert_listed(f, FHX_JOBS_REMOVING, NULL, NULL, "7 8 ");
  assert_listed(f, FHX_JOBS_RUNNING | FHX_JOBS_FAILED, "north", NULL, "1 2 5 6 ");
  assert_listed(f, 15, "north", "c", "2 4 6 8 ");
  assert_listed(f, FHX_JOBS_FAILED | FHX_JOBS_REMOVING, "north", "d", "5 7 ");
  assert_listed(f, 15, "north", "e", "");
  assert_listed(f, 15, "south", NULL, "");
  assert_listed(f, 15, "south", "c", "");
}

static void a_listed_job_has_what_is_short(void **state) {
  fixture *f = *state;
  char context[] = "where";
  fhx__buffer jobs = {0};
  fhx__job_entry entry;
  fhx_error *error = NULL;
  fhx_job_record given = fixture_job_record(JOB_A);
  given.parameters = "_since,_type";
  given.host_context = context;
  given.host_context_len = sizeof context;
  int32_t status = store_create_job(fixture_store(f), &given, &error);
  assert_int_equal(fixture_seen(status, &error), FHX_OK);
  assert_int_equal(step_claim(f, JOB_A, "one"), FHX_OK);
  assert_int_equal(step_plan(f, JOB_A, 1, PLANNED), FHX_OK);
  assert_int_equal(step_claim(f, JOB_A, "two"), FHX_OK);
  assert_int_equal(step_advance(f, JOB_A, 1, 1, 1, NULL, 1), FHX_OK);
  status = fhx__store_list_jobs(fixture_store(f), 15, NULL, NULL, INT64_MIN, "", 9, &jobs, &error);
  assert_int_equal(fixture_seen(status, &error), FHX_OK);
  assert_int_equal(jobs.len, sizeof entry);
  memcpy(&entry, jobs.data, sizeof entry);
  const fhx_job_record *got = &entry.record;
  assert_string_equal(got->job_id, JOB_A);
  assert_string_equal(got->tenant, given.tenant);
  assert_string_equal(got->client, given.client);
  assert_string_equal(got->parameters, given.parameters);
  assert_string_equal(got->request, "");
  assert_string_equal(got->definition, "");
  assert_int_equal(got->host_context_len, 0);
  assert_int_equal(got->created_us, BEGINNING_US);
  assert_int_equal(got->transaction_time_us, given.transaction_time_us);
  assert_int_equal(got->task_count, PLANNED + 1);
  assert_int_equal(got->task_done_count, 2);
  assert_int_equal(got->resource_count, 10);
  assert_int_equal(got->byte_count, 1000);
  assert_int_equal(got->error_count, 2);
  assert_int_equal(got->attempt_count, 2);
  assert_int_equal(got->retry_count, 0);
  assert_int_equal(got->part_count, 1);
  assert_int_equal(got->is_waiting, 1);
  assert_int_equal(step_read_job(f, JOB_A), FHX_OK);
  assert_string_equal(f->job.record.parameters, given.parameters);
  assert_string_equal(f->job.record.request, given.request);
  fhx__job_entries_free(&jobs);
}

int store_conformance_run_turns(const store_conformance *subject) {
  store_conformance initial = *subject;
  const struct CMUnitTest tests[] = {
      FIXTURE_TEST(a_small_job_passes_a_large_one),
      FIXTURE_TEST(jobs_of_a_client_take_turns),
      FIXTURE_TEST(a_large_job_goes_on_beside_small_ones),
      FIXTURE_TEST(clients_have_equal_shares),
      FIXTURE_TEST(turns_that_were_not_taken_are_gone),
      FIXTURE_TEST(named_jobs_have_their_turns_too),
      FIXTURE_TEST(several_claim_at_once),
  };
  return cmocka_run_group_tests_name(subject->name, tests, NULL, NULL);
}

int store_conformance_run_waiting(const store_conformance *subject) {
  store_conformance initial = *subject;
  const struct CMUnitTest tests[] = {
      FIXTURE_TEST(a_job_tells_that_it_waits),
  };
  return cmocka_run_group_tests_name(subject->name, tests, NULL, NULL);
}

int store_conformance_run_joins(const store_conformance *subject) {
  store_conformance initial = *subject;
  const struct CMUnitTest tests[] = {
      FIXTURE_TEST(an_identical_job_is_joined),
      FIXTURE_TEST(what_differs_is_another_job),
      FIXTURE_TEST(a_job_that_is_over_is_not_joined),
      FIXTURE_TEST(racers_make_one_job),
  };
  return cmocka_run_group_tests_name(subject->name, tests, NULL, NULL);
}

int store_conformance_run_job_lists(const store_conformance *subject) {
  store_conformance initial = *subject;
  const struct CMUnitTest tests[] = {
      FIXTURE_TEST(jobs_are_listed_in_pages),
      FIXTURE_TEST(lists_are_of_who_and_what_was_asked_for),
      FIXTURE_TEST(a_listed_job_has_what_is_short),
  };
  return cmocka_run_group_tests_name(subject->name, tests, NULL, NULL);
}
