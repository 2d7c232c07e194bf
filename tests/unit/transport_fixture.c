/* A transport, a scripted server, and requests between them. */
#include "transport_fixture.h"

#include <stdio.h>
#include <string.h>

#include "core/error.h"

static int32_t sign(void *context, fhx__transfer *transfer, fhx_error **error) {
  test_ask *ask = context;
  char number[16];
  ask->signings++;
  if (ask->signings == ask->fail_at) {
    return fhx__fail_with(error, ask->fail_status, 1, "no key was to be had");
  }
  snprintf(number, sizeof number, "%d", ask->signings);
  int32_t status = fhx__buffer_append_text(&transfer->url, ask->base);
  if (status == FHX_OK) status = fhx__buffer_append_text(&transfer->url, ask->target);
  if (status == FHX_OK) status = fhx__transfer_add_header(transfer, "X-Signing", number);
  for (const char *const *at = ask->headers; at != NULL && *at != NULL; at++) {
    if (status == FHX_OK) status = fhx__buffer_append(&transfer->headers, *at, strlen(*at) + 1);
  }
  return status == FHX_ERR_NO_MEMORY ? fhx__no_memory(error) : status;
}

static bool again(void *context, const fhx__transfer *transfer) {
  const test_ask *ask = context;
  return transfer->http_status == ask->again_status;
}

fhx__transfer test_transfer(test_ask *ask, const char *method, const void *body, size_t len) {
  fhx__transfer made;
  memset(&made, 0, sizeof made);
  made.method = method;
  made.body = body;
  made.body_len = len;
  made.sign = sign;
  made.again = ask->again_status == 0 ? NULL : again;
  made.context = ask;
  return made;
}

const char *test_answer_text(fhx__transfer *transfer) {
  return fhx__buffer_terminate(&transfer->answer) == FHX_OK ? transfer->answer.data : "";
}
