/* The form of an update cadence (PUB-02). */
#include "publish/cadence.h"

#include <string.h>

/* One number with its letter, the letters in the order of `letters`; NULL: there is none. */
static const char *read_part(const char *at, const char **letters, bool *is_something) {
  const char *digits = at;
  while (*at >= '0' && *at <= '9') {
    if (*at != '0') *is_something = true;
    at++;
  }
  if (at == digits || *at == '\0') return NULL;
  const char *found = strchr(*letters, *at);
  if (found == NULL) return NULL;
  *letters = found + 1;
  return at + 1;
}

bool fhx__is_duration(const char *text) {
  const char *letters = "YMWD";
  bool is_something = false, has_time = false;
  if (*text++ != 'P') return false;
  while (*text != '\0') {
    if (*text == 'T' && !has_time) {
      has_time = true;
      letters = "HMS";
      text++;
      if (*text == '\0') return false;
    }
    text = read_part(text, &letters, &is_something);
    if (text == NULL) return false;
  }
  return is_something;
}
