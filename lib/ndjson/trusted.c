/*
 * Rows that their source vouches for: one line, and where its facts are. What is between them is
 * skipped by its quotes and brackets alone.
 */
#include <string.h>

#include "ndjson/scanner.h"
#include "ndjson/space.h"

/* Behind the closing quote of a string whose text begins at `at`; NULL with the fault stored. */
static const unsigned char *skip_text(fhx__scanner *scanner, const unsigned char *at) {
  const unsigned char *end = scanner->end;
  while (at < end) {
    if (at < scanner->words_end) {
      uint64_t quotes = fhx__quotes(fhx__load_word(at));
      if (quotes == 0) {
        at += FHX__WORD_LEN;
        continue;
      }
      at += fhx__first_byte(quotes);
    }
    if (*at == '"') return at + 1;
    at += *at == '\\' ? 2 : 1;
  }
  return fhx__stop(scanner, FHX__FAULT_TRUNCATED, end);
}

/* Behind an object or array. */
static const unsigned char *skip_levels(fhx__scanner *scanner, const unsigned char *at) {
  size_t levels = 0;
  do {
    if (at == scanner->end) return fhx__stop(scanner, FHX__FAULT_TRUNCATED, at);
    unsigned char c = *at++;
    if (c == '{' || c == '[') levels++;
    if (c == '}' || c == ']') levels--;
    if (c == '"') at = skip_text(scanner, at);
  } while (at != NULL && levels != 0);
  return at;
}

static const unsigned char *skip_value(fhx__scanner *scanner, const unsigned char *at) {
  if (*at == '"') return skip_text(scanner, at + 1);
  if (*at == '{' || *at == '[') return skip_levels(scanner, at);
  while (*at != ',' && *at != '}') at++;
  return at;
}

/* Passes the value of a key that is a fact, strictly; of meta only the brace. */
static const unsigned char *pass_fact(fhx__scanner *scanner, const unsigned char *at) {
  if (!fhx__watch_kind(scanner, at)) return NULL;
  if (scanner->watched_depth > scanner->depth) {
    scanner->depth++;
    return at + 1;
  }
  if (*at != '"') return skip_value(scanner, at);
  const unsigned char *text = at + 1;
  at = fhx__pass_last_text(scanner, text);
  if (at == NULL || !fhx__watch_text(scanner, text, (size_t)(at - 1 - text))) return NULL;
  return at;
}

/* Passes a key, strictly, and its value. The last byte is a brace, so something follows a key. */
static const unsigned char *pass_member(fhx__scanner *scanner, const unsigned char *at) {
  if (*at != '"') return fhx__stop(scanner, FHX__FAULT_SYNTAX, at);
  const unsigned char *text = at + 1;
  at = fhx__pass_last_text(scanner, text);
  if (at == NULL || !fhx__watch_key(scanner, text, (size_t)(at - 1 - text))) return NULL;
  at = fhx__skip_space(at, scanner->end);
  if (*at != ':') return fhx__stop(scanner, FHX__FAULT_SYNTAX, at);
  at = fhx__skip_space(at + 1, scanner->end);
  return scanner->watched == FHX__WATCHED_NONE ? skip_value(scanner, at) : pass_fact(scanner, at);
}

/* Whether no fact can be found any more; meta comes once, and *meta_over says that it came. */
static bool has_all(const fhx__scanner *scanner, bool meta_over) {
  const fhx__facts *facts = scanner->facts;
  return facts->resource_type[0] != '\0' && facts->id[0] != '\0' &&
         (meta_over || facts->has_updated);
}

/* Looks for the facts, behind the first brace, until all are known. */
static void find_facts(fhx__scanner *scanner, const unsigned char *at) {
  const uint32_t meta = UINT32_C(1) << FHX__WATCHED_META;
  while (!has_all(scanner, (scanner->seen & meta) != 0 && scanner->depth == 1)) {
    at = fhx__skip_space(at, scanner->end);
    if (at == scanner->end) {
      fhx__stop(scanner, FHX__FAULT_TRUNCATED, at);
      return;
    }
    if (*at == ',') {
      at++;
    } else if (*at != '}') {
      at = pass_member(scanner, at);
      if (at == NULL) return;
    } else if (scanner->depth == 2) {
      scanner->depth = scanner->watched_depth = 1;
      at++;
    } else {
      if (at + 1 != scanner->end) {
        fhx__stop(scanner, FHX__FAULT_TRAILING, at + 1);
      } else {
        fhx__watch_end(scanner, at);
      }
      return;
    }
  }
}

static const unsigned char *find_break(const unsigned char *text, size_t len) {
  const unsigned char *feed = memchr(text, '\n', len);
  return feed != NULL ? feed : memchr(text, '\r', len);
}

/* Whether the text is one line that begins and ends with a brace. */
static bool is_line(fhx__scanner *scanner, const unsigned char *text, size_t len) {
  const unsigned char *end = scanner->end;
  const unsigned char *breaks = len == 0 ? NULL : find_break(text, len);
  if (len == 0) {
    fhx__stop(scanner, FHX__FAULT_EMPTY, text);
  } else if (breaks != NULL) {
    fhx__stop(scanner, FHX__FAULT_LINE, breaks);
  } else if (*text != '{') {
    fhx__stop(scanner, fhx__begins_value(*text) ? FHX__FAULT_NOT_OBJECT : FHX__FAULT_SYNTAX, text);
  } else if (end[-1] != '}') {
    fhx__stop(scanner, FHX__FAULT_TRUNCATED, end);
  }
  return scanner->fault == FHX__FAULT_NONE;
}

fhx__fault fhx__scan_trusted(const void *in, size_t len, fhx__scan *scan) {
  const unsigned char *begin = in;
  memset(scan, 0, sizeof *scan);
  fhx__scanner scanner = {
      .end = begin + len,
      .words_end = len < FHX__WORD_LEN ? begin : begin + (len - FHX__WORD_LEN + 1),
      .depth = 1,
      .depth_max = FHX__DEPTH_MAX,
      .watched_depth = 1,
      .facts = &scan->facts,
  };
  if (is_line(&scanner, begin, len)) find_facts(&scanner, begin + 1);
  scan->fault = scanner.fault;
  if (scanner.fault == FHX__FAULT_NONE) {
    scan->out_len = len;
  } else {
    scan->offset = (size_t)(scanner.stopped_at - begin);
  }
  return scan->fault;
}
