/* HTTP by libmicrohttpd: requests in, answers out, limits on both. */
#ifndef SERVER_HTTP_H
#define SERVER_HTTP_H

#include "listener.h"
#include "server.h"
#include "tls.h"

struct http_limits {
  /* Of the request target, the header fields together, and the body. */
  size_t target_bytes;
  size_t header_bytes;
  size_t body_bytes;
  uint32_t connections;
  /* How long a request may take to come. */
  uint32_t request_seconds;
};

struct http;

/* Begins to answer. Takes over the listener's socket; `tls` is used until http_stop. NULL: it
   cannot. */
struct http *http_start(struct server *server, struct listener *listener, const struct tls *tls,
                        const struct http_limits *limits);
/* Call it ten times a second. */
void http_tick(struct http *http);
/* Takes no new connections, gives answers that are on their way some seconds, and ends. */
void http_stop(struct http *http);

#endif
