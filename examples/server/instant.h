/* FHIR instants, and the dates of HTTP headers. Times are microseconds since 1970 UTC. */
#ifndef SERVER_INSTANT_H
#define SERVER_INSTANT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define INSTANT_MAX 64

/* By the system's clock. */
int64_t instant_now_us(void);

/* "2024-02-29T23:59:59.123456+01:00"; digits behind the microsecond are dropped. */
bool instant_read(const char *text, int64_t *time_us);
/* In UTC, with six digits. */
void instant_write(int64_t time_us, char text[INSTANT_MAX]);
/* "Thu, 29 Feb 2024 23:59:59 GMT" */
void instant_write_http(int64_t time_us, char text[INSTANT_MAX]);

#endif
