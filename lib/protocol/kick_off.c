/* The kick-off (Bulk Data IG, "Bulk Data Kick-off Request"): a request becomes a job. */
#include <stdio.h>
#include <string.h>

#include "core/clock.h"
#include "core/error.h"
#include "job/run.h"
#include "protocol/client_kick_off.h"
#include "protocol/response.h"
#include "protocol/service.h"
#include "request/span.h"
#include "writer/part_writer.h"

#define RETRY_SECONDS 30
#define OPERATOR_SECONDS 300

/* A kick-off that was read. */
typedef struct asked {
  fhx__kick_off kick_off;
  fhx__body body;
  fhx__export_request wanted;
  /* The client prefers respond-async with separate-export-status (KICK-13). */
  bool has_separate_status;
} asked;

static bool is_post(const fhx__call *call) {
  return strcmp(call->request->method, "POST") == 0;
}

/* What was found out about the Group or the patients (KICK-17, KICK-18, PARAM-15). */
static int32_t refused_whom(const fhx_error *fault, const char *patient_id, fhx_response **response,
                            fhx_error **error) {
  fhx__problem problem;
  if (fhx_error_status(fault) == FHX_ERR_DENIED) {
    fhx__refuse(&problem, 403, "forbidden",
                "this client may not export the Group or the patients that it has named");
  } else if (*patient_id == '\0') {
    fhx__refuse(&problem, 404, "not-found", "there is no such Group");
  } else {
    fhx__refuse(&problem, 400, "not-found", "%s (Patient/%s)", fhx_error_message(fault),
                patient_id);
  }
  return fhx__response_problem(&problem, response, error);
}

/* A refusal that names the parameter, for what the job found wrong with the request. */
static int32_t refused(const fhx_error *fault, fhx__export_level level, const char *patient_id,
                       fhx_response **response, fhx_error **error) {
  int32_t status = fhx_error_status(fault);
  if (status == FHX_ERR_UNSUPPORTED) {
    return fhx__response_outcome(400, "error", "not-supported", fhx_error_message(fault), response,
                                 error);
  }
  if (level != FHX__LEVEL_SYSTEM && (status == FHX_ERR_NOT_FOUND || status == FHX_ERR_DENIED)) {
    return refused_whom(fault, patient_id, response, error);
  }
  if (status == FHX_ERR_LIMIT) {
    return fhx__response_later(429, "throttled", "too many exports run at present; try again later",
                               RETRY_SECONDS, response, error);
  }
  return fhx__response_fault(fault, response, error);
}

static int32_t accepted(const fhx__call *call, const asked *as, const char *job_id,
                        fhx_response **response, fhx_error **error) {
  fhx_response *made = NULL;
  int32_t status = fhx__response_new(202, &made, error);
  if (status != FHX_OK) return status;
  status =
      fhx__response_add(made, error, "Content-Location", "%s/$export/%s", call->base_url, job_id);
  if (status == FHX_OK && as->has_separate_status) {
    status = fhx__response_add(made, error, "Preference-Applied",
                               "respond-async, separate-export-status");
  }
  if (status == FHX_OK) status = fhx__response_add(made, error, "Content-Length", "0");
  if (status != FHX_OK) {
    fhx_response_free(made);
    return status;
  }
  *response = made;
  return FHX_OK;
}

/* The query as sent, without what says where files go: that is secret, or leads to it. Its pieces
   are those of the parameters that were read, in their order; empty ones count as none. */
static int32_t write_query(const fhx__target *read, const char *query, fhx__buffer *url) {
  fhx__span rest = {query, strlen(query)}, piece = {NULL, 0};
  const char *before = "?";
  int32_t status = FHX_OK;
  for (size_t i = 0; status == FHX_OK && fhx__span_next(&rest, '&', &piece);) {
    if (piece.len == 0) continue;
    if (fhx__is_of_destination(read->parameters[i++].name)) continue;
    status = fhx__buffer_append_text(url, before);
    if (status == FHX_OK) status = fhx__buffer_append(url, piece.text, piece.len);
    before = "&";
  }
  return status;
}

/* The `request` of the manifest: the URL as sent, of a POST without parameters (MAN-06). */
static int32_t write_url(const fhx__call *call, bool names_place, fhx__buffer *url,
                         fhx_error **error) {
  const char *target = call->request->target;
  size_t path_len = strcspn(target, "?");
  size_t len = is_post(call) || names_place ? path_len : strlen(target);
  int32_t status = fhx__buffer_append_text(url, call->base_url);
  if (status == FHX_OK) status = fhx__buffer_append(url, target, len);
  if (status == FHX_OK && names_place && !is_post(call) && target[path_len] == '?') {
    status = write_query(&call->target, target + path_len + 1, url);
  }
  if (status == FHX_OK) status = fhx__buffer_terminate(url);
  return status == FHX_OK ? FHX_OK : fhx__no_memory(error);
}

/* What is named must be there, unless the client is lenient (PARAM-02, PARAM-10). */
static fhx__absent_types absent_types(const fhx__export_request *wanted, bool lenient) {
  if (wanted->takes_permitted) return FHX__ABSENT_DROPPED;
  return lenient ? FHX__ABSENT_NOTED : FHX__ABSENT_REFUSED;
}

static int64_t hold_us(const fhx__service *service, const fhx__client_place *place) {
  return place->destination == NULL ? 0 : fhx__clients_hold_us(service->clients);
}

static uint64_t least(uint64_t a, uint64_t b) {
  return a < b ? a : b;
}

/* How long the client wants files, within what the server allows. One that names a minimum wants no
   number of resources to end a file before it. */
static void set_file_sizes(const fhx__export_request *wanted, fhx_job_options *options) {
  uint64_t most = options->part_bytes == 0 ? FHX__PART_BYTES_DEFAULT : options->part_bytes;
  if (wanted->file_bytes_max != 0) options->part_bytes = least(most, wanted->file_bytes_max);
  if (wanted->file_bytes_min > options->part_bytes_min) {
    options->part_bytes_min = wanted->file_bytes_min;
  }
  if (wanted->file_bytes_min != 0) options->part_count = 0;
  if (options->part_bytes != 0) {
    options->part_bytes_min = least(options->part_bytes_min, options->part_bytes);
  }
}

/* What a start tells besides its status: whom it was refused for, or which job it has joined. */
typedef struct start_notes {
  fhx__roster_refusal refusal;
  char joined[FHX__JOB_ID_LEN + 1];
} start_notes;

static int32_t start(fhx__call *call, const asked *as, const char *job_id,
                     const fhx__client_place *place, start_notes *notes, fhx_job **job,
                     fhx_error **error) {
  fhx__service *service = call->service;
  const fhx__export_request *wanted = &as->wanted;
  fhx__buffer url = {NULL, 0, 0};
  fhx_job_options options = service->job_options;
  options.filter = wanted->filter;
  options.provenance = wanted->provenance;
  options.organize_by = wanted->by_patient ? "Patient" : NULL;
  options.associated_types = wanted->associated_types.data;
  options.ig_version = call->ig_version;
  set_file_sizes(wanted, &options);
  options.tenant = call->tenant;
  options.client = call->client;
  options.host_context = call->request->host_context;
  options.host_context_len = call->request->host_context_len;
  const fhx__job_extras extras = {.jobs_max = service->jobs_max,
                                  .jobs_per_client_max = service->jobs_per_client_max,
                                  .notes = wanted->skipped.data,
                                  .notes_len = wanted->skipped.len,
                                  .absent_types = absent_types(wanted, as->kick_off.lenient),
                                  .has_pages = wanted->allows_partial_manifests,
                                  .has_separate_status = as->has_separate_status,
                                  .job_id = job_id,
                                  .until_us = call->until_us,
                                  .refusal = &notes->refusal,
                                  .client_url = place->url.data,
                                  .hold_us = hold_us(service, place),
                                  .parameters = call->parameters,
                                  .join_base_url = service->joins_identical ? call->base_url : NULL,
                                  .joined = notes->joined};
  if (place->destination != NULL) options.destination = place->destination;
  int32_t status = write_url(call, place->destination != NULL, &url, error);
  options.request = url.data;
  if (status == FHX_OK) {
    status = fhx__job_start(&options, &extras, job, error);
  }
  fhx__buffer_free(&url);
  return status;
}

/* Of what kind a fault is that keeps files from being written, and nothing of where they go. What
   only the server's operator can put right takes longer. */
static const char *unwritable_sentence(const fhx_error *fault, uint32_t *retry_seconds) {
  *retry_seconds = OPERATOR_SECONDS;
  switch (fhx_error_status(fault)) {
    case FHX_ERR_DENIED:
      return "files cannot be written: the server is denied access to its own storage, which its "
             "operator has to put right";
    case FHX_ERR_NOT_FOUND:
      return "files cannot be written: the server's storage is not there as it is configured, "
             "which its operator has to put right";
    case FHX_ERR_NO_SPACE:
      return "files cannot be written: no space is left in the server's storage";
    default:
      break;
  }
  *retry_seconds = RETRY_SECONDS;
  return fhx_error_retryable(fault) != 0
             ? "files cannot be written: the server's storage cannot be reached at present; try "
               "again later"
             : "files cannot be written at present; try again later";
}

/* A destination that cannot be written to is told at once, not by a job that fails (KICK-26). */
static int32_t unwritable(const fhx_error *fault, fhx_response **response, fhx_error **error) {
  uint32_t seconds = 0;
  if (fhx_error_status(fault) == FHX_ERR_NO_MEMORY) return fhx__no_memory(error);
  const char *sentence = unwritable_sentence(fault, &seconds);
  return fhx__response_later(503, "transient", sentence, seconds, response, error);
}

/* The time that a destination has taken to answer is not the store's. */
static int32_t check_writable(fhx__call *call, fhx_error **error) {
  int64_t began_us = fhx__clock_monotonic_us();
  int32_t status = fhx__service_check_writable(call->service, began_us + FHX__PREFLIGHT_US, error);
  call->until_us += fhx__clock_monotonic_us() - began_us;
  return status;
}

/* Whether files can be written where they are to go. FHX_END: they cannot, and the answer is made.
 */
static int32_t open_place(fhx__call *call, const asked *as, fhx__client_place *place,
                          fhx_response **response, fhx_error **error) {
  fhx_error *fault = NULL;
  if (as->wanted.destination.type != NULL) {
    return fhx__client_place_open(call, &as->wanted.destination, place, response, error);
  }
  int32_t status = check_writable(call, &fault);
  if (status == FHX_OK) return FHX_OK;
  status = unwritable(fault, response, error);
  fhx_error_free(fault);
  return status == FHX_OK ? FHX_END : status;
}

/* The job, and before it what only this process or the host's secrets have of it. FHX_END: a job
   was joined. */
static int32_t start_at(fhx__call *call, const asked *as, const char *job_id,
                        const fhx__client_place *place, start_notes *notes, fhx_error **error) {
  fhx__service *service = call->service;
  fhx_job *job = NULL;
  int32_t status = FHX_OK;
  if (place->destination != NULL) {
    status =
        fhx__clients_add(service->clients, job_id, place->container, place->connection_string.data,
                         place->destination, fhx__clock_monotonic_us() + FHX__PATIENCE_US, error);
  }
  if (status != FHX_OK) return status;
  status = start(call, as, job_id, place, notes, &job, error);
  if (status != FHX_OK) {
    if (place->destination != NULL) fhx__clients_remove(service->clients, job_id);
    return status;
  }
  if (place->destination != NULL) fhx__clients_set_stored(service->clients, job_id);
  fhx__observe_start(call, job);
  /* A job that is not kept here is attached to when somebody asks for it. */
  if (fhx__service_keep(service, job, NULL) != FHX_OK) fhx__job_unref(job);
  return FHX_OK;
}

static int32_t start_and_answer(fhx__call *call, const asked *as, const fhx__client_place *place,
                                fhx_response **response, fhx_error **error) {
  start_notes notes = {{""}, ""};
  char job_id[FHX__JOB_ID_LEN + 1];
  fhx_response *made = NULL;
  fhx_error *fault = NULL;
  /* The answer comes first: once the job is stored nothing is left that could fail, so that no
     client is told of a failure while its export runs (KICK-08). */
  int32_t status = fhx__random_job_id(job_id, error);
  if (status == FHX_OK) status = accepted(call, as, job_id, &made, error);
  if (status != FHX_OK) return status;
  status = start_at(call, as, job_id, place, &notes, &fault);
  if (status == FHX_OK) {
    *response = made;
    return FHX_OK;
  }
  fhx_response_free(made);
  if (status == FHX_END) {
    /* Nothing was stored, so nothing is lost if this fails. */
    snprintf(call->started_id, sizeof call->started_id, "%s", notes.joined);
    return accepted(call, as, notes.joined, response, error);
  }
  if (status == FHX_ERR_ARGUMENT) {
    /* The host's own mistake: a tenant or client that cannot be stored. */
    fhx__give_error(error, fault);
    return status;
  }
  status = refused(fault, as->kick_off.level, notes.refusal.patient_id, response, error);
  fhx_error_free(fault);
  return status;
}

static int32_t answer_read(fhx__call *call, const asked *as, fhx_response **response,
                           fhx_error **error) {
  fhx__client_place place;
  memset(&place, 0, sizeof place);
  int32_t status = open_place(call, as, &place, response, error);
  if (status == FHX_OK) status = start_and_answer(call, as, &place, response, error);
  fhx__client_place_free(&place);
  return status == FHX_END ? FHX_OK : status;
}

/* Of a POST the parameters are in the body, and nowhere else (KICK-04, KICK-21, KICK-22). */
static int32_t read_body(const fhx__call *call, fhx__body *body, fhx__problem *problem) {
  const fhx_request *request = call->request;
  if (call->target.parameter_count != 0) {
    return fhx__refuse(problem, 400, "invalid",
                       "a POST has its parameters in a Parameters resource, none in the URL");
  }
  int32_t status = FHX_OK;
  if (request->body_len != 0) {
    status = fhx__content_type_check(request->headers, request->header_count, problem);
  }
  return status == FHX_OK ? fhx__body_read(request->body, request->body_len, body, problem)
                          : status;
}

/* One way for both methods: each gives a list of parameters. */
static int32_t read_kick_off(const fhx__call *call, asked *as, fhx__problem *problem) {
  fhx__preferences preferences;
  fhx__kick_off *kick_off = &as->kick_off;
  fhx__body *body = &as->body;
  const fhx_request *request = call->request;
  int32_t status =
      fhx__preferences_read(request->headers, request->header_count, &preferences, problem);
  if (status == FHX_OK && is_post(call)) status = read_body(call, body, problem);
  if (status != FHX_OK) return status;
  as->has_separate_status = preferences.respond_async && preferences.separate_export_status;
  kick_off->lenient = preferences.handling_lenient;
  kick_off->parameters = is_post(call) ? body->parameters : call->target.parameters;
  kick_off->parameter_count = is_post(call) ? body->parameter_count : call->target.parameter_count;
  return fhx__export_request_read(&call->service->rules, kick_off, &as->wanted, problem);
}

int32_t fhx__answer_kick_off(fhx__call *call, fhx__export_level level, const char *group_id,
                             fhx_response **response, fhx_error **error) {
  fhx__problem problem = {500, "exception", "the server could not answer this request"};
  asked as = {.kick_off = {.level = level,
                           .group_id = group_id,
                           .base_url = call->base_url,
                           .by_ballot = call->ig_version == FHX_IG_STU4_BALLOT,
                           .permitted_types = call->request->permitted_types}};
  int32_t status = read_kick_off(call, &as, &problem);
  fhx__export_parameter_names(&as.kick_off, call->parameters);
  if (status < FHX_OK) call->why = problem.issue_code;
  if (status == FHX_OK) {
    status = answer_read(call, &as, response, error);
  } else if (status == FHX_ERR_NO_MEMORY) {
    status = fhx__no_memory(error);
  } else {
    status = fhx__response_problem(&problem, response, error);
  }
  fhx__export_request_free(&as.wanted);
  fhx__body_free(&as.body);
  return status;
}
