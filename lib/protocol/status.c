/*
 * Status, further pages of the manifest, and cancel (Bulk Data IG, "Bulk Data Status Request",
 * "Bulk Data Delete Request").
 */
#include <string.h>

#include "core/error.h"
#include "core/host_clock.h"
#include "job/pages.h"
#include "job/report.h"
#include "job/run.h"
#include "protocol/listing.h"
#include "protocol/response.h"
#include "protocol/service.h"

/* The parts of a page at most: a client that reads while the job runs is to see them in time. */
#define PAGE_PARTS 1000

/* --- who may see a job --- */

static bool may_see(const fhx__call *call, const fhx_job *job) {
  const fhx_filter *filter = job->definition.filter;
  const char *permitted = call->request->permitted_types;
  if (call->route == FHX__ROUTE_CANCEL && (call->request->flags & FHX_REQUEST_OPERATOR) != 0) {
    return filter != NULL;
  }
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
  const bool is_theirs = may_see(call, *job);
  if (is_theirs) {
    status = fhx__job_progress(*job, call->until_us, progress, error);
    fhx__service_settle(call->service, *job, status, *progress);
    if (status == FHX_OK && is_there(call->service, *progress)) return FHX_OK;
    fhx_progress_free(*progress);
    *progress = NULL;
  }
  fhx__job_unref(*job);
  *job = NULL;
  if (status != FHX_OK) return status;
  if (!is_theirs) call->why = "not_theirs";
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

/* An answer to a client that asks for a job, at its own URL or at that of a further page. */
typedef struct poll {
  fhx__call *call;
  fhx_job *job;
  const fhx_progress *progress;
  /* From 1, which is the poll URL. */
  uint32_t page;
} poll;

static bool is_running(const poll *of) {
  return fhx_progress_state(of->progress) == FHX_JOB_RUNNING;
}

static int32_t add_progress(const poll *of, fhx_response *made, fhx_error **error) {
  int32_t percent = (int32_t)(fhx_progress_share(of->progress) * 100.0);
  int64_t age_us = fhx__host_now_us(&of->call->service->clock) - of->job->record->created_us;
  const char *waits = fhx__progress_is_waiting(of->progress) ? ", waits for a worker" : "";
  int32_t status =
      fhx__response_add(made, error, "X-Progress", "%d%%, %llu resources%s", percent,
                        (unsigned long long)fhx__progress_resource_mark(of->progress), waits);
  if (status != FHX_OK) return status;
  return fhx__response_add(made, error, "Retry-After", "%d", retry_seconds(age_us));
}

static int32_t answer_running(const poll *of, fhx_response **response, fhx_error **error) {
  fhx_response *made = NULL;
  int32_t status = fhx__response_new(202, &made, error);
  if (status != FHX_OK) return status;
  status = add_progress(of, made, error);
  if (status == FHX_OK) status = fhx__response_add(made, error, "Cache-Control", "no-store");
  if (status == FHX_OK) status = fhx__response_add(made, error, "Content-Length", "0");
  if (status != FHX_OK) {
    fhx_response_free(made);
    return status;
  }
  *response = made;
  return FHX_OK;
}

/* --- too fast --- */

/* Of jobs that the caller may see: nobody can use up another's polls. */
static bool is_too_fast(const poll *of, uint32_t *wait_seconds) {
  fhx__service *service = of->call->service;
  *wait_seconds =
      (uint32_t)retry_seconds(fhx__host_now_us(&service->clock) - of->job->record->created_us);
  return !fhx__polls_admit(service->polls, fhx_job_id(of->job), service->polls_max,
                           fhx__host_monotonic_us(&service->clock), wait_seconds);
}

static int32_t answer_too_fast(uint32_t wait_seconds, fhx_response **response, fhx_error **error) {
  return fhx__response_later(
      429, "throttled", "this export is asked for too often; ask again when Retry-After is over",
      wait_seconds, response, error);
}

/* --- with a manifest --- */

static int32_t answer_listing(const poll *of, uint32_t page, bool has_next, fhx_response **response,
                              fhx_error **error) {
  fhx__listing listing = {of->job, fhx__progress_ended_us(of->progress), page, has_next};
  of->call->is_listed = true;
  int32_t status =
      fhx__response_listing(of->call, &listing, is_running(of) ? 202 : 200, response, error);
  if (status != FHX_OK || !is_running(of)) return status;
  status = add_progress(of, *response, error);
  if (status != FHX_OK) {
    fhx_response_free(*response);
    *response = NULL;
  }
  return status;
}

/* Makes a page if there is something for it: what was made before stays as it is (MAN-20). A job
   that has failed just now makes none, and says so at the next poll. */
static int32_t find_page(const poll *of, uint32_t page, bool *is_there, fhx_error **error) {
  *is_there = page <= fhx__progress_page_count(of->progress);
  if (*is_there) return FHX_OK;
  int32_t status = fhx__job_add_page(of->job, page, PAGE_PARTS, of->call->until_us, error);
  *is_there = status == FHX_OK;
  if (status == FHX_ERR_REFUSED) fhx__clear_error(error);
  return status == FHX_END || status == FHX_ERR_REFUSED ? FHX_OK : status;
}

static int32_t answer_no_page(fhx_response **response, fhx_error **error) {
  return fhx__response_outcome(404, "error", "not-found", "this export has no such page", response,
                               error);
}

/* A page that is not there: of a running job it may come; an export of nothing has its first. */
static int32_t answer_without_page(const poll *of, fhx_response **response, fhx_error **error) {
  uint32_t wait_seconds = 0;
  if (!is_running(of)) {
    return of->page == 1 ? answer_listing(of, 1, false, response, error)
                         : answer_no_page(response, error);
  }
  /* Whoever reads on from page to page does not poll; who asks for what is not there does. */
  if (of->page != 1 && is_too_fast(of, &wait_seconds)) {
    return answer_too_fast(wait_seconds, response, error);
  }
  return answer_running(of, response, error);
}

static int32_t answer_page(const poll *of, fhx_response **response, fhx_error **error) {
  bool is_there = false, has_next = false;
  int32_t status = find_page(of, of->page, &is_there, error);
  if (status != FHX_OK) return status;
  if (!is_there) return answer_without_page(of, response, error);
  if (of->page < UINT32_MAX) status = find_page(of, of->page + 1, &has_next, error);
  if (status != FHX_OK) return status;
  return answer_listing(of, of->page, has_next, response, error);
}

/* --- by the job's state --- */

/* With `separate-export-status` the HTTP status is that of the poll, which went well, and a header
   has that of the job (STAT-13). */
static int32_t keep_apart(fhx_response **response, fhx_error **error) {
  uint32_t status = (*response)->status;
  const char *named = status == 202   ? "202 Accepted"
                      : status == 200 ? "200 OK"
                                      : "500 Internal Server Error";
  (*response)->status = 200;
  return fhx__response_extend(response, error, "X-Export-Status", named);
}

/* Of a destination that the client has named, its credentials were lost or are not good any more.
 */
static int32_t answer_failed(const poll *of, fhx_response **response, fhx_error **error) {
  bool is_denied = of->job->definition.client_url != NULL &&
                   fhx__progress_reason_status(of->progress) == FHX_ERR_DENIED;
  return fhx__response_outcome(500, "error", is_denied ? "security" : "exception",
                               fhx_progress_reason(of->progress), response, error);
}

/* An error is a fault of the server's own, and not the job's. */
static int32_t answer_state(const poll *of, fhx_response **response, fhx_error **error) {
  const fhx__definition *definition = &of->job->definition;
  int32_t status = FHX_OK;
  if (of->page != 1 && !definition->has_pages) return answer_no_page(response, error);
  if (fhx_progress_state(of->progress) == FHX_JOB_FAILED) {
    status = answer_failed(of, response, error);
  } else if (definition->has_pages) {
    status = answer_page(of, response, error);
  } else if (is_running(of)) {
    status = answer_running(of, response, error);
  } else {
    status = answer_listing(of, 0, false, response, error);
  }
  if (status != FHX_OK || !definition->has_separate_status) return status;
  /* A page that is not there, or asked for too often, says nothing of the job. */
  uint32_t http = (*response)->status;
  return http == 404 || http == 429 ? FHX_OK : keep_apart(response, error);
}

static int32_t answer_poll(const poll *of, fhx_response **response, fhx_error **error) {
  uint32_t wait_seconds = 0;
  fhx_error *fault = NULL;
  if (of->page == 1 && is_too_fast(of, &wait_seconds)) {
    return answer_too_fast(wait_seconds, response, error);
  }
  int32_t status = answer_state(of, response, &fault);
  if (status != FHX_OK) status = answer_absent(status, fault, response, error);
  fhx_error_free(fault);
  return status;
}

int32_t fhx__answer_status(fhx__call *call, const char *job_id, uint32_t page,
                           fhx_response **response, fhx_error **error) {
  poll of = {call, NULL, NULL, page};
  fhx_progress *progress = NULL;
  fhx_error *fault = NULL;
  int32_t status = fhx__visible_job(call, job_id, &of.job, &progress, &fault);
  if (status != FHX_OK) {
    status = answer_absent(status, fault, response, error);
    fhx_error_free(fault);
    return status;
  }
  of.progress = progress;
  status = answer_poll(&of, response, error);
  fhx_progress_free(progress);
  fhx__job_unref(of.job);
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
    if (status == FHX_OK) fhx__report_cancelled(job);
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
