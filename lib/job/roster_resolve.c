/* The Group's members into the store's lists, and what is to be said of some of them. */
#include <stdio.h>
#include <string.h>

#include "core/error.h"
#include "core/outcome.h"
#include "job/member_walk.h"
#include "job/output.h"
#include "job/roster_parts.h"

typedef struct resolution {
  fhx__work *work;
  const fhx_filter *filter;
  fhx__roster_lines *lines;
  fhx__member_run patients;
  fhx__member_run new_patients;
  fhx__member_run wanted;
} resolution;

/* --- lines --- */

static int32_t add_line(fhx__roster_lines *lines, const char *code, const char *text,
                        fhx_error **error) {
  int32_t status = fhx__outcome_append(&lines->lines, "warning", code, text);
  uint64_t end = lines->lines.len;
  if (status == FHX_OK) status = fhx__buffer_append(&lines->line_ends, &end, sizeof end);
  return status == FHX_OK ? FHX_OK : fhx__no_memory(error);
}

int32_t fhx__roster_warn(fhx__roster_lines *lines, const char *code, const char *text,
                         fhx_error **error) {
  if (++lines->count > FHX__ERROR_LINES_MAX) return FHX_OK;
  return add_line(lines, code, text, error);
}

static bool add_last_line(const resolution *to) {
  char text[256];
  fhx_error *error = NULL;
  if (to->lines->count <= FHX__ERROR_LINES_MAX) return true;
  snprintf(text, sizeof text, "%llu more warnings about the members of Group/%s",
           (unsigned long long)(to->lines->count - FHX__ERROR_LINES_MAX), to->filter->group_id);
  return add_line(to->lines, "informational", text, &error) == FHX_OK ||
         fhx__work_fail(to->work, error);
}

/* A line names a member by its place, as FHIRPath does, and has nothing of its content. */
static int32_t warn_of_member(const resolution *to, const char *group_id, size_t position,
                              const char *code, const char *what, fhx_error **error) {
  char text[256];
  snprintf(text, sizeof text, "member[%zu] of Group/%s %s", position, group_id, what);
  return fhx__roster_warn(to->lines, code, text, error);
}

static int32_t warn_of_absent(const resolution *to, const char *group_id, fhx_error **error) {
  char text[256];
  snprintf(text, sizeof text, "Group/%s is nested in Group/%s and does not exist", group_id,
           to->filter->group_id);
  return fhx__roster_warn(to->lines, "not-found", text, error);
}

/* --- members --- */

static bool is_new(const resolution *to, const fhx__member *member) {
  return (to->work->job->definition.flags & FHX_JOB_NEW_MEMBERS) != 0 && to->filter->has_since &&
         member->joined_us != FHX_TIME_NONE && member->joined_us > to->filter->since.us;
}

static int32_t add_patient(resolution *to, const fhx__member *member, fhx_error **error) {
  const char *id = member->id;
  if (to->filter->patient_count != 0 && !fhx__filter_has_patient(to->filter, id, strlen(id))) {
    return FHX_OK;
  }
  int32_t status = fhx__member_run_add(&to->patients, id, error);
  if (status != FHX_OK || !is_new(to, member)) return status;
  return fhx__member_run_add(&to->new_patients, id, error);
}

/* Exported as itself (FILTER-37), but not where only some patients are asked for. */
static int32_t add_other(resolution *to, const fhx__member *member, fhx_error **error) {
  char text[FHX__MEMBER_TEXT_MAX + 1];
  if (to->filter->patient_count != 0 || !fhx__filter_has_type(to->filter, member->type))
    return FHX_OK;
  snprintf(text, sizeof text, "%s/%s", member->type, member->id);
  return fhx__member_run_add(&to->wanted, text, error);
}

static int32_t add_reference(resolution *to, const fhx__member *member, fhx_error **error) {
  if (strcmp(member->type, "Group") == 0) return FHX_OK;
  if (strcmp(member->type, "Patient") == 0) return add_patient(to, member, error);
  return add_other(to, member, error);
}

static int32_t add_member(resolution *to, const char *group_id, size_t position,
                          const fhx__member *member, fhx_error **error) {
  int32_t status = FHX_OK;
  if (member->kind == FHX__MEMBER_OVER) return FHX_OK;
  if (member->has_bad_period) {
    status = warn_of_member(to, group_id, position, "value",
                            "has a period that cannot be read and counts as if it had none", error);
  }
  if (status != FHX_OK) return status;
  switch (member->kind) {
    case FHX__MEMBER_UNRESOLVED:
      return warn_of_member(to, group_id, position, "incomplete",
                            "has no reference and was passed over", error);
    case FHX__MEMBER_ELSEWHERE:
      return warn_of_member(to, group_id, position, "not-supported",
                            "refers to nothing on this server and was passed over", error);
    default:
      return add_reference(to, member, error);
  }
}

static bool store_runs(resolution *to) {
  return fhx__member_run_store(&to->patients) && fhx__member_run_store(&to->new_patients) &&
         fhx__member_run_store(&to->wanted);
}

static int32_t take_member(void *context, const char *group_id, size_t position,
                           const fhx__member *member, fhx_error **error) {
  resolution *to = context;
  if (member == NULL) return warn_of_absent(to, group_id, error);
  int32_t status = add_member(to, group_id, position, member, error);
  if (status != FHX_OK) return status;
  size_t size = fhx__member_run_size(&to->patients) + fhx__member_run_size(&to->new_patients) +
                fhx__member_run_size(&to->wanted);
  return size < FHX__MEMBER_RUNS_MAX || store_runs(to) ? FHX_OK : FHX_END;
}

static bool store_members(resolution *to) {
  fhx_error *error = NULL;
  fhx__member_walk walk = {.job = to->work->job,
                           .record = to->work->job->record,
                           .work = to->work,
                           .take = take_member,
                           .context = to};
  int32_t status = fhx__member_walk_run(&walk, &error);
  fhx__member_walk_free(&walk);
  if (status < 0) return fhx__work_fail(to->work, error);
  return status == FHX_OK && store_runs(to);
}

bool fhx__roster_resolve(fhx__work *work, fhx__roster_lines *lines) {
  resolution to = {
      .work = work,
      .filter = work->job->definition.filter,
      .lines = lines,
      .patients = {.work = work, .between_steps = fhx__work_go_on, .list = FHX_MEMBERS_PATIENT},
      .new_patients = {.work = work, .between_steps = fhx__work_go_on, .list = FHX_MEMBERS_NEW},
      .wanted = {.work = work, .between_steps = fhx__work_go_on, .list = FHX_MEMBERS_WANTED}};
  bool going = store_members(&to);
  /* What has been stored needs no memory any more while the Patients are read. */
  fhx__member_run_free(&to.patients);
  fhx__member_run_free(&to.new_patients);
  fhx__member_run_free(&to.wanted);
  return going && fhx__roster_verify(work, lines) && add_last_line(&to);
}
