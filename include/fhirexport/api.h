/*
 * fhirexport/api.h: how public functions are declared. Included by every other header.
 *
 * Of all functions here: Threads: any. Memory: only what is given is written to. Since 0.9.0.
 */
#ifndef FHIREXPORT_API_H
#define FHIREXPORT_API_H

#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define FHX_API __attribute__((visibility("default")))
#else
#define FHX_API
#endif

#ifdef __cplusplus
#define FHX_BEGIN_DECLS extern "C" {
#define FHX_END_DECLS }
#else
#define FHX_BEGIN_DECLS
#define FHX_END_DECLS
#endif

/*
 * Every input structure begins with `uint32_t size`. Give it zeroed members and its size before
 * filling it in: FHX_INIT(&options) does so, and is only sugar for the structure's own
 * fhx_..._init(&options, sizeof options), which bindings call.
 */
#define FHX_INIT(structure) fhx_init((structure), (uint32_t)sizeof *(structure))

FHX_BEGIN_DECLS

/*
 * Zeroes `size` bytes at `structure` and stores `size` in its first four. Works for every sized
 * structure of this library. Does nothing when `structure` is NULL or `size` is below 4.
 */
FHX_API void fhx_init(void *structure, uint32_t size);

FHX_END_DECLS

#endif
