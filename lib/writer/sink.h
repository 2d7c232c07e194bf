/*
 * What becomes of a part's bytes: packed if parts are in gzip, digested, written to the
 * destination. One thread at a time.
 */
#ifndef FHX__WRITER_SINK_H
#define FHX__WRITER_SINK_H

#include "core/digest.h"
#include "destination/destination.h"
#include "gzip/stream.h"

/* The most bytes that come at a time, and how much room they and what is packed of them need. */
#define FHX__STRETCH_MAX FHX__GZIP_BLOCK_MAX
#define FHX__STRETCH_ROOM FHX__GZIP_BLOCK_ROOM

/* Bytes of a part in a buffer of FHX__STRETCH_ROOM. */
typedef struct fhx__stretch {
  unsigned char *data;
  size_t len;
} fhx__stretch;

typedef struct fhx__sink {
  /* Borrowed. */
  fhx_destination *destination;
  bool sha256_wanted;
  /* Without a codec, parts are written as they are. */
  fhx__gzip_packer packer;
  /* Of the present part, as the destination gets it. */
  bool opened;
  void *upload;
  uint64_t byte_count;
  uint32_t crc32c;
  fhx__sha256 sha256;
} fhx__sink;

bool fhx__sink_packs(const fhx__sink *sink);

/* Begins the part `name` at the destination, unless that is done. */
int32_t fhx__sink_open(fhx__sink *sink, const char *name, fhx_error **error);

/* Packs and digests the part's next bytes. In *ready they are as the destination is to get them,
   valid until the next call: where they came from, or in the packer. */
int32_t fhx__sink_prepare(fhx__sink *sink, const fhx__stretch *bytes, fhx__stretch *ready,
                          fhx_error **error);
/* Writes what was prepared. */
int32_t fhx__sink_write(fhx__sink *sink, const fhx__stretch *ready, fhx_error **error);
/* Both; none is fine. */
int32_t fhx__sink_put(fhx__sink *sink, const fhx__stretch *bytes, fhx_error **error);

/* Writes what stands behind the lines, and stores in *part what was written. */
int32_t fhx__sink_end(fhx__sink *sink, fhx_part *part, fhx_error **error);

/* As fhx__destination_commit; the part is gone from here in any case. */
int32_t fhx__sink_commit(fhx__sink *sink, const fhx_part *part, fhx_error **error);
/* Forgets the part, if one is open. */
void fhx__sink_abort(fhx__sink *sink);

/* Harmless on a zeroed one; no part is open. */
void fhx__sink_free(fhx__sink *sink);

#endif
