/* References and canonical URLs in search queries. */
#include <string.h>

#include "core/names.h"
#include "select/reference.h"
#include "select/search_parts.h"

/* What is spelt with escapes is copied; longer than this it does not match. */
#define REFERENCE_TEXT_MAX 2048

static bool is_same(fhx__search_text_part a, fhx__search_text_part b) {
  return a.len == b.len && (a.len == 0 || memcmp(a.text, b.text, a.len) == 0);
}

static fhx__search_text_part behind(fhx__search_text_part text, size_t len) {
  return (fhx__search_text_part){text.text + len, text.len - len};
}

/* Behind the last slash of the text. */
static fhx__search_text_part last_segment(fhx__search_text_part text) {
  size_t at = text.len;
  while (at > 0 && text.text[at - 1] != '/') at--;
  return behind(text, at);
}

/* The text without its last segment and the slash in front of it. */
static fhx__search_text_part without(fhx__search_text_part text, fhx__search_text_part last) {
  size_t len = text.len - last.len;
  return (fhx__search_text_part){text.text, len > 0 ? len - 1 : 0};
}

static bool begins_with(fhx__search_text_part text, const char *with) {
  size_t len = strlen(with);
  return text.len >= len && memcmp(text.text, with, len) == 0;
}

/* Whether this may be what stands in front of a type: nothing, or a server's URL. */
static bool is_base(fhx__search_text_part text, fhx__search_text_part base) {
  if (base.len == 0) return base.text + base.len == text.text;
  return (begins_with(base, "http://") && base.len > 7 && base.text[7] != '/') ||
         (begins_with(base, "https://") && base.len > 8 && base.text[8] != '/');
}

fhx__search_target fhx__search_read_target(fhx__search_text_part text) {
  fhx__search_target target = {text, {NULL, 0}, {NULL, 0}, {NULL, 0}, {NULL, 0}};
  fhx__search_text_part last = last_segment(text);
  fhx__search_text_part rest = without(text, last);
  fhx__search_text_part name = last_segment(rest);
  if (is_same(name, (fhx__search_text_part){"_history", 8})) {
    target.version = last;
    target.text = without(rest, name);
    last = last_segment(target.text);
    rest = without(target.text, last);
    name = last_segment(rest);
  }
  if (!fhx__is_id(last.text, last.len)) return target;
  if (last.len == target.text.len) {
    target.id = last;
    return target;
  }
  bool has_slash = name.len < rest.len;
  fhx__search_text_part base = without(rest, name);
  bool plausible = has_slash ? base.len > 0 && is_base(text, base) : true;
  if (!fhx__is_type_name(name.text, name.len) || !plausible) return target;
  target.type = name;
  target.id = last;
  target.base = has_slash ? base : (fhx__search_text_part){NULL, 0};
  return target;
}

/* Whether the target is on this server. */
static bool is_own(const fhx__search_target *target, const char *base_url) {
  size_t len = base_url == NULL ? 0 : strlen(base_url);
  if (len > 0 && base_url[len - 1] == '/') len--;
  return target->type.len > 0 &&
         (target->base.len == 0 || len == 0 ||
          (target->base.len == len && memcmp(target->base.text, base_url, len) == 0));
}

static bool names_target(const fhx__search_value *value, const fhx__search_target *found,
                         const char *base_url) {
  const fhx__search_target *asked = &value->target;
  if (asked->version.len > 0 && !is_same(asked->version, found->version)) return false;
  if (asked->id.len > 0 && asked->type.len == 0) {
    return is_own(found, base_url) && is_same(asked->id, found->id);
  }
  if (asked->type.len > 0 && is_own(asked, base_url) && is_own(found, base_url)) {
    return is_same(asked->type, found->type) && is_same(asked->id, found->id);
  }
  return is_same(asked->text, found->text);
}

/* What is known of a Reference. */
typedef struct reference_parts {
  fhx__search_target target;
  bool has_text;
  fhx__raw_string type;
  fhx__raw identifier;
  char room[REFERENCE_TEXT_MAX];
} reference_parts;

static void take_text(fhx__raw value, reference_parts *parts) {
  fhx__raw_string string = {NULL, 0, false};
  fhx__search_text_part text = {NULL, 0};
  if (fhx__search_string(value, &string) &&
      fhx__search_spelt(string, parts->room, sizeof parts->room, &text) && text.len > 0) {
    parts->target = fhx__search_read_target(text);
    parts->has_text = true;
  }
}

/* Reads a Reference. A `reference` that is an object makes it a CodeableReference, and what is in
   it the Reference: *inner. */
static bool read_parts(fhx__raw value, reference_parts *parts, fhx__raw *inner) {
  fhx__raw_string key = {NULL, 0, false};
  parts->has_text = false;
  parts->type = (fhx__raw_string){NULL, 0, false};
  parts->identifier = (fhx__raw){NULL, NULL};
  inner->at = NULL;
  if (!fhx__search_enter(&value)) return false;
  while (fhx__search_next_member(&value, &key)) {
    if (FHX__SEARCH_IS(key, "reference")) {
      if (*value.at == '{') *inner = value;
      take_text(value, parts);
    } else if (FHX__SEARCH_IS(key, "type")) {
      fhx__search_string(value, &parts->type);
    } else if (FHX__SEARCH_IS(key, "identifier")) {
      parts->identifier = value;
    }
    fhx__raw_skip_value(&value);
  }
  return true;
}

static bool read_reference(fhx__raw value, reference_parts *parts) {
  fhx__raw inner = {NULL, NULL};
  fhx__raw deeper = {NULL, NULL};
  if (!read_parts(value, parts, &inner)) return false;
  return inner.at == NULL || read_parts(inner, parts, &deeper);
}

static bool has_type(const reference_parts *parts, fhx__search_text_part type) {
  if (type.len == 0) return true;
  if (parts->has_text && parts->target.type.len > 0) return is_same(parts->target.type, type);
  return parts->type.text != NULL && fhx__search_spells(parts->type, type);
}

bool fhx__search_has_reference(const fhx__search_use *use, fhx__raw value) {
  reference_parts parts;
  if (use->only_type.len == 0) return true;
  return read_reference(value, &parts) && has_type(&parts, use->only_type);
}

bool fhx__search_reference(const fhx__search_condition *condition, const fhx__search_use *use,
                           fhx__raw value, const char *base_url) {
  reference_parts parts;
  if (*value.at == '"') {
    return condition->modifier == FHX__SEARCH_PLAIN && use->only_type.len == 0 &&
           fhx__search_canonical(condition, value);
  }
  if (!read_reference(value, &parts) || !has_type(&parts, use->only_type)) return false;
  if (condition->modifier == FHX__SEARCH_IDENTIFIER) {
    return parts.identifier.at != NULL && fhx__search_token(condition, use, parts.identifier);
  }
  if (!parts.has_text) return false;
  for (size_t i = 0; i < condition->value_count; i++) {
    if (names_target(&condition->values[i], &parts.target, base_url)) return true;
  }
  return false;
}

/* The URL is that of the value, and so is the version, if the value has one. */
bool fhx__search_canonical(const fhx__search_condition *condition, fhx__raw value) {
  char room[REFERENCE_TEXT_MAX];
  fhx__raw_string string = {NULL, 0, false};
  fhx__search_text_part url = {NULL, 0}, version = {NULL, 0};
  if (!fhx__search_string(value, &string) || !fhx__search_spelt(string, room, sizeof room, &url)) {
    return false;
  }
  const char *bar = url.len > 0 ? memchr(url.text, '|', url.len) : NULL;
  if (bar != NULL) {
    version = behind(url, (size_t)(bar - url.text) + 1);
    url.len = (size_t)(bar - url.text);
  }
  for (size_t i = 0; i < condition->value_count; i++) {
    const fhx__search_value *asked = &condition->values[i];
    if (asked->has_system ? is_same(asked->system, url) && is_same(asked->text, version)
                          : is_same(asked->text, url)) {
      return true;
    }
  }
  return false;
}
