/* Lines to one part at a time. */
#include "writer/part_writer.h"

#include <string.h>

#include "core/alloc.h"
#include "core/clock.h"
#include "core/error.h"

#define SETTLE_TRIES 5
#define SETTLE_PAUSE_US INT64_C(5000)

int32_t fhx__part_writer_init(fhx__part_writer *writer, fhx_destination *destination,
                              fhx_error **error) {
  memset(writer, 0, sizeof *writer);
  writer->sink.destination = destination;
  writer->depth_max = FHX__DEPTH_DEFAULT;
  writer->resource_bytes_max = FHX__RESOURCE_BYTES_DEFAULT;
  fhx__pipeline_init(&writer->pipeline, &writer->sink, 0);
  writer->buffer = fhx__alloc(FHX__STRETCH_ROOM);
  if (writer->buffer == NULL) return fhx__no_memory(error);
  writer->capacity = FHX__STRETCH_MAX;
  return FHX_OK;
}

int32_t fhx__part_writer_use_gzip(fhx__part_writer *writer, bool has_index, fhx_error **error) {
  return fhx__gzip_packer_init(&writer->sink.packer, fhx__gzip_codec_best(), has_index, error);
}

void fhx__part_writer_use_helper(fhx__part_writer *writer, uint32_t buffers_max) {
  fhx__pipeline_init(&writer->pipeline, &writer->sink, buffers_max);
}

void fhx__part_writer_free(fhx__part_writer *writer) {
  fhx__part_writer_abort(writer);
  fhx__pipeline_free(&writer->pipeline);
  fhx__sink_free(&writer->sink);
  fhx__free(writer->buffer);
  writer->buffer = NULL;
}

/* Passes on what is in the buffer. */
static int32_t flush(fhx__part_writer *writer, fhx_error **error) {
  size_t len = writer->used;
  writer->used = 0;
  if (len == 0) return FHX_OK;
  int32_t status = fhx__sink_open(&writer->sink, writer->part.name, error);
  if (status != FHX_OK) return status;
  return fhx__pipeline_pass(&writer->pipeline, &writer->buffer, len, error);
}

/* What is too long for the buffer, piece by piece: stripped, or without `strip` as it is. The
   buffer is empty before and after it. */
static int32_t flush_through(fhx__part_writer *writer, const char *text, size_t len,
                             fhx__strip *strip, fhx_error **error) {
  int32_t status = FHX_OK;
  for (size_t at = 0; status == FHX_OK && at < len;) {
    size_t piece = len - at < writer->capacity ? len - at : writer->capacity;
    if (strip == NULL) {
      memcpy(writer->buffer, text + at, piece);
      writer->used = piece;
    } else {
      writer->used = fhx__strip_piece(strip, text + at, piece, writer->buffer);
    }
    status = flush(writer, error);
    at += piece;
  }
  return status;
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
  writer->part.encoding = fhx__sink_packs(&writer->sink) ? FHX_ENCODING_GZIP : FHX_ENCODING_NONE;
  writer->named = true;
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
  if (status == FHX_OK) {
    status = flush_through(writer, line->text, line->len, is_line ? NULL : &strip, error);
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
    status = flush_through(writer, text, len, NULL, error);
    buffered = 0;
  }
  if (status != FHX_OK) return status;
  if (buffered != 0) memcpy(writer->buffer + writer->used, text, buffered);
  writer->buffer[writer->used + buffered] = '\n';
  writer->used += buffered + 1;
  count_line(writer, len);
  return FHX_OK;
}

/* Writes what is in the buffer from here. It is not passed on: a line that was scanned may stand
   behind it, and stays. */
static int32_t write_out(fhx__part_writer *writer, fhx_error **error) {
  const fhx__stretch rest = {writer->buffer, writer->used};
  writer->used = 0;
  int32_t status = fhx__sink_open(&writer->sink, writer->part.name, error);
  if (status == FHX_OK) status = fhx__pipeline_drain(&writer->pipeline, error);
  return status == FHX_OK ? fhx__sink_put(&writer->sink, &rest, error) : status;
}

/* The text and the line do not fit into the buffer together: it goes first, from a buffer of its
   own. */
static int32_t write_text(fhx__part_writer *writer, const char *text, size_t len,
                          fhx_error **error) {
  fhx__stretch own = {fhx__alloc(len + 1), len + 1};
  if (own.data == NULL) return fhx__no_memory(error);
  memcpy(own.data, text, len);
  own.data[len] = '\n';
  int32_t status = write_out(writer, error);
  if (status == FHX_OK) status = fhx__sink_put(&writer->sink, &own, error);
  fhx__free(own.data);
  if (status == FHX_OK) count_line(writer, len);
  return status;
}

int32_t fhx__part_writer_take_behind(fhx__part_writer *writer, const char *text, size_t len,
                                     const fhx__line *line, fhx_error **error) {
  fhx__line moved = *line;
  size_t wanted = len + line->len + 2;
  int32_t status = FHX_OK;
  if (line->oversized) {
    status = fhx__part_writer_add(writer, text, len, error);
    return status == FHX_OK ? fhx__part_writer_take(writer, line, error) : status;
  }
  if (wanted > writer->capacity) {
    status = write_text(writer, text, len, error);
    return status == FHX_OK ? fhx__part_writer_take(writer, line, error) : status;
  }
  if (wanted > writer->capacity - writer->used) status = write_out(writer, error);
  if (status != FHX_OK) return status;
  unsigned char *at = writer->buffer + writer->used;
  memmove(at + len + 1, line->text, line->len);
  memcpy(at, text, len);
  at[len] = '\n';
  moved.text = (const char *)at + len + 1;
  writer->used += len + 1;
  count_line(writer, len);
  return fhx__part_writer_take(writer, &moved, error);
}

static int32_t end_part(fhx__part_writer *writer, fhx_error **error) {
  int32_t status = write_out(writer, error);
  return status == FHX_OK ? fhx__sink_end(&writer->sink, &writer->part, error) : status;
}

int32_t fhx__part_writer_commit(fhx__part_writer *writer, fhx_part *part, fhx_error **error) {
  int32_t status = end_part(writer, error);
  if (status != FHX_OK) {
    fhx__part_writer_abort(writer);
    return status;
  }
  *part = writer->part;
  writer->named = false;
  return fhx__sink_commit(&writer->sink, part, error);
}

int32_t fhx__part_writer_settle(fhx__part_writer *writer, const fhx_part *part) {
  int64_t pause_us = SETTLE_PAUSE_US;
  int32_t status = fhx__destination_stat(writer->sink.destination, part, NULL);
  for (int i = 1; i < SETTLE_TRIES && status != FHX_OK && status != FHX_ERR_NOT_FOUND &&
                  status != FHX_ERR_UNSUPPORTED;
       i++) {
    fhx__clock_sleep_us(pause_us);
    pause_us *= 2;
    status = fhx__destination_stat(writer->sink.destination, part, NULL);
  }
  return status;
}

void fhx__part_writer_abort(fhx__part_writer *writer) {
  fhx__pipeline_discard(&writer->pipeline);
  fhx__sink_abort(&writer->sink);
  writer->named = false;
  writer->used = 0;
}
