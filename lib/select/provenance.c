/* What a Provenance says of itself, read from its compact line without a tree. */
#include "select/provenance.h"

#include <string.h>

/* An instant with escapes in it is as good as one without; no longer one is written so. */
#define DECODED_MAX 128

static bool begins(const fhx__raw *raw, char c) {
  return raw->at < raw->end && *raw->at == c;
}

/* The targets of one line, on their way to the callback. */
typedef struct target_walk {
  const char *base_url;
  fhx__reference_callback callback;
  void *context;
} target_walk;

/* Reads one Reference, and behind it. Of a doubled `reference` the last decides. */
static bool give_target(const target_walk *walk, fhx__raw *raw) {
  static const char reference[] = "reference";
  char type[FHX__TYPE_MAX + 1];
  char id[FHX__ID_MAX + 1];
  fhx__raw_string key, text = {NULL, 0, false};
  if (!begins(raw, '{')) {
    fhx__raw_skip_value(raw);
    return true;
  }
  while (fhx__raw_next_member(raw, &key)) {
    if (begins(raw, '"') && fhx__raw_equals(key, reference, sizeof reference - 1)) {
      fhx__raw_read_string(raw, &text);
    } else {
      fhx__raw_skip_value(raw);
    }
  }
  return text.text == NULL || !fhx__reference_read(text, walk->base_url, type, id) ||
         walk->callback(walk->context, type, id);
}

/* A lone object in the place of the list counts as well: the compartment table takes it too. */
static bool give_targets(const target_walk *walk, fhx__raw *raw) {
  if (!begins(raw, '[')) return give_target(walk, raw);
  while (fhx__raw_next_element(raw)) {
    if (!give_target(walk, raw)) return false;
  }
  return true;
}

bool fhx__provenance_targets(const char *line, size_t len, const char *base_url,
                             fhx__reference_callback callback, void *context) {
  static const char target[] = "target";
  const target_walk walk = {base_url, callback, context};
  fhx__raw raw = {line, line + len};
  fhx__raw_string key;
  if (!begins(&raw, '{')) return true;
  while (fhx__raw_next_member(&raw, &key)) {
    if (!fhx__raw_equals(key, target, sizeof target - 1)) {
      fhx__raw_skip_value(&raw);
    } else if (!give_targets(&walk, &raw)) {
      return false;
    }
  }
  return true;
}

static bool read_instant(fhx__raw_string string, fhx__instant *instant) {
  char decoded[DECODED_MAX];
  fhx__raw inside = {string.text, string.text + string.len};
  size_t len = 0;
  if (!string.has_escape) return fhx__instant_parse(string.text, string.len, instant);
  for (int byte = fhx__raw_next_byte(&inside); byte >= 0; byte = fhx__raw_next_byte(&inside)) {
    if (len == sizeof decoded) return false;
    decoded[len++] = (char)byte;
  }
  return fhx__instant_parse(decoded, len, instant);
}

bool fhx__provenance_recorded(const char *line, size_t len, fhx__instant *recorded) {
  static const char name[] = "recorded";
  fhx__raw raw = {line, line + len};
  fhx__raw_string key, text;
  bool found = false;
  if (!begins(&raw, '{')) return false;
  while (fhx__raw_next_member(&raw, &key)) {
    if (!begins(&raw, '"') || !fhx__raw_equals(key, name, sizeof name - 1)) {
      fhx__raw_skip_value(&raw);
    } else {
      found = fhx__raw_read_string(&raw, &text) && read_instant(text, recorded);
    }
  }
  return found;
}
