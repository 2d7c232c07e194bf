/* What the refusals of this room share. */
#ifndef FHX__REQUEST_PROBLEM_H
#define FHX__REQUEST_PROBLEM_H

/* How a sentence calls a parameter: by its name, if that is at most 64 visible ASCII characters. */
const char *fhx__parameter_label(const char *name);

#endif
