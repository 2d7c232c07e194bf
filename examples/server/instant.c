/* FHIR instants, and the dates of HTTP headers. */
#include "instant.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define SECOND_US INT64_C(1000000)

int64_t instant_now_us(void) {
  struct timespec now = {0, 0};
  clock_gettime(CLOCK_REALTIME, &now);
  return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* Exactly `count` digits; moves `*text` behind them. */
static bool read_digits(const char **text, int count, int *value) {
  *value = 0;
  for (int i = 0; i < count; i++, (*text)++) {
    if (**text < '0' || **text > '9') return false;
    *value = *value * 10 + (**text - '0');
  }
  return true;
}

static bool read_sign(const char **text, char sign) {
  if (**text != sign) return false;
  (*text)++;
  return true;
}

static bool is_day(int year, int month, int day) {
  static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  if (month < 1 || month > 12 || day < 1) return false;
  bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  return day <= days[month - 1] + (month == 2 && leap ? 1 : 0);
}

/* Days since 1970-01-01; years are counted from March, so that a leap day is the last of its year.
 */
static int64_t days_since_1970(int year, int month, int day) {
  int64_t years = month > 2 ? year : year - 1;
  int64_t months = (month + 9) % 12;
  return years * 365 + years / 4 - years / 100 + years / 400 + (months * 306 + 5) / 10 + day - 1 -
         719468;
}

static bool read_fraction(const char **text, int64_t *fraction_us) {
  *fraction_us = 0;
  if (**text != '.') return true;
  int64_t unit = SECOND_US / 10;
  const char *begin = ++*text;
  for (; **text >= '0' && **text <= '9'; (*text)++) {
    *fraction_us += unit * (**text - '0');
    unit /= 10;
  }
  return *text > begin;
}

/* "Z" or "+hh:mm"; *offset is in minutes. */
static bool read_zone(const char **text, int *offset) {
  int hours = 0, minutes = 0;
  *offset = 0;
  if (read_sign(text, 'Z')) return true;
  int direction = **text == '-' ? -1 : 1;
  if (!read_sign(text, '-') && !read_sign(text, '+')) return false;
  if (!read_digits(text, 2, &hours) || !read_sign(text, ':') || !read_digits(text, 2, &minutes)) {
    return false;
  }
  *offset = direction * (hours * 60 + minutes);
  return hours <= 14 && minutes <= 59;
}

/* "YYYY-MM-DD", as days since 1970-01-01. */
static bool read_date(const char **text, int64_t *days) {
  int year = 0, month = 0, day = 0;
  if (!read_digits(text, 4, &year) || !read_sign(text, '-') || !read_digits(text, 2, &month) ||
      !read_sign(text, '-') || !read_digits(text, 2, &day)) {
    return false;
  }
  if (year == 0 || !is_day(year, month, day)) return false;
  *days = days_since_1970(year, month, day);
  return true;
}

/* "hh:mm:ss", with a leap second. */
static bool read_time(const char **text, int64_t *seconds) {
  int hour = 0, minute = 0, second = 0;
  if (!read_digits(text, 2, &hour) || !read_sign(text, ':') || !read_digits(text, 2, &minute) ||
      !read_sign(text, ':') || !read_digits(text, 2, &second)) {
    return false;
  }
  *seconds = hour * 3600 + minute * 60 + second;
  return hour <= 23 && minute <= 59 && second <= 60;
}

bool instant_read(const char *text, int64_t *time_us) {
  int64_t days = 0, seconds = 0, fraction_us = 0;
  int offset = 0;
  if (!read_date(&text, &days) || !read_sign(&text, 'T') || !read_time(&text, &seconds) ||
      !read_fraction(&text, &fraction_us) || !read_zone(&text, &offset) || *text != '\0') {
    return false;
  }
  *time_us = (days * 86400 + seconds - (int64_t)offset * 60) * SECOND_US + fraction_us;
  return true;
}

/* Splits into UTC's calendar and the rest of the second. */
static int64_t split(int64_t time_us, struct tm *calendar) {
  int64_t rest = time_us % SECOND_US;
  if (rest < 0) rest += SECOND_US;
  time_t seconds = (time_t)((time_us - rest) / SECOND_US);
  memset(calendar, 0, sizeof *calendar);
  gmtime_r(&seconds, calendar);
  return rest;
}

void instant_write(int64_t time_us, char text[INSTANT_MAX]) {
  struct tm calendar;
  int64_t rest = split(time_us, &calendar);
  size_t len = strftime(text, INSTANT_MAX, "%Y-%m-%dT%H:%M:%S", &calendar);
  snprintf(text + len, INSTANT_MAX - len, ".%06dZ", (int)rest);
}

void instant_write_http(int64_t time_us, char text[INSTANT_MAX]) {
  struct tm calendar;
  split(time_us, &calendar);
  /* The program never calls setlocale, so names are English. */
  strftime(text, INSTANT_MAX, "%a, %d %b %Y %H:%M:%S GMT", &calendar);
}
