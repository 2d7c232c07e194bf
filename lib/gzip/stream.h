/*
 * Parts in gzip (RFC 1952), and how they are read from any byte on.
 *
 * A part is one member: its deflate stream is made of blocks of at most FHX__GZIP_BLOCK_MAX bytes
 * that are packed each by itself and end on whole bytes, so that each can be unpacked alone. One
 * member and not many, which gzip would allow: of several that come with `Content-Encoding: gzip`
 * curl takes none but the first, and fails, and other clients stop there without a word.
 *
 * Behind it an index may follow: empty members that say in their extra fields how long each block
 * is and what its CRC is. Every tool reads both as one gzip file; who sends a part to a client
 * sends the first member. Time stamp and system are fixed: by zlib the same bytes give the same
 * file.
 */
#ifndef FHX__GZIP_STREAM_H
#define FHX__GZIP_STREAM_H

#include "core/buffer.h"
#include "core/error.h"
#include "gzip/codec.h"

/* The most bytes of a block, before packing. */
#define FHX__GZIP_BLOCK_MAX ((size_t)1024 * 1024)

#define FHX__GZIP_HEADER_LEN 10
/* An empty last block, the CRC of everything and its length. */
#define FHX__GZIP_TRAILER_LEN 10

/* Deflate's stored blocks, which take any data, are of at most 65,535 bytes, with five before. */
#define FHX__GZIP_STORED_MAX(len) ((len) + 5 * ((len) / 65535 + 1))
#define FHX__GZIP_BLOCK_ROOM \
  (FHX__GZIP_HEADER_LEN + FHX__GZIP_STORED_MAX(FHX__GZIP_BLOCK_MAX) + FHX__GZIP_TRAILER_LEN)

/*
 * A page of the index is an empty member with an extra field of one subfield, "FX": an entry of 12
 * bytes for each block, and a footer of 32. All pages but the last have as many entries as there
 * can be. Numbers are little-endian.
 */
#define FHX__GZIP_PAGE_ENTRIES ((size_t)4096)
#define FHX__GZIP_ENTRY_LEN 12
#define FHX__GZIP_PAGE_HEAD_LEN (FHX__GZIP_HEADER_LEN + 6)
#define FHX__GZIP_FOOTER_LEN 32
#define FHX__GZIP_PAGE_LEN(entries)                                                 \
  (FHX__GZIP_PAGE_HEAD_LEN + (entries)*FHX__GZIP_ENTRY_LEN + FHX__GZIP_FOOTER_LEN + \
   FHX__GZIP_TRAILER_LEN)
#define FHX__GZIP_PAGE_MAX FHX__GZIP_PAGE_LEN(FHX__GZIP_PAGE_ENTRIES)

/* What an entry says: how long the block is, packed and not, and the CRC of what it holds. */
typedef struct fhx__gzip_entry {
  uint32_t stored;
  uint32_t held;
  uint32_t crc;
} fhx__gzip_entry;

/* What every page's footer says: how long the first member is, what it holds, in how many blocks.
 */
typedef struct fhx__gzip_extent {
  uint64_t stored;
  uint64_t held;
  uint64_t block_count;
} fhx__gzip_extent;

/* --- writing --- */

typedef struct fhx__gzip_packer {
  const fhx__gzip_codec *codec;
  bool has_index;
  void *deflater;
  /* What was packed last, until something else is. */
  unsigned char *out;
  /* Of the present file: its length so far, and the CRC of everything. */
  fhx__gzip_extent extent;
  uint32_t crc;
  /* Its entries, as they are written: 12 bytes for a MiB. */
  fhx__buffer index;
} fhx__gzip_packer;

/* FHX_OK or FHX_ERR_NO_MEMORY. fhx__gzip_packer_free in either case; harmless on a zeroed one. */
int32_t fhx__gzip_packer_init(fhx__gzip_packer *packer, const fhx__gzip_codec *codec,
                              bool has_index, fhx_error **error);
void fhx__gzip_packer_free(fhx__gzip_packer *packer);

/* Another file begins. */
void fhx__gzip_packer_restart(fhx__gzip_packer *packer);

/* Packs the next block, of `len` bytes, 1 to FHX__GZIP_BLOCK_MAX, to `packer->out`; *packed_len
   bytes. FHX_OK or FHX_ERR_NO_MEMORY. */
int32_t fhx__gzip_pack(fhx__gzip_packer *packer, const void *data, size_t len, size_t *packed_len,
                       fhx_error **error);

/* Writes the trailer, behind at least one block, to `packer->out`; returns how long it is. */
size_t fhx__gzip_pack_trailer(fhx__gzip_packer *packer);

/* Writes the position-th page of the index to `packer->out`; 0: there is none. */
size_t fhx__gzip_pack_page(fhx__gzip_packer *packer, uint64_t position);

/* --- reading --- */

/* How many pages so many blocks take. */
uint64_t fhx__gzip_page_count(uint64_t block_count);

/* Where the page begins, and how long it is. */
uint64_t fhx__gzip_page_at(const fhx__gzip_extent *extent, uint64_t position, size_t *len);

/* What a footer says; the page is to be checked yet. */
void fhx__gzip_read_footer(const unsigned char footer[FHX__GZIP_FOOTER_LEN],
                           fhx__gzip_extent *extent);

/* Whether these `len` bytes are the position-th page, sound, of a file of this extent. */
bool fhx__gzip_page_is_sound(const unsigned char *page, size_t len, uint64_t position,
                             const fhx__gzip_extent *extent, const fhx__gzip_codec *codec);

/* An entry of a page that is sound. */
fhx__gzip_entry fhx__gzip_read_entry(const unsigned char *page, size_t position);

/*
 * Unpacks a block to `out`, which has room for `entry->held` bytes. `block` has room for two bytes
 * more than `entry->stored`, which are overwritten. Whether it is what the entry says.
 */
bool fhx__gzip_unpack(const fhx__gzip_codec *codec, void *inflater, unsigned char *block,
                      const fhx__gzip_entry *entry, void *out);

#endif
