/* The listening socket. */
#ifndef SERVER_LISTENER_H
#define SERVER_LISTENER_H

#include <stdbool.h>
#include <stdint.h>

struct listener {
  /* -1: none. */
  int socket;
  uint16_t port;
  /* Only programs of this machine can connect. */
  bool loopback;
  /* As it stands in a URL: "127.0.0.1", "[::1]". */
  char host[80];
};

/* Listens on "HOST:PORT"; port 0 is any free one. False, with a message on stderr, if it cannot. */
bool listener_open(const char *place, struct listener *listener);

#endif
