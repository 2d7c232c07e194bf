/* HTTP answers: making them, and reading their bodies. */
#include "protocol/response.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/alloc.h"
#include "core/outcome.h"

#define HEADER_VALUE_MAX 4096
/* When to ask again after a fault that may pass. */
#define FAULT_RETRY_SECONDS 5

int32_t fhx__response_new(uint32_t status, fhx_response **response, fhx_error **error) {
  fhx_response *made = fhx__alloc_zeroed(1, sizeof *made);
  if (made == NULL) return fhx__no_memory(error);
  made->status = status;
  made->descriptor = -1;
  *response = made;
  return FHX_OK;
}

int32_t fhx__response_add(fhx_response *response, fhx_error **error, const char *name,
                          const char *format, ...) {
  char value[HEADER_VALUE_MAX];
  va_list arguments;
  va_start(arguments, format);
  int len = vsnprintf(value, sizeof value, format, arguments);
  va_end(arguments);
  if (len < 0 || (size_t)len >= sizeof value ||
      response->header_count == FHX__RESPONSE_HEADERS_MAX) {
    return fhx__fail(error, FHX_ERR_INTERNAL, "the response's header %s does not fit", name);
  }
  fhx__response_header *header = &response->headers[response->header_count];
  header->name = name;
  header->value = fhx__copy_text(value);
  if (header->value == NULL) return fhx__no_memory(error);
  response->header_count++;
  return FHX_OK;
}

int32_t fhx__response_outcome(uint32_t status, const char *severity, const char *code,
                              const char *text, fhx_response **response, fhx_error **error) {
  fhx_response *made = NULL;
  int32_t outcome = fhx__response_new(status, &made, error);
  if (outcome != FHX_OK) return outcome;
  outcome = fhx__outcome_append(&made->text, severity, code, text);
  if (outcome != FHX_OK) outcome = fhx__no_memory(error);
  if (outcome == FHX_OK) {
    outcome = fhx__response_add(made, error, "Content-Type", "application/fhir+json");
  }
  if (outcome == FHX_OK) {
    outcome = fhx__response_add(made, error, "Content-Length", "%zu", made->text.len);
  }
  if (outcome == FHX_OK) outcome = fhx__response_add(made, error, "Cache-Control", "no-store");
  if (outcome != FHX_OK) {
    fhx_response_free(made);
    return outcome;
  }
  *response = made;
  return FHX_OK;
}

int32_t fhx__response_extend(fhx_response **response, fhx_error **error, const char *name,
                             const char *value) {
  int32_t status = fhx__response_add(*response, error, name, "%s", value);
  if (status == FHX_OK) return FHX_OK;
  fhx_response_free(*response);
  *response = NULL;
  return status;
}

int32_t fhx__response_problem(const fhx__problem *problem, fhx_response **response,
                              fhx_error **error) {
  return fhx__response_outcome(problem->http_status, "error", problem->issue_code, problem->text,
                               response, error);
}

int32_t fhx__response_no_job(fhx_response **response, fhx_error **error) {
  return fhx__response_outcome(404, "error", "not-found", "there is no such export", response,
                               error);
}

int32_t fhx__response_method(const char *allowed, fhx_response **response, fhx_error **error) {
  int32_t status = fhx__response_outcome(405, "error", "not-supported",
                                         "this URL does not take that method", response, error);
  return status == FHX_OK ? fhx__response_extend(response, error, "Allow", allowed) : status;
}

int32_t fhx__response_later(uint32_t status, const char *code, const char *text, uint32_t seconds,
                            fhx_response **response, fhx_error **error) {
  char retry[16];
  int32_t made = fhx__response_outcome(status, "error", code, text, response, error);
  if (made != FHX_OK) return made;
  snprintf(retry, sizeof retry, "%u", seconds);
  return fhx__response_extend(response, error, "Retry-After", retry);
}

int32_t fhx__response_fault(const fhx_error *fault, fhx_response **response, fhx_error **error) {
  if (fhx_error_status(fault) == FHX_ERR_NO_MEMORY) return fhx__no_memory(error);
  int32_t status = FHX_OK;
  if (fhx_error_retryable(fault) != 0) {
    status = fhx__response_later(503, "transient", "the server cannot answer at present; try again",
                                 FAULT_RETRY_SECONDS, response, error);
  } else {
    status = fhx__response_outcome(500, "error", "exception",
                                   "the server could not answer this request", response, error);
  }
  if (status == FHX_OK) (*response)->fault = fhx_error_status(fault);
  return status;
}

/* --- reading --- */

uint32_t fhx_response_status(const fhx_response *response) {
  return response == NULL ? 0 : response->status;
}

uint32_t fhx_response_header_count(const fhx_response *response) {
  return response == NULL ? 0 : response->header_count;
}

const char *fhx_response_header_name(const fhx_response *response, uint32_t position) {
  return position < fhx_response_header_count(response) ? response->headers[position].name : NULL;
}

const char *fhx_response_header_value(const fhx_response *response, uint32_t position) {
  return position < fhx_response_header_count(response) ? response->headers[position].value : NULL;
}

static int32_t read_text(fhx_response *response, void *buffer, size_t capacity, size_t *len) {
  size_t left = response->text.len - response->read;
  if (left == 0) return FHX_END;
  *len = left < capacity ? left : capacity;
  memcpy(buffer, response->text.data + response->read, *len);
  response->read += *len;
  return FHX_OK;
}

static int32_t read_file(fhx_response *response, void *buffer, size_t capacity, size_t *len,
                         fhx_error **error) {
  if (response->length == 0) return FHX_END;
  size_t wanted = response->length < capacity ? (size_t)response->length : capacity;
  ssize_t count = 0;
  do {
    count = pread(response->descriptor, buffer, wanted, (off_t)response->offset);
  } while (count < 0 && errno == EINTR);
  if (count <= 0) return fhx__fail(error, FHX_ERR_IO, "the exported file could not be read");
  response->offset += (uint64_t)count;
  response->length -= (uint64_t)count;
  response->sent += (uint64_t)count;
  *len = (size_t)count;
  return FHX_OK;
}

static int32_t read_unpacked(fhx_response *response, void *buffer, size_t capacity, size_t *len,
                             fhx_error **error) {
  if (response->length == 0) return FHX_END;
  size_t wanted = response->length < capacity ? (size_t)response->length : capacity;
  int32_t status = fhx__gzip_reader_read(response->unpacked, buffer, wanted, len, error);
  /* The range was cut to what the file said that it holds. */
  if (status == FHX_END) return fhx__fail(error, FHX_ERR_IO, "the exported file is damaged");
  if (status == FHX_OK) response->length -= *len;
  if (status == FHX_OK) response->sent += *len;
  return status;
}

int32_t fhx_response_read(fhx_response *response, void *buffer, size_t capacity, size_t *len,
                          fhx_error **error) {
  if (response == NULL || buffer == NULL || capacity == 0 || len == NULL) {
    return fhx__fail(error, FHX_ERR_ARGUMENT,
                     "a response is read into a buffer of at least 1 byte");
  }
  *len = 0;
  if (response->manifest != NULL) {
    return fhx_manifest_read(response->manifest, buffer, capacity, len, error);
  }
  if (response->unpacked != NULL) return read_unpacked(response, buffer, capacity, len, error);
  if (response->descriptor >= 0) return read_file(response, buffer, capacity, len, error);
  return read_text(response, buffer, capacity, len);
}

int32_t fhx_response_file(const fhx_response *response, int32_t *descriptor, uint64_t *offset,
                          uint64_t *length, fhx_error **error) {
  if (response == NULL || descriptor == NULL || offset == NULL || length == NULL) {
    return fhx__fail(error, FHX_ERR_ARGUMENT,
                     "there is no response, or no place for what its file is");
  }
  if (response->descriptor < 0 || response->unpacked != NULL) return FHX_END;
  *descriptor = response->descriptor;
  *offset = response->offset;
  *length = response->length;
  return FHX_OK;
}

void fhx_response_sent(fhx_response *response, uint64_t byte_count) {
  if (response == NULL) return;
  response->sent = byte_count < response->announced ? byte_count : response->announced;
}

/* How much of a file was sent, and whether that is all that was announced. */
static void tell_end(const fhx_response *response) {
  fhx_log_event event;
  if (response->watch == NULL) return;
  fhx__watch_add(response->watch, FHX__COUNT_FILE_BYTES, response->sent);
  fhx__event_begin(&event, response->watch, FHX__EVENT_AUDIT_FILE_SENT);
  fhx__event_text(&event, "job", response->job_id);
  fhx__event_text(&event, "file", response->file);
  fhx__event_count(&event, "length", response->announced);
  fhx__event_count(&event, "sent", response->sent);
  fhx__event_text(&event, "outcome", response->sent >= response->announced ? "whole" : "cut");
  fhx__event_tell(&event);
  fhx__watch_unref(response->watch);
}

void fhx_response_free(fhx_response *response) {
  if (response == NULL) return;
  tell_end(response);
  for (uint32_t i = 0; i < response->header_count; i++) fhx__free(response->headers[i].value);
  fhx__buffer_free(&response->text);
  fhx_manifest_free(response->manifest);
  fhx__gzip_reader_close(response->unpacked);
  if (response->descriptor >= 0) close(response->descriptor);
  fhx__free(response);
}
