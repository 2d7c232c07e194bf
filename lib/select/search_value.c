/* The values of one condition of a search query: split at commas, and read as its kind has them. */
#include <string.h>

#include "core/names.h"
#include "select/search_parts.h"

/* The first `wanted` that no backslash is in front of, or the end. */
static char *find_plain(char *at, const char *wanted) {
  while (*at != '\0' && strchr(wanted, *at) == NULL) at += *at == '\\' && at[1] != '\0' ? 2 : 1;
  return at;
}

/* Undoes the escapes of FHIR in place; false: a backslash stands before something else. */
static bool undo_escapes(char *text, fhx__search_text_part *part, const char **why) {
  char *to = text;
  for (const char *at = text; *at != '\0'; at++) {
    if (*at == '\\') {
      at++;
      if (*at == '\0' || strchr("\\,$|", *at) == NULL) {
        *why = "has a backslash that escapes nothing";
        return false;
      }
    }
    *to++ = *at;
  }
  *part = (fhx__search_text_part){text, (size_t)(to - text)};
  return true;
}

static const struct {
  char text[3];
  fhx__search_prefix prefix;
} prefixes[] = {
    {"eq", FHX__SEARCH_EQ}, {"ne", FHX__SEARCH_NE}, {"gt", FHX__SEARCH_GT},
    {"lt", FHX__SEARCH_LT}, {"ge", FHX__SEARCH_GE}, {"le", FHX__SEARCH_LE},
    {"sa", FHX__SEARCH_SA}, {"eb", FHX__SEARCH_EB}, {"ap", FHX__SEARCH_AP},
};

/* What is left behind the prefix; without one it is eq. */
static char *take_prefix(char *text, fhx__search_prefix *prefix) {
  *prefix = FHX__SEARCH_EQ;
  for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++) {
    if (strncmp(text, prefixes[i].text, 2) != 0) continue;
    *prefix = prefixes[i].prefix;
    return text + 2;
  }
  return text;
}

/* `code`, `system|code`, `|code` or `system|`. */
static bool read_token(char *text, fhx__search_value *value, const char **why) {
  char *bar = find_plain(text, "|");
  if (*bar == '\0') return undo_escapes(text, &value->text, why);
  *bar = '\0';
  value->has_system = true;
  if (*find_plain(bar + 1, "|") != '\0') {
    *why = "has a value with more than one bar";
    return false;
  }
  if (!undo_escapes(text, &value->system, why) || !undo_escapes(bar + 1, &value->text, why)) {
    return false;
  }
  if (value->system.len == 0 && value->text.len == 0) *why = "has a value that is empty";
  return *why == NULL;
}

static bool read_date(char *text, fhx__search_value *value, const char **why) {
  text = take_prefix(text, &value->prefix);
  if (fhx__search_read_date(text, strlen(text), &value->span)) return true;
  *why = "has a value that is no date";
  return false;
}

/* `[prefix]number`, with `|system|code` behind it for a quantity. */
static bool read_quantity(fhx__search *search, fhx__search_kind kind, char *text,
                          fhx__search_value *value, const char **why) {
  text = take_prefix(text, &value->prefix);
  char *bar = find_plain(text, "|");
  if (kind == FHX__SEARCH_QUANTITY && *bar == '|') {
    *bar++ = '\0';
    char *second = find_plain(bar, "|");
    if (*second == '\0') {
      *why = "has a quantity that is not of the form number|system|code";
      return false;
    }
    if (!read_token(bar, value, why)) return false;
  }
  return fhx__search_read_bounds(search, value, (fhx__search_text_part){text, strlen(text)}, why);
}

/* A URL and, behind the last bar, its version. */
static void split_version(fhx__search_text_part whole, fhx__search_value *value) {
  size_t at = whole.len;
  while (at > 0 && whole.text[at - 1] != '|') at--;
  value->has_system = at > 0;
  value->system = (fhx__search_text_part){whole.text, at > 0 ? at - 1 : 0};
  value->text = (fhx__search_text_part){whole.text + at, whole.len - at};
}

static bool read_reference(fhx__search *search, char *text, const char *only,
                           fhx__search_value *value, const char **why) {
  fhx__search_text_part whole = {NULL, 0};
  if (!undo_escapes(text, &whole, why)) return false;
  value->target = fhx__search_read_target(whole);
  split_version(whole, value);
  if (*only == '\0') return true;
  fhx__search_text_part type = value->target.type;
  size_t only_len = strlen(only);
  if (value->target.id.len == 0 ||
      (type.len > 0 && (type.len != only_len || memcmp(type.text, only, only_len) != 0))) {
    *why = "has a value that is no id of that type";
    return false;
  }
  if (type.len > 0) return true;
  char *full = fhx__search_keep(search, only_len + 1 + whole.len, 1);
  if (full == NULL) return false;
  memcpy(full, only, only_len);
  full[only_len] = '/';
  memcpy(full + only_len + 1, whole.text, whole.len);
  value->target = fhx__search_read_target((fhx__search_text_part){full, only_len + 1 + whole.len});
  return true;
}

/* How far each failed match falls back: to the longest beginning that the letters before also end
   with. */
static void read_falls(const uint32_t *letters, size_t count, size_t *falls) {
  size_t border = 0;
  for (size_t i = 1; i < count; i++) {
    falls[i] = border;
    while (border > 0 && letters[border] != letters[i]) border = falls[border];
    if (letters[border] == letters[i]) border++;
  }
}

static bool read_letters(fhx__search *search, char *text, fhx__search_value *value,
                         const char **why) {
  if (!undo_escapes(text, &value->text, why)) return false;
  uint32_t *letters = fhx__search_keep(search, value->text.len * FHX__FOLDED_MAX, sizeof *letters);
  size_t *falls = fhx__search_keep(search, value->text.len * FHX__FOLDED_MAX, sizeof *falls);
  if (letters == NULL || falls == NULL) return false;
  fhx__raw inside = {value->text.text, value->text.text + value->text.len};
  for (int32_t letter = fhx__search_next_plain(&inside); letter >= 0;
       letter = fhx__search_next_plain(&inside)) {
    value->letter_count += fhx__fold(letter, letters + value->letter_count);
  }
  read_falls(letters, value->letter_count, falls);
  value->letters = letters;
  value->falls = falls;
  /* Accents without a letter: everything would begin with that. */
  if (value->letter_count == 0) *why = "has a value without a letter";
  return value->letter_count > 0;
}

static bool read_id(char *text, fhx__search_value *value, const char **why) {
  value->text = (fhx__search_text_part){text, strlen(text)};
  if (fhx__is_id(text, value->text.len)) return true;
  *why = "has a value that is no id";
  return false;
}

static bool read_uri(const fhx__search_condition *condition, char *text, fhx__search_value *value,
                     const char **why) {
  if (!undo_escapes(text, &value->text, why)) return false;
  bool by_segments =
      condition->modifier == FHX__SEARCH_BELOW || condition->modifier == FHX__SEARCH_ABOVE;
  if (by_segments && strncmp(value->text.text, "urn:", 4) == 0) {
    *why = "has a URN, which has nothing below or above it";
    return false;
  }
  return true;
}

/* False with *why set, or without memory. */
static bool read_value(fhx__search *search, fhx__search_condition *condition, char *text,
                       const char *only, fhx__search_value *value, const char **why) {
  fhx__search_text_part whole = {NULL, 0};
  switch (condition->kind) {
    case FHX__SEARCH_TOKEN:
      return read_token(text, value, why);
    case FHX__SEARCH_DATE:
    case FHX__SEARCH_UPDATED:
      return read_date(text, value, why);
    case FHX__SEARCH_REFERENCE:
      if (condition->modifier == FHX__SEARCH_IDENTIFIER) return read_token(text, value, why);
      return read_reference(search, text, only, value, why);
    case FHX__SEARCH_STRING:
      return read_letters(search, text, value, why);
    case FHX__SEARCH_URI:
      return read_uri(condition, text, value, why);
    case FHX__SEARCH_CANONICAL:
      if (!undo_escapes(text, &whole, why)) return false;
      split_version(whole, value);
      return true;
    case FHX__SEARCH_ID:
      return read_id(text, value, why);
    default:
      return read_quantity(search, condition->kind, text, value, why);
  }
}

static bool read_boolean(const char *text, bool *value, const char **why) {
  *value = strcmp(text, "true") == 0;
  if (*value || strcmp(text, "false") == 0) return true;
  *why = "has a value that is neither true nor false";
  return false;
}

/* `true`, `false` or both: no more is asked than whether there is something. */
static int32_t read_not_false(fhx__search_condition *condition, char *values, const char **why) {
  bool wants_true = false, wants_false = false;
  for (char *at = values; at != NULL;) {
    char *comma = strchr(at, ',');
    bool value = false;
    if (comma != NULL) *comma++ = '\0';
    if (!read_boolean(at, &value, why)) return FHX_ERR_ARGUMENT;
    wants_true = wants_true || value;
    wants_false = wants_false || !value;
    at = comma;
  }
  condition->negated = wants_false;
  if (wants_true && wants_false) condition->kind = FHX__SEARCH_ANYTHING;
  return FHX_OK;
}

static size_t count_values(char *values) {
  size_t count = 1;
  for (char *at = find_plain(values, ","); *at != '\0'; at = find_plain(at + 1, ",")) count++;
  return count;
}

int32_t fhx__search_read_values(fhx__search *search, fhx__search_condition *condition, char *values,
                                const char *only, const char **why) {
  *why = NULL;
  if (condition->modifier == FHX__SEARCH_MISSING) {
    return read_boolean(values, &condition->negated, why) ? FHX_OK : FHX_ERR_ARGUMENT;
  }
  if (condition->kind == FHX__SEARCH_NOT_FALSE) return read_not_false(condition, values, why);
  condition->value_count = count_values(values);
  condition->values = fhx__search_keep(search, condition->value_count, sizeof *condition->values);
  if (condition->values == NULL) return FHX_ERR_NO_MEMORY;
  for (size_t i = 0; i < condition->value_count; i++) {
    char *end = find_plain(values, ",");
    bool more = *end != '\0';
    *end = '\0';
    if (*values == '\0') *why = "has a value that is empty";
    if (*why != NULL || !read_value(search, condition, values, only, &condition->values[i], why)) {
      return *why != NULL ? FHX_ERR_ARGUMENT : FHX_ERR_NO_MEMORY;
    }
    values = more ? end + 1 : end;
  }
  return FHX_OK;
}
