/* Dates and FHIR instants as text. */
#include "calendar.h"

const instant_form instant_forms[INSTANT_FORM_COUNT] = {
    {3, 0}, {6, 0}, {3, 60}, {0, 0}, {0, -300}, {6, 330}, {3, -210}, {1, 120},
};

/* The days from 1970-01-01 to the first of January of a year, in the Gregorian calendar. */
static int64_t days_before_year(int64_t year) {
  int64_t y = year - 1;
  return y * 365 + y / 4 - y / 100 + y / 400 - 719162;
}

static int is_leap_year(int64_t year) {
  return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

int64_t year_start_us(int32_t year) {
  return days_before_year(year) * DAY_US;
}

/* Division that rounds down for times before 1970 too. */
static int64_t floor_divide(int64_t value, int64_t by) {
  return value / by - (value % by < 0 ? 1 : 0);
}

/* Writes `value` with exactly `width` digits, and says where to go on. */
static char *put_digits(char *at, int64_t value, int32_t width) {
  for (int32_t i = width; i-- > 0;) {
    at[i] = (char)('0' + value % 10);
    value /= 10;
  }
  return at + width;
}

static char *put_date(char *at, int64_t day) {
  static const int32_t lengths[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  /* Never too late a year, whichever side of 1970. */
  int64_t year = 1970 + floor_divide(day, day < 0 ? 365 : 366);
  while (days_before_year(year + 1) <= day) year++;
  int64_t rest = day - days_before_year(year);
  int32_t month = 0;
  for (;;) {
    int32_t length = lengths[month] + (month == 1 && is_leap_year(year) ? 1 : 0);
    if (rest < length) break;
    rest -= length;
    month++;
  }
  at = put_digits(at, year, 4);
  *at++ = '-';
  at = put_digits(at, month + 1, 2);
  *at++ = '-';
  return put_digits(at, rest + 1, 2);
}

static char *put_offset(char *at, int32_t minutes) {
  if (minutes == 0) {
    *at++ = 'Z';
    return at;
  }
  *at++ = minutes < 0 ? '-' : '+';
  if (minutes < 0) minutes = -minutes;
  at = put_digits(at, minutes / 60, 2);
  *at++ = ':';
  return put_digits(at, minutes % 60, 2);
}

static int64_t fraction_step(int32_t digits) {
  int64_t step = SECOND_US;
  for (int32_t i = 0; i < digits; i++) step /= 10;
  return step;
}

int64_t instant_floor(int64_t time_us, const instant_form *form) {
  int64_t step = fraction_step(form->digits);
  return floor_divide(time_us, step) * step;
}

void instant_text(char text[INSTANT_TEXT_MAX], int64_t time_us, const instant_form *form) {
  int64_t local = time_us + form->offset_minutes * MINUTE_US;
  int64_t day = floor_divide(local, DAY_US);
  int64_t rest = local - day * DAY_US;
  int64_t second = rest / SECOND_US;
  char *at = put_date(text, day);
  *at++ = 'T';
  at = put_digits(at, second / 3600, 2);
  *at++ = ':';
  at = put_digits(at, second / 60 % 60, 2);
  *at++ = ':';
  at = put_digits(at, second % 60, 2);
  if (form->digits > 0) {
    *at++ = '.';
    at = put_digits(at, rest % SECOND_US / fraction_step(form->digits), form->digits);
  }
  at = put_offset(at, form->offset_minutes);
  *at = '\0';
}

void date_text(char text[INSTANT_TEXT_MAX], int64_t time_us) {
  *put_date(text, floor_divide(time_us, DAY_US)) = '\0';
}
