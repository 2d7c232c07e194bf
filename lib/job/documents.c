/*
 * The phase of documents: Binaries whose content is a patient's own are exported as
 * DocumentReferences with an Attachment (Bulk Data IG; FILTER-12). One task reads all Binaries and
 * writes those of the patients that the export is about. A Binary has no tree built of it: its
 * strings are copied as they stand.
 */
#include <string.h>

#include "core/digest.h"
#include "core/error.h"
#include "job/reading.h"
#include "select/binary.h"

/* What is kept for the next document. */
#define KEPT_BYTES ((size_t)1 << 20)
#define ID_HEAD "binary-"

typedef struct documents {
  fhx__reading read;
  /* What the job exports. */
  fhx__selection main;
  /* The job's filter without its patients: a Binary is in no compartment that a source could select
     by. Nor has it its queries, which are for what is written. Where new members' data counts
     whatever its age, without the window's lower bound too. */
  fhx_filter open;
  /* Of the row that is looked at. */
  fhx__binary binary;
  char patient[FHX__ID_MAX + 1];
  fhx__buffer line;
} documents;

/* The reading is the first member of what the task knows. */
static documents *task_of(fhx__reading *read) {
  return (documents *)(void *)read;
}

/* --- which are exported --- */

static int32_t is_in_scope(const documents *at, bool *is_in, fhx_error **error) {
  *is_in = true;
  if (fhx__selection_scope(&at->main) != FHX_SCOPE_PATIENT_SET) return FHX_OK;
  return fhx__selection_has_patient(&at->main, at->patient, strlen(at->patient), is_in, error);
}

/* What is older than the window is exported only for new members. */
static int32_t is_new_enough(const documents *at, const fhx__row *row, bool *is_new,
                             fhx_error **error) {
  uint64_t position = 0;
  *is_new = true;
  if (at->main.new_members == NULL ||
      fhx__selection_in_window(&at->main, row->facts, row->updated_us)) {
    return FHX_OK;
  }
  int32_t status =
      fhx__roster_find(at->main.new_members, at->patient, strlen(at->patient), &position, error);
  *is_new = status == FHX_OK;
  return status == FHX_END ? FHX_OK : status;
}

static bool take_row(fhx__reading *read, const fhx__row *row, bool *takes) {
  documents *at = task_of(read);
  fhx_error *error = NULL;
  *takes = false;
  fhx__binary_read(row->text, row->len, &at->binary);
  if (!fhx__binary_patient(&at->binary, at->main.filter->base_url, at->patient)) return true;
  int32_t status = fhx__selection_takes(&read->query.selection, read->cursor.applied, row->facts,
                                        row->updated_us, row->text, row->len, takes, &error);
  if (status == FHX_OK && *takes) status = is_in_scope(at, takes, &error);
  if (status == FHX_OK && *takes) status = is_new_enough(at, row, takes, &error);
  return status == FHX_OK || fhx__work_fail(read->work, error);
}

/* A task of the main phase that reads all Binaries tells of bad ones. */
static bool report_row(fhx__reading *read, const char *id, bool *reports) {
  const documents *at = task_of(read);
  (void)id;
  *reports = fhx__selection_scope(&at->main) != FHX_SCOPE_ALL ||
             !fhx__filter_has_type(at->main.filter, "Binary");
  return true;
}

/* --- the document --- */

/* An id that is too long for the head becomes its digest with the head, which has 64 digits. */
static int32_t make_id(const char *binary_id, char id[FHX__ID_MAX + 1], fhx_error **error) {
  const size_t head_len = sizeof ID_HEAD - 1, len = strlen(binary_id);
  uint8_t sum[FHX__SHA256_LEN];
  fhx__sha256 digest = {NULL};
  if (head_len + len <= FHX__ID_MAX) {
    memcpy(id, ID_HEAD, head_len);
    memcpy(id + head_len, binary_id, len + 1);
    return FHX_OK;
  }
  int32_t status = fhx__sha256_begin(&digest, error);
  if (status == FHX_OK) status = fhx__sha256_update(&digest, ID_HEAD, head_len, error);
  if (status == FHX_OK) status = fhx__sha256_update(&digest, binary_id, len, error);
  if (status == FHX_OK) status = fhx__sha256_end(&digest, sum, error);
  fhx__sha256_free(&digest);
  if (status == FHX_OK) fhx__hex(id, sum, sizeof sum);
  return status;
}

/* Appends a raw text between two others, if it is there. */
static int32_t append_raw(fhx__buffer *line, const char *before, fhx__raw_string raw,
                          const char *after) {
  if (raw.text == NULL) return FHX_OK;
  int32_t status = fhx__buffer_append_text(line, before);
  if (status == FHX_OK) status = fhx__buffer_append(line, raw.text, raw.len);
  if (status == FHX_OK) status = fhx__buffer_append_text(line, after);
  return status;
}

/* Texts up to NULL. */
static int32_t append_all(fhx__buffer *line, const char *const *texts) {
  int32_t status = FHX_OK;
  for (; status == FHX_OK && *texts != NULL; texts++) {
    status = fhx__buffer_append_text(line, *texts);
  }
  return status;
}

/* The text may have white space. */
static int32_t append_labels(fhx__buffer *line, fhx__raw_string labels) {
  fhx__strip strip = {false, false};
  if (fhx__buffer_reserve(line, labels.len) != FHX_OK) return FHX_ERR_NO_MEMORY;
  line->len += fhx__strip_piece(&strip, labels.text, labels.len, line->data + line->len);
  return FHX_OK;
}

/* Labels say how confidential the content is: they go with it. */
static int32_t append_meta(fhx__buffer *line, const fhx__binary *binary, bool has_updated) {
  bool has_labels = binary->security_labels.text != NULL;
  if (!has_updated && !has_labels) return FHX_OK;
  int32_t status = fhx__buffer_append_text(line, ",\"meta\":{");
  if (status == FHX_OK && has_updated) {
    status = append_raw(line, "\"lastUpdated\":\"", binary->last_updated, "\"");
  }
  if (status == FHX_OK && has_labels) {
    status = fhx__buffer_append_text(line, has_updated ? ",\"security\":" : "\"security\":");
    if (status == FHX_OK) status = append_labels(line, binary->security_labels);
  }
  return status == FHX_OK ? fhx__buffer_append_text(line, "}") : status;
}

/* contentType is mandatory in a Binary; one without it has bytes of no known kind. */
static int32_t append_attachment(fhx__buffer *line, const fhx__binary *binary) {
  static const char unknown[] = "application/octet-stream";
  fhx__raw_string type = binary->content_type;
  if (type.text == NULL) type = (fhx__raw_string){unknown, sizeof unknown - 1, false};
  int32_t status = append_raw(line, "{\"contentType\":\"", type, "\"");
  if (status == FHX_OK) status = append_raw(line, ",\"data\":\"", binary->data, "\"");
  return status == FHX_OK ? fhx__buffer_append_text(line, "}") : status;
}

static int32_t make_document(documents *at, const fhx__facts *facts, const char *id) {
  fhx__buffer *line = &at->line;
  const char *const head[] = {"{\"resourceType\":\"DocumentReference\",\"id\":\"", id, "\"", NULL};
  const char *const middle[] = {",\"status\":\"current\",\"subject\":{\"reference\":\"Patient/",
                                at->patient, "\"},\"content\":[{\"attachment\":", NULL};
  line->len = 0;
  /* At once, or a long one would be moved again and again. */
  int32_t status = fhx__buffer_reserve(line, at->binary.data.len + 1024);
  if (status == FHX_OK) status = append_all(line, head);
  if (status == FHX_OK) status = append_meta(line, &at->binary, facts->has_updated);
  if (status == FHX_OK) status = append_all(line, middle);
  if (status == FHX_OK) status = append_attachment(line, &at->binary);
  return status == FHX_OK ? fhx__buffer_append_text(line, "}]}") : status;
}

/* The document goes the way of every row: through the scanner and the hooks. */
static bool write_document(documents *at, const char *binary_id) {
  fhx__reading *read = &at->read;
  fhx_error *error = NULL;
  fhx__line line;
  bool meets = false;
  read->out.writer.trusts_source = false;
  if (fhx__part_writer_scan(&read->out.writer, at->line.data, at->line.len, &line, &error) !=
      FHX_OK) {
    return fhx__work_fail(read->work, error);
  }
  if (line.too_long) {
    return fhx__output_refuse(&read->out, "Binary", binary_id,
                              "as a DocumentReference it is longer than resource_bytes_max");
  }
  if (line.scan.fault != FHX__FAULT_NONE) {
    return fhx__output_bad_row(&read->out, binary_id, fhx__fault_text(line.scan.fault),
                               line.scan.offset);
  }
  /* The queries are those of its own type, which is not the Binary's. */
  if (fhx__filter_meets_queries(at->main.filter, &line.scan.facts, line.text, line.len, &meets,
                                &error) != FHX_OK) {
    return fhx__work_fail(read->work, error);
  }
  return !meets || fhx__reading_write(read, &line);
}

static bool put_row(fhx__reading *read, const fhx__line *line, const fhx__row *row) {
  documents *at = task_of(read);
  char id[FHX__ID_MAX + 1];
  fhx_error *error = NULL;
  (void)line;
  if (make_id(row->facts->id, id, &error) != FHX_OK) return fhx__work_fail(read->work, error);
  if (make_document(at, row->facts, id) != FHX_OK) return fhx__work_no_memory(read->work);
  bool going = write_document(at, row->facts->id);
  if (at->line.capacity > KEPT_BYTES) fhx__buffer_free(&at->line);
  return going;
}

/* --- the task --- */

static void set_up(documents *at) {
  fhx__reading *read = &at->read;
  at->main = read->query.selection;
  at->open = *at->main.filter;
  fhx__filter_drop_patients(&at->open);
  if (at->main.new_members != NULL) at->open.has_since = false;
  fhx__filter_drop_queries(&at->open);
  read->query.selection = (fhx__selection){&at->open, NULL, NULL};
  read->query.resource_type = "Binary";
  read->out.row_type = "Binary";
  read->take_row = take_row;
  read->put_row = put_row;
  read->report_row = report_row;
  read->takes_by_raw_text = true;
  /* Nobody knows whose a bad Binary is. */
  read->hides_ids = fhx__selection_scope(&at->main) != FHX_SCOPE_ALL;
}

void fhx__work_documents(fhx__work *work) {
  documents at;
  memset(&at, 0, sizeof at);
  if (fhx__reading_begin(&at.read, work)) {
    set_up(&at);
    if (fhx__reading_open(&at.read, fhx__source_open) && fhx__reading_cursor(&at.read)) {
      fhx__reading_finish(&at.read);
    }
  }
  fhx__buffer_free(&at.line);
  fhx__reading_end(&at.read);
}
