/* Walking over JSON text that the scanner has accepted. */
#include "select/raw_json.h"

#include <string.h>

#include "core/names.h"
#include "ndjson/swar.h"

/* The first quote or backslash, or the end. Most strings are too short for memchr to gain anything.
 */
static inline const char *find_special(const char *at, const char *end) {
  for (; end - at >= FHX__WORD_LEN; at += FHX__WORD_LEN) {
    uint64_t found = fhx__quotes(fhx__load_word((const unsigned char *)at));
    if (found != 0) return at + fhx__first_byte(found);
  }
  while (at < end && *at != '"' && *at != '\\') at++;
  return at;
}

/* The closing quote of the string whose text begins here, or the end. */
static inline const char *find_quote(const char *at, const char *end, bool *has_escape) {
  at = find_special(at, end);
  *has_escape = at < end && *at == '\\';
  while (at < end && *at == '\\') at = end - at > 2 ? find_special(at + 2, end) : end;
  return at;
}

bool fhx__raw_read_string(fhx__raw *raw, fhx__raw_string *string) {
  if (raw->at == raw->end || *raw->at != '"') return false;
  const char *begin = raw->at + 1;
  bool has_escape = false;
  const char *at = find_quote(begin, raw->end, &has_escape);
  *string = (fhx__raw_string){begin, (size_t)(at - begin), has_escape};
  raw->at = at == raw->end ? at : at + 1;
  return true;
}

static void skip_string(fhx__raw *raw) {
  bool has_escape = false;
  const char *at = find_quote(raw->at + 1, raw->end, &has_escape);
  raw->at = at == raw->end ? at : at + 1;
}

static void skip_container(fhx__raw *raw) {
  size_t open = 0;
  while (raw->at < raw->end) {
    char c = *raw->at;
    if (c == '"') {
      skip_string(raw);
      continue;
    }
    raw->at++;
    if (c == '{' || c == '[') open++;
    if ((c == '}' || c == ']') && --open == 0) return;
  }
}

void fhx__raw_skip_value(fhx__raw *raw) {
  if (raw->at == raw->end) return;
  if (*raw->at == '"') {
    skip_string(raw);
  } else if (*raw->at == '{' || *raw->at == '[') {
    skip_container(raw);
  } else {
    /* A number or a literal. On broken text one byte at least is passed, so that a walk ends. */
    do raw->at++;
    while (raw->at < raw->end && strchr(",]}\"", *raw->at) == NULL);
  }
}

static int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return 0;
}

/* The four digits behind `\u`. Only ASCII can be part of a name or an id. */
static int unicode_escape(fhx__raw *inside) {
  int unit = 0;
  for (int i = 0; i < 4 && inside->at < inside->end; i++) {
    unit = unit * 16 + hex_digit(*inside->at++);
  }
  return unit < 0x80 ? unit : FHX__RAW_NOT_ASCII;
}

int fhx__raw_next_byte(fhx__raw *inside) {
  if (inside->at == inside->end) return -1;
  char c = *inside->at++;
  if (c != '\\' || inside->at == inside->end) return (unsigned char)c;
  c = *inside->at++;
  return c == 'u' ? unicode_escape(inside) : (unsigned char)fhx__escape_spells(c);
}

bool fhx__raw_equals(fhx__raw_string string, const char *text, size_t len) {
  if (!string.has_escape) return string.len == len && memcmp(string.text, text, len) == 0;
  fhx__raw inside = {string.text, string.text + string.len};
  for (size_t i = 0; i < len; i++) {
    if (fhx__raw_next_byte(&inside) != (unsigned char)text[i]) return false;
  }
  return inside.at == inside.end;
}
