/*
 * What an engine is watched by: the host's log, and what it counts. One for each engine; its jobs
 * point to it, and responses with files have references. All counts are atomic and apart from each
 * other: nobody waits for a lock, and nothing is counted for a single resource.
 */
#ifndef FHX__OBSERVE_WATCH_H
#define FHX__OBSERVE_WATCH_H

#include <fhirexport/clock.h>
#include <fhirexport/error.h>
#include <fhirexport/log.h>
#include <stdatomic.h>
#include <stdbool.h>

/* In the order of the table in metrics.c. */
typedef enum fhx__count {
  FHX__COUNT_JOBS_CREATED,
  FHX__COUNT_JOBS_COMPLETE,
  FHX__COUNT_JOBS_FAILED,
  FHX__COUNT_JOBS_CANCELLED,
  FHX__COUNT_JOBS_CLEANED,
  FHX__COUNT_CLAIMS,
  FHX__COUNT_RESUMES,
  FHX__COUNT_ATTEMPTS_DONE,
  FHX__COUNT_ATTEMPTS_PARKED,
  FHX__COUNT_ATTEMPTS_LOST,
  FHX__COUNT_ATTEMPTS_STORE,
  FHX__COUNT_ATTEMPTS_FAILED,
  FHX__COUNT_RESOURCES,
  FHX__COUNT_BYTES,
  FHX__COUNT_PARTS,
  FHX__COUNT_REFUSED,
  FHX__COUNT_THROTTLED_KICK_OFFS,
  FHX__COUNT_THROTTLED_POLLS,
  FHX__COUNT_FILE_BYTES,
  FHX__COUNT_STORE_LOST,
  FHX__COUNTS
} fhx__count;

/* What a request is for. */
typedef enum fhx__route {
  FHX__ROUTE_OTHER,
  FHX__ROUTE_KICK_OFF,
  FHX__ROUTE_STATUS,
  FHX__ROUTE_CANCEL,
  FHX__ROUTE_FILE,
  FHX__ROUTES
} fhx__route;

/* As the log and the metrics name it. */
const char *fhx__route_name(fhx__route route);

/* Answers are counted as 2xx, 4xx and 5xx. */
#define FHX__CLASSES 3

/* What takes time, in the order of the table in metrics.c; those of the routes come first. */
typedef enum fhx__latency {
  FHX__LATENCY_QUEUE = FHX__ROUTES,
  FHX__LATENCY_CHECKPOINT,
  FHX__LATENCY_COMMIT,
  FHX__LATENCIES
} fhx__latency;

/* Bounds of the buckets, and one more for what is beyond. */
#define FHX__BUCKETS 13

typedef struct fhx__histogram {
  atomic_uint_least64_t buckets[FHX__BUCKETS];
  atomic_uint_least64_t sum_us;
} fhx__histogram;

typedef struct fhx__watch {
  atomic_uint references;
  /* NULL: no log. */
  fhx_log_callback log;
  void *log_user_data;
  /* The engine's: what events and the queue go by; zeroed, it is the system's. */
  fhx_clock clock;
  atomic_uint_least64_t counts[FHX__COUNTS];
  atomic_uint_least64_t answers[FHX__ROUTES][FHX__CLASSES];
  atomic_uint_least64_t tasks_running;
  fhx__histogram latencies[FHX__LATENCIES];
} fhx__watch;

/* NULL: there is no memory. */
fhx__watch *fhx__watch_new(void);
fhx__watch *fhx__watch_ref(fhx__watch *watch);
/* NULL is harmless. */
void fhx__watch_unref(fhx__watch *watch);

/* `watch` may be NULL in all that follow, for a job that no engine has. */
void fhx__watch_add(fhx__watch *watch, fhx__count which, uint64_t more);
void fhx__watch_time(fhx__watch *watch, fhx__latency which, int64_t duration_us);
/* An answer with this HTTP status. */
void fhx__watch_answer(fhx__watch *watch, fhx__route route, uint32_t http, int64_t duration_us);

/* What is read when the metrics are, and not counted. */
typedef struct fhx__levels {
  uint64_t jobs_open;
  int64_t queue_age_us;
  uint64_t store_answers_lost;
} fhx__levels;

struct fhx_metrics;
int32_t fhx__metrics_new(const fhx__watch *watch, const fhx__levels *levels,
                         struct fhx_metrics **metrics, fhx_error **error);

#endif
