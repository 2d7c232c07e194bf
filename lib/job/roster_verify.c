/* Which members exist: one cursor over the Patients of the set, of whose rows only the facts are
   looked at, and one bit for each member. */
#include <stdio.h>
#include <string.h>

#include "core/alloc.h"
#include "core/error.h"
#include "job/member_walk.h"
#include "job/roster_parts.h"
#include "ndjson/scan.h"

#define WANT_BYTES (UINT64_C(1) << 20)
#define PAGE_IDS 256

typedef struct verification {
  fhx__work *work;
  fhx__roster_lines *lines;
  fhx__roster *roster;
  unsigned char *seen;
  uint64_t unseen;
  fhx__roster_page page;
  fhx__member_run missing;
} verification;

/* --- who is there --- */

static bool mark(verification *check, const char *id) {
  fhx_error *error = NULL;
  uint64_t position = 0;
  int32_t status = fhx__roster_find(check->roster, id, strlen(id), &position, &error);
  if (status == FHX_END) return true;
  if (status != FHX_OK) return fhx__work_fail(check->work, error);
  unsigned char bit = (unsigned char)(1u << (position % 8));
  if ((check->seen[position / 8] & bit) == 0) check->unseen--;
  check->seen[position / 8] |= bit;
  return true;
}

/* A row that is bad but says who it is exists: it is the main phase that reports it. */
static bool mark_row(verification *check, const void *data, size_t len) {
  fhx__scan scan;
  fhx__scan_resource(data, len, NULL, check->work->job->definition.depth_max, &scan);
  const char *type = scan.facts.resource_type;
  if (*type != '\0' && strcmp(type, "Patient") != 0) return true;
  return *scan.facts.id == '\0' || mark(check, scan.facts.id);
}

static bool mark_rows(verification *check, const fhx__rows *rows) {
  size_t begin = 0;
  for (uint64_t i = 0; i < rows->row_count; i++) {
    size_t end = rows->row_ends == NULL ? rows->len : (size_t)rows->row_ends[i];
    if (!mark_row(check, rows->data + begin, end - begin)) return false;
    begin = end;
  }
  fhx__work_moved(check->work);
  return true;
}

static bool read_rows(verification *check, fhx__cursor *cursor) {
  fhx__work *work = check->work;
  while (check->unseen != 0) {
    fhx_error *error = NULL;
    fhx__rows rows;
    int64_t wait_us = 0;
    if (!fhx__work_go_on(work)) return false;
    int32_t status = fhx__source_next(cursor, WANT_BYTES, &rows, &wait_us, &error);
    if (status == FHX_END) return true;
    if (status < 0) return fhx__work_fail(work, error);
    bool going = status == FHX_WAIT
                     ? fhx__work_wait(work, wait_us, "the source had no rows to give")
                     : mark_rows(check, &rows);
    if (!going) return false;
  }
  return true;
}

/* Without a window: who has not changed since is a member all the same (FILTER-06). */
static bool read_patients(verification *check) {
  fhx_query query;
  fhx__cursor cursor;
  fhx_error *error = NULL;
  fhx__plain_query(check->work->job->record, "Patient", &query);
  query.selection.members = check->roster;
  query.page = &check->page;
  if (fhx__source_open(check->work->job->source, &query, &cursor, &error) != FHX_OK) {
    return fhx__work_fail(check->work, error);
  }
  bool going = read_rows(check, &cursor);
  fhx__source_close(&cursor);
  return going;
}

/* --- who is not --- */

static bool note_missing(verification *check, const char *id) {
  char text[256];
  fhx_error *error = NULL;
  snprintf(text, sizeof text, "Patient/%s is a member of Group/%s and does not exist", id,
           check->work->job->definition.filter->group_id);
  int32_t status = fhx__member_run_add(&check->missing, id, &error);
  if (status == FHX_OK) status = fhx__roster_warn(check->lines, "not-found", text, &error);
  if (status != FHX_OK) return fhx__work_fail(check->work, error);
  if (fhx__member_run_size(&check->missing) < FHX__MEMBER_RUNS_MAX) return true;
  return fhx__member_run_store(&check->missing);
}

static bool note_page(verification *check, uint64_t first, const char *const *ids, uint64_t count) {
  for (uint64_t i = 0; i < count; i++) {
    uint64_t position = first + i;
    bool seen = (check->seen[position / 8] >> (position % 8) & 1) != 0;
    if (!seen && !note_missing(check, ids[i])) return false;
  }
  return true;
}

static bool note_all_missing(verification *check) {
  const char *ids[PAGE_IDS];
  uint64_t count = 0;
  for (uint64_t first = 0; check->unseen != 0; first += count) {
    fhx_error *error = NULL;
    if (fhx__roster_read(check->roster, first, PAGE_IDS, &check->page, ids, &count, &error) !=
        FHX_OK) {
      return fhx__work_fail(check->work, error);
    }
    if (count == 0) break;
    if (!fhx__work_go_on(check->work) || !note_page(check, first, ids, count)) return false;
  }
  return fhx__member_run_store(&check->missing);
}

static bool verify(verification *check) {
  check->unseen = fhx__roster_count(check->roster);
  if (check->unseen == 0) return true;
  check->seen = fhx__alloc_zeroed((size_t)((check->unseen + 7) / 8), 1);
  if (check->seen == NULL) return fhx__work_no_memory(check->work);
  return read_patients(check) && note_all_missing(check);
}

bool fhx__roster_verify(fhx__work *work, fhx__roster_lines *lines) {
  fhx_error *error = NULL;
  verification check = {
      .work = work,
      .lines = lines,
      .missing = {.work = work, .between_steps = fhx__work_go_on, .list = FHX_MEMBERS_MISSING}};
  int32_t status = fhx__roster_candidates(work->job, work, &check.roster, &error);
  if (status == FHX_WAIT) return false;
  if (!fhx__work_after_load(work, status, error)) return false;
  bool going = verify(&check);
  fhx__member_run_free(&check.missing);
  fhx__roster_page_free(&check.page);
  fhx__free(check.seen);
  fhx__roster_free(check.roster);
  return going;
}
