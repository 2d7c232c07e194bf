/*
 * JSON text, written member by member. The same calls give a compact text, one with blanks, or one
 * with lines and indents, and strings with or without escapes that JSON allows but does not need.
 */
#ifndef GENERATE_JSON_H
#define GENERATE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum json_layout {
  JSON_COMPACT,
  /* A blank behind colons and commas, no line breaks: still one line of NDJSON. */
  JSON_SPACED,
  /* Lines and indents, as a person would have it. */
  JSON_INDENTED
} json_layout;

typedef struct json_text {
  char *data;
  size_t len;
  size_t capacity;
  json_layout layout;
  /* Write \u00e9 for what is not ASCII, and \/ for a slash. */
  bool escape_unicode;
  bool escape_slash;
  bool first;
  uint32_t depth;
  /* How many bytes are there for layout's sake. */
  size_t padding;
} json_text;

/* Empties the text. Its memory is kept for the next one. */
void json_begin(json_text *text, json_layout layout);
void json_free(json_text *text);

/* `key` is NULL for an element of an array and for the outermost object. */
void json_open(json_text *text, const char *key);
void json_close(json_text *text);
void json_open_array(json_text *text, const char *key);
void json_close_array(json_text *text);
void json_string(json_text *text, const char *key, const char *value);
/* A number, already in JSON's form; its digits are kept. */
void json_number(json_text *text, const char *key, const char *literal);
void json_integer(json_text *text, const char *key, uint64_t value);
void json_boolean(json_text *text, const char *key, bool value);

/* A string of several pieces. */
void json_string_begin(json_text *text, const char *key);
void json_string_add(json_text *text, const char *piece);
void json_string_end(json_text *text);

#endif
