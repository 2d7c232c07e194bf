/*
 * Many transfers at a time, from several threads, some given up: with a thread of the transport's
 * and without, where those who wait take turns to drive. And memory that runs out in the middle.
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
#include <pthread.h>

#include "core/clock.h"
#include "support/memory.h"
#include "support/require.h"
#include "transport_fixture.h"

#define COUNT(of) (sizeof(of) / sizeof *(of))
#define THREADS 4
#define EACH 12

static uint32_t flags;

static fhx__transport *transport_new(uint32_t connections_max) {
  fhx__transport *transport = NULL;
  fhx_http_options options;
  FHX_INIT(&options);
  options.flags = flags;
  options.proxy = "";
  options.connections_max = connections_max;
  assert_int_equal(fhx__transport_new(&options, &transport, NULL), FHX_OK);
  return transport;
}

/* --- many --- */

typedef struct worker {
  pthread_t thread;
  fhx__transport *transport;
  const char *base;
  int number;
  /* What each transfer says, and whether the server has left one of its requests without a whole
     answer. */
  bool in_doubt[EACH];
  bool unanswered[EACH];
} worker;

static worker workers[THREADS];

/* Starts all, looks whether they are over, waits for them from the last on. */
static void *work(void *context) {
  worker *self = context;
  test_ask asks[EACH];
  fhx__transfer transfers[EACH];
  char targets[EACH][32], bodies[EACH][32];
  for (int i = 0; i < EACH; i++) {
    snprintf(targets[i], sizeof targets[i], "/w%d-%d", self->number, i);
    snprintf(bodies[i], sizeof bodies[i], "body %d", i);
    asks[i] = (test_ask){self->base, targets[i], NULL, 0, 0, 0, 0};
    transfers[i] = test_transfer(&asks[i], "PUT", bodies[i], strlen(bodies[i]));
    int32_t status = fhx__transfer_start(self->transport, &transfers[i], NULL);
    test_violation_unless(status == FHX_OK, "a transfer did not start");
  }
  for (int i = EACH - 1; i >= 0; i--) {
    if (i % 2 == 1) {
      while (!fhx__transfer_is_over(self->transport, &transfers[i])) fhx__clock_sleep_us(1000);
    }
    int32_t status = fhx__transfer_wait(self->transport, &transfers[i], NULL);
    bool well = status == FHX_OK && transfers[i].http_status == 200 &&
                strcmp(test_answer_text(&transfers[i]), targets[i]) == 0;
    test_violation_unless(well, "a transfer went wrong");
    self->in_doubt[i] = transfers[i].in_doubt;
    fhx__transfer_clear(&transfers[i]);
  }
  return NULL;
}

/* Each is answered with its own target, now and then only the second time. */
static void echo(void *context, const test_server_request *request, test_server_step *step) {
  uint32_t *count = context;
  char *end = NULL;
  size_t one = strtoul(request->target + 2, &end, 10);
  bool *unanswered = &workers[one].unanswered[strtoul(end + 1, NULL, 10)];
  step->body = request->target;
  switch (++*count % 11) {
    case 3:
      step->status = 503;
      break;
    case 5:
      step->fault = TEST_SERVER_TRUNCATES;
      step->after = 1;
      *unanswered = true;
      break;
    case 8:
      step->fault = TEST_SERVER_CLOSES;
      *unanswered = true;
      break;
    default:
      break;
  }
}

static void test_many(void **state) {
  uint32_t count = 0;
  const test_server_step step = {.adapt = echo, .context = &count};
  (void)state;
  test_scenario("many transfers, flags %u", flags);
  test_server *server = test_server_start(&step, 1);
  fhx__transport *transport = transport_new(3);
  for (int i = 0; i < THREADS; i++) {
    workers[i] = (worker){.transport = transport, .base = test_server_url(server), .number = i};
    assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
  }
  for (int i = 0; i < THREADS; i++) pthread_join(workers[i].thread, NULL);
  test_require_sound();
  assert_true(test_server_peak(server) <= 3);
  assert_true(test_server_count(server) > THREADS * EACH);
  fhx__transport_free(transport);
  test_server_end(server);
  for (int i = 0; i < THREADS * EACH; i++) {
    const worker *of = &workers[i / EACH];
    assert_int_equal(of->in_doubt[i % EACH], of->unanswered[i % EACH]);
  }
}

/* As many as there may be are under way at a time. */
static void test_beside(void **state) {
  enum { ALL = 10, MOST = 6 };
  const test_server_step step = {.held = true};
  test_ask ask;
  fhx__transfer transfers[ALL];
  (void)state;
  test_server *server = test_server_start(&step, 1);
  fhx__transport *transport = transport_new(MOST);
  ask = (test_ask){test_server_url(server), "/", NULL, 0, 0, 0, 0};
  for (int i = 0; i < ALL; i++) {
    transfers[i] = test_transfer(&ask, "GET", NULL, 0);
    assert_int_equal(fhx__transfer_start(transport, &transfers[i], NULL), FHX_OK);
  }
  if (flags == 0) {
    assert_true(test_server_wait(server, MOST));
    assert_int_equal(test_server_count(server), MOST);
  }
  test_server_release(server);
  for (int i = 0; i < ALL; i++) {
    assert_int_equal(fhx__transfer_wait(transport, &transfers[i], NULL), FHX_OK);
    fhx__transfer_clear(&transfers[i]);
  }
  if (flags == 0) assert_int_equal(test_server_peak(server), MOST);
  assert_true(test_server_connections(server) <= MOST);
  fhx__transport_free(transport);
  test_server_end(server);
}

/* A connection that is kept for one server makes room for another's. */
static void test_two_servers(void **state) {
  enum { ALL = 6 };
  const test_server_step step = {.body = "fine"};
  test_server *servers[2];
  test_ask asks[2];
  fhx__transfer transfers[ALL];
  (void)state;
  fhx__transport *transport = transport_new(1);
  for (int i = 0; i < 2; i++) {
    servers[i] = test_server_start(&step, 1);
    asks[i] = (test_ask){test_server_url(servers[i]), "/", NULL, 0, 0, 0, 0};
  }
  for (int i = 0; i < ALL; i++) {
    transfers[i] = test_transfer(&asks[i % 2], "PUT", "a", 1);
    assert_int_equal(fhx__transfer_start(transport, &transfers[i], NULL), FHX_OK);
  }
  for (int i = 0; i < ALL; i++) {
    assert_int_equal(fhx__transfer_wait(transport, &transfers[i], NULL), FHX_OK);
    assert_int_equal(transfers[i].attempts, 1);
    fhx__transfer_clear(&transfers[i]);
  }
  fhx__transport_free(transport);
  for (int i = 0; i < 2; i++) {
    assert_int_equal(test_server_count(servers[i]), ALL / 2);
    test_server_end(servers[i]);
  }
}

/* --- given up --- */

typedef struct canceller {
  test_server *server;
  fhx__transport *transport;
  fhx__transfer *transfer;
} canceller;

static void *cancel_later(void *context) {
  canceller *self = context;
  test_server_wait(self->server, 1);
  fhx__transfer_cancel(self->transport, self->transfer);
  return NULL;
}

/* Another thread gives it up while this one waits. */
static void cancel_while(const test_server_step *step) {
  pthread_t thread;
  fhx_error *error = NULL;
  test_server *server = test_server_start(step, 1);
  fhx__transport *transport = transport_new(0);
  test_ask ask = {test_server_url(server), "/", NULL, 0, 0, 0, 0};
  fhx__transfer transfer = test_transfer(&ask, "PUT", "a", 1);
  assert_int_equal(fhx__transfer_start(transport, &transfer, NULL), FHX_OK);
  canceller other = {server, transport, &transfer};
  assert_int_equal(pthread_create(&thread, NULL, cancel_later, &other), 0);
  assert_int_equal(fhx__transfer_wait(transport, &transfer, &error), FHX_ERR_CANCELLED);
  pthread_join(thread, NULL);
  assert_int_equal(fhx_error_status(error), FHX_ERR_CANCELLED);
  assert_true(transfer.in_doubt);
  fhx_error_free(error);
  /* Once more is harmless, and it can be used again. */
  fhx__transfer_cancel(transport, &transfer);
  const test_server_step fine = {.status = 200};
  test_server_set(server, &fine, 1);
  assert_int_equal(fhx__transfer_run(transport, &transfer, NULL), FHX_OK);
  assert_false(transfer.in_doubt);
  fhx__transfer_clear(&transfer);
  fhx__transport_free(transport);
  test_server_end(server);
}

static void test_cancel(void **state) {
  const test_server_step hangs = {.fault = TEST_SERVER_HANGS};
  const test_server_step creeps = {.body = "0123456789", .piece = 1, .piece_pause_us = 100000000};
  (void)state;
  cancel_while(&hangs);
  cancel_while(&creeps);
}

/* Between two attempts. With one connection, another transfer shows that the first attempt is over.
 */
static void test_cancel_pause(void **state) {
  const test_server_step steps[] = {
      {.method = "PUT", .status = 503, .headers = "Retry-After: 200\r\n"}, {.status = 200}};
  test_server *server = test_server_start(steps, 2);
  fhx__transport *transport = transport_new(1);
  test_ask ask = {test_server_url(server), "/", NULL, 0, 0, 0, 0};
  fhx__transfer first = test_transfer(&ask, "PUT", "a", 1);
  fhx__transfer second = test_transfer(&ask, "GET", NULL, 0);
  (void)state;
  assert_int_equal(fhx__transfer_start(transport, &first, NULL), FHX_OK);
  assert_int_equal(fhx__transfer_run(transport, &second, NULL), FHX_OK);
  assert_false(fhx__transfer_is_over(transport, &first));
  fhx__transfer_cancel(transport, &first);
  assert_int_equal(first.status, FHX_ERR_CANCELLED);
  assert_int_equal(first.attempts, 1);
  assert_false(first.in_doubt);
  fhx__transfer_clear(&first);
  fhx__transfer_clear(&second);
  fhx__transport_free(transport);
  test_server_end(server);
}

/* Before anything was sent, by the thread that started it. */
static void test_cancel_at_once(void **state) {
  const test_server_step step = {.fault = TEST_SERVER_HANGS};
  test_server *server = test_server_start(&step, 1);
  fhx__transport *transport = transport_new(1);
  test_ask ask = {test_server_url(server), "/", NULL, 0, 0, 0, 0};
  fhx__transfer first = test_transfer(&ask, "PUT", "a", 1);
  fhx__transfer second = test_transfer(&ask, "PUT", "a", 1);
  (void)state;
  assert_int_equal(fhx__transfer_start(transport, &first, NULL), FHX_OK);
  assert_int_equal(fhx__transfer_start(transport, &second, NULL), FHX_OK);
  /* The second waits for the only connection. */
  fhx__transfer_cancel(transport, &second);
  assert_int_equal(second.status, FHX_ERR_CANCELLED);
  assert_int_equal(second.attempts, 0);
  assert_false(second.in_doubt);
  fhx__transfer_cancel(transport, &first);
  assert_int_equal(first.status, FHX_ERR_CANCELLED);
  fhx__transfer_clear(&first);
  fhx__transfer_clear(&second);
  fhx__transport_free(transport);
  test_server_end(server);
}

/* --- memory --- */

static void memory_scenario(test_server *server) {
  static const test_server_step steps[] = {
      {.times = 1, .status = 503, .headers = "X-First: 1\r\n", .body = "busy"},
      {.headers = "X-Second: 2\r\n", .body = "a body that needs memory"}};
  static const char *const headers[] = {"X-Empty:", NULL};
  fhx__transport *transport = NULL;
  fhx_http_options options;
  fhx_error *error = NULL;
  FHX_INIT(&options);
  options.flags = flags;
  options.proxy = "";
  options.ca_file = "/nowhere";
  test_server_set(server, steps, 2);
  int32_t status = fhx__transport_new(&options, &transport, &error);
  if (status == FHX_OK) {
    test_ask ask = {test_server_url(server), "/", headers, 0, 0, 0, 0};
    fhx__transfer transfer = test_transfer(&ask, "PUT", "a", 1);
    transfer.retries = fhx__retries_get(transport, "job", 3);
    status = fhx__transfer_run(transport, &transfer, &error);
    test_require(status == FHX_ERR_NO_MEMORY || strlen(test_answer_text(&transfer)) == 24 ||
                 transfer.answer.len == 24);
    fhx__retries_put(transport, transfer.retries);
    fhx__transfer_clear(&transfer);
  }
  test_require(status == FHX_OK || status == FHX_ERR_NO_MEMORY);
  test_require((error != NULL) == (status != FHX_OK));
  fhx_error_free(error);
  fhx__transport_free(transport);
}

static void test_no_memory(void **state) {
  test_server *server = test_server_start(NULL, 0);
  (void)state;
  for (int lasting = 0; lasting < 2; lasting++) {
    for (uint64_t number = 1;; number++) {
      test_scenario("allocation %d%s", (int)number, lasting == 1 ? " and all later" : "");
      if (lasting == 1) {
        test_memory_begin_lasting(number);
      } else {
        test_memory_begin(number);
      }
      memory_scenario(server);
      if (!test_memory_end()) break;
      test_require(number < 1000);
    }
  }
  test_server_end(server);
}

static int with_thread(void **state) {
  (void)state;
  flags = 0;
  return 0;
}

static int with_none(void **state) {
  (void)state;
  flags = FHX_HTTP_NO_THREAD;
  return 0;
}

#define BOTH_WAYS(test) \
  cmocka_unit_test_setup(test, with_thread), cmocka_unit_test_setup(test, with_none)

int main(void) {
  const struct CMUnitTest tests[] = {
      BOTH_WAYS(test_many),      BOTH_WAYS(test_beside),       BOTH_WAYS(test_two_servers),
      BOTH_WAYS(test_cancel),    BOTH_WAYS(test_cancel_pause), BOTH_WAYS(test_cancel_at_once),
      BOTH_WAYS(test_no_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
