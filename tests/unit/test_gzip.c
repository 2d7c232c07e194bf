/*
 * Parts in gzip: blocks, trailer and index, by each compressor and read by each; from any byte on;
 * damaged in every place; without memory. zlib's own reader of gzip is the judge.
 *
 * ctest labels: onethread
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

#include "core/error.h"
#include "gzip/reader.h"
#include "support/memory.h"
#include "support/require.h"
#include "support/unpack.h"

/* The same one twice where the build has no other. */
static const fhx__gzip_codec *codecs[2];

static int find_codecs(void **state) {
  (void)state;
  codecs[0] = &fhx__gzip_zlib;
  codecs[1] = fhx__gzip_codec_best();
  return 0;
}

/* --- bytes, and files of them --- */

/* Lines that look alike, as resources do, or noise. */
static uint8_t *make_bytes(size_t len, bool noise) {
  uint8_t *data = malloc(len + 1);
  uint32_t number = 12345;
  assert_non_null(data);
  for (size_t i = 0; i < len; i++) {
    static const char line[] = "{\"resourceType\":\"Patient\",\"id\":\"00\",\"active\":true}\n";
    number = number * 1103515245 + 12345;
    uint8_t any = (uint8_t)(number >> 16);
    bool varies = i % (sizeof line - 1) == 32 || i % 311 == 0;
    data[i] = noise    ? any
              : varies ? (uint8_t)('a' + any % 26)
                       : (uint8_t)line[i % (sizeof line - 1)];
  }
  return data;
}

#define BLOCKS_MAX 64

typedef struct packed {
  uint8_t *data;
  size_t len;
  /* Where the first BLOCKS_MAX blocks begin in the file; then where the trailer does. */
  size_t stored_at[BLOCKS_MAX + 1];
  size_t count;
  /* How long the first member is. */
  size_t member_len;
} packed;

static void add(packed *to, const void *data, size_t len) {
  to->data = realloc(to->data, to->len + len);
  assert_non_null(to->data);
  memcpy(to->data + to->len, data, len);
  to->len += len;
}

static void add_blocks(packed *to, fhx__gzip_packer *packer, const uint8_t *data, size_t len,
                       size_t piece) {
  for (size_t at = 0; at < len; at += piece) {
    size_t taken = len - at < piece ? len - at : piece, stored = 0;
    test_require_status(fhx__gzip_pack(packer, data + at, taken, &stored, NULL), FHX_OK);
    test_require(stored <= FHX__GZIP_BLOCK_ROOM - FHX__GZIP_TRAILER_LEN);
    add(to, packer->out, stored);
    if (++to->count <= BLOCKS_MAX) to->stored_at[to->count] = to->len;
  }
}

/* A file with an index whose blocks hold `piece` bytes each. */
static packed pack(const fhx__gzip_codec *codec, const uint8_t *data, size_t len, size_t piece) {
  packed made;
  fhx__gzip_packer packer;
  memset(&made, 0, sizeof made);
  memset(&packer, 0, sizeof packer);
  made.stored_at[0] = FHX__GZIP_HEADER_LEN;
  test_require_status(fhx__gzip_packer_init(&packer, codec, true, NULL), FHX_OK);
  /* What was packed before leaves nothing behind. */
  size_t stored = 0;
  test_require_status(fhx__gzip_pack(&packer, "before", 6, &stored, NULL), FHX_OK);
  fhx__gzip_packer_restart(&packer);
  add_blocks(&made, &packer, data, len, piece);
  stored = fhx__gzip_pack_trailer(&packer);
  add(&made, packer.out, stored);
  made.member_len = made.len;
  for (uint64_t i = 0; (stored = fhx__gzip_pack_page(&packer, i)) != 0; i++) {
    add(&made, packer.out, stored);
  }
  fhx__gzip_packer_free(&packer);
  return made;
}

static int file_of(const void *data, size_t len) {
  char name[] = "/tmp/fhx-gzip-XXXXXX";
  int file = mkstemp(name);
  assert_true(file >= 0);
  assert_int_equal(unlink(name), 0);
  assert_int_equal(pwrite(file, data, len, 0), (ssize_t)len);
  return file;
}

static void change(int file, size_t at, uint8_t value) {
  assert_int_equal(pwrite(file, &value, 1, (off_t)at), 1);
}

/* Reads from `first` on; whatever comes must be what is expected there. How many bytes came. */
static size_t read_from(fhx__gzip_reader *reader, const uint8_t *expected, size_t len, size_t first,
                        size_t piece, int32_t *status) {
  static uint8_t buffer[100000];
  size_t at = first, got = 0;
  fhx__gzip_reader_seek(reader, first);
  while ((*status = fhx__gzip_reader_read(reader, buffer, piece, &got, NULL)) == FHX_OK) {
    test_require(got >= 1 && got <= piece && got <= len - at);
    test_require(memcmp(buffer, expected + at, got) == 0);
    at += got;
  }
  return at - first;
}

/* --- writing --- */

static void round_trip(const uint8_t *data, size_t len, size_t piece) {
  for (int i = 0; i < 2; i++) {
    size_t found_len = 0;
    packed made = pack(codecs[i], data, len, piece);
    packed again = pack(codecs[i], data, len, piece);
    uint8_t *found = test_unpack(made.data, made.len, &found_len);
    test_scenario("codec %d, %zu bytes in pieces of %zu", i, len, piece);
    test_require(found_len == len && memcmp(found, data, len) == 0);
    /* What a client gets is one member, and one that knows no other gets all. */
    test_require(test_member_count(made.data, made.member_len) == 1);
    /* By zlib the same bytes give the same file; ISA-L's choice of matches varies with addresses.
     */
    test_require(codecs[i] != &fhx__gzip_zlib ||
                 (made.len == again.len && memcmp(made.data, again.data, made.len) == 0));
    for (int j = 0; j < 2; j++) {
      fhx__gzip_reader *reader = NULL;
      int32_t status = FHX_OK;
      int file = file_of(made.data, made.len);
      test_require_status(fhx__gzip_reader_open(file, made.len, codecs[j], &reader, NULL), FHX_OK);
      test_require(fhx__gzip_reader_extent(reader)->held == len);
      test_require(fhx__gzip_reader_extent(reader)->stored == made.member_len);
      test_require(read_from(reader, data, len, 0, 77777, &status) == len);
      test_require_status(status, FHX_END);
      fhx__gzip_reader_close(reader);
      close(file);
    }
    free(found);
    free(made.data);
    free(again.data);
  }
}

static void any_bytes_come_back(void **state) {
  static const size_t lengths[] = {1,     2,     3,      100,    65534,
                                   65535, 65536, 131070, 300000, FHX__GZIP_BLOCK_MAX};
  (void)state;
  for (int noise = 0; noise < 2; noise++) {
    uint8_t *data = make_bytes(3 * FHX__GZIP_BLOCK_MAX, noise == 1);
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
      round_trip(data, lengths[i], FHX__GZIP_BLOCK_MAX);
    }
    round_trip(data, 5000, 100);
    round_trip(data, 3 * FHX__GZIP_BLOCK_MAX, FHX__GZIP_BLOCK_MAX);
    round_trip(data, 2 * FHX__GZIP_BLOCK_MAX + 1, FHX__GZIP_BLOCK_MAX);
    free(data);
  }
}

/* What no compressor makes shorter grows by five bytes in 65,535. */
static void noise_is_stored(void **state) {
  uint8_t *data = make_bytes(FHX__GZIP_BLOCK_MAX, true);
  (void)state;
  for (int i = 0; i < 2; i++) {
    packed made = pack(codecs[i], data, FHX__GZIP_BLOCK_MAX, FHX__GZIP_BLOCK_MAX);
    size_t stored = made.stored_at[1] - made.stored_at[0];
    assert_true(stored <= FHX__GZIP_BLOCK_MAX + 5 * 17);
    free(made.data);
  }
  free(data);
}

static uint32_t number_at(const uint8_t *at) {
  return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

/* Header, trailer and index, byte by byte: fixed time and system, and what each number says. */
static void layout(void **state) {
  static const uint8_t header[] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255};
  static const uint8_t page_head[] = {0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 255, 60, 0, 'F', 'X', 56, 0};
  uint8_t *data = make_bytes(1000, false);
  (void)state;
  for (int i = 0; i < 2; i++) {
    packed made = pack(codecs[i], data, 1000, 700);
    const uint8_t *trailer = made.data + made.stored_at[2];
    const uint8_t *page = made.data + made.member_len;
    assert_int_equal(made.count, 2);
    assert_memory_equal(made.data, header, sizeof header);
    assert_memory_equal(trailer, "\3\0", 2);
    assert_int_equal(number_at(trailer + 2), codecs[0]->crc32(0, data, 1000));
    assert_int_equal(number_at(trailer + 6), 1000);
    assert_int_equal(made.member_len - made.stored_at[2], 10);
    assert_memory_equal(page, page_head, sizeof page_head);
    for (size_t j = 0; j < 2; j++) {
      const uint8_t *entry = page + 16 + 12 * j;
      size_t held = j == 0 ? 700 : 300;
      assert_int_equal(number_at(entry), made.stored_at[j + 1] - made.stored_at[j]);
      assert_int_equal(number_at(entry + 4), held);
      assert_int_equal(number_at(entry + 8), codecs[0]->crc32(0, data + 700 * j, held));
    }
    assert_int_equal(number_at(page + 40), made.member_len);
    assert_int_equal(number_at(page + 48), 1000);
    assert_int_equal(number_at(page + 56), 2);
    assert_memory_equal(page + 72, "\3\0\0\0\0\0\0\0\0\0", 10);
    assert_int_equal(made.len - made.member_len, 82);
    free(made.data);
  }
  free(data);
}

/* --- reading --- */

static void read_everywhere(const uint8_t *data, size_t len, size_t piece, size_t step) {
  for (int i = 0; i < 2; i++) {
    packed made = pack(codecs[i], data, len, piece);
    int file = file_of(made.data, made.len);
    for (size_t at = 0; at <= len; at++) {
      bool at_border = at % piece <= 2 || at % piece + 2 >= piece;
      if (at % step != 0 && (!at_border || piece < 100) && at != len) continue;
      fhx__gzip_reader *reader = NULL;
      int32_t status = FHX_OK;
      test_scenario("codec %d, pieces of %zu, from %zu", i, piece, at);
      test_require_status(fhx__gzip_reader_open(file, made.len, codecs[1 - i], &reader, NULL),
                          FHX_OK);
      test_require(read_from(reader, data, len, at, 1 + at % 4000, &status) == len - at);
      test_require_status(status, FHX_END);
      fhx__gzip_reader_close(reader);
    }
    close(file);
    free(made.data);
  }
}

/* FILE-13: around every block's border, and with an index of three pages. */
static void from_any_byte(void **state) {
  uint8_t *data = make_bytes(20000, false);
  (void)state;
  read_everywhere(data, 20000, 1500, 97);
  read_everywhere(data, 20000, 2, 4096);
  read_everywhere(data, 2 * FHX__GZIP_PAGE_ENTRIES, 1, 4096);
  read_everywhere(data, 2 * FHX__GZIP_PAGE_ENTRIES + 1, 1, 2000);
  free(data);
}

/* Opens and reads a file that is not as it was. Whether everything came out nevertheless, which
   must then be right; what has come before the damage was seen is right as well. */
static bool reads_all(int file, size_t stored, const fhx__gzip_codec *codec, const uint8_t *data,
                      size_t len, size_t first) {
  fhx__gzip_reader *reader = NULL;
  fhx_error *error = NULL;
  int32_t status = fhx__gzip_reader_open(file, stored, codec, &reader, &error);
  if (status != FHX_OK) {
    test_require_status(status, FHX_ERR_IO);
    test_require(fhx_error_retryable(error) == 0);
    fhx_error_free(error);
    return false;
  }
  test_require(fhx__gzip_reader_extent(reader)->held == len);
  size_t got = read_from(reader, data, len, first, 500, &status);
  fhx__gzip_reader_close(reader);
  test_require(status != FHX_END || got == len - first);
  if (status == FHX_END) return true;
  test_require_status(status, FHX_ERR_IO);
  return false;
}

/* The header and the trailer are for other readers; what a client gets is as it lies there. And the
   last byte of deflate data may have bits that mean nothing. */
static bool means_nothing(const packed *made, size_t at) {
  bool is_last = false;
  for (size_t i = 1; i <= made->count; i++) {
    /* Behind it stands the empty block of the flush. */
    is_last = is_last || at + 5 == made->stored_at[i] || at + 6 == made->stored_at[i];
  }
  return is_last || at < made->stored_at[0] ||
         (at >= made->stored_at[made->count] && at < made->member_len);
}

/* Each byte changed in turn, to several values. */
static void no_wrong_byte_comes_out(void **state) {
  const size_t len = 900;
  uint8_t *data = make_bytes(len, false);
  (void)state;
  for (int i = 0; i < 2; i++) {
    packed made = pack(codecs[i], data, len, 300);
    int file = file_of(made.data, made.len);
    for (size_t at = 0; at < made.len; at++) {
      for (int flip = 1; flip < 256; flip += flip < 128 ? flip : 127) {
        test_scenario("codec %d, byte %zu xor %d", i, at, flip);
        change(file, at, (uint8_t)(made.data[at] ^ flip));
        bool unseen = reads_all(file, made.len, codecs[i], data, len, 0);
        test_require(!unseen || means_nothing(&made, at));
        /* Damage before the range may go unseen, nothing worse. */
        reads_all(file, made.len, codecs[i], data, len, 700);
      }
      change(file, at, made.data[at]);
    }
    test_require(reads_all(file, made.len, codecs[i], data, len, 0));
    close(file);
    free(made.data);
  }
  free(data);
}

/* Cut off anywhere, with something behind its end, without one of its blocks. */
static void a_part_of_a_file_is_not_taken_for_it(void **state) {
  const size_t len = 900;
  uint8_t *data = make_bytes(len, false);
  (void)state;
  for (int i = 0; i < 2; i++) {
    packed made = pack(codecs[i], data, len, 300);
    packed other = pack(codecs[i], data, len, 300);
    for (size_t cut = 0; cut < made.len; cut++) {
      int file = file_of(made.data, cut);
      test_scenario("codec %d, cut at %zu", i, cut);
      test_require(!reads_all(file, cut, codecs[i], data, len, 0));
      close(file);
    }
    add(&other, made.data + made.member_len, made.len - made.member_len);
    int file = file_of(other.data, other.len);
    test_require(!reads_all(file, other.len, codecs[i], data, len, 0));
    close(file);
    size_t block = made.stored_at[2] - made.stored_at[1];
    memmove(other.data + made.stored_at[1], other.data + made.stored_at[2],
            other.len - made.stored_at[2]);
    file = file_of(other.data, made.len - block);
    test_require(!reads_all(file, made.len - block, codecs[i], data, len, 0));
    close(file);
    free(made.data);
    free(other.data);
  }
  free(data);
}

/* Footers with any numbers lead nowhere else. */
static void footers_lie(void **state) {
  static const uint64_t numbers[] = {
      0, 1, 50, 900, UINT32_MAX, UINT64_MAX / 2, UINT64_MAX - 1, UINT64_MAX};
  uint8_t *data = make_bytes(900, false);
  (void)state;
  packed made = pack(codecs[1], data, 900, 300);
  for (size_t place = 0; place < 3; place++) {
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
      packed other = pack(codecs[1], data, 900, 300);
      uint8_t *at = other.data + other.len - 42 + 8 * place;
      for (size_t j = 0; j < 8; j++) at[j] = (uint8_t)(numbers[i] >> 8 * j);
      int file = file_of(other.data, other.len);
      bool same = memcmp(made.data, other.data, made.len) == 0;
      test_scenario("number %zu, value %zu", place, i);
      test_require(reads_all(file, other.len, codecs[1], data, 900, 0) == same);
      close(file);
      free(other.data);
    }
  }
  free(made.data);
  free(data);
}

/* What is behind a deflate stream, or not in it, is seen by both. */
static void inflating_is_exact(void **state) {
  uint8_t *data = make_bytes(500, false);
  uint8_t stream[600], out[600];
  (void)state;
  for (int i = 0; i < 2; i++) {
    void *deflater = codecs[i]->deflater_new();
    void *inflater = codecs[i]->inflater_new();
    size_t len = codecs[i]->deflate(deflater, data, 500, stream, sizeof stream);
    assert_true(len > 0 && len < 500);
    assert_int_equal(codecs[i]->deflate(deflater, data, 500, out, 20), 0);
    assert_false(codecs[i]->inflate(inflater, stream, len, out, 500));
    stream[len++] = 3;
    stream[len++] = 0;
    assert_true(codecs[i]->inflate(inflater, stream, len, out, 500));
    assert_memory_equal(out, data, 500);
    assert_false(codecs[i]->inflate(inflater, stream, len + 1, out, 500));
    assert_false(codecs[i]->inflate(inflater, stream, len + 9, out, 500));
    assert_false(codecs[i]->inflate(inflater, stream, len - 1, out, 500));
    assert_false(codecs[i]->inflate(inflater, stream, len, out, 499));
    assert_false(codecs[i]->inflate(inflater, stream, len, out, 501));
    assert_true(codecs[i]->inflate(inflater, stream, len, out, 500));
    codecs[i]->deflater_free(deflater);
    codecs[i]->inflater_free(inflater);
    assert_int_equal(codecs[i]->crc32(0, "123456789", 9), 0xCBF43926);
    assert_int_equal(codecs[i]->crc32(codecs[i]->crc32(0, "1234", 4), "56789", 5), 0xCBF43926);
  }
  free(data);
}

/* --- memory --- */

static bool survives(const fhx__gzip_codec *codec, const packed *made, const uint8_t *data,
                     size_t len) {
  fhx__gzip_packer packer;
  fhx__gzip_reader *reader = NULL;
  size_t stored = 0;
  int file = file_of(made->data, made->len);
  memset(&packer, 0, sizeof packer);
  int32_t status = fhx__gzip_packer_init(&packer, codec, true, NULL);
  if (status == FHX_OK) status = fhx__gzip_pack(&packer, data, len, &stored, NULL);
  if (status == FHX_OK) status = fhx__gzip_reader_open(file, made->len, codec, &reader, NULL);
  if (status == FHX_OK) read_from(reader, data, len, 0, 1000, &status);
  test_require(status == FHX_END || status == FHX_ERR_NO_MEMORY);
  fhx__gzip_packer_free(&packer);
  fhx__gzip_reader_close(reader);
  close(file);
  return status == FHX_END;
}

static void without_memory(void **state) {
  uint8_t *data = make_bytes(5000, false);
  (void)state;
  for (int i = 0; i < 2; i++) {
    packed made = pack(codecs[i], data, 5000, 2000);
    for (uint64_t number = 1;; number++) {
      test_scenario("codec %d, allocation %d", i, (int)number);
      test_memory_begin(number);
      bool well = survives(codecs[i], &made, data, 5000);
      if (!test_memory_end()) {
        test_require(well && number > 5);
        break;
      }
      test_require(!well);
    }
    free(made.data);
  }
  free(data);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(any_bytes_come_back),
      cmocka_unit_test(noise_is_stored),
      cmocka_unit_test(layout),
      cmocka_unit_test(from_any_byte),
      cmocka_unit_test(no_wrong_byte_comes_out),
      cmocka_unit_test(a_part_of_a_file_is_not_taken_for_it),
      cmocka_unit_test(footers_lie),
      cmocka_unit_test(inflating_is_exact),
      cmocka_unit_test(without_memory),
  };
  return cmocka_run_group_tests(tests, find_codecs, NULL);
}
