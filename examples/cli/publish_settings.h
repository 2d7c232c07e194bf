/* What `fhirexport publish` was asked for. */
#ifndef PUBLISH_SETTINGS_H
#define PUBLISH_SETTINGS_H

#include <fhirexport/fhirexport.h>
#include <stdbool.h>

#include "destination_url.h"
#include "source_url.h"

struct publish_settings {
  struct source_url source;
  struct destination_url destination;
  fhx_publication_options publication;
  /* What there is of it, without a time. */
  fhx_filter *filter;
  uint64_t part_bytes;
  uint32_t worker_count;
  /* How long writes to the source may be in flight; -1: it does not change meanwhile. */
  int64_t settle_us;
  /* A snapshot takes the place of a chain that has so many updates; 0: none does by itself. */
  uint64_t updates_max;
  bool snapshot;
  bool final;
  bool quiet;
  bool help;
  /* Copies of the pairs of --source-option. */
  char **pairs;
  size_t pair_count;
};

/* Reads the command line. Returns an exit code; other than EXIT_DONE, it was said what is wrong.
   publish_settings_free in either case. */
int publish_settings_read(struct publish_settings *settings, int argc, char **argv);
void publish_settings_free(struct publish_settings *settings);
extern const char publish_help[];

#endif
