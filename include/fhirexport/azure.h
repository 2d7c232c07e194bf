/*
 * fhirexport/azure.h: parts as block blobs of an Azure Storage container.
 *
 * A part that fits in one piece is one Put Blob; a longer one is blocks, several under way at a
 * time, then a block list. Every block carries an MD5 that the store verifies; the blob's size is
 * asked for before a part counts as committed, and a blob that exists is never replaced.
 *
 * Of all functions here: Threads: any. Memory: only what is given is written to. Since 0.9.0.
 */
#ifndef FHIREXPORT_AZURE_H
#define FHIREXPORT_AZURE_H

#include <fhirexport/destination.h>
#include <fhirexport/http.h>

FHX_BEGIN_DECLS

/* URLs are never signed, whatever the credentials: whoever fetches has a right of their own
   (requiresAccessToken). */
#define FHX_AZURE_PLAIN_URLS 1u

/*
 * An access token of Microsoft Entra ID for https://storage.azure.com/. Called before the first
 * request, and again when half of its time is over or less than ten minutes are left; on threads of
 * the host or of the engine's workers, one at a time. While it fails, one that is still good is
 * used.
 * Answers: fhx_reply_token; fhx_reply_fail.
 */
typedef void (*fhx_azure_token_callback)(void *user_data, fhx_reply *reply);

/*
 * The answer: the token, and when it ends, in microseconds since 1970 UTC.
 * Threads: that of the callback.
 * Memory: the token is copied, and the copy wiped when it is no longer needed.
 * Returns: FHX_OK; FHX_ERR_MISUSE in another callback, and where the library was built without
 * Azure; FHX_ERR_ARGUMENT for what is no bearer token, or one whose time is over;
 * FHX_ERR_NO_MEMORY; once the reply is a failure for good, that failure.
 */
FHX_API int32_t fhx_reply_token(fhx_reply *reply, const char *token, int64_t expires_us);

/* What fhx_azure_destination_new is told. */
typedef struct fhx_azure_options {
  uint32_t size;
  /* A sum of FHX_AZURE_... */
  uint32_t flags;
  /* Exactly one of these three. All texts are copied, and secrets wiped.
     "DefaultEndpointsProtocol=https;AccountName=...;AccountKey=...;EndpointSuffix=...", or
     "BlobEndpoint=https://...;SharedAccessSignature=..."; NULL: none. */
  const char *connection_string;
  /* "https://account.blob.core.windows.net/container?sv=...&sig=..."; NULL: none. */
  const char *container_url;
  /* "https://account.blob.core.windows.net", with `token`; NULL: none. */
  const char *account_url;
  fhx_azure_token_callback token;
  void *user_data;
  /* Called once when the destination is gone, also when it could not be made; NULL: not. */
  void (*destroy)(void *user_data);
  /* Needed but for container_url, which names it. */
  const char *container;
  /* What the names of blobs begin with, without a slash at its end: segments as of a part's name;
     NULL: nothing. */
  const char *prefix;
  /* The length of a block in bytes; 0: 5 MiB; at most 4,000 MiB. It doubles with each 10,000 blocks
     of a part. */
  uint64_t piece_bytes;
  /* How many blocks of a part are under way at a time, besides the one that is filled; 0: 3; at
     most 64. A part holds so many and one more in memory. */
  uint32_t pieces_in_flight;
  uint32_t reserved;
  /* NULL: the defaults. */
  const fhx_http_options *http;
  /* `Cache-Control` of parts, visible ASCII: for those that are published (publish.h)
     "public,max-age=31536000,immutable". NULL: none. */
  const char *cache_control;
} fhx_azure_options;

/* fhx_init for this structure. */
FHX_API void fhx_azure_options_init(fhx_azure_options *options, uint32_t size);

/*
 * Makes the destination. Nothing is asked of the network yet (check_writable does). With an account
 * key, clients get URLs with a service SAS for one blob, good until the time that is asked for;
 * with a token, with a user delegation SAS, good for at most seven days; with a SAS nothing can be
 * signed, and they get plain URLs (FHX_DESTINATION_REQUIRES_TOKEN), never the SAS.
 * Memory: `*destination` is the caller's; the options are copied, `user_data` is lent until
 * destroy.
 * Returns: FHX_OK; FHX_ERR_ARGUMENT says what is wrong without repeating it; FHX_ERR_DENIED: the
 * endpoint is not among the http options' allowed_hosts; FHX_ERR_UNSUPPORTED where the library was
 * built without Azure; FHX_ERR_INTERNAL: libcurl cannot be used; FHX_ERR_STRUCT_SIZE;
 * FHX_ERR_NO_MEMORY.
 */
FHX_API int32_t fhx_azure_destination_new(const fhx_azure_options *options,
                                          fhx_destination **destination, fhx_error **error);

FHX_END_DECLS

#endif
