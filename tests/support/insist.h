/* An engine of a host whose memory may run out at any allocation (memory.h): what it asks is asked
   again when there is memory, and what goes wrong must have said why. */
#ifndef TEST_SUPPORT_INSIST_H
#define TEST_SUPPORT_INSIST_H

#include <stdbool.h>
#include <stddef.h>

#include "support/engine.h"

/* Asks until there is an answer; copies the header's value, if one is named, and the body. The
   status. */
uint32_t test_insist(fhx_engine *engine, const char *method, const char *target, const char *header,
                     char value[TEST_URL_MAX], char *body, size_t capacity);

/* Whether the engine may be stopped, by the status of a poll of `target`. */
typedef bool (*test_is_over)(uint32_t status);
bool test_has_ended(uint32_t status);

/* One worker, as a host has it, that goes on after an error, until is_over says so of a poll. */
void test_run_to_the_end(fhx_engine *engine, const char *target, test_is_over is_over);

#endif
