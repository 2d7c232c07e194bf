/* What `fhirexport export` was asked for. */
#ifndef EXPORT_SETTINGS_H
#define EXPORT_SETTINGS_H

#include <fhirexport/fhirexport.h>
#include <stdbool.h>

#include "destination_url.h"
#include "progress.h"
#include "source_url.h"
#include "state.h"

struct given {
  int option;
  const char *value;
};

struct export_settings {
  struct source_url source;
  struct destination_url destination;
  fhx_filter *filter;
  /* With commas between; NULL: none. */
  char *associated_types;
  uint64_t part_bytes;
  uint32_t worker_count;
  bool gzip;
  bool sha256;
  bool help;
  /* The state file; NULL: none. */
  const char *state;
  struct progress_options progress;
  /* The command line, in its order, and copies of the pairs of --source-option. */
  struct given *given;
  size_t given_count;
  char **pairs;
  size_t pair_count;
  /* What a run that goes on must have been asked for too, made by export_settings_state. */
  struct state_option *fixed;
  size_t fixed_count;
};

/* Reads the command line. Returns an exit code; other than EXIT_DONE, it was said what is wrong.
   export_settings_free in either case. */
int export_settings_read(struct export_settings *settings, int argc, char **argv);
/* Makes `fixed`, with paths that do not depend on the working directory. false: no memory. */
bool export_settings_state(struct export_settings *settings);
void export_settings_free(struct export_settings *settings);
extern const char export_help[];

#endif
