/*
 * What a reference means. The text is read from its end: type, id and version are short, a base URL
 * may have any length. So a text with escapes needs only a buffer for its last bytes.
 */
#include "select/reference.h"

#include <string.h>

/* "/" type "/" id "/_history/" version is at most 204 bytes. The tail is always so much longer that
   where it was cut never looks like the beginning of a reference. */
#define TAIL_KEPT 256
#define TAIL_CAPACITY 512
#define HEAD_MAX 9

/* The server's base, without a slash at its end; of length 0 if it is not known. */
typedef struct base_text {
  const char *text;
  size_t len;
} base_text;

/* A reference, or the part of it that matters. */
typedef struct reference_text {
  /* The first bytes: "https://" and one more. */
  char head[HEAD_MAX];
  size_t head_len;
  /* The last bytes; all of them unless they are many. */
  const char *tail;
  size_t tail_len;
  /* How long the whole text is. */
  size_t len;
  /* A query or fragment: then the path does not end where the text ends. */
  bool has_query;
  /* Whether the text begins with the server's base. */
  bool has_base;
} reference_text;

static base_text base_of(const char *base_url) {
  base_text base = {base_url, base_url == NULL ? 0 : strlen(base_url)};
  if (base.len > 0 && base_url[base.len - 1] == '/') base.len--;
  return base;
}

static reference_text plain_text(fhx__raw_string string, base_text base) {
  reference_text text = {{0}, 0, string.text, string.len, string.len, false, false};
  text.head_len = string.len < HEAD_MAX ? string.len : HEAD_MAX;
  memcpy(text.head, string.text, text.head_len);
  text.has_query =
      memchr(string.text, '?', string.len) != NULL || memchr(string.text, '#', string.len) != NULL;
  text.has_base =
      base.len > 0 && string.len >= base.len && memcmp(string.text, base.text, base.len) == 0;
  return text;
}

static reference_text decoded_text(fhx__raw_string string, base_text base,
                                   char buffer[TAIL_CAPACITY]) {
  reference_text text = {{0}, 0, buffer, 0, 0, false, false};
  fhx__raw inside = {string.text, string.text + string.len};
  size_t same = 0;
  for (int byte = fhx__raw_next_byte(&inside); byte >= 0; byte = fhx__raw_next_byte(&inside)) {
    if (text.tail_len == TAIL_CAPACITY) {
      memmove(buffer, buffer + TAIL_CAPACITY - TAIL_KEPT, TAIL_KEPT);
      text.tail_len = TAIL_KEPT;
    }
    buffer[text.tail_len++] = (char)byte;
    if (text.head_len < HEAD_MAX) text.head[text.head_len++] = (char)byte;
    if (same == text.len && same < base.len && base.text[same] == (char)byte) same++;
    text.has_query = text.has_query || byte == '?' || byte == '#';
    text.len++;
  }
  text.has_base = base.len > 0 && same == base.len;
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

/* Whether what is in front of `/Type/id`, of which the tail has `left` bytes, is a base that
   counts. */
static bool is_base(const reference_text *text, size_t left, base_text base) {
  size_t scheme = scheme_length(text);
  /* In "http://Patient/1" the word is the host's name, not a type. */
  if (scheme == 0 || left <= scheme) return false;
  return base.len == 0 || (text->has_base && text->len - text->tail_len + left == base.len);
}

bool fhx__reference_read(fhx__raw_string string, const char *base_url, char type[FHX__TYPE_MAX + 1],
                         char id[FHX__ID_MAX + 1]) {
  static const char history[] = "_history";
  char buffer[TAIL_CAPACITY];
  base_text base = base_of(base_url);
  reference_text text =
      string.has_escape ? decoded_text(string, base, buffer) : plain_text(string, base);
  size_t left = text.tail_len, len = 0, type_len = 0;
  bool has_slash = false;
  if (text.has_query) return false;
  const char *last = take_segment(text.tail, &left, &len, &has_slash);
  const char *name = take_segment(text.tail, &left, &type_len, &has_slash);
  if (type_len == sizeof history - 1 && memcmp(name, history, type_len) == 0) {
    if (!fhx__is_id(last, len)) return false;
    last = take_segment(text.tail, &left, &len, &has_slash);
    name = take_segment(text.tail, &left, &type_len, &has_slash);
  }
  if (!fhx__is_type_name(name, type_len) || !fhx__is_id(last, len)) return false;
  if (has_slash && !is_base(&text, left, base)) return false;
  memcpy(type, name, type_len);
  type[type_len] = '\0';
  memcpy(id, last, len);
  id[len] = '\0';
  return true;
}

bool fhx__reference_patient(fhx__raw_string string, const char *base_url, char id[FHX__ID_MAX + 1],
                            size_t *id_len) {
  char type[FHX__TYPE_MAX + 1];
  if (!fhx__reference_read(string, base_url, type, id) || strcmp(type, "Patient") != 0) {
    return false;
  }
  *id_len = strlen(id);
  return true;
}
