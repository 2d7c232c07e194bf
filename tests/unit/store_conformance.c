/* The conformance tests of stores; see fhirexport/store.h, which each test's name points to. */
#include "store_conformance.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

#include "core/buffer.h"
#include "store/store.h"

#define JOB_A "0123456789abcdef0123456789abcdef"
#define JOB_B "fedcba9876543210fedcba9876543210"
#define LEASE_US 60000000
#define ATTEMPTS_MAX 3
#define BEGINNING_US INT64_C(1700000000000000)

typedef struct fixture {
  const store_conformance *subject;
  fhx_store *held;
  int64_t now_us;
  int64_t wait_us;
  fhx__job_entry job;
  fhx__task_entry task;
  fhx__buffer list;
} fixture;

/* --- a fixture and its steps --- */

static int64_t read_clock(void *user_data) {
  return ((const fixture *)user_data)->now_us;
}

/* The store, after a restart where the subject has them. */
static fhx_store *store_of(fixture *f) {
  const store_conformance *subject = f->subject;
  if (subject->remake != NULL) {
    f->held = subject->remake(subject->context, f->held, read_clock, f);
    assert_non_null(f->held);
  }
  return f->held;
}

static int setup(void **state) {
  fixture *f = calloc(1, sizeof *f);
  assert_non_null(f);
  f->subject = *state;
  f->now_us = BEGINNING_US;
  f->held = f->subject->make(f->subject->context, read_clock, f);
  assert_non_null(f->held);
  *state = f;
  return 0;
}

static int teardown(void **state) {
  fixture *f = *state;
  fhx__job_entry_free(&f->job);
  fhx__task_entry_free(&f->task);
  fhx__buffer_free(&f->list);
  f->subject->drop(f->subject->context, f->held);
  free(f);
  return 0;
}

/* A step's status; its error must agree. */
static int32_t seen(int32_t status, fhx_error **error) {
  assert_int_equal(fhx_error_status(*error), status < 0 ? status : FHX_OK);
  if (status < 0) assert_string_not_equal(fhx_error_message(*error), "");
  fhx_error_free(*error);
  *error = NULL;
  return status;
}

static fhx_job_record job_record(const char *job_id) {
  fhx_job_record record;
  FHX_INIT(&record);
  record.job_id = job_id;
  record.tenant = "north";
  record.client = "client \xC3\xA9";
  record.request = "https://example.org/fhir/$export";
  record.definition = "{\"types\":[]}";
  record.transaction_time_us = BEGINNING_US - 5;
  record.resolution_us = 1000;
  return record;
}

static int32_t create(fixture *f, const char *job_id) {
  fhx_error *error = NULL;
  fhx_job_record record = job_record(job_id);
  return seen(fhx__store_create_job(store_of(f), &record, &error), &error);
}

static int32_t read_job(fixture *f, const char *job_id) {
  fhx_error *error = NULL;
  return seen(fhx__store_read_job(store_of(f), job_id, &f->job, &error), &error);
}

static int32_t claim(fixture *f, const char *job_id, const char *claim_id) {
  fhx_error *error = NULL;
  f->wait_us = 0;
  int32_t status = fhx__store_claim_task(store_of(f), job_id, claim_id, LEASE_US, ATTEMPTS_MAX,
                                         &f->task, &f->wait_us, &error);
  /* A busy loop helps nobody, and neither does a wait beyond the lease. */
  if (status == FHX_WAIT) assert_in_range(f->wait_us, 1000, LEASE_US);
  return seen(status, &error);
}

static int32_t renew(fixture *f, const char *job_id, uint32_t task_index, uint64_t fence,
                     uint64_t last_seq) {
  fhx_error *error = NULL;
  return seen(
      fhx__store_renew_task(store_of(f), job_id, task_index, fence, last_seq, LEASE_US, &error),
      &error);
}

static int32_t release(fixture *f, const char *job_id, uint32_t task_index, uint64_t fence,
                       uint32_t how) {
  fhx_error *error = NULL;
  return seen(fhx__store_release_task(store_of(f), job_id, task_index, fence, how, ATTEMPTS_MAX,
                                      FHX_ERR_SOURCE, "the source is gone", &error),
              &error);
}

static int32_t read_task(fixture *f, const char *job_id, uint32_t task_index) {
  fhx_error *error = NULL;
  return seen(fhx__store_read_task(store_of(f), job_id, task_index, &f->task, &error), &error);
}

static int32_t remove_job(fixture *f, const char *job_id) {
  fhx_error *error = NULL;
  return seen(fhx__store_remove_job(store_of(f), job_id, &error), &error);
}

static int32_t clean(fixture *f, const char *job_id) {
  fhx_error *error = NULL;
  f->wait_us = 0;
  int32_t status = fhx__store_clean_job(store_of(f), job_id, &f->wait_us, &error);
  if (status == FHX_WAIT) assert_in_range(f->wait_us, 1000, LEASE_US);
  return seen(status, &error);
}

/* Two shards of Patient, all of Observation, and one task of the finish phase. */
#define PLANNED 4
static int32_t plan(fixture *f, const char *job_id, uint64_t fence, uint32_t task_count) {
  fhx_error *error = NULL;
  fhx_task_record tasks[PLANNED];
  for (uint32_t i = 0; i < PLANNED; i++) {
    FHX_INIT(&tasks[i]);
    tasks[i].task_index = i + 1;
    tasks[i].phase = i < 3 ? FHX_PHASE_MAIN : FHX_PHASE_FINISH;
    tasks[i].resource_type = i < 2 ? "Patient" : i == 2 ? "Observation" : "";
    tasks[i].estimated_resources = 100;
  }
  tasks[0].shard = "a\0z";
  tasks[0].shard_len = 3;
  tasks[1].shard = "";
  tasks[1].shard_index = 1;
  fhx_plan planned = {job_id, fence, tasks, task_count};
  return seen(fhx__store_plan_tasks(store_of(f), &planned, &error), &error);
}

/* A part's facts follow from its place, so that they can be checked. */
static fhx_part make_part(const char *job_id, uint32_t task_index, uint64_t fence, uint64_t seq) {
  fhx_part part;
  memset(&part, 0, sizeof part);
  part.kind = FHX_PART_OUTPUT;
  part.task_index = task_index;
  part.fence = fence;
  part.seq = seq;
  part.resource_count = 10 * seq;
  part.byte_count = 1000 * seq;
  part.crc32c = 0xF0000000u + (uint32_t)seq;
  part.has_sha256 = seq % 2 == 1;
  if (part.has_sha256) memset(part.sha256, (int)seq, sizeof part.sha256);
  snprintf(part.resource_type, sizeof part.resource_type, "Patient");
  snprintf(part.name, sizeof part.name, "%s/Patient-%u-%llu-%llu.ndjson", job_id, task_index,
           (unsigned long long)fence, (unsigned long long)seq);
  return part;
}

/* A checkpoint with one part, of 10 * seq resources and 1,000 * seq bytes, and two error lines. */
static fhx_checkpoint checkpoint_of(const char *job_id, uint32_t task_index, uint64_t fence,
                                    uint64_t seq, const fhx_part *part) {
  static const char lines[] = "first\0line\nsecond";
  static const uint64_t line_ends[] = {10, 17};
  fhx_checkpoint checkpoint;
  memset(&checkpoint, 0, sizeof checkpoint);
  checkpoint.job_id = job_id;
  checkpoint.task_index = task_index;
  checkpoint.fence = fence;
  checkpoint.seq = seq;
  checkpoint.next_seq = seq + 1;
  checkpoint.last_id = "last-id";
  checkpoint.resource_count = 10 * seq;
  checkpoint.byte_count = 1000 * seq;
  checkpoint.error_count = 2;
  checkpoint.parts = part;
  checkpoint.part_count = 1;
  checkpoint.lines = lines;
  checkpoint.line_ends = line_ends;
  checkpoint.line_count = 2;
  return checkpoint;
}

static int32_t record(fixture *f, const fhx_checkpoint *checkpoint) {
  fhx_error *error = NULL;
  return seen(fhx__store_record_checkpoint(store_of(f), checkpoint, &error), &error);
}

/* Records such a checkpoint; `token` NULL: none. */
static int32_t advance(fixture *f, const char *job_id, uint32_t task_index, uint64_t fence,
                       uint64_t seq, const char *token, uint32_t done) {
  fhx_part part = make_part(job_id, task_index, fence, seq);
  fhx_checkpoint checkpoint = checkpoint_of(job_id, task_index, fence, seq, &part);
  checkpoint.token = token;
  checkpoint.token_len = token == NULL ? 0 : strlen(token);
  checkpoint.done = done;
  return record(f, &checkpoint);
}

static uint32_t list_parts(fixture *f, const char *job_id, uint32_t after_task, uint64_t after_seq,
                           uint32_t limit) {
  fhx_error *error = NULL;
  f->list.len = 0;
  int32_t status =
      fhx__store_list_parts(store_of(f), job_id, after_task, after_seq, limit, &f->list, &error);
  assert_int_equal(seen(status, &error), FHX_OK);
  return (uint32_t)(f->list.len / sizeof(fhx_part));
}

static const fhx_part *part_at(const fixture *f, uint32_t position) {
  return (const fhx_part *)(const void *)f->list.data + position;
}

static uint32_t list_attempts(fixture *f, const char *job_id, uint32_t after_task,
                              uint64_t after_fence, uint32_t limit) {
  fhx_error *error = NULL;
  f->list.len = 0;
  int32_t status = fhx__store_list_attempts(store_of(f), job_id, after_task, after_fence, limit,
                                            &f->list, &error);
  assert_int_equal(seen(status, &error), FHX_OK);
  return (uint32_t)(f->list.len / sizeof(fhx__attempt));
}

static const fhx__attempt *attempt_at(const fixture *f, uint32_t position) {
  return (const fhx__attempt *)(const void *)f->list.data + position;
}

/* Stores the lines in the list, each with its NULs and a '|' behind it. */
static uint32_t list_lines(fixture *f, const char *job_id, uint64_t first, uint32_t limit) {
  fhx_error *error = NULL;
  fhx_reply lines;
  int32_t status = fhx__store_list_lines(store_of(f), job_id, first, limit, &lines, &error);
  assert_int_equal(seen(status, &error), FHX_OK);
  uint32_t count = (uint32_t)fhx__reply_item_count(&lines);
  f->list.len = 0;
  for (uint32_t i = 0; i < count; i++) {
    size_t len = 0;
    const char *line = fhx__reply_item_at(&lines, i, &len);
    assert_int_equal(fhx__buffer_append(&f->list, line, len), FHX_OK);
    assert_int_equal(fhx__buffer_append_text(&f->list, "|"), FHX_OK);
  }
  fhx__reply_end(&lines);
  return count;
}

static void append(fhx__buffer *out, const void *data, size_t len) {
  if (data != NULL) assert_int_equal(fhx__buffer_append(out, data, len), FHX_OK);
}

static void append_number(fhx__buffer *out, uint64_t number) {
  append(out, &number, sizeof number);
}

/* Everything that can be read about a job, to see that nothing has changed. */
static void photograph(fixture *f, const char *job_id, fhx__buffer *out) {
  out->len = 0;
  assert_int_equal(read_job(f, job_id), FHX_OK);
  const fhx_job_record *job = &f->job.record;
  const uint64_t facts[] = {
      job->state,       job->cleanup_due,        (uint64_t)job->created_us, (uint64_t)job->ended_us,
      job->task_count,  job->task_done_count,    job->resource_count,       job->byte_count,
      job->error_count, job->estimated_resources};
  append(out, facts, sizeof facts);
  append(out, job->reason, strlen(job->reason));
  for (uint32_t i = 0; i < (uint32_t)job->task_count; i++) {
    assert_int_equal(read_task(f, job_id, i), FHX_OK);
    const fhx_task_record *task = &f->task.record;
    const uint64_t task_facts[] = {task->state,      task->attempt_count, task->fence,
                                   task->next_seq,   task->first_seq,     task->resource_count,
                                   task->byte_count, task->error_count};
    append(out, task_facts, sizeof task_facts);
    append(out, task->token, task->token_len);
    append(out, task->last_id, strlen(task->last_id));
  }
  append_number(out, list_parts(f, job_id, 0, 0, 1000));
  append(out, f->list.data, f->list.len);
  append_number(out, list_attempts(f, job_id, 0, 0, 1000));
  append(out, f->list.data, f->list.len);
  append_number(out, list_lines(f, job_id, 0, 1000));
  append(out, f->list.data, f->list.len);
}

#define assert_same_buffer(a, b)                      \
  do {                                                \
    assert_int_equal((a).len, (b).len);               \
    assert_memory_equal((a).data, (b).data, (a).len); \
  } while (0)

/* A job that is planned with all tasks of plan(). */
static void create_planned(fixture *f, const char *job_id) {
  assert_int_equal(create(f, job_id), FHX_OK);
  assert_int_equal(claim(f, job_id, "planner"), FHX_OK);
  assert_int_equal(plan(f, job_id, 1, PLANNED), FHX_OK);
}

static void assert_state(fixture *f, const char *job_id, uint32_t state) {
  assert_int_equal(read_job(f, job_id), FHX_OK);
  assert_int_equal(f->job.record.state, state);
}

static void assert_sums(fixture *f, const char *job_id, uint64_t resources, uint64_t bytes,
                        uint64_t errors) {
  assert_int_equal(read_job(f, job_id), FHX_OK);
  assert_int_equal(f->job.record.resource_count, resources);
  assert_int_equal(f->job.record.byte_count, bytes);
  assert_int_equal(f->job.record.error_count, errors);
}

/* --- create_job, read_job --- */

static void a_job_is_read_as_it_was_created(void **state) {
  fixture *f = *state;
  fhx_error *error = NULL;
  char context[FHX_OPAQUE_MAX];
  for (size_t i = 0; i < sizeof context; i++) context[i] = (char)i;
  const size_t long_len = 300000;
  char *definition = malloc(long_len + 1);
  assert_non_null(definition);
  memset(definition, 'x', long_len);
  definition[long_len] = '\0';
  fhx_job_record given = job_record(JOB_A);
  given.definition = definition;
  given.host_context = context;
  given.host_context_len = sizeof context;
  assert_int_equal(seen(fhx__store_create_job(store_of(f), &given, &error), &error), FHX_OK);
  assert_int_equal(read_job(f, JOB_A), FHX_OK);
  const fhx_job_record *got = &f->job.record;
  assert_int_equal(got->state, FHX_JOB_RUNNING);
  assert_string_equal(got->job_id, JOB_A);
  assert_string_equal(got->tenant, given.tenant);
  assert_string_equal(got->client, given.client);
  assert_string_equal(got->request, given.request);
  assert_string_equal(got->definition, definition);
  assert_int_equal(got->host_context_len, sizeof context);
  assert_memory_equal(got->host_context, context, sizeof context);
  assert_int_equal(got->transaction_time_us, given.transaction_time_us);
  assert_int_equal(got->resolution_us, 1000);
  assert_string_equal(got->reason, "");
  assert_int_equal(got->reason_status, 0);
  assert_int_equal(got->cleanup_due, 0);
  assert_int_equal(got->created_us, BEGINNING_US);
  assert_int_equal(got->ended_us, 0);
  assert_int_equal(got->task_count, 1);
  assert_int_equal(got->task_done_count, 0);
  free(definition);
  assert_int_equal(read_task(f, JOB_A, 0), FHX_OK);
  assert_int_equal(f->task.record.state, FHX_TASK_WAITING);
  assert_int_equal(f->task.record.phase, FHX_PHASE_PLAN);
  assert_int_equal(f->task.record.next_seq, 1);
  assert_int_equal(f->task.record.fence, 0);
}

static void a_job_without_texts_has_empty_ones(void **state) {
  fixture *f = *state;
  fhx_error *error = NULL;
  fhx_job_record given;
  FHX_INIT(&given);
  given.job_id = JOB_A;
  given.resolution_us = 1;
  given.transaction_time_us = INT64_C(-62135596800000000);
  assert_int_equal(seen(fhx__store_create_job(store_of(f), &given, &error), &error), FHX_OK);
  assert_int_equal(read_job(f, JOB_A), FHX_OK);
  assert_string_equal(f->job.record.tenant, "");
  assert_string_equal(f->job.record.definition, "");
  assert_null(f->job.record.host_context);
  assert_int_equal(f->job.record.host_context_len, 0);
  assert_int_equal(f->job.record.transaction_time_us, given.transaction_time_us);
}

static void a_job_exists_once(void **state) {
  fixture *f = *state;
  fhx__buffer before = {0}, after = {0};
  create_planned(f, JOB_A);
  photograph(f, JOB_A, &before);
  f->now_us += 5;
  assert_int_equal(create(f, JOB_A), FHX_ERR_EXISTS);
  photograph(f, JOB_A, &after);
  assert_same_buffer(before, after);
  assert_int_equal(remove_job(f, JOB_A), FHX_OK);
  assert_int_equal(create(f, JOB_A), FHX_ERR_EXISTS);
  fhx__buffer_free(&before);
  fhx__buffer_free(&after);
}

static void an_unknown_job_is_not_found(void **state) {
  fixture *f = *state;
  fhx_error *error = NULL;
  assert_int_equal(create(f, JOB_A), FHX_OK);
  assert_int_equal(read_job(f, JOB_B), FHX_ERR_NOT_FOUND);
  assert_int_equal(claim(f, JOB_B, "w"), FHX_ERR_NOT_FOUND);
  assert_int_equal(renew(f, JOB_B, 0, 1, 1), FHX_ERR_NOT_FOUND);
  assert_int_equal(plan(f, JOB_B, 1, PLANNED), FHX_ERR_NOT_FOUND);
  assert_int_equal(advance(f, JOB_B, 0, 1, 1, NULL, 0), FHX_ERR_NOT_FOUND);
  assert_int_equal(release(f, JOB_B, 0, 1, FHX_RELEASE_PARKED), FHX_ERR_NOT_FOUND);
  assert_int_equal(read_task(f, JOB_B, 0), FHX_ERR_NOT_FOUND);
  assert_int_equal(read_task(f, JOB_A, 7), FHX_ERR_NOT_FOUND);
  assert_int_equal(remove_job(f, JOB_B), FHX_ERR_NOT_FOUND);
  assert_int_equal(clean(f, JOB_B), FHX_ERR_NOT_FOUND);
  int32_t status = fhx__store_list_parts(store_of(f), JOB_B, 0, 0, 9, &f->list, &error);
  assert_int_equal(seen(status, &error), FHX_ERR_NOT_FOUND);
  status = fhx__store_list_attempts(store_of(f), JOB_B, 0, 0, 9, &f->list, &error);
  assert_int_equal(seen(status, &error), FHX_ERR_NOT_FOUND);
  fhx_reply lines;
  status = fhx__store_list_lines(store_of(f), JOB_B, 0, 9, &lines, &error);
  assert_int_equal(seen(status, &error), FHX_ERR_NOT_FOUND);
  fhx__reply_end(&lines);
}

/* --- claim_task --- */

static void a_claim_holds_the_task_until_its_lease_lapses(void **state) {
  fixture *f = *state;
  assert_int_equal(create(f, JOB_A), FHX_OK);
  assert_int_equal(claim(f, JOB_A, "one"), FHX_OK);
  assert_int_equal(f->task.record.task_index, 0);
  assert_string_equal(f->task.record.job_id, JOB_A);
  assert_int_equal(f->task.record.state, FHX_TASK_RUNNING);
  assert_int_equal(f->task.record.fence, 1);
  assert_int_equal(f->task.record.attempt_count, 1);
  assert_int_equal(f->task.record.first_seq, 1);
  assert_int_equal(claim(f, JOB_A, "two"), FHX_WAIT);
  f->now_us += LEASE_US - 1;
  assert_int_equal(claim(f, JOB_A, "two"), FHX_WAIT);
  f->now_us += 1;
  assert_int_equal(claim(f, JOB_A, "two"), FHX_OK);
  assert_int_equal(f->task.record.fence, 2);
  assert_int_equal(f->task.record.attempt_count, 2);
  assert_int_equal(list_attempts(f, JOB_A, 0, 0, 9), 2);
  assert_int_equal(attempt_at(f, 0)->fence, 1);
  assert_int_equal(attempt_at(f, 0)->last_seq, 0);
  assert_int_equal(attempt_at(f, 1)->fence, 2);
  assert_false(attempt_at(f, 1)->finished);
}

static void a_repeated_claim_gets_the_same_task(void **state) {
  fixture *f = *state;
  create_planned(f, JOB_A);
  assert_int_equal(claim(f, JOB_A, "one"), FHX_OK);
  assert_int_equal(f->task.record.task_index, 1);
  f->now_us += LEASE_US / 2;
  assert_int_equal(claim(f, JOB_A, "one"), FHX_OK);
  assert_int_equal(f->task.record.task_index, 1);
  assert_int_equal(f->task.record.fence, 1);
  assert_int_equal(f->task.record.attempt_count, 1);
  assert_int_equal(claim(f, NULL, "one"), FHX_OK);
  assert_int_equal(f->task.record.task_index, 1);
  /* Its lease was renewed: after the first one's end the next task is given to another. */
  f->now_us += LEASE_US / 2;
  assert_int_equal(claim(f, JOB_A, "two"), FHX_OK);
  assert_int_equal(f->task.record.task_index, 2);
  /* Lapsed, but taken by nobody: it is still the claim's. */
  f->now_us += 2 * LEASE_US;
  assert_int_equal(claim(f, JOB_A, "one"), FHX_OK);
  assert_int_equal(f->task.record.fence, 1);
  /* A claim that has lost its task gets another. */
  f->now_us += LEASE_US;
  assert_int_equal(claim(f, JOB_A, "three"), FHX_OK);
  assert_int_equal(f->task.record.task_index, 1);
  assert_int_equal(f->task.record.fence, 2);
  assert_int_equal(claim(f, JOB_A, "one"), FHX_OK);
  assert_int_equal(f->task.record.task_index, 2);
}

static void phases_come_one_after_the_other(void **state) {
  fixture *f = *state;
  assert_int_equal(create(f, JOB_A), FHX_OK);
  assert_int_equal(claim(f, JOB_A, "planner"), FHX_OK);
  assert_int_equal(plan(f, JOB_A, 1, PLANNED), FHX_OK);
  static const char *const names[] = {"w1", "w2", "w3"};
  for (uint32_t i = 0; i < 3; i++) {
    assert_int_equal(claim(f, JOB_A, names[i]), FHX_OK);
    assert_int_equal(f->task.record.task_index, i + 1);
    assert_int_equal(f->task.record.phase, FHX_PHASE_MAIN);
  }
  for (uint32_t i = 0; i < 3; i++) {
    assert_int_equal(claim(f, JOB_A, "w4"), FHX_WAIT);
    assert_int_equal(advance(f, JOB_A, i + 1, 1, 1, NULL, 1), FHX_OK);
  }
  assert_int_equal(claim(f, JOB_A, "w4"), FHX_OK);
  assert_int_equal(f->task.record.task_index, 4);
  assert_int_equal(f->task.record.phase, FHX_PHASE_FINISH);
  assert_state(f, JOB_A, FHX_JOB_RUNNING);
  f->now_us += 17;
  assert_int_equal(advance(f, JOB_A, 4, 1, 1, NULL, 1), FHX_OK);
  assert_state(f, JOB_A, FHX_JOB_COMPLETE);
  assert_int_equal(f->job.record.ended_us, f->now_us);
  assert_int_equal(f->job.record.task_done_count, f->job.record.task_count);
  assert_int_equal(f->job.record.cleanup_due, 0);
  assert_int_equal(claim(f, JOB_A, "w5"), FHX_END);
}

static void a_claim_without_a_job_takes_the_oldest(void **state) {
  fixture *f = *state;
  assert_int_equal(claim(f, NULL, "one"), FHX_END);
  assert_int_equal(create(f, JOB_B), FHX_OK);
  f->now_us += 1;
  assert_int_equal(create(f, JOB_A), FHX_OK);
  assert_int_equal(claim(f, NULL, "one"), FHX_OK);
  assert_string_equal(f->task.record.job_id, JOB_B);
  assert_int_equal(claim(f, NULL, "two"), FHX_OK);
  assert_string_equal(f->task.record.job_id, JOB_A);
  assert_int_equal(claim(f, NULL, "three"), FHX_WAIT);
  assert_int_equal(remove_job(f, JOB_B), FHX_OK);
  assert_int_equal(claim(f, NULL, "three"), FHX_WAIT);
  /* What "one" holds is no job's that runs, so it may have another task. */
  f->now_us += LEASE_US;
  assert_int_equal(claim(f, NULL, "one"), FHX_OK);
  assert_string_equal(f->task.record.job_id, JOB_A);
  assert_int_equal(remove_job(f, JOB_A), FHX_OK);
  assert_int_equal(claim(f, NULL, "three"), FHX_END);
}

static void a_task_without_token_begins_again(void **state) {
  fixture *f = *state;
  create_planned(f, JOB_A);
  create_planned(f, JOB_B);
  assert_int_equal(claim(f, JOB_A, "one"), FHX_OK);
  assert_int_equal(claim(f, JOB_A, "two"), FHX_OK);
  assert_int_equal(claim(f, JOB_B, "three"), FHX_OK);
  assert_int_equal(advance(f, JOB_A, 1, 1, 1, NULL, 0), FHX_OK);
  assert_int_equal(advance(f, JOB_A, 1, 1, 2, NULL, 0), FHX_OK);
  assert_int_equal(advance(f, JOB_A, 2, 1, 1, NULL, 1), FHX_OK);
  assert_int_equal(advance(f, JOB_B, 1, 1, 1, NULL, 0), FHX_OK);
  assert_sums(f, JOB_A, 40, 4000, 6);
  f->now_us += LEASE_US;
  assert_int_equal(claim(f, JOB_A, "four"), FHX_OK);
  assert_int_equal(f->task.record.task_index, 1);
  assert_int_equal(f->task.record.fence, 2);
  assert_int_equal(f->task.record.next_seq, 3);
  assert_int_equal(f->task.record.first_seq, 3);
  assert_null(f->task.record.token);
  assert_string_equal(f->task.record.last_id, "");
  assert_int_equal(f->task.record.resource_count, 0);
  assert_int_equal(f->task.record.byte_count, 0);
  assert_int_equal(f->task.record.error_count, 0);
  /* The other task, and the other job, keep theirs. */
  assert_sums(f, JOB_A, 10, 1000, 2);
  assert_sums(f, JOB_B, 10, 1000, 2);
  assert_int_equal(list_parts(f, JOB_A, 0, 0, 9), 1);
  assert_int_equal(part_at(f, 0)->task_index, 2);
  assert_int_equal(list_parts(f, JOB_B, 0, 0, 9), 1);
  assert_int_equal(list_lines(f, JOB_A, 0, 9), 2);
  assert_int_equal(list_lines(f, JOB_B, 0, 9), 2);
  /* The names of what was dropped can still be told from the attempts. */
  assert_int_equal(list_attempts(f, JOB_A, 1, 0, 2), 2);
  assert_int_equal(attempt_at(f, 0)->first_seq, 1);
  assert_int_equal(attempt_at(f, 0)->last_seq, 2);
  assert_int_equal(attempt_at(f, 1)->first_seq, 3);
  assert_int_equal(attempt_at(f, 1)->last_seq, 2);
  assert_int_equal(advance(f, JOB_A, 1, 2, 3, NULL, 1), FHX_OK);
  assert_int_equal(list_lines(f, JOB_A, 0, 9), 4);
}

static void a_task_with_token_goes_on(void **state) {
  fixture *f = *state;
  create_planned(f, JOB_A);
  assert_int_equal(claim(f, JOB_A, "one"), FHX_OK);
  assert_int_equal(advance(f, JOB_A, 1, 1, 1, "after 10", 0), FHX_OK);
  f->now_us += LEASE_US;
  assert_int_equal(claim(f, JOB_A, "two"), FHX_OK);
  assert_int_equal(f->task.record.fence, 2);
  assert_int_equal(f->task.record.attempt_count, 1);
  assert_int_equal(f->task.record.token_len, 8);
  assert_memory_equal(f->task.record.token, "after 10", 8);
  assert_string_equal(f->task.record.last_id, "last-id");
  assert_int_equal(f->task.record.resource_count, 10);
  assert_sums(f, JOB_A, 10, 1000, 2);
  assert_int_equal(list_parts(f, JOB_A, 0, 0, 9), 1);
  /* A checkpoint without a token takes the earlier one away: then all begins again. */
  assert_int_equal(advance(f, JOB_A, 1, 2, 2, NULL, 0), FHX_OK);
  f->now_us += LEASE_US;
  assert_int_equal(claim(f, JOB_A, "three"), FHX_OK);
  assert_null(f->task.record.token);
  assert_int_equal(list_parts(f, JOB_A, 0, 0, 9), 0);
}

static void an_empty_token_is_a_token(void **state) {
  fixture *f = *state;
  create_planned(f, JOB_A);
  assert_int_equal(claim(f, JOB_A, "one"), FHX_OK);
  assert_int_equal(advance(f, JOB_A, 1, 1, 1, "", 0), FHX_OK);
  assert_int_equal(release(f, JOB_A, 1, 1, FHX_RELEASE_PARKED), FHX_OK);
  assert_int_equal(claim(f, JOB_A, "two"), FHX_OK);
  assert_non_null(f->task.record.token);
  assert_int_equal(f->task.record.token_len, 0);
  assert_int_equal(list_parts(f, JOB_A, 0, 0, 9), 1);
}

static void attempts_come_to_an_end(void **state) {
  fixture *f = *state;
  create_planned(f, JOB_A);
  assert_int_equal(create(f, JOB_B), FHX_OK);
  for (uint32_t i = 1; i <= ATTEMPTS_MAX; i++) {
    assert_int_equal(claim(f, JOB_A, "one"), FHX_OK);
    assert_int_equal(f->task.record.task_index, 1);
    assert_int_equal(f->task.record.attempt_count, i);
    assert_int_equal(release(f, JOB_A, 1, i, i < 3 ? FHX_RELEASE_RETRY : FHX_RELEASE_PARKED),
                     FHX_OK);
  }
  assert_int_equal(claim(f, JOB_A, "one"), FHX_OK);
  assert_int_equal(f->task.record.attempt_count, ATTEMPTS_MAX);
  f->now_us += LEASE_US;
  assert_int_equal(claim(f, JOB_A, "two"), FHX_END);
  assert_state(f, JOB_A, FHX_JOB_FAILED);
  assert_int_equal(f->job.record.reason_status, FHX_ERR_LIMIT);
  assert_non_null(strstr(f->job.record.reason, "Patient"));
  assert_null(strstr(f->job.record.reason, JOB_A));
  assert_int_equal(f->job.record.cleanup_due, 1);
  assert_int_equal(f->job.record.ended_us, f->now_us);
  assert_state(f, JOB_B, FHX_JOB_RUNNING);
}

static void a_job_that_fails_does_not_stop_a_claim_of_any(void **state) {
  fixture *f = *state;
  assert_int_equal(create(f, JOB_A), FHX_OK);
  assert_int_equal(create(f, JOB_B), FHX_OK);
  static const char *const names[ATTEMPTS_MAX] = {"w1", "w2", "w3"};
  for (int i = 0; i < ATTEMPTS_MAX; i++) {
    assert_int_equal(claim(f, JOB_A, names[i]), FHX_OK);
    f->now_us += LEASE_US;
  }
  assert_int_equal(read_task(f, JOB_A, 0), FHX_OK);
  assert_int_equal(f->task.record.attempt_count, ATTEMPTS_MAX);
  assert_int_equal(claim(f, NULL, "three"), FHX_OK);
  assert_string_equal(f->task.record.job_id, JOB_B);
  assert_state(f, JOB_A, FHX_JOB_FAILED);
  assert_int_equal(f->job.record.reason_status, FHX_ERR_LIMIT);
  assert_string_not_equal(f->job.record.reason, "");
}

static void progress_resets_the_attempts(void **state) {
  fixture *f = *state;
  create_planned(f, JOB_A);
  for (uint32_t i = 1; i <= 3 * ATTEMPTS_MAX; i++) {
    assert_int_equal(claim(f, JOB_A, i % 2 == 0 ? "even" : "odd"), FHX_OK);
    assert_int_equal(f->task.record.attempt_count, 1);
    assert_int_equal(f->task.record.fence, i);
    assert_int_equal(advance(f, JOB_A, 1, i, i, "token", 0), FHX_OK);
    assert_int_equal(read_task(f, JOB_A, 1), FHX_OK);
    assert_int_equal(f->task.record.attempt_count, 0);
    f->now_us += LEASE_US;
  }
  assert_int_equal(claim(f, JOB_A, "last"), FHX_OK);
  assert_int_equal(advance(f, JOB_A, 1, 10, 10, NULL, 0), FHX_OK);
  assert_int_equal(read_task(f, JOB_A, 1), FHX_OK);
  assert_int_equal(f->task.record.attempt_count, 1);
}

/* --- renew_task --- */

static void renewing_keeps_the_task(void **state) {
  fixture *f = *state;
  assert_int_equal(create(f, JOB_A), FHX_OK);
  assert_int_equal(claim(f, JOB_A, "planner"), FHX_OK);
  assert_int_equal(plan(f, JOB_A, 1, 1), FHX_OK);
  assert_int_equal(claim(f, JOB_A, "one"), FHX_OK);
  f->now_us += LEASE_US - 1;
  assert_int_equal(renew(f, JOB_A, 1, 1, 4), FHX_OK);
  f->now_us += LEASE_US - 1;
  assert_int_equal(claim(f, JOB_A, "two"), FHX_WAIT);
  assert_int_equal(renew(f, JOB_A, 1, 1, 2), FHX_OK);
  assert_int_equal(list_attempts(f, JOB_A, 1, 0, 9), 1);
  assert_int_equal(attempt_at(f, 0)->last_seq, 4);
  assert_int_equal(advance(f, JOB_A, 1, 1, 1, "t", 0), FHX_OK);
  assert_int_equal(list_attempts(f, JOB_A, 1, 0, 9), 1);
  assert_int_equal(attempt_at(f, 0)->last_seq, 4);
  /* Lapsed, but taken by nobody. */
  f->now_us += 2 * LEASE_US;
  assert_int_equal(renew(f, JOB_A, 1, 1, 0), FHX_OK);
  assert_int_equal(claim(f, JOB_A, "two"), FHX_WAIT);
  f->now_us += LEASE_US;
  assert_int_equal(claim(f, JOB_A, "two"), FHX_OK);
  assert_int_equal(renew(f, JOB_A, 1, 1, 9), FHX_ERR_REFUSED);
  assert_int_equal(renew(f, JOB_A, 1, 3, 9), FHX_ERR_REFUSED);
  assert_int_equal(renew(f, JOB_A, 1, 2, 0), FHX_OK);
  assert_int_equal(list_attempts(f, JOB_A, 1, 0, 9), 2);
  assert_int_equal(attempt_at(f, 0)->last_seq, 4);
  assert_int_equal(attempt_at(f, 1)->last_seq, 1);
  assert_int_equal(release(f, JOB_A, 1, 2, FHX_RELEASE_PARKED), FHX_OK);
  assert_int_equal(renew(f, JOB_A, 1, 2, 0), FHX_ERR_REFUSED);
}

/* --- plan_tasks --- */

static void a_plan_is_taken_once(void **state) {
  fixture *f = *state;
  fhx__buffer before = {0}, after = {0};
  assert_int_equal(create(f, JOB_A), FHX_OK);
  assert_int_equal(plan(f, JOB_A, 0, PLANNED), FHX_ERR_REFUSED);
  assert_int_equal(claim(f, JOB_A, "one"), FHX_OK);
  f->now_us += LEASE_US;
  assert_int_equal(claim(f, JOB_A, "two"), FHX_OK);
  photograph(f, JOB_A, &before);
  assert_int_equal(plan(f, JOB_A, 1, PLANNED), FHX_ERR_REFUSED);
  photograph(f, JOB_A, &after);
  assert_same_buffer(before, after);
  assert_int_equal(plan(f, JOB_A, 2, PLANNED), FHX_OK);
  assert_int_equal(read_job(f, JOB_A), FHX_OK);
  assert_int_equal(f->job.record.task_count, 1 + PLANNED);
  assert_int_equal(f->job.record.task_done_count, 1);
  assert_int_equal(f->job.record.estimated_resources, 100 * PLANNED);
  assert_int_equal(read_task(f, JOB_A, 0), FHX_OK);
  assert_int_equal(f->task.record.state, FHX_TASK_DONE);
  assert_int_equal(list_attempts(f, JOB_A, 0, 0, 9), 2);
  assert_false(attempt_at(f, 0)->finished);
  assert_true(attempt_at(f, 1)->finished);
  photograph(f, JOB_A, &before);
  assert_int_equal(plan(f, JOB_A, 2, PLANNED), FHX_ERR_REFUSED);
  photograph(f, JOB_A, &after);
  assert_same_buffer(before, after);
  fhx__buffer_free(&before);
  fhx__buffer_free(&after);
}

static void planned_tasks_keep_their_shards(void **state) {
  fixture *f = *state;
  create_planned(f, JOB_A);
  assert_int_equal(read_task(f, JOB_A, 1), FHX_OK);
  assert_int_equal(f->task.record.state, FHX_TASK_WAITING);
  assert_string_equal(f->task.record.resource_type, "Patient");
  assert_int_equal(f->task.record.shard_len, 3);
  assert_memory_equal(f->task.record.shard, "a\0z", 3);
  assert_int_equal(f->task.record.shard_index, 0);
  assert_int_equal(f->task.record.estimated_resources, 100);
  assert_int_equal(f->task.record.next_seq, 1);
  assert_int_equal(f->task.record.fence, 0);
  assert_int_equal(read_task(f, JOB_A, 2), FHX_OK);
  assert_non_null(f->task.record.shard);
  assert_int_equal(f->task.record.shard_len, 0);
  assert_int_equal(f->task.record.shard_index, 1);
  assert_int_equal(read_task(f, JOB_A, 3), FHX_OK);
  assert_null(f->task.record.shard);
  assert_int_equal(read_task(f, JOB_A, 4), FHX_OK);
  assert_string_equal(f->task.record.resource_type, "");
  assert_int_equal(f->task.record.phase, FHX_PHASE_FINISH);
}

static void an_empty_plan_completes_the_job(void **state) {
  fixture *f = *state;
  assert_int_equal(create(f, JOB_A), FHX_OK);
  assert_int_equal(claim(f, JOB_A, "one"), FHX_OK);
  assert_int_equal(plan(f, JOB_A, 1, 0), FHX_OK);
  assert_state(f, JOB_A, FHX_JOB_COMPLETE);
  assert_int_equal(claim(f, JOB_A, "one"), FHX_END);
}

/* --- record_checkpoint --- */

static void a_checkpoint_is_recorded_whole(void **state) {
  fixture *f = *state;
  create_planned(f, JOB_A);
  assert_int_equal(claim(f, JOB_A, "one"), FHX_OK);
  fhx_part parts[3] = {make_part(JOB_A, 1, 1, 1), make_part(JOB_A, 1, 1, 2),
                       make_part(JOB_A, 1, 1, 3)};
  parts[2].kind = FHX_PART_ERROR;
  parts[2].byte_count = UINT64_C(1) << 40;
  fhx_checkpoint checkpoint = checkpoint_of(JOB_A, 1, 1, 1, parts);
  checkpoint.part_count = 3;
  checkpoint.next_seq = 4;
  checkpoint.token = "to\0ken";
  checkpoint.token_len = 6;
  assert_int_equal(record(f, &checkpoint), FHX_OK);
  assert_int_equal(list_parts(f, JOB_A, 0, 0, 9), 3);
  for (uint32_t i = 0; i < 3; i++) {
    const fhx_part *got = part_at(f, i);
    assert_int_equal(got->kind, parts[i].kind);
    assert_int_equal(got->task_index, 1);
    assert_int_equal(got->fence, 1);
    assert_int_equal(got->seq, i + 1);
    assert_int_equal(got->resource_count, parts[i].resource_count);
    assert_int_equal(got->byte_count, parts[i].byte_count);
    assert_int_equal(got->crc32c, parts[i].crc32c);
    assert_int_equal(got->has_sha256, parts[i].has_sha256);
    assert_memory_equal(got->sha256, parts[i].sha256, sizeof got->sha256);
    assert_string_equal(got->resource_type, parts[i].resource_type);
    assert_string_equal(got->name, parts[i].name);
  }
  assert_int_equal(list_lines(f, JOB_A, 0, 9), 2);
  assert_int_equal(f->list.len, 19);
  assert_memory_equal(f->list.data, "first\0line|\nsecond|", 19);
  assert_int_equal(read_task(f, JOB_A, 1), FHX_OK);
  assert_int_equal(f->task.record.state, FHX_TASK_RUNNING);
  assert_int_equal(f->task.record.next_seq, 4);
  assert_int_equal(f->task.record.first_seq, 1);
  assert_int_equal(f->task.record.token_len, 6);
  assert_memory_equal(f->task.record.token, "to\0ken", 6);
  assert_string_equal(f->task.record.last_id, "last-id");
  assert_int_equal(f->task.record.attempt_count, 0);
  assert_int_equal(f->task.record.error_count, 2);
  assert_int_equal(list_attempts(f, JOB_A, 1, 0, 9), 1);
  assert_int_equal(attempt_at(f, 0)->last_seq, 3);
  assert_false(attempt_at(f, 0)->finished);
}

static void a_checkpoint_is_recorded_once(void **state) {
  fixture *f = *state;
  fhx__buffer before = {0}, after = {0};
  create_planned(f, JOB_A);
  assert_int_equal(advance(f, JOB_A, 1, 1, 1, "t", 0), FHX_ERR_REFUSED);
  assert_int_equal(claim(f, JOB_A, "one"), FHX_OK);
  assert_int_equal(claim(f, JOB_A, "two"), FHX_OK);
  assert_int_equal(advance(f, JOB_A, 1, 1, 1, "t", 0), FHX_OK);
  photograph(f, JOB_A, &before);
  assert_int_equal(advance(f, JOB_A, 1, 1, 1, "u", 0), FHX_ERR_REFUSED);
  assert_int_equal(advance(f, JOB_A, 1, 1, 3, "u", 0), FHX_ERR_REFUSED);
  assert_int_equal(advance(f, JOB_A, 1, 2, 2, "u", 0), FHX_ERR_REFUSED);
  assert_int_equal(advance(f, JOB_A, 3, 1, 1, "u", 0), FHX_ERR_REFUSED);
  photograph(f, JOB_A, &after);
  assert_same_buffer(before, after);
  f->now_us += LEASE_US;
  assert_int_equal(claim(f, JOB_A, "three"), FHX_OK);
  assert_int_equal(f->task.record.task_index, 1);
  assert_int_equal(advance(f, JOB_A, 1, 1, 2, "u", 1), FHX_ERR_REFUSED);
  assert_int_equal(advance(f, JOB_A, 1, 2, 2, "u", 1), FHX_OK);
  photograph(f, JOB_A, &before);
  assert_int_equal(advance(f, JOB_A, 1, 2, 3, "u", 1), FHX_ERR_REFUSED);
  assert_int_equal(renew(f, JOB_A, 1, 2, 3), FHX_ERR_REFUSED);
  photograph(f, JOB_A, &after);
  assert_same_buffer(before, after);
  fhx__buffer_free(&before);
  fhx__buffer_free(&after);
}

static void a_checkpoint_may_be_empty(void **state) {
  fixture *f = *state;
  assert_int_equal(create(f, JOB_A), FHX_OK);
  assert_int_equal(claim(f, JOB_A, "planner"), FHX_OK);
  assert_int_equal(plan(f, JOB_A, 1, 1), FHX_OK);
  assert_int_equal(claim(f, JOB_A, "one"), FHX_OK);
  fhx_checkpoint checkpoint;
  memset(&checkpoint, 0, sizeof checkpoint);
  checkpoint.job_id = JOB_A;
  checkpoint.task_index = 1;
  checkpoint.fence = 1;
  checkpoint.seq = 1;
  checkpoint.next_seq = 1;
  checkpoint.done = 1;
  assert_int_equal(record(f, &checkpoint), FHX_OK);
  assert_state(f, JOB_A, FHX_JOB_COMPLETE);
  assert_int_equal(list_parts(f, JOB_A, 0, 0, 9), 0);
  assert_int_equal(list_lines(f, JOB_A, 0, 9), 0);
  assert_int_equal(list_attempts(f, JOB_A, 1, 0, 9), 1);
  assert_int_equal(attempt_at(f, 0)->last_seq, 0);
  assert_true(attempt_at(f, 0)->finished);
}

/* --- release_task --- */

static void a_parked_attempt_does_not_count(void **state) {
  fixture *f = *state;
  create_planned(f, JOB_A);
  for (uint32_t i = 1; i <= 3 * ATTEMPTS_MAX; i++) {
    assert_int_equal(claim(f, JOB_A, "one"), FHX_OK);
    assert_int_equal(f->task.record.task_index, 1);
    assert_int_equal(f->task.record.fence, i);
    assert_int_equal(f->task.record.attempt_count, 1);
    assert_int_equal(release(f, JOB_A, 1, i, FHX_RELEASE_PARKED), FHX_OK);
    assert_int_equal(release(f, JOB_A, 1, i, FHX_RELEASE_PARKED), FHX_ERR_REFUSED);
  }
  /* After a checkpoint with a token there is nothing to take back. */
  assert_int_equal(claim(f, JOB_A, "one"), FHX_OK);
  assert_int_equal(advance(f, JOB_A, 1, 10, 1, "t", 0), FHX_OK);
  assert_int_equal(release(f, JOB_A, 1, 10, FHX_RELEASE_PARKED), FHX_OK);
  assert_int_equal(read_task(f, JOB_A, 1), FHX_OK);
  assert_int_equal(f->task.record.attempt_count, 0);
  assert_int_equal(f->task.record.state, FHX_TASK_WAITING);
}

static void failed_attempts_fail_the_job(void **state) {
  fixture *f = *state;
  create_planned(f, JOB_A);
  for (uint32_t i = 1; i <= ATTEMPTS_MAX; i++) {
    assert_state(f, JOB_A, FHX_JOB_RUNNING);
    assert_int_equal(claim(f, JOB_A, "one"), FHX_OK);
    assert_int_equal(f->task.record.attempt_count, i);
    assert_int_equal(release(f, JOB_A, 1, i, FHX_RELEASE_RETRY), FHX_OK);
  }
  assert_state(f, JOB_A, FHX_JOB_FAILED);
  assert_int_equal(f->job.record.reason_status, FHX_ERR_SOURCE);
  assert_string_equal(f->job.record.reason, "the source is gone");
  assert_int_equal(f->job.record.cleanup_due, 1);
  assert_int_equal(claim(f, JOB_A, "one"), FHX_END);
}

static void a_failed_job_leaves_its_workers_their_leases(void **state) {
  fixture *f = *state;
  create_planned(f, JOB_A);
  assert_int_equal(claim(f, JOB_A, "one"), FHX_OK);
  assert_int_equal(claim(f, JOB_A, "two"), FHX_OK);
  assert_int_equal(claim(f, JOB_A, "three"), FHX_OK);
  assert_int_equal(release(f, JOB_A, 1, 1, FHX_RELEASE_FAIL), FHX_OK);
  assert_state(f, JOB_A, FHX_JOB_FAILED);
  assert_int_equal(claim(f, JOB_A, "two"), FHX_END);
  assert_int_equal(renew(f, JOB_A, 2, 1, 5), FHX_ERR_REFUSED);
  assert_int_equal(advance(f, JOB_A, 2, 1, 1, "t", 0), FHX_ERR_REFUSED);
  assert_int_equal(clean(f, JOB_A), FHX_WAIT);
  /* Only the lease is given up: the reason stays that of the first failure. */
  assert_int_equal(release(f, JOB_A, 2, 2, FHX_RELEASE_FAIL), FHX_ERR_REFUSED);
  assert_int_equal(read_task(f, JOB_A, 2), FHX_OK);
  assert_int_equal(f->task.record.attempt_count, 1);
  fhx_error *error = NULL;
  int32_t status = fhx__store_release_task(store_of(f), JOB_A, 2, 1, FHX_RELEASE_FAIL, ATTEMPTS_MAX,
                                           FHX_ERR_IO, "a second reason", &error);
  assert_int_equal(seen(status, &error), FHX_OK);
  assert_int_equal(read_job(f, JOB_A), FHX_OK);
  assert_string_equal(f->job.record.reason, "the source is gone");
  assert_int_equal(read_task(f, JOB_A, 2), FHX_OK);
  assert_int_equal(f->task.record.state, FHX_TASK_WAITING);
  assert_int_equal(clean(f, JOB_A), FHX_WAIT);
  f->now_us += LEASE_US;
  assert_int_equal(clean(f, JOB_A), FHX_OK);
}

/* --- remove_job, clean_job --- */

static void a_running_job_is_removed_when_its_workers_are_gone(void **state) {
  fixture *f = *state;
  create_planned(f, JOB_A);
  create_planned(f, JOB_B);
  assert_int_equal(claim(f, JOB_A, "one"), FHX_OK);
  assert_int_equal(claim(f, JOB_B, "two"), FHX_OK);
  assert_int_equal(advance(f, JOB_A, 1, 1, 1, "t", 0), FHX_OK);
  assert_int_equal(advance(f, JOB_B, 1, 1, 1, "t", 0), FHX_OK);
  assert_int_equal(clean(f, JOB_A), FHX_ERR_REFUSED);
  assert_int_equal(remove_job(f, JOB_A), FHX_OK);
  assert_state(f, JOB_A, FHX_JOB_REMOVING);
  assert_int_equal(f->job.record.cleanup_due, 1);
  assert_int_equal(f->job.record.ended_us, f->now_us);
  assert_int_equal(remove_job(f, JOB_A), FHX_OK);
  assert_int_equal(claim(f, JOB_A, "one"), FHX_END);
  assert_int_equal(renew(f, JOB_A, 1, 1, 5), FHX_ERR_NOT_FOUND);
  assert_int_equal(advance(f, JOB_A, 1, 1, 2, "t", 0), FHX_ERR_NOT_FOUND);
  assert_int_equal(list_parts(f, JOB_A, 0, 0, 9), 1);
  assert_int_equal(list_attempts(f, JOB_A, 0, 0, 9), 2);
  assert_int_equal(clean(f, JOB_A), FHX_WAIT);
  assert_int_equal(release(f, JOB_A, 1, 1, FHX_RELEASE_RETRY), FHX_OK);
  assert_state(f, JOB_A, FHX_JOB_REMOVING);
  assert_int_equal(clean(f, JOB_A), FHX_OK);
  assert_int_equal(read_job(f, JOB_A), FHX_ERR_NOT_FOUND);
  assert_int_equal(read_task(f, JOB_A, 0), FHX_ERR_NOT_FOUND);
  assert_int_equal(clean(f, JOB_A), FHX_ERR_NOT_FOUND);
  assert_int_equal(remove_job(f, JOB_A), FHX_ERR_NOT_FOUND);
  /* The other job is untouched, and the id is free again without anything of the old job. */
  assert_sums(f, JOB_B, 10, 1000, 2);
  assert_int_equal(list_parts(f, JOB_B, 0, 0, 9), 1);
  assert_int_equal(create(f, JOB_A), FHX_OK);
  assert_int_equal(list_parts(f, JOB_A, 0, 0, 9), 0);
  assert_int_equal(list_attempts(f, JOB_A, 0, 0, 9), 0);
  assert_int_equal(list_lines(f, JOB_A, 0, 9), 0);
}

static void a_failed_job_is_cleaned_and_stays(void **state) {
  fixture *f = *state;
  create_planned(f, JOB_A);
  assert_int_equal(claim(f, JOB_A, "one"), FHX_OK);
  assert_int_equal(advance(f, JOB_A, 1, 1, 1, "t", 0), FHX_OK);
  assert_int_equal(release(f, JOB_A, 1, 1, FHX_RELEASE_FAIL), FHX_OK);
  assert_int_equal(list_parts(f, JOB_A, 0, 0, 9), 1);
  assert_int_equal(clean(f, JOB_A), FHX_OK);
  assert_state(f, JOB_A, FHX_JOB_FAILED);
  assert_int_equal(f->job.record.cleanup_due, 0);
  assert_string_equal(f->job.record.reason, "the source is gone");
  assert_int_equal(list_parts(f, JOB_A, 0, 0, 9), 0);
  assert_int_equal(list_attempts(f, JOB_A, 0, 0, 9), 0);
  assert_int_equal(list_lines(f, JOB_A, 0, 9), 0);
  assert_int_equal(clean(f, JOB_A), FHX_ERR_REFUSED);
  const int64_t ended_us = f->job.record.ended_us;
  f->now_us += 5;
  assert_int_equal(remove_job(f, JOB_A), FHX_OK);
  assert_state(f, JOB_A, FHX_JOB_REMOVING);
  assert_int_equal(f->job.record.cleanup_due, 1);
  assert_int_equal(f->job.record.ended_us, ended_us);
  assert_int_equal(clean(f, JOB_A), FHX_OK);
  assert_int_equal(read_job(f, JOB_A), FHX_ERR_NOT_FOUND);
}

static void a_complete_job_can_be_removed(void **state) {
  fixture *f = *state;
  assert_int_equal(create(f, JOB_A), FHX_OK);
  assert_int_equal(claim(f, JOB_A, "planner"), FHX_OK);
  assert_int_equal(plan(f, JOB_A, 1, 1), FHX_OK);
  assert_int_equal(claim(f, JOB_A, "one"), FHX_OK);
  assert_int_equal(advance(f, JOB_A, 1, 1, 1, NULL, 1), FHX_OK);
  assert_state(f, JOB_A, FHX_JOB_COMPLETE);
  assert_int_equal(renew(f, JOB_A, 1, 1, 1), FHX_ERR_REFUSED);
  assert_int_equal(release(f, JOB_A, 1, 1, FHX_RELEASE_FAIL), FHX_ERR_REFUSED);
  assert_int_equal(clean(f, JOB_A), FHX_ERR_REFUSED);
  assert_int_equal(list_parts(f, JOB_A, 0, 0, 9), 1);
  assert_int_equal(remove_job(f, JOB_A), FHX_OK);
  assert_int_equal(list_parts(f, JOB_A, 0, 0, 9), 1);
  assert_int_equal(clean(f, JOB_A), FHX_OK);
  assert_int_equal(read_job(f, JOB_A), FHX_ERR_NOT_FOUND);
}

/* --- lists --- */

static void lists_come_in_pages(void **state) {
  fixture *f = *state;
  create_planned(f, JOB_B);
  create_planned(f, JOB_A);
  static const char *const names[] = {"w1", "w2", "w3"};
  for (uint32_t i = 0; i < 3; i++) {
    assert_int_equal(claim(f, JOB_A, names[i]), FHX_OK);
  }
  /* Task 3 first: the order is that of the tasks, not of time. */
  for (uint32_t i = 3; i >= 1; i--) {
    for (uint64_t seq = 1; seq <= 2 * i; seq++) {
      assert_int_equal(advance(f, JOB_A, i, 1, seq, "t", 0), FHX_OK);
    }
  }
  uint32_t task_index = 0, count = 0, page = 0;
  uint64_t number = 0;
  while ((page = list_parts(f, JOB_A, task_index, number, 5)) != 0) {
    assert_in_range(page, 1, 5);
    task_index = part_at(f, page - 1)->task_index;
    number = part_at(f, page - 1)->seq;
    count += page;
  }
  assert_int_equal(count, 12);
  assert_int_equal(task_index, 3);
  assert_int_equal(number, 6);
  assert_int_equal(list_parts(f, JOB_A, 1, UINT32_MAX, 1), 1);
  assert_int_equal(part_at(f, 0)->task_index, 2);
  assert_int_equal(list_attempts(f, JOB_A, 0, 0, 3), 3);
  assert_int_equal(attempt_at(f, 0)->task_index, 0);
  assert_string_equal(attempt_at(f, 0)->resource_type, "");
  assert_int_equal(attempt_at(f, 2)->task_index, 2);
  assert_int_equal(attempt_at(f, 2)->shard_index, 1);
  assert_int_equal(attempt_at(f, 2)->phase, FHX_PHASE_MAIN);
  assert_string_equal(attempt_at(f, 2)->resource_type, "Patient");
  assert_int_equal(list_attempts(f, JOB_A, 2, 1, 3), 1);
  assert_int_equal(attempt_at(f, 0)->task_index, 3);
  assert_int_equal(list_attempts(f, JOB_A, 3, 1, 3), 0);
}

static void lines_come_in_pages(void **state) {
  fixture *f = *state;
  static const char *const names[] = {"w1", "w2", "w3"};
  static const char text[] = "aabbcc";
  static const uint64_t ends[] = {1, 2, 3, 4, 5, 6};
  create_planned(f, JOB_A);
  for (uint32_t i = 1; i <= 3; i++) {
    assert_int_equal(claim(f, JOB_A, names[i - 1]), FHX_OK);
    fhx_part part = make_part(JOB_A, i, 1, 1);
    fhx_checkpoint checkpoint = checkpoint_of(JOB_A, i, 1, 1, &part);
    checkpoint.lines = i == 1 ? text : i == 3 ? text + 2 : NULL;
    checkpoint.line_ends = ends;
    checkpoint.line_count = i == 2 ? 0 : 2;
    assert_int_equal(record(f, &checkpoint), FHX_OK);
  }
  fhx_part part = make_part(JOB_A, 1, 1, 2);
  fhx_checkpoint checkpoint = checkpoint_of(JOB_A, 1, 1, 2, &part);
  checkpoint.lines = "xyz";
  checkpoint.line_ends = ends;
  checkpoint.line_count = 3;
  assert_int_equal(record(f, &checkpoint), FHX_OK);
  static const char all[] = "a|a|x|y|z|b|b|";
  for (uint32_t first = 0; first <= 8; first++) {
    for (uint32_t limit = 0; limit <= 8; limit++) {
      uint32_t left = first >= 7 ? 0 : 7 - first;
      uint32_t expected = left < limit ? left : limit;
      assert_int_equal(list_lines(f, JOB_A, first, limit), expected);
      assert_memory_equal(f->list.data, all + (first > 7 ? 0 : 2 * first), 2 * expected);
    }
  }
}

/* --- all of them --- */

#define TESTS                                              \
  TEST(a_job_is_read_as_it_was_created)                    \
  TEST(a_job_without_texts_has_empty_ones)                 \
  TEST(a_job_exists_once)                                  \
  TEST(an_unknown_job_is_not_found)                        \
  TEST(a_claim_holds_the_task_until_its_lease_lapses)      \
  TEST(a_repeated_claim_gets_the_same_task)                \
  TEST(phases_come_one_after_the_other)                    \
  TEST(a_claim_without_a_job_takes_the_oldest)             \
  TEST(a_task_without_token_begins_again)                  \
  TEST(a_task_with_token_goes_on)                          \
  TEST(an_empty_token_is_a_token)                          \
  TEST(attempts_come_to_an_end)                            \
  TEST(a_job_that_fails_does_not_stop_a_claim_of_any)      \
  TEST(progress_resets_the_attempts)                       \
  TEST(renewing_keeps_the_task)                            \
  TEST(a_plan_is_taken_once)                               \
  TEST(planned_tasks_keep_their_shards)                    \
  TEST(an_empty_plan_completes_the_job)                    \
  TEST(a_checkpoint_is_recorded_whole)                     \
  TEST(a_checkpoint_is_recorded_once)                      \
  TEST(a_checkpoint_may_be_empty)                          \
  TEST(a_parked_attempt_does_not_count)                    \
  TEST(failed_attempts_fail_the_job)                       \
  TEST(a_failed_job_leaves_its_workers_their_leases)       \
  TEST(a_running_job_is_removed_when_its_workers_are_gone) \
  TEST(a_failed_job_is_cleaned_and_stays)                  \
  TEST(a_complete_job_can_be_removed)                      \
  TEST(lists_come_in_pages)                                \
  TEST(lines_come_in_pages)

int store_conformance_run(const store_conformance *subject) {
  /* cmocka hands the initial state to the set-up. */
  store_conformance copy = *subject;
#define TEST(name) {#name, name, setup, teardown, &copy},
  const struct CMUnitTest tests[] = {TESTS};
#undef TEST
  return cmocka_run_group_tests_name(subject->name, tests, NULL, NULL);
}
