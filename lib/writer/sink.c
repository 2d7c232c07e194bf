/* What becomes of a part's bytes. */
#include "writer/sink.h"

bool fhx__sink_packs(const fhx__sink *sink) {
  return sink->packer.codec != NULL;
}

int32_t fhx__sink_open(fhx__sink *sink, const char *name, fhx_error **error) {
  if (sink->opened) return FHX_OK;
  sink->byte_count = 0;
  sink->crc32c = 0;
  fhx__gzip_packer_restart(&sink->packer);
  if (sink->sha256_wanted) {
    int32_t status = fhx__sha256_begin(&sink->sha256, error);
    if (status != FHX_OK) return status;
  }
  int32_t status = fhx__destination_open(sink->destination, name, &sink->upload, error);
  sink->opened = status == FHX_OK;
  return status;
}

static int32_t digest(fhx__sink *sink, const fhx__stretch *ready, fhx_error **error) {
  sink->crc32c = fhx__crc32c(sink->crc32c, ready->data, ready->len);
  sink->byte_count += ready->len;
  if (!sink->sha256_wanted) return FHX_OK;
  return fhx__sha256_update(&sink->sha256, ready->data, ready->len, error);
}

int32_t fhx__sink_prepare(fhx__sink *sink, const fhx__stretch *bytes, fhx__stretch *ready,
                          fhx_error **error) {
  *ready = *bytes;
  if (fhx__sink_packs(sink)) {
    int32_t status = fhx__gzip_pack(&sink->packer, bytes->data, bytes->len, &ready->len, error);
    if (status != FHX_OK) return status;
    ready->data = sink->packer.out;
  }
  return digest(sink, ready, error);
}

int32_t fhx__sink_write(fhx__sink *sink, const fhx__stretch *ready, fhx_error **error) {
  return fhx__destination_write(sink->destination, sink->upload, ready->data, ready->len, error);
}

int32_t fhx__sink_put(fhx__sink *sink, const fhx__stretch *bytes, fhx_error **error) {
  fhx__stretch ready;
  if (bytes->len == 0) return FHX_OK;
  int32_t status = fhx__sink_prepare(sink, bytes, &ready, error);
  return status == FHX_OK ? fhx__sink_write(sink, &ready, error) : status;
}

/* What the packer has written besides blocks. */
static int32_t put_packed(fhx__sink *sink, size_t len, fhx_error **error) {
  const fhx__stretch ready = {sink->packer.out, len};
  int32_t status = digest(sink, &ready, error);
  return status == FHX_OK ? fhx__sink_write(sink, &ready, error) : status;
}

static int32_t put_tail(fhx__sink *sink, fhx_error **error) {
  size_t len = fhx__gzip_pack_trailer(&sink->packer);
  int32_t status = put_packed(sink, len, error);
  for (uint64_t i = 0; status == FHX_OK && (len = fhx__gzip_pack_page(&sink->packer, i)) != 0;
       i++) {
    status = put_packed(sink, len, error);
  }
  return status;
}

int32_t fhx__sink_end(fhx__sink *sink, fhx_part *part, fhx_error **error) {
  int32_t status = fhx__sink_packs(sink) ? put_tail(sink, error) : FHX_OK;
  part->stored_byte_count = sink->byte_count;
  part->crc32c = sink->crc32c;
  part->has_sha256 = sink->sha256_wanted;
  if (status != FHX_OK || !sink->sha256_wanted) return status;
  return fhx__sha256_end(&sink->sha256, part->sha256, error);
}

int32_t fhx__sink_commit(fhx__sink *sink, const fhx_part *part, fhx_error **error) {
  sink->opened = false;
  return fhx__destination_commit(sink->destination, sink->upload, part, error);
}

void fhx__sink_abort(fhx__sink *sink) {
  if (sink->opened) fhx__destination_abort(sink->destination, sink->upload);
  sink->opened = false;
}

void fhx__sink_free(fhx__sink *sink) {
  fhx__sha256_free(&sink->sha256);
  fhx__gzip_packer_free(&sink->packer);
}
