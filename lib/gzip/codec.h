/*
 * A deflate library, as the rest of the room sees it: raw deflate (RFC 1951) of one piece at a
 * time, and the CRC-32 of gzip. zlib is always there, ISA-L where the build has found it.
 */
#ifndef FHX__GZIP_CODEC_H
#define FHX__GZIP_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct fhx__gzip_codec {
  /* NULL when there is no memory. One deflater belongs to one thread at a time. */
  void *(*deflater_new)(void);
  void (*deflater_free)(void *deflater);
  /* Deflate blocks, none of them the last, that end on a whole byte and refer to nothing before.
     How long they are; 0: they do not fit. */
  size_t (*deflate)(void *deflater, const void *data, size_t len, void *out, size_t capacity);
  void *(*inflater_new)(void);
  void (*inflater_free)(void *inflater);
  /* Whether `data` is exactly one whole deflate stream, and that of exactly `out_len` bytes. */
  bool (*inflate)(void *inflater, const void *data, size_t len, void *out, size_t out_len);
  /* Of more bytes; begin with 0. */
  uint32_t (*crc32)(uint32_t crc, const void *data, size_t len);
} fhx__gzip_codec;

extern const fhx__gzip_codec fhx__gzip_zlib;
#ifdef FHX_HAVE_ISAL
extern const fhx__gzip_codec fhx__gzip_isal;
#endif

/* The faster one. What one of them has made, the other reads. */
const fhx__gzip_codec *fhx__gzip_codec_best(void);

#endif
