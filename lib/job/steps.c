/* The store's steps, repeated while the answer is lost. */
#include "job/steps.h"

#include <string.h>

#include "core/clock.h"
#include "core/error.h"
#include "store/handle.h"

#define TRIES 6
#define FIRST_PAUSE_US INT64_C(5000)
#define FORGET_US INT64_C(250000)

bool fhx__step_is_definite(int32_t status) {
  return status >= 0 || status == FHX_ERR_REFUSED || status == FHX_ERR_NOT_FOUND ||
         status == FHX_ERR_EXISTS || status == FHX_ERR_UNSUPPORTED;
}

/* One loop of tries: whether to ask again, after a pause that doubles. */
typedef struct tries {
  int count;
  int64_t pause_us;
  /* An earlier try may have been taken although its answer was lost. */
  bool lost;
  /* No more tries from then on; 0: until there were enough. */
  int64_t until_us;
  fhx_store *store;
} tries;

static bool ask_again(tries *loop, int32_t status, fhx_error **error) {
  if (fhx__step_is_definite(status)) return false;
  loop->lost = true;
  if (++loop->count >= TRIES) return false;
  if (loop->until_us != 0 && fhx__clock_monotonic_us() + loop->pause_us >= loop->until_us) {
    return false;
  }
  fhx__store_note_lost(loop->store);
  fhx__clear_error(error);
  fhx__clock_sleep_us(loop->pause_us);
  loop->pause_us *= 2;
  return true;
}

#define TRIES_UNTIL(store, until_us) \
  { 0, FIRST_PAUSE_US, false, until_us, store }
#define TRIES_OF(store) TRIES_UNTIL(store, 0)

/* Turns a definite refusal into success: the step was taken by a try whose answer was lost. */
static int32_t taken_before(fhx_error **error) {
  fhx__clear_error(error);
  return FHX_OK;
}

int32_t fhx__step_create(fhx_store *store, const fhx_job_record *record, int64_t until_us,
                         char joined[FHX__JOB_ID_LEN + 1], fhx_error **error) {
  tries loop = TRIES_UNTIL(store, until_us);
  fhx_store view;
  int32_t status = FHX_OK;
  fhx__store_view(store, until_us, &view);
  do {
    status = fhx__store_join_job(&view, record, joined, error);
    /* Of this step alone the limit is a condition; elsewhere it may be one of the host's own. */
  } while (status != FHX_ERR_LIMIT && ask_again(&loop, status, error));
  /* Ids are 128 random bits: a job of this id is the one that a lost try has made. */
  if (status == FHX_ERR_EXISTS && loop.lost) return taken_before(error);
  return status;
}

int32_t fhx__step_read_job(fhx_store *store, const char *job_id, int64_t until_us,
                           fhx__job_entry *entry, fhx_error **error) {
  tries loop = TRIES_UNTIL(store, until_us);
  fhx_store view;
  int32_t status = FHX_OK;
  fhx__store_view(store, until_us, &view);
  do {
    status = fhx__store_read_job(&view, job_id, entry, error);
  } while (ask_again(&loop, status, error));
  return status;
}

int32_t fhx__step_claim(fhx_store *store, const char *job_id, int64_t lease_us,
                        uint32_t attempts_max, fhx__task_entry *entry, int64_t *wait_us,
                        fhx_error **error) {
  char claim_id[FHX__JOB_ID_LEN + 1];
  int32_t status = fhx__random_job_id(claim_id, error);
  if (status != FHX_OK) return status;
  tries loop = TRIES_OF(store);
  do {
    status = fhx__store_claim_task(store, job_id, claim_id, lease_us, attempts_max, entry, wait_us,
                                   error);
  } while (ask_again(&loop, status, error));
  return status;
}

int32_t fhx__step_renew(fhx_job *job, const fhx_task_record *task, uint64_t last_seq,
                        uint64_t resource_count, fhx_error **error) {
  tries loop = TRIES_OF(job->store);
  int32_t status = FHX_OK;
  do {
    status = fhx__store_renew_task(job->store, task->job_id, task->task_index, task->fence,
                                   last_seq, resource_count, job->lease_us, error);
  } while (ask_again(&loop, status, error));
  return status;
}

static int32_t read_task(fhx_store *store, const char *job_id, uint32_t task_index,
                         fhx__task_entry *entry, fhx_error **error) {
  tries loop = TRIES_OF(store);
  int32_t status = FHX_OK;
  do {
    status = fhx__store_read_task(store, job_id, task_index, entry, error);
  } while (ask_again(&loop, status, error));
  return status;
}

/* What the store holds of a task after a refusal that follows a lost answer. */
typedef struct task_state {
  uint64_t fence;
  uint64_t next_seq;
  uint32_t state;
} task_state;

/*
 * Settles a refusal after a lost answer. *state is what the task has become; FHX_OK when it could
 * be read. Otherwise the outcome stays unknown, and must not be taken for a refusal.
 */
static int32_t read_outcome(fhx_job *job, uint32_t task_index, task_state *state,
                            fhx_error **error) {
  fhx__task_entry entry;
  memset(&entry, 0, sizeof entry);
  int32_t status = read_task(job->store, job->record->job_id, task_index, &entry, NULL);
  if (status == FHX_OK) {
    *state = (task_state){entry.record.fence, entry.record.next_seq, entry.record.state};
  }
  fhx__task_entry_free(&entry);
  if (status == FHX_OK) return FHX_OK;
  fhx__clear_error(error);
  return fhx__fail_with(error, FHX_ERR_UNKNOWN_OUTCOME, 1,
                        "the store's answer was lost and the task could not be read");
}

int32_t fhx__step_plan(fhx_job *job, const fhx_plan *plan, fhx_error **error) {
  tries loop = TRIES_OF(job->store);
  int32_t status = FHX_OK;
  do {
    status = fhx__store_plan_tasks(job->store, plan, error);
  } while (ask_again(&loop, status, error));
  if (status != FHX_ERR_REFUSED || !loop.lost) return status;
  task_state state = {0, 0, 0};
  int32_t known = read_outcome(job, 0, &state, error);
  if (known != FHX_OK) return known;
  bool taken = state.fence == plan->fence && state.state == FHX_TASK_DONE;
  return taken ? taken_before(error) : FHX_ERR_REFUSED;
}

int32_t fhx__step_checkpoint(fhx_job *job, const fhx_checkpoint *checkpoint, bool *taken_over,
                             fhx_error **error) {
  tries loop = TRIES_OF(job->store);
  int32_t status = FHX_OK;
  *taken_over = false;
  do {
    status = fhx__store_record_checkpoint(job->store, checkpoint, error);
  } while (ask_again(&loop, status, error));
  if (status != FHX_ERR_REFUSED || !loop.lost) return status;
  task_state state = {0, 0, 0};
  int32_t known = read_outcome(job, checkpoint->task_index, &state, error);
  if (known != FHX_OK) return known;
  if (state.fence == checkpoint->fence) {
    return state.next_seq == checkpoint->next_seq ? taken_before(error) : FHX_ERR_REFUSED;
  }
  *taken_over = true;
  return FHX_ERR_REFUSED;
}

/* A try that was taken does no harm to the next: no outcome needs to be read. */
int32_t fhx__step_add_members(fhx_job *job, const fhx_members *members, fhx_error **error) {
  tries loop = TRIES_OF(job->store);
  int32_t status = FHX_OK;
  do {
    status = fhx__store_add_members(job->store, members, error);
  } while (ask_again(&loop, status, error));
  return status;
}

int32_t fhx__step_release(fhx_job *job, const fhx_task_record *task, uint32_t how, int32_t status,
                          const char *reason, fhx_error **error) {
  tries loop = TRIES_OF(job->store);
  int32_t outcome = FHX_OK;
  do {
    outcome = fhx__store_release_task(job->store, task->job_id, task->task_index, task->fence, how,
                                      job->definition.attempts_max, status, reason, error);
  } while (ask_again(&loop, outcome, error));
  /* Refused or gone: somebody else has the task, or it is over; nothing is left to give back. */
  if (outcome == FHX_ERR_REFUSED || outcome == FHX_ERR_NOT_FOUND) return taken_before(error);
  return outcome;
}

int32_t fhx__step_remove(fhx_store *store, const char *job_id, int64_t until_us,
                         fhx_error **error) {
  tries loop = TRIES_UNTIL(store, until_us);
  fhx_store view;
  int32_t status = FHX_OK;
  fhx__store_view(store, until_us, &view);
  do {
    status = fhx__store_remove_job(&view, job_id, error);
  } while (ask_again(&loop, status, error));
  if (status == FHX_ERR_NOT_FOUND && loop.lost) return taken_before(error);
  return status;
}

void fhx__step_forget(fhx_store *store, const char *job_id, int64_t until_us) {
  fhx_store view;
  int64_t wait_us = 0;
  /* The patience of the step that has failed may be at its end. */
  if (until_us != 0) until_us = fhx__clock_monotonic_us() + FORGET_US;
  fhx__store_view(store, until_us, &view);
  if (fhx__step_remove(store, job_id, until_us, NULL) == FHX_OK) {
    fhx__store_clean_job(&view, job_id, &wait_us, NULL);
  }
}

int32_t fhx__step_clean(fhx_job *job, int64_t *wait_us, fhx_error **error) {
  tries loop = TRIES_OF(job->store);
  int32_t status = FHX_OK;
  do {
    status = fhx__store_clean_job(job->store, job->record->job_id, wait_us, error);
  } while (ask_again(&loop, status, error));
  /* Another runner has cleaned it. */
  if (status == FHX_ERR_REFUSED || status == FHX_ERR_NOT_FOUND) return taken_before(error);
  return status;
}

int32_t fhx__step_list_parts(fhx_job *job, uint32_t after_task, uint64_t after_seq, uint32_t limit,
                             int64_t until_us, fhx__buffer *parts, fhx_error **error) {
  tries loop = TRIES_UNTIL(job->store, until_us);
  fhx_store view;
  int32_t status = FHX_OK;
  fhx__store_view(job->store, until_us, &view);
  do {
    parts->len = 0;
    status = fhx__store_list_parts(&view, job->record->job_id, after_task, after_seq, limit, parts,
                                   error);
  } while (ask_again(&loop, status, error));
  return status;
}

/* A refusal of a page may only mean that it is there: made by a try whose answer was lost, or by
   somebody else. */
static int32_t settle_page(fhx_job *job, uint32_t page, int64_t until_us, fhx_error **error) {
  fhx__job_entry entry;
  fhx_error *unread = NULL;
  memset(&entry, 0, sizeof entry);
  int32_t status = fhx__step_read_job(job->store, job->record->job_id, until_us, &entry, &unread);
  const uint32_t state = entry.record.state;
  const bool is_there = status == FHX_OK && entry.record.page_count >= page;
  fhx__job_entry_free(&entry);
  if (status != FHX_OK) {
    fhx__clear_error(error);
    if (error == NULL) fhx_error_free(unread);
    if (error != NULL) *error = unread;
    return status;
  }
  if (is_there) return taken_before(error);
  if (state != FHX_JOB_RUNNING && state != FHX_JOB_COMPLETE) return FHX_ERR_REFUSED;
  fhx__clear_error(error);
  return FHX_END;
}

int32_t fhx__step_add_page(fhx_job *job, uint32_t page, uint32_t count_max, int64_t until_us,
                           fhx_error **error) {
  tries loop = TRIES_UNTIL(job->store, until_us);
  fhx_store view;
  int32_t status = FHX_OK;
  fhx__store_view(job->store, until_us, &view);
  do {
    status = fhx__store_add_page(&view, job->record->job_id, page, count_max, error);
  } while (ask_again(&loop, status, error));
  return status == FHX_ERR_REFUSED ? settle_page(job, page, until_us, error) : status;
}

int32_t fhx__step_list_page(fhx_job *job, uint32_t page, uint32_t after_task, uint64_t after_seq,
                            uint32_t limit, int64_t until_us, fhx__buffer *parts,
                            fhx_error **error) {
  tries loop = TRIES_UNTIL(job->store, until_us);
  fhx_store view;
  int32_t status = FHX_OK;
  fhx__store_view(job->store, until_us, &view);
  do {
    parts->len = 0;
    status = fhx__store_list_page(&view, job->record->job_id, page, after_task, after_seq, limit,
                                  parts, error);
  } while (ask_again(&loop, status, error));
  return status;
}

int32_t fhx__step_list_lines(fhx_job *job, uint64_t first, uint32_t limit, fhx_reply *lines,
                             fhx_error **error) {
  tries loop = TRIES_OF(job->store);
  int32_t status =
      fhx__store_list_lines(job->store, job->record->job_id, first, limit, lines, error);
  while (ask_again(&loop, status, error)) {
    fhx__reply_end(lines);
    status = fhx__store_list_lines(job->store, job->record->job_id, first, limit, lines, error);
  }
  return status;
}

int32_t fhx__step_list_jobs(fhx_store *store, uint32_t states, const char *tenant,
                            const char *client, int64_t after_created_us, const char *after_job_id,
                            uint32_t limit, int64_t until_us, fhx__buffer *jobs,
                            fhx_error **error) {
  tries loop = TRIES_UNTIL(store, until_us);
  fhx_store view;
  int32_t status = FHX_OK;
  fhx__store_view(store, until_us, &view);
  do {
    status = fhx__store_list_jobs(&view, states, tenant, client, after_created_us, after_job_id,
                                  limit, jobs, error);
    /* What the caller has got wrong does not get better. */
  } while (status != FHX_ERR_ARGUMENT && ask_again(&loop, status, error));
  return status;
}

int32_t fhx__step_list_attempts(fhx_job *job, uint32_t after_task, uint64_t after_fence,
                                uint32_t limit, fhx__buffer *attempts, fhx_error **error) {
  tries loop = TRIES_OF(job->store);
  int32_t status = FHX_OK;
  do {
    attempts->len = 0;
    status = fhx__store_list_attempts(job->store, job->record->job_id, after_task, after_fence,
                                      limit, attempts, error);
  } while (ask_again(&loop, status, error));
  return status;
}

int32_t fhx__step_list_members(fhx_job *job, uint32_t list, const char *after, uint32_t limit,
                               fhx_reply *members, fhx_error **error) {
  const char *job_id = job->record->job_id;
  tries loop = TRIES_OF(job->store);
  int32_t status = fhx__store_list_members(job->store, job_id, list, after, limit, members, error);
  while (ask_again(&loop, status, error)) {
    fhx__reply_end(members);
    status = fhx__store_list_members(job->store, job_id, list, after, limit, members, error);
  }
  return status;
}
