/* Requests for what is published, where a host serves it itself (PUB-01, PUB-03, PUB-04, PUB-09).
 */
#include <stdio.h>
#include <string.h>

#include "core/digest.h"
#include "core/error.h"
#include "core/structs.h"
#include "destination/destination.h"
#include "protocol/content.h"
#include "publish/publication.h"

#define TARGET_BYTES_MAX 16384
#define FILE_CACHE_CONTROL "max-age=31536000, immutable"
/* What is looked for stands in front of the lists of files. */
#define HEAD_BYTES ((size_t)512)

static const char pending[] = "\"#pending\"}]}";
static const char needs_token[] = "\"requiresAccessToken\":true";

static bool ends_with(const char *text, size_t len, const char *end) {
  const size_t end_len = strlen(end);
  return len >= end_len && memcmp(text + len - end_len, end, end_len) == 0;
}

/* --- conditions --- */

/* Whether the list of If-None-Match has this validator, by the weak comparison (RFC 9110, 13.1.2).
 */
static bool has_validator(const char *list, const char *etag) {
  const size_t len = strlen(etag);
  while (list != NULL && *list != '\0') {
    list += strspn(list, " \t,");
    if (*list == '*') return true;
    if (strncmp(list, "W/", 2) == 0) list += 2;
    if (strncmp(list, etag, len) == 0 && strchr(" \t,", list[len]) != NULL) return true;
    /* A validator may have commas in it. */
    const char *close = *list == '"' ? strchr(list + 1, '"') : NULL;
    list = close != NULL ? close + 1 : list + strcspn(list, ",");
  }
  return false;
}

static bool is_known(const fhx_request *request, const char *etag) {
  return has_validator(fhx__header(request->headers, request->header_count, "If-None-Match"), etag);
}

static int32_t add_validators(fhx_response *made, const char *etag, const char *cache_control,
                              fhx_error **error) {
  int32_t status = fhx__response_add(made, error, "ETag", "%s", etag);
  if (status != FHX_OK) return status;
  return fhx__response_add(made, error, "Cache-Control", "%s", cache_control);
}

static int32_t not_modified(const char *etag, const char *cache_control, fhx_response **response,
                            fhx_error **error) {
  fhx_response *made = NULL;
  int32_t status = fhx__response_new(304, &made, error);
  if (status == FHX_OK) status = add_validators(made, etag, cache_control, error);
  if (status == FHX_OK) {
    *response = made;
  } else {
    fhx_response_free(made);
  }
  return status;
}

static int32_t nothing(fhx_response **response, fhx_error **error) {
  return fhx__response_outcome(404, "error", "not-found", "nothing is published at this URL",
                               response, error);
}

/* --- documents --- */

static int32_t make_etag(const fhx__buffer *text, char etag[2 * FHX__SHA256_LEN + 3],
                         fhx_error **error) {
  uint8_t sum[FHX__SHA256_LEN];
  fhx__sha256 digest = {NULL};
  int32_t status = fhx__sha256_begin(&digest, error);
  if (status == FHX_OK) status = fhx__sha256_update(&digest, text->data, text->len, error);
  if (status == FHX_OK) status = fhx__sha256_end(&digest, sum, error);
  fhx__sha256_free(&digest);
  if (status != FHX_OK) return status;
  etag[0] = '"';
  fhx__hex(etag + 1, sum, FHX__SHA256_LEN);
  memcpy(etag + 1 + 2 * FHX__SHA256_LEN, "\"", 2);
  return FHX_OK;
}

static void choose_cache_control(char text[64], const fhx__buffer *document, bool is_root) {
  const size_t head = document->len < HEAD_BYTES ? document->len : HEAD_BYTES;
  const bool is_private = memmem(document->data, head, needs_token, sizeof needs_token - 1) != NULL;
  const bool may_change = is_root || ends_with(document->data, document->len, pending);
  snprintf(text, 64, "%s, %s", is_private ? "private" : "public",
           may_change ? "max-age=10" : "max-age=31536000, immutable");
}

/* A response with a body has taken the text over. */
static int32_t send_document(fhx__buffer *text, const char *etag, const char *cache_control,
                             fhx_response **response, fhx_error **error) {
  fhx_response *made = NULL;
  int32_t status = fhx__response_new(200, &made, error);
  if (status == FHX_OK) status = fhx__response_add(made, error, "Content-Type", "application/json");
  if (status == FHX_OK) {
    status = fhx__response_add(made, error, "Content-Length", "%zu", text->len);
  }
  if (status == FHX_OK) status = add_validators(made, etag, cache_control, error);
  if (status != FHX_OK) {
    fhx_response_free(made);
    return status;
  }
  made->text = *text;
  *text = (fhx__buffer){NULL, 0, 0};
  *response = made;
  return FHX_OK;
}

static int32_t answer_document(fhx_destination *destination, const fhx_request *request,
                               const char *name, fhx_response **response, fhx_error **error) {
  char etag[2 * FHX__SHA256_LEN + 3], cache_control[64];
  fhx__buffer text = {NULL, 0, 0};
  fhx_error *fault = NULL;
  int32_t status = fhx__document_get(destination, name, &text, &fault);
  if (status == FHX_OK) status = make_etag(&text, etag, &fault);
  if (status == FHX_OK) {
    choose_cache_control(cache_control, &text, strcmp(name, FHX__PUBLISHED_ROOT) == 0);
    status = is_known(request, etag) ? not_modified(etag, cache_control, response, error)
                                     : send_document(&text, etag, cache_control, response, error);
  } else if (status == FHX_ERR_NOT_FOUND) {
    status = nothing(response, error);
  } else {
    status = fhx__response_fault(fault, response, error);
  }
  fhx__buffer_free(&text);
  fhx_error_free(fault);
  return status;
}

/* --- files --- */

/* A part's name is used once, so it is what its bytes are known by. */
static int32_t answer_file(fhx_destination *destination, const fhx_request *request,
                           const char *name, fhx_response **response, fhx_error **error) {
  fhx__content sent = {false, FHX__CODING_IDENTITY, "", FILE_CACHE_CONTROL, 0, -1, NULL};
  const char *slash = strrchr(name, '/');
  fhx_error *fault = NULL;
  sent.is_negotiated = ends_with(name, strlen(name), ".gz");
  if (sent.is_negotiated) sent.coding = fhx__coding_read(request->headers, request->header_count);
  if (sent.coding == FHX__CODING_NONE) return fhx__content_not_acceptable(response, error);
  snprintf(sent.etag, sizeof sent.etag, "\"%s%s\"", slash == NULL ? name : slash + 1,
           sent.is_negotiated && sent.coding == FHX__CODING_IDENTITY ? ".id" : "");
  int32_t status = fhx__content_open(destination, name, &sent, &fault);
  if (status == FHX_OK) {
    status = is_known(request, sent.etag)
                 ? not_modified(sent.etag, FILE_CACHE_CONTROL, response, error)
                 : fhx__content_answer(request, &sent, response, error);
  } else if (status == FHX_ERR_NOT_FOUND) {
    status = nothing(response, error);
  } else {
    status = fhx__response_fault(fault, response, error);
  }
  fhx__content_close(&sent);
  fhx_error_free(fault);
  return status;
}

/* --- the request --- */

/* The name behind the first segment; "" for the root, and false for what no name is. */
static bool read_name(const fhx__target *target, char name[FHX__PART_NAME_MAX + 1]) {
  size_t len = 0;
  name[0] = '\0';
  for (size_t i = 1; i < target->segment_count; i++) {
    const char *segment = target->segments[i];
    const size_t more = strlen(segment);
    if (strchr(segment, '/') != NULL || len + more + 2 > FHX__PART_NAME_MAX) return false;
    if (len > 0) name[len++] = '/';
    memcpy(name + len, segment, more + 1);
    len += more;
  }
  return len == 0 || fhx__is_part_name(name);
}

static int32_t answer_name(fhx_destination *destination, const fhx_request *request,
                           const fhx__target *target, fhx_response **response, fhx_error **error) {
  char name[FHX__PART_NAME_MAX + 1];
  const bool is_ours =
      target->segment_count > 0 && strcmp(target->segments[0], FHX__PUBLISHED_ROOT) == 0;
  if (!is_ours || !read_name(target, name)) return nothing(response, error);
  if (strcmp(request->method, "GET") != 0 && strcmp(request->method, "HEAD") != 0) {
    return fhx__response_method("GET, HEAD", response, error);
  }
  if (name[0] == '\0') {
    return answer_document(destination, request, FHX__PUBLISHED_ROOT, response, error);
  }
  if (strncmp(name, FHX__PUBLISHED_PAGES, sizeof FHX__PUBLISHED_PAGES - 1) == 0) {
    return answer_document(destination, request, name, response, error);
  }
  const size_t len = strlen(name);
  if (!ends_with(name, len, ".ndjson") && !ends_with(name, len, ".ndjson.gz")) {
    return nothing(response, error);
  }
  return answer_file(destination, request, name, response, error);
}

/* A HEAD has the headers of the GET and no body. */
static void drop_body(fhx_response *response) {
  response->text.len = 0;
  response->length = 0;
}

static int32_t check_request(const fhx_destination *destination, const fhx_request *request,
                             fhx_error **error) {
  if (destination == NULL || request->method == NULL || request->target == NULL ||
      (request->headers == NULL && request->header_count != 0)) {
    return fhx__fail(error, FHX_ERR_ARGUMENT,
                     "a request needs a destination, a method, a target and its headers");
  }
  if (!fhx__destination_has_documents(destination) || !fhx__destination_serves_files(destination)) {
    return fhx__fail(error, FHX_ERR_UNSUPPORTED,
                     "the destination has no documents, or no part_file, to serve");
  }
  return FHX_OK;
}

int32_t fhx_published_handle(fhx_destination *destination, const fhx_request *given,
                             fhx_response **response, fhx_error **error) {
  fhx_request request;
  fhx__target target;
  fhx__problem problem;
  if (response == NULL) {
    return fhx__fail(error, FHX_ERR_ARGUMENT, "there is no place for the response");
  }
  int32_t status = fhx__struct_in(&request, sizeof request, given, "fhx_request", error);
  if (status == FHX_OK) status = check_request(destination, &request, error);
  if (status != FHX_OK) return status;
  memset(&target, 0, sizeof target);
  status = fhx__target_read(request.target, TARGET_BYTES_MAX, &target, &problem);
  if (status == FHX_OK) {
    status = answer_name(destination, &request, &target, response, error);
  } else {
    status = status == FHX_ERR_NO_MEMORY ? fhx__no_memory(error)
                                         : fhx__response_problem(&problem, response, error);
  }
  fhx__target_free(&target);
  if (status == FHX_OK && strcmp(request.method, "HEAD") == 0) drop_body(*response);
  return status;
}
