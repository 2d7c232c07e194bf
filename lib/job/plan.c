/* The plan phase: wait until the as-of time can be read, find out who is exported, then divide
   types into tasks. */
#include <string.h>

#include "core/alloc.h"
#include "core/error.h"
#include "job/provenance.h"
#include "job/report.h"
#include "job/roster_parts.h"
#include "job/wanted.h"

#define CLOCK_PIECE_US INT64_C(50000)
/* An estimate beyond it is no number of resources, but perhaps a host's -1 for "unknown". The sum
   over all types must stay a number that every store can add up. */
#define ESTIMATE_MAX (UINT64_C(1) << 40)

/* --- until everything stamped at or before T is visible --- */

/* How long until the source's clock has passed `due_us`; 0: it has. */
static bool time_left(fhx__work *work, int64_t due_us, int64_t *left_us) {
  fhx_error *error = NULL;
  int64_t now_us = 0, resolution_us = 0;
  int32_t status =
      fhx__source_clock(work->job->source, &work->job->clock, &now_us, &resolution_us, &error);
  if (status != FHX_OK) return fhx__work_fail(work, error);
  *left_us = now_us >= due_us ? 0 : due_us - now_us;
  return true;
}

/* The source's clock need not go as fast as ours: it is looked at again and again. As long as it
   goes on, nothing has stalled. */
static bool wait_until(fhx__work *work, int64_t due_us) {
  int64_t least_us = INT64_MAX;
  for (;;) {
    int64_t left_us = 0;
    if (!time_left(work, due_us, &left_us)) return false;
    if (left_us == 0) return true;
    if (left_us < least_us) {
      fhx__work_moved(work);
      least_us = left_us;
    }
    if (atomic_load(&work->job->parked)) return fhx__work_stop(work, FHX__WORK_PARKED);
    if (left_us > CLOCK_PIECE_US) left_us = CLOCK_PIECE_US;
    if (!fhx__work_wait(work, left_us, "the source's clock has not reached the as-of time")) {
      return false;
    }
  }
}

static bool wait_for_snapshot(fhx__work *work) {
  const fhx_job *job = work->job;
  int64_t tick_over_us = job->record->transaction_time_us + job->record->resolution_us;
  bool waited = false;
  for (;;) {
    fhx_error *error = NULL;
    int64_t wait_us = 0;
    int32_t status =
        fhx__source_snapshot_ready(job->source, job->record->transaction_time_us, &wait_us, &error);
    if (status == FHX_ERR_UNSUPPORTED) {
      fhx_error_free(error);
      return job->settle_us < 0 || wait_until(work, tick_over_us + job->settle_us);
    }
    if (status < 0) return fhx__work_fail(work, error);
    if (status == FHX_OK && waited) return true;
    /* Only an answer given after T's tick counts. */
    if (status == FHX_OK) {
      if (!wait_until(work, tick_over_us)) return false;
      waited = true;
      continue;
    }
    if (atomic_load(&job->parked)) return fhx__work_stop(work, FHX__WORK_PARKED);
    if (!fhx__work_wait(work, wait_us, "the source was not ready to be read")) return false;
  }
}

/* --- types into tasks --- */

typedef struct planner {
  fhx__work *work;
  /* fhx_task_record, one behind the other. */
  fhx__buffer tasks;
  /* The shard descriptors that the records will point to, and where each begins. */
  fhx__buffer shards;
  /* The Group's members as this attempt has resolved them. They become the job's only when the plan
     is stored: another attempt may have resolved them anew. */
  fhx__roster *members;
  fhx__roster *new_members;
  fhx__roster_page page;
  fhx__roster_lines lines;
} planner;

static bool add_task(planner *plan, const char *type, uint32_t phase, uint32_t shard_index,
                     const char *shard, size_t shard_len, uint64_t estimated) {
  fhx_task_record record;
  FHX_INIT(&record);
  record.state = FHX_TASK_WAITING;
  record.job_id = plan->work->task->job_id;
  record.task_index = (uint32_t)(plan->tasks.len / sizeof record) + 1;
  record.phase = phase;
  record.resource_type = type;
  record.shard_len = shard_len;
  record.shard_index = shard_index;
  record.next_seq = 1;
  record.last_id = "";
  record.estimated_resources = estimated;
  int32_t status = fhx__buffer_append(&plan->shards, shard, shard_len);
  if (status == FHX_OK) status = fhx__buffer_append(&plan->tasks, &record, sizeof record);
  return status == FHX_OK || fhx__work_no_memory(plan->work);
}

static bool add_shards(planner *plan, const char *type, const fhx_reply *reply,
                       uint64_t estimated) {
  size_t count = fhx__reply_item_count(reply);
  if (count == 0) return add_task(plan, type, FHX_PHASE_MAIN, 0, NULL, 0, estimated);
  for (size_t i = 0; i < count; i++) {
    size_t len = 0;
    const char *shard = fhx__reply_item_at(reply, i, &len);
    if (len == 0 || len > FHX_OPAQUE_MAX) {
      fhx_error *error = NULL;
      fhx__fail(&error, FHX_ERR_SOURCE,
                "the source's list_shards gave an empty descriptor, or one over %d bytes",
                FHX_OPAQUE_MAX);
      return fhx__work_fail(plan->work, error);
    }
    if (!add_task(plan, type, FHX_PHASE_MAIN, (uint32_t)i, shard, len, estimated / count)) {
      return false;
    }
  }
  return true;
}

/* So many shards that small types stay one file. With a minimum a type has one last part. */
static uint32_t shard_limit(const fhx_job *job, uint64_t estimated_bytes) {
  if (job->definition.part_bytes_min != 0) return 1;
  uint64_t wanted = estimated_bytes / job->definition.part_bytes;
  if (wanted > job->definition.shards_max) wanted = job->definition.shards_max;
  return wanted < 1 ? 1 : (uint32_t)wanted;
}

/* `open` lives as long as the query. */
static void set_query(planner *plan, const char *type, fhx_query *query, fhx_filter *open) {
  fhx__job_query(plan->work->job, type, query);
  query->selection.members = plan->members;
  query->selection.new_members = plan->new_members;
  query->page = &plan->page;
  fhx__provenance_ask(plan->work->job, query, open);
}

/* Adds what the source expects of a type. */
static bool estimate(planner *plan, const char *type, uint64_t *resources, uint64_t *bytes) {
  fhx_error *error = NULL;
  uint64_t type_resources = 0, type_bytes = 0;
  fhx_query query;
  fhx_filter open;
  set_query(plan, type, &query, &open);
  if (fhx__source_estimate(plan->work->job->source, &query, &type_resources, &type_bytes, &error) !=
      FHX_OK) {
    return fhx__work_fail(plan->work, error);
  }
  *resources += type_resources > ESTIMATE_MAX ? 0 : type_resources;
  *bytes = type_bytes > UINT64_MAX - *bytes ? UINT64_MAX : *bytes + type_bytes;
  return true;
}

/* Makes the tasks of a type that brings about so much. */
static bool divide(planner *plan, const char *type, uint64_t resources, uint64_t bytes) {
  fhx__work *work = plan->work;
  fhx_job *job = work->job;
  fhx_error *error = NULL;
  fhx_query query;
  fhx_filter open;
  set_query(plan, type, &query, &open);
  uint32_t limit = fhx__provenance_is_whole(job, type) ? 1 : shard_limit(job, bytes);
  if (limit == 1) return add_task(plan, type, FHX_PHASE_MAIN, 0, NULL, 0, resources);
  fhx_reply reply;
  int32_t status = fhx__source_list_shards(job->source, &query, limit, &reply, &error);
  bool going = false;
  if (status == FHX_OK) {
    going = add_shards(plan, type, &reply, resources);
  } else if (status == FHX_ERR_UNSUPPORTED) {
    fhx_error_free(error);
    going = add_task(plan, type, FHX_PHASE_MAIN, 0, NULL, 0, resources);
  } else {
    fhx__work_fail(work, error);
  }
  fhx__reply_end(&reply);
  return going;
}

static bool plan_type(planner *plan, const char *type) {
  uint64_t resources = 0, bytes = 0;
  return estimate(plan, type, &resources, &bytes) && divide(plan, type, resources, bytes);
}

/* --- who, and which types --- */

/* The roster comes before the types, whose estimates and shards depend on it. */
static bool resolve(planner *plan) {
  fhx__work *work = plan->work;
  fhx_error *error = NULL;
  if (work->job->definition.filter->group_id == NULL) return true;
  if (!fhx__roster_resolve(work, &plan->lines)) return false;
  int32_t status = fhx__roster_recall(work->job, work, &plan->members, &plan->new_members, &error);
  if (status == FHX_WAIT) return false;
  return fhx__work_after_load(work, status, error);
}

static uint32_t scope_of(const planner *plan) {
  const fhx__selection selection = {plan->work->job->definition.filter, plan->members, NULL};
  return fhx__selection_scope(&selection);
}

/* A Group without members has nothing to read (FILTER-39). */
static bool has_nobody(const planner *plan) {
  return plan->members != NULL && fhx__roster_count(plan->members) == 0;
}

/* Organised by patients, all tasks are shards of Patient, and bring what is theirs of all types. */
static bool plan_main(planner *plan) {
  const fhx__definition *definition = &plan->work->job->definition;
  const fhx_filter *filter = definition->filter;
  bool all = scope_of(plan) == FHX_SCOPE_ALL && !definition->by_patient;
  uint64_t resources = 0, bytes = 0;
  if (has_nobody(plan)) return true;
  for (size_t i = 0; i < filter->type_count; i++) {
    const char *type = filter->types[i];
    if (!all && !fhx__is_of_patients(filter, type)) continue;
    if (!fhx__work_go_on(plan->work)) return false;
    bool going =
        definition->by_patient ? estimate(plan, type, &resources, &bytes) : plan_type(plan, type);
    if (!going) return false;
  }
  return !definition->by_patient || divide(plan, "Patient", resources, bytes);
}

/* --- what others refer to --- */

/* Whether the Group has a member of this type, which is no patient. */
static bool find_wanted(planner *plan, const char *type, bool *found) {
  size_t len = strlen(type);
  fhx_reply page;
  fhx_error *error = NULL;
  char after[FHX__TYPE_MAX + 2];
  *found = false;
  if (plan->members == NULL) return true;
  /* Behind "Type/", and before every id. */
  memcpy(after, type, len);
  memcpy(after + len, "/", 2);
  int32_t status =
      fhx__step_list_members(plan->work->job, FHX_MEMBERS_WANTED, after, 1, &page, &error);
  if (status == FHX_OK && fhx__reply_item_count(&page) != 0) {
    size_t text_len = 0;
    const char *text = fhx__reply_item_at(&page, 0, &text_len);
    *found = text_len > len && memcmp(text, after, len + 1) == 0;
  }
  fhx__reply_end(&page);
  return fhx__work_after_step(plan->work, status, error);
}

/* Its parts are numbered behind those of the tasks that the type has already. */
static bool add_behind(planner *plan, const char *type, uint32_t phase) {
  const fhx_task_record *tasks = (const fhx_task_record *)(const void *)plan->tasks.data;
  uint32_t shards = 0;
  for (size_t i = 0; i < plan->tasks.len / sizeof *tasks; i++) {
    if (strcmp(tasks[i].resource_type, type) == 0) shards++;
  }
  return add_task(plan, type, phase, shards, NULL, 0, 0);
}

static bool plan_associated(planner *plan) {
  fhx__work *work = plan->work;
  const fhx_filter *filter = work->job->definition.filter;
  if (scope_of(plan) == FHX_SCOPE_ALL || work->job->definition.by_patient) return true;
  for (size_t i = 0; i < filter->type_count; i++) {
    const char *type = filter->types[i];
    /* They come by what they are about alone. */
    if (strcmp(type, FHX__PROVENANCE) == 0) continue;
    /* Where nobody is exported, nothing is referred to. */
    bool wanted = !has_nobody(plan) && fhx__wanted_has_type(work->job, type);
    if (!wanted && !find_wanted(plan, type, &wanted)) return false;
    if (wanted && !add_behind(plan, type, FHX_PHASE_ASSOCIATED)) return false;
    if (!fhx__work_go_on(work)) return false;
  }
  return true;
}

/* --- what was deleted --- */

/* Without a `_since` nothing was deleted that a client could have (MAN-13). Their parts have one
   label, whatever the type: they are numbered through. */
static bool plan_deleted(planner *plan) {
  fhx__work *work = plan->work;
  const fhx_filter *filter = work->job->definition.filter;
  const fhx__compartment *compartment = fhx__filter_compartment(filter);
  bool all = scope_of(plan) == FHX_SCOPE_ALL;
  uint32_t shard_index = 0;
  if (!filter->has_since || !fhx__source_tells_deleted(work->job->source)) return true;
  for (size_t i = 0; i < filter->type_count; i++) {
    const char *type = filter->types[i];
    if (!all && !fhx__compartment_knows(compartment, type)) continue;
    if (!add_task(plan, type, FHX_PHASE_DELETED, shard_index++, NULL, 0, 0)) return false;
  }
  return true;
}

/* --- Binaries of patients --- */

/* A source that does not list its types has those that are asked for. */
static bool has_binaries(planner *plan, bool *has) {
  fhx__work *work = plan->work;
  fhx_reply types;
  fhx_error *error = NULL;
  int32_t status = fhx__source_list_types(work->job->source, &types, &error);
  *has =
      status == FHX_ERR_UNSUPPORTED && fhx__filter_has_type(work->job->definition.filter, "Binary");
  for (size_t i = 0; status == FHX_OK && i < fhx__reply_item_count(&types); i++) {
    size_t len = 0;
    const char *type = fhx__reply_item_at(&types, i, &len);
    *has = *has || (len == strlen("Binary") && memcmp(type, "Binary", len) == 0);
  }
  fhx__reply_end(&types);
  if (status != FHX_OK && status != FHX_ERR_UNSUPPORTED) return fhx__work_fail(work, error);
  fhx_error_free(error);
  return true;
}

/* FILTER-12. An export that is organised by patients has no place for them. */
static bool plan_documents(planner *plan) {
  const fhx__definition *definition = &plan->work->job->definition;
  bool has = false;
  if (definition->by_patient || has_nobody(plan) ||
      !fhx__filter_has_type(definition->filter, "DocumentReference")) {
    return true;
  }
  if (!has_binaries(plan, &has)) return false;
  return !has || add_behind(plan, "DocumentReference", FHX_PHASE_DOCUMENTS);
}

/* --- the plan --- */

/* The descriptors stay in one buffer that may have moved while it grew: now it no longer does. */
static void place_shards(planner *plan) {
  fhx_task_record *tasks = (fhx_task_record *)(void *)plan->tasks.data;
  const char *shard = plan->shards.data;
  for (size_t i = 0; i < plan->tasks.len / sizeof *tasks; i++) {
    if (tasks[i].shard_len == 0) continue;
    tasks[i].shard = shard;
    shard += tasks[i].shard_len;
  }
}

static bool store_plan(planner *plan) {
  fhx__work *work = plan->work;
  fhx_error *error = NULL;
  place_shards(plan);
  const fhx_plan step = {work->task->job_id,
                         work->task->fence,
                         (const fhx_task_record *)(const void *)plan->tasks.data,
                         (uint32_t)(plan->tasks.len / sizeof(fhx_task_record)),
                         (uint32_t)(plan->lines.line_ends.len / sizeof(uint64_t)),
                         plan->lines.lines.data,
                         (const uint64_t *)(const void *)plan->lines.line_ends.data};
  int32_t status = fhx__step_plan(work->job, &step, &error);
  if (!fhx__work_after_step(work, status, error)) return false;
  fhx__report_planned(work, step.task_count);
  /* Nobody resolves it any more. */
  if (plan->members != NULL) fhx__roster_keep(work->job, plan->members, plan->new_members);
  plan->members = plan->new_members = NULL;
  return true;
}

static void free_planner(planner *plan) {
  fhx__buffer_free(&plan->tasks);
  fhx__buffer_free(&plan->shards);
  fhx__buffer_free(&plan->lines.lines);
  fhx__buffer_free(&plan->lines.line_ends);
  fhx__roster_page_free(&plan->page);
  fhx__roster_free(plan->members);
  fhx__roster_free(plan->new_members);
}

void fhx__work_plan(fhx__work *work) {
  planner plan = {.work = work};
  bool going = wait_for_snapshot(work) && resolve(&plan) && plan_main(&plan) &&
               plan_associated(&plan) && plan_documents(&plan) && plan_deleted(&plan) &&
               add_task(&plan, "", FHX_PHASE_FINISH, 0, NULL, 0, 0) && store_plan(&plan);
  if (going) fhx__work_stop(work, FHX__WORK_DONE);
  free_planner(&plan);
}
