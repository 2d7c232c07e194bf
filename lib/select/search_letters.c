/* Strings in search queries: compared without case and accents, unless :exact. */
#include "select/fold_table.h"
#include "select/search_parts.h"

/* Accents that stand behind their letter. */
#define MARKS_FIRST 0x0300
#define MARKS_LAST 0x036F

size_t fhx__fold(int32_t letter, uint32_t folded[FHX__FOLDED_MAX]) {
  folded[0] = (uint32_t)letter;
  if (letter < 0x80) {
    if (letter >= 'A' && letter <= 'Z') folded[0] += 'a' - 'A';
    return 1;
  }
  if (letter >= MARKS_FIRST && letter <= MARKS_LAST) return 0;
  for (size_t i = 0; i < FHX__FOLD_RANGES; i++) {
    const fhx__fold_range *range = &fhx__fold_table[i];
    if (letter < range->first || letter > range->last) continue;
    uint16_t to = range->letters[letter - range->first];
    folded[0] = to;
    if (to < FHX__FOLD_PAIRS_FROM) return 1;
    folded[0] = fhx__fold_pairs[to - FHX__FOLD_PAIRS_FROM][0];
    folded[1] = fhx__fold_pairs[to - FHX__FOLD_PAIRS_FROM][1];
    return 2;
  }
  return 1;
}

/* Whether the string begins with the value's letters, or has them anywhere (the search of Knuth,
   Morris and Pratt: no letter is looked at twice). */
static bool has_letters(const fhx__search_value *value, fhx__raw_string string, bool anywhere) {
  fhx__raw inside = {string.text, string.text + string.len};
  uint32_t folded[FHX__FOLDED_MAX];
  size_t met = 0;
  for (int32_t letter = fhx__search_next_letter(&inside); letter >= 0;
       letter = fhx__search_next_letter(&inside)) {
    size_t count = fhx__fold(letter, folded);
    for (size_t i = 0; i < count; i++) {
      while (met > 0 && anywhere && value->letters[met] != folded[i]) met = value->falls[met];
      if (value->letters[met] == folded[i]) {
        met++;
      } else if (!anywhere) {
        return false;
      }
      if (met == value->letter_count) return true;
    }
  }
  return false;
}

static bool takes_string(const fhx__search_condition *condition, fhx__raw_string string) {
  for (size_t i = 0; i < condition->value_count; i++) {
    const fhx__search_value *value = &condition->values[i];
    bool takes = condition->modifier == FHX__SEARCH_EXACT
                     ? fhx__search_spells(string, value->text)
                     : has_letters(value, string, condition->modifier == FHX__SEARCH_CONTAINS);
    if (takes) return true;
  }
  return false;
}

/* The parts of a HumanName or an Address that are read by people. */
static bool is_word_member(fhx__raw_string key) {
  static const char *const names[] = {"family", "given",      "prefix", "suffix",
                                      "text",   "line",       "city",   "district",
                                      "state",  "postalCode", "country"};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    size_t len = 0;
    while (names[i][len] != '\0') len++;
    if (fhx__raw_equals(key, names[i], len)) return true;
  }
  return false;
}

static bool takes_any(const fhx__search_condition *condition, fhx__raw value) {
  fhx__search_items items;
  fhx__raw_string string = {NULL, 0, false};
  for (bool more = fhx__search_first_item(value, &items); more;
       more = fhx__search_next_item(&items)) {
    if (fhx__search_string(items.raw, &string) && takes_string(condition, string)) return true;
  }
  return false;
}

bool fhx__search_words(const fhx__search_condition *condition, fhx__raw value) {
  fhx__raw_string key = {NULL, 0, false};
  if (!fhx__search_enter(&value)) return takes_any(condition, value);
  while (fhx__search_next_member(&value, &key)) {
    if (is_word_member(key) && takes_any(condition, value)) return true;
    fhx__raw_skip_value(&value);
  }
  return false;
}
