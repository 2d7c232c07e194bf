/* Text that grows. */
#include "text.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool make_room(struct text *text, size_t len) {
  if (text->failed || len >= SIZE_MAX / 2 - text->len) return false;
  size_t needed = text->len + len + 1;
  if (needed <= text->capacity) return true;
  size_t capacity = text->capacity < 256 ? 256 : text->capacity;
  while (capacity < needed) capacity *= 2;
  char *data = realloc(text->data, capacity);
  if (data == NULL) return false;
  text->data = data;
  text->capacity = capacity;
  return true;
}

void text_add(struct text *text, const void *bytes, size_t len) {
  if (!make_room(text, len)) {
    text->failed = true;
    return;
  }
  if (len > 0) memcpy(text->data + text->len, bytes, len);
  text->len += len;
  text->data[text->len] = '\0';
}

void text_add_string(struct text *text, const char *string) {
  text_add(text, string, strlen(string));
}

void text_add_format(struct text *text, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  int len = vsnprintf(NULL, 0, format, arguments);
  va_end(arguments);
  if (len < 0 || !make_room(text, (size_t)len)) {
    text->failed = true;
    return;
  }
  va_start(arguments, format);
  vsnprintf(text->data + text->len, (size_t)len + 1, format, arguments);
  va_end(arguments);
  text->len += (size_t)len;
}

void text_add_json(struct text *text, const char *string) {
  text_add(text, "\"", 1);
  for (const char *at = string; *at != '\0'; at++) {
    if (*at == '"' || *at == '\\') {
      text_add_format(text, "\\%c", *at);
    } else if ((unsigned char)*at < ' ') {
      text_add_format(text, "\\u%04x", (unsigned)*at);
    } else {
      text_add(text, at, 1);
    }
  }
  text_add(text, "\"", 1);
}

void text_free(struct text *text) {
  free(text->data);
  *text = (struct text){NULL, 0, 0, false};
}
