/* A part in gzip read as what it holds. */
#include "gzip/reader.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "core/alloc.h"

/* A block of memory that grows; what was in it is lost then. */
typedef struct room {
  unsigned char *data;
  size_t len;
} room;

struct fhx__gzip_reader {
  const fhx__gzip_codec *codec;
  void *inflater;
  int descriptor;
  fhx__gzip_extent extent;
  /* A page of the index, and which one. */
  room page;
  uint64_t page_position;
  /* The next block: its number, its place in the file, and that of its first byte in the whole. */
  uint64_t block;
  uint64_t stored_at;
  uint64_t held_at;
  /* The next byte that is wanted. */
  uint64_t offset;
  room packed;
  /* A block unpacked, and which of its bytes are still to be given. */
  room unpacked;
  size_t at;
  size_t len;
};

static int32_t damaged(fhx_error **error) {
  return fhx__fail(error, FHX_ERR_IO, "the exported file is damaged");
}

static int32_t read_at(const fhx__gzip_reader *reader, uint64_t offset, void *data, size_t len,
                       fhx_error **error) {
  unsigned char *at = data;
  while (len > 0) {
    ssize_t count = pread(reader->descriptor, at, len, (off_t)offset);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fhx__fail(error, FHX_ERR_IO, "the exported file could not be read");
    if (count == 0) return damaged(error);
    at += count;
    offset += (uint64_t)count;
    len -= (size_t)count;
  }
  return FHX_OK;
}

static int32_t make_room(room *of, size_t len, fhx_error **error) {
  if (len <= of->len) return FHX_OK;
  fhx__free(of->data);
  of->data = fhx__alloc(len);
  of->len = of->data == NULL ? 0 : len;
  return of->data == NULL ? fhx__no_memory(error) : FHX_OK;
}

/* --- the index --- */

static int32_t load_page(fhx__gzip_reader *reader, uint64_t position, fhx_error **error) {
  size_t len = 0;
  if (reader->page_position == position) return FHX_OK;
  uint64_t place = fhx__gzip_page_at(&reader->extent, position, &len);
  reader->page_position = UINT64_MAX;
  int32_t status = make_room(&reader->page, len, error);
  if (status == FHX_OK) status = read_at(reader, place, reader->page.data, len, error);
  if (status != FHX_OK) return status;
  if (!fhx__gzip_page_is_sound(reader->page.data, len, position, &reader->extent, reader->codec)) {
    return damaged(error);
  }
  reader->page_position = position;
  return FHX_OK;
}

/* The footer of the last page stands before the trailer at the end of the file. From it the place
   and length of all pages follow, and they must end where the file does. */
static int32_t read_extent(fhx__gzip_reader *reader, uint64_t stored, fhx_error **error) {
  unsigned char footer[FHX__GZIP_FOOTER_LEN];
  size_t last_len = 0;
  if (stored < FHX__GZIP_FOOTER_LEN + FHX__GZIP_TRAILER_LEN) return damaged(error);
  int32_t status = read_at(reader, stored - FHX__GZIP_TRAILER_LEN - FHX__GZIP_FOOTER_LEN, footer,
                           sizeof footer, error);
  if (status != FHX_OK) return status;
  fhx__gzip_read_footer(footer, &reader->extent);
  /* Blocks are of at least a byte: no product or sum below passes the numbers there are. */
  if (reader->extent.stored >= stored || reader->extent.block_count == 0 ||
      reader->extent.block_count > stored) {
    return damaged(error);
  }
  uint64_t last = fhx__gzip_page_count(reader->extent.block_count) - 1;
  if (fhx__gzip_page_at(&reader->extent, last, &last_len) + last_len != stored) {
    return damaged(error);
  }
  return load_page(reader, last, error);
}

/* FHX_END behind the last one, if that is where everything ends. */
static int32_t read_entry(fhx__gzip_reader *reader, fhx__gzip_entry *entry, fhx_error **error) {
  const fhx__gzip_extent *extent = &reader->extent;
  if (reader->block == extent->block_count) {
    bool whole = reader->held_at == extent->held &&
                 reader->stored_at + FHX__GZIP_TRAILER_LEN == extent->stored;
    return whole ? FHX_END : damaged(error);
  }
  int32_t status = load_page(reader, reader->block / FHX__GZIP_PAGE_ENTRIES, error);
  if (status != FHX_OK) return status;
  *entry = fhx__gzip_read_entry(reader->page.data, reader->block % FHX__GZIP_PAGE_ENTRIES);
  bool sound = entry->held > 0 && entry->held <= FHX__GZIP_BLOCK_MAX &&
               entry->stored <= FHX__GZIP_STORED_MAX(FHX__GZIP_BLOCK_MAX) &&
               entry->stored <= extent->stored - reader->stored_at &&
               entry->held <= extent->held - reader->held_at;
  return sound ? FHX_OK : damaged(error);
}

/* --- blocks --- */

static int32_t unpack(fhx__gzip_reader *reader, const fhx__gzip_entry *entry, fhx_error **error) {
  int32_t status = make_room(&reader->packed, (size_t)entry->stored + 2, error);
  if (status == FHX_OK) status = make_room(&reader->unpacked, entry->held, error);
  if (status == FHX_OK) {
    status = read_at(reader, reader->stored_at, reader->packed.data, entry->stored, error);
  }
  if (status != FHX_OK) return status;
  if (!fhx__gzip_unpack(reader->codec, reader->inflater, reader->packed.data, entry,
                        reader->unpacked.data)) {
    return damaged(error);
  }
  reader->at = (size_t)(reader->offset - reader->held_at);
  reader->len = entry->held;
  return FHX_OK;
}

/* Goes on to the block of the next byte that is wanted, and unpacks it. */
static int32_t next_block(fhx__gzip_reader *reader, fhx_error **error) {
  for (;;) {
    fhx__gzip_entry entry = {0, 0, 0};
    int32_t status = read_entry(reader, &entry, error);
    if (status != FHX_OK) return status;
    bool wanted = reader->offset < reader->held_at + entry.held;
    if (wanted) status = unpack(reader, &entry, error);
    if (status != FHX_OK) return status;
    reader->block++;
    reader->stored_at += entry.stored;
    reader->held_at += entry.held;
    if (wanted) return FHX_OK;
  }
}

int32_t fhx__gzip_reader_read(fhx__gzip_reader *reader, void *buffer, size_t capacity, size_t *len,
                              fhx_error **error) {
  if (reader->at == reader->len) {
    int32_t status = next_block(reader, error);
    if (status != FHX_OK) return status;
  }
  size_t left = reader->len - reader->at;
  *len = left < capacity ? left : capacity;
  memcpy(buffer, reader->unpacked.data + reader->at, *len);
  reader->at += *len;
  reader->offset += *len;
  return FHX_OK;
}

/* --- opening and closing --- */

int32_t fhx__gzip_reader_open(int descriptor, uint64_t stored, const fhx__gzip_codec *codec,
                              fhx__gzip_reader **made, fhx_error **error) {
  fhx__gzip_reader *reader = fhx__alloc_zeroed(1, sizeof *reader);
  if (reader == NULL) return fhx__no_memory(error);
  reader->codec = codec;
  reader->descriptor = descriptor;
  reader->page_position = UINT64_MAX;
  reader->stored_at = FHX__GZIP_HEADER_LEN;
  reader->inflater = codec->inflater_new();
  int32_t status = reader->inflater == NULL ? fhx__no_memory(error) : FHX_OK;
  if (status == FHX_OK) status = read_extent(reader, stored, error);
  if (status != FHX_OK) {
    fhx__gzip_reader_close(reader);
    return status;
  }
  *made = reader;
  return FHX_OK;
}

const fhx__gzip_extent *fhx__gzip_reader_extent(const fhx__gzip_reader *reader) {
  return &reader->extent;
}

void fhx__gzip_reader_seek(fhx__gzip_reader *reader, uint64_t offset) {
  reader->offset = offset;
}

void fhx__gzip_reader_close(fhx__gzip_reader *reader) {
  if (reader == NULL) return;
  reader->codec->inflater_free(reader->inflater);
  fhx__free(reader->page.data);
  fhx__free(reader->packed.data);
  fhx__free(reader->unpacked.data);
  fhx__free(reader);
}
