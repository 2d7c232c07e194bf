/* The listening socket. */
#include "listener.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "log.h"

#define BACKLOG 512
#define PORT_MAX 65535

static bool complain(const char *place, const char *problem) {
  log_problem_at("--listen", place, problem);
  return false;
}

/* Divides "HOST:PORT" or "[HOST]:PORT" at its last colon. */
static bool split(const char *place, char host[80], char port[8]) {
  const char *colon = strrchr(place, ':');
  if (colon == NULL || strlen(colon + 1) > 5 || colon[1] == '\0') return false;
  if (strspn(colon + 1, "0123456789") != strlen(colon + 1)) return false;
  if (strtol(colon + 1, NULL, 10) > PORT_MAX) return false;
  size_t len = (size_t)(colon - place);
  if (len >= 2 && place[0] == '[' && place[len - 1] == ']') {
    place++;
    len -= 2;
  }
  if (len == 0 || len >= 78) return false;
  memcpy(host, place, len);
  host[len] = '\0';
  snprintf(port, 8, "%s", colon + 1);
  return true;
}

static bool is_loopback(const struct sockaddr *address) {
  if (address->sa_family == AF_INET) {
    const struct sockaddr_in *four = (const struct sockaddr_in *)(const void *)address;
    return ntohl(four->sin_addr.s_addr) >> 24 == 127;
  }
  const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)(const void *)address;
  return address->sa_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&six->sin6_addr);
}

static bool bind_and_listen(const struct addrinfo *address, struct listener *listener) {
  struct sockaddr_storage bound;
  socklen_t len = sizeof bound;
  char port[8] = "";
  const int on = 1;
  listener->socket = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (listener->socket < 0) return false;
  setsockopt(listener->socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(listener->socket, address->ai_addr, address->ai_addrlen) != 0 ||
      listen(listener->socket, BACKLOG) != 0 ||
      getsockname(listener->socket, (struct sockaddr *)&bound, &len) != 0 ||
      getnameinfo((struct sockaddr *)&bound, len, NULL, 0, port, sizeof port, NI_NUMERICSERV) !=
          0) {
    return false;
  }
  listener->loopback = is_loopback((struct sockaddr *)&bound);
  listener->port = (uint16_t)strtoul(port, NULL, 10);
  return true;
}

bool listener_open(const char *place, struct listener *listener) {
  char host[80] = "";
  char port[8] = "";
  struct addrinfo *address = NULL;
  const struct addrinfo wanted = {
      .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
  memset(listener, 0, sizeof *listener);
  listener->socket = -1;
  if (!split(place, host, port)) return complain(place, "it is not of the form HOST:PORT");
  int code = getaddrinfo(host, port, &wanted, &address);
  if (code != 0) return complain(place, gai_strerror(code));
  bool done = bind_and_listen(address, listener);
  snprintf(listener->host, sizeof listener->host, strchr(host, ':') != NULL ? "[%.76s]" : "%s",
           host);
  if (!done) complain(place, strerror(errno));
  if (!done && listener->socket >= 0) close(listener->socket);
  freeaddrinfo(address);
  return done;
}
