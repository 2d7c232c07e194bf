/* The token, behind a mutex: it is renewed by threads of the host and read by whoever signs. */
#include "azure/token.h"

#include <string.h>

#include "core/clock.h"
#include "core/encode.h"
#include "core/error.h"

#define LEFT_MIN_US INT64_C(600000000)
/* A token that is short-lived by nature is not asked for with every call. */
#define PAUSE_US INT64_C(30000000)

bool fhx__azure_tokens_init(fhx__azure_tokens *tokens, fhx_azure_token_callback callback,
                            void *user_data) {
  *tokens = (fhx__azure_tokens){.callback = callback, .user_data = user_data};
  return fhx__azure_renewal_init(&tokens->renewal);
}

void fhx__azure_tokens_free(fhx__azure_tokens *tokens) {
  fhx__azure_renewal_free(&tokens->renewal);
  fhx__wipe_text(tokens->token);
}

/* When half of its time is over, or less than ten minutes are left. */
static int64_t renewal_of(int64_t expires_us) {
  int64_t now_us = fhx__clock_now_us();
  int64_t half_us = now_us + (expires_us - now_us) / 2;
  int64_t late_us = expires_us - LEFT_MIN_US;
  int64_t renew_us = half_us < late_us ? half_us : late_us;
  return renew_us > now_us + PAUSE_US ? renew_us : now_us + PAUSE_US;
}

int32_t fhx__azure_tokens_renew(fhx__azure_tokens *tokens, int64_t until_us, fhx_error **error) {
  bool mine = false, is_good = false;
  char *token = NULL;
  int64_t expires_us = 0;
  fhx_error *fault = NULL;
  if (tokens->callback == NULL) return FHX_OK;
  int32_t status = fhx__azure_renewal_begin(&tokens->renewal, &mine, until_us, error);
  if (status != FHX_OK || !mine) return status;
  status = fhx__azure_ask_token(tokens->callback, tokens->user_data, until_us, &token, &expires_us,
                                &fault);
  pthread_mutex_lock(&tokens->renewal.mutex);
  if (status == FHX_OK) {
    char *before = tokens->token;
    tokens->token = token;
    tokens->number++;
    token = before;
    is_good = fhx__azure_renewal_end(&tokens->renewal, renewal_of(expires_us), expires_us);
  } else {
    is_good = fhx__azure_renewal_end(&tokens->renewal, 0, 0);
  }
  pthread_mutex_unlock(&tokens->renewal.mutex);
  fhx__wipe_text(token);
  if (status != FHX_OK && !is_good && error != NULL) {
    *error = fault;
    return status;
  }
  fhx_error_free(fault);
  return is_good ? FHX_OK : status;
}

void fhx__azure_tokens_refuse(fhx__azure_tokens *tokens, uint64_t number) {
  if (tokens->callback == NULL) return;
  pthread_mutex_lock(&tokens->renewal.mutex);
  if (tokens->number == number) tokens->renewal.good_until_us = 0;
  pthread_mutex_unlock(&tokens->renewal.mutex);
}

int32_t fhx__azure_tokens_append(fhx__azure_tokens *tokens, fhx__buffer *out, uint64_t *number,
                                 fhx_error **error) {
  pthread_mutex_lock(&tokens->renewal.mutex);
  bool is_there = tokens->token != NULL;
  *number = tokens->number;
  int32_t status = is_there ? fhx__buffer_append_text(out, tokens->token) : FHX_OK;
  pthread_mutex_unlock(&tokens->renewal.mutex);
  if (!is_there) return fhx__fail(error, FHX_ERR_DENIED, "there is no token for the store yet");
  return status == FHX_OK ? FHX_OK : fhx__no_memory(error);
}

uint64_t fhx__azure_tokens_number(fhx__azure_tokens *tokens) {
  if (tokens->callback == NULL) return 0;
  pthread_mutex_lock(&tokens->renewal.mutex);
  uint64_t number = tokens->number;
  pthread_mutex_unlock(&tokens->renewal.mutex);
  return number;
}
