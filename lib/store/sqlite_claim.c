/* The SQLite store's claim_task: which task is given out, and to whom. */
#include <stdio.h>

#include "store/sqlite_store.h"

#define REASON_MAX 160

typedef struct claim {
  const char *id;
  int64_t lease_until_us;
  uint32_t attempts_max;
  fhx_reply *reply;
  /* The earliest lapse of a lease or hold among the jobs that had nothing to give; 0 for none. */
  int64_t lapse_us;
} claim;

/* The task that the claim holds already, since the answer to its first call was lost; FHX_END if
   there is none. `job_key` 0: of any job. */
static int32_t give_again(fhx__sqlite *db, const claim *claimed, int64_t job_key) {
  sqlite3_stmt *held = fhx__sqlite_statement(db, FHX__SQL_TASK_HELD);
  fhx__sqlite_bind_text(db, held, 1, claimed->id);
  fhx__sqlite_bind_integer(db, held, 2, job_key);
  if (!fhx__sqlite_row(db, held)) return db->code == SQLITE_OK ? FHX_END : FHX_ERR_STORE;
  const int64_t key = sqlite3_column_int64(held, 0);
  const uint32_t index = fhx__sqlite_small(held, 1);
  sqlite3_stmt *renew = fhx__sqlite_statement(db, FHX__SQL_TASK_RENEW);
  fhx__sqlite_bind_integer(db, renew, 1, key);
  fhx__sqlite_bind_count(db, renew, 2, index);
  fhx__sqlite_bind_integer(db, renew, 3, claimed->lease_until_us);
  fhx__sqlite_bind_integer(db, renew, 4, 0);
  int32_t status = fhx__sqlite_run(db, renew);
  return status == FHX_OK ? fhx__sqlite_reply_task(db, key, index, claimed->reply) : status;
}

/* A new attempt. Without a token the task begins again, so what it has recorded goes first. */
static int32_t give_out(fhx__sqlite *db, const claim *claimed, int64_t job_key, uint32_t index,
                        bool has_token) {
  if (!has_token) {
    fhx__sqlite_run_for(db, FHX__SQL_PART_DELETE, job_key, index);
    fhx__sqlite_run_for(db, FHX__SQL_LINE_DELETE, job_key, index);
    fhx__sqlite_run_for(db, FHX__SQL_TASK_EMPTY, job_key, index);
  }
  sqlite3_stmt *statement = fhx__sqlite_statement(db, FHX__SQL_TASK_CLAIM);
  fhx__sqlite_bind_integer(db, statement, 1, job_key);
  fhx__sqlite_bind_count(db, statement, 2, index);
  fhx__sqlite_bind_text(db, statement, 3, claimed->id);
  fhx__sqlite_bind_integer(db, statement, 4, claimed->lease_until_us);
  fhx__sqlite_run(db, statement);
  int32_t status = fhx__sqlite_run_for(db, FHX__SQL_ATTEMPT_INSERT, job_key, index);
  return status == FHX_OK ? fhx__sqlite_reply_task(db, job_key, index, claimed->reply) : status;
}

/* Task 0 begins again without the members that an earlier attempt found. While there are more than
   one step drops it is nobody's, so that this attempt, if it still lives, adds none to the rest. */
static int32_t forget_members(fhx__sqlite *db, claim *claimed, int64_t job_key,
                              uint32_t attempt_count) {
  int32_t status = fhx__sqlite_drop_members(db, job_key);
  if (status != FHX_WAIT) return status;
  claimed->lapse_us = db->now_us;
  status = fhx__sqlite_put_back(db, job_key, 0, attempt_count);
  return status == FHX_OK ? FHX_WAIT : status;
}

static int32_t fail_job(fhx__sqlite *db, int64_t job_key, int32_t why, const char *reason) {
  int32_t status = fhx__sqlite_fail_job(db, job_key, why, reason);
  return status == FHX_OK ? FHX_END : status;
}

static const char *work_of(int64_t phase) {
  switch (phase) {
    case FHX_PHASE_PLAN:
      return "planning the export";
    case FHX_PHASE_FINISH:
      return "finishing the export";
    case FHX_PHASE_DELETED:
      return "the deletions";
    default:
      return "the export";
  }
}

/* The attempts are used up: the job fails, for a reason that names the type and no ids. */
static int32_t give_up(fhx__sqlite *db, int64_t job_key, int64_t phase, const char *resource_type,
                       uint32_t attempt_count) {
  char reason[REASON_MAX];
  snprintf(reason, sizeof reason, "%s%s%s came to no end in %u attempts", work_of(phase),
           *resource_type == '\0' ? "" : " of ", resource_type, attempt_count);
  return fail_job(db, job_key, FHX_ERR_LIMIT, reason);
}

/* A task that could go on and no longer can: to begin again would make anew what a client may have
   read already, on a page that never changes. */
static int32_t lose_pages(fhx__sqlite *db, int64_t job_key, const char *resource_type) {
  char reason[REASON_MAX];
  snprintf(
      reason, sizeof reason,
      "the export of %s cannot go on where it stopped, and cannot begin again, since a part of "
      "it was handed out",
      resource_type);
  return fail_job(db, job_key, FHX_ERR_LIMIT, reason);
}

static void note_lapse_at(claim *claimed, int64_t lapse_us) {
  if (claimed->lapse_us == 0 || lapse_us < claimed->lapse_us) claimed->lapse_us = lapse_us;
}

/* Notes when the first lease of the job's open phase lapses. */
static int32_t note_lapse(fhx__sqlite *db, claim *claimed, int64_t job_key, int64_t phase) {
  sqlite3_stmt *statement = fhx__sqlite_statement(db, FHX__SQL_TASK_LAPSE);
  fhx__sqlite_bind_integer(db, statement, 1, job_key);
  fhx__sqlite_bind_integer(db, statement, 2, phase);
  if (!fhx__sqlite_row(db, statement)) return FHX_ERR_STORE;
  note_lapse_at(claimed, sqlite3_column_int64(statement, 0));
  return FHX_WAIT;
}

/* A task of a running job: FHX_OK, FHX_WAIT when all are held, FHX_END when the job has failed. */
static int32_t claim_of_job(fhx__sqlite *db, claim *claimed, int64_t job_key) {
  sqlite3_stmt *lowest = fhx__sqlite_statement(db, FHX__SQL_TASK_PHASE);
  fhx__sqlite_bind_integer(db, lowest, 1, job_key);
  if (!fhx__sqlite_row(db, lowest)) return db->code == SQLITE_OK ? FHX_WAIT : FHX_ERR_STORE;
  const int64_t phase = sqlite3_column_int64(lowest, 0);
  sqlite3_stmt *found = fhx__sqlite_statement(db, FHX__SQL_TASK_FREE);
  fhx__sqlite_bind_integer(db, found, 1, job_key);
  fhx__sqlite_bind_integer(db, found, 2, phase);
  fhx__sqlite_bind_integer(db, found, 3, db->now_us);
  if (!fhx__sqlite_row(db, found)) {
    return db->code == SQLITE_OK ? note_lapse(db, claimed, job_key, phase) : FHX_ERR_STORE;
  }
  const bool has_token = sqlite3_column_int(found, 4) == 0;
  const bool has_pages = fhx__sqlite_count(found, 3) != 0;
  const uint32_t attempt_count = fhx__sqlite_small(found, 1);
  const char *resource_type = fhx__sqlite_text(db, found, 2);
  if (resource_type == NULL) return FHX_ERR_STORE;
  if (attempt_count >= claimed->attempts_max) {
    return give_up(db, job_key, phase, resource_type, attempt_count);
  }
  if (has_pages && !has_token) return lose_pages(db, job_key, resource_type);
  const uint32_t index = fhx__sqlite_small(found, 0);
  int32_t status = FHX_OK;
  if (index == 0 && !has_token) status = forget_members(db, claimed, job_key, attempt_count);
  return status == FHX_OK ? give_out(db, claimed, job_key, index, has_token) : status;
}

/* The running job whose turn it is, of those that have a task to give and are nobody's. */
static int32_t claim_of_any(fhx__sqlite *db, claim *claimed) {
  int32_t status = FHX_END;
  bool has_running = false;
  int64_t turn = 0, job_key = 0;
  for (;;) {
    sqlite3_stmt *next = fhx__sqlite_statement(db, FHX__SQL_JOB_NEXT_TURN);
    fhx__sqlite_bind_integer(db, next, 1, turn);
    fhx__sqlite_bind_integer(db, next, 2, job_key);
    if (!fhx__sqlite_row(db, next)) break;
    job_key = sqlite3_column_int64(next, 0);
    const int64_t held_until_us = sqlite3_column_int64(next, 1);
    turn = sqlite3_column_int64(next, 2);
    if (held_until_us > db->now_us) {
      note_lapse_at(claimed, held_until_us);
      has_running = true;
      continue;
    }
    status = claim_of_job(db, claimed, job_key);
    if (status == FHX_OK) status = fhx__sqlite_run_for(db, FHX__SQL_TURN_TAKE, job_key, 0);
    if (status <= FHX_OK) return status;
    if (status == FHX_WAIT) has_running = true;
  }
  if (db->code != SQLITE_OK) return FHX_ERR_STORE;
  return has_running ? FHX_WAIT : FHX_END;
}

static int32_t claim_task(fhx__sqlite *db, const char *job_id, claim *claimed) {
  fhx__sqlite_job job = {0, FHX_JOB_RUNNING, 0};
  int32_t status = FHX_OK;
  if (job_id != NULL) status = fhx__sqlite_find_job(db, job_id, &job);
  if (status != FHX_OK) return status;
  if (job.state != FHX_JOB_RUNNING) return FHX_END;
  status = give_again(db, claimed, job.key);
  if (status != FHX_END) return status;
  status = job_id == NULL ? claim_of_any(db, claimed) : claim_of_job(db, claimed, job.key);
  return status == FHX_WAIT ? fhx__sqlite_wait_until(db, claimed->lapse_us) : status;
}

void fhx__sqlite_claim_task(void *user_data, const char *job_id, const char *claim_id,
                            int64_t lease_us, uint32_t attempts_max, fhx_reply *reply) {
  fhx__sqlite *db = user_data;
  int32_t status = fhx__sqlite_begin(db, true, reply);
  claim claimed = {claim_id, fhx__sqlite_lease_end(db, lease_us), attempts_max, reply, 0};
  if (status == FHX_OK) status = claim_task(db, job_id, &claimed);
  fhx__sqlite_end(db, status, reply);
}
