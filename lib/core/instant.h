/* FHIR instants, compared with all their digits; and the dates of HTTP. */
#ifndef FHX__CORE_INSTANT_H
#define FHX__CORE_INSTANT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FHX__INSTANT_TEXT_MAX 40

typedef struct fhx__instant {
  /* Microseconds since 1970 UTC, floored. */
  int64_t us;
  /* What was cut off, in units of 10^-24 s and doubled; the low bit says there was still more. */
  uint64_t finer;
} fhx__instant;

/* Reads a FHIR instant: date, T, time with seconds, optional fraction, Z or an offset. */
bool fhx__instant_parse(const char *text, size_t len, fhx__instant *instant);

/* Below 0, 0, above 0: a is earlier, the same, later. */
int fhx__instant_compare(fhx__instant a, fhx__instant b);

/* Writes `us` in UTC with as many fraction digits as `resolution_us` needs, and a NUL. */
void fhx__instant_format(char text[FHX__INSTANT_TEXT_MAX], int64_t us, int64_t resolution_us);

/* A time as an HTTP-date (RFC 9110, 5.6.7), with a NUL. */
#define FHX__HTTP_DATE_MAX 64
void fhx__http_date(char text[FHX__HTTP_DATE_MAX], int64_t time_us);

/* `us` floored to a multiple of `resolution_us` (above 0). */
int64_t fhx__instant_floor(int64_t us, int64_t resolution_us);

#endif
