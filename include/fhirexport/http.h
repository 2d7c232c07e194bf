/*
 * fhirexport/http.h: how the destinations of this library that lie across a network (s3.h, azure.h)
 * reach their servers.
 *
 * Certificates are verified, redirects are not followed, and requests that fail for a while (408,
 * 429, 5xx but 501 and 505, a lost connection) are repeated with growing pauses; the server's
 * Retry-After is kept.
 *
 * Of all functions here: Threads: any. Memory: only what is given is written to. Since 0.9.0.
 */
#ifndef FHIREXPORT_HTTP_H
#define FHIREXPORT_HTTP_H

#include <fhirexport/status.h>

FHX_BEGIN_DECLS

/* No thread of the library: requests go on only while a thread of the host is inside part_write,
   part_commit and the like. Otherwise the destination starts one thread with its first request; it
   takes no signals, never calls the host, and ends with the destination. */
#define FHX_HTTP_NO_THREAD 1u

/* How servers are reached; a member of the options of a destination. */
typedef struct fhx_http_options {
  uint32_t size;
  /* A sum of FHX_HTTP_... */
  uint32_t flags;
  /* Certificates of the authorities that are believed, a file in PEM; NULL: the system's. Copied.
   */
  const char *ca_file;
  /* The URL of a proxy; NULL: what the environment says (https_proxy, no_proxy); "": none. Copied.
   */
  const char *proxy;
  /* In microseconds: the longest time to connect in, 0: 10 s; without a byte in either direction,
     0: 30 s; for a request in all, 0: 10 min; and for how long one is repeated, 0: 5 min. */
  int64_t connect_us;
  int64_t stall_us;
  int64_t request_us;
  int64_t retry_us;
  /* How many requests may be repeated for the open parts of one job before its task fails; each
     that succeeds gives one back. 0: 500. */
  uint32_t retries_max;
  /* The most connections at a time, of all jobs together; 0: 64. */
  uint32_t connections_max;
  /* For servers that somebody else has named. If any is given: https only; no proxy; no user name
     in URLs; host and port must be equal to one of these ("account.blob.core.windows.net",
     "127.0.0.1:10000"; 443 where no port stands), without case; and an address that is loopback,
     link-local, private or otherwise not of the public Internet is refused when the connection is
     made, unless it is an entry itself. Copied. NULL and 0: any. */
  const char *const *allowed_hosts;
  uint64_t allowed_host_count;
} fhx_http_options;

/* fhx_init for this structure. */
FHX_API void fhx_http_options_init(fhx_http_options *options, uint32_t size);

FHX_END_DECLS

#endif
