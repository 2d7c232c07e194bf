/* Stretches of text that are not copied. */
#include "request/span.h"

#include <string.h>

bool fhx__span_next(fhx__span *rest, char separator, fhx__span *piece) {
  if (rest->text == NULL) return false;
  const char *found = memchr(rest->text, separator, rest->len);
  *piece = *rest;
  *rest = (fhx__span){NULL, 0};
  if (found == NULL) return true;
  size_t len = (size_t)(found - piece->text);
  *rest = (fhx__span){found + 1, piece->len - len - 1};
  piece->len = len;
  return true;
}
