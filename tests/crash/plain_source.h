/*
 * A source over the table of crash.py as a plain host would write it: a cursor that goes on from a
 * token, and nothing pushed down; perhaps read_resource.
 */
#ifndef TEST_CRASH_PLAIN_SOURCE_H
#define TEST_CRASH_PLAIN_SOURCE_H

#include <fhirexport/source.h>
#include <stdbool.h>

int32_t plain_source_new(const char *path, bool reads, fhx_source **source, fhx_error **error);

#endif
