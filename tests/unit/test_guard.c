/* Which URLs and addresses the guard of hosts lets through. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <arpa/inet.h>
#include <cmocka.h>
#include <sys/un.h>

#include "support/memory.h"
#include "support/require.h"
#include "transport/guard.h"

#define COUNT(of) (sizeof(of) / sizeof *(of))

static struct sockaddr_storage address_of(const char *text, uint16_t port) {
  struct sockaddr_storage made;
  memset(&made, 0, sizeof made);
  struct sockaddr_in *four = (struct sockaddr_in *)&made;
  struct sockaddr_in6 *six = (struct sockaddr_in6 *)&made;
  if (inet_pton(AF_INET, text, &four->sin_addr) == 1) {
    four->sin_family = AF_INET;
    four->sin_port = htons(port);
  } else {
    memset(&made, 0, sizeof made);
    test_require(inet_pton(AF_INET6, text, &six->sin6_addr) == 1);
    six->sin6_family = AF_INET6;
    six->sin6_port = htons(port);
  }
  return made;
}

static bool is_public(const char *text) {
  struct sockaddr_storage address = address_of(text, 443);
  return fhx__address_is_public((struct sockaddr *)&address);
}

static void test_public(void **state) {
  static const char *const addresses[] = {
      "1.0.0.0",         "8.8.8.8",          "9.255.255.255",   "11.0.0.0",
      "100.63.255.255",  "100.128.0.0",      "126.255.255.255", "128.0.0.0",
      "169.253.255.255", "169.255.0.0",      "172.15.255.255",  "172.32.0.0",
      "191.255.255.255", "192.0.1.0",        "192.0.3.0",       "192.167.255.255",
      "192.169.0.0",     "198.17.255.255",   "198.20.0.0",      "198.51.99.255",
      "198.51.101.0",    "203.0.112.255",    "203.0.114.0",     "223.255.255.255",
      "168.63.129.15",   "2000::1",          "2001:200::1",     "2001:4860:4860::8888",
      "2600::",          "2a02:2e0::1",      "3ffe::1",         "3fff:1000::1",
      "::ffff:8.8.8.8",  "64:ff9b::808:808", "2002:808:808::1",
  };
  (void)state;
  for (size_t i = 0; i < COUNT(addresses); i++) {
    test_scenario("%s", addresses[i]);
    test_require(is_public(addresses[i]));
  }
}

static void test_not_public(void **state) {
  static const char *const addresses[] = {
      "0.0.0.0",
      "0.255.255.255",
      "10.0.0.0",
      "10.255.255.255",
      "100.64.0.0",
      "100.127.255.255",
      "100.100.100.200",
      "127.0.0.1",
      "127.255.255.255",
      "169.254.0.0",
      "169.254.169.254",
      "169.254.255.255",
      "172.16.0.0",
      "172.31.255.255",
      "192.0.0.0",
      "192.0.0.192",
      "192.0.2.1",
      "192.88.99.1",
      "192.168.0.0",
      "192.168.255.255",
      "198.18.0.0",
      "198.19.255.255",
      "198.51.100.1",
      "203.0.113.255",
      "224.0.0.1",
      "239.255.255.255",
      "240.0.0.0",
      "255.255.255.255",
      "168.63.129.16",
      "::",
      "::1",
      "::7f00:1",
      "::8.8.8.8",
      "::ffff:127.0.0.1",
      "::ffff:10.1.2.3",
      "::ffff:169.254.169.254",
      "64:ff9b::7f00:1",
      "64:ff9b::a00:1",
      "64:ff9b:1::808:808",
      "100::1",
      "2001::1",
      "2001:0:808:808::1",
      "2001:2::1",
      "2001:10::1",
      "2001:1ff::1",
      "2001:db8::1",
      "2002:7f00:1::1",
      "2002:a9fe:a9fe::1",
      "2002:c0a8:101::",
      "3fff::1",
      "3fff:fff::1",
      "5f00::1",
      "fc00::1",
      "fd00:ec2::254",
      "fe80::1",
      "fec0::1",
      "ff02::1",
      "4000::1",
      "1fff::1",
  };
  (void)state;
  for (size_t i = 0; i < COUNT(addresses); i++) {
    test_scenario("%s", addresses[i]);
    test_require(!is_public(addresses[i]));
  }
  struct sockaddr_un path = {.sun_family = AF_UNIX};
  assert_false(fhx__address_is_public((struct sockaddr *)&path));
}

static const char *const hosts[] = {"Account.blob.core.windows.net", "127.0.0.1:10000",
                                    "[::1]:10000", "store.example:8443", "10.1.2.3"};

static fhx__guard guard_new(void) {
  fhx__guard guard;
  assert_int_equal(fhx__guard_init(&guard, hosts, COUNT(hosts), NULL), FHX_OK);
  return guard;
}

static void test_urls(void **state) {
  static const struct {
    const char *url;
    int32_t status;
  } cases[] = {
      {"https://account.blob.core.windows.net", FHX_OK},
      {"https://ACCOUNT.blob.core.windows.net/c/b?sig=x", FHX_OK},
      {"https://account.blob.core.windows.net:443/", FHX_OK},
      {"HTTPS://account.blob.core.windows.net/", FHX_OK},
      {"https://127.0.0.1:10000/a", FHX_OK},
      {"https://[::1]:10000/a", FHX_OK},
      {"https://store.example:8443/a", FHX_OK},
      {"https://10.1.2.3/a", FHX_OK},
      {"http://account.blob.core.windows.net/", FHX_ERR_DENIED},
      {"http://account.blob.core.windows.net:443/", FHX_ERR_DENIED},
      {"https://account.blob.core.windows.net:444/", FHX_ERR_DENIED},
      {"https://account.blob.core.windows.net./", FHX_ERR_DENIED},
      {"https://account.blob.core.windows.net.evil.example/", FHX_ERR_DENIED},
      {"https://evil.example/account.blob.core.windows.net", FHX_ERR_DENIED},
      {"https://evil.example#account.blob.core.windows.net", FHX_ERR_DENIED},
      {"https://evil.example?@account.blob.core.windows.net", FHX_ERR_DENIED},
      {"https://account.blob.core.windows.net@evil.example/", FHX_ERR_DENIED},
      {"https://u@account.blob.core.windows.net/", FHX_ERR_DENIED},
      {"https://u:p@account.blob.core.windows.net/", FHX_ERR_DENIED},
      {"https://:p@account.blob.core.windows.net/", FHX_ERR_DENIED},
      {"https://x.account.blob.core.windows.net/", FHX_ERR_DENIED},
      {"https://store.example/a", FHX_ERR_DENIED},
      {"https://127.0.0.1/", FHX_ERR_DENIED},
      {"https://127.0.0.2:10000/", FHX_ERR_DENIED},
      {"https://localhost:10000/", FHX_ERR_DENIED},
      {"https://[::2]:10000/", FHX_ERR_DENIED},
      {"ftp://store.example:8443/a", FHX_ERR_ARGUMENT},
      {"file:///etc/passwd", FHX_ERR_ARGUMENT},
      {"store.example:8443/a", FHX_ERR_ARGUMENT},
      {"https:///a", FHX_ERR_DENIED},
      {"https://", FHX_ERR_ARGUMENT},
      {"https://store.example:99999/a", FHX_ERR_ARGUMENT},
      {"https://store.example :8443/", FHX_ERR_ARGUMENT},
      {"https://store.example:8443\r\n/", FHX_ERR_ARGUMENT},
      {"", FHX_ERR_ARGUMENT},
  };
  fhx__guard guard = guard_new();
  (void)state;
  for (size_t i = 0; i < COUNT(cases); i++) {
    fhx_error *error = NULL;
    test_scenario("%s", cases[i].url);
    test_require_status(fhx__guard_check_url(&guard, cases[i].url, &error), cases[i].status);
    /* The message holds nothing of the URL. */
    test_require(strstr(fhx_error_message(error), "example") == NULL);
    test_require(strstr(fhx_error_message(error), "account") == NULL);
    fhx_error_free(error);
  }
  fhx__guard_free(&guard);
}

/* 127.0.0.1 may be written in many ways; libcurl reads them as one address, or as a name. */
static void test_odd_addresses(void **state) {
  static const char *const urls[] = {
      "https://0x7f000001:10000/",
      "https://2130706433:10000/",
      "https://127.1:10000/",
      "https://0177.0.0.1:10000/",
      "https://127.0.0.1.:10000/",
      "https://%3127.0.0.1:10000/",
      "https://[::ffff:127.0.0.1]:10000/",
      "https://[0:0:0:0:0:0:0:1]:10000/",
  };
  fhx__guard guard = guard_new();
  (void)state;
  for (size_t i = 0; i < COUNT(urls); i++) {
    test_scenario("%s", urls[i]);
    int32_t status = fhx__guard_check_url(&guard, urls[i], NULL);
    /* The entry itself in another spelling is let through; nothing else may be. */
    test_require(status == FHX_OK || status == FHX_ERR_DENIED || status == FHX_ERR_ARGUMENT);
  }
  fhx__guard_free(&guard);
}

static bool lets(const fhx__guard *guard, const char *address, uint16_t port) {
  struct sockaddr_storage made = address_of(address, port);
  return fhx__guard_lets_connect(guard, (struct sockaddr *)&made);
}

static void test_connections(void **state) {
  fhx__guard guard = guard_new();
  fhx__guard none = {NULL, 0};
  (void)state;
  assert_true(fhx__guard_is_on(&guard));
  assert_false(fhx__guard_is_on(&none));
  assert_true(lets(&guard, "8.8.8.8", 443));
  assert_true(lets(&guard, "2600::1", 8443));
  assert_true(lets(&guard, "127.0.0.1", 10000));
  assert_true(lets(&guard, "::1", 10000));
  assert_true(lets(&guard, "10.1.2.3", 443));
  assert_false(lets(&guard, "127.0.0.1", 443));
  assert_false(lets(&guard, "127.0.0.2", 10000));
  assert_false(lets(&guard, "::1", 443));
  assert_false(lets(&guard, "::ffff:127.0.0.1", 10000));
  assert_false(lets(&guard, "10.1.2.3", 80));
  assert_false(lets(&guard, "169.254.169.254", 80));
  assert_true(lets(&none, "127.0.0.1", 1));
  struct sockaddr_un path = {.sun_family = AF_UNIX};
  assert_false(fhx__guard_lets_connect(&guard, (struct sockaddr *)&path));
  assert_int_equal(fhx__guard_check_url(&none, "http://u:p@127.0.0.1:1/", NULL), FHX_OK);
  assert_int_equal(fhx__guard_check_url(&none, "ftp://127.0.0.1/", NULL), FHX_ERR_ARGUMENT);
  fhx__guard_free(&guard);
}

static void test_entries(void **state) {
  static const char *const bad[] = {NULL,    "",    "https://a", "a/b",     "a?b",
                                    "u@a",   "a b", "a:0x1",     "a:70000", "[::1",
                                    "a:1:2", "%61", "a#",        "\\",      ":443"};
  char long_name[400];
  (void)state;
  memset(long_name, 'a', sizeof long_name - 1);
  long_name[sizeof long_name - 1] = '\0';
  for (size_t i = 0; i <= COUNT(bad); i++) {
    const char *entries[] = {"good.example", i < COUNT(bad) ? bad[i] : long_name};
    fhx__guard guard;
    test_scenario("%s", entries[1] == NULL ? "NULL" : entries[1]);
    test_require_status(fhx__guard_init(&guard, entries, 2, NULL), FHX_ERR_ARGUMENT);
    fhx__guard_free(&guard);
  }
  fhx__guard guard;
  assert_int_equal(fhx__guard_init(&guard, NULL, 1, NULL), FHX_ERR_ARGUMENT);
  assert_int_equal(fhx__guard_init(&guard, NULL, 0, NULL), FHX_OK);
  fhx__guard_free(&guard);
}

static void test_no_memory(void **state) {
  (void)state;
  for (uint64_t number = 1;; number++) {
    fhx__guard guard;
    test_memory_begin(number);
    int32_t status = fhx__guard_init(&guard, hosts, COUNT(hosts), NULL);
    fhx__guard_free(&guard);
    if (!test_memory_end()) {
      assert_int_equal(status, FHX_OK);
      break;
    }
    assert_int_equal(status, FHX_ERR_NO_MEMORY);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_public),      cmocka_unit_test(test_not_public),
      cmocka_unit_test(test_urls),        cmocka_unit_test(test_odd_addresses),
      cmocka_unit_test(test_connections), cmocka_unit_test(test_entries),
      cmocka_unit_test(test_no_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
