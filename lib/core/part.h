/* A finished output file, as the writer makes it and the store gives it back. */
#ifndef FHX__CORE_PART_H
#define FHX__CORE_PART_H

#include <fhirexport/part.h>
#include <stdbool.h>

#include "core/names.h"

struct fhx_part {
  uint32_t kind;
  /* FHX_PART_CONTINUES or 0. */
  uint32_t flags;
  uint32_t task_index;
  uint64_t fence;
  uint64_t seq;
  uint64_t resource_count;
  uint64_t byte_count;
  /* FHX_ENCODING_... Only with one is `stored_byte_count` set. */
  uint32_t encoding;
  uint32_t crc32c;
  uint64_t stored_byte_count;
  /* Of OperationOutcomes, by severity; both 0: not known. */
  uint64_t error_count;
  uint64_t warning_count;
  bool has_sha256;
  uint8_t sha256[32];
  char resource_type[FHX__TYPE_MAX + 1];
  char name[FHX__PART_NAME_MAX + 1];
};

#endif
