/* One connection of the scripted server: requests in, answers out. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/require.h"
#include "support/scripted_parts.h"

#define HEAD_MAX ((size_t)1 << 20)
#define PIECE ((size_t)64 << 10)

static void *need(void *block) {
  if (block == NULL) abort();
  return block;
}

/* --- bytes in and out; below 1: the client has gone, or the server ends --- */

static long receive(test_connection *from, void *data, size_t len) {
  if (from->tls != NULL) return SSL_read(from->tls, data, (int)(len < PIECE ? len : PIECE));
  return recv(from->socket, data, len, 0);
}

static bool send_all(test_connection *to, const char *data, size_t len) {
  while (len > 0) {
    long sent = to->tls != NULL ? SSL_write(to->tls, data, (int)(len < PIECE ? len : PIECE))
                                : send(to->socket, data, len, MSG_NOSIGNAL);
    if (sent < 1) return false;
    data += sent;
    len -= (size_t)sent;
  }
  return true;
}

/* Adds what comes next to the bytes that are not used yet. */
static bool fill(test_connection *from) {
  if (from->capacity - from->len < PIECE) {
    from->capacity = from->capacity * 2 + PIECE;
    from->bytes = need(realloc(from->bytes, from->capacity));
  }
  long got = receive(from, from->bytes + from->len, PIECE);
  if (got < 1) return false;
  from->len += (size_t)got;
  return true;
}

static void use(test_connection *from, size_t len) {
  memmove(from->bytes, from->bytes + len, from->len - len);
  from->len -= len;
}

/* --- requests --- */

static char *copy(const char *begin, size_t len) {
  char *text = need(malloc(len + 1));
  memcpy(text, begin, len);
  text[len] = '\0';
  return text;
}

/* The head, taken apart; NULL: there is none any more. */
static test_server_request *read_head(test_connection *from) {
  const char *end = NULL;
  while (from->len == 0 || (end = memmem(from->bytes, from->len, "\r\n\r\n", 4)) == NULL) {
    if (from->len > HEAD_MAX || !fill(from)) return NULL;
  }
  size_t head_len = (size_t)(end - from->bytes) + 4;
  const char *line_end = memmem(from->bytes, head_len, "\r\n", 2);
  const char *first = memchr(from->bytes, ' ', (size_t)(line_end - from->bytes));
  const char *last = first == NULL ? NULL : memchr(first + 1, ' ', (size_t)(line_end - first - 1));
  test_server_request *request = need(calloc(1, sizeof *request));
  if (last == NULL || (size_t)(first - from->bytes) >= sizeof request->method) {
    test_violation("a request's first line is none");
    free(request);
    return NULL;
  }
  memcpy(request->method, from->bytes, (size_t)(first - from->bytes));
  request->target = copy(first + 1, (size_t)(last - first - 1));
  request->headers = copy(line_end + 2, (size_t)(end - line_end));
  request->connection = from->number;
  use(from, head_len);
  return request;
}

static uint64_t announced_length(const test_server_request *request) {
  char value[32];
  test_violation_unless(!test_server_header(request, "Transfer-Encoding", value, sizeof value),
                        "a request's body has no length");
  if (!test_server_header(request, "Content-Length", value, sizeof value)) return 0;
  return strtoull(value, NULL, 10);
}

/* Reads the body, at most `most` bytes of it; false: the client has gone. */
static bool read_body(test_connection *from, test_server_request *request, uint64_t most) {
  uint64_t left = announced_length(request);
  size_t kept = 0, room = 0;
  if (left > most) left = most;
  for (;;) {
    size_t now = from->len < left ? from->len : (size_t)left;
    size_t keeps = now < TEST_SERVER_BODY_MAX - kept ? now : TEST_SERVER_BODY_MAX - kept;
    if (kept + keeps + 1 > room) {
      room = 2 * (kept + keeps) + 1;
      request->body = need(realloc(request->body, room));
    }
    if (keeps > 0) memcpy(request->body + kept, from->bytes, keeps);
    kept += keeps;
    request->body[kept] = '\0';
    request->body_len += now;
    if (now > 0) use(from, now);
    left -= now;
    if (left == 0) return true;
    if (!fill(from)) return false;
  }
}

/* --- answers --- */

static bool send_slowly(test_connection *to, const test_server_step *step, const char *data,
                        size_t len) {
  const int at_once = step->joins_writes ? 0 : 1;
  setsockopt(to->socket, IPPROTO_TCP, TCP_NODELAY, &at_once, sizeof at_once);
  if (step->piece == 0) return send_all(to, data, len);
  for (size_t now = 0; len > 0; data += now, len -= now) {
    now = len < step->piece ? len : step->piece;
    if (!send_all(to, data, now)) return false;
    if (len > now && !test_script_pause(to->server, step->piece_pause_us)) return false;
  }
  return true;
}

/* Whether the answer was sent as the step wants it. */
static bool answer(test_connection *to, const test_server_request *request,
                   const test_server_step *step) {
  uint32_t status = step->status == 0 ? 200 : step->status;
  const char *headers = step->headers == NULL ? "" : step->headers;
  size_t body_len = step->body == NULL    ? 0
                    : step->body_len == 0 ? strlen(step->body)
                                          : step->body_len;
  char length[64] = "";
  if (step->raw != NULL) {
    size_t raw_len = step->raw_len == 0 ? strlen(step->raw) : step->raw_len;
    return send_slowly(to, step, step->raw, raw_len);
  }
  if (strcasestr(headers, "Content-Length:") == NULL && status != 204 && status != 304) {
    snprintf(length, sizeof length, "Content-Length: %zu\r\n", body_len);
  }
  if (strcmp(request->method, "HEAD") == 0) body_len = 0;
  if (step->fault == TEST_SERVER_TRUNCATES && step->after < body_len) body_len = step->after;
  size_t room = strlen(headers) + body_len + 200;
  char *text = need(malloc(room));
  int head_len = snprintf(text, room, "HTTP/1.1 %u Scripted\r\n%s%s%s\r\n", status, length, headers,
                          step->fault == TEST_SERVER_ANSWERS_EARLY ? "Connection: close\r\n" : "");
  if (body_len > 0) memcpy(text + head_len, step->body, body_len);
  bool sent = send_slowly(to, step, text, (size_t)head_len + body_len);
  free(text);
  return sent;
}

static bool wait_for_turn(test_server *server, const test_server_step *step) {
  if (step->pause_us > 0 && !test_script_pause(server, step->pause_us)) return false;
  if (!step->held) return true;
  pthread_mutex_lock(&server->mutex);
  while (!server->released && !server->ends) {
    pthread_cond_wait(&server->changed, &server->mutex);
  }
  bool goes_on = !server->ends;
  pthread_mutex_unlock(&server->mutex);
  return goes_on;
}

/* Whether the connection goes on. */
static bool treat(test_connection *of, test_server_request *request) {
  test_server_step step;
  test_script_meet(of->server, request, &step);
  bool cut = step.fault == TEST_SERVER_CLOSES_IN_REQUEST || step.fault == TEST_SERVER_ANSWERS_EARLY;
  bool whole = read_body(of, request, cut ? step.after : UINT64_MAX);
  /* From here on it belongs to the server. */
  test_script_keep(of->server, request, &step);
  if (!whole || step.fault == TEST_SERVER_CLOSES || step.fault == TEST_SERVER_CLOSES_IN_REQUEST) {
    return false;
  }
  if (step.fault == TEST_SERVER_HANGS) {
    while (fill(of)) {
    }
    return false;
  }
  return wait_for_turn(of->server, &step) && answer(of, request, &step) &&
         step.fault == TEST_SERVER_SOUND && step.raw == NULL &&
         (step.headers == NULL || strcasestr(step.headers, "Connection: close") == NULL);
}

static void count_busy(test_server *server, bool begins) {
  pthread_mutex_lock(&server->mutex);
  server->busy += begins ? 1 : (uint64_t)-1;
  if (server->busy > server->peak) server->peak = server->busy;
  pthread_mutex_unlock(&server->mutex);
}

static void converse(test_connection *of) {
  test_server *server = of->server;
  bool goes_on = of->tls == NULL || SSL_accept(of->tls) == 1;
  while (goes_on) {
    test_server_request *request = read_head(of);
    if (request == NULL) break;
    count_busy(server, true);
    goes_on = treat(of, request);
    count_busy(server, false);
  }
}

void *test_connection_serve(void *context) {
  test_connection *of = context;
  test_server *server = of->server;
  if (server->tls != NULL) {
    of->tls = need(SSL_new(server->tls));
    SSL_set_fd(of->tls, of->socket);
  }
  converse(of);
  SSL_free(of->tls);
  pthread_mutex_lock(&server->mutex);
  close(of->socket);
  of->socket = -1;
  pthread_mutex_unlock(&server->mutex);
  free(of->bytes);
  return NULL;
}
