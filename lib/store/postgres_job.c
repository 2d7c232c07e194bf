/* The PostgreSQL store's steps on whole jobs: create, read, hold, remove, clean, and find one to
   clean. */
#include <string.h>

#include "store/postgres_store.h"

/* How many jobs one step expires at most: it shall take a short time. */
#define EXPIRE_MAX 100

/* When a hold that begins now lapses; 0 for none. */
static int64_t hold_end(const fhx__pg_step *step, int64_t hold_us) {
  return hold_us <= 0 ? 0 : fhx__pg_lease_end(step, hold_us);
}

static const char exists[] = "there is a job of that id";

static int32_t insert_job(fhx__pg_step *step, const fhx_job_record *record) {
  fhx__pg_statement(step, FHX__PG_JOB_INSERT);
  fhx__pg_bind_text(step, record->job_id);
  fhx__pg_bind_integer(step, step->now_us);
  fhx__pg_bind_integer(step, record->transaction_time_us);
  fhx__pg_bind_integer(step, record->resolution_us);
  fhx__pg_bind_text(step, record->tenant);
  fhx__pg_bind_text(step, record->client);
  fhx__pg_bind_text(step, record->request);
  fhx__pg_bind_bytes(step, record->host_context, record->host_context_len);
  fhx__pg_bind_text(step, record->definition);
  fhx__pg_bind_integer(step, hold_end(step, record->hold_us));
  fhx__pg_bind_text(step, record->parameters);
  fhx__pg_bind_bytes(step, record->identity, record->identity == NULL ? 0 : FHX_IDENTITY_LEN);
  if (!fhx__pg_row(step)) {
    if (step->fault != FHX__PG_FAULT_NONE) return FHX_ERR_STORE;
    return fhx__pg_refuse(step, FHX_ERR_EXISTS, exists);
  }
  const int64_t job_key = fhx__pg_integer(step, 0, 0);
  fhx__pg_run_for_job(step, FHX__PG_TASK_INSERT_FIRST, job_key);
  /* It comes behind what was served last, and behind its client's other jobs. */
  fhx__pg_statement(step, FHX__PG_TURN_INSERT);
  fhx__pg_bind_integer(step, job_key);
  fhx__pg_bind_text(step, record->tenant);
  fhx__pg_bind_text(step, record->client);
  return fhx__pg_run(step);
}

static int32_t give_id(fhx__pg_step *step, int row, fhx_reply *reply) {
  const char *job_id = fhx__pg_text(step, row, 0);
  if (step->fault != FHX__PG_FAULT_NONE) return FHX_ERR_STORE;
  return fhx_reply_item(reply, job_id, strlen(job_id));
}

/* Answers with the running job that was created for the same: FHX_OK. FHX_END: there is none. */
static int32_t join_identical(fhx__pg_step *step, const fhx_job_record *record) {
  if (record->identity == NULL) return FHX_END;
  fhx__pg_statement(step, FHX__PG_JOB_IDENTICAL);
  fhx__pg_bind_text(step, record->tenant);
  fhx__pg_bind_text(step, record->client);
  fhx__pg_bind_bytes(step, record->identity, FHX_IDENTITY_LEN);
  if (!fhx__pg_row(step)) return step->fault == FHX__PG_FAULT_NONE ? FHX_END : FHX_ERR_STORE;
  fhx__pg_answer_with(step, give_id);
  return FHX_OK;
}

/* FHX_OK while the record's limits have room for one more running job. */
static int32_t check_limits(fhx__pg_step *step, const fhx_job_record *record) {
  if (record->jobs_max != 0) {
    fhx__pg_statement(step, FHX__PG_JOB_LIMIT);
    fhx__pg_bind_count(step, record->jobs_max - 1);
    if (fhx__pg_row(step)) {
      return fhx__pg_refuse(step, FHX_ERR_LIMIT, "as many jobs run as may run at a time");
    }
  }
  if (record->jobs_per_client_max != 0) {
    fhx__pg_statement(step, FHX__PG_JOB_CLIENT_LIMIT);
    fhx__pg_bind_count(step, record->jobs_per_client_max - 1);
    fhx__pg_bind_text(step, record->tenant);
    fhx__pg_bind_text(step, record->client);
    if (fhx__pg_row(step)) {
      return fhx__pg_refuse(step, FHX_ERR_LIMIT,
                            "as many jobs of this client run as may run at a time");
    }
  }
  return fhx__pg_status(step);
}

static int32_t create_job(fhx__pg_step *step, const void *arguments) {
  const fhx_job_record *record = arguments;
  fhx__pg_job job;
  fhx__pg_statement(step, FHX__PG_JOB_LOCK_CREATION);
  int32_t status = fhx__pg_run(step);
  if (status == FHX_OK) status = fhx__pg_find_job(step, record->job_id, FHX__PG_READ, &job);
  if (status == FHX_OK) return fhx__pg_refuse(step, FHX_ERR_EXISTS, exists);
  if (status == FHX_ERR_NOT_FOUND) status = join_identical(step, record);
  if (status != FHX_END) return status;
  status = check_limits(step, record);
  return status == FHX_OK ? insert_job(step, record) : status;
}

void fhx__pg_create_job(void *user_data, const fhx_job_record *record, fhx_reply *reply) {
  fhx__pg_run_step(user_data, true, create_job, record, reply);
}

int32_t fhx__pg_give_job(fhx__pg_step *step, int row, fhx_reply *reply) {
  fhx_job_record record;
  FHX_INIT(&record);
  record.state = fhx__pg_small(step, row, 0);
  record.job_id = fhx__pg_text(step, row, 1);
  record.tenant = fhx__pg_text(step, row, 2);
  record.client = fhx__pg_text(step, row, 3);
  record.request = fhx__pg_text(step, row, 4);
  record.definition = fhx__pg_text(step, row, 5);
  record.host_context = fhx__pg_bytes(step, row, 6, &record.host_context_len);
  record.transaction_time_us = fhx__pg_integer(step, row, 7);
  record.resolution_us = fhx__pg_integer(step, row, 8);
  record.reason = fhx__pg_text(step, row, 9);
  record.reason_status = (int32_t)fhx__pg_integer(step, row, 10);
  record.cleanup_due = fhx__pg_small(step, row, 11);
  record.created_us = fhx__pg_integer(step, row, 12);
  record.ended_us = fhx__pg_integer(step, row, 13);
  const int64_t held_until_us = fhx__pg_integer(step, row, 14);
  record.hold_us = held_until_us > step->now_us ? held_until_us - step->now_us : 0;
  record.task_count = fhx__pg_count(step, row, 15);
  record.task_done_count = fhx__pg_count(step, row, 16);
  record.resource_count = fhx__pg_count(step, row, 17);
  record.byte_count = fhx__pg_count(step, row, 18);
  record.error_count = fhx__pg_count(step, row, 19);
  record.estimated_resources = fhx__pg_count(step, row, 20);
  record.resource_mark = fhx__pg_count(step, row, 21);
  record.attempt_count = fhx__pg_count(step, row, 22);
  record.is_waiting = record.state == FHX_JOB_RUNNING && fhx__pg_count(step, row, 23) == 0 ? 1 : 0;
  record.retry_count = fhx__pg_count(step, row, 24);
  record.page_count = fhx__pg_small(step, row, 25);
  record.parameters = fhx__pg_text(step, row, 26);
  record.part_count = fhx__pg_count(step, row, 27);
  return step->fault == FHX__PG_FAULT_NONE ? fhx_reply_job(reply, &record) : FHX_ERR_STORE;
}

static int32_t read_job(fhx__pg_step *step, const void *arguments) {
  fhx__pg_statement(step, FHX__PG_JOB_READ);
  fhx__pg_bind_text(step, arguments);
  fhx__pg_bind_integer(step, step->now_us);
  if (!fhx__pg_row(step)) {
    if (step->fault != FHX__PG_FAULT_NONE) return FHX_ERR_STORE;
    return fhx__pg_refuse(step, FHX_ERR_NOT_FOUND, "there is no such job");
  }
  fhx__pg_answer_with(step, fhx__pg_give_job);
  return FHX_OK;
}

void fhx__pg_read_job(void *user_data, const char *job_id, fhx_reply *reply) {
  fhx__pg_run_step(user_data, false, read_job, job_id, reply);
}

static int32_t remove_job(fhx__pg_step *step, const void *arguments) {
  fhx__pg_job job;
  int32_t status = fhx__pg_find_job(step, arguments, FHX__PG_CHANGE, &job);
  if (status != FHX_OK || job.state == FHX_JOB_REMOVING) return status;
  fhx__pg_statement(step, FHX__PG_JOB_REMOVE);
  fhx__pg_bind_integer(step, job.key);
  fhx__pg_bind_integer(step, step->now_us);
  fhx__pg_run(step);
  return fhx__pg_end_turn(step, job.key);
}

void fhx__pg_remove_job(void *user_data, const char *job_id, fhx_reply *reply) {
  fhx__pg_run_step(user_data, true, remove_job, job_id, reply);
}

typedef struct hold {
  const char *job_id;
  int64_t hold_us;
} hold;

static int32_t hold_job(fhx__pg_step *step, const void *arguments) {
  const hold *wanted = arguments;
  fhx__pg_job job;
  int32_t status = fhx__pg_find_job(step, wanted->job_id, FHX__PG_CHANGE, &job);
  if (status != FHX_OK) return status;
  if (job.state != FHX_JOB_RUNNING && job.cleanup_due == 0) {
    return fhx__pg_refuse(step, FHX_ERR_REFUSED, "the job is over");
  }
  fhx__pg_statement(step, FHX__PG_JOB_HOLD);
  fhx__pg_bind_integer(step, job.key);
  fhx__pg_bind_integer(step, hold_end(step, wanted->hold_us));
  return fhx__pg_run(step);
}

void fhx__pg_hold_job(void *user_data, const char *job_id, int64_t hold_us, fhx_reply *reply) {
  const hold wanted = {job_id, hold_us};
  fhx__pg_run_step(user_data, true, hold_job, &wanted, reply);
}

/* FHX_WAIT while a worker may still be writing: FHX_OK when every lease is over. */
static int32_t check_leases(fhx__pg_step *step, int64_t job_key) {
  fhx__pg_statement(step, FHX__PG_JOB_LEASES);
  fhx__pg_bind_integer(step, job_key);
  fhx__pg_bind_integer(step, step->now_us);
  if (!fhx__pg_row(step)) return FHX_ERR_STORE;
  if (fhx__pg_is_null(step, 0, 0)) return FHX_OK;
  return fhx__pg_wait_until(step, fhx__pg_integer(step, 0, 0));
}

/* What there may be millions of goes first, in as many steps as that takes; all else then goes in
   one. */
static int32_t clean_job(fhx__pg_step *step, const void *arguments) {
  fhx__pg_job job;
  int32_t status = fhx__pg_find_job(step, arguments, FHX__PG_CHANGE, &job);
  if (status != FHX_OK) return status;
  if (job.cleanup_due == 0) {
    return fhx__pg_refuse(step, FHX_ERR_REFUSED, "the job has nothing to be cleaned up");
  }
  status = check_leases(step, job.key);
  if (status == FHX_OK) status = fhx__pg_drop_piece(step, FHX__PG_MEMBER_DELETE_PIECE, job.key);
  if (status == FHX_OK) status = fhx__pg_drop_piece(step, FHX__PG_LINE_DELETE_PIECE, job.key);
  if (status == FHX_OK) status = fhx__pg_drop_piece(step, FHX__PG_PART_DELETE_PIECE, job.key);
  if (status != FHX_OK) return status;
  fhx__pg_run_for_job(step, FHX__PG_ATTEMPT_DELETE_ALL, job.key);
  fhx__pg_run_for_job(step, FHX__PG_PAGE_DELETE_ALL, job.key);
  if (job.state != FHX_JOB_REMOVING) {
    return fhx__pg_run_for_job(step, FHX__PG_JOB_CLEANED, job.key);
  }
  fhx__pg_run_for_job(step, FHX__PG_TASK_DELETE_ALL, job.key);
  return fhx__pg_run_for_job(step, FHX__PG_JOB_DELETE, job.key);
}

void fhx__pg_clean_job(void *user_data, const char *job_id, fhx_reply *reply) {
  fhx__pg_run_step(user_data, true, clean_job, job_id, reply);
}

typedef struct search {
  int64_t keep_us;
  const char *after_job_id;
} search;

/* Turns jobs that have been kept long enough into removing ones. */
static int32_t expire_jobs(fhx__pg_step *step, int64_t keep_us) {
  if (keep_us < 0 || step->now_us < INT64_MIN + keep_us) return FHX_OK;
  fhx__pg_statement(step, FHX__PG_JOB_EXPIRE);
  fhx__pg_bind_integer(step, step->now_us - keep_us);
  fhx__pg_bind_integer(step, EXPIRE_MAX);
  return fhx__pg_run(step);
}

static int32_t next_cleanup(fhx__pg_step *step, const void *arguments) {
  const search *wanted = arguments;
  int32_t status = expire_jobs(step, wanted->keep_us);
  if (status != FHX_OK) return status;
  fhx__pg_statement(step, FHX__PG_JOB_NEXT_CLEANUP);
  fhx__pg_bind_text(step, wanted->after_job_id);
  status = fhx__pg_run(step);
  fhx__pg_answer_with(step, give_id);
  return status;
}

void fhx__pg_next_cleanup(void *user_data, int64_t keep_us, const char *after_job_id,
                          fhx_reply *reply) {
  const search wanted = {keep_us, after_job_id};
  fhx__pg_run_step(user_data, keep_us >= 0, next_cleanup, &wanted, reply);
}
