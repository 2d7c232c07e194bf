/* A bucket as the options describe it: where it is, what its objects are to be like, and what is
   shared by all requests to it. */
#ifndef FHX__S3_BUCKET_H
#define FHX__S3_BUCKET_H

#include <fhirexport/s3.h>

#include "s3/credentials.h"
#include "transport/transport.h"

#define FHX__S3_PIECE_MIN (UINT64_C(5) * 1024 * 1024)
#define FHX__S3_REGION_MAX 64

typedef struct fhx__s3_bucket {
  /* FHX_S3_... */
  uint32_t flags;
  /* "https://", what the Host header says, and the path of the bucket ("/bucket", or "" where it is
     in the host's name). */
  const char *scheme;
  char *host;
  char *path;
  /* "" or with its slash. */
  char *prefix;
  char region[FHX__S3_REGION_MAX + 1];
  /* NULL: none. */
  char *storage_class;
  char *encryption;
  char *kms_key_id;
  char *tags;
  char *cache_control;
  uint64_t piece_bytes;
  uint32_t pieces_in_flight;
  /* How long the store is asked what has become of something, and to put pieces together when the
     first time was in vain. */
  int64_t look_us;
  int64_t again_us;
  fhx__transport *transport;
  fhx__s3_credentials *credentials;
} fhx__s3_bucket;

/* Checks and copies the options. FHX_ERR_ARGUMENT, FHX_ERR_DENIED (allowed_hosts), NO_MEMORY. */
int32_t fhx__s3_bucket_new(const fhx_s3_options *options, fhx__s3_bucket **bucket,
                           fhx_error **error);
/* No transfer may be under way. NULL is harmless. */
void fhx__s3_bucket_free(fhx__s3_bucket *bucket);

#endif
