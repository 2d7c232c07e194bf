/* Downloads of the files that the engine serves (Bulk Data IG, "Output File Request"). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/error.h"
#include "job/run.h"
#include "protocol/response.h"
#include "protocol/service.h"

#define CONTENT_TYPE "application/fhir+ndjson"

static const char *parameter(const fhx__target *target, const char *name) {
  for (size_t i = 0; i < target->parameter_count; i++) {
    if (strcmp(target->parameters[i].name, name) == 0) return target->parameters[i].value;
  }
  return NULL;
}

static bool read_expires(const char *text, uint64_t *expires) {
  char *end = NULL;
  if (text == NULL || *text < '0' || *text > '9' || strlen(text) > 12) return false;
  *expires = strtoull(text, &end, 10);
  return *end == '\0';
}

/* What a job's record says of who may have its files. */
typedef struct owner {
  char tenant[FHX__ID_MAX + 2];
  bool found;
  bool may_read;
  /* The job's parts are in gzip. */
  bool is_packed;
} owner;

static int32_t find_owner(fhx__call *call, const char *job_id, owner *of, fhx_error **error) {
  fhx_job *job = NULL;
  fhx_progress *progress = NULL;
  memset(of, 0, sizeof *of);
  if (strlen(job_id) != FHX__JOB_ID_LEN || !fhx__is_job_id(job_id)) return FHX_OK;
  int32_t status = FHX_OK;
  if (call->service->files_need_token) {
    status = fhx__visible_job(call, job_id, &job, &progress, error);
    of->may_read = status == FHX_OK;
  } else {
    /* The record as it is now: another process may have cancelled the job. */
    status = fhx__job_attach(&call->service->job_options, job_id, call->until_us, &job, error);
    of->may_read = status == FHX_OK && job->record->state != FHX_JOB_REMOVING &&
                   !fhx__service_has_expired(call->service, job->record->ended_us);
  }
  fhx_progress_free(progress);
  if (status == FHX_ERR_NOT_FOUND) {
    fhx__clear_error(error);
    return FHX_OK;
  }
  if (status != FHX_OK) return status;
  of->found = true;
  of->is_packed = (job->definition.flags & FHX_JOB_GZIP) != 0;
  memcpy(of->tenant, job->record->tenant, strlen(job->record->tenant) + 1);
  fhx__job_unref(job);
  return FHX_OK;
}

static int32_t no_file(fhx_response **response, fhx_error **error) {
  return fhx__response_outcome(404, "error", "not-found", "there is no such file", response, error);
}

/* FHX_OK when the link is good; else the response is set and the answer FHX_END. */
static int32_t check_link(fhx__call *call, const char *job_id, const char *file, const owner *of,
                          fhx_response **response, fhx_error **error) {
  uint64_t expires = 0;
  const char *signature = parameter(&call->target, "signature");
  bool has_expiry = read_expires(parameter(&call->target, "expires"), &expires);
  fhx__link link = {of->tenant, job_id, file, expires};
  int32_t status = FHX_END;
  if (!of->found || !of->may_read) {
    int32_t made = no_file(response, error);
    return made == FHX_OK ? FHX_END : made;
  }
  if (signature == NULL || !has_expiry ||
      !fhx__link_verify(&call->service->keys, &link, signature)) {
    status =
        fhx__response_outcome(403, "error", "forbidden",
                              "the link is not one that this server has signed", response, error);
  } else if ((int64_t)expires <= fhx__clock_now_us() / 1000000) {
    status = fhx__response_outcome(410, "error", "expired",
                                   "the link has expired: poll the status URL for a fresh one",
                                   response, error);
  } else {
    return FHX_OK;
  }
  return status == FHX_OK ? FHX_END : status;
}

/* --- the answer --- */

/* What is sent of a file: its bytes as they are stored, or what they hold. */
typedef struct content {
  /* The part is in gzip: what is sent depends on Accept-Encoding. */
  bool is_negotiated;
  fhx__coding coding;
  char etag[FHX__PART_NAME_MAX + sizeof "\"\".gz"];
  uint64_t byte_count;
  int descriptor;
  /* What the file holds is sent, not its bytes. */
  fhx__gzip_reader *unpacked;
} content;

static int32_t unsatisfiable(uint64_t byte_count, fhx_response **response, fhx_error **error) {
  char range[40];
  snprintf(range, sizeof range, "bytes */%llu", (unsigned long long)byte_count);
  int32_t status = fhx__response_outcome(416, "error", "value", "the range lies behind the file",
                                         response, error);
  return status == FHX_OK ? fhx__response_extend(response, error, "Content-Range", range) : status;
}

static int32_t not_acceptable(fhx_response **response, fhx_error **error) {
  int32_t status = fhx__response_outcome(
      406, "error", "not-supported",
      "Accept-Encoding: the file can be sent as it is or in gzip; admit one of them", response,
      error);
  return status == FHX_OK ? fhx__response_extend(response, error, "Vary", "Accept-Encoding")
                          : status;
}

/* A cache must not give to one client what was negotiated with another (FILE-07). Where there is
   nothing to negotiate, there is nothing to vary. */
static int32_t add_coding(fhx_response *made, const content *of, fhx_error **error) {
  if (!of->is_negotiated) return FHX_OK;
  int32_t status = fhx__response_add(made, error, "Vary", "Accept-Encoding");
  if (status != FHX_OK || of->coding != FHX__CODING_GZIP) return status;
  return fhx__response_add(made, error, "Content-Encoding", "gzip");
}

static int32_t add_headers(fhx_response *made, const content *of, fhx_error **error) {
  int32_t status = fhx__response_add(made, error, "Content-Type", CONTENT_TYPE);
  if (status == FHX_OK) status = add_coding(made, of, error);
  if (status == FHX_OK) {
    status =
        fhx__response_add(made, error, "Content-Length", "%llu", (unsigned long long)made->length);
  }
  if (status == FHX_OK) status = fhx__response_add(made, error, "Accept-Ranges", "bytes");
  if (status == FHX_OK) status = fhx__response_add(made, error, "ETag", "%s", of->etag);
  if (status == FHX_OK) {
    status = fhx__response_add(made, error, "Cache-Control", "private, max-age=3600, immutable");
  }
  if (status == FHX_OK && made->status == 206) {
    status = fhx__response_add(
        made, error, "Content-Range", "bytes %llu-%llu/%llu", (unsigned long long)made->offset,
        (unsigned long long)(made->offset + made->length - 1), (unsigned long long)of->byte_count);
  }
  return status;
}

/* Whether a Range header counts: for GET alone (RFC 9110, 14.2), and If-Range must name the
   validator of what is sent (FILE-13). */
static const char *range_header(const fhx__call *call, const content *of) {
  const fhx_request *request = call->request;
  const char *range = fhx__header(request->headers, request->header_count, "Range");
  const char *condition = fhx__header(request->headers, request->header_count, "If-Range");
  if (call->head) return NULL;
  return range == NULL || condition == NULL || strcmp(condition, of->etag) == 0 ? range : NULL;
}

/* A response of this content has taken it over; a refusal has not. */
static int32_t answer_content(fhx__call *call, content *of, fhx_response **response,
                              fhx_error **error) {
  fhx_response *made = NULL;
  int32_t status = fhx__response_new(200, &made, error);
  if (status != FHX_OK) return status;
  int32_t ranged =
      fhx__range_read(range_header(call, of), of->byte_count, &made->offset, &made->length);
  if (ranged == FHX_ERR_LIMIT) {
    fhx_response_free(made);
    return unsatisfiable(of->byte_count, response, error);
  }
  if (ranged == FHX_OK) made->status = 206;
  if (ranged != FHX_OK) made->offset = 0;
  if (ranged != FHX_OK) made->length = of->byte_count;
  status = add_headers(made, of, error);
  if (status != FHX_OK) {
    fhx_response_free(made);
    return status;
  }
  made->descriptor = of->descriptor;
  made->unpacked = of->unpacked;
  if (made->unpacked != NULL) fhx__gzip_reader_seek(made->unpacked, made->offset);
  of->descriptor = -1;
  of->unpacked = NULL;
  *response = made;
  return FHX_OK;
}

/* The name at the destination. */
static int32_t object_name(const char *job_id, const char *file, const owner *of, fhx__buffer *name,
                           fhx_error **error) {
  int32_t status = FHX_OK;
  if (*of->tenant != '\0') {
    status = fhx__buffer_append_text(name, of->tenant);
    if (status == FHX_OK) status = fhx__buffer_append_text(name, "/");
  }
  if (status == FHX_OK) status = fhx__buffer_append_text(name, job_id);
  if (status == FHX_OK) status = fhx__buffer_append_text(name, "/");
  if (status == FHX_OK) status = fhx__buffer_append_text(name, file);
  if (status == FHX_OK && of->is_packed) status = fhx__buffer_append_text(name, ".gz");
  if (status == FHX_OK) status = fhx__buffer_terminate(name);
  return status == FHX_OK ? FHX_OK : fhx__no_memory(error);
}

static int32_t open_content(fhx__call *call, const char *name, content *of, fhx_error **error) {
  int32_t status = fhx__destination_file(call->service->job_options.destination, name,
                                         &of->descriptor, &of->byte_count, error);
  if (status != FHX_OK || !of->is_negotiated) return status;
  status = fhx__gzip_reader_open(of->descriptor, of->byte_count, fhx__gzip_codec_best(),
                                 &of->unpacked, error);
  if (status != FHX_OK) return status;
  const fhx__gzip_extent extent = *fhx__gzip_reader_extent(of->unpacked);
  if (of->coding == FHX__CODING_IDENTITY) {
    of->byte_count = extent.held;
    return FHX_OK;
  }
  /* The index behind it is ours alone. */
  of->byte_count = extent.stored;
  fhx__gzip_reader_close(of->unpacked);
  of->unpacked = NULL;
  return FHX_OK;
}

static int32_t serve(fhx__call *call, const char *job_id, const char *file, const owner *of,
                     fhx_response **response, fhx_error **error) {
  const fhx_request *request = call->request;
  content sent = {of->is_packed, FHX__CODING_IDENTITY, "", 0, -1, NULL};
  fhx__buffer name = {NULL, 0, 0};
  fhx_error *fault = NULL;
  if (of->is_packed) sent.coding = fhx__coding_read(request->headers, request->header_count);
  if (sent.coding == FHX__CODING_NONE) return not_acceptable(response, error);
  /* A part's name is used once and its bytes never change (FILE-14). The two codings differ in
     theirs, so each has a validator of its own. */
  snprintf(sent.etag, sizeof sent.etag, "\"%s%s\"", file,
           sent.coding == FHX__CODING_GZIP ? ".gz" : "");
  int32_t status = object_name(job_id, file, of, &name, &fault);
  if (status == FHX_OK) status = open_content(call, name.data, &sent, &fault);
  fhx__buffer_free(&name);
  if (status == FHX_OK) {
    status = answer_content(call, &sent, response, error);
  } else if (status == FHX_ERR_NOT_FOUND) {
    status = no_file(response, error);
  } else {
    status = fhx__response_fault(fault, response, error);
  }
  fhx__gzip_reader_close(sent.unpacked);
  if (sent.descriptor >= 0) close(sent.descriptor);
  fhx_error_free(fault);
  return status;
}

int32_t fhx__answer_file(fhx__call *call, const char *job_id, const char *file,
                         fhx_response **response, fhx_error **error) {
  owner of;
  fhx_error *fault = NULL;
  if (!call->service->serves_files || strchr(file, '/') != NULL || !fhx__is_part_name(file)) {
    return no_file(response, error);
  }
  int32_t status = find_owner(call, job_id, &of, &fault);
  if (status != FHX_OK) {
    status = fhx__response_fault(fault, response, error);
    fhx_error_free(fault);
    return status;
  }
  status = check_link(call, job_id, file, &of, response, error);
  if (status == FHX_END) return FHX_OK;
  return status == FHX_OK ? serve(call, job_id, file, &of, response, error) : status;
}
