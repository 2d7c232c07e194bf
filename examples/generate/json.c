/* JSON text, written member by member. */
#include "json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void json_begin(json_text *text, json_layout layout) {
  text->len = 0;
  text->padding = 0;
  text->depth = 0;
  text->first = true;
  text->layout = layout;
  text->escape_unicode = false;
  text->escape_slash = false;
}

void json_free(json_text *text) {
  free(text->data);
  memset(text, 0, sizeof *text);
}

/* Makes room for `more` bytes. A generator without memory has nothing better to do than to stop. */
static void reserve(json_text *text, size_t more) {
  if (text->capacity - text->len >= more) return;
  size_t capacity = (text->capacity + more) * 2 + 4096;
  char *data = realloc(text->data, capacity);
  if (data == NULL) {
    fputs("fhirexport-generate: out of memory\n", stderr);
    exit(1);
  }
  text->data = data;
  text->capacity = capacity;
}

static void put(json_text *text, const char *bytes, size_t len) {
  reserve(text, len);
  memcpy(text->data + text->len, bytes, len);
  text->len += len;
}

static void put_byte(json_text *text, char byte) {
  reserve(text, 1);
  text->data[text->len++] = byte;
}

static void put_line_break(json_text *text) {
  put_byte(text, '\n');
  for (uint32_t i = 0; i < text->depth; i++) put(text, "  ", 2);
  text->padding += 1 + 2 * (size_t)text->depth;
}

static void put_blank(json_text *text) {
  put_byte(text, ' ');
  text->padding++;
}

/* What stands before a value: a comma, white space, the key. Keys are plain ASCII. */
static void put_key(json_text *text, const char *key) {
  if (!text->first) put_byte(text, ',');
  if (text->layout == JSON_INDENTED && text->depth > 0) put_line_break(text);
  if (text->layout == JSON_SPACED && !text->first) put_blank(text);
  text->first = false;
  if (key == NULL) return;
  put_byte(text, '"');
  put(text, key, strlen(key));
  put(text, "\":", 2);
  if (text->layout != JSON_COMPACT) put_blank(text);
}

static void open_with(json_text *text, const char *key, char bracket) {
  put_key(text, key);
  put_byte(text, bracket);
  text->depth++;
  text->first = true;
}

static void close_with(json_text *text, char bracket) {
  text->depth--;
  if (text->layout == JSON_INDENTED) put_line_break(text);
  put_byte(text, bracket);
  text->first = false;
}

void json_open(json_text *text, const char *key) {
  open_with(text, key, '{');
}

void json_close(json_text *text) {
  close_with(text, '}');
}

void json_open_array(json_text *text, const char *key) {
  open_with(text, key, '[');
}

void json_close_array(json_text *text) {
  close_with(text, ']');
}

void json_number(json_text *text, const char *key, const char *literal) {
  put_key(text, key);
  put(text, literal, strlen(literal));
}

void json_integer(json_text *text, const char *key, uint64_t value) {
  char digits[24];
  size_t at = sizeof digits;
  digits[--at] = '\0';
  do {
    digits[--at] = (char)('0' + value % 10);
    value /= 10;
  } while (value > 0);
  json_number(text, key, digits + at);
}

void json_boolean(json_text *text, const char *key, bool value) {
  json_number(text, key, value ? "true" : "false");
}

/* Writes \uXXXX for one UTF-16 unit. */
static void put_unit(json_text *text, uint32_t unit) {
  static const char hex[] = "0123456789abcdef";
  char escape[6] = {
      '\\', 'u', hex[unit >> 12 & 15], hex[unit >> 8 & 15], hex[unit >> 4 & 15], hex[unit & 15]};
  put(text, escape, sizeof escape);
}

/* Writes the code point that begins at `at` (valid UTF-8, not ASCII), and says where to go on. */
static const char *put_code_point(json_text *text, const char *at) {
  const unsigned char *byte = (const unsigned char *)at;
  uint32_t follow = byte[0] >= 0xF0 ? 3 : byte[0] >= 0xE0 ? 2 : 1;
  uint32_t code = byte[0] & (0x3Fu >> follow);
  for (uint32_t i = 1; i <= follow; i++) code = code << 6 | (byte[i] & 0x3Fu);
  if (code < 0x10000) {
    put_unit(text, code);
  } else {
    put_unit(text, 0xD800 + ((code - 0x10000) >> 10));
    put_unit(text, 0xDC00 + ((code - 0x10000) & 0x3FF));
  }
  return at + follow + 1;
}

static void put_escape(json_text *text, char byte) {
  switch (byte) {
    case '\n':
      put(text, "\\n", 2);
      break;
    case '\t':
      put(text, "\\t", 2);
      break;
    case '\r':
      put(text, "\\r", 2);
      break;
    case '"':
    case '\\':
    case '/':
      put_byte(text, '\\');
      put_byte(text, byte);
      break;
    default:
      put_unit(text, (unsigned char)byte);
  }
}

/* Can this byte stand in a string as it is? */
static bool is_plain(const json_text *text, char byte) {
  if (byte == '"' || byte == '\\' || (unsigned char)byte < 0x20) return false;
  if (byte == '/') return !text->escape_slash;
  return (byte & 0x80) == 0 || !text->escape_unicode;
}

void json_string_begin(json_text *text, const char *key) {
  put_key(text, key);
  put_byte(text, '"');
}

void json_string_add(json_text *text, const char *piece) {
  while (*piece != '\0') {
    const char *end = piece;
    while (*end != '\0' && is_plain(text, *end)) end++;
    put(text, piece, (size_t)(end - piece));
    piece = end;
    if (*piece == '\0') return;
    if ((*piece & 0x80) != 0) {
      piece = put_code_point(text, piece);
    } else {
      put_escape(text, *piece++);
    }
  }
}

void json_string_end(json_text *text) {
  put_byte(text, '"');
}

void json_string(json_text *text, const char *key, const char *value) {
  json_string_begin(text, key);
  json_string_add(text, value);
  json_string_end(text);
}
