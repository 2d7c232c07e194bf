/* The plumbing of stores: what a host's callbacks answer, judged and copied. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

#include "store/store.h"
#include "support/memory.h"

#define JOB_ID "0123456789abcdef0123456789abcdef"
#define OTHER_ID "fedcba9876543210fedcba9876543210"

/* --- a store that answers as a test says --- */

typedef struct host {
  void (*act)(struct host *host, fhx_reply *reply);
  int calls;
  int destroyed;
  const void *given;
  fhx_job_record job;
  fhx_task_record task;
  fhx_part_record part;
  fhx_attempt_record attempt;
  int32_t status;
} host;

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
                     uint64_t last_seq, int64_t lease_us, fhx_reply *reply) {
  assert_string_equal(job_id, JOB_ID);
  assert_int_equal(task_index, 1);
  assert_int_equal(fence, 2);
  assert_int_equal(last_seq, 3);
  assert_int_equal(lease_us, 4);
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

static void on_destroy(void *u) {
  ((host *)u)->destroyed++;
}

static fhx_store_callbacks all_callbacks(void) {
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
  callbacks.destroy = on_destroy;
  return callbacks;
}

/* Sensible records, which tests then spoil. */
static void fill(host *h) {
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

static fhx_store *make(host *h) {
  fhx_store *store = NULL;
  const fhx_store_callbacks callbacks = all_callbacks();
  memset(h, 0, sizeof *h);
  fill(h);
  assert_int_equal(fhx_store_new(&callbacks, h, &store, NULL), FHX_OK);
  return store;
}

/* --- every step, under a number --- */

#define STEP_COUNT 13
static const char *const step_names[STEP_COUNT] = {
    "create_job",        "read_job",     "claim_task", "renew_task", "plan_tasks",
    "record_checkpoint", "release_task", "read_task",  "remove_job", "list_parts",
    "list_attempts",     "list_lines",   "clean_job"};

typedef struct results {
  fhx__job_entry job;
  fhx__task_entry task;
  fhx__buffer list;
  fhx_reply lines;
  int64_t wait_us;
} results;

static int32_t run_task_step(fhx_store *store, int step, results *r, fhx_error **error) {
  fhx_task_record task;
  FHX_INIT(&task);
  task.task_index = 1;
  const fhx_plan plan = {JOB_ID, 1, &task, 1};
  const fhx_checkpoint checkpoint = {.job_id = JOB_ID, .seq = 1, .next_seq = 2};
  switch (step) {
    case 2:
      return fhx__store_claim_task(store, JOB_ID, "claim", 7, 3, &r->task, &r->wait_us, error);
    case 3:
      return fhx__store_renew_task(store, JOB_ID, 1, 2, 3, 4, error);
    case 4:
      return fhx__store_plan_tasks(store, &plan, error);
    case 5:
      return fhx__store_record_checkpoint(store, &checkpoint, error);
    case 6:
      return fhx__store_release_task(store, JOB_ID, 1, 2, FHX_RELEASE_RETRY, 3, FHX_ERR_IO, NULL,
                                     error);
    default:
      return fhx__store_read_task(store, JOB_ID, 1, &r->task, error);
  }
}

static int32_t run_step(fhx_store *store, int step, results *r, fhx_error **error) {
  fhx_job_record job;
  FHX_INIT(&job);
  job.job_id = JOB_ID;
  job.resolution_us = 1;
  switch (step) {
    case 0:
      return fhx__store_create_job(store, &job, error);
    case 1:
      return fhx__store_read_job(store, JOB_ID, &r->job, error);
    case 8:
      return fhx__store_remove_job(store, JOB_ID, error);
    case 9:
      return fhx__store_list_parts(store, JOB_ID, 1, 4, 2, &r->list, error);
    case 10:
      return fhx__store_list_attempts(store, JOB_ID, 1, 4, 2, &r->list, error);
    case 11:
      fhx__reply_end(&r->lines);
      return fhx__store_list_lines(store, JOB_ID, 9, 2, &r->lines, error);
    case 12:
      return fhx__store_clean_job(store, JOB_ID, &r->wait_us, error);
    default:
      return run_task_step(store, step, r, error);
  }
}

static void end_results(results *r) {
  fhx__job_entry_free(&r->job);
  fhx__task_entry_free(&r->task);
  fhx__buffer_free(&r->list);
  fhx__reply_end(&r->lines);
}

/* Runs a step that must fail so; the message must begin with the step's name and hold `message`. */
static void assert_failure(fhx_store *store, int step, int32_t status, uint32_t retryable,
                           const char *message) {
  results r;
  memset(&r, 0, sizeof r);
  assert_int_equal(fhx__buffer_append(&r.list, "kept", 4), FHX_OK);
  fhx_error *error = NULL;
  char begin[64];
  snprintf(begin, sizeof begin, "the store's %s: ", step_names[step]);
  assert_int_equal(run_step(store, step, &r, &error), status);
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
  end_results(&r);
}

static int32_t run_quietly(fhx_store *store, int step) {
  results r;
  memset(&r, 0, sizeof r);
  int32_t status = run_step(store, step, &r, NULL);
  end_results(&r);
  return status;
}

/* --- answers --- */

static void say_done(host *h, fhx_reply *reply) {
  (void)h;
  fhx_reply_done(reply);
}

static void say_fail(host *h, fhx_reply *reply) {
  fhx_reply_fail(reply, h->status, h->status == FHX_ERR_STORE, "the database says no");
}

static void say_rows(host *h, fhx_reply *reply) {
  (void)h;
  assert_int_equal(fhx_reply_rows(reply, "x", 1, 1, NULL, NULL, NULL, 0), FHX_ERR_MISUSE);
  fhx_reply_done(reply);
}

static void say_job(host *h, fhx_reply *reply) {
  fhx_reply_job(reply, &h->job);
  fhx_reply_done(reply);
}

static void say_job_only(host *h, fhx_reply *reply) {
  assert_int_equal(fhx_reply_job(reply, &h->job), FHX_OK);
}

static void say_job_then_fail(host *h, fhx_reply *reply) {
  assert_int_equal(fhx_reply_job(reply, &h->job), FHX_OK);
  say_fail(h, reply);
}

static void say_task(host *h, fhx_reply *reply) {
  fhx_reply_task(reply, &h->task);
  fhx_reply_done(reply);
}

static void say_task_only(host *h, fhx_reply *reply) {
  assert_int_equal(fhx_reply_task(reply, &h->task), FHX_OK);
}

static void say_part(host *h, fhx_reply *reply) {
  fhx_reply_part(reply, &h->part);
  fhx_reply_done(reply);
}

static void say_parts(host *h, fhx_reply *reply) {
  fhx_reply_part(reply, &h->part);
  h->part.seq++;
  fhx_reply_part(reply, &h->part);
  h->part.seq = 5;
  fhx_reply_done(reply);
}

static void say_parts_only(host *h, fhx_reply *reply) {
  assert_int_equal(fhx_reply_part(reply, &h->part), FHX_OK);
}

static void say_attempt(host *h, fhx_reply *reply) {
  fhx_reply_attempt(reply, &h->attempt);
  fhx_reply_done(reply);
}

static void say_attempt_twice(host *h, fhx_reply *reply) {
  fhx_reply_attempt(reply, &h->attempt);
  say_attempt(h, reply);
}

static void say_three_parts(host *h, fhx_reply *reply) {
  for (h->part.seq = 5; h->part.seq < 8; h->part.seq++) fhx_reply_part(reply, &h->part);
  fhx_reply_done(reply);
}

static void say_three_items(host *h, fhx_reply *reply) {
  (void)h;
  for (int i = 0; i < 3; i++) fhx_reply_item(reply, "x", 1);
  fhx_reply_done(reply);
}

static void say_wait_0(host *h, fhx_reply *reply) {
  (void)h;
  fhx_reply_wait(reply, 0);
}

static void say_end(host *h, fhx_reply *reply) {
  (void)h;
  fhx_reply_end(reply);
}

static void say_task_then_wait(host *h, fhx_reply *reply) {
  fhx_reply_task(reply, &h->task);
  fhx_reply_wait(reply, 5000);
}

/* --- tests of answers --- */

static void silence_is_no_answer(void **state) {
  host h;
  (void)state;
  fhx_store *store = make(&h);
  for (int i = 0; i < STEP_COUNT; i++) {
    assert_failure(store, i, FHX_ERR_NO_ANSWER, 1, "the callback returned without an answer");
  }
  assert_int_equal(h.calls, STEP_COUNT);
  fhx_store_free(store);
}

static void failures_keep_their_status(void **state) {
  static const int32_t statuses[] = {FHX_ERR_REFUSED, FHX_ERR_NOT_FOUND, FHX_ERR_EXISTS,
                                     FHX_ERR_STORE, FHX_ERR_DENIED};
  host h;
  (void)state;
  fhx_store *store = make(&h);
  h.act = say_fail;
  for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
    h.status = statuses[i];
    for (int step = 0; step < STEP_COUNT; step++) {
      assert_failure(store, step, h.status, h.status == FHX_ERR_STORE, "the database says no");
    }
  }
  h.act = say_job_then_fail;
  h.status = FHX_ERR_NOT_FOUND;
  assert_failure(store, 1, FHX_ERR_NOT_FOUND, 0, "the database says no");
  fhx_store_free(store);
}

static void answers_that_do_not_fit_are_the_stores_fault(void **state) {
  host h;
  (void)state;
  fhx_store *store = make(&h);
  h.act = say_rows;
  for (int i = 0; i < STEP_COUNT; i++) {
    assert_failure(store, i, FHX_ERR_STORE, 0, "the callback gave an answer that does not fit it");
  }
  h.act = say_task;
  assert_failure(store, 1, FHX_ERR_STORE, 0, "does not fit");
  h.act = say_wait_0;
  assert_failure(store, 1, FHX_ERR_STORE, 0, "does not fit");
  h.act = say_end;
  assert_failure(store, 12, FHX_ERR_STORE, 0, "does not fit");
  fhx_store_free(store);
}

static void a_record_must_come(void **state) {
  host h;
  (void)state;
  fhx_store *store = make(&h);
  h.act = say_done;
  assert_failure(store, 1, FHX_ERR_STORE, 0, "done without a job");
  assert_failure(store, 2, FHX_ERR_STORE, 0, "done without a task");
  assert_failure(store, 7, FHX_ERR_STORE, 0, "done without the task");
  h.act = say_job_only;
  assert_failure(store, 1, FHX_ERR_NO_ANSWER, 1, "did not finish");
  h.act = say_task_only;
  assert_failure(store, 2, FHX_ERR_NO_ANSWER, 1, "did not finish");
  h.act = say_parts_only;
  assert_failure(store, 9, FHX_ERR_NO_ANSWER, 1, "did not finish");
  fhx_store_free(store);
}

static void done_is_done(void **state) {
  host h;
  (void)state;
  fhx_store *store = make(&h);
  h.act = say_done;
  static const int steps[] = {0, 3, 4, 5, 6, 8, 9, 10, 11, 12};
  for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
    assert_int_equal(run_quietly(store, steps[i]), FHX_OK);
  }
  fhx_store_free(store);
}

static void a_claim_may_wait_or_end(void **state) {
  host h;
  results r;
  (void)state;
  memset(&r, 0, sizeof r);
  fhx_store *store = make(&h);
  h.act = say_wait_0;
  assert_int_equal(run_step(store, 2, &r, NULL), FHX_WAIT);
  /* A host's 0 must not make its workers spin. */
  assert_in_range(r.wait_us, 1000, 1000000);
  r.wait_us = 0;
  assert_int_equal(run_step(store, 12, &r, NULL), FHX_WAIT);
  assert_in_range(r.wait_us, 1000, 1000000);
  h.act = say_task_then_wait;
  assert_int_equal(run_step(store, 2, &r, NULL), FHX_WAIT);
  assert_int_equal(r.wait_us, 5000);
  assert_null(r.task.texts.data);
  h.act = say_end;
  assert_int_equal(run_step(store, 2, &r, NULL), FHX_END);
  end_results(&r);
  fhx_store_free(store);
}

/* --- tests of records --- */

static void records_are_copied(void **state) {
  host h;
  results r;
  char reason[] = "changed later";
  char token[] = "token";
  (void)state;
  memset(&r, 0, sizeof r);
  fhx_store *store = make(&h);
  h.act = say_job;
  h.job.reason = reason;
  assert_int_equal(run_step(store, 1, &r, NULL), FHX_OK);
  memset(reason, 'x', sizeof reason - 1);
  assert_string_equal(r.job.record.reason, "changed later");
  /* What was NULL is empty. */
  assert_string_equal(r.job.record.tenant, "");
  assert_string_equal(r.job.record.client, "");
  assert_string_equal(r.job.record.request, "");
  assert_string_equal(r.job.record.definition, "");
  assert_int_equal(r.job.record.host_context_len, 4);
  assert_memory_equal(r.job.record.host_context, "ab\0c", 4);
  assert_int_equal(r.job.record.reason_status, FHX_ERR_LIMIT);
  h.act = say_task;
  h.task.token = token;
  h.task.token_len = 5;
  h.task.resource_type = NULL;
  assert_int_equal(run_step(store, 2, &r, NULL), FHX_OK);
  memset(token, 'x', 5);
  assert_memory_equal(r.task.record.token, "token", 5);
  assert_string_equal(r.task.record.resource_type, "");
  assert_string_equal(r.task.record.last_id, "");
  assert_null(r.task.record.shard);
  assert_int_equal(r.task.record.next_seq, 5);
  /* A second answer takes the place of the first, in the reply and in the entry. */
  h.task.resource_type = "Observation";
  assert_int_equal(run_step(store, 7, &r, NULL), FHX_OK);
  assert_string_equal(r.task.record.resource_type, "Observation");
  end_results(&r);
  fhx_store_free(store);
}

static void lists_are_appended(void **state) {
  host h;
  results r;
  (void)state;
  memset(&r, 0, sizeof r);
  fhx_store *store = make(&h);
  uint8_t sha256[32];
  memset(sha256, 7, sizeof sha256);
  h.act = say_parts;
  h.part.sha256 = sha256;
  h.part.crc32c = UINT32_MAX;
  h.part.kind = FHX_PART_ERROR;
  assert_int_equal(run_step(store, 9, &r, NULL), FHX_OK);
  assert_int_equal(run_step(store, 9, &r, NULL), FHX_OK);
  assert_int_equal(r.list.len, 4 * sizeof(fhx_part));
  const fhx_part *part = (const fhx_part *)(const void *)r.list.data + 3;
  assert_string_equal(fhx_part_name(part), h.part.name);
  assert_int_equal(fhx_part_seq(part), 6);
  assert_int_equal(fhx_part_crc32c(part), UINT32_MAX);
  assert_int_equal(fhx_part_kind(part), FHX_PART_ERROR);
  assert_memory_equal(fhx_part_sha256(part), sha256, sizeof sha256);
  r.list.len = 0;
  h.act = say_attempt;
  h.attempt.resource_type = NULL;
  h.attempt.finished = 1;
  assert_int_equal(run_step(store, 10, &r, NULL), FHX_OK);
  assert_int_equal(r.list.len, sizeof(fhx__attempt));
  const fhx__attempt *attempt = (const fhx__attempt *)(const void *)r.list.data;
  assert_string_equal(attempt->resource_type, "");
  assert_int_equal(attempt->last_seq, 0);
  assert_true(attempt->finished);
  end_results(&r);
  fhx_store_free(store);
}

static void lists_must_lead_on(void **state) {
  host h;
  (void)state;
  fhx_store *store = make(&h);
  h.act = say_three_parts;
  assert_failure(store, 9, FHX_ERR_STORE, 0, "more entries than were asked for");
  h.act = say_three_items;
  assert_failure(store, 11, FHX_ERR_STORE, 0, "more entries than were asked for");
  h.act = say_attempt_twice;
  assert_failure(store, 10, FHX_ERR_STORE, 0, "not in ascending order");
  h.act = say_part;
  h.part.seq = 4;
  assert_failure(store, 9, FHX_ERR_STORE, 0, "not in ascending order");
  h.part.task_index = 0;
  h.part.seq = 9;
  assert_failure(store, 9, FHX_ERR_STORE, 0, "not in ascending order");
  h.part.task_index = 2;
  h.part.seq = 1;
  assert_int_equal(run_quietly(store, 9), FHX_OK);
  fhx_store_free(store);
}

/* Spoils one member of a sensible record, and expects the message. */
#define SPOIL(step, record, member, value, message)         \
  do {                                                      \
    fill(&h);                                               \
    h.record.member = (value);                              \
    assert_failure(store, step, FHX_ERR_STORE, 0, message); \
  } while (0)

static void senseless_jobs_are_refused(void **state) {
  static char too_long[1100];
  host h;
  (void)state;
  memset(too_long, 'x', sizeof too_long - 1);
  fhx_store *store = make(&h);
  h.act = say_job;
  assert_int_equal(run_quietly(store, 1), FHX_OK);
  SPOIL(1, job, size, 0, "size does not fit");
  SPOIL(1, job, job_id, OTHER_ID, "another job's");
  SPOIL(1, job, job_id, "short", "id is malformed");
  SPOIL(1, job, job_id, NULL, "id is malformed");
  SPOIL(1, job, state, 0, "state is unknown");
  SPOIL(1, job, state, 5, "state is unknown");
  SPOIL(1, job, tenant, "a/b", "tenant is malformed");
  SPOIL(1, job, client, too_long, "client is too long");
  SPOIL(1, job, definition, "\xFF", "not UTF-8");
  SPOIL(1, job, request, "\xFF", "not UTF-8");
  SPOIL(1, job, reason, "\xFF", "not UTF-8");
  SPOIL(1, job, host_context_len, FHX_OPAQUE_MAX + 1, "host context");
  SPOIL(1, job, host_context, NULL, "host context");
  SPOIL(1, job, resolution_us, 0, "resolution");
  SPOIL(1, job, reason_status, 1, "no error");
  SPOIL(1, job, cleanup_due, 2, "cleanup_due");
  SPOIL(1, job, task_done_count, 1, "more tasks are done");
  fhx_store_free(store);
}

static void senseless_tasks_are_refused(void **state) {
  static char too_long[70];
  host h;
  (void)state;
  memset(too_long, 'X', sizeof too_long - 1);
  fhx_store *store = make(&h);
  h.act = say_task;
  assert_int_equal(run_quietly(store, 7), FHX_OK);
  SPOIL(7, task, size, 4, "size does not fit");
  SPOIL(7, task, job_id, OTHER_ID, "another job's");
  SPOIL(7, task, job_id, NULL, "id is malformed");
  SPOIL(7, task, task_index, 2, "done without the task");
  SPOIL(7, task, state, 0, "state is unknown");
  SPOIL(7, task, state, 4, "state is unknown");
  SPOIL(7, task, phase, 3, "phase is unknown");
  SPOIL(7, task, resource_type, "patient", "type is malformed");
  SPOIL(7, task, resource_type, too_long, "type is malformed");
  SPOIL(7, task, shard_len, 1, "shard");
  SPOIL(7, task, token_len, FHX_TOKEN_MAX + 1, "token");
  SPOIL(7, task, last_id, "a b", "last id");
  SPOIL(7, task, first_seq, 0, "out of order");
  SPOIL(7, task, next_seq, 2, "out of order");
  SPOIL(7, task, fence, 0, "no fence");
  SPOIL(2, task, state, FHX_TASK_WAITING, "does not run");
  SPOIL(2, task, state, FHX_TASK_DONE, "does not run");
  fhx_store_free(store);
}

static void senseless_entries_are_refused(void **state) {
  host h;
  (void)state;
  fhx_store *store = make(&h);
  h.act = say_part;
  assert_int_equal(run_quietly(store, 9), FHX_OK);
  SPOIL(9, part, size, 0, "size does not fit");
  SPOIL(9, part, kind, 2, "kind");
  SPOIL(9, part, name, NULL, "name");
  SPOIL(9, part, name, "../secret", "name");
  SPOIL(9, part, resource_type, NULL, "type");
  SPOIL(9, part, resource_type, "", "type");
  SPOIL(9, part, resource_type, "no type", "type");
  SPOIL(9, part, resource_count, 0, "empty");
  SPOIL(9, part, byte_count, 0, "empty");
  SPOIL(9, part, fence, 0, "no fence");
  SPOIL(9, part, seq, 0, "no fence or no number");
  h.act = say_attempt;
  fill(&h);
  assert_int_equal(run_quietly(store, 10), FHX_OK);
  SPOIL(10, attempt, size, 0, "size does not fit");
  SPOIL(10, attempt, phase, 3, "phase");
  SPOIL(10, attempt, resource_type, "9", "type");
  SPOIL(10, attempt, fence, 0, "no fence");
  SPOIL(10, attempt, first_seq, 0, "out of order");
  SPOIL(10, attempt, first_seq, 2, "out of order");
  SPOIL(10, attempt, last_seq, UINT64_MAX, "out of order");
  SPOIL(10, attempt, finished, 2, "finished");
  fhx_store_free(store);
}

static void outside_a_callback_answers_harm_nobody(void **state) {
  host h;
  (void)state;
  fill(&h);
  assert_int_equal(fhx_reply_job(NULL, &h.job), FHX_ERR_ARGUMENT);
  assert_int_equal(fhx_reply_task(NULL, &h.task), FHX_ERR_ARGUMENT);
  assert_int_equal(fhx_reply_part(NULL, &h.part), FHX_ERR_ARGUMENT);
  assert_int_equal(fhx_reply_attempt(NULL, &h.attempt), FHX_ERR_ARGUMENT);
}

/* --- tests of what goes in --- */

static void what_cannot_be_read_back_is_not_stored(void **state) {
  host h;
  fhx_error *error = NULL;
  (void)state;
  fhx_store *store = make(&h);
  h.act = say_done;
  fhx_job_record job;
  FHX_INIT(&job);
  job.job_id = "no id";
  job.resolution_us = 1;
  assert_int_equal(fhx__store_create_job(store, &job, &error), FHX_ERR_ARGUMENT);
  fhx_error_free(error);
  job.job_id = JOB_ID;
  job.client = "\xC3";
  assert_int_equal(fhx__store_create_job(store, &job, NULL), FHX_ERR_ARGUMENT);
  fhx_task_record tasks[2] = {{.task_index = 1, .phase = 1, .resource_type = "Patient"},
                              {.task_index = 2, .phase = 1, .resource_type = "no type"}};
  fhx_plan plan = {JOB_ID, 1, tasks, 2};
  assert_int_equal(fhx__store_plan_tasks(store, &plan, NULL), FHX_ERR_ARGUMENT);
  tasks[1].resource_type = "Group";
  tasks[1].task_index = 3;
  assert_int_equal(fhx__store_plan_tasks(store, &plan, NULL), FHX_ERR_ARGUMENT);
  tasks[1].task_index = 2;
  tasks[1].shard = "x";
  tasks[1].shard_len = FHX_OPAQUE_MAX + 1;
  assert_int_equal(fhx__store_plan_tasks(store, &plan, NULL), FHX_ERR_ARGUMENT);
  assert_int_equal(h.calls, 0);
  tasks[1].shard_len = 1;
  assert_int_equal(fhx__store_plan_tasks(store, &plan, NULL), FHX_OK);
  assert_int_equal(h.calls, 1);
  fhx_store_free(store);
}

static void checkpoints_move_on(void **state) {
  host h;
  (void)state;
  fhx_store *store = make(&h);
  h.act = say_done;
  fhx_part part;
  memset(&part, 0, sizeof part);
  part.fence = part.seq = part.resource_count = part.byte_count = 1;
  snprintf(part.name, sizeof part.name, "a");
  snprintf(part.resource_type, sizeof part.resource_type, "Patient");
  fhx_checkpoint good = {
      .job_id = JOB_ID, .seq = 1, .next_seq = 2, .parts = &part, .part_count = 1};
  fhx_checkpoint bad = good;
  bad.next_seq = 1;
  /* Taken twice, such a checkpoint would count twice. */
  assert_int_equal(fhx__store_record_checkpoint(store, &bad, NULL), FHX_ERR_ARGUMENT);
  bad.next_seq = 0;
  bad.done = 1;
  assert_int_equal(fhx__store_record_checkpoint(store, &bad, NULL), FHX_ERR_ARGUMENT);
  bad = good;
  bad.seq = 0;
  assert_int_equal(fhx__store_record_checkpoint(store, &bad, NULL), FHX_ERR_ARGUMENT);
  bad = good;
  bad.token = "x";
  bad.token_len = FHX_TOKEN_MAX + 1;
  assert_int_equal(fhx__store_record_checkpoint(store, &bad, NULL), FHX_ERR_ARGUMENT);
  bad = good;
  bad.last_id = "a b";
  assert_int_equal(fhx__store_record_checkpoint(store, &bad, NULL), FHX_ERR_ARGUMENT);
  part.seq = 2;
  assert_int_equal(fhx__store_record_checkpoint(store, &good, NULL), FHX_ERR_ARGUMENT);
  part.seq = 1;
  part.name[0] = '/';
  assert_int_equal(fhx__store_record_checkpoint(store, &good, NULL), FHX_ERR_ARGUMENT);
  assert_int_equal(h.calls, 0);
  part.name[0] = 'a';
  assert_int_equal(fhx__store_record_checkpoint(store, &good, NULL), FHX_OK);
  good.part_count = 0;
  good.next_seq = 1;
  good.done = 1;
  assert_int_equal(fhx__store_record_checkpoint(store, &good, NULL), FHX_OK);
  assert_int_equal(h.calls, 2);
  fhx_store_free(store);
}

static void read_plan_and_checkpoint(host *h, fhx_reply *reply) {
  if (h->calls == 1) {
    const fhx_plan *plan = h->given;
    assert_string_equal(fhx_plan_job_id(plan), JOB_ID);
    assert_int_equal(fhx_plan_fence(plan), 4);
    assert_int_equal(fhx_plan_task_count(plan), 1);
    assert_string_equal(fhx_plan_task(plan, 0)->resource_type, "Patient");
    assert_null(fhx_plan_task(plan, 1));
  } else {
    const fhx_checkpoint *checkpoint = h->given;
    size_t len = 99;
    assert_string_equal(fhx_checkpoint_job_id(checkpoint), JOB_ID);
    assert_int_equal(fhx_checkpoint_task_index(checkpoint), 3);
    assert_int_equal(fhx_checkpoint_fence(checkpoint), 4);
    assert_int_equal(fhx_checkpoint_seq(checkpoint), 5);
    assert_int_equal(fhx_checkpoint_next_seq(checkpoint), 6);
    assert_int_equal(fhx_checkpoint_done(checkpoint), 1);
    assert_memory_equal(fhx_checkpoint_token(checkpoint, &len), "tok", 3);
    assert_int_equal(len, 3);
    assert_string_equal(fhx_checkpoint_last_id(checkpoint), "");
    assert_int_equal(fhx_checkpoint_resource_count(checkpoint), 7);
    assert_int_equal(fhx_checkpoint_byte_count(checkpoint), 8);
    assert_int_equal(fhx_checkpoint_error_count(checkpoint), 9);
    assert_int_equal(fhx_checkpoint_part_count(checkpoint), 1);
    assert_string_equal(fhx_part_name(fhx_checkpoint_part(checkpoint, 0)), "a");
    assert_null(fhx_checkpoint_part(checkpoint, 1));
    assert_int_equal(fhx_checkpoint_line_count(checkpoint), 2);
    assert_memory_equal(fhx_checkpoint_line(checkpoint, 1, &len), "bc", 2);
    assert_int_equal(len, 2);
    assert_null(fhx_checkpoint_line(checkpoint, 2, &len));
    assert_int_equal(len, 0);
  }
  fhx_reply_done(reply);
}

static void plans_and_checkpoints_can_be_read(void **state) {
  host h;
  static const uint64_t ends[] = {1, 3};
  (void)state;
  fhx_store *store = make(&h);
  h.act = read_plan_and_checkpoint;
  fhx_task_record task = {.task_index = 1, .phase = 1, .resource_type = "Patient"};
  fhx_plan plan = {JOB_ID, 4, &task, 1};
  assert_int_equal(fhx__store_plan_tasks(store, &plan, NULL), FHX_OK);
  fhx_part part;
  memset(&part, 0, sizeof part);
  part.fence = part.resource_count = part.byte_count = 1;
  part.seq = 5;
  snprintf(part.name, sizeof part.name, "a");
  snprintf(part.resource_type, sizeof part.resource_type, "Patient");
  fhx_checkpoint checkpoint = {JOB_ID, 3, 1, 4,     5, 6, "tok", 3,   NULL,
                               7,      8, 9, &part, 1, 2, "abc", ends};
  assert_int_equal(fhx__store_record_checkpoint(store, &checkpoint, NULL), FHX_OK);
  assert_int_equal(h.calls, 2);
  fhx_store_free(store);
  assert_string_equal(fhx_plan_job_id(NULL), "");
  assert_null(fhx_plan_task(NULL, 0));
  assert_string_equal(fhx_checkpoint_last_id(NULL), "");
  assert_null(fhx_checkpoint_token(NULL, NULL));
  assert_null(fhx_checkpoint_part(NULL, 0));
  assert_null(fhx_checkpoint_line(NULL, 0, NULL));
}

static void a_reason_is_text(void **state) {
  host h;
  (void)state;
  fhx_store *store = make(&h);
  h.act = say_done;
  assert_int_equal(fhx__store_release_task(store, JOB_ID, 1, 2, FHX_RELEASE_RETRY, 3, FHX_ERR_IO,
                                           "cut \xC3", NULL),
                   FHX_OK);
  assert_string_equal(h.given, "its reason could not be stored");
  assert_int_equal(run_quietly(store, 6), FHX_OK);
  assert_string_equal(h.given, "");
  fhx_store_free(store);
}

/* --- tests of the handle --- */

static void the_store_is_destroyed_once(void **state) {
  host h;
  (void)state;
  fhx_store *store = make(&h);
  assert_ptr_equal(fhx__store_ref(store), store);
  fhx_store_free(store);
  assert_int_equal(h.destroyed, 0);
  fhx_store_free(store);
  assert_int_equal(h.destroyed, 1);
  fhx_store_free(NULL);
}

static void a_failed_store_is_destroyed_too(void **state) {
  host h;
  fhx_error *error = NULL;
  fhx_store *store = (fhx_store *)&h;
  (void)state;
  memset(&h, 0, sizeof h);
  fhx_store_callbacks callbacks = all_callbacks();
  callbacks.list_lines = NULL;
  assert_int_equal(fhx_store_new(&callbacks, &h, &store, &error), FHX_ERR_ARGUMENT);
  assert_non_null(strstr(fhx_error_message(error), "every callback"));
  fhx_error_free(error);
  assert_null(store);
  assert_int_equal(h.destroyed, 1);
  callbacks = all_callbacks();
  assert_int_equal(fhx_store_new(&callbacks, &h, NULL, NULL), FHX_ERR_ARGUMENT);
  assert_int_equal(h.destroyed, 2);
  struct {
    fhx_store_callbacks known;
    uint64_t unknown;
  } newer = {all_callbacks(), 1};
  newer.known.size = sizeof newer;
  assert_int_equal(fhx_store_new(&newer.known, &h, &store, NULL), FHX_ERR_STRUCT_SIZE);
  assert_int_equal(h.destroyed, 3);
  callbacks.size = 0;
  assert_int_equal(fhx_store_new(&callbacks, &h, &store, NULL), FHX_ERR_STRUCT_SIZE);
  assert_int_equal(fhx_store_new(NULL, &h, &store, NULL), FHX_ERR_ARGUMENT);
  assert_int_equal(h.destroyed, 3);
  callbacks = all_callbacks();
  callbacks.destroy = NULL;
  assert_int_equal(fhx_store_new(&callbacks, &h, &store, NULL), FHX_OK);
  fhx_store_free(store);
  assert_int_equal(h.destroyed, 3);
}

/* --- out of memory --- */

/* Runs a step under a failing allocator until it is spared. */
static void fail_each_allocation(int step, void (*answer)(host *, fhx_reply *)) {
  uint64_t number = 0;
  bool reached = true;
  while (reached) {
    host h;
    results r;
    fhx_error *error = NULL;
    memset(&h, 0, sizeof h);
    memset(&r, 0, sizeof r);
    fill(&h);
    h.act = answer;
    const fhx_store_callbacks callbacks = all_callbacks();
    fhx_store *store = NULL;
    test_memory_begin(++number);
    int32_t status = fhx_store_new(&callbacks, &h, &store, &error);
    if (status == FHX_OK) status = run_step(store, step, &r, &error);
    assert_int_equal(fhx_error_status(error), status < 0 ? status : FHX_OK);
    fhx_error_free(error);
    end_results(&r);
    fhx_store_free(store);
    assert_int_equal(h.destroyed, 1);
    reached = test_memory_end();
    assert_int_equal(status, reached ? FHX_ERR_NO_MEMORY : FHX_OK);
  }
  assert_true(number > 2);
}

static void every_allocation_may_fail(void **state) {
  (void)state;
  fail_each_allocation(1, say_job);
  fail_each_allocation(2, say_task);
  fail_each_allocation(7, say_task);
  fail_each_allocation(9, say_parts);
  fail_each_allocation(10, say_attempt);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(silence_is_no_answer),
      cmocka_unit_test(failures_keep_their_status),
      cmocka_unit_test(answers_that_do_not_fit_are_the_stores_fault),
      cmocka_unit_test(a_record_must_come),
      cmocka_unit_test(done_is_done),
      cmocka_unit_test(a_claim_may_wait_or_end),
      cmocka_unit_test(records_are_copied),
      cmocka_unit_test(lists_are_appended),
      cmocka_unit_test(lists_must_lead_on),
      cmocka_unit_test(senseless_jobs_are_refused),
      cmocka_unit_test(senseless_tasks_are_refused),
      cmocka_unit_test(senseless_entries_are_refused),
      cmocka_unit_test(outside_a_callback_answers_harm_nobody),
      cmocka_unit_test(what_cannot_be_read_back_is_not_stored),
      cmocka_unit_test(checkpoints_move_on),
      cmocka_unit_test(plans_and_checkpoints_can_be_read),
      cmocka_unit_test(a_reason_is_text),
      cmocka_unit_test(the_store_is_destroyed_once),
      cmocka_unit_test(a_failed_store_is_destroyed_too),
      cmocka_unit_test(every_allocation_may_fail),
  };
  return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}
