/* The form of an update cadence. */
#ifndef FHX__PUBLISH_CADENCE_H
#define FHX__PUBLISH_CADENCE_H

#include <stdbool.h>

/* An ISO 8601 duration of whole numbers, some longer than nothing: "P7D", "PT30M", "P1DT12H". */
bool fhx__is_duration(const char *text);

#endif
