/* How a part is read from outside. */
#include "core/part.h"

const char *fhx_part_name(const fhx_part *part) {
  return part == NULL ? "" : part->name;
}

uint32_t fhx_part_kind(const fhx_part *part) {
  return part == NULL ? FHX_PART_OUTPUT : part->kind;
}

uint32_t fhx_part_flags(const fhx_part *part) {
  return part == NULL ? 0 : part->flags;
}

const char *fhx_part_resource_type(const fhx_part *part) {
  return part == NULL ? "" : part->resource_type;
}

uint64_t fhx_part_resource_count(const fhx_part *part) {
  return part == NULL ? 0 : part->resource_count;
}

uint64_t fhx_part_byte_count(const fhx_part *part) {
  return part == NULL ? 0 : part->byte_count;
}

uint32_t fhx_part_encoding(const fhx_part *part) {
  return part == NULL ? FHX_ENCODING_NONE : part->encoding;
}

uint64_t fhx_part_stored_byte_count(const fhx_part *part) {
  if (fhx_part_encoding(part) == FHX_ENCODING_NONE) return fhx_part_byte_count(part);
  return part->stored_byte_count;
}

uint32_t fhx_part_crc32c(const fhx_part *part) {
  return part == NULL ? 0 : part->crc32c;
}

const uint8_t *fhx_part_sha256(const fhx_part *part) {
  return part == NULL || !part->has_sha256 ? NULL : part->sha256;
}

uint64_t fhx_part_error_count(const fhx_part *part) {
  return part == NULL ? 0 : part->error_count;
}

uint64_t fhx_part_warning_count(const fhx_part *part) {
  return part == NULL ? 0 : part->warning_count;
}

uint32_t fhx_part_task_index(const fhx_part *part) {
  return part == NULL ? 0 : part->task_index;
}

uint64_t fhx_part_fence(const fhx_part *part) {
  return part == NULL ? 0 : part->fence;
}

uint64_t fhx_part_seq(const fhx_part *part) {
  return part == NULL ? 0 : part->seq;
}
