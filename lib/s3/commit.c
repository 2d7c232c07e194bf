/* How the bytes of an upload become an object, and what is known when an answer was lost: then the
   store is asked, and an object with this upload's mark is ours. */
#include <stdio.h>
#include <string.h>

#include "core/error.h"
#include "s3/upload_state.h"

#define COMPLETE_TRIES 3

/* What the store has under the part's name. */
typedef enum found { FOUND_OURS, FOUND_OTHER, FOUND_NONE, FOUND_DAMAGED, FOUND_UNKNOWN } found;

/* --- looking --- */

#define MD5_ETAG_LEN (2 * (size_t)FHX__MD5_LEN + 2)

/* By the ETag, which is the MD5 of an object that came in one piece. */
static found judge_etag(const fhx__s3_upload *upload, const char *etag) {
  uint8_t sum[FHX__MD5_LEN];
  char text[MD5_ETAG_LEN + 1];
  fhx__piece piece;
  if (!fhx__pieces_are_one(upload->pieces, &piece) || strlen(etag) != MD5_ETAG_LEN) {
    return FOUND_UNKNOWN;
  }
  if (fhx__md5(piece.data, piece.len, sum, NULL) != FHX_OK) return FOUND_UNKNOWN;
  text[0] = '"';
  fhx__hex(text + 1, sum, sizeof sum);
  memcpy(text + MD5_ETAG_LEN - 1, "\"", 2);
  return strcmp(text, etag) == 0 ? FOUND_OURS : FOUND_OTHER;
}

/* `is_sure`: the store has said that it took the upload; then the length alone is enough where it
   keeps no marks. */
static found judge(const fhx__s3_upload *upload, const fhx__s3_object *object, bool is_sure) {
  bool has_size = object->byte_count == fhx__pieces_bytes(upload->pieces);
  if (object->mark[0] != '\0') {
    if (strcmp(object->mark, upload->mark) != 0) return FOUND_OTHER;
    return has_size ? FOUND_OURS : FOUND_DAMAGED;
  }
  if (!has_size) return is_sure ? FOUND_DAMAGED : FOUND_OTHER;
  return is_sure ? FOUND_OURS : judge_etag(upload, object->etag);
}

static found look(fhx__s3_upload *upload, bool is_sure, fhx_error **why) {
  fhx__s3_object object;
  memset(&object, 0, sizeof object);
  int32_t status = fhx__s3_object_look(upload->bucket, upload->name, upload->retries, true,
                                       fhx__s3_until(upload->bucket->look_us), &object, why);
  if (status == FHX_ERR_NOT_FOUND) fhx__clear_error(why);
  if (status == FHX_ERR_NOT_FOUND) return FOUND_NONE;
  return status == FHX_OK ? judge(upload, &object, is_sure) : FOUND_UNKNOWN;
}

/* --- what is told --- */

static int32_t fail_unknown(const char *sentence, const fhx_error *why, fhx_error **error) {
  bool has_reason = fhx_error_message(why)[0] != '\0';
  return fhx__fail_with(error, FHX_ERR_UNKNOWN_OUTCOME, 1, "%s%s%s", sentence,
                        has_reason ? ": " : "", fhx_error_message(why));
}

static int32_t fail_exists(fhx_error **error) {
  return fhx__fail(error, FHX_ERR_EXISTS, "an object of this name exists and is not replaced");
}

/* An object of ours that is not whole must not stay. */
static int32_t remove_damaged(fhx__s3_upload *upload, fhx_error **error) {
  fhx_error *why = NULL;
  int32_t status = fhx__s3_object_delete(upload->bucket, upload->name,
                                         fhx__s3_until(upload->bucket->look_us), &why);
  if (status == FHX_OK) {
    return fhx__fail_with(error, FHX_ERR_DESTINATION, 1,
                          "the store kept another number of bytes than it was sent; the object is "
                          "removed");
  }
  status = fail_unknown(
      "the store kept another number of bytes than it was sent, and the object "
      "could not be removed",
      why, error);
  fhx_error_free(why);
  return status;
}

/* The store has said "done". FHX_WAIT: and that there is no such object. */
static int32_t verify(fhx__s3_upload *upload, fhx_error **error) {
  fhx_error *why = NULL;
  int32_t status = FHX_OK;
  switch (look(upload, true, &why)) {
    case FOUND_OURS:
      break;
    case FOUND_NONE:
      status = FHX_WAIT;
      break;
    case FOUND_OTHER:
      status = fail_exists(error);
      break;
    case FOUND_DAMAGED:
      status = remove_damaged(upload, error);
      break;
    default:
      status = fail_unknown("the store has taken the part, but could not be asked for its length",
                            why, error);
  }
  fhx_error_free(why);
  return status;
}

/* --- one piece --- */

/* The PUT has failed with `status` and `failure`, which is taken over: is the object there? */
static int32_t settle_put(fhx__s3_upload *upload, const fhx__s3_request *request, int32_t status,
                          fhx_error *failure, fhx_error **error) {
  bool exists = request->is_answered && request->answer.code == FHX__S3_EXISTS;
  if (!exists && !request->in_doubt) return fhx__s3_hand_over(status, failure, error);
  fhx_error *why = NULL;
  found there = look(upload, false, &why);
  bool replaces = (upload->bucket->flags & FHX_S3_REPLACES) != 0;
  if (there == FOUND_OTHER && replaces) there = FOUND_NONE;
  if (there == FOUND_OURS) {
    status = FHX_OK;
  } else if (there == FOUND_OTHER) {
    status = fail_exists(error);
  } else if (there == FOUND_DAMAGED) {
    status = remove_damaged(upload, error);
  } else if (there == FOUND_NONE && request->is_answered && !request->was_lost) {
    status = fhx__s3_hand_over(status, failure, error);
    failure = NULL;
  } else {
    /* A PUT whose answer was lost may still be on its way through the store. */
    status = fail_unknown("it is not known whether the store has taken the part",
                          there == FOUND_NONE ? failure : why, error);
  }
  fhx_error_free(failure);
  fhx_error_free(why);
  return status;
}

static int32_t put_whole(fhx__s3_upload *upload, const fhx__piece *piece, fhx_error **error) {
  fhx__s3_request of_object;
  fhx__s3_request *request = &of_object;
  fhx_error *failure = NULL;
  fhx__s3_request_begin(request, upload->bucket, "PUT", upload->name, "s3:PutObject");
  request->transfer.retries = upload->retries;
  int32_t status = fhx__s3_add_object_headers(request, upload->mark, &failure);
  if (status == FHX_OK && (upload->bucket->flags & FHX_S3_REPLACES) == 0) {
    status = fhx__s3_request_header(request, "if-none-match", "*", &failure);
  }
  if (status == FHX_OK) {
    status = fhx__s3_request_body(request, piece->data, piece->len, true, &failure);
  }
  if (status == FHX_OK) status = fhx__s3_request_run(request, true, &failure);
  status = status == FHX_OK ? verify(upload, error)
                            : settle_put(upload, request, status, failure, error);
  fhx__s3_request_end(request);
  if (status != FHX_WAIT) return status;
  return fail_unknown("the store has taken the part, and then said that there is none", NULL,
                      error);
}

/* --- several pieces --- */

/* ETags have quotes, which XML allows in a text. */
static int32_t write_list(const fhx__s3_upload *upload, fhx__buffer *body, fhx_error **error) {
  char number[64];
  size_t at = 0;
  uint64_t count = fhx__pieces_count(upload->pieces);
  int32_t status = fhx__buffer_append_text(
      body, "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">");
  for (uint64_t i = 1; status == FHX_OK && i <= count; i++) {
    const char *etag = upload->etags.data + at;
    snprintf(number, sizeof number, "<Part><PartNumber>%u</PartNumber><ETag>", (unsigned)i);
    status = fhx__buffer_append_text(body, number);
    if (status == FHX_OK) status = fhx__buffer_append_text(body, etag);
    if (status == FHX_OK) status = fhx__buffer_append_text(body, "</ETag></Part>");
    at += strlen(etag) + 1;
  }
  if (status == FHX_OK) status = fhx__buffer_append_text(body, "</CompleteMultipartUpload>");
  return status == FHX_OK ? FHX_OK : fhx__no_memory(error);
}

/* `until_us` as of a transfer. */
static int32_t run_complete(fhx__s3_upload *upload, const fhx__buffer *body, int64_t until_us,
                            fhx__s3_request *request, fhx_error **error) {
  fhx__s3_request_begin(request, upload->bucket, "POST", upload->name, "s3:PutObject");
  request->kind = FHX__S3_COMPLETE;
  request->transfer.retries = upload->retries;
  request->transfer.until_us = until_us;
  int32_t status = fhx__s3_request_query(request, "uploadId", upload->upload_id, error);
  if (status == FHX_OK) status = fhx__s3_request_header(request, "content-type", "text/xml", error);
  if (status == FHX_OK && (upload->bucket->flags & FHX_S3_REPLACES) == 0) {
    status = fhx__s3_request_header(request, "if-none-match", "*", error);
  }
  if (status == FHX_OK) {
    status = fhx__s3_request_body(request, body->data, body->len, false, error);
  }
  return status == FHX_OK ? fhx__s3_request_run(request, true, error) : status;
}

/* Whether the answer says by itself that there is no object. */
static bool is_definite(const fhx__s3_request *request) {
  if (!request->is_answered) return !request->in_doubt;
  switch (request->answer.code) {
    case FHX__S3_EXISTS:
    case FHX__S3_NO_UPLOAD:
    case FHX__S3_NO_OBJECT:
    case FHX__S3_UNREADABLE:
      return false;
    default:
      return !request->in_doubt;
  }
}

/* Whether asking once more makes sense when there is no object. */
static bool is_open(const fhx__s3_request *request) {
  if (!request->is_answered) return true;
  fhx__s3_code code = request->answer.code;
  return code == FHX__S3_UNREADABLE || code == FHX__S3_FAULT || code == FHX__S3_BUSY ||
         code == FHX__S3_TIMEOUT;
}

/*
 * There is no object yet, and it is not asked for any more: with the upload ended there will be
 * none, and the end has failed with `status` and `failure`, which is taken over.
 */
static int32_t give_up(fhx__s3_upload *upload, int32_t status, fhx_error *failure,
                       fhx_error **error) {
  fhx_error *why = NULL;
  int32_t ended = fhx__s3_upload_end(upload->bucket, upload->name, upload->upload_id, true,
                                     fhx__s3_until(upload->bucket->look_us), &why);
  found there = ended == FHX_OK ? look(upload, false, &why) : FOUND_UNKNOWN;
  bool replaces = (upload->bucket->flags & FHX_S3_REPLACES) != 0;
  if (there == FOUND_NONE || (there == FOUND_OTHER && replaces)) {
    status = fhx__s3_hand_over(status, failure, error);
    failure = NULL;
  } else if (there == FOUND_OURS) {
    status = FHX_OK;
  } else {
    status =
        fail_unknown("it is not known whether the store has put the part together", why, error);
  }
  fhx_error_free(failure);
  fhx_error_free(why);
  return status;
}

/*
 * The end of the upload has failed with `status` and `failure`, which is taken over: is the object
 * there? FHX_WAIT: no, and it can be asked for again.
 */
static int32_t settle_complete(fhx__s3_upload *upload, const fhx__s3_request *request,
                               int32_t status, fhx_error *failure, fhx_error **error) {
  if (is_definite(request)) return fhx__s3_hand_over(status, failure, error);
  fhx_error *why = NULL;
  found there = look(upload, false, &why);
  bool replaces = (upload->bucket->flags & FHX_S3_REPLACES) != 0;
  if (there == FOUND_NONE || (there == FOUND_OTHER && replaces)) {
    if (!is_open(request)) return give_up(upload, status, failure, error);
    status = FHX_WAIT;
  } else if (there == FOUND_OURS) {
    status = FHX_OK;
  } else if (there == FOUND_OTHER) {
    status = fail_exists(error);
  } else if (there == FOUND_DAMAGED) {
    status = remove_damaged(upload, error);
  } else {
    status =
        fail_unknown("it is not known whether the store has put the part together", why, error);
  }
  fhx_error_free(failure);
  fhx_error_free(why);
  return status;
}

static int32_t asked_in_vain(fhx__s3_upload *upload, fhx_error **error) {
  fhx_error *failure = NULL;
  int32_t status =
      fhx__fail_with(&failure, FHX_ERR_DESTINATION, 1,
                     "the store did not put the pieces of the part together, though it "
                     "was asked several times");
  return give_up(upload, status, failure, error);
}

static int32_t complete(fhx__s3_upload *upload, fhx_error **error) {
  fhx__buffer body = {NULL, 0, 0};
  int32_t status = fhx__pieces_flush(upload->pieces, true, error);
  if (status == FHX_OK) status = write_list(upload, &body, error);
  if (status != FHX_OK) {
    fhx__buffer_free(&body);
    return status;
  }
  status = FHX_WAIT;
  for (int tries = 0; status == FHX_WAIT && tries < COMPLETE_TRIES; tries++) {
    fhx__s3_request request;
    fhx_error *failure = NULL;
    int64_t until_us = tries == 0 ? 0 : fhx__s3_until(upload->bucket->again_us);
    status = run_complete(upload, &body, until_us, &request, &failure);
    /* What was open before stays so, whatever is said now. */
    if (tries > 0) request.in_doubt = true;
    status = status == FHX_OK ? verify(upload, error)
                              : settle_complete(upload, &request, status, failure, error);
    fhx__s3_request_end(&request);
  }
  fhx__buffer_free(&body);
  return status == FHX_WAIT ? asked_in_vain(upload, error) : status;
}

/* --- the commit --- */

/* Doubles hold no pieces; they go all the same. */
static void end_doubles(fhx__s3_upload *upload) {
  if (!upload->has_doubles) return;
  if ((upload->bucket->flags & FHX_S3_BUCKET_ENDS_UPLOADS) != 0) return;
  fhx__s3_uploads_end_all(upload->bucket, upload->name, true, fhx__s3_until(FHX__S3_ABORT_US),
                          NULL);
}

/* What may have become an object is not taken back. */
int32_t fhx__s3_upload_commit(fhx__s3_upload *upload, uint64_t byte_count, fhx_error **error) {
  int32_t status = FHX_OK;
  fhx__piece whole;
  if (fhx__pieces_bytes(upload->pieces) != byte_count) {
    status = fhx__fail(error, FHX_ERR_INTERNAL,
                       "the part has another number of bytes than were written to it");
  } else {
    status = fhx__pieces_are_one(upload->pieces, &whole) ? put_whole(upload, &whole, error)
                                                         : complete(upload, error);
  }
  if (status == FHX_OK) end_doubles(upload);
  if (status == FHX_OK || status == FHX_ERR_UNKNOWN_OUTCOME) {
    fhx__s3_upload_forget(upload);
  } else {
    fhx__s3_upload_abort(upload);
  }
  return status;
}
