/* From a request's method and path to the one that answers it. */
#include <string.h>

#include "core/clock.h"
#include "core/error.h"
#include "core/names.h"
#include "core/structs.h"
#include "protocol/response.h"
#include "protocol/service.h"

static const char export_segment[] = "$export";

static bool is_method(const fhx__call *call, const char *method) {
  return strcmp(call->request->method, method) == 0;
}

static int32_t route_kick_off(fhx__call *call, fhx__export_level level, const char *group_id,
                              fhx_response **response, fhx_error **error) {
  call->route = FHX__ROUTE_KICK_OFF;
  call->level = level;
  /* By the ballot a GET is none (KICK-03). */
  const bool takes_get = call->ig_version != FHX_IG_STU4_BALLOT;
  if (!is_method(call, "POST") && !(takes_get && is_method(call, "GET"))) {
    return fhx__response_method(takes_get ? "GET, POST" : "POST", response, error);
  }
  return fhx__answer_kick_off(call, level, group_id, response, error);
}

static int32_t route_group(fhx__call *call, const char *group_id, fhx_response **response,
                           fhx_error **error) {
  call->route = FHX__ROUTE_KICK_OFF;
  call->level = FHX__LEVEL_GROUP;
  if (!fhx__is_id(group_id, strlen(group_id))) {
    return fhx__response_outcome(404, "error", "not-found", "there is no such Group", response,
                                 error);
  }
  return route_kick_off(call, FHX__LEVEL_GROUP, group_id, response, error);
}

static int32_t refuse_disabled(fhx_response **response, fhx_error **error) {
  return fhx__response_outcome(400, "error", "not-supported",
                               "this server has $export switched off", response, error);
}

/* What ends in $export and has a segment in front of it. */
static int32_t route_below(fhx__call *call, fhx_response **response, fhx_error **error) {
  char **segments = call->target.segments;
  size_t count = call->target.segment_count;
  if (call->service->is_disabled) return refuse_disabled(response, error);
  if (count == 2 && strcmp(segments[0], "Patient") == 0) {
    return route_kick_off(call, FHX__LEVEL_PATIENT, NULL, response, error);
  }
  if (count == 3 && strcmp(segments[0], "Group") == 0) {
    return route_group(call, segments[1], response, error);
  }
  return fhx__response_outcome(400, "error", "not-supported",
                               "$export is for the base URL, for Patient, and for one Group "
                               "(Group/ and its id)",
                               response, error);
}

static int32_t route_job(fhx__call *call, const char *job_id, fhx_response **response,
                         fhx_error **error) {
  call->job_id = job_id;
  call->route = FHX__ROUTE_STATUS;
  if (is_method(call, "DELETE")) {
    call->route = FHX__ROUTE_CANCEL;
    return fhx__answer_cancel(call, job_id, response, error);
  }
  if (!is_method(call, "GET") && !call->head) {
    return fhx__response_method("GET, HEAD, DELETE", response, error);
  }
  return fhx__answer_status(call, job_id, 1, response, error);
}

/* The number of a further page, from 2, as this server writes it; 0: it is none. */
static uint32_t page_number(const char *text) {
  uint64_t number = 0;
  if (*text < '1' || *text > '9') return 0;
  for (; *text >= '0' && *text <= '9' && number <= UINT32_MAX; text++) {
    number = number * 10 + (uint64_t)(*text - '0');
  }
  return *text == '\0' && number >= 2 && number <= UINT32_MAX ? (uint32_t)number : 0;
}

static int32_t route_page(fhx__call *call, const char *job_id, const char *number,
                          fhx_response **response, fhx_error **error) {
  uint32_t page = page_number(number);
  call->job_id = job_id;
  call->route = FHX__ROUTE_STATUS;
  if (!is_method(call, "GET") && !call->head) {
    return fhx__response_method("GET, HEAD", response, error);
  }
  if (page == 0) {
    return fhx__response_outcome(404, "error", "not-found", "this is not the number of a page",
                                 response, error);
  }
  return fhx__answer_status(call, job_id, page, response, error);
}

static int32_t route_metadata(fhx__call *call, fhx_response **response, fhx_error **error) {
  if (!is_method(call, "GET") && !call->head) {
    return fhx__response_method("GET, HEAD", response, error);
  }
  return fhx__answer_metadata(call, response, error);
}

static int32_t route_file(fhx__call *call, const char *job_id, const char *file,
                          fhx_response **response, fhx_error **error) {
  call->job_id = job_id;
  call->file = file;
  call->route = FHX__ROUTE_FILE;
  if (!is_method(call, "GET") && !call->head) {
    return fhx__response_method("GET, HEAD", response, error);
  }
  return fhx__answer_file(call, job_id, file, response, error);
}

static int32_t route(fhx__call *call, fhx_response **response, fhx_error **error) {
  const fhx__target *target = &call->target;
  char **segments = target->segments;
  size_t count = target->segment_count;
  if (count >= 1 && strcmp(segments[0], export_segment) == 0) {
    if (count == 1 && call->service->is_disabled) return refuse_disabled(response, error);
    if (count == 1) return route_kick_off(call, FHX__LEVEL_SYSTEM, NULL, response, error);
    if (count == 2) return route_job(call, segments[1], response, error);
    if (count == 3) return route_file(call, segments[1], segments[2], response, error);
    if (count == 4 && strcmp(segments[2], "pages") == 0) {
      return route_page(call, segments[1], segments[3], response, error);
    }
  }
  if (count >= 2 && strcmp(segments[count - 1], export_segment) == 0) {
    return route_below(call, response, error);
  }
  if (count == 1 && strcmp(segments[0], "metadata") == 0) {
    return route_metadata(call, response, error);
  }
  return fhx__response_outcome(404, "error", "not-found", "there is nothing at this URL", response,
                               error);
}

static int32_t check_request(const fhx__service *service, const fhx_request *request,
                             fhx__problem *problem) {
  if (request->body_len > service->body_bytes_max) {
    return fhx__refuse(problem, 413, "too-long", "the request's body is longer than %llu bytes",
                       (unsigned long long)service->body_bytes_max);
  }
  return FHX_OK;
}

/* A HEAD has the headers of the GET and no body. */
static void drop_body(fhx_response *response) {
  fhx_manifest_free(response->manifest);
  response->manifest = NULL;
  response->text.len = 0;
  response->length = 0;
}

static int32_t answer(fhx__call *call, fhx_response **response, fhx_error **error) {
  fhx__problem problem;
  int32_t status = check_request(call->service, call->request, &problem);
  if (status == FHX_OK) {
    status = fhx__target_read(call->request->target, call->service->target_bytes_max, &call->target,
                              &problem);
  }
  if (status == FHX_OK) {
    status = route(call, response, error);
  } else {
    status = status == FHX_ERR_NO_MEMORY ? fhx__no_memory(error)
                                         : fhx__response_problem(&problem, response, error);
  }
  fhx__observe_answer(call, status == FHX_OK ? *response : NULL);
  fhx__target_free(&call->target);
  return status;
}

static const char *text_or_empty(const char *text) {
  return text == NULL ? "" : text;
}

/* What the host, and no client, could have got wrong. */
static int32_t check_given(const fhx_request *request, fhx_error **error) {
  if (request->method == NULL || request->target == NULL ||
      (request->headers == NULL && request->header_count != 0) ||
      (request->body == NULL && request->body_len != 0)) {
    return fhx__fail(error, FHX_ERR_ARGUMENT,
                     "a request needs a method, a target, and what its counts announce");
  }
  if ((request->flags & ~FHX_REQUEST_OPERATOR) != 0) {
    return fhx__fail(error, FHX_ERR_ARGUMENT, "the request's flags are no sum of FHX_REQUEST_...");
  }
  if (request->base_url != NULL && !fhx__is_base_url(request->base_url)) {
    return fhx__fail(error, FHX_ERR_ARGUMENT,
                     "the request's base_url is not an absolute URL without a slash at its end");
  }
  return fhx__check_ig_version(request->ig_version, error);
}

int32_t fhx__answer(fhx__service *service, const fhx_request *given, fhx_response **response,
                    fhx_error **error) {
  fhx_request request;
  fhx__call call;
  if (response == NULL) {
    return fhx__fail(error, FHX_ERR_ARGUMENT, "there is no place for the response");
  }
  int32_t status = fhx__struct_in(&request, sizeof request, given, "fhx_request", error);
  if (status != FHX_OK) return status;
  status = check_given(&request, error);
  if (status != FHX_OK) return status;
  memset(&call, 0, sizeof call);
  call.service = service;
  call.request = &request;
  call.base_url = request.base_url == NULL ? service->base_url : request.base_url;
  call.is_of_version = request.ig_version != 0;
  call.ig_version = call.is_of_version ? request.ig_version : service->ig_version;
  call.tenant = text_or_empty(request.tenant);
  call.client = text_or_empty(request.client);
  call.began_us = fhx__clock_monotonic_us();
  call.until_us = call.began_us + FHX__PATIENCE_US;
  call.head = strcmp(request.method, "HEAD") == 0;
  status = answer(&call, response, error);
  if (status == FHX_OK && call.head) drop_body(*response);
  return status;
}
