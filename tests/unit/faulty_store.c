/* A store whose answers get lost, over a SQLite store in memory. */
#include "faulty_store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

#include "store/store.h"
#include "support/require.h"

const char *const faulty_step_names[FAULTY_STEPS] = {
    "create_job",        "read_job",      "claim_task", "renew_task",   "plan_tasks",
    "record_checkpoint", "release_task",  "read_task",  "remove_job",   "list_parts",
    "list_lines",        "list_attempts", "clean_job",  "next_cleanup", "add_members",
    "list_members",      "add_page",      "list_page",  "hold_job",     "list_jobs"};

struct faulty_store {
  faulty_knobs knobs;
  fhx_store *inner;
  atomic_uint_least64_t calls[FAULTY_STEPS];
  atomic_uint_least64_t all_calls;
  atomic_bool healed;
  atomic_int destroyed;
};

/* What the library asked for, until it is answered. */
typedef struct call {
  faulty_store *store;
  fhx_reply *reply;
  bool faulty;
  fhx_error *error;
} call;

/* Whether the step is to be taken. */
static bool begin(call *now, void *user_data, faulty_step step, fhx_reply *reply) {
  faulty_store *store = user_data;
  const faulty_knobs *knobs = &store->knobs;
  uint64_t number = atomic_fetch_add(&store->calls[step], 1) + 1;
  uint64_t overall = atomic_fetch_add(&store->all_calls, 1) + 1;
  if (knobs->hook != NULL) knobs->hook(knobs->hook_context, step, number);
  if (knobs->step == FAULTY_STEPS) number = overall;
  *now = (call){store, reply, false, NULL};
  if (!atomic_load(&store->healed) && (knobs->step == step || knobs->step == FAULTY_STEPS)) {
    now->faulty = number >= knobs->fault_at &&
                  (knobs->fault_times == 0 || number < knobs->fault_at + knobs->fault_times);
  }
  return !now->faulty || knobs->answer >= FAULTY_TAKEN_FAILS;
}

/* Answers as the fault has it; then nothing else may answer. */
static bool is_lost(call *now) {
  if (!now->faulty) return false;
  switch (now->store->knobs.answer) {
    case FAULTY_FAILS:
    case FAULTY_TAKEN_FAILS:
      fhx_reply_fail(now->reply, FHX_ERR_IO, 1, "the network is down");
      break;
    case FAULTY_TAKEN_UNKNOWN:
      fhx_reply_fail(now->reply, FHX_ERR_UNKNOWN_OUTCOME, 0, "the answer was lost");
      break;
    case FAULTY_TAKEN_WRONG_KIND:
      fhx_reply_object(now->reply, 1, NULL);
      fhx_reply_done(now->reply);
      break;
    default:
      break;
  }
  fhx_error_free(now->error);
  return true;
}

/* Passes on what the inner store said; `wait_us` belongs to FHX_WAIT. */
static void pass_on(call *now, int32_t status, int64_t wait_us) {
  if (status == FHX_OK) {
    fhx_reply_done(now->reply);
  } else if (status == FHX_END) {
    fhx_reply_end(now->reply);
  } else if (status == FHX_WAIT) {
    fhx_reply_wait(now->reply, wait_us);
  } else {
    fhx_reply_fail(now->reply, status, fhx_error_retryable(now->error),
                   fhx_error_message(now->error));
  }
  fhx_error_free(now->error);
}

/* --- the steps --- */

static void create_job(void *user_data, const fhx_job_record *record, fhx_reply *reply) {
  call now;
  int32_t status = FHX_OK;
  char joined[FHX__JOB_ID_LEN + 1] = "";
  if (begin(&now, user_data, FAULTY_CREATE_JOB, reply)) {
    status = fhx__store_join_job(now.store->inner, record, joined, &now.error);
  }
  if (!now.faulty && *joined != '\0') fhx_reply_item(reply, joined, strlen(joined));
  if (!is_lost(&now)) pass_on(&now, status, 0);
}

static void read_job(void *user_data, const char *job_id, fhx_reply *reply) {
  call now;
  fhx__job_entry entry;
  int32_t status = FHX_OK;
  memset(&entry, 0, sizeof entry);
  if (begin(&now, user_data, FAULTY_READ_JOB, reply)) {
    status = fhx__store_read_job(now.store->inner, job_id, &entry, &now.error);
  }
  if (!is_lost(&now)) {
    if (status == FHX_OK) fhx_reply_job(reply, &entry.record);
    pass_on(&now, status, 0);
  }
  fhx__job_entry_free(&entry);
}

static void claim_task(void *user_data, const char *job_id, const char *claim_id, int64_t lease_us,
                       uint32_t attempts_max, fhx_reply *reply) {
  call now;
  fhx__task_entry entry;
  int32_t status = FHX_OK;
  int64_t wait_us = 0;
  memset(&entry, 0, sizeof entry);
  if (begin(&now, user_data, FAULTY_CLAIM_TASK, reply)) {
    status = fhx__store_claim_task(now.store->inner, job_id, claim_id, lease_us, attempts_max,
                                   &entry, &wait_us, &now.error);
  }
  if (!is_lost(&now)) {
    if (status == FHX_OK) fhx_reply_task(reply, &entry.record);
    pass_on(&now, status, wait_us);
  }
  fhx__task_entry_free(&entry);
}

static void renew_task(void *user_data, const char *job_id, uint32_t task_index, uint64_t fence,
                       uint64_t last_seq, uint64_t resource_count, int64_t lease_us,
                       fhx_reply *reply) {
  call now;
  int32_t status = FHX_OK;
  if (begin(&now, user_data, FAULTY_RENEW_TASK, reply)) {
    status = fhx__store_renew_task(now.store->inner, job_id, task_index, fence, last_seq,
                                   resource_count, lease_us, &now.error);
  }
  if (!is_lost(&now)) pass_on(&now, status, 0);
}

static void plan_tasks(void *user_data, const fhx_plan *plan, fhx_reply *reply) {
  call now;
  int32_t status = FHX_OK;
  if (begin(&now, user_data, FAULTY_PLAN_TASKS, reply)) {
    status = fhx__store_plan_tasks(now.store->inner, plan, &now.error);
  }
  if (!is_lost(&now)) pass_on(&now, status, 0);
}

static void record_checkpoint(void *user_data, const fhx_checkpoint *checkpoint, fhx_reply *reply) {
  call now;
  int32_t status = FHX_OK;
  if (begin(&now, user_data, FAULTY_RECORD_CHECKPOINT, reply)) {
    status = fhx__store_record_checkpoint(now.store->inner, checkpoint, &now.error);
  }
  if (!is_lost(&now)) pass_on(&now, status, 0);
}

static void release_task(void *user_data, const char *job_id, uint32_t task_index, uint64_t fence,
                         uint32_t how, uint32_t attempts_max, int32_t why, const char *reason,
                         fhx_reply *reply) {
  call now;
  int32_t status = FHX_OK;
  if (begin(&now, user_data, FAULTY_RELEASE_TASK, reply)) {
    status = fhx__store_release_task(now.store->inner, job_id, task_index, fence, how, attempts_max,
                                     why, reason, &now.error);
  }
  if (!is_lost(&now)) pass_on(&now, status, 0);
}

static void read_task(void *user_data, const char *job_id, uint32_t task_index, fhx_reply *reply) {
  call now;
  fhx__task_entry entry;
  int32_t status = FHX_OK;
  memset(&entry, 0, sizeof entry);
  if (begin(&now, user_data, FAULTY_READ_TASK, reply)) {
    status = fhx__store_read_task(now.store->inner, job_id, task_index, &entry, &now.error);
  }
  if (!is_lost(&now)) {
    if (status == FHX_OK) fhx_reply_task(reply, &entry.record);
    pass_on(&now, status, 0);
  }
  fhx__task_entry_free(&entry);
}

static void remove_job(void *user_data, const char *job_id, fhx_reply *reply) {
  call now;
  int32_t status = FHX_OK;
  if (begin(&now, user_data, FAULTY_REMOVE_JOB, reply)) {
    status = fhx__store_remove_job(now.store->inner, job_id, &now.error);
  }
  if (!is_lost(&now)) pass_on(&now, status, 0);
}

static void give_part(fhx_reply *reply, const fhx_part *part) {
  fhx_part_record record;
  FHX_INIT(&record);
  record.kind = part->kind;
  record.name = part->name;
  record.resource_type = part->resource_type;
  record.resource_count = part->resource_count;
  record.byte_count = part->byte_count;
  record.stored_byte_count = part->stored_byte_count;
  record.encoding = part->encoding;
  record.flags = part->flags;
  record.error_count = part->error_count;
  record.warning_count = part->warning_count;
  record.fence = part->fence;
  record.seq = part->seq;
  record.task_index = part->task_index;
  record.crc32c = part->crc32c;
  record.sha256 = part->has_sha256 ? part->sha256 : NULL;
  fhx_reply_part(reply, &record);
}

/* Passes on the parts that the inner store has listed, and frees them. */
static void pass_on_parts(call *now, int32_t status, fhx__buffer *parts) {
  const fhx_part *part = (const fhx_part *)(const void *)parts->data;
  for (size_t i = 0; !now->faulty && i < parts->len / sizeof *part; i++) {
    give_part(now->reply, &part[i]);
  }
  if (!is_lost(now)) pass_on(now, status, 0);
  fhx__buffer_free(parts);
}

static void list_parts(void *user_data, const char *job_id, uint32_t after_task, uint64_t after_seq,
                       uint32_t limit, fhx_reply *reply) {
  call now;
  fhx__buffer parts = {NULL, 0, 0};
  int32_t status = FHX_OK;
  if (begin(&now, user_data, FAULTY_LIST_PARTS, reply)) {
    status = fhx__store_list_parts(now.store->inner, job_id, after_task, after_seq, limit, &parts,
                                   &now.error);
  }
  pass_on_parts(&now, status, &parts);
}

static void add_page(void *user_data, const char *job_id, uint32_t page, uint32_t count_max,
                     fhx_reply *reply) {
  call now;
  int32_t status = FHX_OK;
  if (begin(&now, user_data, FAULTY_ADD_PAGE, reply)) {
    status = fhx__store_add_page(now.store->inner, job_id, page, count_max, &now.error);
  }
  if (!is_lost(&now)) pass_on(&now, status, 0);
}

static void hold_job(void *user_data, const char *job_id, int64_t hold_us, fhx_reply *reply) {
  call now;
  int32_t status = FHX_OK;
  if (begin(&now, user_data, FAULTY_HOLD_JOB, reply)) {
    status = fhx__store_hold_job(now.store->inner, job_id, hold_us, &now.error);
  }
  if (!is_lost(&now)) pass_on(&now, status, 0);
}

static void list_jobs(void *user_data, uint32_t states, const char *tenant, const char *client,
                      int64_t after_created_us, const char *after_job_id, uint32_t limit,
                      fhx_reply *reply) {
  call now;
  fhx__buffer jobs = {NULL, 0, 0};
  int32_t status = FHX_OK;
  if (begin(&now, user_data, FAULTY_LIST_JOBS, reply)) {
    status = fhx__store_list_jobs(now.store->inner, states, tenant, client, after_created_us,
                                  after_job_id, limit, &jobs, &now.error);
  }
  for (size_t at = 0; !now.faulty && at < jobs.len; at += sizeof(fhx__job_entry)) {
    fhx__job_entry entry;
    memcpy(&entry, jobs.data + at, sizeof entry);
    entry.record.size = (uint32_t)sizeof entry.record;
    fhx_reply_job(reply, &entry.record);
  }
  fhx__job_entries_free(&jobs);
  if (!is_lost(&now)) pass_on(&now, status, 0);
}

static void list_page(void *user_data, const char *job_id, uint32_t page, uint32_t after_task,
                      uint64_t after_seq, uint32_t limit, fhx_reply *reply) {
  call now;
  fhx__buffer parts = {NULL, 0, 0};
  int32_t status = FHX_OK;
  if (begin(&now, user_data, FAULTY_LIST_PAGE, reply)) {
    status = fhx__store_list_page(now.store->inner, job_id, page, after_task, after_seq, limit,
                                  &parts, &now.error);
  }
  pass_on_parts(&now, status, &parts);
}

/* Passes on what the inner store has listed, and ends it. */
static void pass_on_items(call *now, int32_t status, fhx_reply *items) {
  for (size_t i = 0; !now->faulty && i < fhx__reply_item_count(items); i++) {
    size_t len = 0;
    const char *item = fhx__reply_item_at(items, i, &len);
    fhx_reply_item(now->reply, item, len);
  }
  fhx__reply_end(items);
  if (!is_lost(now)) pass_on(now, status, 0);
}

static void list_lines(void *user_data, const char *job_id, uint64_t first, uint32_t limit,
                       fhx_reply *reply) {
  call now;
  fhx_reply lines;
  if (!begin(&now, user_data, FAULTY_LIST_LINES, reply)) {
    is_lost(&now);
    return;
  }
  int32_t status =
      fhx__store_list_lines(now.store->inner, job_id, first, limit, &lines, &now.error);
  pass_on_items(&now, status, &lines);
}

static void add_members(void *user_data, const fhx_members *members, fhx_reply *reply) {
  call now;
  int32_t status = FHX_OK;
  if (begin(&now, user_data, FAULTY_ADD_MEMBERS, reply)) {
    status = fhx__store_add_members(now.store->inner, members, &now.error);
  }
  if (!is_lost(&now)) pass_on(&now, status, 0);
}

static void list_members(void *user_data, const char *job_id, uint32_t list, const char *after,
                         uint32_t limit, fhx_reply *reply) {
  call now;
  fhx_reply members;
  if (!begin(&now, user_data, FAULTY_LIST_MEMBERS, reply)) {
    is_lost(&now);
    return;
  }
  int32_t status =
      fhx__store_list_members(now.store->inner, job_id, list, after, limit, &members, &now.error);
  pass_on_items(&now, status, &members);
}

static void give_attempt(fhx_reply *reply, const fhx__attempt *attempt) {
  fhx_attempt_record record;
  FHX_INIT(&record);
  record.task_index = attempt->task_index;
  record.phase = attempt->phase;
  record.shard_index = attempt->shard_index;
  record.resource_type = attempt->resource_type;
  record.fence = attempt->fence;
  record.first_seq = attempt->first_seq;
  record.last_seq = attempt->last_seq;
  record.finished = attempt->finished ? 1 : 0;
  record.alive = attempt->alive ? 1 : 0;
  fhx_reply_attempt(reply, &record);
}

static void list_attempts(void *user_data, const char *job_id, uint32_t after_task,
                          uint64_t after_fence, uint32_t limit, fhx_reply *reply) {
  call now;
  fhx__buffer attempts = {NULL, 0, 0};
  int32_t status = FHX_OK;
  if (begin(&now, user_data, FAULTY_LIST_ATTEMPTS, reply)) {
    status = fhx__store_list_attempts(now.store->inner, job_id, after_task, after_fence, limit,
                                      &attempts, &now.error);
  }
  const fhx__attempt *attempt = (const fhx__attempt *)(const void *)attempts.data;
  for (size_t i = 0; !now.faulty && i < attempts.len / sizeof *attempt; i++) {
    give_attempt(reply, &attempt[i]);
  }
  if (!is_lost(&now)) pass_on(&now, status, 0);
  fhx__buffer_free(&attempts);
}

static void clean_job(void *user_data, const char *job_id, fhx_reply *reply) {
  call now;
  int32_t status = FHX_OK;
  int64_t wait_us = 0;
  if (begin(&now, user_data, FAULTY_CLEAN_JOB, reply)) {
    status = fhx__store_clean_job(now.store->inner, job_id, &wait_us, &now.error);
  }
  if (!is_lost(&now)) pass_on(&now, status, wait_us);
}

static void next_cleanup(void *user_data, int64_t keep_us, const char *after_job_id,
                         fhx_reply *reply) {
  call now;
  char job_id[FHX__JOB_ID_LEN + 1];
  int32_t status = FHX_OK;
  if (begin(&now, user_data, FAULTY_NEXT_CLEANUP, reply)) {
    status = fhx__store_next_cleanup(now.store->inner, keep_us, after_job_id, job_id, &now.error);
    if (status == FHX_OK && !now.faulty) fhx_reply_item(reply, job_id, FHX__JOB_ID_LEN);
  }
  /* No job is an answer without an item. */
  if (!is_lost(&now)) pass_on(&now, status == FHX_END ? FHX_OK : status, 0);
}

static void destroy(void *user_data) {
  faulty_store *store = user_data;
  atomic_fetch_add(&store->destroyed, 1);
}

/* --- the object --- */

faulty_store *faulty_store_new(const faulty_knobs *knobs, fhx_store **made) {
  faulty_store *store = calloc(1, sizeof *store);
  assert_non_null(store);
  store->knobs = *knobs;
  fhx_sqlite_store_options memory;
  FHX_INIT(&memory);
  memory.path = ":memory:";
  fhx_sqlite_store_new(&memory, &store->inner, NULL);
  fhx_store_callbacks callbacks;
  FHX_INIT(&callbacks);
  callbacks.create_job = create_job;
  callbacks.read_job = read_job;
  callbacks.claim_task = claim_task;
  callbacks.renew_task = renew_task;
  callbacks.plan_tasks = plan_tasks;
  callbacks.record_checkpoint = record_checkpoint;
  callbacks.release_task = release_task;
  callbacks.read_task = read_task;
  callbacks.remove_job = remove_job;
  callbacks.list_parts = list_parts;
  callbacks.list_lines = list_lines;
  callbacks.list_attempts = list_attempts;
  callbacks.clean_job = clean_job;
  callbacks.next_cleanup = next_cleanup;
  callbacks.add_members = add_members;
  callbacks.list_members = list_members;
  callbacks.add_page = add_page;
  callbacks.list_page = list_page;
  callbacks.hold_job = hold_job;
  callbacks.list_jobs = list_jobs;
  callbacks.destroy = destroy;
  fhx_store_new(&callbacks, store, made, NULL);
  return store;
}

void faulty_store_heal(faulty_store *store) {
  atomic_store(&store->healed, true);
}

uint64_t faulty_store_calls(const faulty_store *store, faulty_step step) {
  return atomic_load(step == FAULTY_STEPS ? &store->all_calls : &store->calls[step]);
}

fhx_store *faulty_store_inner(const faulty_store *store) {
  return store->inner;
}

void faulty_store_end(faulty_store *store) {
  test_require(atomic_load(&store->destroyed) == 1);
  fhx_store_free(store->inner);
  free(store);
}
