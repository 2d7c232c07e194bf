/* The forms of names. The resource types are in resource_types.c. */
#include "types.h"

#include <stdlib.h>
#include <string.h>

static int compare(const void *name, const void *entry) {
  return strcmp(name, *(const char *const *)entry);
}

bool is_resource_type(const char *name) {
  return bsearch(name, resource_types, resource_type_count, sizeof *resource_types, compare) !=
         NULL;
}

bool is_id(const char *text) {
  size_t len = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-.");
  return len >= 1 && len <= ID_MAX && text[len] == '\0';
}

/* How many bytes the character has that begins with this one; 0 if none does. */
static size_t utf8_length(unsigned char first) {
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first <= 0xdf) return 2;
  if (first >= 0xe0 && first <= 0xef) return 3;
  return first >= 0xf0 && first <= 0xf4 ? 4 : 0;
}

bool is_utf8(const char *text, size_t len) {
  const unsigned char *bytes = (const unsigned char *)text;
  for (size_t at = 0; at < len;) {
    size_t count = utf8_length(bytes[at]);
    if (count == 0 || count > len - at) return false;
    for (size_t i = 1; i < count; i++) {
      if ((bytes[at + i] & 0xc0) != 0x80) return false;
    }
    /* Overlong forms, surrogates, and what is behind U+10FFFF. */
    if (bytes[at] == 0xe0 && bytes[at + 1] < 0xa0) return false;
    if (bytes[at] == 0xed && bytes[at + 1] > 0x9f) return false;
    if (bytes[at] == 0xf0 && bytes[at + 1] < 0x90) return false;
    if (bytes[at] == 0xf4 && bytes[at + 1] > 0x8f) return false;
    at += count;
  }
  return true;
}
