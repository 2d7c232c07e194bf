/* Text that grows. A failed allocation is remembered in it, so that one look at the end is enough.
 */
#ifndef SERVER_TEXT_H
#define SERVER_TEXT_H

#include <stdbool.h>
#include <stddef.h>

struct text {
  /* NULL while nothing was added; else terminated by a NUL that `len` does not count. */
  char *data;
  size_t len;
  size_t capacity;
  bool failed;
};

void text_add(struct text *text, const void *bytes, size_t len);
void text_add_string(struct text *text, const char *string);
void text_add_format(struct text *text, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* As a JSON string, quotes included. */
void text_add_json(struct text *text, const char *string);
void text_free(struct text *text);

#endif
