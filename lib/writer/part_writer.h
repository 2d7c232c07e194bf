/*
 * Lines to one part at a time: scan into the buffer, take or drop, pass on, commit. What comes then
 * (packing, digests, writing) is the sink's, and may be a helper thread's work.
 *
 * The scanner writes straight into the part's buffer: one copy from the source to the part. A line
 * that was scanned but not taken is simply overwritten. A trusted line is copied when it is taken.
 */
#ifndef FHX__WRITER_PART_WRITER_H
#define FHX__WRITER_PART_WRITER_H

#include "ndjson/scan.h"
#include "writer/pipeline.h"

#define FHX__PART_BYTES_DEFAULT (UINT64_C(128) * 1024 * 1024)
#define FHX__RESOURCE_BYTES_DEFAULT (UINT64_C(1) << 30)

typedef struct fhx__part_writer {
  /* Its `sha256_wanted` is the caller's to set before the first part. */
  fhx__sink sink;
  fhx__pipeline pipeline;
  /* Resources are lines already: see fhx__scan_trusted. One line feed behind each is left out. */
  bool trusts_source;
  /* Scanned lines come with their keys, trusted ones not. */
  bool notes_keys;
  uint32_t depth_max;
  uint64_t resource_bytes_max;
  /* Bytes that are not yet passed on: those of taken lines, then perhaps a scanned line. */
  unsigned char *buffer;
  size_t capacity;
  size_t used;
  /* The part that is being written; `named` from begin to commit or abort. It is opened at the
     destination with its first flush. What is stored of it the sink counts. */
  bool named;
  fhx_part part;
  /* Of the line that was scanned last. */
  fhx__keys keys;
} fhx__part_writer;

/* A resource that was scanned and not yet taken. Valid until the next scan, take or abort. */
typedef struct fhx__line {
  fhx__scan scan;
  /* The compact line; for a resource that is trusted or longer than the buffer, as it came. */
  const char *text;
  size_t len;
  /* The keys of the compact line; NULL: they were not noted. */
  const fhx__keys *keys;
  bool oversized;
  /* Longer than resource_bytes_max: not scanned. */
  bool too_long;
} fhx__line;

int32_t fhx__part_writer_init(fhx__part_writer *writer, fhx_destination *destination,
                              fhx_error **error);
/* Writes parts in gzip from here on, with an index where the library is to read them again; no part
   is named yet. Their names are the caller's to choose. */
int32_t fhx__part_writer_use_gzip(fhx__part_writer *writer, bool has_index, fhx_error **error);
/* Has a helper thread treat what is flushed, once a buffer is full; with so many buffers at most, 2
   to FHX__PIPELINE_BUFFERS_MAX. No part is named yet. What parts are made of is the same. */
void fhx__part_writer_use_helper(fhx__part_writer *writer, uint32_t buffers_max);
/* Aborts an open part, ends the helper and frees the memory. Harmless on a zeroed writer. */
void fhx__part_writer_free(fhx__part_writer *writer);

/* Scans one resource. FHX_OK also for a bad one: see line->scan.fault and line->too_long. */
int32_t fhx__part_writer_scan(fhx__part_writer *writer, const void *data, size_t len,
                              fhx__line *line, fhx_error **error);

/* Names the next part. None is named yet. Nothing is opened before the first flush. */
void fhx__part_writer_begin(fhx__part_writer *writer, const fhx_part *identity);

/* Adds the scanned line to the named part, or a short text that was made of it, elsewhere. */
int32_t fhx__part_writer_take(fhx__part_writer *writer, const fhx__line *line, fhx_error **error);

/* The same with a short line in front of it, which needs no check (without its line feed). */
int32_t fhx__part_writer_take_behind(fhx__part_writer *writer, const char *text, size_t len,
                                     const fhx__line *line, fhx_error **error);

/* Adds a line that needs no check (without its line feed). */
int32_t fhx__part_writer_add(fhx__part_writer *writer, const char *text, size_t len,
                             fhx_error **error);

/*
 * Commits the named part, which holds at least one line, and stores what it has become in *part.
 * FHX_ERR_UNKNOWN_OUTCOME when it may exist; after any other error it does not. In each case no
 * part is named any more, and a line that was scanned can still be taken by the next one.
 */
int32_t fhx__part_writer_commit(fhx__part_writer *writer, fhx_part *part, fhx_error **error);

/*
 * Asks for a part whose commit had an unknown outcome, several times where it must. FHX_OK: it is
 * there. FHX_ERR_NOT_FOUND: it is not. Any other: that cannot be known.
 */
int32_t fhx__part_writer_settle(fhx__part_writer *writer, const fhx_part *part);

/* Forgets the named part, if any. */
void fhx__part_writer_abort(fhx__part_writer *writer);

#endif
