/* The host's own values for includeAssociatedData, as one text: "_value=Type,Type;_value=Type". */
#ifndef FHX__REQUEST_ASSOCIATED_VALUES_H
#define FHX__REQUEST_ASSOCIATED_VALUES_H

#include "core/error.h"
#include "request/span.h"

/* The form of a short code, which a sentence may repeat: letters, digits, `-` and `_`, at most 64.
 */
bool fhx__is_value_name(fhx__span name);

/* FHX_ERR_ARGUMENT says what is wrong with the text; "" is right. */
int32_t fhx__associated_values_check(const char *values, uint32_t fhir_version, fhx_error **error);

/* The types of a value, with commas between; false: there is no such value. */
bool fhx__associated_values_find(const char *values, fhx__span name, fhx__span *types);

#endif
