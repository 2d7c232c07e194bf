/*
 * Clients that read the manifest while the job runs, and clients that have the job's status kept
 * apart from that of their polls (STAT-01, -04, -09, -13, -14, -15, -17, MAN-19, -20, -21,
 * KICK-13).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>
#include <fhirexport/fhirexport.h>
#include <time.h>
#include <yajl/yajl_tree.h>

#include "support/engine.h"
#include "support/event_log.h"
#include "support/require.h"

#define PARTIAL "/$export?allowPartialManifests=true"
#define PAGES_MAX 400
#define ITEMS_MAX 2000
#define POLLS_MAX 600000

#define WORKERS 3

static test_dataset *data;
static test_engine of;
/* Answers with a page that the running job gave. */
static atomic_size_t running_pages;

static int make_data(void **state) {
  *state = data = test_dataset_new(13, 240, TEST_DATASET_STAMPED | TEST_DATASET_BAD);
  return 0;
}

static void begin(const test_source_knobs *knobs) {
  test_engine_prepare(&of, knobs);
  of.options.part_bytes = 3000;
}

static void begin_usual(void) {
  test_source_knobs knobs = test_engine_source(data);
  begin(&knobs);
}

static void end(void) {
  test_engine_end(&of);
}

static void page_target(char target[TEST_URL_MAX], const char *status_target, size_t page) {
  if (page == 1) {
    snprintf(target, TEST_URL_MAX, "%s", status_target);
  } else {
    snprintf(target, TEST_URL_MAX, "%.*s/pages/%zu", TEST_URL_MAX - 40, status_target, page);
  }
}

static test_answer send_method(const char *method, const char *target) {
  fhx_request request = test_request(method, target);
  return test_send(of.engine, &request);
}

/* So that the worker has its turn, too, where threads take turns. */
static void let_worker_run(void) {
  const struct timespec pause = {0, 200000};
  nanosleep(&pause, NULL);
}

static void start_separate(const char *target, char status_target[TEST_URL_MAX]) {
  const char *headers[] = {"Prefer", "respond-async, separate-export-status"};
  fhx_request request = test_request("GET", target);
  request.headers = headers;
  request.header_count = 1;
  test_answer answer = test_send(of.engine, &request);
  test_require(answer.status == 202);
  const char *applied = test_header(&answer, "Preference-Applied");
  test_require(applied != NULL && strstr(applied, "separate-export-status") != NULL);
  snprintf(status_target, TEST_URL_MAX, "%s",
           test_target_of(test_header(&answer, "Content-Location")));
  test_answer_free(&answer);
}

/* --- what a client has seen --- */

typedef struct seen_page {
  /* The manifest without its link, and without what of its URLs may be renewed. */
  char *text;
  bool has_next;
} seen_page;

typedef struct reader {
  /* Whom it asks: the engine that runs the job, or one on the same store that does not. */
  fhx_engine *engines[2];
  char target[TEST_URL_MAX];
  test_random random;
  seen_page pages[PAGES_MAX];
  size_t page_count;
  /* Files that were fetched. */
  char files[ITEMS_MAX][200];
  size_t file_count;
  uint64_t line_count;
  uint64_t error_count;
} reader;

/* On a busy machine the store's lock may not be had in time: a client that is told so comes again.
 */
static test_answer ask(reader *client, const char *target) {
  fhx_engine *engine = client->engines[test_random_below(&client->random, 2)];
  test_answer answer = test_get(engine, target);
  for (int tries = 0; tries < 50 && answer.status == 503; tries++) {
    test_require(test_header(&answer, "Retry-After") != NULL);
    test_answer_free(&answer);
    answer = test_get(engine, target);
  }
  return answer;
}

/* What never changes of a page: signatures and expiries are cut out, and the link is. */
static char *without_renewals(const char *body, bool *has_next) {
  char *text = malloc(strlen(body) + 2);
  assert_non_null(text);
  const char *link = strstr(body, ",\"link\":[");
  size_t len = link == NULL ? strlen(body) : (size_t)(link - body), kept = 0;
  *has_next = link != NULL;
  for (size_t i = 0; i < len; i++) {
    if (strncmp(body + i, "?expires=", strlen("?expires=")) == 0) i += strcspn(body + i, "\"");
    text[kept++] = body[i];
  }
  if (link != NULL) text[kept++] = '}';
  text[kept] = '\0';
  return text;
}

/* MAN-20, FILE-01: it can be fetched now, and has what it promises. */
static void fetch(reader *client, const char *url, uint64_t count, bool is_error) {
  uint64_t lines = 0;
  test_answer file = ask(client, test_target_of(url));
  test_require(file.status == 200);
  for (size_t i = 0; i < file.len; i++) lines += file.body[i] == '\n' ? 1 : 0;
  test_require(lines == count);
  *(is_error ? &client->error_count : &client->line_count) += lines;
  test_answer_free(&file);
}

static bool has_file(const reader *client, const char *file) {
  for (size_t i = 0; i < client->file_count; i++) {
    if (strcmp(client->files[i], file) == 0) return true;
  }
  return false;
}

static void fetch_list(reader *client, const char *body, const char *list) {
  char url[TEST_URL_MAX];
  uint64_t count = 0;
  for (size_t i = 0; test_manifest_item(body, list, i, url, NULL, &count); i++) {
    char file[200];
    size_t len = strcspn(url, "?");
    test_require(len < sizeof file && client->file_count < ITEMS_MAX);
    memcpy(file, url, len);
    file[len] = '\0';
    test_require(!has_file(client, file));
    memcpy(client->files[client->file_count++], file, len + 1);
    fetch(client, url, count, strcmp(list, "error") == 0);
  }
}

/* All that stands before the lists is the same on all pages (MAN-19). */
static void check_head(const char *text, const char *other) {
  size_t len = (size_t)(strstr(text, "\"output\":") - text);
  test_require(strncmp(text, other, len) == 0);
}

static void check_link(const reader *client, const char *body, size_t page) {
  char next[TEST_URL_MAX], wanted[TEST_URL_MAX + 100];
  page_target(next, client->target, page + 1);
  snprintf(wanted, sizeof wanted, ",\"link\":[{\"relation\":\"next\",\"url\":\"%s%s\"}]}",
           TEST_BASE_URL, next);
  test_require(strcmp(strstr(body, ",\"link\":["), wanted) == 0);
}

/* Page `page` as it is shown now: as it was, or for the first time. */
static void take_page(reader *client, const test_answer *answer, size_t page) {
  bool has_next = false;
  test_require(page >= 1 && page <= client->page_count + 1 && page < PAGES_MAX);
  test_require(strcmp(test_header(answer, "Content-Type"), "application/json") == 0);
  test_require(strcmp(test_header(answer, "Cache-Control"), "no-store") == 0);
  test_require(test_header(answer, "Expires") != NULL);
  char *text = without_renewals(answer->body, &has_next);
  if (has_next) check_link(client, answer->body, page);
  seen_page *known = &client->pages[page - 1];
  if (page <= client->page_count) {
    test_require(strcmp(known->text, text) == 0);
    /* A link that was shown stays. */
    test_require(has_next || !known->has_next);
    known->has_next = has_next;
    free(text);
    return;
  }
  *known = (seen_page){text, has_next};
  client->page_count++;
  check_head(client->pages[0].text, text);
  fetch_list(client, answer->body, "output");
  fetch_list(client, answer->body, "error");
}

/* One poll of some page; whether the job still runs. */
static bool poll_some_page(reader *client) {
  char target[TEST_URL_MAX];
  size_t page = 1 + (size_t)test_random_below(&client->random, client->page_count + 2);
  page_target(target, client->target, page);
  test_answer answer = ask(client, target);
  bool runs = answer.status == 202;
  if (runs && answer.len != 0) {
    test_require(test_header(&answer, "Retry-After") != NULL);
    test_require(test_header(&answer, "X-Progress") != NULL);
    running_pages++;
    /* One behind the next may be there too, since nobody has to go by the links. */
    if (page <= client->page_count + 1) take_page(client, &answer, page);
  } else if (!runs && answer.status != 404) {
    test_require(answer.status == 200);
  }
  test_answer_free(&answer);
  return runs;
}

/* From page 1 by the links to the one without; the one behind it does not exist. */
static void follow(reader *client) {
  char target[TEST_URL_MAX];
  size_t page = 1;
  for (bool has_next = true; has_next; page++) {
    page_target(target, client->target, page);
    test_answer answer = ask(client, target);
    if (answer.status != 200) print_error("%u: %s\n", answer.status, answer.body);
    test_require(answer.status == 200 && test_header(&answer, "Retry-After") == NULL);
    take_page(client, &answer, page);
    has_next = client->pages[page - 1].has_next;
    test_answer_free(&answer);
  }
  test_require(client->page_count == page - 1);
  page_target(target, client->target, page);
  test_expect_refusal(of.engine, target, 404, "not-found");
}

static void reader_end(reader *client) {
  for (size_t i = 0; i < client->page_count; i++) free(client->pages[i].text);
  free(client);
}

static reader *reader_new(const char *target, uint64_t seed) {
  reader *client = calloc(1, sizeof *client);
  assert_non_null(client);
  client->random.state = seed;
  client->engines[0] = client->engines[1] = of.engine;
  test_kick_off(of.engine, target, client->target);
  return client;
}

/* The same lines come to a client that waits. */
static void check_all(const reader *client) {
  char target[TEST_URL_MAX], url[TEST_URL_MAX];
  uint64_t count = 0, lines = 0, errors = 0;
  test_kick_off(of.engine, "/$export", target);
  test_answer answer = test_poll(of.engine, target);
  test_require(answer.status == 200 && strstr(answer.body, "\"link\"") == NULL);
  for (size_t i = 0; test_manifest_item(answer.body, "output", i, url, NULL, &count); i++) {
    lines += count;
  }
  for (size_t i = 0; test_manifest_item(answer.body, "error", i, url, NULL, &count); i++) {
    errors += count;
  }
  test_answer_free(&answer);
  test_require(lines == data->count - data->bad_count && errors == data->bad_count);
  test_require(client->line_count == lines && client->error_count == errors);
}

/* With tokens parts are there to stay long before the end. */
static bool shows_parts(const test_source_knobs *knobs) {
  return knobs->tokens && knobs->tokenless_percent == 0;
}

static void pause_a_little(void *context, uint64_t number) {
  (void)context;
  if (number % 3 == 0) nanosleep(&(struct timespec){0, 400000}, NULL);
}

/* More cursors than workers: a task is done. Its page is seen before the job goes on. */
static void wait_for_page_of_first(void *context, uint64_t number) {
  const test_source_knobs *knobs = context;
  for (int i = 0; i < 300000 && shows_parts(knobs) && number > WORKERS && running_pages == 0; i++) {
    test_nap_ms(1);
  }
}

static fhx_store *open_store(const char *path) {
  fhx_store *store = NULL;
  fhx_sqlite_store_options options;
  FHX_INIT(&options);
  options.path = path;
  test_require_status(fhx_sqlite_store_new(&options, &store, NULL), FHX_OK);
  return store;
}

/* The store is a file, which two engines have open as two processes would. */
static void read_while_it_runs(const test_source_knobs *knobs, uint64_t seed) {
  char folder[TEST_PATH_MAX], path[TEST_PATH_MAX];
  fhx_engine *other = NULL;
  running_pages = 0;
  begin(knobs);
  test_folder_new(folder);
  test_path_join(path, folder, "jobs.sqlite");
  of.options.store = open_store(path);
  of.options.workers = WORKERS;
  test_engine_start(&of);
  fhx_engine_options options = of.options;
  options.store = open_store(path);
  options.workers = 0;
  test_require_status(fhx_engine_new(&options, &other, NULL), FHX_OK);
  reader *client = reader_new(PARTIAL, seed);
  client->engines[1] = other;
  int polls = 0;
  while (poll_some_page(client)) {
    test_require(++polls < POLLS_MAX);
    nanosleep(&(struct timespec){0, (long)test_random_below(&client->random, 3000000)}, NULL);
  }
  follow(client);
  check_all(client);
  if (shows_parts(knobs)) test_require(running_pages > 0);
  reader_end(client);
  fhx_engine_free(other);
  fhx_store_free(options.store);
  fhx_store_free(of.options.store);
  end();
  test_folder_remove(folder);
}

/* MAN-19, MAN-20, STAT-04: whatever is asked for and when, pages stay as they were first shown, and
   together they are the whole. Sources with tokens, without, with some, and with shards. */
static void test_followed(void **state) {
  (void)state;
  for (uint64_t seed = 1; seed <= (test_is_quick() ? 2u : 12u); seed++) {
    test_source_knobs knobs = test_engine_source(data);
    knobs.seed = seed;
    knobs.tokens = seed % 4 != 0;
    knobs.tokenless_percent = seed % 4 == 1 ? 30 : 0;
    knobs.shards = seed % 4 == 2;
    knobs.rows_max = 3;
    knobs.wait_percent = 10;
    knobs.hook = pause_a_little;
    knobs.open_hook = wait_for_page_of_first;
    knobs.hook_context = &knobs;
    test_scenario("seed %d", (int)seed);
    read_while_it_runs(&knobs, seed);
  }
}

/* --- pages, one by one --- */

static void wait_for_end(const char *target) {
  uint32_t status = 202;
  for (int i = 0; status == 202 && i < POLLS_MAX; i++) {
    test_answer answer = send_method("HEAD", target);
    status = answer.status;
    test_answer_free(&answer);
    nanosleep(&(struct timespec){0, 1000000}, NULL);
  }
  test_require(status == 200);
}

/* Of a complete job whose pages nobody has read before. */
static void test_complete(void **state) {
  (void)state;
  test_scenario("complete");
  begin_usual();
  of.options.workers = 2;
  test_engine_start(&of);
  reader *client = reader_new(PARTIAL, 1);
  char hidden[TEST_URL_MAX];
  wait_for_end(client->target);
  follow(client);
  check_all(client);
  /* STAT-15, DEL-02: for others there is none, nor when the job is gone. */
  page_target(hidden, client->target, 2);
  fhx_request request = test_request("GET", hidden);
  request.client = "other";
  test_answer foreign = test_send(of.engine, &request);
  test_expect_outcome(send_method("DELETE", client->target), 202, "information", "informational");
  test_answer gone = test_get(of.engine, hidden);
  test_require(foreign.len == gone.len && memcmp(foreign.body, gone.body, gone.len) == 0);
  test_expect_outcome(foreign, 404, "error", "not-found");
  test_expect_outcome(gone, 404, "error", "not-found");
  reader_end(client);
  end();
}

/* STAT-17, STAT-04: a job that nobody runs yet; what is no page; other methods; HEAD. */
static void test_not_yet(void **state) {
  (void)state;
  static const char *const numbers[] = {"0",
                                        "1",
                                        "01",
                                        "02",
                                        "-2",
                                        "+2",
                                        "2x",
                                        "x",
                                        "2.0",
                                        "4294967296",
                                        "99999999999999999999999",
                                        "%32%00"};
  char target[TEST_URL_MAX], page[TEST_URL_MAX + 40];
  test_scenario("not yet");
  begin_usual();
  test_engine_start(&of);
  test_kick_off(of.engine, PARTIAL, target);
  for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
    snprintf(page, sizeof page, "%s/pages/%s", target, numbers[i]);
    test_answer answer = test_get(of.engine, page);
    test_require(answer.status == 404 || (answer.status == 400 && numbers[i][0] == '%'));
    test_answer_free(&answer);
  }
  static const char *const there[] = {"2", "7", "4294967295"};
  for (size_t i = 0; i < 3; i++) {
    snprintf(page, sizeof page, "%s/pages/%s", target, there[i]);
    test_answer answer = test_get(of.engine, page);
    test_require(answer.status == 202 && answer.len == 0);
    test_require(strcmp(test_header(&answer, "Content-Length"), "0") == 0);
    test_require(test_header(&answer, "X-Export-Status") == NULL);
    test_answer_free(&answer);
  }
  static const char *const methods[] = {"DELETE", "POST", "PUT"};
  for (size_t i = 0; i < 3; i++) {
    test_answer answer = send_method(methods[i], page);
    test_require(strcmp(test_header(&answer, "Allow"), "GET, HEAD") == 0);
    test_expect_outcome(answer, 405, "error", "not-supported");
  }
  test_answer answer = send_method("HEAD", page);
  test_require(answer.status == 202 && answer.len == 0);
  test_answer_free(&answer);
  snprintf(page, sizeof page, "%s/pages/2/x", target);
  test_expect_refusal(of.engine, page, 404, "not-found");
  end();
}

/* STAT-05: what is not there can be asked for too often, like the poll URL. */
static void test_too_fast(void **state) {
  (void)state;
  char target[TEST_URL_MAX], page[TEST_URL_MAX];
  test_scenario("too fast");
  begin_usual();
  of.options.polls_max = 4;
  test_engine_start(&of);
  test_kick_off(of.engine, PARTIAL, target);
  page_target(page, target, 2);
  uint32_t status = 202;
  for (int i = 0; i < 50 && status == 202; i++) {
    test_answer answer = test_get(of.engine, page);
    status = answer.status;
    test_require(status == 202 || test_header(&answer, "Retry-After") != NULL);
    test_answer_free(&answer);
  }
  test_require(status == 429);
  end();
}

/* An export of nothing has one page, which is empty; HEAD of it has the headers. */
static void test_nothing(void **state) {
  (void)state;
  char target[TEST_URL_MAX], page[TEST_URL_MAX];
  test_scenario("nothing");
  test_source_knobs knobs = test_engine_source(data);
  knobs.applied = FHX_APPLIED_TYPE;
  begin(&knobs);
  of.options.workers = 1;
  test_engine_start(&of);
  test_kick_off(of.engine,
                PARTIAL "&_type=Encounter&_until=1990-01-01T00:00:00Z&_since=1989-01-01T00:00:00Z",
                target);
  test_answer answer = test_poll(of.engine, target);
  test_require(answer.status == 200);
  test_require(strstr(answer.body, "\"output\":[],\"error\":[]}") != NULL);
  test_answer_free(&answer);
  answer = send_method("HEAD", target);
  test_require(answer.status == 200 && answer.len == 0);
  test_require(strcmp(test_header(&answer, "Content-Type"), "application/json") == 0);
  test_answer_free(&answer);
  page_target(page, target, 2);
  test_expect_refusal(of.engine, page, 404, "not-found");
  end();
}

/* MAN-21: who has not asked for pages has one manifest, and no other page at any time. */
static void test_not_asked_for(void **state) {
  (void)state;
  char target[TEST_URL_MAX], page[TEST_URL_MAX];
  test_scenario("not asked for");
  begin_usual();
  test_engine_start(&of);
  test_kick_off(of.engine, "/$export?allowPartialManifests=false", target);
  page_target(page, target, 2);
  test_expect_refusal(of.engine, page, 404, "not-found");
  test_worker *worker = test_worker_start(of.engine);
  /* Every 202 has no body, as test_poll sees to. */
  test_answer answer = test_poll(of.engine, target);
  test_require(answer.status == 200 && strstr(answer.body, "\"link\"") == NULL);
  test_answer_free(&answer);
  test_expect_refusal(of.engine, page, 404, "not-found");
  fhx_engine_stop(of.engine);
  test_worker_join(worker);
  end();
}

/* STAT-09, STAT-10: a failed job says so on every page. */
static void test_failed(void **state) {
  (void)state;
  char target[TEST_URL_MAX], page[TEST_URL_MAX];
  test_scenario("failed");
  test_source_knobs knobs = test_engine_source(data);
  knobs.fault_call = TEST_SOURCE_NEXT;
  knobs.fault = TEST_SOURCE_FAILS;
  knobs.fault_at = 9;
  begin(&knobs);
  of.options.workers = 1;
  test_engine_start(&of);
  test_kick_off(of.engine, PARTIAL, target);
  uint32_t status = 202;
  for (int i = 0; status == 202 && i < POLLS_MAX; i++) {
    test_answer answer = test_get(of.engine, target);
    status = answer.status;
    test_answer_free(&answer);
  }
  for (size_t number = 1; number <= 9; number++) {
    page_target(page, target, number);
    test_expect_refusal(of.engine, page, 500, "exception");
  }
  end();
}

/* --- a task that cannot begin again --- */

static void wait_for_page(void *context, uint64_t number) {
  const test_source_knobs *knobs = context;
  for (int i = 0; i < 300000 && number >= knobs->tokenless_from && running_pages == 0; i++) {
    test_nap_ms(1);
  }
}

/* Its parts stand on a page, its source has no more tokens and then a fault: to begin again would
   make the page anew. The job fails, and that is told. */
static void test_lost_token(void **state) {
  (void)state;
  char target[TEST_URL_MAX], status_name[TEST_EVENT_TEXT_MAX] = "";
  test_scenario("lost token");
  test_event_log *events = test_event_log_new();
  test_source_knobs knobs = test_engine_source(data);
  knobs.rows_max = 1;
  knobs.tokenless_from = 25;
  knobs.fault_call = TEST_SOURCE_NEXT;
  knobs.fault = TEST_SOURCE_FAILS_RETRYABLE;
  knobs.fault_at = 90; /* by then parts have been closed without a token, whatever their rows are */
  knobs.fault_times = 1;
  knobs.hook = wait_for_page;
  knobs.hook_context = &knobs;
  running_pages = 0;
  begin(&knobs);
  of.options.workers = 1;
  of.options.log = test_event_log_take;
  of.options.log_user_data = events;
  test_engine_start(&of);
  test_kick_off(of.engine, PARTIAL "&_type=Observation", target);
  uint32_t status = 202;
  for (int i = 0; status == 202 && i < POLLS_MAX; i++) {
    test_answer answer = test_get(of.engine, target);
    status = answer.status;
    if (status == 202 && answer.len != 0) running_pages++;
    test_answer_free(&answer);
    test_nap_ms(1);
  }
  test_require(status == 500 && running_pages > 0);
  test_event_await(events, "job.failed", 1);
  test_require(test_event_field(events, "job.failed", 0, "status", status_name));
  test_require(strcmp(status_name, "LIMIT") == 0);
  end();
  test_require(test_event_count(events, "job.failed") == 1);
  test_event_log_free(events);
}

/* --- statuses kept apart --- */

static void expect_export_status(const test_answer *answer, const char *wanted) {
  const char *named = test_header(answer, "X-Export-Status");
  test_require(answer->status == 200 && named != NULL && strcmp(named, wanted) == 0);
}

/* STAT-13: running, complete, not there; with pages and without. */
static void test_separate(void **state) {
  (void)state;
  static const char *const targets[] = {"/$export", PARTIAL};
  for (size_t i = 0; i < 2; i++) {
    char target[TEST_URL_MAX], page[TEST_URL_MAX];
    test_scenario("separate %s", targets[i]);
    begin_usual();
    test_engine_start(&of);
    start_separate(targets[i], target);
    test_answer answer = test_get(of.engine, target);
    expect_export_status(&answer, "202 Accepted");
    test_require(answer.len == 0 && test_header(&answer, "Retry-After") != NULL);
    test_require(strstr(test_header(&answer, "X-Progress"), "%") != NULL);
    test_answer_free(&answer);
    test_worker *worker = test_worker_start(of.engine);
    bool runs = true;
    for (int polls = 0; runs && polls < POLLS_MAX; polls++) {
      let_worker_run();
      answer = test_get(of.engine, target);
      runs = strcmp(test_header(&answer, "X-Export-Status"), "202 Accepted") == 0;
      expect_export_status(&answer, runs ? "202 Accepted" : "200 OK");
      test_require(runs || strstr(answer.body, "\"output\":[{") != NULL);
      test_answer_free(&answer);
    }
    test_require(!runs);
    page_target(page, target, PAGES_MAX);
    answer = test_get(of.engine, page);
    test_require(test_header(&answer, "X-Export-Status") == NULL);
    test_expect_outcome(answer, 404, "error", "not-found");
    test_expect_outcome(send_method("DELETE", target), 202, "information", "informational");
    answer = test_get(of.engine, target);
    test_require(test_header(&answer, "X-Export-Status") == NULL);
    test_expect_outcome(answer, 404, "error", "not-found");
    fhx_engine_stop(of.engine);
    test_worker_join(worker);
    end();
  }
}

/* STAT-13: the poll went well, the export did not; too fast a poll is still that. */
static void test_separate_failed(void **state) {
  (void)state;
  char target[TEST_URL_MAX];
  test_scenario("separate, failed");
  test_source_knobs knobs = test_engine_source(data);
  knobs.fault_call = TEST_SOURCE_NEXT;
  knobs.fault = TEST_SOURCE_FAILS;
  knobs.fault_at = 3;
  begin(&knobs);
  of.options.workers = 1;
  test_engine_start(&of);
  start_separate(PARTIAL, target);
  bool runs = true;
  for (int polls = 0; runs && polls < POLLS_MAX; polls++) {
    let_worker_run();
    test_answer answer = test_get(of.engine, target);
    runs = strcmp(test_header(&answer, "X-Export-Status"), "202 Accepted") == 0;
    test_answer_free(&answer);
  }
  test_answer answer = test_get(of.engine, target);
  expect_export_status(&answer, "500 Internal Server Error");
  test_expect_outcome(answer, 200, "error", "exception");
  end();
}

static void test_separate_too_fast(void **state) {
  (void)state;
  char target[TEST_URL_MAX];
  test_scenario("separate, too fast");
  begin_usual();
  of.options.polls_max = 2;
  test_engine_start(&of);
  start_separate("/$export", target);
  uint32_t status = 200;
  for (int i = 0; i < 50 && status == 200; i++) {
    test_answer answer = test_get(of.engine, target);
    status = answer.status;
    test_require((test_header(&answer, "X-Export-Status") != NULL) == (status == 200));
    test_answer_free(&answer);
  }
  test_require(status == 429);
  end();
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_followed),
      cmocka_unit_test(test_complete),
      cmocka_unit_test(test_not_yet),
      cmocka_unit_test(test_too_fast),
      cmocka_unit_test(test_nothing),
      cmocka_unit_test(test_not_asked_for),
      cmocka_unit_test(test_failed),
      cmocka_unit_test(test_lost_token),
      cmocka_unit_test(test_separate),
      cmocka_unit_test(test_separate_failed),
      cmocka_unit_test(test_separate_too_fast),
  };
  return cmocka_run_group_tests(tests, make_data, test_dataset_end);
}
