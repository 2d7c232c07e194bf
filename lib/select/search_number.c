/*
 * Numbers and quantities in search queries. Numbers are compared digit by digit as they stand, so
 * that nothing is rounded, whatever their length.
 */
#include <stdio.h>
#include <string.h>

#include "select/search_parts.h"

/* Of a query's number; those of resources may have any length. */
#define DIGITS_MAX 100
/* Far beyond what counts, and far from an overflow. */
#define EXPONENT_MAX INT64_C(1000000000)

static bool is_digit(const char *at, const char *end) {
  return at < end && *at >= '0' && *at <= '9';
}

/* What stands behind the digits; 0 and nothing passed if it is no exponent. */
static int64_t read_exponent(const char **at, const char *end) {
  const char *from = *at;
  int64_t exponent = 0;
  if (from == end || (*from != 'e' && *from != 'E')) return 0;
  from++;
  bool negative = from < end && *from == '-';
  if (from < end && (*from == '-' || *from == '+')) from++;
  if (!is_digit(from, end)) return 0;
  for (; is_digit(from, end); from++) {
    if (exponent < EXPONENT_MAX) exponent = exponent * 10 + (*from - '0');
  }
  *at = from;
  return negative ? -exponent : exponent;
}

/* Reads a number as in JSON from the beginning of the text; *end is where it ends. */
static bool read_number(const char *text, size_t len, fhx__search_number *number,
                        const char **end) {
  const char *at = text;
  const char *limit = text + len;
  *number = (fhx__search_number){false, NULL, NULL, 0};
  if (at < limit && (*at == '-' || *at == '+')) number->negative = *at++ == '-';
  if (!is_digit(at, limit)) return false;
  int64_t count = 0, whole = -1, first = 0;
  for (;; at++) {
    if (is_digit(at, limit)) {
      if (*at != '0' && number->digits == NULL) {
        number->digits = at;
        first = count;
      }
      count++;
    } else if (whole < 0 && at < limit && *at == '.' && is_digit(at + 1, limit)) {
      whole = count;
    } else {
      break;
    }
  }
  number->end = at;
  int64_t exponent = read_exponent(&at, limit);
  number->magnitude = (whole < 0 ? count : whole) - 1 - first + exponent;
  *end = at;
  return true;
}

/* The next digit; 0 behind the last. */
static char next_digit(const char **at, const char *end) {
  if (*at < end && **at == '.') ++*at;
  return *at < end ? *(*at)++ : '0';
}

/* Of numbers that are not 0, whatever their sign. */
static int compare_sizes(fhx__search_number a, fhx__search_number b) {
  if (a.magnitude != b.magnitude) return a.magnitude < b.magnitude ? -1 : 1;
  while (a.digits < a.end || b.digits < b.end) {
    char of_a = next_digit(&a.digits, a.end), of_b = next_digit(&b.digits, b.end);
    if (of_a != of_b) return of_a < of_b ? -1 : 1;
  }
  return 0;
}

static int sign_of(fhx__search_number number) {
  if (number.digits == NULL) return 0;
  return number.negative ? -1 : 1;
}

static int compare_numbers(fhx__search_number a, fhx__search_number b) {
  int sign = sign_of(a);
  if (sign != sign_of(b)) return sign < sign_of(b) ? -1 : 1;
  return sign == 0 ? 0 : sign * compare_sizes(a, b);
}

/* --- the value of a query --- */

/* All digits of a number as it is written, and the power of ten of the last. */
typedef struct written_number {
  bool negative;
  char digits[DIGITS_MAX];
  size_t count;
  int64_t last;
} written_number;

static bool take_digits(const char *text, const char *end, written_number *written) {
  const char *at = text;
  bool behind_point = false;
  *written = (written_number){false, {0}, 0, 0};
  if (*at == '-' || *at == '+') written->negative = *at++ == '-';
  for (; at < end && *at != 'e' && *at != 'E'; at++) {
    if (*at == '.') {
      behind_point = true;
      continue;
    }
    if (written->count == DIGITS_MAX) return false;
    written->digits[written->count++] = *at;
    if (behind_point) written->last--;
  }
  /* FHIR's own example has it so: 1e2 is from 95 to 105, as 1.0e2 would be. */
  if (at < end && written->count == 1) {
    written->digits[written->count++] = '0';
    written->last--;
  }
  written->last += read_exponent(&at, end);
  return true;
}

/* Writes the number times `factor` plus `more`, below 10, tenths of its last digit; a negative
   `more` is not asked of 0. Needs room for DIGITS_MAX + 40. */
static void write_scaled(const written_number *written, int factor, int more, char *text,
                         size_t room, bool negative) {
  char digits[DIGITS_MAX + 3] = {0};
  size_t at = DIGITS_MAX + 2;
  int carry = more;
  /* For a factor of 10 the last digit is `more` alone. */
  for (size_t i = written->count; i > 0; i--) {
    int sum = (written->digits[i - 1] - '0') * factor + carry;
    carry = sum >= 0 ? sum / 10 : -((9 - sum) / 10);
    digits[--at] = (char)('0' + sum - carry * 10);
  }
  if (carry >= 10) {
    digits[--at] = (char)('0' + carry % 10);
    carry /= 10;
  }
  if (carry > 0) digits[--at] = (char)('0' + carry);
  snprintf(text, room, "%s%se%lld", negative ? "-" : "", digits + at,
           (long long)(written->last - 1));
}

#define BOUND_ROOM (DIGITS_MAX + 40)

static fhx__search_number read_own(const char *text) {
  fhx__search_number number;
  const char *end = NULL;
  read_number(text, strlen(text), &number, &end);
  return number;
}

bool fhx__search_read_bounds(fhx__search *search, fhx__search_value *value,
                             fhx__search_text_part text, const char **why) {
  const char *end = NULL;
  written_number written;
  if (!read_number(text.text, text.len, &value->number, &end) || end != text.text + text.len) {
    *why = "has a value that is no number";
    return false;
  }
  if (!take_digits(text.text, end, &written)) {
    *why = "has a number with too many digits";
    return false;
  }
  char *small = fhx__search_keep(search, 2, BOUND_ROOM);
  if (small == NULL) return false;
  char *large = small + BOUND_ROOM;
  bool approximate = value->prefix == FHX__SEARCH_AP;
  bool is_zero = value->number.digits == NULL;
  bool negative = value->number.negative && !is_zero;
  /* Half a unit of the last digit, or a tenth of the whole, either way. */
  write_scaled(&written, approximate ? 11 : 10, approximate ? 0 : 5, large, BOUND_ROOM, negative);
  if (is_zero) {
    write_scaled(&written, 10, approximate ? 0 : 5, small, BOUND_ROOM, true);
  } else {
    write_scaled(&written, approximate ? 9 : 10, approximate ? 0 : -5, small, BOUND_ROOM, negative);
  }
  value->low = read_own(negative ? large : small);
  value->high = read_own(negative ? small : large);
  return true;
}

/* --- what stands in a resource --- */

/* From `low` to `high`, both included unless open; without one there is no end. */
typedef struct stretch {
  bool has_low;
  bool has_high;
  bool open_low;
  bool open_high;
  fhx__search_number low;
  fhx__search_number high;
} stretch;

static bool is_within(const stretch *inner, const fhx__search_value *value) {
  return inner->has_low && inner->has_high && compare_numbers(inner->low, value->low) >= 0 &&
         compare_numbers(inner->high, value->high) < 0;
}

/* How far the end of the stretch is from the number: at an end that is open the number is already
   outside. */
static int end_to(const stretch *of, fhx__search_number number) {
  if (!of->has_high) return 1;
  int order = compare_numbers(of->high, number);
  return order == 0 && of->open_high ? -1 : order;
}

static int begin_to(const stretch *of, fhx__search_number number) {
  if (!of->has_low) return -1;
  int order = compare_numbers(of->low, number);
  return order == 0 && of->open_low ? 1 : order;
}

/* The precision of the number counts for eq, ne and ap only. */
static bool stretch_meets(const fhx__search_value *value, const stretch *of) {
  switch (value->prefix) {
    case FHX__SEARCH_NE:
      return !is_within(of, value);
    case FHX__SEARCH_GT:
      return end_to(of, value->number) > 0;
    case FHX__SEARCH_LT:
      return begin_to(of, value->number) < 0;
    case FHX__SEARCH_GE:
      return end_to(of, value->number) >= 0;
    case FHX__SEARCH_LE:
      return begin_to(of, value->number) <= 0;
    case FHX__SEARCH_SA:
      return begin_to(of, value->number) > 0;
    case FHX__SEARCH_EB:
      return end_to(of, value->number) < 0;
    case FHX__SEARCH_AP:
      return begin_to(of, value->high) <= 0 && end_to(of, value->low) >= 0;
    default:
      return is_within(of, value);
  }
}

typedef struct unit {
  fhx__raw_string system;
  fhx__raw_string code;
  fhx__raw_string text;
} unit;

static bool is_string(fhx__raw_string string, fhx__search_text_part text) {
  return string.text != NULL && fhx__search_spells(string, text);
}

/* Without a system the unit may be the code or what is shown to people. */
static bool has_unit(const fhx__search_value *value, const unit *of) {
  if (!value->has_system) return true;
  if (value->system.len > 0 && !is_string(of->system, value->system)) return false;
  if (value->text.len == 0 || is_string(of->code, value->text)) return true;
  return value->system.len == 0 && is_string(of->text, value->text);
}

/* Reads a Quantity, or Money, whose unit is its currency. */
static bool read_quantity(fhx__raw value, stretch *of, unit *in) {
  static const char currencies[] = "urn:iso:std:iso:4217";
  fhx__raw_string key = {NULL, 0, false}, comparator = {NULL, 0, false};
  fhx__search_number number;
  const char *end = NULL;
  bool has_value = false;
  *in = (unit){{NULL, 0, false}, {NULL, 0, false}, {NULL, 0, false}};
  if (!fhx__search_enter(&value)) return false;
  while (fhx__search_next_member(&value, &key)) {
    if (FHX__SEARCH_IS(key, "value")) {
      has_value = read_number(value.at, (size_t)(value.end - value.at), &number, &end);
    } else if (FHX__SEARCH_IS(key, "unit")) {
      fhx__search_string(value, &in->text);
    } else if (FHX__SEARCH_IS(key, "system")) {
      fhx__search_string(value, &in->system);
    } else if (FHX__SEARCH_IS(key, "code")) {
      fhx__search_string(value, &in->code);
    } else if (FHX__SEARCH_IS(key, "currency") && fhx__search_string(value, &in->code)) {
      in->system = (fhx__raw_string){currencies, sizeof currencies - 1, false};
    } else if (FHX__SEARCH_IS(key, "comparator")) {
      fhx__search_string(value, &comparator);
    }
    fhx__raw_skip_value(&value);
  }
  if (!has_value) return false;
  bool below = comparator.len > 0 && *comparator.text == '<';
  bool above = comparator.len > 0 && *comparator.text == '>';
  bool open = comparator.len == 1;
  *of = (stretch){!below, !above, above && open, below && open, number, number};
  return true;
}

static bool quantity_meets(const fhx__search_condition *condition, const stretch *of,
                           const unit *in) {
  for (size_t i = 0; i < condition->value_count; i++) {
    if (has_unit(&condition->values[i], in) && stretch_meets(&condition->values[i], of)) {
      return true;
    }
  }
  return false;
}

/* A Range; its two units are one, and the last that is given counts. */
static bool range_meets(const fhx__search_condition *condition, fhx__raw value) {
  fhx__raw_string key = {NULL, 0, false};
  stretch whole = {false, false, false, false, {false, NULL, NULL, 0}, {false, NULL, NULL, 0}};
  stretch one;
  unit in = {{NULL, 0, false}, {NULL, 0, false}, {NULL, 0, false}};
  if (!fhx__search_enter(&value)) return false;
  while (fhx__search_next_member(&value, &key)) {
    bool is_low = FHX__SEARCH_IS(key, "low");
    if ((is_low || FHX__SEARCH_IS(key, "high")) && read_quantity(value, &one, &in)) {
      if (is_low) {
        whole.has_low = true;
        whole.low = one.low;
      } else {
        whole.has_high = true;
        whole.high = one.high;
      }
    }
    fhx__raw_skip_value(&value);
  }
  return (whole.has_low || whole.has_high) && quantity_meets(condition, &whole, &in);
}

bool fhx__search_quantity(const fhx__search_condition *condition, fhx__raw value) {
  stretch of;
  unit in = {{NULL, 0, false}, {NULL, 0, false}, {NULL, 0, false}};
  const char *end = NULL;
  if (*value.at == '{') {
    if (read_quantity(value, &of, &in)) return quantity_meets(condition, &of, &in);
    return range_meets(condition, value);
  }
  fhx__search_number number;
  if (!read_number(value.at, (size_t)(value.end - value.at), &number, &end)) {
    return false;
  }
  of = (stretch){true, true, false, false, number, number};
  return quantity_meets(condition, &of, &in);
}
