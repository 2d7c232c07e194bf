/*
 * HTTP by libmicrohttpd. Requests are gathered here and answered as a whole; bodies of answers are
 * pulled. What libmicrohttpd lets through and must not be believed is refused in request_head.c.
 */
#include "http.h"

#include <fcntl.h>
#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "guard.h"
#include "request_head.h"

/* Holds a request's head while it is read, so a head below this is refused by us, with an
   OperationOutcome, and not by libmicrohttpd. */
#define CONNECTION_MEMORY ((size_t)1280 * 1024)
#define CONNECTION_IDLE_SECONDS 60u
#define THREADS 4u
#define BLOCK_BYTES ((size_t)64 * 1024)
/* A body that is too long is read to its end, so that the client reads the answer, but not beyond
   this. */
#define DRAIN_BYTES ((uint64_t)64 * 1024 * 1024)
#define STOP_SECONDS 5

struct http {
  struct server *server;
  struct http_limits limits;
  struct guard *guard;
  struct MHD_Daemon *daemon;
};

/* A request and its answer. */
struct exchange {
  struct request request;
  char *target;
  const char **headers;
  struct text body;
  uint64_t body_seen;
  bool begun;
  bool too_long;
  struct answer answer;
};

static void exchange_free(struct exchange *exchange) {
  if (exchange == NULL) return;
  answer_free(&exchange->answer);
  text_free(&exchange->body);
  free(exchange->headers);
  free(exchange->target);
  free(exchange);
}

static struct guarded *guarded_of(struct MHD_Connection *connection) {
  const union MHD_ConnectionInfo *info =
      MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
  return info == NULL ? NULL : info->socket_context;
}

/* --- answers --- */

static ssize_t read_exported(void *context, uint64_t position, char *buffer, size_t capacity) {
  size_t len = 0;
  (void)position;
  int32_t status = fhx_response_read(context, buffer, capacity, &len, NULL);
  if (status == FHX_END) return MHD_CONTENT_READER_END_OF_STREAM;
  return status == FHX_OK && len > 0 ? (ssize_t)len : MHD_CONTENT_READER_END_WITH_ERROR;
}

static void free_exported(void *context) {
  fhx_response_free(context);
}

/* The length of the engine's body, which is also in its headers; unknown if it is made as it is
   read. */
static uint64_t exported_length(const fhx_response *exported) {
  for (uint32_t i = 0; i < fhx_response_header_count(exported); i++) {
    if (strcmp(fhx_response_header_name(exported, i), "Content-Length") == 0) {
      return strtoull(fhx_response_header_value(exported, i), NULL, 10);
    }
  }
  return MHD_SIZE_UNKNOWN;
}

static bool add_exported_headers(const fhx_response *exported, struct MHD_Response *response) {
  for (uint32_t i = 0; i < fhx_response_header_count(exported); i++) {
    const char *name = fhx_response_header_name(exported, i);
    if (strcmp(name, "Content-Length") == 0) continue;
    if (MHD_add_response_header(response, name, fhx_response_header_value(exported, i)) !=
        MHD_YES) {
      return false;
    }
  }
  return true;
}

/* A stretch of a file, which goes from the file to the socket by the kernel alone. NULL if the body
   is not one. */
static struct MHD_Response *open_file_body(const fhx_response *exported) {
  int32_t descriptor = -1;
  uint64_t offset = 0, length = 0;
  if (fhx_response_file(exported, &descriptor, &offset, &length, NULL) != FHX_OK || length == 0) {
    return NULL;
  }
  int own = fcntl(descriptor, F_DUPFD_CLOEXEC, 0);
  if (own < 0) return NULL;
  struct MHD_Response *response = MHD_create_response_from_fd_at_offset64(length, own, offset);
  if (response == NULL) close(own);
  return response;
}

static struct MHD_Response *make_exported(struct answer *answer) {
  fhx_response *exported = answer->exported;
  struct MHD_Response *response = open_file_body(exported);
  bool is_file = response != NULL;
  if (!is_file) {
    response = MHD_create_response_from_callback(exported_length(exported), BLOCK_BYTES,
                                                 read_exported, exported, free_exported);
  }
  if (response == NULL) return NULL;
  /* From here on the body reads it, and frees it at its end. */
  if (!is_file) answer->exported = NULL;
  if (add_exported_headers(exported, response)) return response;
  MHD_destroy_response(response);
  return NULL;
}

static struct MHD_Response *make_own(struct answer *answer) {
  if (answer->body.failed) return NULL;
  struct MHD_Response *response =
      MHD_create_response_from_buffer(answer->body.len, answer->body.data, MHD_RESPMEM_MUST_FREE);
  if (response == NULL) return NULL;
  answer->body = (struct text){NULL, 0, 0, false};
  return response;
}

static bool add_headers(const struct answer *answer, struct MHD_Response *response) {
  for (size_t i = 0; i < answer->header_count; i++) {
    if (answer->header_values[i].failed ||
        MHD_add_response_header(response, answer->header_names[i], answer->header_values[i].data) !=
            MHD_YES) {
      return false;
    }
  }
  return true;
}

/* Sends the answer. MHD_NO ends the connection: there was no memory. */
static enum MHD_Result send_answer(struct MHD_Connection *connection, struct exchange *exchange) {
  struct answer *answer = &exchange->answer;
  bool is_exported = answer->exported != NULL;
  uint32_t status = is_exported ? fhx_response_status(answer->exported) : answer->status;
  struct MHD_Response *response = is_exported ? make_exported(answer) : make_own(answer);
  if (response == NULL) return MHD_NO;
  if (!add_headers(answer, response)) {
    MHD_destroy_response(response);
    return MHD_NO;
  }
  if (answer->close) MHD_add_response_header(response, "Connection", "close");
  enum MHD_Result result = MHD_queue_response(connection, status, response);
  MHD_destroy_response(response);
  return result;
}

/* --- requests --- */

static enum MHD_Result add_header(void *context, enum MHD_ValueKind kind, const char *name,
                                  const char *value) {
  struct request *request = context;
  const char **headers = (const char **)(uintptr_t)request->headers;
  (void)kind;
  headers[2 * request->header_count] = name;
  headers[2 * request->header_count + 1] = value == NULL ? "" : value;
  request->header_count++;
  return MHD_YES;
}

static bool gather_headers(struct MHD_Connection *connection, struct exchange *exchange) {
  int count = MHD_get_connection_values(connection, MHD_HEADER_KIND, NULL, NULL);
  exchange->headers = calloc((size_t)(count > 0 ? count : 0) + 1, 2 * sizeof *exchange->headers);
  if (exchange->headers == NULL) return false;
  exchange->request.headers = exchange->headers;
  MHD_get_connection_values(connection, MHD_HEADER_KIND, add_header, &exchange->request);
  return true;
}

static void refuse_length(struct exchange *exchange) {
  answer_refuse(&exchange->answer, 413, "too-long", "the body is longer than this server takes");
}

/* The head has come. What is refused here is answered before the body is read. */
static enum MHD_Result begin(struct http *http, struct MHD_Connection *connection,
                             struct exchange *exchange, const char *url, const char *version) {
  struct answer *answer = &exchange->answer;
  if (!gather_headers(connection, exchange)) return MHD_NO;
  const struct request_head head = {&exchange->request, url, version};
  if (!request_head_check(&head, http->limits.target_bytes, http->limits.header_bytes, answer)) {
    answer->close = true;
    return send_answer(connection, exchange);
  }
  const char *length = request_header(&exchange->request, "Content-Length");
  uint64_t announced = length == NULL ? 0 : strtoull(length, NULL, 10);
  if (announced <= http->limits.body_bytes) return MHD_YES;
  exchange->too_long = true;
  if (announced <= DRAIN_BYTES && request_header(&exchange->request, "Expect") == NULL) {
    return MHD_YES;
  }
  refuse_length(exchange);
  answer->close = true;
  return send_answer(connection, exchange);
}

static enum MHD_Result take_body(struct http *http, struct exchange *exchange, const char *data,
                                 size_t len) {
  exchange->body_seen += len;
  if (exchange->body_seen > DRAIN_BYTES) return MHD_NO;
  if (exchange->body_seen > http->limits.body_bytes) exchange->too_long = true;
  if (exchange->too_long) {
    text_free(&exchange->body);
  } else {
    text_add(&exchange->body, data, len);
  }
  return exchange->body.failed ? MHD_NO : MHD_YES;
}

static enum MHD_Result finish(struct http *http, struct MHD_Connection *connection,
                              struct exchange *exchange) {
  guard_answer(http->guard, guarded_of(connection));
  exchange->request.body = exchange->body.data == NULL ? "" : exchange->body.data;
  exchange->request.body_len = exchange->body.len;
  if (exchange->too_long) {
    refuse_length(exchange);
  } else {
    server_answer(http->server, &exchange->request, &exchange->answer);
  }
  text_free(&exchange->body);
  return send_answer(connection, exchange);
}

/* --- libmicrohttpd's callbacks --- */

/* The request line has come; here alone the target is as it was sent. */
static void *on_target(void *context, const char *target, struct MHD_Connection *connection) {
  struct http *http = context;
  guard_wait(http->guard, guarded_of(connection));
  struct exchange *exchange = calloc(1, sizeof *exchange);
  if (exchange == NULL) return NULL;
  exchange->target = strdup(target == NULL ? "" : target);
  exchange->request.target = exchange->target;
  return exchange;
}

/* Called with the head, then with each piece of the body, then once more. */
static enum MHD_Result on_request(void *context, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *data,
                                  size_t *data_len, void **request_context) {
  struct http *http = context;
  struct exchange *exchange = *request_context;
  if (exchange == NULL || exchange->target == NULL) return MHD_NO;
  exchange->request.method = method;
  if (!exchange->begun) {
    exchange->begun = true;
    return begin(http, connection, exchange, url, version);
  }
  if (*data_len == 0) return finish(http, connection, exchange);
  enum MHD_Result result = take_body(http, exchange, data, *data_len);
  *data_len = 0;
  return result;
}

static void on_completed(void *context, struct MHD_Connection *connection, void **request_context,
                         enum MHD_RequestTerminationCode code) {
  struct http *http = context;
  struct exchange *exchange = *request_context;
  /* Of a file that the kernel has sent, the engine only knows what it is told. */
  if (exchange != NULL && code == MHD_REQUEST_TERMINATED_COMPLETED_OK) {
    fhx_response_sent(exchange->answer.exported, UINT64_MAX);
  }
  exchange_free(exchange);
  *request_context = NULL;
  guard_wait(http->guard, guarded_of(connection));
}

static void on_connection(void *context, struct MHD_Connection *connection, void **socket_context,
                          enum MHD_ConnectionNotificationCode code) {
  struct http *http = context;
  if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
    guard_remove(http->guard, *socket_context);
    *socket_context = NULL;
    return;
  }
  const union MHD_ConnectionInfo *info =
      MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
  if (info != NULL) *socket_context = guard_add(http->guard, info->connect_fd);
}

/* --- life --- */

static struct MHD_Daemon *start_daemon(struct http *http, const struct tls *tls,
                                       int listen_socket) {
  /* Not epoll: libmicrohttpd 0.9.75 then misses the end of a connection that came with the last
     bytes, until a time-out. */
  const bool is_secure = tls->key != NULL;
  const unsigned flags =
      MHD_USE_POLL_INTERNAL_THREAD | MHD_USE_ITC | (is_secure ? (unsigned)MHD_USE_TLS : 0);
  /* The options for https end the list where there is none. */
  const struct MHD_OptionItem secure[] = {
      {is_secure ? MHD_OPTION_HTTPS_MEM_CERT : MHD_OPTION_END, 0, tls->certificates},
      {MHD_OPTION_HTTPS_MEM_KEY, 0, tls->key},
      {MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t)TLS_PRIORITIES},
      {MHD_OPTION_END, 0, NULL}};
  return MHD_start_daemon(
      flags, 0, NULL, NULL, on_request, http, MHD_OPTION_LISTEN_SOCKET, listen_socket,
      MHD_OPTION_THREAD_POOL_SIZE, THREADS, MHD_OPTION_CONNECTION_LIMIT, http->limits.connections,
      MHD_OPTION_CONNECTION_MEMORY_LIMIT, CONNECTION_MEMORY, MHD_OPTION_CONNECTION_TIMEOUT,
      CONNECTION_IDLE_SECONDS, MHD_OPTION_URI_LOG_CALLBACK, on_target, http,
      MHD_OPTION_NOTIFY_COMPLETED, on_completed, http, MHD_OPTION_NOTIFY_CONNECTION, on_connection,
      http, MHD_OPTION_ARRAY, secure, MHD_OPTION_END);
}

struct http *http_start(struct server *server, struct listener *listener, const struct tls *tls,
                        const struct http_limits *limits) {
  struct http *http = calloc(1, sizeof *http);
  if (http == NULL) return NULL;
  http->server = server;
  http->limits = *limits;
  /* Room is made before libmicrohttpd stops accepting. */
  http->guard = guard_new(limits->connections * 3 / 4, (int64_t)limits->request_seconds * 1000000);
  if (http->guard != NULL) http->daemon = start_daemon(http, tls, listener->socket);
  if (http->daemon != NULL) {
    listener->socket = -1;
    return http;
  }
  guard_free(http->guard);
  free(http);
  return NULL;
}

void http_tick(struct http *http) {
  guard_sweep(http->guard);
}

void http_stop(struct http *http) {
  if (http == NULL) return;
  const struct timespec pause = {0, 20000000};
  int listen_socket = MHD_quiesce_daemon(http->daemon);
  for (int i = 0; i < STOP_SECONDS * 50 && guard_answering(http->guard) > 0; i++) {
    nanosleep(&pause, NULL);
  }
  MHD_stop_daemon(http->daemon);
  if (listen_socket >= 0) close(listen_socket);
  guard_free(http->guard);
  free(http);
}
