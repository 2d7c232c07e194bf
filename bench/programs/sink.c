/*
 * An HTTP server that reads what it is sent, forgets it, and answers as S3 does: PUT, uploads in
 * pieces, HEAD with the length that was sent, DELETE. A thread for each connection.
 *
 *   bench_sink
 *
 * Prints its port, and ends when its standard input does.
 */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BUFFER_SIZE ((size_t)256 * 1024)
#define OBJECTS_MAX 4096
#define PATH_SIZE 256

struct object {
  char path[PATH_SIZE];
  unsigned long long bytes;
  bool is_whole;
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct object objects[OBJECTS_MAX];
static size_t object_count;

struct connection {
  int socket;
  /* What was received and not yet looked at: from `begin` to `end`. */
  char *buffer;
  size_t begin;
  size_t end;
};

struct request {
  char method[8];
  char path[PATH_SIZE];
  char query[1024];
  unsigned long long length;
  bool waits;
};

/* The object of that path; a new one if there is none. The mutex is held. */
static struct object *find(const char *path) {
  for (size_t i = 0; i < object_count; i++) {
    if (strcmp(objects[i].path, path) == 0) return &objects[i];
  }
  struct object *object = &objects[object_count < OBJECTS_MAX - 1 ? object_count++ : object_count];
  snprintf(object->path, sizeof object->path, "%s", path);
  object->bytes = 0;
  object->is_whole = false;
  return object;
}

/* What is left of a PUT, whole or a piece, and of the beginning and end of an upload in pieces. */
static void remember(const char *path, bool from_nothing, unsigned long long bytes, bool is_whole) {
  pthread_mutex_lock(&mutex);
  struct object *object = find(path);
  if (from_nothing) object->bytes = 0;
  object->bytes += bytes;
  object->is_whole = is_whole;
  pthread_mutex_unlock(&mutex);
}

static bool is_whole(const char *path, unsigned long long *bytes) {
  pthread_mutex_lock(&mutex);
  const struct object *object = find(path);
  bool whole = object->is_whole;
  *bytes = object->bytes;
  pthread_mutex_unlock(&mutex);
  return whole;
}

static bool send_text(int socket, const char *text) {
  size_t len = strlen(text);
  return send(socket, text, len, MSG_NOSIGNAL) == (ssize_t)len;
}

static bool answer(int socket, const char *status, const char *fields, const char *body) {
  char text[2048];
  snprintf(text, sizeof text, "HTTP/1.1 %s\r\n%sContent-Length: %zu\r\n\r\n%s", status, fields,
           strlen(body), body);
  return send_text(socket, text);
}

/* A header's value in the head; NULL: none. */
static const char *field(const char *head, const char *name) {
  const char *found = strcasestr(head, name);
  return found == NULL ? NULL : found + strlen(name);
}

static bool parse(const char *head, struct request *request) {
  char target[PATH_SIZE + 1024];
  if (sscanf(head, "%7s %1200s", request->method, target) != 2) return false;
  char *query = strchr(target, '?');
  if (query != NULL) *query++ = '\0';
  snprintf(request->path, sizeof request->path, "%.*s", PATH_SIZE - 1, target);
  snprintf(request->query, sizeof request->query, "%.*s", 1023, query == NULL ? "" : query);
  const char *length = field(head, "\r\nContent-Length:");
  request->length = length == NULL ? 0 : strtoull(length, NULL, 10);
  request->waits = field(head, "\r\nExpect:") != NULL;
  return true;
}

static bool fill(struct connection *connection) {
  ssize_t len = recv(connection->socket, connection->buffer + connection->end,
                     BUFFER_SIZE - 1 - connection->end, 0);
  if (len <= 0) return false;
  connection->end += (size_t)len;
  return true;
}

static bool read_head(struct connection *connection, struct request *request) {
  for (;;) {
    char *text = connection->buffer + connection->begin;
    connection->buffer[connection->end] = '\0';
    char *end = strstr(text, "\r\n\r\n");
    if (end != NULL) {
      *end = '\0';
      connection->begin = (size_t)(end + 4 - connection->buffer);
      return parse(text, request);
    }
    memmove(connection->buffer, text, connection->end - connection->begin);
    connection->end -= connection->begin;
    connection->begin = 0;
    if (!fill(connection)) return false;
  }
}

static bool drop_body(struct connection *connection, unsigned long long length) {
  for (;;) {
    size_t here = connection->end - connection->begin;
    if (here >= length) break;
    length -= here;
    connection->begin = connection->end = 0;
    if (!fill(connection)) return false;
  }
  connection->begin += (size_t)length;
  return true;
}

static bool serve_put(int socket, const struct request *request) {
  bool piece = strstr(request->query, "partNumber=") != NULL;
  remember(request->path, !piece, request->length, !piece);
  return answer(socket, "200 OK", "ETag: \"0123456789abcdef0123456789abcdef\"\r\n", "");
}

static bool serve_post(int socket, const struct request *request) {
  bool ends = strstr(request->query, "uploadId=") != NULL;
  remember(request->path, !ends, 0, ends);
  if (ends) {
    return answer(socket, "200 OK", "",
                  "<CompleteMultipartUploadResult><ETag>\"x-1\"</ETag>"
                  "</CompleteMultipartUploadResult>");
  }
  return answer(socket, "200 OK", "",
                "<InitiateMultipartUploadResult><UploadId>1</UploadId>"
                "</InitiateMultipartUploadResult>");
}

static bool serve_head(int socket, const struct request *request) {
  char head[128];
  unsigned long long bytes = 0;
  if (!is_whole(request->path, &bytes)) return answer(socket, "404 Not Found", "", "");
  snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nContent-Length: %llu\r\n\r\n", bytes);
  return send_text(socket, head);
}

static bool serve(int socket, const struct request *request) {
  if (strcmp(request->method, "PUT") == 0) return serve_put(socket, request);
  if (strcmp(request->method, "POST") == 0) return serve_post(socket, request);
  if (strcmp(request->method, "HEAD") == 0) return serve_head(socket, request);
  if (strcmp(request->method, "DELETE") == 0) return answer(socket, "204 No Content", "", "");
  return answer(socket, "400 Bad Request", "", "");
}

static void *run(void *argument) {
  struct connection connection = {.socket = (int)(intptr_t)argument, .buffer = malloc(BUFFER_SIZE)};
  struct request request;
  const int yes = 1;
  setsockopt(connection.socket, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  bool goes_on = connection.buffer != NULL;
  while (goes_on && read_head(&connection, &request)) {
    if (request.waits) goes_on = send_text(connection.socket, "HTTP/1.1 100 Continue\r\n\r\n");
    goes_on =
        goes_on && drop_body(&connection, request.length) && serve(connection.socket, &request);
  }
  close(connection.socket);
  free(connection.buffer);
  return NULL;
}

static void *accept_all(void *argument) {
  int listener = (int)(intptr_t)argument;
  for (;;) {
    pthread_t thread;
    int socket = accept(listener, NULL, NULL);
    if (socket < 0) continue;
    if (pthread_create(&thread, NULL, run, (void *)(intptr_t)socket) == 0) {
      pthread_detach(thread);
    } else {
      close(socket);
    }
  }
  return NULL;
}

int main(void) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t len = sizeof address;
  pthread_t thread;
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (listener < 0 || bind(listener, (struct sockaddr *)&address, sizeof address) != 0 ||
      listen(listener, 64) != 0 || getsockname(listener, (struct sockaddr *)&address, &len) != 0 ||
      pthread_create(&thread, NULL, accept_all, (void *)(intptr_t)listener) != 0) {
    perror("bench_sink");
    return 1;
  }
  printf("%u\n", (unsigned)ntohs(address.sin_port));
  fflush(stdout);
  while (getchar() != EOF) continue;
  return 0;
}
