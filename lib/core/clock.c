/* Clocks and sleeping. */
#include "core/clock.h"

#include <time.h>

static int64_t read_us(clockid_t clock) {
  struct timespec now = {0, 0};
  clock_gettime(clock, &now);
  return (int64_t)now.tv_sec * 1000000 + (int64_t)now.tv_nsec / 1000;
}

int64_t fhx__clock_now_us(void) {
  return read_us(CLOCK_REALTIME);
}

int64_t fhx__clock_monotonic_us(void) {
  return read_us(CLOCK_MONOTONIC);
}

void fhx__clock_sleep_us(int64_t duration_us) {
  if (duration_us <= 0) return;
  struct timespec pause = {(time_t)(duration_us / 1000000), (long)(duration_us % 1000000) * 1000};
  nanosleep(&pause, NULL);
}
