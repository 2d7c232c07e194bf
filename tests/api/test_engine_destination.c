/* What an engine asks of a destination with URLs of its own: until when they are good, and at a
   kick-off whether it can be written to; and an engine that is switched off. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
/* cmocka.h needs those above. */
#include <cmocka.h>
#include <fhirexport/fhirexport.h>
#include <yajl/yajl_tree.h>

#include "support/engine.h"
#include "support/require.h"

#define HOUR_US INT64_C(3600000000)
#define MINUTE_US INT64_C(60000000)
#define SECOND_US INT64_C(1000000)

/* A destination that keeps nothing, and answers as it is told. */
typedef struct answers {
  /* FHX_OK: it can be written to. */
  int32_t writable;
  uint32_t retryable;
  /* How long URLs are good at most; 0: as long as is asked for; -1: it fails so. */
  int64_t good_us;
  int32_t urls_fail;
  uint64_t urls_asked;
  uint64_t checks;
  /* Of the last call of urls_until, and what part_url was asked for since. */
  int64_t asked_us;
  int64_t answered_us;
  uint64_t urls;
} answers;

static answers given;
static test_dataset *data;
static test_engine of;

static int64_t now_us(void) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return (int64_t)now.tv_sec * SECOND_US + now.tv_nsec / 1000;
}

static void part_open(void *user_data, const char *name, fhx_reply *reply) {
  (void)name;
  fhx_reply_handle(reply, user_data, 0);
}

static void part_write(void *user_data, void *upload, const void *bytes, size_t len,
                       fhx_reply *reply) {
  (void)user_data, (void)upload, (void)bytes, (void)len;
  fhx_reply_done(reply);
}

static void part_commit(void *user_data, void *upload, const fhx_part *part, fhx_reply *reply) {
  (void)user_data, (void)upload, (void)part;
  fhx_reply_done(reply);
}

static void part_abort(void *user_data, void *upload) {
  (void)user_data, (void)upload;
}

static void part_remove(void *user_data, const char *name, fhx_reply *reply) {
  (void)user_data, (void)name;
  fhx_reply_done(reply);
}

static void part_url(void *user_data, const fhx_part *part, int64_t expires_us, fhx_reply *reply) {
  (void)user_data;
  char url[TEST_URL_MAX];
  test_require(expires_us == given.answered_us);
  int len = snprintf(url, sizeof url, "https://files.example.org/%s?number=%llu",
                     fhx_part_name(part), (unsigned long long)++given.urls);
  fhx_reply_item(reply, url, (size_t)len);
  fhx_reply_done(reply);
}

static void urls_until(void *user_data, int64_t expires_us, fhx_reply *reply) {
  (void)user_data;
  given.urls_asked++;
  given.asked_us = given.answered_us = expires_us;
  test_require(fhx_reply_patience_us(reply) <= SECOND_US);
  if (given.urls_fail != FHX_OK) {
    fhx_reply_fail(reply, given.urls_fail, given.retryable, "no key for signing can be had");
    return;
  }
  if (given.good_us > 0 && now_us() + given.good_us < expires_us) {
    given.answered_us = now_us() + given.good_us;
  }
  /* More than was asked for counts as that. */
  fhx_reply_time(reply, given.good_us < 0 ? expires_us + HOUR_US : given.answered_us, 1);
}

static void check_writable(void *user_data, fhx_reply *reply) {
  (void)user_data;
  given.checks++;
  test_require(fhx_reply_patience_us(reply) <= 2 * SECOND_US);
  if (given.writable == FHX_OK) {
    fhx_reply_done(reply);
  } else if (given.writable != FHX_ERR_NO_ANSWER) {
    fhx_reply_fail(reply, given.writable, given.retryable,
                   "https://inner.example.org/ said: key k1 is over");
  }
}

static int make_data(void **state) {
  *state = data = test_dataset_new(3, 60, TEST_DATASET_STAMPED);
  return 0;
}

static int begin(void **state) {
  (void)state;
  test_scenario("destination");
  fhx_destination_callbacks callbacks;
  test_source_knobs knobs = test_engine_source(data);
  memset(&given, 0, sizeof given);
  test_engine_prepare(&of, &knobs);
  fhx_destination_free(of.options.destination);
  FHX_INIT(&callbacks);
  callbacks.part_open = part_open;
  callbacks.part_write = part_write;
  callbacks.part_commit = part_commit;
  callbacks.part_abort = part_abort;
  callbacks.part_url = part_url;
  callbacks.part_remove = part_remove;
  callbacks.check_writable = check_writable;
  callbacks.urls_until = urls_until;
  test_require_status(fhx_destination_new(&callbacks, &given, &of.options.destination, NULL),
                      FHX_OK);
  of.options.workers = 1;
  of.options.url_key_count = 0;
  return 0;
}

static int end(void **state) {
  (void)state;
  test_engine_end(&of);
  return 0;
}

/* An HTTP-date as a time. */
static int64_t header_time_us(const test_answer *answer, const char *name) {
  struct tm at;
  memset(&at, 0, sizeof at);
  const char *text = test_header(answer, name);
  test_require(text != NULL);
  const char *rest = strptime(text, "%a, %d %b %Y %H:%M:%S GMT", &at);
  test_require(rest != NULL && *rest == '\0');
  return (int64_t)timegm(&at) * SECOND_US;
}

static void complete(const char *kick_off, char target[TEST_URL_MAX]) {
  test_kick_off(of.engine, kick_off, target);
  test_answer answer = test_poll(of.engine, target);
  test_require(answer.status == 200);
  test_answer_free(&answer);
}

/* --- until when URLs are good --- */

/* STAT-08: Expires is what the destination says of its URLs, which are asked for that time. */
static void test_sooner(void **state) {
  (void)state;
  char target[TEST_URL_MAX];
  given.good_us = 10 * MINUTE_US;
  test_engine_start(&of);
  complete("/$export", target);
  uint64_t asked = given.urls_asked, urls = given.urls;
  test_answer answer = test_get(of.engine, target);
  test_require(answer.status == 200 && given.urls > urls);
  test_require(given.urls_asked == asked + 1);
  test_require(given.asked_us > given.answered_us);
  test_require(header_time_us(&answer, "Expires") == given.answered_us / SECOND_US * SECOND_US);
  test_answer_free(&answer);
}

/* STAT-08: of two ends the earlier one: here that of the files, which is what is asked for. */
static void test_files_end_first(void **state) {
  (void)state;
  char target[TEST_URL_MAX];
  of.options.keep_us = 5 * MINUTE_US;
  given.good_us = 10 * MINUTE_US;
  test_engine_start(&of);
  complete("/$export", target);
  test_answer answer = test_get(of.engine, target);
  test_require(given.asked_us == given.answered_us && given.asked_us <= now_us() + 5 * MINUTE_US);
  test_require(header_time_us(&answer, "Expires") == given.answered_us / SECOND_US * SECOND_US);
  test_answer_free(&answer);
}

static void test_later_than_asked(void **state) {
  (void)state;
  char target[TEST_URL_MAX];
  given.good_us = -1;
  test_engine_start(&of);
  complete("/$export", target);
  test_answer answer = test_get(of.engine, target);
  test_require(header_time_us(&answer, "Expires") == given.asked_us / SECOND_US * SECOND_US);
  test_answer_free(&answer);
}

/* Each poll asks anew, and gives URLs that were signed for it. */
static void test_fresh(void **state) {
  (void)state;
  char target[TEST_URL_MAX], first[TEST_URL_MAX], second[TEST_URL_MAX];
  uint64_t count = 0;
  test_engine_start(&of);
  complete("/$export?_type=Patient", target);
  test_answer answer = test_get(of.engine, target);
  test_require(test_manifest_item(answer.body, "output", 0, first, NULL, &count));
  test_answer_free(&answer);
  answer = test_get(of.engine, target);
  test_require(test_manifest_item(answer.body, "output", 0, second, NULL, &count));
  test_answer_free(&answer);
  test_require(strcmp(first, second) != 0);
}

/* MAN-20: the pages of a manifest have URLs too. */
static void test_pages(void **state) {
  (void)state;
  char target[TEST_URL_MAX];
  given.good_us = 10 * MINUTE_US;
  of.options.part_count = 1;
  of.options.part_bytes = 400;
  test_engine_start(&of);
  test_kick_off(of.engine, "/$export?allowPartialManifests=true", target);
  test_answer answer = test_get(of.engine, target);
  while (answer.status == 202) {
    test_answer_free(&answer);
    nanosleep(&(struct timespec){0, 1000000}, NULL);
    answer = test_get(of.engine, target);
  }
  test_require(answer.status == 200 && given.asked_us > given.answered_us);
  test_require(header_time_us(&answer, "Expires") == given.answered_us / SECOND_US * SECOND_US);
  test_answer_free(&answer);
  given.urls_fail = FHX_ERR_DESTINATION;
  answer = test_get(of.engine, target);
  test_require(answer.status == 503);
  test_answer_free(&answer);
}

/* Whatever it fails with, the job is there: the client is to come again. */
static void test_no_time(void **state) {
  (void)state;
  static const int32_t faults[] = {FHX_ERR_DENIED, FHX_ERR_NOT_FOUND, FHX_ERR_REFUSED,
                                   FHX_ERR_DESTINATION, FHX_ERR_IO};
  char target[TEST_URL_MAX];
  test_engine_start(&of);
  complete("/$export", target);
  for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
    test_scenario("urls_until fails with %s", fhx_status_name(faults[i]));
    given.urls_fail = faults[i];
    test_answer answer = test_get(of.engine, target);
    test_require(test_header(&answer, "Retry-After") != NULL);
    test_require(strstr(answer.body, "signing") == NULL);
    test_expect_outcome(answer, 503, "error", "transient");
  }
  given.urls_fail = FHX_OK;
  test_answer answer = test_get(of.engine, target);
  test_require(answer.status == 200);
  test_answer_free(&answer);
}

/* --- whether it can be written to --- */

typedef struct preflight {
  int32_t status;
  uint32_t retryable;
  /* What is in the sentence, and in no other's. */
  const char *says;
  int seconds_min;
} preflight;

/* KICK-26: a 503 that says what kind of fault it is, and nothing of what the destination has said.
 */
static void test_preflight(void **state) {
  (void)state;
  static const preflight cases[] = {
      {FHX_ERR_DENIED, 0, "denied access", 60},
      {FHX_ERR_NOT_FOUND, 0, "not there as it is configured", 60},
      {FHX_ERR_NO_SPACE, 0, "no space is left", 60},
      {FHX_ERR_IO, 1, "cannot be reached", 1},
      {FHX_ERR_NO_ANSWER, 0, "cannot be reached", 1},
      {FHX_ERR_DESTINATION, 0, "cannot be written at present", 1},
  };
  test_engine_start(&of);
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    test_scenario("check_writable fails with %s", fhx_status_name(cases[i].status));
    given.writable = cases[i].status;
    given.retryable = cases[i].retryable;
    test_answer answer = test_get(of.engine, "/$export");
    test_require(strstr(answer.body, cases[i].says) != NULL);
    test_require(strstr(answer.body, "inner") == NULL && strstr(answer.body, "k1") == NULL);
    test_require(atoi(test_header(&answer, "Retry-After")) >= cases[i].seconds_min);
    test_expect_outcome(answer, 503, "error", "transient");
    test_require(given.checks == i + 1);
  }
}

/* --- switched off --- */

static void test_disabled(void **state) {
  (void)state;
  static const char *const kick_offs[] = {"/$export", "/Patient/$export", "/Group/g1/$export",
                                          "/Group/$export", "/$export?_type=Nothing"};
  char target[TEST_URL_MAX];
  fhx_sqlite_store_options memory;
  FHX_INIT(&memory);
  memory.path = ":memory:";
  test_require_status(fhx_sqlite_store_new(&memory, &of.options.store, NULL), FHX_OK);
  test_engine_start(&of);
  complete("/$export", target);
  fhx_engine_free(of.engine);
  of.options.flags |= FHX_ENGINE_DISABLED;
  test_engine_start(&of);
  for (size_t i = 0; i < sizeof kick_offs / sizeof kick_offs[0]; i++) {
    test_scenario("%s where it is switched off", kick_offs[i]);
    test_expect_refusal(of.engine, kick_offs[i], 400, "not-supported");
    fhx_request request = test_request("POST", kick_offs[i]);
    test_expect_outcome(test_send(of.engine, &request), 400, "error", "not-supported");
  }
  test_scenario("a job where it is switched off");
  test_answer answer = test_get(of.engine, target);
  test_require(answer.status == 200);
  test_answer_free(&answer);
  answer = test_get(of.engine, "/metadata");
  test_require(answer.status == 200);
  test_require(strstr(answer.body, "OperationDefinition") == NULL);
  test_require(strstr(answer.body, "searchParam") == NULL);
  test_require(strstr(answer.body, "\"type\":\"Patient\"") != NULL);
  test_answer_free(&answer);
  fhx_request request = test_request("DELETE", target);
  test_expect_outcome(test_send(of.engine, &request), 202, "information", "informational");
  test_expect_refusal(of.engine, target, 404, "not-found");
  fhx_store_free(of.options.store);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_sooner, begin, end),
      cmocka_unit_test_setup_teardown(test_files_end_first, begin, end),
      cmocka_unit_test_setup_teardown(test_later_than_asked, begin, end),
      cmocka_unit_test_setup_teardown(test_fresh, begin, end),
      cmocka_unit_test_setup_teardown(test_pages, begin, end),
      cmocka_unit_test_setup_teardown(test_no_time, begin, end),
      cmocka_unit_test_setup_teardown(test_preflight, begin, end),
      cmocka_unit_test_setup_teardown(test_disabled, begin, end),
  };
  return cmocka_run_group_tests(tests, make_data, test_dataset_end);
}
