/* The PostgreSQL store's lists: parts, error lines, attempts, members, jobs, a page at a time. */
#include "store/postgres_store.h"

/* What is listed: the place that it begins at or behind, and how many rows; the statement, and how
   a row of it is answered. */
typedef struct stretch {
  fhx__pg_sql id;
  fhx__pg_give give;
  const char *job_id;
  uint32_t after_task;
  uint64_t after_number;
  uint32_t limit;
} stretch;

static int32_t list_from(fhx__pg_step *step, int64_t job_key, const stretch *wanted) {
  fhx__pg_statement(step, wanted->id);
  fhx__pg_bind_integer(step, job_key);
  fhx__pg_bind_count(step, wanted->after_task);
  fhx__pg_bind_count(step, wanted->after_number);
  fhx__pg_bind_count(step, wanted->limit);
  if (wanted->id == FHX__PG_ATTEMPT_LIST) fhx__pg_bind_integer(step, step->now_us);
  int32_t status = fhx__pg_run(step);
  fhx__pg_answer_with(step, wanted->give);
  return status;
}

static int32_t list_rows(fhx__pg_step *step, const void *arguments) {
  const stretch *wanted = arguments;
  fhx__pg_job job;
  int32_t status = fhx__pg_find_job(step, wanted->job_id, FHX__PG_READ, &job);
  return status == FHX_OK ? list_from(step, job.key, wanted) : status;
}

int32_t fhx__pg_give_part(fhx__pg_step *step, int row, fhx_reply *reply) {
  size_t sha256_len = 0;
  fhx_part_record record;
  FHX_INIT(&record);
  record.task_index = fhx__pg_small(step, row, 0);
  record.seq = fhx__pg_count(step, row, 1);
  record.fence = fhx__pg_count(step, row, 2);
  record.kind = fhx__pg_small(step, row, 3);
  record.name = fhx__pg_text(step, row, 4);
  record.resource_type = fhx__pg_text(step, row, 5);
  record.resource_count = fhx__pg_count(step, row, 6);
  record.byte_count = fhx__pg_count(step, row, 7);
  record.crc32c = fhx__pg_small(step, row, 8);
  record.sha256 = fhx__pg_bytes(step, row, 9, &sha256_len);
  record.stored_byte_count = fhx__pg_count(step, row, 10);
  record.encoding = fhx__pg_small(step, row, 11);
  record.flags = fhx__pg_small(step, row, 12);
  record.error_count = fhx__pg_count(step, row, 13);
  record.warning_count = fhx__pg_count(step, row, 14);
  return step->fault == FHX__PG_FAULT_NONE ? fhx_reply_part(reply, &record) : FHX_ERR_STORE;
}

static int32_t give_attempt(fhx__pg_step *step, int row, fhx_reply *reply) {
  fhx_attempt_record record;
  FHX_INIT(&record);
  record.task_index = fhx__pg_small(step, row, 0);
  record.fence = fhx__pg_count(step, row, 1);
  record.first_seq = fhx__pg_count(step, row, 2);
  record.last_seq = fhx__pg_count(step, row, 3);
  record.finished = fhx__pg_small(step, row, 4);
  record.phase = fhx__pg_small(step, row, 5);
  record.shard_index = fhx__pg_small(step, row, 6);
  record.resource_type = fhx__pg_text(step, row, 7);
  record.alive = fhx__pg_small(step, row, 8);
  return step->fault == FHX__PG_FAULT_NONE ? fhx_reply_attempt(reply, &record) : FHX_ERR_STORE;
}

/* A line or a member. */
static int32_t give_item(fhx__pg_step *step, int row, fhx_reply *reply) {
  size_t len = 0;
  const void *item = fhx__pg_bytes(step, row, 0, &len);
  return fhx_reply_item(reply, item, len);
}

void fhx__pg_list_parts(void *user_data, const char *job_id, uint32_t after_task,
                        uint64_t after_seq, uint32_t limit, fhx_reply *reply) {
  const stretch wanted = {FHX__PG_PART_LIST, fhx__pg_give_part, job_id,
                          after_task,        after_seq,         limit};
  fhx__pg_run_step(user_data, false, list_rows, &wanted, reply);
}

void fhx__pg_list_attempts(void *user_data, const char *job_id, uint32_t after_task,
                           uint64_t after_fence, uint32_t limit, fhx_reply *reply) {
  const stretch wanted = {FHX__PG_ATTEMPT_LIST, give_attempt, job_id,
                          after_task,           after_fence,  limit};
  fhx__pg_run_step(user_data, false, list_rows, &wanted, reply);
}

/* `after_number` is the position of the first line among all of the job. */
static int32_t list_lines(fhx__pg_step *step, const void *arguments) {
  const stretch *wanted = arguments;
  fhx__pg_job job;
  int32_t status = fhx__pg_find_job(step, wanted->job_id, FHX__PG_READ, &job);
  if (status != FHX_OK) return status;
  fhx__pg_statement(step, FHX__PG_LINE_PLACE);
  fhx__pg_bind_integer(step, job.key);
  fhx__pg_bind_count(step, wanted->after_number);
  if (!fhx__pg_row(step)) return fhx__pg_status(step);
  stretch from = *wanted;
  from.after_task = fhx__pg_small(step, 0, 0);
  from.after_number = fhx__pg_count(step, 0, 1);
  return list_from(step, job.key, &from);
}

void fhx__pg_list_lines(void *user_data, const char *job_id, uint64_t first, uint32_t limit,
                        fhx_reply *reply) {
  const stretch wanted = {FHX__PG_LINE_LIST, give_item, job_id, 0, first, limit};
  fhx__pg_run_step(user_data, false, list_lines, &wanted, reply);
}

typedef struct member_list {
  const char *job_id;
  const char *after;
  uint32_t list;
  uint32_t limit;
} member_list;

static int32_t list_members(fhx__pg_step *step, const void *arguments) {
  const member_list *wanted = arguments;
  fhx__pg_job job;
  int32_t status = fhx__pg_find_job(step, wanted->job_id, FHX__PG_READ, &job);
  if (status != FHX_OK) return status;
  fhx__pg_statement(step, FHX__PG_MEMBER_LIST);
  fhx__pg_bind_integer(step, job.key);
  fhx__pg_bind_count(step, wanted->list);
  fhx__pg_bind_text(step, wanted->after);
  fhx__pg_bind_count(step, wanted->limit);
  status = fhx__pg_run(step);
  fhx__pg_answer_with(step, give_item);
  return status;
}

void fhx__pg_list_members(void *user_data, const char *job_id, uint32_t list, const char *after,
                          uint32_t limit, fhx_reply *reply) {
  const member_list wanted = {job_id, after, list, limit};
  fhx__pg_run_step(user_data, false, list_members, &wanted, reply);
}

typedef struct job_list {
  const char *tenant;
  const char *client;
  const char *after_job_id;
  int64_t after_created_us;
  uint32_t states;
  uint32_t limit;
} job_list;

static int32_t list_jobs(fhx__pg_step *step, const void *arguments) {
  const job_list *wanted = arguments;
  fhx__pg_statement(step, wanted->tenant == NULL   ? FHX__PG_JOB_LIST
                          : wanted->client == NULL ? FHX__PG_JOB_LIST_OF_TENANT
                                                   : FHX__PG_JOB_LIST_OF_CLIENT);
  fhx__pg_bind_integer(step, wanted->states);
  fhx__pg_bind_integer(step, step->now_us);
  fhx__pg_bind_integer(step, wanted->after_created_us);
  fhx__pg_bind_text(step, wanted->after_job_id);
  fhx__pg_bind_count(step, wanted->limit);
  if (wanted->tenant != NULL) fhx__pg_bind_text(step, wanted->tenant);
  if (wanted->client != NULL) fhx__pg_bind_text(step, wanted->client);
  int32_t status = fhx__pg_run(step);
  fhx__pg_answer_with(step, fhx__pg_give_job);
  return status;
}

void fhx__pg_list_jobs(void *user_data, uint32_t states, const char *tenant, const char *client,
                       int64_t after_created_us, const char *after_job_id, uint32_t limit,
                       fhx_reply *reply) {
  const job_list wanted = {tenant, client, after_job_id, after_created_us, states, limit};
  fhx__pg_run_step(user_data, false, list_jobs, &wanted, reply);
}
