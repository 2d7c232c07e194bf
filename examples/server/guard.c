/*
 * The connections. libmicrohttpd ends those on which nothing moves, which a byte now and then
 * evades; here the time of a request counts as a whole. A connection is ended by shutting its
 * socket down: libmicrohttpd then sees its end and closes it.
 */
#include "guard.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <time.h>

/* When connections run short: how old one must be to make room, before its request has come, and
   while it is answered. (A download can be resumed.) */
#define YOUNG_US INT64_C(100000)
#define ANSWER_US INT64_C(30000000)

struct guarded {
  TAILQ_ENTRY(guarded) entry;
  int socket;
  bool answering;
  /* Shut down; it only waits to be closed. */
  bool ended;
  int64_t since_us;
};

TAILQ_HEAD(guarded_list, guarded);

struct guard {
  uint32_t count_max;
  int64_t request_us;
  pthread_mutex_t mutex;
  /* Each in the order of since_us. */
  struct guarded_list waiting;
  struct guarded_list answering;
  uint32_t count;
  /* Of these, those that are shut down, and those being answered. */
  uint32_t ended_count;
  uint32_t answering_count;
};

static int64_t now_us(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

struct guard *guard_new(uint32_t count_max, int64_t request_us) {
  struct guard *guard = calloc(1, sizeof *guard);
  if (guard == NULL) return NULL;
  guard->count_max = count_max;
  guard->request_us = request_us;
  pthread_mutex_init(&guard->mutex, NULL);
  TAILQ_INIT(&guard->waiting);
  TAILQ_INIT(&guard->answering);
  return guard;
}

void guard_free(struct guard *guard) {
  if (guard == NULL) return;
  pthread_mutex_destroy(&guard->mutex);
  free(guard);
}

/* --- under the mutex --- */

static void take_out(struct guard *guard, struct guarded *connection) {
  if (connection->answering) guard->answering_count--;
  TAILQ_REMOVE(connection->answering ? &guard->answering : &guard->waiting, connection, entry);
}

static void put_in(struct guard *guard, struct guarded *connection, bool answering) {
  connection->answering = answering;
  connection->since_us = now_us();
  if (answering) guard->answering_count++;
  TAILQ_INSERT_TAIL(answering ? &guard->answering : &guard->waiting, connection, entry);
}

static void end(struct guard *guard, struct guarded *connection) {
  connection->ended = true;
  guard->ended_count++;
  shutdown(connection->socket, SHUT_RDWR);
}

/* Bytes that libmicrohttpd has not read yet: it is the server that is slow, not the client. */
static bool has_unread(const struct guarded *connection) {
  char byte = 0;
  return recv(connection->socket, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 1;
}

/* Ends those of a list that are at least so old, oldest first, until `count` connections are left;
   not those with something unread, if `spare_unread`. */
static void end_older(struct guard *guard, struct guarded_list *list, int64_t age_us,
                      uint32_t count, bool spare_unread) {
  int64_t before_us = now_us() - age_us;
  struct guarded *connection = NULL;
  TAILQ_FOREACH(connection, list, entry) {
    if (guard->count - guard->ended_count <= count || connection->since_us > before_us) return;
    if (connection->ended || (spare_unread && has_unread(connection))) continue;
    end(guard, connection);
  }
}

/* By more than one connection, so that a crowd that waits to be accepted gets in soon. */
static void make_room(struct guard *guard) {
  if (guard->count - guard->ended_count <= guard->count_max) return;
  end_older(guard, &guard->waiting, YOUNG_US, guard->count_max / 2, true);
  if (guard->count - guard->ended_count <= guard->count_max) return;
  end_older(guard, &guard->answering, ANSWER_US, guard->count_max, false);
}

/* --- for everybody --- */

struct guarded *guard_add(struct guard *guard, int socket) {
  struct guarded *connection = calloc(1, sizeof *connection);
  if (connection == NULL) return NULL;
  connection->socket = socket;
  pthread_mutex_lock(&guard->mutex);
  guard->count++;
  put_in(guard, connection, false);
  make_room(guard);
  pthread_mutex_unlock(&guard->mutex);
  return connection;
}

void guard_remove(struct guard *guard, struct guarded *connection) {
  if (connection == NULL) return;
  pthread_mutex_lock(&guard->mutex);
  take_out(guard, connection);
  guard->count--;
  if (connection->ended) guard->ended_count--;
  pthread_mutex_unlock(&guard->mutex);
  free(connection);
}

static void move(struct guard *guard, struct guarded *connection, bool answering) {
  if (connection == NULL) return;
  pthread_mutex_lock(&guard->mutex);
  take_out(guard, connection);
  put_in(guard, connection, answering);
  pthread_mutex_unlock(&guard->mutex);
}

void guard_wait(struct guard *guard, struct guarded *connection) {
  move(guard, connection, false);
}

void guard_answer(struct guard *guard, struct guarded *connection) {
  move(guard, connection, true);
}

void guard_sweep(struct guard *guard) {
  pthread_mutex_lock(&guard->mutex);
  end_older(guard, &guard->waiting, guard->request_us, 0, false);
  make_room(guard);
  pthread_mutex_unlock(&guard->mutex);
}

uint32_t guard_answering(struct guard *guard) {
  pthread_mutex_lock(&guard->mutex);
  uint32_t count = guard->answering_count;
  pthread_mutex_unlock(&guard->mutex);
  return count;
}
