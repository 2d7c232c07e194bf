/* gzip, unpacked by zlib's own reader of gzip, which knows nothing of how the library packs. */
#ifndef TEST_SUPPORT_UNPACK_H
#define TEST_SUPPORT_UNPACK_H

#include <stddef.h>
#include <stdint.h>

/* All members of a gzip file, one behind the other; free the result. NULL: it is not one, or not
   whole. */
uint8_t *test_unpack(const void *data, size_t len, size_t *unpacked_len);

/* How many members there are; 0: it is not a gzip file, or not whole. Clients of HTTP know one. */
size_t test_member_count(const void *data, size_t len);

#endif
