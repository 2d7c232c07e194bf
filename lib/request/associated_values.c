/* The host's own values for includeAssociatedData, and the types that each stands for. */
#include "request/associated_values.h"

#include <string.h>

#include "request/types.h"

#define NAME_MAX_LEN 64

static bool is_name_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_';
}

bool fhx__is_value_name(fhx__span name) {
  for (size_t i = 0; i < name.len; i++) {
    if (!is_name_letter(name.text[i])) return false;
  }
  return name.len > 0 && name.len <= NAME_MAX_LEN;
}

/* Without `=` the types are NULL. */
static void split(fhx__span entry, fhx__span *name, fhx__span *types) {
  *types = entry;
  fhx__span_next(types, '=', name);
}

bool fhx__associated_values_find(const char *values, fhx__span name, fhx__span *types) {
  fhx__span rest = {values, strlen(values)}, entry = {NULL, 0}, known = {NULL, 0};
  while (fhx__span_next(&rest, ';', &entry)) {
    split(entry, &known, types);
    if (types->text != NULL && known.len == name.len &&
        memcmp(known.text, name.text, name.len) == 0) {
      return true;
    }
  }
  return false;
}

static int32_t check_entry(const char *values, fhx__span entry, uint32_t fhir_version,
                           fhx_error **error) {
  fhx__span name = {NULL, 0}, types = {NULL, 0}, first = {NULL, 0};
  split(entry, &name, &types);
  if (!fhx__is_value_name(name) || name.text[0] != '_') {
    return fhx__fail(error, FHX_ERR_ARGUMENT,
                     "associated_values has a value that is not `_` and at most %d letters, "
                     "digits, `-` and `_` behind it",
                     NAME_MAX_LEN - 1);
  }
  if (types.text == NULL || !fhx__are_resource_types(fhir_version, types)) {
    return fhx__fail(error, FHX_ERR_ARGUMENT,
                     "associated_values has a value without types, or a name that is not a "
                     "resource type of FHIR %s; write _value=Type,Type;_value=Type",
                     fhx__fhir_name(fhir_version));
  }
  if (fhx__associated_values_find(values, name, &first) && first.text != types.text) {
    return fhx__fail(error, FHX_ERR_ARGUMENT, "associated_values has the value %.*s twice",
                     (int)name.len, name.text);
  }
  return FHX_OK;
}

int32_t fhx__associated_values_check(const char *values, uint32_t fhir_version, fhx_error **error) {
  fhx__span rest = {values, strlen(values)}, entry = {NULL, 0};
  int32_t status = FHX_OK;
  if (rest.len == 0) return FHX_OK;
  while (status == FHX_OK && fhx__span_next(&rest, ';', &entry)) {
    status = check_entry(values, entry, fhir_version, error);
  }
  return status;
}
