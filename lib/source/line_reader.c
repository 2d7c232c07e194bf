/*
 * The lines of a byte stream. The bytes are read into one window and handed out where they lie: a
 * batch is a stretch of the window and the places where its lines end. The window grows for a line
 * that is longer than it and shrinks again behind it.
 */
#include "source/line_reader.h"

#include <string.h>

#include "core/alloc.h"
#include "core/error.h"

#define WINDOW_MIN 65536
#define MARK "\xEF\xBB\xBF"
#define MARK_LEN 3

struct fhx__line_reader {
  fhx__byte_stream *stream;
  uint64_t line_max;
  /* The window, and where in the file it begins. */
  fhx__buffer window;
  uint64_t offset;
  /* Where the first line not handed out begins, and how far a line feed was looked for. */
  size_t line_begin;
  size_t searched;
  /* The lines of the present batch (uint64_t). */
  fhx__buffer ends;
  bool begun;
  bool ended;
};

int32_t fhx__line_reader_open(fhx__byte_stream *stream, uint64_t offset, uint64_t line_max,
                              fhx__line_reader **reader, fhx_error **error) {
  fhx__line_reader *opened = fhx__alloc_zeroed(1, sizeof *opened);
  if (opened == NULL) {
    fhx__byte_stream_close(stream);
    return fhx__no_memory(error);
  }
  opened->stream = stream;
  opened->line_max = line_max;
  opened->offset = offset;
  opened->begun = offset != 0;
  *reader = opened;
  return FHX_OK;
}

void fhx__line_reader_close(fhx__line_reader *reader) {
  if (reader == NULL) return;
  fhx__byte_stream_close(reader->stream);
  fhx__buffer_free(&reader->window);
  fhx__buffer_free(&reader->ends);
  fhx__free(reader);
}

/* Drops what lies before the present line; memory that only a huge line needed goes back. */
static void drop_read(fhx__line_reader *reader, size_t window_len) {
  fhx__buffer *window = &reader->window;
  size_t dropped = reader->line_begin;
  if (dropped != 0) {
    memmove(window->data, window->data + dropped, window->len - dropped);
    window->len -= dropped;
    reader->offset += dropped;
    reader->searched -= dropped;
    reader->line_begin = 0;
  }
  if (window->capacity / 2 <= window_len || window->len > window_len) return;
  char *smaller = fhx__realloc(window->data, window_len);
  if (smaller == NULL) return;
  window->data = smaller;
  window->capacity = window_len;
}

static int32_t fail_long(const fhx__line_reader *reader, fhx_error **error) {
  return fhx__fail(error, FHX_ERR_SOURCE, "%s has a line longer than %llu bytes",
                   fhx__byte_stream_name(reader->stream), (unsigned long long)reader->line_max);
}

static int32_t fill(fhx__line_reader *reader, size_t window_len, fhx_error **error) {
  fhx__buffer *window = &reader->window;
  if (window->len - reader->line_begin > reader->line_max) return fail_long(reader, error);
  size_t room = window->len < window_len ? window_len - window->len : window_len;
  if (fhx__buffer_reserve(window, room) != FHX_OK) return fhx__no_memory(error);
  if (window->len >= window_len) room = window->capacity - window->len;
  size_t count = 0;
  int32_t status =
      fhx__byte_stream_read(reader->stream, window->data + window->len, room, &count, error);
  if (status < 0) return status;
  window->len += count;
  reader->ended = status == FHX_END;
  return FHX_OK;
}

/* A byte order mark at the beginning of a file is no part of its first line. */
static int32_t skip_mark(fhx__line_reader *reader, size_t window_len, fhx_error **error) {
  while (!reader->ended && reader->window.len < MARK_LEN) {
    int32_t status = fill(reader, window_len, error);
    if (status != FHX_OK) return status;
  }
  reader->begun = true;
  if (reader->window.len >= MARK_LEN && memcmp(reader->window.data, MARK, MARK_LEN) == 0) {
    reader->line_begin = MARK_LEN;
    reader->searched = MARK_LEN;
    drop_read(reader, window_len);
  }
  return FHX_OK;
}

static bool is_blank(const char *text, size_t len) {
  for (size_t i = 0; i < len; i++) {
    if (text[i] != ' ' && text[i] != '\t' && text[i] != '\r' && text[i] != '\n') return false;
  }
  return true;
}

/* The present line ends before `end`. A blank one becomes white space before the next. */
static int32_t take_line(fhx__line_reader *reader, size_t end, fhx_error **error) {
  const char *line = reader->window.data + reader->line_begin;
  size_t len = end - reader->line_begin;
  if (len > reader->line_max) return fail_long(reader, error);
  reader->line_begin = end;
  reader->searched = end;
  if (is_blank(line, len)) return FHX_OK;
  uint64_t row_end = end;
  int32_t status = fhx__buffer_append(&reader->ends, &row_end, sizeof row_end);
  return status == FHX_OK ? FHX_OK : fhx__no_memory(error);
}

/* Takes one line that is whole in the window; FHX_END if there is none. */
static int32_t find_line(fhx__line_reader *reader, fhx_error **error) {
  fhx__buffer *window = &reader->window;
  size_t left = window->len - reader->searched;
  const char *feed = left == 0 ? NULL : memchr(window->data + reader->searched, '\n', left);
  if (feed != NULL) return take_line(reader, (size_t)(feed - window->data) + 1, error);
  reader->searched = window->len;
  if (!reader->ended || reader->line_begin == window->len) return FHX_END;
  return take_line(reader, window->len, error);
}

/* Reads on until the batch is as long as wanted, or the window is full and holds a line. */
static int32_t gather(fhx__line_reader *reader, size_t want, size_t window_len, fhx_error **error) {
  for (;;) {
    bool some = reader->ends.len != 0;
    if (some && reader->line_begin >= want) return FHX_OK;
    int32_t status = find_line(reader, error);
    if (status == FHX_OK) continue;
    if (status < 0) return status;
    if (reader->ended || (some && reader->window.len >= window_len)) return FHX_OK;
    if (!some) drop_read(reader, window_len);
    status = fill(reader, window_len, error);
    if (status != FHX_OK) return status;
  }
}

int32_t fhx__line_reader_next(fhx__line_reader *reader, size_t want, fhx__lines *lines,
                              fhx_error **error) {
  size_t window_len = want < WINDOW_MIN ? WINDOW_MIN : want;
  int32_t status = FHX_OK;
  reader->ends.len = 0;
  drop_read(reader, window_len);
  if (!reader->begun) status = skip_mark(reader, window_len, error);
  if (status == FHX_OK) status = gather(reader, want, window_len, error);
  if (status != FHX_OK) return status;
  uint64_t count = reader->ends.len / sizeof(uint64_t);
  if (count == 0) return FHX_END;
  lines->data = reader->window.data;
  lines->count = count;
  lines->ends = (const uint64_t *)(const void *)reader->ends.data;
  lines->len = (size_t)lines->ends[count - 1];
  lines->end_offset = reader->offset + lines->len;
  return FHX_OK;
}
