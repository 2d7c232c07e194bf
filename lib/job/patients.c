/*
 * The main phase of an export that is organised by patients (FILE-17): a cursor over Patients, and
 * for each of them a cursor over his compartment, whose rows become one block.
 *
 * The Patients are asked for without the window: who has not changed is still whose data is wanted
 * (FILTER-06). The window, and `_type`, then leave out the line of the Patient alone.
 *
 * A place in the source lies between two replies of the first cursor, and so between two blocks:
 * all of a reply's blocks are recorded together, a part that continues with its continuation.
 * Counting patients within a reply would make places finer, but no source promises the same reply
 * twice. Instead replies are asked to be small, so that little is done twice, and parts seldom have
 * to end within one.
 */
#include <stdio.h>
#include <string.h>

#include "core/digest.h"
#include "core/error.h"
#include "job/reading.h"

/* A few patients: what they bring is much more. */
#define WANT_PATIENT_BYTES (UINT64_C(4) << 10)

typedef struct patients {
  fhx__reading read;
  fhx__block block;
  /* The job's filter without its window and its queries: a block may lack its Patient. */
  fhx_filter open;
  /* What is exported of one patient: the job's filter, with him alone. */
  fhx_filter own;
  char id[FHX__ID_MAX + 1];
  char *ids[1];
  fhx_query query;
  fhx__roster_page page;
  uint64_t want_bytes;
  /* The rows are those of his compartment. */
  bool in_block;
  /* Bad rows that were told, by length and digest: a source that selects little delivers them again
     with every patient. */
  uint64_t told[FHX__ERROR_LINES_MAX];
  size_t told_count;
} patients;

/* The reading is the first member of what the task knows. */
static patients *task_of(fhx__reading *read) {
  return (patients *)(void *)read;
}

/* --- rows of both cursors --- */

static bool takes_type(fhx__reading *read, const char *type) {
  const patients *at = task_of(read);
  bool is_patient = strcmp(type, "Patient") == 0;
  return at->in_block ? !is_patient && fhx__filter_has_type(&at->own, type) : is_patient;
}

static bool take_row(fhx__reading *read, const fhx__row *row, bool *takes) {
  const patients *at = task_of(read);
  const fhx__selection *selection = at->in_block ? &at->query.selection : &read->query.selection;
  fhx_error *error = NULL;
  int32_t status = fhx__selection_takes(selection, read->cursor.applied, row->facts,
                                        row->updated_us, row->text, row->len, takes, &error);
  return status == FHX_OK || fhx__work_fail(read->work, error);
}

/* Each bad row once, as far as they are remembered. Without its Patient there is no block. */
static bool report_row(fhx__reading *read, const char *id, bool *reports) {
  patients *at = task_of(read);
  uint64_t mark = (uint64_t)read->raw_len << 32 | fhx__crc32c(0, read->raw, read->raw_len);
  (void)id;
  read->out.refuses_block = !at->in_block && strcmp(at->block.row_type, "Patient") == 0;
  for (size_t i = 0; i < at->told_count; i++) {
    if (at->told[i] == mark) *reports = false;
  }
  if (*reports && at->told_count < FHX__ERROR_LINES_MAX) at->told[at->told_count++] = mark;
  return true;
}

/* --- a block --- */

/* Inside a block nothing can be kept: a parked task does it again. */
static bool read_compartment(patients *at) {
  fhx__reading *read = &at->read;
  fhx__work *work = read->work;
  while (fhx__work_go_on(work)) {
    fhx_error *error = NULL;
    fhx__rows rows;
    int64_t wait_us = 0;
    int32_t status = fhx__source_next(&read->cursor, at->want_bytes, &rows, &wait_us, &error);
    if (status == FHX_END) return true;
    if (status < 0) return fhx__work_fail(work, error);
    if (status == FHX_WAIT) {
      if (!fhx__work_wait(work, wait_us, "the source had no rows to give")) return false;
      continue;
    }
    if (!fhx__reading_rows(read, &rows)) return false;
    fhx__work_moved(work);
    fhx__output_show(&read->out);
  }
  return false;
}

/* Lets the reading read another cursor, and then goes on with the one over Patients. */
static bool with_compartment(patients *at, fhx__cursor compartment) {
  fhx__reading *read = &at->read;
  const fhx__cursor cursor = read->cursor;
  const bool takes_by_text = read->takes_by_text, has_one_type = read->has_one_type,
             ascending = read->ascending;
  read->cursor = compartment;
  read->takes_by_text = fhx__selection_reads_line(&at->query.selection, NULL, read->cursor.applied);
  read->has_one_type = false;
  read->ascending = false;
  at->in_block = true;
  bool going = read_compartment(at);
  at->in_block = false;
  fhx__source_close(&read->cursor);
  read->cursor = cursor;
  read->takes_by_text = takes_by_text;
  read->has_one_type = has_one_type;
  read->ascending = ascending;
  return going;
}

/* The header is written with the first line: a block without any is none. */
static bool begin_block(patients *at, const char *id) {
  fhx__block *block = &at->block;
  int len = snprintf(block->header, sizeof block->header,
                     "{\"resourceType\":\"Parameters\",\"parameter\":[{\"name\":\"header\","
                     "\"valueReference\":{\"reference\":\"Patient/%s\"}}]}",
                     id);
  memcpy(at->id, id, strlen(id) + 1);
  block->header_len = (size_t)len;
  block->begun = false;
  at->read.out.refuses_block = false;
  /* Behind a part that ends here, all that follows in this reply is closed at its end: that is
     worth it only where a block would hardly find room. */
  return !fhx__reading_is_full_to(&at->read, 3) || fhx__output_close_part(&at->read.out);
}

/* Whether the Patient himself is among what is exported of him. */
static bool takes_patient(patients *at, const fhx__row *row, bool *takes) {
  fhx_error *error = NULL;
  *takes = false;
  if (!fhx__filter_has_type(&at->own, "Patient")) return true;
  int32_t status = fhx__selection_takes(&at->query.selection, FHX_APPLIED_PATIENTS, row->facts,
                                        row->updated_us, row->text, row->len, takes, &error);
  return status == FHX_OK || fhx__work_fail(at->read.work, error);
}

/* A Patient gives his block, and each row of that its line. */
static bool put_row(fhx__reading *read, const fhx__line *line, const fhx__row *row) {
  patients *at = task_of(read);
  fhx__cursor compartment;
  fhx_error *error = NULL;
  bool takes = false;
  if (at->in_block) return fhx__reading_write(read, line);
  if (!begin_block(at, row->facts->id) || !takes_patient(at, row, &takes)) return false;
  if (takes && !fhx__reading_write(read, line)) return false;
  if (fhx__source_open_patient(read->work->job->source, &at->query, at->id, &compartment, &error) !=
      FHX_OK) {
    return fhx__work_fail(read->work, error);
  }
  return with_compartment(at, compartment);
}

/* --- the task --- */

static void set_up(patients *at) {
  fhx__reading *read = &at->read;
  const fhx__selection whole = read->query.selection;
  at->open = *whole.filter;
  fhx__filter_drop_window(&at->open);
  fhx__filter_drop_queries(&at->open);
  read->query.selection = (fhx__selection){&at->open, whole.members, NULL};
  at->own = *whole.filter;
  at->own.group_id = NULL;
  at->ids[0] = at->id;
  at->own.patients = at->ids;
  at->own.patient_count = 1;
  at->query = read->query;
  at->query.resource_type = "";
  at->query.shard = at->query.token = NULL;
  at->query.shard_len = at->query.token_len = 0;
  at->query.page = &at->page;
  at->query.selection = (fhx__selection){&at->own, NULL, whole.new_members};
  at->want_bytes = read->want_bytes;
  read->want_bytes = WANT_PATIENT_BYTES;
  read->out.resource_type = "";
  read->out.row_type = at->block.row_type;
  read->block = &at->block;
  read->takes_type = takes_type;
  read->take_row = take_row;
  read->report_row = report_row;
  read->put_row = put_row;
  read->reports_unknown = true;
}

void fhx__work_patients(fhx__work *work) {
  patients at;
  memset(&at, 0, sizeof at);
  if (fhx__reading_begin(&at.read, work)) {
    set_up(&at);
    if (fhx__reading_open(&at.read, fhx__source_open)) {
      at.read.takes_by_text =
          fhx__selection_reads_line(&at.read.query.selection, "Patient", at.read.cursor.applied) ||
          fhx__selection_reads_line(&at.query.selection, "Patient", FHX_APPLIED_PATIENTS);
      if (fhx__reading_cursor(&at.read)) fhx__reading_finish(&at.read);
    }
  }
  fhx__roster_page_free(&at.page);
  fhx__reading_end(&at.read);
}
