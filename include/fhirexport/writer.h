/*
 * fhirexport/writer.h: level 1, resources in, NDJSON parts out.
 *
 * A writer takes resources of one type, checks each strictly (unless told that it need not), writes
 * it as one compact line, and rolls from part to part (Bulk Data IG, "File Request"). It is for a
 * host that has resources and wants files: a script, a Spark task.
 *
 * Of all functions here: Threads: any; a writer belongs to one at a time. Memory: a part lives as
 * long as its writer. Since 0.9.0.
 */
#ifndef FHIREXPORT_WRITER_H
#define FHIREXPORT_WRITER_H

#include <fhirexport/destination.h>

FHX_BEGIN_DECLS

/* Also compute each part's SHA-256. */
#define FHX_WRITER_SHA256 1u
/* Parts in gzip; their names end in `.ndjson.gz`. */
#define FHX_WRITER_GZIP 2u
/*
 * The caller vouches for the resources: each is valid and on one line. It is then written as it is,
 * with the white space it has; of its text only resourceType and id are looked at. Given up: one
 * that is not JSON or not UTF-8, is too deep or has a key twice is written like any other. One line
 * feed at the end is left out; any other line break, or other white space around it, is refused.
 */
#define FHX_WRITER_TRUST_SOURCE 4u

/* What fhx_writer_new is told. */
typedef struct fhx_writer_options {
  uint32_t size;
  /* A sum of FHX_WRITER_... */
  uint32_t flags;
  /* The FHIR type of every resource. */
  const char *resource_type;
  /* What part names begin with: `<prefix><resource_type>-<number>.ndjson`, numbers from 1. It may
     hold folders ("run7/"); NULL: "". */
  const char *name_prefix;
  /* Roll before a line that would make a part longer than this, before any compression; 0: 128 MiB.
     A longer single line makes a part of its own. */
  uint64_t part_bytes;
  /* Roll after so many resources; 0: no limit. */
  uint64_t part_count;
  /* The longest resource accepted, in bytes as given; 0: 1 GiB. */
  uint64_t resource_bytes_max;
  /* The deepest nesting of objects and arrays accepted; 0: 100; at most 1,000. */
  uint32_t depth_max;
  uint32_t reserved;
} fhx_writer_options;

/* Takes resources, and writes parts. */
typedef struct fhx_writer fhx_writer;

/* fhx_init for this structure. */
FHX_API void fhx_writer_options_init(fhx_writer_options *options, uint32_t size);

/*
 * Makes a writer.
 * Memory: `*writer` is the caller's; the options are copied, the destination is referenced until
 * fhx_writer_free.
 * Returns: FHX_OK; FHX_ERR_ARGUMENT says what is missing or wrong; FHX_ERR_STRUCT_SIZE;
 * FHX_ERR_NO_MEMORY.
 */
FHX_API int32_t fhx_writer_new(const fhx_writer_options *options, fhx_destination *destination,
                               fhx_writer **writer, fhx_error **error);

/*
 * Appends one resource: `len` bytes of JSON, pretty-printed or not.
 * Memory: the bytes are not kept.
 * Returns: FHX_OK. FHX_ERR_RESOURCE: this resource was refused, the message gives the reason and
 * the byte offset, nothing of it was written, and the writer can go on. FHX_ERR_ARGUMENT for NULL,
 * FHX_ERR_REENTRANT from inside a callback and FHX_ERR_MISUSE after fhx_writer_finish or a final
 * error change nothing. Any other error is final, FHX_ERR_NO_MEMORY, FHX_ERR_INTERNAL (of OpenSSL)
 * or the destination's: the open part was aborted and only fhx_writer_free and the part functions
 * are left.
 */
FHX_API int32_t fhx_writer_append(fhx_writer *writer, const void *data, size_t len,
                                  fhx_error **error);

/*
 * Commits the open part, if any. Afterwards nothing can be appended.
 * Returns: FHX_OK; FHX_ERR_ARGUMENT, FHX_ERR_REENTRANT and FHX_ERR_MISUSE as above;
 * FHX_ERR_NO_MEMORY, FHX_ERR_INTERNAL, and the destination's: the part is not committed, or, with
 * FHX_ERR_UNKNOWN_OUTCOME, may be.
 */
FHX_API int32_t fhx_writer_finish(fhx_writer *writer, fhx_error **error);

/* How many parts are committed. */
FHX_API uint64_t fhx_writer_part_count(const fhx_writer *writer);

/* A committed part. NULL when `index` is out of range. */
FHX_API const fhx_part *fhx_writer_part(const fhx_writer *writer, uint64_t index);

/*
 * Frees the writer. A part that is still open is aborted. NULL is harmless. Called from inside a
 * callback of this writer, it takes effect when that call returns.
 */
FHX_API void fhx_writer_free(fhx_writer *writer);

FHX_END_DECLS

#endif
