/* Sized input structures: older, newer, uninitialised and hostile callers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

#include <fhirexport/http.h>
#include <fhirexport/memory.h>

#include "core/structs.h"

typedef struct sample {
  uint32_t size;
  uint32_t flags;
  uint64_t limit;
  const char *text;
} sample;

/* The same structure in a later version of the library. */
typedef struct newer_sample {
  sample known;
  uint64_t added;
} newer_sample;

/* And in an earlier one. */
typedef struct older_sample {
  uint32_t size;
  uint32_t flags;
  uint64_t limit;
} older_sample;

static int32_t read_in(sample *local, const void *given, char message[256]) {
  fhx_error *error = NULL;
  int32_t status = fhx__struct_in(local, sizeof *local, given, "sample", &error);
  assert_int_equal(fhx_error_status(error), status);
  strncpy(message, fhx_error_message(error), 255);
  message[255] = '\0';
  fhx_error_free(error);
  return status;
}

static void same_version(void **state) {
  sample local, given;
  char message[256];
  (void)state;
  FHX_INIT(&given);
  assert_int_equal(given.size, sizeof given);
  assert_null(given.text);
  given.flags = 7;
  given.limit = 1000;
  given.text = "text";
  assert_int_equal(read_in(&local, &given, message), FHX_OK);
  assert_memory_equal(&local, &given, sizeof local);
}

static void older_caller(void **state) {
  sample local;
  older_sample given;
  char message[256];
  (void)state;
  memset(&local, 0xAA, sizeof local);
  FHX_INIT(&given);
  given.limit = 5;
  assert_int_equal(read_in(&local, &given, message), FHX_OK);
  assert_int_equal(local.size, sizeof local);
  assert_int_equal(local.limit, 5);
  assert_null(local.text);
}

static void newer_caller(void **state) {
  sample local;
  newer_sample given;
  char message[256];
  (void)state;
  fhx_init(&given, sizeof given);
  given.known.limit = 5;
  assert_int_equal(read_in(&local, &given, message), FHX_OK);
  assert_int_equal(local.size, sizeof local);
  assert_int_equal(local.limit, 5);
  given.added = UINT64_C(1) << 63;
  assert_int_equal(read_in(&local, &given, message), FHX_ERR_STRUCT_SIZE);
  assert_non_null(strstr(message, "does not know"));
}

static void bad_sizes(void **state) {
  static const uint32_t sizes[] = {0, 1, 4, 7, 65537, UINT32_MAX};
  sample local, given;
  char message[256];
  (void)state;
  memset(&given, 0, sizeof given);
  for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
    given.size = sizes[i];
    assert_int_equal(read_in(&local, &given, message), FHX_ERR_STRUCT_SIZE);
    assert_non_null(strstr(message, "sample_init"));
  }
  assert_int_equal(read_in(&local, NULL, message), FHX_ERR_ARGUMENT);
  assert_non_null(strstr(message, "sample is NULL"));
}

static void init_does_nothing_to_nothing(void **state) {
  unsigned char bytes[8];
  (void)state;
  memset(bytes, 0xAA, sizeof bytes);
  fhx_init(NULL, 8);
  fhx_init(bytes, 0);
  fhx_init(bytes, 3);
  for (size_t i = 0; i < sizeof bytes; i++) assert_int_equal(bytes[i], 0xAA);
  fhx_init(bytes, 6);
  assert_int_equal(bytes[0] + bytes[1] + bytes[2] + bytes[3], 6);
  assert_int_equal(bytes[4], 0);
  assert_int_equal(bytes[6], 0xAA);
  fhx_allocator_init(NULL, sizeof(fhx_allocator));
}

static void *no_block(void *user_data, size_t byte_count) {
  (void)user_data;
  (void)byte_count;
  return NULL;
}

static void allocator_is_checked(void **state) {
  fhx_allocator allocator;
  fhx_error *error = NULL;
  (void)state;
  FHX_INIT(&allocator);
  allocator.allocate = no_block;
  assert_int_equal(fhx_set_allocator(&allocator, &error), FHX_ERR_ARGUMENT);
  /* The error is an object of the library and lives: nothing may change now. */
  assert_int_equal(fhx_set_allocator(NULL, NULL), FHX_ERR_MISUSE);
  fhx_error_free(error);
  assert_int_equal(fhx_set_allocator(NULL, NULL), FHX_OK);
}

/* Its init is there in every build; here it is only seen to be the one of this structure. */
static void http_options(void **state) {
  fhx_http_options options;
  (void)state;
  memset(&options, 0xAA, sizeof options);
  fhx_http_options_init(&options, sizeof options);
  assert_int_equal(options.size, sizeof options);
  assert_int_equal(options.flags, 0);
  assert_null(options.ca_file);
  assert_null(options.allowed_hosts);
  assert_int_equal(options.allowed_host_count, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(same_version),
      cmocka_unit_test(older_caller),
      cmocka_unit_test(newer_caller),
      cmocka_unit_test(bad_sizes),
      cmocka_unit_test(init_does_nothing_to_nothing),
      cmocka_unit_test(allocator_is_checked),
      cmocka_unit_test(http_options),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
