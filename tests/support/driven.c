/* A clock that a test drives. */
#include "support/driven.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

#include "support/dataset.h"
#include "support/require.h"

#define MEMBERS_MAX 8
/* The monotonic clock has another origin, so that the two cannot be mistaken. */
#define MONOTONIC_US INT64_C(5000000000)

typedef struct member {
  test_driven *driven;
  pthread_t thread;
  fhx_engine *engine;
  int32_t status;
  /* Under the mutex: when it wants to go on, and that it is there at all. */
  int64_t due_us;
  bool is_there;
} member;

struct test_driven {
  fhx_clock clock;
  test_random random;
  int64_t begun_us;
  atomic_int_least64_t now_us;
  pthread_mutex_t mutex;
  pthread_cond_t handed;
  /* Under the mutex. The first is the test's own thread. */
  member members[MEMBERS_MAX];
  int count;
  int running;
  bool is_over;
};

/* Which of the members this thread is. */
static _Thread_local member *self;

int64_t test_driven_now(void *context) {
  test_driven *driven = context;
  return atomic_load(&driven->now_us);
}

static int64_t monotonic(void *context) {
  test_driven *driven = context;
  return atomic_load(&driven->now_us) - driven->begun_us + MONOTONIC_US;
}

/* Under the mutex: the one that wants to go on first runs, when it is its time. */
static void hand_on(test_driven *driven) {
  int next = -1;
  for (int i = 0; i < driven->count; i++) {
    const member *at = &driven->members[i];
    if (at->is_there && (next < 0 || at->due_us < driven->members[next].due_us)) next = i;
  }
  driven->running = next;
  if (next >= 0 && driven->members[next].due_us > driven->now_us) {
    atomic_store(&driven->now_us, driven->members[next].due_us);
  }
  pthread_cond_broadcast(&driven->handed);
}

/* Under the mutex. */
static void await_turn(test_driven *driven, const member *me) {
  while (!driven->is_over && driven->running != (int)(me - driven->members)) {
    pthread_cond_wait(&driven->handed, &driven->mutex);
  }
}

void test_driven_sleep(test_driven *driven, int64_t duration_us) {
  member *me = self;
  if (me == NULL || me->driven != driven) {
    test_violation("a thread waits that does not take part");
    return;
  }
  pthread_mutex_lock(&driven->mutex);
  if (!driven->is_over) {
    me->due_us = driven->now_us + (duration_us > 0 ? duration_us : 0);
    hand_on(driven);
    await_turn(driven, me);
  }
  pthread_mutex_unlock(&driven->mutex);
}

static void wait_until(void *context, int64_t until_us) {
  test_driven_sleep(context, until_us - monotonic(context));
}

static uint64_t random_bits(void *context) {
  test_driven *driven = context;
  pthread_mutex_lock(&driven->mutex);
  uint64_t bits = test_random_next(&driven->random);
  pthread_mutex_unlock(&driven->mutex);
  return bits;
}

static member *add_member(test_driven *driven) {
  member *made = &driven->members[driven->count];
  assert_in_range(driven->count, 0, MEMBERS_MAX - 1);
  made->driven = driven;
  made->due_us = driven->now_us;
  made->is_there = true;
  driven->count++;
  return made;
}

test_driven *test_driven_new(int64_t now_us, uint64_t seed) {
  test_driven *driven = calloc(1, sizeof *driven);
  assert_non_null(driven);
  FHX_INIT(&driven->clock);
  driven->clock.now = test_driven_now;
  driven->clock.monotonic = monotonic;
  driven->clock.wait = wait_until;
  driven->clock.random = random_bits;
  driven->clock.user_data = driven;
  driven->random.state = seed;
  driven->begun_us = now_us;
  atomic_init(&driven->now_us, now_us);
  assert_int_equal(pthread_mutex_init(&driven->mutex, NULL), 0);
  assert_int_equal(pthread_cond_init(&driven->handed, NULL), 0);
  self = add_member(driven);
  return driven;
}

const fhx_clock *test_driven_clock(const test_driven *driven) {
  return &driven->clock;
}

static void *run(void *context) {
  member *me = context;
  test_driven *driven = me->driven;
  self = me;
  pthread_mutex_lock(&driven->mutex);
  await_turn(driven, me);
  pthread_mutex_unlock(&driven->mutex);
  me->status = fhx_engine_run(me->engine, NULL);
  pthread_mutex_lock(&driven->mutex);
  me->is_there = false;
  hand_on(driven);
  pthread_mutex_unlock(&driven->mutex);
  return NULL;
}

void test_driven_run(test_driven *driven, fhx_engine *engine) {
  pthread_mutex_lock(&driven->mutex);
  member *made = add_member(driven);
  made->engine = engine;
  pthread_mutex_unlock(&driven->mutex);
  assert_int_equal(pthread_create(&made->thread, NULL, run, made), 0);
}

void test_driven_stop(test_driven *driven) {
  pthread_mutex_lock(&driven->mutex);
  driven->is_over = true;
  pthread_cond_broadcast(&driven->handed);
  pthread_mutex_unlock(&driven->mutex);
  for (int i = 1; i < driven->count; i++) {
    pthread_join(driven->members[i].thread, NULL);
    test_require_status(driven->members[i].status, FHX_WAIT);
  }
}

void test_driven_free(test_driven *driven) {
  pthread_cond_destroy(&driven->handed);
  pthread_mutex_destroy(&driven->mutex);
  self = NULL;
  free(driven);
}
