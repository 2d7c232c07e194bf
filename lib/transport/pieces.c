/* A ring of pieces: the one at `filled` takes bytes, those behind it are under way, oldest first.
 */
#include "transport/pieces.h"

#include <string.h>

#include "core/alloc.h"
#include "core/error.h"

/* A piece's memory at first. */
#define CAPACITY_MIN ((size_t)64 * 1024)

typedef struct slot {
  char *data;
  size_t capacity;
  fhx__piece piece;
  void *work;
  bool is_under_way;
} slot;

struct fhx__pieces {
  fhx__piece_plan plan;
  fhx__piece_calls calls;
  void *context;
  slot *slots;
  size_t slot_count;
  size_t filled;
  /* Of the piece that is filled. */
  size_t bytes;
  uint64_t count;
  uint64_t written;
};

fhx__pieces *fhx__pieces_new(const fhx__piece_plan *plan, const fhx__piece_calls *calls,
                             void *context) {
  fhx__pieces *pieces = fhx__alloc_zeroed(1, sizeof *pieces);
  if (pieces == NULL) return NULL;
  pieces->plan = *plan;
  pieces->calls = *calls;
  pieces->context = context;
  pieces->bytes = plan->bytes;
  pieces->slots = fhx__alloc_zeroed((size_t)plan->in_flight + 1, sizeof *pieces->slots);
  bool has_all = pieces->slots != NULL;
  if (has_all) pieces->slot_count = (size_t)plan->in_flight + 1;
  for (size_t i = 0; has_all && i < pieces->slot_count; i++) {
    pieces->slots[i].work = fhx__alloc_zeroed(1, plan->work_bytes);
    has_all = pieces->slots[i].work != NULL;
  }
  if (has_all) return pieces;
  fhx__pieces_free(pieces);
  return NULL;
}

void fhx__pieces_free(fhx__pieces *pieces) {
  if (pieces == NULL) return;
  for (size_t i = 0; i < pieces->slot_count; i++) {
    slot *one = &pieces->slots[i];
    if (one->is_under_way) pieces->calls.cancel(pieces->context, one->work);
    fhx__free(one->work);
    fhx__free(one->data);
  }
  fhx__free(pieces->slots);
  fhx__free(pieces);
}

static int32_t finish_slot(fhx__pieces *pieces, slot *one, bool may_call_host, fhx_error **error) {
  if (!one->is_under_way) return FHX_OK;
  one->is_under_way = false;
  int32_t status =
      pieces->calls.finish(pieces->context, one->work, &one->piece, may_call_host, error);
  memset(one->work, 0, pieces->plan.work_bytes);
  one->piece.len = 0;
  return status;
}

/* Starts the piece that is filled, once the oldest one has left its place to the next. */
static int32_t start_slot(fhx__pieces *pieces, bool may_call_host, fhx_error **error) {
  slot *one = &pieces->slots[pieces->filled];
  slot *oldest = &pieces->slots[(pieces->filled + 1) % pieces->slot_count];
  if (pieces->count == pieces->plan.count_max) {
    return fhx__fail(error, FHX_ERR_LIMIT, "the part would have more than %llu pieces",
                     (unsigned long long)pieces->count);
  }
  int32_t status = finish_slot(pieces, oldest, may_call_host, error);
  if (status != FHX_OK) return status;
  one->piece.number = pieces->count;
  one->piece.data = one->data;
  status = pieces->calls.start(pieces->context, one->work, &one->piece, may_call_host, error);
  if (status != FHX_OK) return status;
  one->is_under_way = true;
  pieces->count++;
  pieces->filled = (pieces->filled + 1) % pieces->slot_count;
  if (pieces->count % pieces->plan.doubles_after == 0) {
    pieces->bytes = pieces->bytes > pieces->plan.bytes_max / 2 ? (size_t)pieces->plan.bytes_max
                                                               : pieces->bytes * 2;
  }
  return FHX_OK;
}

/* Memory grows with what comes: most parts of small types are much shorter than a piece. */
static int32_t grow(slot *one, size_t wanted, size_t most, fhx_error **error) {
  if (wanted <= one->capacity) return FHX_OK;
  size_t capacity = one->capacity < CAPACITY_MIN ? CAPACITY_MIN : one->capacity;
  while (capacity < wanted) capacity = capacity > SIZE_MAX / 2 ? wanted : capacity * 2;
  if (capacity > most) capacity = most;
  char *grown = fhx__realloc(one->data, capacity);
  if (grown == NULL) return fhx__no_memory(error);
  one->data = grown;
  one->capacity = capacity;
  return FHX_OK;
}

/* As many bytes as the piece in turn takes, and how many these are. */
static int32_t fill(fhx__pieces *pieces, const char *data, size_t len, size_t *taken,
                    fhx_error **error) {
  slot *one = &pieces->slots[pieces->filled];
  int32_t status = FHX_OK;
  if (one->piece.len == pieces->bytes) {
    status = start_slot(pieces, false, error);
    one = &pieces->slots[pieces->filled];
  }
  size_t room = pieces->bytes - one->piece.len;
  *taken = len < room ? len : room;
  if (status == FHX_OK) status = grow(one, one->piece.len + *taken, pieces->bytes, error);
  if (status == FHX_OK) memcpy(one->data + one->piece.len, data, *taken);
  return status;
}

/* What failed is known early; and without a thread of the transport's this is when transfers go on.
 */
static int32_t finish_those_over(fhx__pieces *pieces, fhx_error **error) {
  int32_t status = FHX_OK;
  for (size_t i = 1; status == FHX_OK && i < pieces->slot_count; i++) {
    slot *oldest = &pieces->slots[(pieces->filled + i) % pieces->slot_count];
    if (!oldest->is_under_way) continue;
    if (!pieces->calls.is_over(pieces->context, oldest->work)) break;
    status = finish_slot(pieces, oldest, false, error);
  }
  return status;
}

int32_t fhx__pieces_write(fhx__pieces *pieces, const void *data, size_t len, fhx_error **error) {
  const char *from = data;
  size_t taken = 0;
  int32_t status = finish_those_over(pieces, error);
  for (; status == FHX_OK && len > 0; from += taken, len -= taken) {
    status = fill(pieces, from, len, &taken, error);
    if (status != FHX_OK) break;
    pieces->slots[pieces->filled].piece.len += taken;
    pieces->written += taken;
  }
  return status;
}

bool fhx__pieces_are_one(const fhx__pieces *pieces, fhx__piece *piece) {
  if (pieces->count > 0) return false;
  const slot *one = &pieces->slots[pieces->filled];
  *piece = (fhx__piece){0, one->data, one->piece.len};
  return true;
}

int32_t fhx__pieces_flush(fhx__pieces *pieces, bool may_call_host, fhx_error **error) {
  const slot *last = &pieces->slots[pieces->filled];
  int32_t status = FHX_OK;
  if (last->piece.len > 0) status = start_slot(pieces, may_call_host, error);
  for (size_t i = 0; status == FHX_OK && i < pieces->slot_count; i++) {
    size_t place = (pieces->filled + i) % pieces->slot_count;
    status = finish_slot(pieces, &pieces->slots[place], may_call_host, error);
  }
  return status;
}

uint64_t fhx__pieces_count(const fhx__pieces *pieces) {
  return pieces->count;
}

uint64_t fhx__pieces_bytes(const fhx__pieces *pieces) {
  return pieces->written;
}
