/* The main phase: one task's rows from the source's cursor to checkpoints. */
#include <string.h>

#include "core/alloc.h"
#include "core/clock.h"
#include "core/error.h"
#include "job/output.h"

#define WANT_BYTES_MAX (UINT64_C(1) << 20)
#define WANT_BYTES_MIN (UINT64_C(4) << 10)

typedef struct reading {
  fhx__work *work;
  fhx__output out;
  fhx__cursor cursor;
  uint64_t want_bytes;
  bool ascending;
  bool type_applied;
  /* The first type of the job answers for rows whose type nobody can tell. */
  bool first_type;
  /* The id of the last row, for a source that promises ascending ids. */
  char last_id[FHX__ID_MAX + 1];
} reading;

static bool source_fault(fhx__work *work, const char *message) {
  fhx_error *error = NULL;
  fhx__fail(&error, FHX_ERR_SOURCE, "%s", message);
  return fhx__work_fail(work, error);
}

/* --- one row --- */

/* A bad row is this task's to report when it is of its type, or may be. */
static bool report(reading *read, const fhx__line *line, const char *reason, size_t offset) {
  const char *type = line->scan.facts.resource_type;
  if (!read->type_applied) {
    bool unknown = *type == '\0';
    if (unknown ? !read->first_type : strcmp(type, read->work->task->resource_type) != 0) {
      return true;
    }
  }
  return fhx__output_bad_row(&read->out, line->scan.facts.id, reason, offset);
}

static bool check_order(reading *read, const char *id) {
  if (!read->ascending) return true;
  if (*read->last_id != '\0' && strcmp(id, read->last_id) <= 0) {
    return source_fault(read->work, "the source promised ascending ids and gave one out of order");
  }
  memcpy(read->last_id, id, strlen(id) + 1);
  return true;
}

/* A part that this row would make too long is closed; it holds rows of this reply alone. */
static bool make_room(reading *read, const fhx__line *line) {
  const fhx__definition *definition = &read->work->job->definition;
  const fhx_part *open = &read->out.writer.part;
  if (!read->out.writer.named) return true;
  bool full = open->byte_count + line->scan.out_len + 1 > definition->part_bytes ||
              (definition->part_count != 0 && open->resource_count >= definition->part_count);
  return !full || fhx__output_close_part(&read->out);
}

static bool take(reading *read, const fhx__line *line) {
  fhx_error *error = NULL;
  if (!make_room(read, line)) return false;
  fhx__output_begin_part(&read->out);
  if (fhx__part_writer_take(&read->out.writer, line, &error) == FHX_OK) return true;
  return fhx__work_fail(read->work, error);
}

/* The filter reads compact lines; one that was too long for the buffer is made so for it alone. */
static bool filter_takes(reading *read, const fhx__line *line, const int64_t *updated_us,
                         bool *takes) {
  const fhx_filter *filter = read->work->job->definition.filter;
  const fhx__facts *facts = &line->scan.facts;
  bool needs_text =
      filter->patient_count != 0 && (read->cursor.applied & FHX_APPLIED_PATIENTS) == 0;
  if (!line->oversized || !needs_text) {
    *takes =
        fhx__filter_takes(filter, read->cursor.applied, facts, updated_us, line->text, line->len);
    return true;
  }
  fhx__strip strip = {false, false};
  char *compact = fhx__alloc(line->len);
  if (compact == NULL) {
    fhx_error *error = NULL;
    fhx__no_memory(&error);
    return fhx__work_fail(read->work, error);
  }
  size_t len = fhx__strip_piece(&strip, line->text, line->len, compact);
  *takes = fhx__filter_takes(filter, read->cursor.applied, facts, updated_us, compact, len);
  fhx__free(compact);
  return true;
}

static bool read_row(reading *read, const unsigned char *data, size_t len,
                     const int64_t *updated_us) {
  fhx_error *error = NULL;
  fhx__line line;
  if (fhx__part_writer_scan(&read->out.writer, data, len, &line, &error) != FHX_OK) {
    return fhx__work_fail(read->work, error);
  }
  const fhx__facts *facts = &line.scan.facts;
  if (line.too_long) return report(read, &line, "is longer than resource_bytes_max", 0);
  if (line.scan.fault != FHX__FAULT_NONE) {
    return report(read, &line, fhx__fault_text(line.scan.fault), line.scan.offset);
  }
  if (strcmp(facts->resource_type, read->work->task->resource_type) != 0) {
    return !read->type_applied || report(read, &line, "is of another type", 0);
  }
  if (!check_order(read, facts->id)) return false;
  bool takes = false;
  if (!filter_takes(read, &line, updated_us, &takes)) return false;
  return !takes || take(read, &line);
}

/* --- one reply --- */

/* Closes the open part and records it, with the place behind the last whole reply. */
static bool record(reading *read, bool done) {
  return fhx__output_close_part(&read->out) && fhx__output_checkpoint(&read->out, done);
}

/* Files roll between replies: before one that would make the part too long. */
static bool roll_before(reading *read, const fhx__rows *rows) {
  const fhx__definition *definition = &read->work->job->definition;
  const fhx_part *open = &read->out.writer.part;
  if (!read->out.writer.named) return true;
  bool long_enough = open->byte_count + rows->len + rows->row_count > definition->part_bytes;
  bool full_enough = definition->part_count != 0 &&
                     open->resource_count + rows->row_count > definition->part_count;
  return !(long_enough || full_enough) || record(read, false);
}

static bool read_rows(reading *read, const fhx__rows *rows) {
  size_t begin = 0;
  for (uint64_t i = 0; i < rows->row_count; i++) {
    size_t end = rows->row_ends == NULL ? rows->len : (size_t)rows->row_ends[i];
    const int64_t *updated = rows->row_updated_us == NULL ? NULL : &rows->row_updated_us[i];
    if (!read_row(read, rows->data + begin, end - begin, updated)) return false;
    begin = end;
  }
  return true;
}

/* Rows are taken whole or not at all: the place moves behind them only at the end. */
static bool take_reply(reading *read, const fhx__rows *rows) {
  if (!roll_before(read, rows) || !read_rows(read, rows)) return false;
  if (!fhx__output_set_token(&read->out, rows->token, rows->token_len)) return false;
  memcpy(read->out.last_id, read->last_id, sizeof read->last_id);
  read->work->moved_us = fhx__clock_monotonic_us();
  fhx__output_show(&read->out);
  /* A part was closed within this reply: the reply's other rows are closed with it. */
  if (read->out.parts.len != 0) return record(read, false);
  return !fhx__output_place_is_due(&read->out) || fhx__output_checkpoint(&read->out, false);
}

/* --- the task --- */

/* Keeps what can be kept: with a token everything, without one nothing. */
static void park(reading *read) {
  bool kept = !read->out.has_token || record(read, false);
  if (kept) fhx__work_stop(read->work, FHX__WORK_PARKED);
}

static void read_all(reading *read) {
  fhx__work *work = read->work;
  while (fhx__work_keep(work)) {
    fhx_error *error = NULL;
    fhx__rows rows;
    int64_t wait_us = 0;
    if (atomic_load_explicit(&work->job->parked, memory_order_relaxed)) {
      park(read);
      return;
    }
    int32_t status = fhx__source_next(&read->cursor, read->want_bytes, &rows, &wait_us, &error);
    if (status == FHX_END) {
      if (record(read, true)) fhx__work_stop(work, FHX__WORK_DONE);
      return;
    }
    if (status < 0) {
      fhx__work_fail(work, error);
      return;
    }
    bool going = status == FHX_WAIT
                     ? fhx__work_wait(work, wait_us, "the source had no rows to give")
                     : take_reply(read, &rows);
    if (!going) return;
  }
}

static uint64_t wanted_bytes(uint64_t part_bytes) {
  uint64_t wanted = part_bytes / 8;
  if (wanted > WANT_BYTES_MAX) wanted = WANT_BYTES_MAX;
  return wanted < WANT_BYTES_MIN ? WANT_BYTES_MIN : wanted;
}

static void make_query(const fhx__work *work, fhx_query *query) {
  const fhx_job_record *record_of_job = work->job->record;
  memset(query, 0, sizeof *query);
  query->resource_type = work->task->resource_type;
  query->shard = work->task->shard;
  query->shard_len = work->task->shard_len;
  query->as_of_us = record_of_job->transaction_time_us;
  query->filter = work->job->definition.filter;
  query->token = work->task->token;
  query->token_len = work->task->token_len;
  query->tenant = record_of_job->tenant;
  query->host_context = record_of_job->host_context;
  query->host_context_len = record_of_job->host_context_len;
}

/* What a resumed attempt takes over from the last checkpoint. */
static bool take_over(reading *read) {
  const fhx_task_record *task = read->work->task;
  const fhx_filter *filter = read->work->job->definition.filter;
  read->want_bytes = wanted_bytes(read->work->job->definition.part_bytes);
  read->type_applied = (read->cursor.applied & FHX_APPLIED_TYPE) != 0;
  read->ascending = (read->cursor.applied & FHX_PROMISE_ASCENDING_IDS) != 0;
  read->first_type = filter->type_count != 0 && strcmp(filter->types[0], task->resource_type) == 0;
  size_t len = strlen(task->last_id);
  /* Who begins again has read nothing yet. */
  if (len <= FHX__ID_MAX && task->token_len != 0) memcpy(read->last_id, task->last_id, len + 1);
  memcpy(read->out.last_id, read->last_id, sizeof read->last_id);
  if (!fhx__output_set_token(&read->out, task->token, task->token_len)) return false;
  read->out.has_moved = false;
  return true;
}

void fhx__work_main(fhx__work *work) {
  reading read;
  fhx_query query;
  fhx_error *error = NULL;
  memset(&read, 0, sizeof read);
  read.work = work;
  make_query(work, &query);
  bool going = fhx__output_init(&read.out, work);
  if (going && fhx__source_open(work->job->source, &query, &read.cursor, &error) != FHX_OK) {
    going = fhx__work_fail(work, error);
  } else if (going) {
    if (take_over(&read)) read_all(&read);
    fhx__source_close(&read.cursor);
  }
  fhx__output_free(&read.out, work->end != FHX__WORK_STORE);
}
