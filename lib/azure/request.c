/* Requests: put together, signed for each attempt, sent, and sent again with another token. */
#include "azure/request.h"

#include <string.h>

#include "core/clock.h"
#include "core/digest.h"
#include "core/encode.h"
#include "core/error.h"
#include "core/instant.h"

/* What a URL and its headers take without a token: so much is taken at once, since a buffer that
   grows leaves what it held behind. */
#define HEADERS_ROOM 2048
#define URL_ROOM 8192

void fhx__azure_request_ask(fhx__azure_request *request, const char *name, const char *value) {
  if (request->query_count == FHX__AZURE_QUERY_MAX) return;
  request->query[request->query_count++] = (fhx__azure_parameter){name, value};
}

int32_t fhx__azure_request_header(fhx__azure_request *request, const char *name,
                                  const char *value) {
  int32_t status = fhx__buffer_append_text(&request->headers, name);
  if (status == FHX_OK) status = fhx__buffer_append_text(&request->headers, ": ");
  /* With its NUL. */
  return status == FHX_OK ? fhx__buffer_append(&request->headers, value, strlen(value) + 1)
                          : status;
}

int32_t fhx__azure_request_body(fhx__azure_request *request, const void *data, size_t len,
                                const char *content_type, fhx_error **error) {
  uint8_t sum[FHX__MD5_LEN];
  fhx__buffer text = {NULL, 0, 0};
  int32_t status = fhx__md5(data, len, sum, error);
  if (status != FHX_OK) return status;
  request->transfer.body = data;
  request->transfer.body_len = len;
  status = fhx__append_base64(&text, sum, sizeof sum);
  if (status == FHX_OK) status = fhx__buffer_terminate(&text);
  if (status == FHX_OK) status = fhx__azure_request_header(request, "content-md5", text.data);
  if (status == FHX_OK) status = fhx__azure_request_header(request, "content-type", content_type);
  fhx__buffer_free(&text);
  return status == FHX_OK ? FHX_OK : fhx__no_memory(error);
}

void fhx__azure_request_end(fhx__azure_request *request) {
  fhx__transfer_clear(&request->transfer);
  fhx__buffer_free(&request->headers);
}

void fhx__azure_request_cancel(fhx__azure_request *request) {
  fhx__transfer_cancel(request->azure->transport, &request->transfer);
  fhx__azure_request_end(request);
}

/* --- an attempt --- */

static int32_t append_path(fhx__buffer *out, const fhx__azure *azure, const char *blob) {
  int32_t status = fhx__buffer_append(out, "/", 1);
  if (status != FHX_OK || blob == NULL) return status;
  status = fhx__buffer_append_text(out, azure->settings.container);
  if (status == FHX_OK) status = fhx__buffer_append(out, "/", 1);
  /* The letters of a name stand for themselves. */
  return status == FHX_OK ? fhx__buffer_append_text(out, blob) : status;
}

static int32_t append_query(fhx__buffer *url, const fhx__azure_request *request) {
  const fhx__buffer *sas = &request->azure->settings.sas;
  int32_t status = FHX_OK;
  for (size_t i = 0; status == FHX_OK && i < request->query_count; i++) {
    const fhx__azure_parameter *one = &request->query[i];
    status = fhx__buffer_append(url, i == 0 ? "?" : "&", 1);
    if (status == FHX_OK) status = fhx__buffer_append_text(url, one->name);
    if (status == FHX_OK) status = fhx__buffer_append(url, "=", 1);
    if (status == FHX_OK) status = fhx__append_percent(url, one->value, strlen(one->value), false);
  }
  if (status == FHX_OK && sas->len > 0) {
    status = fhx__buffer_append(url, request->query_count == 0 ? "?" : "&", 1);
    if (status == FHX_OK) status = fhx__buffer_append(url, sas->data, sas->len);
  }
  return status;
}

static int32_t write_url(const fhx__azure_request *request, fhx__buffer *url) {
  int32_t status = fhx__buffer_reserve(url, URL_ROOM);
  if (status == FHX_OK) status = fhx__buffer_append_text(url, request->azure->settings.endpoint);
  if (status == FHX_OK) status = append_path(url, request->azure, request->blob);
  return status == FHX_OK ? append_query(url, request) : status;
}

static int32_t append_bearer(fhx__azure_request *request, fhx__buffer *value, fhx_error **error) {
  if (fhx__buffer_append_text(value, "Bearer ") != FHX_OK) return fhx__no_memory(error);
  return fhx__azure_tokens_append(&request->azure->tokens, value, &request->token_number, error);
}

static int32_t append_shared_key(const fhx__azure_request *request, fhx__buffer *value,
                                 fhx_error **error) {
  const fhx__azure_settings *settings = &request->azure->settings;
  const fhx__transfer *transfer = &request->transfer;
  fhx__buffer path = {NULL, 0, 0};
  int32_t status = fhx__buffer_append_text(&path, settings->path);
  if (status == FHX_OK) status = append_path(&path, request->azure, request->blob);
  if (status == FHX_OK) status = fhx__buffer_terminate(&path);
  if (status != FHX_OK) fhx__no_memory(error);
  if (status == FHX_OK) {
    const fhx__azure_signed what = {transfer->method, transfer->body_len,   path.data,
                                    request->query,   request->query_count, &transfer->headers};
    status = fhx__azure_shared_key(value, settings, &what, error);
  }
  fhx__buffer_free(&path);
  return status;
}

/* By the key or the token; a signature in the URL needs nothing more. */
static int32_t authorize(fhx__azure_request *request, fhx_error **error) {
  const fhx__azure_settings *settings = &request->azure->settings;
  fhx__buffer value = {NULL, 0, 0};
  if (settings->sas.len > 0) return FHX_OK;
  int32_t status = settings->has_token ? append_bearer(request, &value, error)
                                       : append_shared_key(request, &value, error);
  if (status == FHX_OK && fhx__buffer_terminate(&value) != FHX_OK) status = fhx__no_memory(error);
  if (status == FHX_OK &&
      fhx__buffer_reserve(&request->transfer.headers, value.len + 32) != FHX_OK) {
    status = fhx__no_memory(error);
  }
  if (status == FHX_OK) {
    status = fhx__transfer_add_header(&request->transfer, "authorization", value.data);
    if (status != FHX_OK) status = fhx__no_memory(error);
  }
  fhx__wipe_buffer(&value);
  return status;
}

static int32_t sign(void *context, fhx__transfer *transfer, fhx_error **error) {
  fhx__azure_request *request = context;
  char date[FHX__HTTP_DATE_MAX];
  fhx__http_date(date, fhx__clock_now_us());
  int32_t status = write_url(request, &transfer->url);
  if (status == FHX_OK) status = fhx__buffer_reserve(&transfer->headers, HEADERS_ROOM);
  if (status == FHX_OK) {
    status = fhx__buffer_append(&transfer->headers, request->headers.data, request->headers.len);
  }
  if (status == FHX_OK) status = fhx__transfer_add_header(transfer, "x-ms-date", date);
  if (status == FHX_OK) {
    status = fhx__transfer_add_header(transfer, "x-ms-version", FHX__AZURE_VERSION);
  }
  return status == FHX_OK ? authorize(request, error) : fhx__no_memory(error);
}

/* A body that was damaged on its way is sent again, and what was signed with a token that has been
   renewed since. */
static bool again(void *context, const fhx__transfer *transfer) {
  fhx__azure_request *request = context;
  if (transfer->http_status == 400) return fhx__azure_request_is(request, "Md5Mismatch");
  return fhx__azure_request_needs_token(request) &&
         fhx__azure_tokens_number(&request->azure->tokens) != request->token_number;
}

void fhx__azure_request_init(fhx__azure_request *request, fhx__azure *azure, const char *method,
                             const char *blob, const char *what) {
  *request = (fhx__azure_request){.azure = azure, .blob = blob, .what = what};
  request->transfer.method = method;
  request->transfer.sign = sign;
  request->transfer.again = again;
  request->transfer.context = request;
}

int32_t fhx__azure_request_start(fhx__azure_request *request, fhx_error **error) {
  return fhx__transfer_start(request->azure->transport, &request->transfer, error);
}

static void note_doubt(fhx__azure_request *request) {
  const fhx__transfer *transfer = &request->transfer;
  uint32_t status = transfer->http_status;
  bool is_vague = status == 408 || (status >= 500 && status != 503);
  if (transfer->in_doubt || transfer->attempts > 1 || is_vague) request->in_doubt = true;
}

static int32_t wait_once(fhx__azure_request *request, fhx_error **error) {
  int32_t status = fhx__transfer_wait(request->azure->transport, &request->transfer, NULL);
  note_doubt(request);
  return status == FHX_OK ? FHX_OK : fhx__azure_request_fail(request, error);
}

int32_t fhx__azure_request_wait(fhx__azure_request *request, bool may_call_host,
                                fhx_error **error) {
  fhx__azure *azure = request->azure;
  int32_t status = wait_once(request, error);
  if (status != FHX_OK || !fhx__azure_request_needs_token(request)) return status;
  fhx__azure_tokens_refuse(&azure->tokens, request->token_number);
  if (!may_call_host) return FHX_OK;
  status = fhx__azure_tokens_renew(&azure->tokens, request->transfer.until_us, error);
  if (status != FHX_OK) return status;
  fhx__transfer_clear(&request->transfer);
  status = fhx__azure_request_start(request, error);
  return status == FHX_OK ? wait_once(request, error) : status;
}

int32_t fhx__azure_request_run(fhx__azure_request *request, int64_t until_us, fhx_error **error) {
  request->transfer.until_us = until_us;
  int32_t status = fhx__azure_tokens_renew(&request->azure->tokens, until_us, error);
  if (status == FHX_OK) status = fhx__azure_request_start(request, error);
  return status == FHX_OK ? fhx__azure_request_wait(request, true, error) : status;
}
