/*
 * Polls while the store goes wrong: a passing fault of it is 503, and says nothing of the job, also
 * where statuses are kept apart (STAT-11, STAT-13, MAN-20).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

#include "store/handle.h"
#include "support/engine.h"
#include "support/require.h"

#define PARTIAL "/$export?allowPartialManifests=true"

static test_dataset *data;
static test_engine of;
/* The store's own callbacks, for a while behind those of this test. */
static fhx_store_callbacks sound;

static int make_data(void **state) {
  *state = data = test_dataset_new(4, 60, TEST_DATASET_STAMPED);
  return 0;
}

/* A complete export that nobody has read, whose client keeps statuses apart. */
static void begin(char target[TEST_URL_MAX]) {
  const char *headers[] = {"Prefer", "respond-async, separate-export-status"};
  fhx_sqlite_store_options memory;
  test_source_knobs knobs = test_engine_source(data);
  test_engine_prepare(&of, &knobs);
  FHX_INIT(&memory);
  memory.path = ":memory:";
  test_require_status(fhx_sqlite_store_new(&memory, &of.options.store, NULL), FHX_OK);
  sound = of.options.store->callbacks;
  test_engine_start(&of);
  fhx_request request = test_request("GET", PARTIAL);
  request.headers = headers;
  request.header_count = 1;
  test_answer answer = test_send(of.engine, &request);
  test_require(answer.status == 202);
  snprintf(target, TEST_URL_MAX, "%s", test_target_of(test_header(&answer, "Content-Location")));
  test_answer_free(&answer);
}

/* On a busy machine a request may have too little time for what it tries twice: it comes again. */
static test_answer get_in_time(const char *target) {
  test_answer answer = test_get(of.engine, target);
  for (int i = 0; i < 100 && answer.status == 503; i++) {
    test_answer_free(&answer);
    test_nap_ms(20);
    answer = test_get(of.engine, target);
  }
  return answer;
}

static void run(const char *target) {
  test_worker *worker = test_worker_start(of.engine);
  for (bool runs = true; runs;) {
    test_answer answer = get_in_time(target);
    runs = strcmp(test_header(&answer, "X-Export-Status"), "202 Accepted") == 0;
    test_answer_free(&answer);
  }
  fhx_engine_stop(of.engine);
  test_worker_join(worker);
}

static void end(void) {
  of.options.store->callbacks = sound;
  fhx_store_free(of.options.store);
  test_engine_end(&of);
}

static void fail_read_job(void *user_data, const char *job_id, fhx_reply *reply) {
  (void)user_data, (void)job_id;
  fhx_reply_fail(reply, FHX_ERR_IO, 1, "the network is down");
}

static void fail_add_page(void *user_data, const char *job_id, uint32_t page, uint32_t count_max,
                          fhx_reply *reply) {
  (void)page, (void)count_max;
  fail_read_job(user_data, job_id, reply);
}

/* The page is made, and the answer lost. */
static void lose_add_page(void *user_data, const char *job_id, uint32_t page, uint32_t count_max,
                          fhx_reply *reply) {
  sound.add_page(user_data, job_id, page, count_max, reply);
  fhx_reply_fail(reply, FHX_ERR_UNKNOWN_OUTCOME, 0, "the answer was lost");
}

/* While it is asked for a page the job fails. */
static void refuse_add_page(void *user_data, const char *job_id, uint32_t page, uint32_t count_max,
                            fhx_reply *reply) {
  (void)user_data, (void)job_id, (void)page, (void)count_max;
  fhx_reply_fail(reply, FHX_ERR_REFUSED, 0, "the job has failed");
}

static void fail_list_page(void *user_data, const char *job_id, uint32_t page, uint32_t after_task,
                           uint64_t after_seq, uint32_t limit, fhx_reply *reply) {
  (void)page, (void)after_task, (void)after_seq, (void)limit;
  fail_read_job(user_data, job_id, reply);
}

static void expect_unavailable(const char *target) {
  test_answer answer = test_get(of.engine, target);
  test_require(test_header(&answer, "X-Export-Status") == NULL);
  test_require(test_header(&answer, "Retry-After") != NULL);
  test_expect_outcome(answer, 503, "error", "transient");
}

static void test_unavailable(void **state) {
  (void)state;
  char target[TEST_URL_MAX], page[TEST_URL_MAX + 20];
  begin(target);
  fhx_store_callbacks *callbacks = &of.options.store->callbacks;
  for (int i = 0; i < 2; i++) {
    test_scenario("complete: %d", i);
    snprintf(page, sizeof page, "%s/pages/99", target);
    callbacks->read_job = fail_read_job;
    expect_unavailable(target);
    expect_unavailable(page);
    callbacks->read_job = sound.read_job;
    callbacks->add_page = fail_add_page;
    expect_unavailable(page);
    callbacks->add_page = sound.add_page;
    if (i == 0) run(target);
  }
  test_answer answer = test_get(of.engine, target);
  test_require(answer.status == 200);
  test_require(strcmp(test_header(&answer, "X-Export-Status"), "200 OK") == 0);
  test_answer_free(&answer);
  end();
}

/* A page that was made is there, whatever its maker was told. */
static void test_lost_page(void **state) {
  (void)state;
  char target[TEST_URL_MAX];
  begin(target);
  run(target);
  of.options.store->callbacks.add_page = lose_add_page;
  test_answer answer = get_in_time(target);
  test_require(answer.status == 200 && strstr(answer.body, "\"output\":[{") != NULL);
  test_answer_free(&answer);
  end();
}

static void test_refused_page(void **state) {
  (void)state;
  char target[TEST_URL_MAX];
  begin(target);
  of.options.store->callbacks.add_page = refuse_add_page;
  test_answer answer = test_get(of.engine, target);
  test_require(answer.status == 200 && answer.len == 0);
  test_require(strcmp(test_header(&answer, "X-Export-Status"), "202 Accepted") == 0);
  test_answer_free(&answer);
  end();
}

/* What has begun cannot be an outcome any more: the body ends with an error, and is not whole. */
static void test_cut_off(void **state) {
  (void)state;
  char target[TEST_URL_MAX], piece[4096];
  fhx_response *response = NULL;
  size_t len = 0;
  int32_t status = FHX_OK;
  begin(target);
  run(target);
  of.options.store->callbacks.list_page = fail_list_page;
  fhx_request request = test_request("GET", target);
  test_require_status(fhx_engine_handle(of.engine, &request, &response, NULL), FHX_OK);
  while (status == FHX_OK) {
    status = fhx_response_read(response, piece, sizeof piece, &len, NULL);
    test_require(status != FHX_OK || memchr(piece, '}', len) == NULL);
  }
  test_require_status(status, FHX_ERR_IO);
  fhx_response_free(response);
  end();
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_unavailable),
      cmocka_unit_test(test_lost_page),
      cmocka_unit_test(test_refused_page),
      cmocka_unit_test(test_cut_off),
  };
  return cmocka_run_group_tests(tests, make_data, test_dataset_end);
}
