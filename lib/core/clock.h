/* Clocks and sleeping. */
#ifndef FHX__CORE_CLOCK_H
#define FHX__CORE_CLOCK_H

#include <stdint.h>

/* Microseconds since 1970 UTC by the system's clock. */
int64_t fhx__clock_now_us(void);
/* Microseconds by a clock that never goes back. */
int64_t fhx__clock_monotonic_us(void);
/* Sleeps for about so long. */
void fhx__clock_sleep_us(int64_t duration_us);

#endif
