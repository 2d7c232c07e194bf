/* Dates and FHIR instants as text, from microseconds since 1970 UTC. No time zone database. */
#ifndef GENERATE_CALENDAR_H
#define GENERATE_CALENDAR_H

#include <stdint.h>

#define SECOND_US INT64_C(1000000)
#define MINUTE_US (60 * SECOND_US)
#define DAY_US (24 * 60 * MINUTE_US)
#define YEAR_US (INT64_C(365) * DAY_US)

/* How an instant is written: its digits after the second, and its offset from UTC. */
typedef struct instant_form {
  int32_t digits;
  int32_t offset_minutes;
} instant_form;

/* The forms that servers use, FHIR's own favourite (milliseconds, Z) first. */
#define INSTANT_FORM_COUNT 8
extern const instant_form instant_forms[INSTANT_FORM_COUNT];

/* Long enough for both functions below. */
#define INSTANT_TEXT_MAX 40

/* The time without the digits that the form does not show. */
int64_t instant_floor(int64_t time_us, const instant_form *form);

/* Writes "2021-03-04T05:06:07.123+01:00". Years 1 to 9999. */
void instant_text(char text[INSTANT_TEXT_MAX], int64_t time_us, const instant_form *form);

/* Writes "2021-03-04". */
void date_text(char text[INSTANT_TEXT_MAX], int64_t time_us);

/* Midnight UTC on the first of January. */
int64_t year_start_us(int32_t year);

#endif
