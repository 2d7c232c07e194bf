/* How fast jobs may be polled (STAT-05, STAT-06). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

#include "protocol/polls.h"
#include "support/memory.h"
#include "support/require.h"

#define SECOND INT64_C(1000000)
#define START (1000 * SECOND)

static const char job[] = "0123456789abcdef0123456789abcdef";

static fhx__polls *polls;

static int begin(void **state) {
  (void)state;
  polls = fhx__polls_new();
  return polls == NULL ? -1 : 0;
}

static int end(void **state) {
  (void)state;
  fhx__polls_free(polls);
  return 0;
}

/* Of three polls within `retry` seconds; 0: answered, else what Retry-After then says. */
static uint32_t poll_at(const char *job_id, int64_t now_us, uint32_t retry) {
  uint32_t seconds = retry;
  bool is_admitted = fhx__polls_admit(polls, job_id, 3, now_us, &seconds);
  if (is_admitted) test_require(seconds == retry);
  return is_admitted ? 0 : seconds;
}

static void too_fast(void **state) {
  (void)state;
  for (int i = 0; i < 3; i++) test_require(poll_at(job, START + i, 5) == 0);
  test_require(poll_at(job, START + 3, 5) == 5);
  test_require(poll_at(job, START + 3 * SECOND, 5) == 2);
  test_require(poll_at(job, START + 5 * SECOND - 1, 5) == 1);
  /* However many were refused, the next time begins anew. */
  for (int i = 0; i < 3; i++) test_require(poll_at(job, START + 5 * SECOND + i, 5) == 0);
  test_require(poll_at(job, START + 5 * SECOND + 3, 5) == 5);
}

/* STAT-06: after so many seconds as the last answer said, whichever it was. */
static void waits_as_told(void **state) {
  (void)state;
  int64_t now_us = START;
  for (int i = 0; i < 20; i++) {
    test_require(poll_at(job, now_us, 1) == 0);
    now_us += SECOND;
  }
  for (int i = 0; i < 20; i++) {
    for (int k = 0; k < 3; k++) poll_at(job, now_us, 10);
    uint32_t seconds = poll_at(job, now_us + 7654321, 10);
    test_require(seconds == 3);
    now_us += 7654321 + seconds * SECOND;
    test_require(poll_at(job, now_us, 10) == 0);
  }
  /* Also where Retry-After has got shorter meanwhile. */
  poll_at(job, now_us, 10);
  test_require(poll_at(job, now_us + 1, 1) == 0);
  test_require(poll_at(job, now_us + 2, 1) != 0);
  test_require(poll_at(job, now_us + 2 + 10 * SECOND, 1) == 0);
}

/* The first poll is answered whatever happens to other jobs, also to more than there is room for;
   and who is too fast stays so among as many as there is room for. */
static void others(void **state) {
  char other[33];
  (void)state;
  for (unsigned i = 0; i < 20000; i++) {
    snprintf(other, sizeof other, "%032x", i);
    test_require(poll_at(other, START + (int64_t)i, 60) == 0);
  }
  for (int i = 0; i < 3; i++) test_require(poll_at(job, START + SECOND, 60) == 0);
  for (unsigned i = 20000; i < 20100; i++) {
    snprintf(other, sizeof other, "%032x", i);
    test_require(poll_at(other, START + 2 * SECOND, 60) == 0);
  }
  test_require(poll_at(job, START + 2 * SECOND, 60) == 59);
}

static void out_of_memory(void **state) {
  (void)state;
  test_memory_begin(1);
  fhx__polls *none = fhx__polls_new();
  test_require(test_memory_end() && none == NULL);
  fhx__polls_free(none);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(too_fast, begin, end),
      cmocka_unit_test_setup_teardown(waits_as_told, begin, end),
      cmocka_unit_test_setup_teardown(others, begin, end),
      cmocka_unit_test(out_of_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
