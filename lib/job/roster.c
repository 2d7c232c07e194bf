/* The roster as the store keeps it, in memory: who is exported. How it came into the store is in
   roster_resolve.c and roster_verify.c. */
#include "job/roster.h"

#include <string.h>

#include "core/error.h"
#include "job/roster_parts.h"

void fhx__job_query(const fhx_job *job, const char *resource_type, fhx_query *query) {
  const fhx_job_record *record = job->record;
  memset(query, 0, sizeof *query);
  query->resource_type = resource_type;
  query->as_of_us = record->transaction_time_us;
  query->selection.filter = job->definition.filter;
  query->selection.members = job->members;
  query->selection.new_members = job->new_members;
  query->tenant = record->tenant;
  query->host_context = record->host_context;
  query->host_context_len = record->host_context_len;
}

/* --- from the store --- */

/* Whether the walk, which must move on only upwards, stands at the text. */
static int32_t is_at(fhx__member_list *list, int32_t *status, const char *text, bool *found,
                     fhx_error **error) {
  while (*status == FHX_OK && strcmp(list->text, text) < 0) {
    *status = fhx__member_list_next(list, error);
  }
  *found = *status == FHX_OK && strcmp(list->text, text) == 0;
  return *status == FHX_END ? FHX_OK : *status;
}

/* Adds the patients without the missing ones, if these are given: both lists are sorted. */
static int32_t add_patients(fhx__member_list *patients, fhx__member_list *missing,
                            fhx__roster *roster, fhx_error **error) {
  int32_t missing_status = missing == NULL ? FHX_END : FHX_OK;
  int32_t status = FHX_OK;
  while (status == FHX_OK && (status = fhx__member_list_next(patients, error)) == FHX_OK) {
    bool is_missing = false;
    status = is_at(missing, &missing_status, patients->text, &is_missing, error);
    if (status == FHX_OK && !is_missing) {
      status = fhx__roster_add(roster, patients->text, patients->len, error);
    }
  }
  return status == FHX_END ? fhx__roster_seal(roster, error) : status;
}

static int32_t recall_patients(fhx_job *job, fhx__work *work, bool without_missing,
                               fhx__roster **made, fhx_error **error) {
  fhx__roster *roster = NULL;
  fhx__member_list patients = {.job = job, .work = work, .list = FHX_MEMBERS_PATIENT};
  fhx__member_list missing = {.job = job, .work = work, .list = FHX_MEMBERS_MISSING};
  int32_t status = fhx__roster_new(FHX__ROSTER_MEMORY_MAX, &roster, error);
  if (status == FHX_OK) {
    status = add_patients(&patients, without_missing ? &missing : NULL, roster, error);
  }
  fhx__member_list_free(&patients);
  fhx__member_list_free(&missing);
  if (status != FHX_OK) {
    fhx__roster_free(roster);
    return status;
  }
  *made = roster;
  return FHX_OK;
}

int32_t fhx__roster_candidates(fhx_job *job, fhx__work *work, fhx__roster **roster,
                               fhx_error **error) {
  return recall_patients(job, work, false, roster, error);
}

/* Who is new and exists. */
static int32_t add_new(fhx__member_list *list, const fhx__roster *members, fhx__roster *roster,
                       fhx_error **error) {
  int32_t status = FHX_OK;
  while (status == FHX_OK && (status = fhx__member_list_next(list, error)) == FHX_OK) {
    uint64_t position = 0;
    status = fhx__roster_find(members, list->text, list->len, &position, error);
    if (status == FHX_OK) {
      status = fhx__roster_add(roster, list->text, list->len, error);
    } else if (status == FHX_END) {
      status = FHX_OK;
    }
  }
  return status == FHX_END ? fhx__roster_seal(roster, error) : status;
}

static int32_t recall_new(fhx_job *job, fhx__work *work, const fhx__roster *members,
                          fhx__roster **made, fhx_error **error) {
  fhx__roster *roster = NULL;
  fhx__member_list list = {.job = job, .work = work, .list = FHX_MEMBERS_NEW};
  *made = NULL;
  if ((job->definition.flags & FHX_JOB_NEW_MEMBERS) == 0) return FHX_OK;
  int32_t status = fhx__roster_new(FHX__ROSTER_MEMORY_MAX, &roster, error);
  if (status == FHX_OK) status = add_new(&list, members, roster, error);
  fhx__member_list_free(&list);
  if (status != FHX_OK || fhx__roster_count(roster) == 0) {
    fhx__roster_free(roster);
    return status;
  }
  *made = roster;
  return FHX_OK;
}

int32_t fhx__roster_recall(fhx_job *job, fhx__work *work, fhx__roster **members,
                           fhx__roster **new_members, fhx_error **error) {
  fhx__roster *found = NULL;
  int32_t status = recall_patients(job, work, true, &found, error);
  if (status != FHX_OK) return status;
  status = recall_new(job, work, found, new_members, error);
  if (status != FHX_OK) {
    fhx__roster_free(found);
    return status;
  }
  *members = found;
  return FHX_OK;
}

/* --- the job's --- */

void fhx__roster_keep(fhx_job *job, fhx__roster *members, fhx__roster *new_members) {
  pthread_mutex_lock(&job->mutex);
  bool first = job->members == NULL;
  if (first) {
    job->members = members;
    job->new_members = new_members;
  }
  pthread_mutex_unlock(&job->mutex);
  if (first) return;
  fhx__roster_free(members);
  fhx__roster_free(new_members);
}

int32_t fhx__roster_load(fhx_job *job, fhx__work *work, fhx_error **error) {
  fhx__roster *members = NULL, *new_members = NULL;
  if (job->definition.filter->group_id == NULL) return FHX_OK;
  pthread_mutex_lock(&job->mutex);
  bool loaded = job->members != NULL;
  pthread_mutex_unlock(&job->mutex);
  if (loaded) return FHX_OK;
  /* Other threads may do the same meanwhile; the lock is not held while a store is read. */
  int32_t status = fhx__roster_recall(job, work, &members, &new_members, error);
  if (status == FHX_OK) fhx__roster_keep(job, members, new_members);
  return status;
}
