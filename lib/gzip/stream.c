/* The bytes of a part in gzip: header, blocks, trailer, index. */
#include "gzip/stream.h"

#include <string.h>
#include <zlib.h>

#include "core/alloc.h"

#define STORED_BLOCK_MAX 65535
/* What the CRC of a page stands behind: everything in the extra field before it. */
#define FOOTER_CRC_AT 24

/* gzip, deflate, flags, no time, no hint, unknown system. */
static const unsigned char header[FHX__GZIP_HEADER_LEN] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255};
#define FLAGS_AT 3
#define FLAG_EXTRA 4
/* The last block of a deflate stream, with nothing in it. */
static const unsigned char last_block[2] = {3, 0};

static void put_number(unsigned char *at, uint64_t value, size_t byte_count) {
  for (size_t i = 0; i < byte_count; i++, value >>= 8) at[i] = (unsigned char)(value & 255);
}

static uint64_t get_number(const unsigned char *at, size_t byte_count) {
  uint64_t value = 0;
  for (size_t i = byte_count; i > 0; i--) value = value << 8 | at[i - 1];
  return value;
}

/* --- writing --- */

int32_t fhx__gzip_packer_init(fhx__gzip_packer *packer, const fhx__gzip_codec *codec,
                              bool has_index, fhx_error **error) {
  packer->codec = codec;
  packer->has_index = has_index;
  packer->deflater = codec->deflater_new();
  packer->out = fhx__alloc(FHX__GZIP_BLOCK_ROOM);
  if (packer->deflater == NULL || packer->out == NULL) return fhx__no_memory(error);
  return FHX_OK;
}

void fhx__gzip_packer_free(fhx__gzip_packer *packer) {
  if (packer->codec != NULL) packer->codec->deflater_free(packer->deflater);
  fhx__free(packer->out);
  fhx__buffer_free(&packer->index);
  memset(packer, 0, sizeof *packer);
}

void fhx__gzip_packer_restart(fhx__gzip_packer *packer) {
  memset(&packer->extent, 0, sizeof packer->extent);
  packer->crc = 0;
  packer->index.len = 0;
}

/* Deflate without compression (RFC 1951, 3.2.4), for what no compressor makes shorter. */
static size_t store(const unsigned char *data, size_t len, unsigned char *out) {
  size_t written = 0;
  for (size_t at = 0; at < len;) {
    size_t piece = len - at < STORED_BLOCK_MAX ? len - at : STORED_BLOCK_MAX;
    out[written] = 0;
    put_number(out + written + 1, piece, 2);
    put_number(out + written + 3, ~(uint64_t)piece, 2);
    memcpy(out + written + 5, data + at, piece);
    written += 5 + piece;
    at += piece;
  }
  return written;
}

static int32_t note(fhx__gzip_packer *packer, const fhx__gzip_entry *entry) {
  unsigned char text[FHX__GZIP_ENTRY_LEN];
  if (!packer->has_index) return FHX_OK;
  put_number(text, entry->stored, 4);
  put_number(text + 4, entry->held, 4);
  put_number(text + 8, entry->crc, 4);
  return fhx__buffer_append(&packer->index, text, sizeof text);
}

int32_t fhx__gzip_pack(fhx__gzip_packer *packer, const void *data, size_t len, size_t *packed_len,
                       fhx_error **error) {
  size_t before = packer->extent.stored == 0 ? FHX__GZIP_HEADER_LEN : 0;
  unsigned char *block = packer->out + before;
  memcpy(packer->out, header, before);
  size_t stored =
      packer->codec->deflate(packer->deflater, data, len, block, FHX__GZIP_STORED_MAX(len));
  if (stored == 0) stored = store(data, len, block);
  const fhx__gzip_entry entry = {(uint32_t)stored, (uint32_t)len,
                                 packer->codec->crc32(0, data, len)};
  if (note(packer, &entry) != FHX_OK) return fhx__no_memory(error);
  packer->crc = (uint32_t)crc32_combine(packer->crc, entry.crc, (z_off_t)len);
  packer->extent.stored += before + stored;
  packer->extent.held += len;
  packer->extent.block_count++;
  *packed_len = before + stored;
  return FHX_OK;
}

/* RFC 1952 wants the length modulo 2^32. */
static void write_trailer(unsigned char *at, uint32_t crc, uint64_t held) {
  memcpy(at, last_block, sizeof last_block);
  put_number(at + 2, crc, 4);
  put_number(at + 6, held, 4);
}

size_t fhx__gzip_pack_trailer(fhx__gzip_packer *packer) {
  write_trailer(packer->out, packer->crc, packer->extent.held);
  packer->extent.stored += FHX__GZIP_TRAILER_LEN;
  return FHX__GZIP_TRAILER_LEN;
}

/* --- the index --- */

uint64_t fhx__gzip_page_count(uint64_t block_count) {
  uint64_t full = block_count / FHX__GZIP_PAGE_ENTRIES;
  return full + (block_count % FHX__GZIP_PAGE_ENTRIES != 0 ? 1 : 0);
}

/* How many entries the page has; 0: there is no such page. */
static size_t entries_of(const fhx__gzip_extent *extent, uint64_t position) {
  if (position >= fhx__gzip_page_count(extent->block_count)) return 0;
  uint64_t left = extent->block_count - position * FHX__GZIP_PAGE_ENTRIES;
  return left < FHX__GZIP_PAGE_ENTRIES ? (size_t)left : FHX__GZIP_PAGE_ENTRIES;
}

uint64_t fhx__gzip_page_at(const fhx__gzip_extent *extent, uint64_t position, size_t *len) {
  *len = FHX__GZIP_PAGE_LEN(entries_of(extent, position));
  return extent->stored + position * FHX__GZIP_PAGE_MAX;
}

static void write_page_head(unsigned char head[FHX__GZIP_PAGE_HEAD_LEN], size_t entries) {
  size_t subfield_len = entries * FHX__GZIP_ENTRY_LEN + FHX__GZIP_FOOTER_LEN;
  memcpy(head, header, FHX__GZIP_HEADER_LEN);
  head[FLAGS_AT] = FLAG_EXTRA;
  put_number(head + FHX__GZIP_HEADER_LEN, subfield_len + 4, 2);
  head[FHX__GZIP_HEADER_LEN + 2] = 'F';
  head[FHX__GZIP_HEADER_LEN + 3] = 'X';
  put_number(head + FHX__GZIP_HEADER_LEN + 4, subfield_len, 2);
}

/* `page` has its entries. */
static void write_footer(unsigned char *page, size_t entries, const fhx__gzip_extent *extent,
                         const fhx__gzip_codec *codec) {
  unsigned char *subfield = page + FHX__GZIP_PAGE_HEAD_LEN;
  unsigned char *footer = subfield + entries * FHX__GZIP_ENTRY_LEN;
  memset(footer, 0, FHX__GZIP_FOOTER_LEN);
  put_number(footer, extent->stored, 8);
  put_number(footer + 8, extent->held, 8);
  put_number(footer + 16, extent->block_count, 8);
  size_t before_crc = entries * FHX__GZIP_ENTRY_LEN + FOOTER_CRC_AT;
  put_number(footer + FOOTER_CRC_AT, codec->crc32(0, subfield, before_crc), 4);
  write_trailer(footer + FHX__GZIP_FOOTER_LEN, 0, 0);
}

size_t fhx__gzip_pack_page(fhx__gzip_packer *packer, uint64_t position) {
  size_t entries = packer->has_index ? entries_of(&packer->extent, position) : 0;
  if (entries == 0) return 0;
  write_page_head(packer->out, entries);
  memcpy(packer->out + FHX__GZIP_PAGE_HEAD_LEN,
         packer->index.data + position * FHX__GZIP_PAGE_ENTRIES * FHX__GZIP_ENTRY_LEN,
         entries * FHX__GZIP_ENTRY_LEN);
  write_footer(packer->out, entries, &packer->extent, packer->codec);
  return FHX__GZIP_PAGE_LEN(entries);
}

/* --- reading --- */

void fhx__gzip_read_footer(const unsigned char footer[FHX__GZIP_FOOTER_LEN],
                           fhx__gzip_extent *extent) {
  extent->stored = get_number(footer, 8);
  extent->held = get_number(footer + 8, 8);
  extent->block_count = get_number(footer + 16, 8);
}

bool fhx__gzip_page_is_sound(const unsigned char *page, size_t len, uint64_t position,
                             const fhx__gzip_extent *extent, const fhx__gzip_codec *codec) {
  unsigned char head[FHX__GZIP_PAGE_HEAD_LEN];
  unsigned char empty[FHX__GZIP_TRAILER_LEN];
  size_t entries = entries_of(extent, position);
  if (entries == 0 || len != FHX__GZIP_PAGE_LEN(entries)) return false;
  const unsigned char *subfield = page + FHX__GZIP_PAGE_HEAD_LEN;
  const unsigned char *footer = subfield + entries * FHX__GZIP_ENTRY_LEN;
  size_t before_crc = entries * FHX__GZIP_ENTRY_LEN + FOOTER_CRC_AT;
  fhx__gzip_extent said;
  write_page_head(head, entries);
  write_trailer(empty, 0, 0);
  fhx__gzip_read_footer(footer, &said);
  return memcmp(page, head, sizeof head) == 0 && memcmp(&said, extent, sizeof said) == 0 &&
         get_number(footer + FOOTER_CRC_AT, 8) == codec->crc32(0, subfield, before_crc) &&
         memcmp(footer + FHX__GZIP_FOOTER_LEN, empty, sizeof empty) == 0;
}

fhx__gzip_entry fhx__gzip_read_entry(const unsigned char *page, size_t position) {
  const unsigned char *at = page + FHX__GZIP_PAGE_HEAD_LEN + position * FHX__GZIP_ENTRY_LEN;
  return (fhx__gzip_entry){(uint32_t)get_number(at, 4), (uint32_t)get_number(at + 4, 4),
                           (uint32_t)get_number(at + 8, 4)};
}

bool fhx__gzip_unpack(const fhx__gzip_codec *codec, void *inflater, unsigned char *block,
                      const fhx__gzip_entry *entry, void *out) {
  /* With an end of its own the block is a whole stream. */
  memcpy(block + entry->stored, last_block, sizeof last_block);
  return codec->inflate(inflater, block, entry->stored + sizeof last_block, out, entry->held) &&
         codec->crc32(0, out, entry->held) == entry->crc;
}
