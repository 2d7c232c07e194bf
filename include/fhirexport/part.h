/*
 * fhirexport/part.h: a finished output file.
 *
 * A part is read through the functions below. Whoever hands one out says how long it lives.
 *
 * Of all functions here: Threads: any, while the part lives. Memory: names and digests live as long
 * as the part. Since 0.9.0.
 */
#ifndef FHIREXPORT_PART_H
#define FHIREXPORT_PART_H

#include <fhirexport/api.h>

/* Kinds of part: resources; OperationOutcomes for the manifest's `error`; Bundles of deletions for
   its `deleted`. */
#define FHX_PART_OUTPUT 0
#define FHX_PART_ERROR 1
#define FHX_PART_DELETED 2

/* The last block of resources goes on in the next part of the same task (the manifest's
   `continuesInFile`). */
#define FHX_PART_CONTINUES 1u

/* How a part's bytes are stored: as they are, or in gzip (RFC 1952). */
#define FHX_ENCODING_NONE 0
#define FHX_ENCODING_GZIP 1

FHX_BEGIN_DECLS

/* What is known of a finished file. */
typedef struct fhx_part fhx_part;

/* Its name at the destination: `[tenant/]<job>/<type>-<shard>-<fence>-<seq>.ndjson` for a job, with
   `error` instead of the type for the error file, `deleted` for deletions, and `patients` where an
   export is organised by patients; in gzip it ends in `.ndjson.gz`. */
FHX_API const char *fhx_part_name(const fhx_part *part);

/* FHX_PART_OUTPUT, FHX_PART_ERROR or FHX_PART_DELETED. */
FHX_API uint32_t fhx_part_kind(const fhx_part *part);

/* A sum of FHX_PART_CONTINUES and nothing else at present. */
FHX_API uint32_t fhx_part_flags(const fhx_part *part);

/* The type of every resource in it; "" where the export is organised by patients. */
FHX_API const char *fhx_part_resource_type(const fhx_part *part);

/* How many resources, which is how many lines. At least 1. */
FHX_API uint64_t fhx_part_resource_count(const fhx_part *part);

/* How many bytes of NDJSON, whatever the encoding. */
FHX_API uint64_t fhx_part_byte_count(const fhx_part *part);

/* FHX_ENCODING_NONE or FHX_ENCODING_GZIP. */
FHX_API uint32_t fhx_part_encoding(const fhx_part *part);

/* How many bytes at the destination: the byte count, unless there is an encoding. */
FHX_API uint64_t fhx_part_stored_byte_count(const fhx_part *part);

/* The CRC-32C (Castagnoli) of the bytes at the destination. */
FHX_API uint32_t fhx_part_crc32c(const fhx_part *part);

/* The SHA-256 of the bytes at the destination (32 bytes); NULL if it was not asked for. */
FHX_API const uint8_t *fhx_part_sha256(const fhx_part *part);

/* Of a part of kind FHX_PART_ERROR, how many of its OperationOutcomes are of severity "error", and
   how many of "warning"; there are no others. Both 0: that is not known, as of a part that an
   earlier version has recorded. */
FHX_API uint64_t fhx_part_error_count(const fhx_part *part);
FHX_API uint64_t fhx_part_warning_count(const fhx_part *part);

/* The task, the fence of the attempt that wrote it, and its number; all 0 for a writer's part. */
FHX_API uint32_t fhx_part_task_index(const fhx_part *part);
FHX_API uint64_t fhx_part_fence(const fhx_part *part);
FHX_API uint64_t fhx_part_seq(const fhx_part *part);

FHX_END_DECLS

#endif
