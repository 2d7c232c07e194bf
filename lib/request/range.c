/* The Range header (RFC 9110, section 14), one range of bytes at a time. */
#include <string.h>

#include "request/request.h"

typedef struct position {
  bool is_given;
  /* The greatest value where there are more digits: nothing is that long. */
  uint64_t value;
} position;

static position read_position(const char **at) {
  position read = {false, 0};
  for (; **at >= '0' && **at <= '9'; ++*at) {
    uint64_t digit = (uint64_t)(**at - '0');
    bool fits = read.value <= (UINT64_MAX - digit) / 10;
    read.value = fits ? read.value * 10 + digit : UINT64_MAX;
    read.is_given = true;
  }
  return read;
}

/* The unit's name has no case. */
static bool read_unit(const char **at) {
  static const char unit[] = "bytes=";
  for (size_t i = 0; unit[i] != '\0'; i++, ++*at) {
    char c = **at;
    if (c >= 'A' && c <= 'Z') c = (char)(c - 'A' + 'a');
    if (c != unit[i]) return false;
  }
  return true;
}

/* The last so many bytes; of an empty body these are the whole of it. */
static int32_t suffix(uint64_t wanted, uint64_t length, uint64_t *first, uint64_t *count) {
  if (wanted == 0) return FHX_ERR_LIMIT;
  if (length == 0) return FHX_END;
  *count = wanted < length ? wanted : length;
  *first = length - *count;
  return FHX_OK;
}

int32_t fhx__range_read(const char *value, uint64_t length, uint64_t *first, uint64_t *count) {
  const char *at = value;
  *first = 0;
  *count = length;
  if (at == NULL || !read_unit(&at)) return FHX_END;
  position begin = read_position(&at);
  if (*at++ != '-') return FHX_END;
  position last = read_position(&at);
  if (*at != '\0') return FHX_END;
  if (!begin.is_given) return last.is_given ? suffix(last.value, length, first, count) : FHX_END;
  if (last.is_given && last.value < begin.value) return FHX_END;
  if (begin.value >= length) return FHX_ERR_LIMIT;
  *first = begin.value;
  *count = length - begin.value;
  if (last.is_given && last.value < length) *count = last.value - begin.value + 1;
  return FHX_OK;
}
