/* Lines to one part at a time. */
#include "writer/part_writer.h"

#include <string.h>

#include "core/alloc.h"
#include "core/clock.h"
#include "core/error.h"

#define BUFFER_BYTES ((size_t)1024 * 1024)
#define SETTLE_TRIES 5
#define SETTLE_PAUSE_US INT64_C(5000)

int32_t fhx__part_writer_init(fhx__part_writer *writer, fhx_destination *destination,
                              fhx_error **error) {
  memset(writer, 0, sizeof *writer);
  writer->destination = destination;
  writer->depth_max = FHX__DEPTH_DEFAULT;
  writer->resource_bytes_max = FHX__RESOURCE_BYTES_DEFAULT;
  writer->buffer = fhx__alloc(BUFFER_BYTES);
  if (writer->buffer == NULL) return fhx__no_memory(error);
  writer->capacity = BUFFER_BYTES;
  return FHX_OK;
}

int32_t fhx__part_writer_use_gzip(fhx__part_writer *writer, bool has_index, fhx_error **error) {
  return fhx__gzip_packer_init(&writer->packer, fhx__gzip_codec_best(), has_index, error);
}

static bool packs(const fhx__part_writer *writer) {
  return writer->packer.codec != NULL;
}

void fhx__part_writer_free(fhx__part_writer *writer) {
  fhx__part_writer_abort(writer);
  fhx__sha256_free(&writer->sha256);
  fhx__gzip_packer_free(&writer->packer);
  fhx__free(writer->buffer);
  writer->buffer = NULL;
}

static int32_t open_part(fhx__part_writer *writer, fhx_error **error) {
  if (writer->opened) return FHX_OK;
  if (writer->sha256_wanted) {
    int32_t status = fhx__sha256_begin(&writer->sha256, error);
    if (status != FHX_OK) return status;
  }
  int32_t status =
      fhx__destination_open(writer->destination, writer->part.name, &writer->upload, error);
  writer->opened = status == FHX_OK;
  return status;
}

/* Writes and digests bytes as the destination gets them. */
static int32_t store(fhx__part_writer *writer, const void *data, size_t len, fhx_error **error) {
  int32_t status = open_part(writer, error);
  if (status != FHX_OK) return status;
  writer->part.crc32c = fhx__crc32c(writer->part.crc32c, data, len);
  if (writer->sha256_wanted) {
    status = fhx__sha256_update(&writer->sha256, data, len, error);
    if (status != FHX_OK) return status;
  }
  writer->part.stored_byte_count += len;
  return fhx__destination_write(writer->destination, writer->upload, data, len, error);
}

/* Writes bytes of the named part's lines; none is fine. */
static int32_t put(fhx__part_writer *writer, const void *data, size_t len, fhx_error **error) {
  const unsigned char *at = data;
  int32_t status = FHX_OK;
  if (!packs(writer)) return len == 0 ? FHX_OK : store(writer, data, len, error);
  while (status == FHX_OK && len > 0) {
    size_t piece = len < FHX__GZIP_BLOCK_MAX ? len : FHX__GZIP_BLOCK_MAX;
    size_t packed = 0;
    status = fhx__gzip_pack(&writer->packer, at, piece, &packed, error);
    if (status == FHX_OK) status = store(writer, writer->packer.out, packed, error);
    at += piece;
    len -= piece;
  }
  return status;
}

/* What stands behind the lines. */
static int32_t put_end(fhx__part_writer *writer, fhx_error **error) {
  fhx__gzip_packer *packer = &writer->packer;
  if (!packs(writer)) return FHX_OK;
  size_t len = fhx__gzip_pack_trailer(packer);
  int32_t status = store(writer, packer->out, len, error);
  for (uint64_t i = 0; status == FHX_OK && (len = fhx__gzip_pack_page(packer, i)) != 0; i++) {
    status = store(writer, packer->out, len, error);
  }
  return status;
}

static int32_t flush(fhx__part_writer *writer, fhx_error **error) {
  size_t len = writer->used;
  writer->used = 0;
  return put(writer, writer->buffer, len, error);
}

static void trust(const char *data, size_t len, fhx__line *line) {
  if (len != 0 && data[len - 1] == '\n') len--;
  fhx__scan_trusted(data, len, &line->scan);
  line->text = data;
  line->len = line->scan.out_len;
}

int32_t fhx__part_writer_scan(fhx__part_writer *writer, const void *data, size_t len,
                              fhx__line *line, fhx_error **error) {
  memset(line, 0, sizeof *line);
  /* NULL is no place in a text. */
  if (len == 0) data = "";
  line->too_long = len > writer->resource_bytes_max;
  if (line->too_long) return FHX_OK;
  line->oversized = len >= writer->capacity;
  if (!line->oversized && len >= writer->capacity - writer->used) {
    int32_t status = flush(writer, error);
    if (status != FHX_OK) return status;
  }
  if (writer->trusts_source) {
    trust(data, len, line);
    return FHX_OK;
  }
  unsigned char *out = line->oversized ? NULL : writer->buffer + writer->used;
  line->keys = writer->notes_keys ? &writer->keys : NULL;
  fhx__scan_keys(data, len, out, writer->depth_max, &line->scan,
                 writer->notes_keys ? &writer->keys : NULL);
  line->text = line->oversized ? data : (const char *)out;
  line->len = line->oversized ? len : line->scan.out_len;
  return FHX_OK;
}

void fhx__part_writer_begin(fhx__part_writer *writer, const fhx_part *identity) {
  writer->part = *identity;
  writer->part.resource_count = 0;
  writer->part.byte_count = 0;
  writer->part.encoding = packs(writer) ? FHX_ENCODING_GZIP : FHX_ENCODING_NONE;
  writer->part.stored_byte_count = 0;
  fhx__gzip_packer_restart(&writer->packer);
  writer->part.crc32c = 0;
  writer->part.has_sha256 = false;
  writer->named = true;
  writer->opened = false;
}

static void count_line(fhx__part_writer *writer, size_t len) {
  writer->part.resource_count++;
  writer->part.byte_count += len + 1;
}

/* A resource longer than the buffer: stripped, unless it is the line, and written piece by piece.
 */
static int32_t take_oversized(fhx__part_writer *writer, const fhx__line *line, fhx_error **error) {
  fhx__strip strip = {false, false};
  bool is_line = line->len == line->scan.out_len;
  int32_t status = flush(writer, error);
  for (size_t at = 0; status == FHX_OK && at < line->len;) {
    size_t piece = line->len - at < writer->capacity ? line->len - at : writer->capacity;
    if (is_line) {
      status = put(writer, line->text + at, piece, error);
    } else {
      size_t stripped = fhx__strip_piece(&strip, line->text + at, piece, writer->buffer);
      status = put(writer, writer->buffer, stripped, error);
    }
    at += piece;
  }
  if (status != FHX_OK) return status;
  writer->buffer[0] = '\n';
  writer->used = 1;
  count_line(writer, line->scan.out_len);
  return FHX_OK;
}

int32_t fhx__part_writer_take(fhx__part_writer *writer, const fhx__line *line, fhx_error **error) {
  if (line->oversized) return take_oversized(writer, line, error);
  /* What was made of a line can be longer than it was. */
  if (line->len >= writer->capacity - writer->used) {
    int32_t status = flush(writer, error);
    if (status != FHX_OK) return status;
  }
  unsigned char *at = writer->buffer + writer->used;
  /* A trusted line is not there yet; a commit between scan and take has emptied the buffer before
     any other. */
  if ((const char *)at != line->text) memmove(at, line->text, line->len);
  at[line->len] = '\n';
  writer->used += line->len + 1;
  count_line(writer, line->len);
  return FHX_OK;
}

int32_t fhx__part_writer_add(fhx__part_writer *writer, const char *text, size_t len,
                             fhx_error **error) {
  int32_t status = FHX_OK;
  size_t buffered = len;
  if (len >= writer->capacity - writer->used) status = flush(writer, error);
  if (status == FHX_OK && len >= writer->capacity) {
    status = put(writer, text, len, error);
    buffered = 0;
  }
  if (status != FHX_OK) return status;
  if (buffered != 0) memcpy(writer->buffer + writer->used, text, buffered);
  writer->buffer[writer->used + buffered] = '\n';
  writer->used += buffered + 1;
  count_line(writer, len);
  return FHX_OK;
}

int32_t fhx__part_writer_take_behind(fhx__part_writer *writer, const char *text, size_t len,
                                     const fhx__line *line, fhx_error **error) {
  fhx__line moved = *line;
  int32_t status = FHX_OK;
  if (!line->oversized && len + line->len + 2 > writer->capacity - writer->used) {
    status = flush(writer, error);
  }
  if (status != FHX_OK) return status;
  if (line->oversized) {
    status = fhx__part_writer_add(writer, text, len, error);
  } else if (len + line->len + 2 > writer->capacity) {
    /* The scanned line lies in the buffer, and the two do not fit into it. */
    status = put(writer, text, len, error);
    if (status == FHX_OK) status = put(writer, "\n", 1, error);
    count_line(writer, len);
  } else {
    unsigned char *at = writer->buffer + writer->used;
    memmove(at + len + 1, line->text, line->len);
    memcpy(at, text, len);
    at[len] = '\n';
    moved.text = (const char *)at + len + 1;
    writer->used += len + 1;
    count_line(writer, len);
  }
  return status == FHX_OK ? fhx__part_writer_take(writer, &moved, error) : status;
}

int32_t fhx__part_writer_commit(fhx__part_writer *writer, fhx_part *part, fhx_error **error) {
  int32_t status = flush(writer, error);
  if (status == FHX_OK) status = put_end(writer, error);
  if (status == FHX_OK && writer->sha256_wanted) {
    status = fhx__sha256_end(&writer->sha256, writer->part.sha256, error);
    writer->part.has_sha256 = true;
  }
  if (status != FHX_OK) {
    fhx__part_writer_abort(writer);
    return status;
  }
  *part = writer->part;
  writer->named = false;
  writer->opened = false;
  return fhx__destination_commit(writer->destination, writer->upload, part, error);
}

int32_t fhx__part_writer_settle(fhx__part_writer *writer, const fhx_part *part) {
  int64_t pause_us = SETTLE_PAUSE_US;
  int32_t status = fhx__destination_stat(writer->destination, part, NULL);
  for (int i = 1; i < SETTLE_TRIES && status != FHX_OK && status != FHX_ERR_NOT_FOUND &&
                  status != FHX_ERR_UNSUPPORTED;
       i++) {
    fhx__clock_sleep_us(pause_us);
    pause_us *= 2;
    status = fhx__destination_stat(writer->destination, part, NULL);
  }
  return status;
}

void fhx__part_writer_abort(fhx__part_writer *writer) {
  if (writer->opened) fhx__destination_abort(writer->destination, writer->upload);
  writer->opened = false;
  writer->named = false;
  writer->used = 0;
}
