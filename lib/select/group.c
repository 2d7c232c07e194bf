/*
 * A Group's resource, read in one pass without a tree: the objects that matter lie on fixed levels,
 * everything else is skipped as a whole. Of a key that an object has twice the last value decides;
 * a Group with two lists of members has the members of both.
 */
#include "select/group.h"

#include <fhirexport/filter.h>
#include <fhirexport/source.h>
#include <string.h>

#include "core/instant.h"

#define MEMBER_FILTER "http://hl7.org/fhir/uv/bulkdata/StructureDefinition/member-filter"

/* --- steps through the text --- */

static bool begins(const fhx__raw *raw, char c) {
  return raw->at < raw->end && *raw->at == c;
}

static bool is_key(fhx__raw_string key, const char *name) {
  return fhx__raw_equals(key, name, strlen(name));
}

/* Passes a value; whether it is this word. */
static bool read_word(fhx__raw *raw, const char *word) {
  const char *begin = raw->at;
  fhx__raw_skip_value(raw);
  size_t len = strlen(word);
  return (size_t)(raw->at - begin) == len && memcmp(begin, word, len) == 0;
}

/* A value that should be a string. */
typedef struct text_value {
  /* It is there, and not null. */
  bool given;
  bool is_text;
  fhx__raw_string text;
} text_value;

static text_value read_text(fhx__raw *raw) {
  text_value value = {false, false, {NULL, 0, false}};
  if (begins(raw, '"')) {
    value.given = value.is_text = fhx__raw_read_string(raw, &value.text);
  } else {
    value.given = !read_word(raw, "null");
  }
  return value;
}

/* --- modifier extensions --- */

typedef struct modifiers {
  bool has_member_filter;
  bool has_unknown;
} modifiers;

static void read_modifier(fhx__raw *raw, modifiers *found) {
  fhx__raw_string key;
  text_value url = {false, false, {NULL, 0, false}};
  if (!begins(raw, '{')) {
    found->has_unknown = !read_word(raw, "null") || found->has_unknown;
    return;
  }
  while (fhx__raw_next_member(raw, &key)) {
    if (is_key(key, "url")) {
      url = read_text(raw);
    } else {
      fhx__raw_skip_value(raw);
    }
  }
  if (url.is_text && is_key(url.text, MEMBER_FILTER)) {
    found->has_member_filter = true;
  } else {
    found->has_unknown = true;
  }
}

/* A lone object in the place of the list is no less a modifier. */
static void read_modifiers(fhx__raw *raw, modifiers *found) {
  if (!begins(raw, '[')) {
    read_modifier(raw, found);
    return;
  }
  while (fhx__raw_next_element(raw)) read_modifier(raw, found);
}

/* --- one member --- */

typedef struct member_text {
  text_value reference;
  /* `period` is there; it is an object; what is in it. */
  bool has_period;
  bool has_bounds;
  bool has_start;
  bool has_end;
  text_value start;
  text_value end;
  bool inactive;
  modifiers modified;
} member_text;

static void read_entity(fhx__raw *raw, member_text *member) {
  fhx__raw_string key;
  member->reference = (text_value){false, false, {NULL, 0, false}};
  if (!begins(raw, '{')) {
    fhx__raw_skip_value(raw);
    return;
  }
  while (fhx__raw_next_member(raw, &key)) {
    if (is_key(key, "reference")) {
      member->reference = read_text(raw);
    } else {
      fhx__raw_skip_value(raw);
    }
  }
}

static void read_period(fhx__raw *raw, member_text *member) {
  fhx__raw_string key;
  member->has_period = true;
  member->has_bounds = begins(raw, '{');
  member->has_start = member->has_end = false;
  if (!member->has_bounds) {
    fhx__raw_skip_value(raw);
    return;
  }
  while (fhx__raw_next_member(raw, &key)) {
    if (is_key(key, "start")) {
      member->has_start = true;
      member->start = read_text(raw);
    } else if (is_key(key, "end")) {
      member->has_end = true;
      member->end = read_text(raw);
    } else {
      fhx__raw_skip_value(raw);
    }
  }
}

static void read_member(fhx__raw *raw, member_text *member) {
  fhx__raw_string key;
  memset(member, 0, sizeof *member);
  if (!begins(raw, '{')) {
    fhx__raw_skip_value(raw);
    return;
  }
  while (fhx__raw_next_member(raw, &key)) {
    if (is_key(key, "entity")) {
      read_entity(raw, member);
    } else if (is_key(key, "period")) {
      read_period(raw, member);
    } else if (is_key(key, "inactive")) {
      member->inactive = read_word(raw, "true");
    } else if (is_key(key, "modifierExtension")) {
      read_modifiers(raw, &member->modified);
    } else {
      fhx__raw_skip_value(raw);
    }
  }
}

/* --- the head --- */

typedef struct head_text {
  bool is_group;
  /* `actual` or `membership` is there. */
  bool says;
  bool actual;
  bool enumerated;
  bool has_member;
  bool has_modified_member;
  modifiers modified;
} head_text;

/* What member-filter means on a member nobody has said. */
static void look_at_member(fhx__raw *raw, head_text *head) {
  member_text member;
  read_member(raw, &member);
  head->has_member = true;
  head->has_modified_member =
      head->has_modified_member || member.modified.has_unknown || member.modified.has_member_filter;
}

static void look_at_members(fhx__raw *raw, head_text *head) {
  if (begins(raw, '[')) {
    while (fhx__raw_next_element(raw)) look_at_member(raw, head);
  } else if (begins(raw, '{')) {
    look_at_member(raw, head);
  } else {
    fhx__raw_skip_value(raw);
  }
}

static bool read_literal(fhx__raw *raw, const char *literal) {
  text_value value = read_text(raw);
  return value.is_text && is_key(value.text, literal);
}

static void look_at(fhx__raw *raw, fhx__raw_string key, head_text *head) {
  if (is_key(key, "resourceType")) {
    head->is_group = read_literal(raw, "Group");
  } else if (is_key(key, "actual")) {
    head->says = true;
    head->actual = read_word(raw, "true");
  } else if (is_key(key, "membership")) {
    head->says = true;
    head->enumerated = read_literal(raw, "enumerated");
  } else if (is_key(key, "modifierExtension")) {
    read_modifiers(raw, &head->modified);
  } else if (is_key(key, "member")) {
    look_at_members(raw, head);
  } else {
    fhx__raw_skip_value(raw);
  }
}

bool fhx__group_read_head(const char *line, size_t len, fhx__group_head *head) {
  fhx__raw raw = {line, line + len};
  fhx__raw_string key;
  head_text text;
  memset(&text, 0, sizeof text);
  if (begins(&raw, '{')) {
    while (fhx__raw_next_member(&raw, &key)) look_at(&raw, key, &text);
  }
  head->lists_members = text.actual || text.enumerated || (!text.says && text.has_member);
  head->has_member_filter = text.modified.has_member_filter;
  head->has_unknown_modifier = text.modified.has_unknown || text.has_modified_member;
  return text.is_group;
}

bool fhx__group_may_have(uint32_t fhir_version, const char *resource_type) {
  /* Those of R5 came later. */
  static const char *const types[] = {
      "Device",       "Medication",    "Practitioner",      "PractitionerRole",
      "Substance",    "CareTeam",      "HealthcareService", "Location",
      "Organization", "RelatedPerson", "Specimen"};
  size_t count = fhir_version == FHX_FHIR_R5 ? sizeof types / sizeof types[0] : 5;
  for (size_t i = 0; i < count; i++) {
    if (strcmp(types[i], resource_type) == 0) return true;
  }
  return false;
}

/* --- times --- */

#define US_PER_SECOND INT64_C(1000000)
/* A zone may be so far from UTC on either side. */
#define ZONE_MAX_US (INT64_C(14) * 3600 * US_PER_SECOND)
#define DATE_LEN 10
#define TIME_TEXT_MAX 64

/* The first microsecond of a day in UTC. */
static bool read_day(const char *text, int64_t *us) {
  char whole[] = "0000-00-00T00:00:00Z";
  fhx__instant instant;
  memcpy(whole, text, DATE_LEN);
  if (!fhx__instant_parse(whole, sizeof whole - 1, &instant)) return false;
  *us = instant.us;
  return true;
}

/* The last day of a month: the highest number that makes a date. */
static bool read_last_day(char date[DATE_LEN], int64_t *us) {
  static const char *const days[] = {"31", "30", "29", "28"};
  for (size_t i = 0; i < sizeof days / sizeof days[0]; i++) {
    memcpy(date + 8, days[i], 2);
    if (read_day(date, us)) return true;
  }
  return false;
}

/* A year, a month or a day, in any zone. */
static bool read_date(const char *text, size_t len, int64_t *first_us, int64_t *last_us) {
  static const char first[] = "0000-01-01";
  static const char last[] = "0000-12-31";
  char date[DATE_LEN];
  bool is_year = len == 4, is_month = len == 7;
  if (!is_year && !is_month && len != DATE_LEN) return false;
  memcpy(date, first, DATE_LEN);
  memcpy(date, text, len);
  if (!read_day(date, first_us)) return false;
  memcpy(date, last, DATE_LEN);
  memcpy(date, text, len);
  if (is_month ? !read_last_day(date, last_us) : !read_day(date, last_us)) return false;
  *first_us -= ZONE_MAX_US;
  *last_us += INT64_C(86400) * US_PER_SECOND - 1 + ZONE_MAX_US;
  return true;
}

bool fhx__partial_date_read(const char *text, size_t len, int64_t *first_us, int64_t *last_us) {
  fhx__instant instant;
  if (len <= DATE_LEN) return read_date(text, len, first_us, last_us);
  if (!fhx__instant_parse(text, len, &instant)) return false;
  bool has_fraction = memchr(text, '.', len) != NULL;
  *first_us = instant.us;
  *last_us = has_fraction ? instant.us : instant.us + US_PER_SECOND - 1;
  return true;
}

static bool read_bound(const text_value *value, int64_t *first_us, int64_t *last_us) {
  char buffer[TIME_TEXT_MAX];
  size_t len = 0;
  if (!value->is_text) return false;
  if (!value->text.has_escape) {
    return fhx__partial_date_read(value->text.text, value->text.len, first_us, last_us);
  }
  fhx__raw inside = {value->text.text, value->text.text + value->text.len};
  for (int byte = fhx__raw_next_byte(&inside); byte >= 0; byte = fhx__raw_next_byte(&inside)) {
    if (len == sizeof buffer) return false;
    buffer[len++] = (char)byte;
  }
  return fhx__partial_date_read(buffer, len, first_us, last_us);
}

typedef struct period {
  int64_t start_first_us;
  int64_t start_last_us;
  int64_t end_last_us;
} period;

static const period always = {INT64_MIN, FHX_TIME_NONE, INT64_MAX};

/* False: it cannot be read, and is as if it were not there. */
static bool read_bounds(const member_text *member, period *read) {
  int64_t end_first_us = 0;
  *read = always;
  if (!member->has_period) return true;
  bool good = member->has_bounds;
  if (good && member->has_start) {
    good = read_bound(&member->start, &read->start_first_us, &read->start_last_us);
  }
  if (good && member->has_end) good = read_bound(&member->end, &end_first_us, &read->end_last_us);
  if (!good) *read = always;
  return good;
}

/* --- the members --- */

typedef struct member_walk {
  int64_t as_of_us;
  const char *base_url;
  fhx__member_callback callback;
  void *context;
} member_walk;

static fhx__member_kind kind_of(const member_walk *walk, const member_text *text,
                                const period *bounds, fhx__member *member) {
  if (text->inactive || bounds->start_first_us > walk->as_of_us ||
      bounds->end_last_us < walk->as_of_us) {
    return FHX__MEMBER_OVER;
  }
  if (!text->reference.given) return FHX__MEMBER_UNRESOLVED;
  if (text->reference.is_text &&
      fhx__reference_read(text->reference.text, walk->base_url, member->type, member->id)) {
    return FHX__MEMBER_REFERENCE;
  }
  return FHX__MEMBER_ELSEWHERE;
}

static bool give_member(const member_walk *walk, fhx__raw *raw) {
  member_text text;
  fhx__member member;
  period bounds;
  read_member(raw, &text);
  memset(&member, 0, sizeof member);
  member.has_bad_period = !read_bounds(&text, &bounds);
  member.joined_us = bounds.start_last_us;
  member.kind = kind_of(walk, &text, &bounds, &member);
  if (member.kind != FHX__MEMBER_REFERENCE) member.type[0] = member.id[0] = '\0';
  return walk->callback(walk->context, &member);
}

static bool give_members(const member_walk *walk, fhx__raw *raw) {
  if (begins(raw, '{')) return give_member(walk, raw);
  if (!begins(raw, '[')) {
    fhx__raw_skip_value(raw);
    return true;
  }
  while (fhx__raw_next_element(raw)) {
    if (!give_member(walk, raw)) return false;
  }
  return true;
}

bool fhx__group_walk(const char *line, size_t len, int64_t as_of_us, const char *base_url,
                     fhx__member_callback callback, void *context) {
  const member_walk walk = {as_of_us, base_url, callback, context};
  fhx__raw raw = {line, line + len};
  fhx__raw_string key;
  if (!begins(&raw, '{')) return true;
  while (fhx__raw_next_member(&raw, &key)) {
    if (!is_key(key, "member")) {
      fhx__raw_skip_value(&raw);
    } else if (!give_members(&walk, &raw)) {
      return false;
    }
  }
  return true;
}
