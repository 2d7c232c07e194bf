/* The forms of FHIR and library names. */
#include "core/names.h"

#include <openssl/rand.h>
#include <string.h>

#include "core/error.h"

static bool is_letter(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

static bool is_segment_character(char c) {
  return is_letter(c) || is_digit(c) || c == '-' || c == '_' || c == '.';
}

/* Which kind a character of an id is of is as good as random in a UUID, so nothing branches on it:
   this is asked for every resource. */
static const unsigned char id_characters[256] = {
    ['-'] = 1, ['.'] = 1, ['0'] = 1, ['1'] = 1, ['2'] = 1, ['3'] = 1, ['4'] = 1, ['5'] = 1,
    ['6'] = 1, ['7'] = 1, ['8'] = 1, ['9'] = 1, ['A'] = 1, ['B'] = 1, ['C'] = 1, ['D'] = 1,
    ['E'] = 1, ['F'] = 1, ['G'] = 1, ['H'] = 1, ['I'] = 1, ['J'] = 1, ['K'] = 1, ['L'] = 1,
    ['M'] = 1, ['N'] = 1, ['O'] = 1, ['P'] = 1, ['Q'] = 1, ['R'] = 1, ['S'] = 1, ['T'] = 1,
    ['U'] = 1, ['V'] = 1, ['W'] = 1, ['X'] = 1, ['Y'] = 1, ['Z'] = 1, ['a'] = 1, ['b'] = 1,
    ['c'] = 1, ['d'] = 1, ['e'] = 1, ['f'] = 1, ['g'] = 1, ['h'] = 1, ['i'] = 1, ['j'] = 1,
    ['k'] = 1, ['l'] = 1, ['m'] = 1, ['n'] = 1, ['o'] = 1, ['p'] = 1, ['q'] = 1, ['r'] = 1,
    ['s'] = 1, ['t'] = 1, ['u'] = 1, ['v'] = 1, ['w'] = 1, ['x'] = 1, ['y'] = 1, ['z'] = 1};

bool fhx__is_id(const char *text, size_t len) {
  if (len == 0 || len > FHX__ID_MAX) return false;
  unsigned int all = 1;
  for (size_t i = 0; i < len; i++) all &= id_characters[(unsigned char)text[i]];
  return all != 0;
}

bool fhx__is_type_name(const char *text, size_t len) {
  if (len == 0 || len > FHX__TYPE_MAX || text[0] < 'A' || text[0] > 'Z') return false;
  for (size_t i = 1; i < len; i++) {
    if (!is_letter(text[i])) return false;
  }
  return true;
}

bool fhx__is_job_id(const char *text) {
  for (size_t i = 0; i < FHX__JOB_ID_LEN; i++) {
    if (!is_digit(text[i]) && !(text[i] >= 'a' && text[i] <= 'f')) return false;
  }
  return text[FHX__JOB_ID_LEN] == '\0';
}

static bool is_segment(const char *text, size_t len) {
  if (len == 0 || text[0] == '.') return false;
  for (size_t i = 0; i < len; i++) {
    if (!is_segment_character(text[i])) return false;
  }
  return true;
}

bool fhx__is_tenant(const char *text) {
  size_t len = strlen(text);
  return len <= 64 && is_segment(text, len);
}

static bool is_name(const char *text, bool of_document) {
  if (strlen(text) > FHX__PART_NAME_MAX) return false;
  for (;;) {
    if (of_document && *text == '$') text++;
    size_t len = strcspn(text, "/");
    if (!is_segment(text, len)) return false;
    if (text[len] == '\0') return true;
    text += len + 1;
  }
}

bool fhx__is_part_name(const char *text) {
  return is_name(text, false);
}

bool fhx__is_document_name(const char *text) {
  return is_name(text, true);
}

/* The length of the well-formed sequence at `at`, 0 if there is none. (Unicode, table 3-7.) */
static size_t sequence_length(const unsigned char *at, size_t left) {
  unsigned char first = at[0];
  if (first < 0x80) return 1;
  size_t len = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || left < len) return 0;
  unsigned char low = 0x80, high = 0xBF;
  if (first == 0xE0) low = 0xA0;
  if (first == 0xED) high = 0x9F;
  if (first == 0xF0) low = 0x90;
  if (first == 0xF4) high = 0x8F;
  if (at[1] < low || at[1] > high) return 0;
  for (size_t i = 2; i < len; i++) {
    if (at[i] < 0x80 || at[i] > 0xBF) return 0;
  }
  return len;
}

bool fhx__is_utf8(const void *data, size_t len) {
  const unsigned char *bytes = data;
  for (size_t i = 0; i < len;) {
    size_t step = sequence_length(bytes + i, len - i);
    if (step == 0) return false;
    i += step;
  }
  return true;
}

uint32_t fhx__text_hash(const char *text) {
  uint32_t hash = UINT32_C(2166136261);
  for (; *text != '\0'; text++) hash = (hash ^ (unsigned char)*text) * UINT32_C(16777619);
  return hash;
}

bool fhx__list_has(const char *list, const char *name) {
  size_t wanted = strlen(name);
  for (const char *at = list; at != NULL;) {
    size_t len = strcspn(at, ",");
    if (len == wanted && memcmp(at, name, len) == 0) return true;
    at = at[len] == '\0' ? NULL : at + len + 1;
  }
  return false;
}

char fhx__escape_spells(char letter) {
  switch (letter) {
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    default:
      return letter;
  }
}

void fhx__hex(char *text, const uint8_t *data, size_t len) {
  static const char digits[] = "0123456789abcdef";
  for (size_t i = 0; i < len; i++) {
    text[2 * i] = digits[data[i] >> 4];
    text[2 * i + 1] = digits[data[i] & 15];
  }
  text[2 * len] = '\0';
}

int32_t fhx__random_job_id(char id[FHX__JOB_ID_LEN + 1], fhx_error **error) {
  uint8_t bytes[FHX__JOB_ID_LEN / 2];
  if (RAND_bytes(bytes, (int)sizeof bytes) != 1) {
    return fhx__fail(error, FHX_ERR_IO, "the system's random generator gave nothing");
  }
  fhx__hex(id, bytes, sizeof bytes);
  return FHX_OK;
}
