/* The kick-off (Bulk Data IG, "Bulk Data Kick-off Request"): a request becomes a job. */
#include <string.h>

#include "core/error.h"
#include "job/run.h"
#include "protocol/response.h"
#include "protocol/service.h"

#define RETRY_SECONDS "30"

/* A refusal that names the parameter, for what the job found wrong with the request. */
static int32_t refused(const fhx_error *fault, fhx_response **response, fhx_error **error) {
  int32_t status = fhx_error_status(fault);
  if (status == FHX_ERR_UNSUPPORTED) {
    return fhx__response_outcome(400, "error", "not-supported", fhx_error_message(fault), response,
                                 error);
  }
  if (status == FHX_ERR_LIMIT) {
    int32_t made =
        fhx__response_outcome(429, "error", "throttled",
                              "too many exports run at present; try again later", response, error);
    if (made != FHX_OK) return made;
    return fhx__response_extend(response, error, "Retry-After", RETRY_SECONDS);
  }
  return fhx__response_fault(fault, response, error);
}

static int32_t accepted(const fhx__call *call, const char *job_id, fhx_response **response,
                        fhx_error **error) {
  fhx_response *made = NULL;
  int32_t status = fhx__response_new(202, &made, error);
  if (status != FHX_OK) return status;
  status =
      fhx__response_add(made, error, "Content-Location", "%s/$export/%s", call->base_url, job_id);
  if (status == FHX_OK) status = fhx__response_add(made, error, "Content-Length", "0");
  if (status != FHX_OK) {
    fhx_response_free(made);
    return status;
  }
  *response = made;
  return FHX_OK;
}

/* The `request` of the manifest: the URL as sent (MAN-06). */
static int32_t write_url(const fhx__call *call, fhx__buffer *url, fhx_error **error) {
  int32_t status = fhx__buffer_append_text(url, call->base_url);
  if (status == FHX_OK) status = fhx__buffer_append_text(url, call->request->target);
  if (status == FHX_OK) status = fhx__buffer_terminate(url);
  return status == FHX_OK ? FHX_OK : fhx__no_memory(error);
}

/* What is named must be there, unless the client is lenient (PARAM-02, PARAM-10). */
static fhx__absent_types absent_types(const fhx__export_request *wanted, bool lenient) {
  if (wanted->takes_permitted) return FHX__ABSENT_DROPPED;
  return lenient ? FHX__ABSENT_NOTED : FHX__ABSENT_REFUSED;
}

static int32_t start(fhx__call *call, const fhx__export_request *wanted, bool lenient,
                     const char *job_id, fhx_job **job, fhx_error **error) {
  fhx__service *service = call->service;
  fhx__buffer url = {NULL, 0, 0};
  fhx_job_options options = service->job_options;
  options.filter = wanted->filter;
  options.tenant = call->tenant;
  options.client = call->client;
  options.host_context = call->request->host_context;
  options.host_context_len = call->request->host_context_len;
  const fhx__job_extras extras = {.jobs_max = service->jobs_max,
                                  .jobs_per_client_max = service->jobs_per_client_max,
                                  .notes = wanted->skipped.data,
                                  .notes_len = wanted->skipped.len,
                                  .absent_types = absent_types(wanted, lenient),
                                  .job_id = job_id,
                                  .until_us = call->until_us};
  int32_t status = write_url(call, &url, error);
  options.request = url.data;
  if (status == FHX_OK) {
    status = fhx__job_start(&options, &extras, job, error);
  }
  fhx__buffer_free(&url);
  return status;
}

static int32_t start_and_answer(fhx__call *call, const fhx__export_request *wanted, bool lenient,
                                fhx_response **response, fhx_error **error) {
  char job_id[FHX__JOB_ID_LEN + 1];
  fhx_job *job = NULL;
  fhx_response *made = NULL;
  fhx_error *fault = NULL;
  /* The answer comes first: once the job is stored nothing is left that could fail, so that no
     client is told of a failure while its export runs (KICK-08). */
  int32_t status = fhx__random_job_id(job_id, error);
  if (status == FHX_OK) status = accepted(call, job_id, &made, error);
  if (status != FHX_OK) return status;
  status = start(call, wanted, lenient, job_id, &job, &fault);
  if (status == FHX_OK) {
    /* A job that is not kept here is attached to when somebody asks for it. */
    if (fhx__service_keep(call->service, job, NULL) != FHX_OK) fhx__job_unref(job);
    *response = made;
    return FHX_OK;
  }
  fhx_response_free(made);
  if (status == FHX_ERR_ARGUMENT) {
    /* The host's own mistake: a tenant or client that cannot be stored. */
    if (error != NULL) *error = fault;
    if (error == NULL) fhx_error_free(fault);
    return status;
  }
  status = refused(fault, response, error);
  fhx_error_free(fault);
  return status;
}

int32_t fhx__answer_kick_off(fhx__call *call, fhx_response **response, fhx_error **error) {
  fhx__problem problem;
  fhx__preferences preferences;
  fhx__export_request wanted;
  const fhx_request *request = call->request;
  memset(&wanted, 0, sizeof wanted);
  int32_t status =
      fhx__preferences_read(request->headers, request->header_count, &preferences, &problem);
  if (status == FHX_OK) {
    status = fhx__export_request_read(&call->target, preferences.handling_lenient,
                                      request->permitted_types, &wanted, &problem);
  }
  if (status == FHX_OK) {
    status = start_and_answer(call, &wanted, preferences.handling_lenient, response, error);
  } else if (status == FHX_ERR_NO_MEMORY) {
    status = fhx__no_memory(error);
  } else {
    status = fhx__response_problem(&problem, response, error);
  }
  fhx__export_request_free(&wanted);
  return status;
}
