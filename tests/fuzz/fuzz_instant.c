/*
 * FHIR instants. Two lines are read as instants: what is taken, and which time it is, must be what
 * a slower reading says that counts every day of every year and keeps fractions as text. Times are
 * written, and read again, at every resolution; the first eight bytes are a time too.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/instant.h"
#include "select/group.h"

#define US_PER_SECOND INT64_C(1000000)
/* Digits that count: microseconds, and 18 more. */
#define FRACTION_KEPT 24
/* The years 1 to 9999, which have an instant of their own. */
#define FIRST_US INT64_C(-62135596800000000)
#define LAST_US INT64_C(253402300799999999)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds, const char *what) {
  if (holds) return;
  fprintf(stderr, "does not hold: %s\n", what);
  abort();
}

/* --- the slower reading --- */

typedef struct slow {
  int64_t seconds;
  char fraction[FRACTION_KEPT + 1];
  /* Digits behind those that are kept are not all 0. */
  bool has_rest;
} slow;

/* 'd' stands for a digit, everything else for itself. */
static bool looks_like(const char *text, const char *form) {
  for (; *form != '\0'; form++, text++) {
    bool is_digit = *text >= '0' && *text <= '9';
    if (*form == 'd' ? !is_digit : *form != *text) return false;
  }
  return true;
}

static int number(const char *text, int count) {
  char digits[8] = "";
  memcpy(digits, text, (size_t)count);
  return atoi(digits);
}

static bool is_leap(int year) {
  if (year % 400 == 0) return true;
  return year % 4 == 0 && year % 100 != 0;
}

static int month_len(int year, int month) {
  if (month == 2) return is_leap(year) ? 29 : 28;
  return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

/* By counting: from the first day of the year 1, which is 719,162 days before 1970. */
static int64_t days_of(int year, int month, int day) {
  int64_t days = -719162;
  for (int i = 1; i < year; i++) days += is_leap(i) ? 366 : 365;
  for (int i = 1; i < month; i++) days += month_len(year, i);
  return days + day - 1;
}

/* Seconds that the zone is before UTC; -1 day for what is none. */
static int zone_of(const char *text, size_t len) {
  const int none = -86400;
  if (len == 1 && *text == 'Z') return 0;
  if (len != 6 || (!looks_like(text, "+dd:dd") && !looks_like(text, "-dd:dd"))) return none;
  int minutes = number(text + 1, 2) * 60 + number(text + 4, 2);
  if (number(text + 4, 2) > 59 || minutes > 14 * 60) return none;
  return (*text == '-' ? -60 : 60) * minutes;
}

/* `text` is terminated, and holds no other NUL. */
static bool read_slowly(const char *text, slow *read) {
  memset(read, 0, sizeof *read);
  memset(read->fraction, '0', FRACTION_KEPT);
  if (!looks_like(text, "dddd-dd-ddTdd:dd:dd")) return false;
  int year = number(text, 4), month = number(text + 5, 2), day = number(text + 8, 2);
  int hour = number(text + 11, 2), minute = number(text + 14, 2), second = number(text + 17, 2);
  const char *at = text + 19;
  if (*at == '.') {
    size_t digits = strspn(++at, "0123456789");
    if (digits == 0) return false;
    memcpy(read->fraction, at, digits < FRACTION_KEPT ? digits : FRACTION_KEPT);
    read->has_rest =
        digits > FRACTION_KEPT && strspn(at + FRACTION_KEPT, "0") < digits - FRACTION_KEPT;
    at += digits;
  }
  int zone = zone_of(at, strlen(at));
  if (zone == -86400 || year == 0 || month == 0 || month > 12 || day == 0) return false;
  if (day > month_len(year, month) || hour > 23 || minute > 59 || second > 60) return false;
  read->seconds = days_of(year, month, day) * 86400 + hour * 3600 + minute * 60 + second - zone;
  return true;
}

static int compare_slowly(const slow *a, const slow *b) {
  if (a->seconds != b->seconds) return a->seconds < b->seconds ? -1 : 1;
  int order = strcmp(a->fraction, b->fraction);
  if (order != 0) return order < 0 ? -1 : 1;
  return (int)a->has_rest - (int)b->has_rest;
}

/* --- both --- */

static int64_t slow_us(const slow *read) {
  return read->seconds * US_PER_SECOND + number(read->fraction, 6);
}

static bool read_both(const char *text, size_t len, fhx__instant *instant, slow *slowly) {
  /* Of exactly this size for the one, terminated for the other. */
  char *exact = malloc(len == 0 ? 1 : len), *copy = malloc(len + 1);
  must(exact != NULL && copy != NULL, "there is memory");
  if (len != 0) memcpy(exact, text, len);
  if (len != 0) memcpy(copy, text, len);
  copy[len] = '\0';
  bool is_read = fhx__instant_parse(exact, len, instant);
  bool expected = strlen(copy) == len && read_slowly(copy, slowly);
  must(is_read == expected, "it is an instant for both, or for none");
  if (is_read) {
    int64_t first_us = 0, last_us = 0;
    must(instant->us == slow_us(slowly), "it is the same microsecond");
    must((instant->finer & 1) == (slowly->has_rest ? 1u : 0u), "more digits are noted");
    must(instant->finer / 2 == strtoull(slowly->fraction + 6, NULL, 10), "18 digits are kept");
    must(fhx__partial_date_read(exact, len, &first_us, &last_us), "it is a date, too");
    must(first_us == instant->us && last_us >= first_us, "which begins when it does");
  }
  free(exact);
  free(copy);
  return is_read;
}

/* --- writing --- */

static void check_written(int64_t us, int64_t resolution_us) {
  char text[FHX__INSTANT_TEXT_MAX], expected[FHX__INSTANT_TEXT_MAX] = "";
  fhx__instant again = {0, 0};
  int64_t floored = fhx__instant_floor(us, resolution_us);
  must(floored <= us && us - floored < resolution_us && floored % resolution_us == 0,
       "the floor is the greatest multiple that is not above");
  memset(text, '#', sizeof text);
  fhx__instant_format(text, floored, resolution_us);
  must(memchr(text, '\0', sizeof text) != NULL, "the text ends");
  if (us < FIRST_US || us > LAST_US) return;
  must(fhx__instant_parse(text, strlen(text), &again), "what is written can be read");
  must(again.us == floored && again.finer == 0, "and is the same time");
  time_t seconds = (time_t)(fhx__instant_floor(floored, US_PER_SECOND) / US_PER_SECOND);
  struct tm calendar;
  must(gmtime_r(&seconds, &calendar) != NULL, "the C library knows that time");
  /* Its years below 1000 may come without zeros, so they are written here. */
  int len = snprintf(expected, sizeof expected, "%04d", calendar.tm_year + 1900);
  strftime(expected + len, sizeof expected - (size_t)len, "-%m-%dT%H:%M:%S", &calendar);
  must(strncmp(text, expected, 19) == 0, "the C library writes the same");
  char date[FHX__HTTP_DATE_MAX], day[32] = "", rest[32] = "", whole[FHX__HTTP_DATE_MAX + 32];
  fhx__http_date(date, floored);
  strftime(day, sizeof day, "%a, %d %b ", &calendar);
  strftime(rest, sizeof rest, " %H:%M:%S GMT", &calendar);
  snprintf(whole, sizeof whole, "%s%04d%s", day, calendar.tm_year + 1900, rest);
  must(strcmp(date, whole) == 0, "and the same for HTTP");
}

static void check_times(int64_t us) {
  static const int64_t resolutions[] = {1, 10, 1000, 10000, US_PER_SECOND, 60 * US_PER_SECOND};
  for (size_t i = 0; i < sizeof resolutions / sizeof *resolutions; i++) {
    check_written(us, resolutions[i]);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const char *text = (const char *)data;
  const char *feed = size == 0 ? NULL : memchr(text, '\n', size);
  size_t first_len = feed == NULL ? size : (size_t)(feed - text);
  const char *second = feed == NULL ? text : feed + 1;
  size_t second_len = feed == NULL ? size : size - first_len - 1;
  fhx__instant a = {0, 0}, b = {0, 0};
  slow slow_a, slow_b;
  bool has_a = read_both(text, first_len, &a, &slow_a);
  bool has_b = read_both(second, second_len, &b, &slow_b);
  if (has_a) check_times(a.us);
  if (has_a && has_b) {
    int order = fhx__instant_compare(a, b);
    must((order > 0) - (order < 0) == compare_slowly(&slow_a, &slow_b), "the order is the same");
    must(fhx__instant_compare(b, a) == -order, "either way round");
  }
  int64_t us = 0;
  if (size >= sizeof us) memcpy(&us, data, sizeof us);
  /* A quarter of what the number can hold: no time of a host comes near. */
  check_times(us / 4);
  check_times(us % (LAST_US - FIRST_US));
  return 0;
}
