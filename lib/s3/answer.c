/* Errors and documents of a store for S3. */
#include "s3/answer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/alloc.h"
#include "core/error.h"
#include "core/instant.h"
#include "transport/xml.h"

#define UPLOAD_ID_MAX 1024
#define US_PER_MINUTE INT64_C(60000000)

typedef struct word_code {
  const char *word;
  fhx__s3_code code;
} word_code;

static const word_code words[] = {
    {"AccessDenied", FHX__S3_DENIED},
    {"AllAccessDisabled", FHX__S3_DENIED},
    {"AccountProblem", FHX__S3_DENIED},
    {"NoSuchBucket", FHX__S3_NO_BUCKET},
    {"NoSuchKey", FHX__S3_NO_OBJECT},
    {"NoSuchUpload", FHX__S3_NO_UPLOAD},
    {"RequestTimeTooSkewed", FHX__S3_SKEWED},
    {"SignatureDoesNotMatch", FHX__S3_BAD_SIGNATURE},
    {"InvalidAccessKeyId", FHX__S3_UNKNOWN_KEY},
    {"ExpiredToken", FHX__S3_ENDED},
    {"ExpiredTokenException", FHX__S3_ENDED},
    {"TokenRefreshRequired", FHX__S3_ENDED},
    {"InvalidToken", FHX__S3_ENDED},
    {"PermanentRedirect", FHX__S3_OTHER_REGION},
    {"TemporaryRedirect", FHX__S3_OTHER_REGION},
    {"AuthorizationHeaderMalformed", FHX__S3_OTHER_REGION},
    {"IllegalLocationConstraintException", FHX__S3_OTHER_REGION},
    {"EntityTooLarge", FHX__S3_TOO_LARGE},
    {"SlowDown", FHX__S3_BUSY},
    {"SlowDownWrite", FHX__S3_BUSY},
    {"Throttling", FHX__S3_BUSY},
    {"ThrottlingException", FHX__S3_BUSY},
    {"RequestLimitExceeded", FHX__S3_BUSY},
    {"TooManyRequests", FHX__S3_BUSY},
    {"ServiceUnavailable", FHX__S3_BUSY},
    {"InternalError", FHX__S3_FAULT},
    {"QuotaExceeded", FHX__S3_NO_SPACE},
    {"XMinioStorageFull", FHX__S3_NO_SPACE},
    {"InsufficientCapacity", FHX__S3_NO_SPACE},
    {"PreconditionFailed", FHX__S3_EXISTS},
    {"OperationAborted", FHX__S3_CONFLICT},
    {"ConditionalRequestConflict", FHX__S3_CONFLICT},
    {"RequestTimeout", FHX__S3_TIMEOUT},
    {"BadDigest", FHX__S3_DAMAGED},
    {"InvalidDigest", FHX__S3_DAMAGED},
    {"IncompleteBody", FHX__S3_DAMAGED},
    {"XAmzContentSHA256Mismatch", FHX__S3_DAMAGED},
    {"NotImplemented", FHX__S3_ABSENT_FEATURE},
};

static const struct {
  uint32_t http_status;
  fhx__s3_code code;
} statuses[] = {
    {401, FHX__S3_DENIED},    {403, FHX__S3_DENIED},         {404, FHX__S3_NO_OBJECT},
    {408, FHX__S3_TIMEOUT},   {409, FHX__S3_CONFLICT},       {412, FHX__S3_EXISTS},
    {413, FHX__S3_TOO_LARGE}, {501, FHX__S3_ABSENT_FEATURE}, {429, FHX__S3_BUSY},
    {503, FHX__S3_BUSY},      {507, FHX__S3_NO_SPACE},
};

static fhx__s3_code code_of_status(uint32_t http_status) {
  if (http_status >= 200 && http_status <= 299) return FHX__S3_DONE;
  if (http_status >= 300 && http_status <= 399) return FHX__S3_OTHER_REGION;
  for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
    if (statuses[i].http_status == http_status) return statuses[i].code;
  }
  return http_status >= 500 ? FHX__S3_FAULT : FHX__S3_OTHER;
}

/* --- the error document --- */

static bool is_word(const char *text) {
  size_t len = strlen(text);
  for (size_t i = 0; i < len; i++) {
    char c = text[i];
    bool fits = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                (c == '.' && i > 0);
    if (!fits) return false;
  }
  return len > 0 && len < FHX__S3_WORD_MAX;
}

void fhx__s3_answer_set_region(fhx__s3_answer *answer, const char *region) {
  size_t len = strlen(region);
  for (size_t i = 0; i < len; i++) {
    char c = region[i];
    if ((c < 'a' || c > 'z') && (c < '0' || c > '9') && (c != '-' || i == 0)) return;
  }
  if (len == 0 || len >= sizeof answer->region) return;
  memcpy(answer->region, region, len + 1);
}

void fhx__s3_answer_set_date(fhx__s3_answer *answer, const char *date) {
  static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
  char text[FHX__INSTANT_TEXT_MAX];
  fhx__instant instant = {0, 0};
  /* "Sun, 06 Nov 1994 08:49:37 GMT" */
  if (strlen(date) != 29 || strcmp(date + 25, " GMT") != 0) return;
  int month = 0;
  while (month < 12 && memcmp(months + 3 * month, date + 8, 3) != 0) month++;
  if (month == 12) return;
  snprintf(text, sizeof text, "%.4s-%02d-%.2sT%.8sZ", date + 12, month + 1, date + 5, date + 17);
  if (fhx__instant_parse(text, strlen(text), &instant)) answer->server_us = instant.us;
}

/* What an error document has said so far. */
typedef struct error_document {
  fhx__s3_answer *answer;
  bool has_code;
} error_document;

static int32_t visit_error(void *context, const char *path, const char *text) {
  error_document *document = context;
  fhx__s3_answer *answer = document->answer;
  if (strcmp(path, "Error/Code") == 0 && is_word(text)) {
    document->has_code = true;
    memcpy(answer->word, text, strlen(text) + 1);
  } else if (strcmp(path, "Error/Region") == 0) {
    fhx__s3_answer_set_region(answer, text);
  } else if (strcmp(path, "Error/ServerTime") == 0) {
    fhx__instant instant = {0, 0};
    if (fhx__instant_parse(text, strlen(text), &instant)) answer->server_us = instant.us;
  } else if (strcmp(path, "Error") == 0 && !document->has_code) {
    document->has_code = true;
  }
  return FHX_OK;
}

void fhx__s3_answer_read(fhx__s3_answer *answer, uint32_t http_status, const void *body,
                         size_t len) {
  error_document document = {answer, false};
  memset(answer, 0, sizeof *answer);
  answer->http_status = http_status;
  answer->code = code_of_status(http_status);
  if (len == 0) return;
  int32_t status = fhx__xml_read(body, len, visit_error, &document, NULL);
  if (status != FHX_OK) {
    if (answer->code == FHX__S3_DONE) answer->code = FHX__S3_UNREADABLE;
    return;
  }
  /* An error under a status of success. */
  if (document.has_code && answer->code == FHX__S3_DONE) answer->code = FHX__S3_OTHER;
  for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
    if (strcmp(words[i].word, answer->word) == 0) answer->code = words[i].code;
  }
}

/* --- sentences --- */

typedef struct sentence {
  fhx__s3_code code;
  int32_t status;
  uint32_t retryable;
  const char *text;
} sentence;

static const sentence sentences[] = {
    {FHX__S3_NO_BUCKET, FHX_ERR_DESTINATION, 0, "the bucket does not exist"},
    {FHX__S3_NO_OBJECT, FHX_ERR_NOT_FOUND, 0, "there is no object of this name"},
    {FHX__S3_NO_UPLOAD, FHX_ERR_DESTINATION, 1,
     "the store no longer knows the upload of this part: something else has ended it"},
    {FHX__S3_BAD_SIGNATURE, FHX_ERR_DENIED, 0,
     "the store finds the signature wrong: the secret access key is not the one of the access key "
     "id, or something on the way changes requests"},
    {FHX__S3_UNKNOWN_KEY, FHX_ERR_DENIED, 0, "the store does not know the access key id"},
    {FHX__S3_ENDED, FHX_ERR_DENIED, 1, "the store says that the credentials have ended"},
    {FHX__S3_TOO_LARGE, FHX_ERR_LIMIT, 0, "the object is larger than the store takes"},
    {FHX__S3_BUSY, FHX_ERR_DESTINATION, 1, "the store is busy and asks for fewer requests"},
    {FHX__S3_FAULT, FHX_ERR_DESTINATION, 1, "the store has a fault of its own"},
    {FHX__S3_NO_SPACE, FHX_ERR_NO_SPACE, 0,
     "no space, or none of its quota, is left at the bucket"},
    {FHX__S3_EXISTS, FHX_ERR_EXISTS, 0, "an object of this name exists and is not replaced"},
    {FHX__S3_CONFLICT, FHX_ERR_DESTINATION, 1,
     "the store has another request for the same object under way"},
    {FHX__S3_TIMEOUT, FHX_ERR_DESTINATION, 1, "the store did not get the request in time"},
    {FHX__S3_DAMAGED, FHX_ERR_DESTINATION, 1, "bytes were changed or lost on the way to the store"},
    {FHX__S3_UNREADABLE, FHX_ERR_DESTINATION, 1, "the store's answer cannot be read"},
};

static int32_t fail_for_clock(const fhx__s3_answer *answer, int64_t now_us, fhx_error **error) {
  if (answer->server_us == 0) {
    return fhx__fail(error, FHX_ERR_DENIED, "the clock of this machine is too far off the store's");
  }
  int64_t minutes = (now_us - answer->server_us) / US_PER_MINUTE;
  return fhx__fail(error, FHX_ERR_DENIED,
                   "the clock of this machine is %lld minutes off the store's, which refuses "
                   "requests for that",
                   (long long)llabs(minutes));
}

int32_t fhx__s3_answer_fail(const fhx__s3_answer *answer, const char *right, int64_t now_us,
                            fhx_error **error) {
  for (size_t i = 0; i < sizeof sentences / sizeof *sentences; i++) {
    const sentence *at = &sentences[i];
    if (at->code == answer->code) {
      return fhx__fail_with(error, at->status, at->retryable, "%s", at->text);
    }
  }
  switch (answer->code) {
    case FHX__S3_DENIED:
      return fhx__fail(error, FHX_ERR_DENIED,
                       "the store denies the request: the credentials or the bucket's policy do "
                       "not allow %s",
                       right);
    case FHX__S3_SKEWED:
      return fail_for_clock(answer, now_us, error);
    case FHX__S3_OTHER_REGION:
      if (answer->region[0] == '\0') {
        return fhx__fail(error, FHX_ERR_DESTINATION,
                         "the bucket is in another region, or at another endpoint");
      }
      return fhx__fail(error, FHX_ERR_DESTINATION,
                       "the bucket is in the region %s, which is not the one of the options",
                       answer->region);
    case FHX__S3_ABSENT_FEATURE:
      return fhx__fail(error, FHX_ERR_UNSUPPORTED, "the store cannot do what %s allows", right);
    default:
      return fhx__fail(error, FHX_ERR_DESTINATION, "the store refused the request (%u%s%s)",
                       answer->http_status, answer->word[0] == '\0' ? "" : " ", answer->word);
  }
}

/* --- documents --- */

static int32_t visit_begun(void *context, const char *path, const char *text) {
  char **upload_id = context;
  if (strcmp(path, "InitiateMultipartUploadResult/UploadId") != 0) return FHX_OK;
  size_t len = strlen(text);
  if (len == 0 || len > UPLOAD_ID_MAX || *upload_id != NULL) return FHX_OK;
  *upload_id = fhx__copy_bytes(text, len);
  return *upload_id == NULL ? FHX_ERR_NO_MEMORY : FHX_OK;
}

int32_t fhx__s3_read_upload_id(const void *body, size_t len, char **upload_id, fhx_error **error) {
  char *found = NULL;
  int32_t status =
      len == 0 ? FHX_ERR_ARGUMENT : fhx__xml_read(body, len, visit_begun, &found, NULL);
  if (status == FHX_OK && found != NULL) {
    *upload_id = found;
    return FHX_OK;
  }
  fhx__free(found);
  if (status == FHX_ERR_NO_MEMORY) return fhx__no_memory(error);
  return fhx__fail_with(error, FHX_ERR_DESTINATION, 1,
                        "the store has begun an upload without saying which");
}

/* A listing while it is read, with the upload that is at hand. */
typedef struct listing {
  fhx__s3_uploads *uploads;
  const char *key;
  bool is_wanted;
  fhx__buffer id;
} listing;

static int32_t keep_text(fhx__buffer *place, const char *text) {
  place->len = 0;
  return fhx__buffer_append(place, text, strlen(text) + 1);
}

static int32_t end_upload(listing *at) {
  int32_t status = FHX_OK;
  if (at->is_wanted && at->id.len > 1) {
    status = fhx__buffer_append(&at->uploads->ids, at->id.data, at->id.len);
  }
  at->is_wanted = false;
  at->id.len = 0;
  return status;
}

static int32_t visit_listing(void *context, const char *path, const char *text) {
  static const char root[] = "ListMultipartUploadsResult/";
  listing *at = context;
  if (strncmp(path, root, sizeof root - 1) != 0) return FHX_OK;
  path += sizeof root - 1;
  if (strcmp(path, "Upload/Key") == 0) {
    at->is_wanted = strcmp(text, at->key) == 0;
  } else if (strcmp(path, "Upload/UploadId") == 0) {
    return strlen(text) > UPLOAD_ID_MAX ? FHX_OK : keep_text(&at->id, text);
  } else if (strcmp(path, "Upload") == 0) {
    return end_upload(at);
  } else if (strcmp(path, "IsTruncated") == 0) {
    at->uploads->is_truncated = strcmp(text, "true") == 0;
  } else if (strcmp(path, "NextKeyMarker") == 0) {
    return keep_text(&at->uploads->key_marker, text);
  } else if (strcmp(path, "NextUploadIdMarker") == 0) {
    return keep_text(&at->uploads->id_marker, text);
  }
  return FHX_OK;
}

int32_t fhx__s3_read_uploads(const void *body, size_t len, const char *key,
                             fhx__s3_uploads *uploads, fhx_error **error) {
  listing at = {uploads, key, false, {NULL, 0, 0}};
  int32_t status = len == 0 ? FHX_ERR_ARGUMENT : fhx__xml_read(body, len, visit_listing, &at, NULL);
  fhx__buffer_free(&at.id);
  if (status == FHX_OK) return FHX_OK;
  if (status == FHX_ERR_NO_MEMORY) return fhx__no_memory(error);
  return fhx__fail_with(error, FHX_ERR_DESTINATION, 1,
                        "the store's list of unfinished uploads cannot be read");
}

void fhx__s3_uploads_end(fhx__s3_uploads *uploads) {
  fhx__buffer_free(&uploads->ids);
  fhx__buffer_free(&uploads->key_marker);
  fhx__buffer_free(&uploads->id_marker);
  uploads->is_truncated = false;
}
