/* The fixture of the conformance tests. */
#include "store_fixture.h"
#include "store_create.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

static int64_t read_clock(void *user_data) {
  return ((const fixture *)user_data)->now_us;
}

/* The store, after a restart where the subject has them. */
fhx_store *fixture_store(fixture *f) {
  const store_conformance *subject = f->subject;
  if (subject->remake != NULL) {
    f->held = subject->remake(subject->context, f->held, read_clock, f);
    assert_non_null(f->held);
  }
  return f->held;
}

int fixture_setup(void **state) {
  fixture *f = calloc(1, sizeof *f);
  assert_non_null(f);
  f->subject = *state;
  f->now_us = BEGINNING_US;
  f->held = f->subject->make(f->subject->context, read_clock, f);
  assert_non_null(f->held);
  *state = f;
  return 0;
}

int fixture_teardown(void **state) {
  fixture *f = *state;
  fhx__job_entry_free(&f->job);
  fhx__task_entry_free(&f->task);
  fhx__buffer_free(&f->list);
  f->subject->drop(f->subject->context, f->held);
  free(f);
  return 0;
}

/* A step's status; its error must agree. */
int32_t fixture_seen(int32_t status, fhx_error **error) {
  assert_int_equal(fhx_error_status(*error), status < 0 ? status : FHX_OK);
  if (status < 0) assert_string_not_equal(fhx_error_message(*error), "");
  fhx_error_free(*error);
  *error = NULL;
  return status;
}

fhx_job_record fixture_job_record(const char *job_id) {
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

int32_t step_create(fixture *f, const char *job_id) {
  fhx_error *error = NULL;
  fhx_job_record record = fixture_job_record(job_id);
  return fixture_seen(store_create_job(fixture_store(f), &record, &error), &error);
}

int32_t step_read_job(fixture *f, const char *job_id) {
  fhx_error *error = NULL;
  return fixture_seen(fhx__store_read_job(fixture_store(f), job_id, &f->job, &error), &error);
}

int32_t step_claim(fixture *f, const char *job_id, const char *claim_id) {
  fhx_error *error = NULL;
  f->wait_us = 0;
  int32_t status = fhx__store_claim_task(fixture_store(f), job_id, claim_id, LEASE_US, ATTEMPTS_MAX,
                                         &f->task, &f->wait_us, &error);
  /* A busy loop helps nobody, and neither does a wait beyond the lease. */
  if (status == FHX_WAIT) assert_in_range(f->wait_us, 1000, LEASE_US);
  return fixture_seen(status, &error);
}

int32_t step_renew(fixture *f, const char *job_id, uint32_t task_index, uint64_t fence,
                   uint64_t last_seq) {
  fhx_error *error = NULL;
  return fixture_seen(fhx__store_renew_task(fixture_store(f), job_id, task_index, fence, last_seq,
                                            0, LEASE_US, &error),
                      &error);
}

int32_t step_tell(fixture *f, const char *job_id, uint32_t task_index, uint64_t fence,
                  uint64_t resource_count) {
  fhx_error *error = NULL;
  return fixture_seen(fhx__store_renew_task(fixture_store(f), job_id, task_index, fence, 0,
                                            resource_count, LEASE_US, &error),
                      &error);
}

int32_t step_release(fixture *f, const char *job_id, uint32_t task_index, uint64_t fence,
                     uint32_t how) {
  fhx_error *error = NULL;
  return fixture_seen(
      fhx__store_release_task(fixture_store(f), job_id, task_index, fence, how, ATTEMPTS_MAX,
                              FHX_ERR_SOURCE, "the source is gone", &error),
      &error);
}

int32_t step_read_task(fixture *f, const char *job_id, uint32_t task_index) {
  fhx_error *error = NULL;
  return fixture_seen(fhx__store_read_task(fixture_store(f), job_id, task_index, &f->task, &error),
                      &error);
}

int32_t step_remove(fixture *f, const char *job_id) {
  fhx_error *error = NULL;
  return fixture_seen(fhx__store_remove_job(fixture_store(f), job_id, &error), &error);
}

int32_t step_clean(fixture *f, const char *job_id) {
  fhx_error *error = NULL;
  f->wait_us = 0;
  int32_t status = fhx__store_clean_job(fixture_store(f), job_id, &f->wait_us, &error);
  if (status == FHX_WAIT) assert_in_range(f->wait_us, 1000, LEASE_US);
  return fixture_seen(status, &error);
}

/* Two shards of Patient, all of Observation, and one task of the finish phase. */
int32_t step_plan(fixture *f, const char *job_id, uint64_t fence, uint32_t task_count) {
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
  const fhx_plan planned = {
      .job_id = job_id, .fence = fence, .tasks = tasks, .task_count = task_count};
  return fixture_seen(fhx__store_plan_tasks(fixture_store(f), &planned, &error), &error);
}

/* A part's facts follow from its place, so that they can be checked. */
fhx_part fixture_part(const char *job_id, uint32_t task_index, uint64_t fence, uint64_t seq) {
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
fhx_checkpoint fixture_checkpoint(const char *job_id, uint32_t task_index, uint64_t fence,
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

int32_t step_add_members(fixture *f, const fhx_members *members) {
  fhx_error *error = NULL;
  return fixture_seen(fhx__store_add_members(fixture_store(f), members, &error), &error);
}

int32_t step_add_page(fixture *f, const char *job_id, uint32_t page, uint32_t count_max) {
  fhx_error *error = NULL;
  return fixture_seen(fhx__store_add_page(fixture_store(f), job_id, page, count_max, &error),
                      &error);
}

int32_t step_record(fixture *f, const fhx_checkpoint *checkpoint) {
  fhx_error *error = NULL;
  return fixture_seen(fhx__store_record_checkpoint(fixture_store(f), checkpoint, &error), &error);
}

/* Records such a checkpoint; `token` NULL: none. */
int32_t step_advance(fixture *f, const char *job_id, uint32_t task_index, uint64_t fence,
                     uint64_t seq, const char *token, uint32_t done) {
  fhx_part part = fixture_part(job_id, task_index, fence, seq);
  fhx_checkpoint checkpoint = fixture_checkpoint(job_id, task_index, fence, seq, &part);
  checkpoint.token = token;
  checkpoint.token_len = token == NULL ? 0 : strlen(token);
  checkpoint.done = done;
  return step_record(f, &checkpoint);
}

uint32_t step_list_parts(fixture *f, const char *job_id, uint32_t after_task, uint64_t after_seq,
                         uint32_t limit) {
  fhx_error *error = NULL;
  f->list.len = 0;
  int32_t status = fhx__store_list_parts(fixture_store(f), job_id, after_task, after_seq, limit,
                                         &f->list, &error);
  assert_int_equal(fixture_seen(status, &error), FHX_OK);
  return (uint32_t)(f->list.len / sizeof(fhx_part));
}

uint32_t step_list_page(fixture *f, const char *job_id, uint32_t page, uint32_t after_task,
                        uint64_t after_seq, uint32_t limit) {
  fhx_error *error = NULL;
  f->list.len = 0;
  int32_t status = fhx__store_list_page(fixture_store(f), job_id, page, after_task, after_seq,
                                        limit, &f->list, &error);
  assert_int_equal(fixture_seen(status, &error), FHX_OK);
  return (uint32_t)(f->list.len / sizeof(fhx_part));
}

const fhx_part *fixture_part_at(const fixture *f, uint32_t position) {
  return (const fhx_part *)(const void *)f->list.data + position;
}

uint32_t step_list_attempts(fixture *f, const char *job_id, uint32_t after_task,
                            uint64_t after_fence, uint32_t limit) {
  fhx_error *error = NULL;
  f->list.len = 0;
  int32_t status = fhx__store_list_attempts(fixture_store(f), job_id, after_task, after_fence,
                                            limit, &f->list, &error);
  assert_int_equal(fixture_seen(status, &error), FHX_OK);
  return (uint32_t)(f->list.len / sizeof(fhx__attempt));
}

const fhx__attempt *fixture_attempt_at(const fixture *f, uint32_t position) {
  return (const fhx__attempt *)(const void *)f->list.data + position;
}

/* Stores the items in the list, each with its NULs and a '|' behind it, and ends them. */
static uint32_t keep_items(fixture *f, fhx_reply *items) {
  uint32_t count = (uint32_t)fhx__reply_item_count(items);
  f->list.len = 0;
  for (uint32_t i = 0; i < count; i++) {
    size_t len = 0;
    const char *item = fhx__reply_item_at(items, i, &len);
    assert_int_equal(fhx__buffer_append(&f->list, item, len), FHX_OK);
    assert_int_equal(fhx__buffer_append_text(&f->list, "|"), FHX_OK);
  }
  fhx__reply_end(items);
  return count;
}

uint32_t step_list_lines(fixture *f, const char *job_id, uint64_t first, uint32_t limit) {
  fhx_error *error = NULL;
  fhx_reply lines;
  int32_t status = fhx__store_list_lines(fixture_store(f), job_id, first, limit, &lines, &error);
  assert_int_equal(fixture_seen(status, &error), FHX_OK);
  return keep_items(f, &lines);
}

uint32_t step_list_members(fixture *f, const char *job_id, uint32_t list, const char *after,
                           uint32_t limit) {
  fhx_error *error = NULL;
  fhx_reply members;
  int32_t status =
      fhx__store_list_members(fixture_store(f), job_id, list, after, limit, &members, &error);
  assert_int_equal(fixture_seen(status, &error), FHX_OK);
  return keep_items(f, &members);
}

static void append(fhx__buffer *out, const void *data, size_t len) {
  if (data != NULL) assert_int_equal(fhx__buffer_append(out, data, len), FHX_OK);
}

static void append_number(fhx__buffer *out, uint64_t number) {
  append(out, &number, sizeof number);
}

/* Everything that can be read about a job, to see that nothing has changed. */
void fixture_photograph(fixture *f, const char *job_id, fhx__buffer *out) {
  out->len = 0;
  assert_int_equal(step_read_job(f, job_id), FHX_OK);
  const fhx_job_record *job = &f->job.record;
  const uint64_t facts[] = {job->state,
                            job->cleanup_due,
                            (uint64_t)job->created_us,
                            (uint64_t)job->ended_us,
                            job->task_count,
                            job->task_done_count,
                            job->resource_count,
                            job->byte_count,
                            job->error_count,
                            job->estimated_resources,
                            job->page_count};
  append(out, facts, sizeof facts);
  append(out, job->reason, strlen(job->reason));
  for (uint32_t i = 0; i < (uint32_t)job->task_count; i++) {
    assert_int_equal(step_read_task(f, job_id, i), FHX_OK);
    const fhx_task_record *task = &f->task.record;
    const uint64_t task_facts[] = {task->state,      task->attempt_count, task->fence,
                                   task->next_seq,   task->first_seq,     task->resource_count,
                                   task->byte_count, task->error_count};
    append(out, task_facts, sizeof task_facts);
    append(out, task->token, task->token_len);
    append(out, task->last_id, strlen(task->last_id));
  }
  append_number(out, step_list_parts(f, job_id, 0, 0, 1000));
  append(out, f->list.data, f->list.len);
  for (uint32_t i = 1; i <= (uint32_t)facts[10]; i++) {
    append_number(out, step_list_page(f, job_id, i, 0, 0, 1000));
    append(out, f->list.data, f->list.len);
  }
  append_number(out, step_list_attempts(f, job_id, 0, 0, 1000));
  append(out, f->list.data, f->list.len);
  append_number(out, step_list_lines(f, job_id, 0, 1000));
  append(out, f->list.data, f->list.len);
  for (uint32_t i = FHX_MEMBERS_PATIENT; i <= FHX_MEMBERS_TARGETS; i++) {
    append_number(out, step_list_members(f, job_id, i, "", 1000));
    append(out, f->list.data, f->list.len);
  }
}

/* A job that is planned with all tasks of step_plan(). */
void fixture_planned_job(fixture *f, const char *job_id) {
  assert_int_equal(step_create(f, job_id), FHX_OK);
  assert_int_equal(step_claim(f, job_id, "planner"), FHX_OK);
  assert_int_equal(step_plan(f, job_id, 1, PLANNED), FHX_OK);
}

void fixture_assert_state(fixture *f, const char *job_id, uint32_t state) {
  assert_int_equal(step_read_job(f, job_id), FHX_OK);
  assert_int_equal(f->job.record.state, state);
}

void fixture_assert_sums(fixture *f, const char *job_id, uint64_t resources, uint64_t bytes,
                         uint64_t errors) {
  assert_int_equal(step_read_job(f, job_id), FHX_OK);
  assert_int_equal(f->job.record.resource_count, resources);
  assert_int_equal(f->job.record.byte_count, bytes);
  assert_int_equal(f->job.record.error_count, errors);
}
