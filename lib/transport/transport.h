/*
 * HTTP to a store's servers, over libcurl: requests go on beside each other, are repeated where
 * that may help, and end in an answer or in a failure that says whether the server may have taken
 * them.
 *
 * One thread at a time drives all transfers of a transport: its own thread, or with
 * FHX_HTTP_NO_THREAD whoever waits for one. No host is called.
 */
#ifndef FHX__TRANSPORT_TRANSPORT_H
#define FHX__TRANSPORT_TRANSPORT_H

#include <fhirexport/http.h>
#include <stdbool.h>

#include "core/buffer.h"
#include "core/error.h"

typedef struct fhx__transport fhx__transport;

/* `options` may be NULL; copied. FHX_ERR_ARGUMENT, FHX_ERR_NO_MEMORY. */
int32_t fhx__transport_new(const fhx_http_options *options, fhx__transport **transport,
                           fhx_error **error);
/* Ends the thread. No transfer may be under way. NULL is harmless. */
void fhx__transport_free(fhx__transport *transport);

/* FHX_OK, or FHX_ERR_DENIED when allowed_hosts do not let this URL through, FHX_ERR_ARGUMENT when
   it is none. The message holds nothing of the URL. */
int32_t fhx__transport_check_url(const fhx__transport *transport, const char *url,
                                 fhx_error **error);

/* --- how often requests of a job are repeated --- */

typedef struct fhx__retries fhx__retries;

/* The count of `key` (a job's folder), shared by all who hold it; it begins anew once nobody does.
   NULL without memory. Any thread. */
fhx__retries *fhx__retries_get(fhx__transport *transport, const char *key, size_t len);
void fhx__retries_put(fhx__transport *transport, fhx__retries *retries);

/* --- one request --- */

typedef struct fhx__transfer fhx__transfer;

/*
 * Writes the URL and headers for the next attempt to transfer->url and transfer->headers, which are
 * empty: called before each, so that a time in them is fresh. On whatever thread drives: it is
 * quick and calls no host. A failure ends the transfer with its status and error.
 */
typedef int32_t (*fhx__transfer_sign)(void *context, fhx__transfer *transfer, fhx_error **error);

/* Whether an answer that is neither 408, 429 nor 5xx is to be asked for again all the same (a 200
   that holds an error, a 400 RequestTimeout). NULL: no. Same thread. */
typedef bool (*fhx__transfer_again)(void *context, const fhx__transfer *transfer);

struct fhx__transfer {
  /* --- the owner's, set before start; borrowed until it is over --- */
  const char *method;
  const void *body;
  size_t body_len;
  fhx__transfer_sign sign;
  fhx__transfer_again again;
  void *context;
  /* NULL: this transfer counts by itself. */
  fhx__retries *retries;
  /* By the monotonic clock: when it is to be over, in the middle of an attempt too; 0: no attempt
     begins later than the options' retry_us from its start. */
  int64_t until_us;
  /* The most bytes of an answer's body; longer is FHX_ERR_LIMIT. 0: 1 MiB. */
  size_t answer_max;
  /* --- written by sign --- */
  fhx__buffer url;
  /* Each "Name: value" and a NUL; Content-Length and Host are not among them. */
  fhx__buffer headers;
  /* --- the answer, once it is over --- */
  /* FHX_OK: the server has answered, whatever it says. FHX_ERR_IO, FHX_ERR_LIMIT,
     FHX_ERR_DENIED (a guarded address, a certificate), FHX_ERR_CANCELLED, FHX_ERR_NO_MEMORY. */
  int32_t status;
  uint32_t http_status;
  uint32_t attempts;
  /* Whether the same may go well later, for a status below FHX_OK. */
  bool retryable;
  /* An attempt before the last, or the last one with a status below FHX_OK, may have been taken by
     the server though no whole answer came. */
  bool in_doubt;
  /* One sentence on why `status` is not FHX_OK; holds no URL and no header. */
  char reason[160];
  /* As headers above; of the last answer. */
  fhx__buffer answer_headers;
  fhx__buffer answer;
  /* The transport's. */
  void *work;
};

/* Begins; FHX_ERR_NO_MEMORY, or FHX_ERR_LIMIT when the thread cannot be had. The transfer stays
   where it is in memory until it is over. */
int32_t fhx__transfer_start(fhx__transport *transport, fhx__transfer *transfer, fhx_error **error);
/* Whether it is over; without a thread of the transport's, does what can be done without waiting.
 */
bool fhx__transfer_is_over(fhx__transport *transport, fhx__transfer *transfer);
/* Waits until it is over. Returns transfer->status, with an error of `reason` if negative. */
int32_t fhx__transfer_wait(fhx__transport *transport, fhx__transfer *transfer, fhx_error **error);
/* Ends it, if it is not over, and waits until nothing of it is used any more. */
void fhx__transfer_cancel(fhx__transport *transport, fhx__transfer *transfer);
/* Start and wait. */
int32_t fhx__transfer_run(fhx__transport *transport, fhx__transfer *transfer, fhx_error **error);
/* The value of an answer's header (name without case), or NULL. */
const char *fhx__transfer_header(const fhx__transfer *transfer, const char *name);
/* Frees the buffers; of one that is over, or was never started. It can then be used again. */
void fhx__transfer_clear(fhx__transfer *transfer);

/* For sign: appends "name: value". FHX_ERR_ARGUMENT for a line break in either. */
int32_t fhx__transfer_add_header(fhx__transfer *transfer, const char *name, const char *value);

#endif
