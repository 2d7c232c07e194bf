/*
 * The manifest of jobs whose parts are made up: its keys by the versions of the IG, split blocks,
 * digests, pages of it, and how much memory it takes (MAN-01, MAN-06, MAN-08, MAN-09, MAN-12,
 * MAN-15, MAN-17 to MAN-20, MAN-23).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>
#include <fhirexport/filter.h>
#include <fhirexport/memory.h>
#include <malloc.h>
#include <yajl/yajl_tree.h>

#include "job/pages.h"
#include "job/run.h"
#include "manifest/manifest.h"
#include "support/memory.h"
#include "support/memory_source.h"
#include "support/require.h"

#define LEASE_US INT64_C(600000000)
#define NEXT_URL "https://fhir.example.org/r4/$export/j/pages/2"
/* Of the manifest's own list. */
#define LIST 100
#define RESPONSE_MAX ((size_t)256 * 1024)

/* --- a destination whose URLs differ each time, and have this length --- */

static uint64_t url_count;
static size_t url_len;

static void refuse(void *user_data, const char *name, fhx_reply *reply) {
  (void)user_data, (void)name;
  fhx_reply_fail(reply, FHX_ERR_IO, 0, "nothing is written here");
}

static void refuse_write(void *user_data, void *upload, const void *bytes, size_t len,
                         fhx_reply *reply) {
  (void)upload, (void)bytes, (void)len;
  refuse(user_data, NULL, reply);
}

static void refuse_commit(void *user_data, void *upload, const fhx_part *part, fhx_reply *reply) {
  (void)upload, (void)part;
  refuse(user_data, NULL, reply);
}

static void forget(void *user_data, void *upload) {
  (void)user_data, (void)upload;
}

static void give_url(void *user_data, const fhx_part *part, int64_t expires_us, fhx_reply *reply) {
  char url[4096];
  (void)user_data, (void)expires_us;
  int len = snprintf(url, sizeof url, "https://files.example.org/%s?n=%llu&", fhx_part_name(part),
                     (unsigned long long)++url_count);
  for (; (size_t)len < url_len; len++) url[len] = 'x';
  fhx_reply_item(reply, url, (size_t)len);
  fhx_reply_done(reply);
}

/* --- a job whose parts are recorded by hand --- */

typedef struct rig {
  test_dataset *data;
  test_source *source;
  fhx_job_options options;
  fhx_job *job;
} rig;

static void begin(rig *with, uint32_t flags) {
  fhx_destination_callbacks callbacks;
  test_source_knobs knobs;
  fhx_filter *filter = NULL;
  memset(with, 0, sizeof *with);
  memset(&knobs, 0, sizeof knobs);
  with->data = test_dataset_new(1, 1, 0);
  knobs.data = with->data;
  FHX_INIT(&callbacks);
  callbacks.part_open = refuse;
  callbacks.part_write = refuse_write;
  callbacks.part_commit = refuse_commit;
  callbacks.part_abort = forget;
  callbacks.part_url = give_url;
  callbacks.part_remove = refuse;
  FHX_INIT(&with->options);
  with->source = test_source_new(&knobs, &with->options.source);
  test_require_status(fhx_destination_new(&callbacks, NULL, &with->options.destination, NULL),
                      FHX_OK);
  test_require_status(fhx_filter_new(&filter, NULL), FHX_OK);
  test_require_status(fhx_filter_add_type(filter, "Patient", NULL), FHX_OK);
  with->options.filter = filter;
  with->options.flags = flags;
  with->options.request = "https://fhir.example.org/r4/$export";
  with->options.settle_us = -1;
  test_require_status(fhx_job_start(&with->options, &with->job, NULL), FHX_OK);
  fhx_filter_free(filter);
  url_count = 0;
  url_len = 0;
}

static void end(rig *with) {
  fhx_job_free(with->job);
  fhx_source_free(with->options.source);
  fhx_destination_free(with->options.destination);
  test_source_end(with->source);
  test_dataset_free(with->data);
}

static void claim(const rig *with, uint32_t task_index) {
  char claim_id[FHX__JOB_ID_LEN + 1];
  fhx__task_entry entry;
  int64_t wait_us = 0;
  memset(&entry, 0, sizeof entry);
  test_require_status(fhx__random_job_id(claim_id, NULL), FHX_OK);
  test_require_status(fhx__store_claim_task(with->job->store, fhx_job_id(with->job), claim_id,
                                            LEASE_US, 3, &entry, &wait_us, NULL),
                      FHX_OK);
  test_require(entry.record.task_index == task_index && entry.record.fence == 1);
  fhx__task_entry_free(&entry);
}

/* Tasks 1 and 2 of the main phase, 3 for deletions, 4 the last. */
static void plan(const rig *with) {
  static const uint32_t phases[] = {FHX_PHASE_MAIN, FHX_PHASE_MAIN, FHX_PHASE_DELETED,
                                    FHX_PHASE_FINISH};
  fhx_task_record tasks[4];
  claim(with, 0);
  for (uint32_t i = 0; i < 4; i++) {
    FHX_INIT(&tasks[i]);
    tasks[i].task_index = i + 1;
    tasks[i].phase = phases[i];
    tasks[i].resource_type = i < 2 ? "Patient" : "";
    tasks[i].shard_index = i == 1 ? 1 : 0;
  }
  const fhx_plan planned = {
      .job_id = fhx_job_id(with->job), .fence = 1, .tasks = tasks, .task_count = 4};
  test_require_status(fhx__store_plan_tasks(with->job->store, &planned, NULL), FHX_OK);
}

static fhx_part make_part(const rig *with, uint32_t task_index, uint64_t seq) {
  static const uint32_t kinds[] = {0, FHX_PART_OUTPUT, FHX_PART_OUTPUT, FHX_PART_DELETED,
                                   FHX_PART_ERROR};
  static const char *const types[] = {"", "Patient", "Patient", "Bundle", "OperationOutcome"};
  fhx_part part;
  memset(&part, 0, sizeof part);
  part.kind = kinds[task_index];
  part.task_index = task_index;
  part.fence = 1;
  part.seq = seq;
  part.resource_count = seq;
  part.byte_count = 100 * seq;
  snprintf(part.resource_type, sizeof part.resource_type, "%s", types[task_index]);
  snprintf(part.name, sizeof part.name, "%s/%s-%u-1-%llu.ndjson", fhx_job_id(with->job),
           types[task_index], task_index, (unsigned long long)seq);
  return part;
}

/* Records parts of a task that begin with this number; `done` ends it. */
static void record(const rig *with, const fhx_part *parts, uint32_t count, uint32_t task_index,
                   uint64_t seq, uint32_t done) {
  const fhx_checkpoint checkpoint = {.job_id = fhx_job_id(with->job),
                                     .task_index = task_index,
                                     .done = done,
                                     .fence = 1,
                                     .seq = seq,
                                     .next_seq = seq + (count == 0 ? 1 : count),
                                     .token = done ? NULL : "t",
                                     .token_len = done ? 0 : 1,
                                     .last_id = "",
                                     .parts = parts,
                                     .part_count = count};
  test_require_status(fhx__store_record_checkpoint(with->job->store, &checkpoint, NULL), FHX_OK);
}

/* `count` parts of a task that is claimed and ends with them, as `edit` changes each. */
static void fill(const rig *with, uint32_t task_index, uint32_t count,
                 void (*edit)(fhx_part *part)) {
  fhx_part *parts = calloc(count + 1, sizeof *parts);
  assert_non_null(parts);
  for (uint32_t i = 0; i < count; i++) {
    parts[i] = make_part(with, task_index, i + 1);
    if (edit != NULL) edit(&parts[i]);
  }
  claim(with, task_index);
  record(with, parts, count, task_index, 1, 1);
  free(parts);
}

/* All four tasks with so many parts each. */
static void complete(const rig *with, uint32_t first, uint32_t second, uint32_t deleted,
                     uint32_t errors, void (*edit)(fhx_part *part)) {
  plan(with);
  fill(with, 1, first, edit);
  fill(with, 2, second, edit);
  fill(with, 3, deleted, NULL);
  fill(with, 4, errors, NULL);
}

/* --- reading --- */

static int32_t read_all(fhx_manifest *manifest, char **text, size_t *len, fhx_error **error) {
  char piece[1000];
  size_t got = 0;
  int32_t status = FHX_OK;
  *text = NULL;
  *len = 0;
  while ((status = fhx_manifest_read(manifest, piece, sizeof piece, &got, error)) == FHX_OK) {
    *text = realloc(*text, *len + got + 1);
    assert_non_null(*text);
    memcpy(*text + *len, piece, got);
    *len += got;
    (*text)[*len] = '\0';
  }
  return status;
}

static int32_t open_page(const rig *with, uint32_t number, const char *next,
                         fhx_manifest **manifest, fhx_error **error) {
  const fhx__manifest_links links = {NULL, NULL, NULL, false, 0, 0};
  const fhx__manifest_page page = {number, next};
  return fhx__manifest_open(with->job, &links, number == 0 ? NULL : &page, manifest, error);
}

/* Page 0: the whole. */
static yajl_val read_page(const rig *with, uint32_t number, const char *next) {
  char *text = NULL, message[256] = "";
  size_t len = 0;
  fhx_manifest *manifest = NULL;
  test_require_status(open_page(with, number, next, &manifest, NULL), FHX_OK);
  test_require_status(read_all(manifest, &text, &len, NULL), FHX_END);
  fhx_manifest_free(manifest);
  yajl_val root = yajl_tree_parse(text, message, sizeof message);
  test_require(root != NULL);
  free(text);
  return root;
}

static yajl_val get(yajl_val object, const char *key) {
  const char *path[] = {key, NULL};
  return yajl_tree_get(object, path, yajl_t_any);
}

static const char *text_of(yajl_val object, const char *key) {
  yajl_val value = get(object, key);
  return YAJL_IS_STRING(value) ? YAJL_GET_STRING(value) : "";
}

static size_t length(yajl_val root, const char *list) {
  yajl_val value = get(root, list);
  test_require(YAJL_IS_ARRAY(value));
  return value->u.array.len;
}

static yajl_val item(yajl_val root, const char *list, size_t position) {
  test_require(position < length(root, list));
  return get(root, list)->u.array.values[position];
}

/* Exactly these keys, in this order, with a space between (MAN-01). */
static void check_keys(yajl_val object, const char *expected) {
  char keys[400] = "";
  test_require(YAJL_IS_OBJECT(object));
  for (size_t i = 0; i < object->u.object.len; i++) {
    size_t len = strlen(keys);
    snprintf(keys + len, sizeof keys - len, "%s%s", i == 0 ? "" : " ", object->u.object.keys[i]);
  }
  if (strcmp(keys, expected) != 0) print_error("%s\n", keys);
  test_require(strcmp(keys, expected) == 0);
}

#define KEYS "transactionTime request requiresAccessToken "

/* --- keys and lists --- */

/* MAN-01, MAN-08, MAN-12, MAN-15: no key without a reason, and each list has what is its own. */
static void test_lists(void **state) {
  (void)state;
  for (uint32_t deleted = 0; deleted <= 2; deleted++) {
    rig with;
    test_scenario("%u parts of deletions", deleted);
    begin(&with, 0);
    complete(&with, 2, 1, deleted, deleted, NULL);
    yajl_val root = read_page(&with, 0, NULL);
    check_keys(root, deleted == 0 ? KEYS "output error" : KEYS "output deleted error");
    test_require(length(root, "output") == 3 && length(root, "error") == deleted);
    for (size_t i = 0; i < 3; i++) {
      check_keys(item(root, "output", i), "type url count");
      test_require(strcmp(text_of(item(root, "output", i), "type"), "Patient") == 0);
    }
    for (size_t i = 0; i < deleted; i++) {
      check_keys(item(root, "deleted", i), "type url count");
      test_require(strcmp(text_of(item(root, "deleted", i), "type"), "Bundle") == 0);
      test_require(strcmp(text_of(item(root, "error", i), "type"), "OperationOutcome") == 0);
    }
    yajl_tree_free(root);
    end(&with);
  }
}

/* Only the error file, and only deletions: the lists in front are empty. */
static void test_empty_lists(void **state) {
  (void)state;
  for (uint32_t deleted = 0; deleted <= 1; deleted++) {
    rig with;
    begin(&with, 0);
    complete(&with, 0, 0, deleted, 1 - deleted, NULL);
    yajl_val root = read_page(&with, 0, NULL);
    test_require(length(root, "output") == 0 && length(root, "error") == 1 - deleted);
    test_require((get(root, "deleted") != NULL) == (deleted == 1));
    yajl_tree_free(root);
    end(&with);
  }
}

static void make_backwards(fhx_part *part) {
  if (part->seq == 1) part->kind = FHX_PART_ERROR;
}

/* A store that mixes up its parts does not pass them off as something else. */
static void test_disorder(void **state) {
  (void)state;
  rig with;
  char *text = NULL;
  size_t len = 0;
  fhx_manifest *manifest = NULL;
  fhx_error *error = NULL;
  begin(&with, 0);
  complete(&with, 2, 0, 0, 0, make_backwards);
  test_require_status(fhx_manifest_new(with.job, &manifest, NULL), FHX_OK);
  test_require_status(read_all(manifest, &text, &len, &error), FHX_ERR_STORE);
  fhx_error_free(error);
  char byte = 0;
  test_require_status(fhx_manifest_read(manifest, &byte, 1, &len, NULL), FHX_ERR_MISUSE);
  fhx_manifest_free(manifest);
  free(text);
  end(&with);
}

static void add_digest(fhx_part *part) {
  part->has_sha256 = true;
  memset(part->sha256, 0xA5, sizeof part->sha256);
}

static void pack(fhx_part *part) {
  size_t len = strlen(part->name);
  add_digest(part);
  part->encoding = FHX_ENCODING_GZIP;
  part->stored_byte_count = 7;
  snprintf(part->name + len, sizeof part->name - len, ".gz");
}

/* MAN-17: an object, where the job has digests; that of a packed part is of no use to clients. */
static void test_extension(void **state) {
  (void)state;
  rig with;
  begin(&with, FHX_JOB_SHA256);
  complete(&with, 1, 0, 0, 0, add_digest);
  yajl_val root = read_page(&with, 0, NULL), extension = get(item(root, "output", 0), "extension");
  check_keys(item(root, "output", 0), "type url count extension");
  check_keys(extension, "byteCount sha256");
  test_require(YAJL_GET_INTEGER(get(extension, "byteCount")) == 100);
  const char *digits = text_of(extension, "sha256");
  test_require(strlen(digits) == 64 && strspn(digits, "a5") == 64);
  yajl_tree_free(root);
  end(&with);
  begin(&with, FHX_JOB_SHA256 | FHX_JOB_GZIP);
  complete(&with, 1, 0, 0, 0, pack);
  root = read_page(&with, 0, NULL);
  check_keys(get(item(root, "output", 0), "extension"), "byteCount");
  yajl_tree_free(root);
  end(&with);
}

/* --- the ballot of version 4 --- */

#define BALLOT_KEYS "manifestType transactionTime requiresAccessToken outputFormat "
#define MODEL "http://hl7.org/fhir/uv/bulkdata/StructureDefinition/BulkDataManifest"

static void begin_ballot(rig *with, uint32_t flags) {
  begin(with, flags);
  with->job->definition.ig_version = FHX_IG_STU4_BALLOT;
}

static void add_severities(fhx_part *part) {
  part->error_count = part->seq - 1;
  part->warning_count = 1;
}

/* What a file of OperationOutcomes says of severities: how many there are of them. */
static void check_severities(yajl_val file, int64_t errors, int64_t warnings) {
  yajl_val counts = get(file, "countSeverity");
  int64_t told[2] = {0, 0};
  test_require(YAJL_IS_ARRAY(counts));
  for (size_t i = 0; i < counts->u.array.len; i++) {
    yajl_val one = counts->u.array.values[i];
    check_keys(one, "code count");
    bool is_error = strcmp(text_of(one, "code"), "error") == 0;
    test_require(is_error || strcmp(text_of(one, "code"), "warning") == 0);
    told[is_error ? 0 : 1] = YAJL_GET_INTEGER(get(one, "count"));
    test_require(told[is_error ? 0 : 1] > 0);
  }
  test_require(told[0] == errors && told[1] == warnings);
}

/* MAN-01, MAN-06, MAN-12, MAN-15, MAN-23: no `request`; `outcome` for `error`; no type where it is
   always the same. */
static void test_ballot_lists(void **state) {
  (void)state;
  rig with;
  begin_ballot(&with, 0);
  plan(&with);
  fill(&with, 1, 2, NULL);
  fill(&with, 2, 1, NULL);
  fill(&with, 3, 1, NULL);
  fill(&with, 4, 2, add_severities);
  yajl_val root = read_page(&with, 0, NULL);
  check_keys(root, BALLOT_KEYS "output deleted outcome");
  test_require(strcmp(text_of(root, "manifestType"), MODEL) == 0);
  test_require(strcmp(text_of(root, "outputFormat"), "application/fhir+ndjson") == 0);
  test_require(length(root, "output") == 3 && length(root, "outcome") == 2);
  check_keys(item(root, "output", 1), "type url count fileSize");
  test_require(YAJL_GET_INTEGER(get(item(root, "output", 1), "fileSize")) == 200);
  check_keys(item(root, "deleted", 0), "url count fileSize");
  check_keys(item(root, "outcome", 0), "url count fileSize countSeverity");
  check_severities(item(root, "outcome", 0), 0, 1);
  check_severities(item(root, "outcome", 1), 1, 1);
  yajl_tree_free(root);
  end(&with);
}

/* An export of nothing: what may be empty is left out, and `output` is there. */
static void test_ballot_of_nothing(void **state) {
  (void)state;
  rig with;
  begin_ballot(&with, 0);
  complete(&with, 0, 0, 0, 0, NULL);
  yajl_val root = read_page(&with, 0, NULL);
  check_keys(root, BALLOT_KEYS "output");
  test_require(length(root, "output") == 0);
  yajl_tree_free(root);
  end(&with);
}

/* Severities that a store does not know are not told. */
static void test_ballot_without_severities(void **state) {
  (void)state;
  rig with;
  begin_ballot(&with, 0);
  complete(&with, 0, 0, 0, 1, NULL);
  yajl_val root = read_page(&with, 0, NULL);
  check_keys(root, BALLOT_KEYS "output outcome");
  check_keys(item(root, "outcome", 0), "url count fileSize");
  yajl_tree_free(root);
  end(&with);
}

static void make_long(fhx_part *part) {
  part->byte_count = UINT64_C(2147483646) + part->seq;
}

/* FHIR's integers have 31 bits: the second file is too long for them. */
static void test_ballot_of_long_files(void **state) {
  (void)state;
  rig with;
  begin_ballot(&with, 0);
  complete(&with, 2, 0, 0, 0, make_long);
  yajl_val root = read_page(&with, 0, NULL);
  test_require(YAJL_GET_INTEGER(get(item(root, "output", 0), "fileSize")) == 2147483647);
  check_keys(item(root, "output", 1), "type url count");
  yajl_tree_free(root);
  end(&with);
}

/* MAN-17: an array of FHIR's Extensions. */
static void test_ballot_extension(void **state) {
  (void)state;
  rig with;
  begin_ballot(&with, FHX_JOB_SHA256);
  complete(&with, 1, 0, 0, 0, add_digest);
  yajl_val root = read_page(&with, 0, NULL);
  check_keys(item(root, "output", 0), "type url count fileSize extension");
  yajl_val extension = item(item(root, "output", 0), "extension", 0);
  check_keys(extension, "url valueString");
  test_require(strncmp(text_of(extension, "url"), "urn:uuid:", 9) == 0);
  const char *digits = text_of(extension, "valueString");
  test_require(strlen(digits) == 64 && strspn(digits, "a5") == 64);
  yajl_tree_free(root);
  end(&with);
  begin_ballot(&with, FHX_JOB_SHA256 | FHX_JOB_GZIP);
  complete(&with, 1, 0, 0, 0, pack);
  root = read_page(&with, 0, NULL);
  check_keys(item(root, "output", 0), "type url count fileSize");
  yajl_tree_free(root);
  end(&with);
}

/* --- organised by patients --- */

static void continue_some(fhx_part *part) {
  part->resource_type[0] = '\0';
  if (part->seq % 5 == 3 || part->seq % 5 == 4 || part->seq == LIST) {
    part->flags = FHX_PART_CONTINUES;
  }
}

/* MAN-18: an item says where it goes on, byte for byte as that one is shown. Returns how many do.
 */
static size_t check_continued(yajl_val root) {
  size_t count = length(root, "output"), continued = 0;
  for (size_t i = 0; i < count; i++) {
    yajl_val at = item(root, "output", i);
    uint64_t seq = (uint64_t)YAJL_GET_INTEGER(get(at, "count"));
    bool goes_on = seq % 5 == 3 || seq % 5 == 4 || seq == LIST;
    check_keys(at, goes_on ? "url count continuesInFile" : "url count");
    if (!goes_on) continue;
    continued++;
    if (i + 1 == count) continue;
    test_require(
        strcmp(text_of(at, "continuesInFile"), text_of(item(root, "output", i + 1), "url")) == 0);
  }
  return continued;
}

static void test_organized(void **state) {
  (void)state;
  rig with;
  begin(&with, 0);
  with.job->definition.by_patient = true;
  /* The last part of each task is whole; those on both sides of the list's border are not. */
  complete(&with, LIST + 32, 2, 1, 1, continue_some);
  yajl_val root = read_page(&with, 0, NULL);
  check_keys(root, KEYS "outputOrganizedBy output deleted error");
  test_require(strcmp(text_of(root, "outputOrganizedBy"), "Patient") == 0);
  test_require(length(root, "output") == LIST + 34);
  test_require(check_continued(root) == 53);
  check_keys(item(root, "deleted", 0), "type url count");
  check_keys(item(root, "error", 0), "type url count");
  /* Each URL was asked for once. */
  test_require(url_count == LIST + 36);
  yajl_tree_free(root);
  end(&with);
}

/* Also where the other part is on another page; each page asks for its own URLs, and that one. */
static void test_organized_pages(void **state) {
  (void)state;
  rig with;
  begin(&with, 0);
  with.job->definition.by_patient = true;
  complete(&with, LIST + 32, 2, 1, 1, continue_some);
  size_t continued = 0;
  uint64_t pages = 0;
  for (; fhx__job_add_page(with.job, (uint32_t)pages + 1, 3, 0, NULL) == FHX_OK; pages++) {
    yajl_val root = read_page(&with, (uint32_t)pages + 1, NULL);
    size_t count = length(root, "output");
    continued += check_continued(root);
    yajl_val last = count == 0 ? NULL : item(root, "output", count - 1);
    if (last != NULL && get(last, "continuesInFile") != NULL) {
      char name[40];
      snprintf(name, sizeof name, "-1-1-%lld.ndjson?", YAJL_GET_INTEGER(get(last, "count")) + 1);
      test_require(strstr(text_of(last, "continuesInFile"), name) != NULL);
    }
    yajl_tree_free(root);
  }
  test_require(pages == (LIST + 36) / 3 + 1 && continued == 53);
  end(&with);
}

static void never_end(fhx_part *part) {
  part->resource_type[0] = '\0';
  part->flags = FHX_PART_CONTINUES;
}

/* Where there is nothing to go on with, the record is wrong, and no manifest hides it. */
static void test_unfinished(void **state) {
  (void)state;
  for (uint32_t page = 0; page <= 1; page++) {
    for (uint32_t more = 0; more <= 1; more++) {
      rig with;
      char *text = NULL;
      size_t len = 0;
      fhx_manifest *manifest = NULL;
      fhx_error *error = NULL;
      test_scenario("page %u, %u more", page, more);
      begin(&with, 0);
      with.job->definition.by_patient = true;
      plan(&with);
      fill(&with, 1, 1, never_end);
      fill(&with, 2, more, continue_some);
      fill(&with, 3, 0, NULL);
      fill(&with, 4, 0, NULL);
      test_require_status(fhx__job_add_page(with.job, 1, 9, 0, NULL), FHX_OK);
      test_require_status(open_page(&with, page, NULL, &manifest, NULL), FHX_OK);
      test_require_status(read_all(manifest, &text, &len, &error), FHX_ERR_STORE);
      fhx_error_free(error);
      fhx_manifest_free(manifest);
      free(text);
      end(&with);
    }
  }
}

/* --- pages --- */

/* MAN-19, MAN-20: a page of a job that runs, the link, and that all agree but for their lists. */
static void test_pages(void **state) {
  (void)state;
  rig with;
  begin(&with, 0);
  plan(&with);
  claim(&with, 1);
  const fhx_part parts[] = {make_part(&with, 1, 1), make_part(&with, 1, 2)};
  record(&with, parts, 2, 1, 1, 0);
  test_require_status(fhx__job_add_page(with.job, 1, 1, 0, NULL), FHX_OK);
  test_require_status(fhx__job_add_page(with.job, 2, 1, 0, NULL), FHX_OK);
  yajl_val first = read_page(&with, 1, NEXT_URL), second = read_page(&with, 2, NULL);
  check_keys(first, KEYS "output error link");
  check_keys(second, KEYS "output error");
  test_require(length(first, "link") == 1);
  check_keys(item(first, "link", 0), "relation url");
  test_require(strcmp(text_of(item(first, "link", 0), "relation"), "next") == 0);
  test_require(strcmp(text_of(item(first, "link", 0), "url"), NEXT_URL) == 0);
  test_require(strcmp(text_of(first, "transactionTime"), text_of(second, "transactionTime")) == 0);
  test_require(strcmp(text_of(first, "request"), text_of(second, "request")) == 0);
  test_require(length(first, "output") == 1 && length(second, "output") == 1);
  /* The whole is not to be had as long as the job runs. */
  fhx_manifest *manifest = NULL;
  test_require_status(fhx_manifest_new(with.job, &manifest, NULL), FHX_ERR_MISUSE);
  yajl_tree_free(first);
  yajl_tree_free(second);
  end(&with);
}

/* --- memory --- */

static size_t live, peak;

static void weigh(size_t gone, size_t come) {
  live = live - gone + come;
  if (live > peak) peak = live;
}

static void *allocate(void *user_data, size_t byte_count) {
  (void)user_data;
  void *block = malloc(byte_count);
  weigh(0, malloc_usable_size(block));
  return block;
}

static void *reallocate(void *user_data, void *block, size_t byte_count) {
  (void)user_data;
  size_t gone = malloc_usable_size(block);
  void *moved = realloc(block, byte_count);
  assert_non_null(moved);
  weigh(gone, malloc_usable_size(moved));
  return moved;
}

static void release(void *user_data, void *block) {
  (void)user_data;
  weigh(malloc_usable_size(block), 0);
  free(block);
}

static void weigh_begin(void) {
  fhx_allocator allocator;
  FHX_INIT(&allocator);
  allocator.allocate = allocate;
  allocator.reallocate = reallocate;
  allocator.release = release;
  live = 0;
  test_require_status(fhx_set_allocator(&allocator, NULL), FHX_OK);
}

/* The most that an answer holds, beyond what was there before; the URLs are as long as those of
   object stores are. */
static size_t weigh_page(const rig *with, uint32_t number, size_t *item_count) {
  char piece[4096];
  size_t got = 0, quotes = 0;
  fhx_manifest *manifest = NULL;
  size_t before = live;
  peak = before;
  test_require_status(open_page(with, number, NEXT_URL, &manifest, NULL), FHX_OK);
  while (fhx_manifest_read(manifest, piece, sizeof piece, &got, NULL) == FHX_OK) {
    for (size_t i = 0; i < got; i++) quotes += piece[i] == '&' ? 1 : 0;
  }
  fhx_manifest_free(manifest);
  *item_count = quotes;
  return peak - before;
}

/* Architecture 4.12: at most 256 KiB a response, whatever it lists. */
static void test_memory(void **state) {
  (void)state;
  rig with;
  size_t count = 0, part_count = test_is_quick() ? 5000 : 100000;
  weigh_begin();
  begin(&with, FHX_JOB_SHA256);
  complete(&with, (uint32_t)part_count, 0, 0, 0, add_digest);
  url_len = 4000;
  size_t held = weigh_page(&with, 0, &count);
  if (held > RESPONSE_MAX) print_error("%zu bytes\n", held);
  test_require(count == part_count && held <= RESPONSE_MAX);
  for (uint32_t page = 1; page <= 2; page++) {
    test_require_status(fhx__job_add_page(with.job, page, 1000, 0, NULL), FHX_OK);
    held = weigh_page(&with, page, &count);
    test_require(count == 1000 && held <= RESPONSE_MAX);
  }
  end(&with);
  test_require_status(fhx_set_allocator(NULL, NULL), FHX_OK);
}

/* Every allocation of a page that ends in the middle of a block fails once: no leak, no half text
   that passes for a whole. */
static void test_out_of_memory(void **state) {
  (void)state;
  bool reached = true;
  for (uint64_t n = 1; reached; n++) {
    rig with;
    char *text = NULL;
    size_t len = 0;
    fhx_manifest *manifest = NULL;
    test_scenario("allocation %llu", (unsigned long long)n);
    test_memory_begin(0);
    begin(&with, FHX_JOB_SHA256);
    with.job->definition.by_patient = true;
    complete(&with, 5, 0, 1, 1, continue_some);
    test_require_status(fhx__job_add_page(with.job, 1, 3, 0, NULL), FHX_OK);
    test_memory_fail_next(n);
    int32_t status = open_page(&with, 1, NEXT_URL, &manifest, NULL);
    if (status == FHX_OK) status = read_all(manifest, &text, &len, NULL);
    fhx_manifest_free(manifest);
    reached = test_memory_has_failed();
    test_memory_recover();
    /* A step of the store is tried again. */
    test_require(status == FHX_END || (reached && status == FHX_ERR_NO_MEMORY));
    test_require(status != FHX_END || (text[len - 1] == '}' && strstr(text, NEXT_URL) != NULL));
    free(text);
    end(&with);
    test_memory_end();
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_lists),
      cmocka_unit_test(test_empty_lists),
      cmocka_unit_test(test_disorder),
      cmocka_unit_test(test_extension),
      cmocka_unit_test(test_organized),
      cmocka_unit_test(test_organized_pages),
      cmocka_unit_test(test_unfinished),
      cmocka_unit_test(test_pages),
      cmocka_unit_test(test_memory),
      cmocka_unit_test(test_out_of_memory),
      cmocka_unit_test(test_ballot_lists),
      cmocka_unit_test(test_ballot_of_nothing),
      cmocka_unit_test(test_ballot_without_severities),
      cmocka_unit_test(test_ballot_of_long_files),
      cmocka_unit_test(test_ballot_extension),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
