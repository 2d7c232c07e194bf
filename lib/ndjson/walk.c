/*
 * The grammar of objects and arrays, in plain C. Open levels are bits in a fixed stack; nothing
 * recurses. Expected bytes are tried first, white space after that: stored FHIR is mostly compact.
 */
#include "ndjson/scanner.h"
#include "ndjson/swar.h"

/* The next byte that is no white space. Below a space there may also stand what is in no place. */
static inline const unsigned char *next_token(fhx__scanner *scanner, const unsigned char *at) {
  return (at < scanner->end) && (*at > ' ') ? at : fhx__pass_space(scanner, at);
}

/* Passes the byte `c`, which comes at once in compact text, or white space and then `c`. */
static inline const unsigned char *pass_byte(fhx__scanner *scanner, const unsigned char *at,
                                             unsigned char c) {
  if (at < scanner->end && *at == c) return at + 1;
  at = fhx__pass_space(scanner, at);
  if (at == NULL) return NULL;
  return *at == c ? at + 1 : fhx__stop(scanner, FHX__FAULT_SYNTAX, at);
}

/* Passes the body of a string and its closing quote. */
static inline const unsigned char *pass_text(fhx__scanner *scanner, const unsigned char *at) {
  for (;;) {
    if (at >= scanner->words_end) return fhx__pass_last_text(scanner, at);
    uint64_t special = fhx__special_bytes(fhx__load_word(at));
    if (special == 0) {
      at += FHX__WORD_LEN;
      continue;
    }
    at += fhx__first_byte(special);
    if (*at == '"') return at + 1;
    at = fhx__pass_special(scanner, at);
    if (at == NULL) return NULL;
  }
}

/* Passes an opening brace or bracket; what follows may close it at once. */
static inline const unsigned char *enter(fhx__scanner *scanner, const unsigned char *at) {
  if (scanner->depth >= scanner->depth_max) return fhx__stop(scanner, FHX__FAULT_DEPTH, at);
  uint32_t level = ++scanner->depth;
  uint64_t bit = UINT64_C(1) << level % 64;
  if (*at == '{') {
    scanner->is_object[level / 64] |= bit;
    scanner->closer = '}';
  } else {
    scanner->is_object[level / 64] &= ~bit;
    scanner->closer = ']';
  }
  return next_token(scanner, at + 1);
}

/* Closes the innermost level with the byte at `at`. False: it was the last one, or a fault. */
static inline bool leave(fhx__scanner *scanner, const unsigned char *at) {
  uint32_t level = --scanner->depth;
  if (level < scanner->watched_depth) {
    scanner->watched_depth = 1;
    if (level == 0) {
      if (fhx__watch_end(scanner, at)) fhx__stop(scanner, FHX__FAULT_NONE, at + 1);
      return false;
    }
  }
  scanner->closer = scanner->is_object[level / 64] >> level % 64 & 1 ? '}' : ']';
  return true;
}

/* Behind a value: closes levels and passes a comma. NULL at the end of the walk as well. */
static inline const unsigned char *pass_separator(fhx__scanner *scanner, const unsigned char *at) {
  for (;;) {
    at = next_token(scanner, at);
    if (at == NULL) return NULL;
    if (*at == ',') return at + 1;
    if (*at != scanner->closer) return fhx__stop(scanner, FHX__FAULT_SYNTAX, at);
    if (!leave(scanner, at)) return NULL;
    at++;
  }
}

/* Passes a key and its colon. */
static inline const unsigned char *pass_key(fhx__scanner *scanner, const unsigned char *at) {
  const unsigned char *text = pass_byte(scanner, at, '"');
  if (text == NULL) return NULL;
  at = pass_text(scanner, text);
  if (at == NULL) return NULL;
  if (scanner->depth == scanner->watched_depth) {
    size_t len = (size_t)(at - 1 - text);
    if (fhx__begins_watched(*text) && !fhx__watch_key(scanner, text, len)) return NULL;
    if (scanner->keys != NULL) {
      fhx__note_key(scanner, scanner->written + (size_t)(text - 1 - scanner->run), len);
    }
  }
  return pass_byte(scanner, at, ':');
}

/* Passes a string, a number or a literal that is the value of a watched key. */
static const unsigned char *pass_watched(fhx__scanner *scanner, const unsigned char *at) {
  if (!fhx__watch_kind(scanner, at)) return NULL;
  if (*at != '"') return fhx__pass_scalar(scanner, at);
  const unsigned char *text = at + 1;
  at = pass_text(scanner, text);
  if (at == NULL || !fhx__watch_text(scanner, text, (size_t)(at - 1 - text))) return NULL;
  return at;
}

/* Passes a value and the separator behind it, or only the beginning of an object or array. */
static inline const unsigned char *pass_value(fhx__scanner *scanner, const unsigned char *at) {
  at = next_token(scanner, at);
  if (at == NULL) return NULL;
  if (*at == '"' && scanner->watched == FHX__WATCHED_NONE) {
    at = pass_text(scanner, at + 1);
  } else if (*at == '{' || *at == '[') {
    if (scanner->watched != FHX__WATCHED_NONE && !fhx__watch_kind(scanner, at)) return NULL;
    at = enter(scanner, at);
    if (at == NULL || *at != scanner->closer) return at;
  } else if (scanner->watched != FHX__WATCHED_NONE) {
    at = pass_watched(scanner, at);
  } else {
    at = fhx__pass_scalar(scanner, at);
  }
  return at == NULL ? NULL : pass_separator(scanner, at);
}

void fhx__walk_plain(fhx__scanner *scanner, const unsigned char *at) {
  do {
    if (scanner->closer == '}') at = pass_key(scanner, at);
    if (at != NULL) at = pass_value(scanner, at);
  } while (at != NULL);
}
