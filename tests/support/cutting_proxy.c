/* One thread that passes bytes on. */
#include "support/cutting_proxy.h"

#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

#define PAIRS_MAX 64
#define PIECE 65536

/* -1, -1: free. */
typedef struct pair {
  int client;
  int server;
  /* What becomes of it when the server answers next; TEST_CUT_SILENT: nothing is passed on. */
  test_cut fate;
} pair;

struct test_proxy {
  struct sockaddr_un server_at;
  int listener;
  int wake[2];
  pthread_t thread;
  pair pairs[PAIRS_MAX];
  char piece[PIECE];
  /* Guards what follows. */
  pthread_mutex_t lock;
  test_cut how;
  const char *word;
  uint32_t skip;
  bool has_cut;
};

static void drop(pair *both) {
  if (both->client >= 0) close(both->client);
  if (both->server >= 0) close(both->server);
  *both = (pair){-1, -1, TEST_CUT_NONE};
}

static void admit(test_proxy *proxy) {
  const int client = accept(proxy->listener, NULL, NULL);
  if (client < 0) return;
  for (int i = 0; i < PAIRS_MAX; i++) {
    pair *both = &proxy->pairs[i];
    if (both->client >= 0) continue;
    *both = (pair){client, socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), TEST_CUT_NONE};
    const struct sockaddr *to = (const struct sockaddr *)(const void *)&proxy->server_at;
    if (connect(both->server, to, sizeof proxy->server_at) != 0) drop(both);
    return;
  }
  close(client);
}

/* What is to be done with a message of a client. */
static test_cut judge(test_proxy *proxy, size_t len) {
  test_cut how = TEST_CUT_NONE;
  pthread_mutex_lock(&proxy->lock);
  const char *word = proxy->word;
  const bool fits = proxy->how != TEST_CUT_NONE &&
                    (word == NULL || memmem(proxy->piece, len, word, strlen(word)) != NULL);
  if (fits && proxy->skip > 0) {
    proxy->skip--;
  } else if (fits) {
    how = proxy->how;
    proxy->how = TEST_CUT_NONE;
    proxy->has_cut = true;
  }
  pthread_mutex_unlock(&proxy->lock);
  return how;
}

static bool pass(test_proxy *proxy, int to, size_t len) {
  for (size_t sent = 0; sent < len;) {
    const ssize_t count = send(to, proxy->piece + sent, len - sent, MSG_NOSIGNAL);
    if (count <= 0) return false;
    sent += (size_t)count;
  }
  return true;
}

static void from_client(test_proxy *proxy, pair *both) {
  const ssize_t len = read(both->client, proxy->piece, PIECE);
  if (len <= 0) {
    drop(both);
    return;
  }
  if (both->fate == TEST_CUT_NONE) both->fate = judge(proxy, (size_t)len);
  if (both->fate == TEST_CUT_SILENT) return;
  if (both->fate == TEST_CUT_BEFORE || !pass(proxy, both->server, (size_t)len)) drop(both);
}

static void from_server(test_proxy *proxy, pair *both) {
  const ssize_t len = read(both->server, proxy->piece, PIECE);
  if (both->fate == TEST_CUT_SILENT && len > 0) return;
  if (len <= 0 || both->fate == TEST_CUT_AFTER || !pass(proxy, both->client, (size_t)len)) {
    drop(both);
  }
}

static void *run(void *user_data) {
  test_proxy *proxy = user_data;
  for (;;) {
    struct pollfd watched[2 + 2 * PAIRS_MAX] = {{proxy->wake[0], POLLIN, 0},
                                                {proxy->listener, POLLIN, 0}};
    for (int i = 0; i < PAIRS_MAX; i++) {
      watched[2 + 2 * i] = (struct pollfd){proxy->pairs[i].client, POLLIN, 0};
      watched[3 + 2 * i] = (struct pollfd){proxy->pairs[i].server, POLLIN, 0};
    }
    if (poll(watched, 2 + 2 * PAIRS_MAX, -1) < 0) continue;
    if (watched[0].revents != 0) return NULL;
    for (int i = 0; i < PAIRS_MAX; i++) {
      pair *both = &proxy->pairs[i];
      if (both->client >= 0 && watched[2 + 2 * i].revents != 0) from_client(proxy, both);
      if (both->client >= 0 && watched[3 + 2 * i].revents != 0) from_server(proxy, both);
    }
    if (watched[1].revents != 0) admit(proxy);
  }
}

static struct sockaddr_un address_of(const char *path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  assert_in_range(strlen(path), 1, sizeof address.sun_path - 1);
  memcpy(address.sun_path, path, strlen(path) + 1);
  return address;
}

test_proxy *test_proxy_new(const char *path, const char *server_path) {
  test_proxy *proxy = calloc(1, sizeof *proxy);
  assert_non_null(proxy);
  const struct sockaddr_un here = address_of(path);
  proxy->server_at = address_of(server_path);
  for (int i = 0; i < PAIRS_MAX; i++) proxy->pairs[i] = (pair){-1, -1, TEST_CUT_NONE};
  proxy->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_true(proxy->listener >= 0);
  assert_int_equal(bind(proxy->listener, (const struct sockaddr *)(const void *)&here, sizeof here),
                   0);
  assert_int_equal(listen(proxy->listener, PAIRS_MAX), 0);
  assert_int_equal(pipe(proxy->wake), 0);
  assert_int_equal(pthread_mutex_init(&proxy->lock, NULL), 0);
  assert_int_equal(pthread_create(&proxy->thread, NULL, run, proxy), 0);
  return proxy;
}

void test_proxy_free(test_proxy *proxy) {
  assert_int_equal(write(proxy->wake[1], "", 1), 1);
  assert_int_equal(pthread_join(proxy->thread, NULL), 0);
  for (int i = 0; i < PAIRS_MAX; i++) drop(&proxy->pairs[i]);
  close(proxy->listener);
  close(proxy->wake[0]);
  close(proxy->wake[1]);
  pthread_mutex_destroy(&proxy->lock);
  free(proxy);
}

void test_proxy_cut(test_proxy *proxy, test_cut how, const char *word, uint32_t skip) {
  pthread_mutex_lock(&proxy->lock);
  proxy->how = how;
  proxy->word = word;
  proxy->skip = skip;
  proxy->has_cut = false;
  pthread_mutex_unlock(&proxy->lock);
}

bool test_proxy_has_cut(test_proxy *proxy) {
  pthread_mutex_lock(&proxy->lock);
  const bool has_cut = proxy->has_cut;
  proxy->how = TEST_CUT_NONE;
  pthread_mutex_unlock(&proxy->lock);
  return has_cut;
}
