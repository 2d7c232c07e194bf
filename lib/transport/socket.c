/* The sockets of a transport's connections. */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "transport/work.h"

/* One more than there is room for is not acknowledged early, which is slower and nothing else. */
static void keep(fhx__transport *transport, curl_socket_t opened) {
  if (opened == CURL_SOCKET_BAD || transport->socket_count == FHX__SOCKETS_MAX) return;
  transport->sockets[transport->socket_count++] = opened;
}

curl_socket_t fhx__socket_open(void *context, curlsocktype purpose, struct curl_sockaddr *address) {
  fhx__work *work = context;
  (void)purpose;
  if (!fhx__guard_lets_connect(&work->transport->guard, &address->addr)) {
    work->refused_addresses++;
    return CURL_SOCKET_BAD;
  }
  work->opened_sockets++;
  curl_socket_t opened =
      socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
  keep(work->transport, opened);
  return opened;
}

int fhx__socket_close(void *context, curl_socket_t closed) {
  fhx__transport *transport = context;
  for (size_t i = 0; i < transport->socket_count; i++) {
    if (transport->sockets[i] != closed) continue;
    transport->sockets[i] = transport->sockets[--transport->socket_count];
    break;
  }
  return close(closed);
}

/* libcurl does not say which connection a request has. */
void fhx__sockets_acknowledge(fhx__transport *transport) {
#ifdef TCP_QUICKACK
  const int on = 1;
  for (size_t i = 0; i < transport->socket_count; i++) {
    setsockopt(transport->sockets[i], IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on);
  }
#else
  (void)transport;
#endif
}
