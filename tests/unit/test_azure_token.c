/* Tokens and user delegation keys: when they are asked for, what is done when they are refused, and
   what URLs are signed by. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

#include "azure/delegation.h"
#include "azure/token.h"
#include "azure_fixture.h"
#include "core/clock.h"
#include "core/error.h"
#include "core/instant.h"
#include "support/memory.h"
#include "support/require.h"

#define NAME "job-1/a.ndjson"
#define HOUR_US INT64_C(3600000000)
#define DAY_US (24 * HOUR_US)

/* --- the callback --- */

/* Gives "token-1", "token-2", ... */
typedef struct giver {
  int asked;
  int fails_from;
  int64_t life_us;
  const char *fixed;
  bool is_silent;
  int destroyed;
} giver;

static void give(void *user_data, fhx_reply *reply) {
  giver *self = user_data;
  char token[32];
  self->asked++;
  if (self->is_silent) return;
  if (self->fails_from > 0 && self->asked >= self->fails_from) {
    fhx_reply_fail(reply, FHX_ERR_DENIED, 1, "no token today");
    return;
  }
  snprintf(token, sizeof token, "token-%d", self->asked);
  fhx_reply_token(reply, self->fixed != NULL ? self->fixed : token,
                  fhx__clock_now_us() + self->life_us);
}

static void destroyed(void *user_data) {
  ((giver *)user_data)->destroyed++;
}

static void present(fhx__azure_tokens *tokens, char text[64]) {
  fhx__buffer out = {NULL, 0, 0};
  uint64_t number = 0;
  assert_int_equal(fhx__azure_tokens_append(tokens, &out, &number, NULL), FHX_OK);
  assert_int_equal(number, fhx__azure_tokens_number(tokens));
  snprintf(text, 64, "%.*s", (int)out.len, out.data);
  fhx__buffer_free(&out);
}

static void kept_until_half(void **state) {
  giver host = {.life_us = HOUR_US};
  fhx__azure_tokens tokens;
  char text[64];
  (void)state;
  assert_true(fhx__azure_tokens_init(&tokens, give, &host));
  for (int i = 0; i < 3; i++) assert_int_equal(fhx__azure_tokens_renew(&tokens, 0, NULL), FHX_OK);
  assert_int_equal(host.asked, 1);
  present(&tokens, text);
  assert_string_equal(text, "token-1");
  int64_t left_us = tokens.renewal.renew_us - fhx__clock_now_us();
  assert_in_range(left_us, HOUR_US / 2 - HOUR_US / 100, HOUR_US / 2);
  /* As if half of its time were over. */
  tokens.renewal.renew_us = fhx__clock_now_us() - 1;
  assert_int_equal(fhx__azure_tokens_renew(&tokens, 0, NULL), FHX_OK);
  assert_int_equal(host.asked, 2);
  present(&tokens, text);
  assert_string_equal(text, "token-2");
  fhx__azure_tokens_free(&tokens);
}

/* One that is good is used while the callback fails, and it is not asked with every call. */
static void good_one_is_used(void **state) {
  giver host = {.life_us = HOUR_US, .fails_from = 2};
  fhx__azure_tokens tokens;
  fhx_error *error = NULL;
  char text[64];
  (void)state;
  assert_true(fhx__azure_tokens_init(&tokens, give, &host));
  assert_int_equal(fhx__azure_tokens_renew(&tokens, 0, NULL), FHX_OK);
  tokens.renewal.renew_us = fhx__clock_now_us() - 1;
  for (int i = 0; i < 3; i++) assert_int_equal(fhx__azure_tokens_renew(&tokens, 0, NULL), FHX_OK);
  assert_int_equal(host.asked, 2);
  present(&tokens, text);
  assert_string_equal(text, "token-1");
  tokens.renewal.good_until_us = fhx__clock_now_us() - 1;
  assert_int_equal(fhx__azure_tokens_renew(&tokens, 0, &error), FHX_ERR_DENIED);
  assert_string_equal(fhx_error_message(error), "the callback for a token: no token today");
  assert_int_equal(fhx_error_retryable(error), 1);
  assert_int_equal(host.asked, 3);
  fhx_error_free(error);
  fhx__azure_tokens_free(&tokens);
}

static void refused_ones_are_replaced(void **state) {
  giver host = {.life_us = HOUR_US};
  fhx__azure_tokens tokens;
  (void)state;
  assert_true(fhx__azure_tokens_init(&tokens, give, &host));
  assert_int_equal(fhx__azure_tokens_renew(&tokens, 0, NULL), FHX_OK);
  fhx__azure_tokens_refuse(&tokens, 1);
  assert_int_equal(fhx__azure_tokens_renew(&tokens, 0, NULL), FHX_OK);
  assert_int_equal(host.asked, 2);
  /* Somebody who still had the old one. */
  fhx__azure_tokens_refuse(&tokens, 1);
  assert_int_equal(fhx__azure_tokens_renew(&tokens, 0, NULL), FHX_OK);
  assert_int_equal(host.asked, 2);
  fhx__azure_tokens_free(&tokens);
}

static void bad_answers(void **state) {
  static const struct {
    const char *token;
    int64_t life_us;
    bool is_silent;
    int32_t status;
  } cases[] = {
      {"", HOUR_US, false, FHX_ERR_ARGUMENT},
      {"sec ret", HOUR_US, false, FHX_ERR_ARGUMENT},
      {"secret\r\nx: y", HOUR_US, false, FHX_ERR_ARGUMENT},
      {"secret", -1, false, FHX_ERR_ARGUMENT},
      {"secret", HOUR_US, true, FHX_ERR_NO_ANSWER},
  };
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    giver host = {
        .life_us = cases[i].life_us, .fixed = cases[i].token, .is_silent = cases[i].is_silent};
    fhx__azure_tokens tokens;
    fhx_error *error = NULL;
    assert_true(fhx__azure_tokens_init(&tokens, give, &host));
    assert_int_equal(fhx__azure_tokens_renew(&tokens, 0, &error), cases[i].status);
    assert_null(strstr(fhx_error_message(error), "secret"));
    fhx_error_free(error);
    fhx__azure_tokens_free(&tokens);
  }
  assert_int_equal(fhx_reply_token(NULL, "a", INT64_MAX), FHX_ERR_ARGUMENT);
}

/* --- the answer with a user delegation key --- */

#define KEY_ANSWER(value)                                                     \
  "\xEF\xBB\xBF<?xml version=\"1.0\" encoding=\"utf-8\"?><UserDelegationKey>" \
  "<SignedOid>11111111-2222-3333-4444-555555555555</SignedOid>"               \
  "<SignedTid>66666666-7777-8888-9999-000000000000</SignedTid>"               \
  "<SignedStart>2026-11-22T13:09:05Z</SignedStart>"                           \
  "<SignedExpiry>2036-11-29T13:09:05Z</SignedExpiry>"                         \
  "<SignedService>b</SignedService><SignedVersion>2021-12-02</SignedVersion>" \
  "<Value>" value "</Value></UserDelegationKey>"

static void replace(char *text, size_t capacity, const char *from, const char *to) {
  char *at = strstr(text, from);
  assert_non_null(at);
  char rest[2048];
  snprintf(rest, sizeof rest, "%s", at + strlen(from));
  snprintf(at, capacity - (size_t)(at - text), "%s%s", to, rest);
}

static void delegation_answers(void **state) {
  static const char sound[] = KEY_ANSWER("MDEyMzQ1Njc4OWFiY2RlZg==");
  static const char *const changes[][2] = {
      {"<SignedOid>11111111-2222-3333-4444-555555555555</SignedOid>", ""},
      {"<SignedTid>", "<SignedTid>&amp;sig=a"},
      {"<SignedTid>", "<SignedOid>1</SignedOid><SignedTid>"},
      {"2026-11-22T13:09:05Z", "yesterday"},
      {"2036-11-29T13:09:05Z", ""},
      {"<SignedService>b</SignedService>", "<SignedService>bbbbbbbb</SignedService>"},
      {"<SignedVersion>2021-12-02</SignedVersion>", ""},
      {"MDEyMzQ1Njc4OWFiY2RlZg==", ""},
      {"MDEyMzQ1Njc4OWFiY2RlZg==", "MDEyMzQ1Njc4OWFiY2RlZg"},
      {"<Value>", "<Value>MDEyMzQ1Njc4OWFiY2RlZg==</Value><Value>"},
      {"</UserDelegationKey>", ""},
      {"<UserDelegationKey>", "<!DOCTYPE a><UserDelegationKey>"},
      {"<UserDelegationKey>", "<Other>"},
  };
  fhx__azure_delegation key;
  (void)state;
  assert_int_equal(fhx__azure_delegation_read(&key, sound, sizeof sound - 1, NULL), FHX_OK);
  assert_int_equal(key.value_len, 16);
  assert_memory_equal(key.value, "0123456789abcdef", 16);
  assert_string_equal(key.start, "2026-11-22T13:09:05Z");
  assert_int_equal(key.start_us, INT64_C(1795352945000000));
  for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
    char text[2048];
    fhx_error *error = NULL;
    snprintf(text, sizeof text, "%s", sound);
    replace(text, sizeof text, changes[i][0], changes[i][1]);
    int32_t status = fhx__azure_delegation_read(&key, text, strlen(text), &error);
    if (status != FHX_ERR_DESTINATION) print_message("change %zu was taken\n", i);
    assert_int_equal(status, FHX_ERR_DESTINATION);
    assert_int_equal(fhx_error_retryable(error), 1);
    assert_int_equal(key.value_len, 0);
    fhx_error_free(error);
  }
  /* Whatever breaks off. */
  for (size_t len = 0; len + 1 < sizeof sound; len += 7) {
    assert_int_equal(fhx__azure_delegation_read(&key, sound, len, NULL), FHX_ERR_DESTINATION);
  }
}

/* --- with a server --- */

typedef struct fixture {
  giver host;
  test_azure_options options;
  test_server *server;
  fhx_destination *destination;
  char url[128];
} fixture;

static void begin(fixture *self, const test_server_step *steps, size_t count) {
  self->server = test_server_start_tls(steps, count, "localhost");
  test_azure_options_fill(&self->options, self->server);
  snprintf(self->url, sizeof self->url, "%s/fhxaccount", test_server_url(self->server));
  self->options.azure.connection_string = NULL;
  self->options.azure.account_url = self->url;
  self->options.azure.token = give;
  self->options.azure.user_data = &self->host;
  self->options.azure.destroy = destroyed;
  self->options.http.ca_file = test_server_certificate(self->server);
  self->options.http.retries_max = 3;
  self->destination = test_azure_destination(&self->options);
}

static void end(fixture *self) {
  fhx_destination_free(self->destination);
  test_server_end(self->server);
  assert_int_equal(self->host.destroyed, 1);
  test_require_sound();
}

/* The second token is taken; 403 as with a SAS, or 401 as RFC 6750 has it. */
static void another_token(void **state) {
  (void)state;
  for (uint32_t http_status = 401; http_status <= 403; http_status += 2) {
    test_azure_blob blob = {.byte_count = 20000};
    const test_server_step steps[] = {
        {.header = "Bearer token-1",
         .status = http_status,
         .headers = TEST_AZURE_CODE("InvalidAuthenticationInfo")},
        {.method = "PUT",
         .target = "comp=blocklist",
         .header = "Bearer token-2",
         .status = 201,
         .adapt = test_azure_take,
         .context = &blob},
        {.method = "PUT", .target = "comp=block", .header = "Bearer token-2", .status = 201},
        {.method = "HEAD", .header = "Bearer token-2", .adapt = test_azure_show, .context = &blob},
    };
    fixture self = {.host = {.life_us = HOUR_US}};
    test_scenario("another token, %u", http_status);
    begin(&self, steps, sizeof steps / sizeof *steps);
    /* While it is written the host cannot be asked: what fits in flight waits for the commit. */
    self.options.azure.pieces_in_flight = 8;
    fhx_destination_free(self.destination);
    self.host.destroyed = 0;
    self.host.asked = 0;
    self.destination = test_azure_destination(&self.options);
    fhx_error *error = NULL;
    test_require_status(test_azure_put(self.destination, NAME, 20000, &error), FHX_OK);
    assert_int_equal(self.host.asked, 2);
    end(&self);
  }
}

/* Nothing but a new token helps, and that is refused, too. */
static void no_token_helps(void **state) {
  static const test_server_step steps[] = {
      {.status = 401, .headers = TEST_AZURE_CODE("InvalidAuthenticationInfo")}};
  fixture self = {.host = {.life_us = HOUR_US}};
  fhx_error *error = NULL;
  (void)state;
  test_scenario("no token helps");
  begin(&self, steps, 1);
  assert_int_equal(test_azure_put(self.destination, NAME, 10, &error), FHX_ERR_DENIED);
  assert_int_equal(fhx_error_retryable(error), 1);
  assert_null(strstr(fhx_error_message(error), "token-"));
  assert_int_equal(self.host.asked, 2);
  assert_int_equal(test_server_count(self.server), 2);
  fhx_error_free(error);
  end(&self);
}

static int32_t url_of(fixture *self, int64_t expires_us, fhx__buffer *url, fhx_error **error) {
  const fhx_part part = test_azure_part(NAME, 1);
  int32_t status = fhx__destination_url(self->destination, &part, expires_us, url, error);
  if (status == FHX_OK) assert_int_equal(fhx__buffer_terminate(url), FHX_OK);
  return status;
}

static const test_server_step key_step = {
    .method = "POST",
    .target = "/fhxaccount/?comp=userdelegationkey&restype=service",
    .header = "Bearer token-1",
    .body = KEY_ANSWER("MDEyMzQ1Njc4OWFiY2RlZg==")};

static void urls(void **state) {
  fixture self = {.host = {.life_us = HOUR_US}};
  fhx__buffer url = {NULL, 0, 0};
  int64_t until_us = 0;
  const int64_t day_us = fhx__clock_now_us() + DAY_US, key_us = INT64_C(2111576945000000);
  (void)state;
  test_scenario("urls");
  begin(&self, &key_step, 1);
  for (int i = 0; i < 3; i++) {
    url.len = 0;
    assert_int_equal(url_of(&self, day_us, &url, NULL), FHX_OK);
  }
  assert_non_null(strstr(url.data, "/fhxaccount/fhir/" NAME "?sv="));
  assert_non_null(strstr(url.data, "&skoid=11111111-"));
  assert_null(strstr(url.data, "token"));
  /* One key for all of them. */
  assert_int_equal(test_server_count(self.server), 1);
  const test_server_request *asked = test_server_request_at(self.server, 0);
  char start[32] = "", expiry[32] = "";
  assert_int_equal(
      sscanf(strstr(asked->body, "<Start>"), "<Start>%20s</Start><Expiry>%20s", start, expiry), 2);
  fhx__instant from = {0, 0}, to = {0, 0};
  assert_true(fhx__instant_parse(start, 20, &from) && fhx__instant_parse(expiry, 20, &to));
  assert_true(to.us - from.us == 7 * DAY_US && from.us < fhx__clock_now_us());
  assert_int_equal(fhx__destination_urls_until(self.destination, day_us, 0, &until_us, NULL),
                   FHX_OK);
  assert_int_equal(until_us, day_us - day_us % 1000000);
  assert_int_equal(
      fhx__destination_urls_until(self.destination, key_us + DAY_US, 0, &until_us, NULL), FHX_OK);
  assert_int_equal(until_us, key_us);
  url.len = 0;
  assert_int_equal(url_of(&self, key_us + DAY_US, &url, NULL), FHX_OK);
  assert_non_null(strstr(url.data, "&se=2036-11-29T13%3A09%3A05Z&"));
  fhx__buffer_free(&url);
  end(&self);
}

static void no_key(void **state) {
  static const struct {
    test_server_step step;
    int32_t status;
    const char *words;
  } cases[] = {
      {{.status = 403, .headers = TEST_AZURE_CODE("AuthorizationPermissionMismatch")},
       FHX_ERR_DENIED,
       "no right to do this"},
      {{.body = "<UserDelegationKey>"}, FHX_ERR_DESTINATION, "not a user delegation key"},
      {{.body = "0123456789", .fault = TEST_SERVER_TRUNCATES, .after = 4}, FHX_ERR_IO, ""},
      {{.status = 500}, FHX_ERR_DESTINATION, "HTTP status 500"},
  };
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    fixture self = {.host = {.life_us = HOUR_US}};
    fhx__buffer url = {NULL, 0, 0};
    fhx_error *error = NULL;
    test_scenario("no key, %zu", i);
    begin(&self, &cases[i].step, 1);
    test_require_status(url_of(&self, fhx__clock_now_us() + DAY_US, &url, &error), cases[i].status);
    test_require(strstr(fhx_error_message(error), cases[i].words) != NULL);
    fhx_error_free(error);
    fhx__buffer_free(&url);
    end(&self);
  }
}

/* A trip with every allocation failing once: no leak, no answer that is not true. */
static void out_of_memory(void **state) {
  bool reached = true;
  (void)state;
  for (uint64_t n = 1; reached; n++) {
    giver host = {.life_us = HOUR_US};
    fhx__azure_tokens tokens;
    fhx__azure_delegation key;
    static const char sound[] = KEY_ANSWER("MDEyMzQ1Njc4OWFiY2RlZg==");
    test_memory_begin(n);
    fhx__buffer out = {NULL, 0, 0};
    uint64_t number = 0;
    assert_true(fhx__azure_tokens_init(&tokens, give, &host));
    int32_t status = fhx__azure_tokens_renew(&tokens, 0, NULL);
    if (status == FHX_OK) status = fhx__azure_tokens_append(&tokens, &out, &number, NULL);
    if (status == FHX_OK) {
      status = fhx__azure_delegation_read(&key, sound, sizeof sound - 1, NULL);
    }
    fhx__buffer_free(&out);
    fhx__azure_tokens_free(&tokens);
    reached = test_memory_end();
    assert_true(reached ? status == FHX_ERR_NO_MEMORY || status == FHX_ERR_DESTINATION
                        : status == FHX_OK);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(kept_until_half),
      cmocka_unit_test(good_one_is_used),
      cmocka_unit_test(refused_ones_are_replaced),
      cmocka_unit_test(bad_answers),
      cmocka_unit_test(delegation_answers),
      cmocka_unit_test(another_token),
      cmocka_unit_test(no_token_helps),
      cmocka_unit_test(urls),
      cmocka_unit_test(no_key),
      cmocka_unit_test(out_of_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
