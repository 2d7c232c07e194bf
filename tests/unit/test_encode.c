/* Base64, hexadecimal digits, percent-encoding, the times in signatures. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

#include "core/alloc.h"
#include "core/encode.h"
#include "support/memory.h"

static void assert_buffer(fhx__buffer *buffer, const char *wanted) {
  assert_int_equal(buffer->len, strlen(wanted));
  assert_memory_equal(buffer->len == 0 ? wanted : buffer->data, wanted, buffer->len);
  fhx__buffer_free(buffer);
}

/* RFC 4648, 10. */
static const struct {
  const char *plain;
  const char *encoded;
} pairs[] = {
    {"", ""},
    {"f", "Zg=="},
    {"fo", "Zm8="},
    {"foo", "Zm9v"},
    {"foob", "Zm9vYg=="},
    {"fooba", "Zm9vYmE="},
    {"foobar", "Zm9vYmFy"},
    {"\xFB\xFF\xBF", "+/+/"},
};

static void base64(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
    fhx__buffer out = {NULL, 0, 0};
    assert_int_equal(fhx__append_base64(&out, pairs[i].plain, strlen(pairs[i].plain)), FHX_OK);
    assert_buffer(&out, pairs[i].encoded);
    assert_int_equal(fhx__append_decoded_base64(&out, pairs[i].encoded, strlen(pairs[i].encoded)),
                     FHX_OK);
    assert_buffer(&out, pairs[i].plain);
  }
}

/* Every length to 99 and every byte, there and back, behind what is in the buffer. */
static void base64_there_and_back(void **state) {
  (void)state;
  uint8_t bytes[99];
  for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (uint8_t)(i * 151 + 7);
  for (size_t len = 0; len <= sizeof bytes; len++) {
    fhx__buffer text = {NULL, 0, 0}, back = {NULL, 0, 0};
    assert_int_equal(fhx__buffer_append_text(&back, "ab"), FHX_OK);
    assert_int_equal(fhx__append_base64(&text, bytes, len), FHX_OK);
    assert_int_equal(text.len, (len + 2) / 3 * 4);
    assert_int_equal(fhx__append_decoded_base64(&back, text.data, text.len), FHX_OK);
    assert_int_equal(back.len, len + 2);
    assert_memory_equal(back.data, "ab", 2);
    assert_memory_equal(back.data + 2, bytes, len);
    fhx__buffer_free(&text);
    fhx__buffer_free(&back);
  }
}

static void base64_refused(void **state) {
  static const char *const texts[] = {
      "Z",      "Zg",   "Zg=",       "=",    "====",  "Z===", "Zh==",     "Zm9=",      "Zg==Zg==",
      "Zm9v\n", "Zm 9", "Zm9v Zg==", "Zm-_", "Zm9v=", "Zg=a", "Zm9vZg=v", "\xC3\xA4vv"};
  (void)state;
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    fhx__buffer out = {NULL, 0, 0};
    assert_int_equal(fhx__append_decoded_base64(&out, texts[i], strlen(texts[i])),
                     FHX_ERR_ARGUMENT);
    assert_int_equal(out.len, 0);
    fhx__buffer_free(&out);
  }
}

static void hex(void **state) {
  fhx__buffer out = {NULL, 0, 0};
  (void)state;
  assert_int_equal(fhx__append_hex(&out, "\x00\x7F\xAB\xFF", 4), FHX_OK);
  assert_int_equal(fhx__append_hex(&out, "", 0), FHX_OK);
  assert_buffer(&out, "007fabff");
}

static void percent(void **state) {
  static const char all[] = "azAZ09-._~ /+%&=?\xC3\xA4";
  fhx__buffer out = {NULL, 0, 0};
  (void)state;
  assert_int_equal(fhx__append_percent(&out, all, strlen(all), false), FHX_OK);
  assert_buffer(&out, "azAZ09-._~%20%2F%2B%25%26%3D%3F%C3%A4");
  assert_int_equal(fhx__append_percent(&out, all, strlen(all), true), FHX_OK);
  assert_buffer(&out, "azAZ09-._~%20/%2B%25%26%3D%3F%C3%A4");
}

static void basic_time(void **state) {
  char text[FHX__BASIC_TIME_MAX];
  (void)state;
  fhx__basic_time(text, INT64_C(1369353600000000));
  assert_string_equal(text, "20130524T000000Z");
  fhx__basic_time(text, INT64_C(1709251199999999));
  assert_string_equal(text, "20240229T235959Z");
}

static void wiping(void **state) {
  char secret[] = "secret";
  static const char zeros[sizeof secret];
  (void)state;
  fhx__wipe(secret, sizeof secret);
  assert_memory_equal(secret, zeros, sizeof secret);
  fhx__wipe(NULL, 0);
  fhx__buffer held = {NULL, 0, 0};
  fhx__wipe_buffer(&held);
  assert_int_equal(fhx__buffer_append(&held, "secret", 6), FHX_OK);
  fhx__wipe_buffer(&held);
  assert_null(held.data);
  assert_int_equal(held.len + held.capacity, 0);
  fhx__wipe_text(NULL);
  fhx__wipe_text(fhx__copy_text("secret"));
}

static void no_memory(void **state) {
  (void)state;
  for (int i = 0; i < 4; i++) {
    fhx__buffer out = {NULL, 0, 0};
    test_memory_begin(1);
    int32_t status = i == 0   ? fhx__append_base64(&out, "abc", 3)
                     : i == 1 ? fhx__append_decoded_base64(&out, "Zm9v", 4)
                     : i == 2 ? fhx__append_hex(&out, "abc", 3)
                              : fhx__append_percent(&out, "abc", 3, true);
    assert_int_equal(status, FHX_ERR_NO_MEMORY);
    assert_int_equal(out.len, 0);
    fhx__buffer_free(&out);
    assert_true(test_memory_end());
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(base64),         cmocka_unit_test(base64_there_and_back),
      cmocka_unit_test(base64_refused), cmocka_unit_test(hex),
      cmocka_unit_test(percent),        cmocka_unit_test(basic_time),
      cmocka_unit_test(wiping),         cmocka_unit_test(no_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
