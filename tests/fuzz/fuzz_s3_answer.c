/* Answers of a store: the first byte says with which status they come. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/alloc.h"
#include "s3/answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Every answer but "done" has a sentence. */
static void check_error(uint32_t http_status, const uint8_t *body, size_t len) {
  fhx__s3_answer answer;
  fhx_error *error = NULL;
  fhx__s3_answer_read(&answer, http_status, body, len);
  if (answer.code == FHX__S3_DONE) {
    if (http_status < 200 || http_status > 299) abort();
    return;
  }
  if (fhx__s3_answer_fail(&answer, "a right", 0, &error) >= 0) abort();
  if (fhx_error_message(error)[0] == '\0') abort();
  fhx_error_free(error);
}

static void check_documents(const uint8_t *body, size_t len) {
  fhx__s3_uploads uploads;
  char *id = NULL;
  memset(&uploads, 0, sizeof uploads);
  if (fhx__s3_read_upload_id(body, len, &id, NULL) == FHX_OK && id[0] == '\0') abort();
  if (fhx__s3_read_uploads(body, len, "j/a", &uploads, NULL) == FHX_OK && uploads.ids.len > 0 &&
      uploads.ids.data[uploads.ids.len - 1] != '\0') {
    abort();
  }
  fhx__s3_uploads_end(&uploads);
  fhx__free(id);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const uint32_t statuses[] = {200, 204, 301, 400, 403, 404, 409, 412, 500, 503};
  if (size == 0) return 0;
  check_error(statuses[data[0] % 10], data + 1, size - 1);
  check_documents(data + 1, size - 1);
  return 0;
}
