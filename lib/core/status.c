/* Names of statuses. */
#include <fhirexport/status.h>

static const char *const error_names[] = {
    "OK",          "ARGUMENT",  "MISUSE", "REENTRANT",   "NO_MEMORY",       "STRUCT_SIZE",
    "UNSUPPORTED", "NOT_FOUND", "EXISTS", "REFUSED",     "UNKNOWN_OUTCOME", "CANCELLED",
    "JOB_FAILED",  "RESOURCE",  "SOURCE", "DESTINATION", "STORE",           "IO",
    "NO_SPACE",    "DENIED",    "LIMIT",  "NO_ANSWER",   "INTERNAL",
};

const char *fhx_status_name(int32_t status) {
  if (status == FHX_END) return "END";
  if (status == FHX_WAIT) return "WAIT";
  int64_t position = -(int64_t)status;
  int64_t count = (int64_t)(sizeof error_names / sizeof error_names[0]);
  if (position < 0 || position >= count) return "UNKNOWN_STATUS";
  return error_names[position];
}
