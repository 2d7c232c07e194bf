/* What a measured program tells the runner: how long its work took, and how much that was. */
#ifndef BENCH_STOPWATCH_H
#define BENCH_STOPWATCH_H

#include <stdint.h>

typedef struct stopwatch {
  double wall;
  double cpu;
} stopwatch;

/* Begins now. */
stopwatch stopwatch_start(void);

/* Prints "count N bytes N wall S cpu S" on stdout, with the seconds since the start. The runner
   refuses a pair of which both sides did not do the same count. */
void stopwatch_print(const stopwatch *start, uint64_t count, uint64_t bytes);

/* CPU seconds of the calling thread. */
double stopwatch_thread_cpu(void);

#endif
