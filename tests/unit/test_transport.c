/*
 * One request and its answer, with a thread of the transport's and without: what is sent, what
 * comes back, how it may go wrong for good, and when it is in doubt.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

#include "core/clock.h"
#include "support/require.h"
#include "transport_fixture.h"

#define COUNT(of) (sizeof(of) / sizeof *(of))

/* Whether transports have no thread. */
static bool without_thread;

static fhx_http_options options_of(void) {
  fhx_http_options options;
  FHX_INIT(&options);
  options.flags = without_thread ? FHX_HTTP_NO_THREAD : 0;
  options.proxy = "";
  return options;
}

static fhx__transport *transport_with(const fhx_http_options *options) {
  fhx__transport *transport = NULL;
  assert_int_equal(fhx__transport_new(options, &transport, NULL), FHX_OK);
  return transport;
}

static fhx__transport *transport_new(void) {
  fhx_http_options options = options_of();
  return transport_with(&options);
}

/* --- what is sent --- */

static void assert_header(const test_server_request *request, const char *name, const char *value) {
  char got[200];
  bool has = test_server_header(request, name, got, sizeof got);
  assert_int_equal(has, value != NULL);
  if (has) assert_string_equal(got, value);
}

static void test_methods(void **state) {
  static const struct {
    const char *method;
    const char *body;
    const char *length;
  } cases[] = {
      {"GET", NULL, NULL}, {"HEAD", NULL, NULL},  {"DELETE", NULL, NULL},
      {"PUT", "abc", "3"}, {"PUT", NULL, "0"},    {"POST", "<x/>", "4"},
      {"POST", NULL, "0"}, {"DELETE", "ab", "2"}, {"PUT", "abcd", "4"},
  };
  const test_server_step step = {.body = "fine", .headers = "ETag: \"x\"\r\nX-Empty:\r\n"};
  test_server *server = test_server_start(&step, 1);
  fhx__transport *transport = transport_new();
  (void)state;
  for (size_t i = 0; i < COUNT(cases); i++) {
    static const char *const headers[] = {"x-amz-date: now", "x-none:", NULL};
    test_scenario("%s %s", cases[i].method, cases[i].body == NULL ? "" : cases[i].body);
    test_ask ask = {test_server_url(server), "/a/../b%20c?d=e", headers, 0, 0, 0, 0};
    size_t len = cases[i].body == NULL ? 0 : strlen(cases[i].body);
    fhx__transfer transfer = test_transfer(&ask, cases[i].method, cases[i].body, len);
    test_require_status(fhx__transfer_run(transport, &transfer, NULL), FHX_OK);
    assert_int_equal(transfer.http_status, 200);
    assert_int_equal(transfer.attempts, 1);
    assert_false(transfer.in_doubt);
    assert_string_equal(test_answer_text(&transfer),
                        strcmp(cases[i].method, "HEAD") == 0 ? "" : "fine");
    assert_string_equal(fhx__transfer_header(&transfer, "etag"), "\"x\"");
    assert_string_equal(fhx__transfer_header(&transfer, "X-EMPTY"), "");
    assert_null(fhx__transfer_header(&transfer, "X-Emp"));
    assert_string_equal(fhx__transfer_header(&transfer, "content-length"), "4");
    const test_server_request *request = test_server_request_at(server, i);
    assert_string_equal(request->method, cases[i].method);
    assert_string_equal(request->target, "/a/../b%20c?d=e");
    assert_string_equal(request->body, cases[i].body == NULL ? "" : cases[i].body);
    assert_header(request, "Content-Length", cases[i].length);
    assert_header(request, "X-Signing", "1");
    assert_header(request, "x-amz-date", "now");
    assert_header(request, "x-none", "");
    assert_header(request, "Content-Type", NULL);
    assert_header(request, "Expect", NULL);
    assert_header(request, "Accept-Encoding", NULL);
    assert_header(request, "Authorization", NULL);
    fhx__transfer_clear(&transfer);
  }
  /* All of them over one connection. */
  assert_int_equal(test_server_connections(server), 1);
  test_require_sound();
  fhx__transport_free(transport);
  test_server_end(server);
}

#define ASKED 20
/* Less than the 40 ms for which Linux puts off an acknowledgement. */
#define SOON_US INT64_C(30000)

/* The body of an answer whose server waits until the head is acknowledged: how many of them come
   soon. */
static int count_soon(void) {
  static const char body[1000] = {'x'};
  const test_server_step step = {
      .body = body, .body_len = sizeof body, .joins_writes = true, .piece = 128};
  test_server *server = test_server_start(&step, 1);
  fhx__transport *transport = transport_new();
  test_ask ask = {test_server_url(server), "/", NULL, 0, 0, 0, 0};
  int soon = 0;
  for (int i = 0; i < ASKED; i++) {
    fhx__transfer transfer = test_transfer(&ask, "GET", NULL, 0);
    const int64_t begun_us = fhx__clock_monotonic_us();
    test_require_status(fhx__transfer_run(transport, &transfer, NULL), FHX_OK);
    if (fhx__clock_monotonic_us() - begun_us < SOON_US) soon++;
    assert_int_equal(transfer.answer.len, sizeof body);
    fhx__transfer_clear(&transfer);
  }
  fhx__transport_free(transport);
  test_server_end(server);
  return soon;
}

/* The first ones are acknowledged soon in any case. On a busy machine any may come late. */
static void test_acknowledged_soon(void **state) {
  int tries = 1;
  (void)state;
  while (count_soon() < ASKED / 4) assert_true(++tries < 50);
}

/* A body that goes in many pieces, a type of its own, an answer of the same length. */
static void test_large(void **state) {
  static const char *const headers[] = {"Content-Type: application/octet-stream", NULL};
  size_t len = (size_t)5 << 20;
  char *body = malloc(len);
  (void)state;
  assert_non_null(body);
  for (size_t i = 0; i < len; i++) body[i] = (char)(i * 2654435761u >> 13);
  const test_server_step step = {.body = body, .body_len = len};
  test_server *server = test_server_start(&step, 1);
  fhx__transport *transport = transport_new();
  test_ask ask = {test_server_url(server), "/", headers, 0, 0, 0, 0};
  fhx__transfer transfer = test_transfer(&ask, "PUT", body, len);
  transfer.answer_max = len;
  assert_int_equal(fhx__transfer_run(transport, &transfer, NULL), FHX_OK);
  assert_int_equal(transfer.answer.len, len);
  assert_memory_equal(transfer.answer.data, body, len);
  const test_server_request *request = test_server_request_at(server, 0);
  assert_int_equal(request->body_len, len);
  assert_memory_equal(request->body, body, len);
  assert_header(request, "Content-Type", "application/octet-stream");
  assert_header(request, "Expect", NULL);
  fhx__transfer_clear(&transfer);
  fhx__transport_free(transport);
  test_server_end(server);
  free(body);
}

/* --- answers --- */

typedef struct answer_case {
  const char *name;
  test_server_step step;
  size_t answer_max;
  int32_t status;
  uint32_t http_status;
  bool in_doubt;
} answer_case;

#define TEN "0123456789"

/* Without repeats: what one attempt comes to. */
static void check_answer(const answer_case *of) {
  test_scenario("%s", of->name);
  char body[2000];
  memset(body, 'b', sizeof body);
  test_server *server = test_server_start(&of->step, 1);
  fhx_http_options options = options_of();
  options.retry_us = 1;
  fhx__transport *transport = transport_with(&options);
  test_ask ask = {test_server_url(server), "/x", NULL, 0, 0, 0, 0};
  fhx__transfer transfer = test_transfer(&ask, "PUT", body, sizeof body);
  transfer.answer_max = of->answer_max;
  fhx_error *error = NULL;
  test_require_status(fhx__transfer_run(transport, &transfer, &error), of->status);
  test_require(transfer.status == of->status);
  test_require(transfer.http_status == of->http_status);
  test_require(transfer.in_doubt == of->in_doubt);
  test_require(transfer.attempts == 1);
  test_require((error != NULL) == (of->status < FHX_OK));
  test_require(strcmp(fhx_error_message(error), transfer.reason) == 0);
  test_require(strstr(transfer.reason, "127.0.0.1") == NULL);
  test_require((fhx_error_retryable(error) != 0) == (of->status == FHX_ERR_IO));
  fhx_error_free(error);
  fhx__transfer_clear(&transfer);
  fhx__transport_free(transport);
  test_server_end(server);
}

static void test_answers(void **state) {
  static char long_headers[70000];
  memset(long_headers, 'h', sizeof long_headers - 3);
  memcpy(long_headers, "X-Long: ", 8);
  memcpy(long_headers + sizeof long_headers - 3, "\r\n", 3);
  const answer_case cases[] = {
      {"no content", {.status = 204}, 0, FHX_OK, 204, false},
      {"not found", {.status = 404, .body = "no"}, 0, FHX_OK, 404, false},
      {"moved", {.status = 302, .headers = "Location: /y\r\n"}, 0, FHX_OK, 302, false},
      {"busy", {.status = 503}, 0, FHX_OK, 503, false},
      {"as long as allowed", {.body = TEN}, 10, FHX_OK, 200, false},
      {"too long", {.body = TEN}, 9, FHX_ERR_LIMIT, 200, true},
      {"too long, and busy", {.status = 503, .body = TEN}, 9, FHX_ERR_LIMIT, 503, true},
      {"headers too long", {.headers = long_headers}, 0, FHX_ERR_LIMIT, 200, true},
      {"closed", {.fault = TEST_SERVER_CLOSES}, 0, FHX_ERR_IO, 0, true},
      {"reset in the request",
       {.fault = TEST_SERVER_CLOSES_IN_REQUEST, .after = 100},
       0,
       FHX_ERR_IO,
       0,
       true},
      {"truncated",
       {.body = TEN, .fault = TEST_SERVER_TRUNCATES, .after = 4},
       0,
       FHX_ERR_IO,
       200,
       true},
      {"truncated head", {.raw = "HTTP/1.1 200 OK\r\nContent-"}, 0, FHX_ERR_IO, 200, true},
      {"continued and no more", {.raw = "HTTP/1.1 100 Continue\r\n\r\n"}, 0, FHX_ERR_IO, 100, true},
      {"no HTTP", {.raw = "SSH-2.0-server\r\n"}, 0, FHX_ERR_IO, 0, true},
      {"broken chunks",
       {.raw = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nab"},
       0,
       FHX_ERR_IO,
       200,
       true},
      {"chunks",
       {.raw = "HTTP/1.1 201 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n"},
       0,
       FHX_OK,
       201,
       false},
      {"continued first",
       {.raw =
            "HTTP/1.1 100 Continue\r\nX-A: b\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"},
       0,
       FHX_OK,
       200,
       false},
      {"a byte at a time", {.body = TEN, .piece = 1, .piece_pause_us = 100}, 0, FHX_OK, 200, false},
  };
  (void)state;
  for (size_t i = 0; i < COUNT(cases); i++) check_answer(&cases[i]);
}

/* Headers that came before the answer are not the answer's. */
static void test_continue(void **state) {
  const test_server_step step = {
      .raw =
          "HTTP/1.1 100 Continue\r\nX-Early: 1\r\n\r\n"
          "HTTP/1.1 200 OK\r\nX-Late:\t two \r\nContent-Length: 0\r\n\r\n"};
  test_server *server = test_server_start(&step, 1);
  fhx__transport *transport = transport_new();
  test_ask ask = {test_server_url(server), "/", NULL, 0, 0, 0, 0};
  fhx__transfer transfer = test_transfer(&ask, "POST", "a", 1);
  (void)state;
  assert_int_equal(fhx__transfer_run(transport, &transfer, NULL), FHX_OK);
  assert_null(fhx__transfer_header(&transfer, "X-Early"));
  assert_memory_equal(fhx__transfer_header(&transfer, "X-Late"), "two", 3);
  fhx__transfer_clear(&transfer);
  fhx__transport_free(transport);
  test_server_end(server);
}

/* An answer before the body was read ends the sending; it is an answer, or a lost connection when
   the reset overtakes it, and never hangs. */
static void test_early_answer(void **state) {
  size_t len = (size_t)8 << 20;
  char *body = calloc(len, 1);
  const test_server_step step = {
      .status = 413, .fault = TEST_SERVER_ANSWERS_EARLY, .after = 1000, .body = "large"};
  (void)state;
  assert_non_null(body);
  test_server *server = test_server_start(&step, 1);
  fhx_http_options options = options_of();
  options.retry_us = 1;
  fhx__transport *transport = transport_with(&options);
  test_ask ask = {test_server_url(server), "/", NULL, 0, 0, 0, 0};
  fhx__transfer transfer = test_transfer(&ask, "PUT", body, len);
  int32_t status = fhx__transfer_run(transport, &transfer, NULL);
  if (status == FHX_OK) {
    assert_int_equal(transfer.http_status, 413);
    assert_false(transfer.in_doubt);
  } else {
    assert_int_equal(status, FHX_ERR_IO);
    assert_true(transfer.in_doubt);
  }
  fhx__transfer_clear(&transfer);
  fhx__transport_free(transport);
  test_server_end(server);
  free(body);
}

/* --- no server --- */

static void test_unreachable(void **state) {
  static const struct {
    const char *base;
    int32_t status;
  } cases[] = {
      {"http://127.0.0.1:1", FHX_ERR_IO},
      {"http://no-such-host.invalid", FHX_ERR_IO},
      {"ftp://127.0.0.1", FHX_ERR_ARGUMENT},
      {"file:///etc/passwd", FHX_ERR_ARGUMENT},
      {"127.0.0.1", FHX_ERR_ARGUMENT},
      {"http://a b", FHX_ERR_ARGUMENT},
      {"", FHX_ERR_ARGUMENT},
  };
  (void)state;
  for (size_t i = 0; i < COUNT(cases); i++) {
    test_scenario("%s", cases[i].base);
    fhx_http_options options = options_of();
    options.retry_us = 1;
    fhx__transport *transport = transport_with(&options);
    test_ask ask = {cases[i].base, "/x", NULL, 0, 0, 0, 0};
    fhx__transfer transfer = test_transfer(&ask, "PUT", "a", 1);
    test_require_status(fhx__transfer_run(transport, &transfer, NULL), cases[i].status);
    test_require(!transfer.in_doubt && transfer.http_status == 0);
    test_require(transfer.reason[0] != '\0');
    fhx__transfer_clear(&transfer);
    fhx__transport_free(transport);
  }
}

/* --- proxies --- */

/* Through the proxy the server is asked by its whole URL. */
static void check_proxy(const char *proxy, const test_server *server, bool goes_there) {
  fhx__transport *transport = NULL;
  fhx_http_options options = options_of();
  options.proxy = proxy;
  options.retry_us = 1;
  assert_int_equal(fhx__transport_new(&options, &transport, NULL), FHX_OK);
  test_ask ask = {"http://no-such-host.invalid", "/x?y", NULL, 0, 0, 0, 0};
  fhx__transfer transfer = test_transfer(&ask, "PUT", "a", 1);
  assert_int_equal(fhx__transfer_run(transport, &transfer, NULL), goes_there ? FHX_OK : FHX_ERR_IO);
  assert_int_equal(test_server_count((test_server *)server), goes_there ? 1 : 0);
  fhx__transfer_clear(&transfer);
  fhx__transport_free(transport);
}

static void test_proxy(void **state) {
  const test_server_step step = {.target = "http://no-such-host.invalid/x?y"};
  (void)state;
  for (int way = 0; way < 4; way++) {
    test_server *server = test_server_start(&step, 1);
    if (way > 0) setenv("http_proxy", test_server_url(server), 1);
    if (way == 3) setenv("no_proxy", "no-such-host.invalid", 1);
    /* The options'; the environment's; none; none for this host. */
    check_proxy(way == 0 ? test_server_url(server) : way == 2 ? "" : NULL, server, way < 2);
    unsetenv("http_proxy");
    unsetenv("no_proxy");
    test_server_end(server);
  }
}

/* --- times --- */

/* Whether it was sent before the time was over, as it is but on a busy machine. */
static bool times_out(const test_server_step *step, const fhx_http_options *options,
                      int64_t until_us) {
  test_server *server = test_server_start(step, 1);
  fhx__transport *transport = transport_with(options);
  test_ask ask = {test_server_url(server), "/", NULL, 0, 0, 0, 0};
  fhx__transfer transfer = test_transfer(&ask, "PUT", "a", 1);
  if (until_us != 0) transfer.until_us = fhx__clock_monotonic_us() + until_us;
  assert_int_equal(fhx__transfer_run(transport, &transfer, NULL), FHX_ERR_IO);
  const bool was_sent = test_server_count(server) > 0;
  if (was_sent) {
    assert_true(transfer.in_doubt);
    assert_true(transfer.retryable);
    assert_string_equal(transfer.reason, "Timeout was reached");
  }
  fhx__transfer_clear(&transfer);
  fhx__transport_free(transport);
  test_server_end(server);
  return was_sent;
}

static void check_timeout(const test_server_step *step, const fhx_http_options *options,
                          int64_t until_us) {
  int tries = 1;
  while (!times_out(step, options, until_us)) assert_true(++tries < 50);
}

/* Whether it is answered. */
static bool is_borne_with(const test_server_step *step, const fhx_http_options *options) {
  test_server *server = test_server_start(step, 1);
  fhx__transport *transport = transport_with(options);
  test_ask ask = {test_server_url(server), "/", NULL, 0, 0, 0, 0};
  fhx__transfer transfer = test_transfer(&ask, "GET", NULL, 0);
  const bool is_answered = fhx__transfer_run(transport, &transfer, NULL) == FHX_OK;
  if (is_answered) assert_int_equal(transfer.answer.len, 40);
  fhx__transfer_clear(&transfer);
  fhx__transport_free(transport);
  test_server_end(server);
  return is_answered;
}

static void test_timeouts(void **state) {
  const test_server_step hangs = {.fault = TEST_SERVER_HANGS};
  const test_server_step creeps = {.body = TEN TEN TEN TEN, .piece = 4, .piece_pause_us = 50000};
  (void)state;
  fhx_http_options options = options_of();
  options.retry_us = 1;
  options.stall_us = 200000;
  check_timeout(&hangs, &options, 0);
  options = options_of();
  options.retry_us = 1;
  options.request_us = 200000;
  check_timeout(&creeps, &options, 0);
  options = options_of();
  check_timeout(&creeps, &options, 200000);
  /* Who is slow, but not silent, is borne with. */
  options = options_of();
  options.stall_us = 1000000;
  int tries = 1;
  while (!is_borne_with(&creeps, &options)) assert_true(++tries < 50);
}

/* A deadline that is over lets nothing be sent. */
static void test_too_late(void **state) {
  const test_server_step step = {.status = 200};
  test_server *server = test_server_start(&step, 1);
  fhx__transport *transport = transport_new();
  test_ask ask = {test_server_url(server), "/", NULL, 0, 0, 0, 0};
  fhx__transfer transfer = test_transfer(&ask, "GET", NULL, 0);
  transfer.until_us = fhx__clock_monotonic_us();
  (void)state;
  assert_int_equal(fhx__transfer_run(transport, &transfer, NULL), FHX_ERR_IO);
  assert_int_equal(transfer.attempts, 0);
  assert_int_equal(test_server_count(server), 0);
  fhx__transfer_clear(&transfer);
  fhx__transport_free(transport);
  test_server_end(server);
}

/* --- the owner's part --- */

static void test_signing_fails(void **state) {
  const test_server_step step = {.status = 200};
  test_server *server = test_server_start(&step, 1);
  fhx__transport *transport = transport_new();
  test_ask ask = {test_server_url(server), "/", NULL, 0, 1, FHX_ERR_DENIED, 0};
  fhx__transfer transfer = test_transfer(&ask, "GET", NULL, 0);
  fhx_error *error = NULL;
  (void)state;
  assert_int_equal(fhx__transfer_run(transport, &transfer, &error), FHX_ERR_DENIED);
  assert_string_equal(fhx_error_message(error), "no key was to be had");
  assert_int_equal(fhx_error_retryable(error), 1);
  fhx_error_free(error);
  assert_int_equal(test_server_count(server), 0);
  /* The same transfer again, which now goes well. */
  assert_int_equal(fhx__transfer_run(transport, &transfer, NULL), FHX_OK);
  assert_int_equal(transfer.attempts, 1);
  assert_string_equal(transfer.reason, "");
  fhx__transfer_clear(&transfer);
  fhx__transport_free(transport);
  test_server_end(server);
}

static void test_headers(void **state) {
  fhx__transfer transfer;
  memset(&transfer, 0, sizeof transfer);
  (void)state;
  assert_int_equal(fhx__transfer_add_header(&transfer, "A", "b"), FHX_OK);
  assert_int_equal(fhx__transfer_add_header(&transfer, "C", ""), FHX_OK);
  assert_int_equal(transfer.headers.len, 9);
  assert_memory_equal(transfer.headers.data, "A: b\0C: ", 9);
  static const char *const bad[][2] = {{"A", "b\r\nC: d"}, {"A", "b\n"}, {"A\r", "b"},
                                       {"A\nB", "b"},      {"", "b"},    {"A:", "b"}};
  for (size_t i = 0; i < COUNT(bad); i++) {
    assert_int_equal(fhx__transfer_add_header(&transfer, bad[i][0], bad[i][1]), FHX_ERR_ARGUMENT);
    assert_int_equal(transfer.headers.len, 9);
  }
  fhx__transfer_clear(&transfer);
}

static void test_options(void **state) {
  fhx_http_options options;
  fhx__transport *transport = NULL;
  (void)state;
  assert_int_equal(fhx__transport_new(NULL, &transport, NULL), FHX_OK);
  fhx__transport_free(transport);
  fhx__transport_free(NULL);
  /* As long as a number can say. */
  FHX_INIT(&options);
  options.connect_us = options.stall_us = options.request_us = options.retry_us = INT64_MAX;
  options.retries_max = options.connections_max = UINT32_MAX;
  options.proxy = "";
  const test_server_step steps[] = {{.times = 1, .status = 503}, {.status = 200}};
  test_server *server = test_server_start(steps, 2);
  test_ask ask = {test_server_url(server), "/", NULL, 0, 0, 0, 0};
  fhx__transfer transfer = test_transfer(&ask, "GET", NULL, 0);
  transport = transport_with(&options);
  assert_int_equal(fhx__transfer_run(transport, &transfer, NULL), FHX_OK);
  fhx__transfer_clear(&transfer);
  fhx__transport_free(transport);
  test_server_end(server);
  for (int i = 0; i < 8; i++) {
    FHX_INIT(&options);
    if (i == 0) options.size = 3;
    if (i == 1) options.flags = 2;
    if (i == 2) options.connect_us = -1;
    if (i == 3) options.stall_us = -1;
    if (i == 4) options.request_us = -1;
    if (i == 5) options.retry_us = -1;
    if (i == 6) options.allowed_host_count = 1;
    static const char *const entry = "https://a";
    if (i == 7) options.allowed_hosts = &entry;
    if (i == 7) options.allowed_host_count = 1;
    fhx_error *error = NULL;
    assert_int_equal(fhx__transport_new(&options, &transport, &error),
                     i == 0 ? FHX_ERR_STRUCT_SIZE : FHX_ERR_ARGUMENT);
    assert_null(transport);
    assert_non_null(error);
    fhx_error_free(error);
  }
}

static int with_thread(void **state) {
  (void)state;
  without_thread = false;
  return 0;
}

static int with_none(void **state) {
  (void)state;
  without_thread = true;
  return 0;
}

#define BOTH_WAYS(test) \
  cmocka_unit_test_setup(test, with_thread), cmocka_unit_test_setup(test, with_none)

int main(void) {
  const struct CMUnitTest tests[] = {
      BOTH_WAYS(test_methods),        BOTH_WAYS(test_acknowledged_soon),
      BOTH_WAYS(test_large),          BOTH_WAYS(test_answers),
      BOTH_WAYS(test_continue),       BOTH_WAYS(test_early_answer),
      BOTH_WAYS(test_unreachable),    BOTH_WAYS(test_proxy),
      BOTH_WAYS(test_timeouts),       BOTH_WAYS(test_too_late),
      BOTH_WAYS(test_signing_fails),  cmocka_unit_test(test_headers),
      cmocka_unit_test(test_options),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
