/*
 * A clock that a test drives: time stands still while anybody does something, and goes on, at once,
 * to when the next one wants to be woken. One thread runs at a time and hands on, so that a run
 * repeats itself for the same seed, and hours of waiting take no time.
 */
#ifndef TEST_SUPPORT_DRIVEN_H
#define TEST_SUPPORT_DRIVEN_H

#include <fhirexport/engine.h>

#define TEST_SECOND_US INT64_C(1000000)
#define TEST_MINUTE_US (60 * TEST_SECOND_US)

typedef struct test_driven test_driven;

/* The calling thread is the first that takes part. `seed` is that of fhx_clock's random. */
test_driven *test_driven_new(int64_t now_us, uint64_t seed);
/* For options; its waits are for threads that take part. */
const fhx_clock *test_driven_clock(const test_driven *driven);
/* The time, as a clock for stores and sources; the context is the clock. Any thread. */
int64_t test_driven_now(void *driven);
/* Lets others run until it is so late; on a thread that takes part. */
void test_driven_sleep(test_driven *driven, int64_t duration_us);

/* Starts a thread that takes part and is inside fhx_engine_run from now on. */
void test_driven_run(test_driven *driven, fhx_engine *engine);
/* After fhx_engine_stop of all engines: nobody sleeps any more, all threads are waited for, each of
   which must have come to FHX_WAIT. Time stands still from here on. */
void test_driven_stop(test_driven *driven);
void test_driven_free(test_driven *driven);

#endif
