/* FHIR instants. Dates are converted by counting days; no C library time function is used. */
#include "core/instant.h"

#include <stdio.h>

#define US_PER_SECOND INT64_C(1000000)
#define SECONDS_PER_DAY INT64_C(86400)

/* Days from 1970-01-01 to the first of March-based year arithmetic's date (proleptic Gregorian). */
static int64_t days_from_date(int64_t year, int64_t month, int64_t day) {
  year -= month <= 2;
  int64_t era = (year >= 0 ? year : year - 399) / 400;
  int64_t year_of_era = year - era * 400;
  int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * 146097 + day_of_era - 719468;
}

static void date_from_days(int64_t days, int64_t *year, int64_t *month, int64_t *day) {
  days += 719468;
  int64_t era = (days >= 0 ? days : days - 146096) / 146097;
  int64_t day_of_era = days - era * 146097;
  int64_t year_of_era =
      (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  int64_t shifted_month = (5 * day_of_year + 2) / 153;
  *day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
  *month = shifted_month + (shifted_month < 10 ? 3 : -9);
  *year = year_of_era + era * 400 + (*month <= 2);
}

static int64_t days_in_month(int64_t year, int64_t month) {
  static const int64_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  return month == 2 && leap ? 29 : days[month - 1];
}

/* `count` digits at *at; moves *at behind them. */
static bool read_digits(const char **at, const char *end, int count, int64_t *value) {
  *value = 0;
  if (end - *at < count) return false;
  for (int i = 0; i < count; i++) {
    char c = *(*at)++;
    if (c < '0' || c > '9') return false;
    *value = *value * 10 + (c - '0');
  }
  return true;
}

static bool read_character(const char **at, const char *end, char wanted) {
  if (*at == end || **at != wanted) return false;
  ++*at;
  return true;
}

static bool read_date(const char **at, const char *end, int64_t *days) {
  int64_t year = 0, month = 0, day = 0;
  if (!read_digits(at, end, 4, &year) || !read_character(at, end, '-') ||
      !read_digits(at, end, 2, &month) || !read_character(at, end, '-') ||
      !read_digits(at, end, 2, &day)) {
    return false;
  }
  if (year < 1 || month < 1 || month > 12 || day < 1 || day > days_in_month(year, month)) {
    return false;
  }
  *days = days_from_date(year, month, day);
  return true;
}

static bool read_time(const char **at, const char *end, int64_t *seconds) {
  int64_t hour = 0, minute = 0, second = 0;
  if (!read_digits(at, end, 2, &hour) || !read_character(at, end, ':') ||
      !read_digits(at, end, 2, &minute) || !read_character(at, end, ':') ||
      !read_digits(at, end, 2, &second)) {
    return false;
  }
  if (hour > 23 || minute > 59 || second > 60) return false;
  *seconds = hour * 3600 + minute * 60 + second;
  return true;
}

/* An optional fraction: six digits of microseconds, 18 more that are kept, the rest as one bit. */
static bool read_fraction(const char **at, const char *end, int64_t *us, uint64_t *finer) {
  uint64_t more = 0;
  bool rest = false;
  size_t count = 0;
  *us = 0;
  if (!read_character(at, end, '.')) {
    *finer = 0;
    return true;
  }
  for (; *at < end && **at >= '0' && **at <= '9'; ++*at, count++) {
    int digit = **at - '0';
    if (count < 6) {
      *us = *us * 10 + digit;
    } else if (count < 24) {
      more = more * 10 + (uint64_t)digit;
    } else {
      rest = rest || digit != 0;
    }
  }
  if (count == 0) return false;
  for (size_t i = count; i < 6; i++) *us *= 10;
  for (size_t i = count; more != 0 && i < 24; i++) more *= 10;
  *finer = more * 2 + (rest ? 1 : 0);
  return true;
}

static bool read_zone(const char **at, const char *end, int64_t *offset_seconds) {
  int64_t hours = 0, minutes = 0;
  *offset_seconds = 0;
  if (read_character(at, end, 'Z')) return true;
  bool west = read_character(at, end, '-');
  if (!west && !read_character(at, end, '+')) return false;
  if (!read_digits(at, end, 2, &hours) || !read_character(at, end, ':') ||
      !read_digits(at, end, 2, &minutes)) {
    return false;
  }
  if (hours > 14 || minutes > 59 || (hours == 14 && minutes != 0)) return false;
  *offset_seconds = (hours * 3600 + minutes * 60) * (west ? -1 : 1);
  return true;
}

bool fhx__instant_parse(const char *text, size_t len, fhx__instant *instant) {
  const char *at = text;
  const char *end = text + len;
  int64_t days = 0, seconds = 0, fraction_us = 0, offset = 0;
  if (!read_date(&at, end, &days) || !read_character(&at, end, 'T') ||
      !read_time(&at, end, &seconds) || !read_fraction(&at, end, &fraction_us, &instant->finer) ||
      !read_zone(&at, end, &offset) || at != end) {
    return false;
  }
  instant->us = (days * SECONDS_PER_DAY + seconds - offset) * US_PER_SECOND + fraction_us;
  return true;
}

int fhx__instant_compare(fhx__instant a, fhx__instant b) {
  if (a.us != b.us) return a.us < b.us ? -1 : 1;
  if (a.finer != b.finer) return a.finer < b.finer ? -1 : 1;
  return 0;
}

int64_t fhx__instant_floor(int64_t us, int64_t resolution_us) {
  int64_t rest = us % resolution_us;
  if (rest < 0) rest += resolution_us;
  return us - rest;
}

/* A time taken apart: UTC, whole seconds. */
typedef struct calendar {
  int64_t year;
  int64_t month;
  int64_t day;
  int64_t days;
  int64_t in_day;
} calendar;

static calendar calendar_of(int64_t us) {
  calendar at = {0, 0, 0, 0, 0};
  int64_t seconds = fhx__instant_floor(us, US_PER_SECOND) / US_PER_SECOND;
  at.in_day = seconds - fhx__instant_floor(seconds, SECONDS_PER_DAY);
  at.days = (seconds - at.in_day) / SECONDS_PER_DAY;
  date_from_days(at.days, &at.year, &at.month, &at.day);
  return at;
}

void fhx__instant_format(char text[FHX__INSTANT_TEXT_MAX], int64_t us, int64_t resolution_us) {
  calendar date = calendar_of(us);
  int64_t in_second = us - fhx__instant_floor(us, US_PER_SECOND);
  int written = snprintf(text, FHX__INSTANT_TEXT_MAX, "%04d-%02d-%02dT%02d:%02d:%02d",
                         (int)date.year, (int)date.month, (int)date.day, (int)(date.in_day / 3600),
                         (int)(date.in_day / 60 % 60), (int)(date.in_day % 60));
  char *at = text + written;
  size_t left = FHX__INSTANT_TEXT_MAX - (size_t)written;
  if (resolution_us % US_PER_SECOND == 0) {
    snprintf(at, left, "Z");
  } else if (resolution_us % 1000 == 0) {
    snprintf(at, left, ".%03dZ", (int)(in_second / 1000));
  } else {
    snprintf(at, left, ".%06dZ", (int)in_second);
  }
}

void fhx__http_date(char text[FHX__HTTP_DATE_MAX], int64_t time_us) {
  /* 1970 began on a Thursday. */
  static const char days[][4] = {"Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"};
  static const char months[][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  calendar date = calendar_of(time_us);
  snprintf(text, FHX__HTTP_DATE_MAX, "%s, %02d %s %04d %02d:%02d:%02d GMT",
           days[date.days - fhx__instant_floor(date.days, 7)], (int)date.day,
           months[date.month - 1], (int)date.year, (int)(date.in_day / 3600),
           (int)(date.in_day / 60 % 60), (int)(date.in_day % 60));
}
