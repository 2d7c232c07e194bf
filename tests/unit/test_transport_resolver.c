/*
 * A resolver that hangs: a request whose time is over ends all the same, and others go on
 * meanwhile. libcurl calls the getaddrinfo of this program.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs those above. */
#include <cmocka.h>
#include <netdb.h>
#include <pthread.h>

#include "core/clock.h"
#include "transport_fixture.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int asked;
static int answered;
static bool goes_on;

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                struct addrinfo **result) {
  (void)node;
  (void)service;
  (void)hints;
  (void)result;
  pthread_mutex_lock(&mutex);
  asked++;
  pthread_cond_broadcast(&changed);
  while (!goes_on) pthread_cond_wait(&changed, &mutex);
  answered++;
  pthread_cond_broadcast(&changed);
  pthread_mutex_unlock(&mutex);
  return EAI_AGAIN;
}

static void wait_until_asked(void) {
  pthread_mutex_lock(&mutex);
  while (asked == 0) pthread_cond_wait(&changed, &mutex);
  pthread_mutex_unlock(&mutex);
}

static void test_hanging(void **state) {
  const test_server_step step = {.body = "fine"};
  fhx__transport *transport = NULL;
  fhx_http_options options;
  (void)state;
  FHX_INIT(&options);
  options.proxy = "";
  test_server *server = test_server_start(&step, 1);
  assert_int_equal(fhx__transport_new(&options, &transport, NULL), FHX_OK);
  test_ask lost = {"http://store.example", "/", NULL, 0, 0, 0, 0};
  test_ask found = {test_server_url(server), "/", NULL, 0, 0, 0, 0};
  fhx__transfer first = test_transfer(&lost, "GET", NULL, 0);
  fhx__transfer second = test_transfer(&lost, "GET", NULL, 0);
  fhx__transfer third = test_transfer(&found, "GET", NULL, 0);
  assert_int_equal(fhx__transfer_start(transport, &second, NULL), FHX_OK);
  wait_until_asked();
  first.until_us = fhx__clock_monotonic_us() + 200000;
  assert_int_equal(fhx__transfer_run(transport, &first, NULL), FHX_ERR_IO);
  fhx__transfer_cancel(transport, &second);
  assert_int_equal(second.status, FHX_ERR_CANCELLED);
  assert_false(first.in_doubt);
  assert_false(second.in_doubt);
  assert_int_equal(fhx__transfer_run(transport, &third, NULL), FHX_OK);
  fhx__transfer_clear(&first);
  fhx__transfer_clear(&second);
  fhx__transfer_clear(&third);
  /* Not every libcurl ends while its threads are still asking. */
  pthread_mutex_lock(&mutex);
  assert_true(asked > 0);
  goes_on = true;
  pthread_cond_broadcast(&changed);
  while (answered < asked) pthread_cond_wait(&changed, &mutex);
  pthread_mutex_unlock(&mutex);
  fhx__transport_free(transport);
  test_server_end(server);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_hanging)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
