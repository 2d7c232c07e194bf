/*
 * An HTTP/1.1 server on 127.0.0.1 that does what a script says, also what no good server does, and
 * keeps what it was asked. A thread for each connection. It stands in for a store where a test must
 * force a fault; that real stores agree is what other tests are for.
 */
#ifndef TEST_SUPPORT_SCRIPTED_SERVER_H
#define TEST_SUPPORT_SCRIPTED_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum test_server_fault {
  TEST_SERVER_SOUND,
  /* Reads the request, and closes without an answer. */
  TEST_SERVER_CLOSES,
  /* Reads `after` bytes of the request's body, and closes; the connection is reset. */
  TEST_SERVER_CLOSES_IN_REQUEST,
  /* Reads `after` bytes of the request's body, answers, and closes. */
  TEST_SERVER_ANSWERS_EARLY,
  /* Answers with `after` bytes of the body, though Content-Length says more, and closes. */
  TEST_SERVER_TRUNCATES,
  /* Answers well, and closes without having said so. */
  TEST_SERVER_CLOSES_AFTER,
  /* Reads the request, and says nothing until the client goes or the server ends. */
  TEST_SERVER_HANGS
} test_server_fault;

/* How much of a request's body is kept. */
#define TEST_SERVER_BODY_MAX ((size_t)8 << 20)

/* A request as it came. */
typedef struct test_server_request {
  char method[16];
  char *target;
  /* All lines of the head behind the first, each with its CR LF. */
  char *headers;
  /* Terminated, cut after TEST_SERVER_BODY_MAX bytes; how long it was. */
  char *body;
  uint64_t body_len;
  /* The connections are numbered from 1. */
  uint64_t connection;
  /* The step that it met; -1: none. */
  int step;
} test_server_request;

/* What happens with a request: the first step that fits and is not used up. Texts are borrowed
   until the server has ended. */
typedef struct test_server_step test_server_step;
struct test_server_step {
  /* NULL: any; the target has this text in it; the head has this text in it. */
  const char *method;
  const char *target;
  const char *header;
  /* How often it is used; 0: without end. */
  uint32_t times;
  /* 0: 200. */
  uint32_t status;
  /* Lines with CR LF; NULL: none. Content-Length is added if it is not among them. */
  const char *headers;
  /* `body_len` 0: up to its NUL; NULL: none. */
  const char *body;
  size_t body_len;
  test_server_fault fault;
  size_t after;
  /* The whole answer, byte for byte, and then the connection is closed; NULL: made of the above. */
  const char *raw;
  size_t raw_len;
  /* Before the answer. */
  int64_t pause_us;
  /* The answer comes in so many bytes at a time, with a pause between; 0: at once. */
  size_t piece;
  int64_t piece_pause_us;
  /* The kernel keeps a short write back until what was sent before is acknowledged (Nagle). */
  bool joins_writes;
  /* No answer before test_server_release. */
  bool held;
  /* Changes a copy of this step before it is carried out; on a thread of the server's, one call at
     a time; NULL: not. */
  void (*adapt)(void *context, const test_server_request *request, test_server_step *step);
  void *context;
};

typedef struct test_server test_server;

/* Starts it. The steps are copied. A request that fits none is answered 501 and is a violation
   (require.h). */
test_server *test_server_start(const test_server_step *steps, size_t count);
/* With TLS, and a certificate signed by itself for this host name or IP address. */
test_server *test_server_start_tls(const test_server_step *steps, size_t count, const char *host);
/* Closes all connections and waits for the threads. NULL is harmless. */
void test_server_end(test_server *server);

/* "http://127.0.0.1:port"; with TLS "https://localhost:port". */
const char *test_server_url(const test_server *server);
uint16_t test_server_port(const test_server *server);
/* The certificate as a file in PEM, which the server removes at its end. */
const char *test_server_certificate(const test_server *server);

/* Replaces the steps; those that are being carried out go on. */
void test_server_set(test_server *server, const test_server_step *steps, size_t count);
/* The steps with `held` answer, now and from now on. */
void test_server_release(test_server *server);

/* How many requests have come: with their whole body, or as far as a fault lets it. */
size_t test_server_count(test_server *server);
/* Waits until so many have come; a violation and false after half a minute. */
bool test_server_wait(test_server *server, size_t count);
/* In their order; good until the server has ended. */
const test_server_request *test_server_request_at(test_server *server, size_t position);
/* How many of them have this method (NULL: any) and this text in their target (NULL: any). */
size_t test_server_count_of(test_server *server, const char *method, const char *target);
/* The first header of this name, without white space around it; false: there is none. */
bool test_server_header(const test_server_request *request, const char *name, char *value,
                        size_t capacity);
/* Connections so far; the most that were busy with a request at a time. */
uint64_t test_server_connections(test_server *server);
uint64_t test_server_peak(test_server *server);

#endif
