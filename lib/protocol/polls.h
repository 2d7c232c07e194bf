/*
 * How fast jobs are polled (STAT-05): a fixed table, where a job that is not polled any more makes
 * room for another. Any thread; the mutex is held for a few steps.
 */
#ifndef FHX__PROTOCOL_POLLS_H
#define FHX__PROTOCOL_POLLS_H

#include <stdbool.h>
#include <stdint.h>

typedef struct fhx__polls fhx__polls;

/* NULL when out of memory. */
fhx__polls *fhx__polls_new(void);
void fhx__polls_free(fhx__polls *polls);

/*
 * Counts a poll of the job of this id (a valid one) at `now_us` (monotonic). True: it is to be
 * answered, with a Retry-After of `retry_seconds`. False when more than `polls_max` have come in
 * one such time: it is to be answered with the Retry-After that `retry_seconds` then says. The
 * first poll, and one that comes when the last Retry-After is over, is always answered (STAT-06).
 */
bool fhx__polls_admit(fhx__polls *polls, const char *job_id, uint32_t polls_max, int64_t now_us,
                      uint32_t *retry_seconds);

#endif
