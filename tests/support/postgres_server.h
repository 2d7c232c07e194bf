/* A PostgreSQL server of a test's own: a new cluster in a temporary folder, reached by a socket
   there. It ends with the test program, however that ends. */
#ifndef TEST_SUPPORT_POSTGRES_SERVER_H
#define TEST_SUPPORT_POSTGRES_SERVER_H

#include <sys/types.h>

#include "support/folder.h"

typedef struct test_postgres {
  /* Short enough for a socket's address; the socket is in it. */
  char folder[64];
  char programs[TEST_PATH_MAX];
  /* Who it runs as: it refuses to run as root. */
  uid_t user;
  gid_t group;
  pid_t pid;
} test_postgres;

/* Makes the cluster and starts the server; its superuser is "fhx", whom it lets in without a
   password, and its database "postgres". The test fails if PostgreSQL is not there. */
void test_postgres_new(test_postgres *server);
/* At once, as a crash would end it: what was not committed is rolled back by the next start. */
void test_postgres_kill(test_postgres *server);
void test_postgres_start(test_postgres *server);
/* Adds a line in front of those that say who is let in how. */
void test_postgres_let_in(test_postgres *server, const char *line);
void test_postgres_free(test_postgres *server);

#endif
