/* The files that an engine serves: links, ranges, and who may have them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>
#include <fhirexport/fhirexport.h>
#include <time.h>

#include "support/engine.h"
#include "support/require.h"

static test_dataset *data;
static test_engine of;

/* A complete export, and one of its files: target with its query, name, bytes. */
static char status_target[TEST_URL_MAX];
static char target[2 * TEST_URL_MAX];
static char path[TEST_URL_MAX];
static char query[TEST_URL_MAX];
static char file_type[70];
static uint64_t line_count;
static test_answer whole;

static int make_data(void **state) {
  *state = data = test_dataset_new(6, 60, TEST_DATASET_STAMPED | TEST_DATASET_PRETTY);
  return 0;
}

static int begin(void **state) {
  (void)state;
  test_scenario("files");
  test_source_knobs knobs = test_engine_source(data);
  test_engine_prepare(&of, &knobs);
  of.options.workers = 1;
  return 0;
}

static int end(void **state) {
  (void)state;
  test_engine_end(&of);
  return 0;
}

/* Exports, and picks the manifest's first file. */
static void export(void) {
  char url[TEST_URL_MAX];
  test_engine_start(&of);
  test_kick_off(of.engine, "/$export", status_target);
  test_answer answer = test_poll(of.engine, status_target);
  test_require(answer.status == 200);
  test_require(test_manifest_item(answer.body, "output", 0, url, file_type, &line_count));
  test_answer_free(&answer);
  snprintf(target, sizeof target, "%s", test_target_of(url));
  snprintf(path, sizeof path, "%.*s", (int)strcspn(target, "?"), target);
  snprintf(query, sizeof query, "%s", target + strlen(path));
}

static void export_and_read(void) {
  export();
  whole = test_get(of.engine, target);
  test_require(whole.status == 200);
}

static test_answer get_with(const char *name, const char *value, const char *other,
                            const char *other_value) {
  const char *headers[] = {name, value, other, other_value};
  fhx_request request = test_request("GET", target);
  request.headers = headers;
  request.header_count = other == NULL ? 1 : 2;
  return test_send(of.engine, &request);
}

static test_answer send_as(const char *tenant, const char *client, const char *permitted) {
  fhx_request request = test_request("GET", target);
  request.tenant = tenant;
  request.client = client;
  request.permitted_types = permitted;
  return test_send(of.engine, &request);
}

/* --- whole files --- */

/* FILE-01 to -05, MAN-10, MAN-22: every listed file is there and not empty, and together they are
 * the data set. */
static void test_all_files(void **state) {
  (void)state;
  char url[TEST_URL_MAX], type[70], member[100];
  uint64_t count = 0, total = 0, expected = 0;
  export();
  test_answer manifest = test_get(of.engine, status_target);
  for (size_t i = 0; test_manifest_item(manifest.body, "output", i, url, type, &count); i++) {
    uint64_t lines = 0;
    test_answer file = test_get(of.engine, test_target_of(url));
    test_require(file.status == 200 && file.len > 0 && file.body[file.len - 1] == '\n');
    test_require(strcmp(test_header(&file, "Content-Type"), "application/fhir+ndjson") == 0);
    snprintf(member, sizeof member, "\"resourceType\":\"%s\"", type);
    for (char *at = file.body; *at != '\0'; lines++) {
      char *feed = strchr(at, '\n');
      *feed = '\0';
      test_require(at[0] == '{' && feed[-1] == '}' && strstr(at, member) != NULL);
      at = feed + 1;
    }
    test_require(lines == count);
    total += count;
    test_answer_free(&file);
  }
  test_answer_free(&manifest);
  for (size_t i = 0; i < data->count; i++) expected += data->items[i].bad ? 0 : 1;
  test_require(total == expected);
}

/* FILE-24: what a client would rather have changes nothing, for there is nothing else. */
static void check_accepted(void) {
  static const char *const wishes[] = {"*/*", "application/fhir+ndjson", "application/json"};
  for (size_t i = 0; i < sizeof wishes / sizeof wishes[0]; i++) {
    const char *headers[] = {"Accept", wishes[i]};
    fhx_request request = test_request("GET", target);
    request.headers = headers;
    request.header_count = 1;
    test_answer answer = test_send(of.engine, &request);
    test_require(answer.status == 200 && answer.len == whole.len);
    test_require(strcmp(test_header(&answer, "Content-Type"), "application/fhir+ndjson") == 0);
    test_answer_free(&answer);
  }
}

/* FILE-07, FILE-14: a validator, and the length of what is sent. */
static void test_headers(void **state) {
  (void)state;
  char length[30], etag[TEST_URL_MAX];
  export_and_read();
  snprintf(length, sizeof length, "%zu", whole.len);
  snprintf(etag, sizeof etag, "\"%s\"", strrchr(path, '/') + 1);
  test_require(strcmp(test_header(&whole, "Content-Length"), length) == 0);
  test_require(strcmp(test_header(&whole, "Accept-Ranges"), "bytes") == 0);
  test_require(strcmp(test_header(&whole, "ETag"), etag) == 0);
  test_require(strstr(test_header(&whole, "Cache-Control"), "private") != NULL);
  test_require(test_header(&whole, "Content-Range") == NULL);
  /* FILE-12: the same headers, and no body. */
  fhx_request request = test_request("HEAD", target);
  test_answer head = test_send(of.engine, &request);
  test_require(head.status == 200 && head.len == 0);
  uint32_t count = fhx_response_header_count(whole.response);
  test_require(fhx_response_header_count(head.response) == count);
  for (uint32_t i = 0; i < count; i++) {
    test_require(strcmp(fhx_response_header_value(head.response, i),
                        fhx_response_header_value(whole.response, i)) == 0);
  }
  test_answer_free(&head);
  check_accepted();
  test_answer_free(&whole);
}

/* --- ranges (FILE-13) --- */

static void expect_range(const char *range, size_t first, size_t count) {
  char expected[100];
  test_answer answer = get_with("Range", range, NULL, NULL);
  test_require(answer.status == 206 && answer.len == count);
  test_require(memcmp(answer.body, whole.body + first, count) == 0);
  snprintf(expected, sizeof expected, "bytes %zu-%zu/%zu", first, first + count - 1, whole.len);
  test_require(strcmp(test_header(&answer, "Content-Range"), expected) == 0);
  snprintf(expected, sizeof expected, "%zu", count);
  test_require(strcmp(test_header(&answer, "Content-Length"), expected) == 0);
  test_answer_free(&answer);
}

static void expect_whole(test_answer answer) {
  test_require(answer.status == 200 && answer.len == whole.len);
  test_require(memcmp(answer.body, whole.body, whole.len) == 0);
  test_require(test_header(&answer, "Content-Range") == NULL);
  test_answer_free(&answer);
}

static void test_ranges(void **state) {
  (void)state;
  static const char *const unknown[] = {"bytes=0-1,3-4", "lines=0-1", "bytes=a-",
                                        "bytes=5-2",     "bytes",     ""};
  char text[100];
  export_and_read();
  expect_range("bytes=0-0", 0, 1);
  expect_range("bytes=0-99", 0, 100);
  expect_range("bytes=100-499", 100, 400);
  expect_range("bytes=7-", 7, whole.len - 7);
  expect_range("bytes=-13", whole.len - 13, 13);
  expect_range("bytes=0-99999999999999999999999", 0, whole.len);
  for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++) {
    test_scenario("range %s", unknown[i]);
    expect_whole(get_with("Range", unknown[i], NULL, NULL));
  }
  snprintf(text, sizeof text, "bytes=%zu-", whole.len);
  test_answer answer = get_with("Range", text, NULL, NULL);
  snprintf(text, sizeof text, "bytes */%zu", whole.len);
  test_require(strcmp(test_header(&answer, "Content-Range"), text) == 0);
  test_expect_outcome(answer, 416, "error", "value");
  test_expect_outcome(get_with("Range", "bytes=-0", NULL, NULL), 416, "error", "value");
  test_answer_free(&whole);
}

static void test_if_range(void **state) {
  (void)state;
  char weak[TEST_URL_MAX];
  export_and_read();
  const char *etag = test_header(&whole, "ETag");
  test_answer answer = get_with("If-Range", etag, "Range", "bytes=1-2");
  test_require(answer.status == 206 && answer.len == 2);
  test_answer_free(&answer);
  snprintf(weak, sizeof weak, "W/%s", etag);
  expect_whole(get_with("If-Range", weak, "Range", "bytes=1-2"));
  expect_whole(get_with("If-Range", "\"stale\"", "Range", "bytes=1-2"));
  expect_whole(get_with("If-Range", "Sun, 06 Nov 1994 08:49:37 GMT", "Range", "bytes=1-2"));
  test_answer_free(&whole);
}

/* --- links --- */

/* FILE-15: 4xx, and no byte of any file. */
static void expect_refused(const char *altered, uint32_t status) {
  test_scenario("%s", altered);
  test_expect_refusal(of.engine, altered, status, status == 403 ? "forbidden" : "not-found");
}

static void test_altered(void **state) {
  (void)state;
  char altered[2 * TEST_URL_MAX + 32], url[TEST_URL_MAX], type[70];
  uint64_t count = 0;
  export();
  /* Every character of the query. */
  for (size_t i = strlen(path) + 1; target[i] != '\0'; i++) {
    snprintf(altered, sizeof altered, "%s", target);
    altered[i] = altered[i] == '7' ? '8' : '7';
    expect_refused(altered, 403);
  }
  /* Cut off, stripped, doubled, in another form. */
  snprintf(altered, sizeof altered, "%.*s", (int)strlen(target) - 1, target);
  expect_refused(altered, 403);
  expect_refused(path, 403);
  snprintf(altered, sizeof altered, "%s?signature=&expires=", path);
  expect_refused(altered, 403);
  snprintf(altered, sizeof altered, "%s?expires=99999999999&%s", path, query + 1);
  expect_refused(altered, 403);
  snprintf(altered, sizeof altered, "%s%s", path, strchr(query, '&'));
  altered[strlen(path)] = '?';
  expect_refused(altered, 403);
  /* Another file of the same export, by this one's link. */
  test_answer manifest = test_get(of.engine, status_target);
  test_require(test_manifest_item(manifest.body, "output", 1, url, type, &count));
  test_answer_free(&manifest);
  const char *other = test_target_of(url);
  snprintf(altered, sizeof altered, "%.*s%s", (int)strcspn(other, "?"), other, query);
  expect_refused(altered, 403);
  /* Another job. */
  char job[TEST_URL_MAX];
  test_kick_off(of.engine, "/$export", job);
  snprintf(altered, sizeof altered, "%s%s", job, target + strlen(status_target));
  expect_refused(altered, 403);
}

/* FILE-10, FILE-15: what is no file of an export is not found, whatever the link. */
static void test_absent(void **state) {
  (void)state;
  static const char *const names[] = {
      "..%2f..%2fetc%2fpasswd", "%2fetc%2fpasswd", ".hidden", "a%2fb", "%2e%2e%2fx", "a%20b"};
  char altered[2 * TEST_URL_MAX];
  export();
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    snprintf(altered, sizeof altered, "%s/%s%s", status_target, names[i], query);
    test_scenario("%s", altered);
    test_answer answer = test_get(of.engine, altered);
    test_require(answer.status == 404 || answer.status == 400);
    test_expect_outcome(answer, answer.status, "error",
                        answer.status == 404 ? "not-found" : "value");
  }
  snprintf(altered, sizeof altered, "/$export/%032d%s", 7, target + strlen(status_target));
  expect_refused(altered, 404);
}

/* FILE-09: the link alone is enough, and it ends. */
static void test_expired(void **state) {
  (void)state;
  of.options.link_us = 1;
  export();
  test_expect_refusal(of.engine, target, 410, "expired");
  /* A signature counts before the time does: an altered expiry is no way back. */
  char altered[2 * TEST_URL_MAX];
  snprintf(altered, sizeof altered, "%s?expires=9999999999%s", path, strchr(query, '&'));
  expect_refused(altered, 403);
}

/* requiresAccessToken false: whoever has the link has the file (FILE-09). */
static void test_capability(void **state) {
  (void)state;
  export_and_read();
  expect_whole(send_as(NULL, NULL, NULL));
  expect_whole(send_as("south", "other", ""));
  test_answer_free(&whole);
}

/* requiresAccessToken true: the client that exported it, and the link (FILE-08, AUTH-19, AUTH-20).
 */
static void test_token(void **state) {
  (void)state;
  of.options.flags = FHX_ENGINE_FILES_NEED_TOKEN;
  export_and_read();
  test_answer manifest = test_get(of.engine, status_target);
  test_require(strstr(manifest.body, "\"requiresAccessToken\":true") != NULL);
  test_answer_free(&manifest);
  expect_whole(send_as("north", "app", NULL));
  expect_whole(send_as("north", "app", "Organization,Encounter,Patient,Observation"));
  test_expect_outcome(send_as("south", "app", NULL), 404, "error", "not-found");
  test_expect_outcome(send_as("north", "other", NULL), 404, "error", "not-found");
  test_expect_outcome(send_as("north", NULL, NULL), 404, "error", "not-found");
  test_expect_outcome(send_as("north", "app", "Patient"), 404, "error", "not-found");
  expect_refused(path, 403);
  test_answer_free(&whole);
}

/* DEL-05, FILE-11: a deleted export's files are gone at once; a download in progress ends well. */
static void test_deleted(void **state) {
  (void)state;
  export_and_read();
  fhx_request request = test_request("GET", target);
  fhx_response *download = NULL;
  size_t got = 0, len = 0;
  test_require_status(fhx_engine_handle(of.engine, &request, &download, NULL), FHX_OK);
  request = test_request("DELETE", status_target);
  test_expect_outcome(test_send(of.engine, &request), 202, "information", "informational");
  test_expect_refusal(of.engine, target, 404, "not-found");
  for (int i = 0; i < 60000 && test_folder_count(of.folder) != 0; i++) {
    test_answer answer = test_get(of.engine, "/$export/x");
    test_answer_free(&answer);
    nanosleep(&(struct timespec){0, 2000000}, NULL);
  }
  test_require(test_folder_count(of.folder) == 0);
  char *bytes = malloc(whole.len + 1);
  assert_non_null(bytes);
  while (fhx_response_read(download, bytes + len, whole.len + 1 - len, &got, NULL) == FHX_OK) {
    len += got;
  }
  test_require(len == whole.len && memcmp(bytes, whole.body, len) == 0);
  free(bytes);
  fhx_response_free(download);
  test_answer_free(&whole);
}

/* A destination with URLs of its own: the engine signs nothing and serves nothing. */
static void test_own_urls(void **state) {
  (void)state;
  fhx_directory_options directory;
  char url[TEST_URL_MAX], type[70];
  uint64_t count = 0;
  FHX_INIT(&directory);
  directory.path = of.folder;
  directory.base_url = "https://files.example.org/out";
  directory.flags = FHX_DESTINATION_REQUIRES_TOKEN;
  fhx_destination_free(of.options.destination);
  of.options.url_key_count = 0;
  test_require_status(fhx_directory_destination_new(&directory, &of.options.destination, NULL),
                      FHX_OK);
  test_engine_start(&of);
  test_kick_off(of.engine, "/$export", status_target);
  test_answer manifest = test_poll(of.engine, status_target);
  test_require(strstr(manifest.body, "\"requiresAccessToken\":true") != NULL);
  test_require(test_manifest_item(manifest.body, "output", 0, url, type, &count));
  test_require(strncmp(url, directory.base_url, strlen(directory.base_url)) == 0);
  test_answer_free(&manifest);
  snprintf(target, sizeof target, "%s/%s", status_target, strrchr(url, '/') + 1);
  test_expect_refusal(of.engine, target, 404, "not-found");
}

/* FILE-09: links of an older key go on after its successor has come. */
static void test_rotation(void **state) {
  (void)state;
  static const char newer[] = "another key, which is to sign from here on";
  const void *keys[] = {newer, of.key};
  size_t lens[] = {sizeof newer - 1, of.key_len};
  char store_path[TEST_PATH_MAX];
  fhx_sqlite_store_options store;
  FHX_INIT(&store);
  char store_folder[TEST_PATH_MAX];
  test_folder_new(store_folder);
  test_path_join(store_path, store_folder, "jobs.sqlite");
  store.path = store_path;
  test_require_status(fhx_sqlite_store_new(&store, &of.options.store, NULL), FHX_OK);
  export_and_read();
  fhx_engine_free(of.engine);
  of.options.url_keys = keys;
  of.options.url_key_lens = lens;
  of.options.url_key_count = 2;
  test_engine_start(&of);
  expect_whole(test_get(of.engine, target));
  fhx_engine_free(of.engine);
  of.options.url_key_count = 1;
  test_engine_start(&of);
  test_expect_refusal(of.engine, target, 403, "forbidden");
  test_answer_free(&whole);
  fhx_store_free(of.options.store);
  test_folder_remove(store_folder);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_all_files, begin, end),
      cmocka_unit_test_setup_teardown(test_headers, begin, end),
      cmocka_unit_test_setup_teardown(test_ranges, begin, end),
      cmocka_unit_test_setup_teardown(test_if_range, begin, end),
      cmocka_unit_test_setup_teardown(test_altered, begin, end),
      cmocka_unit_test_setup_teardown(test_absent, begin, end),
      cmocka_unit_test_setup_teardown(test_expired, begin, end),
      cmocka_unit_test_setup_teardown(test_capability, begin, end),
      cmocka_unit_test_setup_teardown(test_token, begin, end),
      cmocka_unit_test_setup_teardown(test_deleted, begin, end),
      cmocka_unit_test_setup_teardown(test_own_urls, begin, end),
      cmocka_unit_test_setup_teardown(test_rotation, begin, end),
  };
  return cmocka_run_group_tests(tests, make_data, test_dataset_end);
}
