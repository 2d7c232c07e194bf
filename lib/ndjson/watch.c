/*
 * The facts: top-level resourceType and id, and lastUpdated inside the top-level meta. Keys and
 * values count as what they spell, with escapes or without. Strings have passed the grammar before
 * they are looked at here.
 *
 * Of several lastUpdated in one meta the last decides, as it does in most JSON readers; if that one
 * is no instant, none is known.
 */
#include <string.h>

#include "ndjson/scanner.h"

/* What a byte that is no ASCII spells. */
#define NOT_ASCII 0x80

/* A lastUpdated that is spelt with escapes is read up to this length: far more digits than
   fhx__instant keeps. A longer one is not known. */
#define SPELT_INSTANT_MAX 128

static unsigned int hex_value(unsigned int c) {
  return c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
}

/* The ASCII character that the escape at *at spells, or NOT_ASCII; *at moves behind it. */
static unsigned int spelt_escape(const unsigned char **at) {
  unsigned int c = (*at)[1];
  *at += 2;
  if (c != 'u') return (unsigned char)fhx__escape_spells((char)c);
  unsigned int unit = 0;
  for (int digits = 0; digits < 4; digits++) unit = unit << 4 | hex_value(*(*at)++);
  return unit < NOT_ASCII ? unit : NOT_ASCII;
}

/* The ASCII character spelt at *at, which moves behind it, or at least NOT_ASCII. */
static inline unsigned int spelt_character(const unsigned char **at) {
  return **at == '\\' ? spelt_escape(at) : *(*at)++;
}

static bool spells_slowly(const unsigned char *text, size_t len, const char *name) {
  const unsigned char *end = text + len;
  while (text < end && *name != '\0') {
    if (spelt_character(&text) != (unsigned char)*name++) return false;
  }
  return text == end && *name == '\0';
}

/* Whether a string spells the name. With an escape in it, it is longer than what it spells. */
static inline bool spells(const unsigned char *text, size_t len, const char *name,
                          size_t name_len) {
  if (len <= name_len) return len == name_len && memcmp(text, name, name_len) == 0;
  return (*text == '\\' || *text == (unsigned char)*name) && spells_slowly(text, len, name);
}

/*
 * Stores where the characters are that a string spells: in the string itself, or decoded into
 * `room`. False: they do not fit there. What is not ASCII becomes a byte that no name or instant
 * holds.
 */
static bool read_spelt(const unsigned char *text, size_t len, char *room, size_t capacity,
                       const char **spelt, size_t *spelt_len) {
  *spelt = (const char *)text;
  *spelt_len = len;
  if (memchr(text, '\\', len) == NULL) return true;
  const unsigned char *end = text + len;
  size_t used = 0;
  while (text < end) {
    if (used == capacity) return false;
    room[used++] = (char)spelt_character(&text);
  }
  *spelt = room;
  *spelt_len = used;
  return true;
}

/* The top-level key that a string spells. Most are told apart by their first byte, which is the
   closing quote when there is none. */
static fhx__watched top_key(const unsigned char *text, size_t len) {
  unsigned char c = *text;
  if (c != 'i' && c != 'm' && c != 'r' && c != '\\') return FHX__WATCHED_NONE;
  if (spells(text, len, "id", 2)) return FHX__WATCHED_ID;
  if (spells(text, len, "meta", 4)) return FHX__WATCHED_META;
  if (spells(text, len, "resourceType", 12)) return FHX__WATCHED_TYPE;
  return FHX__WATCHED_NONE;
}

bool fhx__watch_key(fhx__scanner *scanner, const unsigned char *text, size_t len) {
  if (scanner->depth > 1) {
    if (!spells(text, len, "lastUpdated", 11)) return true;
    scanner->watched = FHX__WATCHED_UPDATED;
    scanner->facts->has_updated = false;
    return true;
  }
  fhx__watched watched = top_key(text, len);
  if (watched == FHX__WATCHED_NONE) return true;
  uint32_t bit = UINT32_C(1) << watched;
  if ((scanner->seen & bit) != 0) {
    fhx__stop(scanner, FHX__FAULT_DOUBLED_KEY, text - 1);
    return false;
  }
  scanner->seen |= bit;
  scanner->watched = watched;
  return true;
}

bool fhx__watch_kind(fhx__scanner *scanner, const unsigned char *at) {
  fhx__watched watched = scanner->watched;
  /* A string is looked at once more behind its end. */
  if (*at == '"') return true;
  scanner->watched = FHX__WATCHED_NONE;
  if (!fhx__begins_value(*at)) {
    fhx__stop(scanner, FHX__FAULT_SYNTAX, at);
  } else if (watched == FHX__WATCHED_TYPE) {
    fhx__stop(scanner, FHX__FAULT_RESOURCE_TYPE, at);
  } else if (watched == FHX__WATCHED_ID) {
    fhx__stop(scanner, FHX__FAULT_ID, at);
  } else if (watched == FHX__WATCHED_META && *at == '{') {
    scanner->watched_depth = scanner->depth + 1;
  }
  return scanner->fault == FHX__FAULT_NONE;
}

static bool watch_type(fhx__scanner *scanner, const unsigned char *text, size_t len) {
  char room[FHX__TYPE_MAX] = {0};
  const char *type = NULL;
  size_t type_len = 0;
  if (!read_spelt(text, len, room, sizeof room, &type, &type_len) ||
      !fhx__is_type_name(type, type_len)) {
    fhx__stop(scanner, FHX__FAULT_RESOURCE_TYPE, text - 1);
    return false;
  }
  memcpy(scanner->facts->resource_type, type, type_len);
  return true;
}

static bool watch_id(fhx__scanner *scanner, const unsigned char *text, size_t len) {
  char room[FHX__ID_MAX] = {0};
  const char *id = NULL;
  size_t id_len = 0;
  if (!read_spelt(text, len, room, sizeof room, &id, &id_len) || !fhx__is_id(id, id_len)) {
    fhx__stop(scanner, FHX__FAULT_ID, text - 1);
    return false;
  }
  memcpy(scanner->facts->id, id, id_len);
  return true;
}

static void watch_updated(fhx__facts *facts, const unsigned char *text, size_t len) {
  char room[SPELT_INSTANT_MAX] = {0};
  const char *instant = NULL;
  size_t instant_len = 0;
  if (!read_spelt(text, len, room, sizeof room, &instant, &instant_len)) return;
  facts->has_updated = fhx__instant_parse(instant, instant_len, &facts->updated);
}

bool fhx__watch_text(fhx__scanner *scanner, const unsigned char *text, size_t len) {
  fhx__watched watched = scanner->watched;
  scanner->watched = FHX__WATCHED_NONE;
  switch (watched) {
    case FHX__WATCHED_TYPE:
      return watch_type(scanner, text, len);
    case FHX__WATCHED_ID:
      return watch_id(scanner, text, len);
    case FHX__WATCHED_UPDATED:
      watch_updated(scanner->facts, text, len);
      return true;
    default:
      return true;
  }
}

bool fhx__watch_end(fhx__scanner *scanner, const unsigned char *at) {
  if (scanner->facts->resource_type[0] == '\0') {
    fhx__stop(scanner, FHX__FAULT_RESOURCE_TYPE, at);
  } else if (scanner->facts->id[0] == '\0') {
    fhx__stop(scanner, FHX__FAULT_ID, at);
  }
  return scanner->fault == FHX__FAULT_NONE;
}
