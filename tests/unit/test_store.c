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
#include "store_create.h"
#include "store_host.h"
#include "support/memory.h"

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

static void say_next(host *h, fhx_reply *reply) {
  fhx_reply_item(reply, h->next_id, strlen(h->next_id));
  fhx_reply_done(reply);
}

static void say_next_only(host *h, fhx_reply *reply) {
  fhx_reply_item(reply, h->next_id, strlen(h->next_id));
}

/* Digits enough, but with a NUL among them. */
static void say_next_with_nul(host *h, fhx_reply *reply) {
  char item[FHX__JOB_ID_LEN];
  memcpy(item, h->next_id, sizeof item);
  item[sizeof item / 2] = '\0';
  fhx_reply_item(reply, item, sizeof item);
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
  fhx_store *store = host_store(&h);
  for (int i = 0; i < STEP_COUNT; i++) {
    host_assert_failure(store, i, FHX_ERR_NO_ANSWER, 1, "the callback returned without an answer");
  }
  assert_int_equal(h.calls, STEP_COUNT);
  fhx_store_free(store);
}

static void failures_keep_their_status(void **state) {
  static const int32_t statuses[] = {FHX_ERR_REFUSED, FHX_ERR_NOT_FOUND, FHX_ERR_EXISTS,
                                     FHX_ERR_STORE, FHX_ERR_DENIED};
  host h;
  (void)state;
  fhx_store *store = host_store(&h);
  h.act = say_fail;
  for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
    h.status = statuses[i];
    for (int step = 0; step < STEP_COUNT; step++) {
      host_assert_failure(store, step, h.status, h.status == FHX_ERR_STORE, "the database says no");
    }
  }
  h.act = say_job_then_fail;
  h.status = FHX_ERR_NOT_FOUND;
  host_assert_failure(store, STEP_READ_JOB, FHX_ERR_NOT_FOUND, 0, "the database says no");
  fhx_store_free(store);
}

static void answers_that_do_not_fit_are_the_stores_fault(void **state) {
  host h;
  (void)state;
  fhx_store *store = host_store(&h);
  h.act = say_rows;
  for (int i = 0; i < STEP_COUNT; i++) {
    host_assert_failure(store, i, FHX_ERR_STORE, 0,
                        "the callback gave an answer that does not fit it");
  }
  h.act = say_task;
  host_assert_failure(store, STEP_READ_JOB, FHX_ERR_STORE, 0, "does not fit");
  h.act = say_wait_0;
  host_assert_failure(store, STEP_READ_JOB, FHX_ERR_STORE, 0, "does not fit");
  h.act = say_end;
  host_assert_failure(store, STEP_CLEAN_JOB, FHX_ERR_STORE, 0, "does not fit");
  fhx_store_free(store);
}

static void a_record_must_come(void **state) {
  host h;
  (void)state;
  fhx_store *store = host_store(&h);
  h.act = say_done;
  host_assert_failure(store, STEP_READ_JOB, FHX_ERR_STORE, 0, "done without a job");
  host_assert_failure(store, STEP_CLAIM_TASK, FHX_ERR_STORE, 0, "done without a task");
  host_assert_failure(store, STEP_READ_TASK, FHX_ERR_STORE, 0, "done without the task");
  h.act = say_job_only;
  host_assert_failure(store, STEP_READ_JOB, FHX_ERR_NO_ANSWER, 1, "did not finish");
  h.act = say_task_only;
  host_assert_failure(store, STEP_CLAIM_TASK, FHX_ERR_NO_ANSWER, 1, "did not finish");
  h.act = say_parts_only;
  host_assert_failure(store, STEP_LIST_PARTS, FHX_ERR_NO_ANSWER, 1, "did not finish");
  fhx_store_free(store);
}

static void done_is_done(void **state) {
  host h;
  (void)state;
  fhx_store *store = host_store(&h);
  h.act = say_done;
  /* Not next_cleanup: without an item there is no job. */
  static const int steps[] = {STEP_CREATE_JOB,        STEP_RENEW_TASK,    STEP_PLAN_TASKS,
                              STEP_RECORD_CHECKPOINT, STEP_RELEASE_TASK,  STEP_REMOVE_JOB,
                              STEP_LIST_PARTS,        STEP_LIST_ATTEMPTS, STEP_LIST_LINES,
                              STEP_CLEAN_JOB,         STEP_ADD_MEMBERS,   STEP_LIST_MEMBERS,
                              STEP_ADD_PAGE,          STEP_LIST_PAGE,     STEP_HOLD_JOB,
                              STEP_LIST_JOBS,         STEP_JOIN_JOB};
  for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
    assert_int_equal(host_run_quietly(store, steps[i]), FHX_OK);
  }
  fhx_store_free(store);
}

static void a_claim_may_wait_or_end(void **state) {
  host h;
  results r;
  (void)state;
  memset(&r, 0, sizeof r);
  fhx_store *store = host_store(&h);
  h.act = say_wait_0;
  assert_int_equal(host_run(store, STEP_CLAIM_TASK, &r, NULL), FHX_WAIT);
  /* A host's 0 must not make its workers spin. */
  assert_in_range(r.wait_us, 1000, 1000000);
  r.wait_us = 0;
  assert_int_equal(host_run(store, STEP_CLEAN_JOB, &r, NULL), FHX_WAIT);
  assert_in_range(r.wait_us, 1000, 1000000);
  h.act = say_task_then_wait;
  assert_int_equal(host_run(store, STEP_CLAIM_TASK, &r, NULL), FHX_WAIT);
  assert_int_equal(r.wait_us, 5000);
  assert_null(r.task.texts.data);
  h.act = say_end;
  assert_int_equal(host_run(store, STEP_CLAIM_TASK, &r, NULL), FHX_END);
  host_results_end(&r);
  fhx_store_free(store);
}

static void a_job_is_joined_by_its_id(void **state) {
  host h;
  results r;
  (void)state;
  memset(&r, 0, sizeof r);
  fhx_store *store = host_store(&h);
  h.act = say_next;
  assert_int_equal(host_run(store, STEP_JOIN_JOB, &r, NULL), FHX_OK);
  assert_string_equal(r.job_id, OTHER_ID);
  host_assert_failure(store, STEP_CREATE_JOB, FHX_ERR_STORE, 0, "does not fit");
  h.next_id = "../cba9876543210fedcba9876543210";
  host_assert_failure(store, STEP_JOIN_JOB, FHX_ERR_STORE, 0, "id is malformed");
  h.act = say_three_items;
  host_assert_failure(store, STEP_JOIN_JOB, FHX_ERR_STORE, 0, "more than one job");
  fhx_store_free(store);
}

/* Anything else would keep the cleaner going for ever, or send it to another place. */
static void the_next_job_to_clean_leads_on(void **state) {
  static const char *const bad[] = {
      "", "fedcba9876543210fedcba987654321", "fedcba9876543210fedcba98765432100",
      "FEDCBA9876543210FEDCBA9876543210", "../cba9876543210fedcba9876543210"};
  host h;
  results r;
  (void)state;
  memset(&r, 0, sizeof r);
  fhx_store *store = host_store(&h);
  h.act = say_done;
  assert_int_equal(host_run(store, STEP_NEXT_CLEANUP, &r, NULL), FHX_END);
  assert_string_equal(r.job_id, "");
  h.act = say_next;
  assert_int_equal(host_run(store, STEP_NEXT_CLEANUP, &r, NULL), FHX_OK);
  assert_string_equal(r.job_id, OTHER_ID);
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    h.next_id = bad[i];
    host_assert_failure(store, STEP_NEXT_CLEANUP, FHX_ERR_STORE, 0, "id is malformed");
  }
  h.next_id = JOB_ID;
  host_assert_failure(store, STEP_NEXT_CLEANUP, FHX_ERR_STORE, 0, "not greater");
  h.next_id = "0123456789abcdef0123456789abcdee";
  host_assert_failure(store, STEP_NEXT_CLEANUP, FHX_ERR_STORE, 0, "not greater");
  h.next_id = OTHER_ID;
  h.act = say_next_with_nul;
  host_assert_failure(store, STEP_NEXT_CLEANUP, FHX_ERR_STORE, 0, "id is malformed");
  h.act = say_three_items;
  host_assert_failure(store, STEP_NEXT_CLEANUP, FHX_ERR_STORE, 0, "more than one job");
  h.act = say_next_only;
  host_assert_failure(store, STEP_NEXT_CLEANUP, FHX_ERR_NO_ANSWER, 1, "did not finish");
  /* A loop may go on from the place that it reads into. */
  h.act = say_next;
  memcpy(r.job_id, JOB_ID, sizeof r.job_id);
  assert_int_equal(fhx__store_next_cleanup(store, 5, r.job_id, r.job_id, NULL), FHX_OK);
  assert_string_equal(r.job_id, OTHER_ID);
  host_results_end(&r);
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
  fhx_store *store = host_store(&h);
  h.act = say_job;
  h.job.reason = reason;
  assert_int_equal(host_run(store, STEP_READ_JOB, &r, NULL), FHX_OK);
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
  assert_int_equal(host_run(store, STEP_CLAIM_TASK, &r, NULL), FHX_OK);
  memset(token, 'x', 5);
  assert_memory_equal(r.task.record.token, "token", 5);
  assert_string_equal(r.task.record.resource_type, "");
  assert_string_equal(r.task.record.last_id, "");
  assert_null(r.task.record.shard);
  assert_int_equal(r.task.record.next_seq, 5);
  /* A second answer takes the place of the first, in the reply and in the entry. */
  h.task.resource_type = "Observation";
  assert_int_equal(host_run(store, STEP_READ_TASK, &r, NULL), FHX_OK);
  assert_string_equal(r.task.record.resource_type, "Observation");
  host_results_end(&r);
  fhx_store_free(store);
}

static void lists_are_appended(void **state) {
  host h;
  results r;
  (void)state;
  memset(&r, 0, sizeof r);
  fhx_store *store = host_store(&h);
  uint8_t sha256[32];
  memset(sha256, 7, sizeof sha256);
  h.act = say_parts;
  h.part.sha256 = sha256;
  h.part.crc32c = UINT32_MAX;
  h.part.kind = FHX_PART_ERROR;
  assert_int_equal(host_run(store, STEP_LIST_PARTS, &r, NULL), FHX_OK);
  assert_int_equal(host_run(store, STEP_LIST_PARTS, &r, NULL), FHX_OK);
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
  assert_int_equal(host_run(store, STEP_LIST_ATTEMPTS, &r, NULL), FHX_OK);
  assert_int_equal(r.list.len, sizeof(fhx__attempt));
  const fhx__attempt *attempt = (const fhx__attempt *)(const void *)r.list.data;
  assert_string_equal(attempt->resource_type, "");
  assert_int_equal(attempt->last_seq, 0);
  assert_true(attempt->finished);
  host_results_end(&r);
  fhx_store_free(store);
}

static void lists_must_lead_on(void **state) {
  host h;
  (void)state;
  fhx_store *store = host_store(&h);
  h.act = say_three_parts;
  host_assert_failure(store, STEP_LIST_PARTS, FHX_ERR_STORE, 0, "more entries than were asked for");
  host_assert_failure(store, STEP_LIST_PAGE, FHX_ERR_STORE, 0, "more entries than were asked for");
  h.act = say_three_items;
  host_assert_failure(store, STEP_LIST_LINES, FHX_ERR_STORE, 0, "more entries than were asked for");
  h.act = say_attempt_twice;
  host_assert_failure(store, STEP_LIST_ATTEMPTS, FHX_ERR_STORE, 0, "not in ascending order");
  h.act = say_part;
  h.part.seq = 4;
  host_assert_failure(store, STEP_LIST_PARTS, FHX_ERR_STORE, 0, "not in ascending order");
  host_assert_failure(store, STEP_LIST_PAGE, FHX_ERR_STORE, 0, "not in ascending order");
  h.part.task_index = 0;
  h.part.seq = 9;
  host_assert_failure(store, STEP_LIST_PARTS, FHX_ERR_STORE, 0, "not in ascending order");
  h.part.task_index = 2;
  h.part.seq = 1;
  assert_int_equal(host_run_quietly(store, STEP_LIST_PARTS), FHX_OK);
  fhx_store_free(store);
}

/* Spoils one member of a sensible record, and expects the message. */
#define SPOIL(step, record, member, value, message)              \
  do {                                                           \
    host_fill(&h);                                               \
    h.record.member = (value);                                   \
    host_assert_failure(store, step, FHX_ERR_STORE, 0, message); \
  } while (0)

static void senseless_jobs_are_refused(void **state) {
  static char too_long[1100];
  host h;
  (void)state;
  memset(too_long, 'x', sizeof too_long - 1);
  fhx_store *store = host_store(&h);
  h.act = say_job;
  assert_int_equal(host_run_quietly(store, STEP_READ_JOB), FHX_OK);
  SPOIL(STEP_READ_JOB, job, size, 0, "size does not fit");
  SPOIL(STEP_READ_JOB, job, job_id, OTHER_ID, "another job's");
  SPOIL(STEP_READ_JOB, job, job_id, "short", "id is malformed");
  SPOIL(STEP_READ_JOB, job, job_id, NULL, "id is malformed");
  SPOIL(STEP_READ_JOB, job, state, 0, "state is unknown");
  SPOIL(STEP_READ_JOB, job, state, 5, "state is unknown");
  SPOIL(STEP_READ_JOB, job, tenant, "a/b", "tenant is malformed");
  SPOIL(STEP_READ_JOB, job, client, too_long, "client is too long");
  SPOIL(STEP_READ_JOB, job, definition, "\xFF", "not UTF-8");
  SPOIL(STEP_READ_JOB, job, request, "\xFF", "not UTF-8");
  SPOIL(STEP_READ_JOB, job, reason, "\xFF", "not UTF-8");
  SPOIL(STEP_READ_JOB, job, host_context_len, FHX_OPAQUE_MAX + 1, "host context");
  SPOIL(STEP_READ_JOB, job, host_context, NULL, "host context");
  SPOIL(STEP_READ_JOB, job, resolution_us, 0, "resolution");
  SPOIL(STEP_READ_JOB, job, reason_status, 1, "no error");
  SPOIL(STEP_READ_JOB, job, cleanup_due, 2, "cleanup_due");
  SPOIL(STEP_READ_JOB, job, task_done_count, 1, "more tasks are done");
  fhx_store_free(store);
}

static void senseless_tasks_are_refused(void **state) {
  static char too_long[70];
  host h;
  (void)state;
  memset(too_long, 'X', sizeof too_long - 1);
  fhx_store *store = host_store(&h);
  h.act = say_task;
  assert_int_equal(host_run_quietly(store, STEP_READ_TASK), FHX_OK);
  SPOIL(STEP_READ_TASK, task, size, 4, "size does not fit");
  SPOIL(STEP_READ_TASK, task, job_id, OTHER_ID, "another job's");
  SPOIL(STEP_READ_TASK, task, job_id, NULL, "id is malformed");
  SPOIL(STEP_READ_TASK, task, task_index, 2, "done without the task");
  SPOIL(STEP_READ_TASK, task, state, 0, "state is unknown");
  SPOIL(STEP_READ_TASK, task, state, 4, "state is unknown");
  SPOIL(STEP_READ_TASK, task, phase, FHX_PHASE_FINISH + 1, "phase is unknown");
  SPOIL(STEP_READ_TASK, task, resource_type, "patient", "type is malformed");
  SPOIL(STEP_READ_TASK, task, resource_type, too_long, "type is malformed");
  SPOIL(STEP_READ_TASK, task, shard_len, 1, "shard");
  SPOIL(STEP_READ_TASK, task, token_len, FHX_TOKEN_MAX + 1, "token");
  SPOIL(STEP_READ_TASK, task, last_id, "a b", "last id");
  SPOIL(STEP_READ_TASK, task, first_seq, 0, "out of order");
  SPOIL(STEP_READ_TASK, task, next_seq, 2, "out of order");
  SPOIL(STEP_READ_TASK, task, fence, 0, "no fence");
  SPOIL(STEP_CLAIM_TASK, task, state, FHX_TASK_WAITING, "does not run");
  SPOIL(STEP_CLAIM_TASK, task, state, FHX_TASK_DONE, "does not run");
  fhx_store_free(store);
}

static void senseless_entries_are_refused(void **state) {
  host h;
  (void)state;
  fhx_store *store = host_store(&h);
  h.act = say_part;
  assert_int_equal(host_run_quietly(store, STEP_LIST_PARTS), FHX_OK);
  SPOIL(STEP_LIST_PARTS, part, size, 0, "size does not fit");
  SPOIL(STEP_LIST_PARTS, part, kind, FHX_PART_DELETED + 1, "kind");
  SPOIL(STEP_LIST_PARTS, part, flags, FHX_PART_CONTINUES << 1, "flag");
  SPOIL(STEP_LIST_PARTS, part, name, NULL, "name");
  SPOIL(STEP_LIST_PARTS, part, name, "../secret", "name");
  SPOIL(STEP_LIST_PARTS, part, resource_type, NULL, "type");
  SPOIL(STEP_LIST_PARTS, part, resource_type, "no type", "type");
  SPOIL(STEP_LIST_PARTS, part, resource_count, 0, "empty");
  SPOIL(STEP_LIST_PARTS, part, byte_count, 0, "empty");
  SPOIL(STEP_LIST_PARTS, part, fence, 0, "no fence");
  SPOIL(STEP_LIST_PARTS, part, encoding, 2, "encoding");
  SPOIL(STEP_LIST_PARTS, part, encoding, FHX_ENCODING_GZIP, "empty where it is stored");
  SPOIL(STEP_LIST_PARTS, part, stored_byte_count, 29, "no encoding");
  h.part.encoding = FHX_ENCODING_GZIP;
  h.part.stored_byte_count = 29;
  h.part.name = JOB_ID "/Patient-0-1-5.ndjson.gz";
  assert_int_equal(host_run_quietly(store, STEP_LIST_PARTS), FHX_OK);
  h.part.name = JOB_ID "/Patient-0-1-5.ndjson";
  assert_int_equal(host_run_quietly(store, STEP_LIST_PARTS), FHX_ERR_STORE);
  SPOIL(STEP_LIST_PARTS, part, seq, 0, "no fence or no number");
  h.act = say_attempt;
  host_fill(&h);
  assert_int_equal(host_run_quietly(store, STEP_LIST_ATTEMPTS), FHX_OK);
  SPOIL(STEP_LIST_ATTEMPTS, attempt, size, 0, "size does not fit");
  SPOIL(STEP_LIST_ATTEMPTS, attempt, phase, FHX_PHASE_FINISH + 1, "phase");
  SPOIL(STEP_LIST_ATTEMPTS, attempt, resource_type, "9", "type");
  SPOIL(STEP_LIST_ATTEMPTS, attempt, fence, 0, "no fence");
  SPOIL(STEP_LIST_ATTEMPTS, attempt, first_seq, 0, "out of order");
  SPOIL(STEP_LIST_ATTEMPTS, attempt, first_seq, 2, "out of order");
  SPOIL(STEP_LIST_ATTEMPTS, attempt, last_seq, UINT64_MAX, "out of order");
  SPOIL(STEP_LIST_ATTEMPTS, attempt, finished, 2, "finished");
  fhx_store_free(store);
}

static void outside_a_callback_answers_harm_nobody(void **state) {
  host h;
  (void)state;
  host_fill(&h);
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
  fhx_store *store = host_store(&h);
  h.act = say_done;
  fhx_job_record job;
  FHX_INIT(&job);
  job.job_id = "no id";
  job.resolution_us = 1;
  assert_int_equal(store_create_job(store, &job, &error), FHX_ERR_ARGUMENT);
  fhx_error_free(error);
  job.job_id = JOB_ID;
  job.client = "\xC3";
  assert_int_equal(store_create_job(store, &job, NULL), FHX_ERR_ARGUMENT);
  fhx_task_record tasks[2] = {{.task_index = 1, .phase = 1, .resource_type = "Patient"},
                              {.task_index = 2, .phase = 1, .resource_type = "no type"}};
  fhx_plan plan = {.job_id = JOB_ID, .fence = 1, .tasks = tasks, .task_count = 2};
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
  fhx_store *store = host_store(&h);
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
  size_t len = 99;
  if (h->calls == 1) {
    const fhx_plan *plan = h->given;
    assert_string_equal(fhx_plan_job_id(plan), JOB_ID);
    assert_int_equal(fhx_plan_fence(plan), 4);
    assert_int_equal(fhx_plan_task_count(plan), 1);
    assert_string_equal(fhx_plan_task(plan, 0)->resource_type, "Patient");
    assert_null(fhx_plan_task(plan, 1));
    assert_int_equal(fhx_plan_line_count(plan), 2);
    assert_memory_equal(fhx_plan_line(plan, 0, NULL), "a", 1);
    assert_memory_equal(fhx_plan_line(plan, 1, &len), "bc", 2);
    assert_int_equal(len, 2);
    assert_null(fhx_plan_line(plan, 2, &len));
    assert_int_equal(len, 0);
  } else {
    const fhx_checkpoint *checkpoint = h->given;
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
  fhx_store *store = host_store(&h);
  h.act = read_plan_and_checkpoint;
  fhx_task_record task = {.task_index = 1, .phase = 1, .resource_type = "Patient"};
  fhx_plan plan = {JOB_ID, 4, &task, 1, 2, "abc", ends};
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
  assert_int_equal(fhx_plan_line_count(NULL), 0);
  assert_null(fhx_plan_line(NULL, 0, NULL));
  assert_string_equal(fhx_checkpoint_last_id(NULL), "");
  assert_null(fhx_checkpoint_token(NULL, NULL));
  assert_null(fhx_checkpoint_part(NULL, 0));
  assert_null(fhx_checkpoint_line(NULL, 0, NULL));
}

static void a_reason_is_text(void **state) {
  host h;
  (void)state;
  fhx_store *store = host_store(&h);
  h.act = say_done;
  assert_int_equal(fhx__store_release_task(store, JOB_ID, 1, 2, FHX_RELEASE_RETRY, 3, FHX_ERR_IO,
                                           "cut \xC3", NULL),
                   FHX_OK);
  assert_string_equal(h.given, "its reason could not be stored");
  assert_int_equal(host_run_quietly(store, STEP_RELEASE_TASK), FHX_OK);
  assert_string_equal(h.given, "");
  fhx_store_free(store);
}

/* --- tests of the handle --- */

static void the_store_is_destroyed_once(void **state) {
  host h;
  (void)state;
  fhx_store *store = host_store(&h);
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
  fhx_store_callbacks callbacks = host_callbacks();
  callbacks.list_lines = NULL;
  assert_int_equal(fhx_store_new(&callbacks, &h, &store, &error), FHX_ERR_ARGUMENT);
  assert_non_null(strstr(fhx_error_message(error), "every callback"));
  fhx_error_free(error);
  assert_null(store);
  assert_int_equal(h.destroyed, 1);
  callbacks = host_callbacks();
  callbacks.list_page = NULL;
  assert_int_equal(fhx_store_new(&callbacks, &h, &store, NULL), FHX_ERR_ARGUMENT);
  h.destroyed = 1;
  callbacks = host_callbacks();
  callbacks.next_cleanup = NULL;
  assert_int_equal(fhx_store_new(&callbacks, &h, &store, NULL), FHX_ERR_ARGUMENT);
  h.destroyed = 1;
  callbacks = host_callbacks();
  assert_int_equal(fhx_store_new(&callbacks, &h, NULL, NULL), FHX_ERR_ARGUMENT);
  assert_int_equal(h.destroyed, 2);
  struct {
    fhx_store_callbacks known;
    uint64_t unknown;
  } newer = {host_callbacks(), 1};
  newer.known.size = sizeof newer;
  assert_int_equal(fhx_store_new(&newer.known, &h, &store, NULL), FHX_ERR_STRUCT_SIZE);
  assert_int_equal(h.destroyed, 3);
  callbacks.size = 0;
  assert_int_equal(fhx_store_new(&callbacks, &h, &store, NULL), FHX_ERR_STRUCT_SIZE);
  assert_int_equal(fhx_store_new(NULL, &h, &store, NULL), FHX_ERR_ARGUMENT);
  assert_int_equal(h.destroyed, 3);
  callbacks = host_callbacks();
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
    host_fill(&h);
    h.act = answer;
    const fhx_store_callbacks callbacks = host_callbacks();
    fhx_store *store = NULL;
    test_memory_begin(++number);
    int32_t status = fhx_store_new(&callbacks, &h, &store, &error);
    if (status == FHX_OK) status = host_run(store, step, &r, &error);
    assert_int_equal(fhx_error_status(error), status < 0 ? status : FHX_OK);
    fhx_error_free(error);
    host_results_end(&r);
    fhx_store_free(store);
    assert_int_equal(h.destroyed, 1);
    reached = test_memory_end();
    assert_int_equal(status, reached ? FHX_ERR_NO_MEMORY : FHX_OK);
  }
  assert_true(number > 2);
}

static void every_allocation_may_fail(void **state) {
  (void)state;
  fail_each_allocation(STEP_READ_JOB, say_job);
  fail_each_allocation(STEP_CLAIM_TASK, say_task);
  fail_each_allocation(STEP_READ_TASK, say_task);
  fail_each_allocation(STEP_LIST_PARTS, say_parts);
  fail_each_allocation(STEP_LIST_PAGE, say_parts);
  fail_each_allocation(STEP_LIST_ATTEMPTS, say_attempt);
  fail_each_allocation(STEP_NEXT_CLEANUP, say_next);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(silence_is_no_answer),
      cmocka_unit_test(failures_keep_their_status),
      cmocka_unit_test(answers_that_do_not_fit_are_the_stores_fault),
      cmocka_unit_test(a_record_must_come),
      cmocka_unit_test(done_is_done),
      cmocka_unit_test(a_claim_may_wait_or_end),
      cmocka_unit_test(a_job_is_joined_by_its_id),
      cmocka_unit_test(the_next_job_to_clean_leads_on),
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
