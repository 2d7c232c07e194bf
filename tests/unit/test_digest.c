/* Checksums: CRC-32C against known vectors, SHA-256 against FIPS 180-4's, HMAC and MD5
   against their RFCs'. */
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

static void assert_hmac(const void *key, size_t key_len, const void *data, size_t len,
                        const char *wanted) {
  uint8_t sum[FHX__SHA256_LEN];
  char hex[2 * FHX__SHA256_LEN + 1];
  assert_int_equal(fhx__hmac_sha256(key, key_len, data, len, sum, NULL), FHX_OK);
  fhx__hex(hex, sum, sizeof sum);
  assert_string_equal(hex, wanted);
}

/* RFC 4231, 4.2, 4.3 and 4.7; and nothing under no key. */
static void hmac_vectors(void **state) {
  unsigned char key[131];
  (void)state;
  memset(key, 0x0B, sizeof key);
  assert_hmac(key, 20, "Hi There", 8,
              "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  assert_hmac("Jefe", 4, "what do ya want for nothing?", 28,
              "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  memset(key, 0xAA, sizeof key);
  assert_hmac(key, sizeof key, "Test Using Larger Than Block-Size Key - Hash Key First", 54,
              "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
  assert_hmac(NULL, 0, "", 0, "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

/* RFC 1321, A.5. */
static void md5_vectors(void **state) {
  static const char *const cases[][2] = {
      {"", "d41d8cd98f00b204e9800998ecf8427e"},
      {"abc", "900150983cd24fb0d6963f7d28e17f72"},
      {"message digest", "f96b697d7cb7938d525a2f31aaf161d0"},
  };
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    uint8_t sum[FHX__MD5_LEN];
    char hex[2 * FHX__MD5_LEN + 1];
    assert_int_equal(fhx__md5(cases[i][0], strlen(cases[i][0]), sum, NULL), FHX_OK);
    fhx__hex(hex, sum, sizeof sum);
    assert_string_equal(hex, cases[i][1]);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(crc32c_vectors),   cmocka_unit_test(crc32c_lengths),
      cmocka_unit_test(crc32c_stretches), cmocka_unit_test(crc32c_pieces),
      cmocka_unit_test(sha256_vectors),   cmocka_unit_test(sha256_again),
      cmocka_unit_test(hmac_vectors),     cmocka_unit_test(md5_vectors),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
