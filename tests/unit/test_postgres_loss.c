/* The PostgreSQL store when connections are cut and the server goes: what is recorded is whole, and
   nothing is taken twice. */
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

#include "core/clock.h"
#include "postgres_place.h"
#include "store/handle.h"
#include "store_work.h"
#include "support/cutting_proxy.h"
#include "support/require.h"

/* A place that is reached through a proxy. */
typedef struct far_place {
  place near;
  place far;
  char folder[TEST_PATH_MAX];
  test_proxy *proxy;
} far_place;

static void far_new(far_place *at) {
  char path[TEST_PATH_MAX], server_path[128];
  place_new(&at->near);
  at->far = at->near;
  test_folder_new(at->folder);
  test_path_join(path, at->folder, ".s.PGSQL.5432");
  snprintf(server_path, sizeof server_path, "%s/.s.PGSQL.5432", place_server()->folder);
  assert_in_range(snprintf(at->far.conninfo, sizeof at->far.conninfo,
                           "host=%s user=fhx dbname=postgres", at->folder),
                  1, sizeof at->far.conninfo - 1);
  at->proxy = test_proxy_new(path, server_path);
}

static void far_drop(far_place *at) {
  test_proxy_free(at->proxy);
  test_folder_remove(at->folder);
  place_drop(&at->near);
}

static uint64_t next_seq_of(fhx_store *store) {
  fhx__task_entry task = {0};
  assert_int_equal(fhx__store_read_task(store, WORK_JOB, 1, &task, NULL), FHX_OK);
  const uint64_t next_seq = task.record.next_seq;
  fhx__task_entry_free(&task);
  return next_seq;
}

/* --- a cut connection --- */

static void assert_lost(int32_t status, fhx_error **error, const char *words) {
  assert_int_equal(status, FHX_ERR_STORE);
  assert_int_equal(fhx_error_retryable(*error), 1);
  if (strstr(fhx_error_message(*error), words) == NULL) fail_msg("%s", fhx_error_message(*error));
  fhx_error_free(*error);
  *error = NULL;
}

static void a_lost_commit_claims_nothing(void **state) {
  far_place at;
  fhx_error *error = NULL;
  (void)state;
  far_new(&at);
  fhx_store *store = place_open(&at.far);
  work_begin(store, 1);
  /* The first one is in BEGIN: READ COMMITTED. */
  test_proxy_cut(at.proxy, TEST_CUT_BEFORE, "COMMIT", 1);
  assert_lost(work_advance(store, 1, 1, 1, 0, &error), &error, "while the step was recorded");
  assert_true(test_proxy_has_cut(at.proxy));
  assert_int_equal(next_seq_of(store), 1);
  test_proxy_cut(at.proxy, TEST_CUT_AFTER, "COMMIT", 1);
  assert_lost(work_advance(store, 1, 1, 1, 0, &error), &error, "while the step was recorded");
  assert_true(test_proxy_has_cut(at.proxy));
  assert_int_equal(next_seq_of(store), 2);
  assert_int_equal(work_advance(store, 1, 1, 1, 0, NULL), FHX_ERR_REFUSED);
  assert_int_equal(work_advance(store, 1, 1, 2, 1, NULL), FHX_OK);
  assert_int_equal(work_assert_whole(store, 1), 3);
  fhx_store_free(store);
  far_drop(&at);
}

static void what_was_read_needs_no_commit(void **state) {
  far_place at;
  (void)state;
  far_new(&at);
  fhx_store *store = place_open(&at.far);
  work_begin(store, 1);
  for (int how = TEST_CUT_BEFORE; how <= TEST_CUT_AFTER; how++) {
    test_proxy_cut(at.proxy, (test_cut)how, "COMMIT", 0);
    assert_int_equal(next_seq_of(store), 1);
    assert_true(test_proxy_has_cut(at.proxy));
  }
  fhx_store_free(store);
  far_drop(&at);
}

/* The caller's patience ends, whatever has become of the server. */
static void a_silent_server_is_not_waited_for(void **state) {
  far_place at;
  fhx_error *error = NULL;
  (void)state;
  far_new(&at);
  fhx_store *store = place_open(&at.far);
  work_begin(store, 1);
  fhx_store view;
  fhx__store_view(store, fhx__clock_monotonic_us() + 50000, &view);
  test_proxy_cut(at.proxy, TEST_CUT_SILENT, NULL, 3);
  assert_lost(fhx__store_remove_job(&view, WORK_JOB, &error), &error, "was lost");
  assert_true(test_proxy_has_cut(at.proxy));
  assert_int_equal(fhx__store_remove_job(store, WORK_JOB, NULL), FHX_OK);
  fhx_store_free(store);
  far_drop(&at);
}

/* Does a step again until the database has answered: what it says then is either `expected`, or
   `taken` if an earlier one had been taken. */
#define INSIST(expected, taken, call)                                        \
  do {                                                                       \
    int32_t said = FHX_ERR_STORE;                                            \
    for (int tried = 0; said == FHX_ERR_STORE && tried < 3; tried++) {       \
      said = (call);                                                         \
      if (said == FHX_OK || tried == 0) assert_int_not_equal(said, (taken)); \
    }                                                                        \
    if (said != (expected)) assert_int_equal(said, (taken));                 \
  } while (0)

static void insist_on_a_life(fhx_store *store) {
  fhx__task_entry task = {0};
  int64_t wait_us = 0;
  INSIST(FHX_OK, FHX_ERR_EXISTS, work_create(store));
  /* The same claim gets the same attempt, however often it is made. */
  INSIST(FHX_OK, FHX_ERR_INTERNAL, work_claim(store, "planner", WORK_LEASE_US, &task));
  assert_int_equal(task.record.fence, 1);
  INSIST(FHX_OK, FHX_ERR_REFUSED, work_plan(store, 1, 2));
  INSIST(FHX_OK, FHX_ERR_INTERNAL, work_claim(store, "w", WORK_LEASE_US, &task));
  assert_int_equal(task.record.task_index, 1);
  assert_int_equal(task.record.fence, 1);
  INSIST(FHX_OK, FHX_ERR_REFUSED, work_advance(store, 1, 1, 1, 0, NULL));
  INSIST(FHX_OK, FHX_ERR_REFUSED, work_advance(store, 1, 1, 2, 1, NULL));
  INSIST(FHX_OK, FHX_ERR_INTERNAL, fhx__store_read_task(store, WORK_JOB, 1, &task, NULL));
  assert_int_equal(task.record.next_seq, 3);
  assert_int_equal(task.record.resource_count, 3);
  INSIST(FHX_OK, FHX_ERR_INTERNAL, fhx__store_remove_job(store, WORK_JOB, NULL));
  INSIST(FHX_OK, FHX_ERR_NOT_FOUND, fhx__store_clean_job(store, WORK_JOB, &wait_us, NULL));
  fhx__task_entry_free(&task);
}

static void every_message_may_be_the_last(void **state) {
  far_place at;
  (void)state;
  far_new(&at);
  const uint32_t stride = test_is_quick() ? 7 : 1;
  fhx_store_free(place_open(&at.near));
  for (int how = TEST_CUT_BEFORE; how <= TEST_CUT_AFTER; how++) {
    bool has_cut = true;
    for (uint32_t number = 0; has_cut; number += stride) {
      fhx_store *store = place_open(&at.far);
      test_proxy_cut(at.proxy, (test_cut)how, NULL, number);
      insist_on_a_life(store);
      has_cut = test_proxy_has_cut(at.proxy);
      if (!has_cut) assert_true(number > 50);
      fhx_store_free(store);
    }
  }
  far_drop(&at);
}

/* --- the server goes --- */

static void a_server_may_be_gone_between_steps(void **state) {
  place at;
  fhx_store *store = NULL;
  fhx_error *error = NULL;
  (void)state;
  place_new(&at);
  store = place_open(&at);
  work_begin(store, 1);
  test_postgres_kill(place_server());
  test_postgres_start(place_server());
  assert_int_equal(work_advance(store, 1, 1, 1, 0, NULL), FHX_OK);
  test_postgres_kill(place_server());
  assert_lost(work_advance(store, 1, 1, 2, 0, &error), &error, "cannot be reached");
  fhx_store *other = NULL;
  assert_lost(place_try_open(&at, NULL, NULL, &other, &error), &error, "cannot be reached");
  assert_null(other);
  test_postgres_start(place_server());
  assert_int_equal(work_advance(store, 1, 1, 2, 1, NULL), FHX_OK);
  assert_int_equal(work_assert_whole(store, 1), 3);
  fhx_store_free(store);
  place_drop(&at);
}

#define WORKERS 4
#define OUTAGES 3

typedef struct shift {
  fhx_store *store;
  uint32_t task_index;
  uint64_t fence;
  /* The last number that was told to be taken. */
  uint64_t told;
  pthread_t thread;
  const atomic_bool *is_over;
  /* How many steps were told to be taken, for other threads, and that it records no more. */
  atomic_uint steps;
  atomic_bool has_ended;
  int32_t status;
} shift;

/* Records one checkpoint after the other; where an answer is lost it reads how far it is, as the
   library does: again after a refusal, since a server on its way down may have kept what it did not
   show to the one who read. */
static void *record_on(void *user_data) {
  shift *self = user_data;
  uint64_t seq = 1;
  bool is_lost = false;
  while (!atomic_load(self->is_over) && self->status == FHX_OK) {
    fhx__task_entry task = {0};
    fhx_error *error = NULL;
    int32_t status = work_advance(self->store, self->task_index, self->fence, seq, 0, &error);
    const bool is_passing = status == FHX_ERR_STORE && fhx_error_retryable(error) != 0;
    const bool is_taken = status == FHX_ERR_REFUSED && is_lost;
    is_lost = is_passing;
    if (status == FHX_OK) {
      self->told = seq++;
      atomic_fetch_add(&self->steps, 1);
    } else if (!is_passing && !is_taken) {
      self->status = status;
    } else if (fhx__store_read_task(self->store, WORK_JOB, self->task_index, &task, NULL) ==
               FHX_OK) {
      if (task.record.next_seq < self->told + 1 || task.record.next_seq > self->told + 2) {
        self->status = FHX_ERR_INTERNAL;
      }
      seq = task.record.next_seq;
      self->told = seq - 1;
    } else {
      fhx__clock_sleep_us(20000);
    }
    fhx__task_entry_free(&task);
    fhx_error_free(error);
  }
  atomic_store(&self->has_ended, true);
  return NULL;
}

/* Until each has recorded one more. */
static void wait_for_steps(shift shifts[WORKERS]) {
  unsigned before[WORKERS];
  const int64_t until_us = fhx__clock_monotonic_us() + INT64_C(300000000);
  for (int i = 0; i < WORKERS; i++) before[i] = atomic_load(&shifts[i].steps);
  for (int i = 0; i < WORKERS; i++) {
    while (atomic_load(&shifts[i].steps) == before[i] && !atomic_load(&shifts[i].has_ended) &&
           fhx__clock_monotonic_us() < until_us) {
      fhx__clock_sleep_us(2000);
    }
  }
}

static void a_server_may_go_during_steps(void **state) {
  place at;
  shift shifts[WORKERS];
  atomic_bool is_over = false;
  (void)state;
  place_new(&at);
  fhx_store *stores[2] = {place_open(&at), place_open(&at)};
  work_begin(stores[0], WORKERS);
  for (uint32_t i = 0; i < WORKERS; i++) {
    fhx__task_entry task = {0};
    const char name[] = {'w', i == 0 ? '\0' : (char)('0' + i), '\0'};
    assert_int_equal(work_claim(stores[i % 2], name, 10 * WORK_LEASE_US, &task), FHX_OK);
    shifts[i] = (shift){.store = stores[i % 2],
                        .task_index = task.record.task_index,
                        .fence = task.record.fence,
                        .is_over = &is_over};
    fhx__task_entry_free(&task);
    assert_int_equal(pthread_create(&shifts[i].thread, NULL, record_on, &shifts[i]), 0);
  }
  for (int i = 0; i < OUTAGES; i++) {
    fhx__clock_sleep_us(300000);
    wait_for_steps(shifts);
    test_postgres_kill(place_server());
    fhx__clock_sleep_us(50000);
    test_postgres_start(place_server());
  }
  fhx__clock_sleep_us(300000);
  wait_for_steps(shifts);
  atomic_store(&is_over, true);
  for (uint32_t i = 0; i < WORKERS; i++) {
    assert_int_equal(pthread_join(shifts[i].thread, NULL), 0);
    assert_int_equal(shifts[i].status, FHX_OK);
    const uint64_t next_seq = work_assert_whole(stores[0], shifts[i].task_index);
    assert_in_range(next_seq, shifts[i].told + 1, shifts[i].told + 2);
    assert_true(shifts[i].told > 2);
  }
  fhx_store_free(stores[0]);
  fhx_store_free(stores[1]);
  place_drop(&at);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_lost_commit_claims_nothing),
      cmocka_unit_test(what_was_read_needs_no_commit),
      cmocka_unit_test(a_silent_server_is_not_waited_for),
      cmocka_unit_test(every_message_may_be_the_last),
      cmocka_unit_test(a_server_may_be_gone_between_steps),
      cmocka_unit_test(a_server_may_go_during_steps),
  };
  if (test_is_without("postgres")) {
    puts("skipped: run without postgres");
    return 77;
  }
  const int failures = cmocka_run_group_tests_name("postgres loss", tests, NULL, NULL);
  place_end();
  return failures;
}
