/* The head of a request: what HTTP forbids is refused, whatever the HTTP library made of it. */
#ifndef SERVER_REQUEST_HEAD_H
#define SERVER_REQUEST_HEAD_H

#include "answer.h"

struct request_head {
  const struct request *request;
  /* As libmicrohttpd gives them to its handler: places in the request line. */
  const char *url;
  const char *version;
};

/* False if the request is refused, with the answer set; the connection is then to be closed. */
bool request_head_check(const struct request_head *head, size_t target_bytes_max,
                        size_t header_bytes_max, struct answer *answer);

#endif
