/* What the files of this room share: a transport's inside, and a transfer that is under way. */
#ifndef FHX__TRANSPORT_WORK_H
#define FHX__TRANSPORT_WORK_H

#include <curl/curl.h>
#include <pthread.h>

#include "transport/guard.h"
#include "transport/retry.h"
#include "transport/transport.h"

#define FHX__SOCKETS_MAX 64

typedef struct fhx__work fhx__work;

struct fhx__transport {
  /* Without its pointers; none of its numbers is 0. */
  fhx_http_options options;
  char *ca_file;
  char *proxy;
  fhx__guard guard;
  /* The driver's alone, but for curl_multi_wakeup. */
  CURLM *multi;
  /* Those of open connections; the driver's. */
  curl_socket_t sockets[FHX__SOCKETS_MAX];
  size_t socket_count;
  /* When the last turn ended, by the monotonic clock; the driver's. */
  int64_t turn_us;
  pthread_mutex_t mutex;
  /* Something below has changed: a transfer is over, one is new, a driver has left, the end. */
  pthread_cond_t changed;
  /* All that follows is guarded by the mutex. */
  fhx__work *first;
  fhx__work *last;
  /* Whether somebody drives: the thread, or one who waits. */
  bool is_driven;
  bool has_thread;
  bool ends;
  pthread_t thread;
  fhx__retries *retries;
};

/* A transfer from its start until it is over. Its members are the driver's, where nothing else is
   said; the list is the mutex's. */
struct fhx__work {
  fhx__work *next;
  fhx__work *previous;
  fhx__transport *transport;
  fhx__transfer *transfer;
  /* Guarded: somebody wants it to end. */
  bool is_cancelled;
  /* In libcurl's hands, or waiting for its turn from due_us on. By the monotonic clock. */
  bool is_running;
  int64_t due_us;
  /* No attempt begins from here on; and none goes on, if the owner has said so. */
  int64_t until_us;
  bool is_bounded;
  uint32_t retries_left;
  /* Guarded by nobody: a chain of works that one turn deals with. */
  fhx__work *in_turn;
  CURL *easy;
  struct curl_slist *headers;
  /* --- of the present attempt --- */
  /* How often the request's head was handed to a connection. */
  uint32_t sendings;
  /* Whether the empty line behind the answer's headers has come. */
  bool has_head;
  /* How many bytes have moved, and when that was last seen to be more. */
  int64_t moved;
  int64_t moved_us;
  uint32_t refused_addresses;
  uint32_t opened_sockets;
  /* Why a callback has stopped it: FHX_OK, FHX_ERR_NO_MEMORY, FHX_ERR_LIMIT. */
  int32_t stopped;
};

/* --- attempt.c: one try of a request --- */

/* Signs, and hands it to libcurl. FHX_OK, or the transfer ends with this status. */
int32_t fhx__attempt_begin(fhx__work *work);
/* Takes it from libcurl's hands. */
void fhx__attempt_end(fhx__work *work);
/* Whether not a byte has moved for too long. */
bool fhx__attempt_stalls(fhx__work *work, int64_t now_us);
/* Frees what is libcurl's. */
void fhx__work_empty(fhx__work *work);

/* --- socket.c: what libcurl calls for its connections --- */

/* The context is the work whose request it is for. */
curl_socket_t fhx__socket_open(void *context, curlsocktype purpose, struct curl_sockaddr *address);
/* The context is the transport. */
int fhx__socket_close(void *context, curl_socket_t closed);
/* What has come is acknowledged at once: servers with Nagle's algorithm keep an answer's body back
   until its head is, which kernels put off for 40 ms. */
void fhx__sockets_acknowledge(fhx__transport *transport);

/* --- outcome.c: what has come of a try --- */

/* After fhx__attempt_end. Whether it is to be tried again, from work->due_us on; else the transfer
   has its status. */
bool fhx__outcome_is_retry(fhx__work *work, CURLcode code);

/* --- retry.c --- */

/* Whether one of the repeats that are left may be used up. */
bool fhx__work_takes_retry(fhx__work *work);
void fhx__work_gives_retry_back(fhx__work *work);

/* --- transfer.c --- */

/* Takes a line of an answer's head into its headers, and notes whether the head is whole. FHX_OK,
   FHX_ERR_LIMIT, FHX_ERR_NO_MEMORY. */
int32_t fhx__answer_take_line(fhx__buffer *headers, const char *data, size_t len, bool *has_head);
/* Stores how it ends; `reason` is cut to its room. */
void fhx__transfer_settle(fhx__transfer *transfer, int32_t status, bool retryable,
                          const char *reason);

/* --- drive.c --- */

/* One turn of whoever drives: begins what is due, moves bytes, ends what is over, and waits for at
   most so long if nothing came of that. */
void fhx__drive(fhx__transport *transport, int64_t wait_us);

#endif
