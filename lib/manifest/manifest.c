/*
 * The manifest of a complete job, a page of parts at a time (Bulk Data IG, "Response - Complete
 * Status"; MAN-01 to MAN-17). It is the only place that knows the IG's version.
 */
#include "manifest/manifest.h"

#include <string.h>

#include "core/alloc.h"
#include "core/clock.h"
#include "core/error.h"
#include "core/instant.h"
#include "core/json.h"
#include "destination/destination.h"
#include "job/run.h"

#define PAGE 100

typedef enum section { SECTION_HEAD, SECTION_OUTPUT, SECTION_ERROR, SECTION_END } section;

struct fhx_manifest {
  fhx_job *job;
  fhx__manifest_links links;
  section at;
  uint64_t after;
  fhx__json_writer writer;
  /* Written and not yet read. */
  fhx__buffer text;
  size_t read;
  bool broken;
};

static int64_t until(const fhx__manifest_links *links) {
  return links->patience_us == 0 ? 0 : fhx__clock_monotonic_us() + links->patience_us;
}

static int32_t check_state(fhx_job *job, const fhx__manifest_links *links, fhx_error **error) {
  fhx_progress *progress = NULL;
  int32_t status = fhx__job_progress(job, until(links), &progress, error);
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

static int32_t make(fhx_job *job, const fhx__manifest_links *links, fhx_manifest **made,
                    fhx_error **error) {
  int32_t status = check_state(job, links, error);
  if (status != FHX_OK) return status;
  fhx_manifest *manifest = fhx__alloc_zeroed(1, sizeof *manifest);
  if (manifest == NULL) return fhx__no_memory(error);
  manifest->job = fhx__job_ref(job);
  manifest->links = *links;
  fhx__json_begin(&manifest->writer, &manifest->text);
  *made = manifest;
  return FHX_OK;
}

int32_t fhx__manifest_open(fhx_job *job, const fhx__manifest_links *links, fhx_manifest **manifest,
                           fhx_error **error) {
  int32_t status = make(job, links, manifest, error);
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
  return make(job, &links, made, error);
}

static void write_head(fhx_manifest *manifest) {
  const fhx_job_record *record = manifest->job->record;
  fhx__json_writer *writer = &manifest->writer;
  char time[FHX__INSTANT_TEXT_MAX];
  fhx__instant_format(time, record->transaction_time_us, record->resolution_us);
  fhx__json_open_object(writer);
  fhx__json_member_text(writer, "transactionTime", time);
  fhx__json_member_text(writer, "request", record->request);
  fhx__json_key(writer, "requiresAccessToken");
  fhx__json_boolean(writer, manifest->links.requires_token);
  fhx__json_key(writer, "output");
  fhx__json_open_array(writer);
  manifest->at = SECTION_OUTPUT;
}

static void begin_errors(fhx_manifest *manifest) {
  fhx__json_close_array(&manifest->writer);
  fhx__json_key(&manifest->writer, "error");
  fhx__json_open_array(&manifest->writer);
  manifest->at = SECTION_ERROR;
}

static void write_tail(fhx_manifest *manifest) {
  if (manifest->at == SECTION_OUTPUT) begin_errors(manifest);
  fhx__json_close_array(&manifest->writer);
  fhx__json_close_object(&manifest->writer);
  manifest->at = SECTION_END;
}

static int32_t write_item(fhx_manifest *manifest, const fhx_part *part, fhx_error **error) {
  fhx__json_writer *writer = &manifest->writer;
  fhx__buffer url = {NULL, 0, 0};
  int32_t status = manifest->links.link != NULL
                       ? manifest->links.link(manifest->links.context, part, &url, error)
                       : fhx__destination_url(manifest->job->destination, part,
                                              manifest->links.expires_us, &url, error);
  if (status == FHX_OK && fhx__buffer_terminate(&url) != FHX_OK) status = fhx__no_memory(error);
  if (status == FHX_OK) {
    /* The finish phase has the last task of a job, so error files come behind all output. */
    if (part->kind == FHX_PART_ERROR && manifest->at == SECTION_OUTPUT) begin_errors(manifest);
    fhx__json_open_object(writer);
    fhx__json_member_text(writer, "type", part->resource_type);
    fhx__json_member_text(writer, "url", url.data);
    fhx__json_member_integer(writer, "count", part->resource_count);
    fhx__json_close_object(writer);
  }
  fhx__buffer_free(&url);
  return status;
}

static int32_t write_page(fhx_manifest *manifest, fhx_error **error) {
  fhx_part_page *page = NULL;
  int32_t status =
      fhx__job_parts(manifest->job, &manifest->after, PAGE, until(&manifest->links), &page, error);
  if (status == FHX_END) {
    write_tail(manifest);
    return FHX_OK;
  }
  for (uint32_t i = 0; status == FHX_OK && i < fhx_part_page_count(page); i++) {
    status = write_item(manifest, fhx_part_page_part(page, i), error);
  }
  fhx_part_page_free(page);
  return status;
}

/* Writes more of the manifest; FHX_END when there is no more. */
static int32_t produce(fhx_manifest *manifest, fhx_error **error) {
  int32_t status = FHX_OK;
  manifest->text.len = 0;
  manifest->read = 0;
  if (manifest->at == SECTION_END) return FHX_END;
  if (manifest->at == SECTION_HEAD) {
    write_head(manifest);
  } else {
    status = write_page(manifest, error);
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
  fhx__job_unref(manifest->job);
  if (manifest->links.release != NULL) manifest->links.release(manifest->links.context);
  fhx__free(manifest);
}
