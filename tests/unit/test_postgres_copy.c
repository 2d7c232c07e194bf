/* Messages of COPY in binary form, sound and broken. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

#include "source/postgres_copy.h"

#define HEADER "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0"
#define HEADER_LEN (sizeof HEADER - 1)
/* "ab", NULL, and an empty one. */
#define ROW "\0\3\0\0\0\2ab\377\377\377\377\0\0\0\0"
#define END "\377\377"
#define TEXT(literal) literal, sizeof(literal) - 1

/* The message has no byte behind it, so that a checker of memory sees what is read there. */
static bool read_exactly(fhx__copy_reader *reader, const char *message, size_t len,
                         fhx__postgres_fields *fields) {
  char *copy = malloc(len == 0 ? 1 : len);
  assert_non_null(copy);
  memcpy(copy, message, len);
  const bool is_read = fhx__copy_read(reader, copy, len, fields);
  free(copy);
  return is_read;
}

static void check_row(const fhx__postgres_fields *fields) {
  assert_int_equal(fields->count, 3);
  assert_int_equal(fields->len[0], 2);
  assert_memory_equal(fields->data[0], "ab", 2);
  assert_null(fields->data[1]);
  assert_int_equal(fields->len[1], 0);
  assert_non_null(fields->data[2]);
  assert_int_equal(fields->len[2], 0);
}

static void rows_are_read(void **state) {
  (void)state;
  fhx__copy_reader reader = {.has_header = false};
  fhx__postgres_fields fields;
  assert_true(fhx__copy_read(&reader, TEXT(HEADER ROW), &fields));
  check_row(&fields);
  assert_true(fhx__copy_read(&reader, TEXT(ROW), &fields));
  check_row(&fields);
  assert_false(reader.has_ended);
  assert_true(fhx__copy_read(&reader, TEXT(END), &fields));
  assert_true(reader.has_ended);
  assert_int_equal(fields.count, 0);
  assert_false(fhx__copy_read(&reader, TEXT(ROW), &fields));
}

static void without_rows_it_ends(void **state) {
  (void)state;
  fhx__copy_reader reader = {.has_header = false};
  fhx__postgres_fields fields;
  assert_true(fhx__copy_read(&reader, TEXT(HEADER END), &fields));
  assert_true(reader.has_ended);
  assert_int_equal(fields.count, 0);
}

/* A newer server may put more into the header, with flags that do not matter. */
static void more_of_a_header_is_passed_over(void **state) {
  (void)state;
  fhx__copy_reader reader = {.has_header = false};
  fhx__postgres_fields fields;
  assert_true(fhx__copy_read(&reader, TEXT("PGCOPY\n\377\r\n\0\0\0\0\1\0\0\0\2zz" ROW), &fields));
  check_row(&fields);
}

/* A message is whole: cut off anywhere, or longer, it is none. */
static void broken_messages_are_refused(void **state) {
  (void)state;
  static const char whole[] = HEADER ROW "z";
  const size_t len = sizeof whole - 1;
  for (size_t cut = 0; cut <= len; cut++) {
    fhx__copy_reader reader = {.has_header = false};
    fhx__postgres_fields fields;
    assert_int_equal(read_exactly(&reader, whole, cut, &fields), cut == len - 1);
  }
}

static void other_forms_are_refused(void **state) {
  (void)state;
  static const struct {
    const char *message;
    size_t len;
  } cases[] = {
      {TEXT("ab\t\\N\t\n")},
      {TEXT("PGCOPY\n\377\n\0\0\0\0\0\0\0\0\0\0" ROW)},
      /* A flag that changes the rows. */
      {TEXT("PGCOPY\n\377\r\n\0\0\1\0\0\0\0\0\0" ROW)},
      /* A header longer than its message. */
      {TEXT("PGCOPY\n\377\r\n\0\0\0\0\0\377\377\377\377" ROW)},
      /* No fields, too many, and a length that reaches behind the message. */
      {TEXT(HEADER "\0\0")},
      {TEXT(HEADER "\0\5\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0")},
      {TEXT(HEADER "\0\1\377\377\377\376ab")},
      {TEXT(HEADER "\0\1\0\0\0\3ab")},
      {TEXT(HEADER END "z")},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    fhx__copy_reader reader = {.has_header = false};
    fhx__postgres_fields fields;
    assert_false(read_exactly(&reader, cases[i].message, cases[i].len, &fields));
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(rows_are_read),
      cmocka_unit_test(without_rows_it_ends),
      cmocka_unit_test(more_of_a_header_is_passed_over),
      cmocka_unit_test(broken_messages_are_refused),
      cmocka_unit_test(other_forms_are_refused),
  };
  return cmocka_run_group_tests_name("rows of COPY", tests, NULL, NULL);
}
