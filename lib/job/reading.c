/* From rows to parts and checkpoints. */
#include "job/reading.h"

#include <stdio.h>
#include <string.h>

#include "core/alloc.h"
#include "core/error.h"
#include "job/hooks.h"
#include "select/reduce.h"

#define WANT_BYTES_MAX (UINT64_C(1) << 20)
#define WANT_BYTES_MIN (UINT64_C(4) << 10)
/* What is kept for the next reduced line. */
#define REDUCED_BYTES ((size_t)1 << 20)

/* --- one row --- */

/* Whose data a bad row is only a Patient says, by its id. No other id of what may be somebody's who
   is not exported is told (FILTER-17, -30). */
static bool hide_id(fhx__reading *read, const char *type, const char **id) {
  const fhx__selection *selection = &read->query.selection;
  fhx_error *error = NULL;
  bool may_tell = false;
  if (read->hides_ids) {
    *id = "";
    return true;
  }
  if (**id == '\0' || fhx__selection_scope(selection) != FHX_SCOPE_PATIENT_SET ||
      (read->cursor.applied & FHX_APPLIED_PATIENTS) != 0) {
    return true;
  }
  if (strcmp(type, "Patient") == 0 &&
      fhx__selection_has_patient(selection, *id, strlen(*id), &may_tell, &error) != FHX_OK) {
    return fhx__work_fail(read->work, error);
  }
  if (!may_tell) *id = "";
  return true;
}

static bool is_own_type(fhx__reading *read, const char *type) {
  if (read->takes_type != NULL) return read->takes_type(read, type);
  return strcmp(type, read->query.resource_type) == 0;
}

/* A bad row is this task's to report when it is of its type, or may be. */
static bool report(fhx__reading *read, const fhx__line *line, const char *reason, size_t offset) {
  const char *type = line->scan.facts.resource_type;
  const char *id = *read->asked_id != '\0' ? read->asked_id : line->scan.facts.id;
  bool reports = true;
  if (!read->has_one_type) {
    reports = *type == '\0' ? read->reports_unknown : is_own_type(read, type);
  }
  if (reports && !hide_id(read, type, &id)) return false;
  if (reports && read->report_row != NULL && !read->report_row(read, id, &reports)) return false;
  return !reports || fhx__output_bad_row(&read->out, id, reason, offset);
}

static bool check_order(fhx__reading *read, const char *id) {
  if (!read->ascending) return true;
  if (*read->last_id != '\0' && strcmp(id, read->last_id) <= 0) {
    fhx_error *error = NULL;
    fhx__fail(&error, FHX_ERR_SOURCE,
              "the source promised ascending ids and gave one out of order");
    return fhx__work_fail(read->work, error);
  }
  memcpy(read->last_id, id, strlen(id) + 1);
  return true;
}

/* Whether the block's header is to stand in front of the next line. */
static bool needs_header(const fhx__reading *read) {
  return read->block != NULL && !read->block->begun;
}

/* A part that this row would make too long is closed; it holds rows of this reply alone, but for
   one that was too short to be closed before it. */
static bool make_room(fhx__reading *read, size_t len) {
  const fhx__definition *definition = &read->work->job->definition;
  fhx_part *open = &read->out.writer.part;
  if (!read->out.writer.named) return true;
  uint64_t lines = needs_header(read) ? 2 : 1;
  uint64_t header_len = needs_header(read) ? read->block->header_len : 0;
  uint64_t bytes = len + header_len + lines;
  bool full =
      open->byte_count + bytes > definition->part_bytes ||
      (definition->part_count != 0 && open->resource_count + lines > definition->part_count);
  if (!full) return true;
  if (read->block != NULL && read->block->begun) {
    open->flags |= FHX_PART_CONTINUES;
    read->block->begun = false;
  }
  return fhx__output_close_part(&read->out);
}

/* Adds the line to the open part, behind its block's header if that is not there yet. */
static int32_t add_line(fhx__reading *read, const fhx__line *line, fhx_error **error) {
  fhx__part_writer *writer = &read->out.writer;
  fhx__block *block = read->block;
  if (!needs_header(read)) return fhx__part_writer_take(writer, line, error);
  block->begun = true;
  return fhx__part_writer_take_behind(writer, block->header, block->header_len, line, error);
}

static bool write_line(fhx__reading *read, const fhx__line *line) {
  fhx_error *error = NULL;
  if (!make_room(read, line->scan.out_len)) return false;
  fhx__output_begin_part(&read->out);
  if (add_line(read, line, &error) == FHX_OK) return true;
  return fhx__work_fail(read->work, error);
}

/* What is kept of resources of this type; NULL: all. */
static const fhx__kept *kept_of(fhx__reading *read, const char *type) {
  if (read->wish == NULL || type == NULL) return NULL;
  if (strcmp(read->kept_type, type) != 0) {
    memcpy(read->kept_type, type, strlen(type) + 1);
    read->kept = fhx__elements_of(read->wish, type);
  }
  return read->kept;
}

/* Writes only what is wanted of a line, which is compact and was checked. */
static bool write_reduced(fhx__reading *read, const fhx__kept *kept, const fhx__line *line) {
  fhx__line reduced = *line;
  if (fhx__reduce(kept, line->text, line->len, line->keys, &read->reduced) != FHX_OK) {
    return fhx__work_no_memory(read->work);
  }
  reduced.text = read->reduced.data;
  reduced.len = reduced.scan.out_len = read->reduced.len;
  reduced.oversized = reduced.len >= read->out.writer.capacity;
  bool going = write_line(read, &reduced);
  if (read->reduced.capacity > REDUCED_BYTES) fhx__buffer_free(&read->reduced);
  return going;
}

/* What was exported is what counts: what it refers to is noted here, behind the hooks, and of the
   whole resource. */
static bool put_line(fhx__reading *read, const fhx__line *line) {
  const fhx__kept *kept = kept_of(read, line->scan.facts.resource_type);
  return fhx__wanted_note(read->out.wanted, read->work, line->text, line->len) &&
         (kept == NULL ? write_line(read, line) : write_reduced(read, kept, line));
}

bool fhx__reading_write(fhx__reading *read, const fhx__line *line) {
  fhx__hooking at;
  if (!fhx__hooks_are_there(read->work->job)) return put_line(read, line);
  bool going = fhx__hooks_call(&at, &read->out, &read->query, line) &&
               (at.is_dropped || put_line(read, &at.line));
  fhx__hooks_end(&at);
  return going;
}

static bool judge_row(fhx__reading *read, const fhx__line *line, const int64_t *updated_us) {
  const fhx__row row = {&line->scan.facts, updated_us, line->text, line->len};
  bool takes = false;
  if (!read->take_row(read, &row, &takes)) return false;
  if (!takes) return true;
  return read->put_row == NULL ? fhx__reading_write(read, line) : read->put_row(read, line, &row);
}

/* Filters and hooks read compact lines; one that was too long for the buffer is made so for it
   alone. */
static bool judge_oversized(fhx__reading *read, const fhx__line *line, const int64_t *updated_us) {
  fhx__strip strip = {false, false};
  fhx__line compact = *line;
  char *text = fhx__alloc(line->len);
  if (text == NULL) return fhx__work_no_memory(read->work);
  compact.len = fhx__strip_piece(&strip, line->text, line->len, text);
  compact.text = text;
  bool going = judge_row(read, &compact, updated_us);
  fhx__free(text);
  return going;
}

/* Scans a row. What nobody has checked never decides whose it is, or what it refers to. */
static bool scan_row(fhx__reading *read, const unsigned char *data, size_t len, bool needs_check,
                     fhx__line *line) {
  const fhx__definition *definition = &read->work->job->definition;
  fhx__part_writer *writer = &read->out.writer;
  fhx_error *error = NULL;
  writer->trusts_source = !needs_check && (definition->flags & FHX_JOB_TRUST_SOURCE) != 0;
  return fhx__part_writer_scan(writer, data, len, line, &error) == FHX_OK ||
         fhx__work_fail(read->work, error);
}

/* Where a task has rows of many types, messages say which. */
static void name_row(fhx__reading *read, const char *type) {
  if (read->has_one_type) type = read->work->task->resource_type;
  memcpy(read->block->row_type, type, strlen(type) + 1);
}

/* Only checked lines are reduced: finding their members in others takes longer than the check. */
static bool may_reduce(fhx__reading *read) {
  return read->wish != NULL &&
         (read->takes_type != NULL || kept_of(read, read->query.resource_type) != NULL);
}

static bool read_row(fhx__reading *read, const unsigned char *data, size_t len,
                     const int64_t *updated_us) {
  const fhx_job *job = read->work->job;
  bool needs_line = read->takes_by_text || read->out.wanted != NULL ||
                    job->attachment_hook != NULL || may_reduce(read);
  bool needs_check = needs_line || read->takes_by_raw_text;
  /* A resource hook may look at what nobody has checked: that is what its host has promised. */
  needs_line = needs_line || job->resource_hook != NULL;
  fhx__line line;
  read->raw = data;
  read->raw_len = len;
  if (!scan_row(read, data, len, needs_check, &line)) return false;
  const fhx__facts *facts = &line.scan.facts;
  if (read->block != NULL) name_row(read, facts->resource_type);
  if (line.too_long) return report(read, &line, "is longer than resource_bytes_max", 0);
  if (line.scan.fault != FHX__FAULT_NONE) {
    return report(read, &line, fhx__fault_text(line.scan.fault), line.scan.offset);
  }
  if (!is_own_type(read, facts->resource_type)) {
    return !read->has_one_type || report(read, &line, "is of another type", 0);
  }
  if (!check_order(read, facts->id)) return false;
  return needs_line && line.len != line.scan.out_len ? judge_oversized(read, &line, updated_us)
                                                     : judge_row(read, &line, updated_us);
}

/* --- one reply --- */

/* Closes the open part and records it, with the place behind the last whole reply. */
static bool record(fhx__reading *read, bool done) {
  return fhx__output_close_part(&read->out) && fhx__output_checkpoint(&read->out, done);
}

/* Whether a part is open that may not be closed yet: it has not the minimum and can still get it.
 */
static bool is_short(const fhx__reading *read) {
  const fhx__definition *definition = &read->work->job->definition;
  const fhx_part *open = &read->out.writer.part;
  return read->out.writer.named && open->byte_count < definition->part_bytes_min &&
         (definition->part_count == 0 || open->resource_count < definition->part_count);
}

bool fhx__reading_is_full_to(const fhx__reading *read, uint64_t fourths) {
  const fhx__definition *definition = &read->work->job->definition;
  const fhx_part *open = &read->out.writer.part;
  if (!read->out.writer.named || is_short(read)) return false;
  return open->byte_count / fourths >= definition->part_bytes / 4 ||
         (definition->part_count != 0 &&
          open->resource_count / fourths >= (definition->part_count + 3) / 4);
}

/* Files roll between replies: before one that would make the part too long. A short one goes on
   into the reply. How long blocks will be is not known before they are written: they begin where
   half of a part is left. */
static bool roll_before(fhx__reading *read, const fhx__rows *rows) {
  const fhx__definition *definition = &read->work->job->definition;
  const fhx_part *open = &read->out.writer.part;
  if (!read->out.writer.named || is_short(read)) return true;
  if (read->block != NULL) return !fhx__reading_is_full_to(read, 2) || record(read, false);
  bool long_enough = open->byte_count + rows->len + rows->row_count > definition->part_bytes;
  bool full_enough = definition->part_count != 0 &&
                     open->resource_count + rows->row_count > definition->part_count;
  return !(long_enough || full_enough) || record(read, false);
}

bool fhx__reading_rows(fhx__reading *read, const fhx__rows *rows) {
  size_t begin = 0;
  for (uint64_t i = 0; i < rows->row_count; i++) {
    size_t end = rows->row_ends == NULL ? rows->len : (size_t)rows->row_ends[i];
    const int64_t *updated = rows->row_updated_us == NULL ? NULL : &rows->row_updated_us[i];
    if (!read_row(read, rows->data + begin, end - begin, updated)) return false;
    begin = end;
  }
  return true;
}

/* A token that has no room for the head is as good as none: the task cannot resume. */
static bool set_place(fhx__reading *read, const fhx__rows *rows) {
  char token[FHX_TOKEN_MAX];
  size_t head_len = strlen(read->token_head);
  if (head_len == 0) return fhx__output_set_token(&read->out, rows->token, rows->token_len);
  if (rows->token_len == 0 || rows->token_len > sizeof token - head_len) {
    return fhx__output_set_token(&read->out, NULL, 0);
  }
  memcpy(token, read->token_head, head_len);
  memcpy(token + head_len, rows->token, rows->token_len);
  return fhx__output_set_token(&read->out, token, head_len + rows->token_len);
}

/* Rows are taken whole or not at all: the place moves behind them only at the end. */
bool fhx__reading_take(fhx__reading *read, const fhx__rows *rows) {
  if (!roll_before(read, rows) || !fhx__reading_rows(read, rows)) return false;
  if (read->end_rows != NULL && !read->end_rows(read)) return false;
  if (!set_place(read, rows)) return false;
  memcpy(read->out.last_id, read->last_id, sizeof read->last_id);
  fhx__work_moved(read->work);
  fhx__output_show(&read->out);
  /* A part was closed within a reply: the reply's other rows are closed with it, and if they are
     too few, with those of the replies that follow. */
  if (read->out.parts.len != 0) return is_short(read) || record(read, false);
  return !fhx__output_place_is_due(&read->out) || fhx__output_checkpoint(&read->out, false);
}

/* --- a cursor --- */

/* Keeps what can be kept: with a token everything, without one nothing. A part that is too short
   is given up, with all since the last checkpoint: nobody could go on with it. */
bool fhx__reading_go_on(fhx__reading *read) {
  if (!fhx__work_keep(read->work)) return false;
  if (!atomic_load_explicit(&read->work->job->parked, memory_order_relaxed)) return true;
  if (read->out.has_token && !is_short(read) && !record(read, false)) return false;
  return fhx__work_stop(read->work, FHX__WORK_PARKED);
}

/* What a resumed attempt takes over from the last checkpoint. Who begins again has read nothing
   yet. */
static void take_over(fhx__reading *read) {
  const fhx_task_record *task = read->work->task;
  size_t len = strlen(task->last_id);
  read->has_one_type = (read->cursor.applied & FHX_APPLIED_TYPE) != 0;
  read->ascending = (read->cursor.applied & FHX_PROMISE_ASCENDING_IDS) != 0;
  if (len <= FHX__ID_MAX && task->token_len != 0) memcpy(read->last_id, task->last_id, len + 1);
  memcpy(read->out.last_id, read->last_id, sizeof read->last_id);
}

bool fhx__reading_open(fhx__reading *read, fhx__cursor_opener open) {
  fhx_error *error = NULL;
  if (open(read->work->job->source, &read->query, &read->cursor, &error) != FHX_OK) {
    return fhx__work_fail(read->work, error);
  }
  take_over(read);
  return true;
}

bool fhx__reading_cursor(fhx__reading *read) {
  fhx__work *work = read->work;
  while (fhx__reading_go_on(read)) {
    fhx_error *error = NULL;
    fhx__rows rows;
    int64_t wait_us = 0;
    int32_t status = fhx__source_next(&read->cursor, read->want_bytes, &rows, &wait_us, &error);
    if (status == FHX_END) return true;
    if (status < 0) return fhx__work_fail(work, error);
    bool going = status == FHX_WAIT
                     ? fhx__work_wait(work, wait_us, "the source had no rows to give")
                     : fhx__reading_take(read, &rows);
    if (!going) return false;
  }
  return false;
}

bool fhx__reading_finish(fhx__reading *read) {
  if (!record(read, true)) return false;
  fhx__work_stop(read->work, FHX__WORK_DONE);
  return true;
}

/* --- the beginning and the end --- */

static uint64_t wanted_bytes(uint64_t part_bytes) {
  uint64_t wanted = part_bytes / 8;
  if (wanted > WANT_BYTES_MAX) wanted = WANT_BYTES_MAX;
  return wanted < WANT_BYTES_MIN ? WANT_BYTES_MIN : wanted;
}

static bool load_roster(fhx__work *work) {
  fhx_error *error = NULL;
  int32_t status = fhx__roster_load(work->job, work, &error);
  if (status == FHX_WAIT) return false;
  return fhx__work_after_load(work, status, error);
}

bool fhx__reading_begin(fhx__reading *read, fhx__work *work) {
  const fhx_task_record *task = work->task;
  memset(read, 0, sizeof *read);
  read->work = work;
  read->asked_id = "";
  if (!fhx__output_init(&read->out, work) || !load_roster(work)) return false;
  fhx__job_query(work->job, task->resource_type, &read->query);
  read->query.page = &read->page;
  read->query.shard = task->shard;
  read->query.shard_len = task->shard_len;
  read->query.token = task->token;
  read->query.token_len = task->token_len;
  read->want_bytes = wanted_bytes(work->job->definition.part_bytes);
  read->wish = work->job->definition.filter->wish;
  read->out.writer.notes_keys = read->wish != NULL;
  if (!fhx__output_set_token(&read->out, task->token, task->token_len)) return false;
  read->out.has_moved = false;
  return true;
}

void fhx__reading_end(fhx__reading *read) {
  fhx__source_close(&read->cursor);
  fhx__buffer_free(&read->reduced);
  fhx__roster_page_free(&read->page);
  fhx__output_free(&read->out, read->work->end != FHX__WORK_STORE);
}
