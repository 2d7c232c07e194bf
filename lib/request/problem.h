/* What the refusals of this room share. */
#ifndef FHX__REQUEST_PROBLEM_H
#define FHX__REQUEST_PROBLEM_H

#include <stddef.h>

/* How a sentence calls a parameter: by its name, if that is at most 64 visible ASCII characters. */
const char *fhx__parameter_label(const char *name);

/* What is wrong with a text that came from outside (PARAM-28), as the end of a sentence; NULL:
   nothing. */
const char *fhx__text_fault(const char *text, size_t len);

#endif
