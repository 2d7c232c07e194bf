/* Counting. What is counted together is not read together: a reader may see one of two counts that
   belong to the same event a moment before the other. */
#include "observe/watch.h"

#include "core/alloc.h"
#include "observe/bounds.h"

const char *fhx__route_name(fhx__route route) {
  static const char *const names[FHX__ROUTES] = {"other", "kick_off", "status", "cancel", "file"};
  return names[route];
}

fhx__watch *fhx__watch_new(void) {
  fhx__watch *watch = fhx__alloc_zeroed(1, sizeof *watch);
  if (watch != NULL) atomic_store(&watch->references, 1);
  return watch;
}

fhx__watch *fhx__watch_ref(fhx__watch *watch) {
  atomic_fetch_add(&watch->references, 1);
  return watch;
}

void fhx__watch_unref(fhx__watch *watch) {
  if (watch != NULL && atomic_fetch_sub(&watch->references, 1) == 1) fhx__free(watch);
}

static void add(atomic_uint_least64_t *count, uint64_t more) {
  atomic_fetch_add_explicit(count, more, memory_order_relaxed);
}

void fhx__watch_add(fhx__watch *watch, fhx__count which, uint64_t more) {
  if (watch != NULL) add(&watch->counts[which], more);
}

void fhx__watch_time(fhx__watch *watch, fhx__latency which, int64_t duration_us) {
  size_t at = 0;
  if (watch == NULL) return;
  /* Two clocks may disagree, and one that can be set may go back. */
  uint64_t time_us = duration_us < 0 ? 0 : (uint64_t)duration_us;
  fhx__histogram *histogram = &watch->latencies[which];
  while (at < FHX__BUCKETS - 1 && time_us > fhx__bounds[at].time_us) at++;
  add(&histogram->buckets[at], 1);
  add(&histogram->sum_us, time_us);
}

void fhx__watch_answer(fhx__watch *watch, fhx__route route, uint32_t http, int64_t duration_us) {
  if (watch == NULL) return;
  const size_t class_of = http < 400 ? 0 : http < 500 ? 1 : 2;
  add(&watch->answers[route][class_of], 1);
  fhx__watch_time(watch, (fhx__latency)route, duration_us);
}
