/* The destination in a container of Azure Blob, on the callbacks that every host can use. */
#include <fhirexport/azure.h>
#include <string.h>

#include "azure/blob.h"
#include "azure/document.h"
#include "azure/upload.h"
#include "core/alloc.h"
#include "core/answer.h"
#include "core/encode.h"
#include "core/error.h"
#include "core/structs.h"

#define PIECE_BYTES (UINT64_C(5) << 20)
#define PIECE_BYTES_MAX (UINT64_C(4000) << 20)
#define IN_FLIGHT 3
#define IN_FLIGHT_MAX 64
#define US_PER_SECOND INT64_C(1000000)
/* For a URL without an end: 9999-12-31T23:59:59Z. */
#define NO_END_US (INT64_C(253402300799) * US_PER_SECOND)

FHX__DEFINE_INIT(fhx_azure_options)

/* --- parts --- */

static void part_open(void *user_data, const char *name, fhx_reply *reply) {
  fhx__azure_upload *upload = NULL;
  fhx_error *error = NULL;
  int32_t status = fhx__azure_upload_begin(user_data, name, &upload, &error);
  if (status == FHX_OK) {
    fhx_reply_handle(reply, upload, 0);
  } else {
    fhx__answer_error(reply, error);
  }
}

static void part_write(void *user_data, void *upload, const void *data, size_t len,
                       fhx_reply *reply) {
  (void)user_data;
  fhx_error *error = NULL;
  int32_t status = fhx__azure_upload_write(upload, data, len, &error);
  fhx__answer_done(reply, status, error);
}

static void part_commit(void *user_data, void *upload, const fhx_part *part, fhx_reply *reply) {
  (void)user_data;
  fhx_error *error = NULL;
  int32_t status = fhx__azure_upload_commit(upload, fhx_part_stored_byte_count(part), &error);
  fhx__answer_done(reply, status, error);
}

static void part_abort(void *user_data, void *upload) {
  (void)user_data;
  fhx__azure_upload_abort(upload);
}

static void part_stat(void *user_data, const char *name, fhx_reply *reply) {
  fhx__azure *self = user_data;
  fhx__azure_sight sight = {.is_there = false};
  fhx_error *error = NULL;
  char *blob = fhx__azure_blob_name(self, name);
  int32_t status =
      blob == NULL ? fhx__no_memory(&error)
                   : fhx__azure_blob_look(self, blob, fhx__answer_until_us(reply), &sight, &error);
  fhx__free(blob);
  if (status != FHX_OK) {
    fhx__answer_error(reply, error);
  } else if (sight.is_there) {
    fhx_reply_object(reply, sight.byte_count, NULL);
  } else {
    fhx_reply_fail(reply, FHX_ERR_NOT_FOUND, 0, "there is no blob of this name");
  }
}

static void part_remove(void *user_data, const char *name, fhx_reply *reply) {
  fhx__azure *self = user_data;
  fhx_error *error = NULL;
  char *blob = fhx__azure_blob_name(self, name);
  int32_t status = blob == NULL
                       ? fhx__no_memory(&error)
                       : fhx__azure_blob_remove(self, blob, fhx__answer_until_us(reply), &error);
  fhx__free(blob);
  fhx__answer_done(reply, status, error);
}

static void check_writable(void *user_data, fhx_reply *reply) {
  fhx_error *error = NULL;
  int32_t status = fhx__azure_blob_try(user_data, fhx__answer_until_us(reply), &error);
  fhx__answer_done(reply, status, error);
}

static void document_put(void *user_data, const char *name, const void *data, size_t len,
                         const char *media_type, const char *cache_control, fhx_reply *reply) {
  fhx__azure *self = user_data;
  fhx_error *error = NULL;
  char *blob = fhx__azure_blob_name(self, name);
  int32_t status = blob == NULL
                       ? fhx__no_memory(&error)
                       : fhx__azure_document_put(self, blob, data, len, media_type, cache_control,
                                                 fhx__answer_until_us(reply), &error);
  fhx__free(blob);
  fhx__answer_done(reply, status, error);
}

static void document_get(void *user_data, const char *name, fhx_reply *reply) {
  fhx__azure *self = user_data;
  fhx__buffer text = {NULL, 0, 0};
  fhx_error *error = NULL;
  char *blob = fhx__azure_blob_name(self, name);
  int32_t status = blob == NULL ? fhx__no_memory(&error)
                                : fhx__azure_document_get(self, blob, fhx__answer_until_us(reply),
                                                          &text, &error);
  fhx__free(blob);
  fhx__answer_text(reply, status, &text, error);
  fhx__buffer_free(&text);
}

/* --- URLs --- */

/* What URLs are signed by, and until when they can be good. FHX_OK with *value_len 0: the key of
   the account. The delegation is to be wiped. */
static int32_t signer(fhx__azure *self, int64_t until_us, int64_t *expires_us,
                      fhx__azure_delegation *delegation, fhx_error **error) {
  *delegation = (fhx__azure_delegation){.value_len = 0};
  if (*expires_us == 0 || *expires_us > NO_END_US) *expires_us = NO_END_US;
  if (self->has_plain_urls) return FHX_OK;
  *expires_us -= *expires_us % US_PER_SECOND;
  if (!self->settings.has_token) return FHX_OK;
  int32_t status = fhx__azure_delegation_get(self, until_us, delegation, error);
  if (status == FHX_OK && delegation->expiry_us < *expires_us) *expires_us = delegation->expiry_us;
  return status;
}

static int32_t append_url(const fhx__azure *self, const fhx__azure_delegation *delegation,
                          const char *name, int64_t expires_us, fhx__buffer *url,
                          fhx_error **error) {
  char *blob = fhx__azure_blob_name(self, name);
  if (blob == NULL) return fhx__no_memory(error);
  /* The letters of names stand for themselves. */
  const char *const texts[] = {
      self->settings.endpoint,        "/", self->settings.container, "/", blob,
      self->has_plain_urls ? "" : "?"};
  int32_t status = FHX_OK;
  for (size_t i = 0; status == FHX_OK && i < sizeof texts / sizeof *texts; i++) {
    status = fhx__buffer_append_text(url, texts[i]);
  }
  if (status != FHX_OK) fhx__no_memory(error);
  if (status == FHX_OK && !self->has_plain_urls) {
    status =
        fhx__azure_append_sas(url, &self->settings, delegation->value_len > 0 ? delegation : NULL,
                              blob, expires_us, error);
  }
  fhx__free(blob);
  return status;
}

static void part_url(void *user_data, const fhx_part *part, int64_t expires_us, fhx_reply *reply) {
  fhx__azure *self = user_data;
  fhx__azure_delegation delegation;
  fhx__buffer url = {NULL, 0, 0};
  fhx_error *error = NULL;
  int32_t status = signer(self, fhx__answer_until_us(reply), &expires_us, &delegation, &error);
  if (status == FHX_OK) {
    status = append_url(self, &delegation, fhx_part_name(part), expires_us, &url, &error);
  }
  fhx__answer_text(reply, status, &url, error);
  fhx__wipe(&delegation, sizeof delegation);
  fhx__wipe_buffer(&url);
}

static void urls_until(void *user_data, int64_t expires_us, fhx_reply *reply) {
  fhx__azure *self = user_data;
  fhx__azure_delegation delegation;
  fhx_error *error = NULL;
  int32_t status = signer(self, fhx__answer_until_us(reply), &expires_us, &delegation, &error);
  fhx__wipe(&delegation, sizeof delegation);
  if (status == FHX_OK) {
    fhx_reply_time(reply, expires_us, 1);
  } else {
    fhx__answer_error(reply, error);
  }
}

/* --- making and ending --- */

static void end_store(void *user_data) {
  fhx__azure *self = user_data;
  fhx__transport_free(self->transport);
  if (self->has_tokens) fhx__azure_tokens_free(&self->tokens);
  if (self->has_delegations) fhx__azure_delegations_free(&self->delegations);
  fhx__azure_settings_free(&self->settings);
  fhx__free(self->cache_control);
  if (self->destroy != NULL) self->destroy(self->user_data);
  fhx__free(self);
}

static int32_t take_sizes(fhx__azure *self, const fhx_azure_options *options, fhx_error **error) {
  uint64_t bytes = options->piece_bytes == 0 ? PIECE_BYTES : options->piece_bytes;
  uint32_t in_flight = options->pieces_in_flight == 0 ? IN_FLIGHT : options->pieces_in_flight;
  if ((options->flags & ~FHX_AZURE_PLAIN_URLS) != 0 || options->reserved != 0) {
    return fhx__fail(error, FHX_ERR_ARGUMENT,
                     "the options have a flag that this version of the library does not know");
  }
  if (bytes > PIECE_BYTES_MAX || bytes > SIZE_MAX / 2) {
    return fhx__fail(error, FHX_ERR_ARGUMENT, "piece_bytes is more than 4,000 MiB");
  }
  if (in_flight > IN_FLIGHT_MAX) {
    return fhx__fail(error, FHX_ERR_ARGUMENT, "pieces_in_flight is more than %d", IN_FLIGHT_MAX);
  }
  self->piece_bytes = (size_t)bytes;
  self->pieces_in_flight = in_flight;
  return FHX_OK;
}

static int32_t take_cache_control(fhx__azure *self, const char *text, fhx_error **error) {
  if (text == NULL) return FHX_OK;
  for (const char *at = text; *at != '\0'; at++) {
    if (*at <= ' ' || *at > '~') {
      return fhx__fail(error, FHX_ERR_ARGUMENT, "cache_control is not made of visible ASCII");
    }
  }
  self->cache_control = fhx__copy_text(text);
  return self->cache_control == NULL ? fhx__no_memory(error) : FHX_OK;
}

static int32_t fill(fhx__azure *self, const fhx_azure_options *options, fhx_error **error) {
  int32_t status = take_sizes(self, options, error);
  if (status == FHX_OK) status = take_cache_control(self, options->cache_control, error);
  if (status == FHX_OK) status = fhx__azure_settings_read(&self->settings, options, error);
  if (status == FHX_OK) status = fhx__transport_new(options->http, &self->transport, error);
  if (status == FHX_OK) {
    status = fhx__transport_check_url(self->transport, self->settings.endpoint, error);
  }
  if (status != FHX_OK) return status;
  self->has_plain_urls = (options->flags & FHX_AZURE_PLAIN_URLS) != 0 || self->settings.sas.len > 0;
  self->has_tokens = fhx__azure_tokens_init(&self->tokens, options->token, options->user_data);
  self->has_delegations = fhx__azure_delegations_init(&self->delegations);
  return self->has_tokens && self->has_delegations ? FHX_OK : fhx__no_memory(error);
}

static int32_t hand_out(fhx__azure *self, fhx_destination **destination, fhx_error **error) {
  fhx_destination_callbacks callbacks;
  FHX_INIT(&callbacks);
  callbacks.flags = FHX_DESTINATION_ANY_THREAD;
  if (self->has_plain_urls) callbacks.flags |= FHX_DESTINATION_REQUIRES_TOKEN;
  callbacks.part_open = part_open;
  callbacks.part_write = part_write;
  callbacks.part_commit = part_commit;
  callbacks.part_abort = part_abort;
  callbacks.part_stat = part_stat;
  callbacks.part_url = part_url;
  callbacks.part_remove = part_remove;
  callbacks.check_writable = check_writable;
  callbacks.destroy = end_store;
  callbacks.urls_until = urls_until;
  callbacks.document_put = document_put;
  callbacks.document_get = document_get;
  return fhx_destination_new(&callbacks, self, destination, error);
}

int32_t fhx_azure_destination_new(const fhx_azure_options *options, fhx_destination **destination,
                                  fhx_error **error) {
  fhx_azure_options copy;
  int32_t status = fhx__struct_in(&copy, sizeof copy, options, "fhx_azure_options", error);
  if (status != FHX_OK) return status;
  fhx__azure *self = fhx__alloc_zeroed(1, sizeof *self);
  if (self == NULL) {
    if (copy.destroy != NULL) copy.destroy(copy.user_data);
    return fhx__no_memory(error);
  }
  self->destroy = copy.destroy;
  self->user_data = copy.user_data;
  status = fill(self, &copy, error);
  if (status == FHX_OK) return hand_out(self, destination, error);
  end_store(self);
  return status;
}
