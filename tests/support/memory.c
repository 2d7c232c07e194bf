/* An allocator that counts, and that can fail one allocation, or all from one on. */
#include "support/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
/* cmocka.h needs those above. */
#include <cmocka.h>
#include <fhirexport/memory.h>

static uint64_t fail_number;
static bool fails_on;
static atomic_bool recovered;
static atomic_uint_fast64_t asked;
static atomic_int_fast64_t live;

static bool is_failing(void) {
  uint64_t number = atomic_fetch_add(&asked, 1) + 1;
  if (fail_number == 0 || atomic_load(&recovered)) return false;
  return fails_on ? number >= fail_number : number == fail_number;
}

static void *allocate(void *user_data, size_t byte_count) {
  (void)user_data;
  void *block = is_failing() ? NULL : malloc(byte_count);
  if (block != NULL) atomic_fetch_add(&live, 1);
  return block;
}

static void *reallocate(void *user_data, void *block, size_t byte_count) {
  (void)user_data;
  return is_failing() ? NULL : realloc(block, byte_count);
}

static void release(void *user_data, void *block) {
  (void)user_data;
  free(block);
  atomic_fetch_sub(&live, 1);
}

void test_memory_begin(uint64_t fail_at) {
  fhx_allocator allocator;
  FHX_INIT(&allocator);
  allocator.allocate = allocate;
  allocator.reallocate = reallocate;
  allocator.release = release;
  fail_number = fail_at;
  fails_on = false;
  atomic_store(&recovered, false);
  atomic_store(&asked, 0);
  atomic_store(&live, 0);
  assert_int_equal(fhx_set_allocator(&allocator, NULL), FHX_OK);
}

void test_memory_begin_lasting(uint64_t fail_from) {
  test_memory_begin(fail_from);
  fails_on = true;
}

void test_memory_recover(void) {
  atomic_store(&recovered, true);
}

void test_memory_fail_next(uint64_t n) {
  fail_number = atomic_load(&asked) + n;
}

bool test_memory_has_failed(void) {
  return fail_number != 0 && atomic_load(&asked) >= fail_number;
}

bool test_memory_end(void) {
  assert_int_equal(atomic_load(&live), 0);
  assert_int_equal(fhx_set_allocator(NULL, NULL), FHX_OK);
  return test_memory_has_failed();
}
