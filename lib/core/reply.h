/* The reply object that host callbacks answer by. */
#ifndef FHX__CORE_REPLY_H
#define FHX__CORE_REPLY_H

#include <fhirexport/error.h>
#include <fhirexport/reply.h>
#include <stdbool.h>

#include "core/buffer.h"

/* What a callback may answer with, besides fhx_reply_fail. */
#define FHX__ACCEPT_DONE 1u
#define FHX__ACCEPT_END 2u
#define FHX__ACCEPT_WAIT 4u
#define FHX__ACCEPT_HANDLE 8u
#define FHX__ACCEPT_ROWS 16u
#define FHX__ACCEPT_ITEMS 32u
#define FHX__ACCEPT_TIME 64u
#define FHX__ACCEPT_ESTIMATE 128u
#define FHX__ACCEPT_OBJECT 256u
#define FHX__ACCEPT_JOB 512u
#define FHX__ACCEPT_TASK 1024u
#define FHX__ACCEPT_PARTS 2048u
#define FHX__ACCEPT_ATTEMPTS 4096u
#define FHX__ACCEPT_FILE 8192u
#define FHX__ACCEPT_S3_CREDENTIALS 16384u
#define FHX__ACCEPT_AZURE_TOKEN 32768u

#define FHX__REPLY_MESSAGE_MAX 512

typedef struct fhx__rows {
  const unsigned char *data;
  size_t len;
  uint64_t row_count;
  const uint64_t *row_ends;
  const int64_t *row_updated_us;
  const void *token;
  size_t token_len;
} fhx__rows;

struct fhx_reply {
  uint32_t accepts;
  /* FHX_OK once answered with success; FHX_ERR_NO_ANSWER at first. */
  int32_t status;
  uint32_t retryable;
  /* An answer did not fit: the failure stays. */
  bool broken;
  char message[FHX__REPLY_MESSAGE_MAX];
  /* Until when the caller waits, by the monotonic clock; 0: as long as it takes. */
  int64_t until_us;
  int64_t wait_us;
  void *handle;
  uint32_t applied;
  fhx__rows rows;
  /* Items one behind the other, and where each ends (uint64_t). */
  fhx__buffer items;
  fhx__buffer item_ends;
  int64_t now_us;
  int64_t resolution_us;
  uint64_t resource_count;
  uint64_t byte_count;
  bool has_sha256;
  uint8_t sha256[32];
  /* A descriptor that was handed over, until it is taken. */
  bool has_file;
  int file;
  /* Where the answers of one room's own kind are collected; only that room knows what it is. */
  void *records;
};

/* A reply that has failed until it is answered. `callback` names it in messages. */
void fhx__reply_begin(fhx_reply *reply, uint32_t accepts, const char *callback);
void fhx__reply_end(fhx_reply *reply);

/* The number of items, and the item at `position` (its length in *len). */
size_t fhx__reply_item_count(const fhx_reply *reply);
const char *fhx__reply_item_at(const fhx_reply *reply, size_t position, size_t *len);

/* The file that was given, which is the caller's now; -1 for none. */
int fhx__reply_take_file(fhx_reply *reply);

/* Turns a reply into a failure for good; returns `status`. */
int32_t fhx__reply_break(fhx_reply *reply, int32_t status, const char *message);

/* Whether an answer of this kind fits; breaks the reply if not. */
bool fhx__reply_accepts(fhx_reply *reply, uint32_t kind);

/*
 * What a callback answered, as a status and an error: FHX_OK, FHX_END and FHX_WAIT as they are; a
 * failure becomes an error "<who>: <message>" with the reply's own status and retryable mark.
 */
int32_t fhx__reply_status(const fhx_reply *reply, const char *who, fhx_error **error);

/* Marks success; for answers that other rooms define. */
int32_t fhx__reply_settle(fhx_reply *reply, int32_t status);

#endif
