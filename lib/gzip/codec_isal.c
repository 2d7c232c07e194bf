/* Deflate by ISA-L, several times as fast as zlib. Without it this file is empty. */
#include "gzip/codec.h"

#ifdef FHX_HAVE_ISAL

#include <isa-l/crc.h>
#include <isa-l/igzip_lib.h>

#include "core/alloc.h"

/* As fast as level 0, and a quarter shorter; level 3 takes five times as long. */
#define LEVEL 1
#define LEVEL_BYTES ISAL_DEF_LVL1_DEFAULT

typedef struct deflater {
  struct isal_zstream stream;
  uint8_t level[LEVEL_BYTES];
} deflater;

static void *deflater_new(void) {
  /* Zeroed, since ISA-L reads parts of it before it writes them. */
  return fhx__alloc_zeroed(1, sizeof(deflater));
}

static size_t deflate_block(void *context, const void *data, size_t len, void *out,
                            size_t capacity) {
  deflater *self = context;
  struct isal_zstream *stream = &self->stream;
  if (len > UINT32_MAX || capacity > UINT32_MAX) return 0;
  isal_deflate_stateless_init(stream);
  stream->level = LEVEL;
  stream->level_buf = self->level;
  stream->level_buf_size = LEVEL_BYTES;
  stream->end_of_stream = 0;
  stream->flush = FULL_FLUSH;
  stream->gzip_flag = IGZIP_DEFLATE;
  stream->next_in = (uint8_t *)data; /* only read */
  stream->avail_in = (uint32_t)len;
  stream->next_out = out;
  stream->avail_out = (uint32_t)capacity;
  if (isal_deflate_stateless(stream) != COMP_OK || stream->avail_in != 0) return 0;
  return capacity - stream->avail_out;
}

static void *inflater_new(void) {
  return fhx__alloc_zeroed(1, sizeof(struct inflate_state));
}

static bool inflate_block(void *inflater, const void *data, size_t len, void *out, size_t out_len) {
  struct inflate_state *state = inflater;
  if (len > UINT32_MAX || out_len > UINT32_MAX) return false;
  isal_inflate_init(state);
  state->crc_flag = ISAL_DEFLATE;
  state->next_in = (uint8_t *)data; /* only read */
  state->avail_in = (uint32_t)len;
  state->next_out = out;
  state->avail_out = (uint32_t)out_len;
  return isal_inflate_stateless(state) == ISAL_DECOMP_OK && state->avail_in == 0 &&
         state->avail_out == 0;
}

static uint32_t add_crc32(uint32_t crc, const void *data, size_t len) {
  return crc32_gzip_refl(crc, data, len);
}

const fhx__gzip_codec fhx__gzip_isal = {deflater_new, fhx__free,     deflate_block, inflater_new,
                                        fhx__free,    inflate_block, add_crc32};

#endif
