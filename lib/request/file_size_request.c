/* `_minimumFileSize` and `_maximumFileSize` of the ballot of STU4 (PARAM-27): how long files are to
   be, in bytes of NDJSON. */
#include <stdio.h>
#include <string.h>

#include "request/reading.h"

#define WHY_MAX 200

/* A positive whole number as JSON has it: digits, and nothing else. */
static bool read_size(const char *text, uint64_t *size) {
  *size = 0;
  if (*text < '1' || *text > '9') return false;
  for (; *text >= '0' && *text <= '9'; text++) {
    uint64_t digit = (uint64_t)(*text - '0');
    if (*size > (UINT64_MAX - digit) / 10) return false;
    *size = *size * 10 + digit;
  }
  return *text == '\0';
}

static int32_t refuse_size(fhx__reading *of, const char *name) {
  return fhx__refuse(of->problem, 400, "value",
                     "%s: not a positive whole number of bytes; send one", name);
}

int32_t fhx__reading_minimum_file_size(fhx__reading *of, const fhx__parameter *parameter) {
  char why[WHY_MAX];
  uint64_t size = 0;
  if (!read_size(parameter->value, &size)) return refuse_size(of, parameter->name);
  if (size > of->rules->file_bytes_max) {
    snprintf(why, sizeof why, "files of this server have at most %llu bytes",
             (unsigned long long)of->rules->file_bytes_max);
    return fhx__reading_unsupported(of, parameter->name, why);
  }
  of->request->file_bytes_min = size;
  return FHX_OK;
}

int32_t fhx__reading_maximum_file_size(fhx__reading *of, const fhx__parameter *parameter) {
  char why[WHY_MAX];
  uint64_t size = 0;
  if (!read_size(parameter->value, &size)) return refuse_size(of, parameter->name);
  if (size < of->rules->file_bytes_min) {
    snprintf(why, sizeof why, "the least that this server takes is %llu bytes",
             (unsigned long long)of->rules->file_bytes_min);
    return fhx__reading_unsupported(of, parameter->name, why);
  }
  of->request->file_bytes_max = size;
  return FHX_OK;
}

int32_t fhx__reading_settle_file_size(fhx__reading *of) {
  const fhx__export_request *request = of->request;
  if (request->file_bytes_max == 0 || request->file_bytes_max > request->file_bytes_min) {
    return FHX_OK;
  }
  return fhx__refuse(
      of->problem, 400, "value",
      "_maximumFileSize: not more than _minimumFileSize; send a larger one, or leave "
      "one of them out");
}
