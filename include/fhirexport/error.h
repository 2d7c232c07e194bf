/*
 * fhirexport/error.h: why a call failed.
 *
 * The last parameter of every function that can fail is `fhx_error **error`. It may be NULL. When
 * the function returns a negative status, it stores an error there, which the caller frees; else
 * it leaves the place alone. Set your pointer to NULL before the first call.
 *
 * A message is one sentence for a log or a person. It never holds resource content, patient ids,
 * tokens, secrets or signed URLs.
 *
 * Of all functions here: Threads: any; an error may be read by several at once. Memory: an error is
 * the caller's; its texts live until it is freed. Since 0.9.0.
 */
#ifndef FHIREXPORT_ERROR_H
#define FHIREXPORT_ERROR_H

#include <fhirexport/status.h>

FHX_BEGIN_DECLS

/* Why a call failed. */
typedef struct fhx_error fhx_error;

/* The status that the failed function returned, or FHX_ERR_NO_MEMORY where there was no memory to
   say more; FHX_OK for NULL. */
FHX_API int32_t fhx_error_status(const fhx_error *error);

/* One line of UTF-8; "" for NULL. */
FHX_API const char *fhx_error_message(const fhx_error *error);

/* 1 when the same call may succeed later without a change, else 0. */
FHX_API uint32_t fhx_error_retryable(const fhx_error *error);

/*
 * The error as a FHIR OperationOutcome in JSON, ready to be the body of a 4xx or 5xx answer (Bulk
 * Data IG, "Error Response"). "" for NULL.
 */
FHX_API const char *fhx_error_outcome(const fhx_error *error);

/* Frees an error. NULL is harmless. */
FHX_API void fhx_error_free(fhx_error *error);

FHX_END_DECLS

#endif
