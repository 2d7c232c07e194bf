/*
 * What is told of requests: how long they took, what failed, and, for the audit, who has asked for
 * which job and got it or not. Of a URL only ids that have the form of ours are told, of parameters
 * only the names.
 */
#include <stdio.h>
#include <string.h>

#include "core/clock.h"
#include "protocol/response.h"
#include "protocol/service.h"

static const char *level_name(fhx__export_level level) {
  switch (level) {
    case FHX__LEVEL_PATIENT:
      return "patient";
    case FHX__LEVEL_GROUP:
      return "group";
    default:
      return "system";
  }
}

/* A method may be any text of the client's. */
static const char *method_name(const char *method) {
  static const char *const names[] = {"GET", "HEAD", "POST", "DELETE", "PUT", "PATCH", "OPTIONS"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    if (strcmp(method, names[i]) == 0) return names[i];
  }
  return "other";
}

static const char *outcome_of(uint32_t http) {
  if (http < 400) return "given";
  return http < 500 ? "refused" : "failed";
}

/* --- the audit --- */

/* FHX__EVENT_AUDIT_...; -1: what is not audited: polls of what runs, or come too soon. */
static int audit_kind(const fhx__call *call, uint32_t http) {
  switch (call->route) {
    case FHX__ROUTE_KICK_OFF:
      return FHX__EVENT_AUDIT_KICK_OFF;
    case FHX__ROUTE_CANCEL:
      return FHX__EVENT_AUDIT_CANCEL;
    case FHX__ROUTE_FILE:
      return FHX__EVENT_AUDIT_FILE;
    case FHX__ROUTE_STATUS:
      if (call->is_listed || (http >= 400 && http < 500 && http != 429)) {
        return FHX__EVENT_AUDIT_MANIFEST;
      }
      return -1;
    default:
      return -1;
  }
}

static void add_ids(fhx_log_event *event, const fhx__call *call) {
  const char *job_id = *call->started_id != '\0' ? call->started_id : call->job_id;
  if (job_id != NULL && strlen(job_id) == FHX__JOB_ID_LEN && fhx__is_job_id(job_id)) {
    fhx__event_text(event, "job", job_id);
  }
  if (call->file != NULL && fhx__is_part_name(call->file) && strchr(call->file, '/') == NULL) {
    fhx__event_text(event, "file", call->file);
  }
}

static const char *why_refused(const fhx__call *call, uint32_t http) {
  if (call->why != NULL) return call->why;
  return http == 404 ? "unknown" : NULL;
}

static void tell_audit(const fhx__call *call, const fhx_response *response, uint32_t http) {
  fhx_log_event event;
  const int kind = audit_kind(call, http);
  const char *why = http < 400 ? NULL : why_refused(call, http);
  if (kind < 0) return;
  fhx__event_begin(&event, call->service->watch, (fhx__event_kind)kind);
  if (http >= 400) event.level = FHX_LOG_WARNING;
  fhx__event_text(&event, "tenant", call->tenant);
  fhx__event_text(&event, "client", call->client);
  add_ids(&event, call);
  fhx__event_text(&event, "method", method_name(call->request->method));
  if (call->route == FHX__ROUTE_KICK_OFF) {
    fhx__event_text(&event, "scope", level_name(call->level));
    fhx__event_text(&event, "parameters", call->parameters);
  }
  fhx__event_count(&event, "http", http);
  fhx__event_text(&event, "outcome", outcome_of(http));
  if (why != NULL) fhx__event_text(&event, "why", why);
  if (response != NULL && response->watch != NULL) {
    fhx__event_count(&event, "offset", response->offset);
    fhx__event_count(&event, "length", response->announced);
  }
  fhx__event_tell(&event);
}

/* --- every request --- */

static void tell_fault(const fhx__call *call, const fhx_response *response, uint32_t http) {
  fhx_log_event event;
  const int32_t fault = response == NULL ? FHX_ERR_NO_MEMORY : response->fault;
  if (response != NULL && (fault == FHX_OK || http < 500)) return;
  fhx__event_begin(&event, call->service->watch, FHX__EVENT_REQUEST_FAILED);
  add_ids(&event, call);
  fhx__event_text(&event, "route", fhx__route_name(call->route));
  fhx__event_count(&event, "http", http);
  fhx__event_text(&event, "status", fhx_status_name(fault));
  fhx__event_tell(&event);
}

void fhx__observe_answer(const fhx__call *call, const fhx_response *response) {
  fhx__watch *watch = call->service->watch;
  const uint32_t http = response == NULL ? 500 : response->status;
  fhx__watch_answer(watch, call->route, http, fhx__clock_monotonic_us() - call->began_us);
  if (http == 429 && call->route == FHX__ROUTE_KICK_OFF) {
    fhx__watch_add(watch, FHX__COUNT_THROTTLED_KICK_OFFS, 1);
  }
  if (http == 429 && call->route == FHX__ROUTE_STATUS) {
    fhx__watch_add(watch, FHX__COUNT_THROTTLED_POLLS, 1);
  }
  tell_fault(call, response, http);
  tell_audit(call, response, http);
}

void fhx__observe_file(const fhx__call *call, fhx_response *response) {
  if (call->head) return;
  response->watch = fhx__watch_ref(call->service->watch);
  response->announced = response->length;
  snprintf(response->job_id, sizeof response->job_id, "%s", call->job_id);
  snprintf(response->file, sizeof response->file, "%s", call->file);
}

void fhx__observe_start(fhx__call *call, fhx_job *job) {
  fhx_log_event event;
  fhx__watch *watch = call->service->watch;
  job->watch = watch;
  snprintf(call->started_id, sizeof call->started_id, "%s", fhx_job_id(job));
  fhx__watch_add(watch, FHX__COUNT_JOBS_CREATED, 1);
  fhx__event_begin(&event, watch, FHX__EVENT_JOB_CREATED);
  fhx__event_text(&event, "job", call->started_id);
  fhx__event_text(&event, "scope", level_name(call->level));
  fhx__event_tell(&event);
}
