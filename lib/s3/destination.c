/* The S3 destination, on the callbacks that every host can use. */
#include <stdio.h>
#include <string.h>

#include "core/alloc.h"
#include "core/answer.h"
#include "core/clock.h"
#include "core/error.h"
#include "core/names.h"
#include "core/structs.h"
#include "s3/bucket.h"
#include "s3/document.h"
#include "s3/object.h"
#include "s3/upload.h"

/* The longest a URL is good, in microseconds: what signatures allow. */
#define URL_MAX_US (INT64_C(1000000) * FHX__S3_PRESIGN_MAX)

typedef struct s3_destination {
  fhx__s3_bucket *bucket;
  void *user_data;
  void (*gone)(void *user_data);
} s3_destination;

FHX__DEFINE_INIT(fhx_s3_options)

/* --- writing --- */

static void part_open(void *user_data, const char *name, fhx_reply *reply) {
  s3_destination *self = user_data;
  fhx__s3_upload *upload = NULL;
  fhx_error *error = NULL;
  int32_t status = fhx__s3_upload_begin(self->bucket, name, &upload, &error);
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
  int32_t status = fhx__s3_upload_write(upload, data, len, &error);
  fhx__answer_done(reply, status, error);
}

static void part_commit(void *user_data, void *upload, const fhx_part *part, fhx_reply *reply) {
  (void)user_data;
  fhx_error *error = NULL;
  int32_t status = fhx__s3_upload_commit(upload, fhx_part_stored_byte_count(part), &error);
  fhx__answer_done(reply, status, error);
}

static void part_abort(void *user_data, void *upload) {
  (void)user_data;
  fhx__s3_upload_abort(upload);
}

/* --- objects --- */

static void part_stat(void *user_data, const char *name, fhx_reply *reply) {
  s3_destination *self = user_data;
  fhx__s3_object object = {0, "", ""};
  fhx_error *error = NULL;
  int32_t status = fhx__s3_object_look(self->bucket, name, NULL, true, fhx__answer_until_us(reply),
                                       &object, &error);
  if (status == FHX_OK) {
    fhx_reply_object(reply, object.byte_count, NULL);
  } else {
    fhx__answer_error(reply, error);
  }
}

/* In this order: an upload that is still under way cannot get its name behind our back. */
static void part_remove(void *user_data, const char *name, fhx_reply *reply) {
  s3_destination *self = user_data;
  int64_t until_us = fhx__answer_until_us(reply);
  fhx_error *error = NULL;
  int32_t status = FHX_OK;
  if ((self->bucket->flags & FHX_S3_BUCKET_ENDS_UPLOADS) == 0) {
    status = fhx__s3_uploads_end_all(self->bucket, name, true, until_us, &error);
  }
  if (status == FHX_OK) {
    status = fhx__s3_object_delete(self->bucket, name, until_us, &error);
  }
  fhx__answer_done(reply, status, error);
}

static void document_put(void *user_data, const char *name, const void *data, size_t len,
                         const char *media_type, const char *cache_control, fhx_reply *reply) {
  s3_destination *self = user_data;
  fhx_error *error = NULL;
  int32_t status = fhx__s3_document_put(self->bucket, name, data, len, media_type, cache_control,
                                        fhx__answer_until_us(reply), &error);
  fhx__answer_done(reply, status, error);
}

static void document_get(void *user_data, const char *name, fhx_reply *reply) {
  s3_destination *self = user_data;
  fhx__buffer text = {NULL, 0, 0};
  fhx_error *error = NULL;
  int32_t status =
      fhx__s3_document_get(self->bucket, name, fhx__answer_until_us(reply), &text, &error);
  fhx__answer_text(reply, status, &text, error);
  fhx__buffer_free(&text);
}

/* --- URLs --- */

/* Until when a URL that is signed now is good at most; credentials are got ready. */
static int32_t find_end(s3_destination *self, const fhx_reply *reply, int64_t expires_us,
                        int64_t *end_us, fhx_error **error) {
  int32_t status = fhx__s3_credentials_ready(self->bucket->credentials, true,
                                             fhx__answer_until_us(reply), error);
  if (status != FHX_OK) return status;
  *end_us = fhx__clock_now_us() + URL_MAX_US;
  int64_t credentials_us = fhx__s3_credentials_end_us(self->bucket->credentials);
  if (credentials_us < *end_us) *end_us = credentials_us;
  if (expires_us != 0 && expires_us < *end_us) *end_us = expires_us;
  return FHX_OK;
}

static void part_url(void *user_data, const fhx_part *part, int64_t expires_us, fhx_reply *reply) {
  s3_destination *self = user_data;
  fhx__buffer url = {NULL, 0, 0};
  fhx_error *error = NULL;
  int64_t end_us = 0;
  int32_t status = find_end(self, reply, expires_us, &end_us, &error);
  if (status == FHX_OK) {
    status = fhx__s3_append_url(self->bucket, fhx_part_name(part), fhx__clock_now_us(), end_us,
                                &url, &error);
  }
  fhx__answer_text(reply, status, &url, error);
  fhx__buffer_free(&url);
}

static void urls_until(void *user_data, int64_t expires_us, fhx_reply *reply) {
  s3_destination *self = user_data;
  fhx_error *error = NULL;
  int64_t end_us = 0;
  int32_t status = find_end(self, reply, expires_us, &end_us, &error);
  if (status == FHX_OK) {
    fhx_reply_time(reply, end_us, 1);
  } else {
    fhx__answer_error(reply, error);
  }
}

/* --- the rest --- */

/* An upload that is begun and ended needs the rights of a part, and leaves nothing. */
static void check_writable(void *user_data, fhx_reply *reply) {
  s3_destination *self = user_data;
  char id[FHX__JOB_ID_LEN + 1];
  char name[sizeof "writable-" + FHX__JOB_ID_LEN];
  char *upload_id = NULL;
  int64_t until_us = fhx__answer_until_us(reply);
  fhx_error *error = NULL;
  int32_t status = fhx__random_job_id(id, &error);
  if (status == FHX_OK) {
    snprintf(name, sizeof name, "writable-%s", id);
    status = fhx__s3_upload_create(self->bucket, name, NULL, NULL, true, until_us, &upload_id, NULL,
                                   &error);
  }
  if (status == FHX_OK) {
    status = fhx__s3_upload_end(self->bucket, name, upload_id, true, until_us, &error);
  }
  fhx__free(upload_id);
  fhx__answer_done(reply, status, error);
}

static void destroy(void *user_data) {
  s3_destination *self = user_data;
  fhx__s3_bucket_free(self->bucket);
  if (self->gone != NULL) self->gone(self->user_data);
  fhx__free(self);
}

static fhx_destination_callbacks table(void) {
  fhx_destination_callbacks callbacks;
  FHX_INIT(&callbacks);
  callbacks.flags = FHX_DESTINATION_ANY_THREAD;
  callbacks.part_open = part_open;
  callbacks.part_write = part_write;
  callbacks.part_commit = part_commit;
  callbacks.part_abort = part_abort;
  callbacks.part_stat = part_stat;
  callbacks.part_url = part_url;
  callbacks.part_remove = part_remove;
  callbacks.check_writable = check_writable;
  callbacks.urls_until = urls_until;
  callbacks.document_put = document_put;
  callbacks.document_get = document_get;
  callbacks.destroy = destroy;
  return callbacks;
}

int32_t fhx_s3_destination_new(const fhx_s3_options *options, fhx_destination **destination,
                               fhx_error **error) {
  fhx_s3_options copy;
  int32_t status = fhx__struct_in(&copy, sizeof copy, options, "fhx_s3_options", error);
  if (status != FHX_OK) return status;
  s3_destination *self = fhx__alloc_zeroed(1, sizeof *self);
  if (self == NULL) {
    if (copy.destroy != NULL) copy.destroy(copy.user_data);
    return fhx__no_memory(error);
  }
  self->user_data = copy.user_data;
  self->gone = copy.destroy;
  status = destination == NULL
               ? fhx__fail(error, FHX_ERR_ARGUMENT, "there is no place to store the destination in")
               : fhx__s3_bucket_new(&copy, &self->bucket, error);
  if (status != FHX_OK) {
    destroy(self);
    return status;
  }
  const fhx_destination_callbacks callbacks = table();
  return fhx_destination_new(&callbacks, self, destination, error);
}
