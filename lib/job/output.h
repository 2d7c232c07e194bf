/*
 * What an attempt has made since its last checkpoint: parts, error lines, counts. Parts are
 * committed here, and only a checkpoint makes them part of the job.
 */
#ifndef FHX__JOB_OUTPUT_H
#define FHX__JOB_OUTPUT_H

#include "job/wanted.h"
#include "writer/part_writer.h"

/* A task's error lines; what is beyond is counted in one more line. */
#define FHX__ERROR_LINES_MAX 1000

typedef struct fhx__output {
  fhx__work *work;
  fhx__part_writer writer;
  /* FHX_PART_..., and what the parts' names and types are; the label is that of fhx__job_label. */
  uint32_t kind;
  const char *label;
  const char *resource_type;
  /* What error lines call its rows, "" where that is not known; and whether all of a block is left
     out with the row. */
  const char *row_type;
  bool refuses_block;
  /* What its lines refer to, stored with every checkpoint; the output's own, NULL for none. */
  fhx__wanted *wanted;
  /* The number of the next part, and the one that the next checkpoint must begin with. */
  uint64_t next_seq;
  uint64_t recorded_seq;
  /* Committed and not yet recorded: fhx_part, one behind the other. */
  fhx__buffer parts;
  /* Error lines not yet recorded, and where each ends (uint64_t). */
  fhx__buffer lines;
  fhx__buffer line_ends;
  uint64_t error_count;
  /* Rows refused and resources taken by this task up to its last checkpoint. */
  uint64_t recorded_errors;
  uint64_t recorded_resources;
  /* The checkpoint's place: behind the last row of the last whole reply. */
  bool has_token;
  fhx__buffer token;
  /* It is another place than the last checkpoint's. */
  bool has_moved;
  char last_id[FHX__ID_MAX + 1];
  /* What the job's progress was told of and is not yet recorded. */
  uint64_t shown_resources;
  uint64_t shown_bytes;
  int64_t recorded_us;
} fhx__output;

bool fhx__output_init(fhx__output *output, fhx__work *work);
/* Aborts the open part; removes committed parts that are definitely not recorded, when `remove`. */
void fhx__output_free(fhx__output *output, bool remove);

/* Names a part if none is open. */
void fhx__output_begin_part(fhx__output *output);
/* Renews the lease, then commits the open part. */
bool fhx__output_close_part(fhx__output *output);

/* Records everything made since the last checkpoint; the open part must be closed. */
bool fhx__output_checkpoint(fhx__output *output, bool done);

/* Keeps a copy of where the source is. Empty: it cannot resume. */
bool fhx__output_set_token(fhx__output *output, const void *token, size_t len);

/* Whether the place is to be recorded although there is nothing else to record. One that has not
   moved is not: such checkpoints would let a task begin anew for ever. */
bool fhx__output_place_is_due(const fhx__output *output);

/* Notes a resource that was refused, and fails when there are too many of them. `id` is "" when it
   is not known or not valid; `why` is a sentence without an end. */
bool fhx__output_refuse(fhx__output *output, const char *type, const char *id, const char *why);
/* The same of a row that the scanner has found fault with. */
bool fhx__output_bad_row(fhx__output *output, const char *id, const char *reason, size_t offset);
/* Adds a warning to the error lines; how many there are is the caller's to limit. */
bool fhx__output_warn(fhx__output *output, const char *code, const char *text);

/* Tells the job's progress what the open and unrecorded parts hold. */
void fhx__output_show(fhx__output *output);

#endif
