/*
 * Certificates, and the guard of hosts at a real connection: what is refused is refused at once,
 * and before anything of the request is sent.
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

#include "support/require.h"
#include "transport_fixture.h"

static uint32_t flags;

static const test_server_step fine = {.body = "fine"};

static fhx_http_options options_of(void) {
  fhx_http_options options;
  FHX_INIT(&options);
  options.flags = flags;
  options.proxy = "";
  return options;
}

/* One request; the reason is stored if it failed. */
static int32_t ask_once(const fhx_http_options *options, const char *base, char reason[160]) {
  fhx__transport *transport = NULL;
  assert_int_equal(fhx__transport_new(options, &transport, NULL), FHX_OK);
  test_ask ask = {base, "/c?sig=secret", NULL, 0, 0, 0, 0};
  fhx__transfer transfer = test_transfer(&ask, "PUT", "body", 4);
  int32_t status = fhx__transfer_run(transport, &transfer, NULL);
  memcpy(reason, transfer.reason, 160);
  if (status == FHX_OK) {
    assert_string_equal(test_answer_text(&transfer), "fine");
  } else {
    assert_int_equal(transfer.attempts, 1);
    assert_false(transfer.in_doubt);
    assert_false(transfer.retryable);
  }
  fhx__transfer_clear(&transfer);
  fhx__transport_free(transport);
  return status;
}

static void test_certificate(void **state) {
  char reason[160];
  (void)state;
  test_server *server = test_server_start_tls(&fine, 1, "localhost");
  fhx_http_options options = options_of();
  assert_int_equal(ask_once(&options, test_server_url(server), reason), FHX_ERR_DENIED);
  assert_non_null(strstr(reason, "of no authority that is believed here"));
  options.ca_file = "/nowhere/ca.pem";
  assert_int_equal(ask_once(&options, test_server_url(server), reason), FHX_ERR_DENIED);
  assert_non_null(strstr(reason, "ca_file"));
  /* Another's; with a file, the system's are not believed either. */
  test_server *other = test_server_start_tls(&fine, 1, "localhost");
  options.ca_file = test_server_certificate(other);
  assert_int_equal(ask_once(&options, test_server_url(server), reason), FHX_ERR_DENIED);
  test_server_end(other);
  assert_int_equal(test_server_count(server), 0);
  options.ca_file = test_server_certificate(server);
  assert_int_equal(ask_once(&options, test_server_url(server), reason), FHX_OK);
  assert_int_equal(test_server_count(server), 1);
  test_server_end(server);
}

static void test_wrong_name(void **state) {
  char reason[160];
  (void)state;
  test_server *server = test_server_start_tls(&fine, 1, "elsewhere.example");
  fhx_http_options options = options_of();
  options.ca_file = test_server_certificate(server);
  assert_int_equal(ask_once(&options, test_server_url(server), reason), FHX_ERR_DENIED);
  assert_string_equal(reason, "the server's certificate is not one for this host");
  assert_int_equal(test_server_count(server), 0);
  test_server_end(server);
}

/* Lost connections and several requests, over TLS: no SIGPIPE comes of them. */
static void test_faults(void **state) {
  const test_server_step steps[] = {
      {.times = 2},
      {.times = 1, .fault = TEST_SERVER_CLOSES_IN_REQUEST, .after = 10},
      {.times = 1, .fault = TEST_SERVER_CLOSES_IN_REQUEST, .after = 100000},
      {.times = 1, .fault = TEST_SERVER_TRUNCATES, .body = "0123456789", .after = 4},
      {.times = 1, .fault = TEST_SERVER_CLOSES_AFTER},
      {.body = "done"},
  };
  size_t len = (size_t)3 << 20;
  char *body = calloc(len, 1);
  fhx__transport *transport = NULL;
  (void)state;
  assert_non_null(body);
  test_server *server = test_server_start_tls(steps, 6, "localhost");
  fhx_http_options options = options_of();
  options.ca_file = test_server_certificate(server);
  assert_int_equal(fhx__transport_new(&options, &transport, NULL), FHX_OK);
  test_ask ask = {test_server_url(server), "/", NULL, 0, 0, 0, 0};
  fhx__transfer transfer = test_transfer(&ask, "PUT", body, len);
  for (int i = 0; i < 5; i++) {
    assert_int_equal(fhx__transfer_run(transport, &transfer, NULL), FHX_OK);
    assert_int_equal(transfer.http_status, 200);
    /* Before the fourth the server closes: it may or may not be seen in time. */
    if (i != 3) assert_int_equal(transfer.in_doubt, i == 2);
  }
  assert_string_equal(test_answer_text(&transfer), "done");
  fhx__transfer_clear(&transfer);
  fhx__transport_free(transport);
  test_server_end(server);
  free(body);
}

/* An entry that is a name does not let its name stand for an address of this machine. */
static void test_guard(void **state) {
  char reason[160], name[64], literal[64], url[80];
  (void)state;
  test_server *server = test_server_start_tls(&fine, 1, "127.0.0.1");
  snprintf(name, sizeof name, "localhost:%u", test_server_port(server));
  snprintf(literal, sizeof literal, "127.0.0.1:%u", test_server_port(server));
  const char *entry = name;
  fhx_http_options options = options_of();
  options.ca_file = test_server_certificate(server);
  options.allowed_hosts = &entry;
  options.allowed_host_count = 1;
  /* What is in the environment is not asked either. */
  options.proxy = test_server_url(server);
  setenv("https_proxy", test_server_url(server), 1);
  assert_int_equal(ask_once(&options, test_server_url(server), reason), FHX_ERR_DENIED);
  assert_string_equal(reason, "the server's address is not one of the public Internet");
  assert_int_equal(test_server_connections(server), 0);
  snprintf(url, sizeof url, "https://%s", literal);
  assert_int_equal(ask_once(&options, url, reason), FHX_ERR_DENIED);
  snprintf(url, sizeof url, "http://%s", name);
  assert_int_equal(ask_once(&options, url, reason), FHX_ERR_DENIED);
  assert_int_equal(test_server_connections(server), 0);
  /* The very address is an entry. */
  entry = literal;
  snprintf(url, sizeof url, "https://%s", literal);
  assert_int_equal(ask_once(&options, url, reason), FHX_OK);
  unsetenv("https_proxy");
  test_server_end(server);
}

static void test_check_url(void **state) {
  const char *entry = "store.example";
  fhx__transport *transport = NULL;
  fhx_http_options options = options_of();
  (void)state;
  options.allowed_hosts = &entry;
  options.allowed_host_count = 1;
  assert_int_equal(fhx__transport_new(&options, &transport, NULL), FHX_OK);
  assert_int_equal(fhx__transport_check_url(transport, "https://store.example/a", NULL), FHX_OK);
  assert_int_equal(fhx__transport_check_url(transport, "https://other.example/a", NULL),
                   FHX_ERR_DENIED);
  assert_int_equal(fhx__transport_check_url(transport, "x", NULL), FHX_ERR_ARGUMENT);
  fhx__transport_free(transport);
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
      BOTH_WAYS(test_certificate), BOTH_WAYS(test_wrong_name),       BOTH_WAYS(test_faults),
      BOTH_WAYS(test_guard),       cmocka_unit_test(test_check_url),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
