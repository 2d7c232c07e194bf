/* Checksums: CRC-32C against known vectors, SHA-256 against FIPS 180-4's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

#include "core/digest.h"
#include "core/names.h"

/* The vectors of RFC 3720, B.4, and the usual check value. */
static void crc32c_vectors(void **state) {
  unsigned char bytes[32];
  (void)state;
  assert_int_equal(fhx__crc32c(0, "123456789", 9), 0xE3069283u);
  assert_int_equal(fhx__crc32c(0, "", 0), 0);
  assert_int_equal(fhx__crc32c(0, "a", 1), 0xC1D04330u);
  memset(bytes, 0, sizeof bytes);
  assert_int_equal(fhx__crc32c(0, bytes, sizeof bytes), 0x8A9136AAu);
  memset(bytes, 0xFF, sizeof bytes);
  assert_int_equal(fhx__crc32c(0, bytes, sizeof bytes), 0x62A8AB43u);
  for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (unsigned char)i;
  assert_int_equal(fhx__crc32c(0, bytes, sizeof bytes), 0x46DD794Eu);
  for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (unsigned char)(31 - i);
  assert_int_equal(fhx__crc32c(0, bytes, sizeof bytes), 0x113FDB5Cu);
}

/* Bit by bit, as the definition has it. */
static uint32_t slow_crc32c(const unsigned char *data, size_t len) {
  uint32_t crc = 0xFFFFFFFFu;
  for (size_t i = 0; i < len; i++) {
    crc ^= data[i];
    for (int bit = 0; bit < 8; bit++) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x82F63B78u : 0);
  }
  return ~crc;
}

static void fill(unsigned char *bytes, size_t len) {
  uint32_t value = 1;
  for (size_t i = 0; i < len; i++) {
    value = value * 1664525u + 1013904223u;
    bytes[i] = (unsigned char)(value >> 24);
  }
}

/* Around one and two times the three stretches that are summed up beside each other, and begun
   anywhere in the middle. */
static void crc32c_stretches(void **state) {
  static unsigned char bytes[2 * 3072 + 64];
  (void)state;
  fill(bytes, sizeof bytes);
  for (size_t len = 3072 - 17; len <= sizeof bytes; len += len % 1021 < 30 ? 1 : 61) {
    uint32_t expected = slow_crc32c(bytes, len);
    assert_int_equal(fhx__crc32c(0, bytes, len), expected);
    assert_int_equal(fhx__crc32c(fhx__crc32c(0, bytes, len / 3), bytes + len / 3, len - len / 3),
                     expected);
  }
}

/* All lengths and alignments around the step of eight bytes. */
static void crc32c_lengths(void **state) {
  unsigned char bytes[80];
  (void)state;
  fill(bytes, sizeof bytes);
  for (size_t begin = 0; begin < 8; begin++) {
    for (size_t len = 0; begin + len <= sizeof bytes; len++) {
      uint32_t expected = slow_crc32c(bytes + begin, len);
      assert_int_equal(fhx__crc32c(0, bytes + begin, len), expected);
      assert_int_equal(fhx__crc32c_tables(0, bytes + begin, len), expected);
    }
  }
}

static void crc32c_pieces(void **state) {
  unsigned char bytes[257];
  (void)state;
  fill(bytes, sizeof bytes);
  uint32_t whole = fhx__crc32c(0, bytes, sizeof bytes);
  for (size_t cut = 0; cut <= sizeof bytes; cut++) {
    uint32_t crc = fhx__crc32c(0, bytes, cut);
    assert_int_equal(fhx__crc32c(crc, bytes + cut, sizeof bytes - cut), whole);
  }
}

static void assert_sha256(const char *text, size_t cut, const char *wanted) {
  fhx__sha256 digest = {NULL};
  uint8_t sum[FHX__SHA256_LEN];
  char hex[2 * FHX__SHA256_LEN + 1];
  assert_int_equal(fhx__sha256_begin(&digest, NULL), FHX_OK);
  assert_int_equal(fhx__sha256_update(&digest, text, cut, NULL), FHX_OK);
  assert_int_equal(fhx__sha256_update(&digest, text + cut, strlen(text) - cut, NULL), FHX_OK);
  assert_int_equal(fhx__sha256_end(&digest, sum, NULL), FHX_OK);
  fhx__sha256_free(&digest);
  fhx__hex(hex, sum, sizeof sum);
  assert_string_equal(hex, wanted);
}

static void sha256_vectors(void **state) {
  const char *two_blocks = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
  (void)state;
  assert_sha256("", 0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  for (size_t cut = 0; cut <= 3; cut++) {
    assert_sha256("abc", cut, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  }
  assert_sha256(two_blocks, 20, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

/* One object serves one part after another, also when a part was given up half-way. */
static void sha256_again(void **state) {
  fhx__sha256 digest = {NULL};
  uint8_t first[FHX__SHA256_LEN], second[FHX__SHA256_LEN];
  (void)state;
  assert_int_equal(fhx__sha256_begin(&digest, NULL), FHX_OK);
  assert_int_equal(fhx__sha256_update(&digest, "given up", 8, NULL), FHX_OK);
  assert_int_equal(fhx__sha256_begin(&digest, NULL), FHX_OK);
  assert_int_equal(fhx__sha256_update(&digest, "abc", 3, NULL), FHX_OK);
  assert_int_equal(fhx__sha256_end(&digest, first, NULL), FHX_OK);
  assert_int_equal(fhx__sha256_begin(&digest, NULL), FHX_OK);
  assert_int_equal(fhx__sha256_update(&digest, "abc", 3, NULL), FHX_OK);
  assert_int_equal(fhx__sha256_end(&digest, second, NULL), FHX_OK);
  assert_memory_equal(first, second, sizeof first);
  assert_int_equal(first[0], 0xBA);
  fhx__sha256_free(&digest);
  assert_null(digest.context);
  fhx__sha256_free(&digest);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(crc32c_vectors),   cmocka_unit_test(crc32c_lengths),
      cmocka_unit_test(crc32c_stretches), cmocka_unit_test(crc32c_pieces),
      cmocka_unit_test(sha256_vectors),   cmocka_unit_test(sha256_again),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
