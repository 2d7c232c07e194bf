/*
 * What the files of the scanner share. scan.c begins and ends a scan, walk.c is the grammar of
 * objects and arrays, text.c what is rare in strings, scalar.c numbers and literals, watch.c the
 * facts; trusted.c looks at rows that nobody has to check. variant.h and vector.h are about
 * faultless text, which is most of it, with the vectors of the processor.
 *
 * Functions that pass something take where it begins and return where it ends, or NULL with the
 * fault stored. All of them keep the place in their argument and result, so that it stays in a
 * register.
 */
#ifndef FHX__NDJSON_SCANNER_H
#define FHX__NDJSON_SCANNER_H

#include "ndjson/scan.h"

/* A key whose value is a fact. */
typedef enum fhx__watched {
  FHX__WATCHED_NONE,
  FHX__WATCHED_TYPE,
  FHX__WATCHED_ID,
  FHX__WATCHED_META,
  FHX__WATCHED_UPDATED
} fhx__watched;

typedef struct fhx__scanner {
  const unsigned char *end;
  /* Before this place a whole word (swar.h) can be read. */
  const unsigned char *words_end;
  /* What is not yet copied begins at `run`; `written` bytes are out. `out` is NULL when only
     checking. */
  const unsigned char *run;
  unsigned char *out;
  size_t written;
  /* How many objects and arrays are open, and what closes the innermost (0 before the first). */
  uint32_t depth;
  uint32_t depth_max;
  unsigned char closer;
  /* The fault and its place; FHX__FAULT_NONE: the place behind the closed object. */
  fhx__fault fault;
  const unsigned char *stopped_at;
  /* Keys at this depth are looked at: 1, or 2 inside meta. */
  uint32_t watched_depth;
  /* The key whose value comes next. */
  fhx__watched watched;
  /* A bit for each top-level key of enum fhx__watched that was there. */
  uint32_t seen;
  fhx__facts *facts;
  /* NULL: they are not noted. */
  fhx__keys *keys;
  /* A bit for each open level: set for an object. */
  uint64_t is_object[FHX__DEPTH_MAX / 64 + 1];
} fhx__scanner;

/* Space, tab, line feed and carriage return: a bit each, tested at once. */
static inline bool fhx__is_space(unsigned char c) {
  const uint64_t spaces =
      UINT64_C(1) << ' ' | UINT64_C(1) << '\t' | UINT64_C(1) << '\n' | UINT64_C(1) << '\r';
  return c <= ' ' && (spaces >> c & 1) != 0;
}

/* Whether a JSON value can begin with `c`. */
static inline bool fhx__begins_value(unsigned char c) {
  return c == '"' || c == '{' || c == '[' || c == '-' || (c >= '0' && c <= '9') || c == 't' ||
         c == 'f' || c == 'n';
}

/* Notes a key of the resource or its meta, of `len` bytes, whose opening quote is at `begin` of the
   line. */
static inline void fhx__note_key(fhx__scanner *scanner, size_t begin, size_t len) {
  fhx__keys *keys = scanner->keys;
  if (keys->count < FHX__KEYS_MAX) {
    keys->at[keys->count] = (fhx__key){begin, len, scanner->depth};
  }
  keys->count++;
}

/* Stores the fault and returns NULL. */
const unsigned char *fhx__stop(fhx__scanner *scanner, fhx__fault fault, const unsigned char *at);

/* Passes white space, and copies the run before it; NULL at the end of the input. */
const unsigned char *fhx__pass_space(fhx__scanner *scanner, const unsigned char *at);

/*
 * Walks the object whose opening brace is at `at`. At the end stopped_at and fault are set, and
 * everything is copied except the last run.
 */
void fhx__walk_plain(fhx__scanner *scanner, const unsigned char *at);

/* Inside a string, at a byte that is neither plain ASCII nor the quote: passes an escape or some
   sequences of UTF-8. */
const unsigned char *fhx__pass_special(fhx__scanner *scanner, const unsigned char *at);
/* Inside a string: passes the closing quote, byte by byte. */
const unsigned char *fhx__pass_last_text(fhx__scanner *scanner, const unsigned char *at);

/* Passes true, false, null or a number. */
const unsigned char *fhx__pass_scalar(fhx__scanner *scanner, const unsigned char *at);

/* Whether a key that begins with `c` can be a watched one; it may be spelt with an escape. */
static inline bool fhx__begins_watched(unsigned char c) {
  return c == 'i' || c == 'l' || c == 'm' || c == 'r' || c == '\\';
}

/* Looks at a key, the `len` bytes at `text`, at the watched depth. False: a fault is stored. */
bool fhx__watch_key(fhx__scanner *scanner, const unsigned char *text, size_t len);
/* At the value of the watched key: whether it begins as one of the right kind. */
bool fhx__watch_kind(fhx__scanner *scanner, const unsigned char *at);
/* Behind the value of the watched key, when it is a string with `len` bytes at `text`. */
bool fhx__watch_text(fhx__scanner *scanner, const unsigned char *text, size_t len);
/* Whether a resourceType and an id were there when the last brace, at `at`, closes. */
bool fhx__watch_end(fhx__scanner *scanner, const unsigned char *at);

#endif
