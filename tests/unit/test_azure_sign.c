/* Signatures with a fixed key and fixed times. What is expected comes from azure_signatures.py,
   which computes it by other means. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

#include "azure/sign.h"
#include "core/error.h"
#include "support/memory.h"

#define BLOB "exports/job-1/Patient-0-1-0.ndjson"
/* 2026-11-23T13:24:05.999999Z */
#define END_US INT64_C(1795440245999999)

static char key[64];

static fhx__azure_settings settings_of(bool is_https) {
  fhx__azure_settings settings = {.is_https = is_https};
  for (size_t i = 0; i < sizeof key; i++) key[i] = (char)i;
  settings.key = (fhx__buffer){key, sizeof key, sizeof key};
  return settings;
}

static fhx__buffer headers_of(const char *const *headers) {
  fhx__buffer buffer = {NULL, 0, 0};
  for (; *headers != NULL; headers++) {
    assert_int_equal(fhx__buffer_append(&buffer, *headers, strlen(*headers) + 1), FHX_OK);
  }
  return buffer;
}

static void assert_shared_key(fhx__azure_signed request, const char *const *headers,
                              const char *expected) {
  char account[] = "fhxaccount";
  fhx__azure_settings settings = settings_of(true);
  fhx__buffer out = {NULL, 0, 0}, given = headers_of(headers);
  settings.account = account;
  request.headers = &given;
  assert_int_equal(fhx__azure_shared_key(&out, &settings, &request, NULL), FHX_OK);
  assert_int_equal(fhx__buffer_terminate(&out), FHX_OK);
  assert_string_equal(out.data, expected);
  fhx__buffer_free(&out);
  fhx__buffer_free(&given);
}

/* Headers are found without case, and sorted. */
static void requests(void **state) {
  static const char *const put[] = {"x-ms-version: 2021-12-02",
                                    "Content-MD5: 1B2M2Y8AsgTpgAmY7PhCfg==",
                                    "x-ms-blob-type: BlockBlob",
                                    "if-none-match: *",
                                    "x-ms-date: Sun, 22 Nov 2026 13:24:05 GMT",
                                    "x-ms-blob-content-type: application/fhir+ndjson",
                                    "x-ms-blob-content-encoding: gzip",
                                    "content-type: application/octet-stream",
                                    NULL};
  static const char *const common[] = {"x-ms-date: Sun, 22 Nov 2026 13:24:05 GMT",
                                       "x-ms-version: 2021-12-02", NULL};
  static const fhx__azure_parameter block[] = {{"blockid", "MDAwMDAx/+=="}, {"comp", "block"}};
  (void)state;
  assert_shared_key((fhx__azure_signed){.method = "PUT", .body_len = 1234, .path = "/fhir/" BLOB},
                    put, "SharedKey fhxaccount:KjOQYKro39/msSWbos+iYGcahUp+V5TgrzF/2ssChjU=");
  assert_shared_key((fhx__azure_signed){.method = "PUT",
                                        .body_len = 7,
                                        .path = "/fhxaccount/fhir/" BLOB,
                                        .query = block,
                                        .query_count = 2},
                    common, "SharedKey fhxaccount:RtCXLXjtwi+P67YVoag7mbFBK5ZT4W+3yggVr8nVV7E=");
  assert_shared_key((fhx__azure_signed){.method = "HEAD", .path = "/fhir/a.ndjson"}, common,
                    "SharedKey fhxaccount:O6oYYNbtlRkNxWAbDKfQ5NnD8+F6c49ADTZtRzNH3Eg=");
}

/* Line by line, so that a failure can be read. */
static void string_to_sign(void **state) {
  static const char *const headers[] = {"x-ms-b: 2",        "X: y",        "x-ms-a:1",
                                        "Range: bytes=0-1", "x-ms-ab:  3", NULL};
  static const fhx__azure_parameter query[] = {{"comp", "list"}};
  fhx__buffer out = {NULL, 0, 0}, given = headers_of(headers);
  const fhx__azure_signed request = {"GET", 0, "/c", query, 1, &given};
  (void)state;
  assert_int_equal(fhx__azure_string_to_sign(&out, "acc", &request, NULL), FHX_OK);
  assert_int_equal(fhx__buffer_terminate(&out), FHX_OK);
  assert_string_equal(out.data,
                      "GET\n\n\n\n\n\n\n\n\n\n\nbytes=0-1\n"
                      "x-ms-a:1\nx-ms-ab:3\nx-ms-b:2\n/acc/c\ncomp:list");
  fhx__buffer_free(&out);
  fhx__buffer_free(&given);
}

static void too_many_headers(void **state) {
  fhx__buffer out = {NULL, 0, 0}, given = {NULL, 0, 0};
  fhx_error *error = NULL;
  (void)state;
  for (int i = 0; i < 33; i++) {
    assert_int_equal(fhx__buffer_append(&given, "x-ms-a: b", sizeof "x-ms-a: b"), FHX_OK);
  }
  const fhx__azure_signed request = {"GET", 0, "/c", NULL, 0, &given};
  assert_int_equal(fhx__azure_string_to_sign(&out, "acc", &request, &error), FHX_ERR_LIMIT);
  fhx_error_free(error);
  fhx__buffer_free(&out);
  fhx__buffer_free(&given);
}

static const fhx__azure_delegation *delegation(void) {
  static fhx__azure_delegation made = {.object_id = "11111111-2222-3333-4444-555555555555",
                                       .tenant_id = "66666666-7777-8888-9999-000000000000",
                                       .start = "2026-11-22T13:09:05Z",
                                       .expiry = "2026-11-29T13:09:05Z",
                                       .service = "b",
                                       .version = "2021-12-02",
                                       .value_len = 32};
  for (size_t i = 0; i < 32; i++) made.value[i] = (uint8_t)(100 + i);
  return &made;
}

static void assert_sas(bool is_https, const fhx__azure_delegation *by, const char *expected) {
  char account[] = "fhxaccount", container[] = "fhir";
  fhx__azure_settings settings = settings_of(is_https);
  fhx__buffer out = {NULL, 0, 0};
  settings.account = account;
  settings.container = container;
  assert_int_equal(fhx__azure_append_sas(&out, &settings, by, BLOB, END_US, NULL), FHX_OK);
  assert_int_equal(fhx__buffer_terminate(&out), FHX_OK);
  assert_string_equal(out.data, expected);
  fhx__buffer_free(&out);
}

/* The signatures that azure_signatures.py prints, percent-encoded. */
static void urls(void **state) {
  (void)state;
  /* h2dV7QsSvIuzxfCQSeoRxoV0lQDMpKzjPrJ+ZgtearY= */
  assert_sas(true, NULL,
             "sv=2021-12-02&spr=https&se=2026-11-23T13%3A24%3A05Z&sr=b&sp=r&sig="
             "h2dV7QsSvIuzxfCQSeoRxoV0lQDMpKzjPrJ%2BZgtearY%3D");
  /* lWRV4Icr9j6HAcHp8F/Iie9pzKscSPYI1LPMp2BrhX4= */
  assert_sas(false, NULL,
             "sv=2021-12-02&spr=https%2Chttp&se=2026-11-23T13%3A24%3A05Z&sr=b&sp=r&sig="
             "lWRV4Icr9j6HAcHp8F%2FIie9pzKscSPYI1LPMp2BrhX4%3D");
  /* ab4IcF/rFe5SbaiBKSeFA/SxRjwJXhHWucfBJoEdnJ8= */
  assert_sas(true, delegation(),
             "sv=2021-12-02&spr=https&se=2026-11-23T13%3A24%3A05Z"
             "&skoid=11111111-2222-3333-4444-555555555555"
             "&sktid=66666666-7777-8888-9999-000000000000&skt=2026-11-22T13%3A09%3A05Z"
             "&ske=2026-11-29T13%3A09%3A05Z&sks=b&skv=2021-12-02&sr=b&sp=r&sig="
             "ab4IcF%2FrFe5SbaiBKSeFA%2FSxRjwJXhHWucfBJoEdnJ8%3D");
}

static void out_of_memory(void **state) {
  static const char *const common[] = {"x-ms-date: Sun, 22 Nov 2026 13:24:05 GMT", NULL};
  char account[] = "fhxaccount", container[] = "fhir";
  bool reached = true;
  (void)state;
  for (uint64_t n = 1; reached; n++) {
    fhx__azure_settings settings = settings_of(true);
    fhx__buffer out = {NULL, 0, 0}, url = {NULL, 0, 0};
    settings.account = account;
    settings.container = container;
    test_memory_begin(0);
    fhx__buffer given = headers_of(common);
    const fhx__azure_signed request = {"GET", 0, "/c", NULL, 0, &given};
    test_memory_fail_next(n);
    fhx_error *error = NULL;
    int32_t status = fhx__azure_shared_key(&out, &settings, &request, &error);
    if (status == FHX_OK) {
      status = fhx__azure_append_sas(&url, &settings, delegation(), BLOB, END_US, &error);
    }
    assert_int_equal(status, test_memory_has_failed() ? FHX_ERR_NO_MEMORY : FHX_OK);
    fhx_error_free(error);
    fhx__buffer_free(&out);
    fhx__buffer_free(&url);
    fhx__buffer_free(&given);
    reached = test_memory_end();
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(requests),         cmocka_unit_test(string_to_sign),
      cmocka_unit_test(too_many_headers), cmocka_unit_test(urls),
      cmocka_unit_test(out_of_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
