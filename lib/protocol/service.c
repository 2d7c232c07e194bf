/* The jobs that are open in this process. */
#include "protocol/service.h"

#include <string.h>

#include "core/alloc.h"
#include "core/error.h"
#include "core/host_clock.h"
#include "job/report.h"
#include "job/run.h"

/* How long a destination that could be written to is taken to be so. */
#define WRITABLE_US INT64_C(60000000)
#define BASE_URL_MAX 2048

/* Under the mutex. */
static fhx_job *find(const fhx__service *service, const char *job_id) {
  for (const fhx__open_job *at = service->jobs; at != NULL; at = at->next) {
    if (strcmp(fhx_job_id(at->job), job_id) == 0) return fhx__job_ref(at->job);
  }
  return NULL;
}

int32_t fhx__service_job(fhx__service *service, const char *job_id, int64_t until_us, fhx_job **job,
                         fhx_error **error) {
  pthread_mutex_lock(&service->mutex);
  *job = find(service, job_id);
  pthread_mutex_unlock(&service->mutex);
  if (*job != NULL) return FHX_OK;
  fhx_job *attached = NULL;
  int32_t status = fhx__job_attach(&service->job_options, job_id, until_us, &attached, error);
  if (status != FHX_OK) return status;
  attached->watch = service->watch;
  /* A job that is over needs no shared object. */
  if (attached->record->state != FHX_JOB_RUNNING) {
    *job = attached;
    return FHX_OK;
  }
  fhx__open_job *entry = fhx__alloc(sizeof *entry);
  if (entry == NULL) {
    fhx__job_unref(attached);
    return fhx__no_memory(error);
  }
  pthread_mutex_lock(&service->mutex);
  /* Another thread may have attached to it meanwhile. */
  *job = find(service, job_id);
  if (*job == NULL) {
    entry->job = attached;
    entry->next = service->jobs;
    service->jobs = entry;
    *job = fhx__job_ref(attached);
    entry = NULL;
    attached = NULL;
  }
  pthread_mutex_unlock(&service->mutex);
  fhx__free(entry);
  if (attached != NULL) fhx__job_unref(attached);
  return FHX_OK;
}

int32_t fhx__service_keep(fhx__service *service, fhx_job *job, fhx_error **error) {
  fhx__open_job *entry = fhx__alloc(sizeof *entry);
  if (entry == NULL) return fhx__no_memory(error);
  entry->job = job;
  pthread_mutex_lock(&service->mutex);
  fhx_job *known = find(service, fhx_job_id(job));
  if (known == NULL) {
    entry->next = service->jobs;
    service->jobs = entry;
  }
  pthread_mutex_unlock(&service->mutex);
  /* A worker was faster. */
  if (known != NULL) {
    fhx__job_unref(known);
    fhx__job_unref(job);
    fhx__free(entry);
  }
  return FHX_OK;
}

void fhx__service_forget(fhx__service *service, const char *job_id) {
  fhx__open_job *found = NULL;
  pthread_mutex_lock(&service->mutex);
  for (fhx__open_job **at = &service->jobs; *at != NULL; at = &(*at)->next) {
    if (strcmp(fhx_job_id((*at)->job), job_id) != 0) continue;
    found = *at;
    *at = found->next;
    break;
  }
  pthread_mutex_unlock(&service->mutex);
  if (found == NULL) return;
  fhx__job_unref(found->job);
  fhx__free(found);
}

void fhx__service_settle(fhx__service *service, fhx_job *job, int32_t status,
                         const fhx_progress *progress) {
  if (status != FHX_OK && status != FHX_ERR_NOT_FOUND) return;
  /* Who looks first tells: the job may be forgotten then. */
  if (status == FHX_OK) fhx__report_state(job, progress);
  uint32_t state = status == FHX_OK ? fhx_progress_state(progress) : FHX_JOB_REMOVING;
  if (state == FHX_JOB_RUNNING) return;
  if (state != FHX_JOB_COMPLETE) atomic_store(&job->cancelled, true);
  fhx__service_forget(service, fhx_job_id(job));
}

/* --- destinations of clients --- */

int32_t fhx__service_equip(fhx__service *service, fhx_job *job, fhx_error **error) {
  fhx_destination *destination = NULL;
  if (job->definition.client_url == NULL) return FHX_OK;
  int32_t status = fhx__clients_find(service->clients, fhx_job_id(job), &destination, error);
  if (status != FHX_OK) return status;
  fhx__job_equip(job, destination);
  fhx_destination_free(destination);
  return FHX_OK;
}

bool fhx__service_equip_to_clean(fhx__service *service, fhx_job *job) {
  fhx_error *fault = NULL;
  if (job->definition.client_url == NULL || fhx__job_was_complete(job)) return true;
  int32_t status = fhx__service_equip(service, job, &fault);
  bool may_pass = fhx_error_retryable(fault) != 0 || status == FHX_ERR_NO_MEMORY;
  fhx_error_free(fault);
  if (status == FHX_OK) return true;
  if (may_pass) return fhx__service_has_expired(service, job->record->ended_us);
  return job->record->hold_us == 0;
}

void fhx__service_end_clean(fhx__service *service, const fhx_job *job, int32_t status,
                            const fhx_error *fault) {
  if (job->definition.client_url == NULL) return;
  /* Whoever is refused today will be tomorrow, and nobody is asked for ever. */
  bool is_hopeless = status < 0 && (fhx_error_status(fault) == FHX_ERR_DENIED ||
                                    fhx__service_has_expired(service, job->record->ended_us));
  if (status == FHX_OK || is_hopeless) fhx__clients_remove(service->clients, fhx_job_id(job));
}

void fhx__service_settle_client(fhx__service *service, const fhx_job *job, int32_t status,
                                const fhx_progress *progress) {
  if (job->definition.client_url == NULL) return;
  if (status == FHX_ERR_NOT_FOUND ||
      (status == FHX_OK && fhx_progress_state(progress) == FHX_JOB_COMPLETE)) {
    fhx__clients_remove(service->clients, fhx_job_id(job));
  }
}

void fhx__service_each(fhx__service *service, void (*each)(fhx_job *job)) {
  pthread_mutex_lock(&service->mutex);
  for (const fhx__open_job *at = service->jobs; at != NULL; at = at->next) each(at->job);
  pthread_mutex_unlock(&service->mutex);
}

int32_t fhx__service_visit(fhx__service *service, void (*visit)(fhx_job *job, void *context),
                           void *context, fhx_error **error) {
  fhx__buffer jobs = {NULL, 0, 0};
  int32_t status = FHX_OK;
  pthread_mutex_lock(&service->mutex);
  for (const fhx__open_job *at = service->jobs; status == FHX_OK && at != NULL; at = at->next) {
    status = fhx__buffer_append(&jobs, &at->job, sizeof at->job);
    if (status == FHX_OK) fhx__job_ref(at->job);
  }
  pthread_mutex_unlock(&service->mutex);
  for (size_t i = 0; i < jobs.len / sizeof(fhx_job *); i++) {
    fhx_job *job = NULL;
    memcpy(&job, jobs.data + i * sizeof job, sizeof job);
    visit(job, context);
    fhx__job_unref(job);
  }
  fhx__buffer_free(&jobs);
  return status == FHX_OK ? FHX_OK : fhx__no_memory(error);
}

int64_t fhx__service_files_end_us(const fhx__service *service, int64_t ended_us) {
  return ended_us > INT64_MAX - service->keep_us ? INT64_MAX : ended_us + service->keep_us;
}

bool fhx__service_has_expired(const fhx__service *service, int64_t ended_us) {
  return ended_us != 0 &&
         fhx__host_now_us(&service->clock) > fhx__service_files_end_us(service, ended_us);
}

int32_t fhx__service_check_writable(fhx__service *service, int64_t until_us, fhx_error **error) {
  int64_t now_us = fhx__host_monotonic_us(&service->clock);
  pthread_mutex_lock(&service->mutex);
  bool is_known = now_us < service->writable_until_us;
  pthread_mutex_unlock(&service->mutex);
  if (is_known) return FHX_OK;
  int32_t status = fhx__destination_check(service->job_options.destination, until_us, error);
  if (status != FHX_OK) return status;
  pthread_mutex_lock(&service->mutex);
  service->writable_until_us = now_us + WRITABLE_US;
  pthread_mutex_unlock(&service->mutex);
  return FHX_OK;
}

bool fhx__is_base_url(const char *url) {
  size_t len = strlen(url);
  for (size_t i = 0; i < len; i++) {
    if (url[i] <= ' ' || url[i] > '~' || url[i] == '?' || url[i] == '#') return false;
  }
  size_t scheme = strncmp(url, "https://", 8) == 0 ? 8 : strncmp(url, "http://", 7) == 0 ? 7 : 0;
  return scheme != 0 && len > scheme && len <= BASE_URL_MAX && url[scheme] != '/' &&
         url[len - 1] != '/';
}

void fhx__service_close(fhx__service *service) {
  while (service->jobs != NULL) {
    fhx__open_job *entry = service->jobs;
    service->jobs = entry->next;
    fhx__job_unref(entry->job);
    fhx__free(entry);
  }
  fhx__clients_free(service->clients);
  fhx_source_free(service->job_options.source);
  fhx_destination_free(service->job_options.destination);
  fhx_store_free(service->job_options.store);
  fhx__link_keys_free(&service->keys);
  fhx__export_rules_free(&service->rules);
  fhx__polls_free(service->polls);
  fhx__free(service->base_url);
}
