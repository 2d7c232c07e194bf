/*
 * The walk over faultless text, in one pass like that of walk.c. It only has to refuse what is not
 * faultless. The text is known to be UTF-8 and to end with a brace, at which everything stops that
 * goes byte by byte; so only closing a level, and text, ask for the end.
 *
 * Included by the files with vector instructions, each of which defines before
 *   VECTOR_LEN          the bytes that are looked at together
 *   quotes_at(at)       marks the quotes among them
 *   breaks_at(at)       marks the backslashes and control characters
 *   first_place(marks)  the place of the first marked byte, when there is one
 */
#include "ndjson/space.h"
#include "ndjson/vector.h"

/* Made part of the caller. Left out of it: what is rare, and would be in the way of the rest. */
#define INLINE static inline __attribute__((always_inline))
#define OUTLINE static __attribute__((noinline))

typedef fhx__vector_walk vector_walk;

/* From white space, or a byte that is in no place, to the first byte that is no white space; copies
   the run before it. Words do: white space is too short for vectors to gain anything. */
OUTLINE const unsigned char *pass_space(vector_walk *walk, const unsigned char *at) {
  const unsigned char *end = walk->scanner.end;
  const unsigned char *run = walk->run;
  size_t len = (size_t)(at - run);
  if (walk->out != NULL) fhx__copy(walk->out + walk->written, run, len, end);
  walk->written += len;
  walk->run = fhx__skip_space(at, end);
  return walk->run;
}

INLINE const unsigned char *next_byte(vector_walk *walk, const unsigned char *at) {
  return *at > ' ' ? at : pass_space(walk, at);
}

/* Where text ends or is interrupted that is less than a vector before the end of the input; behind
   the last byte if nowhere. */
OUTLINE const unsigned char *last_text_end(const vector_walk *walk, const unsigned char *at) {
  while (at <= walk->last && *at >= ' ' && *at != '"' && *at != '\\') at++;
  return at;
}

/* Passes text that is not over in its first vector, or not as simple as most. */
OUTLINE const unsigned char *pass_long_text(vector_walk *walk, const unsigned char *at) {
  for (;;) {
    if (at >= walk->vectors_end) {
      at = last_text_end(walk, at);
      if (at > walk->last) return NULL;
    } else {
      uint64_t ends = quotes_at(at) | breaks_at(at);
      if (ends == 0) {
        at += VECTOR_LEN;
        continue;
      }
      at += first_place(ends);
    }
    if (*at == '"') return at;
    at = fhx__pass_special(&walk->scanner, at);
    if (at == NULL) return NULL;
  }
}

/*
 * Passes text up to its closing quote. Where the next token is hangs on every text before it, so
 * the way from the bytes to their quote is short, and what may interrupt text is looked for beside
 * it.
 */
INLINE const unsigned char *pass_text(vector_walk *walk, const unsigned char *at) {
  if (at < walk->vectors_end) {
    uint64_t quotes = quotes_at(at);
    uint64_t breaks = breaks_at(at);
    /* Without a quote this has all bits: then any break is in the way. */
    if ((breaks & (quotes - 1)) == 0) {
      if (quotes != 0) return at + first_place(quotes);
      at += VECTOR_LEN;
    }
  }
  return pass_long_text(walk, at);
}

INLINE bool is_opener(unsigned char c) {
  return c == '{' || c == '[';
}

/* In ASCII the closing brace and bracket differ in one bit. */
INLINE unsigned char closer_of(uint64_t levels) {
  return (unsigned char)(']' | (levels & 1) << 5);
}

/* Passes a number or a literal up to its last byte. */
INLINE const unsigned char *pass_scalar(vector_walk *walk, const unsigned char *at) {
  at = fhx__pass_scalar(&walk->scanner, at);
  return at == NULL ? NULL : at - 1;
}

/* From a key on: passes members up to one whose value opens a level, or to the closing brace. */
INLINE const unsigned char *pass_members(vector_walk *walk, const unsigned char *at) {
  for (;;) {
    if (*at != '"') return NULL;
    at = pass_text(walk, at + 1);
    if (at == NULL) return NULL;
    if (at[1] == ':' && at[2] == '"') {
      at = pass_text(walk, at + 3);
    } else {
      at = next_byte(walk, at + 1);
      if (*at != ':') return NULL;
      at = next_byte(walk, at + 1);
      if (is_opener(*at)) return at;
      at = *at == '"' ? pass_text(walk, at + 1) : pass_scalar(walk, at);
    }
    if (at == NULL) return NULL;
    if (at[1] == ',' && at[2] == '"') {
      at += 2;
      continue;
    }
    at = next_byte(walk, at + 1);
    if (*at == '}') return at;
    if (*at != ',') return NULL;
    at = next_byte(walk, at + 1);
  }
}

/* From a value in an array on: passes values up to one that opens a level, or to the bracket. */
INLINE const unsigned char *pass_elements(vector_walk *walk, const unsigned char *at) {
  for (;;) {
    if (is_opener(*at)) return at;
    at = *at == '"' ? pass_text(walk, at + 1) : pass_scalar(walk, at);
    if (at == NULL) return NULL;
    at = next_byte(walk, at + 1);
    if (*at == ']') return at;
    if (*at != ',') return NULL;
    at = next_byte(walk, at + 1);
  }
}

/* Behind a value: closes levels up to the next comma and passes that. NULL for a fault, and when
   the outermost level is closed: then *behind is the place behind it. */
INLINE const unsigned char *close_levels(vector_walk *walk, uint64_t *levels,
                                         const unsigned char *at, const unsigned char **behind) {
  while (at != walk->last) {
    *levels >>= 1;
    if (*levels == 1) {
      *behind = at + 1;
      return NULL;
    }
    at = next_byte(walk, at + 1);
    if (*at == ',') return next_byte(walk, at + 1);
    if (*at != closer_of(*levels)) return NULL;
  }
  return NULL;
}

/*
 * Passes an object or array in which there are no facts; NULL for a fault. The open levels are
 * bits: the innermost is the lowest, set for an object, and above the outermost is a 1.
 */
OUTLINE const unsigned char *pass_tree(vector_walk *walk, const unsigned char *at) {
  const unsigned char *behind = NULL;
  uint64_t levels = 1;
  while (at != NULL) {
    if (is_opener(*at)) {
      /* In ASCII a brace has a bit that a bracket has not. */
      levels = levels << 1 | (*at >> 5 & 1);
      if (levels >= walk->levels_end) return NULL;
      at = next_byte(walk, at + 1);
    }
    if (*at == closer_of(levels)) {
      at = close_levels(walk, &levels, at, &behind);
      if (at == NULL) break;
    }
    at = levels & 1 ? pass_members(walk, at) : pass_elements(walk, at);
  }
  return behind;
}

/* Passes a value of the resource or its meta; of an object in which there are facts only the
   opening brace. */
INLINE const unsigned char *pass_watched(vector_walk *walk, const unsigned char *at) {
  fhx__scanner *scanner = &walk->scanner;
  bool is_watched = scanner->watched != FHX__WATCHED_NONE;
  if (is_watched && !fhx__watch_kind(scanner, at)) return NULL;
  if (is_opener(*at)) {
    if (scanner->watched_depth == scanner->depth) return pass_tree(walk, at);
    scanner->depth++;
    walk->levels_end >>= 1;
    return scanner->depth <= scanner->depth_max ? at + 1 : NULL;
  }
  if (*at != '"') return fhx__pass_scalar(scanner, at);
  const unsigned char *text = at + 1;
  at = pass_text(walk, text);
  if (at == NULL) return NULL;
  if (is_watched && !fhx__watch_text(scanner, text, (size_t)(at - text))) return NULL;
  return at + 1;
}

/* Passes a key of the resource or its meta, its colon and its value. */
INLINE const unsigned char *pass_watched_member(vector_walk *walk, const unsigned char *at) {
  if (*at != '"') return NULL;
  const unsigned char *text = at + 1;
  at = pass_text(walk, text);
  if (at == NULL) return NULL;
  size_t len = (size_t)(at - text);
  if (fhx__begins_watched(*text) && !fhx__watch_key(&walk->scanner, text, len)) return NULL;
  if (walk->scanner.keys != NULL) {
    fhx__note_key(&walk->scanner, walk->written + (size_t)(text - 1 - walk->run), len);
  }
  at = next_byte(walk, at + 1);
  return *at == ':' ? pass_watched(walk, next_byte(walk, at + 1)) : NULL;
}

/* Walks from the first brace to the last. */
INLINE bool walk_resource(vector_walk *walk, const unsigned char *at) {
  fhx__scanner *scanner = &walk->scanner;
  uint32_t depth = scanner->depth = 1;
  at = next_byte(walk, at + 1);
  if (*at != '}') at = pass_watched_member(walk, at);
  while (at != NULL) {
    at = next_byte(walk, at);
    if (scanner->depth != depth) {
      /* Into meta. */
      depth = scanner->depth;
      if (*at != '}') at = pass_watched_member(walk, at);
    } else if (*at == ',') {
      at = pass_watched_member(walk, next_byte(walk, at + 1));
    } else if (*at != '}' || at == walk->last) {
      return *at == '}' && depth == 1;
    } else {
      if (depth == 1) return false;
      walk->levels_end <<= 1;
      depth = scanner->depth = scanner->watched_depth = 1;
      at++;
    }
  }
  return false;
}
