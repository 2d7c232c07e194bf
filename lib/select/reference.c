/*
 * Which patient a reference means. The text is read from its end: an id and a version are short, a
 * base URL may have any length. So a text with escapes needs only a buffer for its last bytes.
 */
#include "select/reference.h"

#include <string.h>

/* "/Patient/" id "/_history/" version is at most 147 bytes. The tail is always so much longer that
   where it was cut never looks like the beginning of a reference. */
#define TAIL_KEPT 192
#define TAIL_CAPACITY 512
#define HEAD_MAX 9

/* A reference, or the part of it that matters. */
typedef struct reference_text {
  /* The first bytes: "https://" and one more. */
  char head[HEAD_MAX];
  size_t head_len;
  /* The last bytes; all of them unless they are many. */
  const char *tail;
  size_t tail_len;
  /* A query or fragment: then the path does not end where the text ends. */
  bool has_query;
} reference_text;

static reference_text plain_text(fhx__raw_string string) {
  reference_text text = {{0}, 0, string.text, string.len, false};
  text.head_len = string.len < HEAD_MAX ? string.len : HEAD_MAX;
  memcpy(text.head, string.text, text.head_len);
  text.has_query =
      memchr(string.text, '?', string.len) != NULL || memchr(string.text, '#', string.len) != NULL;
  return text;
}

static reference_text decoded_text(fhx__raw_string string, char buffer[TAIL_CAPACITY]) {
  reference_text text = {{0}, 0, buffer, 0, false};
  fhx__raw inside = {string.text, string.text + string.len};
  for (int byte = fhx__raw_next_byte(&inside); byte >= 0; byte = fhx__raw_next_byte(&inside)) {
    if (text.tail_len == TAIL_CAPACITY) {
      memmove(buffer, buffer + TAIL_CAPACITY - TAIL_KEPT, TAIL_KEPT);
      text.tail_len = TAIL_KEPT;
    }
    buffer[text.tail_len++] = (char)byte;
    if (text.head_len < HEAD_MAX) text.head[text.head_len++] = (char)byte;
    text.has_query = text.has_query || byte == '?' || byte == '#';
  }
  return text;
}

/* The last segment of the first *len bytes; *len becomes what is before it and its slash, which is
   there if *has_slash. */
static const char *take_segment(const char *text, size_t *len, size_t *segment_len,
                                bool *has_slash) {
  size_t begin = *len;
  while (begin > 0 && text[begin - 1] != '/') begin--;
  *segment_len = *len - begin;
  *has_slash = begin > 0;
  *len = begin > 0 ? begin - 1 : 0;
  return text + begin;
}

static bool is_text(const char *text, size_t len, const char *wanted) {
  return len == strlen(wanted) && memcmp(text, wanted, len) == 0;
}

/* The length of the scheme of a FHIR server's URL, where a host follows; else 0. */
static size_t scheme_length(const reference_text *text) {
  static const char *const schemes[] = {"http://", "https://"};
  for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
    size_t len = strlen(schemes[i]);
    if (text->head_len > len && memcmp(text->head, schemes[i], len) == 0) {
      return text->head[len] == '/' ? 0 : len;
    }
  }
  return 0;
}

bool fhx__reference_patient(fhx__raw_string string, char id[FHX__ID_MAX + 1], size_t *id_len) {
  char buffer[TAIL_CAPACITY];
  reference_text text = string.has_escape ? decoded_text(string, buffer) : plain_text(string);
  size_t left = text.tail_len, len = 0, type_len = 0;
  bool has_slash = false;
  if (text.has_query) return false;
  const char *last = take_segment(text.tail, &left, &len, &has_slash);
  const char *type = take_segment(text.tail, &left, &type_len, &has_slash);
  if (is_text(type, type_len, "_history")) {
    if (!fhx__is_id(last, len)) return false;
    last = take_segment(text.tail, &left, &len, &has_slash);
    type = take_segment(text.tail, &left, &type_len, &has_slash);
  }
  if (!is_text(type, type_len, "Patient") || !fhx__is_id(last, len)) return false;
  size_t scheme = scheme_length(&text);
  bool relative = !has_slash;
  /* In "http://Patient/1" the word is the host's name, not a type. */
  bool absolute = has_slash && scheme > 0 && left > scheme;
  if (!relative && !absolute) return false;
  memcpy(id, last, len);
  id[len] = '\0';
  *id_len = len;
  return true;
}
