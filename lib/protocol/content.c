/* What is sent of a file, by the headers of its request (FILE-06, FILE-07, FILE-12, FILE-13). */
#include "protocol/content.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/error.h"
#include "destination/destination.h"

int32_t fhx__content_open(fhx_destination *destination, const char *name, fhx__content *of,
                          fhx_error **error) {
  int32_t status =
      fhx__destination_file(destination, name, &of->descriptor, &of->byte_count, error);
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

static int32_t unsatisfiable(uint64_t byte_count, fhx_response **response, fhx_error **error) {
  char range[40];
  snprintf(range, sizeof range, "bytes */%llu", (unsigned long long)byte_count);
  int32_t status = fhx__response_outcome(416, "error", "value", "the range lies behind the file",
                                         response, error);
  return status == FHX_OK ? fhx__response_extend(response, error, "Content-Range", range) : status;
}

int32_t fhx__content_not_acceptable(fhx_response **response, fhx_error **error) {
  int32_t status = fhx__response_outcome(
      406, "error", "not-supported",
      "Accept-Encoding: the file can be sent as it is or in gzip; admit one of them", response,
      error);
  return status == FHX_OK ? fhx__response_extend(response, error, "Vary", "Accept-Encoding")
                          : status;
}

/* A cache must not give to one client what was negotiated with another (FILE-07). Where there is
   nothing to negotiate, there is nothing to vary. */
static int32_t add_coding(fhx_response *made, const fhx__content *of, fhx_error **error) {
  if (!of->is_negotiated) return FHX_OK;
  int32_t status = fhx__response_add(made, error, "Vary", "Accept-Encoding");
  if (status != FHX_OK || of->coding != FHX__CODING_GZIP) return status;
  return fhx__response_add(made, error, "Content-Encoding", "gzip");
}

static int32_t add_headers(fhx_response *made, const fhx__content *of, fhx_error **error) {
  int32_t status = fhx__response_add(made, error, "Content-Type", "application/fhir+ndjson");
  if (status == FHX_OK) status = add_coding(made, of, error);
  if (status == FHX_OK) {
    status =
        fhx__response_add(made, error, "Content-Length", "%llu", (unsigned long long)made->length);
  }
  if (status == FHX_OK) status = fhx__response_add(made, error, "Accept-Ranges", "bytes");
  if (status == FHX_OK) status = fhx__response_add(made, error, "ETag", "%s", of->etag);
  if (status == FHX_OK) {
    status = fhx__response_add(made, error, "Cache-Control", "%s", of->cache_control);
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
static const char *range_header(const fhx_request *request, const fhx__content *of) {
  const char *range = fhx__header(request->headers, request->header_count, "Range");
  const char *condition = fhx__header(request->headers, request->header_count, "If-Range");
  if (strcmp(request->method, "HEAD") == 0) return NULL;
  return range == NULL || condition == NULL || strcmp(condition, of->etag) == 0 ? range : NULL;
}

int32_t fhx__content_answer(const fhx_request *request, fhx__content *of, fhx_response **response,
                            fhx_error **error) {
  fhx_response *made = NULL;
  int32_t status = fhx__response_new(200, &made, error);
  if (status != FHX_OK) return status;
  int32_t ranged =
      fhx__range_read(range_header(request, of), of->byte_count, &made->offset, &made->length);
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

void fhx__content_close(fhx__content *of) {
  fhx__gzip_reader_close(of->unpacked);
  if (of->descriptor >= 0) close(of->descriptor);
}
