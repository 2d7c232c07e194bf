/* Forms. What is decoded is never longer, so each name and value is decoded where it stands. */
#include "smart_form.h"

#include <string.h>

#include "types.h"

static int hex_digit(char digit) {
  if (digit >= '0' && digit <= '9') return digit - '0';
  if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
  return digit >= 'A' && digit <= 'F' ? digit - 'A' + 10 : -1;
}

/* Decodes `len` bytes in their place, and ends them with a NUL: one more byte is there. */
static bool decode(char *text, size_t len) {
  size_t used = 0;
  for (size_t at = 0; at < len; at++) {
    int byte = (unsigned char)text[at];
    if (byte == '+') byte = ' ';
    if (text[at] == '%') {
      if (len - at < 3) return false;
      int high = hex_digit(text[at + 1]), low = hex_digit(text[at + 2]);
      if (high < 0 || low < 0) return false;
      byte = high * 16 + low;
      at += 2;
    }
    if (byte < ' ' || byte == 0x7f) return false;
    text[used++] = (char)byte;
  }
  text[used] = '\0';
  return is_utf8(text, used);
}

static void take(const char *name, const char *value, struct smart_field *fields, size_t count) {
  for (size_t i = 0; i < count; i++) {
    if (strcmp(name, fields[i].name) != 0 || *value == '\0') continue;
    fields[i].is_repeated = fields[i].value != NULL;
    if (fields[i].value == NULL) fields[i].value = value;
  }
}

bool smart_form_read(char *body, size_t len, struct smart_field *fields, size_t count) {
  for (size_t i = 0; i < count; i++) {
    fields[i].value = NULL;
    fields[i].is_repeated = false;
  }
  for (size_t begin = 0; begin < len;) {
    char *pair = body + begin;
    const char *amp = memchr(pair, '&', len - begin);
    size_t pair_len = amp == NULL ? len - begin : (size_t)(amp - pair);
    char *equals = memchr(pair, '=', pair_len);
    size_t name_len = equals == NULL ? pair_len : (size_t)(equals - pair);
    char *value = equals == NULL ? pair + pair_len : equals + 1;
    begin += pair_len + 1;
    if (!decode(value, pair_len - (size_t)(value - pair)) || !decode(pair, name_len)) return false;
    take(pair, value, fields, count);
  }
  return true;
}
