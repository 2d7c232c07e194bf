/* Signatures: the examples of Amazon's documentation of S3 ("Examples: Signature Calculations in
   AWS Signature Version 4", "Authenticating Requests: Using Query Parameters") and cases of its
   general test suite for version 4, whose requests and results are facts retyped. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

#include "core/encode.h"
#include "s3/sign.h"
#include "support/memory.h"

#define EMPTY "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define S3_HOST "examplebucket.s3.amazonaws.com"
#define S3_TIME "20130524T000000Z"
#define SUITE_TIME "20150830T123600Z"

typedef struct account {
  const char *id;
  const char *secret;
  const char *service;
  const char *time;
} account;

static const account s3 = {"AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "s3",
                           S3_TIME};
static const account suite = {"AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "service",
                              SUITE_TIME};

typedef struct example {
  const char *method;
  const char *path;
  fhx__s3_pairs query;
  fhx__s3_pairs headers;
  const char *payload;
  const char *names;
  const char *signature;
} example;

static fhx__s3_signer signer_of(const account *who, const uint8_t *key, const char *token) {
  return (fhx__s3_signer){who->id, token, "us-east-1", who->service, key, who->time};
}

static void make_key(const account *who, uint8_t key[FHX__SHA256_LEN]) {
  assert_int_equal(
      fhx__s3_signing_key(key, who->secret, who->time, "us-east-1", who->service, NULL), FHX_OK);
}

static void check(const account *who, const example *given) {
  uint8_t key[FHX__SHA256_LEN];
  fhx__buffer made = {NULL, 0, 0};
  char expected[1024];
  const fhx__s3_subject subject = {given->method, given->path, &given->query, &given->headers,
                                   given->payload};
  make_key(who, key);
  const fhx__s3_signer signer = signer_of(who, key, NULL);
  assert_int_equal(fhx__s3_sign(&made, &signer, &subject, NULL), FHX_OK);
  assert_int_equal(fhx__buffer_terminate(&made), FHX_OK);
  snprintf(expected, sizeof expected,
           "AWS4-HMAC-SHA256 Credential=%s/%.8s/us-east-1/%s/aws4_request, SignedHeaders=%s, "
           "Signature=%s",
           who->id, who->time, who->service, given->names, given->signature);
  assert_string_equal(made.data, expected);
  fhx__buffer_free(&made);
}

static void test_documented(void **state) {
  (void)state;
  static const example examples[] = {
      {"GET",
       "/test.txt",
       {0, {{NULL, NULL}}},
       {4,
        {{"host", S3_HOST},
         {"range", "bytes=0-9"},
         {"x-amz-content-sha256", EMPTY},
         {"x-amz-date", S3_TIME}}},
       EMPTY,
       "host;range;x-amz-content-sha256;x-amz-date",
       "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"},
      /* Given out of order. */
      {"PUT",
       "/test%24file.text",
       {0, {{NULL, NULL}}},
       {5,
        {{"x-amz-storage-class", "REDUCED_REDUNDANCY"},
         {"x-amz-date", S3_TIME},
         {"host", S3_HOST},
         {"x-amz-content-sha256",
          "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072"},
         {"date", "Fri, 24 May 2013 00:00:00 GMT"}}},
       "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072",
       "date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class",
       "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"},
      {"GET",
       "/",
       {1, {{"lifecycle", ""}}},
       {3, {{"host", S3_HOST}, {"x-amz-content-sha256", EMPTY}, {"x-amz-date", S3_TIME}}},
       EMPTY,
       "host;x-amz-content-sha256;x-amz-date",
       "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"},
      {"GET",
       "/",
       {2, {{"prefix", "J"}, {"max-keys", "2"}}},
       {3, {{"host", S3_HOST}, {"x-amz-content-sha256", EMPTY}, {"x-amz-date", S3_TIME}}},
       EMPTY,
       "host;x-amz-content-sha256;x-amz-date",
       "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"},
  };
  for (size_t i = 0; i < sizeof examples / sizeof *examples; i++) check(&s3, &examples[i]);
}

#define SUITE_HEADERS                      \
  {                                        \
    2, {                                   \
      {"host", "example.amazonaws.com"}, { \
        "x-amz-date", SUITE_TIME           \
      }                                    \
    }                                      \
  }

static void test_suite(void **state) {
  (void)state;
  static const example examples[] = {
      {"GET",
       "/",
       {0, {{NULL, NULL}}},
       SUITE_HEADERS,
       EMPTY,
       "host;x-amz-date",
       "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
      {"POST",
       "/",
       {0, {{NULL, NULL}}},
       SUITE_HEADERS,
       EMPTY,
       "host;x-amz-date",
       "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"},
      /* get-vanilla-query-order-key-case, -value and -key */
      {"GET",
       "/",
       {2, {{"Param2", "value2"}, {"Param1", "value1"}}},
       SUITE_HEADERS,
       EMPTY,
       "host;x-amz-date",
       "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"},
      {"GET",
       "/",
       {2, {{"Param1", "value2"}, {"Param1", "value1"}}},
       SUITE_HEADERS,
       EMPTY,
       "host;x-amz-date",
       "5772eed61e12b33fae39ee5e7012498b51d56abc0abb7c60486157bd471c4694"},
      {"GET",
       "/",
       {2, {{"Param1", "value2"}, {"Param1", "Value1"}}},
       SUITE_HEADERS,
       EMPTY,
       "host;x-amz-date",
       "eedbc4e291e521cf13422ffca22be7d2eb8146eecf653089df300a15b2382bd1"},
      /* post-header-key-sort */
      {"POST",
       "/",
       {0, {{NULL, NULL}}},
       {3,
        {{"x-amz-date", SUITE_TIME}, {"my-header1", "value1"}, {"host", "example.amazonaws.com"}}},
       EMPTY,
       "host;my-header1;x-amz-date",
       "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c"},
      /* get-header-value-trim and get-header-key-duplicate */
      {"GET",
       "/",
       {0, {{NULL, NULL}}},
       {4,
        {{"host", "example.amazonaws.com"},
         {"my-header1", " value1"},
         {"my-header2", " \"a   b   c\""},
         {"x-amz-date", SUITE_TIME}}},
       EMPTY,
       "host;my-header1;my-header2;x-amz-date",
       "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736"},
      {"GET",
       "/",
       {0, {{NULL, NULL}}},
       {5,
        {{"host", "example.amazonaws.com"},
         {"my-header1", "value2"},
         {"my-header1", "value2"},
         {"my-header1", "value1"},
         {"x-amz-date", SUITE_TIME}}},
       EMPTY,
       "host;my-header1;x-amz-date",
       "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea"},
  };
  for (size_t i = 0; i < sizeof examples / sizeof *examples; i++) check(&suite, &examples[i]);
}

static void presign(const char *token, uint32_t seconds, fhx__buffer *made) {
  uint8_t key[FHX__SHA256_LEN];
  const fhx__s3_pairs none = {0, {{NULL, NULL}}};
  const fhx__s3_subject subject = {"GET", "/test.txt", &none, NULL, NULL};
  make_key(&s3, key);
  const fhx__s3_signer signer = signer_of(&s3, key, token);
  assert_int_equal(fhx__s3_presign(made, &signer, S3_HOST, &subject, seconds, NULL), FHX_OK);
  assert_int_equal(fhx__buffer_terminate(made), FHX_OK);
}

static void test_presigned(void **state) {
  (void)state;
  fhx__buffer made = {NULL, 0, 0};
  presign(NULL, 86400, &made);
  assert_string_equal(
      made.data,
      "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-"
      "1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders="
      "host&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404");
  fhx__buffer_free(&made);
}

static void test_presigned_with_token(void **state) {
  (void)state;
  fhx__buffer without = {NULL, 0, 0}, with = {NULL, 0, 0};
  presign(NULL, 60, &without);
  presign("a+b/c=", 60, &with);
  assert_non_null(strstr(with.data, "&X-Amz-Security-Token=a%2Bb%2Fc%3D&"));
  assert_null(strstr(without.data, "Token"));
  /* It is signed, not only appended. */
  assert_string_not_equal(strstr(with.data, "&X-Amz-Signature="),
                          strstr(without.data, "&X-Amz-Signature="));
  fhx__buffer_free(&without);
  fhx__buffer_free(&with);
}

/* By the encoded name first: "a" comes before "a-b" though "a=" does not come before "a-b=". */
static void test_query_order(void **state) {
  (void)state;
  const fhx__s3_pairs query = {
      5, {{"b", "\xC3\xA4 /"}, {"a-b", "1"}, {"a", "2"}, {"a", "10"}, {"uploads", ""}}};
  fhx__buffer made = {NULL, 0, 0};
  assert_int_equal(fhx__s3_append_query(&made, &query, NULL), FHX_OK);
  assert_int_equal(fhx__buffer_terminate(&made), FHX_OK);
  assert_string_equal(made.data, "a=10&a=2&a-b=1&b=%C3%A4%20%2F&uploads=");
  fhx__buffer_free(&made);
}

static void test_too_many(void **state) {
  (void)state;
  fhx__s3_pairs pairs = {0, {{NULL, NULL}}};
  for (size_t i = 0; i < FHX__S3_PAIRS_MAX; i++) {
    assert_int_equal(fhx__s3_pairs_add(&pairs, "a", "b", NULL), FHX_OK);
  }
  assert_int_equal(fhx__s3_pairs_add(&pairs, "a", "b", NULL), FHX_ERR_INTERNAL);
}

static int32_t sign_all(void) {
  uint8_t key[FHX__SHA256_LEN];
  fhx_error *error = NULL;
  fhx__buffer made = {NULL, 0, 0};
  const fhx__s3_pairs query = {1, {{"a", "b"}}};
  const fhx__s3_pairs headers = {1, {{"host", S3_HOST}}};
  const fhx__s3_subject subject = {"GET", "/", &query, &headers, EMPTY};
  int32_t status = fhx__s3_signing_key(key, s3.secret, s3.time, "us-east-1", s3.service, &error);
  const fhx__s3_signer signer = signer_of(&s3, key, "token");
  if (status == FHX_OK) status = fhx__s3_sign(&made, &signer, &subject, &error);
  if (status == FHX_OK) status = fhx__s3_presign(&made, &signer, S3_HOST, &subject, 60, &error);
  assert_int_equal(fhx_error_status(error), status);
  fhx_error_free(error);
  fhx__buffer_free(&made);
  return status;
}

static void test_out_of_memory(void **state) {
  (void)state;
  uint64_t failed = 0;
  for (uint64_t n = 1;; n++) {
    test_memory_begin(n);
    int32_t status = sign_all();
    if (!test_memory_end()) {
      assert_int_equal(status, FHX_OK);
      break;
    }
    assert_int_equal(status, FHX_ERR_NO_MEMORY);
    failed++;
  }
  assert_true(failed > 5);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_documented),   cmocka_unit_test(test_suite),
      cmocka_unit_test(test_presigned),    cmocka_unit_test(test_presigned_with_token),
      cmocka_unit_test(test_query_order),  cmocka_unit_test(test_too_many),
      cmocka_unit_test(test_out_of_memory)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
