/* The part writer's line in front of a scanned one, wherever the buffer ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

#include "support/memory_destination.h"
#include "support/require.h"
#include "writer/part_writer.h"

#define BUFFER ((size_t)1 << 20)
#define HEADER "{\"resourceType\":\"Parameters\",\"parameter\":[]}"

/* A resource of this length, with white space in front that the line has not. */
static char *make_row(size_t line_len, size_t white, char mark) {
  static const char head[] = "{\"resourceType\":\"Basic\",\"id\":\"1\",\"x\":\"";
  char *row = malloc(white + line_len + 1);
  assert_non_null(row);
  memset(row, ' ', white);
  memcpy(row + white, head, sizeof head - 1);
  memset(row + white + sizeof head - 1, mark, line_len - (sizeof head - 1));
  memcpy(row + white + line_len - 2, "\"}", 3);
  return row;
}

typedef struct fixture {
  fhx__part_writer writer;
  /* What the part must hold. */
  fhx__buffer expected;
  uint64_t lines;
} fixture;

static void expect(fixture *f, const char *text, size_t len) {
  assert_int_equal(fhx__buffer_append(&f->expected, text, len), FHX_OK);
  assert_int_equal(fhx__buffer_append(&f->expected, "\n", 1), FHX_OK);
  f->lines++;
}

/* Writes a row of so many bytes, behind a header or not. */
static void write_row(fixture *f, size_t len, size_t white, bool behind) {
  char *row = make_row(len, white, (char)('a' + f->lines % 26));
  fhx__line line;
  assert_int_equal(fhx__part_writer_scan(&f->writer, row, white + len, &line, NULL), FHX_OK);
  assert_int_equal(line.scan.fault, FHX__FAULT_NONE);
  if (behind) {
    expect(f, HEADER, sizeof HEADER - 1);
    assert_int_equal(
        fhx__part_writer_take_behind(&f->writer, HEADER, sizeof HEADER - 1, &line, NULL), FHX_OK);
  } else {
    assert_int_equal(fhx__part_writer_take(&f->writer, &line, NULL), FHX_OK);
  }
  expect(f, row + white, len);
  free(row);
}

/* `used` bytes stand in the buffer when a row of `len` bytes comes behind a header. */
static void check_one(size_t used, size_t len, size_t white, bool trusts, bool gzip) {
  const test_destination_knobs knobs = {.flags = 0};
  fixture f;
  fhx_part identity, part;
  fhx_destination *handle = NULL;
  memset(&f, 0, sizeof f);
  memset(&identity, 0, sizeof identity);
  memcpy(identity.name, "part", 5);
  test_scenario("%zu used, a row of %zu and %zu, trusts %d", used, len, white, (int)trusts);
  test_destination *destination = test_destination_new(&knobs, &handle);
  assert_int_equal(fhx__part_writer_init(&f.writer, handle, NULL), FHX_OK);
  if (gzip) assert_int_equal(fhx__part_writer_use_gzip(&f.writer, false, NULL), FHX_OK);
  fhx__part_writer_begin(&f.writer, &identity);
  if (used != 0) write_row(&f, used - 1, 0, false);
  f.writer.trusts_source = trusts;
  write_row(&f, len, white, true);
  write_row(&f, 100, 0, false);
  write_row(&f, 100, 0, true);
  assert_int_equal(fhx__part_writer_commit(&f.writer, &part, NULL), FHX_OK);
  test_require(part.resource_count == f.lines && part.byte_count == f.expected.len);
  test_objects objects = test_destination_objects(destination);
  test_require(objects.count == 1);
  if (!gzip) {
    test_require(objects.items[0].len == f.expected.len);
    test_require(memcmp(objects.items[0].data, f.expected.data, f.expected.len) == 0);
  }
  fhx__buffer_free(&f.expected);
  fhx__part_writer_free(&f.writer);
  fhx_destination_free(handle);
  test_destination_end(destination);
  test_require_sound();
}

static void wherever_the_buffer_ends(void **state) {
  static const size_t near[] = {0, 1, 2, 10, 44, 45, 46, 47, 48, 60, 100, 200};
  (void)state;
  for (int trusts = 0; trusts < 2; trusts++) {
    /* Trusted rows are lines as they come. */
    for (size_t white = 0; white < (trusts == 1 ? 1 : 60); white += 29) {
      for (size_t i = 0; i < sizeof near / sizeof near[0]; i++) {
        check_one(0, BUFFER - 100 + near[i], white, trusts == 1, false);
        check_one(50, BUFFER - 150 + near[i], white, trusts == 1, false);
        check_one(BUFFER - 300 + near[i], 100, white, trusts == 1, i % 4 == 0);
        check_one(300000, 500 + near[i], white, trusts == 1, false);
      }
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(wherever_the_buffer_ends)};
  return cmocka_run_group_tests_name("a line behind another", tests, NULL, NULL);
}
