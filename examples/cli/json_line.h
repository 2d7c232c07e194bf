/* Lines of JSON on stdout, one object each: what --json prints. */
#ifndef JSON_LINE_H
#define JSON_LINE_H

#include <fhirexport/fhirexport.h>
#include <stdbool.h>
#include <stdio.h>

/* Writes a text as a JSON string; bytes that are not UTF-8 become "?". */
void json_string(FILE *file, const char *text);

/* Copies the manifest of a complete job; in one line, or as the library lays it out. false:
   `*error` says why, or is NULL when the file could not be written. */
bool json_manifest(FILE *file, fhx_job *job, bool one_line, fhx_error **error);

#endif
