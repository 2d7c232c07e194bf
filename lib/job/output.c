/* Parts, error lines and counts between two checkpoints. */
#include "job/output.h"

#include <stdio.h>
#include <string.h>

#include "core/clock.h"
#include "core/error.h"
#include "core/outcome.h"
#include "job/refused.h"
#include "job/report.h"

/* With no part open, the place in the source is recorded about so often. */
#define PLACE_US INT64_C(10000000)

/* Of the budget so many buffers of 1 MiB are left beside what is asked of the source at a time,
   what packs, and what is noted of references. */
static uint32_t buffers_of(uint64_t worker_bytes) {
  uint64_t count = worker_bytes / FHX__STRETCH_MAX - 4;
  return count < FHX__PIPELINE_BUFFERS_MAX ? (uint32_t)count : FHX__PIPELINE_BUFFERS_MAX;
}

/* For fhx_job_run to know its callbacks on that thread too. */
static void set_pipeline(fhx__work *work, const fhx__pipeline *pipeline) {
  pthread_mutex_lock(&work->job->mutex);
  work->pipeline = pipeline;
  pthread_mutex_unlock(&work->job->mutex);
}

static void use_helper(fhx__output *output) {
  const fhx_job *job = output->work->job;
  if (job->helpers == 0) return;
  fhx__part_writer_use_helper(&output->writer, buffers_of(job->worker_bytes));
  set_pipeline(output->work, &output->writer.pipeline);
}

bool fhx__output_init(fhx__output *output, fhx__work *work) {
  const fhx__definition *definition = &work->job->definition;
  fhx_error *error = NULL;
  memset(output, 0, sizeof *output);
  output->work = work;
  output->kind = FHX_PART_OUTPUT;
  output->label = fhx__job_label(work->job, work->task->phase, work->task->resource_type);
  output->resource_type = work->task->resource_type;
  output->row_type = work->task->resource_type;
  output->next_seq = work->task->next_seq;
  output->recorded_seq = work->task->next_seq;
  output->recorded_errors = work->task->error_count;
  output->recorded_resources = work->task->resource_count;
  output->recorded_us = fhx__work_time_us(work);
  if (fhx__part_writer_init(&output->writer, work->job->destination, &error) != FHX_OK) {
    return fhx__work_fail(work, error);
  }
  /* Who reads its parts through the library wants them from any byte on. */
  bool has_index = fhx__destination_serves_files(work->job->destination);
  if ((definition->flags & FHX_JOB_GZIP) != 0 &&
      fhx__part_writer_use_gzip(&output->writer, has_index, &error) != FHX_OK) {
    return fhx__work_fail(work, error);
  }
  output->writer.sink.sha256_wanted = (definition->flags & FHX_JOB_SHA256) != 0;
  output->writer.depth_max = definition->depth_max;
  output->writer.resource_bytes_max = definition->resource_bytes_max;
  use_helper(output);
  return true;
}

static const fhx_part *parts_of(const fhx__output *output, uint32_t *count) {
  *count = (uint32_t)(output->parts.len / sizeof(fhx_part));
  return (const fhx_part *)(const void *)output->parts.data;
}

static void show(fhx__output *output, uint64_t resources, uint64_t bytes) {
  fhx_job *job = output->work->job;
  atomic_fetch_add(&job->open_resources, resources - output->shown_resources);
  atomic_fetch_add(&job->open_bytes, bytes - output->shown_bytes);
  output->shown_resources = resources;
  output->shown_bytes = bytes;
  atomic_store(&output->work->resource_count, output->recorded_resources + resources);
}

static void count_parts(const fhx__output *output, uint64_t *resources, uint64_t *bytes) {
  uint32_t count = 0;
  const fhx_part *parts = parts_of(output, &count);
  *resources = 0;
  *bytes = 0;
  for (uint32_t i = 0; i < count; i++) {
    *resources += parts[i].resource_count;
    *bytes += parts[i].byte_count;
  }
}

void fhx__output_show(fhx__output *output) {
  uint64_t resources = 0, bytes = 0;
  if (output->kind != FHX_PART_OUTPUT) return;
  count_parts(output, &resources, &bytes);
  if (output->writer.named) {
    resources += output->writer.part.resource_count;
    bytes += output->writer.part.byte_count;
  }
  show(output, resources, bytes);
}

void fhx__output_free(fhx__output *output, bool remove) {
  uint32_t count = 0;
  const fhx_part *parts = parts_of(output, &count);
  fhx__part_writer_free(&output->writer);
  set_pipeline(output->work, NULL);
  fhx__wanted_free(output->wanted);
  for (uint32_t i = 0; remove && i < count; i++) {
    /* If it fails, the job's clean-up still knows the name. */
    fhx__destination_remove(output->work->job->destination, parts[i].name, NULL);
  }
  show(output, 0, 0);
  fhx__buffer_free(&output->parts);
  fhx__buffer_free(&output->lines);
  fhx__buffer_free(&output->line_ends);
  fhx__buffer_free(&output->token);
}

void fhx__output_begin_part(fhx__output *output) {
  const fhx_task_record *task = output->work->task;
  fhx_part identity;
  if (output->writer.named) return;
  memset(&identity, 0, sizeof identity);
  identity.kind = output->kind;
  identity.task_index = task->task_index;
  identity.fence = task->fence;
  identity.seq = output->next_seq;
  snprintf(identity.resource_type, sizeof identity.resource_type, "%s", output->resource_type);
  fhx__job_part_name(output->work->job, output->label, task->shard_index, task->fence,
                     output->next_seq, identity.name);
  fhx__part_writer_begin(&output->writer, &identity);
}

/* Whether a part whose commit was not answered is there after all. */
static bool settle_commit(fhx__output *output, const fhx_part *part, fhx_error *error) {
  if (fhx__part_writer_settle(&output->writer, part) != FHX_OK) {
    /* A new attempt has names of its own, so nothing is removed here. */
    fhx_error *lost = NULL;
    fhx__fail_with(&lost, FHX_ERR_UNKNOWN_OUTCOME, 1, "%s", fhx_error_message(error));
    fhx_error_free(error);
    return fhx__work_fail(output->work, lost);
  }
  fhx_error_free(error);
  return true;
}

bool fhx__output_close_part(fhx__output *output) {
  fhx__work *work = output->work;
  fhx_part part;
  fhx_error *error = NULL;
  if (!output->writer.named) return true;
  if (fhx__buffer_reserve(&output->parts, sizeof part) != FHX_OK) return fhx__work_no_memory(work);
  if (!fhx__work_renew(work, output->next_seq)) return false;
  output->next_seq++;
  const int64_t began_us = fhx__clock_monotonic_us();
  int32_t status = fhx__part_writer_commit(&output->writer, &part, &error);
  if (status == FHX_ERR_UNKNOWN_OUTCOME && !settle_commit(output, &part, error)) return false;
  if (status != FHX_OK && status != FHX_ERR_UNKNOWN_OUTCOME) return fhx__work_fail(work, error);
  fhx__report_commit(work, began_us);
  fhx__work_moved(work);
  return fhx__buffer_append(&output->parts, &part, sizeof part) == FHX_OK ||
         fhx__work_no_memory(work);
}

static bool add_error_line(fhx__output *output, const char *severity, const char *code,
                           const char *text) {
  uint64_t end = 0;
  int32_t status = fhx__outcome_append(&output->lines, severity, code, text);
  end = output->lines.len;
  if (status == FHX_OK) status = fhx__buffer_append(&output->line_ends, &end, sizeof end);
  return status == FHX_OK || fhx__work_no_memory(output->work);
}

static uint64_t errors_in_all(const fhx__output *output) {
  return output->recorded_errors + output->error_count;
}

static const char *deletion_of(const fhx__output *output) {
  return output->kind == FHX_PART_DELETED ? "the deletion of " : "";
}

/* "Type/id", "a resource of type Type" or "a resource", as far as it is known. */
static void name_row(const fhx__output *output, const char *type, const char *id, char *name,
                     size_t size) {
  if (*type == '\0') {
    snprintf(name, size, "%sa resource", deletion_of(output));
  } else if (*id == '\0') {
    snprintf(name, size, "%sa resource of type %s", deletion_of(output), type);
  } else {
    snprintf(name, size, "%s%s/%s", deletion_of(output), type, id);
  }
}

bool fhx__output_refuse(fhx__output *output, const char *type, const char *id, const char *why) {
  char text[1024];
  char name[FHX__TYPE_MAX + FHX__ID_MAX + 48];
  output->error_count++;
  if (!fhx__refused_judge(output->work, errors_in_all(output))) return false;
  if (errors_in_all(output) > FHX__ERROR_LINES_MAX) return true;
  name_row(output, type, id, name, sizeof name);
  snprintf(text, sizeof text, "%s%s was not exported: %s", name,
           output->refuses_block ? ", with what is in its compartment," : "", why);
  return add_error_line(output, "error", "invalid", text);
}

bool fhx__output_bad_row(fhx__output *output, const char *id, const char *reason, size_t offset) {
  char why[256];
  snprintf(why, sizeof why, "it %s, at byte %zu of the resource", reason, offset);
  return fhx__output_refuse(output, output->row_type, id, why);
}

bool fhx__output_warn(fhx__output *output, const char *code, const char *text) {
  return add_error_line(output, "warning", code, text);
}

static bool add_last_line(fhx__output *output) {
  char text[256];
  uint64_t errors = errors_in_all(output);
  if (errors <= FHX__ERROR_LINES_MAX) return true;
  snprintf(text, sizeof text, "%llu more %s%s%s were not exported",
           (unsigned long long)(errors - FHX__ERROR_LINES_MAX),
           output->kind == FHX_PART_DELETED ? "deletions of resources" : "resources",
           *output->resource_type == '\0' ? "" : " of type ",
           *output->resource_type == '\0' ? "" : output->row_type);
  return add_error_line(output, "error", "invalid", text);
}

static void start_over(fhx__output *output, uint64_t next_seq) {
  output->recorded_seq = next_seq;
  output->next_seq = next_seq;
  output->parts.len = 0;
  output->lines.len = 0;
  output->line_ends.len = 0;
  output->recorded_errors += output->error_count;
  output->error_count = 0;
  output->has_moved = false;
  output->recorded_us = fhx__work_time_us(output->work);
}

bool fhx__output_checkpoint(fhx__output *output, bool done) {
  fhx__work *work = output->work;
  fhx_checkpoint step;
  fhx_error *error = NULL;
  if (!fhx__refused_judge_recorded(work, output->error_count)) return false;
  if (done && !add_last_line(output)) return false;
  /* What the parts refer to is known before they are, or who dies in between leaves it out. */
  if (!fhx__wanted_store(output->wanted, work)) return false;
  memset(&step, 0, sizeof step);
  step.job_id = work->task->job_id;
  step.task_index = work->task->task_index;
  step.fence = work->task->fence;
  step.done = done ? 1 : 0;
  step.seq = output->recorded_seq;
  /* Every checkpoint uses at least one number, so that each can be told from the last. */
  step.next_seq = output->next_seq > step.seq ? output->next_seq : step.seq + 1;
  step.token = output->has_token ? output->token.data : NULL;
  step.token_len = output->has_token ? output->token.len : 0;
  step.last_id = output->last_id;
  step.parts = parts_of(output, &step.part_count);
  step.lines = output->lines.data;
  step.line_ends = (const uint64_t *)(const void *)output->line_ends.data;
  step.line_count = (uint32_t)(output->line_ends.len / sizeof(uint64_t));
  step.error_count = output->error_count;
  if (output->kind == FHX_PART_OUTPUT) {
    count_parts(output, &step.resource_count, &step.byte_count);
  }
  bool taken_over = false;
  const int64_t began_us = fhx__clock_monotonic_us();
  int32_t status = fhx__step_checkpoint(work->job, &step, &taken_over, &error);
  if (taken_over) output->parts.len = 0;
  if (!fhx__work_after_step(work, status, error)) return false;
  work->renewed_us = fhx__work_time_us(work);
  fhx__report_checkpoint(work, &step, began_us);
  output->recorded_resources += step.resource_count;
  work->told_resources = output->recorded_resources;
  start_over(output, step.next_seq);
  fhx__output_show(output);
  return true;
}

bool fhx__output_set_token(fhx__output *output, const void *token, size_t len) {
  bool same = len == output->token.len && (len == 0 || memcmp(token, output->token.data, len) == 0);
  output->has_moved = output->has_moved || !same;
  output->has_token = len != 0;
  output->token.len = 0;
  return fhx__buffer_append(&output->token, token, len) == FHX_OK ||
         fhx__work_no_memory(output->work);
}

bool fhx__output_place_is_due(const fhx__output *output) {
  return output->has_token && output->has_moved && !output->writer.named &&
         fhx__work_time_us(output->work) - output->recorded_us > PLACE_US;
}
