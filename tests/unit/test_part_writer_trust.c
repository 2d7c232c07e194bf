/*
 * The part writer on trusted rows: not copied before they are taken, whatever stands in the buffer,
 * and in pieces where they are longer than it.
 *
 * ctest labels: onethread
 */
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

#define ROW "{\"resourceType\":\"Basic\",\"id\":\"1\"}"
#define ROW_LEN (sizeof ROW - 1)

typedef struct fixture {
  test_destination *destination;
  fhx_destination *handle;
  fhx__part_writer writer;
  fhx_part identity;
} fixture;

static void begin(fixture *f, const char *name) {
  const test_destination_knobs knobs = {.flags = 0};
  test_scenario("%s", name);
  memset(&f->identity, 0, sizeof f->identity);
  snprintf(f->identity.name, sizeof f->identity.name, "%s", name);
  f->destination = test_destination_new(&knobs, &f->handle);
  assert_int_equal(fhx__part_writer_init(&f->writer, f->handle, NULL), FHX_OK);
  f->writer.trusts_source = true;
  fhx__part_writer_begin(&f->writer, &f->identity);
}

static void end(fixture *f) {
  fhx__part_writer_free(&f->writer);
  fhx_destination_free(f->handle);
  test_destination_end(f->destination);
  test_require_sound();
}

static fhx__line scan(fixture *f, const char *row, size_t len) {
  fhx__line line;
  assert_int_equal(fhx__part_writer_scan(&f->writer, row, len, &line, NULL), FHX_OK);
  return line;
}

static void add(fixture *f, const char *row, size_t len) {
  fhx__line line = scan(f, row, len);
  assert_int_equal(line.scan.fault, FHX__FAULT_NONE);
  assert_int_equal(fhx__part_writer_take(&f->writer, &line, NULL), FHX_OK);
}

static const test_object *commit(fixture *f) {
  fhx_part part;
  assert_int_equal(fhx__part_writer_commit(&f->writer, &part, NULL), FHX_OK);
  test_objects objects = test_destination_objects(f->destination);
  const test_object *object = test_objects_find(&objects, part.name);
  assert_non_null(object);
  assert_int_equal(part.byte_count, object->len);
  assert_int_equal(part.crc32c, fhx__crc32c(0, object->data, object->len));
  return object;
}

static void the_row_is_the_line(void **state) {
  static const char row[] = ROW "\n";
  (void)state;
  fixture f;
  begin(&f, "row");
  for (size_t feed = 0; feed < 2; feed++) {
    fhx__line line = scan(&f, row, ROW_LEN + feed);
    assert_ptr_equal(line.text, row);
    assert_int_equal(line.len, ROW_LEN);
    assert_int_equal(line.scan.out_len, ROW_LEN);
    assert_string_equal(line.scan.facts.id, "1");
    /* Nothing is left of one that is not taken. */
    assert_int_equal(f.writer.used, feed * (ROW_LEN + 1));
    assert_int_equal(fhx__part_writer_take(&f.writer, &line, NULL), FHX_OK);
  }
  const test_object *object = commit(&f);
  assert_int_equal(object->len, 2 * (ROW_LEN + 1));
  assert_memory_equal(object->data, ROW "\n" ROW "\n", object->len);
  end(&f);
}

/* What a job does when a part is full. */
static void a_commit_between_scan_and_take(void **state) {
  (void)state;
  fixture f;
  begin(&f, "first");
  add(&f, ROW, ROW_LEN);
  fhx__line line = scan(&f, ROW, ROW_LEN);
  assert_int_equal(commit(&f)->len, ROW_LEN + 1);
  memcpy(f.identity.name, "other", sizeof "other");
  fhx__part_writer_begin(&f.writer, &f.identity);
  assert_int_equal(fhx__part_writer_take(&f.writer, &line, NULL), FHX_OK);
  const test_object *object = commit(&f);
  assert_int_equal(object->len, ROW_LEN + 1);
  assert_memory_equal(object->data, ROW "\n", object->len);
  end(&f);
}

static void faults(void **state) {
  (void)state;
  fixture f;
  begin(&f, "faults");
  assert_int_equal(scan(&f, ROW "\n\n", ROW_LEN + 2).scan.fault, FHX__FAULT_LINE);
  assert_int_equal(scan(&f, ROW "\r\n", ROW_LEN + 2).scan.fault, FHX__FAULT_LINE);
  assert_int_equal(scan(&f, "{\n}", 3).scan.fault, FHX__FAULT_LINE);
  assert_int_equal(scan(&f, "\n", 1).scan.fault, FHX__FAULT_EMPTY);
  assert_int_equal(scan(&f, "{}", 2).scan.fault, FHX__FAULT_RESOURCE_TYPE);
  assert_int_equal(scan(&f, ROW, ROW_LEN - 1).scan.fault, FHX__FAULT_TRUNCATED);
  f.writer.resource_bytes_max = ROW_LEN;
  assert_false(scan(&f, ROW, ROW_LEN).too_long);
  assert_true(scan(&f, ROW "\n", ROW_LEN + 1).too_long);
  assert_int_equal(f.writer.used, 0);
  end(&f);
}

/* Around the buffer's size, behind a line that has begun to fill it; checked rows that are lines
   already go the same way. */
static void long_rows(void **state) {
  (void)state;
  for (int trusted = 0; trusted < 2; trusted++) {
    for (size_t slack = 0; slack < 80; slack++) {
      fixture f;
      begin(&f, "long");
      f.writer.trusts_source = trusted == 1;
      size_t len = f.writer.capacity + (slack % 2 == 0 ? 3 : 2 * f.writer.capacity) - slack;
      char *row = malloc(len + 1);
      assert_non_null(row);
      memset(row, 'x', len);
      memcpy(row, ROW, ROW_LEN - 1);
      memcpy(row + ROW_LEN - 1, ",\"data\":\"", 9);
      memcpy(row + len - 2, "\"}\n", 3);
      add(&f, ROW, ROW_LEN);
      add(&f, row, len + slack % 3 / 2);
      add(&f, ROW, ROW_LEN);
      const test_object *object = commit(&f);
      assert_int_equal(object->len, 2 * (ROW_LEN + 1) + len + 1);
      assert_memory_equal(object->data, ROW "\n", ROW_LEN + 1);
      assert_memory_equal(object->data + ROW_LEN + 1, row, len + 1);
      assert_memory_equal(object->data + ROW_LEN + len + 2, ROW "\n", ROW_LEN + 1);
      free(row);
      end(&f);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_row_is_the_line),
      cmocka_unit_test(a_commit_between_scan_and_take),
      cmocka_unit_test(faults),
      cmocka_unit_test(long_rows),
  };
  return cmocka_run_group_tests_name("trusted rows in parts", tests, NULL, NULL);
}
