/* Stands between clients and a server, on local sockets, and cuts a connection or keeps silent when
   it is told to. */
#ifndef TEST_SUPPORT_CUTTING_PROXY_H
#define TEST_SUPPORT_CUTTING_PROXY_H

#include <stdbool.h>
#include <stdint.h>

typedef enum test_cut {
  TEST_CUT_NONE,
  /* Before the server has the message, or when it has answered: its answer is lost. */
  TEST_CUT_BEFORE,
  TEST_CUT_AFTER,
  /* The message is lost, and so is all that follows on the connection, but it stays open. */
  TEST_CUT_SILENT,
} test_cut;

typedef struct test_proxy test_proxy;

/* Listens at the first path, and connects to the second for every client. */
test_proxy *test_proxy_new(const char *path, const char *server_path);
void test_proxy_free(test_proxy *proxy);

/* Once, at the client's next message that contains `word` (NULL: any) after `skip` such ones. A
   message is what a client sends without waiting for an answer. */
void test_proxy_cut(test_proxy *proxy, test_cut how, const char *word, uint32_t skip);
/* Whether it has come to that; forgets it if not. */
bool test_proxy_has_cut(test_proxy *proxy);

#endif
