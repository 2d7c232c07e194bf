/*
 * fhirexport/clock.h: the clock that engines and jobs live by, for hosts that replace the system's:
 * above all for tests that let hours pass in seconds.
 *
 * What runs on it: when leases are renewed and tasks stall, how long links and files are good, how
 * often jobs may be polled, every wait of a worker, and the pauses before a failed task is tried
 * again. The store has a clock of its own (its options), which leases lapse by, and so has the
 * source (read_clock): a host that replaces one replaces all three, or they drift apart. How long a
 * request waits for a store or a destination that does not answer, and all that goes over a
 * network, stays with the system's clock: others do not live by the host's.
 *
 * Ids and keys always come from the system's random generator.
 *
 * Of all functions here: Threads: any. Memory: only what is given is written to. Since 0.9.0.
 */
#ifndef FHIREXPORT_CLOCK_H
#define FHIREXPORT_CLOCK_H

#include <fhirexport/status.h>

FHX_BEGIN_DECLS

/* Tells the time, in microseconds. Any thread, several at once; inside a step of a store and with
   locks held, so it must not call the library. */
typedef int64_t (*fhx_clock_callback)(void *user_data);

/*
 * Waits until `monotonic` tells at least `until_us`, but not longer than that; earlier is no harm:
 * whoever waits looks again. Called by fhx_engine_run, fhx_job_run, fhx_job_run_task and the
 * engine's own threads, with no lock held, for at most five seconds at a time, by helpers (which
 * renew leases) for a quarter of a lease. It may call everything but the functions that run or
 * free. Nobody interrupts it: for fhx_engine_stop, fhx_engine_free, fhx_job_park and
 * fhx_job_cancel to take effect it has to return.
 */
typedef void (*fhx_clock_wait_callback)(void *user_data, int64_t until_us);

/* Gives 64 random bits. Any thread, several at once; it must not call the library. */
typedef uint64_t (*fhx_random_callback)(void *user_data);

/* What is NULL is the system's. */
typedef struct fhx_clock {
  uint32_t size;
  uint32_t reserved;
  /* Since 1970 UTC. */
  fhx_clock_callback now;
  /* From anywhere, never going back. */
  fhx_clock_callback monotonic;
  /* NULL: waits for as long by the system's clock, and can be interrupted. */
  fhx_clock_wait_callback wait;
  /* For the length of pauses before a failed task is tried again, and for nothing else. */
  fhx_random_callback random;
  void *user_data;
} fhx_clock;

/* fhx_init for this structure. */
FHX_API void fhx_clock_init(fhx_clock *clock, uint32_t size);

FHX_END_DECLS

#endif
