/* An allocator that counts, and that can fail one allocation, or all from one on. */
#ifndef TEST_SUPPORT_MEMORY_H
#define TEST_SUPPORT_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Installs the allocator in the library; no object of the library may live. The allocation (or
 * growth) with the number `fail_at`, from 1, gives NULL; 0: none does.
 *
 * To fail each allocation of a scenario in turn: for n = 1, 2, ...: test_memory_begin(n), the
 * scenario, and until test_memory_end says that n was not reached.
 */
void test_memory_begin(uint64_t fail_at);

/* The same, but all that follow fail too, until there is memory again. */
void test_memory_begin_lasting(uint64_t fail_from);
/* From here on nothing fails. */
void test_memory_recover(void);

/* For a scenario whose beginning must go well: after test_memory_begin(0), the n-th allocation from
   here on fails; and whether that has come. */
void test_memory_fail_next(uint64_t n);
bool test_memory_has_failed(void);

/* Puts malloc back and asserts that no block is left. Whether the failure was reached. */
bool test_memory_end(void);

#endif
