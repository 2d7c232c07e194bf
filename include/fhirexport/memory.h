/*
 * fhirexport/memory.h: where the library's memory comes from.
 *
 * Of all functions here: Threads: any. Memory: only what is given is written to. Since 0.9.0.
 */
#ifndef FHIREXPORT_MEMORY_H
#define FHIREXPORT_MEMORY_H

#include <fhirexport/error.h>

FHX_BEGIN_DECLS

/*
 * An allocator. All three functions are needed, are called from any thread that uses the library,
 * and must not call the library. Their contracts are those of malloc, realloc and free: memory
 * aligned for any type, NULL when there is none; `release` is never called with NULL.
 */
typedef struct fhx_allocator {
  uint32_t size;
  uint32_t reserved;
  /* For the three functions: malloc, realloc and free of the host's own. */
  void *user_data;
  void *(*allocate)(void *user_data, size_t byte_count);
  void *(*reallocate)(void *user_data, void *block, size_t byte_count);
  void (*release)(void *user_data, void *block);
} fhx_allocator;

/* fhx_init for this structure. */
FHX_API void fhx_allocator_init(fhx_allocator *allocator, uint32_t size);

/*
 * Replaces malloc, realloc and free for every later allocation of this library; NULL restores
 * them. libcurl, libpq, OpenSSL and SQLite keep their own allocators, and so does zlib where the
 * folder source reads gzip.
 * Threads: one, before anything else is called.
 * Memory: the structure is copied; its user_data has to live as long as it is in use.
 * Returns: FHX_OK; FHX_ERR_MISUSE while an object of this library lives, and nothing changes;
 * FHX_ERR_ARGUMENT when one of the three is missing; FHX_ERR_STRUCT_SIZE.
 */
FHX_API int32_t fhx_set_allocator(const fhx_allocator *allocator, fhx_error **error);

FHX_END_DECLS

#endif
