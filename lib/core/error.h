/* Errors: the one idiom is `return fhx__fail(error, STATUS, "...")`. */
#ifndef FHX__CORE_ERROR_H
#define FHX__CORE_ERROR_H

#include <fhirexport/error.h>

#if defined(__GNUC__)
#define FHX__PRINTF(format_position) \
  __attribute__((format(printf, (format_position), (format_position) + 1)))
#else
#define FHX__PRINTF(format_position)
#endif

/* Stores an error in *error (unless `error` is NULL), replacing none, and returns `status`. */
int32_t fhx__fail(fhx_error **error, int32_t status, const char *format, ...) FHX__PRINTF(3);

/* The same, marked as retryable when `retryable` is not 0. */
int32_t fhx__fail_with(fhx_error **error, int32_t status, uint32_t retryable, const char *format,
                       ...) FHX__PRINTF(4);

/* Frees the error in *error, if there is one: what it spoke of did no harm. */
void fhx__clear_error(fhx_error **error);

/* Gives the error to the caller; frees it where nobody asked for one. */
void fhx__give_error(fhx_error **error, fhx_error *fault);

/* "out of memory", without an allocation. */
int32_t fhx__no_memory(fhx_error **error);

/* The message of errno value `code` in `text`, which is returned. */
const char *fhx__errno_text(int code, char *text, size_t capacity);

/* The status for an errno value: NO_SPACE, DENIED, NOT_FOUND, EXISTS, NO_MEMORY or IO. */
int32_t fhx__errno_status(int code);

#if defined __clang_analyzer__ && !defined FHX__ERROR_BODIES
/* clang's analyser reads one file at a time, where these might return FHX_OK for all it knows. */
#define fhx__fail(error, status, ...) (fhx__fail(error, status, __VA_ARGS__), (status))
#define fhx__fail_with(error, status, ...) (fhx__fail_with(error, status, __VA_ARGS__), (status))
#define fhx__no_memory(error) (fhx__no_memory(error), FHX_ERR_NO_MEMORY)
#endif

#endif
