/* A transfer as its owner sees it. */
#include <stdio.h>
#include <string.h>

#include "core/alloc.h"
#include "core/encode.h"
#include "transport/work.h"

#define HEADERS_MAX ((size_t)64 << 10)

void fhx__transfer_settle(fhx__transfer *transfer, int32_t status, bool retryable,
                          const char *reason) {
  transfer->status = status;
  transfer->retryable = retryable;
  snprintf(transfer->reason, sizeof transfer->reason, "%s", reason);
}

/* A status line begins the headers anew: what came before it was not the answer ("100 Continue").
 */
int32_t fhx__answer_take_line(fhx__buffer *headers, const char *data, size_t len, bool *has_head) {
  while (len > 0 && (data[len - 1] == '\r' || data[len - 1] == '\n')) len--;
  if (len >= 5 && memcmp(data, "HTTP/", 5) == 0) {
    headers->len = 0;
    *has_head = false;
    return FHX_OK;
  }
  if (len == 0) *has_head = true;
  if (len == 0 || memchr(data, '\0', len) != NULL) return FHX_OK;
  if (len >= HEADERS_MAX - headers->len) return FHX_ERR_LIMIT;
  int32_t status = fhx__buffer_reserve(headers, len + 1);
  if (status == FHX_OK) status = fhx__buffer_append(headers, data, len);
  return status == FHX_OK ? fhx__buffer_append(headers, "", 1) : status;
}

const char *fhx__transfer_header(const fhx__transfer *transfer, const char *name) {
  const fhx__buffer *lines = &transfer->answer_headers;
  size_t name_len = strlen(name);
  for (size_t at = 0; at < lines->len; at += strlen(lines->data + at) + 1) {
    const char *line = lines->data + at;
    if (curl_strnequal(line, name, name_len) && line[name_len] == ':') {
      return line + name_len + 1 + strspn(line + name_len + 1, " \t");
    }
  }
  return NULL;
}

int32_t fhx__transfer_add_header(fhx__transfer *transfer, const char *name, const char *value) {
  fhx__buffer *lines = &transfer->headers;
  size_t before = lines->len;
  if (name[0] == '\0' || strpbrk(name, ":\r\n") != NULL || strpbrk(value, "\r\n") != NULL) {
    return FHX_ERR_ARGUMENT;
  }
  /* At once, so that a secret does not stay behind where the buffer was. */
  int32_t status = fhx__buffer_reserve(lines, strlen(name) + strlen(value) + 3);
  if (status == FHX_OK) status = fhx__buffer_append_text(lines, name);
  if (status == FHX_OK) status = fhx__buffer_append_text(lines, ": ");
  if (status == FHX_OK) status = fhx__buffer_append(lines, value, strlen(value) + 1);
  if (status != FHX_OK) lines->len = before;
  return status;
}

/* Signatures and tokens stand in these, and behind their length those of earlier attempts. */
void fhx__transfer_clear(fhx__transfer *transfer) {
  fhx__wipe_buffer(&transfer->url);
  fhx__wipe_buffer(&transfer->headers);
  fhx__wipe_buffer(&transfer->answer_headers);
  fhx__wipe_buffer(&transfer->answer);
}

int32_t fhx__transfer_run(fhx__transport *transport, fhx__transfer *transfer, fhx_error **error) {
  int32_t status = fhx__transfer_start(transport, transfer, error);
  return status == FHX_OK ? fhx__transfer_wait(transport, transfer, error) : status;
}
