/*
 * The finish phase: objects that attempts left behind are removed, the error lines become the error
 * file, or several where one would be too long. And the clean-up of jobs that have failed or are
 * removing, by the same names.
 */
#include <stdio.h>
#include <string.h>

#include "core/error.h"
#include "core/host_clock.h"
#include "core/outcome.h"
#include "job/output.h"
#include "job/refused.h"

#define PAGE 256
#define CLEAN_PAUSE_US INT64_C(20000)

/* --- names that may exist --- */

/* The label and so the name of what an attempt writes; NULL for a planning attempt. */
static const char *label_of(const fhx_job *job, const fhx__attempt *attempt) {
  return fhx__job_label(job, attempt->phase, attempt->resource_type);
}

static int32_t remove_named(fhx_job *job, const char *label, const fhx__attempt *attempt,
                            uint64_t seq, fhx_error **error) {
  char name[FHX__PART_NAME_MAX + 1];
  char packed_name[sizeof name + sizeof ".gz"];
  /* What lies with a client whose destination is not at hand is for him to remove. */
  if (job->destination == NULL) return FHX_OK;
  fhx__job_part_name(job, label, attempt->shard_index, attempt->fence, seq, name);
  int32_t status = fhx__destination_remove(job->destination, name, error);
  if (status != FHX_OK || job->definition.filter != NULL) return status;
  /* Of a job whose definition cannot be read nobody knows whether its parts are in gzip. */
  snprintf(packed_name, sizeof packed_name, "%s.gz", name);
  return fhx__destination_remove(job->destination, packed_name, error);
}

static int32_t remove_number(fhx_job *job, const fhx__attempt *attempt, uint64_t seq,
                             fhx_error **error) {
  const char *label = label_of(job, attempt);
  int32_t status = FHX_OK;
  /* Nor whether it is organised by patients. */
  if (job->definition.filter == NULL && attempt->phase == FHX_PHASE_MAIN) {
    status = remove_named(job, FHX__PATIENTS_LABEL, attempt, seq, error);
  }
  if (status != FHX_OK || *label == '\0') return status;
  return remove_named(job, label, attempt, seq, error);
}

/* A page of the attempt's recorded numbers; every number up to *known_to is decided by it. */
static int32_t recorded_numbers(fhx_job *job, const fhx__attempt *attempt, uint64_t from,
                                fhx__buffer *parts, uint64_t *known_to, fhx_error **error) {
  int32_t status = fhx__step_list_parts(job, attempt->task_index, from - 1, PAGE, 0, parts, error);
  if (status != FHX_OK) return status;
  size_t count = parts->len / sizeof(fhx_part);
  const fhx_part *part = (const fhx_part *)(const void *)parts->data;
  bool whole_page = count == PAGE && part[count - 1].task_index == attempt->task_index;
  *known_to = whole_page ? part[count - 1].seq : UINT64_MAX;
  return FHX_OK;
}

static bool is_recorded(const fhx__buffer *parts, const fhx__attempt *attempt, uint64_t seq) {
  const fhx_part *part = (const fhx_part *)(const void *)parts->data;
  for (size_t i = 0; i < parts->len / sizeof *part; i++) {
    if (part[i].task_index == attempt->task_index && part[i].fence == attempt->fence &&
        part[i].seq == seq) {
      return true;
    }
  }
  return false;
}

/* Removes every name of the attempt that may exist and is not recorded. What the destination does
   not remove now goes with the job: its names stay known. There may be many, and each may take
   long: the lease is kept after every one. */
static bool remove_unrecorded(fhx__work *work, const fhx__attempt *attempt, fhx__buffer *parts) {
  uint64_t known_to = 0;
  for (uint64_t seq = attempt->first_seq; seq <= attempt->last_seq + 1; seq++) {
    if (seq > known_to) {
      fhx_error *error = NULL;
      int32_t status = recorded_numbers(work->job, attempt, seq, parts, &known_to, &error);
      if (!fhx__work_after_step(work, status, error)) return false;
    }
    if (!is_recorded(parts, attempt, seq)) remove_number(work->job, attempt, seq, NULL);
    if (!fhx__work_go_on(work)) return false;
  }
  return true;
}

/* FHX_WAIT when parked meanwhile. */
static int32_t remove_all(fhx_job *job, const fhx__attempt *attempt, fhx_error **error) {
  int32_t status = FHX_OK;
  for (uint64_t seq = attempt->first_seq; status == FHX_OK && seq <= attempt->last_seq + 1; seq++) {
    status = atomic_load(&job->parked) ? FHX_WAIT : remove_number(job, attempt, seq, error);
  }
  return status;
}

/* A walk over all attempts of a job, page by page. */
typedef struct walk {
  fhx__buffer page;
  size_t position;
  uint32_t after_task;
  uint64_t after_fence;
} walk;

/* FHX_OK: *attempt is the next one. FHX_END. */
static int32_t next_attempt(fhx_job *job, walk *at, fhx__attempt *attempt, fhx_error **error) {
  if (at->position == at->page.len / sizeof *attempt) {
    int32_t status =
        fhx__step_list_attempts(job, at->after_task, at->after_fence, PAGE, &at->page, error);
    if (status != FHX_OK) return status;
    at->position = 0;
    if (at->page.len == 0) return FHX_END;
  }
  memcpy(attempt, at->page.data + at->position++ * sizeof *attempt, sizeof *attempt);
  at->after_task = attempt->task_index;
  at->after_fence = attempt->fence;
  return FHX_OK;
}

/* --- the finish phase --- */

static bool sweep(fhx__work *work) {
  walk at;
  fhx__buffer parts = {NULL, 0, 0};
  fhx__attempt attempt;
  fhx_error *error = NULL;
  memset(&at, 0, sizeof at);
  int32_t status = FHX_OK;
  bool going = true;
  while (going && (status = next_attempt(work->job, &at, &attempt, &error)) == FHX_OK) {
    /* Every other task is done. Of this one only earlier attempts are over: a later one has taken
       it over from us and may be about to record what it has made. */
    bool over = attempt.task_index != work->task->task_index || attempt.fence < work->task->fence;
    if (!over || attempt.finished || label_of(work->job, &attempt) == NULL) continue;
    going = remove_unrecorded(work, &attempt, &parts);
  }
  fhx__buffer_free(&at.page);
  fhx__buffer_free(&parts);
  if (status < 0) return fhx__work_after_step(work, status, error);
  return going;
}

/* To the open part, or to a new one if it would be too long. */
static bool add_outcome(fhx__output *out, const char *line, size_t len) {
  fhx_part *open = &out->writer.part;
  fhx_error *error = NULL;
  if (out->writer.named && open->byte_count + len + 1 > out->work->job->definition.part_bytes &&
      !fhx__output_close_part(out)) {
    return false;
  }
  fhx__output_begin_part(out);
  if (fhx__outcome_is_error(line, len)) {
    open->error_count++;
  } else {
    open->warning_count++;
  }
  return fhx__part_writer_add(&out->writer, line, len, &error) == FHX_OK ||
         fhx__work_fail(out->work, error);
}

static bool add_lines(fhx__output *out, const fhx_reply *lines) {
  for (size_t i = 0; i < fhx__reply_item_count(lines); i++) {
    size_t len = 0;
    const char *line = fhx__reply_item_at(lines, i, &len);
    if (!add_outcome(out, line, len)) return false;
  }
  return true;
}

/* What was asked for and skipped at the kick-off (PARAM-02). */
static bool add_notes(fhx__output *out) {
  const fhx__buffer *notes = &out->work->job->definition.notes;
  fhx__buffer line = {NULL, 0, 0};
  bool going = true;
  for (size_t at = 0; going && at < notes->len; at += strlen(notes->data + at) + 1) {
    line.len = 0;
    going = fhx__outcome_append(&line, "warning", "not-supported", notes->data + at) == FHX_OK
                ? add_outcome(out, line.data, line.len)
                : fhx__work_no_memory(out->work);
  }
  fhx__buffer_free(&line);
  return going;
}

static bool write_error_file(fhx__output *out) {
  fhx__work *work = out->work;
  uint64_t first = 0;
  for (;;) {
    fhx_error *error = NULL;
    fhx_reply lines;
    int32_t status = fhx__step_list_lines(work->job, first, PAGE, &lines, &error);
    size_t count = status == FHX_OK ? fhx__reply_item_count(&lines) : 0;
    bool going = fhx__work_after_step(work, status, error) && add_lines(out, &lines) &&
                 fhx__work_go_on(work);
    fhx__reply_end(&lines);
    if (!going || count == 0) return going;
    first += count;
  }
}

void fhx__work_finish(fhx__work *work) {
  fhx__output out;
  bool going = fhx__output_init(&out, work);
  out.kind = FHX_PART_ERROR;
  out.resource_type = "OperationOutcome";
  if (going && fhx__refused_judge_all(work) && sweep(work) && add_notes(&out) &&
      write_error_file(&out) && fhx__output_close_part(&out) &&
      fhx__output_checkpoint(&out, true)) {
    fhx__work_stop(work, FHX__WORK_DONE);
  }
  fhx__output_free(&out, work->end != FHX__WORK_STORE);
}

/* --- clean-up of a whole job --- */

/* FHX_WAIT: an attempt is alive, and may still write. It is looked for before anything is removed,
   so that a wait does not remove the same objects all the time. */
static int32_t look_for_alive(fhx_job *job, fhx_error **error) {
  walk at;
  fhx__attempt attempt;
  memset(&at, 0, sizeof at);
  int32_t status = FHX_OK;
  while (status == FHX_OK && (status = next_attempt(job, &at, &attempt, error)) == FHX_OK) {
    if (attempt.alive) status = FHX_WAIT;
  }
  fhx__buffer_free(&at.page);
  return status == FHX_END ? FHX_OK : status;
}

static int32_t remove_objects(fhx_job *job, fhx_error **error) {
  walk at;
  fhx__attempt attempt;
  memset(&at, 0, sizeof at);
  int32_t status = FHX_OK;
  while (status == FHX_OK && (status = next_attempt(job, &at, &attempt, error)) == FHX_OK) {
    if (label_of(job, &attempt) != NULL) status = remove_all(job, &attempt, error);
  }
  fhx__buffer_free(&at.page);
  return status == FHX_END ? FHX_OK : status;
}

int32_t fhx__job_clean_round(fhx_job *job, int64_t *wait_us, fhx_error **error) {
  *wait_us = CLEAN_PAUSE_US;
  int32_t status = look_for_alive(job, error);
  if (status == FHX_OK) status = remove_objects(job, error);
  /* Nobody writes any more, and nothing is left to remove: the store asks for patience only because
     it forgets so many members piece by piece. */
  while (status == FHX_OK && (status = fhx__step_clean(job, wait_us, error)) == FHX_WAIT) {
    if (*wait_us > 0 || atomic_load(&job->parked)) return FHX_WAIT;
    status = FHX_OK;
  }
  if (status != FHX_ERR_NOT_FOUND) return status;
  /* The record went meanwhile: another runner has cleaned up. */
  fhx__clear_error(error);
  return FHX_OK;
}

int32_t fhx__job_clean(fhx_job *job, fhx_error **error) {
  for (;;) {
    int64_t wait_us = 0;
    int32_t status = fhx__job_clean_round(job, &wait_us, error);
    if (status != FHX_WAIT || atomic_load(&job->parked)) return status;
    fhx__host_sleep_us(&job->clock, wait_us < CLEAN_PAUSE_US ? wait_us : CLEAN_PAUSE_US);
  }
}
