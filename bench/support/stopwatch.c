#include "support/stopwatch.h"

#include <stdio.h>
#include <time.h>

static double seconds(clockid_t clock) {
  struct timespec now = {0};
  clock_gettime(clock, &now);
  return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

stopwatch stopwatch_start(void) {
  return (stopwatch){.wall = seconds(CLOCK_MONOTONIC), .cpu = seconds(CLOCK_PROCESS_CPUTIME_ID)};
}

void stopwatch_print(const stopwatch *start, uint64_t count, uint64_t bytes) {
  stopwatch now = stopwatch_start();
  printf("count %llu bytes %llu wall %.9f cpu %.9f\n", (unsigned long long)count,
         (unsigned long long)bytes, now.wall - start->wall, now.cpu - start->cpu);
}

double stopwatch_thread_cpu(void) {
  return seconds(CLOCK_THREAD_CPUTIME_ID);
}
