/* The resident memory of this process, in KiB; 0 when the system does not tell. */
#ifndef BENCH_MEMORY_H
#define BENCH_MEMORY_H

unsigned long memory_now_kib(void);
/* The most since the program started, or since memory_forget_peak. */
unsigned long memory_peak_kib(void);
void memory_forget_peak(void);

#endif
