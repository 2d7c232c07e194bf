/* What the parts of fhirexport-folder share. */
#ifndef EXPORT_FOLDER_H
#define EXPORT_FOLDER_H

#include <fhirexport/fhirexport.h>
#include <stdbool.h>

#include "destination_url.h"
#include "job_threads.h"

/* Exit codes. */
enum { EXIT_COMPLETE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_PARKED = 3 };

#define THREADS_MAX JOB_THREADS_MAX

/* The command line. Texts are those of argv. */
struct settings {
  /* One of these two. */
  const char *sqlite;
  const char *folder;
  const char *out;
  /* Where files go instead, and how it was given; NULL: to `out`. */
  struct destination_url destination;
  const char *to;
  const char *store;
  /* The job to go on with; NULL: a new one. */
  const char *resume;
  /* NULL: there is none. */
  const char *deleted_table;
  const char *patient_table;
  fhx_filter *filter;
  uint64_t part_bytes;
  uint32_t thread_count;
  /* FHX_PROVENANCE_... */
  uint32_t provenance;
  bool by_patient;
  bool gzip;
  bool sha256;
  bool quiet;
  bool help;
};

/* Reads the command line; says on stderr what is wrong with it. settings_free in either case. */
bool settings_read(struct settings *settings, int argc, char **argv);
void settings_free(struct settings *settings);
extern const char settings_help[];

/* Prints "fhirexport-folder: <what>: <the error's message>" on stderr. NULL: no memory. */
void complain(const char *what, const fhx_error *error);

/* Shows on stderr how far the job is, in one line that is written again and again. */
void progress_show(fhx_job *job, double seconds);
/* Removes that line. */
void progress_clear(void);

/*
 * Prints the table of what was exported. `seconds` is how long it took; below 0 when that does
 * not say how fast it was, because an earlier run did a part of the work.
 */
bool report_print(fhx_job *job, double seconds);

/* Writes the manifest to the file <out>/<job>.manifest.json. */
bool report_write_manifest(fhx_job *job, const char *out);

#endif
