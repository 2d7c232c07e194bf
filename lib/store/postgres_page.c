/* The PostgreSQL store's pages: parts that clients may read before the job is complete. */
#include "store/postgres_store.h"

typedef struct page {
  const char *job_id;
  uint32_t page;
  /* How many parts it has at most, or are listed. */
  uint32_t limit;
  /* For a list: the place that it begins behind. */
  uint32_t after_task;
  uint64_t after_seq;
} page;

/* A task with something for a page, and the last of its parts that is on one. */
typedef struct unpaged {
  int64_t job_key;
  uint32_t task_index;
  uint64_t paged_seq;
} unpaged;

/* The first such task behind `after_task`, or false. */
static bool find_unpaged(fhx__pg_step *step, int64_t job_key, int64_t after_task, unpaged *task) {
  fhx__pg_statement(step, FHX__PG_TASK_UNPAGED);
  fhx__pg_bind_integer(step, job_key);
  fhx__pg_bind_integer(step, after_task);
  if (!fhx__pg_row(step)) return false;
  *task = (unpaged){job_key, fhx__pg_small(step, 0, 0), fhx__pg_count(step, 0, 1)};
  return true;
}

static void insert_range(fhx__pg_step *step, const unpaged *task, uint32_t number,
                         uint64_t first_seq, uint64_t last_seq) {
  fhx__pg_statement(step, FHX__PG_PAGE_INSERT);
  fhx__pg_bind_integer(step, task->job_key);
  fhx__pg_bind_count(step, number);
  fhx__pg_bind_count(step, task->task_index);
  fhx__pg_bind_count(step, first_seq);
  fhx__pg_bind_count(step, last_seq);
  fhx__pg_run(step);
  fhx__pg_statement(step, FHX__PG_TASK_PAGED);
  fhx__pg_bind_integer(step, task->job_key);
  fhx__pg_bind_count(step, task->task_index);
  fhx__pg_bind_count(step, last_seq);
  fhx__pg_run(step);
}

/* Puts the task's next parts on the page, at most `room`; how many there were. */
static uint32_t take_parts(fhx__pg_step *step, const unpaged *task, uint32_t number,
                           uint32_t room) {
  fhx__pg_statement(step, FHX__PG_PAGE_RANGE);
  fhx__pg_bind_integer(step, task->job_key);
  fhx__pg_bind_count(step, task->task_index);
  fhx__pg_bind_count(step, task->paged_seq);
  fhx__pg_bind_count(step, room);
  if (!fhx__pg_row(step)) return 0;
  const int count = fhx__pg_row_count(step);
  const uint64_t first_seq = fhx__pg_count(step, 0, 0);
  insert_range(step, task, number, first_seq, fhx__pg_count(step, count - 1, 0));
  return (uint32_t)count;
}

static int32_t fill_page(fhx__pg_step *step, int64_t job_key, const page *wanted) {
  uint32_t room = wanted->limit;
  int64_t after_task = -1;
  unpaged task;
  while (room > 0 && find_unpaged(step, job_key, after_task, &task)) {
    room -= take_parts(step, &task, wanted->page, room);
    after_task = task.task_index;
  }
  if (step->fault != FHX__PG_FAULT_NONE) return FHX_ERR_STORE;
  if (room < wanted->limit) return FHX_OK;
  return fhx__pg_refuse(step, FHX_ERR_REFUSED, "there is nothing for another page yet");
}

/* The job is locked for change, so that no checkpoint is recorded and no other page made
   meanwhile. */
static int32_t add_page(fhx__pg_step *step, const void *arguments) {
  const page *wanted = arguments;
  fhx__pg_job job;
  int32_t status = fhx__pg_find_job(step, wanted->job_id, FHX__PG_CHANGE, &job);
  if (status != FHX_OK) return status;
  if (job.state == FHX_JOB_REMOVING) {
    return fhx__pg_refuse(step, FHX_ERR_NOT_FOUND, "the job is being removed");
  }
  if (job.state == FHX_JOB_FAILED) {
    return fhx__pg_refuse(step, FHX_ERR_REFUSED, "the job has failed");
  }
  if (wanted->page == 0 || fhx__pg_page_count(step, job.key) != wanted->page - 1) {
    return fhx__pg_refuse(step, FHX_ERR_REFUSED, "the page is not the job's next one");
  }
  return fill_page(step, job.key, wanted);
}

void fhx__pg_add_page(void *user_data, const char *job_id, uint32_t number, uint32_t count_max,
                      fhx_reply *reply) {
  const page wanted = {job_id, number, count_max, 0, 0};
  fhx__pg_run_step(user_data, true, add_page, &wanted, reply);
}

static int32_t list_page(fhx__pg_step *step, const void *arguments) {
  const page *wanted = arguments;
  fhx__pg_job job;
  int32_t status = fhx__pg_find_job(step, wanted->job_id, FHX__PG_READ, &job);
  if (status != FHX_OK) return status;
  fhx__pg_statement(step, FHX__PG_PAGE_LIST);
  fhx__pg_bind_integer(step, job.key);
  fhx__pg_bind_count(step, wanted->page);
  fhx__pg_bind_count(step, wanted->after_task);
  fhx__pg_bind_count(step, wanted->after_seq);
  fhx__pg_bind_count(step, wanted->limit);
  status = fhx__pg_run(step);
  fhx__pg_answer_with(step, fhx__pg_give_part);
  return status;
}

void fhx__pg_list_page(void *user_data, const char *job_id, uint32_t number, uint32_t after_task,
                       uint64_t after_seq, uint32_t limit, fhx_reply *reply) {
  const page wanted = {job_id, number, limit, after_task, after_seq};
  fhx__pg_run_step(user_data, false, list_page, &wanted, reply);
}
