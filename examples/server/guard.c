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

/* An answer that takes longer makes room when connections run short; a download can be resumed. */
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

/* Ends the first connection of the list that is older than `age_us`; false if there is none. */
static bool end_oldest(struct guarded_list *list, int64_t age_us) {
  struct guarded *connection = NULL;
  TAILQ_FOREACH(connection, list, entry) {
    if (!connection->ended) break;
  }
  if (connection == NULL || now_us() - connection->since_us < age_us) return false;
  connection->ended = true;
  shutdown(connection->socket, SHUT_RDWR);
  return true;
}

/* --- for everybody --- */

struct guarded *guard_add(struct guard *guard, int socket) {
  struct guarded *connection = calloc(1, sizeof *connection);
  if (connection == NULL) return NULL;
  connection->socket = socket;
  pthread_mutex_lock(&guard->mutex);
  if (++guard->count > guard->count_max && !end_oldest(&guard->waiting, 0)) {
    end_oldest(&guard->answering, ANSWER_US);
  }
  put_in(guard, connection, false);
  pthread_mutex_unlock(&guard->mutex);
  return connection;
}

void guard_remove(struct guard *guard, struct guarded *connection) {
  if (connection == NULL) return;
  pthread_mutex_lock(&guard->mutex);
  take_out(guard, connection);
  guard->count--;
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
  while (end_oldest(&guard->waiting, guard->request_us)) continue;
  pthread_mutex_unlock(&guard->mutex);
}

uint32_t guard_answering(struct guard *guard) {
  pthread_mutex_lock(&guard->mutex);
  uint32_t count = guard->answering_count;
  pthread_mutex_unlock(&guard->mutex);
  return count;
}
