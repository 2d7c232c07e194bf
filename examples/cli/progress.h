/* What is told while a job runs: a bar on a terminal, lines elsewhere, JSON on stdout. */
#ifndef PROGRESS_H
#define PROGRESS_H

#include <fhirexport/fhirexport.h>
#include <stdbool.h>

struct progress_options {
  /* Nothing on stderr. */
  bool quiet;
  /* Where stderr is no terminal: a line every second, not every ten, and one at the end. */
  bool often;
  /* A line on stdout every second. */
  bool json;
};

/* How far a job is. */
struct progress_now {
  double share;
  uint64_t resource_count;
  uint64_t byte_count;
  uint64_t error_count;
  uint64_t task_count;
  uint64_t task_done_count;
  /* Of the output, and recorded. */
  uint64_t part_count;
  /* Since this run began, and in this run. */
  double seconds;
  double resources_a_second;
  double bytes_a_second;
  /* Below 0: not known. */
  double seconds_left;
};

struct progress {
  const struct progress_options *options;
  fhx_job *job;
  bool is_terminal;
  bool bar_open;
  bool line_told;
  /* stdout is gone. */
  bool broken;
  double begun;
  double next_bar;
  double next_json;
  double next_count;
  uint64_t part_count;
  /* What there was when this run began. */
  double first_share;
  uint64_t first_resources;
  uint64_t first_bytes;
};

/* Begins to watch the job, which is about to run. */
void progress_begin(struct progress *progress, const struct progress_options *options,
                    fhx_job *job);
/* Tells how far it is, if it is time. */
void progress_look(struct progress *progress);
/* Leaves the bar as it is, so that something else can be said. */
void progress_break(struct progress *progress);
/* The job has ended; `now` is how far it came, and is told if `tell`. */
void progress_end(struct progress *progress, bool tell, struct progress_now *now);
/* Prints the members that say how far a job is, without braces. */
void progress_json(const struct progress_now *now);

#endif
