/* A host's store for tests. Each callback checks that its arguments came through. */
#include "store_host.h"
#include "store_create.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

static void act(void *user_data, fhx_reply *reply) {
  host *h = user_data;
  h->calls++;
  if (h->act != NULL) h->act(h, reply);
}

static void on_create(void *u, const fhx_job_record *record, fhx_reply *reply) {
  host *h = u;
  assert_int_equal(record->state, FHX_JOB_RUNNING);
  assert_string_equal(record->client, "");
  assert_string_equal(record->definition, "");
  act(h, reply);
}

static void on_job(void *u, const char *job_id, fhx_reply *reply) {
  assert_string_equal(job_id, JOB_ID);
  act(u, reply);
}

static void on_claim(void *u, const char *job_id, const char *claim_id, int64_t lease_us,
                     uint32_t attempts_max, fhx_reply *reply) {
  if (job_id != NULL) assert_string_equal(job_id, JOB_ID);
  assert_string_equal(claim_id, "claim");
  assert_int_equal(lease_us, 7);
  assert_int_equal(attempts_max, 3);
  act(u, reply);
}

static void on_renew(void *u, const char *job_id, uint32_t task_index, uint64_t fence,
                     uint64_t last_seq, uint64_t resource_count, int64_t lease_us,
                     fhx_reply *reply) {
  assert_string_equal(job_id, JOB_ID);
  assert_int_equal(task_index, 1);
  assert_int_equal(fence, 2);
  assert_int_equal(last_seq, 3);
  assert_int_equal(resource_count, 4);
  assert_int_equal(lease_us, 5);
  act(u, reply);
}

static void on_plan(void *u, const fhx_plan *plan, fhx_reply *reply) {
  ((host *)u)->given = plan;
  act(u, reply);
}

static void on_checkpoint(void *u, const fhx_checkpoint *checkpoint, fhx_reply *reply) {
  ((host *)u)->given = checkpoint;
  act(u, reply);
}

static void on_release(void *u, const char *job_id, uint32_t task_index, uint64_t fence,
                       uint32_t how, uint32_t attempts_max, int32_t status, const char *reason,
                       fhx_reply *reply) {
  assert_string_equal(job_id, JOB_ID);
  assert_int_equal(task_index, 1);
  assert_int_equal(fence, 2);
  assert_int_equal(how, FHX_RELEASE_RETRY);
  assert_int_equal(attempts_max, 3);
  assert_int_equal(status, FHX_ERR_IO);
  ((host *)u)->given = reason;
  act(u, reply);
}

static void on_task(void *u, const char *job_id, uint32_t task_index, fhx_reply *reply) {
  assert_string_equal(job_id, JOB_ID);
  assert_int_equal(task_index, 1);
  act(u, reply);
}

static void on_list(void *u, const char *job_id, uint32_t after_task, uint64_t after_number,
                    uint32_t limit, fhx_reply *reply) {
  assert_string_equal(job_id, JOB_ID);
  assert_int_equal(after_task, 1);
  assert_int_equal(after_number, 4);
  assert_int_equal(limit, 2);
  act(u, reply);
}

static void on_lines(void *u, const char *job_id, uint64_t first, uint32_t limit,
                     fhx_reply *reply) {
  assert_string_equal(job_id, JOB_ID);
  assert_int_equal(first, 9);
  assert_int_equal(limit, 2);
  act(u, reply);
}

static void on_next_cleanup(void *u, int64_t keep_us, const char *after_job_id, fhx_reply *reply) {
  assert_int_equal(keep_us, 5);
  assert_string_equal(after_job_id, JOB_ID);
  act(u, reply);
}

static void on_add_members(void *u, const fhx_members *members, fhx_reply *reply) {
  ((host *)u)->given = members;
  act(u, reply);
}

static void on_list_members(void *u, const char *job_id, uint32_t list, const char *after,
                            uint32_t limit, fhx_reply *reply) {
  assert_string_equal(job_id, JOB_ID);
  assert_int_equal(list, FHX_MEMBERS_NEW);
  assert_string_equal(after, "m");
  assert_int_equal(limit, 2);
  act(u, reply);
}

static void on_hold(void *u, const char *job_id, int64_t hold_us, fhx_reply *reply) {
  assert_string_equal(job_id, JOB_ID);
  assert_int_equal(hold_us, 3);
  act(u, reply);
}

static void on_list_jobs(void *u, uint32_t states, const char *tenant, const char *client,
                         int64_t after_created_us, const char *after_job_id, uint32_t limit,
                         fhx_reply *reply) {
  assert_int_equal(states, FHX_JOBS_FAILED);
  assert_string_equal(tenant, "t");
  assert_string_equal(client, "c");
  assert_int_equal(after_created_us, 7);
  assert_string_equal(after_job_id, JOB_ID);
  assert_int_equal(limit, 2);
  act(u, reply);
}

static void on_add_page(void *u, const char *job_id, uint32_t page, uint32_t count_max,
                        fhx_reply *reply) {
  assert_string_equal(job_id, JOB_ID);
  assert_int_equal(page, 6);
  assert_int_equal(count_max, 8);
  act(u, reply);
}

static void on_list_page(void *u, const char *job_id, uint32_t page, uint32_t after_task,
                         uint64_t after_seq, uint32_t limit, fhx_reply *reply) {
  assert_int_equal(page, 6);
  on_list(u, job_id, after_task, after_seq, limit, reply);
}

static void on_destroy(void *u) {
  ((host *)u)->destroyed++;
}

fhx_store_callbacks host_callbacks(void) {
  fhx_store_callbacks callbacks;
  fhx_store_callbacks_init(&callbacks, sizeof callbacks);
  callbacks.create_job = on_create;
  callbacks.read_job = on_job;
  callbacks.claim_task = on_claim;
  callbacks.renew_task = on_renew;
  callbacks.plan_tasks = on_plan;
  callbacks.record_checkpoint = on_checkpoint;
  callbacks.release_task = on_release;
  callbacks.read_task = on_task;
  callbacks.remove_job = on_job;
  callbacks.list_parts = on_list;
  callbacks.list_lines = on_lines;
  callbacks.list_attempts = on_list;
  callbacks.clean_job = on_job;
  callbacks.next_cleanup = on_next_cleanup;
  callbacks.add_members = on_add_members;
  callbacks.list_members = on_list_members;
  callbacks.add_page = on_add_page;
  callbacks.list_page = on_list_page;
  callbacks.hold_job = on_hold;
  callbacks.list_jobs = on_list_jobs;
  callbacks.destroy = on_destroy;
  return callbacks;
}

void host_fill(host *h) {
  h->next_id = OTHER_ID;
  fhx_job_record_init(&h->job, sizeof h->job);
  h->job.job_id = JOB_ID;
  h->job.state = FHX_JOB_FAILED;
  h->job.resolution_us = 1;
  h->job.reason_status = FHX_ERR_LIMIT;
  h->job.reason = "it was too much";
  h->job.host_context = "ab\0c";
  h->job.host_context_len = 4;
  fhx_task_record_init(&h->task, sizeof h->task);
  h->task.job_id = JOB_ID;
  h->task.task_index = 1;
  h->task.state = FHX_TASK_RUNNING;
  h->task.phase = FHX_PHASE_MAIN;
  h->task.resource_type = "Patient";
  h->task.fence = 2;
  h->task.next_seq = 5;
  h->task.first_seq = 3;
  h->task.token = "t\0n";
  h->task.token_len = 3;
  fhx_part_record_init(&h->part, sizeof h->part);
  h->part.name = JOB_ID "/Patient-0-1-5.ndjson";
  h->part.resource_type = "Patient";
  h->part.resource_count = 3;
  h->part.byte_count = 30;
  h->part.task_index = 1;
  h->part.fence = 1;
  h->part.seq = 5;
  fhx_attempt_record_init(&h->attempt, sizeof h->attempt);
  h->attempt.task_index = 1;
  h->attempt.phase = FHX_PHASE_MAIN;
  h->attempt.resource_type = "Patient";
  h->attempt.fence = 5;
  h->attempt.first_seq = 1;
}

fhx_store *host_store(host *h) {
  fhx_store *store = NULL;
  const fhx_store_callbacks callbacks = host_callbacks();
  memset(h, 0, sizeof *h);
  host_fill(h);
  assert_int_equal(fhx_store_new(&callbacks, h, &store, NULL), FHX_OK);
  return store;
}

static const char *const step_names[STEP_COUNT] = {
    [STEP_CREATE_JOB] = "create_job",       [STEP_READ_JOB] = "read_job",
    [STEP_CLAIM_TASK] = "claim_task",       [STEP_RENEW_TASK] = "renew_task",
    [STEP_PLAN_TASKS] = "plan_tasks",       [STEP_RECORD_CHECKPOINT] = "record_checkpoint",
    [STEP_RELEASE_TASK] = "release_task",   [STEP_READ_TASK] = "read_task",
    [STEP_REMOVE_JOB] = "remove_job",       [STEP_LIST_PARTS] = "list_parts",
    [STEP_LIST_ATTEMPTS] = "list_attempts", [STEP_LIST_LINES] = "list_lines",
    [STEP_CLEAN_JOB] = "clean_job",         [STEP_NEXT_CLEANUP] = "next_cleanup",
    [STEP_ADD_MEMBERS] = "add_members",     [STEP_LIST_MEMBERS] = "list_members",
    [STEP_ADD_PAGE] = "add_page",           [STEP_LIST_PAGE] = "list_page",
    [STEP_HOLD_JOB] = "hold_job",           [STEP_LIST_JOBS] = "list_jobs",
    [STEP_JOIN_JOB] = "create_job",
};

static int32_t run_task_step(fhx_store *store, int step, results *r, fhx_error **error) {
  fhx_task_record task;
  FHX_INIT(&task);
  task.task_index = 1;
  static const char *const texts[] = {"m"};
  const fhx_plan plan = {.job_id = JOB_ID, .fence = 1, .tasks = &task, .task_count = 1};
  const fhx_members members = {JOB_ID, 1, FHX_MEMBERS_NEW, 2, texts, 1};
  const fhx_checkpoint checkpoint = {.job_id = JOB_ID, .seq = 1, .next_seq = 2};
  switch (step) {
    case STEP_CLAIM_TASK:
      return fhx__store_claim_task(store, JOB_ID, "claim", 7, 3, &r->task, &r->wait_us, error);
    case STEP_RENEW_TASK:
      return fhx__store_renew_task(store, JOB_ID, 1, 2, 3, 4, 5, error);
    case STEP_PLAN_TASKS:
      return fhx__store_plan_tasks(store, &plan, error);
    case STEP_RECORD_CHECKPOINT:
      return fhx__store_record_checkpoint(store, &checkpoint, error);
    case STEP_ADD_MEMBERS:
      return fhx__store_add_members(store, &members, error);
    case STEP_RELEASE_TASK:
      return fhx__store_release_task(store, JOB_ID, 1, 2, FHX_RELEASE_RETRY, 3, FHX_ERR_IO, NULL,
                                     error);
    default:
      return fhx__store_read_task(store, JOB_ID, 1, &r->task, error);
  }
}

static int32_t run_join(fhx_store *store, const fhx_job_record *given, results *r,
                        fhx_error **error) {
  static const uint8_t identity[FHX_IDENTITY_LEN] = {1};
  fhx_job_record job = *given;
  job.identity = identity;
  return fhx__store_join_job(store, &job, r->job_id, error);
}

int32_t host_run(fhx_store *store, int step, results *r, fhx_error **error) {
  fhx_job_record job;
  FHX_INIT(&job);
  job.job_id = JOB_ID;
  job.resolution_us = 1;
  switch (step) {
    case STEP_CREATE_JOB:
      return store_create_job(store, &job, error);
    case STEP_JOIN_JOB:
      return run_join(store, &job, r, error);
    case STEP_LIST_JOBS:
      return fhx__store_list_jobs(store, FHX_JOBS_FAILED, "t", "c", 7, JOB_ID, 2, &r->jobs, error);
    case STEP_READ_JOB:
      return fhx__store_read_job(store, JOB_ID, &r->job, error);
    case STEP_REMOVE_JOB:
      return fhx__store_remove_job(store, JOB_ID, error);
    case STEP_LIST_PARTS:
      return fhx__store_list_parts(store, JOB_ID, 1, 4, 2, &r->list, error);
    case STEP_LIST_ATTEMPTS:
      return fhx__store_list_attempts(store, JOB_ID, 1, 4, 2, &r->list, error);
    case STEP_ADD_PAGE:
      return fhx__store_add_page(store, JOB_ID, 6, 8, error);
    case STEP_LIST_PAGE:
      return fhx__store_list_page(store, JOB_ID, 6, 1, 4, 2, &r->list, error);
    case STEP_HOLD_JOB:
      return fhx__store_hold_job(store, JOB_ID, 3, error);
    case STEP_LIST_LINES:
      fhx__reply_end(&r->lines);
      return fhx__store_list_lines(store, JOB_ID, 9, 2, &r->lines, error);
    case STEP_LIST_MEMBERS:
      fhx__reply_end(&r->lines);
      return fhx__store_list_members(store, JOB_ID, FHX_MEMBERS_NEW, "m", 2, &r->lines, error);
    case STEP_CLEAN_JOB:
      return fhx__store_clean_job(store, JOB_ID, &r->wait_us, error);
    case STEP_NEXT_CLEANUP:
      return fhx__store_next_cleanup(store, 5, JOB_ID, r->job_id, error);
    default:
      return run_task_step(store, step, r, error);
  }
}

void host_results_end(results *r) {
  fhx__job_entry_free(&r->job);
  fhx__task_entry_free(&r->task);
  fhx__buffer_free(&r->list);
  fhx__job_entries_free(&r->jobs);
  fhx__reply_end(&r->lines);
}

void host_assert_failure(fhx_store *store, int step, int32_t status, uint32_t retryable,
                         const char *message) {
  results r;
  memset(&r, 0, sizeof r);
  assert_int_equal(fhx__buffer_append(&r.list, "kept", 4), FHX_OK);
  fhx_error *error = NULL;
  char begin[64];
  snprintf(begin, sizeof begin, "the store's %s: ", step_names[step]);
  assert_int_equal(host_run(store, step, &r, &error), status);
  assert_int_equal(fhx_error_status(error), status);
  assert_int_equal(fhx_error_retryable(error), retryable);
  assert_memory_equal(fhx_error_message(error), begin, strlen(begin));
  if (strstr(fhx_error_message(error), message) == NULL) fail_msg("%s", fhx_error_message(error));
  fhx_error_free(error);
  assert_null(r.job.texts.data);
  assert_null(r.job.record.job_id);
  assert_null(r.task.texts.data);
  assert_null(r.task.record.job_id);
  assert_int_equal(r.list.len, 4);
  assert_int_equal(r.jobs.len, 0);
  assert_string_equal(r.job_id, "");
  host_results_end(&r);
}

int32_t host_run_quietly(fhx_store *store, int step) {
  results r;
  memset(&r, 0, sizeof r);
  int32_t status = host_run(store, step, &r, NULL);
  host_results_end(&r);
  return status;
}
