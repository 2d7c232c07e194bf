/* What is asked about one blob besides its content. */
#include "azure/blob.h"

#include <stdio.h>
#include <string.h>

#include "core/alloc.h"
#include "core/error.h"
#include "transport/xml.h"

/* 50,000 blocks and their names. */
#define BLOCK_LIST_MAX ((size_t)16 << 20)

static const char look_failed[] = "the blob could not be looked at";
static const char drop_failed[] = "the blocks could not be dropped";
static const char remove_failed[] = "the blob could not be removed";
static const char no_blocks[] = "<?xml version=\"1.0\" encoding=\"utf-8\"?><BlockList></BlockList>";

char *fhx__azure_blob_name(const fhx__azure *azure, const char *name) {
  const size_t prefix_len = strlen(azure->settings.prefix), name_len = strlen(name);
  char *blob = fhx__alloc(prefix_len + name_len + 1);
  if (blob == NULL) return NULL;
  memcpy(blob, azure->settings.prefix, prefix_len);
  memcpy(blob + prefix_len, name, name_len + 1);
  return blob;
}

/* --- looking --- */

static bool read_length(const char *text, uint64_t *value) {
  *value = 0;
  if (text == NULL || *text == '\0' || strlen(text) > 18) return false;
  for (; *text != '\0'; text++) {
    if (*text < '0' || *text > '9') return false;
    *value = *value * 10 + (uint64_t)(*text - '0');
  }
  return true;
}

static int32_t read_sight(const fhx__azure_request *request, fhx__azure_sight *sight,
                          fhx_error **error) {
  if (fhx__azure_request_is_absent(request)) return FHX_OK;
  if (request->transfer.http_status != 200) return fhx__azure_request_fail(request, error);
  const char *length = fhx__transfer_header(&request->transfer, "content-length");
  const char *mark = fhx__transfer_header(&request->transfer, FHX__AZURE_MARK);
  if (!read_length(length, &sight->byte_count)) {
    return fhx__fail_with(error, FHX_ERR_DESTINATION, 1, "%s: the store did not say its length",
                          look_failed);
  }
  sight->is_there = true;
  if (mark != NULL && strlen(mark) == FHX__AZURE_MARK_LEN) {
    snprintf(sight->mark, sizeof sight->mark, "%s", mark);
  }
  return FHX_OK;
}

int32_t fhx__azure_blob_look(fhx__azure *azure, const char *blob, int64_t until_us,
                             fhx__azure_sight *sight, fhx_error **error) {
  fhx__azure_request request;
  *sight = (fhx__azure_sight){.is_there = false};
  fhx__azure_request_init(&request, azure, "HEAD", blob, look_failed);
  int32_t status = fhx__azure_request_run(&request, until_us, error);
  if (status == FHX_OK) status = read_sight(&request, sight, error);
  fhx__azure_request_end(&request);
  return status;
}

/* --- removing --- */

/* FHX_OK: *was_there says whether there was one. Not every account knows the header for snapshots,
   so it is sent only where there are some. */
static int32_t delete_once(fhx__azure *azure, const char *blob, int64_t until_us,
                           bool with_snapshots, bool *was_there, bool *has_snapshots,
                           fhx_error **error) {
  fhx__azure_request request;
  fhx__azure_request_init(&request, azure, "DELETE", blob, remove_failed);
  int32_t status = FHX_OK;
  if (with_snapshots) {
    status = fhx__azure_request_header(&request, "x-ms-delete-snapshots", "include");
  }
  if (status != FHX_OK) fhx__no_memory(error);
  if (status == FHX_OK) status = fhx__azure_request_run(&request, until_us, error);
  if (status == FHX_OK) {
    *was_there = fhx__azure_request_is_done(&request);
    *has_snapshots = !with_snapshots && fhx__azure_request_is(&request, "SnapshotsPresent");
    if (!*was_there && !*has_snapshots && !fhx__azure_request_is_absent(&request)) {
      status = fhx__azure_request_fail(&request, error);
    }
  }
  fhx__azure_request_end(&request);
  return status;
}

static int32_t delete_blob(fhx__azure *azure, const char *blob, int64_t until_us, bool *was_there,
                           fhx_error **error) {
  bool has_snapshots = false;
  int32_t status = delete_once(azure, blob, until_us, false, was_there, &has_snapshots, error);
  if (status != FHX_OK || !has_snapshots) return status;
  return delete_once(azure, blob, until_us, true, was_there, &has_snapshots, error);
}

/* A blob without blocks takes the place of those that were not committed. */
static int32_t put_empty(fhx__azure *azure, const char *blob, const char *mark, int64_t until_us,
                         fhx_error **error) {
  fhx__azure_request request;
  fhx__azure_request_init(&request, azure, "PUT", blob, drop_failed);
  fhx__azure_request_ask(&request, "comp", "blocklist");
  int32_t status = fhx__azure_request_header(&request, "if-none-match", "*");
  if (status == FHX_OK) status = fhx__azure_request_header(&request, FHX__AZURE_MARK, mark);
  if (status != FHX_OK) fhx__no_memory(error);
  if (status == FHX_OK) {
    status = fhx__azure_request_body(&request, no_blocks, sizeof no_blocks - 1, "application/xml",
                                     error);
  }
  if (status == FHX_OK) status = fhx__azure_request_run(&request, until_us, error);
  if (status == FHX_OK && !fhx__azure_request_is_done(&request)) {
    status = fhx__azure_request_fail(&request, error);
  }
  fhx__azure_request_end(&request);
  return status;
}

/* The one way to drop blocks at once: an empty blob is put, and goes. */
int32_t fhx__azure_blob_discard(fhx__azure *azure, const char *blob, int64_t until_us,
                                fhx_error **error) {
  fhx__azure_sight sight = {.is_there = false};
  char mark[FHX__AZURE_MARK_LEN + 1];
  bool was_there = false;
  fhx_error *fault = NULL;
  int32_t status = fhx__random_job_id(mark, error);
  if (status != FHX_OK) return status;
  status = put_empty(azure, blob, mark, until_us, &fault);
  /* It may be the very one, if the answer was lost. */
  if (status == FHX_ERR_EXISTS &&
      fhx__azure_blob_look(azure, blob, until_us, &sight, NULL) == FHX_OK && sight.is_there &&
      strcmp(sight.mark, mark) == 0) {
    fhx__clear_error(&fault);
    status = FHX_OK;
  }
  if (status == FHX_OK) return delete_blob(azure, blob, until_us, &was_there, error);
  return fhx__azure_hand_over(status, fault, error);
}

/* Ends the reading at the first block. */
static int32_t see_block(void *context, const char *path, const char *text) {
  (void)text;
  if (strcmp(path, "BlockList/UncommittedBlocks/Block") != 0) return FHX_OK;
  *(bool *)context = true;
  return FHX_ERR_CANCELLED;
}

/* Who may not read is told nothing, and takes it that there are some. */
static int32_t has_blocks(fhx__azure *azure, const char *blob, int64_t until_us, bool *found,
                          fhx_error **error) {
  fhx__azure_request request;
  fhx__azure_request_init(&request, azure, "GET", blob, remove_failed);
  fhx__azure_request_ask(&request, "blocklisttype", "uncommitted");
  fhx__azure_request_ask(&request, "comp", "blocklist");
  request.transfer.answer_max = BLOCK_LIST_MAX;
  *found = false;
  int32_t status = fhx__azure_request_run(&request, until_us, error);
  if (status == FHX_OK && request.transfer.http_status == 403) {
    *found = true;
  } else if (status == FHX_OK && fhx__azure_request_is_done(&request)) {
    status = fhx__xml_read(request.transfer.answer.data, request.transfer.answer.len, see_block,
                           found, NULL);
    if (*found) status = FHX_OK;
    if (status != FHX_OK) {
      status = fhx__fail_with(error, FHX_ERR_DESTINATION, 1,
                              "%s: what the store answered is not a list of blocks", remove_failed);
    }
  } else if (status == FHX_OK && !fhx__azure_request_is_absent(&request)) {
    status = fhx__azure_request_fail(&request, error);
  }
  fhx__azure_request_end(&request);
  return status;
}

int32_t fhx__azure_blob_remove(fhx__azure *azure, const char *blob, int64_t until_us,
                               fhx_error **error) {
  bool found = false;
  int32_t status = delete_blob(azure, blob, until_us, &found, error);
  if (status != FHX_OK || found) return status;
  status = has_blocks(azure, blob, until_us, &found, error);
  if (status != FHX_OK || !found) return status;
  return fhx__azure_blob_discard(azure, blob, until_us, error);
}

/* --- trying --- */

/* Three requests under a name that no blob has. Rights are looked at before conditions: who has
   them is told that there is no such blob. */
typedef struct trial {
  const char *method;
  const char *what;
  bool is_conditional;
} trial;

static const trial trials[] = {
    {"PUT", "blobs cannot be written", true},
    {"HEAD", "blobs cannot be read", false},
    {"DELETE", "blobs cannot be removed", true},
};
#define TRIAL_COUNT (sizeof trials / sizeof *trials)

static int32_t fill_trial(fhx__azure_request *request, const trial *one, fhx_error **error) {
  static const char body[] = "x";
  int32_t status = FHX_OK;
  if (one->is_conditional) {
    status = fhx__azure_request_header(request, "if-match", "\"0x8D0000000000000\"");
  }
  if (status == FHX_OK && strcmp(one->method, "PUT") == 0) {
    status = fhx__azure_request_header(request, "x-ms-blob-type", "BlockBlob");
    if (status == FHX_OK) {
      return fhx__azure_request_body(request, body, 1, "application/octet-stream", error);
    }
  }
  return status == FHX_OK ? FHX_OK : fhx__no_memory(error);
}

static int32_t judge_trial(const fhx__azure_request *request, fhx_error **error) {
  bool is_met =
      fhx__azure_request_is(request, "ConditionNotMet") || request->transfer.http_status == 412 ||
      fhx__azure_request_is(request, "BlobNotFound") || fhx__azure_request_is_done(request);
  return is_met ? FHX_OK : fhx__azure_request_fail(request, error);
}

/* Beside each other, since a client waits. */
static int32_t run_trials(fhx__azure_request *requests, int64_t until_us, fhx_error **error) {
  int32_t status = FHX_OK;
  size_t started = 0;
  for (; status == FHX_OK && started < TRIAL_COUNT; started++) {
    requests[started].transfer.until_us = until_us;
    status = fill_trial(&requests[started], &trials[started], error);
    if (status == FHX_OK) status = fhx__azure_request_start(&requests[started], error);
    if (status != FHX_OK) break;
  }
  for (size_t i = 0; i < started; i++) {
    if (status == FHX_OK) status = fhx__azure_request_wait(&requests[i], true, error);
    if (status == FHX_OK) status = judge_trial(&requests[i], error);
  }
  for (size_t i = 0; i < started; i++) fhx__azure_request_cancel(&requests[i]);
  if (started < TRIAL_COUNT) fhx__azure_request_end(&requests[started]);
  return status;
}

int32_t fhx__azure_blob_try(fhx__azure *azure, int64_t until_us, fhx_error **error) {
  fhx__azure_request requests[TRIAL_COUNT];
  char id[FHX__JOB_ID_LEN + 1];
  char name[sizeof ".trial-" + FHX__JOB_ID_LEN];
  int32_t status = fhx__random_job_id(id, error);
  if (status == FHX_OK) status = fhx__azure_tokens_renew(&azure->tokens, until_us, error);
  if (status != FHX_OK) return status;
  snprintf(name, sizeof name, ".trial-%s", id);
  char *blob = fhx__azure_blob_name(azure, name);
  if (blob == NULL) return fhx__no_memory(error);
  for (size_t i = 0; i < TRIAL_COUNT; i++) {
    fhx__azure_request_init(&requests[i], azure, trials[i].method, blob, trials[i].what);
  }
  status = run_trials(requests, until_us, error);
  fhx__free(blob);
  return status;
}
