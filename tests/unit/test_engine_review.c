/* The engine under requests, options and records that it was not made for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
/* cmocka needs those above. */
#include <cmocka.h>
#include <fhirexport/engine.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include "core/clock.h"
#include "store/store.h"
#include "store_create.h"
#include "support/folder.h"
#include "support/require.h"
#include "support/setup.h"

#define SECOND_US INT64_C(1000000)
#define JOB_ID_LEN 32

static const char key[32] = "a key of thirty-two bytes, exact";

/* An engine over a memory source, with a folder or a memory destination. */
typedef struct rig {
  test_dataset *data;
  test_export of;
  char path[TEST_PATH_MAX];
  fhx_destination *folder;
  fhx_store *store;
  fhx_engine_options options;
  fhx_engine *engine;
} rig;

static void prepare(rig *with, const test_destination_knobs *knobs, bool serves_files) {
  static const void *const keys[] = {key};
  static const size_t lens[] = {sizeof key};
  fhx_sqlite_store_options memory;
  fhx_directory_options directory;
  memset(with, 0, sizeof *with);
  with->data = test_dataset_new(3, 60, 0);
  test_setting setting = test_setting_usual(with->data);
  if (knobs != NULL) setting.destination = *knobs;
  test_export_prepare(&with->of, &setting);
  FHX_INIT(&memory);
  memory.path = ":memory:";
  test_require_status(fhx_sqlite_store_new(&memory, &with->store, NULL), FHX_OK);
  FHX_INIT(&with->options);
  with->options.source = with->of.options.source;
  with->options.destination = with->of.options.destination;
  if (serves_files) {
    test_folder_new(with->path);
    FHX_INIT(&directory);
    directory.path = with->path;
    test_require_status(fhx_directory_destination_new(&directory, &with->folder, NULL), FHX_OK);
    with->options.destination = with->folder;
  }
  with->options.store = with->store;
  with->options.base_url = "https://fhir.example/r4";
  with->options.url_keys = keys;
  with->options.url_key_lens = lens;
  with->options.url_key_count = 1;
  with->options.part_bytes = 2000;
  with->options.settle_us = -1;
}

static void begin(rig *with, bool serves_files) {
  prepare(with, NULL, serves_files);
  test_require_status(fhx_engine_new(&with->options, &with->engine, NULL), FHX_OK);
}

static void end(rig *with) {
  fhx_engine_free(with->engine);
  fhx_destination_free(with->folder);
  fhx_store_free(with->store);
  if (with->path[0] != '\0') test_folder_remove(with->path);
  test_export_end(&with->of);
  test_dataset_free(with->data);
}

/* --- requests --- */

static fhx_request request_of(const char *method, const char *target) {
  fhx_request request;
  FHX_INIT(&request);
  request.method = method;
  request.target = target;
  return request;
}

static fhx_response *send(fhx_engine *engine, const fhx_request *request) {
  fhx_response *response = NULL;
  test_require_status(fhx_engine_handle(engine, request, &response, NULL), FHX_OK);
  return response;
}

static uint32_t status_of(fhx_engine *engine, const fhx_request *request) {
  fhx_response *response = send(engine, request);
  uint32_t status = fhx_response_status(response);
  fhx_response_free(response);
  return status;
}

static uint32_t ask(fhx_engine *engine, const char *method, const char *target) {
  fhx_request request = request_of(method, target);
  return status_of(engine, &request);
}

static const char *header_of(const fhx_response *response, const char *name) {
  for (uint32_t i = 0; i < fhx_response_header_count(response); i++) {
    if (strcmp(fhx_response_header_name(response, i), name) == 0) {
      return fhx_response_header_value(response, i);
    }
  }
  return NULL;
}

/* Reads the body, as text. */
static void read_body(fhx_response *response, char *body, size_t capacity) {
  size_t len = 0, count = 0;
  while (fhx_response_read(response, body + len, capacity - 1 - len, &count, NULL) == FHX_OK) {
    len += count;
  }
  body[len] = '\0';
}

#define JOB_PATH_LEN (sizeof "/$export/" - 1 + JOB_ID_LEN)

/* Kicks off and gives the job's path. */
static void kick_off(fhx_engine *engine, const fhx_request *request, char path[JOB_PATH_LEN + 1]) {
  fhx_response *response = send(engine, request);
  assert_int_equal(fhx_response_status(response), 202);
  const char *location = header_of(response, "Content-Location");
  assert_non_null(location);
  memcpy(path, location + strlen(location) - JOB_PATH_LEN, JOB_PATH_LEN + 1);
  fhx_response_free(response);
}

static void *run_engine(void *engine) {
  test_violation_unless(fhx_engine_run(engine, NULL) == FHX_WAIT, "the engine met an error");
  return NULL;
}

/* Runs the engine until the job's status is this one. */
static void run_until(fhx_engine *engine, const char *path, uint32_t wanted) {
  pthread_t thread;
  uint32_t status = 0;
  assert_int_equal(pthread_create(&thread, NULL, run_engine, engine), 0);
  int64_t until_us = fhx__clock_monotonic_us() + 300 * SECOND_US;
  while ((status = ask(engine, "GET", path)) != wanted && fhx__clock_monotonic_us() < until_us) {
    fhx__clock_sleep_us(5000);
  }
  fhx_engine_stop(engine);
  pthread_join(thread, NULL);
  assert_int_equal(status, wanted);
}

/* --- kick-off --- */

/* ERR-05: each byte sequence decodes to UTF-8, but the target itself is none. */
static void test_target_is_utf8(void **state) {
  (void)state;
  rig with;
  begin(&with, false);
  static const char *const lenient[] = {"Prefer", "handling=lenient"};
  fhx_request request = request_of("GET", "/$export?\xC3%A9=1");
  request.headers = lenient;
  request.header_count = 1;
  assert_int_equal(status_of(with.engine, &request), 400);
  end(&with);
}

/* A client may read types that this server does not have. */
static void test_permitted_types_beyond_the_source(void **state) {
  (void)state;
  rig with;
  begin(&with, false);
  char path[JOB_PATH_LEN + 1];
  char list[128];
  snprintf(list, sizeof list, "Account,%s,VerificationResult", test_types[0]);
  fhx_request request = request_of("GET", "/$export");
  request.permitted_types = list;
  kick_off(with.engine, &request, path);
  request.target = path;
  assert_int_equal(status_of(with.engine, &request), 202);
  /* One of other rights does not see it. */
  request.permitted_types = "Account";
  assert_int_equal(status_of(with.engine, &request), 404);
  /* What is named must be there, whoever asks. */
  request.target = "/$export?_type=Account";
  assert_int_equal(status_of(with.engine, &request), 400);
  end(&with);
}

/* None of them is here: an export of nothing, not of all. */
static void test_permitted_types_are_all_absent(void **state) {
  (void)state;
  rig with;
  begin(&with, false);
  char path[JOB_PATH_LEN + 1];
  char body[4096];
  fhx_request request = request_of("GET", "/$export");
  request.permitted_types = "Account";
  kick_off(with.engine, &request, path);
  run_until(with.engine, path, 200);
  request.target = path;
  fhx_response *response = send(with.engine, &request);
  read_body(response, body, sizeof body);
  assert_non_null(strstr(body, "\"output\":[]"));
  fhx_response_free(response);
  end(&with);
}

/* A base URL goes into headers and into the stored request: the host's own mistake is told. */
static void test_base_urls_are_checked(void **state) {
  (void)state;
  rig with;
  begin(&with, false);
  static char long_url[9000] = "https://";
  memset(long_url + 8, 'a', sizeof long_url - 9);
  const char *const bad[] = {"https://a\r\nSet-Cookie: b", "https://a/", "a", "", long_url};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    fhx_response *response = NULL;
    fhx_engine *engine = NULL;
    fhx_request request = request_of("GET", "/$export");
    request.base_url = bad[i];
    test_scenario("base_url %zu", i);
    test_require_status(fhx_engine_handle(with.engine, &request, &response, NULL),
                        FHX_ERR_ARGUMENT);
    fhx_response_free(response);
    with.options.base_url = bad[i];
    test_require_status(fhx_engine_new(&with.options, &engine, NULL), FHX_ERR_ARGUMENT);
  }
  end(&with);
}

/* --- options --- */

static void refuse_options(const rig *with) {
  fhx_engine *engine = NULL;
  test_require_status(fhx_engine_new(&with->options, &engine, NULL), FHX_ERR_ARGUMENT);
}

/* What a job would refuse, the engine refuses; times do not overflow. */
static void test_options_are_checked(void **state) {
  (void)state;
  rig with;
  prepare(&with, NULL, false);
  const fhx_engine_options good = with.options;
  with.options.lease_us = -1;
  refuse_options(&with);
  with.options = good;
  with.options.job_flags = 0x80;
  refuse_options(&with);
  with.options = good;
  with.options.shards_max = UINT32_MAX;
  refuse_options(&with);
  with.options = good;
  with.options.keep_us = INT64_MAX;
  refuse_options(&with);
  with.options = good;
  with.options.link_us = INT64_MAX;
  refuse_options(&with);
  end(&with);
}

/* --- files --- */

/* The target of the first file in a manifest. */
static void first_file(fhx_engine *engine, const char *path, char *target, size_t capacity) {
  char body[65536];
  fhx_request request = request_of("GET", path);
  fhx_response *response = send(engine, &request);
  read_body(response, body, sizeof body);
  fhx_response_free(response);
  char *url = strstr(body, "\"url\":\"");
  assert_non_null(url);
  url = strstr(url, "/$export/");
  assert_non_null(url);
  size_t len = strcspn(url, "\"");
  assert_true(len < capacity);
  memcpy(target, url, len);
  target[len] = '\0';
}

/* RFC 9110, 14.2: a Range counts for GET alone (FILE-12). */
static void test_head_has_no_range(void **state) {
  (void)state;
  rig with;
  begin(&with, true);
  char path[JOB_PATH_LEN + 1], file[512];
  static const char *const range[] = {"Range", "bytes=0-3"};
  fhx_request request = request_of("GET", "/$export");
  kick_off(with.engine, &request, path);
  run_until(with.engine, path, 200);
  first_file(with.engine, path, file, sizeof file);
  request = request_of("GET", file);
  request.headers = range;
  request.header_count = 1;
  assert_int_equal(status_of(with.engine, &request), 206);
  request.method = "HEAD";
  assert_int_equal(status_of(with.engine, &request), 200);
  end(&with);
}

/* --- several processes on one store --- */

/* Each engine polls; the first runs the job; the first gets the DELETE. */
static void test_links_end_with_a_job_that_another_engine_cancels(void **state) {
  (void)state;
  rig with;
  fhx_engine *other = NULL;
  begin(&with, true);
  test_require_status(fhx_engine_new(&with.options, &other, NULL), FHX_OK);
  char path[JOB_PATH_LEN + 1], file[512];
  fhx_request request = request_of("GET", "/$export");
  kick_off(with.engine, &request, path);
  assert_int_equal(ask(other, "GET", path), 202);
  run_until(with.engine, path, 200);
  first_file(with.engine, path, file, sizeof file);
  assert_int_equal(ask(other, "GET", file), 200);
  assert_int_equal(ask(with.engine, "DELETE", path), 202);
  assert_int_equal(ask(other, "GET", path), 404);
  assert_int_equal(ask(other, "GET", file), 404);
  fhx_engine_free(other);
  end(&with);
}

/* --- URLs of the destination --- */

static _Atomic int64_t url_expires_us;

static void stub_open(void *user_data, const char *name, fhx_reply *reply) {
  (void)name;
  fhx_reply_handle(reply, user_data, 0);
}

static void stub_write(void *user_data, void *upload, const void *data, size_t len,
                       fhx_reply *reply) {
  (void)user_data, (void)upload, (void)data, (void)len;
  fhx_reply_done(reply);
}

static void stub_commit(void *user_data, void *upload, const fhx_part *part, fhx_reply *reply) {
  (void)user_data, (void)upload, (void)part;
  fhx_reply_done(reply);
}

static void stub_abort(void *user_data, void *upload) {
  (void)user_data, (void)upload;
}

static void stub_remove(void *user_data, const char *name, fhx_reply *reply) {
  (void)user_data, (void)name;
  fhx_reply_done(reply);
}

static void stub_url(void *user_data, const fhx_part *part, int64_t expires_us, fhx_reply *reply) {
  (void)user_data, (void)part;
  atomic_store(&url_expires_us, expires_us);
  fhx_reply_item(reply, "https://store.example/signed", 28);
  fhx_reply_done(reply);
}

/* They are to be good as long as the answer's Expires says, and no longer. */
static void test_destination_is_told_when_urls_end(void **state) {
  (void)state;
  static int place;
  rig with;
  char path[JOB_PATH_LEN + 1], body[65536];
  fhx_destination_callbacks callbacks;
  prepare(&with, NULL, false);
  FHX_INIT(&callbacks);
  callbacks.part_open = stub_open;
  callbacks.part_write = stub_write;
  callbacks.part_commit = stub_commit;
  callbacks.part_abort = stub_abort;
  callbacks.part_remove = stub_remove;
  callbacks.part_url = stub_url;
  test_require_status(fhx_destination_new(&callbacks, &place, &with.folder, NULL), FHX_OK);
  with.options.destination = with.folder;
  with.options.link_us = 600 * SECOND_US;
  test_require_status(fhx_engine_new(&with.options, &with.engine, NULL), FHX_OK);
  fhx_request request = request_of("GET", "/$export");
  kick_off(with.engine, &request, path);
  run_until(with.engine, path, 200);
  atomic_store(&url_expires_us, 0);
  request.target = path;
  fhx_response *response = send(with.engine, &request);
  read_body(response, body, sizeof body);
  fhx_response_free(response);
  int64_t left_us = atomic_load(&url_expires_us) - fhx__clock_now_us();
  assert_true(left_us > 0 && left_us <= 600 * SECOND_US);
  end(&with);
}

/* --- records that cannot be read --- */

/* A job with an unreadable definition, older than every other. */
static void add_poison(rig *with, char path[JOB_PATH_LEN + 1]) {
  fhx_job_record record;
  FHX_INIT(&record);
  record.state = FHX_JOB_RUNNING;
  record.job_id = "00000000000000000000000000000bad";
  record.tenant = record.client = record.reason = "";
  record.request = "$export";
  record.definition = "{\"version\":1}";
  record.resolution_us = 1;
  test_require_status(store_create_job(with->store, &record, NULL), FHX_OK);
  snprintf(path, JOB_PATH_LEN + 1, "/$export/%s", record.job_id);
}

/* It fails, and neither stops a worker nor the jobs behind it, and goes in the end. */
static void test_unreadable_job_does_not_stop_workers(void **state) {
  (void)state;
  rig with;
  fhx__job_entry entry;
  prepare(&with, NULL, false);
  with.options.keep_us = 1;
  char poison[JOB_PATH_LEN + 1];
  add_poison(&with, poison);
  test_require_status(fhx_engine_new(&with.options, &with.engine, NULL), FHX_OK);
  run_until(with.engine, poison, 404);
  memset(&entry, 0, sizeof entry);
  test_require_status(
      fhx__store_read_job(with.store, poison + JOB_PATH_LEN - JOB_ID_LEN, &entry, NULL),
      FHX_ERR_NOT_FOUND);
  end(&with);
}

/* --- stopping --- */

/* Until this engine is told to stop its first removal lasts; before, each takes its time. */
static atomic_bool lets_removals_end;

static void slow_removal(void *context, test_destination_call call, uint64_t number) {
  (void)number;
  if (call != TEST_DESTINATION_REMOVE) return;
  atomic_fetch_add((atomic_uint *)context, 1);
  while (!atomic_load(&lets_removals_end)) fhx__clock_sleep_us(1000);
  fhx__clock_sleep_us(50000);
}

/* A clean-up of many objects does not hold fhx_engine_stop up. */
static void test_stop_ends_a_clean_up(void **state) {
  (void)state;
  rig with;
  atomic_uint removals;
  test_destination_knobs knobs;
  char path[JOB_PATH_LEN + 1];
  pthread_t thread;
  atomic_init(&removals, 0);
  atomic_store(&lets_removals_end, true);
  memset(&knobs, 0, sizeof knobs);
  knobs.hook = slow_removal;
  knobs.hook_context = &removals;
  prepare(&with, &knobs, false);
  with.options.part_count = 1;
  test_require_status(fhx_engine_new(&with.options, &with.engine, NULL), FHX_OK);
  fhx_request request = request_of("GET", "/$export");
  kick_off(with.engine, &request, path);
  run_until(with.engine, path, 200);
  fhx_engine_free(with.engine);
  test_require_status(fhx_engine_new(&with.options, &with.engine, NULL), FHX_OK);
  assert_int_equal(ask(with.engine, "DELETE", path), 202);
  unsigned before = atomic_load(&removals);
  atomic_store(&lets_removals_end, false);
  assert_int_equal(pthread_create(&thread, NULL, run_engine, with.engine), 0);
  int64_t until_us = fhx__clock_monotonic_us() + 300 * SECOND_US;
  while (atomic_load(&removals) == before && fhx__clock_monotonic_us() < until_us) {
    fhx__clock_sleep_us(1000);
  }
  fhx_engine_stop(with.engine);
  atomic_store(&lets_removals_end, true);
  pthread_join(thread, NULL);
  assert_true(atomic_load(&removals) - before < 10);
  end(&with);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_target_is_utf8),
      cmocka_unit_test(test_permitted_types_beyond_the_source),
      cmocka_unit_test(test_permitted_types_are_all_absent),
      cmocka_unit_test(test_base_urls_are_checked),
      cmocka_unit_test(test_options_are_checked),
      cmocka_unit_test(test_head_has_no_range),
      cmocka_unit_test(test_links_end_with_a_job_that_another_engine_cancels),
      cmocka_unit_test(test_destination_is_told_when_urls_end),
      cmocka_unit_test(test_unreadable_job_does_not_stop_workers),
      cmocka_unit_test(test_stop_ends_a_clean_up),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
