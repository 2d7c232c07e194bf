/*
 * A part's content in pieces: one that is filled, and others that are under way. What sends a
 * piece, and how, is the owner's business.
 *
 * One call at a time. A piece's memory grows with what comes.
 */
#ifndef FHX__TRANSPORT_PIECES_H
#define FHX__TRANSPORT_PIECES_H

#include <fhirexport/error.h>
#include <stdbool.h>

typedef struct fhx__piece {
  /* From 0. */
  uint64_t number;
  const void *data;
  size_t len;
} fhx__piece;

typedef struct fhx__piece_plan {
  /* The length of a piece; it doubles after so many, and is never more than that. */
  size_t bytes;
  uint64_t doubles_after;
  uint64_t bytes_max;
  /* How many pieces there may be; one more is FHX_ERR_LIMIT. */
  uint64_t count_max;
  /* How many are under way at a time, besides the one that is filled. At least 1. */
  uint32_t in_flight;
  /* What `work` below needs. */
  size_t work_bytes;
} fhx__piece_plan;

typedef struct fhx__piece_calls {
  /* Begins to send a piece. The piece's data and `work`, which is zeroed, stay where they are until
     finish or cancel; neither comes after a failure, which leaves nothing behind. */
  int32_t (*start)(void *context, void *work, const fhx__piece *piece, bool may_call_host,
                   fhx_error **error);
  /* Whether finish would not have to wait. */
  bool (*is_over)(void *context, void *work);
  /* Waits until it is sent. Nothing of it is used afterwards, whatever the answer. */
  int32_t (*finish)(void *context, void *work, const fhx__piece *piece, bool may_call_host,
                    fhx_error **error);
  void (*cancel)(void *context, void *work);
} fhx__piece_calls;

typedef struct fhx__pieces fhx__pieces;

/* NULL without memory. What is given is copied but for `context`. */
fhx__pieces *fhx__pieces_new(const fhx__piece_plan *plan, const fhx__piece_calls *calls,
                             void *context);
/* Cancels what is under way. NULL is harmless. */
void fhx__pieces_free(fhx__pieces *pieces);

/* The next bytes, copied. Finishes the pieces that are over; starts those that are full once more
   comes behind them; waits while all are under way. No host is called. After a failure the pieces
   can only be freed. */
int32_t fhx__pieces_write(fhx__pieces *pieces, const void *data, size_t len, fhx_error **error);

/* Whether nothing has been started: all that was written is then in *piece. */
bool fhx__pieces_are_one(const fhx__pieces *pieces, fhx__piece *piece);

/* Starts the last one and waits for all. */
int32_t fhx__pieces_flush(fhx__pieces *pieces, bool may_call_host, fhx_error **error);

/* How many were started, and how many bytes were written. */
uint64_t fhx__pieces_count(const fhx__pieces *pieces);
uint64_t fhx__pieces_bytes(const fhx__pieces *pieces);

#endif
