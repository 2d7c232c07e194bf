/*
 * fhirexport/s3.h: parts as objects of an S3 bucket (Amazon S3, Ceph, MinIO; Google Cloud Storage
 * by its S3-compatible endpoint).
 *
 * Requests are signed with AWS Signature Version 4. A part that fits in one piece is one PUT; a
 * longer one is a multipart upload, several pieces of it under way at a time. Every piece carries a
 * digest that the store verifies, and the object's size is asked for before a part counts as
 * committed. Clients get presigned URLs.
 *
 * Of all functions here: Threads: any. Memory: only what is given is written to. Since 0.9.0.
 */
#ifndef FHIREXPORT_S3_H
#define FHIREXPORT_S3_H

#include <fhirexport/destination.h>
#include <fhirexport/http.h>

FHX_BEGIN_DECLS

/* The bucket stands in the host name (bucket.endpoint), not in the path. */
#define FHX_S3_VIRTUAL_HOST 1u
/* Pieces are sent over TLS with Content-MD5 and `UNSIGNED-PAYLOAD` instead of their signed SHA-256:
   for a processor without instructions for SHA. FHX_ERR_ARGUMENT with an http: endpoint. */
#define FHX_S3_UNSIGNED_PAYLOAD 2u
/* The bucket has a rule that ends unfinished uploads: part_remove does not look for them, and needs
   no right to list them. */
#define FHX_S3_BUCKET_ENDS_UPLOADS 4u
/* The store refuses `If-None-Match`: an object that exists is replaced. */
#define FHX_S3_REPLACES 8u

/* What a host's callback hands over. */
typedef struct fhx_s3_credentials {
  uint32_t size;
  uint32_t reserved;
  /* Both are needed. */
  const char *access_key_id;
  const char *secret_access_key;
  /* NULL: none. */
  const char *session_token;
  /* When they end, in microseconds since 1970 UTC; 0: they do not. */
  int64_t expires_us;
} fhx_s3_credentials;

/* fhx_init for this structure. */
FHX_API void fhx_s3_credentials_init(fhx_s3_credentials *credentials, uint32_t size);

/*
 * The answer of fhx_s3_credentials_callback.
 * Threads: that of the callback.
 * Memory: everything is copied, and the copy wiped when it is no longer needed.
 * Returns: FHX_OK; FHX_ERR_MISUSE in another callback; FHX_ERR_ARGUMENT for what is malformed;
 * FHX_ERR_STRUCT_SIZE; FHX_ERR_NO_MEMORY; FHX_ERR_UNSUPPORTED where the library was built without
 * S3.
 */
FHX_API int32_t fhx_reply_s3_credentials(fhx_reply *reply, const fhx_s3_credentials *credentials);

/*
 * Present credentials. Called before the first request, and again when half of their time is over
 * or less than ten minutes are left; on threads of the host or of the engine's workers, one at a
 * time. While it fails, those that are still good are used.
 * Answers: fhx_reply_s3_credentials; fhx_reply_fail.
 */
typedef void (*fhx_s3_credentials_callback)(void *user_data, fhx_reply *reply);

/* What fhx_s3_destination_new is told. */
typedef struct fhx_s3_options {
  uint32_t size;
  /* A sum of FHX_S3_... */
  uint32_t flags;
  /* Needed. All texts are copied. */
  const char *bucket;
  /* What the names of objects begin with, without a slash at its end: segments as of a part's name;
     NULL: nothing. */
  const char *prefix;
  /* NULL: AWS_REGION or AWS_DEFAULT_REGION of the environment, else "us-east-1". */
  const char *region;
  /* "https://host[:port]" or "http://...", no path; NULL: AWS_ENDPOINT_URL_S3 or AWS_ENDPOINT_URL,
     else Amazon's of the region. */
  const char *endpoint;
  /* Where credentials come from, the first that is there: these; the callback; the environment
     (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN); the shared file
     (AWS_SHARED_CREDENTIALS_FILE or ~/.aws/credentials, the profile named here, in AWS_PROFILE, or
     "default"); the container's endpoint (AWS_CONTAINER_CREDENTIALS_RELATIVE_URI or _FULL_URI); the
     instance's (IMDSv2). */
  const char *access_key_id;
  const char *secret_access_key;
  const char *session_token;
  const char *profile;
  fhx_s3_credentials_callback credentials;
  void *user_data;
  /* Called once when the destination is gone, also when it could not be made; NULL: not. */
  void (*destroy)(void *user_data);
  /* `x-amz-storage-class`; `x-amz-server-side-encryption` ("AES256", "aws:kms"), with the key's id
     for the latter; tags as a query ("a=b&c=d"). NULL: none. */
  const char *storage_class;
  const char *encryption;
  const char *kms_key_id;
  const char *tags;
  /* The length of a piece in bytes, from 5 to 256 MiB; 0: 5 MiB. It doubles with each 2,000 pieces
     of a part, so that 10,000 are enough for 300 GB. */
  uint64_t piece_bytes;
  /* How many pieces of a part are under way at a time, besides the one that is filled; 0: 3; at
     most 64. A part holds so many and one more in memory. */
  uint32_t pieces_in_flight;
  uint32_t reserved;
  /* NULL: the defaults. */
  const fhx_http_options *http;
  /* `Cache-Control` of parts, without spaces: for those that are published (publish.h)
     "public,max-age=31536000,immutable". NULL: none. */
  const char *cache_control;
} fhx_s3_options;

/* fhx_init for this structure. */
FHX_API void fhx_s3_options_init(fhx_s3_options *options, uint32_t size);

/*
 * Makes the destination. Nothing is asked of the network yet (check_writable does). A URL is good
 * until the time that is asked for, at most seven days, and not beyond the credentials it was
 * signed with.
 * Memory: `*destination` is the caller's; the options are copied, `user_data` is lent until
 * destroy.
 * Returns: FHX_OK; FHX_ERR_ARGUMENT says what is wrong without repeating it; FHX_ERR_DENIED: the
 * endpoint is not among the http options' allowed_hosts; FHX_ERR_UNSUPPORTED where the library was
 * built without S3; FHX_ERR_INTERNAL: libcurl cannot be used; FHX_ERR_STRUCT_SIZE;
 * FHX_ERR_NO_MEMORY.
 */
FHX_API int32_t fhx_s3_destination_new(const fhx_s3_options *options, fhx_destination **destination,
                                       fhx_error **error);

FHX_END_DECLS

#endif
