/* What the tests of the scanner need of cmocka, over the checks of the tests of a store: so a machine that
   has a compiler for aarch64 needs no libraries for it. */
#ifndef TEST_ARM64_CMOCKA_H
#define TEST_ARM64_CMOCKA_H

#include "../store_conformance/cmocka/cmocka.h"

static inline int test_nothing(void **state) {
  (void)state;
  return 0;
}

#define cmocka_unit_test(function) \
  { #function, (function), test_nothing, test_nothing, NULL }
#define assert_int_not_equal(one, other) \
  fhx__check((int64_t)(one) != (int64_t)(other), #one " != " #other, __FILE__, __LINE__)
#define fail_msg(...) (fhx__check_say(__VA_ARGS__), fail())

#endif
