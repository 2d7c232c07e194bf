/* What the service answers, and the sentences that it becomes. The service's own are never shown:
   they repeat what was signed. */
#include <stdio.h>
#include <string.h>

#include "azure/request.h"
#include "core/clock.h"
#include "core/error.h"
#include "core/instant.h"

#define US_PER_SECOND INT64_C(1000000)
/* The service takes times that are off by a quarter of an hour. */
#define CLOCKS_DIFFER_US (INT64_C(5) * 60 * US_PER_SECOND)

typedef struct meaning {
  const char *code;
  int32_t status;
  uint32_t retryable;
  const char *sentence;
} meaning;

static const meaning meanings[] = {
    {"AuthenticationFailed", FHX_ERR_DENIED, 0,
     "the store does not accept the key, the shared access signature or the token; it may be wrong "
     "or its time may be over"},
    {"InvalidAuthenticationInfo", FHX_ERR_DENIED, 0,
     "the store does not accept the token; it may be for something else or its time may be over"},
    {"AuthorizationFailure", FHX_ERR_DENIED, 0,
     "the account does not let this request in: its network rules, or the credentials' rights or "
     "their time, are against it"},
    {"AuthorizationPermissionMismatch", FHX_ERR_DENIED, 0,
     "the credentials have no right to do this"},
    {"AuthorizationProtocolMismatch", FHX_ERR_DENIED, 0,
     "the shared access signature is not for http"},
    {"AuthorizationResourceTypeMismatch", FHX_ERR_DENIED, 0,
     "the shared access signature is not for blobs (srt=o)"},
    {"AuthorizationServiceMismatch", FHX_ERR_DENIED, 0,
     "the shared access signature is not for the blob service (ss=b)"},
    {"AuthorizationSourceIPMismatch", FHX_ERR_DENIED, 0,
     "the shared access signature is for other addresses than this machine's"},
    {"InsufficientAccountPermissions", FHX_ERR_DENIED, 0, "the account may not do this"},
    {"KeyBasedAuthenticationNotPermitted", FHX_ERR_DENIED, 0,
     "the account takes no keys: use a token"},
    {"PublicAccessNotPermitted", FHX_ERR_DENIED, 0, "the account takes no request without a right"},
    {"NoAuthenticationInformation", FHX_ERR_DENIED, 0,
     "the account takes no request without a right"},
    {"AccountIsDisabled", FHX_ERR_DENIED, 0, "the account is disabled"},
    {"ContainerDisabled", FHX_ERR_DENIED, 0, "the container is disabled"},
    {"ContainerNotFound", FHX_ERR_NOT_FOUND, 0, "the container does not exist"},
    {"ContainerBeingDeleted", FHX_ERR_DESTINATION, 1, "the container is being deleted"},
    {"ResourceNotFound", FHX_ERR_DESTINATION, 0, "the account does not exist"},
    {"BlobNotFound", FHX_ERR_NOT_FOUND, 0, "there is no blob of this name"},
    {"BlobAlreadyExists", FHX_ERR_EXISTS, 0, "a blob of this name exists"},
    {"ConditionNotMet", FHX_ERR_EXISTS, 0, "a blob of this name exists"},
    {"BlobImmutableDueToPolicy", FHX_ERR_DENIED, 0, "a policy of the container keeps its blobs"},
    {"BlobArchived", FHX_ERR_DENIED, 0, "the blob is archived"},
    {"LeaseIdMissing", FHX_ERR_DENIED, 0, "somebody holds a lease on it"},
    {"InvalidBlobType", FHX_ERR_EXISTS, 0, "a blob of this name and another type exists"},
    {"InvalidBlockList", FHX_ERR_DESTINATION, 1, "the store has lost blocks of it"},
    {"BlockCountExceedsLimit", FHX_ERR_LIMIT, 0, "it would have more blocks than a blob may have"},
    {"RequestBodyTooLarge", FHX_ERR_LIMIT, 0, "a block is larger than the store takes"},
    {"Md5Mismatch", FHX_ERR_DESTINATION, 1, "it was damaged on its way"},
    {"ServerBusy", FHX_ERR_DESTINATION, 1, "the store is busy"},
    {"OperationTimedOut", FHX_ERR_DESTINATION, 1, "the store took too long"},
    {"InternalError", FHX_ERR_DESTINATION, 1, "the store has a fault"},
};

static const char *code_of(const fhx__azure_request *request) {
  const char *code = fhx__transfer_header(&request->transfer, "x-ms-error-code");
  return code == NULL ? "" : code;
}

bool fhx__azure_request_is_done(const fhx__azure_request *request) {
  return request->transfer.http_status / 100 == 2;
}

bool fhx__azure_request_is(const fhx__azure_request *request, const char *code) {
  return strcmp(code_of(request), code) == 0;
}

bool fhx__azure_request_is_absent(const fhx__azure_request *request) {
  return request->transfer.http_status == 404 &&
         (fhx__azure_request_is(request, "BlobNotFound") ||
          fhx__azure_request_is(request, "ContainerNotFound"));
}

bool fhx__azure_request_needs_token(const fhx__azure_request *request) {
  uint32_t status = request->transfer.http_status;
  if (!request->azure->settings.has_token || (status != 401 && status != 403)) return false;
  return status == 401 || fhx__azure_request_is(request, "AuthenticationFailed") ||
         fhx__azure_request_is(request, "InvalidAuthenticationInfo");
}

/* --- the clocks --- */

/* "Sun, 06 Nov 1994 08:49:37 GMT" as an instant. */
static bool read_date(const char *date, int64_t *time_us) {
  static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
  char text[FHX__INSTANT_TEXT_MAX], name[4] = "";
  fhx__instant instant = {0, 0};
  if (strlen(date) != strlen("Sun, 06 Nov 1994 08:49:37 GMT")) return false;
  memcpy(name, date + 8, 3);
  const char *month = strstr(months, name);
  if (month == NULL || (month - months) % 3 != 0) return false;
  snprintf(text, sizeof text, "%.4s-%02d-%.2sT%.8sZ", date + 12, (int)((month - months) / 3) + 1,
           date + 5, date + 17);
  if (!fhx__instant_parse(text, strlen(text), &instant)) return false;
  *time_us = instant.us;
  return true;
}

/* How far this machine's clock is from the service's, in minutes; 0: near enough. */
static int64_t clock_minutes(const fhx__azure_request *request) {
  const char *date = fhx__transfer_header(&request->transfer, "date");
  int64_t theirs_us = 0;
  if (date == NULL || !read_date(date, &theirs_us)) return 0;
  int64_t apart_us = fhx__clock_now_us() - theirs_us;
  if (apart_us < 0) apart_us = -apart_us;
  return apart_us < CLOCKS_DIFFER_US ? 0 : apart_us / (60 * US_PER_SECOND);
}

/* --- failures --- */

static int32_t fail_unnamed(const fhx__azure_request *request, fhx_error **error) {
  uint32_t status = request->transfer.http_status;
  bool is_denied = status == 401 || status == 403;
  bool is_passing = status == 408 || status == 429 || status >= 500;
  return fhx__fail_with(error, is_denied ? FHX_ERR_DENIED : FHX_ERR_DESTINATION, is_passing,
                        "%s: the store answered with HTTP status %u", request->what, status);
}

int32_t fhx__azure_request_fail(const fhx__azure_request *request, fhx_error **error) {
  const fhx__transfer *transfer = &request->transfer;
  const char *what = request->what;
  if (transfer->status == FHX_ERR_NO_MEMORY) return fhx__no_memory(error);
  if (transfer->status < FHX_OK) {
    uint32_t retryable = transfer->status != FHX_ERR_DENIED && transfer->status != FHX_ERR_LIMIT;
    return fhx__fail_with(error, transfer->status, retryable, "%s: %s", what, transfer->reason);
  }
  for (size_t i = 0; i < sizeof meanings / sizeof *meanings; i++) {
    const meaning *found = &meanings[i];
    if (!fhx__azure_request_is(request, found->code)) continue;
    /* With a token both may be another time's answer. */
    uint32_t retryable = fhx__azure_request_needs_token(request) ? 1 : found->retryable;
    int64_t minutes = found->status == FHX_ERR_DENIED ? clock_minutes(request) : 0;
    if (minutes == 0) {
      return fhx__fail_with(error, found->status, retryable, "%s: %s", what, found->sentence);
    }
    return fhx__fail_with(error, found->status, retryable,
                          "%s: %s (this machine's clock is %lld minutes from the store's)", what,
                          found->sentence, (long long)minutes);
  }
  return fail_unnamed(request, error);
}

int32_t fhx__azure_hand_over(int32_t status, fhx_error *fault, fhx_error **error) {
  if (error == NULL || status == FHX_OK) {
    fhx_error_free(fault);
  } else {
    *error = fault;
  }
  return status;
}
