/* What can be said at the start of a Group and of patients that an export names. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/alloc.h"
#include "core/clock.h"
#include "core/error.h"
#include "job/member_walk.h"
#include "job/roster.h"

/* --- for how long --- */

/* How long a client waits for what is asked of the source (KICK-23). */
#define CHECK_US INT64_C(350000)

static bool is_late(int64_t deadline_us) {
  return fhx__clock_monotonic_us() >= deadline_us;
}

/* --- membership --- */

/* Which of the filter's patients were found in the Group. */
typedef struct search {
  const fhx_filter *filter;
  bool *found;
  size_t left;
  int64_t deadline_us;
  bool is_late;
} search;

static int compare_ids(const void *id, const void *patient) {
  return strcmp(id, *(char *const *)patient);
}

static int32_t take_member(void *context, const char *group_id, size_t position,
                           const fhx__member *member, fhx_error **error) {
  search *at = context;
  (void)group_id;
  (void)position;
  (void)error;
  at->is_late = is_late(at->deadline_us);
  if (at->is_late) return FHX_END;
  bool is_patient = member != NULL && member->kind == FHX__MEMBER_REFERENCE &&
                    strcmp(member->type, "Patient") == 0;
  if (!is_patient) return FHX_OK;
  char *const *patients = at->filter->patients;
  char *const *place =
      bsearch(member->id, patients, at->filter->patient_count, sizeof *patients, compare_ids);
  if (place == NULL || at->found[place - patients]) return FHX_OK;
  at->found[place - patients] = true;
  return --at->left == 0 ? FHX_END : FHX_OK;
}

static int32_t refuse(const char *patient_id, const char *why, fhx__roster_refusal *refusal,
                      fhx_error **error) {
  if (refusal != NULL) snprintf(refusal->patient_id, sizeof refusal->patient_id, "%s", patient_id);
  return fhx__fail(error, FHX_ERR_NOT_FOUND, "patient: one of the references %s", why);
}

static int32_t refuse_strangers(const search *at, fhx__roster_refusal *refusal, fhx_error **error) {
  for (size_t i = 0; i < at->filter->patient_count; i++) {
    if (at->found[i]) continue;
    return refuse(at->filter->patients[i], "is to a patient who is not a member of the Group",
                  refusal, error);
  }
  return FHX_OK;
}

/* What is too much of a Group is so at the next attempt too, unlike a limit that passes. */
static int32_t refuse_size(fhx_error **error) {
  fhx_error *limit = error == NULL ? NULL : *error;
  if (fhx_error_retryable(limit) != 0) return FHX_ERR_LIMIT;
  if (error != NULL) *error = NULL;
  int32_t status = fhx__fail(error, FHX_ERR_UNSUPPORTED, "%s", fhx_error_message(limit));
  fhx_error_free(limit);
  return status;
}

/* Without patients only the Group itself is looked at; with them, its members until all are found.
 */
static int32_t check_group(const fhx_job *job, const fhx_job_record *record, int64_t deadline_us,
                           fhx__roster_refusal *refusal, fhx_error **error) {
  search at = {.filter = job->definition.filter,
               .left = job->definition.filter->patient_count,
               .deadline_us = deadline_us};
  fhx__member_walk walk = {
      .job = job, .record = record, .take = take_member, .context = &at, .head_only = at.left == 0};
  at.found = fhx__alloc_zeroed(at.left + 1, sizeof *at.found);
  if (at.found == NULL) return fhx__no_memory(error);
  int32_t status = fhx__member_walk_run(&walk, error);
  fhx__member_walk_free(&walk);
  if (status == FHX_END) status = FHX_OK;
  if (status == FHX_ERR_LIMIT) status = refuse_size(error);
  if (status == FHX_OK && !walk.is_blind && !at.is_late)
    status = refuse_strangers(&at, refusal, error);
  fhx__free(at.found);
  return status;
}

/* --- existence --- */

static int32_t check_patient(const fhx_job *job, const fhx_query *query, const char *id,
                             fhx__roster_refusal *refusal, fhx_error **error) {
  char reference[sizeof "Patient/" + FHX__ID_MAX];
  fhx_reply reply;
  snprintf(reference, sizeof reference, "Patient/%s", id);
  int32_t status = fhx__source_read_resource(job->source, query, reference, &reply, error);
  fhx__reply_end(&reply);
  if (status != FHX_ERR_NOT_FOUND && status != FHX_ERR_DENIED) return status;
  if (refusal != NULL) snprintf(refusal->patient_id, sizeof refusal->patient_id, "%s", id);
  if (status == FHX_ERR_DENIED) return status;
  fhx__clear_error(error);
  return refuse(id, "is to a patient who does not exist", refusal, error);
}

static int32_t check_patients(const fhx_job *job, const fhx_job_record *record, int64_t deadline_us,
                              fhx__roster_refusal *refusal, fhx_error **error) {
  const fhx_filter *filter = job->definition.filter;
  fhx_query query;
  fhx__plain_query(record, "Patient", &query);
  for (size_t i = 0; i < filter->patient_count && !is_late(deadline_us); i++) {
    int32_t status = check_patient(job, &query, filter->patients[i], refusal, error);
    if (status == FHX_ERR_UNSUPPORTED) {
      fhx__clear_error(error);
      return FHX_OK;
    }
    if (status != FHX_OK) return status;
  }
  return FHX_OK;
}

int32_t fhx__roster_check(const fhx_job *job, const fhx_job_record *record, bool is_awaited,
                          fhx__roster_refusal *refusal, fhx_error **error) {
  int64_t deadline_us = is_awaited ? fhx__clock_monotonic_us() + CHECK_US : INT64_MAX;
  int32_t status = FHX_OK;
  if (refusal != NULL) *refusal->patient_id = '\0';
  if (job->definition.filter->group_id != NULL) {
    status = check_group(job, record, deadline_us, refusal, error);
  }
  return status == FHX_OK ? check_patients(job, record, deadline_us, refusal, error) : status;
}
