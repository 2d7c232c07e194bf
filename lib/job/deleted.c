/*
 * The phase of deletions (MAN-13, MAN-14): one task for each type, which reads what the source says
 * was deleted since the export's `_since` and writes Bundles of DELETE requests.
 *
 * A row is the last version of what was deleted. Whose it was is decided by its text, as of a live
 * resource; when it was deleted only by the row's own stamp, since meta.lastUpdated is that of the
 * version. What is there again is left out: it is in the output (FILTER-24). Nothing but types and
 * ids is written.
 */
#include <string.h>

#include "core/error.h"
#include "job/reading.h"
#include "job/roster_parts.h"

/* So many entries make a Bundle; the last of a reply has fewer, for the place behind a reply may
   only be recorded when all of it is written. */
#define ENTRIES_MAX 100
/* Rows may be as short as an id, and each may be looked up: replies are kept small. */
#define WANT_BYTES (UINT64_C(256) << 10)

static const char bundle_begin[] =
    "{\"resourceType\":\"Bundle\",\"type\":\"transaction\",\"entry\":[";
static const char bundle_end[] = "]}";
static const char entry_begin[] = "{\"request\":{\"method\":\"DELETE\",\"url\":\"";
static const char entry_end[] = "\"}}";

typedef struct deleted {
  fhx__reading read;
  /* The open Bundle without its end. */
  fhx__buffer bundle;
  uint32_t entry_count;
  /* The Group's members with those that are gone themselves; NULL where none is. */
  fhx__roster *named;
  /* The job's filter without its queries: what is gone cannot be judged by its content. */
  fhx_filter open;
} deleted;

/* The reading is the first member of what the task knows. */
static deleted *task_of(fhx__reading *read) {
  return (deleted *)(void *)read;
}

/* --- which deletions are told --- */

static bool in_window(const fhx__reading *read, const int64_t *deleted_us) {
  const uint32_t applied = read->cursor.applied;
  fhx_filter window = *read->query.selection.filter;
  const fhx__selection selection = {&window, NULL, NULL};
  const fhx__facts undated = {"", "", false, {0, 0}};
  if ((applied & FHX_APPLIED_SINCE) != 0) window.has_since = false;
  if ((applied & FHX_APPLIED_UNTIL) != 0) window.has_until = false;
  /* What was deleted later may be in the output already. */
  if (deleted_us != NULL && *deleted_us > read->query.as_of_us) return false;
  return fhx__selection_in_window(&selection, &undated, deleted_us);
}

/* The window has been looked at. A row of nothing but type and id is in nobody's compartment, a
   Patient's own apart. */
static bool in_scope(fhx__reading *read, const fhx__row *row, bool *found) {
  const uint32_t applied = read->cursor.applied | FHX_APPLIED_SINCE | FHX_APPLIED_UNTIL;
  fhx_error *error = NULL;
  int32_t status = fhx__selection_takes(&read->query.selection, applied, row->facts, NULL,
                                        row->text, row->len, found, &error);
  return status == FHX_OK || fhx__work_fail(read->work, error);
}

/* Whether the resource is there again, or may be and is not this client's to know; where the source
   cannot read it, its own word counts. */
static bool is_gone(fhx__reading *read, const fhx__row *row, bool *gone) {
  char reference[FHX__TYPE_MAX + FHX__ID_MAX + 2];
  fhx__work *work = read->work;
  fhx_reply answer;
  fhx_error *error = NULL;
  *gone = true;
  if (!fhx__source_reads_resources(work->job->source)) return true;
  const size_t type_len = strlen(row->facts->resource_type);
  memcpy(reference, row->facts->resource_type, type_len);
  reference[type_len] = '/';
  memcpy(reference + type_len + 1, row->facts->id, strlen(row->facts->id) + 1);
  int32_t status =
      fhx__source_read_resource(work->job->source, &read->query, reference, &answer, &error);
  fhx__reply_end(&answer);
  fhx__work_moved(work);
  *gone = status == FHX_ERR_NOT_FOUND || status == FHX_ERR_UNSUPPORTED;
  if (status != FHX_OK && status != FHX_ERR_DENIED && !*gone) return fhx__work_fail(work, error);
  fhx_error_free(error);
  /* There may be as many of these as rows in a reply. */
  return fhx__work_keep(work);
}

static bool take_row(fhx__reading *read, const fhx__row *row, bool *takes) {
  const bool is_dated = row->updated_us != NULL || (read->cursor.applied & FHX_APPLIED_SINCE) != 0;
  *takes = false;
  if (!in_window(read, row->updated_us)) return true;
  if (!in_scope(read, row, takes)) return false;
  if (!*takes) return true;
  if (!is_dated) {
    *takes = false;
    return fhx__output_bad_row(&read->out, row->facts->id, "has no time of its deletion", 0);
  }
  return is_gone(read, row, takes);
}

/* --- Bundles --- */

static bool make_room(fhx__reading *read, size_t len) {
  const fhx__definition *definition = &read->work->job->definition;
  const fhx_part *open = &read->out.writer.part;
  if (!read->out.writer.named) return true;
  bool full = open->byte_count + len + 1 > definition->part_bytes ||
              (definition->part_count != 0 && open->resource_count >= definition->part_count);
  return !full || fhx__output_close_part(&read->out);
}

/* Writes the open Bundle, if there is one. */
static bool end_bundle(fhx__reading *read) {
  deleted *at = task_of(read);
  fhx_error *error = NULL;
  if (at->entry_count == 0) return true;
  if (fhx__buffer_append_text(&at->bundle, bundle_end) != FHX_OK) {
    return fhx__work_no_memory(read->work);
  }
  if (!make_room(read, at->bundle.len)) return false;
  fhx__output_begin_part(&read->out);
  if (fhx__part_writer_add(&read->out.writer, at->bundle.data, at->bundle.len, &error) != FHX_OK) {
    return fhx__work_fail(read->work, error);
  }
  at->entry_count = 0;
  return true;
}

/* Neither a type nor an id has a character that JSON would escape. */
static int32_t add_entry(deleted *at, const fhx__facts *facts) {
  fhx__buffer *bundle = &at->bundle;
  int32_t status = FHX_OK;
  if (at->entry_count == 0) {
    bundle->len = 0;
    status = fhx__buffer_append_text(bundle, bundle_begin);
  } else {
    status = fhx__buffer_append_text(bundle, ",");
  }
  if (status == FHX_OK) status = fhx__buffer_append_text(bundle, entry_begin);
  if (status == FHX_OK) status = fhx__buffer_append_text(bundle, facts->resource_type);
  if (status == FHX_OK) status = fhx__buffer_append_text(bundle, "/");
  if (status == FHX_OK) status = fhx__buffer_append_text(bundle, facts->id);
  if (status == FHX_OK) status = fhx__buffer_append_text(bundle, entry_end);
  at->entry_count++;
  return status;
}

static bool put_row(fhx__reading *read, const fhx__line *line, const fhx__row *row) {
  deleted *at = task_of(read);
  (void)line;
  if (add_entry(at, row->facts) != FHX_OK) return fhx__work_no_memory(read->work);
  return at->entry_count < ENTRIES_MAX || end_bundle(read);
}

/* --- the task --- */

/* A member that does not exist any more is not exported, but what was deleted with him is told. */
static bool load_members(fhx__reading *read) {
  deleted *at = task_of(read);
  fhx__work *work = read->work;
  fhx_error *error = NULL;
  fhx_reply missing;
  if (read->query.selection.members == NULL) return true;
  int32_t status = fhx__step_list_members(work->job, FHX_MEMBERS_MISSING, "", 1, &missing, &error);
  const bool is_any = status == FHX_OK && fhx__reply_item_count(&missing) != 0;
  fhx__reply_end(&missing);
  if (!fhx__work_after_step(work, status, error)) return false;
  if (!is_any) return true;
  error = NULL;
  status = fhx__roster_candidates(work->job, work, &at->named, &error);
  if (status == FHX_WAIT || !fhx__work_after_load(work, status, error)) return false;
  read->query.selection.members = at->named;
  return true;
}

static bool has_nobody(const fhx__reading *read) {
  const fhx__roster *members = read->query.selection.members;
  return members != NULL && fhx__roster_count(members) == 0;
}

static bool read_deleted(fhx__reading *read) {
  if (has_nobody(read)) return true;
  if (!fhx__reading_open(read, fhx__source_open_deleted)) return false;
  read->takes_by_text =
      fhx__selection_reads_line(&read->query.selection, NULL, read->cursor.applied);
  return fhx__reading_cursor(read);
}

static void set_up(fhx__reading *read) {
  deleted *at = task_of(read);
  at->open = *read->query.selection.filter;
  fhx__filter_drop_queries(&at->open);
  read->query.selection.filter = &at->open;
  read->out.kind = FHX_PART_DELETED;
  read->out.resource_type = "Bundle";
  /* Who has joined a Group lately has nothing yet that could be deleted. */
  read->query.selection.new_members = NULL;
  if (read->want_bytes > WANT_BYTES) read->want_bytes = WANT_BYTES;
  read->take_row = take_row;
  read->put_row = put_row;
  read->end_rows = end_bundle;
  /* Shards are counted over the deletions of all types. */
  read->reports_unknown = read->work->task->shard_index == 0;
}

void fhx__work_deleted(fhx__work *work) {
  deleted at;
  memset(&at, 0, sizeof at);
  if (fhx__reading_begin(&at.read, work)) {
    set_up(&at.read);
    if (load_members(&at.read) && read_deleted(&at.read)) fhx__reading_finish(&at.read);
  }
  fhx__reading_end(&at.read);
  fhx__buffer_free(&at.bundle);
  fhx__roster_free(at.named);
}
