/*
 * What a store gives back: any bytes. The first byte names a step. For `d` the rest is the
 * definition of a job; else it is a script of answers, true ones and lies, of every kind: done,
 * wait, failed, records, items. What comes through is in order, and a copy that does not need the
 * store's memory; everything else is an error that says so.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "job/job.h"
#include "store/store.h"

#define JOB "0123456789abcdef0123456789abcdef"
#define LIMIT 4
#define AFTER_TASK 1
#define AFTER_NUMBER 2
#define AFTER_TEXT "b"
#define AFTER_JOB "00000000000000000000000000000001"
#define ANSWERS_MAX 16
#define TEXTS_MAX 128

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds, const char *what) {
  if (holds) return;
  fprintf(stderr, "does not hold: %s\n", what);
  abort();
}

/* --- the script --- */

typedef struct script {
  const uint8_t *at;
  const uint8_t *end;
  /* Blocks of exactly the texts' size, gone when the callback returns. */
  void *texts[TEXTS_MAX];
  size_t text_count;
} script;

static uint8_t next_byte(script *of) {
  return of->at == of->end ? 0 : *of->at++;
}

/* Mostly small; 255 is followed by eight bytes, 254 is the greatest. */
static uint64_t next_number(script *of) {
  uint64_t value = next_byte(of);
  if (value < 254) return value;
  if (value == 254) return UINT64_MAX;
  value = 0;
  for (int i = 0; i < 8; i++) value = value << 8 | next_byte(of);
  return value;
}

static void *keep(script *of, const void *data, size_t len, bool is_text) {
  must(of->text_count < TEXTS_MAX, "an answer has a few texts");
  char *copy = malloc(len + 1);
  must(copy != NULL, "there is memory");
  memcpy(copy, data, len);
  /* What is no text has no NUL behind it. */
  if (is_text) copy[len] = '\0';
  if (!is_text && len != 0) copy = realloc(copy, len);
  of->texts[of->text_count++] = copy;
  return copy;
}

static void forget_texts(script *of) {
  for (size_t i = 0; i < of->text_count; i++) free(of->texts[i]);
  of->text_count = 0;
}

/* A length and so many bytes; 255: NULL, 254: the usual one, 253: one that is too long. */
static const void *next_data(script *of, const char *usual, size_t *len, bool is_text) {
  static char huge[5000];
  size_t wanted = next_byte(of);
  *len = 0;
  if (wanted == 255) return NULL;
  if (wanted == 254) {
    *len = strlen(usual);
    return keep(of, usual, *len, is_text);
  }
  if (wanted == 253) {
    memset(huge, 'a', sizeof huge);
    *len = sizeof huge;
    return keep(of, huge, *len, is_text);
  }
  if (wanted > (size_t)(of->end - of->at)) wanted = (size_t)(of->end - of->at);
  const void *copy = keep(of, of->at, wanted, is_text);
  of->at += wanted;
  *len = wanted;
  return copy;
}

static const char *next_text(script *of, const char *usual) {
  size_t len = 0;
  return next_data(of, usual, &len, true);
}

/* That of a host which knows fewer members: it ends where one of them does. */
static uint32_t older_size(script *of, size_t size) {
  return (uint32_t)(next_number(of) % (size / 8 + 1)) * 8;
}

/* --- answers --- */

static void give_job(script *of, fhx_reply *reply) {
  fhx_job_record record;
  FHX_INIT(&record);
  record.job_id = next_text(of, JOB);
  record.state = (uint32_t)next_number(of);
  record.tenant = next_text(of, "north");
  record.client = next_text(of, "app");
  record.request = next_text(of, "https://a/$export");
  record.definition = next_text(of, "{}");
  record.host_context = next_data(of, "context", &record.host_context_len, false);
  record.resolution_us = (int64_t)next_number(of);
  record.transaction_time_us = (int64_t)next_number(of);
  record.reason = next_text(of, "");
  record.reason_status = (int32_t)(uint32_t)next_number(of);
  record.cleanup_due = (uint32_t)next_number(of);
  record.task_count = next_number(of);
  record.task_done_count = next_number(of);
  record.resource_count = next_number(of);
  record.resource_mark = next_number(of);
  record.hold_us = (int64_t)next_number(of);
  if (next_byte(of) == 7) record.size = older_size(of, sizeof record);
  if (next_byte(of) == 7) record.host_context = NULL;
  fhx_reply_job(reply, &record);
}

static void give_task(script *of, fhx_reply *reply) {
  fhx_task_record record;
  FHX_INIT(&record);
  record.job_id = next_text(of, JOB);
  record.state = (uint32_t)next_number(of);
  record.task_index = (uint32_t)next_number(of);
  record.phase = (uint32_t)next_number(of);
  record.resource_type = next_text(of, "Patient");
  record.shard = next_data(of, "a/b", &record.shard_len, false);
  record.fence = next_number(of);
  record.first_seq = next_number(of);
  record.next_seq = next_number(of);
  record.token = next_data(of, "token", &record.token_len, false);
  record.last_id = next_text(of, "id");
  if (next_byte(of) == 7) record.size = older_size(of, sizeof record);
  if (next_byte(of) == 7) record.token = NULL;
  fhx_reply_task(reply, &record);
}

static void give_part(script *of, fhx_reply *reply) {
  static const uint8_t digest[32] = {1, 2, 3};
  fhx_part_record record;
  FHX_INIT(&record);
  record.task_index = (uint32_t)next_number(of);
  record.seq = next_number(of);
  record.kind = (uint32_t)next_number(of);
  record.name = next_text(of, JOB "/Patient-0-1-1.ndjson");
  record.resource_type = next_text(of, "Patient");
  record.resource_count = next_number(of);
  record.byte_count = next_number(of);
  record.fence = next_number(of);
  record.encoding = (uint32_t)next_number(of);
  record.stored_byte_count = next_number(of);
  record.flags = (uint32_t)next_number(of);
  record.sha256 = next_byte(of) % 2 == 0 ? NULL : keep(of, digest, sizeof digest, false);
  if (next_byte(of) == 7) {
    record.error_count = next_number(of);
    record.warning_count = next_number(of);
  }
  if (next_byte(of) == 7) record.size = older_size(of, sizeof record);
  fhx_reply_part(reply, &record);
}

static void give_attempt(script *of, fhx_reply *reply) {
  fhx_attempt_record record;
  FHX_INIT(&record);
  record.task_index = (uint32_t)next_number(of);
  record.fence = next_number(of);
  record.phase = (uint32_t)next_number(of);
  record.shard_index = (uint32_t)next_number(of);
  record.resource_type = next_text(of, "Patient");
  record.first_seq = next_number(of);
  record.last_seq = next_number(of);
  record.finished = (uint32_t)next_number(of);
  record.alive = (uint32_t)next_number(of);
  fhx_reply_attempt(reply, &record);
}

static void give(script *of, uint8_t kind, fhx_reply *reply) {
  size_t len = 0;
  switch (kind) {
    case 'd':
      fhx_reply_done(reply);
      break;
    case 'e':
      fhx_reply_end(reply);
      break;
    case 'w':
      fhx_reply_wait(reply, (int64_t)next_number(of));
      break;
    case 'f': {
      const int32_t status = -(int32_t)next_byte(of);
      fhx_reply_fail(reply, status, next_byte(of), next_text(of, "the disk is full"));
      break;
    }
    case 'j':
      give_job(of, reply);
      break;
    case 't':
      give_task(of, reply);
      break;
    case 'p':
      give_part(of, reply);
      break;
    case 'a':
      give_attempt(of, reply);
      break;
    case 'i': {
      const void *item = next_data(of, "item", &len, false);
      fhx_reply_item(reply, item, len);
      break;
    }
    case 'h':
      fhx_reply_handle(reply, NULL, next_byte(of));
      break;
    case 'n':
      fhx_reply_time(reply, (int64_t)next_number(of), (int64_t)next_number(of));
      break;
    default:
      fhx_reply_estimate(reply, next_number(of), next_number(of));
      break;
  }
}

/* Everything that is left of the script. */
static void answer(script *of, fhx_reply *reply) {
  for (int i = 0; i < ANSWERS_MAX && of->at < of->end; i++) {
    give(of, next_byte(of), reply);
    forget_texts(of);
  }
}

static void on_read_job(void *user_data, const char *job_id, fhx_reply *reply) {
  (void)job_id;
  answer(user_data, reply);
}

static void on_claim(void *user_data, const char *job_id, const char *claim_id, int64_t lease_us,
                     uint32_t attempts_max, fhx_reply *reply) {
  (void)job_id;
  (void)claim_id;
  (void)lease_us;
  (void)attempts_max;
  answer(user_data, reply);
}

static void on_read_task(void *user_data, const char *job_id, uint32_t task_index,
                         fhx_reply *reply) {
  (void)job_id;
  (void)task_index;
  answer(user_data, reply);
}

static void on_list(void *user_data, const char *job_id, uint32_t after_task, uint64_t after_number,
                    uint32_t limit, fhx_reply *reply) {
  (void)job_id;
  (void)after_task;
  (void)after_number;
  (void)limit;
  answer(user_data, reply);
}

static void on_list_lines(void *user_data, const char *job_id, uint64_t first, uint32_t limit,
                          fhx_reply *reply) {
  (void)job_id;
  (void)first;
  (void)limit;
  answer(user_data, reply);
}

static void on_list_members(void *user_data, const char *job_id, uint32_t list, const char *after,
                            uint32_t limit, fhx_reply *reply) {
  (void)job_id;
  (void)list;
  (void)after;
  (void)limit;
  answer(user_data, reply);
}

static void on_next_cleanup(void *user_data, int64_t keep_us, const char *after_job_id,
                            fhx_reply *reply) {
  (void)keep_us;
  (void)after_job_id;
  answer(user_data, reply);
}

static void on_create(void *user_data, const fhx_job_record *record, fhx_reply *reply) {
  (void)record;
  answer(user_data, reply);
}

static void on_renew(void *user_data, const char *job_id, uint32_t task_index, uint64_t fence,
                     uint64_t last_seq, uint64_t resource_count, int64_t lease_us,
                     fhx_reply *reply) {
  (void)job_id;
  (void)task_index;
  (void)fence;
  (void)last_seq;
  (void)resource_count;
  (void)lease_us;
  answer(user_data, reply);
}

static void on_plan(void *user_data, const fhx_plan *plan, fhx_reply *reply) {
  (void)plan;
  answer(user_data, reply);
}

static void on_checkpoint(void *user_data, const fhx_checkpoint *checkpoint, fhx_reply *reply) {
  (void)checkpoint;
  answer(user_data, reply);
}

static void on_release(void *user_data, const char *job_id, uint32_t task_index, uint64_t fence,
                       uint32_t how, uint32_t attempts_max, int32_t status, const char *reason,
                       fhx_reply *reply) {
  (void)job_id;
  (void)task_index;
  (void)fence;
  (void)how;
  (void)attempts_max;
  (void)status;
  (void)reason;
  answer(user_data, reply);
}

static void on_members(void *user_data, const fhx_members *members, fhx_reply *reply) {
  (void)members;
  answer(user_data, reply);
}

static fhx_store *make_store(script *lies) {
  fhx_store *made = NULL;
  fhx_store_callbacks callbacks;
  FHX_INIT(&callbacks);
  callbacks.create_job = on_create;
  callbacks.read_job = callbacks.remove_job = callbacks.clean_job = on_read_job;
  callbacks.claim_task = on_claim;
  callbacks.renew_task = on_renew;
  callbacks.plan_tasks = on_plan;
  callbacks.record_checkpoint = on_checkpoint;
  callbacks.release_task = on_release;
  callbacks.read_task = on_read_task;
  callbacks.list_parts = callbacks.list_attempts = on_list;
  callbacks.list_lines = on_list_lines;
  callbacks.next_cleanup = on_next_cleanup;
  callbacks.add_members = on_members;
  callbacks.list_members = on_list_members;
  must(fhx_store_new(&callbacks, lies, &made, NULL) == FHX_OK, "there is a store");
  return made;
}

/* --- what comes through --- */

/* Slowly, by the table of Unicode's chapter 3. */
static bool is_utf8(const char *text, size_t len) {
  for (size_t at = 0; at < len;) {
    uint32_t c = (unsigned char)text[at];
    size_t more = c < 0x80 ? 0 : c >= 0xF0 ? 3 : c >= 0xE0 ? 2 : 1;
    if ((c >= 0x80 && c < 0xC2) || c > 0xF4 || more >= len - at) return false;
    uint32_t point = more == 0 ? c : c & (0x3Fu >> more);
    for (size_t i = 1; i <= more; i++) {
      uint32_t next = (unsigned char)text[at + i];
      if (next < 0x80 || next > 0xBF) return false;
      point = point << 6 | (next & 0x3F);
    }
    static const uint32_t least[] = {0, 0x80, 0x800, 0x10000};
    if (point < least[more] || point > 0x10FFFF || (point >= 0xD800 && point < 0xE000)) {
      return false;
    }
    at += more + 1;
  }
  return true;
}

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
static const char word[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.";

static bool is_made_of(const char *text, const char *set, size_t len_max) {
  return strspn(text, set) == strlen(text) && strlen(text) <= len_max;
}

static void check_type(const char *type) {
  must(is_made_of(type, letters, 64), "a type is letters");
  must(*type == '\0' || (*type >= 'A' && *type <= 'Z'), "the first is a capital");
}

static void check_error(int32_t status, fhx_error **error) {
  must((status < 0) == (*error != NULL), "there is an error where one is due");
  if (*error != NULL) {
    const char *message = fhx_error_message(*error);
    must(fhx_error_status(*error) == status && *message != '\0', "and it says so");
    /* A host's own message may be cut in a character; ours are text. */
  }
  fhx_error_free(*error);
  *error = NULL;
}

static void check_definition(const char *text) {
  fhx__definition read, again;
  fhx__buffer json = {NULL, 0, 0}, second = {NULL, 0, 0};
  fhx_error *error = NULL;
  int32_t status = fhx__definition_read(text, &read, &error);
  check_error(status, &error);
  if (status == FHX_OK) {
    must(read.filter != NULL && read.filter->sealed, "what was read has its filter");
    must(read.attempts_max > 0 && read.depth_max > 0 && read.part_bytes > 0, "and its limits");
    must(fhx__definition_write(&read, &json, NULL) == FHX_OK, "it can be written");
    must(fhx__definition_read(json.data, &again, NULL) == FHX_OK, "and read again");
    must(fhx__definition_write(&again, &second, NULL) == FHX_OK, "and written again");
    must(json.len == second.len && memcmp(json.data, second.data, json.len) == 0, "the same");
    fhx__definition_free(&again);
  }
  fhx__definition_free(&read);
  fhx__buffer_free(&json);
  fhx__buffer_free(&second);
}

static void try_read_job(fhx_store *store) {
  fhx__job_entry entry = {0};
  fhx_error *error = NULL;
  const fhx_job_record *got = &entry.record;
  int32_t status = fhx__store_read_job(store, JOB, &entry, &error);
  check_error(status, &error);
  must(status == FHX_OK || (status < 0 && got->job_id == NULL && entry.texts.data == NULL),
       "there is a job or nothing");
  if (status == FHX_OK) {
    must(strcmp(got->job_id, JOB) == 0, "it is the one that was asked for");
    must(got->state >= FHX_JOB_RUNNING && got->state <= FHX_JOB_REMOVING, "its state is one");
    must(is_made_of(got->tenant, word, 64) && got->tenant[0] != '.', "its tenant is a name");
    must(strlen(got->client) <= 1024 && is_utf8(got->client, strlen(got->client)), "a client");
    must(is_utf8(got->request, strlen(got->request)), "the request is text");
    must(is_utf8(got->definition, strlen(got->definition)), "the definition is");
    must(is_utf8(got->reason, strlen(got->reason)), "the reason is");
    must(got->host_context_len <= FHX_OPAQUE_MAX, "the context is short");
    must(got->resolution_us > 0 && got->hold_us >= 0, "times go forward");
    must(got->task_done_count <= got->task_count && got->cleanup_due <= 1, "counts fit");
    must(got->resource_mark >= got->resource_count && got->reason_status <= 0, "progress is kept");
    check_definition(got->definition);
  }
  fhx__job_entry_free(&entry);
}

static void check_task(const fhx_task_record *got) {
  must(strcmp(got->job_id, JOB) == 0, "it is of the job that was asked for");
  must(got->state >= FHX_TASK_WAITING && got->state <= FHX_TASK_DONE, "its state is one");
  must(got->phase <= FHX_PHASE_FINISH, "its phase is one");
  check_type(got->resource_type);
  must(got->shard_len <= FHX_OPAQUE_MAX && got->token_len <= FHX_TOKEN_MAX, "its data are short");
  must((got->token != NULL || got->token_len == 0) && (got->shard != NULL || got->shard_len == 0),
       "and there");
  must(is_made_of(got->last_id, word, 64) && strchr(got->last_id, '_') == NULL, "an id or none");
  must(got->first_seq >= 1 && got->next_seq >= got->first_seq, "its numbers are in order");
  must(got->state != FHX_TASK_RUNNING || got->fence > 0, "what runs has a fence");
}

static void try_task(fhx_store *store, bool is_claim) {
  fhx__task_entry entry = {0};
  fhx_error *error = NULL;
  int64_t wait_us = -1;
  int32_t status = is_claim ? fhx__store_claim_task(store, JOB, "c", 1, 1, &entry, &wait_us, &error)
                            : fhx__store_read_task(store, JOB, 1, &entry, &error);
  check_error(status, &error);
  must(status <= 0 || is_claim, "only claims wait and end");
  must(status != FHX_WAIT || wait_us > 0, "a wait takes some time");
  if (status == FHX_OK) {
    check_task(&entry.record);
    must(!is_claim || entry.record.state == FHX_TASK_RUNNING, "what was claimed runs");
    must(is_claim || entry.record.task_index == 1, "what was read is what was asked for");
  } else {
    must(entry.record.job_id == NULL && entry.texts.data == NULL, "nothing else is there");
  }
  fhx__task_entry_free(&entry);
}

/* Whether (task, number) comes behind the place, which moves there. */
static bool leads_on(uint32_t *task, uint64_t *number, uint32_t next_task, uint64_t next_number) {
  bool is_behind = next_task > *task || (next_task == *task && next_number > *number);
  *task = next_task;
  *number = next_number;
  return is_behind;
}

static void try_parts(fhx_store *store) {
  fhx__buffer list = {NULL, 0, 0};
  fhx_error *error = NULL;
  uint32_t task = AFTER_TASK;
  uint64_t number = AFTER_NUMBER;
  int32_t status =
      fhx__store_list_parts(store, JOB, AFTER_TASK, AFTER_NUMBER, LIMIT, &list, &error);
  check_error(status, &error);
  must(status <= 0 && (status == FHX_OK || list.len == 0), "there is a list or nothing");
  const fhx_part *part = (const fhx_part *)(const void *)list.data;
  must(list.len / sizeof *part <= LIMIT, "it is as long as was asked for");
  for (size_t i = 0; i < list.len / sizeof *part; i++) {
    must(leads_on(&task, &number, part[i].task_index, part[i].seq), "it is in order");
    must(part[i].kind <= FHX_PART_DELETED && part[i].flags <= FHX_PART_CONTINUES, "a kind");
    must(memchr(part[i].name, '\0', sizeof part[i].name) != NULL, "a name that ends");
    must(is_made_of(part[i].name,
                    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                    "-_./",
                    FHX__PART_NAME_MAX),
         "of letters and digits");
    must(part[i].name[0] != '/' && strstr(part[i].name, "/.") == NULL &&
             strstr(part[i].name, "//") == NULL && part[i].name[0] != '.',
         "that leads nowhere else");
    check_type(part[i].resource_type);
    must(part[i].resource_count > 0 && part[i].byte_count > 0 && part[i].fence > 0, "not empty");
    must(part[i].encoding != FHX_ENCODING_GZIP || part[i].stored_byte_count > 0, "nor in gzip");
    must(part[i].encoding <= FHX_ENCODING_GZIP, "which is the only coding");
    must(!part[i].has_sha256 || part[i].sha256[2] == 3, "the digest is copied");
  }
  fhx__buffer_free(&list);
}

static void try_attempts(fhx_store *store) {
  fhx__buffer list = {NULL, 0, 0};
  fhx_error *error = NULL;
  uint32_t task = AFTER_TASK;
  uint64_t number = AFTER_NUMBER;
  int32_t status =
      fhx__store_list_attempts(store, JOB, AFTER_TASK, AFTER_NUMBER, LIMIT, &list, &error);
  check_error(status, &error);
  must(status <= 0 && (status == FHX_OK || list.len == 0), "there is a list or nothing");
  const fhx__attempt *attempt = (const fhx__attempt *)(const void *)list.data;
  must(list.len / sizeof *attempt <= LIMIT, "it is as long as was asked for");
  for (size_t i = 0; i < list.len / sizeof *attempt; i++) {
    must(leads_on(&task, &number, attempt[i].task_index, attempt[i].fence), "it is in order");
    must(attempt[i].phase <= FHX_PHASE_FINISH && attempt[i].first_seq > 0, "a phase, a number");
    /* One more than the last may exist, and is counted to. */
    must(attempt[i].last_seq + 1 >= attempt[i].first_seq && attempt[i].last_seq != UINT64_MAX,
         "numbers can be counted through");
    check_type(attempt[i].resource_type);
  }
  fhx__buffer_free(&list);
}

static void try_lines(fhx_store *store, bool are_members) {
  fhx_reply items;
  fhx_error *error = NULL;
  int32_t status = are_members ? fhx__store_list_members(store, JOB, FHX_MEMBERS_WANTED, AFTER_TEXT,
                                                         LIMIT, &items, &error)
                               : fhx__store_list_lines(store, JOB, 0, LIMIT, &items, &error);
  check_error(status, &error);
  must(status <= 0, "there is a list or an error");
  size_t before_len = strlen(AFTER_TEXT);
  const char *before = AFTER_TEXT;
  must(status != FHX_OK || fhx__reply_item_count(&items) <= LIMIT, "as long as was asked for");
  for (size_t i = 0; status == FHX_OK && are_members && i < fhx__reply_item_count(&items); i++) {
    size_t len = 0;
    const char *text = fhx__reply_item_at(&items, i, &len);
    int order = memcmp(before, text, before_len < len ? before_len : len);
    must(order < 0 || (order == 0 && before_len < len), "members are in order");
    must(is_utf8(text, len) && memchr(text, '\0', len) == NULL, "and text");
    before = text;
    before_len = len;
  }
  fhx__reply_end(&items);
}

static void try_cleanup(fhx_store *store) {
  char job_id[FHX__JOB_ID_LEN + 1] = "unchanged";
  fhx_error *error = NULL;
  int32_t status = fhx__store_next_cleanup(store, 1, AFTER_JOB, job_id, &error);
  check_error(status, &error);
  must(status <= 0 || status == FHX_END, "there is one, or none, or an error");
  if (status != FHX_OK) must(strcmp(job_id, "unchanged") == 0, "without one it stays");
  if (status == FHX_OK) {
    must(strlen(job_id) == FHX__JOB_ID_LEN && strspn(job_id, "0123456789abcdef") == strlen(job_id),
         "the next job has an id");
    must(strcmp(job_id, AFTER_JOB) > 0, "that leads on");
  }
}

static void try_change(fhx_store *store, uint8_t step) {
  fhx_error *error = NULL;
  int64_t wait_us = -1;
  int32_t status = step == 'c'   ? fhx__store_clean_job(store, JOB, &wait_us, &error)
                   : step == 'r' ? fhx__store_remove_job(store, JOB, &error)
                                 : fhx__store_renew_task(store, JOB, 1, 1, 1, 1, 1, &error);
  check_error(status, &error);
  must(status <= 0 || (step == 'c' && status == FHX_WAIT && wait_us > 0), "it is done or not");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size == 0) return 0;
  if (data[0] == 'd') {
    char *text = malloc(size);
    must(text != NULL, "there is memory");
    memcpy(text, data + 1, size - 1);
    text[size - 1] = '\0';
    check_definition(text);
    free(text);
    return 0;
  }
  script lies = {.at = data + 1, .end = data + size};
  fhx_store *store = make_store(&lies);
  switch (data[0]) {
    case 'j':
      try_read_job(store);
      break;
    case 't':
      try_task(store, false);
      break;
    case 'k':
      try_task(store, true);
      break;
    case 'p':
      try_parts(store);
      break;
    case 'a':
      try_attempts(store);
      break;
    case 'l':
      try_lines(store, false);
      break;
    case 'm':
      try_lines(store, true);
      break;
    case 'n':
      try_cleanup(store);
      break;
    default:
      try_change(store, data[0]);
      break;
  }
  fhx_store_free(store);
  return 0;
}
