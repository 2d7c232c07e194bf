/* What all built-in callbacks have in common in their answers. */
#include "core/answer.h"

#include "core/clock.h"

void fhx__answer_error(fhx_reply *reply, fhx_error *error) {
  fhx_reply_fail(reply, fhx_error_status(error), fhx_error_retryable(error),
                 fhx_error_message(error));
  fhx_error_free(error);
}

void fhx__answer_done(fhx_reply *reply, int32_t status, fhx_error *error) {
  if (status == FHX_OK) {
    fhx_reply_done(reply);
  } else {
    fhx__answer_error(reply, error);
  }
}

void fhx__answer_text(fhx_reply *reply, int32_t status, const fhx__buffer *text, fhx_error *error) {
  if (status == FHX_OK) fhx_reply_item(reply, text->data, text->len);
  fhx__answer_done(reply, status, error);
}

int64_t fhx__answer_until_us(const fhx_reply *reply) {
  int64_t left_us = fhx_reply_patience_us(reply);
  return left_us == INT64_MAX ? 0 : fhx__clock_monotonic_us() + left_us;
}
