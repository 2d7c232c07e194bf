/* gzip, unpacked by zlib. */
#include "support/unpack.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define ROOM_STEP ((size_t)256 * 1024)

typedef struct unpacking {
  z_stream stream;
  uint8_t *out;
  size_t len;
  size_t room;
  size_t member_count;
} unpacking;

/* zlib stops behind each member. */
static int unpack_more(unpacking *of) {
  if (of->len == of->room) {
    of->room += ROOM_STEP;
    of->out = realloc(of->out, of->room);
    if (of->out == NULL) abort();
  }
  of->stream.next_out = of->out + of->len;
  of->stream.avail_out = (uInt)(of->room - of->len);
  int code = inflate(&of->stream, Z_NO_FLUSH);
  of->len = of->room - of->stream.avail_out;
  if (code != Z_STREAM_END) return code;
  of->member_count++;
  return of->stream.avail_in > 0 ? inflateReset(&of->stream) : Z_STREAM_END;
}

static unpacking unpack(const void *data, size_t len) {
  unpacking of;
  int code = Z_OK;
  memset(&of, 0, sizeof of);
  if (inflateInit2(&of.stream, 15 + 16) != Z_OK) abort();
  of.stream.next_in = (Bytef *)data;
  of.stream.avail_in = (uInt)len;
  while (code == Z_OK) code = unpack_more(&of);
  inflateEnd(&of.stream);
  if (code == Z_STREAM_END) return of;
  free(of.out);
  memset(&of, 0, sizeof of);
  return of;
}

uint8_t *test_unpack(const void *data, size_t len, size_t *unpacked_len) {
  unpacking of = unpack(data, len);
  *unpacked_len = of.len;
  return of.out;
}

size_t test_member_count(const void *data, size_t len) {
  unpacking of = unpack(data, len);
  free(of.out);
  return of.member_count;
}
