/*
 * A sorted set of ids, of any size in little memory: what is too much for memory lies in a
 * temporary file that has no name any more. Filled by one thread, then only read, by any number.
 */
#ifndef FHX__SELECT_ROSTER_H
#define FHX__SELECT_ROSTER_H

#include <stdbool.h>

#include "core/buffer.h"
#include "core/error.h"
#include "core/names.h"

/* So many bytes of ids stay in memory. */
#define FHX__ROSTER_MEMORY_MAX (UINT64_C(16) << 20)

typedef struct fhx__roster fhx__roster;

/* `memory_max` is FHX__ROSTER_MEMORY_MAX but in tests. */
int32_t fhx__roster_new(uint64_t memory_max, fhx__roster **roster, fhx_error **error);

/* Ids of 1 to FHX__ID_MAX bytes, without NUL, come in ascending order of bytes; one that comes
   again does no harm. FHX_ERR_STORE for one out of order, FHX_ERR_IO for the temporary file. */
int32_t fhx__roster_add(fhx__roster *roster, const char *id, size_t len, fhx_error **error);

/* No more will come. */
int32_t fhx__roster_seal(fhx__roster *roster, fhx_error **error);

uint64_t fhx__roster_count(const fhx__roster *roster);

/* FHX_OK: *position is the id's place. FHX_END: it is not in the set. FHX_ERR_IO. */
int32_t fhx__roster_find(const fhx__roster *roster, const char *id, size_t len, uint64_t *position,
                         fhx_error **error);

/* A stretch of the set that a reader holds; zeroed at first, then reused. */
typedef struct fhx__roster_page {
  fhx__buffer text;
} fhx__roster_page;
void fhx__roster_page_free(fhx__roster_page *page);

/* Stores at most `capacity` ids from position `first`, with NULs, in `ids`, and how many in *count:
   fewer where a block ends, 0 behind the last. They live until the page is used again. */
int32_t fhx__roster_read(const fhx__roster *roster, uint64_t first, uint64_t capacity,
                         fhx__roster_page *page, const char **ids, uint64_t *count,
                         fhx_error **error);

void fhx__roster_free(fhx__roster *roster);

#endif
