/* Dates in search queries: every value, of a query or a resource, is a span as wide as its
   precision. */
#include <string.h>

#include "select/search_parts.h"

#define US_PER_SECOND INT64_C(1000000)
#define US_PER_DAY (INT64_C(86400) * US_PER_SECOND)
#define DATE_LEN 10
/* "2024-05-06T07:08" */
#define MINUTES_LEN 16
/* A date that is spelt with escapes, or has no zone, is copied; a longer one does not count. */
#define DATE_TEXT_MAX 80
/* Digits beyond the microsecond that an instant keeps, and the weight of the last of them. */
#define FINER_DIGITS 18
#define FINER_STEP 2u

static const fhx__instant before_all = {INT64_MIN, 0};
static const fhx__instant after_all = {INT64_MAX, 0};

static fhx__instant later_us(fhx__instant instant, int64_t us) {
  instant.us += us;
  return instant;
}

/* The instant that one unit of the last digit of a fraction is later. */
static fhx__instant after_fraction(fhx__instant instant, size_t digits) {
  int64_t us = US_PER_SECOND;
  uint64_t finer = UINT64_C(1000000000000000000) * FINER_STEP;
  if (digits <= 6) {
    for (size_t i = 0; i < digits; i++) us /= 10;
    return later_us(instant, us);
  }
  uint64_t second_part = finer;
  for (size_t i = 6; i < digits && i < 6 + FINER_DIGITS; i++) finer /= 10;
  if (digits > 6 + FINER_DIGITS) finer = 1;
  instant.finer += finer;
  if (instant.finer >= second_part) {
    instant.finer -= second_part;
    instant.us++;
  }
  return instant;
}

/* A text with seconds and a zone. */
static bool read_full(const char *text, size_t len, fhx__search_span *span) {
  if (!fhx__instant_parse(text, len, &span->low)) return false;
  const char *dot = memchr(text, '.', len);
  size_t digits = 0;
  while (dot != NULL && dot[1 + digits] >= '0' && dot[1 + digits] <= '9') digits++;
  span->high = after_fraction(span->low, digits);
  return true;
}

static bool read_midnight(const char *date, fhx__instant *instant) {
  char text[] = "0000-00-00T00:00:00Z";
  memcpy(text, date, DATE_LEN);
  return fhx__instant_parse(text, sizeof text - 1, instant);
}

/* How long the month is of which the date is the first day. */
static int64_t month_us(const char *first_day) {
  char text[DATE_LEN];
  fhx__instant last = {0, 0};
  memcpy(text, first_day, DATE_LEN);
  int64_t days = 31;
  for (; days > 28; days--) {
    text[8] = (char)('0' + days / 10);
    text[9] = (char)('0' + days % 10);
    if (read_midnight(text, &last)) break;
  }
  return days * US_PER_DAY;
}

static bool read_day(const char *text, size_t len, fhx__search_span *span) {
  char date[] = "0000-01-01";
  memcpy(date, text, len);
  if ((len != 4 && len != 7 && len != DATE_LEN) || !read_midnight(date, &span->low)) return false;
  int64_t us = US_PER_DAY;
  if (len == 7) us = month_us(date);
  if (len == 4) {
    char leap[] = "0000-02-29";
    fhx__instant day = {0, 0};
    memcpy(leap, text, 4);
    us = (read_midnight(leap, &day) ? 366 : 365) * US_PER_DAY;
  }
  span->high = later_us(span->low, us);
  return true;
}

/* With hours and minutes, whatever else. */
static bool read_time(const char *text, size_t len, fhx__search_span *span) {
  char full[DATE_TEXT_MAX + 8];
  bool has_seconds = len > MINUTES_LEN && text[MINUTES_LEN] == ':';
  size_t zone = MINUTES_LEN;
  while (zone < len && strchr("Z+-", text[zone]) == NULL) zone++;
  bool has_zone = zone < len;
  if (has_seconds && has_zone) return read_full(text, len, span);
  if (len < MINUTES_LEN || len > DATE_TEXT_MAX) return false;
  if (!has_seconds && zone != MINUTES_LEN) return false;
  memcpy(full, text, zone);
  size_t used = zone;
  if (!has_seconds) {
    memcpy(full + used, ":00", 3);
    used += 3;
  }
  const char *rest = has_zone ? text + zone : "Z";
  size_t rest_len = has_zone ? len - zone : 1;
  memcpy(full + used, rest, rest_len);
  if (!read_full(full, used + rest_len, span)) return false;
  if (!has_seconds) span->high = later_us(span->low, 60 * US_PER_SECOND);
  return true;
}

bool fhx__search_read_date(const char *text, size_t len, fhx__search_span *span) {
  return len <= DATE_LEN ? read_day(text, len, span) : read_time(text, len, span);
}

/* The span widened by its own length on either side. */
static fhx__search_span widened(fhx__search_span span) {
  int64_t length = span.high.us - span.low.us;
  return (fhx__search_span){later_us(span.low, -length), later_us(span.high, length)};
}

static bool is_within(fhx__search_span inner, fhx__search_span outer) {
  return fhx__instant_compare(inner.low, outer.low) >= 0 &&
         fhx__instant_compare(inner.low, outer.high) < 0 &&
         fhx__instant_compare(inner.high, outer.high) <= 0;
}

bool fhx__search_span_meets(const fhx__search_value *value, fhx__search_span span) {
  fhx__search_span asked = value->span;
  bool is_point = fhx__instant_compare(span.low, span.high) == 0;
  int end = fhx__instant_compare(span.high, asked.high);
  /* A point at the end of what is asked lies behind it: the end itself is not part of a span. */
  bool ends_later = end > 0 || (is_point && end == 0);
  bool begins_before = fhx__instant_compare(span.low, asked.low) < 0;
  switch (value->prefix) {
    case FHX__SEARCH_NE:
      return !is_within(span, asked);
    case FHX__SEARCH_GT:
      return ends_later;
    case FHX__SEARCH_LT:
      return begins_before;
    case FHX__SEARCH_GE:
      return ends_later || is_within(span, asked);
    case FHX__SEARCH_LE:
      return begins_before || is_within(span, asked);
    case FHX__SEARCH_SA:
      return fhx__instant_compare(span.low, asked.high) >= 0;
    case FHX__SEARCH_EB:
      return is_point ? begins_before : fhx__instant_compare(span.high, asked.low) <= 0;
    case FHX__SEARCH_AP:
      asked = widened(asked);
      if (is_point) return is_within(span, asked);
      return fhx__instant_compare(span.low, asked.high) < 0 &&
             fhx__instant_compare(span.high, asked.low) > 0;
    default:
      return is_within(span, asked);
  }
}

static bool read_string(fhx__raw value, fhx__search_span *span) {
  char room[DATE_TEXT_MAX];
  fhx__raw_string string = {NULL, 0, false};
  fhx__search_text_part text = {NULL, 0};
  return fhx__search_string(value, &string) &&
         fhx__search_spelt(string, room, sizeof room, &text) &&
         fhx__search_read_date(text.text, text.len, span);
}

/* A Period: its open ends reach to the end of time. False: malformed, or without both ends. */
static bool read_period(fhx__raw value, fhx__search_span *span) {
  fhx__raw_string key = {NULL, 0, false};
  fhx__search_span bound = {before_all, after_all};
  bool any = false;
  *span = bound;
  if (!fhx__search_enter(&value)) return false;
  while (fhx__search_next_member(&value, &key)) {
    bool is_start = FHX__SEARCH_IS(key, "start");
    if (is_start || FHX__SEARCH_IS(key, "end")) {
      if (!read_string(value, &bound)) return false;
      if (is_start) span->low = bound.low;
      if (!is_start) span->high = bound.high;
      any = true;
    }
    fhx__raw_skip_value(&value);
  }
  return any;
}

/* Widens the limits that were found; the first span sets them. */
static void take_limits(fhx__search_span *limits, bool *any, fhx__search_span span) {
  if (!*any || fhx__instant_compare(span.low, limits->low) < 0) limits->low = span.low;
  if (!*any || fhx__instant_compare(span.high, limits->high) > 0) limits->high = span.high;
  *any = true;
}

static bool read_repeat(fhx__raw value, fhx__search_span *span) {
  fhx__raw_string key = {NULL, 0, false};
  if (!fhx__search_enter(&value)) return false;
  while (fhx__search_next_member(&value, &key)) {
    if (FHX__SEARCH_IS(key, "boundsPeriod")) return read_period(value, span);
    fhx__raw_skip_value(&value);
  }
  return false;
}

/* A Period, or a Timing, of which only the outer limits count. */
static bool read_object(fhx__raw value, fhx__search_span *span) {
  fhx__raw object = value;
  fhx__raw_string key = {NULL, 0, false};
  fhx__search_items items;
  fhx__search_span one;
  bool any = false;
  if (!fhx__search_enter(&object)) return false;
  while (fhx__search_next_member(&object, &key)) {
    if (FHX__SEARCH_IS(key, "start") || FHX__SEARCH_IS(key, "end")) {
      return read_period(value, span);
    }
    if (FHX__SEARCH_IS(key, "event")) {
      for (bool more = fhx__search_first_item(object, &items); more;
           more = fhx__search_next_item(&items)) {
        if (read_string(items.raw, &one)) take_limits(span, &any, one);
      }
    } else if (FHX__SEARCH_IS(key, "repeat") && read_repeat(object, &one)) {
      take_limits(span, &any, one);
    }
    fhx__raw_skip_value(&object);
  }
  return any;
}

bool fhx__search_date(const fhx__search_condition *condition, fhx__raw value) {
  fhx__search_span span = {before_all, after_all};
  if (!(*value.at == '"' ? read_string(value, &span) : read_object(value, &span))) return false;
  for (size_t i = 0; i < condition->value_count; i++) {
    if (fhx__search_span_meets(&condition->values[i], span)) return true;
  }
  return false;
}
