/* Time as a host has it: each part of its clock, or the system's where it has none. */
#ifndef FHX__CORE_HOST_CLOCK_H
#define FHX__CORE_HOST_CLOCK_H

#include <fhirexport/clock.h>
#include <fhirexport/error.h>
#include <pthread.h>

/* Copies what the host gives; NULL: the system's clock. */
int32_t fhx__host_clock_read(fhx_clock *clock, const fhx_clock *given, fhx_error **error);

/* Microseconds since 1970 UTC, and by a clock that never goes back. */
int64_t fhx__host_now_us(const fhx_clock *clock);
int64_t fhx__host_monotonic_us(const fhx_clock *clock);

/* 64 random bits, for pauses only. */
uint64_t fhx__host_random(const fhx_clock *clock);

/* Waits for so long at most; no lock is held. */
void fhx__host_sleep_us(const fhx_clock *clock, int64_t duration_us);

/* Waits for a signal, or for so long at most. The host's own wait is called without the mutex and
   hears no signal: whoever waits looks again afterwards. */
void fhx__host_wait_us(const fhx_clock *clock, pthread_cond_t *condition, pthread_mutex_t *mutex,
                       int64_t duration_us);

#endif
