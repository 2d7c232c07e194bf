/* Engines whose clients name where exports go. */
#include "support/client_storage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

#include "support/require.h"

#define SECOND_US INT64_C(1000000)

/* --- the host --- */

int64_t test_client_storage_clock(void *user_data) {
  return ((test_client_storage *)user_data)->clock_us;
}

static void fail_or_done(const test_vault *vault, fhx_reply *reply) {
  if (vault->fails == FHX_OK) {
    fhx_reply_done(reply);
  } else if (vault->fails != FHX_ERR_NO_ANSWER) {
    fhx_reply_fail(reply, vault->fails, vault->retryable, "the vault at 10.1.2.3 is shut");
  }
}

static void secret_put(void *user_data, const char *job_id, const void *bytes, size_t len,
                       fhx_reply *reply) {
  test_vault *to = user_data;
  test_violation_unless(len <= sizeof to->data, "the secret is longer than it is");
  test_violation_unless(fhx_reply_patience_us(reply) <= SECOND_US, "a client waits for ever");
  to->puts++;
  pthread_mutex_lock(&to->mutex);
  memcpy(to->job_id, job_id, sizeof to->job_id);
  memcpy(to->data, bytes, len);
  to->len = len;
  pthread_mutex_unlock(&to->mutex);
  fail_or_done(to, reply);
}

static void secret_get(void *user_data, const char *job_id, fhx_reply *reply) {
  test_vault *from = user_data;
  pthread_mutex_lock(&from->mutex);
  if (from->fails != FHX_OK) {
    fail_or_done(from, reply);
  } else if (from->len == 0 || strcmp(job_id, from->job_id) != 0) {
    fhx_reply_fail(reply, FHX_ERR_NOT_FOUND, 0, "there is none");
  } else {
    fhx_reply_item(reply, from->data, from->len);
    fhx_reply_done(reply);
  }
  pthread_mutex_unlock(&from->mutex);
  from->gets++;
}

static void secret_delete(void *user_data, const char *job_id, fhx_reply *reply) {
  test_vault *from = user_data;
  pthread_mutex_lock(&from->mutex);
  if (strcmp(job_id, from->job_id) == 0) {
    memset(from->data, 0, sizeof from->data);
    from->len = 0;
  }
  pthread_mutex_unlock(&from->mutex);
  from->deletes++;
  fhx_reply_done(reply);
}

static void destroy(void *user_data) {
  ((test_vault *)user_data)->destroyed++;
}

void test_client_storage_use_vault(test_client_storage *at) {
  at->clients.secret_put = secret_put;
  at->clients.secret_get = secret_get;
  at->clients.secret_delete = secret_delete;
}

void test_client_encode(const char *text, char *out) {
  static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  size_t len = strlen(text);
  for (size_t i = 0; i < len; i += 3) {
    uint32_t bits = 0;
    for (size_t k = 0; k < 3; k++) {
      bits = bits << 8 | (i + k < len ? (uint32_t)(unsigned char)text[i + k] : 0);
    }
    for (size_t k = 0; k < 4; k++) {
      *out++ = i + k > len ? '=' : letters[bits >> (18 - 6 * k) & 63];
    }
  }
  *out = '\0';
}

/* --- before and after each test --- */

static void use_store(test_client_storage *at) {
  fhx_sqlite_store_options options;
  FHX_INIT(&options);
  options.path = ":memory:";
  options.clock = test_client_storage_clock;
  options.clock_user_data = at;
  test_require_status(fhx_sqlite_store_new(&options, &at->of.options.store, NULL), FHX_OK);
}

void test_client_storage_prepare(test_client_storage *at, const test_source_knobs *knobs) {
  test_engine_prepare(&at->of, knobs);
  use_store(at);
  at->of.options.lease_us = TEST_CLIENT_HOLD_US;
  at->of.options.part_bytes = 2000;
  at->of.options.client_destinations = &at->clients;
}

void test_client_storage_forget(test_client_storage *at) {
  memset(at->vault.job_id, 0, sizeof at->vault.job_id);
  memset(at->vault.data, 0, sizeof at->vault.data);
  at->vault.len = 0;
  at->vault.fails = FHX_OK;
  at->vault.puts = at->vault.gets = at->vault.deletes = at->vault.destroyed = 0;
}

void test_client_storage_begin(test_client_storage *at) {
  test_scenario("client destination");
  at->data = test_dataset_new(3, 60, TEST_DATASET_STAMPED);
  test_source_knobs knobs = test_engine_source(at->data);
  pthread_mutex_init(&at->vault.mutex, NULL);
  test_client_storage_forget(at);
  at->clock_us = (int64_t)time(NULL) * SECOND_US;
  at->blobs = test_blob_store_start(TEST_CLIENT_CONTAINER);
  test_client_encode(test_blob_store_connection(at->blobs), at->encoded);
  FHX_INIT(&at->clients);
  FHX_INIT(&at->http);
  at->hosts[0] = test_blob_store_host(at->blobs);
  at->http.ca_file = test_blob_store_ca_file(at->blobs);
  at->clients.allowed_hosts = at->hosts;
  at->clients.allowed_host_count = 1;
  at->clients.http = &at->http;
  at->clients.user_data = &at->vault;
  at->clients.destroy = destroy;
  test_client_storage_prepare(at, &knobs);
}

void test_client_storage_end(test_client_storage *at) {
  fhx_store_free(at->of.options.store);
  test_engine_end(&at->of);
  test_blob_store_end(at->blobs);
  pthread_mutex_destroy(&at->vault.mutex);
  test_dataset_free(at->data);
}

/* --- what clients send --- */

const char *test_client_target(const test_client_storage *at, const char *begin_of_query,
                               const char *end_of_query) {
  static char target[TEST_CLIENT_REQUEST_MAX];
  snprintf(target, sizeof target, "/$export?%s" TEST_CLIENT_SETTINGS "%s%s", begin_of_query,
           at->encoded, end_of_query);
  return target;
}

static test_answer post(const test_client_storage *at, const char *body) {
  static const char *const headers[] = {"Content-Type", "application/fhir+json"};
  fhx_request request = test_request("POST", "/$export");
  request.headers = headers;
  request.header_count = 1;
  request.body = body;
  request.body_len = strlen(body);
  return test_send(at->of.engine, &request);
}

test_answer test_client_post(const test_client_storage *at, const char *value_of_settings,
                             const char *more) {
  static char body[TEST_CLIENT_REQUEST_MAX];
  snprintf(body, sizeof body,
           "{\"resourceType\":\"Parameters\",\"parameter\":["
           "{\"name\":\"_destinationType\",\"valueString\":\"azure-block-blob\"},"
           "{\"name\":\"_destinationConnectionSettings\",\"%s\":\"%s\"},"
           "{\"name\":\"_container\",\"valueString\":\"" TEST_CLIENT_CONTAINER "\"}%s]}",
           value_of_settings, at->encoded, more);
  return post(at, body);
}

void test_client_take(test_answer answer, char target[TEST_URL_MAX]) {
  if (answer.status != 202) print_error("%u: %s\n", answer.status, answer.body);
  test_require(answer.status == 202);
  snprintf(target, TEST_URL_MAX, "%s", test_target_of(test_header(&answer, "Content-Location")));
  test_answer_free(&answer);
}

void test_client_kick_off(const test_client_storage *at, char target[TEST_URL_MAX]) {
  const char *asked = test_client_target(at, "", "&_container=" TEST_CLIENT_CONTAINER);
  test_client_take(test_get(at->of.engine, asked), target);
}

void test_client_expect_complete(fhx_engine *engine, const char *target) {
  test_answer answer = test_poll(engine, target);
  if (answer.status != 200) print_error("%u: %s\n", answer.status, answer.body);
  test_require(answer.status == 200);
  test_answer_free(&answer);
}

void test_client_expect_lost(fhx_engine *engine, const char *target) {
  test_answer answer = test_poll(engine, target);
  test_require(strstr(answer.body, "start the export again") != NULL);
  test_expect_outcome(answer, 500, "error", "security");
}

int32_t test_client_attach(const test_client_storage *at, const char *target) {
  fhx_job *job = NULL;
  fhx_job_options options;
  FHX_INIT(&options);
  options.source = at->of.options.source;
  options.destination = at->of.options.destination;
  options.store = at->of.options.store;
  return fhx_job_attach(&options, strrchr(target, '/') + 1, &job, NULL);
}

void test_client_expect_gone(const test_client_storage *at, const char *target) {
  for (int i = 0; i < 300000 && test_client_attach(at, target) != FHX_ERR_NOT_FOUND; i++) {
    nanosleep(&(struct timespec){0, 1000000}, NULL);
  }
  test_require_status(test_client_attach(at, target), FHX_ERR_NOT_FOUND);
}

size_t test_client_check_manifest(const test_client_storage *at, const char *manifest,
                                  const char *request) {
  char url[TEST_URL_MAX], expected[TEST_URL_MAX];
  uint64_t count = 0;
  size_t found = 0;
  snprintf(expected, sizeof expected, "\"request\":\"" TEST_BASE_URL "%s\"", request);
  if (strstr(manifest, expected) == NULL) print_error("%s\n", manifest);
  test_require(strstr(manifest, expected) != NULL);
  test_require(strstr(manifest, "\"requiresAccessToken\":true") != NULL);
  test_require(strstr(manifest, TEST_BLOB_SECRET) == NULL && strstr(manifest, "sig=") == NULL);
  while (test_manifest_item(manifest, "output", found, url, NULL, &count)) {
    test_require(test_blob_store_has_url(at->blobs, url));
    found++;
  }
  return found;
}
