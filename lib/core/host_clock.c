/* Time as a host has it: each part of its clock, or the system's where it has none. */
#include "core/host_clock.h"

#include <openssl/rand.h>

#include "core/clock.h"
#include "core/condition.h"
#include "core/structs.h"

FHX__DEFINE_INIT(fhx_clock)

int32_t fhx__host_clock_read(fhx_clock *clock, const fhx_clock *given, fhx_error **error) {
  fhx_clock_init(clock, sizeof *clock);
  if (given == NULL) return FHX_OK;
  return fhx__struct_in(clock, sizeof *clock, given, "fhx_clock", error);
}

int64_t fhx__host_now_us(const fhx_clock *clock) {
  return clock->now == NULL ? fhx__clock_now_us() : clock->now(clock->user_data);
}

int64_t fhx__host_monotonic_us(const fhx_clock *clock) {
  return clock->monotonic == NULL ? fhx__clock_monotonic_us() : clock->monotonic(clock->user_data);
}

uint64_t fhx__host_random(const fhx_clock *clock) {
  uint64_t bits = 0;
  if (clock->random != NULL) return clock->random(clock->user_data);
  /* Without randomness a pause is as good, only less evenly spread. */
  if (RAND_bytes((unsigned char *)&bits, (int)sizeof bits) != 1) return 0;
  return bits;
}

void fhx__host_sleep_us(const fhx_clock *clock, int64_t duration_us) {
  if (duration_us <= 0) return;
  if (clock->wait == NULL) {
    fhx__clock_sleep_us(duration_us);
  } else {
    clock->wait(clock->user_data, fhx__host_monotonic_us(clock) + duration_us);
  }
}

void fhx__host_wait_us(const fhx_clock *clock, pthread_cond_t *condition, pthread_mutex_t *mutex,
                       int64_t duration_us) {
  if (clock->wait == NULL) {
    fhx__condition_wait(condition, mutex, duration_us);
    return;
  }
  pthread_mutex_unlock(mutex);
  fhx__host_sleep_us(clock, duration_us);
  pthread_mutex_lock(mutex);
}
