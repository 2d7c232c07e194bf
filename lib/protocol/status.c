/* Status and cancel (Bulk Data IG, "Bulk Data Status Request", "Bulk Data Delete Request"). */
#include <stdio.h>
#include <string.h>

#include "core/alloc.h"
#include "core/clock.h"
#include "core/error.h"
#include "job/run.h"
#include "manifest/manifest.h"
#include "protocol/response.h"
#include "protocol/service.h"

/* --- who may see a job --- */

static bool may_see(const fhx__call *call, const fhx_job *job) {
  const fhx_filter *filter = job->definition.filter;
  const char *permitted = call->request->permitted_types;
  if (strcmp(job->record->tenant, call->tenant) != 0 ||
      strcmp(job->record->client, call->client) != 0) {
    return false;
  }
  /* A job that is being removed has no filter, and nobody sees it. */
  if (filter == NULL) return false;
  for (size_t i = 0; permitted != NULL && i < filter->type_count; i++) {
    if (!fhx__list_has(permitted, filter->types[i])) return false;
  }
  return true;
}

static bool is_there(const fhx__service *service, const fhx_progress *progress) {
  return fhx_progress_state(progress) != FHX_JOB_REMOVING &&
         !fhx__service_has_expired(service, fhx__progress_ended_us(progress));
}

int32_t fhx__visible_job(fhx__call *call, const char *job_id, fhx_job **job,
                         fhx_progress **progress, fhx_error **error) {
  if (strlen(job_id) != FHX__JOB_ID_LEN || !fhx__is_job_id(job_id)) {
    return fhx__fail(error, FHX_ERR_NOT_FOUND, "there is no such export");
  }
  int32_t status = fhx__service_job(call->service, job_id, call->until_us, job, error);
  if (status != FHX_OK) return status;
  if (may_see(call, *job)) {
    status = fhx__job_progress(*job, call->until_us, progress, error);
    fhx__service_settle(call->service, *job, status, *progress);
    if (status == FHX_OK && is_there(call->service, *progress)) return FHX_OK;
    fhx_progress_free(*progress);
    *progress = NULL;
  }
  fhx__job_unref(*job);
  *job = NULL;
  if (status != FHX_OK) return status;
  return fhx__fail(error, FHX_ERR_NOT_FOUND, "there is no such export");
}

/* The answer when a job could not be had. */
static int32_t answer_absent(int32_t status, const fhx_error *fault, fhx_response **response,
                             fhx_error **error) {
  return status == FHX_ERR_NOT_FOUND ? fhx__response_no_job(response, error)
                                     : fhx__response_fault(fault, response, error);
}

/* --- running --- */

/* Small at first: an export of little data is done in no time (STAT-02). */
static int32_t retry_seconds(int64_t age_us) {
  if (age_us < INT64_C(10000000)) return 1;
  if (age_us < INT64_C(60000000)) return 2;
  return age_us < INT64_C(600000000) ? 5 : 10;
}

static int32_t answer_running(const fhx_job *job, const fhx_progress *progress,
                              fhx_response **response, fhx_error **error) {
  fhx_response *made = NULL;
  int32_t status = fhx__response_new(202, &made, error);
  if (status != FHX_OK) return status;
  int32_t percent = (int32_t)(fhx_progress_share(progress) * 100.0);
  status = fhx__response_add(made, error, "X-Progress", "%d%%, %llu resources", percent,
                             (unsigned long long)fhx__progress_resource_mark(progress));
  if (status == FHX_OK) {
    int64_t age_us = fhx__clock_now_us() - job->record->created_us;
    status = fhx__response_add(made, error, "Retry-After", "%d", retry_seconds(age_us));
  }
  if (status == FHX_OK) status = fhx__response_add(made, error, "Cache-Control", "no-store");
  if (status == FHX_OK) status = fhx__response_add(made, error, "Content-Length", "0");
  if (status != FHX_OK) {
    fhx_response_free(made);
    return status;
  }
  *response = made;
  return FHX_OK;
}

/* --- complete --- */

/* What a link is made of, for the life of a manifest. */
typedef struct links {
  fhx__service *service;
  fhx__buffer prefix;
  char *tenant;
  char job_id[FHX__JOB_ID_LEN + 1];
  uint64_t expires;
} links;

static void release_links(void *context) {
  links *of = context;
  fhx__buffer_free(&of->prefix);
  fhx__free(of->tenant);
  fhx__free(of);
}

static int32_t append_link(void *context, const fhx_part *part, fhx__buffer *url,
                           fhx_error **error) {
  const links *of = context;
  const char *slash = strrchr(fhx_part_name(part), '/');
  const char *named = slash == NULL ? fhx_part_name(part) : slash + 1;
  /* The same file for every client, however it is sent. */
  char file[FHX__PART_NAME_MAX + 1];
  size_t len = strlen(named) - (fhx_part_encoding(part) == FHX_ENCODING_GZIP ? strlen(".gz") : 0);
  memcpy(file, named, len);
  file[len] = '\0';
  fhx__link link = {of->tenant, of->job_id, file, of->expires};
  if (fhx__buffer_append(url, of->prefix.data, of->prefix.len) != FHX_OK) {
    return fhx__no_memory(error);
  }
  return fhx__link_append(&of->service->keys, &link, url, error);
}

static links *make_links(const fhx__call *call, const fhx_job *job, int64_t expires_us) {
  links *made = fhx__alloc_zeroed(1, sizeof *made);
  if (made == NULL) return NULL;
  made->service = call->service;
  made->tenant = fhx__copy_text(job->record->tenant);
  made->expires = (uint64_t)(expires_us / 1000000);
  memcpy(made->job_id, fhx_job_id(job), sizeof made->job_id);
  int32_t status = fhx__buffer_append_text(&made->prefix, call->base_url);
  if (status == FHX_OK) status = fhx__buffer_append_text(&made->prefix, "/$export/");
  if (status == FHX_OK) status = fhx__buffer_append_text(&made->prefix, made->job_id);
  if (status == FHX_OK) status = fhx__buffer_append_text(&made->prefix, "/");
  if (status == FHX_OK && made->tenant != NULL) return made;
  release_links(made);
  return NULL;
}

static int32_t open_manifest(const fhx__call *call, fhx_job *job, int64_t expires_us,
                             fhx_manifest **manifest, fhx_error **error) {
  if (!call->service->serves_files) {
    uint32_t flags = fhx__destination_flags(job->destination);
    fhx__manifest_links own = {NULL,       NULL,
                               NULL,       (flags & FHX_DESTINATION_REQUIRES_TOKEN) != 0,
                               expires_us, FHX__PATIENCE_US};
    return fhx__manifest_open(job, &own, manifest, error);
  }
  links *made = make_links(call, job, expires_us);
  if (made == NULL) return fhx__no_memory(error);
  fhx__manifest_links with = {append_link,   made,
                              release_links, call->service->files_need_token,
                              expires_us,    FHX__PATIENCE_US};
  return fhx__manifest_open(job, &with, manifest, error);
}

/* The earlier of the links' end and the files' (STAT-08). */
static int64_t expiry(const fhx__service *service, int64_t ended_us) {
  int64_t links_us = fhx__clock_now_us() + service->link_us;
  int64_t files_us = ended_us + service->keep_us;
  return links_us < files_us ? links_us : files_us;
}

static int32_t answer_complete(const fhx__call *call, fhx_job *job, int64_t ended_us,
                               fhx_response **response, fhx_error **error) {
  fhx_response *made = NULL;
  char date[FHX__HTTP_DATE_MAX];
  int64_t expires_us = expiry(call->service, ended_us);
  int32_t status = fhx__response_new(200, &made, error);
  if (status != FHX_OK) return status;
  fhx__http_date(date, expires_us);
  status = open_manifest(call, job, expires_us, &made->manifest, error);
  if (status == FHX_OK) {
    status = fhx__response_add(made, error, "Content-Type", "application/json");
  }
  if (status == FHX_OK) status = fhx__response_add(made, error, "Expires", "%s", date);
  if (status == FHX_OK) status = fhx__response_add(made, error, "Cache-Control", "no-store");
  if (status != FHX_OK) {
    fhx_response_free(made);
    return status;
  }
  *response = made;
  return FHX_OK;
}

/* --- too fast --- */

/* Of jobs that the caller may see: nobody can use up another's polls. */
static bool is_too_fast(const fhx__call *call, const fhx_job *job, uint32_t *wait_seconds) {
  *wait_seconds = (uint32_t)retry_seconds(fhx__clock_now_us() - job->record->created_us);
  return !fhx__polls_admit(call->service->polls, fhx_job_id(job), call->service->polls_max,
                           fhx__clock_monotonic_us(), wait_seconds);
}

static int32_t answer_too_fast(uint32_t wait_seconds, fhx_response **response, fhx_error **error) {
  return fhx__response_later(
      429, "throttled", "this export is asked for too often; ask again when Retry-After is over",
      wait_seconds, response, error);
}

int32_t fhx__answer_status(fhx__call *call, const char *job_id, fhx_response **response,
                           fhx_error **error) {
  fhx_job *job = NULL;
  fhx_progress *progress = NULL;
  fhx_error *fault = NULL;
  int32_t status = fhx__visible_job(call, job_id, &job, &progress, &fault);
  if (status != FHX_OK) {
    status = answer_absent(status, fault, response, error);
    fhx_error_free(fault);
    return status;
  }
  uint32_t wait_seconds = 0;
  if (is_too_fast(call, job, &wait_seconds)) {
    fhx_progress_free(progress);
    fhx__job_unref(job);
    return answer_too_fast(wait_seconds, response, error);
  }
  switch (fhx_progress_state(progress)) {
    case FHX_JOB_COMPLETE:
      status = answer_complete(call, job, fhx__progress_ended_us(progress), response, &fault);
      break;
    case FHX_JOB_FAILED:
      status = fhx__response_outcome(500, "error", "exception", fhx_progress_reason(progress),
                                     response, error);
      break;
    default:
      status = answer_running(job, progress, response, error);
      break;
  }
  if (fault != NULL) status = answer_absent(status, fault, response, error);
  fhx_error_free(fault);
  fhx_progress_free(progress);
  fhx__job_unref(job);
  return status;
}

int32_t fhx__answer_cancel(fhx__call *call, const char *job_id, fhx_response **response,
                           fhx_error **error) {
  fhx_job *job = NULL;
  fhx_progress *progress = NULL;
  fhx_error *fault = NULL;
  int32_t status = fhx__visible_job(call, job_id, &job, &progress, &fault);
  if (status == FHX_OK) {
    status = fhx__job_cancel(job, call->until_us, &fault);
    fhx__job_unref(job);
  }
  fhx_progress_free(progress);
  if (status == FHX_OK) {
    fhx__service_forget(call->service, job_id);
    status = fhx__response_outcome(202, "information", "informational",
                                   "the export is cancelled and its files go", response, error);
  } else {
    status = answer_absent(status, fault, response, error);
  }
  fhx_error_free(fault);
  return status;
}
