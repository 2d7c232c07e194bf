/* An allocator that counts, and that can fail one allocation. */
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

/* Puts malloc back and asserts that no block is left. Whether the failure was reached. */
bool test_memory_end(void);

#endif
