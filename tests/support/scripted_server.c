/* The scripted server: its life, its script, what it was asked. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "support/require.h"
#include "support/scripted_parts.h"

#define WAIT_SECONDS 30

static void *need(void *block) {
  if (block == NULL) abort();
  return block;
}

/* --- the script --- */

static bool fits(const test_server_step *step, const test_server_request *request) {
  return (step->method == NULL || strcmp(step->method, request->method) == 0) &&
         (step->target == NULL || strstr(request->target, step->target) != NULL) &&
         (step->header == NULL || strstr(request->headers, step->header) != NULL);
}

void test_script_meet(test_server *server, test_server_request *request, test_server_step *step) {
  static const test_server_step none = {.status = 501, .body = "the script has nothing for this"};
  *step = none;
  request->step = -1;
  pthread_mutex_lock(&server->mutex);
  for (size_t i = 0; request->step < 0 && i < server->step_count; i++) {
    const test_server_step *candidate = &server->steps[i];
    bool is_left = candidate->times == 0 || server->used[i] < candidate->times;
    if (!is_left || !fits(candidate, request)) continue;
    server->used[i]++;
    *step = *candidate;
    request->step = (int)i;
  }
  pthread_mutex_unlock(&server->mutex);
  if (request->step < 0) test_violation("a request that the script does not know");
}

void test_script_keep(test_server *server, test_server_request *request, test_server_step *step) {
  pthread_mutex_lock(&server->mutex);
  size_t count = server->request_count;
  if ((count & (count + 1)) == 0) {
    server->requests = need(realloc(server->requests, 2 * (count + 1) * sizeof *server->requests));
  }
  if (step->adapt != NULL) step->adapt(step->context, request, step);
  server->requests[server->request_count++] = request;
  pthread_cond_broadcast(&server->changed);
  pthread_mutex_unlock(&server->mutex);
}

static struct timespec after(int64_t pause_us) {
  struct timespec at;
  clock_gettime(CLOCK_MONOTONIC, &at);
  int64_t ns = at.tv_nsec + pause_us % 1000000 * 1000;
  at.tv_sec += (time_t)(pause_us / 1000000 + ns / 1000000000);
  at.tv_nsec = (long)(ns % 1000000000);
  return at;
}

bool test_script_pause(test_server *server, int64_t pause_us) {
  struct timespec until = after(pause_us);
  pthread_mutex_lock(&server->mutex);
  while (!server->ends && pthread_cond_timedwait(&server->changed, &server->mutex, &until) == 0) {
  }
  bool goes_on = !server->ends;
  pthread_mutex_unlock(&server->mutex);
  return goes_on;
}

void test_server_set(test_server *server, const test_server_step *steps, size_t count) {
  pthread_mutex_lock(&server->mutex);
  free(server->steps);
  free(server->used);
  server->steps = need(calloc(count + 1, sizeof *steps));
  server->used = need(calloc(count + 1, sizeof *server->used));
  if (count > 0) memcpy(server->steps, steps, count * sizeof *steps);
  server->step_count = count;
  pthread_mutex_unlock(&server->mutex);
}

void test_server_release(test_server *server) {
  pthread_mutex_lock(&server->mutex);
  server->released = true;
  pthread_cond_broadcast(&server->changed);
  pthread_mutex_unlock(&server->mutex);
}

/* --- its life --- */

static void accept_one(test_server *server, int socket) {
  test_connection *made = need(calloc(1, sizeof *made));
  made->server = server;
  made->socket = socket;
  pthread_mutex_lock(&server->mutex);
  made->number = ++server->connection_count;
  made->next = server->connections;
  server->connections = made;
  if (pthread_create(&made->thread, NULL, test_connection_serve, made) != 0) abort();
  pthread_mutex_unlock(&server->mutex);
}

static void *listen_on(void *context) {
  test_server *server = context;
  for (;;) {
    int socket = accept4(server->listener, NULL, NULL, SOCK_CLOEXEC);
    if (socket < 0 && (errno == ECONNABORTED || errno == EINTR)) continue;
    if (socket < 0) return NULL;
    accept_one(server, socket);
  }
}

/* SIGPIPE of a client that has gone, and the test's own signals, are not for these threads. */
static void start_thread(test_server *server) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  if (pthread_create(&server->thread, NULL, listen_on, server) != 0) abort();
  pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void open_port(test_server *server) {
  struct sockaddr_in address;
  socklen_t len = sizeof address;
  memset(&address, 0, sizeof address);
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (server->listener < 0 ||
      bind(server->listener, (struct sockaddr *)&address, sizeof address) != 0 ||
      listen(server->listener, 128) != 0 ||
      getsockname(server->listener, (struct sockaddr *)&address, &len) != 0) {
    abort();
  }
  server->port = ntohs(address.sin_port);
}

static test_server *start(const test_server_step *steps, size_t count, const char *host) {
  test_server *server = need(calloc(1, sizeof *server));
  pthread_condattr_t monotonic;
  pthread_condattr_init(&monotonic);
  pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
  pthread_mutex_init(&server->mutex, NULL);
  pthread_cond_init(&server->changed, &monotonic);
  pthread_condattr_destroy(&monotonic);
  test_server_set(server, steps, count);
  open_port(server);
  if (host != NULL) {
    test_folder_new(server->folder);
    snprintf(server->certificate, sizeof server->certificate, "%s/ca.pem", server->folder);
    server->tls = need(SSL_CTX_new(TLS_server_method()));
    test_certificate_make(server->tls, host, server->certificate);
  }
  snprintf(server->url, sizeof server->url, "%s:%u",
           host != NULL ? "https://localhost" : "http://127.0.0.1", server->port);
  start_thread(server);
  return server;
}

test_server *test_server_start(const test_server_step *steps, size_t count) {
  return start(steps, count, NULL);
}

test_server *test_server_start_tls(const test_server_step *steps, size_t count, const char *host) {
  return start(steps, count, host);
}

static void end_threads(test_server *server) {
  shutdown(server->listener, SHUT_RDWR);
  pthread_join(server->thread, NULL);
  pthread_mutex_lock(&server->mutex);
  server->ends = true;
  pthread_cond_broadcast(&server->changed);
  for (test_connection *at = server->connections; at != NULL; at = at->next) {
    if (at->socket >= 0) shutdown(at->socket, SHUT_RDWR);
  }
  pthread_mutex_unlock(&server->mutex);
  while (server->connections != NULL) {
    test_connection *first = server->connections;
    pthread_join(first->thread, NULL);
    server->connections = first->next;
    free(first);
  }
}

static void free_request(test_server_request *request) {
  free(request->target);
  free(request->headers);
  free(request->body);
  free(request);
}

void test_server_end(test_server *server) {
  if (server == NULL) return;
  end_threads(server);
  close(server->listener);
  for (size_t i = 0; i < server->request_count; i++) free_request(server->requests[i]);
  free(server->requests);
  free(server->steps);
  free(server->used);
  SSL_CTX_free(server->tls);
  if (server->folder[0] != '\0') test_folder_remove(server->folder);
  pthread_cond_destroy(&server->changed);
  pthread_mutex_destroy(&server->mutex);
  free(server);
}

/* --- what it was asked --- */

const char *test_server_url(const test_server *server) {
  return server->url;
}

uint16_t test_server_port(const test_server *server) {
  return server->port;
}

const char *test_server_certificate(const test_server *server) {
  return server->certificate;
}

size_t test_server_count(test_server *server) {
  return test_server_count_of(server, NULL, NULL);
}

size_t test_server_count_of(test_server *server, const char *method, const char *target) {
  const test_server_step wanted = {.method = method, .target = target};
  size_t count = 0;
  pthread_mutex_lock(&server->mutex);
  for (size_t i = 0; i < server->request_count; i++) {
    if (fits(&wanted, server->requests[i])) count++;
  }
  pthread_mutex_unlock(&server->mutex);
  return count;
}

bool test_server_wait(test_server *server, size_t count) {
  struct timespec until = after(INT64_C(1000000) * WAIT_SECONDS);
  pthread_mutex_lock(&server->mutex);
  while (server->request_count < count &&
         pthread_cond_timedwait(&server->changed, &server->mutex, &until) == 0) {
  }
  bool came = server->request_count >= count;
  pthread_mutex_unlock(&server->mutex);
  test_violation_unless(came, "the requests that were waited for did not come");
  return came;
}

const test_server_request *test_server_request_at(test_server *server, size_t position) {
  pthread_mutex_lock(&server->mutex);
  const test_server_request *found =
      position < server->request_count ? server->requests[position] : NULL;
  pthread_mutex_unlock(&server->mutex);
  test_require(found != NULL);
  return found;
}

bool test_server_header(const test_server_request *request, const char *name, char *value,
                        size_t capacity) {
  size_t name_len = strlen(name);
  for (const char *line = request->headers; *line != '\0';) {
    const char *end = strstr(line, "\r\n");
    if (end == NULL) return false;
    if (strncasecmp(line, name, name_len) == 0 && line[name_len] == ':') {
      const char *begin = line + name_len + 1;
      while (begin < end && (*begin == ' ' || *begin == '\t')) begin++;
      while (end > begin && (end[-1] == ' ' || end[-1] == '\t')) end--;
      size_t len = (size_t)(end - begin);
      if (len >= capacity) len = capacity - 1;
      memcpy(value, begin, len);
      value[len] = '\0';
      return true;
    }
    line = end + 2;
  }
  return false;
}

uint64_t test_server_connections(test_server *server) {
  pthread_mutex_lock(&server->mutex);
  uint64_t count = server->connection_count;
  pthread_mutex_unlock(&server->mutex);
  return count;
}

uint64_t test_server_peak(test_server *server) {
  pthread_mutex_lock(&server->mutex);
  uint64_t peak = server->peak;
  pthread_mutex_unlock(&server->mutex);
  return peak;
}
