/* How a store reads the plan, the members or the checkpoint that it is to record. */
#include "store/store.h"

/* The line at `position`, which there is, of lines that lie one behind the other. */
static const void *line_at(const char *lines, const uint64_t *line_ends, uint32_t position,
                           size_t *len) {
  uint64_t begin = position == 0 ? 0 : line_ends[position - 1];
  if (len != NULL) *len = (size_t)(line_ends[position] - begin);
  return lines + begin;
}

const char *fhx_plan_job_id(const fhx_plan *plan) {
  return plan == NULL ? "" : plan->job_id;
}

uint64_t fhx_plan_fence(const fhx_plan *plan) {
  return plan == NULL ? 0 : plan->fence;
}

uint32_t fhx_plan_task_count(const fhx_plan *plan) {
  return plan == NULL ? 0 : plan->task_count;
}

const fhx_task_record *fhx_plan_task(const fhx_plan *plan, uint32_t position) {
  return plan == NULL || position >= plan->task_count ? NULL : &plan->tasks[position];
}

uint32_t fhx_plan_line_count(const fhx_plan *plan) {
  return plan == NULL ? 0 : plan->line_count;
}

const void *fhx_plan_line(const fhx_plan *plan, uint32_t position, size_t *len) {
  if (len != NULL) *len = 0;
  if (plan == NULL || position >= plan->line_count) return NULL;
  return line_at(plan->lines, plan->line_ends, position, len);
}

const char *fhx_members_job_id(const fhx_members *members) {
  return members == NULL ? "" : members->job_id;
}

uint32_t fhx_members_task_index(const fhx_members *members) {
  return members == NULL ? 0 : members->task_index;
}

uint64_t fhx_members_fence(const fhx_members *members) {
  return members == NULL ? 0 : members->fence;
}

uint32_t fhx_members_list(const fhx_members *members) {
  return members == NULL ? 0 : members->list;
}

uint32_t fhx_members_count(const fhx_members *members) {
  return members == NULL ? 0 : members->count;
}

const char *fhx_members_text(const fhx_members *members, uint32_t position) {
  return members == NULL || position >= members->count ? NULL : members->texts[position];
}

const char *fhx_checkpoint_job_id(const fhx_checkpoint *checkpoint) {
  return checkpoint == NULL ? "" : checkpoint->job_id;
}

uint32_t fhx_checkpoint_task_index(const fhx_checkpoint *checkpoint) {
  return checkpoint == NULL ? 0 : checkpoint->task_index;
}

uint64_t fhx_checkpoint_fence(const fhx_checkpoint *checkpoint) {
  return checkpoint == NULL ? 0 : checkpoint->fence;
}

uint64_t fhx_checkpoint_seq(const fhx_checkpoint *checkpoint) {
  return checkpoint == NULL ? 0 : checkpoint->seq;
}

uint64_t fhx_checkpoint_next_seq(const fhx_checkpoint *checkpoint) {
  return checkpoint == NULL ? 0 : checkpoint->next_seq;
}

uint32_t fhx_checkpoint_done(const fhx_checkpoint *checkpoint) {
  return checkpoint == NULL ? 0 : checkpoint->done;
}

const void *fhx_checkpoint_token(const fhx_checkpoint *checkpoint, size_t *len) {
  const void *token = checkpoint == NULL ? NULL : checkpoint->token;
  if (len != NULL) *len = token == NULL ? 0 : checkpoint->token_len;
  return token;
}

const char *fhx_checkpoint_last_id(const fhx_checkpoint *checkpoint) {
  return checkpoint == NULL || checkpoint->last_id == NULL ? "" : checkpoint->last_id;
}

uint64_t fhx_checkpoint_resource_count(const fhx_checkpoint *checkpoint) {
  return checkpoint == NULL ? 0 : checkpoint->resource_count;
}

uint64_t fhx_checkpoint_byte_count(const fhx_checkpoint *checkpoint) {
  return checkpoint == NULL ? 0 : checkpoint->byte_count;
}

uint64_t fhx_checkpoint_error_count(const fhx_checkpoint *checkpoint) {
  return checkpoint == NULL ? 0 : checkpoint->error_count;
}

uint32_t fhx_checkpoint_part_count(const fhx_checkpoint *checkpoint) {
  return checkpoint == NULL ? 0 : checkpoint->part_count;
}

const fhx_part *fhx_checkpoint_part(const fhx_checkpoint *checkpoint, uint32_t position) {
  if (checkpoint == NULL || position >= checkpoint->part_count) return NULL;
  return &checkpoint->parts[position];
}

uint32_t fhx_checkpoint_line_count(const fhx_checkpoint *checkpoint) {
  return checkpoint == NULL ? 0 : checkpoint->line_count;
}

const void *fhx_checkpoint_line(const fhx_checkpoint *checkpoint, uint32_t position, size_t *len) {
  if (len != NULL) *len = 0;
  if (checkpoint == NULL || position >= checkpoint->line_count) return NULL;
  return line_at(checkpoint->lines, checkpoint->line_ends, position, len);
}
