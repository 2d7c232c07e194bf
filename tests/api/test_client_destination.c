/* Exports to destinations that clients name: what is refused, where the files and URLs go, and what
   becomes of them when the export fails. Which engine runs a job, and where the credentials are, is
   in test_client_secrets.c. The storage is a server that does what a script says;
   tests/server/client_destination.py exports to a real one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
/* cmocka.h needs those above. */
#include <cmocka.h>
#include <fhirexport/fhirexport.h>

#include "support/client_storage.h"
#include "support/require.h"

#define SECRET TEST_BLOB_SECRET
#define CONTAINER TEST_CLIENT_CONTAINER

static test_client_storage at;

static int begin(void **state) {
  (void)state;
  test_client_storage_begin(&at);
  return 0;
}

static int end(void **state) {
  (void)state;
  test_client_storage_end(&at);
  return 0;
}

/* --- options --- */

static void expect_wrong(const char *word) {
  fhx_error *error = NULL;
  uint32_t destroyed = at.vault.destroyed;
  int32_t status = fhx_engine_new(&at.of.options, &at.of.engine, &error);
  test_require_status(status, FHX_ERR_ARGUMENT);
  test_require(strstr(fhx_error_message(error), word) != NULL);
  test_require(at.vault.destroyed == destroyed + 1);
  fhx_error_free(error);
}

static void ignore_create(void *user_data, const fhx_job_record *record, fhx_reply *reply) {
  (void)user_data, (void)record, (void)reply;
}

/* A store of which nothing is called. */
static fhx_store *store_without_holds(void) {
  fhx_store *store = NULL;
  fhx_store_callbacks callbacks;
  FHX_INIT(&callbacks);
  callbacks.create_job = ignore_create;
  callbacks.read_job = (fhx_read_job_callback)(void (*)(void))ignore_create;
  callbacks.claim_task = (fhx_claim_task_callback)(void (*)(void))ignore_create;
  callbacks.renew_task = (fhx_renew_task_callback)(void (*)(void))ignore_create;
  callbacks.plan_tasks = (fhx_plan_tasks_callback)(void (*)(void))ignore_create;
  callbacks.record_checkpoint = (fhx_record_checkpoint_callback)(void (*)(void))ignore_create;
  callbacks.release_task = (fhx_release_task_callback)(void (*)(void))ignore_create;
  callbacks.read_task = (fhx_read_task_callback)(void (*)(void))ignore_create;
  callbacks.remove_job = (fhx_remove_job_callback)(void (*)(void))ignore_create;
  callbacks.list_parts = (fhx_list_parts_callback)(void (*)(void))ignore_create;
  callbacks.list_lines = (fhx_list_lines_callback)(void (*)(void))ignore_create;
  callbacks.list_attempts = (fhx_list_attempts_callback)(void (*)(void))ignore_create;
  callbacks.clean_job = (fhx_clean_job_callback)(void (*)(void))ignore_create;
  callbacks.next_cleanup = (fhx_next_cleanup_callback)(void (*)(void))ignore_create;
  callbacks.add_members = (fhx_add_members_callback)(void (*)(void))ignore_create;
  callbacks.list_members = (fhx_list_members_callback)(void (*)(void))ignore_create;
  test_require_status(fhx_store_new(&callbacks, NULL, &store, NULL), FHX_OK);
  return store;
}

static void test_options(void **state) {
  (void)state;
  fhx_store *store = at.of.options.store;
  at.clients.allowed_host_count = 0;
  expect_wrong("allowed_hosts");
  at.clients.allowed_host_count = 1;
  at.hosts[0] = "";
  expect_wrong("allowed_hosts");
  at.hosts[0] = test_blob_store_host(at.blobs);
  at.http.allowed_hosts = at.hosts;
  at.http.allowed_host_count = 1;
  expect_wrong("allowed_hosts");
  at.http.allowed_hosts = NULL;
  at.http.allowed_host_count = 0;
  at.clients.container = "Not-A-Container";
  expect_wrong("container");
  at.clients.container = NULL;
  test_client_storage_use_vault(&at);
  at.clients.secret_put = NULL;
  at.clients.secret_delete = NULL;
  expect_wrong("secret_put");
  at.clients.secret_get = NULL;
  at.of.options.store = store_without_holds();
  expect_wrong("hold_job");
  test_client_storage_use_vault(&at);
  test_engine_start(&at.of);
  fhx_engine_free(at.of.engine);
  at.of.engine = NULL;
  fhx_store_free(at.of.options.store);
  at.of.options.store = store;
  at.of.options.base_url = "nowhere";
  expect_wrong("base_url");
  /* A structure that cannot be read is nobody's. */
  uint32_t destroyed = at.vault.destroyed;
  at.clients.size = 3;
  test_require_status(fhx_engine_new(&at.of.options, &at.of.engine, NULL), FHX_ERR_STRUCT_SIZE);
  test_require(at.vault.destroyed == destroyed);
}

/* --- refusals --- */

/* A refusal names the parameter and nothing of what was sent. */
static void expect_named(test_answer answer, const char *code, const char *name) {
  if (answer.status != 400) print_error("%u: %s\n", answer.status, answer.body);
  test_require(strstr(answer.body, name) != NULL);
  test_require(strstr(answer.body, SECRET) == NULL && strstr(answer.body, at.encoded) == NULL);
  test_require(strstr(answer.body, at.hosts[0]) == NULL &&
               strstr(answer.body, "elsewhere") == NULL);
  test_expect_outcome(answer, 400, "error", code);
}

/* PARAM-01: not even a lenient client has them ignored. */
static void test_not_enabled(void **state) {
  (void)state;
  static const char *const targets[] = {
      "/$export?_destinationType=azure-block-blob",
      "/$export?_destinationConnectionSettings=QQ==",
      "/$export?_container=elsewhere",
  };
  static const char *const lenient[] = {"Prefer", "handling=lenient"};
  at.of.options.client_destinations = NULL;
  test_engine_start(&at.of);
  for (size_t i = 0; i < 3; i++) {
    const char *name = strchr(targets[i], '_');
    char text[40] = "";
    memcpy(text, name, strcspn(name, "="));
    test_scenario("%s where no client names a destination", text);
    fhx_request request = test_request("GET", targets[i]);
    request.headers = lenient;
    expect_named(test_send(at.of.engine, &request), "not-supported", text);
    request.header_count = 1;
    expect_named(test_send(at.of.engine, &request), "not-supported", text);
  }
  expect_named(test_client_post(&at, "valueString", ""), "not-supported", "_destination");
  test_answer answer = test_get(at.of.engine, "/metadata");
  test_require(strstr(answer.body, "_destinationType") == NULL);
  test_answer_free(&answer);
}

typedef struct mistake {
  const char *query;
  const char *code;
  const char *name;
} mistake;

static void test_mistakes(void **state) {
  (void)state;
#define TYPE "_destinationType=azure-block-blob&"
#define TEXT "_destinationConnectionSettings"
  static const mistake cases[] = {
      {"_destinationType=azure-block-blob", "required", TEXT},
      {TEXT "=QUJD", "required", "_destinationType"},
      {"_container=elsewhere", "required", "_container"},
      {"_destinationType=elsewhere&" TEXT "=QUJD", "not-supported", "_destinationType"},
      {"_destinationType=Azure-Block-Blob&" TEXT "=QUJD", "not-supported", "_destinationType"},
      {TYPE TEXT "=", "required", TEXT},
      {TYPE TEXT "=QUJ", "value", TEXT},
      {TYPE TEXT "=QU%0AJD", "invalid", TEXT},
      {TYPE TEXT "=QU-JD_==", "value", TEXT},
      /* A NUL, and no UTF-8. */
      {TYPE TEXT "=QUEAQUFB&_container=elsewhere", "value", TEXT},
      {TYPE TEXT "=QUH%2FQUFB&_container=elsewhere", "value", TEXT},
      /* "elsewhere", which is no connection string. */
      {TYPE TEXT "=ZWxzZXdoZXJl&_container=elsewhere", "value", TEXT},
      {TYPE TEXT "=QUJD&" TEXT "=QUJD", "invalid", TEXT},
      {TYPE TEXT "=QUJD&_container=No", "value", "_container"},
      {TYPE TEXT "=QUJD&_container=a--b", "value", "_container"},
      {TYPE TEXT "=QUJD&_container=-ab", "value", "_container"},
      {TYPE TEXT "=QUJD&_container=%24web", "value", "_container"},
  };
  test_engine_start(&at.of);
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    char target[300];
    test_scenario("%s", cases[i].query);
    snprintf(target, sizeof target, "/$export?%s", cases[i].query);
    expect_named(test_get(at.of.engine, target), cases[i].code, cases[i].name);
  }
  test_scenario("no container");
  expect_named(test_get(at.of.engine, test_client_target(&at, "", "")), "required", "_container");
  test_scenario("too long");
  static char target[12000];
  int len = snprintf(target, sizeof target, "/$export?" TYPE TEXT "=");
  memset(target + len, 'A', 10928);
  expect_named(test_get(at.of.engine, target), "too-long", TEXT);
  test_require(test_blob_store_requests(at.blobs) == 0);
}

static void test_other_hosts(void **state) {
  (void)state;
  static const char *const places[] = {
      "BlobEndpoint=https://elsewhere.example.org/;SharedAccessSignature=sv=2020-10-02&sig=" SECRET,
      "BlobEndpoint=https://127.0.0.1:1/a1b2;SharedAccessSignature=sv=2020-10-02&sig=" SECRET,
      "BlobEndpoint=https://169.254.169.254/;SharedAccessSignature=sv=2020-10-02&sig=" SECRET,
      "DefaultEndpointsProtocol=https;AccountName=elsewhere;AccountKey=QUJD",
      "UseDevelopmentStorage=true",
  };
  char target[1200], text[900], plain[300];
  test_engine_start(&at.of);
  for (size_t i = 0; i <= sizeof places / sizeof places[0]; i++) {
    const char *place = plain;
    /* The host that is allowed, without TLS. */
    snprintf(plain, sizeof plain,
             "BlobEndpoint=http://%s/fhxaccount;SharedAccessSignature=sv=2020-10-02&sig=" SECRET,
             at.hosts[0]);
    if (i < sizeof places / sizeof places[0]) place = places[i];
    test_scenario("%.40s", place);
    test_client_encode(place, text);
    snprintf(target, sizeof target, "/$export?" TEST_CLIENT_SETTINGS "%s&_container=abc", text);
    expect_named(test_get(at.of.engine, target), "forbidden", TEXT);
  }
  test_require(test_blob_store_requests(at.blobs) == 0);
}

/* KICK-26: what the storage says at the kick-off. */
static void test_preflight(void **state) {
  (void)state;
  test_engine_start(&at.of);
  test_blob_store_answer(at.blobs, 403, "AuthenticationFailed");
  expect_named(test_get(at.of.engine, test_client_target(&at, "", "&_container=" CONTAINER)),
               "forbidden", TEXT);
  test_blob_store_answer(at.blobs, 404, "ContainerNotFound");
  expect_named(test_get(at.of.engine, test_client_target(&at, "", "&_container=" CONTAINER)),
               "not-found", "_container");
  test_blob_store_answer(at.blobs, 503, "ServerBusy");
  test_answer answer =
      test_get(at.of.engine, test_client_target(&at, "", "&_container=" CONTAINER));
  test_require(test_header(&answer, "Retry-After") != NULL);
  test_expect_outcome(answer, 503, "error", "transient");
  test_blob_store_answer(at.blobs, 0, NULL);
  char target[TEST_URL_MAX];
  test_client_kick_off(&at, target);
  test_require(test_blob_store_count(at.blobs) == 0);
}

static void test_unreachable(void **state) {
  (void)state;
  static char target[TEST_CLIENT_REQUEST_MAX];
  snprintf(target, sizeof target, "%s", test_client_target(&at, "", "&_container=" CONTAINER));
  test_engine_start(&at.of);
  test_blob_store_end(at.blobs);
  at.blobs = NULL;
  test_answer answer = test_get(at.of.engine, target);
  test_require(strstr(answer.body, TEXT) != NULL);
  test_expect_outcome(answer, 400, "error", "processing");
}

/* --- whole exports --- */

typedef struct wish {
  const char *before;
  const char *behind;
  /* What the manifest says was asked for. */
  const char *request;
} wish;

static void test_export(void **state) {
  (void)state;
  static const wish wishes[] = {
      {"", "&_container=" CONTAINER, "/$export"},
      {"_type=Patient&", "&_container=" CONTAINER, "/$export?_type=Patient"},
      {"", "&_container=" CONTAINER "&_type=Patient&&", "/$export?_type=Patient"},
      {"_type=Patient&_contain%65r=" CONTAINER "&", "&_since=1990-01-01T00:00:00Z",
       "/$export?_type=Patient&_since=1990-01-01T00:00:00Z"},
  };
  char target[TEST_URL_MAX];
  at.of.options.workers = 1;
  test_engine_start(&at.of);
  size_t before = 0;
  for (size_t i = 0; i < sizeof wishes / sizeof wishes[0]; i++) {
    test_scenario("%s...%s", wishes[i].before, wishes[i].behind);
    test_client_take(
        test_get(at.of.engine, test_client_target(&at, wishes[i].before, wishes[i].behind)),
        target);
    test_answer answer = test_poll(at.of.engine, target);
    test_require(answer.status == 200);
    size_t found = test_client_check_manifest(&at, answer.body, wishes[i].request);
    test_require(found > 0 && test_blob_store_count(at.blobs) == before + found);
    before += found;
    test_answer_free(&answer);
  }
  test_require(test_folder_count(at.of.folder) == 0);
}

static void test_post(void **state) {
  (void)state;
  static const char *const kinds[] = {"valueString", "valueBase64Binary"};
  char target[TEST_URL_MAX];
  at.of.options.workers = 1;
  at.of.options.job_flags = FHX_JOB_GZIP;
  at.clients.container = CONTAINER;
  test_engine_start(&at.of);
  for (size_t i = 0; i < 2; i++) {
    test_client_take(
        test_client_post(&at, kinds[i], ",{\"name\":\"_type\",\"valueString\":\"Patient\"}"),
        target);
    test_answer answer = test_poll(at.of.engine, target);
    test_require(answer.status == 200 &&
                 test_client_check_manifest(&at, answer.body, "/$export") > 0);
    test_answer_free(&answer);
  }
  /* The host's container is that of those who name none. */
  test_client_take(test_get(at.of.engine, test_client_target(&at, "", "")), target);
  test_client_expect_complete(at.of.engine, target);
  test_answer answer = test_get(at.of.engine, "/metadata");
  test_require(strstr(answer.body, "_destinationConnectionSettings") != NULL);
  test_require(strstr(answer.body, at.hosts[0]) == NULL && strstr(answer.body, CONTAINER) == NULL);
  test_answer_free(&answer);
}

/* Other jobs go where they always went, beside those of clients. */
static void test_beside(void **state) {
  (void)state;
  char theirs[2][TEST_URL_MAX], ours[2][TEST_URL_MAX];
  test_engine_start(&at.of);
  for (size_t i = 0; i < 2; i++) {
    test_client_kick_off(&at, theirs[i]);
    test_kick_off(at.of.engine, "/$export", ours[i]);
  }
  test_worker *worker = test_worker_start(at.of.engine);
  for (size_t i = 0; i < 2; i++) test_client_expect_complete(at.of.engine, ours[i]);
  /* They take turns, task by task. */
  test_require(test_blob_store_puts(at.blobs) > 0);
  for (size_t i = 0; i < 2; i++) test_client_expect_complete(at.of.engine, theirs[i]);
  fhx_engine_stop(at.of.engine);
  test_worker_join(worker);
  test_require(test_folder_count(at.of.folder) > 0 && test_blob_store_count(at.blobs) > 0);
}

/* A complete job's files are the client's, whatever becomes of the job. */
static void test_delete_complete(void **state) {
  (void)state;
  char target[TEST_URL_MAX];
  at.of.options.workers = 1;
  test_engine_start(&at.of);
  test_client_kick_off(&at, target);
  test_client_expect_complete(at.of.engine, target);
  size_t count = test_blob_store_count(at.blobs);
  fhx_request request = test_request("DELETE", target);
  test_expect_outcome(test_send(at.of.engine, &request), 202, "information", "informational");
  test_client_expect_gone(&at, target);
  test_require(count > 0 && test_blob_store_count(at.blobs) == count);
}

/* --- what goes wrong while it runs --- */

static void wait_until_gone(void) {
  for (int i = 0; i < 300000 && test_blob_store_count(at.blobs) != 0; i++) {
    nanosleep(&(struct timespec){0, 1000000}, NULL);
  }
  test_require(test_blob_store_count(at.blobs) == 0);
}

static void test_failed_export(void **state) {
  (void)state;
  char target[TEST_URL_MAX];
  test_engine_end(&at.of);
  fhx_store_free(at.of.options.store);
  test_source_knobs knobs = test_engine_source(at.data);
  knobs.fault_call = TEST_SOURCE_NEXT;
  knobs.fault = TEST_SOURCE_FAILS;
  knobs.fault_at = 12;
  test_client_storage_prepare(&at, &knobs);
  at.of.options.workers = 1;
  test_engine_start(&at.of);
  test_client_kick_off(&at, target);
  test_expect_outcome(test_poll(at.of.engine, target), 500, "error", "exception");
  test_require(test_blob_store_puts(at.blobs) > 0);
  wait_until_gone();
}

static void test_cancelled_export(void **state) {
  (void)state;
  char target[TEST_URL_MAX];
  test_engine_start(&at.of);
  test_client_kick_off(&at, target);
  test_blob_store_stop_at(at.blobs, 3);
  test_worker *worker = test_worker_start(at.of.engine);
  test_blob_store_wait_stopped(at.blobs);
  fhx_request request = test_request("DELETE", target);
  test_expect_outcome(test_send(at.of.engine, &request), 202, "information", "informational");
  test_blob_store_go_on(at.blobs);
  wait_until_gone();
  fhx_engine_stop(at.of.engine);
  test_worker_join(worker);
}

/* The client's credentials end while the job runs: what is there stays, and the record goes. */
static void test_denied_later(void **state) {
  (void)state;
  char target[TEST_URL_MAX];
  test_engine_start(&at.of);
  test_client_kick_off(&at, target);
  test_blob_store_answer(at.blobs, 403, "AuthenticationFailed");
  test_worker *worker = test_worker_start(at.of.engine);
  test_expect_outcome(test_poll(at.of.engine, target), 500, "error", "security");
  fhx_engine_stop(at.of.engine);
  test_worker_join(worker);
}
int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_options, begin, end),
      cmocka_unit_test_setup_teardown(test_not_enabled, begin, end),
      cmocka_unit_test_setup_teardown(test_mistakes, begin, end),
      cmocka_unit_test_setup_teardown(test_other_hosts, begin, end),
      cmocka_unit_test_setup_teardown(test_preflight, begin, end),
      cmocka_unit_test_setup_teardown(test_unreachable, begin, end),
      cmocka_unit_test_setup_teardown(test_export, begin, end),
      cmocka_unit_test_setup_teardown(test_post, begin, end),
      cmocka_unit_test_setup_teardown(test_beside, begin, end),
      cmocka_unit_test_setup_teardown(test_delete_complete, begin, end),
      cmocka_unit_test_setup_teardown(test_failed_export, begin, end),
      cmocka_unit_test_setup_teardown(test_cancelled_export, begin, end),
      cmocka_unit_test_setup_teardown(test_denied_later, begin, end),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
