/* Downloads of the files that the engine serves (Bulk Data IG, "Output File Request"). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "core/host_clock.h"
#include "job/run.h"
#include "protocol/content.h"
#include "protocol/service.h"

#define CACHE_CONTROL "private, max-age=3600, immutable"

static const char *parameter(const fhx__target *target, const char *name) {
  for (size_t i = 0; i < target->parameter_count; i++) {
    if (strcmp(target->parameters[i].name, name) == 0) return target->parameters[i].value;
  }
  return NULL;
}

static bool read_expires(const char *text, uint64_t *expires) {
  char *end = NULL;
  if (text == NULL || *text < '0' || *text > '9' || strlen(text) > 12) return false;
  *expires = strtoull(text, &end, 10);
  return *end == '\0';
}

/* What a job's record says of who may have its files. */
typedef struct owner {
  char tenant[FHX__ID_MAX + 2];
  bool found;
  bool may_read;
  /* The job's parts are in gzip. */
  bool is_packed;
} owner;

static int32_t find_owner(fhx__call *call, const char *job_id, owner *of, fhx_error **error) {
  fhx_job *job = NULL;
  fhx_progress *progress = NULL;
  memset(of, 0, sizeof *of);
  if (strlen(job_id) != FHX__JOB_ID_LEN || !fhx__is_job_id(job_id)) return FHX_OK;
  int32_t status = FHX_OK;
  if (call->service->files_need_token) {
    status = fhx__visible_job(call, job_id, &job, &progress, error);
    of->may_read = status == FHX_OK;
  } else {
    /* The record as it is now: another process may have cancelled the job. */
    status = fhx__job_attach(&call->service->job_options, job_id, call->until_us, &job, error);
    of->may_read = status == FHX_OK && job->record->state != FHX_JOB_REMOVING &&
                   !fhx__service_has_expired(call->service, job->record->ended_us);
  }
  fhx_progress_free(progress);
  if (status == FHX_ERR_NOT_FOUND) {
    fhx__clear_error(error);
    return FHX_OK;
  }
  if (status != FHX_OK) return status;
  of->found = true;
  of->is_packed = (job->definition.flags & FHX_JOB_GZIP) != 0;
  memcpy(of->tenant, job->record->tenant, strlen(job->record->tenant) + 1);
  fhx__job_unref(job);
  return FHX_OK;
}

static int32_t no_file(fhx_response **response, fhx_error **error) {
  return fhx__response_outcome(404, "error", "not-found", "there is no such file", response, error);
}

/* FHX_OK when the link is good; else the response is set and the answer FHX_END. */
static int32_t check_link(fhx__call *call, const char *job_id, const char *file, const owner *of,
                          fhx_response **response, fhx_error **error) {
  uint64_t expires = 0;
  const char *signature = parameter(&call->target, "signature");
  bool has_expiry = read_expires(parameter(&call->target, "expires"), &expires);
  fhx__link link = {of->tenant, job_id, file, expires};
  int32_t status = FHX_END;
  if (!of->found || !of->may_read) {
    int32_t made = no_file(response, error);
    return made == FHX_OK ? FHX_END : made;
  }
  if (signature == NULL || !has_expiry ||
      !fhx__link_verify(&call->service->keys, &link, signature)) {
    status =
        fhx__response_outcome(403, "error", "forbidden",
                              "the link is not one that this server has signed", response, error);
    call->why = "bad_link";
  } else if ((int64_t)expires <= fhx__host_now_us(&call->service->clock) / 1000000) {
    status = fhx__response_outcome(410, "error", "expired",
                                   "the link has expired: poll the status URL for a fresh one",
                                   response, error);
    call->why = "expired";
  } else {
    return FHX_OK;
  }
  return status == FHX_OK ? FHX_END : status;
}

/* The name at the destination. */
static int32_t object_name(const char *job_id, const char *file, const owner *of, fhx__buffer *name,
                           fhx_error **error) {
  int32_t status = FHX_OK;
  if (*of->tenant != '\0') {
    status = fhx__buffer_append_text(name, of->tenant);
    if (status == FHX_OK) status = fhx__buffer_append_text(name, "/");
  }
  if (status == FHX_OK) status = fhx__buffer_append_text(name, job_id);
  if (status == FHX_OK) status = fhx__buffer_append_text(name, "/");
  if (status == FHX_OK) status = fhx__buffer_append_text(name, file);
  if (status == FHX_OK && of->is_packed) status = fhx__buffer_append_text(name, ".gz");
  if (status == FHX_OK) status = fhx__buffer_terminate(name);
  return status == FHX_OK ? FHX_OK : fhx__no_memory(error);
}

static int32_t serve(fhx__call *call, const char *job_id, const char *file, const owner *of,
                     fhx_response **response, fhx_error **error) {
  const fhx_request *request = call->request;
  fhx__content sent = {of->is_packed, FHX__CODING_IDENTITY, "", CACHE_CONTROL, 0, -1, NULL};
  fhx__buffer name = {NULL, 0, 0};
  fhx_error *fault = NULL;
  if (of->is_packed) sent.coding = fhx__coding_read(request->headers, request->header_count);
  if (sent.coding == FHX__CODING_NONE) return fhx__content_not_acceptable(response, error);
  /* A part's name is used once and its bytes never change (FILE-14). The two codings differ in
     theirs, so each has a validator of its own. */
  snprintf(sent.etag, sizeof sent.etag, "\"%s%s\"", file,
           sent.coding == FHX__CODING_GZIP ? ".gz" : "");
  int32_t status = object_name(job_id, file, of, &name, &fault);
  if (status == FHX_OK)
    status = fhx__content_open(call->service->job_options.destination, name.data, &sent, &fault);
  fhx__buffer_free(&name);
  if (status == FHX_OK) {
    status = fhx__content_answer(request, &sent, response, error);
    if (status == FHX_OK && sent.descriptor < 0) fhx__observe_file(call, *response);
  } else if (status == FHX_ERR_NOT_FOUND) {
    status = no_file(response, error);
  } else {
    status = fhx__response_fault(fault, response, error);
  }
  fhx__content_close(&sent);
  fhx_error_free(fault);
  return status;
}

int32_t fhx__answer_file(fhx__call *call, const char *job_id, const char *file,
                         fhx_response **response, fhx_error **error) {
  owner of;
  fhx_error *fault = NULL;
  if (!call->service->serves_files || strchr(file, '/') != NULL || !fhx__is_part_name(file)) {
    return no_file(response, error);
  }
  int32_t status = find_owner(call, job_id, &of, &fault);
  if (status != FHX_OK) {
    status = fhx__response_fault(fault, response, error);
    fhx_error_free(fault);
    return status;
  }
  status = check_link(call, job_id, file, &of, response, error);
  if (status == FHX_END) return FHX_OK;
  return status == FHX_OK ? serve(call, job_id, file, &of, response, error) : status;
}
