/* The plan phase: wait until the as-of time can be read, then divide types into tasks. */
#include <string.h>

#include "core/alloc.h"
#include "core/clock.h"
#include "core/error.h"
#include "job/work.h"

#define CLOCK_PIECE_US INT64_C(50000)
/* An estimate beyond it is no number of resources, but perhaps a host's -1 for "unknown". The sum
   over all types must stay a number that every store can add up. */
#define ESTIMATE_MAX (UINT64_C(1) << 40)

/* --- until everything stamped at or before T is visible --- */

/* How long until the source's clock has passed `due_us`; 0: it has. */
static bool time_left(fhx__work *work, int64_t due_us, int64_t *left_us) {
  fhx_error *error = NULL;
  int64_t now_us = 0, resolution_us = 0;
  int32_t status = fhx__source_clock(work->job->source, &now_us, &resolution_us, &error);
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
      work->moved_us = fhx__clock_monotonic_us();
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
  if (status == FHX_OK) return true;
  fhx_error *error = NULL;
  fhx__no_memory(&error);
  return fhx__work_fail(plan->work, error);
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

/* So many shards that small types stay one file. */
static uint32_t shard_limit(const fhx_job *job, uint64_t estimated_bytes) {
  uint64_t wanted = estimated_bytes / job->definition.part_bytes;
  if (wanted > job->definition.shards_max) wanted = job->definition.shards_max;
  return wanted < 1 ? 1 : (uint32_t)wanted;
}

static bool plan_type(planner *plan, const char *type) {
  fhx__work *work = plan->work;
  fhx_job *job = work->job;
  fhx_error *error = NULL;
  uint64_t resources = 0, bytes = 0;
  fhx_query query;
  memset(&query, 0, sizeof query);
  query.resource_type = type;
  query.as_of_us = job->record->transaction_time_us;
  query.filter = job->definition.filter;
  query.tenant = job->record->tenant;
  query.host_context = job->record->host_context;
  query.host_context_len = job->record->host_context_len;
  if (fhx__source_estimate(job->source, &query, &resources, &bytes, &error) != FHX_OK) {
    return fhx__work_fail(work, error);
  }
  if (resources > ESTIMATE_MAX) resources = 0;
  uint32_t limit = shard_limit(job, bytes);
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
  fhx_plan step = {work->task->job_id, work->task->fence,
                   (const fhx_task_record *)(const void *)plan->tasks.data,
                   (uint32_t)(plan->tasks.len / sizeof(fhx_task_record))};
  int32_t status = fhx__step_plan(work->job, &step, &error);
  return fhx__work_after_step(work, status, error);
}

void fhx__work_plan(fhx__work *work) {
  const fhx_filter *filter = work->job->definition.filter;
  planner plan = {work, {NULL, 0, 0}, {NULL, 0, 0}};
  bool going = wait_for_snapshot(work);
  for (size_t i = 0; going && i < filter->type_count; i++) {
    going = fhx__work_go_on(work) && plan_type(&plan, filter->types[i]);
  }
  if (going) going = add_task(&plan, "", FHX_PHASE_FINISH, 0, NULL, 0, 0);
  if (going) going = store_plan(&plan);
  if (going) fhx__work_stop(work, FHX__WORK_DONE);
  fhx__buffer_free(&plan.tasks);
  fhx__buffer_free(&plan.shards);
}
