/* FHIR OperationOutcomes. */
#ifndef FHX__CORE_OUTCOME_H
#define FHX__CORE_OUTCOME_H

#include <stdbool.h>

#include "core/buffer.h"

/* Appends an OperationOutcome with one issue, without a line feed. FHX_OK, or as fhx__json_end. */
int32_t fhx__outcome_append(fhx__buffer *out, const char *severity, const char *code,
                            const char *diagnostics);

/* Whether one that was written so has the severity "error". */
bool fhx__outcome_is_error(const char *line, size_t len);

/* The same as new text; NULL when out of memory. Text that is not UTF-8 is left out. */
char *fhx__outcome_text(const char *severity, const char *code, const char *diagnostics);

#endif
