/* The destination besides its uploads: what it is made of, removing, looking, trying, and many
   threads at a time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>
#include <pthread.h>

#include "azure_fixture.h"
#include "core/clock.h"
#include "core/error.h"
#include "support/memory.h"
#include "support/require.h"

#define NAME "job-1/a.ndjson"
#define BLOCKS(blocks)                                    \
  "<?xml version=\"1.0\" encoding=\"utf-8\"?><BlockList>" \
  "<UncommittedBlocks>" blocks "</UncommittedBlocks></BlockList>"
#define A_BLOCK "<Block><Name>MDAw</Name><Size>4</Size></Block>"
#define NOT_FOUND .status = 404, .headers = TEST_AZURE_CODE("BlobNotFound")

/* --- what it is made of --- */

static void destroyed(void *user_data) {
  (*(int *)user_data)++;
}

static void assert_not_made(const fhx_azure_options *options, int32_t expected) {
  fhx_azure_options copy = *options;
  fhx_destination *destination = NULL;
  fhx_error *error = NULL;
  int count = 0;
  copy.destroy = destroyed;
  copy.user_data = &count;
  assert_int_equal(fhx_azure_destination_new(&copy, &destination, &error), expected);
  assert_null(destination);
  assert_int_equal(count, 1);
  assert_null(strstr(fhx_error_message(error), "fhxaccount"));
  assert_null(strstr(fhx_error_message(error), "example"));
  fhx_error_free(error);
}

static void options(void **state) {
  static const char *const hosts[] = {"other.blob.core.windows.net"};
  fhx_azure_options given;
  fhx_http_options http;
  (void)state;
  fhx_azure_options_init(&given, sizeof given);
  assert_not_made(&given, FHX_ERR_ARGUMENT);
  given.connection_string = "AccountName=fhxaccount;AccountKey=" TEST_AZURE_KEY;
  given.container = "fhir";
  given.flags = 2;
  assert_not_made(&given, FHX_ERR_ARGUMENT);
  given.flags = 0;
  given.piece_bytes = (UINT64_C(4000) << 20) + 1;
  assert_not_made(&given, FHX_ERR_ARGUMENT);
  given.piece_bytes = 0;
  given.pieces_in_flight = 65;
  assert_not_made(&given, FHX_ERR_ARGUMENT);
  given.pieces_in_flight = 0;
  FHX_INIT(&http);
  http.allowed_hosts = hosts;
  http.allowed_host_count = 1;
  given.http = &http;
  assert_not_made(&given, FHX_ERR_DENIED);
  given.size = 7;
  assert_int_equal(fhx_azure_destination_new(&given, NULL, NULL), FHX_ERR_STRUCT_SIZE);
  assert_int_equal(fhx_azure_destination_new(NULL, NULL, NULL), FHX_ERR_ARGUMENT);
}

/* A signature of one's own is never in a URL. */
static void plain_urls(void **state) {
  fhx_azure_options given;
  fhx_destination *destination = NULL;
  fhx__buffer url = {NULL, 0, 0};
  const fhx_part part = test_azure_part(NAME, 1);
  int64_t until_us = 0;
  (void)state;
  FHX_INIT(&given);
  given.container_url = "https://fhxaccount.blob.core.windows.net/fhir?sv=2021-12-02&sig=secret";
  given.prefix = "exports/x";
  assert_int_equal(fhx_azure_destination_new(&given, &destination, NULL), FHX_OK);
  assert_int_equal(fhx__destination_flags(destination),
                   FHX_DESTINATION_ANY_THREAD | FHX_DESTINATION_REQUIRES_TOKEN);
  assert_int_equal(fhx__destination_url(destination, &part, 12345, &url, NULL), FHX_OK);
  assert_int_equal(fhx__buffer_terminate(&url), FHX_OK);
  assert_string_equal(url.data, "https://fhxaccount.blob.core.windows.net/fhir/exports/x/" NAME);
  assert_int_equal(fhx__destination_urls_until(destination, 12345678, 0, &until_us, NULL), FHX_OK);
  assert_int_equal(until_us, 12345678);
  fhx__buffer_free(&url);
  fhx_destination_free(destination);
}

static void signed_urls(void **state) {
  fhx_azure_options given;
  fhx_destination *destination = NULL;
  fhx__buffer url = {NULL, 0, 0};
  const fhx_part part = test_azure_part(NAME, 1);
  int64_t until_us = 0;
  (void)state;
  FHX_INIT(&given);
  given.connection_string = "AccountName=fhxaccount;AccountKey=" TEST_AZURE_KEY;
  given.container = "fhir";
  assert_int_equal(fhx_azure_destination_new(&given, &destination, NULL), FHX_OK);
  assert_int_equal(fhx__destination_flags(destination), FHX_DESTINATION_ANY_THREAD);
  /* What is promised is what is signed: whole seconds. */
  assert_int_equal(
      fhx__destination_urls_until(destination, INT64_C(1795440245999999), 0, &until_us, NULL),
      FHX_OK);
  assert_int_equal(until_us, INT64_C(1795440245000000));
  assert_int_equal(fhx__destination_url(destination, &part, until_us, &url, NULL), FHX_OK);
  assert_int_equal(fhx__buffer_terminate(&url), FHX_OK);
  assert_non_null(strstr(url.data, "/fhir/" NAME "?sv=2021-12-02&spr=https&se="
                                   "2026-11-23T13%3A24%3A05Z&sr=b&sp=r&sig="));
  url.len = 0;
  assert_int_equal(fhx__destination_url(destination, &part, 0, &url, NULL), FHX_OK);
  assert_int_equal(fhx__buffer_terminate(&url), FHX_OK);
  assert_non_null(strstr(url.data, "&se=9999-12-31T23%3A59%3A59Z&"));
  fhx__buffer_free(&url);
  fhx_destination_free(destination);
}

/* --- removing, looking, trying --- */

typedef enum call { REMOVE, STAT, CHECK } call;

typedef struct scenario {
  const char *name;
  call call;
  test_server_step steps[5];
  int32_t status;
  /* How many requests are made; 0: it does not matter. */
  size_t count;
  const char *words;
} scenario;

#define GET_BLOCKS .method = "GET", .target = "blocklisttype=uncommitted&comp=blocklist"
#define DROP \
  .method = "PUT", .target = "comp=blocklist", .header = "if-none-match: *", .status = 201
#define TRY_PUT .method = "PUT", .target = "/.trial-"
#define TRY_HEAD .method = "HEAD", .target = "/.trial-"
#define TRY_DELETE .method = "DELETE", .target = "/.trial-"
#define NOT_MET .status = 412, .headers = TEST_AZURE_CODE("ConditionNotMet")

/* What a list without blocks has made. */
static test_azure_blob dropped;

static const scenario scenarios[] = {
    {"a blob", REMOVE, {{.method = "DELETE", .status = 202}}, FHX_OK, 1, NULL},
    {"nothing",
     REMOVE,
     {{.method = "DELETE", NOT_FOUND}, {GET_BLOCKS, NOT_FOUND}},
     FHX_OK,
     2,
     NULL},
    {"no container",
     REMOVE,
     {{.status = 404, .headers = TEST_AZURE_CODE("ContainerNotFound")}},
     FHX_OK,
     2,
     NULL},
    {"blocks",
     REMOVE,
     {{.method = "DELETE", .times = 1, NOT_FOUND},
      {GET_BLOCKS, .body = BLOCKS(A_BLOCK A_BLOCK)},
      {DROP},
      {.method = "DELETE", .status = 202}},
     FHX_OK,
     4,
     NULL},
    {"a blob with snapshots",
     REMOVE,
     {{.method = "DELETE", .header = "x-ms-delete-snapshots: include", .status = 202},
      {.method = "DELETE", .status = 409, .headers = TEST_AZURE_CODE("SnapshotsPresent")}},
     FHX_OK,
     2,
     NULL},
    {"no blocks",
     REMOVE,
     {{.method = "DELETE", .times = 1, NOT_FOUND}, {GET_BLOCKS, .body = BLOCKS("")}},
     FHX_OK,
     2,
     NULL},
    {"a list that is none",
     REMOVE,
     {{.method = "DELETE", NOT_FOUND}, {GET_BLOCKS, .body = "<BlockList>"}},
     FHX_ERR_DESTINATION,
     2,
     "not a list of blocks"},
    {"a list that may not be read",
     REMOVE,
     {{.method = "DELETE", .times = 1, NOT_FOUND},
      {GET_BLOCKS, .status = 403, .headers = TEST_AZURE_CODE("AuthorizationPermissionMismatch")},
      {DROP},
      {.method = "DELETE", .status = 202}},
     FHX_OK,
     4,
     NULL},
    {"the answer of the drop is lost",
     REMOVE,
     {{.method = "DELETE", .times = 1, NOT_FOUND},
      {GET_BLOCKS, .body = BLOCKS(A_BLOCK)},
      {.method = "PUT",
       .status = 409,
       .headers = TEST_AZURE_CODE("BlobAlreadyExists"),
       .adapt = test_azure_take,
       .context = &dropped},
      {.method = "HEAD", .adapt = test_azure_show, .context = &dropped},
      {.method = "DELETE", .status = 202}},
     FHX_OK,
     5,
     NULL},
    {"the drop finds an empty blob of somebody else",
     REMOVE,
     {{.method = "DELETE", .times = 1, NOT_FOUND},
      {GET_BLOCKS, .body = BLOCKS(A_BLOCK)},
      {.method = "PUT", .status = 409, .headers = TEST_AZURE_CODE("BlobAlreadyExists")},
      {.method = "HEAD",
       .headers = "Content-Length: 0\r\nx-ms-meta-fhirexport: "
                  "00000000000000000000000000000000\r\n"}},
     FHX_ERR_EXISTS,
     4,
     "a blob of this name exists"},
    {"no right to remove",
     REMOVE,
     {{.status = 403, .headers = TEST_AZURE_CODE("AuthorizationPermissionMismatch")}},
     FHX_ERR_DENIED,
     1,
     "could not be removed: the credentials have no right to do this"},
    {"404 of something else", REMOVE, {{.status = 404}}, FHX_ERR_DESTINATION, 1, "status 404"},
    {"a policy",
     REMOVE,
     {{.status = 409, .headers = TEST_AZURE_CODE("BlobImmutableDueToPolicy")}},
     FHX_ERR_DENIED,
     1,
     "a policy"},

    {"there", STAT, {{.method = "HEAD", .headers = "Content-Length: 7\r\n"}}, FHX_OK, 1, NULL},
    {"another length",
     STAT,
     {{.method = "HEAD", .headers = "Content-Length: 8\r\n"}},
     FHX_ERR_DESTINATION,
     1,
     "another size"},
    {"no length",
     STAT,
     {{.method = "HEAD", .raw = "HTTP/1.1 200 OK\r\n\r\n"}},
     FHX_ERR_DESTINATION,
     1,
     "did not say its length"},
    {"not there", STAT, {{.method = "HEAD", NOT_FOUND}}, FHX_ERR_NOT_FOUND, 1, NULL},
    {"404 of something else", STAT, {{.status = 404}}, FHX_ERR_DESTINATION, 1, "status 404"},
    {"closed", STAT, {{.fault = TEST_SERVER_CLOSES}}, FHX_ERR_IO, 0, "could not be looked at"},

    {"all rights",
     CHECK,
     {{TRY_PUT, .header = "if-match: ", NOT_MET},
      {TRY_HEAD, NOT_FOUND},
      {TRY_DELETE, .header = "if-match: ", NOT_FOUND}},
     FHX_OK,
     3,
     NULL},
    {"no right to write",
     CHECK,
     {{TRY_PUT, .status = 403, .headers = TEST_AZURE_CODE("AuthorizationPermissionMismatch")},
      {TRY_HEAD, NOT_FOUND},
      {TRY_DELETE, NOT_FOUND}},
     FHX_ERR_DENIED,
     0,
     "blobs cannot be written: "},
    {"no right to read",
     CHECK,
     {{TRY_PUT, NOT_MET}, {TRY_HEAD, .status = 403}, {TRY_DELETE, NOT_FOUND}},
     FHX_ERR_DENIED,
     0,
     "blobs cannot be read: "},
    {"no right to remove",
     CHECK,
     {{TRY_PUT, NOT_MET},
      {TRY_HEAD, NOT_FOUND},
      {TRY_DELETE, .status = 403, .headers = TEST_AZURE_CODE("AuthorizationPermissionMismatch")}},
     FHX_ERR_DENIED,
     0,
     "blobs cannot be removed: "},
    {"no container for it",
     CHECK,
     {{.status = 404, .headers = TEST_AZURE_CODE("ContainerNotFound")}},
     FHX_ERR_NOT_FOUND,
     0,
     "the container does not exist"},
    {"nothing answers", CHECK, {{.fault = TEST_SERVER_HANGS}}, FHX_ERR_IO, 0, ""},
};

static int32_t make_call(fhx_destination *destination, call which, int64_t patience_us,
                         fhx_error **error) {
  const fhx_part part = test_azure_part(NAME, 7);
  if (which == REMOVE) return fhx__destination_remove(destination, NAME, error);
  if (which == STAT) return fhx__destination_stat(destination, &part, error);
  return fhx__destination_check(destination, fhx__clock_monotonic_us() + patience_us, error);
}

static void answers(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof scenarios / sizeof *scenarios; i++) {
    const scenario *one = &scenarios[i];
    size_t count = 0;
    test_azure_options given;
    fhx_error *error = NULL;
    test_scenario("%zu: %s", i, one->name);
    while (count < 5 && (one->steps[count].method != NULL || one->steps[count].status != 0 ||
                         one->steps[count].fault != TEST_SERVER_SOUND)) {
      count++;
    }
    test_server *server = test_server_start(one->steps, count);
    test_azure_options_fill(&given, server);
    given.http.retries_max = 2;
    fhx_destination *destination = test_azure_destination(&given);
    /* A busy machine may need long for what is answered. */
    const bool hangs = one->steps[0].fault == TEST_SERVER_HANGS;
    int32_t status = make_call(destination, one->call, hangs ? 500000 : INT64_C(300000000), &error);
    test_require_status(status, one->status);
    const char *message = fhx_error_message(error);
    test_require(one->words == NULL || strstr(message, one->words) != NULL);
    test_require(strstr(message, "fhxaccount") == NULL && strstr(message, "127.0") == NULL);
    if (one->count > 0) test_require(test_server_count(server) == one->count);
    fhx_error_free(error);
    fhx_destination_free(destination);
    test_server_end(server);
    test_require_sound();
  }
}

/* --- a store that keeps marks by name --- */

#define BLOBS_MAX 64

typedef struct blobs {
  test_azure_blob all[BLOBS_MAX];
  char targets[BLOBS_MAX][128];
  size_t count;
} blobs;

static test_azure_blob *find_blob(blobs *self, const test_server_request *request) {
  size_t len = strcspn(request->target, "?");
  size_t i = 0;
  while (i < self->count &&
         (strlen(self->targets[i]) != len || memcmp(self->targets[i], request->target, len) != 0)) {
    i++;
  }
  if (i == BLOBS_MAX) return NULL;
  if (i == self->count) {
    snprintf(self->targets[i], sizeof self->targets[i], "%.*s", (int)len, request->target);
    self->all[i].byte_count = 20000;
    self->count++;
  }
  return &self->all[i];
}

static void take(void *context, const test_server_request *request, test_server_step *step) {
  test_azure_blob *blob = find_blob(context, request);
  test_violation_unless(blob != NULL, "too many blobs");
  if (blob != NULL) test_azure_take(blob, request, step);
}

static void show(void *context, const test_server_request *request, test_server_step *step) {
  test_azure_blob *blob = find_blob(context, request);
  if (blob != NULL) test_azure_show(blob, request, step);
}

static test_server *start_blobs(blobs *kept) {
  const test_server_step steps[] = {
      {.method = "PUT",
       .target = "comp=blocklist",
       .header = "x-ms-blob-content-type",
       .status = 201,
       .adapt = take,
       .context = kept},
      {.method = "PUT", .target = "comp=block", .status = 201},
      {.method = "HEAD", .adapt = show, .context = kept},
      {.method = "DELETE", .status = 202},
  };
  return test_server_start(steps, sizeof steps / sizeof *steps);
}

typedef struct runner {
  fhx_destination *destination;
  int number;
  pthread_t thread;
} runner;

static void *run(void *context) {
  runner *self = context;
  for (int i = 0; i < 4; i++) {
    char name[64];
    fhx__buffer url = {NULL, 0, 0};
    snprintf(name, sizeof name, "job-%d/a-%d.ndjson", self->number, i);
    const fhx_part part = test_azure_part(name, 20000);
    bool good = test_azure_put(self->destination, name, 20000, NULL) == FHX_OK &&
                fhx__destination_url(self->destination, &part, 1000000, &url, NULL) == FHX_OK &&
                fhx__destination_stat(self->destination, &part, NULL) == FHX_OK &&
                fhx__destination_remove(self->destination, name, NULL) == FHX_OK;
    test_violation_unless(good, "a part was not written, looked at and removed");
    fhx__buffer_free(&url);
  }
  return NULL;
}

static void threads(void **state) {
  (void)state;
  for (uint32_t flags = 0; flags <= FHX_HTTP_NO_THREAD; flags++) {
    blobs kept = {.count = 0};
    runner runners[6];
    test_azure_options given;
    test_scenario("threads, flags %u", flags);
    test_server *server = start_blobs(&kept);
    test_azure_options_fill(&given, server);
    given.http.flags = flags;
    fhx_destination *destination = test_azure_destination(&given);
    for (int i = 0; i < 6; i++) {
      runners[i] = (runner){.destination = destination, .number = i};
      assert_int_equal(pthread_create(&runners[i].thread, NULL, run, &runners[i]), 0);
    }
    for (int i = 0; i < 6; i++) pthread_join(runners[i].thread, NULL);
    fhx_destination_free(destination);
    test_server_end(server);
    test_require_sound();
  }
}

/* --- memory --- */

static int32_t whole_trip(const test_azure_options *given) {
  fhx_destination *destination = NULL;
  fhx__buffer url = {NULL, 0, 0};
  const fhx_part part = test_azure_part(NAME, 20000);
  int32_t status = fhx_azure_destination_new(&given->azure, &destination, NULL);
  if (status != FHX_OK) return status;
  status = test_azure_put(destination, NAME, 20000, NULL);
  if (status == FHX_OK) status = fhx__destination_url(destination, &part, 1000000, &url, NULL);
  if (status == FHX_OK) status = fhx__destination_stat(destination, &part, NULL);
  if (status == FHX_OK) status = fhx__destination_remove(destination, NAME, NULL);
  fhx__buffer_free(&url);
  fhx_destination_free(destination);
  return status;
}

/* Every allocation fails once. "Out of memory", but where it hit the answer to a commit: then the
   store is asked, and it is there, or that is not known. */
static void out_of_memory(void **state) {
  blobs kept = {.count = 0};
  test_azure_options given;
  bool reached = true;
  uint64_t others = 0, n = 1;
  (void)state;
  test_scenario("out of memory");
  test_server *server = start_blobs(&kept);
  test_azure_options_fill(&given, server);
  given.http.flags = FHX_HTTP_NO_THREAD;
  for (; reached; n++) {
    test_memory_begin(n);
    int32_t status = whole_trip(&given);
    reached = test_memory_end();
    test_scenario("allocation %llu", (unsigned long long)n);
    bool is_other = status == FHX_ERR_UNKNOWN_OUTCOME || status == FHX_OK;
    if (!reached) test_require_status(status, FHX_OK);
    if (reached && is_other) others++;
    if (reached && !is_other) test_require_status(status, FHX_ERR_NO_MEMORY);
  }
  assert_in_range(others, 1, n / 4);
  test_server_end(server);
  test_require_sound();
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(options), cmocka_unit_test(plain_urls), cmocka_unit_test(signed_urls),
      cmocka_unit_test(answers), cmocka_unit_test(threads),    cmocka_unit_test(out_of_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
