/* The bounds of all histograms: from an answer out of memory to an export that waited an hour. */
#ifndef FHX__OBSERVE_BOUNDS_H
#define FHX__OBSERVE_BOUNDS_H

#include "observe/watch.h"

typedef struct fhx__bound {
  uint64_t time_us;
  /* In seconds, as OpenMetrics wants numbers of labels to be. */
  const char *label;
} fhx__bound;

extern const fhx__bound fhx__bounds[FHX__BUCKETS - 1];

#endif
