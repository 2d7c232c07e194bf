/*
 * Two hours of an engine's life under a clock that the test drives: clients that start exports all
 * along, poll as they are told, sometimes faster, sometimes cancel; files whose links expire and
 * are renewed; a worker that stops in the middle for longer than its lease; jobs that go when their
 * time is over. The same seed gives the same two hours: FHX_SEED=number repeats one (STAT-02 to
 * -06, STAT-08, STAT-15, STAT-19, DEL-01, FILE-10, KICK-24).
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
#define LINK_US (5 * TEST_MINUTE_US)
#define KEEP_US (20 * TEST_MINUTE_US)
#define FOR_EVER_US (60 * TEST_MINUTE_US)
#define TICK_US (30 * TEST_SECOND_US)
#define POLLS_AT_ONCE 3
#define CLIENTS 4
#define EXPORTS_MAX 64
#define TYPES_ASKED 3

typedef struct export {
  bool is_used;
  const char *client;
  char target[TEST_URL_MAX];
  char folder[TEST_PATH_MAX];
  uint64_t expected;
  int64_t begun_us;
  /* When the client does something about it. */
  int64_t due_us;
  /* The last poll that said 202, and the first that said 200; 0 for none. */
  int64_t running_us;
  int64_t done_us;
  int percent;
  unsigned long long resources;
  /* When it goes, in seconds, once an Expires has told; 0. */
  int64_t end_s;
  /* A file's link, when it ends, and how many lines the file has. */
  char link[TEST_URL_MAX];
  int64_t link_end_s;
  uint64_t line_count;
}
export;

typedef struct two_hours {
  test_driven *driven;
  test_random random;
  test_dataset *data;
  test_engine of;
  /* The second worker's. */
  test_source *other_source;
  fhx_engine *other;
  export exports[EXPORTS_MAX];
  int64_t next_kick_us[CLIENTS];
  /* What has happened. */
  unsigned kicked, done, cancelled, gone, polls, throttled, expired_links, renewed_links, frozen;
} two_hours;

static two_hours now;

static int64_t now_us(void) {
  return test_driven_now(now.driven);
}

static int64_t some_us(int64_t limit_us) {
  return (int64_t)test_random_below(&now.random, (uint64_t)limit_us);
}

static bool one_in(uint64_t count) {
  return test_random_below(&now.random, count) == 0;
}

/* --- the workers --- */

/* A batch takes its time; while a callback takes long, ticks keep the lease. */
static void be_slow(void *context, uint64_t number) {
  (void)context;
  (void)number;
  test_driven_sleep(now.driven, one_in(100) ? 5 * TEST_MINUTE_US : some_us(8 * TEST_SECOND_US));
}

/* Of the engine that nobody ticks: its lease lapses meanwhile. */
static void be_frozen(void *context, uint64_t number) {
  (void)context;
  (void)number;
  if (!one_in(40)) {
    test_driven_sleep(now.driven, some_us(8 * TEST_SECOND_US));
    return;
  }
  now.frozen++;
  test_driven_sleep(now.driven, 3 * TEST_MINUTE_US + some_us(7 * TEST_MINUTE_US));
}

static void open_store(fhx_store **store) {
  fhx_sqlite_store_options options;
  FHX_INIT(&options);
  options.path = ":memory:";
  options.clock = test_driven_now;
  options.clock_user_data = now.driven;
  test_require_status(fhx_sqlite_store_new(&options, store, NULL), FHX_OK);
}

static void start_engines(void) {
  test_source_knobs knobs = test_engine_source(now.data);
  knobs.clock = test_driven_now;
  knobs.clock_context = now.driven;
  knobs.applied = FHX_APPLIED_TYPE;
  knobs.wait_percent = 10;
  knobs.wait_us = 7 * TEST_SECOND_US;
  knobs.hook = be_slow;
  test_engine_prepare(&now.of, &knobs);
  open_store(&now.of.options.store);
  now.of.options.clock = test_driven_clock(now.driven);
  now.of.options.keep_us = KEEP_US;
  now.of.options.link_us = LINK_US;
  now.of.options.settle_us = 0;
  now.of.options.polls_max = POLLS_AT_ONCE;
  now.of.options.attempts_max = 20;
  test_engine_start(&now.of);
  fhx_engine_options options = now.of.options;
  knobs.hook = be_frozen;
  now.other_source = test_source_new(&knobs, &options.source);
  test_require_status(fhx_engine_new(&options, &now.other, NULL), FHX_OK);
  fhx_source_free(options.source);
  test_driven_run(now.driven, now.of.engine);
  test_driven_run(now.driven, now.other);
}

static void end_engines(void) {
  fhx_engine_stop(now.of.engine);
  fhx_engine_stop(now.other);
  test_driven_stop(now.driven);
  fhx_engine_free(now.other);
  test_source_end(now.other_source);
  fhx_store_free(now.of.options.store);
  now.of.options.store = NULL;
  test_engine_end(&now.of);
}

/* --- a client --- */

static test_answer send(const export *at, const char *method, const char *target) {
  fhx_request request = test_request(method, target);
  request.client = at->client;
  return test_send(now.of.engine, &request);
}

static uint64_t count_type(const char *type) {
  uint64_t count = 0;
  for (size_t i = 0; i < now.data->count; i++) {
    count += strcmp(now.data->items[i].type, type) == 0 ? 1 : 0;
  }
  return count;
}

static void kick_off(export *at, const char *client) {
  static const char *const types[TYPES_ASKED] = {"Patient", "Observation", "Encounter"};
  char target[200] = "/$export?_type=";
  memset(at, 0, sizeof *at);
  for (size_t i = 0; i < TYPES_ASKED; i++) {
    if (i != 0 && one_in(2)) continue;
    if (at->expected != 0) strcat(target, ",");
    strcat(target, types[i]);
    at->expected += count_type(types[i]);
  }
  at->is_used = true;
  at->client = client;
  at->begun_us = at->due_us = now_us();
  test_answer answer = send(at, "GET", target);
  test_require(answer.status == 202);
  snprintf(at->target, sizeof at->target, "%s",
           test_target_of(test_header(&answer, "Content-Location")));
  test_answer_free(&answer);
  char tenant[TEST_PATH_MAX];
  test_path_join(tenant, now.of.folder, "north");
  test_path_join(at->folder, tenant, at->target + strlen("/$export/"));
  now.kicked++;
}

static void forget(export *at) {
  at->is_used = false;
}

/* STAT-02: growing with the age of the export. */
static int64_t retry_seconds(const export *at) {
  int64_t age_us = now_us() - at->begun_us;
  if (age_us < 10 * TEST_SECOND_US) return 1;
  if (age_us < TEST_MINUTE_US) return 2;
  return age_us < 10 * TEST_MINUTE_US ? 5 : 10;
}

static int64_t header_number(const test_answer *answer, const char *name) {
  const char *value = test_header(answer, name);
  test_require(value != NULL);
  return strtoll(value, NULL, 10);
}

/* No 202 for ever; and what is shown never goes down, whoever of the workers holds what. */
static void see_running(export *at, const test_answer *answer) {
  int percent = -1;
  unsigned long long resources = 0;
  test_require(at->done_us == 0 && now_us() - at->begun_us < FOR_EVER_US);
  const char *progress = test_header(answer, "X-Progress");
  test_require(sscanf(progress, "%d%%, %llu resources", &percent, &resources) == 2);
  test_require(percent >= at->percent && percent < 100 && resources >= at->resources);
  test_require(resources <= at->expected);
  test_require(header_number(answer, "Retry-After") == retry_seconds(at));
  at->percent = percent;
  at->resources = resources;
  at->running_us = now_us();
}

static int64_t expires_s(const test_answer *answer) {
  struct tm date;
  memset(&date, 0, sizeof date);
  const char *text = test_header(answer, "Expires");
  test_require(text != NULL);
  const char *rest = strptime(text, "%a, %d %b %Y %H:%M:%S GMT", &date);
  test_require(rest != NULL && *rest == '\0');
  return (int64_t)timegm(&date);
}

/* STAT-08: the earlier of the links' end and that of the files, which is KEEP_US behind the end of
   the job, and always the same. */
static void see_expiry(export *at, int64_t end_s) {
  int64_t links_s = (now_us() + LINK_US) / TEST_SECOND_US;
  test_require(end_s <= links_s && end_s <= (at->done_us + KEEP_US) / TEST_SECOND_US);
  if (end_s == links_s) {
    test_require(at->end_s == 0 || at->end_s >= links_s);
  } else if (at->end_s == 0) {
    test_require(end_s >= (at->running_us + KEEP_US) / TEST_SECOND_US);
    at->end_s = end_s;
  } else {
    test_require(end_s == at->end_s);
  }
}

/* All resources, each in one file, and no file that the manifest does not name. */
static void see_files(const export *at, const char *manifest) {
  char url[TEST_URL_MAX], type[70];
  uint64_t count = 0, total = 0;
  size_t files = 0;
  for (; test_manifest_item(manifest, "output", files, url, type, &count); files++) total += count;
  test_require(total == at->expected && files > 0);
  test_require(!test_manifest_item(manifest, "error", 0, url, type, &count));
  test_require(test_folder_count(at->folder) == files);
}

static void see_manifest(export *at, const test_answer *answer) {
  char url[TEST_URL_MAX], type[70];
  if (at->done_us == 0) {
    at->done_us = now_us();
    now.done++;
    see_files(at, answer->body);
  }
  int64_t end_s = expires_s(answer);
  see_expiry(at, end_s);
  test_require(test_manifest_item(answer->body, "output", 0, url, type, &at->line_count));
  if (*at->link != '\0' && at->link_end_s <= now_us() / TEST_SECOND_US) now.renewed_links++;
  snprintf(at->link, sizeof at->link, "%s", test_target_of(url));
  at->link_end_s = end_s;
}

/* --- gone or not --- */

/* 1: the export's time is over; 0: it is not; -1: it is about to be, within what seconds can tell.
 */
static int is_over(const export *at) {
  if (at->done_us == 0) return 0;
  int64_t first_us = at->end_s != 0 ? at->end_s * TEST_SECOND_US : at->running_us + KEEP_US;
  int64_t last_us = at->end_s != 0 ? (at->end_s + 1) * TEST_SECOND_US : at->done_us + KEEP_US;
  if (now_us() < first_us) return 0;
  return now_us() > last_us ? 1 : -1;
}

static void see_gone(export *at, test_answer answer) {
  test_require(is_over(at) != 0);
  test_expect_outcome(answer, 404, "error", "not-found");
  now.gone++;
  forget(at);
}

/* --- what clients do --- */

/* STAT-05, KICK-24: who comes as told is answered, and so are the first of a crowd at once. */
static void hurry(const export *at) {
  for (int i = 1; i < POLLS_AT_ONCE + 3; i++) {
    test_answer answer = send(at, "GET", at->target);
    bool too_many = i >= POLLS_AT_ONCE;
    test_require((answer.status == 429) == too_many);
    if (!too_many) {
      test_answer_free(&answer);
      continue;
    }
    test_require(header_number(&answer, "Retry-After") == retry_seconds(at));
    test_expect_outcome(answer, 429, "error", "throttled");
    now.throttled++;
  }
}

static void poll(export *at) {
  test_answer answer = send(at, "GET", at->target);
  now.polls++;
  if (answer.status == 404) {
    see_gone(at, answer);
    return;
  }
  test_require(is_over(at) != 1);
  if (answer.status == 202) {
    see_running(at, &answer);
  } else {
    test_require(answer.status == 200);
    see_manifest(at, &answer);
  }
  at->due_us =
      now_us() + (answer.status == 202 ? retry_seconds(at) * TEST_SECOND_US
                                       : 10 * TEST_SECOND_US + some_us(8 * TEST_MINUTE_US));
  test_answer_free(&answer);
  if (one_in(30)) hurry(at);
}

/* FILE-10: what is gone is 404, a link whose time is over 410, and then a poll gives another. */
static void fetch(export *at) {
  uint64_t lines = 0;
  test_answer answer = send(at, "GET", at->link);
  if (answer.status == 404) {
    see_gone(at, answer);
    return;
  }
  test_require(is_over(at) != 1);
  at->due_us = now_us() + some_us(4 * TEST_MINUTE_US);
  if (now_us() / TEST_SECOND_US >= at->link_end_s) {
    test_expect_outcome(answer, 410, "error", "expired");
    now.expired_links++;
    at->due_us = now_us() + 10 * TEST_SECOND_US;
    return;
  }
  test_require(answer.status == 200);
  for (size_t i = 0; i < answer.len; i++) lines += answer.body[i] == '\n' ? 1 : 0;
  test_require(lines == at->line_count);
  test_answer_free(&answer);
}

/* DEL-01: from then on there is no such export. */
static void cancel(export *at) {
  test_expect_outcome(send(at, "DELETE", at->target), 202, "information", "informational");
  test_expect_outcome(send(at, "GET", at->target), 404, "error", "not-found");
  now.cancelled++;
  forget(at);
}

static void go_on(export *at) {
  if (at->done_us == 0 && one_in(400)) {
    cancel(at);
  } else if (at->done_us != 0 && one_in(2)) {
    fetch(at);
  } else {
    poll(at);
  }
}

static export *free_place(void) {
  for (size_t i = 0; i < EXPORTS_MAX; i++) {
    if (!now.exports[i].is_used) return &now.exports[i];
  }
  return NULL;
}

static void start_more(size_t client) {
  static const char *const names[CLIENTS] = {"a", "b", "c", "d"};
  export *at = free_place();
  if (at != NULL) kick_off(at, names[client]);
  now.next_kick_us[client] = now_us() + 2 * TEST_MINUTE_US + some_us(8 * TEST_MINUTE_US);
}

/* --- the two hours --- */

static void sleep_until(int64_t until_us) {
  test_driven_sleep(now.driven, until_us - now_us());
}

/* The export that is next; NULL: there is none before then. */
static export *next_export(int64_t before_us) {
  export *next = NULL;
  for (size_t i = 0; i < EXPORTS_MAX; i++) {
    export *at = &now.exports[i];
    if (!at->is_used || at->due_us > before_us) continue;
    if (next == NULL || at->due_us < next->due_us) next = at;
  }
  return next;
}

static size_t next_client(void) {
  size_t next = 0;
  for (size_t i = 1; i < CLIENTS; i++) {
    if (now.next_kick_us[i] < now.next_kick_us[next]) next = i;
  }
  return next;
}

/* Everything in the order of time; until all is over, with clients that start no more. */
static void live(int64_t until_us, bool start) {
  int64_t tick_us = now_us();
  for (;;) {
    size_t client = next_client();
    int64_t before_us = start ? now.next_kick_us[client] : until_us;
    if (before_us > until_us) before_us = until_us;
    if (before_us > tick_us) before_us = tick_us;
    export *at = next_export(before_us);
    sleep_until(at == NULL ? before_us : at->due_us);
    if (at != NULL) {
      go_on(at);
    } else if (now_us() >= until_us) {
      return;
    } else if (now_us() >= tick_us) {
      test_require_status(fhx_engine_tick(now.of.engine, NULL), FHX_OK);
      tick_us = now_us() + TICK_US;
    } else if (start) {
      start_more(client);
    }
    test_require_sound();
  }
}

static uint64_t seed_of_run(void) {
  const char *given = getenv("FHX_SEED");
  return given == NULL ? 1 : strtoull(given, NULL, 10);
}

static void test_two_hours(void **state) {
  (void)state;
  uint64_t seed = seed_of_run();
  int64_t minutes = 120 / (int64_t)test_step(4);
  memset(&now, 0, sizeof now);
  test_scenario("two hours with seed %llu", (unsigned long long)seed);
  now.random.state = seed;
  now.driven = test_driven_new(BEGINNING_US, seed);
  now.data = test_dataset_new(11, 80, TEST_DATASET_STAMPED);
  for (size_t i = 0; i < CLIENTS; i++) {
    now.next_kick_us[i] = BEGINNING_US + some_us(TEST_MINUTE_US);
  }
  start_engines();
  live(BEGINNING_US + minutes * TEST_MINUTE_US, true);
  /* Until the last one is gone. */
  while (next_export(INT64_MAX) != NULL) live(now_us() + 5 * TEST_MINUTE_US, false);
  live(now_us() + 15 * TEST_MINUTE_US, false);
  test_require(test_folder_count(now.of.folder) == 0);
  int64_t lasted_us = now_us() - BEGINNING_US;
  end_engines();
  print_message(
      "seed %llu, %lld minutes: %u exports, %u complete, %u cancelled, %u gone; %u polls, %u "
      "throttled; %u links expired, %u renewed; %u times a worker stopped\n",
      (unsigned long long)seed, (long long)(lasted_us / TEST_MINUTE_US), now.kicked, now.done,
      now.cancelled, now.gone, now.polls, now.throttled, now.expired_links, now.renewed_links,
      now.frozen);
  test_require(now.done > 0 && now.gone == now.done && now.frozen > 0);
  test_require(now.done + now.cancelled == now.kicked);
  if (minutes == 120) {
    test_require(now.throttled > 0 && now.cancelled > 0 && now.expired_links > 0 &&
                 now.renewed_links > 0);
  }
  test_driven_free(now.driven);
  test_dataset_free(now.data);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_two_hours)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
