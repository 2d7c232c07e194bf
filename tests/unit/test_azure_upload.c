/* Uploads to a store that fails as stores do: what is repeated, what is a definite no, and what is
   not known. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

#include "azure_fixture.h"
#include "core/error.h"
#include "support/require.h"

#define NAME "job-1/Patient-0-1-0.ndjson"
#define SMALL 1500
#define LARGE 20000

/* The steps of a scenario; what a test adds stands before what a sound store does. */
typedef struct scenario {
  const char *name;
  size_t byte_count;
  test_server_step faults[3];
  /* What the blob is like that HEAD shows; NULL: the part. */
  const char *other_mark;
  uint64_t other_bytes;
  /* HEAD answers 404, or nothing. */
  bool is_absent;
  bool is_silent;
  int32_t status;
  /* How many requests there are at the least; of these the last HEAD counts. */
  const char *words;
  /* The store is asked to drop blocks or the blob. */
  bool is_removed;
} scenario;

#define PUT_BLOB .method = "PUT", .header = "x-ms-blob-type: BlockBlob", .adapt = test_azure_take
#define PUT_BLOCK .method = "PUT", .target = "comp=block", .header = "octet-stream"
#define PUT_LIST                                                                   \
  .method = "PUT", .target = "comp=blocklist", .header = "x-ms-blob-content-type", \
  .adapt = test_azure_take
#define BUSY .times = 2, .status = 503, .headers = TEST_AZURE_CODE("ServerBusy")
#define EXISTS .status = 409, .headers = TEST_AZURE_CODE("BlobAlreadyExists")

static const scenario scenarios[] = {
    {.name = "a sound store", .byte_count = SMALL},
    {.name = "a sound store, blocks", .byte_count = LARGE},
    {.name = "busy", .byte_count = SMALL, .faults = {{PUT_BLOB, BUSY}}},
    {.name = "busy blocks", .byte_count = LARGE, .faults = {{PUT_BLOCK, BUSY}}},
    {.name = "busy list", .byte_count = LARGE, .faults = {{PUT_LIST, BUSY}}},
    {.name = "500", .byte_count = SMALL, .faults = {{PUT_BLOB, .times = 1, .status = 500}}},
    {.name = "reset in a blob",
     .byte_count = SMALL,
     .faults = {{PUT_BLOB, .times = 1, .fault = TEST_SERVER_CLOSES_IN_REQUEST, .after = 700}}},
    {.name = "reset in a block",
     .byte_count = LARGE,
     .faults = {{PUT_BLOCK, .times = 2, .fault = TEST_SERVER_CLOSES_IN_REQUEST, .after = 700}}},
    {.name = "a block's answer is lost",
     .byte_count = LARGE,
     .faults = {{PUT_BLOCK, .times = 2, .fault = TEST_SERVER_CLOSES}}},
    {.name = "a block is damaged",
     .byte_count = LARGE,
     .faults = {{PUT_BLOCK, .times = 1, .status = 400, .headers = TEST_AZURE_CODE("Md5Mismatch")}}},
    {.name = "the blob's answer is lost, and it is there",
     .byte_count = SMALL,
     .faults = {{PUT_BLOB, .times = 1, .fault = TEST_SERVER_CLOSES}, {PUT_BLOB, EXISTS}}},
    {.name = "the list's answer is lost, and it is there",
     .byte_count = LARGE,
     .faults = {{PUT_LIST, .times = 1, .fault = TEST_SERVER_CLOSES},
                {PUT_LIST, .status = 412, .headers = TEST_AZURE_CODE("ConditionNotMet")}}},
    {.name = "the list's answer is cut off, and it is there",
     .byte_count = LARGE,
     .faults = {{PUT_LIST, .times = 1, .status = 201, .body = "0123456789", .after = 3,
                 .fault = TEST_SERVER_TRUNCATES},
                {PUT_LIST, EXISTS}}},
    {.name = "the blob's answer is lost, and somebody else's is there",
     .byte_count = SMALL,
     .faults = {{PUT_BLOB, .times = 1, .fault = TEST_SERVER_CLOSES}, {PUT_BLOB, EXISTS}},
     .other_mark = "00000000000000000000000000000000",
     .status = FHX_ERR_EXISTS,
     .words = "a blob of this name exists"},
    {.name = "no answer at all, and it is there",
     .byte_count = SMALL,
     .faults = {{PUT_BLOB, .fault = TEST_SERVER_CLOSES}}},
    {.name = "no answer at all, and it is not there",
     .byte_count = SMALL,
     .faults = {{PUT_BLOB, .fault = TEST_SERVER_CLOSES}},
     .is_absent = true,
     .status = FHX_ERR_UNKNOWN_OUTCOME,
     .words = "not known"},
    {.name = "no answer to anything",
     .byte_count = LARGE,
     .faults = {{PUT_LIST, .fault = TEST_SERVER_CLOSES}},
     .is_silent = true,
     .status = FHX_ERR_UNKNOWN_OUTCOME,
     .words = "not known"},
    {.name = "500 for ever, and it is not there",
     .byte_count = SMALL,
     .faults = {{PUT_BLOB, .status = 500}},
     .is_absent = true,
     .status = FHX_ERR_UNKNOWN_OUTCOME,
     .words = "not known"},
    {.name = "yes, and nothing is there",
     .byte_count = SMALL,
     .is_absent = true,
     .status = FHX_ERR_UNKNOWN_OUTCOME,
     .words = "not known"},
    {.name = "a name that is taken",
     .byte_count = SMALL,
     .faults = {{PUT_BLOB, EXISTS}},
     .other_mark = "",
     .status = FHX_ERR_EXISTS,
     .words = "a blob of this name exists"},
    {.name = "a name that is taken, blocks",
     .byte_count = LARGE,
     .faults = {{PUT_LIST, EXISTS}},
     .other_mark = "x",
     .status = FHX_ERR_EXISTS,
     .words = "a blob of this name exists",
     .is_removed = true},
    {.name = "a blob that is too short",
     .byte_count = LARGE,
     .other_bytes = LARGE - 1,
     .status = FHX_ERR_DESTINATION,
     .words = "another length",
     .is_removed = true},
    {.name = "no right to write",
     .byte_count = SMALL,
     .faults = {{PUT_BLOB, .status = 403,
                 .headers = TEST_AZURE_CODE("AuthorizationPermissionMismatch")}},
     .is_silent = true,
     .status = FHX_ERR_DENIED,
     .words = "no right to do this"},
    {.name = "no right to write blocks",
     .byte_count = LARGE,
     .faults = {{PUT_BLOCK, .status = 403, .headers = TEST_AZURE_CODE("AuthorizationFailure")}},
     .is_silent = true,
     .status = FHX_ERR_DENIED,
     .words = "network rules",
     .is_removed = true},
    {.name = "blocks are lost",
     .byte_count = LARGE,
     .faults = {{PUT_LIST, .status = 400, .headers = TEST_AZURE_CODE("InvalidBlockList")}},
     .is_silent = true,
     .status = FHX_ERR_DESTINATION,
     .words = "lost blocks",
     .is_removed = true},
    {.name = "the container goes",
     .byte_count = SMALL,
     .faults = {{PUT_BLOB, .status = 409, .headers = TEST_AZURE_CODE("ContainerBeingDeleted")}},
     .is_absent = true,
     .status = FHX_ERR_DESTINATION,
     .words = "the container is being deleted"},
    {.name = "there is no container",
     .byte_count = SMALL,
     .faults = {{PUT_BLOB, .status = 404, .headers = TEST_AZURE_CODE("ContainerNotFound")}},
     .is_silent = true,
     .status = FHX_ERR_NOT_FOUND,
     .words = "the container does not exist"},
    {.name = "a policy",
     .byte_count = SMALL,
     .faults = {{PUT_BLOB, .status = 409, .headers = TEST_AZURE_CODE("BlobImmutableDueToPolicy")}},
     .is_absent = true,
     .status = FHX_ERR_DENIED,
     .words = "a policy"},
    {.name = "the account is disabled",
     .byte_count = SMALL,
     .faults = {{PUT_BLOB, .status = 403, .headers = TEST_AZURE_CODE("AccountIsDisabled")}},
     .is_silent = true,
     .status = FHX_ERR_DENIED,
     .words = "the account is disabled"},
    {.name = "a wrong clock",
     .byte_count = SMALL,
     .faults = {{PUT_BLOB, .status = 403,
                 .headers = TEST_AZURE_CODE(
                     "AuthenticationFailed") "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"}},
     .is_silent = true,
     .status = FHX_ERR_DENIED,
     .words = "minutes from the store's"},
    {.name = "an error without a name, and a text with a secret",
     .byte_count = SMALL,
     .faults = {{PUT_BLOB, .status = 400, .body = "<Error><Code>Secret</Code></Error>"}},
     .is_silent = true,
     .status = FHX_ERR_DESTINATION,
     .words = "HTTP status 400"},
    {.name = "busy for ever",
     .byte_count = LARGE,
     .faults = {{PUT_BLOCK, .status = 503, .headers = TEST_AZURE_CODE("ServerBusy")}},
     .is_silent = true,
     .status = FHX_ERR_DESTINATION,
     .words = "the store is busy",
     .is_removed = true},
};

static size_t fill_steps(const scenario *one, test_azure_blob *blob, test_server_step *steps) {
  size_t count = 0;
  for (size_t i = 0; i < 3 && one->faults[i].method != NULL; i++) {
    steps[count] = one->faults[i];
    if (strcmp(steps[count].method, "PUT") == 0 && steps[count].target == NULL) {
      steps[count].context = blob;
    }
    if (steps[count].adapt != NULL) steps[count].context = blob;
    count++;
  }
  steps[count++] = (test_server_step){PUT_BLOB, .status = 201, .context = blob};
  steps[count++] = (test_server_step){PUT_BLOCK, .status = 201};
  steps[count++] = (test_server_step){PUT_LIST, .status = 201, .context = blob};
  /* The empty list that drops blocks. */
  steps[count++] = (test_server_step){.method = "PUT", .target = "comp=blocklist", .status = 201};
  steps[count++] = (test_server_step){.method = "DELETE", .status = 202};
  if (one->is_silent) {
    steps[count++] = (test_server_step){.method = "HEAD", .fault = TEST_SERVER_CLOSES};
  } else if (one->is_absent) {
    steps[count++] = (test_server_step){
        .method = "HEAD", .status = 404, .headers = TEST_AZURE_CODE("BlobNotFound")};
  } else {
    steps[count++] =
        (test_server_step){.method = "HEAD", .adapt = test_azure_show, .context = blob};
  }
  return count;
}

static void check_message(const scenario *one, const fhx_error *error) {
  const char *message = fhx_error_message(error);
  test_require(one->words == NULL || strstr(message, one->words) != NULL);
  test_require(strstr(message, "127.0.0.1") == NULL);
  test_require(strstr(message, "ecret") == NULL);
  test_require(strstr(message, "fhxaccount") == NULL);
  test_require(strstr(message, "sig=") == NULL);
}

static void run_scenario(const scenario *one, uint32_t http_flags) {
  test_azure_blob blob = {.byte_count = one->byte_count, .other_mark = one->other_mark};
  test_server_step steps[10];
  test_azure_options options;
  fhx_error *error = NULL;
  test_scenario("%s, flags %u", one->name, http_flags);
  if (one->other_bytes > 0) blob.byte_count = one->other_bytes;
  test_server *server = test_server_start(steps, fill_steps(one, &blob, steps));
  test_azure_options_fill(&options, server);
  options.http.flags = http_flags;
  options.http.retries_max = one->status == FHX_OK ? 10 : 3;
  fhx_destination *destination = test_azure_destination(&options);
  int32_t status = test_azure_put(destination, NAME, one->byte_count, &error);
  test_require_status(status, one->status);
  check_message(one, error);
  size_t removals = test_server_count_of(server, "DELETE", NULL) +
                    test_server_count_of(server, "PUT", "comp=blocklist");
  size_t lists = one->byte_count == LARGE ? 1 : 0;
  if (one->is_removed) test_require(removals > 0);
  if (!one->is_removed && one->status != FHX_OK && lists == 0) test_require(removals == 0);
  if (one->status == FHX_OK) test_require(test_server_count_of(server, "DELETE", NULL) == 0);
  fhx_destination_free(destination);
  fhx_error_free(error);
  test_server_end(server);
  test_require_sound();
}

static void faults(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof scenarios / sizeof *scenarios; i++) run_scenario(&scenarios[i], 0);
}

static void faults_without_a_thread(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof scenarios / sizeof *scenarios; i += 3) {
    run_scenario(&scenarios[i], FHX_HTTP_NO_THREAD);
  }
}

/* What goes out: headers, ids of one length, the list in order. */
static void requests(void **state) {
  const scenario sound = {.name = "requests", .byte_count = LARGE};
  test_azure_blob blob = {.byte_count = LARGE};
  test_server_step steps[10];
  test_azure_options options;
  char value[256], expected[4096] = "", all[64 * 5];
  size_t all_len = 0;
  (void)state;
  test_scenario("requests");
  test_server *server = test_server_start(steps, fill_steps(&sound, &blob, steps));
  test_azure_options_fill(&options, server);
  options.azure.prefix = "exports";
  options.azure.pieces_in_flight = 1;
  fhx_destination *destination = test_azure_destination(&options);
  assert_int_equal(test_azure_put(destination, "job-1/a.ndjson.gz", LARGE, NULL), FHX_OK);
  assert_int_equal(test_server_count(server), 7);
  for (size_t i = 0; i < 5; i++) {
    const test_server_request *block = test_server_request_at(server, i);
    const char *id = strstr(block->target, "blockid=");
    assert_non_null(id);
    assert_non_null(strstr(block->target, "/fhxaccount/fhir/exports/job-1/a.ndjson.gz?"));
    id += strlen("blockid=");
    size_t len = strcspn(id, "&");
    assert_int_equal(len, 24);
    assert_null(memchr(id, '%', len));
    if (i < 4) assert_int_equal(block->body_len, 4096);
    assert_true(test_server_header(block, "content-md5", value, sizeof value));
    assert_int_equal(strlen(value), 24);
    memcpy(all + all_len, id, len);
    all_len += len;
  }
  const test_server_request *list = test_server_request_at(server, 5);
  strcat(expected, "<?xml version=\"1.0\" encoding=\"utf-8\"?><BlockList>");
  for (size_t i = 0; i < 5; i++) {
    size_t at = strlen(expected);
    snprintf(expected + at, sizeof expected - at, "<Uncommitted>%.24s</Uncommitted>", all + 24 * i);
  }
  strcat(expected, "</BlockList>");
  assert_string_equal(list->body, expected);
  static const char *const headers[][2] = {{"if-none-match", "*"},
                                           {"x-ms-blob-content-type", "application/fhir+ndjson"},
                                           {"x-ms-blob-content-encoding", "gzip"},
                                           {"x-ms-version", "2021-12-02"}};
  for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
    assert_true(test_server_header(list, headers[i][0], value, sizeof value));
    assert_string_equal(value, headers[i][1]);
  }
  fhx_destination_free(destination);
  test_server_end(server);
  test_require_sound();
}

/* Blocks go out beside each other: as many as is said, and no more. */
static void in_flight(void **state) {
  test_azure_blob blob = {.byte_count = 60000};
  const test_server_step steps[] = {
      {PUT_BLOCK, .status = 201, .pause_us = 20000},
      {PUT_LIST, .status = 201, .context = &blob},
      {.method = "HEAD", .adapt = test_azure_show, .context = &blob},
  };
  test_azure_options options;
  (void)state;
  test_scenario("in flight");
  test_server *server = test_server_start(steps, sizeof steps / sizeof *steps);
  test_azure_options_fill(&options, server);
  options.azure.pieces_in_flight = 3;
  fhx_destination *destination = test_azure_destination(&options);
  assert_int_equal(test_azure_put(destination, NAME, 60000, NULL), FHX_OK);
  assert_in_range(test_server_peak(server), 2, 3);
  fhx_destination_free(destination);
  test_server_end(server);
  test_require_sound();
}

static void names_and_lengths(void **state) {
  test_azure_options options;
  void *upload = NULL;
  fhx_error *error = NULL;
  (void)state;
  test_scenario("names");
  test_server *server = test_server_start(NULL, 0);
  test_azure_options_fill(&options, server);
  fhx_destination *destination = test_azure_destination(&options);
  assert_int_equal(fhx__destination_open(destination, "job./a.ndjson", &upload, &error),
                   FHX_ERR_ARGUMENT);
  fhx__clear_error(&error);
  assert_int_equal(fhx__destination_open(destination, NAME, &upload, &error), FHX_OK);
  assert_int_equal(fhx__destination_write(destination, upload, "abc", 3, &error), FHX_OK);
  const fhx_part part = test_azure_part(NAME, 4);
  assert_int_equal(fhx__destination_commit(destination, upload, &part, &error), FHX_ERR_INTERNAL);
  fhx__clear_error(&error);
  assert_int_equal(fhx__destination_open(destination, NAME, &upload, &error), FHX_OK);
  fhx__destination_abort(destination, upload);
  /* Nothing of this went to the store. */
  assert_int_equal(test_server_count(server), 0);
  fhx_destination_free(destination);
  test_server_end(server);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(faults),
      cmocka_unit_test(faults_without_a_thread),
      cmocka_unit_test(requests),
      cmocka_unit_test(in_flight),
      cmocka_unit_test(names_and_lengths),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
