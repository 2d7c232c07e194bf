/* Sections, keys and comments of the shared credentials file. */
#include "s3/profile.h"

#include <string.h>
#include <strings.h>

static bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\r';
}

static fhx__s3_span trimmed(const char *begin, const char *end) {
  while (begin < end && is_blank(*begin)) begin++;
  while (begin < end && is_blank(end[-1])) end--;
  return (fhx__s3_span){begin, (size_t)(end - begin)};
}

/* Without a comment: `#` or `;` at the beginning or behind white space. */
static fhx__s3_span without_comment(fhx__s3_span line) {
  for (size_t i = 0; i < line.len; i++) {
    bool begins = line.data[i] == '#' || line.data[i] == ';';
    if (begins && (i == 0 || is_blank(line.data[i - 1]))) {
      return trimmed(line.data, line.data + i);
    }
  }
  return line;
}

static bool is_text(fhx__s3_span span, const char *text) {
  return span.len == strlen(text) && memcmp(span.data, text, span.len) == 0;
}

static bool is_key(fhx__s3_span span, const char *key) {
  return span.len == strlen(key) && strncasecmp(span.data, key, span.len) == 0;
}

/* The name in brackets; false when the line is none. */
static bool read_section(fhx__s3_span line, fhx__s3_span *name) {
  if (line.len < 2 || line.data[0] != '[' || line.data[line.len - 1] != ']') return false;
  *name = trimmed(line.data + 1, line.data + line.len - 1);
  return true;
}

static void read_key(fhx__s3_span line, fhx__s3_profile *profile) {
  const char *equals = memchr(line.data, '=', line.len);
  if (equals == NULL) return;
  fhx__s3_span key = trimmed(line.data, equals);
  fhx__s3_span value = trimmed(equals + 1, line.data + line.len);
  if (value.len == 0) value.data = NULL;
  if (is_key(key, "aws_access_key_id")) profile->access_key_id = value;
  if (is_key(key, "aws_secret_access_key")) profile->secret_access_key = value;
  if (is_key(key, "aws_session_token")) profile->session_token = value;
}

bool fhx__s3_profile_find(const char *text, size_t len, const char *name,
                          fhx__s3_profile *profile) {
  static const char byte_order_mark[] = "\xEF\xBB\xBF";
  const char *at = text, *end = text + len;
  bool inside = false, found = false;
  memset(profile, 0, sizeof *profile);
  if (len >= 3 && memcmp(text, byte_order_mark, 3) == 0) at += 3;
  while (at < end) {
    const char *stop = memchr(at, '\n', (size_t)(end - at));
    if (stop == NULL) stop = end;
    fhx__s3_span line = without_comment(trimmed(at, stop));
    fhx__s3_span section;
    if (read_section(line, &section)) {
      inside = is_text(section, name);
      found = found || inside;
    } else if (inside && line.len > 0) {
      read_key(line, profile);
    }
    at = stop < end ? stop + 1 : end;
  }
  return found;
}
