/* Refusals: filling them in, and naming a parameter without repeating what a stranger has sent. */
#include "request/problem.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/names.h"
#include "request/request.h"

#define LABEL_MAX 64

int32_t fhx__refuse(fhx__problem *problem, uint32_t http_status, const char *issue_code,
                    const char *format, ...) {
  va_list arguments;
  problem->http_status = http_status;
  problem->issue_code = issue_code;
  va_start(arguments, format);
  vsnprintf(problem->text, sizeof problem->text, format, arguments);
  va_end(arguments);
  /* A sentence that was cut must not end inside a character. */
  size_t len = strlen(problem->text);
  while (len > 0 && !fhx__is_utf8(problem->text, len)) len--;
  problem->text[len] = '\0';
  return FHX_ERR_ARGUMENT;
}

const char *fhx__parameter_label(const char *name) {
  size_t len = 0;
  while (len < LABEL_MAX && name[len] > ' ' && name[len] <= '~') len++;
  if (len == 0 || name[len] != '\0') return "a parameter whose name cannot be shown";
  return name;
}

/* U+0000 to U+001F and U+007F to U+009F; the text is UTF-8. */
static bool has_control(const char *text, size_t len) {
  for (size_t i = 0; i < len; i++) {
    unsigned char c = (unsigned char)text[i];
    if (c < 0x20 || c == 0x7F) return true;
    if (c == 0xC2 && (unsigned char)text[i + 1] < 0xA0) return true;
  }
  return false;
}

const char *fhx__text_fault(const char *text, size_t len) {
  if (!fhx__is_utf8(text, len)) return "this is not UTF-8; encode the characters as UTF-8";
  if (has_control(text, len)) return "control characters are not allowed; leave them out";
  return NULL;
}
