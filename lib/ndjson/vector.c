/* Which variants there are, and the scan of faultless text with one of them: its beginning and its
   end. */
#include "ndjson/vector.h"

#include "ndjson/space.h"

/* Levels are bits of a word: deeper text, which is rare, is left to the plain scanner. */
#define LEVELS_MAX 63

static const fhx__vector_parts *parts_of(fhx__variant variant) {
  switch (variant) {
    case FHX__VARIANT_SSE2:
      return fhx__parts_sse2();
    case FHX__VARIANT_SSSE3:
      return fhx__parts_ssse3();
    case FHX__VARIANT_NEON:
      return fhx__parts_neon();
    default:
      return NULL;
  }
}

bool fhx__variant_works(fhx__variant variant) {
  return variant == FHX__VARIANT_PLAIN || parts_of(variant) != NULL;
}

fhx__variant fhx__variant_used(void) {
  fhx__variant variant = (fhx__variant)(FHX__VARIANT_COUNT - 1);
  while (!fhx__variant_works(variant)) variant = (fhx__variant)(variant - 1);
  return variant;
}

bool fhx__scan_faultless(fhx__variant variant, const void *in, size_t len, void *out,
                         uint32_t depth_max, fhx__scan *scan, fhx__keys *keys) {
  const fhx__vector_parts *parts = parts_of(variant);
  memset(scan, 0, sizeof *scan);
  if (keys != NULL) keys->count = 0;
  const unsigned char *at = in;
  while (len != 0 && fhx__is_space(at[len - 1])) len--;
  if (len == 0 || at[len - 1] != '}') return false;
  const unsigned char *end = at + len;
  if (!parts->is_utf8(at, len)) return false;
  while (fhx__is_space(*at)) at++;
  if (*at != '{') return false;
  fhx__vector_walk walk = {
      .vectors_end = len < parts->vector_len ? at : end - parts->vector_len + 1,
      .last = end - 1,
      .run = at,
      .out = out,
      .levels_end = UINT64_C(1) << (depth_max < LEVELS_MAX ? depth_max : LEVELS_MAX),
      .scanner = {.end = end, .watched_depth = 1, .facts = &scan->facts, .keys = keys},
  };
  walk.scanner.words_end = len < FHX__WORD_LEN ? at : end - FHX__WORD_LEN + 1;
  walk.scanner.depth_max = depth_max;
  if (!parts->walk(&walk, at) || !fhx__watch_end(&walk.scanner, walk.last)) return false;
  size_t left = (size_t)(end - walk.run);
  if (out != NULL) memcpy(walk.out + walk.written, walk.run, left);
  scan->out_len = walk.written + left;
  return true;
}
