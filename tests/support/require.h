/*
 * Checks in tests that run through tables of scenarios, also on threads: a failure names the
 * scenario. cmocka's own assertions must not be used on other threads than the test's.
 */
#ifndef TEST_SUPPORT_REQUIRE_H
#define TEST_SUPPORT_REQUIRE_H

#include <stdbool.h>
#include <stdint.h>

/* Names the scenario that begins; also forgets earlier violations. */
void test_scenario(const char *format, ...)
#if defined(__GNUC__)
    __attribute__((format(printf, 1, 2)))
#endif
    ;

/* Fails the test, with the scenario's name. Only on the test's thread. */
#define test_require(condition) test_require_at((condition), #condition, __FILE__, __LINE__)
void test_require_at(bool holds, const char *condition, const char *file, int line);

/* The same of a status, which is printed by name, with the message of an error. */
#define test_require_status(status, expected) \
  test_require_status_at((status), (expected), __FILE__, __LINE__)
void test_require_status_at(int32_t status, int32_t expected, const char *file, int line);

/* Notes that something went wrong, on any thread; test_require_sound fails if there was one. */
void test_violation(const char *sentence);
void test_violation_unless(bool holds, const char *sentence);
void test_require_sound(void);

/* Whether the environment asks for a short run (FHX_QUICK=1 or 2). */
bool test_is_quick(void);
/* The step of a loop over calls or allocations that fail: 1; `quick_step` in a short run; four
   times that in one that is slow besides (FHX_QUICK=2). */
uint64_t test_step(uint64_t quick_step);

#endif
