/* A condition that is waited for by the clock that never goes back. */
#include "core/condition.h"

#include <time.h>

#include "core/clock.h"

int fhx__condition_init(pthread_cond_t *condition) {
  pthread_condattr_t attributes;
  int code = pthread_condattr_init(&attributes);
  if (code != 0) return code;
  pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
  code = pthread_cond_init(condition, &attributes);
  pthread_condattr_destroy(&attributes);
  return code;
}

void fhx__condition_wait(pthread_cond_t *condition, pthread_mutex_t *mutex, int64_t duration_us) {
  int64_t until_us = fhx__clock_monotonic_us() + duration_us;
  struct timespec until = {(time_t)(until_us / 1000000), (long)(until_us % 1000000) * 1000};
  pthread_cond_timedwait(condition, mutex, &until);
}
