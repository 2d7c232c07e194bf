/* The body of a token request: application/x-www-form-urlencoded. */
#ifndef SERVER_SMART_FORM_H
#define SERVER_SMART_FORM_H

#include <stdbool.h>
#include <stddef.h>

struct smart_field {
  const char *name;
  /* Decoded, in the body's memory; NULL if it is not there or empty. */
  const char *value;
  bool is_repeated;
};

/* Decodes `body` (`len` bytes and a NUL) in its place and looks for the fields; others are ignored.
   False for what is no form: broken encodings, control characters, invalid UTF-8. */
bool smart_form_read(char *body, size_t len, struct smart_field *fields, size_t count);

#endif
