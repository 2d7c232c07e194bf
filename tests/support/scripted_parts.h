/* What the files of the scripted server share. */
#ifndef TEST_SUPPORT_SCRIPTED_PARTS_H
#define TEST_SUPPORT_SCRIPTED_PARTS_H

#include <openssl/ssl.h>
#include <pthread.h>

#include "support/folder.h"
#include "support/scripted_server.h"

typedef struct test_connection test_connection;

struct test_server {
  int listener;
  uint16_t port;
  char url[64];
  SSL_CTX *tls;
  char folder[TEST_PATH_MAX];
  char certificate[TEST_PATH_MAX + 16];
  pthread_t thread;
  /* Guards what follows. */
  pthread_mutex_t mutex;
  pthread_cond_t changed;
  bool ends;
  bool released;
  test_server_step *steps;
  uint32_t *used;
  size_t step_count;
  test_server_request **requests;
  size_t request_count;
  test_connection *connections;
  uint64_t connection_count;
  uint64_t busy;
  uint64_t peak;
};

struct test_connection {
  test_server *server;
  pthread_t thread;
  uint64_t number;
  /* -1 once it is closed; guarded. */
  int socket;
  SSL *tls;
  /* What has come and is not used yet. */
  char *bytes;
  size_t len;
  size_t capacity;
  test_connection *next;
};

/* The thread of a connection: a test_connection. */
void *test_connection_serve(void *context);

/* Uses the step that a request meets whose head has come: a copy. */
void test_script_meet(test_server *server, test_server_request *request, test_server_step *step);
/* Keeps a request whose body has come, and adapts the step to it. */
void test_script_keep(test_server *server, test_server_request *request, test_server_step *step);
/* Waits so long; false: the server ends. */
bool test_script_pause(test_server *server, int64_t pause_us);

/* Makes a key and a certificate, and stores the latter as a file. */
void test_certificate_make(SSL_CTX *tls, const char *host, const char *path);

#endif
