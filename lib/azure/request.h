/* One request to the service: what it asks, and how each attempt of it is signed. */
#ifndef FHX__AZURE_REQUEST_H
#define FHX__AZURE_REQUEST_H

#include "azure/sign.h"
#include "azure/store.h"

#define FHX__AZURE_QUERY_MAX 2

typedef struct fhx__azure_request {
  /* Its address stays; until it is over, so do those of what follows. */
  fhx__transfer transfer;
  fhx__azure *azure;
  /* The prefix and the part's name; NULL: the account itself. Borrowed. */
  const char *blob;
  /* What a failure means ("the blob could not be removed"). Borrowed. */
  const char *what;
  fhx__azure_parameter query[FHX__AZURE_QUERY_MAX];
  size_t query_count;
  /* Those that are the same in each attempt, as the transfer has them. */
  fhx__buffer headers;
  /* Which token the last attempt was signed with. */
  uint64_t token_number;
  /* The service may have done what was asked, though it has not said so. */
  bool in_doubt;
} fhx__azure_request;

/* Zeroes and fills it. Then come the query's parameters in the order of their names, and headers,
   whose names are in lower case. */
void fhx__azure_request_init(fhx__azure_request *request, fhx__azure *azure, const char *method,
                             const char *blob, const char *what);
void fhx__azure_request_ask(fhx__azure_request *request, const char *name, const char *value);
/* FHX_OK or FHX_ERR_NO_MEMORY. */
int32_t fhx__azure_request_header(fhx__azure_request *request, const char *name, const char *value);
/* A body, borrowed, with its MD5. */
int32_t fhx__azure_request_body(fhx__azure_request *request, const void *data, size_t len,
                                const char *content_type, fhx_error **error);
/* Frees what it has; the transfer is over, or was never started. It can be filled again. */
void fhx__azure_request_end(fhx__azure_request *request);

/* Begins. There has to be a token, where there are any. */
int32_t fhx__azure_request_start(fhx__azure_request *request, fhx_error **error);
/*
 * Waits for the answer. If the service has not taken the token and the host may be called, another
 * is asked for and the request is sent once more. FHX_OK: there is an answer; what it says stands
 * in the transfer.
 */
int32_t fhx__azure_request_wait(fhx__azure_request *request, bool may_call_host, fhx_error **error);
/* A token, start and wait; on threads of the host alone. `until_us` by the monotonic clock, 0: as
   the options say. */
int32_t fhx__azure_request_run(fhx__azure_request *request, int64_t until_us, fhx_error **error);
/* Ends one that was started, over or not, and frees what it has. */
void fhx__azure_request_cancel(fhx__azure_request *request);
/* Whether the answer is a refusal of the token that it was signed with. */
bool fhx__azure_request_needs_token(const fhx__azure_request *request);

/* Whether the answer's status is a success. */
bool fhx__azure_request_is_done(const fhx__azure_request *request);
/* Whether the answer is an error of this name (x-ms-error-code). */
bool fhx__azure_request_is(const fhx__azure_request *request, const char *code);
/* Whether it says that there is no such blob, or no such container. */
bool fhx__azure_request_is_absent(const fhx__azure_request *request);

/*
 * The failure that the answer is, or that there was none: "<what>: <why>" with the status that
 * fits. Nothing of the answer's text, of the URL or of a secret is in it.
 */
int32_t fhx__azure_request_fail(const fhx__azure_request *request, fhx_error **error);

/* Gives the caller the error that goes with `status`, or frees it where nobody asks. */
int32_t fhx__azure_hand_over(int32_t status, fhx_error *fault, fhx_error **error);

#endif
