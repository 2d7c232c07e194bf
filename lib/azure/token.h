/* The access token of Microsoft Entra ID that the host gives: kept, and asked for anew in time. */
#ifndef FHX__AZURE_TOKEN_H
#define FHX__AZURE_TOKEN_H

#include <fhirexport/azure.h>

#include "azure/renewal.h"
#include "core/buffer.h"

typedef struct fhx__azure_tokens {
  fhx_azure_token_callback callback;
  void *user_data;
  fhx__azure_renewal renewal;
  /* Terminated. Its number counts all that there were. */
  char *token;
  uint64_t number;
} fhx__azure_tokens;

/* False without memory. `callback` NULL: there are none. */
bool fhx__azure_tokens_init(fhx__azure_tokens *tokens, fhx_azure_token_callback callback,
                            void *user_data);
void fhx__azure_tokens_free(fhx__azure_tokens *tokens);

/* Sees to it that there is a good one; may call the host, so only on its threads. `until_us` as
   with the renewal. */
int32_t fhx__azure_tokens_renew(fhx__azure_tokens *tokens, int64_t until_us, fhx_error **error);
/* The store has not taken the token of this number: it is no longer good. */
void fhx__azure_tokens_refuse(fhx__azure_tokens *tokens, uint64_t number);

/* Any thread. Appends the present token, good or not, and says its number. FHX_ERR_NO_MEMORY;
   FHX_ERR_DENIED when there is none. */
int32_t fhx__azure_tokens_append(fhx__azure_tokens *tokens, fhx__buffer *out, uint64_t *number,
                                 fhx_error **error);
/* Any thread: the number of the present token. */
uint64_t fhx__azure_tokens_number(fhx__azure_tokens *tokens);

/* Asks the host (host_token.c). The token is a terminated copy, to be wiped; its end lies in the
   future. */
int32_t fhx__azure_ask_token(fhx_azure_token_callback callback, void *user_data, int64_t until_us,
                             char **token, int64_t *expires_us, fhx_error **error);

#endif
