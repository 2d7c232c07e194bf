/* Stretches of text that are not copied. */
#ifndef FHX__REQUEST_SPAN_H
#define FHX__REQUEST_SPAN_H

#include <stdbool.h>
#include <stddef.h>

/* NULL is nothing, which is less than an empty stretch. */
typedef struct fhx__span {
  const char *text;
  size_t len;
} fhx__span;

/* Takes what is before the next separator, or all that is left; false when nothing is left. */
bool fhx__span_next(fhx__span *rest, char separator, fhx__span *piece);

#endif
