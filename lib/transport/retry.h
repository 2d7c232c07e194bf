/* When a request is sent again, and how often. */
#ifndef FHX__TRANSPORT_RETRY_H
#define FHX__TRANSPORT_RETRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whether an answer of this status says that the same request may go well later. 501 and 505 are
   about the request itself. */
bool fhx__retry_helps(uint32_t http_status);

/* What a Retry-After (seconds, or a date) asks for, from now on in microseconds, at most a day;
   -1: nothing that can be read, or NULL. `now_us`: since 1970. */
int64_t fhx__retry_after_us(const char *value, int64_t now_us);

/* The pause before the attempt behind number `attempts`: random, from 0 to 100 ms at first; twice
   as long at most each time, up to 10 s. */
int64_t fhx__backoff_us(uint32_t attempts);

/* A count of repeats that are left. */
struct fhx__retries {
  struct fhx__retries *next;
  uint64_t holders;
  uint32_t left;
  size_t key_len;
  char key[];
};

#endif
