/* A condition that is waited for by the clock that never goes back. */
#ifndef FHX__CORE_CONDITION_H
#define FHX__CORE_CONDITION_H

#include <pthread.h>
#include <stdint.h>

/* 0 or an errno value. */
int fhx__condition_init(pthread_cond_t *condition);

/* Waits for a signal, or until so much time is over. */
void fhx__condition_wait(pthread_cond_t *condition, pthread_mutex_t *mutex, int64_t duration_us);

#endif
