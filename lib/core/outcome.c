/* FHIR OperationOutcomes. */
#include "core/outcome.h"

#include <string.h>

#include "core/json.h"
#include "core/names.h"

int32_t fhx__outcome_append(fhx__buffer *out, const char *severity, const char *code,
                            const char *diagnostics) {
  fhx__json_writer writer;
  fhx__json_begin(&writer, out);
  fhx__json_open_object(&writer);
  fhx__json_member_text(&writer, "resourceType", "OperationOutcome");
  fhx__json_key(&writer, "issue");
  fhx__json_open_array(&writer);
  fhx__json_open_object(&writer);
  fhx__json_member_text(&writer, "severity", severity);
  fhx__json_member_text(&writer, "code", code);
  if (fhx__is_utf8(diagnostics, strlen(diagnostics))) {
    fhx__json_member_text(&writer, "diagnostics", diagnostics);
  }
  fhx__json_close_object(&writer);
  fhx__json_close_array(&writer);
  fhx__json_close_object(&writer);
  return fhx__json_end(&writer);
}

/* Severity is the first that an issue has. */
bool fhx__outcome_is_error(const char *line, size_t len) {
  static const char begin[] =
      "{\"resourceType\":\"OperationOutcome\",\"issue\":[{\"severity\":\"error\"";
  return len >= sizeof begin - 1 && memcmp(line, begin, sizeof begin - 1) == 0;
}

char *fhx__outcome_text(const char *severity, const char *code, const char *diagnostics) {
  fhx__buffer text = {NULL, 0, 0};
  int32_t status = fhx__outcome_append(&text, severity, code, diagnostics);
  if (status == FHX_OK) status = fhx__buffer_terminate(&text);
  if (status == FHX_OK) return text.data;
  fhx__buffer_free(&text);
  return NULL;
}
