/* An engine between a memory source and a folder, and what a client asks of it. */
#include "support/engine.h"

#include <fhirexport/destination.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>
/* cmocka.h needs those above. */
#include <cmocka.h>
#include <yajl/yajl_tree.h>

#include "support/require.h"

#define PIECE 333
/* How long anything is waited for, on a machine that does other things as well. */
#define PATIENCE_S 300

static const char key[] = "a key for tests of thirty-three b";

/* --- the engine --- */

test_source_knobs test_engine_source(const test_dataset *data) {
  test_source_knobs knobs;
  memset(&knobs, 0, sizeof knobs);
  knobs.data = data;
  knobs.seed = 7;
  knobs.lists_types = true;
  knobs.tokens = true;
  knobs.rows_max = 7;
  return knobs;
}

void test_engine_prepare(test_engine *of, const test_source_knobs *knobs) {
  fhx_directory_options directory;
  memset(of, 0, sizeof *of);
  test_folder_new(of->folder);
  of->key = key;
  of->key_len = sizeof key - 1;
  FHX_INIT(&of->options);
  FHX_INIT(&directory);
  directory.path = of->folder;
  of->source = test_source_new(knobs, &of->options.source);
  int32_t status = fhx_directory_destination_new(&directory, &of->options.destination, NULL);
  test_require(status == FHX_OK || status == FHX_ERR_NO_MEMORY);
  of->options.base_url = TEST_BASE_URL;
  of->options.url_keys = &of->key;
  of->options.url_key_lens = &of->key_len;
  of->options.url_key_count = 1;
  of->options.part_bytes = 6000;
  of->options.settle_us = -1;
  of->options.attempts_max = 3;
  /* Tests poll without a pause. */
  of->options.polls_max = UINT32_MAX;
}

void test_engine_start(test_engine *of) {
  test_require_status(fhx_engine_new(&of->options, &of->engine, NULL), FHX_OK);
}

void test_engine_end(test_engine *of) {
  fhx_engine_free(of->engine);
  fhx_source_free(of->options.source);
  fhx_destination_free(of->options.destination);
  test_source_end(of->source);
  test_folder_remove(of->folder);
  test_require_sound();
}

/* --- requests --- */

fhx_request test_request(const char *method, const char *target) {
  fhx_request request;
  FHX_INIT(&request);
  request.method = method;
  request.target = target;
  request.tenant = "north";
  request.client = "app";
  return request;
}

/* A file's bytes are also there behind the descriptor. */
static void check_descriptor(const fhx_response *response, char **expected, size_t *expected_len) {
  int32_t descriptor = -1;
  uint64_t offset = 0, length = 0;
  *expected = NULL;
  *expected_len = 0;
  int32_t status = fhx_response_file(response, &descriptor, &offset, &length, NULL);
  if (status == FHX_END) return;
  test_require_status(status, FHX_OK);
  *expected_len = (size_t)length;
  *expected = malloc(*expected_len + 1);
  assert_non_null(*expected);
  test_require(pread(descriptor, *expected, *expected_len, (off_t)offset) == (ssize_t)length);
}

test_answer test_send(fhx_engine *engine, const fhx_request *request) {
  test_answer answer = {NULL, 0, NULL, 0};
  char *stretch = NULL, piece[PIECE];
  size_t got = 0, stretch_len = 0, room = 0;
  test_require_status(fhx_engine_handle(engine, request, &answer.response, NULL), FHX_OK);
  answer.status = fhx_response_status(answer.response);
  check_descriptor(answer.response, &stretch, &stretch_len);
  int32_t status = FHX_OK;
  do {
    status = fhx_response_read(answer.response, piece, sizeof piece, &got, NULL);
    test_require(status == FHX_END ? got == 0 : got >= 1 && got <= sizeof piece);
    /* Twice as much each time: sanitizers copy all of it. */
    if (answer.len + got + 1 > room) {
      room = 2 * (answer.len + sizeof piece);
      answer.body = realloc(answer.body, room);
      assert_non_null(answer.body);
    }
    memcpy(answer.body + answer.len, piece, got);
    answer.len += got;
  } while (status == FHX_OK);
  test_require_status(status, FHX_END);
  answer.body[answer.len] = '\0';
  if (stretch != NULL) {
    test_require(answer.len == stretch_len && memcmp(answer.body, stretch, stretch_len) == 0);
  }
  free(stretch);
  return answer;
}

test_answer test_get(fhx_engine *engine, const char *target) {
  fhx_request request = test_request("GET", target);
  return test_send(engine, &request);
}

void test_answer_free(test_answer *answer) {
  fhx_response_free(answer->response);
  free(answer->body);
  *answer = (test_answer){NULL, 0, NULL, 0};
}

const char *test_header(const test_answer *answer, const char *name) {
  for (uint32_t i = 0; i < fhx_response_header_count(answer->response); i++) {
    if (strcasecmp(fhx_response_header_name(answer->response, i), name) == 0) {
      return fhx_response_header_value(answer->response, i);
    }
  }
  return NULL;
}

/* --- answers --- */

static yajl_val parse(const char *text) {
  char message[256];
  yajl_val root = yajl_tree_parse(text, message, sizeof message);
  test_require(root != NULL);
  return root;
}

static yajl_val member(yajl_val object, const char *name, yajl_type type) {
  const char *path[] = {name, NULL};
  yajl_val value = yajl_tree_get(object, path, type);
  test_require(value != NULL);
  return value;
}

void test_expect_outcome(test_answer answer, uint32_t status, const char *severity,
                         const char *code) {
  char length[30];
  if (answer.status != status) print_error("%u: %s\n", answer.status, answer.body);
  test_require(answer.status == status);
  test_require(strcmp(test_header(&answer, "Content-Type"), "application/fhir+json") == 0);
  snprintf(length, sizeof length, "%zu", answer.len);
  test_require(strcmp(test_header(&answer, "Content-Length"), length) == 0);
  yajl_val root = parse(answer.body);
  test_require(strcmp(member(root, "resourceType", yajl_t_string)->u.string, "OperationOutcome") ==
               0);
  yajl_val issues = member(root, "issue", yajl_t_array);
  test_require(issues->u.array.len == 1);
  yajl_val issue = issues->u.array.values[0];
  test_require(strcmp(member(issue, "severity", yajl_t_string)->u.string, severity) == 0);
  test_require(strcmp(member(issue, "code", yajl_t_string)->u.string, code) == 0);
  test_require(*member(issue, "diagnostics", yajl_t_string)->u.string != '\0');
  yajl_tree_free(root);
  test_answer_free(&answer);
}

void test_expect_refusal(fhx_engine *engine, const char *target, uint32_t status,
                         const char *code) {
  test_expect_outcome(test_get(engine, target), status, "error", code);
}

const char *test_target_of(const char *url) {
  test_require(url != NULL && strncmp(url, TEST_BASE_URL "/", strlen(TEST_BASE_URL "/")) == 0);
  return url + strlen(TEST_BASE_URL);
}

static time_t now_s(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec;
}

/* Who is told that the store is busy, as it may be where threads have to wait, comes again. */
static test_answer get_again(fhx_engine *engine, const char *target) {
  test_answer answer = test_get(engine, target);
  for (int i = 0; i < 100 && answer.status == 503; i++) {
    test_answer_free(&answer);
    test_nap_ms(20);
    answer = test_get(engine, target);
  }
  return answer;
}

void test_kick_off(fhx_engine *engine, const char *target, char status_target[TEST_URL_MAX]) {
  test_answer answer = get_again(engine, target);
  if (answer.status != 202) print_error("%u: %s\n", answer.status, answer.body);
  test_require(answer.status == 202 && answer.len == 0);
  snprintf(status_target, TEST_URL_MAX, "%s",
           test_target_of(test_header(&answer, "Content-Location")));
  test_answer_free(&answer);
}

/* STAT-02, STAT-03, STAT-04 and STAT-19 of one poll; the percentage never goes down. */
static void check_running(const test_answer *answer, int *percent) {
  const char *progress = test_header(answer, "X-Progress");
  const char *retry = test_header(answer, "Retry-After");
  int now = -1;
  test_require(progress != NULL && strlen(progress) < 100);
  test_require(sscanf(progress, "%d%%", &now) == 1 && now >= *percent && now < 100);
  test_require(retry != NULL && atoi(retry) >= 1 && atoi(retry) <= 10);
  test_require(strcmp(test_header(answer, "Cache-Control"), "no-store") == 0);
  test_require(answer->len == 0);
  *percent = now;
}

test_answer test_poll(fhx_engine *engine, const char *status_target) {
  int percent = 0;
  const time_t end_s = now_s() + PATIENCE_S;
  while (now_s() < end_s) {
    test_answer answer = get_again(engine, status_target);
    if (answer.status != 202) return answer;
    check_running(&answer, &percent);
    test_answer_free(&answer);
    nanosleep(&(struct timespec){0, 1000000}, NULL);
  }
  test_require(false);
  return (test_answer){NULL, 0, NULL, 0};
}

bool test_manifest_item(const char *manifest, const char *list, size_t position,
                        char url[TEST_URL_MAX], char type[70], uint64_t *count) {
  yajl_val root = parse(manifest);
  yajl_val items = member(root, list, yajl_t_array);
  bool is_there = position < items->u.array.len;
  if (is_there) {
    yajl_val item = items->u.array.values[position];
    const char *integrity[] = {"extension", "byteCount", NULL};
    bool has_extension = yajl_tree_get(item, integrity, yajl_t_number) != NULL;
    test_require(item->u.object.len == (has_extension ? 4 : 3));
    snprintf(url, TEST_URL_MAX, "%s", member(item, "url", yajl_t_string)->u.string);
    if (type != NULL) snprintf(type, 70, "%s", member(item, "type", yajl_t_string)->u.string);
    *count = (uint64_t)YAJL_GET_INTEGER(member(item, "count", yajl_t_number));
  }
  yajl_tree_free(root);
  return is_there;
}

uint64_t test_count_lines(fhx_engine *engine, const char *manifest, const char *list) {
  char url[TEST_URL_MAX];
  uint64_t count = 0, total = 0;
  for (size_t i = 0; test_manifest_item(manifest, list, i, url, NULL, &count); i++) {
    uint64_t lines = 0;
    test_answer file = test_get(engine, test_target_of(url));
    test_require(file.status == 200);
    for (size_t at = 0; at < file.len; at++) lines += file.body[at] == '\n' ? 1 : 0;
    test_require(lines == count);
    test_answer_free(&file);
    total += count;
  }
  return total;
}

void test_nap_ms(long ms) {
  nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000}, NULL);
}

/* --- workers of the host --- */

struct test_worker {
  pthread_t thread;
  fhx_engine *engine;
  int32_t status;
};

static void *work(void *context) {
  test_worker *worker = context;
  worker->status = fhx_engine_run(worker->engine, NULL);
  return NULL;
}

test_worker *test_worker_start(fhx_engine *engine) {
  test_worker *worker = calloc(1, sizeof *worker);
  assert_non_null(worker);
  worker->engine = engine;
  assert_int_equal(pthread_create(&worker->thread, NULL, work, worker), 0);
  return worker;
}

void test_worker_join(test_worker *worker) {
  pthread_join(worker->thread, NULL);
  int32_t status = worker->status;
  free(worker);
  test_require_status(status, FHX_WAIT);
}
