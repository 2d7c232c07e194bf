/* Tokens and URIs in search queries. Codes and systems are compared byte for byte. */
#include <string.h>

#include "select/search_parts.h"

static bool takes_plain(const fhx__search_value *value, fhx__raw_string code) {
  /* `system|`: whatever the implied system is. */
  return (value->has_system && value->text.len == 0) || fhx__search_spells(code, value->text);
}

static bool takes(const fhx__search_value *value, fhx__raw_string system, fhx__raw_string code) {
  bool code_is_right =
      code.text != NULL && value->text.len > 0 && fhx__search_spells(code, value->text);
  if (!value->has_system) return code_is_right;
  if (value->system.len == 0) return code_is_right && system.text == NULL;
  return system.text != NULL && fhx__search_spells(system, value->system) &&
         (value->text.len == 0 || code_is_right);
}

/* Whether any of the values takes this; an absent text has no bytes at all (NULL). */
static bool takes_code(const fhx__search_condition *condition, fhx__raw_string system,
                       fhx__raw_string code, bool is_plain) {
  for (size_t i = 0; i < condition->value_count; i++) {
    const fhx__search_value *value = &condition->values[i];
    if (is_plain ? takes_plain(value, code) : takes(value, system, code)) return true;
  }
  return false;
}

static bool takes_coding(const fhx__search_condition *condition, fhx__raw value) {
  fhx__raw_string key = {NULL, 0, false}, system = {NULL, 0, false}, code = {NULL, 0, false};
  if (!fhx__search_enter(&value)) return false;
  while (fhx__search_next_member(&value, &key)) {
    if (FHX__SEARCH_IS(key, "system")) {
      fhx__search_string(value, &system);
    } else if (FHX__SEARCH_IS(key, "code")) {
      fhx__search_string(value, &code);
    }
    fhx__raw_skip_value(&value);
  }
  return takes_code(condition, system, code, false);
}

static bool takes_codings(const fhx__search_condition *condition, fhx__raw list) {
  fhx__search_items items;
  for (bool more = fhx__search_first_item(list, &items); more;
       more = fhx__search_next_item(&items)) {
    if (takes_coding(condition, items.raw)) return true;
  }
  return false;
}

/* What a data type's members are told by: `coding` makes it a CodeableConcept; the code of a Coding
   is called `code`, that of an Identifier or a ContactPoint `value`. The paths of search parameters
   lead into a CodeableReference. */
static bool takes_object(const fhx__search_condition *condition, const fhx__search_use *use,
                         fhx__raw value) {
  fhx__raw_string key = {NULL, 0, false}, system = {NULL, 0, false}, code = {NULL, 0, false};
  if (!fhx__search_enter(&value)) return false;
  while (fhx__search_next_member(&value, &key)) {
    if (FHX__SEARCH_IS(key, "coding")) {
      if (takes_codings(condition, value)) return true;
    } else if (FHX__SEARCH_IS(key, "system")) {
      fhx__search_string(value, &system);
    } else if (FHX__SEARCH_IS(key, "code") || FHX__SEARCH_IS(key, "value")) {
      fhx__search_string(value, &code);
    }
    fhx__raw_skip_value(&value);
  }
  if (use->only_system.len > 0 &&
      (system.text == NULL || !fhx__search_spells(system, use->only_system))) {
    return false;
  }
  return takes_code(condition, system, code, false);
}

bool fhx__search_token(const fhx__search_condition *condition, const fhx__search_use *use,
                       fhx__raw value) {
  fhx__raw_string none = {NULL, 0, false}, code = none;
  if (*value.at == '{') return takes_object(condition, use, value);
  if (use->only_system.len > 0) return false;
  if (!fhx__search_string(value, &code)) {
    fhx__raw behind = value;
    fhx__raw_skip_value(&behind);
    code = (fhx__raw_string){value.at, (size_t)(behind.at - value.at), false};
    if (*value.at != 't' && *value.at != 'f') return false;
  }
  return takes_code(condition, none, code, true);
}

/* --- URIs --- */

/* How the segments of two URIs relate: both are walked as far as they are one. */
static bool is_below(fhx__raw upper, bool upper_is_json, fhx__raw lower, bool lower_is_json) {
  int32_t last = 0;
  for (;;) {
    int32_t of_upper =
        upper_is_json ? fhx__search_next_letter(&upper) : fhx__search_next_plain(&upper);
    int32_t of_lower =
        lower_is_json ? fhx__search_next_letter(&lower) : fhx__search_next_plain(&lower);
    /* A segment has to end where the upper URI does. */
    if (of_upper < 0) return of_lower < 0 || last == '/' || of_lower == '/';
    if (of_upper != of_lower) return false;
    last = of_upper;
  }
}

bool fhx__search_uri(const fhx__search_condition *condition, fhx__raw value) {
  fhx__raw_string string = {NULL, 0, false};
  if (!fhx__search_string(value, &string)) return false;
  fhx__raw found = {string.text, string.text + string.len};
  for (size_t i = 0; i < condition->value_count; i++) {
    fhx__search_text_part text = condition->values[i].text;
    fhx__raw asked = {text.text, text.text + text.len};
    if (condition->modifier == FHX__SEARCH_BELOW ? is_below(asked, false, found, true)
        : condition->modifier == FHX__SEARCH_ABOVE
            ? string.len > 0 && is_below(found, true, asked, false)
            : fhx__search_spells(string, text)) {
      return true;
    }
  }
  return false;
}
