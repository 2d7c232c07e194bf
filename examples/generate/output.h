/* Where resources are written to. Every function says on stderr why it failed. */
#ifndef GENERATE_OUTPUT_H
#define GENERATE_OUTPUT_H

#include <stdbool.h>

#include "resources.h"

struct output {
  bool (*put)(struct output *output, const struct resource *resource);
  /* Ends the output and frees it, also after a failure. */
  bool (*close)(struct output *output);
};

/* One file for each type, made when its first resource comes. Existing files are an error. */
struct output *output_open_files(const char *folder, bool gzip);

/*
 * A table resource(type, id, last_updated, json) in the file fhir.sqlite. Rows should come in the
 * order of (type, id): then a reader that follows the index reads the file from front to back.
 */
struct output *output_open_sqlite(const char *folder);

/* Prints "fhirexport-generate: <what>: <why>". */
void output_complain(const char *what, const char *why);

#endif
