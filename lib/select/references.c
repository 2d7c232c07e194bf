/*
 * Which resources a resource refers to. A line is searched for the key as a whole, by memmem, which
 * leaps over most of its bytes: every line of an export with associated types comes through here.
 */
#include "select/references.h"

#include <string.h>

static const char key[] = "\"reference\":\"";
#define KEY_LEN (sizeof key - 1)

/* In a compact line a key stands behind one of these; the end of a longer key that has an escaped
   quote in it does not. */
static bool is_key(const char *line, const char *at) {
  return at > line && (at[-1] == '{' || at[-1] == ',');
}

/* The string behind the opening quote. Where nothing is escaped, as always but in tests, its end is
   looked for by memchr. */
static bool read_string(fhx__raw *raw, fhx__raw_string *string) {
  const char *begin = raw->at + 1;
  const char *quote = memchr(begin, '"', (size_t)(raw->end - begin));
  if (quote == NULL || memchr(begin, '\\', (size_t)(quote - begin)) != NULL) {
    return fhx__raw_read_string(raw, string);
  }
  *string = (fhx__raw_string){begin, (size_t)(quote - begin), false};
  raw->at = quote + 1;
  return true;
}

bool fhx__references_walk(const char *line, size_t len, const char *base_url,
                          fhx__reference_callback callback, void *context) {
  char type[FHX__TYPE_MAX + 1];
  char id[FHX__ID_MAX + 1];
  fhx__raw raw = {line, line + len};
  for (;;) {
    fhx__raw_string string;
    const char *at = memmem(raw.at, (size_t)(raw.end - raw.at), key, KEY_LEN);
    if (at == NULL) return true;
    raw.at = at + KEY_LEN - 1;
    if (!is_key(line, at) || !read_string(&raw, &string)) continue;
    if (fhx__reference_read(string, base_url, type, id) && !callback(context, type, id)) {
      return false;
    }
  }
}
