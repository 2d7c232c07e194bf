/* The reply object. Whatever does not fit turns it into a failure that says so. */
#include "core/reply.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/error.h"
#include "core/names.h"

#define HOST_MESSAGE_MAX 500
#define RESOLUTION_MAX_US INT64_C(86400000000)

void fhx__reply_begin(fhx_reply *reply, uint32_t accepts, const char *callback) {
  memset(reply, 0, sizeof *reply);
  reply->accepts = accepts;
  reply->status = FHX_ERR_NO_ANSWER;
  snprintf(reply->message, sizeof reply->message, "%s returned without an answer", callback);
}

void fhx__reply_end(fhx_reply *reply) {
  fhx__buffer_free(&reply->items);
  fhx__buffer_free(&reply->item_ends);
  if (reply->has_file) close(reply->file);
  reply->has_file = false;
}

int64_t fhx_reply_patience_us(const fhx_reply *reply) {
  if (reply == NULL || reply->until_us == 0) return INT64_MAX;
  int64_t left_us = reply->until_us - fhx__clock_monotonic_us();
  return left_us > 0 ? left_us : 0;
}

int32_t fhx__reply_break(fhx_reply *reply, int32_t status, const char *message) {
  if (!reply->broken) {
    reply->broken = true;
    reply->status = status;
    reply->retryable = status == FHX_ERR_NO_MEMORY;
    snprintf(reply->message, sizeof reply->message, "%s", message);
  }
  return status;
}

int32_t fhx__reply_status(const fhx_reply *reply, const char *who, fhx_error **error) {
  if (reply->status >= 0) return reply->status;
  return fhx__fail_with(error, reply->status, reply->retryable, "%s: %s", who, reply->message);
}

bool fhx__reply_accepts(fhx_reply *reply, uint32_t kind) {
  if ((reply->accepts & kind) != 0) return true;
  fhx__reply_break(reply, FHX_ERR_MISUSE, "the callback gave an answer that does not fit it");
  return false;
}

int32_t fhx__reply_settle(fhx_reply *reply, int32_t status) {
  if (reply->broken) return reply->status;
  reply->status = status;
  return FHX_OK;
}

/* Host text may be anything: only well-formed UTF-8 without control characters is kept. */
static void keep_message(fhx_reply *reply, const char *message) {
  static const char no_reason[] = "no reason was given";
  size_t len = strnlen(message, HOST_MESSAGE_MAX);
  while (len > 0 && !fhx__is_utf8(message, len)) len--;
  if (len == 0) {
    message = no_reason;
    len = sizeof no_reason - 1;
  }
  for (size_t i = 0; i < len; i++) {
    unsigned char c = (unsigned char)message[i];
    reply->message[i] = c < 0x20 || c == 0x7F ? ' ' : message[i];
  }
  reply->message[len] = '\0';
}

/* Statuses by which the library's own functions say something of their own. */
static bool is_reserved(int32_t status) {
  return status >= 0 || status == FHX_ERR_RESOURCE || status == FHX_ERR_CANCELLED ||
         status == FHX_ERR_JOB_FAILED;
}

int32_t fhx_reply_fail(fhx_reply *reply, int32_t status, uint32_t retryable, const char *message) {
  if (reply == NULL) return FHX_ERR_ARGUMENT;
  if (reply->broken) return reply->status;
  reply->status = is_reserved(status) ? FHX_ERR_INTERNAL : status;
  reply->retryable = retryable != 0 ? 1 : 0;
  keep_message(reply, message == NULL ? "" : message);
  return FHX_OK;
}

int32_t fhx_reply_done(fhx_reply *reply) {
  if (reply == NULL) return FHX_ERR_ARGUMENT;
  if (!fhx__reply_accepts(reply, FHX__ACCEPT_DONE)) return FHX_ERR_MISUSE;
  return fhx__reply_settle(reply, FHX_OK);
}

int32_t fhx_reply_end(fhx_reply *reply) {
  if (reply == NULL) return FHX_ERR_ARGUMENT;
  if (!fhx__reply_accepts(reply, FHX__ACCEPT_END)) return FHX_ERR_MISUSE;
  return fhx__reply_settle(reply, FHX_END);
}

int32_t fhx_reply_wait(fhx_reply *reply, int64_t retry_after_us) {
  if (reply == NULL) return FHX_ERR_ARGUMENT;
  if (!fhx__reply_accepts(reply, FHX__ACCEPT_WAIT)) return FHX_ERR_MISUSE;
  if (retry_after_us < 0) {
    return fhx__reply_break(reply, FHX_ERR_ARGUMENT, "the callback asked to wait less than 0 us");
  }
  reply->wait_us = retry_after_us;
  return fhx__reply_settle(reply, FHX_WAIT);
}

int32_t fhx_reply_handle(fhx_reply *reply, void *handle, uint32_t applied) {
  if (reply == NULL) return FHX_ERR_ARGUMENT;
  if (!fhx__reply_accepts(reply, FHX__ACCEPT_HANDLE)) return FHX_ERR_MISUSE;
  reply->handle = handle;
  reply->applied = applied;
  return fhx__reply_settle(reply, FHX_OK);
}

/* NULL, or what is wrong with the rows. */
static const char *rows_fault(const fhx__rows *rows) {
  if (rows->data == NULL && rows->len != 0) return "the rows have a length but no data";
  if (rows->token == NULL && rows->token_len != 0) return "the token has a length but no data";
  if (rows->token_len > FHX_TOKEN_MAX) return "the token is longer than FHX_TOKEN_MAX";
  if (rows->row_ends == NULL) {
    if (rows->row_count > 1) return "there are several rows but no row_ends";
    return rows->row_count == 0 && rows->len != 0 ? "there is data but no row" : NULL;
  }
  uint64_t last = 0;
  for (uint64_t i = 0; i < rows->row_count; i++) {
    if (rows->row_ends[i] < last || rows->row_ends[i] > rows->len) {
      return "row_ends go backwards or beyond the data";
    }
    last = rows->row_ends[i];
  }
  /* What no row holds would be lost without a word. */
  if (last != rows->len) return "the last row does not end where the data ends";
  return NULL;
}

int32_t fhx_reply_rows(fhx_reply *reply, const void *data, size_t len, uint64_t row_count,
                       const uint64_t *row_ends, const int64_t *row_updated_us, const void *token,
                       size_t token_len) {
  if (reply == NULL) return FHX_ERR_ARGUMENT;
  if (!fhx__reply_accepts(reply, FHX__ACCEPT_ROWS)) return FHX_ERR_MISUSE;
  fhx__rows rows = {data, len, row_count, row_ends, row_updated_us, token, token_len};
  const char *fault = rows_fault(&rows);
  if (fault != NULL) return fhx__reply_break(reply, FHX_ERR_ARGUMENT, fault);
  reply->rows = rows;
  return fhx__reply_settle(reply, FHX_OK);
}

int32_t fhx_reply_item(fhx_reply *reply, const void *data, size_t len) {
  if (reply == NULL) return FHX_ERR_ARGUMENT;
  if (!fhx__reply_accepts(reply, FHX__ACCEPT_ITEMS)) return FHX_ERR_MISUSE;
  if (data == NULL && len != 0) {
    return fhx__reply_break(reply, FHX_ERR_ARGUMENT, "an item has a length but no data");
  }
  int32_t status = fhx__buffer_append(&reply->items, data, len);
  uint64_t end = reply->items.len;
  if (status == FHX_OK) status = fhx__buffer_append(&reply->item_ends, &end, sizeof end);
  if (status != FHX_OK) return fhx__reply_break(reply, status, "out of memory");
  if (reply->broken) return reply->status;
  reply->status = FHX_ERR_NO_ANSWER;
  snprintf(reply->message, sizeof reply->message, "the callback did not finish its list");
  return FHX_OK;
}

int32_t fhx_reply_time(fhx_reply *reply, int64_t now_us, int64_t resolution_us) {
  if (reply == NULL) return FHX_ERR_ARGUMENT;
  if (!fhx__reply_accepts(reply, FHX__ACCEPT_TIME)) return FHX_ERR_MISUSE;
  if (resolution_us <= 0 || resolution_us > RESOLUTION_MAX_US ||
      now_us < INT64_C(-62135596800000000) || now_us > INT64_C(253402300799999999)) {
    return fhx__reply_break(
        reply, FHX_ERR_ARGUMENT,
        "the time is not in years 1 to 9999, or its resolution is not from 1 us to a day");
  }
  reply->now_us = now_us;
  reply->resolution_us = resolution_us;
  return fhx__reply_settle(reply, FHX_OK);
}

int32_t fhx_reply_estimate(fhx_reply *reply, uint64_t resource_count, uint64_t byte_count) {
  if (reply == NULL) return FHX_ERR_ARGUMENT;
  if (!fhx__reply_accepts(reply, FHX__ACCEPT_ESTIMATE)) return FHX_ERR_MISUSE;
  reply->resource_count = resource_count;
  reply->byte_count = byte_count;
  return fhx__reply_settle(reply, FHX_OK);
}

int32_t fhx_reply_object(fhx_reply *reply, uint64_t byte_count, const void *sha256) {
  if (reply == NULL) return FHX_ERR_ARGUMENT;
  if (!fhx__reply_accepts(reply, FHX__ACCEPT_OBJECT)) return FHX_ERR_MISUSE;
  reply->byte_count = byte_count;
  reply->has_sha256 = sha256 != NULL;
  if (sha256 != NULL) memcpy(reply->sha256, sha256, sizeof reply->sha256);
  return fhx__reply_settle(reply, FHX_OK);
}

/* FHX_OK, or why the descriptor cannot be kept. */
static int32_t file_status(fhx_reply *reply, int32_t fd) {
  if (reply == NULL) return FHX_ERR_ARGUMENT;
  if (!fhx__reply_accepts(reply, FHX__ACCEPT_FILE)) return FHX_ERR_MISUSE;
  if (fd < 0) return fhx__reply_break(reply, FHX_ERR_ARGUMENT, "the file is not open");
  return reply->broken ? reply->status : FHX_OK;
}

int32_t fhx_reply_file(fhx_reply *reply, int32_t fd) {
  int32_t status = file_status(reply, fd);
  if (status != FHX_OK) {
    const bool is_kept = reply != NULL && reply->has_file && reply->file == fd;
    if (fd >= 0 && !is_kept) close(fd);
    return status;
  }
  if (reply->has_file && reply->file != fd) close(reply->file);
  reply->has_file = true;
  reply->file = fd;
  return fhx__reply_settle(reply, FHX_OK);
}

int fhx__reply_take_file(fhx_reply *reply) {
  const int file = reply->has_file ? reply->file : -1;
  reply->has_file = false;
  return file;
}

size_t fhx__reply_item_count(const fhx_reply *reply) {
  return reply->item_ends.len / sizeof(uint64_t);
}

const char *fhx__reply_item_at(const fhx_reply *reply, size_t position, size_t *len) {
  uint64_t begin = 0, end = 0;
  const char *ends = reply->item_ends.data;
  if (position > 0) memcpy(&begin, ends + (position - 1) * sizeof begin, sizeof begin);
  memcpy(&end, ends + position * sizeof end, sizeof end);
  *len = (size_t)(end - begin);
  return reply->items.data == NULL ? "" : reply->items.data + begin;
}
