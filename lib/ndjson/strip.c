/* Stripping accepted text in pieces. Only strings matter here; the grammar is known to be right. */
#include "ndjson/space.h"

/* The first quote or backslash from `at` on, or a place less than a word before the end. */
static const unsigned char *skip_plain(const unsigned char *at, const unsigned char *end) {
  while (end - at >= FHX__WORD_LEN) {
    uint64_t quotes = fhx__quotes(fhx__load_word(at));
    if (quotes != 0) return at + fhx__first_byte(quotes);
    at += FHX__WORD_LEN;
  }
  return at;
}

/* Inside a string: passes its closing quote, or everything. */
static const unsigned char *pass_string(fhx__strip *strip, const unsigned char *at,
                                        const unsigned char *end) {
  while (at < end) {
    if (strip->escaped) {
      strip->escaped = false;
      at++;
      continue;
    }
    at = skip_plain(at, end);
    if (at == end) break;
    unsigned char c = *at++;
    if (c == '\\') strip->escaped = true;
    if (c == '"') {
      strip->in_string = false;
      break;
    }
  }
  return at;
}

size_t fhx__strip_piece(fhx__strip *strip, const void *in, size_t len, void *out) {
  if (len == 0) return 0;
  const unsigned char *at = in;
  const unsigned char *end = at + len;
  const unsigned char *run = at;
  unsigned char *to = out;
  while (at < end) {
    if (strip->in_string) {
      at = pass_string(strip, at, end);
    } else if (fhx__is_space(*at)) {
      fhx__copy(to, run, (size_t)(at - run), end);
      to += at - run;
      at = run = fhx__skip_space(at, end);
    } else {
      strip->in_string = *at++ == '"';
    }
  }
  memcpy(to, run, (size_t)(at - run));
  to += at - run;
  return (size_t)(to - (unsigned char *)out);
}
