/*
 * Provenances are chosen by their targets, of which the job's own selection is asked: nothing
 * remembers the output. A target is read as of the job's time; the last few answers are kept.
 *
 * The newest of each target are found in two ways over the whole type, one behind the other. First
 * it is noted in the store's list FHX_MEMBERS_TARGETS who has which target, in texts that sort the
 * newest first; then all are read again, and one is taken if it is the first of a target that is
 * exported. The place says which way it is of. A note that was made twice does no harm.
 */
#include "job/provenance.h"

#include <stdio.h>
#include <string.h>

#include "core/alloc.h"
#include "core/error.h"
#include "job/member_walk.h"
#include "job/reading.h"
#include "job/roster_parts.h"

/* Reading targets takes long, and a parked job stops between replies: they are kept small. */
#define WANT_BYTES (UINT64_C(4) << 10)
#define VERDICT_COUNT 64

/* The first character of a place; a space is behind it. */
#define WAY_NOTES 'n'
#define WAY_TAKES 't'
#define HEAD_LEN 2

/* Two instants with all their digits, each number as 16 of base 16. */
#define AGE_LEN 64
#define NOTE_MAX (FHX__MEMBER_TEXT_MAX + 1 + AGE_LEN + FHX__ID_MAX)

/* What is asked about a target. */
typedef enum question {
  /* Is it exported? */
  IS_EXPORTED,
  /* Is it in the compartment of somebody who is exported, or of a new member, whatever its age? */
  IS_OF_SCOPE,
  IS_OF_NEW_MEMBERS,
  QUESTIONS
} question;

typedef struct verdict {
  char target[FHX__MEMBER_TEXT_MAX + 1];
  question asked;
  bool answer;
} verdict;

typedef struct provenance {
  fhx__reading read;
  /* Targets can be read. */
  bool reads;
  char way;
  /* Whom each question means. */
  fhx__selection selections[QUESTIONS];
  /* What the source is asked for; and the job's filter without its window and its queries, since
     whose a target is does not hang on them; without its patients; and without them and the lower
     bound. */
  fhx_filter open;
  fhx_filter ageless;
  fhx_filter everybody;
  fhx_filter not_too_new;
  verdict verdicts[VERDICT_COUNT];
} provenance;

/* The reading is the first member of what the task knows. */
static provenance *task_of(fhx__reading *read) {
  return (provenance *)(void *)read;
}

/* --- which tasks --- */

static bool is_provenance(const char *resource_type) {
  return strcmp(resource_type, FHX__PROVENANCE) == 0;
}

/* A Group's scope is known before its members are. */
static bool is_limited(const fhx_filter *filter) {
  const fhx__selection selection = {filter, NULL, NULL};
  return fhx__selection_scope(&selection) != FHX_SCOPE_ALL;
}

static bool is_by_default(const fhx_job *job) {
  return job->definition.provenance == FHX_PROVENANCE_DEFAULT;
}

bool fhx__is_of_patients(const fhx_filter *filter, const char *resource_type) {
  return is_provenance(resource_type) ||
         fhx__compartment_knows(fhx__filter_compartment(filter), resource_type);
}

bool fhx__provenance_judges(const fhx_job *job, const char *resource_type) {
  return is_provenance(resource_type) &&
         (!is_by_default(job) || is_limited(job->definition.filter));
}

bool fhx__provenance_is_whole(const fhx_job *job, const char *resource_type) {
  return is_provenance(resource_type) && job->definition.provenance == FHX_PROVENANCE_LATEST;
}

/* --- what is asked of the source --- */

void fhx__provenance_ask(const fhx_job *job, fhx_query *query, fhx_filter *open) {
  const fhx__roster *new_members = query->selection.new_members;
  if (!fhx__provenance_judges(job, query->resource_type)) return;
  if (is_by_default(job) && !fhx__source_reads_resources(job->source)) return;
  *open = *job->definition.filter;
  fhx__filter_drop_patients(open);
  if (!is_by_default(job)) {
    fhx__filter_drop_window(open);
    fhx__filter_drop_queries(open);
  }
  query->selection = (fhx__selection){open, NULL, is_by_default(job) ? new_members : NULL};
}

/* --- one target --- */

static bool is_in_set(provenance *at, question asked, const char *id, bool *answer) {
  const fhx__selection *selection = &at->selections[asked];
  fhx_error *error = NULL;
  *answer = fhx__selection_scope(selection) == FHX_SCOPE_PATIENTS;
  if (*answer || fhx__selection_has_patient(selection, id, strlen(id), answer, &error) == FHX_OK) {
    return true;
  }
  return fhx__work_fail(at->read.work, error);
}

/*
 * Whether a target has to be read to know the answer; if not, it is no. Provenances of Provenances
 * are not exported as such: that would have no end. Of a Patient only a host's own compartment can
 * know more than his id.
 */
static bool may_be(provenance *at, question asked, const char *type, const char *id, bool *may) {
  const fhx__selection *selection = &at->selections[asked];
  const fhx_filter *filter = selection->filter;
  *may = asked != IS_EXPORTED || (fhx__filter_has_type(filter, type) && !is_provenance(type));
  if (!*may || fhx__selection_scope(selection) == FHX_SCOPE_ALL) return true;
  *may = fhx__compartment_knows(fhx__filter_compartment(filter), type);
  if (strcmp(type, "Patient") != 0 || filter->own_compartment != NULL) return true;
  return is_in_set(at, asked, id, may);
}

/* As the main phase would look at it. */
static bool scan_target(const provenance *at, const fhx__selection *selection, const void *data,
                        size_t len, char *line, fhx__scan *scan) {
  const fhx__definition *definition = &at->read.work->job->definition;
  bool is_trusted = (definition->flags & FHX_JOB_TRUST_SOURCE) != 0 &&
                    *definition->associated_types == '\0' &&
                    !fhx__selection_reads_line(selection, NULL, 0);
  if (len > definition->resource_bytes_max) return false;
  if (is_trusted) return fhx__scan_trusted(data, len, scan) == FHX__FAULT_NONE;
  return fhx__scan_resource(data, len, line, definition->depth_max, scan) == FHX__FAULT_NONE;
}

static bool judge_text(provenance *at, question asked, const char *target, const fhx_reply *reply,
                       bool *answer) {
  const fhx__selection *selection = &at->selections[asked];
  size_t len = 0, type_len = strcspn(target, "/");
  const void *data = fhx__reply_item_at(reply, 0, &len);
  int32_t status = FHX_OK;
  fhx_error *error = NULL;
  fhx__scan scan;
  char *line = fhx__alloc(len);
  if (line == NULL) return fhx__work_no_memory(at->read.work);
  if (scan_target(at, selection, data, len, line, &scan) &&
      strlen(scan.facts.resource_type) == type_len &&
      memcmp(scan.facts.resource_type, target, type_len) == 0 &&
      strcmp(scan.facts.id, target + type_len + 1) == 0) {
    status =
        fhx__selection_takes(selection, 0, &scan.facts, NULL, line, scan.out_len, answer, &error);
  }
  fhx__free(line);
  return status == FHX_OK || fhx__work_fail(at->read.work, error);
}

/* Reads a target. What does not exist, is not for this client or is no valid resource is not
   exported, and nobody's. */
static bool read_target(provenance *at, question asked, const char *target, const char *type,
                        bool *answer) {
  fhx__work *work = at->read.work;
  fhx_query query;
  fhx_reply reply;
  fhx_error *error = NULL;
  bool going = true;
  *answer = false;
  fhx__plain_query(work->job->record, type, &query);
  int32_t status = fhx__source_read_resource(work->job->source, &query, target, &reply, &error);
  fhx__work_moved(work);
  if (status == FHX_OK) {
    going = judge_text(at, asked, target, &reply, answer);
  } else if (status == FHX_ERR_NOT_FOUND || status == FHX_ERR_DENIED) {
    fhx_error_free(error);
  } else {
    going = fhx__work_fail(work, error);
  }
  fhx__reply_end(&reply);
  /* Not fhx__reading_go_on: within a reply there is no place that could be recorded. */
  return going && fhx__work_keep(work);
}

static void join(char target[FHX__MEMBER_TEXT_MAX + 1], const char *type, const char *id) {
  snprintf(target, FHX__MEMBER_TEXT_MAX + 1, "%s/%s", type, id);
}

static bool ask_target(provenance *at, question asked, const char *type, const char *id,
                       bool *answer) {
  char target[FHX__MEMBER_TEXT_MAX + 1];
  join(target, type, id);
  uint32_t hash = fhx__text_hash(target);
  verdict *kept = &at->verdicts[(hash ^ hash >> 16) % VERDICT_COUNT];
  if (kept->asked == asked && strcmp(kept->target, target) == 0) {
    *answer = kept->answer;
    return true;
  }
  if (!read_target(at, asked, target, type, answer)) return false;
  *kept = (verdict){.asked = asked, .answer = *answer};
  memcpy(kept->target, target, sizeof target);
  return true;
}

/* --- all targets of a row --- */

typedef struct search {
  provenance *at;
  question asked;
  const fhx__row *row;
  /* Of a note: what stands behind the target. */
  const char *rest;
  bool found;
  /* The attempt is over. */
  bool failed;
} search;

/* Whether a target is found by this; a walk ends with the first that is. */
static bool search_targets(provenance *at, const fhx__row *row, question asked,
                           fhx__reference_callback look, bool *found) {
  search on = {.at = at, .asked = asked, .row = row};
  const char *base_url = at->read.work->job->definition.filter->base_url;
  fhx__provenance_targets(row->text, row->len, base_url, look, &on);
  *found = on.found;
  return !on.failed;
}

static bool look_at_patient(void *context, const char *type, const char *id) {
  search *on = context;
  if (strcmp(type, "Patient") != 0) return true;
  on->failed = !is_in_set(on->at, on->asked, id, &on->found);
  return !on->failed && !on->found;
}

static bool look_at_resource(void *context, const char *type, const char *id) {
  search *on = context;
  bool may = false;
  on->failed = !may_be(on->at, on->asked, type, id, &may) ||
               (may && !ask_target(on->at, on->asked, type, id, &on->found));
  return !on->failed && !on->found;
}

/* --- in the compartment of somebody who is exported --- */

static bool judge_window(provenance *at, const fhx_filter *filter, uint32_t applied,
                         const fhx__row *row, bool *inside) {
  const fhx__selection window = {filter, NULL, NULL};
  fhx_error *error = NULL;
  int32_t status = fhx__selection_takes(&window, applied, row->facts, row->updated_us, row->text,
                                        row->len, inside, &error);
  return status == FHX_OK || fhx__work_fail(at->read.work, error);
}

/* Whose compartment counts for a row of this age: that of the scope, that of new members only, or
   nobody's. */
static bool judge_age(provenance *at, const fhx__row *row, question *whose, bool *takes) {
  uint32_t applied = at->read.cursor.applied;
  bool has_new = at->selections[IS_OF_NEW_MEMBERS].members != NULL;
  *whose = IS_OF_SCOPE;
  /* A source was not told of the lower bound where there are new members. */
  if (has_new) applied &= ~FHX_APPLIED_SINCE;
  if (!judge_window(at, &at->everybody, applied, row, takes)) return false;
  if (*takes || !has_new) return true;
  *whose = IS_OF_NEW_MEMBERS;
  return judge_window(at, &at->not_too_new, applied, row, takes);
}

/* By its own elements, which is what the compartment's table asks for. */
static bool judge_itself(provenance *at, question whose, const fhx__row *row, bool *takes) {
  bool is_pushed = !at->reads && whose == IS_OF_SCOPE;
  uint32_t applied = is_pushed ? at->read.cursor.applied & FHX_APPLIED_PATIENTS : 0;
  fhx_error *error = NULL;
  int32_t status = fhx__selection_takes(&at->selections[whose], applied, row->facts, NULL,
                                        row->text, row->len, takes, &error);
  return status == FHX_OK || fhx__work_fail(at->read.work, error);
}

static bool take_by_patients(fhx__reading *read, const fhx__row *row, bool *takes) {
  provenance *at = task_of(read);
  question whose = IS_OF_SCOPE;
  if (!judge_age(at, row, &whose, takes)) return false;
  if (!*takes) return true;
  if (!judge_itself(at, whose, row, takes)) return false;
  if (*takes) return true;
  if (!search_targets(at, row, whose, look_at_patient, takes)) return false;
  if (*takes || !at->reads) return true;
  return search_targets(at, row, whose, look_at_resource, takes);
}

/* --- of what is exported --- */

static bool take_relevant(fhx__reading *read, const fhx__row *row, bool *takes) {
  return search_targets(task_of(read), row, IS_EXPORTED, look_at_resource, takes);
}

/* --- the newest of each target --- */

static void write_time(char text[AGE_LEN / 2 + 1], bool is_known, fhx__instant time) {
  /* From year 1 on no time is the least that there is. */
  uint64_t us = is_known ? (uint64_t)time.us ^ UINT64_C(1) << 63 : 0;
  uint64_t finer = is_known ? time.finer : 0;
  snprintf(text, AGE_LEN / 2 + 1, "%016llx%016llx", (unsigned long long)~us,
           (unsigned long long)~finer);
}

/* What sorts the Provenances of one target: the newest first, those of unknown age last. */
static void write_age(char age[AGE_LEN + 1], const fhx__row *row) {
  fhx__instant recorded = {0, 0};
  bool is_known = fhx__provenance_recorded(row->text, row->len, &recorded);
  write_time(age, is_known, recorded);
  write_time(age + AGE_LEN / 2, row->facts->has_updated, row->facts->updated);
}

static bool note_target(void *context, const char *type, const char *id) {
  search *on = context;
  char note[NOTE_MAX + 1];
  bool may = false;
  on->failed = !may_be(on->at, IS_EXPORTED, type, id, &may);
  if (on->failed || !may) return !on->failed;
  snprintf(note, sizeof note, "%s/%s %s", type, id, on->rest);
  on->failed = !fhx__wanted_add(on->at->read.out.wanted, on->at->read.work, note);
  return !on->failed;
}

static bool note_row(fhx__reading *read, const fhx__row *row, bool *takes) {
  char rest[AGE_LEN + FHX__ID_MAX + 1];
  search on = {.at = task_of(read), .row = row, .rest = rest};
  write_age(rest, row);
  memcpy(rest + AGE_LEN, row->facts->id, strlen(row->facts->id) + 1);
  fhx__provenance_targets(row->text, row->len, read->work->job->definition.filter->base_url,
                          note_target, &on);
  *takes = false;
  return !on.failed;
}

/* It is reported when it is read again. */
static bool report_none(fhx__reading *read, const char *id, bool *reports) {
  (void)read;
  (void)id;
  *reports = false;
  return true;
}

/* Whether the first note of a target, if there is one, is of this Provenance. Only the id is
   compared: what has changed since it was noted keeps its place. */
static bool read_note(const fhx_reply *page, const char *head, const char *id, bool *is_first) {
  size_t len = 0, head_len = strlen(head);
  *is_first = false;
  if (fhx__reply_item_count(page) == 0) return true;
  const char *note = fhx__reply_item_at(page, 0, &len);
  if (len < head_len || memcmp(note, head, head_len) != 0) return true;
  if (len <= head_len + AGE_LEN) return false;
  note += head_len + AGE_LEN;
  len -= head_len + AGE_LEN;
  *is_first = len == strlen(id) && memcmp(note, id, len) == 0;
  return true;
}

static bool is_first(search *on, const char *type, const char *id, bool *first) {
  fhx__work *work = on->at->read.work;
  char head[FHX__MEMBER_TEXT_MAX + 2];
  fhx_reply page;
  fhx_error *error = NULL;
  snprintf(head, sizeof head, "%s/%s ", type, id);
  int32_t status = fhx__step_list_members(work->job, FHX_MEMBERS_TARGETS, head, 1, &page, &error);
  bool going = fhx__work_after_step(work, status, error);
  if (going && !read_note(&page, head, on->row->facts->id, first)) {
    fhx__fail(&error, FHX_ERR_STORE, "the store's list of targets has what no job has stored");
    going = fhx__work_fail(work, error);
  }
  fhx__reply_end(&page);
  return going && fhx__work_keep(work);
}

/* The store is asked first: most Provenances of much that is exported are not the newest. */
static bool look_at_first(void *context, const char *type, const char *id) {
  search *on = context;
  bool may = false, first = false;
  on->failed = !may_be(on->at, IS_EXPORTED, type, id, &may) ||
               (may && !is_first(on, type, id, &first)) ||
               (first && !ask_target(on->at, IS_EXPORTED, type, id, &on->found));
  return !on->failed && !on->found;
}

static bool take_latest(fhx__reading *read, const fhx__row *row, bool *takes) {
  return search_targets(task_of(read), row, IS_EXPORTED, look_at_first, takes);
}

/* --- the way --- */

static void set_way(provenance *at, char way) {
  at->way = way;
  snprintf(at->read.token_head, sizeof at->read.token_head, "%c ", way);
}

/* Goes on from the place of an earlier attempt. */
static bool take_place(provenance *at) {
  fhx_query *query = &at->read.query;
  const char *token = query->token;
  fhx_error *error = NULL;
  if (query->token_len == 0) {
    set_way(at, WAY_NOTES);
    return true;
  }
  if (query->token_len < HEAD_LEN || (token[0] != WAY_NOTES && token[0] != WAY_TAKES) ||
      token[1] != ' ') {
    fhx__fail(&error, FHX_ERR_STORE, "the task's recorded place is not one of its kind");
    return fhx__work_fail(at->read.work, error);
  }
  set_way(at, token[0]);
  query->token_len -= HEAD_LEN;
  query->token = query->token_len == 0 ? NULL : token + HEAD_LEN;
  return true;
}

/* Reads all that there is from the place on. */
static bool read_all(provenance *at, fhx__take_row take_row) {
  fhx__reading *read = &at->read;
  read->take_row = take_row;
  if (!fhx__reading_open(read, fhx__source_open)) return false;
  /* The last id of the task may be that of the other way. */
  if (read->query.token_len == 0) read->last_id[0] = read->out.last_id[0] = '\0';
  return fhx__reading_cursor(read);
}

/* The second way begins at a place of its own, so that who dies in it does not note all again. */
static bool turn(provenance *at) {
  fhx__reading *read = &at->read;
  fhx__source_close(&read->cursor);
  set_way(at, WAY_TAKES);
  read->query.token = NULL;
  read->query.token_len = 0;
  read->report_row = NULL;
  read->out.last_id[0] = '\0';
  if (!fhx__output_set_token(&read->out, read->token_head, HEAD_LEN) ||
      !fhx__output_checkpoint(&read->out, false)) {
    return false;
  }
  fhx__wanted_free(read->out.wanted);
  read->out.wanted = NULL;
  return true;
}

static bool note_all(provenance *at) {
  fhx__reading *read = &at->read;
  fhx_error *error = NULL;
  if (fhx__wanted_new_for(read->work->job, FHX_MEMBERS_TARGETS, &read->out.wanted, &error) !=
      FHX_OK) {
    return fhx__work_fail(read->work, error);
  }
  read->report_row = report_none;
  return read_all(at, note_row) && turn(at);
}

/* --- the task --- */

static void set_up(provenance *at, bool reports_unknown) {
  fhx__reading *read = &at->read;
  const fhx_job *job = read->work->job;
  const fhx__selection main = read->query.selection;
  at->ageless = at->everybody = *main.filter;
  fhx__filter_drop_window(&at->ageless);
  fhx__filter_drop_queries(&at->ageless);
  fhx__filter_drop_patients(&at->everybody);
  at->not_too_new = at->everybody;
  at->not_too_new.has_since = false;
  at->selections[IS_EXPORTED] = main;
  at->selections[IS_OF_SCOPE] = (fhx__selection){&at->ageless, main.members, NULL};
  at->selections[IS_OF_NEW_MEMBERS] = (fhx__selection){&at->ageless, main.new_members, NULL};
  at->reads = fhx__source_reads_resources(job->source);
  fhx__provenance_ask(job, &read->query, &at->open);
  /* What was asked for does not say whose a bad row may be. */
  read->hides_ids = fhx__selection_scope(&main) == FHX_SCOPE_PATIENT_SET &&
                    fhx__selection_scope(&read->query.selection) == FHX_SCOPE_ALL;
  read->takes_by_text = true;
  read->reports_unknown = reports_unknown;
}

static bool open_notes(fhx__reading *read) {
  fhx_error *error = NULL;
  if (fhx__wanted_new(read->work->job, &read->out.wanted, &error) == FHX_OK) return true;
  return fhx__work_fail(read->work, error);
}

static bool take_all(provenance *at) {
  uint32_t asked = at->read.work->job->definition.provenance;
  if (!open_notes(&at->read)) return false;
  if (at->reads && at->read.want_bytes > WANT_BYTES) at->read.want_bytes = WANT_BYTES;
  if (asked == FHX_PROVENANCE_LATEST) return read_all(at, take_latest);
  return read_all(at, asked == FHX_PROVENANCE_RELEVANT ? take_relevant : take_by_patients);
}

void fhx__work_provenance(fhx__work *work, bool reports_unknown) {
  provenance at;
  memset(&at, 0, sizeof at);
  if (fhx__reading_begin(&at.read, work)) {
    set_up(&at, reports_unknown);
    bool is_latest = work->job->definition.provenance == FHX_PROVENANCE_LATEST;
    bool going = !is_latest || take_place(&at);
    if (going && at.way == WAY_NOTES) going = note_all(&at);
    if (going && take_all(&at)) fhx__reading_finish(&at.read);
  }
  fhx__reading_end(&at.read);
}
