/*
 * The manifest of a job, whole or a page of it, written while it is read (Bulk Data IG, "Response -
 * Output Manifest"; MAN-01 to MAN-23). It is the only place that knows the manifest of the IG's
 * versions: 1 to 3, which go together, and the ballot of 4.
 */
#include "manifest/manifest.h"

#include <string.h>

#include "core/alloc.h"
#include "core/clock.h"
#include "core/digest.h"
#include "core/error.h"
#include "core/instant.h"
#include "core/json.h"
#include "core/part.h"
#include "destination/destination.h"
#include "job/pages.h"
#include "job/run.h"
#include "job/steps.h"
#include "manifest/collection.h"

/* So many parts are asked for at once, and about so much is written before it is read. Both bound
   the memory of an answer, which does not grow with the number of parts. */
#define LIST_MAX 100
#define PIECE ((size_t)16 * 1024)

#define FORMAT "application/fhir+ndjson"
/* The ballot's sizes are FHIR's integers, of 31 bits: a file that is longer has none. */
#define SIZE_MAX_TOLD UINT64_C(2147483647)
/* The url of the extension that has a file's SHA-256, as hexadecimal digits. */
#define SHA256_EXTENSION "urn:uuid:9557208d-43ec-405e-a021-b213517ea757"

/* How the manifests of the IG's versions differ. */
typedef struct form {
  /* The canonical of the model that it follows; NULL: it names none, nor the files' format. */
  const char *type;
  /* The list of files with OperationOutcomes, and whether it is there if there are none. */
  const char *outcome_key;
  bool has_empty_outcome;
  bool has_request;
  /* Files of deletions and of OperationOutcomes have a type, which is always the same. */
  bool has_fixed_types;
  /* Files have their length, those with OperationOutcomes how many there are of each severity, and
     extensions are FHIR's. */
  bool has_sizes;
} form;

static const form form_of_stu3 = {NULL, "error", true, true, true, false};
static const form form_of_stu4_ballot = {
    "http://hl7.org/fhir/uv/bulkdata/StructureDefinition/BulkDataManifest",
    "outcome",
    false,
    false,
    false,
    true};

/* What is published follows the same rules (PUB-02). */
static const form form_of_published = {
    "http://hl7.org/fhir/uv/bulkdata/StructureDefinition/BulkPublishManifest",
    "outcome",
    false,
    false,
    false,
    true};

/* In the order of the document. */
typedef enum section {
  SECTION_HEAD,
  SECTION_OUTPUT,
  SECTION_DELETED,
  SECTION_ERROR,
  SECTION_END
} section;

/* A part that is listed, and its URL in this answer. */
typedef struct listed {
  fhx_part part;
  fhx__buffer url;
  bool is_there;
} listed;

struct fhx_manifest {
  /* What it is of, one of these two: a job, or parts that no store has recorded. The other is NULL,
     and what is the same of both is behind. */
  fhx_job *job;
  fhx__collection *collection;
  fhx_destination *destination;
  const char *request;
  int64_t transaction_time_us;
  int64_t resolution_us;
  bool by_patient;
  bool has_digests;
  const form *form;
  /* Of what is published; NULL: none is told. */
  const char *update_cadence;
  fhx__manifest_links links;
  /* 0: the whole. */
  uint32_t page;
  char *next_url;
  section at;
  /* What was listed last, and how much of it was taken. */
  fhx_part_page *list;
  uint32_t taken;
  uint64_t after;
  uint32_t after_task;
  uint64_t after_seq;
  /* Taken and not yet written: it may have to name the one behind it. */
  listed held;
  fhx__json_writer writer;
  /* Written and not yet read. */
  fhx__buffer text;
  size_t read;
  bool broken;
};

static int64_t until(const fhx__manifest_links *links) {
  return links->patience_us == 0 ? 0 : fhx__clock_monotonic_us() + links->patience_us;
}

static const form *form_of(uint32_t ig_version) {
  return ig_version == FHX_IG_STU4_BALLOT ? &form_of_stu4_ballot : &form_of_stu3;
}

/* --- opening --- */

int32_t fhx__manifest_check_job(fhx_job *job, int64_t until_us, fhx_error **error) {
  fhx_progress *progress = NULL;
  int32_t status = fhx__job_progress(job, until_us, &progress, error);
  if (status != FHX_OK) return status;
  switch (fhx_progress_state(progress)) {
    case FHX_JOB_COMPLETE:
      break;
    case FHX_JOB_RUNNING:
      status = fhx__fail(error, FHX_ERR_MISUSE, "the job still runs: it has no manifest yet");
      break;
    case FHX_JOB_FAILED:
      status = fhx__fail(error, FHX_ERR_JOB_FAILED, "%s", fhx_progress_reason(progress));
      break;
    default:
      status = fhx__fail(error, FHX_ERR_NOT_FOUND, "there is no such job");
      break;
  }
  fhx_progress_free(progress);
  return status;
}

/* The links are the caller's until this has succeeded. */
static int32_t make(fhx_job *job, const fhx__manifest_links *links, const fhx__manifest_page *page,
                    fhx_manifest **made, fhx_error **error) {
  /* What is on a page is there to stay; who asks for one has seen the job's state. */
  int32_t status = page == NULL ? fhx__manifest_check_job(job, until(links), error) : FHX_OK;
  if (status != FHX_OK) return status;
  fhx_manifest *manifest = fhx__alloc_zeroed(1, sizeof *manifest);
  if (manifest == NULL) return fhx__no_memory(error);
  if (page != NULL) {
    manifest->page = page->number;
    manifest->next_url = page->next_url == NULL ? NULL : fhx__copy_text(page->next_url);
    if (page->next_url != NULL && manifest->next_url == NULL) {
      fhx__free(manifest);
      return fhx__no_memory(error);
    }
  }
  manifest->job = fhx__job_ref(job);
  manifest->destination = job->destination;
  manifest->request = job->record->request;
  manifest->transaction_time_us = job->record->transaction_time_us;
  manifest->resolution_us = job->record->resolution_us;
  manifest->by_patient = job->definition.by_patient;
  manifest->has_digests = (job->definition.flags & FHX_JOB_SHA256) != 0;
  manifest->form = form_of(job->definition.ig_version);
  manifest->links = *links;
  fhx__json_begin(&manifest->writer, &manifest->text);
  *made = manifest;
  return FHX_OK;
}

int32_t fhx__manifest_open(fhx_job *job, const fhx__manifest_links *links,
                           const fhx__manifest_page *page, fhx_manifest **manifest,
                           fhx_error **error) {
  int32_t status = make(job, links, page, manifest, error);
  if (status != FHX_OK && links->release != NULL) links->release(links->context);
  return status;
}

int32_t fhx_manifest_new(fhx_job *job, fhx_manifest **made, fhx_error **error) {
  if (job == NULL || made == NULL) {
    return fhx__fail(error, FHX_ERR_ARGUMENT, "there is no job, or no place for its manifest");
  }
  uint32_t flags = fhx__destination_flags(job->destination);
  fhx__manifest_links links = {NULL, NULL, NULL, (flags & FHX_DESTINATION_REQUIRES_TOKEN) != 0,
                               0,    0};
  return make(job, &links, NULL, made, error);
}

int32_t fhx_manifest_of_parts(const fhx_manifest_options *options,
                              const fhx_part_record *const *parts, uint64_t count,
                              fhx_manifest **made, fhx_error **error) {
  fhx__collection *collection = NULL;
  if (made == NULL || (parts == NULL && count != 0)) {
    return fhx__fail(error, FHX_ERR_ARGUMENT, "there are no parts, or no place for the manifest");
  }
  int32_t status = fhx__collection_new(options, parts, count, &collection, error);
  if (status != FHX_OK) return status;
  fhx_manifest *manifest = fhx__alloc_zeroed(1, sizeof *manifest);
  if (manifest == NULL) {
    fhx__collection_free(collection);
    return fhx__no_memory(error);
  }
  uint32_t flags = fhx__destination_flags(collection->destination);
  manifest->collection = collection;
  manifest->destination = collection->destination;
  manifest->request = collection->request;
  manifest->transaction_time_us = collection->transaction_time_us;
  manifest->resolution_us = collection->resolution_us;
  manifest->has_digests = (collection->flags & FHX_MANIFEST_DIGESTS) != 0;
  manifest->form = form_of(collection->ig_version);
  manifest->links.requires_token = (flags & FHX_DESTINATION_REQUIRES_TOKEN) != 0;
  manifest->links.expires_us = collection->expires_us;
  fhx__json_begin(&manifest->writer, &manifest->text);
  *made = manifest;
  return FHX_OK;
}

/* --- writing --- */

/* What all pages have alike, in the object that is open from here on. */
static void write_start(fhx_manifest *manifest) {
  fhx__json_writer *writer = &manifest->writer;
  char time[FHX__INSTANT_TEXT_MAX];
  fhx__instant_format(time, manifest->transaction_time_us, manifest->resolution_us);
  fhx__json_open_object(writer);
  if (manifest->form->type != NULL) {
    fhx__json_member_text(writer, "manifestType", manifest->form->type);
  }
  fhx__json_member_text(writer, "transactionTime", time);
  if (manifest->update_cadence != NULL) {
    fhx__json_member_text(writer, "updateCadence", manifest->update_cadence);
  }
  if (manifest->form->has_request) fhx__json_member_text(writer, "request", manifest->request);
  fhx__json_key(writer, "requiresAccessToken");
  fhx__json_boolean(writer, manifest->links.requires_token);
  if (manifest->form->type != NULL) fhx__json_member_text(writer, "outputFormat", FORMAT);
  if (manifest->by_patient) {
    fhx__json_member_text(writer, "outputOrganizedBy", "Patient");
  }
}

static void begin_output(fhx_manifest *manifest) {
  fhx__json_key(&manifest->writer, "output");
  fhx__json_open_array(&manifest->writer);
  manifest->at = SECTION_OUTPUT;
}

/* Goes on to a later list, behind the one that is open. */
static void enter(fhx_manifest *manifest, section list) {
  if (manifest->at == list) return;
  fhx__json_close_array(&manifest->writer);
  fhx__json_key(&manifest->writer,
                list == SECTION_DELETED ? "deleted" : manifest->form->outcome_key);
  fhx__json_open_array(&manifest->writer);
  manifest->at = list;
}

/* It is the last member: who publishes puts another URL into its place. */
static void write_next_link(fhx__json_writer *writer, const char *url) {
  fhx__json_key(writer, "link");
  fhx__json_open_array(writer);
  fhx__json_open_object(writer);
  fhx__json_member_text(writer, "relation", "next");
  fhx__json_member_text(writer, "url", url);
  fhx__json_close_object(writer);
  fhx__json_close_array(writer);
}

static void write_tail(fhx_manifest *manifest) {
  if (manifest->form->has_empty_outcome) enter(manifest, SECTION_ERROR);
  fhx__json_close_array(&manifest->writer);
  if (manifest->next_url != NULL) write_next_link(&manifest->writer, manifest->next_url);
  fhx__json_close_object(&manifest->writer);
  manifest->at = SECTION_END;
}

/* For those who check what they have fetched (MAN-17). The digest is of the stored bytes, so that
   of a part that is unpacked on its way it would be of no use. */
static bool find_digest(const fhx_part *part, char digits[2 * FHX__SHA256_LEN + 1]) {
  const uint8_t *sha256 = fhx_part_sha256(part);
  if (sha256 == NULL || fhx_part_encoding(part) != FHX_ENCODING_NONE) return false;
  fhx__hex(digits, sha256, FHX__SHA256_LEN);
  return true;
}

static void write_extension(fhx__json_writer *writer, const fhx_part *part) {
  char digits[2 * FHX__SHA256_LEN + 1];
  fhx__json_key(writer, "extension");
  fhx__json_open_object(writer);
  fhx__json_member_integer(writer, "byteCount", fhx_part_byte_count(part));
  if (find_digest(part, digits)) fhx__json_member_text(writer, "sha256", digits);
  fhx__json_close_object(writer);
}

/* The same as FHIR's Extension; the length has a key of its own. */
static void write_fhir_extension(fhx__json_writer *writer, const fhx_part *part) {
  char digits[2 * FHX__SHA256_LEN + 1];
  if (!find_digest(part, digits)) return;
  fhx__json_key(writer, "extension");
  fhx__json_open_array(writer);
  fhx__json_open_object(writer);
  fhx__json_member_text(writer, "url", SHA256_EXTENSION);
  fhx__json_member_text(writer, "valueString", digits);
  fhx__json_close_object(writer);
  fhx__json_close_array(writer);
}

static void write_size(fhx__json_writer *writer, const fhx_part *part) {
  uint64_t size = fhx_part_byte_count(part);
  if (size <= SIZE_MAX_TOLD) fhx__json_member_integer(writer, "fileSize", size);
}

static void write_severity(fhx__json_writer *writer, const char *code, uint64_t count) {
  if (count == 0) return;
  fhx__json_open_object(writer);
  fhx__json_member_text(writer, "code", code);
  fhx__json_member_integer(writer, "count", count);
  fhx__json_close_object(writer);
}

/* How many there are of each severity, if that is known (MAN-23). */
static void write_severities(fhx__json_writer *writer, const fhx_part *part) {
  uint64_t errors = fhx_part_error_count(part), warnings = fhx_part_warning_count(part);
  if (errors == 0 && warnings == 0) return;
  fhx__json_key(writer, "countSeverity");
  fhx__json_open_array(writer);
  write_severity(writer, "error", errors);
  write_severity(writer, "warning", warnings);
  fhx__json_close_array(writer);
}

/* What a file has by the form: its length, severities and digest. */
static void write_facts(fhx_manifest *manifest, const fhx_part *part) {
  fhx__json_writer *writer = &manifest->writer;
  if (!manifest->form->has_sizes) {
    if (manifest->has_digests) write_extension(writer, part);
    return;
  }
  write_size(writer, part);
  write_severities(writer, part);
  if (manifest->has_digests) write_fhir_extension(writer, part);
}

/* `continues_in`: the URL of the part that it goes on in, or NULL. */
static void write_item(fhx_manifest *manifest, const listed *item, const char *continues_in) {
  const fhx_part *part = &item->part;
  fhx__json_writer *writer = &manifest->writer;
  fhx__json_open_object(writer);
  if (part->kind == FHX_PART_OUTPUT ? !manifest->by_patient : manifest->form->has_fixed_types) {
    fhx__json_member_text(writer, "type", part->resource_type);
  }
  fhx__json_member_text(writer, "url", item->url.data);
  fhx__json_member_integer(writer, "count", part->resource_count);
  if (continues_in != NULL) fhx__json_member_text(writer, "continuesInFile", continues_in);
  write_facts(manifest, part);
  fhx__json_close_object(writer);
}

static section section_of(const fhx_part *part) {
  if (part->kind == FHX_PART_OUTPUT) return SECTION_OUTPUT;
  return part->kind == FHX_PART_DELETED ? SECTION_DELETED : SECTION_ERROR;
}

static bool continues(const listed *item) {
  return item->is_there && (item->part.flags & FHX_PART_CONTINUES) != 0;
}

/* Writes the part that is held; `next` is the one behind it, or NULL. */
static int32_t write_held(fhx_manifest *manifest, const listed *next, fhx_error **error) {
  const listed *held = &manifest->held;
  if (!held->is_there) return FHX_OK;
  if (section_of(&held->part) < manifest->at) {
    return fhx__fail(error, FHX_ERR_STORE,
                     "the job's parts are not listed in the order of their phases");
  }
  if (continues(held) && (next == NULL || next->part.task_index != held->part.task_index)) {
    return fhx__fail(error, FHX_ERR_STORE,
                     "a part goes on in another that the job's record does not have");
  }
  enter(manifest, section_of(&held->part));
  write_item(manifest, held, continues(held) ? next->url.data : NULL);
  return FHX_OK;
}

/* --- parts --- */

/* A URL is asked for once in an answer: the destination may give another at the next time. */
static int32_t take_url(fhx_manifest *manifest, listed *item, fhx_error **error) {
  int32_t status =
      manifest->links.link != NULL
          ? manifest->links.link(manifest->links.context, &item->part, &item->url, error)
          : fhx__destination_url(manifest->destination, &item->part, manifest->links.expires_us,
                                 &item->url, error);
  if (status == FHX_OK && fhx__buffer_terminate(&item->url) != FHX_OK) {
    return fhx__no_memory(error);
  }
  return status;
}

/* Holds a part, and writes the one that was held. */
static int32_t take_part(fhx_manifest *manifest, const fhx_part *part, fhx_error **error) {
  listed item = {*part, {NULL, 0, 0}, true};
  int32_t status = take_url(manifest, &item, error);
  if (status == FHX_OK) status = write_held(manifest, &item, error);
  if (status != FHX_OK) {
    fhx__buffer_free(&item.url);
    return status;
  }
  fhx__buffer_free(&manifest->held.url);
  manifest->held = item;
  return FHX_OK;
}

/* Of the last part on a page, what it goes on in is on another page, or will be. */
static int32_t write_split(fhx_manifest *manifest, fhx_error **error) {
  const fhx_part *held = &manifest->held.part;
  fhx__buffer parts = {NULL, 0, 0};
  listed next = {.is_there = false};
  int32_t status = fhx__step_list_parts(manifest->job, held->task_index, held->seq, 1,
                                        until(&manifest->links), &parts, error);
  if (status == FHX_OK && parts.len != 0) {
    memcpy(&next.part, parts.data, sizeof next.part);
    next.is_there = true;
    status = take_url(manifest, &next, error);
  }
  if (status == FHX_OK) status = write_held(manifest, next.is_there ? &next : NULL, error);
  fhx__buffer_free(&next.url);
  fhx__buffer_free(&parts);
  return status;
}

static int32_t list_more(fhx_manifest *manifest, fhx_error **error) {
  int64_t until_us = until(&manifest->links);
  fhx_part_page_free(manifest->list);
  manifest->list = NULL;
  manifest->taken = 0;
  if (manifest->page == 0) {
    return fhx__job_parts(manifest->job, &manifest->after, LIST_MAX, until_us, &manifest->list,
                          error);
  }
  return fhx__job_page_parts(manifest->job, manifest->page, &manifest->after_task,
                             &manifest->after_seq, LIST_MAX, until_us, &manifest->list, error);
}

static int32_t write_end(fhx_manifest *manifest, fhx_error **error) {
  bool is_split = manifest->page != 0 && continues(&manifest->held);
  int32_t status = is_split ? write_split(manifest, error) : write_held(manifest, NULL, error);
  if (status == FHX_OK) write_tail(manifest);
  return status;
}

/* `taken` then counts those of the whole. */
static int32_t write_collection(fhx_manifest *manifest, fhx_error **error) {
  const fhx__collection *collection = manifest->collection;
  int32_t status = FHX_OK;
  if (manifest->taken == fhx__collection_count(collection)) return write_end(manifest, error);
  while (status == FHX_OK && manifest->text.len < PIECE &&
         manifest->taken < fhx__collection_count(collection)) {
    status = take_part(manifest, fhx__collection_part(collection, manifest->taken++), error);
  }
  return status;
}

static int32_t write_parts(fhx_manifest *manifest, fhx_error **error) {
  int32_t status = FHX_OK;
  if (manifest->collection != NULL) return write_collection(manifest, error);
  if (manifest->taken == fhx_part_page_count(manifest->list)) status = list_more(manifest, error);
  if (status == FHX_END) return write_end(manifest, error);
  while (status == FHX_OK && manifest->text.len < PIECE &&
         manifest->taken < fhx_part_page_count(manifest->list)) {
    status = take_part(manifest, fhx_part_page_part(manifest->list, manifest->taken++), error);
  }
  return status;
}

/* --- published pages --- */

static int32_t write_lists(fhx_manifest *manifest, const fhx__published_page *page,
                           fhx_error **error) {
  int32_t status = FHX_OK;
  begin_output(manifest);
  for (uint32_t i = 0; status == FHX_OK && i < fhx_part_page_count(page->parts); i++) {
    status = take_part(manifest, fhx_part_page_part(page->parts, i), error);
  }
  if (status == FHX_OK) status = write_held(manifest, NULL, error);
  fhx__json_close_array(&manifest->writer);
  return status;
}

int32_t fhx__manifest_publish(const fhx__published_page *page, fhx__buffer *text,
                              fhx_error **error) {
  fhx_manifest manifest;
  int32_t status = FHX_OK;
  memset(&manifest, 0, sizeof manifest);
  manifest.form = &form_of_published;
  manifest.transaction_time_us = page->transaction_time_us;
  manifest.resolution_us = page->resolution_us;
  manifest.update_cadence = page->update_cadence;
  manifest.has_digests = true;
  manifest.links = page->links;
  fhx__json_begin(&manifest.writer, text);
  write_start(&manifest);
  if (!page->is_stub) status = write_lists(&manifest, page, error);
  if (page->next_url != NULL) write_next_link(&manifest.writer, page->next_url);
  fhx__json_close_object(&manifest.writer);
  int32_t written = fhx__json_end(&manifest.writer);
  fhx__buffer_free(&manifest.held.url);
  if (status != FHX_OK || written == FHX_OK) return status;
  if (written == FHX_ERR_NO_MEMORY) return fhx__no_memory(error);
  return fhx__fail(error, written, "a page cannot be written as JSON");
}

/* --- reading --- */

/* Writes more of the manifest; FHX_END when there is no more. */
static int32_t produce(fhx_manifest *manifest, fhx_error **error) {
  int32_t status = FHX_OK;
  manifest->text.len = 0;
  manifest->read = 0;
  if (manifest->at == SECTION_END) return FHX_END;
  if (manifest->at == SECTION_HEAD) {
    write_start(manifest);
    begin_output(manifest);
  } else {
    status = write_parts(manifest, error);
  }
  manifest->broken = status != FHX_OK || manifest->writer.status != FHX_OK;
  if (status != FHX_OK || manifest->writer.status == FHX_OK) return status;
  if (manifest->writer.status == FHX_ERR_NO_MEMORY) return fhx__no_memory(error);
  return fhx__fail(error, manifest->writer.status,
                   "the manifest holds text that is not UTF-8 and cannot be written as JSON");
}

int32_t fhx_manifest_read(fhx_manifest *manifest, void *buffer, size_t capacity, size_t *len,
                          fhx_error **error) {
  if (manifest == NULL || buffer == NULL || capacity == 0 || len == NULL) {
    return fhx__fail(error, FHX_ERR_ARGUMENT,
                     "a manifest is read into a buffer of at least 1 byte");
  }
  *len = 0;
  if (manifest->broken) {
    return fhx__fail(error, FHX_ERR_MISUSE, "reading the manifest has failed: open it anew");
  }
  while (manifest->read == manifest->text.len) {
    int32_t status = produce(manifest, error);
    if (status != FHX_OK) return status;
  }
  size_t left = manifest->text.len - manifest->read;
  *len = left < capacity ? left : capacity;
  memcpy(buffer, manifest->text.data + manifest->read, *len);
  manifest->read += *len;
  return FHX_OK;
}

void fhx_manifest_free(fhx_manifest *manifest) {
  if (manifest == NULL) return;
  fhx__json_end(&manifest->writer);
  fhx__buffer_free(&manifest->text);
  fhx__buffer_free(&manifest->held.url);
  fhx_part_page_free(manifest->list);
  fhx__free(manifest->next_url);
  if (manifest->job != NULL) fhx__job_unref(manifest->job);
  fhx__collection_free(manifest->collection);
  if (manifest->links.release != NULL) manifest->links.release(manifest->links.context);
  fhx__free(manifest);
}
