/* The files of an engine whose jobs have FHX_JOB_GZIP: what each client gets of them. */
#include <fcntl.h>
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
#include <fhirexport/fhirexport.h>

#include "support/engine.h"
#include "support/objects.h"
#include "support/require.h"
#include "support/unpack.h"

#define HEADER_LEN 10
#define BORDERS_MAX 20

static test_dataset *data;
static test_engine of;
static char status_target[TEST_URL_MAX];
/* The file with a resource that is longer than a member. */
static char target[TEST_URL_MAX];
static char file_name[TEST_URL_MAX];
static test_answer plain;
static test_answer packed;

static int make_data(void **state) {
  *state = data =
      test_dataset_new(6, 120, TEST_DATASET_STAMPED | TEST_DATASET_PRETTY | TEST_DATASET_HUGE);
  return 0;
}

static int begin(void **state) {
  (void)state;
  test_scenario("gzip");
  test_source_knobs knobs = test_engine_source(data);
  test_engine_prepare(&of, &knobs);
  of.options.workers = 1;
  of.options.part_bytes = 0;
  of.options.job_flags = FHX_JOB_GZIP;
  return 0;
}

static int end(void **state) {
  (void)state;
  test_answer_free(&plain);
  test_answer_free(&packed);
  test_engine_end(&of);
  return 0;
}

static test_answer send_with(const char *method, const char *const headers[], size_t count) {
  fhx_request request = test_request(method, target);
  request.headers = headers;
  request.header_count = count;
  return test_send(of.engine, &request);
}

static test_answer get_coded(const char *coding) {
  const char *headers[] = {"Accept-Encoding", coding};
  return send_with("GET", headers, 1);
}

/* Exports, and picks the file of the type with the long resource. */
static void export(void) {
  char url[TEST_URL_MAX], type[70];
  uint64_t count = 0;
  bool found = false;
  test_engine_start(&of);
  test_kick_off(of.engine, "/$export", status_target);
  test_answer manifest = test_poll(of.engine, status_target);
  test_require(manifest.status == 200);
  test_require(strstr(manifest.body, ".gz") == NULL);
  for (size_t i = 0; !found; i++) {
    test_require(test_manifest_item(manifest.body, "output", i, url, type, &count));
    found = strcmp(type, "Observation") == 0;
  }
  test_answer_free(&manifest);
  snprintf(target, sizeof target, "%s", test_target_of(url));
  const char *name = strrchr(target, '/') + 1;
  snprintf(file_name, sizeof file_name, "%.*s", (int)strcspn(name, "?"), name);
}

static void export_and_read(void) {
  export();
  plain = test_get(of.engine, target);
  packed = get_coded("gzip");
  test_require(plain.status == 200 && packed.status == 200);
}

static void expect_header(const test_answer *answer, const char *name, const char *format, ...) {
  char expected[TEST_URL_MAX + 40];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(expected, sizeof expected, format, arguments);
  va_end(arguments);
  const char *value = test_header(answer, name);
  if (value == NULL || strcmp(value, expected) != 0) print_error("%s: %s\n", name, expected);
  test_require(value != NULL && strcmp(value, expected) == 0);
}

/* --- what is sent --- */

/* FILE-06, FILE-07, FILE-14: the same lines either way, each with headers of its own. */
static void test_both_codings(void **state) {
  (void)state;
  size_t len = 0;
  export_and_read();
  uint8_t *unpacked = test_unpack(packed.body, packed.len, &len);
  test_require(len == plain.len && memcmp(unpacked, plain.body, len) == 0);
  free(unpacked);
  test_require(packed.len < plain.len / 2);
  /* curl and others take no second one. */
  test_require(test_member_count(packed.body, packed.len) == 1);
  test_answer *both[] = {&plain, &packed};
  for (int i = 0; i < 2; i++) {
    expect_header(both[i], "Content-Type", "application/fhir+ndjson");
    expect_header(both[i], "Content-Length", "%zu", both[i]->len);
    expect_header(both[i], "Vary", "Accept-Encoding");
    expect_header(both[i], "Accept-Ranges", "bytes");
    expect_header(both[i], "ETag", "\"%s%s\"", file_name, i == 1 ? ".gz" : "");
  }
  expect_header(&packed, "Content-Encoding", "gzip");
  test_require(test_header(&plain, "Content-Encoding") == NULL);
  /* For sendfile only what is a stretch of the file. */
  int32_t descriptor = -1;
  uint64_t offset = 0, length = 0;
  test_require_status(fhx_response_file(plain.response, &descriptor, &offset, &length, NULL),
                      FHX_END);
  test_require_status(fhx_response_file(packed.response, &descriptor, &offset, &length, NULL),
                      FHX_OK);
  /* At the destination it has the other name. */
  test_objects objects = test_objects_of_folder(of.folder);
  for (size_t i = 0; i < objects.count; i++) {
    const test_object *object = &objects.items[i];
    test_require(strstr(object->name, ".ndjson.gz") != NULL);
    test_require(test_member_count(object->data, object->len) == 2);
  }
  test_objects_free(&objects);
}

static void test_accept_encoding(void **state) {
  (void)state;
  static const char *const gzip[] = {"gzip", "gzip, deflate, br", "*", "x-gzip;q=0.1",
                                     "identity;q=0, *"};
  static const char *const identity[] = {"",         "identity",    "br",
                                         "gzip;q=0", "*, gzip;q=0", "gzip;q=0.5, identity"};
  static const char *const none[] = {"identity;q=0", "*;q=0", "gzip;q=0, *;q=0"};
  const size_t step = test_is_quick() ? 4 : 1;
  export_and_read();
  for (size_t i = 0; i < sizeof gzip / sizeof *gzip; i += step) {
    test_scenario("%s", gzip[i]);
    test_answer answer = get_coded(gzip[i]);
    test_require(answer.len == packed.len && memcmp(answer.body, packed.body, packed.len) == 0);
    test_answer_free(&answer);
  }
  for (size_t i = 0; i < sizeof identity / sizeof *identity; i += step) {
    test_scenario("%s", identity[i]);
    test_answer answer = get_coded(identity[i]);
    test_require(answer.len == plain.len && memcmp(answer.body, plain.body, plain.len) == 0);
    test_answer_free(&answer);
  }
  for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
    test_scenario("%s", none[i]);
    test_answer answer = get_coded(none[i]);
    expect_header(&answer, "Vary", "Accept-Encoding");
    test_expect_outcome(answer, 406, "error", "not-supported");
  }
}

/* FILE-12. */
static void test_head(void **state) {
  (void)state;
  const char *headers[] = {"Accept-Encoding", "gzip"};
  export_and_read();
  for (size_t i = 0; i < 2; i++) {
    const test_answer *whole = i == 0 ? &plain : &packed;
    test_answer head = send_with("HEAD", headers, i);
    uint32_t count = fhx_response_header_count(whole->response);
    test_require(head.status == 200 && head.len == 0);
    test_require(fhx_response_header_count(head.response) == count);
    for (uint32_t j = 0; j < count; j++) {
      test_require(strcmp(fhx_response_header_value(head.response, j),
                          fhx_response_header_value(whole->response, j)) == 0);
    }
    test_answer_free(&head);
  }
}

/* The manifest's files, one behind the other, as a client without gzip gets them. */
static char *read_all(size_t *len) {
  char url[TEST_URL_MAX], type[70], *all = NULL;
  uint64_t count = 0;
  *len = 0;
  test_answer manifest = test_poll(of.engine, status_target);
  for (size_t i = 0; test_manifest_item(manifest.body, "output", i, url, type, &count); i++) {
    test_answer file = test_get(of.engine, test_target_of(url));
    all = realloc(all, *len + file.len);
    assert_non_null(all);
    memcpy(all + *len, file.body, file.len);
    *len += file.len;
    test_answer_free(&file);
  }
  test_answer_free(&manifest);
  return all;
}

/* An export is the same with and without, whatever the size of its parts. */
static void test_same_export(void **state) {
  (void)state;
  static const uint64_t sizes[] = {1, 6000, 0};
  for (size_t i = test_is_quick() ? 2 : 0; i < 3; i++) {
    char *all[2] = {NULL, NULL};
    size_t len[2] = {0, 0};
    for (int gzip = 0; gzip < 2; gzip++) {
      if (of.engine != NULL) {
        end(state);
        begin(state);
      }
      of.options.part_bytes = sizes[i];
      of.options.job_flags = gzip == 1 ? FHX_JOB_GZIP | FHX_JOB_SHA256 : 0;
      test_scenario("part size %zu, gzip %d", i, gzip);
      export();
      all[gzip] = read_all(&len[gzip]);
    }
    test_require(len[0] == len[1] && memcmp(all[0], all[1], len[0]) == 0);
    free(all[0]);
    free(all[1]);
  }
}

/* Without gzip parts nothing is negotiated: no Vary, and what a client excludes is sent to it. */
static void test_plain_job(void **state) {
  (void)state;
  of.options.job_flags = 0;
  export();
  plain = get_coded("gzip, identity;q=0");
  test_require(plain.status == 200);
  test_require(test_header(&plain, "Vary") == NULL);
  test_require(test_header(&plain, "Content-Encoding") == NULL);
  test_require(plain.body[0] == '{');
}

/* --- ranges (FILE-13) --- */

static void expect_range(const test_answer *whole, const char *coding, size_t first, size_t last) {
  char range[60];
  const char *headers[] = {"Range", range, "Accept-Encoding", coding};
  snprintf(range, sizeof range, "bytes=%zu-%zu", first, last);
  test_scenario("%s of %s", range, coding);
  test_answer answer = send_with("GET", headers, 2);
  test_require(answer.status == 206 && answer.len == last - first + 1);
  test_require(memcmp(answer.body, whole->body + first, answer.len) == 0);
  expect_header(&answer, "Content-Range", "bytes %zu-%zu/%zu", first, last, whole->len);
  expect_header(&answer, "Content-Length", "%zu", answer.len);
  expect_header(&answer, "Vary", "Accept-Encoding");
  test_answer_free(&answer);
}

static int open_stored(void) {
  char path[TEST_PATH_MAX + 2 * TEST_URL_MAX];
  const char *job_id = strrchr(status_target, '/') + 1;
  snprintf(path, sizeof path, "%s/north/%s/%s.gz", of.folder, job_id, file_name);
  int file = open(path, O_RDWR);
  assert_true(file >= 0);
  return file;
}

static size_t number_at(const uint8_t *at) {
  return (size_t)at[0] | (size_t)at[1] << 8 | (size_t)at[2] << 16;
}

/* Where each block begins and the last one ends: in the file, and in what it holds. */
static size_t find_borders(size_t stored[BORDERS_MAX], size_t held[BORDERS_MAX]) {
  uint8_t index[16 + 12 * BORDERS_MAX];
  int file = open_stored();
  ssize_t len = pread(file, index, sizeof index, (off_t)packed.len);
  assert_true(len > 16 + 32 + 10);
  size_t count = ((size_t)len - 16 - 32 - 10) / 12;
  stored[0] = HEADER_LEN;
  held[0] = 0;
  for (size_t i = 0; i < count; i++) {
    test_require(i + 1 < BORDERS_MAX);
    stored[i + 1] = stored[i] + number_at(index + 16 + 12 * i);
    held[i + 1] = held[i] + number_at(index + 16 + 12 * i + 4);
  }
  test_require(stored[count] + 10 == packed.len && held[count] == plain.len);
  close(file);
  return count + 1;
}

static void test_ranges(void **state) {
  (void)state;
  size_t stored[BORDERS_MAX], held[BORDERS_MAX];
  export_and_read();
  size_t count = find_borders(stored, held);
  /* The lines before, two of the long one, and the rest. */
  test_require(count >= 4);
  for (size_t i = 1; i < count; i++) {
    for (size_t shift = 0; shift < 3; shift++) {
      if (test_is_quick() && i % 3 != shift) continue;
      size_t first = held[i] - shift;
      if (first >= plain.len) continue;
      expect_range(&plain, "identity", first, first);
      expect_range(&plain, "identity", first, plain.len - 1);
      if (first + 3 < plain.len) expect_range(&plain, "identity", first, first + 3);
      expect_range(&plain, "identity", held[i - 1], first);
      expect_range(&packed, "gzip", stored[i] - shift, packed.len - 1);
      expect_range(&packed, "gzip", stored[i - 1], stored[i] - shift);
    }
  }
  expect_range(&plain, "gzip;q=0", 0, plain.len - 1);
}

static void test_unsatisfiable(void **state) {
  (void)state;
  char range[60];
  const char *headers[] = {"Range", range, "Accept-Encoding", "gzip"};
  export_and_read();
  snprintf(range, sizeof range, "bytes=%zu-", plain.len);
  for (size_t i = 1; i < 3; i++) {
    test_answer answer = send_with("GET", headers, i);
    expect_header(&answer, "Content-Range", "bytes */%zu", i == 1 ? plain.len : packed.len);
    test_expect_outcome(answer, 416, "error", "value");
  }
  /* There is more of the one than of the other. */
  snprintf(range, sizeof range, "bytes=%zu-", packed.len);
  test_answer answer = send_with("GET", headers, 1);
  test_require(answer.status == 206 && answer.len == plain.len - packed.len);
  test_answer_free(&answer);
  test_expect_outcome(send_with("GET", headers, 2), 416, "error", "value");
}

/* The validator of the one is not that of the other. */
static void test_if_range(void **state) {
  (void)state;
  const char *headers[] = {"Range", "bytes=1-2", "If-Range", NULL, "Accept-Encoding", "gzip"};
  export_and_read();
  for (size_t i = 0; i < 4; i++) {
    headers[3] = test_header(i % 2 == 0 ? &plain : &packed, "ETag");
    test_answer answer = send_with("GET", headers, i / 2 == 0 ? 2 : 3);
    bool same = i % 2 == i / 2;
    test_require(answer.status == (same ? 206 : 200));
    test_require(answer.len == (same ? 2 : i / 2 == 0 ? plain.len : packed.len));
    test_answer_free(&answer);
  }
}

/* --- what is not as it should be --- */

static void flip(int file, size_t at) {
  uint8_t value = 0;
  assert_int_equal(pread(file, &value, 1, (off_t)at), 1);
  value ^= 0x55;
  assert_int_equal(pwrite(file, &value, 1, (off_t)at), 1);
}

/* Reads until the error, which must come; what comes before it is right. */
static void expect_broken_body(size_t least) {
  fhx_request request = test_request("GET", target);
  fhx_response *response = NULL;
  fhx_error *error = NULL;
  char *buffer = malloc(100000);
  size_t at = 0, got = 0;
  int32_t status = FHX_OK;
  assert_non_null(buffer);
  test_require_status(fhx_engine_handle(of.engine, &request, &response, NULL), FHX_OK);
  test_require(fhx_response_status(response) == 200);
  while ((status = fhx_response_read(response, buffer, 100000, &got, &error)) == FHX_OK) {
    test_require(got <= plain.len - at && memcmp(buffer, plain.body + at, got) == 0);
    at += got;
  }
  test_require_status(status, FHX_ERR_IO);
  test_require(at >= least && at < plain.len);
  test_require(strstr(fhx_error_message(error), of.folder) == NULL);
  fhx_error_free(error);
  fhx_response_free(response);
  free(buffer);
}

/* A damaged file ends the body with an error; not one wrong byte is sent. */
static void test_damaged(void **state) {
  (void)state;
  size_t stored[BORDERS_MAX], held[BORDERS_MAX];
  export_and_read();
  size_t count = find_borders(stored, held);
  int file = open_stored();
  for (size_t i = 0; i + 1 < count; i++) {
    const size_t places[] = {0, 1, 100, stored[i + 1] - stored[i] - 20};
    for (size_t j = 0; j < sizeof places / sizeof *places; j++) {
      if (test_is_quick() && i != j) continue;
      test_scenario("block %zu, byte %zu", i, places[j]);
      flip(file, stored[i] + places[j]);
      expect_broken_body(held[i]);
      flip(file, stored[i] + places[j]);
    }
  }
  /* What it holds is said in its index: without that there is no answer. */
  off_t len = lseek(file, 0, SEEK_END);
  for (size_t at = packed.len; at < (size_t)len; at += test_step(7)) {
    test_scenario("byte %zu of the index", at - packed.len);
    flip(file, at);
    test_expect_refusal(of.engine, target, 500, "exception");
    flip(file, at);
  }
  for (size_t cut = 0; cut < 3; cut++) {
    const off_t lens[] = {len - 1, (off_t)packed.len, 0};
    test_scenario("cut %zu", cut);
    assert_int_equal(ftruncate(file, lens[cut]), 0);
    test_expect_refusal(of.engine, target, 500, "exception");
  }
  close(file);
}

/* FILE-08, AUTH-19: negotiation changes nothing about who may have a file. */
static void test_token(void **state) {
  (void)state;
  const char *headers[] = {"Accept-Encoding", "gzip"};
  of.options.flags = FHX_ENGINE_FILES_NEED_TOKEN;
  export_and_read();
  test_require(packed.len < plain.len);
  fhx_request request = test_request("GET", target);
  request.headers = headers;
  request.header_count = 1;
  request.client = "other";
  test_expect_outcome(test_send(of.engine, &request), 404, "error", "not-found");
  /* Nor is the name at the destination another way in. */
  char altered[2 * TEST_URL_MAX];
  size_t path_len = strcspn(target, "?");
  snprintf(altered, sizeof altered, "%.*s.gz%s", (int)path_len, target, target + path_len);
  test_expect_refusal(of.engine, altered, 403, "forbidden");
}

/* DEL-05, FILE-11: the files of the other name go too; a download in progress ends well. */
static void test_deleted(void **state) {
  (void)state;
  export_and_read();
  fhx_request request = test_request("GET", target);
  fhx_response *download = NULL;
  test_require_status(fhx_engine_handle(of.engine, &request, &download, NULL), FHX_OK);
  request = test_request("DELETE", status_target);
  test_expect_outcome(test_send(of.engine, &request), 202, "information", "informational");
  for (int i = 0; i < 60000 && test_folder_count(of.folder) != 0; i++) {
    test_answer answer = test_get(of.engine, "/$export/x");
    test_answer_free(&answer);
    nanosleep(&(struct timespec){0, 2000000}, NULL);
  }
  test_require(test_folder_count(of.folder) == 0);
  char *bytes = malloc(plain.len + 1);
  size_t got = 0, len = 0;
  assert_non_null(bytes);
  while (fhx_response_read(download, bytes + len, plain.len + 1 - len, &got, NULL) == FHX_OK) {
    len += got;
  }
  test_require(len == plain.len && memcmp(bytes, plain.body, len) == 0);
  free(bytes);
  fhx_response_free(download);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_both_codings, begin, end),
      cmocka_unit_test_setup_teardown(test_accept_encoding, begin, end),
      cmocka_unit_test_setup_teardown(test_head, begin, end),
      cmocka_unit_test_setup_teardown(test_same_export, begin, end),
      cmocka_unit_test_setup_teardown(test_plain_job, begin, end),
      cmocka_unit_test_setup_teardown(test_ranges, begin, end),
      cmocka_unit_test_setup_teardown(test_unsatisfiable, begin, end),
      cmocka_unit_test_setup_teardown(test_if_range, begin, end),
      cmocka_unit_test_setup_teardown(test_damaged, begin, end),
      cmocka_unit_test_setup_teardown(test_token, begin, end),
      cmocka_unit_test_setup_teardown(test_deleted, begin, end),
  };
  return cmocka_run_group_tests(tests, make_data, test_dataset_end);
}
