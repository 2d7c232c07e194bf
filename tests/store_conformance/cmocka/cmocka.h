/*
 * The part of cmocka's interface that the tests of a store are written in, over check.c: a host
 * that runs them needs no cmocka. The library of these tests alone finds it.
 */
#ifndef FHX__CONFORMANCE_CMOCKA_H
#define FHX__CONFORMANCE_CMOCKA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A check that does not hold ends its test. */
void fhx__check(bool holds, const char *what, const char *file, int line);
void fhx__check_equal(const char *what, int64_t one, int64_t other, const char *file, int line);
void fhx__check_range(const char *what, int64_t number, int64_t least, int64_t most,
                      const char *file, int line);
void fhx__check_texts(bool equal, const char *one, const char *other, const char *file, int line);
void fhx__check_bytes(const void *one, const void *other, size_t len, const char *file, int line);
void fhx__check_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

#define print_error fhx__check_say
#define fail() fhx__check(false, "this must not be reached", __FILE__, __LINE__)
#define assert_true(condition) fhx__check((condition), #condition, __FILE__, __LINE__)
#define assert_false(condition) fhx__check(!(condition), "not: " #condition, __FILE__, __LINE__)
#define assert_null(pointer) fhx__check((pointer) == NULL, #pointer " == NULL", __FILE__, __LINE__)
#define assert_non_null(pointer) \
  fhx__check((pointer) != NULL, #pointer " != NULL", __FILE__, __LINE__)
/* Whole numbers of any type, as 64 bits. */
#define assert_int_equal(one, other) \
  fhx__check_equal(#one, (int64_t)(one), (int64_t)(other), __FILE__, __LINE__)
#define assert_in_range(number, least, most)                                                \
  fhx__check_range(#number, (int64_t)(number), (int64_t)(least), (int64_t)(most), __FILE__, \
                   __LINE__)
#define assert_string_equal(one, other) fhx__check_texts(true, one, other, __FILE__, __LINE__)
#define assert_string_not_equal(one, other) fhx__check_texts(false, one, other, __FILE__, __LINE__)
#define assert_memory_equal(one, other, len) fhx__check_bytes(one, other, len, __FILE__, __LINE__)

/* A test. `setup_func` finds the initial state, and leaves there what the others find. */
struct CMUnitTest {
  const char *name;
  void (*test_func)(void **state);
  int (*setup_func)(void **state);
  int (*teardown_func)(void **state);
  void *initial_state;
};

/* Runs them one after another and says how it went; the number of those that failed. */
int fhx__check_run(const char *group, const struct CMUnitTest *tests, size_t count);
#define cmocka_run_group_tests_name(group, tests, setup, teardown) \
  fhx__check_run(group, tests, sizeof(tests) / sizeof *(tests))

#endif
