/* The error object, its OperationOutcome, and errno. */

/* Of the two functions called strerror_r this asks for that of POSIX, which returns a number.
   NOLINTNEXTLINE(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */
#define _POSIX_C_SOURCE 200809L
#undef _GNU_SOURCE
/* And for the functions of error.h themselves. */
#define FHX__ERROR_BODIES

#include "core/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/alloc.h"
#include "core/names.h"
#include "core/outcome.h"

#define MESSAGE_MAX 1024

struct fhx_error {
  int32_t status;
  uint32_t retryable;
  char *message;
  char *outcome;
};

static char no_memory_message[] = "out of memory";
static char no_memory_outcome[] =
    "{\"resourceType\":\"OperationOutcome\",\"issue\":[{\"severity\":\"error\","
    "\"code\":\"transient\",\"diagnostics\":\"out of memory\"}]}";
static fhx_error no_memory_error = {FHX_ERR_NO_MEMORY, 1, no_memory_message, no_memory_outcome};

/* The FHIR issue type ("not-found", "transient") that fits a status. */
static const char *issue_code(int32_t status, uint32_t retryable) {
  switch (status) {
    case FHX_ERR_ARGUMENT:
    case FHX_ERR_RESOURCE:
    case FHX_ERR_STRUCT_SIZE:
      return "invalid";
    case FHX_ERR_UNSUPPORTED:
      return "not-supported";
    case FHX_ERR_NOT_FOUND:
      return "not-found";
    case FHX_ERR_EXISTS:
      return "duplicate";
    case FHX_ERR_DENIED:
      return "forbidden";
    case FHX_ERR_LIMIT:
      return "too-costly";
    case FHX_ERR_CANCELLED:
      return "incomplete";
    case FHX_ERR_NO_SPACE:
      return "no-store";
    case FHX_ERR_NO_MEMORY:
      return "transient";
    default:
      return retryable ? "transient" : "exception";
  }
}

/* A message that was cut must not end inside a character. */
static void trim_message(char *message) {
  size_t len = strlen(message);
  if (len + 1 < MESSAGE_MAX) return;
  for (int i = 0; i < 3 && len > 0 && !fhx__is_utf8(message, len); i++) len--;
  message[len] = '\0';
}

static void store_error(fhx_error **error, int32_t status, uint32_t retryable, char *message) {
  trim_message(message);
  fhx_error *made = fhx__alloc_zeroed(1, sizeof *made);
  *error = &no_memory_error;
  if (made == NULL) return;
  made->status = status;
  made->retryable = retryable;
  made->message = fhx__copy_text(message);
  made->outcome = fhx__outcome_text("error", issue_code(status, retryable), message);
  if (made->message == NULL || made->outcome == NULL) {
    fhx_error_free(made);
    return;
  }
  *error = made;
}

int32_t fhx__fail(fhx_error **error, int32_t status, const char *format, ...) {
  if (error == NULL) return status;
  char message[MESSAGE_MAX];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(message, sizeof message, format, arguments);
  va_end(arguments);
  store_error(error, status, 0, message);
  return status;
}

int32_t fhx__fail_with(fhx_error **error, int32_t status, uint32_t retryable, const char *format,
                       ...) {
  if (error == NULL) return status;
  char message[MESSAGE_MAX];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(message, sizeof message, format, arguments);
  va_end(arguments);
  store_error(error, status, retryable != 0 ? 1 : 0, message);
  return status;
}

void fhx__clear_error(fhx_error **error) {
  if (error == NULL) return;
  fhx_error_free(*error);
  *error = NULL;
}

void fhx__give_error(fhx_error **error, fhx_error *fault) {
  if (error != NULL) {
    *error = fault;
  } else {
    fhx_error_free(fault);
  }
}

int32_t fhx__no_memory(fhx_error **error) {
  if (error != NULL) *error = &no_memory_error;
  return FHX_ERR_NO_MEMORY;
}

const char *fhx__errno_text(int code, char *text, size_t capacity) {
  if (strerror_r(code, text, capacity) != 0) snprintf(text, capacity, "error %d", code);
  return text;
}

int32_t fhx__errno_status(int code) {
  switch (code) {
    case ENOSPC:
    case EDQUOT:
      return FHX_ERR_NO_SPACE;
    case EACCES:
    case EPERM:
    case EROFS:
      return FHX_ERR_DENIED;
    case ENOENT:
    case ENOTDIR:
      return FHX_ERR_NOT_FOUND;
    case EEXIST:
      return FHX_ERR_EXISTS;
    case ENOMEM:
      return FHX_ERR_NO_MEMORY;
    default:
      return FHX_ERR_IO;
  }
}

int32_t fhx_error_status(const fhx_error *error) {
  return error == NULL ? FHX_OK : error->status;
}

const char *fhx_error_message(const fhx_error *error) {
  return error == NULL ? "" : error->message;
}

uint32_t fhx_error_retryable(const fhx_error *error) {
  return error == NULL ? 0 : error->retryable;
}

const char *fhx_error_outcome(const fhx_error *error) {
  return error == NULL ? "" : error->outcome;
}

void fhx_error_free(fhx_error *error) {
  if (error == NULL || error == &no_memory_error) return;
  fhx__free(error->message);
  fhx__free(error->outcome);
  fhx__free(error);
}
