/* The Range header (FILE-13). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

#include "request/request.h"
#include "support/require.h"

typedef struct range_case {
  const char *value;
  uint64_t length;
  int32_t status;
  uint64_t first;
  uint64_t count;
} range_case;

static void check(const range_case *cases, size_t case_count) {
  for (size_t i = 0; i < case_count; i++) {
    uint64_t first = 77, count = 77;
    test_scenario("%s of %llu", cases[i].value == NULL ? "(none)" : cases[i].value,
                  (unsigned long long)cases[i].length);
    test_require_status(fhx__range_read(cases[i].value, cases[i].length, &first, &count),
                        cases[i].status);
    test_require(cases[i].status == FHX_ERR_LIMIT || first == cases[i].first);
    test_require(cases[i].status == FHX_ERR_LIMIT || count == cases[i].count);
  }
}

/* 206: a first, a middle and a last stretch. */
static void satisfiable(void **state) {
  static const range_case cases[] = {
      {"bytes=0-0", 100, FHX_OK, 0, 1},
      {"bytes=0-", 100, FHX_OK, 0, 100},
      {"bytes=0-99", 100, FHX_OK, 0, 100},
      {"bytes=0-100", 100, FHX_OK, 0, 100},
      {"bytes=10-19", 100, FHX_OK, 10, 10},
      {"bytes=99-", 100, FHX_OK, 99, 1},
      {"bytes=99-99", 100, FHX_OK, 99, 1},
      {"bytes=0010-0019", 100, FHX_OK, 10, 10},
      {"Bytes=5-5", 100, FHX_OK, 5, 1},
      {"bytes=-1", 100, FHX_OK, 99, 1},
      {"bytes=-100", 100, FHX_OK, 0, 100},
      {"bytes=-101", 100, FHX_OK, 0, 100},
      {"bytes=0-99999999999999999999999999", 100, FHX_OK, 0, 100},
      {"bytes=-99999999999999999999999999", 100, FHX_OK, 0, 100},
      {"bytes=1-18446744073709551615", 100, FHX_OK, 1, 99},
      {"bytes=0-18446744073709551615", UINT64_MAX, FHX_OK, 0, UINT64_MAX},
      {"bytes=18446744073709551614-", UINT64_MAX, FHX_OK, UINT64_MAX - 1, 1},
  };
  (void)state;
  check(cases, sizeof cases / sizeof cases[0]);
}

/* 416 */
static void not_satisfiable(void **state) {
  static const range_case cases[] = {
      {"bytes=100-", 100, FHX_ERR_LIMIT, 0, 0},
      {"bytes=100-200", 100, FHX_ERR_LIMIT, 0, 0},
      {"bytes=-0", 100, FHX_ERR_LIMIT, 0, 0},
      {"bytes=0-", 0, FHX_ERR_LIMIT, 0, 0},
      {"bytes=0-0", 0, FHX_ERR_LIMIT, 0, 0},
      {"bytes=-0", 0, FHX_ERR_LIMIT, 0, 0},
      {"bytes=18446744073709551616-", 100, FHX_ERR_LIMIT, 0, 0},
      {"bytes=18446744073709551615-", UINT64_MAX, FHX_ERR_LIMIT, 0, 0},
      {"bytes=184467440737095516160-", 100, FHX_ERR_LIMIT, 0, 0},
  };
  (void)state;
  check(cases, sizeof cases / sizeof cases[0]);
}

/* 200, the whole. */
static void not_understood(void **state) {
  static const char *const values[] = {
      NULL,
      "",
      "bytes",
      "bytes=",
      "bytes=-",
      "bytes=--1",
      "bytes=1",
      "bytes=a-b",
      "bytes=1-b",
      "bytes=2-1",
      "bytes=0-1,5",
      "bytes=0-1,3-4",
      "bytes=0-1,",
      "bytes=0-1 ",
      " bytes=0-1",
      "bytes =0-1",
      "bytes= 0-1",
      "bytes=0 -1",
      "lines=0-1",
      "byte=0-1",
      "bytesx=0-1",
      "0-1",
      "bytes=+0-1",
      "bytes=0x0-1",
      "bytes=1-2-3",
      "bytes:0-1",
      "bytes=-1-",
      "bytes=\xC2\xB2-3",
      "bytes=99999999999999999999999999-1",
  };
  (void)state;
  for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
    range_case one = {values[i], 100, FHX_END, 0, 100};
    check(&one, 1);
  }
  /* The last byte of nothing: the whole, which is as long. */
  range_case nothing = {"bytes=-1", 0, FHX_END, 0, 0};
  check(&nothing, 1);
}

/* Every range of a few bytes, against the words of the standard. */
static void every_small_range(void **state) {
  (void)state;
  for (uint64_t length = 0; length < 5; length++) {
    for (uint64_t begin = 0; begin < 7; begin++) {
      for (uint64_t last = 0; last < 7; last++) {
        char value[64];
        uint64_t in_range = 0;
        snprintf(value, sizeof value, "bytes=%d-%d", (int)begin, (int)last);
        for (uint64_t at = 0; at < length; at++) in_range += at >= begin && at <= last ? 1 : 0;
        range_case one = {value, length, FHX_OK, begin, in_range};
        if (in_range == 0) one.status = FHX_ERR_LIMIT;
        if (last < begin) one = (range_case){value, length, FHX_END, 0, length};
        check(&one, 1);
      }
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(satisfiable),
      cmocka_unit_test(not_satisfiable),
      cmocka_unit_test(not_understood),
      cmocka_unit_test(every_small_range),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
