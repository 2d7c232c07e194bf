/* The main phase: one task's rows, those that the job's selection takes. */
#include <string.h>

#include "core/error.h"
#include "job/provenance.h"
#include "job/reading.h"
#include "select/binary.h"

static bool take_row(fhx__reading *read, const fhx__row *row, bool *takes) {
  fhx_error *error = NULL;
  *takes = false;
  /* FILTER-12: it goes as a DocumentReference, or not at all. */
  if (fhx__is_patients_binary(row->facts->resource_type, row->text, row->len,
                              read->query.selection.filter->base_url)) {
    return true;
  }
  int32_t status = fhx__selection_takes(&read->query.selection, read->cursor.applied, row->facts,
                                        row->updated_us, row->text, row->len, takes, &error);
  return status == FHX_OK || fhx__work_fail(read->work, error);
}

/* Whether the task's type is the first that has tasks in the main phase: in an export that is
   limited to patients, the first that can be theirs. */
static bool is_first_type(const fhx__work *work) {
  const fhx_filter *filter = work->job->definition.filter;
  const fhx__selection selection = {filter, NULL, NULL};
  bool by_patients = fhx__selection_scope(&selection) != FHX_SCOPE_ALL;
  size_t i = 0;
  while (by_patients && i < filter->type_count && !fhx__is_of_patients(filter, filter->types[i])) {
    i++;
  }
  return i < filter->type_count && strcmp(filter->types[i], work->task->resource_type) == 0;
}

static bool open_notes(fhx__reading *read) {
  fhx_error *error = NULL;
  if (fhx__wanted_new(read->work->job, &read->out.wanted, &error) == FHX_OK) return true;
  return fhx__work_fail(read->work, error);
}

void fhx__work_main(fhx__work *work) {
  fhx__reading read;
  if (fhx__provenance_judges(work->job, work->task->resource_type)) {
    fhx__work_provenance(work, is_first_type(work));
    return;
  }
  if (fhx__reading_begin(&read, work) && open_notes(&read) &&
      fhx__reading_open(&read, fhx__source_open)) {
    read.take_row = take_row;
    read.takes_by_text = fhx__selection_reads_line(&read.query.selection, work->task->resource_type,
                                                   read.cursor.applied);
    read.takes_by_raw_text = strcmp(work->task->resource_type, "Binary") == 0;
    read.reports_unknown = is_first_type(work);
    if (fhx__reading_cursor(&read)) fhx__reading_finish(&read);
  }
  fhx__reading_end(&read);
}
