/* The records that a store answers with: each is checked, then copied with all its texts. What a
   host's store gives is not trusted: it may come from another version or a damaged database. */
#include "store/records.h"

#include <string.h>

#include "core/names.h"
#include "core/structs.h"

#define CLIENT_MAX 1024

/* --- records that own their texts --- */

void fhx__job_entry_free(fhx__job_entry *entry) {
  fhx__buffer_free(&entry->texts);
  memset(&entry->record, 0, sizeof entry->record);
}

void fhx__job_entries_cut(fhx__buffer *entries, size_t len) {
  for (size_t at = len; at < entries->len; at += sizeof(fhx__job_entry)) {
    fhx__job_entry entry;
    memcpy(&entry, entries->data + at, sizeof entry);
    fhx__job_entry_free(&entry);
  }
  if (len < entries->len) entries->len = len;
}

void fhx__job_entries_free(fhx__buffer *entries) {
  fhx__job_entries_cut(entries, 0);
  fhx__buffer_free(entries);
}

void fhx__task_entry_free(fhx__task_entry *entry) {
  fhx__buffer_free(&entry->texts);
  memset(&entry->record, 0, sizeof entry->record);
}

/* Copies bytes and a NUL into room that is there already, so that earlier copies do not move. */
static const char *keep(fhx__buffer *texts, const void *data, size_t len) {
  char *copy = texts->data + texts->len;
  if (len != 0) memcpy(copy, data, len);
  copy[len] = '\0';
  texts->len += len + 1;
  return copy;
}

static const char *keep_text(fhx__buffer *texts, const char *text) {
  return keep(texts, text, strlen(text));
}

/* "" for NULL, which older or careless stores may give for an empty text. */
static void fill_in(const char **text) {
  if (*text == NULL) *text = "";
}

void fhx__job_record_fill(fhx_job_record *record) {
  fill_in(&record->job_id);
  fill_in(&record->tenant);
  fill_in(&record->client);
  fill_in(&record->request);
  fill_in(&record->definition);
  fill_in(&record->reason);
  fill_in(&record->parameters);
  /* Of a store that does not know it. */
  if (record->resource_mark < record->resource_count) {
    record->resource_mark = record->resource_count;
  }
}

void fhx__task_record_fill(fhx_task_record *record) {
  fill_in(&record->job_id);
  fill_in(&record->resource_type);
  fill_in(&record->last_id);
}

static int32_t set_job(fhx__job_entry *entry, const fhx_job_record *record) {
  const size_t texts_len = strlen(record->job_id) + strlen(record->tenant) +
                           strlen(record->client) + strlen(record->request) +
                           strlen(record->definition) + strlen(record->reason) +
                           strlen(record->parameters) + record->host_context_len + 8;
  fhx__job_entry_free(entry);
  int32_t status = fhx__buffer_reserve(&entry->texts, texts_len);
  if (status != FHX_OK) return status;
  fhx__buffer *texts = &entry->texts;
  entry->record = *record;
  entry->record.job_id = keep_text(texts, record->job_id);
  entry->record.tenant = keep_text(texts, record->tenant);
  entry->record.client = keep_text(texts, record->client);
  entry->record.request = keep_text(texts, record->request);
  entry->record.definition = keep_text(texts, record->definition);
  entry->record.reason = keep_text(texts, record->reason);
  entry->record.parameters = keep_text(texts, record->parameters);
  entry->record.identity = NULL;
  if (record->host_context != NULL) {
    entry->record.host_context = keep(texts, record->host_context, record->host_context_len);
  }
  return FHX_OK;
}

static int32_t set_task(fhx__task_entry *entry, const fhx_task_record *record) {
  const size_t texts_len = strlen(record->job_id) + strlen(record->resource_type) +
                           strlen(record->last_id) + record->shard_len + record->token_len + 5;
  fhx__task_entry_free(entry);
  int32_t status = fhx__buffer_reserve(&entry->texts, texts_len);
  if (status != FHX_OK) return status;
  fhx__buffer *texts = &entry->texts;
  entry->record = *record;
  entry->record.job_id = keep_text(texts, record->job_id);
  entry->record.resource_type = keep_text(texts, record->resource_type);
  entry->record.last_id = keep_text(texts, record->last_id);
  if (record->shard != NULL) entry->record.shard = keep(texts, record->shard, record->shard_len);
  if (record->token != NULL) entry->record.token = keep(texts, record->token, record->token_len);
  return FHX_OK;
}

/* --- what a record must be like --- */

static bool is_opaque(const void *data, size_t len, size_t len_max) {
  return data == NULL ? len == 0 : len <= len_max;
}

static bool is_text(const char *text, size_t len_max) {
  size_t len = strnlen(text, len_max + 1);
  return len <= len_max && fhx__is_utf8(text, len);
}

static bool is_type_or_none(const char *text) {
  return *text == '\0' || fhx__is_type_name(text, strnlen(text, FHX__TYPE_MAX + 1));
}

static const char *job_texts_fault(const fhx_job_record *record) {
  if (*record->tenant != '\0' && !fhx__is_tenant(record->tenant)) {
    return "the job's tenant is malformed";
  }
  if (!is_text(record->client, CLIENT_MAX)) return "the job's client is too long or not UTF-8";
  if (!is_text(record->request, SIZE_MAX / 2) || !is_text(record->definition, SIZE_MAX / 2) ||
      !is_text(record->reason, SIZE_MAX / 2) || !is_text(record->parameters, SIZE_MAX / 2)) {
    return "a text of the job is not UTF-8";
  }
  return NULL;
}

const char *fhx__job_record_fault(const fhx_job_record *record) {
  if (!fhx__is_job_id(record->job_id)) return "the job's id is malformed";
  if (record->state < FHX_JOB_RUNNING || record->state > FHX_JOB_REMOVING) {
    return "the job's state is unknown";
  }
  const char *fault = job_texts_fault(record);
  if (fault != NULL) return fault;
  if (!is_opaque(record->host_context, record->host_context_len, FHX_OPAQUE_MAX)) {
    return "the job's host context is longer than FHX_OPAQUE_MAX, or has a length but no data";
  }
  if (record->resolution_us <= 0) return "the job's resolution is not positive";
  if (record->reason_status > 0) return "the status of the job's reason is no error";
  if (record->cleanup_due > 1) return "the job's cleanup_due is neither 0 nor 1";
  if (record->is_waiting > 1) return "the job's is_waiting is neither 0 nor 1";
  if (record->hold_us < 0) return "the job's hold is negative";
  if (record->task_done_count > record->task_count) return "more tasks are done than the job has";
  return NULL;
}

const char *fhx__task_record_fault(const fhx_task_record *record) {
  if (!fhx__is_job_id(record->job_id)) return "the task's job id is malformed";
  if (record->state < FHX_TASK_WAITING || record->state > FHX_TASK_DONE) {
    return "the task's state is unknown";
  }
  if (record->phase > FHX_PHASE_FINISH) return "the task's phase is unknown";
  if (!is_type_or_none(record->resource_type)) return "the task's type is malformed";
  if (!is_opaque(record->shard, record->shard_len, FHX_OPAQUE_MAX)) {
    return "the task's shard is longer than FHX_OPAQUE_MAX, or has a length but no data";
  }
  if (!is_opaque(record->token, record->token_len, FHX_TOKEN_MAX)) {
    return "the task's token is longer than FHX_TOKEN_MAX, or has a length but no data";
  }
  if (*record->last_id != '\0' &&
      !fhx__is_id(record->last_id, strnlen(record->last_id, FHX__ID_MAX + 1))) {
    return "the task's last id is malformed";
  }
  if (record->first_seq == 0 || record->next_seq < record->first_seq) {
    return "the task's numbers of parts are out of order";
  }
  if (record->state == FHX_TASK_RUNNING && record->fence == 0) return "a running task has no fence";
  return NULL;
}

static bool ends_in_gz(const char *name) {
  const char *dot = strrchr(name, '.');
  return dot != NULL && strcmp(dot, ".gz") == 0;
}

static const char *severities_fault(const fhx_part_record *record) {
  uint64_t errors = record->error_count, warnings = record->warning_count;
  if (errors == 0 && warnings == 0) return NULL;
  if (record->kind != FHX_PART_ERROR) return "the part has severities and no OperationOutcomes";
  if (errors <= record->resource_count && warnings == record->resource_count - errors) return NULL;
  return "the part's severities are not as many as its OperationOutcomes";
}

static const char *encoding_fault(const fhx_part_record *record) {
  switch (record->encoding) {
    case FHX_ENCODING_NONE:
      if (record->stored_byte_count == 0 || record->stored_byte_count == record->byte_count) {
        return NULL;
      }
      return "the part is stored with another length and no encoding";
    case FHX_ENCODING_GZIP:
      if (record->stored_byte_count == 0) return "the part is empty where it is stored";
      return ends_in_gz(record->name) ? NULL : "the part is in gzip and its name does not say so";
    default:
      return "the part's encoding is unknown";
  }
}

const char *fhx__part_record_fault(const fhx_part_record *record) {
  if (record->kind > FHX_PART_DELETED) return "the part's kind is unknown";
  if (record->name == NULL || !fhx__is_part_name(record->name)) {
    return "the part's name is malformed";
  }
  if (record->resource_type == NULL || !is_type_or_none(record->resource_type)) {
    return "the part's type is malformed";
  }
  if ((record->flags & ~FHX_PART_CONTINUES) != 0) return "the part has a flag that is unknown";
  if (record->resource_count == 0 || record->byte_count == 0) return "the part is empty";
  if (record->fence == 0 || record->seq == 0) return "the part has no fence or no number";
  const char *fault = severities_fault(record);
  return fault == NULL ? encoding_fault(record) : fault;
}

static const char *attempt_fault(const fhx_attempt_record *record) {
  if (record->phase > FHX_PHASE_FINISH) return "the attempt's phase is unknown";
  if (record->resource_type != NULL && !is_type_or_none(record->resource_type)) {
    return "the attempt's type is malformed";
  }
  if (record->fence == 0) return "the attempt has no fence";
  if (record->first_seq == 0 || record->last_seq < record->first_seq - 1 ||
      record->last_seq == UINT64_MAX) {
    return "the attempt's numbers of parts are out of order";
  }
  if (record->finished > 1) return "the attempt's finished is neither 0 nor 1";
  if (record->alive > 1) return "the attempt's alive is neither 0 nor 1";
  return NULL;
}

/* --- the public answers --- */

/* Copies the structure that came in; breaks the reply if it does not fit. */
static int32_t take(fhx_reply *reply, uint32_t kind, void *local, size_t known, const void *given,
                    const char *name) {
  if (reply == NULL) return FHX_ERR_ARGUMENT;
  if (!fhx__reply_accepts(reply, kind)) return FHX_ERR_MISUSE;
  int32_t status = fhx__struct_in(local, known, given, name, NULL);
  if (status != FHX_OK) {
    return fhx__reply_break(reply, status, "the record is NULL or its size does not fit");
  }
  return FHX_OK;
}

/* A record was taken, and fhx_reply_done is still to come. */
static int32_t taken(fhx_reply *reply, int32_t status) {
  if (status != FHX_OK) return fhx__reply_break(reply, status, "out of memory");
  fhx_reply_fail(reply, FHX_ERR_NO_ANSWER, 0, "the callback did not finish its answer");
  return reply->broken ? reply->status : FHX_OK;
}

/* NULL, or why this job may not come next in a list; moves the place on. */
static const char *listed_job_fault(fhx__store_answer *answer, const fhx_job_record *record) {
  if (answer->room == 0) return "the list has more entries than were asked for";
  if ((answer->states & (1u << (record->state - 1))) == 0 ||
      (answer->tenant != NULL && strcmp(answer->tenant, record->tenant) != 0) ||
      (answer->client != NULL && strcmp(answer->client, record->client) != 0)) {
    return "the list has a job that was not asked for";
  }
  if (record->created_us < answer->after_created_us ||
      (record->created_us == answer->after_created_us &&
       strcmp(record->job_id, answer->after_job_id) <= 0)) {
    return "the list is not in ascending order";
  }
  answer->room--;
  return NULL;
}

/* Its id is the place behind which the next must lie, in the memory of its entry. */
static int32_t add_job(fhx__store_answer *answer, const fhx_job_record *record) {
  fhx__job_entry entry;
  memset(&entry, 0, sizeof entry);
  int32_t status = set_job(&entry, record);
  if (status == FHX_OK) status = fhx__buffer_append(answer->jobs, &entry, sizeof entry);
  if (status != FHX_OK) {
    fhx__job_entry_free(&entry);
    return status;
  }
  answer->after_created_us = record->created_us;
  answer->after_job_id = entry.record.job_id;
  return FHX_OK;
}

static int32_t take_listed_job(fhx_reply *reply, const fhx_job_record *record) {
  fhx__store_answer *answer = reply->records;
  const char *fault = fhx__job_record_fault(record);
  if (fault == NULL) fault = listed_job_fault(answer, record);
  if (fault != NULL) return fhx__reply_break(reply, FHX_ERR_ARGUMENT, fault);
  return taken(reply, add_job(answer, record));
}

int32_t fhx_reply_job(fhx_reply *reply, const fhx_job_record *given) {
  fhx_job_record record;
  int32_t status = take(reply, FHX__ACCEPT_JOB, &record, sizeof record, given, "fhx_job_record");
  if (status != FHX_OK) return status;
  fhx__store_answer *answer = reply->records;
  fhx__job_record_fill(&record);
  if (answer->jobs != NULL) return take_listed_job(reply, &record);
  const char *fault = fhx__job_record_fault(&record);
  if (fault == NULL && strcmp(record.job_id, answer->job_id) != 0) {
    fault = "the record is another job's";
  }
  if (fault != NULL) return fhx__reply_break(reply, FHX_ERR_ARGUMENT, fault);
  status = set_job(answer->job, &record);
  answer->given = status == FHX_OK;
  return taken(reply, status);
}

int32_t fhx_reply_task(fhx_reply *reply, const fhx_task_record *given) {
  fhx_task_record record;
  int32_t status = take(reply, FHX__ACCEPT_TASK, &record, sizeof record, given, "fhx_task_record");
  if (status != FHX_OK) return status;
  fhx__store_answer *answer = reply->records;
  fhx__task_record_fill(&record);
  const char *fault = fhx__task_record_fault(&record);
  if (fault == NULL && answer->job_id != NULL && strcmp(record.job_id, answer->job_id) != 0) {
    fault = "the record is another job's";
  }
  if (fault != NULL) return fhx__reply_break(reply, FHX_ERR_ARGUMENT, fault);
  status = set_task(answer->task, &record);
  answer->given = status == FHX_OK;
  return taken(reply, status);
}

/* NULL, or why an entry at this place may not come next; moves the place on. */
static const char *place_fault(fhx__store_answer *answer, uint32_t task_index, uint64_t number) {
  if (answer->room == 0) return "the list has more entries than were asked for";
  if (task_index < answer->after_task ||
      (task_index == answer->after_task && number <= answer->after_number)) {
    return "the list is not in ascending order";
  }
  answer->room--;
  answer->after_task = task_index;
  answer->after_number = number;
  return NULL;
}

void fhx__part_of_record(const fhx_part_record *record, fhx_part *part) {
  memset(part, 0, sizeof *part);
  part->kind = record->kind;
  part->task_index = record->task_index;
  part->fence = record->fence;
  part->seq = record->seq;
  part->resource_count = record->resource_count;
  part->byte_count = record->byte_count;
  part->encoding = record->encoding;
  part->flags = record->flags;
  part->stored_byte_count = record->stored_byte_count;
  part->error_count = record->error_count;
  part->warning_count = record->warning_count;
  part->crc32c = record->crc32c;
  part->has_sha256 = record->sha256 != NULL;
  if (part->has_sha256) memcpy(part->sha256, record->sha256, sizeof part->sha256);
  memcpy(part->resource_type, record->resource_type, strlen(record->resource_type));
  memcpy(part->name, record->name, strlen(record->name));
}

int32_t fhx_reply_part(fhx_reply *reply, const fhx_part_record *given) {
  fhx_part_record record;
  int32_t status = take(reply, FHX__ACCEPT_PARTS, &record, sizeof record, given, "fhx_part_record");
  if (status != FHX_OK) return status;
  fhx__store_answer *answer = reply->records;
  const char *fault = fhx__part_record_fault(&record);
  if (fault == NULL) fault = place_fault(answer, record.task_index, record.seq);
  if (fault != NULL) return fhx__reply_break(reply, FHX_ERR_ARGUMENT, fault);
  fhx_part part;
  fhx__part_of_record(&record, &part);
  return taken(reply, fhx__buffer_append(answer->parts, &part, sizeof part));
}

int32_t fhx_reply_attempt(fhx_reply *reply, const fhx_attempt_record *given) {
  fhx_attempt_record record;
  int32_t status =
      take(reply, FHX__ACCEPT_ATTEMPTS, &record, sizeof record, given, "fhx_attempt_record");
  if (status != FHX_OK) return status;
  fhx__store_answer *answer = reply->records;
  fill_in(&record.resource_type);
  const char *fault = attempt_fault(&record);
  if (fault == NULL) fault = place_fault(answer, record.task_index, record.fence);
  if (fault != NULL) return fhx__reply_break(reply, FHX_ERR_ARGUMENT, fault);
  fhx__attempt attempt;
  memset(&attempt, 0, sizeof attempt);
  attempt.task_index = record.task_index;
  attempt.phase = record.phase;
  attempt.shard_index = record.shard_index;
  attempt.fence = record.fence;
  attempt.first_seq = record.first_seq;
  attempt.last_seq = record.last_seq;
  attempt.finished = record.finished == 1;
  attempt.alive = record.alive == 1;
  memcpy(attempt.resource_type, record.resource_type, strlen(record.resource_type));
  return taken(reply, fhx__buffer_append(answer->attempts, &attempt, sizeof attempt));
}
