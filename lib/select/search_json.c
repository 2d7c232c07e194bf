/* JSON text as the evaluation of a search query reads it. */
#include <string.h>

#include "core/names.h"
#include "select/search_parts.h"

bool fhx__search_enter(fhx__raw *raw) {
  if (raw->at == raw->end || *raw->at != '{') return false;
  raw->at++;
  return true;
}

bool fhx__search_next_member(fhx__raw *raw, fhx__raw_string *key) {
  if (raw->at < raw->end && *raw->at == ',') raw->at++;
  if (!fhx__raw_read_string(raw, key)) return false;
  if (raw->at == raw->end) return false;
  raw->at++; /* the colon */
  return raw->at < raw->end;
}

bool fhx__search_first_item(fhx__raw value, fhx__search_items *items) {
  *items = (fhx__search_items){value, false};
  if (value.at == value.end) return false;
  if (*value.at != '[') return true;
  items->in_list = true;
  items->raw.at++;
  return items->raw.at < items->raw.end && *items->raw.at != ']';
}

bool fhx__search_next_item(fhx__search_items *items) {
  if (!items->in_list) return false;
  fhx__raw_skip_value(&items->raw);
  if (items->raw.at == items->raw.end || *items->raw.at != ',') return false;
  items->raw.at++;
  return items->raw.at < items->raw.end;
}

bool fhx__search_string(fhx__raw value, fhx__raw_string *string) {
  return fhx__raw_read_string(&value, string);
}

static int32_t hex_unit(fhx__raw *inside) {
  int32_t unit = 0;
  if (inside->end - inside->at < 4) {
    inside->at = inside->end;
    return 0xFFFD;
  }
  for (int i = 0; i < 4; i++) {
    char c = *inside->at++;
    int32_t digit = c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
    unit = unit << 4 | (digit & 0xF);
  }
  return unit;
}

/* The code point behind `\u`. */
static int32_t escaped_letter(fhx__raw *inside) {
  int32_t unit = hex_unit(inside);
  bool is_high = unit >= 0xD800 && unit < 0xDC00;
  if (!is_high || inside->end - inside->at < 6 || inside->at[0] != '\\' || inside->at[1] != 'u') {
    return unit;
  }
  fhx__raw after = {inside->at + 2, inside->end};
  int32_t low = hex_unit(&after);
  if (low < 0xDC00 || low > 0xDFFF) return unit;
  *inside = after;
  return 0x10000 + (unit - 0xD800) * 0x400 + (low - 0xDC00);
}

int32_t fhx__search_next_plain(fhx__raw *inside) {
  if (inside->at == inside->end) return -1;
  unsigned char first = (unsigned char)*inside->at++;
  if (first < 0xC0) return first;
  int more = first < 0xE0 ? 1 : first < 0xF0 ? 2 : 3;
  int32_t letter = first & (0x3F >> more);
  for (; more > 0 && inside->at < inside->end; more--) {
    letter = letter << 6 | (*inside->at++ & 0x3F);
  }
  return letter;
}

int32_t fhx__search_next_letter(fhx__raw *inside) {
  if (inside->end - inside->at < 2 || *inside->at != '\\') return fhx__search_next_plain(inside);
  char c = inside->at[1];
  inside->at += 2;
  return c == 'u' ? escaped_letter(inside) : (unsigned char)fhx__escape_spells(c);
}

bool fhx__search_spells(fhx__raw_string string, fhx__search_text_part text) {
  if (!string.has_escape) {
    return string.len == text.len && memcmp(string.text, text.text, text.len) == 0;
  }
  fhx__raw spelt = {string.text, string.text + string.len};
  fhx__raw plain = {text.text, text.text + text.len};
  for (;;) {
    int32_t letter = fhx__search_next_letter(&spelt);
    if (letter != fhx__search_next_plain(&plain)) return false;
    if (letter < 0) return true;
  }
}

static size_t put_letter(int32_t letter, char *to) {
  if (letter < 0x80) {
    to[0] = (char)letter;
    return 1;
  }
  size_t more = letter < 0x800 ? 1 : letter < 0x10000 ? 2 : 3;
  static const unsigned char marks[] = {0, 0xC0, 0xE0, 0xF0};
  to[0] = (char)(marks[more] | (letter >> 6 * more));
  for (size_t i = 1; i <= more; i++) {
    to[i] = (char)(0x80 | ((letter >> 6 * (more - i)) & 0x3F));
  }
  return more + 1;
}

bool fhx__search_spelt(fhx__raw_string string, char *room, size_t room_len,
                       fhx__search_text_part *text) {
  if (!string.has_escape) {
    *text = (fhx__search_text_part){string.text, string.len};
    return true;
  }
  fhx__raw inside = {string.text, string.text + string.len};
  size_t len = 0;
  for (int32_t letter = fhx__search_next_letter(&inside); letter >= 0;
       letter = fhx__search_next_letter(&inside)) {
    if (room_len - len < 4) return false;
    len += put_letter(letter, room + len);
  }
  *text = (fhx__search_text_part){room, len};
  return true;
}
