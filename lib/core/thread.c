/* Threads of the library's own. */
#include "core/thread.h"

#include <time.h>

/* The host's signals are not for a thread that it does not know. Those of a fault of the thread
   itself cannot wait. */
int fhx__thread_start(pthread_t *thread, void *(*run)(void *context), void *context) {
  static const int of_faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL};
  sigset_t all, before;
  sigfillset(&all);
  for (size_t i = 0; i < sizeof of_faults / sizeof *of_faults; i++) sigdelset(&all, of_faults[i]);
  int code = pthread_sigmask(SIG_SETMASK, &all, &before);
  if (code != 0) return code;
  code = pthread_create(thread, NULL, run, context);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return code;
}

void fhx__pipe_shield_raise(fhx__pipe_shield *shield) {
  sigset_t pipe, pending;
  shield->is_up = false;
  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE);
  /* If one waits already, another changes nothing. */
  if (sigpending(&pending) != 0 || sigismember(&pending, SIGPIPE) == 1) return;
  shield->is_up = pthread_sigmask(SIG_BLOCK, &pipe, &shield->before) == 0;
}

void fhx__pipe_shield_lower(fhx__pipe_shield *shield) {
  static const struct timespec at_once = {0, 0};
  sigset_t pipe;
  if (!shield->is_up) return;
  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE);
  if (sigismember(&shield->before, SIGPIPE) == 0) sigtimedwait(&pipe, NULL, &at_once);
  pthread_sigmask(SIG_SETMASK, &shield->before, NULL);
}
