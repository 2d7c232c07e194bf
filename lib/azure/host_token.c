/* The host's callback for tokens, and its answer. */
#include <string.h>

#include "azure/token.h"
#include "core/alloc.h"
#include "core/clock.h"
#include "core/encode.h"
#include "core/error.h"
#include "core/reply.h"

#define TOKEN_MAX 32768

typedef struct given_token {
  char *token;
  int64_t expires_us;
} given_token;

/* What a bearer token is made of (RFC 6750, 2.1); a line break among it would be a header more. */
static bool is_token(const char *token) {
  size_t len = strnlen(token, TOKEN_MAX + 1);
  if (len == 0 || len > TOKEN_MAX) return false;
  for (size_t i = 0; i < len; i++) {
    char c = token[i];
    bool is_plain = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    if (!is_plain && strchr("-._~+/=", c) == NULL) return false;
  }
  return true;
}

int32_t fhx_reply_token(fhx_reply *reply, const char *token, int64_t expires_us) {
  if (reply == NULL) return FHX_ERR_ARGUMENT;
  if (!fhx__reply_accepts(reply, FHX__ACCEPT_AZURE_TOKEN)) return FHX_ERR_MISUSE;
  if (token == NULL || !is_token(token)) {
    return fhx__reply_break(reply, FHX_ERR_ARGUMENT,
                            "what the callback gave has not the form of a bearer token");
  }
  if (expires_us <= fhx__clock_now_us()) {
    return fhx__reply_break(reply, FHX_ERR_ARGUMENT, "the time of the callback's token is over");
  }
  given_token *given = reply->records;
  char *copy = fhx__copy_text(token);
  if (copy == NULL) return fhx__reply_break(reply, FHX_ERR_NO_MEMORY, "out of memory");
  fhx__wipe_text(given->token);
  *given = (given_token){copy, expires_us};
  return fhx__reply_settle(reply, FHX_OK);
}

int32_t fhx__azure_ask_token(fhx_azure_token_callback callback, void *user_data, int64_t until_us,
                             char **token, int64_t *expires_us, fhx_error **error) {
  fhx_reply reply;
  given_token given = {NULL, 0};
  fhx__reply_begin(&reply, FHX__ACCEPT_AZURE_TOKEN, "it");
  /* Silence may be another time's answer. */
  reply.retryable = 1;
  reply.until_us = until_us;
  reply.records = &given;
  callback(user_data, &reply);
  int32_t status = fhx__reply_status(&reply, "the callback for a token", error);
  fhx__reply_end(&reply);
  if (status != FHX_OK) {
    fhx__wipe_text(given.token);
    return status;
  }
  *token = given.token;
  *expires_us = given.expires_us;
  return FHX_OK;
}
