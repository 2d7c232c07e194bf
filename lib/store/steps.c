/* One function for each step of a store: begin a reply, call the host, judge what it answered. */
#include <string.h>

#include "core/error.h"
#include "core/names.h"
#include "store/handle.h"
#include "store/records.h"

/* The least time that a store's "wait" means: a host's 0 must not become a busy loop. */
#define WAIT_MIN_US 1000
/* How many texts one add_members takes: no store shall have to hold its lock for more. */
#define MEMBERS_MAX 10000

static void begin(fhx_reply *reply, uint32_t accepts, fhx__store_answer *answer) {
  fhx__reply_begin(reply, accepts, "the callback");
  reply->records = answer;
}

/* An answer out of contract is the store's fault; one that did not come may come next time. */
static int32_t judge(fhx_reply *reply, const char *who, fhx_error **error) {
  if (reply->broken && reply->status != FHX_ERR_NO_MEMORY) reply->status = FHX_ERR_STORE;
  if (reply->status == FHX_ERR_NO_ANSWER) reply->retryable = 1;
  return fhx__reply_status(reply, who, error);
}

/* The same for a reply that nothing was collected in. */
static int32_t finish(fhx_reply *reply, const char *who, fhx_error **error) {
  int32_t status = judge(reply, who, error);
  fhx__reply_end(reply);
  return status;
}

static int64_t wait_of(const fhx_reply *reply) {
  return reply->wait_us < WAIT_MIN_US ? WAIT_MIN_US : reply->wait_us;
}

/* NULL, or what is wrong with the job that a create_job is to be joined to. */
static const char *take_joined(const fhx_reply *reply, char joined[FHX__JOB_ID_LEN + 1]) {
  size_t len = 0;
  if (fhx__reply_item_count(reply) == 0) return NULL;
  if (fhx__reply_item_count(reply) > 1) return "it gave more than one job";
  const char *item = fhx__reply_item_at(reply, 0, &len);
  if (len != FHX__JOB_ID_LEN) return "the job's id is malformed";
  memcpy(joined, item, len);
  joined[len] = '\0';
  return fhx__is_job_id(joined) ? NULL : "the job's id is malformed";
}

int32_t fhx__store_join_job(fhx_store *store, const fhx_job_record *given,
                            char joined[FHX__JOB_ID_LEN + 1], fhx_error **error) {
  static const char who[] = "the store's create_job";
  fhx_job_record record = *given;
  *joined = '\0';
  record.size = (uint32_t)sizeof record;
  record.state = FHX_JOB_RUNNING;
  fhx__job_record_fill(&record);
  const char *fault = fhx__job_record_fault(&record);
  if (fault != NULL) return fhx__fail(error, FHX_ERR_ARGUMENT, "%s", fault);
  fhx_reply reply;
  begin(&reply, FHX__ACCEPT_DONE | (record.identity == NULL ? 0 : FHX__ACCEPT_ITEMS), NULL);
  reply.until_us = store->until_us;
  store->callbacks.create_job(store->user_data, &record, &reply);
  int32_t status = judge(&reply, who, error);
  if (status == FHX_OK) fault = take_joined(&reply, joined);
  fhx__reply_end(&reply);
  if (fault == NULL) return status;
  *joined = '\0';
  return fhx__fail(error, FHX_ERR_STORE, "%s: %s", who, fault);
}

int32_t fhx__store_read_job(fhx_store *store, const char *job_id, fhx__job_entry *entry,
                            fhx_error **error) {
  static const char who[] = "the store's read_job";
  fhx__store_answer answer = {.job_id = job_id, .job = entry};
  fhx_reply reply;
  begin(&reply, FHX__ACCEPT_DONE | FHX__ACCEPT_JOB, &answer);
  reply.until_us = store->until_us;
  store->callbacks.read_job(store->user_data, job_id, &reply);
  int32_t status = finish(&reply, who, error);
  if (status == FHX_OK && !answer.given) {
    status = fhx__fail(error, FHX_ERR_STORE, "%s: it is done without a job", who);
  }
  if (status != FHX_OK) fhx__job_entry_free(entry);
  return status;
}

/* What a claim must have given out. */
static const char *claim_fault(const fhx__store_answer *answer) {
  if (!answer->given) return "it is done without a task";
  if (answer->task->record.state != FHX_TASK_RUNNING) return "it gave out a task that does not run";
  return NULL;
}

int32_t fhx__store_claim_task(fhx_store *store, const char *job_id, const char *claim_id,
                              int64_t lease_us, uint32_t attempts_max, fhx__task_entry *entry,
                              int64_t *wait_us, fhx_error **error) {
  static const char who[] = "the store's claim_task";
  fhx__store_answer answer = {.job_id = job_id, .task = entry};
  fhx_reply reply;
  begin(&reply, FHX__ACCEPT_DONE | FHX__ACCEPT_TASK | FHX__ACCEPT_WAIT | FHX__ACCEPT_END, &answer);
  store->callbacks.claim_task(store->user_data, job_id, claim_id, lease_us, attempts_max, &reply);
  int32_t status = finish(&reply, who, error);
  const char *fault = status == FHX_OK ? claim_fault(&answer) : NULL;
  if (fault != NULL) status = fhx__fail(error, FHX_ERR_STORE, "%s: %s", who, fault);
  if (status != FHX_OK) fhx__task_entry_free(entry);
  if (status == FHX_WAIT) *wait_us = wait_of(&reply);
  return status;
}

int32_t fhx__store_renew_task(fhx_store *store, const char *job_id, uint32_t task_index,
                              uint64_t fence, uint64_t last_seq, uint64_t resource_count,
                              int64_t lease_us, fhx_error **error) {
  fhx_reply reply;
  begin(&reply, FHX__ACCEPT_DONE, NULL);
  store->callbacks.renew_task(store->user_data, job_id, task_index, fence, last_seq, resource_count,
                              lease_us, &reply);
  return finish(&reply, "the store's renew_task", error);
}

static const char *plan_fault(const fhx_plan *plan) {
  for (uint32_t i = 0; i < plan->task_count; i++) {
    if (plan->tasks[i].task_index != i + 1) return "the plan's tasks are not numbered from 1";
    fhx_task_record task = plan->tasks[i];
    task.job_id = plan->job_id;
    task.state = FHX_TASK_WAITING;
    task.next_seq = task.first_seq = 1;
    fhx__task_record_fill(&task);
    const char *fault = fhx__task_record_fault(&task);
    if (fault != NULL) return fault;
  }
  return NULL;
}

int32_t fhx__store_plan_tasks(fhx_store *store, const fhx_plan *plan, fhx_error **error) {
  const char *fault = plan_fault(plan);
  if (fault != NULL) return fhx__fail(error, FHX_ERR_ARGUMENT, "%s", fault);
  fhx_reply reply;
  begin(&reply, FHX__ACCEPT_DONE, NULL);
  store->callbacks.plan_tasks(store->user_data, plan, &reply);
  return finish(&reply, "the store's plan_tasks", error);
}

static const char *part_fault(const fhx_checkpoint *checkpoint, const fhx_part *part) {
  if (part->seq < checkpoint->seq || part->seq >= checkpoint->next_seq) {
    return "a part of the checkpoint has a number outside it";
  }
  const fhx_part_record record = {.kind = part->kind,
                                  .name = part->name,
                                  .resource_type = part->resource_type,
                                  .resource_count = part->resource_count,
                                  .byte_count = part->byte_count,
                                  .fence = part->fence,
                                  .seq = part->seq,
                                  .stored_byte_count = fhx_part_stored_byte_count(part),
                                  .encoding = part->encoding,
                                  .flags = part->flags,
                                  .error_count = part->error_count,
                                  .warning_count = part->warning_count};
  return fhx__part_record_fault(&record);
}

/* A checkpoint that leaves next_seq where it is could be taken twice when its answer is lost; one
   that ends its task could not. */
static const char *checkpoint_fault(const fhx_checkpoint *checkpoint) {
  if (checkpoint->seq == 0 || checkpoint->next_seq < checkpoint->seq ||
      (checkpoint->next_seq == checkpoint->seq && checkpoint->done == 0)) {
    return "a checkpoint must move the number of the next part on";
  }
  if (checkpoint->token_len > FHX_TOKEN_MAX) return "the token is longer than FHX_TOKEN_MAX";
  const char *last_id = fhx_checkpoint_last_id(checkpoint);
  if (*last_id != '\0' && !fhx__is_id(last_id, strnlen(last_id, FHX__ID_MAX + 1))) {
    return "the last id is malformed";
  }
  const char *fault = NULL;
  for (uint32_t i = 0; i < checkpoint->part_count && fault == NULL; i++) {
    fault = part_fault(checkpoint, &checkpoint->parts[i]);
  }
  return fault;
}

int32_t fhx__store_record_checkpoint(fhx_store *store, const fhx_checkpoint *checkpoint,
                                     fhx_error **error) {
  const char *fault = checkpoint_fault(checkpoint);
  if (fault != NULL) return fhx__fail(error, FHX_ERR_ARGUMENT, "%s", fault);
  fhx_reply reply;
  begin(&reply, FHX__ACCEPT_DONE, NULL);
  store->callbacks.record_checkpoint(store->user_data, checkpoint, &reply);
  return finish(&reply, "the store's record_checkpoint", error);
}

static bool is_list(uint32_t list) {
  return list >= FHX_MEMBERS_PATIENT && list <= FHX_MEMBERS_TARGETS;
}

/* An empty text could never be listed: "" is the place before all. */
static const char *members_fault(const fhx_members *members) {
  if (!is_list(members->list)) return "there is no such list of members";
  if (members->count > MEMBERS_MAX) return "more than 10,000 members at once";
  const char *before = "";
  for (uint32_t i = 0; i < members->count; i++) {
    const char *text = members->texts[i];
    if (text == NULL || *text == '\0') return "a member is empty";
    if (!fhx__is_utf8(text, strlen(text))) return "a member is not UTF-8";
    if (strcmp(text, before) < 0) return "the members are not in ascending order";
    before = text;
  }
  return NULL;
}

int32_t fhx__store_add_members(fhx_store *store, const fhx_members *members, fhx_error **error) {
  const char *fault = members_fault(members);
  if (fault != NULL) return fhx__fail(error, FHX_ERR_ARGUMENT, "%s", fault);
  fhx_reply reply;
  begin(&reply, FHX__ACCEPT_DONE, NULL);
  store->callbacks.add_members(store->user_data, members, &reply);
  return finish(&reply, "the store's add_members", error);
}

int32_t fhx__store_release_task(fhx_store *store, const char *job_id, uint32_t task_index,
                                uint64_t fence, uint32_t how, uint32_t attempts_max, int32_t status,
                                const char *reason, fhx_error **error) {
  /* The message of an error may have been cut in the middle of a character. */
  const char *text = reason == NULL ? "" : reason;
  if (!fhx__is_utf8(text, strlen(text))) text = "its reason could not be stored";
  fhx_reply reply;
  begin(&reply, FHX__ACCEPT_DONE, NULL);
  store->callbacks.release_task(store->user_data, job_id, task_index, fence, how, attempts_max,
                                status, text, &reply);
  return finish(&reply, "the store's release_task", error);
}

int32_t fhx__store_read_task(fhx_store *store, const char *job_id, uint32_t task_index,
                             fhx__task_entry *entry, fhx_error **error) {
  static const char who[] = "the store's read_task";
  fhx__store_answer answer = {.job_id = job_id, .task = entry};
  fhx_reply reply;
  begin(&reply, FHX__ACCEPT_DONE | FHX__ACCEPT_TASK, &answer);
  store->callbacks.read_task(store->user_data, job_id, task_index, &reply);
  int32_t status = finish(&reply, who, error);
  if (status == FHX_OK && (!answer.given || entry->record.task_index != task_index)) {
    status = fhx__fail(error, FHX_ERR_STORE, "%s: it is done without the task", who);
  }
  if (status != FHX_OK) fhx__task_entry_free(entry);
  return status;
}

int32_t fhx__store_remove_job(fhx_store *store, const char *job_id, fhx_error **error) {
  fhx_reply reply;
  begin(&reply, FHX__ACCEPT_DONE, NULL);
  reply.until_us = store->until_us;
  store->callbacks.remove_job(store->user_data, job_id, &reply);
  return finish(&reply, "the store's remove_job", error);
}

int32_t fhx__store_list_parts(fhx_store *store, const char *job_id, uint32_t after_task,
                              uint64_t after_seq, uint32_t limit, fhx__buffer *parts,
                              fhx_error **error) {
  const size_t before = parts->len;
  fhx__store_answer answer = {
      .parts = parts, .room = limit, .after_task = after_task, .after_number = after_seq};
  fhx_reply reply;
  begin(&reply, FHX__ACCEPT_DONE | FHX__ACCEPT_PARTS, &answer);
  reply.until_us = store->until_us;
  store->callbacks.list_parts(store->user_data, job_id, after_task, after_seq, limit, &reply);
  int32_t status = finish(&reply, "the store's list_parts", error);
  if (status != FHX_OK) parts->len = before;
  return status;
}

static int32_t no_pages(fhx_error **error) {
  return fhx__fail(error, FHX_ERR_UNSUPPORTED, "the store makes no pages");
}

int32_t fhx__store_add_page(fhx_store *store, const char *job_id, uint32_t page, uint32_t count_max,
                            fhx_error **error) {
  if (!fhx__store_has_pages(store)) return no_pages(error);
  if (page == 0 || count_max == 0) {
    return fhx__fail(error, FHX_ERR_ARGUMENT, "pages are counted from 1 and are not empty");
  }
  fhx_reply reply;
  begin(&reply, FHX__ACCEPT_DONE, NULL);
  reply.until_us = store->until_us;
  store->callbacks.add_page(store->user_data, job_id, page, count_max, &reply);
  return finish(&reply, "the store's add_page", error);
}

int32_t fhx__store_list_page(fhx_store *store, const char *job_id, uint32_t page,
                             uint32_t after_task, uint64_t after_seq, uint32_t limit,
                             fhx__buffer *parts, fhx_error **error) {
  if (!fhx__store_has_pages(store)) return no_pages(error);
  const size_t before = parts->len;
  fhx__store_answer answer = {
      .parts = parts, .room = limit, .after_task = after_task, .after_number = after_seq};
  fhx_reply reply;
  begin(&reply, FHX__ACCEPT_DONE | FHX__ACCEPT_PARTS, &answer);
  reply.until_us = store->until_us;
  store->callbacks.list_page(store->user_data, job_id, page, after_task, after_seq, limit, &reply);
  int32_t status = finish(&reply, "the store's list_page", error);
  if (status != FHX_OK) parts->len = before;
  return status;
}

int32_t fhx__store_hold_job(fhx_store *store, const char *job_id, int64_t hold_us,
                            fhx_error **error) {
  if (!fhx__store_has_holds(store)) {
    return fhx__fail(error, FHX_ERR_UNSUPPORTED, "the store holds no jobs");
  }
  fhx_reply reply;
  begin(&reply, FHX__ACCEPT_DONE, NULL);
  store->callbacks.hold_job(store->user_data, job_id, hold_us, &reply);
  return finish(&reply, "the store's hold_job", error);
}

static const char *job_list_fault(uint32_t states, const char *tenant, const char *client) {
  const uint32_t all = FHX_JOBS_RUNNING | FHX_JOBS_COMPLETE | FHX_JOBS_FAILED | FHX_JOBS_REMOVING;
  if (states == 0 || (states & ~all) != 0) return "states is no sum of FHX_JOBS_...";
  return tenant == NULL && client != NULL ? "a client is one of its tenant" : NULL;
}

int32_t fhx__store_list_jobs(fhx_store *store, uint32_t states, const char *tenant,
                             const char *client, int64_t after_created_us, const char *after_job_id,
                             uint32_t limit, fhx__buffer *jobs, fhx_error **error) {
  if (!fhx__store_has_job_lists(store)) {
    return fhx__fail(error, FHX_ERR_UNSUPPORTED, "the store lists no jobs");
  }
  const size_t before = jobs->len;
  const char *fault = job_list_fault(states, tenant, client);
  if (fault != NULL) return fhx__fail(error, FHX_ERR_ARGUMENT, "%s", fault);
  fhx__store_answer answer = {.jobs = jobs,
                              .room = limit,
                              .states = states,
                              .tenant = tenant,
                              .client = client,
                              .after_created_us = after_created_us,
                              .after_job_id = after_job_id};
  fhx_reply reply;
  begin(&reply, FHX__ACCEPT_DONE | FHX__ACCEPT_JOB, &answer);
  reply.until_us = store->until_us;
  store->callbacks.list_jobs(store->user_data, states, tenant, client, after_created_us,
                             after_job_id, limit, &reply);
  int32_t status = finish(&reply, "the store's list_jobs", error);
  if (status != FHX_OK) fhx__job_entries_cut(jobs, before);
  return status;
}

int32_t fhx__store_list_attempts(fhx_store *store, const char *job_id, uint32_t after_task,
                                 uint64_t after_fence, uint32_t limit, fhx__buffer *attempts,
                                 fhx_error **error) {
  const size_t before = attempts->len;
  fhx__store_answer answer = {
      .attempts = attempts, .room = limit, .after_task = after_task, .after_number = after_fence};
  fhx_reply reply;
  begin(&reply, FHX__ACCEPT_DONE | FHX__ACCEPT_ATTEMPTS, &answer);
  store->callbacks.list_attempts(store->user_data, job_id, after_task, after_fence, limit, &reply);
  int32_t status = finish(&reply, "the store's list_attempts", error);
  if (status != FHX_OK) attempts->len = before;
  return status;
}

int32_t fhx__store_list_lines(fhx_store *store, const char *job_id, uint64_t first, uint32_t limit,
                              fhx_reply *lines, fhx_error **error) {
  static const char who[] = "the store's list_lines";
  begin(lines, FHX__ACCEPT_DONE | FHX__ACCEPT_ITEMS, NULL);
  store->callbacks.list_lines(store->user_data, job_id, first, limit, lines);
  int32_t status = judge(lines, who, error);
  if (status == FHX_OK && fhx__reply_item_count(lines) > limit) {
    return fhx__fail(error, FHX_ERR_STORE, "%s: the list has more entries than were asked for",
                     who);
  }
  return status;
}

/* Whether text `a` comes before text `b`, byte by byte. */
static bool is_before(const char *a, size_t a_len, const char *b, size_t b_len) {
  int order = memcmp(a, b, a_len < b_len ? a_len : b_len);
  return order < 0 || (order == 0 && a_len < b_len);
}

/* NULL, or why the items are no texts of a list behind `after`. A list that does not lead on would
   keep its reader going for ever. */
static const char *listed_fault(const fhx_reply *members, const char *after, uint32_t limit) {
  const size_t count = fhx__reply_item_count(members);
  if (count > limit) return "the list has more entries than were asked for";
  const char *before = after;
  size_t before_len = strlen(after);
  for (size_t i = 0; i < count; i++) {
    size_t len = 0;
    const char *text = fhx__reply_item_at(members, i, &len);
    if (len == 0 || !is_before(before, before_len, text, len)) {
      return "the list is not in ascending order";
    }
    if (memchr(text, '\0', len) != NULL || !fhx__is_utf8(text, len)) return "a member is no text";
    before = text;
    before_len = len;
  }
  return NULL;
}

int32_t fhx__store_list_members(fhx_store *store, const char *job_id, uint32_t list,
                                const char *after, uint32_t limit, fhx_reply *members,
                                fhx_error **error) {
  static const char who[] = "the store's list_members";
  begin(members, FHX__ACCEPT_DONE | FHX__ACCEPT_ITEMS, NULL);
  if (!is_list(list)) {
    return fhx__fail(error, FHX_ERR_ARGUMENT, "there is no such list of members");
  }
  store->callbacks.list_members(store->user_data, job_id, list, after, limit, members);
  int32_t status = judge(members, who, error);
  const char *fault = status == FHX_OK ? listed_fault(members, after, limit) : NULL;
  return fault == NULL ? status : fhx__fail(error, FHX_ERR_STORE, "%s: %s", who, fault);
}

int32_t fhx__store_clean_job(fhx_store *store, const char *job_id, int64_t *wait_us,
                             fhx_error **error) {
  fhx_reply reply;
  begin(&reply, FHX__ACCEPT_DONE | FHX__ACCEPT_WAIT, NULL);
  reply.until_us = store->until_us;
  store->callbacks.clean_job(store->user_data, job_id, &reply);
  int32_t status = finish(&reply, "the store's clean_job", error);
  if (status == FHX_WAIT) *wait_us = wait_of(&reply);
  return status;
}

/* NULL, or what is wrong with the one item that next_cleanup gave. An id that does not lead on
   would keep its reader going for ever. */
static const char *take_next_cleanup(const fhx_reply *reply, const char *after_job_id,
                                     char job_id[FHX__JOB_ID_LEN + 1]) {
  size_t len = 0;
  if (fhx__reply_item_count(reply) > 1) return "it gave more than one job";
  const char *item = fhx__reply_item_at(reply, 0, &len);
  if (len != FHX__JOB_ID_LEN) return "the job's id is malformed";
  memcpy(job_id, item, len);
  job_id[len] = '\0';
  if (!fhx__is_job_id(job_id)) return "the job's id is malformed";
  if (after_job_id != NULL && strcmp(job_id, after_job_id) <= 0) {
    return "the job's id is not greater than the one before";
  }
  return NULL;
}

int32_t fhx__store_next_cleanup(fhx_store *store, int64_t keep_us, const char *after_job_id,
                                char job_id[FHX__JOB_ID_LEN + 1], fhx_error **error) {
  static const char who[] = "the store's next_cleanup";
  char given[FHX__JOB_ID_LEN + 1] = "";
  fhx_reply reply;
  begin(&reply, FHX__ACCEPT_DONE | FHX__ACCEPT_ITEMS, NULL);
  store->callbacks.next_cleanup(store->user_data, keep_us, after_job_id, &reply);
  int32_t status = judge(&reply, who, error);
  if (status == FHX_OK && fhx__reply_item_count(&reply) == 0) status = FHX_END;
  const char *fault = status == FHX_OK ? take_next_cleanup(&reply, after_job_id, given) : NULL;
  fhx__reply_end(&reply);
  if (fault != NULL) status = fhx__fail(error, FHX_ERR_STORE, "%s: %s", who, fault);
  if (status == FHX_OK) memcpy(job_id, given, sizeof given);
  return status;
}
