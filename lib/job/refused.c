/*
 * How many refused resources a job bears. What a task has refused it knows itself; the sum over all
 * tasks is in the job's record, which is read only when a limit is set and there is something new.
 */
#include "job/refused.h"

#include <string.h>

#include "core/error.h"

#define PERMILLE 1000

static bool give_up(fhx__work *work, uint64_t refused, uint64_t limit) {
  fhx_error *error = NULL;
  fhx__fail(&error, FHX_ERR_LIMIT,
            "%llu resources were refused, and at %llu this server gives an export up",
            (unsigned long long)refused, (unsigned long long)limit);
  return fhx__work_fail(work, error);
}

bool fhx__refused_judge(fhx__work *work, uint64_t refused) {
  uint64_t limit = work->job->definition.bad_rows_limit;
  return limit == 0 || refused < limit || give_up(work, refused, limit);
}

/* What the job's tasks have recorded. */
static bool read_counts(fhx__work *work, uint64_t *refused, uint64_t *exported) {
  fhx__job_entry entry;
  fhx_error *error = NULL;
  memset(&entry, 0, sizeof entry);
  int32_t status =
      fhx__step_read_job(work->job->store, work->job->record->job_id, 0, &entry, &error);
  *refused = entry.record.error_count;
  *exported = entry.record.resource_count;
  fhx__job_entry_free(&entry);
  return fhx__work_after_step(work, status, error);
}

bool fhx__refused_judge_recorded(fhx__work *work, uint64_t more) {
  uint64_t refused = 0, exported = 0;
  if (more == 0 || work->job->definition.bad_rows_limit == 0) return true;
  return read_counts(work, &refused, &exported) && fhx__refused_judge(work, refused + more);
}

bool fhx__refused_judge_all(fhx__work *work) {
  const fhx__definition *definition = &work->job->definition;
  uint64_t refused = 0, exported = 0;
  uint64_t permille = definition->bad_rows_permille_limit;
  if (definition->bad_rows_limit == 0 && permille == 0) return true;
  if (!read_counts(work, &refused, &exported)) return false;
  if (!fhx__refused_judge(work, refused)) return false;
  uint64_t read = refused + exported;
  if (permille == 0 || refused == 0 || refused * PERMILLE < permille * read) return true;
  fhx_error *error = NULL;
  fhx__fail(&error, FHX_ERR_LIMIT,
            "%llu of %llu resources were refused, and at %llu of a thousand this server gives an "
            "export up",
            (unsigned long long)refused, (unsigned long long)read, (unsigned long long)permille);
  return fhx__work_fail(work, error);
}
