/*
 * Signed links to the files that the engine serves (architecture 4.13, FILE-09): HMAC-SHA-256 over
 * tenant, job, file and expiry.
 */
#ifndef FHX__PROTOCOL_LINK_H
#define FHX__PROTOCOL_LINK_H

#include <stdbool.h>

#include "core/buffer.h"
#include "core/error.h"

#define FHX__LINK_KEY_MIN 32

typedef struct fhx__link_key {
  unsigned char *data;
  size_t len;
} fhx__link_key;

/* The first key signs, all verify. */
typedef struct fhx__link_keys {
  fhx__link_key *keys;
  uint64_t count;
} fhx__link_keys;

/* Copies keys; none: makes a random one. */
int32_t fhx__link_keys_init(fhx__link_keys *keys, const void *const *given, const size_t *lens,
                            uint64_t count, fhx_error **error);
void fhx__link_keys_free(fhx__link_keys *keys);

/* What a link stands for. `file` is the last segment of the part's name. */
typedef struct fhx__link {
  const char *tenant;
  const char *job_id;
  const char *file;
  /* Seconds since 1970 UTC. */
  uint64_t expires;
} fhx__link;

/* Appends `<file>?expires=<seconds>&signature=<64 hexadecimal digits>`. */
int32_t fhx__link_append(const fhx__link_keys *keys, const fhx__link *link, fhx__buffer *url,
                         fhx_error **error);

/* Whether `signature` is that of the link by one of the keys; in constant time for each key. */
bool fhx__link_verify(const fhx__link_keys *keys, const fhx__link *link, const char *signature);

#endif
