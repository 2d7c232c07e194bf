/* COPY's binary form (PostgreSQL, "COPY", File Formats), as the server sends it: a message a row.
 */
#include "source/postgres_copy.h"

#include <stdint.h>
#include <string.h>

/* Behind it are 32 flags, and the length of what may follow. */
static const char signature[11] = {'P', 'G', 'C', 'O', 'P', 'Y', '\n', '\377', '\r', '\n', '\0'};
/* Flags that say that the form is another: those of the upper half. */
#define CRITICAL_FLAGS UINT32_C(0xFFFF0000)
#define NULL_LEN UINT32_C(0xFFFFFFFF)
#define NO_MORE_ROWS UINT32_C(0xFFFF)

typedef struct unread {
  const char *at;
  size_t len;
} unread;

static bool skip(unread *rest, size_t len) {
  if (rest->len < len) return false;
  rest->at += len;
  rest->len -= len;
  return true;
}

static bool read_number(unread *rest, size_t bytes, uint32_t *number) {
  const unsigned char *at = (const unsigned char *)rest->at;
  if (!skip(rest, bytes)) return false;
  *number = 0;
  for (size_t i = 0; i < bytes; i++) *number = *number << 8 | at[i];
  return true;
}

static bool read_header(unread *rest) {
  const char *at = rest->at;
  uint32_t flags = 0, more = 0;
  if (!skip(rest, sizeof signature) || memcmp(at, signature, sizeof signature) != 0) return false;
  if (!read_number(rest, 4, &flags) || (flags & CRITICAL_FLAGS) != 0) return false;
  return read_number(rest, 4, &more) && skip(rest, more);
}

static bool read_field(unread *rest, fhx__postgres_fields *fields, int i) {
  uint32_t len = 0;
  if (!read_number(rest, 4, &len)) return false;
  fields->data[i] = len == NULL_LEN ? NULL : rest->at;
  fields->len[i] = len == NULL_LEN ? 0 : len;
  return skip(rest, fields->len[i]);
}

bool fhx__copy_read(fhx__copy_reader *reader, const char *message, size_t len,
                    fhx__postgres_fields *fields) {
  unread rest = {message, len};
  uint32_t count = 0;
  fields->count = 0;
  if (reader->has_ended || (!reader->has_header && !read_header(&rest))) return false;
  reader->has_header = true;
  if (!read_number(&rest, 2, &count)) return false;
  reader->has_ended = count == NO_MORE_ROWS;
  if (reader->has_ended) return rest.len == 0;
  if (count == 0 || count > FHX__FIELDS_MAX) return false;
  for (uint32_t i = 0; i < count; i++) {
    if (!read_field(&rest, fields, (int)i)) return false;
  }
  fields->count = (int)count;
  return rest.len == 0;
}
