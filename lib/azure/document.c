/* Documents of a container. A PUT whose answer was lost is repeated: it says the same. */
#include "azure/document.h"

#include "azure/request.h"
#include "core/error.h"

#define DOCUMENT_MAX ((size_t)16 << 20)

static const char put_failed[] = "the document could not be written";
static const char get_failed[] = "the document could not be read";

int32_t fhx__azure_document_put(fhx__azure *azure, const char *blob, const void *data, size_t len,
                                const char *media_type, const char *cache_control, int64_t until_us,
                                fhx_error **error) {
  fhx__azure_request request;
  fhx__azure_request_init(&request, azure, "PUT", blob, put_failed);
  int32_t status = fhx__azure_request_header(&request, "x-ms-blob-type", "BlockBlob");
  if (status == FHX_OK) {
    status = fhx__azure_request_header(&request, "x-ms-blob-content-type", media_type);
  }
  if (status == FHX_OK) {
    status = fhx__azure_request_header(&request, "x-ms-blob-cache-control", cache_control);
  }
  if (status != FHX_OK) fhx__no_memory(error);
  if (status == FHX_OK) {
    status = fhx__azure_request_body(&request, data, len, "application/octet-stream", error);
  }
  if (status == FHX_OK) status = fhx__azure_request_run(&request, until_us, error);
  if (status == FHX_OK && !fhx__azure_request_is_done(&request)) {
    status = fhx__azure_request_fail(&request, error);
  }
  fhx__azure_request_end(&request);
  return status;
}

int32_t fhx__azure_document_get(fhx__azure *azure, const char *blob, int64_t until_us,
                                fhx__buffer *text, fhx_error **error) {
  fhx__azure_request request;
  fhx__azure_request_init(&request, azure, "GET", blob, get_failed);
  request.transfer.answer_max = DOCUMENT_MAX;
  int32_t status = fhx__azure_request_run(&request, until_us, error);
  const fhx__buffer *answer = &request.transfer.answer;
  if (status == FHX_OK && fhx__azure_request_is(&request, "BlobNotFound")) {
    status = fhx__fail(error, FHX_ERR_NOT_FOUND, "there is no document of this name");
  } else if (status == FHX_OK && !fhx__azure_request_is_done(&request)) {
    status = fhx__azure_request_fail(&request, error);
  } else if (status == FHX_OK && fhx__buffer_append(text, answer->data, answer->len) != FHX_OK) {
    status = fhx__no_memory(error);
  }
  fhx__azure_request_end(&request);
  return status;
}
