/* What is rare inside strings: escapes, UTF-8 beyond ASCII, and the end of the input. */
#include "ndjson/scanner.h"

/* The most bytes that one sequence has. */
#define SEQUENCE_MAX 4

static bool is_hex(unsigned char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* Passes an escape. Any four digits will do: a surrogate alone is an escape as RFC 8259 has it. */
static const unsigned char *pass_escape(fhx__scanner *scanner, const unsigned char *at) {
  const unsigned char *end = scanner->end;
  if (++at == end) return fhx__stop(scanner, FHX__FAULT_TRUNCATED, end);
  switch (*at) {
    case '"':
    case '\\':
    case '/':
    case 'b':
    case 'f':
    case 'n':
    case 'r':
    case 't':
      return at + 1;
    case 'u':
      break;
    default:
      return fhx__stop(scanner, FHX__FAULT_SYNTAX, at);
  }
  at++;
  for (int digits = 0; digits < 4; digits++, at++) {
    if (at == end) return fhx__stop(scanner, FHX__FAULT_TRUNCATED, end);
    if (!is_hex(*at)) return fhx__stop(scanner, FHX__FAULT_SYNTAX, at);
  }
  return at;
}

/*
 * The length of the well-formed sequence (Unicode, table 3-7) whose bytes are in `word`, the first
 * the lowest; 0 if there is none. The bits of the first two bytes that tell what is overlong, a
 * surrogate or too high are compared as one number.
 */
static size_t sequence_length(uint32_t word) {
  if ((word & 0xC0C0F0) == 0x8080E0) {
    uint32_t top = word & 0x200F;
    return top != 0 && top != 0x200D ? 3 : 0;
  }
  if ((word & 0xC0E0) == 0x80C0) return (word & 0x1E) != 0 ? 2 : 0;
  if ((word & 0xC0C0C0F8) == 0x808080F0) {
    uint32_t plane = (word & 7) << 2 | (word >> 12 & 3);
    return plane >= 1 && plane <= 16 ? 4 : 0;
  }
  return 0;
}

static uint32_t load_sequence(const unsigned char *at) {
  return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

/*
 * Passes one sequence close to the end of the input. Missing bytes are filled up with 0x80 or 0xBF,
 * one of which continues whatever can be continued: then the input is truncated, not ill-formed.
 */
static const unsigned char *pass_last_sequence(fhx__scanner *scanner, const unsigned char *at) {
  size_t left = (size_t)(scanner->end - at);
  unsigned char low[SEQUENCE_MAX] = {0x80, 0x80, 0x80, 0x80};
  unsigned char high[SEQUENCE_MAX] = {0xBF, 0xBF, 0xBF, 0xBF};
  for (size_t i = 0; i < left && i < SEQUENCE_MAX; i++) low[i] = high[i] = at[i];
  size_t len = sequence_length(load_sequence(low));
  if (len == 0) len = sequence_length(load_sequence(high));
  if (len == 0) return fhx__stop(scanner, FHX__FAULT_UTF8, at);
  return len <= left ? at + len : fhx__stop(scanner, FHX__FAULT_TRUNCATED, scanner->end);
}

/* Passes sequences up to the next ASCII byte, or fewer near the end of the input. Where a word can
   be read, a sequence and the byte behind it are there. */
static const unsigned char *pass_sequences(fhx__scanner *scanner, const unsigned char *at) {
  while (at < scanner->words_end) {
    size_t len = sequence_length(load_sequence(at));
    if (len == 0) return fhx__stop(scanner, FHX__FAULT_UTF8, at);
    at += len;
    if (*at <= 0x7F) return at;
  }
  return pass_last_sequence(scanner, at);
}

const unsigned char *fhx__pass_special(fhx__scanner *scanner, const unsigned char *at) {
  if (*at > 0x7F) return pass_sequences(scanner, at);
  return *at == '\\' ? pass_escape(scanner, at) : fhx__stop(scanner, FHX__FAULT_SYNTAX, at);
}

const unsigned char *fhx__pass_last_text(fhx__scanner *scanner, const unsigned char *at) {
  while (at < scanner->end) {
    if (*at == '"') return at + 1;
    if (*at < ' ' || *at > 0x7F || *at == '\\') {
      at = fhx__pass_special(scanner, at);
      if (at == NULL) return NULL;
    } else {
      at++;
    }
  }
  return fhx__stop(scanner, FHX__FAULT_TRUNCATED, at);
}
