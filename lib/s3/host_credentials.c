/* The host's callback for credentials, and its answer. */
#include "s3/host_credentials.h"

#include "core/error.h"
#include "core/reply.h"
#include "core/structs.h"

FHX__DEFINE_INIT(fhx_s3_credentials)

int32_t fhx__s3_ask_host(fhx_s3_credentials_callback callback, void *user_data, int64_t until_us,
                         fhx__s3_identity *identity, fhx_error **error) {
  fhx_reply reply;
  fhx__reply_begin(&reply, FHX__ACCEPT_S3_CREDENTIALS, "it");
  /* Silence may be another time's answer. */
  reply.retryable = 1;
  reply.until_us = until_us;
  reply.records = identity;
  callback(user_data, &reply);
  int32_t status = fhx__reply_status(&reply, "the callback for credentials", error);
  fhx__reply_end(&reply);
  if (status != FHX_OK) fhx__s3_identity_end(identity);
  return status;
}

int32_t fhx_reply_s3_credentials(fhx_reply *reply, const fhx_s3_credentials *credentials) {
  if (reply == NULL) return FHX_ERR_ARGUMENT;
  if (!fhx__reply_accepts(reply, FHX__ACCEPT_S3_CREDENTIALS)) return FHX_ERR_MISUSE;
  fhx_s3_credentials copy;
  fhx_error *error = NULL;
  int32_t status = fhx__struct_in(&copy, sizeof copy, credentials, "fhx_s3_credentials", &error);
  if (status == FHX_OK && copy.expires_us < 0) {
    status = fhx__fail(&error, FHX_ERR_ARGUMENT, "credentials end before 1970");
  }
  if (status == FHX_OK) {
    status = fhx__s3_identity_set(reply->records, fhx__s3_span_of(copy.access_key_id),
                                  fhx__s3_span_of(copy.secret_access_key),
                                  fhx__s3_span_of(copy.session_token), copy.expires_us, &error);
  }
  if (status == FHX_OK) return fhx__reply_settle(reply, FHX_OK);
  status = fhx__reply_break(reply, status, fhx_error_message(error));
  fhx_error_free(error);
  return status;
}
