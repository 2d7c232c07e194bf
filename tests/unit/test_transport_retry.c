/*
 * What is asked for again, how often and when: after answers, after lost connections, by the
 * owner's wish; the count of a job; Retry-After; deadlines; and what is in doubt at the end.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

#include "core/clock.h"
#include "core/instant.h"
#include "support/require.h"
#include "transport/retry.h"
#include "transport_fixture.h"

#define COUNT(of) (sizeof(of) / sizeof *(of))
#define SECOND_US INT64_C(1000000)

static fhx__transport *transport_new(uint32_t flags, uint32_t retries_max) {
  fhx__transport *transport = NULL;
  fhx_http_options options;
  FHX_INIT(&options);
  options.flags = flags;
  options.proxy = "";
  options.retries_max = retries_max;
  assert_int_equal(fhx__transport_new(&options, &transport, NULL), FHX_OK);
  return transport;
}

/* --- what is repeated --- */

static void test_order(void **state) {
  const test_server_step steps[] = {
      {.times = 1, .status = 503, .body = "busy", .headers = "Connection: close\r\n"},
      {.times = 1, .fault = TEST_SERVER_CLOSES},
      {.times = 1, .status = 429, .headers = "X-Old: 1\r\n"},
      {.times = 1, .fault = TEST_SERVER_TRUNCATES, .body = "0123", .after = 2},
      {.body = "done"},
  };
  (void)state;
  for (uint32_t flags = 0; flags <= FHX_HTTP_NO_THREAD; flags++) {
    test_server *server = test_server_start(steps, COUNT(steps));
    fhx__transport *transport = transport_new(flags, 0);
    test_ask ask = {test_server_url(server), "/p", NULL, 0, 0, 0, 0};
    fhx__transfer transfer = test_transfer(&ask, "PUT", "body", 4);
    assert_int_equal(fhx__transfer_run(transport, &transfer, NULL), FHX_OK);
    assert_int_equal(transfer.http_status, 200);
    assert_int_equal(transfer.attempts, 5);
    assert_string_equal(test_answer_text(&transfer), "done");
    assert_null(fhx__transfer_header(&transfer, "X-Old"));
    assert_true(transfer.in_doubt);
    assert_int_equal(test_server_count(server), 5);
    /* Each was signed anew, and is whole. */
    for (size_t i = 0; i < 5; i++) {
      char number[8], wanted[8];
      const test_server_request *request = test_server_request_at(server, i);
      snprintf(wanted, sizeof wanted, "%d", (int)i + 1);
      assert_true(test_server_header(request, "X-Signing", number, sizeof number));
      assert_string_equal(number, wanted);
      assert_string_equal(request->body, "body");
    }
    fhx__transfer_clear(&transfer);
    fhx__transport_free(transport);
    test_server_end(server);
  }
}

static void test_statuses(void **state) {
  static const struct {
    uint32_t status;
    uint32_t attempts;
  } cases[] = {
      {200, 1}, {204, 1}, {301, 1}, {304, 1}, {400, 1}, {401, 1}, {403, 1},
      {404, 1}, {409, 1}, {412, 1}, {416, 1}, {408, 2}, {429, 2}, {500, 2},
      {501, 1}, {502, 2}, {503, 2}, {504, 2}, {505, 1}, {507, 2}, {599, 2},
  };
  fhx__transport *transport = transport_new(0, 0);
  (void)state;
  for (size_t i = 0; i < COUNT(cases); i++) {
    test_scenario("status %u", cases[i].status);
    const test_server_step steps[] = {{.times = 1, .status = cases[i].status}, {.status = 200}};
    test_server *server = test_server_start(steps, 2);
    test_ask ask = {test_server_url(server), "/", NULL, 0, 0, 0, 0};
    fhx__transfer transfer = test_transfer(&ask, "GET", NULL, 0);
    test_require_status(fhx__transfer_run(transport, &transfer, NULL), FHX_OK);
    test_require(transfer.attempts == cases[i].attempts);
    test_require(transfer.http_status == (cases[i].attempts == 2 ? 200 : cases[i].status));
    test_require(!transfer.in_doubt);
    fhx__transfer_clear(&transfer);
    test_server_end(server);
  }
  fhx__transport_free(transport);
}

static void test_again(void **state) {
  const test_server_step steps[] = {{.times = 2, .status = 400, .body = "RequestTimeout"},
                                    {.status = 200}};
  test_server *server = test_server_start(steps, 2);
  fhx__transport *transport = transport_new(0, 0);
  test_ask ask = {test_server_url(server), "/", NULL, 0, 0, 0, 400};
  fhx__transfer transfer = test_transfer(&ask, "GET", NULL, 0);
  (void)state;
  assert_int_equal(fhx__transfer_run(transport, &transfer, NULL), FHX_OK);
  assert_int_equal(transfer.http_status, 200);
  assert_int_equal(transfer.attempts, 3);
  fhx__transfer_clear(&transfer);
  fhx__transport_free(transport);
  test_server_end(server);
}

/* An answer that is too long is one all the same when it says "later". */
static void test_long_refusal(void **state) {
  const test_server_step steps[] = {{.times = 1, .status = 503, .body = "a page of HTML"},
                                    {.body = "ok"}};
  test_server *server = test_server_start(steps, 2);
  fhx__transport *transport = transport_new(0, 0);
  test_ask ask = {test_server_url(server), "/", NULL, 0, 0, 0, 0};
  fhx__transfer transfer = test_transfer(&ask, "GET", NULL, 0);
  transfer.answer_max = 4;
  (void)state;
  assert_int_equal(fhx__transfer_run(transport, &transfer, NULL), FHX_OK);
  assert_string_equal(test_answer_text(&transfer), "ok");
  fhx__transfer_clear(&transfer);
  fhx__transport_free(transport);
  test_server_end(server);
}

/* libcurl sends a request again by itself when the connection it had kept is gone: the owner must
   hear of it, since the server may have taken the first. */
static void test_kept_connection(void **state) {
  const test_server_step steps[] = {
      {.times = 1}, {.times = 1, .fault = TEST_SERVER_CLOSES}, {.status = 412}};
  test_server *server = test_server_start(steps, 3);
  fhx__transport *transport = transport_new(0, 0);
  test_ask ask = {test_server_url(server), "/", NULL, 0, 0, 0, 0};
  fhx__transfer transfer = test_transfer(&ask, "PUT", "a", 1);
  (void)state;
  assert_int_equal(fhx__transfer_run(transport, &transfer, NULL), FHX_OK);
  assert_false(transfer.in_doubt);
  assert_int_equal(fhx__transfer_run(transport, &transfer, NULL), FHX_OK);
  assert_int_equal(transfer.http_status, 412);
  assert_true(transfer.in_doubt);
  assert_int_equal(test_server_count(server), 3);
  fhx__transfer_clear(&transfer);
  fhx__transport_free(transport);
  test_server_end(server);
}

/* --- how often --- */

static void test_own_count(void **state) {
  const test_server_step busy = {.status = 503, .body = "busy"};
  const test_server_step closes = {.fault = TEST_SERVER_CLOSES};
  fhx__transport *transport = transport_new(0, 2);
  test_server *server = test_server_start(&busy, 1);
  test_ask ask = {test_server_url(server), "/", NULL, 0, 0, 0, 0};
  fhx__transfer transfer = test_transfer(&ask, "PUT", "a", 1);
  (void)state;
  /* It ends with what it last had: an answer, */
  assert_int_equal(fhx__transfer_run(transport, &transfer, NULL), FHX_OK);
  assert_int_equal(transfer.http_status, 503);
  assert_string_equal(test_answer_text(&transfer), "busy");
  assert_int_equal(transfer.attempts, 3);
  assert_false(transfer.in_doubt);
  /* or none. */
  test_server_set(server, &closes, 1);
  assert_int_equal(fhx__transfer_run(transport, &transfer, NULL), FHX_ERR_IO);
  assert_int_equal(transfer.attempts, 3);
  assert_true(transfer.in_doubt);
  fhx__transfer_clear(&transfer);
  fhx__transport_free(transport);
  test_server_end(server);
}

static void test_shared_count(void **state) {
  const test_server_step steps[] = {{.target = "/ok", .times = 2, .status = 503},
                                    {.target = "/ok"},
                                    {.target = "/busy", .status = 503}};
  fhx__transport *transport = transport_new(0, 3);
  test_server *server = test_server_start(steps, COUNT(steps));
  fhx__retries *job = fhx__retries_get(transport, "job", 3);
  fhx__retries *other = fhx__retries_get(transport, "jo", 2);
  test_ask ask = {test_server_url(server), "/ok", NULL, 0, 0, 0, 0};
  fhx__transfer transfer = test_transfer(&ask, "GET", NULL, 0);
  (void)state;
  assert_non_null(job);
  assert_ptr_not_equal(job, other);
  assert_ptr_equal(fhx__retries_get(transport, "job", 3), job);
  fhx__retries_put(transport, job);
  transfer.retries = job;
  /* Two are used, one comes back: two are left. */
  assert_int_equal(fhx__transfer_run(transport, &transfer, NULL), FHX_OK);
  assert_int_equal(transfer.attempts, 3);
  assert_int_equal(job->left, 2);
  ask.target = "/busy";
  assert_int_equal(fhx__transfer_run(transport, &transfer, NULL), FHX_OK);
  assert_int_equal(transfer.attempts, 3);
  assert_int_equal(job->left, 0);
  assert_int_equal(fhx__transfer_run(transport, &transfer, NULL), FHX_OK);
  assert_int_equal(transfer.attempts, 1);
  /* Others have theirs; each success gives one back, up to what there was. */
  assert_int_equal(other->left, 3);
  ask.target = "/ok";
  for (uint32_t i = 1; i <= 5; i++) {
    assert_int_equal(fhx__transfer_run(transport, &transfer, NULL), FHX_OK);
    assert_int_equal(job->left, i < 3 ? i : 3);
  }
  fhx__retries_put(transport, job);
  fhx__retries_put(transport, other);
  fhx__retries_put(transport, NULL);
  fhx__transfer_clear(&transfer);
  fhx__transport_free(transport);
  test_server_end(server);
}

/* --- when --- */

static uint32_t attempts_after(const char *headers, int64_t until_us) {
  const test_server_step steps[] = {{.times = 1, .status = 503, .headers = headers},
                                    {.status = 200}};
  fhx__transport *transport = transport_new(0, 0);
  test_server *server = test_server_start(steps, 2);
  test_ask ask = {test_server_url(server), "/", NULL, 0, 0, 0, 0};
  fhx__transfer transfer = test_transfer(&ask, "GET", NULL, 0);
  if (until_us != 0) transfer.until_us = fhx__clock_monotonic_us() + until_us;
  assert_int_equal(fhx__transfer_run(transport, &transfer, NULL), FHX_OK);
  assert_int_equal(transfer.http_status, transfer.attempts == 1 ? 503 : 200);
  uint32_t attempts = transfer.attempts;
  fhx__transfer_clear(&transfer);
  fhx__transport_free(transport);
  test_server_end(server);
  return attempts;
}

/* A pause that leads behind the deadline is not begun. */
static void test_retry_after_deadline(void **state) {
  char date[FHX__HTTP_DATE_MAX], header[FHX__HTTP_DATE_MAX + 20];
  (void)state;
  assert_int_equal(attempts_after("Retry-After: 301\r\n", 0), 1);
  assert_int_equal(attempts_after("Retry-After: 99999999999999999999\r\n", 0), 1);
  assert_int_equal(attempts_after("Retry-After: 60\r\n", 50 * SECOND_US), 1);
  assert_int_equal(attempts_after("retry-after: 0\r\n", 0), 2);
  assert_int_equal(attempts_after("Retry-After: soon\r\n", 0), 2);
  fhx__http_date(date, fhx__clock_now_us() + 3600 * SECOND_US);
  snprintf(header, sizeof header, "Retry-After: %s\r\n", date);
  assert_int_equal(attempts_after(header, 0), 1);
  fhx__http_date(date, fhx__clock_now_us() - 3600 * SECOND_US);
  snprintf(header, sizeof header, "Retry-After: %s\r\n", date);
  assert_int_equal(attempts_after(header, 0), 2);
}

/* Who is to wait three seconds comes after who is not, though it asked first. Whether these were
   not over before the other could have its turn, as they may be on a busy machine. */
static bool comes_after(void) {
  const test_server_step steps[] = {
      {.target = "/late", .times = 1, .status = 503, .headers = "Retry-After: 3\r\n"},
      {.target = "/soon", .times = 1, .status = 503},
      {.status = 200},
  };
  fhx__transport *transport = transport_new(0, 0);
  test_server *server = test_server_start(steps, COUNT(steps));
  test_ask asks[2] = {{test_server_url(server), "/late", NULL, 0, 0, 0, 0},
                      {test_server_url(server), "/soon", NULL, 0, 0, 0, 0}};
  const int64_t begun_us = fhx__clock_monotonic_us();
  fhx__transfer late = test_transfer(&asks[0], "GET", NULL, 0);
  fhx__transfer soon = test_transfer(&asks[1], "GET", NULL, 0);
  assert_int_equal(fhx__transfer_start(transport, &late, NULL), FHX_OK);
  assert_true(test_server_wait(server, 1));
  assert_int_equal(fhx__transfer_run(transport, &soon, NULL), FHX_OK);
  const bool is_over = fhx__transfer_is_over(transport, &late);
  const bool is_in_time = fhx__clock_monotonic_us() - begun_us < 3 * SECOND_US;
  assert_true(!is_over || !is_in_time);
  assert_int_equal(fhx__transfer_wait(transport, &late, NULL), FHX_OK);
  assert_int_equal(late.attempts, 2);
  if (is_in_time) assert_string_equal(test_server_request_at(server, 3)->target, "/late");
  fhx__transfer_clear(&late);
  fhx__transfer_clear(&soon);
  fhx__transport_free(transport);
  test_server_end(server);
  return is_in_time;
}

static void test_retry_after_order(void **state) {
  int tries = 1;
  (void)state;
  while (!comes_after()) assert_true(++tries < 30);
}

static void test_reading_retry_after(void **state) {
  static const struct {
    const char *value;
    int64_t seconds;
  } cases[] = {
      {"0", 0},
      {"1", 1},
      {"86400", 86400},
      {"86401", 86400},
      {"007", 7},
      {"18446744073709551617", 86400},
      {"Sun, 06 Nov 1994 08:49:47 GMT", 10},
      {"Sun, 06 Nov 1994 08:49:00 GMT", 0},
      {"Sunday, 06-Nov-94 08:49:47 GMT", 10},
      {"Sun Nov  6 08:49:47 1994", 10},
      {"Fri, 31 Dec 2100 00:00:00 GMT", 86400},
  };
  static const char *const bad[] = {"", "-1", "1.5", "soon", "1 s", "0x10", " "};
  (void)state;
  for (size_t i = 0; i < COUNT(cases); i++) {
    test_scenario("%s", cases[i].value);
    test_require(fhx__retry_after_us(cases[i].value, INT64_C(784111777900000)) ==
                 cases[i].seconds * SECOND_US);
  }
  for (size_t i = 0; i < COUNT(bad); i++) {
    test_scenario("%s", bad[i]);
    test_require(fhx__retry_after_us(bad[i], INT64_C(784111777000000)) == -1);
  }
  assert_int_equal(fhx__retry_after_us(NULL, 0), -1);
}

static void test_backoff(void **state) {
  (void)state;
  for (uint32_t attempts = 1; attempts < 12; attempts++) {
    int64_t longest = attempts < 8 ? INT64_C(100000) << (attempts - 1) : INT64_C(10000000);
    bool beyond_half = false;
    if (longest > INT64_C(10000000)) longest = INT64_C(10000000);
    for (int i = 0; i < 200; i++) {
      int64_t pause_us = fhx__backoff_us(attempts);
      assert_true(pause_us >= 0 && pause_us <= longest);
      beyond_half = beyond_half || pause_us > longest / 2;
    }
    assert_true(beyond_half);
  }
  assert_in_range(fhx__backoff_us(UINT32_MAX), 0, 10000000);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_order),
      cmocka_unit_test(test_statuses),
      cmocka_unit_test(test_again),
      cmocka_unit_test(test_long_refusal),
      cmocka_unit_test(test_kept_connection),
      cmocka_unit_test(test_own_count),
      cmocka_unit_test(test_shared_count),
      cmocka_unit_test(test_retry_after_deadline),
      cmocka_unit_test(test_retry_after_order),
      cmocka_unit_test(test_reading_retry_after),
      cmocka_unit_test(test_backoff),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
