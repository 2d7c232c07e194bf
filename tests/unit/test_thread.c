/* Signals: what a thread of the library's takes, and what a host's thread does not see. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs those above. */
#include <cmocka.h>
#include <errno.h>
#include <time.h>
#include <unistd.h>

#include "core/thread.h"

static void *read_mask(void *context) {
  pthread_sigmask(SIG_SETMASK, NULL, context);
  return NULL;
}

static void own_thread(void **state) {
  static const int blocked[] = {SIGPIPE, SIGTERM, SIGINT, SIGCHLD, SIGALRM, SIGUSR1, SIGPROF};
  static const int of_faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL};
  sigset_t before, inside, after;
  pthread_t thread;
  (void)state;
  pthread_sigmask(SIG_SETMASK, NULL, &before);
  assert_int_equal(fhx__thread_start(&thread, read_mask, &inside), 0);
  pthread_join(thread, NULL);
  pthread_sigmask(SIG_SETMASK, NULL, &after);
  for (size_t i = 0; i < sizeof blocked / sizeof *blocked; i++) {
    assert_int_equal(sigismember(&inside, blocked[i]), 1);
    assert_int_equal(sigismember(&after, blocked[i]), sigismember(&before, blocked[i]));
  }
  for (size_t i = 0; i < sizeof of_faults / sizeof *of_faults; i++) {
    assert_int_equal(sigismember(&inside, of_faults[i]), 0);
  }
}

static void write_to_nobody(void) {
  int ends[2];
  assert_int_equal(pipe(ends), 0);
  close(ends[0]);
  assert_int_equal(write(ends[1], "a", 1), -1);
  assert_int_equal(errno, EPIPE);
  close(ends[1]);
}

static bool has_pipe(int (*get)(sigset_t *)) {
  sigset_t set;
  assert_int_equal(get(&set), 0);
  return sigismember(&set, SIGPIPE) == 1;
}

static int get_mask(sigset_t *set) {
  return pthread_sigmask(SIG_SETMASK, NULL, set);
}

/* SIGPIPE ends a process that has said nothing else of it. */
static void shield(void **state) {
  fhx__pipe_shield up;
  (void)state;
  signal(SIGPIPE, SIG_DFL);
  for (int i = 0; i < 2; i++) {
    fhx__pipe_shield_raise(&up);
    if (i == 0) write_to_nobody();
    fhx__pipe_shield_lower(&up);
    assert_false(has_pipe(sigpending));
    assert_false(has_pipe(get_mask));
  }
}

/* One that the host holds back stays, and so does its mask. */
static void pending(void **state) {
  static const struct timespec at_once = {0, 0};
  fhx__pipe_shield up;
  sigset_t only;
  (void)state;
  sigemptyset(&only);
  sigaddset(&only, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &only, NULL);
  write_to_nobody();
  assert_true(has_pipe(sigpending));
  fhx__pipe_shield_raise(&up);
  write_to_nobody();
  fhx__pipe_shield_lower(&up);
  assert_true(has_pipe(sigpending));
  assert_true(has_pipe(get_mask));
  assert_int_equal(sigtimedwait(&only, NULL, &at_once), SIGPIPE);
  pthread_sigmask(SIG_UNBLOCK, &only, NULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(own_thread), cmocka_unit_test(shield),
                                     cmocka_unit_test(pending)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
