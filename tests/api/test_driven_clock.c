/*
 * What the clock of an engine decides, under one that the test drives: when an export is read, when
 * a worker has stalled or lost its lease, how long links and files are good, how often a client may
 * poll, and the pauses between tries (STAT-05, STAT-08, STAT-15, FILE-10, KICK-24).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>
#include <fhirexport/fhirexport.h>
#include <time.h>

#include "support/driven.h"
#include "support/engine.h"
#include "support/require.h"

#define BEGINNING_US INT64_C(1900000000000000)
#define LEASE_US (2 * TEST_MINUTE_US)

static test_dataset *data;
static test_driven *driven;
static test_engine of;
/* A second engine on the same store and folder, with a source of its own. */
static test_source *other_source;
static fhx_engine *other;
/* How long the first engine's source stops at its second call. */
static int64_t freeze_us;

static int make_data(void **state) {
  *state = data = test_dataset_new(6, 60, TEST_DATASET_STAMPED);
  return 0;
}

static void freeze(void *context, uint64_t number) {
  (void)context;
  if (number == 2 && freeze_us != 0) test_driven_sleep(driven, freeze_us);
}

static test_source_knobs usual_source(void) {
  test_source_knobs knobs = test_engine_source(data);
  knobs.clock = test_driven_now;
  knobs.clock_context = driven;
  knobs.hook = freeze;
  return knobs;
}

static void prepare_with(const test_source_knobs *knobs) {
  fhx_sqlite_store_options options;
  test_engine_prepare(&of, knobs);
  FHX_INIT(&options);
  options.path = ":memory:";
  options.clock = test_driven_now;
  options.clock_user_data = driven;
  test_require_status(fhx_sqlite_store_new(&options, &of.options.store, NULL), FHX_OK);
  of.options.clock = test_driven_clock(driven);
  of.options.lease_us = LEASE_US;
}

static int begin(void **state) {
  (void)state;
  test_scenario("a driven clock");
  driven = test_driven_new(BEGINNING_US, 1);
  freeze_us = 0;
  other = NULL;
  test_source_knobs knobs = usual_source();
  prepare_with(&knobs);
  return 0;
}

static int end(void **state) {
  (void)state;
  fhx_engine_stop(of.engine);
  fhx_engine_stop(other);
  test_driven_stop(driven);
  fhx_engine_free(other);
  if (other != NULL) test_source_end(other_source);
  fhx_store_free(of.options.store);
  test_engine_end(&of);
  test_driven_free(driven);
  return 0;
}

static void start(void) {
  test_engine_start(&of);
  test_driven_run(driven, of.engine);
}

/* It has no hook, and so never stops. */
static void start_other(void) {
  fhx_engine_options options = of.options;
  test_source_knobs knobs = usual_source();
  knobs.hook = NULL;
  other_source = test_source_new(&knobs, &options.source);
  test_require_status(fhx_engine_new(&options, &other, NULL), FHX_OK);
  fhx_source_free(options.source);
  test_driven_run(driven, other);
}

static int64_t age_us(void) {
  return test_driven_now(driven) - BEGINNING_US;
}

static uint32_t status_of(const char *target) {
  test_answer answer = test_get(of.engine, target);
  uint32_t status = answer.status;
  test_answer_free(&answer);
  return status;
}

/* Until the export is over, looked at every second; its time since the beginning. */
static int64_t await_end(const char *target, uint32_t expected, int64_t tick_us) {
  int64_t ticked_us = 0;
  uint32_t status = 202;
  while (status == 202) {
    test_require(age_us() < 120 * TEST_MINUTE_US);
    test_driven_sleep(driven, TEST_SECOND_US);
    if (tick_us != 0 && age_us() - ticked_us >= tick_us) {
      test_require_status(fhx_engine_tick(of.engine, NULL), FHX_OK);
      ticked_us = age_us();
    }
    status = status_of(target);
  }
  test_require(status == expected);
  test_require_sound();
  return age_us();
}

static size_t count_files(const char *target) {
  char tenant[TEST_PATH_MAX], folder[TEST_PATH_MAX];
  test_path_join(tenant, of.folder, "north");
  test_path_join(folder, tenant, target + strlen("/$export/"));
  return test_folder_count(folder);
}

/* All resources are in the manifest's files, and there are no other files. */
static void check_files(const char *target) {
  char url[TEST_URL_MAX], type[70];
  uint64_t count = 0, total = 0;
  size_t files = 0;
  test_answer answer = test_get(of.engine, target);
  test_require(answer.status == 200);
  for (; test_manifest_item(answer.body, "output", files, url, type, &count); files++) {
    total += count;
  }
  test_answer_free(&answer);
  test_require(total == data->count && count_files(target) == files);
}

/* --- workers --- */

/* Nothing is read before what was written until T can be seen. */
static void test_settle(void **state) {
  (void)state;
  char target[TEST_URL_MAX];
  of.options.settle_us = 5 * TEST_MINUTE_US;
  start();
  test_kick_off(of.engine, "/$export", target);
  test_driven_sleep(driven, 5 * TEST_MINUTE_US);
  test_require(test_source_calls(of.source, TEST_SOURCE_OPEN) == 0);
  await_end(target, 200, 0);
  test_require(age_us() < 5 * TEST_MINUTE_US + 10 * TEST_SECOND_US);
  check_files(target);
}

/* Who says "wait" for ever has stalled, and does not keep the job for ever. */
static void test_stall(void **state) {
  (void)state;
  char target[TEST_URL_MAX];
  test_source_knobs knobs = usual_source();
  fhx_store_free(of.options.store);
  test_engine_end(&of);
  knobs.fault_call = TEST_SOURCE_NEXT;
  knobs.fault = TEST_SOURCE_WAITS;
  knobs.fault_at = 1;
  knobs.wait_us = 7 * TEST_SECOND_US;
  prepare_with(&knobs);
  of.options.stall_us = 20 * TEST_MINUTE_US;
  of.options.attempts_max = 2;
  start();
  test_kick_off(of.engine, "/$export?_type=Patient", target);
  int64_t lasted_us = await_end(target, 500, 0);
  test_require(lasted_us >= 40 * TEST_MINUTE_US && lasted_us < 42 * TEST_MINUTE_US);
}

/* A worker that stops for longer than its lease has lost its task, and publishes nothing. */
static void test_frozen(void **state) {
  (void)state;
  char target[TEST_URL_MAX];
  freeze_us = 10 * TEST_MINUTE_US;
  start();
  test_kick_off(of.engine, "/$export", target);
  test_driven_sleep(driven, TEST_MINUTE_US);
  start_other();
  int64_t lasted_us = await_end(target, 200, 0);
  test_require(lasted_us >= LEASE_US && lasted_us < LEASE_US + TEST_MINUTE_US);
  check_files(target);
  test_driven_sleep(driven, freeze_us);
  check_files(target);
}

/* While the host ticks, a callback may take longer than a lease, and costs no attempt. */
static void test_ticks(void **state) {
  (void)state;
  char target[TEST_URL_MAX];
  freeze_us = 10 * TEST_MINUTE_US;
  of.options.attempts_max = 1;
  start();
  test_kick_off(of.engine, "/$export?_type=Patient", target);
  test_driven_sleep(driven, TEST_SECOND_US);
  start_other();
  int64_t lasted_us = await_end(target, 200, LEASE_US / 3);
  test_require(lasted_us >= freeze_us && lasted_us < freeze_us + TEST_MINUTE_US);
  test_require(test_source_calls(other_source, TEST_SOURCE_OPEN) == 0);
}

/* But not for ever: what has not moved for stall_us is let go. */
static void test_ticks_of_a_dead(void **state) {
  (void)state;
  char target[TEST_URL_MAX];
  freeze_us = 60 * TEST_MINUTE_US;
  of.options.stall_us = 15 * TEST_MINUTE_US;
  start();
  test_kick_off(of.engine, "/$export", target);
  test_driven_sleep(driven, TEST_SECOND_US);
  start_other();
  int64_t lasted_us = await_end(target, 200, LEASE_US / 3);
  test_require(lasted_us >= 15 * TEST_MINUTE_US && lasted_us < 18 * TEST_MINUTE_US);
  check_files(target);
  test_driven_sleep(driven, freeze_us);
  check_files(target);
}

/* --- links and files --- */

static int64_t expires_s(const test_answer *answer) {
  struct tm date;
  memset(&date, 0, sizeof date);
  const char *rest = strptime(test_header(answer, "Expires"), "%a, %d %b %Y %H:%M:%S GMT", &date);
  test_require(rest != NULL && *rest == '\0');
  return (int64_t)timegm(&date);
}

/* A poll of a complete export: its first file's link. */
static int64_t poll_for(const char *target, char link[TEST_URL_MAX]) {
  char url[TEST_URL_MAX];
  uint64_t count = 0;
  test_answer answer = test_get(of.engine, target);
  test_require(answer.status == 200);
  test_require(test_manifest_item(answer.body, "output", 0, url, NULL, &count));
  int64_t until_s = expires_s(&answer);
  test_answer_free(&answer);
  snprintf(link, TEST_URL_MAX, "%s", test_target_of(url));
  return until_s;
}

/* STAT-08, FILE-10: Expires is when the links end or when the files go, whichever is first. */
static void test_expires(void **state) {
  (void)state;
  char target[TEST_URL_MAX], link[TEST_URL_MAX], fresh[TEST_URL_MAX];
  of.options.link_us = 10 * TEST_MINUTE_US;
  of.options.keep_us = 25 * TEST_MINUTE_US;
  start();
  test_kick_off(of.engine, "/$export", target);
  int64_t ended_s = (BEGINNING_US + await_end(target, 200, 0)) / TEST_SECOND_US;
  test_require(poll_for(target, link) == ended_s + 600);
  test_driven_sleep(driven, 9 * TEST_MINUTE_US);
  test_require(status_of(link) == 200);
  /* A poll gives new links; the old one ends when it was said to. */
  test_require(poll_for(target, fresh) == ended_s + 540 + 600);
  test_driven_sleep(driven, 2 * TEST_MINUTE_US);
  test_expect_refusal(of.engine, link, 410, "expired");
  test_require(status_of(fresh) == 200);
  test_driven_sleep(driven, 7 * TEST_MINUTE_US);
  /* What goes first now are the files: that time stands still. */
  int64_t gone_s = poll_for(target, fresh);
  test_require(gone_s > ended_s + 1490 && gone_s <= ended_s + 1500);
  test_driven_sleep(driven, 4 * TEST_MINUTE_US);
  test_require(poll_for(target, fresh) == gone_s);
  test_require(status_of(fresh) == 200 && count_files(target) != 0);
  test_driven_sleep(driven, 4 * TEST_MINUTE_US);
  test_expect_refusal(of.engine, target, 404, "not-found");
  test_expect_refusal(of.engine, fresh, 404, "not-found");
  test_require(test_folder_count(of.folder) == 0);
}

/* How many bytes a download has after its job and its file have gone in the middle of it. */
static size_t read_past_the_end(fhx_response *response, const char *target, char *body,
                                size_t capacity) {
  size_t len = 0, got = 0;
  int32_t status = FHX_OK;
  while (status == FHX_OK) {
    size_t wanted = capacity - len < 100 ? capacity - len : 100;
    status = fhx_response_read(response, body + len, wanted, &got, NULL);
    len += got;
    if (len == 100) {
      test_driven_sleep(driven, 30 * TEST_MINUTE_US);
      test_expect_refusal(of.engine, target, 404, "not-found");
      test_require(test_folder_count(of.folder) == 0);
    }
  }
  test_require_status(status, FHX_END);
  return len;
}

/* Downloads that are under way when the files go come to their end. */
static void check_download(uint32_t flags) {
  char target[TEST_URL_MAX], link[TEST_URL_MAX];
  fhx_response *response = NULL;
  const char *headers[] = {"Accept-Encoding", "identity"};
  of.options.keep_us = 20 * TEST_MINUTE_US;
  of.options.job_flags = flags;
  start();
  test_kick_off(of.engine, "/$export", target);
  await_end(target, 200, 0);
  poll_for(target, link);
  test_answer whole = test_get(of.engine, link);
  test_require(whole.status == 200 && whole.len > 1000);
  char *body = malloc(whole.len + 200);
  assert_non_null(body);
  fhx_request request = test_request("GET", link);
  request.headers = headers;
  request.header_count = 1;
  test_require_status(fhx_engine_handle(of.engine, &request, &response, NULL), FHX_OK);
  size_t len = read_past_the_end(response, target, body, whole.len + 200);
  test_require(len == whole.len && memcmp(body, whole.body, len) == 0);
  fhx_response_free(response);
  free(body);
  test_answer_free(&whole);
  test_expect_refusal(of.engine, link, 404, "not-found");
}

static void test_download(void **state) {
  (void)state;
  check_download(0);
}

/* Unpacked while it is sent, a block at a time. */
static void test_packed_download(void **state) {
  (void)state;
  check_download(FHX_JOB_GZIP);
}

/* --- polls --- */

static void poll_expecting(const char *target, uint32_t expected, int retry_seconds) {
  test_answer answer = test_get(of.engine, target);
  test_require(answer.status == expected);
  test_require(atoi(test_header(&answer, "Retry-After")) == retry_seconds);
  test_answer_free(&answer);
}

static void test_polls(void **state) {
  (void)state;
  char target[TEST_URL_MAX];
  of.options.polls_max = 2;
  test_engine_start(&of);
  test_kick_off(of.engine, "/$export", target);
  poll_expecting(target, 202, 1);
  poll_expecting(target, 202, 1);
  poll_expecting(target, 429, 1);
  test_driven_sleep(driven, TEST_SECOND_US);
  poll_expecting(target, 202, 1);
  /* The older the export, the longer the pauses; within one the rest of it is told. */
  test_driven_sleep(driven, 2 * TEST_MINUTE_US);
  poll_expecting(target, 202, 5);
  poll_expecting(target, 202, 5);
  test_driven_sleep(driven, 2 * TEST_SECOND_US);
  poll_expecting(target, 429, 3);
  test_driven_sleep(driven, 3 * TEST_SECOND_US);
  poll_expecting(target, 202, 5);
  test_driven_sleep(driven, 10 * TEST_MINUTE_US);
  poll_expecting(target, 202, 10);
}

/* --- the pauses between tries --- */

typedef struct hand {
  int64_t time_us;
  int64_t waited_us;
  uint64_t bits;
} hand;

static int64_t hand_time(void *context) {
  return ((hand *)context)->time_us;
}

static void hand_wait(void *context, int64_t until_us) {
  hand *self = context;
  if (until_us <= self->time_us) return;
  self->waited_us += until_us - self->time_us;
  self->time_us = until_us;
}

static uint64_t hand_random(void *context) {
  return ((hand *)context)->bits;
}

/* A job on a clock of the host's: how long it waits in all for a source that fails three times. */
static int64_t run_job(uint64_t bits) {
  hand self = {BEGINNING_US, 0, bits};
  fhx_clock clock;
  fhx_job_options options;
  fhx_job *job = NULL;
  test_source_knobs knobs = test_engine_source(data);
  FHX_INIT(&clock);
  FHX_INIT(&options);
  clock.now = hand_time;
  clock.monotonic = hand_time;
  clock.wait = hand_wait;
  clock.random = hand_random;
  clock.user_data = &self;
  knobs.clock = hand_time;
  knobs.clock_context = &self;
  knobs.fault_call = TEST_SOURCE_OPEN;
  knobs.fault = TEST_SOURCE_FAILS_RETRYABLE;
  knobs.fault_at = 1;
  knobs.fault_times = 3;
  test_source *source = test_source_new(&knobs, &options.source);
  options.destination = of.options.destination;
  options.settle_us = -1;
  options.clock = &clock;
  test_require_status(fhx_job_start(&options, &job, NULL), FHX_OK);
  test_require_status(fhx_job_run(job, NULL), FHX_OK);
  fhx_job_free(job);
  fhx_source_free(options.source);
  test_source_end(source);
  return self.waited_us;
}

/* 10 ms, then four times as long each time, less up to a half by chance. */
static void test_back_off(void **state) {
  (void)state;
  test_require(run_job(0) == 10000 + 40000 + 160000);
  test_require(run_job(1000) == 9000 + 39000 + 159000);
  int64_t shortest_us = INT64_MAX, longest_us = 0;
  for (uint64_t i = 0; i < 20; i++) {
    int64_t waited_us = run_job(i * UINT64_C(0x9E3779B97F4A7C15));
    if (waited_us < shortest_us) shortest_us = waited_us;
    if (waited_us > longest_us) longest_us = waited_us;
  }
  test_require(shortest_us >= 105000 && longest_us <= 210000 && shortest_us < longest_us);
}

/* --- options --- */

static void test_options(void **state) {
  (void)state;
  fhx_clock clock = *test_driven_clock(driven);
  fhx_engine *engine = NULL;
  of.options.clock = &clock;
  clock.size = 3;
  test_require_status(fhx_engine_new(&of.options, &engine, NULL), FHX_ERR_STRUCT_SIZE);
  /* What is left out is the system's. */
  FHX_INIT(&clock);
  of.options.workers = 1;
  fhx_store *store = of.options.store;
  of.options.store = NULL;
  char target[TEST_URL_MAX];
  test_require_status(fhx_engine_new(&of.options, &engine, NULL), FHX_OK);
  test_kick_off(engine, "/$export", target);
  test_answer answer = test_poll(engine, target);
  test_require(answer.status == 200);
  test_answer_free(&answer);
  fhx_engine_free(engine);
  of.options.store = store;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_settle, begin, end),
      cmocka_unit_test_setup_teardown(test_stall, begin, end),
      cmocka_unit_test_setup_teardown(test_frozen, begin, end),
      cmocka_unit_test_setup_teardown(test_ticks, begin, end),
      cmocka_unit_test_setup_teardown(test_ticks_of_a_dead, begin, end),
      cmocka_unit_test_setup_teardown(test_expires, begin, end),
      cmocka_unit_test_setup_teardown(test_download, begin, end),
      cmocka_unit_test_setup_teardown(test_packed_download, begin, end),
      cmocka_unit_test_setup_teardown(test_polls, begin, end),
      cmocka_unit_test_setup_teardown(test_back_off, begin, end),
      cmocka_unit_test_setup_teardown(test_options, begin, end),
  };
  return cmocka_run_group_tests(tests, make_data, test_dataset_end);
}
