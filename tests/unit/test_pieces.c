/* The ring of pieces, by an owner that keeps what it is given. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

#include "core/error.h"
#include "support/memory.h"
#include "transport/pieces.h"

#define LOG_MAX 4096

/* What a piece's room holds while it is under way. */
typedef struct sending {
  uint64_t number;
  bool is_there;
  const void *data;
} sending;

typedef struct owner {
  char log[LOG_MAX];
  size_t log_len;
  size_t lens[64];
  size_t under_way;
  size_t peak;
  uint64_t started;
  uint64_t finished;
  uint64_t cancelled;
  uint64_t last_finished;
  bool may_call_host;
  bool start_may_call_host;
  /* Pieces with a lower number are over without being waited for. */
  uint64_t over_before;
  /* The piece that fails; UINT64_MAX: none. */
  uint64_t fails_to_start;
  uint64_t fails_to_finish;
} owner;

static int32_t start(void *context, void *work, const fhx__piece *piece, bool may_call_host,
                     fhx_error **error) {
  owner *self = context;
  self->start_may_call_host = may_call_host;
  sending *one = work;
  assert_false(one->is_there);
  assert_int_equal(piece->number, self->started);
  if (piece->number == self->fails_to_start) return fhx__fail(error, FHX_ERR_IO, "no start");
  *one = (sending){piece->number, true, piece->data};
  if (piece->number < 64) self->lens[piece->number] = piece->len;
  if (self->log_len + piece->len <= LOG_MAX) {
    memcpy(self->log + self->log_len, piece->data, piece->len);
    self->log_len += piece->len;
  }
  self->started++;
  self->under_way++;
  if (self->under_way > self->peak) self->peak = self->under_way;
  return FHX_OK;
}

static bool is_over(void *context, void *work) {
  const owner *self = context;
  const sending *one = work;
  assert_true(one->is_there);
  return one->number < self->over_before;
}

static int32_t finish(void *context, void *work, const fhx__piece *piece, bool may_call_host,
                      fhx_error **error) {
  owner *self = context;
  sending *one = work;
  assert_true(one->is_there);
  assert_int_equal(one->number, piece->number);
  assert_ptr_equal(one->data, piece->data);
  assert_true(piece->number == 0 || self->last_finished == piece->number - 1);
  self->last_finished = piece->number;
  self->may_call_host = may_call_host;
  self->finished++;
  self->under_way--;
  if (piece->number == self->fails_to_finish) return fhx__fail(error, FHX_ERR_IO, "no end");
  return FHX_OK;
}

static void cancel(void *context, void *work) {
  owner *self = context;
  assert_true(((sending *)work)->is_there);
  self->cancelled++;
  self->under_way--;
}

static const fhx__piece_calls calls = {start, is_over, finish, cancel};

static fhx__piece_plan plan_of(size_t bytes, uint32_t in_flight) {
  return (fhx__piece_plan){bytes, UINT64_MAX, bytes, UINT64_MAX, in_flight, sizeof(sending)};
}

static owner owner_of(void) {
  return (owner){.fails_to_start = UINT64_MAX, .fails_to_finish = UINT64_MAX};
}

static void content(char *data, size_t len) {
  for (size_t i = 0; i < len; i++) data[i] = (char)(i * 7 + i / 251);
}

/* All sizes about the length of a piece, in strokes of all lengths. */
static void same_bytes(void **state) {
  char data[100];
  content(data, sizeof data);
  (void)state;
  for (uint32_t in_flight = 1; in_flight <= 3; in_flight++) {
    for (size_t stroke = 1; stroke <= 23; stroke++) {
      owner self = owner_of();
      fhx__piece one = {0, NULL, 0};
      fhx__piece_plan plan = plan_of(10, in_flight);
      fhx__pieces *pieces = fhx__pieces_new(&plan, &calls, &self);
      assert_non_null(pieces);
      for (size_t at = 0; at < sizeof data; at += stroke) {
        size_t len = sizeof data - at < stroke ? sizeof data - at : stroke;
        assert_int_equal(fhx__pieces_write(pieces, data + at, len, NULL), FHX_OK);
        assert_int_equal(fhx__pieces_bytes(pieces), at + len);
      }
      assert_false(fhx__pieces_are_one(pieces, &one));
      assert_false(self.start_may_call_host);
      assert_int_equal(fhx__pieces_flush(pieces, true, NULL), FHX_OK);
      assert_true(self.may_call_host);
      assert_true(self.start_may_call_host);
      assert_int_equal(fhx__pieces_count(pieces), 10);
      assert_int_equal(self.log_len, sizeof data);
      assert_memory_equal(self.log, data, sizeof data);
      assert_int_equal(self.finished, 10);
      assert_int_equal(self.peak, in_flight);
      fhx__pieces_free(pieces);
      assert_int_equal(self.cancelled, 0);
    }
  }
}

/* What fits in a piece is not started before it is known that there is more. */
static void one_piece(void **state) {
  (void)state;
  owner self = owner_of();
  fhx__piece one = {1, NULL, 1};
  fhx__piece_plan plan = plan_of(10, 2);
  fhx__pieces *pieces = fhx__pieces_new(&plan, &calls, &self);
  assert_true(fhx__pieces_are_one(pieces, &one));
  assert_int_equal(one.len, 0);
  assert_int_equal(fhx__pieces_write(pieces, "0123456789", 10, NULL), FHX_OK);
  assert_true(fhx__pieces_are_one(pieces, &one));
  assert_int_equal(one.len, 10);
  assert_memory_equal(one.data, "0123456789", 10);
  assert_int_equal(fhx__pieces_write(pieces, "a", 1, NULL), FHX_OK);
  assert_false(fhx__pieces_are_one(pieces, &one));
  assert_int_equal(self.started, 1);
  fhx__pieces_free(pieces);
  assert_int_equal(self.cancelled, 1);
  assert_int_equal(self.under_way, 0);
}

static void pieces_grow(void **state) {
  char data[70];
  (void)state;
  content(data, sizeof data);
  owner self = owner_of();
  const fhx__piece_plan plan = {4, 3, 10, 9, 2, sizeof(sending)};
  fhx__pieces *pieces = fhx__pieces_new(&plan, &calls, &self);
  fhx_error *error = NULL;
  /* 3 of 4 bytes, 3 of 8, 3 of 10: 66; the rest would be a tenth. */
  assert_int_equal(fhx__pieces_write(pieces, data, 66, NULL), FHX_OK);
  assert_int_equal(fhx__pieces_write(pieces, data + 66, 4, NULL), FHX_OK);
  assert_int_equal(fhx__pieces_flush(pieces, false, &error), FHX_ERR_LIMIT);
  static const size_t expected[] = {4, 4, 4, 8, 8, 8, 10, 10, 10};
  assert_memory_equal(self.lens, expected, sizeof expected);
  assert_memory_equal(self.log, data, 66);
  fhx_error_free(error);
  fhx__pieces_free(pieces);
  assert_int_equal(self.under_way, 0);
}

/* What is over is finished by the next write, the oldest first, and nothing behind one that is not.
 */
static void over_early(void **state) {
  (void)state;
  owner self = owner_of();
  fhx__piece_plan plan = plan_of(10, 3);
  fhx__pieces *pieces = fhx__pieces_new(&plan, &calls, &self);
  char data[35];
  content(data, sizeof data);
  assert_int_equal(fhx__pieces_write(pieces, data, sizeof data, NULL), FHX_OK);
  assert_int_equal(self.started, 3);
  assert_int_equal(self.finished, 0);
  self.over_before = 2;
  assert_int_equal(fhx__pieces_write(pieces, "a", 1, NULL), FHX_OK);
  assert_int_equal(self.finished, 2);
  assert_false(self.may_call_host);
  self.over_before = 3;
  self.fails_to_finish = 2;
  fhx_error *error = NULL;
  assert_int_equal(fhx__pieces_write(pieces, "b", 1, &error), FHX_ERR_IO);
  fhx_error_free(error);
  fhx__pieces_free(pieces);
  assert_int_equal(self.under_way, 0);
}

static void failures(void **state) {
  char data[95];
  (void)state;
  content(data, sizeof data);
  for (uint64_t number = 0; number < 20; number++) {
    owner self = owner_of();
    if (number < 10) self.fails_to_start = number;
    if (number >= 10) self.fails_to_finish = number - 10;
    fhx__piece_plan plan = plan_of(10, 3);
    fhx__pieces *pieces = fhx__pieces_new(&plan, &calls, &self);
    fhx_error *error = NULL;
    int32_t status = fhx__pieces_write(pieces, data, sizeof data, &error);
    if (status == FHX_OK) status = fhx__pieces_flush(pieces, false, &error);
    assert_int_equal(status, FHX_ERR_IO);
    assert_string_equal(fhx_error_message(error), number < 10 ? "no start" : "no end");
    fhx_error_free(error);
    fhx__pieces_free(pieces);
    assert_int_equal(self.under_way, 0);
    assert_int_equal(self.finished + self.cancelled, self.started);
  }
}

static void out_of_memory(void **state) {
  char data[95];
  bool reached = true;
  (void)state;
  content(data, sizeof data);
  for (uint64_t n = 1; reached; n++) {
    owner self = owner_of();
    int32_t status = FHX_ERR_NO_MEMORY;
    fhx__piece_plan plan = plan_of(10, 3);
    test_memory_begin(n);
    fhx__pieces *pieces = fhx__pieces_new(&plan, &calls, &self);
    if (pieces != NULL) status = fhx__pieces_write(pieces, data, sizeof data, NULL);
    if (status == FHX_OK) status = fhx__pieces_flush(pieces, true, NULL);
    fhx__pieces_free(pieces);
    reached = test_memory_end();
    assert_int_equal(status, reached ? FHX_ERR_NO_MEMORY : FHX_OK);
    assert_int_equal(self.under_way, 0);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(same_bytes), cmocka_unit_test(one_piece), cmocka_unit_test(pieces_grow),
      cmocka_unit_test(over_early), cmocka_unit_test(failures),  cmocka_unit_test(out_of_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
