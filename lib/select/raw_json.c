/* Walking over JSON text that the scanner has accepted. */
#include "select/raw_json.h"

#include <string.h>

#include "core/names.h"

bool fhx__raw_read_string(fhx__raw *raw, fhx__raw_string *string) {
  if (raw->at == raw->end || *raw->at != '"') return false;
  const char *begin = raw->at + 1;
  const char *at = begin;
  bool has_escape = false;
  while (at < raw->end && *at != '"') {
    if (*at == '\\') {
      has_escape = true;
      if (++at == raw->end) break;
    }
    at++;
  }
  *string = (fhx__raw_string){begin, (size_t)(at - begin), has_escape};
  raw->at = at == raw->end ? at : at + 1;
  return true;
}

/* Moves behind the string whose opening quote is next. Strings are most of a resource, so their
   ends are looked for with memchr. */
static void skip_string(fhx__raw *raw) {
  const char *begin = raw->at + 1;
  for (const char *at = begin; at < raw->end;) {
    const char *quote = memchr(at, '"', (size_t)(raw->end - at));
    if (quote == NULL) break;
    const char *before = quote;
    while (before > begin && before[-1] == '\\') before--;
    if ((quote - before) % 2 == 0) {
      raw->at = quote + 1;
      return;
    }
    at = quote + 1;
  }
  raw->at = raw->end;
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

bool fhx__raw_next_member(fhx__raw *raw, fhx__raw_string *key) {
  if (raw->at == raw->end) return false;
  char c = *raw->at++;
  if (c == '}') return false;
  if (raw->at < raw->end && *raw->at == '}') {
    raw->at++;
    return false;
  }
  if (!fhx__raw_read_string(raw, key) || raw->at == raw->end) return false;
  raw->at++;
  return true;
}

bool fhx__raw_next_element(fhx__raw *raw) {
  if (raw->at == raw->end) return false;
  char c = *raw->at++;
  if (c == ']') return false;
  if (raw->at < raw->end && *raw->at == ']') {
    raw->at++;
    return false;
  }
  return raw->at < raw->end;
}

static int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return 0;
}

/* The four digits behind `\u`. */
static unsigned int unicode_unit(fhx__raw *inside) {
  unsigned int unit = 0;
  for (int i = 0; i < 4 && inside->at < inside->end; i++) {
    unit = unit * 16 + (unsigned int)hex_digit(*inside->at++);
  }
  return unit;
}

/* Only ASCII can be part of a name or an id. */
static int unicode_escape(fhx__raw *inside) {
  unsigned int unit = unicode_unit(inside);
  return unit < 0x80 ? (int)unit : FHX__RAW_NOT_ASCII;
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

static bool is_between(unsigned int value, unsigned int low, unsigned int high) {
  return value >= low && value <= high;
}

/* The character behind `\u`, which for those beyond the first plane takes a second escape. */
static unsigned int spelt_character(fhx__raw *inside) {
  unsigned int unit = unicode_unit(inside);
  if (is_between(unit, 0xD800, 0xDBFF) && inside->end - inside->at >= 6 && inside->at[0] == '\\' &&
      inside->at[1] == 'u') {
    fhx__raw next = {inside->at + 2, inside->end};
    unsigned int low = unicode_unit(&next);
    if (is_between(low, 0xDC00, 0xDFFF)) {
      inside->at = next.at;
      return 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
    }
  }
  return unit == 0 || is_between(unit, 0xD800, 0xDFFF) ? 0xFFFD : unit;
}

/* Writes a character as UTF-8 and returns how many bytes it takes. */
static size_t encode(unsigned int character, char bytes[4]) {
  static const unsigned char heads[] = {0, 0, 0xC0, 0xE0, 0xF0};
  size_t len = character < 0x80 ? 1 : character < 0x800 ? 2 : character < 0x10000 ? 3 : 4;
  for (size_t i = len - 1; i > 0; i--, character >>= 6) {
    bytes[i] = (char)(unsigned char)(0x80 | (character & 0x3F));
  }
  bytes[0] = (char)(unsigned char)(heads[len] | character);
  return len;
}

int32_t fhx__raw_spell(fhx__raw_string string, fhx__buffer *text) {
  if (!string.has_escape) return fhx__buffer_append(text, string.text, string.len);
  /* An escape is never shorter than what it spells. */
  if (fhx__buffer_reserve(text, string.len) != FHX_OK) return FHX_ERR_NO_MEMORY;
  fhx__raw inside = {string.text, string.text + string.len};
  while (inside.at < inside.end) {
    if (*inside.at != '\\' || inside.end - inside.at < 2) {
      text->data[text->len++] = *inside.at++;
      continue;
    }
    char letter = inside.at[1];
    inside.at += 2;
    if (letter == 'u') {
      text->len += encode(spelt_character(&inside), text->data + text->len);
    } else {
      text->data[text->len++] = fhx__escape_spells(letter);
    }
  }
  return FHX_OK;
}
