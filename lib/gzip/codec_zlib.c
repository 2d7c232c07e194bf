/* Deflate by zlib. */
#include <limits.h>
/* So that zlib takes constant input. */
#define ZLIB_CONST
#include <zlib.h>

#include "core/alloc.h"
#include "gzip/codec.h"

/* Half again as fast as level 3 on FHIR's JSON, and a fortieth longer; level 6 takes three times as
   long. */
#define LEVEL 1
/* Below 0: without zlib's or gzip's own header. */
#define RAW_WINDOW_BITS (-15)
#define MEMORY_LEVEL 8

static void *allocate(void *opaque, uInt count, uInt size) {
  (void)opaque;
  return fhx__alloc_zeroed(count, size);
}

static void release(void *opaque, void *block) {
  (void)opaque;
  fhx__free(block);
}

static z_stream *make_stream(void) {
  z_stream *stream = fhx__alloc_zeroed(1, sizeof *stream);
  if (stream == NULL) return NULL;
  stream->zalloc = allocate;
  stream->zfree = release;
  return stream;
}

/* zlib counts in unsigned int; a block is far shorter. */
static bool take_block(z_stream *stream, const void *data, size_t len, void *out, size_t capacity) {
  if (len > UINT_MAX || capacity > UINT_MAX) return false;
  stream->next_in = data;
  stream->avail_in = (uInt)len;
  stream->next_out = out;
  stream->avail_out = (uInt)capacity;
  return true;
}

static void *deflater_new(void) {
  z_stream *stream = make_stream();
  if (stream == NULL) return NULL;
  if (deflateInit2(stream, LEVEL, Z_DEFLATED, RAW_WINDOW_BITS, MEMORY_LEVEL, Z_DEFAULT_STRATEGY) ==
      Z_OK) {
    return stream;
  }
  fhx__free(stream);
  return NULL;
}

static void deflater_free(void *deflater) {
  if (deflater != NULL) deflateEnd(deflater);
  fhx__free(deflater);
}

static size_t deflate_block(void *deflater, const void *data, size_t len, void *out,
                            size_t capacity) {
  z_stream *stream = deflater;
  if (deflateReset(stream) != Z_OK || !take_block(stream, data, len, out, capacity)) return 0;
  /* Room that is left says that the flush is done. */
  bool done = deflate(stream, Z_FULL_FLUSH) == Z_OK && stream->avail_out > 0;
  return done ? capacity - stream->avail_out : 0;
}

static void *inflater_new(void) {
  z_stream *stream = make_stream();
  if (stream == NULL) return NULL;
  if (inflateInit2(stream, RAW_WINDOW_BITS) == Z_OK) return stream;
  fhx__free(stream);
  return NULL;
}

static void inflater_free(void *inflater) {
  if (inflater != NULL) inflateEnd(inflater);
  fhx__free(inflater);
}

/* A stream that ends where it should needs no memory of zlib's here: there is none to run out of.
 */
static bool inflate_block(void *inflater, const void *data, size_t len, void *out, size_t out_len) {
  z_stream *stream = inflater;
  if (inflateReset(stream) != Z_OK || !take_block(stream, data, len, out, out_len)) return false;
  return inflate(stream, Z_FINISH) == Z_STREAM_END && stream->avail_in == 0 &&
         stream->avail_out == 0;
}

static uint32_t add_crc32(uint32_t crc, const void *data, size_t len) {
  return (uint32_t)crc32_z(crc, data, len);
}

const fhx__gzip_codec fhx__gzip_zlib = {deflater_new,  deflater_free, deflate_block, inflater_new,
                                        inflater_free, inflate_block, add_crc32};

const fhx__gzip_codec *fhx__gzip_codec_best(void) {
#ifdef FHX_HAVE_ISAL
  return &fhx__gzip_isal;
#else
  return &fhx__gzip_zlib;
#endif
}
